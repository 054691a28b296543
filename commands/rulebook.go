package commands

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"twokey/audit"
	"twokey/chat"
	"twokey/commands/approval"
	"twokey/commands/identity"
	"twokey/commands/link"
	"twokey/commands/rules"
)

// Rulebook keeps what the owner's configuration has said.
type Rulebook interface {
	// Rules lists what a tenant's configuration has said within the last day,
	// oldest first, beginning with what it said a day ago. It is empty if there
	// never was one.
	Rules(ctx context.Context, tenant string) ([]rules.Version, error)
	// LayRules stores r as what is said from now on, and in the same transaction
	// what tell stores. It fails with approval.ErrLost if the last version is not
	// the one that after numbers, 0 for none.
	LayRules(ctx context.Context, r rules.Rules, after int64, tell func(approval.Tx) error) error
}

// Laying is what it takes to lay the owner's rules down.
type Laying struct {
	Book   Rulebook
	Tenant identity.Tenant
	Links  link.Store   // those that people made themselves; nil: there are none
	Admins chat.Address // the administrators' channel
	Zone   *time.Location
}

// Lay compares the rules, as the configuration says them, with the last that
// were stored, and returns the history that now holds, for a [rules.Keeper].
// Each difference is recorded, and everybody who decided until now is told,
// with what became weaker and from when that holds. Of several processes that
// begin with the same rules one records. After an error nothing was laid down.
func (l Laying) Lay(ctx context.Context, r rules.Rules) ([]rules.Version, error) {
	for {
		history, err := l.Book.Rules(ctx, r.Tenant)
		if err != nil {
			return nil, err
		}
		var last rules.Version
		if len(history) > 0 {
			last = history[len(history)-1]
			if last.Rules.Hash() == r.Hash() {
				return history, nil
			}
		}
		change, err := l.change(ctx, last, r)
		if err != nil {
			return nil, fmt.Errorf("find whom to tell of new rules: %w", err)
		}
		err = l.Book.LayRules(ctx, r, last.Number, change.tell)
		if err != nil && !errors.Is(err, approval.ErrLost) && !errors.Is(err, approval.ErrUnsure) {
			return nil, err
		}
	}
}

// change is a change of the rules, and whom to tell in which words. It is put
// together before the transaction that stores it: the tenant is asked for names.
type change struct {
	was         rules.Version
	is          rules.Rules
	differences []rules.Difference
	names       map[string]string // by object ID
	to          []string
	zone        *time.Location
}

func (l Laying) change(ctx context.Context, was rules.Version, is rules.Rules) (change, error) {
	c := change{was: was, is: is, names: map[string]string{}, zone: l.Zone}
	if was.Number == 0 {
		return c, nil // nothing to compare with, and nobody to tell
	}
	c.differences = rules.Compare(was.Rules, is)
	if len(c.differences) == 0 {
		return c, nil // another version of this program writes them otherwise
	}
	before := identity.New(identity.Config{Rules: rules.Fixed(was.Rules), Links: l.Links}, l.Tenant)
	for _, d := range c.differences {
		for _, object := range people(d) {
			c.names[object] = before.Name(ctx, approval.Principal{Tenant: was.Rules.Tenant, Object: object})
		}
	}
	var err error
	c.to, err = Everyone(before, l.Admins)(ctx)
	return c, err
}

// people returns the object IDs of whom a difference is about.
func people(d rules.Difference) []string {
	if d.Of != rules.People {
		return nil
	}
	return slices.DeleteFunc(append(strings.Split(d.Was, ", "), strings.Split(d.Is, ", ")...), func(s string) bool { return s == "" })
}

// tell records the change and owes its announcement.
func (c change) tell(tx approval.Tx) error {
	now, err := tx.Now()
	if err != nil {
		return err
	}
	tenant := c.is.Tenant
	if c.was.Number == 0 {
		return tx.Record(audit.Entry{At: now, Tenant: tenant, Kind: "rules.first", Actor: audit.Host, Facts: map[string]any{"hash": c.is.Hash()}})
	}
	for _, d := range c.differences {
		facts, err := c.facts(tx, d)
		if err != nil {
			return err
		}
		if err := tx.Record(audit.Entry{At: now, Tenant: tenant, Kind: "rules.changed", Actor: audit.Host, Facts: facts}); err != nil {
			return err
		}
	}
	if len(c.differences) == 0 {
		return nil
	}
	key := fmt.Sprintf("rules/%s/%d", tenant, c.was.Number+1)
	return approval.Announce(tx, key, c.to, "The rules of this bot were changed, in its configuration.", c.words(now))
}

// facts are a difference as it may stand in the chain: without names.
func (c change) facts(tx approval.Tx, d rules.Difference) (map[string]any, error) {
	what, was, is := d.What, d.Was, d.Is
	var err error
	switch d.Of {
	case rules.People:
		if was, err = c.aliases(tx, d.Was); err == nil {
			is, err = c.aliases(tx, d.Is)
		}
	case rules.Words:
		if was, err = tx.Aside(c.is.Tenant, "", d.Was); err == nil {
			is, err = tx.Aside(c.is.Tenant, "", d.Is)
		}
	}
	if account, ok := strings.CutPrefix(what, "link "); ok && err == nil {
		what, err = tx.Alias(c.is.Tenant, d.Was+d.Is+" "+account, account)
		what = "link " + what
	}
	return map[string]any{"what": what, "was": was, "is": is, "weaker": d.Weaker, "hash": c.is.Hash()}, err
}

func (c change) aliases(tx approval.Tx, objects string) (string, error) {
	var all []string
	for _, object := range strings.Split(objects, ", ") {
		alias, err := tx.Alias(c.is.Tenant, object, c.names[object])
		if err != nil {
			return "", err
		}
		all = append(all, alias)
	}
	return strings.Join(all, ", "), nil
}

// words say what is different, a line each.
func (c change) words(now time.Time) string {
	from := now.Add(rules.Late).In(c.zone).Format("Mon 2 Jan, 15:04")
	var b strings.Builder
	for _, d := range c.differences {
		b.WriteString("• " + differenceWords(d, c.names))
		switch {
		case d.AtOnce:
			b.WriteString(" This makes the rules weaker and cannot wait: it holds now. If nobody of you expected it, type “/mfa freeze” before anything else.")
		case d.Weaker:
			b.WriteString(" This makes the rules weaker, so it only holds from " + from + ".")
		default:
			b.WriteString(" This holds now.")
		}
		b.WriteString("\n")
	}
	return b.String() + "\nIf you did not expect this, “/mfa freeze” stops all changes at once. Then ask an owner, in person or by a call."
}

// differenceWords says a difference in a sentence.
func differenceWords(d rules.Difference, names map[string]string) string {
	side := func(s string) string {
		if d.Of != rules.People {
			return quoted(s, 120)
		}
		var all []string
		for _, object := range strings.Split(s, ", ") {
			all = append(all, quoted(names[object], 60)+" ("+chat.Safe(object, 60)+")")
		}
		return strings.Join(all, ", ")
	}
	what := chat.Safe(strings.ToUpper(d.What[:1])+d.What[1:], 120)
	switch {
	case d.Was == "":
		return what + ": " + side(d.Is) + " is new."
	case d.Is == "":
		return what + ": " + side(d.Was) + " is gone."
	default:
		return what + ": " + side(d.Is) + ", and before " + side(d.Was) + "."
	}
}
