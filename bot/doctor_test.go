package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// examined runs doctor on an office, and returns its findings.
func examined(t *testing.T, of *office) (status int, ok bool, found []finding) {
	t.Helper()
	var said, wrong safeBuffer
	ctx, cancel := context.WithTimeout(t.Context(), longEnough)
	defer cancel()
	status = run(ctx, []string{"doctor", "--json", "--config", of.config}, streams{strings.NewReader(""), &said, &wrong})
	if wrong.String() != "" {
		t.Errorf("it said beside it: %s", wrong.String())
	}
	var report struct {
		OK       bool      `json:"ok"`
		Findings []finding `json:"findings"`
	}
	if err := json.Unmarshal([]byte(said.String()), &report); err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
	for _, secret := range []string{readerSecret, writerSecret, signInSecret, of.slack.BotToken(), of.slack.AppToken()} {
		if strings.Contains(said.String(), secret) {
			t.Errorf("it says a secret:\n%s", said.String())
		}
	}
	return status, report.OK, report.Findings
}

func TestDoctorFine(t *testing.T) {
	t.Parallel()
	of := openOffice(t, officeOptions{closed: true, real: true})
	status, ok, found := examined(t, of)
	if status != 0 || !ok {
		t.Errorf("doctor = %d, %t: %+v", status, ok, found)
	}
	for _, want := range []string{"configuration", "store", "tenant", "app that reads", "app that changes", "licence", "people and rules", "slack token", "slack sockets", "pinned accounts", "clock"} {
		if !finds(found, want, stateFine, "") {
			t.Errorf("%s is not fine: %+v", want, found)
		}
	}
	if !finds(found, "app that reads", stateNote, "LicenseAssignment.Read.All and needs it for nothing") {
		t.Errorf("a permission too many goes unnoticed: %+v", found)
	}
	of.effects(0)
}

func finds(found []finding, check, state, text string) bool {
	for _, f := range found {
		if f.Check == check && f.State == state && strings.Contains(f.What+" "+f.Why+" "+f.Mend, text) {
			return true
		}
	}
	return false
}

// TestDoctorBroken breaks one thing after the other, and holds that it is found,
// by a sentence that says what to do.
func TestDoctorBroken(t *testing.T) {
	t.Parallel()
	replace := func(old, new string) func(*office, string) string {
		return func(of *office, yaml string) string {
			if !strings.Contains(yaml, old) {
				of.t.Errorf("nothing to replace: %s", old)
			}
			return strings.ReplaceAll(yaml, old, new)
		}
	}
	add := func(text string) func(*office, string) string {
		return func(_ *office, yaml string) string { return yaml + text }
	}
	for name, c := range map[string]struct {
		edit         func(of *office, yaml string) string
		check, state string
		says         string
	}{
		"a key that is not known":  {add("chnges: [tap]\n"), "configuration", stateWrong, "changes"},
		"a mode that is not known": {replace("mode: socket", "mode: sokcet"), "configuration", stateWrong, "slack.mode"},
		"no file for a secret":     {replace("secret_file: reader.secret", "secret_file: nothing-here"), "configuration", stateWrong, "secret_file: the file of the secret is not there"},
		"two tenants":              {func(_ *office, yaml string) string { return twoTenants(yaml) }, "configuration", stateWrong, "one bot looks after one"},
		"no chat":                  {func(_ *office, yaml string) string { return withoutSlack(yaml) }, "configuration", stateWrong, "there is no chat"},
		"a folder that is not there": {
			func(of *office, yaml string) string {
				return strings.ReplaceAll(yaml, "store:", "store: {dsn: "+filepath.Join(of.folder, "nowhere", "twokey.db")+"} #")
			}, "store", stateWrong, "let the bot's user write to it",
		},
		"another program's file": {
			func(of *office, yaml string) string {
				return strings.ReplaceAll(yaml, "store:", "store: {dsn: "+of.write("other.db", "this is no database, whatever it is called")+"} #")
			}, "store", stateWrong, "Is it Twokey's file",
		},
		"a server that is not there": {replace("store:", "store: {dsn: \"postgres://127.0.0.1:1/twokey\"} #"), "store", stateWrong, "Is the server running"},
		"a wrong secret": {
			func(of *office, yaml string) string {
				of.write("reader.secret", "nonsense")
				return yaml
			}, "app that reads", stateWrong, "could not sign in",
		},
		"a wrong secret of the app that changes": {
			func(of *office, yaml string) string {
				of.write("writer.secret", "nonsense")
				return yaml
			}, "app that changes", stateWrong, "could not sign in",
		},
		"another tenant": {func(of *office, yaml string) string {
			return strings.ReplaceAll(yaml, of.tenantID(), "00000000-0000-4000-8000-000000000000")
		}, "tenant", stateWrong, "tenants[0].id"},
		"a permission missing for a change": {replace("changes: [", "changes: [block, "), "app that changes", stateWrong, "User.EnableDisableAccount.All is missing"},
		"nobody of that name":               {replace("lead: {users: [", "lead: {users: [ghost@harbourvale.example, "), "people and rules", stateWrong, "ghost@harbourvale.example"},
		"a wrong bot token":                 {func(of *office, yaml string) string { of.write("bot-token", "xoxb-nonsense"); return yaml }, "slack token", stateWrong, "copy it again from the app's page"},
		"a wrong app token":                 {func(of *office, yaml string) string { of.write("app-token", "xapp-nonsense"); return yaml }, "slack sockets", stateWrong, "copy it again from the app's page"},
		"Slack that is not there":           {replace("api_url: ", "api_url: http://127.0.0.1:1/api # "), "slack token", stateWrong, ""},
		"an account that is not there":      {replace("/"+account("bea"), "/U0NOBODY1"), "pinned accounts", stateWrong, "U0NOBODY1"},
		"an account of another workspace": {func(of *office, yaml string) string {
			return strings.ReplaceAll(yaml, of.slack.Team()+"/"+account("bea"), "T0OTHER01/"+account("bea"))
		}, "pinned accounts", stateWrong, "another workspace"},
		"no address for the heads":        {replace("audit: {head_to: ", "audit: {head_to: [/nowhere/at/all/heads]} # "), "audit heads", stateWrong, "let the bot's user write to it"},
		"a certificate that is not there": {add("web: {addr: \"127.0.0.1:8443\", public_url: https://twokey.vale.example, tls: files, cert_file: none.pem, key_file: none.key}\n"), "web certificate", stateWrong, "web.cert_file"},
		"an address of another machine":   {add("web: {addr: \"192.0.2.1:8443\"}\n"), "web address", stateNote, "192.0.2.1"},
		"an approver without a chat account": {
			func(of *office, yaml string) string {
				before, after, _ := strings.Cut(yaml, "      - {user: bea@")
				_, after, _ = strings.Cut(after, "\n")
				return before + after
			}, "pinned accounts", stateNote, "has no chat account",
		},
		"one person alone":    {replace("approvals: {", "approvals: {solo: true, "), "solo", stateNote, "one person alone"},
		"a guard that is off": {replace("approvals: {", "approvals: {accept_lockout: true, "), "lock-out guard", stateNote, "too few"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			of := openOffice(t, officeOptions{closed: true, real: true, allow: []string{"invalid_auth", "user_not_found", "not_allowed_token_type"}})
			text, err := os.ReadFile(of.config)
			if err != nil {
				t.Fatal(err)
			}
			of.config = of.write("twokey.yaml", c.edit(of, string(text)))
			status, ok, found := examined(t, of)
			if !finds(found, c.check, c.state, c.says) {
				t.Errorf("%s is not %s with %q:\n%+v", c.check, c.state, c.says, found)
			}
			if wrong := c.state == stateWrong; wrong && (status != 1 || ok) || !wrong && (status != 0 || !ok) {
				t.Errorf("doctor = %d, %t: %+v", status, ok, found)
			}
			for _, f := range found {
				if f.State == stateWrong && f.Mend == "" && f.Check != "configuration" {
					t.Errorf("nobody is told what to do about %+v", f)
				}
			}
			of.effects(0)
		})
	}
}

