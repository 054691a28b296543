package approval

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"twokey/audit"
)

// prose are the facts of a record that are sentences, typed by somebody or such
// as may hold a name, or that are somebody's number; what is asked for may hold
// any of these. The chain has a mark in their place.
var prose = []string{"args", "why", "remark", "facts", "findings", "because", "note", "what", "seen", "warrant", "host", "number"}

// record appends to the audit chain what happened to r. The chain names nobody
// and quotes nobody: people, their chat accounts and whatever r aims at stand
// in it by pseudonyms, and sentences by marks. A missing actor is the bot.
func record(tx Tx, r Request, now time.Time, kind string, actor Principal, facts map[string]any) error {
	w := writer{tx: tx, request: r, people: map[string]string{}}
	facts = maps.Clone(facts)
	name := ""
	if right, ok := facts["warrant"].(Warrant); ok {
		text, err := json.Marshal(right)
		if err != nil {
			return fmt.Errorf("encode warrant: %w", err)
		}
		name, facts["warrant"] = right.Name, string(text)
	}
	if err := w.involved(actor.Object, name); err != nil {
		return err
	}
	if account, ok := facts["account"].(string); ok {
		if err := w.account(actor.Object, account); err != nil {
			return err
		}
	}
	plain, err := w.neutral(facts)
	if err != nil {
		return err
	}
	who := audit.Bot
	if actor.Object != "" {
		who = w.people[actor.Object]
	}
	return tx.Record(audit.Entry{At: now, Tenant: r.Tenant, Kind: kind, Actor: who, Request: r.Ref, Facts: plain})
}

// writer turns one record's facts into what may stand in the chain.
type writer struct {
	tx      Tx
	request Request
	people  map[string]string // pseudonyms by what they stand for
}

// involved are the objects that stand in the records of what somebody does to r
// by their chat account.
func involved(r Request, actor, account string) []string {
	all := append([]string{actor, r.Requester.Object}, ids(r.Targets)...)
	if account != "" {
		all = append(all, actor+" "+account)
	}
	return append(all, r.Policy.names()...)
}

// names are the objects that a policy names: who alone may decide, whose approval
// alone counts, and who may not.
func (p Policy) names() []string { return slices.Concat(p.Only, p.Voters, p.Barred) }

// involved takes in whom a record may name: who acts, who asked, whom and what
// the request aims at, and whom its policy names.
func (w *writer) involved(actor, name string) error {
	r := w.request
	for _, p := range append([]Target{{actor, name}, {r.Requester.Object, r.Warrant.Name}}, r.Targets...) {
		if err := w.person(p.ID, p.Name); err != nil {
			return err
		}
	}
	for _, object := range r.Policy.names() {
		if err := w.person(object, ""); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) person(object, name string) error {
	if object == "" {
		return nil
	}
	pseudonym, err := w.tx.Alias(w.request.Tenant, object, name)
	w.people[object] = pseudonym
	return err
}

// account is known by its owner too, so that it is forgotten with them.
func (w *writer) account(owner, account string) error {
	if account == "" {
		return nil
	}
	pseudonym, err := w.tx.Alias(w.request.Tenant, owner+" "+account, account)
	w.people[account] = pseudonym
	return err
}

// neutral returns facts in the form that JSON gives them, without names.
func (w *writer) neutral(facts map[string]any) (any, error) {
	text, err := json.Marshal(facts)
	if err != nil {
		return nil, fmt.Errorf("encode audit facts: %w", err)
	}
	in := json.NewDecoder(bytes.NewReader(text))
	in.UseNumber()
	var plain any
	if err := in.Decode(&plain); err != nil {
		return nil, fmt.Errorf("decode audit facts: %w", err)
	}
	return w.walk("", plain)
}

// walk goes through a decoded value that was found under the key.
func (w *writer) walk(key string, v any) (_ any, err error) {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			if v[k], err = w.walk(k, v[k]); err != nil {
				return nil, err
			}
		}
	case []any:
		for i := range v {
			if v[i], err = w.walk(key, v[i]); err != nil {
				return nil, err
			}
		}
	case string:
		if slices.Contains(prose, key) {
			return w.tx.Aside(w.request.Tenant, w.request.Ref, v)
		}
		return w.mask(v), nil
	}
	return v, nil
}

// mask replaces whom a text names by ID, be it alone, in an address or as
// "group <ID>". An ID is found only as a whole.
func (w *writer) mask(s string) string {
	if p, ok := w.people[s]; ok {
		return p
	}
	var b strings.Builder
	for s != "" {
		end := strings.IndexFunc(s, func(c rune) bool { return !partOfID(c) })
		if end < 0 {
			end = len(s)
		}
		if p, ok := w.people[s[:end]]; ok {
			b.WriteString(p)
		} else {
			b.WriteString(s[:end])
		}
		s = s[end:]
		other := strings.IndexFunc(s, partOfID)
		if other < 0 {
			other = len(s)
		}
		b.WriteString(s[:other])
		s = s[other:]
	}
	return b.String()
}

func partOfID(c rune) bool {
	return unicode.IsLetter(c) || unicode.IsDigit(c) || strings.ContainsRune("-_.@%", c)
}
