package simtenant_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"twokey/graph"
	"twokey/graph/simtenant"
)

// lived makes a tenant with a journal, changes it and closes it.
func lived(t *testing.T) (path string, ledger []simtenant.Effect, policy string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "tenant.journal")
	now := newClock(epoch)
	h, err := simtenant.New(simtenant.Config{Licence: graph.P1, Seed: 7, People: 30, Epoch: epoch, Now: now.Now, Journal: path})
	if err != nil {
		t.Fatal(err)
	}
	ask(h, "PATCH", defaultsPath, `{"isEnabled":true}`, "Authorization", "Bearer one")
	now.Add(time.Minute)
	h.Advance(8 * time.Hour)
	policy = postPolicy(t, h, graph.PolicyReportOnly)
	gone := postPolicy(t, h, graph.PolicyDisabled)
	ask(h, "DELETE", policiesPath+"/"+gone, "")
	ask(h, "PATCH", policiesPath+"/"+policy, `{"displayName":"Renamed"}`)
	ask(h, "PATCH", policiesPath+"/"+policy, `{"state":"enabled"}`) // refused, so not in the journal
	ledger = h.Ledger()
	if len(ledger) != 5 {
		t.Fatalf("ledger: got %d effects, want 5", len(ledger))
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	return path, ledger, policy
}

func TestJournalBringsTheTenantBack(t *testing.T) {
	t.Parallel()
	path, ledger, policy := lived(t)
	// Another seed, size, licence and epoch: the journal wins over all of them.
	h := newTenant(t, simtenant.Config{Seed: 99, People: 500, Epoch: epoch.Add(time.Hour), Now: newClock(epoch.Add(time.Hour)).Now, Journal: path})
	cfg := h.Config()
	if cfg.Seed != 7 || cfg.People != 30 || cfg.Licence != graph.P1 || !cfg.Epoch.Equal(epoch) {
		t.Errorf("configuration in force: %+v", cfg)
	}
	if got := h.Now(); !got.Equal(epoch.Add(9 * time.Hour)) {
		t.Errorf("clock: got %s, want it eight hours ahead", got)
	}
	same(t, h.Ledger(), ledger)
	if !defaultsEnabled(t, h) {
		t.Error("security defaults are off")
	}
	p := decode[object](t, ask(h, "GET", policiesPath+"/"+policy, ""))
	if p["displayName"] != "Renamed" || p["createdDateTime"] != "2026-11-23T17:01:00Z" {
		t.Errorf("policy: %v", p)
	}
	if got := len(list(t, h, policiesPath)); got != 3 {
		t.Errorf("policies: got %d, want 3", got)
	}

	next := postPolicy(t, h, graph.PolicyDisabled)
	if next == policy {
		t.Error("a new policy has an old one's id")
	}
	if got := h.Ledger(); got[len(got)-1].N != 6 {
		t.Errorf("the next effect is number %d, want 6", got[len(got)-1].N)
	}
}

func same(t *testing.T, got, want []simtenant.Effect) {
	t.Helper()
	a, errA := json.Marshal(got)
	b, errB := json.Marshal(want)
	if errA != nil || errB != nil || !bytes.Equal(a, b) {
		t.Errorf("ledger: got %s, want %s", a, b)
	}
}

func TestJournalToleratesACutOffLastLine(t *testing.T) {
	t.Parallel()
	path, ledger, _ := lived(t)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(whole, []byte("\n"))
	if len(lines) != 8 { // tenant, five effects, the clock, and nothing after the last end
		t.Fatalf("journal has %d lines: %s", len(lines), whole)
	}
	last := len(lines[6])
	for _, cut := range []int{1, 2, last / 3, last / 2, last - 1, last} {
		file := filepath.Join(t.TempDir(), "cut.journal")
		if err := os.WriteFile(file, whole[:len(whole)-cut], 0o600); err != nil {
			t.Fatal(err)
		}
		h := newTenant(t, simtenant.Config{Journal: file})
		same(t, h.Ledger(), ledger[:4])
		ask(h, "PATCH", defaultsPath, `{"isEnabled":false}`)
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
		again := newTenant(t, simtenant.Config{Journal: file})
		if got := len(again.Ledger()); got != 5 {
			t.Fatalf("cut by %d: after another change the ledger holds %d effects, want 5", cut, got)
		}
	}
}

func TestJournalThatWasHardlyBegun(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "begun.journal")
	if err := os.WriteFile(file, []byte(`{"tenant":{"vers`), 0o600); err != nil {
		t.Fatal(err)
	}
	h := newTenant(t, simtenant.Config{Journal: file, Seed: 5})
	ask(h, "PATCH", defaultsPath, `{"isEnabled":true}`)
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	again := newTenant(t, simtenant.Config{Journal: file})
	if again.Config().Seed != 5 || !defaultsEnabled(t, again) {
		t.Errorf("taken up again: %+v, defaults %v", again.Config(), defaultsEnabled(t, again))
	}
}

func TestDamagedJournalIsRefused(t *testing.T) {
	t.Parallel()
	path, _, _ := lived(t)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(whole, []byte("\n"))
	for name, content := range map[string][]byte{
		"a line in the middle is damaged": bytes.Replace(whole, []byte(`"n":2`), []byte(`"n":`), 1),
		"a line in the middle is missing": bytes.Replace(whole, lines[3], nil, 1),
		"the first line is missing":       bytes.TrimPrefix(whole, lines[0]),
		"a format of the future":          bytes.Replace(whole, []byte(`"version":1`), []byte(`"version":2`), 1),
		"another file":                    []byte("hello\n"),
	} {
		file := filepath.Join(t.TempDir(), "bad.journal")
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if h, err := simtenant.New(simtenant.Config{Journal: file}); err == nil {
			t.Errorf("%s: was taken up", name)
			_ = h.Close()
		}
	}
}

func TestChangeThatCannotBeRecordedIsNotApplied(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{Journal: filepath.Join(t.TempDir(), "tenant.journal")})
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if r := ask(h, "PATCH", defaultsPath, `{"isEnabled":true}`); r.status != 500 {
		t.Errorf("status: got %d, want 500", r.status)
	}
	if defaultsEnabled(t, h) || len(h.Ledger()) != 0 {
		t.Error("the change was applied")
	}
}
