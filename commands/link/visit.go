package link

import (
	"time"

	"twokey/chat"
	"twokey/chat/visit"
)

// State is where a visit stands. It only goes forward.
type State string

// The states.
const (
	Asked  State = "asked"  // the address was given out
	Begun  State = "begun"  // a browser has it
	Signed State = "signed" // and somebody signed in there
	Over   State = "over"
)

// Visit is one address, and what became of it.
type Visit struct {
	Token   string // the sum of what the address ends with
	Ticket  string // the sum of what the browser holds; "" while it is asked
	Tenant  string
	Account chat.Account
	Purpose visit.Purpose
	Object  string // who must sign in; of a link, who did
	State   State
	Asked   time.Time
	Until   time.Time
	Tries   int // what was typed or proved in vain
	Body
}

// Body is all of a visit that is never searched for.
type Body struct {
	Deed     string      `json:"deed,omitempty"`    // what it is for, as whoever gave it out calls it; nobody's name or words
	Request  string      `json:"request,omitempty"` // the reference of the request that it is about
	Language string      `json:"language,omitempty"`
	Least    visit.Proof `json:"least,omitempty"`
	Code     string      `json:"code,omitempty"` // the sum of it
	Begun    time.Time   `json:"begun,omitzero"`
	Proof    visit.Proof `json:"proof,omitempty"`
	Proved   time.Time   `json:"proved,omitzero"`
	Enrolled bool        `json:"enrolled,omitzero"` // a passkey was registered in it
	Vouched  bool        `json:"vouched,omitzero"`  // signed in by a passkey that counts
}

// The bounds. A person needs one address and one try; whoever guesses gets no
// further than this.
const (
	TriesEach   = 5  // of one visit
	AskedHourly = 10 // addresses of one account within an hour
	TriesHourly = 20 // of one account within an hour, over all its visits
)

// Skew is how far the clock of whoever signs tokens may be behind ours.
const Skew = 2 * time.Minute

// Lately is how far back visits count against their account.
const Lately = time.Hour

// Ask returns a new visit, given the earlier ones of its account that were asked
// within [Lately].
func Ask(v Visit, earlier []Visit, now time.Time) (Visit, error) {
	tries := 0
	for _, e := range earlier {
		tries += e.Tries
	}
	if len(earlier) >= AskedHourly || tries >= TriesHourly {
		return Visit{}, visit.Often
	}
	v.State, v.Asked, v.Until = Asked, now, now.Add(visit.Life)
	return v, nil
}

// Open reports whether a visit is not over.
func (v Visit) Open(now time.Time) bool {
	return v.State != Over && v.Token != "" && now.Before(v.Until) && v.Tries < TriesEach
}

// Begin lets the browser that holds the ticket go on with the visit.
func (v Visit) Begin(ticket string, now time.Time) (Visit, error) {
	if v.State != Asked || !v.Open(now) {
		return v, visit.Gone
	}
	v.State, v.Ticket, v.Begun = Begun, Sum(ticket), now
	return v, nil
}

// Sign takes in who signed in. The key is the passkey that was used, if one was.
// After a refusal the visit that comes back is to be stored as well: it counts
// the try.
func (v Visit) Sign(c visit.Claims, key Key, now time.Time) (Visit, error) {
	if v.State != Begun || !v.Open(now) {
		return v, visit.Gone
	}
	proof := c.Proof
	if proof == visit.Passkey && !key.Counting(now) {
		proof = visit.Password
	}
	least := v.Least
	if least == "" {
		least = visit.Password
	}
	switch {
	case c.Object == "" || c.Tenant != v.Tenant || v.Object != "" && c.Object != v.Object,
		c.Proof == visit.Passkey && (key.Object != c.Object || key.Tenant != c.Tenant):
		v.Tries++
		return v, visit.Other
	case !proof.Meets(least), c.At.Before(v.Begun.Add(-Skew)):
		v.Tries++
		return v, visit.Weak
	}
	v.State, v.Object, v.Proof, v.Proved = Signed, c.Object, proof, now
	v.Vouched = proof == visit.Passkey
	return v, nil
}

// Expect makes a signed visit wait for the code to be typed back.
func (v Visit) Expect(code string) Visit {
	v.Code = sumOfCode(v, code)
	return v
}

// Redeem takes in what was typed back. Whatever it says, the visit that comes
// back is to be stored: it is over, or counts the try.
func (v Visit) Redeem(code string, now time.Time) (Visit, error) {
	if v.Purpose != visit.Link || v.State != Signed || !v.Open(now) {
		return v, visit.Gone
	}
	if !same(sumOfCode(v, code), v.Code) {
		v.Tries++
		return v, visit.Other
	}
	v.State = Over
	return v, nil
}
