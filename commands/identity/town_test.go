package identity_test

import (
	"context"
	"slices"
	"time"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/commands/identity"
	"twokey/commands/rules"
	"twokey/graph"
)

const tenant = "t-1"

// town is a tenant as plain values.
type town struct {
	users    map[string]graph.User // by object ID
	within   map[string][]string   // people and groups in a group, by its ID
	managers map[string]string
	fails    map[string]error // by what is read: "user", "groups", "members", "manager"
}

func (t *town) User(_ context.Context, id string) (graph.User, error) {
	u, ok := t.users[id]
	if err := t.fails["user"]; err != nil {
		return graph.User{}, err
	}
	if !ok {
		return graph.User{}, &graph.Error{Kind: graph.KindNotFound}
	}
	return u, nil
}

func (t *town) MemberOf(_ context.Context, user string, groups []string) (in []string, _ error) {
	for _, g := range groups {
		if slices.Contains(t.members(g), user) {
			in = append(in, g)
		}
	}
	return in, t.fails["groups"]
}

func (t *town) GroupMembers(_ context.Context, group string) ([]string, error) {
	if _, ok := t.within[group]; !ok && t.fails["members"] == nil {
		return nil, &graph.Error{Kind: graph.KindNotFound}
	}
	return t.members(group), t.fails["members"]
}

// members lists the people in a group and in the groups within.
func (t *town) members(group string) (all []string) {
	for _, m := range t.within[group] {
		if _, ok := t.within[m]; ok {
			all = append(all, t.members(m)...)
		} else {
			all = append(all, m)
		}
	}
	return all
}

func (t *town) Manager(_ context.Context, user string) (graph.User, error) {
	if err := t.fails["manager"]; err != nil {
		return graph.User{}, err
	}
	if m, ok := t.managers[user]; ok {
		return t.users[m], nil
	}
	return graph.User{}, &graph.Error{Kind: graph.KindNotFound}
}

func (t *town) edit(name string, change func(*graph.User)) {
	u := t.users["o-"+name]
	change(&u)
	t.users["o-"+name] = u
}

func account(platform, user string) chat.Account { return chat.Account{Platform: platform, User: user} }

func person(name string) approval.Principal {
	return approval.Principal{Tenant: tenant, Object: "o-" + name}
}

func holders(names ...string) (all []rules.Holder) {
	for _, name := range names {
		all = append(all, rules.Holder{User: "o-" + name})
	}
	return all
}

// setting is a directory that is made once a test has changed what it is about.
type setting struct {
	*town
	rules rules.Rules
	away  map[string]time.Time
}

// settle returns a small organisation: ada leads, abe and bea approve, cat does
// by a group within a group, mia manages sam.
func settle() *setting {
	s := &setting{
		town: &town{
			users:    map[string]graph.User{},
			within:   map[string][]string{"g-board": {"g-inner"}, "g-inner": {"o-cat"}, "g-desk": {"o-hal", "o-ada"}},
			managers: map[string]string{"o-sam": "o-mia", "o-abe": "o-mia"}, fails: map[string]error{},
		},
		rules: rules.Rules{
			Tenant: tenant, Links: map[string]string{"a//bea-2": "o-bea"},
			Roles: map[string][]rules.Holder{
				"approver": append(holders("abe", "bea", "guest", "off", "gone"), rules.Holder{Group: "g-board"}),
				"lead":     holders("ada"), "helpdesk": {{Group: "g-desk"}},
			},
			ManagerApproves: true,
		},
		away: map[string]time.Time{},
	}
	for _, name := range []string{"ada", "abe", "bea", "cat", "hal", "mia", "sam", "guest", "off"} {
		s.users["o-"+name] = graph.User{ID: "o-" + name, Name: name, UPN: name + "@vale.example", Enabled: name != "off", Guest: name == "guest"}
	}
	for _, name := range []string{"ada", "abe", "bea", "cat", "hal", "mia", "sam", "guest", "off", "gone"} {
		s.rules.Links[identity.LinkKey(account("b", name))] = "o-" + name
	}
	return s
}

func (s *setting) open() *identity.Directory { return s.keep(rules.Fixed(s.rules)) }

func (s *setting) keep(k *rules.Keeper) *identity.Directory {
	ask := map[string][]identity.Role{"defaults": {identity.Lead}, "tap": {identity.Helpdesk}, "look": {identity.Viewer}}
	return identity.New(identity.Config{
		Rules: k, Ask: ask, Away: func(context.Context) (map[string]time.Time, error) { return s.away, s.fails["away"] },
	}, s.town)
}
