package audit

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
)

// The actors that are no people. They stand in the chain by these names.
const (
	Bot  = "twokey" // the bot itself
	Host = "host"   // whoever can run the program where it is installed
)

// The chain names nobody and quotes nobody, so that somebody who has left can
// be forgotten without breaking it. People stand in it under a pseudonym, and
// words that somebody wrote or that may hold a name under a mark. Which they
// are is kept beside the chain, each with a secret of its own: without it
// nobody can find out by trying, and with it everybody can check that it is
// this person and these words that the record means.

// Pseudonym returns the name under which the chain knows a person: "p-" and 16
// hex digits. Object is the person's object ID.
func Pseudonym(secret []byte, tenant, object string) string {
	return "p-" + keyed(secret, tenant+"/"+object)[:16]
}

// Mark returns what stands in the chain for words: "t-" and 32 hex digits.
func Mark(secret []byte, words string) string { return "t-" + keyed(secret, words)[:32] }

func keyed(secret []byte, text string) string {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(text)) // never fails
	return hex.EncodeToString(h.Sum(nil))
}

// Secret returns a new random secret for one person or one piece of text.
func Secret() []byte {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return b[:]
}

// Person is who is meant by a pseudonym, as it is kept beside the chain.
type Person struct {
	Pseudonym string `json:"pseudonym"`
	Secret    string `json:"secret"` // hex
	Tenant    string `json:"tenant"`
	Object    string `json:"object"` // object ID; of a chat account: the person's, a space, and the account
	Name      string `json:"name"`   // as of the last use; "" if it was never known
}

// Aside is what a mark in the chain stands for.
type Aside struct {
	Mark   string `json:"mark"`
	Secret string `json:"secret"` // hex
	Words  string `json:"words"`
}
