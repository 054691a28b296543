package commands

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"twokey/graph"
	"twokey/graph/rollout"
	"twokey/graph/simtenant"
	graphsync "twokey/graph/sync"
)

// known gives an office what is known of its tenant, read once as it is now.
func (o *office) known() {
	o.t.Helper()
	facts := graphsync.Read(o.t.Context(), o.client, o.now)
	o.env.Facts = func(ctx context.Context) rollout.Facts {
		declared, err := o.store.Declared(ctx, o.env.Organization.ID)
		if err != nil {
			o.t.Error(err)
		}
		f := facts
		f.AsOf, f.Declared, f.Devices = o.now(), rollout.NewScope(declared), rollout.Devices(declared)
		return f
	}
	o.facts = o.env.Facts
	o.env.Scope = rollout.Scope{Declared: map[string]rollout.Purpose{}}
	for _, m := range simtenant.Emergency(0) {
		o.env.Scope.Declared[m.ObjectID] = rollout.Emergency
	}
	o.env.Changes, o.env.Absences, o.env.Languages = &changeLog{}, o.store, o.store
	o.env.Alerts = o.store
	o.env.Trend = o.trend(o.store, o.env.Facts)
	o.assemble()
}

// drawn is what another run would draw otherwise.
var drawn = regexp.MustCompile(`[RCW]-[A-Z2-7]{6}|\b[0-9a-f]{64}\b|\bthe number [A-Z2-7]{8}\b`)

func settled(s string) string {
	return drawn.ReplaceAllStringFunc(s, func(found string) string {
		switch {
		case found[1] == '-':
			return found[:2] + "ABC234"
		case strings.HasPrefix(found, "the number"):
			return "the number ABCDEFGH"
		default:
			return "0123…cdef"
		}
	})
}

// spoken is what is said of each command in its transcript, and by whom, where
// its example alone would not do.
var spoken = map[string][]string{
	"me":               {"sam me", "sue me"},
	"setup":            {"sam setup", "sam setup iphone"},
	"status":           {"vic status", "vic status --department Sales", "vic status --admins", "vic status --group nowhere"},
	"who":              {"vic who missing", "vic who single", "vic who phone-only", "ada who weak", "vic who unenforced", "vic who stale", "vic who guests", "vic who disabled-reg", "ada who missing --csv", "vic who missing --csv", "vic who missing --department Nowhere"},
	"user":             {"ada user sue", "ada user sam", "ada user " + upn("olga"), "ada user nobody"},
	"preflight":        {"ada preflight defaults", "ada preflight legacy-block", "ada preflight require-mfa"},
	"exceptions":       {"vic exceptions"},
	"legacy":           {"vic legacy", "vic legacy --by app --failed", "vic legacy --by user"},
	"legacy declare":   {`ada legacy declare "Scanner 2nd floor" Vic Marlowe runs it`, `ada legacy declare "Scanner 2nd floor" --gone`},
	"export":           {"ada export people csv", "ada export legacy json", "ada export changes csv", "ada export exceptions csv", "ada export missing json"},
	"campaign explain": {"ada campaign explain sam", "ada campaign explain sue"},
	"nudge":            {"ada nudge sam --by 2027-01-15", "ada nudge sue --by 2027-01-15"},
	"tap":              {"ada tap sue --minutes 60 new phone"},
	"reset":            {"ada reset sue lost phone"},
	"method remove":    {"ada method remove sue some-id an old number"},
	"phone add":        {`ada phone add sue "+34 600000000" no smartphone`, "ada phone add sue 600000000 no smartphone"},
	"scope set":        {"ada scope set info service the front desk", "ada scope set sam leave", "ada scope set sam person"},
	"exception add":    {"ada exception add sam --until 2027-01-31 waits for a key", "ada exception add sam waits", "ada exception add sam --until 2028-01-31 waits"},
	"exception renew":  {"ada exception renew sue --until 2027-01-31 it is late"},
	"exception end":    {"ada exception end sue it is here"},
	"revoke":           {"ada revoke sue"},
	"block":            {"ada block sue has left"},
	"unblock":          {"ada unblock sue is back"},
	"doctor":           {"olga doctor"},
	"freeze":           {"abe freeze something is wrong"},
	"thaw":             {"olga thaw it is over"},
	"collect":          {"ada collect R-ABC234"},
	"cases":            {}, // several of one moment, in no order
	"privacy":          {"sue privacy"},
	"digest now":       {},
	"digest preview":   {},
	"away":             {"abe away"},
}

