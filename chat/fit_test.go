package chat

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"twokey/chat/hostile"
)

func TestCut(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		in    string
		limit int
		want  string
	}{
		{"abcdefghij", 0, "abcdefghij"},
		{"abcdefghij", -1, "abcdefghij"},
		{"abcdefghij", 10, "abcdefghij"},
		{"abcdefghij", 9, "ab… (cut)"},
		{"äöüßäöüßäö", 9, "äö… (cut)"},
		{"abcdefghij", 8, "a… (cut)"},
		{"abcdefghij", 7, "abcdef…"},
		{"abcdefghij", 1, "…"},
		{"", 1, ""},
	} {
		if got := Cut(row.in, row.limit); got != row.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", row.in, row.limit, got, row.want)
		}
	}
}

func TestFit(t *testing.T) {
	t.Parallel()
	fields := func(n int) (fs []Field) {
		for i := range n {
			fs = append(fs, Field{Label: fmt.Sprint(i), Value: "v"})
		}
		return fs
	}
	more := func(n int) Field { return Field{Label: "Not shown", Value: fmt.Sprintf("%d more", n)} }
	for _, row := range []struct {
		name     string
		caps     Caps
		in, want Message
	}{
		{"nothing to do", Caps{}, whole(), func() Message {
			m := whole()
			m.Footer, m.Image = m.Footer+"\n"+m.Image.Alt, nil
			return m
		}()},
		{"headline", Caps{Headline: 12}, Message{Headline: "0123456789abc"}, Message{Headline: "01234… (cut)"}},
		{"text", Caps{Text: 12}, Message{Text: "0123456789abc"}, Message{Text: "01234… (cut)"}},
		{"value", Caps{Value: 12}, Message{Fields: []Field{{Label: "a", Value: "0123456789abc"}}}, Message{Fields: []Field{{Label: "a", Value: "01234… (cut)"}}}},
		{"quoted value, with its marks", Caps{Value: 12}, Message{Details: []Field{{Label: "a", Value: "0123456789abc", Quoted: true}}}, Message{Details: []Field{{Label: "a", Value: "012… (cut)", Quoted: true}}}},
		{"details go before fields", Caps{Fields: 4}, Message{Fields: fields(2), Details: fields(4)}, Message{Fields: fields(2), Details: append(fields(1), more(3))}},
		{"all details and some fields go", Caps{Fields: 3}, Message{Fields: fields(5), Details: fields(2)}, Message{Fields: append(fields(2), more(5))}},
		{"one field is left", Caps{Fields: 1}, Message{Fields: fields(5)}, Message{Fields: []Field{more(5)}}},
		{"as many fields as allowed", Caps{Fields: 5}, Message{Fields: fields(5)}, Message{Fields: fields(5)}},
		{"rows", Caps{Rows: 2}, Message{Table: &Table{Header: []string{"a", "b"}, Rows: [][]string{{"1", "x"}, {"2", "y"}, {"3", "z"}}}}, Message{Table: &Table{Header: []string{"a", "b"}, Rows: [][]string{{"1", "x"}, {"… and 2 more", ""}}}}},
		{"rows without a header", Caps{Rows: 1}, Message{Table: &Table{Rows: [][]string{{}, {}}}}, Message{Table: &Table{Rows: [][]string{{"… and 2 more"}}}}},
		{"steps count as text", Caps{Text: 29}, Message{Text: "text", Steps: []string{"one", "two", "three", "four"}}, Message{Text: "text", Steps: []string{"one", "… and 3 more"}}},
		{"steps that just fit", Caps{Text: 19}, Message{Text: "text", Steps: []string{"one", "two"}}, Message{Text: "text", Steps: []string{"one", "two"}}},
		{"a step that is too long", Caps{Text: 20}, Message{Text: "text", Steps: []string{"a very long step"}}, Message{Text: "text\n\n1. a ve… (cut)"}},
		{"buttons", Caps{Buttons: 1, ButtonLabel: 5}, Message{Buttons: []Button{{ID: "a", Label: "Approve"}, {ID: "b"}}}, Message{Buttons: []Button{{ID: "a", Label: "Appr…"}}}},
		{"no images", Caps{}, Message{Image: &Image{Alt: "87%"}}, Message{Footer: "87%"}},
		{"images", Caps{Images: true}, Message{Image: &Image{Alt: "87%"}}, Message{Image: &Image{Alt: "87%"}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if got := Fit(row.in, row.caps); got.Plain() != row.want.Plain() || !reflect.DeepEqual(got.Image, row.want.Image) {
				t.Errorf("Fit =\n%s\nwant\n%s", got.Plain(), row.want.Plain())
			}
		})
	}
}

// Fit never exceeds the limits, says whatever it left out, leaves its argument
// alone and changes nothing when asked again.
func TestFitHoldsItsLimits(t *testing.T) {
	t.Parallel()
	const messages = 20_000
	r := rand.New(rand.NewPCG(7, 7))
	for range messages {
		m, caps := randomMessage(r), randomCaps(r)
		before := text(t, m)
		got := Fit(m, caps)
		wantWithin(t, got, caps)
		wantSaid(t, m, got)
		if after := text(t, m); after != before {
			t.Errorf("Fit changed its argument:\n%.300s\nto\n%.300s", before, after)
		}
		if again := Fit(got, caps); text(t, again) != text(t, got) {
			t.Errorf("Fit again =\n%.300s, want\n%.300s", text(t, again), text(t, got))
		}
		if t.Failed() {
			t.Fatalf("caps %+v, message\n%.300s", caps, before)
		}
	}
}

