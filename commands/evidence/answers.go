package evidence

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"twokey/audit"
	"twokey/commands/approval"
)

// Answers are what an auditor asks, made from the rest of the file.
type Answers struct {
	WhatHappens string   `json:"what_happens"` // the headline that approvers were shown; all of their words are in "asked"
	Why         string   `json:"why"`
	AskedBy     Actor    `json:"asked_by"`
	Decided     []Event  `json:"decided"` // every vote, denial, cancellation and resolution
	Steps       []Step   `json:"steps"`   // every call to the tenant, with every try
	Ended       string   `json:"ended"`   // the state that it ended in, or is in
	EndedAt     string   `json:"ended_at,omitempty"`
	EndedWhy    []string `json:"ended_why,omitempty"`
	Undo        string   `json:"undo"`
	History     []Event  `json:"history"` // everything on record, oldest first
}

// Actor is who did something, and by which right.
type Actor struct {
	Object    string `json:"object"`              // object ID, "twokey" or "host"; a pseudonym if the person was erased
	Pseudonym string `json:"pseudonym,omitempty"` // as the chain has it
	Name      string `json:"name,omitempty"`      // as of then
	UPN       string `json:"upn,omitempty"`       // as of then
	Account   string `json:"account,omitempty"`   // the chat account that was used
	Role      string `json:"role,omitempty"`
	Via       string `json:"via,omitempty"`   // what gave the role: "user", or "group <object ID>"
	Proof     string `json:"proof,omitempty"` // how the chat account was proved to be theirs
	Fresh     string `json:"fresh,omitempty"` // what they had proved just before
	FreshAt   string `json:"fresh_at,omitempty"`
}

// Event is one record in plain words.
type Event struct {
	Number int64          `json:"number"` // of the record
	At     string         `json:"at"`
	Kind   string         `json:"kind"`
	By     Actor          `json:"by"`
	Facts  map[string]any `json:"facts,omitempty"`
}

// Step is one try of one call to the tenant.
type Step struct {
	Number          int    `json:"number"`
	Try             int    `json:"try"`
	Sent            string `json:"sent"` // when it was written down that it is about to be sent
	Method          string `json:"method"`
	URL             string `json:"url"`
	BodySHA256      string `json:"body_sha256"`
	ClientRequestID string `json:"client_request_id"`
	Class           string `json:"class"`            // "applied", "refused", …; "open" while no answer is on record
	GraphRequestID  string `json:"graph_request_id"` // the tenant's name for the call; empty if it gave none
	Answered        string `json:"answered,omitempty"`
	Facts           string `json:"facts,omitempty"`
}

// reader knows who and what is meant in the chain.
type reader struct {
	people map[string]Person
	words  map[string]string
	asked  *Asked
}

// answer makes the answers of a file from everything else in it.
func answer(f *File) (Answers, error) {
	rd := reader{people: map[string]Person{}, words: map[string]string{}, asked: f.Asked}
	for _, p := range f.People {
		rd.people[p.Pseudonym] = p
	}
	for _, w := range f.Words {
		rd.words[w.Mark] = w.Words
	}
	var a Answers
	if f.Asked != nil {
		a.WhatHappens, a.Why, a.Undo = f.Asked.Words.Headline, f.Asked.Reason, f.Asked.Words.Undo
	}
	for _, r := range f.Records {
		if r.Request != f.Request || r.Body != "" {
			continue
		}
		e, err := rd.event(r)
		if err != nil {
			return Answers{}, fmt.Errorf("record %d: %w", r.Number, err)
		}
		a.add(e)
	}
	return a, nil
}

// add takes one more event into the answers.
func (a *Answers) add(e Event) {
	a.History = append(a.History, e)
	what, ofRequest := strings.CutPrefix(e.Kind, "request.")
	switch {
	case e.Kind == "request.submitted":
		a.AskedBy = e.By
		a.Ended = string(approval.Pending)
	case e.Kind == "step.intent":
		a.Steps = append(a.Steps, Step{
			Number: whole(e.Facts["step"]), Try: whole(e.Facts["try"]), Sent: e.At, Class: string(approval.Open),
			Method: text(e.Facts["method"]), URL: text(e.Facts["url"]), BodySHA256: text(e.Facts["body"]), ClientRequestID: text(e.Facts["client_request_id"]),
		})
	case e.Kind == "step.answer":
		a.conclude(e)
	case ofRequest && e.By.Pseudonym != "":
		if what != "question" && what != "refused" {
			a.Decided = append(a.Decided, e)
		}
	}
	a.end(what, ofRequest, e)
}

