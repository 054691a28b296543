package slack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"twokey/chat"
)

// Caps returns what Slack can show.
func (s *Slack) Caps() chat.Caps { return caps() }

// errSecret refuses what would be kept, or shown to several.
var errSecret = errors.New("slack: a secret is shown as the private answer to an event alone")

// metadataType names our metadata among that of other apps.
const metadataType = "twokey_message"

// mark is what stands in a message's metadata instead of its key: other apps
// may read it, and a key names requests and people.
func mark(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:16])
}

// Post sends m and returns its ID, "channel/ts". What cannot be sent now fails
// at once, with an error that has RetryAfter where Slack asks for patience.
//
// A key that this process has posted returns that ID. If an earlier try ended
// without an answer, the message is looked for before it is posted again, as
// [Slack.Find] does.
//
// Where a notice stands for a message in notifications, it is posted first and
// the message shown in its place at once. Slack's desktop notifies of what is in
// the blocks (docs.slack.dev/changelog/2026/07/13/notification-changes), and
// names would stand on a locked screen.
//
// The rest of a long table, a picture and a file follow in the message's
// thread, and the picture then in the message itself; until then, and if that
// fails, its words stand there.
func (s *Slack) Post(ctx context.Context, to chat.Address, key string, m chat.Message) (string, error) {
	if m.Secret {
		return "", errSecret
	}
	if id, ok := s.posted.Get(key); ok {
		return s.fill(ctx, key, id, m)
	}
	channel, err := s.channel(ctx, to, 0)
	if err != nil {
		return "", err
	}
	if _, ok := s.doubtful.Get(key); ok {
		id, err := s.find(ctx, channel, key)
		if err != nil {
			return "", err
		}
		if id != "" {
			return s.fill(ctx, key, s.found(key, id), m)
		}
	}
	first := m
	if m.Notice != "" {
		first = announced(m)
		s.bare.Put(key, struct{}{})
	}
	ts, more, err := s.post(ctx, destination{channel: channel, key: key}, first)
	if err != nil {
		if unclear(err) {
			s.doubtful.Put(key, struct{}{})
		}
		return "", err
	}
	id, err := s.fill(ctx, key, s.found(key, channel+"/"+ts), m)
	if err != nil {
		return "", err
	}
	s.background(func(ctx context.Context) {
		if err := s.follow(ctx, channel, ts, m, more); err != nil {
			s.cfg.Log.Warn("slack message is not complete", "message", id, "error", err)
		}
		s.illustrate(ctx, channel, ts, m)
	})
	return id, nil
}

// fill shows the whole of a message that was posted with its notice alone, and
// returns its ID. Nobody is notified of an edit.
func (s *Slack) fill(ctx context.Context, key, id string, m chat.Message) (string, error) {
	if _, bare := s.bare.Get(key); !bare || id == "" {
		return id, nil
	}
	channel, ts, _ := strings.Cut(id, "/")
	p := s.pictureOf(id)
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.edited { // what it shows now is newer
		err := s.update(ctx, channel, ts, m, "", patience)
		if err != nil && !fixed[code(err)] {
			return "", err
		}
	}
	s.bare.Drop(key)
	return id, nil
}

// found notes under which ID a key was posted.
func (s *Slack) found(key, id string) string {
	if id != "" {
		s.posted.Put(key, id)
	}
	return id
}

// Find returns the ID of a message that was posted under a key, perhaps by a
// process that died before it could say so; empty if there is none, or if the
// bot may not read that conversation: it can read its direct messages, and
// channels only with the scopes channels:history and groups:history.
func (s *Slack) Find(ctx context.Context, to chat.Address, key string) (string, error) {
	channel, err := s.channel(ctx, to, 0)
	if err != nil {
		return "", err
	}
	return s.find(ctx, channel, key)
}

// recent is how far back a message is looked for.
const recent = 100

func (s *Slack) find(ctx context.Context, channel, key string) (string, error) {
	var page *slack.GetConversationHistoryResponse
	c := call{method: "conversations.history", doing: "look for an earlier post", repeat: true}
	err := s.do(ctx, c, func() (err error) {
		page, err = s.api.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{
			ChannelID: channel, Limit: recent, IncludeAllMetadata: true,
		})
		return err
	})
	switch {
	case code(err) == "missing_scope", code(err) == "not_in_channel", code(err) == "channel_not_found":
		return "", nil // nobody can tell: a second post is better than none
	case err != nil:
		return "", err
	}
	for _, m := range page.Messages {
		if m.BotID == s.me().bot && m.Metadata.EventType == metadataType && m.Metadata.EventPayload["key"] == mark(key) {
			return channel + "/" + m.Timestamp, nil
		}
	}
	return "", nil
}

// Edit replaces the message that Post returned id for. A message that somebody
// has deleted, or that Slack does not let anybody change any more, stays as it
// is: to post it anew would be to argue with whoever deleted it.
func (s *Slack) Edit(ctx context.Context, to chat.Address, id string, m chat.Message) error {
	channel, ts, ok := strings.Cut(id, "/")
	if !ok {
		return fmt.Errorf("slack: edit message: %q is no message of Slack's", id)
	}
	if m.Secret {
		return errSecret
	}
	if err := s.addressed(to); err != nil {
		return err
	}
	p := s.pictureOf(id)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.edited = true
	err := s.update(ctx, channel, ts, m, p.in(m), 0)
	if fixed[code(err)] {
		s.cfg.Log.Warn("slack message stays as it is", "message", id, "error", err)
		return nil
	}
	return err
}

