package teams

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"twokey/chat"
)

// largest is the most bytes of one post: Teams takes about 28 KB.
const largest = 28_000

// The parts of an Adaptive Card that are used. All text stands in text runs, in
// which nothing is markup: in a text block or a fact set a name that the tenant
// gave could be a link, bold, or a date that the client works out.
type (
	element map[string]any
	run     struct {
		Type   string `json:"type"`
		Text   string `json:"text"`
		Weight string `json:"weight,omitempty"`
		Size   string `json:"size,omitempty"`
		Subtle bool   `json:"isSubtle,omitempty"`
	}
)

var (
	headline = run{Weight: "Bolder", Size: "Large"}
	label    = run{Weight: "Bolder"}
	ordinary = run{}
	small    = run{Size: "Small", Subtle: true}
)

func (r run) of(text string) run {
	r.Type, r.Text = "TextRun", text
	return r
}

// rich is one paragraph.
func rich(runs ...run) element {
	return element{"type": "RichTextBlock", "inlines": runs}
}

// envelope is a message as the webhook takes it. What does not fit is left out
// step by step, and the card says so: the picture gives way to its words, then
// the details go, then texts are cut.
func envelope(m chat.Message) ([]byte, error) {
	for _, smaller := range []func(chat.Message) chat.Message{
		func(m chat.Message) chat.Message { return m },
		inWords,
		withoutDetails,
		func(m chat.Message) chat.Message { return shortened(withoutDetails(m), 2000, 400, 20) },
		func(m chat.Message) chat.Message { return shortened(withoutDetails(m), 400, 100, 10) },
	} {
		body, err := encode(map[string]any{
			"type": "message",
			"attachments": []any{map[string]any{
				"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": nil, "content": card(smaller(m)),
			}},
		})
		if err != nil {
			return nil, err
		}
		if len(body) <= largest {
			return body, nil
		}
	}
	return nil, errors.New("make card: the message is too long even when it is cut")
}

// encode writes letters as they are: an escaped one is six bytes of the few.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("make card: %w", err)
	}
	return b.Bytes(), nil
}

// inWords puts what a picture says in its place.
func inWords(m chat.Message) chat.Message {
	return chat.Fit(m, chat.Caps{})
}

func withoutDetails(m chat.Message) chat.Message {
	m = inWords(m)
	if len(m.Details) > 0 {
		m.Details = nil
		m.Footer = "The details were too long for Teams and are left out. " + m.Footer
	}
	return m
}

func shortened(m chat.Message, text, value, lines int) chat.Message {
	m = chat.Fit(m, chat.Caps{Headline: text, Text: text, Value: value, Fields: lines, Rows: lines})
	m.Footer = chat.Cut(m.Footer, text)
	return m
}

// card is a message as an Adaptive Card. Buttons are left out: a press would lead
// nowhere.
func card(m chat.Message) element {
	var body []element
	add := func(e ...element) { body = append(body, e...) }
	if m.Headline != "" {
		add(rich(headline.of(m.Headline)))
	}
	add(paragraphs(m.Text)...)
	for i, step := range m.Steps {
		add(rich(ordinary.of(fmt.Sprintf("%d. %s", i+1, step))))
	}
	add(fields(m.Fields)...)
	if m.Table != nil {
		add(table(m.Table.Shown()))
	}
	if m.Image != nil {
		add(element{"type": "Image", "url": "data:image/png;base64," + base64.StdEncoding.EncodeToString(m.Image.PNG), "altText": m.Image.Alt, "size": "Stretch"})
	}
	add(folded(m.Details)...)
	for _, l := range m.Links {
		add(rich(label.of(l.Label+": "), ordinary.of(l.URL)))
	}
	if m.File != nil {
		add(rich(small.of("Left out, because Teams takes no files here: " + m.File.Shown())))
	}
	if m.Footer != "" {
		add(rich(small.of(m.Footer)))
	}
	if len(body) == 0 {
		add(rich(ordinary.of(m.Plain())))
	}
	return element{
		"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.5",
		"fallbackText": m.Notification(), "msteams": element{"width": "Full"}, "body": body,
	}
}

func paragraphs(text string) (all []element) {
	for p := range strings.SplitSeq(text, "\n\n") {
		if strings.TrimSpace(p) != "" {
			all = append(all, rich(ordinary.of(p)))
		}
	}
	return all
}

func fields(fs []chat.Field) (all []element) {
	for _, f := range fs {
		if shown := f.Shown(); strings.Contains(shown, "\n") { // a list begins on a line of its own
			all = append(all, rich(label.of(f.Label+":")))
			for line := range strings.Lines(shown) {
				all = append(all, rich(ordinary.of(strings.TrimSpace(line))))
			}
		} else {
			all = append(all, rich(label.of(f.Label+": "), ordinary.of(shown)))
		}
	}
	return all
}

// folded are details that are shown at a press, which needs nobody's answer.
func folded(details []chat.Field) []element {
	if len(details) == 0 {
		return nil
	}
	return []element{
		{"type": "ActionSet", "actions": []element{{"type": "Action.ToggleVisibility", "title": "Details", "targetElements": []string{"details"}}}},
		{"type": "Container", "id": "details", "isVisible": false, "items": fields(details)},
	}
}

func table(t *chat.Table) element {
	columns := make([]element, len(t.Header))
	for i := range columns {
		columns[i] = element{"width": 1}
	}
	row := func(cells []string, as run) element {
		all := make([]element, len(cells))
		for i, c := range cells {
			all[i] = element{"type": "TableCell", "items": []element{rich(as.of(c))}}
		}
		return element{"type": "TableRow", "cells": all}
	}
	rows := []element{row(t.Header, label)}
	for _, r := range t.Rows {
		rows = append(rows, row(r, ordinary))
	}
	return element{"type": "Table", "firstRowAsHeader": true, "columns": columns, "rows": rows}
}
