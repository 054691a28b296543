package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/graph"
)

const resetVersion = 1

// reset takes from somebody what the portal's “Require re-register MFA” takes,
// and ends their sessions. Graph has no call for that: it is made of deletions.
func reset(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "reset", Summary: "Ask to remove somebody's phones, Authenticator and code apps, so that they register anew. It ends their sessions.",
			Example: "reset sam@example.org --keep phone the old mobile is lost",
			Options: []chat.Option{
				severalOption,
				{Name: "keep", Summary: "a kind of method that stays", Flag: true, Choices: []string{"phone", "authenticator", "codes"}},
				{Name: "all", Summary: "passkeys, security keys and Windows Hello go as well", Flag: true, Bare: true},
				reasonOption,
			},
		},
		Access: whoAsks(ResetKind),
		Plan:   func(ctx context.Context, c Call) (approval.Plan, error) { return planned(ctx, env, ResetKind, c) },
	}
}

// resetKinds are the kinds of method that go: those that a portal's reset takes,
// and with “--all” those that it leaves.
var (
	resetKinds = map[string][]graph.MethodKind{
		"phone": {graph.MethodPhone}, "authenticator": {graph.MethodAuthenticator}, "codes": {graph.MethodSoftwareOATH},
	}
	resetAllKinds = []graph.MethodKind{graph.MethodPasskey, graph.MethodWindowsHello, graph.MethodPlatformCredential, graph.MethodExternal}
)

func planReset(ctx context.Context, env Env, c Call) (approval.Plan, error) {
	k := kindNamed(ResetKind)
	s, err := aimAt(ctx, env, k, c)
	if err != nil {
		return approval.Plan{}, err
	}
	state, err := readMethods(ctx, env, s)
	if err != nil {
		return approval.Plan{}, err
	}
	from, err := env.Tenant.SessionsFrom(ctx, s.ID)
	if err != nil {
		return approval.Plan{}, fmt.Errorf("read sessions: %w", err)
	}
	args := whatGoes(state, c.Args["keep"], c.Args["all"] != "")
	args.Case = c.Args["case"]
	stand, err := caseState(ctx, env, s, args.Case)
	if err != nil {
		return approval.Plan{}, err
	}
	if len(args.Methods) == 0 {
		return approval.Plan{}, &mistake{s.shown() + " has no method that this would remove. They have: " + methodList(state.Methods) + ".", "Nothing was asked for. “/mfa revoke " + s.UPN + "” ends their sessions alone."}
	}
	risks := state.risks(env, args.Methods)
	if err := lockedOut(env, risks); err != nil {
		return approval.Plan{}, err
	}
	what := stakesOf(k, s)
	what.lockout = len(risks) > 0
	p := aboutOne(env, k, resetVersion, s, what)
	p.Args, p.Snapshot = json.RawMessage(encode(args)), json.RawMessage(encode(resetSnapshot{state, from, stand}))
	left := state.without(args.Methods)
	p.Words = approval.Words{
		Headline: "Reset the sign-in methods of " + s.shown(),
		Now:      "They have: " + methodList(state.Methods) + ".",
		Then:     "Gone: " + methodList(args.Methods) + ". They have left: " + methodList(left) + ". All their sessions are over.",
		Radius:   "This one account, on every device.",
		Risk:     "If whoever asks for it is not " + s.shown() + ", a stranger may register in their place.",
		Undo:     "It cannot be undone: they have to register again.",
		Call:     env.contact(),
		Findings: slices.Concat(afterwards(s, left), portalOnly(left), risks),
	}
	return p, nil
}

// portalOnly names what only the portal can take away.
func portalOnly(left []graph.Method) []string {
	for _, m := range left {
		if m.Kind == graph.MethodHardwareOATH {
			return []string{"A code token stays: only the Entra admin centre can take it away."}
		}
	}
	return nil
}

