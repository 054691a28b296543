package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/chat"
	"twokey/chat/visit"
	"twokey/commands/approval"
	"twokey/commands/link"
	"twokey/commands/rules"
	"twokey/store"
	"twokey/store/pgtest"
)

// freezes runs “twokey freeze” as a process of its own.
func freezes(t *testing.T, args ...string) (status int, said string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], append([]string{"freeze"}, args...)...)
	cmd.Env = append(os.Environ(), "TWOKEY_PROGRAM=1")
	text, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(text)
}

// TestU12FreezeFromTheHost freezes a running demo from another process: what was
// approved does not start, nothing can be asked, everybody is told and the
// record says who. A second freeze says that it is so already.
func TestU12FreezeFromTheHost(t *testing.T) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		d := startDemo(t)
		frozenFromTheHost(t, d, "sqlite", filepath.Join(d.data, databaseName), "--data", d.data)
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		dsn := pgtest.Server(t).Database(t)
		d := startDemo(t, "--store", dsn)
		frozenFromTheHost(t, d, "pgx", dsn, "--config", configured(t, dsn, d.organization()))
	})
}

// organization returns the ID of the demo's tenant.
func (d *demo) organization() string {
	d.t.Helper()
	var list struct{ Value []struct{ ID string } }
	d.must(http.StatusOK, "GET", d.tenant+"/v1.0/organization", nil, &list)
	return list.Value[0].ID
}

func frozenFromTheHost(t *testing.T, d *demo, driver, database string, where ...string) {
	prompt := d.ask("/mfa defaults enable for the test")
	d.approve(prompt.Request)

	status, said := freezes(t, append(where, "--reason", "the chat is not to be trusted")...)
	if status != 0 || strings.Count(said, "is frozen: nothing can be asked for") != 1 {
		t.Fatalf("freeze = %d: %s", status, said)
	}
	d.await("olga", "that it is frozen", from("All changes are frozen"))
	d.await("abe", "why", from("the chat is not to be trusted"))
	d.advance("10s")
	d.advance("1h") // its time to start is over
	d.outcome(prompt.Request, "expired")
	d.say("ada", "/mfa defaults enable once more")
	d.await("ada", "that it is frozen", from("They were frozen by"))
	d.wantEffects(0)

	if status, said := freezes(t, where...); status != 0 || !strings.Contains(said, "is frozen already") {
		t.Errorf("once more = %d: %s", status, said)
	}
	var out bytes.Buffer
	if status := run(t.Context(), append([]string{"audit", "verify"}, where...), streams{strings.NewReader(""), &out, &out}); status != 0 {
		t.Errorf("audit verify = %d: %s", status, &out)
	}
	db, err := sql.Open(driver, database)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var text, who string
	if err := db.QueryRow("SELECT facts FROM audit WHERE kind = 'tenant.frozen'").Scan(&text); err != nil {
		t.Fatal(err)
	}
	var facts struct{ Host string } // a mark of what stands beside the chain
	if err := json.Unmarshal([]byte(text), &facts); err != nil {
		t.Fatal(err)
	}
	err = db.QueryRow("SELECT words FROM aside WHERE mark = '" + facts.Host + "'").Scan(&who)
	if err != nil || !strings.Contains(who, "@") {
		t.Errorf("the record does not say who froze it: %s, %q, %v", text, who, err)
	}
}

