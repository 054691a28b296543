package slack

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"twokey/chat"
)

// Slack's limits, in characters. They are those that its own types document
// (npm @slack/types 3.2.0), unless another source is named.
const (
	maxText     = 3000  // a text object; a rich text is kept to it as well
	maxHeader   = 150   // a header block
	maxBlocks   = 50    // the blocks of a message, docs.slack.dev/reference/block-kit/blocks
	maxAlt      = 2000  // the words of an image
	maxURL      = 3000  // a link
	maxFallback = 4000  // the text beside the blocks: chat.update refuses more (msg_too_long)
	maxSize     = 12000 // all blocks as JSON: Slack refuses from about 13,000 (msg_blocks_too_long, github.com/slackapi/bolt-js/issues/2509)
)

// Our own limits, in runes, for what has none of its own at Slack. They keep
// one part of a message from taking the room of all others.
const (
	maxLabel  = 120
	maxCell   = 300
	maxFooter = 1500
	maxLinks  = 10
)

// look is a message as Slack shows it. Every text in its blocks is plain_text,
// raw_text or rich_text, in which Slack parses nothing: no name can become a
// mention, a link, an emoji or formatting there.
type look struct {
	// text is what a notification shows and a screen reader may read out. It is
	// escaped, and is to be sent with parse "none" and link_names off, so that
	// the only thing in it that Slack follows is a link of ours. It has at most
	// 4,000 characters.
	text   string
	blocks []slack.Block
	// more are further messages, in order, where one cannot hold a long table.
	// The first says that it goes on. An edit has none.
	more [][]slack.Block
}

// options say what is at hand to show a message with.
type options struct {
	image  string // the ID of the uploaded picture; where it is empty its words stand in its place
	update bool   // it replaces a message, so nothing can follow it
	// simple leaves out the table and container blocks, which Slack brought late
	// and still refuses in places (invalid_blocks).
	simple bool
	from   int // the number of the first button, where several messages share a view
}

// caps are what one message on Slack can hold of each part. A message that uses
// several of them to the full may be cut further, and then says so.
func caps() chat.Caps {
	return chat.Caps{
		Headline: 300, Text: maxText, Value: 2000, Fields: 40, Rows: tableRows * tablePages,
		Buttons: maxButtons, ButtonLabel: maxButtonLabel, Images: true,
	}
}

// render returns m as Slack shows it, within all of Slack's limits. What is
// cut says so.
func render(m chat.Message, o options) look {
	m = cleaned(m)
	l := look{text: fallback(m)}
	table := m.Table
	for squeeze := 1; ; squeeze *= 2 {
		fitted := chat.Fit(m, squeezed(squeeze))
		pages := []*chat.Table{nil}
		if table != nil {
			pages = paged(table, o, tableSize/squeeze)
		}
		fitted.Table = pages[0]
		l.blocks, l.more = layout(fitted, o, len(pages) > 1), nil
		for _, page := range pages[1:] {
			l.more = append(l.more, tabled(page, o))
		}
		if within(l.blocks) {
			return l
		}
		if squeeze >= maxSqueeze { // links, small print and buttons take it all
			return look{text: l.text, blocks: stub(fitted, o)}
		}
	}
}

// announced is what stands in a message's place while it is announced: nothing
// but what may stand on a locked screen.
func announced(m chat.Message) chat.Message {
	return chat.Message{Headline: m.Notice, Text: "The rest follows here at once. If it does not, type “/mfa requests”."}
}

// maxSqueeze is where every part from outside is so short that all of them are
// within Slack's limits together.
const maxSqueeze = 32

func within(bs []slack.Block) bool { return size(bs) <= maxSize && len(bs) <= maxBlocks }

// stub is what is left of a message of which nothing else can be shown: what it
// is about and what can be pressed.
func stub(m chat.Message, o options) []slack.Block {
	rest := chat.Message{Headline: m.Headline, Request: m.Request, Buttons: m.Buttons, Footer: "The rest is too long to be shown here (cut)."}
	for !within(layout(rest, o, false)) && len(rest.Buttons) > 0 {
		rest.Buttons = rest.Buttons[:len(rest.Buttons)-1]
	}
	return layout(rest, o, false)
}

