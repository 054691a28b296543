package config

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	_ "time/tzdata"

	"twokey/commands/rules"
)

const example = "../../docs/twokey.example.yaml"

// kinds are those that the tests' program knows.
var kinds = []string{"defaults", "tap", "revoke"}

var environment = map[string]string{
	"TWOKEY_READER_CERTIFICATE": "canary", "TWOKEY_READER_CERTIFICATE_PASSWORD": "canary", "TWOKEY_READER_SECRET": "canary",
	"TWOKEY_WRITER_SECRET": "canary", "TWOKEY_SLACK_APP_TOKEN": "canary", "TWOKEY_SLACK_BOT_TOKEN": "canary",
	"TWOKEY_SLACK_SIGNING_SECRET": "canary", "TWOKEY_SIGN_IN_SECRET": "canary", "TWOKEY_DISCORD_TOKEN": "canary", "TWOKEY_TEAMS_WEBHOOK": "https://hooks.example/canary", "TWOKEY_DSN": "canary",
}

func options() Options {
	return Options{Kinds: kinds, Getenv: func(name string) (string, bool) {
		v, ok := environment[name]
		return v, ok
	}}
}

// secrets are the files that the example names.
var secrets = map[string]string{
	"reader.pem": "canary", "reader.password": "canary\n", "reader.secret": "canary", "slack.app-token": "canary\r\n", "slack.bot-token": "canary",
	"slack.signing-secret": "canary", "sign-in.secret": "canary", "discord.token": "canary", "teams.webhook": "https://hooks.example/canary?sig=canary", "store.dsn": "canary",
}

