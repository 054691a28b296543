// Package msgraph is the live tenant: it implements [graph.Reader] and
// [graph.Writer] over Microsoft's SDK.
//
// The road of a call: a method names its [operation]; read (retry.go) or write
// (write.go) waits until the operation's throttle budget has room (budgets.go,
// [quota]), puts the call into the context and asks the SDK's adapter,
// through one of its request builders or by a request made by hand; the SDK
// signs the request and hands it to our pipeline (pipeline.go), which sends it
// and turns every answer that is not a readable success into a [graph.Error]
// (error.go). What comes back is an SDK model, of which convert.go makes a
// graph value, or the bytes themselves, which rows.go decodes: the models of a
// long list would cost ten times as much. Where a value is missing either gives
// an error. Reads are repeated by retry.go, and those of many users go in
// batches (sweep.go, batch.go). Writes are sent once, whatever happens.
//
// Only the SDK's packages by path are imported, never its root: the root
// builds every path there is, which doubles the time and the disk of a build.
//
// The conformance suite runs against a real tenant where the environment names
// one, with `go test ./graph/msgraph -run TestRealTenant -v -timeout 1h`:
//
//	TWOKEY_TENANT_ID, TWOKEY_CLIENT_ID  the tenant and an app registration in it
//	TWOKEY_AUTH                         an [AuthMethod], with what it needs in
//	TWOKEY_CLIENT_SECRET_FILE, TWOKEY_CLIENT_CERTIFICATE_FILE or TWOKEY_TOKEN_FILE
//	TWOKEY_CLOUD                        a [Cloud], global if empty
//	TWOKEY_GRAPH_URL, TWOKEY_AUTHORITY_URL, TWOKEY_CA_FILE  for test servers
//	TWOKEY_TEST_USER                    an account's object ID
//
// It only reads, unless TWOKEY_TEST_USER is set: then that one account gets
// another per-user MFA state, an office phone, a Temporary Access Pass and a
// block, one after the other, each put back before the next and also if the run
// fails. A pass or office phone that it has stays. An account that is blocked, a
// guest's or holds a role is refused. Its sessions end, which cannot be put back.
// A run that is killed, or stopped by its -timeout, may leave one of the changes:
// look at the account then. The run needs every permission that reading takes,
// and nobody may change the tenant meanwhile.
//
// Not covered: members of PIM who are eligible for a role but have not
// activated it hold no role here.
package msgraph

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/microsoft/kiota-abstractions-go/authentication"
	azure "github.com/microsoft/kiota-authentication-azure-go"
	json "github.com/microsoft/kiota-serialization-json-go"
	core "github.com/microsoftgraph/msgraph-sdk-go-core"

	"twokey/graph"
	"twokey/graph/msgraph/quota"
)

// DefaultBaseURL is the root of Graph's v1.0 in the global cloud.
const DefaultBaseURL = "https://graph.microsoft.com/v1.0"

// Config says which tenant to speak to and as whom.
type Config struct {
	// BaseURL is Graph's root with its version, DefaultBaseURL if empty; another
	// cloud's is [Cloud.BaseURL]. It ends in /v1.0; the few beta calls go to
	// /beta beside it. Plain http is accepted to localhost, 127.0.0.1 and ::1
	// alone.
	BaseURL string
	// Credential signs the app in, see [Auth]. Nil sends no token, which only a
	// loopback BaseURL may ask for.
	Credential azcore.TokenCredential
	// Scope is what the token is asked for, the BaseURL's root with
	// "/.default" if empty.
	Scope string
	// Roots are who vouches for the BaseURL's own certificate, the system's if
	// nil. A Transport looks after that itself.
	Roots *x509.CertPool
	// Transport carries the requests; nil is a transport of our own with
	// sensible time limits. It must not repeat a request by itself.
	Transport http.RoundTripper
	// Unbudgeted sends as fast as it is asked to, which only a loopback BaseURL
	// may be: a simulated tenant that does not throttle need not be waited for.
	Unbudgeted bool
	// Now is the clock that Error.RetryAfter and dates are read by, time.Now if
	// nil. Throttle budgets go by the machine's clock.
	Now func() time.Time
	// Log gets one debug line a call, without names or tokens; nil is silence.
	Log *slog.Logger
	// Observe is told of each call what was asked ("read users"), how it ended
	// ("ok" or the name of a [graph.Kind]) and how long it took. May be nil.
	Observe func(op, result string, took time.Duration)
}

// Client is the live tenant. It is safe for concurrent use.
type Client struct {
	adapter *core.GraphRequestAdapterBase
	base    *url.URL
	signIn  *credential // nil: no token is sent
	scope   string
	now     func() time.Time
	log     *slog.Logger
	observe func(op, result string, took time.Duration)
	budgets [budgets]*quota.Limiter
}

var (
	_ graph.Reader = (*Client)(nil)
	_ graph.Writer = (*Client)(nil)
)

