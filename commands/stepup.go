package commands

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"twokey/chat"
	"twokey/chat/phrases"
	"twokey/chat/visit"
	"twokey/commands/approval"
	"twokey/commands/identity"
	"twokey/commands/link"
)

// errNoStepUp is for what needs a fresh proof where nobody can give one.
var errNoStepUp = &approval.Refusal{
	Code: "no-step-up",
	Text: phrases.Mark("This needs a fresh proof of who you are, and this bot has no page on which to give it. An owner can set one up (“web.public_url” in the configuration), or accept to go without (“accept_no_step_up”), but not for chat accounts that are people's own."),
}

// errNoStepUpYet is for the same while it does not hold yet that it goes without.
var errNoStepUpYet = &approval.Refusal{
	Code: errNoStepUp.Code,
	Text: phrases.Mark("This needs a fresh proof of who you are, and this bot has no page on which to give it. It was accepted less than a day ago to go without, which holds a day after that: try again then."),
}

// noStepUp says why nobody can give a proof that an account needs.
func noStepUp(env Env, a chat.Account) error {
	if env.Rules.Written().AcceptNoStepUp && !slices.Contains(env.Rules.Now().Personal, a.Platform) {
		return errNoStepUpYet
	}
	return errNoStepUp
}

// stepUpWords are what [approval.ErrStepUp] says.
var stepUpWords = phrases.Mark("This needs a fresh proof of who you are.")

// Prove returns, for [approval.Engine.Prove] and [approval.RunnerConfig.Prove],
// what somebody has proved within the last minutes on the page.
func Prove(env Env) approval.Prove {
	return func(ctx context.Context, p approval.Principal, account, kind string, d approval.Deed) (approval.Fresh, error) {
		a, err := chatAccountOf(account)
		if err != nil {
			return approval.Fresh{}, err
		}
		if d == approval.ToAsk && slices.Contains(SelfKinds(), kind) {
			return approval.Fresh{}, nil // an emergency of one's own
		}
		return freshOf(ctx, env, p, a, kind)
	}
}

// needsProof reports whether what is done by an account needs a fresh proof. By
// one that is people's own everything does that changes anything.
func needsProof(env Env, a chat.Account, kind string) bool {
	r := env.Rules.Now()
	if slices.Contains(r.Personal, a.Platform) {
		return true
	}
	if !kindNamed(kind).fresh && kind != forLists && kind != forLinks {
		return false
	}
	return env.Page != "" || !r.AcceptNoStepUp
}

// freshOf returns what somebody has proved lately by an account, if that is needed.
func freshOf(ctx context.Context, env Env, p approval.Principal, a chat.Account, kind string) (approval.Fresh, error) {
	switch {
	case env.Chosen != nil && env.Chosen(a):
		return approval.Fresh{Proof: chosenProof, At: env.Now()}, nil
	case !needsProof(env, a, kind):
		return approval.Fresh{}, nil
	case env.Page == "":
		return approval.Fresh{}, noStepUp(env, a)
	}
	var last link.Proof
	var least visit.Proof
	fresh := false
	err := env.Proofs.ViewLinks(ctx, func(tx link.Tx) (err error) {
		if last, err = tx.Proof(env.Organization.ID, a); err != nil {
			return err
		}
		now, err := tx.Now()
		if err != nil {
			return err
		}
		fresh = last.Fresh(now) && last.Object == p.Object
		least, err = leastOf(env, tx, p.Object, now)
		return err
	})
	switch {
	case err != nil:
		return approval.Fresh{}, err
	case !fresh:
		return approval.Fresh{}, approval.ErrStepUp
	case !last.Proof.Meets(least):
		return approval.Fresh{}, tooWeak(last.Proof, least)
	}
	return approval.Fresh{Proof: string(last.Proof), At: last.At}, nil
}

// weakWords are for somebody who proved something, and not enough, by what they
// proved and what is needed.
var weakWords = map[[2]visit.Proof]string{
	{visit.Password, visit.MFA}:     phrases.Mark("You have given a fresh password, and this needs a fresh MFA. Register a passkey on the page: it counts a day later, or once an owner confirms it."),
	{visit.Password, visit.Passkey}: phrases.Mark("You have given a fresh password, and this needs a passkey. Register a passkey on the page: it counts a day later, or once an owner confirms it."),
	{visit.MFA, visit.Passkey}:      phrases.Mark("You have given a fresh MFA, and this needs a passkey. Register a passkey on the page: it counts a day later, or once an owner confirms it."),
}

func tooWeak(was, least visit.Proof) error {
	text, ok := weakWords[[2]visit.Proof{was, least}]
	if !ok {
		text = stepUpWords
	}
	return &approval.Refusal{Code: approval.ErrStepUp.Code, Text: text}
}

// holdsKey reports whether somebody has a passkey that counts.
func holdsKey(tx link.Tx, tenant, object string, now time.Time) (bool, error) {
	keys, err := tx.KeysOf(tenant, object)
	return slices.ContainsFunc(keys, func(k link.Key) bool { return k.Counting(now) }), err
}

