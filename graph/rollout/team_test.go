package rollout

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"twokey/graph"
)

// A team of three accounts in scope below a manager, who has another above; and
// somebody below each kind of account that leads nobody.
func TestTeams(t *testing.T) {
	t.Parallel()
	on := func(id, name string) graph.User { return graph.User{ID: id, Name: name, Enabled: true} }
	guest, left := on("guest", "Guest"), graph.User{ID: "left", Name: "Left"}
	guest.Guest = true
	users := []graph.User{on("top", "Top"), on("mia", "Mia"), on("c", "Zoe"), on("a", "Ann"), on("b", "Ann"), guest, left, on("room", "Room"), on("x", "X"), on("y", "Y"), on("z", "Z"), on("self", "Self"), on("gone", "Gone")}
	above := map[string]string{
		"mia": "top", "top": "mia", // a circle
		"a": "mia", "b": "mia", "c": "mia", "guest": "mia", "left": "mia", "room": "mia",
		"x": "guest", "y": "left", "z": "room", "self": "self", "gone": "nobody any more",
	}
	f := Facts{AsOf: monday47, Licence: From(graph.P1, nil), Users: From(users, nil)}
	teams, why := Teams(f, Scope{Declared: map[string]Purpose{"room": Room}}, above)
	if why != "" {
		t.Fatal(why)
	}
	var got []string
	for _, team := range teams {
		for _, p := range team.People {
			got = append(got, team.Manager.ID+" > "+p.ID)
		}
	}
	want := []string{"mia > a", "mia > b", "mia > top", "mia > c", "top > mia"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if _, why := Teams(Facts{Users: From[[]graph.User](nil, &graph.Error{Kind: graph.KindNoPermission, Permission: "User.Read.All"})}, Scope{}, above); why != "permission missing: User.Read.All" {
		t.Errorf("without accounts: got the reason %q", why)
	}
}

// Of few people how they sign in is not counted: it would be said of persons.
func TestSmallTeamsAreNotCounted(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int{1: 1, 4: 1, 5: 3} {
		if got := len((Team{People: make([]Person, n)}).Sums(monday47)); got != want {
			t.Errorf("a team of %d: got %d figures, want %d", n, got, want)
		}
	}
}

// Nobody's team holds a person who does not report to them, whom figures do not
// count, or who is in another; and nobody in scope is lost who has a manager that
// can be told.
func TestTeamsHoldTheirOwnAlone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f, s := randomTenant(t)
		users, _ := f.Users.Get()
		byID, above := map[string]graph.User{}, map[string]string{}
		for _, u := range users {
			byID[u.ID] = u
			if i := rapid.IntRange(-2, len(users)).Draw(t, "manager"); i >= 0 { // one more than there are: who has left
				above[u.ID] = fmt.Sprint("id-", i)
			}
		}
		teams, why := Teams(f, s, above)
		people, _ := People(f, s)
		inScope, in := map[string]Person{}, map[string]string{}
		for _, p := range people {
			inScope[p.ID] = p
		}
		if why != f.Users.Reason() || why != "" && teams != nil {
			t.Fatalf("%d teams because of %q, and the accounts have the reason %q", len(teams), why, f.Users.Reason())
		}
		for _, team := range teams {
			m := byID[team.Manager.ID]
			if _, declared := s.Declared[m.ID]; !m.Enabled || m.Guest || declared || len(team.People) == 0 {
				t.Errorf("%+v leads %d people", m, len(team.People))
			}
			for _, p := range team.People {
				if _, counted := inScope[p.ID]; !counted || above[p.ID] != m.ID || p.ID == m.ID || in[p.ID] != "" {
					t.Errorf("%s is in the team of %s, reports to %q, and was in that of %q", p.ID, m.ID, above[p.ID], in[p.ID])
				}
				in[p.ID] = m.ID
			}
			missing := team.Missing()
			if n, ok := (Week{AsOf: f.AsOf, Sums: team.Sums(f.AsOf)}).Figures().Get(Registered).Value(); ok && int(n)+len(missing) > len(team.People) {
				t.Errorf("%v registered and %d not, of %d", n, len(missing), len(team.People))
			}
			for _, id := range missing {
				if in[id] != m.ID || inScope[id].Registered != No {
					t.Errorf("%s is said to be missing in the team of %s", id, m.ID)
				}
			}
		}
		for _, p := range people {
			m := byID[above[p.ID]]
			if _, declared := s.Declared[m.ID]; m.Enabled && !m.Guest && !declared && m.ID != p.ID && in[p.ID] != m.ID {
				t.Errorf("%s reports to %s and is in no team", p.ID, m.ID)
			}
		}
	})
}
