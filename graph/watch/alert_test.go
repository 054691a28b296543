package watch

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"twokey/graph"
	"twokey/graph/rollout"
)

// changed adds a line: an app changed a policy just now.
func (l *log) changed(id, activity, was, is string) {
	l.lines = append(l.lines, graph.Audit{
		ID: id, At: time.Now(), Activity: activity, Category: "Policy", Succeeded: true, ByAppID: "portal",
		Targets: []graph.AuditTarget{{ID: "policy", Name: "Everybody", Changes: []graph.AuditChange{
			{Property: "state", Old: was, New: is}, {Property: "isEnabled", Old: was, New: is},
		}}},
	})
}

// Of what others do to what protects every sign-in somebody is told, once it can be
// told; not of what was so before the bot came, nor of security defaults that go on.
func TestWeakened(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		var told []string
		var deaf error
		d.cfg.Weakened = func(ctx context.Context, changes []rollout.LoggedChange) error {
			if deaf != nil {
				return deaf
			}
			for _, c := range changes {
				told = append(told, c.AuditID)
			}
			return d.store.Told(ctx, "tenant", told)
		}
		look := func(what string, want ...string) {
			t.Helper()
			for range 2 {
				time.Sleep(10 * time.Minute)
				if err := d.Pass(t.Context()); !errors.Is(err, deaf) {
					t.Errorf("%s: Pass = %v, want %v", what, err, deaf)
				}
			}
			if !slices.Equal(told, want) {
				t.Errorf("%s: told of %q, want %q", what, told, want)
			}
			told = nil
		}
		d.log.changed("before", "Update security defaults", "true", "false")
		look("before the bot came")
		d.log.changed("off", "Update security defaults", "true", "false")
		deaf = errors.New("the database is away")
		look("nobody hears of it")
		deaf = nil
		look("off", "off")
		d.log.changed("on", "Update security defaults", "false", "true")
		look("on")
		d.log.changed("a policy", "Delete conditional access policy", "enabled", "")
		d.log.changed("another", "Add conditional access policy", "", "enabled")
		look("two policies", "a policy", "another")
		d.log.changed("other", "Update authorization policy", "a", "b")
		look("a policy of another kind")
		if len(d.raised) != 0 {
			t.Errorf("%d alarms of what was done in our name", len(d.raised))
		}
	})
}

// That an emergency account signed in is told for each day on which it did, since
// the bot came: failed attempts are no use, and a Free tenant has no log of it.
func TestEmergencyUsed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk()
		d.cfg.Emergency = []string{"one", "two"}
		told := map[string]int{}
		var deaf error
		d.cfg.Used = func(_ context.Context, u Use) error {
			if deaf == nil {
				told[u.UserID+" "+u.Day] = u.Times
			}
			return deaf
		}
		signIn := func(id string, code int) {
			d.log.signIns = slices.Insert(d.log.signIns, 0, graph.SignIn{UserID: id, At: time.Now(), ErrorCode: code})
		}
		look := func(what string, want ...string) {
			t.Helper()
			if err := d.Guard(t.Context()); !errors.Is(err, deaf) {
				t.Errorf("%s: Guard = %v, want %v", what, err, deaf)
			}
			var got []string
			for use := range told {
				got = append(got, use)
			}
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%s: told of %q, want %q", what, got, want)
			}
			clear(told)
		}
		signIn("one", 0)
		time.Sleep(time.Hour)
		look("before the first reading of the log")
		d.pass(t)
		look("before the bot came")
		signIn("one", 50126)
		signIn("bob", 0)
		look("an attempt that failed, and somebody else")
		time.Sleep(time.Hour)
		signIn("two", 0)
		deaf = errors.New("the database is away")
		look("nobody hears of it")
		deaf = nil
		look("again", "two 2000-01-01")
		time.Sleep(24 * time.Hour)
		signIn("one", 0)
		signIn("two", 0)
		signIn("two", 0)
		look("on another day", "one 2000-01-02", "two 2000-01-01", "two 2000-01-02")
		time.Sleep(73 * time.Hour)
		look("long ago")
		d.log.signInsErr = &graph.Error{Kind: graph.KindNoLicence}
		look("without a licence")
	})
}
