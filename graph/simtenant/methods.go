package simtenant

import (
	"iter"
	"net/http"
	"time"

	"twokey/graph"
)

var methodSet = &set{typ: "microsoft.graph.authenticationMethod"}

// visible are the methods that exist by now, oldest first.
func (a *account) visible(now time.Time) []method {
	n := 0
	for n < len(a.methods) && !a.methods[n].created.After(now) {
		n++
	}
	return a.methods[:n]
}

func listMethods(c *call) (*answer, error) {
	i, a, err := c.methodsOwner()
	if err != nil {
		return nil, err
	}
	list := a.visible(c.view.now)
	return c.list(methodSet, "users('"+a.id+"')/authentication/methods", func(from cursor) iter.Seq2[cursor, entity] {
		return from.through(len(list), func(k int) entity { return c.view.method(i, a, &list[k]) })
	})
}

// methodsOwner is the account that the path names, for a read of its methods.
func (c *call) methodsOwner() (int, *account, error) {
	if c.t.cfg.RefuseMethods && c.t.world.licence == graph.Free {
		return 0, nil, noLicence()
	}
	return c.user()
}

// method shows a method of an account as it is at the view's moment.
func (v *view) method(i int, a *account, m *method) document {
	d := m.document()
	if m.kind == graph.MethodTemporaryPass {
		v.describePass(d, i, a, m)
	}
	return d
}

// document shows a method with the members of its own type.
func (m *method) document() document {
	d := document{
		"@odata.type": "#microsoft.graph." + string(m.kind) + "AuthenticationMethod",
		"id":          m.id, "createdDateTime": stamp(m.created),
	}
	switch m.kind {
	case graph.MethodPassword:
		d["password"] = nil
	case graph.MethodPhone:
		d["phoneNumber"], d["phoneType"], d["smsSignInState"] = m.detail, m.subtype, "notAllowedByPolicy"
	case graph.MethodEmail:
		d["emailAddress"] = m.detail
	case graph.MethodAuthenticator:
		d["displayName"], d["deviceTag"], d["phoneAppVersion"] = m.label, "SoftwareTokenActivated", "6.2511.7533"
	case graph.MethodPasskey:
		d["displayName"], d["model"], d["attestationLevel"], d["passkeyType"] = m.label, m.detail, "attested", "deviceBound"
		d["aaGuid"], d["attestationCertificates"] = "2fc0579f-8113-47ea-b116-bb5a8db9202a", []any{}
	case graph.MethodSoftwareOATH:
		d["secretKey"] = nil
	case graph.MethodWindowsHello:
		d["displayName"], d["keyStrength"] = m.label, "normal"
	case graph.MethodPlatformCredential:
		d["displayName"], d["keyStrength"], d["platform"] = m.label, "normal", m.detail
	case graph.MethodExternal:
		d["displayName"], d["configurationId"] = m.label, m.detail
	}
	return d
}

// getRequirements is per-user MFA, left over from old times on a few accounts.
func getRequirements(c *call) (*answer, error) {
	_, a, err := c.user()
	if err != nil {
		return nil, err
	}
	state := "disabled"
	if a.kind == person && a.number >= castSize {
		switch x := stream(c.t.world.seed, "per-user MFA", a.number).Float64(); {
		case x < 0.02:
			state = "enforced"
		case x < 0.03:
			state = "enabled"
		}
	}
	return &answer{status: http.StatusOK, body: document{
		"@odata.context": c.context("users('"+a.id+"')/authentication/requirements", nil), "perUserMfaState": state,
	}}, nil
}

// getPreferences tells the default method, which v1.0 does not.
func getPreferences(c *call) (*answer, error) {
	_, a, err := c.user()
	if err != nil {
		return nil, err
	}
	var preferred any
	if p := preferredMethod(a.visible(c.view.now)); p != "none" {
		preferred = p
	}
	return &answer{status: http.StatusOK, body: document{
		"@odata.context": c.context("users('"+a.id+"')/authentication/signInPreferences", nil),
		"isSystemPreferredAuthenticationMethodEnabled":  true,
		"userPreferredMethodForSecondaryAuthentication": preferred,
	}}, nil
}

// preferredMethod names the method asked for first at sign-in.
func preferredMethod(list []method) string {
	for _, m := range list {
		switch {
		case m.kind == graph.MethodAuthenticator:
			return "push"
		case m.kind == graph.MethodSoftwareOATH:
			return "oath"
		case m.kind == graph.MethodPhone && m.subtype == "office":
			return "voiceOffice"
		case m.kind == graph.MethodPhone:
			return "sms"
		}
	}
	return "none"
}
