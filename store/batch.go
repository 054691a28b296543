package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"time"

	"twokey/audit"
	"twokey/commands/approval"
)

// most is how many callers are stored together. PostgreSQL slows down for every
// session once a transaction has more than 64 savepoints.
const most = 32

// batch is one write transaction with the parts of several callers: those who
// came while the one before it was under way. They share what a transaction
// costs whatever is in it: the lock, the reading of what they said they would
// read, the sending of what they write, the commit and the sync. Each part runs
// in its caller's own goroutine, one after the other. One that fails, panics or
// is called off is undone alone: what it would write is dropped, or, if anything
// of it was sent already, taken back to its savepoint. If what several write
// fails when it is sent, nothing is stored, and each runs again by itself.
type batch struct {
	s    *Store
	ctx  context.Context // of the transaction: no caller's end may break it for the others
	conn *sql.Conn
	q    *session
	turn chan struct{}
	at   time.Time
	last *audit.Record // after the parts that were kept
	kept int           // parts that are to be stored
	owes bool
	err  error // why nothing of it can be stored any more
}

// update runs f as one part of a write transaction. The caller's error comes
// back as it is.
func (s *Store) update(ctx context.Context, f func(*tx) error) error {
	return s.updateAhead(ctx, approval.Ahead{}, f)
}

// updateAhead is update for a caller who says what it is going to read.
func (s *Store) updateAhead(ctx context.Context, want approval.Ahead, f func(*tx) error) error {
	err := s.updateOnce(ctx, &call{want: want}, f)
	if errors.Is(err, errAgain) {
		err = s.updateOnce(ctx, &call{want: want, alone: true}, f)
	}
	return err
}

