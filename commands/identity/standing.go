package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"twokey/commands/approval"
	"twokey/commands/rules"
	"twokey/graph"
)

// MayAsk implements approval.Standing.
func (d *Directory) MayAsk(ctx context.Context, p approval.Principal, kind string) (approval.Warrant, error) {
	now := d.cfg.Rules.Now()
	u, err := d.person(ctx, now, p)
	if err != nil {
		return approval.Warrant{}, refused(err, "ask for this")
	}
	if slices.Contains(d.cfg.Self, kind) && !u.Guest {
		return approval.Warrant{Name: u.Name, UPN: u.UPN, Role: Oneself, Via: "own account"}, nil
	}
	w, err := d.warrant(ctx, now, u, d.cfg.Ask[kind]...)
	return w, refused(err, "ask for this")
}

// Oneself is the role by which somebody asks for what is about their own account
// alone. That it is, is for the action to hold.
const Oneself = "oneself"

// MayDecide implements approval.Standing.
func (d *Directory) MayDecide(ctx context.Context, p approval.Principal, r approval.Request) (approval.Warrant, error) {
	w, err := d.mayDecide(ctx, d.cfg.Rules.Now(), p, r)
	return w, refused(err, "decide this")
}

// MayStop implements approval.Standing. To whom it is left, who is listed for its
// kind and who vouched for it say who lets something happen. Whoever stops it lets
// nothing happen.
func (d *Directory) MayStop(ctx context.Context, p approval.Principal, r approval.Request) (approval.Warrant, error) {
	r.Policy.Only = nil
	w, err := d.decides(ctx, d.cfg.Rules.Now(), p, r, nil)
	return w, refused(err, "decide this")
}

// errNo says that there is no right. It is worded by refused.
var errNo = errors.New("no right")

// errProver refuses whoever could decide, had they not vouched for what is asked:
// they would be the second person of their own evidence.
var errProver = &approval.Refusal{
	Code: approval.ErrNotAllowed.Code,
	Text: "You are one of those who made sure of who this is for, so somebody else has to decide it.",
}

// errNewManager refuses a manager whose own link is new. Nobody is told of a new
// link of somebody without a role, so that it has to grow old by itself.
var errNewManager = &approval.Refusal{
	Code: approval.ErrDoubt.Code,
	Text: "Your chat account was linked less than a day ago, so you cannot decide as a manager yet. Somebody else has to decide it, or you tomorrow.",
}

// refused words the lack of a right, and says of everything else that it could
// not be read.
func refused(err error, what string) error {
	switch {
	case err == nil, errors.Is(err, errProver), errors.Is(err, errNewManager):
		return err
	case errors.Is(err, errNo), errors.Is(err, errGone):
		return &approval.Refusal{Code: approval.ErrNotAllowed.Code, Text: "You may not " + what + "."}
	default:
		return fmt.Errorf("read standing: %w", err)
	}
}

// person reads somebody of our own tenant.
func (d *Directory) person(ctx context.Context, now rules.Rules, p approval.Principal) (graph.User, error) {
	if p.Tenant != now.Tenant || p.Object == "" {
		return graph.User{}, errNo
	}
	return d.user(ctx, p.Object)
}

// warrant returns by which of the roles somebody may do something. Viewer is
// held by everybody who holds any.
func (d *Directory) warrant(ctx context.Context, now rules.Rules, u graph.User, any ...Role) (approval.Warrant, error) {
	if slices.Contains(any, Viewer) {
		any = every
	}
	via, err := d.held(ctx, now, u, any...)
	if err != nil {
		return approval.Warrant{}, err
	}
	for _, r := range any {
		if via[r] != "" {
			return approval.Warrant{Name: u.Name, UPN: u.UPN, Role: string(r), Via: via[r]}, nil
		}
	}
	return approval.Warrant{}, errNo
}

// mayDecide returns errNo or errGone where there is no right, and errProver where
// there was one but for what somebody vouched for.
func (d *Directory) mayDecide(ctx context.Context, now rules.Rules, p approval.Principal, r approval.Request) (approval.Warrant, error) {
	w, err := d.decides(ctx, now, p, r, now.Approvals[r.Kind].Approvers)
	if err == nil && slices.Contains(r.Policy.Barred, p.Object) {
		return approval.Warrant{}, errProver
	}
	return w, err
}

