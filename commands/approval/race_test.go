package approval_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"twokey/commands/approval"
)

// G15: of deny, cancel, expire and start exactly one wins, whatever approves
// in between, and nothing is applied unless the start was first.
func TestG15OneWins(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		rounds := fewer(400)
		ctx := context.Background()
		won := map[approval.State]int{}
		for round := range rounds {
			r := w.ask("ada", 1, "lamp")
			calls := w.tenant.calls()
			var denied, cancelled, approved error
			var all sync.WaitGroup
			racers := []func(){
				func() { _, approved = w.engine.Approve(ctx, press(r, "bea")) },
				func() { _, denied = w.engine.Deny(ctx, press(r, "abe")) },
				func() { _, cancelled = w.engine.Cancel(ctx, press(r, "ada")) },
			}
			if round%2 == 0 { // the clock runs out in the middle of it
				racers = append(racers, func() { w.ahead.Add(int64(expiry)); w.process.runner.Wake() })
			}
			if round%8 == 7 { // the start is against a late no
				racers[0]()
				racers = racers[1:]
			}
			if round%16 == 15 { // which comes too late for certain
				synctest.Wait()
			}
			for i := range racers {
				all.Go(racers[(i+round)%len(racers)])
			}
			all.Wait()
			synctest.Wait()
			r = w.end(r)
			won[r.State]++
			if n := w.ends(r); n != 1 {
				t.Errorf("round %d: %d of the four were stored", round, n)
			}
			for state, err := range map[approval.State]error{approval.Denied: denied, approval.Cancelled: cancelled} {
				if (err == nil) != (r.State == state) {
					t.Errorf("round %d: it is %s, and to make it %s gave %v", round, r.State, state, err)
				}
			}
			applied := w.tenant.calls() - calls
			if want := r.State == approval.Succeeded; applied > 1 || (applied == 1) != want || applied == 1 && approved != nil {
				t.Errorf("round %d: %d calls, %s, approved %v", round, applied, r.State, approved)
			}
		}
		t.Logf("%d rounds: %v", rounds, won)
		if len(won) < 4 {
			t.Errorf("only %d of 4 ways were ever first: %v", len(won), won)
		}
	})
}

// ends counts the records of a request that only one of them may have.
func (w *world) ends(r approval.Request) (n int) {
	w.t.Helper()
	records, err := w.store.LastRecords(context.Background(), r.Ref, 100)
	if err != nil {
		w.t.Fatalf("read records: %v", err)
	}
	for _, rec := range records {
		switch rec.Kind {
		case "request.denied", "request.cancelled", "request.expired", "request.started":
			n++
		}
	}
	return n
}

// G18: one delivery on its way many times at once is one request, and every
// answer names it.
func TestG18ADeliveryManyTimesAtOnce(t *testing.T) {
	const deliveries = 50
	bubble(t, func(t *testing.T, w *world) {
		for range 10 {
			plan := w.plan("ada", 1) // about nothing in particular: only its key tells it apart
			plan.Kind += plan.Key
			ids := make(chan string, deliveries)
			var all sync.WaitGroup
			start := make(chan struct{})
			for range deliveries {
				all.Go(func() {
					<-start
					r, err := w.engine.Submit(context.Background(), plan)
					if err != nil {
						t.Errorf("Submit: %v", err)
					}
					ids <- r.ID
				})
			}
			close(start)
			all.Wait()
			first := <-ids
			for range deliveries - 1 {
				if id := <-ids; id != first {
					t.Errorf("answered with %s and %s", first, id)
				}
			}
		}
		if n := len(w.requests()); n != 10 {
			t.Errorf("%d requests, want 10", n)
		}
	})
}

// G18, G15: the same press a thousand times at once is one vote.
func TestG18APressAThousandTimes(t *testing.T) {
	presses := fewer(1000)
	bubble(t, func(t *testing.T, w *world) {
		r := w.ask("ada", 2, "lamp")
		var mu sync.Mutex
		answers := map[string]int{}
		var all sync.WaitGroup
		for range presses {
			all.Go(func() {
				_, err := w.engine.Approve(context.Background(), press(r, "bea"))
				answer := "counted"
				if err != nil {
					answer = err.Error()
				}
				mu.Lock()
				defer mu.Unlock()
				answers[answer]++
			})
		}
		all.Wait()
		if answers["counted"] != 1 || len(answers) != 2 || answers[approval.ErrVoted.Error()] != presses-1 {
			t.Errorf("answers: %v; want one vote, and that it was given already", answers)
		}
		if got := w.find(r); got.State != approval.Pending || got.Version != 2 {
			t.Errorf("%s, version %d; want pending, 2", got.State, got.Version)
		}
	})
}
