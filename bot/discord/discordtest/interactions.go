package discordtest

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// deadline is how long the bot has to answer, and life how long the token of an
// interaction is good for.
const (
	deadline = 3 * time.Second
	life     = 15 * time.Minute
)

// The kinds of interaction, and of answer.
const (
	typePing      = 1
	typeCommand   = 2
	typeComponent = 3
	typeComplete  = 4
	typeModal     = 5

	answerPong     = 1
	answerMessage  = 4
	answerDefer    = 5
	answerWait     = 6
	answerUpdate   = 7
	answerComplete = 8
	answerModal    = 9
)

// Delivery is something that a person did, on its way to the bot.
type Delivery struct {
	p       *Platform
	id      string
	token   string
	kind    int
	user    string
	channel *Channel
	source  *message // whose button it was
	payload object

	began    time.Time
	answered bool
	excused  bool // that it is not answered is our doing
	took     time.Duration
	answer   object
	original *message // the answer's message
	failure  string
	done     chan struct{}
}

// Modal is a form that somebody has open.
type Modal struct {
	ID, Title string
	Inputs    []Input
}

// Input is a field of a form.
type Input struct {
	ID, Label string
	Required  bool
	Min, Max  int
	Long      bool
}

// Wait waits until the bot answered it, and reports whether it did.
func (d *Delivery) Wait(ctx context.Context) bool {
	select {
	case <-d.done:
	case <-ctx.Done():
	}
	return d.Answered()
}

// Answered reports whether the bot answered it in time.
func (d *Delivery) Answered() bool {
	d.p.mu.Lock()
	defer d.p.mu.Unlock()
	return d.answered
}

// Took returns how long the answer took, on the platform's clock.
func (d *Delivery) Took() time.Duration {
	d.p.mu.Lock()
	defer d.p.mu.Unlock()
	return d.took
}

// Answer returns the first answer; nil if there is none.
func (d *Delivery) Answer() json.RawMessage {
	d.p.mu.Lock()
	defer d.p.mu.Unlock()
	if d.answer == nil {
		return nil
	}
	data, _ := json.Marshal(d.answer) // it came as JSON
	return data
}

// Failed returns why it came to nothing, as the person is told, or "".
func (d *Delivery) Failed() string {
	d.p.mu.Lock()
	defer d.p.mu.Unlock()
	return d.failure
}

// Payload returns what was delivered.
func (d *Delivery) Payload() json.RawMessage {
	data, err := json.Marshal(d.payload)
	if err != nil {
		panic(err) // maps of our own
	}
	return data
}

// Token returns the interaction's token, which is a secret while it lives.
func (d *Delivery) Token() string { return d.token }

// Again delivers the same thing once more, as an attacker who recorded it would,
// or a gateway that replays. Whether it is answered does not matter.
func (d *Delivery) Again() {
	d.p.mu.Lock()
	defer d.p.mu.Unlock()
	d.p.send(d)
}

// Excuse forgives that it is not answered.
func (d *Delivery) Excuse() *Delivery {
	d.p.mu.Lock()
	defer d.p.mu.Unlock()
	d.excused = true
	return d
}

// refused is a delivery that never left, because the person cannot do that. It
// needs p.mu.
func (p *Platform) refused(format string, args ...any) *Delivery {
	d := &Delivery{p: p, done: make(chan struct{}), failure: fmt.Sprintf(format, args...), excused: true}
	close(d.done)
	return d
}

// interact begins a delivery. It needs p.mu.
func (p *Platform) interact(kind int, user string, at *Channel, data object, source *message) *Delivery {
	u := p.user(user)
	d := &Delivery{p: p, id: p.snowflake(), kind: kind, user: user, channel: at, source: source, began: p.now(), done: make(chan struct{})}
	d.token = fmt.Sprintf("aW50ZXJhY3Rpb246%s:%08x%s", d.id, hash(d.id+p.Token()), strings.Repeat("s", 24))
	d.payload = object{
		"id": d.id, "application_id": p.options.AppID, "type": kind, "token": d.token, "version": 1, "data": data,
		"channel_id": at.ID, "channel": at.wire(p.options.Guild), "locale": "en-GB", "app_permissions": "562949953601536", "entitlements": []any{},
		"authorizing_integration_owners": object{"0": p.options.Guild}, "attachment_size_limit": 10 << 20,
	}
	if at.dm != "" {
		d.payload["user"], d.payload["context"] = u.wire(), 1
	} else {
		member := u.member()
		member["permissions"] = "2147483647"
		d.payload["member"], d.payload["guild_id"], d.payload["context"] = member, p.options.Guild, 0
		d.payload["guild"] = object{"id": p.options.Guild, "locale": "en-US", "features": []any{}}
		d.payload["guild_locale"] = "en-US"
	}
	if source != nil {
		wire := p.wire(source)
		d.payload["message"] = wire
	}
	p.interactions[d.id], p.tokens[d.token] = d, d
	p.deliveries = append(p.deliveries, d)
	p.send(d)
	p.change()
	return d
}

