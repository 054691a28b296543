package store

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"

	"twokey/commands/approval"
)

// glances are the readings of callers who said before what they want to read.
// Those who come while one is under way are read for together.
type glances struct {
	mu      sync.Mutex
	waiting []*glance
	busy    bool
	work    sync.WaitGroup
}

// glance is one caller's.
type glance struct {
	want   approval.Ahead
	result chan glanced
}

// glanced is what was read, for several callers: nobody changes it.
type glanced struct {
	known *known
	err   error
}

// viewAhead is view for a caller who says what it is going to read. If it asks
// for anything else it is run again, in a transaction.
func (s *Store) viewAhead(ctx context.Context, want approval.Ahead, f func(*tx) error) error {
	k, err := s.glance(ctx, want)
	if err != nil {
		return s.view(ctx, f)
	}
	q := &blind{}
	err = f(&tx{ctx: ctx, q: q, known: k})
	if q.asked {
		return s.view(ctx, f)
	}
	return err
}

func (s *Store) glance(ctx context.Context, want approval.Ahead) (*known, error) {
	g := &glance{want, make(chan glanced, 1)}
	l := &s.glances
	l.mu.Lock()
	l.waiting = append(l.waiting, g)
	if !l.busy {
		l.busy = true
		l.work.Go(func() { s.glanceAll() })
	}
	l.mu.Unlock()
	select {
	case r := <-g.result:
		return r.known, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// take takes those out who wait; with none the work ends.
func (l *glances) take() []*glance {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(most, len(l.waiting))
	first := slices.Clone(l.waiting[:n])
	l.waiting = slices.Delete(l.waiting, 0, n)
	l.busy = n > 0
	return first
}

func (s *Store) glanceAll() {
	runtime.Gosched() // whoever is as far as the first comes with it
	for all := s.glances.take(); len(all) > 0; all = s.glances.take() {
		k, err := s.glanceFor(all)
		for _, g := range all {
			g.result <- glanced{k, err}
		}
	}
}

// glanceFor reads what all of them want. It is one state of the database that
// each of them sees, and no caller's end breaks it off for the others.
func (s *Store) glanceFor(all []*glance) (*known, error) {
	ctx, cancel := context.WithTimeout(context.Background(), glanceLimit)
	defer cancel()
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	k := newKnown()
	wanted := make(map[*glance]approval.Ahead, len(all))
	together := false
	for _, g := range all {
		wanted[g] = g.want
		together = together || len(newKnown().queries(gather(slices.Values([]approval.Ahead{g.want})))) > 1
	}
	if err := s.dialect.glance(ctx, conn, k.queries(gather(maps.Values(wanted))), together); err != nil {
		discard(conn)
		return nil, err
	}
	return k, conn.Close()
}

// glanceLimit is how long it may take before a caller reads by itself.
const glanceLimit = 5 * time.Second

// blind is a queryer without a database.
type blind struct{ asked bool }

var errBlind = errors.New("this was not read ahead")

func (b *blind) QueryRowContext(context.Context, string, ...any) scanner {
	b.asked = true
	return failed{errBlind}
}

func (b *blind) QueryContext(context.Context, string, ...any) (*sql.Rows, error) {
	b.asked = true
	return nil, errBlind
}

func (b *blind) ExecContext(context.Context, string, ...any) (sql.Result, error) {
	return nil, errReadOnly
}

func (b *blind) exec(context.Context, string, ...any) (sql.Result, error) { return nil, errReadOnly }
func (b *blind) later(context.Context, string, ...any) error              { return errReadOnly }
func (b *blind) once(context.Context, string, ...any) error               { return errReadOnly }
