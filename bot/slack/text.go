package slack

import (
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"twokey/chat"
)

// cleaned returns m with every text as it can be shown, whoever made it: no
// character that hides, stacks or changes the order, and nothing longer than
// its place. Line breaks stay where a part may have several lines.
func cleaned(m chat.Message) chat.Message {
	m.Notice, m.Headline = chat.Safe(m.Notice, maxLabel*2), chat.Safe(m.Headline, 0)
	m.Text, m.Steps = lines(m.Text), cleanedSteps(m.Steps)
	m.Fields, m.Details = cleanedFields(m.Fields), cleanedFields(m.Details)
	m.Table = cleanedTable(m.Table)
	m.Links = cleanedLinks(m.Links)
	if m.Image != nil {
		image := *m.Image
		image.Alt = filled(chat.Cut(lines(image.Alt), maxAlt))
		m.Image = &image
	}
	m.Footer, m.Request = chat.Cut(lines(m.Footer), maxFooter), chat.Safe(m.Request, maxLabel)
	if m.File != nil {
		file := *m.File
		file.Name, file.Alt = file.Shown(), chat.Safe(file.Alt, maxCell)
		m.File = &file
	}
	m.Buttons = cleanedButtons(m.Buttons)
	return m
}

// lines returns text of several lines with each of them safe.
func lines(s string) string {
	all := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	for i, line := range all {
		all[i] = chat.Safe(line, 0)
	}
	return strings.TrimSpace(strings.Join(all, "\n"))
}

func cleanedSteps(steps []string) []string {
	out := make([]string, len(steps))
	for i, s := range steps {
		out[i] = chat.Safe(s, 0)
	}
	return out
}

func cleanedFields(fields []chat.Field) []chat.Field {
	out := make([]chat.Field, len(fields))
	for i, f := range fields {
		f.Label = filled(chat.Safe(f.Label, maxLabel))
		if !f.Quoted { // a quotation is made safe where it is shown
			f.Value = lines(f.Value)
		}
		out[i] = f
	}
	return out
}

func cleanedLinks(links []chat.Link) []chat.Link {
	out := make([]chat.Link, len(links))
	for i, l := range links {
		out[i] = chat.Link{Label: filled(chat.Safe(l.Label, maxLabel)), URL: chat.Safe(l.URL, 0)}
	}
	return out
}

// followed reports whether a link is one that we make: https, whole, and within
// what Slack takes.
func followed(l chat.Link) bool {
	u, err := url.Parse(l.URL)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil && utf8.RuneCountInString(l.URL) <= maxURL
}

// fallback returns the text that stands beside the blocks of a cleaned message:
// what a notification and a screen reader get. Where nobody's name may stand
// on a locked screen, or the message is a secret, it is the notice alone.
func fallback(m chat.Message) string {
	if m.Notice != "" || m.Secret {
		return cutEscaped(inert(filled(m.Notification())), maxFallback)
	}
	links := m.Links
	m.Links = nil
	text := cutEscaped(inert(chat.Cut(filled(m.Plain()), maxFallback)), maxFallback)
	for _, l := range links {
		line := "\n" + reference(l)
		if followed(l) && utf8.RuneCountInString(text+line) <= maxFallback {
			text += line
		}
	}
	return text
}

// reference is a link of ours in Slack's markup. An address cannot hold what
// would end it early.
func reference(l chat.Link) string {
	address := strings.NewReplacer("<", "%3C", ">", "%3E", "|", "%7C", "&", "&amp;").Replace(l.URL)
	return "<" + address + "|" + inert(l.Label) + ">"
}

// inert returns text in which Slack finds nothing to follow, to ping or to
// draw: its three control characters are escaped, and what would be an address
// or an emoji by its code is parted after the colon.
func inert(s string) string {
	if strings.Contains(s, ":") { // most texts have none, and looking for either costs more than all else
		s = scheme.ReplaceAllString(s, "$1: $2")
		for emojiCode.MatchString(s) { // one colon may end a code and begin the next
			s = emojiCode.ReplaceAllString(s, ": $1")
		}
	}
	return escape.Replace(s)
}

var (
	escape    = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	scheme    = regexp.MustCompile(`(?i)(https?|ftps?|slack|mailto|tel|sms):(\S)`)
	emojiCode = regexp.MustCompile(`:((?:[\pL\pN_+'-]*[\pL_+'-][\pL\pN_+'-]*|100|1234):)`) // a time of day is none
)

// cutEscaped cuts escaped text to limit characters as Slack counts them, never
// within an escape, and says so.
func cutEscaped(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	const mark = "… (cut)"
	kept := string([]rune(s)[:limit-utf8.RuneCountInString(mark)])
	if at := strings.LastIndexByte(kept, '&'); at >= 0 && !strings.Contains(kept[at:], ";") {
		kept = kept[:at]
	}
	return kept + mark
}
