package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/graph/rollout"
)

// What is declared of an account is the bot's own: nothing changes in the tenant
// by it, but who counts among the people does, and with them every figure.

const declareVersion = 1

// declares is what a transaction can do that keeps declarations.
type declares interface {
	Declare(tenant string, d rollout.Declaration) error
	Undeclare(tenant, object string, sort rollout.Sort) error
}

// declareArgs say what is to hold of an account.
type declareArgs struct {
	Purpose rollout.Purpose `json:"purpose,omitempty"` // of a scope
	Until   string          `json:"until,omitempty"`   // a day: it ends as that begins; empty: no end
	Ends    bool            `json:"ends,omitempty"`    // nothing of the sort holds any more
}

// declareSnapshot is what matters about an account of which something is declared.
// Its subject is empty in what was stored before there was one.
type declareSnapshot struct {
	Subject subject      `json:"subject,omitzero"`
	Is      *declareArgs `json:"is,omitempty"` // nil: nothing of the sort is declared
}

// declareAction implements approval.Action for the declarations of one sort.
type declareAction struct {
	env  Env
	kind kind
	sort rollout.Sort
}

var (
	_ approval.Action = declareAction{}
	_ approval.Local  = declareAction{}
)

func (a declareAction) read(ctx context.Context, s subject) (declareSnapshot, error) {
	state := declareSnapshot{Subject: s}
	all, err := a.env.Declarations.Declared(ctx, a.env.Organization.ID)
	if err != nil {
		return state, err
	}
	i := slices.IndexFunc(all, func(d rollout.Declaration) bool { return d.Sort == a.sort && d.Object == s.ID })
	if i >= 0 {
		state.Is = &declareArgs{Purpose: all[i].Purpose, Until: dayOrNone(a.env, all[i].Until)}
	}
	return state, nil
}

func dayOrNone(env Env, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(env.Zone).Format(time.DateOnly)
}

// plan is a plan about one account, but for its headline, radius and risk.
func (a declareAction) plan(s subject, is declareSnapshot, want declareArgs) approval.Plan {
	p := aboutOne(a.env, a.kind, declareVersion, s, stakesOf(a.kind, s))
	p.Args, p.Snapshot = json.RawMessage(encode(want)), json.RawMessage(encode(is))
	p.Words = approval.Words{
		Now: a.sentence(is.Is), Then: a.sentence(&want), Call: a.env.contact(),
		Undo: "“/mfa " + a.restoring(s.UPN, is.Is, want) + "”.",
	}
	if why := lookalike(s.Name, s.UPN); why != "" {
		p.Words.Findings = []string{why}
	}
	return p
}

// sentence says what holds.
func (a declareAction) sentence(is *declareArgs) string {
	switch {
	case a.sort == rollout.SortException && (is == nil || is.Ends):
		return "They are to register like everybody else."
	case a.sort == rollout.SortException:
		return "They need not register" + untilDay(is.Until) + "."
	case is == nil || is.Ends:
		return "The account counts as a person's."
	case is.Purpose == rollout.Leave:
		return "Its person is on leave" + untilDay(is.Until) + ", and is not counted."
	default:
		return "It is a " + string(is.Purpose) + " account" + untilDay(is.Until) + ", and is not counted among the people."
	}
}

func untilDay(typed string) string {
	if day, err := time.Parse(time.DateOnly, typed); err == nil {
		return " until " + day.Format("2 January 2006")
	}
	return ""
}

// restoring is the command line by which an account is declared to be what it was,
// after it was made into something else.
func (a declareAction) restoring(whom string, was *declareArgs, is declareArgs) string {
	until := ""
	if was != nil && was.Until != "" {
		until = " --until " + was.Until
	}
	switch {
	case a.sort == rollout.SortException && was == nil:
		return "exception end " + whom
	case a.sort == rollout.SortException && is.Ends:
		return "exception add " + whom + until
	case a.sort == rollout.SortException:
		return "exception renew " + whom + until
	case was == nil:
		return "scope set " + whom + " " + purposePerson
	default:
		return "scope set " + whom + " " + string(was.Purpose) + until
	}
}

