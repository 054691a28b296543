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
