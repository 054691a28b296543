package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/graph"
)

const methodVersion = 1

// removeMethod takes one method from somebody.
func removeMethod(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "method remove", Summary: "Ask to remove one of somebody's sign-in methods.", Example: "method remove sam@example.org 3179e48a-750b-4051-897c-87b9720928f7 an old number",
			Options: []chat.Option{userOption, {Name: "method", Summary: "the ID of the method, as “/mfa user” shows it", Required: true}, reasonOption},
		},
		Access: whoAsks(MethodKind),
		Plan:   func(ctx context.Context, c Call) (approval.Plan, error) { return planMethod(ctx, env, c) },
	}
}

func planMethod(ctx context.Context, env Env, c Call) (approval.Plan, error) {
	k := kindNamed(MethodKind)
	s, err := aimAt(ctx, env, k, c)
	if err != nil {
		return approval.Plan{}, err
	}
	state, err := readMethods(ctx, env, s)
	if err != nil {
		return approval.Plan{}, err
	}
	m, err := chosenMethod(state, c.Args["method"])
	if err != nil {
		return approval.Plan{}, err
	}
	args := methodArgs{Method: m}
	risks := state.risks(env, args.goes())
	if err := lockedOut(env, risks); err != nil {
		return approval.Plan{}, err
	}
	what := stakesOf(k, s)
	what.lockout = len(risks) > 0
	p := aboutOne(env, k, methodVersion, s, what)
	p.Args, p.Snapshot = json.RawMessage(encode(args)), json.RawMessage(encode(state))
	left := state.without(args.goes())
	p.Words = approval.Words{
		Headline: "Remove a sign-in method of " + s.shown(),
		Now:      "They have: " + methodList(state.Methods) + ".",
		Then:     "Gone: " + describe(m) + ". They have left: " + methodList(left) + ".",
		Radius:   "This one account. Sessions go on.",
		Risk:     "If they still use it, they sign in with another method, or cannot sign in.",
		Undo:     "It cannot be undone: they have to register it again.",
		Call:     env.contact(),
		Findings: append(afterwards(s, left), risks...),
	}
	return p, nil
}

// chosenMethod returns the one of somebody's methods that was named by its ID.
// One that is not there is answered with those that are.
func chosenMethod(s methodsSnapshot, typed string) (graph.Method, error) {
	i := slices.IndexFunc(s.Methods, func(m graph.Method) bool { return strings.EqualFold(m.ID, typed) })
	if i < 0 {
		all := make([]string, len(s.Methods))
		for i, m := range s.Methods {
			all[i] = describe(m) + ", " + chat.Safe(m.ID, 60)
		}
		return graph.Method{}, &mistake{s.Subject.shown() + " has no method with the ID " + shown(typed) + ".", "They have: " + strings.Join(all, "; ") + "."}
	}
	if m := s.Methods[i]; !deletable(m) {
		return graph.Method{}, &mistake{"A method of this kind cannot be removed here: " + describe(m) + ".", "Do it in the Entra admin centre."}
	}
	return s.Methods[i], nil
}

// deletable reports whether the bot can delete a method: a password cannot be at
// all, a token of hardware in the portal alone, and what is not known stays.
func deletable(m graph.Method) bool {
	switch m.Kind {
	case graph.MethodEmail, graph.MethodTemporaryPass:
		return true
	case graph.MethodHardwareOATH:
		return false
	default:
		return m.Kind.Strength() > graph.NotMFA
	}
}

// methodPath is where Graph keeps the methods of a kind.
func methodPath(m graph.Method) string {
	if m.Kind == graph.MethodExternal {
		return "externalAuthenticationMethods"
	}
	return string(m.Kind) + "Methods"
}

// methodList names methods for people, without the password.
func methodList(methods []graph.Method) string {
	var all []string
	for _, m := range methods {
		if m.Kind != graph.MethodPassword {
			all = append(all, describe(m))
		}
	}
	if len(all) == 0 {
		return "nothing but a password"
	}
	return strings.Join(all, "; ")
}

// afterwards says what approvers have to know of an account that will have no
// second factor.
func afterwards(s subject, left []graph.Method) []string {
	if !leavesNone(left) {
		return nil
	}
	return []string{"No second factor remains: whoever has the password of " + s.shown() + " can register next."}
}

// methodWords name a method in the record: by its kind and ID, because what
// people call their telephones is theirs.
func methodWords(m graph.Method) string {
	if p := m.Phone(); p != "" {
		return "phone (" + string(p) + ")"
	}
	return m.Kind.String() + " " + chat.Safe(m.ID[:min(8, len(m.ID))], 0)
}

// methodsSnapshot is what matters about somebody whose methods are to go.
type methodsSnapshot struct {
	Subject subject                `json:"subject"`
	Methods []graph.Method         `json:"methods"` // by ID
	Prefers graph.SignInPreference `json:"prefers"`
	keyholders
}

// readMethods reads what matters beside the account itself.
func readMethods(ctx context.Context, env Env, s subject) (methodsSnapshot, error) {
	state := methodsSnapshot{Subject: s, Methods: []graph.Method{}}
	if s.Gone {
		return state, nil
	}
	var err error
	if state.Methods, err = methodsOf(ctx, env, s.ID); err != nil {
		return state, err
	}
	if state.Prefers, err = env.Tenant.SignInPreference(ctx, s.ID); err != nil {
		return state, fmt.Errorf("read default method: %w", err)
	}
	state.keyholders, err = readKeyholders(ctx, env, s)
	return state, err
}

