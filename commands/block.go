package commands

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/graph"
)

const blockVersion = 1

// block stops somebody from signing in, or lets them again.
func block(env Env, name string) Command {
	summary := "Ask to block somebody's account, so that nobody can sign in with it."
	if name == UnblockKind {
		summary = "Ask to let somebody sign in again."
	}
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: name, Summary: summary, Example: name + " sam@example.org as agreed with the manager",
			Options: []chat.Option{severalOption, reasonOption},
		},
		Access: whoAsks(name),
		Plan: func(ctx context.Context, c Call) (approval.Plan, error) {
			return planned(ctx, env, name, c)
		},
	}
}

func planBlock(ctx context.Context, env Env, k kind, c Call) (approval.Plan, error) {
	s, err := aimAt(ctx, env, k, c)
	if err != nil {
		return approval.Plan{}, err
	}
	a := blockAction{env, k}
	if s.Enabled == a.enables() {
		return approval.Plan{}, &mistake{"The account of " + s.shown() + " is " + openOrBlocked(s.Enabled) + " already.", "There is nothing to change."}
	}
	state, err := a.around(ctx, s)
	if err != nil {
		return approval.Plan{}, err
	}
	if !state.May {
		return approval.Plan{}, &mistake{a.mayNot(s), "Do it in the Entra admin centre. To give the bot a directory role for this is not advised."}
	}
	risks := a.risks(state)
	if err := lockedOut(env, risks); err != nil {
		return approval.Plan{}, err
	}
	what := stakesOf(k, s)
	what.lockout = len(risks) > 0
	p := aboutOne(env, k, blockVersion, s, what)
	p.Args, p.Snapshot, p.Words = json.RawMessage(`{}`), json.RawMessage(encode(state)), a.words(s)
	p.Words.Findings = append(p.Words.Findings, risks...)
	return p, nil
}

func openOrBlocked(enabled bool) string {
	if enabled {
		return "open"
	}
	return "blocked"
}

func (a blockAction) words(s subject) approval.Words {
	w := approval.Words{
		Headline: "Block " + s.shown() + " from signing in",
		Now:      "The account is open.", Then: "The account is blocked: nobody can sign in with it.",
		Radius: "This one account. Mail and files stay. What is signed in works on for up to an hour, unless its sessions are ended too.",
		Risk:   s.shown() + " cannot work until somebody unblocks the account.",
		Undo:   "“/mfa unblock " + s.UPN + "”. It works within minutes.",
		Call:   a.env.contact(),
	}
	if a.enables() {
		w.Headline = "Let " + s.shown() + " sign in again"
		w.Now, w.Then = "The account is blocked.", "The account is open: whoever has its password and second factor can sign in."
		w.Radius = "This one account."
		w.Risk = "If it was blocked because somebody else had got in, they get in again."
		w.Undo = "“/mfa block " + s.UPN + "”. It works within minutes."
	}
	if s.Synced {
		w.Findings = append(w.Findings, synced)
	}
	return w
}

// synced says what becomes of a change to an account that is kept elsewhere.
const synced = "The account is kept on-premises: the next synchronisation may turn this back. Change it there as well."

// blockSnapshot is what matters about an account that is to be blocked or not.
type blockSnapshot struct {
	Subject subject `json:"subject"`
	May     bool    `json:"may"` // our app is allowed to
	keyholders
}

// blockAction implements approval.Action.
type blockAction struct {
	env  Env
	kind kind
}

var (
	_ approval.Action   = blockAction{}
	_ approval.Verifier = blockAction{}
)

func (a blockAction) enables() bool { return a.kind.name == UnblockKind }

func (a blockAction) mayNot(s subject) string {
	if graph.Privileged(s.Roles) {
		return s.shown() + " holds a directory role (" + quotedNames(roleNames(s.Roles)) + "): Microsoft 365 lets the bot's app neither block nor unblock such accounts."
	}
	return "The bot's app registration lacks the permission " + a.kind.permission + "."
}

// around reads what matters beside the account itself.
func (a blockAction) around(ctx context.Context, s subject) (blockSnapshot, error) {
	state := blockSnapshot{Subject: s}
	grants, err := a.env.Tenant.Grants(ctx)
	if err != nil {
		return state, fmt.Errorf("read own permissions: %w", err)
	}
	state.May = grants.MayDisable(s.Roles)
	state.keyholders, err = readKeyholders(ctx, a.env, s)
	return state, err
}

// locks implements locking.
func (a blockAction) locks(_ approval.Request, snapshot json.RawMessage) (keyholders, bool) {
	var s blockSnapshot
	err := json.Unmarshal(snapshot, &s)
	return s.keyholders, err == nil && !a.enables()
}

func (a blockAction) risks(s blockSnapshot) []string {
	if a.enables() {
		return nil
	}
	return s.without(a.env, s.Subject.ID)
}

// Snapshot implements approval.Action.
func (a blockAction) Snapshot(ctx context.Context, r approval.Request) (json.RawMessage, error) {
	s, err := readAimed(ctx, a.env, r)
	if err != nil || s.Gone {
		return snapshot(blockSnapshot{Subject: s}, err)
	}
	return snapshot(a.around(ctx, s))
}

// Compare implements approval.Action.
func (a blockAction) Compare(was, now json.RawMessage, r approval.Request, _ []approval.Step) []string {
	before, after, err := pair[blockSnapshot](was, now)
	if err != nil || r.KindVersion != blockVersion {
		return []string{notUnderstood}
	}
	if !after.Subject.Gone && after.Subject.Enabled == a.enables() {
		return []string{"The account of " + before.Subject.shown() + " is " + openOrBlocked(after.Subject.Enabled) + " already: there is nothing to change."}
	}
	diff := compareSubject(a.env, a.kind, before.Subject, after.Subject)
	if !after.Subject.Gone && !after.May {
		diff = append(diff, a.mayNot(before.Subject))
	}
	return append(diff, compareRisks(a.env, a.risks(before), a.risks(after))...)
}

// Steps implements approval.Action.
func (a blockAction) Steps(r approval.Request) ([]approval.Call, error) {
	id, err := aimed(r)
	if err != nil || r.KindVersion != blockVersion {
		return nil, errVersion
	}
	return []approval.Call{{
		What: map[bool]string{true: UnblockKind, false: BlockKind}[a.enables()] + " the account", Method: "PATCH", URL: "/users/" + id,
		Body: []byte(encode(map[string]bool{"accountEnabled": a.enables()})),
		Send: sending(a.env, func(ctx context.Context) (graph.Receipt, error) {
			return a.env.Writer.SetAccountEnabled(ctx, id, a.enables())
		}),
	}}, nil
}

// Probe implements approval.Action.
func (a blockAction) Probe(ctx context.Context, r approval.Request, _ json.RawMessage, _ approval.Step) (approval.Finding, error) {
	id, err := aimed(r)
	if err != nil {
		return approval.Finding{}, err
	}
	u, err := a.env.Tenant.User(ctx, id)
	if err == nil && !strings.EqualFold(u.ID, id) {
		err = fmt.Errorf("asked for %s, got another account", id)
	}
	if err != nil {
		return approval.Finding{}, fmt.Errorf("read account: %w", err)
	}
	return found(u.Enabled == a.enables(), "the account is "+openOrBlocked(u.Enabled)+"."), nil
}

// Verify implements approval.Verifier.
func (a blockAction) Verify(ctx context.Context, r approval.Request) (string, error) {
	return renamed(ctx, a.env, r), nil
}
