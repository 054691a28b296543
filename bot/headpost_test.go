package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"twokey/audit"
)

// TestU22HeadsByWeb holds that each head reaches each address once, that one that
// fails is tried again and holds nobody up, and that no log says an address.
func TestU22HeadsByWeb(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	taken, refuse := map[string][]string{}, 3
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		line, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		if r.URL.Path == "/elsewhere" {
			http.Redirect(w, r, "/stolen", http.StatusTemporaryRedirect)
			return
		}
		if r.URL.Path == "/fails" && refuse > 0 {
			refuse--
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		taken[r.URL.Path] = append(taken[r.URL.Path], string(line))
	}))
	defer server.Close()
	var said safeBuffer
	number := int64(1)
	p := headPost{
		to: []string{server.URL + "/fine?key=secret", server.URL + "/fails?key=secret", "http://127.0.0.1:1/nobody?key=secret", server.URL + "/elsewhere"}, every: time.Millisecond,
		log: slog.New(slog.NewTextHandler(&said, nil)),
		head: func(context.Context) (audit.Head, bool) {
			mu.Lock()
			defer mu.Unlock()
			return audit.Head{Number: number, Hash: strings.Repeat("ab", 32), At: officeStart}, true
		},
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	until := func(n int) {
		t.Helper()
		for deadline := time.Now().Add(longEnough); ; time.Sleep(time.Millisecond) {
			mu.Lock()
			done := len(taken["/fine"]) == n && len(taken["/fails"]) == n
			mu.Unlock()
			if done {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("taken: %v\n%s", taken, said.String())
			}
		}
	}
	until(1)
	mu.Lock()
	number = 2
	mu.Unlock()
	until(2)
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if len(taken["/stolen"]) > 0 {
		t.Error("an address sent the heads on to another")
	}
	for path, lines := range taken {
		heads, err := audit.ReadHeads(strings.NewReader(strings.Join(lines, "\n") + "\n"))
		if err != nil || len(heads) != 2 || heads[1].Number != 2 {
			t.Errorf("%s took %v, which are no heads: %v", path, lines, err)
		}
	}
	if log := said.String(); strings.Contains(log, "secret") || !strings.Contains(log, "502 Bad Gateway") || !strings.Contains(log, "connection refused") {
		t.Errorf("the log says\n%s", log)
	}
}
