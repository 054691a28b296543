package slack

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"twokey/chat/outward"
)

// Time limits of one connection. A call as a whole has callLimit.
const (
	dialLimit = 5 * time.Second
	idleLimit = 90 * time.Second
)

// busyConns is how many connections to one host are kept for the next call. Go
// keeps two, and with sixteen handlers at work most calls would then pay for a
// new connection.
const busyConns = 32

// door is the only way out: requests go to the configured address of the Web
// API and to Slack's own hosts over TLS, and nowhere else, whatever address
// stands in what was received.
type door struct {
	api  *url.URL
	next http.RoundTripper
}

var _ http.RoundTripper = door{}

// newDoor returns a door in front of next; nil is a transport of our own.
func newDoor(api *url.URL, next http.RoundTripper) door {
	d := door{api: api, next: next}
	if next == nil {
		d.next = &http.Transport{
			Proxy: http.ProxyFromEnvironment, DialContext: d.dial, ForceAttemptHTTP2: true,
			TLSHandshakeTimeout: dialLimit, IdleConnTimeout: idleLimit,
			MaxIdleConns: 4 * busyConns, MaxIdleConnsPerHost: busyConns,
		}
	}
	return d
}

// errForeign is why a request does not leave.
var errForeign = errors.New("the address is none of Slack's")

// RoundTrip sends a request to where it may go. What is answered may be read
// until callLimit is over.
func (d door) RoundTrip(r *http.Request) (*http.Response, error) {
	if !d.allows(r.URL) {
		if r.Body != nil {
			_ = r.Body.Close() // it was never read
		}
		return nil, outward.DialError{Err: errForeign}
	}
	ctx, cancel := context.WithTimeout(r.Context(), callLimit)
	resp, err := d.next.RoundTrip(r.WithContext(ctx))
	if err != nil {
		cancel()
		return nil, err
	}
	resp.Body = timed{resp.Body, cancel}
	return resp, nil
}

// timed is the body of an answer whose time ends with it.
type timed struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (t timed) Close() error {
	defer t.cancel()
	return t.ReadCloser.Close()
}

// allows reports whether u is the Web API's own origin or one of Slack's.
func (d door) allows(u *url.URL) bool {
	if u.User != nil {
		return false
	}
	if u.Scheme == d.api.Scheme && strings.EqualFold(u.Host, d.api.Host) {
		return true
	}
	return u.Scheme == "https" && slackHost(u.Hostname()) && (u.Port() == "" || u.Port() == "443")
}

// client returns an HTTP client that goes through the door and follows no
// redirect: what redirects is not what we called. Its own Timeout would take a
// goroutine for each call, because the door is no transport of Go's.
func (d door) client() *http.Client {
	return &http.Client{
		Transport:     d,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// slackHost reports whether a host belongs to Slack.
func slackHost(host string) bool {
	host = strings.ToLower(host)
	for _, domain := range []string{"slack.com", "slack-gov.com"} {
		if host == domain || strings.HasSuffix(host, "."+domain) {
			return true
		}
	}
	return false
}

// mayAnswer reports whether u is an address at which Slack takes answers to an
// event. The Web API's own host counts where it is this machine: there it is a
// test's.
func (d door) mayAnswer(u *url.URL) bool {
	if u.User != nil {
		return false
	}
	if outward.Loopback(d.api.Hostname()) && u.Scheme == d.api.Scheme && strings.EqualFold(u.Host, d.api.Host) {
		return true
	}
	return u.Scheme == "https" && (u.Host == "hooks.slack.com" || u.Host == "hooks.slack-gov.com")
}

// mayConnect returns nil if u is an address at which Slack serves sockets.
func (d door) mayConnect(u *url.URL) error {
	same := map[string]string{"wss": "https", "ws": "http"}
	plain := *u
	plain.Scheme = same[u.Scheme]
	if !d.allows(&plain) || u.Scheme == "ws" && !outward.Loopback(u.Hostname()) {
		return outward.DialError{Err: errForeign}
	}
	return nil
}

// dialer returns what opens sockets.
func (d door) dialer() *websocket.Dialer {
	return &websocket.Dialer{
		Proxy: http.ProxyFromEnvironment, NetDialContext: d.dial, HandshakeTimeout: dialLimit,
		// Slack drops an answer that comes in several frames.
		WriteBufferSize: 32 << 10,
	}
}

// dial connects. A name of Slack's that was not configured by an operator must
// not lead into our own network.
func (d door) dial(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := &net.Dialer{Timeout: dialLimit, KeepAlive: 15 * time.Second}
	if host, _, err := net.SplitHostPort(address); err == nil && slackHost(host) && host != d.api.Hostname() {
		dialer.Control = outward.Public(errForeign)
	}
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, outward.DialError{Err: err}
	}
	return conn, nil
}
