package graph

import (
	"fmt"
	"io"
	"log/slog"
	"time"
)

// A Secret is text that must not be kept: it shows itself to nobody but who
// calls [Secret.Reveal]. The zero value is no secret, and so is that of no text.
//
// The text is behind a pointer because methods alone do not hide it: package
// fmt prints the unexported fields of whatever holds a Secret without asking
// them.
type Secret struct{ text *string }

// NewSecret keeps a text.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{&text}
}

// Reveal returns the text. Whoever calls it shows it once and forgets it.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// hidden stands for every secret, also for none.
const hidden = "(secret)"

// Format hides the text from every verb of package fmt.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// String hides the text.
func (Secret) String() string { return hidden }

// GoString hides the text.
func (Secret) GoString() string { return hidden }

// LogValue hides the text from logs.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText hides the text from whatever encodes.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// MarshalJSON hides the text from JSON.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }

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
	Code     Secret    // of one just created: Graph shows it this once
	Created  time.Time // of one that is read; zero if Graph does not say
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