// send puts an interaction on its way. It needs p.mu.
func (p *Platform) send(d *Delivery) {
	if p.options.HTTP == "" {
		if p.dispatch("INTERACTION_CREATE", d.payload, 0) == 0 {
			d.excused = true
		}
		return
	}
	body := d.Payload()
	q := p.signed(body)
	p.running.Go(func() {
		status, answer, err := p.do(q)
		p.mu.Lock()
		defer p.mu.Unlock()
		switch {
		case p.closed:
		case err != nil || status != http.StatusOK && status != http.StatusAccepted:
			d.failure = "The application did not respond"
			if !d.answered && !d.excused {
				p.complain("http_error", "an interaction was answered with status %d, %v", status, err)
			}
		case status == http.StatusAccepted: // the answer comes by itself
		case d.answered: // it was delivered before
		default:
			var body object
			if err := json.Unmarshal(answer, &body); err != nil {
				p.complain("http_error", "an interaction was answered with %.100q", answer)
				return
			}
			c := &call{p: p, route: RouteCallback, body: body}
			if err := wrongIn(RouteCallback, any(body)); err != nil {
				p.complain("50035", "an interaction was answered with what Discord refuses: %v", err)
			} else if no := c.respond(d); no != nil {
				p.complain(strconv.Itoa(no.code), "an interaction was answered with what Discord refuses: %s", no.message)
			}
		}
	})
}

// Sign returns the signature of a body that leaves at a Unix time, as Discord
// makes it, in hex.
func (p *Platform) Sign(timestamp string, body []byte) string {
	return hex.EncodeToString(ed25519.Sign(p.key, append([]byte(timestamp), body...)))
}

// signed is a request that is signed now. It needs p.mu.
func (p *Platform) signed(body []byte) *http.Request {
	q, err := http.NewRequest(http.MethodPost, p.options.HTTP, bytes.NewReader(body))
	if err != nil {
		panic(err) // the test's own address
	}
	at := strconv.FormatInt(p.now().Unix(), 10)
	q.Header.Set("Content-Type", "application/json")
	q.Header.Set("User-Agent", "Discord-Interactions/1.0 (+https://discord.com)")
	q.Header.Set("X-Signature-Timestamp", at)
	q.Header.Set("X-Signature-Ed25519", p.Sign(at, body))
	return q
}

// do sends a request.
func (p *Platform) do(q *http.Request) (status int, body []byte, err error) {
	ctx, cancel := context.WithTimeout(q.Context(), 20*time.Second)
	defer cancel()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(q.WithContext(ctx))
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, body, err
}

// VerifyURL does what Discord does when an interactions address is entered: a
// ping that is signed, and one that is not. It reports whether the bot passed.
func (p *Platform) VerifyURL() bool {
	p.mu.Lock()
	body := []byte(fmt.Sprintf(`{"id":%q,"application_id":%q,"type":1,"token":"x","version":1,"entitlements":[],"authorizing_integration_owners":{}}`, p.snowflake(), p.options.AppID))
	good, bad := p.signed(body), p.signed(body)
	p.mu.Unlock()
	bad.Header.Set("X-Signature-Ed25519", strings.Repeat("0", 128))
	status, answer, err := p.do(good)
	var pong struct{ Type int }
	if err != nil || status != http.StatusOK || json.Unmarshal(answer, &pong) != nil || pong.Type != answerPong {
		return false
	}
	status, _, err = p.do(bad)
	return err == nil && status == http.StatusUnauthorized
}

// callback takes the first answer to an interaction.
func (c *call) callback() (any, *refusal) {
	d := c.p.interactions[c.path("interaction_id")]
	if d == nil || d.token != c.path("interaction_token") {
		return nil, unknownInteraction
	}
	return nil, c.respond(d)
}

// respond takes the first answer.
func (c *call) respond(d *Delivery) *refusal {
	p := c.p
	switch {
	case d.answered:
		return answeredAlready
	case p.now().Sub(d.began) > deadline:
		d.failure = "The application did not respond"
		return unknownInteraction
	}
	kind, _ := c.body["type"].(float64)
	data, _ := c.body["data"].(object)
	if no := c.first(d, int(kind), data); no != nil {
		return no
	}
	d.answered, d.took, d.answer = true, p.now().Sub(d.began), c.body
	close(d.done)
	p.change()
	return nil
}

