package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"twokey/graph/simtenant"
)

// TestServeRefuses holds that what cannot be done is said in a sentence, before
// anything is taken in.
func TestServeRefuses(t *testing.T) {
	t.Parallel()
	replace := func(pairs ...string) func(string) string {
		return func(yaml string) string {
			for i := 0; i < len(pairs); i += 2 {
				if !strings.Contains(yaml, pairs[i]) {
					return "nothing to replace: " + pairs[i]
				}
				yaml = strings.ReplaceAll(yaml, pairs[i], pairs[i+1])
			}
			return yaml
		}
	}
	section := func(text string) func(string) string {
		return func(yaml string) string { return yaml + text }
	}
	for name, c := range map[string]struct {
		edit func(string) string
		says []string
	}{
		"a mistake in the file": {replace("mode: socket", "mode: sokcet"), []string{"twokey.yaml:", "slack.mode", "socket"}},
		"no such people": {
			replace("lead: {users: [", "lead: {users: [nobody@harbourvale.example, ghost@harbourvale.example, "),
			[]string{"roles.lead.users: find nobody@harbourvale.example", "find ghost@harbourvale.example"},
		},
		"no chat":     {withoutSlack, []string{"there is no chat to serve"}},
		"two tenants": {twoTenants, []string{"names 2 tenants, and one bot looks after one"}},
		"teams": {func(yaml string) string {
			return regexp.MustCompile("(?m)^digest: .*\n").ReplaceAllString(section("teams: {webhook_url_file: teams}\n")(yaml), "")
		}, []string{"teams", "no section digest"}},
		"a page that is not there": {
			func(yaml string) string {
				return replace("approvals: {accept_no_step_up: true}\n", "")(yaml) + "web: {addr: \"127.0.0.1:8443\", public_url: https://twokey.vale.example, tls: proxy}\n"
			},
			[]string{"needs a fresh proof of who presses", "web.sign_in", "accept_no_step_up: true"},
		},
		"heads by mail":     {replace("audit: {head_to: ", "audit: {head_to: [\"mailto:audit@vale.example\"]} # "), []string{"mailto:audit@vale.example", "does not mail them yet"}},
		"a wrong bot token": {replace("bot_token_file: bot-token", "bot_token_file: wrong-token"), []string{"invalid_auth", "copy it again from the app's page"}},
		"a wrong app secret": {
			replace("secret_file: reader.secret", "secret_file: wrong-secret"), []string{"by the app in graph.auth", "could not sign in"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			of := openOffice(t, officeOptions{closed: true, edit: c.edit, allow: []string{"invalid_auth"}})
			of.write("teams", of.graph.URL+"/hook")
			of.write("wrong-token", "xoxb-nonsense")
			of.write("wrong-secret", "nonsense")
			var said safeBuffer
			ctx, cancel := context.WithTimeout(t.Context(), longEnough)
			defer cancel()
			if status := run(ctx, []string{"serve", "--config", of.config}, streams{strings.NewReader(""), &said, &said}); status != 1 {
				t.Errorf("serve = %d, want 1", status)
			}
			for _, want := range c.says {
				if !strings.Contains(said.String(), want) {
					t.Errorf("it does not say %q:\n%s", want, said.String())
				}
			}
			for _, secret := range []string{"nonsense", readerSecret, writerSecret, of.slack.BotToken()} {
				if strings.Contains(said.String(), secret) {
					t.Errorf("it says a secret:\n%s", said.String())
				}
			}
			of.effects(0)
		})
	}
}

// withoutSlack takes the chat out, and whatever needs it.
func withoutSlack(yaml string) string {
	before, after, _ := strings.Cut(yaml, "slack:\n")
	_, after, _ = strings.Cut(after, "changes:")
	digest, rest, _ := strings.Cut(after, "digest:")
	_, rest, _ = strings.Cut(rest, "\n")
	return before + "changes:" + digest + rest
}

// twoTenants names another one.
func twoTenants(yaml string) string {
	const another = `  - id: 00000000-0000-4000-8000-000000000000
    graph: {base_url: http://127.0.0.1:9/v1.0, auth: {method: none}, write_auth: {method: azure_cli}}
slack:
`
	return strings.Replace(yaml, "slack:\n", another, 1)
}

