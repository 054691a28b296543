package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/commands/evidence"
	"twokey/commands/identity"
)

func auditShow(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "audit show", Summary: "Everything that is on record about one request.", Example: "audit show R-ABC234",
			Options: []chat.Option{requestOption},
		},
		Access: only(identity.Viewer),
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			ref := canonical(c.Args["request"])
			f, err := evidence.Collect(ctx, env.Records, ref, env.Now(), env.Build)
			if errors.Is(err, evidence.ErrNoRecords) {
				return chat.Message{Headline: "There are no audit records of " + shown(ref) + ".", Footer: "Only you can see this."}, nil
			}
			if err != nil {
				return chat.Message{}, err
			}
			return shownEvidence(env, f), nil
		},
	}
}

// shownEvidence is what a file of evidence says, for the chat.
func shownEvidence(env Env, f *evidence.File) chat.Message {
	a := f.Answers
	m := chat.Message{
		Headline: f.Request + ": " + chat.Safe(a.WhatHappens, 0),
		Text:     proved(f),
		Request:  f.Request,
		Footer:   "Only you can see this. For an auditor, “twokey audit export --evidence " + f.Request + "” writes a file that proves all of it.",
	}
	if f.Asked == nil {
		m.Headline = f.Request + ": what was asked has been erased, because somebody whom it named was"
	}
	m.Fields = append(m.Fields,
		chat.Field{Label: "Asked by", Value: whoWords(a.AskedBy), Quoted: true},
		chat.Field{Label: "Why", Value: chat.Safe(a.Why, 0), Quoted: true},
	)
	for _, e := range a.Decided {
		m.Fields = append(m.Fields, chat.Field{Label: deedWords(e.Kind) + " by", Value: whoWords(e.By) + because(e), Quoted: true})
	}
	m.Fields = append(m.Fields, chat.Field{Label: "Ended", Value: endWords(env, a), Quoted: true}, chat.Field{Label: "To undo it", Value: a.Undo})
	m.Table = &chat.Table{Header: []string{"No.", "When", "What", "Who"}}
	for _, e := range a.History {
		m.Table.Rows = append(m.Table.Rows, []string{strconv.FormatInt(e.Number, 10), chat.Safe(recorded(env, e.At), 40), chat.Safe(e.Kind, 40), chat.Safe(nameOf(e.By), 60)})
	}
	m.Details = evidenceDetails(f)
	return m
}

// proved says whether the chain proves what is shown.
func proved(f *evidence.File) string {
	if err := f.Prove(); err != nil {
		return "This is not proved by the audit chain, so do not trust it and call an owner of this bot: " + chat.Safe(err.Error(), 0) + "."
	}
	return fmt.Sprintf("The audit chain proves this, up to its record %d.", f.Head.Number)
}

func because(e evidence.Event) string {
	why, _ := e.Facts["why"].(string)
	if note, ok := e.Facts["note"].(string); ok {
		why = note
	}
	if why == "" {
		return ""
	}
	return ": “" + chat.Safe(why, 0) + "”"
}

// deedWords is what somebody did to a request.
func deedWords(kind string) string {
	what, _ := strings.CutPrefix(kind, "request.")
	switch what {
	case "vote", "approved":
		return "Approved"
	case "alert":
		return "Alert"
	default:
		return strings.ToUpper(what[:1]) + what[1:]
	}
}

func nameOf(a evidence.Actor) string {
	switch {
	case a.Object == "twokey":
		return "the bot"
	case a.Object == "host":
		return "the bot's host"
	case a.Name != "":
		return a.Name
	default:
		return a.Object
	}
}

// whoWords says who somebody was, and by which right they acted.
func whoWords(a evidence.Actor) string {
	parts := []string{a.Object}
	if a.Role != "" {
		parts = append(parts, a.Role+" by "+a.Via)
	}
	if a.Account != "" {
		parts = append(parts, "account "+linkWords(a.Account))
	}
	if a.Proof != "" {
		parts = append(parts, a.Proof)
	}
	if a.Fresh != "" {
		parts = append(parts, a.Fresh)
	}
	return chat.Safe(nameOf(a)+" ("+strings.Join(parts, ", ")+")", 0)
}

// linkWords names a chat account as the configuration does.
func linkWords(stored string) string {
	var a chat.Account
	if json.Unmarshal([]byte(stored), &a) != nil {
		return stored
	}
	return identity.LinkKey(a)
}

func endWords(env Env, a evidence.Answers) string {
	s := a.Ended
	if a.EndedAt != "" {
		s += " " + recorded(env, a.EndedAt)
	}
	if len(a.EndedWhy) > 0 {
		s += ": " + strings.Join(a.EndedWhy, " ")
	}
	return chat.Safe(s, 0)
}

// recorded shows a time of the chain.
func recorded(env Env, at string) string {
	t, err := time.Parse(time.RFC3339Nano, at)
	if err != nil {
		return at
	}
	return moment(env, t)
}

// evidenceDetails are the IDs by which others can be asked.
func evidenceDetails(f *evidence.File) []chat.Field {
	var fs []chat.Field
	if f.Asked != nil {
		fs = append(fs,
			chat.Field{Label: "Tenant", Value: identified(f.Asked.TenantName, f.Asked.Tenant)},
			chat.Field{Label: "Rule", Value: rule(f.Asked.Policy)},
			chat.Field{Label: "Configuration", Value: f.Asked.ConfigHash},
			chat.Field{Label: "Digest", Value: f.Asked.Digest},
		)
	}
	for i, s := range f.Answers.Steps {
		value := fmt.Sprintf("%s %s: %s. Body %s, client request %s", s.Method, s.URL, classWords(approval.Class(s.Class)), s.BodySHA256, s.ClientRequestID)
		if s.GraphRequestID != "" {
			value += ", Graph request " + s.GraphRequestID
		}
		line := "directory audit line " + f.Lookup[i].ID
		if f.Lookup[i].ID == "" {
			line = "directory audit line " + f.Lookup[i].Note
		}
		fs = append(fs, chat.Field{Label: fmt.Sprintf("Call %d, try %d", s.Number, s.Try), Value: chat.Safe(value+", "+line, 0) + ".", Quoted: true})
	}
	return slices.DeleteFunc(fs, func(x chat.Field) bool { return x.Value == "" })
}
