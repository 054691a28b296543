package storetest

import (
	"context"
	"reflect"
	"slices"
	"testing"
	"time"

	"twokey/audit"
	"twokey/commands/approval"
	"twokey/graph"
	"twokey/graph/rollout"
	"twokey/graph/watch"
)

// ChangeStore is what is asked of a store of the tenant's changes.
type ChangeStore interface {
	watch.Store
	approval.Store
	CountChanges(ctx context.Context, tenant string, since time.Time) (rollout.ChangeCount, error)
	MatchedChange(ctx context.Context, clientRequestID string) (lineID string, ok bool, err error)
	Prune(ctx context.Context, keep time.Duration) (pruned int, err error)
}

// RunChanges tests a store of the tenant's changes. The function opens a new one.
func RunChanges(t *testing.T, open func(t *testing.T) ChangeStore) {
	for name, run := range map[string]func(*testing.T, changeBench){
		"a change comes back with every field":              changeRoundTrip,
		"a line is kept once":                               changeOnce,
		"changes come newest first, without people's own":   changeOrder,
		"what is counted is what is listed":                 changeCount,
		"a gap is found by its end":                         changeGap,
		"the time watched only grows":                       changeWatched,
		"what nobody was told of waits":                     changeUntold,
		"a step finds its line":                             changeMatched,
		"steps are those of the tenant since a moment":      changeSteps,
		"changes are kept as long as the record":            changePruned,
		"one at a time watches a tenant":                    changeLead,
		"an app comes back as it was kept last":             changeApp,
		"text that no database takes is kept as best it is": changeText,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, changeBench{t, open(t)})
		})
	}
}

type changeBench struct {
	t *testing.T
	ChangeStore
}

func (b changeBench) keep(changes ...rollout.LoggedChange) {
	b.t.Helper()
	if err := b.KeepChanges(b.t.Context(), tenant, changes, day, day.Add(time.Hour)); err != nil {
		b.t.Fatalf("KeepChanges: %v", err)
	}
}

func (b changeBench) load(since time.Time, n int) rollout.ChangeLog {
	b.t.Helper()
	l, err := b.Changes(b.t.Context(), tenant, since, n)
	if err != nil {
		b.t.Fatalf("Changes: %v", err)
	}
	return l
}

// lines are the IDs of changes.
func lines(changes []rollout.LoggedChange) (ids []string) {
	for _, c := range changes {
		ids = append(ids, c.AuditID)
	}
	return ids
}

func (b changeBench) wantLines(what string, got []rollout.LoggedChange, want ...string) {
	b.t.Helper()
	if ids := lines(got); !slices.Equal(ids, want) {
		b.t.Errorf("%s: got %q, want %q", what, ids, want)
	}
}

// changed is one by somebody else, so many minutes after the day began.
func changed(id string, minutes int) rollout.LoggedChange {
	return rollout.LoggedChange{
		TenantChange: rollout.TenantChange{
			Kind: rollout.ChangePass, At: day.Add(time.Duration(minutes) * time.Minute), AuditID: id, Activity: "Create",
			ByUserID: "ann", By: "ann@x", TargetID: "bob", Target: "bob@x",
		},
		Origin: rollout.Outside,
	}
}

func ownChange(id string, minutes int) rollout.LoggedChange {
	c := changed(id, minutes)
	c.Own, c.TargetID = true, "ann"
	return c
}

func inOurName(id string, minutes int) rollout.LoggedChange {
	c := changed(id, minutes)
	c.Origin, c.ByUserID, c.ByAppID = rollout.InOurName, "", "our app"
	return c
}

func byTwokey(id, clientID string, minutes int, proved bool) rollout.LoggedChange {
	c := changed(id, minutes)
	c.Origin, c.ByUserID, c.ByAppID, c.Request, c.ClientID, c.Proved = rollout.ByTwokey, "", "our app", "R-ABC234", clientID, proved
	return c
}

func changeRoundTrip(t *testing.T, b changeBench) {
	want := rollout.LoggedChange{
		TenantChange: rollout.TenantChange{
			Kind: rollout.ChangeDefaults, At: day.Add(time.Minute), AuditID: "line " + hostile, Activity: hostile, Operation: "Update",
			Correlation: "correlation", ByUserID: "ann", ByAppID: "app", By: hostile, Own: true, TargetID: "target", Target: hostile,
			Old: "true", New: hostile,
		},
		Origin: rollout.ByTwokey, Request: "R-ABC234", ClientID: "client", Proved: true, Failed: true, Quiet: true, Until: day.Add(time.Hour),
	}
	everyFieldSet(t, reflect.ValueOf(want), "LoggedChange")
	b.keep(want)
	want.Quiet = false // that was for keeping it
	l := b.load(day, 10)
	wantSame(t, "Changes", l, rollout.ChangeLog{Changes: []rollout.LoggedChange{want}, WatchedSince: day, WatchedUntil: day.Add(time.Hour)})
}