// TestServeAnotherTenant holds that a bot does not work in a tenant that is not
// the configured one, whatever signs it in.
func TestServeAnotherTenant(t *testing.T) {
	t.Parallel()
	of := openOffice(t, officeOptions{closed: true})
	cfg, err := loadConfig(of.config)
	if err != nil {
		t.Fatal(err)
	}
	tenant := cfg.Tenants[0]
	c, err := newClients(tenant, setting{now: of.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	if org, err := c.organization(t.Context(), tenant); err != nil || org.Name != "Harbour & Vale" {
		t.Errorf("the tenant is %+v, %v", org, err)
	}
	tenant.ID = "00000000-0000-4000-8000-000000000000"
	if _, err := c.organization(t.Context(), tenant); err == nil || !strings.HasPrefix(err.Error(), "The configuration is for the tenant "+tenant.ID) {
		t.Errorf("another one: %v", err)
	}
}

// TestServeWithoutAWriter holds that a bot whose second app cannot sign in says
// so at once, and still answers.
func TestServeWithoutAWriter(t *testing.T) {
	t.Parallel()
	of := openOffice(t, officeOptions{closed: true})
	of.write("writer.secret", "a wrong one")
	of.start(0)
	if got := of.log.String(); !strings.Contains(got, "graph.write_auth cannot sign in") || strings.Contains(got, "a wrong one") {
		t.Errorf("the log says\n%s", got)
	}
	of.command("vic", "", "status")
	of.await("vic", "the figures", of.says("people in scope"))
}

// TestServeHealth holds what a host asks the bot: whether it lives, and whether
// it can do its work.
func TestServeHealth(t *testing.T) {
	t.Parallel()
	of := openOffice(t, officeOptions{http: true})
	get := func(path string) (int, string) {
		t.Helper()
		resp, err := http.Get("http://" + of.service.listener.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
	if status, said := get("/healthz"); status != http.StatusOK {
		t.Errorf("/healthz = %d: %s", status, said)
	}
	if status, said := get("/readyz"); status != http.StatusOK || said != "ready\n" {
		t.Errorf("/readyz = %d: %s", status, said)
	}
	for _, path := range []string{"/", "/slack/commands", "/metrics/"} { // of which the second is for POST
		if status, _ := get(path); status != http.StatusNotFound && status != http.StatusMethodNotAllowed {
			t.Errorf("%s = %d", path, status)
		}
	}
	of.graph.CloseClientConnections()
	of.graph.Close()
	if status, _ := get("/readyz"); status != http.StatusOK {
		t.Errorf("/readyz = %d, and the tenant was asked again within a minute", status)
	}
	of.advance(2 * time.Minute)
	if status, said := get("/readyz"); status != http.StatusServiceUnavailable || said != "the tenant does not answer\n" {
		t.Errorf("/readyz without a tenant = %d: %s", status, said)
	}
	if status, _ := get("/healthz"); status != http.StatusOK {
		t.Errorf("/healthz without a tenant = %d", status)
	}
}

// TestServeProcess runs the program itself: it says that it is ready, goes on
// when it is asked to read its configuration again, and ends in order when it
// is asked to stop.
func TestServeProcess(t *testing.T) {
	t.Parallel()
	of := openOffice(t, officeOptions{closed: true, real: true})
	cmd := exec.Command(os.Args[0], "serve", "--config", of.config)
	cmd.Env = append(os.Environ(), "TWOKEY_PROGRAM=1")
	var log safeBuffer
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	said := bufio.NewScanner(out)
	var lines []string
	for said.Scan() && said.Text() != "ready" {
		lines = append(lines, said.Text())
	}
	if got := strings.Join(lines, "\n"); !strings.HasPrefix(got, "serves Harbour & Vale (") || !strings.HasSuffix(got, ") on Slack, by Socket Mode") {
		t.Fatalf("it says %q:\n%s", got, log.String())
	}
	of.command("vic", "", "version")
	of.await("vic", "an answer", of.says("Twokey"))
	if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	of.until("it says to restart", func() bool { return strings.Contains(log.String(), "restart the bot") })
	of.command("sue", "", "whoami")
	of.await("sue", "an answer", of.says("Sue Tanaka"))
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v:\n%s", err, log.String())
	}
	for _, m := range simtenant.Cast(0) { // whose names are in no log
		if strings.Contains(log.String(), m.UPN) || strings.Contains(log.String(), m.Name) {
			t.Errorf("the log names %s:\n%s", m.Name, log.String())
		}
	}
}
