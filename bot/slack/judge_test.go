package slack

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"twokey/chat/hostile"
)

// ours is the only address that a message of a hostile test may lead to.
const ours = "https://ours.example/guide?a=1&b=2"

// inertTypes are the types of everything that a message, a form or the home tab
// may hold. Neither a text that Slack parses (mrkdwn, markdown) is among them,
// nor a mention (user, usergroup, channel, broadcast, team), an emoji or a date.
var inertTypes = strings.Fields(`header section context actions image divider table container rich_text input modal home
	plain_text raw_text text link rich_text_section rich_text_list rich_text_preformatted button overflow plain_text_input`)

// seen is what a judge finds in something that is sent to Slack.
type seen struct {
	types []string // of everything, in order
	texts []string // everything that is shown, in order
	bold  []string
	links []string
	wrong []string
}

func (s *seen) say(format string, args ...any) {
	s.wrong = append(s.wrong, fmt.Sprintf(format, args...))
}

// looked returns what is in a value as Slack gets it. It knows the format alone
// and nothing of how it was made.
func looked(t testing.TB, v any) *seen {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var decoded any
	if err := json.Unmarshal(data, &decoded); err != nil {
		t.Fatal(err)
	}
	s := &seen{}
	s.walk(decoded)
	return s
}

func (s *seen) walk(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			s.walk(e)
		}
	case map[string]any:
		s.object(v)
		for _, key := range sortedKeys(v) {
			s.walk(v[key])
		}
	}
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func (s *seen) object(o map[string]any) {
	kind, typed := o["type"].(string)
	if !typed {
		return
	}
	s.types = append(s.types, kind)
	if !slices.Contains(inertTypes, kind) {
		s.say("a %s", kind)
	}
	if kind == "plain_text" && o["emoji"] != false {
		s.say("a text with emoji")
	}
	if kind == "link" {
		s.links = append(s.links, o["url"].(string))
	}
	for _, key := range []string{"text", "alt_text", "accessibility_label"} {
		if text, ok := o[key].(string); ok {
			s.shown(text)
		}
	}
	if style, ok := o["style"].(map[string]any); ok && style["bold"] == true {
		s.bold = append(s.bold, o["text"].(string))
	}
}

func (s *seen) shown(text string) {
	s.texts = append(s.texts, text)
	for line := range strings.SplitSeq(text, "\n") {
		if why := hostile.Hides(line); why != "" {
			s.say("%s in %+q", why, line)
		}
	}
}

// What Slack would make something of in the text beside the blocks.
var (
	control   = regexp.MustCompile(`<[^<>]*>|[<>]`)
	entity    = regexp.MustCompile(`&(amp|lt|gt);|&`)
	address   = regexp.MustCompile(`(?i)(https?://|mailto:|tel:)\S`)
	emojiName = regexp.MustCompile(`:[\pL\pN_+'-]*[\pL_+][\pL\pN_+'-]*:`)
)

// followedIn returns what is wrong with a text that Slack parses: anything that
// it would follow, ping or draw, but for links to the one address of ours.
func followedIn(text string) string {
	const link = "<https://ours.example/guide?a=1&amp;b=2|"
	for _, c := range control.FindAllString(text, -1) {
		if !strings.HasPrefix(c, link) {
			return fmt.Sprintf("%q is parsed", c)
		}
	}
	rest := strings.ReplaceAll(text, link, "")
	if strings.Contains(strings.Join(entity.FindAllString(rest, -1), ""), "&&") || strings.HasSuffix(rest, "&") {
		return "a bare &"
	}
	for _, e := range entity.FindAllString(rest, -1) {
		if e == "&" {
			return "a bare &"
		}
	}
	if a := address.FindString(rest); a != "" {
		return fmt.Sprintf("%q is followed", a)
	}
	if e := emojiName.FindString(rest); e != "" {
		return fmt.Sprintf("%q is drawn", e)
	}
	if n := utf8.RuneCountInString(text); n > 4000 || n == 0 {
		return fmt.Sprintf("%d characters", n)
	}
	for line := range strings.SplitSeq(text, "\n") {
		if why := hostile.Hides(line); why != "" {
			return fmt.Sprintf("%s in %+q", why, line)
		}
	}
	return ""
}

// The judge must condemn what it is there for.
func TestJudge(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"<!channel>", "<@U1>", "<https://evil.example|x>", "a & b", "a &lt b", "&", "https://evil.example", "MAILTO:a@b", ":x:", "12:+1:", "a\u202e", "<", ">", "", strings.Repeat("a", 4001)} {
		if followedIn(text) == "" {
			t.Errorf("nothing is found in %.20q", text)
		}
	}
	for _, text := range []string{"&lt;!channel&gt; &amp;", "at 11:15:00 CET: done", "<https://ours.example/guide?a=1&amp;b=2|Guide>", "https: //evil.example", "**x** `y`"} {
		if why := followedIn(text); why != "" {
			t.Errorf("%s in %q", why, text)
		}
	}
	mention := slack.NewRichTextBlock("", slack.NewRichTextSection(slack.NewRichTextSectionUserElement("U1", nil)))
	for _, b := range []slack.Block{
		slack.NewSectionBlock(slack.NewTextBlockObject(slack.MarkdownType, "x", false, true), nil, nil),
		slack.NewSectionBlock(slack.NewTextBlockObject(slack.PlainTextType, "x", true, false), nil, nil),
		mention, slack.NewMarkdownBlock("", "x"),
		slack.NewRichTextBlock("", slack.NewRichTextSection(slack.NewRichTextSectionEmojiElement("x", 0, nil))),
		slack.NewRichTextBlock("", slack.NewRichTextSection(slack.NewRichTextSectionBroadcastElement("channel"))),
		slack.NewHeaderBlock(slack.NewTextBlockObject(slack.PlainTextType, "a\u202e", false, false)),
	} {
		if len(looked(t, b).wrong) == 0 {
			t.Errorf("nothing is wrong with %+v", b)
		}
	}
}