func text(t *testing.T, m Message) string {
	t.Helper()
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func randomCaps(r *rand.Rand) Caps {
	limit := func(low, span int) int {
		if r.IntN(4) == 0 {
			return 0
		}
		return low + r.IntN(span)
	}
	return Caps{
		Headline: limit(1, 40), Text: limit(1, 200), Value: limit(10, 40), Fields: limit(1, 8), Rows: limit(1, 6),
		Buttons: limit(1, 5), ButtonLabel: limit(1, 20), Images: r.IntN(2) == 0,
	}
}

func randomMessage(r *rand.Rand) Message {
	m := Message{Headline: hostile.Text(r), Text: hostile.Text(r), Footer: hostile.Text(r)}
	for range r.IntN(5) {
		m.Steps = append(m.Steps, hostile.Text(r))
	}
	for range r.IntN(6) {
		m.Fields = append(m.Fields, Field{Label: "label", Value: hostile.Text(r), Quoted: r.IntN(2) == 0})
		m.Details = append(m.Details, Field{Label: "label", Value: hostile.Text(r), Quoted: r.IntN(2) == 0})
	}
	if r.IntN(2) == 0 {
		m.Table = &Table{Header: []string{"a", "b"}}
		for range r.IntN(8) {
			m.Table.Rows = append(m.Table.Rows, []string{hostile.Text(r), "b"})
		}
	}
	for range r.IntN(6) {
		m.Buttons = append(m.Buttons, Button{ID: "id", Label: hostile.Text(r)})
	}
	if r.IntN(2) == 0 {
		m.Image = &Image{Alt: hostile.Text(r)}
	}
	return m
}

func wantWithin(t *testing.T, m Message, caps Caps) {
	t.Helper()
	within := func(what string, got, limit int) {
		t.Helper()
		if limit > 0 && got > limit {
			t.Errorf("%s: %d, limit %d", what, got, limit)
		}
	}
	within("headline", utf8.RuneCountInString(m.Headline), caps.Headline)
	within("text", utf8.RuneCountInString(Message{Text: m.Text, Steps: m.Steps}.Plain()), caps.Text)
	within("fields", len(m.Fields)+len(m.Details), caps.Fields)
	for _, f := range append(m.Fields[:len(m.Fields):len(m.Fields)], m.Details...) {
		if f.Label != "Not shown" {
			within("value", utf8.RuneCountInString(f.Shown()), caps.Value)
		}
	}
	if m.Table != nil {
		within("rows", len(m.Table.Rows), caps.Rows)
	}
	within("buttons", len(m.Buttons), caps.Buttons)
	for _, b := range m.Buttons {
		within("label", utf8.RuneCountInString(b.Label), caps.ButtonLabel)
	}
	if m.Image != nil && !caps.Images {
		t.Error("an image where none can be shown")
	}
}

// wantSaid fails if something of m is missing in got without a word.
func wantSaid(t *testing.T, m, got Message) {
	t.Helper()
	said := func(what, was, now string) {
		t.Helper()
		if now != was && !strings.HasSuffix(now, "…") && !strings.HasSuffix(now, "… (cut)") {
			t.Errorf("%s: %+q of %+q does not say that it was cut", what, now, was)
		}
	}
	said("headline", m.Headline, got.Headline)
	if len(got.Steps) == len(m.Steps) {
		said("text", m.Text, got.Text)
	} else if last := append([]string{got.Text}, got.Steps...); !strings.Contains(last[len(last)-1], "…") {
		t.Errorf("steps: %d of %d, and nothing says so: %+q", len(got.Steps), len(m.Steps), last)
	}
	was, now := append(m.Fields[:len(m.Fields):len(m.Fields)], m.Details...), append(got.Fields[:len(got.Fields):len(got.Fields)], got.Details...)
	missing := len(was) - len(now)
	if n := len(now); n > 0 && now[n-1].Label == "Not shown" {
		missing++
		if want := fmt.Sprintf("%d more", missing); now[n-1].Value != want {
			t.Errorf("fields: “%s”, want “%s”", now[n-1].Value, want)
		}
	} else if missing > 0 {
		t.Errorf("%d fields are missing without a word", missing)
	}
	if m.Table != nil && len(got.Table.Rows) < len(m.Table.Rows) {
		want := fmt.Sprintf("… and %d more", len(m.Table.Rows)-len(got.Table.Rows)+1)
		if last := got.Table.Rows[len(got.Table.Rows)-1][0]; last != want {
			t.Errorf("rows: %q, want %q", last, want)
		}
	}
	if m.Image != nil && got.Image == nil && !strings.HasSuffix(got.Footer, m.Image.Alt) {
		t.Errorf("the picture's words are lost: %+q", got.Footer)
	}
}
