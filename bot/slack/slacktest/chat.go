package slacktest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// postMessage is chat.postMessage.
func (w *Workspace) postMessage(c *call) (reply, *refusal) {
	to, no := w.target(c.get("channel"), true)
	if no != nil {
		return nil, no
	}
	if wait := w.limited("post "+to.ID, w.options.Burst, time.Second); wait > 0 {
		return nil, slowDown(wait)
	}
	m, no := w.compose(c, to)
	if no != nil {
		return nil, no
	}
	w.keep(m)
	return reply{"channel": to.ID, "ts": m.ts, "message": w.wire(m)}, nil
}

// target returns the conversation that the bot may write into. A person's ID
// stands for their direct messages only where a message is posted. It needs
// w.mu.
func (w *Workspace) target(id string, orUser bool) (*Channel, *refusal) {
	to := w.channel(id)
	if u := w.user(id); to == nil && orUser && u != nil && u.ID != w.options.BotUser {
		to = w.direct(id)
	}
	switch {
	case to == nil:
		return nil, refuse("channel_not_found")
	case to.im != "" && w.user(to.im) != nil && w.user(to.im).Deleted:
		return nil, refuse("user_disabled")
	case to.Private && !to.has(w.options.BotUser):
		return nil, refuse("channel_not_found")
	case to.Archived:
		return nil, refuse("is_archived")
	case to.ReadOnly:
		return nil, refuse("restricted_action_read_only_channel")
	case !to.has(w.options.BotUser) && !slices.Contains(w.options.Scopes, "chat:write.public"):
		return nil, refuse("not_in_channel")
	}
	return to, nil
}

// compose makes the message of a call. It needs w.mu.
func (w *Workspace) compose(c *call, to *Channel) (*message, *refusal) {
	m := &message{channel: to, from: w.options.BotUser, at: w.now(), linkNames: c.is("link_names") || c.get("parse") == "full"}
	if no := w.content(c, m); no != nil {
		return nil, no
	}
	if m.text == "" && len(m.blocks) == 0 {
		return nil, refuse("no_text")
	}
	if m.text == "" {
		w.violate("%s: blocks without a text for notifications and screen readers", c.method)
	}
	if thread := c.get("thread_ts"); thread != "" {
		if parent := w.find(to.ID, thread); parent != nil && !parent.deleted && parent.to == "" {
			m.thread = or(parent.thread, parent.ts)
		}
	}
	if meta := c.get("metadata"); meta != "" {
		if !json.Valid([]byte(meta)) {
			return nil, refuse("invalid_metadata_format")
		}
		m.metadata = json.RawMessage(meta)
	}
	m.ts = w.nextTS()
	return m, nil
}

// content takes text and blocks from a call, as far as it has them. It needs w.mu.
func (w *Workspace) content(c *call, m *message) *refusal {
	if text, ok := c.args["text"]; ok {
		m.text = text
		if n := utf8.RuneCountInString(text); n > maxText {
			w.violate("%s: a text of %d characters, cut at %d", c.method, n, maxText)
			m.text = string([]rune(text)[:maxText])
		}
	}
	blocks, ok := c.args["blocks"]
	if !ok || blocks == "" {
		return nil
	}
	list, ok := parseBlocks(blocks)
	if !ok {
		return refuse("invalid_blocks_format")
	}
	if wrong := w.check(onMessage, m.channel, list); len(wrong) > 0 {
		return invalid("invalid_blocks", wrong)
	}
	if n := size(list); n > maxBlocksSize {
		return invalid("msg_blocks_too_long", []string{fmt.Sprintf("%d characters in all blocks [json-pointer:/blocks]", n)})
	}
	m.blocks = list
	return nil
}

// keep needs w.mu.
func (w *Workspace) keep(m *message) {
	w.messages = append(w.messages, m)
	w.byID[m.channel.ID+"/"+m.ts] = m
	w.change()
}

// icons are the bot's pictures.
var icons = reply{"image_36": "https://twokey.example/36.png", "image_48": "https://twokey.example/48.png", "image_72": "https://twokey.example/72.png"}

