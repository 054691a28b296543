package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"twokey/audit"
	"twokey/chat"
	"twokey/commands/approval"
)

// ErrStillOpen says that a person cannot be erased yet.
var ErrStillOpen = &approval.Refusal{Code: "still-open", Text: "This person takes part in a request or a case that is still open. Wait for it to end, or cancel it."}

// Erase forgets a person: who is meant by their pseudonym and those of their
// chat accounts. Ended requests that aimed at them are removed with all words;
// in those that they asked for, decided, were told of or are named in, the
// pseudonym takes their place, and nothing proves any more what was asked. The
// chain stays as it is and valid, and nothing says any more who it was; a
// record says that somebody was forgotten, by pseudonym. Erase reports false if
// nothing was known of the person, and fails with [ErrStillOpen] while one of
// their requests is open. A SQLite file has nothing left of what it removes.
func (s *Store) Erase(ctx context.Context, tenant, object string) (known bool, err error) {
	err = s.transact(ctx, false, func(t *tx) error {
		people, err := list(t, scanAlias, "SELECT "+aliasColumns+" FROM alias WHERE tenant = ? AND (object = ? OR object LIKE ?) ORDER BY object", tenant, object, object+" %")
		if err != nil {
			return err
		}
		known = len(people) > 0
		if !known || people[0].Object != object { // no record names them: they were only told of
			people = slices.Insert(people, 0, audit.Person{Tenant: tenant, Object: object, Pseudonym: audit.Pseudonym(audit.Secret(), tenant, object)})
		}
		e := eraser{tx: t, tenant: tenant, who: people[0], words: wordsOf(people[0])}
		if err := e.erase(people); err != nil {
			return err
		}
		if known = known || e.changed > 0; !known {
			return errNothingKnown // and nothing is recorded
		}
		return nil
	})
	if errors.Is(err, errNothingKnown) {
		return false, nil
	}
	if err == nil {
		err = s.dialect.scrub(ctx, s.db)
	}
	return known && err == nil, err
}

var errNothingKnown = errors.New("nothing is known of this person")

// eraser forgets one person.
type eraser struct {
	*tx
	tenant  string
	who     audit.Person
	words   *regexp.Regexp // by which they are named
	changed int64          // rows
}

// wordsOf matches a person's object ID and name, the latter as it is, as it is
// shown, and as JSON has it: as whole words, so that Ann is not found in Anna.
func wordsOf(who audit.Person) *regexp.Regexp {
	var any []string
	for _, word := range []string{who.Object, who.Name, chat.Safe(who.Name, shownName)} {
		if word != "" {
			inside := encode(word)
			any = append(any, regexp.QuoteMeta(word), regexp.QuoteMeta(inside[1:len(inside)-1]))
		}
	}
	return regexp.MustCompile(`(^|[^\pL\pN-])(?:` + strings.Join(any, "|") + `)($|[^\pL\pN-])`)
}

// named reports whether a text names the person.
func (e *eraser) named(text string) bool { return e.words.MatchString(text) }

// unnamed puts the pseudonym where a text has the person.
func (e *eraser) unnamed(text string) string {
	for e.named(text) { // what follows one name may begin the next
		text = e.words.ReplaceAllString(text, "${1}"+e.who.Pseudonym+"${2}")
	}
	return text
}

// unnamedJSON is unnamed for the values of a JSON text, whose keys may be words
// that are names.
func (e *eraser) unnamedJSON(text string) (string, error) {
	if !e.named(text) {
		return text, nil
	}
	in := json.NewDecoder(strings.NewReader(text))
	in.UseNumber()
	var v any
	if err := in.Decode(&v); err != nil {
		return "", fmt.Errorf("erase: %w", err)
	}
	return encode(e.without(v)), nil
}

