package scheduler

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"twokey/chat"
	"twokey/graph/rollout"
)

// KindManager is the kind of message that a manager's version is.
const KindManager = "manager"

// managersJob is its job's name. It is due with the digest, and done in the first
// such week of a month.
const managersJob = "managers"

// TeamDigest is a manager's version as it is stored: sums, and whom it names by
// object ID. The names are looked up as it is worded, so that whoever is erased
// stands nowhere.
type TeamDigest struct {
	Tenant  string        `json:"tenant"`  // tenant ID
	Manager string        `json:"manager"` // object ID
	AsOf    time.Time     `json:"as_of"`
	Late    time.Time     `json:"late,omitzero"` // when it was due, if it is late
	Sums    []rollout.Sum `json:"sums"`
	Missing []string      `json:"missing,omitempty"` // object IDs of those who are not registered
	Zone    string        `json:"zone"`              // in which times are shown
}

// A Letter is a manager's version on its way.
type Letter struct {
	Manager string // object ID
	To      chat.Address
	Facts   []byte // the [TeamDigest] as JSON
}

// Letters keeps the managers' versions.
type Letters interface {
	Slots
	// Pass is that of [Digests].
	Pass(ctx context.Context, s Slot, w *rollout.Week, why string) error
	// Send closes the slot, records how many letters there are and owes them, in
	// one transaction. If the slot is closed it stores nothing.
	Send(ctx context.Context, s Slot, asOf time.Time, letters []Letter) error
}

// Managers is what the managers' version needs beside the digest.
type Managers struct {
	Store Letters
	// Above returns who is set above each account, by object ID.
	Above func(ctx context.Context) (map[string]string, error)
	// Reach returns where somebody is written to in private; false if nowhere.
	Reach func(ctx context.Context, object string) (chat.Address, bool)
	// Begun reports whether a lead has written to people yet: until then nobody
	// is written to by the clock.
	Begun func(ctx context.Context) (bool, error)
}

// ManagerJob writes to every manager who can be reached, once a month, about
// those who report to them and nobody else. It is muted with the digest.
func (d *Digester) ManagerJob(m Managers) Job {
	return Job{Name: managersJob, Due: d.Due, Run: func(ctx context.Context, s Slot) error {
		if s.Planned.In(d.Due.Zone).Day() > 7 {
			return m.Store.Pass(ctx, s, nil, "")
		}
		why, err := d.withheld(ctx, m)
		if err != nil {
			return err
		}
		if why != "" {
			return m.Store.Pass(ctx, s, nil, why)
		}
		asOf, letters, err := d.letters(ctx, s, m)
		if err != nil {
			return err
		}
		return m.Store.Send(ctx, s, asOf, letters)
	}}
}

// withheld says why managers are not written to now, as it is recorded; "" if
// they are.
func (d *Digester) withheld(ctx context.Context, m Managers) (why string, err error) {
	if d.Muted != nil {
		muted, err := d.Muted(ctx)
		if err != nil {
			return "", fmt.Errorf("read whether the digest is muted: %w", err)
		}
		if muted {
			return "muted", nil
		}
	}
	begun, err := m.Begun(ctx)
	if err != nil {
		return "", fmt.Errorf("read whether a lead has written to people: %w", err)
	}
	if !begun {
		return "held", nil
	}
	return "", nil
}

// letters composes the version of every manager who can be reached. Who leads
// whom is read anew each time: a letter to somebody's last manager tells too much.
func (d *Digester) letters(ctx context.Context, s Slot, m Managers) (asOf time.Time, letters []Letter, err error) {
	reading, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	facts := d.Facts(reading)
	above, err := m.Above(reading)
	if err != nil {
		return facts.AsOf, nil, fmt.Errorf("read who leads whom: %w", err)
	}
	teams, why := rollout.Teams(facts, d.Scope, above)
	if why != "" {
		return facts.AsOf, nil, fmt.Errorf("read accounts: %s", why)
	}
	for _, team := range teams {
		to, ok := m.Reach(ctx, team.Manager.ID)
		if !ok {
			continue
		}
		t := TeamDigest{
			Tenant: d.Tenant, Manager: team.Manager.ID, AsOf: facts.AsOf.UTC(),
			Sums: team.Sums(facts.AsOf), Missing: team.Missing(), Zone: d.Due.Zone.String(),
		}
		if s.Late {
			t.Late = s.Planned.UTC()
		}
		text, err := json.Marshal(t)
		if err != nil {
			return facts.AsOf, nil, fmt.Errorf("encode a team's digest: %w", err)
		}
		letters = append(letters, Letter{Manager: team.Manager.ID, To: to, Facts: text})
	}
	return facts.AsOf, letters, nil
}

