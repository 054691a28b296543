package identity_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/commands/identity"
	"twokey/graph"
)

const tenant = "t-1"

// directory is a tenant's users by object ID.
type directory struct {
	users map[string]graph.User
	err   error
}

func (d directory) User(_ context.Context, id string) (graph.User, error) {
	if d.err != nil {
		return graph.User{}, d.err
	}
	u, ok := d.users[id]
	if !ok {
		return graph.User{}, &graph.Error{Kind: graph.KindNotFound}
	}
	return u, nil
}

func account(platform, user string) chat.Account { return chat.Account{Platform: platform, User: user} }

func open() (*identity.Directory, directory) {
	users := directory{users: map[string]graph.User{}}
	cfg := identity.Config{
		Tenant: tenant,
		Links:  map[chat.Account]string{account("a", "bea-2"): "o-bea"},
		Roles:  map[identity.Role][]string{identity.Approver: {"o-abe", "o-bea", "o-guest", "o-off", "o-gone"}, identity.Lead: {"o-ada"}},
		Ask:    map[string][]identity.Role{"defaults": {identity.Lead}},
	}
	for _, name := range []string{"ada", "abe", "bea", "sam", "guest", "off"} {
		users.users["o-"+name] = graph.User{ID: "o-" + name, Name: name, Enabled: name != "off", Guest: name == "guest"}
	}
	for _, name := range []string{"ada", "abe", "bea", "sam", "guest", "off", "gone"} {
		cfg.Links[account("b", name)] = "o-" + name
	}
	return identity.New(cfg, users), users
}

func person(name string) approval.Principal {
	return approval.Principal{Tenant: tenant, Object: "o-" + name}
}

func TestWho(t *testing.T) {
	t.Parallel()
	d, _ := open()
	for name, c := range map[string]struct {
		account chat.Account
		linked  bool
		roles   []identity.Role
	}{
		"a lead":                {account("b", "ada"), true, []identity.Role{identity.Lead}},
		"staff":                 {account("b", "sam"), true, nil},
		"a guest on the list":   {account("b", "guest"), true, nil},
		"a disabled approver":   {account("b", "off"), false, nil},
		"a deleted approver":    {account("b", "gone"), false, nil},
		"a stranger":            {account("b", "eve"), false, nil},
		"the same ID elsewhere": {account("c", "abe"), false, nil},
		"another workspace":     {chat.Account{Platform: "b", Workspace: "W2", User: "abe"}, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := d.Who(t.Context(), c.account)
			if err != nil || got.Linked != c.linked || !slices.Equal(got.Roles, c.roles) {
				t.Errorf("Who = %+v, %v", got, err)
			}
			if got.Has(identity.Viewer) != (len(c.roles) > 0) {
				t.Errorf("viewer: %t, with the roles %v", got.Has(identity.Viewer), c.roles)
			}
		})
	}
}

// TestG09OnePerson holds that two accounts of a person are one principal.
func TestG09OnePerson(t *testing.T) {
	t.Parallel()
	d, _ := open()
	one, err := d.Who(t.Context(), account("a", "bea-2"))
	two, err2 := d.Who(t.Context(), account("b", "bea"))
	if err := errors.Join(err, err2); err != nil || one.Principal != two.Principal || one.Principal != person("bea") {
		t.Errorf("%+v and %+v, %v", one, two, err)
	}
	want := []chat.Account{account("a", "bea-2"), account("b", "bea")}
	if got := d.Accounts(person("bea")); !slices.Equal(got, want) {
		t.Errorf("Accounts = %v", got)
	}
	if got := d.Accounts(approval.Principal{Tenant: "t-2", Object: "o-bea"}); got != nil {
		t.Errorf("accounts of the same ID in another tenant: %v", got)
	}
}

