package simtenant

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// answer is what a call gets. A body that is a string goes out as plain text,
// a csvFile as a file, a page as HTML, nil sends none, everything else is JSON.
type answer struct {
	status int
	header map[string]string
	body   any
}

// page is an answer's body that goes out as HTML, and brokenJSON one that says
// it is JSON and is none.
type (
	page       string
	brokenJSON string
)

// refusal is an error of the tenant's own, in Graph's words.
type refusal struct {
	status     int
	code       string
	message    string
	retryAfter int    // seconds, 0: not said
	retryDate  bool   // said as a date
	location   string // where to begin again; empty: not said
}

func (r *refusal) Error() string { return r.code + ": " + r.message }

// refuse makes a refusal. The codes are not consistently spelled because
// Graph's are not: each service has its own.
func refuse(status int, code, message string) *refusal {
	return &refusal{status: status, code: code, message: message}
}

func badRequest(message string) *refusal { return refuse(http.StatusBadRequest, "BadRequest", message) }

func unsupportedQuery(message string) *refusal {
	return refuse(http.StatusBadRequest, "Request_UnsupportedQuery", message)
}

func notFound(id string) *refusal {
	return refuse(http.StatusNotFound, "Request_ResourceNotFound",
		"Resource '"+id+"' does not exist or one of its queried reference-property objects are not present.")
}

// noLicence is what reports and logs answer on a tenant without P1.
func noLicence() *refusal {
	return refuse(http.StatusForbidden, "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
		"Neither tenant is B2C or tenant doesn't have premium license")
}

// codeOf names a status as Graph does when a fault is injected.
func codeOf(status int) (code, message string) {
	switch status {
	case http.StatusBadRequest:
		return "BadRequest", "The request was refused."
	case http.StatusUnauthorized:
		return "InvalidAuthenticationToken", "Access token is empty or has expired."
	case http.StatusForbidden:
		return "Authorization_RequestDenied", "Insufficient privileges to complete the operation."
	case http.StatusNotFound:
		return "Request_ResourceNotFound", "Resource does not exist."
	case http.StatusConflict:
		return "Conflict", "The object was changed at the same time."
	case http.StatusTooManyRequests:
		return "TooManyRequests", "Too many requests."
	case http.StatusInternalServerError:
		return "InternalServerError", "An internal server error occurred."
	case http.StatusServiceUnavailable:
		return "ServiceUnavailable", "The service is temporarily unavailable."
	default:
		return "UnknownError", http.StatusText(status)
	}
}

// answerTo turns what a handler returned into the answer that is sent.
func (c *call) answerTo(a *answer, err error) *answer {
	if err == nil {
		return a
	}
	var r *refusal
	if !errors.As(err, &r) {
		r = refuse(http.StatusInternalServerError, "InternalServerError", err.Error())
	}
	out := &answer{status: r.status, header: map[string]string{}, body: c.envelope(r)}
	switch {
	case r.retryAfter > 0 && r.retryDate:
		out.header["Retry-After"] = c.t.Now().Add(time.Duration(r.retryAfter) * time.Second).Format(http.TimeFormat)
	case r.retryAfter > 0:
		out.header["Retry-After"] = strconv.Itoa(r.retryAfter)
	}
	if r.location != "" {
		out.header["Location"] = r.location
	}
	return out
}

// envelope is Graph's error body. The inner date is UTC and has no zone.
func (c *call) envelope(r *refusal) document {
	return document{"error": document{
		"code": r.code, "message": r.message,
		"innerError": document{
			"date":              c.t.Now().Format("2006-01-02T15:04:05"),
			"request-id":        c.requestID,
			"client-request-id": c.clientRequestID,
		},
	}}
}

func (c *call) headers(a *answer) map[string]string {
	h := map[string]string{
		"request-id":        c.requestID,
		"client-request-id": c.clientRequestID,
		"Date":              c.t.Now().Format(http.TimeFormat),
	}
	for k, v := range a.header {
		h[k] = v
	}
	return h
}

// write sends the answer of a call.
func (c *call) write(w http.ResponseWriter, a *answer) {
	for k, v := range c.headers(a) {
		w.Header().Set(k, v)
	}
	writeBody(w, a)
}

// jsonMedia is how Graph names its JSON.
const jsonMedia = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"

func writeBody(w http.ResponseWriter, a *answer) {
	switch body := a.body.(type) {
	case nil:
		w.WriteHeader(a.status)
	case csvFile:
		writeFile(w, a.status, body)
	case page:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(a.status)
		_, _ = w.Write([]byte(body))
	case brokenJSON:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(a.status)
		_, _ = w.Write([]byte(body))
	case string:
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(a.status)
		_, _ = w.Write([]byte(body)) // the peer may be gone; nobody is left to tell
	case pageBody:
		w.Header().Set("Content-Type", jsonMedia)
		w.WriteHeader(a.status)
		body.send(w)
	default:
		w.Header().Set("Content-Type", jsonMedia)
		w.WriteHeader(a.status)
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		_ = enc.Encode(body)
	}
}

func writeFile(w http.ResponseWriter, status int, f csvFile) {
	raw, err := f.bytes()
	if err != nil {
		status = http.StatusInternalServerError // a buffer takes everything
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", "attachment; filename="+f.name)
	w.WriteHeader(status)
	_, _ = w.Write(raw)
}

// stamp writes a moment as the directory does.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// stampFine writes a moment as the logs do, with fractions of a second.
func stampFine(t time.Time) string { return t.UTC().Format(fineFormat) }

const fineFormat = "2006-01-02T15:04:05.9999999Z"

func itoa(n int) string { return strconv.Itoa(n) }

func words(s string) []string { return strings.Fields(s) }

func sameID(a, b string) bool { return strings.EqualFold(a, b) }