// whatGoes chooses the methods, in the order in which the tenant lets them go.
func whatGoes(s methodsSnapshot, keep string, all bool) resetArgs {
	var kinds []graph.MethodKind
	for name, some := range resetKinds {
		if name != keep {
			kinds = append(kinds, some...)
		}
	}
	if all {
		kinds = append(kinds, resetAllKinds...)
	}
	goes := slices.DeleteFunc(slices.Clone(s.Methods), func(m graph.Method) bool { return !slices.Contains(kinds, m.Kind) })
	var args resetArgs
	prefers := s.Prefers
	if alternate := phones(goes, graph.PhoneAlternate); prefers.Method == "voiceAlternateMobile" && alternate && phones(goes, graph.PhoneMobile) {
		// Neither of the two can go before the other, unless the mobile is the default.
		prefers.Method, args.Prefer = "voiceMobile", "voiceMobile"
	}
	args.Methods = graph.DeletionOrder(goes, prefers)
	args.System = s.Prefers.System
	return args
}

func phones(methods []graph.Method, t graph.PhoneType) bool {
	return slices.ContainsFunc(methods, func(m graph.Method) bool { return m.Phone() == t })
}

// resetArgs say what goes, in which order.
type resetArgs struct {
	// Prefer is the default method to be set first, because the one that is set
	// could not be deleted; empty if none has to be.
	Prefer  string         `json:"prefer,omitempty"`
	System  bool           `json:"system,omitempty"` // who chooses the default stays as it is
	Methods []graph.Method `json:"methods"`
	Case    string         `json:"case,omitempty"` // of a lost phone, for which it is
}

// keptByReset are the IDs of the second factors that a reset has left.
func keptByReset(r approval.Request) ([]string, error) {
	args, err := readArgs[resetArgs](r, resetVersion)
	if err != nil {
		return nil, err
	}
	var before resetSnapshot
	if err := json.Unmarshal(r.Snapshot, &before); err != nil {
		return nil, fmt.Errorf("read what was before: %w", err)
	}
	gone := args.Methods
	if r.State == approval.Partial {
		gone = nil
		for _, s := range r.Outcome.Done {
			if m, ok := args.method(s.Number); ok && s.Class == approval.Applied {
				gone = append(gone, m)
			}
		}
	}
	return methodIDs(before.without(gone)), nil
}

// method returns the one that the step of a number deletes.
func (a resetArgs) method(number int) (graph.Method, bool) {
	if a.Prefer != "" {
		number--
	}
	if number < 1 || number > len(a.Methods) {
		return graph.Method{}, false
	}
	return a.Methods[number-1], true
}

// resetSnapshot is what matters about somebody whose methods are reset.
type resetSnapshot struct {
	methodsSnapshot
	From time.Time `json:"from"`
	Case string    `json:"case,omitempty"` // how the case stands for which it is, or that there is one
}

// resetAction implements approval.Action.
type resetAction struct{ env Env }

var (
	_ approval.Action   = resetAction{}
	_ approval.Verifier = resetAction{}
)

// locks implements locking.
func (a resetAction) locks(r approval.Request, snapshot json.RawMessage) (keyholders, bool) {
	var s resetSnapshot
	args, err := readArgs[resetArgs](r, resetVersion)
	err = errors.Join(err, json.Unmarshal(snapshot, &s))
	return s.keyholders, err == nil && leavesNone(s.without(args.Methods))
}

// Snapshot implements approval.Action.
func (a resetAction) Snapshot(ctx context.Context, r approval.Request) (json.RawMessage, error) {
	s, err := readAimed(ctx, a.env, r)
	if err != nil {
		return nil, err
	}
	var state resetSnapshot
	if state.methodsSnapshot, err = readMethods(ctx, a.env, s); err != nil || s.Gone {
		return snapshot(state, err)
	}
	if state.From, err = a.env.Tenant.SessionsFrom(ctx, s.ID); err != nil {
		return nil, err
	}
	state.Case, err = standOfCase(ctx, a.env, s.ID, caseOf(r))
	return snapshot(state, err)
}

