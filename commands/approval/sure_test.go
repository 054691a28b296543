package approval_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"twokey/audit"
	"twokey/commands/approval"
)

// doubtful is a store whose next transaction that writes ends without word of
// its commit, which was stored or was not. Afterwards it may be away for a
// number of transactions.
type doubtful struct {
	approval.Store
	armed  atomic.Bool
	stored bool // what becomes of it
	away   atomic.Int64
}

var errBroken = errors.New("the connection broke")

func (d *doubtful) Update(ctx context.Context, f func(approval.Tx) error) error {
	if d.away.Load() > 0 {
		d.away.Add(-1)
		return errBroken
	}
	err := d.Store.Update(ctx, func(tx approval.Tx) error {
		if err := f(tx); err != nil {
			return err
		}
		if d.armed.Load() && !d.stored {
			return errBroken
		}
		return nil
	})
	if d.armed.Load() && (err == nil || errors.Is(err, errBroken)) {
		d.armed.Store(false)
		return fmt.Errorf("commit: %w", approval.ErrUnsure)
	}
	return err
}

// G33: whatever becomes of a commit of which no word came back, what is said is
// what is so: it is read again first. Where that cannot be read it is said that
// it is not known, and never that nothing was recorded.
func TestG33ACommitWithoutWord(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		n := 0
		steps := map[string]func(e *approval.Engine, r approval.Request, plan approval.Plan) (approval.Request, error){
			"submit": func(e *approval.Engine, _ approval.Request, plan approval.Plan) (approval.Request, error) {
				return e.Submit(t.Context(), plan)
			},
			"approve": func(e *approval.Engine, r approval.Request, _ approval.Plan) (approval.Request, error) {
				return e.Approve(t.Context(), press(r, "bea"))
			},
			"deny": func(e *approval.Engine, r approval.Request, _ approval.Plan) (approval.Request, error) {
				return e.Deny(t.Context(), press(r, "bea"))
			},
			"cancel": func(e *approval.Engine, r approval.Request, _ approval.Plan) (approval.Request, error) {
				return e.Cancel(t.Context(), press(r, "ada"))
			},
			"stop": func(e *approval.Engine, r approval.Request, _ approval.Plan) (approval.Request, error) {
				return e.Stop(t.Context(), press(r, "sam"))
			},
			"freeze": func(e *approval.Engine, r approval.Request, _ approval.Plan) (approval.Request, error) {
				return r, e.Freeze(t.Context(), press(r, "bea"), tenantID)
			},
		}
		for what, step := range steps {
			for _, stored := range []bool{true, false} {
				for _, away := range []int64{0, 2, 100} {
					n++
					name := fmt.Sprintf("%s, stored %t, then away for %d", what, stored, away)
					plan := w.plan("ada", 2, "sam", fmt.Sprint("object-", n))
					var r approval.Request
					if what != "submit" {
						r = w.ask("ada", 2, "sam", fmt.Sprint("object-", n))
					}
					d := &doubtful{Store: w.store, stored: stored}
					e := w.another()
					e.Store = d
					d.armed.Store(true)
					d.away.Store(0)
					armed := d.Store
					d.Store = &after{Store: armed, then: func() { d.away.Store(away) }, armed: &d.armed}
					got, err := step(e, r, plan)
					is := w.happened(what, r, plan)
					if is != stored {
						t.Errorf("%s: it happened: %t", name, is)
					}
					switch {
					case away == 100:
						if !errors.Is(err, approval.ErrUnsure) || !strings.Contains(err.(interface{ Unwrap() error }).Unwrap().(interface{ Say() string }).Say(), "not known") {
							t.Errorf("%s: %v, want that it is not known", name, err)
						}
					case stored != (err == nil):
						t.Errorf("%s: %v", name, err)
					case stored && got.ID == "":
						t.Errorf("%s: it gives no request", name)
					case !stored && errors.Is(err, approval.ErrUnsure):
						t.Errorf("%s: it is certain, and called unsure: %v", name, err)
					}
					w.clear()
				}
			}
		}
	})
}

// after calls then once a transaction that wrote is over while armed.
type after struct {
	approval.Store
	then  func()
	armed *atomic.Bool
}

func (a *after) Update(ctx context.Context, f func(approval.Tx) error) error {
	err := a.Store.Update(ctx, f)
	if a.armed.Load() && (err == nil || errors.Is(err, errBroken)) {
		a.then()
	}
	return err
}

