package simtenant

import (
	"iter"
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
