package commands

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"twokey/chat"
	"twokey/chat/phrases"
	"twokey/commands/approval"
	"twokey/commands/identity"
)

// Mux routes events to commands. It implements [chat.Handler].
type Mux struct {
	env Env
	all []Command
	log *slog.Logger
	met met
}

var _ chat.Handler = (*Mux)(nil)

// NewMux returns a mux over every command.
func NewMux(env Env, log *slog.Logger) *Mux {
	env.gaps = &sparing{each: gapAgain, last: map[string]time.Time{}}
	env.pictures = &pictures{}
	env.told = &sparing{each: time.Hour, last: map[string]time.Time{}}
	m := &Mux{env: env, log: log}
	m.all = all(env, m.specs)
	return m
}

// Handle implements chat.Handler: what was meant is found, whoever speaks is
// looked up, and the answer or the reason for none is replied.
// A command that panics fails alone.
func (m *Mux) Handle(ctx context.Context, r chat.Responder, e chat.Event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = r.Reply(ctx, sorry(ctx, m.log, phrases.Voice{}, fmt.Errorf("panic: %v\n%s", p, debug.Stack())))
		}
	}()
	answer, aloud, err := m.answer(ctx, r, e)
	if errors.Is(err, approval.ErrStepUp) {
		answer, err = m.stepUp(ctx, e, err)
		aloud = false
	}
	if err != nil {
		answer, aloud = sorry(ctx, m.log, m.voice(ctx, e), err), false
	}
	if answer.Plain() == "" {
		return nil // answered already
	}
	if aloud {
		return r.Say(ctx, answer)
	}
	return r.Reply(ctx, answer)
}

func (m *Mux) answer(ctx context.Context, r chat.Responder, e chat.Event) (answer chat.Message, aloud bool, err error) {
	if utf8.RuneCountInString(e.Text) > maxText {
		return chat.Message{}, false, &mistake{
			m.voice(ctx, e).Say("That is too long for me: %d characters are the most I can read.", maxText), phrases.Mark("Please say it shorter. Nothing was done."),
		}
	}
	switch e.Kind {
	case chat.Press:
		answer, err = m.press(ctx, r, e)
		return answer, false, err
	case chat.Mention:
		answer, err = advise(ctx, m.env, m.voice(ctx, e), e.From, e.Text)
		return answer, false, err
	default:
		return m.command(ctx, r, e, e.Text, "", "")
	}
}

// command runs a typed command line. A reason that is not empty comes from a
// form and replaces the words that were left over; what was shown comes from a
// Confirm button.
func (m *Mux) command(ctx context.Context, r chat.Responder, e chat.Event, line, reason, shown string) (answer chat.Message, aloud bool, err error) {
	words := strings.Fields(line)
	if len(words) == 0 {
		words = []string{"me"}
	}
	c, left, ok := find(m.all, words)
	who, unread := m.speaker(ctx, c, e.From)
	if !ok {
		return chat.Message{}, false, unknown(m.voice(ctx, e), m.allowed(who), words)
	}
	if unread != nil && !c.Offline {
		return chat.Message{}, false, unread
	}
	if !c.Access.Allows(who) {
		return chat.Message{}, false, denied(m.voice(ctx, e), who, c)
	}
	asked, given, err := filled(m.voice(ctx, e), c, e)
	if err != nil {
		return chat.Message{}, false, err
	}
	args, rest, err := parse(m.voice(ctx, e), asked, left)
	if err != nil {
		return chat.Message{}, false, err
	}
	maps.Copy(args, given)
	if typed, ok := args[userOption.Name]; ok {
		if args[userOption.Name], rest, err = m.whom(ctx, e.From, typed, rest); err != nil {
			return chat.Message{}, false, err
		}
	}
	if reason == "" {
		reason = rest
	}
	call := Call{Who: who, Unread: unread, Event: e, Voice: m.voice(ctx, e), Args: args, Reason: reason, Shown: shown, Show: r.Reply}
	if c.Plan != nil {
		answer, err = m.submit(ctx, c, call, line)
	} else {
		answer, err = c.Answer(ctx, call)
		if other := (*runsInstead)(nil); errors.As(err, &other) {
			e.Fields = nil
			return m.command(ctx, r, e, other.line, "", other.shown)
		}
		if first := (*plansInstead)(nil); errors.As(err, &first) {
			call.Reason = cmp.Or(call.Reason, args["reason"])
			c.Plan = func(context.Context, Call) (approval.Plan, error) { return first.plan, nil }
			answer, err = m.submit(ctx, c, call, line)
		}
		aloud = c.Aloud && m.amongAdmins(e) && (c.Names == nil || !c.Names(args))
	}
	if several := (*severalFound)(nil); errors.As(err, &several) {
		return several.choice(line), false, nil
	}
	return answer, aloud, err
}

