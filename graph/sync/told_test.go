package sync

import (
	"context"
	"errors"
	"testing"
	"time"

	"twokey/graph"
)

// What is kept is told without a word to the tenant, for so long and until
// something is changed, and says of when it is.
func TestKept(t *testing.T) {
	t.Parallel()
	world := newTenant(graph.P1, 10)
	b := setup(world)
	now := start
	b.cfg.Now = func() time.Time { return now }
	b.mustPass(t)
	reads := func(what string, want bool) {
		t.Helper()
		world.calls()
		f := b.Kept(t.Context())
		if got := len(world.calls()) > 0; got != want {
			t.Errorf("%s: the tenant was asked is %t, want %t", what, got, want)
		}
		if want && !f.AsOf.Equal(now) || f.AsOf.After(now) {
			t.Errorf("%s: told as of %v, want %v", what, f.AsOf, now)
		}
		if users, ok := f.Users.Get(); !ok || len(users) != 12 {
			t.Errorf("%s: %d accounts are told, want 12", what, len(users))
		}
	}
	reads("the first", true)
	now = now.Add(b.cfg.Kept - time.Second)
	reads("soon after", false)
	b.Outdate()
	reads("after a change", true)
	reads("after that", false)
	now = now.Add(b.cfg.Kept)
	reads("long after", true)
	now = now.Add(-time.Hour)
	reads("before it, by a clock that was set back", true)
	world.calls()
	b.Facts(t.Context())
	if len(world.calls()) == 0 {
		t.Error("facts for a decision were told without asking")
	}
}

// What was being read while something was changed is not told to others, and
// what could not be read is asked for again soon.
func TestKeptOfADoubtfulMoment(t *testing.T) {
	t.Parallel()
	world := newTenant(graph.P1, 10)
	b := setup(world)
	now := start
	b.cfg.Now = func() time.Time { return now }
	b.mustPass(t)
	var meanwhile func() error
	world.before = func(_ context.Context, call string) error {
		if call == "SecurityDefaults" {
			return meanwhile()
		}
		return nil
	}
	meanwhile = func() error { b.Outdate(); return nil }
	b.Kept(t.Context())
	meanwhile = func() error { return errors.New("away") }
	world.calls()
	if f := b.Kept(t.Context()); len(world.calls()) == 0 || f.SecurityDefaults.Err() == nil {
		t.Error("what was read during a change is told")
	}
	now = now.Add(b.cfg.Fresh)
	meanwhile = func() error { return nil }
	if f := b.Kept(t.Context()); f.SecurityDefaults.Err() != nil {
		t.Errorf("after %v it is still told that it could not be read: %v", b.cfg.Fresh, f.SecurityDefaults.Err())
	}
	meanwhile = func() error { return &graph.Error{Kind: graph.KindNoPermission} }
	now = now.Add(b.cfg.Kept)
	b.Kept(t.Context())
	now = now.Add(b.cfg.Fresh)
	world.calls()
	if b.Kept(t.Context()); len(world.calls()) > 0 {
		t.Error("what needs a permission is asked for again and again")
	}
}

// What was told last stays, however old it is, and costs the tenant nothing.
func TestLast(t *testing.T) {
	t.Parallel()
	world := newTenant(graph.P1, 10)
	b := setup(world)
	now := start
	b.cfg.Now = func() time.Time { return now }
	if _, known := b.Last(); known {
		t.Error("something is known before anything was read")
	}
	b.mustPass(t)
	f := b.Facts(t.Context())
	world.calls()
	b.Outdate()
	now = now.Add(30 * 24 * time.Hour)
	got, known := b.Last()
	if users, _ := got.Users.Get(); !known || !got.AsOf.Equal(f.AsOf) || len(users) != 12 {
		t.Errorf("known is %t, %d accounts as of %v", known, len(users), got.AsOf)
	}
	if n := len(world.calls()); n > 0 {
		t.Errorf("the tenant was asked %d times", n)
	}
}
