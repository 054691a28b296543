package commands

import (
	"context"
	"regexp"
	"strings"
	"time"

	"twokey/chat"
	"twokey/chat/phrases"
	"twokey/commands/approval"
	"twokey/commands/staff"
)

// helpButton hands over to a person.
func helpButton(v phrases.Voice, label string) chat.Button {
	return chat.Button{ID: "run", Label: label, Value: "person", Form: []chat.FormField{
		{ID: "question", Label: v.Say("What would you like to tell them? No passwords and no codes, please"), Required: true, MaxRunes: maxReason},
	}}
}

// askPerson hands a question over to the help desk.
func askPerson(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "person", Summary: "Ask the help desk: a person answers you here.", Example: "person the page wants a code that I do not have",
			Options: []chat.Option{{Name: "question", Summary: "what you would like to know", Required: true, Rest: true}},
		},
		Access: everybody, Offline: true,
		Answer: func(ctx context.Context, call Call) (chat.Message, error) {
			now := env.Now()
			who := selfOf(env, call.Who)
			line := staff.Line{By: who, Words: heard(call.Args["question"]), At: now}
			c := staff.Case{
				Ref: staff.NewRef(), Tenant: env.Organization.ID, Kind: staff.Person, Person: who, Opener: who,
				Body: staff.Body{Account: encode(call.Who.Account), Lines: []staff.Line{line}, Due: dueAt(env, now)},
			}
			open, err := env.Staff.OpenCases(ctx, env.Organization.ID, who)
			if err != nil {
				return chat.Message{}, err
			}
			for _, there := range open {
				if there.Kind == staff.Person {
					return relay(ctx, env, call, there, line)
				}
			}
			return openCase(ctx, env, call, c)
		},
	}
}

// sayInCase relays a line: of the person to the help desk, and of the help desk
// to the person.
func sayInCase(env Env) Command {
	options := []chat.Option{{Name: "words", Summary: "what you want to say", Required: true, Rest: true}}
	return caseCommand(env, "say", "Write in a case: the help desk to the person, and they to the help desk.", options, func(ctx context.Context, call Call, c staff.Case) (chat.Message, error) {
		line := staff.Line{By: selfOf(env, call.Who), Words: heard(call.Args["words"]), At: env.Now()}
		if line.By != c.Person { // of whoever opened it for another: the help desk's, if they are of it
			err := atDesk(ctx, env, call.Who, c)
			if err != nil && line.By != c.Opener {
				return chat.Message{}, err
			}
			line.Desk = err == nil
		}
		if line.Desk && asksForSecret(line.Words) {
			return hold(ctx, env, call, c, line)
		}
		return relay(ctx, env, call, c, line)
	})
}

// relay stores a line and owes it to the other side.
func relay(ctx context.Context, env Env, call Call, c staff.Case, l staff.Line) (chat.Message, error) {
	to, side := []string{addressOf(c.Account)}, toPerson
	if c.Person != c.Opener { // the conversation is with whom it is about
		to = directs(ctx, env, c.Person)
	}
	if !l.Desk {
		var err error
		if to, err = desk(ctx, env, c.Person); err != nil {
			return chat.Message{}, err
		}
		side = toDesk
	}
	_, err := changeCase(ctx, env, call.Who, c.Ref, "case.line", func(c staff.Case, now time.Time) (staff.Case, error) {
		l.At = now
		return c.Say(l, dueAt(env, now))
	}, func(tx approval.Tx, c staff.Case) error {
		return oweCase(tx, caseFacts{Case: c.Ref, To: side, What: saidLine, Line: len(c.Lines) - 1}, to)
	})
	if err != nil {
		return chat.Message{}, err
	}
	v := call.Voice
	m := chat.Message{Headline: v.Say("Passed on, in case %s.", c.Ref), Footer: privately(v)}
	if !l.Desk {
		m.Text = deskWords(env, v)
	}
	return m, nil
}

