package slacktest

import (
	"context"
	"encoding/json"
	"time"
)

// deadline is how long the bot has to acknowledge.
const deadline = 3 * time.Second

// retries are the waits before an event is delivered again.
var retries = []time.Duration{0, time.Minute, 5 * time.Minute}

// The kinds of delivery.
const (
	kindCommand     = "slash_commands"
	kindInteractive = "interactive"
	kindEvent       = "events_api"
)

// Delivery is something that a person did, on its way to the bot.
type Delivery struct {
	w       *Workspace
	kind    string
	payload map[string]any
	onAck   func(payload json.RawMessage) // with w.mu held

	began    time.Time
	attempts int
	acked    bool
	took     time.Duration
	answer   json.RawMessage
	failure  string
	done     chan struct{}
}

// attempt is one delivery of it, which has an envelope of its own.
type attempt struct {
	d       *Delivery
	id      string
	sent    time.Time
	number  int
	reason  string
	ended   bool
	excused bool // that it is not acknowledged is our doing
	cancel  context.CancelFunc
}

// Wait waits until the bot acknowledged it or Slack gave it up, and reports
// whether it was acknowledged in time.
func (d *Delivery) Wait(ctx context.Context) bool {
	select {
	case <-d.done:
	case <-ctx.Done():
	}
	return d.Acked()
}

// Acked reports whether the bot acknowledged it in time.
func (d *Delivery) Acked() bool {
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	return d.acked
}

// Took returns how long the acknowledgement of the delivery that counted took,
// on the workspace's clock.
func (d *Delivery) Took() time.Duration {
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	return d.took
}

// Answer returns the payload of the acknowledgement; nil if it had none.
func (d *Delivery) Answer() json.RawMessage {
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	return d.answer
}

// Times returns how often it was delivered so far.
func (d *Delivery) Times() int {
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	return d.attempts
}

// Failed returns why Slack gave it up, as the person is told, or "".
func (d *Delivery) Failed() string {
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	return d.failure
}

// Payload returns what was delivered.
func (d *Delivery) Payload() json.RawMessage {
	data, err := json.Marshal(d.payload)
	if err != nil {
		panic(err) // maps of our own
	}
	return data
}

// Again delivers the same thing once more, as an attacker who recorded it
// would, or a network that doubles things.
func (d *Delivery) Again() *Delivery {
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	return d.w.deliver(&Delivery{kind: d.kind, payload: d.payload, onAck: d.onAck})
}

// deliver begins a delivery. It needs w.mu.
func (w *Workspace) deliver(d *Delivery) *Delivery {
	d.w, d.began, d.done = w, w.now(), make(chan struct{})
	w.deliveries = append(w.deliveries, d)
	w.attempt(d, "")
	w.change()
	return d
}

// refused is a delivery that never left, because the person cannot do that.
// It needs w.mu.
func (w *Workspace) refused(format string, args ...any) *Delivery {
	w.violate(format, args...)
	d := &Delivery{w: w, done: make(chan struct{}), failure: w.violations[len(w.violations)-1]}
	close(d.done)
	return d
}

// attempt delivers once. It needs w.mu.
func (w *Workspace) attempt(d *Delivery, reason string) {
	a := &attempt{d: d, id: w.uuid(), sent: w.now(), number: d.attempts, reason: reason}
	d.attempts++
	w.pending[a.id] = a
	w.after(deadline, func() {
		if a.ended {
			return
		}
		if !a.excused {
			w.complain("timeout", "%s was not acknowledged within %s", d.kind, deadline)
		}
		w.miss(a, timedOut(w))
	})
	if w.options.HTTP != nil {
		w.post(a)
		return
	}
	c := w.pick()
	if c == nil {
		a.excused = true
		w.miss(a, "connection_failed")
		return
	}
	w.put(c, a)
}

func timedOut(w *Workspace) string {
	if w.options.HTTP != nil {
		return "http_timeout"
	}
	return "timeout"
}

// put sends an envelope on a socket. It needs w.mu.
func (w *Workspace) put(c *conn, a *attempt) {
	if c.silent {
		a.excused = true
		return
	}
	envelope := map[string]any{
		"envelope_id": a.id, "type": a.d.kind, "payload": a.d.payload,
		"accepts_response_payload": a.d.kind != kindEvent,
	}
	if a.d.kind == kindEvent {
		envelope["retry_attempt"], envelope["retry_reason"] = a.number, a.reason
	}
	if !w.cutNext {
		c.send(envelope)
		return
	}
	w.cutNext, a.excused, c.leaving = false, true, true
	data, err := json.Marshal(envelope)
	if err != nil {
		panic(err) // maps of our own
	}
	c.out <- frame{half, data}
}

// settle takes an acknowledgement. It needs w.mu.
func (w *Workspace) settle(a *attempt, payload json.RawMessage) {
	if a.ended { // it is too late, or the second time
		return
	}
	a.ended = true
	d := a.d
	if d.acked {
		return
	}
	d.acked, d.took, d.answer, d.failure = true, w.now().Sub(a.sent), payload, ""
	if d.onAck != nil {
		d.onAck(payload)
	}
	select {
	case <-d.done: // given up and then acknowledged all the same
	default:
		close(d.done)
	}
	w.change()
}

// miss ends an attempt that was not acknowledged: an event is delivered again,
// everything else has failed. It needs w.mu.
func (w *Workspace) miss(a *attempt, reason string) {
	a.ended = true
	d := a.d
	if a.cancel != nil {
		a.cancel()
	}
	if d.acked {
		return
	}
	if d.kind == kindEvent && a.number < len(retries) {
		w.after(retries[a.number], func() { w.attempt(d, reason) })
		return
	}
	d.failure = "operation_timeout"
	if reason != "timeout" && reason != "http_timeout" {
		d.failure = "dispatch_failed"
	}
	close(d.done)
	w.change()
}
