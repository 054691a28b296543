package discordtest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// The intents that matter here; members, presences and content are privileged.
const (
	intentGuildMessages  = 1 << 9
	intentDirectMessages = 1 << 12
	privileged           = 1<<1 | 1<<8 | 1<<15
)

// The operations of the gateway.
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

// Close codes of the gateway.
const (
	closeUnknown       = 4000
	closeDecode        = 4002
	closeNotAuth       = 4003
	closeAuth          = 4004
	closeAlready       = 4005
	closeSeq           = 4007
	closeRateLimited   = 4008
	closeInvalidIntent = 4013
	closeDisallowed    = 4014
)

// day is for how long a session that was begun counts.
const day = 24 * time.Hour

// session is what a client began with IDENTIFY, and may go on with after its
// connection has ended.
type session struct {
	id      string
	intents int
	seq     int64
	sent    []object // dispatches, for a resume
	conn    *conn    // nil while there is none
	dead    bool
}

// conn is one connection to the gateway.
type conn struct {
	ws      *websocket.Conn
	out     chan outgoing
	gone    chan struct{}
	silent  bool
	session *session
	frames  int
	since   time.Time
	opening Opening
}

// outgoing is a frame to be written, or a code to close with; -1 cuts.
type outgoing struct {
	data  []byte
	close int
}

// Opening is what happens on the next connection instead of READY or RESUMED.
type Opening struct {
	// First is what is sent right after IDENTIFY or RESUME: "reconnect" (op 7),
	// "invalid" and "resumable" (op 9), "ack" (op 11, and then READY), "nothing",
	// or "cut". Empty is READY.
	First string
	// Mute holds back even the hello.
	Mute bool
	// Close is a code to close with instead.
	Close int
}

// Open says what the next connections meet, one each.
func (p *Platform) Open(o ...Opening) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.openings = append(p.openings, o...)
}

// frame is a frame of the gateway.
func frame(op int, d any, s any, t any) []byte {
	data, err := json.Marshal(object{"op": op, "d": d, "s": s, "t": t})
	if err != nil {
		panic(err) // maps of our own
	}
	return data
}

func (c *conn) cut() { c.ws.NetConn().Close() }

func (c *conn) send(data []byte) {
	if !c.silent {
		c.out <- outgoing{data: data}
	}
}

// serveGateway is one connection's life.
func (p *Platform) serveGateway(rw http.ResponseWriter, q *http.Request) {
	if q.URL.Query().Get("encoding") != "json" || q.URL.Query().Get("v") != strings.TrimPrefix(apiPath, "/api/v") {
		p.mu.Lock()
		p.complain("gateway", "the gateway was opened with %q", q.URL.RawQuery)
		p.mu.Unlock()
	}
	upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	ws, err := upgrader.Upgrade(rw, q, nil)
	if err != nil {
		return // it has been answered
	}
	c := &conn{ws: ws, out: make(chan outgoing, 4096), gone: make(chan struct{})}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		ws.Close()
		return
	}
	p.running.Add(1)
	defer p.running.Done()
	p.running.Go(c.writes)
	p.conns = append(p.conns, c)
	if len(p.openings) > 0 {
		c.opening, p.openings = p.openings[0], p.openings[1:]
	}
	c.silent = c.opening.Mute
	c.send(frame(opHello, object{"heartbeat_interval": p.options.Heartbeat.Milliseconds(), "_trace": []any{"discordtest"}}, nil, nil))
	p.change()
	p.mu.Unlock()
	p.reads(c)
	close(c.gone)
	p.mu.Lock()
	p.conns = slices.DeleteFunc(p.conns, func(o *conn) bool { return o == c })
	if c.session != nil && c.session.conn == c {
		c.session.conn = nil
	}
	p.change()
	p.mu.Unlock()
	ws.Close()
}

// writes puts frames on the connection until it is gone. What cannot be written
// is noticed by the reader.
func (c *conn) writes() {
	for {
		select {
		case o := <-c.out:
			switch {
			case o.close < 0:
				c.cut()
			case o.close > 0:
				c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(o.close, ""), time.Now().Add(time.Second))
				c.cut()
			default:
				c.ws.WriteMessage(websocket.TextMessage, o.data)
			}
		case <-c.gone:
			return
		}
	}
}

