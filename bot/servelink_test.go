package main

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"twokey/bot/browsertest"
	"twokey/bot/link"
	"twokey/bot/slack/slacktest"
	"twokey/graph"
	"twokey/graph/simtenant"
)

const (
	signInApp    = "7d4a1b2c-3e5f-4a6b-8c7d-000000000003"
	signInSecret = "what only the page knows"
)

// apps are the office's app registrations.
func (of *office) apps() []simtenant.App {
	if of.page == "" {
		return officeApps
	}
	return append(slices.Clone(officeApps), simtenant.App{
		ClientID: signInApp, Name: "Twokey signs in", Secret: graph.NewSecret(signInSecret),
		Redirects: []string{link.RedirectURL(of.page)}, IDClaims: []string{"auth_time", "acrs"},
	})
}

// paged adds the page to a configuration, with a certificate of its own. Nothing
// is accepted in place of a proof; a password is enough.
func (of *office) paged(yaml string) string {
	of.t.Helper()
	pair := of.graph.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		of.t.Fatal(err)
	}
	of.write("web.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]})))
	of.write("web.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
	of.write("sign-in.secret", signInSecret+"\n")
	yaml = strings.Replace(yaml, "approvals: {accept_no_step_up: true}\n", "approvals: {step_up: password}\n", 1)
	return yaml + "web:\n  addr: " + strings.TrimPrefix(of.page, "https://") + "\n  public_url: " + of.page + "\n  tls: files\n  cert_file: web.pem\n  key_file: web.key\n" +
		"  sign_in: {client_id: " + signInApp + ", client_secret_file: sign-in.secret}\n"
}

// visitor is a real browser, with an authenticator beside it.
type visitor struct {
	*page
	of *office
}

// visitor starts a browser that trusts the office's certificates.
func (of *office) visitor() *visitor {
	of.t.Helper()
	leaf, err := x509.ParseCertificate(of.graph.TLS.Certificates[0].Certificate[0])
	if err != nil {
		of.t.Fatal(err)
	}
	sum := sha256.Sum256(leaf.RawSubjectPublicKeyInfo)
	t := of.t
	b := &visitor{&page{T: t, ctx: browsertest.Start(t, chromedp.Flag("ignore-certificate-errors-spki-list", base64.StdEncoding.EncodeToString(sum[:])))}, of}
	b.do(chromedp.EmulateViewport(390, 844), func(ctx context.Context, target *chromedp.Target) (none chromedp.Void, err error) {
		if _, err = cdp.Call(ctx, target, webauthn.Enable, webauthn.EnableParams{}); err != nil {
			return none, err
		}
		_, err = cdp.Call(ctx, target, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
			HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
		}})
		return none, err
	})
	return b
}

// sees waits until the page shows a text, however often it goes on meanwhile.
func (b *visitor) sees(text string) action {
	return func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		for {
			_, err := chromedp.Poll[bool]("document.body !== null && document.body.innerText.includes('"+text+"')")(ctx, target)
			if err == nil || ctx.Err() != nil || !strings.Contains(err.Error(), "navigated") && !strings.Contains(err.Error(), "context with specified id") {
				return chromedp.Void{}, err
			}
		}
	}
}

// begin opens an address and presses its button.
func (b *visitor) begin(address string) {
	b.Helper()
	b.do(chromedp.Navigate(address), b.sees("Continue"), click("form button"))
}

// signIn fills in the tenant's form.
func (b *visitor) signIn(person string) {
	b.Helper()
	b.do(b.sees("password is"), chromedp.SendKeys(chromedp.CSS(`input[name="login"]`), person+"@harbourvale.example"))
	b.do(chromedp.SendKeys(chromedp.CSS(`input[name="passwd"]`), simtenant.Password), click("#next"))
}

// value is what an expression is on the page.
func (b *visitor) value(expression string) string {
	b.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](expression))
	if err != nil {
		b.Fatal(err)
	}
	return v
}

// address is the page's address in a message.
func (of *office) address(m slacktest.Message) string {
	of.t.Helper()
	for _, l := range m.Links {
		if strings.HasPrefix(l, of.page+"/link/") {
			return l
		}
	}
	of.t.Fatalf("there is no address of the page in %+v", m)
	return ""
}

// asks tells the messages that hold an address of the page.
func (of *office) asks(texts ...string) func(slacktest.Message) bool {
	says := of.says(texts...)
	return func(m slacktest.Message) bool {
		return says(m) && slices.ContainsFunc(m.Links, func(l string) bool { return strings.HasPrefix(l, of.page+"/link/") })
	}
}

