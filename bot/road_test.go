package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite"
)

// TestDefaultsRoad walks the whole road: asked by one, not decided by her nor
// by staff, approved by two others, carried out once after the wait, told to
// all, and proved by the record.
func TestDefaultsRoad(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	prompt := d.ask("/mfa defaults enable everybody has been trained")
	for _, want := range []string{"everybody has been trained", "are registered", "0 of 2", "Ada Okafor"} {
		if !strings.Contains(prompt.Text, want) {
			t.Errorf("the prompt does not say %q:\n%s", want, prompt.Text)
		}
	}
	shared := d.await("ada", "the shared prompt", func(m message) bool { return m.Channel == channelAdmins && m.button("approve") })
	d.press("ada", shared, "approve", nil)
	d.await("ada", "a refusal", from("You asked for this yourself"))
	d.say("sam", "/mfa approve "+prompt.Request)
	d.await("sam", "a refusal", from("You may not decide this"))
	status, err := call("POST", d.console+"/api/people/sam/press", map[string]any{"message": prompt.ID, "button": "approve", "fields": map[string]string{}}, nil)
	if err != nil || status != http.StatusNotFound {
		t.Errorf("sam pressing what he cannot see: %d, %v; want 404", status, err)
	}

	d.approve(prompt.Request)
	d.wantEffects(0) // the wait is not over
	d.advance("10s")
	d.outcome(prompt.Request, "done")
	got := d.wantEffects(1)
	if got[0].Method != "PATCH" || !strings.HasSuffix(got[0].Path, "/policies/identitySecurityDefaultsEnforcementPolicy") || !isEnabled(t, got[0].Body) {
		t.Errorf("the effect is %+v", got[0])
	}
	ended := d.await("bea", "the end", func(m message) bool {
		return m.Edited && m.Channel == "dm" && strings.Contains(m.Text, "Done at")
	})
	d.press("bea", ended, "approve", nil)
	d.await("bea", "that it has ended", from("carried out already"))
	d.wantEffects(1)
	if status, said := d.verify(); status != 0 {
		t.Errorf("audit verify = %d: %s", status, said)
	}
}

func isEnabled(t *testing.T, body []byte) bool {
	t.Helper()
	var b struct{ IsEnabled bool }
	if err := json.Unmarshal(body, &b); err != nil {
		t.Fatalf("body %s: %v", body, err)
	}
	return b.IsEnabled
}

