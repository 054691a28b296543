package commands

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"twokey/commands/approval"
	"twokey/graph"
)

// TestRoad carries requests out by the real runner: once and under the client's
// own request ID where nothing has changed, and not at all where it has.
func TestRoad(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		since  func(*fixture) // what happens after the last approval
		write  error
		state  approval.State
		writes int
		says   string // the outcome, as the requester is told
	}{
		{"nothing", func(*fixture) {}, nil, approval.Succeeded, 1, "Done at Mon 23 Nov 2026, 11:15 CET."},
		{"O48: the answer is cut off", func(*fixture) {}, &graph.Error{Kind: graph.KindUnclear}, approval.Succeeded, 1, "Confirmed by reading: security defaults are on."},
		{"not permitted", func(*fixture) {}, &graph.Error{Kind: graph.KindNoPermission, Permission: "Policy.ReadWrite.SecurityDefaults"}, approval.Failed, 1, "lacks the permission Policy.ReadWrite.SecurityDefaults."},
		{"a policy is on now", func(f *fixture) { f.policies[0].State = graph.PolicyEnabled }, nil, approval.Stale, 0, "“Block old mail” was off and is on now."},
		{"O51: on already", func(f *fixture) { f.enabled = true }, nil, approval.Stale, 0, "there is nothing to change."},
		{"O26: an approver has left", func(f *fixture) { f.disable("bea") }, nil, approval.Stale, 0, "Bea Fontaine may no longer approve this."},
		{"the requester has left", func(f *fixture) { f.disable("ada") }, nil, approval.Stale, 0, "Ada Okafor may no longer ask for this."},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, p1)
				writes := countWrites(w, row.write)
				r := w.ask()
				w.press("abe", "approve", r.Seal(), nil)
				w.press("bea", "approve", r.Seal(), nil)
				row.since(w.fixture)
				w.advance(15 * time.Minute)
				w.run()
				if got := w.stored()[0]; got.State != row.state || len(*writes) != row.writes {
					t.Errorf("%s after %d writes, want %s after %d", got.State, len(*writes), row.state, row.writes)
				}
				if said := w.render(approval.NoticeOutcome, map[string]string{"request": r.ID}).Plain(); !strings.Contains(said, row.says) {
					t.Errorf("the requester is told %q, want %q", said, row.says)
				}
				for _, clientID := range *writes {
					if len(clientID) != 36 {
						t.Errorf("written under the client's request ID %q", clientID)
					}
				}
			})
		})
	}
}

// countWrites keeps the client's request ID of each write, which is answered
// with err. Only a refusal leaves the tenant as it was.
func countWrites(w *world, err error) *[]string {
	var writes []string
	here := w.env.Writer.(*tenant)
	here.setSecurityDefaults = func(ctx context.Context, on bool) (graph.Receipt, error) {
		writes = append(writes, graph.ClientRequestID(ctx))
		if kind, known := kindOf(err); !known || kind == graph.KindUnclear {
			w.enabled = on
		}
		return graph.Receipt{RequestID: "graph-1"}, err
	}
	return &writes
}

// run lets a runner work for a minute, in a bubble.
func (w *world) run() {
	w.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	runner := approval.NewRunner(approval.RunnerConfig{
		Store: w.store, Standing: w.env.People, Actions: Actions(w.env), Owner: "process-1", Log: slog.New(slog.DiscardHandler),
	})
	done := make(chan error, 1)
	go func() { done <- runner.Run(ctx) }()
	time.Sleep(time.Minute)
	stop()
	if err := <-done; err != nil {
		w.t.Errorf("Run: %v", err)
	}
}
