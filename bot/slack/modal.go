package slack

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"twokey/chat"
)

// Limits of a modal, by Slack's own types.
const (
	maxTitle  = 24   // title and buttons
	maxFields = 100  // blocks
	maxPrompt = 2000 // a label
	maxInput  = 3000 // what can be typed
)

// oneLine is up to how many runes a value is typed into a single line.
const oneLine = 100

const (
	formID  = "twokey:form"  // the callback ID of the form of a button
	inputID = "twokey:input" // what the action ID of each input begins with
)

// modal returns the form of a button. The origin comes back with what was
// filled in, as it is; Slack takes 3,000 characters of it.
func modal(b chat.Button, origin string) slack.ModalViewRequest {
	label := filled(chat.Safe(b.Label, maxTitle))
	v := slack.ModalViewRequest{
		Type: slack.VTModal, CallbackID: formID, PrivateMetadata: origin,
		Title: plain(label), Submit: plain(label), Close: plain("Back"),
	}
	for i, f := range b.Form[:min(len(b.Form), maxFields)] {
		v.Blocks.BlockSet = append(v.Blocks.BlockSet, input(f, i))
	}
	return v
}

func input(f chat.FormField, n int) *slack.InputBlock {
	most := maxInput
	if f.MaxRunes > 0 {
		most = min(f.MaxRunes, maxInput)
	}
	typed := slack.NewPlainTextInputBlockElement(nil, fmt.Sprint(inputID, ":", n))
	typed.MaxLength, typed.Multiline, typed.FocusOnLoad = most, most > oneLine, n == 0
	label := plain(chat.Safe(f.Label, maxPrompt))
	return slack.NewInputBlock(f.ID, label, nil, typed).WithOptional(!f.Required)
}

// submit returns what was filled into the form of a button, by field ID.
func submit(v slack.View) map[string]string {
	fields := map[string]string{}
	if v.State == nil {
		return fields
	}
	for id, inputs := range v.State.Values {
		for action, typed := range inputs { // there is one
			if strings.HasPrefix(action, inputID) {
				fields[id] = typed.Value
			}
		}
	}
	return fields
}

// problems returns what is wrong with a filled-in form, by field ID, as Slack
// shows it at each field: nothing but spaces where something is needed, or more
// than there is room for. Slack checks both, but counts in its own way.
func problems(v slack.View) map[string]string {
	wrong, filledIn := map[string]string{}, submit(v)
	for _, b := range v.Blocks.BlockSet {
		in, ok := b.(*slack.InputBlock)
		if !ok {
			continue
		}
		value := filledIn[in.BlockID]
		if !in.Optional && strings.TrimSpace(value) == "" {
			wrong[in.BlockID] = "Please fill this in: it is needed."
		}
		if typed, ok := in.Element.(*slack.PlainTextInputBlockElement); ok && typed.MaxLength > 0 {
			if n := utf8.RuneCountInString(value); n > typed.MaxLength {
				wrong[in.BlockID] = fmt.Sprintf("Please shorten this: it has %d characters, and %d are the most.", n, typed.MaxLength)
			}
		}
	}
	return wrong
}
