package simtenant

import (
	"iter"
	"net/http"

	"twokey/graph"
)

// methodKind is a kind of method with the segment of its own in the path.
type methodKind struct {
	segment string
	kind    graph.MethodKind
	beta    bool // only there
	fixed   bool // cannot be deleted
}

// methodKinds are those of which a user's can be listed. Nobody in the tenant
// holds a code token of hardware: their place is there, and empty.
var methodKinds = []methodKind{
	{segment: "passwordMethods", kind: graph.MethodPassword, fixed: true},
	{segment: "phoneMethods", kind: graph.MethodPhone},
	{segment: "emailMethods", kind: graph.MethodEmail},
	{segment: "microsoftAuthenticatorMethods", kind: graph.MethodAuthenticator},
	{segment: "fido2Methods", kind: graph.MethodPasskey},
	{segment: "softwareOathMethods", kind: graph.MethodSoftwareOATH},
	{segment: "temporaryAccessPassMethods", kind: graph.MethodTemporaryPass},
	{segment: "windowsHelloForBusinessMethods", kind: graph.MethodWindowsHello},
	{segment: "platformCredentialMethods", kind: graph.MethodPlatformCredential},
	{segment: "externalAuthenticationMethods", kind: graph.MethodExternal},
	{segment: "hardwareOathMethods", kind: graph.MethodHardwareOATH, beta: true},
}

// methodRoutes are the paths of the kinds.
func methodRoutes() []route {
	var list []route
	for _, k := range methodKinds {
		all := "users/*/authentication/" + k.segment
		list = append(list,
			route{method: "GET", pattern: all, beta: k.beta, bucket: methods, do: k.list},
			route{method: "GET", pattern: all + "/*", beta: k.beta, bucket: methods, do: k.get},
		)
		if !k.fixed {
			list = append(list, route{method: "DELETE", pattern: all + "/*", beta: k.beta, bucket: methods, do: k.remove})
		}
	}
	return list
}

// list answers the methods of the kind. The path says their type, so they do
// not.
func (k methodKind) list(c *call) (*answer, error) {
	i, a, err := c.methodsOwner()
	if err != nil {
		return nil, err
	}
	var list []document
	for _, m := range a.visible(c.view.now) {
		if m.kind == k.kind {
			list = append(list, untyped(c.view.method(i, a, &m)))
		}
	}
	return c.list(methodSet, "users('"+a.id+"')/authentication/"+k.segment, func(from cursor) iter.Seq2[cursor, entity] {
		return from.through(len(list), func(n int) entity { return list[n] })
	})
}

func untyped(d document) document {
	delete(d, "@odata.type")
	return d
}

func (k methodKind) get(c *call) (*answer, error) {
	i, a, m, err := c.oneMethod()
	if err != nil {
		return nil, err
	}
	if m.kind != k.kind {
		return nil, noMethod()
	}
	return c.one(methodSet, "users('"+a.id+"')/authentication/"+k.segment, untyped(c.view.method(i, a, m)))
}

func getMethod(c *call) (*answer, error) {
	i, a, m, err := c.oneMethod()
	if err != nil {
		return nil, err
	}
	return c.one(methodSet, "users('"+a.id+"')/authentication/methods", c.view.method(i, a, m))
}

// oneMethod is the method that the path names, with its owner.
func (c *call) oneMethod() (int, *account, *method, error) {
	i, a, err := c.methodsOwner()
	if err != nil {
		return 0, nil, nil, err
	}
	m, ok := a.method(c.vars[1], c.view.now)
	if !ok {
		return 0, nil, nil, noMethod()
	}
	return i, a, m, nil
}

// noMethod is what the service of methods says, whose codes begin in lower case.
func noMethod() *refusal {
	return refuse(http.StatusNotFound, "resourceNotFound", "The requested authentication method does not exist.")
}
