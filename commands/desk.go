package commands

import (
	"context"
	"errors"
	"time"

	"twokey/audit"
	"twokey/chat"
	"twokey/chat/visit"
	"twokey/commands/approval"
	"twokey/commands/identity"
	"twokey/commands/link"
	"twokey/graph"
)

// Desk stands behind the page on which people prove who they are. What it does is
// agreed with the page, whose interface it implements.
type Desk struct{ env Env }

// NewDesk returns the desk of a bot.
func NewDesk(env Env) *Desk { return &Desk{env} }

// mostKeys is how many passkeys somebody may have.
const mostKeys = 5

// Look returns what an address was made for and changes nothing.
func (d *Desk) Look(ctx context.Context, token string) (visit.Visit, error) {
	v, _, err := d.read(ctx, token)
	if err == nil && v.Token != link.Sum(token) {
		err = visit.Gone
	}
	if err != nil {
		return visit.Visit{}, err
	}
	return d.shown(ctx, v)
}

// Visit returns the visit of a ticket, until it is over.
func (d *Desk) Visit(ctx context.Context, ticket string) (visit.Visit, error) {
	v, err := d.held(ctx, ticket)
	if err != nil {
		return visit.Visit{}, err
	}
	return d.shown(ctx, v)
}

// held returns the open visit of a ticket.
func (d *Desk) held(ctx context.Context, ticket string) (link.Visit, error) {
	v, _, err := d.read(ctx, ticket)
	if err == nil && v.Ticket != link.Sum(ticket) {
		err = visit.Gone
	}
	return v, err
}

// read returns the open visit of a token or a ticket, and the database's time.
func (d *Desk) read(ctx context.Context, secret string) (v link.Visit, now time.Time, err error) {
	err = d.env.Proofs.ViewLinks(ctx, func(tx link.Tx) error {
		if v, err = tx.Visit(link.Sum(secret)); err != nil {
			return err
		}
		now, err = tx.Now()
		return err
	})
	if err == nil && (v.Tenant != d.env.Organization.ID || !v.Open(now)) {
		err = visit.Gone
	}
	return v, now, err
}

// shown is a visit as the page shows it. Before anybody has signed in it names
// nobody: whoever has the address can see it.
func (d *Desk) shown(ctx context.Context, v link.Visit) (visit.Visit, error) {
	about := ""
	switch {
	case v.Request != "":
		r, err := d.env.Engine.Find(ctx, v.Request)
		if err != nil {
			return visit.Visit{}, err
		}
		about = visitWords(v.Deed) + " " + r.Ref + ": " + kindNamed(r.Kind).what + "."
	case v.Deed != "":
		about = "To go on with “/mfa " + chat.Safe(v.Deed, 40) + "”."
	}
	least := v.Least
	if least == "" {
		least = visit.Password
	}
	return visit.Visit{
		Purpose: v.Purpose, Account: chatAccount(v.Account), About: about, Person: d.whoMust(v), Least: least, Language: v.Language,
		Until: v.Until, Begun: v.State != link.Asked, Signed: v.State == link.Signed,
	}, nil
}

// whoMust is who must sign in: of a link that is what is to be found out.
func (d *Desk) whoMust(v link.Visit) string {
	if v.Purpose == visit.Link {
		return ""
	}
	return v.Object
}

func visitWords(deed string) string {
	switch deed {
	case "approve":
		return "To approve"
	case "collect":
		return "To collect"
	default:
		return "For"
	}
}

// chatAccount names a chat account for whoever must recognise it as theirs.
func chatAccount(a chat.Account) string { return chat.Safe(identity.LinkKey(a), 120) }

// Begin uses an address up, and returns the ticket of the browser that began.
func (d *Desk) Begin(ctx context.Context, token string) (ticket string, shown visit.Visit, err error) {
	ticket = link.NewToken()
	v, err := d.change(ctx, link.Sum(token), func(tx link.Tx, v link.Visit, now time.Time) (link.Visit, error) {
		if v.Token != link.Sum(token) {
			return v, visit.Gone
		}
		if v.Purpose != visit.Link {
			holds, err := holdsKey(tx, v.Tenant, v.Object, now)
			if err != nil {
				return v, err
			}
			if v.Least = visit.Password; holds { // less would let a stolen password do
				v.Least = visit.Passkey
			}
		}
		return v.Begin(ticket, now)
	})
	if err != nil {
		return "", visit.Visit{}, err
	}
	shown, err = d.shown(ctx, v)
	return ticket, shown, err
}

