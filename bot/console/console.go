// Package console is the web chat of the demo: a chat platform of one program,
// on which whoever sits at the browser can be several people. To the rest of
// the house it is an adapter like any other: what people do on its page leaves
// as [chat.Event]s, and what the bot says arrives through [Console.Post],
// [Console.Edit] and the event's responder.
//
// It proves nobody's identity (choosing a person counts as signing in), so it
// answers only requests made to a loopback name or to its own address, and
// belongs in a demo or a test.
package console

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"twokey/chat"
)

// Platform is the platform's name in accounts and addresses.
const Platform = "console"

// bot is who the bot's own messages are from.
const bot = "twokey"

// direct is the API's name for a person's own messages with the bot.
const direct = "dm"

// Config says who there is and what the console may do. Only People is needed.
type Config struct {
	// People are whom one can be. Their IDs stand in accounts and addresses.
	People []Person
	// Channels gives for each channel the IDs of the people who see it.
	Channels map[string][]string
	// Journal is the file that messages are appended to and read from again
	// by [New]; empty keeps them in memory only.
	Journal string
	// Now is the bot's clock; nil is the machine's. Its location is the zone
	// that the page shows times in.
	Now func() time.Time
	// Advance moves the bot's clock forward. It is called by one request at a
	// time. Without it the clock cannot be moved.
	Advance func(d time.Duration) error
	// Commands returns what an account may run, for completion.
	Commands func(chat.Account) []chat.CommandSpec
	// Notes are said on the page, a sentence each.
	Notes []string
	// Log is where the console writes; nil discards.
	Log *slog.Logger
}

// Console is the chat: an [http.Handler] towards browsers and a [chat.Poster]
// towards the bot.
type Console struct {
	cfg     Config
	people  people
	routes  *http.ServeMux
	handler chat.Handler
	life    string // parts the event keys of this run from those of any other

	ctx     context.Context // ends with the console: handlers outlive the request that started them
	stop    context.CancelFunc
	running sync.WaitGroup
	moving  sync.Mutex // held around Advance

	mu      sync.RWMutex // guards all below
	closed  bool
	history history
	journal *journal
	changed chan struct{} // closed and replaced at every change
}

var (
	_ chat.Poster  = (*Console)(nil)
	_ http.Handler = (*Console)(nil)
)

// errClosed is returned for what arrives after Close.
var errClosed = errors.New("console is closed")

// New returns a console with the messages of its journal. The error names the
// key of Config that is wrong, or the journal that cannot be read.
func New(cfg Config) (*Console, error) {
	ppl, err := newPeople(cfg.People, cfg.Channels)
	if err != nil {
		return nil, err
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	c := &Console{cfg: cfg, people: ppl, handler: chat.HandlerFunc(nobody), life: rand.Text(), changed: make(chan struct{})}
	c.journal, err = openJournal(cfg.Journal, c.history.apply)
	if err != nil {
		return nil, err
	}
	c.ctx, c.stop = context.WithCancel(context.Background())
	c.routes = c.newRoutes()
	return c, nil
}

// nobody stands in until Handle is called.
func nobody(context.Context, chat.Responder, chat.Event) error {
	return errors.New("console has no handler")
}

// Handle sets who answers events. It must be called before the console serves.
func (c *Console) Handle(h chat.Handler) { c.handler = h }

// Close ends every event stream and every handler's context, waits for the
// handlers, and closes the journal. A server that shuts down should close the
// console first, because the streams keep their connections busy.
func (c *Console) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.stop()
	c.running.Wait()

	c.mu.Lock()
	defer c.mu.Unlock()
	return c.journal.close()
}

// begin counts one more running handler, unless the console is closed. Whoever
// got true calls running.Done.
func (c *Console) begin() bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.closed {
		return false
	}
	c.running.Add(1)
	return true
}

// commit stores an entry and then shows it to whoever may see it. The
// journal is given kept, which differs from e where a secret must not be
// written down. The caller holds c.mu.
func (c *Console) commit(e, kept entry) error {
	if err := c.journal.append(kept); err != nil {
		return err
	}
	if err := c.history.apply(e); err != nil {
		return err
	}
	close(c.changed)
	c.changed = make(chan struct{})
	return nil
}
