package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// written runs digest on an office, and returns the files that it wrote.
func written(t *testing.T, of *office) map[string][]byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "digest")
	var said, wrong safeBuffer
	if status := run(t.Context(), []string{"digest", "--config", of.config, "--out", out}, streams{strings.NewReader(""), &said, &wrong}); status != 0 {
		t.Fatalf("digest = %d: %s", status, wrong.String())
	}
	files := map[string][]byte{}
	for _, name := range []string{"digest.md", "digest.json", "chart.png"} {
		data, err := os.ReadFile(filepath.Join(out, name))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(said.String(), filepath.Join(out, name)+"\n") {
			t.Errorf("it does not say where %s is: %q", name, said.String())
		}
		files[name] = data
	}
	return files
}

// The digest of a configured tenant is written before the bot ever ran, and beside
// one that runs, from what that has kept: nothing is posted, stored or changed by it.
func TestDigestOfAConfiguration(t *testing.T) {
	t.Parallel()
	figures := func(files map[string][]byte) (tenant string, all map[string]any) {
		var d struct {
			Tenant  string
			Figures []struct {
				ID    string
				Value any
			}
		}
		if err := json.Unmarshal(files["digest.json"], &d); err != nil {
			t.Fatal(err)
		}
		all = map[string]any{}
		for _, f := range d.Figures {
			all[f.ID] = f.Value
		}
		return d.Tenant, all
	}
	of := openOffice(t, officeOptions{closed: true, real: true})
	before := written(t, of)
	name, alone := figures(before)
	if name == "" || alone["registered"] == nil || alone["in_scope"] == nil {
		t.Errorf("of %q without a bot: %v", name, alone)
	}
	cfg, err := loadConfig(of.config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(cfg.Store.DSN.Reveal()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a database was made: %v", err)
	}

	ran := openOffice(t, officeOptions{real: true})
	posted := len(ran.slack.Channel(teamRoom))
	beside := written(t, ran)
	if _, there := figures(beside); there["registered"] != alone["registered"] || there["in_scope"] != alone["in_scope"] {
		t.Errorf("beside a bot %v are registered of %v, without one %v of %v", there["registered"], there["in_scope"], alone["registered"], alone["in_scope"])
	}
	if !bytes.Contains(beside["digest.md"], []byte("The audit record had ")) {
		t.Errorf("the digest does not say what the record ended with:\n%s", beside["digest.md"])
	}
	if now := len(ran.slack.Channel(teamRoom)); now != posted {
		t.Errorf("%d messages were posted", now-posted)
	}
	ran.effects(0)
	of.effects(0)
}
