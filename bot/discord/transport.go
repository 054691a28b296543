package discord

import (
	"context"
	"errors"
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
	dialLimit   = 5 * time.Second
	headerLimit = 15 * time.Second // a file has to be sent first
	idleLimit   = 90 * time.Second
)

// busyConns is how many connections to one host are kept for the next call. Go
// keeps two, and with sixteen handlers at work most calls would then pay for a
// new connection.
const busyConns = 32

// door is the only way out: requests go to the configured address of the API
// and nowhere else, and sockets to Discord's gateway, whatever address stands in
// what was received.
type door struct {
	api  *url.URL
	dial func(ctx context.Context, network, address string) (net.Conn, error)
	next *http.Transport
}

var _ http.RoundTripper = door{}

// newDoor returns a door that connects with dial; nil is the network.
func newDoor(api *url.URL, dial func(ctx context.Context, network, address string) (net.Conn, error)) door {
	d := door{api: api, dial: dial}
	d.next = &http.Transport{
		DialContext: d.connect, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: dialLimit, ResponseHeaderTimeout: headerLimit, IdleConnTimeout: idleLimit,
		MaxIdleConns: 2 * busyConns, MaxIdleConnsPerHost: busyConns,
	}
	if dial == nil {
		d.next.Proxy = http.ProxyFromEnvironment
	}
	return d
}

// close ends the connections that nobody uses.
func (d door) close() { d.next.CloseIdleConnections() }

// errForeign is why a request does not leave.
var errForeign = errors.New("the address is none of Discord's")

// RoundTrip sends a request to where it may go.
func (d door) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.User != nil || r.URL.Scheme != d.api.Scheme || !strings.EqualFold(r.URL.Host, d.api.Host) {
		if r.Body != nil {
			_ = r.Body.Close() // it was never read
		}
		return nil, outward.DialError{Err: errForeign}
	}
	return d.next.RoundTrip(r)
}

// mayConnect returns nil if u is an address at which Discord serves its gateway.
// The API's own host counts where it is this machine: there it is a test's.
func (d door) mayConnect(u *url.URL) error {
	host := strings.ToLower(u.Hostname())
	discord := u.Scheme == "wss" && (host == "discord.gg" || strings.HasSuffix(host, ".discord.gg")) && (u.Port() == "" || u.Port() == "443")
	here := u.Scheme == "ws" && outward.Loopback(d.api.Hostname()) && strings.EqualFold(u.Host, d.api.Host)
	if u.User != nil || !discord && !here {
		return outward.DialError{Err: errForeign}
	}
	return nil
}

// dialer returns what opens the gateway.
func (d door) dialer() *websocket.Dialer {
	dialer := &websocket.Dialer{NetDialContext: d.connect, HandshakeTimeout: dialLimit}
	if d.dial == nil {
		dialer.Proxy = http.ProxyFromEnvironment
	}
	return dialer
}

// connect connects. A name of the gateway's that Discord gave must not lead into
// our own network.
func (d door) connect(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialLimit)
	defer cancel()
	dial := d.dial
	if dial == nil {
		dialer := &net.Dialer{KeepAlive: 15 * time.Second}
		if host, _, err := net.SplitHostPort(address); err == nil && strings.HasSuffix(strings.ToLower(host), "discord.gg") {
			dialer.Control = outward.Public(errForeign)
		}
		dial = dialer.DialContext
	}
	conn, err := dial(ctx, network, address)
	if err != nil {
		return nil, outward.DialError{Err: err}
	}
	return conn, nil
}
