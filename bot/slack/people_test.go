package slack_test

import (
	"cmp"
	"net/http"
	"strings"
	"testing"
	"time"

	"twokey/bot/slack"
	"twokey/bot/slack/slacktest"
	"twokey/chat"
)

// A person of another organisation is somebody else, even under an approver's
// own ID.
func TestO29AnEqualIDFromElsewhere(t *testing.T) {
	t.Parallel()
	s := overHTTP(t, 1, slacktest.Options{})
	s.acked(s.Command(ada, channel, "me")) // Ada herself is known, and a member
	s.events(1)
	foreign := s.click(func(p map[string]any) {
		p["user"], p["response_url"] = map[string]any{"id": ada, "team_id": "T0OTHER"}, ""
	})
	if w := s.send(0, s.request("actions", form, foreign)); w.Code != http.StatusOK || w.Body.Len() != 0 {
		t.Errorf("status %d, %q; want nothing", w.Code, w.Body)
	}
	s.until("it was refused", func() bool { return strings.Contains(s.log.String(), `kind="person of another organisation"`) })
	if n := len(s.heard.all()); n != 1 {
		t.Errorf("%d events were handled, want none of the stranger's: %+v", n, s.heard.all())
	}
}

func TestO30OnlyMembersAreHeard(t *testing.T) {
	t.Parallel()
	const who = "U0WHO00001"
	for _, tt := range []struct {
		name string
		user slacktest.User
		log  string // what the operator is told; empty: the person is heard
		tell bool   // so is the person
	}{
		{"a member", slacktest.User{}, "", false},
		{"a guest of several channels", slacktest.User{Restricted: true}, "guest", true},
		{"a guest of one channel", slacktest.User{UltraRestricted: true}, "guest", true},
		{"somebody of a shared channel", slacktest.User{Stranger: true, Team: "T0OTHER"}, "another organisation", true},
		{"a bot", slacktest.User{Bot: true}, "kind=bot", false},
		{"a deactivated account", slacktest.User{Deleted: true}, "deactivated", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := play(t, slacktest.Options{})
			tt.user.ID = who
			s.AddUser(tt.user)
			s.AddChannel(slacktest.Channel{ID: channel, Name: "team", Members: []string{ada, bea, who}})
			id := s.prompt(inChannel(), chat.Button{ID: "approve", Label: "Approve", Value: "R-ABC234.seal"})
			s.acked(s.Press(who, id, "Approve"))
			if tt.log == "" {
				s.events(1)
				return
			}
			s.until("the operator is told", func() bool {
				return strings.Contains(s.log.String(), tt.log) && strings.Contains(s.log.String(), who)
			})
			if tt.tell {
				s.until("the person is told", func() bool { return strings.Contains(last(s.Seen(who)).Plain, "Only full members") })
				if m := last(s.Seen(who)); !m.Private {
					t.Errorf("everybody sees %+v", m)
				}
			}
			if n := len(s.heard.all()); n != 0 {
				t.Errorf("heard %+v", s.heard.all())
			}
		})
	}
}

// What is remembered of a person lets them read on for a while, and decides
// nothing.
func TestO30AMemberWhoBecomesAGuest(t *testing.T) {
	t.Parallel()
	s := play(t, slacktest.Options{})
	id := s.prompt(inChannel(), chat.Button{ID: "approve", Label: "Approve", Value: "R-ABC234.seal"},
		chat.Button{ID: "deny", Label: "Deny", Value: "x", Form: []chat.FormField{{ID: "reason", Label: "Why?"}}})
	s.acked(s.Command(bea, channel, "me"))
	s.events(1)
	s.AddUser(slacktest.User{ID: bea, Name: "bea", Restricted: true})
	s.acked(s.Press(bea, id, "Approve"))
	s.until("the press is refused", func() bool { return strings.Contains(last(s.Seen(bea)).Plain, "Only full members") })
	s.acked(s.Press(bea, id, "Deny"))
	s.until("the form is open", func() bool { return s.Modal(bea) != nil })
	s.acked(s.Submit(bea, map[string]string{"reason": "no"}))
	s.until("the form is refused", func() bool { return strings.Count(s.log.String(), "kind=guest") == 2 })
	s.acked(s.Command(bea, channel, "status"))
	s.until("the command is refused too, now that it is known", func() bool { return strings.Count(s.log.String(), "kind=guest") == 3 })
	if n := len(s.heard.all()); n != 1 {
		t.Errorf("heard %+v", s.heard.all())
	}
	s.AddUser(slacktest.User{ID: bea, Name: "bea"}) // and back: nothing is held against her
	s.acked(s.Press(bea, id, "Approve"))
	s.events(2)
}

