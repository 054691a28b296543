package mail_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // zones must be known on machines that have no zone files

	"twokey/bot/mail"
	"twokey/chat"
	"twokey/chat/outbox"
	"twokey/chat/phrases"
	"twokey/commands/approval"
	"twokey/graph"
	"twokey/graph/msgraph"
	"twokey/graph/rollout"
	"twokey/graph/simtenant"
	"twokey/graph/sync"
	"twokey/scheduler/nudge"
	"twokey/store"
)

const (
	tenant = "the-tenant"
	from   = "info@harbourvale.example"
)

// post is a mail office: a simulated tenant behind the real client, a store, and
// the mailbox that writes.
type post struct {
	t      *testing.T
	now    time.Time
	sim    *simtenant.Tenant
	client *msgraph.Client
	store  *store.Store
	box    *mail.Mailbox
}

func newPost(t *testing.T) *post {
	t.Helper()
	p := &post{t: t, now: time.Date(2026, 11, 16, 9, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return p.now }
	var err error
	if p.sim, err = simtenant.New(simtenant.Config{People: 24, Epoch: p.now, Now: clock}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.sim.Close() })
	server := httptest.NewServer(p.sim)
	t.Cleanup(server.Close)
	p.client, err = msgraph.New(msgraph.Config{BaseURL: server.URL + "/v1.0", Credential: msgraph.StaticToken("bot"), Unbudgeted: true, Now: clock, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if p.store, err = store.Open(t.Context(), store.Config{DSN: filepath.Join(t.TempDir(), "twokey.db"), Now: clock}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.store.Close() })
	p.box = mail.New(mail.Config{From: from, Reader: p.client, Writer: p.client, Notes: p.store, Log: slog.New(slog.DiscardHandler)})
	return p
}

// letter is a mail as the tenant's ledger has it.
type letter struct {
	Message struct {
		Subject string
		Body    struct{ ContentType, Content string }
		To      []struct {
			EmailAddress struct{ Address string }
		} `json:"toRecipients"`
		Headers []struct{ Name, Value string } `json:"internetMessageHeaders"`
	}
}

func (l letter) to() string { return l.Message.To[0].EmailAddress.Address }

// letters are all mails that the tenant took.
func (p *post) letters() (all []letter) {
	p.t.Helper()
	for _, e := range p.sim.Ledger() {
		if !strings.HasSuffix(e.Path, "/sendMail") {
			continue
		}
		if want := "/v1.0/users/" + from + "/sendMail"; e.Path != want {
			p.t.Errorf("a mail goes by %s, want %s", e.Path, want)
		}
		var l letter
		if err := json.Unmarshal(e.Body, &l); err != nil || len(l.Message.To) != 1 {
			p.t.Fatalf("%v in %s", err, e.Body)
		}
		all = append(all, l)
	}
	return all
}

func (p *post) fault(list string) {
	p.t.Helper()
	q := httptest.NewRequest("POST", "/_sim/faults", strings.NewReader(list))
	q.RemoteAddr = "127.0.0.1:1"
	answer := httptest.NewRecorder()
	p.sim.ServeHTTP(answer, q)
	if answer.Code >= 300 {
		p.t.Fatalf("faults: %d %s", answer.Code, answer.Body)
	}
}

func cast(name string) string {
	for _, m := range simtenant.Cast(0) {
		if m.ID == name {
			return m.ObjectID
		}
	}
	panic("there is no " + name)
}

func (p *post) send(object, key string, m chat.Message) error {
	_, err := p.box.Post(p.t.Context(), chat.Address{Platform: mail.Platform, User: object}, key, m)
	return err
}

// TestMail holds what a mail is, against the tenant's ledger.
func TestMail(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	m := chat.Message{
		Headline: "One thing <is> left.", Notice: "Something is left.", Text: "First.\n\nSecond & last.", Footer: "Small.",
		Links:   []chat.Link{{Label: "The page", URL: "https://aka.ms/mfasetup"}},
		Buttons: []chat.Button{{ID: "run", Label: "Show me how", Value: "setup"}, {ID: "approve", Label: "Approve", Value: "seal"}},
	}
	for range 2 { // the second time it is known to be out
		if err := p.send(cast("sam"), "nudge/1", m); err != nil {
			t.Fatal(err)
		}
	}
	all := p.letters()
	if len(all) != 1 {
		t.Fatalf("the tenant took %d mails, want 1", len(all))
	}
	got := all[0]
	if got.to() != "sam@harbourvale.example" || got.Message.Subject != "Something is left." || got.Message.Body.ContentType != "html" {
		t.Errorf("sent %+v", got)
	}
	if h := got.Message.Headers; len(h) != 1 || h[0].Value != mail.Ref("nudge/1") {
		t.Errorf("its mark is %+v", h)
	}
	for _, want := range []string{"<p>One thing &lt;is&gt; left.</p>", "<p>Second &amp; last.</p>", `<a href="https://aka.ms/mfasetup">The page</a>`, "Show me how: /mfa setup", "<p>Small.</p>"} {
		if !strings.Contains(got.Message.Body.Content, want) {
			t.Errorf("without %q:\n%s", want, got.Message.Body.Content)
		}
	}
	if strings.Contains(got.Message.Body.Content, "seal") {
		t.Errorf("what nobody can press is in it:\n%s", got.Message.Body.Content)
	}
	if err := p.box.Edit(t.Context(), chat.Address{}, "id", m); err != nil || len(p.letters()) != 1 {
		t.Errorf("an edit is sent, or fails: %v", err)
	}
}

// TestMailOnce holds that what surely did not go out goes out another time, and
// that what may have gone out does not.
func TestMailOnce(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	m := chat.Message{Headline: "Hello"}
	const path = "/v1.0/users/" + from + "/sendMail"
	p.fault(`[{"method":"POST","path":"` + path + `","times":10,"status":403}]`) // Mail.Send is not granted
	var refused *graph.Error
	if err := p.send(cast("sam"), "a", m); !errors.As(err, &refused) || refused.Permission != "Mail.Send" {
		t.Errorf("without the permission it says %v", err)
	}
	p.fault(`[]`)
	if err := p.send(cast("sam"), "a", m); err != nil || len(p.letters()) != 1 {
		t.Errorf("once it is granted: %v, %d mails", err, len(p.letters()))
	}
	p.fault(`[{"method":"POST","path":"` + path + `","times":1,"cut":"after"}]`)
	for range 2 {
		if err := p.send(cast("sue"), "b", m); err != nil {
			t.Errorf("whose answer got lost: %v", err)
		}
	}
	if got := len(p.letters()); got != 2 {
		t.Errorf("the tenant took %d mails, want one each", got)
	}
}

func TestMailRefuses(t *testing.T) {
	t.Parallel()
	p := newPost(t)
	if err := p.send(cast("sam"), "a", chat.Message{Text: "1234", Secret: true}); err == nil {
		t.Error("a secret is mailed")
	}
	if err := p.send("", "b", chat.Message{Text: "hello"}); err == nil {
		t.Error("a mail to nobody is no mistake")
	}
	if err := p.send(simtenant.Emergency(0)[0].ObjectID, "c", chat.Message{Text: "hello"}); err != nil {
		t.Errorf("to somebody without a mailbox: %v", err)
	}
	if got := p.letters(); len(got) > 0 {
		t.Errorf("the tenant took %+v", got)
	}
}

// TestNudgesByMail is a wave of three weeks, with mail and without: who has no chat
// account is mailed, everybody else the second time only, and the manners are the
// same. What was mailed is what the tenant says.
func TestNudgesByMail(t *testing.T) {
	t.Parallel()
	for name, platform := range map[string]string{"with Mail.Send": mail.Platform, "without Mail.Send": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPost(t)
			talks := func(object string) bool { return object[len(object)-1] < '8' } // half of them
			chats := map[string]int{}
			byMail := p.wave(platform, talks, chats)
			mails := map[string]int{}
			for _, l := range p.letters() {
				mails[l.to()]++
				if !strings.Contains(l.Message.Body.Content, "https://aka.ms/mfasetup") || !strings.Contains(l.Message.Body.Content, "turn to the help desk") || !strings.Contains(l.Message.Body.Content, "We never ask for a password") {
					t.Errorf("a mail says\n%s", l.Message.Body.Content)
				}
			}
			nobody, chatting, mailed := 0, 0, 0
			for _, u := range byMail {
				n, m := chats[u.ID], mails[u.Mail]
				want := [2]int{3, 0}
				switch {
				case platform != "" && talks(u.ID):
					want = [2]int{2, 1}
					chatting++
				case platform != "":
					want = [2]int{0, 3}
					mailed++
				case !talks(u.ID):
					want = [2]int{0, 0}
					nobody++
				default:
					chatting++
				}
				if [2]int{n, m} != want {
					t.Errorf("%s got %d in the chat and %d by mail, want %v", u.UPN, n, m, want)
				}
			}
			if chatting < 3 || platform != "" && mailed < 3 || platform == "" && nobody < 3 {
				t.Errorf("too few to be a test: %d in the chat, %d by mail, %d not reached", chatting, mailed, nobody)
			}
		})
	}
}

