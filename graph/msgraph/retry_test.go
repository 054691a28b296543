package msgraph_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"twokey/graph"
	"twokey/graph/msgraph"
	"twokey/graph/simtenant"
)

func TestReadsAreRepeated(t *testing.T) {
	t.Parallel()
	busy := reply(503, graphError("ServiceUnavailable"))
	slow := reply(429, graphError("TooManyRequests"), "Retry-After", "17")
	half := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte(`{"isEnabled":`))
	})
	good := reply(200, defaultsOn)
	for _, tt := range []struct {
		name     string
		tenant   http.Handler
		arrivals int
		failed   bool
		min, max time.Duration
	}{
		{"good at once", good, 1, false, 0, 0},
		{"503 twice", script(busy, busy, good), 3, false, 1500 * time.Millisecond, 3 * time.Second},
		{"504 once", script(reply(504, ""), good), 2, false, 500 * time.Millisecond, time.Second},
		{"502 of a gateway", script(reply(502, "<html>bad</html>"), good), 2, false, 500 * time.Millisecond, time.Second},
		{"429 with Retry-After", script(slow, good), 2, false, 17 * time.Second, 18 * time.Second},
		{"429 for a while", script(slow, slow, slow, slow, slow, good), 6, false, 85 * time.Second, 90 * time.Second},
		{"503 with Retry-After", script(reply(503, "", "Retry-After", "9"), good), 2, false, 9 * time.Second, 9 * time.Second},
		{"429 without", script(reply(429, ""), good), 2, false, time.Second, 1100 * time.Millisecond},
		{"429 without, thrice", script(reply(429, ""), reply(429, ""), reply(429, ""), good), 4, false, 7 * time.Second, 7700 * time.Millisecond},
		{"connection cut", script(cut, good), 2, false, 500 * time.Millisecond, time.Second},
		{"answer cut", script(half, good), 2, false, 500 * time.Millisecond, time.Second},
		{"503 for ever", busy, 4, true, 3500 * time.Millisecond, 7 * time.Second},
		{"500", script(reply(500, graphError("InternalServerError")), good), 1, true, 0, 0},
		{"400", script(reply(400, graphError("BadRequest")), good), 1, true, 0, 0},
		{"refused permission", script(reply(403, graphError("AccessDenied")), good), 1, true, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tenant := &arrivals{next: tt.tenant}
			bubble(t, tenant, func(t *testing.T, c *msgraph.Client) {
				start := time.Now()
				got, err := c.SecurityDefaults(t.Context())
				if took := time.Since(start); took < tt.min || took > tt.max {
					t.Errorf("took %v, want %v to %v", took, tt.min, tt.max)
				}
				if (err != nil) != tt.failed || err == nil && !got.Enabled {
					t.Errorf("got %+v and error %v, want failure %v", got, err, tt.failed)
				}
				if n := len(tenant.of("GET")); n != tt.arrivals {
					t.Errorf("arrived %d times, want %d", n, tt.arrivals)
				}
			})
		})
	}
}

// TestRetryAfterBeyondTheDeadline checks that a caller in a hurry hears when
// to come again, rather than that time ran out.
func TestRetryAfterBeyondTheDeadline(t *testing.T) {
	t.Parallel()
	tenant := &arrivals{next: reply(429, graphError("TooManyRequests"), "Retry-After", "60")}
	bubble(t, tenant, func(t *testing.T, c *msgraph.Client) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		_, err := c.SecurityDefaults(ctx)
		e := wantError(t, err, graph.KindThrottled)
		if !e.RetryAfter.Equal(start.Add(time.Minute)) || time.Since(start) != 0 {
			t.Errorf("got RetryAfter %v after %v, want %v at once", e.RetryAfter, time.Since(start), start.Add(time.Minute))
		}
		// The budget is closed for everybody until then: this one is not sent.
		_, err = c.Organization(ctx)
		wantError(t, err, graph.KindThrottled)
		if n := len(tenant.of("")); n != 1 {
			t.Errorf("%d requests arrived, want the first alone", n)
		}
	})
}

