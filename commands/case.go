package commands

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"twokey/chat"
	"twokey/chat/phrases"
	"twokey/commands/approval"
	"twokey/commands/identity"
	"twokey/commands/staff"
)

// caseLife is how long a request of a case may be decided, by the clock.
const caseLife = 4 * time.Hour

// caseOption is the option that names a case.
var caseOption = chat.Option{Name: "case", Summary: "the number of a case, like C-ABC234", Required: true}

// listCases lists what is open.
func listCases(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{Name: "cases", Summary: "Open cases of the help desk.", Example: "cases"},
		Access:      only(identity.Helpdesk),
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			all, err := env.Staff.OpenCases(ctx, env.Organization.ID, "")
			if err != nil {
				return chat.Message{}, err
			}
			t := &chat.Table{Header: []string{"Case", "What", "About", "Since"}}
			for _, one := range all {
				if one.Person != selfOf(env, c.Who) {
					t.Rows = append(t.Rows, []string{one.Ref, caseWords[one.Kind], caseName(ctx, env, one.Person), moment(env, one.Opened)})
				}
			}
			if len(t.Rows) == 0 {
				return chat.Message{Headline: "No case is open.", Footer: onlyYou}, nil
			}
			return chat.Message{Headline: plural(fmt.Sprint(len(t.Rows)), "open case"), Text: "“/mfa case show C-…” shows one with its next step.", Table: t, Footer: onlyYou}, nil
		},
	}
}

var caseWords = map[staff.Kind]string{
	staff.Lost: phrases.Mark("a lost phone"), staff.Reset: phrases.Mark("methods were reset"), staff.Prompt: phrases.Mark("a sign-in that they did not start"), staff.Person: phrases.Mark("a question"),
}

// showCase is the typed twin of the message that a case has.
func showCase(env Env) Command {
	return caseCommand(env, "show", "How a case stands, with its next step.", nil, func(ctx context.Context, call Call, c staff.Case) (chat.Message, error) {
		if atDesk(ctx, env, call.Who, c) == nil {
			return deskCard(ctx, env, c)
		}
		to := toManager
		switch selfOf(env, call.Who) {
		case c.Person:
			to = toPerson
		case c.Opener:
			to = toOpener
		}
		return personCard(ctx, env, call.Voice, c, to)
	})
}

// caseCommand is a command about one case, for whoever may see that.
func caseCommand(env Env, word, summary string, options []chat.Option, answer func(context.Context, Call, staff.Case) (chat.Message, error)) Command {
	example := "case " + word + " C-ABC234"
	for _, o := range options {
		switch {
		case len(o.Choices) > 0:
			example += " " + o.Choices[0]
		case o.Rest:
			example += " it is found again"
		}
	}
	return Command{
		CommandSpec: chat.CommandSpec{Name: "case " + word, Summary: summary, Example: example, Options: append([]chat.Option{caseOption}, options...)},
		Access:      everybody, // whose case it is decides
		Answer: func(ctx context.Context, call Call) (chat.Message, error) {
			c, err := caseFor(ctx, env, call.Who, call.Args["case"])
			if err != nil {
				return chat.Message{}, err
			}
			return answer(ctx, call, c)
		},
	}
}

// proveCase records how somebody was recognised: the kind of proof, and nothing
// of what was said.
func proveCase(env Env) Command {
	kinds := []string{}
	for _, k := range append(staff.DeskProofs(), staff.Manager) {
		kinds = append(kinds, string(k))
	}
	options := []chat.Option{{Name: "proof", Summary: "how you made sure who it is: " + strings.Join(kinds, ", "), Required: true, Rest: true}}
	cmd := caseCommand(env, "proof", "Record how you made sure who somebody is.", options, func(ctx context.Context, call Call, c staff.Case) (chat.Message, error) {
		kind := staff.ProofKind(strings.ToLower(strings.TrimSpace(call.Args["proof"])))
		if err := mayProve(ctx, env, call.Who, c, kind); err != nil {
			return chat.Message{}, err
		}
		c, err := changeCase(ctx, env, call.Who, c.Ref, "case.proved", func(c staff.Case, now time.Time) (staff.Case, error) {
			if c.Kind != staff.Lost {
				return c, staff.ErrNoCase
			}
			return c.Prove(staff.Proof{Kind: kind, By: call.Who.User.ID, At: now})
		}, quietly)
		if err != nil {
			return chat.Message{}, err
		}
		m := chat.Message{Headline: "Recorded: " + kind.String() + ".", Footer: onlyYou}
		if left := staff.Enough - len(c.Proved(env.Now())); left > 0 {
			m.Text = "One more proof of another kind is needed."
		} else if call.Who.Has(identity.Helpdesk) {
			m.Text, m.Buttons = passOrReset(c), askButtons(c)
		} else {
			m.Text = "Thank you. The help desk goes on from here."
		}
		return m, nil
	})
	cmd.Example = "case proof C-ABC234 call-back"
	return cmd
}

