// Package identity says who is speaking and what they may do. A chat account
// is linked to a directory user; roles are given to directory users and to
// groups of them by the owner's rules; all of it is read again, from the
// tenant as it is, each time somebody speaks, asks, decides, or is about to
// have something executed in their name.
//
// Only IDs count. A display name, a picture, an e-mail address, a channel or a
// role in the chat never gives a right. What cannot be read gives none either:
// whoever asks is told that it could not be read.
package identity

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/commands/link"
	"twokey/commands/rules"
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

// every role, in the order in which they are shown.
var every = []Role{Viewer, Helpdesk, Lead, Approver, Owner}

// Tenant is what is read of the tenant, live, as [graph.Reader] promises it.
type Tenant interface {
	User(ctx context.Context, idOrUPN string) (graph.User, error)
	MemberOf(ctx context.Context, userID string, groupIDs []string) ([]string, error)
	GroupMembers(ctx context.Context, id string) ([]string, error)
	Manager(ctx context.Context, userID string) (graph.User, error)
}

// Config is what a directory goes by.
type Config struct {
	Rules *rules.Keeper
	Ask   map[string][]Role // by kind of action: who may ask for it
	Self  []string          // kinds that everybody may ask for about their own account
	// Away returns who is away now and until when, by object ID. Nil: nobody is.
	Away func(ctx context.Context) (map[string]time.Time, error)

	// Links are those that people made themselves, by signing in on the page. Nil:
	// there are none, and an owner pins whoever is to be known.
	Links link.Store

	// Suggest guesses whose an account is that is not linked.
	Suggest Suggestion

	// Security tells of new ways into somebody's account, so that what is approved
	// through one does not count. Nil: that is not asked.
	Security Security
	Requests approval.Store   // our own, which may have opened it; nil: not asked
	Opening  []string         // the kinds of them that do
	Now      func() time.Time // time.Now if nil
}

// Directory answers who somebody is. It implements [approval.Standing].
type Directory struct {
	cfg    Config
	tenant Tenant
}

var _ approval.Standing = (*Directory)(nil)

// New returns a directory over a tenant.
func New(cfg Config, tenant Tenant) *Directory {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Directory{cfg: cfg, tenant: tenant}
}

// Speaker is the person behind an event.
type Speaker struct {
	Account chat.Account
	Linked  bool
	// Principal is zero if the account is not linked, and also while the link
	// is too new to give more than what staff may do: then nothing can be asked
	// or decided in the person's name.
	Principal approval.Principal
	User      graph.User      // zero if not linked
	Roles     []Role          // empty for staff
	Via       map[Role]string // how each role came: "user", or "group <object ID>"
	Proof     string          // how the account was proved to be theirs, "" if not linked
	// Object is whose the account is by its link, also while that cannot be looked
	// up; "" if there is none. It gives no right.
	Object string
	// Suggested says that the account is not linked: its e-mail address is the
	// person's, which is enough for their own private answers.
	Suggested bool
	// New says that the link was made on the page less than a day ago, and that
	// nobody has confirmed it.
	New bool
	// Quarantined says that the link is too new for somebody with a role.
	Quarantined bool
}

// Has reports whether the speaker holds one of the roles. Viewer is held by
// everybody who holds any.
func (s Speaker) Has(any ...Role) bool {
	if len(s.Roles) > 0 && slices.Contains(any, Viewer) {
		return true
	}
	return slices.ContainsFunc(any, func(r Role) bool { return slices.Contains(s.Roles, r) })
}

// How an account was proved.
const (
	proofPinned = "pinned in the configuration"
	proofNew    = "pinned in the configuration less than a day ago"
	proofSigned = "signed in on the page, by "
)

// Who returns the person behind an account. An account that is not linked, or
// whose user is gone or disabled, is nobody: no error, and no rights. An error
// means that the tenant could not be read; then there are no rights either.
//
// What the owner pinned goes before what people linked themselves. A link of
// theirs that is new gives somebody with a role what everybody may, and no
// principal, until an owner confirms it or a day is over.
func (d *Directory) Who(ctx context.Context, a chat.Account) (Speaker, error) {
	s := Speaker{Account: a}
	l, err := d.linked(ctx, a)
	if err != nil {
		return s, fmt.Errorf("read link: %w", err)
	}
	if s.Object = l.object; l.object == "" {
		return d.suggested(ctx, s)
	}
	u, err := d.user(ctx, l.object)
	if errors.Is(err, errGone) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("read speaker: %w", err)
	}
	if l.waits {
		s.Linked, s.User, s.Proof = true, u, l.proof
		s.Quarantined = true
		return s, nil
	}
	now := d.cfg.Rules.Now()
	via, err := d.held(ctx, now, u, every...)
	if err != nil {
		return s, fmt.Errorf("read roles: %w", err)
	}
	s.Linked, s.User, s.Proof, s.New = true, u, l.proof, l.young
	if l.young && len(via) > 0 {
		s.Quarantined = true
		return s, nil
	}
	s.Principal = approval.Principal{Tenant: now.Tenant, Object: l.object}
	s.Via = via
	s.Roles = slices.DeleteFunc(slices.Clone(every), func(r Role) bool { return via[r] == "" })
	return s, nil
}

