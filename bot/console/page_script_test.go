package console_test

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"strings"
	"sync"
	"testing"

	"twokey/bot/console"
	"twokey/chat"
)

// script is a handler that plays the bot's part on the page: enough of it to
// show every part of a message and a request from asking to done.
type script struct {
	mu      sync.Mutex
	console *console.Console
	prompts map[chat.Address]string // where the prompt of the one request stands
}

func (s *script) Handle(ctx context.Context, r chat.Responder, e chat.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch word, _, _ := strings.Cut(e.Text, " "); {
	case e.Kind == chat.Press:
		return s.pressed(ctx, r, e)
	case e.Kind == chat.Mention, word == "setup":
		return r.Reply(ctx, setupAnswer)
	case word == "who":
		return r.Reply(ctx, whoAnswer)
	case word == "tap":
		return s.ask(ctx, r)
	}
	return r.Reply(ctx, chat.Message{Text: "There is no command “" + e.Text + "”. Type /mfa help for all that you can do."})
}

func (s *script) ask(ctx context.Context, r chat.Responder) error {
	s.prompts = map[chat.Address]string{}
	for _, at := range []chat.Address{direct("abe"), direct("bea"), channel("admins")} {
		id, err := s.console.Post(ctx, at, "", prompt(""))
		if err != nil {
			return err
		}
		s.prompts[at] = id
	}
	return r.Reply(ctx, chat.Message{
		Headline: "Asked Abe Abernathy and Bea Brandt",
		Text:     "You will hear here when one of them has decided. Nothing has changed yet.",
		Buttons:  []chat.Button{{ID: "cancel", Label: "Cancel request"}}, Request: "R-K7Q2MD",
	})
}

func (s *script) pressed(ctx context.Context, r chat.Responder, e chat.Event) error {
	state := map[string]string{
		"approve": "Approved by " + e.From.User + ". The pass can be collected until 10:20.",
		"deny":    "Denied by " + e.From.User + ": " + e.Fields["reason"],
	}[e.Button]
	if state == "" {
		return r.Reply(ctx, chat.Message{Text: "Your question went to Ada Adler."})
	}
	for at, id := range s.prompts {
		if err := s.console.Edit(ctx, at, id, prompt(state)); err != nil {
			return err
		}
	}
	_, err := s.console.Post(ctx, direct("ada"), "", chat.Message{
		Headline: "Your request was decided", Text: state, Request: "R-K7Q2MD",
		Buttons: []chat.Button{{ID: "collect", Label: "Collect the pass", Style: chat.Primary}},
	})
	return err
}

// prompt is what an approver judges on a phone; a decided one has no buttons.
func prompt(decided string) chat.Message {
	m := chat.Message{
		Notice:   "Ada Adler asks for your decision",
		Headline: "Ada Adler asks for a one-time pass for Sue Sutherland",
		Fields: []chat.Field{
			{Label: "What happens", Value: "Sue can sign in once without her phone, within 60 minutes, and set up a new one."},
			{Label: "Why", Value: "New phone arrived, the old one was handed in.\nIdentity proved by call-back.", Quoted: true},
			{Label: "If it is wrong", Value: "Whoever holds the pass is Sue: her mail, her files."},
			{Label: "Call first", Value: "Sue Sutherland, number in the directory ending 44"},
			{Label: "Decide by", Value: "Monday 17:00, you or Bea Brandt"},
		},
		Details: []chat.Field{
			{Label: "Tenant", Value: "Harbour Trust (harbourtrust.example)"},
			{Label: "Target", Value: "Sue Sutherland, sue@harbourtrust.example, object 3f1c5a0e-7a53-4e0f-9b26-6d2b8f3f9b11"},
			{Label: "Now", Value: "1 method: Authenticator on iPhone 12, last used 19 November"},
			{Label: "Then", Value: "1 method and a pass, 60 minutes, one use"},
			{Label: "Undo", Value: "Delete the pass; sessions opened with it are revoked"},
		},
		Footer: "You see this because you are an approver. Nobody outside the admins does.", Request: "R-K7Q2MD",
		Buttons: []chat.Button{
			{ID: "approve", Label: "Approve", Style: chat.Primary},
			{ID: "deny", Label: "Deny", Style: chat.Danger, Form: []chat.FormField{{ID: "reason", Label: "Reason", Required: true, MaxRunes: 300}}},
			{ID: "ask", Label: "Ask", Form: []chat.FormField{{ID: "question", Label: "Your question to Ada Adler", Required: true}}},
		},
	}
	if decided != "" {
		m.Fields = append(m.Fields, chat.Field{Label: "Decision", Value: decided})
		m.Buttons = nil
	}
	return m
}

