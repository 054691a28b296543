package storetest

import (
	"testing"
	"time"

	"twokey/commands/approval"
)

var freezes = map[string]func(*testing.T, *bench){
	"a freeze comes back, is replaced, and ends": freezeRoundTrip,
}

func freezeRoundTrip(t *testing.T, b *bench) {
	set := func(tenant string, f approval.Freeze) {
		t.Helper()
		b.update(t, func(tx approval.Tx) error { return tx.SetFreeze(tenant, f) })
	}
	want := func(tenant string, want approval.Freeze) {
		t.Helper()
		b.view(t, func(tx approval.Tx) error {
			got, err := tx.Freeze(tenant)
			wantSame(t, "Freeze("+tenant+")", got, want)
			return err
		})
	}
	want(tenant, approval.Freeze{})
	set(tenant, approval.Freeze{}) // thawing what is not frozen
	first, second := approval.Freeze{Since: day, By: "bea", Why: hostile}, approval.Freeze{Since: day.Add(time.Hour), By: "host"}
	set(tenant, first)
	set("elsewhere", second)
	want(tenant, first)
	set(tenant, second)
	want(tenant, second)
	b.reopen(t)
	want(tenant, second)
	set(tenant, approval.Freeze{})
	want(tenant, approval.Freeze{})
	want("elsewhere", second)
}
