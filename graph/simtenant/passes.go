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
	code     string // empty for those that the world was made with, which nobody knows
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

var passBody = shape{"startDateTime": text, "lifetimeInMinutes": between(10, 43200), "isUsableOnce": flag}

// postPass creates a Temporary Access Pass. There is one for a user: the second
// kills the first, and nobody is asked.
func postPass(c *call) (*answer, error) {
	body, err := c.object()
	if err != nil {
		return nil, err
	}
	if wrong := passBody.check("", body); wrong != "" {
		return nil, badMethod(wrong)
	}
	return c.changeUser(func(d *draft, i int, a *account, e Effect) (*answer, error) {
		p := d.passPolicy()
		if a.kind == guest {
			return nil, badMethod("Temporary Access Pass cannot be added to an external guest user.")
		}
		if !p.Enabled || !d.reaches(p, i, a) {
			return nil, badMethod("Converged UserCredentialPolicy does not allow creating or updating this authentication method. AuthMethodType [TemporaryAccessPass].")
		}
		terms, err := passOrder(body, p, e.At)
		if err != nil {
			return nil, err
		}
		terms.code = c.t.world.passCode(e.N, p.Length)
		m := method{kind: graph.MethodTemporaryPass, id: guid(stream(c.t.world.seed, "pass", e.N)), created: e.At, pass: &terms}
		a.methods = a.with(m)
		d.put(i, a)
		d.say(a, registered(&m))
		row := untyped(d.method(i, a, &m))
		row["temporaryAccessPass"] = terms.code
		return c.created("users('"+a.id+"')/authentication/temporaryAccessPassMethods", row), nil
	})
}

// passOrder reads what is ordered, within the policy. The words of these
// refusals are ours.
func passOrder(body document, p graph.PassPolicy, now time.Time) (passTerms, error) {
	t := passTerms{start: now, lifetime: p.DefaultLifetime, once: p.OnceOnly}
	if s, ok := body["startDateTime"].(string); ok {
		start, err := time.Parse(time.RFC3339, s)
		if err != nil || start.Before(now) {
			return t, badMethod("The property 'startDateTime' has to be a moment in the future.")
		}
		t.start = start.UTC()
	}
	if n, ok := body["lifetimeInMinutes"].(float64); ok {
		t.lifetime = time.Duration(n) * time.Minute
	}
	if t.lifetime < p.MinLifetime || t.lifetime > p.MaxLifetime {
		return t, badMethod("The lifetime of a Temporary Access Pass has to be within the limits of the authentication methods policy.")
	}
	if once, ok := body["isUsableOnce"].(bool); ok {
		if t.once = once; !once && p.OnceOnly {
			return t, badMethod("The authentication methods policy does not allow a Temporary Access Pass that can be used more than once.")
		}
	}
	return t, nil
}

// passCode is the secret of the pass that was created by an effect. It can be
// read in the answer that creates it, and nowhere else.
func (w *world) passCode(n, length int) string {
	const letters = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789&*+@#%$!"
	r := stream(w.seed, "pass code", n)
	code := make([]byte, length)
	for i := range code {
		code[i] = letters[r.IntN(len(letters))]
	}
	return string(code)
}
