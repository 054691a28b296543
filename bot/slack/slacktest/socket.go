package slacktest

import (
	"encoding/binary"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/gorilla/websocket"
)

// maxConns is how many sockets one app may hold.
const maxConns = 10

// maxAck is how long an acknowledgement may be; a longer one is dropped
// without a word.
const maxAck = 20480

// conn is one socket of the bot.
type conn struct {
	ws      *websocket.Conn
	out     chan frame
	gone    chan struct{} // closed when it is not used any more
	silent  bool          // open, but nothing comes or goes
	leaving bool          // told to reconnect: gets no more envelopes
}

// frame is one thing to put on a socket.
type frame struct {
	kind int // a websocket message type, or one of those below
	data []byte
}

const (
	half = 100 + iota // half of a text frame, then the end of the connection
	bye               // the end of the connection
)

// cut ends the connection at once, without a close frame.
func (c *conn) cut() { c.ws.NetConn().Close() }

// serveSocket is one socket's life.
func (w *Workspace) serveSocket(rw http.ResponseWriter, r *http.Request) {
	secret := r.URL.Query().Get("ticket")
	w.mu.Lock()
	fresh := w.tickets[secret]
	if fresh {
		w.tickets[secret] = false
	} else {
		w.violate("socket: a ticket that was not given or was used before")
	}
	w.mu.Unlock()
	if !fresh {
		http.Error(rw, "unknown ticket", http.StatusNotFound)
		return
	}
	upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	ws, err := upgrader.Upgrade(rw, r, nil)
	if err != nil {
		return // it has been answered
	}
	c := &conn{ws: ws, out: make(chan frame, 4096), gone: make(chan struct{})}
	ws.SetPingHandler(func(data string) error {
		w.mu.Lock()
		silent := c.silent
		w.mu.Unlock()
		if !silent {
			c.out <- frame{websocket.PongMessage, []byte(data)}
		}
		return nil
	})
	w.mu.Lock()
	if w.closed || w.revoked { // in between
		w.mu.Unlock()
		ws.Close()
		return
	}
	w.running.Add(1)
	w.mu.Unlock()
	defer w.running.Done()
	w.running.Go(func() { w.writes(c) })
	w.join(c)
	w.reads(c)
	close(c.gone)
	w.mu.Lock()
	w.conns = slices.DeleteFunc(w.conns, func(o *conn) bool { return o == c })
	w.change()
	w.mu.Unlock()
	ws.Close()
}

// join greets a socket, or turns it away.
func (w *Workspace) join(c *conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.conns) >= maxConns {
		c.send(disconnect("too_many_websockets"))
		c.out <- frame{kind: bye}
		w.violate("socket: more than %d connections", maxConns)
		return
	}
	w.conns = append(w.conns, c)
	c.send(map[string]any{
		"type": "hello", "num_connections": len(w.conns),
		"connection_info": map[string]any{"app_id": w.options.AppID},
		"debug_info":      map[string]any{"host": "applink-1", "build_number": 1, "approximate_connection_time": 18060},
	})
	w.change()
}

func disconnect(reason string) map[string]any {
	return map[string]any{"type": "disconnect", "reason": reason, "debug_info": map[string]any{"host": "applink-1"}}
}

// send queues a frame of JSON.
func (c *conn) send(v any) {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps of our own
	}
	c.out <- frame{websocket.TextMessage, data}
}

// writes puts frames and pings on the socket until it is gone.
func (w *Workspace) writes(c *conn) {
	every := w.options.Ping
	if every < 0 {
		every = 1000 * time.Hour
	}
	pings := time.NewTicker(every)
	defer pings.Stop()
	if w.options.Ping > 0 {
		c.ws.WriteControl(websocket.PingMessage, []byte("hello"), time.Now().Add(time.Second))
	}
	for {
		select {
		case f := <-c.out:
			c.write(f)
		case <-pings.C:
			w.mu.Lock()
			silent := c.silent
			w.mu.Unlock()
			if !silent {
				c.ws.WriteControl(websocket.PingMessage, []byte("ping"), time.Now().Add(time.Second))
			}
		case <-c.gone:
			return
		}
	}
}