func (e *eraser) without(v any) any {
	switch v := v.(type) {
	case string:
		return e.unnamed(v)
	case []any:
		for i := range v {
			v[i] = e.without(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = e.without(v[k])
		}
	}
	return v
}

func (e *eraser) run(statement string, args ...any) error {
	result, err := e.q.ExecContext(e.ctx, statement, args...)
	if err != nil {
		return fmt.Errorf("erase: %w", err)
	}
	n, err := result.RowsAffected()
	e.changed += n
	return err
}

// erase forgets the first of the people, whose chat accounts the others are.
func (e *eraser) erase(people []audit.Person) error {
	tenant, who := e.tenant, e.who
	refs, err := e.requests()
	if err != nil {
		return err
	}
	for _, ref := range refs {
		if err := e.eraseFrom(ref); err != nil {
			return err
		}
	}
	e.changed += int64(len(refs))
	for _, statement := range []string{
		"UPDATE change SET target_id = ?, target = '', old_value = '', new_value = '' WHERE tenant = ? AND target_id = ?",
		"UPDATE change SET by_user = ?, by_name = '' WHERE tenant = ? AND by_user = ?",
		"UPDATE frozen SET author = ? WHERE tenant = ? AND author = ?",
		"UPDATE alert SET author = ? WHERE tenant = ? AND author = ?",
	} {
		if err := e.run(statement, who.Pseudonym, tenant, who.Object); err != nil {
			return err
		}
	}
	for _, statement := range []string{
		"DELETE FROM away WHERE tenant = ? AND object = ?",
		"DELETE FROM language WHERE tenant = ? AND object = ?",
		"DELETE FROM link WHERE tenant = ? AND object = ?",
		"DELETE FROM visit WHERE tenant = ? AND object = ?",
		"DELETE FROM proof WHERE tenant = ? AND object = ?",
		"DELETE FROM passkey WHERE tenant = ? AND object = ?",
		"UPDATE link SET confirmer = '' WHERE tenant = ? AND confirmer = ?",
		"DELETE FROM declared WHERE tenant = ? AND object = ?",
		"UPDATE declared SET author = '', why = '' WHERE tenant = ? AND author = ?",
		"DELETE FROM looked_up WHERE tenant = ? AND caller = ?",
		"DELETE FROM looked_up WHERE tenant = ? AND person = ?",
		"DELETE FROM wave_person WHERE tenant = ? AND object = ?",
		"DELETE FROM nudge WHERE tenant = ? AND object = ?",
	} {
		if err := e.run(statement, tenant, who.Object); err != nil {
			return err
		}
	}
	for _, statement := range []string{
		"DELETE FROM outbox WHERE (topic LIKE 'nudge/%' OR topic LIKE 'managers/%') AND facts LIKE '%' || ? || '%'",
		"UPDATE wave SET whom = '{}' WHERE whom LIKE '%' || ? || '%'",
	} {
		if err := e.run(statement, who.Object); err != nil {
			return err
		}
	}
	if err := e.run("UPDATE wave SET author = '', outcome = '' WHERE tenant = ? AND author = ?", tenant, who.Object); err != nil {
		return err
	}
	for _, erase := range []func() error{e.eraseStaff, e.eraseAlerts, func() error { return e.eraseWords("") }} {
		if err := erase(); err != nil {
			return err
		}
	}
	gone := make([]string, len(people))
	for i, p := range people {
		gone[i] = p.Pseudonym
		if err := e.run("DELETE FROM alias WHERE pseudonym = ?", p.Pseudonym); err != nil {
			return err
		}
	}
	slices.Sort(gone)
	return e.Record(audit.Entry{Tenant: tenant, Kind: "person.erased", Actor: audit.Host, Facts: map[string]any{"people": gone, "requests": len(refs)}})
}

// eraseStaff removes what a person told the bot for themselves, and their cases
// with all that was said in them; in those that they helped with, the pseudonym
// takes their place.
func (e *eraser) eraseStaff() error {
	tenant, who := e.tenant, e.who
	refs, err := list(e.tx, scanText, "SELECT ref FROM staff_case WHERE tenant = ? AND (person = ? OR opener = ?)", tenant, who.Object, who.Object)
	if err != nil {
		return fmt.Errorf("find cases: %w", err)
	}
	for _, ref := range refs {
		c, err := e.staffCase(tenant, ref)
		switch {
		case err != nil:
			return err
		case c.Open:
			return ErrStillOpen
		}
		if err := e.eraseCase(ref); err != nil {
			return err
		}
	}
	if err := e.run("UPDATE staff_case SET body = replace(body, ?, ?) WHERE tenant = ? AND body LIKE '%' || ? || '%'", who.Object, who.Pseudonym, tenant, who.Object); err != nil {
		return err
	}
	return e.run("DELETE FROM staff_note WHERE tenant = ? AND object = ?", tenant, who.Object)
}

// eraseCase removes a case with the messages about it.
func (t *tx) eraseCase(ref string) error {
	for _, statement := range []string{"DELETE FROM outbox WHERE facts LIKE '%' || ? || '%'", "DELETE FROM staff_case WHERE ref = ?"} {
		if err := t.run(statement, ref); err != nil {
			return err
		}
	}
	return nil
}

// requests lists the requests whose records or rows name the person.
func (e *eraser) requests() ([]string, error) {
	refs, err := list(e.tx, scanText, "SELECT DISTINCT request FROM audit WHERE request <> '' AND (actor = ? OR facts LIKE ?)", e.who.Pseudonym, "%"+e.who.Pseudonym+"%")
	if err != nil {
		return nil, fmt.Errorf("find requests: %w", err)
	}
	const text = "subscribers || snapshot || words || policy || outcome || targets"
	for _, word := range []string{e.who.Object, e.who.Name} {
		if word == "" {
			continue
		}
		rs, err := list(e.tx, scanPair, "SELECT ref, "+text+" FROM request WHERE tenant = ? AND (requester = ? OR "+text+" LIKE '%' || ? || '%')", e.tenant, e.who.Object, word)
		if err != nil {
			return nil, fmt.Errorf("find requests: %w", err)
		}
		for _, r := range rs {
			if e.named(r[1]) {
				refs = append(refs, r[0])
			}
		}
	}
	slices.Sort(refs)
	return slices.Compact(refs), nil
}

// eraseFrom takes a person out of a request that has ended.
func (e *eraser) eraseFrom(ref string) error {
	who := e.who
	r, err := e.Request(ref)
	switch {
	case errors.Is(err, approval.ErrNotFound):
		return e.run("DELETE FROM aside WHERE request = ?", ref)
	case err != nil:
		return err
	case !r.State.Final():
		return ErrStillOpen
	case slices.ContainsFunc(r.Targets, func(x approval.Target) bool { return x.ID == who.Object }):
		return e.eraseRequest(r)
	}
	if err := e.run("UPDATE decision SET object = ?, account = '', warrant = '{}' WHERE request = ? AND object = ?", who.Pseudonym, r.ID, who.Object); err != nil {
		return err
	}
	if err := e.run("UPDATE request SET requester = ?, warrant = '{}' WHERE id = ? AND requester = ?", who.Pseudonym, r.ID, who.Object); err != nil {
		return err
	}
	texts := []any{}
	for _, text := range []string{string(r.Snapshot), encode(r.Words), encode(r.Policy), encode(r.Outcome)} {
		if text, err = e.unnamedJSON(text); err != nil {
			return err
		}
		texts = append(texts, text)
	}
	if err := e.run("UPDATE request SET subscribers = '[]', snapshot = ?, words = ?, policy = ?, outcome = ? WHERE id = ?", append(texts, r.ID)...); err != nil {
		return err
	}
	if err := e.unproved(ref); err != nil {
		return err
	}
	return e.eraseWords(ref)
}

// unproved takes a request's digest if it is of words that stand there no more:
// evidence would say that somebody has changed them.
func (e *eraser) unproved(ref string) error {
	r, err := e.Request(ref)
	if err != nil {
		return err
	}
	sum, err := r.Sum()
	if err != nil || sum == r.Digest {
		return err
	}
	return e.run("UPDATE request SET digest = '' WHERE id = ?", r.ID)
}

// eraseAlerts takes a person out of what alerts tell.
func (e *eraser) eraseAlerts() error {
	for _, column := range []string{"headline", "body"} {
		all, err := list(e.tx, scanPair, "SELECT ref, "+column+" FROM alert WHERE tenant = ?", e.tenant)
		if err != nil {
			return fmt.Errorf("read alerts: %w", err)
		}
		for _, a := range all {
			if !e.named(a[1]) {
				continue
			}
			if err := e.run("UPDATE alert SET "+column+" = ? WHERE tenant = ? AND ref = ?", e.unnamed(a[1]), e.tenant, a[0]); err != nil {
				return err
			}
		}
	}
	return nil
}

// eraseRequest removes a request with all that is kept about it. Its records
// stay, and with them that it was asked, decided and carried out.
func (t *tx) eraseRequest(r approval.Request) error {
	for _, statement := range []string{
		"DELETE FROM step WHERE request = ?", "DELETE FROM attempt WHERE request = ?", "DELETE FROM decision WHERE request = ?",
		"DELETE FROM outbox WHERE facts LIKE '%' || ? || '%'", "DELETE FROM request WHERE id = ?",
	} {
		if err := t.run(statement, r.ID); err != nil {
			return err
		}
	}
	return t.run("DELETE FROM aside WHERE request = ?", r.Ref)
}

// eraseWords removes the words beside a request's records that name the person;
// those beside no request's if it has no name.
func (e *eraser) eraseWords(ref string) error {
	words, err := list(e.tx, scanAside, "SELECT mark, secret, words FROM aside WHERE request = ?", ref)
	if err != nil {
		return fmt.Errorf("read words: %w", err)
	}
	for _, w := range words {
		if !e.named(w.Words) {
			continue
		}
		if err := e.run("DELETE FROM aside WHERE mark = ?", w.Mark); err != nil {
			return err
		}
	}
	return nil
}

// shownName is how many letters of a name are shown at most.
const shownName = 60

func (t *tx) run(statement string, args ...any) error {
	if _, err := t.q.ExecContext(t.ctx, statement, args...); err != nil {
		return fmt.Errorf("erase: %w", err)
	}
	return nil
}

func scanText(row scanner) (text string, err error) {
	err = row.Scan(&text)
	return text, err
}
