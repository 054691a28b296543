package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"
)

// queryer carries out statements in a transaction.
type queryer interface {
	QueryRowContext(ctx context.Context, query string, args ...any) scanner
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	// exec is ExecContext for a statement whose effect on what is known the
	// caller sees to.
	exec(ctx context.Context, query string, args ...any) (sql.Result, error)
	// later carries out a statement of which nothing is asked but that it
	// succeeds. It is sent with what comes next, or at the end of the
	// transaction.
	later(ctx context.Context, query string, args ...any) error
	// once is later for a statement that must change exactly one row.
	once(ctx context.Context, query string, args ...any) error
}

// session is a queryer: the statements of one transaction on a connection, be
// they one caller's or those of several, one after the other.
type session struct {
	dialect  dialect
	conn     *sql.Conn
	ctx      context.Context // of the transaction; nil if that is the caller's own
	readOnly bool            // SQLite itself would let it write
	known    *known          // what need not be read again

	pending []statement // given to later, and not sent yet
	// While several callers share the transaction:
	shared bool
	own    int   // where in pending the statements of the caller at work begin
	saved  bool  // that caller's savepoint is set
	again  error // why all that is not stored has to be done again
}

// statement is one as it is written for SQLite.
type statement struct {
	text string
	args []any
	rows int64 // how many it must change, or else it is an ErrLost; 0: any
}

// pendingMost bounds what is put off.
const pendingMost = 1000

var errReadOnly = errors.New("this transaction may only read")

// enter returns what a statement needs, once what was put off is sent. In a
// transaction that is not the caller's alone it runs to its end even if the
// caller gives up: a statement that is broken off takes the connection with it,
// and everybody's transaction.
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

// flush sends what was put off, in one go. What callers before have put off
// goes first, and if that fails it is nobody's here: all is done again, one by
// one.
func (s *session) flush(ctx context.Context) error {
	if s.again != nil {
		return s.again
	}
	others, pending := s.own, s.pending
	if s.shared && !s.saved {
		pending = slices.Insert(slices.Clone(pending), others, statement{text: "SAVEPOINT part"})
		s.saved = true
	}
	s.pending, s.own = nil, 0
	if len(pending) == 0 {
		return nil
	}
	err := s.dialect.sendAll(ctx, s.conn, pending)
	switch {
	case err == nil:
	case errors.Is(err, errAgain):
		s.again = err
	case others > 0:
		s.again = fmt.Errorf("%w: %w", errAgain, err)
	default:
		return err
	}
	return s.again
}

// errAgain says that nothing of a transaction is stored, and that each of its
// callers has to do its part again by itself: it is one of them who made it fail,
// and not known which, or none.
var errAgain = errors.New("what several callers share has failed")

func (s *session) later(ctx context.Context, query string, args ...any) error {
	return s.put(ctx, statement{text: query, args: args})
}

func (s *session) once(ctx context.Context, query string, args ...any) error {
	return s.put(ctx, statement{text: query, args: args, rows: 1})
}

// put puts a statement off.
func (s *session) put(ctx context.Context, one statement) (err error) {
	if s.readOnly {
		return errReadOnly
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if one.args, err = s.dialect.arguments(one.args); err != nil {
		return err
	}
	s.pending = append(s.pending, one)
	if len(s.pending) < pendingMost {
		return nil
	}
	if s.ctx != nil {
		ctx = s.ctx
	}
	return s.flush(ctx)
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
	s.known.outdate(query)
	return s.exec(ctx, query, args...)
}

func (s *session) exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	ctx, args, err := s.enter(ctx, args)
	if err != nil {
		return nil, err
	}
	if s.readOnly {
		return nil, errReadOnly
	}
	return s.conn.ExecContext(ctx, s.dialect.translate(query), args...)
}

func now(ctx context.Context, q queryer) (time.Time, error) {
	var us int64
	if err := q.QueryRowContext(ctx, "SELECT twokey_now()").Scan(&us); err != nil {
		return time.Time{}, fmt.Errorf("read database time: %w", err)
	}
	return time.UnixMicro(us).UTC(), nil
}