// New returns a client. It makes no call; the error names the wrong key.
func New(cfg Config) (*Client, error) {
	cfg = cfg.withDefaults()
	base, err := cfg.check()
	if err != nil {
		return nil, err
	}
	if cfg.Scope == "" {
		cfg.Scope = base.Scheme + "://" + base.Host + "/.default"
	}
	auth, err := authenticator(cfg, base)
	if err != nil {
		return nil, fmt.Errorf("set up sign-in: %w", err)
	}
	c := &Client{base: base, scope: cfg.Scope, now: cfg.Now, log: cfg.Log, observe: cfg.Observe, budgets: newBudgets(cfg.Unbudgeted)}
	if cfg.Credential != nil {
		c.signIn = &credential{cfg.Credential}
	}
	// The JSON factories stand here alone: the pipeline lets nothing but JSON
	// through, and the SDK's shared registries are globals.
	c.adapter, err = core.NewGraphRequestAdapterBaseWithParseNodeFactoryAndSerializationWriterFactoryAndHttpClient(
		auth, core.GraphClientOptions{}, json.NewJsonParseNodeFactory(), json.NewJsonSerializationWriterFactory(), c.httpClient(cfg.Transport))
	if err != nil {
		return nil, fmt.Errorf("set up Microsoft's SDK: %w", err)
	}
	c.adapter.SetBaseUrl(base.String())
	return c, nil
}

func (cfg Config) withDefaults() Config {
	if cfg.BaseURL == "" {
		cfg.BaseURL = DefaultBaseURL
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Transport == nil {
		cfg.Transport = defaultTransport(cfg.Roots)
	}
	return cfg
}

// check returns the parsed BaseURL.
func (cfg Config) check() (*url.URL, error) {
	base, err := url.Parse(strings.TrimRight(cfg.BaseURL, "/"))
	switch {
	case err != nil:
		return nil, wrong("BaseURL", "not an address")
	case base.Scheme != "https" && (base.Scheme != "http" || !loopback(base)):
		return nil, wrong("BaseURL", "want https, or http to localhost, 127.0.0.1 or ::1")
	case base.Hostname() == "" || base.User != nil || base.RawQuery != "" || base.Fragment != "":
		return nil, wrong("BaseURL", "want a scheme, a host and a path, no more")
	case !strings.HasSuffix(base.Path, "/v1.0"):
		return nil, wrong("BaseURL", "want a path that ends in /v1.0")
	}
	if loopback(base) {
		return base, nil
	}
	if cfg.Unbudgeted {
		return nil, wrong("Unbudgeted", "for the loopback alone")
	}
	if cfg.Credential == nil {
		return nil, wrong("Credential", "needed for every host but the loopback")
	}
	if _, static := cfg.Credential.(staticToken); static {
		return nil, wrong("Credential", "a static token is for the loopback alone")
	}
	return base, nil
}

// wrong is the error of one key of a Config.
func wrong(key, why string) error { return fmt.Errorf("%s: %s", key, why) }

// loopback reports whether u names this machine in a way that the SDK's
// sign-in accepts over plain http.
func loopback(u *url.URL) bool {
	switch u.Hostname() {
	case "localhost", "127.0.0.1", "::1":
		return true
	default:
		return false
	}
}

// authenticator makes the SDK's provider of tokens for base alone: for any other
// host it would send no token, and the pipeline does not let such a request out.
// Continuous access evaluation stays off: with it a token may live for a day
// and lacks newly consented permissions as long, and the SDK answers its
// challenges by sending a request, a write too, twice.
func authenticator(cfg Config, base *url.URL) (authentication.AuthenticationProvider, error) {
	if cfg.Credential == nil {
		return &authentication.AnonymousAuthenticationProvider{}, nil
	}
	const continuousAccessEvaluation = false
	return azure.NewAzureIdentityAuthenticationProviderWithScopesAndValidHostsAndObservabilityOptionsAndIsCaeEnabled(
		credential{cfg.Credential}, []string{cfg.Scope}, []string{base.Hostname()}, azure.ObservabilityOptions{}, continuousAccessEvaluation)
}

// path is where every request builder starts. A builder keeps the map and the
// SDK writes into it, so each call makes its own.
func (c *Client) path() map[string]string {
	return map[string]string{"baseurl": c.base.String()}
}

// url returns an address below the base for requests made by hand.
func (c *Client) url(path string, query url.Values) string {
	return withQuery(c.base.String()+path, query)
}

// betaURL returns an address below /beta, for what v1.0 does not have.
func (c *Client) betaURL(path string, query url.Values) string {
	return withQuery(c.beta()+path, query)
}

// beta is the root of Graph's beta.
func (c *Client) beta() string { return strings.TrimSuffix(c.base.String(), "/v1.0") + "/beta" }

// withQuery encodes spaces as %20, because OData takes a plus for itself, and
// leaves the signs of its options alone.
func withQuery(address string, query url.Values) string {
	if len(query) == 0 {
		return address
	}
	return address + "?" + strings.NewReplacer("+", "%20", "%24", "$").Replace(query.Encode())
}

// defaultTransport waits as long as Graph's slowest reports take to begin, and
// no longer.
func defaultTransport(roots *x509.CertPool) *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dialer.DialContext,
		ForceAttemptHTTP2:     true,
		TLSClientConfig:       &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: attemptLimit,
		IdleConnTimeout:       time.Minute,
		MaxIdleConnsPerHost:   4,
	}
}
