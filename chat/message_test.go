package chat

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"twokey/chat/hostile"
)

// whole is a message with every part.
func whole() Message {
	return Message{
		Headline: "Ada asks to turn security defaults on.",
		Text:     "First paragraph.\n\nSecond paragraph.",
		Steps:    []string{"Open the app.", "Tap the plus."},
		Fields:   []Field{{Label: "Target", Value: "Contoso"}, {Label: "Why", Value: "because", Quoted: true}},
		Table:    &Table{Header: []string{"Name", "State"}, Rows: [][]string{{"Zoë", "on"}, {"Bartholomew", "off"}}},
		Details:  []Field{{Label: "Undo", Value: "turn them off"}, {Label: "Title", Value: "boss", Quoted: true}},
		Links:    []Link{{Label: "Guide", URL: "https://example.org/a"}},
		Image:    &Image{Name: "trend.png", PNG: []byte{1}, Alt: "240 people, 87% registered"},
		File:     &File{Name: "missing.csv", Media: "text/csv", Data: []byte("a,b"), Alt: "who is missing"},
		Footer:   "As of 09:00. Only you can see this.",
		Buttons:  []Button{{ID: "approve", Label: "Approve"}, {ID: "deny", Label: "Deny", Style: Danger}},
		Request:  "R-ABC234",
	}
}

func TestPlain(t *testing.T) {
	t.Parallel()
	const want = `Ada asks to turn security defaults on.

First paragraph.

Second paragraph.

1. Open the app.
2. Tap the plus.

Target: Contoso
Why: “because”

Name         State
Zoë          on
Bartholomew  off

Undo: turn them off
Title: “boss”

Guide: https://example.org/a

[picture: 240 people, 87% registered]

[file: missing.csv]

As of 09:00. Only you can see this.

Request R-ABC234

[Approve] [Deny]`
	if got := whole().Plain(); got != want {
		t.Errorf("Plain =\n%s\nwant\n%s", got, want)
	}
	if got := (Message{}).Plain(); got != "" {
		t.Errorf("Plain of nothing = %q", got)
	}
}

func TestPlainOfUnevenTables(t *testing.T) {
	t.Parallel()
	for name, table := range map[string]*Table{
		"none":        nil,
		"no header":   {Rows: [][]string{{"a"}}},
		"short row":   {Header: []string{"a", "b"}, Rows: [][]string{{"x"}, {}}},
		"long row":    {Header: []string{"a"}, Rows: [][]string{{"x", "y", "z"}}},
		"header only": {Header: []string{"a"}},
	} {
		lines := 0
		if table != nil && len(table.Header) > 0 {
			lines = 1 + len(table.Rows)
		}
		got := Message{Table: table}.Plain()
		if n := len(strings.Split(got, "\n")); got != "" && n != lines || got == "" && lines > 0 {
			t.Errorf("%s: %q, want %d lines", name, got, lines)
		}
	}
}

func TestShownQuoted(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"why not":                        "“why not”",
		"":                               "“”",
		"line\nTarget: Bob":              "“line Target: Bob”",
		"a\u2028b\u0085c\v\fd":           "“a b c d”",
		"done” Approved by: “CISO":       `“done" Approved by: "CISO”`,
		"\u202eabc":                      "“<U+202E>abc”",
		"  many   spaces ":               "“many spaces”",
		"87% and <@U1>":                  "“87% and <@U1>”",
		"not \xff UTF-8":                 "“not \ufffd UTF-8”",
		"[Approve]\n\n[Deny]\r\n1. step": "“[Approve] [Deny] 1. step”",
	} {
		if got := (Field{Value: in, Quoted: true}).Shown(); got != want {
			t.Errorf("Shown(%+q) = %+q, want %+q", in, got, want)
		}
	}
	if got := (Field{Value: "ours\n“as it is”"}).Shown(); got != "ours\n“as it is”" {
		t.Errorf("Shown of our own value = %q", got)
	}
}

