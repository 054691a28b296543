package storetest

import (
	"errors"
	"testing"
	"time"

	"twokey/audit"
	"twokey/commands/approval"
	"twokey/commands/rules"
)

var ruleSuite = map[string]func(*testing.T, *bench){
	"rules come back as they were laid down":        rulesRoundTrip,
	"rules are laid down after what was read only":  rulesInTurn,
	"what rules are told with is stored or neither": rulesTogether,
	"the last rules of each tenant":                 rulesLast,
	"who is away comes back until then":             awayRoundTrip,
}

func laid(contact string) rules.Rules {
	return rules.Rules{
		Tenant: tenant, Contact: contact, Wait: time.Minute,
		Roles: map[string][]rules.Holder{"approver": {{User: hostile}, {Group: "g-1"}}}, Links: map[string]string{"slack/T1/U1": "o-" + hostile},
		Approvals: map[string]rules.Approval{"tap": {Policy: "two", Wait: time.Hour}},
	}
}

// lay lays rules down and records it.
func (b *bench) lay(t *testing.T, r rules.Rules, after int64) {
	t.Helper()
	err := b.LayRules(t.Context(), r, after, func(tx approval.Tx) error {
		return tx.Record(audit.Entry{Tenant: r.Tenant, Kind: "rules.changed", Facts: map[string]string{"hash": r.Hash()}})
	})
	if err != nil {
		t.Fatalf("LayRules after %d: %v", after, err)
	}
}

// history lists the numbers and contacts of the versions that matter.
func (b *bench) history(t *testing.T, tenant string) (numbers []int64, last rules.Version) {
	t.Helper()
	all, err := b.Rules(t.Context(), tenant)
	if err != nil {
		t.Fatalf("Rules: %v", err)
	}
	for _, v := range all {
		numbers, last = append(numbers, v.Number), v
	}
	return numbers, last
}

func rulesLast(t *testing.T, b *bench) {
	want := func(contacts ...string) {
		t.Helper()
		last, err := b.LastRules(t.Context())
		if err != nil || len(last) != len(contacts) {
			t.Fatalf("LastRules: %+v, %v; want those of %q", last, err, contacts)
		}
		for i, r := range last {
			if r.Contact != contacts[i] {
				t.Errorf("the last rules of %s are those of %q, want %q", r.Tenant, r.Contact, contacts[i])
			}
		}
	}
	want()
	other := laid("other")
	other.Tenant = tenant + "-2"
	b.lay(t, other, 0)
	b.lay(t, laid("first"), 0)
	b.lay(t, laid("second"), 1)
	b.clock.advance(48 * time.Hour)
	want("second", "other")
}

func rulesRoundTrip(t *testing.T, b *bench) {
	if numbers, _ := b.history(t, tenant); numbers != nil {
		t.Fatalf("of nothing: %v", numbers)
	}
	for n, step := range []time.Duration{0, 30 * time.Hour, 2 * time.Hour, 23 * time.Hour} {
		b.clock.advance(step)
		b.lay(t, laid(string(rune('a'+n))), int64(n))
	}
	elsewhere := laid("elsewhere")
	elsewhere.Tenant = "elsewhere"
	b.lay(t, elsewhere, 0)
	b.reopen(t)
	// The second has been replaced for 23 hours only, so that a day ago it held.
	numbers, last := b.history(t, tenant)
	wantSame(t, "versions", numbers, []int64{2, 3, 4})
	wantSame(t, "the last", last.Rules, laid("d").Normal())
	wantSame(t, "since", last.Since, b.clock.Now().UTC().Truncate(time.Microsecond))
	numbers, last = b.history(t, "elsewhere")
	wantSame(t, "versions elsewhere", numbers, []int64{1})
	wantSame(t, "rules elsewhere", last.Rules, elsewhere.Normal())
	b.clock.advance(time.Hour - time.Microsecond)
	numbers, _ = b.history(t, tenant)
	wantSame(t, "versions a moment too early", numbers, []int64{2, 3, 4})
	b.clock.advance(time.Microsecond)
	numbers, _ = b.history(t, tenant)
	wantSame(t, "versions when the third has held for a day", numbers, []int64{3, 4})
	b.clock.advance(90 * time.Hour)
	numbers, _ = b.history(t, tenant)
	wantSame(t, "versions when all is old", numbers, []int64{4})
}

func rulesInTurn(t *testing.T, b *bench) {
	none := func(approval.Tx) error { return errors.New("told though lost") }
	want := func(after int64) {
		t.Helper()
		if err := b.LayRules(t.Context(), laid("late"), after, none); !errors.Is(err, approval.ErrLost) {
			t.Errorf("after %d: %v, want ErrLost", after, err)
		}
	}
	want(1)
	b.lay(t, laid("a"), 0)
	want(0)
	b.lay(t, laid("b"), 1)
	want(1)
	want(3)
	if numbers, last := b.history(t, tenant); len(numbers) == 0 || last.Number != 2 || last.Rules.Contact != "b" {
		t.Errorf("the last is %+v", last)
	}
}

func rulesTogether(t *testing.T, b *bench) {
	down := errors.New("down")
	if err := b.LayRules(t.Context(), laid("a"), 0, func(approval.Tx) error { return down }); !errors.Is(err, down) {
		t.Errorf("LayRules = %v", err)
	}
	if numbers, _ := b.history(t, tenant); numbers != nil {
		t.Errorf("laid down though nobody is told: %v", numbers)
	}
	b.lay(t, laid("a"), 0)
	if head := b.head(t); head == nil || head.Kind != "rules.changed" {
		t.Errorf("recorded: %+v", head)
	}
}

func awayRoundTrip(t *testing.T, b *bench) {
	set := func(object string, until time.Time) {
		t.Helper()
		who := approval.Principal{Tenant: tenant, Object: object}
		err := b.SetAway(t.Context(), who, until, func(tx approval.Tx) error {
			return tx.Record(audit.Entry{Tenant: tenant, Kind: "away", Facts: map[string]int64{"until": until.Unix()}})
		})
		if err != nil {
			t.Fatalf("SetAway: %v", err)
		}
	}
	want := func(tenant string, want map[string]time.Time) {
		t.Helper()
		got, err := b.Away(t.Context(), tenant)
		if err != nil {
			t.Fatalf("Away: %v", err)
		}
		wantSame(t, "away", got, want)
	}
	now := b.clock.Now().UTC().Truncate(time.Microsecond)
	want(tenant, map[string]time.Time{})
	set(hostile, now.Add(time.Hour))
	set("bea", now.Add(2*time.Hour))
	set("cat", now)
	b.reopen(t)
	want(tenant, map[string]time.Time{hostile: now.Add(time.Hour), "bea": now.Add(2 * time.Hour)})
	want("elsewhere", map[string]time.Time{})
	set(hostile, now.Add(3*time.Hour))
	set("bea", now)
	want(tenant, map[string]time.Time{hostile: now.Add(3 * time.Hour)})
	b.clock.advance(3 * time.Hour)
	want(tenant, map[string]time.Time{})
	down := errors.New("down")
	err := b.SetAway(t.Context(), approval.Principal{Tenant: tenant, Object: "bea"}, now.Add(9*time.Hour), func(approval.Tx) error { return down })
	if !errors.Is(err, down) {
		t.Errorf("SetAway = %v", err)
	}
	want(tenant, map[string]time.Time{})
}
