package slack_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"strings"
	"testing"
	"time"

	"twokey/bot/slack"
	"twokey/bot/slack/slacktest"
	"twokey/chat"
	"twokey/chat/outbox"
)

var _ outbox.Finder = (*slack.Slack)(nil)

func toAda() chat.Address { return chat.Address{Platform: slack.Platform, User: ada} }

func TestPostAndEdit(t *testing.T) {
	t.Parallel()
	s := play(t, slacktest.Options{})
	b := s.bots[0]
	m := chat.Message{Headline: "Digest <of> this week & more", Links: []chat.Link{{Label: "Portal", URL: "https://entra.microsoft.com/"}}}
	for _, to := range []chat.Address{inChannel(), toAda(), {Platform: slack.Platform, Workspace: s.Team(), User: ada, Channel: channel}} {
		key := fmt.Sprintf("digest/%+v", to)
		id, err := b.Post(t.Context(), to, key, m)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := b.Post(t.Context(), to, key, m); err != nil || again != id {
			t.Errorf("posted again under its key: %q, %v; want %q", again, err, id)
		}
		if err := b.Edit(t.Context(), to, id, m); err != nil {
			t.Errorf("edit to the same content: %v", err)
		}
		if err := b.Edit(t.Context(), to, id, chat.Message{Headline: "changed"}); err != nil {
			t.Error(err)
		}
		if got := last(s.Seen(ada)); got.ID != id || !got.Edited || got.Plain != "changed" {
			t.Errorf("Ada sees %+v", got)
		}
	}
	if n := len(s.Seen(ada)); n != 3 {
		t.Errorf("Ada sees %d messages, want 3", n)
	}
	for _, c := range s.Calls("chat.postMessage") {
		if c.Args["unfurl_links"] != "false" || c.Args["unfurl_media"] != "false" || c.Args["text"] == "" || !strings.Contains(c.Args["metadata"], "twokey") {
			t.Errorf("posted with %v", c.Args)
		}
		if strings.Contains(c.Args["metadata"], "digest") {
			t.Errorf("the metadata %s tells the key, which other apps may read", c.Args["metadata"])
		}
	}
	if n := len(s.Calls("conversations.open")); n != 1 {
		t.Errorf("Ada's direct messages were opened %d times, want once", n)
	}
}

// A post that ended without an answer is looked for before it is made again,
// where the bot may read.
func TestPostsOnceAfterAnUnclearAnswer(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]slacktest.Fault{
		"cut after":  {Method: "chat.postMessage", Cut: "after"},
		"cut before": {Method: "chat.postMessage", Cut: "before"},
		"status 503": {Method: "chat.postMessage", Status: http.StatusServiceUnavailable},
		"its own":    {Method: "chat.postMessage", Error: "fatal_error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := play(t, slacktest.Options{})
			b := s.bots[0]
			s.Fault(f)
			m := chat.Message{Headline: "asked"}
			if _, err := b.Post(t.Context(), toAda(), "k", m); err == nil {
				t.Fatal("the first try succeeded")
			}
			id, err := b.Post(t.Context(), toAda(), "k", m)
			if err != nil {
				t.Fatal(err)
			}
			if seen := s.Seen(ada); len(seen) != 1 || seen[0].ID != id {
				t.Errorf("Ada sees %+v, want the message %s alone", seen, id)
			}
			if found, err := s.bot().Find(t.Context(), toAda(), "k"); err != nil || found != id {
				t.Errorf("the next process finds %q, %v; want %q", found, err, id)
			}
			if found, err := b.Find(t.Context(), toAda(), "other"); err != nil || found != "" {
				t.Errorf("what was not posted is found: %q, %v", found, err)
			}
		})
	}
}

// In a channel the bot may not read, nobody can tell, and a second message is
// better than none.
func TestPostsAgainWhereItMayNotLook(t *testing.T) {
	t.Parallel()
	s := play(t, slacktest.Options{Allow: []string{"missing_scope"}})
	s.Fault(slacktest.Fault{Method: "chat.postMessage", Cut: "after"})
	m := chat.Message{Headline: "asked"}
	if _, err := s.bots[0].Post(t.Context(), inChannel(), "k", m); err == nil {
		t.Fatal("the first try succeeded")
	}
	if _, err := s.bots[0].Post(t.Context(), inChannel(), "k", m); err != nil {
		t.Fatal(err)
	}
	if n := len(s.Seen(ada)); n != 2 {
		t.Errorf("%d messages, want two", n)
	}
}

