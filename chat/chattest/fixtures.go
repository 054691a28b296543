// Package chattest holds what every chat platform must do alike: messages to
// be shown on each of them.
package chattest

import (
	"fmt"

	"twokey/chat"
)

// Fixture is a message as the bot says it, under the name of its goldens.
type Fixture struct {
	Name    string
	Message chat.Message
}

// pixel is a PNG of one grey pixel.
var pixel = []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00:~\x9bU\x00\x00\x00\nIDATx\x9ccj\x00\x00\x00\x82\x00\x81\x88M\xd5\xb1\x00\x00\x00\x00IEND\xaeB`\x82")

const seal = "R-ABC234.0123456789abcdef"

// Fixtures returns messages that have, together, every part that one can have.
// A golden for each platform shows how it looks there.
func Fixtures() []Fixture {
	return []Fixture{
		{"refusal", chat.Message{
			Headline: "You may not use “/mfa reset”.",
			Text:     "It is for: helpdesk. “/mfa help” lists what you can do.",
		}},
		{"notice", chat.Message{Text: "R-ABC234 is recorded. You will hear how it ends."}},
		{"me", chat.Message{
			Headline: "You are not set up yet: your password is all that protects your account.",
			Text:     "It takes about five minutes, best at your computer with your phone beside you.",
			Footer:   "Read from Microsoft 365 just now. Only you can see this.",
			Buttons:  []chat.Button{{ID: "run", Label: "Show me how", Value: "setup", Style: chat.Primary}},
		}},
		{"steps", chat.Message{
			Headline: "Set up Microsoft Authenticator on your iPhone",
			Text:     "You need your computer and your phone, and about five minutes.",
			Steps: []string{
				"On your computer, open mysignins.microsoft.com/security-info and sign in.",
				"Choose “Add sign-in method”, then “Microsoft Authenticator”.",
				"On your phone, install Microsoft Authenticator from the App Store and open it.",
				"Tap “Add account”, then “Work or school account”, and scan the code on your computer.",
			},
			Fields: []chat.Field{
				{Label: "If that does not work", Value: "Close the app, open it again and scan a new code."},
				{Label: "A person can help when", Value: "you have no phone for work. Ask Ada Okafor, extension 42."},
			},
			Links:  []chat.Link{{Label: "Security info", URL: "https://mysignins.microsoft.com/security-info"}, {Label: "Microsoft’s own steps", URL: "https://support.microsoft.com/account-billing?a=1&b=2"}},
			Footer: "Only you can see this. I never ask for a password, a code or a QR code.",
		}},
		{"prompt", prompt()},
		{"decided", decided()},
		{"form", chat.Message{
			Headline: "Why should this be changed?",
			Text:     "The approvers will see your reason, so write it for them. Nothing has been asked for yet.",
			Buttons: []chat.Button{{
				ID: "confirm", Label: "Give a reason and ask", Value: "reset sam@harbour.example", Style: chat.Primary,
				Form: []chat.FormField{{ID: "reason", Label: "Reason", Required: true, MaxRunes: 300}},
			}},
		}},
		{"secret", chat.Message{
			Notice:   "What you collected with R-ABC234",
			Headline: "The Temporary Access Pass for “Sam Rivera”. It is shown this once.",
			Text:     "Give it to them yourself, as you made sure who they are.",
			Fields:   []chat.Field{{Label: "Pass", Value: "7Xk&q<2*"}, {Label: "To be used", Value: "once"}},
			Footer:   "Only you can see this, and it is kept nowhere.",
			Request:  "R-ABC234",
			Secret:   true,
		}},
		{"table", chat.Message{
			Headline: "25 of 60 people in scope are registered (41.7 %).",
			Table: &chat.Table{
				Header: []string{"Of the people in scope", "People", "Share"},
				Rows:   [][]string{{"Registered", "25", "41.7 %"}, {"With a backup", "13", "21.7 %"}, {"Phishing-resistant", "", "0 %"}, {"Enforced", "0", "0 %"}},
			},
			Footer: "Data as of Mon 23 Nov 2026, 11:00 CET.",
		}},
		{"long-table", longTable()},
		{"digest", digest()},
		{"file", chat.Message{
			Headline: "12 people are missing.",
			File:     &chat.File{Name: "missing-2026-11-23.csv", Media: "text/csv", Data: []byte("name,state\nSam Rivera,not registered\n"), Alt: "12 people who are not registered, a line each"},
			Footer:   "Only you can see this.",
		}},
		{"choices", choices()},
		{"hostile", misleading()},
	}
}

// prompt is what an approver sees on a phone.
func prompt() chat.Message {
	return chat.Message{
		Notice:   "A request needs a decision: R-ABC234",
		Headline: "Remove the sign-in methods of “Sam Rivera”, so that they register anew",
		Text:     "Waits for approval: 1 of 2. Approved by “Abe Lindqvist”.",
		Fields: []chat.Field{
			{Label: "Asked by", Value: "Ada Okafor", Quoted: true},
			{Label: "Why", Value: "new phone, I called her back on the number in the directory", Quoted: true},
			{Label: "If it is wrong", Value: "Whoever has the password can register next."},
			{Label: "Whom to call", Value: "Ada Okafor, extension 42"},
			{Label: "Until", Value: "Mon 23 Nov 2026, 19:00 CET"},
			{Label: "Check first", Value: "No emergency access account is declared.\n6 of 8 people are registered (75 %)."},
		},
		Details: []chat.Field{
			{Label: "Tenant", Value: "“Harbour & Vale” (2515b0be-df50-4f00-a451-989f15f906fd)"},
			{Label: "Action", Value: "reset"},
			{Label: "Before", Value: "Microsoft Authenticator, “Sam’s iPhone”; phone, •••• 42."},
			{Label: "After", Value: "no method but the password."},
			{Label: "To undo it", Value: "They register again; what is removed cannot be put back."},
			{Label: "Target", Value: "“Sam Rivera” (5a0d3c1e-0000-4000-8000-000000000005)"},
			{Label: "Digest", Value: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},
		},
		Buttons: []chat.Button{
			{ID: "approve", Label: "Approve", Value: seal, Style: chat.Primary},
			{ID: "deny", Label: "Deny", Value: seal, Style: chat.Danger, Form: []chat.FormField{{ID: "reason", Label: "Why not? (you may leave this empty)", MaxRunes: 300}}},
			{ID: "ask", Label: "Ask", Value: seal, Form: []chat.FormField{{ID: "question", Label: "Your question to the requester", Required: true, MaxRunes: 300}}},
		},
		Request: "R-ABC234",
	}
}

// decided is what the prompt becomes: there is nothing left to press.
func decided() chat.Message {
	m := prompt()
	m.Notice = "R-ABC234 is done."
	m.Text = "Done at Mon 23 Nov 2026, 11:42 CET. Approved by “Abe Lindqvist” and “Bea Moreau”."
	m.Fields, m.Buttons = m.Fields[:4], nil
	return m
}

func digest() chat.Message {
	return chat.Message{
		Headline: "MFA week 47: 30 of 60 people in scope are registered (50 %, +8.3 points).",
		Fields: []chat.Field{
			{Label: "Registered", Value: "30 (+5)"},
			{Label: "With a backup method", Value: "13 (21.7 %, +4)"},
			{Label: "MFA enforced", Value: "0 (unchanged)"},
			{Label: "Legacy sign-ins that succeeded", Value: "42 (−3)"},
			{Label: "To do", Value: "1. Move 3 accounts off SMTP AUTH: in 45 days (end of December 2026) it is off by default.\n2. Help 6 people add an app or a passkey: in 77 days (1 February 2027) codes by text and call are gone.\n3. Give every administrator a second method: 2 have only one."},
		},
		Details: []chat.Field{
			{Label: "Legacy, SMTP AUTH", Value: "12 sign-ins by 3 accounts; 6 attempts blocked"},
			{Label: "“Warehouse”", Value: "3 of 20 registered (15 %)"},
			{Label: "smaller departments", Value: "4 of 10 registered (40 %)"},
		},
		Image:  &chat.Image{Name: "chart.png", PNG: pixel, Alt: "MFA at Harbour & Vale. Registered people: W46 41.7 %, W47 50 % (30 of 60)."},
		Footer: "Data as of Mon 16 Nov 2026, 09:00 CET. Everybody in scope was read.",
	}
}

// longTable has more rows than one message can hold on some platforms.
func longTable() chat.Message {
	t := &chat.Table{Header: []string{"Name", "Department", "State"}}
	for i := range 120 {
		t.Rows = append(t.Rows, []string{fmt.Sprintf("Person %d", i+1), "Warehouse", "not registered"})
	}
	return chat.Message{Headline: "120 people are not registered.", Table: t, Footer: "Only you can see this."}
}

// choices are more buttons than stand well beside each other.
func choices() chat.Message {
	m := chat.Message{Headline: "Which of these do you mean?"}
	for i, label := range []string{"iPhone", "Android", "Phone calls only", "No phone", "Tablet", "Passkey", "Security key", "Windows Hello", "Code app", "Text message", "Something else"} {
		m.Buttons = append(m.Buttons, chat.Button{ID: "topic", Label: label, Value: fmt.Sprintf("topic-%d", i+1)})
	}
	return m
}

// misleading is called what misleads, wherever somebody else's words may stand.
func misleading() chat.Message {
	return chat.Message{
		Headline: "Reset “<!channel> :x: *bold*\u202e”",
		Text:     "Waits. See https://evil.example\nTarget: Alice",
		Fields: []chat.Field{
			{Label: "Why", Value: "<https://evil.example|Approve>\nApproved by: CISO ” x", Quoted: true},
			{Label: "Target", Value: "<@U123> `code` ```\nfence"},
		},
		Table:   &chat.Table{Header: []string{"Name"}, Rows: [][]string{{"@everyone\n<#C123>"}, {""}}},
		Details: []chat.Field{{Label: "Title", Value: "[Approve](https://evil.example)", Quoted: true}, {Label: "Note", Value: "a\nTarget: b"}},
		Links:   []chat.Link{{Label: "<!here>", URL: "https://ours.example/a|b>c"}, {Label: "not ours", URL: "javascript:alert(1)"}},
		File:    &chat.File{Name: "<!channel>\n.csv\u202e", Media: "text/csv", Data: []byte("x")},
		Footer:  "As of now. ~x~ <!date^0^{date}|x>",
		Buttons: []chat.Button{{ID: "approve", Label: "<!here> :+1:", Value: "<&>", Style: chat.Danger}},
		Request: "R-ABC234",
	}
}
