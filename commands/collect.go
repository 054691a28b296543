package commands

import (
	"context"
	"errors"
	"strings"

	"twokey/chat"
	"twokey/chat/visit"
	"twokey/commands/approval"
	"twokey/commands/identity"
	"twokey/commands/link"
	"twokey/graph"
)

// collectCommand is the typed twin of the Collect button.
func collectCommand(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "collect", Summary: "Collect what you asked for once it is approved: a pass, shown once and to you alone.", Example: "collect R-ABC234",
			Options: []chat.Option{{Name: "request", Summary: "the number of the request, like R-ABC234", Of: chat.OfRequests, Required: true}},
		},
		Access: linked, // whose request it is is the engine's to say
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			return collect(ctx, env, c.Who, c.Event, c.Args["request"], c.Show)
		},
	}
}

// collect has an approved request carried out now, and shows its requester what
// it created: on the page where there is one, and else here. Show answers them in
// private; what it shows is kept nowhere. An empty message means that they have
// been answered.
func collect(ctx context.Context, env Env, who identity.Speaker, e chat.Event, seal string, show func(context.Context, chat.Message) error) (chat.Message, error) {
	if !who.Linked || who.Principal == (approval.Principal{}) {
		return chat.Message{}, &mistake{"I do not know for sure who you are in Microsoft 365, so you cannot collect anything here.", "“/mfa whoami” says what I know, and “/mfa link” links your chat account, or says whom to ask."}
	}
	v := approval.Vote{By: who.Principal, Account: encode(who.Account), Proof: who.Proof, Seal: canonical(seal)}
	ref, _, _ := strings.Cut(v.Seal, ".")
	asked, err := env.Engine.Find(ctx, ref)
	if err != nil {
		return chat.Message{}, err
	}
	if asked.Kind != ExportKind && env.Page != "" && (env.Chosen == nil || !env.Chosen(who.Account)) {
		return collectThere(ctx, env, v, e)
	}
	shown := false
	m, err := handOver(ctx, env, v, func(ctx context.Context, handover any) error {
		m := chat.Message{}
		switch h := handover.(type) {
		case graph.Pass:
			m = handedOver(env, asked, h)
		case *chat.File:
			m = handedFile(asked, h)
		default:
			return errUnshown
		}
		err := show(ctx, m)
		shown = err == nil
		return err
	})
	if shown {
		m = chat.Message{}
	}
	return m, err
}

// collectThere gives the address at which a request is collected. Nothing is
// created before the page asks for it.
func collectThere(ctx context.Context, env Env, v approval.Vote, e chat.Event) (chat.Message, error) {
	ref, _, _ := strings.Cut(v.Seal, ".")
	err := env.Requests.View(ctx, func(tx approval.Tx) error {
		r, err := tx.Request(ref)
		if err != nil {
			return err
		}
		now, err := tx.Now()
		if err != nil {
			return err
		}
		return approval.Collectable(r, v, now)
	})
	if err != nil {
		return chat.Message{}, err
	}
	address, err := giveAddress(ctx, env, link.Visit{Purpose: visit.Collect, Account: e.From, Object: v.By.Object, Body: link.Body{Deed: "collect", Request: ref}}, e)
	if err != nil {
		return chat.Message{}, err
	}
	return chat.Message{
		Headline: "Collect it on the page, where it is shown once.",
		Text:     "Open the page within " + span(visit.Life) + " and show there who you are. Nothing is created before that: do it when whoever needs it is with you. The address is yours alone and works once.",
		Links:    []chat.Link{{Label: "Collect it", URL: address}},
		Footer:   onlyYou + " " + noSecrets,
		Request:  ref,
	}, nil
}

// handOver has an approved request carried out and hands what it created to show.
// The message says how it ended.
func handOver(ctx context.Context, env Env, v approval.Vote, show func(ctx context.Context, handover any) error) (chat.Message, error) {
	shown := false
	r, err := env.Collect(ctx, v, func(ctx context.Context, handover any) error {
		err := show(ctx, handover)
		shown = err == nil
		return err
	})
	var s sayer
	if err != nil && !errors.As(err, &s) {
		ref, _, _ := strings.Cut(v.Seal, ".")
		return chat.Message{}, &doubt{ref, err}
	}
	if err != nil || shown {
		return chat.Message{}, err
	}
	return chat.Message{Headline: r.Ref + " " + stateWords(env, r) + ".", Text: result(ctx, env, r), Request: r.Ref}, nil
}

var errUnshown = errors.New("what was created cannot be shown")

// handedOver is the pass, in the one message that ever holds it.
func handedOver(env Env, r approval.Request, p graph.Pass) chat.Message {
	use := "until it ends"
	if p.Once {
		use = "once"
	}
	name := "them"
	if len(r.Targets) > 0 {
		name = quoted(r.Targets[0].Name, 120)
	}
	return chat.Message{
		Notice:   "What you collected with " + r.Ref,
		Headline: "The Temporary Access Pass for " + name + ". It is shown this once.",
		Text:     "Give it to them yourself, as you made sure who they are. They sign in with it in place of their password, and set up their own methods at once.",
		Fields: []chat.Field{
			{Label: "Pass", Value: p.Code.Reveal()},
			{Label: "Valid from", Value: moment(env, p.Start)},
			{Label: "Valid until", Value: moment(env, p.Start.Add(p.Lifetime))},
			{Label: "To be used", Value: use},
		},
		Footer:  "Only you can see this, and it is kept nowhere. Nobody else ever needs it: we never ask for a password, code or pass.",
		Request: r.Ref,
		Secret:  true,
	}
}
