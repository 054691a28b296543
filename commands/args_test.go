package commands

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"

	"twokey/chat"
	"twokey/chat/phrases"
	"twokey/commands/approval"
	"twokey/commands/identity"
)

// every is all commands, as an owner who holds every role sees them.
func every(t testing.TB) []Command {
	t.Helper()
	guide, err := theGuide()
	if err != nil {
		t.Fatal(err)
	}
	return all(Env{Guide: guide}, func(identity.Speaker) []chat.CommandSpec { return nil })
}

func TestFind(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, line, want, left string }{
		{"one word", "me", "me", ""},
		{"two words", "defaults enable", "defaults enable", ""},
		{"any case", "Defaults ENABLE now", "defaults enable", "now"},
		{"what is left keeps its case", "ask Why IS it so?", "ask", "Why IS it so?"},
		{"another word behind", "status please", "status", "please"},
		{"half a command", "defaults", "", ""},
		{"half a command and something", "digest tomorrow", "", ""},
		{"only the first words count", "please status", "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			c, left, ok := find(every(t), strings.Fields(row.line))
			if c.Name != row.want || ok != (row.want != "") || strings.Join(left, " ") != row.left {
				t.Errorf("find(%q) = %q, %q, %t; want %q, %q", row.line, c.Name, left, ok, row.want, row.left)
			}
		})
	}
}

// Names of two words win over names of one.
func TestFindPrefersTwoWords(t *testing.T) {
	t.Parallel()
	both := []Command{{CommandSpec: chat.CommandSpec{Name: "goal"}}, {CommandSpec: chat.CommandSpec{Name: "goal set"}}}
	for line, want := range map[string]string{"goal set 98": "goal set", "goal 98": "goal", "goal": "goal"} {
		if c, _, _ := find(both, strings.Fields(line)); c.Name != want {
			t.Errorf("find(%q) = %q, want %q", line, c.Name, want)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, line string
		args       map[string]string
		rest       string
		say, hint  string // of the mistake
	}{
		{name: "nothing asked, nothing given", line: "status"},
		{name: "an optional choice left out", line: "setup"},
		{name: "a choice in any case", line: "setup iPhone", args: map[string]string{"device": "iphone"}},
		{name: "no such choice", line: "setup nokia", say: "“nokia” is not something “/mfa setup” knows.", hint: "Try “iphone”, “android”, “phone-only”, “nophone”, “tablet”, “passkey” or “key”."},
		{name: "one choice only", line: "preflight peace", say: "“peace” is not something “/mfa preflight” knows.", hint: "Try “defaults”, “legacy-block” or “require-mfa”."},
		{name: "a choice that is needed", line: "preflight", say: "“/mfa preflight” needs the change to look at.", hint: "Type one of these after it: “defaults”, “legacy-block” or “require-mfa”."},
		{name: "a number that is needed", line: "approve", say: "“/mfa approve” needs the number of a request, like R-ABC234.", hint: "For example: /mfa approve R-ABC234"},
		{name: "a number", line: "approve R-ABC234", args: map[string]string{"request": "R-ABC234"}},
		{name: "a number and all the rest", line: "deny R-ABC234 not this week", args: map[string]string{"request": "R-ABC234", "reason": "not this week"}},
		{name: "all the rest", line: "ask what now, then?", args: map[string]string{"question": "what now, then?"}},
		{name: "too much", line: "version please now", say: "“/mfa version” does not take “please now”.", hint: "For example: /mfa version"},
		{name: "a name of several words", line: "user Sue Ann Tanaka", say: "“/mfa user” does not take “Ann Tanaka”.", hint: "A name of several words stands in quotation marks: /mfa user “Sue Ann Tanaka”"},
		{name: "too much after a choice", line: "setup key please", say: "“/mfa setup” does not take “please”.", hint: "For example: /mfa setup iphone"},
		{name: "a change's words are its reason", line: "defaults enable all are ready", rest: "all are ready"},
		{name: "a change without a reason", line: "defaults disable"},
		{name: "what was typed is shown safely", line: "setup \u202eenohpi”", say: "“<U+202E>enohpi\"” is not something “/mfa setup” knows."},
		{name: "and cut", line: "version " + strings.Repeat("very ", 30), say: "“/mfa version” does not take “very very very very very very ver… (cut)”."},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			c, left, ok := find(every(t), strings.Fields(row.line))
			if !ok {
				t.Fatalf("no command in %q", row.line)
			}
			args, rest, err := parse(phrases.Voice{}, c, left)
			var m *mistake
			if errors.As(err, &m) != (row.say != "") {
				t.Fatalf("parse(%q): %v, want %q", row.line, err, row.say)
			}
			if m != nil {
				if m.Say() != row.say || row.hint != "" && m.Hint() != row.hint {
					t.Errorf("parse(%q) says %q, hints %q; want %q, %q", row.line, m.Say(), m.Hint(), row.say, row.hint)
				}
				return
			}
			if rest != row.rest || !maps.Equal(args, row.args) {
				t.Errorf("parse(%q) = %q, rest %q; want %q, %q", row.line, args, rest, row.args, row.rest)
			}
		})
	}
}

