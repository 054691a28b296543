// Package teams posts into a channel of Microsoft Teams through a Workflows
// webhook: an address that takes an Adaptive Card and shows it in a channel. It
// is a road in one direction. Nobody can press anything, and what was posted can
// neither be read, found nor edited.
//
// The address is a secret: whoever has it can post. It is shown in no error.
package teams

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"twokey/chat"
	"twokey/chat/outward"
)

// Platform is the name under which accounts and addresses of Teams are known.
const Platform = "teams"

// Webhook is the address of the one channel that a webhook leads to.
var Webhook = chat.Address{Platform: Platform, Channel: "webhook"}

// Config says where to post.
type Config struct {
	URL string // of the webhook, https; http on loopback
	// Transport is what requests go through; nil: an ordinary one.
	Transport http.RoundTripper
	Log       *slog.Logger // nil is silence
}

// Teams posts to one webhook. It is safe for use by several goroutines.
type Teams struct {
	url    string
	client *http.Client
	log    *slog.Logger

	mu     sync.Mutex
	posted map[string]string // IDs by key, of this process
}

var _ chat.Poster = (*Teams)(nil)

// limit is how long one post may take. Workflows answers at once, before it has
// posted.
const limit = 30 * time.Second

// New returns a poster. It asks nothing of the webhook: all that one can ask is
// to post.
func New(cfg Config) (*Teams, error) {
	u, err := url.Parse(cfg.URL)
	switch {
	case err != nil || u.Host == "":
		return nil, errors.New("the webhook is no address")
	case u.Scheme != "https" && (u.Scheme != "http" || !outward.Loopback(u.Hostname())):
		return nil, errors.New("the webhook's address does not begin with https")
	case strings.HasSuffix(strings.ToLower(u.Hostname()), ".webhook.office.com"):
		return nil, errors.New("the webhook is an old Office 365 connector, which Microsoft has retired: make one in Teams with Workflows, “Post to a channel when a webhook request is received”")
	}
	t := &Teams{url: cfg.URL, log: cfg.Log, posted: map[string]string{}, client: &http.Client{
		Transport: cfg.Transport, Timeout: limit,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // it goes where the configuration says
	}}
	if t.log == nil {
		t.log = slog.New(slog.DiscardHandler)
	}
	return t, nil
}

// Caps implements chat.Poster. What is too long for the size of a message is cut
// when it is made, see card.
func (t *Teams) Caps() chat.Caps { return chat.Caps{Images: true} }

// Post implements chat.Poster. The ID says only what became of it: "accepted", or
// "unknown" where the answer got lost or came from something between. Nothing of
// the kind is posted again: nobody could see whether it is there, and two are
// worse than a look. Whatever surely was not taken is an error, and can be
// posted again.
func (t *Teams) Post(ctx context.Context, to chat.Address, key string, m chat.Message) (string, error) {
	if to != Webhook {
		return "", &problem{what: "there is no such channel: the webhook leads to one"}
	}
	t.mu.Lock()
	id, known := t.posted[key]
	t.mu.Unlock()
	if known {
		return id, nil
	}
	body, err := envelope(m)
	if err != nil {
		return "", err
	}
	id, err = t.send(ctx, body)
	if err != nil {
		return "", err
	}
	if id == unknown {
		t.log.ErrorContext(ctx, "not known whether Teams has posted; look into the channel", "key", key)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.posted[key] = id + "/" + key
	return t.posted[key], nil
}

// Edit implements chat.Poster: what was posted stays as it is.
func (t *Teams) Edit(ctx context.Context, _ chat.Address, id string, _ chat.Message) error {
	t.log.DebugContext(ctx, "a post in Teams stays as it is", "message", id)
	return nil
}

const (
	accepted = "accepted"
	unknown  = "unknown"
)

func (t *Teams) send(ctx context.Context, body []byte) (id string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, bytes.NewReader(body))
	if err != nil {
		return "", &problem{what: "make the request"}
	}
	// Without the charset the service takes half as much.
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	answer, err := t.client.Do(r)
	if err != nil {
		if unsent(err) {
			return "", &problem{what: "reach the webhook", cause: bare(err)}
		}
		return unknown, nil
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<16)) // so that the connection can be used again
	return judge(answer)
}

// judge tells what an answer says of the post.
func judge(answer *http.Response) (id string, err error) {
	wait := retryAfter(answer.Header.Get("Retry-After"))
	switch code := answer.StatusCode; {
	case code >= 200 && code < 300:
		return accepted, nil
	case code == http.StatusBadGateway, code == http.StatusGatewayTimeout:
		return unknown, nil // something on the way answers, and does not know
	case code == http.StatusTooManyRequests, code == http.StatusServiceUnavailable:
		return "", &problem{what: "the webhook is busy (" + strconv.Itoa(code) + ")", wait: max(wait, time.Second)}
	case code == http.StatusUnauthorized, code == http.StatusForbidden, code == http.StatusNotFound, code == http.StatusGone:
		return "", &problem{what: "the webhook refuses (" + strconv.Itoa(code) + "): has its workflow been turned off, or the account that owns it disabled?", wait: wait}
	default:
		return "", &problem{what: "the webhook answers " + strconv.Itoa(code), wait: wait}
	}
}

// retryAfter reads seconds, 0 for anything else.
func retryAfter(text string) time.Duration {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || n < 0 {
		return 0
	}
	return min(time.Duration(n)*time.Second, time.Hour)
}

// unsent reports whether an error surely came before the first byte went out.
func unsent(err error) bool {
	var dial *net.OpError
	return errors.As(err, &dial) && dial.Op == "dial"
}

// bare is an error without the address, which the client puts before it.
func bare(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// problem is why a message was not taken.
type problem struct {
	what  string
	cause error
	wait  time.Duration
}

func (p *problem) Error() string {
	if p.cause != nil {
		return fmt.Sprintf("post to Teams: %s: %v", p.what, p.cause)
	}
	return "post to Teams: " + p.what
}

func (p *problem) Unwrap() error { return p.cause }

// RetryAfter returns how long to leave the webhook alone; 0 if it has not said.
func (p *problem) RetryAfter() time.Duration { return p.wait }
