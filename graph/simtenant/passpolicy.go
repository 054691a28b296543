package simtenant

import (
	"slices"
	"time"

	"twokey/graph"
)

// passPolicy is what the tenant says about Temporary Access Passes.
func (v *view) passPolicy() graph.PassPolicy {
	configs := v.state.methods.configs
	d := configs[slices.IndexFunc(configs, func(d document) bool { return d["id"] == passConfigID })]
	once, _ := d["isUsableOnce"].(bool)
	return graph.PassPolicy{
		Enabled: d["state"] == "enabled", OnceOnly: once, Length: whole(d["defaultLength"]),
		MinLifetime: minutes(d["minimumLifetimeInMinutes"]), MaxLifetime: minutes(d["maximumLifetimeInMinutes"]),
		DefaultLifetime: minutes(d["defaultLifetimeInMinutes"]), Include: targets(d["includeTargets"]), Exclude: targets(d["excludeTargets"]),
	}
}

// checkPassLimits wants the lifetimes of passes in order; other configurations
// have none.
func checkPassLimits(d document) error {
	least, usual, most := whole(d["minimumLifetimeInMinutes"]), whole(d["defaultLifetimeInMinutes"]), whole(d["maximumLifetimeInMinutes"])
	if least > usual || usual > most {
		return badRequest("The default lifetime of a Temporary Access Pass has to be between its minimum and its maximum lifetime.")
	}
	return nil
}

func minutes(v any) time.Duration { return time.Duration(whole(v)) * time.Minute }

// whole reads a number that the tenant began with or that came as JSON.
func whole(v any) int {
	switch n := v.(type) {
	case int:
		return n
	case float64:
		return int(n)
	default:
		return 0
	}
}

func targets(v any) []graph.Target {
	var list []graph.Target
	items, _ := v.([]any)
	for _, item := range items {
		d, _ := item.(document)
		id, _ := d["id"].(string)
		list = append(list, graph.Target{ID: id, Group: d["targetType"] == "group"})
	}
	return list
}
