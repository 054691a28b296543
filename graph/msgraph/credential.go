package msgraph

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"twokey/graph"
)

// AuthMethod is how our app proves who it is.
type AuthMethod string

// The methods. Federation or a certificate is to be preferred: secrets end up
// in places, and expire.
const (
	AuthCertificate      AuthMethod = "certificate"
	AuthSecret           AuthMethod = "secret"
	AuthManagedIdentity  AuthMethod = "managed_identity"  // of an Azure machine or service
	AuthWorkloadIdentity AuthMethod = "workload_identity" // of a Kubernetes pod, or any federated token in a file
	AuthAzureCLI         AuthMethod = "azure_cli"         // whoever is signed in to az: for a developer's machine
	AuthNone             AuthMethod = "none"              // no token: for a tenant on the loopback alone
)

// Auth says as whom our app signs in to Entra ID. The values are the caller's
// to fetch from files and the environment, which are not looked at here, with
// one exception: a managed identity's platform names its address there.
type Auth struct {
	Method AuthMethod
	// TenantID and ClientID name the tenant and our app registration. A managed
	// identity needs a ClientID only if the machine has several, and the Azure
	// CLI neither.
	TenantID, ClientID string
	// Secret is the client secret of AuthSecret.
	Secret graph.Secret
	// Certificate is that of AuthCertificate with its private key, in PEM or
	// PKCS #12, and CertificatePassword its password, if it has one.
	Certificate, CertificatePassword graph.Secret
	// TokenFile holds the federated token of AuthWorkloadIdentity. It is read
	// again from time to time: the platform renews it.
	TokenFile string
	// Cloud says where to sign in; Global if empty.
	Cloud Cloud
	// Authority is the address of another authority than the cloud's, an https
	// address with no path.
	Authority string
	// Roots are who vouches for the authority's own certificate, the system's
	// if nil.
	Roots *x509.CertPool
}

// Credential returns what signs our app in, nil for AuthNone. It makes no
// call; the error names the wrong key.
func (a Auth) Credential() (azcore.TokenCredential, error) {
	if err := a.check(); err != nil {
		return nil, err
	}
	if a.Method == AuthNone {
		return nil, nil
	}
	first, err := a.make()
	if err != nil {
		return nil, err
	}
	return &entra{auth: a, cached: first}, nil
}

// check finds what is missing.
func (a Auth) check() error {
	app := a.Method == AuthCertificate || a.Method == AuthSecret || a.Method == AuthWorkloadIdentity
	none := graph.Secret{}
	switch {
	case !slices.Contains([]AuthMethod{AuthCertificate, AuthSecret, AuthManagedIdentity, AuthWorkloadIdentity, AuthAzureCLI, AuthNone}, a.Method):
		return wrong("Method", "there is no such way to sign in")
	case !a.Cloud.known():
		return wrong("Cloud", "want global, usgov, usgovdod or china")
	case app && a.TenantID == "":
		return wrong("TenantID", "missing")
	case app && a.ClientID == "":
		return wrong("ClientID", "missing")
	case a.Method == AuthSecret && a.Secret == none:
		return wrong("Secret", "missing")
	case a.Method == AuthCertificate && a.Certificate == none:
		return wrong("Certificate", "missing")
	case a.Method == AuthWorkloadIdentity && a.TokenFile == "":
		return wrong("TokenFile", "missing")
	}
	u, err := url.Parse(a.Authority)
	if a.Authority != "" && (err != nil || u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.User != nil || u.RawQuery != "") {
		return wrong("Authority", "want an https address without a path")
	}
	return nil
}

// make makes a new credential of the library's, which remembers no token yet.
func (a Auth) make() (azcore.TokenCredential, error) {
	switch a.Method {
	case AuthCertificate:
		return a.certificate()
	case AuthSecret:
		return azidentity.NewClientSecretCredential(a.TenantID, a.ClientID, a.Secret.Reveal(), &azidentity.ClientSecretCredentialOptions{
			ClientOptions: a.options(), DisableInstanceDiscovery: a.unlisted(),
		})
	case AuthWorkloadIdentity:
		return azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
			ClientOptions: a.options(), DisableInstanceDiscovery: a.unlisted(),
			TenantID: a.TenantID, ClientID: a.ClientID, TokenFilePath: a.TokenFile,
		})
	case AuthManagedIdentity:
		options := &azidentity.ManagedIdentityCredentialOptions{}
		if a.ClientID != "" {
			options.ID = azidentity.ClientID(a.ClientID)
		}
		return azidentity.NewManagedIdentityCredential(options)
	default:
		return azidentity.NewAzureCLICredential(&azidentity.AzureCLICredentialOptions{TenantID: a.TenantID})
	}
}

