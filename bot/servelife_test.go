package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"strings"
	"testing"
	"time"

	"twokey/bot/slack/slacktest"
	"twokey/chat"
)

// TestServeRestart stops the bot while a request waits and starts it again: the
// prompts that are there already are decided on, and nobody is asked twice.
func TestServeRestart(t *testing.T) {
	t.Parallel()
	of := openOffice(t, officeOptions{})
	request := of.ask("defaults enable everybody has been trained")
	of.approve("abe", request, "needs one more person")
	prompt := of.prompt("bea", request)
	if err := of.end(); err != nil {
		t.Fatalf("the bot ended with %v", err)
	}
	of.start(0)
	of.press("bea", prompt, "Approve")
	of.await("bea", "that it counts", of.says("it was the last one needed"))
	of.advance(15 * time.Minute)
	of.await("ada", "the outcome", of.direct("ada", of.says(request+" done")))
	of.effects(1)
	for person, room := range map[string]string{"abe": of.slack.Direct(account("abe")), "bea": of.slack.Direct(account("bea")), "vic": adminsRoom} {
		of.wantPrompts(t, person, room, request)
	}
}

// TestU09NewRulesOnSlack starts the bot again with one approver more: everybody
// who decides is told, and the new one counts only a day later.
func TestU09NewRulesOnSlack(t *testing.T) {
	t.Parallel()
	of := openOffice(t, officeOptions{scopes: []string{"groups:history"}})
	if err := of.end(); err != nil {
		t.Fatalf("the bot ended with %v", err)
	}
	cfg := of.yaml("")
	const approvers = "approver: {users: [abe@harbourvale.example, bea@harbourvale.example"
	if !strings.Contains(cfg, approvers) {
		t.Fatalf("the configuration names other approvers:\n%s", cfg)
	}
	of.write("twokey.yaml", strings.Replace(cfg, approvers, approvers+", vic@harbourvale.example", 1))
	of.start(0)
	for _, person := range []string{"abe", "bea", "olga"} {
		of.await(person, "what has changed", of.direct(person, of.says("The rules of this bot were changed", "Vic Marlowe", "weaker")))
	}
	request := of.ask("defaults enable everybody has been trained")
	of.command("vic", "", "approve "+request)
	of.await("vic", "a refusal", of.says("You may not decide this"))
}

// TestU09ContactHoldsLate has somebody put their own number into the configuration
// and ask at once: who decides is told to call whom they were told before.
func TestU09ContactHoldsLate(t *testing.T) {
	t.Parallel()
	of := openOffice(t, officeOptions{scopes: []string{"groups:history"}})
	if err := of.end(); err != nil {
		t.Fatalf("the bot ended with %v", err)
	}
	of.write("twokey.yaml", strings.Replace(of.yaml(""), "contact: Ada Okafor, extension 42", "contact: Mallory, 13", 1))
	of.start(0)
	of.await("abe", "what has changed", of.direct("abe", of.says("The rules of this bot were changed", "Mallory, 13", "weaker")))
	prompt := of.prompt("abe", of.ask("defaults enable everybody has been trained"))
	if said := prompt.Plain + prompt.Text; strings.Contains(said, "Mallory, 13") || !strings.Contains(said, "Ada Okafor, extension 42") {
		t.Errorf("the prompt says whom to call otherwise than what holds:\n%s", said)
	}
}

// TestU12FreezeOnSlack freezes from the host beside the running bot: everybody
// who decides is told on Slack, and nothing can be asked any more.
func TestU12FreezeOnSlack(t *testing.T) {
	t.Parallel()
	of := openOffice(t, officeOptions{})
	var said safeBuffer
	if status := run(t.Context(), []string{"freeze", "--config", of.config, "--reason", "a strange sign-in"}, streams{strings.NewReader(""), &said, &said}); status != 0 {
		t.Fatalf("freeze = %d: %s", status, said.String())
	}
	for _, person := range []string{"abe", "bea", "olga"} {
		of.await(person, "the freeze", of.direct(person, of.says("a strange sign-in")))
	}
	of.await("vic", "the freeze", func(m slacktest.Message) bool { return m.Channel == adminsRoom && of.says("a strange sign-in")(m) })
	of.command("ada", adminsRoom, "defaults enable everybody has been trained")
	of.await("ada", "a refusal", of.says("frozen"))
	of.effects(0)
}

// TestServeFinishesWhatItHas stops the bot while somebody is being answered, and
// others wait: all of them get their answer.
func TestServeFinishesWhatItHas(t *testing.T) {
	t.Parallel()
	begun, release := make(chan struct{}, 10), make(chan struct{})
	of := openOffice(t, officeOptions{through: func(h chat.Handler) chat.Handler {
		return chat.HandlerFunc(func(ctx context.Context, r chat.Responder, e chat.Event) error {
			begun <- struct{}{}
			<-release
			return h.Handle(ctx, r, e)
		})
	}})
	of.command("vic", "", "version")
	of.command("vic", "", "whoami") // waits behind the first
	of.command("sue", "", "whoami")
	<-begun
	<-begun
	ended := make(chan error, 1)
	go func() { ended <- of.end() }()
	of.until("nothing is taken in any more", func() bool { return of.service.slack.Ready() != nil })
	close(release)
	if err := <-ended; err != nil {
		t.Errorf("the bot ended with %v", err)
	}
	for person, want := range map[string]int{"vic": 2, "sue": 1} {
		if n := of.answers(account(person)); n != want {
			t.Errorf("%s has %d answers, want %d", person, n, want)
		}
	}
}

// TestServeTLS serves with a certificate of its own.
func TestServeTLS(t *testing.T) {
	t.Parallel()
	addr := freePort(t)
	of := openOffice(t, officeOptions{closed: true, edit: func(yaml string) string {
		return yaml + "web: {addr: \"" + addr + "\", tls: files, cert_file: web.pem, key_file: web.key}\n"
	}})
	pair := of.graph.TLS.Certificates[0]
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	of.write("web.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]})))
	of.write("web.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})))
	of.start(0)
	resp, err := of.graph.Client().Get("https://" + addr + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.TLS == nil || resp.TLS.Version < tls.VersionTLS12 {
		t.Errorf("/healthz = %s, %+v", resp.Status, resp.TLS)
	}
}

// TestG18ARestartForgetsNothing lets a delivery come once more after a restart: it is
// still known.
func TestG18ARestartForgetsNothing(t *testing.T) {
	t.Parallel()
	of := openOffice(t, officeOptions{})
	d := of.slack.Command(account("vic"), "", "version")
	of.acked(d, "a command")
	of.await("vic", "an answer", of.says("Twokey"))
	if err := of.end(); err != nil {
		t.Fatalf("the bot ended with %v", err)
	}
	of.start(0)
	of.acked(d.Again(), "the same once more")
	of.command("vic", "", "whoami") // behind it
	of.await("vic", "the next answer", of.says("Vic Marlowe"))
	if n := of.answers(account("vic")); n != 2 {
		t.Errorf("vic has %d answers, want 2", n)
	}
}
