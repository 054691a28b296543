package commands

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/graph"
	"twokey/graph/rollout"
)

// turnBack is the command line by which what a request did is asked to be put
// back, or "" where that is not possible, or not by a command. Whether it still
// makes sense is for the command to find out.
func turnBack(env Env, r approval.Request) string {
	whom := " " + strings.Join(idsOfTargets(r), ",")
	if len(whom) > longestLine {
		return "" // no platform lets a button say so much
	}
	switch r.Kind {
	case DefaultsKind:
		if enable, err := arguments(r); err == nil {
			return "defaults " + map[bool]string{true: "disable", false: "enable"}[enable]
		}
	case LegacyBlockKind, RequireMFAKind:
		return turnBackAccess(r)
	case BlockKind:
		return UnblockKind + whom
	case UnblockKind:
		return BlockKind + whom
	case PhoneKind:
		if args, err := readArgs[phoneArgs](r, phoneVersion); err == nil {
			return "method remove" + whom + " " + args.id()
		}
	case CampaignKind:
		return turnBackCampaign(r)
	case GoalKind:
		return turnBackGoal(r)
	case ScopeKind:
		if len(r.Targets) > 1 {
			return turnBackScopes(r)
		}
		return turnBackDeclared(declareAction{env, kindNamed(r.Kind), rollout.SortScope}, r)
	case ExceptionKind:
		return turnBackDeclared(declareAction{env, kindNamed(r.Kind), rollout.SortException}, r)
	case NudgeKind, WaveKind:
		if args, err := readArgs[waveArgs](r, waveVersion); err == nil {
			return pauseLine + cmp.Or(args.Wave.Name, args.Wave.Ref, refOfWave(r))
		}
	case TemplateKind:
		return turnBackTemplate(r)
	}
	return ""
}

// pauseLine begins the line that stops a wave. It needs nobody's agreement.
const pauseLine = "wave pause "

// turnBackTemplate gives a reminder the words that it had. Words with quotation
// marks cannot be typed between such.
func turnBackTemplate(r approval.Request) string {
	args, err := readArgs[templateArgs](r, templateVersion)
	var before string
	if errors.Join(err, json.Unmarshal(r.Snapshot, &before)) != nil || strings.ContainsAny(before, quoting) {
		return ""
	}
	return "template set " + args.Template + " " + args.Language + ` "` + cmp.Or(before, builtIn) + `"`
}

// longestLine is how many bytes a line on a button may have about whom it is.
const longestLine = 1500

func idsOfTargets(r approval.Request) []string {
	ids := make([]string, len(r.Targets))
	for i, t := range r.Targets {
		ids[i] = t.ID
	}
	return ids
}

// turnBackGoal sets the goal that was, or none. A day that is past by then is the
// command's to refuse.
func turnBackGoal(r approval.Request) string {
	var before goalArgs
	switch err := json.Unmarshal(r.Snapshot, &before); {
	case err != nil:
		return ""
	case before.Percent == 0:
		return "goal off"
	case before.By == "":
		return "goal " + strconv.FormatFloat(before.Percent, 'f', -1, 64) + "%"
	default:
		return "goal " + strconv.FormatFloat(before.Percent, 'f', -1, 64) + "% by " + before.By
	}
}

// turnBackScopes has several accounts count as people again, if all of them did.
func turnBackScopes(r approval.Request) string {
	all, err := parts(r)
	if err != nil {
		return ""
	}
	for _, one := range all {
		var before declareSnapshot
		if json.Unmarshal(one.Snapshot, &before) != nil || before.Is != nil {
			return ""
		}
	}
	return "scope set " + strings.Join(idsOfTargets(r), ",") + " " + purposePerson
}

// turnBackAccess has a policy in the state in which it was. One that was created
// is deleted by hand: the bot deletes none.
func turnBackAccess(r approval.Request) string {
	args, err := readArgs[accessArgs](r, accessVersion)
	var before accessSnapshot
	if errors.Join(err, json.Unmarshal(r.Snapshot, &before)) != nil {
		return ""
	}
	was, there := before.policy(args.Policy)
	switch {
	case !there:
		return ""
	case args.State == graph.PolicyEnabled:
		return r.Kind + " report-only"
	case was.State == graph.PolicyEnabled:
		return r.Kind + " enforce"
	default:
		return ""
	}
}

// turnBackCampaign sets what the command can set; whom a campaign reaches it
// never changes.
func turnBackCampaign(r approval.Request) string {
	var before campaignState
	if json.Unmarshal(r.Snapshot, &before) != nil {
		return ""
	}
	for word, state := range campaignStates {
		if state == before.Campaign.State {
			return "campaign set " + word + " --days " + encode(before.Campaign.SnoozeDays)
		}
	}
	return ""
}

func turnBackDeclared(a declareAction, r approval.Request) string {
	id, err := aimed(r)
	var before declareSnapshot
	if errors.Join(err, json.Unmarshal(r.Snapshot, &before)) != nil {
		return ""
	}
	now, err := readArgs[declareArgs](r, declareVersion)
	if err != nil {
		return ""
	}
	return a.restoring(id, before.Is, now)
}

// again is the command line that asks for what a request left undone, or "".
func again(r approval.Request) string {
	args, err := readArgs[resetArgs](r, resetVersion)
	id, unaimed := aimed(r)
	var before resetSnapshot
	if r.Kind != ResetKind || errors.Join(err, unaimed, json.Unmarshal(r.Snapshot, &before)) != nil {
		return ""
	}
	line := "reset " + id
	went := func(kinds []graph.MethodKind, among []graph.Method) bool {
		return slices.ContainsFunc(among, func(m graph.Method) bool { return slices.Contains(kinds, m.Kind) })
	}
	for _, name := range slices.Sorted(maps.Keys(resetKinds)) {
		if kinds := resetKinds[name]; went(kinds, before.Methods) && !went(kinds, args.Methods) {
			line += " --keep " + name
		}
	}
	if went(resetAllKinds, args.Methods) {
		line += " --all"
	}
	return line
}

// nextRequests are the buttons of whoever is told how their request ended: each asks for
// a request of its own, as if its line had been typed.
func nextRequests(env Env, r approval.Request) []chat.Button {
	switch r.State {
	case approval.Succeeded:
		line := turnBack(env, r)
		switch {
		case strings.HasPrefix(line, pauseLine):
			return []chat.Button{{ID: "run", Label: "Stop what has not gone out", Value: line}}
		case line != "":
			return []chat.Button{{ID: "run", Label: "Ask to undo it", Value: line}}
		}
	case approval.Partial, approval.Failed:
		if retryable(r) {
			return []chat.Button{{ID: "run", Label: "Ask for the rest", Value: "requests retry " + r.Ref, Style: chat.Primary}}
		}
		if r.State == approval.Failed {
			return nil
		}
		if line := again(r); line != "" {
			return []chat.Button{{ID: "run", Label: "Ask for the rest", Value: line, Style: chat.Primary}}
		}
	}
	return nil
}
