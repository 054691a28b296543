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
	"twokey/graph"
)

const passVersion = 1

// tap asks for a Temporary Access Pass. Its approval gives the right to collect
// one; it is created when it is collected, so that nothing secret is ever kept.
func tap(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "tap", Summary: "Ask for a Temporary Access Pass, with which somebody signs in once and registers.",
			Example: "tap sam@example.org --minutes 60 new phone, called back on the directory number",
			Options: []chat.Option{
				userOption,
				{Name: "minutes", Summary: "for how many minutes it is valid", Flag: true},
				{Name: "start", Summary: "from when on, like 2026-12-01T09:00", Flag: true},
				{Name: "multi", Summary: "it can be used until it ends, and not just once", Flag: true, Bare: true},
				reasonOption,
			},
		},
		Access: whoAsks(PassKind),
		Plan:   func(ctx context.Context, c Call) (approval.Plan, error) { return planPass(ctx, env, c) },
	}
}

func planPass(ctx context.Context, env Env, c Call) (approval.Plan, error) {
	k := kindNamed(PassKind)
	s, err := aimAt(ctx, env, k, c)
	if err != nil {
		return approval.Plan{}, err
	}
	if s.ID == c.Who.Principal.Object {
		return approval.Plan{}, &mistake{"Nobody asks for a pass for their own account.", "Ask somebody else of the help desk."}
	}
	state, policy, err := readPassState(ctx, env, s)
	if err != nil {
		return approval.Plan{}, err
	}
	if say := state.refuses(env); say != "" {
		return approval.Plan{}, &mistake{say, "“/mfa tap-policy show” says how passes are set up. Where there are none, “/mfa reset” is another way."}
	}
	order, err := passOrder(env, c, policy)
	if err != nil {
		return approval.Plan{}, err
	}
	order.Case = c.Args["case"]
	if state.Case, err = caseState(ctx, env, s, order.Case); err != nil {
		return approval.Plan{}, err
	}
	what := stakesOf(k, s)
	what.start = order.Start
	p := aboutOne(env, k, passVersion, s, what)
	p.Args, p.Snapshot, p.Words = json.RawMessage(encode(order)), json.RawMessage(encode(state)), passWords(env, state, order)
	return p, nil
}

// latestStart is how far ahead a pass may begin.
const latestStart = 30 * 24 * time.Hour

// passOrder reads what kind of pass is asked for, within what the tenant allows.
func passOrder(env Env, c Call, p graph.PassPolicy) (passArgs, error) {
	order := passArgs{Minutes: int(p.DefaultLifetime / time.Minute), Multi: c.Args["multi"] != ""}
	least, most := int(p.MinLifetime/time.Minute), int(p.MaxLifetime/time.Minute)
	if typed, given := c.Args["minutes"]; given {
		n, err := strconv.Atoi(typed)
		if err != nil || n < least || n > most {
			return order, &mistake{fmt.Sprintf("A pass is valid for %d to %d minutes here, so %s cannot be.", least, most, shown(typed)), "The methods policy of the tenant says so."}
		}
		order.Minutes = n
	}
	if order.Multi && p.OnceOnly {
		return order, &mistake{"Passes can be used just once here.", "Leave “--multi” out; the methods policy of the tenant allows no other."}
	}
	if typed, given := c.Args["start"]; given {
		start, err := time.ParseInLocation("2006-01-02T15:04", typed, env.Zone)
		switch now := env.Now(); {
		case err != nil:
			return order, &mistake{shown(typed) + " is no moment that I understand.", "Type it like " + now.In(env.Zone).AddDate(0, 0, 1).Format("2006-01-02") + "T09:00."}
		case !start.After(now), start.After(now.Add(latestStart)):
			return order, &mistake{"A pass begins in the future, and within 30 days.", "Leave “--start” out for one that begins at once."}
		}
		order.Start = start.UTC()
	}
	return order, nil
}

func passWords(env Env, s passSnapshot, order passArgs) approval.Words {
	use := "once"
	if order.Multi {
		use = "as often as they like"
	}
	from := "from when it is collected"
	if !order.Start.IsZero() {
		from = "from " + moment(env, order.Start)
	}
	w := approval.Words{
		Headline: "Give " + s.Subject.shown() + " a Temporary Access Pass",
		Now:      "There is no pass.",
		Then:     fmt.Sprintf("There is a pass, to be used %s, for %s %s.", use, span(time.Duration(order.Minutes)*time.Minute), from),
		Radius:   "This one account. The pass stands for its password and second factor, and lets its holder register new ones.",
		Risk:     "If whoever asks for it is not " + s.Subject.shown() + ", a stranger gets into the account.",
		Undo:     "Delete the pass in the Entra admin centre or with “/mfa method remove”, and end their sessions with “/mfa revoke " + s.Subject.UPN + "”.",
		Call:     env.contact(),
	}
	if len(s.Passes) > 0 {
		w.Now = "There is a pass already."
		w.Findings = append(w.Findings, s.Subject.shown()+" has a pass already. It would be destroyed by the new one.")
	}
	if !s.Subject.Enabled {
		w.Findings = append(w.Findings, "The account is blocked: nobody can sign in with it, pass or not, until it is unblocked.")
	}
	return w
}

