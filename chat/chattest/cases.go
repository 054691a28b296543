package chattest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"twokey/chat"
	"twokey/chat/hostile"
)

func commandInPrivate(t *testing.T, s *scene) {
	s.replies(chat.Message{Headline: "This is for you."})
	s.Command("ada", true, `reset “Sue” <b> & *x* --all`)
	e := s.event(1)
	if e.Kind != chat.Command || e.Text != `reset “Sue” <b> & *x* --all` || e.From != s.Account("ada") || e.Channel != s.Channel().Channel || e.Key == "" {
		t.Errorf("heard %+v", e)
	}
	s.sees("This is for you.", "ada")
	s.replies(chat.Message{Headline: "And so is this."})
	s.Command("ada", false, "")
	if e := s.event(2); e.Kind != chat.Command || e.Text != "" || e.Channel != "" || e.Key == s.event(1).Key {
		t.Errorf("heard %+v after the key %q", e, s.event(1).Key)
	}
	s.sees("And so is this.", "ada")
}

func sayAloud(_ *testing.T, s *scene) {
	s.answers(func(ctx context.Context, r chat.Responder, _ chat.Event) error {
		return r.Say(ctx, chat.Message{Headline: "Everybody may know."})
	})
	s.Command("ada", true, "status")
	s.event(1)
	s.sees("Everybody may know.", "ada", "bea")
}

func mention(t *testing.T, s *scene) {
	if _, is := s.Harness.(Deaf); is {
		return
	}
	s.replies(chat.Message{Headline: "An answer."})
	s.Mention("ada", false, "I lost my <phone> & I am at work")
	if e := s.event(1); e.Kind != chat.Mention || e.Text != "I lost my <phone> & I am at work" || e.Channel != "" || e.From != s.Account("ada") {
		t.Errorf("heard %+v", e)
	}
	s.sees("An answer.", "ada")
	s.Mention("bea", true, "and I too")
	if e := s.event(2); e.Kind != chat.Mention || e.Text != "and I too" || e.Channel != s.Channel().Channel || e.From != s.Account("bea") {
		t.Errorf("heard %+v", e)
	}
}

// asking is a message with buttons of each kind.
func asking() chat.Message {
	return chat.Message{
		Headline: "A request waits.", Request: "R-ABC234",
		Buttons: []chat.Button{
			{ID: "approve", Label: "Approve", Value: `R-ABC234.0 “<&>"`, Style: chat.Primary},
			{ID: "deny", Label: "Deny", Value: "R-ABC234.1", Style: chat.Danger, Form: []chat.FormField{
				{ID: "reason", Label: "Why not?", Required: true, MaxRunes: 20}, {ID: "note", Label: "A note", MaxRunes: 200},
			}},
		},
	}
}

func press(t *testing.T, s *scene) {
	id := s.post(s.Channel(), "asked", asking())
	for i, name := range []string{"bea", "ada", "bea"} {
		if err := s.Press(name, id, "Approve", nil); err != nil {
			t.Fatal(err)
		}
		e := s.event(i + 1)
		if e.Kind != chat.Press || e.Button != "approve" || e.Value != asking().Buttons[0].Value || e.From != s.Account(name) || e.Channel != s.Channel().Channel || len(e.Fields) > 0 {
			t.Errorf("%s pressed, and %+v was heard", name, e)
		}
	}
	keys := map[string]bool{}
	for _, e := range s.events() {
		keys[e.Key] = true
	}
	if len(keys) != 3 {
		t.Errorf("three presses have the keys %q", slices.Sorted(maps.Keys(keys)))
	}
}

func pressWithForm(t *testing.T, s *scene) {
	id := s.post(s.direct("bea"), "asked", asking())
	for name, fields := range map[string]map[string]string{
		"nothing": {}, "only space": {"reason": "  "}, "too much": {"reason": strings.Repeat("ö", 21)},
	} {
		if err := s.Press("bea", id, "Deny", fields); err == nil {
			t.Errorf("a form with %s was taken", name)
		}
	}
	want := map[string]string{"reason": "<!channel> & “ö”", "note": ""}
	if err := s.Press("bea", id, "Deny", map[string]string{"reason": want["reason"]}); err != nil {
		t.Fatal(err)
	}
	if e := s.event(1); e.Button != "deny" || e.Value != "R-ABC234.1" || !maps.Equal(e.Fields, want) || e.Channel != "" {
		t.Errorf("heard %+v", e)
	}
}

