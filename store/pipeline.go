package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"twokey/commands/approval"
)

// native runs f with the driver's own connection.
func native(conn *sql.Conn, f func(*pgx.Conn) error) error {
	return conn.Raw(func(c any) error {
		of, ok := c.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("a connection of PostgreSQL is a %T", c)
		}
		return f(of.Conn())
	})
}

// sendAll sends statements without waiting for the answer to each.
func (p *postgres) sendAll(ctx context.Context, conn *sql.Conn, all []statement) error {
	_, err := p.sendThrough(ctx, conn, arrange(all))
	return err
}

// sendThrough sends statements in their order and returns what the server says
// to the last. A text that comes several times in a row is parsed once, as the
// unnamed statement, which leaves nothing behind.
func (p *postgres) sendThrough(ctx context.Context, conn *sql.Conn, all []statement) (tag pgconn.CommandTag, err error) {
	values := make([][][]byte, len(all))
	for i, s := range all {
		if values[i], err = texts(s.args); err != nil {
			return tag, err
		}
	}
	err = on(conn, func(c *pgconn.PgConn) error {
		line := c.StartPipeline(ctx)
		for i, s := range all {
			if i == 0 || s.text != all[i-1].text {
				line.SendPrepare("", p.translate(s.text), nil)
			}
			line.SendQueryPrepared("", values[i], nil, nil)
		}
		err := line.Sync()
		if err == nil {
			tag, err = answersTo(line, all)
		}
		return errors.Join(err, line.Close())
	})
	return tag, err
}

// answersTo reads the answer to each of the statements, up to the first error.
func answersTo(line *pgconn.Pipeline, all []statement) (tag pgconn.CommandTag, err error) {
	for _, s := range all {
		for read := false; !read; {
			result, err := line.GetResults()
			if err != nil {
				return tag, err
			}
			switch result := result.(type) {
			case *pgconn.StatementDescription:
			case *pgconn.ResultReader:
				if tag, err = result.Close(); err != nil {
					return tag, err
				}
				read = true
			default:
				return tag, errors.New("PostgreSQL has answered less than it was asked")
			}
		}
		if s.one && tag.RowsAffected() != 1 {
			return tag, approval.ErrLost
		}
	}
	return tag, nil
}

var errEncode = errors.New("encode argument")

// texts writes arguments as PostgreSQL reads them.
func texts(args []any) ([][]byte, error) {
	values := make([][]byte, len(args))
	for i, arg := range args {
		switch v := arg.(type) {
		case nil:
		case string:
			values[i] = []byte(v)
		case int64:
			values[i] = strconv.AppendInt(nil, v, 10)
		case float64:
			values[i] = strconv.AppendFloat(nil, v, 'g', -1, 64)
		default:
			return nil, fmt.Errorf("%w %d: it is a %T", errEncode, i+1, arg)
		}
	}
	return values, nil
}

// fetch asks several queries at once.
func (p *postgres) fetch(ctx context.Context, conn *sql.Conn, all []query) error {
	return native(conn, func(c *pgx.Conn) error {
		var batch pgx.Batch
		p.queue(&batch, all)
		return c.SendBatch(ctx, &batch).Close() // which is the first error
	})
}

func (p *postgres) queue(batch *pgx.Batch, all []query) {
	for _, q := range all {
		batch.Queue(p.translate(q.text), q.args...).Query(func(rows pgx.Rows) error {
			defer rows.Close()
			for rows.Next() {
				if err := q.scan(rows); err != nil {
					return err
				}
			}
			return rows.Err()
		})
	}
}

func (p *postgres) glance(ctx context.Context, conn *sql.Conn, all []query, together bool) error {
	if !together {
		return p.fetch(ctx, conn, all)
	}
	return native(conn, func(c *pgx.Conn) error {
		var batch pgx.Batch
		batch.Queue("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
		p.queue(&batch, all)
		batch.Queue("COMMIT")
		return c.SendBatch(ctx, &batch).Close()
	})
}

// mostArguments is how many one statement is given, of the 65,535 it may have.
const mostArguments = 4000

var (
	insertForm = regexp.MustCompile(`(?s)^(INSERT INTO (\w+) \([^()]*\)\s+VALUES )(\([^()]*\))(| ON CONFLICT(?: \(\w+\))? DO NOTHING)$`)
	updateForm = regexp.MustCompile(`^UPDATE (\w+) SET `)
	// whichForm changes all rows with one value in one column alike.
	whichForm = regexp.MustCompile(`(?s)^(UPDATE \w+ SET [^?]* WHERE \w+) = \?$`)
)

// arrange puts statements together that insert into the same table, and those
// with the same text one after the other. Statements about one table keep their
// order among each other, and requests are there before what refers to them.
func arrange(all []statement) []statement {
	var out []statement
	for len(all) > 0 {
		end := slices.IndexFunc(all, func(s statement) bool { return table(s.text) == "" })
		if end != 0 {
			if end < 0 {
				end = len(all)
			}
			out = append(out, byTable(all[:end])...)
			all = all[end:]
			continue
		}
		out, all = append(out, all[0]), all[1:]
	}
	return out
}

// table is the only one that a statement is about; empty if that is not sure.
func table(text string) string {
	if m := insertForm.FindStringSubmatch(text); m != nil {
		return m[2]
	}
	if m := updateForm.FindStringSubmatch(text); m != nil && !strings.Contains(text, "SELECT") {
		return m[1]
	}
	return ""
}

func byTable(all []statement) []statement {
	of := map[string][]statement{}
	order := []string{"request"}
	for _, s := range all {
		t := table(s.text)
		if of[t] == nil && t != "request" {
			order = append(order, t)
		}
		of[t] = append(of[t], s)
	}
	var out []statement
	for _, t := range order {
		out = append(out, joined(of[t])...)
	}
	return out
}

// joined makes one statement of each run of statements with the same text, if
// they insert, or change the same of different rows.
func joined(all []statement) []statement {
	var out []statement
	for len(all) > 0 {
		first, n := all[0], 1
		for n < len(all) && all[n].text == first.text {
			n++
		}
		run := all[:n]
		all = all[n:]
		insert, which := insertForm.FindStringSubmatch(first.text), whichForm.FindStringSubmatch(first.text)
		switch {
		case n == 1 || len(first.args) == 0:
			out = append(out, run...)
		case insert != nil:
			for part := range slices.Chunk(run, max(1, mostArguments/len(first.args))) {
				out = append(out, rows(insert, part))
			}
		case which != nil && different(run):
			out = append(out, chosen(which[1], run))
		default:
			out = append(out, run...)
		}
	}
	return out
}

// different reports whether the statements, of one argument each, have
// different ones.
func different(all []statement) bool {
	seen := map[any]bool{}
	for _, s := range all {
		if seen[s.args[0]] {
			return false
		}
		seen[s.args[0]] = true
	}
	return true
}

// chosen is one statement for all rows that several change.
func chosen(begin string, all []statement) statement {
	one := statement{text: begin + " IN (?" + strings.Repeat(", ?", len(all)-1) + ")"}
	for _, s := range all {
		one.args = append(one.args, s.args...)
	}
	return one
}

// rows is one statement that inserts what several do.
func rows(form []string, all []statement) statement {
	one := statement{text: form[1] + strings.Repeat(form[3]+", ", len(all)-1) + form[3] + form[4]}
	for _, s := range all {
		one.args = append(one.args, s.args...)
	}
	return one
}
