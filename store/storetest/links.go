package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"twokey/audit"
	"twokey/chat"
	"twokey/chat/visit"
	"twokey/commands/link"
)

var links = map[string]func(*testing.T, *bench){
	"an account has one link, and a person several": keepLinks,
	"visits are found by their sums, for an hour":   keepVisits,
	"what was proved goes with the link":            keepProofs,
	"passkeys are kept as they were registered":     keepKeys,
	"links and records are one transaction":         linkTogether,
}

func inChat(user string) chat.Account {
	return chat.Account{Platform: "p", Workspace: hostile, User: user}
}

// linked runs f in a transaction on links that must succeed.
func (b *bench) linked(t *testing.T, f func(link.Tx) error) {
	t.Helper()
	if err := b.UpdateLinks(t.Context(), f); err != nil {
		t.Fatalf("UpdateLinks: %v", err)
	}
}

// look is [bench.linked] for reading.
func (b *bench) look(t *testing.T, f func(link.Tx) error) {
	t.Helper()
	if err := b.ViewLinks(t.Context(), f); err != nil {
		t.Fatalf("ViewLinks: %v", err)
	}
}

// equal compares what was read with what was stored.
func equal[T any](t *testing.T, what string, got T, err error, want T) {
	t.Helper()
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%s = %+v, %v; want %+v", what, got, err, want)
	}
}

func keepLinks(t *testing.T, b *bench) {
	at := time.Date(2026, 11, 23, 9, 0, 0, 1000, time.UTC)
	first := link.Link{Ref: "L-1", Tenant: "one", Account: inChat("U1"), Object: hostile, Proof: visit.MFA, Since: at}
	second := link.Link{Ref: "L-2", Tenant: "one", Account: inChat("U2"), Object: hostile, Proof: visit.Passkey, Since: at.Add(time.Hour), Until: at.Add(2 * time.Hour), Confirmed: at, By: "olga"}
	b.linked(t, func(tx link.Tx) error {
		return errors.Join(tx.SaveLink(second), tx.SaveLink(first), tx.SaveLink(link.Link{Ref: "L-3", Tenant: "two", Account: inChat("U1"), Object: hostile, Since: at}))
	})
	b.reopen(t)
	b.look(t, func(tx link.Tx) error {
		got, err := tx.Link("one", inChat("U1"))
		equal(t, "Link", got, err, first)
		got, err = tx.Link("one", inChat("u1"))
		equal(t, "the link of another account", got, err, link.Link{})
		got, err = tx.LinkByRef("one", "L-2")
		equal(t, "LinkByRef", got, err, second)
		got, err = tx.LinkByRef("one", "L-3")
		equal(t, "another tenant's", got, err, link.Link{})
		all, err := tx.LinksOf("one", hostile)
		equal(t, "LinksOf", all, err, []link.Link{first, second})
		return nil
	})
	moved := first
	moved.Ref, moved.Object = "L-4", "sue"
	b.linked(t, func(tx link.Tx) error { return tx.SaveLink(moved) })
	b.look(t, func(tx link.Tx) error {
		got, err := tx.Link("one", inChat("U1"))
		equal(t, "the link that came in its place", got, err, moved)
		all, err := tx.LinksOf("one", hostile)
		equal(t, "those that are left", all, err, []link.Link{second})
		return nil
	})
	b.linked(t, func(tx link.Tx) error { return tx.DropLink("one", inChat("U2")) })
	b.look(t, func(tx link.Tx) error {
		all, err := tx.LinksOf("one", hostile)
		equal(t, "after the last is gone", all, err, nil)
		return nil
	})
}