// tie is whose an account is, by whichever link counts.
type tie struct {
	object string
	proof  string
	waits  bool // it was pinned just now, and gives no right yet to anybody
	young  bool // it was made just now, and gives no role yet
}

// linked returns the link of an account that counts: the owner's, and only where
// there is none the one that was made on the page.
func (d *Directory) linked(ctx context.Context, a chat.Account) (tie, error) {
	now, key := d.cfg.Rules.Now(), LinkKey(a)
	if object := now.Links[key]; object != "" {
		return tie{object: object, proof: proofPinned}, nil
	}
	if object := d.cfg.Rules.Written().Links[key]; object != "" {
		return tie{object: object, proof: proofNew, waits: true}, nil
	}
	if d.cfg.Links == nil {
		return tie{}, nil
	}
	var t tie
	err := d.cfg.Links.ViewLinks(ctx, func(tx link.Tx) error {
		t = tie{}
		l, err := tx.Link(now.Tenant, a)
		if err != nil {
			return err
		}
		at, err := tx.Now()
		if err == nil && l.Holds(at) {
			t = tie{object: l.Object, proof: proofSigned + string(l.Proof), young: l.Young(at)}
		}
		return err
	})
	return t, err
}

// newly reports whether somebody's own link is so new that it may be another's, who
// signed in as them once.
func (d *Directory) newly(ctx context.Context, tenant, object string) (young bool, err error) {
	if d.cfg.Links == nil {
		return false, nil
	}
	err = d.cfg.Links.ViewLinks(ctx, func(tx link.Tx) error {
		all, err := tx.LinksOf(tenant, object)
		if err != nil {
			return err
		}
		now, err := tx.Now()
		young = slices.ContainsFunc(all, func(l link.Link) bool { return l.Holds(now) && l.Young(now) })
		return err
	})
	return young, err
}

// Whose returns the object ID of whom an account is linked to, "" if to nobody or
// if the owner pinned it less than a day ago. Whether that person is still there
// and what they may do is not asked.
func (d *Directory) Whose(ctx context.Context, a chat.Account) (object string, err error) {
	t, err := d.linked(ctx, a)
	if t.waits {
		return "", err
	}
	return t.object, err
}

// IsPinned reports whether the owner has said whose an account is: nothing that
// anybody does on the page changes that.
func (d *Directory) IsPinned(a chat.Account) bool {
	key := LinkKey(a)
	return d.cfg.Rules.Now().Links[key] != "" || d.cfg.Rules.Written().Links[key] != ""
}

var errGone = errors.New("the account is gone or disabled")

