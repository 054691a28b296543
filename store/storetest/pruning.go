package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"twokey/audit"
	"twokey/commands/approval"
	"twokey/commands/staff"
)

var pruning = map[string]func(*testing.T, *bench){
	"old records are pruned and the chain stays whole": pruneOld,
	"pruning under a reader's hands is no damage":      pruneMeanwhile,
	"pruning takes words and people nobody needs":      pruneWords,
	"requests and cases are not kept for longer":       pruneRequests,
	"a person is erased and the chain stays whole":     erasePerson,
	"nobody is erased from an open request":            eraseOpen,
	"an unknown person is not erased":                  eraseUnknown,
	"nothing is pruned sooner than records are kept":   pruneSoon,
}

// heads returns every head that the chain ever had.
func (b *bench) heads(t *testing.T) (all []audit.Head) {
	t.Helper()
	for r, err := range b.Audit(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339Nano, r.At)
		if r.Body == "" && err != nil {
			t.Fatal(err)
		}
		all = append(all, audit.Head{Number: r.Number, Hash: r.Hash, At: at})
	}
	return all
}

// prune prunes what is from before a moment, as soon as that may be pruned.
func (b *bench) prune(t *testing.T, before time.Time) (int, error) {
	t.Helper()
	b.clock.advance(max(0, before.Add(audit.LeastKept).Sub(b.clock.Now())))
	return b.Prune(t.Context(), b.clock.Now().Sub(before))
}

// U22: what is older than the retention loses its text in one or several
// rounds, verification still begins at the first number, and every head that
// was ever kept is still found.
func pruneOld(t *testing.T, b *bench) {
	for i := range 6 {
		b.update(t, func(tx approval.Tx) error { return tx.Record(entry(fmt.Sprintf("R-%d", i))) })
		b.clock.advance(24 * time.Hour)
	}
	kept := b.heads(t)
	for _, round := range []struct {
		before time.Duration // after the first record
		want   int
		links  int
		last   int64
	}{
		{0, 0, 0, 6},
		{36 * time.Hour, 2, 2, 7},
		{36 * time.Hour, 0, 2, 7},
		{3 * 24 * time.Hour, 1, 3, 8},     // the third; the fourth is not older
		{1000 * 24 * time.Hour, 4, 7, 9},  // all but the newest
		{1000 * 24 * time.Hour, 1, 8, 10}, // which is no longer the newest, after the record of that
	} {
		n, err := b.prune(t, day.Add(round.before))
		if err != nil || n != round.want {
			t.Fatalf("Prune(%s) = %d, %v; want %d", round.before, n, err, round.want)
		}
		links := 0
		for r, err := range b.Audit(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if r.Body != "" {
				links++
			}
		}
		last, err := audit.VerifyHeads(b.Audit(t.Context()), kept)
		if err != nil || links != round.links || last.Number != round.last {
			t.Fatalf("after Prune(%s): %d links, VerifyHeads = %+v, %v; want %d and record %d", round.before, links, last, err, round.links, round.last)
		}
		for _, h := range kept {
			if _, err := audit.Verify(b.Audit(t.Context()), h.Hash); err != nil {
				t.Errorf("the head of record %d: %v", h.Number, err)
			}
		}
	}
	b.reopen(t)
	b.update(t, func(tx approval.Tx) error { return tx.Record(entry("R-9")) })
	if last := b.head(t); last.Number != 11 {
		t.Errorf("the chain went on with %d", last.Number)
	}
}

// pruneSoon holds that the database alone says what is old: a process may be
// wrong about the time, and about how long records are kept.
func pruneSoon(t *testing.T, b *bench) {
	for i := range 3 {
		b.update(t, func(tx approval.Tx) error { return tx.Record(entry(fmt.Sprintf("R-%d", i))) })
	}
	b.clock.advance(audit.LeastKept - time.Second)
	if n, err := b.Prune(t.Context(), 0); n != 0 || err != nil {
		t.Errorf("Prune = %d, %v; want that it is too soon", n, err)
	}
	b.clock.advance(2 * time.Second)
	if n, err := b.Prune(t.Context(), 0); n != 2 || err != nil {
		t.Errorf("Prune = %d, %v; want all but the newest", n, err)
	}
	b.head(t)
}

func pruneMeanwhile(t *testing.T, b *bench) {
	for i := range 5 {
		b.update(t, func(tx approval.Tx) error { return tx.Record(entry(fmt.Sprintf("R-%d", i))) })
		b.clock.advance(24 * time.Hour)
	}
	if n, err := b.prune(t, day.Add(time.Hour)); n != 1 || err != nil {
		t.Fatalf("Prune = %d, %v", n, err)
	}
	seen := 0
	_, err := audit.Verify(func(yield func(audit.Record, error) bool) {
		for r, err := range b.Audit(t.Context()) {
			if seen++; seen == 1 {
				if n, err := b.prune(t, day.Add(36*time.Hour)); n != 1 || err != nil {
					t.Fatalf("Prune = %d, %v", n, err)
				}
			}
			if !yield(r, err) {
				return
			}
		}
	}, "")
	var broken *audit.BrokenError
	if err == nil || errors.As(err, &broken) {
		t.Errorf("Verify = %v, want that it has to be read again", err)
	}
	b.head(t)
}

