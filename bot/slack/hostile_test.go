package slack

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"twokey/chat"
	"twokey/chat/hostile"
)

// hostileCard is a message with a hostile text wherever one may come from
// outside, and in places where none may. What is cut only together is short.
func hostileCard(text func() string) chat.Message {
	short := func() string { return "x" + chat.Cut(text(), 25) }
	return chat.Message{
		Headline: "x" + text(), Text: short(), Steps: []string{short(), short()},
		Fields:  []chat.Field{{Label: "Why", Value: text(), Quoted: true}, {Label: "Target", Value: text()}},
		Table:   &chat.Table{Header: []string{"Name", "State"}, Rows: [][]string{{text(), text()}, {"Zoë", text()}}},
		Details: []chat.Field{{Label: "Title", Value: text(), Quoted: true}, {Label: "Undo", Value: "turn it off"}},
		Links:   []chat.Link{{Label: text(), URL: ours}},
		Image:   &chat.Image{Name: "chart.png", Alt: text()},
		File:    &chat.File{Name: text(), Alt: "x" + text()},
		Footer:  "x" + text(),
		Buttons: []chat.Button{
			{ID: "approve", Label: text(), Style: chat.Primary},
			{ID: "deny", Label: "Deny", Form: []chat.FormField{{ID: "reason", Label: text()}, {ID: "note", Label: text(), Required: true, MaxRunes: 20}}},
		},
		Request: "R-ABC234",
	}
}

// textsOfACard is how many hostile texts are in one.
const textsOfACard = 19

// harmless is a card of which nobody is misled, and that is shown like m: a
// headline that is too long for a header is bold.
func harmless(m chat.Message) chat.Message {
	h := hostileCard(func() string { return "x" })
	h.Headline = strings.Repeat("x", utf8.RuneCountInString(cleaned(m).Headline))
	return h
}

// hostileTexts returns the corpus, each word of it first, and then texts without end.
func hostileTexts(seed uint64) func() string {
	r := rand.New(rand.NewPCG(21, seed))
	each := slices.Clone(hostile.Words)
	return func() string {
		if len(each) > 0 {
			w := each[0]
			each = each[1:]
			return w
		}
		return hostile.Text(r)
	}
}

// many is how many texts are tried: a tenth of n where the test is to be short.
func many(n int) int {
	if testing.Short() {
		return n / 10
	}
	return n
}

// O37: whatever people and things of the tenant are called, what is sent to
// Slack pings nobody, leads nowhere but to us, draws no emoji, hides nothing,
// and has the same parts and the same bold labels as with harmless names.
func TestO37HostileTextOnSlack(t *testing.T) {
	t.Parallel()
	texts := many(100_000)
	schema := compiled(t, "slack-blocks.schema.json#/definitions/MessageBlocks")
	for i, o := range []options{{image: "F1"}, {simple: true}, {update: true}} {
		t.Run(fmt.Sprintf("%+v", o), func(t *testing.T) {
			t.Parallel()
			text := hostileTexts(uint64(i))
			for n := 0; n < texts/3; n += textsOfACard {
				m := hostileCard(text)
				l := render(m, o)
				got := looked(t, l.blocks)
				if why := misled(got, looked(t, render(harmless(m), o).blocks)); why != "" {
					t.Fatalf("%s in\n%+q\nof %+v", why, got.texts, m)
				}
				if why := followedIn(l.text); why != "" {
					t.Fatalf("%s: %+q", why, l.text)
				}
				if n%(10*textsOfACard) != 0 { // the schema is slow
					continue
				}
				if err := valid(schema, blocks{l.blocks}); err != nil {
					t.Fatalf("%v\nof %+v", err, m)
				}
			}
		})
	}
}

