package msgraph_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"twokey/graph"
	"twokey/graph/msgraph"
)

const phoneBody = `{"value":[{"@odata.type":"#microsoft.graph.phoneAuthenticationMethod","id":"p","phoneType":"mobile","phoneNumber":"+44 1"}]}`

// parts answers $batch part by part, last part first.
func parts(answer func(url string) (status int, headers, body string)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var batch struct {
			Requests []struct{ ID, Method, URL string }
		}
		if err := json.NewDecoder(r.Body).Decode(&batch); err != nil || r.URL.Path != "/v1.0/$batch" || len(batch.Requests) > 20 {
			reply(400, graphError("BadRequest")).ServeHTTP(w, r)
			return
		}
		var all []string
		for i := len(batch.Requests) - 1; i >= 0; i-- {
			p := batch.Requests[i]
			status, headers, body := answer(p.URL)
			if status == 0 {
				continue
			}
			all = append(all, fmt.Sprintf(`{"id":%q,"status":%d,"headers":%s,"body":%s}`, p.ID, status, headers, body))
		}
		reply(200, `{"responses":[`+strings.Join(all, ",")+`]}`).ServeHTTP(w, r)
	})
}

func ids(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("user-%d", i)
	}
	return all
}

// counter counts what it is asked for.
type counter struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *counter) add(key string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[key]++
	return c.n[key]
}

// TestOnlyFailedPartsAreAskedAgain lets every third user fail in a way of
// their own, and looks at what becomes of each.
func TestOnlyFailedPartsAreAskedAgain(t *testing.T) {
	t.Parallel()
	var asked counter
	tenant := &arrivals{next: parts(func(url string) (int, string, string) {
		n := asked.add(url)
		switch {
		case strings.Contains(url, "/user-3/") && n == 1:
			return 429, `{"Retry-After":"7"}`, graphError("TooManyRequests")
		case strings.Contains(url, "/user-6/") && n < 3:
			return 503, `{}`, graphError("ServiceUnavailable")
		case strings.Contains(url, "/user-9/"):
			return 404, `{"request-id":"nine"}`, graphError("Request_ResourceNotFound")
		case strings.Contains(url, "/user-12/"):
			return 200, `{}`, `"<html>"`
		case strings.Contains(url, "/user-15/") && n == 1:
			return 0, "", ""
		case strings.Contains(url, "/user-18/"):
			return 403, `null`, graphError("accessDenied")
		case strings.Contains(url, "/user-21/"):
			return 504, `{"Retry-After":5}`, `null`
		case strings.Contains(url, "/user-24/"):
			return 200, `{}`, `{"value":null}`
		case strings.Contains(url, "/user-27/"):
			return 200, `{}`, strings.Replace(phoneBody, "{", `{"@odata.nextLink":"x",`, 1)
		}
		return 200, `{"Content-Type":"application/json"}`, phoneBody
	})}
	bubble(t, tenant, func(t *testing.T, c *msgraph.Client) {
		got, err := c.Methods(t.Context(), ids(50))
		if err != nil || len(got) != 50 {
			t.Fatalf("got %d entries and error %v, want 50", len(got), err)
		}
		failed := map[int]graph.Kind{9: graph.KindNotFound, 12: graph.KindUnclear, 18: graph.KindNoPermission, 21: graph.KindUnclear, 24: graph.KindUnclear, 27: graph.KindUnclear}
		times := map[int]int{3: 2, 6: 3, 15: 2, 21: 5}
		for i, u := range got {
			if want := fmt.Sprintf("user-%d", i); u.UserID != want {
				t.Fatalf("entry %d is of %s, want %s", i, u.UserID, want)
			}
			if kind, bad := failed[i]; bad {
				wantError(t, u.Err, kind)
				if u.Methods != nil {
					t.Errorf("user %d: got methods %v beside an error", i, u.Methods)
				}
			} else if u.Err != nil || len(u.Methods) != 1 || u.Methods[0] != (graph.Method{ID: "p", Kind: graph.MethodPhone, Label: "mobile"}) {
				t.Errorf("user %d: got %+v, want the phone", i, u)
			}
			if n := asked.add("/users/"+u.UserID+"/authentication/methods") - 1; n != max(1, times[i]) {
				t.Errorf("user %d: asked for %d times, want %d", i, n, max(1, times[i]))
			}
		}
		if e, _ := errors.AsType[*graph.Error](got[18].Err); e.Permission != "UserAuthenticationMethod.Read.All" {
			t.Errorf("missing permission: got %q", e.Permission)
		}
		if e, _ := errors.AsType[*graph.Error](got[9].Err); e.Status != 404 || e.RequestID != "nine" || e.Code != "Request_ResourceNotFound" {
			t.Errorf("somebody who is gone: got %+v, want the part's own status, code and request-id", e)
		}
		batches := tenant.of("POST")
		if wait := batches[3].At.Sub(batches[0].At); wait < 7*time.Second {
			t.Errorf("a round came %v after a part's Retry-After of 7 s", wait)
		}
	})
}

