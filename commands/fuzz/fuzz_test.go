// Package fuzz_test says anything to the commands. It is a package of its own so
// that a fuzzer builds neither the Graph SDK nor a database: the tests of the
// commands say to a whole bot what is thought of here.
package fuzz_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"twokey/chat"
	"twokey/chat/hostile"
	"twokey/commands"
	"twokey/commands/approval"
	"twokey/commands/guide"
	"twokey/commands/identity"
	"twokey/commands/rules"
	"twokey/graph"
	"twokey/graph/rollout"
)

func now() time.Time { return time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC) }

func account(name string) chat.Account {
	return chat.Account{Platform: "chat", Workspace: "W1", User: name}
}

// people are those who speak, and what they are.
var people = map[string][]identity.Role{
	"ada": {identity.Lead, identity.Helpdesk}, "abe": {identity.Approver}, "olga": {identity.Owner, identity.Lead}, "vic": {identity.Viewer}, "sam": nil,
}

var names = []string{"ada", "abe", "olga", "vic", "sam", "nobody"}

// bot is a mux over an empty database and a small tenant, and its log.
func bot(f *testing.F) (*commands.Mux, *bytes.Buffer) {
	f.Helper()
	book, err := commands.LoadPhrases()
	if err != nil {
		f.Fatal(err)
	}
	articles, err := guide.Load()
	if err != nil {
		f.Fatal(err)
	}
	here := &town{}
	laid := rules.Rules{Tenant: "t-1", Roles: map[string][]rules.Holder{}, Links: map[string]string{}, Changes: commands.Kinds(), Wait: time.Minute, Contact: "Ada, extension 42"}
	for _, name := range names[:len(names)-1] {
		object := "id-" + name
		here.users = append(here.users, graph.User{ID: object, Name: strings.ToUpper(name), UPN: name + "@vale.example", Enabled: true, Licensed: true})
		laid.Links[identity.LinkKey(account(name))] = object
		for _, r := range people[name] {
			laid.Roles[string(r)] = append(laid.Roles[string(r)], rules.Holder{User: object})
		}
	}
	keeper, none := rules.Fixed(laid), emptiness{}
	directory := identity.New(identity.Config{Rules: keeper, Ask: commands.AskRoles(), Self: commands.SelfKinds(), Now: now}, here)
	var log bytes.Buffer
	return commands.NewMux(commands.Env{
		Organization: graph.Organization{ID: "t-1", Name: "Harbour & Vale", DefaultDomain: "vale.example"}, Tenant: here, Facts: here.facts, Scope: rollout.Scope{},
		Engine:   &approval.Engine{Store: none, Standing: directory, Expiry: commands.AroundTheClock(time.UTC).Expiry},
		Requests: none, People: directory, Guide: articles, Records: none, Digest: none, Trend: none, Changes: none, Nudges: none, Alerts: none, Absences: none, Languages: none, Declarations: none, Staff: none,
		Phrases: book, Rules: keeper, Zone: time.UTC, Admins: chat.Address{Platform: "chat", Workspace: "W1", Channel: "admins"},
		ChatSignIn: commands.ChatOwn, Build: "twokey 0.1", Now: now,
		Collect: func(context.Context, approval.Vote, func(context.Context, any) error) (approval.Request, error) {
			return approval.Request{}, approval.ErrNotFound
		},
	}, slog.New(slog.NewTextHandler(&log, nil))), &log
}

// listener keeps what is said.
type listener struct{ all []chat.Message }

func (l *listener) Reply(_ context.Context, m chat.Message) error {
	l.all = append(l.all, m)
	return nil
}
func (l *listener) Say(ctx context.Context, m chat.Message) error { return l.Reply(ctx, m) }

// FuzzCommand says anything, in every way, as several people: there is exactly
// one answer, which says something and gives nothing invisible or turned round
// back, and nothing panics on the way.
func FuzzCommand(f *testing.F) {
	mux, log := bot(f)
	buttons := []string{"approve", "deny", "cancel", "ask", "confirm", "run", "topic", "collect", "stop", "resolve"}
	f.Add("", "", uint8(0), uint8(0))
	for i, c := range mux.Registry() {
		f.Add(c.Name, "", uint8(i), uint8(i))
		f.Add(c.Example, "why not", uint8(i/2), uint8(i))
		f.Add(c.Name+" "+hostile.Words[i%len(hostile.Words)], hostile.Words[i/2%len(hostile.Words)], uint8(i), uint8(i))
	}
	f.Add("legacy import", "Sender address,Messages sent\nscan@vale.example,1", uint8(0), uint8(4*5+2))
	f.Add("legacy import", "Username;Client app;Status;Date (UTC)\ns@x;POP;Success;2026-11-20", uint8(0), uint8(4*5+2))
	f.Add("goal 98% by 31 March", "", uint8(0), uint8(0))
	f.Fuzz(func(t *testing.T, text, field string, who, how uint8) {
		e := chat.Event{Key: "fuzz", From: account(names[int(who)%len(names)]), Text: text, Kind: chat.Command}
		switch how % 4 {
		case 1:
			e.Kind = chat.Mention
		case 2:
			e.Kind, e.Button, e.Value, e.Text = chat.Press, buttons[int(how/4)%len(buttons)], text, ""
			e.Fields = map[string]string{"reason": field, "question": field, "list": field, "user": field, "note": field, "result": field}
		case 3:
			e.Channel = "admins"
		}
		log.Reset()
		var l listener
		if err := mux.Handle(t.Context(), &l, e); err != nil {
			t.Fatalf("%+v: %v", e, err)
		}
		if strings.Contains(log.String(), "panic") {
			t.Fatalf("%+v: %s", e, log)
		}
		if len(l.all) != 1 {
			t.Fatalf("%+v: %d answers, want 1: %+v", e, len(l.all), l.all)
		}
		plain := l.all[0].Plain()
		if strings.TrimSpace(plain) == "" {
			t.Errorf("%+q: the answer says nothing", text)
		}
		if chat.Hidden(plain) || strings.ContainsAny(plain, "\u2028\u2029\u0085\r\t") {
			t.Errorf("%+q: the answer holds something hidden: %+q", text, plain)
		}
	})
}