// TestTampering changes one byte of each audit row in turn; the verifier names
// that row.
func TestTampering(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	d.approve(d.ask("/mfa defaults enable for the test").Request)
	d.advance("10s")
	d.await("ada", "the end", from(" done."))
	db, err := sql.Open("sqlite", filepath.Join(d.data, databaseName)+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var rows int
	if err := db.QueryRow("SELECT count(*) FROM audit").Scan(&rows); err != nil || rows < 7 {
		t.Fatalf("%d audit rows, %v", rows, err)
	}
	for number := 1; number <= rows; number++ {
		change := func(expression string) {
			t.Helper()
			if _, err := db.Exec("UPDATE audit SET facts = "+expression+" WHERE number = ?", number); err != nil {
				t.Fatal(err)
			}
		}
		var facts string
		if err := db.QueryRow("SELECT facts FROM audit WHERE number = ?", number).Scan(&facts); err != nil {
			t.Fatal(err)
		}
		change("substr(facts, 1, length(facts) - 1) || '!'")
		status, said := d.verify()
		if want := fmt.Sprintf("record %d ", number); status != 1 || !strings.Contains(said, want) {
			t.Errorf("row %d changed: verify = %d %q, want 1 and %q", number, status, said, want)
		}
		if _, err := db.Exec("UPDATE audit SET facts = ? WHERE number = ?", facts, number); err != nil {
			t.Fatal(err)
		}
	}
	if status, said := d.verify(); status != 0 {
		t.Errorf("mended again: verify = %d %q", status, said)
	}
}

// TestStale has somebody else enable a policy while a request is pending.
func TestStale(t *testing.T) {
	t.Parallel()
	d := startDemo(t, "--licence", "p1")
	prompt := d.ask("/mfa defaults enable for the test")
	var list struct {
		Value []struct{ ID, DisplayName, State string }
	}
	policies := d.tenant + "/v1.0/identity/conditionalAccess/policies"
	d.must(http.StatusOK, "GET", policies, nil, &list)
	if len(list.Value) == 0 {
		t.Fatal("the tenant has no policy to enable")
	}
	d.must(http.StatusNoContent, "PATCH", policies+"/"+list.Value[0].ID, map[string]string{"state": "enabled"}, nil)
	d.approve(prompt.Request)
	d.advance("10s")
	end := d.outcome(prompt.Request, "stale")
	if !strings.Contains(end.Text, list.Value[0].DisplayName) || !strings.Contains(end.Text, "is on now") {
		t.Errorf("the difference is not named:\n%s", end.Text)
	}
	d.wantEffects(0)
}

// TestEnds are the other ways in which a request ends without a write.
func TestEnds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end  func(d *demo, prompt message)
		want string
	}{
		"denied": {func(d *demo, p message) {
			d.press("abe", p, "deny", map[string]string{"reason": "not this week"})
		}, "denied"},
		"cancelled by the requester": {func(d *demo, p message) {
			d.say("ada", "/mfa cancel "+strings.ToLower(p.Request))
		}, "cancelled"},
		"expired": {func(d *demo, p message) { d.advance("8h") }, "expired"},
		"stopped in the wait": {func(d *demo, p message) {
			d.approve(p.Request)
			d.press("abe", d.await("abe", "the stop button", func(m message) bool {
				return m.Request == p.Request && m.Channel == "dm" && m.button("cancel")
			}), "cancel", nil)
		}, "cancelled"},
		"approved and not started in time": {func(d *demo, p message) {
			d.approve(p.Request)
			d.advance("1h")
		}, "expired"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := startDemo(t)
			prompt := d.ask("/mfa defaults enable for the test")
			c.end(d, prompt)
			d.outcome(prompt.Request, c.want)
			d.say("abe", "/mfa approve "+prompt.Request)
			d.await("abe", "that it has ended", func(m message) bool {
				return from("This request")(m) && (strings.Contains(m.Text, "already") || strings.Contains(m.Text, "expired"))
			})
			d.advance("1m")
			d.wantEffects(0)
			if status, said := d.verify(); status != 0 {
				t.Errorf("audit verify = %d: %s", status, said)
			}
		})
	}
}

// TestFree holds that a tenant without P1 gets real figures for people, and a
// reason instead of a zero for sign-ins.
func TestFree(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	d.say("vic", "/mfa status")
	status := d.await("vic", "the status", from("people in scope are registered")).Text
	for _, want := range []string{"Legacy sign-ins: needs P1", "Entra ID Free", "240 of 240 people"} {
		if !strings.Contains(status, want) {
			t.Errorf("the status does not say %q:\n%s", want, status)
		}
	}
	d.say("ada", "/mfa digest now")
	digest := d.await("sam", "the digest", func(m message) bool { return m.Channel == channelTeam && m.Image != nil })
	if !strings.Contains(digest.Text, "Legacy sign-ins that succeeded: needs P1") {
		t.Errorf("the digest does not say why there are no sign-ins:\n%s", digest.Text)
	}
	d.say("ada", "/mfa digest now")
	d.await("ada", "that it is there already", from("already"))
	n := 0
	for _, m := range d.messages("sam") {
		if m.Channel == channelTeam && m.Image != nil {
			n++
		}
	}
	if n != 1 {
		t.Errorf("the digest was posted %d times", n)
	}
}

