package discord

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bwmarrin/discordgo"
	"github.com/gorilla/websocket"
)

// The operations of the gateway.
// https://discord.com/developers/docs/events/gateway
const (
	opDispatch  = 0
	opHeartbeat = 1
	opIdentify  = 2
	opResume    = 6
	opReconnect = 7
	opInvalid   = 9
	opHello     = 10
	opAck       = 11
)

// Close codes of the gateway begin here. We leave with the first of them:
// leaving with 1000 or 1001 would end the session.
const (
	firstCloseCode = 4000
	closeLeaving   = 4000
	closeAuth      = 4004
	closeSequence  = 4007
	closeTimeout   = 4009
	closeIntents   = 4014
)

// fatal are the close codes after which nobody should come again.
var fatal = map[int]bool{closeAuth: true, 4010: true, 4011: true, 4012: true, 4013: true, closeIntents: true}

// anew are those after which a session cannot be gone on with.
var anew = map[int]bool{1000: true, 1001: true, closeSequence: true, closeTimeout: true}

// intents are what the gateway is to tell us beside interactions: direct
// messages, and messages of the server, whose text comes along only where they
// name the bot. None of them is privileged.
const intents = discordgo.IntentsGuildMessages | discordgo.IntentsDirectMessages

// tempo is how patient the gateway is.
type tempo struct {
	hello time.Duration // from the connection to Discord's greeting
	open  time.Duration // from our introduction to READY or RESUMED
	// first and last are the waits between tries to connect, which double. A
	// connection that ends within short is a try that failed.
	first, last, short time.Duration
}

var usual = tempo{
	hello: 10 * time.Second, open: 15 * time.Second,
	first: 500 * time.Millisecond, last: time.Minute, short: 5 * time.Second,
}

// writeLimit is how long it may take to hand something to the network.
const writeLimit = 5 * time.Second

// maxFrame bounds what is read at once.
const maxFrame = 4 << 20

// frame is what arrives on the gateway.
type frame struct {
	Op   int             `json:"op"`
	Data json.RawMessage `json:"d"`
	Seq  int64           `json:"s"`
	Type string          `json:"t"`
}

// line is a session: what is needed to go on with it on another connection.
type line struct {
	id     string
	seq    atomic.Int64
	at     string // where it is gone on with
	failed int    // tries to go on with it that led nowhere
}

// maxResumes is how often it is tried to go on with a session, before another is
// begun.
const maxResumes = 2

// lost ends the session.
func (l *line) lost() {
	l.id, l.at, l.failed = "", "", 0
	l.seq.Store(0)
}

// socket is one connection.
type socket struct {
	conn     *websocket.Conn
	interval time.Duration // of the heartbeat
	born     time.Time
	gone     chan struct{} // closed when nothing is read any more
	owed     atomic.Bool   // a sign of life was asked for and has not come
	ready    atomic.Bool   // READY or RESUMED has come

	mu     sync.Mutex // held while something is written; guards reason
	reason error      // why we left
}

func (s *socket) write(op int, d any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.conn.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil {
		return err
	}
	return s.conn.WriteJSON(struct {
		Op   int `json:"op"`
		Data any `json:"d"`
	}{op, d})
}

// leave says goodbye so that the session can be gone on with, and ends the
// reading.
func (s *socket) leave(reason error) {
	s.mu.Lock()
	if s.reason == nil {
		s.reason = reason
	}
	s.mu.Unlock()
	_ = s.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(closeLeaving, ""), time.Now().Add(time.Second)) // it may be dead
	_ = s.conn.Close()
}

// why returns why the reading ended with err.
func (s *socket) why(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reason != nil {
		return s.reason
	}
	return err
}

// Why a connection ended, beside the network's own reasons.
var (
	errReconnect = errors.New("Discord asked for another connection")
	errInvalid   = errors.New("Discord ended the session")
	errSilent    = errors.New("Discord has given no sign of life")
	errUnopened  = errors.New("Discord did not open the session in time")
)

// hold keeps a session until ctx ends: it is gone on with on the next connection
// where Discord lets us, and begun anew where not.
func (d *Discord) hold(ctx context.Context) {
	var l line
	wait := time.Duration(0)
	for {
		if sleep(ctx, wait) != nil {
			return
		}
		s, err := d.connect(ctx, &l)
		if s != nil {
			err = d.read(ctx, s, &l)
		}
		if ctx.Err() != nil {
			return
		}
		d.setLine(wrap("hold the gateway", err))
		wait = d.after(s, &l, err, wait)
	}
}