func TestReadersAreNotLookedUpEachTime(t *testing.T) {
	t.Parallel()
	s := play(t, slacktest.Options{})
	for range 5 {
		s.acked(s.Command(ada, channel, "status"))
	}
	s.events(5)
	if n := len(s.Calls("users.info")); n != 1 {
		t.Errorf("Ada was looked up %d times, want once", n)
	}
	s.Advance(6 * time.Minute)
	s.acked(s.Command(ada, channel, "status"))
	s.events(6)
	if n := len(s.Calls("users.info")); n != 2 {
		t.Errorf("Ada was looked up %d times, want once more after a while", n)
	}
}

// Who cannot be looked up decides nothing.
func TestG29WhoeverCannotBeLookedUp(t *testing.T) {
	t.Parallel()
	s := play(t, slacktest.Options{})
	id := s.prompt(inChannel(), chat.Button{ID: "approve", Label: "Approve", Value: "R-ABC234.seal"})
	s.Fault(slacktest.Fault{Method: "users.info", Times: 3, Status: 503})
	s.acked(s.Press(bea, id, "Approve"))
	s.until("Bea is told", func() bool { return strings.Contains(last(s.Seen(bea)).Plain, "nothing happened") })
	s.inbox.mu.Lock()
	s.inbox.fail = http.ErrServerClosed
	s.inbox.mu.Unlock()
	s.acked(s.Press(ada, id, "Approve"))
	s.until("Ada is told", func() bool { return strings.Contains(last(s.Seen(ada)).Plain, "could not make a note") })
	if n := len(s.heard.all()); n != 0 {
		t.Errorf("heard %+v", s.heard.all())
	}
}

// On a grid the workspace of an account is the one that the person belongs to.
func TestAGridHasManyWorkspaces(t *testing.T) {
	t.Parallel()
	s := play(t, slacktest.Options{Enterprise: "E0GRID0001"})
	s.AddUser(slacktest.User{ID: bea, Name: "bea", Team: "T0BRANCH01"})
	s.acked(s.Say(bea, "", "hello"))
	want := chat.Account{Platform: slack.Platform, Workspace: "T0BRANCH01", User: bea}
	if e := s.events(1)[0]; e.From != want {
		t.Errorf("from %+v, want %+v", e.From, want)
	}
}

// An event says in which language its author sees Slack.
func TestEventsSayTheLocale(t *testing.T) {
	t.Parallel()
	s := play(t, slacktest.Options{})
	s.AddUser(slacktest.User{ID: bea, Name: "bea", Locale: "pt-BR"})
	s.acked(s.Command(bea, channel, "me"))
	s.events(1)
	if e := s.heard.all()[0]; e.Locale != "pt-BR" {
		t.Errorf("heard %+v, want it in pt-BR", e)
	}
}

// An address counts if Slack has confirmed it and it is a full member's of the
// workspace that the account is of.
func TestMailOfAMember(t *testing.T) {
	t.Parallel()
	const mail = "ada@vale.example"
	for name, c := range map[string]struct {
		user   slacktest.User
		scopes []string
		team   string
		want   string
	}{
		"a member's":             {user: slacktest.User{Email: mail}, want: mail},
		"one that has none":      {},
		"not confirmed":          {user: slacktest.User{Email: mail, EmailUnconfirmed: true}},
		"a guest's":              {user: slacktest.User{Email: mail, Restricted: true}},
		"another organisation's": {user: slacktest.User{Email: mail, Stranger: true}},
		"a leaver's":             {user: slacktest.User{Email: mail, Deleted: true}},
		"a bot's":                {user: slacktest.User{Email: mail, Bot: true}},
		"without the scope":      {user: slacktest.User{Email: mail}, scopes: []string{"users:read", "chat:write", "commands"}},
		"of another workspace":   {user: slacktest.User{Email: mail}, team: "T0OTHER"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := set(t, slacktest.Options{Scopes: c.scopes, AllowViolations: true})
			const id = "U0SOMEBODY"
			c.user.ID, c.user.Name = id, "somebody"
			s.AddUser(c.user)
			a := chat.Account{Platform: slack.Platform, Workspace: cmp.Or(c.team, s.Team()), User: id}
			got, err := s.bot().Mail(t.Context(), a)
			if err != nil || got != c.want {
				t.Errorf("Mail = %q, %v, want %q", got, err, c.want)
			}
		})
	}
}
