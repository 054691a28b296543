package identity_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"twokey/commands/approval"
	"twokey/commands/identity"
	"twokey/commands/rules"
	"twokey/graph"
)

// wayIn is what a tenant tells of the ways into one account.
type wayIn struct {
	methods []graph.Method
	passes  []graph.Pass
	audits  []graph.Audit
	fails   map[string]error // by what is read: "methods", "one's methods", "passes", "audits"
}

func (w *wayIn) Methods(_ context.Context, ids []string) ([]graph.UserMethods, error) {
	return []graph.UserMethods{{UserID: ids[0], Methods: w.methods, Err: w.fails["one's methods"]}}, w.fails["methods"]
}

func (w *wayIn) Passes(context.Context, string) ([]graph.Pass, error) {
	return w.passes, w.fails["passes"]
}

func (w *wayIn) Audits(_ context.Context, q graph.AuditQuery) (all []graph.Audit, _ error) {
	for _, a := range w.audits {
		if !a.At.Before(q.Since) {
			all = append(all, a)
		}
	}
	return all, w.fails["audits"]
}

// past is a store whose requests have been asked already.
type past struct {
	approval.Store
	requests []approval.Request
}

type pastTx struct {
	approval.Tx
	*past
}

func (p *past) View(_ context.Context, f func(approval.Tx) error) error { return f(pastTx{past: p}) }

func (p pastTx) Recent(string, time.Time) ([]approval.Request, error) { return p.requests, nil }

// TestU01Doubt holds that an approval counts for nothing within a day of a new way
// into its author's account, wherever it shows, and that whoever presses is told
// what happened and who else could decide.
func TestU01Doubt(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	lately, before := now.Add(-23*time.Hour), now.Add(-25*time.Hour)
	line := func(activity string, at time.Time, about string) graph.Audit {
		return graph.Audit{At: at, Activity: activity, Succeeded: true, Targets: []graph.AuditTarget{{ID: about}}}
	}
	opened := func(kind, about string, s approval.State, at time.Time) approval.Request {
		return approval.Request{Ref: "R-ABC234", Kind: kind, Targets: []approval.Target{{ID: about}}, State: s, Outcome: approval.Outcome{At: at}}
	}
	away, denied := &graph.Error{Kind: graph.KindThrottled}, &graph.Error{Kind: graph.KindNoPermission}
	for name, c := range map[string]struct {
		way   wayIn
		asked []approval.Request
		says  string // empty: it counts
		fails bool   // it could not be read
	}{
		"nothing":                     {},
		"a method":                    {way: wayIn{methods: []graph.Method{{Kind: graph.MethodPhone, Created: lately}}}, says: "a new sign-in method was registered"},
		"a method of two days ago":    {way: wayIn{methods: []graph.Method{{Kind: graph.MethodPhone, Created: before}, {Kind: graph.MethodPasskey}}}},
		"one's password":              {way: wayIn{methods: []graph.Method{{Kind: graph.MethodPassword, Created: lately}}}},
		"a pass":                      {way: wayIn{passes: []graph.Pass{{Usable: true, Start: before, Lifetime: 72 * time.Hour}}}, says: "a Temporary Access Pass"},
		"a pass that was used":        {way: wayIn{passes: []graph.Pass{{Start: lately, Lifetime: time.Hour, Why: "OneTimeUsed"}}}, says: "a Temporary Access Pass"},
		"a pass that begins later":    {way: wayIn{passes: []graph.Pass{{Start: now.Add(time.Hour), Lifetime: time.Hour}}}, says: "a Temporary Access Pass"},
		"a pass that is long over":    {way: wayIn{passes: []graph.Pass{{Start: before.Add(-time.Hour), Lifetime: time.Hour}}}},
		"registered and removed":      {way: wayIn{audits: []graph.Audit{line("User registered security info", lately, "o-abe")}}, says: "the security info of your account was changed"},
		"deleted by somebody else":    {way: wayIn{audits: []graph.Audit{line("Admin deleted security info", lately, "o-abe")}}, says: "the security info of your account was changed"},
		"the page opened":             {way: wayIn{audits: []graph.Audit{line("User started security info registration", lately, "o-abe")}}},
		"a password reset":            {way: wayIn{audits: []graph.Audit{line("Reset password (by admin)", lately, "o-abe")}}, says: "the password of your account was reset"},
		"a password reset before":     {way: wayIn{audits: []graph.Audit{line("Reset password (by admin)", before, "o-abe")}}},
		"somebody else's":             {way: wayIn{audits: []graph.Audit{line("Reset password (by admin)", lately, "o-bea")}}},
		"a pass of ours":              {asked: []approval.Request{opened("tap", "o-abe", approval.Succeeded, lately)}, says: "there was R-ABC234 about your account"},
		"a pass of ours under way":    {asked: []approval.Request{opened("tap", "o-abe", approval.Reconciling, time.Time{})}, says: "there was R-ABC234"},
		"a pass of ours long ago":     {asked: []approval.Request{opened("tap", "o-abe", approval.Succeeded, before)}},
		"a pass of ours, denied":      {asked: []approval.Request{opened("tap", "o-abe", approval.Denied, lately)}},
		"a pass of ours for another":  {asked: []approval.Request{opened("tap", "o-bea", approval.Succeeded, lately)}},
		"another change of ours":      {asked: []approval.Request{opened("revoke", "o-abe", approval.Succeeded, lately)}},
		"methods unread":              {way: wayIn{fails: map[string]error{"methods": away}}, fails: true},
		"one's own unread":            {way: wayIn{fails: map[string]error{"one's methods": away}}, fails: true},
		"passes unread":               {way: wayIn{fails: map[string]error{"passes": away}}, fails: true},
		"the log unread":              {way: wayIn{fails: map[string]error{"audits": away}}, fails: true},
		"no permission for the log":   {way: wayIn{fails: map[string]error{"audits": denied}}},
		"no permission for one of it": {way: wayIn{fails: map[string]error{"passes": denied}, methods: []graph.Method{{Kind: graph.MethodPhone, Created: lately}}}, says: "a new sign-in method"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := settle()
			d := identity.New(identity.Config{
				Rules: rules.Fixed(s.rules), Security: &c.way, Requests: &past{requests: c.asked}, Opening: []string{"tap", "reset"},
				Now: func() time.Time { return now },
			}, s.town)
			err := d.Doubt(t.Context(), person("abe"), about("sam"))
			var no *approval.Refusal
			switch {
			case c.fails:
				if err == nil || errors.As(err, &no) {
					t.Errorf("what cannot be read gives %v", err)
				}
			case c.says == "":
				if err != nil {
					t.Errorf("it does not count: %v", err)
				}
			case !errors.Is(err, approval.ErrDoubt) || !errors.As(err, &no):
				t.Errorf("got %v, want a doubt", err)
			default:
				for _, want := range []string{c.says, "Who else could decide: “bea”, “cat”."} {
					if !strings.Contains(no.Text, want) {
						t.Errorf("%q does not say %q", no.Text, want)
					}
				}
			}
		})
	}
}