func TestNotification(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		m    Message
		want string
	}{
		{"notice", Message{Notice: "A request waits.", Headline: "Reset Zoë"}, "A request waits."},
		{"headline", Message{Headline: "Reset Zoë", Text: "x"}, "Reset Zoë"},
		{"text", Message{Text: "first\nsecond"}, "first"},
		{"nothing", Message{}, ""},
	} {
		if got := row.m.Notification(); got != row.want {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
}

// checkQuoted puts hostile words into quoted fields and cells: the plain twin
// must have as many lines as with harmless ones, each beginning as before, and
// none that hides something.
func checkQuoted(t *testing.T, first, second string) {
	t.Helper()
	harmless, m := whole(), whole()
	m.Fields[1].Value, m.Details[1].Value, m.Table.Rows[1][1] = first, second, second
	want, got := strings.Split(harmless.Plain(), "\n"), strings.Split(m.Plain(), "\n")
	if len(got) != len(want) {
		t.Fatalf("%+q and %+q: %d lines, want %d:\n%+q", first, second, len(got), len(want), got)
	}
	for i, line := range got {
		if why := hostile.Hides(line); why != "" {
			t.Errorf("%+q and %+q: line %d holds %s: %+q", first, second, i, why, line)
		}
		label, _, quoted := strings.Cut(want[i], "“")
		if strings.HasPrefix(want[i], "Bartholomew") {
			if !strings.HasPrefix(line, "Bartholomew  ") {
				t.Errorf("%+q: the row of the cell is %+q", second, line)
			}
			continue
		}
		if !quoted && line != want[i] {
			t.Errorf("%+q: line %d is %+q, want %q", first, i, line, want[i])
		}
		inside, closed := strings.CutSuffix(strings.TrimPrefix(line, label+"“"), "”")
		if quoted && (!closed || strings.ContainsAny(inside, "“”")) {
			t.Errorf("%+q: the quotation is broken out of: %+q", first, line)
		}
	}
}

func TestG21PlainTwinOfHostileText(t *testing.T) {
	t.Parallel()
	const texts = 100_000
	for _, s := range hostile.Words {
		checkQuoted(t, s, s)
	}
	r := rand.New(rand.NewPCG(21, 2))
	for range texts / 2 {
		checkQuoted(t, hostile.Text(r), hostile.Text(r))
		if t.Failed() {
			return
		}
	}
}

// A file has a name that hides nothing and stands in no folder, whoever named it.
func TestG21FileNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"missing 2026-11-23.csv": "missing 2026-11-23.csv", "../../etc/passwd": "_.._etc_passwd", `C:\x.csv`: "C__x.csv", "a\u202evsc.exe": "a<U+202E>vsc.exe",
		"": "file", "..": "file", " .x": "x", "a\nb.csv": "a b.csv", "Zoë.csv": "Zoë.csv",
		strings.Repeat("x", 200) + ".csv": strings.Repeat("x", 115) + "….csv", "a." + strings.Repeat("x", 200): "a." + strings.Repeat("x", 117) + "…",
	} {
		if got := (File{Name: name}).Shown(); got != want {
			t.Errorf("%q is shown as %q, want %q", name, got, want)
		}
	}
	r := rand.New(rand.NewPCG(21, 5))
	for range 20_000 {
		name := File{Name: hostile.Text(r)}.Shown()
		if why := hostile.Hides(name); why != "" || name == "" || strings.ContainsAny(name, `/\:`) || strings.HasPrefix(name, ".") || utf8.RuneCountInString(name) > 120 {
			t.Fatalf("%q: %s", name, why)
		}
	}
}

func FuzzQuoted(f *testing.F) {
	for i, s := range hostile.Words {
		f.Add(s, hostile.Words[len(hostile.Words)-1-i])
	}
	f.Fuzz(checkQuoted)
}

func ExampleMessage_Plain() {
	m := Message{
		Headline: "Bea asks to reset Zoë.",
		Fields:   []Field{{Label: "Why", Value: "lost phone\nTarget: everybody", Quoted: true}},
		Buttons:  []Button{{ID: "approve", Label: "Approve"}},
	}
	fmt.Println(m.Plain())
	// Output:
	// Bea asks to reset Zoë.
	//
	// Why: “lost phone Target: everybody”
	//
	// [Approve]
}
