package slack

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/slack-go/slack"
)

// maxBody bounds a request. Slack's largest are some hundred kilobytes.
const maxBody = 1 << 20

// bodyLimit is how long a request's body may take. Slack gives up after three
// seconds itself.
const bodyLimit = 3 * time.Second

// maxFormFields bounds the fields of a form. A command has about fifteen.
const maxFormFields = 100

// window is how far a request's time may be from ours, in either direction.
// https://docs.slack.dev/authentication/verifying-requests-from-slack
const window = 5 * time.Minute

var errUnsigned = errors.New("slack: the request is not signed by Slack, or not now")

// ServeHTTP takes a request of Slack's: the path ends in commands, actions or
// events. It is verified before anything in it is looked at, and answered
// before it is handled.
func (s *Slack) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind, ok := paths[path.Base(r.URL.Path)]
	switch {
	case !ok || s.cfg.Mode != modeHTTP:
		http.NotFound(w, r)
		return
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "Only POST is answered here.", http.StatusMethodNotAllowed)
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyLimit)) // where the server can
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		refuse(w, http.StatusRequestEntityTooLarge)
		return
	}
	if err := verify(r.Header, body, s.cfg.SigningSecret, s.cfg.Now()); err != nil {
		s.cfg.Log.Warn("slack request refused", "path", r.URL.Path, "error", err)
		refuse(w, http.StatusUnauthorized)
		return
	}
	if r.Header.Get("Content-Encoding") != "" { // Slack sends none, and what is small may unpack to anything
		refuse(w, http.StatusUnsupportedMediaType)
		return
	}
	s.serve(w, r, kind, body)
}

// paths are the kinds of delivery by the end of their address.
var paths = map[string]string{"commands": frameCommand, "actions": frameInteractive, "events": frameEvent}

// refuse answers with a status and no more: whoever cannot sign learns nothing.
func refuse(w http.ResponseWriter, status int) {
	w.Header().Set("X-Slack-No-Retry", "1")
	http.Error(w, http.StatusText(status), status)
}

// verify returns an error unless a body is signed with the secret, by a time
// close to now. The comparison takes as long for any signature, and the error
// holds none.
func verify(h http.Header, body []byte, secret string, now time.Time) error {
	stamp := h.Get("X-Slack-Request-Timestamp")
	signed := hmac.Equal([]byte(signature(secret, stamp, body)), []byte(h.Get("X-Slack-Signature")))
	at, err := strconv.ParseInt(stamp, 10, 64)
	if !signed || err != nil || now.Sub(time.Unix(at, 0)).Abs() > window {
		return errUnsigned
	}
	return nil
}

// signature is what Slack signs a body with.
func signature(secret, stamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("v0:" + stamp + ":"))
	mac.Write(body)
	return "v0=" + hex.EncodeToString(mac.Sum(nil))
}

// serve answers an authentic request.
func (s *Slack) serve(w http.ResponseWriter, r *http.Request, kind string, body []byte) {
	payload, answer, err := unpack(r, kind, body)
	if err != nil {
		s.cfg.Log.Warn("slack sent what is not understood", "type", kind, "error", err)
		refuse(w, http.StatusBadRequest)
		return
	}
	if answer != nil {
		reply(w, answer)
		return
	}
	d, err := parse(kind, payload, s.cfg.Now())
	switch {
	case errors.Is(err, errIgnored):
		reply(w, nil)
		return
	case err != nil:
		s.cfg.Log.Warn("slack sent what is not understood", "type", kind, "error", err)
		refuse(w, http.StatusBadRequest)
		return
	}
	said, start, err := s.accept(d)
	switch {
	case errors.Is(err, errAway):
		http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable) // an event comes again
	case err != nil:
		refuse(w, http.StatusForbidden)
	default:
		reply(w, said)
		start()
	}
}

// reply acknowledges a request.
func reply(w http.ResponseWriter, answer any) {
	if answer == nil {
		w.WriteHeader(http.StatusOK)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(answer) // whoever has gone needs no answer
}

// unpack returns the payload of a request as Socket Mode would deliver it, or
// the answer to a question that is about the address alone.
func unpack(r *http.Request, kind string, body []byte) (payload []byte, answer any, err error) {
	if kind == frameEvent {
		return body, challenge(body), nil
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/x-www-form-urlencoded" {
		return nil, nil, errUnknown
	}
	if bytes.Count(body, []byte("&")) >= maxFormFields {
		return nil, nil, errors.New("too many fields")
	}
	r.Body, r.URL.RawQuery = io.NopCloser(bytes.NewReader(body)), "" // what is not signed does not count
	if err := r.ParseForm(); err != nil {
		return nil, nil, errors.New("not a form")
	}
	if r.PostForm.Get("ssl_check") != "" {
		return nil, struct{}{}, nil
	}
	if kind == frameInteractive {
		return []byte(r.PostForm.Get("payload")), nil, nil
	}
	c, err := slack.SlashCommandParse(r)
	if err != nil {
		return nil, nil, errors.New("not a command")
	}
	payload, err = json.Marshal(c)
	return payload, nil, err
}

// challenge answers the question whether this address is ours; nil if that is
// not asked.
func challenge(body []byte) any {
	var asked struct {
		Type      string `json:"type"`
		Challenge string `json:"challenge"`
	}
	if !strings.Contains(string(body), typeChallenge) || tooDeep(body) || json.Unmarshal(body, &asked) != nil || asked.Type != typeChallenge {
		return nil
	}
	return map[string]string{"challenge": asked.Challenge}
}