// passArgs say what pass is to be created.
type passArgs struct {
	Minutes int       `json:"minutes"`
	Start   time.Time `json:"start,omitzero"` // zero: when it is collected
	Multi   bool      `json:"multi,omitempty"`
	Case    string    `json:"case,omitempty"` // of a lost phone, for which it is
}

// order is what is ordered at a moment: a start that is over by then is none.
func (a passArgs) order(now time.Time) graph.PassOrder {
	o := graph.PassOrder{Lifetime: time.Duration(a.Minutes) * time.Minute, Multi: a.Multi}
	if a.Start.After(now.Add(time.Minute)) {
		o.Start = a.Start
	}
	return o
}

// passSnapshot is what matters about somebody who is to get a pass.
type passSnapshot struct {
	Subject subject    `json:"subject"`
	Passes  []string   `json:"passes"`         // IDs of those that there are
	Case    string     `json:"case,omitempty"` // how the case stands for which it is, or that there is one
	Policy  passLimits `json:"policy"`
}

// passLimits are what the tenant says about passes, as far as one hangs on it.
type passLimits struct {
	On      bool          `json:"on"`
	Reached bool          `json:"reached"` // the account is among those who may have one
	Min     time.Duration `json:"min"`
	Max     time.Duration `json:"max"`
	Once    bool          `json:"once"`
}

// readPassState reads what matters beside the account itself, and the policy.
func readPassState(ctx context.Context, env Env, s subject) (passSnapshot, graph.PassPolicy, error) {
	state := passSnapshot{Subject: s, Passes: []string{}}
	if s.Gone {
		return state, graph.PassPolicy{}, nil
	}
	passes, err := env.Tenant.Passes(ctx, s.ID)
	if err != nil {
		return state, graph.PassPolicy{}, fmt.Errorf("read passes: %w", err)
	}
	for _, p := range passes {
		state.Passes = append(state.Passes, p.ID)
	}
	slices.Sort(state.Passes)
	methods, err := env.Tenant.MethodsPolicy(ctx)
	if err != nil {
		return state, graph.PassPolicy{}, fmt.Errorf("read methods policy: %w", err)
	}
	p := methods.Pass
	state.Policy = passLimits{On: p.Enabled, Min: p.MinLifetime, Max: p.MaxLifetime, Once: p.OnceOnly}
	state.Policy.Reached, err = reaches(ctx, env, p, s.ID)
	return state, p, err
}

// reaches reports whether an account is among those who may have a pass.
func reaches(ctx context.Context, env Env, p graph.PassPolicy, id string) (bool, error) {
	in, err := among(ctx, env, p.Include, id)
	if err != nil || !in {
		return false, err
	}
	out, err := among(ctx, env, p.Exclude, id)
	return !out, err
}

func among(ctx context.Context, env Env, targets []graph.Target, id string) (bool, error) {
	var groups []string
	for _, t := range targets {
		switch {
		case t.ID == graph.AllUsers, !t.Group && strings.EqualFold(t.ID, id):
			return true, nil
		case t.Group:
			groups = append(groups, t.ID)
		}
	}
	if len(groups) == 0 {
		return false, nil
	}
	in, err := env.Tenant.MemberOf(ctx, id, groups)
	if err != nil {
		return false, fmt.Errorf("read groups of the account: %w", err)
	}
	return len(in) > 0, nil
}

// refuses says why the tenant would give the account no pass, or "".
func (s passSnapshot) refuses(env Env) string {
	switch {
	case !s.Policy.On:
		return "Temporary Access Passes are switched off in " + quoted(env.Organization.Name, 60) + "."
	case s.Subject.Guest:
		return s.Subject.shown() + " is a guest: their own organisation gives them passes, if it does."
	case !s.Policy.Reached:
		return s.Subject.shown() + " is not among those who may have a pass, by the methods policy of the tenant."
	default:
		return ""
	}
}

// passAction implements approval.Action.
type passAction struct{ env Env }

var (
	_ approval.Action     = passAction{}
	_ approval.Withdrawer = passAction{}
	_ approval.Verifier   = passAction{}
)

// Snapshot implements approval.Action.
func (a passAction) Snapshot(ctx context.Context, r approval.Request) (json.RawMessage, error) {
	s, err := readAimed(ctx, a.env, r)
	if err != nil {
		return nil, err
	}
	state, _, err := readPassState(ctx, a.env, s)
	if err != nil {
		return nil, err
	}
	state.Case, err = standOfCase(ctx, a.env, s.ID, caseOf(r))
	return snapshot(state, err)
}

