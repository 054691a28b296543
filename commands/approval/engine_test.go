package approval_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"twokey/commands/approval"
)

func TestSubmit(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		plan := w.plan("ada", 1, "lamp")
		plan.Reason, plan.Words.Headline = "not \xff UTF-8 “quoted” \u202e", "head \xfe\xff line"
		plan.Targets[0].Name = "La\xc3mp"
		w.engine.Expiry = func(asked time.Time) time.Time {
			return asked.Add(expiry + 1).In(time.FixedZone("CET", 3600)) // more exact than a database
		}
		r, err := w.engine.Submit(t.Context(), plan)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.find(r); !reflect.DeepEqual(got, r) {
			t.Errorf("stored\n%+v, want what was given back\n%+v", got, r)
		}
		if r.State != approval.Pending || r.Created != w.now().UTC().Truncate(time.Microsecond) || r.Expires != r.Created.Add(expiry) {
			t.Errorf("%s, created %v, expires %v", r.State, r.Created, r.Expires)
		}
		if !strings.HasPrefix(r.Ref, "R-") || len(r.Ref) != 8 || len(r.ID) != 32 {
			t.Errorf("called %q, %q", r.Ref, r.ID)
		}
		w.approve(r, "bea") // the digest of what was stored is the one that was made
		w.wantEnd(r, approval.Succeeded)
	})
}

// G18: a delivery that comes again asks nothing, and is answered as before
// whatever has changed since.
func TestG18TheSameDeliveryAsksOnce(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		plan := w.plan("ada", 1, "lamp")
		first, err := w.engine.Submit(t.Context(), plan)
		if err != nil {
			t.Fatal(err)
		}
		changes := map[string]func(){
			"nothing":        func() {},
			"role lost":      func() { w.people.change(func() { w.people.askers["ada"] = false }) },
			"no approvers":   func() { w.people.change(func() { clear(w.people.approvers) }) },
			"directory down": func() { w.people.change(func() { w.people.down = true }) },
		}
		for _, name := range []string{"nothing", "role lost", "no approvers", "directory down"} {
			changes[name]()
			if again, err := w.engine.Submit(t.Context(), plan); err != nil || again.ID != first.ID {
				t.Errorf("%s: %s, %v; want the first request", name, again.ID, err)
			}
		}
		if n := len(w.requests()); n != 1 {
			t.Errorf("%d requests, want 1", n)
		}
	})
}

func TestSubmitRefuses(t *testing.T) {
	for _, row := range []struct {
		name string
		set  func(w *world) approval.Plan
		want string // "" is an error that is no refusal
	}{
		{"somebody who may not ask", func(w *world) approval.Plan { return w.plan("bea", 1, "lamp") }, "not-allowed"},
		{"what nobody could approve", func(w *world) approval.Plan { return w.plan("ada", 4, "lamp") }, "quorum"},
		{"what only the requester could approve too", func(w *world) approval.Plan { return w.plan("abe", 3, "lamp") }, "quorum"},
		{"what only a target could approve too", func(w *world) approval.Plan { return w.plan("ada", 3, "bea") }, "quorum"},
		{"a second one about the same object", func(w *world) approval.Plan {
			w.ask("ada", 1, "lamp", "fan")
			return w.plan("abe", 1, "door", "fan")
		}, "open"},
		{"a second one about nothing in particular", func(w *world) approval.Plan {
			w.ask("ada", 1)
			return w.plan("abe", 1)
		}, "open"},
		{"when the directory does not answer", func(w *world) approval.Plan {
			plan := w.plan("ada", 1, "lamp")
			w.people.change(func() { w.people.down = true })
			return plan
		}, ""},
		{"a requester of another tenant", func(w *world) approval.Plan {
			plan := w.plan("ada", 1, "lamp")
			plan.Tenant = "t-2"
			return plan
		}, "not-allowed"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, file(t.TempDir()))
				defer w.close()
				plan := row.set(w)
				before := len(w.requests())
				_, err := w.engine.Submit(t.Context(), plan)
				var no *approval.Refusal
				if row.want != "" {
					wantCode(t, err, row.want)
				} else if err == nil || errors.As(err, &no) {
					t.Errorf("Submit = %v, want an error that is no refusal", err)
				}
				if n := len(w.requests()); n != before {
					t.Errorf("%d requests, want %d", n, before)
				}
				w.check(true)
			})
		})
	}
}