// change stores what f makes of the visit of a sum, whether or not f refuses:
// a refusal counts the try. The visit and the refusal come back.
func (d *Desk) change(ctx context.Context, sum string, f func(tx link.Tx, v link.Visit, now time.Time) (link.Visit, error)) (v link.Visit, err error) {
	var no visit.Refusal
	err = d.env.Proofs.UpdateLinks(ctx, func(tx link.Tx) error {
		no = ""
		now, err := tx.Now()
		if err != nil {
			return err
		}
		if v, err = tx.Visit(sum); err != nil {
			return err
		}
		if v.Tenant != d.env.Organization.ID {
			no = visit.Gone
			return nil
		}
		if v, err = f(tx, v, now); err != nil && !errors.As(err, &no) {
			return err
		}
		if no == visit.Gone {
			return nil
		}
		return tx.SaveVisit(v)
	})
	if err == nil && no != "" {
		err = no
	}
	return v, err
}

// Signed takes in who signed in.
func (d *Desk) Signed(ctx context.Context, ticket string, c visit.Claims) (visit.Done, error) {
	v, err := d.held(ctx, ticket)
	if err != nil {
		return visit.Done{}, err
	}
	person, err := d.present(ctx, v, c)
	if err != nil {
		return visit.Done{}, err
	}
	if !person {
		c.Object = "" // counted as one who is not meant
	}
	var done visit.Done
	_, err = d.change(ctx, v.Ticket, func(tx link.Tx, v link.Visit, now time.Time) (link.Visit, error) {
		done = visit.Done{}
		key, err := tx.Key(v.Tenant, c.Passkey)
		if err != nil {
			return v, err
		}
		v, no := v.Sign(c, key, now)
		if errors.Is(no, visit.Gone) {
			return v, no
		}
		if err := recordProof(tx, v, no); err != nil {
			return v, err
		}
		if no != nil {
			return v, no
		}
		done, v, err = d.follow(tx, v, now)
		return v, err
	})
	return done, err
}

// present reports whether whoever signed in is somebody of the tenant who can sign
// in, and for a link may be linked to its account, and else still acts by it.
func (d *Desk) present(ctx context.Context, v link.Visit, c visit.Claims) (bool, error) {
	if c.Tenant != d.env.Organization.ID || c.Object == "" {
		return false, nil
	}
	if v.Purpose != visit.Link {
		if _, err := speaksAs(ctx, d.env, v.Account, v.Object); err != nil && !errors.Is(err, visit.Other) {
			return false, err
		} else if err != nil {
			return false, nil
		}
		return true, nil
	}
	u, err := d.env.Tenant.User(ctx, c.Object)
	if k, known := kindOf(err); known && k == graph.KindNotFound {
		return false, nil
	}
	return err == nil && u.Enabled && u.ID == c.Object && !d.env.People.IsPinned(v.Account), err
}

// follow stores what a sign-in brings. It may be less than what it was for needs:
// somebody without a passkey signs in to register one.
func (d *Desk) follow(tx link.Tx, v link.Visit, now time.Time) (visit.Done, link.Visit, error) {
	keys, err := tx.KeysOf(v.Tenant, v.Object)
	if err != nil {
		return visit.Done{}, v, err
	}
	least, err := leastOf(d.env, tx, v.Object, now)
	if err != nil {
		return visit.Done{}, v, err
	}
	done := visit.Done{Pass: v.Purpose == visit.Collect && v.Proof.Meets(least), Enrol: len(keys) < mostKeys}
	if v.Purpose == visit.Link {
		done.Code = link.NewCode()
		return done, v.Expect(done.Code), nil
	}
	return done, v, tx.SaveProof(link.Proof{Tenant: v.Tenant, Account: v.Account, Object: v.Object, Proof: v.Proof, At: v.Proved})
}

// recordProof records what somebody proved on the page, or that they did not.
func recordProof(tx link.Tx, v link.Visit, no error) error {
	facts := map[string]any{"for": string(v.Purpose)}
	kind, actor := "person.proved", v.Object
	if v.Request != "" {
		facts["request"] = v.Request
	}
	if refusal := visit.Refusal(""); errors.As(no, &refusal) {
		kind, facts["code"] = "person.not-proved", string(refusal)
	} else {
		facts["fresh"] = string(v.Proof)
	}
	return recordAccount(tx, v.Tenant, kind, actor, actor, v.Account, facts)
}

