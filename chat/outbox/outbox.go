// Package outbox sends the messages that are owed: rows that were stored in
// the same transaction as whatever they tell of. A row says which kind of
// message, where to and about what; its words are made when it is sent, so
// that a message always tells what is stored now, and an edit is the same
// thing as a first post.
//
// A row is posted under its key, and an adapter posts a key only once, so that
// a row whose post was not recorded in time may be posted again. Rows of one
// address go out one after the other, oldest first; those of different
// addresses do not wait for each other.
package outbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

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

// Finder is the ability of a poster to look for a message that it posted under
// a key, perhaps in an earlier life. It is asked about rows that an earlier
// process may have posted and had no time to record.
type Finder interface {
	// Find returns the ID of the message; empty if there is none, or if the
	// platform cannot tell.
	Find(ctx context.Context, to chat.Address, key string) (id string, err error)
}

// waiter is an error that says after how long the platform will take the
// message.
type waiter interface{ RetryAfter() time.Duration }

// Renderer words a message from its facts. One without any words has nothing to
// say any more: nothing is posted, and what is posted stays as it is.
type Renderer func(ctx context.Context, facts []byte) (chat.Message, error)

// Sender posts what is due.
type Sender struct {
	// Lead reports whether this process is the one that sends, of all that run
	// on the store, for the next [LeadFor]. Nil if there is only one. It is set
	// before Run.
	Lead func(ctx context.Context) (bool, error)

	store     Store
	posters   map[string]chat.Poster // by platform
	renderers map[string]Renderer    // by kind
	log       *slog.Logger
	wake      chan struct{}

	mu  sync.Mutex // guards all below
	led time.Time  // when Lead was asked last and said yes, by this machine's clock
	// behind says that rows of an earlier process may still be due: no pass
	// has come to the end of them yet.
	behind bool
	begun  bool // to lead, since the last pass
	// tried are rows that did not go out, by ID: what became of their posts is
	// known to the poster of this process.
	tried map[int64]struct{}
	// unrecorded holds, by row ID, what was posted while the store could not
	// take note of it: a full disk must not become a message a second.
	unrecorded map[int64]string
}

// New returns a sender for the given platforms and kinds of message.
func New(store Store, posters map[string]chat.Poster, renderers map[string]Renderer, log *slog.Logger) *Sender {
	return &Sender{
		store: store, posters: posters, renderers: renderers, log: log,
		wake: make(chan struct{}, 1), behind: true, tried: map[int64]struct{}{}, unrecorded: map[int64]string{},
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

// side is to how many addresses messages go at once.
const side = 8

// limit is how long one message may take: a platform that never answers must
// not hold up the others.
const limit = 15 * time.Second

// LeadFor is how long one process is the only one that sends, from when it last
// asked. It asks anew after a third of it, so that the longest post is over
// before another begins.
const LeadFor = 2 * limit

// leads reports whether this process may begin to send a message now. Two that
// do would show it twice: what one has posted the other learns only when it is
// recorded.
func (s *Sender) leads(ctx context.Context) (bool, error) {
	if s.Lead == nil {
		return true, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.led.IsZero() && time.Since(s.led) < LeadFor/3 {
		return true, nil
	}
	asked := time.Now()
	ok, err := s.Lead(ctx)
	if !ok || err != nil {
		s.led, s.behind = time.Time{}, true // whoever leads meanwhile may post and have no time to record it
		return false, err
	}
	if s.led.IsZero() || asked.Sub(s.led) >= LeadFor { // another may have led until now, and died
		s.behind, s.begun = true, true
	}
	s.led = asked
	return true, nil
}

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
	if len(rows) == 0 {
		s.caughtUp()
		return false, nil
	}
	if ok, err := s.leads(ctx); !ok || err != nil {
		return false, err
	}
	if s.justBegan() {
		return true, nil // the rows were read while another led, who may have posted more
	}
	var sending errgroup.Group // without a context: one failure stops nobody else
	sending.SetLimit(side)
	for _, rows := range byAddress(rows) {
		sending.Go(func() error { return s.sendAll(ctx, rows) })
	}
	err = sending.Wait()
	if err == nil && len(rows) < batch && ctx.Err() == nil {
		s.caughtUp()
	}
	return len(rows) == batch, err
}

// justBegan reports, once, whether this process has begun to lead.
func (s *Sender) justBegan() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	begun := s.begun
	s.begun = false
	return begun
}

// caughtUp notes that nothing of an earlier process is left.
func (s *Sender) caughtUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.behind = false
}