func TestLimitsAreToldAtOnce(t *testing.T) {
	t.Parallel()
	s := play(t, slacktest.Options{})
	b := s.bots[0]
	var limited interface{ RetryAfter() time.Duration }
	for i := range 4 {
		_, err := b.Post(t.Context(), inChannel(), fmt.Sprint("k", i), chat.Message{Headline: "n"})
		if i < 3 && err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
		if i == 3 && (!errors.As(err, &limited) || limited.RetryAfter() <= 0 || limited.RetryAfter() > time.Second) {
			t.Errorf("the fourth message: %v, want it to wait for a second at most", err)
		}
	}
	if n := len(s.Calls("chat.postMessage")); n != 3 {
		t.Errorf("Slack was asked %d times, want 3: the fourth is early, and known to be", n)
	}
	if _, err := b.Post(t.Context(), toAda(), "direct", chat.Message{Headline: "n"}); err != nil {
		t.Errorf("another conversation: %v", err)
	}
	s.Fault(slacktest.Fault{Method: "chat.update", Status: http.StatusTooManyRequests, RetryAfter: 17 * time.Second})
	err := b.Edit(t.Context(), toAda(), last(s.Seen(ada)).ID, chat.Message{Headline: "m"})
	if !errors.As(err, &limited) || limited.RetryAfter() < 16*time.Second || limited.RetryAfter() > 17*time.Second {
		t.Errorf("edit: %v, want to wait for 17 s", err)
	}
	if _, err := b.Post(t.Context(), toAda(), "direct 2", chat.Message{Headline: "n"}); err != nil {
		t.Errorf("another method: %v", err)
	}
}

func TestErrorsSayWhatHelps(t *testing.T) {
	t.Parallel()
	s := play(t, slacktest.Options{AllowViolations: true})
	s.AddChannel(slacktest.Channel{ID: "C0AWAY0001", BotAway: true, Members: []string{ada}})
	s.AddChannel(slacktest.Channel{ID: "C0OLD00001", Archived: true})
	for _, tt := range []struct {
		to   chat.Address
		want string
	}{
		{chat.Address{Platform: slack.Platform, Channel: "C0AWAY0001"}, "/invite"},
		{chat.Address{Platform: slack.Platform, Channel: "C0NONE0001"}, "/invite"},
		{chat.Address{Platform: slack.Platform, Channel: "C0OLD00001"}, "archived"},
		{chat.Address{Platform: slack.Platform, User: "U0NONE0001"}, "no such person"},
		{chat.Address{Platform: "elsewhere", User: ada}, "elsewhere"},
		{chat.Address{Platform: slack.Platform, Workspace: "T0OTHER", User: ada}, "T0OTHER"},
		{chat.Address{Platform: slack.Platform}, "neither"},
	} {
		if _, err := s.bots[0].Post(t.Context(), tt.to, tt.want, chat.Message{Headline: "n"}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("to %+v: %v, want it to say %q", tt.to, err, tt.want)
		}
	}
	bare := set(t, slacktest.Options{Scopes: []string{"users:read"}, AllowViolations: true}).bot()
	_, err := bare.Post(t.Context(), inChannel(), "k", chat.Message{Headline: "n"})
	if err == nil || !strings.Contains(err.Error(), "lacks the scope chat:write") {
		t.Errorf("without the scope: %v", err)
	}
}

func TestADeletedMessageStaysDeleted(t *testing.T) {
	t.Parallel()
	s := play(t, slacktest.Options{Allow: []string{"message_not_found"}})
	if err := s.bots[0].Edit(t.Context(), inChannel(), channel+"/1700000000.000100", chat.Message{Headline: "n"}); err != nil {
		t.Errorf("Edit: %v", err)
	}
	if err := s.bots[0].Edit(t.Context(), inChannel(), "nonsense", chat.Message{Headline: "n"}); err == nil {
		t.Error("an ID that is none of Slack's was edited")
	}
	if len(s.Seen(ada)) != 0 {
		t.Error("it was posted anew")
	}
}

func picture(t *testing.T) *chat.Image {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 4, 4))); err != nil {
		t.Fatal(err)
	}
	return &chat.Image{Name: "trend.png", PNG: b.Bytes(), Alt: "87 of 100 are registered"}
}