func TestNoAnswerInTime(t *testing.T) {
	t.Parallel()
	silent := &arrivals{next: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })}
	bubble(t, silent, func(t *testing.T, c *msgraph.Client) {
		start := time.Now()
		_, err := c.SetSecurityDefaults(t.Context(), true)
		wantError(t, err, graph.KindUnclear)
		if took := time.Since(start); took > 2*time.Minute {
			t.Errorf("a write without an answer took %v", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		_, err = c.SecurityDefaults(ctx)
		wantError(t, err, graph.KindUnclear)
		if n := len(silent.of("PATCH")); n != 1 {
			t.Errorf("the write arrived %d times, want once", n)
		}
		synctest.Wait()
	})
}

// TestBudgets checks that no window of time holds more requests than Graph
// allows, whoever asks.
func TestBudgets(t *testing.T) {
	t.Parallel()
	const empty = `{"value":[]}`
	for _, tt := range []struct {
		name   string
		call   func(context.Context, *msgraph.Client) error
		most   int
		window time.Duration
	}{
		{"reports", func(ctx context.Context, c *msgraph.Client) error { _, err := c.Registrations(ctx); return err }, 5, 10 * time.Second},
		{"Conditional Access", func(ctx context.Context, c *msgraph.Client) error { _, err := c.Policies(ctx); return err }, 1, time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p1 := `{"value":[{"capabilityStatus":"Enabled","servicePlans":[{"servicePlanId":"41781fb2-bc02-4b7c-bd55-b576c07bb09d"}]}]}`
			var reports arrivals
			reports.next = reply(200, empty)
			mux := http.NewServeMux()
			mux.Handle("/", &reports)
			mux.Handle("/v1.0/subscribedSkus", reply(200, p1))
			bubble(t, mux, func(t *testing.T, c *msgraph.Client) {
				done := make(chan error)
				for range 22 {
					go func() { done <- tt.call(t.Context(), c) }()
				}
				for range 22 {
					if err := <-done; err != nil {
						t.Error(err)
					}
				}
			})
			all := reports.of("")
			if len(all) != 22 {
				t.Fatalf("%d requests arrived, want 22", len(all))
			}
			for i := range all[tt.most:] {
				if d := all[i+tt.most].At.Sub(all[i].At); d < tt.window {
					t.Errorf("requests %d to %d came within %v, want %v", i, i+tt.most, d, tt.window)
				}
			}
			if took, want := all[21].At.Sub(all[0].At), time.Duration(21/tt.most)*tt.window; took > want {
				t.Errorf("22 requests took %v, want no more than %v", took, want)
			}
		})
	}
}

func TestLicenceErrorIsConfirmed(t *testing.T) {
	t.Parallel()
	sku := func(plan string) http.Handler {
		return reply(200, `{"value":[{"capabilityStatus":"Enabled","servicePlans":[{"servicePlanId":"`+plan+`"}]}]}`)
	}
	p1, free := sku("41781fb2-bc02-4b7c-bd55-b576c07bb09d"), sku("efb87545-963c-4e0d-99df-69c6916d9eb0")
	no := reply(403, graphError(licenceError))
	report := reply(200, `{"value":[{"id":"u","isMfaRegistered":true,"isMfaCapable":true,"methodsRegistered":[]}]}`)
	for _, tt := range []struct {
		name            string
		reports, skus   http.Handler
		want            graph.Kind
		good            bool
		asked, askedSku int
	}{
		{"a free tenant", no, free, graph.KindNoLicence, false, 1, 1},
		{"a licensed tenant, once", script(no, report), p1, 0, true, 2, 1},
		{"a licensed tenant, for ever", no, p1, graph.KindRefused, false, 2, 1},
		{"a free tenant whose refusal has another code", reply(403, graphError("AccessDenied")), free, graph.KindNoLicence, false, 1, 1},
		{"a licensed tenant without our permission", reply(403, graphError("AccessDenied")), p1, graph.KindNoPermission, false, 1, 1},
		{"neither to be read", reply(403, graphError("AccessDenied")), reply(403, graphError("AccessDenied")), graph.KindNoPermission, false, 1, 1},
		{"licence not to be read", no, reply(403, graphError("Authorization_RequestDenied")), graph.KindNoPermission, false, 1, 1},
		{"licence refused for lack of a licence", no, no, graph.KindUnclear, false, 1, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			reports, skus := &arrivals{next: tt.reports}, &arrivals{next: tt.skus}
			mux := http.NewServeMux()
			mux.Handle("/v1.0/reports/authenticationMethods/userRegistrationDetails", reports)
			mux.Handle("/v1.0/subscribedSkus", skus)
			rows, err := serve(t, mux).Registrations(t.Context())
			if tt.good && (err != nil || len(rows) != 1) {
				t.Errorf("got %v and error %v, want one row", rows, err)
			}
			if !tt.good {
				wantError(t, err, tt.want)
			}
			if e, ok := errors.AsType[*graph.Error](err); ok && tt.name == "licence not to be read" && e.Permission != "Organization.Read.All" {
				t.Errorf("got the permission %q, want the one that would tell the licence", e.Permission)
			}
			if len(reports.of("")) != tt.asked || len(skus.of("")) != tt.askedSku {
				t.Errorf("asked %d times and for the licence %d times, want %d and %d", len(reports.of("")), len(skus.of("")), tt.asked, tt.askedSku)
			}
		})
	}
}

