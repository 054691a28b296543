package simtenant

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// jwtHeader is the part of a token that says how it was signed.
type jwtHeader struct {
	Alg string `json:"alg"`
	Typ string `json:"typ,omitempty"`
	Kid string `json:"kid,omitempty"`
	// X5t and X5tS256 name a certificate by its SHA-1 or SHA-256.
	X5t     string `json:"x5t,omitempty"`
	X5tS256 string `json:"x5t#S256,omitempty"`
}

// claims are what a token says, the tenant's own or an app's about itself.
type claims struct {
	Audience  audience `json:"aud"`
	Issuer    string   `json:"iss"`
	Subject   string   `json:"sub"`
	Tenant    string   `json:"tid"`
	AppID     string   `json:"appid"`
	Roles     []string `json:"roles"`
	Wids      []string `json:"wids"`
	NotBefore int64    `json:"nbf"`
	Expires   int64    `json:"exp"`
}

// audience is one name or a list of them.
type audience []string

func (a *audience) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(a))
}

// holds reports whether a moment is within the claims' lifetime, give or take
// what clocks differ by.
func (c *claims) holds(now time.Time) bool {
	const skew = 5 * time.Minute
	return c.Expires != 0 && now.Before(time.Unix(c.Expires, 0).Add(skew)) && now.After(time.Unix(c.NotBefore, 0).Add(-skew))
}

// signJWT makes a token of the tenant's.
func signJWT(key *rsa.PrivateKey, payload document) (string, error) {
	head, err := json.Marshal(jwtHeader{Alg: "RS256", Typ: "JWT", Kid: keyID(&key.PublicKey), X5t: keyID(&key.PublicKey)})
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(payload)
	if err != nil {
		return "", err
	}
	signed := base64.RawURLEncoding.EncodeToString(head) + "." + base64.RawURLEncoding.EncodeToString(body)
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		return "", err
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

// keyID names a signing key.
func keyID(key *rsa.PublicKey) string {
	sum := sha256.Sum256(key.N.Bytes())
	return base64.RawURLEncoding.EncodeToString(sum[:20])
}

// token is a JWT taken apart, believed by nobody yet.
type token struct {
	header    jwtHeader
	claims    claims
	signed    string
	signature []byte
}

func parseJWT(text string) (*token, error) {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return nil, errors.New("a token has three parts")
	}
	var t token
	for i, into := range []any{&t.header, &t.claims} {
		raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[i], "="))
		if err != nil {
			return nil, fmt.Errorf("decode part %d: %w", i+1, err)
		}
		if err := json.Unmarshal(raw, into); err != nil {
			return nil, fmt.Errorf("read part %d: %w", i+1, err)
		}
	}
	signature, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[2], "="))
	t.signed, t.signature = parts[0]+"."+parts[1], signature
	return &t, err
}

// by reports whether a key signed the token, in one of the two ways that
// Microsoft's libraries use.
func (t *token) by(key crypto.PublicKey) bool {
	public, ok := key.(*rsa.PublicKey)
	if !ok {
		return false
	}
	sum := sha256.Sum256([]byte(t.signed))
	switch t.header.Alg {
	case "RS256":
		return rsa.VerifyPKCS1v15(public, crypto.SHA256, sum[:], t.signature) == nil
	case "PS256":
		return rsa.VerifyPSS(public, crypto.SHA256, sum[:], t.signature, nil) == nil
	default:
		return false
	}
}
