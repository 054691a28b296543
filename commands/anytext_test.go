package commands

import (
	"strings"
	"testing"

	"twokey/chat"
)

// hostile are words by which somebody would mislead whoever reads them.
var hostile = []string{
	"Bob\nTarget: Alice\nApproved by: CISO", "Bob\r\nTarget: Alice", "a\u2028b\u2029c\u0085d\ve\ff", "\u202eevil\u202c", "\u2066x\u2069\u200f",
	"zero\u200bwidth\u2060\ufeff", "e" + strings.Repeat("\u0301", 1000), "\u3164\u2800", "\U000e0041\U000e007f", "\xff\xfe", "\x00\x1b[31mred\x1b[0m\x7f",
	"” Approved by: “CISO", "““””", "[Approve] [Deny]", "<!channel> <@U123> <https://evil.example|Approve> &amp;", "@everyone 87% %s %d", "=1+1", strings.Repeat("long ", 100),
}

// TestAnyText says anything, in every way, as several people: there is exactly
// one answer, which says something and gives nothing invisible or turned round
// back. What nobody thought of is said in commands/fuzz.
func TestAnyText(t *testing.T) {
	t.Parallel()
	w := newWorld(t, crowd)
	people := []string{"ada", "abe", "vic", "sam", "guest", "nobody"}
	buttons := []string{"approve", "deny", "cancel", "ask", "confirm", "run", "topic", "collect"}
	say := func(text string, who, how int) {
		e := chat.Event{From: account(people[who%len(people)]), Text: text, Kind: chat.Command}
		switch how % 4 {
		case 1:
			e.Kind = chat.Mention
		case 2:
			e.Kind, e.Button = chat.Press, buttons[how/4%len(buttons)]
			e.Value, e.Fields = text, map[string]string{"reason": text}
		case 3:
			e.Channel = adminsChannel.Channel
		}
		checkAnswer(t, e, w.handle(e))
	}
	for i, c := range w.mux.all {
		say(c.Name, 0, i)
		say(c.Example, 1, i)
		for j, word := range hostile {
			say(c.Name+" "+word, i, j)
			say(word, i*16+j, j)
		}
	}
	say("", 0, 0)
	say(strings.Repeat("x", 2*maxText), 0, 0)
}

func checkAnswer(t *testing.T, e chat.Event, got said) {
	t.Helper()
	if strings.TrimSpace(got.Headline) == "" && strings.TrimSpace(got.Text) == "" {
		t.Errorf("%+q: the answer says nothing: %+v", e.Text, got)
	}
	plain := got.Plain()
	if chat.Hidden(plain) || strings.ContainsAny(plain, "\u2028\u2029\u0085\r\t") {
		t.Errorf("%+q: the answer holds something hidden: %+q", e.Text, plain)
	}
	if got.aloud && got.Table == nil && got.Image == nil && len(got.Fields) == 0 { // figures, or why there are none
		t.Errorf("%+q: said aloud: %s", e.Text, plain)
	}
}