func quietly(approval.Tx, staff.Case) error { return nil }

// mayProve asks who may record a kind of proof: the help desk those that it
// makes itself, and the manager their own word alone.
func mayProve(ctx context.Context, env Env, who identity.Speaker, c staff.Case, kind staff.ProofKind) error {
	if who.Principal == (approval.Principal{}) {
		return unproven(who)
	}
	if kind != staff.Manager {
		return atDesk(ctx, env, who, c)
	}
	boss, err := managerOf(ctx, env, c.Person)
	switch {
	case err != nil:
		return err
	case boss == "" || boss != who.User.ID:
		return staff.ErrManager
	case who.New:
		return errNewManager
	default:
		return nil
	}
}

// passOfCase and resetOfCase ask for what a case leads to.
func passOfCase(env Env) Command  { return changeOfCase(env, "pass", PassKind, "a pass") }
func resetOfCase(env Env) Command { return changeOfCase(env, "reset", ResetKind, "a reset") }

func changeOfCase(env Env, word, kind, what string) Command {
	options := []chat.Option{caseOption}
	if kind == PassKind {
		options = append(options, chat.Option{Name: "minutes", Summary: "for how many minutes it is valid", Flag: true})
	}
	return Command{
		CommandSpec: chat.CommandSpec{Name: "case " + word, Summary: "Ask for " + what + " for somebody of whom you made sure in two ways.", Example: "case " + word + " C-ABC234", Options: options},
		Access:      whoAsks(kind),
		Plan:        func(ctx context.Context, c Call) (approval.Plan, error) { return planCase(ctx, env, c, kind) },
	}
}

// theirs says that what was registered is the person's own.
func theirs(env Env) Command {
	return caseCommand(env, "theirs", "Say that what was registered is theirs.", nil, func(ctx context.Context, call Call, c staff.Case) (chat.Message, error) {
		if err := atDesk(ctx, env, call.Who, c); err != nil {
			return chat.Message{}, err
		}
		c, err := changeCase(ctx, env, call.Who, c.Ref, "case.confirmed", func(c staff.Case, now time.Time) (staff.Case, error) {
			switch {
			case !c.Open:
				return c, staff.ErrClosed
			case len(c.New) == 0:
				return c, &mistake{"Nothing has been registered yet.", "You are told when it is."}
			}
			c.Theirs = true
			if c.Kind == staff.Reset {
				return c.Close(staff.Done, call.Who.User.ID, now)
			}
			return c, nil
		}, quietly)
		if err != nil {
			return chat.Message{}, err
		}
		return deskCard(ctx, env, c)
	})
}

// strange says that somebody else has registered in the person's place. Whom the
// case is about is always heard: whoever closed it, or says that all is well, may
// be the stranger, and they may see it before the bot has looked.
func strange(env Env) Command {
	return caseCommand(env, "strange", "Say that what was registered is not theirs: an emergency.", nil, func(ctx context.Context, call Call, c staff.Case) (chat.Message, error) {
		own := selfOf(env, call.Who) == c.Person
		if !own {
			if err := atDesk(ctx, env, call.Who, c); err != nil {
				return chat.Message{}, err
			}
		}
		to, raised := alarmed(ctx, env), false
		c, err := changeCase(ctx, env, call.Who, c.Ref, "case.strange", func(c staff.Case, now time.Time) (staff.Case, error) {
			switch {
			case own:
			case !c.Open:
				return c, staff.ErrClosed
			case len(c.New) == 0:
				return c, &mistake{"Nothing has been registered yet.", "You are told when it is."}
			}
			c.Theirs = false
			c, raised = c.Alarm(now)
			return c, nil
		}, func(tx approval.Tx, c staff.Case) error {
			if !raised {
				return nil
			}
			return oweCase(tx, caseFacts{Case: c.Ref, To: toAlarm, What: saidStrange, Line: c.Version}, to)
		})
		if err != nil {
			return chat.Message{}, err
		}
		m := chat.Message{Headline: call.Voice.Say("Everybody who looks after security is told now."), Text: call.Voice.Say("If it is not certain, call %s at once.", env.contact()), Footer: call.Voice.Say(onlyYou)}
		if call.Who.Has(identity.Helpdesk) {
			m.Buttons = emergencyButtons(c)
		}
		return m, nil
	})
}

