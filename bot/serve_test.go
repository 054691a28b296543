package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"twokey/bot/slack/slacktest"
	"twokey/chat"
	"twokey/commands/approval"
	"twokey/graph"
	"twokey/graph/simtenant"
)

// The two app registrations of the office's bot.
const (
	readerApp    = "7d4a1b2c-3e5f-4a6b-8c7d-000000000001"
	writerApp    = "7d4a1b2c-3e5f-4a6b-8c7d-000000000002"
	readerSecret = "what only the reader knows"
	writerSecret = "what only the writer knows"
)

var officeApps = []simtenant.App{
	{ClientID: readerApp, Name: "Twokey reads", Secret: graph.NewSecret(readerSecret), Permissions: []graph.Permission{
		"Organization.Read.All", "User.Read.All", "UserAuthenticationMethod.Read.All", "Policy.Read.All", "Policy.Read.AuthenticationMethod",
		"GroupMember.Read.All", "RoleManagement.Read.Directory", "AuditLog.Read.All", "Reports.Read.All", "ReportSettings.Read.All",
		"LicenseAssignment.Read.All", "Application.Read.All",
	}},
	{ClientID: writerApp, Name: "Twokey changes", Secret: graph.NewSecret(writerSecret), Permissions: []graph.Permission{
		"Policy.Read.All", "Policy.ReadWrite.SecurityDefaults", "UserAuthMethod-TAP.ReadWrite.All", "User.RevokeSessions.All",
	}},
}

const (
	adminsRoom = "C0ADMINS1"
	teamRoom   = "C0TEAM001"
)

// office is an organisation with a simulated tenant and a Slack workspace, and
// the bot that serves it: from its configuration file on everything is real.
type office struct {
	t       *testing.T
	tenant  *simtenant.Tenant
	graph   *httptest.Server
	slack   *slacktest.Workspace
	clock   *clock
	folder  string
	config  string // the file
	service *service
	end     func() error // ends the bot, and says how it ended
	log     safeBuffer
	through func(chat.Handler) chat.Handler // what events go through; nil: nothing
	handled handled
	page    string // where browsers reach the bot; empty: nowhere
}

// officeOptions are how an office differs from the usual one.
type officeOptions struct {
	http     bool
	patience time.Duration
	edit     func(yaml string) string
	through  func(chat.Handler) chat.Handler // what events go through; nil: nothing
	closed   bool                            // the bot is not started
	real     bool                            // time is the machine's
	page     bool                            // there is a page on which people prove who they are
	allow    []string                        // what Slack refuses by design
	scopes   []string                        // what the app may do beside the usual
	tenant   func(*simtenant.Config)         // makes the tenant another than the usual one; nil: does not
	slack    func(*slacktest.Options)        // likewise the workspace
}

// start is a Wednesday morning.
var officeStart = time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)

func openOffice(t *testing.T, o officeOptions) *office {
	t.Helper()
	start := officeStart
	if o.real {
		start = time.Time{}
	}
	clock, err := openClock("", start)
	if err != nil {
		t.Fatal(err)
	}
	of := &office{t: t, clock: clock, folder: t.TempDir(), through: o.through}
	if o.page {
		_, port, _ := net.SplitHostPort(freePort(t))
		of.page = "https://localhost:" + port
	}
	of.openTenant(o.tenant)
	addr, endpoint := "", (*slacktest.Endpoint)(nil)
	if o.http {
		addr = freePort(t)
		endpoint = &slacktest.Endpoint{URL: "http://" + addr + "/slack", SigningSecret: "0123456789abcdef0123456789abcdef"}
	}
	workspace := slacktest.Options{HTTP: endpoint, Now: clock.Now, Allow: o.allow, Seed: 1, Scopes: slices.Concat(slacktest.DefaultScopes, o.scopes)}
	if o.slack != nil {
		o.slack(&workspace)
	}
	of.slack = slacktest.New(t, workspace)
	of.fillWorkspace()
	yaml := of.yaml(addr)
	if o.page {
		yaml = of.paged(yaml)
	}
	if o.edit != nil {
		yaml = o.edit(yaml)
	}
	of.config = of.write("twokey.yaml", yaml)
	if !o.closed {
		of.start(o.patience)
	}
	return of
}

