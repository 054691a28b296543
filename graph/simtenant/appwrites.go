package simtenant

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"twokey/graph"
)

// findApp finds the app that a path names.
type findApp func(*call, *state) (*application, error)

// changeApp applies a write to an app: do gets a copy of it, whose lists it
// must not change in place.
func (c *call) changeApp(find findApp, do func(a *application, e Effect) (note, *answer, error)) (*answer, error) {
	return c.change(func(old *state, e Effect) (*state, note, *answer, error) {
		was, err := find(c, old)
		if err != nil {
			return nil, note{}, nil, err
		}
		next := *was
		n, a, err := do(&next, e)
		if err != nil {
			return nil, note{}, nil, err
		}
		return old.withApp(next), n, a, nil
	})
}

// appNote is a line of the audit log about an app's registration.
func (a *application) appNote(activity, kind string) note {
	return note{activity: activity, kind: kind, category: "ApplicationManagement", targetID: a.objectID, target: a.Name, targetType: "Application"}
}

// principalNote is one about its service principal.
func (a *application) principalNote(activity, kind string) note {
	n := a.appNote(activity, kind)
	n.targetID, n.targetType = a.principalID, "ServicePrincipal"
	return n
}

// The activities of the audit log under which credentials come and go. The
// dash is Microsoft's.
const (
	activitySecrets    = "Update application – Certificates and secrets management"
	activityCredential = "Add service principal credentials"
)

var passwordBody = shape{"passwordCredential": shape{
	"customKeyIdentifier": text, "displayName": text, "endDateTime": text, "hint": text, "keyId": text, "secretText": text, "startDateTime": text,
}.check}

// addPassword adds a secret to an app. It is shown this once.
func (c *call) addPassword(find findApp, onPrincipal bool) (*answer, error) {
	asked := document{}
	if len(c.body) > 0 {
		d, err := c.object()
		if err != nil {
			return nil, err
		}
		if wrong := passwordBody.check("", d); wrong != "" {
			return nil, refuse(http.StatusBadRequest, "Request_BadRequest", wrong)
		}
		if inner, ok := documents(d).(document)["passwordCredential"].(document); ok {
			asked = inner
		}
	}
	return c.changeApp(find, func(a *application, e Effect) (note, *answer, error) {
		k, err := c.newPassword(asked, e)
		if err != nil {
			return note{}, nil, err
		}
		k.onPrincipal = onPrincipal
		a.credentials = append(slices.Clone(a.credentials), k)
		n := a.appNote(activitySecrets, "Update")
		if onPrincipal {
			n = a.principalNote(activityCredential, "Update")
		}
		n.property, n.new = "KeyDescription", "[KeyIdentifier="+k.id+",KeyType=Password,KeyUsage=Verify,DisplayName="+k.name+"]"
		body := k.document()
		body["secretText"] = k.secret.Reveal()
		body["@odata.context"] = c.context("microsoft.graph.passwordCredential", nil)
		return n, &answer{status: http.StatusOK, body: body}, nil
	})
}

func (c *call) newPassword(asked document, e Effect) (appCredential, error) {
	r := stream(c.t.world.seed, "secret", e.N)
	k := appCredential{id: guid(r), kind: graph.CredentialSecret, start: e.At.Truncate(time.Second), secret: graph.NewSecret("sim8Q~" + guid(r))}
	k.name, _ = asked["displayName"].(string)
	k.end = k.start.AddDate(2, 0, 0)
	for member, into := range map[string]*time.Time{"startDateTime": &k.start, "endDateTime": &k.end} {
		s, ok := asked[member].(string)
		if !ok {
			continue
		}
		at, err := time.Parse(time.RFC3339, s)
		if err != nil {
			return k, refuse(http.StatusBadRequest, "Request_BadRequest", wrongType(member, s, "a moment"))
		}
		*into = at.UTC()
	}
	if !k.end.After(k.start) {
		return k, refuse(http.StatusBadRequest, "Request_BadRequest", "The end of a credential has to be after its start.")
	}
	return k, nil
}

func addAppPassword(c *call) (*answer, error) { return c.addPassword((*call).registeredApp, false) }

func addPrincipalPassword(c *call) (*answer, error) { return c.addPassword((*call).principalApp, true) }

func removePassword(c *call) (*answer, error) {
	d, err := c.object()
	if err != nil {
		return nil, err
	}
	if wrong := (shape{"keyId": text}).check("", d); wrong != "" {
		return nil, refuse(http.StatusBadRequest, "Request_BadRequest", wrong)
	}
	id, _ := d["keyId"].(string)
	return c.changeApp((*call).registeredApp, func(a *application, _ Effect) (note, *answer, error) {
		at := slices.IndexFunc(a.credentials, func(k appCredential) bool {
			return sameID(k.id, id) && k.kind == graph.CredentialSecret && !k.onPrincipal
		})
		if at < 0 {
			return note{}, nil, refuse(http.StatusBadRequest, "Request_BadRequest", "No password credential found with keyId '"+id+"'.")
		}
		a.credentials = slices.Delete(slices.Clone(a.credentials), at, at+1)
		n := a.appNote(activitySecrets, "Update")
		n.property, n.old = "KeyDescription", "[KeyIdentifier="+id+",KeyType=Password,KeyUsage=Verify]"
		return n, &answer{status: http.StatusNoContent}, nil
	})
}

