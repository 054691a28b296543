package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"twokey/chat/outbox"
	"twokey/commands/approval"
)

// bubble runs f in a bubble of its own. A goroutine that outlives f fails it.
func bubble(t *testing.T, f func(*testing.T, *post)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { f(t, setup(t)) })
}

func (p *post) wantTexts(want ...string) {
	p.t.Helper()
	synctest.Wait()
	if got := p.chat.texts(); !slices.Equal(got, want) {
		p.t.Errorf("in the chat: %q, want %q", got, want)
	}
}

func TestPostsOnceInOrder(t *testing.T) {
	bubble(t, func(t *testing.T, p *post) {
		p.owe("a", "b")
		defer p.run()()
		p.wantTexts("about a", "about b")
		p.owe("c", "a") // a is owed already
		p.wantTexts("about a", "about b", "about c")
		time.Sleep(time.Hour)
		p.wantTexts("about a", "about b", "about c")
		if p.chat.edited != 0 || len(p.chat.asked["a"]) != 1 {
			t.Errorf("%d edits and %d posts of the first, want none and 1", p.chat.edited, len(p.chat.asked["a"]))
		}
	})
}

func TestManyGoOutAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, p *post) {
		const n = 120 // more than are read at a time
		var keys, want []string
		for i := range n {
			keys = append(keys, fmt.Sprintf("key-%d", i))
			want = append(want, "about "+keys[i])
		}
		start := time.Now()
		p.owe(keys...)
		defer p.run()()
		p.wantTexts(want...)
		if waited := time.Since(start); waited != 0 {
			t.Errorf("the last was posted after %v, want at once", waited)
		}
	})
}

func TestEditsWhatChanged(t *testing.T) {
	bubble(t, func(t *testing.T, p *post) {
		state := "pending"
		p.word = func(facts string) (string, error) { return facts + " is " + state, nil }
		defer p.run()()
		p.owe("a", "b")
		p.wantTexts("a is pending", "b is pending")
		state = "approved"
		p.touch("a")
		p.wantTexts("a is approved", "b is pending")
		if len(p.chat.seen) != 2 || p.chat.edited != 1 {
			t.Errorf("%d messages and %d edits, want 2 and 1", len(p.chat.seen), p.chat.edited)
		}
	})
}

func TestManyChangesAreOneEdit(t *testing.T) {
	bubble(t, func(t *testing.T, p *post) {
		stop := p.run()
		p.owe("a")
		p.wantTexts("about a")
		stop()
		for range 5 {
			p.touch("a")
		}
		defer p.run()()
		synctest.Wait()
		if p.chat.edited != 1 {
			t.Errorf("%d edits, want 1", p.chat.edited)
		}
	})
}

func TestAChangeDuringASendIsShown(t *testing.T) {
	bubble(t, func(t *testing.T, p *post) {
		state := "pending"
		p.word = func(string) (string, error) { return state, nil }
		p.chat.before = func(context.Context, string) error {
			if state == "pending" { // worded, and not in the chat yet
				state = "approved"
				p.touch("a")
			}
			return nil
		}
		p.owe("a")
		defer p.run()()
		p.wantTexts("approved")
	})
}

func TestWaitsLongerAfterEachFailure(t *testing.T) {
	bubble(t, func(t *testing.T, p *post) {
		down := true
		p.chat.before = func(context.Context, string) error {
			if down {
				return errPlatform
			}
			return nil
		}
		start := time.Now()
		p.owe("a")
		defer p.run()()
		time.Sleep(45 * time.Minute)
		want := []time.Duration{0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 1023, 1623, 2223} // seconds, then every ten minutes
		for i := range want {
			want[i] *= time.Second
		}
		if got := p.chat.tried("a", start); !slices.EqualFunc(got, want, about) {
			t.Errorf("tried after %v, want %v", got, want)
		}
		down = false
		time.Sleep(10 * time.Minute)
		p.wantTexts("about a")
	})
}

// about reports whether two times are so near that the sender's own beat is
// the difference.
func about(a, b time.Duration) bool { return (a - b).Abs() <= 15*time.Second }

func TestAChangeIsTriedAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, p *post) {
		down := true
		p.chat.before = func(context.Context, string) error {
			if down {
				return errPlatform
			}
			return nil
		}
		p.owe("a")
		defer p.run()()
		time.Sleep(20 * time.Minute)
		down = false
		p.touch("a")
		p.wantTexts("about a")
	})
}

