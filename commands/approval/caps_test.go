package approval_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"twokey/commands/approval"
)

// objects names n things.
func objects(prefix string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprint(prefix, "-", i)
	}
	return all
}

// O55, G27: 200 at once are refused; ten at a time stop at what an hour may
// bring, also for others, and go on when that is over. Every target is in the
// request that approvers are shown.
func TestO55BulkAndSlicedBulk(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.engine.Caps = approval.Caps{OpenPerPerson: -1}
		_, err := w.engine.Submit(t.Context(), w.plan("ada", 1, objects("bulk", 200)...))
		wantCode(t, err, "too-many")
		accepted := 0
		for i := range 20 {
			asker := []string{"ada", "abe"}[i%2]
			r, err := w.engine.Submit(t.Context(), w.plan(asker, 1, objects(fmt.Sprint("slice-", i), 10)...))
			if err != nil {
				wantCode(t, err, "too-many")
				continue
			}
			if accepted++; len(w.find(r).Targets) != 10 {
				t.Errorf("%d targets are shown, want 10", len(w.find(r).Targets))
			}
		}
		if accepted != 10 {
			t.Errorf("%d slices of ten were accepted, want 10", accepted)
		}
		time.Sleep(expiry) // what nobody approved counts no more
		w.ask("ada", 1, objects("later", 50)...)
		w.ask("abe", 1, objects("more", 50)...)
		_, err = w.engine.Submit(t.Context(), w.plan("abe", 1, "one"))
		wantCode(t, err, "too-many")
	})
}

// G27: what was asked long ago and done just now counts, or slices that wait
// could be let go all at once.
func TestG27WhatWasDoneLatelyCounts(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.engine.Caps = approval.Caps{PerHour: 6}
		plan := w.plan("ada", 1, objects("old", 4)...)
		plan.Policy.Life = 5 * time.Hour
		r, err := w.engine.Submit(t.Context(), plan)
		if err != nil {
			t.Fatal(err)
		}
		w.ahead.Add(int64(4 * time.Hour))
		_, err = w.engine.Submit(t.Context(), w.plan("abe", 1, objects("new", 4)...))
		wantCode(t, err, "too-many") // it is open still
		w.wantEnd(w.approve(r, "bea"), approval.Succeeded)
		_, err = w.engine.Submit(t.Context(), w.plan("abe", 1, objects("new", 4)...))
		wantCode(t, err, "too-many") // it was done just now
		w.ahead.Add(int64(2 * time.Hour))
		w.ask("abe", 1, objects("new", 4)...)
	})
}

// O58, G37: of a thousand requests by one person as many are let through as the
// caps say, the approvers see no more prompts than that, and another person is
// heard at once.
func TestO58OnePersonFloods(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.engine.Caps = approval.Caps{}
		ctx := context.Background()
		var accepted, refused atomic.Int64
		done := make(chan struct{})
		for range 10 {
			plans := make([]approval.Plan, 100)
			for i := range plans {
				plans[i] = w.plan("ada", 1, fmt.Sprint("flood-", w.asked))
			}
			go func() {
				for _, plan := range plans {
					_, err := w.engine.Submit(ctx, plan)
					if err == nil {
						accepted.Add(1)
					} else {
						wantCode(t, err, "too-many")
						refused.Add(1)
					}
				}
				done <- struct{}{}
			}()
		}
		other, err := w.engine.Submit(ctx, w.plan("abe", 1, "lamp"))
		if err != nil {
			t.Errorf("another person is refused: %v", err)
		}
		for range 10 {
			<-done
		}
		if accepted.Load() != 10 || refused.Load() != 990 {
			t.Errorf("%d accepted, %d refused; want 10 and 990", accepted.Load(), refused.Load())
		}
		if n := len(w.owed(approval.NoticePrompt)); n != 11 {
			t.Errorf("the approvers see %d prompts, want 10 and the other's", n)
		}
		for _, r := range w.requests() { // one that ends makes room, until the hour's are used up
			if r.ID != other.ID {
				if _, err := w.engine.Cancel(ctx, press(r, "ada")); err != nil {
					t.Error(err)
				}
			}
		}
		for i := range 11 {
			_, err := w.engine.Submit(ctx, w.plan("ada", 1, fmt.Sprint("more-", i)))
			if i < 10 && err != nil {
				t.Errorf("request %d of the hour: %v", 11+i, err)
			}
			if i == 10 {
				wantCode(t, err, "too-many")
			}
		}
		time.Sleep(time.Hour)
		w.ask("ada", 1, "after an hour")
	})
}