// reads takes frames until the connection ends.
func (p *Platform) reads(c *conn) {
	for {
		_, data, err := c.ws.ReadMessage()
		if err != nil {
			p.left(c, err)
			return
		}
		p.mu.Lock()
		if !c.silent {
			p.take(c, data)
		}
		p.mu.Unlock()
	}
}

// left notes how a client ended its connection: with 1000 or 1001 it ends its
// session as well.
func (p *Platform) left(c *conn, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if websocket.IsCloseError(err, websocket.CloseNormalClosure, websocket.CloseGoingAway) && c.session != nil {
		c.session.dead = true
	}
}

// end closes a connection with a code, as Discord does. It needs p.mu.
func (p *Platform) end(c *conn, code int, why string) {
	p.complain(fmt.Sprint(code), "gateway: closed with %d: %s", code, why)
	c.out <- outgoing{close: code}
}

// take takes one frame. It needs p.mu.
func (p *Platform) take(c *conn, data []byte) {
	now := time.Now()
	if now.Sub(c.since) > time.Minute {
		c.since, c.frames = now, 0
	}
	c.frames++
	var f struct {
		Op int             `json:"op"`
		D  json.RawMessage `json:"d"`
	}
	switch {
	case len(data) > 4096:
		p.end(c, closeDecode, "a frame of more than 4096 bytes")
		return
	case c.frames > 120:
		p.end(c, closeRateLimited, "more than 120 frames in a minute")
		return
	case json.Unmarshal(data, &f) != nil:
		p.end(c, closeDecode, "not JSON")
		return
	}
	switch f.Op {
	case opHeartbeat:
		p.beat(c, f.D)
	case opIdentify:
		p.identify(c, f.D)
	case opResume:
		p.resume(c, f.D)
	default:
		p.end(c, closeUnknown, fmt.Sprintf("op %d", f.Op))
	}
}

func (p *Platform) beat(c *conn, d json.RawMessage) {
	var seq *int64
	if json.Unmarshal(d, &seq) != nil || seq != nil && c.session != nil && *seq > c.session.seq {
		p.end(c, closeSeq, "a heartbeat with a sequence that never was: "+string(d))
		return
	}
	c.send(frame(opAck, nil, nil, nil))
}

// startsNow needs p.mu.
func (p *Platform) startsNow() []time.Time {
	since := p.now().Add(-day)
	p.starts = slices.DeleteFunc(p.starts, func(at time.Time) bool { return at.Before(since) })
	return p.starts
}

// Starts returns when sessions were begun within the last day.
func (p *Platform) Starts() []time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.startsNow())
}

// identify begins a session. It needs p.mu.
func (p *Platform) identify(c *conn, d json.RawMessage) {
	var i struct {
		Token      string
		Intents    int
		Properties map[string]string
	}
	used := p.startsNow()
	switch {
	case json.Unmarshal(d, &i) != nil || i.Properties["os"] == "":
		p.end(c, closeDecode, "an IDENTIFY without its properties")
		return
	case c.session != nil:
		p.end(c, closeAlready, "identified twice")
		return
	case i.Token != p.Token() || p.revoked:
		p.end(c, closeAuth, "the token is wrong")
		return
	case i.Intents&privileged != 0:
		p.end(c, closeDisallowed, "a privileged intent that is not switched on")
		return
	case i.Intents < 0 || i.Intents >= 1<<26:
		p.end(c, closeInvalidIntent, "no such intent")
		return
	}
	if len(used) > 0 && p.now().Sub(used[len(used)-1]) < 5*time.Second && !has(p.options.Allow, "identify") {
		c.send(frame(opInvalid, false, nil, nil)) // as Discord answers one that comes too soon
		p.starts = append(p.starts, p.now())
		return
	}
	p.starts = append(p.starts, p.now())
	if len(p.starts) > p.options.Starts {
		p.complain("starts", "more than %d sessions in a day: the token is reset", p.options.Starts)
		p.revoked = true
	}
	if !p.opened(c) {
		return
	}
	s := &session{id: fmt.Sprintf("%032x", p.snowflake()), intents: i.Intents, conn: c}
	c.session = s
	p.sessions = append(p.sessions, s)
	p.emit(s, "READY", object{
		"v": 10, "user": p.user(p.options.AppID).wire(), "guilds": []any{object{"id": p.options.Guild, "unavailable": true}}, "session_id": s.id,
		"resume_gateway_url": "ws" + strings.TrimPrefix(p.server.URL, "http") + "/gateway/resume", "application": object{"id": p.options.AppID, "flags": 0}, "shard": []any{0, 1},
	})
	p.change()
}