// TestDoctorReads holds that the text has what the JSON has, and no colours
// where nobody sees them.
func TestDoctorReads(t *testing.T) {
	t.Parallel()
	of := openOffice(t, officeOptions{closed: true, real: true, edit: func(yaml string) string {
		return strings.ReplaceAll(yaml, "changes: [", "changes: [block, ")
	}})
	var said safeBuffer
	if status := run(t.Context(), []string{"doctor", "--config", of.config}, streams{strings.NewReader(""), &said, &said}); status != 1 {
		t.Errorf("doctor = %d, want 1", status)
	}
	text := said.String()
	for _, want := range []string{
		"wrong   app that changes: the permission User.EnableDisableAccount.All is missing\n        It gives blocking and unblocking accounts.\n        Add it under API permissions",
		"ok      tenant: Harbour & Vale",
		"Something that is needed is missing",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "\x1b") {
		t.Errorf("it colours a file: %q", text)
	}
}

func TestManifestEntra(t *testing.T) {
	t.Parallel()
	of := openOffice(t, officeOptions{closed: true})
	var said safeBuffer
	if status := run(t.Context(), []string{"manifest", "entra", "--config", of.config}, streams{strings.NewReader(""), &said, &said}); status != 0 {
		t.Fatalf("manifest = %d: %s", status, said.String())
	}
	for _, want := range []string{"tenant=", "register \"Twokey reads\" reader", "register \"Twokey changes\" writer", "UserAuthMethod-TAP.ReadWrite.All: Temporary Access Passes [tier 0", "/adminconsent?client_id="} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, said.String())
		}
	}
}

// TestDoctorPage looks whether people can sign in on the linking page, and says
// how to mend it if not.
func TestDoctorPage(t *testing.T) {
	t.Parallel()
	of := openOffice(t, officeOptions{closed: true, real: true, page: true})
	status, _, found := examined(t, of)
	for check, state := range map[string]string{"sign-in service": stateFine, "sign-in address": stateFine, "sign-in secret": stateFine, "web certificate": stateFine, "public address": stateNote} {
		if !finds(found, check, state, "") {
			t.Errorf("%s is not %s:\n%+v", check, state, found)
		}
	}
	if status != 0 {
		t.Errorf("doctor = %d", status)
	}
	of.write("sign-in.secret", "nonsense")
	if status, _, found := examined(t, of); status != 1 || !finds(found, "sign-in secret", stateWrong, "Make a new client secret") {
		t.Errorf("doctor = %d with a secret that is none:\n%+v", status, found)
	}
}
