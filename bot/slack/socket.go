package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"twokey/chat/intake"
)

// helloLimit is how long it may take from asking for a socket to Slack's
// greeting.
const helloLimit = 10 * time.Second

// writeLimit is how long it may take to hand something to the network.
const writeLimit = 5 * time.Second

// maxFrame bounds what is read at once.
const maxFrame = 1 << 20

// tempo is how patient sockets are.
type tempo struct {
	ping time.Duration // how often the other side is asked for a sign of life
	// silence is how long nothing at all may come, not even the answer to a
	// ping: then the other side is gone, whatever the connection says.
	silence time.Duration
	// farewell is how long a socket that was replaced is still read. Slack
	// closes one ten seconds after its warning, and may deliver until then.
	farewell time.Duration
	// first and last are the waits between tries to connect, which double. A
	// socket that ends within short is a try that failed.
	first, last, short time.Duration
	// drain is how long what was taken may still be handled when the bot stops.
	drain time.Duration
}

var usual = tempo{
	ping: 10 * time.Second, silence: 25 * time.Second, farewell: 15 * time.Second,
	first: 500 * time.Millisecond, last: 2 * time.Minute, short: 5 * time.Second, drain: intake.Drain,
}

// sockets is what is known of the connections. An app that is connected at all
// can work; what keeps the others from it is logged.
type sockets struct {
	mu      sync.Mutex
	open    int
	was     bool  // one was open at some time
	failure error // of the last try, while none is open
}

// frame is what arrives on a socket: a delivery, or word about the socket.
type frame struct {
	Type       string          `json:"type"`
	EnvelopeID string          `json:"envelope_id"`
	Payload    json.RawMessage `json:"payload"`
	Accepts    bool            `json:"accepts_response_payload"`
	Reason     string          `json:"reason"` // of a disconnect
	Info       struct {
		AppID string `json:"app_id"`
	} `json:"connection_info"`
}

// The types of frame.
const (
	frameHello       = "hello"
	frameDisconnect  = "disconnect"
	frameCommand     = "slash_commands"
	frameInteractive = "interactive"
	frameEvent       = "events_api"
)

// acknowledgement answers a delivery.
type acknowledgement struct {
	EnvelopeID string `json:"envelope_id"`
	Payload    any    `json:"payload,omitempty"`
}

// maxAcknowledgement is from where on Slack drops an answer without a word.
const maxAcknowledgement = 20_000

// errLinkDisabled says why there are no sockets any more.
var errLinkDisabled = &problem{
	doing: "hold a socket", code: "link_disabled", notSent: true,
}

// socket is one connection.
type socket struct {
	conn    *websocket.Conn
	leaving chan struct{} // closed when Slack asks for another connection
	gone    chan struct{} // closed when nothing is read any more
	reason  error         // why it is gone; to be read after that
	born    time.Time

	once sync.Once
}

// leave notes that the socket is to be replaced.
func (c *socket) leave() { c.once.Do(func() { close(c.leaving) }) }

// hold keeps one connection open until ctx ends. When Slack announces the end
// of one, the next is opened first, and the old one is read until Slack closes
// it: whatever was on its way to it still arrives.
//
// The library's own client closes first and connects then, and keeps Slack's
// reason to itself.
func (s *Slack) hold(ctx context.Context) {
	var old *socket
	wait := time.Duration(0)
	for {
		if err := sleep(ctx, wait); err != nil {
			return
		}
		c, err := s.connect(ctx)
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			wait = s.failed(err, wait)
			continue
		}
		if old != nil {
			s.retire(ctx, old)
		}
		wait, old = 0, nil
		select {
		case <-ctx.Done():
			return
		case <-c.leaving:
			old = c
		case <-c.gone:
			if time.Since(c.born) < s.tempo.short {
				wait = s.failed(c.reason, s.tempo.first)
			}
		}
	}
}

