package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"twokey/audit"
	"twokey/chat/visit"
	"twokey/store"
)

// web is everything that the one HTTP server answers.
func (s *service) web() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /readyz", readiness{s.bot.store, s.bot.records, s.chats, s.tenant}.ServeHTTP)
	mux.Handle("GET /metrics", s.metrics.serve())
	if s.page != nil {
		mux.Handle(visit.Path, s.page)
	}
	if s.slack != nil && s.cfg.Slack.Mode == "http" {
		mux.Handle("POST /slack/", s.slack)
	}
	if s.discord != nil && s.cfg.Discord.Mode == "http" {
		mux.Handle("POST /discord/interactions", s.discord)
	}
	return mux
}

// readiness says whether a bot can do its work, and if not, all that is wrong.
// Whoever may ask is not known, so that no error is shown.
type readiness struct {
	store   *store.Store
	records *audit.Watch
	chat    interface{ Ready() error }
	tenant  *reach
}

// readyLimit is how long a look may take.
const readyLimit = 5 * time.Second

// ServeHTTP answers 200, or 503 with a line for each thing that is wrong.
func (r readiness) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	ctx, cancel := context.WithTimeout(q.Context(), readyLimit)
	defer cancel()
	wrong := errors.Join(
		because("the store does not answer", r.store.Check(ctx)),
		because("the audit record is damaged: changes are refused", r.records.Damage()),
		r.chat.Ready(), // in sentences of ours
		because("the tenant does not answer", r.tenant.lately(ctx)),
	)
	if wrong != nil {
		http.Error(w, wrong.Error(), http.StatusServiceUnavailable)
		return
	}
	_, _ = fmt.Fprintln(w, "ready")
}

// because is a sentence instead of an error.
func because(sentence string, err error) error {
	if err == nil {
		return nil
	}
	return errors.New(sentence)
}

// reach knows whether a tenant could be reached lately.
type reach struct {
	now  func() time.Time
	read func(context.Context) error

	mu   sync.Mutex
	last time.Time
	err  error
}

// reachEvery is how old an answer may be: whoever asks often must not use up
// the tenant's quota.
const reachEvery = time.Minute

func (r *reach) lately(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now := r.now(); r.last.IsZero() || now.Sub(r.last) >= reachEvery {
		r.last, r.err = now, r.read(ctx)
	}
	return r.err
}
