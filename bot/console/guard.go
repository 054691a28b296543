package console

import (
	"errors"
	"fmt"
	"mime"
	"net"
	"net/http"
	"strings"
)

// refusal is an answer other than the one that was asked for.
type refusal struct {
	status int
	say    string
}

func (r refusal) Error() string { return fmt.Sprintf("%d: %s", r.status, r.say) }

// Say returns the sentence for the person who asked.
func (r refusal) Say() string { return r.say }

func refuse(status int, format string, args ...any) error {
	return refusal{status: status, say: fmt.Sprintf(format, args...)}
}

// policy lets the page load its own files and nothing else, and makes the
// browser refuse any code that would turn text into markup.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

func setHeaders(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// guard returns a refusal unless a request was made to this machine's own
// names by a program, or by a page of ours. Any site on the web can have a
// browser send requests to loopback (then Origin is foreign), and can point a
// name of its own at it (then Host is foreign, and reading is as bad as
// writing).
func guard(r *http.Request) error {
	if !ownHost(r) {
		return refuse(http.StatusForbidden, "Open this page as 127.0.0.1 or localhost, not under another name.")
	}
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		return refuse(http.StatusForbidden, "This was sent by another site, and only the console's own page may do that.")
	}
	if r.Method != http.MethodPost {
		return nil
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return refuse(http.StatusUnsupportedMediaType, "Send the body as JSON, with the header Content-Type: application/json.")
	}
	return nil
}

// ownHost reports whether the request names loopback or the very address at
// which it arrived.
func ownHost(r *http.Request) bool {
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.Trim(host, "[]"))
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	if ip == nil {
		return false
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	return ip.IsLoopback() || ok && local.IP.Equal(ip)
}

// sayer is an error with a sentence for people.
type sayer interface{ Say() string }

// outcome returns the status and the sentence for an error: the error's own
// sentence if it has one, and nothing of its cause otherwise.
func outcome(err error) (status int, say string) {
	var r refusal
	if errors.As(err, &r) {
		return r.status, r.say
	}
	if s := sayer(nil); errors.As(err, &s) {
		return http.StatusInternalServerError, s.Say()
	}
	return http.StatusInternalServerError, "Something went wrong here; the log says what."
}
