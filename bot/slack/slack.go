// Package slack is the adapter for Slack. What people do there arrives through
// Socket Mode or as signed HTTP requests and leaves as [chat.Event]s; what the
// bot says arrives through [Slack.Post], [Slack.Edit] and the event's
// responder, and is shown as Block Kit.
//
// An event is acknowledged at once, before anything else is asked of anybody:
// Slack gives three seconds, and a tenant may take longer. It is noted in the
// [Inbox] before it is handled, so that the same click delivered a thousand
// times, to whichever replica, is handled once.
package slack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"twokey/chat"
)

// Platform is the platform's name in accounts and addresses.
const Platform = "slack"

// The modes in which events arrive. An app has one at a time.
const (
	modeSocket = "socket"
	modeHTTP   = "http"
)

// Config says which app this is and who it works for.
type Config struct {
	// Mode is how events arrive: "socket" or "http".
	Mode string
	// AppToken (xapp-…) opens sockets; for socket mode.
	AppToken string
	// BotToken (xoxb-…) speaks to the Web API.
	BotToken string
	// SigningSecret proves that a request comes from Slack; for http mode.
	SigningSecret string
	// APIURL is where the Web API is; empty is Slack's own. It must be https,
	// or http on the loopback.
	APIURL string
	// Connections is how many sockets are held at once; 0 is 2. Slack allows an
	// app 10 in all, and one that is renewed counts twice meanwhile.
	Connections int
	// Inbox remembers what was delivered. Needed.
	Inbox Inbox
	// Commands returns what an account may run, for usage hints; may be nil.
	Commands func(chat.Account) []chat.CommandSpec
	// Home returns what the app's home tab shows somebody, top to bottom; nil
	// shows nothing.
	Home func(context.Context, chat.Account) ([]chat.Message, error)
	// Command is the slash command; empty is "/mfa".
	Command string
	// Now is the bot's clock; nil is the machine's.
	Now func() time.Time
	// Log is where the adapter writes; nil discards.
	Log *slog.Logger
	// Transport sends requests; nil is one of our own with time limits.
	Transport http.RoundTripper
}

// Inbox remembers deliveries, for every replica and over restarts, longer than
// any platform repeats or replays one.
type Inbox interface {
	// Take records a delivery and reports whether it is new.
	Take(ctx context.Context, key string) (bool, error)
}

// Slack is the adapter: a [chat.Poster] towards the bot, and in http mode an
// [http.Handler] towards Slack.
type Slack struct {
	cfg     Config
	door    door
	client  *http.Client // through the door
	api     *slack.Client
	handler chat.Handler

	mu    sync.RWMutex // guards all below
	self  self
	state error // why it is not ready; nil while it is
}

// self is who we are on Slack.
type self struct {
	team, enterprise string
	user, bot        string // the bot's user and bot IDs
	teamName         string
}

// defaultConnections is how many sockets are held: one may break, or be
// renewed, without anybody waiting.
const defaultConnections = 2

// maxConnections is Slack's limit for one app, over all replicas.
// https://docs.slack.dev/apis/events-api/using-socket-mode
const maxConnections = 10

// errStarting is why an adapter that does not run yet is not ready.
var errStarting = errors.New("slack: not connected yet")

// New returns an adapter that is not connected. The error names the key of
// Config that is wrong, and never a token.
func New(cfg Config) (*Slack, error) {
	cfg.APIURL = cmp.Or(cfg.APIURL, slack.APIURL)
	if !strings.HasSuffix(cfg.APIURL, "/") {
		cfg.APIURL += "/"
	}
	cfg.Command = cmp.Or(cfg.Command, "/mfa")
	cfg.Connections = cmp.Or(cfg.Connections, defaultConnections)
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
	s := &Slack{cfg: cfg, door: newDoor(address, cfg.Transport), handler: chat.HandlerFunc(nobody), state: errStarting}
	s.client = s.door.client()
	s.api = slack.New(cfg.BotToken,
		slack.OptionHTTPClient(s.client), slack.OptionAPIURL(cfg.APIURL), slack.OptionAppLevelToken(cfg.AppToken))
	return s, nil
}

// callLimit is how long one call of the Web API may take.
const callLimit = 10 * time.Second

// check returns what is wrong with a configuration, and else where the Web API is.
func (c Config) check() (*url.URL, error) {
	wrong := func(key, what string) (*url.URL, error) { return nil, fmt.Errorf("slack config: %s %s", key, what) }
	switch {
	case c.Mode != modeSocket && c.Mode != modeHTTP:
		return wrong("Mode", `must be "socket" or "http"`)
	case !strings.HasPrefix(c.BotToken, "xoxb-"):
		return wrong("BotToken", "must be a bot token: it begins with xoxb-, and is on the app's page under OAuth & Permissions")
	case c.Mode == modeSocket && !strings.HasPrefix(c.AppToken, "xapp-"):
		return wrong("AppToken", "must be an app-level token for socket mode: it begins with xapp-, and is on the app's page under Basic Information")
	case c.Mode == modeHTTP && c.SigningSecret == "":
		return wrong("SigningSecret", "is needed in http mode: it is on the app's page under Basic Information")
	case c.Connections < 1 || c.Connections > maxConnections:
		return wrong("Connections", fmt.Sprintf("must be 1 to %d", maxConnections))
	case !strings.HasPrefix(c.Command, "/") || len(c.Command) > 32 || strings.ContainsAny(c.Command, " \t\n"):
		return wrong("Command", "must begin with a slash and be one word of at most 32 characters")
	case c.Inbox == nil:
		return wrong("Inbox", "is needed")
	}
	u, err := url.Parse(c.APIURL)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return wrong("APIURL", "must be an address such as https://slack.com/api/")
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return wrong("APIURL", "must be https, because tokens are sent there")
	}
	return u, nil
}

// nobody stands in until Handle is called.
func nobody(context.Context, chat.Responder, chat.Event) error {
	return errors.New("slack has no handler")
}

// Handle sets who answers events. It must be called before Run.
func (s *Slack) Handle(h chat.Handler) { s.handler = h }

// Ready returns nil while events can arrive and answers can leave, and else
// why not, for whoever operates the bot.
func (s *Slack) Ready() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.state
}

// authorise asks Slack who we are, and keeps it.
func (s *Slack) authorise(ctx context.Context) (self, http.Header, error) {
	who, err := s.api.AuthTestContext(ctx)
	if err != nil {
		return self{}, nil, wrap("check the bot token", err)
	}
	me := self{team: who.TeamID, enterprise: who.EnterpriseID, user: who.UserID, bot: who.BotID, teamName: who.Team}
	s.mu.Lock()
	s.self = me
	s.mu.Unlock()
	return me, who.Header, nil
}

// me returns who we are, as far as Slack has said.
func (s *Slack) me() self {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.self
}