// Of requests made at once for the same thing one is accepted.
func TestOneOpenRequestPerTarget(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		const n = 8
		results := make(chan error, n)
		for range n {
			plan := w.plan("ada", 1, "lamp")
			go func() {
				_, err := w.engine.Submit(context.Background(), plan)
				results <- err
			}()
		}
		accepted := 0
		for range n {
			if err := <-results; err == nil {
				accepted++
			} else {
				wantCode(t, err, "open")
			}
		}
		if accepted != 1 {
			t.Errorf("%d accepted, want 1", accepted)
		}
		time.Sleep(expiry) // and when it has run out the next is accepted, also without the runner
		w.halt()
		r := w.ask("ada", 1, "lamp")
		w.restart(nil)
		w.approve(r, "bea")
		w.wantEnd(r, approval.Succeeded)
	})
}

// A request that has run out does not block the next one even if nothing has
// swept it away.
func TestAnExpiredRequestBlocksNothing(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.halt()
		old := w.ask("ada", 1, "lamp")
		time.Sleep(expiry)
		w.ask("ada", 1, "lamp")
		if r := w.find(old); r.State != approval.Expired {
			t.Errorf("the old one is %s, want expired", r.State)
		}
	})
}

// G09: the requester cannot approve, whatever account or spelling is used.
func TestG09NobodyApprovesTheirOwn(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.people.change(func() { w.people.approvers["ada"] = true })
		r := w.ask("ada", 1, "lamp", "cid")
		for _, account := range []string{"slack/T1/U1", "discord/G1/7", ""} {
			for _, seal := range []string{r.Seal(), r.Ref} {
				v := approval.Vote{By: person("ada"), Account: account, Seal: seal}
				_, err := w.engine.Approve(t.Context(), v)
				wantCode(t, err, "self")
				_, err = w.engine.Deny(t.Context(), v)
				wantCode(t, err, "self")
				v.By = person("cid") // a target
				_, err = w.engine.Approve(t.Context(), v)
				wantCode(t, err, "target")
				_, err = w.engine.Cancel(t.Context(), v)
				wantCode(t, err, "target")
			}
		}
		if got := w.find(r); got.State != approval.Pending || got.Version != 1 {
			t.Errorf("%s, version %d; want it untouched", got.State, got.Version)
		}
	})
}

// G10: a quorum of two needs two people; accounts and clicks do not count.
func TestG10TwoAccountsAreOnePerson(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		r := w.ask("ada", 2, "lamp")
		w.approve(r, "bea")
		for _, account := range []string{"slack/T1/U2", "discord/G1/8"} {
			_, err := w.engine.Approve(t.Context(), approval.Vote{By: person("bea"), Account: account, Seal: r.Seal()})
			wantCode(t, err, "voted")
		}
		time.Sleep(time.Minute)
		if got := w.find(r); got.State != approval.Pending {
			t.Errorf("%s, want pending", got.State)
		}
		w.approve(r, "abe")
		w.wantEnd(r, approval.Succeeded)
	})
}

