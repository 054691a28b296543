package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/graph"
	"twokey/graph/rollout"
)

// defaultsVersion grows when the meaning of stored arguments or snapshots changes.
const defaultsVersion = 2

// defaults asks to turn security defaults on or off: a change for the whole
// tenant, so two approvers and a wait.
func defaults(env Env, enable bool) Command {
	word, verb := "disable", "off"
	if enable {
		word, verb = "enable", "on"
	}
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "defaults " + word, Summary: "Ask to turn security defaults " + verb + ". Two approvers decide.",
			Example: "defaults " + word + " because all staff have set up Authenticator",
			Options: []chat.Option{reasonOption},
		},
		Access: whoAsks(DefaultsKind),
		Plan: func(ctx context.Context, c Call) (approval.Plan, error) {
			if err := switchedOn(env, DefaultsKind); err != nil {
				return approval.Plan{}, err
			}
			return planDefaults(ctx, env, enable)
		},
	}
}

func planDefaults(ctx context.Context, env Env, enable bool) (approval.Plan, error) {
	action := defaultsAction{env}
	snapshot, err := action.read(ctx)
	if err != nil {
		return approval.Plan{}, err
	}
	if snapshot.Enabled == enable {
		return approval.Plan{}, &mistake{"Security defaults are " + onOff(enable) + " already.", "There is nothing to change."}
	}
	words, what := disableWords(env), stakes{}
	if enable {
		facts := env.Facts(ctx)
		deciding, err := readDeciders(ctx, env, facts)
		check := preflightDefaults(env, snapshot, facts, deciders(deciding, err))
		if red := check.reds(); len(red) > 0 {
			return approval.Plan{}, &mistake{"Security defaults cannot be turned on now: " + red[0].Text, "“/mfa preflight defaults” shows all that stands in the way. Nothing was asked for." + acceptable(red)}
		}
		words, what.lockout, snapshot.Deciders = enableWords(env, check), check.locksOut(), deciding
	}
	p := tenantWide(env, kindNamed(DefaultsKind), defaultsVersion, what)
	p.Args, p.Snapshot, p.Words = json.RawMessage(encode(map[string]bool{"enable": enable})), json.RawMessage(encode(snapshot)), words
	return p, nil
}

func onOff(enabled bool) string {
	if enabled {
		return "on"
	}
	return "off"
}

func enableWords(env Env, check preflightReport) approval.Words {
	return approval.Words{
		Headline: "Turn on security defaults for everybody at " + quoted(env.Organization.Name, 60),
		Now:      "Security defaults are off.",
		Then:     "Security defaults are on.",
		Radius:   "Every account in the tenant. There is no list of exceptions.",
		Risk:     "Everybody who has not set up a second factor must do so at the next sign-in, and old mail programs, scanners and scripts that sign in with a password alone stop at once.",
		Undo:     "“/mfa defaults disable”" + undoWords + " It works within seconds; nobody's set-up is lost.",
		Call:     env.contact(),
		Findings: check.lines(),
	}
}

func disableWords(env Env) approval.Words {
	return approval.Words{
		Headline: "Turn off security defaults for everybody at " + quoted(env.Organization.Name, 60),
		Now:      "Security defaults are on.",
		Then:     "Security defaults are off.",
		Radius:   "Every account in the tenant.",
		Risk:     "From then on a stolen password is enough to sign in, and old mail programs may sign in again.",
		Undo:     "“/mfa defaults enable”" + undoWords + " It works within seconds.",
		Call:     env.contact(),
	}
}

// defaultsSnapshot is what matters about a tenant for security defaults.
type defaultsSnapshot struct {
	Enabled   bool           `json:"enabled"`
	Policies  []graph.Policy `json:"policies"` // by ID; none where the licence has none
	Admins    []ableAccount  `json:"admins"`   // by ID
	Emergency []ableAccount  `json:"emergency"`
	// Deciders are the approvers and owners of this bot, by ID, where security
	// defaults are to be turned on: through them they are turned off again.
	Deciders []ableAccount `json:"deciders,omitempty"`
}

// ableAccount is an account and whether it can sign in under security defaults.
type ableAccount struct {
	ID   string `json:"id"`
	Name string `json:"name"` // for people: a new name is no difference
	Able bool   `json:"able"` // enabled, and holds a second factor
	Off  bool   `json:"off"`  // disabled or gone: cannot sign in whatever it holds
	// Highest says of an administrator that they hold one of the highest roles, and
	// so could put right what a change did. A lesser role helps nobody then.
	Highest bool `json:"highest,omitempty"`
}

// defaultsAction implements approval.Action.
type defaultsAction struct{ env Env }

var _ approval.Action = defaultsAction{}

// Snapshot implements approval.Action. Whether those who decide could sign in is
// read again too where that matters; that it cannot be read is no reason to turn
// anything on.
func (a defaultsAction) Snapshot(ctx context.Context, r approval.Request) (json.RawMessage, error) {
	s, err := a.read(ctx)
	if err != nil {
		return nil, err
	}
	if enable, err := arguments(r); err == nil && enable {
		if s.Deciders, err = readDeciders(ctx, a.env, a.env.Facts(ctx)); err != nil {
			return nil, fmt.Errorf("read approvers' methods: %w", err)
		}
	}
	return json.RawMessage(encode(s)), nil
}