func TestSweepSlowsDown(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var inFlight, most, throttled int
	slow := parts(func(string) (int, string, string) {
		mu.Lock()
		defer mu.Unlock()
		if throttled < 40 {
			throttled++
			return 429, `{"retry-after":"1"}`, graphError("TooManyRequests")
		}
		return 200, `{}`, phoneBody
	})
	tenant := &arrivals{next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		inFlight++
		most = max(most, inFlight)
		mu.Unlock()
		time.Sleep(time.Second) // of the bubble's clock
		slow.ServeHTTP(w, r)
		mu.Lock()
		inFlight--
		mu.Unlock()
	})}
	bubble(t, tenant, func(t *testing.T, c *msgraph.Client) {
		got, err := c.Methods(t.Context(), ids(200))
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range got {
			if u.Err != nil {
				t.Errorf("%s: %v", u.UserID, u.Err)
			}
		}
		if most != 2 {
			t.Errorf("%d batches in flight at most, want 2", most)
		}
		// Of the two hundred that a window may hold, forty were refused: it holds
		// a hundred from then on, and for a while twenty every two seconds.
		batches := tenant.of("POST")
		if len(batches) != 12 {
			t.Fatalf("got %d batches, want the two that were refused and ten more", len(batches))
		}
		for i, r := range batches[3:7] {
			if apart := r.At.Sub(batches[i+2].At); apart < 2*time.Second {
				t.Errorf("batch %d came %v after the one before, want 2 s or more", i+3, apart)
			}
		}
	})
}

func TestSweepThatCannotGoOn(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		tenant  http.Handler
		want    graph.Kind
		batches int
	}{
		{"no permission for the batch", reply(403, graphError("AccessDenied")), graph.KindNoPermission, 2},
		{"no permission for anybody", parts(func(string) (int, string, string) { return 403, `{}`, graphError("accessDenied") }), graph.KindNoPermission, 2},
		{"no licence for anybody", parts(func(string) (int, string, string) { return 403, `{}`, graphError(licenceError) }), graph.KindNoLicence, 2},
		{"no sign-in", reply(401, graphError("InvalidAuthenticationToken")), graph.KindSignIn, 2},
		{"no JSON", reply(200, "<html>"), graph.KindUnclear, 2},
		{"no list of answers", reply(200, `{"responses":{}}`), graph.KindUnclear, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant := &arrivals{next: tt.tenant}
			got, err := serve(t, tenant).Methods(t.Context(), ids(200))
			wantError(t, err, tt.want)
			if got != nil {
				t.Errorf("got %d entries beside the error", len(got))
			}
			if n := len(tenant.of("POST")); n != tt.batches {
				t.Errorf("%d batches arrived, want %d: the rest would fail the same way", n, tt.batches)
			}
		})
	}
}

