package fuzz_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"time"

	"twokey/audit"
	"twokey/chat"
	"twokey/chat/phrases"
	"twokey/commands"
	"twokey/commands/alert"
	"twokey/commands/approval"
	"twokey/commands/staff"
	"twokey/graph"
	"twokey/graph/rollout"
)

var errAway = errors.New("it is away")

// town is a small tenant as plain values.
type town struct{ users []graph.User }

func (t *town) user(named func(graph.User) bool) []graph.User {
	for _, u := range t.users {
		if named(u) {
			return []graph.User{u}
		}
	}
	return nil
}

func (t *town) SecurityDefaults(context.Context) (graph.SecurityDefaults, error) {
	return graph.SecurityDefaults{}, nil
}

func (t *town) Policies(context.Context) ([]graph.Policy, error) { return nil, nil }
func (t *town) MethodsPolicy(context.Context) (graph.MethodsPolicy, error) {
	return graph.MethodsPolicy{Migrated: true, Pass: graph.PassPolicy{}}, nil
}

func (t *town) RoleHolders(context.Context) ([]graph.RoleHolder, error) {
	return []graph.RoleHolder{{UserID: "id-olga", Roles: []graph.Role{{TemplateID: graph.RoleGlobalAdministrator}}}}, nil
}
func (t *town) RoleGroupPeople(context.Context) ([]graph.RoleHolder, error) { return nil, nil }
func (t *town) Group(context.Context, string) (graph.Group, error) {
	return graph.Group{}, &graph.Error{Kind: graph.KindNotFound}
}

func (t *town) FindUsers(_ context.Context, typed string) ([]graph.User, error) {
	return t.user(func(u graph.User) bool { return strings.EqualFold(u.UPN, typed) || u.ID == typed || u.Name == typed }), nil
}

func (t *town) User(_ context.Context, id string) (graph.User, error) {
	if found := t.user(func(u graph.User) bool { return u.ID == id }); len(found) > 0 {
		return found[0], nil
	}
	return graph.User{}, &graph.Error{Kind: graph.KindNotFound}
}

func (t *town) Manager(context.Context, string) (graph.User, error) {
	return graph.User{}, &graph.Error{Kind: graph.KindNotFound}
}
func (t *town) MemberOf(context.Context, string, []string) ([]string, error) { return nil, nil }
func (t *town) GroupMembers(context.Context, string) ([]string, error)       { return nil, nil }

func (t *town) Methods(_ context.Context, ids []string) ([]graph.UserMethods, error) {
	all := make([]graph.UserMethods, len(ids))
	for i, id := range ids {
		all[i] = graph.UserMethods{UserID: id, Methods: []graph.Method{{ID: "p", Kind: graph.MethodPassword}, {ID: "a", Kind: graph.MethodAuthenticator, Label: "a phone"}}}
	}
	return all, nil
}

func (t *town) SignInPreference(context.Context, string) (graph.SignInPreference, error) {
	return graph.SignInPreference{}, nil
}
func (t *town) Passes(context.Context, string) ([]graph.Pass, error)        { return nil, nil }
func (t *town) HasPhone(context.Context, string, graph.Phone) (bool, error) { return false, nil }
func (t *town) SessionsFrom(context.Context, string) (time.Time, error) {
	return time.Time{}, nil
}
func (t *town) Grants(context.Context) (graph.Grants, error) { return graph.Grants{}, nil }

// facts are what is known of it.
func (t *town) facts(context.Context) rollout.Facts {
	methods, _ := t.Methods(context.Background(), []string{"id-ada", "id-sam"})
	return rollout.Facts{
		AsOf: now(), Licence: rollout.From(graph.Free, nil), Users: rollout.From(t.users, nil), Methods: rollout.From(methods, nil),
		SecurityDefaults: rollout.From(graph.SecurityDefaults{}, nil), Policies: rollout.From[[]graph.Policy](nil, nil),
	}
}

// emptiness is a database in which there is nothing, and which takes nothing
// in: it costs a fuzzer no time.
type emptiness struct{}

func (emptiness) Update(context.Context, func(approval.Tx) error) error { return errAway }
func (emptiness) View(_ context.Context, f func(approval.Tx) error) error {
	return f(nothing{})
}
func (emptiness) Alone() bool { return true }

func (emptiness) LastRecords(context.Context, string, int) ([]audit.Record, error) { return nil, nil }

func (emptiness) AuditFrom(context.Context, int64) iter.Seq2[audit.Record, error] {
	return func(func(audit.Record, error) bool) {}
}

func (emptiness) Audit(context.Context) iter.Seq2[audit.Record, error] {
	return func(func(audit.Record, error) bool) {}
}

func (emptiness) Who(context.Context, ...string) (map[string]audit.Person, error) { return nil, nil }

func (emptiness) Asides(context.Context, string) ([]audit.Aside, error) { return nil, nil }

func (emptiness) MatchedChange(context.Context, string) (string, bool, error) { return "", false, nil }

