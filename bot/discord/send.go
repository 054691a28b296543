package discord

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"twokey/chat"
)

// Caps returns what Discord can show.
func (d *Discord) Caps() chat.Caps { return caps() }

// shortly is how long what others wait behind may wait for its turn.
const shortly = time.Second

// errSecret refuses what would be kept, or shown to several.
var errSecret = errors.New("discord: a secret is shown as the private answer to an event alone")

// Post sends m and returns its ID, "channel/message". What cannot be sent within
// a second fails, with an error that has RetryAfter where Discord asks for
// patience.
//
// A key that this process has posted returns that ID. Discord itself knows the
// key for some minutes, and answers a second post with the first one's message,
// whoever makes it: so a post whose answer was lost, or whose process died, is
// simply made again.
func (d *Discord) Post(ctx context.Context, to chat.Address, key string, m chat.Message) (string, error) {
	if m.Secret {
		return "", errSecret
	}
	if id, ok := d.posted.Get(key); ok {
		return id, nil
	}
	channel, err := d.channel(ctx, to, shortly)
	if err != nil {
		return "", err
	}
	id, err := d.send(ctx, channel, nonce(key), m, shortly)
	if err != nil {
		return "", err
	}
	d.posted.Put(key, id)
	return id, nil
}

// nonce is what Discord knows a post by, 25 characters at most. It does not show
// the key, which names requests and people.
func nonce(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])[:25]
}

// send posts m and returns its ID.
func (d *Discord) send(ctx context.Context, channel, nonce string, m chat.Message, patience time.Duration) (string, error) {
	l := render(d.commands().reworded(m))
	if err := d.keep(ctx, l.notes); err != nil {
		return "", err
	}
	l.body.Nonce, l.body.Enforce = nonce, nonce != ""
	c := call{doing: "post message", body: l.body, files: l.files, patience: patience, repeat: nonce != ""}
	c.method, c.path, c.route = at(http.MethodPost, "/channels/{}/messages", channel)
	var posted struct {
		ID string `json:"id"`
	}
	if err := d.do(ctx, c, &posted); err != nil {
		return "", err
	}
	return channel + "/" + posted.ID, nil
}

// Edit replaces the message that Post returned id for, its picture and file
// included. A message that somebody has deleted stays as it is: to post it anew
// would be to argue with whoever deleted it.
func (d *Discord) Edit(ctx context.Context, to chat.Address, id string, m chat.Message) error {
	channel, number, ok := strings.Cut(id, "/")
	if !ok || !snowflake.MatchString(channel) || !snowflake.MatchString(number) {
		return fmt.Errorf("discord: edit message: %q is no message of Discord's", id)
	}
	if m.Secret {
		return errSecret
	}
	if err := d.addressed(to); err != nil {
		return err
	}
	l := render(d.commands().reworded(m))
	if err := d.keep(ctx, l.notes); err != nil {
		return err
	}
	c := call{doing: "edit message", body: l.body, files: l.files, patience: shortly, repeat: true}
	c.method, c.path, c.route = at(http.MethodPatch, "/channels/{}/messages/{}", channel, number)
	err := d.do(ctx, c, nil)
	if code(err) == codeUnknownMessage {
		d.cfg.Log.Warn("discord message stays as it is", "message", id, "error", err)
		return nil
	}
	var p *problem
	if errors.As(err, &p) && p.code == codeEditLimit && p.wait == 0 {
		p.wait = time.Minute // an old message takes few edits
	}
	return err
}

// addressed returns an error if an address is not one of this server.
func (d *Discord) addressed(to chat.Address) error {
	switch {
	case to.Platform != Platform:
		return fmt.Errorf("discord: address is one of %q", to.Platform)
	case to.Workspace != "" && to.Workspace != d.cfg.Guild:
		return fmt.Errorf("discord: address is on server %q, and the bot works on %q", to.Workspace, d.cfg.Guild)
	case to.User != "" && !snowflake.MatchString(to.User), to.User == "" && !snowflake.MatchString(to.Channel):
		return errors.New("discord: address names neither a channel nor a person")
	}
	return nil
}

// channel returns the channel behind an address, or the person's direct
// messages.
func (d *Discord) channel(ctx context.Context, to chat.Address, patience time.Duration) (string, error) {
	if err := d.addressed(to); err != nil {
		return "", err
	}
	if to.User != "" { // in a channel, one person's message could neither be kept nor edited
		return d.directChannel(ctx, to.User, patience)
	}
	return to.Channel, nil
}

// directChannel returns the channel of a person's messages with the bot.
func (d *Discord) directChannel(ctx context.Context, user string, patience time.Duration) (string, error) {
	if id, ok := d.directs.Get(user); ok {
		return id, nil
	}
	var opened struct {
		ID string `json:"id"`
	}
	c := call{doing: "open direct messages", patience: patience, repeat: true, body: struct {
		Recipient string `json:"recipient_id"`
	}{user}}
	c.method, c.path, c.route = at(http.MethodPost, "/users/@me/channels")
	if err := d.do(ctx, c, &opened); err != nil {
		return "", err
	}
	d.directs.Put(user, opened.ID)
	return opened.ID, nil
}
