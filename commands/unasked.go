package commands

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"twokey/chat"
	"twokey/chat/phrases"
	"twokey/commands/approval"
	"twokey/commands/staff"
)

// passwordPage is where people change their own password.
func passwordPage(v phrases.Voice) chat.Link {
	return chat.Link{Label: v.Say("Change your password, Microsoft's page for this"), URL: "https://aka.ms/sspr"}
}

// unasked is for a sign-in prompt that somebody did not start.
func unasked(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "prompt", Summary: "You got a sign-in request that you did not start.", Example: "prompt no",
			Options: []chat.Option{{Name: "approved", Summary: "whether you approved it", Choices: []string{"no", "yes"}}},
		},
		Access: everybody, Offline: true,
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			if c.Args["approved"] == "" {
				return promptQuestion(env, c.Voice), nil
			}
			return promptAnswer(ctx, env, c)
		},
	}
}

func promptQuestion(env Env, v phrases.Voice) chat.Message {
	return chat.Message{
		Headline: v.Say("A sign-in request that you did not start: do not approve it. Did you?"),
		Text:     v.Say("Somebody may have your password. If you only got the request, tap “No, it's not me”."),
		Buttons: []chat.Button{
			{ID: "run", Label: v.Say("No, I did not approve it"), Value: "prompt no", Style: chat.Primary},
			{ID: "run", Label: v.Say("Yes, I approved it"), Value: "prompt yes", Style: chat.Danger},
		},
		Footer: v.Say(onlyYou) + " " + v.Say("If you cannot wait, call %s.", env.contact()),
	}
}

// promptAnswer opens a case, alarms those who look after security, and has the
// account's block prepared if a stranger is likely in.
func promptAnswer(ctx context.Context, env Env, call Call) (chat.Message, error) {
	said, who, now := call.Args["approved"], selfOf(env, call.Who), env.Now()
	earlier, err := env.Staff.CasesOf(ctx, env.Organization.ID, who)
	if err != nil {
		return chat.Message{}, err
	}
	c := staff.Case{
		Ref: staff.NewRef(), Tenant: env.Organization.ID, Kind: staff.Prompt, Person: who, Opener: who,
		Body: staff.Body{Account: encode(call.Who.Account), Said: said, Due: dueAt(env, now)},
	}
	worse := said == "yes"
	for _, e := range earlier { // to close one and report anew is no way round the bound
		if e.Kind == c.Kind && e.Person == who {
			c.Alarmed = e.Alarmed
			worse = worse && (e.Said != "yes" || now.Sub(e.Quiet()) >= time.Hour)
		}
	}
	c, raised := c.Alarm(now)
	raised = raised || worse
	to := alarmed(ctx, env)
	people, err := desk(ctx, env, who)
	if err != nil {
		people = nil // nobody at the help desk keeps no alarm back
	}
	tell := func(tx approval.Tx, c staff.Case) error { return owePrompt(tx, c, to, people, raised) }
	c, opened, err := env.Staff.OpenCase(ctx, c, func(tx approval.Tx, c staff.Case) error {
		if err := recordCase(tx, env, c, "case.opened", who, call.Who.User.Name); err != nil {
			return err
		}
		return tell(tx, c)
	})
	if err == nil && !opened {
		c, err = changeCase(ctx, env, call.Who, c.Ref, promptAgain[said], func(c staff.Case, now time.Time) (staff.Case, error) {
			worse := said == "yes" && c.Said != "yes"
			if worse { // what was approved once does not become harmless
				c.Said = said
			}
			c.Due = dueAt(env, now)
			c, raised = c.Alarm(now)
			raised = raised || worse
			return c, nil
		}, tell)
	}
	if err != nil {
		return chat.Message{}, err
	}
	if said == "no" {
		return promptDenied(call.Voice, c), nil
	}
	return promptApproved(ctx, env, call, c), nil
}

// promptAgain is what is recorded when somebody reports another prompt, by what
// they say that they did.
var promptAgain = map[string]string{"no": "case.again", "yes": "case.approved"}

// owePrompt alarms those who look after security, anew for each report, and has
// the help desk shown the case.
func owePrompt(tx approval.Tx, c staff.Case, to, people []string, raised bool) error {
	people = slices.DeleteFunc(slices.Clone(people), func(a string) bool { return slices.Contains(to, a) })
	err := oweCase(tx, caseFacts{Case: c.Ref, To: toDesk}, people)
	if raised {
		err = errors.Join(err, oweCase(tx, caseFacts{Case: c.Ref, To: toAlarm, What: saidPrompt, Line: c.Version}, to))
	}
	return err
}

func promptDenied(v phrases.Voice, c staff.Case) chat.Message {
	return chat.Message{
		Headline: v.Say("Well done. Those who look after security have been told: case %s.", c.Ref),
		Steps: []string{
			v.Say("Deny it each time. Do not tap “Yes” to make it stop."),
			v.Say("Change your password now. Type the address yourself: aka.ms/sspr."),
			v.Say("Open Security info and delete each phone or app there that is not yours."),
		},
		Text:    v.Say("The help desk can end all your sessions, so that whoever has your password is out. They have that in front of them now."),
		Links:   []chat.Link{passwordPage(v), securityInfo(v)},
		Buttons: append([]chat.Button{{ID: "run", Label: v.Say("I did approve it after all"), Value: "prompt yes", Style: chat.Danger}}, writeButtons(v, c)...),
		Footer:  privately(v),
	}
}