func changeOnce(_ *testing.T, b changeBench) {
	first, again := changed("a", 1), changed("a", 2)
	b.keep(first)
	b.keep(again, changed("b", 3))
	l := b.load(day, 10)
	b.wantLines("Changes", l.Changes, "b", "a")
	if len(l.Changes) == 2 && !l.Changes[1].At.Equal(first.At) {
		b.t.Errorf("the line is kept as %+v, want as it came first", l.Changes[1])
	}
}

func changeOrder(_ *testing.T, b changeBench) {
	other := []rollout.LoggedChange{changed("of another tenant", 5)}
	if err := b.KeepChanges(b.t.Context(), "another", other, day, day); err != nil {
		b.t.Fatal(err)
	}
	b.keep(changed("b", 2), changed("a", 1), ownChange("own", 3), changed("d", 4), changed("c", 4))
	l := b.load(day.Add(2*time.Minute), 10)
	b.wantLines("since two minutes past", l.Changes, "d", "c", "b")
	if l.Own != 1 {
		b.t.Errorf("own: got %d, want 1", l.Own)
	}
	b.wantLines("the last one", b.load(day, 1).Changes, "d")
	if empty := b.load(day.Add(time.Hour), 10); empty.Changes != nil || empty.Own != 0 {
		b.t.Errorf("after all of them: got %+v, want none", empty)
	}
}

func changeCount(_ *testing.T, b changeBench) {
	b.keep(changed("before", 0), changed("a", 1), ownChange("own", 2), inOurName("c", 3), byTwokey("d", "client", 4, true), gap("gap", 1, 2))
	got, err := b.CountChanges(b.t.Context(), tenant, day.Add(time.Minute))
	if want := (rollout.ChangeCount{Outside: 2, InOurName: 1, Gaps: 1}); err != nil || got != want {
		b.t.Errorf("CountChanges = %+v, %v; want %+v", got, err, want)
	}
	if got, err := b.CountChanges(b.t.Context(), "another", day); err != nil || got != (rollout.ChangeCount{}) {
		b.t.Errorf("of another tenant: %+v, %v; want none", got, err)
	}
}

func gap(id string, from, to int) rollout.LoggedChange {
	return rollout.LoggedChange{
		TenantChange: rollout.TenantChange{AuditID: id, At: day.Add(time.Duration(from) * time.Minute)},
		Origin:       rollout.Gap, Until: day.Add(time.Duration(to) * time.Minute),
	}
}

func changeGap(_ *testing.T, b changeBench) {
	b.keep(gap("gap/1", 1, 5))
	b.wantLines("within it", b.load(day.Add(4*time.Minute), 10).Changes, "gap/1")
	b.wantLines("after it", b.load(day.Add(6*time.Minute), 10).Changes)
}

func changeWatched(t *testing.T, b changeBench) {
	ctx := t.Context()
	want := func(what string, since, until time.Time) {
		t.Helper()
		s, u, err := b.Watched(ctx, tenant)
		if err != nil || !s.Equal(since) || !u.Equal(until) {
			t.Errorf("%s: Watched = %v, %v, %v; want %v, %v", what, s, u, err, since, until)
		}
	}
	want("before", time.Time{}, time.Time{})
	for _, read := range []struct{ since, until int }{{2, 5}, {3, 7}, {1, 6}} {
		at := func(h int) time.Time { return day.Add(time.Duration(h) * time.Hour) }
		if err := b.KeepChanges(ctx, tenant, nil, at(read.since), at(read.until)); err != nil {
			t.Fatal(err)
		}
	}
	want("afterwards", day.Add(2*time.Hour), day.Add(7*time.Hour))
}

func changeUntold(t *testing.T, b changeBench) {
	ctx := t.Context()
	want := func(what string, proved bool, ids ...string) {
		t.Helper()
		changes, p, err := b.Untold(ctx, tenant)
		if err != nil || p != proved {
			t.Errorf("%s: Untold = %t, %v; want %t", what, p, err, proved)
		}
		b.wantLines(what, changes, ids...)
	}
	b.keep(inOurName("b", 2), inOurName("a", 1), changed("outside", 1), byTwokey("guessed", "client-1", 3, false))
	want("kept", false, "a", "b")
	if err := b.Told(ctx, tenant, []string{"a", "not there"}); err != nil {
		t.Fatal(err)
	}
	b.keep(inOurName("a", 1), byTwokey("proved", "client-2", 4, true))
	want("one told", true, "b")
	policy, quiet, on := changed("policy", 5), changed("quiet", 6), changed("on", 7)
	policy.Kind, quiet.Kind, on.Kind = rollout.ChangePolicy, rollout.ChangePolicy, rollout.ChangeDefaults
	quiet.Quiet, on.New = true, "true"
	b.keep(policy, quiet, on)
	want("a policy that others changed", true, "b", "policy")
	if changes, _, err := b.Untold(ctx, "another"); err != nil || changes != nil {
		t.Errorf("of another tenant: %v, %v; want none", changes, err)
	}
}

