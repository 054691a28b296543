package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"twokey/commands/approval"
	"twokey/commands/staff"
)

var _ staff.Store = (*Store)(nil)

const noteColumns = "object, postponed, needs_key, seen, looked, hours"

// StaffNote implements staff.Store.
func (s *Store) StaffNote(ctx context.Context, tenant, object string) (n staff.Note, err error) {
	err = s.transact(ctx, true, func(t *tx) error {
		n, err = t.staffNote(tenant, object)
		return err
	})
	return n, err
}

func (t *tx) staffNote(tenant, object string) (staff.Note, error) {
	n, err := scanNote(t.q.QueryRowContext(t.ctx, "SELECT "+noteColumns+" FROM staff_note WHERE tenant = ? AND object = ?", tenant, object))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return staff.Note{Person: object}, nil
	case err != nil:
		return n, fmt.Errorf("read note: %w", err)
	}
	return n, nil
}

// StaffNotes implements staff.Store.
func (s *Store) StaffNotes(ctx context.Context, tenant string) (all []staff.Note, err error) {
	err = s.transact(ctx, true, func(t *tx) error {
		if all, err = list(t, scanNote, "SELECT "+noteColumns+" FROM staff_note WHERE tenant = ? ORDER BY object", tenant); err != nil {
			return fmt.Errorf("read notes: %w", err)
		}
		return nil
	})
	return all, err
}

// KeepStaffNote implements staff.Store.
func (s *Store) KeepStaffNote(ctx context.Context, tenant, object string, change func(*staff.Note), tell func(approval.Tx) error) error {
	return s.transact(ctx, false, func(t *tx) error {
		n, err := t.staffNote(tenant, object)
		if err != nil {
			return err
		}
		change(&n)
		_, err = t.q.ExecContext(t.ctx, `INSERT INTO staff_note (tenant, object, postponed, needs_key, seen, looked, hours) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (tenant, object) DO UPDATE SET postponed = excluded.postponed, needs_key = excluded.needs_key, seen = excluded.seen, looked = excluded.looked, hours = excluded.hours`,
			tenant, object, nullable(n.Postponed), n.NeedsKey, encode(n.Seen), nullable(n.Looked), encodeHours(n.Hours))
		if err != nil {
			return fmt.Errorf("keep note: %w", err)
		}
		return tell(t)
	})
}

func scanNote(row scanner) (n staff.Note, err error) {
	var postponed, looked sql.NullInt64
	var seen, hours string
	if err := row.Scan(&n.Person, &postponed, &n.NeedsKey, &seen, &looked, &hours); err != nil {
		return n, err
	}
	n.Postponed, n.Looked = optional(postponed), optional(looked)
	if n.Hours, err = decodeHours(hours); err != nil {
		return n, err
	}
	return n, decode(column{seen, &n.Seen})
}

const caseColumns = "ref, tenant, kind, person, opener, open, version, opened, body"

// OpenCase implements staff.Store.
func (s *Store) OpenCase(ctx context.Context, c staff.Case, tell func(approval.Tx, staff.Case) error) (kept staff.Case, opened bool, err error) {
	err = s.transact(ctx, false, func(t *tx) error {
		kept, opened = c, false
		there, err := list(t, scanCase, "SELECT "+caseColumns+" FROM staff_case WHERE tenant = ? AND kind = ? AND person = ? AND open = 1", c.Tenant, string(c.Kind), c.Person)
		if err != nil {
			return fmt.Errorf("read cases: %w", err)
		}
		if len(there) > 0 {
			kept = there[0]
			return nil
		}
		if err := t.mayOpen(c); err != nil {
			return err
		}
		if kept.Opened, err = t.Now(); err != nil {
			return err
		}
		kept.Open, kept.Version, opened = true, 1, true
		_, err = t.q.ExecContext(ctx, "INSERT INTO staff_case ("+caseColumns+") VALUES (?, ?, ?, ?, ?, 1, 1, ?, ?)",
			kept.Ref, kept.Tenant, string(kept.Kind), kept.Person, kept.Opener, kept.Opened.UnixMicro(), encode(kept.Body))
		if err != nil {
			return fmt.Errorf("store case: %w", err)
		}
		return tell(t, kept)
	})
	return kept, opened && err == nil, err
}