// TestStepUpRoad walks the road of a pass where there is a page: whoever asks,
// approves and collects proves anew who they are, in a real browser by the
// tenant's own sign-in; the pass is shown there once, and nowhere else.
func TestStepUpRoad(t *testing.T) {
	t.Parallel()
	of := openOffice(t, officeOptions{page: true})
	b := of.visitor()

	of.command("ada", adminsRoom, "tap sam@harbourvale.example --minutes 60 a lost phone, called back")
	asked := of.await("ada", "that she has to prove who she is", of.asks("Nothing is done yet"))
	b.begin(of.address(asked))
	b.signIn("abe")
	b.do(b.sees("This account does not fit"), click(`a[href="/link/visit"]`))
	b.signIn("ada")
	b.do(b.sees("Thank you"), b.sees("a fresh password"), visible(`[data-passkey="make"]:enabled`), click(`[data-passkey="make"]`), b.sees("Your passkey is kept."))
	b.do(chromedp.Navigate(of.address(asked)), b.sees("Thank you"))
	of.press("ada", asked, "Go on")
	of.confirm(b, "“Ada Okafor” has registered a passkey", `K-[A-Z2-7]{6}`)
	prompt := of.await("abe", "the prompt", of.direct("abe", func(m slacktest.Message) bool { return has(m, "Approve") && of.says("a lost phone")(m) }))

	of.press("abe", prompt, "Approve")
	approving := of.await("abe", "that he has to prove who he is", of.asks("Nothing is done yet"))
	b.begin(of.address(approving))
	b.signIn("abe")
	b.do(b.sees("Thank you"))
	of.press("abe", approving, "Approve")
	ready := of.await("ada", "that it is ready", of.direct("ada", func(m slacktest.Message) bool { return has(m, "Collect") && of.says("ready for you to collect")(m) }))

	of.press("ada", ready, "Collect")
	collecting := of.await("ada", "where to collect it", of.asks("Collect it on the page"))
	of.effects(0) // nothing is created before the page asks for it
	b.begin(of.address(collecting))
	b.do(visible(`[data-passkey="use"]:enabled`))
	if offered := b.value(`document.body.innerText`); strings.Contains(offered, "Sign in with Microsoft") {
		t.Errorf("whoever has a passkey is offered less:\n%s", offered)
	}
	b.do(click(`[data-passkey="use"]`), b.sees("Show it once"))
	of.effects(0)
	b.do(click("form button"), b.sees("kept nowhere"), visible("footer"))
	code := b.value(`document.querySelector('[data-secret]').textContent`)
	effects := of.effects(1)
	if e := effects[0]; e.Method != http.MethodPost || !strings.HasSuffix(e.Path, "/temporaryAccessPassMethods") || len(code) < 8 {
		t.Errorf("the effect is %+v, the pass %q", e, code)
	}
	of.await("ada", "the end", of.direct("ada", of.says(" done.")))
	b.do(chromedp.Navigate(of.address(collecting)), b.sees("not good any more"))

	for _, who := range []string{"ada", "sam", "abe", "bea", "olga", "vic"} {
		for _, m := range of.slack.Seen(account(who)) {
			if strings.Contains(m.Plain+m.Text, code) {
				t.Errorf("%s sees the pass in the chat: %s", who, m.Plain)
			}
		}
	}
	if strings.Contains(of.log.String(), code) {
		t.Error("the log holds the pass")
	}
	holdsNot(t, of.folder, code, "")
}

// confirm has the owner say of what was announced that it is that person's, so
// that it counts at once.
func (of *office) confirm(b *visitor, announced, form string) {
	of.t.Helper()
	told := of.await("vic", "what is new", of.says(announced))
	ref := regexp.MustCompile(form).FindString(told.Plain)
	of.command("olga", "", "link confirm "+ref)
	asked := of.await("olga", "that she has to prove who she is", of.asks("Nothing is done yet"))
	b.begin(of.address(asked))
	b.signIn("olga")
	b.do(b.sees("Thank you"))
	of.press("olga", asked, "Go on")
	of.await("olga", "that it counts", of.says(ref+" counts from now on"))
}

