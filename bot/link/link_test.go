package link_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"twokey/bot/link"
	"twokey/chat/visit"
	"twokey/graph"
	"twokey/graph/simtenant"
)

// TestLink walks the way of a link without a passkey: the address, the tenant's
// sign-in, and the code that is typed back.
func TestLink(t *testing.T) {
	t.Parallel()
	p := open(t, options{})
	b := p.browser()
	token := p.desk.ask(visit.Link, "sam")
	b.get(visit.Path+token).wants(t, "the address", 200, "Slack account U0sam", "Did you ask for this yourself", "Continue")
	if len(p.desk.tickets) != 0 {
		t.Error("looking at an address has begun a visit")
	}
	b.begin(token).wants(t, "the visit", 200, "Slack account U0sam", `content="0; url=/link/sign-in"`, `href="/link/sign-in"`)
	b.signIn("sam").wants(t, "signed in", 200, "/mfa link 427193", "Sam Rivera (sam@"+domain+")", "a fresh password", `data-passkey="make"`)
	got := p.desk.taking()
	if len(got) != 1 || got[0].Object != p.object("sam") || got[0].Tenant != p.organization() || got[0].Proof != visit.Password || p.clock.Now().Sub(got[0].At) > time.Minute {
		t.Errorf("the desk was told %+v", got)
	}
	b.get("/link/visit").wants(t, "the code a second time", http.StatusGone, "not good any more")
	b.get("/link/sign-in").wants(t, "signing in again", http.StatusGone)
}

// TestLinkSaysTheSame holds that whoever guesses addresses learns nothing from
// the answers: of one that never was, that is over, or that is another's.
func TestLinkSaysTheSame(t *testing.T) {
	t.Parallel()
	p := open(t, options{})
	over := p.desk.ask(visit.Link, "sam")
	p.clock.add(visit.Life + time.Minute)
	used := p.desk.ask(visit.StepUp, "sam")
	p.browser().begin(used)
	b := p.browser()
	first := b.get(visit.Path + "QQQQQQQQQQQQQQQQQQQQQQQQQQ")
	first.wants(t, "an address that never was", http.StatusGone, "not good any more")
	for name, path := range map[string]string{
		"over": over, "used by another browser": used, "not of the form": "x", "none": "", "the visit of nobody": "visit", "markup": url.PathEscape(`"><script>alert(1)</script>`),
	} {
		for _, method := range []string{"GET", "POST"} {
			if method == "POST" && (path == "" || path == "visit") {
				continue
			}
			if a := b.do(method, visit.Path+path, url.Values{}); a.status != first.status || a.text != first.text {
				t.Errorf("%s %s: %d %s, want what is said of any other", method, name, a.status, a.text)
			}
		}
	}
	b.setCookie("__Host-twokey-visit", "QQQQQQQQQQQQQQQQQQQQQQQQQQ")
	if a := b.get("/link/visit"); a.status != first.status || a.text != first.text {
		t.Errorf("a ticket that never was: %d %s", a.status, a.text)
	}
}

// TestLinkUsedTwice gives a visit to the browser that began it, and to no other.
func TestLinkUsedTwice(t *testing.T) {
	t.Parallel()
	p := open(t, options{})
	token := p.desk.ask(visit.Link, "sam")
	b, other := p.browser(), p.browser()
	b.begin(token)
	other.get(visit.Path+token).wants(t, "the address in another browser", http.StatusGone)
	other.do("POST", visit.Path+token, url.Values{}).wants(t, "its button there", http.StatusGone)
	other.get("/link/sign-in").wants(t, "the sign-in there", http.StatusGone)
	if a := b.get(visit.Path + token); a.status != 200 || a.at.Path != "/link/visit" {
		t.Errorf("the address in the browser that began: %d at %s", a.status, a.at)
	}
}

// TestLinkExpires ends a visit in the middle.
func TestLinkExpires(t *testing.T) {
	t.Parallel()
	p := open(t, options{})
	b := p.browser()
	b.begin(p.desk.ask(visit.Link, "sam"))
	form := b.get("/link/sign-in")
	p.clock.add(visit.Life)
	b.do("POST", form.at.String(), url.Values{"login": {"sam@" + domain}, "passwd": {simtenant.Password}}).wants(t, "coming back too late", http.StatusGone, "not good any more")
	if got := p.desk.taking(); len(got) != 0 {
		t.Errorf("the desk was told %+v", got)
	}
}