// TestThrottlingTenant reads a tenant that counts like Graph does. Our budgets
// keep every report below its limit; the sweep, whose limit nobody knows,
// finds it and still ends.
func TestThrottlingTenant(t *testing.T) {
	t.Parallel()
	tenant := &arrivals{}
	var refused atomic.Int64
	bubbleAround(t, func() http.Handler {
		sim, err := simtenant.New(simtenant.Config{People: 400, Licence: graph.P1, Throttle: true})
		if err != nil {
			t.Fatal(err)
		}
		tenant.next = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			sim.ServeHTTP(&statusWriter{ResponseWriter: w, saw: func(status int) {
				if status == http.StatusTooManyRequests {
					refused.Add(1)
				}
			}}, r)
		})
		return tenant
	}, func(t *testing.T, c *msgraph.Client) {
		users, err := c.Users(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := legacySignIns(t, c, time.Now().Add(-14*24*time.Hour)); err != nil {
			t.Error(err)
		}
		for range 3 {
			if _, err := c.Policies(t.Context()); err != nil {
				t.Error(err)
			}
			if _, err := c.RoleHolders(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if n := refused.Load(); n > 0 {
			t.Errorf("the tenant refused %d requests for being too many, want none", n)
		}
		var ids []string
		for _, u := range users {
			ids = append(ids, u.ID)
		}
		methods, err := c.Methods(t.Context(), ids)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range methods {
			if m.Err != nil {
				t.Errorf("methods of %s: %v", m.UserID, m.Err)
			}
		}
		if n := refused.Load(); n > 0 {
			t.Errorf("the tenant refused %d requests and parts, want none", n)
		}
	})
}

// statusWriter shows each status as it is sent.
type statusWriter struct {
	http.ResponseWriter
	saw func(status int)
}

func (w *statusWriter) WriteHeader(status int) {
	w.saw(status)
	w.ResponseWriter.WriteHeader(status)
}

// TestSillyRetryAfter checks that nobody who waits is held for a week: a person
// hears at once when to come again, and the background tries in an hour.
func TestSillyRetryAfter(t *testing.T) {
	t.Parallel()
	const week = "604800"
	tenant := &arrivals{next: script(reply(429, "", "Retry-After", week), reply(200, defaultsOn))}
	bubble(t, tenant, func(t *testing.T, c *msgraph.Client) {
		start := time.Now()
		_, err := c.SecurityDefaults(t.Context())
		if e := wantError(t, err, graph.KindThrottled); !e.RetryAfter.Equal(start.Add(time.Hour)) || time.Since(start) != 0 {
			t.Errorf("a person: got RetryAfter %v after %v, want an hour at once", e.RetryAfter.Sub(start), time.Since(start))
		}
		all, cancel := context.WithTimeout(t.Context(), 2*time.Hour)
		defer cancel()
		_, err = c.Organization(all)
		if e := wantError(t, err, graph.KindThrottled); e.RetryAfter.Before(start.Add(time.Hour)) || time.Since(start) != 0 {
			t.Errorf("a person with much time: got RetryAfter %v after %v, want an hour at once", e.RetryAfter.Sub(start), time.Since(start))
		}
		if _, err := c.SecurityDefaults(graph.InBackground(all)); err != nil || time.Since(start) < time.Hour {
			t.Errorf("the background: got error %v after %v, want an answer in an hour", err, time.Since(start))
		}
	})
}