// Snapshot implements approval.Action.
func (a declareAction) Snapshot(ctx context.Context, r approval.Request) (json.RawMessage, error) {
	s, err := readAimed(ctx, a.env, r)
	if err != nil {
		return nil, err
	}
	return snapshot(a.read(ctx, s))
}

// Compare implements approval.Action.
func (a declareAction) Compare(was, now json.RawMessage, r approval.Request, _ []approval.Step) []string {
	before, after, err := pair[declareSnapshot](was, now)
	want, unread := readArgs[declareArgs](r, declareVersion)
	id, unaimed := aimed(r)
	if errors.Join(err, unread, unaimed) != nil {
		return []string{notUnderstood}
	}
	rules := a.env.Rules.Now()
	switch {
	case after.Subject.Gone:
		return []string{"The account is gone: it does not exist any more."}
	case slices.Contains(rules.Protected, id), slices.Contains(rules.Emergency, id):
		return []string{quoted(r.Targets[0].Name, 120) + " is a protected account. No change may touch it, however many approve."}
	case after.holds(want):
		return []string{"It is so already: there is nothing to change."}
	case encode(before.Is) != encode(after.Is):
		return []string{"Something else was declared of it meanwhile. " + a.sentence(after.Is)}
	}
	if before.Subject.ID != "" {
		if found := compareRoles(before.Subject, after.Subject); len(found) > 0 {
			return found
		}
	}
	if day, err := time.ParseInLocation(time.DateOnly, want.Until, a.env.Zone); err == nil && !day.After(a.env.Now()) {
		return []string{"Its end is past: " + dayWords(a.env, day) + "."}
	}
	return nil
}

// holds reports whether what is wanted holds already.
func (s declareSnapshot) holds(want declareArgs) bool {
	if want.Ends || s.Is == nil {
		return want.Ends && s.Is == nil
	}
	return *s.Is == want
}

// Steps implements approval.Action: none in the tenant.
func (declareAction) Steps(approval.Request) ([]approval.Call, error) { return nil, nil }

// Probe implements approval.Action. There is no step to ask about.
func (declareAction) Probe(context.Context, approval.Request, json.RawMessage, approval.Step) (approval.Finding, error) {
	return approval.Finding{}, errors.New("a declaration has no steps")
}

// Apply implements approval.Local.
func (a declareAction) Apply(tx approval.Tx, r approval.Request, _ time.Time) error {
	want, err := readArgs[declareArgs](r, declareVersion)
	id, unaimed := aimed(r)
	if err := errors.Join(err, unaimed); err != nil {
		return err
	}
	kept, ok := tx.(declares)
	if !ok {
		return fmt.Errorf("declare: a %T keeps no declarations", tx)
	}
	if want.Ends {
		return kept.Undeclare(r.Tenant, id, a.sort)
	}
	d := rollout.Declaration{Object: id, Sort: a.sort, Purpose: want.Purpose, Name: r.Targets[0].Name, Why: r.Reason, Owner: r.Requester.Object, Request: r.Ref}
	if want.Until != "" {
		if d.Until, err = time.ParseInLocation(time.DateOnly, want.Until, a.env.Zone); err != nil {
			return fmt.Errorf("read end: %w", err)
		}
	}
	return kept.Declare(r.Tenant, d)
}

// untilOption is the end of what is declared.
var untilOption = chat.Option{Name: "until", Summary: "the day on which it ends, like 2026-12-31", Flag: true}

// endTyped reads the day on which something ends, "" for none. It lies ahead, and
// not further than so many days.
func endTyped(env Env, typed string, most int) (string, error) {
	if typed == "" {
		return "", nil
	}
	day, err := parseDay(typed, today(env))
	switch now := midnight(today(env)); {
	case err != nil:
		return "", err
	case !day.After(now):
		return "", &mistake{dayWords(env, day) + " is not ahead.", "Name a day that is still to come."}
	case day.After(now.AddDate(0, 0, most)):
		return "", &mistake{fmt.Sprintf("%s is more than %d days away, which is the most.", dayWords(env, day), most), "Name an earlier day. It can be renewed when that has come."}
	}
	return day.Format(time.DateOnly), nil
}
