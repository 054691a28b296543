package identity_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/commands/identity"
	"twokey/commands/rules"
	"twokey/graph"
)

// TestU01Suggested holds whose an account is taken for by its e-mail address, and
// that this gives no right to anybody, whoever they are.
func TestU01Suggested(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mail  string
		who   string // empty: nobody
		edit  func(*setting)
		fails bool
	}{
		"a sign-in name":                        {mail: "sam@vale.example", who: "sam"},
		"in another case":                       {mail: "Sam@Vale.Example", who: "sam"},
		"of somebody with a role":               {mail: "abe@vale.example", who: "abe"},
		"a mail address of the same domain":     {mail: "sam.lee@vale.example", who: "sam", edit: func(s *setting) { s.edit("sam", func(u *graph.User) { u.Mail = "sam.lee@vale.example" }) }},
		"a mail address of another domain":      {mail: "sam@elsewhere.example", edit: func(s *setting) { s.edit("sam", func(u *graph.User) { u.Mail = "sam@elsewhere.example" }) }},
		"nobody's":                              {mail: "zoe@vale.example"},
		"none":                                  {},
		"a guest's":                             {mail: "guest@vale.example"},
		"a leaver's":                            {mail: "off@vale.example"},
		"of two people":                         {mail: "sam@vale.example", edit: func(s *setting) { s.edit("mia", func(u *graph.User) { u.Mail = "sam@vale.example" }) }},
		"one that the tenant finds by its name": {mail: "sam", edit: func(s *setting) { s.edit("sam", func(u *graph.User) { u.UPN = "s@vale.example" }) }},
		"while the tenant cannot be read":       {mail: "sam@vale.example", edit: func(s *setting) { s.fails["user"] = errors.New("down") }, fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := settle()
			if c.edit != nil {
				c.edit(s)
			}
			d := identity.New(identity.Config{Rules: rules.Fixed(s.rules), Suggest: identity.Suggestion{
				Mail: func(context.Context, chat.Account) (string, error) { return c.mail, nil },
				Find: func(_ context.Context, typed string) (found []graph.User, err error) {
					for _, u := range s.users {
						if slices.ContainsFunc([]string{u.UPN, u.Mail, u.Name}, func(n string) bool { return strings.EqualFold(n, typed) }) {
							found = append(found, u)
						}
					}
					return found, nil
				},
			}}, s.town)
			who, err := d.Who(t.Context(), account("b", "unknown"))
			if (err != nil) != c.fails {
				t.Fatalf("err = %v", err)
			}
			if who.User.Name != c.who || who.Linked != (c.who != "") || who.Suggested != who.Linked {
				t.Errorf("it is %+v, want %q", who, c.who)
			}
			if who.Principal != (approval.Principal{}) || len(who.Roles) > 0 || who.Has(identity.Viewer) {
				t.Errorf("it gives a right: %+v", who)
			}
			if object, err := d.Whose(t.Context(), account("b", "unknown")); object != "" || err != nil {
				t.Errorf("it is a link: %q, %v", object, err)
			}
		})
	}
}

// TestU01ALinkGoesFirst holds that an e-mail address says nothing of an account
// that is linked.
func TestU01ALinkGoesFirst(t *testing.T) {
	t.Parallel()
	s := settle()
	d := identity.New(identity.Config{Rules: rules.Fixed(s.rules), Suggest: identity.Suggestion{
		Mail: func(context.Context, chat.Account) (string, error) {
			t.Error("its address was looked up")
			return "abe@vale.example", nil
		},
		Find: func(context.Context, string) ([]graph.User, error) { return []graph.User{s.users["o-abe"]}, nil },
	}}, s.town)
	who, err := d.Who(t.Context(), account("b", "sam"))
	if err != nil || who.User.Name != "sam" || who.Suggested {
		t.Errorf("it is %+v, %v", who, err)
	}
}
