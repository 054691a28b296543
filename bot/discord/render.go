package discord

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/bwmarrin/discordgo"

	"twokey/chat"
)

// Discord's limits, in characters.
// https://discord.com/developers/docs/resources/message#embed-object
const (
	maxContent = 2000 // the text beside the embeds
	maxHeading = 256  // an embed's title
	maxBody    = 4096 // its description
	maxFooter  = 2048
	maxEmbeds  = 6000 // all of them together
	maxAlt     = 1024 // the words of a file
)

// Our own limits, in runes, for what has none of its own at Discord. They keep
// one part of a message from taking the room of all others.
const (
	maxLabel    = 120
	maxCell     = 120
	maxSmall    = 1000 // small print
	maxLinks    = 10
	maxColumns  = 8
	maxNotice   = 240
	tableRows   = 100
	maxTable    = 3500 // a table as text
	embedColour = 0x3B5BA9
	smallColour = 0x8A8F98
)

// body is a message as Discord takes it. Every part is always sent, so that an
// edit leaves nothing of what was there.
type body struct {
	Content     string                       `json:"content"`
	Embeds      []*discordgo.MessageEmbed    `json:"embeds"`
	Components  []discordgo.MessageComponent `json:"components"`
	Attachments []attachment                 `json:"attachments"`
	Mentions    mentions                     `json:"allowed_mentions"`
	Flags       int                          `json:"flags,omitempty"`
	Nonce       string                       `json:"nonce,omitempty"`
	Enforce     bool                         `json:"enforce_nonce,omitempty"` // a second post of the nonce is the first one
}

// mentions say whom a message may call: nobody, whoever is named in it.
type mentions struct {
	Parse []string `json:"parse"`
}

// attachment describes a file that is sent along.
type attachment struct {
	ID    string `json:"id"` // the number of its part of the request
	Name  string `json:"filename"`
	Title string `json:"title,omitempty"`
	Alt   string `json:"description,omitempty"`
}

// look is a message as Discord shows it.
type look struct {
	body  body
	files []upload
	notes map[string]string // what buttons mean, to be kept before it is sent
}

// caps are what one message on Discord can hold of each part. A message that
// uses several of them to the full may be cut further, and then says so.
func caps() chat.Caps {
	return chat.Caps{
		Headline: 300, Text: 3000, Value: 1500, Fields: 40, Rows: tableRows,
		Buttons: maxButtons, ButtonLabel: maxButtonLabel, Images: true,
	}
}

// render returns m as Discord shows it, within all of Discord's limits. What is
// cut says so.
func render(m chat.Message) look {
	m = cleaned(m)
	l := look{body: body{Attachments: []attachment{}, Embeds: []*discordgo.MessageEmbed{}, Components: []discordgo.MessageComponent{}, Mentions: mentions{[]string{}}}}
	rows, notes := pressable(m.Buttons)
	l.body.Components, l.notes = append(l.body.Components, rows...), notes
	l.attach(m)
	for squeeze := 1; ; squeeze *= 2 {
		content, embeds := layout(chat.Fit(m, squeezed(squeeze)), maxTable/squeeze)
		if within(content, embeds) {
			l.body.Content, l.body.Embeds = content, append(l.body.Embeds, embeds...)
			break
		}
		if squeeze >= maxSqueeze { // links and small print take it all
			l.body.Content = bold(chat.Cut(m.Headline, maxHeading))
			l.body.Embeds = append(l.body.Embeds, &discordgo.MessageEmbed{Description: "The rest is too long to be shown here (cut)."})
			break
		}
	}
	if l.body.Content == "" && len(l.body.Embeds) == 0 { // Discord refuses a message of nothing
		l.body.Content = "…"
	}
	return l
}

// maxSqueeze is where every part from outside is so short that all of them are
// within Discord's limits together, whatever had to be escaped.
const maxSqueeze = 32

// squeezed returns the limits divided by how far they had to be lowered.
func squeezed(by int) chat.Caps {
	c := caps()
	c.Text, c.Value, c.Fields = c.Text/by, max(c.Value/by, 40), max(c.Fields/by, 8)
	c.Headline = max(c.Headline/by, 60)
	c.Rows = 0 // a table is cut by its size
	return c
}

func within(content string, embeds []*discordgo.MessageEmbed) bool {
	total := 0
	for _, e := range embeds {
		n := utf8.RuneCountInString(e.Description)
		if n > maxBody || utf8.RuneCountInString(e.Title) > maxHeading {
			return false
		}
		total += n + utf8.RuneCountInString(e.Title)
		if e.Footer != nil {
			total += utf8.RuneCountInString(e.Footer.Text)
		}
	}
	return total <= maxEmbeds && utf8.RuneCountInString(content) <= maxContent
}

