package slacktest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// What Press takes instead of a message.
const (
	HomeTab   = "home"  // the person's App Home
	OpenModal = "modal" // the modal that they have open
)

// Command types the bot's slash command with what follows it; channel "" is the
// person's direct messages with the bot. The text is as typed: Slack makes
// entities of < > & and mentions of the names behind "@".
func (w *Workspace) Command(user, channel, text string) *Delivery {
	w.mu.Lock()
	defer w.mu.Unlock()
	u, at := w.user(user), w.place(user, channel)
	if u == nil || at == nil {
		return w.refused("test: %s is not in %q and cannot type there", user, channel)
	}
	response := w.respondTo(at, user, nil)
	payload := map[string]any{
		"token": "deprecated", "team_id": u.Team, "team_domain": "twokey", "channel_id": at.ID, "channel_name": at.nameFor(),
		"user_id": user, "user_name": u.Name, "command": w.options.Command, "text": w.typed(text, true),
		"api_app_id": w.options.AppID, "is_enterprise_install": "false", "response_url": response, "trigger_id": w.newTrigger(user, nil),
	}
	if w.options.Enterprise != "" {
		payload["enterprise_id"], payload["enterprise_name"] = w.options.Enterprise, "Twokey"
	}
	return w.deliver(&Delivery{kind: kindCommand, payload: payload, onAck: func(answer json.RawMessage) {
		w.ackMessage(answer, response)
	}})
}

// place returns where a person types; nil if they cannot. It needs w.mu.
func (w *Workspace) place(user, channel string) *Channel {
	if channel == "" && w.user(user) != nil {
		return w.direct(user)
	}
	if c := w.channel(channel); c != nil && c.has(user) {
		return c
	}
	return nil
}

var (
	atName   = regexp.MustCompile(`@([a-z0-9._-]*[a-z0-9_-])`)
	escaping = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
)

// typed is what Slack makes of what a person typed. It needs w.mu.
func (w *Workspace) typed(text string, named bool) string {
	return atName.ReplaceAllStringFunc(escaping.Replace(text), func(s string) string {
		for _, u := range w.users {
			if u.Name != s[1:] {
				continue
			}
			if named {
				return "<@" + u.ID + "|" + u.Name + ">"
			}
			return "<@" + u.ID + ">"
		}
		return s
	})
}

// event is an Events API delivery. What a person of another organisation does
// in a channel that both share comes under that one's team ID; whose
// installation it is for, the authorizations say. It needs w.mu.
func (w *Workspace) event(inner map[string]any) *Delivery {
	now, team, foreign := w.now().Unix(), w.options.Team, false
	if id, _ := inner["user"].(string); w.user(id) != nil && w.user(id).Stranger {
		team, foreign = w.user(id).Team, true
		inner["user_team"], inner["source_team"] = team, team
	}
	payload := map[string]any{
		"token": "deprecated", "team_id": team, "context_team_id": w.options.Team, "api_app_id": w.options.AppID,
		"event": inner, "type": "event_callback", "event_id": w.newID("Ev"), "event_time": now, "is_ext_shared_channel": foreign,
		"event_context": "4-" + w.uuid(),
		"authorizations": []any{map[string]any{
			"enterprise_id": orNil(w.options.Enterprise), "team_id": w.options.Team, "user_id": w.options.BotUser, "is_bot": true, "is_enterprise_install": false,
		}},
	}
	if w.options.Enterprise != "" {
		payload["enterprise_id"] = w.options.Enterprise
	}
	return w.deliver(&Delivery{kind: kindEvent, payload: payload})
}

// Event delivers an event of any type, as the inner event of an event_callback.
func (w *Workspace) Event(inner map[string]any) *Delivery {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.event(inner)
}

// Envelope delivers a payload under any type that Socket Mode may have one day.
func (w *Workspace) Envelope(kind string, payload map[string]any) *Delivery {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.deliver(&Delivery{kind: kind, payload: payload})
}

// Say writes a message into a channel, or with channel "" into the direct
// messages with the bot. It reaches the bot from there, and from a channel that
// the bot is in if it names the bot ("@twokey"); a message that does not reach
// it is a Delivery that was delivered no times.
func (w *Workspace) Say(user, channel, text string) *Delivery {
	return w.say(user, channel, "", text)
}

// SayIn writes into the thread of a message, by its ID.
func (w *Workspace) SayIn(user, message, text string) *Delivery {
	channel, ts, _ := strings.Cut(message, "/")
	return w.say(user, channel, ts, text)
}

