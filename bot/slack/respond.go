package slack

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"twokey/chat"
)

// What an address for answers (response_url) is good for. A minute is left for
// the way there.
// https://docs.slack.dev/interactivity/handling-user-interaction
const (
	answers    = 5
	answerLife = 29 * time.Minute
)

// responder answers one event.
type responder struct {
	s      *Slack
	user   string
	origin origin
	kind   chat.EventKind

	mu   sync.Mutex
	used int // answers given at the event's own address
}

var _ chat.Responder = (*responder)(nil)

// Reply answers the person alone: in direct messages as an ordinary message,
// which stays there, and anywhere else as one that only they see and that is
// gone once they reload. Where Slack does not take that, it goes into their
// direct messages.
//
// A secret is never an ordinary message. It is not sent again unless Slack
// surely has not shown it, and goes nowhere else: the error then says that
// nobody has got it.
func (r *responder) Reply(ctx context.Context, m chat.Message) error {
	if m.Secret && (m.Image != nil || m.File != nil) {
		return errSecret
	}
	channel, own, err := r.place(ctx)
	if err != nil {
		return err
	}
	if own && !m.Secret {
		return r.keep(ctx, destination{channel: channel, thread: r.origin.Thread, patience: patience}, m)
	}
	return r.show(ctx, channel, m)
}

// place returns where it was done, and whether that is the person's messages
// with the bot. A command may also be typed in those with somebody else, and
// the home tab is no conversation at all.
func (r *responder) place(ctx context.Context) (channel string, own bool, err error) {
	channel = r.origin.Channel
	switch {
	case channel != "" && shared(channel) != "":
		return channel, false, nil
	case channel != "" && (r.kind != chat.Command || r.origin.Answers == ""):
		return channel, true, nil
	}
	direct, err := r.s.direct(ctx, r.user, patience)
	return cmp.Or(channel, direct), channel == "" || channel == direct, err
}

// keep answers with a message that stays.
func (r *responder) keep(ctx context.Context, to destination, m chat.Message) error {
	ts, more, err := r.s.post(ctx, to, m)
	if err != nil {
		return err
	}
	r.s.background(func(ctx context.Context) { r.s.illustrate(ctx, to.channel, ts, m) })
	return r.s.follow(ctx, to.channel, ts, m, more)
}

// show answers with a message that only the person sees.
func (r *responder) show(ctx context.Context, channel string, m chat.Message) error {
	if m.Image != nil || m.File != nil {
		return r.send(ctx, channel, m)
	}
	return plainer(options{}, func(o options) error {
		l := render(m, o)
		if err := r.showLook(ctx, channel, l, m.Secret); err != nil {
			return err
		}
		for _, blocks := range l.more {
			if err := r.showLook(ctx, channel, look{text: continued, blocks: blocks}, m.Secret); err != nil {
				return err
			}
		}
		return nil
	})
}

// showLook tries each way to show one person something, while the one before
// has surely not shown it. What is no secret is rather shown twice than never.
func (r *responder) showLook(ctx context.Context, channel string, l look, secret bool) error {
	over := func(err error) bool {
		return err == nil || code(err) == "invalid_blocks" || secret && unclear(err)
	}
	if err := r.answer(ctx, l, slack.ResponseTypeEphemeral); over(err) {
		return err
	}
	err := r.whisper(ctx, channel, l, secret)
	if over(err) || secret {
		return err
	}
	direct, err := r.s.direct(ctx, r.user, patience)
	if err != nil {
		return err
	}
	_, err = r.s.postLook(ctx, destination{channel: direct, patience: patience}, l)
	return err
}

// errNoAddress is why an answer cannot go to the event's own address.
var errNoAddress = &problem{doing: "answer", notSent: true, cause: errors.New("there is no address for an answer, or it is used up")}

// answer sends a look to the event's own address. That works wherever a
// command can be typed, even where the bot is no member.
func (r *responder) answer(ctx context.Context, l look, kind string) error {
	if !r.usable() {
		return errNoAddress
	}
	no := false
	m := &slack.WebhookMessage{
		ResponseType: kind, Text: l.text, Blocks: &slack.Blocks{BlockSet: l.blocks}, ThreadTimestamp: r.origin.Thread,
		Parse: "none", UnfurlLinks: &no, UnfurlMedia: &no,
	}
	return r.s.do(ctx, call{method: "response_url", doing: "answer"}, func() error {
		return slack.PostWebhookCustomHTTPContext(ctx, r.origin.Answers, r.s.client, m)
	})
}

// usable reports whether the event's address takes one more answer, and counts
// it. An address that is not Slack's is not connected to.
func (r *responder) usable() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.origin.Answers == "" || r.used >= answers || r.s.cfg.Now().Sub(time.Unix(r.origin.At, 0)) > answerLife {
		return false
	}
	if u, err := url.Parse(r.origin.Answers); err != nil || !r.s.door.mayAnswer(u) {
		r.s.cfg.Log.Warn("slack event wants its answers at an address that is none of Slack's")
		r.used = answers
		return false
	}
	r.used++
	return true
}

// whisper shows a look to the person in the channel.
func (r *responder) whisper(ctx context.Context, channel string, l look, secret bool) error {
	options := destination{thread: r.origin.Thread}.options(l)
	c := call{method: methodEphemeral, doing: "answer privately", patience: patience, repeat: !secret}
	return r.s.do(ctx, c, func() error {
		_, err := r.s.api.PostEphemeralContext(ctx, channel, r.user, options...)
		return err
	})
}

// send puts an answer with a picture or a file into the person's direct
// messages, and says so where they asked: a file that is shared into a channel
// is everybody's.
func (r *responder) send(ctx context.Context, channel string, m chat.Message) error {
	direct, err := r.s.direct(ctx, r.user, patience)
	if err != nil {
		return err
	}
	if err := r.keep(ctx, destination{channel: direct, patience: patience}, m); err != nil {
		return err
	}
	return r.show(ctx, channel, chat.Message{Text: "I have sent that to your direct messages with me, because it comes with a file."})
}

// Say answers where the event happened, for everybody there. In direct messages
// that is the person alone.
func (r *responder) Say(ctx context.Context, m chat.Message) error {
	if m.Secret {
		return errSecret
	}
	if shared(r.origin.Channel) == "" {
		return r.Reply(ctx, m)
	}
	err := r.keep(ctx, destination{channel: r.origin.Channel, thread: r.origin.Thread, patience: patience}, m)
	if away[code(err)] {
		return r.aloud(ctx, m, err)
	}
	return err
}

// away are the refusals of a channel that the bot is not in.
var away = map[string]bool{"not_in_channel": true, "channel_not_found": true}

// aloud says it at the event's own address, which needs no membership. The
// error is the one that led here, because it says what helps.
func (r *responder) aloud(ctx context.Context, m chat.Message, because error) error {
	l := render(m, options{})
	if err := r.answer(ctx, l, slack.ResponseTypeInChannel); err != nil {
		return because
	}
	for _, blocks := range l.more {
		if err := r.answer(ctx, look{text: continued, blocks: blocks}, slack.ResponseTypeInChannel); err != nil {
			return because
		}
	}
	return nil
}
