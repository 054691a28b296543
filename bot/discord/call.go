package discord

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sort"
	"strings"
	"time"

	"github.com/bwmarrin/discordgo"
)

// call is one call of the REST API.
type call struct {
	method string
	path   string // below the API's address
	route  route
	doing  string // for errors: "post message"
	body   any    // nil if it has none
	files  []upload
	// patience is how long it waits for its turn. Beyond that it fails with an
	// error that says how long it would have been.
	patience time.Duration
	// repeat says that doing it twice is the same as doing it once.
	repeat bool
	// limit is how long one try may take; 0 is callLimit.
	limit time.Duration
}

// upload is a file on its way to Discord.
type upload struct {
	name, media string
	data        []byte
}

// callLimit is how long one call may take.
const callLimit = 20 * time.Second

// A call that may be repeated is made three times, a little later each time.
const (
	tries = 3
	again = 200 * time.Millisecond
)

// at returns a call's route and path. Of the parts of the pattern that stand in
// {}, the first is what the limits are about.
func at(method, pattern string, ids ...string) (string, string, route) {
	path, r := pattern, route{name: method + " " + pattern}
	for i, id := range ids {
		path = strings.Replace(path, "{}", id, 1)
		if i == 0 {
			r.about = id
		}
	}
	return method, path, r
}

// do makes a call: not before its turn, once more after a pause that Discord
// asks for, and again after a failure of Discord's if that does no harm. What is
// answered goes into answer, unless that is nil. The error is a problem.
func (d *Discord) do(ctx context.Context, c call, answer any) error {
	left := c.patience
	for try := 1; ; try++ {
		for {
			wait := d.limits.turn(c.route, time.Now())
			if wait <= 0 {
				break
			}
			if wait > left {
				return &problem{doing: c.doing, limited: true, wait: wait, notSent: true}
			}
			left -= wait
			if err := sleep(ctx, wait); err != nil {
				return &problem{doing: c.doing, cause: err, notSent: true}
			}
		}
		err := d.try(ctx, c, answer)
		var p *problem
		if err == nil || !errors.As(err, &p) {
			return err
		}
		switch {
		case p.limited: // it waits for its turn anew
		case c.repeat && p.fault() && try < tries && sleep(ctx, time.Duration(try)*again) == nil:
		default:
			return err
		}
	}
}

// fault reports whether it failed on the way or inside Discord, so that the same
// call may succeed in a moment.
func (p *problem) fault() bool { return p.code == 0 && (p.status == 0 || p.status >= 500) }

