package rollout

import (
	"slices"
	"strings"

	"twokey/graph"
)

// Usable reports whether a user may sign in with one of these methods as a
// second factor, by the tenant's methods policy. Unknown if that was not read.
func Usable(f Facts, u graph.User, methods []graph.Method) Answer {
	able, _ := newMethodsPolicy(f, newWhom(f)).capable(u, methods)
	return able
}

// A methodsPolicy answers who may use which kind of method.
type methodsPolicy struct {
	settings []graph.MethodSetting
	migrated bool
	why      Reason // why there are no settings
	whom     whom
}

func newMethodsPolicy(f Facts, w whom) methodsPolicy {
	p, _ := f.MethodsPolicy.Get()
	return methodsPolicy{settings: p.Methods, migrated: p.Migrated, why: f.MethodsPolicy.Reason(), whom: w}
}

// capable reports whether one of the methods is strong and allowed, and why
// that is not known.
func (p methodsPolicy) capable(u graph.User, methods []graph.Method) (Answer, Reason) {
	able := No
	for _, m := range methods {
		if m.Kind.Strength() > graph.NotMFA {
			able = either(able, p.allows(u, m))
		}
	}
	switch {
	case able != Unknown:
		return able, ""
	case p.why != "":
		return Unknown, p.why
	default: // a group that the policy names
		return Unknown, NotRead
	}
}

// allows reports whether an account may sign in with a method. Several settings
// may speak of one kind (texts and calls of a phone): one is enough.
func (p methodsPolicy) allows(u graph.User, m graph.Method) Answer {
	k := m.Kind
	switch {
	case p.why != "":
		return Unknown
	case k == graph.MethodWindowsHello, k == graph.MethodPlatformCredential:
		return Yes // devices are configured for these; this policy has no setting
	}
	allowed, said := No, false
	for _, s := range p.settings {
		if s.Kind == k && serves(s, m) {
			said = true
			allowed = either(allowed, both(answer(s.Enabled), p.whom.targeted(u, s.Include, s.Exclude)))
		}
	}
	if !said || allowed == No && p.oldSettings(k) {
		return Unknown
	}
	return allowed
}

// serves reports whether a setting of a kind can be of use for a method of that
// kind: a phone on a desk takes calls and no texts.
func serves(s graph.MethodSetting, m graph.Method) bool {
	return m.Phone() != graph.PhoneOffice || !strings.EqualFold(s.ID, graph.SettingTexts)
}

// oldSettings reports whether a kind may also be allowed by the settings from
// before this policy, which nobody can read: they count until the tenant has
// been migrated.
func (p methodsPolicy) oldSettings(k graph.MethodKind) bool {
	return !p.migrated && slices.Contains([]graph.MethodKind{
		graph.MethodPhone, graph.MethodAuthenticator, graph.MethodSoftwareOATH, graph.MethodHardwareOATH,
	}, k)
}
