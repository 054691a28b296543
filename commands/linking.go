package commands

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"twokey/chat"
	"twokey/chat/phrases"
	"twokey/chat/visit"
	"twokey/commands/approval"
	"twokey/commands/identity"
	"twokey/commands/link"
	"twokey/graph"
)

// linkCommand lets somebody say whose their chat account is: by signing in on the
// page, and by typing here what the page shows then. Somebody who was sent the
// address of another's account has nowhere to type it.
func linkCommand(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "link", Summary: "Say who you are in Microsoft 365, by signing in once.", Example: "link",
			Options: []chat.Option{{Name: "code", Summary: "what the page shows after you have signed in, like ABCD-EFGH"}},
		},
		Access: everybody,
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			switch {
			case env.People.IsPinned(c.Event.From):
				return chat.Message{Headline: c.Voice.Say("An owner has said already whose this chat account is."), Text: c.Voice.Say("Nothing that is done here changes that. “/mfa whoami” shows it.")}, nil
			case env.Page == "":
				return chat.Message{}, &mistake{
					phrases.Mark("There is no page here on which you could sign in."),
					c.Voice.Say("Ask an owner of this bot to pin your chat account in its configuration: tell them %s.", shown(chatAccount(c.Event.From))),
				}
			case c.Args["code"] != "":
				return redeem(ctx, env, c)
			default:
				return offerLink(ctx, env, c)
			}
		},
	}
}

func offerLink(ctx context.Context, env Env, c Call) (chat.Message, error) {
	address, err := giveAddress(ctx, env, link.Visit{Purpose: visit.Link, Account: c.Event.From}, c.Event)
	if err != nil {
		return chat.Message{}, err
	}
	m := chat.Message{
		Headline: c.Voice.Say("Sign in once, so that I know who you are."),
		Steps: []string{
			c.Voice.Say("Open the page within %d minutes and sign in with your account at %s.", int(visit.Life.Minutes()), quoted(env.Organization.Name, 60)),
			c.Voice.Say("The page shows a short code. Type it here: “/mfa link ABCD-EFGH”."),
		},
		Links:  []chat.Link{{Label: c.Voice.Say("Open the page"), URL: address}},
		Footer: c.Voice.Say(onlyYou) + " " + c.Voice.Say("The address is for this chat account alone and works once. If somebody sends you such an address or asks you for a code, do not follow it, and tell %s.", env.contact()),
	}
	if c.Who.Linked && !c.Who.Suggested {
		m.Text = c.Voice.Say("This chat account is linked to %s now. Signing in as somebody else takes the place of that.", quoted(c.Who.User.Name, 60))
	}
	return m, nil
}

var (
	errNoVisit   = &mistake{phrases.Mark("There is no code to type here now."), phrases.Mark("“/mfa link” gives you a new address, for this chat account. A code that somebody else sent you is of no use here.")}
	errWrongCode = &mistake{phrases.Mark("That is not the code."), phrases.Mark("Look at the page again. After a few tries it takes a new address: “/mfa link”.")}
)

// redeem links the account, if what was typed is the code of its own visit.
func redeem(ctx context.Context, env Env, c Call) (chat.Message, error) {
	signed, err := signedVisit(ctx, env, c.Event.From)
	if err != nil {
		return chat.Message{}, err
	}
	u, err := env.Tenant.User(ctx, signed.Object)
	if k, known := kindOf(err); known && k == graph.KindNotFound || err == nil && (!u.Enabled || u.ID != signed.Object) {
		return chat.Message{}, errNoVisit
	}
	if err != nil {
		return chat.Message{}, err
	}
	desk := NewDesk(env)
	told, err := desk.worried(ctx, signed.Object)
	if err != nil {
		return chat.Message{}, err
	}
	var made link.Link
	_, err = desk.change(ctx, signed.Token, func(tx link.Tx, v link.Visit, now time.Time) (link.Visit, error) {
		v, no := v.Redeem(c.Args["code"], now)
		if no != nil {
			return v, no
		}
		made, err = linkTo(tx, env, v, now, told)
		return v, err
	})
	switch {
	case errors.Is(err, visit.Gone):
		return chat.Message{}, errNoVisit
	case errors.Is(err, visit.Other):
		return chat.Message{}, errWrongCode
	case err != nil:
		return chat.Message{}, err
	}
	m := chat.Message{Headline: c.Voice.Say("You are %s here from now on.", quoted(u.Name, 60)), Text: c.Voice.Say("“/mfa” shows how your sign-in stands. “/mfa unlink” ends it."), Footer: c.Voice.Say(onlyYou)}
	if told.role && made.Young(env.Now()) {
		m.Text = c.Voice.Say("You have a role here. It counts in a day, or once an owner confirms the link; until then you can do what everybody may. Those who decide have been told.") + "\n\n" + m.Text
	}
	if !made.Until.IsZero() {
		m.Text += " " + c.Voice.Say("The link ends on %s; sign in again before.", c.Voice.Day(made.Until.In(env.Zone)))
	}
	return m, nil
}