// failed notes that a connection could not be had, and returns how long to
// wait before the next try.
func (s *Slack) failed(err error, last time.Duration) time.Duration {
	next := min(max(2*last, s.tempo.first), s.tempo.last)
	var p *problem
	if errors.As(err, &p) {
		next = max(next, p.wait)
	}
	s.sockets.mu.Lock()
	s.sockets.failure = err
	s.sockets.mu.Unlock()
	s.cfg.Log.Error("slack socket cannot be opened", "again_in", next, "error", err)
	s.refuse(err)
	return next
}

// retire lets a replaced socket be read a little longer.
func (s *Slack) retire(ctx context.Context, c *socket) {
	s.life.Go(func() {
		timer := time.NewTimer(s.tempo.farewell)
		defer timer.Stop()
		select {
		case <-c.gone:
		case <-ctx.Done():
		case <-timer.C:
			_ = c.conn.Close() // it is not used any more
		}
	})
}

// connect opens a socket and returns it once Slack has greeted it.
func (s *Slack) connect(ctx context.Context) (*socket, error) {
	const doing = "open a socket"
	trying, cancel := context.WithTimeout(ctx, helloLimit)
	defer cancel()
	_, address, err := s.api.StartSocketModeContext(trying)
	if err != nil {
		return nil, wrap(doing, err)
	}
	u, err := url.Parse(address)
	if err != nil { // it holds a ticket, so it is not shown
		return nil, wrap(doing, errors.New("Slack gave an address that is none"))
	}
	if err := s.door.mayConnect(u); err != nil {
		return nil, wrap(doing, err)
	}
	conn, response, err := s.dialer.DialContext(trying, address, nil)
	if err != nil {
		if response != nil {
			_ = response.Body.Close() // a refusal's body says nothing to us
		}
		return nil, wrap(doing, err)
	}
	c := &socket{conn: conn, born: time.Now(), leaving: make(chan struct{}), gone: make(chan struct{})}
	if err := s.greet(c); err != nil {
		_ = conn.Close() // it was never used
		return nil, wrap(doing, err)
	}
	s.opened()
	s.life.Go(func() { s.read(ctx, c) })
	return c, nil
}

// greet waits for Slack's greeting, without which a socket gets nothing.
func (s *Slack) greet(c *socket) error {
	c.conn.SetReadLimit(maxFrame)
	if err := c.conn.SetReadDeadline(time.Now().Add(helloLimit)); err != nil {
		return err
	}
	_, data, err := c.conn.ReadMessage()
	if err != nil {
		return err
	}
	var f frame
	if err := json.Unmarshal(data, &f); err != nil {
		return err
	}
	switch f.Type {
	case frameHello:
		s.meet(f.Info.AppID)
		return nil
	case frameDisconnect:
		return turnedAway(f.Reason)
	default:
		return fmt.Errorf("Slack greeted with a frame of type %q", f.Type)
	}
}

// turnedAway is why Slack wants a connection no more.
func turnedAway(reason string) error {
	if reason == errLinkDisabled.code {
		return errLinkDisabled
	}
	return &problem{doing: "hold a socket", code: reason, notSent: true}
}

// read takes what arrives until the connection or ctx ends.
func (s *Slack) read(ctx context.Context, c *socket) {
	defer s.closed(c)
	stop := make(chan struct{})
	defer close(stop)
	s.life.Go(func() { s.attend(ctx, c.conn, stop) })
	var until time.Time // how long it may be silent; not set anew for each of many frames
	alive := func() error {
		if now := time.Now(); until.Sub(now) < s.tempo.silence*9/10 {
			until = now.Add(s.tempo.silence)
			return c.conn.SetReadDeadline(until)
		}
		return nil
	}
	c.conn.SetPongHandler(func(string) error { return alive() })
	c.conn.SetPingHandler(func(data string) error {
		_ = c.conn.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(writeLimit)) // a broken connection is noticed by reading
		return alive()
	})
	for {
		if c.reason = alive(); c.reason != nil {
			return
		}
		_, data, err := c.conn.ReadMessage()
		if err != nil {
			c.reason = err
			return
		}
		if err := s.take(c, data); err != nil {
			c.reason = err
			return
		}
	}
}