func TestMay(t *testing.T) {
	t.Parallel()
	d, _ := open()
	r := approval.Request{Tenant: tenant, Requester: person("ada"), Targets: []approval.Target{{ID: "o-bea"}}}
	for name, c := range map[string]struct {
		err error
		may bool
	}{
		"a lead asks":                 {refused(d.MayAsk(t.Context(), person("ada"), "defaults")), true},
		"an approver asks":            {refused(d.MayAsk(t.Context(), person("abe"), "defaults")), false},
		"a lead asks the unknown":     {refused(d.MayAsk(t.Context(), person("ada"), "world peace")), false},
		"an approver decides":         {refused(d.MayDecide(t.Context(), person("abe"), r)), true},
		"a lead decides":              {refused(d.MayDecide(t.Context(), person("ada"), r)), false},
		"a guest decides":             {refused(d.MayDecide(t.Context(), person("guest"), r)), false},
		"a disabled approver decides": {refused(d.MayDecide(t.Context(), person("off"), r)), false},
		"a deleted approver decides":  {refused(d.MayDecide(t.Context(), person("gone"), r)), false},
		"nobody decides":              {refused(d.MayDecide(t.Context(), approval.Principal{Tenant: tenant}, r)), false},
		"the same ID, another tenant": {refused(d.MayDecide(t.Context(), approval.Principal{Tenant: "t-2", Object: "o-abe"}, r)), false},
		"the one who alone may":       {refused(d.MayDecide(t.Context(), person("abe"), approval.Request{Tenant: tenant, Policy: approval.Policy{Only: []string{"o-abe"}}})), true},
		"another than who alone may":  {refused(d.MayDecide(t.Context(), person("abe"), approval.Request{Tenant: tenant, Policy: approval.Policy{Only: []string{"o-bea"}}})), false},
		"a request of another tenant": {refused(d.MayDecide(t.Context(), person("abe"), approval.Request{Tenant: "t-2"})), false},
	} {
		var no *approval.Refusal
		if c.may != (c.err == nil) || !c.may && !errors.As(c.err, &no) {
			t.Errorf("%s: %v", name, c.err)
		}
	}
	if w, err := d.MayDecide(t.Context(), person("abe"), r); err != nil || w.Role != "approver" || w.Via != "user" || w.Name == "" {
		t.Errorf("the warrant of an approver is %+v, %v", w, err)
	}
	people, err := d.Approvers(t.Context(), r)
	if err != nil || !slices.Equal(people, []approval.Principal{person("abe")}) {
		t.Errorf("Approvers = %v, %v; want abe alone: bea is the target", people, err)
	}
}

// refused is the error of a warrant.
func refused(_ approval.Warrant, err error) error { return err }

// TestG29UnreadableDirectory holds that nobody has rights that cannot be read.
func TestG29UnreadableDirectory(t *testing.T) {
	t.Parallel()
	away := &graph.Error{Kind: graph.KindNotSent}
	cfg := identity.Config{
		Tenant: tenant, Links: map[chat.Account]string{account("b", "abe"): "o-abe"},
		Roles: map[identity.Role][]string{identity.Approver: {"o-abe"}}, Ask: map[string][]identity.Role{"defaults": {identity.Approver}},
	}
	d := identity.New(cfg, directory{err: away})
	who, err := d.Who(t.Context(), account("b", "abe"))
	if !errors.Is(err, away) || who.Linked || len(who.Roles) > 0 {
		t.Errorf("Who = %+v, %v", who, err)
	}
	_, err3 := d.Approvers(t.Context(), approval.Request{Tenant: tenant})
	for name, err := range map[string]error{
		"ask": refused(d.MayAsk(t.Context(), person("abe"), "defaults")), "decide": refused(d.MayDecide(t.Context(), person("abe"), approval.Request{Tenant: tenant})), "list": err3,
	} {
		var no *approval.Refusal
		if err == nil || errors.As(err, &no) {
			t.Errorf("%s: %v, want the tenant's error", name, err)
		}
	}
	if got := d.Name(t.Context(), person("abe")); got != "o-abe" {
		t.Errorf("Name = %q", got)
	}
}