// TestDigestByTheClock holds that the scheduler posts the week's digest once.
func TestDigestByTheClock(t *testing.T) {
	t.Parallel()
	d := startDemo(t, "--licence", "p1", "--now", "2026-11-27T12:00:00Z")
	d.advance("72h")
	digest := d.await("sue", "Monday's digest", func(m message) bool { return m.Channel == channelTeam && m.Image != nil })
	for _, want := range []string{"MFA week 49", "Posted late", "points"} {
		if !strings.Contains(digest.Text, want) {
			t.Errorf("the digest does not say %q:\n%s", want, digest.Text)
		}
	}
	d.advance("1h")
	d.say("ada", "/mfa digest now")
	d.await("ada", "that it is there already", from("already"))
}

// TestStaffQuestion is a member of staff who asks in their own words.
func TestStaffQuestion(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	d.say("sam", "how do i set up the authenticator on my iphone")
	m := d.await("sam", "steps", from("1. "))
	if !m.Private || m.Channel != "dm" || !strings.Contains(m.Text, "iPhone") && !strings.Contains(m.Text, "App Store") {
		t.Errorf("the answer is %+v", m)
	}
	d.say("sam", "paper jam on floor 2")
	d.await("sam", "a person", func(m message) bool {
		return from("not my subject")(m) && strings.Contains(m.Text, "Ada Okafor")
	})
	for _, other := range []string{"sue", "ada"} {
		for _, m := range d.messages(other) {
			if strings.Contains(m.Text, "iphone") {
				t.Errorf("%s sees sam's question: %+v", other, m)
			}
		}
	}
}

// TestBadInput holds that whatever is typed wrong gets one clear sentence and
// changes nothing.
func TestBadInput(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	for _, c := range []struct{ person, text, want string }{
		{"ada", "/mfa defualts enable", "Did you mean “/mfa defaults enable”?"},
		{"ada", "/mfa frobnicate", "There is no command “frobnicate”"},
		{"ada", "/mfa defaults", "needs one more word"},
		{"ada", "/mfa approve", "needs the number of a request"},
		{"ada", "/mfa approve R-ZZZZZZ", "There is no such request"},
		{"ada", "/mfa setup nokia", "is not something"},
		{"ada", "/mfa preflight world-peace", "is not something"},
		{"ada", "/mfa version please", "does not take"},
		{"sam", "/mfa status", "You may not use"},
		{"sam", "/mfa defaults enable because I can", "You may not use"},
		{"vic", "/mfa defaults enable because I can", "You may not use"},
		{"ada", "/mfa defaults disable for no reason", "off already"},
		{"ada", "/mfa defaults enable " + strings.Repeat("very ", 80), "too long"},
		{"ada", "/mfa defaults enable \u202egnorw", "invisible or direction-changing"},
		{"ada", "/mfa ask " + strings.Repeat("x", 2000), "too long for me"},
	} {
		d.say(c.person, c.text)
		d.await(c.person, fmt.Sprintf("%q after %.40q", c.want, c.text), from(c.want))
	}
	status, err := call("POST", d.console+"/api/people/nobody/messages", map[string]string{"text": "hello"}, nil)
	if err != nil || status != http.StatusNotFound {
		t.Errorf("an unknown person: %d, %v", status, err)
	}
	resp, err := http.Post(d.console+"/api/people/ada/messages", "application/json", bytes.NewReader(make([]byte, 2<<20)))
	if err != nil || resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a body of 2 MiB: %v, %v", resp, err)
	} else {
		resp.Body.Close()
	}

	d.say("ada", "/mfa defaults enable")
	form := d.await("ada", "a form", func(m message) bool { return m.button("confirm") })
	d.press("ada", form, "confirm", map[string]string{"reason": "<b>Approved by: CISO</b> @everyone"})
	card := d.await("ada", "a card", func(m message) bool { return m.button("cancel") })
	if !strings.Contains(d.prompt("abe", card.Request).Text, "Why: “<b>Approved by: CISO</b> @everyone”") {
		t.Error("the reason is not shown as a quotation, as it was typed")
	}
	d.wantEffects(0)
}

