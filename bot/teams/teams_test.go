package teams

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"twokey/chat"
	"twokey/chat/chattest"
	"twokey/chat/hostile"
)

var update = flag.Bool("update", false, "write the goldens anew")

// schema is what the webhook takes, see testdata/README.md.
var schema = sync.OnceValue(func() *jsonschema.Schema {
	s, err := jsonschema.NewCompiler().Compile("testdata/card-1.5.schema.json")
	if err != nil {
		panic(err)
	}
	return s
})

func valid(body []byte) error {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return err
	}
	return schema().Validate(v)
}

// workflow is a Workflows webhook that refuses what the real one refuses, and
// keeps what it has shown.
type workflow struct {
	*httptest.Server
	mu      sync.Mutex
	answers []func(http.ResponseWriter) // to the next requests, before they are looked at
	shown   []string
	asked   int
}

func newWorkflow(t *testing.T) *workflow {
	w := &workflow{}
	w.Server = httptest.NewServer(w)
	t.Cleanup(w.Close)
	return w
}

// ServeHTTP implements http.Handler.
func (w *workflow) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	body, err := io.ReadAll(r.Body)
	if len(w.answers) > 0 {
		answer := w.answers[0]
		w.answers = w.answers[1:]
		answer(rw)
		return
	}
	switch {
	case err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json; charset=utf-8":
		rw.WriteHeader(http.StatusBadRequest)
	case len(body) > 28*1024:
		rw.WriteHeader(http.StatusRequestEntityTooLarge)
	case valid(body) != nil:
		rw.WriteHeader(http.StatusBadRequest)
	default:
		w.shown = append(w.shown, string(body))
		rw.WriteHeader(http.StatusAccepted)
	}
}

// says answers with a status and a header.
func says(code int, retryAfter string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		w.WriteHeader(code)
	}
}

// cut ends the connection without an answer.
func cut(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = conn.Close()
	}
}

const secret = "sig=canary"

func poster(t *testing.T, w *workflow) *Teams {
	t.Helper()
	p, err := New(Config{URL: w.URL + "/workflows/1?" + secret})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var hello = chat.Message{Headline: "MFA week 48: 30 of 60 people in scope are registered."}

// hostileTexts are the same at every run.
func hostileTexts() (all []string) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		all = append(all, hostile.Text(r))
	}
	return all
}

// TestCards holds every message that there can be to the schema and the size.
func TestCards(t *testing.T) {
	t.Parallel()
	fixtures := append(chattest.Fixtures(), chattest.Digests()...)
	long := chat.Message{Headline: "Long", Text: strings.Repeat("All of it is text. ", 4000), Footer: strings.Repeat("small ", 3000)}
	for i := range 300 {
		long.Fields = append(long.Fields, chat.Field{Label: fmt.Sprint(i), Value: strings.Repeat("ü", 500)})
		long.Details = append(long.Details, chat.Field{Label: fmt.Sprint(i), Value: "detail"})
	}
	all := map[string]chat.Message{"nothing": {}, "long": long, "large-picture": {
		Headline: "A picture", Image: &chat.Image{Name: "a.png", PNG: bytes.Repeat([]byte{1}, 30_000), Alt: "W47 90 %"},
	}, "small-picture": {Headline: "A picture", Image: &chat.Image{Name: "a.png", PNG: []byte{1, 2, 3}, Alt: "W47 90 %"}}}
	for _, f := range fixtures {
		all[f.Name] = f.Message
	}
	for i, text := range hostileTexts() {
		all[fmt.Sprint("hostile-", i)] = chat.Message{Headline: text, Text: text, Fields: []chat.Field{{Label: "Name", Value: text, Quoted: true}}}
	}
	for name, m := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body, err := envelope(m)
			if err != nil {
				t.Fatal(err)
			}
			if err := valid(body); err != nil {
				t.Errorf("%v\n%s", err, body)
			}
			if len(body) > 28_000 {
				t.Errorf("%d bytes", len(body))
			}
			if !strings.HasPrefix(name, "hostile") && name != "long" {
				golden(t, name, body)
			}
		})
	}
	if body, _ := envelope(all["large-picture"]); !bytes.Contains(body, []byte("W47 90 %")) || bytes.Contains(body, []byte("base64")) {
		t.Error("a picture that is too large did not give way to its words")
	}
	if body, _ := envelope(all["small-picture"]); !bytes.Contains(body, []byte("base64")) {
		t.Error("a picture that has room is not shown")
	}
	if body, _ := envelope(long); !bytes.Contains(body, []byte("(cut)")) || !bytes.Contains(body, []byte("left out")) {
		t.Error("what was cut does not say so")
	}
}

func golden(t *testing.T, name string, body []byte) {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, body, "", "  "); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", name+".json")
	if *update {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("%s differs; -update writes it anew:\n%s", path, b.String())
	}
}

