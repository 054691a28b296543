package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"twokey/audit"
	"twokey/commands/approval"
	"twokey/graph/rollout"
)

var declared = map[string]func(*testing.T, *bench){
	"declarations come back, are replaced, and end":      declaredRoundTrip,
	"people looked up are counted once, and for an hour": lookUps,
	"a look-up that is not recorded is none":             lookUpTogether,
}

// declares is what a transaction can do about declarations.
type declares interface {
	Declare(tenant string, d rollout.Declaration) error
	Undeclare(tenant, object string, sort rollout.Sort) error
}

func declaredRoundTrip(t *testing.T, b *bench) {
	do := func(f func(declares) error) {
		t.Helper()
		b.update(t, func(tx approval.Tx) error { return f(tx.(declares)) })
	}
	want := func(tenant string, want ...rollout.Declaration) {
		t.Helper()
		got, err := b.Declared(t.Context(), tenant)
		if err != nil {
			t.Fatal(err)
		}
		wantSame(t, "Declared("+tenant+")", got, want)
	}
	now := b.clock.Now().UTC().Truncate(time.Microsecond)
	want(tenant)
	scanner := rollout.Declaration{Object: "a", Sort: rollout.SortScope, Purpose: rollout.Service, Name: hostile, Why: hostile, Owner: "ada", Request: "R-ABC234", Since: now, Until: now.Add(time.Hour)}
	excepted := rollout.Declaration{Object: "a", Sort: rollout.SortException, Name: "A", Since: now}
	for _, d := range []rollout.Declaration{scanner, excepted} {
		do(func(tx declares) error { return tx.Declare(tenant, d) })
	}
	do(func(tx declares) error { return tx.Declare("elsewhere", excepted) })
	want(tenant, excepted, scanner)
	b.reopen(t)
	want(tenant, excepted, scanner)
	scanner.Purpose, scanner.Until = rollout.Shared, now.Add(2*time.Hour)
	do(func(tx declares) error { return tx.Declare(tenant, scanner) })
	b.clock.advance(time.Hour)
	want(tenant, excepted, scanner)
	b.clock.advance(time.Hour)
	want(tenant, excepted)
	do(func(tx declares) error { return tx.Undeclare(tenant, "a", rollout.SortException) })
	do(func(tx declares) error { return tx.Undeclare(tenant, "a", rollout.SortException) })
	want(tenant)
	want("elsewhere", excepted)
}

func lookUps(t *testing.T, b *bench) {
	look := func(caller string, people []string, before, with int) {
		t.Helper()
		who := approval.Principal{Tenant: tenant, Object: caller}
		err := b.LookUp(t.Context(), who, people, func(tx approval.Tx, was, is int) error {
			if was != before || is != with {
				t.Errorf("%s, %q: %d before and %d with them, want %d and %d", caller, people, was, is, before, with)
			}
			return tx.Record(audit.Entry{Tenant: tenant, Kind: "person.looked-up"})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	look("ada", []string{"a", "b"}, 0, 2)
	b.clock.advance(30 * time.Minute)
	look("ada", []string{"b", "c"}, 2, 3)
	look("vic", []string{"a"}, 0, 1)
	b.clock.advance(30 * time.Minute) // a was shown an hour ago, b and c half an hour
	look("ada", []string{"a"}, 2, 3)
	b.clock.advance(2 * time.Hour)
	look("ada", nil, 0, 0)
	many := []string{"a", "a"} // an export lists all people, and nobody twice
	for i := range 1200 {
		many = append(many, fmt.Sprint("p", i))
	}
	look("ada", many, 0, 1201)
	look("ada", many, 1201, 1201)
}

func lookUpTogether(t *testing.T, b *bench) {
	down, who := errors.New("down"), approval.Principal{Tenant: tenant, Object: "ada"}
	if err := b.LookUp(t.Context(), who, []string{"a"}, func(approval.Tx, int, int) error { return down }); !errors.Is(err, down) {
		t.Errorf("LookUp = %v", err)
	}
	err := b.LookUp(t.Context(), who, nil, func(_ approval.Tx, before, with int) error {
		if before+with != 0 {
			t.Errorf("%d and %d are kept", before, with)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
