package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/bot/discord/discordtest"
	"twokey/bot/slack/slacktest"
	"twokey/graph"
	"twokey/graph/simtenant"
	"twokey/store"
)

const doctorHead = `# What the doctor says

Each row is one thing that was broken on purpose, and what “twokey doctor --config twokey.yaml” says of it: what is wrong, what that
matters for, and what to do. **wrong** means that the bot cannot do its work, and that the doctor ends with status 1; **note** that
something goes without it. ` + "`go test ./bot -run TestDoctorBroken -update`" + ` wrote this page from what it said.

The doctor changes nothing, posts nothing, and works beside a running bot. ` + "`--json`" + ` prints the same for programs:
` + "`{\"ok\", \"findings\": [{\"check\", \"state\", \"what\", \"why\", \"mend\"}]}`" + `. Mistakes in the file itself are on
[a page of their own](configuration-mistakes.md); while there are any, nothing else is looked at.
`

// broken is one thing that is wrong.
type broken struct {
	what         string
	of           officeOptions
	discord      *harbourOptions // the chat is Discord instead of Slack, if not nil
	edit         func(h *harbour, yaml string) string
	off          time.Duration // how far the machine's clock goes before others'
	check, state string
	says         string // among others, in what, why or mend
}

// brokenPart is a heading with what is broken below it.
type brokenPart struct {
	heading string
	cases   []broken
}

// replacing returns an edit that puts one text in the place of another.
func replacing(old, new string) func(*harbour, string) string {
	return func(h *harbour, yaml string) string {
		if !strings.Contains(yaml, old) {
			h.t.Errorf("nothing to replace: %s", old)
		}
		return strings.ReplaceAll(yaml, old, new)
	}
}

func adding(text string) func(*harbour, string) string {
	return func(_ *harbour, yaml string) string { return yaml + text }
}

// doing returns an edit that leaves the file as it is and does something else.
func doing(do func(h *harbour)) func(*harbour, string) string {
	return func(h *harbour, yaml string) string {
		do(h)
		return yaml
	}
}

// writing breaks a secret.
func writing(file, text string) func(*harbour, string) string {
	return doing(func(h *harbour) { h.write(file, text) })
}

// refusing makes the tenant answer some of what it is asked with an error.
func refusing(path, answer string) func(*harbour, string) string {
	return doing(func(h *harbour) {
		h.plain(http.MethodPost, "/_sim/faults", fmt.Sprintf(`[{"path":%q,%s}]`, path, answer), nil)
	})
}

// lacking is an office with a tenant in which the app that reads lacks permissions.
func lacking(gone ...graph.Permission) officeOptions {
	return officeOptions{tenant: func(c *simtenant.Config) {
		c.Apps = slices.Clone(c.Apps)
		c.Apps[0].Permissions = slices.DeleteFunc(slices.Clone(c.Apps[0].Permissions), func(p graph.Permission) bool { return slices.Contains(gone, p) })
	}}
}

// makePair makes a certificate for a name that ends some time from now, and both
// it and its key in PEM.
func makePair(name string, left time.Duration) (cert *x509.Certificate, certPEM, keyPEM string, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, "", "", err
	}
	now := time.Now()
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: now.Add(-100 * day), NotAfter: now.Add(left)}
	raw, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		return nil, "", "", err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, "", "", err
	}
	cert, err = x509.ParseCertificate(raw)
	return cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})), err
}

// behind adds a server with a certificate for a name that ends some time from now.
func behind(name string, left time.Duration) func(*harbour, string) string {
	return func(h *harbour, yaml string) string {
		_, certPEM, keyPEM, err := makePair(name, left)
		if err != nil {
			h.t.Fatal(err)
		}
		h.write("web.pem", certPEM)
		h.write("web.key", keyPEM)
		return yaml + "web: {addr: \"" + freePort(h.t) + "\", public_url: https://twokey.vale.example, tls: files, cert_file: web.pem, key_file: web.key}\n"
	}
}

const day = 24 * time.Hour

