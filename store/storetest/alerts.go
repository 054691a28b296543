package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/audit"
	"twokey/commands/alert"
)

var alerts = map[string]func(*testing.T, *bench){
	"an alert is told once, again, and acknowledged": alertLife,
}

func alertLife(t *testing.T, b *bench) {
	ctx := t.Context()
	to := []string{`{"platform":"p","user":"bea"}`, `{"platform":"p","channel":"admins"}`}
	raise := func(ref, key string, want bool) {
		t.Helper()
		raised, err := b.Raise(ctx, alert.Alert{Ref: ref, Tenant: tenant, Key: key, Headline: "It is off.", Text: hostile}, to,
			[]audit.Entry{{Tenant: tenant, Kind: "watch.changed", Actor: audit.Bot, Facts: map[string]any{"line": key}}}, []string{"line"})
		if raised != want || err != nil {
			t.Errorf("Raise(%s) = %t, %v; want %t", ref, raised, err, want)
		}
	}
	owed := func(what string, want ...string) {
		t.Helper()
		rows, err := b.Due(ctx, 100)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range rows {
			got = append(got, fmt.Sprintf("%s %s%s %d", strings.Join(strings.Split(r.Key, "/")[2:4], " "), r.To.User, r.To.Channel, r.Wanted))
			if r.Kind != alert.Notice {
				t.Errorf("%s: of kind %s", what, r.Kind)
			}
			if err := b.Shown(ctx, r, "m"+r.Key); err != nil {
				t.Fatal(err)
			}
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s: owed %q, want %q", what, got, want)
		}
	}
	due := func(what string, want ...string) []alert.Alert {
		t.Helper()
		all, err := b.DueAlerts(ctx, tenant)
		var got []string
		for _, a := range all {
			got = append(got, fmt.Sprint(a.Ref, " ", a.Told))
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: DueAlerts = %q, %v; want %q", what, got, err, want)
		}
		return all
	}
	b.clock.advance(time.Hour)
	raise("W-AAAAAA", "one", true)
	raise("W-BBBBBB", "one", false)
	owed("raised twice", "W-AAAAAA 1 admins 1", "W-AAAAAA 1 bea 1")
	due("at once")
	b.clock.advance(59 * time.Minute)
	b.reopen(t)
	raise("W-CCCCCC", "one", false) // over a restart
	owed("after a restart")
	due("before its time")
	b.clock.advance(2 * time.Minute)
	first := due("after an hour", "W-AAAAAA 1")
	for range 2 { // two processes
		if err := b.Repeat(ctx, first[0], to[1:], alert.Spacing(2)); err != nil {
			t.Fatal(err)
		}
	}
	owed("told again", "W-AAAAAA 2 admins 1")
	due("just told again")
	b.clock.advance(2 * time.Hour)
	second := due("two hours later", "W-AAAAAA 2")
	if a, ok, err := b.Acknowledge(ctx, tenant, "W-NONE22", "bea"); ok || err != nil {
		t.Errorf("Acknowledge of none = %+v, %t, %v", a, ok, err)
	}
	for i, who := range []string{"bea", "abe"} {
		a, ok, err := b.Acknowledge(ctx, tenant, "W-AAAAAA", who)
		if err != nil || !ok || a.By != "bea" || a.Acknowledged.IsZero() || a.Told != 2 || a.Text != hostile {
			t.Errorf("Acknowledge, time %d = %+v, %t, %v; want by bea", i+1, a, ok, err)
		}
	}
	owed("acknowledged", "W-AAAAAA 1 admins 2", "W-AAAAAA 1 bea 2", "W-AAAAAA 2 admins 2")
	if err := b.Repeat(ctx, second[0], to, time.Hour); err != nil {
		t.Fatal(err)
	}
	b.clock.advance(100 * time.Hour)
	due("for good")
	owed("for good")
	kinds := map[string]int{}
	for r, err := range b.Audit(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		kinds[r.Kind]++
	}
	if kinds["watch.changed"] != 1 || kinds["watch.acknowledged"] != 1 {
		t.Errorf("recorded %v, want each once", kinds)
	}
	if a, ok, err := b.Alert(ctx, "elsewhere", "W-AAAAAA"); ok || err != nil {
		t.Errorf("another tenant's: %+v, %t, %v", a, ok, err)
	}
}
