package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"twokey/chat"
	"twokey/chat/outbox"
	"twokey/commands/approval"
	"twokey/store"
)

// platform is a chat that keeps what people would see, and refuses what a real
// one refuses.
type platform struct {
	knowsKeys bool                                        // finds an earlier post by its key
	before    func(ctx context.Context, key string) error // may refuse, or hang
	after     func(key string)                            // it is in the chat now

	mu     sync.Mutex
	seen   []*posted
	asked  map[string][]time.Time // when each key was tried
	edited int
}

type posted struct {
	id, key string
	to      chat.Address
	text    string
}

var errPlatform = errors.New("the platform says no")

func (p *platform) Caps() chat.Caps { return chat.Caps{Headline: 40} }

func (p *platform) Post(ctx context.Context, to chat.Address, key string, m chat.Message) (string, error) {
	if err := p.ask(ctx, key, m); err != nil {
		return "", err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.seen {
		if p.knowsKeys && s.key == key {
			return s.id, nil
		}
	}
	s := &posted{id: fmt.Sprintf("m-%d", len(p.seen)+1), key: key, to: to, text: m.Headline}
	p.seen = append(p.seen, s)
	if p.after != nil {
		p.after(key)
	}
	return s.id, nil
}

func (p *platform) Edit(ctx context.Context, to chat.Address, id string, m chat.Message) error {
	p.mu.Lock()
	var found *posted
	for _, s := range p.seen {
		if s.id == id && s.to == to {
			found = s
		}
	}
	p.mu.Unlock()
	if found == nil {
		return fmt.Errorf("%w: no message %q there", errPlatform, id)
	}
	if err := p.ask(ctx, found.key, m); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	found.text = m.Headline
	p.edited++
	return nil
}

func (p *platform) ask(ctx context.Context, key string, m chat.Message) error {
	p.mu.Lock()
	if p.asked == nil {
		p.asked = map[string][]time.Time{}
	}
	p.asked[key] = append(p.asked[key], time.Now())
	p.mu.Unlock()
	if n := utf8.RuneCountInString(m.Headline); n == 0 || n > p.Caps().Headline {
		return fmt.Errorf("%w: %d characters", errPlatform, n)
	}
	if p.before != nil {
		return p.before(ctx, key)
	}
	return nil
}

// texts returns what is to be seen, oldest first.
func (p *platform) texts() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]string, len(p.seen))
	for i, s := range p.seen {
		all[i] = s.text
	}
	return all
}

// tried returns after how long each try of a key came.
func (p *platform) tried(key string, since time.Time) []time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []time.Duration
	for _, at := range p.asked[key] {
		all = append(all, at.Sub(since))
	}
	return all
}

// post is an outbox over a real database, with one platform. It lives in a
// bubble, where time passes when all sleep.
type post struct {
	t      *testing.T
	path   string
	store  *store.Store
	chat   *platform
	word   func(facts string) (string, error) // what a message says
	sender *outbox.Sender
}

func setup(t *testing.T) *post {
	t.Helper()
	p := &post{
		t: t, path: filepath.Join(t.TempDir(), "twokey.db"), chat: &platform{knowsKeys: true},
		word: func(facts string) (string, error) { return "about " + facts, nil },
	}
	p.open(func(s outbox.Store) outbox.Store { return s })
	t.Cleanup(func() {
		if err := p.store.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return p
}

// open opens the database, and makes a sender for it as seen through wrap.
func (p *post) open(wrap func(outbox.Store) outbox.Store) {
	p.t.Helper()
	s, err := store.Open(p.t.Context(), store.Config{DSN: p.path, Owed: func() { p.sender.Wake() }})
	if err != nil {
		p.t.Fatal(err)
	}
	p.store = s
	render := func(_ context.Context, facts []byte) (chat.Message, error) {
		words, err := p.word(string(facts))
		return chat.Message{Headline: words}, err
	}
	p.sender = outbox.New(wrap(s), map[string]chat.Poster{"chat": p.chat}, map[string]outbox.Renderer{"kind": render}, slog.New(slog.DiscardHandler))
}

// run runs the sender until the returned function is called, which waits for it.
func (p *post) run() (stop func()) {
	p.t.Helper()
	ctx, cancel := context.WithCancel(p.t.Context())
	done := make(chan error, 1)
	go func() { done <- p.sender.Run(ctx) }()
	return func() {
		p.t.Helper()
		cancel()
		if err := <-done; err != nil {
			p.t.Errorf("Run: %v", err)
		}
	}
}

// owe stores messages under these keys; the facts of each are its key.
func (p *post) owe(keys ...string) {
	p.t.Helper()
	p.update(func(tx approval.Tx) error {
		for _, key := range keys {
			if err := tx.Owe(notice(key)); err != nil {
				return err
			}
		}
		return nil
	})
}

func notice(key string) approval.Notice {
	return approval.Notice{Key: key, Kind: "kind", Topic: key, Address: `{"platform":"chat","channel":"c"}`, Facts: []byte(key)}
}

func (p *post) touch(topic string) {
	p.t.Helper()
	p.update(func(tx approval.Tx) error { return tx.Touch(topic) })
}

func (p *post) update(f func(approval.Tx) error) {
	p.t.Helper()
	if err := p.store.Update(p.t.Context(), f); err != nil {
		p.t.Fatal(err)
	}
}