// A message is posted with the picture's words at once, and shows the picture
// as soon as Slack can, from then on in every edit.
func TestAPictureFollowsItsMessage(t *testing.T) {
	t.Parallel()
	s := play(t, slacktest.Options{Processing: time.Second})
	b, m := s.bots[0], chat.Message{Headline: "Digest", Image: picture(t)}
	id, err := b.Post(t.Context(), inChannel(), "digest", m)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Seen(ada)[0]; !strings.Contains(got.Plain, "87 of 100") {
		t.Errorf("at first Ada sees %+v", got)
	}
	s.until("Slack looks at the file", func() bool { return len(s.Calls("files.info")) > 0 })
	s.Advance(2 * time.Second)
	s.until("the picture is in the message", func() bool { return len(s.Seen(ada)[0].Files) == 1 })
	for _, other := range s.Seen(ada)[1:] {
		if other.Thread == "" {
			t.Errorf("the file stands outside the thread: %+v", other)
		}
	}
	m.Headline = "Digest, corrected"
	if err := b.Edit(t.Context(), inChannel(), id, m); err != nil {
		t.Fatal(err)
	}
	if got := s.Seen(ada)[0]; len(got.Files) != 1 || !strings.Contains(got.Plain, "corrected") {
		t.Errorf("after the edit Ada sees %+v", got)
	}
}

func TestAPictureThatCannotComeIsItsWords(t *testing.T) {
	t.Parallel()
	s := play(t, slacktest.Options{})
	s.Fault(slacktest.Fault{Method: "upload", Status: http.StatusInternalServerError})
	if _, err := s.bots[0].Post(t.Context(), inChannel(), "digest", chat.Message{Headline: "Digest", Image: picture(t)}); err != nil {
		t.Fatal(err)
	}
	s.until("it is logged", func() bool { return strings.Contains(s.log.String(), "picture is not there") })
	if got := s.Seen(ada); len(got) != 1 || !strings.Contains(got[0].Plain, "87 of 100") {
		t.Errorf("Ada sees %+v", got)
	}
}

// A list that is asked for in a channel goes to whoever asked.
func TestAFileIsPrivate(t *testing.T) {
	t.Parallel()
	s := play(t, slacktest.Options{})
	list := &chat.File{Name: "missing.csv", Media: "text/csv", Data: []byte("name\nSam\n"), Alt: "one person"}
	s.heard.answer = func(ctx context.Context, r chat.Responder, _ chat.Event) error {
		return r.Reply(ctx, chat.Message{Headline: "Who is missing", File: list})
	}
	s.acked(s.Command(ada, channel, "who missing --csv"))
	s.until("Ada is told where it is", func() bool {
		m := last(s.Seen(ada))
		return m.Channel == channel && m.Private && strings.Contains(m.Plain, "direct messages")
	})
	got := false
	for _, m := range s.Channel(s.Direct(ada)) {
		for _, f := range m.Files {
			got = got || string(f.Data) == "name\nSam\n"
		}
	}
	if !got || len(s.Channel(channel)) != 0 || len(s.Seen(bea)) != 0 {
		t.Errorf("Ada has the file: %v; the channel sees %+v", got, s.Channel(channel))
	}
}

// answers runs a command whose handler answers with f, and returns its error.
func (s *stage) answers(user, channel string, f func(ctx context.Context, r chat.Responder) error) error {
	s.t.Helper()
	done := make(chan error, 1)
	s.heard.mu.Lock()
	s.heard.answer = func(ctx context.Context, r chat.Responder, _ chat.Event) error {
		done <- f(ctx, r)
		return nil
	}
	s.heard.mu.Unlock()
	s.acked(s.Command(user, channel, "collect"))
	return <-done
}

var pass = chat.Message{Headline: "The pass is ABC-PASS-123", Secret: true}

func TestO43ASecretIsSeenByOne(t *testing.T) {
	t.Parallel()
	s := play(t, slacktest.Options{})
	for _, where := range []string{channel, ""} {
		err := s.answers(ada, where, func(ctx context.Context, r chat.Responder) error {
			if err := r.Say(ctx, pass); err == nil {
				t.Error("a secret was said aloud")
			}
			return r.Reply(ctx, pass)
		})
		if err != nil {
			t.Errorf("in %q: %v", where, err)
		}
		if m := last(s.Seen(ada)); !m.Private || !strings.Contains(m.Plain, "ABC-PASS-123") {
			t.Errorf("in %q Ada sees %+v", where, m)
		}
	}
	if _, err := s.bots[0].Post(t.Context(), toAda(), "k", pass); err == nil {
		t.Error("a secret was posted")
	}
	if err := s.bots[0].Edit(t.Context(), toAda(), "D1/1.1", pass); err == nil {
		t.Error("a secret was edited in")
	}
	s.Reload(ada)
	for _, m := range append(s.Seen(bea), s.Seen(ada)...) {
		t.Errorf("seen by Bea, or kept: %+v", m)
	}
	if strings.Contains(s.log.String(), "ABC-PASS-123") {
		t.Error("the secret stands in the log")
	}
}