// A change with arguments keeps its reason apart: a first word that is none of
// the choices already belongs to the reason.
func TestParseOfChanges(t *testing.T) {
	t.Parallel()
	change := Command{
		CommandSpec: chat.CommandSpec{Name: "block", Example: "block ada", Options: []chat.Option{
			{Name: "how", Summary: "how long", Choices: []string{"today", "forever"}},
			{Name: "reason", Summary: "why", Rest: true},
		}},
		Plan: defaults(Env{}, true).Plan,
	}
	for line, want := range map[string][2]string{
		"today she left":  {"today", "she left"},
		"Forever":         {"forever", ""},
		"she left":        {"", "she left"},
		"she left today":  {"", "she left today"},
		"":                {"", ""},
		"forever forever": {"forever", "forever"},
	} {
		args, rest, err := parse(phrases.Voice{}, change, strings.Fields(line))
		if err != nil || args["how"] != want[0] || rest != want[1] {
			t.Errorf("parse(%q) = %q, %q, %v; want %q", line, args, rest, err, want)
		}
	}
}

func TestUnknown(t *testing.T) {
	t.Parallel()
	staff := slicesOf(every(t), "me", "setup", "ask", "help", "version", "requests")
	for _, row := range []struct {
		name      string
		allowed   []Command
		line      string
		say, hint string
	}{
		{"nothing like it", every(t), "frobnicate", "There is no command “frobnicate”.", "“/mfa help” lists what you can do."},
		{"a twist", every(t), "defualts enable", "There is no command “defualts”.", "Did you mean “/mfa defaults enable”?"},
		{"a twist before more words", every(t), "defualts enable all are ready", "There is no command “defualts”.", "Did you mean “/mfa defaults enable”?"},
		{"half", every(t), "defaults", "“defaults” needs one more word.", "Try “/mfa defaults enable” or “/mfa defaults disable”."},
		{"half, in capitals", every(t), "DIGEST", "“digest” needs one more word.", "Try “/mfa digest preview”, “/mfa digest now” or “/mfa digest mute”."},
		{"a second word with a slip", every(t), "defaults enabel we are ready", "There is no command “defaults enabel”.", "Did you mean “/mfa defaults enable”?"},
		{"a wrong second word", every(t), "digest tomorrow", "There is no command “digest tomorrow”.", "Try “/mfa digest preview”, “/mfa digest now” or “/mfa digest mute”."},
		{"grown together", every(t), "digestnow", "There is no command “digestnow”.", "Did you mean “/mfa digest now”?"},
		{"a short word is not just any short word", every(t), "no", "There is no command “no”.", "“/mfa help” lists what you can do."},
		{"nothing is told of what one may not", staff, "defaults", "There is no command “defaults”.", "“/mfa help” lists what you can do."},
		{"nor by a slip", staff, "statsu", "There is no command “statsu”.", "“/mfa help” lists what you can do."},
		{"hostile", every(t), "\u202eme”\x1b", "There is no command “<U+202E>me\"<U+001B>”.", "“/mfa help” lists what you can do."},
		{"long", every(t), strings.Repeat("x", 900), "There is no command “" + strings.Repeat("x", 33) + "… (cut)”.", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			m := unknown(phrases.Voice{}, row.allowed, strings.Fields(row.line))
			if m.Say() != row.say || row.hint != "" && m.Hint() != row.hint {
				t.Errorf("unknown(%q) says %q, hints %q; want %q, %q", row.line, m.Say(), m.Hint(), row.say, row.hint)
			}
		})
	}
}

func slicesOf(all []Command, names ...string) []Command {
	var some []Command
	for _, name := range names {
		c, _, _ := find(all, strings.Fields(name))
		some = append(some, c)
	}
	return some
}

// TestOneLetterTypos misses, doubles, twists and mistypes every letter of every
// command: the command is suggested, unless another one was typed.
func TestOneLetterTypos(t *testing.T) {
	t.Parallel()
	commands, typos := every(t), 0
	for _, c := range commands {
		for _, typed := range slips(c.Name) {
			words := strings.Fields(typed)
			if len(words) == 0 {
				continue
			}
			if _, _, ok := find(commands, words); ok {
				continue
			}
			typos++
			m := unknown(phrases.Voice{}, commands, words)
			if !strings.Contains(m.Hint(), "/mfa "+c.Name+"”") {
				t.Errorf("%q for %q: %s %s", typed, c.Name, m.Say(), m.Hint())
			}
		}
	}
	if typos < 300 {
		t.Errorf("tried %d typos only", typos)
	}
}

// slips are the ways to get one letter of a name wrong.
func slips(name string) []string {
	var all []string
	for i := range name {
		all = append(all, name[:i]+name[i+1:], name[:i]+"z"+name[i+1:], name[:i]+"z"+name[i:], name[:i+1]+name[i:], name+"z")
	}
	return all
}

