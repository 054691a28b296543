package msgraph_test

import (
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"twokey/graph/msgraph"
)

// realCredential is any credential that is not static.
type realCredential struct{ azcore.TokenCredential }

func TestNewNamesTheWrongKey(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		cfg  msgraph.Config
		want string // in the error; empty: none
	}{
		{"default host", msgraph.Config{Credential: realCredential{}}, ""},
		{"another cloud", msgraph.Config{BaseURL: "https://graph.microsoft.us/v1.0/", Credential: realCredential{}}, ""},
		{"loopback by http", msgraph.Config{BaseURL: "http://127.0.0.1:8421/v1.0"}, ""},
		{"loopback by name", msgraph.Config{BaseURL: "http://localhost/v1.0", Credential: msgraph.StaticToken("x")}, ""},
		{"loopback by IPv6", msgraph.Config{BaseURL: "http://[::1]:80/v1.0", Credential: msgraph.StaticToken("x")}, ""},
		{"no credential", msgraph.Config{}, "Credential"},
		{"static token to a real host", msgraph.Config{Credential: msgraph.StaticToken("x")}, "Credential"},
		{"a real host without a budget", msgraph.Config{Credential: realCredential{}, Unbudgeted: true}, "Unbudgeted"},
		{"the loopback without a budget", msgraph.Config{BaseURL: "http://127.0.0.1/v1.0", Unbudgeted: true}, ""},
		{"http to a real host", msgraph.Config{BaseURL: "http://graph.microsoft.com/v1.0", Credential: realCredential{}}, "BaseURL"},
		{"http to a name like the loopback", msgraph.Config{BaseURL: "http://127.0.0.1.example.com/v1.0", Credential: realCredential{}}, "BaseURL"},
		{"name before the host", msgraph.Config{BaseURL: "https://localhost@example.com/v1.0", Credential: realCredential{}}, "BaseURL"},
		{"no version", msgraph.Config{BaseURL: "https://graph.microsoft.com", Credential: realCredential{}}, "BaseURL"},
		{"beta", msgraph.Config{BaseURL: "https://graph.microsoft.com/beta", Credential: realCredential{}}, "BaseURL"},
		{"query", msgraph.Config{BaseURL: "https://graph.microsoft.com/v1.0?a=b", Credential: realCredential{}}, "BaseURL"},
		{"no address", msgraph.Config{BaseURL: "https://a b/v1.0", Credential: realCredential{}}, "BaseURL"},
		{"no host", msgraph.Config{BaseURL: "https:///v1.0", Credential: realCredential{}}, "BaseURL"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := msgraph.New(tt.cfg)
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("got error %v, want none", err)
			case tt.want != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.want+":")):
				t.Errorf("got error %v, want one that begins with %s", err, tt.want)
			}
		})
	}
}
