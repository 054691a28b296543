package msgraph

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"twokey/graph"
)

// licenceCode is how Graph says that the tenant has no Entra ID P1. It comes
// with status 403, like a missing permission.
const licenceCode = "Authentication_RequestFromNonPremiumTenantOrB2CTenant"

// permissionCodes are how Graph's services say that our app lacks a
// permission; they differ in code and case.
var permissionCodes = []string{
	"Authorization_RequestDenied", // directory
	"AccessDenied",                // policies, authentication methods
	"Authentication_MSGraphPermissionMissing",
	"ErrorAccessDenied",
	"S2SUnauthorized", // usage reports
	"Forbidden",
}

// errCut marks an answer that ended early: worth reading again.
var errCut = errors.New("answer was cut")

// An answer is what came back, from a request or from one part of a batch.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// refusal turns an answer that is no success into an error. Graph's word is
// in the body; a status alone may be a gateway's, and proves nothing but the
// need to sign in or to slow down.
func refusal(op operation, a answer, now time.Time) *graph.Error {
	said := parseSaid(a.body)
	e := &graph.Error{
		Op:        op.name,
		Status:    a.status,
		Code:      said.code,
		Message:   said.message,
		RequestID: a.header.Get("request-id"),
		Kind:      kindOf(a.status, said.code),
	}
	if e.RequestID == "" {
		e.RequestID = said.requestID
	}
	switch e.Kind {
	case graph.KindNoPermission:
		e.Permission, e.OrRole = op.permission, op.orRole
	case graph.KindThrottled, graph.KindUnclear: // a 503 may say so too
		e.RetryAfter = retryAfter(a.header, now)
	}
	return e
}

// kindOf sorts a status and Graph's code, which is empty if Graph said none.
func kindOf(status int, code string) graph.Kind {
	switch {
	case status == http.StatusUnauthorized:
		return graph.KindSignIn
	case status == http.StatusTooManyRequests:
		return graph.KindThrottled
	case status < 400 || status > 499 || status == http.StatusRequestTimeout || code == "":
		return graph.KindUnclear
	case status == http.StatusNotFound:
		return graph.KindNotFound
	case status == http.StatusConflict:
		return graph.KindConflict
	case status == http.StatusForbidden && strings.EqualFold(code, licenceCode):
		return graph.KindNoLicence
	case status == http.StatusForbidden && slices.ContainsFunc(permissionCodes, func(c string) bool { return strings.EqualFold(c, code) }):
		return graph.KindNoPermission
	default:
		return graph.KindRefused
	}
}

// noAnswer is the error of a request that ended without one. It surely did
// not leave if the transport never had a connection.
func noAnswer(call *call, conn *connection, err error) *graph.Error {
	e := &graph.Error{Kind: graph.KindUnclear, Op: call.op.name, Err: err}
	if conn.never() {
		e.Kind = graph.KindNotSent
	}
	return e
}

// unreadable is the error of a success that cannot be understood.
func unreadable(call *call, err error) *graph.Error {
	return &graph.Error{Kind: graph.KindUnclear, Op: call.op.name, Status: call.status, RequestID: call.requestID, Err: err}
}

// said is Graph's error object, as far as it could be read.
type said struct{ code, message, requestID string }

// parseSaid reads {"error":{"code","message","innerError":{"request-id"}}}
// piece by piece, so that one odd member does not hide the others.
func parseSaid(body []byte) said {
	outer := members(body)
	inner := members(outer["error"])
	s := said{code: text(inner["code"]), message: text(inner["message"])}
	for _, spelling := range []string{"innerError", "innererror"} {
		if id := text(members(inner[spelling])["request-id"]); id != "" {
			s.requestID = id
		}
	}
	return s
}

// members returns a JSON object's members, none if it is no object.
func members(object []byte) map[string]json.RawMessage {
	var m map[string]json.RawMessage
	if json.Unmarshal(object, &m) != nil {
		return nil
	}
	return m
}

// text returns a JSON string of a sensible length, "" if it is no string.
func text(value []byte) string {
	var s string
	if json.Unmarshal(value, &s) != nil {
		return ""
	}
	const longest = 1000
	if r := []rune(s); len(r) > longest {
		return string(r[:longest]) + " (cut)"
	}
	return s
}

// longestWait is as long as Graph's word is taken for. A longer one is a
// mistake, or worth another question in an hour.
const longestWait = time.Hour

// retryAfter reads the header's two forms, seconds or a date, as a moment by
// our clock; a date is compared with the answer's own. The zero time means that
// it says nothing useful.
func retryAfter(header http.Header, now time.Time) time.Time {
	value := header.Get("Retry-After")
	if seconds, err := strconv.ParseFloat(value, 64); err == nil {
		if !(seconds >= 0) {
			return time.Time{}
		}
		return now.Add(time.Duration(min(seconds, longestWait.Seconds()) * float64(time.Second)))
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return time.Time{}
	}
	sent, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		sent = now
	}
	return now.Add(min(max(0, at.Sub(sent)), longestWait))
}

// asError makes one graph.Error of whatever the SDK returned: the pipeline's
// own error without the SDK's wrapping, which holds addresses with names in
// them, or else the SDK's complaint about what it was to send or to read.
func asError(call *call, err error) *graph.Error {
	e, ok := errors.AsType[*graph.Error](err)
	switch {
	case ok:
		if e.Op == "" { // from credential, which does not know the call
			e.Op = call.op.name
		}
		return e
	case call.sent:
		return unreadable(call, err)
	default:
		return &graph.Error{Kind: graph.KindNotSent, Op: call.op.name, Err: err}
	}
}
