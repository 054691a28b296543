package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// queryer carries out statements in a transaction.
type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) scanner
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	// later carries out a statement of which nothing is asked but that it
	// succeeds. PostgreSQL gets it with what comes next; if it fails, so does that.
	later(ctx context.Context, query string, args ...any) error
	// repeat carries out a statement that comes once for each of many rows.
	repeat(ctx context.Context, query string, args ...any) error
}

// session is a queryer: one caller's statements on a connection on which a
// transaction is open.
type session struct {
	dialect  dialect
	conn     *sql.Conn
	ctx      context.Context // of the transaction; nil if that is the caller's own
	readOnly bool            // SQLite itself would let it write
	prepared map[string]*sql.Stmt
	pending  []statement // given to later, and not sent yet
}

// statement is one as it is sent.
type statement struct {
	text string
	args []any
}

var errReadOnly = errors.New("this transaction may only read")

// enter returns what a statement needs. In a transaction that is not the
// caller's alone it runs to its end even if the caller gives up: a statement
// that is broken off takes the connection with it, and everybody's transaction.
func (s *session) enter(ctx context.Context, args []any) (context.Context, []any, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	args, err := s.dialect.arguments(args)
	if err != nil {
		return nil, nil, err
	}
	if s.ctx != nil {
		ctx = s.ctx
	}
	return ctx, args, s.flush(ctx)
}

// flush sends what was put off, in one go.
func (s *session) flush(ctx context.Context) error {
	if len(s.pending) == 0 {
		return nil
	}
	pending := s.pending
	s.pending = nil
	return s.dialect.sendAll(ctx, s.conn, pending)
}

func (s *session) later(ctx context.Context, query string, args ...any) error {
	if s.readOnly || s.dialect.prepares() { // SQLite has no way to shorten
		_, err := s.ExecContext(ctx, query, args...)
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	args, err := s.dialect.arguments(args)
	s.pending = append(s.pending, statement{s.dialect.translate(query), args})
	return err
}

// failed is the row of a query that was not asked.
type failed struct{ err error }

func (f failed) Scan(...any) error { return f.err }

func (s *session) QueryRowContext(ctx context.Context, query string, args ...any) scanner {
	ctx, args, err := s.enter(ctx, args)
	if err != nil {
		return failed{err}
	}
	return s.conn.QueryRowContext(ctx, s.dialect.translate(query), args...)
}

func (s *session) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	ctx, args, err := s.enter(ctx, args)
	if err != nil {
		return nil, err
	}
	return s.conn.QueryContext(ctx, s.dialect.translate(query), args...)
}

func (s *session) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	ctx, args, err := s.enter(ctx, args)
	if err != nil {
		return nil, err
	}
	if s.readOnly {
		return nil, errReadOnly
	}
	return s.conn.ExecContext(ctx, s.dialect.translate(query), args...)
}

func (s *session) repeat(ctx context.Context, query string, args ...any) error {
	if s.readOnly || !s.dialect.prepares() {
		_, err := s.ExecContext(ctx, query, args...)
		return err
	}
	ctx, args, err := s.enter(ctx, args)
	if err != nil {
		return err
	}
	stmt := s.prepared[query]
	if stmt == nil {
		if stmt, err = s.conn.PrepareContext(ctx, s.dialect.translate(query)); err != nil {
			return err
		}
		if s.prepared == nil {
			s.prepared = make(map[string]*sql.Stmt)
		}
		s.prepared[query] = stmt
	}
	_, err = stmt.ExecContext(ctx, args...)
	return err
}

// close gives up what was prepared.
func (s *session) close() {
	for _, stmt := range s.prepared {
		_ = stmt.Close() // what it did is done
	}
}

func now(ctx context.Context, q queryer) (time.Time, error) {
	var us int64
	if err := q.QueryRowContext(ctx, "SELECT twokey_now()").Scan(&us); err != nil {
		return time.Time{}, fmt.Errorf("read database time: %w", err)
	}
	return time.UnixMicro(us).UTC(), nil
}
