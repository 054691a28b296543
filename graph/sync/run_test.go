package sync

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"twokey/graph"
	"twokey/graph/rollout"
)

// Nothing that Graph says of a person comes into the log.
func TestLogNamesNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := setup(newTenant(graph.P1, 10))
		var log strings.Builder
		b.cfg.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		b.tenant.before = func(_ context.Context, call string) error {
			return &graph.Error{
				Kind: graph.KindUnclear, Op: call, Status: 500, Code: "Oops", RequestID: "r-1",
				Message: "user ann@x is odd", Err: errors.New("at /users/ann@x"),
			}
		}
		b.Facts(t.Context())
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_ = b.Run(ctx)
		if got := log.String(); strings.Contains(got, "ann@x") {
			t.Errorf("the log names a person: %s", got)
		}
		for _, want := range []string{"accounts: UserChanges: unclear (500 Oops), request r-1", "legacy sign-ins: EachLegacySignIn: unclear", "level=DEBUG"} {
			if got := log.String(); !strings.Contains(got, want) {
				t.Errorf("the log does not say %q: %s", want, got)
			}
		}
	})
}

// A sign-in log that takes hours holds no pass up, and a reading of it that is
// cut off goes on with the day that it had come to.
func TestSignInsAreReadApart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		world := newTenant(graph.P1, 10)
		for day := range 8 {
			world.signIns = append(world.signIns, graph.SignIn{UserID: "u001", Client: "POP", At: start.AddDate(0, 0, -day).Add(-time.Hour)})
		}
		b := setup(world)
		began := time.Now()
		b.cfg.Now = func() time.Time { return start.Add(time.Since(began)) }
		world.before = func(ctx context.Context, call string) error {
			world.mu.Lock()
			world.now = b.cfg.Now()
			world.mu.Unlock()
			if call != "EachLegacySignIn" {
				return nil
			}
			select {
			case <-time.After(time.Hour):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		run := func(d time.Duration) {
			ctx, cancel := context.WithTimeout(t.Context(), d)
			defer cancel()
			_ = b.Run(ctx)
		}
		run(3*time.Hour + 30*time.Minute)
		asked := world.calls()
		for _, want := range []string{"UserChanges", "Audits"} {
			n := 0
			for _, call := range asked {
				if call == want {
					n++
				}
			}
			if n < 40 {
				t.Errorf("%s: asked %d times beside a long reading of sign-ins, want every five minutes", want, n)
			}
		}
		if got := b.Facts(t.Context()).LegacyUse.Reason(); got != rollout.NotRead {
			t.Errorf("before all days are read: got reason %q, want %q", got, rollout.NotRead)
		}
		b.restart()
		b.cfg.Now = func() time.Time { return start.Add(time.Since(began)) }
		world.calls()
		run(6 * time.Hour)
		reads := b.asked("EachLegacySignIn")
		if len(reads) == 0 || reads[0] != "EachLegacySignIn 2026-11-19" {
			t.Errorf("after three days and a restart it read %q, want it to go on with the fourth", reads)
		}
		if got := rollout.NewLegacy(b.Facts(t.Context()), rollout.Scope{}).Get(rollout.LegacySucceeded).String(); got != "8" {
			t.Errorf("got %s sign-ins, want 8, each once", got)
		}
	})
}