// recordAccount records something about a chat account, which the chain knows by
// whose it is. Without an actor it was the bot.
func recordAccount(tx approval.Tx, tenant, kind, actor, owner string, a chat.Account, facts map[string]any) error {
	who := audit.Bot
	var err error
	if actor != "" {
		if who, err = tx.Alias(tenant, actor, ""); err != nil {
			return err
		}
	}
	if owner != "" {
		if facts["account"], err = tx.Alias(tenant, owner+" "+encode(a), encode(a)); err != nil {
			return err
		}
	}
	return tx.Record(audit.Entry{Tenant: tenant, Kind: kind, Actor: who, Facts: facts})
}

// Keys lists the passkeys of the person who must sign in, or who has.
func (d *Desk) Keys(ctx context.Context, ticket string) (all []visit.Key, err error) {
	v, err := d.held(ctx, ticket)
	if err != nil || v.Object == "" {
		return nil, err
	}
	err = d.env.Proofs.ViewLinks(ctx, func(tx link.Tx) error {
		all = nil
		keys, err := tx.KeysOf(v.Tenant, v.Object)
		if err != nil {
			return err
		}
		now, err := tx.Now()
		for _, k := range keys {
			k.Counts = k.Counting(now)
			all = append(all, k.Key)
		}
		return err
	})
	return all, err
}

// AddKey keeps a passkey of the person who has signed in by this ticket.
func (d *Desk) AddKey(ctx context.Context, ticket string, k visit.Key) error {
	v, err := d.held(ctx, ticket)
	if err != nil {
		return err
	}
	told, err := d.worried(ctx, v.Object)
	if err != nil {
		return err
	}
	_, err = d.change(ctx, v.Ticket, func(tx link.Tx, v link.Visit, now time.Time) (link.Visit, error) {
		keys, err := tx.KeysOf(v.Tenant, v.Object)
		if err != nil {
			return v, err
		}
		there, err := tx.Key(v.Tenant, k.ID)
		if err != nil {
			return v, err
		}
		if v.State != link.Signed || !v.Open(now) || v.Enrolled || k.ID == "" || there.ID != "" || len(keys) >= mostKeys {
			return v, visit.Gone
		}
		added := link.Key{Ref: link.NewRef("K"), Tenant: v.Tenant, Object: v.Object, Account: v.Account, Key: k, Trusted: v.Vouched}
		added.Added, v.Enrolled = now, true
		if err := tx.SaveKey(added); err != nil {
			return v, err
		}
		facts := map[string]any{"ref": added.Ref, "trusted": added.Trusted, "fresh": string(v.Proof)}
		if err := recordAccount(tx, v.Tenant, "passkey.added", v.Object, v.Object, v.Account, facts); err != nil {
			return v, err
		}
		return v, told.ofKey(tx, added)
	})
	return err
}

// UseKey keeps the body of a passkey anew once it was checked.
func (d *Desk) UseKey(ctx context.Context, ticket string, k visit.Key) error {
	v, err := d.held(ctx, ticket)
	if err != nil {
		return err
	}
	return d.env.Proofs.UpdateLinks(ctx, func(tx link.Tx) error {
		kept, err := tx.Key(v.Tenant, k.ID)
		if err != nil {
			return err
		}
		if kept.ID == "" || kept.Object != v.Object {
			return visit.Other
		}
		kept.Body = k.Body
		return tx.SaveKey(kept)
	})
}

// Collect creates what the visit's request is for and hands it to show, once at
// most. The sentence says how it ended, if it was not shown.
func (d *Desk) Collect(ctx context.Context, ticket string, show func(ctx context.Context, p graph.Pass) error) (sentence string, err error) {
	v, err := d.held(ctx, ticket)
	if err != nil {
		return "", err
	}
	who, err := speaksAs(ctx, d.env, v.Account, v.Object)
	if err != nil {
		return "", err
	}
	_, err = d.change(ctx, v.Ticket, func(_ link.Tx, v link.Visit, now time.Time) (link.Visit, error) {
		if v.Purpose != visit.Collect || v.State != link.Signed || !v.Open(now) {
			return v, visit.Gone
		}
		v.State = link.Over
		return v, nil
	})
	if err != nil {
		return "", err
	}
	vote := approval.Vote{By: who.Principal, Account: encode(v.Account), Proof: who.Proof, Seal: v.Request}
	m, err := handOver(ctx, d.env, vote, func(ctx context.Context, handover any) error {
		p, ok := handover.(graph.Pass)
		if !ok {
			return errUnshown
		}
		return show(ctx, p)
	})
	return m.Plain(), err
}
