package simtenant

import (
	"net/http"

	"twokey/graph"
)

// getRequirements is per-user MFA, left over from old times on a few accounts.
func getRequirements(c *call) (*answer, error) {
	_, a, err := c.user()
	if err != nil {
		return nil, err
	}
	return &answer{status: http.StatusOK, body: document{
		"@odata.context":  c.context("users('"+a.id+"')/authentication/requirements", nil),
		"perUserMfaState": c.t.world.perUserMFA(a),
	}}, nil
}

func (w *world) perUserMFA(a *account) string {
	if a.perUser != "" {
		return a.perUser
	}
	if a.kind == person && a.number >= castSize {
		switch x := stream(w.seed, "per-user MFA", a.number).Float64(); {
		case x < 0.02:
			return "enforced"
		case x < 0.03:
			return "enabled"
		}
	}
	return "disabled"
}

var requirementsBody = shape{"perUserMfaState": oneOf("disabled", "enabled", "enforced")}

// patchRequirements sets per-user MFA. It is no property of the user, so a
// reading of changed users does not show it; the audit log does.
func patchRequirements(c *call) (*answer, error) {
	d, err := c.object()
	if err != nil {
		return nil, err
	}
	if wrong := requirementsBody.check("", d); wrong != "" {
		return nil, badMethod(wrong)
	}
	next, asked := d["perUserMfaState"].(string)
	return c.changeUser(func(d *draft, i int, a *account, _ Effect) (*answer, error) {
		done := &answer{status: http.StatusNoContent}
		if !asked {
			return done, nil
		}
		activity := "Enable Strong Authentication"
		if next == "disabled" {
			activity = "Disable Strong Authentication"
		}
		was := c.t.world.perUserMFA(a)
		a.perUser = next
		d.put(i, a)
		d.say(a, note{activity: activity, kind: "Update", property: "StrongAuthenticationRequirement", old: jsonText([]any{was}), new: jsonText([]any{next})})
		return done, nil
	})
}

// getPreferences tells the default method, which v1.0 does not.
func getPreferences(c *call) (*answer, error) {
	_, a, err := c.user()
	if err != nil {
		return nil, err
	}
	var preferred any
	if p := a.preference(a.visible(c.view.now)); p != "none" {
		preferred = p
	}
	return &answer{status: http.StatusOK, body: document{
		"@odata.context": c.context("users('"+a.id+"')/authentication/signInPreferences", nil),
		"isSystemPreferredAuthenticationMethodEnabled":  !a.unsteered,
		"userPreferredMethodForSecondaryAuthentication": preferred,
	}}, nil
}

const (
	steeredMember   = "isSystemPreferredAuthenticationMethodEnabled"
	preferredMember = "userPreferredMethodForSecondaryAuthentication"
)

var preferencesBody = shape{
	steeredMember: flag, preferredMember: oneOf("push", "oath", "sms", "voiceMobile", "voiceAlternateMobile", "voiceOffice"),
}

// patchPreferences sets the default method, which has to be one that the user
// holds. What Graph says otherwise is not known.
func patchPreferences(c *call) (*answer, error) {
	d, err := c.object()
	if err != nil {
		return nil, err
	}
	if wrong := preferencesBody.check("", d); wrong != "" {
		return nil, badMethod(wrong)
	}
	steered, asksSteered := d[steeredMember].(bool)
	preferred, asksPreferred := d[preferredMember].(string)
	return c.changeUser(func(d *draft, i int, a *account, e Effect) (*answer, error) {
		done := &answer{status: http.StatusNoContent}
		if !asksSteered && !asksPreferred {
			return done, nil
		}
		was := a.preference(a.visible(e.At))
		if asksPreferred {
			if _, ok := chosen(a.visible(e.At), preferred); !ok {
				return nil, badMethod("The user has no authentication method that can be used for '" + preferred + "'.")
			}
			a.preferred = preferred
		}
		if asksSteered {
			a.unsteered = !steered
		}
		d.put(i, a)
		d.say(a, note{
			activity: "Admin updated security info", kind: "Update", service: methodService, reason: "Admin changed default authentication method for user",
			property: preferredMember, old: jsonText(was), new: jsonText(a.preference(a.visible(e.At))),
		})
		return done, nil
	})
}

// preference is the method that an account is asked for first: the one that
// somebody chose, as long as it is there, or the usual one.
func (a *account) preference(list []method) string {
	if _, ok := chosen(list, a.preferred); ok {
		return a.preferred
	}
	return preferredMethod(list)
}

// preferredMethod names the method asked for first at sign-in if nobody chose.
func preferredMethod(list []method) string {
	for _, m := range list {
		switch {
		case m.kind == graph.MethodAuthenticator:
			return "push"
		case m.kind == graph.MethodSoftwareOATH:
			return "oath"
		case m.kind == graph.MethodPhone && m.subtype == string(graph.PhoneOffice):
			return "voiceOffice"
		case m.kind == graph.MethodPhone && m.subtype == string(graph.PhoneAlternate):
			return "voiceAlternateMobile"
		case m.kind == graph.MethodPhone:
			return "sms"
		}
	}
	return "none"
}

// chosen finds the method that a word of the preferences stands for.
func chosen(list []method, word string) (*method, bool) {
	phones := map[string]graph.PhoneType{
		"sms": graph.PhoneMobile, "voiceMobile": graph.PhoneMobile, "voiceAlternateMobile": graph.PhoneAlternate, "voiceOffice": graph.PhoneOffice,
	}
	first := func(is func(*method) bool) (*method, bool) {
		for i := range list {
			if is(&list[i]) {
				return &list[i], true
			}
		}
		return nil, false
	}
	switch word {
	case "push":
		return first(func(m *method) bool { return m.kind == graph.MethodAuthenticator })
	case "oath":
		if m, ok := first(func(m *method) bool { return m.kind == graph.MethodSoftwareOATH }); ok {
			return m, true
		}
		return chosen(list, "push") // the app shows codes too
	default:
		number, ok := phones[word]
		if !ok {
			return nil, false
		}
		return first(func(m *method) bool { return m.kind == graph.MethodPhone && m.subtype == string(number) })
	}
}
