package link

import (
	"errors"
	"net/http"

	"twokey/chat/phrases"
	"twokey/chat/visit"
	"twokey/graph"
)

// sheet is all that a page shows. There is one shape for all of them.
type sheet struct {
	Lang         string
	Organization string
	Title        string
	Refresh      string // where the browser goes on by itself
	Alert        string // what went wrong
	Text         []string
	About        string // what somebody asks for, in English
	Facts        []fact
	Command      string // to be typed in the chat
	Secret       string // the pass
	Seen         string // the address of its receipt
	Post         action // a button
	Offer        string // what the next is good for
	Use, Make    action // buttons of the script's
	Link         action
	Said         []said // what the script says, once it has to
	Footer       string
}

// fact is a line of a table.
type fact struct{ Label, Value string }

// action is a button or a link; the zero value is none.
type action struct{ To, Label string }

// said is a sentence that is hidden until something happens.
type said struct{ When, Text string }

// sayer words pages in one language.
type sayer struct {
	phrases.Voice
	page *Page
}

func (s sayer) sheet(title string) sheet {
	return sheet{Lang: string(s.Language()), Organization: s.page.cfg.Organization, Title: title, Footer: s.Say("This page never asks for a password or a code: only Microsoft’s own sign-in page does.")}
}

// title says what a visit is for.
func (s sayer) title(purpose visit.Purpose) string {
	switch purpose {
	case visit.Link:
		return s.Say("Link your chat account")
	case visit.Collect:
		return s.Say("Collect what you asked for")
	default:
		return s.Say("Prove that it is you")
	}
}

// opened is what somebody sees who opens an address.
func (s sayer) opened(v visit.Visit, to string) sheet {
	p := s.sheet(s.title(v.Purpose))
	switch v.Purpose {
	case visit.Link:
		p.Text = []string{s.Say("The chat account below asks to be linked to whoever signs in here.")}
	case visit.Collect:
		p.Text = []string{s.Say("Sign in first, in this browser. Then it is shown to you here, once.")}
	default:
		p.Text = []string{s.Say("Before this counts, whoever uses the chat account below proves anew who they are.")}
	}
	p.About = v.About
	p.Facts = []fact{{s.Say("Chat account"), v.Account}}
	p.Text = append(p.Text, s.Say("Did you ask for this yourself, just now? If somebody else sent you this address, close the page and tell your help desk."))
	p.Post = action{to, s.Say("Continue")}
	p.Said = []said{{"unable", s.Say("This browser cannot use passkeys; it may be the chat’s own. Open this address in your usual browser instead, as it works only once.")}}
	return p
}

// signIn offers the ways to sign in.
func (s sayer) signIn(v visit.Visit, keys bool) sheet {
	p := s.sheet(s.title(v.Purpose))
	p.About = v.About
	p.Facts = []fact{{s.Say("Chat account"), v.Account}}
	least := v.Least == visit.Passkey
	switch {
	case least && !keys:
		p.Alert = s.Say("This takes a passkey, and you have none here yet. Ask for a new address in the chat with “/mfa link”, and make one there.")
		return p
	case !keys:
		p.Refresh = signInPath
		p.Text = []string{s.Say("You are taken to Microsoft’s sign-in page.")}
	default:
		p.Use = action{Label: s.Say("Use my passkey")}
		p.Said = s.scripted(s.Say("This browser cannot use passkeys. Ask for a new address in the chat, and open it in your usual browser."))
	}
	if !least {
		p.Link = action{signInPath, s.Say("Sign in with Microsoft")}
	}
	return p
}

// scripted are the sentences of the script. What it is told by the page itself
// it says as it is.
func (s sayer) scripted(unable string) []said {
	return []said{
		{"unable", unable},
		{"broken", s.Say("The passkey was not used. Try again.")},
		{"kept", s.Say("Your passkey is kept.")},
	}
}

// ready is what somebody sees who has signed in.
func (s sayer) ready(v visit.Visit, who person, done visit.Done) sheet {
	var p sheet
	switch {
	case v.Purpose == visit.Link:
		p = s.sheet(s.Say("One step is left"))
		p.Text = []string{s.Say("Type this in the chat where you asked. It shows that the chat account is yours:")}
		p.Command = linkCommand + done.Code
	case v.Purpose == visit.Collect && done.Pass:
		p = s.sheet(s.title(v.Purpose))
		p.About = v.About
		p.Text = []string{s.Say("It is created when you press, and shown on this page once. Nobody can show it again.")}
		p.Post = action{passPath, s.Say("Show it once")}
	default:
		p = s.thanks()
	}
	if who.Object != "" {
		p.Facts = []fact{{s.Say("You signed in as"), who.shown()}, {s.Say("You proved it by"), s.proof(who.claims().Proof)}}
	}
	if done.Enrol {
		p.Offer = s.Say("With a passkey you prove later that it is you by a finger, a face or a PIN. It stays with this device or with your password manager.")
		p.Make = action{Label: s.Say("Make a passkey")}
		p.Said = s.scripted(s.Say("This browser cannot make passkeys. You can make one another time, in your usual browser."))
	}
	return p
}