// back is the address at which the tenant would send a browser back to the page.
func (b *browser) back(person string) *url.URL {
	b.t.Helper()
	follow := b.client.CheckRedirect
	b.client.CheckRedirect = nil
	form := b.get("/link/sign-in")
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	defer func() { b.client.CheckRedirect = follow }()
	a := b.do("POST", form.at.String(), url.Values{"login": {person + "@" + domain}, "passwd": {simtenant.Password}})
	to, err := url.Parse(a.header.Get("Location"))
	if err != nil || to.Path != "/link/signed-in" {
		b.t.Fatalf("the tenant sends nobody back: %d %s", a.status, a.text)
	}
	return to
}

// TestLinkReplayedState refuses what comes back to another sign-in than the one
// that was begun: the code of a stranger, an old state, and none.
func TestLinkReplayedState(t *testing.T) {
	t.Parallel()
	const stray = "This sign-in was not begun here"
	p := open(t, options{})
	begun := func() *browser {
		b := p.browser()
		b.begin(p.desk.ask(visit.Link, "sam"))
		return b
	}
	change := func(u *url.URL, key, value string) string {
		q := u.Query()
		q.Set(key, value)
		return u.Path + "?" + q.Encode()
	}
	b := begun()
	b.get(change(b.back("sam"), "state", "guess")).wants(t, "another state", http.StatusBadRequest, stray)
	b = begun()
	b.get(change(b.back("sam"), "state", "")).wants(t, "no state", http.StatusBadRequest, stray)

	attacker, victim := begun(), begun()
	theirs := attacker.back("sam")
	victim.get("/link/sign-in")
	victim.get(theirs.RequestURI()).wants(t, "the attacker's code in the victim's browser", http.StatusBadRequest, stray)

	b = begun()
	to := b.back("sam")
	b.get(to.RequestURI()).wants(t, "the first time", 200, "/mfa link 427193")
	b.get(to.RequestURI()).wants(t, "the same again", http.StatusBadRequest, stray)

	b = begun()
	first := b.back("sam")
	second := b.back("sam")
	b.get(change(second, "code", first.Query().Get("code"))).wants(t, "the code of an earlier attempt", http.StatusInternalServerError, "Nothing was changed")

	b = begun()
	old := b.back("sam")
	kept := b.cookie("__Host-twokey-sign-in")
	b.get(old.RequestURI()).wants(t, "signed in", 200)
	b.setCookie("__Host-twokey-sign-in", kept)
	b.get(old.RequestURI()).wants(t, "the same again, with the cookie of before", http.StatusInternalServerError)

	// A sign-in under way in one visit is none in another, whoever moves its cookie.
	one, two := begun(), begun()
	to = one.back("sam")
	two.setCookie("__Host-twokey-sign-in", one.cookie("__Host-twokey-sign-in"))
	two.get(to.RequestURI()).wants(t, "another visit's sign-in", http.StatusBadRequest, stray)
	if got := len(p.desk.taking()); got != 2 {
		t.Errorf("the desk took in %d sign-ins, want the two that were right", got)
	}
}

