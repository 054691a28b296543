package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/graph/rollout"
)

// A change of one account can be asked for of several at once where its kind says
// so: the request lists each, whoever must not be touched is named one by one,
// and it is carried out on one after the other.

// severalOption names one account or several.
var severalOption = chat.Option{
	Name: userOption.Name, Summary: "a sign-in name, an address, an object ID, or a display name in quotation marks; several with a comma after each",
	Required: true, Of: chat.OfAccounts, Several: true,
}

// planner plans a change of one account.
type planner func(ctx context.Context, env Env, c Call) (approval.Plan, error)

// planners are the kinds of change that can be asked for of several accounts.
func planners(kind string) planner {
	return map[string]planner{
		ResetKind: planReset, RevokeKind: planRevoke, ScopeKind: planScope,
		BlockKind: func(ctx context.Context, env Env, c Call) (approval.Plan, error) {
			return planBlock(ctx, env, kindNamed(BlockKind), c)
		},
		UnblockKind: func(ctx context.Context, env Env, c Call) (approval.Plan, error) {
			return planBlock(ctx, env, kindNamed(UnblockKind), c)
		},
	}[kind]
}

// severalArgs are what a request for several accounts asks for.
type severalArgs struct {
	Typed map[string]string `json:"typed,omitempty"` // the options beside the accounts, for whoever asks for the rest
	Each  []json.RawMessage `json:"each"`            // what is asked for of each target, in their order
}

// atOnce is how many accounts are read beside one another.
const atOnce = 4

// planned plans a change of one account, or of each of several that were typed.
func planned(ctx context.Context, env Env, kind string, c Call) (approval.Plan, error) {
	names := strings.Split(c.Args[userOption.Name], nameEnd)
	if len(names) == 1 {
		return planners(kind)(ctx, env, c)
	}
	p, left, err := planSeveral(ctx, env, kindNamed(kind), c, names)
	if err != nil {
		return p, err
	}
	if len(left) > 0 {
		return p, notOfAll(left, len(names))
	}
	return p, nil
}

const notAsked = "Nothing was asked for."

// notOfAll says why a change cannot be asked for of some accounts, or of all n.
func notOfAll(left []*mistake, n int) *mistake {
	said := make([]string, len(left))
	for i, m := range left {
		said[i] = m.say
	}
	hint := notAsked
	if len(left) < n {
		hint += " Leave out what cannot be done, and ask for the others."
	}
	more := strings.TrimSpace(strings.TrimPrefix(left[0].hint, notAsked)) // it may say so itself
	return &mistake{strings.Join(said, "\n"), strings.TrimSpace(hint + " " + more)}
}

