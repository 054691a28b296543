package commands

import (
	"context"
	"fmt"
	"strings"

	"twokey/chat"
	"twokey/chat/phrases"
	"twokey/commands/approval"
	"twokey/commands/identity"
)

// The typed twins of the buttons on a prompt, for keyboards and screen readers.

func approveCommand(env Env) Command { return decision(env, "approve", "Approve a request.") }

func denyCommand(env Env) Command {
	return decision(env, "deny", "Deny a request, with a reason if you like.")
}

// Cancelling is for requesters too, whoever they are; the engine says who else.
func cancelCommand(env Env) Command { return decision(env, "cancel", "Withdraw or stop a request.") }

func decision(env Env, choice, summary string) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: choice, Summary: summary, Example: choice + " R-ABC234",
			Options: []chat.Option{
				requestOption,
				{Name: "reason", Summary: "why", Rest: true},
			},
		},
		Access: linked, // who may decide this very request is the engine's to say
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			return decide(ctx, env, c.Who, choice, c.Args["request"], c.Args["reason"])
		},
	}
}

// decide passes a person's wish to the engine. The seal is what a button
// carried, or a reference as typed.
func decide(ctx context.Context, env Env, who identity.Speaker, choice, seal, words string) (chat.Message, error) {
	v, err := vote(who, seal, words)
	if err != nil {
		return chat.Message{}, err
	}
	if !strings.Contains(v.Seal, ".") && len(v.Seal) != len("R-ABC234") {
		return chat.Message{}, approval.ErrNotFound
	}
	m, err := decided(ctx, env, choice, v)
	return m, attributed(ctx, env, err)
}

// vote is what somebody wants about the request that the seal names.
func vote(who identity.Speaker, seal, words string) (approval.Vote, error) {
	if !who.Linked {
		return approval.Vote{}, &mistake{"I do not know who you are in Microsoft 365, so you cannot decide anything here.", "Ask an owner of this bot to link your chat account."}
	}
	if who.Principal == (approval.Principal{}) {
		return approval.Vote{}, unproven(who)
	}
	words, err := justification(words)
	return approval.Vote{By: who.Principal, Account: encode(who.Account), Proof: who.Proof, Seal: canonical(seal), Why: words}, err
}

func decided(ctx context.Context, env Env, choice string, v approval.Vote) (chat.Message, error) {
	switch choice {
	case "approve":
		r, err := env.Engine.Approve(ctx, v)
		return approved(env, r), err
	case "deny":
		r, err := env.Engine.Deny(ctx, v)
		return chat.Message{Headline: fmt.Sprintf("You denied %s. Nothing will be changed.", r.Ref), Request: r.Ref}, err
	case "cancel":
		r, err := env.Engine.Cancel(ctx, v)
		if r.Pausable() {
			return broken(r), err
		}
		return chat.Message{Headline: fmt.Sprintf("You cancelled %s. Nothing will be changed.", r.Ref), Request: r.Ref}, err
	default:
		if v.Why == "" {
			return chat.Message{}, &mistake{"Your question was empty, so it was not passed on.", "Press “Ask” again and type it."}
		}
		if questionAsksForSecret(v.Why) {
			return chat.Message{}, errSecret
		}
		r, err := env.Engine.Ask(ctx, v, v.Why)
		return chat.Message{Headline: fmt.Sprintf("Your question about %s was passed on. The answer comes to you directly.", r.Ref), Request: r.Ref}, err
	}
}

// errNewLink is for somebody whose link gives only what staff may do: a stolen
// configuration or a mistake in it must not decide anything before it is seen.
var errNewLink = &mistake{
	phrases.Mark("Your chat account was linked less than a day ago, so you can only do what everybody may."),
	phrases.Mark("The approvers have been told of the new link. A day after it was made, it counts in full."),
}

// errNewManager is for a manager whose account was linked just now: nobody was
// told of it, and whoever signed in as them once could vouch for anybody.
var errNewManager = &mistake{
	phrases.Mark("Your chat account was linked less than a day ago, so your word as a manager does not count yet."),
	phrases.Mark("It counts a day after the link was made. Until then the help desk can make sure in another way."),
}

// errSuggested is for somebody whom the bot knows by an e-mail address alone.
var errSuggested = &mistake{
	phrases.Mark("I know you by the e-mail address of your chat account only, so you can only ask about yourself."),
	phrases.Mark("“/mfa link” links your chat account, or says whom to ask."),
}

// unproven is why somebody without a principal may not do what others may.
func unproven(who identity.Speaker) error {
	if who.Suggested {
		return errSuggested
	}
	return errNewLink
}

func approved(env Env, r approval.Request) chat.Message {
	if r.State != approval.Approved {
		return chat.Message{Headline: fmt.Sprintf("Your approval of %s is recorded. It needs one more person.", r.Ref), Request: r.Ref}
	}
	return chat.Message{
		Headline: fmt.Sprintf("Your approval of %s is recorded, and it was the last one needed.", r.Ref),
		Text:     next(env, r),
		Request:  r.Ref,
	}
}
