package discord

import (
	"strings"
	"testing"
	"unicode/utf8"

	"twokey/chat"
)

// FuzzReceive holds that nothing that is received panics, and that what is
// understood has what makes a person and an event.
func FuzzReceive(f *testing.F) {
	for _, seed := range []string{
		`{"id":"1310000000000000009","application_id":"1","type":2,"token":"t","channel_id":"2","member":{"user":{"id":"210000000000000001"}},"guild_id":"3","data":{"name":"mfa","options":[{"name":"me","type":1,"options":[{"name":"x","type":3,"value":"y"}]}]}}`,
		`{"id":"1310000000000000009","type":3,"token":"t","channel_id":"2","user":{"id":"210000000000000001"},"data":{"custom_id":"twokey:0:approve:R-ABC234"}}`,
		`{"id":"1310000000000000009","type":5,"token":"t","channel_id":"2","user":{"id":"210000000000000001"},"data":{"custom_id":"twokey#0:00","components":[{"type":18,"component":{"custom_id":"a","value":"b"}},{"components":[{"custom_id":"c","value":1}]}]}}`,
		`{"id":"1310000000000000009","type":0,"channel_id":"2","author":{"id":"210000000000000001"},"content":"<@310000000000000001> mfa me"}`,
		`{"type":1}`, `null`, `[]`, strings.Repeat(`{"data":`, 200), `{"data":{"components":[null,{}]}}`, `{"member":null,"data":{"options":[{"type":1}]}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, parse := range []func([]byte) (*delivery, error){interaction, func(b []byte) (*delivery, error) { return said(b, "310000000000000001") }} {
			v, err := parse(data)
			if err != nil || v.kind == kindPing {
				continue
			}
			if v.from == "" || v.event.Key == "" || v.channel == "" || v.event.Kind == 0 && v.kind != 0 {
				t.Errorf("understood without an ID: %+v", v)
			}
			words(chat.CommandSpec{Name: "x", Options: []chat.Option{{Name: "a"}, {Name: "b", Flag: true, Bare: true}}}, v.options)
		}
	})
}

// FuzzRender holds that any text can be sent: within Discord's limits, and with
// nothing in it that Discord would follow.
func FuzzRender(f *testing.F) {
	for _, seed := range []string{"x", "<@1> @everyone https://evil.example [a](b)", strings.Repeat("*", 5000), "```\n```", "1. a\n# b\n> c", "\xff"} {
		f.Add(seed, 3)
	}
	f.Fuzz(func(t *testing.T, text string, n int) {
		m := chat.Message{Notice: text, Headline: text, Text: text, Footer: text, Request: text}
		for range max(0, min(n, 30)) {
			m.Fields = append(m.Fields, chat.Field{Label: text, Value: text}, chat.Field{Label: text, Value: text, Quoted: true})
			m.Steps = append(m.Steps, text)
			m.Buttons = append(m.Buttons, chat.Button{ID: "a", Label: text, Value: text})
		}
		m.Details = m.Fields
		m.Table = &chat.Table{Header: []string{text, "b"}, Rows: [][]string{{text, text}}}
		l := render(m)
		if !within(l.body.Content, l.body.Embeds) || len(l.body.Components) > 5 {
			t.Errorf("%q is more than Discord takes", text)
		}
		for _, e := range l.body.Embeds {
			if !utf8.ValidString(e.Description) || e.Footer != nil && utf8.RuneCountInString(e.Footer.Text) > maxFooter {
				t.Errorf("%q is shown as %q", text, e.Description)
			}
		}
	})
}