// first does what a first answer asks for.
func (c *call) first(d *Delivery, kind int, data object) *refusal {
	wrong := refuse(http.StatusBadRequest, 50035, fmt.Sprintf("an answer of type %d does not go with an interaction of type %d", kind, d.kind))
	flags, _ := data["flags"].(float64)
	switch kind {
	case answerMessage, answerDefer:
		if d.kind == typeComplete || d.kind == typePing {
			return wrong
		}
		if kind == answerDefer && (int(flags)&^ephemeral != 0 || len(data) > 1 || len(data) == 1 && data["flags"] == nil) {
			return invalidForm("a deferred answer has flags alone, and of these EPHEMERAL")
		}
		d.original = c.p.respondWith(d, data, int(flags), kind == answerDefer)
		if kind == answerMessage {
			inner := &call{p: c.p, route: c.route, body: data}
			if no := c.p.checkMessage(inner); no != nil {
				return no
			}
		}
		c.p.keep(d.original)
	case answerWait, answerUpdate:
		if d.kind != typeComponent && (d.kind != typeModal || d.source == nil) {
			return wrong
		}
		d.original = d.source
	case answerModal:
		if d.kind != typeCommand && d.kind != typeComponent {
			return wrong
		}
		return c.p.openModal(d, data)
	case answerComplete:
		if d.kind != typeComplete {
			return wrong
		}
		return wrongChoices(data)
	default:
		return wrong
	}
	return nil
}

// wrongChoices looks at what is suggested to somebody who types.
func wrongChoices(data object) *refusal {
	choices, given := data["choices"].([]any)
	if !given || len(choices) > 25 {
		return invalidForm("choices: up to 25 are needed")
	}
	for _, v := range choices {
		for _, part := range []string{"name", "value"} {
			if n := utf8.RuneCountInString(text(v.(object), part)); n == 0 || n > 100 {
				return invalidForm("choices: " + part + ": Must be between 1 and 100 in length.")
			}
		}
	}
	return nil
}

// respondWith is a message that answers. It needs p.mu.
func (p *Platform) respondWith(d *Delivery, body object, flags int, waiting bool) *message {
	m := &message{id: p.snowflake(), channel: d.channel, from: p.options.AppID, body: maps.Clone(body), at: p.now(), waiting: waiting, token: d.token}
	if m.body == nil || waiting {
		m.body = object{}
	}
	if flags&ephemeral != 0 {
		m.to = d.user
	}
	return m
}

// openModal needs p.mu.
func (p *Platform) openModal(d *Delivery, data object) *refusal {
	m := &Modal{ID: text(data, "custom_id"), Title: text(data, "title")}
	seen := map[string]bool{}
	rows, _ := data["components"].([]any)
	if len(rows) > 5 {
		return invalidForm("components: Must be 5 or fewer in length.")
	}
	for _, row := range rows {
		o := row.(object)
		label := text(o, "label")
		in, ok := o["component"].(object)
		if inner, _ := o["components"].([]any); len(inner) == 1 {
			in, ok = inner[0].(object), true
			label = text(in, "label")
		}
		if !ok || in["type"] != float64(4) {
			return invalidForm("components: this platform knows text inputs alone")
		}
		if seen[text(in, "custom_id")] {
			return invalidForm("components: Component custom id cannot be duplicated")
		}
		seen[text(in, "custom_id")] = true
		number := func(name string) int { n, _ := in[name].(float64); return int(n) }
		required, given := in["required"].(bool)
		m.Inputs = append(m.Inputs, Input{
			ID: text(in, "custom_id"), Label: label, Required: required || !given, Min: number("min_length"),
			Max: or(number("max_length"), 4000), Long: number("style") == 2,
		})
	}
	p.modals[d.user] = m
	d.original = d.source
	return nil
}

// hook returns the interaction behind a webhook's address, or why there is none.
func (c *call) hook() (*Delivery, *refusal) {
	d := c.p.tokens[c.path("webhook_token")]
	switch {
	case c.path("webhook_id") != c.p.options.AppID:
		return nil, unknownWebhook
	case d == nil, !d.answered:
		return nil, unknownWebhook
	case c.p.now().Sub(d.began) > life:
		return nil, expiredToken
	}
	return d, nil
}

func (c *call) followUp() (any, *refusal) {
	d, no := c.hook()
	if no != nil {
		return nil, no
	}
	if d.original != nil && d.original.waiting { // the first one takes the place of "thinking"
		return c.replace(d.original)
	}
	if no := c.p.checkMessage(c); no != nil {
		return nil, no
	}
	flags, _ := c.body["flags"].(float64)
	m := c.p.respondWith(d, c.body, int(flags), false)
	m.files = c.attached()
	c.p.keep(m)
	return c.p.wire(m), nil
}