func TestOneBrokenAddressHoldsNobodyUp(t *testing.T) {
	for name, broken := range map[string]func(ctx context.Context) error{
		"refused": func(context.Context) error { return errPlatform },
		"never answers": func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, p *post) {
				p.chat.before = func(ctx context.Context, key string) error {
					if strings.HasPrefix(key, "broken") {
						return broken(ctx)
					}
					return nil
				}
				p.owe("broken", "a")
				defer p.run()()
				time.Sleep(20 * time.Second)
				p.wantTexts("about a")
				p.owe("b")
				time.Sleep(20 * time.Second)
				p.wantTexts("about a", "about b")
			})
		})
	}
}

func TestMoreBrokenThanAreReadAtATime(t *testing.T) {
	bubble(t, func(t *testing.T, p *post) {
		p.chat.before = func(_ context.Context, key string) error {
			if key != "good" {
				return errPlatform
			}
			return nil
		}
		for i := range 120 {
			p.owe(fmt.Sprintf("broken-%d", i))
		}
		p.owe("good")
		defer p.run()()
		p.wantTexts("about good")
	})
}

func TestWhatCannotBeSentWaits(t *testing.T) {
	for name, n := range map[string]approval.Notice{
		"no such kind":     {Key: "k", Kind: "another", Topic: "k", Address: `{"platform":"chat"}`, Facts: []byte("k")},
		"no such platform": {Key: "k", Kind: "kind", Topic: "k", Address: `{"platform":"elsewhere"}`, Facts: []byte("k")},
		"no address":       {Key: "k", Kind: "kind", Topic: "k", Address: "nonsense", Facts: []byte("k")},
		"no words":         {Key: "k", Kind: "kind", Topic: "k", Address: `{"platform":"chat"}`, Facts: []byte("wordless")},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, p *post) {
				p.word = func(facts string) (string, error) {
					if facts == "wordless" {
						return "", errors.New("no words")
					}
					return "about " + facts, nil
				}
				p.update(func(tx approval.Tx) error { return tx.Owe(n) })
				p.owe("a")
				defer p.run()()
				p.wantTexts("about a")
				time.Sleep(time.Hour) // and is due again some day
				rows, err := p.store.Due(t.Context(), 10)
				if err != nil || len(rows) > 1 || len(rows) == 1 && rows[0].Tries < 10 {
					t.Errorf("after an hour: %+v, %v; want it to wait", rows, err)
				}
			})
		})
	}
}

// cut is a store as a process sees it that ends between a post and its record.
type cut struct {
	outbox.Store
	dead *atomic.Bool
}

var errDead = errors.New("the process is gone")

func (c cut) Shown(ctx context.Context, row outbox.Row, message string) error {
	c.dead.Store(true)
	return errDead
}

func (c cut) Due(ctx context.Context, limit int) ([]outbox.Row, error) {
	if c.dead.Load() {
		return nil, errDead
	}
	return c.Store.Due(ctx, limit)
}

// I10: after a crash between the post and its record exactly one message is to
// be seen where the platform finds posts by their key.
func TestI10CrashAfterAPost(t *testing.T) {
	for _, row := range []struct {
		name      string
		knowsKeys bool
		want      []string
	}{
		{"the platform knows keys", true, []string{"about a"}},
		{"the platform does not", false, []string{"about a", "about a"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, p *post) {
				p.chat.knowsKeys = row.knowsKeys
				p.owe("a")
				reopen(t, p, func(s outbox.Store) outbox.Store { return cut{s, new(atomic.Bool)} })
				stop := p.run()
				p.wantTexts("about a")
				time.Sleep(time.Minute)
				stop()
				reopen(t, p, func(s outbox.Store) outbox.Store { return s })
				defer p.run()()
				p.wantTexts(row.want...)
				time.Sleep(time.Hour)
				p.wantTexts(row.want...)
			})
		})
	}
}

func reopen(t *testing.T, p *post, wrap func(outbox.Store) outbox.Store) {
	t.Helper()
	if err := p.store.Close(); err != nil {
		t.Fatal(err)
	}
	p.open(wrap)
}

