package slacktest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// message is one message as the workspace keeps it.
type message struct {
	channel   *Channel
	ts        string
	thread    string // ts of the parent
	from      string
	to        string // an ephemeral message: who alone sees it
	text      string
	blocks    []any
	files     []*file
	metadata  json.RawMessage
	at        time.Time
	edited    bool
	deleted   bool
	linkNames bool
}

// Message is one message as a person sees it.
type Message struct {
	ID      string // channel and ts, as "C1/1700000000.000100"
	Channel string
	TS      string
	Thread  string // the ts of the parent, in a thread
	From    string // user ID
	Private bool   // only this person sees it (ephemeral)
	At      time.Time
	Text    string          // the text beside the blocks, as it was sent
	Blocks  json.RawMessage // nil if there are none
	Edited  bool
	Deleted bool // it is gone: its content is not in here any more
	Files   []File
	Buttons []Button
	// Plain is everything that is read, in order: the blocks', or without
	// blocks the text.
	Plain string
	// Pings are who is notified by it ("<!channel>", "<@U1>", "<!subteam^S1>")
	// and Links the addresses that can be followed, by the text, the blocks and
	// buttons alike.
	Pings []string
	Links []string
}

// File is a file in a message.
type File struct {
	ID, Name, Title, Mimetype, Alt string
	Data                           []byte
}

// Button is a button that can be pressed.
type Button struct {
	Action, Block      string // IDs
	Label, Value, Link string
	Style              string
}

// Button returns the button with a label or action ID.
func (m Message) Button(name string) (Button, bool) { return find(m.Buttons, name) }

func find(buttons []Button, name string) (Button, bool) {
	for _, b := range buttons {
		if b.Action == name || b.Label == name {
			return b, true
		}
	}
	return Button{}, false
}

// Seen returns every message that a person can see, oldest first: those of the
// channels they are in and of their direct messages, and what was shown to them
// alone.
func (w *Workspace) Seen(user string) []Message {
	w.mu.Lock()
	defer w.mu.Unlock()
	var seen []Message
	for _, m := range w.messages {
		if m.channel.has(user) && (m.to == "" || m.to == user) {
			seen = append(seen, w.show(m))
		}
	}
	return seen
}

// Channel returns every message of a channel that all its members see, oldest
// first.
func (w *Workspace) Channel(id string) []Message {
	w.mu.Lock()
	defer w.mu.Unlock()
	var seen []Message
	for _, m := range w.messages {
		if m.channel.ID == id && m.to == "" {
			seen = append(seen, w.show(m))
		}
	}
	return seen
}

// Reload does what reloading the client does: ephemeral messages are gone.
func (w *Workspace) Reload(user string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.messages = slices.DeleteFunc(w.messages, func(m *message) bool {
		if m.to == user {
			delete(w.byID, m.channel.ID+"/"+m.ts)
		}
		return m.to == user
	})
	w.change()
}

// show needs w.mu.
func (w *Workspace) show(m *message) Message {
	out := Message{
		ID: m.channel.ID + "/" + m.ts, Channel: m.channel.ID, TS: m.ts, Thread: m.thread, From: m.from,
		Private: m.to != "", At: m.at, Edited: m.edited, Deleted: m.deleted,
	}
	if m.deleted {
		return out
	}
	out.Text = m.text
	if len(m.blocks) > 0 {
		out.Blocks = encode(m.blocks)
	}
	for _, f := range w.attached(m) {
		out.Files = append(out.Files, File{ID: f.id, Name: f.name, Title: f.title, Mimetype: w.mimetype(f), Alt: f.alt, Data: f.data})
	}
	out.Buttons = buttons(m.blocks)
	r := readMessage(m)
	out.Plain, out.Pings, out.Links = strings.Join(r.plain, "\n"), r.pings, r.links
	return out
}

// attached are the files of a message and those that its pictures show. It
// needs w.mu.
func (w *Workspace) attached(m *message) []*file {
	files := slices.Clone(m.files)
	walk(m.blocks, "", func(o object, _ string) {
		if ref, ok := o["slack_file"].(object); ok {
			if f := w.fileOf(ref); f != nil {
				files = append(files, f)
			}
		}
	})
	return files
}

// readMessage reads a message. The text beside blocks is not shown, but what it
// names is still notified.
func readMessage(m *message) reading {
	var r reading
	if len(m.blocks) == 0 {
		r.mrkdwn(m.text, false)
		if !m.linkNames {
			r.pings = nil
			var bare reading
			bare.mrkdwn(m.text, true)
			r.pings = bare.pings
		}
		return r
	}
	var beside reading
	beside.mrkdwn(m.text, !m.linkNames)
	r.blocks(m.blocks)
	r.pings = append(r.pings, beside.pings...)
	return r
}

// buttons returns the buttons in blocks, in order.
func buttons(blocks []any) (list []Button) {
	for _, b := range blocks {
		block, ok := b.(object)
		if !ok {
			continue
		}
		walk(block, "", func(o object, _ string) {
			if o["type"] != "button" {
				return
			}
			label, _ := o["text"].(object)
			list = append(list, Button{
				Action: text0(o, "action_id"), Block: text0(block, "block_id"), Label: text0(label, "text"),
				Value: text0(o, "value"), Link: text0(o, "url"), Style: text0(o, "style"),
			})
		})
	}
	return list
}

// Home returns the view that a person's App Home shows, as it was published;
// nil if none was.
func (w *Workspace) Home(user string) json.RawMessage {
	w.mu.Lock()
	defer w.mu.Unlock()
	v := w.homes[user]
	if v == nil {
		return nil
	}
	return encode(w.output(v))
}

// HomeButtons returns the buttons of a person's App Home.
func (w *Workspace) HomeButtons(user string) []Button {
	w.mu.Lock()
	defer w.mu.Unlock()
	if v := w.homes[user]; v != nil {
		return buttons(v.blocks)
	}
	return nil
}

// nextTS returns the next message's time, which is its name in the channel. It
// needs w.mu.
func (w *Workspace) nextTS() string {
	now := w.now()
	ts := fmt.Sprintf("%d.%06d", now.Unix(), now.Nanosecond()/1000)
	for ts <= w.lastTS {
		var s, us int64
		fmt.Sscanf(w.lastTS, "%d.%d", &s, &us)
		us++
		ts = fmt.Sprintf("%d.%06d", s+us/1_000_000, us%1_000_000)
	}
	w.lastTS = ts
	return ts
}

// find needs w.mu.
func (w *Workspace) find(channel, ts string) *message {
	return w.byID[channel+"/"+ts]
}