// signedVisit returns the visit of an account in which somebody has signed in to
// link it, the last if there are several.
func signedVisit(ctx context.Context, env Env, a chat.Account) (v link.Visit, err error) {
	err = env.Proofs.ViewLinks(ctx, func(tx link.Tx) error {
		v = link.Visit{}
		now, err := tx.Now()
		if err != nil {
			return err
		}
		all, err := tx.VisitsOf(env.Organization.ID, a, now.Add(-link.Lately))
		for _, one := range all {
			if one.Purpose == visit.Link && one.State == link.Signed && one.Open(now) {
				v = one
			}
		}
		return err
	})
	if err == nil && v.Token == "" {
		err = errNoVisit
	}
	return v, err
}

// linkTo stores the link that a visit has led to. Signing in again as the same
// person renews a link that holds, and is no new one.
func linkTo(tx link.Tx, env Env, v link.Visit, now time.Time, told worried) (link.Link, error) {
	old, err := tx.Link(v.Tenant, v.Account)
	if err != nil {
		return link.Link{}, err
	}
	l := link.Link{Ref: link.NewRef("L"), Tenant: v.Tenant, Account: v.Account, Object: v.Object, Since: now}
	renewed := old.Holds(now) && old.Object == v.Object
	if renewed {
		l = old
	} else if err := tx.DropLink(v.Tenant, v.Account); err != nil {
		return l, err
	}
	l.Proof = v.Proof
	if slices.Contains(env.Rules.Now().Personal, v.Account.Platform) {
		l.Until = now.Add(link.PersonalLife)
	}
	if err := tx.SaveLink(l); err != nil {
		return l, err
	}
	facts := map[string]any{"ref": l.Ref, "fresh": string(l.Proof), "renewed": renewed}
	if old.Holds(now) && !renewed {
		if facts["before"], err = tx.Alias(v.Tenant, old.Object, ""); err != nil {
			return l, err
		}
	}
	if err := recordAccount(tx, l.Tenant, "link.made", l.Object, l.Object, l.Account, facts); err != nil || renewed {
		return l, err
	}
	return l, told.ofLink(tx, l, old.Holds(now))
}

// worried are those whom it should worry if somebody gets a new way to act as a
// person: of somebody with a role, the channel of the administrators and that
// person by every account that counts already; of anybody else, that person.
type worried struct {
	to   []string
	name string
	role bool
	call string
}

// worried looks up whom to tell of what is new about a person.
func (d *Desk) worried(ctx context.Context, object string) (worried, error) {
	if object == "" {
		return worried{}, nil
	}
	roles, err := d.env.People.Holds(ctx, object)
	if err != nil {
		return worried{}, err
	}
	w := worried{to: directs(ctx, d.env, object), name: named(ctx, d.env, principal(d.env, object)), role: len(roles) > 0, call: d.env.contact()}
	if w.role && d.env.Admins != (chat.Address{}) {
		w.to = append(w.to, encode(d.env.Admins))
	}
	return w, nil
}

func (w worried) ofLink(tx link.Tx, l link.Link, replaced bool) error {
	headline := w.name + " has linked a chat account: " + chatAccount(l.Account) + "."
	text := "They signed in on the page (" + string(l.Proof) + ") and typed its code there."
	if replaced {
		text += " It was linked to somebody else before."
	}
	return approval.Announce(tx, "link/"+l.Ref, w.to, headline, text+w.remedy(l.Ref))
}

func (w worried) ofKey(tx link.Tx, k link.Key) error {
	headline := w.name + " has registered a passkey for this bot's page."
	text := "It was done in a visit of the chat account " + chatAccount(k.Account) + "."
	if k.Trusted {
		text += " Another passkey of theirs vouched for it."
	}
	return approval.Announce(tx, "passkey/"+k.Ref, w.to, headline, text+w.remedy(k.Ref))
}

// remedy says what to do about something new that nobody expected.
func (w worried) remedy(ref string) string {
	s := " If that was not them, end it at once with “/mfa unlink " + ref + "”, and call " + w.call + "."
	if w.role {
		s += " It counts for their role in a day; an owner who has asked them, in person or by a call, can let it count before: “/mfa link confirm " + ref + "”."
	}
	return s
}

// confirmLink lets an owner say of something new that it is that person's.
func confirmLink(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "link confirm", Summary: "Say that a new link or passkey of somebody is theirs, so that it counts at once.", Example: "link confirm L-ABC234",
			Options: []chat.Option{{Name: "ref", Summary: "what the announcement names, like L-ABC234", Required: true}},
		},
		Access: only(identity.Owner),
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			if err := proves(ctx, env, &c, forLinks); err != nil {
				return chat.Message{}, err
			}
			return confirmRef(ctx, env, c, link.Canonical(c.Args["ref"]))
		},
	}
}

var (
	errNoRef    = &mistake{phrases.Mark("There is no such link or passkey."), phrases.Mark("The announcement names it, like L-ABC234.")}
	errOwnsLink = &approval.Refusal{Code: "own-link", Text: "This is about your own account, so another owner has to confirm it. It counts by itself a day after it was made."}
)

