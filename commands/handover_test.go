package commands

import (
	"strings"
	"testing"
	"time"

	"twokey/commands/staff"
)

// TestU07AsksForSecret tells what asks somebody for a secret from what does not.
func TestU07AsksForSecret(t *testing.T) {
	t.Parallel()
	for _, words := range []string{
		"Please send me your password", "what is your password?", "What's the code on your phone", "tell me the 6 digit code", "I need the code you got",
		"can you read out the number and the code", "share your PIN with me", "give me the pass", "reply with the OTP", "your passcode please",
		"Could you type your password here", "password?", "The code, please.", "forward the code to me", "Send  me\nyour\npass word", "s\u200bend me your pass\u200bword",
		"PASSWORD NEEDED: send it", "show me your temporary access pass", "*send* _me_ your `code`", "I want your passphrase", "Schick mir dein Passwort", "envíame tu contraseña",
		"Envoyez-moi votre mot de passe", "me mande a sua senha", "hãy gửi mã cho tôi", "We never ask for a password, but this once send me your code",
		"let me know the code", "confirm your password",
		"Do not tell anybody else, just send me your password", "Don't share it with anyone, but tell me the code.", "Please type the code on your phone here",
		"Please send me your new password", "I need to reset your password, so send me the current one", "I need to reset your password. Send me the current one",
		"Read me the six digits on your screen", "Which number does the app show?", "Send me the 6-digit number", "Why don't you send me the code",
		"Never mail it and tell me the code", "No worries just send me your code", "Tell me when you have the code and what the number is",
	} {
		if !asksForSecret(words) {
			t.Errorf("%q is passed on", words)
		}
	}
	for _, words := range []string{
		"I will call you on the number in the directory at ten", "Please come to desk 4 with your badge", "We never ask for a password, a code or a pass.",
		"Nobody will ever ask you for a code.", "Do not tell anybody your password", "Your account is open again, try to sign in", "The Authenticator shows a number: type the number in the app",
		"Enter the code in the app and tap Yes", "Which phone do you have?", "Open aka.ms/mysecurityinfo and choose Add sign-in method", "Scan the QR code on the page",
		"You have one method, please add a second", "Thanks, that is all", "Don't send me your password!", "Please change your password", "Did you reset your password?",
		"Change your password, please, and tell me when it is done", "You need to change your password. Tell me if it fails", "Don't send me your password or the code",
		"Never give anybody a password, a code or a pass.", "Which phone number may I call?", "Never type your password on a page that somebody sent you",
	} {
		if asksForSecret(words) {
			t.Errorf("%q is held", words)
		}
	}
}

// TestU07Questions holds what an approver asks of a requester, if it asks for a
// secret, and passes on what is about the pass that is asked for.
func TestU07Questions(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		r := o.asks("ada", "reset "+upn("sue")+" a new phone")
		for words, want := range map[string]string{
			"Please send me her Temporary Access Pass": "That was not passed on",
			"What is the code on her phone?":           "That was not passed on",
			"Why not a Temporary Access Pass?":         "was passed on. The answer comes to you directly.",
			"Does she need a Temporary Access Pass?":   "was passed on. The answer comes to you directly.",
		} {
			wantSaid(t, o.press("abe", "ask", r.Seal(), map[string]string{"question": words}), want)
		}
	})
}

// TestHandOver relays both ways, shows the help desk how the person stands, and
// keeps others out.
func TestHandOver(t *testing.T) {
	t.Parallel()
	openEach(t, func(o *office) {
		asked := o.say("sue", "ask please reset my MFA for me")
		wantSaid(t, o.presses("sue", asked.Message, "Ask a person for me", nil), "The help desk has been told.")
		ref := o.caseAbout("sue")
		card := o.gets("ada", "“Sue Tanaka” asks the help desk. Case "+ref)
		for _, want := range []string{"They: “please reset my MFA for me”", "How they stand: They have: Microsoft Authenticator"} {
			if !strings.Contains(card.Plain(), want) {
				t.Errorf("the help desk is not told %q:\n%s", want, card.Plain())
			}
		}
		wantSaid(t, o.presses("ada", card, "Answer", map[string]string{"words": "I will call you at ten"}), "Passed on, in case "+ref)
		answer := o.gets("sue", "They write: “I will call you at ten”")
		if !strings.Contains(answer.Footer, "We never ask for a password, code or pass.") {
			t.Errorf("the answer ends with %q", answer.Footer)
		}
		wantSaid(t, o.presses("sue", answer, "Answer", map[string]string{"words": "thank you"}), "Passed on")
		o.gets("ada", "They write: “thank you”")
		wantSaid(t, o.say("sue", "person one more thing"), "Passed on, in case "+ref) // the same case
		for _, stranger := range []string{"sam", "vic", "nobody"} {
			for _, line := range []string{"case show " + ref, "case say " + ref + " hello", "case close " + ref, "case stop " + ref} {
				wantSaid(t, o.say(stranger, line), "There is no such case, or it is not yours to see.")
			}
		}
		wantSaid(t, o.presses("sue", o.gets("sue", "I will call you at ten"), "That is all, thank you", nil), "Case "+ref+" is closed.")
		wantSaid(t, o.say("ada", "case say "+ref+" more"), "This case is closed.")
	})
}

