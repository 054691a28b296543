package watch

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"twokey/graph"
	"twokey/graph/rollout"
)

// TestU08Look holds that every difference of our app registration is told once it
// can be told, and no more than once; that what was there at first is none; and that
// what takes the place of an app that went is not taken for it.
func TestU08Look(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	d := newDesk()
	var told []rollout.AppFindingKind
	var deaf error
	sure := false
	d.cfg.Now = func() time.Time { return now }
	d.cfg.AppAlarm = func(_ context.Context, a AppAlarm) error {
		if deaf != nil {
			return deaf
		}
		for _, f := range a.Found {
			told = append(told, f.Kind)
		}
		sure = sure || a.Sure()
		return nil
	}
	look := func(what string, wantSure bool, want ...rollout.AppFindingKind) {
		t.Helper()
		for range 2 {
			if err := d.Look(t.Context()); !errors.Is(err, deaf) {
				t.Errorf("%s: Look = %v, want %v", what, err, deaf)
			}
			now = now.Add(10 * time.Minute)
		}
		if !slices.Equal(told, want) || sure != wantSure {
			t.Errorf("%s: told %q, sure %t; want %q, %t", what, told, sure, want, wantSure)
		}
		told, sure = nil, false
	}
	secret := graph.Credential{ID: "old", Kind: graph.CredentialSecret, End: now.Add(365 * 24 * time.Hour)}
	d.log.app = graph.App{ID: "ours", ObjectID: "object", PrincipalID: "principal", Enabled: true, Credentials: []graph.Credential{secret}}
	look("at first", false)
	d.log.app.Credentials = []graph.Credential{secret, {ID: "new", Kind: graph.CredentialSecret, End: secret.End}}
	deaf = errors.New("the database is away")
	look("nobody hears of a secret", false)
	deaf = nil
	look("a secret", true, rollout.CredentialAdded)
	d.log.app.OwnerIDs = []string{"eve"}
	look("an owner", true, rollout.OwnerAdded)
	d.log.app.Permissions = []graph.AppGrant{{ID: "grant"}}
	look("a permission", true, rollout.PermissionAdded)
	now = secret.End.Add(-5 * time.Hour)
	look("two that run out", false, rollout.CredentialExpiring, rollout.CredentialExpiring)
	d.log.app.OwnerIDs = nil
	look("an owner less", false, rollout.OwnerRemoved)
	d.log.appErr = &graph.Error{Kind: graph.KindNotFound}
	was := d.log.app
	d.log.app = graph.App{}
	look("gone", false, rollout.AppRemoved)
	d.log.app, d.log.appErr = was, nil
	d.log.app.ObjectID = "another"
	look("replaced, by one that runs out too", true, rollout.AppReplaced, rollout.CredentialExpiring, rollout.CredentialExpiring)
	d.store.follower = true
	d.log.app.OwnerIDs = []string{"eve"}
	look("another process leads", false)
}
