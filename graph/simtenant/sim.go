package simtenant

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// control answers the addresses under /_sim/, which are ours and not Graph's.
func (t *Tenant) control(w http.ResponseWriter, r *http.Request) {
	c := &call{t: t, ctx: r.Context(), requestID: newID(), view: t.viewBack(0)}
	c.clientRequestID = c.requestID
	body, err := t.controlled(c, w, r)
	if err != nil {
		var no *refusal
		if !errors.As(err, &no) {
			err = badRequest(err.Error())
		}
		c.write(w, c.answerTo(nil, err))
		return
	}
	c.write(w, &answer{status: http.StatusOK, body: body})
}

func (t *Tenant) controlled(c *call, w http.ResponseWriter, r *http.Request) (any, error) {
	if !local(r.RemoteAddr) {
		return nil, refuse(http.StatusForbidden, "AccessDenied", "This address answers on loopback only.")
	}
	if err := c.readBody(w, r); err != nil {
		return nil, err
	}
	switch r.Method + " " + r.URL.Path {
	case "GET /_sim/ledger":
		return orEmpty(t.Ledger()), nil
	case "GET /_sim/requests":
		return orEmpty(t.seen.all()), nil
	case "GET /_sim/clock":
		return document{"now": t.Now()}, nil
	case "POST /_sim/faults":
		return t.plan(c.body)
	case "POST /_sim/clock":
		return t.turn(c.body)
	default:
		return nil, refuse(http.StatusNotFound, "ResourceNotFound", "There is no "+r.Method+" "+r.URL.Path+".")
	}
}

// local reports whether the peer is on this machine. A call without an address
// came from inside this program.
func local(remote string) bool {
	if remote == "" {
		return true
	}
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// plan replaces the list of faults and answers it.
func (t *Tenant) plan(body []byte) (any, error) {
	var list []fault
	if err := decodeStrictly(body, &list); err != nil {
		return nil, fmt.Errorf("faults: %w", err)
	}
	for i, f := range list {
		if err := f.validate(); err != nil {
			return nil, fmt.Errorf("fault %d: %w", i+1, err)
		}
	}
	t.faults.replace(list)
	return orEmpty(list), nil
}

// turn moves the clock forward.
func (t *Tenant) turn(body []byte) (any, error) {
	var ask struct {
		Advance string `json:"advance"`
	}
	if err := decodeStrictly(body, &ask); err != nil {
		return nil, fmt.Errorf("clock: %w", err)
	}
	d, err := time.ParseDuration(ask.Advance)
	if err != nil || d < 0 {
		return nil, fmt.Errorf("clock: advance is %q; it is a duration forward, like 8h", ask.Advance)
	}
	t.Advance(d)
	return document{"now": t.Now()}, nil
}

// maxRequests is how many requests are remembered.
const maxRequests = 50000

// request is one that the tenant has seen.
type request struct {
	N      int       `json:"n"`
	At     time.Time `json:"at"`
	Method string    `json:"method"`
	Path   string    `json:"path"`
	Status int       `json:"status"` // 0: still running, or cut off
	App    string    `json:"app"`
	Part   bool      `json:"part,omitempty"` // of a batch
}

// requestLog remembers the latest requests.
type requestLog struct {
	mu   sync.Mutex
	list []request
	lost int // forgotten ones, to keep memory bounded
}

func (l *requestLog) begin(c *call, part bool) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.list) == maxRequests {
		half := maxRequests / 2
		l.list = append(l.list[:0:0], l.list[half:]...)
		l.lost += half
	}
	n := l.lost + len(l.list) + 1
	l.list = append(l.list, request{N: n, At: c.view.now, Method: c.method, Path: "/" + c.version + c.path, App: c.app, Part: part})
	return n
}

func (l *requestLog) end(n, status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := n - l.lost - 1; i >= 0 {
		l.list[i].Status = status
	}
}

func (l *requestLog) all() []request {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]request(nil), l.list...)
}

// decodeStrictly reads one JSON value that holds nothing unknown.
func decodeStrictly(body []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if dec.More() {
		return errors.New("there is more than one value")
	}
	return nil
}