// TestG11OnlyIDs holds that a link or a role by sign-in name is nobody's, though
// the tenant finds accounts by it: the name can pass to somebody else.
func TestG11OnlyIDs(t *testing.T) {
	t.Parallel()
	users := directory{users: map[string]graph.User{
		"abe@vale.example": {ID: "o-abe", Name: "Abe", UPN: "abe@vale.example", Enabled: true},
		"o-abe":            {ID: "o-abe", Name: "Abe", UPN: "abe@vale.example", Enabled: true},
	}}
	d := identity.New(identity.Config{
		Tenant: tenant,
		Links:  map[chat.Account]string{account("b", "by-name"): "abe@vale.example", account("b", "by-id"): "o-abe"},
		Roles:  map[identity.Role][]string{identity.Approver: {"abe@vale.example"}, identity.Lead: {"Abe", "ABE"}},
	}, users)
	if who, err := d.Who(t.Context(), account("b", "by-name")); err != nil || who.Linked {
		t.Errorf("linked by name: %+v, %v", who, err)
	}
	if who, err := d.Who(t.Context(), account("b", "by-id")); err != nil || !who.Linked || len(who.Roles) > 0 {
		t.Errorf("roles by name: %+v, %v", who, err)
	}
	var no *approval.Refusal
	if _, err := d.MayDecide(t.Context(), approval.Principal{Tenant: tenant, Object: "abe@vale.example"}, approval.Request{Tenant: tenant}); !errors.As(err, &no) {
		t.Errorf("an approver by name decides: %v", err)
	}
}

// TestG10ListedTwice holds that who is on a list twice counts once, or a quorum
// would seem within reach that is not.
func TestG10ListedTwice(t *testing.T) {
	t.Parallel()
	_, users := open()
	d := identity.New(identity.Config{Tenant: tenant, Roles: map[identity.Role][]string{identity.Approver: {"o-abe", "o-bea", "o-abe"}}}, users)
	want := []string{"o-abe", "o-bea"}
	if got := d.Holders(identity.Approver); !slices.Equal(got, want) {
		t.Errorf("Holders = %v, want %v", got, want)
	}
	people, err := d.Approvers(t.Context(), approval.Request{Tenant: tenant, Requester: person("ada")})
	if err != nil || !slices.Equal(people, []approval.Principal{person("abe"), person("bea")}) {
		t.Errorf("Approvers = %v, %v", people, err)
	}
}

// Holders gives a list away that nobody else holds.
func TestHoldersIsACopy(t *testing.T) {
	t.Parallel()
	d, _ := open()
	d.Holders(identity.Lead)[0] = "o-eve"
	if _, err := d.MayAsk(t.Context(), person("ada"), "defaults"); err != nil {
		t.Errorf("changing the list took ada's role: %v", err)
	}
	if _, err := d.MayAsk(t.Context(), person("sam"), "defaults"); err == nil {
		t.Error("sam may ask")
	}
}

func TestHas(t *testing.T) {
	t.Parallel()
	all := []identity.Role{identity.Viewer, identity.Helpdesk, identity.Lead, identity.Approver, identity.Owner}
	for _, held := range all {
		s := identity.Speaker{Roles: []identity.Role{held}}
		for _, asked := range all {
			if got, want := s.Has(asked), asked == held || asked == identity.Viewer; got != want {
				t.Errorf("%s has %s: %t, want %t", held, asked, got, want)
			}
		}
		if s.Has() {
			t.Errorf("%s has nothing in particular", held)
		}
	}
	if (identity.Speaker{}).Has(all...) {
		t.Error("staff hold a role")
	}
}

// The requester is never among those who could decide, whatever they hold.
func TestG09ApproversWithoutRequester(t *testing.T) {
	t.Parallel()
	d, _ := open()
	people, err := d.Approvers(t.Context(), approval.Request{Tenant: tenant, Requester: person("abe")})
	if err != nil || !slices.Equal(people, []approval.Principal{person("bea")}) {
		t.Errorf("Approvers = %v, %v; want bea alone", people, err)
	}
}

func TestG21Name(t *testing.T) {
	t.Parallel()
	d := identity.New(identity.Config{Tenant: tenant}, directory{users: map[string]graph.User{"o-x": {ID: "o-x", Name: "\u202eBob\nTarget: Alice"}}})
	if got, want := d.Name(t.Context(), person("x")), "<U+202E>Bob Target: Alice"; got != want {
		t.Errorf("Name = %q, want %q", got, want)
	}
	if got, want := d.Name(t.Context(), approval.Principal{Object: "gone\nfor good"}), "gone for good"; got != want {
		t.Errorf("Name of nobody = %q, want %q", got, want)
	}
}
