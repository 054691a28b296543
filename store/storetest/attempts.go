package storetest

import (
	"reflect"
	"testing"
	"time"

	"twokey/commands/approval"
)

var attempts = map[string]func(*testing.T, *bench){
	"a request has one open attempt":           attemptOpen,
	"what nobody attempted has no attempt":     attemptNone,
	"an attempt is taken under a newer fence":  attemptTaken,
	"a lease is read and released":             leaseRead,
	"steps come back with every field":         stepRoundTrip,
	"a request has one open step":              stepOpen,
	"a lease is renewed by its owner alone":    leaseOwner,
	"fences only grow":                         leaseFence,
	"under an old fence nothing is written":    fenceOld,
	"of many who want a lease one gets it":     leaseRace,
	"an answer needs a step that was intended": concludeNothing,
	"leases that have ended are forgotten":     leasesForgotten,
}

// lease is any, and fences nothing.
const lease = "some lease"

func acquire(t *testing.T, b *bench, name, owner string, force bool) (fence int64, ok bool) {
	t.Helper()
	b.update(t, func(tx approval.Tx) (err error) {
		fence, ok, err = tx.Acquire(name, owner, 30*time.Second, force)
		return err
	})
	return fence, ok
}

func attemptOpen(t *testing.T, b *bench) {
	r := b.insert(t, "a")
	fence, _ := acquire(t, b, approval.LeaseOf(r.ID), "one", false)
	open := func(tx approval.Tx) error { return tx.OpenAttempt(attempt(r, fence)) }
	b.update(t, open)
	b.refuse(t, nil, open)
	b.view(t, func(tx approval.Tx) error {
		got, err := tx.Attempt(r.ID)
		wantSame(t, "Attempt", got, attempt(r, fence))
		return err
	})
	b.update(t, func(tx approval.Tx) error { return tx.CloseAttempt(r.ID) })
	b.refuse(t, nil, func(tx approval.Tx) error { return tx.CloseAttempt(r.ID) })
	b.view(t, func(tx approval.Tx) error {
		got, err := tx.Attempt(r.ID)
		want := attempt(r, fence)
		want.Closed = true
		wantSame(t, "Attempt once closed", got, want)
		return err
	})
	b.refuse(t, approval.ErrLost, func(tx approval.Tx) error { return tx.TakeAttempt(attempt(r, fence)) })
}

func attemptNone(t *testing.T, b *bench) {
	r := b.insert(t, "a")
	b.refuse(t, approval.ErrNotFound, func(tx approval.Tx) error {
		_, err := tx.Attempt(r.ID)
		return err
	})
}

func attemptTaken(t *testing.T, b *bench) {
	r := b.insert(t, "a")
	first, _ := acquire(t, b, approval.LeaseOf(r.ID), "one", false)
	want := attempt(r, first)
	b.update(t, func(tx approval.Tx) error { return tx.OpenAttempt(want) })
	second, _ := acquire(t, b, approval.LeaseOf(r.ID), "two", true)
	b.refuse(t, approval.ErrLost, func(tx approval.Tx) error { return tx.TakeAttempt(want) })
	want.Fence, want.Owner, want.Deadline = second, "two", want.Deadline.Add(time.Minute)
	b.update(t, func(tx approval.Tx) error {
		taken := want
		taken.Started, taken.Before = want.Started.Add(time.Hour), nil // these stay
		return tx.TakeAttempt(taken)
	})
	b.view(t, func(tx approval.Tx) error {
		got, err := tx.Attempt(r.ID)
		wantSame(t, "Attempt once taken", got, want)
		return err
	})
}

// at is the database's time.
func (b *bench) at(t *testing.T) (now time.Time) {
	t.Helper()
	b.view(t, func(tx approval.Tx) (err error) {
		now, err = tx.Now()
		return err
	})
	return now
}

