package msgraph

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	khttp "github.com/microsoft/kiota-http-go"

	"twokey/graph"
)

// httpClient assembles the pipeline by hand, outermost first. The SDK's own
// list comes out of a Go map, so that its order changes from process to
// process, and in most of them a repeated request loses its body. Nor do we
// take its retry handler, which repeats writes, or its compression.
func (c *Client) httpClient(transport http.RoundTripper) *http.Client {
	return &http.Client{
		Transport: khttp.NewCustomTransportWithParentTransport(withoutEcho{splitWrites(transport)},
			answers{c},
			khttp.NewRedirectHandlerWithOptions(khttp.RedirectHandlerOptions{MaxRedirects: 2, ShouldRedirect: c.redirectAllowed}),
			tokenAtHome{c},
			khttp.NewParametersNameDecodingHandler(),
			khttp.NewUserAgentHandlerWithOptions(&khttp.UserAgentHandlerOptions{Enabled: true, ProductName: "twokey", ProductVersion: "1"}),
		),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// splitWrites gives writes a connection of their own each. A connection that
// lay idle may be dead without our knowing, and a write lost on it would end
// unclear; a fresh one fails before anything is sent. It also keeps net/http
// from repeating a request, which it does on used connections only.
func splitWrites(transport http.RoundTripper) http.RoundTripper {
	t, ok := transport.(*http.Transport)
	if !ok {
		return transport
	}
	once := t.Clone()
	once.DisableKeepAlives = true
	return &split{reads: t, writes: once}
}

type split struct{ reads, writes http.RoundTripper }

func (s *split) RoundTrip(req *http.Request) (*http.Response, error) {
	if c, ok := callFrom(req.Context()); ok && c.op.write {
		return s.writes.RoundTrip(req)
	}
	return s.reads.RoundTrip(req)
}

// answers is our outermost middleware. It puts the call's ID on the request,
// reads the whole answer, and lets only a readable success through to the SDK,
// which forgets the status of an answer that it cannot parse, takes a redirect
// for a success, and panics over an error without a message.
type answers struct{ c *Client }

func (a answers) Intercept(pipeline khttp.Pipeline, next int, req *http.Request) (*http.Response, error) {
	call, ok := callFrom(req.Context())
	if !ok {
		return nil, errors.New("request without a call")
	}
	if err := a.c.mayLeave(req); err != nil {
		return nil, &graph.Error{Kind: graph.KindNotSent, Op: call.op.name, Err: err}
	}
	call.sent, call.token = true, graph.NewSecret(strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer "))
	var conn connection
	req = req.Clone(httptrace.WithClientTrace(req.Context(), conn.trace()))
	req.Header.Set("client-request-id", call.id)
	req.Header.Set("x-ms-throttle-priority", throttlePriority(req.Context()))
	if err := setLength(req); err != nil {
		return nil, &graph.Error{Kind: graph.KindNotSent, Op: call.op.name, Err: err}
	}
	start := a.c.now()
	res, err := pipeline.Next(req, next)
	if err != nil {
		err = noAnswer(call, &conn, err)
	} else {
		res, err = a.read(call, res)
	}
	a.c.logCall(req.Context(), call, err, a.c.now().Sub(start))
	return res, err
}

// throttlePriority tells Graph which of our requests to refuse first when it
// has to.
func throttlePriority(ctx context.Context) string {
	if graph.IsBackground(ctx) {
		return "low"
	}
	return "high"
}

// mayLeave refuses a request for another host than the tenant's, to which the
// SDK adds no token, and any other that lacks one: it would be answered as if
// we could not sign in.
func (c *Client) mayLeave(req *http.Request) error {
	switch {
	case req.URL.Scheme != c.base.Scheme || req.URL.Host != c.base.Host:
		return errors.New("the address is not the tenant's")
	case c.signIn != nil && req.Header.Get("Authorization") == "":
		return errors.New("the request has no token")
	default:
		return nil
	}
}

// read takes in an answer's body. What it returns is safe for the SDK to parse.
func (a answers) read(call *call, res *http.Response) (*http.Response, error) {
	body, err := readBody(res)
	call.status, call.requestID = res.StatusCode, res.Header.Get("request-id")
	switch {
	case res.StatusCode < 200 || res.StatusCode > 299:
		// An error's body may be cut; its status still says what it says.
		err = refusal(call.op, answer{res.StatusCode, res.Header, body.answer()}, a.c.now())
	case err != nil:
		err = unreadable(call, err)
	default:
		if err = readable(call.op, res, body.answer()); err != nil {
			err = unreadable(call, err)
		}
	}
	if err != nil {
		_ = body.Close()
		return nil, err
	}
	res.Body = body
	res.ContentLength = int64(len(body.answer()))
	res.Header.Set("Content-Type", "application/json")
	return res, nil
}

// readable checks that a success is one of Graph's: a JSON object, which the
// SDK would take a list or a bare word for. A write may have nothing to say.
func readable(op operation, res *http.Response, body []byte) error {
	if op.write && len(body) == 0 {
		return nil
	}
	if !op.write && res.StatusCode != http.StatusOK {
		return errors.New("success without an answer")
	}
	if op.file {
		return readableFile(res.Header.Get("Content-Type"))
	}
	media, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err != nil || media != "application/json" {
		return errors.New("answer is not JSON")
	}
	if !bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")) {
		return errors.New("answer is not a JSON object")
	}
	return nil
}

// readBody reads the answer to its end and closes it. The body that it returns
// is there beside an error too.
func readBody(res *http.Response) (*lentBody, error) {
	defer res.Body.Close()
	const largest = 64 << 20 // a page of 1,000 sign-ins is about 4 MB
	body := &lentBody{buffer: buffers.Get().(*bytes.Buffer)}
	n, err := body.buffer.ReadFrom(io.LimitReader(res.Body, largest+1))
	body.Reader = bytes.NewReader(body.buffer.Bytes())
	if err != nil {
		return body, fmt.Errorf("%w: %w", errCut, err)
	}
	if n > largest {
		return body, errors.New("read answer: too large")
	}
	return body, nil
}

// buffers are those of answers that were read. A sweep would fill a new one a
// page, and the collector would have more to do than we.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// A lentBody is an answer in one of the buffers. It must not be looked at
// after it was closed.
type lentBody struct {
	*bytes.Reader
	buffer *bytes.Buffer
}

// answer returns the bytes themselves.
func (b *lentBody) answer() []byte { return b.buffer.Bytes() }

// Close gives the buffer back, without what was in it: an answer may hold a
// secret.
func (b *lentBody) Close() error {
	const usual = 8 << 20 // a larger one is not kept
	if b.buffer.Cap() <= usual {
		clear(b.buffer.Bytes())
		b.buffer.Reset()
		buffers.Put(b.buffer)
	}
	b.Reader, b.buffer = bytes.NewReader(nil), new(bytes.Buffer)
	return nil
}

// setLength gives a body its length: the SDK leaves it out and so would send
// in chunks, which some proxies refuse. GetBody stays nil, because with it
// net/http may send the body a second time.
func setLength(req *http.Request) error {
	if req.Body == nil || req.Body == http.NoBody {
		return nil
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return fmt.Errorf("read request body: %w", err)
	}
	req.Body, req.GetBody = io.NopCloser(bytes.NewReader(body)), nil
	req.ContentLength = int64(len(body))
	return nil
}

// A connection tells how far a request came. Only a transport that reports
// its dialling can prove that nothing was sent.
type connection struct{ asked, got atomic.Bool }

func (c *connection) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn: func(string) { c.asked.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { c.got.Store(true) },
	}
}

// never reports whether the transport looked for a connection and had none.
func (c *connection) never() bool { return c.asked.Load() && !c.got.Load() }

// logCall writes the one line that a call leaves, and tells whoever observes.
func (c *Client) logCall(ctx context.Context, call *call, err error, took time.Duration) {
	result := "ok"
	if e, ok := errors.AsType[*graph.Error](err); ok {
		result = e.Kind.String()
	}
	c.log.LogAttrs(ctx, slog.LevelDebug, "graph call",
		slog.String("op", call.op.name),
		slog.Int("status", call.status),
		slog.String("result", result),
		slog.String("request_id", call.requestID),
		slog.String("client_request_id", call.id),
		slog.Duration("took", took))
	if c.observe != nil {
		c.observe(call.op.name, result, took)
	}
}