// decides returns by which role somebody decides, whatever they have done for the
// request before. Of the approvers it is those who are listed, if any are.
func (d *Directory) decides(ctx context.Context, now rules.Rules, p approval.Principal, r approval.Request, listed []string) (approval.Warrant, error) {
	if p.Tenant != r.Tenant || len(r.Policy.Only) > 0 && !slices.Contains(r.Policy.Only, p.Object) {
		return approval.Warrant{}, errNo
	}
	u, err := d.person(ctx, now, p)
	if err != nil {
		return approval.Warrant{}, err
	}
	if len(listed) == 0 || slices.Contains(listed, p.Object) {
		w, err := d.warrant(ctx, now, u, Approver)
		if !errors.Is(err, errNo) {
			return w, err
		}
	}
	if r.Policy.Manager && now.ManagerApproves {
		return d.asManager(ctx, now, u, r)
	}
	return approval.Warrant{}, errNo
}

// Manager is the role by which somebody decides about their own staff.
const Manager = "manager"

// asManager returns the warrant of whoever is set above all of a request's
// targets. It covers staff: about somebody with a role here only approvers
// decide.
func (d *Directory) asManager(ctx context.Context, now rules.Rules, u graph.User, r approval.Request) (approval.Warrant, error) {
	if u.Guest || len(r.Targets) == 0 {
		return approval.Warrant{}, errNo
	}
	for _, t := range r.Targets {
		m, err := d.tenant.Manager(ctx, t.ID)
		if notFound(err) || err == nil && m.ID != u.ID {
			return approval.Warrant{}, errNo
		}
		if err != nil {
			return approval.Warrant{}, err
		}
		switch staff, err := d.staff(ctx, now, t.ID); {
		case err != nil:
			return approval.Warrant{}, err
		case !staff:
			return approval.Warrant{}, errNo
		}
	}
	switch young, err := d.newly(ctx, now.Tenant, u.ID); {
	case err != nil:
		return approval.Warrant{}, err
	case young:
		return approval.Warrant{}, errNewManager
	}
	return approval.Warrant{Name: u.Name, UPN: u.UPN, Role: Manager, Via: "manager of " + r.Targets[0].ID}, nil
}

// staff reports whether somebody holds no role. Whoever is disabled or gone
// holds none that counts, but may be given it back: they are looked at alike.
func (d *Directory) staff(ctx context.Context, now rules.Rules, object string) (bool, error) {
	via, err := d.held(ctx, now, graph.User{ID: object}, every...)
	return len(via) == 0, err
}

// Holds reports which roles an object ID has by the rules, and how each came,
// whether or not the account can sign in.
func (d *Directory) Holds(ctx context.Context, object string) (map[Role]string, error) {
	return d.held(ctx, d.cfg.Rules.Now(), graph.User{ID: object}, every...)
}

// Holders returns the object IDs that hold a role, by themselves or by a group,
// sorted. A group that there is no more has nobody.
func (d *Directory) Holders(ctx context.Context, r Role) ([]string, error) {
	return d.holders(ctx, d.cfg.Rules.Now(), r)
}