// byAddress parts rows by where they go, keeping their order.
func byAddress(rows []Row) [][]Row {
	var parts [][]Row
	at := map[chat.Address]int{}
	for _, row := range rows {
		i, ok := at[row.To]
		if !ok {
			i = len(parts)
			at[row.To] = i
			parts = append(parts, nil)
		}
		parts[i] = append(parts[i], row)
	}
	return parts
}

// sendAll shows rows one after the other. The error is the store's.
func (s *Sender) sendAll(ctx context.Context, rows []Row) error {
	for _, row := range rows {
		if ctx.Err() != nil {
			return nil
		}
		if ok, err := s.leads(ctx); !ok || err != nil {
			return err
		}
		if err := s.send(ctx, row); err != nil {
			return err
		}
	}
	return nil
}

// send shows one row. What the platform refuses is postponed, for as long as it
// asks for if it does; the error is the store's.
func (s *Sender) send(ctx context.Context, row Row) error {
	message, err := s.show(ctx, s.recall(row))
	if err == nil {
		return s.shown(ctx, row, message)
	}
	if ctx.Err() != nil {
		return nil // stopping is no failure of the platform's
	}
	s.mu.Lock()
	s.tried[row.ID] = struct{}{}
	s.mu.Unlock()
	wait, level := delay(row.Tries), slog.LevelWarn
	if w := waiter(nil); errors.As(err, &w) && w.RetryAfter() > 0 {
		wait, level = w.RetryAfter(), slog.LevelDebug // it is only early
	}
	s.log.Log(ctx, level, "show message", "key", row.Key, "tries", row.Tries+1, "again_in", wait, "error", err)
	return s.store.Postpone(ctx, row, wait, err.Error())
}

// recall adds to a row what the store could not take note of.
func (s *Sender) recall(row Row) Row {
	s.mu.Lock()
	defer s.mu.Unlock()
	if row.Message == "" {
		row.Message = s.unrecorded[row.ID]
	}
	return row
}

// shown records what is in the chat, even if the bot is stopping.
func (s *Sender) shown(ctx context.Context, row Row, message string) error {
	err := s.store.Shown(context.WithoutCancel(ctx), row, message)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tried, row.ID)
	if err != nil {
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
	if m.Plain() == "" {
		return row.Message, nil
	}
	m = chat.Fit(m, poster.Caps())
	if row.Message == "" {
		row.Message, err = s.find(ctx, poster, row)
	}
	switch {
	case err != nil:
		return "", err
	case row.Message == "":
		return poster.Post(ctx, row.To, row.Key, m)
	}
	return row.Message, poster.Edit(ctx, row.To, row.Message, m)
}

// find returns the ID under which an earlier process has posted a row; empty if
// none has.
func (s *Sender) find(ctx context.Context, poster chat.Poster, row Row) (string, error) {
	f, able := poster.(Finder)
	s.mu.Lock()
	_, tried := s.tried[row.ID]
	doubt := !tried && (s.behind || row.Tries > 0)
	s.mu.Unlock()
	if !able || !doubt {
		return "", nil
	}
	return f.Find(ctx, row.To, row.Key)
}

// delay doubles from one second to at most ten minutes.
func delay(tries int) time.Duration {
	return min(time.Second<<min(tries, 10), 10*time.Minute)
}
