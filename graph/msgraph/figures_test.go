package msgraph_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/graph"
	"twokey/graph/msgraph"
	"twokey/graph/rollout"
	"twokey/graph/simtenant"
	"twokey/graph/sync"
)

var update = flag.Bool("update", false, "rewrite docs/figures.md")

// figuresFile is the document that is generated here.
var figuresFile = filepath.Join("..", "..", "docs", "figures.md")

// columns are the tenants that are read for the tables.
var columns = []struct {
	name string
	cfg  simtenant.Config
}{
	{"Free", simtenant.Config{Licence: graph.Free}},
	{"Free, names concealed", simtenant.Config{Licence: graph.Free, ConcealNames: true}},
	{"Free, methods refused", simtenant.Config{Licence: graph.Free, RefuseMethods: true}},
	{"P1", simtenant.Config{Licence: graph.P1}},
	{"P2", simtenant.Config{Licence: graph.P2}},
}

// weeksRead is how many weekly readings each tenant gets, the last one at noon.
const weeksRead = 6

// column is all that was read of one tenant.
type column struct {
	facts  rollout.Facts // of the last reading
	scope  rollout.Scope
	funnel rollout.Funnel
	legacy rollout.Legacy
	weeks  []rollout.Week
	audits []graph.Audit
	failed error // of the audits
}

// TestU16FiguresByLicence runs the whole chain, from a tenant over the SDK and a
// full reading to the figures, on every licence, and holds docs/figures.md to
// what came out.
func TestU16FiguresByLicence(t *testing.T) {
	t.Parallel()
	read := make([]column, len(columns))
	t.Run("read", func(t *testing.T) {
		for i, c := range columns {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				read[i] = readColumn(t, c.cfg)
			})
		}
	})
	for _, line := range figureRows(read, rollout.Figure.String) {
		t.Log(line)
	}
	got := figuresDocument(read)
	if *update {
		if err := os.WriteFile(figuresFile, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(figuresFile)
	if err != nil {
		t.Fatal(err)
	}
	if got == string(want) {
		return
	}
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range min(len(gotLines), len(wantLines)) {
		if gotLines[i] != wantLines[i] {
			t.Fatalf("%s is not what the tenants gave; look at the difference and run with -update.\n got %s\nwant %s", figuresFile, gotLines[i], wantLines[i])
		}
	}
	t.Fatalf("%s: got %d lines, want %d; look at the difference and run with -update", figuresFile, len(gotLines), len(wantLines))
}

// readColumn reads a tenant as it was at noon in each of the weeks.
func readColumn(t *testing.T, cfg simtenant.Config) column {
	t.Helper()
	c := column{scope: declaredScope()}
	for back := weeksRead - 1; back >= 0; back-- {
		at := noon().AddDate(0, 0, -7*back)
		client := clientAt(t, cfg, at)
		c.facts = sync.Read(t.Context(), client, func() time.Time { return at })
		c.funnel, c.legacy = rollout.NewFunnel(c.facts, c.scope), rollout.NewLegacy(c.facts, c.scope)
		c.weeks = append(c.weeks, rollout.NewWeek(rollout.ISOWeek(at), c.funnel, c.legacy))
		if back == 0 {
			c.audits, c.failed = client.Audits(t.Context(), graph.AuditQuery{Since: at.AddDate(0, 0, -7)})
		}
	}
	return c
}

// clientAt is a client of the tenant as it was at a moment.
func clientAt(t *testing.T, cfg simtenant.Config, at time.Time) *msgraph.Client {
	t.Helper()
	now := func() time.Time { return at }
	cfg.People, cfg.Epoch, cfg.Now = 120, noon(), now
	tenant, err := simtenant.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return client(t, msgraph.Config{
		BaseURL: newServer(t, tenant) + "/v1.0", Credential: msgraph.StaticToken("figures"), Now: now, Unbudgeted: true,
	})
}

// declaredScope is what the tenant's owner would declare.
func declaredScope() rollout.Scope {
	s := rollout.Scope{Declared: map[string]rollout.Purpose{}}
	for _, m := range simtenant.Service(0) {
		s.Declared[m.ObjectID] = rollout.Service
	}
	for _, m := range simtenant.Emergency(0) {
		s.Declared[m.ObjectID] = rollout.Emergency
	}
	return s
}

func figuresDocument(read []column) string {
	var b strings.Builder
	b.WriteString(`# Figures and lists by licence

Generated from what simulated tenants of each licence gave through the whole chain: Graph, the SDK, a full reading,
the figures. ` + "`go test ./graph/msgraph -run TestU16 -update`" + ` writes it anew, and the same test fails where it is not true any more.

A cell says *value*, or *stored since* the weekly reading from which on it has one, or else the reason why there is none. *Free,
names concealed* is a tenant whose usage reports hide names, which is Microsoft's default; *Free, methods refused* is one where Graph
refuses to read people's methods one by one without a licence. Whether real Free tenants do that is not verified. What *needs P1*
there can be had on *Free* otherwise.

## Figures

Each figure from ` + "`registered`" + ` to ` + "`per_user_leftovers`" + ` has a share beside it, with ` + "`_percent`" + ` behind its name, and the same cells.

`)
	word := func(f rollout.Figure) string {
		if _, ok := f.Value(); ok {
			return "value"
		}
		return string(f.Reason())
	}
	for _, line := range figureRows(read, word) {
		b.WriteString(line + "\n")
	}
	b.WriteString("\n## Lists and what commands answer\n\n")
	for _, line := range commandRows(read) {
		b.WriteString(line + "\n")
	}
	return b.String()
}

// tableHead is the head of a table with a column for each tenant.
func tableHead(first string) []string {
	head, rule := "| "+first, "| ---"
	for _, c := range columns {
		head += " | " + c.name
		rule += " | ---"
	}
	return []string{head + " |", rule + " |"}
}

// figureRows is a row for each figure, in the order of the funnel.
func figureRows(read []column, word func(rollout.Figure) string) []string {
	lines := tableHead("Figure")
	for _, fs := range []func(column) rollout.Figures{
		func(c column) rollout.Figures { return c.funnel.Figures },
		func(c column) rollout.Figures { return c.legacy.Figures },
	} {
		for _, f := range fs(read[0]) {
			line := "| `" + string(f.ID) + "`"
			for _, c := range read {
				line += " | " + word(fs(c).Get(f.ID))
			}
			lines = append(lines, line+" |")
		}
	}
	return lines
}

// TestU15SuggestionsOnAWholeTenant holds that all accounts of machines, rooms
// and emergencies are found among many people, and no person.
func TestU15SuggestionsOnAWholeTenant(t *testing.T) {
	t.Parallel()
	sim, err := simtenant.New(simtenant.Config{People: 2000, Licence: graph.P1, Epoch: noon(), Now: noon})
	if err != nil {
		t.Fatal(err)
	}
	c := client(t, msgraph.Config{BaseURL: newServer(t, sim) + "/v1.0", Credential: msgraph.StaticToken("figures"), Now: noon, Unbudgeted: true})
	found, why := rollout.SuggestScope(sync.Read(t.Context(), c, noon), rollout.Scope{})
	var got, want []string
	for _, s := range found {
		got = append(got, s.UPN)
	}
	for _, m := range slices.Concat(simtenant.Service(0), simtenant.Emergency(0)) {
		want = append(want, m.UPN)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got %q, %q, want %q", got, why, want)
	}
}
