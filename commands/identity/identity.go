// Package identity says who is speaking and what they may do. A chat account
// is linked to a directory user; roles are given to directory users; both are
// read again, from the tenant as it is, each time somebody speaks, asks,
// decides, or is about to have something executed in their name.
//
// Only IDs count. A display name, a picture, an e-mail address, a channel or a
// role in the chat never gives a right.
package identity

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/graph"
)

// Role is a right above staff, which everybody is.
type Role string

// The roles. Each includes what a viewer may do, and no other includes another.
const (
	Viewer   Role = "viewer"
	Helpdesk Role = "helpdesk"
	Lead     Role = "lead"
	Approver Role = "approver"
	Owner    Role = "owner"
)

// Users reads one account of the tenant, live.
type Users interface {
	User(ctx context.Context, idOrUPN string) (graph.User, error)
}

// Config is what the owner has laid down.
type Config struct {
	Tenant string                  // tenant ID
	Links  map[chat.Account]string // pinned links: account to object ID
	Roles  map[Role][]string       // object IDs
	Ask    map[string][]Role       // by kind of action: who may ask for it
}

// Directory answers who somebody is. It implements [approval.Standing].
type Directory struct {
	cfg   Config
	users Users
}

var _ approval.Standing = (*Directory)(nil)

// New returns a directory over the tenant's users. Somebody who is listed
// twice for a role holds it once.
func New(cfg Config, users Users) *Directory {
	roles := make(map[Role][]string, len(cfg.Roles))
	for role, objects := range cfg.Roles {
		for _, object := range objects {
			if !slices.Contains(roles[role], object) {
				roles[role] = append(roles[role], object)
			}
		}
	}
	cfg.Roles = roles
	return &Directory{cfg: cfg, users: users}
}

// Speaker is the person behind an event.
type Speaker struct {
	Account   chat.Account
	Linked    bool
	Principal approval.Principal // zero if not linked
	User      graph.User         // zero if not linked
	Roles     []Role             // empty for staff
}

// Has reports whether the speaker holds one of the roles. Viewer is held by
// everybody who holds any.
func (s Speaker) Has(any ...Role) bool {
	if len(s.Roles) > 0 && slices.Contains(any, Viewer) {
		return true
	}
	return slices.ContainsFunc(any, func(r Role) bool { return slices.Contains(s.Roles, r) })
}

// Who returns the person behind an account. An account that is not linked, or
// whose user is gone or disabled, is nobody: no error, and no rights. An error
// means that the tenant could not be read; then there are no rights either.
func (d *Directory) Who(ctx context.Context, a chat.Account) (Speaker, error) {
	s := Speaker{Account: a}
	object, ok := d.cfg.Links[a]
	if !ok {
		return s, nil
	}
	u, err := d.user(ctx, object)
	if errors.Is(err, errGone) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("read speaker: %w", err)
	}
	s.Linked, s.User = true, u
	s.Principal = approval.Principal{Tenant: d.cfg.Tenant, Object: object}
	s.Roles = d.roles(u)
	return s, nil
}

var errGone = errors.New("the account is gone or disabled")

// user reads an account that must exist and be able to sign in. The tenant
// finds accounts by sign-in name too, and a name can pass to somebody else: an
// answer with another ID is not the account.
func (d *Directory) user(ctx context.Context, object string) (graph.User, error) {
	u, err := d.users.User(ctx, object)
	var ge *graph.Error
	if errors.As(err, &ge) && ge.Kind == graph.KindNotFound {
		return graph.User{}, errGone
	}
	if err != nil {
		return graph.User{}, err
	}
	if !u.Enabled || u.ID != object {
		return graph.User{}, errGone
	}
	return u, nil
}

// roles returns the roles of a user, none for a guest: a listed guest is a mistake.
func (d *Directory) roles(u graph.User) []Role {
	if u.Guest {
		return nil
	}
	var roles []Role
	for _, r := range []Role{Viewer, Helpdesk, Lead, Approver, Owner} {
		if slices.Contains(d.cfg.Roles[r], u.ID) {
			roles = append(roles, r)
		}
	}
	return roles
}

// Accounts returns the chat accounts of a person, in a fixed order.
func (d *Directory) Accounts(p approval.Principal) []chat.Account {
	var all []chat.Account
	if p.Tenant != d.cfg.Tenant {
		return nil
	}
	for a, object := range d.cfg.Links {
		if object == p.Object {
			all = append(all, a)
		}
	}
	slices.SortFunc(all, func(a, b chat.Account) int {
		return slices.Compare([]string{a.Platform, a.Workspace, a.User}, []string{b.Platform, b.Workspace, b.User})
	})
	return all
}

// Holders returns the object IDs that hold a role by configuration.
func (d *Directory) Holders(r Role) []string { return slices.Clone(d.cfg.Roles[r]) }

// MayAsk implements approval.Standing.
func (d *Directory) MayAsk(ctx context.Context, p approval.Principal, kind string) (approval.Warrant, error) {
	return d.may(ctx, p, d.cfg.Ask[kind], "ask for this")
}

// MayDecide implements approval.Standing.
func (d *Directory) MayDecide(ctx context.Context, p approval.Principal, r approval.Request) (approval.Warrant, error) {
	if p.Tenant != r.Tenant || len(r.Policy.Only) > 0 && !slices.Contains(r.Policy.Only, p.Object) {
		return approval.Warrant{}, refusal("decide this")
	}
	return d.may(ctx, p, []Role{Approver}, "decide this")
}

func refusal(what string) *approval.Refusal {
	return &approval.Refusal{Code: approval.ErrNotAllowed.Code, Text: "You may not " + what + "."}
}

// may returns by which of the roles p may do something.
func (d *Directory) may(ctx context.Context, p approval.Principal, any []Role, what string) (approval.Warrant, error) {
	if p.Tenant != d.cfg.Tenant || p.Object == "" {
		return approval.Warrant{}, refusal(what)
	}
	u, err := d.user(ctx, p.Object)
	if errors.Is(err, errGone) {
		return approval.Warrant{}, refusal(what)
	}
	if err != nil {
		return approval.Warrant{}, fmt.Errorf("read standing: %w", err)
	}
	s := Speaker{Roles: d.roles(u)}
	for _, role := range any {
		if s.Has(role) {
			return approval.Warrant{Name: u.Name, UPN: u.UPN, Role: string(role), Via: "user"}, nil
		}
	}
	return approval.Warrant{}, refusal(what)
}

// Approvers implements approval.Standing.
func (d *Directory) Approvers(ctx context.Context, r approval.Request) ([]approval.Principal, error) {
	var people []approval.Principal
	for _, object := range d.cfg.Roles[Approver] {
		p := approval.Principal{Tenant: d.cfg.Tenant, Object: object}
		if p == r.Requester || slices.ContainsFunc(r.Targets, func(t approval.Target) bool { return t.ID == object }) {
			continue
		}
		_, err := d.MayDecide(ctx, p, r)
		var no *approval.Refusal
		switch {
		case errors.As(err, &no):
		case err != nil:
			return nil, err
		default:
			people = append(people, p)
		}
	}
	return people, nil
}

// Backups implements approval.Standing: nobody is named as one.
func (d *Directory) Backups(context.Context, approval.Request) ([]approval.Principal, error) {
	return nil, nil
}

// Name implements approval.Standing.
func (d *Directory) Name(ctx context.Context, p approval.Principal) string {
	u, err := d.users.User(ctx, p.Object)
	if err != nil {
		return chat.Safe(p.Object, 60)
	}
	return chat.Safe(u.Name, 60)
}