// whom returns whom somebody typed, with object IDs for mentions, and the reason
// as it is once that is known.
func (m *Mux) whom(ctx context.Context, from chat.Account, typed, rest string) (string, string, error) {
	typed, perhaps, _ := strings.Cut(typed, perhapsEnd)
	names := strings.Split(typed, nameEnd)
	for i, name := range names {
		var err error
		if names[i], err = mentioned(ctx, m.env, from, name); err != nil {
			return "", "", err
		}
	}
	if perhaps != "" {
		more, reason, err := settle(ctx, m.env, names[len(names)-1], strings.Split(perhaps, perhapsEnd), rest)
		if err != nil {
			return "", "", err
		}
		names, rest = append(names, more...), reason
	}
	return strings.Join(names, nameEnd), rest, nil
}

// voice is [Env.voice]. That a choice cannot be read is no reason not to answer.
func (m *Mux) voice(ctx context.Context, e chat.Event) phrases.Voice {
	v, err := m.env.voice(ctx, e)
	if err != nil {
		m.log.WarnContext(ctx, "read language", "error", err)
	}
	return v
}

// amongAdmins reports whether something was done in the administrators'
// channel. Another workspace may have a channel of the same ID.
func (m *Mux) amongAdmins(e chat.Event) bool {
	where := chat.Address{Platform: e.From.Platform, Workspace: e.From.Workspace, Channel: e.Channel}
	return e.Channel != "" && where == m.env.Admins
}

func denied(v phrases.Voice, who identity.Speaker, c Command) error {
	if !who.Linked {
		return &mistake{v.Say("I do not know who you are in Microsoft 365 yet, so you may not use “/mfa %s”.", c.Name), phrases.Mark("“/mfa link” links your chat account, or says whom to ask.")}
	}
	if who.Principal == (approval.Principal{}) {
		return unproven(who)
	}
	roles := make([]string, len(c.Access.roles))
	for i, r := range c.Access.roles {
		roles[i] = string(r)
	}
	whom := strings.Join(roles, ", ")
	switch {
	case len(roles) == 0:
		whom = v.Say("nobody")
	case slices.Contains(c.Access.roles, identity.Viewer):
		whom = v.Say("%s, or whoever has another role", whom)
	}
	return &mistake{v.Say("You may not use “/mfa %s”.", c.Name), v.Say("It is for: %s. “/mfa help” lists what you can do.", whom)}
}

// submit asks for a planned change. The card and the prompts are posted by the
// outbox; what is answered here says only that it is recorded. What somebody
// else decides is asked with a reason; what nobody else does is shown first, and
// planned anew when it is confirmed.
func (m *Mux) submit(ctx context.Context, c Command, call Call, line string) (chat.Message, error) {
	reason, err := justification(call.Reason)
	if err != nil {
		return chat.Message{}, err
	}
	call.Reason = reason
	plan, err := c.Plan(ctx, call)
	if err != nil {
		return chat.Message{}, err
	}
	if reason == "" { // the plan knows it
		reason = plan.Reason
		call.Reason = reason
	}
	if err := spared(m.env, plan); err != nil {
		return chat.Message{}, err
	}
	if err := approval.CheckFrozen(ctx, m.env.Requests, m.env.Organization.ID, plan.Kind); err != nil {
		return chat.Message{}, attributed(ctx, m.env, err)
	}
	if _, err := Prove(m.env)(ctx, call.Who.Principal, encode(call.Who.Account), plan.Kind, approval.ToAsk); err != nil {
		return chat.Message{}, err
	}
	missing := reason == "" && needsReason(plan)
	switch {
	case alone(plan) && (missing || call.Shown != planSum(plan)):
		return preview(m.env, plan, line, call.Shown != "" && call.Shown != planSum(plan), missing), nil
	case missing:
		return whyForm(plan, line), nil
	}
	if plan, err = m.address(ctx, plan, call); err != nil {
		return chat.Message{}, err
	}
	r, err := m.env.Engine.Submit(ctx, plan)
	if err != nil {
		return chat.Message{}, attributed(ctx, m.env, tooFew(ctx, m.env, plan, err))
	}
	return submitted(r), nil
}

// whyForm asks for the reason of a plan, and says what was understood.
func whyForm(plan approval.Plan, line string) chat.Message {
	why := "Why should this be changed?"
	if plan.Kind == ExportKind {
		why = "Why do you need these names?"
	}
	return chat.Message{
		Headline: why,
		Text:     "The approvers will see your reason, so write it for them. Nothing has been asked for yet.",
		Fields:   []chat.Field{{Label: "What", Value: plan.Words.Headline}},
		Buttons: []chat.Button{{
			ID: "confirm", Label: "Give a reason and ask", Value: line, Style: chat.Primary,
			Form: []chat.FormField{{ID: "reason", Label: "Reason", Required: true, MaxRunes: maxReason}},
		}},
	}
}

