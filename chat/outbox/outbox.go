// Package outbox sends the messages that are owed: rows that were stored in
// the same transaction as whatever they tell of. A row says which kind of
// message, where to and about what; its words are made when it is sent, so
// that a message always tells what is stored now, and an edit is the same
// thing as a first post.
//
// A row is posted under its key, and an adapter posts a key only once, so that
// a row whose post was not recorded in time may be posted again.
package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"twokey/chat"
)

// Row is one message that is to be shown and kept up to date.
type Row struct {
	ID      int64
	Key     string // unique for good
	Kind    string // chooses the renderer
	To      chat.Address
	Facts   []byte // JSON, for the renderer
	Wanted  int64  // grows when what it tells of changes
	Message string // the platform's ID; empty until it is posted
	Tries   int    // failures since it last went out
}

// Store keeps the rows.
type Store interface {
	// Due lists rows whose newest state is not shown and whose time has come,
	// oldest first, at most limit.
	Due(ctx context.Context, limit int) ([]Row, error)
	// Shown records that row.Wanted is shown, under the platform's message ID.
	Shown(ctx context.Context, row Row, message string) error
	// Postpone records a failure: the row is not due again before the delay
	// is over. The reason is for operators and holds no message text.
	Postpone(ctx context.Context, row Row, delay time.Duration, reason string) error
}

// Renderer words a message from its facts.
type Renderer func(ctx context.Context, facts []byte) (chat.Message, error)

// Sender posts what is due.
type Sender struct {
	store     Store
	posters   map[string]chat.Poster // by platform
	renderers map[string]Renderer    // by kind
	log       *slog.Logger
	wake      chan struct{}
	// unrecorded holds, by row ID, what was posted while the store could not
	// take note of it: a full disk must not become a message a second.
	unrecorded map[int64]string
}

// New returns a sender for the given platforms and kinds of message.
func New(store Store, posters map[string]chat.Poster, renderers map[string]Renderer, log *slog.Logger) *Sender {
	return &Sender{
		store: store, posters: posters, renderers: renderers, log: log,
		wake: make(chan struct{}, 1), unrecorded: map[int64]string{},
	}
}

// Wake makes the sender look at once. It never blocks.
func (s *Sender) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Rows at a time, and how long the sender sleeps when nobody wakes it: only
// rows that were postponed need that.
const (
	batch = 50
	idle  = time.Second
)

// limit is how long one message may take: a platform that never answers must
// not hold up the others.
const limit = 15 * time.Second

// Run sends until ctx ends.
func (s *Sender) Run(ctx context.Context) error {
	tick := time.NewTicker(idle)
	defer tick.Stop()
	for {
		more, err := s.pass(ctx)
		if err != nil && ctx.Err() == nil {
			s.log.Error("send outbox", "error", err)
		}
		if more && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-s.wake:
		}
	}
}

// pass sends one batch and reports whether there may be more.
func (s *Sender) pass(ctx context.Context) (more bool, err error) {
	rows, err := s.store.Due(ctx, batch)
	if err != nil {
		return false, fmt.Errorf("read due messages: %w", err)
	}
	for _, row := range rows {
		if ctx.Err() != nil {
			return false, nil
		}
		if err := s.send(ctx, row); err != nil {
			return false, err
		}
	}
	return len(rows) == batch, nil
}

// send shows one row. What the platform refuses is postponed; the error is
// the store's.
func (s *Sender) send(ctx context.Context, row Row) error {
	if row.Message == "" {
		row.Message = s.unrecorded[row.ID]
	}
	message, err := s.show(ctx, row)
	if err == nil {
		return s.shown(ctx, row, message)
	}
	if ctx.Err() != nil {
		return ctx.Err() // stopping is no failure of the platform's
	}
	s.log.Warn("show message", "key", row.Key, "tries", row.Tries+1, "error", err)
	return s.store.Postpone(ctx, row, delay(row.Tries), err.Error())
}

// shown records what is in the chat, even if the bot is stopping.
func (s *Sender) shown(ctx context.Context, row Row, message string) error {
	if err := s.store.Shown(context.WithoutCancel(ctx), row, message); err != nil {
		s.unrecorded[row.ID] = message
		return err
	}
	delete(s.unrecorded, row.ID)
	return nil
}

var (
	errNoRenderer = errors.New("no renderer for this kind of message")
	errNoPoster   = errors.New("no such platform")
)

func (s *Sender) show(ctx context.Context, row Row) (string, error) {
	render, ok := s.renderers[row.Kind]
	if !ok {
		return "", fmt.Errorf("%w: %s", errNoRenderer, row.Kind)
	}
	poster, ok := s.posters[row.To.Platform]
	if !ok {
		return "", errNoPoster
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	m, err := render(ctx, row.Facts)
	if err != nil {
		return "", fmt.Errorf("word message: %w", err)
	}
	m = chat.Fit(m, poster.Caps())
	if row.Message == "" {
		return poster.Post(ctx, row.To, row.Key, m)
	}
	return row.Message, poster.Edit(ctx, row.To, row.Message, m)
}

// delay doubles from one second to at most ten minutes.
func delay(tries int) time.Duration {
	return min(time.Second<<min(tries, 10), 10*time.Minute)
}
