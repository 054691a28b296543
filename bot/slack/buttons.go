package slack

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"twokey/chat"
)

// Limits of buttons, by Slack's own types.
const (
	maxButtons     = 25   // elements of an actions block
	maxButtonLabel = 75   // a button's text; a phone shows about 30
	maxValue       = 2000 // a button's value
	maxMenu        = 5    // options of an overflow menu
	maxMenuValue   = 75   // an option's value
	maxAction      = 255  // an action ID
)

// inRow is how many buttons stand beside each other before the rest of them
// go into a menu.
const inRow = 8

const (
	actionPrefix = "twokey:"
	formSuffix   = ":form"
)

func cleanedButtons(buttons []chat.Button) []chat.Button {
	out := make([]chat.Button, len(buttons))
	for i, b := range buttons {
		b.Label = filled(chat.Safe(b.Label, maxButtonLabel))
		b.Form = slices.Clone(b.Form)
		for j, f := range b.Form {
			b.Form[j].Label = filled(chat.Safe(f.Label, maxLabel))
		}
		out[i] = b
	}
	return out
}

// pressable returns the buttons of a message. A long list keeps its first ones
// beside each other and has the others in a menu, where they fit one. Their action
// IDs are numbered from n.
func pressable(m chat.Message, n int) []slack.Block {
	var row []slack.BlockElement
	var menu []*slack.OptionBlockObject
	for i, b := range m.Buttons {
		if len(m.Buttons) > inRow && i >= inRow-1 && inMenu(b) {
			menu = append(menu, slack.NewOptionBlockObject(b.ID+":"+b.Value, plain(b.Label), nil))
		} else if e := element(b, m.Request, n); e != nil {
			row = append(row, e)
			n++
		}
	}
	for len(menu) > 0 {
		most := min(len(menu), maxMenu)
		row = append(row, slack.NewOverflowBlockElement(fmt.Sprint(actionPrefix, ":", n), menu[:most]...))
		menu = menu[most:]
		n++
	}
	if len(row) == 0 {
		return nil
	}
	return []slack.Block{slack.NewActionBlock("", row...)}
}

func inMenu(b chat.Button) bool {
	return len(b.Form) == 0 && !strings.Contains(b.ID, ":") && utf8.RuneCountInString(b.ID+":"+b.Value) <= maxMenuValue
}

// element returns a button, or nil for one that Slack cannot carry: a mistake
// of ours, as values are no data of the tenant's.
func element(b chat.Button, request string, n int) *slack.ButtonBlockElement {
	value, id := b.Value, fmt.Sprint(actionPrefix, b.ID, ":", n)
	if len(b.Form) > 0 {
		value, id = encoded(b), id+formSuffix
	}
	if utf8.RuneCountInString(value) > maxValue || utf8.RuneCountInString(id) > maxAction {
		return nil
	}
	e := slack.NewButtonBlockElement(id, value, plain(b.Label))
	switch b.Style {
	case chat.Primary:
		e.Style = slack.StylePrimary
	case chat.Danger:
		e.Style = slack.StyleDanger
	}
	if request != "" { // read out of its context, a button says what it is about
		e.AccessibilityLabel = chat.Cut(b.Label+", request "+request, maxButtonLabel)
	}
	return e
}

// carried is a button with a form, as its value: whoever is pressed later has
// nothing else to know the form by.
type carried struct {
	Value string           `json:"v"`
	Form  []chat.FormField `json:"f"`
}

func encoded(b chat.Button) string {
	return compact(carried{b.Value, b.Form})
}

// buttonOf returns the button that was pressed, with its label and the form
// that it asks for. It reports false for an action that is not one of ours.
func buttonOf(a slack.BlockAction) (chat.Button, bool) {
	id, ours := strings.CutPrefix(a.ActionID, actionPrefix)
	id, form := strings.CutSuffix(id, formSuffix)
	at := strings.LastIndexByte(id, ':')
	if !ours || at < 0 {
		return chat.Button{}, false
	}
	b := chat.Button{ID: id[:at], Label: a.Text.Text, Value: a.Value}
	switch {
	case form:
		var c carried
		if err := json.Unmarshal([]byte(a.Value), &c); err != nil {
			return chat.Button{}, false
		}
		b.Value, b.Form = c.Value, c.Form
	case b.ID == "": // a menu
		if b.ID, b.Value, ours = strings.Cut(a.SelectedOption.Value, ":"); !ours {
			return chat.Button{}, false
		}
		if a.SelectedOption.Text != nil {
			b.Label = a.SelectedOption.Text.Text
		}
	}
	return b, b.ID != ""
}
