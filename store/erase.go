package store

import (
	"context"
	"errors"
	"fmt"
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
// in those that they asked for or decided, the pseudonym takes their place. The
// chain stays as it is and valid, and nothing says any more who it was; a
// record says that somebody was forgotten, by pseudonym. Erase reports false if
// nothing was known of the person, and fails with [ErrStillOpen] while one of
// their requests is open.
func (s *Store) Erase(ctx context.Context, tenant, object string) (known bool, err error) {
	err = s.transact(ctx, false, func(t *tx) error {
		people, err := list(t, scanAlias, "SELECT "+aliasColumns+" FROM alias WHERE tenant = ? AND (object = ? OR object LIKE ?) ORDER BY object", tenant, object, object+" %")
		if err != nil || len(people) == 0 || people[0].Object != object {
			return err
		}
		known = true
		return t.erase(tenant, people)
	})
	return known && err == nil, err
}

// erase forgets the first of the people, whose chat accounts the others are.
func (t *tx) erase(tenant string, people []audit.Person) error {
	who := people[0]
	refs, err := list(t, scanText, "SELECT DISTINCT request FROM audit WHERE request <> '' AND (actor = ? OR facts LIKE ?)", who.Pseudonym, "%"+who.Pseudonym+"%")
	if err != nil {
		return fmt.Errorf("find requests: %w", err)
	}
	for _, ref := range refs {
		if err := t.eraseFrom(ref, who); err != nil {
			return err
		}
	}
	for _, statement := range []string{
		"UPDATE change SET target_id = ?, target = '', old_value = '', new_value = '' WHERE tenant = ? AND target_id = ?",
		"UPDATE change SET by_user = ?, by_name = '' WHERE tenant = ? AND by_user = ?",
		"UPDATE frozen SET author = ? WHERE tenant = ? AND author = ?",
		"UPDATE alert SET author = ? WHERE tenant = ? AND author = ?",
	} {
		if err := t.run(statement, who.Pseudonym, tenant, who.Object); err != nil {
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
		if err := t.run(statement, tenant, who.Object); err != nil {
			return err
		}
	}
	for _, statement := range []string{
		"DELETE FROM outbox WHERE (topic LIKE 'nudge/%' OR topic LIKE 'managers/%') AND facts LIKE '%' || ? || '%'",
		"UPDATE wave SET whom = '{}' WHERE whom LIKE '%' || ? || '%'",
	} {
		if err := t.run(statement, who.Object); err != nil {
			return err
		}
	}
	if err := t.run("UPDATE wave SET author = '', outcome = '' WHERE tenant = ? AND author = ?", tenant, who.Object); err != nil {
		return err
	}
	if err := t.eraseStaff(tenant, who); err != nil {
		return err
	}
	gone := make([]string, len(people))
	for i, p := range people {
		gone[i] = p.Pseudonym
		if err := t.run("DELETE FROM alias WHERE pseudonym = ?", p.Pseudonym); err != nil {
			return err
		}
	}
	slices.Sort(gone)
	return t.Record(audit.Entry{Tenant: tenant, Kind: "person.erased", Actor: audit.Host, Facts: map[string]any{"people": gone, "requests": len(refs)}})
}

// eraseStaff removes what a person told the bot for themselves, and their cases
// with all that was said in them; in those that they helped with, the pseudonym
// takes their place.
func (t *tx) eraseStaff(tenant string, who audit.Person) error {
	refs, err := list(t, scanText, "SELECT ref FROM staff_case WHERE tenant = ? AND (person = ? OR opener = ?)", tenant, who.Object, who.Object)
	if err != nil {
		return fmt.Errorf("find cases: %w", err)
	}
	for _, ref := range refs {
		c, err := t.staffCase(tenant, ref)
		switch {
		case err != nil:
			return err
		case c.Open:
			return ErrStillOpen
		}
		if err := t.eraseCase(ref); err != nil {
			return err
		}
	}
	if err := t.run("UPDATE staff_case SET body = replace(body, ?, ?) WHERE tenant = ?", who.Object, who.Pseudonym, tenant); err != nil {
		return err
	}
	return t.run("DELETE FROM staff_note WHERE tenant = ? AND object = ?", tenant, who.Object)
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

// eraseFrom takes a person out of a request that has ended.
func (t *tx) eraseFrom(ref string, who audit.Person) error {
	r, err := t.Request(ref)
	switch {
	case errors.Is(err, approval.ErrNotFound):
		return t.run("DELETE FROM aside WHERE request = ?", ref)
	case err != nil:
		return err
	case !r.State.Final():
		return ErrStillOpen
	case slices.ContainsFunc(r.Targets, func(x approval.Target) bool { return x.ID == who.Object }):
		return t.eraseRequest(r)
	}
	if err := t.run("UPDATE decision SET object = ?, account = '', warrant = '{}' WHERE request = ? AND object = ?", who.Pseudonym, r.ID, who.Object); err != nil {
		return err
	}
	if err := t.run("UPDATE request SET requester = ?, warrant = '{}' WHERE id = ? AND requester = ?", who.Pseudonym, r.ID, who.Object); err != nil {
		return err
	}
	if err := t.run("UPDATE request SET subscribers = '[]', words = ?, policy = ?, outcome = ? WHERE id = ?",
		encode(wordsWithout(r.Words, who)), encode(policyWithout(r.Policy, who)), encode(without(r.Outcome, who)), r.ID); err != nil {
		return err
	}
	return t.eraseWords(ref, who)
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

// eraseWords removes the words beside a request's records that name the person.
func (t *tx) eraseWords(ref string, who audit.Person) error {
	words, err := list(t, scanAside, "SELECT mark, secret, words FROM aside WHERE request = ?", ref)
	if err != nil {
		return fmt.Errorf("read words: %w", err)
	}
	for _, w := range words {
		if !strings.Contains(w.Words, who.Object) && (who.Name == "" || !strings.Contains(w.Words, who.Name)) {
			continue
		}
		if err := t.run("DELETE FROM aside WHERE mark = ?", w.Mark); err != nil {
			return err
		}
	}
	return nil
}

// without returns an outcome in which the pseudonym stands for the person.
func without(o approval.Outcome, who audit.Person) approval.Outcome {
	if o.By.Object == who.Object {
		o.By.Object = who.Pseudonym
	}
	o.Why, o.Findings = unnamed(o.Why, who), allUnnamed(o.Findings, who)
	return o
}

// wordsWithout is the same of what approvers were shown, which may quote who made
// sure of whom it was about.
func wordsWithout(w approval.Words, who audit.Person) approval.Words {
	w.Findings, w.History = allUnnamed(w.Findings, who), allUnnamed(w.History, who)
	return w
}

// policyWithout is the same of who might decide.
func policyWithout(p approval.Policy, who audit.Person) approval.Policy {
	for _, list := range []*[]string{&p.Only, &p.Voters, &p.Barred} {
		*list = slices.Clone(*list)
		for i, object := range *list {
			if object == who.Object {
				(*list)[i] = who.Pseudonym
			}
		}
	}
	p.Because = allUnnamed(p.Because, who)
	return p
}

func allUnnamed(sentences []string, who audit.Person) []string {
	sentences = slices.Clone(sentences)
	for i, s := range sentences {
		sentences[i] = unnamed(s, who)
	}
	return sentences
}

// shownName is how many letters of a name are shown at most.
const shownName = 60

// unnamed puts the pseudonym where a sentence has the name, as it is or as it is
// shown.
func unnamed(s string, who audit.Person) string {
	for _, name := range []string{who.Name, chat.Safe(who.Name, shownName)} {
		if name != "" {
			s = strings.ReplaceAll(s, name, who.Pseudonym)
		}
	}
	return s
}

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