func changeMatched(t *testing.T, b changeBench) {
	b.keep(byTwokey("early guess", "client-1", 1, false), byTwokey("second", "client-1", 3, true), byTwokey("first", "client-1", 2, true), changed("outside", 1))
	for _, tt := range []struct {
		client, line string
	}{{"client-1", "first"}, {"client-2", ""}, {"", ""}} {
		line, ok, err := b.MatchedChange(t.Context(), tt.client)
		if err != nil || line != tt.line || ok != (tt.line != "") {
			t.Errorf("MatchedChange(%q) = %q, %t, %v; want %q", tt.client, line, ok, err, tt.line)
		}
	}
}

func changeSteps(t *testing.T, b changeBench) {
	r, other := sample("a"), sample("b")
	other.Tenant, other.Requester.Tenant = "another", "another"
	var steps []approval.Step
	err := b.Update(t.Context(), func(tx approval.Tx) error {
		var fence int64
		for _, name := range []string{lease, "run/" + r.ID, "run/" + other.ID} {
			var err error
			if fence, _, err = tx.Acquire(name, "one", time.Minute, false); err != nil {
				return err
			}
		}
		for _, request := range []approval.Request{r, other} {
			if err := tx.Insert(request); err != nil {
				return err
			}
			for try := range 2 {
				s := step(request, 1, try+1, fence)
				s.Intent, s.ClientID = day.Add(time.Duration(try)*time.Hour), "client-"+request.ID
				if err := tx.Intend(s); err != nil {
					return err
				}
				s.Class, s.FinishedAt = approval.Applied, s.Intent.Add(time.Second)
				if err := tx.Conclude(s); err != nil {
					return err
				}
				steps = append(steps, s)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := b.SentSteps(t.Context(), tenant, day.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, "SentSteps", got, []rollout.SentStep{{
		Request: r.Ref, ClientID: "client-" + r.ID, URL: steps[1].URL, Targets: []string{r.Targets[0].ID, r.Targets[1].ID},
		Intent: steps[1].Intent, Finished: steps[1].FinishedAt,
	}})
}

func changeLead(t *testing.T, b changeBench) {
	for _, tt := range []struct {
		tenant, owner string
		want          bool
	}{{tenant, "one", true}, {tenant, "one", true}, {"another", "two", true}, {tenant, "two", b.Alone()}} {
		if ok, err := b.LeadWatch(t.Context(), tt.tenant, tt.owner, time.Minute); err != nil || ok != tt.want {
			t.Errorf("LeadWatch(%s, %s) = %t, %v; want %t", tt.tenant, tt.owner, ok, err, tt.want)
		}
	}
}

func changeText(_ *testing.T, b changeBench) {
	c := changed("a", 1)
	c.Target, c.New = "nul\x00 and \xff", string(make([]byte, 2000))
	b.keep(c)
	l := b.load(day, 10)
	b.wantLines("Changes", l.Changes, "a")
	if len(l.Changes) == 1 && l.Changes[0].Target != "nul\ufffd and \ufffd" {
		b.t.Errorf("target: got %+q", l.Changes[0].Target)
	}
}

func changePruned(_ *testing.T, b changeBench) {
	old, young := changed("old", 1), changed("young", 2)
	young.At = time.Now() // by the clock of this store
	old.At = young.At.Add(-audit.LeastKept - time.Hour)
	b.keep(old, young)
	if _, err := b.Prune(b.t.Context(), 0); err != nil {
		b.t.Fatal(err)
	}
	b.wantLines("afterwards", b.load(old.At, 10).Changes, "young")
}

func changeApp(t *testing.T, b changeBench) {
	want := watch.SeenApp{}
	for _, app := range []string{"one", "two"} {
		if got, err := b.SeenApp(t.Context(), tenant, app); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("SeenApp of what was never kept = %+v, %v", got, err)
		}
	}
	for _, owner := range []string{"ann", "bob"} {
		want = watch.SeenApp{
			App: graph.App{
				ID: "one", ObjectID: "o", PrincipalID: "p", Name: "Twokey", Enabled: true, OwnerIDs: []string{owner},
				Credentials: []graph.Credential{{ID: "c", Kind: graph.CredentialFederation, Start: day, End: day.Add(time.Hour), Issuer: "https://i.example", Audiences: []string{"a"}}},
				Permissions: []graph.AppGrant{{ID: "g", Resource: "Microsoft Graph"}},
			},
			At: day, Said: []string{"credential_expiring/c"},
		}
		if err := b.KeepApp(t.Context(), tenant, "one", want); err != nil {
			t.Fatal(err)
		}
		if got, err := b.SeenApp(t.Context(), tenant, "one"); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("SeenApp = %+v, %v\nwant %+v", got, err, want)
		}
	}
	if got, err := b.SeenApp(t.Context(), "another tenant", "one"); err != nil || got.App.ID != "" {
		t.Errorf("SeenApp of another tenant = %+v, %v", got, err)
	}
}
