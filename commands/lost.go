package commands

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"twokey/chat"
	"twokey/chat/phrases"
	"twokey/commands/approval"
	"twokey/commands/identity"
	"twokey/commands/staff"
	"twokey/graph"
)

// lost opens a case of somebody whose phone is gone, for themselves or by a
// colleague for somebody who cannot open the chat any more.
func lost(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "lost", Summary: "A phone is lost, stolen or broken: open a case with the help desk.", Example: "lost I left it on the train",
			Options: []chat.Option{
				{Name: "for", Summary: "whose phone it is, if not yours: their sign-in name", Flag: true},
				{Name: "now", Summary: "open it without another question", Flag: true, Bare: true},
				{Name: "words", Summary: "what happened", Rest: true},
			},
		},
		Access: everybody,
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			switch {
			case !c.Who.Linked:
				return chat.Message{}, &mistake{c.Voice.Say("I do not know who you are in Microsoft 365, so I cannot open a case for you here."), c.Voice.Say("Please call %s, or have a colleague type “/mfa lost --for” and your sign-in name.", env.contact())}
			case c.Args["for"] == "" && c.Args["now"] == "" && c.Args["words"] == "":
				return lostForm(env, c.Voice), nil
			default:
				return openLost(ctx, env, c)
			}
		},
	}
}

func lostForm(env Env, v phrases.Voice) chat.Message {
	words := chat.FormField{ID: "words", Label: v.Say("What happened? (you may leave this empty)"), MaxRunes: maxReason}
	m := chat.Message{
		Headline: v.Say("Is a phone lost, stolen or broken? The help desk gets you in again."),
		Text:     v.Say("They make sure first that it is really you: they call you back, see you, or ask your manager. Nobody needs a password or a code from you."),
		Buttons: []chat.Button{
			{ID: "run", Label: v.Say("It is my phone"), Value: "lost --now", Style: chat.Primary, Form: []chat.FormField{words}},
			{ID: "run", Label: v.Say("It is somebody else's"), Value: "lost", Form: []chat.FormField{
				{ID: "for", Label: v.Say("Their sign-in name, like sam@example.org"), Required: true, MaxRunes: 120}, words,
			}},
			helpButton(v, v.Say("Ask a person first")),
		},
		Footer: v.Say(onlyYou),
	}
	if closed := deskWords(env, v); closed != "" {
		m.Text += "\n\n" + closed
	}
	return m
}

// errNotFor is said where somebody may not learn more about an account that is
// not theirs.
func errNotFor(env Env, v phrases.Voice) error {
	return &mistake{v.Say("I cannot open a case for that account."), v.Say("Please type the sign-in name in full, or call %s.", env.contact())}
}

func openLost(ctx context.Context, env Env, call Call) (chat.Message, error) {
	c := staff.Case{
		Ref: staff.NewRef(), Tenant: env.Organization.ID, Kind: staff.Lost, Person: call.Who.User.ID, Opener: call.Who.User.ID,
		Body: staff.Body{Account: encode(call.Who.Account), Words: heard(call.Args["words"]), Due: dueAt(env, env.Now())},
	}
	other := call.Args["for"] != ""
	if other {
		typed, err := mentioned(ctx, env, call.Event.From, call.Args["for"])
		if err != nil {
			return chat.Message{}, err
		}
		found, err := findPerson(ctx, env, typed)
		var wrong *mistake
		var several *severalFound
		switch { // both say whom there is
		case errors.As(err, &wrong), errors.As(err, &several) && !call.Who.Has(identity.Helpdesk):
			err = errNotFor(env, call.Voice)
		}
		if err != nil {
			return chat.Message{}, err
		}
		c.Person = found.ID
		other = c.Person != c.Opener
	}
	s, err := readSubject(ctx, env, c.Person)
	if err != nil {
		return chat.Message{}, err
	}
	if err := refuseSubject(env, s, kindNamed(PassKind)); err != nil {
		if other && !call.Who.Has(identity.Helpdesk) {
			err = errNotFor(env, call.Voice)
		}
		return chat.Message{}, err
	}
	if err := begin(ctx, env, &c, s); err != nil {
		return chat.Message{}, err
	}
	return openCase(ctx, env, call, c)
}

// begin notes how somebody's account is as their case opens: what is registered,
// and whether a pass is the way.
func begin(ctx context.Context, env Env, c *staff.Case, s subject) error {
	methods, err := methodsOf(ctx, env, s.ID)
	if err != nil {
		return err
	}
	c.Had = methodIDs(methods)
	state, _, err := readPassState(ctx, env, s)
	if err != nil {
		return err
	}
	c.NoPass = state.refuses(env)
	if c.NoPass == "" && !slices.Contains(env.Rules.Now().Changes, PassKind) {
		c.NoPass = kindNamed(PassKind).what + " is switched off for this bot."
	}
	return nil
}

