package slacktest

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// violated reports whether the only violations are those that hold the texts,
// in order.
func violated(t *testing.T, w *Workspace, want ...string) {
	t.Helper()
	got := w.Violations()
	ok := len(got) == len(want)
	for i := range want {
		ok = ok && strings.Contains(got[i], want[i])
	}
	if !ok {
		t.Errorf("violations = %q, want %q", got, want)
	}
}

// frames reads a socket until it ends.
func frames(c *websocket.Conn) <-chan map[string]any {
	out := make(chan map[string]any, 100)
	go func() {
		defer close(out)
		for {
			var v map[string]any
			if c.ReadJSON(&v) != nil {
				return
			}
			out <- v
		}
	}()
	return out
}

// TestOneOfSeveral: each envelope goes to one connection, and all get some.
func TestOneOfSeveral(t *testing.T) {
	t.Parallel()
	w, b := setup(t, Options{})
	got := make(chan int, 100)
	for i := range 3 {
		c := b.dial()
		go func() {
			for e := range frames(c) {
				c.WriteJSON(map[string]any{"envelope_id": e["envelope_id"]})
				got <- i
			}
		}()
	}
	share := map[int]int{}
	for range 60 {
		if !w.Command("U0ADA00001", "", "status").Wait(soon(t)) {
			t.Fatal("not acknowledged")
		}
		share[<-got]++
	}
	if len(share) != 3 || len(got) != 0 {
		t.Errorf("shares = %v and %d more, want 60 over three", share, len(got))
	}
}

func TestTicketWorksOnce(t *testing.T) {
	t.Parallel()
	w, b := setup(t, Options{AllowViolations: true})
	address := b.ok("apps.connections.open")["url"].(string)
	b.dialAt(address)
	_, resp, err := websocket.DefaultDialer.Dial(address, nil)
	if err == nil || resp == nil || resp.StatusCode != http.StatusNotFound {
		t.Errorf("the second use of a ticket: %v", err)
	}
	violated(t, w, "ticket")
}

func TestTooManySockets(t *testing.T) {
	t.Parallel()
	w, b := setup(t, Options{AllowViolations: true})
	for range maxConns {
		b.dial()
	}
	eleventh := frames(b.dialAt(b.ok("apps.connections.open")["url"].(string)))
	if e := <-eleventh; e["type"] != "disconnect" || e["reason"] != "too_many_websockets" {
		t.Errorf("the eleventh got %v", e)
	}
	if e, ok := <-eleventh; ok {
		t.Errorf("the eleventh went on with %v", e)
	}
	violated(t, w, "more than 10")
}

// TestWarning: a warned socket gets envelopes for ten more seconds and is then
// closed; what is not acknowledged by then may be on another.
func TestWarning(t *testing.T) {
	t.Parallel()
	w, b := setup(t, Options{})
	c := b.dial()
	w.Refresh("warning")
	if e := read(t, c); e["reason"] != "warning" {
		t.Fatalf("got %v, want a warning", e)
	}
	w.Advance(9 * time.Second)
	d := w.Command("U0ADA00001", "", "status")
	e := read(t, c)
	if e["type"] != kindCommand {
		t.Fatalf("got %v, want the command on the old socket", e)
	}
	next := b.dial()
	w.Advance(time.Second)
	if e := read(t, c); e["reason"] != "refresh_requested" {
		t.Errorf("got %v, want refresh_requested", e)
	}
	if _, ok := <-frames(c); ok {
		t.Error("the old socket goes on")
	}
	ack(t, next, e, nil) // late, on another connection, and in time
	if !d.Wait(soon(t)) || d.Took() != time.Second {
		t.Errorf("acknowledged %v after %s", d.Acked(), d.Took())
	}
}

func TestRefreshRequested(t *testing.T) {
	t.Parallel()
	w, b := setup(t, Options{})
	old, next := b.dial(), b.dial()
	w.Refresh("refresh_requested")
	read(t, next)
	third := frames(b.dial())
	w.Command("U0ADA00001", "", "status")
	e := <-third // never on a socket that was told to go
	w.Advance(2 * time.Second)
	if e := read(t, old); e["reason"] != "refresh_requested" {
		t.Errorf("got %v", e)
	}
	if _, ok := <-frames(old); ok {
		t.Error("the old socket goes on")
	}
	if e["type"] != kindCommand {
		t.Errorf("got %v, want the command", e)
	}
}

func TestLinkDisabled(t *testing.T) {
	t.Parallel()
	w, b := setup(t, Options{Allow: []string{"forbidden_team"}})
	c := frames(b.dial())
	w.DisableLink()
	if e := <-c; e["reason"] != "link_disabled" {
		t.Errorf("got %v", e)
	}
	if _, ok := <-c; ok {
		t.Error("the socket goes on")
	}
	b.refused("forbidden_team", "apps.connections.open")
	w.EnableLink()
	b.dial()
}