var federationBody = shape{"name": text, "issuer": text, "subject": text, "description": text, "audiences": listOf(text)}

// addFederation lets another issuer's tokens stand for the app's secret. The
// tenant does not ask the issuer for its keys, so nobody gets in by it.
func addFederation(c *call) (*answer, error) {
	d, err := c.object()
	if err != nil {
		return nil, err
	}
	if wrong := federationBody.check("", d); wrong != "" {
		return nil, refuse(http.StatusBadRequest, "Request_BadRequest", wrong)
	}
	var f Federation
	for member, into := range map[string]*string{"name": &f.Name, "issuer": &f.Issuer, "subject": &f.Subject} {
		if *into, _ = d[member].(string); *into == "" {
			return nil, refuse(http.StatusBadRequest, "Request_BadRequest", "The property '"+member+"' is missing.")
		}
	}
	if list, ok := d["audiences"].([]any); ok && len(list) == 1 {
		f.Audience, _ = list[0].(string)
	}
	return c.changeApp((*call).registeredApp, func(a *application, e Effect) (note, *answer, error) {
		k := appCredential{id: guid(stream(c.t.world.seed, "federation", e.N)), kind: graph.CredentialFederation, name: f.Name, start: e.At, federation: f}
		a.credentials = append(slices.Clone(a.credentials), k)
		n := a.appNote("Update application", "Update")
		n.property, n.new = "FederatedIdentityCredentials", jsonText(k.document())
		body := k.document()
		body["@odata.context"] = c.context("applications('"+a.objectID+"')/federatedIdentityCredentials/$entity", nil)
		return n, &answer{status: http.StatusCreated, body: body}, nil
	})
}

// federationPatch is what can be changed of a federation: all but its name.
var federationPatch = shape{"issuer": text, "subject": text, "description": text, "audiences": listOf(text)}

// patchFederation lets a federation that there is trust somebody else. It keeps
// its id and name, by which nobody would see it.
func patchFederation(c *call) (*answer, error) {
	d, err := c.object()
	if err != nil {
		return nil, err
	}
	if wrong := federationPatch.check("", d); wrong != "" {
		return nil, refuse(http.StatusBadRequest, "Request_BadRequest", wrong)
	}
	return c.changeApp((*call).registeredApp, func(a *application, _ Effect) (note, *answer, error) {
		at := slices.IndexFunc(a.credentials, func(k appCredential) bool {
			return sameID(k.id, c.vars[1]) && k.kind == graph.CredentialFederation
		})
		if at < 0 {
			return note{}, nil, notFound(c.vars[1])
		}
		a.credentials = slices.Clone(a.credentials)
		k := &a.credentials[at]
		n := a.appNote("Update application", "Update")
		n.property, n.old = "FederatedIdentityCredentials", jsonText(k.document())
		k.federation = k.federation.with(d)
		n.new = jsonText(k.document())
		return n, &answer{status: http.StatusNoContent}, nil
	})
}

// with returns the federation with what a change says of it. The key of another
// issuer is not known here.
func (f Federation) with(d document) Federation {
	if issuer, ok := d["issuer"].(string); ok && issuer != f.Issuer {
		f.Issuer, f.Key = issuer, nil
	}
	if subject, ok := d["subject"].(string); ok {
		f.Subject = subject
	}
	if list, ok := d["audiences"].([]any); ok && len(list) == 1 {
		f.Audience, _ = list[0].(string)
	}
	return f
}

func addOwner(c *call) (*answer, error) {
	return c.own((*call).registeredApp, func(a *application) (*[]string, note) {
		return &a.owners, a.appNote("Add owner to application", "Assign")
	})
}

func addPrincipalOwner(c *call) (*answer, error) {
	return c.own((*call).principalApp, func(a *application) (*[]string, note) {
		return &a.principalOwners, a.principalNote("Add owner to service principal", "Assign")
	})
}

// own takes a reference to a user, {"@odata.id": "…/directoryObjects/{id}"}, into
// one of an app's two lists of owners.
func (c *call) own(find findApp, list func(*application) (*[]string, note)) (*answer, error) {
	d, err := c.object()
	if err != nil {
		return nil, err
	}
	reference, _ := d["@odata.id"].(string)
	id := reference[strings.LastIndexByte(reference, '/')+1:]
	if !c.view.exists(id) {
		return nil, notFound(id)
	}
	return c.changeApp(find, func(a *application, _ Effect) (note, *answer, error) {
		owners, n := list(a)
		if slices.ContainsFunc(*owners, func(owner string) bool { return sameID(owner, id) }) {
			return note{}, nil, refuse(http.StatusBadRequest, "Request_BadRequest",
				"One or more added object references already exist for the following modified properties: 'owners'.")
		}
		*owners = append(slices.Clone(*owners), id)
		n.property, n.new = n.targetType+".ObjectID", id
		return n, &answer{status: http.StatusNoContent}, nil
	})
}
