// Package visit is what the page on which people prove who they are and the bot
// behind it say to each other.
//
// A person is given an address in the chat, privately, and opens it in a browser:
//
//	asked ─ Begin ─► begun ─ Signed ─► signed ─ the chat or Collect ─► over
//
// The address begins one visit, once. From then on the visit belongs to the
// browser that began it, which holds a ticket of its own; the address alone is
// worth nothing any more. Chats open addresses themselves to preview them, so
// that looking at one changes nothing.
package visit

import (
	"slices"
	"time"
)

// Path is where the page is, below the address at which browsers reach the bot.
// A token follows it: "/link/k7…".
const Path = "/link/"

// Life is how long an address and the visit that it begins last, together.
const Life = 10 * time.Minute

// Purpose is what an address was made for.
type Purpose string

// The purposes.
const (
	Link    Purpose = "link"    // to say whose the chat account is that asked
	StepUp  Purpose = "step-up" // to prove anew who acts by it
	Collect Purpose = "collect" // to be shown what a request creates, once
)

// Proof is what somebody proved, in the words in which it is kept and shown.
type Proof string

// The proofs, from the weakest on.
const (
	Password Proof = "fresh password" // signed in to the tenant just now
	MFA      Proof = "fresh MFA"      // and its token says that this took two factors
	Passkey  Proof = "passkey"        // used one that the page had registered, and was verified by it
)

var proofs = []Proof{Password, MFA, Passkey}

// Meets reports whether p is at least as strong as least. What is not known is
// weaker than anything.
func (p Proof) Meets(least Proof) bool {
	at := slices.Index(proofs, p)
	return at >= 0 && at >= slices.Index(proofs, least)
}

// Visit is what an address was made for.
type Visit struct {
	Purpose  Purpose
	Account  string // the chat account that asked, in words: of which chat, and its ID there
	About    string // what it is for, a sentence in English with the request's own names in it; "" for Link
	Person   string // object ID of who must sign in; "" for Link, where that is what is asked
	Least    Proof  // what they must prove at least; Link asks for a Password
	Language string // the person's, ISO 639-1
	Until    time.Time
	Begun    bool // a browser has it already, so that the address is of no use any more
	Signed   bool // somebody has signed in
}

// Claims are what the page has made sure of.
type Claims struct {
	Tenant  string    // tenant ID, of the token
	Object  string    // object ID, of the token or the passkey's owner
	Proof   Proof     // no more than the token or the passkey says
	At      time.Time // when they signed in, as the token says, or used the passkey
	Passkey string    // ID of the passkey, for Proof Passkey
}

// Done is what follows a sign-in.
type Done struct {
	// Code is what a person types back in the chat, for Link: whoever was sent
	// somebody else's address has nowhere to type it. It is shown once.
	Code string
	// Pass says that there is something to collect now, for Collect.
	Pass bool
	// Enrol says that the person may register a passkey in this visit.
	Enrol bool
}

// Key is a passkey that the page registered for a person.
type Key struct {
	ID    string // unpadded base64url of the credential's
	Body  []byte // what the page needs to check it, which only the page understands
	Added time.Time
	// Counts says that it proves a Passkey by now: in its first day it does only
	// if an older one vouched for it or an owner confirmed it, and is worth a
	// Password until then.
	Counts bool
}

// Refusal is a no that the page shows. One word stands for all that somebody who
// guesses addresses could learn something from.
type Refusal string

// The refusals.
const (
	Gone  Refusal = "gone"  // no such address or ticket, used already, or over
	Other Refusal = "other" // somebody signed in who is not meant, or who is not of this tenant, gone or disabled
	Weak  Refusal = "weak"  // less was proved than is needed, or too long ago
	Often Refusal = "often" // too many tries: later
)

// Error returns the word.
func (r Refusal) Error() string { return "visit: " + string(r) }