// wave writes to everybody who is not registered, as often as manners allow, and
// returns who they are. What is sent into the chat it counts.
func (p *post) wave(platform string, talks func(string) bool, chats map[string]int) (people []graph.User) {
	t := p.t
	clock := func() time.Time { return p.now }
	zone, err := time.LoadLocation("Europe/Madrid")
	if err != nil {
		t.Fatal(err)
	}
	syncer := sync.New(sync.Config{Tenant: tenant, Reader: p.client, Store: &sync.Memory{}, Owner: "test", Now: clock, Fresh: time.Minute, Patience: time.Hour})
	nudger, err := nudge.New(nudge.Config{
		Tenant: tenant, Store: p.store, Facts: syncer.Facts, Methods: p.client.Methods, Group: p.client.GroupMembers, Mail: platform, Contact: func() string { return "the help desk" },
		Account: func(_ context.Context, object string) (chat.Account, bool) {
			return chat.Account{Platform: "chat", User: object}, talks(object)
		},
		Language: func(context.Context, chat.Account) (phrases.Language, error) { return "", nil },
		Hours:    chat.OfficeHours(zone), Now: clock, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	wave := rollout.Wave{Ref: "W-AAAAAA", Whom: rollout.Whom{Kind: rollout.WhomMissing}, State: rollout.WaveRunning, Messages: nudge.Most, Author: "ada", Began: p.now}
	err = p.store.Update(t.Context(), func(tx approval.Tx) error {
		return tx.(interface {
			PutWave(string, rollout.Wave) error
		}).PutWave(tenant, wave)
	})
	if err != nil {
		t.Fatal(err)
	}
	before, _, err := nudger.Reach(t.Context(), wave)
	if err != nil {
		t.Fatal(err)
	}
	for end := p.now.AddDate(0, 0, 21); p.now.Before(end); p.now = p.now.Add(24 * time.Hour) {
		if err := nudger.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.deliver(nudger, chats)
	}
	ids, err := p.store.Enlisted(t.Context(), tenant, wave.Ref)
	if err != nil {
		t.Fatal(err)
	}
	unreached := 0
	for _, id := range ids {
		u, err := p.client.User(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		people = append(people, u)
		if !talks(id) {
			unreached++
		}
	}
	mailed, skipped := before.Mailed, before.Skipped[rollout.SkipNoChat]
	if platform != "" && (mailed != unreached || skipped != 0) || platform == "" && (mailed != 0 || skipped != unreached) {
		t.Errorf("of %d without a chat the preview mails %d and reaches not %d", unreached, mailed, skipped)
	}
	return people
}

// deliver sends what is due, as package outbox does.
func (p *post) deliver(nudger *nudge.Nudger, chats map[string]int) {
	t := p.t
	rows, err := p.store.Due(t.Context(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range slices.DeleteFunc(rows, func(r outbox.Row) bool { return r.Kind != nudge.Kind }) {
		m, err := nudger.Render(t.Context(), row.Facts)
		var wait interface{ RetryAfter() time.Duration }
		switch {
		case errors.As(err, &wait):
			if err := p.store.Postpone(t.Context(), row, wait.RetryAfter(), "early"); err != nil {
				t.Fatal(err)
			}
			continue
		case err != nil:
			t.Fatal(err)
		}
		id := row.Key
		switch {
		case row.Message != "": // they did it meanwhile, and it is worded anew
			id = row.Message
		case row.To.Platform == mail.Platform:
			if id, err = p.box.Post(t.Context(), row.To, row.Key, m); err != nil {
				t.Fatal(err)
			}
		default:
			chats[row.To.User]++
		}
		if err := p.store.Shown(t.Context(), row, id); err != nil {
			t.Fatal(err)
		}
	}
}