// promptApproved is the emergency. Its answer comes whatever becomes of the
// block that is asked for.
func promptApproved(ctx context.Context, env Env, call Call, c staff.Case) chat.Message {
	v := call.Voice
	m := chat.Message{
		Headline: v.Say("This is an emergency. Call %s now.", env.contact()),
		Text:     v.Say("Those who look after security have been paged: case %s.", c.Ref),
		Steps: []string{
			v.Say("Call now, and say that you approved a sign-in that was not yours."),
			v.Say("Change your password at once. Type the address yourself: aka.ms/sspr."),
			v.Say("Open Security info and delete each phone or app there that is not yours."),
		},
		Links:   []chat.Link{passwordPage(v), securityInfo(v)},
		Buttons: writeButtons(v, c),
		Footer:  privately(v),
	}
	r, err := blockOwn(ctx, env, call, c)
	if errors.Is(err, approval.ErrOpen) { // asked for when they said so first
		r, err = openOwnBlock(ctx, env, call.Who.User.ID)
	}
	if err == nil {
		m.Text += " " + v.Say("One approver can block your account at once (%s): you cannot sign in then until it is safe again.", r.Ref)
		m.Request = r.Ref
	} else {
		m.Text += " " + v.Say("Your account could not be put forward for a block here, so it matters that you call.")
	}
	return m
}

// blockOwn asks for a block of the speaker's own account: one approver decides,
// and nobody waits.
func blockOwn(ctx context.Context, env Env, call Call, c staff.Case) (approval.Request, error) {
	if call.Who.Principal == (approval.Principal{}) {
		return approval.Request{}, unproven(call.Who)
	}
	if err := switchedOn(env, BlockKind); err != nil {
		return approval.Request{}, err
	}
	s, err := readSubject(ctx, env, call.Who.User.ID)
	if err != nil {
		return approval.Request{}, err
	}
	if err := refuseSubject(env, s, ownBlockKind); err != nil {
		return approval.Request{}, err
	}
	a := blockAction{env, ownBlockKind}
	state, err := a.around(ctx, s)
	if err != nil {
		return approval.Request{}, err
	}
	if !state.May || len(a.risks(state)) > 0 {
		return approval.Request{}, &mistake{"This account cannot be blocked here.", "Call " + env.contact() + "."}
	}
	p := aboutOne(env, ownBlockKind, blockVersion, s, stakes{kind: ownBlockKind, targets: 1})
	p.Policy = approval.Policy{Name: policyOne, Quorum: 1, Version: policyVersion, Because: []string{
		"The person whose account it is asks for it themselves, because they approved a sign-in that was not theirs. Nobody waits.",
	}}
	p.Args, p.Snapshot, p.Words = json.RawMessage(`{}`), json.RawMessage(encode(state)), a.words(s)
	p.Words.Findings = append(p.Words.Findings, s.shown()+" says that they approved a sign-in that they did not start: case "+c.Ref+". A stranger may be in the account now.")
	call.Reason = "I approved a sign-in that was not mine, case " + c.Ref + "."
	m := &Mux{env: env}
	if p, err = m.address(ctx, p, call); err != nil {
		return approval.Request{}, err
	}
	return env.Engine.Submit(ctx, p)
}

// openOwnBlock returns the open request for a block that somebody asked for of
// their own account.
func openOwnBlock(ctx context.Context, env Env, object string) (r approval.Request, err error) {
	err = env.Requests.View(ctx, func(tx approval.Tx) error {
		open, err := tx.Requests(env.Organization.ID, approval.OpenStates()...)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(open, func(r approval.Request) bool {
			return r.Kind == ownBlockKind.name && r.Requester.Object == object
		})
		if i < 0 {
			return approval.ErrNotFound
		}
		r = open[i]
		return nil
	})
	return r, err
}

// ownBlockAction blocks the account of its requester, and no other.
type ownBlockAction struct{ blockAction }

// Compare implements approval.Action.
func (a ownBlockAction) Compare(was, now json.RawMessage, r approval.Request, done []approval.Step) []string {
	if id, err := aimed(r); err != nil || id != r.Requester.Object {
		return []string{notUnderstood}
	}
	return a.blockAction.Compare(was, now, r, done)
}

// promptCard is a prompt that nobody started as the help desk sees it.
func promptCard(ctx context.Context, env Env, c staff.Case) chat.Message {
	m := promptAlarm(ctx, env, c, chat.Message{Notice: "A sign-in that was not theirs: case " + c.Ref, Footer: "Only the help desk sees this. " + noSecrets})
	if !c.Open {
		m.Text, m.Buttons = "Closed: "+caseEnd(c)+".", nil
	}
	return m
}

// promptAlarm says what somebody has reported, and offers what helps.
func promptAlarm(ctx context.Context, env Env, c staff.Case, m chat.Message) chat.Message {
	who := caseName(ctx, env, c.Person)
	m.Headline = who + " got a sign-in request that they did not start, and denied it. Case " + c.Ref + "."
	m.Text = "Somebody may have their password. End their sessions, and see that they change it. Call them on the number in the directory."
	if c.Said == "yes" {
		m.Headline = "Emergency: " + who + " approved a sign-in that was not theirs. Case " + c.Ref + "."
		m.Text = "A stranger may be in the account now. Approve the block that they asked for, or block the account; end its sessions; then call them on the number in the directory."
	}
	m.Fields = []chat.Field{{Label: "How they stand", Value: stateOf(ctx, env, c.Person)}}
	if isLinked(c.Person) {
		m.Buttons = emergencyButtons(c)
		if c.Said != "yes" {
			m.Buttons = m.Buttons[:1]
		}
	}
	m.Buttons = append(m.Buttons, answerButtons(phrases.Voice{}, c, true)...)
	return m
}