// layout returns a message that fits, in the order of its parts. The content is
// what a notification shows: the notice where there is one, because the headline
// may name somebody, and else the headline.
func layout(m chat.Message, table int) (content string, embeds []*discordgo.MessageEmbed) {
	first := &discordgo.MessageEmbed{Color: embedColour}
	content = bold(m.Headline)
	if m.Notice != "" {
		content, first.Title = inert(m.Notice), inert(m.Headline)
		if utf8.RuneCountInString(first.Title) > maxHeading {
			first.Title = ""
			m.Text = strings.TrimSpace(m.Headline + "\n\n" + m.Text)
		}
	}
	first.Description = paragraphs(inert(m.Text), numbered(m.Steps), labelled(m.Fields), tabled(m.Table, table))
	last := first
	embeds = append(embeds, first)
	if len(m.Details) > 0 {
		last = &discordgo.MessageEmbed{Color: smallColour, Title: "Details", Description: labelled(m.Details)}
		embeds = append(embeds, last)
	}
	last.Description = paragraphs(last.Description, linked(m.Links), filed(m.File))
	if m.Image != nil {
		last.Image = &discordgo.MessageEmbedImage{URL: "attachment://" + fileName(m.Image.Name)}
	}
	if text := signed(m); text != "" {
		last.Footer = &discordgo.MessageEmbedFooter{Text: text}
	}
	if content == "" && plainText(first) && len(embeds) == 1 && utf8.RuneCountInString(first.Description) <= maxContent {
		return first.Description, nil // a sentence needs no frame
	}
	if first.Title == "" && first.Description == "" && first.Image == nil && first.Footer == nil {
		embeds = embeds[1:]
	}
	return content, embeds
}

// plainText reports whether an embed is text and nothing else.
func plainText(e *discordgo.MessageEmbed) bool {
	return e.Title == "" && e.Image == nil && e.Footer == nil
}

// paragraphs joins what is not empty.
func paragraphs(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		if p == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("\n\n")
		}
		b.WriteString(p)
	}
	return b.String()
}

// bold returns text in bold.
func bold(s string) string {
	if strings.TrimSpace(s) == "" {
		return ""
	}
	return "**" + inert(s) + "**"
}

func numbered(steps []string) string {
	lines := make([]string, len(steps))
	for i, s := range steps {
		lines[i] = fmt.Sprintf("%d\\. %s", i+1, inert(filled(s))) // not a list of Discord's, which counts by itself
	}
	return strings.Join(lines, "\n")
}

// labelled returns fields one below the other, each on a line of its own after a
// bold label, which is how they are read on a phone: Discord's own fields take
// two lines each. A list begins on a line of its own, and further lines of a
// value are set in, so that none can pass for a field.
func labelled(fields []chat.Field) string {
	const indent = "\u2003"
	lines := make([]string, len(fields))
	for i, f := range fields {
		shown := f.Shown()
		gap := " "
		if strings.Contains(shown, "\n") {
			gap = "\n" + indent
		}
		lines[i] = "**" + inert(f.Label) + ":**" + gap + strings.ReplaceAll(inert(shown), "\n", "\n"+indent)
	}
	return strings.Join(lines, "\n")
}

// tabled returns a table in columns of equal width, with as many rows as there
// is room for.
func tabled(t *chat.Table, room int) string {
	if t == nil {
		return ""
	}
	shown := *t
	for keep := min(len(t.Rows), tableRows+1); ; keep = keep * 3 / 4 {
		if keep < len(t.Rows) {
			left := make([]string, len(t.Header))
			left[0] = fmt.Sprintf("… and %d more", len(t.Rows)-max(keep-1, 0))
			shown.Rows = append(t.Rows[:max(keep-1, 0):max(keep-1, 0)], left)
		}
		text := fenced(chat.Message{Table: &shown}.Plain())
		if utf8.RuneCountInString(text) <= room || keep <= 1 {
			return chat.Cut(text, maxBody/2)
		}
	}
}

// fenced returns text in which Discord looks for nothing, in letters of equal
// width.
func fenced(s string) string { return "```\n" + strings.ReplaceAll(s, "`", "ˋ") + "\n```" }

// linked returns the links, one a line. Only https is followed.
func linked(links []chat.Link) string {
	var lines []string
	for _, l := range links[:min(len(links), maxLinks)] {
		if followed(l) {
			lines = append(lines, "["+inert(round.Replace(l.Label))+"]("+addressOf(l)+")")
		} else {
			lines = append(lines, inert(chat.Cut(l.Label+": "+l.URL, maxLabel*2)))
		}
	}
	if more := len(links) - maxLinks; more > 0 {
		lines = append(lines, fmt.Sprintf("… and %d more", more))
	}
	return strings.Join(lines, "\n")
}

// round takes the place of brackets in the words of a link, which they would end.
var round = strings.NewReplacer("[", "(", "]", ")")

// filed names the file that comes with the message.
func filed(f *chat.File) string {
	if f == nil {
		return ""
	}
	text := "File: " + f.Name
	if f.Alt != "" {
		text += " (" + f.Alt + ")"
	}
	return inert(text)
}

// signed returns the small print, the request's reference first. Discord reads
// no markup there.
func signed(m chat.Message) string {
	text := m.Footer
	if m.Request != "" {
		text = strings.TrimSuffix("Request "+m.Request+"\n"+text, "\n")
	}
	return chat.Cut(text, maxFooter)
}

// attach adds what is sent along: the picture, and the file.
func (l *look) attach(m chat.Message) {
	if m.Image != nil {
		l.add(upload{fileName(m.Image.Name), "image/png", m.Image.PNG}, "", m.Image.Alt)
	}
	if m.File != nil {
		l.add(upload{fileName(m.File.Name), m.File.Media, m.File.Data}, m.File.Name, m.File.Alt)
	}
}

func (l *look) add(u upload, title, alt string) {
	l.body.Attachments = append(l.body.Attachments, attachment{ID: strconv.Itoa(len(l.files)), Name: u.name, Title: title, Alt: chat.Cut(alt, maxAlt)})
	l.files = append(l.files, u)
}
