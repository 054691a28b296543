package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"twokey/commands/approval"
)

var requests = map[string]func(*testing.T, *bench){
	"a request comes back with every field":         requestRoundTrip,
	"a request without its optional parts":          requestBare,
	"what is not there is not found":                notFound,
	"ID, reference and key of a request are its":    requestUnique,
	"requests are listed by tenant and state":       requestList,
	"recent requests are listed by when asked":      recentList,
	"unresolved requests are listed by their start": unresolvedList,
	"requests alike are of one kind and spelling":   alikeList,
	"a move stores what it changes":                 moveStores,
	"of two movers one wins":                        moveOnce,
	"of many movers at once one wins":               moveRace,
	"a person has one vote of a kind":               decisionUnique,
	"decisions come back in order":                  decisionRoundTrip,
}

func requestRoundTrip(t *testing.T, b *bench) {
	want := b.insert(t, "a")
	everyFieldSet(t, reflect.ValueOf(want), "Request")
	for _, name := range []string{want.ID, want.Ref} {
		wantSame(t, "Request("+name+")", b.request(t, name), want)
	}
	b.view(t, func(tx approval.Tx) error {
		got, err := tx.RequestByKey(want.Key)
		wantSame(t, "RequestByKey", got, want)
		return err
	})
}

// everyFieldSet fails if the sample leaves out a field: one that was added
// since would not be tested.
func everyFieldSet(t *testing.T, v reflect.Value, path string) {
	t.Helper()
	if v.IsZero() {
		t.Errorf("the sample does not set %s", path)
	}
	if v.Type() == reflect.TypeFor[time.Time]() {
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			everyFieldSet(t, v.Field(i), path+"."+v.Type().Field(i).Name)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Struct && v.Len() > 0 {
			everyFieldSet(t, v.Index(0), path+"[0]")
		}
	default:
	}
}

func unresolvedList(t *testing.T, b *bench) {
	ends := map[string]approval.State{"known": approval.Failed, "old": approval.Unknown, "new": approval.Unknown}
	for name, end := range ends {
		r := b.insert(t, name)
		start := day
		if name == "old" {
			start = day.Add(-time.Microsecond)
		}
		b.update(t, func(tx approval.Tx) error {
			_, err := tx.Move(r, approval.Change{To: end, NotBefore: start.Add(-time.Minute), StartBy: start})
			return err
		})
	}
	b.view(t, func(tx approval.Tx) error {
		got, err := tx.Unresolved(day)
		if len(got) != 1 || got[0].State != approval.Unknown || !got[0].StartBy.Equal(day) {
			t.Errorf("Unresolved = %+v", got)
		}
		return err
	})
}

func requestBare(t *testing.T, b *bench) {
	want := approval.Request{
		ID: "id", Ref: "R-BARE22", Key: "key", Tenant: tenant, Requester: approval.Principal{Tenant: tenant, Object: "ada"},
		State: approval.Pending, Version: 1, Created: day, Expires: day.Add(time.Hour),
	}
	var err error
	if want.Digest, err = want.Sum(); err != nil {
		t.Fatal(err)
	}
	b.update(t, func(tx approval.Tx) error { return tx.Insert(want) })
	got := b.request(t, "id")
	if !got.NotBefore.IsZero() || !got.StartBy.IsZero() {
		t.Errorf("NotBefore, StartBy = %v, %v; want none", got.NotBefore, got.StartBy)
	}
	if sum, err := got.Sum(); err != nil || sum != want.Digest {
		t.Errorf("the digest of what came back is %s (%v), want %s", sum, err, want.Digest)
	}
}

func notFound(t *testing.T, b *bench) {
	b.insert(t, "a")
	b.view(t, func(tx approval.Tx) error {
		if _, err := tx.Request("nobody"); !errors.Is(err, approval.ErrNotFound) {
			t.Errorf("Request = %v, want ErrNotFound", err)
		}
		if _, err := tx.RequestByKey("nobody"); !errors.Is(err, approval.ErrNotFound) {
			t.Errorf("RequestByKey = %v, want ErrNotFound", err)
		}
		if _, err := tx.Attempt("id-a"); !errors.Is(err, approval.ErrNotFound) {
			t.Errorf("Attempt = %v, want ErrNotFound", err)
		}
		return nil
	})
}

