package approval

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"twokey/audit"
)

// KindThaw is the one kind of action that may be asked and run while a tenant
// is frozen: the one that ends it.
const KindThaw = "thaw"

// KindFreeze stands for freezing where it is asked who may decide it. Nobody
// asks for it: any approver does it, at once.
const KindFreeze = "freeze"

// Who froze a tenant where it was no person with a chat account: whoever was on
// the machine itself, or the bot, because it noticed something.
const (
	Host   = audit.Host
	Itself = audit.Bot
)

// Freeze stops every change in the tenant at once, by the word of one approver:
// nothing may be asked and nothing starts until it is thawed. What is running
// ends. The vote's Why is kept, and everybody is told.
func (e *Engine) Freeze(ctx context.Context, v Vote, tenant string) error {
	if err := e.gate(ctx); err != nil {
		return err
	}
	if v.By.Tenant != tenant {
		return ErrNotAllowed
	}
	if err := e.warrant(ctx, &v, Request{Tenant: tenant, Kind: KindFreeze, Policy: Policy{Quorum: 1}}, e.Standing.MayDecide); err != nil {
		return err
	}
	facts := map[string]any{"account": v.Account, "why": v.Why}
	v.Warrant.note(facts)
	to, _ := e.everyone(ctx) // that it cannot be read keeps nobody from pulling the brake
	ctx, cancel := brake(ctx)
	defer cancel()
	return freeze(ctx, e.Store, tenant, Freeze{By: v.By.Object, Why: v.Why}, facts, to)
}

// FreezeNow does what [Engine.Freeze] does from the machine itself, for when no
// chat works. By says who did it there and goes into the record.
func FreezeNow(ctx context.Context, s Store, tenant, by, why string, to []string) error {
	return freeze(ctx, s, tenant, Freeze{By: Host, Why: why}, map[string]any{"host": by, "why": why}, to)
}

// FreezeItself does what [Engine.Freeze] does by the bot's own decision, for when
// somebody else acts in its name. That it is frozen already is no error.
func FreezeItself(ctx context.Context, s Store, tenant, why string, to []string) error {
	err := freeze(ctx, s, tenant, Freeze{By: Itself, Why: why}, map[string]any{"why": why}, to)
	if errors.Is(err, ErrFrozen) {
		return nil
	}
	return err
}

// freeze refuses what is frozen already, unless somebody has asked to thaw it:
// those who agree to that do not know of the new reason, so it is frozen anew.
func freeze(ctx context.Context, s Store, tenant string, f Freeze, facts map[string]any, to []string) error {
	f.Why = strings.TrimSpace(storable(f.Why))
	err := s.Update(ctx, func(tx Tx) error {
		now, err := tx.Now()
		if err != nil {
			return err
		}
		earlier, err := tx.Freeze(tenant)
		if err != nil {
			return err
		}
		text := "Nothing can be asked for and nothing starts until an owner asks for “/mfa thaw” and the approvers agree. What was running already is finished."
		if !earlier.Since.IsZero() {
			open, err := tx.Requests(tenant, OpenStates()...)
			if err != nil {
				return err
			}
			if !slices.ContainsFunc(open, func(r Request) bool { return r.Kind == KindThaw }) {
				return frozen(tenant, earlier)
			}
			text = "They were frozen before, and are frozen anew: the thaw that was asked for ends without effect. An owner has to ask for it again."
		}
		f.Since = now
		if err := tx.SetFreeze(tenant, f); err != nil {
			return err
		}
		if err := record(tx, Request{Tenant: tenant}, now, "tenant.frozen", Principal{Tenant: tenant, Object: f.By}, facts); err != nil {
			return err
		}
		return announce(tx, "frozen/"+tenant+"/"+stamp(now), to, announcement{
			Headline: "All changes are frozen.", Text: text, By: f.By, Why: f.Why,
		})
	})
	if errors.Is(err, ErrUnsure) {
		return again(ctx, s, err, func(tx Tx) (bool, error) {
			now, err := tx.Freeze(tenant)
			return now == f, err
		})
	}
	return err
}

// FreezeOf reads a tenant's freeze; its Since is zero if there is none.
func FreezeOf(ctx context.Context, s Store, tenant string) (f Freeze, err error) {
	err = s.View(ctx, func(tx Tx) (err error) {
		f, err = tx.Freeze(tenant)
		return err
	})
	return f, err
}

// CheckFrozen refuses a kind of change while its tenant is frozen, so that
// nobody is shown what cannot be asked for. Submit looks again.
func CheckFrozen(ctx context.Context, s Store, tenant, kind string) error {
	return s.View(ctx, func(tx Tx) error { return thawed(tx, Request{Tenant: tenant, Kind: kind}) })
}