// attend asks for a sign of life now and then, and says goodbye when ctx ends.
// Slack pings too, but a connection that a middlebox has forgotten says nothing
// at all.
func (s *Slack) attend(ctx context.Context, conn *websocket.Conn, stop <-chan struct{}) {
	tick := time.NewTicker(s.tempo.ping)
	defer tick.Stop()
	control := func(kind int, data []byte) {
		_ = conn.WriteControl(kind, data, time.Now().Add(writeLimit)) // a broken connection is noticed by reading
	}
	for {
		select {
		case <-stop:
			return
		case <-ctx.Done():
			control(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""))
			_ = conn.Close() // ends the reading
			return
		case <-tick.C:
			control(websocket.PingMessage, nil)
		}
	}
}

// take handles one frame. A delivery is acknowledged here and now, whatever it
// is and whoever is busy; one that is not understood would come again for ever
// otherwise. The error ends the connection.
func (s *Slack) take(c *socket, data []byte) error {
	var f frame
	if err := json.Unmarshal(data, &f); err != nil {
		s.cfg.Log.Warn("slack sent what is no frame", "bytes", len(data), "error", err)
		return nil
	}
	if f.Type == frameDisconnect {
		return s.obey(c, f.Reason)
	}
	if f.EnvelopeID == "" {
		return nil
	}
	answer, start := s.deliver(f)
	defer start()
	return acknowledge(c.conn, f.EnvelopeID, answer)
}

// deliver takes a delivery on. The answer is what its acknowledgement holds;
// start is to be called once it is acknowledged.
func (s *Slack) deliver(f frame) (answer any, start func()) {
	d, err := parse(f.Type, f.Payload, s.cfg.Now())
	if err != nil {
		if !errors.Is(err, errIgnored) {
			s.cfg.Log.Warn("slack sent what is not understood", "type", f.Type, "error", err)
		}
		return nil, nothing
	}
	answer, start, err = s.accept(d)
	if err != nil || !f.Accepts {
		answer = nil
	}
	return answer, start
}

// obey follows Slack's wish about a connection.
func (s *Slack) obey(c *socket, reason string) error {
	switch reason {
	case "warning", "refresh_requested":
		c.leave()
		return nil
	default:
		return turnedAway(reason)
	}
}

func acknowledge(conn *websocket.Conn, id string, answer any) error {
	data, err := json.Marshal(acknowledgement{id, answer})
	if err != nil || len(data) > maxAcknowledgement {
		data, err = json.Marshal(acknowledgement{EnvelopeID: id})
	}
	if err != nil {
		return err
	}
	if err := conn.SetWriteDeadline(time.Now().Add(writeLimit)); err != nil {
		return err
	}
	return conn.WriteMessage(websocket.TextMessage, data)
}

// opened counts one more connection.
func (s *Slack) opened() {
	s.sockets.mu.Lock()
	defer s.sockets.mu.Unlock()
	s.sockets.open++
	s.sockets.was = true
	s.sockets.failure = nil
}

// closed counts one less.
func (s *Slack) closed(c *socket) {
	_ = c.conn.Close() // reading has ended, so nobody uses it
	s.sockets.mu.Lock()
	s.sockets.open--
	if s.sockets.open == 0 {
		s.sockets.failure = wrap("hold a socket", c.reason)
	}
	s.sockets.mu.Unlock()
	s.cfg.Log.Info("slack socket ended", "reason", c.reason)
	close(c.gone)
}

// ever reports whether a connection was ever open.
func (k *sockets) ever() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.was
}

// state returns nil while a connection is open.
func (k *sockets) state() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.open > 0 {
		return nil
	}
	if k.failure != nil {
		return k.failure
	}
	return errStarting
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
