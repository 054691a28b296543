package audit

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// source is a chain in memory that grows and can be tampered with.
type source struct {
	mu   sync.Mutex
	all  []Record
	fail error
}

func (s *source) Audit(ctx context.Context) iter.Seq2[Record, error] { return s.AuditFrom(ctx, 0) }

func (s *source) AuditFrom(_ context.Context, number int64) iter.Seq2[Record, error] {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		return func(yield func(Record, error) bool) { yield(Record{}, s.fail) }
	}
	at := slices.IndexFunc(s.all, func(r Record) bool { return r.Number >= number })
	if at < 0 {
		return seq(nil)
	}
	return seq(slices.Clone(s.all[at:]))
}

func (s *source) set(rs []Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = rs
}

func watching(t *testing.T, s *source, files ...HeadFile) (*Watch, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	w := NewWatch(WatchConfig{Source: s, Files: files, Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err := w.Start(t.Context()); err != nil {
		t.Fatalf("Start: %v", err)
	}
	return w, &log
}

func keep(t *testing.T, w *Watch) {
	t.Helper()
	if err := w.Keep(t.Context()); err != nil {
		t.Fatalf("Keep: %v", err)
	}
}

// A head is written after changes, once a minute at most, and at the end; each
// also to the log.
func TestWatchWritesHeads(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		all := chain(t, 10)
		s, f := &source{all: all[:1]}, HeadFile(filepath.Join(dir, "heads"))
		w, log := watching(t, s, f)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- w.Run(ctx) }()
		for i := range 8 {
			time.Sleep(19 * time.Second) // no tick falls together with a change
			s.set(all[:i+2])
		}
		time.Sleep(5 * time.Minute)
		s.set(all)
		stop()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		keep(t, w)
		heads, err := f.Read()
		if err != nil {
			t.Fatal(err)
		}
		var got []int64
		for _, h := range heads {
			got = append(got, h.Number)
			if h.Hash != all[h.Number-1].Hash || !strings.Contains(log.String(), h.Hash) {
				t.Errorf("head %+v is wrong, or not in the log", h)
			}
		}
		if want := []int64{4, 7, 9, 10}; !slices.Equal(got, want) {
			t.Errorf("heads of %v, want %v", got, want)
		}
	})
}

// O60: damage is found at the start and as it comes, stays found, and from then
// on no head is written that would bless it.
func TestO60WatchFindsDamage(t *testing.T) {
	t.Parallel()
	all := chain(t, 6)
	edited := slices.Clone(all)
	edited[2].Actor = "another"
	for _, row := range []struct {
		name          string
		before, after []Record // as it was when the head was kept, and as it is found
		started       int64    // damage found by a bot that starts, at this record
		running       int64    // by one that runs, 0 if it finds none
	}{
		{"edited", all, edited, 3, 0},
		{"cut off", all, all[:3], 4, 6},
		{"emptied", all, nil, 1, 6},
		{"whole", all[:4], all, 0, 0},
		{"edited behind the last head", all[:2], edited, 3, 3},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s, f := &source{all: row.before}, HeadFile(filepath.Join(t.TempDir(), "heads"))
			w, _ := watching(t, s, f)
			keep(t, w)
			kept, err := f.Read()
			if err != nil {
				t.Fatal(err)
			}
			s.set(row.after)
			keep(t, w)
			wantError(t, "running", w.Damage(), row.running)
			again, _ := watching(t, s, f)
			wantError(t, "started", again.Damage(), row.started)
			if row.started > 0 {
				s.set(row.before)
			}
			keep(t, again)
			wantError(t, "put right behind its back", again.Damage(), row.started)
			if now, err := f.Read(); err != nil || row.started > 0 && row.running > 0 && len(now) != len(kept) {
				t.Errorf("heads %v (%v) after damage, want %v", now, err, kept)
			}
			if h, ok := again.Head(t.Context()); ok != (row.started == 0) || ok && h.Hash != row.after[len(row.after)-1].Hash {
				t.Errorf("Head = %v, %t", h, ok)
			}
			var told error
			again.Check(t.Context(), func(_ string, err error) { told = err })
			wantError(t, "told", told, row.started)
		})
	}
}

// wantError fails unless err says that this record is broken; 0 is none.
func wantError(t *testing.T, what string, err error, number int64) {
	t.Helper()
	var broken *BrokenError
	if errors.As(err, &broken); err == nil && number == 0 || broken != nil && broken.Number == number {
		return
	}
	t.Errorf("%s: %v, want broken at %d", what, err, number)
}

