package main

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"twokey/store/pgtest"
)

// examined runs doctor on an office, and returns its findings.
func examined(t *testing.T, of *office) (status int, ok bool, found []finding) {
	t.Helper()
	secrets := []string{readerSecret, writerSecret, signInSecret}
	if of.slack != nil {
		secrets = append(secrets, of.slack.BotToken(), of.slack.AppToken())
	}
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
	for _, secret := range secrets {
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
	for check, who := range map[string]string{
		"who decides defaults":                     "two: 2, then 15 minutes: “Abe Lindqvist”, “Bea Fontaine”",
		"who decides tap":                          "one: 1: “Abe Lindqvist”, “Bea Fontaine”",
		"who decides tap for somebody with a role": "two: 2",
		"who decides revoke":                       "whoever asks",
		"who decides thaw":                         "two: 2",
	} {
		if !finds(found, check, stateFine, who) {
			t.Errorf("%s is not %s: %+v", check, who, found)
		}
	}
	if !finds(found, "app that reads", stateNote, "LicenseAssignment.Read.All and needs it for nothing") {
		t.Errorf("a permission too many goes unnoticed: %+v", found)
	}
	of.effects(0)
}

// TestU10DoctorOnTheHost holds that doctor goes by what the bot on its database
// was told: who is away, and what became weaker and does not hold yet. A database
// that is an empty server's is no fault.
func TestU10DoctorOnTheHost(t *testing.T) {
	t.Parallel()
	of := openOffice(t, officeOptions{real: true, allow: []string{"missing_scope"}})
	of.command("abe", "", "away until "+time.Now().Add(72*time.Hour).Format(time.DateOnly))
	of.await("abe", "that it is known", of.says("away"))
	text, err := os.ReadFile(of.config)
	if err != nil {
		t.Fatal(err)
	}
	with := func(old, new string) {
		of.config = of.write("twokey.yaml", strings.Replace(string(text), old, new, 1))
	}
	with("approvals: {", "approvals: {solo: true, ")
	_, _, found := examined(t, of)
	if !finds(found, "store", stateFine, "its schema is") || !finds(found, "who decides defaults", stateFine, "fallback: 1, then 1 hour: “Bea Fontaine”") {
		t.Errorf("abe is away and the new rules wait, and it says %+v", found)
	}
	t.Run("PostgreSQL", func(t *testing.T) {
		of.write("dsn", pgtest.DSN(t))
		with("dsn: twokey.db", "dsn_file: dsn")
		if _, _, found := examined(t, of); !finds(found, "store", stateFine, "it is empty") || !finds(found, "who decides defaults", stateFine, "two: 2") {
			t.Errorf("of an empty database it says %+v", found)
		}
	})
}

func finds(found []finding, check, state, text string) bool {
	for _, f := range found {
		if f.Check == check && f.State == state && strings.Contains(f.What+" "+f.Why+" "+f.Mend, text) {
			return true
		}
	}
	return false
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