// happened reports whether a step is in the database.
func (w *world) happened(what string, r approval.Request, plan approval.Plan) (is bool) {
	w.t.Helper()
	err := w.store.View(context.Background(), func(tx approval.Tx) error {
		if what == "submit" {
			_, err := tx.RequestByKey(plan.Key)
			is = err == nil
			return nil
		}
		f, err := tx.Freeze(tenantID)
		if err != nil || what == "freeze" {
			is = !f.Since.IsZero()
			return err
		}
		now, err := tx.Request(r.ID)
		is = now.Version > r.Version
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return is
}

// clear thaws, and cancels what is open.
func (w *world) clear() {
	w.t.Helper()
	err := w.store.Update(context.Background(), func(tx approval.Tx) error {
		f, err := tx.Freeze(tenantID)
		if err != nil || f.Since.IsZero() {
			return err
		}
		if err := tx.SetFreeze(tenantID, approval.Freeze{}); err != nil {
			return err
		}
		return tx.Record(audit.Entry{Tenant: tenantID, Kind: "tenant.thawed", Actor: audit.Bot})
	})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range w.requests() {
		if !r.State.Final() {
			if _, err := w.engine.Cancel(context.Background(), press(r, "ada")); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}

// G33: when nothing can be stored it is an error and no refusal, so that it is
// called "not recorded"; nothing happens, and it works again when it can.
func TestG33NothingCanBeStored(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		r := w.ask("ada", 1, "sam")
		e := w.another()
		e.Store = &mortal{Store: w.store}
		for what, f := range decisions(e) {
			_, err := f(t.Context(), press(r, "bea"))
			var no *approval.Refusal
			if err == nil || errors.As(err, &no) || errors.Is(err, approval.ErrUnsure) {
				t.Errorf("%s: %v, want an error", what, err)
			}
		}
		if _, err := e.Submit(t.Context(), w.plan("ada", 1, "door")); !errors.Is(err, errDead) {
			t.Errorf("submit: %v", err)
		}
		if err := e.Freeze(t.Context(), press(r, "bea"), tenantID); !errors.Is(err, errDead) {
			t.Errorf("freeze: %v", err)
		}
		w.untouched(r)
		if n := w.tenant.calls(); n != 0 || len(w.requests()) != 1 {
			t.Errorf("%d calls, %d requests; want none and one", n, len(w.requests()))
		}
		e.Store = w.store
		if _, err := e.Approve(t.Context(), press(r, "bea")); err != nil {
			t.Errorf("when it can be stored again: %v", err)
		}
		w.wantEnd(r, approval.Succeeded)
	})
}

// G29: each thing that a decision needs is taken away in turn. The answer is no,
// with that reason, and nothing runs.
func TestG29EachDependencyRemoved(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		away := errors.New("it does not answer")
		for name, remove := range map[string]func(e *approval.Engine){
			"the database":  func(e *approval.Engine) { e.Store = &mortal{Store: w.store} },
			"the directory": func(e *approval.Engine) { e.Standing = nowhere{away} },
			"the rules":     func(e *approval.Engine) { e.Current = func(context.Context, approval.Request) error { return away } },
			"the gate":      func(e *approval.Engine) { e.Gate = func(context.Context) error { return away } },
			"whom to tell":  func(e *approval.Engine) { e.Everyone = func(context.Context) ([]string, error) { return nil, away } },
		} {
			plan := w.plan("ada", 1, "lamp")
			plan.Policy.Name = "fallback" // so that it has to be announced
			r, err := w.engine.Submit(t.Context(), plan)
			if err != nil {
				t.Fatal(err)
			}
			e := w.another()
			remove(e)
			if _, err := e.Approve(t.Context(), press(r, "bea")); !errors.Is(err, away) && !errors.Is(err, errDead) {
				t.Errorf("without %s: %v", name, err)
			}
			another := w.plan("ada", 1, "door")
			another.Policy.Name = "fallback"
			if _, err := e.Submit(t.Context(), another); !errors.Is(err, away) && !errors.Is(err, errDead) && name != "the rules" {
				t.Errorf("asked without %s: %v", name, err)
			}
			w.untouched(r)
			w.clear()
		}
		r := w.ask("ada", 1, "lamp")
		w.approve(r, "bea")
		w.people.change(func() { w.people.down = true })
		w.wantEnd(r, approval.Expired) // it never could be validated
		if n := w.tenant.calls(); n != 0 {
			t.Errorf("%d calls, want none", n)
		}
		if _, err := w.engine.Cancel(t.Context(), press(w.find(r), "ada")); err == nil {
			t.Error("an expired request was cancelled")
		}
	})
}

// nowhere is a directory that cannot be read.
type nowhere struct{ err error }

func (n nowhere) MayAsk(context.Context, approval.Principal, string) (approval.Warrant, error) {
	return approval.Warrant{}, n.err
}

func (n nowhere) MayDecide(context.Context, approval.Principal, approval.Request) (approval.Warrant, error) {
	return approval.Warrant{}, n.err
}

func (n nowhere) MayStop(context.Context, approval.Principal, approval.Request) (approval.Warrant, error) {
	return approval.Warrant{}, n.err
}

func (n nowhere) Approvers(context.Context, approval.Request) ([]approval.Principal, error) {
	return nil, n.err
}

func (n nowhere) Backups(context.Context, approval.Request) ([]approval.Principal, error) {
	return nil, n.err
}

func (n nowhere) Name(_ context.Context, p approval.Principal) string { return p.Object }
