package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"golang.org/x/sync/errgroup"

	"twokey/graph/msgraph"
	"twokey/graph/rollout"
	"twokey/graph/simtenant"
	"twokey/graph/sync"
	"twokey/store"
)

// weeksBack is how far the demo remembers.
const weeksBack = 8

// mostRemembered is how many people a tenant may have whose weeks are measured.
const mostRemembered = 2000

// remember fills the weeks before the demo began, so that its first digest has
// something to compare with. They are measured and not made up: the simulated
// tenant shows itself as it was, and the same code reads it. A tenant that
// runs elsewhere cannot be asked for its past, and one that is large takes too
// long to be read so often.
func remember(ctx context.Context, t *tenant, tenantID string, scope rollout.Scope, zone *time.Location, db *store.Store) error {
	if t.epoch.IsZero() || t.People > mostRemembered {
		return nil
	}
	known, err := db.Weeks(ctx, tenantID, "9999-W01", 1)
	if err != nil || len(known) > 0 {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	for back := weeksBack; back > 0; back-- {
		group.Go(func() error {
			at := t.epoch.AddDate(0, 0, -7*back)
			if err := measure(ctx, t, tenantID, scope, at, zone, db); err != nil {
				return fmt.Errorf("measure the week of %s: %w", at.Format(time.DateOnly), err)
			}
			return nil
		})
	}
	return group.Wait()
}

func measure(ctx context.Context, t *tenant, tenantID string, scope rollout.Scope, at time.Time, zone *time.Location, db *store.Store) error {
	client, sim, err := past(t.world, t.epoch, at)
	if err != nil {
		return err
	}
	defer sim.Close()
	facts := sync.Read(ctx, client, func() time.Time { return at })
	week := rollout.NewWeek(rollout.ISOWeek(at.In(zone)), rollout.NewFunnel(facts, scope), rollout.NewLegacy(facts, scope))
	return db.KeepWeek(ctx, tenantID, week)
}

// past returns a client to the simulated tenant as it stands at the given
// moment, and the tenant, to be closed.
func past(w world, epoch, at time.Time) (*msgraph.Client, *simtenant.Tenant, error) {
	now := func() time.Time { return at }
	sim, err := simtenant.New(w.config(epoch, now))
	if err != nil {
		return nil, nil, err
	}
	client, err := msgraph.New(msgraph.Config{
		BaseURL: "http://127.0.0.1/v1.0", Credential: msgraph.StaticToken(botApp), Unbudgeted: true, Transport: within{sim}, Now: now,
	})
	return client, sim, err
}

// within is a transport to a handler in this process.
type within struct{ http.Handler }

// RoundTrip implements http.RoundTripper.
func (w within) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	in.RemoteAddr = "127.0.0.1:1"
	if in.Body == nil {
		in.Body = http.NoBody
	}
	answer := httptest.NewRecorder()
	w.ServeHTTP(answer, in)
	resp := answer.Result()
	resp.Request = r
	return resp, nil
}
