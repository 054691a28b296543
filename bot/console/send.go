package console

import (
	"context"
	"errors"
	"fmt"

	"twokey/chat"
)

// Caps returns no limit at all: a page can be scrolled.
func (c *Console) Caps() chat.Caps { return chat.Caps{Images: true} }

// errSecret refuses what would be kept, or shown to several.
var errSecret = errors.New("a secret is shown on the console as the private answer to an event alone")

// Post shows m at an address and returns its ID once it is in the journal. A
// key that was posted before, in this run or in an earlier one with the same
// journal, returns the earlier ID and shows nothing.
func (c *Console) Post(ctx context.Context, to chat.Address, key string, m chat.Message) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("post to console: %w", err)
	}
	if m.Secret {
		return "", errSecret
	}
	if err := c.people.reach(to); err != nil {
		return "", fmt.Errorf("post to console: %w", err)
	}
	id, err := c.show(bot, to, key, m, m)
	if err != nil {
		return "", fmt.Errorf("post to console: %w", err)
	}
	return id, nil
}

// Edit replaces a message that Post made. The same content changes nothing and
// tells nobody.
func (c *Console) Edit(ctx context.Context, to chat.Address, id string, m chat.Message) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("edit on console: %w", err)
	}
	if m.Secret {
		return errSecret
	}
	m, err := own(m)
	if err != nil {
		return fmt.Errorf("edit on console: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return fmt.Errorf("edit on console: %w", errClosed)
	}
	old := c.history.find(id)
	if old == nil || old.from != bot || (chat.Address{Platform: Platform, Channel: old.channel, User: old.user}) != to {
		return fmt.Errorf("edit on console: no message %q of ours at that address", id)
	}
	if same(old.body, m) {
		return nil
	}
	e := entry{Op: opEdit, ID: id, At: c.cfg.Now().UTC(), Message: m}
	if err := c.commit(e, e); err != nil {
		return fmt.Errorf("edit on console: %w", err)
	}
	return nil
}

// notKept is what the journal gets in place of an answer that may hold a secret.
const notKept = "An answer stood here. What a press is answered with in private is shown once and not kept, because it may hold a pass."

// show adds a message and returns its ID. The journal gets kept instead of m.
func (c *Console) show(from string, to chat.Address, key string, m, kept chat.Message) (string, error) {
	m, err := own(m)
	if err != nil {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return "", errClosed
	}
	if id, seen := c.history.byKey[key]; seen {
		return id, nil
	}
	e := entry{
		Op: opPost, ID: c.history.next(), At: c.cfg.Now().UTC(), From: from,
		Channel: to.Channel, User: to.User, Key: key, Message: m,
	}
	stored := e
	stored.Message = kept
	return e.ID, c.commit(e, stored)
}

// responder answers one event.
type responder struct {
	console *Console
	event   chat.Event
}

var _ chat.Responder = responder{}

// Reply answers the person alone, where the event happened.
func (r responder) Reply(ctx context.Context, m chat.Message) error {
	return r.answer(ctx, chat.Address{Platform: Platform, Channel: r.event.Channel, User: r.event.From.User}, m)
}

// Say answers everybody who is where the event happened.
func (r responder) Say(ctx context.Context, m chat.Message) error {
	if r.event.Channel == "" {
		return r.Reply(ctx, m)
	}
	return r.answer(ctx, chat.Address{Platform: Platform, Channel: r.event.Channel}, m)
}

// answer shows m. A secret, and the private answer to a press, which may hold
// one, must be stored nowhere: it is not kept. Nobody but one person is shown a
// secret.
func (r responder) answer(ctx context.Context, to chat.Address, m chat.Message) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("answer on console: %w", err)
	}
	if m.Secret && !to.Private() {
		return errSecret
	}
	kept := m
	if m.Secret || r.event.Kind == chat.Press && to.Private() {
		kept = chat.Message{Text: notKept}
	}
	if _, err := r.console.show(bot, to, "", m, kept); err != nil {
		return fmt.Errorf("answer on console: %w", err)
	}
	return nil
}
