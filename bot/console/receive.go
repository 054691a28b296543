package console

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"twokey/chat"
)

// maxText is how many runes a typed message may have, and a form field without
// a limit of its own.
const maxText = 4000

// postMessage shows what a person typed and has it answered. The answer to the
// request does not wait for that: a typed command may be acknowledged early.
func (c *Console) postMessage(who Person, w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Text    string `json:"text"`
		Channel string `json:"channel"`
	}
	if err := readJSON(w, r, &in, `{"text":"/mfa help","channel":"dm"}`); err != nil {
		return err
	}
	to, err := c.whereTo(who, in.Channel)
	if err != nil {
		return err
	}
	text := strings.TrimSpace(in.Text)
	if text == "" {
		return refuse(http.StatusBadRequest, "The text is empty; type something to send.")
	}
	if n := utf8.RuneCountInString(text); n > maxText {
		return refuse(http.StatusBadRequest, "The text has %d characters and may have %d; send it in parts.", n, maxText)
	}
	said := chat.Message{Text: text}
	id, err := c.show(who.ID, to, "", said, said)
	if err != nil {
		return unavailable(err)
	}
	if e, meant := typed(text, to.Channel); meant {
		e.Key, e.From, e.Channel, e.Locale = c.life+"/"+id, account(who), to.Channel, locale(r)
		c.handleLater(e)
	}
	return writeJSON(w, http.StatusAccepted, map[string]string{"id": id})
}

// whereTo returns the address that a person writes to under a channel's name.
func (c *Console) whereTo(who Person, channel string) (chat.Address, error) {
	if channel == "" || channel == direct {
		return chat.Direct(account(who)), nil
	}
	if !c.people.members[channel][who.ID] {
		names := append([]string{direct}, c.people.channelsOf(who.ID)...)
		return chat.Address{}, refuse(http.StatusBadRequest, "There is no channel %q for %s; there is %s.", channel, who.ID, strings.Join(names, ", "))
	}
	return chat.Address{Platform: Platform, Channel: channel}, nil
}

// typed returns what a typed text is to the bot; meant is false for chatter in
// a channel, which is none of the bot's business.
func typed(text, channel string) (e chat.Event, meant bool) {
	first, rest := text, ""
	if i := strings.IndexFunc(text, unicode.IsSpace); i >= 0 {
		first, rest = text[:i], strings.TrimSpace(text[i:])
	}
	switch name := strings.TrimRight(first, ",:"); {
	case strings.EqualFold(first, "/mfa"):
		return chat.Event{Kind: chat.Command, Text: rest}, true
	case strings.EqualFold(name, "@"+bot):
		return chat.Event{Kind: chat.Mention, Text: rest}, true
	}
	return chat.Event{Kind: chat.Mention, Text: text}, channel == ""
}

// press hands a pressed button to the handler and answers when it is through:
// a press that was acknowledged is one that was decided and stored.
func (c *Console) press(who Person, w http.ResponseWriter, r *http.Request) error {
	var in struct {
		Message string            `json:"message"`
		Button  string            `json:"button"`
		Fields  map[string]string `json:"fields"`
	}
	if err := readJSON(w, r, &in, `{"message":"m000001","button":"approve","fields":{}}`); err != nil {
		return err
	}
	m, err := c.visible(who.ID, in.Message)
	if err != nil {
		return err
	}
	b, known := m.buttons[in.Button]
	if _, open := m.open(in.Button); open {
		if err := check(b.Form, in.Fields); err != nil {
			return err
		}
	}
	h := c.handler
	if !known {
		h = chat.HandlerFunc(notOpen)
	}
	if err := c.handleNow(h, chat.Event{
		Key: c.life + "/" + rand.Text(), Kind: chat.Press, From: account(who), Channel: m.channel, Locale: locale(r),
		Button: b.ID, Value: b.Value, Fields: pick(b.Form, in.Fields),
	}); err != nil {
		return err
	}
	return writeJSON(w, http.StatusAccepted, struct{}{})
}

// locale is the one that the browser asks for first.
func locale(r *http.Request) string {
	first, _, _ := strings.Cut(r.Header.Get("Accept-Language"), ",")
	first, _, _ = strings.Cut(first, ";")
	return first
}

// notOpen answers a press of a button that its message never had.
func notOpen(ctx context.Context, r chat.Responder, _ chat.Event) error {
	return r.Reply(ctx, chat.Message{Text: "That is no longer open, so nothing happened. The message shows what can be pressed now."})
}

// check returns a refusal that names the first field of a form that is missing
// or too long.
func check(form []chat.FormField, sent map[string]string) error {
	for _, f := range form {
		value, limit := sent[f.ID], cmp.Or(f.MaxRunes, maxText)
		if f.Required && strings.TrimSpace(value) == "" {
			return refuse(http.StatusBadRequest, "%s is needed: fill in the field %q.", f.Label, f.ID)
		}
		if n := utf8.RuneCountInString(value); n > limit {
			return refuse(http.StatusBadRequest, "%s has %d characters and may have %d.", f.Label, n, limit)
		}
	}
	return nil
}

// pick returns what was sent for the fields that the form has: the handler
// gets no others.
func pick(form []chat.FormField, sent map[string]string) map[string]string {
	fields := map[string]string{}
	for _, f := range form {
		fields[f.ID] = sent[f.ID]
	}
	return fields
}

func account(who Person) chat.Account { return chat.Account{Platform: Platform, User: who.ID} }

func unavailable(err error) error {
	if errors.Is(err, errClosed) {
		return refuse(http.StatusServiceUnavailable, "The console is closing; send it again when it is back.")
	}
	return err
}

// handleLater has an event answered in the background, on the console's own
// context: whoever sent it need not stay.
func (c *Console) handleLater(e chat.Event) {
	if !c.begin() {
		return
	}
	go func() {
		defer c.running.Done()
		if err := c.handler.Handle(c.ctx, responder{console: c, event: e}, e); err != nil {
			c.cfg.Log.Error("console event failed", "event", e.Key, "error", err)
		}
	}()
}

// handleNow has an event answered before it returns.
func (c *Console) handleNow(h chat.Handler, e chat.Event) error {
	if !c.begin() {
		return unavailable(errClosed)
	}
	defer c.running.Done()
	if err := h.Handle(c.ctx, responder{console: c, event: e}, e); err != nil {
		c.cfg.Log.Error("console event failed", "event", e.Key, "error", err)
		return refuse(http.StatusInternalServerError, "The press may not have counted; look at the message again before you press again.")
	}
	return nil
}