// read takes a licence without policies for a tenant that has none.
func (a defaultsAction) read(ctx context.Context) (defaultsSnapshot, error) {
	policies, err := a.env.Tenant.Policies(ctx)
	if kind, known := kindOf(err); err != nil && !(known && kind == graph.KindNoLicence) {
		return defaultsSnapshot{}, fmt.Errorf("read policies: %w", err)
	}
	return readSignIn(ctx, a.env, policies)
}

// readSignIn reads what matters about a tenant for whatever changes how
// everybody signs in, beside its policies.
func readSignIn(ctx context.Context, env Env, policies []graph.Policy) (defaultsSnapshot, error) {
	s := defaultsSnapshot{Policies: policies}
	d, err := env.Tenant.SecurityDefaults(ctx)
	if err != nil {
		return s, fmt.Errorf("read security defaults: %w", err)
	}
	s.Enabled = d.Enabled
	slices.SortFunc(s.Policies, func(a, b graph.Policy) int { return strings.Compare(a.ID, b.ID) })
	holders, err := env.Tenant.RoleHolders(ctx)
	if err != nil {
		return s, fmt.Errorf("read administrators: %w", err)
	}
	if s.Admins, err = able(ctx, env.Tenant, administrators(env, holders)); err != nil {
		return s, fmt.Errorf("read administrators' methods: %w", err)
	}
	for i, a := range s.Admins {
		s.Admins[i].Highest = slices.ContainsFunc(holders, func(h graph.RoleHolder) bool {
			return h.UserID == a.ID && subject{Roles: h.Roles}.highest()
		})
	}
	if s.Emergency, err = able(ctx, env.Tenant, emergencyIDs(env)); err != nil {
		return s, fmt.Errorf("read emergency accounts' methods: %w", err)
	}
	return s, nil
}

// administrators returns the role holders that security defaults bind, but for
// the emergency access accounts, which are looked at by themselves. The accounts
// of the directory synchronisation are exempt, and are nobody.
func administrators(env Env, holders []graph.RoleHolder) []string {
	var ids []string
	spare := emergencyIDs(env)
	for _, h := range holders {
		if !slices.ContainsFunc(h.Roles, graph.Role.Synchronises) && !slices.Contains(spare, h.UserID) {
			ids = append(ids, h.UserID)
		}
	}
	return ids
}

// emergency returns the declared emergency access accounts.
func emergency(s rollout.Scope) []string {
	var ids []string
	for id, purpose := range s.Declared {
		if purpose == rollout.Emergency {
			ids = append(ids, id)
		}
	}
	return ids
}

// able says of each account whether it can sign in with a second factor. One
// that is gone cannot; one that cannot be read is an error.
func able(ctx context.Context, r Tenant, ids []string) ([]ableAccount, error) {
	return ableWith(ctx, r, ids, func(_ graph.User, methods []graph.Method) bool { return graph.Strongest(methods) > graph.NotMFA })
}