// squeezed returns the limits divided by how far they had to be lowered.
func squeezed(by int) chat.Caps {
	c := caps()
	c.Text, c.Value, c.Fields = c.Text/by, max(c.Value/by, maxLabel), max(c.Fields/by, 8)
	c.Rows = 0 // tables are cut into pages
	return c
}

// layout returns the blocks of a message that fits, in the order of its parts.
func layout(m chat.Message, o options, goesOn bool) []slack.Block {
	bs := headed(m)
	bs = append(bs, prose(m.Text)...)
	bs = append(bs, numbered(m.Steps)...)
	bs = append(bs, labelled(m.Fields)...)
	if m.Table != nil {
		bs = append(bs, tabled(m.Table, o)...)
	}
	if goesOn {
		bs = append(bs, small("The table goes on in the next message."))
	}
	bs = append(bs, folded(m.Details, o)...)
	bs = append(bs, linked(m.Links)...)
	bs = append(bs, pictured(m.Image, o)...)
	bs = append(bs, filed(m.File)...)
	bs = append(bs, signed(m)...)
	bs = append(bs, pressable(m, o.from)...)
	if len(bs) == 0 { // Slack refuses a message of no blocks
		bs = append(bs, prose("…")...)
	}
	return bs
}

// headed returns the headline: as a header where a card follows it, which
// screen readers announce as one, and else as a bold sentence.
func headed(m chat.Message) []slack.Block {
	card := len(m.Steps)+len(m.Fields)+len(m.Details)+len(m.Buttons) > 0 || m.Table != nil || m.Image != nil
	switch {
	case m.Headline == "":
		return nil
	case card && utf8.RuneCountInString(m.Headline) <= maxHeader:
		return []slack.Block{slack.NewHeaderBlock(plain(m.Headline))}
	default:
		return []slack.Block{rich(section(bold(m.Headline)))}
	}
}

func prose(text string) []slack.Block {
	if text == "" {
		return nil
	}
	return []slack.Block{rich(section(literal(text)))}
}

func numbered(steps []string) []slack.Block {
	if len(steps) == 0 {
		return nil
	}
	l := ordered{Type: slack.RTEList, Style: slack.RTEListOrdered}
	for _, s := range steps {
		l.Elements = append(l.Elements, section(literal(filled(s))))
	}
	return []slack.Block{rich(l)}
}

// ordered is a numbered list. The library's own always sends an offset, which
// Slack's published types do not have.
type ordered struct {
	Type     slack.RichTextElementType     `json:"type"`
	Elements []slack.RichTextElement       `json:"elements"`
	Style    slack.RichTextListElementType `json:"style"`
}

// RichTextElementType implements slack.RichTextElement.
func (o ordered) RichTextElementType() slack.RichTextElementType { return o.Type }

// labelled returns fields one below the other, each on a line of its own after
// a bold label, which is how they are read on a phone. A list begins on a line
// of its own.
func labelled(fields []chat.Field) []slack.Block {
	if len(fields) == 0 {
		return nil
	}
	var es []slack.RichTextSectionElement
	for i, f := range fields {
		end := "\n"
		if i == len(fields)-1 {
			end = ""
		}
		es = append(es, bold(f.Label+":"), literal(gap(f.Shown())+f.Shown()+end))
	}
	return []slack.Block{rich(section(es...))}
}

// gap is what stands between a label and its value.
func gap(value string) string {
	if strings.Contains(value, "\n") {
		return "\n"
	}
	return " "
}

// folded returns details behind a fold that starts closed, or else in small
// print.
func folded(details []chat.Field, o options) []slack.Block {
	if len(details) == 0 {
		return nil
	}
	var bs []slack.Block
	for _, text := range packed(details) {
		if o.simple {
			bs = append(bs, small(text))
		} else {
			bs = append(bs, slack.NewSectionBlock(plain(text), nil, nil, slack.SectionBlockOptionExpand(true)))
		}
	}
	if o.simple || len(bs) > maxChildren {
		return bs
	}
	return []slack.Block{slack.NewContainerBlock(bs...).WithTitle(plain("Details")).WithCollapsible(true, true)}
}

// maxChildren is how many blocks a container may hold.
const maxChildren = 10

