package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"twokey/bot/discord/discordtest"
	"twokey/bot/slack/slacktest"
	"twokey/graph"
	"twokey/graph/simtenant"
)

// mostSteps are as many as a page may have.
const mostSteps = 5

// newcomer follows pages to the letter, in a folder of their own: what a page
// shows as YAML is put into the file, what it shows as a command is run by a
// shell, and what it has people do on a web page is done to the fakes.
type newcomer struct {
	*harbour
	path    string // of the shell
	made    string // where az writes what it is told to make
	file    map[string]any
	opened  bool // the tenant
	printed strings.Builder
}

// shownIDs are what the pages write for what everybody has others of.
var shownIDs = map[string]func(n *newcomer) string{
	"11111111-2222-4333-8444-555555555555": func(n *newcomer) string { return n.tenantID() },
	"22222222-3333-4444-8555-666666666666": func(*newcomer) string { return readerApp },
	"@vale.example":                        func(*newcomer) string { return "@harbourvale.example" },
	"T0VALE001/U0OLGA001":                  func(n *newcomer) string { return n.slack.Team() + "/" + account("olga") },
	"T0VALE001/U0ADA0001":                  func(n *newcomer) string { return n.slack.Team() + "/" + account("ada") },
	"T0VALE001/U0ABE0001":                  func(n *newcomer) string { return n.slack.Team() + "/" + account("abe") },
	"T0VALE001/U0BEA0001":                  func(n *newcomer) string { return n.slack.Team() + "/" + account("bea") },
}

// TestSetUp follows each way to a running bot that the documents show, and ends
// with a doctor who finds nothing missing.
func TestSetUp(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"bash", "openssl", "sed"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("TWOKEY_MANDATORY") != "" {
				t.Fatal(err)
			}
			t.Skipf("the documents ask for %s, which is not here", tool)
		}
	}
	for name, pages := range map[string][]string{
		"quick start":            {"quick-start"},
		"Entra then Slack":       {"entra", "slack"},
		"Entra then Discord":     {"entra", "discord"},
		"and then Teams":         {"entra", "slack", "teams"},
		"quick start with Teams": {"quick-start", "teams"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := arrive(t, pages)
			for _, page := range pages {
				n.follow(page)
			}
			if end := "Everything that is needed is there."; strings.Count(n.printed.String(), end) != len(pages)-strings.Count(strings.Join(pages, " "), "entra") {
				t.Errorf("the doctor does not end each page with %q:\n%s", end, n.printed.String())
			}
		})
	}
}

