package link

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"regexp"
	"time"

	"twokey/chat/visit"
	"twokey/graph"
)

// The cookies. Their names are made safe by the prefix, see [Page.cookieName].
const (
	ticketCookie = "twokey-visit"   // the visit's ticket
	signInCookie = "twokey-sign-in" // a sign-in under way, sealed
	keyCookie    = "twokey-passkey" // a passkey's ceremony under way, sealed
	personCookie = "twokey-person"  // who has signed in, sealed
)

// cookieName makes browsers take a cookie from this host alone, over TLS, and
// from no neighbour of its domain.
func (p *Page) cookieName(name string) string {
	if p.secure() {
		return "__Host-" + name
	}
	return name
}

func (p *Page) setCookie(w http.ResponseWriter, name, value string) {
	http.SetCookie(w, p.cookie(name, value, int(visit.Life/time.Second)))
}

func (p *Page) dropCookie(w http.ResponseWriter, name string) {
	http.SetCookie(w, p.cookie(name, "", -1))
}

func (p *Page) cookie(name, value string, age int) *http.Cookie {
	return &http.Cookie{
		Name: p.cookieName(name), Value: value, Path: "/", MaxAge: age,
		Secure: p.secure(), HttpOnly: true, SameSite: http.SameSiteLaxMode, // it must come along when the tenant sends somebody back
	}
}

func (p *Page) readCookie(r *http.Request, name string) string {
	c, err := r.Cookie(p.cookieName(name))
	if err != nil {
		return ""
	}
	return c.Value
}

// word is the form of tokens and tickets: what is another one is not asked for.
var word = regexp.MustCompile(`^[A-Za-z0-9_-]{16,128}$`)

// sealed is what a cookie keeps that its browser may neither read nor change.
type sealed struct {
	Until time.Time       `json:"until"`
	Value json.RawMessage `json:"value"`
}

// keepSealed keeps v in a cookie of the visit's.
func (p *Page) keepSealed(w http.ResponseWriter, name, ticket string, v any) error {
	value, err := json.Marshal(v)
	if err != nil {
		return err
	}
	text, err := json.Marshal(sealed{p.cfg.Now().Add(visit.Life), value})
	if err != nil {
		return err
	}
	p.setCookie(w, name, p.seal.close(name+" "+ticket, text))
	return nil
}

// readSealed reads what keepSealed kept, and reports whether it is there, of
// this visit and not too old.
func (p *Page) readSealed(r *http.Request, name, ticket string, v any) bool {
	text, ok := p.seal.open(name+" "+ticket, p.readCookie(r, name))
	var s sealed
	return ok && json.Unmarshal(text, &s) == nil && p.cfg.Now().Before(s.Until) && json.Unmarshal(s.Value, v) == nil
}

// sealer encrypts what a browser keeps for the page. Its key is made from the
// app's secret, so that several processes have the same one, and so that it is
// another one when the secret is.
type sealer struct{ aead cipher.AEAD }

func newSealer(secret graph.Secret) sealer {
	key, err := hkdf.Key(sha256.New, []byte(secret.Reveal()), nil, "twokey: cookies of the linking page", 32)
	if err != nil {
		panic(err) // of too long a key alone
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err) // of another length alone
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err) // of another block alone
	}
	return sealer{aead}
}

// close seals a text for what it is about: it opens for nothing else.
func (s sealer) close(about string, text []byte) string {
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nil, nil, text, []byte(about)))
}

func (s sealer) open(about, value string) ([]byte, bool) {
	raw, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil || value == "" {
		return nil, false
	}
	text, err := s.aead.Open(nil, nil, raw, []byte(about))
	return text, err == nil
}