func leaseRead(t *testing.T, b *bench) {
	read := func(want approval.Lease) {
		t.Helper()
		b.view(t, func(tx approval.Tx) error {
			got, err := tx.Lease(lease)
			wantSame(t, "Lease", got, want)
			return err
		})
	}
	read(approval.Lease{})
	acquire(t, b, lease, "one", false)
	read(approval.Lease{Owner: "one", Fence: 1, Until: b.at(t).Add(30 * time.Second)})
	b.update(t, func(tx approval.Tx) error { return tx.Release(lease, "two") }) // not theirs
	read(approval.Lease{Owner: "one", Fence: 1, Until: b.at(t).Add(30 * time.Second)})
	b.update(t, func(tx approval.Tx) error { return tx.Release(lease, "one") })
	read(approval.Lease{Fence: 1, Until: b.at(t)})
	if fence, ok := acquire(t, b, lease, "two", false); !ok || fence != 2 {
		t.Errorf("after its release: fence %d, %t; want 2, true", fence, ok)
	}
}

func stepRoundTrip(t *testing.T, b *bench) {
	r := b.insert(t, "a")
	fence, _ := acquire(t, b, approval.LeaseOf(r.ID), "one", false)
	var want []approval.Step
	for _, s := range []approval.Step{step(r, 1, 1, fence), step(r, 1, 2, fence), step(r, 2, 1, fence)} {
		b.update(t, func(tx approval.Tx) error { return tx.Intend(s) })
		b.view(t, func(tx approval.Tx) error {
			got, err := tx.Steps(r.ID)
			wantSame(t, "Steps after Intend", got, append(want, s))
			return err
		})
		s.Class, s.Facts, s.RequestID, s.Object, s.FinishedAt = approval.NotSent, "no route "+hostile, "g-9", "o-9", s.Intent.Add(time.Microsecond)
		everyFieldSet(t, reflect.ValueOf(s), "Step")
		b.update(t, func(tx approval.Tx) error { return tx.Conclude(s) })
		want = append(want, s)
	}
	b.view(t, func(tx approval.Tx) error {
		got, err := tx.Steps(r.ID)
		wantSame(t, "Steps", got, want)
		return err
	})
}

func stepOpen(t *testing.T, b *bench) {
	r, other := b.insert(t, "a"), b.insert(t, "b")
	fence, _ := acquire(t, b, approval.LeaseOf(r.ID), "one", false)
	theirs, _ := acquire(t, b, approval.LeaseOf(other.ID), "one", false)
	intend := func(s approval.Step) func(approval.Tx) error {
		return func(tx approval.Tx) error { return tx.Intend(s) }
	}
	first := step(r, 1, 1, fence)
	b.update(t, intend(first))
	b.refuse(t, nil, intend(step(r, 1, 2, fence)))
	b.refuse(t, nil, intend(step(r, 2, 1, fence)))
	b.update(t, intend(step(other, 1, 1, theirs)))
	first.Class = approval.Unclear
	b.update(t, func(tx approval.Tx) error { return tx.Conclude(first) })
	b.refuse(t, nil, intend(step(r, 1, 1, fence))) // the same try
	b.update(t, intend(step(r, 1, 2, fence)))
}

func leasesForgotten(t *testing.T, b *bench) {
	names := []string{"some/ended", "some/more", "something", "some/held"}
	for _, name := range names[:3] {
		acquire(t, b, name, "one", false)
	}
	b.clock.advance(30 * time.Second)
	acquire(t, b, names[3], "one", false)
	b.update(t, func(tx approval.Tx) error { return tx.ForgetLeases("some/") })
	for i, name := range names {
		b.view(t, func(tx approval.Tx) error {
			l, err := tx.Lease(name)
			if there := l.Fence > 0; there != (i >= 2) {
				t.Errorf("%s is there: %t", name, there)
			}
			return err
		})
	}
}