// TestSweepThatBreaksOff keeps what was read before the tenant went away.
func TestSweepThatBreaksOff(t *testing.T) {
	t.Parallel()
	good := parts(func(string) (int, string, string) { return 200, `{}`, phoneBody })
	got, err := serve(t, script(good, good, reply(401, graphError("InvalidAuthenticationToken")))).Methods(t.Context(), ids(100))
	if err != nil {
		t.Fatal(err)
	}
	for i, u := range got {
		if i < 40 {
			if u.Err != nil || len(u.Methods) != 1 {
				t.Errorf("user %d: got %+v, want the phone", i, u)
			}
			continue
		}
		wantError(t, u.Err, graph.KindSignIn)
	}
}

// TestSweepInAHurry checks that a sweep which would have to wait beyond its
// deadline says so at once.
func TestSweepInAHurry(t *testing.T) {
	t.Parallel()
	later := parts(func(string) (int, string, string) {
		return 429, `{"Retry-After":"600"}`, graphError("TooManyRequests")
	})
	bubble(t, later, func(t *testing.T, c *msgraph.Client) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		_, err := c.Methods(ctx, ids(3))
		if e := wantError(t, err, graph.KindThrottled); !e.RetryAfter.Equal(start.Add(10*time.Minute)) || time.Since(start) != 0 {
			t.Errorf("got RetryAfter %v after %v, want %v at once", e.RetryAfter, time.Since(start), start.Add(10*time.Minute))
		}
	})
}

func TestMethodKinds(t *testing.T) {
	t.Parallel()
	const list = `{"value":[
		{"@odata.type":"#microsoft.graph.passwordAuthenticationMethod","id":"1","createdDateTime":null},
		{"@odata.type":"#microsoft.graph.microsoftAuthenticatorAuthenticationMethod","id":"2","displayName":"Pixel 9","createdDateTime":"2026-03-01T10:00:00+01:00"},
		{"@odata.type":"#microsoft.graph.fido2AuthenticationMethod","id":"3","model":"YubiKey 5"},
		{"@odata.type":"#microsoft.graph.externalAuthenticationMethod","id":"4"},
		{"@odata.type":"#microsoft.graph.thoughtAuthenticationMethod","id":"5"}]}`
	got, err := serve(t, parts(func(string) (int, string, string) { return 200, `{}`, list })).Methods(t.Context(), []string{"u"})
	if err != nil || got[0].Err != nil {
		t.Fatal(err, got)
	}
	want := []graph.Method{
		{ID: "1", Kind: graph.MethodPassword},
		{ID: "2", Kind: graph.MethodAuthenticator, Label: "Pixel 9", Created: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)},
		{ID: "3", Kind: graph.MethodPasskey, Label: "YubiKey 5"},
		{ID: "4", Kind: graph.MethodExternal},
		{ID: "5", Kind: "thought"},
	}
	if fmt.Sprint(got[0].Methods) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got[0].Methods, want)
	}
}