var brokenParts = []brokenPart{
	{"The configuration", []broken{
		{what: "the file is not there", edit: doing(func(h *harbour) { h.config = filepath.Join(h.folder, "twokey.yml") }), check: "configuration", state: stateWrong, says: "there is no file"},
		{what: "a key that is not known", edit: adding("chnges: [tap]\n"), check: "configuration", state: stateWrong, says: "changes"},
		{what: "a mode that is not known", edit: replacing("mode: socket", "mode: sokcet"), check: "configuration", state: stateWrong, says: "slack.mode"},
		{what: "a secret's file is not there", edit: replacing("secret_file: reader.secret", "secret_file: nothing-here"), check: "configuration", state: stateWrong, says: "secret_file: the file of the secret is not there"},
		{what: "everybody may read a secret's file", edit: doing(func(h *harbour) {
			if err := os.Chmod(filepath.Join(h.folder, "reader.secret"), 0o644); err != nil {
				h.t.Fatal(err)
			}
		}), check: "configuration", state: stateWrong, says: "secret_file"},
		{what: "a change without an app that makes it", edit: func(_ *harbour, yaml string) string {
			return regexp.MustCompile("(?m)^      write_auth: .*\n").ReplaceAllString(yaml, "")
		}, check: "configuration", state: stateWrong, says: "write_auth"},
		{what: "two tenants", edit: func(_ *harbour, yaml string) string { return twoTenants(yaml) }, check: "configuration", state: stateWrong, says: "one bot looks after one"},
		{what: "no chat", edit: func(_ *harbour, yaml string) string { return withoutSlack(yaml) }, check: "configuration", state: stateWrong, says: "there is no chat"},
		{what: "Teams without a digest", edit: func(h *harbour, yaml string) string {
			h.write("teams.webhook", "https://hooks.example/run")
			return regexp.MustCompile("(?m)^digest: .*\n").ReplaceAllString(yaml, "") + "teams: {webhook_url_file: teams.webhook}\n"
		}, check: "configuration", state: stateWrong, says: "no section digest"},
		{what: "heads by mail", edit: replacing("audit: {head_to: ", "audit: {head_to: [\"mailto:audit@vale.example\"]} # "), check: "configuration", state: stateWrong, says: "mailto:audit@vale.example"},
	}},
	{"The database and the record", []broken{
		{what: "its folder is not there", edit: replacing("dsn: twokey.db", "dsn: nowhere/twokey.db"), check: "store", state: stateWrong, says: "let the bot's user write to it"},
		{what: "another program's file", edit: func(h *harbour, yaml string) string {
			h.write("other.db", "this is no database, whatever it is called")
			return strings.ReplaceAll(yaml, "dsn: twokey.db", "dsn: other.db")
		}, check: "store", state: stateWrong, says: "Is it Twokey's file"},
		{what: "no server there", edit: replacing("dsn: twokey.db", "dsn: \"postgres://twokey@127.0.0.1:1/twokey\""), check: "store", state: stateWrong, says: "Is the server running"},
		{what: "a newer program's database", edit: doing(ahead), check: "store", state: stateWrong, says: "A newer Twokey has changed this database"},
		{what: "somebody wrote to the record", edit: doing(tampered), check: "audit record", state: stateWrong, says: "does not match its own hash"},
		{what: "the folder for its heads is not there", edit: replacing("audit: {head_to: ", "audit: {head_to: [/nowhere/at/all/heads]} # "), check: "audit heads", state: stateWrong, says: "let the bot's user write to it"},
		{what: "no place for its heads", edit: replacing("audit: {head_to: ", "audit: {} # "), check: "audit heads", state: stateNote, says: "head_to"},
	}},
	{"The tenant", []broken{
		{what: "a wrong secret of the app that reads", edit: writing("reader.secret", "nonsense"), check: "app that reads", state: stateWrong, says: "could not sign in"},
		{what: "a wrong secret of the app that changes", edit: writing("writer.secret", "nonsense"), check: "app that changes", state: stateWrong, says: "could not sign in"},
		{what: "an app that there is not", edit: replacing("client_id: "+readerApp, "client_id: 7d4a1b2c-3e5f-4a6b-8c7d-00000000000f"), check: "app that reads", state: stateWrong, says: "could not sign in"},
		{what: "the ID of another tenant", edit: func(h *harbour, yaml string) string {
			return strings.ReplaceAll(yaml, h.tenantID(), "00000000-0000-4000-8000-000000000000")
		}, check: "tenant", state: stateWrong, says: "tenants[0].id"},
		{what: "a file that holds no certificate", edit: func(h *harbour, yaml string) string {
			h.write("reader.pem", "nonsense")
			return strings.Replace(yaml, "auth: {method: secret, client_id: "+readerApp+", secret_file: reader.secret}", "auth: {method: certificate, client_id: "+readerApp+", certificate_file: reader.pem}", 1)
		}, check: "tenant", state: stateWrong, says: "cannot be used"},
		{what: "Graph does not answer", edit: func(h *harbour, yaml string) string {
			return strings.Replace(yaml, "base_url: "+h.graph.URL, "base_url: https://127.0.0.1:1", 1)
		}, check: "tenant", state: stateWrong, says: "graph.base_url"},
		{what: "Microsoft's sign-in does not answer", edit: func(h *harbour, yaml string) string {
			return strings.Replace(yaml, "authority_url: "+h.graph.URL, "authority_url: https://127.0.0.1:1", 1)
		}, check: "app that reads", state: stateWrong, says: "could not sign in"},
		{what: "an authority that nobody vouches for", edit: replacing("      ca_file: ca.pem\n", ""), check: "tenant", state: stateWrong, says: "graph.base_url"},
		{what: "an authority's file without a certificate", edit: writing("ca.pem", "nonsense"), check: "tenant", state: stateWrong, says: "no certificate in PEM"},
		{what: "a permission that it does not start without", of: lacking("Organization.Read.All"), check: "app that reads", state: stateWrong, says: "Organization.Read.All is missing"},
		{what: "the permission to read people", of: lacking("User.Read.All"), check: "app that reads", state: stateWrong, says: "User.Read.All is missing"},
		{what: "the permission to read methods", of: lacking("UserAuthenticationMethod.Read.All"), check: "app that reads", state: stateNote, says: "UserAuthenticationMethod.Read.All is missing"},
		{what: "the permission to read the log", of: lacking("AuditLog.Read.All"), check: "app that reads", state: stateNote, says: "AuditLog.Read.All is missing"},
		{what: "a permission for a change", edit: replacing("changes: [", "changes: [block, "), check: "app that changes", state: stateWrong, says: "User.EnableDisableAccount.All is missing"},
		{what: "a permission too many", check: "app that reads", state: stateNote, says: "needs it for nothing"},
		{what: "its own keys cannot be looked at", of: lacking("Application.Read.All"), check: "keys of app " + readerApp, state: stateNote, says: "whether somebody added one"},
		{what: "a certificate that ends soon", of: officeOptions{tenant: func(c *simtenant.Config) {
			c.Apps = slices.Clone(c.Apps)
			if cert, _, _, err := makePair("twokey.example", 10*day); err == nil {
				c.Apps[0].Certificates = []*x509.Certificate{cert}
			}
		}}, check: "keys of app " + readerApp, state: stateNote, says: "Add a new one"},
		{what: "passes are switched off", of: officeOptions{tenant: func(c *simtenant.Config) { c.PassesOff = true }}, check: "Temporary Access Pass", state: stateNote, says: "switched off"},
		{what: "the licence cannot be read", edit: refusing("/subscribedSkus*", `"status":403`), check: "licence", state: stateNote, says: "without P1"},
		{what: "somebody who is not there", edit: replacing("lead: {users: [", "lead: {users: [ghost@harbourvale.example, "), check: "people and rules", state: stateWrong, says: "ghost@harbourvale.example"},
		{what: "a group that is not there", edit: replacing("lead: {users: [", "lead: {groups: [00000000-0000-4000-8000-000000000009], users: ["), check: "people and rules", state: stateWrong, says: "00000000-0000-4000-8000-000000000009"},
		{what: "an emergency account that is not there", edit: replacing("emergency: [", "emergency: [rescue9@harbourvale.example, "), check: "people and rules", state: stateWrong, says: "rescue9@harbourvale.example"},
	}},
	{"People and rules", []broken{
		{what: "no emergency account", edit: func(_ *harbour, yaml string) string {
			return regexp.MustCompile("(?m)^    emergency: .*\n").ReplaceAllString(yaml, "")
		}, check: "emergency accounts", state: stateNote, says: "only such an account gets in"},
		{what: "no security contact", check: "security contact", state: stateNote, says: "tenants[0].security_contact"},
		{what: "an approver without a chat account", edit: func(_ *harbour, yaml string) string {
			return regexp.MustCompile("(?m)^      - {user: bea@.*\n").ReplaceAllString(yaml, "")
		}, check: "pinned accounts", state: stateNote, says: "has no chat account"},
		{what: "too few approvers", edit: func(_ *harbour, yaml string) string {
			return regexp.MustCompile("(?m)^      approver: .*\n").ReplaceAllString(yaml, "      approver: {users: [abe@harbourvale.example]}\n")
		}, check: "who decides defaults", state: stateNote, says: "Appoint 1 more approver"},
		{what: "no digest", edit: func(_ *harbour, yaml string) string {
			return regexp.MustCompile("(?m)^digest: .*\n").ReplaceAllString(yaml, "")
		}, check: "weekly digest", state: stateNote, says: "not posted"},
		{what: "one person alone decides", edit: replacing("approvals: {", "approvals: {solo: true, "), check: "solo", state: stateNote, says: "one person alone"},
		{what: "nobody proves who they are", check: "step-up", state: stateNote, says: "takes over a chat session"},
		{what: "too few may be left who can sign in", edit: replacing("approvals: {", "approvals: {accept_lockout: true, "), check: "lock-out guard", state: stateNote, says: "too few"},
	}},
	{"Slack", []broken{
		{what: "a wrong bot token", edit: writing("bot-token", "xoxb-nonsense"), check: "slack token", state: stateWrong, says: "copy it again from the app's page"},
		{what: "the app's token in the bot's place", edit: doing(func(h *harbour) { h.write("bot-token", h.slack.AppToken()) }), check: "slack", state: stateWrong, says: "begins with xoxb-"},
		{what: "the app was removed", edit: doing(func(h *harbour) { h.slack.Revoke() }), check: "slack token", state: stateWrong, says: "install the app again"},
		{what: "a wrong app token", edit: writing("app-token", "xapp-nonsense"), check: "slack sockets", state: stateWrong, says: "copy it again from the app's page"},
		{what: "Socket Mode is off", edit: doing(func(h *harbour) { h.slack.DisableLink() }), check: "slack sockets", state: stateWrong, says: "Socket Mode"},
		{what: "a scope is missing", of: officeOptions{slack: func(o *slacktest.Options) {
			o.Scopes = slices.DeleteFunc(slices.Clone(o.Scopes), func(s string) bool { return s == "files:write" })
		}}, check: "slack scope files:write", state: stateWrong, says: "add it under OAuth & Permissions"},
		{what: "Slack cannot be reached", edit: replacing("api_url: ", "api_url: http://127.0.0.1:1/api # "), check: "slack token", state: stateWrong, says: "Can this machine reach"},
		{what: "Slack is out of order", edit: doing(func(h *harbour) { h.slack.Fault(slacktest.Fault{Status: http.StatusServiceUnavailable, Times: 100}) }), check: "slack token", state: stateWrong, says: "503"},
		{what: "a pinned account that is not there", edit: replacing("/"+account("bea"), "/U0NOBODY1"), check: "pinned accounts", state: stateWrong, says: "U0NOBODY1"},
		{what: "a pinned account of another workspace", edit: func(h *harbour, yaml string) string {
			return strings.ReplaceAll(yaml, h.slack.Team()+"/"+account("bea"), "T0OTHER01/"+account("bea"))
		}, check: "pinned accounts", state: stateWrong, says: "another workspace"},
		{what: "a pinned account of a guest", edit: doing(func(h *harbour) { h.slack.AddUser(slacktest.User{ID: account("bea"), Restricted: true}) }), check: "pinned accounts", state: stateWrong, says: "full member"},
		{what: "a pinned account that was deactivated", edit: doing(func(h *harbour) { h.slack.AddUser(slacktest.User{ID: account("bea"), Deleted: true}) }), check: "pinned accounts", state: stateWrong, says: "full member"},
		{what: "no channel for administrators", edit: replacing("channels: {admins: "+adminsRoom+", ", "channels: {"), check: "slack channel admins", state: stateNote, says: "Set slack.channels.admins"},
		{what: "a channel that is not there", edit: replacing("team: "+teamRoom+"}", "team: C0NOWHERE}"), check: "slack channel team", state: stateWrong, says: "here is no such channel"},
		{what: "the bot was not invited", edit: doing(func(h *harbour) {
			h.slack.AddChannel(slacktest.Channel{ID: adminsRoom, Private: true, BotAway: true})
		}), check: "slack channel admins", state: stateWrong, says: "/invite"},
		{what: "this machine's clock is off", off: 5 * time.Minute, check: "clock", state: stateWrong, says: "time synchronisation"},
	}},
	{"Discord", []broken{
		{what: "a wrong token", discord: &harbourOptions{}, edit: writing("discord.token", "MzEwMDAwMDAwMDAwMDAwMDAx.nonsense.nonsense"), check: "discord token", state: stateWrong, says: "copy it again"},
		{what: "the token was reset", discord: &harbourOptions{}, edit: doing(func(h *harbour) { h.discord.Revoke() }), check: "discord token", state: stateWrong, says: "copy it again"},
		{what: "Discord cannot be reached", discord: &harbourOptions{}, edit: replacing("api_url: ", "api_url: http://127.0.0.1:1/api/v10 # "), check: "discord token", state: stateWrong, says: "Can this machine reach"},
		{what: "a server that the bot is not on", discord: &harbourOptions{}, edit: replacing(`guild: "410000000000000001"`, `guild: "410000000000000009"`), check: "discord server", state: stateWrong, says: "invite the bot"},
		{what: "interactions go elsewhere", discord: &harbourOptions{}, edit: doing(func(h *harbour) { h.discord.DeliverTo("https://other.example/interactions") }), check: "discord interactions", state: stateWrong, says: "Interactions Endpoint URL"},
		{what: "interactions go nowhere", discord: &harbourOptions{http: true}, edit: doing(func(h *harbour) { h.discord.DeliverTo("") }), check: "discord interactions", state: stateWrong, says: "Interactions Endpoint URL"},
		{what: "free text is not heard", discord: &harbourOptions{http: true}, check: "discord messages", state: stateNote, says: "gateway"},
		{what: "commands of another version", discord: &harbourOptions{}, check: "discord commands", state: stateNote, says: "Start the bot"},
		{what: "a pinned account that is no member", discord: &harbourOptions{}, edit: replacing(member("bea"), "219999999999999999"), check: "pinned Discord accounts", state: stateWrong, says: "invite the person"},
		{what: "a channel that is not there", discord: &harbourOptions{}, edit: replacing(`team: "`+teamHall, `team: "519999999999999999`), check: "discord channel team", state: stateWrong, says: "here is no such channel"},
		{what: "a channel that the bot does not see", discord: &harbourOptions{}, edit: doing(func(h *harbour) {
			h.discord.AddChannel(discordtest.Channel{ID: adminsHall, BotAway: true})
		}), check: "discord channel admins", state: stateWrong, says: "let it view the channel"},
		{what: "this machine's clock is off", discord: &harbourOptions{}, off: -5 * time.Minute, check: "clock", state: stateWrong, says: "from Discord's"},
	}},
	{"Teams and the server with its page", []broken{
		{what: "no address of a workflow", edit: func(h *harbour, yaml string) string {
			h.write("teams.webhook", "the workflow that Olga made")
			return yaml + "teams: {webhook_url_file: teams.webhook}\n"
		}, check: "configuration", state: stateWrong, says: "copy the whole address from the workflow"},
		{what: "no certificate", edit: adding("web: {addr: \"127.0.0.1:65000\", public_url: https://twokey.vale.example, tls: files, cert_file: none.pem, key_file: none.key}\n"), check: "web certificate", state: stateWrong, says: "web.cert_file"},
		{what: "a certificate that has ended", edit: behind("twokey.vale.example", -day), check: "web certificate", state: stateWrong, says: "Renew it"},
		{what: "a certificate for another name", edit: behind("www.vale.example", 200*day), check: "web certificate", state: stateWrong, says: "not for twokey.vale.example"},
		{what: "a certificate that ends soon", edit: behind("twokey.vale.example", 10*day), check: "web certificate", state: stateNote, says: "Renew it before"},
		{what: "an address of another machine", edit: adding("web: {addr: \"192.0.2.1:8443\"}\n"), check: "web address", state: stateNote, says: "another web.addr"},
		{what: "the page is not reached", of: officeOptions{page: true}, check: "public address", state: stateNote, says: "if the bot is not running"},
		{what: "a wrong secret of the page's app", of: officeOptions{page: true}, edit: writing("sign-in.secret", "nonsense"), check: "sign-in secret", state: stateWrong, says: "Make a new client secret"},
		{what: "the page's address is not registered", of: officeOptions{page: true, tenant: func(c *simtenant.Config) {
			c.Apps = slices.Clone(c.Apps)
			c.Apps[2].Redirects = []string{"https://elsewhere.example/link/signed-in"}
		}}, check: "sign-in address", state: stateWrong, says: "redirect URI"},
	}},
}