func keepVisits(t *testing.T, b *bench) {
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	one := link.Visit{
		Token: "t1", Tenant: "one", Account: inChat("U1"), Purpose: visit.StepUp, Object: "bea", State: link.Asked, Asked: at, Until: at.Add(visit.Life),
		Body: link.Body{Deed: "approve", Request: "R-ABC234", Least: visit.MFA},
	}
	other := one
	other.Token, other.Account, other.Asked = "t2", inChat("U2"), at.Add(time.Minute)
	b.linked(t, func(tx link.Tx) error { return errors.Join(tx.SaveVisit(one), tx.SaveVisit(other)) })
	one.Ticket, one.State, one.Tries, one.Begun = "k1", link.Begun, 2, at.Add(time.Second)
	b.linked(t, func(tx link.Tx) error { return tx.SaveVisit(one) })
	b.reopen(t)
	b.look(t, func(tx link.Tx) error {
		for _, sum := range []string{"t1", "k1"} {
			got, err := tx.Visit(sum)
			equal(t, "Visit "+sum, got, err, one)
		}
		for _, sum := range []string{"", "t3"} {
			got, err := tx.Visit(sum)
			equal(t, "no visit", got, err, link.Visit{})
		}
		all, err := tx.VisitsOf("one", inChat("U1"), at)
		equal(t, "VisitsOf", all, err, []link.Visit{one})
		all, err = tx.VisitsOf("one", inChat("U1"), at.Add(time.Second))
		equal(t, "those since", all, err, nil)
		return nil
	})
	later := other
	later.Token, later.Asked = "t9", other.Asked.Add(link.Lately)
	b.linked(t, func(tx link.Tx) error { return tx.SaveVisit(later) })
	b.look(t, func(tx link.Tx) error {
		got, err := tx.Visit("t1")
		equal(t, "a visit of more than an hour ago", got, err, link.Visit{})
		got, err = tx.Visit("t2")
		equal(t, "a visit of an hour ago", got, err, other)
		return nil
	})
}

func keepProofs(t *testing.T, b *bench) {
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	p := link.Proof{Tenant: "one", Account: inChat("U1"), Object: hostile, Proof: visit.Password, At: at}
	b.linked(t, func(tx link.Tx) error { return tx.SaveProof(p) })
	p.Proof, p.At = visit.Passkey, at.Add(time.Minute)
	b.linked(t, func(tx link.Tx) error { return tx.SaveProof(p) })
	b.look(t, func(tx link.Tx) error {
		got, err := tx.Proof("one", inChat("U1"))
		equal(t, "Proof", got, err, p)
		got, err = tx.Proof("one", inChat("U2"))
		equal(t, "another account's", got, err, link.Proof{})
		return nil
	})
	b.linked(t, func(tx link.Tx) error { return tx.DropLink("one", inChat("U1")) })
	b.look(t, func(tx link.Tx) error {
		got, err := tx.Proof("one", inChat("U1"))
		equal(t, "after the link is gone", got, err, link.Proof{})
		return nil
	})
}

func keepKeys(t *testing.T, b *bench) {
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	k := link.Key{Ref: "K-1", Tenant: "one", Object: hostile, Account: inChat("U1"), Key: visit.Key{ID: "id-1", Body: []byte{0, 255, '\''}, Added: at}}
	b.linked(t, func(tx link.Tx) error { return tx.SaveKey(k) })
	k.Body, k.Trusted = []byte("again"), true
	b.linked(t, func(tx link.Tx) error { return tx.SaveKey(k) })
	b.reopen(t)
	b.look(t, func(tx link.Tx) error {
		got, err := tx.Key("one", "id-1")
		equal(t, "Key", got, err, k)
		got, err = tx.KeyByRef("one", "K-1")
		equal(t, "KeyByRef", got, err, k)
		got, err = tx.Key("two", "id-1")
		equal(t, "another tenant's", got, err, link.Key{})
		all, err := tx.KeysOf("one", hostile)
		equal(t, "KeysOf", all, err, []link.Key{k})
		return nil
	})
	b.linked(t, func(tx link.Tx) error { return tx.DropKey("one", "id-1") })
	b.look(t, func(tx link.Tx) error {
		all, err := tx.KeysOf("one", hostile)
		equal(t, "KeysOf nobody", all, err, nil)
		return nil
	})
}

func linkTogether(t *testing.T, b *bench) {
	l := link.Link{Ref: "L-1", Tenant: "one", Account: inChat("U1"), Object: "bea", Since: time.UnixMicro(1).UTC()}
	no := fmt.Errorf("no")
	err := b.UpdateLinks(t.Context(), func(tx link.Tx) error {
		if err := tx.SaveLink(l); err != nil {
			return err
		}
		if err := tx.Record(audit.Entry{Tenant: "one", Kind: "link.made", Actor: audit.Bot}); err != nil {
			return err
		}
		return no
	})
	if !errors.Is(err, no) {
		t.Errorf("UpdateLinks = %v", err)
	}
	b.look(t, func(tx link.Tx) error {
		got, err := tx.Link("one", inChat("U1"))
		equal(t, "a link that was not to be", got, err, link.Link{})
		return nil
	})
	if last := b.head(t); last != nil {
		t.Errorf("recorded: %+v", last)
	}
}