func (emptiness) Away(context.Context, string) (map[string]time.Time, error) { return nil, nil }
func (emptiness) SetAway(context.Context, approval.Principal, time.Time, func(approval.Tx) error) error {
	return errAway
}

func (emptiness) Language(context.Context, string, chat.Account) (phrases.Language, error) {
	return "", nil
}

func (emptiness) SetLanguage(context.Context, string, chat.Account, string, phrases.Language) error {
	return errAway
}

func (emptiness) Declared(context.Context, string) ([]rollout.Declaration, error) { return nil, nil }

func (emptiness) LookUp(context.Context, approval.Principal, []string, func(approval.Tx, int, int) error) error {
	return nil
}

func (emptiness) KeepGap(context.Context, string, staff.Gap) error  { return nil }
func (emptiness) Gaps(context.Context, string) ([]staff.Gap, error) { return nil, nil }
func (emptiness) StaffNote(context.Context, string, string) (staff.Note, error) {
	return staff.Note{}, nil
}
func (emptiness) StaffNotes(context.Context, string) ([]staff.Note, error) { return nil, nil }
func (emptiness) KeepStaffNote(context.Context, string, string, func(*staff.Note), func(approval.Tx) error) error {
	return errAway
}

func (emptiness) OpenCase(context.Context, staff.Case, func(approval.Tx, staff.Case) error) (staff.Case, bool, error) {
	return staff.Case{}, false, errAway
}

func (emptiness) Case(context.Context, string, string) (staff.Case, error) {
	return staff.Case{}, staff.ErrNoCase
}

func (emptiness) OpenCases(context.Context, string, string) ([]staff.Case, error) { return nil, nil }

func (emptiness) CasesOf(context.Context, string, string) ([]staff.Case, error) { return nil, nil }

func (emptiness) ChangeCase(context.Context, string, string, func(staff.Case, time.Time) (staff.Case, error), func(approval.Tx, staff.Case) error) (staff.Case, error) {
	return staff.Case{}, staff.ErrNoCase
}

func (emptiness) Stored(context.Context, string, string, ...string) ([]staff.Stored, error) {
	return nil, nil
}

func (emptiness) Changes(context.Context, time.Time, int) (rollout.ChangeLog, error) {
	return rollout.ChangeLog{}, nil
}

func (emptiness) Waves(context.Context, string) ([]rollout.Wave, error) { return nil, nil }
func (emptiness) Reach(context.Context, rollout.Wave) (rollout.Outreach, chat.Message, error) {
	return rollout.Outreach{}, chat.Message{}, nil
}

func (emptiness) Alert(context.Context, string, string) (alert.Alert, bool, error) {
	return alert.Alert{}, false, nil
}

func (emptiness) Acknowledge(context.Context, string, string, string) (alert.Alert, bool, error) {
	return alert.Alert{}, false, nil
}

func (emptiness) Weeks(context.Context, int) ([]rollout.Week, error) { return nil, nil }
func (emptiness) Picture([]rollout.Week, rollout.Forecast) (*chat.Image, error) {
	return nil, nil
}

func (emptiness) Preview(context.Context) (chat.Message, error) {
	return chat.Message{Headline: "MFA week 48"}, nil
}
func (emptiness) PostNow(context.Context, string) (bool, error) { return true, nil }

// nothing is a read transaction of it.
type nothing struct{ approval.Tx }

func (nothing) Now() (time.Time, error) { return now(), nil }
func (nothing) Request(string) (approval.Request, error) {
	return approval.Request{}, approval.ErrNotFound
}
func (nothing) Freeze(string) (approval.Freeze, error)        { return approval.Freeze{}, nil }
func (nothing) Setting(string, string) (string, error)        { return "", nil }
func (nothing) Decisions(string) ([]approval.Decision, error) { return nil, nil }
func (nothing) Steps(string) ([]approval.Step, error)         { return nil, nil }
func (nothing) Attempt(string) (approval.Attempt, error) {
	return approval.Attempt{}, approval.ErrNotFound
}

func (nothing) RequestByKey(string) (approval.Request, error) {
	return approval.Request{}, approval.ErrNotFound
}
func (nothing) Requests(string, ...approval.State) ([]approval.Request, error) { return nil, nil }
func (nothing) Recent(string, time.Time) ([]approval.Request, error)           { return nil, nil }
func (nothing) Alike(approval.Request, time.Time) ([]approval.Request, error)  { return nil, nil }
func (nothing) Unresolved(time.Time) ([]approval.Request, error)               { return nil, nil }

var (
	_ commands.Tenant       = (*town)(nil)
	_ approval.Store        = emptiness{}
	_ commands.Records      = emptiness{}
	_ commands.Absences     = emptiness{}
	_ commands.Languages    = emptiness{}
	_ commands.Declarations = emptiness{}
	_ staff.Store           = emptiness{}
	_ commands.Trend        = emptiness{}
	_ commands.Digest       = emptiness{}
	_ commands.Nudges       = emptiness{}
	_ commands.Alerts       = emptiness{}
)
