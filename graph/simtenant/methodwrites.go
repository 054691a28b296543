package simtenant

import (
	"net/http"
	"regexp"
	"slices"

	"twokey/graph"
)

// badMethod refuses in the manner of the service of methods.
func badMethod(message string) *refusal {
	return refuse(http.StatusBadRequest, "badRequest", message)
}

// methodWords name kinds in the audit log.
var methodWords = map[graph.MethodKind]string{
	graph.MethodPhone: "phone", graph.MethodEmail: "email", graph.MethodAuthenticator: "Microsoft Authenticator",
	graph.MethodPasskey: "passkey (FIDO2)", graph.MethodSoftwareOATH: "software OATH", graph.MethodTemporaryPass: "temporary access pass",
	graph.MethodWindowsHello: "Windows Hello for Business", graph.MethodPlatformCredential: "platform credential", graph.MethodExternal: "external authentication",
}

// registered and lost are lines of the audit log about a method.
func registered(m *method) note {
	return note{
		activity: "Admin registered security info", kind: "Add", service: methodService,
		reason: "Admin registered " + methodWords[m.kind] + " method for user",
	}
}

func lost(m *method) note {
	return note{
		activity: "Admin deleted security info", kind: "Delete", service: methodService,
		reason: "Admin deleted " + methodWords[m.kind] + " method for user",
	}
}

// remove deletes a method. By application permission that is not limited by
// anybody's role: an administrator's goes like any other.
func (k methodKind) remove(c *call) (*answer, error) {
	return c.changeUser(func(d *draft, i int, a *account, e Effect) (*answer, error) {
		m, ok := a.method(c.vars[1], e.At)
		if !ok || m.kind != k.kind {
			return nil, noMethod()
		}
		if err := c.mayLose(a.visible(e.At), a, m); err != nil {
			return nil, err
		}
		gone := *m
		a.methods = a.without(func(m *method) bool { return m.id == gone.id })
		d.put(i, a)
		d.say(a, lost(&gone))
		return &answer{status: http.StatusNoContent}, nil
	})
}

// mayLose refuses the loss of the default method while there is another that
// could take its place; whether Graph counts others too is not known. It says
// so in one of two ways: a tenant keeps to one of them.
func (c *call) mayLose(list []method, a *account, m *method) error {
	mobile := m.kind == graph.MethodPhone && m.subtype == string(graph.PhoneMobile)
	if _, ok := chosen(list, "voiceAlternateMobile"); mobile && ok {
		return badMethod("The mobile phone cannot be deleted while an alternate mobile phone is registered.")
	}
	if first, ok := chosen(list, a.preference(list)); !ok || first.id != m.id {
		return nil
	}
	if !slices.ContainsFunc(list, func(x method) bool { return x.id != m.id && preferredMethod([]method{x}) != "none" }) {
		return nil
	}
	if c.t.world.seed%2 == 0 {
		return badMethod("The requested authentication method id of [" + m.id + "] matches the user's current default authentication method, and cannot be deleted until the default authentication method is changed")
	}
	return badMethod("Cannot delete default method with other methods configured. Please change default method before deletion.")
}

var phoneBody = shape{
	"phoneNumber": text, "phoneType": oneOf(string(graph.PhoneMobile), string(graph.PhoneAlternate), string(graph.PhoneOffice)),
}

// phoneNumber is the country code, one blank, the number and perhaps an extension.
var phoneNumber = regexp.MustCompile(`^\+[1-9][0-9]{0,3} [0-9]{4,14}(x[0-9]{1,10})?$`)

// phoneIDs are the same for everybody.
var phoneIDs = map[string]string{
	string(graph.PhoneMobile): mobileMethodID, string(graph.PhoneAlternate): alternatePhoneMethodID, string(graph.PhoneOffice): officePhoneMethodID,
}

// postPhone registers a phone. There is one of each type, and no second mobile
// without a first. The words of these refusals are ours.
func postPhone(c *call) (*answer, error) {
	d, err := c.object()
	if err != nil {
		return nil, err
	}
	number, _ := d["phoneNumber"].(string)
	kind, _ := d["phoneType"].(string)
	switch wrong := phoneBody.check("", d); {
	case wrong != "":
		return nil, badMethod(wrong)
	case kind == "" || !phoneNumber.MatchString(number):
		return nil, badMethod("The phone number is not in the format +{country code} {number}x{extension}, or its type is missing.")
	}
	return c.changeUser(func(d *draft, i int, a *account, e Effect) (*answer, error) {
		list := a.visible(e.At)
		if slices.ContainsFunc(list, func(m method) bool { return m.id == phoneIDs[kind] }) {
			return nil, badMethod("The user already has a phone of type '" + kind + "'.")
		}
		if _, ok := chosen(list, "voiceMobile"); kind == string(graph.PhoneAlternate) && !ok {
			return nil, badMethod("An alternate mobile phone needs a mobile phone first.")
		}
		m := method{kind: graph.MethodPhone, id: phoneIDs[kind], subtype: kind, detail: number, created: e.At}
		a.methods = a.with(m)
		d.put(i, a)
		d.say(a, registered(&m))
		return c.created("users('"+a.id+"')/authentication/phoneMethods", untyped(m.document())), nil
	})
}

// created answers something that was made at the address of its collection.
func (c *call) created(context string, d document) *answer {
	id, _ := d["id"].(string)
	d["@odata.context"] = c.context(context, nil) + "/$entity"
	return &answer{status: http.StatusCreated, header: map[string]string{"Location": c.base + "/" + c.version + c.path + "/" + id}, body: d}
}
