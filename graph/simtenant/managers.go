package simtenant

// managerSpan is how many people most managers have.
const managerSpan = 8

// manager returns who is set above a person: somebody of the same department
// as the world was made, by numbers, so that nobody has to be told of it. The
// heads of departments have none, nor has anybody who is no person.
func (w *world) manager(a *account) (index int, ok bool) {
	if a.kind != person || a.dept == "" {
		return 0, false
	}
	from := a.number / managerSpan
	for n := from; n >= 0; n-- {
		if i := w.people.person(n); n != a.number && w.people.account(i).dept == a.dept {
			return i, true
		}
	}
	for n := from + 1; n < a.number; n++ {
		if i := w.people.person(n); w.people.account(i).dept == a.dept {
			return i, true
		}
	}
	return 0, false
}

var managerSet = func() *set {
	s := *userSet
	s.typed = true
	return &s
}()

// getManager reads who stands above a user. A move to another department does
// not change it; the manager's going does.
func getManager(c *call) (*answer, error) {
	if err := c.mayReadUsers(); err != nil {
		return nil, err
	}
	i, _, err := c.user()
	if err != nil {
		return nil, err
	}
	if i >= c.t.world.people.size() {
		return nil, notFound("manager")
	}
	above, ok := c.t.world.manager(c.t.world.people.account(i))
	if !ok {
		return nil, notFound("manager")
	}
	a, ok := c.view.account(above)
	if !ok {
		return nil, notFound("manager")
	}
	return c.one(managerSet, "directoryObjects", groupMember{account: a})
}