// misled returns how what is seen differs from what is seen with harmless names.
func misled(got, want *seen) string {
	switch {
	case len(got.wrong) > 0:
		return got.wrong[0]
	case !slices.Equal(got.types, want.types):
		return fmt.Sprintf("other parts: %q instead of %q", got.types, want.types)
	case !slices.Equal(got.links, want.links):
		return fmt.Sprintf("links to %q", got.links)
	case !slices.Equal(tail(got.bold), tail(want.bold)):
		return fmt.Sprintf("bold %q", got.bold)
	}
	return ""
}

// tail leaves out a headline that is bold because it is too long for a header.
func tail(bold []string) []string { return bold[max(0, len(bold)-2):] }

// O37: the same of forms and of the home tab.
func TestO37HostileTextInModalsAndHome(t *testing.T) {
	t.Parallel()
	texts := many(20_000)
	modals, homes := compiled(t, "slack-blocks.schema.json#/definitions/ModalView"), compiled(t, "slack-blocks.schema.json#/definitions/HomeView")
	text := hostileTexts(9)
	wantModal := looked(t, modal(harmless(chat.Message{}).Buttons[1], "{}"))
	for n := 0; n < texts; n += 2 * textsOfACard {
		ms := []chat.Message{hostileCard(text), hostileCard(text)}
		v := modal(ms[0].Buttons[1], "{}")
		if why := misled(looked(t, v), wantModal); why != "" {
			t.Fatalf("%s in the form %+v", why, v)
		}
		h := home(ms)
		if why := misled(looked(t, h), looked(t, home([]chat.Message{harmless(ms[0]), harmless(ms[1])}))); why != "" {
			t.Fatalf("%s in the home tab %+v", why, h)
		}
		if n%(20*textsOfACard) != 0 { // the schema is slow
			continue
		}
		if err := valid(modals, v); err != nil {
			t.Fatal(err)
		}
		if err := valid(homes, h); err != nil {
			t.Fatal(err)
		}
	}
}

// FuzzRender holds that any text at all is shown within Slack's limits, and
// that nothing in it is followed.
func FuzzRender(f *testing.F) {
	for _, w := range hostile.Words {
		f.Add(w, w, w, uint8(3), true)
	}
	schema := compiled(f, "slack-blocks.schema.json#/definitions/MessageBlocks")
	f.Fuzz(func(t *testing.T, a, b, c string, n uint8, flag bool) {
		n %= 40
		m := chat.Message{
			Notice: c, Headline: a, Text: b, Footer: c, Request: "R-ABC234", Links: []chat.Link{{Label: a, URL: ours}, {Label: b, URL: c}},
			Image: &chat.Image{Alt: b}, File: &chat.File{Name: a, Alt: b}, Table: &chat.Table{Header: []string{a, b}},
		}
		if flag {
			m.Notice = ""
		}
		for i := range int(n) {
			m.Steps = append(m.Steps, c)
			m.Fields = append(m.Fields, chat.Field{Label: b, Value: a, Quoted: flag})
			m.Details = append(m.Details, chat.Field{Label: a, Value: b, Quoted: !flag})
			m.Table.Rows = append(m.Table.Rows, []string{b, c})
			m.Buttons = append(m.Buttons, chat.Button{ID: "run", Label: c, Value: fmt.Sprint(i), Form: make([]chat.FormField, i%2)})
		}
		for _, o := range []options{{image: "F1"}, {simple: true}, {update: true}} {
			l := render(m, o)
			if why := followedIn(l.text); why != "" {
				t.Fatalf("%s: %+q", why, l.text)
			}
			for _, bs := range append([][]slack.Block{l.blocks}, l.more...) {
				if got := looked(t, bs); len(got.wrong) > 0 {
					t.Fatalf("%s in %+q", got.wrong[0], got.texts)
				}
				if err := valid(schema, blocks{bs}); err != nil {
					t.Fatal(err)
				}
				if size(bs) > maxSize {
					t.Fatalf("%d characters of blocks", size(bs))
				}
			}
		}
	})
}