func pruneWords(t *testing.T, b *bench) {
	var old, both, mark, later string
	b.update(t, func(tx approval.Tx) (err error) {
		if old, err = tx.Alias(tenant, "old", "Old"); err != nil {
			return err
		}
		if both, err = tx.Alias(tenant, "both", "Both"); err != nil {
			return err
		}
		if mark, err = tx.Aside(tenant, "R-1", "long ago"); err != nil {
			return err
		}
		return tx.Record(audit.Entry{Tenant: tenant, Kind: "request.denied", Actor: old, Request: "R-1", Facts: map[string]any{"why": mark, "targets": []string{both}}})
	})
	b.clock.advance(48 * time.Hour)
	b.update(t, func(tx approval.Tx) (err error) {
		if later, err = tx.Aside(tenant, "R-2", "just now"); err != nil {
			return err
		}
		return tx.Record(audit.Entry{Tenant: tenant, Kind: "request.denied", Actor: both, Request: "R-2", Facts: map[string]any{"why": later}})
	})
	if n, err := b.prune(t, day.Add(24*time.Hour)); n != 1 || err != nil {
		t.Fatalf("Prune = %d, %v", n, err)
	}
	if got := b.who(t, old, both); len(got) != 1 || got[both].Name != "Both" {
		t.Errorf("known are %+v, want only who is still in a record", got)
	}
	gone, err := b.Asides(t.Context(), "R-1")
	left, err2 := b.Asides(t.Context(), "R-2")
	if err != nil || err2 != nil || len(gone) != 0 || len(left) != 1 {
		t.Errorf("words: %+v, %v and %+v, %v", gone, err, left, err2)
	}
	b.head(t)
}