// TestO24LinkedOnThePage links a second account of somebody on the page, sends its
// address to a colleague first, and approves with it what that person asked for
// with the other: nobody decides on their own request, through no account.
func TestO24LinkedOnThePage(t *testing.T) {
	t.Parallel()
	of := openOffice(t, officeOptions{page: true, edit: func(yaml string) string {
		return strings.Replace(yaml, "approver: {users: [", "approver: {users: [ada@harbourvale.example, ", 1)
	}})
	const second = "U0SECOND1"
	of.slack.AddUser(slacktest.User{ID: second, Name: "bea", RealName: "Bea Fontaine", Email: "bea@harbourvale.example"}) // names are nobody's
	b := of.visitor()
	say := func(text string) {
		t.Helper()
		of.acked(of.slack.Command(second, "", text), "/mfa "+text)
	}
	hears := func(what string, fits func(slacktest.Message) bool) slacktest.Message {
		t.Helper()
		return of.await("second1", what, fits)
	}

	// O27: a name, a picture and an e-mail address of an approver give nothing.
	say("approve R-ABC234")
	hears("a refusal", of.says("I know you by the e-mail address of your chat account only"))

	say("link")
	first := hears("an address", of.asks("Sign in once"))
	b.begin(of.address(first))
	b.signIn("bea") // who was sent it, and follows it
	b.do(b.sees("One step is left"))
	code := b.value(`document.querySelector('.command code').textContent`)
	of.slack.AddUser(slacktest.User{ID: account("other"), Name: "bea", RealName: "Bea Fontaine"})
	of.command("other", "", strings.TrimPrefix(code, "/mfa "))
	of.await("other", "that the code is no use in another account", of.says("no code to type here"))

	say("link")
	again := hears("another address", func(m slacktest.Message) bool { return m.ID != first.ID && of.asks("Sign in once")(m) })
	b.begin(of.address(again))
	b.signIn("ada")
	b.do(b.sees("One step is left"))
	say(strings.TrimPrefix(b.value(`document.querySelector('.command code').textContent`), "/mfa "))
	hears("that it is linked", of.says("You are “Ada Okafor” here"))
	of.confirm(b, "“Ada Okafor” has linked a chat account", `L-[A-Z2-7]{6}`)
	request := of.provenAsk(b, "ada", "defaults enable everybody has been trained")
	say("approve " + request)
	hears("that it is her own", of.says("You asked for this yourself"))
	of.command("ada", "", "approve "+request) // O23
	of.await("ada", "that it is her own", of.says("You asked for this yourself"))
	of.effects(0)
}

// TestO25TwoAccountsOnThePage lets an approver link a second account on the page,
// and approve with both: that is one person, however often they prove it.
func TestO25TwoAccountsOnThePage(t *testing.T) {
	t.Parallel()
	of := openOffice(t, officeOptions{page: true})
	b := of.visitor()
	of.linkSecond(b, "abe", "Abe Lindqvist")
	of.confirm(b, "“Abe Lindqvist” has linked a chat account", `L-[A-Z2-7]{6}`)

	request := of.provenAsk(b, "ada", "defaults enable everybody has been trained")
	approve := func(person, as string) { of.provenApproval(b, person, as, request) }
	approve("abe", "abe")
	of.await("abe", "that it counts", of.says("needs one more person"))
	approve("second", "abe")
	of.await("second", "that it counted already", of.says("already"))
	of.await("abe", "that one is missing still", of.direct("abe", func(m slacktest.Message) bool { return of.says(request, "1 of 2")(m) }))
	of.effects(0)
}

// TestO26ALeaversVoteOnThePage has two approve by fresh proofs of who they are, of
// whom one is gone before the change is due: it is not carried out.
func TestO26ALeaversVoteOnThePage(t *testing.T) {
	t.Parallel()
	of := openOffice(t, officeOptions{page: true})
	b := of.visitor()
	request := of.provenAsk(b, "ada", "defaults enable everybody has been trained")
	of.provenApproval(b, "abe", "abe", request)
	of.await("abe", "that it counts", of.says("needs one more person"))
	of.provenApproval(b, "bea", "bea", request)
	of.await("bea", "that it was the last", of.says("it was the last one needed"))
	of.plainAs("portal", http.MethodPatch, "/v1.0/users/bea@harbourvale.example", `{"accountEnabled":false}`, nil)
	of.advance(15 * time.Minute)
	of.await("ada", "that it was not done, and why", of.direct("ada", of.says(request, "Bea Fontaine may no longer approve")))
	of.effects(0)
}

// TestO30AGuestIsGivenNoAddress has guests of the workspace ask for the page: it is
// for members alone.
func TestO30AGuestIsGivenNoAddress(t *testing.T) {
	t.Parallel()
	of := openOffice(t, officeOptions{page: true})
	for name, u := range map[string]slacktest.User{"single": {UltraRestricted: true}, "multi": {Restricted: true}, "stranger": {Stranger: true}} {
		u.ID, u.Name, u.Email = account(name), name, "abe@harbourvale.example"
		of.slack.AddUser(u)
		for _, line := range []string{"link", "me", "approve R-ABC234"} {
			of.command(name, "", line)
		}
		of.until(name+" has been answered", func() bool { return len(of.slack.Seen(u.ID)) >= 3 })
		for _, m := range of.slack.Seen(u.ID) {
			if !of.says("Only full members of this workspace")(m) || len(m.Links) > 0 {
				t.Errorf("%s is told %q", name, m.Plain)
			}
		}
	}
}

