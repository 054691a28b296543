package slack

import (
	"maps"
	"strings"
	"testing"

	"github.com/slack-go/slack"

	"twokey/chat"
)

var asked = chat.Button{ID: "deny", Label: "Deny this request and say why", Form: []chat.FormField{
	{ID: "reason", Label: "Why not?", Required: true, MaxRunes: 300},
	{ID: "result", Label: "Done?", MaxRunes: 8},
	{ID: "note", Label: "Anything else"},
}}

// filledIn is the form as it comes back.
func filledIn(b chat.Button, values map[string]string) slack.View {
	v := slack.View{Blocks: modal(b, "").Blocks, State: &slack.ViewState{Values: map[string]map[string]slack.BlockAction{}}}
	for id, value := range values {
		v.State.Values[id] = map[string]slack.BlockAction{inputID: {Value: value}}
	}
	return v
}

func TestModal(t *testing.T) {
	t.Parallel()
	v := modal(asked, `{"button":"deny"}`)
	if v.Title.Text != "Deny this request… (cut)" || v.PrivateMetadata != `{"button":"deny"}` {
		t.Errorf("title %q, origin %q", v.Title.Text, v.PrivateMetadata)
	}
	type field struct {
		most                int
		optional, multiline bool
	}
	for i, want := range []field{{300, false, true}, {8, true, false}, {3000, true, true}} {
		in := v.Blocks.BlockSet[i].(*slack.InputBlock)
		typed := in.Element.(*slack.PlainTextInputBlockElement)
		if got := (field{typed.MaxLength, in.Optional, typed.Multiline}); got != want || in.BlockID != asked.Form[i].ID || in.Label.Text != asked.Form[i].Label {
			t.Errorf("field %d is %+v %q %q, want %+v", i, got, in.BlockID, in.Label.Text, want)
		}
	}
}

func TestModalProblems(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ values, want map[string]string }{
		"all right":         {map[string]string{"reason": strings.Repeat("ö", 300), "result": "done"}, map[string]string{}},
		"nothing":           {nil, map[string]string{"reason": "needed"}},
		"nothing but space": {map[string]string{"reason": " \n"}, map[string]string{"reason": "needed"}},
		"too long":          {map[string]string{"reason": strings.Repeat("ö", 301), "result": "not known"}, map[string]string{"reason": "301 characters, and 300", "result": "9 characters, and 8"}},
	} {
		v := filledIn(asked, c.values)
		got := problems(v)
		for id, want := range c.want {
			if !strings.Contains(got[id], want) {
				t.Errorf("%s: %s is said to be %q, want %q", name, id, got[id], want)
			}
		}
		if len(got) != len(c.want) {
			t.Errorf("%s: %q", name, got)
		}
		if sent := submit(v); !maps.Equal(sent, c.values) && len(c.values) > 0 {
			t.Errorf("%s: %q came back as %q", name, c.values, sent)
		}
	}
	if got := submit(slack.View{}); len(got) != 0 {
		t.Errorf("a form without state came back as %q", got)
	}
}
