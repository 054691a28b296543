package main

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestBackupOfARunningBot takes a copy while the bot works, and starts a bot from
// it elsewhere: it knows what was asked before.
func TestBackupOfARunningBot(t *testing.T) {
	t.Parallel()
	of := openOffice(t, officeOptions{allow: []string{"missing_scope"}}) // what was being posted is looked for
	request := of.ask("defaults enable because we must")
	copied := filepath.Join(t.TempDir(), "copy.db") // on another disk
	var said safeBuffer
	if status := run(t.Context(), []string{"backup", "--config", of.config, "--to", copied}, streams{strings.NewReader(""), &said, &said}); status != 0 || !strings.Contains(said.String(), "ok: "+copied) {
		t.Fatalf("backup = %d: %s", status, said.String())
	}
	if status := run(t.Context(), []string{"backup", "--config", of.config, "--to", copied}, streams{strings.NewReader(""), &said, &said}); status != 1 || !strings.Contains(said.String(), "There is a "+copied+" already") {
		t.Errorf("over the older copy = %d: %s", status, said.String())
	}
	if err := of.end(); err != nil {
		t.Fatal(err)
	}
	of.config = of.write("elsewhere.yaml", strings.Replace(of.yaml(""), "store: {dsn: twokey.db}", "store: {dsn: "+copied+"}", 1))
	said = safeBuffer{}
	if status := run(t.Context(), []string{"audit", "verify", "--config", of.config}, streams{strings.NewReader(""), &said, &said}); status != 0 || !strings.Contains(said.String(), "ok") {
		t.Errorf("audit verify of the copy = %d: %s", status, said.String())
	}
	of.start(0)
	of.command("ada", "", "requests")
	of.await("ada", "the request from before", of.says(request))
}
