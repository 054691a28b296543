package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"twokey/audit"
	"twokey/commands/approval"
)

// most is how many callers are stored together. PostgreSQL slows down for every
// session once a transaction has more than 64 savepoints.
const most = 32

// batch is one write transaction with the parts of several callers: those who
// came while the one before it was under way. They share what a transaction
// costs whatever is in it: the lock, the commit and the sync. Each part runs in
// its caller's own goroutine, one after the other, and in a savepoint, so that
// one that fails, panics or is called off is undone alone.
type batch struct {
	s      *Store
	ctx    context.Context // of the transaction: no caller's end may break it for the others
	conn   *sql.Conn
	shared bool // there are savepoints
	turn   chan struct{}
	at     time.Time
	last   *audit.Record // after the parts that were kept
	kept   int           // parts that are to be stored
	owes   bool
	err    error // why nothing of it can be stored any more
}

// update runs f as one part of a write transaction. The caller's error comes
// back as it is.
func (s *Store) update(ctx context.Context, f func(*tx) error) error {
	if s.readOnly {
		return errReadOnly
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	c := newCall()
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
		if own != nil {
			return own
		}
		return fmt.Errorf("commit: %w: %w", approval.ErrUnsure, ctx.Err())
	}
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
	for s.line.more() {
		s.batch()
	}
}

// batch carries out one transaction with all who wait once it has begun.
func (s *Store) batch() {
	ctx, cancel := context.Background(), context.CancelFunc(func() {})
	if limit := s.dialect.patience(); limit > 0 {
		ctx, cancel = context.WithTimeout(ctx, limit)
	}
	defer cancel()
	conn, err := s.begin(ctx, false)
	calls := s.line.take(most)
	if err != nil {
		for _, c := range calls {
			c.result <- fmt.Errorf("begin: %w", err)
		}
		return
	}
	b := &batch{s: s, ctx: ctx, conn: conn, shared: len(calls) > 1, turn: make(chan struct{})}
	if b.shared {
		b.err = b.exec("SAVEPOINT part")
	}
	for i, c := range calls {
		if b.err != nil {
			s.line.back(calls[i:]) // these have done nothing yet
			calls = calls[:i]
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

// begin opens a transaction. A connection that was cut while nobody used it is
// no reason to fail: nothing was asked of the database yet.
func (s *Store) begin(ctx context.Context, readOnly bool) (*sql.Conn, error) {
	for tries := 0; ; tries++ {
		conn, err := s.db.Conn(ctx)
		if err != nil {
			return nil, err
		}
		err = s.dialect.begin(ctx, conn, readOnly)
		if err == nil {
			return conn, nil
		}
		cut := s.dialect.broken(conn)
		discard(conn)
		if !cut || tries > connections || ctx.Err() != nil {
			return nil, err
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
	q := &session{dialect: b.s.dialect, conn: b.conn, ctx: b.ctx}
	defer q.close()
	t := &tx{ctx: ctx, q: q, at: b.at, last: b.last}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := f(t); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := q.flush(b.ctx); err != nil {
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
	if b.shared {
		if err := b.exec("RELEASE SAVEPOINT part; SAVEPOINT part"); err != nil {
			return fmt.Errorf("end part: %w", err)
		}
	}
	b.kept++
	return nil
}

// undo takes a part back. One that has the transaction for itself is taken
// back with it.
func (b *batch) undo() {
	if !b.shared {
		return
	}
	if err := b.exec("ROLLBACK TO SAVEPOINT part"); err != nil {
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
		b.err = b.s.dialect.commit(b.ctx, b.conn)
		if b.err == nil {
			return b.conn.Close()
		}
		b.err = fmt.Errorf("commit: %w", b.err)
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
	conn, err := s.begin(ctx, true)
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
