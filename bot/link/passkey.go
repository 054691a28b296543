package link

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"twokey/chat/visit"
)

// newKeys is the page as a relying party of passkeys. Each is for the host of
// the page alone, and asks for a finger, a face or a PIN, so that it stands for
// two factors.
func newKeys(public *url.URL, organization string) (*webauthn.WebAuthn, error) {
	name := "Twokey"
	if organization != "" {
		name += ", " + organization
	}
	return webauthn.New(&webauthn.Config{
		RPID: public.Hostname(), RPDisplayName: name, RPOrigins: []string{public.Scheme + "://" + public.Host},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementPreferred, UserVerification: protocol.VerificationRequired,
		},
	})
}

// holder is somebody with their passkeys, as the library asks for them. Their
// object ID is the user handle.
type holder struct {
	id, name, display string
	keys              []webauthn.Credential
}

var _ webauthn.User = holder{}

// WebAuthnID implements webauthn.User.
func (h holder) WebAuthnID() []byte { return []byte(h.id) }

// WebAuthnName implements webauthn.User.
func (h holder) WebAuthnName() string { return h.name }

// WebAuthnDisplayName implements webauthn.User.
func (h holder) WebAuthnDisplayName() string { return h.display }

// WebAuthnCredentials implements webauthn.User.
func (h holder) WebAuthnCredentials() []webauthn.Credential { return h.keys }

// read takes in passkeys as the desk keeps them.
func (h *holder) read(keys []visit.Key) error {
	for _, k := range keys {
		var c webauthn.Credential
		if err := json.Unmarshal(k.Body, &c); err != nil {
			return fmt.Errorf("read passkey: %w", err)
		}
		h.keys = append(h.keys, c)
	}
	return nil
}

// keyOf is a passkey as the desk keeps it. How it was vouched for at its making
// is left out: nothing is asked of it, and it is long.
func keyOf(c *webauthn.Credential) (visit.Key, error) {
	kept := *c
	kept.Attestation = webauthn.CredentialAttestation{}
	body, err := json.Marshal(kept)
	return visit.Key{ID: base64.RawURLEncoding.EncodeToString(c.ID), Body: body}, err
}

// ceremony is what is kept, sealed, until a passkey has answered.
type ceremony struct {
	Making  bool                 `json:"making"`
	Session webauthn.SessionData `json:"session"`
}

// errKey is a passkey that did not prove anything.
var errKey = errors.New("the passkey proves nothing")

// askKey begins the use of a passkey.
func (p *Page) askKey(w http.ResponseWriter, r *http.Request) (any, error) {
	ticket, v, err := p.visit(r)
	if err != nil {
		return nil, err
	}
	h, err := p.holder(r, ticket, v)
	if err != nil {
		return nil, err
	}
	if v.Signed || len(h.keys) == 0 {
		return nil, visit.Weak
	}
	options, session, err := p.keys.BeginLogin(h)
	if err != nil {
		return nil, fmt.Errorf("ask for a passkey: %w", err)
	}
	session.AllowedCredentialIDs = nil // the desk knows them, and a cookie is short
	return options, p.keepSealed(w, keyCookie, ticket, ceremony{Session: *session})
}

// useKey takes a passkey's answer.
func (p *Page) useKey(w http.ResponseWriter, r *http.Request) (any, error) {
	ticket, v, err := p.visit(r)
	if err != nil {
		return nil, err
	}
	session, err := p.ceremony(w, r, ticket, false)
	if err != nil {
		return nil, err
	}
	answer, err := protocol.ParseCredentialRequestResponseBody(r.Body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errKey, err)
	}
	h, err := p.holder(r, ticket, v)
	if err != nil {
		return nil, err
	}
	for _, c := range h.keys {
		session.AllowedCredentialIDs = append(session.AllowedCredentialIDs, c.ID)
	}
	used, err := p.keys.ValidateLogin(h, session, answer)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errKey, err)
	case used.Authenticator.CloneWarning:
		return nil, fmt.Errorf("%w: its counter ran backwards, as a copy's does", errKey)
	}
	k, err := keyOf(used)
	if err != nil {
		return nil, err
	}
	if err := p.cfg.Desk.UseKey(r.Context(), ticket, k); err != nil {
		return nil, err
	}
	done, err := p.cfg.Desk.Signed(r.Context(), ticket, visit.Claims{
		Tenant: p.cfg.Tenant, Object: v.Person, Proof: visit.Passkey, At: p.cfg.Now(), Passkey: k.ID,
	})
	if err != nil {
		return nil, err
	}
	if done.Pass {
		return next{visitPath}, nil
	}
	return next{donePath}, nil
}