func confirmRef(ctx context.Context, env Env, c Call, ref string) (chat.Message, error) {
	who, tenant := c.Who.Principal, env.Organization.ID
	var object string
	err := env.Proofs.UpdateLinks(ctx, func(tx link.Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		l, k, err := byRef(tx, tenant, ref)
		if err != nil {
			return err
		}
		account := l.Account
		if object = l.Object; l.Zero() {
			object, account = k.Object, k.Account
		}
		if object == who.Object {
			return errOwnsLink
		}
		if !l.Zero() {
			l.Confirmed, l.By = now, who.Object
			if err := tx.SaveLink(l); err != nil {
				return err
			}
		}
		if err := trust(tx, tenant, object, func(one link.Key) bool { return one.Ref == k.Ref || l.Object != "" && one.Account == l.Account }); err != nil {
			return err
		}
		facts := map[string]any{"ref": ref}
		c.Fresh.Note(facts)
		return recordAccount(tx, tenant, "link.confirmed", who.Object, object, account, facts)
	})
	if err != nil {
		return chat.Message{}, err
	}
	return chat.Message{Headline: ref + " counts from now on, for " + named(ctx, env, principal(env, object)) + ".", Footer: onlyYou}, nil
}

// trust lets those of a person's passkeys count that are chosen.
func trust(tx link.Tx, tenant, object string, chosen func(link.Key) bool) error {
	keys, err := tx.KeysOf(tenant, object)
	for _, k := range keys {
		if err == nil && chosen(k) {
			k.Trusted = true
			err = tx.SaveKey(k)
		}
	}
	return err
}

// byRef returns the link or the passkey of a reference.
func byRef(tx link.Tx, tenant, ref string) (l link.Link, k link.Key, err error) {
	if l, err = tx.LinkByRef(tenant, ref); err == nil && l.Zero() {
		if k, err = tx.KeyByRef(tenant, ref); err == nil && k.ID == "" {
			err = errNoRef
		}
	}
	return l, k, err
}

// unlinkCommand ends a link or a passkey: one's own from any of one's accounts,
// and whoever decides or owns may end anybody's, for that takes rights away.
func unlinkCommand(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "unlink", Summary: "End the link of this chat account, or a link or passkey that was announced.", Example: "unlink",
			Options: []chat.Option{{Name: "ref", Summary: "what an announcement names, like L-ABC234"}},
		},
		Access: everybody,
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			ref := link.Canonical(c.Args["ref"])
			switch {
			case ref == "" && env.People.IsPinned(c.Event.From):
				return chat.Message{}, &mistake{phrases.Mark("An owner has pinned this chat account, so only an owner can end that."), phrases.Mark("Ask them to take it out of the configuration.")}
			case env.Proofs == nil:
				return chat.Message{}, errNoRef
			}
			m, err := unlink(ctx, env, c, ref, false)
			if errors.Is(err, errCounts) {
				if err := proves(ctx, env, &c, forLinks); err != nil {
					return chat.Message{}, err
				}
				return unlink(ctx, env, c, ref, true)
			}
			return m, err
		},
	}
}

// errCounts says that what is to be ended proves a passkey by now. Without it less
// would be enough for its owner, so that whoever ends it shows who they are.
var errCounts = errors.New("the passkey counts")

func unlink(ctx context.Context, env Env, c Call, ref string, shown bool) (chat.Message, error) {
	tenant, said := env.Organization.ID, c.Voice.Say("This chat account is linked to nobody any more.")
	err := env.Proofs.UpdateLinks(ctx, func(tx link.Tx) error {
		if ref == "" {
			l, err := tx.Link(tenant, c.Event.From)
			if err != nil {
				return err
			}
			if l.Zero() {
				return &mistake{phrases.Mark("This chat account is not linked."), phrases.Mark("“/mfa link” links it.")}
			}
			return endLink(tx, l, l.Object)
		}
		l, k, err := byRef(tx, tenant, ref)
		if err != nil {
			return err
		}
		now, err := tx.Now()
		if err != nil {
			return err
		}
		me := c.Who.Principal.Object // nobody's while their own link is new
		if object := l.Object + k.Object; me == "" || object != me && !c.Who.Has(identity.Approver, identity.Owner) {
			return errNoRef
		}
		if k.ID != "" && k.Counting(now) && !shown {
			return errCounts
		}
		said = c.Voice.Say("%s has ended. It gives nothing any more.", ref)
		if !l.Zero() {
			return endLink(tx, l, me)
		}
		if err := tx.DropKey(tenant, k.ID); err != nil {
			return err
		}
		return recordAccount(tx, tenant, "passkey.ended", me, k.Object, k.Account, map[string]any{"ref": k.Ref})
	})
	if err != nil {
		return chat.Message{}, err
	}
	return chat.Message{Headline: said, Footer: c.Voice.Say(onlyYou)}, nil
}

func endLink(tx link.Tx, l link.Link, actor string) error {
	if err := tx.DropLink(l.Tenant, l.Account); err != nil {
		return fmt.Errorf("end link: %w", err)
	}
	return recordAccount(tx, l.Tenant, "link.ended", actor, l.Object, l.Account, map[string]any{"ref": l.Ref})
}
