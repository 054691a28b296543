package store

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/audit"
	"twokey/commands/approval"
	"twokey/graph/rollout"
)

// U22: whoever is erased stands in no table any more, by ID, name or account,
// and the chain is whole.
func TestU22WhoIsErasedIsNowhere(t *testing.T) {
	t.Parallel()
	const tenant, object, name, account = "the-tenant", "7d0c6d7a-leaver", "Lea Leaver", "slack/T1/ULEAVER"
	onEach(t, func(t *testing.T, dsn string) {
		s := opened(t, dsn)
		err := s.Update(t.Context(), func(tx approval.Tx) error {
			lea := approval.Principal{Tenant: tenant, Object: object}
			pseudonym, err := tx.Alias(tenant, object, name)
			if err != nil {
				return err
			}
			if _, err := tx.Alias(tenant, object+" "+account, account); err != nil {
				return err
			}
			for i, r := range []approval.Request{
				{Requester: lea, Warrant: approval.Warrant{Name: name}, Subscribers: []approval.Subscriber{{Address: account, Who: object}}},
				{Requester: approval.Principal{Tenant: tenant, Object: "bea"}, Outcome: approval.Outcome{By: lea, Findings: []string{name + " may no longer decide this."}}},
				{Requester: approval.Principal{Tenant: tenant, Object: "bea"}, Targets: []approval.Target{{ID: object, Name: name}}, Words: approval.Words{Headline: "A pass for " + name}},
				{
					Requester: approval.Principal{Tenant: tenant, Object: "bea"}, Subscribers: []approval.Subscriber{{Address: account, Who: object}},
					Words: approval.Words{History: []string{"R-AAAAA9 was denied by “" + name + "”."}}, Policy: approval.Policy{Barred: []string{object}},
				},
			} {
				r.ID, r.Ref, r.Key = fmt.Sprintf("id-%d", i), fmt.Sprintf("R-AAAAA%d", i), fmt.Sprintf("key-%d", i)
				r.Tenant, r.State, r.Version, r.Args, r.Snapshot = tenant, approval.Succeeded, 1, []byte("{}"), []byte(`{"holders":["other","`+object+`"],"many":12345678901234567890}`)
				if r.Digest, err = r.Sum(); err != nil {
					return err
				}
				if err := tx.Insert(r); err != nil {
					return err
				}
				if i == 3 { // of which no record names them
					continue
				}
				d := approval.Decision{Request: r.ID, By: lea, Account: account, Warrant: approval.Warrant{Name: name}, At: time.Now()}
				if err := tx.AddDecision(d); err != nil {
					return err
				}
				mark, err := tx.Aside(tenant, r.Ref, name+" said so")
				if err != nil {
					return err
				}
				if err := tx.Record(audit.Entry{Tenant: tenant, Kind: "request.test", Actor: pseudonym, Request: r.Ref, Facts: map[string]any{"why": mark}}); err != nil {
					return err
				}
			}
			return tx.SetFreeze(tenant, approval.Freeze{Since: time.Now(), By: object, Why: "for now"})
		})
		if err != nil {
			t.Fatal(err)
		}
		by(t, s, "INSERT INTO away (tenant, object, since, until) VALUES (?, ?, 1, 2)", tenant, object)
		by(t, s, "INSERT INTO language (tenant, account, object, language) VALUES (?, ?, ?, 'de')", tenant, account, object)
		by(t, s, "INSERT INTO declared (tenant, object, sort, purpose, name, why, author, request, since) VALUES (?, ?, 'scope', 'room', ?, '', '', '', 1)", tenant, object, name)
		by(t, s, "INSERT INTO declared (tenant, object, sort, purpose, name, why, author, request, since) VALUES (?, 'other', 'exception', '', 'Other', ?, ?, '', 1)", tenant, name, object)
		by(t, s, "INSERT INTO looked_up (tenant, caller, person, at) VALUES (?, ?, 'other', 1)", tenant, object)
		by(t, s, "INSERT INTO looked_up (tenant, caller, person, at) VALUES (?, 'other', ?, 1)", tenant, object)
		by(t, s, "INSERT INTO staff_note (tenant, object, needs_key, seen) VALUES (?, ?, 1, '[]')", tenant, object)
		by(t, s, "INSERT INTO link (tenant, account, ref, object, proof, since, confirmer) VALUES (?, ?, 'L-1', ?, 'passkey', 1, '')", tenant, account, object)
		by(t, s, "INSERT INTO link (tenant, account, ref, object, proof, since, confirmer) VALUES (?, '{}', 'L-2', 'other', 'passkey', 1, ?)", tenant, object)
		by(t, s, "INSERT INTO visit (token, tenant, account, purpose, object, state, asked, until, tries, body) VALUES ('t', ?, ?, 'step-up', ?, 'asked', 1, 2, 0, '{}')", tenant, account, object)
		by(t, s, "INSERT INTO proof (tenant, account, object, proof, at) VALUES (?, ?, ?, 'passkey', 1)", tenant, account, object)
		by(t, s, "INSERT INTO passkey (tenant, id, ref, object, account, body, added, trusted) VALUES (?, 'k', 'K-1', ?, ?, '', 1, 0)", tenant, object, account)
		by(t, s, `INSERT INTO wave (ref, tenant, name, whom, state, messages, outcome, author, request, since) VALUES ('W-AAAAAA', ?, '', ?, 'over', 1, ?, ?, '', 1)`,
			tenant, `{"kind":"user","id":"`+object+`","name":"`+name+`"}`, name, object)
		by(t, s, "INSERT INTO wave_person (tenant, wave, object, place) VALUES (?, 'W-AAAAAA', ?, 0)", tenant, object)
		by(t, s, "INSERT INTO nudge (tenant, object, number, wave, subject, step, planned) VALUES (?, ?, 1, 'W-AAAAAA', 'register', 1, 1)", tenant, object)
		by(t, s, "INSERT INTO outbox (key, kind, topic, address, facts, wanted, shown, message, tries, due, failure) VALUES ('k', 'nudge', ?, ?, ?, 1, 1, 'm', 0, 0, '')",
			"nudge/"+tenant+"/"+object+"/register", account, `{"object":"`+object+`"}`)
		by(t, s, "INSERT INTO outbox (key, kind, topic, address, facts, wanted, shown, message, tries, due, failure) VALUES ('m', 'manager', ?, '{}', ?, 1, 1, 'm', 0, 0, '')",
			"managers/"+tenant+"/2026-W49", `{"missing":["`+object+`"]}`)
		for i, c := range []struct{ person, body string }{{object, name}, {"sam", object}} {
			by(t, s, "INSERT INTO staff_case (ref, tenant, kind, person, opener, open, version, opened, body) VALUES (?, ?, 'lost', ?, ?, 0, 1, 1, ?)",
				fmt.Sprint("C-", i), tenant, c.person, c.person, `{"words":"`+c.body+`"}`)
		}
		by(t, s, "INSERT INTO alert (tenant, ref, key, headline, body, raised, told, due, author) VALUES (?, 'W-AAAAAA', 'k', 'A role', ?, 1, 1, 1, '')", tenant, "“"+name+"” is an administrator now.")
		change := rollout.LoggedChange{Origin: rollout.Outside}
		change.AuditID, change.TargetID, change.Target, change.ByUserID, change.By = "line-1", object, name, object, name
		if err := s.KeepChanges(t.Context(), tenant, []rollout.LoggedChange{change}, time.Now(), time.Now()); err != nil {
			t.Fatal(err)
		}
		kept := headOf(t, s)
		if where := s.holding(t, object, name, account); len(where) < 16 {
			t.Fatalf("before, they stand in %v alone", where)
		}
		if known, err := s.Erase(t.Context(), tenant, object); !known || err != nil {
			t.Fatalf("Erase = %t, %v", known, err)
		}
		if where := s.holding(t, object, name, account); len(where) > 0 {
			t.Errorf("they still stand in %v", where)
		}
		if _, err := audit.VerifyHeads(s.Audit(t.Context()), []audit.Head{kept}); err != nil {
			t.Errorf("VerifyHeads = %v", err)
		}
		err = s.View(t.Context(), func(tx approval.Tx) error {
			r, err := tx.Request("R-AAAAA3")
			if r.Digest != "" || len(r.Words.History) != 1 || !strings.Contains(string(r.Snapshot), `"many":12345678901234567890`) {
				t.Errorf("of a request that named them is left: %+v", r)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
		if known, err := s.Erase(t.Context(), tenant, object); known || err != nil {
			t.Errorf("Erase once more = %t, %v", known, err)
		}
	})
}

// U22: most of the staff were never on record: they registered, were reminded,
// chose a language.
func TestU22WhoNeverDidAnythingIsErased(t *testing.T) {
	t.Parallel()
	const tenant, object, name = "the-tenant", "7d0c6d7a-leaver", "Ann Leaver"
	onEach(t, func(t *testing.T, dsn string) {
		s := opened(t, dsn)
		c, other := rollout.LoggedChange{Origin: rollout.Outside}, rollout.LoggedChange{Origin: rollout.Outside}
		c.AuditID, c.TargetID, c.Target, c.ByUserID, c.By, c.Own, c.At = "l", object, name, object, name, true, time.Now()
		other.AuditID, other.TargetID, other.Target, other.At = "m", "other", "Joann Leavers", time.Now()
		if err := s.KeepChanges(t.Context(), tenant, []rollout.LoggedChange{c, other}, time.Now(), time.Now()); err != nil {
			t.Fatal(err)
		}
		by(t, s, "INSERT INTO language (tenant, account, object, language) VALUES (?, 'slack/T1/U1', ?, 'de')", tenant, object)
		if known, err := s.Erase(t.Context(), tenant, "somebody-else"); known || err != nil {
			t.Errorf("Erase of nobody = %t, %v", known, err)
		}
		if last, err := audit.Verify(s.Audit(t.Context()), ""); last != nil || err != nil {
			t.Errorf("that was recorded: %+v, %v", last, err)
		}
		if known, err := s.Erase(t.Context(), tenant, object); !known || err != nil {
			t.Errorf("Erase = %t, %v", known, err)
		}
		if where := s.holding(t, object, name, "slack/T1/U1"); len(where) > 0 {
			t.Errorf("they still stand in %v", where)
		}
		if where := s.holding(t, "Joann Leavers", "-", "-"); !slices.Contains(where, "change") {
			t.Errorf("so was somebody else: left is %v", where)
		}
	})
}

// U22: what was erased is not left in the file, nor in the log beside it: whoever
// had the secret of a pseudonym could tell whose it was.
func TestU22NothingIsLeftInTheFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "twokey.db")
	s := opened(t, path)
	secret := ""
	for i := range 200 {
		err := s.Update(t.Context(), func(tx approval.Tx) error {
			p, err := tx.Alias("t", fmt.Sprintf("object-%03d-zz", i), fmt.Sprintf("Lea Leaver %03d", i))
			if err != nil {
				return err
			}
			return tx.Record(audit.Entry{Tenant: "t", Kind: "person.test", Actor: p})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.db.QueryRow("SELECT secret FROM alias WHERE object = 'object-100-zz'").Scan(&secret); err != nil {
		t.Fatal(err)
	}
	if known, err := s.Erase(t.Context(), "t", "object-100-zz"); !known || err != nil {
		t.Fatalf("Erase = %t, %v", known, err)
	}
	for _, file := range []string{path, path + "-wal"} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"Lea Leaver 100", "object-100-zz", secret} {
			if bytes.Contains(data, []byte(word)) {
				t.Errorf("%q is still in %s", word, filepath.Base(file))
			}
		}
	}
}

// holding names the tables in which any of the words stands.
func (s *Store) holding(t *testing.T, words ...string) (tables []string) {
	t.Helper()
	for _, table := range []string{"alias", "aside", "audit", "request", "decision", "attempt", "step", "outbox", "frozen", "away", "language", "declared", "looked_up", "change", "slot", "job", "staff_note", "staff_case", "link", "visit", "proof", "passkey", "wave", "wave_person", "nudge", "alert"} {
		rows, err := s.db.QueryContext(t.Context(), "SELECT * FROM "+table)
		if err != nil {
			t.Fatal(err)
		}
		if text := dump(t, rows); strings.Contains(text, words[0]) || strings.Contains(text, words[1]) || strings.Contains(text, words[2]) {
			tables = append(tables, table)
		}
	}
	return tables
}

// dump returns every value of the rows as text.
func dump(t *testing.T, rows *sql.Rows) string {
	t.Helper()
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for rows.Next() {
		values, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		for _, v := range values {
			fmt.Fprintln(&all, v.String)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all.String()
}