func postOnce(t *testing.T, s *scene) {
	first := s.post(s.Channel(), "week 48", chat.Message{Headline: "Week 48."})
	if again := s.post(s.Channel(), "week 48", chat.Message{Headline: "Week 48, again."}); again != first {
		t.Errorf("the same key has the IDs %q and %q", first, again)
	}
	if other := s.post(s.Channel(), "week 49", chat.Message{Headline: "Week 49."}); other == first {
		t.Error("another key has the same ID")
	}
	s.sees("Week 48.", "ada", "bea")
	s.sees("Week 48, again.")
}

func edit(t *testing.T, s *scene) {
	id := s.post(s.Channel(), "asked", asking())
	if got := s.at("bea", id).Buttons; !slices.Equal(got, []string{"Approve", "Deny"}) {
		t.Errorf("the buttons are %q", got)
	}
	s.post(s.Channel(), "later", chat.Message{Headline: "Something else."})
	after := chat.Message{Headline: "It is done.", Request: "R-ABC234"}
	for range 2 {
		if err := s.Edit(t.Context(), s.Channel(), id, after); err != nil {
			t.Fatal(err)
		}
	}
	s.sees("It is done.", "ada", "bea")
	s.sees("A request waits.")
	if m := s.at("bea", id); len(m.Buttons) > 0 {
		t.Errorf("it still has the buttons %q", m.Buttons)
	}
	if s.at("ada", id); s.Seen("ada")[0].ID != id {
		t.Error("the message has moved")
	}
}

func secret(t *testing.T, s *scene) {
	pass := chat.Message{Notice: "What you collected", Headline: "Your pass.", Fields: []chat.Field{{Label: "Pass", Value: "7Xk-q2-zz"}}, Secret: true}
	if _, err := s.Post(t.Context(), s.direct("ada"), "pass", pass); err == nil {
		t.Error("a secret was posted")
	}
	id := s.post(s.Channel(), "asked", asking())
	if err := s.Edit(t.Context(), s.Channel(), id, pass); err == nil {
		t.Error("a message was edited into a secret")
	}
	s.sees("7Xk-q2-zz")
	s.replies(pass)
	if err := s.Press("ada", id, "Approve", nil); err != nil {
		t.Fatal(err)
	}
	s.event(1)
	s.sees("7Xk-q2-zz", "ada")
	s.answers(func(ctx context.Context, r chat.Responder, _ chat.Event) error { return r.Say(ctx, pass) })
	if err := s.Press("bea", id, "Approve", nil); err == nil { // it may be told of the handler's error
		s.event(2)
	}
	s.sees("7Xk-q2-zz", "ada")
	if strings.Contains(s.Kept("ada"), "7Xk-q2-zz") {
		t.Error("the secret is kept")
	}
}

func privateAddress(_ *testing.T, s *scene) {
	s.post(s.direct("ada"), "1", chat.Message{Headline: "To Ada alone."})
	s.sees("To Ada alone.", "ada")
	within := s.Channel()
	within.User = s.Account("bea").User
	s.post(within, "2", chat.Message{Headline: "To Bea alone, in a channel."})
	s.sees("To Bea alone, in a channel.", "bea")
}

func order(t *testing.T, s *scene) {
	const n = 12
	for i := range n {
		s.post(s.Channel(), fmt.Sprint("message ", i), chat.Message{Text: fmt.Sprintf("number %d.", i)})
	}
	last := -1
	for i := range n {
		at := slices.IndexFunc(s.Seen("bea"), func(m Seen) bool { return strings.Contains(m.Text, fmt.Sprintf("number %d.", i)) })
		if at <= last {
			t.Errorf("message %d is at %d, after one at %d", i, at, last)
		}
		last = at
	}
}