func requestUnique(t *testing.T, b *bench) {
	first := b.insert(t, "a")
	for name, change := range map[string]func(*approval.Request){
		"ID":        func(r *approval.Request) { r.ID = first.ID },
		"reference": func(r *approval.Request) { r.Ref = first.Ref },
		"key":       func(r *approval.Request) { r.Key = first.Key },
	} {
		second := sample("b")
		change(&second)
		if err := b.Update(t.Context(), func(tx approval.Tx) error { return tx.Insert(second) }); err == nil {
			t.Errorf("a second request with the same %s was stored", name)
		}
	}
	b.insert(t, "b")
}

func requestList(t *testing.T, b *bench) {
	for i, state := range []approval.State{approval.Pending, approval.Denied, approval.Executing, approval.Pending} {
		r := sample(fmt.Sprint(i))
		r.State = state
		r.Created = day.Add(-time.Duration(i) * time.Microsecond) // the last inserted is the oldest
		if i == 3 {
			r.Tenant, r.Requester.Tenant = "elsewhere", "elsewhere"
		}
		b.update(t, func(tx approval.Tx) error { return tx.Insert(r) })
	}
	for _, row := range []struct {
		name   string
		tenant string
		states []approval.State
		want   []string
	}{
		{"all", "", nil, []string{"id-3", "id-2", "id-1", "id-0"}},
		{"one tenant", tenant, nil, []string{"id-2", "id-1", "id-0"}},
		{"one state", "", []approval.State{approval.Pending}, []string{"id-3", "id-0"}},
		{"tenant and states", tenant, []approval.State{approval.Pending, approval.Executing}, []string{"id-2", "id-0"}},
		{"no such tenant", "nowhere", nil, nil},
	} {
		b.view(t, func(tx approval.Tx) error {
			rs, err := tx.Requests(row.tenant, row.states...)
			var got []string
			for _, r := range rs {
				got = append(got, r.ID)
			}
			if !slices.Equal(got, row.want) {
				t.Errorf("%s: got %v, want %v", row.name, got, row.want)
			}
			return err
		})
	}
}

func recentList(t *testing.T, b *bench) {
	for i, state := range []approval.State{approval.Denied, approval.Pending, approval.Succeeded, approval.Pending, approval.Approved} {
		r := sample(fmt.Sprint(i))
		r.State = state
		r.Created = day.Add(-time.Duration(i) * time.Hour)
		r.StartBy = time.Time{}
		switch i {
		case 4:
			r.Created, r.StartBy = day.Add(-24*time.Hour), day.Add(-10*time.Minute)
		case 3:
			r.Tenant, r.Requester.Tenant, r.Created = "elsewhere", "elsewhere", day
		}
		b.update(t, func(tx approval.Tx) error { return tx.Insert(r) })
	}
	for _, row := range []struct {
		tenant string
		since  time.Time
		want   []string
	}{
		{tenant, day.Add(-24 * time.Hour), []string{"id-4", "id-2", "id-1", "id-0"}},
		{tenant, day.Add(-time.Hour), []string{"id-4", "id-1", "id-0"}}, // the moment itself counts
		{tenant, day.Add(-time.Hour + time.Microsecond), []string{"id-4", "id-0"}},
		{tenant, day.Add(-10 * time.Minute), []string{"id-4", "id-0"}}, // asked long ago, and due to start
		{tenant, day.Add(-10*time.Minute + time.Microsecond), []string{"id-0"}},
		{tenant, day.Add(time.Microsecond), nil},
		{"elsewhere", day, []string{"id-3"}},
		{"", day, nil},
	} {
		b.view(t, func(tx approval.Tx) error {
			rs, err := tx.Recent(row.tenant, row.since)
			var got []string
			for _, r := range rs {
				got = append(got, r.ID)
			}
			if !slices.Equal(got, row.want) {
				t.Errorf("Recent(%q, %v) = %v, want %v", row.tenant, row.since, got, row.want)
			}
			return err
		})
	}
}

func alikeList(t *testing.T, b *bench) {
	asked := b.insert(t, "a")
	for name, change := range map[string]func(*approval.Request){
		"kind":    func(r *approval.Request) { r.Kind = "other" },
		"args":    func(r *approval.Request) { r.Args = json.RawMessage(`{"on":true}`) },
		"tenant":  func(r *approval.Request) { r.Tenant, r.Requester.Tenant = "elsewhere", "elsewhere" },
		"earlier": func(r *approval.Request) { r.Created = day.Add(-time.Microsecond) },
		"alike":   func(r *approval.Request) { r.Created, r.Targets = day.Add(time.Microsecond), nil },
	} {
		r := sample(name)
		change(&r)
		b.update(t, func(tx approval.Tx) error { return tx.Insert(r) })
	}
	b.view(t, func(tx approval.Tx) error {
		rs, err := tx.Alike(asked, day)
		if len(rs) != 2 || rs[0].ID != "id-a" || rs[1].ID != "id-alike" {
			t.Errorf("Alike gives %d requests: %+v; want a and alike", len(rs), rs)
		}
		return err
	})
}