// mayOpen refuses whoever has opened too many. What the bot opens itself to look
// after a reset is nobody's to be refused, and counts against nobody.
func (t *tx) mayOpen(c staff.Case) error {
	if c.Kind == staff.Reset {
		return nil
	}
	var n int
	err := t.q.QueryRowContext(t.ctx, "SELECT COUNT(*) FROM staff_case WHERE tenant = ? AND opener = ? AND kind <> ? AND open = 1", c.Tenant, c.Opener, string(staff.Reset)).Scan(&n)
	if err != nil {
		return fmt.Errorf("count cases: %w", err)
	}
	if n >= staff.OpenAtOnce {
		return staff.ErrTooMany
	}
	return nil
}

// Case implements staff.Store.
func (s *Store) Case(ctx context.Context, tenant, ref string) (c staff.Case, err error) {
	err = s.transact(ctx, true, func(t *tx) error {
		c, err = t.staffCase(tenant, ref)
		return err
	})
	return c, err
}

func (t *tx) staffCase(tenant, ref string) (staff.Case, error) {
	c, err := scanCase(t.q.QueryRowContext(t.ctx, "SELECT "+caseColumns+" FROM staff_case WHERE tenant = ? AND ref = ?", tenant, ref))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return c, staff.ErrNoCase
	case err != nil:
		return c, fmt.Errorf("read case: %w", err)
	}
	return c, nil
}

// OpenCases implements staff.Store.
func (s *Store) OpenCases(ctx context.Context, tenant, person string) ([]staff.Case, error) {
	if person == "" {
		return s.cases(ctx, "tenant = ? AND open = 1", tenant)
	}
	return s.cases(ctx, "tenant = ? AND person = ? AND open = 1", tenant, person)
}

// CasesOf implements staff.Store.
func (s *Store) CasesOf(ctx context.Context, tenant, object string) ([]staff.Case, error) {
	return s.cases(ctx, "tenant = ? AND (person = ? OR opener = ?)", tenant, object, object)
}

func (s *Store) cases(ctx context.Context, where string, args ...any) (all []staff.Case, err error) {
	err = s.transact(ctx, true, func(t *tx) error {
		if all, err = list(t, scanCase, "SELECT "+caseColumns+" FROM staff_case WHERE "+where+" ORDER BY opened, ref", args...); err != nil {
			return fmt.Errorf("read cases: %w", err)
		}
		return nil
	})
	return all, err
}

// ChangeCase implements staff.Store.
func (s *Store) ChangeCase(ctx context.Context, tenant, ref string, change func(staff.Case, time.Time) (staff.Case, error), tell func(approval.Tx, staff.Case) error) (c staff.Case, err error) {
	err = s.transact(ctx, false, func(t *tx) error {
		now, err := t.Now()
		if err != nil {
			return err
		}
		if c, err = t.staffCase(tenant, ref); err != nil {
			return err
		}
		was := c.Version
		if c, err = change(c, now); err != nil {
			return err
		}
		c.Version = was + 1
		result, err := t.q.ExecContext(ctx, "UPDATE staff_case SET open = ?, version = ?, body = ? WHERE ref = ? AND version = ?", c.Open, c.Version, encode(c.Body), ref, was)
		if err != nil {
			return fmt.Errorf("store case: %w", err)
		}
		if n, err := result.RowsAffected(); err != nil || n != 1 {
			return errors.Join(err, staff.ErrLost)
		}
		return tell(t, c)
	})
	return c, err
}

func scanCase(row scanner) (c staff.Case, err error) {
	var kind, body string
	var opened int64
	if err := row.Scan(&c.Ref, &c.Tenant, &kind, &c.Person, &c.Opener, &c.Open, &c.Version, &opened, &body); err != nil {
		return c, err
	}
	c.Kind, c.Opened = staff.Kind(kind), moment(opened)
	return c, decode(column{body, &c.Body})
}

