// Package discord is the adapter for Discord. What people do there arrives over
// the gateway or as signed HTTP requests and leaves as [chat.Event]s; what the
// bot says arrives through [Discord.Post], [Discord.Edit] and the event's
// responder, and is shown as embeds and buttons.
//
// An interaction is answered at once, before anything else is asked of anybody:
// Discord gives three seconds, and a tenant may take longer. It is noted in the
// [Inbox] before it is handled, so that what every replica is told is handled
// once.
//
// The REST API is spoken to through discordgo, and so are embeds and buttons
// made; the connection to the gateway is our own (gateway.go), because the
// library's can hang for good while it opens or closes one.
package discord

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/gorilla/websocket"

	"twokey/chat"
	"twokey/chat/intake"
	"twokey/chat/outward"
)

// Platform is the platform's name in accounts and addresses.
const Platform = "discord"

// The modes in which interactions arrive. An app has one at a time.
const (
	modeGateway = "gateway"
	modeHTTP    = "http"
)

// defaultAPI is Discord's own address.
const defaultAPI = "https://discord.com/api/v10"

// Config says which app this is and who it works for.
type Config struct {
	// Mode is how interactions arrive: "gateway" or "http". Over HTTP the bot
	// hears no free text.
	Mode string
	// Token is the bot's.
	Token string
	// PublicKey is the app's, 64 hex digits: it proves that a request comes from
	// Discord; for http mode.
	PublicKey string
	// ApplicationID is the app's, and the bot's user ID.
	ApplicationID string
	// Guild is the server that the bot works for; it answers in no other.
	Guild string
	// APIURL is where the REST API is; empty is Discord's own. It must be https,
	// or http on the loopback.
	APIURL string
	// Inbox remembers what was delivered. Needed.
	Inbox Inbox
	// Notes keep what buttons mean and how often sessions were begun. Needed.
	Notes Notes
	// Commands returns all commands there are; they are registered when the
	// adapter runs. Nil registers none.
	Commands func() []chat.CommandSpec
	// Now is the bot's clock; nil is the machine's.
	Now func() time.Time
	// Log is where the adapter writes; nil discards.
	Log *slog.Logger
	// Dial makes connections; nil is the network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Inbox remembers deliveries, for every replica and over restarts, longer than
// any platform repeats or replays one.
type Inbox interface {
	// Take records a delivery and reports whether it is new.
	Take(ctx context.Context, key string) (bool, error)
}

// Notes keep small texts by name, for every replica and over restarts.
type Notes interface {
	// Keep keeps a text in place of an earlier one of the name, for at least so
	// long.
	Keep(ctx context.Context, name, text string, life time.Duration) error
	// Kept returns it; empty if there is none, or none any more.
	Kept(ctx context.Context, name string) (string, error)
}

// Discord is the adapter: a [chat.Poster] towards the bot, and in http mode an
// [http.Handler] towards Discord.
type Discord struct {
	cfg     Config
	key     ed25519.PublicKey
	door    door
	next    http.RoundTripper // through the door
	dialer  *websocket.Dialer
	session *discordgo.Session // for REST alone
	limits  limits
	handler chat.Handler
	catalog catalog // what was registered; nil before

	work    *intake.Work
	life    sync.WaitGroup // the gateway's connection
	tempo   tempo
	refused chan error // why Discord will never let us in

	members  intake.Known[time.Time] // when Discord said that somebody is one
	directs  intake.Known[string]    // channels, by user
	posted   intake.Known[string]    // IDs of messages, by key
	accepted intake.Known[struct{}]  // interactions that were taken on here, by key
	kept     intake.Known[time.Time] // when what a button means was noted, by name

	mu    sync.RWMutex // guards all below
	state error        // why it is not ready; nil while it is
	ever  bool         // a session was once open
	line  error        // why the gateway is not connected; nil while it is
}

var (
	_ chat.Poster  = (*Discord)(nil)
	_ http.Handler = (*Discord)(nil)
)

// errStarting is why an adapter that does not run yet is not ready, errStopped
// why one that has run is not.
var (
	errStarting = errors.New("discord: not connected yet")
	errStopped  = errors.New("discord: stopped")
)

// New returns an adapter that is not connected. The error names the key of
// Config that is wrong, and never a token.
func New(cfg Config) (*Discord, error) {
	cfg.APIURL = strings.TrimSuffix(cmp.Or(cfg.APIURL, defaultAPI), "/")
	address, err := cfg.check()
	if err != nil {
		return nil, err
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	session, err := discordgo.New("Bot " + cfg.Token)
	if err != nil {
		return nil, err
	}
	session.StateEnabled, session.UserAgent = false, UserAgent
	session.LogLevel = -1 // it writes what Discord answers to the standard error
	d := &Discord{
		cfg: cfg, door: newDoor(address, cfg.Dial), session: session, handler: chat.HandlerFunc(nobody),
		state: errStarting, line: errStarting, refused: make(chan error, 1), tempo: usual,
		work: intake.NewWork(),
	}
	d.key, _ = hex.DecodeString(cfg.PublicKey) // it was checked
	d.next, d.dialer = d.door, d.door.dialer()
	return d, nil
}

// UserAgent is of the form that Discord demands of bots.
const UserAgent = "DiscordBot (https://github.com/bwmarrin/discordgo, " + discordgo.VERSION + ") Twokey"

var snowflake = regexp.MustCompile(`^\d{15,20}$`)

// check returns what is wrong with a configuration, and else where the API is.
func (c Config) check() (*url.URL, error) {
	wrong := func(key, what string) (*url.URL, error) { return nil, fmt.Errorf("discord config: %s %s", key, what) }
	key, err := hex.DecodeString(c.PublicKey)
	switch {
	case c.Mode != modeGateway && c.Mode != modeHTTP:
		return wrong("Mode", `must be "gateway" or "http"`)
	case len(c.Token) < 20 || strings.ContainsAny(c.Token, " \t\n"):
		return wrong("Token", "must be the bot's token, without a word in front of it: it is on the app's page under Bot")
	case c.Mode == modeHTTP && (err != nil || len(key) != ed25519.PublicKeySize):
		return wrong("PublicKey", "must be the app's public key, 64 hex digits, in http mode: it is on the app's page under General Information")
	case !snowflake.MatchString(c.ApplicationID):
		return wrong("ApplicationID", "must be the app's ID: it is on the app's page under General Information")
	case !snowflake.MatchString(c.Guild):
		return wrong("Guild", "must be the server's ID")
	case c.Inbox == nil:
		return wrong("Inbox", "is needed")
	case c.Notes == nil:
		return wrong("Notes", "is needed")
	}
	u, err := url.Parse(c.APIURL)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return wrong("APIURL", "must be an address such as "+defaultAPI)
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !outward.Loopback(u.Hostname())) {
		return wrong("APIURL", "must be https, because the token is sent there")
	}
	return u, nil
}

// nobody stands in until Handle is called.
func nobody(context.Context, chat.Responder, chat.Event) error {
	return errors.New("discord has no handler")
}

// Handle sets who answers events. It must be called before Run.
func (d *Discord) Handle(h chat.Handler) { d.handler = h }

// Run works until ctx ends: it makes sure of who we are, registers the commands
// if they differ, and in gateway mode holds the connection. Then it takes
// nothing more, lets what is being handled end within ten seconds, and returns
// nil. The error is that Discord will never let us in, and has Say and Hint.
func (d *Discord) Run(ctx context.Context) error {
	defer d.end()
	if err := d.enter(ctx); err != nil {
		return err
	}
	if d.cfg.Mode == modeHTTP {
		<-ctx.Done()
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer d.life.Wait()
	defer cancel()
	d.life.Go(func() { d.hold(ctx) })
	select {
	case <-ctx.Done():
		return nil
	case err := <-d.refused:
		return err
	}
}

// enter makes sure of who we are and that the commands are there, however long
// Discord cannot be reached.
func (d *Discord) enter(ctx context.Context) error {
	for wait := d.tempo.first; ; wait = min(2*wait, d.tempo.last) {
		err := d.introduce(ctx)
		if err == nil {
			d.setState(nil)
			return nil
		}
		if ctx.Err() != nil {
			return nil
		}
		d.setState(err)
		if final(err) {
			return &unusable{err}
		}
		d.cfg.Log.Error("discord cannot be reached", "again_in", wait, "error", err)
		if sleep(ctx, wait) != nil {
			return nil
		}
	}
}

// introduce makes sure that the token is that of the app, that the bot is on the
// server, and that the commands are registered.
func (d *Discord) introduce(ctx context.Context) error {
	if err := d.authorise(ctx); err != nil {
		return err
	}
	if d.cfg.Commands == nil {
		return nil
	}
	all, err := newCatalog(d.cfg.Commands())
	if err != nil {
		return &unusable{err}
	}
	if err := d.register(ctx, all); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.catalog = all
	return nil
}

// end lets what was taken be handled, and tells those for whom there is no time.
func (d *Discord) end() {
	d.setState(errStopped)
	d.work.End(intake.Drain)
	d.door.close()
}

// background runs f on the adapter's own context, unless it has stopped.
func (d *Discord) background(f func(ctx context.Context)) {
	d.work.Run(func(ctx context.Context) {
		defer d.survive()
		f(ctx)
	})
}

// survive keeps what one delivery does to us from ending the process.
func (d *Discord) survive() {
	if p := recover(); p != nil {
		d.cfg.Log.Error("discord adapter failed", "panic", fmt.Sprint(p))
	}
}

// Ready returns nil while events can arrive and answers can leave, and else
// why not, for whoever operates the bot.
func (d *Discord) Ready() error {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.state != nil || d.cfg.Mode == modeHTTP {
		return d.state
	}
	return d.line
}

// stopped reports whether nothing is taken on any more.
func (d *Discord) stopped() bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.state == errStopped
}

func (d *Discord) setState(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.state = err
}

// setLine notes why the gateway is not connected, or with nil that it is.
func (d *Discord) setLine(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.line = err
	d.ever = d.ever || err == nil
}

// connected reports whether the gateway was ever connected.
func (d *Discord) connected() bool {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.ever
}

// commands returns what was registered.
func (d *Discord) commands() catalog {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.catalog
}

// sleep waits, or returns ctx's error.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