// configured is a configuration file of tenants on a database.
func configured(t *testing.T, dsn string, tenants ...string) (path string) {
	t.Helper()
	text := "store: {dsn: '" + dsn + "'}\ntenants:\n"
	for _, id := range tenants {
		text += "  - id: " + id + "\n    graph: {auth: {method: azure_cli}}\n"
	}
	path = filepath.Join(t.TempDir(), "twokey.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// stopped is a bot's configuration and database, with no bot running on it. Its
// other sections have mistakes, which must keep nobody from freezing.
func stopped(t *testing.T, dsn string) (path string) {
	t.Helper()
	s, err := store.Open(t.Context(), store.Config{DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	r := rules.Rules{
		Tenant: "11111111-2222-4333-8444-555555555555", Links: map[string]string{"slack/T1/U1": "abe", "slack/T1/U2": "sam"},
		Roles: map[string][]rules.Holder{"approver": {{User: "abe"}, {User: "bea"}}},
	}
	err = s.LayRules(t.Context(), r, 0, func(approval.Tx) error { return nil })
	if err == nil { // linked on the page, so long ago that it counts
		err = s.UpdateLinks(t.Context(), func(tx link.Tx) error {
			return tx.SaveLink(link.Link{Ref: "L-AAAAAA", Tenant: r.Tenant, Account: chat.Account{Platform: "slack", Workspace: "T1", User: "U3"}, Object: "bea", Proof: visit.MFA, Since: time.Now().Add(-link.Young)})
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	path = configured(t, dsn, "11111111-2222-4333-8444-555555555555", "66666666-7777-4888-8999-aaaaaaaaaaaa")
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString("slack: {mode: socket, bot_token_file: gone, app_token_file: gone}\n")
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestU12FreezeByConfiguration freezes on both databases while no bot runs: all
// tenants of the configuration, whatever is wrong with the rest of it. Who is
// named there is told, by a pinned account or one that was linked on the page.
func TestU12FreezeByConfiguration(t *testing.T) {
	t.Parallel()
	for name, dsn := range map[string]func(t *testing.T) string{
		"SQLite":     func(t *testing.T) string { return filepath.Join(t.TempDir(), "twokey.db") },
		"PostgreSQL": func(t *testing.T) string { return pgtest.Server(t).Database(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := dsn(t)
			config := stopped(t, dsn)
			status, said := freezes(t, "--config", config, "--reason", "by phone")
			if status != 0 || strings.Count(said, " is frozen: ") != 2 || strings.Count(said, "not looked at: ") != 2 {
				t.Fatalf("freeze = %d: %s", status, said)
			}
			s, err := store.OpenBeside(t.Context(), dsn)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			err = s.View(t.Context(), func(tx approval.Tx) error {
				for _, tenant := range []string{"11111111-2222-4333-8444-555555555555", "66666666-7777-4888-8999-aaaaaaaaaaaa"} {
					f, err := tx.Freeze(tenant)
					if err != nil || f.Since.IsZero() || f.By != approval.Host || f.Why != "by phone" {
						t.Errorf("%s: %+v, %v", tenant, f, err)
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			owed, err := s.Due(t.Context(), 10)
			var told []string
			for _, row := range owed {
				told = append(told, row.To.User)
			}
			slices.Sort(told)
			if want := []string{"U1", "U3"}; err != nil || !slices.Equal(told, want) {
				t.Errorf("told are %v, want %v: %v", told, want, err)
			}
		})
	}
}

// TestFreezeCommandLine holds what is said of what cannot be.
func TestFreezeCommandLine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	wrong := filepath.Join(dir, "wrong.yaml")
	if err := os.WriteFile(wrong, []byte("store: {dns: twokey.db}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args   []string
		status int
		says   string
	}{
		"of what":          {nil, 2, "say which bot: --config FILE or --data DIR"},
		"of two":           {[]string{"--config", wrong, "--data", dir}, 2, "can't be used together"},
		"no demo":          {[]string{"--data", dir}, 1, "there is no twokey.db"},
		"no configuration": {[]string{"--config", filepath.Join(dir, "gone")}, 1, "is not there; correct the name"},
		"no database":      {[]string{"--config", wrong}, 1, `wrong.yaml:1: store.dns: there is no such key; did you mean "dsn"?`},
		"no thaw":          {[]string{"--thaw"}, 2, "unknown flag"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			status := run(context.Background(), append([]string{"freeze"}, c.args...), streams{strings.NewReader(""), &out, &out})
			if status != c.status || !strings.Contains(out.String(), c.says) {
				t.Errorf("twokey freeze %s = %d, want %d; it should say %q:\n%s", strings.Join(c.args, " "), status, c.status, c.says, &out)
			}
		})
	}
}