func hostileText(t *testing.T, s *scene) {
	for i, w := range hostile.Words {
		id := s.post(s.direct("ada"), fmt.Sprint("word ", i), chat.Message{
			Headline: chat.Safe("Reset "+w, 100), Fields: []chat.Field{{Label: "Why", Value: w, Quoted: true}},
			Table:   &chat.Table{Header: []string{"Name"}, Rows: [][]string{{w}}},
			Details: []chat.Field{{Label: "Title", Value: w, Quoted: true}},
			Buttons: []chat.Button{{ID: "approve", Label: "Approve"}},
		})
		m := s.at("ada", id)
		if len(m.Follows) > 0 || !slices.Equal(m.Buttons, []string{"Approve"}) {
			t.Errorf("%+q leads to %q, with the buttons %q", w, m.Follows, m.Buttons)
		}
		shown := chat.Field{Value: w, Quoted: true}.Shown()
		if utf8.RuneCountInString(shown) < 500 && !strings.Contains(m.Text, shown) {
			t.Errorf("%+q is not shown as %+q in %+q", w, shown, m.Text)
		}
	}
}

// marks are what says that something was cut.
var marks = []string{"(cut)", "… and ", "Not shown"}

func cut(t *testing.T, s *scene) {
	rows := make([][]string, 3000)
	for i := range rows {
		rows[i] = []string{fmt.Sprintf("row %d", i), "not registered"}
	}
	for name, m := range map[string]chat.Message{
		"text":    {Headline: "The headline of a text.", Text: strings.Repeat("A sentence. ", 5000) + "The end."},
		"table":   {Headline: "The headline of a table.", Table: &chat.Table{Header: []string{"Name", "State"}, Rows: append(rows, []string{"The end.", ""})}},
		"fields":  {Headline: "The headline of fields.", Fields: []chat.Field{{Label: "Why", Value: strings.Repeat("because ", 5000) + "The end.", Quoted: true}}},
		"details": {Headline: "The headline of details.", Details: append(many(300), chat.Field{Label: "Last", Value: "The end."})},
	} {
		id := s.post(s.direct("ada"), name, m)
		text := s.at("ada", id).Text
		if !strings.Contains(text, m.Headline) {
			t.Errorf("%s: the headline is not in %.100q", name, text)
		}
		whole := strings.Contains(text, "The end.")
		if said := slices.ContainsFunc(marks, func(mark string) bool { return strings.Contains(text, mark) }); !whole && !said && !strings.Contains(text, "goes on") {
			t.Errorf("%s: nothing says that it was cut: %.200q", name, text)
		}
	}
}

func many(n int) []chat.Field {
	fs := make([]chat.Field, n)
	for i := range fs {
		fs[i] = chat.Field{Label: fmt.Sprintf("Field %d", i), Value: strings.Repeat("word ", 30)}
	}
	return fs
}

func nobody(t *testing.T, s *scene) {
	channel, ada := s.Channel(), s.Account("ada")
	m := chat.Message{Headline: "For nobody."}
	for name, to := range map[string]chat.Address{
		"nothing":          {},
		"another platform": {Platform: "pigeon", Workspace: channel.Workspace, Channel: channel.Channel},
		"no place":         {Platform: channel.Platform, Workspace: channel.Workspace},
		"no such channel":  {Platform: channel.Platform, Workspace: channel.Workspace, Channel: "C0NOWHERE"},
		"no such person":   {Platform: ada.Platform, Workspace: ada.Workspace, User: "U0NOBODY"},
		"elsewhere":        {Platform: ada.Platform, Workspace: "T0ELSEWHERE", User: ada.User},
	} {
		if id, err := s.Post(t.Context(), to, name, m); err == nil {
			t.Errorf("%s: posted as %q", name, id)
		}
		if err := s.Edit(t.Context(), to, "no message", m); err == nil {
			t.Errorf("%s: edited", name)
		}
	}
	s.sees("For nobody.")
}