// TestLinkForgedTokens holds every claim against what was asked. The tokens are
// signed by the key that the tenant publishes, unless they are not.
func TestLinkForgedTokens(t *testing.T) {
	t.Parallel()
	set := func(name string, value any) func(map[string]any) {
		return func(c map[string]any) {
			if value == nil {
				delete(c, name)
				return
			}
			c[name] = value
		}
	}
	for name, tt := range map[string]struct {
		forge  forgery
		status int
		say    string
	}{
		"as they are":             {forgery{}, 200, "/mfa link 427193"},
		"another tenant (tid)":    {forgery{claims: set("tid", "11111111-2222-4333-8444-555555555555")}, 403, "This account does not fit"},
		"no tenant":               {forgery{claims: set("tid", nil)}, 403, "This account does not fit"},
		"another issuer":          {forgery{claims: set("iss", "https://127.0.0.1/11111111-2222-4333-8444-555555555555/v2.0")}, 500, "Nothing was changed"},
		"for another app":         {forgery{claims: set("aud", "00000003-0000-0000-c000-000000000000")}, 500, "Nothing was changed"},
		"another nonce":           {forgery{claims: set("nonce", "of another sign-in")}, 500, "Nothing was changed"},
		"no nonce":                {forgery{claims: set("nonce", nil)}, 500, "Nothing was changed"},
		"no object ID":            {forgery{claims: set("oid", nil)}, 500, "Nothing was changed"},
		"over":                    {forgery{claims: set("exp", 1000000000)}, 500, "Nothing was changed"},
		"signed in long ago":      {forgery{claims: set("auth_time", 1000000000)}, 403, "That does not prove enough"},
		"not said when":           {forgery{claims: set("auth_time", nil)}, 500, "Nothing was changed"},
		"signed by somebody else": {forgery{foreign: true}, 500, "Nothing was changed"},
		"not signed":              {forgery{alg: "none"}, 500, "Nothing was changed"},
		"by a shared key":         {forgery{alg: "HS256"}, 500, "Nothing was changed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			forge := tt.forge
			p := open(t, options{forge: &forge})
			b := p.browser()
			b.begin(p.desk.ask(visit.Link, "sam"))
			b.signIn("sam").wants(t, name, tt.status, tt.say)
			if got := len(p.desk.taking()); (got == 1) != (tt.status == 200) {
				t.Errorf("the desk took in %d sign-ins", got)
			}
		})
	}
}

// TestLinkWrongTenant holds that the page finds no sign-in service of another
// tenant than its own, whose issuer is another.
func TestLinkWrongTenant(t *testing.T) {
	t.Parallel()
	p := open(t, options{edit: func(c *link.Config) { c.Tenant = "organizations" }})
	b := p.browser()
	b.begin(p.desk.ask(visit.Link, "sam"))
	b.get("/link/sign-in").wants(t, "an issuer that is another", http.StatusInternalServerError, "Nothing was changed")

	p = open(t, options{})
	b = p.browser()
	b.begin(p.desk.ask(visit.Link, "sam"))
	b.signInAs("eve@elsewhere.example", simtenant.Password).wants(t, "somebody of elsewhere, at the tenant", 200, "AADSTS50020")
	if len(p.desk.taking()) != 0 {
		t.Error("somebody of elsewhere was taken in")
	}
}

// TestLinkBrokenOff comes back without a code.
func TestLinkBrokenOff(t *testing.T) {
	t.Parallel()
	p := open(t, options{})
	b := p.browser()
	b.begin(p.desk.ask(visit.Link, "sam"))
	q := b.back("sam").Query()
	q.Del("code")
	q.Set("error", "access_denied\nlevel=ERROR")
	b.get("/link/signed-in?"+q.Encode()).wants(t, "broken off", http.StatusForbidden, "You were not signed in", "Try again")
	if strings.Contains(p.log.String(), "\nlevel=ERROR") {
		t.Error("what came from outside is a line of the log's own")
	}
	b.signIn("sam").wants(t, "another time", 200, "/mfa link 427193")
}

// TestStepUpByPassword proves anew who somebody is, for whom it was asked and for
// nobody else.
func TestStepUpByPassword(t *testing.T) {
	t.Parallel()
	p := open(t, options{})
	b := p.browser()
	token := p.desk.ask(visit.StepUp, "bea")
	b.get(visit.Path+token).wants(t, "the address", 200, "Approve R-ABC234", "Sam Rivera")
	b.begin(token)
	b.signIn("abe").wants(t, "another account", http.StatusForbidden, "This account does not fit", "Abe Lindqvist", "Try again")
	b.signIn("bea").wants(t, "the right one", 200, "Thank you", "a fresh password", "Go back to the chat")
	b.get("/link/visit").wants(t, "looking again", 200, "Thank you")
	if got := p.desk.taking(); len(got) != 1 || got[0].Object != p.object("bea") || got[0].Proof != visit.Password {
		t.Errorf("the desk was told %+v", got)
	}
	b.begin(p.desk.ask(visit.StepUp, "bea"))
	for range 3 {
		b.signIn("abe").wants(t, "another account", http.StatusForbidden)
	}
	b.signIn("abe").wants(t, "too many tries", http.StatusTooManyRequests, "That was too often")
}

