package msgraph_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/graph"
	"twokey/graph/msgraph"
	"twokey/graph/rollout"
	"twokey/graph/simtenant"
	tenantsync "twokey/graph/sync"
	"twokey/store"
)

// quota is a tenant that throttles, in simulated time, and a sync of it into a
// real database.
type quota struct {
	*tenantsync.Syncer
	t      *testing.T
	c      *msgraph.Client
	tenant *simtenant.Tenant
	seen   int // requests that were looked at before
}

func inQuota(t *testing.T, people int, licence graph.Licence, f func(q *quota)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "twokey.db")
	var tenant *simtenant.Tenant
	bubbleAround(t, func() http.Handler {
		var err error
		tenant, err = simtenant.New(simtenant.Config{People: people, Licence: licence, Throttle: true})
		if err != nil {
			t.Fatal(err)
		}
		return tenant
	}, func(t *testing.T, c *msgraph.Client) {
		db, err := store.Open(t.Context(), store.Config{DSN: path})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		f(&quota{
			t: t, c: c, tenant: tenant,
			Syncer: tenantsync.New(tenantsync.Config{Tenant: "tenant", Reader: c, Store: db, Owner: "test"}),
		})
	})
}

// pass runs one pass in the background, and returns what it cost.
func (q *quota) pass() cost {
	q.t.Helper()
	began := time.Now()
	if err := q.Pass(graph.InBackground(q.t.Context())); err != nil {
		q.t.Fatalf("Pass: %v", err)
	}
	return q.cost(time.Since(began))
}

// cost is what a pass cost, as the tenant counted it.
type cost struct {
	took      time.Duration
	sent      int // requests
	counted   int // of them those that have a budget: parts of batches, and not the batches
	throttled int
}

func (c cost) String() string {
	return fmt.Sprintf("%d requests, %d counted with the parts of batches, %d of them throttled, in %v", c.sent, c.counted, c.throttled, c.took)
}

func (q *quota) cost(took time.Duration) cost {
	q.t.Helper()
	r := httptest.NewRequest("GET", "http://127.0.0.1/_sim/requests", nil).WithContext(q.t.Context())
	r.RemoteAddr = "127.0.0.1:1"
	w := httptest.NewRecorder()
	q.tenant.ServeHTTP(w, r)
	var all []struct {
		N      int
		Path   string
		Status int
		App    string
		Part   bool
	}
	if err := json.Unmarshal(w.Body.Bytes(), &all); err != nil {
		q.t.Fatalf("requests: %v", err)
	}
	c := cost{took: took}
	for _, r := range all {
		if r.N <= q.seen || r.App != "test" {
			continue
		}
		if !r.Part {
			c.sent++
		}
		if !strings.HasSuffix(r.Path, "/$batch") {
			c.counted++
		}
		if r.Status == http.StatusTooManyRequests {
			c.throttled++
		}
	}
	q.seen = all[len(all)-1].N
	return c
}

// change writes to the tenant as somebody else would, and returns the status.
func (q *quota) change(method, path string, body any) int {
	q.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		q.t.Fatal(err)
	}
	r := httptest.NewRequest(method, "http://127.0.0.1/v1.0"+path, bytes.NewReader(text)).WithContext(q.t.Context())
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer somebody-else")
	w := httptest.NewRecorder()
	q.tenant.ServeHTTP(w, r)
	return w.Code
}

// changes are 200: half of them registrations, the rest renamed and deleted.
func (q *quota) changes(all []graph.User) {
	q.t.Helper()
	people := slices.DeleteFunc(slices.Clone(all), func(u graph.User) bool { return !u.Enabled || u.Guest || u.Synced })
	done := map[string]int{}
	for _, u := range people {
		method, path, body := "POST", "/users/"+u.ID, map[string]string{"phoneType": "office", "phoneNumber": "+34 911000000"}
		switch {
		case done["POST"] < 100: // who has such a phone already is refused, and the next one tried
			path += "/authentication/phoneMethods"
		case done["PATCH"] < 50:
			method, body = "PATCH", map[string]string{"displayName": u.Name + " Renamed"}
		case done["DELETE"] < 50:
			method, body = "DELETE", nil
		default:
			return
		}
		if q.change(method, path, body)/100 == 2 {
			done[method]++
		}
	}
	q.t.Fatalf("changed only %v", done)
}

