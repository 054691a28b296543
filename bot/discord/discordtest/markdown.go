package discordtest

import (
	"regexp"
	"strings"
)

// reading is what somebody reads in a message: its words, and what the words
// lead to.
type reading struct {
	plain []string
	pings []string
	links []string
}

func (r *reading) message(m *message) {
	r.markdown(text(m.body, "content"), "")
	embeds, _ := m.body["embeds"].([]any)
	for _, e := range embeds {
		o := e.(object)
		r.markdown(text(o, "title"), "")
		if u := text(o, "url"); u != "" {
			r.links = append(r.links, u)
		}
		r.markdown(text(o, "description"), "")
		fields, _ := o["fields"].([]any)
		for _, f := range fields {
			r.markdown(text(f.(object), "name"), "")
			r.markdown(text(f.(object), "value"), "")
		}
		if footer, ok := o["footer"].(object); ok {
			r.add(text(footer, "text")) // Discord reads no markup there
		}
	}
	for _, f := range m.files {
		r.add(f.alt)
	}
}

func (r *reading) add(s string) {
	if s != "" {
		r.plain = append(r.plain, s)
	}
}

// What Discord makes of text, in the order in which it looks for it. A
// backslash keeps the next sign of punctuation from meaning anything.
var (
	fence     = regexp.MustCompile("^```(?:[a-z0-9_+.#-]*\n)?([\\s\\S]*?)```")
	code      = regexp.MustCompile("^(`+)([\\s\\S]*?[^`])(`+)")
	escaped   = regexp.MustCompile("^\\\\([!-/:-@\\[-`{-~])")
	mention   = regexp.MustCompile(`^(?:<(?:@[!&]?|#)\d+>|<id:\w+>|@everyone|@here)`)
	special   = regexp.MustCompile(`^(?:<t:-?\d+(?::[tTdDfFR])?>|<a?:\w+:\d+>|</[^>]+:\d+>)`)
	masked    = regexp.MustCompile(`^\[([^\[\]]+)\]\(\s*<?([^\s)>]+)>?[^)]*\)`)
	address   = regexp.MustCompile(`^<?((?:https?|steam|discord)://[^\s<]+[^<.,:;"')\]\s])>?`)
	mail      = regexp.MustCompile(`^<(?:mailto:|tel:|\+)?[^\s<>@]*@?[^\s<>]+\.[^\s<>]+>`)
	invite    = regexp.MustCompile(`^(?:discord\.gg|discord(?:app)?\.com/invite)/[\w-]+`)
	emphasis  = regexp.MustCompile(`^(?:\*\*\*?|__|~~|\|\||\*|_)`)
	lineBegin = regexp.MustCompile(`^(?:-# |#{1,3} |>>> |> |\s*[-*] )`)
)

// markdown reads text as Discord's clients do.
func (r *reading) markdown(s, _ string) {
	var b strings.Builder
	for at := 0; at < len(s); {
		rest := s[at:]
		begins := at == 0 || s[at-1] == '\n'
		word := at > 0 && isWord(s[at-1])
		take := func(re *regexp.Regexp) []string { return re.FindStringSubmatch(rest) }
		switch {
		case take(escaped) != nil:
			b.WriteString(rest[1:2])
			at += 2
		case take(fence) != nil:
			m := take(fence)
			b.WriteString(m[1])
			at += len(m[0])
		case take(code) != nil && len(take(code)[1]) == len(take(code)[3]):
			m := take(code)
			b.WriteString(m[2])
			at += len(m[0])
		case begins && take(lineBegin) != nil:
			at += len(take(lineBegin)[0])
		case take(mention) != nil, take(special) != nil:
			m := take(mention)
			if m == nil {
				m = take(special)
			}
			r.pings = append(r.pings, m[0])
			b.WriteString(m[0])
			at += len(m[0])
		case take(masked) != nil:
			m := take(masked)
			r.links = append(r.links, m[2])
			b.WriteString(unescape(m[1]))
			at += len(m[0])
		case take(address) != nil:
			m := take(address)
			r.links = append(r.links, m[1])
			b.WriteString(m[0])
			at += len(m[0])
		case take(mail) != nil, !word && take(invite) != nil:
			m := take(mail)
			if m == nil {
				m = take(invite)
			}
			r.links = append(r.links, m[0])
			b.WriteString(m[0])
			at += len(m[0])
		case take(emphasis) != nil && (rest[0] != '_' || !word):
			at += len(take(emphasis)[0])
		default:
			b.WriteByte(s[at])
			at++
		}
	}
	r.add(b.String())
}

func isWord(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

var backslash = regexp.MustCompile("\\\\([!-/:-@\\[-`{-~])")

func unescape(s string) string { return backslash.ReplaceAllString(s, "$1") }
