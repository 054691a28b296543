package discord_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"twokey/bot/discord/discordtest"
)

// deliver sends a request to the bot's handler and returns the status.
func deliver(t *testing.T, h http.Handler, body []byte, header map[string]string) int {
	t.Helper()
	q := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/discord/interactions", bytes.NewReader(body))
	for name, v := range header {
		q.Header.Set(name, v)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, q)
	return w.Code
}

// TestO31BadSignatures holds that what is not signed by Discord, or not now, is
// refused before anything in it is looked at.
func TestO31BadSignatures(t *testing.T) {
	t.Parallel()
	s := overHTTP(t, discordtest.Options{})
	d := s.answered(s.Command(ada, channel, "mfa me", nil))
	s.events(1)
	body := []byte(strings.ReplaceAll(string(d.Payload()), idOf(t, d), "1310000000000000009")) // one that was not delivered
	stamp := func(off time.Duration) string { return strconv.FormatInt(s.Now().Add(off).Unix(), 10) }
	now := stamp(0)
	sign := func(at string, body []byte) map[string]string {
		return map[string]string{"X-Signature-Timestamp": at, "X-Signature-Ed25519": s.Sign(at, body)}
	}
	good := sign(now, body)["X-Signature-Ed25519"]
	with := func(at, signature string) map[string]string {
		return map[string]string{"X-Signature-Timestamp": at, "X-Signature-Ed25519": signature}
	}
	changed := bytes.Replace(body, []byte(`"locale":"en-GB"`), []byte(`"locale":"en-US"`), 1)
	for name, c := range map[string]struct {
		body   []byte
		header map[string]string
	}{
		"none":                      {body, map[string]string{"X-Signature-Timestamp": now}},
		"a wrong one":               {body, with(now, strings.Repeat("0", 128))},
		"cut short":                 {body, with(now, good[:126])},
		"not hex":                   {body, with(now, "v0="+good[3:])},
		"of another body":           {changed, with(now, good)},
		"encoded anew":              {bytes.ReplaceAll(body, []byte(":"), []byte(": ")), with(now, good)},
		"of another time":           {body, with(stamp(time.Second), good)},
		"301 s old":                 {body, sign(stamp(-301*time.Second), body)},
		"301 s ahead":               {body, sign(stamp(301*time.Second), body)},
		"a time that is no number":  {body, sign("now", body)},
		"a time that is negative":   {body, sign("-"+now, body)},
		"no time":                   {body, sign("", body)},
		"of something that is none": {[]byte("{"), with(now, good)},
	} {
		if got := deliver(t, s.bots[0], c.body, c.header); got != http.StatusUnauthorized {
			t.Errorf("%s: status %d", name, got)
		}
	}
	if got := len(s.heard.all()); got != 1 {
		t.Errorf("%d events were handled, want 1", got)
	}
	if got := deliver(t, s.bots[0], bytes.Repeat([]byte("x"), 2<<20), with(now, good)); got != http.StatusRequestEntityTooLarge {
		t.Errorf("2 MiB: status %d", got)
	}
	if strings.Contains(s.log.String(), good) || strings.Contains(s.log.String(), d.Token()) {
		t.Error("the log holds a signature or a token")
	}
}

// idOf returns the ID of an interaction.
func idOf(t *testing.T, d *discordtest.Delivery) string {
	t.Helper()
	var i struct{ ID string }
	if err := json.Unmarshal(d.Payload(), &i); err != nil {
		t.Fatal(err)
	}
	return i.ID
}

// TestTheAddressPasses holds that Discord takes the bot's address: it answers a
// ping, and refuses one that is not signed.
func TestTheAddressPasses(t *testing.T) {
	t.Parallel()
	s := overHTTP(t, discordtest.Options{})
	if !s.VerifyURL() {
		t.Error("Discord does not take the address")
	}
	q := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/discord/interactions", nil)
	w := httptest.NewRecorder()
	s.bots[0].ServeHTTP(w, q)
	if body, err := io.ReadAll(w.Body); w.Code != http.StatusMethodNotAllowed || err != nil || len(body) == 0 {
		t.Errorf("GET: %d %s", w.Code, body)
	}
}

// TestG17AnotherAppOrServer holds that what is authentic and for somebody else
// is not handled.
func TestG17AnotherAppOrServer(t *testing.T) {
	t.Parallel()
	s := overHTTP(t, discordtest.Options{Allow: []string{"10062"}})
	d := s.answered(s.Command(ada, channel, "mfa me", nil))
	s.events(1)
	for name, body := range map[string]string{
		"another app":    strings.ReplaceAll(string(d.Payload()), `"application_id":"`+s.AppID()+`"`, `"application_id":"310000000000000009"`),
		"another server": strings.ReplaceAll(string(d.Payload()), `"guild_id":"`+s.Guild()+`"`, `"guild_id":"410000000000000009"`),
	} {
		body = strings.ReplaceAll(body, idOf(t, d), "13100000000000000"+strconv.Itoa(len(name)))
		at := strconv.FormatInt(s.Now().Unix(), 10)
		header := map[string]string{"X-Signature-Timestamp": at, "X-Signature-Ed25519": s.Sign(at, []byte(body))}
		if got := deliver(t, s.bots[0], []byte(body), header); got != http.StatusAccepted {
			t.Errorf("%s: status %d", name, got)
		}
	}
	s.until("both are refused", func() bool { return strings.Count(s.log.String(), "interaction refused") == 2 })
	if got := len(s.heard.all()); got != 1 {
		t.Errorf("%d events were handled, want 1", got)
	}
}
