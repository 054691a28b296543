package commands

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"

	"twokey/chat"
	"twokey/chat/phrases"
	"twokey/commands/approval"
	"twokey/commands/identity"
	"twokey/graph/rollout"
)

// shownAtHome is how many requests of either kind are shown in full.
const shownAtHome = 5

// Home returns what somebody sees who opens the bot and has said nothing yet,
// top to bottom and for their eyes alone: what waits for their decision, with
// its buttons; what they have asked for themselves; how their own sign-in
// stands; and, from viewer up, the figures. A part that cannot be had says so in
// its place. The error is the context's.
func (m *Mux) Home(ctx context.Context, a chat.Account) ([]chat.Message, error) {
	voice := m.voice(ctx, chat.Event{From: a})
	who, err := m.env.People.Who(ctx, a)
	if err != nil {
		return []chat.Message{sorry(ctx, m.log, voice, err)}, ctx.Err()
	}
	h := home{m.env, who, voice, sync.OnceValues(func() ([]standingRequest, error) { return openRequests(ctx, m.env) })}
	var all []chat.Message
	for _, part := range []func(context.Context) ([]chat.Message, error){h.toDecide, h.ownRequests, h.ownSignIn, h.figures} {
		all = append(all, m.part(ctx, voice, part)...)
	}
	return all, ctx.Err()
}

// part has one part of the home worded. One that fails, or panics, fails alone.
func (m *Mux) part(ctx context.Context, v phrases.Voice, part func(context.Context) ([]chat.Message, error)) (ms []chat.Message) {
	defer func() {
		if p := recover(); p != nil {
			ms = []chat.Message{sorry(ctx, m.log, v, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))}
		}
	}()
	ms, err := part(ctx)
	if err != nil {
		return []chat.Message{sorry(ctx, m.log, v, err)}
	}
	return ms
}

// home is what somebody's home is worded from.
type home struct {
	env   Env
	who   identity.Speaker
	voice phrases.Voice
	open  func() ([]standingRequest, error) // reads once, for all parts
}

// standingRequest is a request and who has decided about it.
type standingRequest struct {
	approval.Request
	decisions []approval.Decision
}

// openRequests returns the requests that are not over, the newest first.
func openRequests(ctx context.Context, env Env) (all []standingRequest, err error) {
	err = env.Requests.View(ctx, func(tx approval.Tx) error {
		requests, err := tx.Requests(env.Organization.ID, approval.OpenStates()...)
		if err != nil {
			return err
		}
		for _, r := range slices.Backward(requests) {
			ds, err := tx.Decisions(r.ID)
			if err != nil {
				return err
			}
			all = append(all, standingRequest{r, ds})
		}
		return nil
	})
	return all, err
}

// toDecide is what somebody may decide now and has not approved yet, as they
// were asked for it.
func (h home) toDecide(ctx context.Context) ([]chat.Message, error) {
	if h.who.Principal == (approval.Principal{}) {
		return nil, nil
	}
	all, err := h.open()
	if err != nil {
		return nil, err
	}
	var ms []chat.Message
	for _, r := range all {
		if r.State != approval.Pending || slices.Contains(approval.Counted(r.Request, r.decisions), h.who.Principal) {
			continue
		}
		if _, err := h.env.People.MayDecide(ctx, h.who.Principal, r.Request); err != nil {
			continue // it is not theirs, or nobody can tell, and then they cannot decide it now
		}
		m := prompt(ctx, h.env, r.Request, r.decisions)
		m.Request = r.Ref
		ms = append(ms, m)
	}
	if len(ms) == 0 && h.who.Has(identity.Approver) {
		return []chat.Message{{Headline: "Nothing waits for your decision."}}, nil
	}
	return atMost(ms, "wait for your decision"), nil
}

// ownRequests is what somebody has asked for and is not over.
func (h home) ownRequests(ctx context.Context) ([]chat.Message, error) {
	if h.who.Principal == (approval.Principal{}) {
		return nil, nil
	}
	all, err := h.open()
	if err != nil {
		return nil, err
	}
	var ms []chat.Message
	for _, r := range all {
		if r.Requester == h.who.Principal {
			m := card(ctx, h.env, r.Request, r.decisions)
			m.Request = r.Ref
			ms = append(ms, m)
		}
	}
	return atMost(ms, "of your requests are open"), nil
}

// atMost leaves out what nobody would scroll to, and says how much.
func atMost(ms []chat.Message, what string) []chat.Message {
	if more := len(ms) - shownAtHome; more > 0 {
		ms = append(ms[:shownAtHome:shownAtHome], chat.Message{Text: fmt.Sprintf("%d more %s. “/mfa requests” lists them.", more, what)})
	}
	return ms
}

// ownSignIn is how somebody's own sign-in stands, with the next step.
func (h home) ownSignIn(ctx context.Context) ([]chat.Message, error) {
	m, err := ownState(ctx, h.env, h.voice, h.who)
	return []chat.Message{m}, err
}

// figures is where the rollout stands, for those who may see it.
func (h home) figures(ctx context.Context) ([]chat.Message, error) {
	if !only(identity.Viewer).Allows(h.who) {
		return nil, nil
	}
	facts := h.env.kept(ctx)
	return []chat.Message{statusMessage(h.env, facts, rollout.NewFunnel(facts, h.env.Scope))}, nil
}