// whoSays is who runs a command in its transcript: somebody who may.
func whoSays(c Command) string {
	for _, name := range []string{"vic", "ada", "abe", "olga"} {
		for _, role := range c.Access.roles {
			for _, holds := range map[string][]string{"vic": {"viewer"}, "ada": {"helpdesk", "lead"}, "abe": {"approver"}, "olga": {"owner"}}[name] {
				if string(role) == holds {
					return name
				}
			}
		}
	}
	return "sam"
}

// TestTranscripts says every command to a bot over a simulated tenant of each
// licence, and keeps what it answers: a file a command, to be read as a manual.
// Then it says each through the adapter of each platform, on each licence.
func TestTranscripts(t *testing.T) {
	t.Parallel()
	licences := []graph.Licence{graph.Free, graph.P1, graph.P2}
	said := make([]map[string]string, len(licences))
	byLicence := make([]answered, len(licences))
	for i, licence := range licences {
		said[i] = map[string]string{}
		byLicence[i] = answered{licence.String(), said[i]}
		t.Run(licence.String(), func(t *testing.T) {
			open(t, func(o *office) {
				o.known()
				for _, c := range o.mux.all {
					said[i][c.Name] = o.transcript(c)
				}
			}, func(s *setting) { s.sim.Licence = licence })
		})
	}
	var byPlatform []answered
	for name, in := range map[string]func(*testing.T) platform{"console": inConsole, "Slack": inSlack, "Discord": inDiscord} {
		each := make([]map[string]string, len(licences))
		for i, licence := range licences {
			t.Run(name+" on "+licence.String(), func(t *testing.T) { each[i] = in(t).on(t, licence, said[i]) })
		}
		byPlatform = append(byPlatform, answered{name, alike(each, licences)})
	}
	slices.SortFunc(byPlatform, func(a, b answered) int { return cmp.Compare(strings.ToLower(a.name), strings.ToLower(b.name)) })
	known := map[string]bool{"README.md": true}
	for _, c := range every(t) {
		var b strings.Builder
		fmt.Fprintf(&b, "%s\n\n%s\nFor: %s.\n", grammar(c.CommandSpec), c.Summary, strings.Join(c.conditions(), "; "))
		same := said[0][c.Name] == said[1][c.Name] && said[1][c.Name] == said[2][c.Name]
		for i, licence := range licences {
			switch {
			case same && i == 0:
				b.WriteString("\n=== on every licence\n" + said[0][c.Name])
			case !same && i == 2 && said[1][c.Name] == strings.ReplaceAll(said[2][c.Name], graph.P2.String(), graph.P1.String()):
				fmt.Fprintf(&b, "\n=== %s\nAs on %s.\n", licence, licences[1])
			case !same:
				fmt.Fprintf(&b, "\n=== %s\n%s", licence, said[i][c.Name])
			}
		}
		name := strings.ReplaceAll(c.Name, " ", "-") + ".txt"
		known[name] = true
		golden(t, "commands/"+name, b.String())
	}
	golden(t, "../../docs/answers.md", answers(every(t), byPlatform, byLicence))
	files, err := os.ReadDir("testdata/commands")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !known[f.Name()] {
			t.Errorf("testdata/commands/%s is no command's", f.Name())
		}
	}
}

// alike is what came of each command on a platform, and on which licences where
// that is not the same on all.
func alike(each []map[string]string, licences []graph.Licence) map[string]string {
	cells := map[string]string{}
	for name, on := range each[0] {
		cells[name] = on
		for i := 1; i < len(each); i++ {
			if other := each[i][name]; other != each[i-1][name] {
				cells[name] += "; on " + licences[i].String() + ": " + other
			}
		}
	}
	return cells
}

// transcript says a command's lines and returns what is answered.
func (o *office) transcript(c Command) string {
	o.t.Helper()
	lines, ok := spoken[c.Name]
	if !ok {
		lines = []string{whoSays(c) + " " + c.Example}
	}
	var b strings.Builder
	for _, line := range lines {
		person, line, _ := strings.Cut(line, " ")
		got := o.say(person, line)
		if strings.Contains(got.Headline, "That did not work") {
			o.t.Errorf("%q: %s\n%.800s", line, got.Plain(), o.log)
		}
		fmt.Fprintf(&b, "\n%s> /mfa %s\n%s\n", person, line, settled(got.Plain()))
		if got.File != nil {
			fmt.Fprintf(&b, "--- the first lines of %s\n%s", got.File.Name, settled(firstLines(string(got.File.Data), 4)))
		}
	}
	return b.String()
}

func firstLines(s string, n int) string {
	lines := strings.SplitAfter(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	return strings.TrimPrefix(strings.Join(lines[:min(n, len(lines))], ""), "\ufeff")
}
