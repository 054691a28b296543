package approval_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"twokey/audit"
	"twokey/chat/outbox"
	"twokey/commands/approval"
)

// another returns a second engine over the same database, as another replica.
func (w *world) another() *approval.Engine {
	return &approval.Engine{
		Store: w.store, Standing: w.people, Wake: w.wake, Expiry: w.engine.Expiry, Caps: w.engine.Caps, Everyone: w.engine.Everyone,
	}
}

// refusal returns the refusal that an error must be.
func refusal(t *testing.T, err error) *approval.Refusal {
	t.Helper()
	var no *approval.Refusal
	if !errors.As(err, &no) {
		t.Fatalf("got %v, want a refusal", err)
	}
	return no
}

// recorded returns the records of a request with this kind, oldest first.
func (w *world) recorded(r approval.Request, kind string) (all []audit.Record) {
	w.t.Helper()
	for rec, err := range w.store.Audit(context.Background()) {
		if err != nil {
			w.t.Fatalf("read the audit record: %v", err)
		}
		if rec.Request == r.Ref && rec.Kind == kind {
			all = append(all, rec)
		}
	}
	return all
}

// actor returns the object ID of a record's author.
func (w *world) actor(rec audit.Record) string {
	w.t.Helper()
	who, err := w.store.Who(context.Background(), rec.Actor)
	if err != nil {
		w.t.Fatalf("look up who %s is: %v", rec.Actor, err)
	}
	return who[rec.Actor].Object
}

// fact reads one of a record's facts.
func fact(t *testing.T, rec audit.Record, name string) any {
	t.Helper()
	var facts map[string]any
	if err := json.Unmarshal([]byte(rec.Facts), &facts); err != nil {
		t.Fatalf("facts of record %d: %v", rec.Number, err)
	}
	return facts[name]
}

// owed returns the messages of a kind that are owed.
func (w *world) owed(kind string) (rows []outbox.Row) {
	w.t.Helper()
	all, err := w.store.Due(context.Background(), 1_000_000)
	if err != nil {
		w.t.Fatalf("read outbox: %v", err)
	}
	for _, row := range all {
		if row.Kind == kind {
			rows = append(rows, row)
		}
	}
	return rows
}

// told returns to whom messages of a kind are owed, users and channels, each as
// often as they are.
func (w *world) told(kind string) map[string]int {
	w.t.Helper()
	to := map[string]int{}
	for _, row := range w.owed(kind) {
		to[row.To.User+row.To.Channel]++
	}
	return to
}

// untouched fails unless a request is as it was.
func (w *world) untouched(r approval.Request) {
	w.t.Helper()
	if got := w.find(r); got.State != r.State || got.Version != r.Version {
		w.t.Errorf("%s is %s, version %d; it was %s, version %d", r.Ref, got.State, got.Version, r.State, r.Version)
	}
}

// endings brings one request to each of the ends, about an object of that name.
// From then on the tenant cannot be read.
func (w *world) endings() map[approval.State]approval.Request {
	w.t.Helper()
	ctx := context.Background()
	ended := map[approval.State]approval.Request{}
	run := func(state approval.State, faults ...fault) {
		w.tenant.plan(faults...)
		targets := []string{string(state)}
		if state == approval.Partial {
			targets = append(targets, "more")
		}
		ended[state] = w.wantEnd(w.approve(w.ask("ada", 1, targets...), "bea"), state)
	}
	run(approval.Succeeded, fine)
	run(approval.Failed, refused)
	run(approval.Partial, fine, refused)
	stale := w.ask("ada", 1, "stale")
	w.tenant.set("stale", "drifted")
	ended[approval.Stale] = w.wantEnd(w.approve(stale, "bea"), approval.Stale)
	var errs [2]error
	ended[approval.Denied], errs[0] = w.engine.Deny(ctx, press(w.ask("ada", 1, "denied"), "bea"))
	ended[approval.Cancelled], errs[1] = w.engine.Cancel(ctx, press(w.ask("ada", 1, "cancelled"), "ada"))
	if err := errors.Join(errs[:]...); err != nil {
		w.t.Fatal(err)
	}
	ended[approval.Expired] = w.wantEnd(w.ask("ada", 1, "expired"), approval.Expired)
	ended[approval.Unknown] = w.unknown("unknown")
	return ended
}

// unknown brings a request to an end that nobody knows: its answer is lost, and
// the tenant cannot be read from then on.
func (w *world) unknown(target string) approval.Request {
	w.t.Helper()
	w.tenant.plan(lost)
	r := w.approve(w.ask("ada", 1, target), "bea")
	synctest.Wait()
	w.tenant.setDown(true)
	return w.wantEnd(r, approval.Unknown)
}

