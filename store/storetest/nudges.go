package storetest

import (
	"testing"
	"time"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/graph/rollout"
	"twokey/scheduler/nudge"
)

var nudges = map[string]func(*testing.T, *bench){
	"waves come back, are replaced, and end":           wavesRoundTrip,
	"people are enlisted once, and announced once":     enlistedOnce,
	"a nudge is planned once, by whomever":             plannedOnce,
	"a nudge that did not go out can be planned again": withdrawn,
	"a nudge is thanked for once":                      thankedOnce,
}

func (b *bench) putWave(t *testing.T, w rollout.Wave) {
	t.Helper()
	b.update(t, func(tx approval.Tx) error {
		return tx.(interface {
			PutWave(tenant string, w rollout.Wave) error
		}).PutWave(tenant, w)
	})
}

func (b *bench) aWave(state rollout.WaveState) rollout.Wave {
	now := b.clock.Now().UTC().Truncate(time.Microsecond)
	return rollout.Wave{
		Ref: "W-AAAAAA", Name: hostile, Whom: rollout.Whom{Kind: rollout.WhomGroup, ID: "g", Name: hostile}, State: state, Messages: 3,
		By: now.Add(time.Hour), Then: hostile, Author: "ada", Request: "R-ABC234", Since: now, Began: now,
	}
}

func wavesRoundTrip(t *testing.T, b *bench) {
	want := func(tenant string, want ...rollout.Wave) {
		t.Helper()
		got, err := b.Waves(t.Context(), tenant)
		if err != nil {
			t.Fatal(err)
		}
		wantSame(t, "Waves("+tenant+")", got, want)
	}
	want(tenant)
	w := b.aWave(rollout.WaveDraft)
	w.Began = time.Time{}
	b.putWave(t, w)
	want(tenant, w)
	want("elsewhere")
	b.clock.advance(time.Minute)
	b.reopen(t)
	w.State, w.Then, w.By = rollout.WaveRunning, "", time.Time{}
	b.putWave(t, w) // since when it is stays
	want(tenant, w)
	for range 2 {
		if err := b.EndWave(t.Context(), tenant, w.Ref); err != nil {
			t.Fatal(err)
		}
	}
	w.State = rollout.WaveOver
	want(tenant, w)
	if head := b.head(t); head.Number != 1 || head.Kind != "wave.over" {
		t.Errorf("the end is recorded as %+v", head)
	}
}

func enlistedOnce(t *testing.T, b *bench) {
	w := b.aWave(rollout.WaveRunning)
	b.putWave(t, w)
	to := chat.Address{Platform: "chat", Channel: "team"}
	for _, people := range [][]string{{"b", "a", "b"}, {"c"}} {
		if err := b.Enlist(t.Context(), w, people, to); err != nil {
			t.Fatal(err)
		}
	}
	got, err := b.Enlisted(t.Context(), tenant, w.Ref)
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, "Enlisted", got, []string{"b", "a"})
	if rows := b.due(t, 10); len(rows) != 1 || rows[0].To != to || rows[0].Kind != nudge.Kind {
		t.Errorf("owed: %+v", rows)
	}
}

func aNudge(number int) nudge.Nudge {
	return nudge.Nudge{Tenant: tenant, Object: "sam", Number: number, Wave: "W-AAAAAA", Subject: nudge.Register, Step: number}
}

// plan plans a nudge, and says whether it was.
func (b *bench) plan(t *testing.T, x nudge.Nudge) bool {
	t.Helper()
	ok, err := b.Plan(t.Context(), x, chat.Account{Platform: "chat", User: "sam"})
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func plannedOnce(t *testing.T, b *bench) {
	if b.plan(t, aNudge(1)) {
		t.Error("planned in a wave that there is not")
	}
	b.putWave(t, b.aWave(rollout.WavePaused))
	if b.plan(t, aNudge(1)) {
		t.Error("planned in a wave that is paused")
	}
	b.putWave(t, b.aWave(rollout.WaveRunning))
	if !b.plan(t, aNudge(1)) || b.plan(t, aNudge(1)) || b.plan(t, aNudge(3)) {
		t.Error("the first was not planned, or twice, or one was left out")
	}
	now := b.clock.Now().UTC().Truncate(time.Microsecond)
	x := aNudge(1)
	x.Planned = now
	b.clock.advance(time.Minute)
	for range 2 {
		if err := b.Say(t.Context(), x); err != nil {
			t.Fatal(err)
		}
		b.clock.advance(time.Minute)
	}
	x.Said = now.Add(time.Minute)
	got, err := b.Nudges(t.Context(), tenant)
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, "Nudges", got, []nudge.Nudge{x})
	if err := b.Withdraw(t.Context(), x, rollout.SkipDone); err != nil {
		t.Fatal(err)
	}
	one, ok, err := b.Nudge(t.Context(), tenant, "sam", 1)
	if err != nil || !ok {
		t.Fatalf("one that went out was taken back: %t, %v", ok, err)
	}
	wantSame(t, "Nudge", one, x)
	if rows := b.due(t, 10); len(rows) != 1 || rows[0].To.User != "sam" {
		t.Errorf("owed: %+v", rows)
	}
	if head := b.head(t); head.Number != 1 || head.Kind != "nudge.sent" {
		t.Errorf("recorded: %+v", head)
	}
}

func withdrawn(t *testing.T, b *bench) {
	b.putWave(t, b.aWave(rollout.WaveRunning))
	b.plan(t, aNudge(1))
	for range 2 {
		if err := b.Withdraw(t.Context(), aNudge(1), rollout.SkipPostponed); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok, err := b.Nudge(t.Context(), tenant, "sam", 1); ok || err != nil {
		t.Errorf("it is still there: %v", err)
	}
	b.clock.advance(time.Hour)
	if !b.plan(t, aNudge(1)) {
		t.Error("not planned again")
	}
	if rows := b.due(t, 10); len(rows) != 2 { // the first has nothing to say, and says so as it is sent
		t.Errorf("owed: %+v", rows)
	}
	if head := b.head(t); head.Number != 1 || head.Kind != "nudge.withdrawn" {
		t.Errorf("recorded: %+v", head)
	}
}

func thankedOnce(t *testing.T, b *bench) {
	b.putWave(t, b.aWave(rollout.WaveRunning))
	b.plan(t, aNudge(1))
	row := b.due(t, 10)[0]
	if err := b.Shown(t.Context(), row, "m-1"); err != nil {
		t.Fatal(err)
	}
	done := b.clock.Now().UTC().Truncate(time.Microsecond)
	if err := b.Thank(t.Context(), tenant, "sam", nudge.Lasting, done); err != nil {
		t.Fatal(err)
	}
	if rows := b.due(t, 10); len(rows) > 0 {
		t.Errorf("thanked for something else: %+v", rows)
	}
	for i, at := range []time.Time{done, done.Add(time.Hour)} {
		if err := b.Thank(t.Context(), tenant, "sam", nudge.Register, at); err != nil {
			t.Fatal(err)
		}
		rows := b.due(t, 10)
		if want := 1 - i; len(rows) != want {
			t.Fatalf("%d messages are worded anew, want %d", len(rows), want)
		}
		if len(rows) > 0 {
			if err := b.Shown(t.Context(), rows[0], "m-1"); err != nil {
				t.Fatal(err)
			}
		}
	}
	one, _, err := b.Nudge(t.Context(), tenant, "sam", 1)
	if err != nil || !one.Done.Equal(done) {
		t.Errorf("done at %v (%v), want %v", one.Done, err, done)
	}
}