var setupAnswer = chat.Message{
	Headline: "Set up Authenticator on your iPhone",
	Text:     "It takes about four minutes. You need your phone and the computer that you are at.",
	Steps: []string{
		"On the phone, open the App Store and get Microsoft Authenticator. Allow it to send notifications.",
		"On the computer, open Security info and sign in.",
		"Choose Add sign-in method, then Microsoft Authenticator, and press Next until you see a square code.",
		"In the app press +, Work or school account, Scan QR code, and hold the phone over the code.",
		"Type the number that the computer shows into the phone. Done.",
	},
	Links: []chat.Link{
		{Label: "Open Security info", URL: "https://mysignins.microsoft.com/security-info"},
		{Label: "Not one of ours", URL: "javascript:alert(1)"},
	},
	Footer: "Only you can see this. Stuck? The helpdesk is there until 17:00, extension 200.",
	Buttons: []chat.Button{
		{ID: "check", Label: "I am done, check", Style: chat.Primary},
		{ID: "help", Label: "I am stuck"},
	},
}

var whoAnswer = chat.Message{
	Headline: "31 of 240 people have no method yet",
	Table: &chat.Table{
		Header: []string{"Department", "People", "Without", "Share", "Since last week"},
		Rows: [][]string{
			{"Volunteers", "62", "17", "27.4 %", "−4"},
			{"Shops", "48", "9", "18.8 %", "−2"},
			{"Finance", "12", "1", "8.3 %", "0"},
			{"Programmes", "118", "4", "3.4 %", "−11"},
		},
	},
	Footer: "As of 23 November, 09:00. Read from 240 of 240 accounts.",
}

func digest(t *testing.T) chat.Message {
	return chat.Message{
		Headline: "87 % can sign in with a second factor, 4 points more than last week",
		Fields: []chat.Field{
			{Label: "Capable", Value: "209 of 240 (+9)"},
			{Label: "With a backup", Value: "121 of 240 (+14)"},
			{Label: "Phone only", Value: "33 (−6)"},
			{Label: "Legacy sign-ins", Value: "not known: needs P1"},
		},
		Text: "To do this week:\n1. Volunteers: 17 people have not begun.\n2. The scanner in the Leith office still sends with SMTP AUTH.\n3. Confirm four accounts that look like no person.",
		Image: &chat.Image{
			Name: "trend.png", PNG: chart(t),
			Alt: "Adoption by week: 61, 66, 70, 74, 78, 83, 87 %. Goal 98 % by 31 March.",
		},
		Footer: "As of 23 November, 09:00 · week 48",
	}
}

// chart draws a rising line under a goal, as the digest's picture has it.
func chart(t *testing.T) []byte {
	t.Helper()
	const width, height = 1200, 440
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	dot := func(x, y, size int, c color.Color) {
		for i := range size * size {
			img.Set(x+i%size, y+i/size, c)
		}
	}
	for i := range width * height {
		img.Set(i%width, i/width, color.White)
	}
	for x := 60; x < width-40; x++ {
		for y := 60; y < height; y += 80 {
			dot(x, y, 1, color.RGBA{220, 222, 230, 255})
		}
		if x%24 < 14 {
			dot(x, 70, 3, color.RGBA{0, 105, 92, 255})
		}
		dot(x, 360-(x-60)*230/(width-100), 6, color.RGBA{65, 82, 217, 255})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func commandSpecs(chat.Account) []chat.CommandSpec {
	return []chat.CommandSpec{
		{Name: "setup", Summary: "Steps to set up Authenticator on your own phone.", Example: "setup iphone", Options: []chat.Option{
			{Name: "phone", Summary: "what you have", Choices: []string{"iphone", "android", "phone-only", "nophone", "tablet"}},
		}},
		{Name: "who", Summary: "Who has no method, one, or a weak one.", Example: "who missing", Options: []chat.Option{
			{Name: "kind", Summary: "which people", Choices: []string{"missing", "single", "phone-only"}, Required: true},
		}},
		{Name: "tap", Summary: "Ask for a Temporary Access Pass for somebody.", Example: "tap sue New phone", Options: []chat.Option{
			{Name: "user", Summary: "for whom", Required: true}, {Name: "reason", Summary: "why", Rest: true},
		}},
		{Name: "tap-policy show", Summary: "Who may get a pass."},
		{Name: "digest preview", Summary: "This week's digest, for your eyes alone."},
		{Name: "requests", Summary: "What is open, and who may decide."},
	}
}
