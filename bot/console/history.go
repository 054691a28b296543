package console

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"twokey/chat"
)

// message is one message as it now stands. It is never changed: an edit puts a
// new one in its place, so that whoever got one may read it without a lock.
type message struct {
	id      string
	at      time.Time
	from    string // a person's ID, or the bot
	channel string // empty: a person's own messages with the bot
	user    string // who alone sees it; empty: everybody in the channel
	edited  bool
	seq     int // counts all changes of all messages; this is the last of this one
	body    chat.Message
	buttons map[string]chat.Button // every one that it has or ever had, by its key
}

// open returns the button with the ID if it can be pressed now.
func (m *message) open(id string) (chat.Button, bool) {
	for i, key := range buttonKeys(m.body.Buttons) {
		if key == id {
			return m.body.Buttons[i], true
		}
	}
	return chat.Button{}, false
}

// buttonKeys are under what the buttons of one message are pressed: their IDs,
// and for those that share one, with a part that comes from their value. So a
// button keeps its key while others come and go beside it, and a second click
// never falls on the one that has taken its place.
func buttonKeys(buttons []chat.Button) []string {
	times := map[string]int{}
	for _, b := range buttons {
		times[b.ID]++
	}
	keys := make([]string, len(buttons))
	for i, b := range buttons {
		keys[i] = b.ID
		if times[b.ID] > 1 {
			sum := sha256.Sum256([]byte(b.Label + "\x00" + b.Value))
			keys[i] += "-" + hex.EncodeToString(sum[:4])
		}
	}
	return keys
}

// history is all messages, in memory, in the order in which they came. Its
// zero value is empty. Message m000001 stands at index 0: IDs leave no gap.
type history struct {
	messages []*message
	changes  []int             // for each change the index of its message; the change's number is its place, from 1
	byKey    map[string]string // message ID by the key of its post
}

// next returns the ID that the next message will have.
func (h *history) next() string { return messageID(len(h.messages) + 1) }

func messageID(n int) string { return fmt.Sprintf("m%06d", n) }

// messageNumber is the reverse of messageID; ok is false for anything that is
// not a message ID.
func messageNumber(id string) (n int, ok bool) {
	n, err := strconv.Atoi(strings.TrimPrefix(id, "m"))
	return n, err == nil && n > 0 && id == messageID(n)
}

// find returns the message with the ID, or nil.
func (h *history) find(id string) *message {
	n, ok := messageNumber(id)
	if !ok || n > len(h.messages) {
		return nil
	}
	return h.messages[n-1]
}

// apply makes an entry part of the history. The error is for a journal that
// does not fit together.
func (h *history) apply(e entry) error {
	switch e.Op {
	case opPost:
		return h.post(e)
	case opEdit:
		return h.edit(e)
	}
	return fmt.Errorf("unknown operation %q", e.Op)
}

func (h *history) post(e entry) error {
	if want := h.next(); e.ID != want {
		return fmt.Errorf("message %q stands where %s belongs", e.ID, want)
	}
	if e.Key != "" {
		if h.byKey == nil {
			h.byKey = map[string]string{}
		}
		h.byKey[e.Key] = e.ID
	}
	m := &message{id: e.ID, at: e.At, from: e.From, channel: e.Channel, user: e.User, body: e.Message, buttons: map[string]chat.Button{}}
	h.messages = append(h.messages, m)
	h.changes = append(h.changes, len(h.messages)-1)
	m.learn(len(h.changes))
	return nil
}

func (h *history) edit(e entry) error {
	old := h.find(e.ID)
	if old == nil {
		return fmt.Errorf("edit of %q, which is not there", e.ID)
	}
	m := *old
	m.body, m.edited, m.buttons = e.Message, true, maps.Clone(old.buttons)
	n, _ := messageNumber(e.ID)
	h.messages[n-1] = &m
	h.changes = append(h.changes, n-1)
	m.learn(len(h.changes))
	return nil
}

// learn completes a message that was just made by change seq.
func (m *message) learn(seq int) {
	m.seq = seq
	for i, key := range buttonKeys(m.body.Buttons) {
		m.buttons[key] = m.body.Buttons[i]
	}
}

// since returns the messages that changed after change seq, each once and as
// it now stands, in the order of their last change.
func (h *history) since(seq int) []*message {
	var out []*message
	for i := seq; i < len(h.changes); i++ {
		if m := h.messages[h.changes[i]]; m.seq == i+1 {
			out = append(out, m)
		}
	}
	return out
}

// same reports whether two messages have the same content, whatever they may
// share in memory.
func same(a, b chat.Message) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

// own returns a copy of m that shares nothing with it.
func own(m chat.Message) (chat.Message, error) {
	raw, err := json.Marshal(m)
	if err != nil {
		return chat.Message{}, fmt.Errorf("encode message: %w", err)
	}
	var out chat.Message
	if err := json.Unmarshal(raw, &out); err != nil {
		return chat.Message{}, fmt.Errorf("copy message: %w", err)
	}
	return out, nil
}
