package nudge

import (
	"context"
	"embed"
	"strings"
	"time"

	"twokey/chat"
	"twokey/chat/phrases"
	"twokey/graph/rollout"
)

//go:embed phrases/*.yaml
var phraseFiles embed.FS

// LoadPhrases reads what nudges say in other languages.
func LoadPhrases() (*phrases.Book, error) { return phrases.Load(phraseFiles, "phrases") }

// The templates that a lead can give other words, as rollout.NudgeTemplates
// lists them.
const (
	TemplateAnnouncement = "announcement"
	TemplateFirst        = "first"
	TemplateSecond       = "second"
	TemplateLast         = "last"
	TemplateThanks       = "thanks"
)

// template is the one that a message of a step is worded by.
func template(step int) string {
	switch {
	case step <= 1:
		return TemplateFirst
	case step < Most:
		return TemplateSecond
	default:
		return TemplateLast
	}
}

// BuiltIn returns the words that a template has as long as no lead gave it
// others: a headline, which stays, and the text below it.
func BuiltIn(v phrases.Voice, template string, s Subject) (headline, text string) {
	switch template {
	case TemplateAnnouncement:
		return v.Say("From today I write to colleagues who have something left to do for a safe sign-in."),
			v.Say("It takes about five minutes. I write to each of them alone, in working hours, three times at most. Whoever is set up hears nothing from me.")
	case TemplateThanks:
		return v.Say("Thank you! You are set up now."), v.Say("A second method is a good idea, in case the first one breaks.")
	}
	headline = v.Say("One thing is left for your account: a second step for signing in.")
	text = v.Say("Your password is all that protects it. Setting it up takes about five minutes, best at your computer with your phone beside you.")
	if s == Lasting {
		headline = v.Say("One thing is left for your account: a method that is no text and no call.")
		text = v.Say("Please add the app or a passkey. It takes about five minutes, best at your computer with your phone beside you.")
	}
	switch template {
	case TemplateSecond:
		text = v.Say("A short reminder.") + " " + text
	case TemplateLast:
		text = v.Say("This is my last reminder.") + " " + text + " " + v.Say("If something keeps you from it, a person is glad to help.")
	}
	return headline, text
}

// words are a template's, with the text that a lead has given it if there is one.
func (n *Nudger) words(ctx context.Context, v phrases.Voice, template string, s Subject) (headline, text string, err error) {
	headline, text = BuiltIn(v, template, s)
	own, err := n.cfg.Store.NudgeText(ctx, n.cfg.Tenant, template, v.Language())
	if own != "" {
		text = own
	}
	return headline, text, err
}

// never stands under everything that is sent: whoever gets a message that asks for
// one knows that it is not ours.
func never(v phrases.Voice) string { return v.Say("We never ask for a password, code or pass.") }

// message is what one person is written.
func (n *Nudger) message(ctx context.Context, v phrases.Voice, w rollout.Wave, s Subject, step int, enforced bool) (chat.Message, error) {
	headline, text, err := n.words(ctx, v, template(step), s)
	m := chat.Message{
		Headline: headline, Text: text + "\n\n" + n.terms(v, w, s, enforced),
		Footer: v.Say("Only you can see this.") + " " + never(v),
		Buttons: []chat.Button{
			{ID: "run", Label: v.Say("Show me how"), Value: "setup", Style: chat.Primary},
			{ID: "run", Label: v.Say("Remind me in a week"), Value: "remind 7"},
			{ID: "run", Label: v.Say("I have no smartphone"), Value: noPhoneLine},
			{ID: "run", Label: v.Say("Ask a person"), Value: "person", Form: []chat.FormField{
				{ID: "question", Label: v.Say("What would you like to tell them? No passwords and no codes, please"), Required: true, MaxRunes: 300},
			}},
		},
	}
	if s == Lasting || step >= Most { // they have a phone; and there is nothing left to put off
		m.Buttons = append(m.Buttons[:1:1], m.Buttons[3])
	}
	return m, err
}

// asMail is a message for whoever may have no chat in which to answer.
func (n *Nudger) asMail(v phrases.Voice, m chat.Message) chat.Message {
	m.Links = append(m.Links, chat.Link{Label: v.Say("Set it up on Microsoft's page"), URL: "https://aka.ms/mfasetup"})
	m.Footer = v.Say("Answers to this mail are not read. If you need help, please turn to %s.", n.cfg.Contact()) + " " + never(v)
	return m
}

// endOfTexts is when Microsoft ends texts and calls for most people, see
// graph/rollout's deadlines.
var endOfTexts = time.Date(2027, 2, 1, 0, 0, 0, 0, time.UTC)

// terms say until when, and what happens then.
func (n *Nudger) terms(v phrases.Voice, w rollout.Wave, s Subject, enforced bool) string {
	var said []string
	if !w.By.IsZero() {
		last := w.By.In(n.cfg.Hours.Zone).Add(-time.Nanosecond) // the day before the one on which it is too late
		said = append(said, v.Say("Please do it by %s.", v.Day(last)))
	}
	switch {
	case w.Then != "":
		said = append(said, w.Then)
	case s == Lasting && n.cfg.Now().Before(endOfTexts):
		said = append(said, v.Say("For most people Microsoft stops sending texts and calls on 1 February 2027. Then you could not sign in any more."))
	case s == Lasting:
		said = append(said, v.Say("For most people Microsoft stopped sending texts and calls on 1 February 2027. Without another method you cannot sign in."))
	case enforced:
		said = append(said, v.Say("Microsoft asks for it as you sign in, and does not let you go on without it."))
	default:
		said = append(said, v.Say("After that you may not be able to sign in before it is set up."))
	}
	return strings.Join(said, " ")
}

// thanks is what a message turns into once its reader has done it.
func (n *Nudger) thanks(ctx context.Context, v phrases.Voice, s Subject) (chat.Message, error) {
	headline, text, err := n.words(ctx, v, TemplateThanks, s)
	return chat.Message{
		Headline: headline, Text: text, Footer: v.Say("Only you can see this.") + " " + never(v),
		Buttons: []chat.Button{{ID: "run", Label: v.Say("Add a backup"), Value: "backup"}},
	}, err
}

// announcement is what everybody reads as a wave begins.
func (n *Nudger) announcement(ctx context.Context, v phrases.Voice, w rollout.Wave) (chat.Message, error) {
	headline, text, err := n.words(ctx, v, TemplateAnnouncement, Register)
	if !w.By.IsZero() {
		text += " " + v.Say("Please do it by %s.", v.Day(w.By.In(n.cfg.Hours.Zone).Add(-time.Nanosecond)))
	}
	return chat.Message{
		Headline: headline, Text: text, Footer: never(v),
		Buttons: []chat.Button{{ID: "run", Label: v.Say("How do I stand?"), Value: "me"}},
	}, err
}