// No text is anything but text: it stands in text runs, which have no markup.
func TestG21CardsOfHostileText(t *testing.T) {
	t.Parallel()
	for _, text := range append(hostileTexts(), "[press](https://evil.example)", "{{DATE(2026-01-01T00:00:00Z)}}", "**bold** <at>Ada</at>") {
		body, err := envelope(chat.Message{Headline: text, Text: text, Steps: []string{text}, Fields: []chat.Field{{Label: text, Value: text}}, Footer: text})
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range []string{`"TextBlock"`, `"FactSet"`, `"Action.OpenUrl"`, `"entities"`} {
			if bytes.Contains(body, []byte(kind)) {
				t.Errorf("%q became a %s", text, kind)
			}
		}
	}
}

func TestPostOnce(t *testing.T) {
	t.Parallel()
	w := newWorkflow(t)
	p := poster(t, w)
	for range 3 {
		id, err := p.Post(t.Context(), Webhook, "digest/1", hello)
		if err != nil || id != "accepted/digest/1" {
			t.Errorf("Post = %q, %v", id, err)
		}
	}
	if err := p.Edit(t.Context(), Webhook, "accepted/digest/1", hello); err != nil || len(w.shown) != 1 {
		t.Errorf("Edit = %v; %d are shown, want 1", err, len(w.shown))
	}
	if _, err := p.Post(t.Context(), chat.Address{Platform: Platform, Channel: "other"}, "digest/2", hello); err == nil {
		t.Error("posted to a channel that there is not")
	}
}

// What surely was not taken can be posted again, and what may have been is not.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer func(http.ResponseWriter)
		again  bool // an error: to be posted again
		wait   time.Duration
		id     string
	}{
		"busy":                   {says(429, "7"), true, 7 * time.Second, ""},
		"busy without a time":    {says(429, ""), true, time.Second, ""},
		"busy for ever":          {says(429, "999999999"), true, time.Hour, ""},
		"away":                   {says(503, "3"), true, 3 * time.Second, ""},
		"broken":                 {says(500, ""), true, 0, ""},
		"turned off":             {says(404, ""), true, 0, ""},
		"moved":                  {says(302, ""), true, 0, ""},
		"too large":              {says(413, ""), true, 0, ""},
		"something between":      {says(502, ""), false, 0, "unknown/k"},
		"something between, too": {says(504, "5"), false, 0, "unknown/k"},
		"cut off":                {cut, false, 0, "unknown/k"},
		"fine":                   {says(202, ""), false, 0, "accepted/k"},
		"fine, too":              {says(200, ""), false, 0, "accepted/k"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorkflow(t)
			w.answers = []func(http.ResponseWriter){tt.answer}
			p := poster(t, w)
			id, err := p.Post(t.Context(), Webhook, "k", hello)
			if id != tt.id || (err != nil) != tt.again {
				t.Fatalf("Post = %q, %v", id, err)
			}
			var waits interface{ RetryAfter() time.Duration }
			if tt.again && (!errors.As(err, &waits) || waits.RetryAfter() != tt.wait) {
				t.Errorf("%v: wait %v, want %v", err, waits, tt.wait)
			}
			if err != nil && strings.Contains(err.Error(), "canary") {
				t.Errorf("the secret is shown: %v", err)
			}
			if _, err := p.Post(t.Context(), Webhook, "k", hello); err != nil {
				t.Errorf("again: %v", err)
			}
			want := 1
			if tt.again {
				want = 2
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.asked != want {
				t.Errorf("asked %d times, want %d", w.asked, want)
			}
		})
	}
}

// Nobody is there: nothing was sent, and the address is not told.
func TestG24WebhookIsASecret(t *testing.T) {
	t.Parallel()
	w := newWorkflow(t)
	var log bytes.Buffer
	p, err := New(Config{URL: w.URL + "/workflows/1?" + secret, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	w.answers = []func(http.ResponseWriter){cut}
	if _, err := p.Post(t.Context(), Webhook, "lost", hello); err != nil {
		t.Error(err)
	}
	w.Close()
	_, err = p.Post(t.Context(), Webhook, "k", hello)
	if err == nil || strings.Contains(err.Error(), "canary") || strings.Contains(log.String(), "canary") {
		t.Errorf("Post = %v, want an error without the secret; the log says %s", err, log.String())
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if id, err := p.Post(ended, Webhook, "k2", hello); err == nil && !strings.HasPrefix(id, unknown) {
		t.Errorf("Post = %q, %v after the end", id, err)
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"":                            "no address",
		"not an address":              "no address",
		"http://hooks.example/canary": "does not begin with https",
		"ftp://127.0.0.1/canary":      "does not begin with https",
		"https://harbour.webhook.office.com/webhookb2/canary":         "retired",
		"https://prod-01.westeurope.logic.azure.com/workflows/canary": "",
		"http://127.0.0.1:8080/workflows/canary":                      "",
	} {
		_, err := New(Config{URL: address})
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary")) {
			t.Errorf("%q: %v, want %q", address, err, want)
		}
	}
}