// tampered leaves a database whose record somebody has edited.
func tampered(h *harbour) {
	h.t.Helper()
	path := h.begun()
	var said safeBuffer
	if status := run(h.t.Context(), []string{"freeze", "--config", h.config, "--reason", "a try"}, streams{strings.NewReader(""), &said, &said}); status != 0 {
		h.t.Fatalf("freeze = %d: %s", status, said.String())
	}
	execute(h.t, path, "UPDATE audit SET actor = 'twokey' WHERE number = 1")
}

// ahead has a program change the database that is newer than this one.
func ahead(h *harbour) {
	h.t.Helper()
	execute(h.t, h.begun(), "INSERT INTO twokey_schema (version, oldest) VALUES (9000, 9000)")
}

// begun makes the database that a first start would make, and returns where it is.
func (h *harbour) begun() string {
	h.t.Helper()
	path := filepath.Join(h.folder, "twokey.db")
	s, err := store.Open(h.t.Context(), store.Config{DSN: path})
	if err != nil {
		h.t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		h.t.Fatal(err)
	}
	return path
}

// TestDoctorBroken breaks one thing after the other, and holds that it is found,
// by a sentence that says what it matters for and what to do, and that
// docs/doctor.md shows what is said. It is not run beside the others: what is said
// of a machine that is too busy to answer is another thing.
func TestDoctorBroken(t *testing.T) {
	rows := make([][]string, len(brokenParts))
	count := 0
	t.Run("", func(t *testing.T) {
		for p, part := range brokenParts {
			rows[p] = make([]string, len(part.cases))
			count += len(part.cases)
			for i, c := range part.cases {
				t.Run(part.heading+"/"+c.what, func(t *testing.T) {
					t.Parallel()
					rows[p][i] = c.examine(t)
				})
			}
		}
	})
	var page strings.Builder
	page.WriteString(doctorHead)
	for p, part := range brokenParts {
		fmt.Fprintf(&page, "\n## %s\n\n| what is broken | | what the doctor says | why it matters | what to do |\n|---|---|---|---|---|\n%s", part.heading, strings.Join(rows[p], ""))
	}
	t.Logf("%d things broken in turn", count)
	if t.Failed() {
		return
	}
	const name = "../docs/doctor.md"
	if *update {
		if err := os.WriteFile(name, []byte(page.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	is, would := strings.Split(string(got), "\n"), strings.Split(page.String(), "\n")
	for i := range max(len(is), len(would)) {
		if i >= len(is) || i >= len(would) || is[i] != would[i] {
			t.Fatalf("%s is not what it would be now; -update writes it anew. From line %d:\n%q\nnow\n%q", name, i+1, is[min(i, len(is)):min(i+1, len(is))], would[min(i, len(would)):min(i+1, len(would))])
		}
	}
}

// examine breaks it, looks, and returns the row of the page.
func (c broken) examine(t *testing.T) (row string) {
	h := c.open(t)
	yaml, err := os.ReadFile(h.config)
	if err != nil {
		t.Fatal(err)
	}
	if c.edit != nil {
		if text := c.edit(h, string(yaml)); text != string(yaml) {
			h.write("twokey.yaml", text)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*longEnough) // an authority is asked again and again
	defer cancel()
	d := &examination{now: func() time.Time { return time.Now().Add(c.off) }}
	d.all(ctx, h.config)
	h.effects(0)
	if d.wrong() != (c.state == stateWrong) {
		t.Errorf("it fails: %t, as one thing is %s: %+v", d.wrong(), c.state, d.findings)
	}
	for _, f := range d.findings {
		if (f.State == stateWrong || f.State == stateNote) && (f.What == "" || f.Why == "" || f.Mend == "") {
			t.Errorf("nobody is told what, why or what to do: %+v", f)
		}
	}
	h.keepsToItself(d.findings)
	for _, f := range d.findings {
		if f.Check == c.check && f.State == c.state && strings.Contains(f.What+" "+f.Why+" "+f.Mend, c.says) {
			return h.row(c.what, f)
		}
	}
	t.Errorf("%s is not %s with %q: %+v", c.check, c.state, c.says, d.findings)
	return ""
}

// open opens what is to be broken.
func (c broken) open(t *testing.T) *harbour {
	if c.discord != nil {
		o := *c.discord
		o.closed, o.real = true, true
		o.allow = []string{"10003", "10004", "10013", "50001", "401", "0"}
		return openHarbour(t, o)
	}
	c.of.closed, c.of.real = true, true
	c.of.allow = []string{"invalid_auth", "user_not_found", "not_allowed_token_type", "token_revoked", "channel_not_found", "link_disabled", "forbidden_team"}
	return &harbour{office: openOffice(t, c.of)}
}

// keepsToItself holds that findings show no secret, and no insides.
func (h *harbour) keepsToItself(found []finding) {
	h.t.Helper()
	text, err := json.Marshal(found)
	if err != nil {
		h.t.Fatal(err)
	}
	never := []string{readerSecret, writerSecret, signInSecret, "goroutine ", "panic", ".go:"}
	if h.slack != nil {
		never = append(never, h.slack.BotToken(), h.slack.AppToken())
	} else {
		never = append(never, h.discord.Token())
	}
	for _, n := range never {
		if strings.Contains(string(text), n) {
			h.t.Errorf("it says %q:\n%s", n, text)
		}
	}
}

// What differs from run to run.
var (
	somePort = regexp.MustCompile(`(127\.0\.0\.1|localhost):\d{4,5}`)
	someDay  = regexp.MustCompile(`\d{4}-\d{2}-\d{2}`)
	someSpan = regexp.MustCompile(`by (-?)\d+m\d+s`)
	someID   = regexp.MustCompile(`(Trace ID|Correlation ID|request|Timestamp): ?[0-9a-f-]{36}`)
)

// row is a finding as a row of the page.
func (h *harbour) row(what string, f finding) string {
	cells := []string{what, "**" + f.State + "**", f.Check + ": " + f.What, f.Why, f.Mend}
	for i, cell := range cells {
		cell = strings.NewReplacer(h.folder+"/", "", h.folder, "its folder", "|", `\|`, "<", "&lt;", "\n", " ").Replace(cell)
		cell = somePort.ReplaceAllString(cell, "$1:8443")
		cell = someDay.ReplaceAllString(cell, "2027-01-31")
		cell = someSpan.ReplaceAllString(cell, "by ${1}5m0s")
		cells[i] = someID.ReplaceAllString(cell, "$1: …")
	}
	return "| " + strings.Join(cells, " | ") + " |\n"
}