func moveStores(t *testing.T, b *bench) {
	r := sample("a")
	r.State, r.Version, r.NotBefore, r.StartBy, r.Outcome = approval.Pending, 1, time.Time{}, time.Time{}, approval.Outcome{}
	b.update(t, func(tx approval.Tx) error { return tx.Insert(r) })
	outcome := sample("a").Outcome
	for _, c := range []approval.Change{
		{To: approval.Pending},
		{To: approval.Approved, NotBefore: day.Add(time.Minute), StartBy: day.Add(time.Hour)},
		{To: approval.Executing}, // keeps the times
		{To: approval.Succeeded, Outcome: &outcome},
	} {
		want := r
		want.State, want.Version = c.To, r.Version+1
		if !c.NotBefore.IsZero() {
			want.NotBefore, want.StartBy = c.NotBefore, c.StartBy
		}
		if c.Outcome != nil {
			want.Outcome = *c.Outcome
		}
		b.update(t, func(tx approval.Tx) (err error) {
			r, err = tx.Move(r, c)
			return err
		})
		wantSame(t, "Move to "+string(c.To), r, want)
		wantSame(t, "stored by the move to "+string(c.To), b.request(t, r.ID), want)
	}
}

func moveOnce(t *testing.T, b *bench) {
	read := b.insert(t, "a")
	b.update(t, func(tx approval.Tx) error {
		_, err := tx.Move(read, approval.Change{To: approval.Denied})
		return err
	})
	want := b.request(t, read.ID)
	other := read
	other.State = approval.Pending // the right version, the wrong state
	other.Version++
	for name, r := range map[string]approval.Request{"what was read before": read, "another state": other} {
		b.refuse(t, approval.ErrLost, func(tx approval.Tx) error {
			_, err := tx.Move(r, approval.Change{To: approval.Cancelled})
			return err
		})
		wantSame(t, "after a refused move from "+name, b.request(t, read.ID), want)
	}
}

func moveRace(t *testing.T, b *bench) {
	const movers, rounds = 4, 25
	read := b.insert(t, "a")
	for range rounds {
		var won atomic.Int32
		var all sync.WaitGroup
		for range movers {
			all.Go(func() {
				err := b.Update(t.Context(), func(tx approval.Tx) error {
					_, err := tx.Move(read, approval.Change{To: approval.Approved})
					return err
				})
				switch {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, approval.ErrLost):
					t.Errorf("Move = %v, want nil or ErrLost", err)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 {
			t.Fatalf("%d of %d movers won, want 1", won.Load(), movers)
		}
		read = b.request(t, read.ID)
	}
}

func decisionUnique(t *testing.T, b *bench) {
	r, second := b.insert(t, "a"), b.insert(t, "b")
	add := func(d approval.Decision) func(approval.Tx) error {
		return func(tx approval.Tx) error { return tx.AddDecision(d) }
	}
	first := vote(r, "bea")
	b.update(t, add(first))
	again := first
	again.Account, again.Digest = "discord/G1/bea", "another"
	b.refuse(t, nil, add(again))
	denial := first
	denial.Approve = false
	b.update(t, add(denial))
	b.refuse(t, nil, add(denial))
	elsewhere := first
	elsewhere.By.Tenant = "elsewhere"
	b.update(t, add(elsewhere))
	b.update(t, add(vote(second, "bea")))
	lost := first
	lost.Request = "no such request"
	b.refuse(t, nil, add(lost))
}

func decisionRoundTrip(t *testing.T, b *bench) {
	r := b.insert(t, "a")
	want := []approval.Decision{vote(r, "zoe"), vote(r, "bea"), vote(r, "abe")}
	everyFieldSet(t, reflect.ValueOf(want[0]), "Decision")
	want[1].Approve = false
	for _, d := range want {
		b.update(t, func(tx approval.Tx) error { return tx.AddDecision(d) })
	}
	b.view(t, func(tx approval.Tx) error {
		got, err := tx.Decisions(r.ID)
		wantSame(t, "Decisions", got, want)
		return err
	})
}
