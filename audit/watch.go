package audit

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Source is where a chain is read from.
type Source interface {
	// Audit reads the chain from its beginning, as it stands at this moment.
	Audit(ctx context.Context) iter.Seq2[Record, error]
	// AuditFrom reads it from the given number on.
	AuditFrom(ctx context.Context, number int64) iter.Seq2[Record, error]
}

// WatchConfig says which chain is watched.
type WatchConfig struct {
	Source Source
	Files  []HeadFile       // where heads are kept; the log has them always
	Every  time.Duration    // how often at most; 1 min if it is 0
	Now    func() time.Time // for the heads; time.Now if nil
	Log    *slog.Logger
}

// Watch keeps the chain of a running bot honest: it verifies all of it against
// the heads kept elsewhere at the start, what is added as it comes, and writes
// a head after changes. Once it has found damage it stays with that finding:
// it writes no head any more, and whoever asks for the [Watch.Damage] must do
// nothing that needs a record. Its methods are safe for concurrent use.
type Watch struct {
	cfg WatchConfig

	damage atomic.Pointer[error]     // asked before every decision, so that nothing is waited for
	behind atomic.Pointer[time.Time] // since when a head is not in every file

	mu      sync.Mutex
	last    Record // the last that was verified; number 0: none
	missing []HeadFile
	began   int64 // the last at the start

	writing sync.Mutex // a file on another machine may take its time
	written []int64    // by file, the number of the last head that it has
	logged  int64      // the same of the log
}

// NewWatch returns a watch that has seen nothing yet.
func NewWatch(cfg WatchConfig) *Watch {
	if cfg.Every == 0 {
		cfg.Every = time.Minute
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Watch{cfg: cfg, written: make([]int64, len(cfg.Files))}
}

// Start verifies the whole chain against every head that was kept. Damage is
// no error: it is what [Watch.Damage] returns from then on. An error means
// that it could not be read.
func (w *Watch) Start(ctx context.Context) error {
	w.writing.Lock()
	defer w.writing.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	heads, err := w.heads()
	if err != nil {
		w.damaged(err)
		return nil
	}
	last, err := VerifyHeads(w.cfg.Source.Audit(ctx), heads)
	if err != nil {
		return w.found(err)
	}
	if last == nil {
		return nil
	}
	w.last, w.missing, w.began = *last, nil, last.Number
	for i, f := range w.cfg.Files {
		if w.written[i] == 0 {
			w.missing = append(w.missing, f)
		}
	}
	return nil
}

// Missing returns the files that had no head at the start, though there were
// records, so that nothing in them could tell whether the end of the chain was
// cut off; and what the last record was then.
func (w *Watch) Missing() ([]HeadFile, int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.missing), w.began
}

// heads reads what was kept in all files.
func (w *Watch) heads() (all []Head, err error) {
	for i, f := range w.cfg.Files {
		heads, err := f.Read()
		if err != nil {
			return nil, &unreadableHeads{f, err}
		}
		all = append(all, heads...)
		for _, h := range heads {
			w.written[i] = max(w.written[i], h.Number)
		}
	}
	return all, nil
}

// unreadableHeads says that nothing proves the chain to be whole.
type unreadableHeads struct {
	file HeadFile
	err  error
}

func (e *unreadableHeads) Error() string { return fmt.Sprintf("%s: %v", e.file, e.err) }
func (e *unreadableHeads) Unwrap() error { return e.err }

func (e *unreadableHeads) Say() string {
	return "The heads of the audit record that are kept outside the database cannot be read, so nothing proves that it is whole."
}

// found keeps what is damage, and passes on what is not.
func (w *Watch) found(err error) error {
	var broken *BrokenError
	if !errors.As(err, &broken) {
		return err
	}
	w.damaged(broken)
	return nil
}

// damaged keeps the first damage.
func (w *Watch) damaged(err error) {
	if w.damage.CompareAndSwap(nil, &err) {
		w.cfg.Log.Error("the audit record is damaged: from now on nothing is changed", "error", err)
	}
}

// Damage returns what is damaged once damage was found, else nil. The error has
// a sentence for people. It waits for nothing.
func (w *Watch) Damage() error {
	if err := w.damage.Load(); err != nil {
		return *err
	}
	return nil
}

// Report takes in what somebody else found when they verified the chain.
func (w *Watch) Report(err error) {
	_ = w.found(err) // what is no damage is theirs to say
}

// Behind returns since when there is a head that is not in every file, the zero
// time if all have the last one. It waits for nothing.
func (w *Watch) Behind() time.Time {
	if since := w.behind.Load(); since != nil {
		return *since
	}
	return time.Time{}
}

// Head looks at the chain once more and returns what it ends with; false if it
// is empty or damaged, or cannot be read.
func (w *Watch) Head(ctx context.Context) (Head, bool) {
	h, err := w.look(ctx)
	return h, err == nil && h.Number > 0 && w.Damage() == nil
}

// look verifies what was added to the chain since, and returns its head. What is
// found is kept like at the start.
func (w *Watch) look(ctx context.Context) (Head, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.Damage() == nil {
		if err := w.found(w.advance(ctx)); err != nil {
			return Head{}, err
		}
	}
	return Head{Number: w.last.Number, Hash: w.last.Hash, At: w.cfg.Now().UTC()}, nil
}

// Keep looks at what was added to the chain since and, if anything was, writes
// the new head to the log and to each file. A file that takes none keeps it from
// no other.
func (w *Watch) Keep(ctx context.Context) error {
	h, err := w.look(ctx)
	if err != nil || w.Damage() != nil || h.Number == 0 {
		return err
	}
	w.writing.Lock()
	defer w.writing.Unlock()
	if h.Number > w.logged {
		w.cfg.Log.Info("audit head", "number", h.Number, "hash", h.Hash)
		w.logged = h.Number
	}
	w.behind.CompareAndSwap(nil, &h.At)
	var failed []error
	for i, f := range w.cfg.Files {
		if h.Number <= w.written[i] {
			continue
		}
		if err := f.Append(h); err != nil {
			failed = append(failed, fmt.Errorf("write audit head to %s: %w", f, err))
			continue
		}
		w.written[i] = h.Number
	}
	if len(failed) == 0 {
		w.behind.Store(nil)
	}
	return errors.Join(failed...)
}

// advance verifies from the last record that was seen, which must still be
// there.
func (w *Watch) advance(ctx context.Context) error {
	c, from := checker{found: true}, int64(1)
	if w.last.Number > 0 {
		c.part, c.heads, from = true, []Head{{Number: w.last.Number, Hash: w.last.Hash}}, w.last.Number
		if at, err := time.Parse(time.RFC3339Nano, w.last.At); err == nil {
			c.times = []Head{{Number: w.last.Number - 1, At: at}} // it says itself when it was written
		}
	}
	last, err := c.read(w.cfg.Source.AuditFrom(ctx, from))
	if err == nil && last != nil {
		w.last = *last
	}
	return err
}

// Run keeps heads until ctx ends. The last one is written by Keep, after
// everything that records has stopped.
func (w *Watch) Run(ctx context.Context) error {
	tick := time.NewTicker(w.cfg.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := w.Keep(ctx); err != nil && ctx.Err() == nil {
			w.cfg.Log.Error("keep audit head", "error", err)
		}
	}
}

// Check verifies the whole chain once more, for doctors.
func (w *Watch) Check(ctx context.Context, report func(name string, err error)) {
	if err := w.Damage(); err != nil {
		report("audit record", err)
		return
	}
	report("audit record", errors.Join(w.Start(ctx), w.Damage()))
}
