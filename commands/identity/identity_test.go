package identity_test

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/commands/identity"
	"twokey/commands/rules"
	"twokey/graph"
)

func TestWho(t *testing.T) {
	t.Parallel()
	d := settle().open()
	for name, c := range map[string]struct {
		account chat.Account
		linked  bool
		via     map[identity.Role]string
	}{
		"a lead, and helpdesk by a group": {account("b", "ada"), true, map[identity.Role]string{identity.Lead: "user", identity.Helpdesk: "group g-desk"}},
		"by a group within the group":     {account("b", "cat"), true, map[identity.Role]string{identity.Approver: "group g-board"}},
		"staff":                           {account("b", "sam"), true, nil},
		"a guest on the list":             {account("b", "guest"), true, nil},
		"a disabled approver":             {account("b", "off"), false, nil},
		"a deleted approver":              {account("b", "gone"), false, nil},
		"a stranger":                      {account("b", "eve"), false, nil},
		"the same ID elsewhere":           {account("c", "abe"), false, nil},
		"another workspace":               {chat.Account{Platform: "b", Workspace: "W2", User: "abe"}, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := d.Who(t.Context(), c.account)
			if err != nil || got.Linked != c.linked || !maps.Equal(got.Via, c.via) || len(got.Roles) != len(c.via) {
				t.Errorf("Who = %+v, %v", got, err)
			}
			for role := range c.via {
				if !got.Has(role) {
					t.Errorf("has no %s", role)
				}
			}
			if got.Has(identity.Viewer) != (len(c.via) > 0) {
				t.Errorf("viewer: %t, with the roles %v", got.Has(identity.Viewer), got.Roles)
			}
			if got.Linked != (got.Proof == "pinned in the configuration") || got.Linked != (got.Principal != approval.Principal{}) {
				t.Errorf("proof %q, %+v", got.Proof, got.Principal)
			}
		})
	}
}

// TestG09OnePerson holds that the accounts of a person are one principal, and
// that the requester is never among those who could decide.
func TestG09OnePerson(t *testing.T) {
	t.Parallel()
	d := settle().open()
	one, err := d.Who(t.Context(), account("a", "bea-2"))
	two, err2 := d.Who(t.Context(), account("b", "bea"))
	if err := errors.Join(err, err2); err != nil || one.Principal != two.Principal || one.Principal != person("bea") {
		t.Errorf("%+v and %+v, %v", one, two, err)
	}
	want := []chat.Account{account("a", "bea-2"), account("b", "bea")}
	if got := d.Accounts(t.Context(), person("bea")); !slices.Equal(got, want) {
		t.Errorf("Accounts = %v", got)
	}
	if got := d.Accounts(t.Context(), approval.Principal{Tenant: "t-2", Object: "o-bea"}); got != nil {
		t.Errorf("accounts of the same ID in another tenant: %v", got)
	}
	people, err := d.Approvers(t.Context(), approval.Request{Tenant: tenant, Requester: one.Principal})
	if err != nil || !slices.Equal(people, []approval.Principal{person("abe"), person("cat")}) {
		t.Errorf("Approvers = %v, %v; want all but bea", people, err)
	}
}

// TestG11OnlyIDs holds that a link or a role by sign-in name is nobody's, though
// the tenant finds accounts by it: the name can pass to somebody else.
func TestG11OnlyIDs(t *testing.T) {
	t.Parallel()
	s := settle()
	s.users["abe@vale.example"] = s.users["o-abe"]
	s.rules.Links["b//by-name"] = "abe@vale.example"
	s.rules.Roles = map[string][]rules.Holder{"approver": {{User: "abe@vale.example"}}, "lead": {{User: "Abe"}, {User: "ABE"}}}
	d := s.open()
	if who, err := d.Who(t.Context(), account("b", "by-name")); err != nil || who.Linked {
		t.Errorf("linked by name: %+v, %v", who, err)
	}
	if who, err := d.Who(t.Context(), account("b", "abe")); err != nil || !who.Linked || len(who.Roles) > 0 {
		t.Errorf("roles by name: %+v, %v", who, err)
	}
	var no *approval.Refusal
	if _, err := d.MayDecide(t.Context(), approval.Principal{Tenant: tenant, Object: "abe@vale.example"}, approval.Request{Tenant: tenant}); !errors.As(err, &no) {
		t.Errorf("an approver by name decides: %v", err)
	}
}

