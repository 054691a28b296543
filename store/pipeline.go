package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/bits"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
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
// to the last.
func (p *postgres) sendThrough(ctx context.Context, conn *sql.Conn, all []statement) (pgconn.CommandTag, error) {
	steps := make([]step, len(all))
	for i, s := range all {
		steps[i].statement = s
	}
	return p.through(ctx, conn, steps)
}

var errEncode = errors.New("encode argument")

// texts writes arguments as PostgreSQL reads them.
func texts(args []any, types *pgtype.Map) ([][]byte, error) {
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
		case []string:
			list, err := types.Encode(pgtype.TextArrayOID, pgx.TextFormatCode, v, nil)
			if err != nil {
				return nil, fmt.Errorf("%w %d: %w", errEncode, i+1, err)
			}
			values[i] = list
		default:
			return nil, fmt.Errorf("%w %d: it is a %T", errEncode, i+1, arg)
		}
	}
	return values, nil
}

// fetch asks several queries at once.
func (p *postgres) fetch(ctx context.Context, conn *sql.Conn, all []query) error {
	_, err := p.through(ctx, conn, asking(all))
	return err
}

func asking(all []query) []step {
	steps := make([]step, len(all))
	for i, q := range all {
		steps[i] = step(q)
	}
	return steps
}

func (p *postgres) glance(ctx context.Context, conn *sql.Conn, all []query, together bool) error {
	steps := asking(all)
	if together {
		begin, end := step{statement: statement{text: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"}}, step{statement: statement{text: "COMMIT"}}
		steps = slices.Concat([]step{begin}, steps, []step{end})
	}
	_, err := p.through(ctx, conn, steps)
	return err
}

// mostArguments is how many one statement is given, of the 65,535 it may have.
const mostArguments = 4000

var (
	insertForm = regexp.MustCompile(`(?s)^(INSERT INTO (\w+) \([^()]*\)\s+VALUES )(\([^()]*\))(| ON CONFLICT(?: \(\w+\))? DO NOTHING)$`)
	updateForm = regexp.MustCompile(`^UPDATE (\w+) SET `)
	// whichForm changes all rows with one value in one column alike.
	whichForm = regexp.MustCompile(`(?s)^(UPDATE \w+ SET [^?]* WHERE \w+) = \?$`)
	// ownForm changes the one row of an ID to values of its own.
	ownForm = regexp.MustCompile(`^UPDATE (\w+) SET (\w+ = \?(?:, \w+ = \?)*) WHERE (id = \?(?: AND \w+ = \?)*)$`)
)

// form is what of a statement's text says with which others it can be sent.
type form struct {
	table  string   // the only one that it is about; empty if that is not sure
	insert []string // of insertForm; nil if it does not insert
	which  string   // of whichForm: what is in front of the column's value
	own    []string // of ownForm
}

// forms are those of the texts seen so far, of which there are few: each is
// looked at some ten times a transaction, while everybody waits.
var forms sync.Map

func formOf(text string) form {
	if known, ok := forms.Load(text); ok {
		return known.(form)
	}
	f := form{insert: insertForm.FindStringSubmatch(text), own: ownForm.FindStringSubmatch(text)}
	if which := whichForm.FindStringSubmatch(text); which != nil {
		f.which = which[1]
	}
	if f.insert != nil {
		f.table = f.insert[2]
	} else if m := updateForm.FindStringSubmatch(text); m != nil && !strings.Contains(text, "SELECT") {
		f.table = m[1]
	}
	forms.Store(text, f)
	return f
}

// arrange puts statements together that insert into the same table, and those
// with the same text one after the other. Statements about one table keep their
// order among each other, and requests are there before what refers to them.
func arrange(all []statement) []statement {
	var out []statement
	for len(all) > 0 {
		end := slices.IndexFunc(all, func(s statement) bool { return formOf(s.text).table == "" })
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

func byTable(all []statement) []statement {
	of := map[string][]statement{}
	order := []string{"request"}
	for _, s := range all {
		t := formOf(s.text).table
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
// they insert, or change different rows. A run has a power of two of them, so
// that the number of different texts stays small.
func joined(all []statement) []statement {
	var out []statement
	for len(all) > 0 {
		first, n := all[0], 1
		for n < len(all) && all[n].text == first.text {
			n++
		}
		n = 1 << (bits.Len(uint(n)) - 1)
		run := all[:n]
		all = all[n:]
		f := formOf(first.text)
		switch {
		case n == 1 || len(first.args) == 0:
			out = append(out, run...)
		case f.insert != nil:
			for part := range slices.Chunk(run, max(1, mostArguments/len(first.args))) {
				out = append(out, rows(f.insert, part))
			}
		case f.which != "" && different(run, 0):
			out = append(out, chosen(f.which, run))
		case first.rows == 1 && f.own != nil:
			out = append(out, eachItsOwn(f.own, run)...)
		default:
			out = append(out, run...)
		}
	}
	return out
}

// different reports whether the i-th arguments of the statements are.
func different(all []statement, i int) bool {
	seen := map[any]bool{}
	for _, s := range all {
		if seen[s.args[i]] {
			return false
		}
		seen[s.args[i]] = true
	}
	return true
}

// chosen is one statement for all rows that several change.
func chosen(begin string, all []statement) statement {
	list, args := listed("?", all)
	return statement{text: begin + " IN (" + list + ")", args: args}
}

// rows is one statement that inserts what several do.
func rows(form []string, all []statement) statement {
	list, args := listed(form[3], all)
	return statement{text: form[1] + list + form[4], args: args}
}

// listed lists a row for each of the statements, with all of their arguments.
func listed(row string, all []statement) (list string, args []any) {
	for _, s := range all {
		args = append(args, s.args...)
	}
	return strings.Repeat(row+", ", len(all)-1) + row, args
}

// eachItsOwn is one statement that sets in different rows, of which each must be
// there, what several do. If it cannot be one they stay as they are.
func eachItsOwn(form []string, all []statement) []statement {
	if len(all)*len(all[0].args) > mostArguments {
		return all
	}
	set, where := strings.Split(form[2], ", "), strings.Split(form[3], " AND ")
	if !different(all, len(set)) {
		return all
	}
	for i, column := range slices.Concat(set, where) {
		name, value := strings.TrimSuffix(column, " = ?"), fmt.Sprintf("own.v%d%s", i, castOf(all, i))
		if i < len(set) {
			set[i] = name + " = " + value
		} else {
			where[i-len(set)] = form[1] + "." + name + " = " + value
		}
	}
	n := len(all[0].args)
	list, args := listed("(?"+strings.Repeat(", ?", n-1)+")", all)
	text := fmt.Sprintf("UPDATE %s SET %s FROM (VALUES %s) own (%s) WHERE %s", form[1], strings.Join(set, ", "), list, names(n), strings.Join(where, " AND "))
	return []statement{{text: text, args: args, rows: int64(len(all))}}
}

// castOf is how the i-th arguments come to the type of their column: what is
// given in a list of rows is text to PostgreSQL, and so is a list of nothing.
func castOf(all []statement, i int) string {
	for _, s := range all {
		switch s.args[i].(type) {
		case string:
			return ""
		case int64:
			return "::bigint"
		}
	}
	return "::bigint" // of texts none is NULL
}

func names(n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprint("v", i))
	}
	return strings.Join(all, ", ")
}