// TestStepUpNeedsFreshness holds that a session which was there before proves
// nothing, though whoever sits at it can take away what asks for the password.
func TestStepUpNeedsFreshness(t *testing.T) {
	t.Parallel()
	for name, undated := range map[string]bool{"auth_time is an optional claim of the app": false, "it is not": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := open(t, options{undated: undated})
			b := p.browser()
			b.begin(p.desk.ask(visit.StepUp, "bea"))
			b.signIn("bea").wants(t, "the session begins", 200, "Thank you")
			p.clock.add(5 * time.Minute)
			b.begin(p.desk.ask(visit.StepUp, "bea"))
			form := b.get("/link/sign-in")
			if !strings.Contains(form.text, `name="passwd"`) {
				t.Fatalf("no password is asked for: %d at %s", form.status, form.at)
			}
			q := form.at.Query()
			q.Del("prompt")
			q.Del("max_age")
			form.at.RawQuery = q.Encode()
			want := http.StatusForbidden // it was too long ago
			if undated {
				want = http.StatusInternalServerError // it is not said when
			}
			b.get(form.at.String()).wants(t, "by the session", want)
			if got := len(p.desk.taking()); got != 1 {
				t.Errorf("the desk took in %d sign-ins, want the first", got)
			}
		})
	}
}

// TestU03StepUpSaysWhatItProved takes for MFA what the token says is, and nothing
// else: neither a second factor that was given and not told, nor a context that
// was taken out of the address.
func TestU03StepUpSaysWhatItProved(t *testing.T) {
	t.Parallel()
	least := func(v *visit.Visit) { v.Least = visit.MFA }
	factor := func(b *browser, person string, change func(url.Values)) answer {
		form := b.get("/link/sign-in")
		q := form.at.Query()
		change(q)
		form.at.RawQuery = q.Encode()
		a := b.do("POST", form.at.String(), url.Values{"login": {person + "@" + domain}, "passwd": {simtenant.Password}})
		_, flow, _ := strings.Cut(a.text, `name="flow" value="`)
		flow, _, _ = strings.Cut(flow, `"`)
		_, method, asked := strings.Cut(a.text, `name="method" value="`)
		method, _, _ = strings.Cut(method, `"`)
		if !asked {
			return a
		}
		return b.do("POST", form.at.String(), url.Values{"flow": {flow}, "method": {method}})
	}
	asIs := func(url.Values) {}
	t.Run("a context", func(t *testing.T) {
		t.Parallel()
		p := open(t, options{licence: graph.P1, contexts: []string{"c1"}, context: "c1"})
		b := p.browser()
		b.begin(p.desk.ask(visit.StepUp, "bea", least))
		factor(b, "bea", func(q url.Values) { q.Del("claims") }).wants(t, "downgraded in the address", http.StatusForbidden, "That does not prove enough")
		factor(b, "bea", asIs).wants(t, "with the context", 200, "Thank you", "fresh MFA")
		if got := p.desk.taking(); len(got) != 1 || got[0].Proof != visit.MFA {
			t.Errorf("the desk was told %+v", got)
		}
	})
	t.Run("a second factor that is not told", func(t *testing.T) {
		t.Parallel()
		p := open(t, options{})
		p.graphCall("PATCH", "/policies/identitySecurityDefaultsEnforcementPolicy", `{"isEnabled":true}`, nil)
		b := p.browser()
		b.begin(p.desk.ask(visit.StepUp, "bea", least))
		factor(b, "bea", asIs).wants(t, "by security defaults", http.StatusForbidden, "That does not prove enough")
		b.begin(p.desk.ask(visit.StepUp, "bea"))
		factor(b, "bea", asIs).wants(t, "where a password is enough", 200, "a fresh password")
	})
	t.Run("amr", func(t *testing.T) {
		t.Parallel()
		p := open(t, options{forge: &forgery{claims: func(c map[string]any) { c["amr"] = []string{"pwd", "mfa"} }}})
		b := p.browser()
		b.begin(p.desk.ask(visit.StepUp, "bea", least))
		b.signIn("bea").wants(t, "a token that says mfa", 200, "fresh MFA")
	})
	t.Run("a context that nobody configured", func(t *testing.T) {
		t.Parallel()
		p := open(t, options{forge: &forgery{claims: func(c map[string]any) { c["acrs"] = "c1" }}})
		b := p.browser()
		b.begin(p.desk.ask(visit.StepUp, "bea", least))
		b.signIn("bea").wants(t, "a context that means nothing here", http.StatusForbidden)
	})
	t.Run("a passkey is wanted", func(t *testing.T) {
		t.Parallel()
		p := open(t, options{})
		b := p.browser()
		a := b.begin(p.desk.ask(visit.StepUp, "bea", func(v *visit.Visit) { v.Least = visit.Passkey }))
		a.wants(t, "without any", 200, "you have none here yet", "/mfa link")
		if strings.Contains(a.text, "/link/sign-in") {
			t.Error("a password is offered that proves nothing")
		}
		b.get("/link/sign-in").wants(t, "the sign-in all the same", http.StatusForbidden)
	})
}

