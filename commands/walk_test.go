package commands

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"twokey/commands/approval"
	"twokey/graph"
)

// walkOf names the action by which each command that changes something is
// walked. Those that begin with something else than a line are walked elsewhere.
var walkOf = map[string]string{
	"defaults enable": "defaults enable", "defaults disable": "defaults",
	"legacy-block report-only": "legacy-block report-only", "legacy-block enforce": "legacy-block enforce",
	"require-mfa report-only": "require-mfa report-only", "require-mfa enforce": "require-mfa enforce",
	"tap": "tap", "tap-policy enable": "tap-policy", "reset": "reset", "method remove": "method", "phone add": "phone",
	"revoke": "revoke", "block": "block", "unblock": "unblock", "campaign set": "campaign", "goal": "goal", "scope set": "scope",
	"exception add": "exception add", "exception renew": "exception renew", "exception end": "exception end", "thaw": "thaw",
	"requests retry": "",                   // with the requests of several accounts
	"case pass":      "", "case reset": "", // in the tests of cases, with the proofs that they rest on
	"nudge": "", "wave start": "", "template set": "", // in their own, with what people are then written
}

// drifts change what each action rests on, past the bot.
var drifts = map[string]func(*office){
	"defaults": func(o *office) {
		o.portal("PATCH", "/v1.0/policies/identitySecurityDefaultsEnforcementPolicy", `{"isEnabled":false}`)
	},
	"defaults enable": func(o *office) {
		o.portal("PATCH", "/v1.0/policies/identitySecurityDefaultsEnforcementPolicy", `{"isEnabled":true}`)
	},
	"legacy-block report-only": reported(graph.AimRequireMFA),
	"require-mfa report-only":  reported(graph.AimBlockLegacy),
	"legacy-block enforce":     func(o *office) { o.portal("DELETE", o.ours(), "") },
	"require-mfa enforce":      func(o *office) { o.portal("DELETE", o.ours(), "") },
	"tap-policy":               func(o *office) { o.passPolicy(`{"maximumLifetimeInMinutes":600`) },
	"campaign":                 func(o *office) { o.campaign(`"state":"disabled"`) },
	"goal": func(o *office) {
		_ = o.store.Update(o.t.Context(), func(tx approval.Tx) error { return tx.Set(o.env.Organization.ID, settingGoal, `{"percent":90}`) })
	},
	"thaw": func(o *office) {
		_ = o.store.Update(o.t.Context(), func(tx approval.Tx) error { return tx.SetFreeze(o.env.Organization.ID, approval.Freeze{}) })
	},
}

// drift is what happens to an action between the last approval and the start.
func drift(a action) func(*office) {
	if d := drifts[a.name]; d != nil {
		return d
	}
	return func(o *office) { o.portal("DELETE", "/v1.0/users/"+cast("sue"), "") }
}

// TestWalk walks every change that can be asked for, on both databases: it is
// carried out and said how to undo, stopped where what it rests on has changed,
// refused about a protected account, and never sent twice where the answer was
// lost. What came of each is kept as a table, to be read.
func TestWalk(t *testing.T) {
	t.Parallel()
	walked := append(slices.Clone(actions), thawing)
	for _, c := range every(t) {
		name, known := walkOf[c.Name]
		if c.Plan != nil && (!known || name != "" && !slices.ContainsFunc(walked, func(a action) bool { return a.name == name })) {
			t.Errorf("%q changes something and is not walked", c.Name)
		}
	}
	var mu sync.Mutex
	rows := map[string]string{}
	t.Run("each", func(t *testing.T) {
		for _, a := range walked {
			for _, database := range []string{"SQLite", "PostgreSQL"} {
				t.Run(a.name+" on "+database, func(t *testing.T) {
					t.Parallel()
					row := walk(t, a, database == "PostgreSQL")
					mu.Lock()
					defer mu.Unlock()
					if was, ok := rows[a.name]; ok && was != row {
						t.Errorf("the databases differ:\n%s\n%s", was, row)
					}
					rows[a.name] = row
				})
			}
		}
	})
	var b strings.Builder
	b.WriteString("Every change, walked: what it is decided by, what the tenant saw, how it is undone, and what stops it.\n")
	for _, a := range walked {
		b.WriteString("\n" + rows[a.name])
	}
	golden(t, "walk.txt", b.String())
}