func TestAPostIsRecordedWhileStopping(t *testing.T) {
	bubble(t, func(t *testing.T, p *post) {
		p.chat.knowsKeys = false
		ctx, stop := context.WithCancel(t.Context())
		p.chat.after = func(string) { stop() }
		p.owe("a", "b")
		if err := p.sender.Run(ctx); err != nil {
			t.Errorf("Run: %v", err)
		}
		p.wantTexts("about a") // and b was not begun
		p.chat.after = nil
		reopen(t, p, func(s outbox.Store) outbox.Store { return s }) // the next process
		defer p.run()()
		p.wantTexts("about a", "about b")
	})
}

func TestStoppingIsNoFailure(t *testing.T) {
	bubble(t, func(t *testing.T, p *post) {
		p.chat.before = func(ctx context.Context, _ string) error {
			<-ctx.Done()
			return ctx.Err()
		}
		p.owe("a")
		stop := p.run()
		synctest.Wait()
		stop()
		rows, err := p.store.Due(t.Context(), 10)
		if err != nil || len(rows) != 1 || rows[0].Tries != 0 {
			t.Errorf("Due = %+v, %v; want the message with no failure", rows, err)
		}
	})
}

// flaky is a store that fails for a while.
type flaky struct {
	outbox.Store
	until time.Time
}

func (f flaky) Shown(ctx context.Context, row outbox.Row, message string) error {
	if time.Now().Before(f.until) {
		return errors.New("disk full")
	}
	return f.Store.Shown(ctx, row, message)
}

// unreadable is a flaky store that cannot be read from either.
type unreadable struct{ flaky }

func (f unreadable) Due(ctx context.Context, limit int) ([]outbox.Row, error) {
	if time.Now().Before(f.until) {
		return nil, errors.New("disk full")
	}
	return f.Store.Due(ctx, limit)
}

func TestGoesOnAfterTheStoreFailed(t *testing.T) {
	bubble(t, func(t *testing.T, p *post) {
		p.owe("a")
		reopen(t, p, func(s outbox.Store) outbox.Store { return unreadable{flaky{s, time.Now().Add(time.Minute)}} })
		defer p.run()()
		time.Sleep(59 * time.Second)
		p.wantTexts()
		time.Sleep(2 * time.Second)
		p.wantTexts("about a")
	})
}

// A post that cannot be recorded, as on a full disk, is not posted again and
// again, even where the platform does not find it by its key.
func TestAFullDiskPostsOnce(t *testing.T) {
	bubble(t, func(t *testing.T, p *post) {
		p.chat.knowsKeys = false
		p.owe("a")
		reopen(t, p, func(s outbox.Store) outbox.Store { return flaky{s, time.Now().Add(time.Minute)} })
		defer p.run()()
		time.Sleep(time.Hour)
		p.wantTexts("about a")
		p.touch("a")
		p.wantTexts("about a")
		if rows, err := p.store.Due(t.Context(), 10); err != nil || len(rows) != 0 {
			t.Errorf("Due = %+v, %v; want none", rows, err)
		}
	})
}

func TestLongWordsAreFitted(t *testing.T) {
	bubble(t, func(t *testing.T, p *post) {
		p.word = func(string) (string, error) { return strings.Repeat("x", 100), nil }
		p.owe("a")
		defer p.run()()
		p.wantTexts(strings.Repeat("x", 33) + "… (cut)")
	})
}

func TestRunEndsWithItsContext(t *testing.T) {
	bubble(t, func(t *testing.T, p *post) {
		stop := p.run()
		synctest.Wait()
		start := time.Now()
		stop()
		if waited := time.Since(start); waited != 0 {
			t.Errorf("Run ended after %v, want at once", waited)
		}
		p.sender.Wake() // wakes nobody, and does not block
		p.sender.Wake()
	})
}

// What has nothing to say any more is not posted, and what is posted stays.
func TestNothingToSay(t *testing.T) {
	bubble(t, func(t *testing.T, p *post) {
		var quiet atomic.Bool
		quiet.Store(true)
		p.word = func(facts string) (string, error) {
			if quiet.Load() {
				return "", nil
			}
			return "about " + facts, nil
		}
		p.owe("a")
		defer p.run()()
		p.wantTexts()
		quiet.Store(false)
		time.Sleep(time.Hour)
		p.wantTexts()
		p.touch("a")
		p.wantTexts("about a")
		quiet.Store(true)
		p.touch("a")
		p.wantTexts("about a")
		if p.chat.edited != 0 {
			t.Errorf("%d edits, want none", p.chat.edited)
		}
	})
}