// next is where the script goes on.
type next struct {
	Next string `json:"next"`
}

// makeKey begins the making of a passkey, for whoever has signed in.
func (p *Page) makeKey(w http.ResponseWriter, r *http.Request) (any, error) {
	ticket, v, err := p.visit(r)
	if err != nil {
		return nil, err
	}
	h, err := p.signedHolder(r, ticket, v)
	if err != nil {
		return nil, err
	}
	options, session, err := p.keys.BeginRegistration(h, webauthn.WithExclusions(webauthn.Credentials(h.keys).CredentialDescriptors()))
	if err != nil {
		return nil, fmt.Errorf("begin a passkey: %w", err)
	}
	return options, p.keepSealed(w, keyCookie, ticket, ceremony{Making: true, Session: *session})
}

// keepKey takes in a passkey that was made.
func (p *Page) keepKey(w http.ResponseWriter, r *http.Request) (any, error) {
	ticket, v, err := p.visit(r)
	if err != nil {
		return nil, err
	}
	session, err := p.ceremony(w, r, ticket, true)
	if err != nil {
		return nil, err
	}
	answer, err := protocol.ParseCredentialCreationResponseBody(r.Body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errKey, err)
	}
	h, err := p.signedHolder(r, ticket, v)
	if err != nil {
		return nil, err
	}
	made, err := p.keys.CreateCredential(h, session, answer)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errKey, err)
	}
	k, err := keyOf(made)
	if err != nil {
		return nil, err
	}
	k.Added = p.cfg.Now()
	return struct{}{}, p.cfg.Desk.AddKey(r.Context(), ticket, k)
}

// ceremony takes the one that is under way out of its cookie: each is tried
// once.
func (p *Page) ceremony(w http.ResponseWriter, r *http.Request, ticket string, making bool) (webauthn.SessionData, error) {
	var c ceremony
	ok := p.readSealed(r, keyCookie, ticket, &c)
	p.dropCookie(w, keyCookie)
	if !ok || c.Making != making {
		return webauthn.SessionData{}, errStray
	}
	return c.Session, nil
}

// holder is who must sign in, with their passkeys.
func (p *Page) holder(r *http.Request, ticket string, v visit.Visit) (holder, error) {
	h := holder{id: v.Person, name: v.Person, display: v.Person}
	if v.Person == "" { // a link is made by the tenant's own word
		return h, nil
	}
	keys, err := p.cfg.Desk.Keys(r.Context(), ticket)
	if err != nil {
		return h, err
	}
	return h, h.read(keys)
}

// signedHolder is who has signed in to the tenant in this visit, with their
// passkeys.
func (p *Page) signedHolder(r *http.Request, ticket string, v visit.Visit) (holder, error) {
	var who person
	if !v.Signed || !p.readSealed(r, personCookie, ticket, &who) {
		return holder{}, errStray
	}
	h := holder{id: who.Object, name: who.UPN, display: who.Name}
	keys, err := p.cfg.Desk.Keys(r.Context(), ticket)
	if err != nil {
		return h, err
	}
	return h, h.read(keys)
}

// bodyLimit is how long the script may take to send what a passkey said.
const bodyLimit = 15 * time.Second

// inJSON answers the page's script. Its requests say that they are JSON, which
// no form of another site can.
func inJSON(h func(http.ResponseWriter, *http.Request) (any, error)) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
			return errStray
		}
		// Whoever sends a body byte by byte must not be waited for. What cannot set
		// a deadline, as in tests, has no slow callers either.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyLimit))
		answer, err := h(w, r)
		if err != nil {
			return scripted{err}
		}
		return writeJSON(w, http.StatusOK, answer)
	}
}

// scripted is an error that the script is to say.
type scripted struct{ error }

// Unwrap returns the error itself.
func (s scripted) Unwrap() error { return s.error }

func writeJSON(w http.ResponseWriter, status int, answer any) error {
	text, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.Writer(w).Write(text) // fails only if the reader has gone
	return nil
}
