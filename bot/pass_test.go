package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPassRoad walks the road of a pass: asked by the help desk, told to whom it
// is about, approved by one other, created when it is collected, shown once, and
// kept nowhere.
func TestPassRoad(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	d.say("ada", "/mfa tap sam@harbourvale.example --minutes 60 a new phone, called back")
	card := d.await("ada", "the card", func(m message) bool { return m.button("cancel") && strings.Contains(m.Text, "a new phone") })
	told := d.await("sam", "that it is about him", func(m message) bool { return m.button("stop") && m.Request == card.Request })
	if !strings.Contains(told.Text, "Ada Okafor") {
		t.Errorf("sam is told\n%s", told.Text)
	}
	d.press("abe", d.prompt("abe", card.Request), "approve", nil)
	ready := d.await("ada", "that it is ready", func(m message) bool { return m.button("collect") && m.Request == card.Request })
	d.wantEffects(0) // nothing is created before it is collected
	d.press("ada", ready, "collect", nil)
	pass := d.await("ada", "the pass", from("It is shown this once"))
	effects := d.wantEffects(1)
	if effects[0].Method != "POST" || !strings.HasSuffix(effects[0].Path, "/temporaryAccessPassMethods") || !pass.Private {
		t.Errorf("the effect is %+v, the pass private: %t", effects[0], pass.Private)
	}
	_, rest, _ := strings.Cut(pass.Text, "\nPass: ")
	code, _, _ := strings.Cut(rest, "\n")
	if len(code) < 8 {
		t.Fatalf("there is no code in\n%s", pass.Text)
	}
	d.outcome(card.Request, "done")
	d.await("ada", "that there is nothing to collect any more", func(m message) bool { return m.ID == ready.ID && !m.button("collect") })
	d.press("ada", ready, "collect", nil)
	d.await("ada", "that it was collected", from("carried out already"))
	d.wantEffects(1)
	for _, who := range []string{"sam", "abe", "bea", "olga", "vic"} {
		for _, m := range d.messages(who) {
			if strings.Contains(m.Text, code) {
				t.Errorf("%s sees the pass: %s", who, m.Text)
			}
		}
	}
	holdsNot(t, d.data, code, tenantName)
}

// holdsNot holds that no file of a folder has a pass in it, but for one of a name.
func holdsNot(t *testing.T, folder, code, but string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() == but {
			return err
		}
		kept, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(kept), code) {
			t.Errorf("%s holds the pass", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestRevokeRoad shows what nobody else decides, and does it once it is confirmed.
func TestRevokeRoad(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	d.say("ada", "/mfa revoke sam@harbourvale.example")
	shown := d.await("ada", "a preview", func(m message) bool { return m.button("confirm") })
	d.wantEffects(0)
	d.press("ada", shown, "confirm", nil)
	d.await("ada", "the end", from(" done."))
	if got := d.wantEffects(1); !strings.HasSuffix(got[0].Path, "/revokeSignInSessions") {
		t.Errorf("the effect is %+v", got[0])
	}
}
