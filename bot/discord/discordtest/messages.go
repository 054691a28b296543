package discordtest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// message is one message as the platform keeps it.
type message struct {
	id      string
	channel *Channel
	from    string
	to      string // an ephemeral message: who alone sees it
	body    object // content, embeds, components, flags
	files   []file
	nonce   string
	at      time.Time
	edited  bool
	waiting bool // "thinking…"
	deleted bool
	token   string   // of the interaction that it answers
	read    *reading // what people see of it, once somebody has looked
}

// nonceLife is for how long a nonce is known.
const nonceLife = 5 * time.Minute

func (c *call) postMessage() (any, *refusal) {
	p := c.p
	to := p.channel(c.path("channel_id"))
	switch {
	case to == nil:
		return nil, unknownChannel
	case to.BotAway:
		return nil, missingAccess
	case to.dm != "" && p.user(to.dm).BlocksDM:
		return nil, refuse(403, 50007, "Cannot send messages to this user")
	}
	if no := p.checkMessage(c); no != nil {
		return nil, no
	}
	nonce := fmt.Sprint(c.body["nonce"])
	if c.body["nonce"] == nil {
		nonce = ""
	}
	if c.body["enforce_nonce"] == true {
		if nonce == "" {
			return nil, invalidForm("nonce: required to enforce it")
		}
		for _, m := range p.messages {
			if m.channel == to && m.nonce == nonce && p.now().Sub(m.at) < nonceLife {
				return p.wire(m), nil
			}
		}
	}
	m := &message{id: p.snowflake(), channel: to, from: p.options.AppID, body: c.body, files: c.attached(), nonce: nonce, at: p.now()}
	p.keep(m)
	return p.wire(m), nil
}

// keep needs p.mu.
func (p *Platform) keep(m *message) {
	p.messages = append(p.messages, m)
	p.change()
}

func (c *call) editMessage() (any, *refusal) {
	m := c.p.find(c.path("channel_id"), c.path("message_id"))
	switch {
	case c.p.channel(c.path("channel_id")) == nil:
		return nil, unknownChannel
	case m == nil || m.deleted || m.to != "":
		return nil, unknownMessage
	case m.from != c.p.options.AppID:
		return nil, refuse(403, 50005, "Cannot edit a message authored by another user")
	}
	return c.replace(m)
}

// replace changes a message as an edit asks for.
func (c *call) replace(m *message) (any, *refusal) {
	if no := c.p.checkMessage(c); no != nil {
		return nil, no
	}
	for name, v := range c.body {
		m.body[name] = v
	}
	if _, given := c.body["attachments"]; given || len(c.files) > 0 {
		kept := slices.DeleteFunc(slices.Clone(m.files), func(f file) bool { return !c.names(f.id) })
		m.files = append(kept, c.attached()...)
	}
	m.edited = !m.waiting
	m.waiting = false
	m.read = nil
	c.p.change()
	return c.p.wire(m), nil
}

// names reports whether the body keeps an attachment.
func (c *call) names(id string) bool {
	list, _ := c.body["attachments"].([]any)
	return slices.ContainsFunc(list, func(a any) bool { return fmt.Sprint(a.(object)["id"]) == id })
}

// attached are the files of a call, as the body describes them.
func (c *call) attached() []file {
	var files []file
	list, _ := c.body["attachments"].([]any)
	for _, f := range c.files {
		for _, a := range list {
			o := a.(object)
			if fmt.Sprint(o["id"]) == f.id {
				f.alt, f.title = text(o, "description"), text(o, "title")
				f.name = or(text(o, "filename"), f.name)
			}
		}
		f.id = c.p.snowflake()
		files = append(files, f)
	}
	return files
}

// find needs p.mu.
func (p *Platform) find(channel, id string) *message {
	for _, m := range p.messages {
		if m.id == id && m.channel.ID == channel {
			return m
		}
	}
	return nil
}

func (c *call) listMessages() (any, *refusal) {
	to := c.p.channel(c.path("channel_id"))
	if to == nil {
		return nil, unknownChannel
	}
	if to.BotAway {
		return nil, missingAccess
	}
	most, err := strconv.Atoi(or(c.query("limit"), "50"))
	if err != nil || most < 1 || most > 100 {
		return nil, invalidForm("limit")
	}
	list := []any{}
	for _, m := range slices.Backward(c.p.messages) {
		if m.channel == to && !m.deleted && m.to == "" && len(list) < most {
			list = append(list, c.p.wire(m))
		}
	}
	return list, nil
}