// folder holds a configuration and the files that it names.
func folder(t testing.TB, text string) (path string) {
	t.Helper()
	dir := t.TempDir()
	path = filepath.Join(dir, "twokey.yaml")
	for name, text := range secrets {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// mistakes loads a text and returns what is said of it, without the folder.
func mistakes(t testing.TB, text string) (*Config, []string) {
	t.Helper()
	path := folder(t, text)
	c, err := Load(path, options())
	if err == nil {
		return c, nil
	}
	var ms Mistakes
	if !errors.As(err, &ms) {
		t.Fatalf("Load = %v, want Mistakes", err)
	}
	return c, strings.Split(strings.ReplaceAll(ms.Error(), filepath.Dir(path)+"/", ""), "\n")
}

// commented is a key of the example that stands in for another.
var commented = regexp.MustCompile(`(?m)^( +)# ([a-z_]+: \S+.*)$`)

// TestExample holds that the example is a right configuration and names every
// key that the program knows, those that exclude each other in comments, and
// no other.
func TestExample(t *testing.T) {
	t.Parallel()
	text := read(t, example)
	c, said := mistakes(t, text)
	if said != nil {
		t.Fatalf("the example is wrong:\n%s", strings.Join(said, "\n"))
	}
	if c.Tenants[0].Graph.Auth.Certificate.Reveal() != "canary" || c.Slack.AppToken.Reveal() != "canary" || c.Tenants[0].Graph.WriteAuth.Secret.Reveal() != "canary" {
		t.Error("the secrets are not those that the files and the environment hold")
	}

	r := &reader{options: options()}
	r.document([]byte(commented.ReplaceAllString(text, "$1$2")), new(Config).shape(kinds))
	if !r.sound("") {
		t.Fatal(r.err())
	}
	named := map[string]bool{}
	delete(r.lines, "") // the file itself
	for key := range r.lines {
		named[general(key)] = true
	}
	known := map[string]bool{}
	for _, key := range Keys([]string{"defaults"}) {
		known[general(key)] = true
		if !named[general(key)] {
			t.Errorf("the example does not name %s", key)
		}
	}
	for key := range named {
		if !known[key] {
			t.Errorf("the example names %s, which there is not", key)
		}
	}
}

// general is a key without its places in lists. What signs in is one thing in
// two places, as is a policy.
func general(key string) string {
	key = regexp.MustCompile(`\[\d+\]`).ReplaceAllString(key, "[]")
	key = strings.NewReplacer(".write_auth.", ".auth.", "policies.two", "policies.defaults").Replace(key)
	return strings.TrimSuffix(key, "[]")
}

// least is the smallest configuration.
const least = `tenants:
  - id: 11111111-2222-4333-8444-555555555555
    graph:
      auth: {method: azure_cli}
store:
  dsn: twokey.db
`

func TestLeast(t *testing.T) {
	t.Parallel()
	c, said := mistakes(t, least)
	if said != nil {
		t.Fatal(said)
	}
	if !c.Approvals.Fallback || c.Approvals.Admins != "refuse" || c.Audit.Retention != 7*year || c.Slack != nil || !strings.HasSuffix(c.Store.DSN.Reveal(), "/twokey.db") {
		t.Errorf("the defaults are %+v", c)
	}
}

// edit replaces a text that stands once in the example. “…” stands for all up
// to what follows it.
func edit(t *testing.T, text, old, by string) string {
	t.Helper()
	start, end := strings.Index(text, old), 0
	if from, to, cut := strings.Cut(old, "…"); cut {
		start = strings.Index(text, from)
		end = start + strings.Index(text[start:], to) + len(to)
		if to == "" {
			end = len(text)
		}
	} else {
		end = start + len(old)
		if strings.Count(text, old) != 1 {
			t.Fatalf("%q stands %d times in the example", old, strings.Count(text, old))
		}
	}
	return text[:start] + by + text[end:]
}

// TestMistakes holds what is said of each mistake, and that nothing else is.
func TestMistakes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		changes []string // of the example, in pairs
		want    string   // the one mistake, "N" standing for its line
	}{
		{"a slip of the pen", []string{"channels:\n    admins: C0", "chanels:\n    admins: C0"}, `slack.chanels: there is no such key; did you mean "channels"?`},
		{"another spelling", []string{"  admins: refuse", "  Admins: refuse"}, `approvals.Admins: there is no such key; did you mean "admins"?`},
		{"a key of another section", []string{"  retention: 7y", "  wait: 7y"}, "audit.wait: there is no such key here; it belongs in approvals"},
		{"no such key", []string{"  retention: 7y", "  frobnicate: 7y"}, "audit.frobnicate: there is no such key; there are head_to, retention"},
		{"a secret in the file", []string{"bot_token_file: slack.bot-token", "bot_token: xoxb-canary"}, "slack.bot_token: a secret does not belong in this file; name where it is with bot_token_file or bot_token_env"},
		{"a secret twice", []string{"  # bot_token_env", "  bot_token_env"}, "slack.bot_token_env: bot_token is given twice; take one of its keys out"},
		{"a secret nowhere", []string{"  bot_token_file: slack.bot-token # the bot user's token, xoxb-…; required\n", ""}, "slack.bot_token: is missing; add bot_token_file or bot_token_env"},
		{"a secret's file away", []string{"slack.bot-token", "gone"}, "slack.bot_token_file: the file of the secret is not there; correct the name, or put it there"},
		{"a variable that is not set", []string{"secret_env: TWOKEY_WRITER_SECRET", "secret_env: GONE"}, "tenants[0].graph.write_auth.secret_env: this environment variable is not set; set it where the bot is started"},
		{"no variable", []string{"secret_env: TWOKEY_WRITER_SECRET", "secret_env: p4ss=w0rd"}, "tenants[0].graph.write_auth.secret_env: want the name of an environment variable that holds the secret, as TWOKEY_SLACK_TOKEN"},
		{"a password in a DSN", []string{"dsn: twokey.db", "dsn: postgres://bot:hunter2@db/twokey"}, "store.dsn: a password does not belong in this file; name where the whole DSN is with dsn_file or dsn_env"},
		{"a password in a DSN's query", []string{"dsn: twokey.db", "dsn: postgres://db/twokey?password=hunter2"}, "store.dsn: a password does not belong in this file; name where the whole DSN is with dsn_file or dsn_env"},
		{"another database", []string{"dsn: twokey.db", "dsn: mysql://db/twokey"}, "store.dsn: want the name of a file, or postgres://…"},
		{"no tenant ID", []string{"id: 11111111-2222", "id: 1111-2222"}, "tenants[0].id: “1111-2222-4333-8444-555555555555” is no tenant's ID; it is 32 hex digits, as 00000000-0000-0000-0000-000000000000"},
		{"no user", []string{"protected: [sync@vale.example]", "protected: [sync]"}, "tenants[0].protected[0]: “sync” is neither an object ID nor a user principal name as ada@vale.example; give one of them"},
		{"no group", []string{"groups: [44444444-5555-4666-8777-888888888888]", "groups: [Admins]"}, "tenants[0].roles.viewer.groups[0]: “Admins” is no group's object ID; it is 32 hex digits, as 00000000-0000-0000-0000-000000000000"},
		{"no role", []string{"      owner:\n", "      onwer:\n"}, "tenants[0].roles.onwer: is no role; did you mean \"owner\"?"},
		{"not a list", []string{"protected: [sync@vale.example]", "protected: sync@vale.example"}, "tenants[0].protected: want a list, as [one, two] or with a dash before each"},
		{"no kind", []string{"changes: [defaults]", "changes: [default]"}, "changes[0]: “default” is not a choice; did you mean \"defaults\"?"},
		{"no kind like it", []string{"changes: [defaults]", "changes: [everything]"}, "changes[0]: “everything” is not a choice; want defaults, tap or revoke"},
		{"no time", []string{"wait: 15m #", "wait: 15 #"}, "approvals.wait: “15” is no time from 1m to 2d; write it as 90s, 15m, 8h, 2d or 7y"},
		{"too long", []string{"life: 8h", "life: 3d"}, "approvals.life: “3d” is no time from 15m to 2d; write it as 90s, 15m, 8h, 2d or 7y"},
		{"no number", []string{"many: 10", "many: ten"}, "approvals.many: “ten” is no whole number from 1 to 1000; write one"},
		{"not true", []string{"solo: false", "solo: yes"}, "approvals.solo: “yes” is neither true nor false; write one of them"},
		{"no policy", []string{"policy: two", "policy: three"}, "approvals.policies.defaults.policy: “three” is not a choice; want confirm, one or two"},
		{"one approver", []string{"    # two: {", "    two: {"}, ""},
		{"two is two", []string{"    # two: {policy: one", "    two: {policy: two"}, "approvals.policies.two.policy: want one: this is for an organisation that has one approver; else take it out"},
		{"no moment", []string{"at: mon 09:00", "at: monday 9"}, "digest.at: “monday 9” is no moment of the week; write it as mon 09:00"},
		{"no zone", []string{"zone: Europe/Madrid", "zone: Europe/Atlantis"}, "digest.zone: “Europe/Atlantis” is no time zone; write it as Europe/Madrid or UTC"},
		{"no channel", []string{"channel: slack/C0TEAM001", "channel: \"#team\""}, "digest.channel: “#team” is no channel; write it as slack/C0123ABCD or discord/123456789012345678"},
		{"plain http", []string{"https://graph.microsoft.com", "http://graph.microsoft.com"}, "tenants[0].graph.base_url: “http://graph.microsoft.com/v1.0” is not https; write https: plain http is only for this machine itself"},
		{"no version of Graph", []string{"https://graph.microsoft.com/v1.0", "https://graph.microsoft.com/beta"}, "tenants[0].graph.base_url: want an address that ends in /v1.0"},
		{"a name in an address", []string{"https://slack.com/api", "https://me:canary@slack.com/api"}, "slack.api_url: want an address without a name, password, query or fragment"},
		{"an authority with a path", []string{"https://login.microsoftonline.com", "https://login.microsoftonline.com/common"}, "tenants[0].graph.authority_url: want an address without a path"},
		{"a plain authority", []string{"https://login.microsoftonline.com", "http://127.0.0.1:8421"}, "tenants[0].graph.authority_url: want an https address, also on this machine"},
		{"no head's place", []string{"/var/log/twokey/heads", "heads"}, "audit.head_to[0]: “heads” is no place for heads; want a file from the root, a mailto: or an https: address"},
		{"kept too short", []string{"retention: 7y", "retention: 1d"}, "audit.retention: “1d” is no time from 30d to 100y; write it as 90s, 15m, 8h, 2d or 7y"},
		{"no Slack user", []string{"slack: T0VALE001/U0ABE0001", "slack: abe"}, "tenants[0].people[2].slack[0]: “abe” is not a Slack workspace and user as T0123ABCD/U0456EFGH"},
		{"one account, two people", []string{"slack: T0VALE001/U0ABE0001", "slack: T0VALE001/U0BEA0001"}, "tenants[0].people[3]: pins “T0VALE001/U0BEA0001”, which is somebody else's above; take it out at one of them"},
		{"a person twice", []string{"- user: bea@vale.example", "- user: Abe@vale.example"}, "tenants[0].people[3].user: stands above already; put all accounts of a person together"},
		{"a person without an account", []string{"        slack: T0VALE001/U0BEA0001\n", ""}, "tenants[0].people[3]: pins no account; give slack or discord"},
		{"no public key", []string{"public_key: 0123456789abcdef", "public_key: 0123"}, "discord.public_key: want the app's public key, 64 hex digits"},
		{"a key twice", []string{"  guild: ", "  guild: \"410000000000000002\"\n  guild: "}, "this is no YAML: the key “guild” stands in line 134 too; put everything below one of them"},
		{"a key that nothing reads", []string{"  # signing_secret_file", "  signing_secret_file"}, "slack.signing_secret_file: is given, but socket mode does not look at it; take it out"},
		{"http mode alone", []string{"mode: socket", "mode: http", "app_token_file", "signing_secret_file"}, ""},
		{"http mode, nowhere to listen", []string{"mode: socket", "mode: http", "app_token_file", "signing_secret_file", "web:\n…", ""}, "web.addr: is missing, which the http mode of slack needs; add it"},
		{"no app that writes", []string{"      write_auth:\n        method: secret\n        client_id: 33333333-4444-4555-8666-777777777777\n        secret_env: TWOKEY_WRITER_SECRET\n", ""}, "tenants[0].graph.write_auth: is missing: with changes switched on, an app of its own makes them; add it"},
		{"no app that mails", []string{"      write_auth:\n        method: secret\n        client_id: 33333333-4444-4555-8666-777777777777\n        secret_env: TWOKEY_WRITER_SECRET\n", "", "changes: [defaults]", "changes: []", "    # mail_from:", "    mail_from:"}, "tenants[0].graph.write_auth: is missing: mail is sent by the app that changes, because the one that reads must hold no power; add it"},
		{"one app for both", []string{"client_id: 33333333-4444-4555-8666-777777777777", "client_id: 22222222-3333-4444-8555-666666666666"}, "tenants[0].graph.write_auth.client_id: is the app that reads, which must hold no power to change anything; make another, as “twokey manifest entra” says"},
		{"no token, far away", []string{"        method: secret\n        client_id: 33333333-4444-4555-8666-777777777777\n        secret_env: TWOKEY_WRITER_SECRET\n", "        method: none\n"}, "tenants[0].graph.write_auth.method: none is only for a tenant on this machine itself; set base_url to one, or sign in"},
		{"no certificate", []string{"        certificate_file: reader.pem # for certificate\n", ""}, "tenants[0].graph.auth.certificate: is missing, which the method certificate needs; add certificate_file or certificate_env"},
		{"a page without a certificate", []string{"  key_file: web.key # for files: its key\n", ""}, "web.key_file: is missing, which tls: files needs; add it"},
		{"no page", []string{"  public_url: https://twokey.vale.example # how browsers reach it\n", "", "  sign_in:\n…", ""}, "changes[0]: defaults needs a fresh proof of who presses, for which there is no page: set web.public_url and web.sign_in, or approvals.accept_no_step_up: true"},
		{"no page, and said so", []string{"  public_url: https://twokey.vale.example # how browsers reach it\n", "", "  sign_in:\n…", "", "accept_no_step_up: false", "accept_no_step_up: true", "discord:\n  mode…teams:", "teams:", "        discord: \"210000000000000001\" # the user's ID, on the server below\n", ""}, ""},
		{"no page, and said so, on Discord (U24)", []string{"  public_url: https://twokey.vale.example # how browsers reach it\n", "", "  sign_in:\n…", "", "accept_no_step_up: false", "accept_no_step_up: true"}, "changes[0]: defaults needs a fresh proof of who presses, and on Discord, where accounts are people's own, nothing is accepted in its place: set web.public_url and web.sign_in, or take the change or Discord out"},
		{"a page that nobody signs in to", []string{"  sign_in:\n…", ""}, "changes[0]: defaults needs a fresh proof of who presses, for which there is no page: set web.public_url and web.sign_in, or approvals.accept_no_step_up: true"},
		{"signing in nowhere", []string{"  public_url: https://twokey.vale.example # how browsers reach it\n", "", "changes: [defaults]", "changes: []"}, "web.public_url: is missing, which sign_in needs; add it"},
		{"signing in without a secret", []string{"    client_secret_file: sign-in.secret # the app's, required\n", ""}, "web.sign_in.client_secret: is missing; add client_secret_file or client_secret_env"},
		{"people sign in to the reader", []string{"client_id: 55555555-6666-4777-8888-999999999999", "client_id: 22222222-3333-4444-8555-666666666666"}, "web.sign_in.client_id: is an app of tenants[0].graph; people sign in to one of its own, which may do nothing"},
		{"no context", []string{"    context: c1", "    context: mfa"}, "web.sign_in.context: “mfa” is no authentication context; they are c1 to c99"},
		{"a certificate by itself", []string{"tls: files", "tls: auto", "  cert_file: web.pem\n  key_file: web.key # for files: its key\n", "  cert_dir: certificates\n"}, ""},
		{"a certificate by itself, kept nowhere", []string{"tls: files", "tls: auto", "  cert_file: web.pem\n  key_file: web.key # for files: its key\n", ""}, "web.cert_dir: is missing, which tls: auto needs: where it keeps what it gets; add it"},
		{"kept, and got by nobody", []string{"  key_file: web.key # for files: its key\n", "  key_file: web.key # for files: its key\n  cert_dir: certificates\n"}, "web.cert_dir: is given, but only tls: auto looks at it; take it out"},
		{"a digest nowhere", []string{"channel: slack/C0TEAM001", "channel: discord/123456789012345678", "discord:\n  mode…teams:", "teams:", "        discord: \"210000000000000001\" # the user's ID, on the server below\n", ""}, "digest.channel: is on discord, but there is no discord section; add one, or name another channel"},
		{"an empty value", []string{"contact: Ada Okafor at the IT help desk, extension 42 # whom people are told to call\n    security", "contact:\n    security"}, "tenants[0].contact: is empty; give a value or take it out"},
		{"a line break in words", []string{"name: Vale Example #", `name: "Vale\nExample" #`}, "tenants[0].name: want one line of at most 200 characters"},
		{"an anchor", []string{"name: Vale Example #", "name: &n Vale Example #"}, "tenants[0].name: write the value itself: anchors, aliases, merges and tags are not read"},
		{"two documents", []string{"# The audit record.\n", "---\n"}, "a second document begins here; put everything into one"},
		{"a section that is a word", []string{"    graph:\n…      auth:\n", "    graph: yes\n      auth:\n"}, "this is no YAML: there is a colon too many, or a line is set in too far; put a value that holds a colon into quotation marks"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text := read(t, example)
			for i := 0; i < len(c.changes); i += 2 {
				text = edit(t, text, c.changes[i], c.changes[i+1])
			}
			_, said := mistakes(t, text)
			if c.want == "" {
				if said != nil {
					t.Errorf("refused: %s", strings.Join(said, "\n"))
				}
				return
			}
			if len(said) != 1 || !strings.HasSuffix(said[0], ": "+c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(said, "\n"), c.want)
			}
			for _, line := range said {
				if strings.Contains(line, "canary") || strings.Contains(line, "hunter2") || strings.Contains(line, "p4ss") {
					t.Errorf("it repeats a secret: %s", line)
				}
			}
		})
	}
}