// Stored implements staff.Store: by ID, by each of the names, and by the
// pseudonyms under which the audit chain knows the person and their accounts.
// It looks through every table that there is.
func (s *Store) Stored(ctx context.Context, tenant, object string, names ...string) (all []staff.Stored, err error) {
	err = s.transact(ctx, true, func(t *tx) error {
		all = nil
		people, err := list(t, scanAlias, "SELECT "+aliasColumns+" FROM alias WHERE tenant = ? AND (object = ? OR object LIKE ?)", tenant, object, object+" %")
		if err != nil {
			return fmt.Errorf("read pseudonyms: %w", err)
		}
		words := append([]string{object}, names...)
		for _, p := range people {
			words = append(words, p.Pseudonym)
		}
		words = slices.DeleteFunc(words, func(w string) bool { return w == "" })
		columns, err := list(t, scanPair, s.dialect.textColumns())
		if err != nil {
			return fmt.Errorf("read tables: %w", err)
		}
		for table, its := range columnsOf(columns) {
			n, err := t.countHolding(table, its, words)
			if err != nil {
				return err
			}
			if n > 0 {
				all = append(all, staff.Stored{Table: table, Rows: n})
			}
		}
		slices.SortFunc(all, func(a, b staff.Stored) int { return strings.Compare(a.Table, b.Table) })
		return nil
	})
	return all, err
}

func columnsOf(columns [][2]string) map[string][]string {
	all := map[string][]string{}
	for _, c := range columns {
		all[c[0]] = append(all[c[0]], c[1])
	}
	return all
}

// countHolding counts the rows in which any of the words stands in a column, as a
// whole: the database finds where one may, and each row is looked at here.
func (t *tx) countHolding(table string, columns, words []string) (n int, err error) {
	var terms, all []string
	var args []any
	lower := make([]string, len(words))
	for i, w := range words {
		lower[i] = strings.ToLower(w)
	}
	for _, c := range columns {
		all = append(all, "COALESCE("+c+", '')")
		for _, w := range lower {
			terms, args = append(terms, "lower("+c+") LIKE ? ESCAPE '!'"), append(args, "%"+wildcards.Replace(w)+"%")
		}
	}
	_, err = list(t, func(row scanner) (_ struct{}, err error) {
		var text string
		if err = row.Scan(&text); err != nil {
			return struct{}{}, err
		}
		text = escapes.Replace(strings.ToLower(text))
		if slices.ContainsFunc(lower, func(w string) bool { return holdsWhole(text, escapes.Replace(w)) }) {
			n++
		}
		return struct{}{}, nil
	}, "SELECT "+strings.Join(all, " || ' ' || ")+" FROM "+table+" WHERE "+strings.Join(terms, " OR "), args...)
	if err != nil {
		return 0, fmt.Errorf("look through %s: %w", table, err)
	}
	return n, nil
}

// escapes are those of JSON that end in a letter or a digit, which is none of the
// word that follows.
var escapes = strings.NewReplacer(`\n`, " ", `\r`, " ", `\t`, " ", `\u003c`, "<", `\u003e`, ">", `\u0026`, "&")

// holdsWhole reports whether a word, which is not empty, stands in a text and is no
// part of a longer one: an@vale.example is neither in joan@vale.example nor in
// an@vale.example.net.
func holdsWhole(text, word string) bool {
	first, size := utf8.DecodeRuneInString(word)
	last, _ := utf8.DecodeLastRuneInString(word)
	for from := 0; ; {
		at := strings.Index(text[from:], word)
		if at < 0 {
			return false
		}
		at += from
		before, _ := utf8.DecodeLastRuneInString(strings.TrimRight(text[:at], "'"))     // as in o'neil
		after, _ := utf8.DecodeRuneInString(strings.TrimLeft(text[at+len(word):], ".")) // which may end the sentence
		if !(partOfName(first) && partOfName(before)) && !(partOfName(last) && partOfName(after)) {
			return true
		}
		from = at + size
	}
}

// partOfName reports whether a letter may stand in an ID or a sign-in name.
func partOfName(c rune) bool {
	return c != utf8.RuneError && (unicode.IsLetter(c) || unicode.IsDigit(c) || strings.ContainsRune("-_.@", c))
}

var wildcards = strings.NewReplacer("!", "!!", "%", "!%", "_", "!_")

func scanPair(row scanner) (p [2]string, err error) {
	err = row.Scan(&p[0], &p[1])
	return p, err
}
