package discordtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Call is one request that the bot made.
type Call struct {
	Route string // "POST /channels/{channel_id}/messages"
	Path  string
	Body  json.RawMessage // the JSON of it, without files
	At    time.Time       // on the platform's clock
	// Code is the error that was answered: Discord's code, or else the status;
	// 0 if there was none.
	Code    int
	Applied bool // it had its effect, whatever was answered
}

// Fault is something that goes wrong with the next calls of a route.
type Fault struct {
	Route string // empty: any
	Times int    // zero means once
	// Status is what is answered instead, with Code as Discord's code.
	Status, Code int
	// RetryAfter, Global and HTML are about 429: how long to wait, whether for
	// everything, and whether a machine in front of Discord says so.
	RetryAfter   time.Duration
	Global, HTML bool
	// Cut ends the connection without an answer, "before" or "after" the call
	// has its effect.
	Cut string
	// Hold keeps the answer back until it is closed.
	Hold <-chan struct{}
}

// Fault makes the next calls go wrong. Faults of one route happen in the order
// in which they were made.
func (p *Platform) Fault(f Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f.Times = max(1, f.Times)
	p.faults = append(p.faults, &f)
}

// Heal forgets the faults that have not happened yet.
func (p *Platform) Heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = nil
}

// fault takes the next fault of a route, or nil. It needs p.mu.
func (p *Platform) fault(route string) *Fault {
	for i, f := range p.faults {
		if f.Route != "" && f.Route != route {
			continue
		}
		if f.Times--; f.Times == 0 {
			p.faults = slices.Delete(p.faults, i, i+1)
		}
		return f
	}
	return nil
}

// reaches reports whether the call has its effect all the same.
func (f *Fault) reaches() bool { return f == nil || f.Cut == "after" || f.Cut == "" && f.Status == 0 }

// Calls returns the calls of a route so far, oldest first; those of every route
// if it is empty.
func (p *Platform) Calls(route string) []Call {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.calls), func(c Call) bool { return route != "" && c.Route != route })
}

// Invalid returns how many answers of the last ten minutes count towards a ban:
// ten thousand lead to one.
func (p *Platform) Invalid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.invalidNow())
}

// invalidNow needs p.mu.
func (p *Platform) invalidNow() []time.Time {
	since := p.now().Add(-10 * time.Minute)
	p.invalid = slices.DeleteFunc(p.invalid, func(at time.Time) bool { return at.Before(since) })
	return p.invalid
}

// call is one request while it is answered.
type call struct {
	p     *Platform
	route string
	path  func(name string) string
	query func(name string) string
	body  object
	list  []any // where the body is a list
	raw   json.RawMessage
	files []file
}

// file is a file that came with a request, or that a message has.
type file struct {
	id, name, title, media, alt string
	data                        []byte
}

// refusal is an error of Discord's.
type refusal struct {
	status, code int
	message      string
}

func refuse(status, code int, message string) *refusal { return &refusal{status, code, message} }

// The refusals that come from several places.
var (
	unknownChannel     = refuse(404, 10003, "Unknown Channel")
	unknownMessage     = refuse(404, 10008, "Unknown Message")
	unknownUser        = refuse(400, 50033, "Invalid Recipient(s)")
	unknownWebhook     = refuse(404, 10015, "Unknown Webhook")
	unknownInteraction = refuse(404, 10062, "Unknown interaction")
	answeredAlready    = refuse(400, 40060, "Interaction has already been acknowledged.")
	expiredToken       = refuse(401, 50027, "Invalid Webhook Token")
	missingAccess      = refuse(403, 50001, "Missing Access")
	emptyMessage       = refuse(400, 50006, "Cannot send an empty message")
	unauthorized       = refuse(401, 0, "401: Unauthorized")
)

// invalidForm is the refusal of a body.
func invalidForm(what string) *refusal {
	return refuse(http.StatusBadRequest, 50035, "Invalid Form Body: "+what)
}

// answerTo is one route. It is called with p.mu held; a nil body is 204.
type answerTo struct {
	do   func(c *call) (any, *refusal)
	open bool // it takes no token: the address is the permission
}

// The routes that are named in more than one place.
const (
	RouteCallback  = "POST /interactions/{interaction_id}/{interaction_token}/callback"
	RouteOriginal  = "PATCH /webhooks/{webhook_id}/{webhook_token}/messages/@original"
	RouteDelete    = "DELETE /webhooks/{webhook_id}/{webhook_token}/messages/@original"
	RouteFollowUp  = "POST /webhooks/{webhook_id}/{webhook_token}"
	RouteMessage   = "POST /channels/{channel_id}/messages"
	RouteEdit      = "PATCH /channels/{channel_id}/messages/{message_id}"
	RouteDirect    = "POST /users/@me/channels"
	RouteMember    = "GET /guilds/{guild_id}/members/{user_id}"
	RouteGateway   = "GET /gateway/bot"
	RouteOverwrite = "PUT /applications/{application_id}/guilds/{guild_id}/commands"
	RouteCommands  = "GET /applications/{application_id}/guilds/{guild_id}/commands"
	RouteSelf      = "GET /users/@me"
)