// wire is a message as the API shows it. It needs w.mu.
func (w *Workspace) wire(m *message) reply {
	r := reply{"type": "message", "user": m.from, "ts": m.ts, "text": m.text, "team": w.options.Team}
	if m.from == w.options.BotUser {
		r["bot_id"], r["app_id"] = w.botID(), w.options.AppID
		r["bot_profile"] = reply{
			"id": w.botID(), "app_id": w.options.AppID, "name": "twokey", "team_id": w.options.Team,
			"icons": icons, "updated": 0, "deleted": false,
		}
	}
	if len(m.blocks) > 0 {
		r["blocks"] = m.blocks
	}
	if m.thread != "" {
		r["thread_ts"] = m.thread
	}
	if m.edited {
		r["edited"] = reply{"user": m.from, "ts": m.ts}
	}
	if m.metadata != nil {
		r["metadata"] = m.metadata
	}
	if len(m.files) > 0 {
		files := make([]reply, len(m.files))
		for i, f := range m.files {
			files[i] = w.fileObject(f)
		}
		r["files"], r["upload"] = files, true
	}
	return r
}

// postEphemeral is chat.postEphemeral.
func (w *Workspace) postEphemeral(c *call) (reply, *refusal) {
	to, no := w.target(c.get("channel"), false)
	if no != nil {
		return nil, no
	}
	switch u := w.user(c.get("user")); {
	case u == nil:
		return nil, refuse("user_not_found")
	case !to.has(u.ID):
		return nil, refuse("user_not_in_channel")
	}
	m, no := w.compose(c, to)
	if no != nil {
		return nil, no
	}
	m.to = c.get("user")
	w.keep(m)
	return reply{"message_ts": m.ts}, nil
}

// own returns a message of the bot's that is stored. It needs w.mu.
func (w *Workspace) own(c *call, notOwn string) (*message, *refusal) {
	to := w.channel(c.get("channel")) // a person's ID is none
	if to == nil || to.Private && !to.has(w.options.BotUser) {
		return nil, refuse("channel_not_found")
	}
	m := w.find(to.ID, c.get("ts"))
	switch {
	case m == nil || m.deleted || m.to != "":
		return nil, refuse("message_not_found")
	case m.from != w.options.BotUser:
		return nil, refuse(notOwn)
	case to.Archived:
		return nil, refuse("is_inactive")
	}
	return m, nil
}

// updateMessage is chat.update.
func (w *Workspace) updateMessage(c *call) (reply, *refusal) {
	m, no := w.own(c, "cant_update_message")
	if no != nil {
		return nil, no
	}
	if utf8.RuneCountInString(c.get("text")) > maxUpdate {
		return nil, refuse("msg_too_long")
	}
	changed := *m
	if no := w.content(c, &changed); no != nil {
		return nil, no
	}
	if c.args["blocks"] == "[]" {
		changed.blocks = nil
	}
	if changed.text == "" && len(changed.blocks) == 0 {
		return nil, refuse("no_text")
	}
	changed.edited = true
	*m = changed
	w.change()
	return reply{"channel": m.channel.ID, "ts": m.ts, "text": m.text, "message": w.wire(m)}, nil
}

// deleteMessage is chat.delete.
func (w *Workspace) deleteMessage(c *call) (reply, *refusal) {
	m, no := w.own(c, "cant_delete_message")
	if no != nil {
		return nil, no
	}
	m.deleted = true
	w.change()
	return reply{"channel": m.channel.ID, "ts": m.ts}, nil
}

// getPermalink is chat.getPermalink.
func (w *Workspace) getPermalink(c *call) (reply, *refusal) {
	to := w.channel(c.get("channel"))
	if to == nil || to.Private && !to.has(w.options.BotUser) {
		return nil, refuse("channel_not_found")
	}
	m := w.find(to.ID, c.get("message_ts"))
	if m == nil || m.deleted || m.to != "" {
		return nil, refuse("message_not_found")
	}
	link := fmt.Sprintf("https://twokey.example/archives/%s/p%s", to.ID, strings.ReplaceAll(m.ts, ".", ""))
	return reply{"channel": to.ID, "permalink": link}, nil
}