func TestJustification(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, in, want, say string }{
		{"plain", "all have been trained", "all have been trained", ""},
		{"none", "", "", ""},
		{"nothing to see", " \t\n\u00a0\u3000", "", ""},
		{"spaces are one", "  two  spaces\tand\u00a0one\n", "two spaces and one", ""},
		{"lines become one", "first\nTarget: Bob\r\nApproved by: CISO", "first Target: Bob Approved by: CISO", ""},
		{"O37: as written", "<!channel> <@U123> <https://evil.example|Approve> &amp;", "<!channel> <@U123> <https://evil.example|Approve> &amp;", ""},
		{"per cent", "87% %s %d", "87% %s %d", ""},
		{"other scripts", "Zoë, 王, مرحبا", "Zoë, 王, مرحبا", ""},
		{"turned round", "\u202egnorw", "", "What you wrote holds invisible or direction-changing characters."},
		{"zero width", "a\u200bb", "", "What you wrote holds invisible or direction-changing characters."},
		{"terminal escape", "\x1b[31m", "", "What you wrote holds invisible or direction-changing characters."},
		{"not UTF-8", "a\xffb", "", "What you wrote holds invisible or direction-changing characters."},
		{"as long as may be", strings.Repeat("ö", maxReason), strings.Repeat("ö", maxReason), ""},
		{"too long", strings.Repeat("ö", maxReason+1), "", "What you wrote is too long: it is read on a phone, so it may have 300 characters."},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			got, err := justification(row.in)
			var m *mistake
			if errors.As(err, &m) != (row.say != "") || m != nil && m.Say() != row.say || got != row.want {
				t.Errorf("justification(%+q) = %+q, %v; want %+q, %q", row.in, got, err, row.want, row.say)
			}
			if m != nil && !strings.Contains(m.Hint(), "Nothing was recorded.") {
				t.Errorf("the hint %q does not say that nothing was recorded", m.Hint())
			}
		})
	}
}

func TestCanonical(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"R-ABC234": "R-ABC234", "r-abc234": "R-ABC234", "abc234": "R-ABC234", " R-ABC234. ": "R-ABC234", "“r-abc234”,": "R-ABC234", "": "",
		"R-ABC234.0123456789abcdef": "R-ABC234.0123456789abcdef", "R-ABC2345": "R-ABC2345", "nonsense": "NONSENSE",
	} {
		if got := canonical(in); got != want {
			t.Errorf("canonical(%q) = %q, want %q", in, got, want)
		}
	}
}

// TestFlags takes options without a place from anywhere in the line, as
// telephones spell them too, and leaves the rest as it was.
func TestFlags(t *testing.T) {
	t.Parallel()
	c := Command{
		CommandSpec: chat.CommandSpec{Name: "tap", Example: "tap sam --minutes 60", Options: []chat.Option{
			{Name: "user", Required: true},
			{Name: "minutes", Summary: "how long", Flag: true},
			{Name: "multi", Summary: "often", Flag: true, Bare: true},
			{Name: "keep", Flag: true, Choices: []string{"phone", "codes"}},
			{Name: "reason", Rest: true},
		}},
		Plan: func(context.Context, Call) (approval.Plan, error) { return approval.Plan{}, nil },
	}
	for line, want := range map[string]struct {
		args map[string]string
		rest string
	}{
		"sam":                               {map[string]string{"user": "sam"}, ""},
		"sam lost - phone -- now":           {map[string]string{"user": "sam"}, "lost - phone -- now"},
		"--minutes 30 sam lost phone":       {map[string]string{"user": "sam", "minutes": "30"}, "lost phone"},
		"sam lost —minutes=30 phone –MULTI": {map[string]string{"user": "sam", "minutes": "30", "multi": "yes"}, "lost phone"},
		"sam --keep Phone why":              {map[string]string{"user": "sam", "keep": "phone"}, "why"},
		`"Sam Rivera" lost "his" phone`:     {map[string]string{"user": "Sam Rivera"}, `lost "his" phone`},
		"“Sam Rivera” lost phone":           {map[string]string{"user": "Sam Rivera"}, "lost phone"},
		`"Sam lost phone`:                   {map[string]string{"user": `"Sam`}, "lost phone"},
	} {
		args, rest, err := parse(phrases.Voice{}, c, strings.Fields(line))
		if err != nil || !maps.Equal(args, want.args) || rest != want.rest {
			t.Errorf("%s: %v, %q, %v; want %v, %q", line, args, rest, err, want.args, want.rest)
		}
	}
	for _, line := range []string{"", "sam --minutes", "sam --multi=no", "sam --colour red", "sam --keep hats", "--minutes 5"} {
		if args, rest, err := parse(phrases.Voice{}, c, strings.Fields(line)); err == nil {
			t.Errorf("%q is taken for %v, %q", line, args, rest)
		}
	}
}