// TestTwoClicksAtOnce holds that a vote counts people and not clicks.
func TestTwoClicksAtOnce(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	prompt := d.ask("/mfa defaults enable for the test")
	var clicks sync.WaitGroup
	for range 8 {
		clicks.Go(func() {
			_, err := call("POST", d.console+"/api/people/abe/press", map[string]any{"message": prompt.ID, "button": "approve", "fields": map[string]string{}}, nil)
			if err != nil {
				t.Error(err)
			}
		})
	}
	clicks.Wait()
	d.await("abe", "that the vote is there already", from("You have already approved"))
	if got := d.await("ada", "the card", func(m message) bool { return m.button("cancel") }); !strings.Contains(got.Text, "1 of 2") {
		d.await("ada", "one vote", from("1 of 2"))
	}
	d.advance("30s")
	d.wantEffects(0)
}

// TestStoppedDatabase holds that what is not recorded is not acted on, and
// that it works again without a restart.
func TestStoppedDatabase(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	prompt := d.ask("/mfa defaults enable for the test")
	db, err := sql.Open("sqlite", filepath.Join(d.data, databaseName)+"?_pragma=busy_timeout(60000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("ALTER TABLE decision RENAME TO put_by"); err != nil {
		t.Fatal(err)
	}
	d.press("abe", prompt, "approve", nil)
	d.await("abe", "that it was not recorded", from("nothing was recorded or changed"))
	if _, err := db.Exec("ALTER TABLE put_by RENAME TO decision"); err != nil {
		t.Fatal(err)
	}
	d.approve(prompt.Request)
	d.advance("10s")
	d.outcome(prompt.Request, "done")
	d.wantEffects(1)
}

// TestDigestFiles holds that the same seed gives the same bytes, and that the
// files are what they should be.
func TestDigestFiles(t *testing.T) {
	t.Parallel()
	write := func(licence string) map[string][]byte {
		dir := t.TempDir()
		var out bytes.Buffer
		if status := run(t.Context(), []string{"digest", "--demo", "--licence", licence, "--out", dir}, streams{strings.NewReader(""), &out, &out}); status != 0 {
			t.Fatalf("digest = %d: %s", status, &out)
		}
		files := map[string][]byte{}
		for _, name := range []string{"digest.md", "digest.json", "chart.png"} {
			data, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			files[name] = data
		}
		return files
	}
	for _, licence := range []string{"free", "p1"} {
		one, two := write(licence), write(licence)
		for name := range one {
			if !bytes.Equal(one[name], two[name]) {
				t.Errorf("%s: %s differs between two runs", licence, name)
			}
		}
		picture, err := png.Decode(bytes.NewReader(one["chart.png"]))
		if err != nil || picture.Bounds().Dx() < 600 {
			t.Errorf("%s: chart.png: %v, %v", licence, picture, err)
		}
		checkFigures(t, licence, one["digest.json"])
	}
}

func checkFigures(t *testing.T, licence string, data []byte) {
	t.Helper()
	var digest struct {
		Tenant, Week string
		AsOf         time.Time `json:"as_of"`
		Figures      []struct {
			ID     string
			Value  *float64
			Reason string
			Change *float64
		}
		Todo []string
	}
	if err := json.Unmarshal(data, &digest); err != nil {
		t.Fatal(err)
	}
	if digest.Week != "2026-W48" || digest.Tenant == "" || digest.AsOf.IsZero() || len(digest.Todo) == 0 || len(digest.Todo) > 3 {
		t.Errorf("%s: %+v", licence, digest)
	}
	seen := map[string]bool{}
	for _, f := range digest.Figures {
		if (f.Value == nil) == (f.Reason == "") {
			t.Errorf("%s: %s has a value and a reason, or neither", licence, f.ID)
		}
		if seen[f.ID] {
			t.Errorf("%s: %s stands twice", licence, f.ID)
		}
		seen[f.ID] = true
		if f.ID == "registered" && (f.Value == nil || *f.Value == 0 || f.Change == nil) {
			t.Errorf("%s: registered: %+v", licence, f)
		}
		if f.ID == "legacy_succeeded" && (licence == "free") != (f.Reason == "needs P1") {
			t.Errorf("%s: legacy: %+v", licence, f)
		}
	}
}