// try makes a call once, through the library, with a bucket of its own: the
// library's are held during a call, kept for good, and slept on by whoever has
// no time.
func (d *Discord) try(ctx context.Context, c call, answer any) error {
	limit := c.limit
	if limit == 0 {
		limit = callLimit
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	kind, body, err := c.encoded()
	if err != nil {
		return wrap(c.doing, err)
	}
	heard := &listener{next: d.next}
	client := &http.Client{Transport: heard, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	own := discordgo.NewRatelimiter().LockBucket("")
	said, err := d.session.RequestWithLockedBucket(c.method, d.cfg.APIURL+c.path, kind, body, own, 0,
		discordgo.WithContext(ctx), discordgo.WithClient(client), discordgo.WithRetryOnRatelimit(false), discordgo.WithRestRetries(0))
	if heard.status == 0 {
		return wrap(c.doing, err)
	}
	now := time.Now()
	d.limits.learn(c.route, heard.status, heard.header, now)
	if heard.status/100 != 2 {
		return d.understand(c, heard, now)
	}
	if err != nil {
		return wrap(c.doing, err)
	}
	if answer == nil || len(said) == 0 {
		return nil
	}
	return wrap(c.doing, json.Unmarshal(said, answer))
}

// encoded returns the body of a call; nil if it has none.
func (c call) encoded() (kind string, body []byte, err error) {
	if c.body == nil {
		return "", nil, nil
	}
	if len(c.files) == 0 {
		body, err = json.Marshal(c.body)
		return "application/json", body, err
	}
	files := make([]*discordgo.File, len(c.files))
	for i, f := range c.files {
		files[i] = &discordgo.File{Name: f.name, ContentType: f.media, Reader: bytes.NewReader(f.data)}
	}
	return discordgo.MultipartBodyWithJSON(c.body, files)
}

// listener hears what Discord answers, before the library makes an error of it
// that holds the address, and so a token.
type listener struct {
	next   http.RoundTripper
	status int
	header http.Header
	body   []byte // of a refusal
}

// maxRefusal bounds what is read of a refusal.
const maxRefusal = 64 << 10

// RoundTrip implements http.RoundTripper.
func (l *listener) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 != 2 {
		body, err := io.ReadAll(io.LimitReader(resp.Body, maxRefusal))
		_ = resp.Body.Close() // it was read
		if err != nil {
			return nil, err
		}
		l.body = body
		resp.Body = io.NopCloser(bytes.NewReader(nil))
	}
	l.status, l.header = resp.StatusCode, resp.Header
	return resp, nil
}

// refusal is what Discord answers instead.
type refusal struct {
	Code    int             `json:"code"`
	Message string          `json:"message"`
	Errors  json.RawMessage `json:"errors"`
	After   float64         `json:"retry_after"`
	Global  bool            `json:"global"`
}

// blind is how long to wait where a machine in front of Discord says nothing but
// no.
const blind = time.Minute

// understand returns the problem behind a refusal, and stops what has to stop.
func (d *Discord) understand(c call, heard *listener, now time.Time) error {
	var said refusal
	isJSON := json.Unmarshal(heard.body, &said) == nil
	p := &problem{
		doing: c.doing, code: said.Code, status: heard.status, detail: said.detail(),
		notSent: heard.status < http.StatusInternalServerError,
	}
	switch {
	case heard.status == http.StatusTooManyRequests:
		p.limited, p.code, p.detail = true, 0, ""
		p.wait = pauseOf(said, heard.header, isJSON)
		d.limits.pause(c.route, extentOf(said, heard.header, isJSON), now.Add(p.wait))
	case heard.status == http.StatusUnauthorized && p.code == 0: // the token of an interaction has a code
		d.limits.pause(c.route, ofBot, now.Add(blind))
		if !d.stopped() {
			d.setState(p)
		}
	}
	return p
}

// extentOf is what a refusal for haste is about. One that is no JSON is by a
// machine in front of Discord, which knows addresses only.
func extentOf(said refusal, h http.Header, isJSON bool) extent {
	switch {
	case !isJSON:
		return ofAddress
	case said.Global || h.Get("X-RateLimit-Global") != "":
		return ofBot
	default:
		return ofBucket
	}
}

// pauseOf is for how long Discord wants to be left alone.
func pauseOf(said refusal, h http.Header, isJSON bool) time.Duration {
	wait, ok := seconds(fmt.Sprint(said.After))
	if !isJSON || !ok || wait == 0 {
		if wait, ok = seconds(h.Get("Retry-After")); !ok || wait == 0 {
			wait = blind
		}
	}
	return max(wait, 50*time.Millisecond)
}

// detail returns what Discord says about a refusal: the paths of what is wrong
// in a body, and never what stood there.
func (r refusal) detail() string {
	var wrong []string
	var tree map[string]any
	if json.Unmarshal(r.Errors, &tree) == nil {
		collect("", tree, &wrong)
	}
	sort.Strings(wrong)
	if len(wrong) > 0 {
		return strings.Join(wrong[:min(len(wrong), 5)], "; ")
	}
	return cut(r.Message, 200)
}

func collect(path string, tree map[string]any, wrong *[]string) {
	for name, v := range tree {
		switch v := v.(type) {
		case map[string]any:
			collect(path+"/"+name, v, wrong)
		case []any:
			for _, e := range v {
				if o, ok := e.(map[string]any); ok && name == "_errors" {
					*wrong = append(*wrong, fmt.Sprintf("%s: %v", cut(path, 100), o["code"]))
				}
			}
		}
	}
}

// cut returns at most n bytes of what is for a log.
func cut(s string, n int) string { return strings.ToValidUTF8(s[:min(len(s), n)], "") }

// authorise makes sure that the token is that of the app.
func (d *Discord) authorise(ctx context.Context) error {
	var who struct {
		ID string `json:"id"`
	}
	c := call{doing: "check the token", patience: patience, repeat: true}
	c.method, c.path, c.route = at(http.MethodGet, "/users/@me")
	if err := d.do(ctx, c, &who); err != nil {
		return err
	}
	if who.ID != d.cfg.ApplicationID {
		return &problem{doing: c.doing, code: 20012, notSent: true}
	}
	return nil
}
