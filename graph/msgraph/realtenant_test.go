package msgraph_test

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"twokey/graph"
	"twokey/graph/graphtest"
	"twokey/graph/msgraph"
	"twokey/graph/simtenant"
)

// TestRealTenant runs the conformance suite against the tenant that the
// environment names, see the package's documentation. Where it names none there
// is nothing to run: that is no skipped test, and no proof either.
func TestRealTenant(t *testing.T) {
	if os.Getenv("TWOKEY_TENANT_ID") == "" {
		t.Log("TWOKEY_TENANT_ID is not set: no real tenant was asked")
		return
	}
	realTenant(t, os.Getenv, false)
}

// realTenant reads the tenant only, unless a test user is named: that one
// account is changed then, and put back, see [graphtest.ChangeTestUser].
func realTenant(t *testing.T, env func(string) string, unbudgeted bool) {
	t.Helper()
	read := func(name string) string {
		if env(name) == "" {
			return ""
		}
		raw, err := os.ReadFile(env(name))
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	var roots *x509.CertPool
	if ca := read("TWOKEY_CA_FILE"); ca != "" {
		roots = x509.NewCertPool()
		roots.AppendCertsFromPEM([]byte(ca))
	}
	auth := msgraph.Auth{
		Method: msgraph.AuthMethod(env("TWOKEY_AUTH")), TenantID: env("TWOKEY_TENANT_ID"), ClientID: env("TWOKEY_CLIENT_ID"), Cloud: msgraph.Cloud(env("TWOKEY_CLOUD")),
		Secret: graph.NewSecret(read("TWOKEY_CLIENT_SECRET_FILE")), Certificate: graph.NewSecret(read("TWOKEY_CLIENT_CERTIFICATE_FILE")),
		TokenFile: env("TWOKEY_TOKEN_FILE"), Authority: env("TWOKEY_AUTHORITY_URL"), Roots: roots,
	}
	credential, err := auth.Credential()
	if err != nil {
		t.Fatal(err)
	}
	cfg := msgraph.Config{BaseURL: env("TWOKEY_GRAPH_URL"), Credential: credential, Roots: roots, Unbudgeted: unbudgeted}
	if cfg.BaseURL == "" {
		cfg.BaseURL = auth.Cloud.BaseURL()
	}
	c, err := msgraph.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	f := graphtest.Fixture{Reader: c, Truth: graphtest.Learn(t, c), Real: true}
	if f.TestUser = env("TWOKEY_TEST_USER"); f.TestUser != "" {
		f.Writer = c
	}
	graphtest.Run(t, func(*testing.T) graphtest.Fixture { return f })
}

// TestRealTenantRoad takes the same road with a simulated tenant at its end,
// which has to have all that it takes: sign-in over TLS, and the permissions
// that we name, no more.
func TestRealTenantRoad(t *testing.T) {
	t.Parallel()
	for _, licence := range []graph.Licence{graph.Free, graph.P1} {
		t.Run(licence.String(), func(t *testing.T) {
			t.Parallel()
			a := newAuthorityOf(t, simtenant.Config{People: 60, Licence: licence}, simtenant.App{Secret: graph.NewSecret(ourSecret), Permissions: realPermissions})
			env := map[string]string{
				"TWOKEY_AUTH": "secret", "TWOKEY_TENANT_ID": a.tenantID, "TWOKEY_CLIENT_ID": ourApp, "TWOKEY_CLIENT_SECRET_FILE": fileOf(t, ourSecret),
				"TWOKEY_GRAPH_URL": a.root + "/v1.0", "TWOKEY_AUTHORITY_URL": a.root, "TWOKEY_CA_FILE": fileOf(t, a.caPEM),
				"TWOKEY_TEST_USER": a.member(t),
			}
			realTenant(t, func(name string) string { return env[name] }, true)
			t.Cleanup(func() {
				for _, e := range a.tenant.Ledger() {
					if !strings.Contains(e.Path, "/users/"+env["TWOKEY_TEST_USER"]) {
						t.Errorf("%s %s was changed, who is no test user", e.Method, e.Path)
					}
				}
			})
		})
	}
}

// realPermissions are those that the suite needs: to read everything, and to
// change a test user.
var realPermissions = []graph.Permission{
	"Organization.Read.All", "Policy.Read.All", "User.Read.All", "RoleManagement.Read.Directory", "GroupMember.Read.All", "AuditLog.Read.All",
	"UserAuthenticationMethod.Read.All", "Reports.Read.All", "ReportSettings.Read.All", "Application.Read.All",
	"Policy.ReadWrite.AuthenticationMethod", "UserAuthMethod-Phone.ReadWrite.All", "UserAuthMethod-TAP.ReadWrite.All",
	"User.EnableDisableAccount.All", "User.RevokeSessions.All",
}

func fileOf(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// member is the object ID of an ordinary person.
func (a authority) member(t *testing.T) string {
	t.Helper()
	all := plainTLS{t, a}.get("/v1.0/users?$select=id,userType,accountEnabled&$top=999").objects("value")
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].text("userType") == "Member" && all[i].flag("accountEnabled") {
			return all[i].text("id")
		}
	}
	t.Fatal("there is nobody")
	return ""
}
