package scheduler

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/chat"
	"twokey/graph"
	"twokey/graph/rollout"
)

// letterbox keeps what managers are written, for one tenant.
type letterbox struct {
	*memory
	sent map[string][]Letter // by job and week
}

func (l letterbox) Send(_ context.Context, s Slot, _ time.Time, letters []Letter) error {
	return l.locked(func() {
		if l.close(s) {
			l.sent[key(s)] = letters
		}
	})
}

// leading sets the first person of the desk's office above the next n, and
// everybody has an account.
func (d *desk) leading(n int) (Managers, letterbox) {
	box := letterbox{d.memory, map[string][]Letter{}}
	above := map[string]string{}
	for i := 1; i <= n; i++ {
		above[id(i)] = id(0)
	}
	return Managers{
		Store: box,
		Above: func(context.Context) (map[string]string, error) { return above, nil },
		Reach: func(_ context.Context, object string) (chat.Address, bool) {
			return chat.Address{Platform: "p", User: object}, true
		},
		Begun: func(context.Context) (bool, error) { return true, nil },
	}, box
}

// A manager is written to once a month, with the first digest in it, and never
// into a channel.
func TestManagerJob(t *testing.T) {
	t.Parallel()
	d := newDesk(newOffice(at47))
	m, box := d.leading(7)
	job := d.ManagerJob(m)
	var months []string
	for at := time.Date(2026, time.January, 5, 12, 0, 0, 0, time.UTC); at.Year() < 2027; at = at.AddDate(0, 0, 7) {
		d.office.at = at
		slot := SlotAt(d.Tenant, job.Name, job.Due, at)
		if err := job.Run(t.Context(), slot); err != nil {
			t.Fatal(err)
		}
		if _, closed := d.memory.closed[key(slot)]; !closed {
			t.Errorf("the slot of %s is open", slot.Week)
		}
		letters := box.sent[key(slot)]
		if len(letters) == 0 {
			continue
		}
		months = append(months, slot.Planned.Format("01"))
		if l := letters[0]; len(letters) != 1 || l.Manager != id(0) || l.To != (chat.Address{Platform: "p", User: id(0)}) {
			t.Errorf("in %s: got %+v", slot.Week, letters)
		}
	}
	if want := "01 02 03 04 05 06 07 08 09 10 11 12"; strings.Join(months, " ") != want {
		t.Errorf("sent in %s, want %s", months, want)
	}
}

// Nobody is written to before a lead has been, while the digest is muted, or
// without an account. What cannot be read leaves the slot open: the next look
// tries again.
func TestManagerJobHoldsBack(t *testing.T) {
	t.Parallel()
	december := time.Date(2026, time.December, 7, 9, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		change func(*desk, *Managers)
		passed []string
		open   bool
	}{
		"U14: no lead has written": {change: func(_ *desk, m *Managers) {
			m.Begun = func(context.Context) (bool, error) { return false, nil }
		}, passed: []string{"held"}},
		"muted": {change: func(d *desk, _ *Managers) {
			d.Muted = func(context.Context) (bool, error) { return true, nil }
		}, passed: []string{"muted"}},
		"no account": {change: func(_ *desk, m *Managers) {
			m.Reach = func(context.Context, string) (chat.Address, bool) { return chat.Address{}, false }
		}},
		"leads are not known": {open: true, change: func(_ *desk, m *Managers) {
			m.Above = func(context.Context) (map[string]string, error) { return nil, &graph.Error{Kind: graph.KindThrottled} }
		}},
		"accounts are not known": {open: true, change: func(d *desk, _ *Managers) {
			d.office.failed = map[string]error{"users": &graph.Error{Kind: graph.KindThrottled}}
		}},
		"whether it is muted is not known": {open: true, change: func(d *desk, _ *Managers) {
			d.Muted = func(context.Context) (bool, error) { return false, errAway }
		}},
		"whether a lead has written is not known": {open: true, change: func(_ *desk, m *Managers) {
			m.Begun = func(context.Context) (bool, error) { return false, errAway }
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(newOffice(december))
			m, box := d.leading(7)
			tt.change(d, &m)
			job := d.ManagerJob(m)
			slot := SlotAt(d.Tenant, job.Name, job.Due, december)
			if err := job.Run(t.Context(), slot); (err != nil) != tt.open {
				t.Errorf("got error %v", err)
			}
			_, closed := d.memory.closed[key(slot)]
			if closed == tt.open || len(box.sent[key(slot)]) > 0 || !slices.Equal(d.memory.passed, tt.passed) {
				t.Errorf("closed %v, sent %v, passed %q", closed, box.sent, d.memory.passed)
			}
		})
	}
}