// TestOddParts gives a batch one part of every odd kind. It spoils no other,
// and whoever it is about is asked again, since nothing is known of them.
func TestOddParts(t *testing.T) {
	t.Parallel()
	good := func(id string) string {
		return fmt.Sprintf(`{"id":%q,"status":200,"headers":{},"body":%s}`, id, phoneBody)
	}
	for _, tt := range []struct{ name, odd string }{
		{"left out", ""},
		{"null", "null"},
		{"a list", "[]"},
		{"a word", `"no"`},
		{"a status that is a word", `{"id":"1","status":"200","body":` + phoneBody + `}`},
		{"no status", `{"id":"1","body":` + phoneBody + `}`},
		{"headers that are a list", `{"id":"1","status":200,"headers":[],"body":` + phoneBody + `}`},
		{"a number for an ID", `{"id":1,"status":200,"body":` + phoneBody + `}`},
		{"the ID of nobody", good("7")},
		{"an ID below all", good("-1")},
		{"two answers", good("1") + "," + good("1")},
		{"three answers, of which two agree", good("1") + `,{"id":"1","status":404},` + good("1")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			parts := []string{good("2"), tt.odd, good("0")}
			if tt.odd == "" {
				parts = []string{good("2"), good("0")}
			}
			tenant := &arrivals{next: script(
				reply(200, `{"responses":[`+strings.Join(parts, ",")+`]}`),
				reply(200, `{"responses":[`+good("0")+`]}`))}
			bubble(t, tenant, func(t *testing.T, c *msgraph.Client) {
				got, err := c.Methods(t.Context(), ids(3))
				if err != nil {
					t.Fatal(err)
				}
				for _, u := range got {
					if u.Err != nil || len(u.Methods) != 1 {
						t.Errorf("got %+v, want the phone", u)
					}
				}
				again := tenant.of("POST")
				if len(again) != 2 || !strings.Contains(again[1].Body, "user-1") || strings.Count(again[1].Body, `"id"`) != 1 {
					t.Errorf("got %d batches, the last %s; want a second one for user-1 alone", len(again), again[len(again)-1].Body)
				}
			})
		})
	}
}

// TestRefusedPartClosesTheBudget checks that a part's 429 is one for everybody
// who reads users' methods, by a date as by seconds, and that the whole batch
// may be refused as well.
func TestRefusedPartClosesTheBudget(t *testing.T) {
	t.Parallel()
	good := parts(func(string) (int, string, string) { return 200, `{}`, phoneBody })
	part := func(retryAfter string) http.Handler {
		return parts(func(string) (int, string, string) {
			return 429, `{"Retry-After":"` + retryAfter + `"}`, graphError("TooManyRequests")
		})
	}
	start := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // when every bubble begins
	for _, tt := range []struct {
		name   string
		refuse http.Handler
	}{
		{"a part, in seconds", part("30")},
		{"a part, by a date", part(start.Add(30 * time.Second).Format(http.TimeFormat))},
		{"the batch", reply(429, graphError("TooManyRequests"), "Retry-After", "30")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant := &arrivals{next: script(tt.refuse, good)}
			bubble(t, tenant, func(t *testing.T, c *msgraph.Client) {
				done := make(chan error)
				read := func() {
					got, err := c.Methods(t.Context(), ids(1))
					if err == nil {
						err = got[0].Err
					}
					done <- err
				}
				go read()
				time.Sleep(time.Second)
				go read()
				for range 2 {
					if err := <-done; err != nil {
						t.Error(err)
					}
				}
				batches := tenant.of("POST")
				if len(batches) != 3 {
					t.Fatalf("got %d batches, want the refused one and two more", len(batches))
				}
				for _, b := range batches[1:] {
					if at := b.At.Sub(start); at < 30*time.Second {
						t.Errorf("a batch came %v after the refusal, want 30 s", at)
					}
				}
			})
		})
	}
}

// TestOneUserRefusedForEver checks that a sweep does not hang on somebody whom
// Graph never lets us read, even where the caller set no limit.
func TestOneUserRefusedForEver(t *testing.T) {
	t.Parallel()
	var asked counter
	tenant := parts(func(url string) (int, string, string) {
		if asked.add(url); strings.Contains(url, "/user-3/") {
			return 429, `{"Retry-After":"2"}`, graphError("TooManyRequests")
		}
		return 200, `{}`, phoneBody
	})
	bubble(t, tenant, func(t *testing.T, c *msgraph.Client) {
		got, err := c.Methods(t.Context(), ids(30))
		if err != nil {
			t.Fatal(err)
		}
		for i, u := range got {
			if i == 3 {
				wantError(t, u.Err, graph.KindThrottled)
			} else if u.Err != nil {
				t.Errorf("%s: %v", u.UserID, u.Err)
			}
		}
		if n := asked.add("/users/user-3/authentication/methods") - 1; n != 20 {
			t.Errorf("asked for user-3 %d times, want 20", n)
		}
	})
}