func (d *Directory) holders(ctx context.Context, now rules.Rules, r Role) ([]string, error) {
	var all []string
	for _, h := range now.Roles[string(r)] {
		if h.User != "" {
			all = append(all, h.User)
			continue
		}
		members, err := d.tenant.GroupMembers(ctx, h.Group)
		if err != nil && !notFound(err) {
			return nil, &unreadGroup{err}
		}
		all = append(all, members...)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// Active lists who holds any of the roles and could use it: no guest, and
// nobody who is disabled or gone. Each comes once, in a fixed order.
func (d *Directory) Active(ctx context.Context, any ...Role) ([]approval.Principal, error) {
	now := d.cfg.Rules.Now()
	var objects []string
	for _, r := range any {
		more, err := d.holders(ctx, now, r)
		if err != nil {
			return nil, err
		}
		objects = append(objects, more...)
	}
	slices.Sort(objects)
	var all []approval.Principal
	for _, object := range slices.Compact(objects) {
		u, err := d.user(ctx, object)
		switch {
		case errors.Is(err, errGone) || u.Guest:
		case err != nil:
			return nil, fmt.Errorf("read user: %w", err)
		default:
			all = append(all, approval.Principal{Tenant: now.Tenant, Object: object})
		}
	}
	return all, nil
}

// Bench is who could decide a request: those who can, and those who are kept
// from it by this request or this day alone.
type Bench struct {
	Can       []approval.Principal
	Requester bool                 // the requester is an approver
	Targets   []approval.Principal // approvers that the request is about
	Provers   []approval.Principal // approvers on whose word the request rests
	Away      []approval.Principal // approvers who said that they are away
	Unlinked  []approval.Principal // approvers without a chat account that counts, whatever else: nobody can ask them, and they cannot press
}

// Bench looks everybody up who could decide r.
func (d *Directory) Bench(ctx context.Context, r approval.Request) (Bench, error) {
	now := d.cfg.Rules.Now()
	candidates, err := d.candidates(ctx, now, r)
	if err != nil {
		return Bench{}, err
	}
	away, err := d.Away(ctx)
	if err != nil {
		return Bench{}, err
	}
	var b Bench
	for _, object := range candidates {
		p := approval.Principal{Tenant: now.Tenant, Object: object}
		_, err := d.mayDecide(ctx, now, p, r)
		if errors.Is(err, errNo) || errors.Is(err, errGone) || errors.Is(err, errNewManager) {
			continue
		}
		proved := errors.Is(err, errProver)
		if err != nil && !proved {
			return Bench{}, fmt.Errorf("read standing: %w", err)
		}
		_, isAway := away[object]
		switch {
		case p == r.Requester:
			b.Requester = true
		case len(d.Accounts(ctx, p)) == 0:
			b.Unlinked = append(b.Unlinked, p)
		case target(r, object):
			b.Targets = append(b.Targets, p)
		case proved:
			b.Provers = append(b.Provers, p)
		case isAway:
			b.Away = append(b.Away, p)
		default:
			b.Can = append(b.Can, p)
		}
	}
	return b, nil
}

// candidates lists everybody of whom it is worth asking whether they may decide.
func (d *Directory) candidates(ctx context.Context, now rules.Rules, r approval.Request) ([]string, error) {
	all, err := d.holders(ctx, now, Approver)
	if err != nil {
		return nil, err
	}
	if r.Policy.Manager && now.ManagerApproves && len(r.Targets) > 0 {
		m, err := d.tenant.Manager(ctx, r.Targets[0].ID)
		if err != nil && !notFound(err) {
			return nil, fmt.Errorf("read manager: %w", err)
		}
		if err == nil && !slices.Contains(all, m.ID) {
			all = append(all, m.ID)
		}
	}
	return all, nil
}

func target(r approval.Request, object string) bool {
	return slices.ContainsFunc(r.Targets, func(t approval.Target) bool { return t.ID == object })
}

// Away returns who is away now and until when, by object ID.
func (d *Directory) Away(ctx context.Context) (map[string]time.Time, error) {
	if d.cfg.Away == nil {
		return nil, nil
	}
	away, err := d.cfg.Away(ctx)
	if err != nil {
		return nil, fmt.Errorf("read who is away: %w", err)
	}
	return away, nil
}

// Approvers implements approval.Standing.
func (d *Directory) Approvers(ctx context.Context, r approval.Request) ([]approval.Principal, error) {
	b, err := d.Bench(ctx, r)
	return b.Can, err
}

// Backups implements approval.Standing.
func (d *Directory) Backups(ctx context.Context, r approval.Request) ([]approval.Principal, error) {
	named := d.cfg.Rules.Now().Backups
	if len(named) == 0 {
		return nil, nil
	}
	b, err := d.Bench(ctx, r)
	return slices.DeleteFunc(b.Can, func(p approval.Principal) bool { return !slices.Contains(named, p.Object) }), err
}
