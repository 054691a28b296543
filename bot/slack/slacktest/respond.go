package slacktest

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"
)

// What a response address is good for.
const (
	responseUses = 5
	responseLife = 30 * time.Minute
)

// responseURL is one response address.
type responseURL struct {
	channel *Channel
	user    string
	source  *message // the message whose button was pressed
	until   time.Time
	uses    int
}

// respondTo makes a response address. It needs w.mu.
func (w *Workspace) respondTo(c *Channel, user string, source *message) string {
	secret := w.uuid()
	w.responses[secret] = &responseURL{channel: c, user: user, source: source, until: w.now().Add(responseLife)}
	return w.server.URL + "/respond/" + secret
}

// response is what is sent to a response address, or in the acknowledgement of
// a command.
type response struct {
	Text     string          `json:"text"`
	Blocks   json.RawMessage `json:"blocks"`
	Type     string          `json:"response_type"`
	Replace  bool            `json:"replace_original"`
	Delete   bool            `json:"delete_original"`
	ThreadTS string          `json:"thread_ts"`
}

// serveResponse takes what is sent to a response address.
func (w *Workspace) serveResponse(rw http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	c := &call{method: "response_url", args: map[string]string{"body": string(body)}}
	w.mu.Lock()
	f := w.fault(c.method)
	var no *refusal
	status := http.StatusOK
	if f.reaches() {
		status, no = w.respond(w.responses[r.PathValue("secret")], body)
	}
	w.note(c, f, no)
	w.mu.Unlock()
	if f != nil && w.fail(rw, f) {
		return
	}
	if no != nil {
		rw.Header().Set("Content-Type", "application/json")
		rw.WriteHeader(status)
		rw.Write(encode(reply{"ok": false, "error": no.code}))
		return
	}
	rw.Header().Set("Content-Type", "text/plain")
	io.WriteString(rw, "ok")
}

// respond needs w.mu.
func (w *Workspace) respond(u *responseURL, body []byte) (int, *refusal) {
	switch {
	case u == nil || w.now().After(u.until):
		return http.StatusNotFound, refuse("expired_url")
	case u.uses >= responseUses:
		return http.StatusNotFound, refuse("used_url")
	}
	u.uses++
	if no := w.answerTo(u, "response_url", body); no != nil {
		return http.StatusBadRequest, no
	}
	return http.StatusOK, nil
}

// answerTo does what a response asks for. It needs w.mu.
func (w *Workspace) answerTo(u *responseURL, name string, body []byte) *refusal {
	var said response
	if err := json.Unmarshal(body, &said); err != nil {
		return refuse("invalid_payload")
	}
	if said.Delete {
		if u.source == nil {
			return refuse("no_original")
		}
		u.source.deleted = true
		w.change()
		return nil
	}
	c := &call{method: name, args: map[string]string{"text": said.Text, "thread_ts": said.ThreadTS}}
	if len(said.Blocks) > 0 && string(said.Blocks) != "null" {
		c.args["blocks"] = string(said.Blocks)
	}
	m, no := w.compose(c, u.channel)
	if no != nil {
		return no
	}
	if said.Replace && u.source != nil {
		u.source.text, u.source.blocks, u.source.edited = m.text, m.blocks, true
		w.change()
		return nil
	}
	if said.Type != "in_channel" {
		m.to = u.user
	}
	w.keep(m)
	return nil
}

// ackMessage shows what the acknowledgement of a command holds. It needs w.mu.
func (w *Workspace) ackMessage(answer json.RawMessage, address string) {
	text := strings.TrimSpace(string(answer))
	if text == "" || text == "null" || text == "{}" {
		return
	}
	if !strings.HasPrefix(text, "{") {
		answer = encode(object{"text": text})
	}
	u := w.responses[address[strings.LastIndex(address, "/")+1:]]
	if no := w.answerTo(u, "acknowledgement", answer); no != nil {
		w.violate("%s: answered in the acknowledgement: %s", kindCommand, no.code)
	}
}
