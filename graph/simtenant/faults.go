package simtenant

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// The moments at which a fault may cut a connection.
const (
	cutBefore = "before" // the tenant never saw it
	cutAfter  = "after"  // applied, but nobody is told
)

// fault is a planned failure of the calls that match it.
type fault struct {
	Method     string `json:"method"`      // empty: every method
	Path       string `json:"path"`        // without version; "*" at its end matches every ending
	Times      int    `json:"times"`       // 0: until the list is replaced
	Status     int    `json:"status"`      // answer this, in Graph's envelope, and apply nothing
	RetryAfter int    `json:"retry_after"` // seconds, with a status
	// RetryDate says when, as an HTTP date, instead of after how many seconds.
	RetryDate bool `json:"retry_date,omitempty"`
	// Code is Graph's word for the status, instead of the usual one. The words
	// "licence" and "permission" stand for what the call's service would say.
	Code  string `json:"code,omitempty"`
	Delay int    `json:"delay_ms"` // wait before anything else
	// Cut ends the connection: "before" or "after" the call is applied. With a
	// status, "after" means that the call is applied and then answered so.
	Cut   string `json:"cut"`
	Stale int    `json:"stale_s"` // reads see the tenant as it was so many seconds ago
	// Garble applies the call and then answers a success that cannot be read:
	// "html", as a proxy would, "cut" for half of a JSON object, "empty" for
	// nothing. It is for calls of their own and leaves parts of a batch alone.
	Garble string `json:"garble,omitempty"`
}

func (f fault) validate() error {
	switch {
	case f.Path == "":
		return errors.New("path is missing")
	case f.Cut != "" && f.Cut != cutBefore && f.Cut != cutAfter:
		return fmt.Errorf("cut is %q; it may be before or after", f.Cut)
	case f.Status != 0 && (f.Status < 400 || f.Status > 599):
		return fmt.Errorf("status is %d; it may be 400 to 599", f.Status)
	case f.Garble != "" && garbled[f.Garble] == nil:
		return fmt.Errorf("garble is %q; it may be html, cut or empty", f.Garble)
	case f.Garble != "" && (f.Status != 0 || f.Cut != ""):
		return errors.New("garble goes with neither status nor cut")
	case f.Status == 0 && (f.Code != "" || f.RetryDate):
		return errors.New("code and retry_date go with a status")
	case f.Times < 0 || f.RetryAfter < 0 || f.Delay < 0 || f.Stale < 0:
		return errors.New("times, retry_after, delay_ms and stale_s cannot be negative")
	}
	return nil
}

// any lets every fault match a call of its own.
func (f fault) any() bool { return true }

// fitsPart keeps faults of the connection away from the parts of a batch,
// which have none of their own.
func (f fault) fitsPart() bool { return f.Status != 0 || f.Stale > 0 }

func (f fault) matches(method, path string) bool {
	if f.Method != "" && !strings.EqualFold(f.Method, method) {
		return false
	}
	want := "/" + strings.TrimPrefix(f.Path, "/")
	for _, version := range []string{"/v1.0/", "/beta/"} {
		if rest, ok := strings.CutPrefix(want, version); ok {
			want = "/" + rest
		}
	}
	if prefix, ok := strings.CutSuffix(want, "*"); ok {
		return len(path) >= len(prefix) && strings.EqualFold(path[:len(prefix)], prefix)
	}
	return strings.EqualFold(path, want)
}

func (f fault) stale() time.Duration { return time.Duration(f.Stale) * time.Second }

// garbled are the ways in which a success can be unreadable: the body, of a
// kind that writeBody knows.
var garbled = map[string]any{
	"html":  page("<!DOCTYPE html><html><body><h1>Sign in to the network</h1></body></html>"),
	"cut":   brokenJSON(`{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata","id":"`),
	"empty": brokenJSON(""),
}

// garble makes an answer unreadable, if the fault says so.
func (f fault) garble(a *answer) *answer {
	if f.Garble == "" || a.status >= 300 {
		return a
	}
	status := a.status
	if status == http.StatusNoContent {
		status = http.StatusOK
	}
	return &answer{status: status, header: a.header, body: garbled[f.Garble]}
}

// refused is the planned refusal of a call.
func (c *call) refused() *refusal {
	code, message := codeOf(c.fault.Status)
	r := refuse(c.fault.Status, code, message)
	switch c.fault.Code {
	case "":
	case "licence":
		r = noLicence()
	case "permission":
		r = c.lacking()
	default:
		r.code = c.fault.Code
	}
	r.status, r.retryAfter, r.retryDate = c.fault.Status, c.fault.RetryAfter, c.fault.RetryDate
	return r
}

// lacking is what the service of a call says where a permission is missing.
func (c *call) lacking() *refusal {
	if c.find() != nil || c.route.need == nil {
		return directoryWords.refuse(nil)
	}
	return c.route.need.words.refuse(c.route.need)
}

// wait holds a call up as planned; false if its caller gave up meanwhile.
func (f fault) wait(ctx context.Context) bool {
	if f.Delay == 0 {
		return true
	}
	timer := time.NewTimer(time.Duration(f.Delay) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// faults is the list of planned failures.
type faults struct {
	mu   sync.Mutex
	list []fault
}

func (fs *faults) replace(list []fault) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.list = slices.Clone(list) // the times are counted down in it
}

// take returns the first fault that matches a call and uses up one of its
// times; the zero fault does nothing.
func (fs *faults) take(method, path string, fits func(fault) bool) fault {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for i, f := range fs.list {
		if !f.matches(method, path) || !fits(f) {
			continue
		}
		if f.Times == 1 {
			fs.list = append(fs.list[:i:i], fs.list[i+1:]...)
		} else if f.Times > 1 {
			fs.list[i].Times--
		}
		return f
	}
	return fault{}
}

// cutOff ends the connection so that the peer sees a reset.
func cutOff(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // net/http's own way to end a connection
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // best effort: without it the peer sees an orderly end
	}
	_ = conn.Close()
}
