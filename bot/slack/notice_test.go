package slack_test

import (
	"strings"
	"testing"

	"twokey/bot/slack/slacktest"
	"twokey/chat"
)

// waiting is a message whose headline names somebody.
var waiting = chat.Message{
	Notice: "A request needs a decision: R-ABC234", Headline: "Give “Sue Tanaka” a Temporary Access Pass", Request: "R-ABC234",
	Buttons: []chat.Button{{ID: "approve", Label: "Approve", Value: "R-ABC234.0"}},
}

// What is posted is what a desktop notifies of: the text and the blocks of a
// message that has a notice name nobody until it is edited.
func TestNoticeIsPostedAlone(t *testing.T) {
	t.Parallel()
	s := play(t, slacktest.Options{})
	s.prompted(inChannel())
	posts := s.Calls("chat.postMessage")
	if len(posts) != 1 || strings.Contains(posts[0].Args["blocks"]+posts[0].Args["text"], "Tanaka") {
		t.Errorf("posted: %+v", posts)
	}
	s.shows(waiting)
}

// A message whose rest could not be shown is not posted a second time.
func TestNoticeIsFilledLater(t *testing.T) {
	t.Parallel()
	s := play(t, slacktest.Options{Allow: []string{"internal_error"}})
	s.Fault(slacktest.Fault{Method: "chat.update", Times: 3, Status: 500})
	if id, err := s.bots[0].Post(t.Context(), inChannel(), "prompt", waiting); err == nil {
		t.Fatalf("posted as %s", id)
	}
	if seen := s.Channel(channel); len(seen) != 1 || strings.Contains(seen[0].Plain, "Tanaka") || !strings.Contains(seen[0].Plain, waiting.Notice) {
		t.Errorf("meanwhile there is %+v", seen)
	}
	s.prompted(inChannel())
	s.shows(waiting)
}

// An edit that came in between is newer, and stays.
func TestNoticeIsNotFilledOverAnEdit(t *testing.T) {
	t.Parallel()
	s := play(t, slacktest.Options{Allow: []string{"internal_error"}})
	s.Fault(slacktest.Fault{Method: "chat.update", Times: 3, Status: 500})
	if _, err := s.bots[0].Post(t.Context(), inChannel(), "prompt", waiting); err == nil {
		t.Fatal("posted")
	}
	done := chat.Message{Headline: "It is done."}
	if err := s.bots[0].Edit(t.Context(), inChannel(), s.Channel(channel)[0].ID, done); err != nil {
		t.Fatal(err)
	}
	s.prompted(inChannel())
	s.shows(done)
}

// prompted posts the message that waits.
func (s *stage) prompted(to chat.Address) {
	s.t.Helper()
	if _, err := s.bots[0].Post(s.t.Context(), to, "prompt", waiting); err != nil {
		s.t.Fatal(err)
	}
}

// shows fails the test unless the channel holds that message alone.
func (s *stage) shows(m chat.Message) {
	s.t.Helper()
	seen := s.Channel(channel)
	if len(seen) != 1 || !strings.Contains(seen[0].Plain, m.Headline) || len(seen[0].Buttons) != len(m.Buttons) {
		s.t.Errorf("the channel shows %+v", seen)
	}
}
