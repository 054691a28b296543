package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image/png"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/bot/discord/discordtest"
	"twokey/commands/approval"
	"twokey/graph/simtenant"
)

// The channels of the server.
const (
	adminsHall = "510000000000000001"
	teamHall   = "510000000000000002"
)

// harbour is an organisation with a simulated tenant and a Discord server, and
// the bot that serves it: from its configuration file on everything is real.
type harbour struct {
	*office // its tenant, its clock and its files
	discord *discordtest.Platform
}

// harbourOptions are how a harbour differs from the usual one.
type harbourOptions struct {
	http   bool     // what people do is sent to the bot's address
	twice  []string // they have two accounts on the server, and are approvers
	closed bool     // the bot is not started
	real   bool     // time is the machine's
	allow  []string // what Discord refuses by design
	tenant func(*simtenant.Config)
}

func openHarbour(t *testing.T, o harbourOptions) *harbour {
	t.Helper()
	start := officeStart
	if o.real {
		start = time.Time{}
	}
	clock, err := openClock("", start)
	if err != nil {
		t.Fatal(err)
	}
	h := &harbour{office: &office{t: t, clock: clock, folder: t.TempDir()}}
	h.openTenant(o.tenant)
	server, addr := discordtest.Options{Now: clock.Now, Burst: 50, Allow: append(o.allow, "identify")}, ""
	if o.http {
		addr = freePort(t)
		server.HTTP = "http://" + addr + "/discord/interactions"
	}
	h.discord = discordtest.New(t, server)
	var everybody, admins []string
	for _, m := range simtenant.Cast(0) {
		h.discord.AddUser(discordtest.User{ID: member(m.ID), Name: m.ID})
		everybody = append(everybody, member(m.ID))
	}
	for _, id := range castAdmins {
		admins = append(admins, member(id))
	}
	for _, id := range o.twice {
		h.discord.AddUser(discordtest.User{ID: second(id), Name: id + " at home"})
		admins = append(admins, second(id))
	}
	h.discord.AddChannel(discordtest.Channel{ID: adminsHall, Name: "mfa-admins", Members: admins})
	h.discord.AddChannel(discordtest.Channel{ID: teamHall, Name: "team", Members: everybody})
	h.config = h.write("twokey.yaml", h.yaml(addr, o.twice))
	if !o.closed {
		h.start()
	}
	return h
}

// second is the other account of somebody who has two.
func second(person string) string { return "22" + strings.TrimPrefix(member(person), "21") }

// member is a person's user ID on Discord.
func member(person string) string {
	i := slices.IndexFunc(simtenant.Cast(0), func(m simtenant.Member) bool { return m.ID == person })
	return fmt.Sprint(210000000000000001 + i)
}

