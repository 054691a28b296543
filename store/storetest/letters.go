package storetest

import (
	"context"
	"slices"
	"testing"
	"time"

	"twokey/audit"
	"twokey/chat"
	"twokey/graph"
	"twokey/graph/rollout"
	"twokey/graph/sync"
	"twokey/scheduler"
)

// Letters is a store of what managers are written, and of what is asked before.
type Letters interface {
	scheduler.Digests
	scheduler.Letters
	// Begun reports whether a lead has written to people of a tenant.
	Begun(ctx context.Context, tenant string) (bool, error)
	// Names returns what accounts are called, by object ID.
	Names(ctx context.Context, tenant string, ids []string) (map[string]string, error)
}

var letters = map[string]func(*testing.T, *bench){
	"letters are owed with the end of their slot, once":            lettersOnce,
	"a slot that was passed gets no letters":                       lettersPassed,
	"of two that send letters at once one does":                    lettersRaced,
	"a digest by a lead's hand has begun it, not one by the clock": begunByDigest,
	"a wave has begun it once it runs":                             begunByWave,
	"names are those that were read last":                          namesRead,
}

// managersSlot is when managers are written to in this suite.
var managersSlot = scheduler.Slot{Tenant: tenant, Job: "managers", Week: "2026-W50", Planned: time.Date(2026, time.December, 7, 8, 0, 0, 0, time.UTC)}

func lettersFor(managers ...string) (all []scheduler.Letter) {
	for _, m := range managers {
		all = append(all, scheduler.Letter{Manager: m, To: chat.Address{Platform: "chat", User: m}, Facts: []byte(`{"manager":"` + m + `"}`)})
	}
	return all
}

func (b *bench) send(t *testing.T, managers ...string) {
	t.Helper()
	if err := b.Send(t.Context(), managersSlot, managersSlot.Planned, lettersFor(managers...)); err != nil {
		t.Fatalf("Send: %v", err)
	}
}

// wantLetters compares those to whom something is owed.
func (b *bench) wantLetters(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	for _, row := range b.due(t, 100) {
		if row.Kind != scheduler.KindManager || row.To != (chat.Address{Platform: "chat", User: row.To.User}) || string(row.Facts) != `{"manager":"`+row.To.User+`"}` {
			t.Errorf("owed %+v", row)
		}
		got = append(got, row.To.User)
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("letters to %q, want %q", got, want)
	}
}

func lettersOnce(t *testing.T, b *bench) {
	if done, err := b.Done(t.Context(), managersSlot); done || err != nil {
		t.Errorf("Done = %t, %v before anything was sent", done, err)
	}
	b.send(t, "mia", "max")
	b.reopen(t)
	b.send(t, "mia", "moe")
	b.wantLetters(t, "max", "mia")
	if done, err := b.Done(t.Context(), managersSlot); !done || err != nil {
		t.Errorf("Done = %t, %v", done, err)
	}
	head := b.head(t)
	if head.Number != 1 || head.Kind != "managers.sent" || head.Tenant != tenant {
		t.Errorf("recorded: %+v", head)
	}
}

func lettersPassed(t *testing.T, b *bench) {
	if err := b.Pass(t.Context(), managersSlot, nil, "held"); err != nil {
		t.Fatal(err)
	}
	b.send(t, "mia")
	b.wantLetters(t)
	if head := b.head(t); head.Number != 1 || head.Kind != "managers.held" {
		t.Errorf("recorded: %+v", head)
	}
}

func lettersRaced(t *testing.T, b *bench) {
	done := make(chan error)
	for range 2 {
		go func() { done <- b.Send(t.Context(), managersSlot, managersSlot.Planned, lettersFor("mia", "max")) }()
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Errorf("Send: %v", err)
		}
	}
	b.wantLetters(t, "max", "mia")
	if head := b.head(t); head.Number != 1 {
		t.Errorf("recorded %d times", head.Number)
	}
}

func (b *bench) wantBegun(t *testing.T, want bool) {
	t.Helper()
	for of, want := range map[string]bool{tenant: want, "elsewhere": false} {
		if got, err := b.Begun(t.Context(), of); got != want || err != nil {
			t.Errorf("Begun(%s) = %t, %v; want %t", of, got, err, want)
		}
	}
}

func begunByDigest(t *testing.T, b *bench) {
	people := 240
	week := rollout.Week{Week: "2026-W49", AsOf: b.clock.Now(), Sums: []rollout.Sum{{ID: rollout.InScope, Value: &people}}}
	p := scheduler.Publication{
		Slot: scheduler.Slot{Tenant: tenant, Job: scheduler.DigestJob, Week: week.Week, Planned: managersSlot.Planned.AddDate(0, 0, -7)},
		To:   chat.Address{Platform: "chat", Channel: "team"}, Kind: scheduler.KindDigest,
		Digest: scheduler.Digest{Week: week.Week, AsOf: week.AsOf, This: week}, Facts: []byte(`{}`), Actor: audit.Bot,
	}
	b.wantBegun(t, false)
	if _, err := b.Publish(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	b.wantBegun(t, false)
	p.Actor = "ada"
	if err := b.Revise(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	b.wantBegun(t, true)
}

func begunByWave(t *testing.T, b *bench) {
	w := b.aWave(rollout.WaveDraft)
	began := w.Began
	w.Began = time.Time{}
	b.putWave(t, w)
	b.wantBegun(t, false)
	w.State, w.Began = rollout.WaveRunning, began
	b.putWave(t, w)
	b.wantBegun(t, true)
	if err := b.EndWave(t.Context(), tenant, w.Ref); err != nil {
		t.Fatal(err)
	}
	b.wantBegun(t, true)
}

func namesRead(t *testing.T, b *bench) {
	store := b.Store.(sync.Store)
	lease, ok, err := store.LeadSync(t.Context(), tenant, "one", time.Minute)
	if err != nil || !ok {
		t.Fatalf("LeadSync = %t, %v", ok, err)
	}
	for _, name := range []string{"Ann", hostile} { // she has another name now
		batch := sync.Batch{Progress: sync.Progress{Source: sync.Accounts}, Accounts: []graph.User{{ID: "a", Name: name}, {ID: "b", Name: "Ben"}}}
		if err := store.KeepSync(t.Context(), lease, batch); err != nil {
			t.Fatal(err)
		}
	}
	for of, want := range map[string]map[string]string{tenant: {"a": hostile}, "elsewhere": {}} {
		got, err := b.Names(t.Context(), of, []string{"a", "gone"})
		if err != nil {
			t.Fatal(err)
		}
		wantSame(t, "Names of "+of, got, want)
	}
}
