package simtenant

import "iter"

var groupSet = &set{
	typ:       "microsoft.graph.group",
	known:     words("id deletedDateTime displayName description groupTypes isAssignableToRole mail mailEnabled mailNickname securityEnabled visibility createdDateTime"),
	filters:   map[string]ops{"id": eq | in, "displayName": eq | starts, "isAssignableToRole": eq | boolean},
	directory: true,
	top:       100, maxTop: 999,
}

func listGroups(c *call) (*answer, error) {
	w := c.t.world
	return c.list(groupSet, "groups", func(from cursor) iter.Seq2[cursor, entity] {
		return from.through(len(w.groups), func(i int) entity { return w.groupDocument(w.groups[i]) })
	})
}

var groupOwnerSet = &set{
	typ: "microsoft.graph.directoryObject", known: words("id displayName userPrincipalName"), typed: true, directory: true, top: 100, maxTop: 999,
}

// listGroupOwners shows a group's owner if the account is still there.
func listGroupOwners(c *call) (*answer, error) {
	g, err := c.group()
	if err != nil {
		return nil, err
	}
	return c.documents(groupOwnerSet, "directoryObjects", c.people([]string{g.owner}))
}

// group finds the group that the path names.
func (c *call) group() (group, error) {
	for _, g := range c.t.world.groups {
		if sameID(g.id, c.vars[0]) {
			return g, nil
		}
	}
	return group{}, notFound(c.vars[0])
}

func getGroup(c *call) (*answer, error) {
	g, err := c.group()
	if err != nil {
		return nil, err
	}
	return c.one(groupSet, "groups", c.t.world.groupDocument(g))
}

func (w *world) groupDocument(g group) document {
	return document{
		"id": g.id, "deletedDateTime": nil, "displayName": g.name, "description": nil, "groupTypes": []any{}, "isAssignableToRole": g.forRoles,
		"mail": nil, "mailEnabled": false, "mailNickname": "group", "securityEnabled": true, "visibility": nil,
		"createdDateTime": stamp(w.epoch.Add(-700 * day)),
	}
}

// groupMember is an account among the members of a group, where it says its type.
type groupMember struct {
	*account
	hidden bool // all but who it is, to an app that may not read users
}

func (m groupMember) prop(v *view, path string) any {
	switch {
	case path == "@odata.type":
		return "#microsoft.graph.user"
	case m.hidden && path != "id":
		return nil
	default:
		return m.account.prop(v, path)
	}
}

var (
	memberSet = func() *set {
		s := *userSet
		s.typed = true
		s.filters, s.all, s.expand = nil, nil, nil
		return &s
	}()
	memberUserSet = func() *set {
		s := *userSet
		s.filters, s.all, s.expand = nil, nil, nil
		return &s
	}()
)

func listGroupMembers(c *call) (*answer, error) { return c.groupMembers(memberSet, "directoryObjects") }

// listGroupUsers casts the members to users, which is an advanced query.
func listGroupUsers(c *call) (*answer, error) {
	if c.header.Get("ConsistencyLevel") == "" || c.query.Get("$count") == "" {
		return nil, unsupportedQuery("Unsupported Query. A cast needs the header ConsistencyLevel: eventual and $count=true.")
	}
	return c.groupMembers(memberUserSet, "users")
}

func (c *call) groupMembers(s *set, context string) (*answer, error) {
	g, err := c.group()
	if err != nil {
		return nil, err
	}
	hidden := c.caller.declared && !c.grantedAny(fullUserReaders...)
	return c.list(s, context, func(from cursor) iter.Seq2[cursor, entity] {
		return func(yield func(cursor, entity) bool) {
			for k := max(int(from.at), 0); k < g.size(); k++ {
				a, ok := c.view.account(g.member(k))
				if ok && !yield(cursor{at: int64(k)}, groupMember{a, hidden}) {
					return
				}
			}
		}
	})
}