// serveREST answers one call.
func (p *Platform) serveREST(rw http.ResponseWriter, q *http.Request, route string, r answerTo) {
	c := &call{p: p, route: route, path: q.PathValue, query: q.URL.Query().Get}
	broken := c.read(q)
	p.mu.Lock()
	f := p.fault(route)
	p.governed(rw, c, f)
	var body any
	var no *refusal
	if f.reaches() {
		if wait := p.limited(rw, c, r); wait > 0 {
			p.note(c, q, nil, refuse(http.StatusTooManyRequests, http.StatusTooManyRequests, "limited"))
			p.mu.Unlock()
			tooMany(rw, &Fault{RetryAfter: wait})
			return
		}
		body, no = p.answer(q, c, r, broken)
	}
	p.note(c, q, f, no)
	p.mu.Unlock()
	if f != nil && p.fail(rw, f) {
		return
	}
	switch {
	case no != nil:
		write(rw, no.status, object{"code": no.code, "message": no.message})
	case body == nil:
		rw.WriteHeader(http.StatusNoContent)
	default:
		write(rw, http.StatusOK, body)
	}
}

// answer checks what all routes have in common, and calls the route. It needs
// p.mu.
func (p *Platform) answer(q *http.Request, c *call, r answerTo, broken error) (any, *refusal) {
	switch {
	case broken != nil:
		return nil, refuse(http.StatusBadRequest, 50109, "The request body contains invalid JSON.")
	case !r.open && (p.revoked || q.Header.Get("Authorization") != "Bot "+p.Token()):
		return nil, unauthorized
	case !strings.HasPrefix(q.Header.Get("User-Agent"), "DiscordBot ("):
		p.complain("user agent", "%s: the user agent %q is not of the form that Discord demands", c.route, q.Header.Get("User-Agent"))
	}
	if c.raw != nil || q.Method != http.MethodGet && q.Method != http.MethodDelete {
		var v any
		if c.raw != nil {
			_ = json.Unmarshal(c.raw, &v) // it was read before
		}
		if err := wrongIn(c.route, v); err != nil {
			return nil, invalidForm(err.Error())
		}
	}
	return r.do(c)
}

// read takes the body out of a request.
func (c *call) read(q *http.Request) error {
	kind, params, _ := mime.ParseMediaType(q.Header.Get("Content-Type"))
	data, err := io.ReadAll(io.LimitReader(q.Body, 25<<20))
	if err != nil || len(data) == 0 {
		return err
	}
	if kind == "multipart/form-data" {
		if data, err = c.parts(data, params["boundary"]); err != nil {
			return err
		}
	}
	c.raw = data
	if data[0] == '[' {
		return json.Unmarshal(data, &c.list)
	}
	return json.Unmarshal(data, &c.body)
}

// parts reads a body with files, and returns its JSON.
func (c *call) parts(data []byte, boundary string) (payload []byte, err error) {
	parts := multipart.NewReader(bytes.NewReader(data), boundary)
	for {
		part, err := parts.NextPart()
		if err == io.EOF {
			return payload, nil
		}
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return nil, err
		}
		if part.FormName() == "payload_json" {
			payload = content
			continue
		}
		number, found := strings.CutPrefix(part.FormName(), "files[")
		if !found {
			return nil, fmt.Errorf("a part is called %q", part.FormName())
		}
		c.files = append(c.files, file{id: strings.TrimSuffix(number, "]"), name: part.FileName(), media: part.Header.Get("Content-Type"), data: content})
	}
}

// note records a call, and as a violation if it was refused. It needs p.mu.
func (p *Platform) note(c *call, q *http.Request, f *Fault, no *refusal) {
	done := Call{Route: c.route, Path: strings.TrimPrefix(q.URL.Path, apiPath), Body: c.raw, At: p.now(), Applied: no == nil && f.reaches()}
	status := 0
	switch {
	case no != nil:
		status, done.Code = no.status, or(no.code, no.status)
		if no.status != http.StatusTooManyRequests {
			p.complain(strconv.Itoa(done.Code), "%s: %d %s", c.route, no.code, no.message)
		}
	case f != nil:
		status, done.Code = f.Status, or(f.Code, f.Status)
	}
	if status == 401 || status == 403 || status == 429 {
		p.invalid = append(p.invalid, p.now())
		if len(p.invalidNow()) >= 10_000 {
			p.complain("ban", "10,000 invalid answers within ten minutes: the address is banned")
		}
	}
	p.calls = append(p.calls, done)
	p.change()
}