// G12, when voting: only who is an approver now may decide, and where that
// cannot be read the answer is no.
func TestG12OnlyApproversDecide(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		r := w.ask("ada", 1, "lamp")
		foreign := person("bea")
		foreign.Tenant = "t-2"
		decide := map[string]func(context.Context, approval.Vote) (approval.Request, error){"approve": w.engine.Approve, "deny": w.engine.Deny, "cancel": w.engine.Cancel}
		for what, f := range decide {
			for _, by := range []approval.Principal{person("vic"), {}, foreign} {
				code := "not-allowed"
				if what == "cancel" {
					code = "not-yours"
				}
				_, err := f(t.Context(), approval.Vote{By: by, Seal: r.Seal()})
				wantCode(t, err, code)
			}
			w.people.change(func() { w.people.down = true })
			if _, err := f(t.Context(), press(r, "bea")); !errors.Is(err, errDown) {
				t.Errorf("%s with the directory down: %v, want its error", what, err)
			}
			w.people.change(func() { w.people.down = false })
			_, err := f(t.Context(), approval.Vote{By: person("bea"), Seal: "R-ZZZZZZ"})
			wantCode(t, err, "not-found")
		}
		w.people.change(func() { w.people.approvers["bea"] = false })
		_, err := w.engine.Approve(t.Context(), press(r, "bea"))
		wantCode(t, err, "not-allowed")
		if got := w.find(r); got.State != approval.Pending || got.Version != 1 {
			t.Errorf("%s, version %d; want it untouched", got.State, got.Version)
		}
	})
}

// G14: the database's clock alone says what is over, in the transaction that
// would change it: nothing sweeps here, and the runner sleeps.
func TestG14ExpiredIsExpired(t *testing.T) {
	for what, f := range map[string]func(w *world, r approval.Request) error{
		"approve": func(w *world, r approval.Request) error {
			_, err := w.engine.Approve(context.Background(), press(r, "bea"))
			return err
		},
		"deny": func(w *world, r approval.Request) error {
			_, err := w.engine.Deny(context.Background(), press(r, "bea"))
			return err
		},
		"cancel": func(w *world, r approval.Request) error {
			_, err := w.engine.Cancel(context.Background(), press(r, "ada"))
			return err
		},
	} {
		for _, state := range []approval.State{approval.Pending, approval.Approved} {
			t.Run(what+" when "+string(state), func(t *testing.T) {
				bubble(t, func(t *testing.T, w *world) {
					w.halt()
					r := w.ask("ada", 1, "lamp")
					end := r.Expires
					if state == approval.Approved {
						end = w.approve(r, "abe").StartBy
					}
					w.ahead.Store(int64(time.Until(end)))
					wantCode(t, f(w, r), "ended-expired")
					if got := w.find(r); got.State != approval.Expired {
						t.Errorf("%s, want expired", got.State)
					}
					w.restart(nil)
					time.Sleep(time.Minute)
					if n := w.tenant.calls(); n != 0 {
						t.Errorf("%d calls, want none", n)
					}
				})
			})
		}
	}
}

// G14: an approved request whose time to start is over does not start.
func TestG14ALateStartExpires(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		r := w.ask("ada", 1, "lamp")
		w.tenant.setDown(true) // it cannot be validated, so it waits
		r = w.approve(r, "bea")
		time.Sleep(r.StartBy.Sub(w.now()) - time.Second)
		if got := w.find(r); got.State != approval.Approved {
			t.Fatalf("%s, want approved", got.State)
		}
		w.tenant.setDown(false)
		w.ahead.Store(int64(time.Second))
		w.wantEnd(r, approval.Expired)
		if n := w.tenant.calls(); n != 0 {
			t.Errorf("%d calls, want none", n)
		}
	})
}

// G13: a vote is for what was shown. Whatever is changed by hand afterwards,
// the button and the typed word both find out, and so does the runner.
func TestG13WhatWasShownIsWhatRuns(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		forge := func(s approval.Store) *forger { return &forger{Store: s} }
		r := w.ask("ada", 1, "lamp")
		engine := &approval.Engine{Store: forge(w.store), Standing: w.people, Expiry: w.engine.Expiry}
		for _, seal := range []string{r.Seal(), r.Ref} {
			_, err := engine.Approve(t.Context(), approval.Vote{By: person("bea"), Seal: seal})
			wantCode(t, err, "changed")
		}
		w.halt()
		w.approve(r, "bea")
		w.start(&mortal{Store: forge(w.store), left: -1})
		w.wantEnd(r, approval.Stale)
		if n := w.tenant.calls(); n != 0 {
			t.Errorf("%d calls, want none", n)
		}
	})
}