// after returns how long to wait before the next connection.
func (d *Discord) after(s *socket, l *line, err error, last time.Duration) time.Duration {
	lived := s != nil && s.ready.Load() && time.Since(s.born) >= d.tempo.short
	closed := closedWith(err)
	switch {
	case anew[closed], fatal[closed]:
		l.lost()
	case l.id != "" && (s == nil || !s.ready.Load()):
		if l.failed++; l.failed >= maxResumes {
			l.lost()
		}
	}
	next := min(max(2*last, d.tempo.first), d.tempo.last)
	var p *problem
	switch {
	case errors.Is(err, errReconnect) && s.ready.Load(), lived:
		next = 0
	case errors.As(err, &p):
		next = max(next, p.wait)
	}
	if errors.Is(err, errInvalid) {
		next = max(next, time.Second+rand.N(4*time.Second)) // as the documents ask
	}
	if fatal[closed] {
		next = d.tempo.last
		d.refuse(wrap("hold the gateway", &problem{doing: "hold the gateway", status: closed, notSent: true}))
	}
	d.cfg.Log.Info("discord connection ended", "reason", err, "again_in", next)
	return next + rand.N(next/4+1)
}

// closedWith returns the code that a connection was closed with; 0 if there was
// none.
func closedWith(err error) int {
	var closed *websocket.CloseError
	if errors.As(err, &closed) {
		return closed.Code
	}
	return 0
}

// refuse ends a run whose first session Discord refuses for good. Later ones are
// tried again, because the rest of the bot has work to do.
func (d *Discord) refuse(err error) {
	if d.connected() {
		return
	}
	select {
	case d.refused <- &unusable{err}:
	default:
	}
}

// connect opens a connection and introduces us, or goes on with a session.
func (d *Discord) connect(ctx context.Context, l *line) (*socket, error) {
	const doing = "open the gateway"
	address, err := d.gateway(ctx, l)
	if err != nil {
		return nil, err
	}
	conn, response, err := d.dialer.DialContext(ctx, address, nil)
	if err != nil {
		if response != nil {
			_ = response.Body.Close() // a refusal's body says nothing to us
		}
		return nil, wrap(doing, err)
	}
	s := &socket{conn: conn, born: time.Now(), gone: make(chan struct{})}
	if err := d.greet(ctx, s, l); err != nil {
		_ = conn.Close() // it was never used
		return nil, wrap(doing, err)
	}
	return s, nil
}

// gateway returns where to connect. For a new session it waits until one may be
// begun.
func (d *Discord) gateway(ctx context.Context, l *line) (string, error) {
	const doing = "ask for the gateway"
	found := l.at
	if l.id == "" {
		if err := d.budget(ctx); err != nil {
			return "", err
		}
	}
	if found == "" {
		var answer struct {
			URL    string `json:"url"`
			Starts struct {
				Remaining *int  `json:"remaining"`
				After     int64 `json:"reset_after"` // milliseconds
			} `json:"session_start_limit"`
		}
		c := call{doing: doing, patience: patience, repeat: true}
		c.method, c.path, c.route = at(http.MethodGet, "/gateway/bot")
		if err := d.do(ctx, c, &answer); err != nil {
			return "", err
		}
		if left := answer.Starts.Remaining; l.id == "" && left != nil && *left <= reserve {
			return "", &problem{doing: "begin a session", limited: true, notSent: true, wait: max(time.Duration(answer.Starts.After)*time.Millisecond, time.Minute)}
		}
		found = answer.URL
	}
	u, err := url.Parse(found)
	if err != nil {
		return "", wrap(doing, errors.New("Discord gave an address that is none"))
	}
	if err := d.door.mayConnect(u); err != nil {
		return "", wrap(doing, err)
	}
	u.RawQuery = "v=10&encoding=json"
	return u.String(), nil
}

// greet waits for Discord's greeting and introduces us.
func (d *Discord) greet(ctx context.Context, s *socket, l *line) error {
	s.conn.SetReadLimit(maxFrame)
	if err := s.conn.SetReadDeadline(time.Now().Add(d.tempo.hello)); err != nil {
		return err
	}
	var hello struct {
		Op   int `json:"op"`
		Data struct {
			Interval int64 `json:"heartbeat_interval"`
		} `json:"d"`
	}
	if err := s.conn.ReadJSON(&hello); err != nil {
		return err
	}
	interval := time.Duration(hello.Data.Interval) * time.Millisecond
	if hello.Op != opHello || interval < 10*time.Millisecond || interval > 10*time.Minute {
		return fmt.Errorf("Discord greeted with op %d and a heartbeat of %s", hello.Op, interval)
	}
	if err := s.conn.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	s.interval = interval
	return d.introduceTo(ctx, s, l)
}