// emergencyButtons are what helps where a stranger is in an account.
func emergencyButtons(c staff.Case) []chat.Button {
	return []chat.Button{
		{ID: "run", Label: "End all their sessions", Value: "revoke " + c.Person + " a stranger may be in the account, case " + c.Ref, Style: chat.Danger},
		{ID: "run", Label: "Ask to block the account", Value: "block " + c.Person + " a stranger may be in the account, case " + c.Ref, Style: chat.Danger},
	}
}

// closeCase ends a case, and the person is told.
func closeCase(env Env) Command {
	return caseCommand(env, "close", "Close a case. Whom it is about is told.", nil, func(ctx context.Context, call Call, c staff.Case) (chat.Message, error) {
		own := selfOf(env, call.Who) == c.Person && (c.Kind == staff.Person || c.Kind == staff.Prompt)
		if err := atDesk(ctx, env, call.Who, c); err != nil && !own {
			return chat.Message{}, err
		}
		tell, err := caseConcerns(ctx, env, c)
		if err != nil {
			return chat.Message{}, err
		}
		c, err = changeCase(ctx, env, call.Who, c.Ref, "case.closed", func(c staff.Case, now time.Time) (staff.Case, error) {
			return c.Close(staff.Done, selfOf(env, call.Who), now)
		}, func(tx approval.Tx, c staff.Case) error { return oweClosed(tx, c, tell) })
		if err != nil {
			return chat.Message{}, err
		}
		return chat.Message{Headline: call.Voice.Say("Case %s is closed.", c.Ref), Text: call.Voice.Say("Whom it is about is told."), Footer: call.Voice.Say(onlyYou)}, nil
	})
}

func oweClosed(tx approval.Tx, c staff.Case, tell concerns) error {
	err := oweCase(tx, caseFacts{Case: c.Ref, To: toPerson, What: saidClosed}, tell.person)
	return errors.Join(err, oweCase(tx, caseFacts{Case: c.Ref, To: toOpener, What: saidClosed}, tell.opener))
}

// stopCase is for whom a case is about, or their manager, who do not want it.
func stopCase(env Env) Command {
	options := []chat.Option{{Name: "words", Summary: "what is wrong", Rest: true}}
	return caseCommand(env, "stop", "Stop a case about you that you did not expect. It raises an alarm.", options, func(ctx context.Context, call Call, c staff.Case) (chat.Message, error) {
		if err := mayStop(ctx, env, call.Who, c); err != nil {
			return chat.Message{}, err
		}
		to := alarmed(ctx, env)
		if people, err := desk(ctx, env, c.Person); err == nil {
			to = append(to, people...)
		}
		c, err := changeCase(ctx, env, call.Who, c.Ref, "case.stopped", func(c staff.Case, now time.Time) (staff.Case, error) {
			return c.Close(staff.Stopped, selfOf(env, call.Who), now)
		}, func(tx approval.Tx, c staff.Case) error {
			return oweCase(tx, caseFacts{Case: c.Ref, To: toAlarm, What: saidStopped}, to)
		})
		if err != nil {
			return chat.Message{}, err
		}
		if err := stopRequests(ctx, env, call, c); err != nil {
			return chat.Message{}, err
		}
		requests, err := relatedRequests(ctx, env, c)
		if err != nil {
			return chat.Message{}, err
		}
		if late := begunFields(env, requests); len(late) > 0 {
			return chat.Message{
				Headline: call.Voice.Say("Case %s is closed, but it is too late to stop what was asked for.", c.Ref),
				Text:     call.Voice.Say("Somebody may be in the account. Call %s now. The help desk and everybody who looks after security are told.", env.contact()),
				Fields:   late, Footer: call.Voice.Say(onlyYou),
			}, nil
		}
		return chat.Message{Headline: call.Voice.Say("Stopped: case %s is closed.", c.Ref), Text: call.Voice.Say("The help desk and everybody who looks after security are told. If you think that somebody is in your account, call %s now.", env.contact()), Footer: call.Voice.Say(onlyYou)}, nil
	})
}

func mayStop(ctx context.Context, env Env, who identity.Speaker, c staff.Case) error {
	if selfOf(env, who) == c.Person {
		return nil
	}
	boss, err := managerOf(ctx, env, c.Person)
	if err == nil && (boss == "" || boss != who.User.ID) {
		err = &mistake{"Only whom the case is about can stop it, or their manager.", "The help desk can close it."}
	}
	return err
}

