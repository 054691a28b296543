// Package link is what is stored about whose chat account it is and who proved
// it: [Link]s that people made by signing in on the page, the [Visit]s in which
// they did, the [Proof]s of who acts that are still fresh, and the [Key]s by
// which they prove it.
//
// Deciding is pure, as in package approval: the functions here take what is
// stored and the database's time, and give what is to be stored or a refusal.
// Of every token, ticket and code a hash alone is kept.
package link

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strings"
	"time"

	"twokey/chat"
	"twokey/chat/visit"
)

// Young is for how long a new link or passkey of somebody with a role counts for
// little: whoever sees the announcement and did not expect it has a day.
const Young = 24 * time.Hour

// PersonalLife is how long a link lasts that was made from an account that no
// organisation looks after.
const PersonalLife = 90 * 24 * time.Hour

// ProofLife is how long somebody who proved who they are need not do it again.
const ProofLife = 10 * time.Minute

// Link says whose a chat account is, because that person said so on the page and
// typed the page's code in the account.
type Link struct {
	Ref       string // "L-" and six base32 characters
	Tenant    string
	Account   chat.Account
	Object    string // the person's object ID
	Proof     visit.Proof
	Since     time.Time // when it was made; renewing it changes nothing here
	Until     time.Time // it ends then; zero: it does not
	Confirmed time.Time // when an owner confirmed it; zero: none did
	By        string    // object ID of that owner
}

// Zero reports whether there is no link.
func (l Link) Zero() bool { return l.Object == "" }

// Holds reports whether there is one that has not ended.
func (l Link) Holds(now time.Time) bool {
	return !l.Zero() && (l.Until.IsZero() || now.Before(l.Until))
}

// Young reports whether it is too new to give somebody with a role more than
// what everybody may.
func (l Link) Young(now time.Time) bool { return l.Confirmed.IsZero() && now.Sub(l.Since) < Young }

// Key is a passkey that the page registered.
type Key struct {
	Ref     string // "K-" and six base32 characters
	Tenant  string
	Object  string // whose it is
	Account chat.Account
	visit.Key
	Trusted bool // an older one vouched for it, or an owner confirmed it
}

// Counting reports whether it proves a passkey by now.
func (k Key) Counting(now time.Time) bool { return k.Trusted || now.Sub(k.Added) >= Young }

// Proof is what somebody proved lately, by which of their accounts.
type Proof struct {
	Tenant  string
	Account chat.Account
	Object  string
	Proof   visit.Proof
	At      time.Time
}

// Fresh reports whether it is still worth something.
func (p Proof) Fresh(now time.Time) bool {
	return p.Object != "" && now.Sub(p.At) < ProofLife
}

// NewRef returns a reference that nothing has; the letter says of what.
func NewRef(letter string) string { return letter + "-" + rand.Text()[:6] }

// Canonical forgives how a person spells a reference.
func Canonical(typed string) string { return strings.ToUpper(strings.Trim(typed, " .,“”\"'`")) }

// NewToken returns 130 random bits, for an address or a ticket.
func NewToken() string { return strings.ToLower(rand.Text()) }

// codeRunes is how long a code is: 40 bits, of which somebody has a few tries.
const codeRunes = 8

// NewCode returns what a person types back, in two groups that can be read out.
func NewCode() string {
	code := rand.Text()[:codeRunes]
	return code[:codeRunes/2] + "-" + code[codeRunes/2:]
}

// Sum returns the form in which a secret of ours is kept.
func Sum(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// sumOfCode is that of a code, which has few bits: it is of its visit as well, so
// that equal codes are not kept alike. How it was spelled is forgiven.
func sumOfCode(v Visit, code string) string {
	plain := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		default:
			return -1
		}
	}, code)
	return Sum(v.Token + " " + plain)
}

// same compares without telling by its time where two sums differ.
func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
