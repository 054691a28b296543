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

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack"

	"twokey/chat"
	"twokey/chat/intake"
	"twokey/chat/outward"
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
	dialer  *websocket.Dialer
	api     *slack.Client
	handler chat.Handler

	work    *intake.Work
	life    sync.WaitGroup // sockets
	sockets sockets
	tempo   tempo
	refused chan error // why Slack will never open a socket to us

	pace     pace
	people   intake.Known[person]    // by user
	directs  intake.Known[string]    // conversations, by user
	posted   intake.Known[string]    // IDs of messages, by key
	doubtful intake.Known[struct{}]  // keys that may have been posted
	bare     intake.Known[struct{}]  // keys whose messages show their notice alone so far
	pictures intake.Known[*picture]  // by message ID
	accepted intake.Known[struct{}]  // deliveries that were taken on here, by key
	forms    intake.Known[struct{}]  // presses whose form was opened, by key
	sorries  intake.Known[time.Time] // when somebody was told that there was no room, by workspace and user

	mu    sync.RWMutex // guards all below
	self  self
	state error // why it is not ready; nil while it is
}

// self is who we are on Slack.
type self struct {
	team, enterprise string
	user, bot        string // the bot's user and bot IDs
	app              string // empty until Slack has said
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
	s := &Slack{
		cfg: cfg, door: newDoor(address, cfg.Transport), handler: chat.HandlerFunc(nobody),
		state: errStarting, refused: make(chan error, 1), tempo: usual, work: intake.NewWork(),
	}
	s.client, s.dialer = s.door.client(), s.door.dialer()
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
	if u.Scheme != "https" && (u.Scheme != "http" || !outward.Loopback(u.Hostname())) {
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

// Run works until ctx ends: it makes sure of who we are, and in socket mode
// holds the sockets. Then it takes nothing more, lets what is being handled end
// within ten seconds, and returns nil. The error is that Slack will never let
// us in, and has Say and Hint.
func (s *Slack) Run(ctx context.Context) error {
	defer s.end()
	if err := s.enter(ctx); err != nil {
		return err
	}
	if s.cfg.Mode == modeHTTP {
		<-ctx.Done()
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer s.life.Wait()
	defer cancel()
	for range s.cfg.Connections {
		s.life.Go(func() { s.hold(ctx) })
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.refused:
		return err
	}
}

// enter makes sure of who we are, however long Slack cannot be reached.
func (s *Slack) enter(ctx context.Context) error {
	for wait := s.tempo.first; ; wait = min(2*wait, s.tempo.last) {
		_, _, err := s.authorise(ctx)
		if err == nil {
			s.setState(nil)
			return nil
		}
		if ctx.Err() != nil {
			return nil
		}
		s.setState(err)
		if final[code(err)] {
			return &unusable{err}
		}
		s.cfg.Log.Error("slack cannot be reached", "again_in", wait, "error", err)
		if sleep(ctx, wait) != nil {
			return nil
		}
	}
}

// end lets what was taken be handled, and tells those for whom there is no time.
func (s *Slack) end() {
	s.setState(errStopped)
	s.work.End(s.tempo.drain)
}

// errStopped is why an adapter that has run is not ready.
var errStopped = errors.New("slack: stopped")

// background runs f on the adapter's own context, unless it has stopped.
func (s *Slack) background(f func(ctx context.Context)) { s.work.Run(f) }

// Ready returns nil while events can arrive and answers can leave, and else
// why not, for whoever operates the bot.
func (s *Slack) Ready() error {
	s.mu.RLock()
	state := s.state
	s.mu.RUnlock()
	if state != nil || s.cfg.Mode == modeHTTP {
		return state
	}
	return s.sockets.state()
}

// stopped reports whether nothing is taken on any more.
func (s *Slack) stopped() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.state == errStopped
}

func (s *Slack) setState(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = err
}

// lost notes that Slack does not know our token any more.
func (s *Slack) lost(p *problem) {
	if final[p.code] && p.code != "missing_scope" && !s.stopped() {
		s.setState(p)
	}
}

// refuse ends a run whose first sockets Slack refuses for good. Later ones are
// tried again, because the rest of the bot has work to do, and it may be put
// right while it does.
func (s *Slack) refuse(err error) {
	if !final[code(err)] || s.sockets.ever() {
		return
	}
	select {
	case s.refused <- &unusable{err}:
	default:
	}
}

// authorise asks Slack who we are, and keeps it.
func (s *Slack) authorise(ctx context.Context) (self, http.Header, error) {
	who, err := s.api.AuthTestContext(ctx)
	if err != nil {
		return self{}, nil, wrap("check the bot token", err)
	}
	me := self{team: who.TeamID, enterprise: who.EnterpriseID, user: who.UserID, bot: who.BotID, app: s.me().app}
	if me.app == "" && s.cfg.Mode == modeHTTP { // a socket's greeting says it
		if u, err := s.api.GetUserInfoContext(ctx, me.user); err == nil {
			me.app = u.Profile.ApiAppID
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.self = me
	return me, who.Header, nil
}

// meet notes which app we are.
func (s *Slack) meet(app string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.self.app = cmp.Or(s.self.app, app)
}

// Workspace returns the ID of the workspace in which the bot is, "T…", which is
// part of the address of each channel there. It asks Slack if it has to.
func (s *Slack) Workspace(ctx context.Context) (string, error) {
	if me := s.me(); me.team != "" {
		return me.team, nil
	}
	me, _, err := s.authorise(ctx)
	return me.team, err
}

// me returns who we are, as far as Slack has said.
func (s *Slack) me() self {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.self
}
