package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"twokey/audit"
	"twokey/chat/outbox"
	"twokey/commands/approval"
)

var transactions = map[string]func(*testing.T, *bench){
	"time is the clock's, and stands still in a transaction": timeStands,
	"what fails leaves nothing":                              rollback,
	"what panics leaves nothing":                             rollbackPanic,
	"what is called off leaves nothing":                      rollbackContext,
	"reading cannot write":                                   viewWrites,
	"nothing is lost when the database is closed":            reopened,
}

func timeStands(t *testing.T, b *bench) {
	for _, in := range []func(context.Context, func(approval.Tx) error) error{b.Update, b.View} {
		want := b.clock.Now().UTC().Truncate(time.Microsecond)
		err := in(t.Context(), func(tx approval.Tx) error {
			for range 2 {
				at, err := tx.Now()
				if err != nil || at != want {
					t.Errorf("Now = %v, %v; want %v", at, err, want)
				}
				b.clock.advance(time.Hour)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// all is everything that the fixture of fill can be asked for.
type all struct {
	Request   approval.Request
	Decisions []approval.Decision
	Attempt   approval.Attempt
	Steps     []approval.Step
	Due       []outbox.Row
	Head      audit.Record
}

func (b *bench) all(t *testing.T, id string) all {
	t.Helper()
	var a all
	b.view(t, func(tx approval.Tx) error {
		var errs [4]error
		a.Request, errs[0] = tx.Request(id)
		a.Decisions, errs[1] = tx.Decisions(id)
		a.Attempt, errs[2] = tx.Attempt(id)
		a.Steps, errs[3] = tx.Steps(id)
		return errors.Join(errs[:]...)
	})
	a.Due = b.due(t, 100)
	if last := b.head(t); last != nil {
		a.Head = *last
	}
	return a
}

// fill stores one of everything for r, under the fence.
func fill(tx approval.Tx, r approval.Request, fence int64) error {
	return errors.Join(
		tx.AddDecision(vote(r, "bea")),
		tx.OpenAttempt(attempt(r, fence)),
		tx.Intend(step(r, 1, 1, fence)),
		tx.Owe(notice("prompt", r.ID)),
		tx.Record(entry(r.Ref)),
	)
}

// change changes everything that fill stored.
func change(tx approval.Tx, r approval.Request, fence int64) error {
	done := step(r, 1, 1, fence)
	done.Class = approval.Applied
	_, err := tx.Move(r, approval.Change{To: approval.Executing})
	return errors.Join(err,
		tx.AddDecision(vote(r, "abe")),
		tx.Conclude(done),
		tx.Intend(step(r, 2, 1, fence)),
		tx.CloseAttempt(r.ID),
		tx.Owe(notice("outcome", r.ID)),
		tx.Touch(r.ID),
		tx.Record(entry(r.Ref)),
		tx.Insert(sample("second")),
	)
}

func filled(t *testing.T, b *bench) (approval.Request, int64) {
	t.Helper()
	r := b.insert(t, "a")
	fence, _ := acquire(t, b, approval.LeaseOf(r.ID), "one", false)
	b.update(t, func(tx approval.Tx) error { return fill(tx, r, fence) })
	return r, fence
}

// wantUnchanged fails unless everything is as it was before.
func (b *bench) wantUnchanged(t *testing.T, r approval.Request, fence int64, before all) {
	t.Helper()
	wantSame(t, "what is stored", b.all(t, r.ID), before)
	b.view(t, func(tx approval.Tx) error {
		if _, err := tx.Request("id-second"); !errors.Is(err, approval.ErrNotFound) {
			t.Errorf("a second request was left: %v", err)
		}
		return nil
	})
	if now, _ := acquire(t, b, approval.LeaseOf(r.ID), "one", false); now != fence {
		t.Errorf("the fence is %d, want %d", now, fence)
	}
}

func rollback(t *testing.T, b *bench) {
	r, fence := filled(t, b)
	before := b.all(t, r.ID)
	err := b.Update(t.Context(), func(tx approval.Tx) error {
		if err := change(tx, r, fence); err != nil {
			t.Errorf("change: %v", err)
		}
		if _, _, err := tx.Acquire(approval.LeaseOf(r.ID), "two", time.Hour, true); err != nil {
			t.Errorf("Acquire: %v", err)
		}
		return errStop
	})
	if err != errStop { //nolint:errorlint // the promise is the error itself
		t.Errorf("Update = %#v, want the function's own error as it is", err)
	}
	b.wantUnchanged(t, r, fence, before)
}

func rollbackPanic(t *testing.T, b *bench) {
	r, fence := filled(t, b)
	before := b.all(t, r.ID)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic did not come through")
			}
		}()
		// A context that never ends: nothing but the panic ends the transaction.
		_ = b.Update(context.Background(), func(tx approval.Tx) error {
			if err := change(tx, r, fence); err != nil {
				t.Errorf("change: %v", err)
			}
			panic("in a transaction")
		})
	}()
	b.wantUnchanged(t, r, fence, before)
}

func rollbackContext(t *testing.T, b *bench) {
	r, fence := filled(t, b)
	before := b.all(t, r.ID)
	ctx, cancel := context.WithCancel(t.Context())
	err := b.Update(ctx, func(tx approval.Tx) error {
		err := change(tx, r, fence)
		cancel()
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Update = %v, want that it was called off", err)
	}
	if err := b.Update(ctx, func(tx approval.Tx) error { return tx.Touch(r.ID) }); err == nil {
		t.Error("Update under an ended context succeeded")
	}
	b.wantUnchanged(t, r, fence, before)
}

func viewWrites(t *testing.T, b *bench) {
	r, fence := filled(t, b)
	before := b.all(t, r.ID)
	for name, write := range map[string]func(approval.Tx) error{
		"Move": func(tx approval.Tx) error {
			_, err := tx.Move(r, approval.Change{To: approval.Denied})
			return err
		},
		"Touch":  func(tx approval.Tx) error { return tx.Touch(r.ID) },
		"Record": func(tx approval.Tx) error { return tx.Record(entry(r.Ref)) },
		"Insert": func(tx approval.Tx) error { return tx.Insert(sample("second")) },
	} {
		err := b.View(t.Context(), func(tx approval.Tx) error {
			if err := write(tx); err == nil {
				t.Errorf("%s in a View succeeded", name)
			}
			return nil
		})
		if err != nil {
			t.Errorf("View: %v", err)
		}
	}
	b.wantUnchanged(t, r, fence, before)
}

func reopened(t *testing.T, b *bench) {
	r, fence := filled(t, b)
	b.update(t, func(tx approval.Tx) error {
		done := step(r, 1, 1, fence)
		done.Class, done.FinishedAt = approval.Unclear, day
		return tx.Conclude(done)
	})
	shown(t, b, wantDue(t, b, "prompt")[0], "m-1")
	touch(t, b, r.ID)
	before := b.all(t, r.ID)
	b.reopen(t)
	b.wantUnchanged(t, r, fence, before)
	if row := before.Due[0]; row.Message != "m-1" {
		t.Errorf("the posted message's ID is %q, want m-1", row.Message)
	}
}