// TestCutInsideAnEnvelope: nobody gets it, a command is lost and an event comes
// again.
func TestCutInsideAnEnvelope(t *testing.T) {
	t.Parallel()
	w, b := setup(t, Options{})
	c := b.dial()
	w.CutNext()
	lost := w.Command("U0ADA00001", "", "status")
	if e, ok := <-frames(c); ok {
		t.Errorf("half an envelope was read as %v", e)
	}
	w.Advance(deadline)
	if lost.Acked() || lost.Failed() != "operation_timeout" || lost.Times() != 1 {
		t.Errorf("the command: acknowledged %v, %q, delivered %d times", lost.Acked(), lost.Failed(), lost.Times())
	}
	c = b.dial()
	w.CutNext()
	event := w.Say("U0ADA00001", "", "help")
	<-frames(c)
	c = b.dial()
	w.Advance(deadline)
	e := read(t, c)
	if e["retry_attempt"] != float64(1) || e["retry_reason"] != "timeout" {
		t.Errorf("the event came again as attempt %v, %v", e["retry_attempt"], e["retry_reason"])
	}
	ack(t, c, e, nil)
	if !event.Wait(soon(t)) {
		t.Error("the event was given up")
	}
}

func TestSilence(t *testing.T) {
	t.Parallel()
	w, b := setup(t, Options{Ping: 5 * time.Millisecond})
	c := b.dial()
	pings := make(chan bool, 1000)
	c.SetPingHandler(func(string) error { pings <- true; return nil })
	in := frames(c)
	<-pings
	w.Silence()
	d := w.Command("U0ADA00001", "", "status")
	w.Advance(deadline)
	if d.Acked() || len(in) != 0 || w.Connected() != 1 {
		t.Errorf("acknowledged %v, %d frames, %d sockets", d.Acked(), len(in), w.Connected())
	}
	other := b.dial()
	for range 20 { // the mute socket is still one of two
		w.Command("U0ADA00001", "", "status")
	}
	e := read(t, other)
	ack(t, other, e, nil)
	w.CutSockets()
	if _, ok := <-in; ok {
		t.Error("a silent socket said something")
	}
}

// TestNobodyConnected: a command fails at once, an event waits for its retries.
func TestNobodyConnected(t *testing.T) {
	t.Parallel()
	w, b := setup(t, Options{})
	d := w.Command("U0ADA00001", "", "status")
	if d.Wait(soon(t)) || d.Failed() != "dispatch_failed" {
		t.Errorf("failed with %q", d.Failed())
	}
	event := w.Say("U0ADA00001", "", "help")
	w.Advance(0)
	c := b.dial()
	w.Advance(time.Minute)
	e := read(t, c)
	ack(t, c, e, nil)
	if !event.Wait(soon(t)) || event.Times() != 3 {
		t.Errorf("delivered %d times", event.Times())
	}
}

// TestRetries: an event comes at once, after a minute and after five more, and
// then never again; commands and interactions come once.
func TestRetries(t *testing.T) {
	t.Parallel()
	w, b := setup(t, Options{AllowViolations: true})
	c := frames(b.dial())
	event := w.Say("U0ADA00001", "", "help")
	command := w.Command("U0ADA00001", "", "status")
	start := w.Now()
	var at []time.Duration
	ids := map[any]bool{}
	for len(at) < 4 {
		select {
		case e := <-c:
			if e["type"] == kindEvent {
				at = append(at, w.Now().Sub(start).Truncate(time.Second))
				ids[e["payload"].(map[string]any)["event_id"]] = true
				if e["retry_attempt"] != float64(len(at)-1) {
					t.Errorf("attempt %d says %v", len(at)-1, e["retry_attempt"])
				}
			}
			continue
		case <-soon(t).Done():
			t.Fatal("too few deliveries")
		default:
		}
		if len(c) == 0 && event.Times() == len(at) {
			w.Advance(time.Second)
		}
	}
	if want := []time.Duration{0, 3 * time.Second, 66 * time.Second, 369 * time.Second}; !slices.Equal(at, want) {
		t.Errorf("delivered at %v, want %v", at, want)
	}
	w.Advance(time.Hour)
	if event.Times() != 4 || command.Times() != 1 || len(ids) != 1 || event.Failed() == "" {
		t.Errorf("event %d times under %d IDs, command %d times", event.Times(), len(ids), command.Times())
	}
	violated(t, w, kindEvent, kindCommand, kindEvent, kindEvent, kindEvent)
}

// TestAcknowledgements: too late, too long and for nothing.
func TestAcknowledgements(t *testing.T) {
	t.Parallel()
	w, b := setup(t, Options{AllowViolations: true})
	c := b.dial()
	late := w.Command("U0ADA00001", "", "status")
	e := read(t, c)
	w.Advance(deadline)
	ack(t, c, e, nil)
	long := w.Command("U0ADA00001", "", "status")
	e = read(t, c)
	ack(t, c, e, map[string]any{"text": strings.Repeat("x", maxAck)})
	ack(t, c, map[string]any{"envelope_id": "none"}, nil)
	last := w.Command("U0ADA00001", "", "status")
	e = read(t, c)
	ack(t, c, e, map[string]any{"text": "done"})
	ack(t, c, e, nil) // twice is once
	if !last.Wait(soon(t)) || string(last.Answer()) != `{"text":"done"}` {
		t.Errorf("acknowledged with %s", last.Answer())
	}
	if late.Acked() || long.Acked() {
		t.Error("a late or oversize acknowledgement counted")
	}
	if seen := w.Seen("U0ADA00001"); len(seen) != 1 || seen[0].Text != "done" || !seen[0].Private {
		t.Errorf("seen = %+v, want the acknowledgement's text, privately", seen)
	}
	violated(t, w, "slash_commands was not acknowledged", "an acknowledgement of", "never was")
}