// opened does what was ordered for this connection, and reports whether it goes
// on. It needs p.mu.
func (p *Platform) opened(c *conn) bool {
	o := c.opening
	switch {
	case o.Close != 0:
		c.out <- outgoing{close: o.Close}
		return false
	case o.First == "reconnect":
		c.send(frame(opReconnect, nil, nil, nil))
	case o.First == "invalid", o.First == "resumable":
		c.send(frame(opInvalid, o.First == "resumable", nil, nil))
	case o.First == "nothing":
		c.silent = true
	case o.First == "cut":
		c.out <- outgoing{close: -1}
	case o.First == "ack":
		c.send(frame(opAck, nil, nil, nil))
		return true
	default:
		return true
	}
	return false
}

// resume goes on with a session. It needs p.mu.
func (p *Platform) resume(c *conn, d json.RawMessage) {
	var r struct {
		Token   string
		Session string `json:"session_id"`
		Seq     int64
	}
	if json.Unmarshal(d, &r) != nil || r.Token != p.Token() || p.revoked {
		p.end(c, closeAuth, "the token is wrong")
		return
	}
	if !p.opened(c) {
		return
	}
	for _, s := range p.sessions {
		if s.id != r.Session || s.dead || r.Seq > s.seq {
			continue
		}
		if s.conn != nil && s.conn != c {
			s.conn.out <- outgoing{close: -1} // it was dead and nobody had noticed
		}
		s.conn, c.session = c, s
		for _, e := range s.sent {
			if e["s"].(int64) > r.Seq {
				c.send(frame(opDispatch, e["d"], e["s"], e["t"]))
			}
		}
		p.emit(s, "RESUMED", object{"_trace": []any{"discordtest"}})
		p.change()
		return
	}
	c.send(frame(opInvalid, false, nil, nil))
}

// emit sends one event of a session, or keeps it for a resume. It needs p.mu.
func (p *Platform) emit(s *session, kind string, d any) {
	s.seq++
	s.sent = append(s.sent, object{"d": d, "s": s.seq, "t": kind})
	if s.conn != nil {
		s.conn.send(frame(opDispatch, d, s.seq, kind))
	}
}

// dispatch sends an event to every session that asked for its kind, and returns
// how many of them are connected. It needs p.mu.
func (p *Platform) dispatch(kind string, d any, intent int) (reached int) {
	for _, s := range p.sessions {
		if s.dead || intent != 0 && s.intents&intent == 0 {
			continue
		}
		if s.conn != nil && !s.conn.silent {
			reached++
		}
		p.emit(s, kind, d)
	}
	return reached
}

// Dispatch sends an event of any kind to every session.
func (p *Platform) Dispatch(kind string, d any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dispatch(kind, d, 0)
}

// Connected returns how many connections have a session.
func (p *Platform) Connected() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		if c.session != nil && !c.silent {
			n++
		}
	}
	return n
}

// Send puts a frame on every connection: an operation at an awkward moment.
func (p *Platform) Send(op int, d any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.send(frame(op, d, nil, nil))
	}
}

// Reconnect asks every client to connect anew (op 7).
func (p *Platform) Reconnect() { p.Send(opReconnect, nil) }

// Invalidate ends every session (op 9); one that is resumable can be gone on
// with.
func (p *Platform) Invalidate(resumable bool) {
	p.mu.Lock()
	for _, s := range p.sessions {
		s.dead = s.dead || !resumable
	}
	p.mu.Unlock()
	p.Send(opInvalid, resumable)
}

// CutSockets ends every connection without a word.
func (p *Platform) CutSockets() { p.each(func(c *conn) { c.cut() }) }

// CloseSockets closes every connection with a code.
func (p *Platform) CloseSockets(code int) {
	p.each(func(c *conn) { c.out <- outgoing{close: code} })
}

// Silence makes every open connection mute: it stays open, but nothing is sent
// on it and nothing that comes is read.
func (p *Platform) Silence() { p.each(func(c *conn) { c.silent = true }) }

func (p *Platform) each(do func(c *conn)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		do(c)
	}
	p.change()
}