// stopRequests stops what was asked for because of a case.
func stopRequests(ctx context.Context, env Env, call Call, c staff.Case) error {
	requests, err := relatedRequests(ctx, env, c)
	if err != nil {
		return err
	}
	for _, r := range requests {
		if r.State.Final() && r.State != approval.Succeeded {
			continue
		}
		v, err := vote(call.Who, r.Ref, call.Args["words"])
		if err != nil {
			return err
		}
		var no *approval.Refusal
		if _, err := env.Engine.Stop(ctx, v); err != nil && !errors.As(err, &no) {
			return err
		}
	}
	return nil
}

// begunFields name the requests that it is too late to stop.
func begunFields(env Env, requests []approval.Request) (all []chat.Field) {
	for _, r := range requests {
		switch r.State {
		case approval.Executing, approval.Reconciling, approval.Succeeded, approval.Partial, approval.Unknown:
			all = append(all, chat.Field{Label: r.Ref, Value: stateWords(env, r)})
		}
	}
	return all
}

// deskCard is a case as the help desk sees it.
func deskCard(ctx context.Context, env Env, c staff.Case) (chat.Message, error) {
	var m chat.Message
	var err error
	switch c.Kind {
	case staff.Lost, staff.Reset:
		m, err = lostCard(ctx, env, c)
	case staff.Prompt:
		m = promptCard(ctx, env, c)
	default:
		m, err = questionCard(ctx, env, c)
	}
	if _, standIns := deskOrStandIns(ctx, env, c.Person); standIns && c.Open {
		m.Text = strings.TrimSpace(m.Text + "\n\nNobody of the help desk can see to this, so leads and owners are asked. A pass or a reset can be asked for by the help desk alone: an owner can appoint somebody in the configuration.")
	}
	return m, err
}

// personCard is a case as those see it whom it concerns and who do not work on
// it. Whoever opened it for somebody else, and a manager, see no more of the
// account than they know.
func personCard(ctx context.Context, env Env, v phrases.Voice, c staff.Case, to string) (chat.Message, error) {
	stopping := chat.Button{ID: "run", Label: v.Say("I did not expect this"), Value: "case stop " + c.Ref, Style: chat.Danger}
	who := caseName(ctx, env, c.Person)
	m := chat.Message{Headline: v.Say("Your case %s with the help desk.", c.Ref), Notice: v.Say("Your case %s", c.Ref), Footer: privately(v)}
	if !c.Open {
		m.Text = v.Say("It is closed: %s.", v.Say(caseEnd(c)))
	}
	switch to {
	case toOpener:
		m.Headline = v.Say("You told the help desk about a colleague: case %s.", c.Ref)
		if c.Open {
			m.Text = v.Say("The help desk makes sure who it is, and helps them in again. You are told when it is closed.")
		}
		return m, nil
	case toManager:
		m.Notice, m.Headline = v.Say("Somebody who reports to you: case %s", c.Ref), v.Say("%s reports to you. Case %s: %s.", who, c.Ref, v.Say(caseWords[c.Kind]))
		if c.Open && c.Kind == staff.Lost {
			m.Text = v.Say("Have you spoken to them yourself, and is it true? Your word helps to make sure who it is. If you have not, do nothing.")
			if !slices.ContainsFunc(c.Proofs, func(p staff.Proof) bool { return p.Kind == staff.Manager }) {
				m.Buttons = append(m.Buttons, chat.Button{ID: "run", Label: v.Say("Yes, I have spoken to them"), Value: "case proof " + c.Ref + " " + string(staff.Manager), Style: chat.Primary})
			}
			m.Buttons = append(m.Buttons, stopping)
		}
		return m, nil
	}
	notMine := chat.Button{ID: "run", Label: v.Say("I did not register that"), Value: "case strange " + c.Ref, Style: chat.Danger}
	if !c.Open {
		if c.Kind.ForManager() { // who closed it may be wrong about who registered
			m.Buttons = []chat.Button{notMine}
		}
		return m, nil
	}
	switch c.Kind {
	case staff.Lost:
		wrong := v.Say("If you did not report this, stop it now.")
		if c.Opener != c.Person { // whoever asked a colleague to say so did not report it
			wrong = v.Say("%s told the help desk for you. If your phone is not lost, stolen or broken, stop it now.", caseName(ctx, env, c.Opener))
		}
		m.Text = v.Say("The help desk makes sure that it is you: they call you on the number in the directory, see you, or ask your manager. Then you get a way in, register your new phone and a backup, and the old phone is taken off.") + "\n\n" + wrong
		m.Buttons = append(writeButtons(v, c), stopping)
	case staff.Reset:
		m.Text = v.Say("Your sign-in methods were reset. Please register again: “/mfa setup” shows how. If something is registered that is not yours, say so at once.")
		m.Buttons = []chat.Button{{ID: "run", Label: v.Say("Show me how"), Value: "setup", Style: chat.Primary}, notMine}
	default:
		m.Text = v.Say("You can write here until it is closed.")
		m.Buttons = append(writeButtons(v, c), chat.Button{ID: "run", Label: v.Say("That is all, thank you"), Value: "case close " + c.Ref})
	}
	return m, nil
}

