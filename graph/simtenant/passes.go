package simtenant

import (
	"slices"
	"time"

	"twokey/graph"
)

// passTerms is what was ordered with a Temporary Access Pass.
type passTerms struct {
	start    time.Time
	lifetime time.Duration
	once     bool
}

// terms of a pass that the world was made with: an hour, once.
func (m *method) terms() passTerms {
	if m.pass != nil {
		return *m.pass
	}
	return passTerms{start: m.created, lifetime: time.Hour, once: true}
}

// describePass fills in a pass. Its secret is readable at creation only.
func (v *view) describePass(d document, i int, a *account, m *method) {
	t := m.terms()
	reason := v.passReason(i, a, t)
	d["temporaryAccessPass"], d["startDateTime"], d["lifetimeInMinutes"] = nil, stamp(t.start), int(t.lifetime/time.Minute)
	d["isUsableOnce"], d["isUsable"], d["methodUsabilityReason"] = t.once, reason == "EnabledByPolicy", reason
}

// passReason says why a pass can be used or not.
func (v *view) passReason(i int, a *account, t passTerms) string {
	p := v.passPolicy()
	switch {
	case !p.Enabled || !v.reaches(p, i, a):
		return "DisabledByPolicy"
	case v.now.Before(t.start):
		return "NotYetValid"
	case !v.now.Before(t.start.Add(t.lifetime)):
		return "Expired"
	default:
		return "EnabledByPolicy"
	}
}

// reaches reports whether an account is within the scope of the passes' policy.
func (v *view) reaches(p graph.PassPolicy, i int, a *account) bool {
	hit := func(t graph.Target) bool {
		switch {
		case !t.Group:
			return sameID(t.ID, a.id)
		case t.ID == graph.AllUsers:
			return true
		default:
			return slices.ContainsFunc(v.t.world.groupsOf(i), func(g group) bool { return sameID(g.id, t.ID) })
		}
	}
	return slices.ContainsFunc(p.Include, hit) && !slices.ContainsFunc(p.Exclude, hit)
}