func (c *call) openDirect() (any, *refusal) {
	id := text(c.body, "recipient_id")
	u := c.p.user(id)
	switch {
	case u == nil:
		return nil, unknownUser
	case u.Bot:
		return nil, refuse(400, 50007, "Cannot send messages to this user")
	case u.Away:
		return nil, refuse(403, 50278, "Cannot send messages to this user due to having no mutual guilds")
	}
	return c.p.directWire(id), nil
}

// directWire needs p.mu.
func (p *Platform) directWire(user string) object {
	o := p.direct(user).wire("")
	o["recipients"], o["last_message_id"], o["flags"] = []any{p.user(user).wire()}, nil, 0
	return o
}

// text returns a text in an object, or "".
func text(o object, name string) string {
	s, _ := o[name].(string)
	return s
}

// wire is a message as Discord sends it. It needs p.mu.
func (p *Platform) wire(m *message) object {
	files := []any{}
	for _, f := range m.files {
		files = append(files, object{"id": f.id, "filename": f.name, "size": len(f.data), "url": "https://cdn.discordapp.com/attachments/x/" + f.name, "proxy_url": "https://media.discordapp.net/attachments/x/" + f.name})
	}
	list := func(name string) any {
		if l, ok := m.body[name].([]any); ok {
			return l
		}
		return []any{}
	}
	var edited any
	if m.edited {
		edited = stamp(p.now())
	}
	flags := 0
	if m.to != "" {
		flags = ephemeral
	}
	return object{
		"id": m.id, "channel_id": m.channel.ID, "author": p.user(m.from).wire(), "content": text(m.body, "content"), "timestamp": stamp(m.at), "edited_timestamp": edited,
		"tts": false, "mention_everyone": false, "mentions": []any{}, "mention_roles": []any{}, "attachments": files, "embeds": list("embeds"), "components": list("components"),
		"pinned": false, "type": 0, "flags": flags,
	}
}

// ephemeral is the flag of a message for one person, suppress that of one
// without previews of links.
const (
	ephemeral = 1 << 6
	suppress  = 1 << 2
)

// checkMessage returns what Discord refuses in a message beside what its
// description says. It needs p.mu.
func (p *Platform) checkMessage(c *call) *refusal {
	if utf8.RuneCountInString(text(c.body, "content")) > 2000 {
		return invalidForm("content: Must be 2000 or fewer in length.")
	}
	embeds, _ := c.body["embeds"].([]any)
	total := 0
	for i, e := range embeds {
		n, no := c.embed(e.(object), i)
		if no != nil {
			return no
		}
		total += n
	}
	if total > 6000 {
		return invalidForm(fmt.Sprintf("embeds: size exceeds maximum size of 6000: %d", total))
	}
	if no := checkComponents(c.body["components"]); no != nil {
		return no
	}
	for _, f := range c.files {
		if len(f.data) > 10<<20 {
			return refuse(413, 40005, "Request entity too large")
		}
	}
	patch := strings.HasPrefix(c.route, "PATCH")
	if !patch && strings.TrimSpace(text(c.body, "content")) == "" && len(embeds) == 0 && len(c.files) == 0 {
		return emptyMessage
	}
	return p.checkMentions(c)
}

// checkMentions: what is posted must say whom it calls, because Discord's own
// choice is everybody who is named. It needs p.mu.
func (p *Platform) checkMentions(c *call) *refusal {
	m, ok := c.body["allowed_mentions"].(object)
	if parse, listed := m["parse"].([]any); !ok || !listed || len(parse) > 0 {
		p.complain("mentions", "%s: allowed_mentions is %v, so that names in the text may call people", c.route, c.body["allowed_mentions"])
	}
	return nil
}

var attachmentName = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)