// hold keeps a line of the help desk back that asks for a secret, and has it
// looked into.
func hold(ctx context.Context, env Env, call Call, c staff.Case, l staff.Line) (chat.Message, error) {
	to := alarmed(ctx, env)
	l.Held = true
	_, err := changeCase(ctx, env, call.Who, c.Ref, "case.held", func(c staff.Case, now time.Time) (staff.Case, error) {
		if !c.Open {
			return c, staff.ErrClosed
		}
		l.At = now
		c.Lines = append(c.Lines[:len(c.Lines):len(c.Lines)], l)
		return c, nil
	}, func(tx approval.Tx, c staff.Case) error {
		return oweCase(tx, caseFacts{Case: c.Ref, To: toAlarm, What: saidHeld, Line: len(c.Lines) - 1}, to)
	})
	if err != nil {
		return chat.Message{}, err
	}
	return chat.Message{}, &mistake{"That was not passed on: it reads as if it asked for a password, a code or a pass.", "Nobody is ever asked for one here. Those who look after security have been told. Please say it in other words."}
}

// A secret that is asked for: a word that asks, and near it what nobody may ask
// for, in either order; or a question about it.
var (
	secret  = `(?:pass ?words?|pass ?codes?|pass ?phrases?|pins?|otps?|codes?|tokens?|temporary (?:access )?pass(?:es)?|(?:the|your|that) pass|digits?|numbers?|current one|contraseñas?|claves?|códigos?|mots? de passe|kennw[oö]rt(?:er)?|passw[oö]rt(?:er)?|senhas?|mật khẩu|mã)`
	asking  = `(?:send|tell|give|share|forward|read|text|e-?mail|mail|message|dm|show|need|want|confirm|provide|reply with|respond with|let me have|let me know|let us know|paste|post|write|type|enter|repeat|say|spell|what|whats|which|envía\w*|dime|envo[iy]e\w*|donne\w*|schick\w*|sende\w*|gib|nenn\w*|envie|mande|diga|gửi|cho)`
	asksFor = regexp.MustCompile(`(?i)(?:^|[^\pL])` + asking + `(?:[^\pL].{0,60}?)?(?:^|[^\pL])` + secret + `(?:$|[^\pL])`)
	wantsIt = regexp.MustCompile(`(?i)(?:^|[^\pL])` + secret + `(?:[^\pL][^.!?]{0,40})?(?:\?|please|needed|required|bitte|por favor|s'il vous plaît)`)
	forbids = regexp.MustCompile(`(?i)((?:why|if|unless|can|could|will|would)(?:[^\pL][^.!?,]{0,20}?)?)?(?:^|[^\pL])(?:never|do not|don['’]t|not|nobody|no one|no) (?:\pL+ ){0,3}` + asking + `[^.!?]*`)
	turning = regexp.MustCompile(`(?i)[,;:()–—]| - |(?:^|[^\pL])(?:but|just|only|instead|then|so|rather|except)[^\pL]|(?:^|[^\pL])(?:and|or) ` + asking + ` (?:\pL+ )?(?:me|us|here)(?:$|[^\pL])`)
	onPage  = regexp.MustCompile(`(?i)(?:type|enter|scan|paste) [^.!?]{0,60}(?:in|into|on) (?:the|your) (?:app|page|phone|browser|screen|authenticator)[^.!?]*`)
	renewed = regexp.MustCompile(`(?i)(?:change|reset|forgot|forgotten|choose|new) (?:\pL+ ){0,3}pass ?words?`)
	ofDesk  = regexp.MustCompile(`(?i)(?:phone|room|desk|serial|case|ticket) numbers?|(?:tell|let) (?:me|us) (?:know )?(?:when|once) (?:it is|it['’]s|you are|you have|you['’]ve) \pL+`)
	toUs    = regexp.MustCompile(`(?i)(?:^|[^\pL])(?:me|us|here|send|tell|give|read|reply|share|chat)(?:$|[^\pL])`)
	joiners = strings.NewReplacer("\u00ad", "", "\u200b", "", "\u200c", "", "\u200d", "", "\ufeff", "", "*", "", "_", "", "`", "")
	ends    = regexp.MustCompile(`[^.!?]+`)
)

// asksForSecret reports whether words ask somebody for a password, a code or a
// pass. It would rather hold a harmless line than let one pass: whoever wrote it
// is told, and says it otherwise. What tells people never to give one away is
// not asking, as far as that goes, nor what tells them to type it into
// Microsoft's own page or to choose another, unless the sentence has them say it.
func asksForSecret(words string) bool {
	words = strings.Join(strings.Fields(joiners.Replace(words)), " ")
	words = ofDesk.ReplaceAllString(words, " . ")
	words = forbids.ReplaceAllStringFunc(words, func(said string) string {
		if forbids.FindStringSubmatch(said)[1] != "" { // “why don't you send it?” forbids nothing
			return said
		}
		if turn := turning.FindStringIndex(said); turn != nil {
			return " . " + said[turn[0]:]
		}
		return " . "
	})
	words = ends.ReplaceAllStringFunc(words, func(sentence string) string {
		if toUs.MatchString(sentence) {
			return sentence
		}
		return renewed.ReplaceAllString(onPage.ReplaceAllString(sentence, " . "), " . ")
	})
	return asksFor.MatchString(words) || wantsIt.MatchString(words)
}