// What cannot be read for the moment is no damage; heads that cannot be read
// leave nothing proved.
func TestWatchTellsDamageFromFailure(t *testing.T) {
	t.Parallel()
	s, f := &source{all: chain(t, 2)}, HeadFile(filepath.Join(t.TempDir(), "heads"))
	w, _ := watching(t, s, f)
	keep(t, w)
	s.fail = errors.New("database is away")
	if err := w.Keep(t.Context()); !errors.Is(err, s.fail) || w.Damage() != nil {
		t.Errorf("Keep = %v, damage %v", err, w.Damage())
	}
	if err := NewWatch(w.cfg).Start(t.Context()); !errors.Is(err, s.fail) {
		t.Errorf("Start = %v", err)
	}
	s.fail = nil
	tear(t, f, "something else\n")
	again, _ := watching(t, s, f)
	var said interface{ Say() string }
	if !errors.As(again.Damage(), &said) || !strings.Contains(said.Say(), "nothing proves") {
		t.Errorf("damage %v, want that the heads cannot be read", again.Damage())
	}
}

// A file that takes no head keeps it from no other, and from no log; and it is
// known since when.
func TestO60OneFileFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bad, good := HeadFile(filepath.Join(dir, "share", "heads")), HeadFile(filepath.Join(dir, "heads"))
	all := chain(t, 6)
	s := &source{all: all[:5]}
	w, log := watching(t, s, bad, good)
	if err := w.Keep(t.Context()); err == nil || !strings.Contains(err.Error(), string(bad)) {
		t.Errorf("Keep: %v, want which file it was", err)
	}
	if heads, err := good.Read(); err != nil || len(heads) != 1 {
		t.Errorf("the other file has %v, %v", heads, err)
	}
	if !strings.Contains(log.String(), "audit head") {
		t.Errorf("no head is in the log:\n%s", log)
	}
	if h, ok := w.Head(t.Context()); !ok || h.Number != 5 {
		t.Errorf("Head = %v, %t", h, ok)
	}
	since := w.Behind()
	if err := os.Mkdir(filepath.Dir(string(bad)), 0o700); err != nil {
		t.Fatal(err)
	}
	if since.IsZero() {
		t.Error("nobody knows that a file is behind")
	}
	keep(t, w)
	for _, f := range []HeadFile{bad, good} {
		if heads, err := f.Read(); err != nil || len(heads) != 1 {
			t.Errorf("%s has %v, %v", f, heads, err)
		}
	}
	if !w.Behind().IsZero() {
		t.Errorf("still behind since %s", w.Behind())
	}
}

// A file without heads is told apart from one that proves the chain.
func TestO60HeadsAreGone(t *testing.T) {
	t.Parallel()
	all := chain(t, 10)
	s, f := &source{}, HeadFile(filepath.Join(t.TempDir(), "heads"))
	w, _ := watching(t, s, f)
	if got, _ := w.Missing(); len(got) != 0 {
		t.Errorf("%v has no head, and there is none to have", got)
	}
	s.set(all)
	keep(t, w)
	if err := os.Remove(string(f)); err != nil {
		t.Fatal(err)
	}
	s.set(all[:5])
	w, _ = watching(t, s, f)
	if got, last := w.Missing(); !slices.Equal(got, []HeadFile{f}) || last != 5 {
		t.Errorf("Missing = %v, want %s", got, f)
	}
}

// hanging is a source that does not answer.
type hanging struct{ source }

func (s *hanging) AuditFrom(ctx context.Context, _ int64) iter.Seq2[Record, error] {
	<-ctx.Done()
	return seq(nil)
}

// G19: whoever asks whether the record is damaged waits for no head to be kept.
func TestG19DamageWaitsForNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		w := NewWatch(WatchConfig{Source: &hanging{}, Log: slog.New(slog.DiscardHandler)})
		kept := make(chan error)
		go func() { kept <- w.Keep(ctx) }()
		synctest.Wait()
		if err := w.Damage(); err != nil {
			t.Error(err)
		}
		w.Report(&BrokenError{Number: 3, Why: "is missing"})
		if w.Damage() == nil {
			t.Error("what was reported is forgotten")
		}
		stop()
		if err := <-kept; err != nil {
			t.Error(err)
		}
	})
}

// A running bot knows when its last record was written, without any file.
func TestG35WatchPrunedByNobody(t *testing.T) {
	t.Parallel()
	all := chain(t, 6)
	s := &source{all: all}
	w, _ := watching(t, s)
	gone := sayPruned(t, all, 6, start.Add(-time.Hour), start.Add(LeastKept))
	s.set(gone)
	keep(t, w)
	if w.Damage() != nil {
		t.Fatalf("an hour is no more than clocks may differ: %v", w.Damage())
	}
	s.set(all)
	w, _ = watching(t, s)
	s.set(sayPruned(t, all, 6, start.Add(-50*time.Hour), start.Add(LeastKept)))
	keep(t, w)
	if w.Damage() == nil {
		t.Error("its text is gone, and it was of today")
	}
}