// thawed refuses r while its tenant is frozen, unless it ends that.
func thawed(tx Tx, r Request) error {
	if r.Kind == KindThaw {
		return nil
	}
	f, err := tx.Freeze(r.Tenant)
	if err != nil {
		return err
	}
	if f.Since.IsZero() {
		return nil
	}
	return frozen(r.Tenant, f)
}

func frozen(tenant string, f Freeze) error {
	r := refuse(ErrFrozen, "All changes are frozen. Nothing can be asked for and nothing starts until an owner asks for “/mfa thaw” and the approvers agree.")
	r.By, r.Words, r.Since = []Principal{{Tenant: tenant, Object: f.By}}, f.Why, f.Since
	return r
}

// Thaw is the action that ends a freeze. Its effect is a row of the store.
type Thaw struct{ Store Store }

var (
	_ Action = Thaw{}
	_ Local  = Thaw{}
)

// Args are with what it is asked for to end f: to end another freeze is another
// request, which was never turned down.
func (Thaw) Args(f Freeze) json.RawMessage {
	text, _ := json.Marshal(map[string]string{"since": stamp(f.Since)}) // a string: cannot fail
	return text
}

// Snapshot implements Action: which freeze it is that would end.
func (t Thaw) Snapshot(ctx context.Context, r Request) (json.RawMessage, error) {
	f, err := FreezeOf(ctx, t.Store, r.Tenant)
	if err != nil {
		return nil, err
	}
	return json.Marshal(f)
}

// Compare implements Action. Whoever agreed to end one freeze has not agreed to
// end another that came since.
func (Thaw) Compare(was, now json.RawMessage, _ Request, _ []Step) []string {
	var f Freeze
	if err := json.Unmarshal(now, &f); err != nil {
		return []string{"It cannot be told which freeze holds."}
	}
	if no := endsOther(was, f); no != nil {
		return []string{no.Text}
	}
	return nil
}

// endsOther says why what was asked for to end one freeze does not end this one.
func endsOther(was json.RawMessage, f Freeze) *Refusal {
	var asked Freeze
	switch err := json.Unmarshal(was, &asked); {
	case err != nil:
		return refuse(ErrThawed, "It cannot be told which freeze this was about.")
	case f.Since.IsZero():
		return refuse(ErrThawed, "Changes are not frozen any more.")
	case !asked.Since.Equal(f.Since):
		return refuse(ErrThawed, "Changes were frozen anew in the meantime.")
	}
	return nil
}

// outlived ends a thaw that waits to end another freeze than holds now, as
// somebody asks for one anew. The freeze itself ends none: nothing may stand
// between the brake and its being stored.
func outlived(tx Tx, o Request, by Principal, now time.Time) (Change, bool, error) {
	if o.Kind != KindThaw || open(o, now) != nil {
		return Change{}, false, nil
	}
	f, err := tx.Freeze(o.Tenant)
	if err != nil {
		return Change{}, false, err
	}
	no := endsOther(o.Snapshot, f)
	if no == nil {
		return Change{}, false, nil
	}
	why := strings.TrimSuffix(no.Text, ".") // it is quoted
	return Change{To: Cancelled, Outcome: &Outcome{By: by, Why: why, At: now}, Kind: "request.cancelled", Actor: by, Facts: map[string]any{"why": why}}, true, nil
}

// Steps implements Action: none in the tenant.
func (Thaw) Steps(Request) ([]Call, error) { return nil, nil }

// Probe implements Action. There is no step to ask about.
func (Thaw) Probe(context.Context, Request, json.RawMessage, Step) (Finding, error) {
	return Finding{}, errors.New("a thaw has no steps")
}

// Apply implements Local. Everybody who was asked about it is told. It looks once
// more which freeze it ends: the brake can be pulled until the very end.
func (Thaw) Apply(tx Tx, r Request, now time.Time) error {
	f, err := tx.Freeze(r.Tenant)
	if err != nil {
		return err
	}
	if no := endsOther(r.Snapshot, f); no != nil {
		return no
	}
	if err := tx.SetFreeze(r.Tenant, Freeze{}); err != nil {
		return err
	}
	if err := record(tx, r, now, "tenant.thawed", r.Requester, map[string]any{"frozen": stamp(f.Since)}); err != nil {
		return err
	}
	var to []string
	for _, s := range r.Subscribers {
		if !s.Requester {
			to = append(to, s.Address)
		}
	}
	return Announce(tx, "thawed/"+r.ID, to, "Changes are no longer frozen.", "This was "+r.Ref+". What was approved before and has run out meanwhile has to be asked for anew.")
}