func (s *Store) updateOnce(ctx context.Context, c *call, f func(*tx) error) error {
	if s.readOnly {
		return errReadOnly
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.line.join(c, s.work); err != nil {
		return err
	}
	b, err := s.await(ctx, c)
	if err != nil {
		return err
	}
	own := b.part(ctx, f)
	select {
	case err := <-c.result:
		return verdict(own, err)
	case <-ctx.Done():
	}
	select { // whoever gives up in the moment in which it is known is told
	case err := <-c.result:
		return verdict(own, err)
	default:
	}
	if own != nil {
		return own
	}
	return fmt.Errorf("commit: %w: %w", approval.ErrUnsure, ctx.Err())
}

// await waits for the caller's turn.
func (s *Store) await(ctx context.Context, c *call) (*batch, error) {
	select {
	case b := <-c.turn:
		return b, nil
	case err := <-c.result: // it could not even begin
		return nil, err
	case <-ctx.Done():
		if s.line.leave(c) {
			return nil, ctx.Err()
		}
	}
	select { // the parts before this one do not wait for anything either
	case b := <-c.turn:
		return b, nil
	case err := <-c.result:
		return nil, err
	}
}

// verdict is what a caller is told whose part ended with own in a transaction
// that ended with err. A refusal may rest on what an earlier part had written:
// if that was not stored, it is not repeated. Nothing of a part that failed is
// ever stored, so that is never unsure.
func verdict(own, err error) error {
	switch {
	case err == nil:
		return own
	case own != nil && errors.Is(err, approval.ErrUnsure):
		return fmt.Errorf("the transaction was broken off: %v", err) //nolint:errorlint // it is certain for this caller
	default:
		return err
	}
}

// work carries out what waits, batch by batch, until nothing does.
func (s *Store) work() {
	runtime.Gosched() // whoever is as far as the first comes with it
	for s.line.more() {
		s.batch()
	}
}

// gather returns what waits a moment for as many as came with the last batch,
// and nil if they are there: people who were answered together come back
// together, and a batch for the first of them alone would cost as much as one
// for all, while the others wait for it.
func (s *Store) gather() (wait func()) {
	limit := s.dialect.gathering()
	if limit == 0 {
		return nil
	}
	enough := s.line.again()
	select {
	case <-enough:
		return nil
	default:
	}
	late := time.NewTimer(limit)
	return func() {
		defer late.Stop()
		select {
		case <-enough:
		case <-late.C:
		}
	}
}

// batch carries out one transaction with all who wait once it has begun.
func (s *Store) batch() {
	ctx, cancel := context.Background(), context.CancelFunc(func() {})
	if limit := s.dialect.patience(); limit > 0 {
		ctx, cancel = context.WithTimeout(ctx, limit)
	}
	defer cancel()
	k := newKnown()
	var waiting map[*call]approval.Ahead // whose readings are sent with the beginning
	wait := s.gather()
	if wait == nil {
		waiting = s.line.wants(most)
	}
	conn, at, err := s.begin(ctx, false, func() []query {
		k.forget()
		return readings(k, waiting)
	})
	if wait != nil {
		wait()
	}
	calls := s.line.take(most)
	if err != nil {
		for _, c := range calls {
			c.result <- fmt.Errorf("begin: %w", err)
		}
		return
	}
	b := &batch{s: s, ctx: ctx, conn: conn, turn: make(chan struct{}), at: at, last: k.last}
	b.q = &session{dialect: s.dialect, conn: conn, ctx: ctx, known: k, shared: len(calls) > 1}
	b.err = b.readMore(calls, waiting)
	for i, c := range calls {
		if b.err != nil {
			calls = b.stop(calls, i)
			break
		}
		c.turn <- b
		<-b.turn
	}
	err = b.end()
	if b.owes && s.owed != nil && (err == nil || errors.Is(err, approval.ErrUnsure)) {
		s.owed()
	}
	for _, c := range calls {
		c.result <- err
	}
}

// stop returns whom to tell that it has failed when i of the calls had their
// turn. The others have done nothing yet; if it could not even begin it was
// theirs.
func (b *batch) stop(calls []*call, i int) []*call {
	if i == 0 {
		return calls
	}
	b.s.line.back(calls[i:])
	return calls[:i]
}

// readMore reads what those said they would who came while it began.
func (b *batch) readMore(calls []*call, known map[*call]approval.Ahead) error {
	late := map[*call]approval.Ahead{}
	for _, c := range calls {
		if _, ok := known[c]; !ok {
			late[c] = c.want
		}
	}
	all := readings(b.q.known, late)
	if len(all) == 0 {
		return nil
	}
	if err := b.s.dialect.fetch(b.ctx, b.conn, all); err != nil {
		return fmt.Errorf("read ahead: %w", err)
	}
	b.last = b.q.known.last
	return nil
}

// readings are the queries for what callers said they would read, and for the
// end of the audit chain, to which they will add.
func readings(k *known, wanted map[*call]approval.Ahead) []query {
	all := k.queries(gather(maps.Values(wanted)))
	if len(all) > 0 && k.last == nil {
		all = append(all, k.newest())
	}
	return all
}

// begin opens a transaction. A connection that was cut while nobody used it is
// no reason to fail, nor is one that is not what it was: nothing was done yet.
func (s *Store) begin(ctx context.Context, readOnly bool, ahead func() []query) (conn *sql.Conn, at time.Time, err error) {
	for tries := 0; ; tries++ {
		conn, err := s.db.Conn(ctx)
		if err != nil {
			return nil, at, err
		}
		at, err := s.dialect.begin(ctx, conn, readOnly, ahead())
		if err == nil {
			return conn, at, nil
		}
		another := s.dialect.broken(conn) || errors.Is(err, errSession)
		discard(conn)
		if !another || tries > connections || ctx.Err() != nil {
			return nil, at, err
		}
	}
}

// discard closes a connection for good, and so whatever is open on it.
func discard(conn *sql.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	_ = conn.Close()
}

// part runs f as one caller's part, in that caller's goroutine.
func (b *batch) part(ctx context.Context, f func(*tx) error) (err error) {
	kept := false
	defer func() { // also when f panics
		if !kept {
			b.undo()
		}
		b.turn <- struct{}{}
	}()
	b.q.own, b.q.saved = len(b.q.pending), false
	t := &tx{ctx: ctx, q: b.q, known: b.q.known, at: b.at, last: b.last}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := f(t); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := b.keep(); err != nil {
		return err
	}
	kept, b.at, b.last, b.owes = true, t.at, t.last, b.owes || t.owes
	return nil
}

// keep makes a part one of those that are stored. PostgreSQL refuses if a
// statement of it has failed, whatever became of the error.
func (b *batch) keep() error {
	switch {
	case b.q.again != nil:
		return b.q.again
	case !b.q.shared:
		if err := b.q.flush(b.ctx); err != nil {
			return err
		}
	case b.q.saved:
		b.q.pending = append(b.q.pending, statement{text: "RELEASE SAVEPOINT part"})
		if err := b.q.flush(b.ctx); err != nil {
			return fmt.Errorf("end part: %w", err)
		}
	}
	b.kept++
	return nil
}

// undo takes a part back. One that has the transaction for itself is taken
// back with it.
func (b *batch) undo() {
	q := b.q
	switch {
	case q.again != nil:
		b.err = q.again
		return
	case !q.shared:
		return
	case !q.saved && len(q.pending) == q.own:
		return // it has written nothing
	}
	q.pending = q.pending[:q.own]
	q.known.forget()
	if !q.saved {
		return
	}
	if err := b.exec("ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part"); err != nil {
		b.err = fmt.Errorf("undo part: %w", err)
	}
}

func (b *batch) exec(statement string) error {
	_, err := b.conn.ExecContext(b.ctx, statement)
	return err
}

// end commits, if there is anything to be stored, and gives the connection back.
func (b *batch) end() error {
	if b.err == nil && b.kept > 0 {
		rest := b.q.pending
		b.err = b.s.dialect.commit(b.ctx, b.conn, rest)
		if b.err == nil {
			return b.conn.Close()
		}
		b.err = fmt.Errorf("commit: %w", b.err)
		if len(rest) > 0 && !errors.Is(b.err, approval.ErrUnsure) {
			b.err = fmt.Errorf("%w: %w", errAgain, b.err)
		}
	}
	leave(b.ctx, b.conn)
	return b.err
}

// leave ends a transaction of which nothing is stored, and gives the connection back.
func leave(ctx context.Context, conn *sql.Conn) {
	if _, err := conn.ExecContext(ctx, "ROLLBACK"); err != nil {
		discard(conn)
		return
	}
	_ = conn.Close() // gives it back to the pool
}

// view runs f in a transaction that reads, and sees one state of the database.
func (s *Store) view(ctx context.Context, f func(*tx) error) error {
	conn, _, err := s.begin(ctx, true, func() []query { return nil })
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		leave(end, conn)
	}()
	return f(&tx{ctx: ctx, q: &session{dialect: s.dialect, conn: conn, readOnly: true}})
}

// transact runs f in one transaction. The caller's error comes back as it is.
func (s *Store) transact(ctx context.Context, readOnly bool, f func(*tx) error) error {
	if readOnly {
		return s.view(ctx, f)
	}
	return s.update(ctx, f)
}