// fixed are the refusals that no later try will change.
var fixed = map[string]bool{"message_not_found": true, "cant_update_message": true, "edit_window_closed": true}

// update shows m in place of a message.
func (s *Slack) update(ctx context.Context, channel, ts string, m chat.Message, image string, patience time.Duration) error {
	c := call{method: methodUpdate, doing: "edit message", patience: patience, repeat: true}
	return plainer(options{image: image, update: true}, func(o options) error {
		l := render(m, o)
		return s.do(ctx, c, func() error {
			_, _, _, err := s.api.UpdateMessageContext(ctx, channel, ts, l.content()...)
			return err
		})
	})
}

// plainer calls f once more without the blocks that Slack does not take
// everywhere yet, if it refused them.
func plainer(o options, f func(o options) error) error {
	err := f(o)
	if o.image == "" && code(err) == "invalid_blocks" {
		o.simple = true
		return f(o)
	}
	return err
}

// content is a look as an argument of the Web API. The text is parsed for
// links of ours alone, and names in it call nobody.
func (l look) content() []slack.MsgOption {
	return []slack.MsgOption{
		slack.MsgOptionText(l.text, false), slack.MsgOptionBlocks(l.blocks...),
		slack.MsgOptionParse(false), slack.MsgOptionLinkNames(false),
	}
}

// destination is where a message is posted, and how much of a hurry it is in.
type destination struct {
	channel  string
	thread   string // the ts of its parent, in a thread
	key      string // by which it can be found again; empty: not
	patience time.Duration
}

// options are the arguments of a post.
func (to destination) options(l look) []slack.MsgOption {
	all := append(l.content(), slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl())
	if to.thread != "" {
		all = append(all, slack.MsgOptionTS(to.thread))
	}
	if to.key != "" {
		all = append(all, slack.MsgOptionMetadata(slack.SlackMetadata{
			EventType: metadataType, EventPayload: map[string]any{"key": mark(to.key)},
		}))
	}
	return all
}

// post posts m and returns its ts, and what has to follow it.
func (s *Slack) post(ctx context.Context, to destination, m chat.Message) (ts string, more [][]slack.Block, err error) {
	err = plainer(options{}, func(o options) error {
		l := render(m, o)
		more = l.more
		ts, err = s.postLook(ctx, to, l)
		return err
	})
	return ts, more, err
}

func (s *Slack) postLook(ctx context.Context, to destination, l look) (ts string, err error) {
	c := call{method: methodPost, channel: to.channel, doing: "post message", patience: to.patience}
	err = s.do(ctx, c, func() (err error) {
		_, ts, err = s.api.PostMessageContext(ctx, to.channel, to.options(l)...)
		return err
	})
	return ts, err
}

// follow posts what belongs to a message and did not fit into it, in its
// thread.
func (s *Slack) follow(ctx context.Context, channel, ts string, m chat.Message, more [][]slack.Block) error {
	thread := destination{channel: channel, thread: ts, patience: leisure}
	for _, blocks := range more {
		if _, err := s.postLook(ctx, thread, look{text: continued, blocks: blocks}); err != nil {
			return err
		}
	}
	if m.File == nil {
		return nil
	}
	_, err := s.share(ctx, channel, ts, attached(m.File))
	return err
}

// continued is the notification of what follows a message.
const continued = "… and this goes on."

// leisure is how long what nobody waits for may wait for its turn.
const leisure = 5 * time.Minute

// addressed returns an error if an address is not one of this workspace.
func (s *Slack) addressed(to chat.Address) error {
	me := s.me()
	switch {
	case to.Platform != Platform:
		return fmt.Errorf("slack: address is one of %q", to.Platform)
	case to.Workspace != "" && to.Workspace != me.team && me.enterprise == "":
		return fmt.Errorf("slack: address is in workspace %q, and the bot is in %q", to.Workspace, me.team)
	case to.Channel == "" && to.User == "":
		return errors.New("slack: address names neither a channel nor a person")
	}
	return nil
}

// channel returns the conversation behind an address: the channel, or the
// person's direct messages.
func (s *Slack) channel(ctx context.Context, to chat.Address, patience time.Duration) (string, error) {
	if err := s.addressed(to); err != nil {
		return "", err
	}
	if to.User != "" { // in a channel, one person's message could neither be kept nor edited
		return s.direct(ctx, to.User, patience)
	}
	return to.Channel, nil
}

// direct returns the conversation of the bot with a person.
func (s *Slack) direct(ctx context.Context, user string, patience time.Duration) (string, error) {
	if id, ok := s.directs.Get(user); ok {
		return id, nil
	}
	var opened *slack.Channel
	c := call{method: "conversations.open", doing: "open direct messages", patience: patience, repeat: true}
	err := s.do(ctx, c, func() (err error) {
		opened, _, _, err = s.api.OpenConversationContext(ctx, &slack.OpenConversationParameters{Users: []string{user}, ReturnIM: true})
		return err
	})
	if err != nil {
		return "", err
	}
	s.directs.Put(user, opened.ID)
	return opened.ID, nil
}
