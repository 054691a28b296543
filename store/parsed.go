package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"strings"
)

// fullConn is what a connection of SQLite can do.
type fullConn interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.ConnBeginTx
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// fullStmt is what a statement of SQLite can do.
type fullStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// parsing keeps statements parsed for as long as the connection is open:
// parsing takes longer than what most of them do.
type parsing struct {
	fullConn
	kept map[string]fullStmt // those that nobody uses, by their text
}

// keptMost bounds how many.
const keptMost = 300

// parsedOnce wraps a connection; one that can less than it should is left as it is.
func parsedOnce(c driver.Conn) driver.Conn {
	if full, ok := c.(fullConn); ok {
		return &parsing{full, map[string]fullStmt{}}
	}
	return c
}

// take returns a parsed statement, and nil for what is not to be kept: several
// at once, or what changes the schema.
func (p *parsing) take(ctx context.Context, text string) (fullStmt, error) {
	if s := p.kept[text]; s != nil {
		delete(p.kept, text)
		return s, nil
	}
	if len(p.kept) >= keptMost || strings.ContainsAny(text, ";") || strings.HasPrefix(text, "CREATE") {
		return nil, nil
	}
	s, err := p.fullConn.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	full, ok := s.(fullStmt)
	if !ok {
		return nil, s.Close()
	}
	return full, nil
}

// back keeps a statement for the next who comes with its text.
func (p *parsing) back(text string, s fullStmt) error {
	if p.kept[text] != nil {
		return s.Close()
	}
	p.kept[text] = s
	return nil
}

// ExecContext implements driver.ExecerContext.
func (p *parsing) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	s, err := p.take(ctx, text)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return p.fullConn.ExecContext(ctx, text, args)
	}
	result, err := s.ExecContext(ctx, args)
	if err != nil {
		_ = s.Close() // its error is this one, once more
		return nil, err
	}
	return result, p.back(text, s)
}

// QueryContext implements driver.QueryerContext.
func (p *parsing) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	s, err := p.take(ctx, text)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return p.fullConn.QueryContext(ctx, text, args)
	}
	rows, err := s.QueryContext(ctx, args)
	if err != nil {
		_ = s.Close()
		return nil, err
	}
	return &parsedRows{rows, p, text, s}, nil
}

// Close implements driver.Conn.
func (p *parsing) Close() error {
	var errs []error
	for _, s := range p.kept {
		errs = append(errs, s.Close())
	}
	clear(p.kept)
	return errors.Join(append(errs, p.fullConn.Close())...)
}

// parsedRows gives their statement back when they are closed.
type parsedRows struct {
	driver.Rows
	of   *parsing
	text string
	stmt fullStmt
}

// Close implements driver.Rows.
func (r *parsedRows) Close() error {
	if r.stmt == nil {
		return nil
	}
	s := r.stmt
	r.stmt = nil
	if err := r.Rows.Close(); err != nil {
		return errors.Join(err, s.Close())
	}
	return r.of.back(r.text, s)
}
