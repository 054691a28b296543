package commands

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/commands/rules"
	"twokey/graph"
	"twokey/graph/rollout"
)

// walkOf names the action by which each command that changes something is
// walked.
var walkOf = map[string]string{
	"defaults enable": "defaults enable", "defaults disable": "defaults",
	"legacy-block report-only": "legacy-block report-only", "legacy-block enforce": "legacy-block enforce",
	"require-mfa report-only": "require-mfa report-only", "require-mfa enforce": "require-mfa enforce",
	"tap": "tap", "tap-policy enable": "tap-policy", "reset": "reset", "method remove": "method", "phone add": "phone",
	"revoke": "revoke", "block": "block", "unblock": "unblock", "campaign set": "campaign", "goal": "goal", "scope set": "scope",
	"exception add": "exception add", "exception renew": "exception renew", "exception end": "exception end", "thaw": "thaw",
	"nudge": "nudge", "wave start": "wave", "template set": "template", "export": "export",
	"case pass": "case pass", "case reset": "case reset", "requests retry": "requests retry",
}

// walked are all actions that are walked.
func walked() []action {
	export := handing
	export.line += " the auditors ask for it"
	return slices.Concat(actions, reminding, []action{thawing, export}, roundabout)
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
	"nudge": func(o *office) {
		o.portal("DELETE", "/v1.0/users/"+cast("sam"), "")
		o.known()
	},
	"wave": func(o *office) {
		w, err := waveCalled(o.t.Context(), o.env, "all")
		w.State = rollout.WaveRunning
		if err = errors.Join(err, o.store.Update(o.t.Context(), func(tx approval.Tx) error { return putWave(tx, o.env.Organization.ID, w) })); err != nil {
			o.t.Error(err)
		}
	},
	"template": func(o *office) {
		_ = o.store.Update(o.t.Context(), func(tx approval.Tx) error {
			return tx.Set(o.env.Organization.ID, rollout.NudgeSetting("first", "en"), "Ask Ben.")
		})
	},
	"own-block": func(o *office) { o.twist.meekly = true }, // deleted, she could not ask any more
	"export":    func(o *office) { o.facts = func(context.Context) rollout.Facts { return rollout.Facts{} } },
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

// TestWalk walks every change that can be asked for, on both databases: its
// prompt is one that was looked at, it is carried out and said how to undo,
// stopped where what it rests on has changed, refused about a protected account,
// and never made twice where the answer was lost. What came of each is kept as a
// table, to be read. A command that changes something and is not walked fails it.
func TestWalk(t *testing.T) {
	t.Parallel()
	walked := walked()
	kinds := map[string]bool{}
	for _, c := range every(t) {
		name, known := walkOf[c.Name]
		if (c.Plan != nil || known) && !slices.ContainsFunc(walked, func(a action) bool { return a.name == name }) {
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
					kind, row := walk(t, a, database == "PostgreSQL")
					mu.Lock()
					defer mu.Unlock()
					kinds[kind] = true
					if was, ok := rows[a.name]; ok && was != row {
						t.Errorf("the databases differ:\n%s\n%s", was, row)
					}
					rows[a.name] = row
				})
			}
		}
	})
	for kind := range Actions(Env{}) {
		if !kinds[kind] {
			t.Errorf("no change of the kind %q is walked", kind)
		}
	}
	var b strings.Builder
	b.WriteString("Every change, walked on both databases: the prompt, what decides, what the tenant saw, how it is undone, what stops it, and\n" +
		"how it is known what became of it where the bot was killed or an answer lost.\n")
	for _, a := range walked {
		b.WriteString("\n" + rows[a.name])
	}
	golden(t, "walk.txt", b.String())
}

// walk walks one action in offices of its own, and says of what kind it is and
// what came of it.
func walk(t *testing.T, a action, server bool) (kind, row string) {
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
	prompt := "prompt-" + strings.ReplaceAll(a.name, " ", "-") + ".txt"
	if _, err := os.Stat(filepath.Join("testdata", prompt)); err != nil {
		t.Errorf("no prompt of it was looked at: %v", err)
	}
	say("prompt", "%s", prompt)
	in(func(o *office) {
		r := a.begins(o)
		kind = r.Kind
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
	in(func(o *office) { protectedRefused(o, a, say) })
	in(func(o *office) {
		_, ours := Actions(o.env)[kind].(approval.Local)
		switch {
		case len(a.writes) > 0:
			unanswered(o, a, say)
		case ours:
			say("lost", "nothing can be: it is stored in one transaction with its outcome.")
		default:
			unreceived(o, a, say)
		}
	})
	return kind, b.String()
}

// protectedRefused asks for the same about a protected account.
func protectedRefused(o *office, a action, say func(label, format string, args ...any)) {
	if slices.ContainsFunc(roundabout, func(r action) bool { return r.name == a.name }) {
		shielded(o, a, say)
		return
	}
	whom := regexp.MustCompile(` (sue|sam)(@\S+)?`)
	if !whom.MatchString(a.line) {
		say("protected", "it is about no account.")
		return
	}
	if len(a.writes) == 0 {
		a.fit(o)
	}
	line := whom.ReplaceAllString(a.line, " "+cast("emergency-1"))
	got := o.say(a.by, line)
	if !strings.Contains(got.Plain(), "is a protected account") || got.Request != "" || len(o.effects()) != 0 {
		o.t.Errorf("%q is answered with\n%s", line, got.Plain())
	}
	say("protected", "%s", got.Headline)
}

// shielded has the owner protect the account before a change is asked for that
// names it by something else than its line.
func shielded(o *office, a action, say func(label, format string, args ...any)) {
	o.t.Helper()
	a.fit(o)
	laid := o.laid
	laid.Protected = append(slices.Clone(laid.Protected), cast("sue"))
	o.env.Rules.Set([]rules.Version{{Rules: laid}})
	before := len(o.effects())
	got := o.say(a.by, o.typed(a.line))
	refusal := "is a protected account"
	if a.by == "sue" { // she is told what helps, and not how the bot is set up
		refusal = "could not be put forward for a block here"
	}
	if !strings.Contains(got.Plain(), refusal) || got.Request != "" || len(o.effects()) != before {
		o.t.Errorf("%q about a protected account is answered with\n%s", a.line, got.Plain())
	}
	said := got.Headline
	if !strings.Contains(said, refusal) {
		said = got.Text
	}
	say("protected", "%s", said)
}

// unreceived lets what was asked for arrive nowhere: nothing has been handed out.
func unreceived(o *office, a action, say func(label, format string, args ...any)) {
	r := a.begins(o)
	o.agrees(r)
	time.Sleep(r.Policy.Wait)
	_ = o.mux.Handle(o.t.Context(), &muffled{}, chat.Event{Key: "press-1", Kind: chat.Press, From: account(a.by), Button: "collect", Value: r.Seal()})
	r = o.ends(r)
	if got := o.press(a.by, "collect", r.Seal(), nil); r.State == approval.Succeeded || got.File != nil {
		o.t.Errorf("it %s, and is handed out again: %s", r.State, got.Plain())
	}
	say("lost", "%s: %s", r.State, r.Outcome.Why)
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
	if strings.HasPrefix(line, pauseLine) {
		wantSaid(o.t, o.press(a.by, "run", line, nil), "Paused: nobody of")
		say("undo", "offered, at once and without anybody's agreement: /mfa %s. %s", line, r.Words.Undo)
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