// A manager's version names those alone who report to them and are missing, and
// is stored without a name.
func TestManagerLettersHoldTheirOwn(t *testing.T) {
	t.Parallel()
	d := newDesk(newOffice(at47))
	m, _ := d.leading(0)
	users, _ := d.Facts(t.Context()).Users.Get()
	names, above := map[string]string{}, map[string]string{}
	for i, u := range users {
		names[u.ID] = fmt.Sprintf("Person %02d.", i)
		above[u.ID] = users[i%3].ID
	}
	m.Above = func(context.Context) (map[string]string, error) { return above, nil }
	_, letters, err := d.letters(t.Context(), SlotAt(d.Tenant, managersJob, d.Due, at47), m)
	if err != nil || len(letters) != 3 {
		t.Fatalf("got %d letters, %v", len(letters), err)
	}
	render := RenderManager(func(_ context.Context, _ string, ids []string) (map[string]string, error) {
		asked := map[string]string{}
		for _, id := range ids {
			asked[id] = names[id]
		}
		return asked, nil
	})
	said := 0
	for _, l := range letters {
		if strings.Contains(string(l.Facts), "Zebedee") {
			t.Errorf("a name is stored: %s", l.Facts)
		}
		message, err := render(t.Context(), l.Facts)
		if err != nil {
			t.Fatal(err)
		}
		for id, name := range names {
			if strings.Contains(message.Plain(), name) {
				said++
				if above[id] != l.Manager || id == l.Manager {
					t.Errorf("%s reads of %s, who reports to %s:\n%s", l.Manager, name, above[id], message.Plain())
				}
			}
		}
	}
	if said == 0 {
		t.Error("nobody is named at all")
	}
}

// team is the stored version of a team of so many: registered, missing, and of
// whom nothing is known.
func team(registered, missing, unknown int, late bool) TeamDigest {
	d := TeamDigest{Tenant: "the-tenant", Manager: "mia", AsOf: time.Date(2026, time.December, 7, 8, 0, 0, 0, time.UTC), Zone: "Europe/Madrid"}
	if late {
		d.Late = d.AsOf.Add(-30 * time.Hour)
	}
	of := registered + missing + unknown
	s := rollout.Sum{ID: rollout.Registered, Of: of, Unknown: unknown, Value: &registered}
	if unknown == of {
		s.Value, s.Reason = nil, rollout.NeedsP1
	}
	d.Sums = append(d.Sums, s)
	if of >= 5 {
		backup, phones := s, s
		backup.ID, phones.ID = rollout.Backup, rollout.PhoneOnly
		if s.Value != nil {
			backup.Value, phones.Value = new(registered/2), new(registered/3)
		}
		d.Sums = append(d.Sums, backup, phones)
	}
	for i := range missing {
		d.Missing = append(d.Missing, fmt.Sprint("id-", i))
	}
	return d
}

func TestManagerMessageGolden(t *testing.T) {
	t.Parallel()
	names := map[string]string{"id-0": "Ana López", "id-1": "<!channel> [press](https://evil.example)\u202e"}
	for i := 3; i < 30; i++ { // the account of id-2 is gone
		names[fmt.Sprint("id-", i)] = fmt.Sprint("Person ", i)
	}
	for name, d := range map[string]TeamDigest{
		"team": team(7, 3, 0, false), "small": team(2, 1, 0, false), "one": team(0, 1, 0, false), "one-done": team(1, 0, 0, false),
		"done": team(9, 0, 0, false), "many": team(40, 27, 0, true), "some-unread": team(7, 2, 1, false), "unread": team(0, 0, 6, false),
	} {
		m := ManagerMessage(d, names)
		golden(t, "manager-"+name+".txt", m.Plain()+"\n")
		if chat.Hidden(strings.ReplaceAll(m.Plain(), "\n", " ")) {
			t.Errorf("%s: the message hides characters: %q", name, m.Plain())
		}
		same, err := RenderManager(func(context.Context, string, []string) (map[string]string, error) { return names, nil })(t.Context(), must(json.Marshal(d)))
		if err != nil || same.Plain() != m.Plain() {
			t.Errorf("%s: stored it reads %q (%v)", name, same.Plain(), err)
		}
	}
}

func TestRenderManagerFails(t *testing.T) {
	t.Parallel()
	render := RenderManager(func(context.Context, string, []string) (map[string]string, error) { return nil, errAway })
	for _, facts := range []string{"{", `{"missing":["a"]}`} {
		if m, err := render(t.Context(), []byte(facts)); err == nil {
			t.Errorf("%s: rendered %q", facts, m.Plain())
		}
	}
}