// user reads an account that must exist and be able to sign in. The tenant
// finds accounts by sign-in name too, and a name can pass to somebody else: an
// answer with another ID is not the account.
func (d *Directory) user(ctx context.Context, object string) (graph.User, error) {
	u, err := d.tenant.User(ctx, object)
	if notFound(err) {
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

func notFound(err error) bool {
	ge, ok := errors.AsType[*graph.Error](err)
	return ok && ge.Kind == graph.KindNotFound
}

// held returns which of the roles a user has, and how each came. A guest has
// none: a listed guest is a mistake. Groups are read only for roles that are
// not the user's own already.
func (d *Directory) held(ctx context.Context, now rules.Rules, u graph.User, any ...Role) (map[Role]string, error) {
	if u.Guest {
		return nil, nil
	}
	via, groups := map[Role]string{}, []string(nil)
	for _, r := range any {
		if slices.Contains(now.Roles[string(r)], rules.Holder{User: u.ID}) {
			via[r] = rules.Holder{User: u.ID}.Via()
			continue
		}
		for _, h := range now.Roles[string(r)] {
			if h.User == "" && !slices.Contains(groups, h.Group) {
				groups = append(groups, h.Group)
			}
		}
	}
	if len(groups) == 0 {
		return via, nil
	}
	in, err := d.tenant.MemberOf(ctx, u.ID, groups)
	if err != nil {
		return nil, &unreadGroup{err}
	}
	for _, r := range any {
		for _, h := range now.Roles[string(r)] {
			if via[r] == "" && h.User == "" && slices.Contains(in, h.Group) {
				via[r] = h.Via()
			}
		}
	}
	return via, nil
}

// unreadGroup says that a right hangs on a group that could not be read.
type unreadGroup struct{ err error }

func (e *unreadGroup) Error() string { return "read group: " + e.err.Error() }
func (e *unreadGroup) Unwrap() error { return e.err }

// Say is the sentence a person may see.
func (e *unreadGroup) Say() string {
	why := "it could not be read who is in it"
	if s, ok := errors.AsType[interface {
		error
		Say() string
	}](e.err); ok {
		why += ": " + s.Say()
	} else {
		why += "."
	}
	return "Some rights here come with a group, and " + why + " Until it can, the answer is no."
}

// LinkKey is how rules name a chat account: "platform/workspace/user".
func LinkKey(a chat.Account) string {
	return a.Platform + "/" + a.Workspace + "/" + a.User
}

// account returns what LinkKey made a key of. The first two parts of an account
// never hold a slash.
func account(key string) chat.Account {
	platform, rest, _ := strings.Cut(key, "/")
	workspace, user, _ := strings.Cut(rest, "/")
	return chat.Account{Platform: platform, Workspace: workspace, User: user}
}

// Rules returns the rules that hold. They are shared: change nothing in them.
func (d *Directory) Rules() rules.Rules { return d.cfg.Rules.Now() }

// Accounts returns the chat accounts of a person, in a fixed order. An account
// that was linked too lately to count is not among them, nor, if links cannot be
// read, one that the owner did not pin.
func (d *Directory) Accounts(ctx context.Context, p approval.Principal) []chat.Account {
	now := d.cfg.Rules.Now()
	if p.Tenant != now.Tenant {
		return nil
	}
	var all []chat.Account
	for _, key := range slices.Sorted(maps.Keys(now.Links)) {
		if now.Links[key] == p.Object {
			all = append(all, account(key))
		}
	}
	return append(all, d.made(ctx, now, p.Object)...)
}

// made returns the accounts that a person linked on the page, as far as those
// links count.
func (d *Directory) made(ctx context.Context, now rules.Rules, object string) []chat.Account {
	links, at := d.signed(ctx, now, object)
	young := func(l link.Link) bool { return l.Young(at) }
	if slices.ContainsFunc(links, young) {
		if staff, err := d.staff(ctx, now, object); err != nil || !staff {
			links = slices.DeleteFunc(links, young)
		}
	}
	return accounts(links)
}

// signed returns the links that a person made on the page and that hold, young
// ones among them, and the time by which they do. Of an account that the owner
// pinned there is none, nor any if links cannot be read.
func (d *Directory) signed(ctx context.Context, now rules.Rules, object string) (links []link.Link, at time.Time) {
	if d.cfg.Links == nil {
		return nil, at
	}
	err := d.cfg.Links.ViewLinks(ctx, func(tx link.Tx) (err error) {
		if links, err = tx.LinksOf(now.Tenant, object); err == nil {
			at, err = tx.Now()
		}
		return err
	})
	if err != nil {
		return nil, at
	}
	written := d.cfg.Rules.Written().Links
	return slices.DeleteFunc(links, func(l link.Link) bool {
		key := LinkKey(l.Account)
		return !l.Holds(at) || now.Links[key] != "" || written[key] != ""
	}), at
}

func accounts(links []link.Link) []chat.Account {
	all := make([]chat.Account, len(links))
	for i, l := range links {
		all[i] = l.Account
	}
	return all
}

// Named returns the chat accounts of everybody to whom the rules give one of the
// roles by name, in a fixed order: the pinned ones, then those of links that were
// made on the page and count. Nobody is looked up in the tenant: members of groups
// are not among them, and leavers may be.
func (d *Directory) Named(ctx context.Context, any ...Role) []chat.Account {
	now := d.cfg.Rules.Now()
	var all []chat.Account
	holders := named(now, any)
	for _, key := range slices.Sorted(maps.Keys(now.Links)) {
		if slices.Contains(holders, now.Links[key]) {
			all = append(all, account(key))
		}
	}
	for _, object := range holders {
		links, at := d.signed(ctx, now, object)
		links = slices.DeleteFunc(links, func(l link.Link) bool { return l.Young(at) })
		all = append(all, accounts(links)...)
	}
	return all
}

// named lists the object IDs to which rules give one of the roles by name, sorted.
func named(r rules.Rules, any []Role) []string {
	var all []string
	for _, role := range any {
		for _, h := range r.Roles[string(role)] {
			if h.User != "" {
				all = append(all, h.User)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Name implements approval.Standing.
func (d *Directory) Name(ctx context.Context, p approval.Principal) string {
	u, err := d.tenant.User(ctx, p.Object)
	if err != nil {
		return chat.Safe(p.Object, 60)
	}
	return chat.Safe(u.Name, 60)
}