// pruneRequests holds that what has ended goes with all that hangs on it, and that
// nothing goes that is open or of later.
func pruneRequests(t *testing.T, b *bench) {
	end := func(ref string) {
		t.Helper()
		_, err := b.ChangeCase(t.Context(), tenant, ref, func(c staff.Case, now time.Time) (staff.Case, error) {
			return c.Close(staff.Done, "ada", now)
		}, func(approval.Tx, staff.Case) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	insert := func(name string, state approval.State) {
		t.Helper()
		b.update(t, func(tx approval.Tx) error {
			r, err := sample(name), error(nil)
			if r.Created, err = tx.Now(); err != nil {
				return err
			}
			r.State = state
			if err := errors.Join(tx.Insert(r), tx.AddDecision(vote(r, "bea")), tx.Owe(notice("n-"+name, r.ID))); err != nil {
				return err
			}
			_, err = tx.Aside(tenant, r.Ref, "why "+name)
			return err
		})
	}
	const many = 25 // more than go at once
	for i := range many {
		insert(fmt.Sprintf("OLD%02d", i), approval.Succeeded)
	}
	insert("DENIED", approval.Denied)
	insert("WAITS", approval.Executing)
	closed, open := b.openCase(t, aCase(staff.Lost, "sam")), b.openCase(t, aCase(staff.Lost, "sue"))
	end(closed.Ref)
	b.clock.advance(48 * time.Hour)
	insert("NEW", approval.Succeeded)
	later := b.openCase(t, aCase(staff.Lost, "vic"))
	end(later.Ref)
	pruned := 0
	for {
		n, err := b.PruneRequests(t.Context(), 24*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if pruned += n; n == 0 {
			break
		}
	}
	if pruned != many+2 {
		t.Errorf("%d were pruned, want %d", pruned, many+2)
	}
	b.view(t, func(tx approval.Tx) error {
		left, err := tx.Requests("")
		if err != nil || len(left) != 2 || left[0].Ref != "R-WAITS" || left[1].Ref != "R-NEW" {
			t.Errorf("left are %+v, %v", left, err)
		}
		ds, err := tx.Decisions("id-OLD00")
		if err != nil || len(ds) != 0 {
			t.Errorf("decisions on what is gone: %+v, %v", ds, err)
		}
		return nil
	})
	if words, err := b.Asides(t.Context(), "R-OLD00"); err != nil || len(words) != 0 {
		t.Errorf("words of what is gone: %+v, %v", words, err)
	}
	due, err := b.Due(t.Context(), 100)
	if err != nil || len(due) != 2 {
		t.Errorf("%d messages are owed, %v; want of the two that are left", len(due), err)
	}
	for ref, there := range map[string]bool{closed.Ref: false, open.Ref: true, later.Ref: true} {
		if _, err := b.Case(t.Context(), tenant, ref); errors.Is(err, staff.ErrNoCase) == there {
			t.Errorf("case %s: %v, want it there: %t", ref, err, there)
		}
	}
	b.head(t)
}

// story stores requests in all of which ada took part: she asked for the
// first, voted on the second, and was the target of the third.
func (b *bench) story(t *testing.T, state approval.State) (ada string) {
	t.Helper()
	asked, voted, aimed := sample("ASKED1"), sample("VOTED1"), sample("AIMED1")
	voted.Requester.Object, aimed.Requester.Object = "bea", "bea"
	voted.Warrant = approval.Warrant{Name: "Bea", Role: "lead"}
	aimed.Targets[0] = approval.Target{ID: "ada", Name: "Ada Okafor"}
	voted.Outcome.Findings = []string{"Ada Okafor may no longer approve this."}
	b.update(t, func(tx approval.Tx) (err error) {
		if ada, err = tx.Alias(tenant, "ada", "Ada Okafor"); err != nil {
			return err
		}
		account, err := tx.Alias(tenant, "ada slack/T1/ada", "slack/T1/ada")
		if err != nil {
			return err
		}
		for _, r := range []approval.Request{asked, voted, aimed} {
			r.State = state
			if err := tx.Insert(r); err != nil {
				return err
			}
			why, err := tx.Aside(tenant, r.Ref, "Ada Okafor wants it")
			if err != nil {
				return err
			}
			if err := tx.Record(audit.Entry{Tenant: tenant, Kind: "request.test", Actor: ada, Request: r.Ref, Facts: map[string]any{"account": account, "why": why}}); err != nil {
				return err
			}
		}
		d := vote(voted, "ada")
		d.Warrant = approval.Warrant{Name: "Ada Okafor", Role: "approver"}
		return tx.AddDecision(d)
	})
	return ada
}

func erasePerson(t *testing.T, b *bench) {
	ada := b.story(t, approval.Succeeded)
	before := b.heads(t)
	if known, err := b.Erase(t.Context(), tenant, "ada"); !known || err != nil {
		t.Fatalf("Erase = %t, %v", known, err)
	}
	last, err := audit.VerifyHeads(b.Audit(t.Context()), before)
	if err != nil || last.Kind != "person.erased" {
		t.Errorf("VerifyHeads = %+v, %v; want the record of it", last, err)
	}
	if got := b.who(t, ada); len(got) != 0 {
		t.Errorf("still known: %+v", got)
	}
	for _, ref := range []string{"R-ASKED1", "R-VOTED1", "R-AIMED1"} {
		if words, err := b.Asides(t.Context(), ref); err != nil || len(words) != 0 {
			t.Errorf("%s: words %+v, %v", ref, words, err)
		}
	}
	b.view(t, func(tx approval.Tx) error {
		if _, err := tx.Request("R-AIMED1"); err == nil {
			t.Error("the request that aimed at the person is still there")
		}
		for _, ref := range []string{"R-ASKED1", "R-VOTED1"} {
			r, err := tx.Request(ref)
			if err != nil {
				return err
			}
			ds, err := tx.Decisions(r.ID)
			if err != nil {
				return err
			}
			wantForgotten(t, ref, r.Requester, r.Warrant, r.Subscribers, r.Outcome, ds)
		}
		return nil
	})
	if b.alias(t, tenant, "ada", "Ada Okafor") == ada {
		t.Error("the person has the same pseudonym again")
	}
}

// wantForgotten fails if any of the values names ada as a person.
func wantForgotten(t *testing.T, what string, values ...any) {
	t.Helper()
	text, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{`"ada"`, "Okafor", "/ada"} {
		if strings.Contains(string(text), secret) {
			t.Errorf("%s still says %s: %s", what, secret, text)
		}
	}
}

func eraseOpen(t *testing.T, b *bench) {
	ada := b.story(t, approval.Pending)
	if _, err := b.Erase(t.Context(), tenant, "ada"); err == nil {
		t.Error("erased from an open request")
	}
	if got := b.who(t, ada); len(got) != 1 {
		t.Errorf("known is %+v after a refusal", got)
	}
	b.view(t, func(tx approval.Tx) error {
		_, err := tx.Request("R-AIMED1")
		return err
	})
}

func eraseUnknown(t *testing.T, b *bench) {
	b.alias(t, "another", "ada", "Ada")
	if known, err := b.Erase(t.Context(), tenant, "ada"); known || err != nil {
		t.Errorf("Erase = %t, %v; want nothing done", known, err)
	}
	if last := b.head(t); last != nil {
		t.Errorf("recorded %+v", last)
	}
}
