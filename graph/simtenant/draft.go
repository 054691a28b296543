package simtenant

import (
	"time"

	"twokey/graph"
)

// draft is a change to accounts while it is made. It starts from the newest
// state of things, keeps what it makes of them to itself, and is thrown away
// if something is refused half-way.
type draft struct {
	view  // as the tenant is now
	at    time.Time
	fresh []edition
	notes []note
}

// draftAt begins a change at a moment. Its caller holds the lock.
func (t *Tenant) draftAt(at time.Time) *draft {
	return &draft{view: t.viewAt(at), at: at}
}

// account returns an account as the draft has it so far, to be modified: the
// list of its methods must be copied first.
func (d *draft) account(i int) (*account, bool) {
	for k := len(d.fresh) - 1; k >= 0; k-- {
		if d.fresh[k].who == i {
			a := *d.fresh[k].account
			return &a, !d.fresh[k].gone
		}
	}
	a, ok := d.view.account(i)
	if !ok {
		return nil, false
	}
	next := *a
	return &next, true
}

// find returns the index of a user by object id or UPN.
func (d *draft) find(idOrUPN string) (int, bool) {
	for k := len(d.fresh) - 1; k >= 0; k-- {
		e := &d.fresh[k]
		if sameID(e.account.id, idOrUPN) || sameID(e.account.upn, idOrUPN) {
			_, ok := d.account(e.who)
			return e.who, ok
		}
	}
	i, ok := d.view.find(idOrUPN)
	if ok { // unless the draft gave it another name
		a, there := d.account(i)
		ok = there && (sameID(a.id, idOrUPN) || sameID(a.upn, idOrUPN))
	}
	return i, ok
}

// put makes an account what it is from now on.
func (d *draft) put(i int, a *account, touched ...string) {
	d.fresh = append(d.fresh, edition{at: d.at, who: i, account: a, touched: touched})
}

// next is the index of an account that is made.
func (d *draft) next() int { return max(d.t.world.people.size(), d.t.roster.size()) }

// remove deletes an account.
func (d *draft) remove(i int, a *account) {
	d.fresh = append(d.fresh, edition{at: d.at, who: i, account: a, gone: true, touched: []string{existence}})
}

// existence stands among the touched properties of an account that was made or
// deleted: every reader of changes has to see it.
const existence = "@existence"

// say adds a line about an account to the audit log.
func (d *draft) say(a *account, n note) {
	n.targetID, n.target, n.targetUPN, n.targetType, n.category = a.id, a.name, a.upn, "User", "UserManagement"
	d.notes = append(d.notes, n)
}

// commit makes it so.
func (d *draft) commit(e Effect) {
	for i := range d.notes {
		d.notes[i] = d.notes[i].of(e)
	}
	d.t.notes = append(d.t.notes, d.notes...)
	d.t.roster.add(d.fresh)
}

// changeUser applies a write to the account that the path names. A draft with
// nothing in it changes nothing and is not recorded.
func (c *call) changeUser(do func(d *draft, i int, a *account, e Effect) (*answer, error)) (*answer, error) {
	return c.changeUsers(func(d *draft, e Effect) (*answer, error) {
		i, ok := d.find(c.vars[0])
		if !ok {
			return nil, notFound(c.vars[0])
		}
		a, _ := d.account(i)
		return do(d, i, a, e)
	})
}

// changeUsers is changeUser for a path that names nobody.
func (c *call) changeUsers(do func(d *draft, e Effect) (*answer, error)) (*answer, error) {
	return c.apply(func(e Effect) (func(), *answer, error) {
		d := c.t.draftAt(e.At)
		answer, err := do(d, e)
		if err != nil || len(d.fresh) == 0 {
			return nil, answer, err
		}
		return func() { d.commit(e) }, answer, nil
	})
}

// with returns the methods of an account and one more, oldest first. Those that
// it replaces go, also where they were still to come: there is one pass, and
// one phone of each type.
func (a *account) with(m method) []method {
	list := a.without(func(x *method) bool { return x.id == m.id || x.kind == m.kind && m.kind == graph.MethodTemporaryPass })
	return byCreation(append(list, m))
}

// without returns the methods of an account but those that go.
func (a *account) without(goes func(*method) bool) []method {
	list := make([]method, 0, len(a.methods))
	for i := range a.methods {
		if !goes(&a.methods[i]) {
			list = append(list, a.methods[i])
		}
	}
	return list
}

// method is the account's visible method of an id.
func (a *account) method(id string, now time.Time) (*method, bool) {
	for i, m := range a.visible(now) {
		if sameID(m.id, id) {
			return &a.methods[i], true
		}
	}
	return nil, false
}
