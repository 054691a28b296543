package approval

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// Sum returns the digest of all that was shown and will be run: SHA-256, in
// hex, of a canonical JSON form. A vote holds the digest that its author saw.
func (r Request) Sum() (string, error) {
	text, err := json.Marshal(struct {
		Tenant, TenantName, Kind string
		KindVersion              int
		Args, Snapshot           string // as stored: another spelling is another request
		Targets                  []Target
		Words                    Words
		Reason                   string
		Requester                Principal
		Policy                   Policy
		Created, Expires         string
		// Fields that came later are left out while empty, so that what was
		// asked before keeps its digest.
		Warrant    Warrant `json:",omitzero"`
		ConfigHash string  `json:",omitempty"`
	}{
		r.Tenant, r.TenantName, r.Kind, r.KindVersion,
		string(r.Args), string(r.Snapshot), r.Targets, r.Words, r.Reason, r.Requester, r.Policy,
		stamp(r.Created), stamp(r.Expires), r.Warrant, r.ConfigHash,
	})
	if err != nil {
		return "", fmt.Errorf("digest request: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// storable returns v as it comes back from a database, with U+FFFD for what is
// not UTF-8: the digest must be that of what is read again.
func storable[T any](v T) T {
	text, err := json.Marshal(v)
	if err != nil {
		return v
	}
	var out T
	if json.Unmarshal(text, &out) != nil {
		return v
	}
	return out
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// shortDigest is the part of a digest that a button carries.
const shortDigest = 16

// Seal returns what a button of this request carries: which request is meant
// and the beginning of the digest of what was shown. Everything else is looked up.
func (r Request) Seal() string { return r.Ref + "." + r.Digest[:min(shortDigest, len(r.Digest))] }

// newID returns a request's ID and the reference that people use for it.
func newID() (id, ref string) {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return hex.EncodeToString(b[:]), "R-" + base32.StdEncoding.EncodeToString(b[:])[:6]
}
