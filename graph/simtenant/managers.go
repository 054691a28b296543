package simtenant

import (
	"iter"
	"net/http"
	"net/url"
	"path"
	"slices"
)

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

// above returns who stands above an account. A move to another department does
// not change it; the manager's going does, and so does whoever sets another.
func (v *view) above(a *account) (*account, bool) {
	if a.above != nil {
		i, ok := v.find(*a.above)
		if !ok {
			return nil, false
		}
		return v.account(i)
	}
	i, ok := v.t.world.people.byID(a.id)
	if !ok {
		return nil, false // hired since
	}
	above, ok := v.t.world.manager(v.t.world.people.account(i))
	if !ok {
		return nil, false
	}
	return v.account(above)
}

var managerSet = func() *set {
	s := *userSet
	s.typed, s.expand = true, nil
	return &s
}()

// getManager reads who stands above a user.
func getManager(c *call) (*answer, error) {
	if err := c.mayReadUsers(); err != nil {
		return nil, err
	}
	_, a, err := c.user()
	if err != nil {
		return nil, err
	}
	above, ok := c.view.above(a)
	if !ok {
		return nil, notFound("manager")
	}
	return c.one(managerSet, "directoryObjects", groupMember{account: above})
}

// withManager is a user in whose row the manager stands, with these properties.
type withManager struct {
	*account
	shown []string
}

func (m withManager) prop(v *view, path string) any {
	if path != "manager" {
		return m.account.prop(v, path)
	}
	above, ok := v.above(m.account)
	if !ok {
		return absent{}
	}
	d := document{"@odata.type": "#microsoft.graph.user"}
	for _, name := range m.shown {
		d[name] = plain(above.prop(v, name))
	}
	return d
}

// withManagers are the users of a list with $expand=manager.
func withManagers(users func(cursor) iter.Seq2[cursor, entity], selected []string) func(cursor) iter.Seq2[cursor, entity] {
	if len(selected) == 0 {
		selected = managerSet.standard
	}
	return func(from cursor) iter.Seq2[cursor, entity] {
		return func(yield func(cursor, entity) bool) {
			for at, e := range users(from) {
				if !yield(at, withManager{e.(*account), selected}) {
					return
				}
			}
		}
	}
}

// putManager sets who stands above a user, guests and the disabled included, and
// whether or not that goes round in a circle: nobody keeps a directory from it.
func putManager(c *call) (*answer, error) {
	body, err := c.object()
	if err != nil {
		return nil, err
	}
	d := documents(body).(document)
	if wrong := (shape{"@odata.id": filled}).check("", d); wrong != "" {
		return nil, badUser(wrong)
	}
	link, _ := d["@odata.id"].(string)
	to, err := url.Parse(link)
	if err != nil || to.Host == "" || !slices.Contains([]string{"users", "directoryObjects"}, path.Base(path.Dir(to.Path))) {
		return nil, badUser("The reference '" + link + "' in the property '@odata.id' is not valid.")
	}
	return c.setManager(func(d *draft) (string, error) {
		i, ok := d.find(path.Base(to.Path))
		if !ok {
			return "", notFound(path.Base(to.Path))
		}
		above, _ := d.account(i)
		return above.id, nil
	})
}

// deleteManager leaves a user without a manager.
func deleteManager(c *call) (*answer, error) {
	return c.setManager(func(*draft) (string, error) { return "", nil })
}

func (c *call) setManager(whom func(*draft) (string, error)) (*answer, error) {
	return c.changeUser(func(d *draft, i int, a *account, _ Effect) (*answer, error) {
		id, err := whom(d)
		if err != nil {
			return nil, err
		}
		a.above = &id
		d.put(i, a, "manager")
		d.say(a, note{activity: "Set manager", kind: "Update"})
		return &answer{status: http.StatusNoContent}, nil
	})
}