func (of *office) openTenant(other func(*simtenant.Config)) {
	of.t.Helper()
	c := simtenant.Config{People: 12, Epoch: of.clock.Now(), Now: of.clock.Now, Apps: of.apps()}
	if other != nil {
		other(&c)
	}
	tenant, err := simtenant.New(c)
	if err != nil {
		of.t.Fatal(err)
	}
	config, ca, err := tenant.TLS()
	if err != nil {
		of.t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(tenant)
	server.TLS, server.Config.ErrorLog = config, log.New(io.Discard, "", 0)
	server.StartTLS()
	of.t.Cleanup(func() { server.CloseClientConnections(); server.Close(); _ = tenant.Close() })
	of.tenant, of.graph = tenant, server
	of.write("ca.pem", string(ca))
}

// account is a person's user ID on Slack.
func account(person string) string { return "U0" + strings.ToUpper(person) }

func (of *office) fillWorkspace() {
	var everybody, admins []string
	for _, m := range simtenant.Cast(0) {
		of.slack.AddUser(slacktest.User{ID: account(m.ID), Name: m.ID, RealName: m.Name, Email: m.UPN})
		everybody = append(everybody, account(m.ID))
	}
	for _, id := range castAdmins {
		admins = append(admins, account(id))
	}
	of.slack.AddChannel(slacktest.Channel{ID: adminsRoom, Name: "mfa-admins", Private: true, Members: admins})
	of.slack.AddChannel(slacktest.Channel{ID: teamRoom, Name: "team", Members: everybody})
}

func (of *office) write(name, text string) string {
	of.t.Helper()
	path := filepath.Join(of.folder, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		of.t.Fatal(err)
	}
	return path
}

// yaml is the office's configuration as its owner would write it.
func (of *office) yaml(addr string) string {
	of.write("reader.secret", readerSecret+"\n")
	of.write("writer.secret", writerSecret+"\n")
	of.write("app-token", of.slack.AppToken()+"\n")
	of.write("bot-token", of.slack.BotToken()+"\n")
	of.write("signing-secret", "0123456789abcdef0123456789abcdef\n")
	var roles, people strings.Builder
	users := map[string][]string{}
	for _, m := range simtenant.Cast(0) {
		fmt.Fprintf(&people, "      - {user: %s, slack: %s/%s}\n", m.UPN, of.slack.Team(), account(m.ID))
		for _, r := range castRoles[m.ID] {
			users[string(r)] = append(users[string(r)], m.UPN)
		}
	}
	for role, upns := range users {
		fmt.Fprintf(&roles, "      %s: {users: [%s]}\n", role, strings.Join(upns, ", "))
	}
	mode := "  mode: socket\n  app_token_file: app-token\n"
	web := ""
	if addr != "" {
		mode, web = "  mode: http\n  signing_secret_file: signing-secret\n", "web:\n  addr: "+addr+"\n"
	}
	return fmt.Sprintf(`tenants:
  - id: %s
    graph:
      base_url: %s/v1.0
      authority_url: %s
      ca_file: ca.pem
      auth: {method: secret, client_id: %s, secret_file: reader.secret}
      write_auth: {method: secret, client_id: %s, secret_file: writer.secret}
    emergency: [%s, %s]
    roles:
%s    people:
%s    contact: Ada Okafor, extension 42
    chat_sign_in: own
slack:
%s  bot_token_file: bot-token
  api_url: %s
  channels: {admins: %s, team: %s}
changes: [defaults, tap, revoke]
approvals: {accept_no_step_up: true}
digest: {channel: slack/%s, at: mon 09:00, zone: Europe/Madrid}
audit: {head_to: %s}
store: {dsn: twokey.db}
%s`,
		of.tenantID(), of.graph.URL, of.graph.URL, readerApp, writerApp, simtenant.Emergency(0)[0].UPN, simtenant.Emergency(0)[1].UPN,
		&roles, &people, mode, strings.TrimSuffix(of.slack.APIURL(), "/"), adminsRoom, teamRoom, teamRoom, filepath.Join(of.folder, "heads.jsonl"), web)
}

func (of *office) tenantID() string {
	of.t.Helper()
	var list struct{ Value []struct{ ID string } }
	of.plain(http.MethodGet, "/v1.0/organization", "", &list)
	return list.Value[0].ID
}

// plain speaks to the tenant past the bot, as the app that reads.
func (of *office) plain(method, path, body string, into any) {
	of.t.Helper()
	of.plainAs(readerApp, method, path, body, into)
}

// plainAs is plain for another app than ours.
func (of *office) plainAs(app, method, path, body string, into any) {
	of.t.Helper()
	req, err := http.NewRequestWithContext(of.t.Context(), method, of.graph.URL+path, strings.NewReader(body))
	if err != nil {
		of.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+app)
	resp, err := of.graph.Client().Do(req)
	if err != nil {
		of.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode/100 != 2 {
		of.t.Fatalf("%s %s: %s, %v: %s", method, path, resp.Status, err, text)
	}
	if into != nil {
		decode(of.t, text, into)
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// handled counts what the bot was given to answer, by its text.
type handled struct {
	mu    sync.Mutex
	times map[string]int
}

func (h *handled) count(e chat.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.times == nil {
		h.times = map[string]int{}
	}
	h.times[e.Text+e.Button]++
}

// start starts the bot, and ends it with the test.
func (of *office) start(patience time.Duration) {
	of.t.Helper()
	cfg, err := loadConfig(of.config)
	if err != nil {
		of.t.Fatalf("configuration: %v", err)
	}
	s, err := newService(of.t.Context(), cfg, setting{
		now: of.clock.Now, simulated: true, patience: patience,
		pace: pace{limits: approval.Limits{Tick: 50 * time.Millisecond, Settle: time.Second}, firstPass: 10 * time.Second},
		log:  slog.New(slog.NewTextHandler(&of.log, &slog.HandlerOptions{Level: slog.LevelInfo})),
		handler: func(h chat.Handler) chat.Handler {
			h = through(of.through, h)
			return chat.HandlerFunc(func(ctx context.Context, r chat.Responder, e chat.Event) error {
				of.handled.count(e)
				return h.Handle(ctx, r, e)
			})
		},
	})
	if err != nil {
		of.t.Fatalf("newService: %v\n%s", err, of.log.String())
	}
	of.service = s
	ctx, stop := context.WithCancel(context.Background())
	said, ended := newLines(), make(chan error, 1)
	go func() { ended <- s.run(ctx, said) }()
	of.end = sync.OnceValue(func() error {
		stop()
		err := <-ended
		if closing := s.close(); err == nil {
			err = closing
		}
		return err
	})
	end := of.end
	of.t.Cleanup(func() {
		if err := end(); err != nil {
			of.t.Errorf("the bot ended with %v", err)
		}
		if of.t.Failed() {
			of.t.Logf("the bot's log:\n%s", of.log.String())
		}
	})
	said.await(of.t, "ready")
}

// safeBuffer is a buffer for several goroutines.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// lines are what a program says, one by one.
type lines struct{ said chan string }

func newLines() *lines { return &lines{make(chan string, 100)} }

func (l *lines) Write(p []byte) (int, error) {
	for line := range strings.Lines(string(p)) {
		l.said <- strings.TrimSuffix(line, "\n")
	}
	return len(p), nil
}

// await returns what was said until a line came.
func (l *lines) await(t *testing.T, want string) (before []string) {
	t.Helper()
	late := time.After(longEnough)
	for {
		select {
		case line := <-l.said:
			if line == want {
				return before
			}
			before = append(before, line)
		case <-late:
			t.Fatalf("%q was never said, but %q", want, before)
		}
	}
}

// advance moves everybody's time.
func (of *office) advance(d time.Duration) {
	of.t.Helper()
	if err := of.clock.Advance(d); err != nil {
		of.t.Fatal(err)
	}
	of.slack.Advance(0)
	of.service.bot.wakeAll()
}

func (of *office) acked(d *slacktest.Delivery, what string) {
	of.t.Helper()
	ctx, cancel := context.WithTimeout(of.t.Context(), longEnough)
	defer cancel()
	if !d.Wait(ctx) {
		of.t.Fatalf("%s was not acknowledged: %s", what, d.Failed())
	}
}

func (of *office) command(person, channel, text string) {
	of.t.Helper()
	of.acked(of.slack.Command(account(person), channel, text), "/mfa "+text)
}

func (of *office) say(person, channel, text string) {
	of.t.Helper()
	of.acked(of.slack.Say(account(person), channel, text), text)
}

func (of *office) press(person string, m slacktest.Message, button string) {
	of.t.Helper()
	of.acked(of.slack.Press(account(person), m.ID, button), person+" pressing "+button)
}

// fill fills in the form that a press has opened.
func (of *office) fill(person string, fields map[string]string) {
	of.t.Helper()
	of.until("the form of "+person, func() bool { return of.slack.Modal(account(person)) != nil })
	of.acked(of.slack.Submit(account(person), fields), "the form of "+person)
}

func (of *office) until(what string, holds func() bool) {
	of.t.Helper()
	ctx, cancel := context.WithTimeout(of.t.Context(), longEnough)
	defer cancel()
	if !of.slack.Wait(ctx, holds) {
		of.t.Fatalf("never: %s", what)
	}
}

// await returns the newest message that a person sees and that fits, once there
// is one.
func (of *office) await(person, what string, fits func(slacktest.Message) bool) (found slacktest.Message) {
	of.t.Helper()
	ctx, cancel := context.WithTimeout(of.t.Context(), longEnough)
	defer cancel()
	look := func() bool {
		for _, m := range slices.Backward(of.slack.Seen(account(person))) {
			if fits(m) {
				found = m
				return true
			}
		}
		return false
	}
	if !of.slack.Wait(ctx, look) {
		seen := of.slack.Seen(account(person))
		var last strings.Builder
		for _, m := range seen[max(0, len(seen)-3):] {
			fmt.Fprintf(&last, "\n%s private %t edited %t:\n%s\n", m.ID, m.Private, m.Edited, m.Plain)
		}
		of.t.Fatalf("%s never saw %s; the last of %d messages:\n%s", person, what, len(seen), &last)
	}
	return found
}

// says tells the bot's messages that hold all of the texts.
func (of *office) says(texts ...string) func(slacktest.Message) bool {
	return func(m slacktest.Message) bool {
		return m.From == of.slack.BotUser() && !slices.ContainsFunc(texts, func(s string) bool { return !strings.Contains(m.Plain, s) })
	}
}

func has(m slacktest.Message, button string) bool {
	_, ok := m.Button(button)
	return ok
}

// direct tells a person's own messages.
func (of *office) direct(person string, fits func(slacktest.Message) bool) func(slacktest.Message) bool {
	own := of.slack.Direct(account(person))
	return func(m slacktest.Message) bool { return m.Channel == own && fits(m) }
}

// ask lets ada ask for something in the administrators' channel and returns the
// request's number.
func (of *office) ask(line string) (request string) {
	of.t.Helper()
	of.command("ada", adminsRoom, line)
	card := of.await("ada", "her card", of.direct("ada", func(m slacktest.Message) bool { return has(m, "Cancel the request") }))
	_, rest, _ := strings.Cut(card.Plain, "R-")
	if len(rest) < 6 {
		of.t.Fatalf("there is no request's number in\n%s", card.Plain)
	}
	return "R-" + rest[:6]
}

// prompt returns a person's own prompt of a request.
func (of *office) prompt(person, request string) slacktest.Message {
	of.t.Helper()
	return of.await(person, "the prompt of "+request, of.direct(person, func(m slacktest.Message) bool {
		return has(m, "Approve") && of.says(request)(m)
	}))
}

func (of *office) approve(person, request, answer string) {
	of.t.Helper()
	of.press(person, of.prompt(person, request), "Approve")
	of.await(person, "that it counts", of.says(answer))
}

// effects is what the bot has changed in the tenant.
func (of *office) effects(n int) []simtenant.Effect {
	of.t.Helper()
	got := slices.DeleteFunc(of.tenant.Ledger(), func(e simtenant.Effect) bool { return e.App != readerApp && e.App != writerApp })
	if len(got) != n {
		of.t.Fatalf("the ledger has %d changes of ours, want %d: %+v", len(got), n, got)
	}
	for _, e := range got {
		if e.App != writerApp {
			of.t.Errorf("%s %s was done by the app that reads", e.Method, e.Path)
		}
	}
	return got
}