func (w *Workspace) say(user, channel, thread, text string) *Delivery {
	w.mu.Lock()
	defer w.mu.Unlock()
	at, u := w.place(user, channel), w.user(user)
	if at == nil || u == nil {
		return w.refused("test: %s is not in %q and cannot write there", user, channel)
	}
	m := &message{channel: at, from: user, at: w.now(), text: w.typed(text, false), ts: w.nextTS(), thread: thread}
	w.keep(m)
	e := map[string]any{
		"type": "app_mention", "client_msg_id": w.uuid(), "text": m.text, "user": user, "ts": m.ts, "team": u.Team, "channel": at.ID, "event_ts": m.ts,
		"blocks": []any{map[string]any{"type": "rich_text", "block_id": w.uuid()[:5], "elements": []any{map[string]any{
			"type": "rich_text_section", "elements": []any{map[string]any{"type": "text", "text": text}},
		}}}},
	}
	if thread != "" {
		e["thread_ts"] = thread
	}
	if at.im != "" && w.scope("im:history") {
		e["type"], e["channel_type"] = "message", "im"
		return w.event(e)
	}
	if at.im == "" && at.has(w.options.BotUser) && strings.Contains(m.text, "<@"+w.options.BotUser+">") && w.scope("app_mentions:read") {
		return w.event(e)
	}
	d := &Delivery{w: w, done: make(chan struct{})}
	close(d.done)
	return d
}

// scope needs w.mu.
func (w *Workspace) scope(name string) bool { return w.scoped([]string{name}, &call{}) == nil }

// OpenHome opens the person's App Home.
func (w *Workspace) OpenHome(user string) *Delivery {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.user(user) == nil {
		return w.refused("test: there is no user %s", user)
	}
	e := map[string]any{"type": "app_home_opened", "user": user, "channel": w.direct(user).ID, "tab": "home", "event_ts": w.nextTS()}
	if v := w.homes[user]; v != nil {
		e["view"] = w.output(v)
	}
	return w.event(e)
}

// Press presses a button, named by its label or action ID, of a message that
// the person sees, of [HomeTab] or of [OpenModal].
func (w *Workspace) Press(user, message, button string) *Delivery {
	w.mu.Lock()
	defer w.mu.Unlock()
	u := w.user(user)
	if u == nil {
		return w.refused("test: there is no user %s", user)
	}
	switch message {
	case HomeTab:
		return w.pressView(u, w.homes[user], button)
	case OpenModal:
		return w.pressView(u, w.top(user), button)
	}
	channel, ts, _ := strings.Cut(message, "/")
	m := w.find(channel, ts)
	if m == nil || m.deleted || !m.channel.has(user) && !u.Stranger || m.to != "" && m.to != user {
		return w.refused("test: %s does not see the message %s", user, message)
	}
	b, ok := find(buttons(m.blocks), button)
	if !ok {
		return w.refused("test: the message %s has no button %q", message, button)
	}
	payload := w.interaction(u, "block_actions")
	payload["container"] = map[string]any{"type": "message", "message_ts": ts, "channel_id": channel, "is_ephemeral": m.to != ""}
	payload["channel"] = map[string]any{"id": channel, "name": m.channel.nameFor()}
	payload["trigger_id"] = w.newTrigger(user, nil)
	payload["response_url"] = w.respondTo(m.channel, user, m)
	payload["actions"] = []any{w.action(b)}
	payload["state"] = map[string]any{"values": map[string]any{}}
	if m.to == "" {
		payload["message"] = w.wire(m)
	}
	return w.deliver(&Delivery{kind: kindInteractive, payload: payload})
}

// interaction is what all interactions have in common. It needs w.mu.
func (w *Workspace) interaction(u *User, kind string) map[string]any {
	p := map[string]any{
		"type": kind, "token": "deprecated", "api_app_id": w.options.AppID, "is_enterprise_install": false,
		"team": map[string]any{"id": w.options.Team, "domain": "twokey"},
		"user": map[string]any{"id": u.ID, "username": u.Name, "name": u.Name, "team_id": u.Team},
	}
	if w.options.Enterprise != "" {
		p["enterprise"] = map[string]any{"id": w.options.Enterprise, "name": "Twokey"}
	}
	return p
}

// action is a pressed button. It needs w.mu.
func (w *Workspace) action(b Button) map[string]any {
	a := map[string]any{
		"type": "button", "action_id": b.Action, "block_id": b.Block, "action_ts": w.nextTS(),
		"text": map[string]any{"type": "plain_text", "text": b.Label, "emoji": true},
	}
	for name, v := range map[string]string{"value": b.Value, "url": b.Link, "style": b.Style} {
		if v != "" {
			a[name] = v
		}
	}
	return a
}

