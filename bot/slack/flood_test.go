package slack_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"twokey/bot/slack/slacktest"
	"twokey/chat"
)

// stall has everybody answered but one, who is once open was called.
func (s *stage) stall(t *testing.T, user string) (open func()) {
	release := make(chan struct{})
	open = sync.OnceFunc(func() { close(release) })
	t.Cleanup(open)
	s.heard.answer = func(ctx context.Context, r chat.Responder, e chat.Event) error {
		if e.From.User == user {
			<-release
		}
		return r.Reply(ctx, chat.Message{Text: "answered"})
	}
	return open
}

// One person's flood waits behind itself: what there is no room for is refused
// in the acknowledgement, and others are answered meanwhile.
func TestG37OnePersonFloods(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"socket", "http"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := play1(t, mode)
			open := s.stall(t, ada)
			refused := 0
			for i := range 200 {
				d := s.acked(s.Command(ada, channel, fmt.Sprint("status ", i)))
				if strings.Contains(string(d.Answer()), "try again in a minute") {
					refused++
				}
			}
			if refused < 150 || refused > 180 {
				t.Errorf("%d of 200 were refused, want all but what may wait", refused)
			}
			s.acked(s.Command(bea, channel, "status"))
			s.until("Bea is answered", func() bool { return last(s.Seen(bea)).Plain == "answered" })
			open()
			s.until("what was taken is answered", func() bool { return len(s.heard.all()) == 200-refused+1 })
		})
	}
}

// Whoever presses buttons, or writes to the bot, faster than it answers is told
// so, once, and not for each press.
func TestAPressWithoutRoomIsAnswered(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"socket", "http"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := play1(t, mode)
			open := s.stall(t, ada)
			const said = 60
			for i := range said {
				s.acked(s.Say(ada, "", fmt.Sprint("question ", i)))
			}
			sorry := func() (n int) {
				for _, m := range s.Seen(ada) {
					if strings.Contains(m.Plain, "try again in a minute") {
						n++
					}
				}
				return n
			}
			s.until("Ada is told", func() bool { return sorry() > 0 })
			open()
			taken := 0
			s.until("what was taken is answered", func() bool {
				taken = len(s.heard.all())
				answered := 0
				for _, m := range s.Seen(ada) {
					if m.Plain == "answered" {
						answered++
					}
				}
				return answered == taken
			})
			if n := sorry(); n != 1 || taken >= said {
				t.Errorf("%d of %d were taken, and Ada was told %d times that one was not", taken, said, n)
			}
		})
	}
}

// A person's own events keep their order, however many people are at it.
func TestOnePersonsOrderIsKept(t *testing.T) {
	t.Parallel()
	s := play(t, slacktest.Options{})
	users := s.crowd(12)
	const each = 15
	for i := range each {
		for _, user := range users {
			s.acked(s.Command(user, channel, fmt.Sprintf("%02d", i)))
		}
	}
	got := map[string][]string{}
	for _, e := range s.events(each * len(users)) {
		got[e.From.User] = append(got[e.From.User], e.Text)
	}
	for _, user := range users {
		if len(got[user]) != each || !slices.IsSorted(got[user]) {
			t.Errorf("%s was heard as %q", user, got[user])
		}
	}
}
