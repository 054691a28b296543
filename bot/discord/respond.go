package discord

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"twokey/chat"
)

// tokenLife is how long an interaction can be answered. A minute is left for the
// way there.
const tokenLife = 14 * time.Minute

// responder answers one event.
type responder struct {
	d     *Discord
	v     *delivery
	began time.Time

	mu   sync.Mutex
	used bool // the answer that was promised was given
}

var _ chat.Responder = (*responder)(nil)

// Reply answers the person alone. An interaction is answered where it happened,
// with what only they see and what is gone once they reload; a message is
// answered in their direct messages. Where Discord does not take the one, it
// goes into the other.
//
// A secret is never an ordinary message. It is not sent again unless Discord
// surely has not shown it, and goes nowhere else: the error then says that
// nobody has got it.
func (r *responder) Reply(ctx context.Context, m chat.Message) error {
	if m.Secret && (m.Image != nil || m.File != nil || r.v.token == "") {
		return errSecret
	}
	if r.v.token == "" {
		return r.direct(ctx, m)
	}
	err := r.show(ctx, m, ephemeral)
	if err == nil || m.Secret || !ended(err) && !late(err) {
		return err
	}
	return r.direct(ctx, m)
}

// errLate is why an interaction is not answered any more.
var errLate = &problem{doing: "answer", notSent: true, cause: errors.New("the interaction can be answered no more")}

func late(err error) bool { return errors.Is(err, errLate) }

// Is makes errLate known by what it is.
func (p *problem) Is(target error) bool { return target == error(p) }

// show answers at the interaction's own address: the answer that was promised,
// or a further one.
func (r *responder) show(ctx context.Context, m chat.Message, flags int) error {
	d := r.d
	if d.cfg.Now().Sub(r.began) > tokenLife {
		return errLate
	}
	l := render(d.commands().reworded(m))
	l.body.Flags = flags
	if err := d.keep(ctx, l.notes); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	c := call{doing: "answer", body: l.body, files: l.files, patience: patience, repeat: !m.Secret}
	if r.used {
		c.repeat = false // it would be there twice
		c.method, c.path, _ = at(http.MethodPost, "/webhooks/{}/{}", d.cfg.ApplicationID, r.v.token)
	} else {
		l.body.Flags = 0 // it was said when the answer was promised
		c.body = l.body
		c.method, c.path, _ = at(http.MethodPatch, "/webhooks/{}/{}/messages/@original", d.cfg.ApplicationID, r.v.token)
	}
	c.route = route{name: c.method + " /webhooks", about: r.v.id, free: true}
	err := d.do(ctx, c, nil)
	if err == nil || unclear(err) {
		r.used = true
	}
	return err
}

// direct answers in the person's direct messages.
func (r *responder) direct(ctx context.Context, m chat.Message) error {
	if m.Secret {
		return errSecret
	}
	channel, err := r.d.directChannel(ctx, r.v.from, patience)
	if err != nil {
		return err
	}
	_, err = r.d.send(ctx, channel, "", m, patience)
	return err
}

// Say answers where the event happened, for everybody there. In direct messages
// that is the person alone. Where the bot may not post, it is said in answer to
// the interaction, which needs no permission.
func (r *responder) Say(ctx context.Context, m chat.Message) error {
	if m.Secret {
		return errSecret
	}
	if r.v.event.Channel == "" {
		return r.Reply(ctx, m)
	}
	_, err := r.d.send(ctx, r.v.event.Channel, "", m, patience)
	switch code(err) {
	case codeMissingAccess, codeMissingPermission, codeUnknownChannel:
	default:
		return err
	}
	if r.v.token == "" {
		return err
	}
	r.withdraw(ctx)
	if r.show(ctx, m, 0) != nil {
		return err // it says what helps
	}
	return nil
}

// withdraw takes back the promise of an answer: what follows would take its
// place, and be for the person alone.
func (r *responder) withdraw(ctx context.Context) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.used || r.v.token == "" {
		return
	}
	r.used = true
	c := call{doing: "withdraw an answer", patience: patience, repeat: true}
	c.method, c.path, _ = at(http.MethodDelete, "/webhooks/{}/{}/messages/@original", r.d.cfg.ApplicationID, r.v.token)
	c.route = route{name: c.method + " /webhooks", about: r.v.id, free: true}
	if err := r.d.do(ctx, c, nil); err != nil && !ended(err) {
		r.d.cfg.Log.Debug("discord goes on to show that an answer follows", "event", r.v.event.Key, "error", err)
	}
}

// tidy ends the promise of an answer where none was given.
func (r *responder) tidy(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	r.withdraw(ctx)
}