// TestG11LookAlikes holds that whoever takes an approver's name, sign-in name,
// address and department gets nothing with them, and that the approver loses
// nothing by another name.
func TestG11LookAlikes(t *testing.T) {
	t.Parallel()
	s := settle()
	real := s.users["o-abe"]
	s.edit("sam", func(u *graph.User) {
		u.Name, u.UPN, u.Mail, u.Department = real.Name, real.UPN, real.UPN, real.Department
	})
	s.edit("abe", func(u *graph.User) { u.Name, u.UPN, u.Mail = "Sam", "sam@vale.example", "" })
	s.rules.Links["b//abe@vale.example"] = "" // what a chat profile says is no link
	d := s.open()
	for _, a := range []chat.Account{account("b", "sam"), account("b", "abe@vale.example"), account("b", "ABE"), account("b", "аbe"), account("B", "abe")} {
		who, err := d.Who(t.Context(), a)
		if err != nil || len(who.Roles) > 0 {
			t.Errorf("%v is %+v, %v", a, who, err)
		}
		if _, err := d.MayDecide(t.Context(), who.Principal, approval.Request{Tenant: tenant}); err == nil {
			t.Errorf("%v may decide", a)
		}
	}
	if w, err := d.MayDecide(t.Context(), person("abe"), approval.Request{Tenant: tenant}); err != nil || w.Name != "Sam" || w.Via != "user" {
		t.Errorf("the approver of another name: %+v, %v", w, err)
	}
}

// TestG16NewLinks holds that a link which the owner did not pin is nobody's, and
// that one which was pinned just now gives what staff may do, and nothing else.
func TestG16NewLinks(t *testing.T) {
	t.Parallel()
	s := settle()
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	later := s.rules
	later.Links = maps.Clone(s.rules.Links)
	later.Links["b//new"], later.Links["a//bea-2"] = "o-abe", "o-abe"
	d := s.keep(rules.NewKeeper(
		[]rules.Version{{Rules: s.rules, Since: now.Add(-time.Hour)}, {Rules: later, Since: now}},
		func() time.Time { return now },
	))
	for _, a := range []chat.Account{account("b", "new"), account("a", "bea-2")} {
		who, err := d.Who(t.Context(), a)
		if err != nil || !who.Linked || who.User.ID != "o-abe" || len(who.Roles) > 0 || who.Principal != (approval.Principal{}) || who.Proof != "pinned in the configuration less than a day ago" {
			t.Errorf("%v is %+v, %v", a, who, err)
		}
		if slices.Contains(d.Accounts(t.Context(), person("abe")), a) || slices.Contains(d.Accounts(t.Context(), person("bea")), a) {
			t.Errorf("%v is written to", a)
		}
		if _, err := d.MayAsk(t.Context(), who.Principal, "look"); err == nil {
			t.Errorf("%v may ask", a)
		}
	}
	if who, err := d.Who(t.Context(), account("b", "unasked")); err != nil || who.Linked {
		t.Errorf("not pinned: %+v, %v", who, err)
	}
	now = now.Add(rules.Late)
	who, err := d.Who(t.Context(), account("b", "new"))
	if err != nil || who.Principal != person("abe") || !slices.Equal(who.Roles, []identity.Role{identity.Approver}) || who.Proof != "pinned in the configuration" {
		t.Errorf("a day later: %+v, %v", who, err)
	}
}

func TestLinkKey(t *testing.T) {
	t.Parallel()
	s := settle()
	a := chat.Account{Platform: "slack", Workspace: "T1", User: "U1/2"}
	s.rules.Links[identity.LinkKey(a)] = "o-mia"
	want := []chat.Account{{Platform: "b", User: "mia"}, a}
	if got := s.open().Accounts(t.Context(), person("mia")); !slices.Equal(got, want) {
		t.Errorf("Accounts = %v, want %v", got, want)
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

func TestG21Name(t *testing.T) {
	t.Parallel()
	s := settle()
	s.users["o-x"] = graph.User{ID: "o-x", Name: "\u202eBob\nTarget: Alice"}
	d := s.open()
	if got, want := d.Name(t.Context(), person("x")), "<U+202E>Bob Target: Alice"; got != want {
		t.Errorf("Name = %q, want %q", got, want)
	}
	if got, want := d.Name(t.Context(), approval.Principal{Object: "gone\nfor good"}), "gone for good"; got != want {
		t.Errorf("Name of nobody = %q, want %q", got, want)
	}
}
