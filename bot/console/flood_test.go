package console_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"twokey/chat"
)

// bomb is 64 MB of text as a small body.
func bomb(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, `{"text":"`+strings.Repeat("x", 64<<20)+`"}`); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestG37OversizedBodies sends what is too large, too many, too deep or
// compressed, as O57 does: it is refused, and takes no memory.
func TestG37OversizedBodies(t *testing.T) {
	d := setup(t)
	var fields strings.Builder
	for i := range 1_000_000 {
		fmt.Fprintf(&fields, `"f%d":"",`, i)
	}
	for _, tt := range []struct {
		name, path, body, encoding string
	}{
		{"10 MB", "messages", `{"text":"` + strings.Repeat("x", 10<<20) + `"}`, ""},
		{"a million fields", "press", `{"message":"m000001","button":"x","fields":{` + strings.TrimSuffix(fields.String(), ",") + `}}`, ""},
		{"100,000 deep", "press", `{"message":"m000001","button":"x","fields":` + strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000) + `}`, ""},
		{"100,000 lists deep", "messages", strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000), ""},
		{"a bomb", "messages", bomb(t), "gzip"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, d.server.URL+"/api/people/ada/"+tt.path, strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/json")
			if tt.encoding != "" {
				req.Header.Set("Content-Encoding", tt.encoding)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err) // an answer comes before all has been sent
			}
			defer resp.Body.Close()
			if resp.StatusCode < 400 || resp.StatusCode > 499 {
				t.Errorf("status %d, want a refusal", resp.StatusCode)
			}
			runtime.ReadMemStats(&after)
			if grown := after.TotalAlloc - before.TotalAlloc; grown > 64<<20 {
				t.Errorf("%d MB were allocated for it", grown>>20)
			}
		})
	}
}

// TestG37FloodOfMessages lets one person send as fast as they can, with a bot
// that is slow to answer: others are answered as ever.
func TestG37FloodOfMessages(t *testing.T) {
	d := setup(t)
	d.answers(func(ctx context.Context, r chat.Responder, e chat.Event) error {
		<-d.events
		return r.Reply(ctx, chat.Message{Text: "heard"})
	})
	send := func(person, text string) (int, error) {
		body, err := json.Marshal(map[string]string{"text": text})
		if err != nil {
			return 0, err
		}
		resp, err := http.Post(d.server.URL+"/api/people/"+person+"/messages", "application/json", bytes.NewReader(body))
		if err != nil {
			return 0, err
		}
		defer resp.Body.Close()
		_, err = io.Copy(io.Discard, resp.Body)
		return resp.StatusCode, err
	}
	flood, stop := context.WithCancel(t.Context())
	var senders sync.WaitGroup
	for range 8 {
		senders.Go(func() {
			for flood.Err() == nil {
				if _, err := send("sam", strings.Repeat("x", 4000)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	var took []time.Duration
	for range 200 {
		began := time.Now()
		status, err := send("ada", "/mfa status")
		if err != nil || status != http.StatusAccepted {
			t.Fatalf("ada is answered %d, %v", status, err)
		}
		took = append(took, time.Since(began))
	}
	stop()
	senders.Wait()
	slices.Sort(took)
	if p99 := took[len(took)*99/100]; p99 > time.Second {
		t.Errorf("of those beside the flood one in a hundred waits %v, want under a second", p99)
	}
	t.Logf("others' p99 beside a flood: %v", took[len(took)*99/100])
}