// TestU11TwoShapes runs the bot in both documented shapes: with a page, here behind
// something that has the certificate, and without any address.
func TestU11TwoShapes(t *testing.T) {
	t.Parallel()
	t.Run("a page behind a proxy", func(t *testing.T) {
		t.Parallel()
		behind := freePort(t)
		of := openOffice(t, officeOptions{page: true, edit: func(yaml string) string {
			before, after, _ := strings.Cut(yaml, "web:\n  addr: ")
			_, after, _ = strings.Cut(after, "\n")
			after = strings.Replace(after, "  tls: files\n  cert_file: web.pem\n  key_file: web.key\n", "  tls: proxy\n", 1)
			return before + "web:\n  addr: " + behind + "\n" + after
		}})
		l, err := net.Listen("tcp", strings.TrimPrefix(of.page, "https://"))
		if err != nil {
			t.Fatal(err)
		}
		proxy := &httptest.Server{
			Listener: l, TLS: of.graph.TLS.Clone(),
			Config: &http.Server{Handler: httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: behind})},
		}
		proxy.StartTLS()
		t.Cleanup(func() { proxy.CloseClientConnections(); proxy.Close() })
		b := of.visitor()
		of.linkSecond(b, "sam", "Sam Rivera")
		of.provenAsk(b, "ada", "defaults enable everybody has been trained")
	})
	t.Run("no address", func(t *testing.T) {
		t.Parallel()
		of := openOffice(t, officeOptions{})
		of.slack.AddUser(slacktest.User{ID: account("second"), Name: "second"})
		of.command("second", "", "link")
		of.await("second", "who can say whose account it is", of.says("There is no page here", "pin your chat account", account("second")))
		request := of.ask("defaults enable everybody has been trained") // a pin is enough, and no proof is asked for
		of.prompt("abe", request)
		of.command("olga", "", "doctor")
		of.await("olga", "that this was accepted", of.says("accept_no_step_up"))
	})
}

// linkSecond links an account of the chat, “second”, to somebody by the page.
func (of *office) linkSecond(b *visitor, person, name string) {
	of.t.Helper()
	of.slack.AddUser(slacktest.User{ID: account("second"), Name: "second"})
	of.command("second", "", "link")
	b.begin(of.address(of.await("second", "an address", of.asks("Sign in once"))))
	b.signIn(person)
	b.do(b.sees("One step is left"))
	of.command("second", "", strings.TrimPrefix(b.value(`document.querySelector('.command code').textContent`), "/mfa "))
	of.await("second", "that it is linked", of.says("You are “"+name+"” here"))
}

// provenApproval lets somebody approve by an account, once they have proved who
// they are.
func (of *office) provenApproval(b *visitor, account, as, request string) {
	of.t.Helper()
	of.command(account, "", "approve "+request)
	asked := of.await(account, "that they have to prove who they are", of.asks("Nothing is done yet"))
	b.begin(of.address(asked))
	b.signIn(as)
	b.do(b.sees("Thank you"))
	of.press(account, asked, "Go on")
}

// matching are the messages that a person sees and that fit.
func (of *office) matching(person string, fits func(slacktest.Message) bool) []slacktest.Message {
	return slices.DeleteFunc(of.slack.Seen(account(person)), func(m slacktest.Message) bool { return !fits(m) })
}

// provenAsk lets somebody ask for something, after they proved who they are, and
// returns the request's number.
func (of *office) provenAsk(b *visitor, person, line string) (request string) {
	of.t.Helper()
	asks := of.asks("Nothing is done yet")
	before := len(of.matching(person, asks))
	of.command(person, adminsRoom, line)
	of.until("that they have to prove who they are", func() bool { return len(of.matching(person, asks)) > before })
	asked := of.await(person, "the address", asks)
	b.begin(of.address(asked))
	b.signIn(person)
	b.do(b.sees("Thank you"))
	of.press(person, asked, "Go on")
	card := of.await(person, "the card", of.direct(person, func(m slacktest.Message) bool {
		return has(m, "Cancel the request") && of.says(line[len(line)-5:])(m)
	}))
	_, rest, _ := strings.Cut(card.Plain, "R-")
	return "R-" + rest[:6]
}
