package slack

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"twokey/chat"
	"twokey/chat/chattest"
)

// words returns n runes of text in which every piece is another.
func words(n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "w%d ", i)
	}
	return strings.TrimSpace(b.String()[:n-1]) + "."
}

func fields(n, runes int) []chat.Field {
	fs := make([]chat.Field, n)
	for i := range fs {
		fs[i] = chat.Field{Label: fmt.Sprintf("Field %d", i), Value: fmt.Sprintf("v%d ", i) + words(runes)}
	}
	return fs
}

func rows(n int) [][]string {
	out := make([][]string, n)
	for i := range out {
		out[i] = []string{fmt.Sprintf("row %d", i), "x"}
	}
	return out
}

// all returns everything that a look shows.
func all(t *testing.T, l look) string {
	t.Helper()
	var texts []string
	for _, bs := range append([][]slack.Block{l.blocks}, l.more...) {
		texts = append(texts, looked(t, bs).texts...)
	}
	return strings.Join(texts, "\n")
}

// What the capabilities promise is shown whole.
func TestCapsAreTrue(t *testing.T) {
	t.Parallel()
	c := caps()
	for name, m := range map[string]chat.Message{
		"headline": {Headline: words(c.Headline)},
		"header":   {Headline: words(maxHeader), Buttons: []chat.Button{{ID: "a", Label: "A"}}},
		"text":     {Text: words(c.Text)},
		"value":    {Fields: fields(2, c.Value-10)},
		"fields":   {Fields: fields(c.Fields, 20)},
		"details":  {Details: fields(c.Fields, 20)},
		"rows":     {Table: &chat.Table{Header: []string{"a", "b"}, Rows: rows(c.Rows)}},
		"label":    {Headline: "x", Buttons: []chat.Button{{ID: "a", Label: words(c.ButtonLabel)}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shown := all(t, render(m, options{}))
			var want []string
			want = append(want, m.Headline, m.Text)
			for _, f := range slices.Concat(m.Fields, m.Details) {
				want = append(want, f.Label+":", f.Value)
			}
			for _, b := range m.Buttons {
				want = append(want, b.Label)
			}
			if m.Table != nil {
				want = append(want, slices.Concat(m.Table.Rows...)...)
			}
			for _, w := range want {
				if !strings.Contains(shown, w) {
					t.Errorf("%.60q is not shown in %.200q", w, shown)
				}
			}
			if strings.Contains(shown, "(cut)") || strings.Contains(shown, "more\n") {
				t.Errorf("something is cut: %.300q", shown)
			}
		})
	}
	m := chat.Message{Headline: "x"}
	for i := range c.Buttons {
		m.Buttons = append(m.Buttons, chat.Button{ID: "run", Label: fmt.Sprint("B", i), Value: fmt.Sprint(i)})
	}
	if got := pressed(t, render(m, options{}).blocks); len(got) != c.Buttons {
		t.Errorf("%d of %d buttons are there", len(got), c.Buttons)
	}
}