// forger is a store whose requests have other arguments than were stored.
type forger struct{ approval.Store }

type forgedTx struct{ approval.Tx }

func (f *forger) Update(ctx context.Context, do func(approval.Tx) error) error {
	return f.Store.Update(ctx, func(tx approval.Tx) error { return do(forgedTx{tx}) })
}

func (f *forger) View(ctx context.Context, do func(approval.Tx) error) error {
	return f.Store.View(ctx, func(tx approval.Tx) error { return do(forgedTx{tx}) })
}

func (tx forgedTx) Request(id string) (approval.Request, error) {
	r, err := tx.Tx.Request(id)
	r.Args = []byte(`{"value":"forged"}`)
	return r, err
}

func (tx forgedTx) Requests(tenant string, states ...approval.State) ([]approval.Request, error) {
	rs, err := tx.Tx.Requests(tenant, states...)
	for i := range rs {
		rs[i].Args = []byte(`{"value":"forged"}`)
	}
	return rs, err
}

// A question goes to the requester alone, and changes nothing.
func TestAsk(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		r := w.ask("ada", 1, "lamp")
		_, err := w.engine.Ask(t.Context(), press(r, "ada"), "why?")
		wantCode(t, err, "self")
		_, err = w.engine.Ask(t.Context(), press(r, "vic"), "why?")
		wantCode(t, err, "not-allowed")
		for _, question := range []string{"why?", "why?", "“really”?\n"} {
			if _, err := w.engine.Ask(t.Context(), press(r, "bea"), question); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Millisecond)
		}
		rows, err := w.store.Due(t.Context(), 100)
		if err != nil {
			t.Fatal(err)
		}
		asked := 0
		for _, row := range rows {
			if row.Kind == approval.NoticeQuestion {
				asked++
				if row.To.User != "ada" || !strings.Contains(string(row.Facts), r.ID) {
					t.Errorf("asked %+v: %s", row.To, row.Facts)
				}
			}
		}
		if got := w.find(r); asked != 3 || got.Version != 1 {
			t.Errorf("%d questions, version %d; want 3 and an untouched request", asked, got.Version)
		}
		w.approve(r, "bea")
		w.wantEnd(r, approval.Succeeded)
		for _, who := range []string{"bea", "ada"} {
			_, err = w.engine.Ask(t.Context(), press(r, who), "why?")
			wantCode(t, err, "ended-succeeded")
		}
	})
}

// G08: what has ended is refused with how it ended, and stays as it is.
func TestG08DecisionsAfterTheEnd(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		ended := map[approval.State]approval.Request{}
		for i, f := range []fault{fine, refused, lost} {
			w.tenant.plan(f)
			r := w.end(w.approve(w.ask("ada", 1, string(rune('a'+i))), "bea"))
			ended[r.State] = r
		}
		w.tenant.plan(fine, refused)
		partial := w.end(w.approve(w.ask("ada", 1, "x", "y"), "bea"))
		ended[partial.State] = partial
		denied, _ := w.engine.Deny(t.Context(), press(w.ask("ada", 1, "d"), "bea"))
		cancelled, _ := w.engine.Cancel(t.Context(), press(w.ask("ada", 1, "c"), "ada"))
		ended[denied.State], ended[cancelled.State] = denied, cancelled
		if len(ended) != 5 {
			t.Fatalf("%d ways to end, want 5: %v", len(ended), ended)
		}
		for state, r := range ended {
			for what, f := range map[string]func(context.Context, approval.Vote) (approval.Request, error){"approve": w.engine.Approve, "deny": w.engine.Deny, "cancel": w.engine.Cancel} {
				if _, err := f(t.Context(), press(r, "abe")); err == nil {
					t.Errorf("%s after %s was allowed", what, state)
				} else {
					wantCode(t, err, "ended-"+string(state))
				}
			}
			time.Sleep(time.Minute)
			if got := w.find(r); got.Version != r.Version {
				t.Errorf("%s changed to %s", state, got.State)
			}
		}
	})
}