// registeredWords tell somebody that a method was registered for their account.
func registeredWords(v phrases.Voice, c staff.Case) chat.Message {
	return chat.Message{
		Headline: v.Say("Something new is registered for your account. Was it you?"),
		Text:     v.Say("Then all is well, thank you! Please add a second method as well, in case this one breaks. If it was not you, say so at once."),
		Footer:   v.Say(onlyYou),
		Buttons: []chat.Button{
			{ID: "run", Label: v.Say("Add a backup"), Value: backupLine, Style: chat.Primary},
			{ID: "run", Label: v.Say("It was not me"), Value: "case strange " + c.Ref, Style: chat.Danger},
		},
	}
}

func closedNotice(v phrases.Voice, c staff.Case, to string) chat.Message {
	m := chat.Message{Headline: v.Say("Your case %s is closed. All the best!", c.Ref), Text: v.Say("“/mfa check” shows how you stand, and “/mfa backup” how to add a second method."), Footer: privately(v)}
	if to == toOpener {
		m.Headline, m.Text = v.Say("The case that you opened for a colleague is closed: %s. Thank you for telling us.", c.Ref), ""
	}
	return m
}

// alarmWords tell those who look after security.
func alarmWords(ctx context.Context, env Env, c staff.Case, f caseFacts) chat.Message {
	who := caseName(ctx, env, c.Person)
	m := chat.Message{
		Notice: "Alarm: case " + c.Ref,
		Footer: "Only those who look after security see this. “/mfa freeze” stops all changes at once.",
	}
	switch f.What {
	case saidStopped:
		m.Headline = "Alarm: case " + c.Ref + " was stopped, because " + who + " did not expect it."
		m.Text = "Somebody reported their phone lost: it may have been a stranger who wants a pass. "
		m.Fields = []chat.Field{{Label: "Reported by", Value: env.People.Name(ctx, principal(env, c.Opener)), Quoted: true}, {Label: "Stopped by", Value: env.People.Name(ctx, principal(env, c.By)), Quoted: true}}
		requests, err := relatedRequests(ctx, env, c)
		late := begunFields(env, requests)
		switch {
		case err != nil:
			m.Text += "Please look at what was asked for because of it: that could not be read just now."
		case len(late) > 0:
			m.Text += "It is too late to stop what was asked for because of it: end their sessions or block the account, and call them on the number in the directory."
			m.Fields = append(m.Fields, late...)
		default:
			m.Text += "What was asked for because of it is stopped."
		}
		if isLinked(c.Person) {
			m.Buttons = emergencyButtons(c)
		}
	case saidStrange:
		m.Headline = "Alarm: a stranger may have registered for the account of " + who + "."
		m.Text = "Block the account and end its sessions, then call them on the number in the directory."
		m.Buttons = emergencyButtons(c)
	case saidHeld:
		m.Headline = "A message of the help desk to " + who + " was held: it asks for a secret."
		m.Text = "It was not delivered. Please talk to whoever wrote it: their account may be misused."
		if f.Line < len(c.Lines) {
			l := c.Lines[f.Line]
			m.Fields = []chat.Field{{Label: "Written by", Value: env.People.Name(ctx, principal(env, l.By)), Quoted: true}, {Label: "What they wrote", Value: l.Words, Quoted: true}}
		}
	default:
		m = promptAlarm(ctx, env, c, m)
	}
	return m
}

func reminderOf(ctx context.Context, env Env, c staff.Case) chat.Message {
	if !c.Open {
		return chat.Message{Headline: "Case " + c.Ref + " is closed."}
	}
	return chat.Message{
		Notice:   "Still waiting: case " + c.Ref,
		Headline: caseName(ctx, env, c.Person) + " still waits: " + caseWords[c.Kind] + ", case " + c.Ref + ".",
		Text:     "Since " + moment(env, c.Opened) + ".",
		Buttons:  []chat.Button{{ID: "run", Label: "Show the case", Value: "case show " + c.Ref, Style: chat.Primary}},
	}
}