func TestO45ASecretThatCannotBeDelivered(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		faults []slacktest.Fault
		ways   int // answers that were tried
		ok     bool
	}{
		{"it comes the first way", nil, 1, true},
		{"the first way is closed", []slacktest.Fault{{Method: "response_url", Status: 404}}, 2, true},
		{"both ways are closed", []slacktest.Fault{{Method: "response_url", Status: 404}, {Method: "chat.postEphemeral", Error: "user_not_in_channel"}}, 2, false},
		{"the platform is down", []slacktest.Fault{{Method: "response_url", Status: 503}}, 1, false},
		{"the answer is lost", []slacktest.Fault{{Method: "response_url", Cut: "after"}}, 1, false},
		{"the second answer is lost", []slacktest.Fault{{Method: "response_url", Status: 404}, {Method: "chat.postEphemeral", Cut: "before"}}, 2, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := play(t, slacktest.Options{})
			for _, f := range tt.faults {
				s.Fault(f)
			}
			err := s.answers(ada, channel, func(ctx context.Context, r chat.Responder) error { return r.Reply(ctx, pass) })
			if (err == nil) != tt.ok {
				t.Errorf("Reply: %v", err)
			}
			if n := len(s.Calls("response_url")) + len(s.Calls("chat.postEphemeral")); n != tt.ways {
				t.Errorf("it was tried %d times, want %d", n, tt.ways)
			}
			if n := len(s.Calls("chat.postMessage")); n != 0 {
				t.Error("it was sent as a message that stays")
			}
		})
	}
}

// What is no secret arrives by whatever way is open.
func TestAnAnswerFindsItsWay(t *testing.T) {
	t.Parallel()
	s := play(t, slacktest.Options{Allow: []string{"not_in_channel", "channel_not_found"}})
	s.AddChannel(slacktest.Channel{ID: "C0AWAY0001", BotAway: true, Members: []string{ada}})
	for range 2 {
		s.Fault(slacktest.Fault{Method: "response_url", Status: 404})
	}
	say := func(ctx context.Context, r chat.Responder) error {
		return r.Reply(ctx, chat.Message{Text: "an answer"})
	}
	if err := s.answers(ada, channel, say); err != nil {
		t.Error(err)
	}
	if m := last(s.Seen(ada)); m.Channel != channel || !m.Private {
		t.Errorf("Ada sees %+v, want it in the channel", m)
	}
	if err := s.answers(ada, "C0AWAY0001", say); err != nil {
		t.Error(err)
	}
	if m := last(s.Seen(ada)); m.Channel != s.Direct(ada) {
		t.Errorf("Ada sees %+v, want it in her direct messages", m)
	}
	aloud := func(ctx context.Context, r chat.Responder) error { return r.Say(ctx, chat.Message{Text: "for all"}) }
	if err := s.answers(ada, "C0AWAY0001", aloud); err != nil {
		t.Error(err)
	}
	if m := last(s.Channel("C0AWAY0001")); m.Plain != "for all" {
		t.Errorf("the channel sees %+v", m)
	}
	if err := s.answers(ada, channel, aloud); err != nil {
		t.Error(err)
	}
	if m := last(s.Channel(channel)); m.Plain != "for all" {
		t.Errorf("the channel sees %+v", m)
	}
}

// An address for answers takes five, for half an hour.
func TestMoreAnswersThanAnAddressTakes(t *testing.T) {
	t.Parallel()
	s := play(t, slacktest.Options{})
	err := s.answers(ada, channel, func(ctx context.Context, r chat.Responder) error {
		for i := range 7 {
			if err := r.Reply(ctx, chat.Message{Text: fmt.Sprint("answer ", i)}); err != nil {
				return err
			}
		}
		s.Advance(31 * time.Minute)
		return r.Reply(ctx, chat.Message{Text: "much later"})
	})
	if err != nil {
		t.Error(err)
	}
	if n := len(s.Calls("response_url")); n != 5 {
		t.Errorf("the address was used %d times, want 5", n)
	}
	if got := s.Seen(ada); len(got) != 8 || last(got).Plain != "much later" {
		t.Errorf("Ada sees %d messages, the last %q", len(got), last(got).Plain)
	}
}