// methodsOf reads somebody's methods, by ID.
func methodsOf(ctx context.Context, env Env, id string) ([]graph.Method, error) {
	all, err := env.Tenant.Methods(ctx, []string{id})
	if err != nil {
		return nil, fmt.Errorf("read methods: %w", err)
	}
	if len(all) != 1 {
		return nil, fmt.Errorf("read methods: asked for one account, got %d", len(all))
	}
	if all[0].Err != nil {
		return nil, fmt.Errorf("read methods: %w", all[0].Err)
	}
	methods := slices.Clone(all[0].Methods)
	slices.SortFunc(methods, func(a, b graph.Method) int { return strings.Compare(a.ID, b.ID) })
	return methods, nil
}

// without returns the methods but for those that go.
func (s methodsSnapshot) without(goes []graph.Method) []graph.Method {
	return slices.DeleteFunc(slices.Clone(s.Methods), func(m graph.Method) bool {
		return slices.ContainsFunc(goes, func(x graph.Method) bool { return x.ID == m.ID })
	})
}

// risks are those of the lock-out guard, if the methods go.
func (s methodsSnapshot) risks(env Env, goes []graph.Method) []string {
	if !leavesNone(s.without(goes)) {
		return nil
	}
	return s.keyholders.without(env, s.Subject.ID)
}

// compareMethods names what became different about somebody's methods. Those
// in done are gone because this request deleted them, and the default may have
// moved for it.
func compareMethods(before, after methodsSnapshot, done []graph.Method) []string {
	var diff []string
	has := func(list []graph.Method, m graph.Method) bool {
		return slices.ContainsFunc(list, func(x graph.Method) bool { return x.ID == m.ID && x.Kind == m.Kind && x.Created.Equal(m.Created) })
	}
	for _, m := range after.Methods {
		if !has(before.Methods, m) {
			diff = append(diff, before.Subject.shown()+" has a method that is new: "+describe(m)+", since "+m.Created.UTC().Format("2006-01-02 15:04 MST")+".")
		}
	}
	for _, m := range before.Methods {
		if !has(after.Methods, m) && !has(done, m) {
			diff = append(diff, "A method of "+before.Subject.shown()+" is gone: "+describe(m)+".")
		}
	}
	if len(done) == 0 && before.Prefers != after.Prefers {
		diff = append(diff, before.Subject.shown()+" is asked for another method first than before.")
	}
	return diff
}

// deleting is the step that deletes one of somebody's methods.
func deleting(env Env, id string, m graph.Method) approval.Call {
	return approval.Call{
		What: "delete " + methodWords(m), Method: "DELETE", URL: "/users/" + id + "/authentication/" + methodPath(m) + "/" + m.ID,
		Send: sending(env, func(ctx context.Context) (graph.Receipt, error) { return env.Writer.DeleteMethod(ctx, id, m) }),
	}
}

// deleted finds out whether a method is there.
func deleted(ctx context.Context, env Env, id string, m graph.Method) (approval.Finding, error) {
	methods, err := methodsOf(ctx, env, id)
	if err != nil {
		return approval.Finding{}, err
	}
	if slices.ContainsFunc(methods, func(x graph.Method) bool { return x.ID == m.ID }) {
		return found(false, "the method is still there."), nil
	}
	return found(true, "the method is gone."), nil
}

// methodArgs say which method goes.
type methodArgs struct {
	Method graph.Method `json:"method"`
}

func (a methodArgs) goes() []graph.Method { return []graph.Method{a.Method} }

// methodAction implements approval.Action.
type methodAction struct{ env Env }

var (
	_ approval.Action   = methodAction{}
	_ approval.Verifier = methodAction{}
)

// Snapshot implements approval.Action.
func (a methodAction) Snapshot(ctx context.Context, r approval.Request) (json.RawMessage, error) {
	s, err := readAimed(ctx, a.env, r)
	if err != nil {
		return nil, err
	}
	return snapshot(readMethods(ctx, a.env, s))
}

// Compare implements approval.Action.
func (a methodAction) Compare(was, now json.RawMessage, r approval.Request, _ []approval.Step) []string {
	before, after, err := pair[methodsSnapshot](was, now)
	args, unread := readArgs[methodArgs](r, methodVersion)
	if errors.Join(err, unread) != nil {
		return []string{notUnderstood}
	}
	diff := compareSubject(a.env, kindNamed(MethodKind), before.Subject, after.Subject)
	if after.Subject.Gone {
		return diff
	}
	diff = append(diff, compareMethods(before, after, nil)...)
	return append(diff, compareRisks(a.env, before.risks(a.env, args.goes()), after.risks(a.env, args.goes()))...)
}

// Steps implements approval.Action.
func (a methodAction) Steps(r approval.Request) ([]approval.Call, error) {
	args, err := readArgs[methodArgs](r, methodVersion)
	id, unaimed := aimed(r)
	if err := errors.Join(err, unaimed); err != nil {
		return nil, err
	}
	return []approval.Call{deleting(a.env, id, args.Method)}, nil
}

// Probe implements approval.Action.
func (a methodAction) Probe(ctx context.Context, r approval.Request, _ json.RawMessage, _ approval.Step) (approval.Finding, error) {
	args, err := readArgs[methodArgs](r, methodVersion)
	id, unaimed := aimed(r)
	if err := errors.Join(err, unaimed); err != nil {
		return approval.Finding{}, err
	}
	return deleted(ctx, a.env, id, args.Method)
}

// Verify implements approval.Verifier.
func (a methodAction) Verify(ctx context.Context, r approval.Request) (string, error) {
	return renamed(ctx, a.env, r), nil
}
