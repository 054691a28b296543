package outbox_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"twokey/chat"
	"twokey/chat/outbox"
	"twokey/commands/approval"
)

// to owes a message to a channel of its own.
func (p *post) oweTo(channel string, keys ...string) {
	p.t.Helper()
	p.update(func(tx approval.Tx) error {
		for _, key := range keys {
			n := notice(key)
			n.Address = fmt.Sprintf(`{"platform":"chat","channel":%q}`, channel)
			if err := tx.Owe(n); err != nil {
				return err
			}
		}
		return nil
	})
}

// An address that takes its time delays no other one, and keeps its own order.
func TestAddressesDoNotWaitForEachOther(t *testing.T) {
	bubble(t, func(t *testing.T, p *post) {
		p.chat.before = func(ctx context.Context, key string) error {
			if key == "slow-1" {
				time.Sleep(10 * time.Second)
			}
			return nil
		}
		p.oweTo("slow", "slow-1", "slow-2")
		p.oweTo("quick", "quick-1", "quick-2")
		start := time.Now()
		defer p.run()()
		time.Sleep(5 * time.Second)
		p.wantTexts("about quick-1", "about quick-2")
		time.Sleep(10 * time.Second)
		p.wantTexts("about quick-1", "about quick-2", "about slow-1", "about slow-2")
		if got, want := p.chat.tried("slow-2", start), []time.Duration{10 * time.Second}; !slices.Equal(got, want) {
			t.Errorf("the second of the slow ones was tried after %v, want %v", got, want)
		}
	})
}

// early is a refusal of a platform that wants to be left alone for a while.
type early struct{ wait time.Duration }

func (e early) Error() string             { return "too early" }
func (e early) RetryAfter() time.Duration { return e.wait }

func TestWaitsAsLongAsThePlatformSays(t *testing.T) {
	bubble(t, func(t *testing.T, p *post) {
		start := time.Now()
		p.chat.before = func(_ context.Context, key string) error {
			if left := 17*time.Second - time.Since(start); key == "a" && left > 0 {
				return fmt.Errorf("post: %w", early{left})
			}
			return nil
		}
		p.oweTo("limited", "a")
		p.oweTo("free", "b")
		defer p.run()()
		p.wantTexts("about b")
		time.Sleep(16 * time.Second)
		p.wantTexts("about b")
		time.Sleep(3 * time.Second)
		p.wantTexts("about b", "about a")
		if got := p.chat.tried("a", start); len(got) != 2 {
			t.Errorf("tried after %v, want two tries", got)
		}
	})
}

// finder is a platform that finds an earlier post only if it is asked to.
type finder struct {
	*platform
	asked atomic.Int32
}

func (f *finder) Find(_ context.Context, _ chat.Address, key string) (string, error) {
	f.asked.Add(1)
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.seen {
		if s.key == key {
			return s.id, nil
		}
	}
	return "", nil
}

// I10: where a post has to be looked for, that is done for what an earlier
// process may have posted, and for nothing else.
func TestI10LooksForPostsOfAnEarlierProcess(t *testing.T) {
	bubble(t, func(t *testing.T, p *post) {
		p.chat.knowsKeys = false
		p.owe("a")
		reopen(t, p, func(s outbox.Store) outbox.Store { return cut{s, new(atomic.Bool)} })
		stop := p.run()
		p.wantTexts("about a")
		stop() // the process dies between the post and its record
		reopen(t, p, func(s outbox.Store) outbox.Store { return s })

		state := "changed"
		f := &finder{platform: p.chat}
		render := func(_ context.Context, facts []byte) (chat.Message, error) {
			return chat.Message{Headline: string(facts) + " " + state}, nil
		}
		p.sender = outbox.New(p.store, map[string]chat.Poster{"chat": f}, map[string]outbox.Renderer{"kind": render}, slog.New(slog.DiscardHandler))
		defer p.run()()
		p.wantTexts("a changed") // it is found, and shows what is stored now
		if n := f.asked.Load(); n != 1 {
			t.Errorf("it was looked for %d times, want once", n)
		}
		p.chat.before = func(_ context.Context, key string) error {
			if key == "c" && len(p.chat.tried("c", time.Now())) < 3 {
				return errPlatform
			}
			return nil
		}
		p.owe("b")
		p.owe("c") // the poster of this process knows what became of its own tries
		synctest.Wait()
		time.Sleep(time.Minute)
		p.wantTexts("a changed", "b changed", "c changed")
		if n := f.asked.Load(); n != 1 {
			t.Errorf("it was looked for %d times in all, want once", n)
		}
	})
}

// I10: of two processes that both see what is owed one posts it, and when that
// one is gone the other does, and looks first for what it may have posted.
func TestI10OneOfTwoProcessesPosts(t *testing.T) {
	bubble(t, func(t *testing.T, p *post) {
		p.chat.knowsKeys = false
		p.chat.before = func(context.Context, string) error { time.Sleep(3 * time.Second); return nil }
		var leader atomic.Int32
		leads := func(n int32) func(context.Context) (bool, error) {
			return func(context.Context) (bool, error) { return leader.Load() == n, nil }
		}
		var deaf atomic.Bool
		reopen(t, p, func(s outbox.Store) outbox.Store { return cut{s, &deaf} })
		p.sender.Lead = leads(0)
		stop := p.run()
		synctest.Wait()
		f := &finder{platform: p.chat}
		render := func(_ context.Context, facts []byte) (chat.Message, error) {
			return chat.Message{Headline: "second about " + string(facts)}, nil
		}
		p.sender = outbox.New(p.store, map[string]chat.Poster{"chat": f}, map[string]outbox.Renderer{"kind": render}, slog.New(slog.DiscardHandler))
		p.sender.Lead = leads(1)
		defer p.run()()
		p.owe("a")
		time.Sleep(2 * time.Second)
		stop() // between the post and its record
		p.wantTexts("about a")
		time.Sleep(time.Minute)
		p.wantTexts("about a")
		leader.Store(1)
		time.Sleep(time.Minute)
		p.wantTexts("second about a") // it is found, and shows what is stored now
		p.owe("b")
		time.Sleep(time.Minute)
		p.wantTexts("second about a", "second about b")
		if n := f.asked.Load(); n != 2 { // in the idle minute another may have led
			t.Errorf("it looked for %d earlier posts, want 2", n)
		}
	})
}