// TestHandOverOfTheUnlinked answers somebody in the chat account with which they
// asked.
func TestHandOverOfTheUnlinked(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		o.say("nobody", "person I am new here")
		all, err := o.store.OpenCases(o.t.Context(), o.env.Organization.ID, "")
		if err != nil || len(all) != 1 {
			t.Fatalf("%+v, %v", all, err)
		}
		o.gets("ada", "not known: their chat account is not linked")
		o.say("ada", "case say "+all[0].Ref+" welcome, an owner will link you")
		o.gets("nobody", "They write: “welcome, an owner will link you”")
		wantSaid(t, o.say("nobody", "case say "+all[0].Ref+" thanks"), "Passed on")
		wantSaid(t, o.say("nobody-2", "case say "+all[0].Ref+" thanks"), "There is no such case")
	})
}

// TestHandOverOfTheOpener takes what a helper writes in a case that they opened
// for somebody else for the help desk's word, and passes it on to them.
func TestHandOverOfTheOpener(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		o.say("ada", "lost --for "+upn("sam")+" he called")
		ref := o.caseAbout("sam")
		o.say("ada", "case say "+ref+" I will call you at ten")
		o.gets("sam", "They write: “I will call you at ten”")
		wantSaid(t, o.say("ada", "case say "+ref+" tell me the code"), "That was not passed on")
	})
}

// TestHandOverIsBounded holds that nobody floods the help desk.
func TestHandOverIsBounded(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		o.say("sue", "person a question")
		ref := o.caseAbout("sue")
		for range staff.LinesPerHour - 1 {
			wantSaid(t, o.say("sue", "case say "+ref+" and another"), "Passed on")
		}
		wantSaid(t, o.say("sue", "case say "+ref+" and another"), "That was a lot within the hour")
		wantSaid(t, o.say("sue", "person and another"), "That was a lot within the hour")
		wantSaid(t, o.say("ada", "case say "+ref+" one by one, please"), "Passed on")
		o.advance(time.Hour)
		wantSaid(t, o.say("sue", "case say "+ref+" and another"), "Passed on")
	})
}

// TestHandOverReminds reminds the help desk once when nobody has answered for
// half an hour of its time.
func TestHandOverReminds(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		o.env.Hours = OfficeHours(o.env.Zone)
		o.assemble()
		reminders := func() (n int) {
			o.looks()
			for _, m := range o.inbox("ada") {
				if strings.HasPrefix(m.Notice, "Still waiting: case C-") {
					n++
				}
			}
			return n
		}
		o.say("sue", "person a question")
		ref := o.caseAbout("sue")
		for _, step := range []struct {
			wait time.Duration
			want int
		}{{29 * time.Minute, 0}, {time.Minute, 1}, {time.Hour, 1}} {
			time.Sleep(step.wait)
			if got := reminders(); got != step.want {
				t.Fatalf("after %s more there are %d reminders, want %d", step.wait, got, step.want)
			}
		}
		o.say("ada", "case say "+ref+" an answer")
		o.say("sue", "case say "+ref+" another question")
		time.Sleep(10 * time.Minute)
		o.say("ada", "case say "+ref+" another answer")
		time.Sleep(time.Hour)
		if got := reminders(); got != 1 {
			t.Errorf("it reminds of what was answered: %d", got)
		}
		o.advance(4 * time.Hour) // after hours
		o.say("sue", "case say "+ref+" good night")
		time.Sleep(2 * time.Hour)
		if got := reminders(); got != 1 {
			t.Errorf("it reminds at night: %d", got)
		}
	})
}

// TestU07HeldRelay holds a line of the help desk that asks for a secret, tells
// whoever wrote it and those who look after security, and never the person.
func TestU07HeldRelay(t *testing.T) {
	t.Parallel()
	openEach(t, func(o *office) {
		o.say("sue", "person I cannot sign in")
		ref := o.caseAbout("sue")
		wantSaid(t, o.say("ada", "case say "+ref+" send me the code that you got, please"), "That was not passed on: it reads as if it asked for a password, a code or a pass.")
		for _, who := range []string{"abe", "bea", "olga"} {
			m := o.gets(who, "A message of the help desk to “Sue Tanaka” was held: it asks for a secret.")
			for _, want := range []string{"Written by: “Ada Okafor”", "“send me the code that you got, please”"} {
				if !strings.Contains(m.Plain(), want) {
					t.Errorf("%s is not told %q:\n%s", who, want, m.Plain())
				}
			}
		}
		for _, m := range o.inbox("sue") {
			if strings.Contains(m.Plain(), "the code that you got") {
				t.Errorf("sue reads\n%s", m.Plain())
			}
		}
		o.wantRecorded(ref, "case.opened", "case.held")
		// What somebody asks of the help desk is not held.
		wantSaid(t, o.say("sue", "case say "+ref+" please send me a temporary pass"), "Passed on")
	})
}