// leastOf is the least that somebody must prove. Whoever has a passkey that counts
// uses it.
func leastOf(env Env, tx link.Tx, object string, now time.Time) (visit.Proof, error) {
	holds, err := holdsKey(tx, env.Organization.ID, object, now)
	if err != nil || holds {
		return visit.Passkey, err
	}
	switch env.Rules.Now().StepUp {
	case "password":
		return visit.Password, nil
	case "passkey":
		return visit.Passkey, nil
	default:
		return visit.MFA, nil
	}
}

// proves has whoever calls prove anew who they are, and notes it in the call.
func proves(ctx context.Context, env Env, c *Call, kind string) (err error) {
	if c.Who.Principal == (approval.Principal{}) {
		return unproven(c.Who)
	}
	c.Fresh, err = freshOf(ctx, env, c.Who.Principal, c.Who.Account, kind)
	return err
}

// requestRef is how a request is written.
var requestRef = regexp.MustCompile(`\bR-[A-Z2-7]{6}\b`)

// stepUp answers whoever has to prove anew who they are: where, and how to go on
// afterwards.
func (m *Mux) stepUp(ctx context.Context, e chat.Event, why error) (chat.Message, error) {
	who, err := m.env.People.Who(ctx, e.From)
	if err != nil {
		return chat.Message{}, err
	}
	v := m.voice(ctx, e)
	again := chat.Button{ID: "run", Label: v.Say("Go on"), Value: e.Text, Style: chat.Primary}
	deed, about := m.named(e.Text), e.Text
	if e.Kind == chat.Press {
		again.ID, again.Value, deed, about = e.Button, e.Value, e.Button, e.Value
		if _, line := confirmed(e.Value); e.Button == "run" || e.Button == "confirm" {
			deed = m.named(line)
		}
		if e.Button == "approve" {
			again.Label = v.Say("Approve")
		}
	}
	begins := link.Visit{Purpose: visit.StepUp, Account: e.From, Object: who.Principal.Object}
	begins.Deed, begins.Request = deed, requestRef.FindString(strings.ToUpper(about))
	address, err := giveAddress(ctx, m.env, begins, e)
	if err != nil {
		return chat.Message{}, err
	}
	headline := stepUpWords
	if no := (*approval.Refusal)(nil); errors.As(why, &no) {
		headline = no.Text
	}
	return chat.Message{
		Headline: v.Say(headline),
		Text: v.Say("Nothing is done yet. Open the page within %d minutes, show there who you are, and come back: for %d minutes the button below goes on. The address is yours alone and works once.",
			int(visit.Life.Minutes()), int(link.ProofLife.Minutes())),
		Links:   []chat.Link{{Label: v.Say("Show who I am"), URL: address}},
		Footer:  privately(v),
		Buttons: []chat.Button{again},
	}, nil
}

// named returns the name of the command that a line begins with.
func (m *Mux) named(line string) string {
	c, _, ok := find(m.all, strings.Fields(line))
	if !ok {
		return "me"
	}
	return c.Name
}

// giveAddress stores a new visit of an account and returns the address at which it
// begins. An earlier one for the same ends with that.
func giveAddress(ctx context.Context, env Env, v link.Visit, e chat.Event) (string, error) {
	voice, _ := env.voice(ctx, e) // or in the language of the chat
	token := link.NewToken()
	v.Token, v.Tenant, v.Language = link.Sum(token), env.Organization.ID, string(voice.Language())
	var no error
	err := env.Proofs.UpdateLinks(ctx, func(tx link.Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		earlier, err := tx.VisitsOf(v.Tenant, v.Account, now.Add(-link.Lately))
		if err != nil {
			return err
		}
		var asked link.Visit
		if asked, no = link.Ask(v, earlier, now); no != nil {
			return nil
		}
		for _, old := range earlier {
			if old.Purpose == v.Purpose && old.Request == v.Request && old.State != link.Over {
				old.State = link.Over
				if err := tx.SaveVisit(old); err != nil {
					return err
				}
			}
		}
		return tx.SaveVisit(asked)
	})
	switch {
	case err != nil:
		return "", err
	case no != nil:
		return "", errTooOften
	}
	return strings.TrimSuffix(env.Page, "/") + visit.Path + token, nil
}

var errTooOften = &mistake{
	phrases.Mark("You asked for this too often within the hour."),
	phrases.Mark("Wait an hour and try again. If it was not you who asked, call the help desk: somebody else may use your chat account."),
}

// speaksAs refuses a visit whose account is not that person's any more, or may not
// act for them.
func speaksAs(ctx context.Context, env Env, a chat.Account, object string) (identity.Speaker, error) {
	who, err := env.People.Who(ctx, a)
	if err == nil && (who.Principal.Object == "" || who.Principal.Object != object) {
		err = visit.Other
	}
	return who, err
}