// passName is what an approver may well ask about.
var passName = regexp.MustCompile(`(?i)temporary (?:access )?pass(?:es)?`)

// questionAsksForSecret is asksForSecret for what an approver asks about a
// request. There a pass is what it is about, unless they want to be told it.
func questionAsksForSecret(words string) bool {
	if !toUs.MatchString(words) {
		words = passName.ReplaceAllString(words, "change")
	}
	return asksForSecret(words)
}

// errSecret is said to whoever asked somebody for a secret.
var errSecret = &mistake{"That was not passed on: it reads as if it asked for a password, a code or a pass.", "Nobody is ever asked for one here. Please say it in other words."}

// lineWords is one relayed line.
func lineWords(ctx context.Context, env Env, v phrases.Voice, c staff.Case, f caseFacts) chat.Message {
	if f.Line < 0 || f.Line >= len(c.Lines) {
		return chat.Message{Headline: "Case " + c.Ref + "."}
	}
	l := c.Lines[f.Line]
	m := chat.Message{
		Notice:   v.Say("A message in case %s", c.Ref),
		Headline: v.Say("The help desk answers, in case %s.", c.Ref),
		Fields:   []chat.Field{{Label: v.Say("They write"), Value: l.Words, Quoted: true}},
		Footer:   privately(v),
	}
	if f.To == toDesk {
		m.Headline = caseName(ctx, env, l.By) + " writes, in case " + c.Ref + "."
		m.Footer = "Only the help desk sees this. " + noSecrets
	}
	if c.Open {
		m.Buttons = answerButtons(v, c, f.To == toDesk)
	}
	return m
}

func answerButtons(v phrases.Voice, c staff.Case, atDesk bool) []chat.Button {
	bs := writeButtons(v, c)
	if !atDesk {
		bs[0].Label = v.Say("Answer")
		return append(bs, chat.Button{ID: "run", Label: v.Say("That is all, thank you"), Value: "case close " + c.Ref})
	}
	bs[0].Label, bs[0].Style = "Answer", chat.Primary
	bs[0].Form[0].Label = "Your answer. Ask for no password and no code"
	return append(bs, chat.Button{ID: "run", Label: "Close the case", Value: "case close " + c.Ref})
}

// questionCard is a question as the help desk sees it, with how the person's
// account stands.
func questionCard(ctx context.Context, env Env, c staff.Case) (chat.Message, error) {
	m := chat.Message{
		Notice:   "A question for the help desk: case " + c.Ref,
		Headline: caseName(ctx, env, c.Person) + " asks the help desk. Case " + c.Ref + ".",
		Footer:   "Only the help desk sees this. " + noSecrets,
	}
	for _, l := range c.Lines[max(0, len(c.Lines)-linesShown):] {
		label := "They"
		if l.Desk {
			label = env.People.Name(ctx, principal(env, l.By))
		}
		if l.Held {
			label += ", held"
		}
		m.Fields = append(m.Fields, chat.Field{Label: label, Value: l.Words, Quoted: true})
	}
	m.Fields = append(m.Fields, chat.Field{Label: "How they stand", Value: stateOf(ctx, env, c.Person)})
	if !c.Open {
		m.Text = "Closed: " + caseEnd(c) + "."
		return m, nil
	}
	m.Buttons = answerButtons(phrases.Voice{}, c, true)
	return m, nil
}

// linesShown is how much of a conversation a card shows.
const linesShown = 6

// stateOf says how somebody's account stands, as the help desk needs it. What
// cannot be read now keeps nobody from being answered.
func stateOf(ctx context.Context, env Env, person string) string {
	if !isLinked(person) {
		return "not known: their chat account is not linked"
	}
	methods, err := methodsOf(ctx, env, person)
	if err != nil {
		return "could not be read just now"
	}
	s := "They have: " + methodList(methods) + "."
	if note, err := env.Staff.StaffNote(ctx, env.Organization.ID, person); err == nil && note.NeedsKey {
		s += " They said that they have no phone for this."
	}
	return s
}