// TestLinkCrossSite refuses what other sites have a browser send.
func TestLinkCrossSite(t *testing.T) {
	t.Parallel()
	p := open(t, options{})
	token := p.desk.ask(visit.Link, "sam")
	b := p.browser()
	b.do("POST", visit.Path+token, url.Values{}, "Sec-Fetch-Site", "cross-site").wants(t, "a form of another site", http.StatusBadRequest)
	b.do("POST", visit.Path+token, url.Values{}, "Origin", "https://evil.example").wants(t, "an older browser's", http.StatusBadRequest)
	if len(p.desk.tickets) != 0 {
		t.Error("another site has begun a visit")
	}
	b.begin(token)
	b.do("POST", "/link/passkey/ask", url.Values{}).wants(t, "a form in place of the script", http.StatusBadRequest)
	if a := b.do("POST", "/link/pass", url.Values{}, "Sec-Fetch-Site", "same-site"); a.status != http.StatusBadRequest {
		t.Errorf("a neighbour's form: %d", a.status)
	}
	if a := b.send("POST", "/link/passkey/use", strings.Repeat("x", 1<<20), "Content-Type", "application/json"); a.status/100 == 2 {
		t.Errorf("a mebibyte: %d", a.status)
	}
}

// TestLinkLanguages speaks the person's language, and before it is known that of
// the browser.
func TestLinkLanguages(t *testing.T) {
	t.Parallel()
	p := open(t, options{})
	b := p.browser()
	german := p.desk.ask(visit.Link, "sam", func(v *visit.Visit) { v.Language = "de" })
	b.get(visit.Path+german).wants(t, "the person's", 200, `<html lang="de">`, "Ihr Chat-Konto verknüpfen")
	b.do("GET", "/link/visit", nil, "Accept-Language", "xx, pt-BR;q=0.9, en;q=0.1").wants(t, "the browser's", http.StatusGone, `<html lang="pt">`, "Este endereço")
	b.do("GET", "/link/visit", nil, "Accept-Language", strings.Repeat("xx,", 500)).wants(t, "none that it speaks", http.StatusGone, `<html lang="en">`)
	b.begin(german)
	b.get("/link/signed-in?state=x").wants(t, "a refusal in the visit", http.StatusBadRequest, `<html lang="de">`)
}

// TestLinkDeskFails says that it cannot be done now, and nothing of the cause.
func TestLinkDeskFails(t *testing.T) {
	t.Parallel()
	p := open(t, options{})
	b := p.browser()
	token := p.desk.ask(visit.Link, "sam")
	p.desk.broken = errDesk
	a := b.get(visit.Path + token)
	a.wants(t, "a desk that fails", http.StatusInternalServerError, "Something went wrong here")
	if strings.Contains(a.text, errDesk.Error()) {
		t.Error("the cause is told to the browser")
	}
	if log := p.log.String(); !strings.Contains(log, errDesk.Error()) || strings.Contains(log, token) {
		t.Errorf("the log wants the cause, and no token: %s", log)
	}
}