// What is too long is cut, says so, and stays within every limit of Slack.
func TestTooLong(t *testing.T) {
	t.Parallel()
	schema := compiled(t, "slack-blocks.schema.json#/definitions/MessageBlocks")
	big := chat.Message{
		Headline: words(500), Text: words(9000), Steps: []string{words(2000), words(2000)}, Fields: fields(60, 3000), Details: fields(60, 3000),
		Table: &chat.Table{Header: []string{"a", "b"}, Rows: rows(2000)}, Footer: words(5000), Image: &chat.Image{Alt: words(5000)}, Request: "R-ABC234",
		Buttons: []chat.Button{{ID: "approve", Label: words(200)}},
	}
	wide := make([]string, 40)
	for i := range wide {
		wide[i] = words(900)
	}
	links := make([]chat.Link, 30)
	for i := range links {
		links[i] = chat.Link{Label: words(300), URL: ours + strings.Repeat("x", 2900)}
	}
	for name, m := range map[string]chat.Message{
		"headline": {Headline: big.Headline}, "text": {Text: big.Text}, "steps": {Steps: big.Steps}, "fields": {Fields: big.Fields}, "details": {Details: big.Details},
		"rows": {Table: big.Table}, "footer": {Footer: big.Footer}, "picture": {Image: big.Image}, "button": {Headline: "x", Buttons: big.Buttons}, "everything": big,
		"cells": {Table: &chat.Table{Header: wide, Rows: [][]string{wide, wide}}}, "links": {Links: links},
		"list": {Fields: []chat.Field{{Label: "To do", Value: strings.Repeat("1. Something to do.\n", 900)}}},
	} {
		for _, o := range []options{{}, {image: "F1"}, {simple: true}, {update: true}, {simple: true, update: true}} {
			l := render(m, o)
			if n := utf8.RuneCountInString(l.text); n > maxFallback {
				t.Errorf("%s: the text has %d characters", name, n)
			}
			for _, bs := range append([][]slack.Block{l.blocks}, l.more...) {
				if err := valid(schema, blocks{bs}); err != nil {
					t.Errorf("%s %+v: %v", name, o, err)
				}
				if size(bs) > maxSize || len(bs) > maxBlocks {
					t.Errorf("%s %+v: %d characters in %d blocks", name, o, size(bs), len(bs))
				}
			}
			if shown := all(t, l); !strings.Contains(shown, "… ") && !strings.Contains(shown, "(cut)") && !strings.Contains(shown, "Not shown") {
				t.Errorf("%s %+v: nothing says that it is cut: %.300q", name, o, shown)
			}
			if o.update && len(l.more) > 0 {
				t.Errorf("%s: an edit has %d messages more", name, len(l.more))
			}
		}
	}
}

// A table goes on where the message before it ended.
func TestTableGoesOn(t *testing.T) {
	t.Parallel()
	const n = 250
	m := chat.Message{Headline: "250 people", Table: &chat.Table{Header: []string{"a", "b"}, Rows: rows(n)}}
	l := render(m, options{})
	shown := all(t, l)
	for i := range n {
		if got := strings.Count(shown, fmt.Sprintf("row %d\n", i)); got != 1 {
			t.Errorf("row %d is shown %d times", i, got)
		}
	}
	if len(l.more) < 2 || !strings.Contains(strings.Join(looked(t, l.blocks).texts, "\n"), "goes on in the next message") {
		t.Errorf("%d more messages, after %q", len(l.more), looked(t, l.blocks).texts[:3])
	}
	cut := all(t, render(m, options{update: true}))
	if !strings.Contains(cut, "… and ") || strings.Contains(cut, "goes on") {
		t.Errorf("an edit does not say that it is cut: %.200q", cut)
	}
}

// pressed returns the buttons of blocks as a press of each brings them back.
func pressed(t *testing.T, bs []slack.Block) (out []chat.Button) {
	t.Helper()
	seen := map[string]bool{}
	press := func(a slack.BlockAction) {
		b, ok := buttonOf(a)
		if !ok {
			t.Errorf("%+v is none of ours", a)
		}
		out = append(out, b)
	}
	for _, block := range bs {
		actions, ok := block.(*slack.ActionBlock)
		if !ok {
			continue
		}
		for _, e := range actions.Elements.ElementSet {
			id := ""
			switch e := e.(type) {
			case *slack.ButtonBlockElement:
				id = e.ActionID
				press(slack.BlockAction{ActionID: id, Value: e.Value, Text: *e.Text})
			case *slack.OverflowBlockElement:
				id = e.ActionID
				for _, o := range e.Options {
					press(slack.BlockAction{ActionID: id, SelectedOption: *o})
				}
			}
			if seen[id] {
				t.Errorf("the action ID %q is there twice", id)
			}
			seen[id] = true
		}
	}
	return out
}

// A pressed button comes back as it was, with its form.
func TestButtonsComeBack(t *testing.T) {
	t.Parallel()
	for _, f := range chattest.Fixtures() {
		for i, b := range pressed(t, render(f.Message, options{}).blocks) {
			want := f.Message.Buttons[i]
			want.Style, want.Label = chat.Plain, chat.Safe(want.Label, 0)
			if b.ID != want.ID || b.Value != want.Value || b.Label != want.Label || !slices.Equal(b.Form, want.Form) {
				t.Errorf("%s: %+v came back as %+v", f.Name, want, b)
			}
		}
	}
	for _, id := range []string{"", "x", "twokey", "twokey:", "twokey::", "twokey::0", "twokey::0:form", "other:approve:0", "twokey:approve:0:form"} {
		if b, ok := buttonOf(slack.BlockAction{ActionID: id, Value: "{"}); ok {
			t.Errorf("%q is taken for %+v", id, b)
		}
	}
}

