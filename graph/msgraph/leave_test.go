package msgraph

import (
	"errors"
	"net/http"
	"testing"

	"twokey/graph"
)

// TestNothingLeavesWithoutAToken asks for addresses that no method of ours makes:
// the SDK would send such requests, and without a token.
func TestNothingLeavesWithoutAToken(t *testing.T) {
	t.Parallel()
	for name, address := range map[string]string{
		"another host": "https://graph.example/v1.0/users", "another port": "http://127.0.0.1:1/v1.0/users", "another scheme": "https://127.0.0.1/v1.0/users",
		"a host that begins like ours": "http://127.0.0.1.example/v1.0/users",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sent := 0
			c, err := New(Config{BaseURL: "http://127.0.0.1/v1.0", Credential: StaticToken("x"), Transport: counting{&sent}})
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.apply(t.Context(), setCampaign, change{method: 1, address: address})
			if e, ok := errors.AsType[*graph.Error](err); !ok || e.Kind != graph.KindNotSent || e.Op != setCampaign.name {
				t.Errorf("got %v, want an error of what was not sent", err)
			}
			if sent != 0 {
				t.Errorf("%d requests left", sent)
			}
		})
	}
}

// counting counts what it is given and fails.
type counting struct{ n *int }

func (c counting) RoundTrip(*http.Request) (*http.Response, error) {
	*c.n++
	return nil, errors.New("no network here")
}
