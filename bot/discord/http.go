package discord

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"
)

// maxRequest bounds a request. Discord's largest are some ten kilobytes.
const maxRequest = 1 << 20

// bodyLimit is how long a request's body may take. Discord gives up after three
// seconds itself.
const bodyLimit = 3 * time.Second

// window is how far a request's time may be from ours, in either direction.
// Discord demands none, but without one what was recorded once could be sent
// for ever.
const window = 5 * time.Minute

var errUnsigned = errors.New("discord: the request is not signed by Discord, or not now")

// ServeHTTP takes an interaction. It is verified before anything in it is looked
// at, and answered before it is handled. Discord tries now and then whether a
// request that is not signed is refused, and sends nothing any more if not.
func (d *Discord) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case d.cfg.Mode != modeHTTP:
		http.NotFound(w, r)
		return
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "Only POST is answered here.", http.StatusMethodNotAllowed)
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyLimit)) // where the server can
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		refuse(w, http.StatusRequestEntityTooLarge)
		return
	}
	if err := verify(r.Header, data, d.key, d.cfg.Now()); err != nil {
		d.cfg.Log.Warn("discord request refused", "error", err)
		refuse(w, http.StatusUnauthorized)
		return
	}
	d.serve(w, data)
}

// refuse answers with a status and no more: whoever cannot sign learns nothing.
func refuse(w http.ResponseWriter, status int) { http.Error(w, http.StatusText(status), status) }

// verify returns an error unless a body is signed with the app's key, by a time
// close to now. The error holds no part of it.
func verify(h http.Header, body []byte, key ed25519.PublicKey, now time.Time) error {
	stamp := h.Get("X-Signature-Timestamp")
	signature, err := hex.DecodeString(h.Get("X-Signature-Ed25519"))
	if err != nil || len(signature) != ed25519.SignatureSize || len(stamp) > 20 {
		return errUnsigned
	}
	if !ed25519.Verify(key, append([]byte(stamp), body...), signature) {
		return errUnsigned
	}
	at, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || now.Sub(time.Unix(at, 0)).Abs() > window {
		return errUnsigned
	}
	return nil
}

// serve takes an authentic request on. It is accepted here, and answered by a
// call of its own.
func (d *Discord) serve(w http.ResponseWriter, data []byte) {
	v, err := interaction(data)
	switch {
	case err != nil:
		d.cfg.Log.Warn("discord sent what is not understood", "error", err)
		refuse(w, http.StatusBadRequest)
		return
	case v.kind == kindPing:
		reply(w, answer{Type: answerPong})
		return
	case d.stopped():
		http.Error(w, http.StatusText(http.StatusServiceUnavailable), http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusAccepted)
	d.background(func(ctx context.Context) { d.take(ctx, v) })
}

// reply answers a request.
func reply(w http.ResponseWriter, a answer) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(a) // whoever has gone needs no answer
}
