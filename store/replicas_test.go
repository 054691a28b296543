package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"twokey/chat"
	"twokey/chat/outbox"
	"twokey/graph/rollout"
	"twokey/scheduler"
	"twokey/store/pgtest"
)

// weeksOfReplicas is how many weeks TestO19 plays.
const weeksOfReplicas = 200

// The child of TestO19 is one replica: a schedule and a sender on the database
// that it is given, by the time of its parent, which is its chat too.
const (
	replicaDSN  = "TWOKEY_REPLICA"
	replicaHome = "TWOKEY_REPLICA_HOME"
)

// home is where all replicas post: it keeps every message, two of a key as well,
// and tells the time.
type home struct {
	offset atomic.Int64
	mu     sync.Mutex
	keys   []string
}

// ServeHTTP implements http.Handler.
func (h *home) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key := r.URL.Query().Get("key")
	h.mu.Lock()
	defer h.mu.Unlock()
	switch r.URL.Path {
	case "/time":
		fmt.Fprint(w, h.offset.Load())
	case "/post":
		h.keys = append(h.keys, key)
		fmt.Fprint(w, len(h.keys))
	case "/find":
		for i, k := range h.keys {
			if k == key {
				fmt.Fprint(w, i+1)
				return
			}
		}
	}
}

func (h *home) posted(key string) (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, k := range h.keys {
		if k == key {
			n++
		}
	}
	return n
}

// road is the way of a replica to its home.
type road struct{ home string }

func (r road) ask(ctx context.Context, path, key string) (string, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, r.home+path+"?key="+url.QueryEscape(key), nil)
	if err != nil {
		return "", err
	}
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return string(text), err
}

// Post, Edit, Caps and Find implement chat.Poster and outbox.Finder, for a
// platform that posts whatever it is told.
func (r road) Post(ctx context.Context, _ chat.Address, key string, _ chat.Message) (string, error) {
	return r.ask(ctx, "/post", key)
}

func (r road) Edit(context.Context, chat.Address, string, chat.Message) error { return nil }

func (r road) Caps() chat.Caps { return chat.Caps{} }

func (r road) Find(ctx context.Context, _ chat.Address, key string) (string, error) {
	return r.ask(ctx, "/find", key)
}

// replica works until it is killed.
func replica(t *testing.T) {
	home := road{os.Getenv(replicaHome)}
	var offset atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }
	ask := func(ctx context.Context) error {
		text, err := home.ask(ctx, "/time", "")
		if err != nil {
			return err
		}
		var n int64
		_, err = fmt.Sscan(text, &n)
		offset.Store(n)
		return err
	}
	if err := ask(t.Context()); err != nil {
		t.Fatal(err)
	}
	life, err := NewLife(os.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), Config{DSN: os.Getenv(replicaDSN)})
	if err != nil {
		t.Fatal(err)
	}
	d := digester(s)
	d.Now = now
	d.Facts = func(context.Context) rollout.Facts { return rollout.Facts{AsOf: now()} }
	run, err := scheduler.New("the-tenant", []scheduler.Job{d.Job()}, s, now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	plain := func(context.Context, []byte) (chat.Message, error) { return chat.Message{Headline: "a digest"}, nil }
	sender := outbox.New(s, map[string]chat.Poster{"p": home}, map[string]outbox.Renderer{scheduler.KindDigest: plain}, slog.New(slog.DiscardHandler))
	sender.Lead = s.Leader("outbox", life.Name(), outbox.LeadFor, life.Gone)
	group, ctx := errgroup.WithContext(t.Context())
	group.Go(func() error { return run.Run(ctx) })
	group.Go(func() error { return sender.Run(ctx) })
	group.Go(func() error {
		for {
			was := offset.Load()
			if err := ask(ctx); err != nil {
				return err // the parent has ended
			}
			if offset.Load() != was {
				run.Wake()
			}
			sender.Wake()
			time.Sleep(20 * time.Millisecond)
		}
	})
	_ = group.Wait()
	_ = errors.Join(s.Close(), life.Close())
}

// TestO19FiveReplicas lets five processes share a database for 200 weeks, of which
// one is killed at some moment of each. Whatever is posted is kept: there are as
// many digests as weeks, one of each. The weeks pass for the schedules alone; who
// sends is settled by the database's own time, which nobody moves.
func TestO19FiveReplicas(t *testing.T) {
	if os.Getenv(replicaDSN) != "" {
		replica(t)
		return
	}
	dsn := pgtest.Server(t, "fsync=on", "full_page_writes=on").Database(t) // without, no real bot would use it
	h := &home{}
	monday := time.Date(2027, time.January, 4, 9, 0, 0, 0, time.UTC) // when digester's is due
	h.offset.Store(int64(time.Until(monday.Add(-time.Hour))))
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	first, err := Open(t.Context(), Config{DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := first.Since(t.Context(), "the-tenant", scheduler.DigestJob); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := first.Close(); err != nil {
			t.Error(err)
		}
	})
	var replicas [5]*exec.Cmd
	begin := func(i int) {
		cmd := exec.Command(os.Args[0], "-test.run=^TestO19FiveReplicas$")
		cmd.Env = append(os.Environ(), replicaDSN+"="+dsn, replicaHome+"="+server.URL)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		replicas[i] = cmd
	}
	kill := func(i int) {
		_ = replicas[i].Process.Kill()
		_ = replicas[i].Wait() // that it was killed
	}
	for i := range replicas {
		begin(i)
		t.Cleanup(func() { kill(i) })
	}
	random := rand.New(rand.NewPCG(19, 200))
	for week := range weeksOfReplicas {
		due := monday.AddDate(0, 0, 7*week)
		h.offset.Store(int64(time.Until(due.Add(time.Second))))
		time.Sleep(time.Duration(random.IntN(100)) * time.Millisecond) // a moment for real processes, and no condition
		i := random.IntN(len(replicas))
		kill(i)
		begin(i)
		key := "digest/the-tenant/" + rollout.ISOWeek(due)
		for deadline := time.Now().Add(time.Minute); h.posted(key) == 0; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%s was not posted; there are %d", key, len(h.keys))
			}
		}
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) { // until all is recorded too
		rows, err := first.Due(t.Context(), 10)
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d rows are still to be recorded", len(rows))
		}
	}
	seen := map[string]int{}
	for _, k := range h.keys {
		seen[k]++
	}
	for k, n := range seen {
		if n != 1 {
			t.Errorf("%s was posted %d times", k, n)
		}
	}
	if len(seen) != weeksOfReplicas {
		t.Errorf("%d digests were posted, want %d", len(seen), weeksOfReplicas)
	}
	t.Logf("%d posts of %d weeks by five processes, of which %d were killed", len(h.keys), len(seen), weeksOfReplicas)
}