// ableWith is able by another measure of methods.
func ableWith(ctx context.Context, r Tenant, ids []string, enough func(graph.User, []graph.Method) bool) ([]ableAccount, error) {
	ids = slices.Sorted(slices.Values(ids))
	methods, err := r.Methods(ctx, ids)
	if err != nil {
		return nil, err
	}
	all := make([]ableAccount, len(ids))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readAtOnce)
	for i, id := range ids {
		group.Go(func() error {
			u, err := r.User(ctx, id)
			if kind, known := kindOf(err); known && kind == graph.KindNotFound {
				all[i] = ableAccount{ID: id, Name: "deleted account " + id, Off: true}
				return nil
			}
			if err := errors.Join(err, methods[i].Err); err != nil {
				return err
			}
			all[i] = ableAccount{ID: id, Name: u.Name, Able: u.Enabled && enough(u, methods[i].Methods), Off: !u.Enabled}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return all, nil
}

// readAtOnce is how many accounts are read at the same time: a large tenant has a
// hundred administrators, and somebody waits for the answer.
const readAtOnce = 16

// kindOf returns the tenant's reason for an error, if it gave one.
func kindOf(err error) (graph.Kind, bool) {
	var e *graph.Error
	if errors.As(err, &e) {
		return e.Kind, true
	}
	return graph.KindUnclear, false
}

// arguments reads what a request asks for. What another version has stored, or
// what does not say it, is an error.
func arguments(r approval.Request) (enable bool, err error) {
	var args struct {
		Enable *bool `json:"enable"`
	}
	if r.KindVersion != defaultsVersion {
		return false, fmt.Errorf("read arguments: version %d is not known", r.KindVersion)
	}
	if err := json.Unmarshal(r.Args, &args); err != nil {
		return false, fmt.Errorf("read arguments: %w", err)
	}
	if args.Enable == nil {
		return false, errors.New("read arguments: on or off is not said")
	}
	return *args.Enable, nil
}

// Compare implements approval.Action. Who can sign in matters only for turning
// them on: turning them off locks nobody out, and must not wait for people who
// register meanwhile.
func (a defaultsAction) Compare(was, now json.RawMessage, r approval.Request, _ []approval.Step) []string {
	var before, after defaultsSnapshot
	enable, err := arguments(r)
	if errors.Join(err, json.Unmarshal(was, &before), json.Unmarshal(now, &after)) != nil {
		return []string{"What is stored about this request cannot be understood."}
	}
	if after.Enabled == enable {
		return []string{"Security defaults are " + onOff(after.Enabled) + " already: there is nothing to change."}
	}
	found := comparePolicies(before.Policies, after.Policies)
	if !enable {
		return found
	}
	found = append(found, compareAccounts("administrator", before.Admins, after.Admins)...)
	found = append(found, compareAccounts("emergency account", before.Emergency, after.Emergency)...)
	if len(found) > 0 {
		return found
	}
	for _, f := range append(lockout(a.env, after), deciders(after.Deciders, nil)) {
		if f.Level == red {
			found = append(found, f.Text)
		}
	}
	return found
}

func comparePolicies(before, after []graph.Policy) []string {
	var found []string
	old := map[string]graph.Policy{}
	for _, p := range before {
		old[p.ID] = p
	}
	for _, p := range after {
		name := "The Conditional Access policy " + quoted(p.Name, 60) + " "
		was, existed := old[p.ID]
		switch {
		case !existed:
			found = append(found, name+"is new, and "+policyState(p.State)+".")
		case was.State != p.State:
			found = append(found, name+"was "+policyState(was.State)+" and is "+policyState(p.State)+" now.")
		}
		delete(old, p.ID)
	}
	for _, p := range before {
		if _, gone := old[p.ID]; gone {
			found = append(found, "The Conditional Access policy "+quoted(p.Name, 60)+" is gone.")
		}
	}
	return found
}

func policyState(s graph.PolicyState) string {
	switch s {
	case graph.PolicyEnabled:
		return "on"
	case graph.PolicyDisabled:
		return "off"
	case graph.PolicyReportOnly:
		return "report-only"
	default:
		return "in a state that is not known (" + quoted(string(s), 40) + ")"
	}
}

func compareAccounts(what string, before, after []ableAccount) []string {
	var found []string
	old := map[string]ableAccount{}
	for _, x := range before {
		old[x.ID] = x
	}
	for _, x := range after {
		was, existed := old[x.ID]
		switch {
		case !existed:
			found = append(found, quoted(x.Name, 60)+" has become an "+what+".")
		case was.Able && !x.Able:
			found = append(found, "The "+what+" "+quoted(was.Name, 60)+" can no longer sign in with a second factor.")
		case !was.Able && x.Able:
			found = append(found, "The "+what+" "+quoted(was.Name, 60)+" can sign in with a second factor now.")
		case was.Highest && !x.Highest:
			found = append(found, "The "+what+" "+quoted(was.Name, 60)+" does not hold one of the highest roles any more.")
		case !was.Highest && x.Highest:
			found = append(found, "The "+what+" "+quoted(was.Name, 60)+" holds one of the highest roles now.")
		}
		delete(old, x.ID)
	}
	for _, x := range before {
		if _, gone := old[x.ID]; gone {
			found = append(found, quoted(x.Name, 60)+" is no longer an "+what+".")
		}
	}
	return found
}

// Steps implements approval.Action.
func (a defaultsAction) Steps(r approval.Request) ([]approval.Call, error) {
	enable, err := arguments(r)
	if err != nil {
		return nil, err
	}
	return []approval.Call{{
		What:   "turn security defaults " + onOff(enable),
		Method: "PATCH",
		URL:    "/policies/identitySecurityDefaultsEnforcementPolicy",
		Body:   []byte(encode(map[string]bool{"isEnabled": enable})),
		Send: func(ctx context.Context, clientID string) approval.Answer {
			receipt, err := a.env.Writer.SetSecurityDefaults(graph.WithClientRequestID(ctx, clientID), enable)
			return classify(a.env, receipt, err)
		},
	}}, nil
}

// Probe implements approval.Action.
func (a defaultsAction) Probe(ctx context.Context, r approval.Request, _ json.RawMessage, _ approval.Step) (approval.Finding, error) {
	enable, err := arguments(r)
	if err != nil {
		return approval.Finding{}, err
	}
	d, err := a.env.Tenant.SecurityDefaults(ctx)
	if err != nil {
		return approval.Finding{}, fmt.Errorf("read security defaults: %w", err)
	}
	seen := "security defaults are " + onOff(d.Enabled) + "."
	if d.Enabled == enable {
		return approval.Finding{Class: approval.Applied, Seen: seen}, nil
	}
	return approval.Finding{Class: approval.NotDone, Seen: seen}, nil
}