// openCase stores a case and has everybody told whom it concerns.
func openCase(ctx context.Context, env Env, call Call, c staff.Case) (chat.Message, error) {
	who, v := call.Who, call.Voice
	tell, err := caseConcerns(ctx, env, c)
	if err != nil {
		return chat.Message{}, err
	}
	kept, opened, err := env.Staff.OpenCase(ctx, c, func(tx approval.Tx, c staff.Case) error {
		if err := recordCase(tx, env, c, "case.opened", selfOf(env, who), who.User.Name); err != nil {
			return err
		}
		for to, addresses := range map[string][]string{toDesk: tell.desk, toPerson: tell.person, toOpener: tell.opener, toManager: tell.manager} {
			if err := oweCase(tx, caseFacts{Case: c.Ref, To: to}, addresses); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return chat.Message{}, err
	}
	m := chat.Message{Headline: v.Say("The help desk has been told. This is case %s.", kept.Ref), Footer: privately(v)}
	switch {
	case !opened && c.Person == selfOf(env, who):
		m.Headline = v.Say("The help desk knows already. Your case is %s.", kept.Ref)
		m.Buttons = writeButtons(v, kept)
	case !opened:
		m.Headline = v.Say("The help desk knows already.")
	case c.Person != selfOf(env, who):
		m.Text = v.Say("They will reach the person by the number in the directory, and not by one that somebody gives. You are told when it is closed.")
	default:
		m.Text = v.Say("I have sent you a message that shows how it stands.")
	}
	if closed := deskWords(env, v); closed != "" {
		m.Text = strings.TrimSpace(m.Text + "\n\n" + closed)
	}
	return m, nil
}

// heard is what somebody typed, as it can be kept and shown.
func heard(words string) string { return chat.Safe(strings.TrimSpace(words), maxReason) }

func writeButtons(v phrases.Voice, c staff.Case) []chat.Button {
	return []chat.Button{{
		ID: "run", Label: v.Say("Write to the help desk"), Value: "case say " + c.Ref,
		Form: []chat.FormField{{ID: "words", Label: v.Say("What should they know? No passwords and no codes, please"), Required: true, MaxRunes: maxReason}},
	}}
}

// lostCard is a lost phone or a reset as the help desk sees it, with the next
// step as buttons.
func lostCard(ctx context.Context, env Env, c staff.Case) (chat.Message, error) {
	who := caseName(ctx, env, c.Person)
	requests, err := relatedRequests(ctx, env, c)
	if err != nil {
		return chat.Message{}, err
	}
	have := "could not be read just now" // which keeps nobody from being helped
	methods, err := methodsOf(ctx, env, c.Person)
	if err == nil {
		have = methodList(methods)
	}
	m := chat.Message{
		Notice:   "A lost phone: case " + c.Ref,
		Headline: who + " has lost the phone to sign in with. Case " + c.Ref + ".",
		Fields: []chat.Field{
			{Label: "Reported by", Value: env.People.Name(ctx, principal(env, c.Opener)), Quoted: true},
			{Label: "They have", Value: have},
			{Label: "Made sure by", Value: proofWords(ctx, env, c)},
		},
		Footer: "Only the help desk sees this. Ask for no password and no code; note how you made sure, and not what was said.",
	}
	if c.Kind == staff.Reset {
		m.Notice = "Methods were reset: case " + c.Ref
		m.Headline = "The methods of " + who + " were reset. Case " + c.Ref + " looks after who registers next."
		m.Fields = m.Fields[1:2]
	}
	if c.Words != "" {
		m.Fields = append(m.Fields, chat.Field{Label: "They say", Value: c.Words, Quoted: true})
	}
	for _, r := range requests {
		m.Fields = append(m.Fields, chat.Field{Label: r.Ref, Value: stateWords(env, r)})
	}
	if fresh := freshMethods(c, methods); len(fresh) > 0 {
		m.Fields = append(m.Fields, chat.Field{Label: "Registered since", Value: methodList(fresh)})
	}
	m.Text, m.Buttons = lostStep(env, c, requests, methods)
	return m, nil
}

// lostStep is what comes next in a case of a lost phone.
func lostStep(env Env, c staff.Case, requests []approval.Request, methods []graph.Method) (string, []chat.Button) {
	closing := chat.Button{ID: "run", Label: "Close the case", Value: "case close " + c.Ref}
	switch {
	case !c.Open:
		return "Closed: " + caseEnd(c) + ".", nil
	case len(c.New) > 0 && !c.Theirs:
		return "A method was registered. Ask them, on the way by which you made sure of them: is it theirs?", []chat.Button{
			{ID: "run", Label: "It is theirs", Value: "case theirs " + c.Ref, Style: chat.Primary},
			{ID: "run", Label: "It is not theirs", Value: "case strange " + c.Ref, Style: chat.Danger},
		}
	case len(c.New) > 0:
		return "They are in again. Take away what is lost, end the old sessions, and close the case. A method that is still their default cannot be taken away: have them choose the new one on Security info first.", append(cleaning(c, methods), closing)
	case c.Kind == staff.Reset:
		return "Whoever has the password can register next. You are told when something is registered.", []chat.Button{closing}
	}
	if n := len(requests); n > 0 && (!requests[n-1].State.Final() || requests[n-1].State == approval.Succeeded) {
		if requests[n-1].State == approval.Succeeded {
			return "Done. Waiting until they have registered a new method: you are told then. Have them add a backup as well.", []chat.Button{closing}
		}
		return "The request waits for another person's approval. You collect the pass then, with them on the line.", []chat.Button{closing}
	}
	if len(c.Proved(env.Now())) < staff.Enough {
		return "First make sure who it is, in two ways. Call the number in the directory, and no other. Personal facts prove nothing.", append(proofButtons(c, env), closing)
	}
	return passOrReset(c), append(askButtons(c), closing)
}

func passOrReset(c staff.Case) string {
	if c.NoPass == "" {
		return "It is them. Ask for a pass now: another person approves it."
	}
	return "It is them. " + c.NoPass + " So ask to reset their methods: they register anew with their password. Or have a lead ask to switch passes on."
}

func askButtons(c staff.Case) []chat.Button {
	if c.NoPass == "" {
		return []chat.Button{{ID: "run", Label: "Ask for a pass", Value: "case pass " + c.Ref, Style: chat.Primary}}
	}
	return []chat.Button{
		{ID: "run", Label: "Ask to reset their methods", Value: "case reset " + c.Ref, Style: chat.Primary},
		{ID: "run", Label: "Ask to switch passes on", Value: "tap-policy enable all somebody has lost their phone, case " + c.Ref},
	}
}

// proofButtons offer the proofs that are not there yet.
func proofButtons(c staff.Case, env Env) []chat.Button {
	labels := map[staff.ProofKind]string{
		staff.CallBack: "I called them back", staff.Video: "Video, with their manager", staff.InPerson: "I see them in person",
	}
	var bs []chat.Button
	for _, k := range staff.DeskProofs() {
		if !slices.ContainsFunc(c.Proved(env.Now()), func(p staff.Proof) bool { return p.Kind == k }) {
			bs = append(bs, chat.Button{ID: "run", Label: labels[k], Value: "case proof " + c.Ref + " " + string(k)})
		}
	}
	return bs
}

// mostOld is how many old methods a card offers to remove.
const mostOld = 3

// cleaning offers to take away what was there before, and to end the sessions.
func cleaning(c staff.Case, methods []graph.Method) []chat.Button {
	var bs []chat.Button
	for _, m := range methods {
		if slices.Contains(c.Had, m.ID) && len(bs) < mostOld {
			bs = append(bs, chat.Button{
				ID: "run", Label: chat.Cut("Remove "+describe(m), 60), Style: chat.Danger,
				Value: "method remove " + c.Person + " " + m.ID + " it is lost, case " + c.Ref,
			})
		}
	}
	return append(bs, chat.Button{ID: "run", Label: "End their old sessions", Value: "revoke " + c.Person + " a phone is lost, case " + c.Ref})
}

func freshMethods(c staff.Case, methods []graph.Method) []graph.Method {
	return slices.DeleteFunc(slices.Clone(methods), func(m graph.Method) bool { return !slices.Contains(c.New, m.ID) })
}

// proofWords list how somebody was recognised.
func proofWords(ctx context.Context, env Env, c staff.Case) string {
	proofs := c.Proved(env.Now())
	if len(proofs) == 0 {
		return "nothing yet"
	}
	lines := make([]string, len(proofs))
	for i, p := range proofs {
		lines[i] = fmt.Sprintf("%s (%s, %s)", p.Kind, named(ctx, env, principal(env, p.By)), clock(env, p.At))
	}
	return strings.Join(lines, "\n")
}

func caseEnd(c staff.Case) string {
	switch c.End {
	case staff.Stopped:
		return phrases.Mark("whom it is about did not want it")
	case staff.Lapsed:
		return phrases.Mark("nothing can come any more")
	default:
		return phrases.Mark("done")
	}
}

// planCase is a change that a case leads to: a pass, or a reset where there can
// be no pass. It takes two proofs, and quotes them to whoever approves it.
func planCase(ctx context.Context, env Env, call Call, kind string) (approval.Plan, error) {
	c, err := caseFor(ctx, env, call.Who, call.Args["case"])
	if err != nil {
		return approval.Plan{}, err
	}
	if err := atDesk(ctx, env, call.Who, c); err != nil {
		return approval.Plan{}, err
	}
	switch {
	case !c.Open:
		return approval.Plan{}, staff.ErrClosed
	case c.Kind != staff.Lost:
		return approval.Plan{}, &mistake{"Case " + c.Ref + " is not about a lost phone.", "Nothing was asked for."}
	case len(c.Proved(env.Now())) < staff.Enough:
		return approval.Plan{}, staff.ErrTooFew
	}
	call.Args = map[string]string{userOption.Name: c.Person, "minutes": call.Args["minutes"], "case": c.Ref}
	if call.Args["minutes"] == "" {
		delete(call.Args, "minutes")
	}
	planning := planPass
	if kind == ResetKind {
		planning = planReset
	}
	p, err := planning(ctx, env, call)
	if err != nil {
		return p, err
	}
	p.Reason = "Lost phone, case " + c.Ref + "." // the person's own words are for the help desk
	p.Policy.Life = caseLife
	p.Policy.Barred = provers(c)
	p.Words.Findings = append([]string{"Made sure who it is, in " + fmt.Sprint(len(c.Proved(env.Now()))) + " ways: " + proofWords(ctx, env, c) + "."}, p.Words.Findings...)
	return p, nil
}

// provers are those on whose word a request in the case rests, sorted. Whoever
// gave a proof does not decide about it as well: the second person would be the
// first.
func provers(c staff.Case) []string {
	var all []string
	for _, p := range c.Proofs {
		all = append(all, p.By)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

const caseChanged = "The case for which it was asked was closed, or who it is has not been made sure of any more."

// caseOpened is how it stands with somebody whose phone was reported lost, for a
// request that was not asked in that case.
const caseOpened = "opened"

// standOfCase is what of a case must still hold when its request runs, or of a
// request for no case: that no phone of whom it is about was reported lost since.
// Proofs that were enough when it was asked stay enough for as long as it may run.
func standOfCase(ctx context.Context, env Env, person, ref string) (string, error) {
	if ref == "" {
		lost, err := lostCase(ctx, env, person)
		if err != nil || lost == "" {
			return "", err
		}
		return caseOpened, nil
	}
	c, err := env.Staff.Case(ctx, env.Organization.ID, ref)
	switch {
	case errors.Is(err, staff.ErrNoCase):
		return "gone", nil
	case err != nil:
		return "", err
	case !c.Open || len(c.Proofs) < staff.Enough:
		return "closed", nil
	default:
		return "proved", nil
	}
}

// compareCase says what became of the case of somebody, or that there is one now.
func compareCase(s subject, was, is string) []string {
	switch {
	case was == is:
		return nil
	case is == caseOpened:
		return []string{"The phone of " + s.shown() + " has been reported lost since. It has to be asked for in that case, where it is recorded how it was made sure who it is."}
	default:
		return []string{caseChanged}
	}
}

// lostCase returns the open case of somebody whose phone was reported lost, or "".
func lostCase(ctx context.Context, env Env, person string) (string, error) {
	open, err := env.Staff.OpenCases(ctx, env.Organization.ID, person)
	if err != nil {
		return "", err
	}
	for _, c := range open {
		if c.Kind == staff.Lost {
			return c.Ref, nil
		}
	}
	return "", nil
}

// caseState is how a case stands that a request is for. What opens an account
// whose phone was reported lost is asked for in its case, where two proofs are
// needed, and in no other way.
func caseState(ctx context.Context, env Env, s subject, ref string) (string, error) {
	if ref == "" {
		lost, err := lostCase(ctx, env, s.ID)
		if err == nil && lost != "" {
			err = &mistake{"The phone of " + s.shown() + " was reported lost: " + lost + " is open.", "Ask in that case, where you record how you made sure who it is: “/mfa case show " + lost + "”."}
		}
		return "", err
	}
	return standOfCase(ctx, env, s.ID, ref)
}
