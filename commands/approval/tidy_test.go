package approval_test

import (
	"context"
	"testing"
	"time"

	"twokey/commands/approval"
)

// patient opens a request that lives for a day, of which abe, bea and the
// administrators' channel are asked.
func (w *world) patient() approval.Request {
	w.t.Helper()
	plan := w.plan("ada", 2, "lamp")
	plan.Policy.Life = 24 * time.Hour
	plan.Subscribers = append(plan.Subscribers,
		approval.Subscriber{Address: address("abe"), Who: "abe"}, approval.Subscriber{Address: address("bea"), Who: "bea"},
	)
	r, err := w.engine.Submit(context.Background(), plan)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// wantShownAnew holds that messages of a kind are to be shown once more since they
// were first owed: their buttons are for what is over.
func (w *world) wantShownAnew(kind string) {
	w.t.Helper()
	rows := w.owed(kind)
	if len(rows) == 0 {
		w.t.Errorf("no %s is owed", kind)
	}
	for _, row := range rows {
		if row.Wanted < 2 {
			w.t.Errorf("%s stays as it was", row.Key)
		}
	}
}

// Whoever has not decided is reminded after half an hour and then at twice the
// time each, in their own messages, once however many replicas look and
// however often they start anew; the backups are asked once, with the first.
func TestReminders(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.halt() // the looks are counted here
		backups := 0
		ask := func(context.Context, approval.Request) ([]approval.Subscriber, error) {
			backups++
			return []approval.Subscriber{{Address: address("cid"), Who: "cid"}, {Address: address("abe"), Who: "abe"}}, nil
		}
		look := func(engines ...*approval.Engine) {
			for _, e := range engines {
				if e.Backups = ask; e.Tidy(t.Context()) != nil {
					t.Error("tidying failed")
				}
			}
		}
		r := w.patient()
		other := w.another()
		for _, row := range []struct{ minute, want int }{{0, 0}, {29, 0}, {30, 1}, {31, 1}, {60, 2}, {119, 2}, {120, 3}, {240, 4}, {250, 4}} {
			minute, want := row.minute, row.want
			w.ahead.Store(int64(time.Duration(minute) * time.Minute))
			for range 2 {
				look(w.engine, other, w.another())
			}
			told := w.told(approval.NoticeReminder)
			if told["abe"] != want || told["bea"] != want || told["admins"]+told["ada"] != 0 {
				t.Errorf("after %d minutes reminded are %v, want abe and bea %d times", minute, told, want)
			}
			prompts := w.told(approval.NoticePrompt)
			if late := minute >= 30; (prompts["cid"] == 1) != late || prompts["abe"] != 1 {
				t.Errorf("after %d minutes the prompts are %v", minute, prompts)
			}
		}
		if n := len(w.recorded(r, "request.escalated")); n != 1 {
			t.Errorf("%d records that backups were asked, want 1", n)
		}
		if backups > 60 {
			t.Errorf("the backups were looked up %d times", backups)
		}
		w.approve(r, "bea")
		w.ahead.Store(int64(480 * time.Minute))
		look(w.engine, other)
		if told := w.told(approval.NoticeReminder); told["abe"] != 5 || told["bea"] != 4 {
			t.Errorf("reminded are %v, want bea not after the vote", told)
		}
		w.approve(r, "abe")
		w.wantShownAnew(approval.NoticeReminder)
		w.ahead.Store(int64(960 * time.Minute))
		look(w.engine, other, w.another())
		if told := w.told(approval.NoticeReminder); told["abe"] != 5 {
			t.Errorf("reminded of what is decided: %v", told)
		}
		w.ahead.Store(int64(27 * time.Hour)) // all has run out
		w.start(nil)
	})
}

// Looking writes nothing unless something is due, and what it cannot read it
// tries again.
func TestTidyingIsQuiet(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		w.halt()
		r := w.patient()
		m := &mortal{Store: w.store, left: 1} // one reading, and then nothing any more
		e := w.another()
		e.Store = m
		if err := e.Tidy(t.Context()); err != nil {
			t.Errorf("a look at what is not due: %v", err)
		}
		w.ahead.Store(int64(31 * time.Minute))
		down := true
		w.engine.Backups = func(context.Context, approval.Request) ([]approval.Subscriber, error) {
			if down {
				return nil, errDown
			}
			return []approval.Subscriber{{Address: address("cid"), Who: "cid"}}, nil
		}
		if err := w.engine.Tidy(t.Context()); err == nil {
			t.Error("that the backups cannot be read is kept quiet")
		}
		down = false
		w.ahead.Store(int64(33 * time.Minute))
		if err := w.engine.Tidy(t.Context()); err != nil {
			t.Error(err)
		}
		if told := w.told(approval.NoticePrompt); told["cid"] != 1 {
			t.Errorf("asked are %v", told)
		}
		w.engine.Hours = func(from time.Time, n int) time.Time { return from.Add(time.Duration(n) * 24 * time.Hour) }
		if _, err := w.engine.Cancel(t.Context(), press(r, "ada")); err != nil {
			t.Error(err)
		}
		w.patient()
		w.ahead.Store(int64(120 * time.Minute))
		if err := w.engine.Tidy(t.Context()); err != nil || w.told(approval.NoticeReminder)["bea"] != 1 {
			t.Errorf("outside of working hours: %v, %v", err, w.told(approval.NoticeReminder))
		}
		w.ahead.Store(int64(27 * time.Hour)) // all has run out
		w.start(nil)
	})
}

// The requester of what is collected is told once, when the wait is over.
func TestReadyToCollect(t *testing.T) {
	everywhere(t, func(t *testing.T, w *world) {
		for i, wait := range []time.Duration{0, time.Minute} {
			plan := w.plan("ada", 1, objects("pass", 2)[i])
			plan.Policy.Wait, plan.Policy.Collect = wait, 3*time.Minute
			r, err := w.engine.Submit(t.Context(), plan)
			if err != nil {
				t.Fatal(err)
			}
			w.approve(r, "bea")
			time.Sleep(5 * time.Second)
			if n := w.told(approval.NoticeReady)["ada"]; (n == i+1) != (wait == 0) {
				t.Errorf("during a wait of %v told %d times", wait, n)
			}
			time.Sleep(wait)
			if n := w.told(approval.NoticeReady)["ada"]; n != i+1 {
				t.Errorf("after a wait of %v told %d times, want %d", wait, n, i+1)
			}
			w.wantEnd(r, approval.Expired) // nobody collected it
			w.wantShownAnew(approval.NoticeReady)
		}
	})
}