// fail makes the fault happen and reports whether nothing more is to be
// answered.
func (p *Platform) fail(rw http.ResponseWriter, f *Fault) bool {
	if f.Hold != nil {
		select {
		case <-f.Hold:
		case <-p.quit:
		}
	}
	switch {
	case f.Cut != "":
		conn, _, err := http.NewResponseController(rw).Hijack()
		if err == nil {
			conn.Close()
		}
	case f.Status == http.StatusTooManyRequests:
		tooMany(rw, f)
	case f.HTML:
		rw.Header().Set("Content-Type", "text/html")
		rw.WriteHeader(f.Status)
		io.WriteString(rw, "<html>error "+strconv.Itoa(f.Status)+"</html>")
	case f.Status != 0:
		write(rw, f.Status, object{"code": f.Code, "message": http.StatusText(f.Status)})
	default:
		return false
	}
	return true
}

// tooMany answers that there were too many calls.
func tooMany(rw http.ResponseWriter, f *Fault) {
	if f.HTML { // a machine in front of Discord
		rw.Header().Set("Content-Type", "text/html")
		if f.RetryAfter > 0 {
			rw.Header().Set("Retry-After", strconv.Itoa(int(f.RetryAfter.Seconds())))
		}
		rw.WriteHeader(http.StatusTooManyRequests)
		io.WriteString(rw, "<html><title>Access denied | discord.com used Cloudflare to restrict access</title></html>")
		return
	}
	scope := "user"
	if f.Global {
		scope = "global"
		rw.Header().Set("X-RateLimit-Global", "true")
	}
	rw.Header().Set("X-RateLimit-Scope", scope)
	rw.Header().Set("Retry-After", strconv.Itoa(int(f.RetryAfter.Seconds()+0.999)))
	write(rw, http.StatusTooManyRequests, object{"message": "You are being rate limited.", "retry_after": f.RetryAfter.Seconds(), "global": f.Global})
}

func write(rw http.ResponseWriter, status int, body any) {
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(status)
	json.NewEncoder(rw).Encode(body)
}

// bucket counts the calls of a window.
type bucket struct {
	left  int
	until time.Time
}

// window is how long a bucket takes to be full again.
const window = 5 * time.Second

// limited counts a call against its bucket, says so in the headers, and returns
// how long it has to wait. It needs p.mu.
func (p *Platform) limited(rw http.ResponseWriter, c *call, r answerTo) time.Duration {
	size, major := p.size(c)
	if r.open && c.route == RouteCallback {
		return 0
	}
	name := c.route + " " + major
	b, now := p.buckets[name], p.now()
	if b == nil || !now.Before(b.until) {
		b = &bucket{size, now.Add(window)}
		p.buckets[name] = b
	}
	wait := b.until.Sub(now)
	h := rw.Header()
	h.Set("X-RateLimit-Bucket", fmt.Sprintf("%08x", hash(c.route)))
	h.Set("X-RateLimit-Limit", strconv.Itoa(size))
	h.Set("X-RateLimit-Remaining", strconv.Itoa(max(0, b.left-1)))
	h.Set("X-RateLimit-Reset", strconv.FormatFloat(float64(b.until.UnixMilli())/1000, 'f', 3, 64))
	h.Set("X-RateLimit-Reset-After", strconv.FormatFloat(wait.Seconds(), 'f', 3, 64))
	if b.left == 0 {
		return max(wait, time.Millisecond)
	}
	b.left--
	return 0
}

// size is how many calls a bucket takes in a window, and what it is for.
func (p *Platform) size(c *call) (n int, major string) {
	major = c.path("channel_id") + c.path("guild_id") + c.path("webhook_token")
	switch c.route {
	case RouteMessage, RouteEdit:
		return p.options.Burst, major
	case RouteFollowUp, RouteOriginal:
		return max(5, p.options.Burst), major
	}
	return 1000, major
}

// governed counts a call against the fifty a second that a bot has. It needs
// p.mu.
func (p *Platform) governed(_ http.ResponseWriter, c *call, _ *Fault) {
	if strings.HasPrefix(c.route, "POST /interactions") || strings.Contains(c.route, "/webhooks/") {
		return
	}
	second := p.now().Unix()
	b := p.buckets["global"]
	if b == nil || b.until.Unix() != second {
		b = &bucket{left: 50, until: p.now()}
		p.buckets["global"] = b
	}
	if b.left--; b.left < 0 {
		p.complain("global", "more than 50 calls in one second")
	}
}

func hash(s string) (h uint32) {
	for _, b := range []byte(s) {
		h = h*31 + uint32(b)
	}
	return h
}