func capabilities(t *testing.T, s *scene) {
	c := s.Caps()
	or := func(limit, none int) int {
		if limit == 0 {
			return none
		}
		return limit
	}
	rows := make([][]string, or(c.Rows, 400))
	for i := range rows {
		rows[i] = []string{fmt.Sprintf("row %d", i), "x"}
	}
	words := func(n int) string { return strings.Repeat("x", n-4) + " end" }
	fields := make([]chat.Field, or(c.Fields, 100))
	for i := range fields {
		fields[i] = chat.Field{Label: fmt.Sprintf("Field %d", i), Value: "short"}
	}
	for name, m := range map[string]chat.Message{
		"headline": {Headline: words(or(c.Headline, 500))},
		"text":     {Text: words(or(c.Text, 9000))},
		"value":    {Fields: []chat.Field{{Label: "Why", Value: words(or(c.Value, 5000))}}},
		"quoted":   {Fields: []chat.Field{{Label: "Why", Value: words(or(c.Value, 5000) - 2), Quoted: true}}},
		"fields":   {Fields: fields},
		"rows":     {Table: &chat.Table{Header: []string{"a", "b"}, Rows: rows}},
		"label":    {Headline: "x", Buttons: []chat.Button{{ID: "run", Label: words(or(c.ButtonLabel, 200))}}},
	} {
		s.post(s.direct("ada"), name, m)
		for _, want := range []string{m.Headline, m.Text, last(m.Fields).Value, lastRow(m.Table)} {
			s.Until(name+" is shown whole", func() bool { _, ok := s.find("ada", want); return ok })
		}
		for _, b := range m.Buttons {
			if all := s.Seen("ada"); !slices.ContainsFunc(all, func(m Seen) bool { return slices.Contains(m.Buttons, b.Label) }) {
				t.Errorf("there is no button %q", b.Label)
			}
		}
	}
	if _, cut := s.find("ada", "(cut)"); cut {
		t.Error("something within the limits is cut")
	}
}

func last(fs []chat.Field) chat.Field {
	if len(fs) == 0 {
		return chat.Field{}
	}
	return fs[len(fs)-1]
}

func lastRow(t *chat.Table) string {
	if t == nil {
		return ""
	}
	return t.Rows[len(t.Rows)-1][0]
}

func attachments(t *testing.T, s *scene) {
	m := chat.Message{
		Headline: "Look at this.", Image: &chat.Image{Name: "chart.png", PNG: pixel, Alt: "W48 50 % of 60"},
		File: &chat.File{Name: "../missing\n.csv", Media: "text/csv", Data: []byte("name\nSam\n"), Alt: "who is missing"},
	}
	s.post(s.Channel(), "digest", m)
	s.Until("Bea has the file and sees the picture", func() bool {
		file, picture := false, false
		for _, seen := range s.Seen("bea") {
			file = file || seen.Files["_missing .csv"] == "name\nSam\n"
			picture = picture || seen.Picture && strings.Contains(seen.Text, "W48 50 % of 60")
		}
		return file && picture
	})
	for _, seen := range s.Seen("sam") {
		if len(seen.Files) > 0 || seen.Picture {
			t.Errorf("Sam sees %+v", seen)
		}
	}
}

func everyFixture(t *testing.T, s *scene) {
	for _, f := range Fixtures() {
		f.Message.Secret = false
		id := s.post(s.direct("ada"), f.Name, f.Message)
		m := s.at("ada", id)
		if want := chat.Safe(f.Message.Headline, 0); !strings.Contains(m.Text, want) && !strings.Contains(m.Text, f.Message.Headline) {
			t.Errorf("%s is shown as %.200q", f.Name, m.Text)
		}
	}
}

// trouble holds that a handler that fails is not the end.
func trouble(_ *testing.T, s *scene) {
	s.answers(func(context.Context, chat.Responder, chat.Event) error { return errTrouble })
	s.Command("ada", true, "status")
	s.event(1)
	s.replies(chat.Message{Headline: "All is well."})
	s.Command("ada", true, "status")
	s.event(2)
	s.sees("All is well.", "ada")
}
