package commands

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"

	"twokey/chat"
	"twokey/chat/phrases"
)

// sayer is an error with a sentence that a person may see.
type sayer interface{ Say() string }

// hinter is an error that knows what to do next.
type hinter interface{ Hint() string }

// doubt is an error after which it is not known what became of a request.
type doubt struct {
	ref string
	err error
}

func (d *doubt) Error() string { return "not known how " + d.ref + " ends: " + d.err.Error() }
func (d *doubt) Unwrap() error { return d.err }
func (d *doubt) Say() string   { return "It is not known yet how " + d.ref + " ends." }
func (d *doubt) Hint() string {
	return "“/mfa requests” tells in a minute. Do not ask for another before you have looked."
}

// sorry words an error for the person who caused it. An error without a
// sentence of its own is ours: it is logged under a number that the person can
// quote, and nothing of it is shown. A sentence that is marked for it is said in
// the person's language.
func sorry(ctx context.Context, log *slog.Logger, v phrases.Voice, err error) chat.Message {
	var s sayer
	if !errors.As(err, &s) {
		number := rand.Text()[:8]
		log.ErrorContext(ctx, "handle event", "error", err, "number", number)
		return chat.Message{
			Headline: v.Say("That did not work, and nothing was recorded or changed."),
			Text:     v.Say("Please try again in a minute. If it happens again, tell your administrator the number %s.", number),
		}
	}
	if cause := (*doubt)(nil); errors.As(err, &cause) {
		log.ErrorContext(ctx, "handle event", "error", err)
	}
	m := chat.Message{Headline: v.Say(s.Say())}
	var h hinter
	if errors.As(err, &h) {
		m.Text = v.Say(h.Hint())
	}
	return m
}