// settle decides about single words that were typed after a name and a comma:
// they are more names, or the reason begins with them. Only where that is plain:
// whoever wrote an address and goes on with a word that is nobody's name has
// begun to write why, and whoever wrote a short name and goes on with somebody
// else's has not. Anything between is asked, because a change is never about an
// account that might not have been meant.
func settle(ctx context.Context, env Env, last string, words []string, rest string) (names []string, reason string, err error) {
	are := make([]bool, len(words))
	group, asking := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, w := range words {
		group.Go(func() error {
			found, err := findUsers(asking, env, w)
			are[i] = len(found) > 0
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, "", err
	}
	full := inFull(last) || strings.Contains(last, " ")
	switch {
	case !slices.Contains(are, false) && !full:
		return words, rest, nil
	case !slices.Contains(are, true) && (full || utf8.RuneCountInString(words[0]) < 3):
		return nil, strings.TrimSpace(strings.Join(words, ", ") + " " + rest), nil
	}
	return nil, "", &mistake{
		"I cannot tell whether " + shown(words[0]) + " after the comma is one more account, or begins your reason.",
		notAsked + " Write accounts with their whole sign-in name, and the reason without a comma before it.",
	}
}

// planSeveral plans a change of all accounts of which it can be asked for, and
// returns why it cannot of the others.
func planSeveral(ctx context.Context, env Env, k kind, c Call, names []string) (approval.Plan, []*mistake, error) {
	if most := env.Rules.Now().Normal().PerRequest; most > 0 && len(names) > most {
		return approval.Plan{}, nil, &mistake{fmt.Sprintf("This would touch %d accounts, and one request may touch %d.", len(names), most), "Ask for fewer at once."}
	}
	plans, errs := make([]approval.Plan, len(names)), make([]error, len(names))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, name := range names {
		group.Go(func() error {
			one := c
			one.Args = maps.Clone(c.Args)
			one.Args[userOption.Name] = name
			plans[i], errs[i] = planners(k.name)(ctx, env, one)
			if errs[i] == nil {
				errs[i] = spared(env, plans[i])
			}
			return nil
		})
	}
	_ = group.Wait() // each error is kept
	var left []*mistake
	var all []approval.Plan
	for i, p := range plans {
		no := (*mistake)(nil)
		switch {
		case errors.As(errs[i], &no):
			left = append(left, no)
		case errs[i] != nil:
			return approval.Plan{}, nil, errs[i]
		case !slices.ContainsFunc(all, func(o approval.Plan) bool { return o.Targets[0].ID == p.Targets[0].ID }):
			all = append(all, p)
		}
	}
	switch len(all) {
	case 0:
		return approval.Plan{}, left, nil
	case 1:
		return all[0], left, nil
	}
	typed := maps.Clone(c.Args)
	delete(typed, userOption.Name)
	delete(typed, requestOption.Name)
	p, err := together(env, k, all, typed)
	return p, left, err
}

// together makes one plan of plans about one account each.
func together(env Env, k kind, all []approval.Plan, typed map[string]string) (approval.Plan, error) {
	p := approval.Plan{Kind: all[0].Kind, KindVersion: all[0].KindVersion}
	what := stakes{kind: k, targets: len(all)}
	args := severalArgs{Typed: typed}
	var snapshots []json.RawMessage
	var findings []string
	var nows, thens []string
	for _, one := range all {
		args.Each, snapshots = append(args.Each, one.Args), append(snapshots, one.Snapshot)
		p.Targets = append(p.Targets, one.Targets[0])
		var is struct{ Subject subject }
		if err := json.Unmarshal(one.Snapshot, &is); err != nil {
			return p, fmt.Errorf("read account: %w", err)
		}
		name := quoted(one.Targets[0].Name, 120)
		if len(is.Subject.Roles) > 0 {
			what.admins = append(what.admins, is.Subject.Name)
			findings = append(findings, name+" holds a directory role: "+quotedNames(roleNames(is.Subject.Roles))+".")
		}
		if len(is.Subject.Here) > 0 {
			what.holders = append(what.holders, is.Subject.Name)
			findings = append(findings, name+" holds a role in this bot: "+strings.Join(is.Subject.Here, ", ")+".")
		}
		for _, f := range one.Words.Findings {
			findings = append(findings, name+": "+f)
		}
		nows, thens = append(nows, one.Words.Now), append(thens, one.Words.Then)
	}
	p.Args, p.Snapshot = json.RawMessage(encode(args)), json.RawMessage(encode(snapshots))
	risks, err := severally{env: env, kind: k, one: oneBy(env, k.name)}.risks(approval.Request{KindVersion: p.KindVersion, Args: p.Args, Targets: p.Targets, Snapshot: p.Snapshot}, p.Snapshot)
	if err != nil {
		return p, err
	}
	if err := lockedOut(env, risks); err != nil {
		return p, err
	}
	what.lockout = len(risks) > 0
	p.Policy = policyFor(env.Rules.Now(), what)
	p.Words = wordsOfSeveral(env, k.name, p.Targets)
	p.Words.Now, p.Words.Then = ofEach(p.Targets, nows), ofEach(p.Targets, thens)
	p.Words.Findings = append(findings, risks...)
	return p, nil
}

// ofEach says something of each target, once if it is the same of all.
func ofEach(targets []approval.Target, said []string) string {
	if len(slices.Compact(slices.Clone(said))) == 1 {
		return fmt.Sprintf("Of each of the %d: %s", len(said), said[0])
	}
	lines := make([]string, len(said))
	for i, s := range said {
		lines[i] = quoted(targets[i].Name, 120) + ": " + s
	}
	return strings.Join(lines, "\n")
}

func wordsOfSeveral(env Env, kind string, targets []approval.Target) approval.Words {
	n := fmt.Sprintf("%d accounts", len(targets))
	w := approval.Words{
		Radius: n + ", one after the other: " + shortly(targets) + ". On the way it can be paused, and stopped.",
		Call:   env.contact(),
	}
	switch kind {
	case RevokeKind:
		w.Headline = "End all sessions of " + n
		w.Risk = "Nobody is locked out: they sign in again. Whoever knows a password and holds a second factor can do so as well."
		w.Undo = "It cannot be undone, and need not be."
	case BlockKind:
		w.Headline = "Block " + n + " from signing in"
		w.Risk = "None of them can work until somebody unblocks their account."
		w.Undo = "“/mfa unblock” with the same accounts, which the message about its end offers. It works within minutes."
	case UnblockKind:
		w.Headline = "Let " + n + " sign in again"
		w.Risk = "If one was blocked because somebody else had got in, they get in again."
		w.Undo = "“/mfa block” with the same accounts, which the message about its end offers. It works within minutes."
	case ResetKind:
		w.Headline = "Reset the sign-in methods of " + n
		w.Risk = "If whoever asks for it does not know each of them for sure, a stranger may register in somebody's place."
		w.Undo = "It cannot be undone: they have to register again."
	default:
		w.Headline = "Count " + n + " otherwise"
		w.Radius = n + ", all of them or none: " + shortly(targets) + ". Every figure, list and reminder of this bot. Nothing changes in the tenant."
		w.Risk = "If one is a person's account after all, nobody is reminded of registering it."
		w.Undo = "“/mfa scope set” with the same accounts and what each was before; where all counted as people, the message about its end offers it."
	}
	return w
}

// shortRunes is how long the names of several accounts may be in a sentence.
const shortRunes = 300

// shortly names the first of several accounts, whole names only.
func shortly(targets []approval.Target) string {
	said := ""
	for i, t := range targets {
		next := quoted(t.Name, 60)
		if i > 0 {
			next = ", " + next
		}
		if utf8.RuneCountInString(said+next) > shortRunes {
			return said + fmt.Sprintf(" and %d more, all of whom stand under the details", len(targets)-i)
		}
		said += next
	}
	return said
}

// severally carries a change of one account out on several: each part of such a
// request is one of the change that it is made of.
type severally struct {
	env  Env
	kind kind
	one  approval.Action
}

// inTenant is a change that the tenant is called for, for each target.
type inTenant struct{ severally }

// ofOurs is a change of what the bot keeps itself: of all targets, or of none.
type ofOurs struct{ severally }

var (
	_ approval.Action   = inTenant{}
	_ approval.Parted   = inTenant{}
	_ approval.Verifier = inTenant{}
	_ approval.Action   = ofOurs{}
	_ approval.Local    = ofOurs{}
)

// locking is a change that may leave somebody unable to sign in.
type locking interface {
	// locks returns who could put things right if whoever a request is about can no
	// longer sign in, and whether that is what it does.
	locks(r approval.Request, snapshot json.RawMessage) (keyholders, bool)
}

// parts are the requests about one account each of which r is made.
func parts(r approval.Request) ([]approval.Request, error) {
	var args severalArgs
	var snapshots []json.RawMessage
	if err := errors.Join(json.Unmarshal(r.Args, &args), json.Unmarshal(r.Snapshot, &snapshots)); err != nil {
		return nil, fmt.Errorf("read arguments: %w", err)
	}
	if len(args.Each) != len(r.Targets) || len(snapshots) != len(r.Targets) {
		return nil, errors.New("read arguments: they are not of as many accounts as the request is about")
	}
	all := make([]approval.Request, len(r.Targets))
	for i := range all {
		all[i] = r
		all[i].Args, all[i].Snapshot, all[i].Targets = args.Each[i], snapshots[i], r.Targets[i:i+1]
	}
	return all, nil
}

// Snapshot implements approval.Action.
func (a severally) Snapshot(ctx context.Context, r approval.Request) (json.RawMessage, error) {
	if len(r.Targets) == 1 {
		return a.one.Snapshot(ctx, r)
	}
	all, err := parts(r)
	if err != nil {
		return nil, err
	}
	snapshots := make([]json.RawMessage, len(all))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, one := range all {
		group.Go(func() (err error) {
			snapshots[i], err = a.one.Snapshot(ctx, one)
			return err
		})
	}
	return snapshot(snapshots, group.Wait())
}

// Compare implements approval.Action. Of a change in the tenant each target is
// compared when it has its turn: here it is only asked whether all of them
// together would leave too few able to sign in, and whether any is left.
func (a severally) Compare(was, now json.RawMessage, r approval.Request, done []approval.Step) []string {
	if len(r.Targets) == 1 {
		return a.one.Compare(was, now, r, done)
	}
	all, err := parts(r)
	var after []json.RawMessage
	if errors.Join(err, json.Unmarshal(now, &after)) != nil || len(after) != len(all) {
		return []string{notUnderstood}
	}
	var found []string
	same := 0
	for i, one := range all {
		some := a.one.Compare(one.Snapshot, after[i], one, nil)
		if len(some) == 0 {
			same++
		}
		for _, f := range some {
			found = append(found, quoted(one.Targets[0].Name, 120)+": "+f)
		}
	}
	if _, ours := a.one.(approval.Local); ours || same == 0 && len(done) == 0 {
		return found
	}
	before, err := a.risks(r, was)
	is, err2 := a.risks(r, now)
	if errors.Join(err, err2) != nil {
		return []string{notUnderstood}
	}
	return compareRisks(a.env, before, is)
}

// risks are those of the lock-out guard for all targets together.
func (a severally) risks(r approval.Request, snapshot json.RawMessage) ([]string, error) {
	l, ok := a.one.(locking)
	if !ok {
		return nil, nil
	}
	all, err := parts(r)
	if err != nil {
		return nil, err
	}
	var snapshots []json.RawMessage
	if err := json.Unmarshal(snapshot, &snapshots); err != nil || len(snapshots) != len(all) {
		return nil, errors.Join(err, errVersion)
	}
	var holders keyholders
	var locked []string
	for i, one := range all {
		k, locks := l.locks(one, snapshots[i])
		if !locks {
			continue
		}
		locked = append(locked, one.Targets[0].ID)
		if len(k.Admins)+len(k.Emergency) > 0 {
			holders = k
		}
	}
	return holders.without(a.env, locked...), nil
}

// Steps implements approval.Action.
func (a severally) Steps(r approval.Request) ([]approval.Call, error) {
	if len(r.Targets) == 1 {
		return a.one.Steps(r)
	}
	all, err := parts(r)
	if err != nil {
		return nil, err
	}
	var calls []approval.Call
	for _, one := range all {
		some, err := a.one.Steps(one)
		if err != nil {
			return nil, err
		}
		for _, c := range some {
			c.Target = one.Targets[0].ID
			calls = append(calls, c)
		}
	}
	return calls, nil
}

// part returns the part of r that a step belongs to, and before how many steps
// it begins.
func (a severally) part(r approval.Request, number int) (at, before int, one approval.Request, err error) {
	all, err := parts(r)
	if err != nil {
		return 0, 0, one, err
	}
	for at, one := range all {
		calls, err := a.one.Steps(one)
		if err != nil {
			return 0, 0, one, err
		}
		if number <= before+len(calls) {
			return at, before, one, nil
		}
		before += len(calls)
	}
	return 0, 0, one, errors.New("there is no such step")
}

// Probe implements approval.Action.
func (a severally) Probe(ctx context.Context, r approval.Request, before json.RawMessage, s approval.Step) (approval.Finding, error) {
	if len(r.Targets) == 1 {
		return a.one.Probe(ctx, r, before, s)
	}
	at, offset, one, err := a.part(r, s.Number)
	var snapshots []json.RawMessage
	if err := errors.Join(err, json.Unmarshal(before, &snapshots)); err != nil {
		return approval.Finding{}, err
	}
	if at >= len(snapshots) {
		return approval.Finding{}, errors.New("nothing is known of what was before")
	}
	s.Number -= offset
	return a.one.Probe(ctx, one, snapshots[at], s)
}

// Part implements approval.Parted.
func (a inTenant) Part(ctx context.Context, r approval.Request, target string, done []approval.Step) ([]string, error) {
	all, err := parts(r)
	if err != nil {
		return nil, err
	}
	offset := 0
	for _, one := range all {
		calls, err := a.one.Steps(one)
		if err != nil {
			return nil, err
		}
		if one.Targets[0].ID != target {
			offset += len(calls)
			continue
		}
		done = slices.Clone(done)
		for i := range done {
			done[i].Number -= offset
		}
		now, err := a.one.Snapshot(ctx, one)
		if err != nil {
			return nil, err
		}
		return a.one.Compare(one.Snapshot, now, one, done), nil
	}
	return nil, errors.New("the request is not about this account")
}

// Verify implements approval.Verifier: of several, what is said of the first few
// of whom there is something to say.
func (a inTenant) Verify(ctx context.Context, r approval.Request) (string, error) {
	v, ok := a.one.(approval.Verifier)
	if !ok {
		return "", nil
	}
	if len(r.Targets) == 1 {
		return v.Verify(ctx, r)
	}
	all, err := parts(r)
	if err != nil {
		return "", err
	}
	said := make([]string, len(all))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i, one := range all {
		group.Go(func() (err error) {
			said[i], err = v.Verify(ctx, one)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return "", err
	}
	var some []string
	more := 0
	for i, s := range said {
		switch {
		case s == "":
		case len(some) < namesShown:
			some = append(some, quoted(all[i].Targets[0].Name, 60)+": "+s)
		default:
			more++
		}
	}
	if more > 0 {
		some = append(some, fmt.Sprintf("%d more were read again.", more))
	}
	return strings.Join(some, " "), nil
}

// Apply implements approval.Local.
func (a ofOurs) Apply(tx approval.Tx, r approval.Request, now time.Time) error {
	local := a.one.(approval.Local)
	if len(r.Targets) == 1 {
		return local.Apply(tx, r, now)
	}
	all, err := parts(r)
	if err != nil {
		return err
	}
	for _, one := range all {
		if err := local.Apply(tx, one, now); err != nil {
			return err
		}
	}
	return nil
}

// oneBy is the action about one account, of a kind that can be of several.
func oneBy(env Env, kind string) approval.Action {
	switch kind {
	case ResetKind:
		return resetAction{env}
	case RevokeKind:
		return revokeAction{env}
	case BlockKind, UnblockKind:
		return blockAction{env, kindNamed(kind)}
	default:
		return declareAction{env, kindNamed(kind), rollout.SortScope}
	}
}