// A locked screen shows neither whom a request is about nor a pass.
func TestNoticeIsAllThatIsTold(t *testing.T) {
	t.Parallel()
	for _, f := range chattest.Fixtures() {
		if f.Message.Notice == "" {
			continue
		}
		if l := render(f.Message, options{}); l.text != f.Message.Notice {
			t.Errorf("%s: the text is %q", f.Name, l.text)
		}
	}
	if l := render(chat.Message{Headline: "Your pass", Fields: []chat.Field{{Label: "Pass", Value: "7Xk&q<2*"}}, Secret: true}, options{}); strings.Contains(l.text, "7Xk") {
		t.Errorf("the text of a secret is %q", l.text)
	}
}

// A picture that could not be uploaded is told in words.
func TestPictureInWords(t *testing.T) {
	t.Parallel()
	m := chat.Message{Headline: "x", Image: &chat.Image{Alt: "W47 50 %"}}
	if shown := looked(t, render(m, options{}).blocks); !slices.Contains(shown.texts, "Picture: W47 50 %") {
		t.Errorf("shown: %q", shown.texts)
	}
	with := looked(t, render(m, options{image: "F1"}).blocks)
	if !slices.Contains(with.types, "image") || !slices.Contains(with.texts, "W47 50 %") {
		t.Errorf("shown: %q %q", with.types, with.texts)
	}
}

// A message is never empty: Slack refuses one that is.
func TestEmptyMessage(t *testing.T) {
	t.Parallel()
	for _, m := range []chat.Message{{}, {Text: " \n "}, {Headline: "\t"}, {Table: &chat.Table{}}, {Fields: []chat.Field{{}}}, {Steps: []string{""}}, {Buttons: []chat.Button{{}}}} {
		l := render(m, options{})
		if len(l.blocks) == 0 || strings.TrimSpace(l.text) == "" {
			t.Errorf("%+v is shown as %q and %d blocks", m, l.text, len(l.blocks))
		}
	}
}

func TestHomeIsCut(t *testing.T) {
	t.Parallel()
	ms := make([]chat.Message, 60)
	for i := range ms {
		ms[i] = chat.Message{Headline: fmt.Sprintf("Message %d", i), Text: words(500), Buttons: []chat.Button{{ID: "approve", Label: "Approve", Value: fmt.Sprint(i)}}}
	}
	v := home(ms)
	if err := valid(compiled(t, "slack-blocks.schema.json#/definitions/HomeView"), v); err != nil {
		t.Fatal(err)
	}
	shown := looked(t, v.Blocks.BlockSet).texts
	last := shown[len(shown)-1]
	n := len(pressed(t, v.Blocks.BlockSet))
	if want := fmt.Sprintf("… and %d more", len(ms)-n); !strings.HasPrefix(last, want) {
		t.Errorf("%d messages are shown, and then %q", n, last)
	}
	if v := home(nil); len(v.Blocks.BlockSet) != 1 {
		t.Errorf("nothing is shown as %d blocks", len(v.Blocks.BlockSet))
	}
}

func BenchmarkRender(b *testing.B) {
	for _, f := range chattest.Fixtures() {
		b.Run(f.Name, func(b *testing.B) {
			for b.Loop() {
				render(f.Message, options{})
			}
		})
	}
}

// Only https is followed, and nothing that hides where it leads.
func TestOnlyHTTPSIsFollowed(t *testing.T) {
	t.Parallel()
	for url, follows := range map[string]bool{
		ours: true, "HTTPS://ours.example/": true, "http://ours.example/": false, "javascript:alert(1)": false, "slack://open": false,
		"https://": false, "https://me@ours.example/": false, "ours.example": false, "": false, ours + strings.Repeat("x", maxURL): false,
	} {
		l := render(chat.Message{Headline: "x", Links: []chat.Link{{Label: "Guide", URL: url}}}, options{})
		got := looked(t, l.blocks)
		if followed := len(got.links) > 0; followed != follows || strings.Contains(l.text, "<") != follows {
			t.Errorf("%.60q is followed: %t, in the text %q", url, followed, l.text)
		}
		if !strings.Contains(strings.Join(got.texts, "\n"), "Guide") {
			t.Errorf("%.60q: the label is not shown", url)
		}
	}
}