// Compare implements approval.Action. Since when sessions count is no
// difference: ending them once more is what is asked for.
func (a resetAction) Compare(was, now json.RawMessage, r approval.Request, done []approval.Step) []string {
	before, after, err := pair[resetSnapshot](was, now)
	args, unread := readArgs[resetArgs](r, resetVersion)
	if errors.Join(err, unread) != nil {
		return []string{notUnderstood}
	}
	diff := compareSubject(a.env, kindNamed(ResetKind), before.Subject, after.Subject)
	if after.Subject.Gone {
		return diff
	}
	diff = append(diff, compareCase(before.Subject, before.Case, after.Case)...)
	var gone []graph.Method
	for _, s := range done {
		if m, ok := args.method(s.Number); ok {
			gone = append(gone, m)
		}
	}
	if len(done) > 0 {
		after.Prefers = before.Prefers // it moves with what is deleted
	}
	diff = append(diff, compareMethods(before.methodsSnapshot, after.methodsSnapshot, gone)...)
	return append(diff, compareRisks(a.env, before.risks(a.env, args.Methods), after.risks(a.env, args.Methods))...)
}

// Steps implements approval.Action.
func (a resetAction) Steps(r approval.Request) ([]approval.Call, error) {
	args, err := readArgs[resetArgs](r, resetVersion)
	id, unaimed := aimed(r)
	if err := errors.Join(err, unaimed); err != nil {
		return nil, err
	}
	var calls []approval.Call
	if args.Prefer != "" {
		calls = append(calls, a.preferring(id, args))
	}
	for _, m := range args.Methods {
		call := deleting(a.env, id, m)
		call.Onward = true
		calls = append(calls, call)
	}
	return append(calls, revoking(a.env, id)), nil
}

func (a resetAction) preferring(id string, args resetArgs) approval.Call {
	p := graph.SignInPreference{Method: args.Prefer, System: args.System}
	return approval.Call{
		What: "make the mobile phone the default method", Method: "PATCH", URL: "/users/" + id + "/authentication/signInPreferences", Onward: true,
		Body: []byte(encode(map[string]any{"isSystemPreferredAuthenticationMethodEnabled": p.System, "userPreferredMethodForSecondaryAuthentication": p.Method})),
		Send: sending(a.env, func(ctx context.Context) (graph.Receipt, error) { return a.env.Writer.SetSignInPreference(ctx, id, p) }),
	}
}

// Probe implements approval.Action.
func (a resetAction) Probe(ctx context.Context, r approval.Request, before json.RawMessage, s approval.Step) (approval.Finding, error) {
	args, err := readArgs[resetArgs](r, resetVersion)
	id, unaimed := aimed(r)
	if err := errors.Join(err, unaimed); err != nil {
		return approval.Finding{}, err
	}
	if m, ok := args.method(s.Number); ok {
		return deleted(ctx, a.env, id, m)
	}
	if args.Prefer != "" && s.Number == 1 {
		p, err := a.env.Tenant.SignInPreference(ctx, id)
		if err != nil {
			return approval.Finding{}, fmt.Errorf("read default method: %w", err)
		}
		return found(p.Method == args.Prefer || p.Method == "sms", "another method is the default."), nil
	}
	var was resetSnapshot
	if err := json.Unmarshal(before, &was); err != nil {
		return approval.Finding{}, fmt.Errorf("read what was before: %w", err)
	}
	return sessionsEnded(ctx, a.env, r, was.From, s.Intent)
}

// Verify implements approval.Verifier.
func (a resetAction) Verify(ctx context.Context, r approval.Request) (string, error) {
	args, err := readArgs[resetArgs](r, resetVersion)
	id, unaimed := aimed(r)
	if err := errors.Join(err, unaimed); err != nil {
		return "", err
	}
	is, err := methodsOf(ctx, a.env, id)
	if err != nil {
		return "", err
	}
	said := []string{"Read again afterwards, they have: " + methodList(is) + "."}
	var still []graph.Method
	for _, m := range is {
		if slices.ContainsFunc(args.Methods, func(x graph.Method) bool { return x.ID == m.ID }) {
			still = append(still, m)
		}
	}
	if len(still) > 0 {
		said = append(said, "Still listed: "+methodList(still)+". What was deleted can be shown for a while yet.")
	}
	if name := renamed(ctx, a.env, r); name != "" {
		said = append(said, name)
	}
	return strings.Join(said, " "), nil
}
