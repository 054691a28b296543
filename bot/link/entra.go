package link

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"twokey/chat/visit"
)

// entra is the tenant's sign-in service, as the app registration of the page
// speaks to it.
type entra struct {
	cfg    Config
	issuer string
	client *http.Client

	mu       sync.Mutex
	provider *oidc.Provider // nil until it was found
}

// entraLimit is how long one call of the sign-in service may take.
const entraLimit = 20 * time.Second

func newEntra(cfg Config) *entra {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = &tls.Config{RootCAs: cfg.Roots, MinVersion: tls.VersionTLS12}
	return &entra{cfg: cfg, issuer: cfg.Authority + "/" + cfg.Tenant + "/v2.0", client: &http.Client{
		Transport: t, Timeout: entraLimit, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// attempt is a sign-in under way. Its browser keeps it, sealed.
type attempt struct {
	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
}

func newAttempt() attempt {
	return attempt{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier()}
}

// is reports whether a state that came back is the attempt's.
func (a attempt) is(state string) bool {
	return a.State != "" && subtle.ConstantTimeCompare([]byte(a.State), []byte(state)) == 1
}

// person is who has signed in, by the ID token.
type person struct {
	Tenant string    `json:"tenant"`
	Object string    `json:"object"`
	Name   string    `json:"name"` // for the eye, as the next
	UPN    string    `json:"upn"`
	MFA    bool      `json:"mfa"` // the token says that it took two factors
	At     time.Time `json:"at"`
}

// shown is how the page calls them.
func (p person) shown() string {
	if p.Name == "" || p.UPN == "" {
		return p.Name + p.UPN
	}
	return p.Name + " (" + p.UPN + ")"
}

// found asks for the service's addresses, once. go-oidc holds that the issuer
// there is the one that was asked.
func (e *entra) found(ctx context.Context) (*oidc.Provider, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.provider != nil {
		return e.provider, nil
	}
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, e.client), e.issuer)
	if err != nil {
		return nil, fmt.Errorf("find the sign-in service: %w", err)
	}
	e.provider = provider
	return provider, nil
}

func (e *entra) app(p *oidc.Provider) *oauth2.Config {
	endpoint := p.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInParams
	return &oauth2.Config{
		ClientID: e.cfg.ClientID, ClientSecret: e.cfg.ClientSecret.Reveal(), Endpoint: endpoint,
		RedirectURL: RedirectURL(e.cfg.PublicURL), Scopes: []string{oidc.ScopeOpenID, oidc.ScopeProfile},
	}
}

// address is where somebody is sent to sign in. Entra asks for the password in
// spite of any session because of prompt=login. max_age makes it say when that
// was, for apps that do not have auth_time among their optional claims; with 0,
// which would do both, tokens have been seen that are over when they arrive.
func (e *entra) address(ctx context.Context, a attempt) (string, error) {
	p, err := e.found(ctx)
	if err != nil {
		return "", err
	}
	options := []oauth2.AuthCodeOption{
		oidc.Nonce(a.Nonce), oauth2.S256ChallengeOption(a.Verifier), oauth2.SetAuthURLParam("prompt", "login"),
		oauth2.SetAuthURLParam("max_age", strconv.Itoa(int(visit.Life/time.Second))),
	}
	if e.cfg.Context != "" {
		claims, err := json.Marshal(map[string]any{"id_token": map[string]any{"acrs": map[string]any{"essential": true, "value": e.cfg.Context}}})
		if err != nil {
			return "", err
		}
		options = append(options, oauth2.SetAuthURLParam("claims", string(claims)))
	}
	return e.app(p).AuthCodeURL(a.State, options...), nil
}

// errToken is a token that says something else than it must.
var errToken = errors.New("the ID token is not for this sign-in")

// redeem changes a code for who signed in. The library checks the signature,
// the issuer, for whom the token is and until when; the rest is checked here.
func (e *entra) redeem(ctx context.Context, a attempt, code string) (person, error) {
	p, err := e.found(ctx)
	if err != nil {
		return person{}, err
	}
	ctx = oidc.ClientContext(ctx, e.client)
	tokens, err := e.app(p).Exchange(ctx, code, oauth2.VerifierOption(a.Verifier))
	if err != nil {
		return person{}, fmt.Errorf("redeem the code: %w", err)
	}
	raw, _ := tokens.Extra("id_token").(string)
	verifier := p.Verifier(&oidc.Config{ClientID: e.cfg.ClientID, SupportedSigningAlgs: []string{oidc.RS256}, Now: e.cfg.Now})
	token, err := verifier.Verify(ctx, raw)
	if err != nil {
		return person{}, fmt.Errorf("check the ID token: %w", err)
	}
	var c claims
	if err := token.Claims(&c); err != nil {
		return person{}, fmt.Errorf("read the ID token: %w", err)
	}
	return c.person(a, token.Nonce, e.cfg)
}

// claims are those of an ID token that matter. Entra's of version 2.0 have no
// amr, see Microsoft's optional claims reference; acrs are the authentication
// contexts that were met.
type claims struct {
	Tenant   string   `json:"tid"`
	Object   string   `json:"oid"`
	Name     string   `json:"name"`
	UPN      string   `json:"preferred_username"`
	AuthTime int64    `json:"auth_time"`
	AMR      []string `json:"amr"`
	ACRS     texts    `json:"acrs"`
}

// person holds the claims against what was asked.
func (c claims) person(a attempt, nonce string, cfg Config) (person, error) {
	switch {
	case a.Nonce == "" || subtle.ConstantTimeCompare([]byte(a.Nonce), []byte(nonce)) != 1:
		return person{}, fmt.Errorf("%w: another nonce", errToken)
	case c.Tenant != cfg.Tenant:
		return person{}, visit.Other
	case c.Object == "":
		return person{}, fmt.Errorf("%w: it has no oid", errToken)
	case c.AuthTime <= 0:
		// When the token was issued says nothing: whoever sits at a browser that is
		// signed in can take prompt=login out of the address.
		return person{}, errUndated
	}
	return person{
		Tenant: c.Tenant, Object: c.Object, Name: c.Name, UPN: c.UPN, At: time.Unix(c.AuthTime, 0).UTC(),
		MFA: slices.Contains(c.AMR, "mfa") || cfg.Context != "" && slices.Contains(c.ACRS, cfg.Context),
	}, nil
}

// texts are one text or a list of them.
type texts []string

func (s *texts) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*s = texts{one}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(s))
}

// errUndated is a token without auth_time.
var errUndated = fmt.Errorf("%w: it has no auth_time; add that to the optional claims of the app registration", errToken)
