// Package mail writes to people from one mailbox of the organisation, by the
// tenant's own mail service. It is a road in one direction: nobody can press
// anything, and a mail that went out can be neither found nor edited. Whatever
// is said later is for the chat.
package mail

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"html"
	"log/slog"
	"strings"
	"time"

	"twokey/chat"
	"twokey/graph"
)

// Platform is the name under which mailboxes are known. An account's user is the
// object ID of whose mailbox it is.
const Platform = "mail"

// Reader says where somebody gets mail.
type Reader interface {
	User(ctx context.Context, id string) (graph.User, error)
}

// Writer hands a mail to the mail service.
type Writer interface {
	SendMail(ctx context.Context, m graph.Mail) (graph.Receipt, error)
}

// Notes remember what went out.
type Notes interface {
	Keep(ctx context.Context, name, text string, life time.Duration) error
	Kept(ctx context.Context, name string) (string, error)
}

// Config says from where to write, and by what.
type Config struct {
	From   string // object ID or UPN of the mailbox
	Reader Reader
	Writer Writer
	Notes  Notes
	Log    *slog.Logger
}

// Mailbox is the mailbox that is written from.
type Mailbox struct{ cfg Config }

var _ chat.Poster = (*Mailbox)(nil)

// New returns a poster. It asks nothing of the tenant.
func New(cfg Config) *Mailbox { return &Mailbox{cfg} }

// Caps implements chat.Poster.
func (b *Mailbox) Caps() chat.Caps { return chat.Caps{} }

// remembered is for how long a mail that went out is not sent again: longer than
// anything is owed.
const remembered = 60 * 24 * time.Hour

// Post implements chat.Poster. What became of a mail whose answer got lost
// nobody knows; it is not sent again, because two are worse than none: whoever
// heard nothing is written to again in some days. What one person alone may see
// is not mailed, and nor is anything to somebody without an address.
func (b *Mailbox) Post(ctx context.Context, to chat.Address, key string, m chat.Message) (string, error) {
	id := Ref(key)
	note := "mail/" + id
	if out, err := b.cfg.Notes.Kept(ctx, note); out != "" || err != nil {
		return id, err
	}
	if to.User == "" || m.Secret {
		return "", errors.New("mail goes to one person, and holds no secrets")
	}
	who, err := b.cfg.Reader.User(ctx, to.User)
	if err != nil {
		return "", fmt.Errorf("look up address: %w", err)
	}
	if who.Mail == "" {
		b.cfg.Log.InfoContext(ctx, "somebody has no mailbox and is not written to", "key", key)
		return id, nil
	}
	if err := b.cfg.Notes.Keep(ctx, note, "out", remembered); err != nil {
		return "", err
	}
	_, err = b.cfg.Writer.SendMail(ctx, graph.Mail{From: b.cfg.From, To: who.Mail, Subject: m.Notification(), HTML: body(m), Ref: id})
	var refused *graph.Error
	switch {
	case err == nil:
		return id, nil
	case errors.As(err, &refused) && refused.NotApplied():
		return "", errors.Join(err, b.cfg.Notes.Keep(ctx, note, "", remembered)) // it may go out another time
	default:
		b.cfg.Log.ErrorContext(ctx, "not known whether a mail went out; it is not sent again", "key", key, "error", err)
		return id, nil
	}
}

// Edit implements chat.Poster: what went out stays as it is.
func (b *Mailbox) Edit(context.Context, chat.Address, string, chat.Message) error { return nil }

// Ref is the mark by which the mail of a key can be found again.
func Ref(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:16])
}

// body is a message as a mail. What a button does is said in the words that do
// the same in the chat.
func body(m chat.Message) string {
	var typed []string
	for _, button := range m.Buttons {
		if button.ID == "run" && button.Value != "" {
			typed = append(typed, button.Label+": /mfa "+button.Value)
		}
	}
	links := m.Links
	m.Buttons, m.Links, m.Headline = nil, nil, cmp.Or(m.Headline, m.Notice)
	footer := m.Footer
	m.Footer = ""
	var b strings.Builder
	part := func(text string) {
		fmt.Fprintf(&b, "<p>%s</p>\n", strings.ReplaceAll(html.EscapeString(text), "\n", "<br>\n"))
	}
	for text := range strings.SplitSeq(m.Plain(), "\n\n") {
		part(text)
	}
	for _, l := range links {
		fmt.Fprintf(&b, "<p><a href=\"%s\">%s</a></p>\n", html.EscapeString(l.URL), html.EscapeString(l.Label))
	}
	if len(typed) > 0 {
		part(strings.Join(typed, "\n"))
	}
	if footer != "" {
		part(footer)
	}
	return b.String()
}