// yaml is the configuration as its owner would write it.
func (h *harbour) yaml(addr string, twice []string) string {
	h.write("reader.secret", readerSecret+"\n")
	h.write("writer.secret", writerSecret+"\n")
	h.write("discord.token", h.discord.Token()+"\n")
	var roles, people strings.Builder
	users := map[string][]string{}
	for _, m := range simtenant.Cast(0) {
		accounts := []string{member(m.ID)}
		if slices.Contains(twice, m.ID) {
			accounts = append(accounts, second(m.ID))
			users["approver"] = append(users["approver"], m.UPN)
		}
		fmt.Fprintf(&people, "      - {user: %s, discord: [%s]}\n", m.UPN, `"`+strings.Join(accounts, `", "`)+`"`)
		for _, r := range castRoles[m.ID] {
			users[string(r)] = append(users[string(r)], m.UPN)
		}
	}
	for role, upns := range users {
		slices.Sort(upns)
		fmt.Fprintf(&roles, "      %s: {users: [%s]}\n", role, strings.Join(slices.Compact(upns), ", "))
	}
	mode, web := "gateway", ""
	if addr != "" {
		mode, web = "http", "web:\n  addr: "+addr+"\n"
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
discord:
  mode: %s
  token_file: discord.token
  public_key: %s
  application_id: %q
  guild: %q
  api_url: %s
  channels: {admins: %q, team: %q}
changes: [defaults, tap, revoke]
approvals: {accept_no_step_up: true}
digest: {channel: discord/%s, at: mon 09:00, zone: Europe/Madrid}
audit: {head_to: %s}
store: {dsn: twokey.db}
%s`,
		h.tenantID(), h.graph.URL, h.graph.URL, readerApp, writerApp, simtenant.Emergency(0)[0].UPN, simtenant.Emergency(0)[1].UPN,
		&roles, &people, mode, h.discord.PublicKey(), h.discord.AppID(), h.discord.Guild(), h.discord.APIURL(), adminsHall, teamHall, teamHall,
		filepath.Join(h.folder, "heads.jsonl"), web)
}

// start starts the bot, and ends it with the test.
func (h *harbour) start() {
	h.t.Helper()
	cfg, err := loadConfig(h.config)
	if err != nil {
		h.t.Fatalf("configuration: %v", err)
	}
	s, err := newService(h.t.Context(), cfg, setting{
		now: h.clock.Now, simulated: true,
		pace: pace{limits: approval.Limits{Tick: 50 * time.Millisecond, Settle: time.Second}, firstPass: 10 * time.Second},
		log:  slog.New(slog.NewTextHandler(&h.log, &slog.HandlerOptions{Level: slog.LevelInfo})),
	})
	if err != nil {
		h.t.Fatalf("newService: %v\n%s", err, h.log.String())
	}
	h.service = s
	ctx, stop := context.WithCancel(context.Background())
	said, ended := newLines(), make(chan error, 1)
	go func() { ended <- s.run(ctx, said) }()
	h.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			h.t.Errorf("the bot ended with %v", err)
		}
		if err := s.close(); err != nil {
			h.t.Errorf("close: %v", err)
		}
		if h.t.Failed() {
			h.t.Logf("the bot's log:\n%s", h.log.String())
		}
	})
	said.await(h.t, "ready")
}

// advance moves everybody's time.
func (h *harbour) advance(d time.Duration) {
	h.t.Helper()
	if err := h.clock.Advance(d); err != nil {
		h.t.Fatal(err)
	}
	h.discord.Advance(0)
	h.service.bot.wakeAll()
}

// does waits for a delivery to be answered.
func (h *harbour) does(d *discordtest.Delivery, what string) *discordtest.Delivery {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), longEnough)
	defer cancel()
	if !d.Wait(ctx) {
		h.t.Fatalf("%s was not answered: %s", what, d.Failed())
	}
	return d
}

// command chooses the command that a line means and fills in its options.
func (h *harbour) command(person, channel, line string) *discordtest.Delivery {
	h.t.Helper()
	return h.does(h.discord.Line(member(person), channel, line), "/mfa "+line)
}

func (h *harbour) press(person string, m discordtest.Message, button string) {
	h.t.Helper()
	h.does(h.discord.Press(member(person), m.ID, button), person+" pressing "+button)
}

// await returns the newest message that a person sees and that fits, once there
// is one.
func (h *harbour) await(person, what string, fits func(discordtest.Message) bool) discordtest.Message {
	h.t.Helper()
	return h.awaitAt(member(person), what, fits)
}

// awaitAt is await for one of the accounts of somebody who has two.
func (h *harbour) awaitAt(account, what string, fits func(discordtest.Message) bool) (found discordtest.Message) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), longEnough)
	defer cancel()
	look := func() bool {
		for _, m := range slices.Backward(h.discord.Seen(account)) {
			if m.From == h.discord.AppID() && !m.Waiting && fits(m) {
				found = m
				return true
			}
		}
		return false
	}
	if !h.discord.Wait(ctx, look) {
		seen := h.discord.Seen(account)
		var last strings.Builder
		for _, m := range seen[max(0, len(seen)-3):] {
			fmt.Fprintf(&last, "\n%s private %t edited %t:\n%s\n", m.ID, m.Private, m.Edited, m.Plain)
		}
		h.t.Fatalf("%s never saw %s; the last of %d messages:\n%s", account, what, len(seen), &last)
	}
	return found
}

func tells(texts ...string) func(discordtest.Message) bool {
	return func(m discordtest.Message) bool {
		return !slices.ContainsFunc(texts, func(s string) bool { return !strings.Contains(m.Plain, s) })
	}
}

// own tells a person's own messages that have a button and say something.
func (h *harbour) own(person, button string, texts ...string) func(discordtest.Message) bool {
	direct := h.discord.Direct(member(person))
	return func(m discordtest.Message) bool {
		_, has := m.Button(button)
		return m.Channel == direct && (button == "" || has) && tells(texts...)(m)
	}
}

// TestServeDiscordRoad walks the whole road on Discord, in both of its modes.
func TestServeDiscordRoad(t *testing.T) {
	t.Parallel()
	for name, overHTTP := range map[string]bool{"gateway": false, "signed requests": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := openHarbour(t, harbourOptions{http: overHTTP})
			h.walkChange(t)
			h.walkDigest(t)
			h.walkPass(t)
			if !overHTTP {
				h.walkQuestion(t)
			}
		})
	}
}

func (h *harbour) walkChange(t *testing.T) {
	h.command("ada", adminsHall, "defaults enable everybody has been trained")
	card := h.await("ada", "her card", h.own("ada", "Cancel the request"))
	_, rest, _ := strings.Cut(card.Plain, "R-")
	request := "R-" + rest[:6]
	prompt := h.await("abe", "the prompt", h.own("abe", "Approve", "everybody has been trained", "0 of 2", "Ada Okafor"))
	h.await("vic", "the shared prompt", func(m discordtest.Message) bool {
		_, can := m.Button("Approve")
		return m.Channel == adminsHall && can && tells(request)(m)
	})
	h.command("sam", teamHall, "approve "+request)
	h.await("sam", "a refusal", tells("You may not decide this"))
	h.press("abe", prompt, "Approve")
	h.await("abe", "that it counts", tells("needs one more person"))
	h.press("bea", h.await("bea", "the prompt", h.own("bea", "Approve", request)), "Approve")
	h.await("bea", "that it was the last", tells("it was the last one needed"))
	h.effects(0)
	h.advance(15 * time.Minute)
	h.await("ada", "the outcome", h.own("ada", "", request+" done"))
	h.effects(1)
	for _, person := range []string{"abe", "bea", "ada"} {
		h.await(person, "the end", func(m discordtest.Message) bool {
			_, can := m.Button("Approve")
			return m.Edited && !can && h.own(person, "", request, "Done at")(m)
		})
	}
}

func (h *harbour) walkDigest(t *testing.T) {
	h.command("ada", adminsHall, "digest now")
	digest := h.await("sue", "the digest", func(m discordtest.Message) bool {
		return m.Channel == teamHall && len(m.Files) == 1 && tells("MFA week 48")(m)
	})
	picture, err := png.Decode(bytes.NewReader(digest.Files[0].Data))
	if err != nil || picture.Bounds().Dx() < 600 || digest.Files[0].Alt == "" {
		t.Errorf("the picture: %v, %v, %q", picture, err, digest.Files[0].Alt)
	}
}

func (h *harbour) walkQuestion(t *testing.T) {
	h.discord.Say(member("sam"), teamHall, "@twokey how do i set up the authenticator on my iphone")
	h.await("sam", "steps in his own messages", h.own("sam", "", "your iPhone", "App Store"))
	for _, m := range h.discord.Seen(member("sue")) {
		if tells("App Store")(m) {
			t.Errorf("sue sees sam's answer: %s", m.Plain)
		}
	}
}

// walkPass is the road of a lost phone: approved by one other, created when it is
// collected, shown once, and kept nowhere.
func (h *harbour) walkPass(t *testing.T) {
	h.command("ada", adminsHall, "tap sam@harbourvale.example --minutes 60 a lost phone, called back")
	h.await("sam", "that it is about him", h.own("sam", "Stop this", "Ada Okafor"))
	prompt := h.await("abe", "the prompt", h.own("abe", "Approve", "a lost phone"))
	if strings.Contains(prompt.Notification, "Sam") {
		t.Errorf("the notification names the person: %s", prompt.Notification)
	}
	h.press("abe", prompt, "Approve")
	ready := h.await("ada", "that it is ready", h.own("ada", "Collect", "ready for you to collect"))
	h.effects(1)
	h.press("ada", ready, "Collect")
	pass := h.await("ada", "the pass", tells("It is shown this once"))
	h.effects(2)
	if !pass.Private {
		t.Error("the pass is an ordinary message")
	}
	code := codeIn(t, pass.Plain)
	h.await("ada", "the end", h.own("ada", "", " done."))
	h.discord.Reload(member("ada"))
	for _, who := range append([]string{"sam", "sue"}, castAdmins...) {
		for _, m := range h.discord.Seen(member(who)) {
			if strings.Contains(m.Plain+string(m.Body), code) {
				t.Errorf("%s sees the pass: %s", who, m.Plain)
			}
		}
	}
	for _, name := range []string{"twokey.db", "twokey.db-wal", "heads.jsonl"} {
		kept, err := os.ReadFile(filepath.Join(h.folder, name))
		if err == nil && strings.Contains(string(kept), code) {
			t.Errorf("%s holds the pass", name)
		}
	}
}

// TestO24O25TwoAccountsOfOnePerson holds that whoever has two accounts on the
// server is one person: neither may they approve by the other one what they asked
// for by the first, nor does their approval count twice.
func TestO24O25TwoAccountsOfOnePerson(t *testing.T) {
	t.Parallel()
	h := openHarbour(t, harbourOptions{twice: []string{"ada", "abe"}})
	h.command("ada", adminsHall, "defaults enable everybody has been trained")
	card := h.await("ada", "her card", h.own("ada", "Cancel the request"))
	_, rest, _ := strings.Cut(card.Plain, "R-")
	approve := "approve R-" + rest[:6]
	says := func(account, what string) {
		t.Helper()
		h.does(h.discord.Line(account, adminsHall, approve), account+" approving")
		h.awaitAt(account, what, tells(what))
	}
	says(second("ada"), "You asked for this yourself")
	says(member("abe"), "needs one more person")
	says(second("abe"), "You have already approved this request")
	h.advance(15 * time.Minute)
	h.effects(0)
	says(member("bea"), "it was the last one needed")
	h.advance(15 * time.Minute)
	h.await("ada", "the outcome", h.own("ada", "", " done"))
	h.effects(1)
}

// TestManifestDiscord holds that what is to be pasted is what the bot registers,
// with no more permissions than it needs.
func TestManifestDiscord(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if status := run(t.Context(), []string{"manifest", "discord"}, streams{strings.NewReader(""), &out, &out}); status != 0 {
		t.Fatalf("manifest discord = %d: %s", status, out.String())
	}
	var m struct {
		Invite   string
		Commands []map[string]any
	}
	decode(t, out.Bytes(), &m)
	if !strings.Contains(m.Invite, "permissions=52224") || len(m.Commands) != 3 {
		t.Errorf("the invitation is %s, with %d commands", m.Invite, len(m.Commands))
	}
	p := discordtest.New(t, discordtest.Options{})
	body, err := json.Marshal(m.Commands)
	if err != nil {
		t.Fatal(err)
	}
	q, err := http.NewRequestWithContext(t.Context(), http.MethodPut, p.APIURL()+"/applications/"+p.AppID()+"/guilds/"+p.Guild()+"/commands", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("Authorization", "Bot "+p.Token())
	q.Header.Set("User-Agent", "DiscordBot (https://twokey.example, 1)")
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("Discord takes the commands with %s", resp.Status)
	}
}