// introduceTo begins a session, or goes on with one.
func (d *Discord) introduceTo(ctx context.Context, s *socket, l *line) error {
	if l.id != "" {
		return s.write(opResume, struct {
			Token   string `json:"token"`
			Session string `json:"session_id"`
			Seq     int64  `json:"seq"`
		}{d.cfg.Token, l.id, l.seq.Load()})
	}
	if err := d.spend(ctx); err != nil {
		return err
	}
	return s.write(opIdentify, struct {
		Token      string            `json:"token"`
		Intents    discordgo.Intent  `json:"intents"`
		Properties map[string]string `json:"properties"`
	}{d.cfg.Token, intents, map[string]string{"os": runtime.GOOS, "browser": "twokey", "device": "twokey"}})
}

// attend asks for a sign of life at each interval, and ends a connection on
// which none has come since the last, or on which no session was opened in time.
// It says goodbye when ctx ends.
func (d *Discord) attend(ctx context.Context, s *socket, l *line) {
	opening := time.NewTimer(d.tempo.open)
	defer opening.Stop()
	next := time.NewTimer(rand.N(s.interval) + time.Millisecond)
	defer next.Stop()
	for {
		select {
		case <-s.gone:
			return
		case <-ctx.Done():
			s.leave(ctx.Err())
			return
		case <-opening.C:
			if !s.ready.Load() {
				s.leave(errUnopened)
				return
			}
		case <-next.C:
			if s.owed.Swap(true) {
				s.leave(errSilent)
				return
			}
			if err := s.beat(l); err != nil {
				s.leave(err)
				return
			}
			next.Reset(s.interval)
		}
	}
}

// beat asks for a sign of life.
func (s *socket) beat(l *line) error {
	if n := l.seq.Load(); n > 0 {
		return s.write(opHeartbeat, n)
	}
	return s.write(opHeartbeat, nil)
}

// read takes what arrives until the connection or ctx ends. The error is why it
// ended.
func (d *Discord) read(ctx context.Context, s *socket, l *line) error {
	d.life.Go(func() { d.attend(ctx, s, l) })
	defer close(s.gone)
	defer func() { _ = s.conn.Close() }() // reading has ended, so nobody uses it
	for {
		_, data, err := s.conn.ReadMessage()
		if err != nil {
			return s.why(err)
		}
		var f frame
		if err := json.Unmarshal(data, &f); err != nil {
			d.cfg.Log.Warn("discord sent what is no frame", "bytes", len(data))
			continue
		}
		if err := d.obey(s, l, f); err != nil {
			s.leave(err)
			return err
		}
	}
}

// obey does what a frame asks for. The error ends the connection. It never waits
// for anybody: whoever waits here keeps the heartbeat's answer from being heard.
func (d *Discord) obey(s *socket, l *line, f frame) error {
	switch f.Op {
	case opAck:
		s.owed.Store(false)
	case opHeartbeat:
		return s.beat(l)
	case opReconnect:
		return errReconnect
	case opInvalid:
		if string(f.Data) != "true" {
			l.lost()
		}
		return errInvalid
	case opDispatch:
		if f.Seq > 0 {
			l.seq.Store(f.Seq)
		}
		d.dispatched(s, l, f)
	}
	return nil
}

// dispatched takes an event.
func (d *Discord) dispatched(s *socket, l *line, f frame) {
	switch f.Type {
	case "READY":
		var ready struct {
			ID string `json:"session_id"`
			At string `json:"resume_gateway_url"`
		}
		if err := json.Unmarshal(f.Data, &ready); err != nil {
			d.cfg.Log.Warn("discord opened a session that cannot be read", "error", err)
			return
		}
		l.id, l.at, l.failed = ready.ID, ready.At, 0
		d.opened(s)
	case "RESUMED":
		l.failed = 0
		d.opened(s)
	case "INTERACTION_CREATE":
		d.hear(f.Data, interaction)
	case "MESSAGE_CREATE":
		d.hear(f.Data, func(data []byte) (*delivery, error) { return said(data, d.cfg.ApplicationID) })
	}
}

// opened notes that the gateway is connected.
func (d *Discord) opened(s *socket) {
	s.ready.Store(true)
	d.setLine(nil)
}

// hear takes on what an event says.
func (d *Discord) hear(data []byte, parse func([]byte) (*delivery, error)) {
	v, err := parse(data)
	switch {
	case errors.Is(err, errIgnored):
	case err != nil:
		d.cfg.Log.Warn("discord sent what is not understood", "error", err)
	default:
		d.background(func(ctx context.Context) { d.take(ctx, v) })
	}
}