// thanks ends a visit that has no more to show.
func (s sayer) thanks() sheet {
	p := s.sheet(s.Say("Thank you"))
	p.Text = []string{s.Say("Go back to the chat and go on there. You can close this page.")}
	return p
}

// proof says what was proved. The words stand in the record, too, in English.
func (s sayer) proof(proof visit.Proof) string {
	switch proof {
	case visit.MFA:
		return s.Say("fresh MFA")
	case visit.Passkey:
		return s.Say("a passkey")
	default:
		return s.Say("a fresh password")
	}
}

// pass is the page with the pass.
func (s sayer) pass(p graph.Pass, seen string) sheet {
	out := s.sheet(s.Say("The Temporary Access Pass"))
	out.Secret, out.Seen = p.Code.Reveal(), seen
	use := s.Say("as often as needed")
	if p.Once {
		use = s.Say("once")
	}
	at := func(minutes bool) string {
		t := p.Start
		if minutes {
			t = t.Add(p.Lifetime)
		}
		return t.In(s.page.cfg.Zone).Format(passTimes)
	}
	out.Facts = []fact{{s.Say("Valid from"), at(false)}, {s.Say("Valid until"), at(true)}, {s.Say("To be used"), use}}
	out.Text = []string{
		s.Say("Give it to them yourself, as you made sure who they are. They sign in with it in place of their password, and set up their own methods at once."),
		s.Say("It is gone once you leave this page, and kept nowhere."),
	}
	return out
}

// uncollected is a collecting that showed nothing.
func (s sayer) uncollected(sentence string) sheet {
	p := s.sheet(s.Say("Nothing was shown"))
	p.Alert = sentence
	return p
}

// refusal is the page for an error, and its status. It tells nobody who guesses
// what there is.
func (s sayer) refusal(err error) (status int, p sheet) {
	who := ""
	var n named
	if errors.As(err, &n) {
		who = n.who.shown()
	}
	again := action{visitPath, s.Say("Try again")}
	spoken := interface{ Say() string }(nil)
	switch {
	case errors.Is(err, visit.Gone):
		p = s.sheet(s.Say("This address is not good any more"))
		p.Text = []string{s.Say("An address works once, for ten minutes, in the browser that opened it first. Ask for a new one in the chat.")}
		return http.StatusGone, p
	case errors.Is(err, visit.Other):
		p = s.sheet(s.Say("This account does not fit"))
		p.Text = []string{s.Say("It must be the account of whoever asked in the chat, and active in your organisation. Sign in with that one.")}
		status, p.Link = http.StatusForbidden, again
	case errors.Is(err, visit.Weak):
		p = s.sheet(s.Say("That does not prove enough"))
		p.Text = []string{s.Say("This takes a fresher sign-in, or a stronger one: sign in again, with a passkey if you have one.")}
		status, p.Link = http.StatusForbidden, again
	case errors.Is(err, visit.Often):
		p = s.sheet(s.Say("That was too often"))
		p.Text = []string{s.Say("Wait a minute, and try again.")}
		return http.StatusTooManyRequests, p
	case errors.Is(err, errStray):
		p = s.sheet(s.Say("This does not belong together"))
		p.Text = []string{s.Say("This sign-in was not begun here, or is over. Begin again.")}
		status, p.Link = http.StatusBadRequest, again
	case errors.Is(err, errBroken):
		p = s.sheet(s.Say("You were not signed in"))
		p.Text = []string{s.Say("The sign-in was broken off.")}
		status, p.Link = http.StatusForbidden, again
	case errors.Is(err, errKey):
		p = s.sheet(s.Say("The passkey was not accepted"))
		p.Text = []string{s.Say("Use the one that you made on this page, or sign in another way.")}
		status, p.Link = http.StatusForbidden, again
	case errors.As(err, &spoken):
		p = s.sheet(s.Say("This cannot be done now"))
		p.Alert = spoken.Say()
		return http.StatusConflict, p
	default:
		p = s.sheet(s.Say("Something went wrong here"))
		p.Text = []string{s.Say("Nothing was changed. Try again in a minute; if it goes on, tell whoever runs the bot.")}
		status, p.Link = http.StatusInternalServerError, again
	}
	if who != "" {
		p.Facts = []fact{{s.Say("You signed in as"), who}}
	}
	return status, p
}
