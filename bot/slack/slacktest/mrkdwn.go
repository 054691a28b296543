package slacktest

import (
	"regexp"
	"slices"
	"strings"
)

// reading is what a message's text means to Slack.
type reading struct {
	plain []string // what is read, line by line
	pings []string // "<!channel>", "<@U1>", "<!subteam^S1>"
	links []string // addresses; "#C1" for a channel
}

var (
	sequence = regexp.MustCompile(`<([^<>\n]+)>`)
	address  = regexp.MustCompile(`(?i)\b(?:https?://|www\.)[^\s<>|)]+`)
	shout    = regexp.MustCompile(`(?:^|[^\w@])@(channel|here|everyone)\b`)
	entities = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")
	inMarkup = regexp.MustCompile(`\]\(([^()\s]+)\)`)
)

// mrkdwn reads text as Slack reads mrkdwn: sequences in angle brackets wherever
// they stand, code included, and, unless it is verbatim, addresses and names
// that stand there openly.
func (r *reading) mrkdwn(text string, verbatim bool) {
	rest := sequence.ReplaceAllStringFunc(text, func(s string) string {
		body, label, _ := strings.Cut(s[1:len(s)-1], "|")
		switch {
		case strings.HasPrefix(body, "!"):
			name, _, _ := strings.Cut(body[1:], "^")
			if slices.Contains([]string{"channel", "here", "everyone", "subteam"}, name) {
				r.pings = append(r.pings, "<"+body+">")
			}
		case strings.HasPrefix(body, "@"):
			r.pings = append(r.pings, "<"+body+">")
		case strings.HasPrefix(body, "#"):
			r.links = append(r.links, body)
		case strings.Contains(body, ":"):
			r.links = append(r.links, entities.Replace(body))
		default:
			return s
		}
		return or(label, body)
	})
	if !verbatim {
		outside := sequence.ReplaceAllString(text, " ")
		for _, a := range address.FindAllString(outside, -1) {
			r.links = append(r.links, entities.Replace(a))
		}
		for _, m := range shout.FindAllStringSubmatch(outside, -1) {
			r.pings = append(r.pings, "<!"+m[1]+">")
		}
	}
	r.say(entities.Replace(rest))
}

func (r *reading) say(line string) {
	if line != "" {
		r.plain = append(r.plain, line)
	}
}

// blocks reads blocks in the order in which they are shown.
func (r *reading) blocks(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			r.blocks(e)
		}
	case object:
		r.object(v)
	}
}

// order is where the parts of an object come that are shown.
var order = []string{"title", "label", "text", "fields", "rows", "elements", "element", "hint", "accessory", "alt_text", "body", "subtitle", "blocks", "child_blocks", "actions"}

func (r *reading) object(o object) {
	text, _ := o["text"].(string)
	url, _ := o["url"].(string)
	kind, _ := o["type"].(string)
	switch kind {
	case "mrkdwn":
		verbatim, _ := o["verbatim"].(bool)
		r.mrkdwn(text, verbatim)
		return
	case "markdown":
		for _, m := range inMarkup.FindAllStringSubmatch(text, -1) {
			r.links = append(r.links, m[1])
		}
		r.mrkdwn(text, false)
		return
	case "rich_text_section", "rich_text_preformatted", "rich_text_quote":
		r.section(o)
		return
	case "button", "link", "url":
		if url != "" {
			r.links = append(r.links, url)
		}
	case "user":
		r.pings = append(r.pings, "<@"+text0(o, "user_id")+">")
	case "usergroup":
		r.pings = append(r.pings, "<!subteam^"+text0(o, "usergroup_id")+">")
	case "broadcast":
		r.pings = append(r.pings, "<!"+text0(o, "range")+">")
	case "channel":
		r.links = append(r.links, "#"+text0(o, "channel_id"))
	}
	for _, name := range []string{"image_url", "video_url", "title_url"} {
		if address := text0(o, name); address != "" {
			r.links = append(r.links, address)
		}
	}
	for _, name := range order {
		if s, ok := o[name].(string); ok {
			r.say(s)
			continue
		}
		r.blocks(o[name])
	}
}

// section reads one line of rich text, whose elements stand beside each other.
func (r *reading) section(o object) {
	inner := reading{}
	inner.blocks(o["elements"])
	r.pings = append(r.pings, inner.pings...)
	r.links = append(r.links, inner.links...)
	r.say(strings.Join(inner.plain, ""))
}

func text0(o object, name string) string {
	s, _ := o[name].(string)
	return s
}