// TestEveryMistake holds that all are reported, each with its line, in the
// order of the file.
func TestEveryMistake(t *testing.T) {
	t.Parallel()
	_, said := mistakes(t, `tenants:
  - id: nonsense
    grahp: {}
    roles:
      lead: {user: []}
  -
    id: 11111111-2222-4333-8444-555555555555
    graph: {auth: {method: secret}}
slack: {mode: carrier-pigeon}
approvals:
  wait: soon
  many: 0
sotre: {dsn: x}
`)
	want := []string{
		"twokey.yaml:2: tenants[0].id: “nonsense” is no tenant's ID; it is 32 hex digits, as 00000000-0000-0000-0000-000000000000",
		"twokey.yaml:2: tenants[0].graph: is missing; add graph: {auth: …}",
		`twokey.yaml:3: tenants[0].grahp: there is no such key; did you mean "graph"?`,
		`twokey.yaml:5: tenants[0].roles.lead.user: there is no such key; did you mean "users"?`,
		"twokey.yaml:8: tenants[1].graph.auth.client_id: is missing, which the method secret needs; add it",
		"twokey.yaml:8: tenants[1].graph.auth.secret: is missing, which the method secret needs; add secret_file or secret_env",
		"twokey.yaml:9: slack.mode: “carrier-pigeon” is not a choice; want socket or http",
		"twokey.yaml:11: approvals.wait: “soon” is no time from 1m to 2d; write it as 90s, 15m, 8h, 2d or 7y",
		"twokey.yaml:12: approvals.many: “0” is no whole number from 1 to 1000; write one",
		`twokey.yaml:13: sotre: there is no such key; did you mean "store"?`,
	}
	got := slices.DeleteFunc(slices.Clone(said), func(s string) bool { return s == "twokey.yaml:1: store: is missing; add store: {dsn: twokey.db}" })
	if len(got) != len(said)-1 {
		t.Error("a missing section is not told")
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestNoConfiguration(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"empty":        {"", "twokey.yaml: the file is empty; “twokey config example” prints what goes in"},
		"comments":     {"# nothing\n", "twokey.yaml: the file is empty; “twokey config example” prints what goes in"},
		"a word":       {"hello\n", "twokey.yaml:1: want keys below it, one a line, each with a colon and a space behind it"},
		"a list":       {"- a\n- b\n", "twokey.yaml:1: want keys below it, one a line, each with a colon and a space behind it"},
		"a key twice":  {"store: {dsn: a, dsn: b}\n", "twokey.yaml:1: this is no YAML: the key “dsn” stands in line 1 too; put everything below one of them"},
		"no YAML":      {"a: [1\n", "twokey.yaml:1: this is no YAML: a [ is opened and not closed; close it with ]"},
		"far too long": {strings.Repeat("#", maxFile+1), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.want == "" {
				if _, err := Load(folder(t, c.text), options()); err == nil || !strings.Contains(err.Error(), "larger than 256 KiB") {
					t.Errorf("got %v", err)
				}
				return
			}
			if _, said := mistakes(t, c.text); len(said) != 1 || said[0] != c.want {
				t.Errorf("got %q, want %q", said, c.want)
			}
		})
	}
	if _, err := Load(filepath.Join(t.TempDir(), "gone"), options()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

// TestG24Configuration holds that neither the configuration nor its hash shows
// a secret, however it is printed.
func TestG24Configuration(t *testing.T) {
	t.Parallel()
	path := folder(t, read(t, example))
	c, err := Load(path, options())
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, part := range []any{c, *c, c.Slack, *c.Slack, c.Tenants, *c.Tenants[0].Graph.Auth, *c.Teams, c.Store} {
			if said := fmt.Sprintf(verb, part); strings.Contains(said, "canary") || strings.Contains(said, fmt.Sprintf("%x", "canary")) {
				t.Errorf("%s shows a secret: %s", verb, said)
			}
		}
	}
}

// TestHash holds that it is of what the configuration means, and of no secret.
func TestHash(t *testing.T) {
	t.Parallel()
	load := func(text string) string {
		c, err := parse("twokey.yaml", "/nowhere", []byte(text), options())
		if err != nil {
			t.Fatal(err)
		}
		return c.Hash()
	}
	plain := load(least)
	if got := load("# a comment\n" + strings.Replace(least, "{method: azure_cli}", "\n        method: azure_cli", 1)); got != plain {
		t.Error("another spelling of the same has another hash")
	}
	if got := load(least + "approvals:\n  wait: 15m\n  fallback: true\n"); got != plain {
		t.Error("a default that is spelled out has another hash")
	}
	if got := load(least + "approvals: {wait: 16m}\n"); got == plain {
		t.Error("another wait has the same hash")
	}
}

// directory finds people by name in the tests' tenant.
func directory(_ context.Context, upn string) (string, error) {
	names := []string{"olga", "ada", "abe", "bea", "vic", "rescue1", "rescue2", "sync"}
	i := slices.Index(names, strings.TrimSuffix(upn, "@vale.example"))
	if i < 0 {
		return "", errors.New("there is no such user")
	}
	return fmt.Sprintf("00000000-0000-4000-8000-00000000000%d", i), nil
}

func TestRules(t *testing.T) {
	t.Parallel()
	c, err := Load(folder(t, read(t, example)), options())
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.Rules(t.Context(), c.Tenants[0], directory)
	if err != nil {
		t.Fatal(err)
	}
	id := func(i int) string { return fmt.Sprintf("00000000-0000-4000-8000-00000000000%d", i) }
	for what, ok := range map[string]bool{
		"tenant":      r.Tenant == "11111111-2222-4333-8444-555555555555",
		"owner":       len(r.Roles["owner"]) == 1 && r.Roles["owner"][0].User == id(0),
		"a group":     slices.ContainsFunc(r.Roles["viewer"], func(h rules.Holder) bool { return h.Group == "44444444-5555-4666-8777-888888888888" }),
		"slack pin":   r.Links["slack/T0VALE001/U0ABE0001"] == id(2),
		"discord pin": r.Links["discord/410000000000000001/210000000000000001"] == id(0),
		"emergency":   slices.Equal(r.Emergency, []string{id(5), id(6)}),
		"protected":   slices.Equal(r.Protected, []string{id(5), id(6), id(7)}),
		"policy":      r.Approvals["defaults"].Policy == "two" && slices.Equal(r.Approvals["defaults"].Approvers, []string{id(2), id(3)}),
		"backups":     slices.Equal(r.Backups, []string{id(3)}),
		"fallback":    r.Fallback && !r.AdminsTwo && !r.Solo,
		"addresses":   r.Addresses["slack.api_url"] == "https://slack.com/api" && r.Addresses["graph.base_url"] == "https://graph.microsoft.com/v1.0",
		"heads":       slices.Contains(r.HeadTo, "mailto:audit@vale.example"),
	} {
		if !ok {
			t.Errorf("%s: %+v", what, r)
		}
	}
}

// G24: rules are stored, recorded and told to everybody who decides, and an
// address may have a key in it. That it is another one is noticed.
func TestG24RulesHaveNoKeys(t *testing.T) {
	t.Parallel()
	laid := func(key string) []string {
		c, err := Load(folder(t, strings.Replace(read(t, example), "mailto:audit@vale.example", "https://heads.example/in/"+key, 1)), options())
		if err != nil {
			t.Fatal(err)
		}
		r, err := c.Rules(t.Context(), c.Tenants[0], directory)
		if err != nil {
			t.Fatal(err)
		}
		return r.HeadTo
	}
	one, two := laid("s3cr3t-canary"), laid("another")
	if text := fmt.Sprint(one); strings.Contains(text, "canary") || !strings.Contains(text, "https://heads.example #") {
		t.Errorf("heads go to %s", text)
	}
	if slices.Equal(one, two) || !slices.Equal(one, laid("s3cr3t-canary")) {
		t.Errorf("heads go to %v and to %v", one, two)
	}
}

// TestRulesOfUnknownPeople holds that every name that is not found is told,
// once, and that there are no rules then.
func TestRulesOfUnknownPeople(t *testing.T) {
	t.Parallel()
	text := strings.NewReplacer("abe@", "eba@", "rescue2@", "recsue@").Replace(read(t, example))
	c, err := Load(folder(t, text), options())
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.Rules(t.Context(), c.Tenants[0], directory)
	want := "people: find eba@vale.example: there is no such user\nemergency: find recsue@vale.example: there is no such user"
	if err == nil || err.Error() != want || len(r.Roles) > 0 {
		t.Errorf("got %v and %+v, want %s", err, r, want)
	}
}

// FuzzLoad holds that whatever is in the file, reading it ends quickly, with a
// configuration or with mistakes that each say something in one line.
func FuzzLoad(f *testing.F) {
	text, err := os.ReadFile(example)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(commented.ReplaceAllString(string(text), "$1$2")))
	f.Add([]byte(least))
	for _, s := range []string{
		"", "a", "- a", "{}", "[]", "---\n---\n", "? a\n: b", "&a [*a]", "<<: {a: b}", "a: |\n  b\n", "tenants: [~]", "tenants:\n-\n-\n", "store: {dsn: {x: y}}",
		"tenants:\n  - id: !!str x\n", "slack: ~\n", "approvals: {policies: {defaults: 1, tap: {wait: .inf}}}", "\"\\u0000\": 1", "digest: {at: [mon]}", "web: {addr: \":\"}", "\xff: \xfe",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := parse("twokey.yaml", "/nowhere", text, options())
		if c == nil {
			t.Fatal("no configuration")
		}
		c.Hash()
		var ms Mistakes
		if err == nil {
			if len(c.Tenants) == 0 || c.Store.DSN.Reveal() == "" {
				t.Errorf("accepted without a tenant or a store: %+v", c)
			}
			return
		}
		if !errors.As(err, &ms) {
			t.Fatalf("got %v, want Mistakes", err)
		}
		for _, m := range ms {
			if m.Text == "" || m.File == "" || m.Line < 0 {
				t.Errorf("says too little: %#v", m)
			}
			if strings.ContainsAny(m.Error(), "\n\r\x1b") {
				t.Errorf("is more than a line: %q", m.Error())
			}
		}
	})
}
