package slack

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"testing"

	"twokey/chat/outward"
)

func parsed(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// nowhere is a transport that a request must not reach.
type nowhere struct{ t *testing.T }

func (n nowhere) RoundTrip(r *http.Request) (*http.Response, error) {
	n.t.Errorf("a request left for %s", r.URL)
	return nil, errors.New("left")
}

func TestG20RequestsLeaveForSlackAlone(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		api, to              string
		call, answer, socket bool
	}{
		{"https://slack.com/api/", "https://slack.com/api/chat.postMessage", true, false, false},
		{"https://slack.com/api/", "https://files.slack.com/upload/v1/x", true, false, false},
		{"https://slack.com/api/", "https://hooks.slack.com/commands/T1/2/x", true, true, false},
		{"https://slack.com/api/", "https://hooks.slack-gov.com/commands/T1/2/x", true, true, false},
		{"https://slack.com/api/", "wss://wss-primary.slack.com/link/?ticket=x", false, false, true},
		{"https://slack.com/api/", "ws://wss-primary.slack.com/link/?ticket=x", false, false, false},
		{"https://slack.com/api/", "wss://evil.example/link/", false, false, false},
		{"https://slack.com/api/", "http://hooks.slack.com/commands/x", false, false, false},
		{"https://slack.com/api/", "https://hooks.slack.com:8443/commands/x", false, false, false},
		{"https://slack.com/api/", "https://hooks.slack.com.evil.example/commands/x", false, false, false},
		{"https://slack.com/api/", "https://hooks.slack.com@evil.example/commands/x", false, false, false},
		{"https://slack.com/api/", "https://evil.example@hooks.slack.com/commands/x", false, false, false},
		{"https://slack.com/api/", "https://evilslack.com/commands/x", false, false, false},
		{"https://slack.com/api/", "https://evil.example/hooks.slack.com", false, false, false},
		{"https://slack.com/api/", "http://169.254.169.254/latest/meta-data/", false, false, false},
		{"https://slack.com/api/", "https://169.254.169.254/latest/meta-data/", false, false, false},
		{"https://slack.com/api/", "http://127.0.0.1:8420/", false, false, false},
		{"https://slack.com/api/", "https://[::1]/", false, false, false},
		{"https://slack.com/api/", "file:///etc/passwd", false, false, false},
		{"https://slack.com/api/", "gopher://hooks.slack.com/", false, false, false},
		{"http://127.0.0.1:9000/api/", "http://127.0.0.1:9000/respond/x", true, true, false},
		{"http://127.0.0.1:9000/api/", "ws://127.0.0.1:9000/link/", false, false, true},
		{"http://127.0.0.1:9000/api/", "http://127.0.0.1:9001/respond/x", false, false, false},
		{"http://127.0.0.1:9000/api/", "http://localhost:9000/respond/x", false, false, false},
		{"https://slack.test.example/api/", "https://slack.test.example/respond/x", true, false, false}, // answers go to Slack's hosts
	} {
		d, u := newDoor(parsed(t, tt.api), nowhere{t}), parsed(t, tt.to)
		if got := d.allows(u); got != tt.call {
			t.Errorf("with the API at %s, a call to %s is allowed: %v", tt.api, tt.to, got)
		}
		if got := d.mayAnswer(u); got != tt.answer {
			t.Errorf("with the API at %s, an answer to %s is allowed: %v", tt.api, tt.to, got)
		}
		if got := d.mayConnect(u) == nil; got != tt.socket {
			t.Errorf("with the API at %s, a socket to %s is allowed: %v", tt.api, tt.to, got)
		}
		if tt.call {
			continue
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, tt.to, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.RoundTrip(r); !errors.Is(err, errForeign) || !unsent(err) { //nolint:bodyclose // there is none
			t.Errorf("to %s: %v, want it to be kept back", tt.to, err)
		}
	}
}

// A name of Slack's that leads into our own network is not followed.
func TestG20NamesThatLeadHome(t *testing.T) {
	t.Parallel()
	for to, ok := range map[string]bool{
		"52.1.2.3:443": true, "[2600:1f18::1]:443": true,
		"127.0.0.1:443": false, "10.1.2.3:443": false, "192.168.1.1:443": false, "172.16.0.1:443": false, "169.254.169.254:80": false,
		"0.0.0.0:443": false, "224.0.0.1:443": false, "[::1]:443": false, "[fe80::1]:443": false, "[fd00::1]:443": false, "[::ffff:10.0.0.1]:443": false, "nonsense": false,
	} {
		if err := outward.Public(errForeign)("tcp", to, nil); (err == nil) != ok {
			t.Errorf("connecting to %s: %v", to, err)
		}
	}
}

func TestErrorsHoldNoAddress(t *testing.T) {
	t.Parallel()
	secret := "https://hooks.slack.com/commands/T1/2/secret"
	err := wrap("answer", &url.Error{Op: "Post", URL: secret, Err: &url.Error{Op: "Get", URL: secret, Err: context.DeadlineExceeded}})
	if got, want := err.Error(), "slack: answer: context deadline exceeded"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if !errors.Is(err, context.DeadlineExceeded) || !unclear(err) {
		t.Errorf("%v is no longer what it was", err)
	}
}