// RenderManager returns the outbox's renderer for KindManager. Names returns what
// accounts of a tenant are called, by object ID; one that is gone has no entry.
func RenderManager(names func(ctx context.Context, tenant string, ids []string) (map[string]string, error)) func(context.Context, []byte) (chat.Message, error) {
	return func(ctx context.Context, facts []byte) (chat.Message, error) {
		var t TeamDigest
		if err := json.Unmarshal(facts, &t); err != nil {
			return chat.Message{}, fmt.Errorf("read a team's digest: %w", err)
		}
		called, err := names(ctx, t.Tenant, t.Missing)
		if err != nil {
			return chat.Message{}, fmt.Errorf("read names: %w", err)
		}
		return ManagerMessage(t, called), nil
	}
}

// namesShown is how many people a manager is named: as many as a list in the chat
// has rows.
const namesShown = 20

// ManagerMessage words a manager's version: how many of their people are
// registered, who is not, and what to do about it.
func ManagerMessage(t TeamDigest, names map[string]string) chat.Message {
	figures := rollout.Week{AsOf: t.AsOf, Sums: t.Sums}.Figures()
	at, err := time.LoadLocation(t.Zone)
	if err != nil {
		at = time.UTC
	}
	m := chat.Message{
		Headline: managerHeadline(figures, t.AsOf.In(at)),
		Footer: "Data as of " + t.AsOf.In(at).Format("Mon 2 Jan 2006, 15:04 MST") + "." + lateWords(Digest{Late: t.Late, Zone: t.Zone}) +
			" This goes to you alone, about the people whose manager you are in Microsoft 365.",
	}
	for _, row := range []struct {
		id    rollout.ID
		label string
	}{{rollout.Backup, "With a backup method"}, {rollout.PhoneOnly, "With nothing but texts or calls"}} {
		if f := figures.Get(row.id); f.Of > 0 {
			m.Fields = append(m.Fields, chat.Field{Label: row.label, Value: worded(figures, row.id, true)})
		}
	}
	m.Text = managerText(figures, t.Missing)
	if len(t.Missing) == 0 {
		return m
	}
	m.Table = &chat.Table{Header: []string{"Not registered"}}
	for _, id := range t.Missing[:min(len(t.Missing), namesShown)] {
		name, known := names[id]
		if !known {
			name = "somebody whose account is gone"
		}
		m.Table.Rows = append(m.Table.Rows, []string{chat.Safe(name, nameRunes)})
	}
	return m
}

func managerHeadline(figures rollout.Figures, asOf time.Time) string {
	start := "MFA in your team, " + asOf.Format("January 2006") + ": "
	registered := figures.Get(rollout.Registered)
	n, ok := registered.Value()
	switch {
	case !ok:
		return start + "who is registered is not known (" + registered.String() + ")."
	case registered.Of == 1 && n == 1:
		return start + "the one person who reports to you is registered."
	case registered.Of == 1:
		return start + "the one person who reports to you is not registered."
	default:
		return fmt.Sprintf("%s%s of the %s people who report to you are registered.", start, counted(registered), number(registered.Of))
	}
}

func managerText(figures rollout.Figures, missing []string) string {
	registered := figures.Get(rollout.Registered)
	if n, ok := registered.Value(); ok && int(n) == registered.Of {
		return "That is everybody. Thank you."
	}
	if len(missing) == 0 {
		return ""
	}
	text := "A word from you helps most: whoever writes “/mfa setup” to me gets the steps for their own phone."
	if more := len(missing) - namesShown; more > 0 {
		text += " Not named here: " + number(more) + " more."
	}
	return text
}