// embed returns how many characters of an embed count, or what is wrong with it.
func (c *call) embed(e object, at int) (n int, no *refusal) {
	wrong := func(what string) (int, *refusal) { return 0, invalidForm(fmt.Sprintf("embeds[%d].%s", at, what)) }
	count := func(s string) { n += utf8.RuneCountInString(s) }
	count(text(e, "title"))
	count(text(e, "description"))
	fields, _ := e["fields"].([]any)
	if len(fields) > 25 {
		return wrong("fields: Must be 25 or fewer in length.")
	}
	for _, f := range fields {
		o := f.(object)
		if strings.TrimSpace(text(o, "name")) == "" || strings.TrimSpace(text(o, "value")) == "" {
			return wrong("fields: This field is required")
		}
		count(text(o, "name"))
		count(text(o, "value"))
	}
	if footer, ok := e["footer"].(object); ok {
		if utf8.RuneCountInString(text(footer, "text")) > 2048 {
			return wrong("footer.text: Must be 2048 or fewer in length.")
		}
		count(text(footer, "text"))
	}
	if image, ok := e["image"].(object); ok {
		name, local := strings.CutPrefix(text(image, "url"), "attachment://")
		if local && (!attachmentName.MatchString(name) || !slices.ContainsFunc(c.files, func(f file) bool { return f.name == name })) {
			return wrong("image.url: there is no attachment " + strconv.Quote(name))
		}
	}
	if n == 0 && e["image"] == nil {
		return wrong("description: This field is required")
	}
	return n, nil
}

// checkComponents: every button must be told from every other.
func checkComponents(v any) *refusal {
	rows, _ := v.([]any)
	if len(rows) > 5 {
		return invalidForm("components: Must be 5 or fewer in length.")
	}
	seen := map[string]bool{}
	for _, row := range rows {
		list, _ := row.(object)["components"].([]any)
		for _, b := range list {
			id := text(b.(object), "custom_id")
			switch {
			case id == "" && b.(object)["url"] == nil:
				return invalidForm("components: a custom id or url is required")
			case id != "" && seen[id]:
				return invalidForm("components: Component custom id cannot be duplicated")
			case strings.TrimSpace(text(b.(object), "label")) == "":
				return invalidForm("components: a label is required")
			}
			seen[id] = true
		}
	}
	return nil
}

// Message is one message as a person sees it.
type Message struct {
	ID      string // channel and message, as "400/500"
	Channel string
	From    string
	Private bool // only this person sees it (ephemeral)
	At      time.Time
	Body    json.RawMessage // as it was sent
	Edited  bool
	Waiting bool // Discord shows that the bot is thinking
	Files   []File
	Buttons []Button
	// Plain is everything that is read, in order, and Notification what a locked
	// screen shows.
	Plain        string
	Notification string
	// Pings are the mentions in it, and Links the addresses that can be followed.
	Pings, Links []string
}

// File is a file in a message.
type File struct {
	Name, Title, Media, Alt string
	Data                    []byte
}

// Button is a button that can be pressed.
type Button struct {
	ID, Label string
	Style     int
}

// Button returns the button with a label.
func (m Message) Button(label string) (Button, bool) {
	for _, b := range m.Buttons {
		if b.Label == label {
			return b, true
		}
	}
	return Button{}, false
}

// Seen returns every message that a person can see, oldest first: those of the
// channels they are in and of their direct messages, and what was shown to them
// alone.
func (p *Platform) Seen(user string) []Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	var seen []Message
	for _, m := range p.messages {
		if !m.deleted && slices.Contains(m.channel.Members, user) && (m.to == "" || m.to == user) {
			seen = append(seen, show(m))
		}
	}
	return seen
}

// Reload does what reloading the client does: ephemeral messages are gone.
func (p *Platform) Reload(user string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.messages = slices.DeleteFunc(p.messages, func(m *message) bool { return m.to == user })
	p.change()
}

// Delete deletes a message, as a moderator would.
func (p *Platform) Delete(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.messages {
		if m.channel.ID+"/"+m.id == id {
			m.deleted = true
		}
	}
	p.change()
}

func show(m *message) Message {
	out := Message{ID: m.channel.ID + "/" + m.id, Channel: m.channel.ID, From: m.from, Private: m.to != "", At: m.at, Edited: m.edited, Waiting: m.waiting}
	out.Body, _ = json.Marshal(m.body) // it came as JSON
	out.Buttons = buttons(m.body)
	if m.read == nil {
		m.read = &reading{}
		m.read.message(m)
	}
	out.Plain, out.Pings, out.Links = strings.Join(m.read.plain, "\n"), m.read.pings, m.read.links
	out.Notification = text(m.body, "content")
	for _, f := range m.files {
		out.Files = append(out.Files, File{Name: f.name, Title: f.title, Media: f.media, Alt: f.alt, Data: f.data})
	}
	return out
}

func buttons(body object) (list []Button) {
	rows, _ := body["components"].([]any)
	for _, row := range rows {
		inner, _ := row.(object)["components"].([]any)
		for _, b := range inner {
			o := b.(object)
			style, _ := o["style"].(float64)
			list = append(list, Button{text(o, "custom_id"), text(o, "label"), int(style)})
		}
	}
	return list
}
