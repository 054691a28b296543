package approval_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"twokey/commands/approval"
	"twokey/store"
)

// BenchmarkRoundTrip sets what asking and approving a request costs beside the
// floor under it: two transactions that each store a single row, with the same
// durability on the same disk.
func BenchmarkRoundTrip(b *testing.B) {
	ctx := context.Background()
	open := func(b *testing.B) *store.Store {
		b.Helper()
		s, err := store.Open(ctx, store.Config{DSN: filepath.Join(b.TempDir(), "twokey.db")})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() {
			if err := s.Close(); err != nil {
				b.Error(err)
			}
		})
		return s
	}
	b.Run("engine", func(b *testing.B) {
		w := &world{t: b, tenant: &tenant{values: map[string]string{}}, store: open(b)}
		w.people = &people{askers: map[string]bool{"ada": true}, approvers: map[string]bool{"bea": true}}
		w.engine = &approval.Engine{Store: w.store, Standing: w.people, Expiry: func(asked time.Time) time.Time { return asked.Add(expiry) }, Caps: approval.Caps{PerHour: -1, OpenPerPerson: -1, AskedPerHour: -1}}
		for b.Loop() {
			r := w.approve(w.ask("ada", 1, fmt.Sprint("object-", w.asked)), "bea")
			b.StopTimer() // it ends, so that the list of open ones stays short
			if _, err := w.engine.Cancel(ctx, press(r, "ada")); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
	})
	b.Run("floor", func(b *testing.B) {
		s := open(b)
		for n := 0; b.Loop(); n++ {
			for i := range 2 {
				err := s.Update(ctx, func(tx approval.Tx) error {
					return tx.Owe(approval.Notice{Key: fmt.Sprint(n, "/", i), Topic: "topic", Address: "{}", Facts: []byte("{}")})
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}