// pressView needs w.mu.
func (w *Workspace) pressView(u *User, v *View, button string) *Delivery {
	if v == nil {
		return w.refused("test: %s has no such view open", u.ID)
	}
	b, ok := find(buttons(v.blocks), button)
	if !ok {
		return w.refused("test: the view has no button %q", button)
	}
	payload := w.interaction(u, "block_actions")
	payload["container"] = map[string]any{"type": "view", "view_id": v.ID}
	payload["view"] = w.output(v)
	payload["trigger_id"] = w.newTrigger(u.ID, v)
	payload["actions"] = []any{w.action(b)}
	return w.deliver(&Delivery{kind: kindInteractive, payload: payload})
}

// Submit fills in the open modal, by block ID, and sends it. A field that is
// needed and empty, or too long, is refused by Slack's client: nothing is sent,
// and Failed says so.
func (w *Workspace) Submit(user string, fields map[string]string) *Delivery {
	w.mu.Lock()
	defer w.mu.Unlock()
	v, u := w.top(user), w.user(user)
	if v == nil || u == nil || v.SubmitLabel == "" {
		return w.refused("test: %s has no modal open that can be submitted", user)
	}
	for block := range fields {
		if _, ok := v.state[block]; !ok {
			return w.refused("test: the modal has no input %q", block)
		}
	}
	if why := v.fill(fields); why != "" {
		d := &Delivery{w: w, done: make(chan struct{}), failure: why}
		close(d.done)
		return d
	}
	v.Errors = nil
	payload := w.interaction(u, "view_submission")
	payload["trigger_id"] = w.newTrigger(user, v)
	payload["view"] = w.output(v)
	payload["response_urls"] = []any{}
	return w.deliver(&Delivery{kind: kindInteractive, payload: payload, onAck: func(answer json.RawMessage) { w.submitted(v, answer) }})
}

// fill types into the fields of a view, and says what the client would object to.
func (v *View) fill(fields map[string]string) string {
	for _, in := range v.Inputs {
		text, given := fields[in.Block]
		if given {
			v.state[in.Block] = object{in.Action: value(in, text)}
		} else {
			text = held(v.state[in.Block].(object)[in.Action].(object))
		}
		switch {
		case text == "" && !in.Optional:
			return fmt.Sprintf("%s: please complete this required field", in.Block)
		case in.tooLong(text):
			return fmt.Sprintf("%s: too long", in.Block)
		}
	}
	return ""
}

// held is what a field holds already, if anything.
func held(v object) string {
	for name, x := range v {
		if s, ok := x.(string); ok && name != "type" {
			return s
		}
		if o, ok := x.(object); ok {
			return text0(o, "value")
		}
	}
	return ""
}

// submitted does what the acknowledgement of a submission asks for. It needs
// w.mu.
func (w *Workspace) submitted(v *View, answer json.RawMessage) {
	var a struct {
		Action string            `json:"response_action"`
		Errors map[string]string `json:"errors"`
		View   json.RawMessage   `json:"view"`
	}
	if len(strings.TrimSpace(string(answer))) > 0 {
		if err := json.Unmarshal(answer, &a); err != nil {
			w.violate("view_submission: answered with %.100q", answer)
			return
		}
	}
	switch a.Action {
	case "":
		w.pop(v)
	case "clear":
		delete(w.modals, v.user)
	case "errors":
		for block := range a.Errors {
			if _, ok := v.state[block]; !ok {
				w.violate("view_submission: an error for %q, which is no input", block)
			}
		}
		v.Errors = a.Errors
	case "update", "push":
		w.submittedView(v, a.Action, string(a.View))
	default:
		w.violate("view_submission: unknown response_action %q", a.Action)
	}
}

// submittedView needs w.mu.
func (w *Workspace) submittedView(v *View, action, text string) {
	next, no := w.parseView(text, onModal)
	if no == nil && action == "push" {
		no = w.push(v.user, next)
	}
	if no != nil {
		w.violate("view_submission: %s", no)
		return
	}
	if action == "update" {
		w.replace(v, next)
	}
}

// pop closes a view and everything on top of it. It needs w.mu.
func (w *Workspace) pop(v *View) {
	stack := w.modals[v.user]
	for i, o := range stack {
		if o == v {
			w.modals[v.user] = stack[:i]
			break
		}
	}
}

// CloseModal closes the modal on top, or with all set every one below it too.
// The bot is told if the view asked for that.
func (w *Workspace) CloseModal(user string, all bool) *Delivery {
	w.mu.Lock()
	defer w.mu.Unlock()
	v, u := w.top(user), w.user(user)
	if v == nil || u == nil {
		return w.refused("test: %s has no modal open", user)
	}
	w.pop(v)
	if all {
		delete(w.modals, user)
	}
	w.change()
	if !v.notify {
		d := &Delivery{w: w, done: make(chan struct{})}
		close(d.done)
		return d
	}
	payload := w.interaction(u, "view_closed")
	payload["view"], payload["is_cleared"] = w.output(v), all
	return w.deliver(&Delivery{kind: kindInteractive, payload: payload})
}