// O10: two approvers press at the same moment on two replicas. One vote decides;
// the other person is told that it was decided, and by whom; it runs once.
func TestO10TwoApproversAtOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		for range 50 {
			r := w.ask("ada", 1, "lamp")
			calls := w.tenant.calls()
			type answer struct {
				who string
				err error
			}
			answers := make(chan answer, 2)
			for who, engine := range map[string]*approval.Engine{"abe": w.engine, "bea": w.another()} {
				go func() {
					_, err := engine.Approve(context.Background(), press(r, who))
					answers <- answer{who, err}
				}()
			}
			first, second := <-answers, <-answers
			if first.err != nil {
				first, second = second, first
			}
			if first.err != nil || second.err == nil {
				t.Fatalf("%s: %v, %s: %v; want one to decide", first.who, first.err, second.who, second.err)
			}
			no := refusal(t, second.err)
			if !strings.HasPrefix(no.Code, "ended-") || len(no.By) != 1 || no.By[0] != person(first.who) {
				t.Errorf("the second is told %+v, want that %s decided", no, first.who)
			}
			w.wantEnd(r, approval.Succeeded)
			if n := w.tenant.calls() - calls; n != 1 {
				t.Errorf("%d calls, want 1", n)
			}
		}
	})
}

// rounds is how often a race is run in one world: fewer where that is slow, the
// race detector's short run among them.
func rounds(w *world) int {
	switch {
	case testing.Short():
		return 50
	case !w.store.Alone():
		return 300
	default:
		return 1000
	}
}

// O11: approve and deny pressed together: exactly one wins, and whenever the
// denial is stored before the start nothing is applied.
func TestO11ApproveAndDenyAtOnce(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		rounds := rounds(w)
		won := map[approval.State]int{}
		for round := range rounds {
			r := w.ask("ada", 1, "lamp")
			calls := w.tenant.calls()
			errs := make(chan error, 2)
			approve := func() {
				_, err := w.engine.Approve(context.Background(), press(r, "bea"))
				errs <- err
			}
			denied := make(chan error, 1)
			deny := func() {
				_, err := w.another().Deny(context.Background(), press(r, "abe"))
				denied <- err
			}
			if round%2 == 0 {
				approve, deny = deny, approve
			}
			go approve()
			go deny()
			err := <-denied
			<-errs
			r = w.end(r)
			won[r.State]++
			applied := w.tenant.calls() - calls
			if (err == nil) != (r.State == approval.Denied) || (applied == 1) != (r.State == approval.Succeeded) || applied > 1 {
				t.Errorf("round %d: %s, the denial gave %v, %d calls", round, r.State, err, applied)
			}
		}
		t.Logf("%d rounds: %v", rounds, won)
		if won[approval.Denied] == 0 || won[approval.Denied]+won[approval.Succeeded] != rounds {
			t.Errorf("%v of %d, want denials and successes only", won, rounds)
		}
	})
}

// O15: of two requests for the same, made at once on two replicas, one is
// accepted, and the other is refused and names it. Never two are open.
func TestO15TwoRequestsForTheSame(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		for range 20 {
			type answer struct {
				r   approval.Request
				err error
			}
			answers := make(chan answer, 2)
			for asker, engine := range map[string]*approval.Engine{"ada": w.engine, "abe": w.another()} {
				plan := w.plan(asker, 1, "sam")
				go func() {
					r, err := engine.Submit(context.Background(), plan)
					answers <- answer{r, err}
				}()
			}
			first, second := <-answers, <-answers
			if first.err != nil {
				first, second = second, first
			}
			if first.err != nil {
				t.Fatalf("none was accepted: %v, %v", first.err, second.err)
			}
			wantCode(t, second.err, "open")
			if !strings.Contains(second.err.Error(), first.r.Ref) {
				t.Errorf("%v does not name %s", second.err, first.r.Ref)
			}
			other := w.plan("ada", 1, "sam") // another kind of change about the same person is another matter
			other.Kind = "other"
			r, err := w.engine.Submit(t.Context(), other)
			if err != nil {
				t.Errorf("another kind of change: %v", err)
			}
			for _, r := range []approval.Request{first.r, r} {
				if _, err := w.engine.Cancel(t.Context(), press(r, r.Requester.Object)); err != nil {
					t.Error(err)
				}
			}
		}
	})
}

func (w *world) background() context.Context { return context.Background() }