// walk walks one action in offices of its own, and says what came of it.
func walk(t *testing.T, a action, server bool) string {
	t.Helper()
	in := func(f func(o *office)) {
		change := []func(*setting){a.change}
		if server {
			dsn := migrated(t)
			change = append(change, func(s *setting) { s.dsn = dsn })
		}
		open(t, f, change...)
	}
	var b strings.Builder
	say := func(label, format string, args ...any) {
		fmt.Fprintf(&b, "  %-10s %s\n", label, settled(strings.NewReplacer(cast("sue"), "<sue>").Replace(fmt.Sprintf(format, args...))))
	}
	fmt.Fprintf(&b, "%s> /mfa %s\n", a.by, a.line)
	in(func(o *office) {
		r := a.begins(o)
		before := len(o.effects())
		r = a.runs(o, r)
		effects := o.effects()[before:]
		if r.State != approval.Succeeded || len(effects) != len(a.writes) {
			t.Errorf("it %s after %d writes: %+v", r.State, len(effects), r.Outcome)
		}
		say("decided", "%s, by %d", r.Policy.Name, r.Policy.Quorum)
		say("done", "%s; the tenant saw %d of %d writes", r.State, len(effects), len(a.writes))
		undone(o, a, r, say)
	})
	in(func(o *office) {
		r := a.begins(o)
		drift(a)(o)
		before := len(o.effects())
		r = a.runs(o, r)
		if n := len(o.effects()) - before; r.State != approval.Stale || n != 0 || len(r.Outcome.Findings) == 0 {
			t.Errorf("after a drift it %s after %d writes: %+v", r.State, n, r.Outcome)
		}
		say("drift", "%s: %s", r.State, strings.Join(r.Outcome.Findings, " "))
	})
	if strings.Contains(a.line, " sue") || strings.Contains(a.line, upn("sue")) {
		in(func(o *office) {
			line := strings.Replace(strings.Replace(a.line, upn("sue"), "sue", 1), " sue", " "+cast("emergency-1"), 1)
			got := o.say(a.by, line)
			if !strings.Contains(got.Plain(), "is a protected account") || got.Request != "" || len(o.effects()) != 0 {
				t.Errorf("%q is answered with\n%s", line, got.Plain())
			}
			say("protected", "%s", got.Headline)
		})
	}
	if len(a.writes) > 0 {
		in(func(o *office) { unanswered(o, a, say) })
	}
	return b.String()
}

// undone takes what an outcome offers, or says what stands there instead.
func undone(o *office, a action, r approval.Request, say func(label, format string, args ...any)) {
	line := o.offered(r)
	if line == "" {
		if r.Words.Undo == "" {
			o.t.Errorf("%s: nothing says how it is undone", a.name)
		}
		say("undo", "%s", r.Words.Undo)
		return
	}
	back := o.takes(a.by, line)
	o.agrees(back)
	if back = o.ends(back); back.State != approval.Succeeded {
		o.t.Errorf("%q %s: %+v", line, back.State, back.Outcome)
	}
	say("undo", "offered and %s: /mfa %s", back.State, line)
}

// unanswered cuts the answer to the first write off: it is never sent again.
func unanswered(o *office, a action, say func(label, format string, args ...any)) {
	r := a.begins(o)
	before := len(o.effects())
	method, _, _ := strings.Cut(a.writes[0], " ")
	o.fault(`[{"method":"` + method + `","path":"/` + strings.Split(calledAt(o, r), "/")[1] + `/*","times":1,"cut":"after"}]`)
	r = a.runs(o, r)
	seen := map[string]int{}
	for _, e := range o.effects()[before:] {
		seen[e.ClientRequestID]++
	}
	for id, n := range seen {
		if n > 1 {
			o.t.Errorf("%s was applied %d times as %s", a.name, n, id)
		}
	}
	if len(seen) > len(a.writes)+1 || !r.State.Final() { // a pass that nobody got is deleted again
		o.t.Errorf("%s is %s after %d writes", a.name, r.State, len(seen))
	}
	say("lost", "%s: %s", r.State, r.Outcome.Why)
}
