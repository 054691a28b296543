package console

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

const (
	// heartbeat is how often a quiet stream says that it is alive. Proxies and
	// browsers give up on a silent connection after a minute or so.
	heartbeat = 15 * time.Second
	// patience is how long a reader may take to accept what was written
	// before its stream is ended.
	patience = 30 * time.Second
)

// streamEvents sends a person every message that they can see as it comes or
// changes, until they go or the console closes. A stream is only a place in
// the list of changes: there is no queue for a slow reader to fill, who gets
// each message once, as it stands when they are ready for it.
func (c *Console) streamEvents(who Person, w http.ResponseWriter, r *http.Request) error {
	place, err := c.place(r.Header.Get("Last-Event-ID"))
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	frame := []byte("retry: 1000\n\n")
	for {
		if err := send(w, out, frame); err != nil {
			return nil // the reader has gone, and nobody is left to be told
		}
		messages, next, changed := c.visibleSince(who.ID, place)
		place = next
		if frame = frames(messages, who.ID); len(frame) > 0 {
			continue
		}
		select {
		case <-changed:
		case <-beat.C:
			frame = []byte(": still here\n\n")
		case <-r.Context().Done():
			return nil
		case <-c.ctx.Done():
			return nil
		}
	}
}

// place returns how far a reader has read: the ID of the last event they got,
// or the present if there was none. An ID that lies ahead is from a console
// that no longer is, and everything is sent again.
func (c *Console) place(last string) (int, error) {
	c.mu.RLock()
	end := len(c.history.changes)
	c.mu.RUnlock()
	if last == "" {
		return end, nil
	}
	n, err := strconv.Atoi(last)
	if err != nil || n < 0 {
		return 0, refuse(http.StatusBadRequest, "Last-Event-ID must be the id of an event of this stream.")
	}
	if n > end {
		return 0, nil
	}
	return n, nil
}

// visibleSince returns what a person sees of the changes after a place, the
// place after them, and a channel that is closed at the next change.
func (c *Console) visibleSince(person string, place int) (visible []*message, next int, changed <-chan struct{}) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, m := range c.history.since(place) {
		if c.people.sees(person, m) {
			visible = append(visible, m)
		}
	}
	return visible, len(c.history.changes), c.changed
}

func frames(messages []*message, person string) []byte {
	var b bytes.Buffer
	for _, m := range messages {
		data, err := json.Marshal(render(m, person))
		if err != nil {
			continue // not reached: an apiMessage holds strings, numbers and times alone
		}
		fmt.Fprintf(&b, "id: %d\nevent: message\ndata: %s\n\n", m.seq, data)
	}
	return b.Bytes()
}

func send(w http.ResponseWriter, out *http.ResponseController, frame []byte) error {
	if len(frame) == 0 {
		return out.Flush()
	}
	// A deadline is the network's own time, whatever the bot's clock says. A
	// writer that knows no deadlines is a test's.
	_ = out.SetWriteDeadline(time.Now().Add(patience))
	if _, err := w.Write(frame); err != nil {
		return err
	}
	return out.Flush()
}