// packed puts fields into as few texts as can hold them, a line each. Further
// lines of a value are indented, so that none can pass for a field.
func packed(fields []chat.Field) []string {
	const indent = "\u00a0\u00a0\u00a0\u00a0"
	var texts []string
	for _, f := range fields {
		line := f.Label + ": " + strings.ReplaceAll(f.Shown(), "\n", "\n"+indent)
		if strings.Contains(line, "\n") {
			line = f.Label + ":\n" + indent + strings.ReplaceAll(f.Shown(), "\n", "\n"+indent)
		}
		line = chat.Cut(line, maxText)
		last := len(texts) - 1
		if last >= 0 && utf8.RuneCountInString(texts[last])+1+utf8.RuneCountInString(line) <= maxText {
			texts[last] += "\n" + line
		} else {
			texts = append(texts, line)
		}
	}
	return texts
}

// linked returns the links, one a line. Only https is followed.
func linked(links []chat.Link) []slack.Block {
	if len(links) == 0 {
		return nil
	}
	var es []slack.RichTextSectionElement
	for i, l := range links[:min(len(links), maxLinks)] {
		if i > 0 {
			es = append(es, literal("\n"))
		}
		if followed(l) {
			es = append(es, slack.NewRichTextSectionLinkElement(l.URL, l.Label, nil))
		} else {
			es = append(es, literal(chat.Cut(l.Label+": "+l.URL, maxLabel*2)))
		}
	}
	if more := len(links) - maxLinks; more > 0 {
		es = append(es, literal(fmt.Sprintf("\n… and %d more", more)))
	}
	return []slack.Block{rich(section(es...))}
}

func pictured(i *chat.Image, o options) []slack.Block {
	switch {
	case i == nil:
		return nil
	case o.image == "":
		return []slack.Block{small("Picture: " + i.Alt)}
	default:
		return []slack.Block{slack.NewImageBlockSlackFile(&slack.SlackFileObject{ID: o.image}, i.Alt, "", nil)}
	}
}

// filed names the file that comes with the message.
func filed(f *chat.File) []slack.Block {
	if f == nil {
		return nil
	}
	text := "File: " + f.Name
	if f.Alt != "" {
		text += " (" + f.Alt + ")"
	}
	return []slack.Block{small(text)}
}

// signed returns the small print, the request's reference first.
func signed(m chat.Message) []slack.Block {
	var parts []slack.MixedElement
	if m.Request != "" {
		parts = append(parts, plain("Request "+m.Request))
	}
	if m.Footer != "" {
		parts = append(parts, plain(m.Footer))
	}
	if len(parts) == 0 {
		return nil
	}
	return []slack.Block{slack.NewContextBlock("", parts...)}
}

func small(text string) slack.Block { return slack.NewContextBlock("", plain(chat.Cut(text, maxText))) }

func rich(es ...slack.RichTextElement) *slack.RichTextBlock {
	return slack.NewRichTextBlock("", es...)
}

func section(es ...slack.RichTextSectionElement) *slack.RichTextSection {
	return slack.NewRichTextSection(es...)
}

func literal(s string) *slack.RichTextSectionTextElement {
	return slack.NewRichTextSectionTextElement(s, nil)
}

func bold(s string) *slack.RichTextSectionTextElement {
	return slack.NewRichTextSectionTextElement(s, &slack.RichTextSectionTextStyle{Bold: true})
}

func plain(s string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, filled(s), false, false)
}

// filled returns what stands for a text that is empty, which Slack refuses.
func filled(s string) string {
	if strings.TrimSpace(s) == "" {
		return "–"
	}
	return s
}

// size counts blocks as Slack may: all of their JSON.
func size(bs []slack.Block) int { return utf8.RuneCountInString(compact(bs)) }

// compact returns a value as JSON in which no character is escaped that need not
// be. What cannot be encoded, as nothing of ours, is too large for anything.
func compact(v any) string { return encode(v, "") }

// indented is compact JSON for people to read.
func indented(v any) string { return encode(v, "  ") + "\n" }

func encode(v any, indent string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(v); err != nil {
		return strings.Repeat("?", maxSize+1)
	}
	return strings.TrimSuffix(b.String(), "\n")
}
