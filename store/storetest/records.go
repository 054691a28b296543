package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"twokey/audit"
	"twokey/commands/approval"
)

var records = map[string]func(*testing.T, *bench){
	"a record comes back as it was written":         recordRoundTrip,
	"records bear the database's time":              recordTime,
	"the chain has no gap from a rollback":          chainRollback,
	"the chain has no gap from many writers":        chainWriters,
	"the newest records come first":                 recordLast,
	"the chain goes on after the database reopened": chainReopened,
}

var errStop = errors.New("stop")

func recordRoundTrip(t *testing.T, b *bench) {
	if last := b.head(t); last != nil {
		t.Fatalf("a new chain has %+v", last)
	}
	e := entry("R-1")
	b.update(t, func(tx approval.Tx) error { return tx.Record(e) })
	e.At = day
	want, err := audit.Chain(nil, e)
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, "the record", b.head(t), &want)
}

func recordTime(t *testing.T, b *bench) {
	e := entry("R-1")
	e.At = day.Add(-24 * time.Hour)
	b.update(t, func(tx approval.Tx) error { return tx.Record(e) })
	if got, want := b.head(t).At, day.Format(time.RFC3339Nano); got != want {
		t.Errorf("recorded at %s, want %s", got, want)
	}
}

func chainRollback(t *testing.T, b *bench) {
	for i := range 10 {
		err := b.Update(t.Context(), func(tx approval.Tx) error {
			if err := errors.Join(tx.Record(entry("R-1")), tx.Record(entry("R-2"))); err != nil {
				return err
			}
			if i%2 == 0 {
				return errStop
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStop) {
			t.Fatal(err)
		}
	}
	if last := b.head(t); last.Number != 10 {
		t.Errorf("%d records, want 10", last.Number)
	}
}

func chainWriters(t *testing.T, b *bench) {
	const writers, each = 4, 25
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range each {
				err := b.Update(t.Context(), func(tx approval.Tx) error {
					if err := tx.Record(entry(fmt.Sprintf("R-%d", w))); err != nil {
						return err
					}
					if i%5 == 0 {
						return errStop
					}
					return nil
				})
				if err != nil && !errors.Is(err, errStop) {
					t.Errorf("Update: %v", err)
				}
			}
		})
	}
	all.Go(func() {
		for range each {
			b.head(t) // a reader sees a whole chain at every moment
		}
	})
	all.Wait()
	if last, want := b.head(t), int64(writers*each*4/5); last.Number != want {
		t.Errorf("%d records, want %d", last.Number, want)
	}
}

func recordLast(t *testing.T, b *bench) {
	for i := range 6 {
		b.update(t, func(tx approval.Tx) error { return tx.Record(entry(fmt.Sprintf("R-%d", i%2))) })
	}
	for _, row := range []struct {
		name    string
		request string
		n       int
		want    []int64
	}{
		{"all", "", 100, []int64{6, 5, 4, 3, 2, 1}},
		{"some", "", 2, []int64{6, 5}},
		{"of one request", "R-0", 2, []int64{5, 3}},
		{"of no request", "R-9", 2, nil},
	} {
		rs, err := b.LastRecords(t.Context(), row.request, row.n)
		var got []int64
		for _, r := range rs {
			got = append(got, r.Number)
		}
		if err != nil || fmt.Sprint(got) != fmt.Sprint(row.want) {
			t.Errorf("%s: %v (%v), want %v", row.name, got, err, row.want)
		}
	}
}

func chainReopened(t *testing.T, b *bench) {
	b.update(t, func(tx approval.Tx) error { return tx.Record(entry("R-1")) })
	head := b.head(t).Hash
	b.reopen(t)
	b.update(t, func(tx approval.Tx) error { return tx.Record(entry("R-2")) })
	last, err := audit.Verify(b.Audit(t.Context()), head)
	if err != nil || last.Number != 2 {
		t.Errorf("Verify = %+v, %v; want two records", last, err)
	}
	if !json.Valid([]byte(last.Facts)) {
		t.Errorf("facts are not JSON: %s", last.Facts)
	}
}
