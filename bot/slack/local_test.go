//go:build outside

package slack_test

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/bot/slack"
	"twokey/bot/slack/slacktest"
	"twokey/chat"
)

// TestOutsideLocalSlack walks one road against a Slack that somebody else
// wrote: a command and its answer, a press, a form, the home tab, a picture and
// a file.
func TestOutsideLocalSlack(t *testing.T) {
	l := slacktest.StartLocal(t, slacktest.Options{},
		[]slacktest.User{{ID: ada, Name: "ada", Email: "ada@twokey.example"}},
		[]slacktest.Channel{{ID: channel, Name: "team", Members: []string{ada}}})
	h := &heard{answer: func(ctx context.Context, r chat.Responder, e chat.Event) error {
		if e.Kind == chat.Press {
			return r.Say(ctx, chat.Message{Headline: "Ada says " + e.Fields["reason"]})
		}
		return r.Reply(ctx, chat.Message{Headline: "You typed " + e.Text, Buttons: []chat.Button{{
			ID: "ask", Label: "Ask", Value: "R-ABC234", Form: []chat.FormField{{ID: "reason", Label: "Why", Required: true}},
		}}})
	}}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	b := connect(t, ctx, l, h)

	var answer slacktest.Message
	l.Command(ada, channel, "/mfa", "status &lt;now&gt;") // it makes no entities of what is typed, as Slack does
	l.Wait(ctx, "the answer to the command", func() bool { return latest(l.Messages(channel), "You typed status <now>", &answer) })
	if !answer.Private {
		t.Errorf("the answer is for everybody: %+v", answer)
	}
	l.Press(ada, answer, "Ask")
	l.Wait(ctx, "the form", func() bool { return l.Modal() != nil })
	fields := map[string]string{}
	for _, in := range l.Modal().Inputs {
		fields[in.Block] = "lost & found"
	}
	l.Submit(ada, fields)
	var aloud slacktest.Message
	l.Wait(ctx, "what the form said", func() bool { return latest(l.Messages(channel), "Ada says lost & found", &aloud) })
	l.Wait(ctx, "the form to close", func() bool { return l.Modal() == nil })

	l.OpenHome(ada)
	l.Wait(ctx, "the home tab", func() bool { v := l.Home(ada); return v != nil && strings.Contains(v.Plain, "Yours to decide") })

	l.Say(ada, l.Direct(ada), "what is a passkey?")
	var told slacktest.Message
	l.Wait(ctx, "the answer to a question", func() bool { return latest(l.Messages(l.Direct(ada)), "You typed what is a passkey?", &told) })

	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 8, 8))); err != nil {
		t.Fatal(err)
	}
	id, err := b.Post(ctx, chat.Address{Platform: slack.Platform, Channel: channel}, "digest", chat.Message{
		Headline: "This week", Image: &chat.Image{Name: "chart.png", PNG: picture.Bytes(), Alt: "98 % registered"},
		File: &chat.File{Name: "who.csv", Media: "text/csv", Data: []byte("name\nSam\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	l.Wait(ctx, "the picture in the message, and the file", func() bool {
		shown := false
		for _, m := range l.Messages(channel) {
			for _, f := range m.Files {
				files[f.Name] = l.File(f)
			}
			shown = shown || channel+"/"+m.TS == id && strings.Contains(string(m.Blocks), `"slack_file"`)
		}
		return shown && len(files) == 2
	})
	if files["who.csv"] != "name\nSam\n" || files["chart.png"] != picture.String() {
		t.Errorf("the files arrived as %q", files)
	}
	t.Logf("answer %q, then %q, home, question, %d files; the traffic:\n%s", answer.Plain, aloud.Plain, len(files), l.Traffic())
}

// latest finds the last message whose words hold text.
func latest(all []slacktest.Message, text string, found *slacktest.Message) bool {
	for _, m := range slices.Backward(all) {
		if strings.Contains(m.Plain, text) {
			*found = m
			return true
		}
	}
	return false
}

// connect starts a bot on a local-slack. One connection is enough: it delivers
// everything to each.
func connect(t *testing.T, until context.Context, l *slacktest.Local, h chat.Handler) *slack.Slack {
	t.Helper()
	w := &log{}
	b, err := slack.New(slack.Config{
		Mode: "socket", AppToken: l.AppToken(), BotToken: l.BotToken(), APIURL: l.APIURL(), Inbox: &memory{}, Connections: 1,
		Home: func(context.Context, chat.Account) ([]chat.Message, error) {
			return []chat.Message{{Headline: "Yours to decide"}}, nil
		},
		Log: slog.New(slog.NewTextHandler(w, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	b.Handle(h)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		if t.Failed() {
			t.Logf("the bot's log:\n%s", w)
		}
	})
	l.Wait(until, "the bot to connect", func() bool { return b.Ready() == nil })
	return b
}