func leaseOwner(t *testing.T, b *bench) {
	first, ok := acquire(t, b, lease, "one", false)
	if !ok {
		t.Fatal("a free lease was refused")
	}
	b.clock.advance(20 * time.Second)
	if fence, ok := acquire(t, b, lease, "one", false); !ok || fence != first {
		t.Errorf("renewed by its owner: fence %d, %t; want %d, true", fence, ok, first)
	}
	b.clock.advance(30*time.Second - time.Microsecond)
	if _, ok := acquire(t, b, lease, "two", false); ok {
		t.Error("another got the lease a microsecond before its end")
	}
	if fence, ok := acquire(t, b, "another lease", "two", false); !ok || fence < 1 {
		t.Errorf("another lease: fence %d, %t", fence, ok)
	}
	b.clock.advance(time.Microsecond)
	if fence, ok := acquire(t, b, lease, "two", false); !ok || fence <= first {
		t.Errorf("after its end: fence %d, %t; want more than %d, true", fence, ok, first)
	}
	if _, ok := acquire(t, b, lease, "one", false); ok {
		t.Error("the old owner got the lease back from a valid one")
	}
}

func leaseFence(t *testing.T, b *bench) {
	last, _ := acquire(t, b, lease, "0", false)
	for i, owner := range []string{"1", "2", "2", "1", "0"} {
		b.reopen(t)
		fence, ok := acquire(t, b, lease, owner, true)
		same := i == 2
		if !ok || same != (fence == last) || fence < last {
			t.Errorf("forced by %q: fence %d after %d, %t", owner, fence, last, ok)
		}
		last = fence
	}
}

func fenceOld(t *testing.T, b *bench) {
	r, other := b.insert(t, "a"), b.insert(t, "b")
	s := step(r, 1, 1, 1)
	never := func(name string, fence int64) {
		t.Helper()
		s.Fence = fence
		for what, f := range map[string]func(approval.Tx) error{
			"OpenAttempt": func(tx approval.Tx) error { return tx.OpenAttempt(attempt(other, fence)) },
			"Intend":      func(tx approval.Tx) error { return tx.Intend(step(other, 1, 1, fence)) },
			"Conclude":    func(tx approval.Tx) error { return tx.Conclude(s) },
		} {
			t.Run(name+" "+what, func(t *testing.T) { b.refuse(t, approval.ErrLost, f) })
		}
	}
	never("before any lease", 1)
	acquire(t, b, approval.LeaseOf(other.ID), "one", false)
	old, _ := acquire(t, b, approval.LeaseOf(r.ID), "one", false)
	s.Fence = old
	b.update(t, func(tx approval.Tx) error { return tx.Intend(s) })
	acquire(t, b, approval.LeaseOf(other.ID), "two", true)
	now, _ := acquire(t, b, approval.LeaseOf(r.ID), "two", true)
	never("old", old)
	never("from nowhere", now+1)
	s.Fence, s.Class = now, approval.NotDone
	b.update(t, func(tx approval.Tx) error { return tx.Conclude(s) })
}

func leaseRace(t *testing.T, b *bench) {
	const owners = 6
	results := make(chan bool, owners)
	for i := range owners {
		go func() {
			var got bool
			err := b.Update(t.Context(), func(tx approval.Tx) (err error) {
				_, got, err = tx.Acquire(lease, string(rune('a'+i)), time.Minute, false)
				return err
			})
			if err != nil {
				t.Errorf("Acquire: %v", err)
			}
			results <- got
		}()
	}
	won := 0
	for range owners {
		if <-results {
			won++
		}
	}
	if won != 1 {
		t.Errorf("%d got the lease, want 1", won)
	}
}

func concludeNothing(t *testing.T, b *bench) {
	r := b.insert(t, "a")
	fence, _ := acquire(t, b, approval.LeaseOf(r.ID), "one", false)
	b.refuse(t, approval.ErrLost, func(tx approval.Tx) error { return tx.Conclude(step(r, 1, 1, fence)) })
}