func (a Auth) certificate() (azcore.TokenCredential, error) {
	certs, key, err := azidentity.ParseCertificates([]byte(a.Certificate.Reveal()), []byte(a.CertificatePassword.Reveal()))
	if err != nil {
		return nil, wrong("Certificate", "is neither in PEM with its key nor in PKCS #12, or its password is another one")
	}
	return azidentity.NewClientCertificateCredential(a.TenantID, a.ClientID, certs, key, &azidentity.ClientCertificateCredentialOptions{
		ClientOptions: a.options(), DisableInstanceDiscovery: a.unlisted(), SendCertificateChain: true,
	})
}

// unlisted reports whether the authority is none of Microsoft's own, which the
// library looks up in Microsoft's list first.
func (a Auth) unlisted() bool {
	host := strings.TrimSuffix(a.Authority, "/") + "/"
	return a.Authority != "" && host != Global.authority() && host != USGov.authority() && host != China.authority()
}

// options lead the library to the authority.
func (a Auth) options() azcore.ClientOptions {
	authority := a.Authority
	if authority == "" {
		authority = a.Cloud.authority()
	}
	return azcore.ClientOptions{
		Cloud:     cloud.Configuration{ActiveDirectoryAuthorityHost: authority},
		Transport: &http.Client{Transport: withoutEcho{defaultTransport(a.Roots)}},
	}
}

// entra is a credential of the library's that hides itself, and that can be had
// anew: the library keeps a token for as long as it lasts, and a token lacks
// what was granted after it was issued. Graph may also refuse one before its time.
type entra struct {
	auth   Auth
	mu     sync.Mutex
	cached azcore.TokenCredential
}

// GetToken returns the token that the library has, or a new one.
func (e *entra) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return e.library().GetToken(ctx, options)
}

func (e *entra) library() azcore.TokenCredential {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.cached
}

// fresh signs in again. A managed identity and the Azure CLI have caches of
// their own, which cannot be passed by.
func (e *entra) fresh(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	again, err := e.auth.make()
	if err != nil {
		return azcore.AccessToken{}, err
	}
	return again.GetToken(ctx, options)
}

// replace has a token that Graph refused replaced by a new one, and reports
// whether there is another now. Of many calls that were refused with one token
// only the first signs in.
func (e *entra) replace(ctx context.Context, options policy.TokenRequestOptions, refused string) bool {
	used := e.library()
	token, err := used.GetToken(ctx, options)
	if err != nil || token.Token != refused {
		return err == nil
	}
	again, err := e.auth.make()
	if err != nil {
		return false
	}
	if token, err = again.GetToken(ctx, options); err != nil || token.Token == refused {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.cached == used {
		e.cached = again
	}
	return true
}

// String hides what is inside.
func (e *entra) String() string { return "credential (" + string(e.auth.Method) + ")" }

// GoString hides it from %#v.
func (e *entra) GoString() string { return e.String() }

// LogValue hides it from logs.
func (e *entra) LogValue() slog.Value { return slog.StringValue(e.String()) }

// credential marks a failure to sign in as ours, so that it is not taken for an
// answer of the tenant.
type credential struct{ azcore.TokenCredential }

func (c credential) GetToken(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return marked(ctx, options, c.TokenCredential.GetToken)
}

// fresh asks for a token that no cache held, where the credential can.
func (c credential) fresh(ctx context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	if anew, ok := c.TokenCredential.(*entra); ok {
		return marked(ctx, options, anew.fresh)
	}
	return c.GetToken(ctx, options)
}

// replace asks for another token than the one that Graph refused, and reports
// whether there is one.
func (c credential) replace(ctx context.Context, scope, refused string) bool {
	anew, ok := c.TokenCredential.(*entra)
	return ok && anew.replace(ctx, policy.TokenRequestOptions{Scopes: []string{scope}}, refused)
}

func marked(ctx context.Context, options policy.TokenRequestOptions, get func(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error)) (azcore.AccessToken, error) {
	token, err := get(ctx, options)
	switch {
	case err == nil && token.Token == "":
		err = errors.New("the authority gave no token")
	case err == nil:
		return token, nil
	case ctx.Err() != nil:
		return azcore.AccessToken{}, &graph.Error{Kind: graph.KindNotSent, Err: fmt.Errorf("sign in: %w", ctx.Err())}
	}
	return azcore.AccessToken{}, &graph.Error{Kind: graph.KindSignIn, Err: fmt.Errorf("sign in: %w", err)}
}

// StaticToken is a credential that is always the same token, for the
// simulated tenant. New refuses it for any host but the loopback. It hides
// itself like the others.
func StaticToken(token string) azcore.TokenCredential { return staticToken{graph.NewSecret(token)} }

type staticToken struct{ graph.Secret }

func (s staticToken) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: s.Reveal(), ExpiresOn: time.Now().Add(time.Hour)}, nil
}