// address completes a plan with who asks and who is to be shown it: the
// requester, each person who is asked to decide it in their own messages, and
// the admin channel. A listed guest or leaver is shown nothing.
func (m *Mux) address(ctx context.Context, p approval.Plan, call Call) (approval.Plan, error) {
	p.Tenant, p.TenantName = m.env.Organization.ID, m.env.Organization.Name
	p.Requester, p.Account, p.Proof, p.Key, p.Reason = call.Who.Principal, encode(call.Who.Account), call.Who.Proof, call.Event.Key, call.Reason
	p.ConfigHash = m.env.Rules.Now().Hash()
	p.Policy.Version = rulesVersion(m.env.Rules.Now(), p.Kind)
	p.Subscribers = []approval.Subscriber{{Address: encode(chat.Direct(call.Who.Account)), Requester: true, Who: p.Requester.Object}}
	if p.Policy.Name == policyConfirm { // nobody else is asked
		return m.tell(ctx, p)
	}
	p, err := m.lighten(ctx, p)
	if err != nil {
		return p, err
	}
	bench, err := m.env.People.Bench(ctx, wouldBe(p))
	if err != nil {
		return p, fmt.Errorf("list approvers: %w", err)
	}
	now := m.env.Rules.Now()
	p.Policy = fallback(now, p.Policy, bench, len(p.Targets))
	p.Subscribers = append(p.Subscribers, subscribers(ctx, m.env.People, firstAsked(now, p.Policy, bench))...)
	if m.env.Admins != (chat.Address{}) {
		p.Subscribers = append(p.Subscribers, approval.Subscriber{Address: encode(m.env.Admins)})
	}
	return m.tell(ctx, p)
}

// tell adds those whom a plan is about.
func (m *Mux) tell(ctx context.Context, p approval.Plan) (approval.Plan, error) {
	told, err := concerned(ctx, m.env, p)
	if err != nil {
		return p, err
	}
	for _, s := range told { // whoever decides it is told by that
		if !slices.ContainsFunc(p.Subscribers, func(x approval.Subscriber) bool { return x.Address == s.Address }) {
			p.Subscribers = append(p.Subscribers, s)
		}
	}
	return p, nil
}

// wouldBe is the request that a plan asks for, as far as who may decide it hangs
// on it.
func wouldBe(p approval.Plan) approval.Request {
	return approval.Request{Tenant: p.Tenant, Requester: p.Requester, Targets: p.Targets, Kind: p.Kind, Policy: p.Policy}
}

// press does what a button says. Its value tells what it is about and is
// trusted for nothing else.
func (m *Mux) press(ctx context.Context, r chat.Responder, e chat.Event) (chat.Message, error) {
	m.Forget()
	switch e.Button {
	case "approve", "deny", "cancel", "ask", "stop", "pause", "resume", "resolve":
		who, err := m.env.People.Who(ctx, e.From)
		if err != nil {
			return chat.Message{}, err
		}
		return m.decide(ctx, who, e)
	case "confirm":
		sum, line := confirmed(e.Value)
		answer, _, err := m.command(ctx, r, e, line, e.Fields["reason"], sum)
		return answer, err
	case "collect":
		who, err := m.env.People.Who(ctx, e.From)
		if err != nil {
			return chat.Message{}, err
		}
		return collect(ctx, m.env, who, e, e.Value, r.Reply)
	case "run":
		answer, _, err := m.command(ctx, r, e, e.Value, "", "")
		return answer, err
	case "topic":
		return topic(ctx, m.env, m.voice(ctx, e), e.Value)
	default:
		return chat.Message{}, &mistake{phrases.Mark("This button is no longer in use."), phrases.Mark("“/mfa help” lists what you can do.")}
	}
}

// decide passes on what somebody pressed about a request.
func (m *Mux) decide(ctx context.Context, who identity.Speaker, e chat.Event) (chat.Message, error) {
	switch e.Button {
	case "stop":
		return stopped(ctx, m.env, who, e.Value, e.Fields["reason"])
	case "pause", "resume":
		return held(ctx, m.env, who, e.Button, e.Value, "")
	case "resolve":
		return resolved(ctx, m.env, who, e.Value, e.Fields["result"], e.Fields["note"])
	default:
		return decide(ctx, m.env, who, e.Button, e.Value, strings.TrimSpace(e.Fields["reason"]+e.Fields["question"]))
	}
}

// Allowed lists what the person behind an account may run, for help and
// completion. Whoever cannot be looked up is shown what everybody may.
func (m *Mux) Allowed(ctx context.Context, a chat.Account) []chat.CommandSpec {
	who, err := m.env.People.Who(ctx, a)
	if err != nil {
		m.log.WarnContext(ctx, "look up person for help", "error", err)
	}
	return m.specs(who)
}

func (m *Mux) specs(who identity.Speaker) []chat.CommandSpec {
	var specs []chat.CommandSpec
	for _, c := range m.allowed(who) {
		specs = append(specs, c.CommandSpec)
	}
	return specs
}

func (m *Mux) allowed(who identity.Speaker) []Command {
	var cs []Command
	for _, c := range m.all {
		if c.Access.Allows(who) {
			cs = append(cs, c)
		}
	}
	return cs
}
