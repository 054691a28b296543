package graph

import (
	"log/slog"
	"time"
)

// A Secret is text that must not be kept: it shows itself to nobody but who
// calls [Secret.Reveal].
type Secret struct{ text string }

// NewSecret keeps a text.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal returns the text. Whoever calls it shows it once and forgets it.
func (s Secret) Reveal() string { return s.text }

// String hides the text.
func (Secret) String() string { return "(secret)" }

// GoString hides the text from %#v.
func (Secret) GoString() string { return "(secret)" }

// LogValue hides the text from logs.
func (Secret) LogValue() slog.Value { return slog.StringValue("(secret)") }

// MarshalText hides the text from JSON.
func (Secret) MarshalText() ([]byte, error) { return []byte("(secret)"), nil }

// A PassOrder says what Temporary Access Pass to create.
type PassOrder struct {
	Start    time.Time     // in the future, or zero for now
	Lifetime time.Duration // whole minutes within the policy's limits, or zero for its default
	Multi    bool          // usable until it ends, where the policy allows it; else for one sign-in
}

// Pass is a Temporary Access Pass. There is one for each user: creating a second
// deletes the first.
type Pass struct {
	ID       string
	Code     Secret // of one just created: Graph shows it this once
	Start    time.Time
	Lifetime time.Duration
	Once     bool
	Usable   bool   // now
	Why      string // Graph's methodUsabilityReason: EnabledByPolicy, Expired, NotYetValid, OneTimeUsed
}

// PhoneType is which of a user's numbers a phone is. There is one of each.
type PhoneType string

// The types.
const (
	PhoneMobile    PhoneType = "mobile"
	PhoneAlternate PhoneType = "alternateMobile"
	PhoneOffice    PhoneType = "office"
)

// Phone is a number to be registered, "+34 600000000": the country code, one
// space, the number, and for an office "x" and the extension.
type Phone struct {
	Type   PhoneType
	Number string
}

// SignInPreference is which method a user is asked for first. Only beta tells.
type SignInPreference struct {
	// Method is what the user chose: push, oath, sms, voiceMobile,
	// voiceAlternateMobile, voiceOffice; empty if none or not said.
	Method string
	// System reports whether the tenant chooses the strongest instead.
	System bool
}

// Mail is one message to one person. Graph answers without an ID: Ref goes
// along in a header, so that the message can be found again.
type Mail struct {
	From    string // object ID or UPN of the sending mailbox
	To      string // an address
	Subject string
	HTML    string
	Ref     string
}
