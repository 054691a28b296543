package link

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"

	"twokey/chat/phrases"
	"twokey/chat/visit"
)

// errStray is a request that does not belong here: of another site, or of a
// sign-in that another browser began.
var errStray = errors.New("the request is not of this visit")

// errBroken is a sign-in that the tenant broke off.
var errBroken = errors.New("the tenant did not sign them in")

// open shows what an address is for. Chats open addresses to preview them, so
// that it changes nothing.
func (p *Page) open(w http.ResponseWriter, r *http.Request) error {
	token := r.PathValue("token")
	if !word.MatchString(token) {
		return visit.Gone
	}
	v, err := p.cfg.Desk.Look(r.Context(), token)
	if err != nil {
		return err
	}
	if v.Begun {
		if _, _, err := p.visit(r); err != nil {
			return visit.Gone
		}
		http.Redirect(w, r, visitPath, http.StatusSeeOther) // it may well be this browser that began
		return nil
	}
	return p.show(w, http.StatusOK, p.say(r, v).opened(v, visit.Path+token))
}

// begin uses an address up. From here on the visit is this browser's.
func (p *Page) begin(w http.ResponseWriter, r *http.Request) error {
	token := r.PathValue("token")
	if !word.MatchString(token) {
		return visit.Gone
	}
	ticket, _, err := p.cfg.Desk.Begin(r.Context(), token)
	if err != nil {
		return err
	}
	for _, old := range []string{signInCookie, keyCookie, personCookie} {
		p.dropCookie(w, old)
	}
	p.setCookie(w, ticketCookie, ticket)
	http.Redirect(w, r, visitPath, http.StatusSeeOther)
	return nil
}

// visit is the one of the browser that asks.
func (p *Page) visit(r *http.Request) (ticket string, v visit.Visit, err error) {
	if ticket = p.readCookie(r, ticketCookie); !word.MatchString(ticket) {
		return "", v, visit.Gone
	}
	v, err = p.cfg.Desk.Visit(r.Context(), ticket)
	return ticket, v, err
}

// stand shows where a visit stands.
func (p *Page) stand(w http.ResponseWriter, r *http.Request) error {
	ticket, v, err := p.visit(r)
	if err != nil {
		return err
	}
	say := p.say(r, v)
	switch {
	case v.Signed && v.Purpose == visit.Collect:
		return p.show(w, http.StatusOK, say.ready(v, person{}, visit.Done{Pass: true}))
	case v.Signed && v.Purpose == visit.StepUp:
		return p.show(w, http.StatusOK, say.thanks())
	case v.Signed:
		return visit.Gone // the code of a link is shown once
	}
	h, err := p.holder(r, ticket, v)
	if err != nil {
		return err
	}
	return p.show(w, http.StatusOK, say.signIn(v, len(h.keys) > 0))
}

// signIn sends somebody to the tenant's sign-in. It is a link and no form, see
// policy; whatever site leads somebody here, it is their own visit that they
// sign in for, and the page has told them what it is.
func (p *Page) signIn(w http.ResponseWriter, r *http.Request) error {
	ticket, v, err := p.visit(r)
	switch {
	case err != nil:
		return err
	case v.Signed:
		return visit.Gone
	case v.Least == visit.Passkey:
		return visit.Weak
	}
	a := newAttempt()
	to, err := p.entra.address(r.Context(), a)
	if err != nil {
		return err
	}
	if err := p.keepSealed(w, signInCookie, ticket, a); err != nil {
		return err
	}
	http.Redirect(w, r, to, http.StatusFound)
	return nil
}

// signedIn takes in who comes back from there. The state is that of this
// browser's last attempt, which is over by it.
func (p *Page) signedIn(w http.ResponseWriter, r *http.Request) error {
	ticket, v, err := p.visit(r)
	if err != nil {
		return err
	}
	var a attempt
	known := p.readSealed(r, signInCookie, ticket, &a)
	p.dropCookie(w, signInCookie)
	q := r.URL.Query()
	switch {
	case !known || !a.is(q.Get("state")):
		return errStray
	case q.Get("error") != "":
		p.cfg.Log.WarnContext(r.Context(), "the tenant broke a sign-in off", "error", printable(q.Get("error")))
		return errBroken
	}
	who, err := p.entra.redeem(r.Context(), a, q.Get("code"))
	if errors.Is(err, visit.Other) {
		return named{err, person{}}
	}
	if err != nil {
		return err
	}
	done, err := p.cfg.Desk.Signed(r.Context(), ticket, who.claims())
	if err != nil {
		return named{err, who}
	}
	if err := p.keepSealed(w, personCookie, ticket, who); err != nil {
		return err
	}
	return p.show(w, http.StatusOK, p.say(r, v).ready(v, who, done))
}

// claims are what the page vouches for.
func (p person) claims() visit.Claims {
	c := visit.Claims{Tenant: p.Tenant, Object: p.Object, Proof: visit.Password, At: p.At}
	if p.MFA {
		c.Proof = visit.MFA
	}
	return c
}

// named is an error about somebody who signed in.
type named struct {
	error
	who person
}

// Unwrap returns the error itself.
func (n named) Unwrap() error { return n.error }

// done is where a passkey leads. It says nothing of anybody.
func (p *Page) done(w http.ResponseWriter, r *http.Request) error {
	return p.show(w, http.StatusOK, p.say(r, visit.Visit{}).thanks())
}

// say is the language of a visit, or what a browser asks for.
func (p *Page) say(r *http.Request, v visit.Visit) sayer {
	l, ok := phrases.Match(v.Language)
	for asked := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		if ok {
			break
		}
		asked, _, _ = strings.Cut(asked, ";")
		l, ok = phrases.Match(asked)
	}
	return sayer{p.book.In(l), p}
}

// show writes a page, whole.
func (p *Page) show(w http.ResponseWriter, status int, s sheet) error {
	var b bytes.Buffer
	for _, part := range []string{"top", "bottom"} {
		if err := p.html.ExecuteTemplate(&b, part, s); err != nil {
			return err
		}
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // fails only if the reader has gone
	return nil
}

// fail is the one place that words what went wrong. What people have done is no
// error of ours, and is not logged as one.
func (p *Page) fail(w http.ResponseWriter, r *http.Request, err error) {
	say := p.say(r, visit.Visit{})
	if _, v, gone := p.visitAgain(r, err); gone == nil {
		say = p.say(r, v)
	}
	status, s := say.refusal(err)
	log := p.cfg.Log.InfoContext
	if status >= http.StatusInternalServerError {
		log = p.cfg.Log.ErrorContext
	}
	log(r.Context(), "the linking page refused something", "status", status, "error", err)
	if errors.As(err, &scripted{}) {
		err = writeJSON(w, status, map[string]string{"say": s.Title + ". " + strings.Join(s.Text, " ")})
	} else {
		err = p.show(w, status, s)
	}
	if err != nil {
		p.cfg.Log.ErrorContext(r.Context(), "the linking page cannot be written", "error", err)
	}
}

// visitAgain looks for the visit once more, for its language, unless it was too
// much to begin with.
func (p *Page) visitAgain(r *http.Request, err error) (string, visit.Visit, error) {
	if errors.Is(err, visit.Often) || errors.Is(err, visit.Gone) || errors.Is(err, context.Canceled) {
		return "", visit.Visit{}, visit.Gone
	}
	return p.visit(r)
}

// printable is a text of somebody else's as it may stand in a log.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
	return s[:min(len(s), 100)]
}