// conclude completes the try that an answer belongs to. A later finding about
// it takes the place of the first answer, which stays in the history.
func (a *Answers) conclude(e Event) {
	for i := range a.Steps {
		s := &a.Steps[i]
		if s.Number != whole(e.Facts["step"]) || s.Try != whole(e.Facts["try"]) {
			continue
		}
		s.Class, s.Answered, s.Facts = text(e.Facts["class"]), e.At, text(e.Facts["facts"])
		if id := text(e.Facts["request_id"]); id != "" {
			s.GraphRequestID = id
		}
	}
}

// states are the records after which a request is in another state; where that
// has another name than the record it stands behind it.
var states = map[string]approval.State{
	"approved": approval.Approved, "recounted": approval.Approved, "confirmed": approval.Approved, "started": approval.Executing, "reconciling": approval.Reconciling,
	"succeeded": approval.Succeeded, "failed": approval.Failed, "partial": approval.Partial, "denied": approval.Denied,
	"expired": approval.Expired, "cancelled": approval.Cancelled, "stale": approval.Stale, "unknown": approval.Unknown,
}

func (a *Answers) end(what string, ofRequest bool, e Event) {
	state, known := states[what]
	if what == "resolved" {
		state, known = approval.State(text(e.Facts["to"])), true
	}
	if !ofRequest || !known {
		return
	}
	a.Ended, a.EndedAt, a.EndedWhy = string(state), e.At, nil
	for _, key := range []string{"why", "remark", "note"} {
		if s := text(e.Facts[key]); s != "" {
			a.EndedWhy = append(a.EndedWhy, s)
		}
	}
	if found, ok := e.Facts["findings"].([]any); ok {
		for _, f := range found {
			a.EndedWhy = append(a.EndedWhy, text(f))
		}
	}
}

func text(v any) string { s, _ := v.(string); return s }

func whole(v any) int {
	n, ok := v.(json.Number)
	if !ok {
		return 0
	}
	i, err := n.Int64()
	if err != nil {
		return 0
	}
	return int(i)
}

// event says in plain words what a record means.
func (rd reader) event(r audit.Record) (Event, error) {
	var facts map[string]any
	in := json.NewDecoder(strings.NewReader(r.Facts))
	in.UseNumber()
	if err := in.Decode(&facts); err != nil {
		return Event{}, errors.New("its facts are not understood")
	}
	plain, _ := rd.plain(facts).(map[string]any)
	e := Event{Number: r.Number, At: r.At, Kind: r.Kind, By: rd.actor(r.Actor), Facts: plain}
	for key, into := range map[string]*string{"account": &e.By.Account, "role": &e.By.Role, "via": &e.By.Via, "proof": &e.By.Proof, "fresh": &e.By.Fresh, "fresh_at": &e.By.FreshAt} {
		*into = text(plain[key])
		delete(plain, key)
	}
	var w approval.Warrant
	if said := text(plain["warrant"]); said != "" && json.Unmarshal([]byte(said), &w) == nil {
		e.By.Name, e.By.UPN = w.Name, w.UPN
		delete(plain, "warrant")
	}
	return e, nil
}

// actor says who is meant by an actor of the chain.
func (rd reader) actor(name string) Actor {
	if name == audit.Bot || name == audit.Host {
		return Actor{Object: name}
	}
	p, known := rd.people[name]
	if !known {
		return Actor{Object: name, Pseudonym: name}
	}
	a := Actor{Object: p.Object, Pseudonym: name}
	if rd.asked != nil && rd.asked.Requester.Object == p.Object {
		a.Name, a.UPN = rd.asked.Warrant.Name, rd.asked.Warrant.UPN
	}
	return a
}

var (
	pseudonymForm = regexp.MustCompile(`p-[0-9a-f]{16}`)
	markForm      = regexp.MustCompile(`^t-[0-9a-f]{32}$`)
)

// plain puts people and words into facts.
func (rd reader) plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = rd.plain(v[k])
		}
	case []any:
		for i := range v {
			v[i] = rd.plain(v[i])
		}
	case string:
		if markForm.MatchString(v) {
			if words, ok := rd.words[v]; ok {
				return words
			}
			return v
		}
		return pseudonymForm.ReplaceAllStringFunc(v, func(p string) string {
			who, known := rd.people[p]
			if !known {
				return p
			}
			if _, account, ok := strings.Cut(who.Object, " "); ok {
				return account
			}
			return who.Object
		})
	}
	return v
}

// proved reports whether a person is who the pseudonym means.
func (p Person) proved() bool {
	secret, err := hex.DecodeString(p.Secret)
	return err == nil && audit.Pseudonym(secret, p.Tenant, p.Object) == p.Pseudonym
}

// provedWords reports whether the words are what the mark stands for.
func provedWords(w audit.Aside) bool {
	secret, err := hex.DecodeString(w.Secret)
	return err == nil && audit.Mark(secret, w.Words) == w.Mark
}
