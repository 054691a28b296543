package identity_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/commands/identity"
	"twokey/commands/rules"
)

// TestG09EveryPair holds, whoever is linked to whom, that two accounts are one
// principal exactly if they are one person's, and that nobody who asks by one of
// theirs is found among those who could decide by another.
func TestG09EveryPair(t *testing.T) {
	t.Parallel()
	var accounts []chat.Account
	for _, platform := range []string{"slack", "discord"} {
		for _, workspace := range []string{"", "W1", "W2"} {
			for _, user := range []string{"1", "2"} {
				accounts = append(accounts, chat.Account{Platform: platform, Workspace: workspace, User: user})
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		s := settle()
		s.rules.Links = map[string]string{}
		whose := map[chat.Account]string{}
		for _, a := range accounts {
			whose[a] = rapid.SampledFrom([]string{"", "o-abe", "o-bea", "o-cat", "o-sam"}).Draw(t, "person")
			s.rules.Links[identity.LinkKey(a)] = whose[a]
		}
		d := s.open()
		who := map[chat.Account]identity.Speaker{}
		for _, a := range accounts {
			var err error
			if who[a], err = d.Who(context.Background(), a); err != nil || who[a].Linked != (whose[a] != "") {
				t.Fatalf("%v: %+v, %v", a, who[a], err)
			}
		}
		for _, a := range accounts {
			bench, err := d.Bench(context.Background(), approval.Request{Tenant: tenant, Requester: who[a].Principal})
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range accounts {
				same := whose[a] != "" && whose[a] == whose[b]
				if whose[a] != "" && (who[a].Principal == who[b].Principal) != same {
					t.Errorf("%v and %v: %+v and %+v", a, b, who[a].Principal, who[b].Principal)
				}
				if same && slices.Contains(bench.Can, who[b].Principal) {
					t.Errorf("%v asks, and %v could decide", a, b)
				}
			}
		}
	})
}

// TestG28OtherTenant holds that somebody of another tenant has no rights here,
// and none of ours there, though the object ID is the same.
func TestG28OtherTenant(t *testing.T) {
	t.Parallel()
	s := settle()
	d := s.open()
	other := approval.Principal{Tenant: "t-2", Object: "o-abe"}
	there := about("sam")
	there.Tenant = "t-2"
	_, asks := d.MayAsk(t.Context(), approval.Principal{Tenant: "t-2", Object: "o-ada"}, "defaults")
	_, decides := d.MayDecide(t.Context(), other, about("sam"))
	_, abroad := d.MayDecide(t.Context(), person("abe"), there)
	_, both := d.MayDecide(t.Context(), other, there)
	for name, err := range map[string]error{"asks here": asks, "decides here": decides, "decides there": abroad, "is of there, and decides there": both} {
		if _, ok := errors.AsType[*approval.Refusal](err); !ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	bench, err := d.Bench(t.Context(), there)
	if err != nil || len(bench.Can)+len(bench.Away)+len(bench.Targets) > 0 {
		t.Errorf("of ours could decide there: %+v, %v", bench, err)
	}
	if got := d.Accounts(t.Context(), other); got != nil {
		t.Errorf("written to: %v", got)
	}
}

// TestO30Guest holds that a guest who is on the list by mistake, or in a listed
// group, decides nothing, and is told nothing.
func TestO30Guest(t *testing.T) {
	t.Parallel()
	s := settle()
	s.rules.Roles = map[string][]rules.Holder{"approver": append(holders("guest", "bea"), rules.Holder{Group: "g-board"})}
	s.within["g-inner"] = []string{"o-guest", "o-off"}
	d := s.open()
	if _, err := d.MayDecide(t.Context(), person("guest"), about("sam")); err == nil {
		t.Error("a guest may decide")
	}
	for name, list := range map[string]func() ([]approval.Principal, error){
		"asked": func() ([]approval.Principal, error) { return d.Approvers(t.Context(), about("sam")) },
		"told":  func() ([]approval.Principal, error) { return d.Active(t.Context(), identity.Approver) },
	} {
		if got, err := list(); err != nil || !slices.Equal(got, []approval.Principal{person("bea")}) {
			t.Errorf("%s are %v, %v", name, got, err)
		}
	}
}
