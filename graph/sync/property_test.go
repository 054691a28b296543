package sync

import (
	"context"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"twokey/graph"
	"twokey/graph/rollout"
)

// Whatever happens between passes, once the tenant's logs have caught up what
// is kept says of everybody what a fresh reading of the whole tenant says.
func TestKeptIsWhatAFreshReadingSays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		world := newTenant(rapid.SampledFrom([]graph.Licence{graph.Free, graph.P1}).Draw(t, "licence"), 12)
		world.lag, world.behind, world.asOf = 20*time.Minute, time.Minute, 5*time.Hour
		b := setup(world)
		t.Repeat(map[string]func(*rapid.T){
			"pass":    func(t *rapid.T) { b.mustPass(t) },
			"refresh": func(t *rapid.T) { refresh(t, b) },
			"restart": func(*rapid.T) { b.restart() },
			"forget":  func(*rapid.T) { world.forget() },
			"wait": func(t *rapid.T) {
				world.advance(time.Duration(rapid.SampledFrom([]int{1, 10, 60, 36 * 60, 9 * 24 * 60}).Draw(t, "minutes")) * time.Minute)
			},
			"hire":     func(t *rapid.T) { world.hire(anyAccount(t)) },
			"fire":     func(t *rapid.T) { world.fire(anyID(t)) },
			"register": func(t *rapid.T) { anyRegistration(t, world) },
			"": func(t *rapid.T) {
				if rapid.IntRange(0, 3).Draw(t, "look") == 0 {
					wantFresh(t, b)
				}
			},
		})
		wantFresh(t, b)
	})
}

func refresh(t *rapid.T, b *bench) {
	if _, err := b.Refresh(context.Background()); err != nil {
		t.Fatalf("Refresh: %v", err)
	}
}

func anyID(t *rapid.T) string { return fmt.Sprintf("u%03d", rapid.IntRange(0, 15).Draw(t, "who")) }

func anyAccount(t *rapid.T) graph.User {
	u := graph.User{ID: anyID(t), Name: rapid.SampledFrom([]string{"Ann", "Ben"}).Draw(t, "name")}
	u.Enabled, u.Guest = rapid.Bool().Draw(t, "enabled"), rapid.IntRange(0, 4).Draw(t, "guest") == 0
	return u
}

func anyRegistration(t *rapid.T, world *tenant) {
	id := anyID(t)
	if _, there := world.users[id]; !there {
		return
	}
	kinds := [][]graph.MethodKind{nil, {graph.MethodPhone}, {graph.MethodPasskey}, {graph.MethodPasskey, graph.MethodPhone}}
	world.register(id, rapid.SampledFrom(kinds).Draw(t, "methods")...)
}

// wantFresh lets the tenant's logs catch up, passes, and compares.
func wantFresh(t *rapid.T, b *bench) {
	b.tenant.advance(40 * time.Minute)
	b.mustPass(t)
	b.tenant.advance(2 * time.Minute)
	got, want := describe(b.Facts(context.Background())), describe(Read(context.Background(), b.tenant, b.tenant.clock))
	for id, w := range want {
		if g := got[id]; g != w {
			t.Errorf("%s: kept %q, read %q", id, g, w)
		}
		delete(got, id)
	}
	for id, g := range got {
		t.Errorf("%s: kept %q, and is not there any more", id, g)
	}
}

// describe is what is known of each account, in scope or not, but for when it
// was so and by which road.
func describe(f rollout.Facts) map[string]string {
	all := make(map[string]string)
	users, _ := f.Users.Get()
	for _, u := range users {
		all[u.ID] = fmt.Sprintf("%+v", u)
	}
	people, _ := rollout.People(f, rollout.Scope{})
	for _, p := range people {
		all[p.ID] += fmt.Sprintf(" registered %v, backup %v, phone only %v, resistant %v", p.Registered, p.Backup, p.PhoneOnly, p.PhishingResistant)
	}
	return all
}
