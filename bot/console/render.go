package console

import (
	"time"

	"twokey/chat"
)

// apiMessage is a message as one person gets it from the API. Everything down
// to File is the contract; what follows is for the page.
type apiMessage struct {
	ID      string      `json:"id"`
	At      time.Time   `json:"at"`
	From    string      `json:"from"` // a person's ID, or "twokey"
	Channel string      `json:"channel"`
	Private bool        `json:"private"` // this person alone can see it
	Edited  bool        `json:"edited"`
	Text    string      `json:"text"` // the whole message as plain text
	Buttons []apiButton `json:"buttons"`
	Image   *apiImage   `json:"image"`
	Request string      `json:"request"`
	File    *apiFile    `json:"file,omitempty"` // only where there is one

	Seq  int     `json:"seq"` // grows with every change of any message
	Rich apiRich `json:"rich"`
}

type apiButton struct {
	ID    string         `json:"id"`
	Label string         `json:"label"`
	Style string         `json:"style"` // plain, primary or danger
	Form  []apiFormField `json:"form"`
}

type apiFormField struct {
	ID       string `json:"id"`
	Label    string `json:"label"`
	Required bool   `json:"required"`
	MaxRunes int    `json:"max_runes,omitempty"`
}

type apiImage struct {
	URL string `json:"url"`
	Alt string `json:"alt"`
}

type apiFile struct {
	Name string `json:"name"` // fit to be shown and kept
	URL  string `json:"url"`
}

// apiRich is the message in its parts, as [chat.Message] has them.
type apiRich struct {
	Notice   string       `json:"notice"` // the line that a locked screen may show
	Headline string       `json:"headline"`
	Text     string       `json:"text"`
	Steps    []string     `json:"steps"`
	Fields   []chat.Field `json:"fields"`
	Table    *chat.Table  `json:"table"`
	Details  []chat.Field `json:"details"`
	Links    []chat.Link  `json:"links"`
	Footer   string       `json:"footer"`
}

// render returns m as a person gets it. Button values stay here: a press
// names the button, and the console looks the value up.
func render(m *message, person string) apiMessage {
	out := apiMessage{
		ID: m.id, At: m.at, From: m.from, Channel: m.channel,
		Private: m.user != "", Edited: m.edited,
		Text: m.body.Plain(), Buttons: renderButtons(m.body.Buttons), Request: m.body.Request,
		Seq: m.seq, Rich: renderRich(m.body),
	}
	if out.Channel == "" {
		out.Channel = direct
	}
	if m.body.Image != nil {
		out.Image = &apiImage{URL: "/api/people/" + person + "/images/" + m.id + ".png", Alt: m.body.Image.Alt}
	}
	if m.body.File != nil {
		out.File = &apiFile{Name: m.body.File.Shown(), URL: "/api/people/" + person + "/files/" + m.id}
	}
	return out
}

func renderAll(ms []*message, person string) []apiMessage {
	out := make([]apiMessage, len(ms))
	for i, m := range ms {
		out[i] = render(m, person)
	}
	return out
}

func renderButtons(buttons []chat.Button) []apiButton {
	out := make([]apiButton, len(buttons))
	keys := buttonKeys(buttons)
	for i, b := range buttons {
		form := make([]apiFormField, len(b.Form))
		for j, f := range b.Form {
			form[j] = apiFormField(f)
		}
		out[i] = apiButton{ID: keys[i], Label: b.Label, Style: renderStyle(b.Style), Form: form}
	}
	return out
}

func renderStyle(s chat.Style) string {
	switch s {
	case chat.Primary:
		return "primary"
	case chat.Danger:
		return "danger"
	default:
		return "plain"
	}
}

func renderRich(m chat.Message) apiRich {
	return apiRich{
		Notice: m.Notification(), Headline: m.Headline, Text: m.Text, Steps: m.Steps,
		Fields: renderFields(m.Fields), Table: m.Table.Shown(), Details: renderFields(m.Details), Links: m.Links, Footer: m.Footer,
	}
}

// renderFields puts quoted values between quotation marks, as the plain twin
// has them, so that page and twin never differ.
func renderFields(fields []chat.Field) []chat.Field {
	out := make([]chat.Field, len(fields))
	for i, f := range fields {
		out[i] = chat.Field{Label: f.Label, Value: f.Shown(), Quoted: f.Quoted}
	}
	return out
}

// apiPerson is a person as everybody sees them.
type apiPerson struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Roles    []string `json:"roles"`
	About    string   `json:"about"`
	Channels []string `json:"channels"` // where they can read and write, direct messages first
	Latest   string   `json:"latest"`   // the last message that they see and did not write, for an unread mark
}

func (p people) render(latest func(person string) string) []apiPerson {
	out := make([]apiPerson, len(p.all))
	for i, who := range p.all {
		out[i] = apiPerson{
			ID: who.ID, Name: who.Name, Roles: append([]string{}, who.Roles...), About: who.About,
			Channels: append([]string{direct}, p.channelsOf(who.ID)...), Latest: latest(who.ID),
		}
	}
	return out
}

// apiCommand is a command as completion needs it.
type apiCommand struct {
	Name    string      `json:"name"`
	Summary string      `json:"summary"`
	Example string      `json:"example"`
	Options []apiOption `json:"options"`
}

type apiOption struct {
	Name     string   `json:"name"`
	Summary  string   `json:"summary"`
	Choices  []string `json:"choices"`
	Required bool     `json:"required"`
	Rest     bool     `json:"rest"`
}

func renderCommands(specs []chat.CommandSpec) []apiCommand {
	out := make([]apiCommand, len(specs))
	for i, s := range specs {
		options := []apiOption{}
		for _, o := range s.Options {
			if !o.Flag { // it has no place at which to be completed
				options = append(options, apiOption{o.Name, o.Summary, append([]string{}, o.Choices...), o.Required, o.Rest})
			}
		}
		out[i] = apiCommand{Name: s.Name, Summary: s.Summary, Example: s.Example, Options: options}
	}
	return out
}

// apiAbout is what the page says about this console.
type apiAbout struct {
	Now    time.Time `json:"now"`  // with the zone's offset
	Zone   string    `json:"zone"` // by its IANA name
	Monday time.Time `json:"monday"`
	Clock  bool      `json:"clock"` // whether it can be moved
	Notes  []string  `json:"notes"`
}

// nextMonday returns the next Monday at nine in the morning after now, in now's zone.
func nextMonday(now time.Time) time.Time {
	days := (int(time.Monday) - int(now.Weekday()) + 7) % 7
	at := time.Date(now.Year(), now.Month(), now.Day()+days, 9, 0, 0, 0, now.Location())
	if !at.After(now) {
		at = time.Date(now.Year(), now.Month(), now.Day()+days+7, 9, 0, 0, 0, now.Location())
	}
	return at
}
