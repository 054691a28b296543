package commands

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/graph"
)

const revokeVersion = 1

// revoke makes somebody sign in again everywhere.
func revoke(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "revoke", Summary: "End somebody's sessions: they sign in again everywhere.", Example: "revoke sam@example.org a phone was left on a train",
			Options: []chat.Option{severalOption, reasonOption},
		},
		Access: whoAsks(RevokeKind),
		Plan:   func(ctx context.Context, c Call) (approval.Plan, error) { return planned(ctx, env, RevokeKind, c) },
	}
}

func planRevoke(ctx context.Context, env Env, c Call) (approval.Plan, error) {
	s, err := aimAt(ctx, env, kindNamed(RevokeKind), c)
	if err != nil {
		return approval.Plan{}, err
	}
	state := revokeSnapshot{Subject: s}
	if state.From, err = env.Tenant.SessionsFrom(ctx, s.ID); err != nil {
		return approval.Plan{}, fmt.Errorf("read sessions: %w", err)
	}
	p := aboutOne(env, kindNamed(RevokeKind), revokeVersion, s, stakesOf(kindNamed(RevokeKind), s))
	p.Args, p.Snapshot = json.RawMessage(`{}`), json.RawMessage(encode(state))
	p.Words = approval.Words{
		Headline: "End all sessions of " + s.shown(),
		Now:      "Sessions since " + moment(env, state.From) + " count.",
		Then:     "All of them are over, and every device has to sign in again.",
		Radius:   "This one account, on every device and in every program. What holds a token works on for up to an hour.",
		Risk:     "Nobody is locked out: they sign in again. Whoever knows the password and holds a second factor can do so as well.",
		Undo:     "It cannot be undone, and need not be.",
		Call:     env.contact(),
	}
	return p, nil
}

// revokeSnapshot is what matters about an account whose sessions are to end.
type revokeSnapshot struct {
	Subject subject   `json:"subject"`
	From    time.Time `json:"from"` // sessions from before are over
}

// revokeAction implements approval.Action.
type revokeAction struct{ env Env }

var (
	_ approval.Action   = revokeAction{}
	_ approval.Verifier = revokeAction{}
)

func (a revokeAction) read(ctx context.Context, r approval.Request) (s revokeSnapshot, err error) {
	if s.Subject, err = readAimed(ctx, a.env, r); err != nil || s.Subject.Gone {
		return s, err
	}
	s.From, err = a.env.Tenant.SessionsFrom(ctx, s.Subject.ID)
	return s, err
}

// Snapshot implements approval.Action.
func (a revokeAction) Snapshot(ctx context.Context, r approval.Request) (json.RawMessage, error) {
	return snapshot(a.read(ctx, r))
}

// Compare implements approval.Action.
func (a revokeAction) Compare(was, now json.RawMessage, r approval.Request, _ []approval.Step) []string {
	before, after, err := pair[revokeSnapshot](was, now)
	if err != nil || r.KindVersion != revokeVersion {
		return []string{notUnderstood}
	}
	diff := compareSubject(a.env, kindNamed(RevokeKind), before.Subject, after.Subject)
	if !after.Subject.Gone && !before.From.Equal(after.From) {
		diff = append(diff, "The sessions of "+before.Subject.shown()+" were ended already, at "+moment(a.env, after.From)+".")
	}
	return diff
}

// Steps implements approval.Action.
func (a revokeAction) Steps(r approval.Request) ([]approval.Call, error) {
	id, err := aimed(r)
	if err != nil || r.KindVersion != revokeVersion {
		return nil, errVersion
	}
	return []approval.Call{revoking(a.env, id)}, nil
}

// revoking is the step that ends somebody's sessions.
func revoking(env Env, id string) approval.Call {
	return approval.Call{
		What: "end all sessions", Method: "POST", URL: "/users/" + id + "/revokeSignInSessions",
		Send: sending(env, func(ctx context.Context) (graph.Receipt, error) { return env.Writer.RevokeSessions(ctx, id) }),
	}
}

// Probe implements approval.Action.
func (a revokeAction) Probe(ctx context.Context, r approval.Request, before json.RawMessage, s approval.Step) (approval.Finding, error) {
	var was revokeSnapshot
	if err := json.Unmarshal(before, &was); err != nil {
		return approval.Finding{}, fmt.Errorf("read what was before: %w", err)
	}
	return sessionsEnded(ctx, a.env, r, was.From, s.Intent)
}

// clocksApart is how far the tenant's clock and the database's may be apart for
// what was done before an intent to be told from what was done by it.
const clocksApart = 5 * time.Second

// sessionsEnded reports whether sessions that counted from a moment on were ended
// by an intent. That they were ended before it is somebody else's doing, unless
// the clocks are further apart: nobody can tell.
func sessionsEnded(ctx context.Context, env Env, r approval.Request, before, intent time.Time) (approval.Finding, error) {
	id, err := aimed(r)
	if err != nil {
		return approval.Finding{}, err
	}
	from, err := env.Tenant.SessionsFrom(ctx, id)
	if err != nil {
		return approval.Finding{}, fmt.Errorf("read sessions: %w", err)
	}
	if from.After(before) && from.Before(intent.Add(-clocksApart)) {
		return approval.Finding{Class: approval.Open, Seen: "sessions since " + moment(env, from) + " count, which was before the bot ended any."}, nil
	}
	return found(from.After(before), "sessions since "+moment(env, from)+" count."), nil
}

// Verify implements approval.Verifier.
func (a revokeAction) Verify(ctx context.Context, r approval.Request) (string, error) {
	return renamed(ctx, a.env, r), nil
}
