package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"twokey/commands/approval"
)

// step is a statement on its way to PostgreSQL, and what is done with each row
// of its result; nil if it has none.
type step struct {
	statement
	scan func(scanner) error
}

// mostPrepared is how many statements are kept prepared on a connection.
const mostPrepared = 400

// through sends steps in their order, without waiting for the answer to each,
// and returns what the server says to the last.
//
// Parsing and planning are a good third of what a transaction of ours costs, so
// a statement is prepared once on each connection and kept there by a name that
// is made of its text: whoever finds that name finds that statement. A pooler
// may give out another server's session for each transaction, and the name is
// then missing, or taken. That fails with errSession, nothing of the transaction
// is stored, and this process prepares nothing any more.
func (p *postgres) through(ctx context.Context, conn *sql.Conn, all []step) (tag pgconn.CommandTag, err error) {
	values, names := make([][][]byte, len(all)), make([]string, len(all))
	err = native(conn, func(c *pgx.Conn) error {
		for i, s := range all {
			if values[i], err = texts(s.args, c.TypeMap()); err != nil {
				return err
			}
		}
		line, kept := c.PgConn().StartPipeline(ctx), keptOn(c.PgConn())
		last := "" // what the server's unnamed statement is
		asked := map[string]bool{}
		for i, s := range all {
			sent := p.sent(s.text)
			if !p.unprepared.Load() && (kept[sent.name] || len(kept)+len(asked) < mostPrepared) {
				names[i] = sent.name
			}
			switch name := names[i]; {
			case name == "" && sent.text != last:
				line.SendPrepare("", sent.text, nil)
				last = sent.text
			case name != "" && !kept[name] && !asked[name]:
				line.SendPrepare(name, sent.text, nil)
				asked[name] = true
			}
			line.SendQueryPrepared(names[i], values[i], nil, nil)
		}
		err := line.Sync()
		if err == nil {
			tag, err = answersTo(line, all, names, kept, c.TypeMap())
		}
		return errors.Join(err, line.Close())
	})
	prepared := slices.ContainsFunc(names, func(name string) bool { return name != "" })
	if prepared && anotherSession(err) {
		p.unprepared.Store(true)
		return tag, fmt.Errorf("%w: %w", errSession, err)
	}
	return tag, err
}

// anotherSession reports whether the server did not know a name, or knew it
// already.
func anotherSession(err error) bool {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (refused.Code == "26000" || refused.Code == "42P05")
}

// errSession says that a statement which the connection had prepared was not
// there, or one was that it had not.
var errSession = fmt.Errorf("%w: PostgreSQL's session is another one than before", errAgain)

// answersTo reads the answer to each of the steps, up to the first error. What
// the server has prepared by name is kept from then on, whatever comes after.
func answersTo(line *pgconn.Pipeline, all []step, names []string, kept map[string]bool, types *pgtype.Map) (tag pgconn.CommandTag, err error) {
	for i, s := range all {
		for read := false; !read; {
			result, err := line.GetResults()
			if err != nil {
				return tag, err
			}
			switch result := result.(type) {
			case *pgconn.StatementDescription:
				if names[i] != "" {
					kept[names[i]] = true
				}
			case *pgconn.ResultReader:
				if tag, err = scanned(result, s.scan, types); err != nil {
					return tag, err
				}
				read = true
			default:
				return tag, errors.New("PostgreSQL has answered less than it was asked")
			}
		}
		if s.rows != 0 && tag.RowsAffected() != s.rows {
			return tag, approval.ErrLost
		}
	}
	return tag, nil
}

// scanned hands each row of a result to scan.
func scanned(result *pgconn.ResultReader, scan func(scanner) error, types *pgtype.Map) (pgconn.CommandTag, error) {
	if scan == nil {
		return result.Close()
	}
	rows := pgx.RowsFromResultReader(types, result)
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return pgconn.CommandTag{}, err
		}
	}
	return rows.CommandTag(), rows.Err()
}

// keptOn are the names of the statements that a connection has prepared.
func keptOn(c *pgconn.PgConn) map[string]bool {
	const ours = "twokey"
	kept, ok := c.CustomData()[ours].(map[string]bool)
	if !ok {
		kept = map[string]bool{}
		c.CustomData()[ours] = kept
	}
	return kept
}

// sent is a statement as PostgreSQL is sent it.
type sent struct{ text, name string }

// sent returns what is sent of a statement.
func (p *postgres) sent(query string) sent {
	if known, ok := p.statements.Load(query); ok {
		return known.(sent)
	}
	// A list is one argument: with few rows, or nothing known of them, PostgreSQL
	// looks at each, and would make a list of placeholders anew for every one.
	text := numbered(strings.Replace(query, "IN ()", "= ANY (?)", 1))
	if p.clock != nil {
		text = code(text, simulated.Replace)
	}
	sum := sha256.Sum256([]byte(text))
	s := sent{text, "twokey_" + hex.EncodeToString(sum[:16])}
	p.statements.Store(query, s)
	return s
}
