package graph

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind says why the tenant did not do as asked.
type Kind int

// The kinds. KindUnclear is the zero value on purpose: what is not understood
// must never be taken for a refusal.
const (
	KindUnclear      Kind = iota // cut off, timed out, 5xx or unreadable: it may have happened
	KindNotSent                  // no byte of the request left: it did not happen
	KindNoLicence                // the tenant's licence does not cover it
	KindNoPermission             // our app registration lacks a permission, see Permission
	KindThrottled                // too many requests, see RetryAfter; not done
	KindNotFound
	KindConflict
	KindRefused // the tenant understood and said no, see Message
	KindSignIn  // our own app could not sign in
)

// String returns a short name for logs.
func (k Kind) String() string {
	switch k {
	case KindNotSent:
		return "not sent"
	case KindNoLicence:
		return "no licence"
	case KindNoPermission:
		return "permission missing"
	case KindThrottled:
		return "throttled"
	case KindNotFound:
		return "not found"
	case KindConflict:
		return "conflict"
	case KindRefused:
		return "refused"
	case KindSignIn:
		return "sign-in failed"
	default:
		return "unclear"
	}
}

// Error is a failed call to the tenant. Ask for it with errors.As.
type Error struct {
	Kind       Kind
	Op         string // what was asked, "read security defaults"
	Status     int    // HTTP status, 0 if there was no answer
	Code       string // Graph's error code, as it came
	Message    string // Graph's sentence, as it came: data, never shown as ours
	Permission string // KindNoPermission: the permission that would help
	// OrRole says of KindNoPermission that the permission may be there and a
	// directory role of the app's own be missing: the tenant refuses both alike.
	OrRole     bool
	RetryAfter time.Time // KindThrottled: not before then; zero if not said
	RequestID  string    // Graph's request-id, for its support
	Err        error     // the cause below, if any
}

// Error is for logs; people are shown [Error.Say].
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", e.Op, e.Kind)
	if e.Status != 0 {
		fmt.Fprintf(&b, " (%d %s)", e.Status, e.Code)
	}
	if e.Message != "" {
		fmt.Fprintf(&b, ": %q", e.Message)
	}
	if e.Err != nil {
		fmt.Fprintf(&b, ": %v", e.Err)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// A Mistake is a sentence for people: why a change was not sent, because what
// it asks for is nothing that we do. It is the cause of an error of KindNotSent.
type Mistake string

// Error is the sentence.
func (m Mistake) Error() string { return string(m) }

// mistake returns the mistake below an error, or "".
func (e *Error) mistake() Mistake {
	m, _ := errors.AsType[Mistake](e.Err)
	return m
}

// Say is the sentence a person may see.
func (e *Error) Say() string {
	switch e.Kind {
	case KindNotSent:
		if m := e.mistake(); m != "" {
			return string(m)
		}
		return "Microsoft 365 could not be reached."
	case KindNoLicence:
		return "This needs Entra ID P1, which the tenant does not have."
	case KindNoPermission:
		if e.Permission == "" {
			return "The bot's app registration lacks a permission for this."
		}
		if e.OrRole {
			return "The bot's app registration lacks the permission " + e.Permission + " or, if the account is an administrator's, a directory role."
		}
		return "The bot's app registration lacks the permission " + e.Permission + "."
	case KindThrottled:
		return "Microsoft 365 is asking the bot to slow down."
	case KindNotFound:
		return "Microsoft 365 does not know it (any more)."
	case KindConflict:
		return "Somebody else changed it at the same time."
	case KindRefused:
		return "Microsoft 365 refused it."
	case KindSignIn:
		return "The bot could not sign in to Microsoft 365."
	default:
		return "Microsoft 365 gave no clear answer."
	}
}

// Hint says what to do next, or "".
func (e *Error) Hint() string {
	switch e.Kind {
	case KindNoPermission:
		if e.OrRole {
			return "Do it in the Entra admin centre if the account is an administrator's: granting the permission would not help. " +
				"Otherwise ask an administrator to grant it and consent there."
		}
		return "Ask an administrator to grant it and consent in the Entra admin centre."
	case KindThrottled:
		if e.RetryAfter.IsZero() {
			return "Try again in a few minutes."
		}
		return "Try again after " + e.RetryAfter.UTC().Format("15:04:05") + " UTC."
	case KindNotSent, KindUnclear:
		if e.mistake() != "" {
			return ""
		}
		return "Try again in a minute."
	case KindSignIn:
		return "Check the app registration's certificate or secret."
	default:
		return ""
	}
}

// NotApplied reports whether a change that ended with this error surely did
// not happen. If not, it may have: read the tenant, and never send it again.
func (e *Error) NotApplied() bool { return e.Kind != KindUnclear }
