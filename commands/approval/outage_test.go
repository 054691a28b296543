package approval_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"twokey/audit"
	"twokey/commands/approval"
	"twokey/store"
	"twokey/store/pgtest"
)

// outage is a server that comes and goes under an engine.
type outage struct {
	*trips
	mu sync.Mutex
	up chan struct{} // closed when the server is up again; nil while it is up
}

// back waits until the server is up.
func (o *outage) back(ctx context.Context) {
	o.mu.Lock()
	up := o.up
	o.mu.Unlock()
	if up != nil {
		select {
		case <-up:
		case <-ctx.Done():
		}
	}
}

// restart takes the server away and brings it back.
func (o *outage) restart(t *testing.T, end, start func() error) {
	t.Helper()
	up := make(chan struct{})
	o.mu.Lock()
	o.up = up
	o.mu.Unlock()
	if err := errors.Join(end(), start()); err != nil {
		t.Errorf("restart: %v", err)
	}
	o.mu.Lock()
	o.up = nil
	o.mu.Unlock()
	close(up)
}

// insist presses Approve until it is known what became of it, and returns how
// often it was told otherwise.
func (o *outage) insist(ctx context.Context, t *testing.T, r approval.Request) (failures int) {
	for ctx.Err() == nil {
		_, err := o.engine.Approve(ctx, press(r, "bea"))
		var no *approval.Refusal
		if err == nil || errors.As(err, &no) {
			return failures // a refusal says that the press before this one was stored
		}
		failures++
		o.back(ctx)
	}
	t.Errorf("%s: %v", r.Ref, ctx.Err())
	return failures
}

// O14: PostgreSQL crashes three times while two hundred people approve. Nobody's
// press is lost or counted twice, and the same engine goes on.
func TestO14PostgreSQLRestarts(t *testing.T) {
	t.Parallel()
	const people, restarts = 200, 3
	server := pgtest.Server(t)
	dsn := server.Database(t)
	o := &outage{trips: newTrips(t, dsn)}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	asked := make([]approval.Request, people)
	for i := range asked {
		r, err := o.ask(ctx)
		if err != nil {
			t.Fatal(err)
		}
		asked[i] = r
	}
	done := make(chan int, people)
	for _, r := range asked {
		go func() { done <- o.insist(ctx, t, r) }()
	}
	failures := 0
	for n := range people {
		failures += <-done
		switch n {
		case 10, 110:
			o.restart(t, server.Stop, server.Start)
		case 60:
			o.restart(t, server.Kill, server.Start)
		}
	}
	if failures < restarts {
		t.Errorf("only %d presses met an outage", failures)
	}
	t.Logf("%d presses, %d restarts, %d times not recorded", people, restarts, failures)
	o.wantOnce(t, dsn, asked)
}

// wantOnce fails unless each request has one vote and one record of it.
func (o *outage) wantOnce(t *testing.T, dsn string, asked []approval.Request) {
	t.Helper()
	db := store.OpenToRead(dsn)
	defer db.Close()
	approved := map[string]int{}
	for r, err := range db.Audit(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Kind == "request.approved" {
			approved[r.Request]++
		}
	}
	if _, err := audit.Verify(db.Audit(t.Context()), ""); err != nil {
		t.Errorf("the record: %v", err)
	}
	for _, r := range asked {
		err := db.View(t.Context(), func(tx approval.Tx) error {
			now, err := tx.Request(r.ID)
			if err != nil {
				return err
			}
			votes, err := tx.Decisions(r.ID)
			if now.State != approval.Approved || len(votes) != 1 || approved[r.Ref] != 1 {
				t.Errorf("%s is %s with %d votes and %d records", r.Ref, now.State, len(votes), approved[r.Ref])
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}