// waiting looks up people all the while, as somebody who waits would, and
// returns when it is told to stop the longest waits: for a user and their
// methods, and for a line of the log.
func (q *quota) waiting(stop <-chan struct{}) (user, log time.Duration, n int) {
	ctx := q.t.Context()
	for tick := time.NewTicker(3 * time.Second); ; {
		select {
		case <-stop:
			tick.Stop()
			return user, log, n
		case <-tick.C:
		}
		n++
		began := time.Now()
		ids := []string{simtenant.Cast(1)[n%5].ObjectID}
		_, err := q.c.User(ctx, ids[0])
		if err == nil {
			_, err = q.c.Methods(ctx, ids)
		}
		if err != nil {
			q.t.Errorf("look-up %d: %v", n, err)
		}
		user = max(user, time.Since(began))
		if n%5 == 0 {
			began = time.Now()
			if _, err := q.c.Audits(ctx, graph.AuditQuery{Since: began.Add(-time.Hour), TargetID: ids[0]}); err != nil {
				q.t.Errorf("look-up %d: %v", n, err)
			}
			log = max(log, time.Since(began))
		}
	}
}

// On P1 a full sync of a large tenant keeps within five report requests in ten
// seconds without one 429, and somebody who looks a person up meanwhile never
// waits behind it. A second sync costs by what has changed.
func TestSyncInQuotaP1(t *testing.T) {
	t.Parallel()
	people := 100_000
	if testing.Short() {
		people = 10_000
	}
	inQuota(t, people, graph.P1, func(q *quota) {
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			user, log, n := q.waiting(stop)
			q.t.Logf("%d look-ups meanwhile: the longest wait for a user %v, for the log %v", n, user, log)
			if user > 0 || log > 2*time.Second {
				q.t.Errorf("somebody waited %v for a user and %v for the log, want 0 and at most 2s", user, log)
			}
		}()
		first := q.pass()
		close(stop)
		<-stopped
		q.t.Logf("the first sync: %v", first)
		if first.throttled > 0 {
			q.t.Errorf("%d requests were throttled, want none", first.throttled)
		}
		q.changes(q.wantRead(people))
		q.cost(0)
		time.Sleep(10 * time.Minute)
		second := q.pass()
		q.t.Logf("the second sync, after 200 changes: %v", second)
		if second.sent > 30 || second.throttled > 0 {
			q.t.Errorf("the second sync took %v, want at most 30 requests", second)
		}
		q.wantRead(people - 50)
	})
}

// On Free the methods of every person are read, and a second sync costs at most
// a twentieth of the first.
func TestSyncInQuotaFree(t *testing.T) {
	t.Parallel()
	const people = 5000
	inQuota(t, people, graph.Free, func(q *quota) {
		first := q.pass()
		q.t.Logf("the first sync: %v", first)
		q.changes(q.wantRead(people))
		q.cost(0)
		time.Sleep(10 * time.Minute)
		second := q.pass()
		q.t.Logf("the second sync, after 200 changes: %v, which is %.1f %%", second, 100*float64(second.counted)/float64(first.counted))
		if second.counted*20 > first.counted {
			q.t.Errorf("the second sync counted %d, want at most a twentieth of %d", second.counted, first.counted)
		}
		q.wantRead(people - 50)
	})
}

// wantRead checks that everybody is known, and returns all accounts.
func (q *quota) wantRead(people int) []graph.User {
	q.t.Helper()
	facts := q.Facts(q.t.Context())
	fn := rollout.NewFunnel(facts, rollout.Scope{})
	read, _ := fn.Get(rollout.Read).Value()
	scope, _ := fn.Get(rollout.InScope).Value()
	if read != scope || int(scope) < people {
		q.t.Errorf("read %v of %v people, want all of %d and more", read, scope, people)
	}
	users, _ := facts.Users.Get()
	return users
}
