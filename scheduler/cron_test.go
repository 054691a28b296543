package scheduler

import (
	"archive/zip"
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/robfig/cron/v3"

	"twokey/graph/rollout"
)

// dueTimesFile is the document that is generated here.
var dueTimesFile = filepath.Join("..", "docs", "due-times.md")

// The weeks of which the document tells: ten years, from a Monday on.
var (
	tableFrom = time.Date(2026, time.January, 5, 0, 0, 0, 0, time.UTC)
	tableTo   = time.Date(2036, time.January, 7, 0, 0, 0, 0, time.UTC)
)

// A clockChange is a moment at which a zone's clock is set.
type clockChange struct {
	middle time.Time     // of what it skips or shows twice, as a moment in UTC
	by     time.Duration // below 0: back
}

// clockChanges lists those of a zone within the table's years.
func clockChanges(zone *time.Location) (all []clockChange) {
	for at := tableFrom; ; {
		end := steadyUntil(zone, at)
		if end.IsZero() || end.After(tableTo) {
			return all
		}
		before, after := wall(end.Add(-time.Nanosecond), zone), wall(end, zone)
		if d := after.Sub(before).Round(time.Second); d != 0 {
			all = append(all, clockChange{before.Add(d / 2).Round(time.Minute), d})
		}
		at = end
	}
}

// failure is a weekly rule with which a plain cron expression goes wrong, and in
// which weeks.
type failure struct {
	rule           string
	skipped, twice []string
}

// plainCron counts how often a plain cron expression would have been due in
// each week. Cron's own parser and rule are asked.
func plainCron(w Weekly) failure {
	rule := must(cron.ParseStandard(fmt.Sprintf("%d %d * * %d", w.Minute, w.Hour, w.Day))).(*cron.SpecSchedule)
	rule.Location = w.Zone
	f := failure{rule: ruleWords(w)}
	var runs []time.Time
	for at := rule.Next(tableFrom.AddDate(0, 0, -8)); !at.IsZero() && at.Before(tableTo.AddDate(0, 0, 8)); at = rule.Next(at) {
		runs = append(runs, at)
	}
	for due := w.Next(tableFrom.AddDate(0, 0, -1)); due.Before(tableTo); due = w.Next(due) {
		date, _ := w.last(due)
		week := rollout.ISOWeek(date)
		n := 0
		for len(runs) > 0 && wall(runs[0], w.Zone).Before(date.AddDate(0, 0, 3).Add(12*time.Hour)) {
			if wall(runs[0], w.Zone).After(date.AddDate(0, 0, -4)) {
				n++
			}
			runs = runs[1:]
		}
		switch {
		case n == 0:
			f.skipped = append(f.skipped, week)
		case n > 1:
			f.twice = append(f.twice, week)
		}
	}
	return f
}

// TestG31PlainCronFails holds docs/due-times.md to what a plain cron expression
// would have done in each zone, with a rule in the middle of what its clock skips
// or shows twice; and that it is this that our own rule is for.
func TestG31PlainCronFails(t *testing.T) {
	t.Parallel()
	zones := zonesOfGo(t)
	type group struct {
		names    []string
		failures []failure
	}
	var groups []*group
	byChanges := map[string]*group{}
	for name := range strings.FieldsSeq(zoneNames) {
		zone := zones(name)
		all := clockChanges(zone)
		if len(all) == 0 {
			continue
		}
		key := fmt.Sprint(all)
		if g := byChanges[key]; g != nil {
			g.names = append(g.names, name)
			continue
		}
		g := &group{names: []string{name}}
		groups, byChanges[key] = append(groups, g), g
		seen := map[string]bool{}
		for _, c := range all {
			w := Weekly{c.middle.Weekday(), c.middle.Hour(), c.middle.Minute(), zone}
			if seen[ruleWords(w)] {
				continue
			}
			seen[ruleWords(w)] = true
			f := plainCron(w)
			if len(f.skipped)+len(f.twice) == 0 {
				t.Errorf("%s: cron is right about %s, and the clock is set then", name, f.rule)
			}
			g.failures = append(g.failures, f)
		}
	}
	slices.SortFunc(groups, func(a, b *group) int {
		return cmp.Or(cmp.Compare(len(b.names), len(a.names)), cmp.Compare(a.names[0], b.names[0]))
	})
	var b strings.Builder
	b.WriteString(dueTimesHead)
	for _, g := range groups {
		for _, f := range g.failures {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", zonesWords(g.names), f.rule, weeksWords(f.skipped), weeksWords(f.twice))
		}
	}
	b.WriteString("\n## Zones\n\nThe zones of each row, as the time zone database names them.\n\n")
	for _, g := range groups {
		fmt.Fprintf(&b, "- %s\n", strings.Join(g.names, ", "))
	}
	document(t, dueTimesFile, b.String())
}

const dueTimesHead = `<!-- Made by TestG31PlainCronFails in scheduler; go test ./scheduler -run PlainCron -update writes it anew. -->
# Due times that a cron expression gets wrong

A weekly cron expression steps through what the clock on the wall shows. Where the clock is set forward over the wanted time it skips the week; where it is set back over it, it comes twice.
Twokey's own rule (` + "`scheduler.Weekly`" + `) gives every week of every zone one moment. This is what ` + "`robfig/cron`" + ` would have done alone, from 2026 to 2035, with a rule in the middle
of what the zone's clock skips or shows twice: in all zones whose clocks are set at all. At nine on a Monday no clock is set, and cron is right; whoever chooses a night is in this table.

| Zones | Weekly at | Skipped | Twice |
|---|---|---|---|
`

// zonesOfGo loads zones as the Go that runs this test knows them: those of the
// machine may be of another year.
func zonesOfGo(t *testing.T) func(name string) *time.Location {
	t.Helper()
	root := strings.TrimSpace(string(must(exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output())))
	archive := must(zip.OpenReader(filepath.Join(root, "lib", "time", "zoneinfo.zip")))
	t.Cleanup(func() { _ = archive.Close() })
	return func(name string) *time.Location {
		return must(time.LoadLocationFromTZData(name, must(fs.ReadFile(archive, name))))
	}
}

func ruleWords(w Weekly) string { return fmt.Sprintf("%s %02d:%02d", w.Day, w.Hour, w.Minute) }

func zonesWords(names []string) string {
	if n := len(names) - 1; n > 0 {
		return names[0] + " and " + count(n, "other", "others")
	}
	return names[0]
}

func weeksWords(weeks []string) string { return cmp.Or(strings.Join(weeks, ", "), "–") }

// document holds a document of docs to what it should be.
func document(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := string(must(os.ReadFile(file))); got != want {
		t.Errorf("%s is not what it was made from any more; look at the difference, and run with -update", file)
	}
}
