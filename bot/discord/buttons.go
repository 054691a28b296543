package discord

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/bwmarrin/discordgo"

	"twokey/chat"
)

// Limits of buttons and forms.
// https://discord.com/developers/docs/components/reference
const (
	maxButtons     = 25 // five rows of five
	inRow          = 5
	maxButtonLabel = 80
	maxCustom      = 100 // a button's ID
	maxFields      = 5   // of a form
	maxTitle       = 45  // of a form, and of a field's label
	maxInput       = 4000
)

// oneLine is up to how many runes a value is typed into a single line.
const oneLine = 100

// What the ID of a button begins with, where it says what the button means, and
// where that is kept.
const (
	customSays = "twokey:"
	customKept = "twokey#"
)

// buttonLife is how long what a button means is kept after it was last shown.
const buttonLife = 180 * 24 * time.Hour

// carried is a button whose ID has no room for what it means: Discord gives us
// back a hundred characters and nothing else.
type carried struct {
	ID    string           `json:"i"`
	Label string           `json:"l,omitempty"`
	Value string           `json:"v,omitempty"`
	Form  []chat.FormField `json:"f,omitempty"`
}

// pressable returns the buttons of a message in rows, and what has to be kept
// for them, by name.
func pressable(buttons []chat.Button) (rows []discordgo.MessageComponent, notes map[string]string) {
	notes = map[string]string{}
	for row := range slices.Chunk(buttons, inRow) {
		var list []discordgo.MessageComponent
		for _, b := range row {
			n := len(rows)*inRow + len(list)
			list = append(list, discordgo.Button{Label: b.Label, Style: styles[b.Style], CustomID: custom(b, n, notes)})
		}
		rows = append(rows, discordgo.ActionsRow{Components: list})
	}
	return rows, notes
}

var styles = map[chat.Style]discordgo.ButtonStyle{
	chat.Plain: discordgo.SecondaryButton, chat.Primary: discordgo.PrimaryButton, chat.Danger: discordgo.DangerButton,
}

// custom returns the ID of the nth button: what it means, or by what name that
// is kept. That is the same for the same button, whoever makes it.
func custom(b chat.Button, n int, notes map[string]string) string {
	says := fmt.Sprint(customSays, n, ":", b.ID, ":", b.Value)
	if len(b.Form) == 0 && !strings.Contains(b.ID, ":") && utf8.ValidString(says) && utf8.RuneCountInString(says) <= maxCustom {
		return says
	}
	text := compact(carried{b.ID, b.Label, b.Value, b.Form})
	sum := sha256.Sum256([]byte(text))
	name := hex.EncodeToString(sum[:16])
	notes[name] = text
	return fmt.Sprint(customKept, n, ":", name)
}

// noteOf is the name of a note on a button.
func noteOf(name string) string { return "discord/button/" + name }

// compact returns a value as JSON; ours are texts and numbers.
func compact(v any) string {
	data, _ := json.Marshal(v)
	return string(data)
}

// keep keeps what the buttons of a message mean, before it is sent.
func (d *Discord) keep(ctx context.Context, notes map[string]string) error {
	now := d.cfg.Now()
	for name, text := range notes {
		if at, ok := d.kept.Get(name); ok && now.Sub(at) < buttonLife/10 {
			continue
		}
		if err := d.cfg.Notes.Keep(ctx, noteOf(name), text, buttonLife); err != nil {
			return wrap("keep what a button means", err)
		}
		d.kept.Put(name, now)
	}
	return nil
}

// meant returns the button behind an ID, and false if it is none of ours or
// nothing is known of it any more.
func (d *Discord) meant(ctx context.Context, id string) (chat.Button, bool, error) {
	if rest, ok := strings.CutPrefix(id, customSays); ok {
		_, rest, _ = strings.Cut(rest, ":")
		button, value, ok := strings.Cut(rest, ":")
		return chat.Button{ID: button, Value: value}, ok && button != "", nil
	}
	rest, ok := strings.CutPrefix(id, customKept)
	_, name, named := strings.Cut(rest, ":")
	if raw, err := hex.DecodeString(name); !ok || !named || err != nil || len(raw) != 16 {
		return chat.Button{}, false, nil
	}
	text, err := d.cfg.Notes.Kept(ctx, noteOf(name))
	if err != nil || text == "" {
		return chat.Button{}, false, wrap("look up a button", err)
	}
	var c carried
	if json.Unmarshal([]byte(text), &c) != nil || c.ID == "" {
		return chat.Button{}, false, nil
	}
	return chat.Button{ID: c.ID, Label: c.Label, Value: c.Value, Form: c.Form}, true, nil
}

// modal is a form as Discord opens it.
type modal struct {
	CustomID   string                       `json:"custom_id"`
	Title      string                       `json:"title"`
	Components []discordgo.MessageComponent `json:"components"`
}

// form returns the form of a button, whose ID comes back with what was filled
// in. Discord would rather have labels around the fields than rows, which the
// library cannot make; it takes both.
func form(b chat.Button, id string) modal {
	m := modal{CustomID: id, Title: filled(chat.Safe(b.Label, maxTitle))}
	for _, f := range b.Form[:min(len(b.Form), maxFields)] {
		most := maxInput
		if f.MaxRunes > 0 {
			most = min(f.MaxRunes, maxInput)
		}
		style := discordgo.TextInputShort
		if most > oneLine {
			style = discordgo.TextInputParagraph
		}
		m.Components = append(m.Components, discordgo.ActionsRow{Components: []discordgo.MessageComponent{discordgo.TextInput{
			CustomID: f.ID, Label: filled(chat.Safe(f.Label, maxTitle)), Style: style, Required: f.Required, MaxLength: most,
		}}})
	}
	return m
}

// complaint returns what is wrong with a form that was filled in; empty if
// nothing is. Discord checks it too, but takes spaces for words and counts in
// its own way.
func complaint(fields []chat.FormField, typed map[string]string) string {
	for _, f := range fields {
		value := typed[f.ID]
		n := utf8.RuneCountInString(value)
		switch {
		case f.Required && strings.TrimSpace(value) == "":
			return "Please fill in “" + chat.Safe(f.Label, maxTitle) + "”: it is needed. Nothing happened; press the button again."
		case f.MaxRunes > 0 && n > f.MaxRunes:
			return fmt.Sprintf("Please shorten “%s”: it has %d characters, and %d are the most. Nothing happened; press the button again.", chat.Safe(f.Label, maxTitle), n, f.MaxRunes)
		}
	}
	return ""
}

// filledIn returns what was typed into a form, by field ID: no more than it has
// fields.
func filledIn(fields []chat.FormField, typed map[string]string) map[string]string {
	out := map[string]string{}
	for _, f := range fields {
		out[f.ID] = typed[f.ID]
	}
	return out
}