// write puts one frame on the socket. What cannot be written is noticed by the
// reader.
func (c *conn) write(f frame) {
	switch f.kind {
	case bye:
		c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(time.Second))
		c.cut()
	case half:
		header := []byte{0x81, 126, 0, 0}
		binary.BigEndian.PutUint16(header[2:], uint16(len(f.data)))
		c.ws.NetConn().Write(append(header, f.data[:len(f.data)/2]...))
		c.cut()
	case websocket.TextMessage:
		c.ws.WriteMessage(f.kind, f.data)
	default:
		c.ws.WriteControl(f.kind, f.data, time.Now().Add(time.Second))
	}
}

// reads takes acknowledgements until the connection ends.
func (w *Workspace) reads(c *conn) {
	for {
		_, data, err := c.ws.ReadMessage()
		if err != nil {
			return
		}
		w.mu.Lock()
		if !c.silent {
			w.acknowledge(data)
		}
		w.mu.Unlock()
	}
}

// acknowledge takes one acknowledgement, whichever connection it came on. It
// needs w.mu.
func (w *Workspace) acknowledge(data []byte) {
	if len(data) > maxAck {
		w.violate("socket: an acknowledgement of %d bytes, which is dropped", len(data))
		return
	}
	var ack struct {
		EnvelopeID string          `json:"envelope_id"`
		Payload    json.RawMessage `json:"payload"`
	}
	if err := json.Unmarshal(data, &ack); err != nil || ack.EnvelopeID == "" {
		w.violate("socket: not an acknowledgement: %.200s", data)
		return
	}
	a := w.pending[ack.EnvelopeID]
	if a == nil {
		w.violate("socket: acknowledged an envelope that never was: %s", ack.EnvelopeID)
		return
	}
	w.settle(a, ack.Payload)
}

// Connected returns how many sockets are open.
func (w *Workspace) Connected() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.conns)
}

// pick chooses the socket for an envelope, or nil if there is none. It needs w.mu.
func (w *Workspace) pick() *conn {
	var able []*conn
	for _, c := range w.conns {
		if !c.leaving {
			able = append(able, c)
		}
	}
	if len(able) == 0 {
		return nil
	}
	return able[w.random.IntN(len(able))]
}

// lifetime is how long a socket stays open after its warning.
const lifetime = 10 * time.Second

// Refresh tells every socket to reconnect. For the reason "warning" the socket
// goes on getting envelopes for ten seconds, is then told "refresh_requested"
// and closed; for "refresh_requested" it gets no more and is closed two seconds
// later, unless the bot did that first.
func (w *Workspace) Refresh(reason string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range slices.Clone(w.conns) {
		c.send(disconnect(reason))
		if reason != "warning" {
			w.leave(c, 2*time.Second)
			continue
		}
		w.after(lifetime, func() {
			c.send(disconnect("refresh_requested"))
			w.leave(c, 0)
		})
	}
}

// leave closes a socket after d. It needs w.mu.
func (w *Workspace) leave(c *conn, d time.Duration) {
	c.leaving = true
	w.after(d, func() {
		select {
		case <-c.gone:
		case c.out <- frame{kind: bye}:
		}
	})
}

// CutSockets ends every connection without a word. What was not acknowledged
// yet is lost with it, unless it is acknowledged in time on another.
func (w *Workspace) CutSockets() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.excuse()
	for _, c := range w.conns {
		c.leaving = true
		c.cut()
	}
}

// CutNext cuts the connection of the next envelope in the middle of it.
func (w *Workspace) CutNext() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cutNext = true
}

// Silence makes every open socket mute: it stays open, but nothing is sent on
// it, pings included, and nothing that comes is read.
func (w *Workspace) Silence() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.excuse()
	for _, c := range w.conns {
		c.silent = true
	}
}

// excuse forgives what is not acknowledged yet: it may be lost by our doing.
// It needs w.mu.
func (w *Workspace) excuse() {
	for _, a := range w.pending {
		a.excused = true
	}
}

// DisableLink switches Socket Mode off in the app's settings: sockets are told
// so and closed, and no new one can be opened until EnableLink.
func (w *Workspace) DisableLink() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.linkOff = true
	for _, c := range slices.Clone(w.conns) {
		c.send(disconnect("link_disabled"))
		w.leave(c, 0)
	}
}

// EnableLink switches Socket Mode on again.
func (w *Workspace) EnableLink() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.linkOff = false
}