// Compare implements approval.Action.
func (a passAction) Compare(was, now json.RawMessage, r approval.Request, _ []approval.Step) []string {
	before, after, err := pair[passSnapshot](was, now)
	_, unread := readArgs[passArgs](r, passVersion)
	if errors.Join(err, unread) != nil {
		return []string{notUnderstood}
	}
	diff := compareSubject(a.env, kindNamed(PassKind), before.Subject, after.Subject)
	if after.Subject.Gone {
		return diff
	}
	if say := after.refuses(a.env); say != "" {
		return append(diff, say)
	}
	diff = append(diff, compareCase(before.Subject, before.Case, after.Case)...)
	if before.Policy != after.Policy {
		diff = append(diff, "The tenant's policy of passes was changed.")
	}
	if !slices.Equal(before.Passes, after.Passes) {
		diff = append(diff, before.Subject.shown()+" has been given a pass meanwhile, or lost the one that there was.")
	}
	return diff
}

// Steps implements approval.Action.
func (a passAction) Steps(r approval.Request) ([]approval.Call, error) {
	args, err := readArgs[passArgs](r, passVersion)
	id, unaimed := aimed(r)
	if err := errors.Join(err, unaimed); err != nil {
		return nil, err
	}
	order := args.order(a.env.Now())
	return []approval.Call{{
		What: "create a Temporary Access Pass", Method: "POST", URL: passURL(id), Body: []byte(encode(order.Body())),
		Send: func(ctx context.Context, clientID string) approval.Answer {
			pass, receipt, err := a.env.Writer.CreatePass(graph.WithClientRequestID(ctx, clientID), id, order)
			answer := classify(a.env, receipt, err)
			if err == nil {
				answer.Object, answer.Handover = pass.ID, pass
			}
			return answer
		},
	}}, nil
}

func passURL(id string) string { return "/users/" + id + "/authentication/temporaryAccessPassMethods" }

// Withdraw implements approval.Withdrawer.
func (a passAction) Withdraw(r approval.Request, created approval.Step) approval.Call {
	id, _ := aimed(r) // it has been created for somebody
	m := graph.Method{ID: created.Object, Kind: graph.MethodTemporaryPass}
	call := deleting(a.env, id, m)
	call.What = "delete the pass that nobody received"
	call.Send = func(ctx context.Context, clientID string) approval.Answer {
		receipt, err := a.env.Writer.DeleteMethod(graph.WithClientRequestID(ctx, clientID), id, m)
		if k, known := kindOf(err); known && k == graph.KindNotFound {
			err = nil // nobody can use it any more, which is all that is wanted
		}
		return classify(a.env, receipt, err)
	}
	return call
}

// Probe implements approval.Action. A pass is ours if it was not there just
// before, is as it was ordered, and was created when ours was.
func (a passAction) Probe(ctx context.Context, r approval.Request, before json.RawMessage, s approval.Step) (approval.Finding, error) {
	args, err := readArgs[passArgs](r, passVersion)
	id, unaimed := aimed(r)
	var was passSnapshot
	if err := errors.Join(err, unaimed, json.Unmarshal(before, &was)); err != nil {
		return approval.Finding{}, err
	}
	passes, err := a.env.Tenant.Passes(ctx, id)
	if err != nil {
		return approval.Finding{}, fmt.Errorf("read passes: %w", err)
	}
	if s.Object != "" { // its answer was read, and named it
		there := slices.ContainsFunc(passes, func(p graph.Pass) bool { return p.ID == s.Object })
		return found(there, map[bool]string{true: "the pass is there.", false: "the pass is not there."}[there]), nil
	}
	for _, p := range passes {
		if !slices.Contains(was.Passes, p.ID) && args.made(p, s.Intent) {
			return approval.Finding{Class: approval.Applied, Seen: "there is a pass that was not there before.", Object: p.ID}, nil
		}
	}
	return found(false, "there is no new pass."), nil
}

// passWithin is how long after its intent a pass is created at the latest: that
// is a call's time, and what the clocks of the two sides may be apart.
const passWithin = 2 * time.Minute

// made reports whether a pass is as it was ordered, and may be what an intent of
// a moment has created. One that somebody creates later is theirs, though it be
// the same: it replaces ours, or ours never was.
func (a passArgs) made(p graph.Pass, intent time.Time) bool {
	created := p.Created
	if created.IsZero() {
		created = p.Start
	}
	return p.Once == !a.Multi && p.Lifetime == time.Duration(a.Minutes)*time.Minute && !created.After(intent.Add(passWithin))
}

// Verify implements approval.Verifier.
func (a passAction) Verify(ctx context.Context, r approval.Request) (string, error) {
	return renamed(ctx, a.env, r), nil
}
