package console_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"twokey/bot/console"
	"twokey/chat"
)

// stream is an open event stream.
type stream struct {
	lines *bufio.Reader
	last  string // the ID of the last event
}

// event is a message with the ID of the event that brought it.
type event struct {
	message
	eventID string
}

func (d *desk) stream(t *testing.T, person, lastEventID string) *stream {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.server.URL+"/api/people/"+person+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	if lastEventID != "" {
		req.Header.Set("Last-Event-ID", lastEventID)
	}
	resp, err := d.server.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	if got := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || got != "text/event-stream" {
		t.Fatalf("events: %d %s, want 200 text/event-stream", resp.StatusCode, got)
	}
	return &stream{lines: bufio.NewReader(resp.Body)}
}

// next returns the next event, and fails the test if the stream ends first.
func (s *stream) next(t *testing.T) event {
	t.Helper()
	var e event
	kind := ""
	for {
		line, err := s.lines.ReadString('\n')
		if err != nil {
			t.Fatalf("stream: %v", err)
		}
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch name {
		case "id":
			e.eventID, s.last = value, value
		case "event":
			kind = value
		case "data":
			e.message = decode[message](t, value)
		case "":
			if e.ID == "" {
				continue // the end of the stream's first lines, or of a heartbeat
			}
			if kind != "message" {
				t.Errorf("event %s is called %q, want message", e.eventID, kind)
			}
			return e
		}
	}
}

// drain reads to the stream's end.
func (s *stream) drain(t *testing.T) {
	t.Helper()
	if _, err := io.Copy(io.Discard, s.lines); err != nil {
		t.Errorf("the stream broke off: %v", err)
	}
}

func TestStreamBringsPostsAndEdits(t *testing.T) {
	t.Parallel()
	d := setup(t)
	d.post(t, direct("ada"), "", chat.Message{Text: "before"})
	s := d.stream(t, "ada", "")

	id := d.post(t, direct("ada"), "", openPrompt)
	posted := s.next(t)
	if posted.ID != id || posted.Edited || posted.Text != openPrompt.Plain() {
		t.Errorf("first event %+v, want the post of %s", posted, id)
	}
	d.post(t, direct("bea"), "", chat.Message{Text: "none of ada's business"})
	for range 2 { // the second changes nothing and makes no event
		if err := d.console.Edit(t.Context(), direct("ada"), id, chat.Message{Text: "Denied."}); err != nil {
			t.Fatal(err)
		}
	}
	edited := s.next(t)
	if edited.ID != id || !edited.Edited || edited.Text != "Denied." || edited.eventID == posted.eventID {
		t.Errorf("second event %+v, want the edit of %s under a new event ID", edited, id)
	}
	d.accepted(t, "/api/people/ada/messages", `{"text":"hello"}`)
	if own := s.next(t); own.From != "ada" || own.Text != "hello" {
		t.Errorf("third event %+v, want ada's own words", own)
	}
}

func TestStreamResumes(t *testing.T) {
	t.Parallel()
	d := setup(t)
	first := d.post(t, direct("ada"), "", chat.Message{Text: "one"})
	s := d.stream(t, "ada", "0")
	s.next(t)
	d.post(t, direct("ada"), "", chat.Message{Text: "two"})
	if err := d.console.Edit(t.Context(), direct("ada"), first, chat.Message{Text: "one, edited"}); err != nil {
		t.Fatal(err)
	}
	again := d.stream(t, "ada", s.last)
	if e := again.next(t); e.Text != "two" {
		t.Errorf("first event after resuming %+v, want two", e)
	}
	if e := again.next(t); e.ID != first || e.Text != "one, edited" {
		t.Errorf("second event after resuming %+v, want the edit of one", e)
	}
	ahead := d.stream(t, "ada", "999")
	if e := ahead.next(t); e.Text != "two" {
		t.Errorf("first event of who was ahead %+v, want everything again", e)
	}
}

func TestStreamRefusesAStrangeID(t *testing.T) {
	t.Parallel()
	d := setup(t)
	for _, id := range []string{"m000001", "-1", "x"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.server.URL+"/api/people/ada/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Last-Event-ID", id)
		if status, body := d.do(t, req); status != http.StatusBadRequest {
			t.Errorf("Last-Event-ID %s: %d %s, want 400", id, status, body)
		}
	}
}

// slowReader is a response that takes nothing until it is released.
type slowReader struct {
	*httptest.ResponseRecorder
	stuck, release chan struct{}
	once           sync.Once
}

func (w *slowReader) Write(b []byte) (int, error) {
	w.once.Do(func() { close(w.stuck) })
	<-w.release
	return w.ResponseRecorder.Write(b)
}

func TestSlowReaderHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	d := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	slow := &slowReader{ResponseRecorder: httptest.NewRecorder(), stuck: make(chan struct{}), release: make(chan struct{})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.console.ServeHTTP(slow, httptest.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1/api/people/abe/events", nil))
	}()
	<-slow.stuck

	quick := d.stream(t, "bea", "")
	id := d.post(t, channel("admins"), "", openPrompt)
	quick.next(t)
	if err := d.console.Edit(t.Context(), channel("admins"), id, chat.Message{Text: "Denied."}); err != nil {
		t.Fatal(err)
	}
	quick.next(t)
	d.post(t, channel("admins"), "", chat.Message{Text: "two"})
	if e := quick.next(t); e.Text != "two" {
		t.Errorf("the quick reader got %+v, want two", e)
	}

	close(slow.release)
	d.close()
	<-done
	cancel()
	if got := slow.Body.String(); strings.Count(got, "event: message") != 2 || !strings.Contains(got, "Denied.") || !strings.Contains(got, `"two"`) {
		t.Errorf("the slow reader got %q, want both messages once, as they now stand", got)
	}
}

func TestStreamHeartbeat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, err := console.New(console.Config{People: team()})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		req := httptest.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1/api/people/ada/events", nil)
		w := httptest.NewRecorder()
		done := make(chan struct{})
		go func() {
			defer close(done)
			c.ServeHTTP(w, req)
		}()
		time.Sleep(time.Minute) // the bubble's
		synctest.Wait()
		if got := strings.Count(w.Body.String(), ": still here\n\n"); got != 4 {
			t.Errorf("%d heartbeats in a minute, want 4: %q", got, w.Body)
		}
		cancel()
		<-done
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}