func (c *call) editOriginal() (any, *refusal) {
	d, no := c.hook()
	if no != nil {
		return nil, no
	}
	if d.original == nil || d.original.deleted {
		return nil, unknownMessage
	}
	return c.replace(d.original)
}

func (c *call) deleteOriginal() (any, *refusal) {
	d, no := c.hook()
	if no != nil {
		return nil, no
	}
	if d.original == nil || d.original.deleted {
		return nil, unknownMessage
	}
	d.original.deleted = true
	c.p.change()
	return nil, nil
}

// Press presses a button, named by its label or custom ID, of a message that the
// person sees.
func (p *Platform) Press(user, id, button string) *Delivery {
	p.mu.Lock()
	defer p.mu.Unlock()
	channel, number, _ := strings.Cut(id, "/")
	m := p.find(channel, number)
	if m == nil || m.deleted || !slices.Contains(m.channel.Members, user) || m.to != "" && m.to != user {
		return p.refused("test: %s does not see the message %s", user, id)
	}
	for _, b := range buttons(m.body) {
		if b.Label == button || b.ID == button {
			return p.interact(typeComponent, user, m.channel, object{"component_type": 2, "custom_id": b.ID, "id": 2}, m)
		}
	}
	return p.refused("test: the message %s has no button %q", id, button)
}

// Modal returns the form that a person has open; nil if they have none.
func (p *Platform) Modal(user string) *Modal {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.modals[user]
}

// CloseModal closes it unsent. The bot is not told.
func (p *Platform) CloseModal(user string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.modals, user)
}

// Submit fills in the open form, by field ID, and sends it. A field that is
// needed and empty, or too long, is refused by Discord's client: nothing is
// sent, and Failed says so.
func (p *Platform) Submit(user string, fields map[string]string) *Delivery {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.modals[user]
	if m == nil {
		return p.refused("test: %s has no form open", user)
	}
	rows := []any{}
	for i, in := range m.Inputs {
		value := fields[in.ID]
		switch n := len(utf16.Encode([]rune(value))); {
		case in.Required && value == "":
			return p.refused("%s: this field is required", in.ID)
		case n > in.Max, n < in.Min && value != "":
			return p.refused("%s: must be between %d and %d in length", in.ID, in.Min, in.Max)
		}
		rows = append(rows, object{"type": 1, "id": 2*i + 1, "components": []any{object{"type": 4, "id": 2*i + 2, "custom_id": in.ID, "value": value}}})
	}
	delete(p.modals, user)
	source, at := p.modalSource(user)
	return p.interact(typeModal, user, at, object{"custom_id": m.ID, "components": rows}, source)
}

// modalSource returns the message whose button opened the last form of a person,
// and where that was. It needs p.mu.
func (p *Platform) modalSource(user string) (*message, *Channel) {
	for _, d := range slices.Backward(p.deliveries) {
		if d.user == user && d.answered && d.answer["type"] == float64(answerModal) {
			return d.source, d.channel
		}
	}
	return nil, p.direct(user)
}

// Interact delivers an interaction with any data, as a client of tomorrow would.
func (p *Platform) Interact(kind int, user, channel string, data map[string]any) *Delivery {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.place(user, channel)
	if at == nil {
		return p.refused("test: %s is not in %q", user, channel)
	}
	return p.interact(kind, user, at, data, nil)
}

// Say writes a message into a channel, or with channel "" into the direct
// messages with the bot. The bot is told over the gateway if it asked for that
// kind of message; "@twokey" names it. What is returned is the message's ID.
func (p *Platform) Say(user, channel, words string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.place(user, channel)
	if at == nil {
		p.complain("test", "test: %s is not in %q and cannot write there", user, channel)
		return ""
	}
	words = strings.ReplaceAll(words, "@twokey", "<@"+p.options.AppID+">")
	m := &message{id: p.snowflake(), channel: at, from: user, body: object{"content": words}, at: p.now()}
	p.keep(m)
	e, intent := p.wire(m), intentGuildMessages
	mentioned := strings.Contains(words, "<@"+p.options.AppID+">")
	if mentioned {
		e["mentions"] = []any{p.user(p.options.AppID).wire()}
	}
	if at.dm != "" {
		intent = intentDirectMessages
	} else {
		e["guild_id"] = p.options.Guild
		member := p.user(user).member()
		delete(member, "user")
		e["member"] = member
		if !mentioned { // without the privileged intent
			e["content"] = ""
		}
	}
	if at.BotAway {
		return m.id
	}
	p.dispatch("MESSAGE_CREATE", e, intent)
	return m.id
}