// arrive has nothing but the program, a shell, the Azure CLI and a chat.
func arrive(t *testing.T, pages []string) *newcomer {
	t.Helper()
	clock, err := openClock("", time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	n := &newcomer{harbour: &harbour{office: &office{t: t, clock: clock, folder: t.TempDir()}}, made: t.TempDir(), file: map[string]any{}}
	tools := t.TempDir()
	az, err := filepath.Abs("testdata/az")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"twokey": fmt.Sprintf("#!/bin/sh\nTWOKEY_PROGRAM=1 exec %q \"$@\"\n", os.Args[0]),
		"az":     fmt.Sprintf("#!/bin/sh\nAZ_MADE=%q exec bash %q \"$@\"\n", n.made, az),
	} {
		if err := os.WriteFile(filepath.Join(tools, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	n.path = tools + ":" + os.Getenv("PATH")
	if strings.Contains(strings.Join(pages, " "), "discord") {
		n.discord = discordtest.New(t, discordtest.Options{})
		for _, m := range simtenant.Cast(0) {
			n.discord.AddUser(discordtest.User{ID: member(m.ID), Name: m.ID})
		}
		n.discord.AddChannel(discordtest.Channel{ID: adminsHall})
		n.discord.AddChannel(discordtest.Channel{ID: teamHall})
		n.write("discord.token", n.discord.Token()+"\n")
		return n
	}
	n.slack = slacktest.New(t, slacktest.Options{})
	n.fillWorkspace()
	n.write("slack.app-token", n.slack.AppToken()+"\n")
	n.write("slack.bot-token", n.slack.BotToken()+"\n")
	n.write("teams.webhook", "https://workflows.example/run\n")
	return n
}

var (
	numbered = regexp.MustCompile(`(?m)^\d+\. `)
	shown    = regexp.MustCompile("(?ms)^ *```(sh|yaml)\n(.*?)^ *```$")
)

// follow does what the steps of a page say, which are all before its first
// heading, one after the other.
func (n *newcomer) follow(page string) {
	n.t.Helper()
	text, err := os.ReadFile("../docs/" + page + ".md")
	if err != nil {
		n.t.Fatal(err)
	}
	steps, _, _ := strings.Cut(string(text), "\n## ")
	if count := len(numbered.FindAllString(steps, -1)); count < 2 || count > mostSteps {
		n.t.Errorf("%s.md has %d steps", page, count)
	}
	blocks := shown.FindAllStringSubmatch(steps, -1)
	if len(blocks) == 0 {
		n.t.Fatalf("%s.md shows nothing to do", page)
	}
	for _, block := range blocks {
		if block[1] == "yaml" {
			n.fillIn(page, block[2])
			continue
		}
		n.run(page, block[2])
	}
}

// fillIn puts a piece of YAML where it belongs in the file.
func (n *newcomer) fillIn(page, text string) {
	n.t.Helper()
	var piece map[string]any
	if err := yaml.Unmarshal([]byte(text), &piece); err != nil {
		n.t.Fatalf("%s.md: %v:\n%s", page, err, text)
	}
	merge(n.file, piece)
	n.save()
}

// save writes the file, with the IDs and addresses of where it is followed. What
// there is not yet is left as the page writes it.
func (n *newcomer) save() {
	n.t.Helper()
	file := map[string]any{}
	merge(file, n.file)
	if n.opened {
		merge(file, map[string]any{"tenants": []any{map[string]any{"graph": map[string]any{
			"base_url": n.graph.URL + "/v1.0", "authority_url": n.graph.URL, "ca_file": "ca.pem",
		}}}})
	}
	for platform, here := range map[string]func() string{
		"slack":   func() string { return strings.TrimSuffix(n.slack.APIURL(), "/") },
		"discord": func() string { return n.discord.APIURL() },
	} {
		if _, ok := file[platform]; ok {
			merge(file, map[string]any{platform: map[string]any{"api_url": here()}})
		}
	}
	text, err := yaml.Marshal(file)
	if err != nil {
		n.t.Fatal(err)
	}
	written := string(text)
	for shown, here := range shownIDs {
		if n.opened && strings.Contains(written, shown) {
			written = strings.ReplaceAll(written, shown, here(n))
		}
	}
	n.write("twokey.yaml", written)
}

// merge puts piece into whole: keys into keys, and what a list's first holds
// into the first of the other.
func merge(whole, piece map[string]any) {
	for key, v := range piece {
		switch v := v.(type) {
		case map[string]any:
			inner, _ := whole[key].(map[string]any)
			if inner == nil {
				inner = map[string]any{}
			}
			merge(inner, v)
			whole[key] = inner
		case []any:
			old, _ := whole[key].([]any)
			first, ok := v[0].(map[string]any)
			if key != "tenants" || !ok {
				whole[key] = v
				continue
			}
			inner := map[string]any{}
			if len(old) > 0 {
				merge(inner, old[0].(map[string]any))
			}
			merge(inner, first)
			whole[key] = []any{inner}
		default:
			whole[key] = v
		}
	}
}

// run runs what a page shows. Once the script has made the app, an administrator
// consents, and there is a tenant to speak to.
func (n *newcomer) run(page, commands string) {
	n.t.Helper()
	shell := exec.CommandContext(n.t.Context(), "bash", "-euo", "pipefail", "-c", commands)
	shell.Dir, shell.Env = n.folder, append(os.Environ(), "PATH="+n.path)
	said, err := shell.CombinedOutput()
	n.printed.Write(said)
	if err != nil {
		n.t.Fatalf("%s.md: %v:\n%s\n%s", page, err, commands, said)
	}
	if !n.opened && strings.Contains(commands, "entra.sh") {
		apps := n.apps()
		n.openTenant(func(c *simtenant.Config) { c.Apps = apps })
		n.opened = true
		n.save()
	}
}

// apps are those that were made, with what was asked for consented to.
func (n *newcomer) apps() (all []simtenant.App) {
	n.t.Helper()
	names, err := filepath.Glob(filepath.Join(n.made, "*.name"))
	if err != nil || len(names) != 1 {
		n.t.Fatalf("the script made %d apps, %v", len(names), err)
	}
	for _, path := range names {
		base := strings.TrimSuffix(path, ".name")
		app := simtenant.App{ClientID: filepath.Base(base), Name: strings.TrimSpace(n.read(path))}
		for _, p := range strings.Fields(n.read(base + ".permissions")) {
			app.Permissions = append(app.Permissions, graph.Permission(p))
		}
		block, _ := pem.Decode([]byte(n.read(base + ".crt")))
		if block == nil {
			n.t.Fatal("the script gave the app no certificate")
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			n.t.Fatal(err)
		}
		app.Certificates = append(app.Certificates, cert)
		all = append(all, app)
	}
	return all
}

func (n *newcomer) read(path string) string {
	n.t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		n.t.Fatal(err)
	}
	return string(text)
}
