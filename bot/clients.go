package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strings"

	"twokey/bot/config"
	"twokey/graph"
	"twokey/graph/msgraph"
)

// clients speak to one tenant as two apps: one that reads all day and holds no
// power, and one that makes the changes. As a [commands.Tenant] they are the
// reader, but for what the app may do: that is asked of the one that will do it.
type clients struct {
	*msgraph.Client // the reader
	reader, writer  *msgraph.Client
}

// newClients makes no call. Without an app that changes, no change is switched
// on, and the reader stands in for it.
func newClients(t config.Tenant, set setting) (c clients, err error) {
	roots, err := rootsOf(t.Graph.CAFile)
	if err != nil {
		return c, err
	}
	if c.reader, err = newClient(t, t.Graph.Auth, roots, set); err != nil {
		return c, fmt.Errorf("auth: %w", err)
	}
	c.Client, c.writer = c.reader, c.reader
	if t.Graph.WriteAuth != nil {
		if c.writer, err = newClient(t, t.Graph.WriteAuth, roots, set); err != nil {
			return c, fmt.Errorf("write_auth: %w", err)
		}
	}
	return c, nil
}

func newClient(t config.Tenant, a *config.Auth, roots *x509.CertPool, set setting) (*msgraph.Client, error) {
	credential, err := msgraph.Auth{
		Method: msgraph.AuthMethod(a.Method), TenantID: t.ID, ClientID: a.ClientID,
		Secret: a.Secret, Certificate: a.Certificate, CertificatePassword: a.CertificatePassword, TokenFile: a.TokenFile,
		Authority: t.Graph.AuthorityURL, Roots: roots,
	}.Credential()
	if err != nil {
		return nil, err
	}
	return msgraph.New(msgraph.Config{BaseURL: t.Graph.BaseURL, Credential: credential, Roots: roots, Now: set.now, Log: set.log, Transport: seam.tenant, Observe: set.observe})
}

// rootsOf are the system's authorities and those of a file; nil is the system's
// alone.
func rootsOf(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("ca_file: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool() // a host without any
	}
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("ca_file: %s holds no certificate in PEM", file)
	}
	return roots, nil
}

// organization reads the tenant, and makes sure that it is the one that is
// configured.
func (c clients) organization(ctx context.Context, t config.Tenant) (graph.Organization, error) {
	org, err := c.reader.Organization(ctx)
	switch {
	case err != nil:
		return org, plainly(fmt.Sprintf("The tenant cannot be read by the app in graph.auth: %s (%s)", sentence(err), reason(err)))
	case org.ID != t.ID:
		return org, plainly(fmt.Sprintf("The configuration is for the tenant %s, and its app registration is one of %s.", t.ID, org.ID))
	}
	if t.Name != "" {
		org.Name = t.Name
	}
	return org, nil
}

// entraSays is what Entra gives as the reason for a refusal, without the numbers
// by which Microsoft's support finds it.
var entraSays = regexp.MustCompile(`AADSTS\d+: [^\n"\\]*?(\.|$| Trace ID)`)

// reason is what is behind an error, in one line: of a page of what was sent and
// answered only what Entra says, and of all else the beginning.
func reason(err error) string {
	if says := entraSays.FindString(err.Error()); says != "" {
		return strings.TrimSuffix(says, " Trace ID")
	}
	const most = 300
	text := []rune(oneLine(err.Error()))
	if len(text) > most {
		return string(text[:most]) + "…"
	}
	return string(text)
}

// oneLine puts a text of several lines into one.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// apps are the application IDs of both. A managed identity's is in its token.
func (c clients) apps(ctx context.Context, g config.Graph) ([]string, error) {
	var ids []string
	for _, app := range []struct {
		auth   *config.Auth
		client *msgraph.Client
	}{{g.Auth, c.reader}, {g.WriteAuth, c.writer}} {
		switch {
		case app.auth == nil || app.auth.Method == string(msgraph.AuthNone):
		case app.auth.ClientID != "":
			ids = append(ids, app.auth.ClientID)
		default:
			granted, err := app.client.Grants(ctx)
			if err != nil {
				return nil, err
			}
			ids = append(ids, granted.AppID)
		}
	}
	return ids, nil
}

// tryWriter says at once if the app that changes cannot sign in. Without it the
// bot still answers and can be asked, so that it is no reason not to start.
func (c clients) tryWriter(ctx context.Context, g config.Graph, log *slog.Logger) {
	if g.WriteAuth == nil || g.WriteAuth.Method == string(msgraph.AuthNone) {
		return
	}
	if _, err := c.writer.Grants(ctx); err != nil {
		log.ErrorContext(ctx, "the app in graph.write_auth cannot sign in: every change will fail", "error", err)
	}
}

// Grants are those of the app that changes.
func (c clients) Grants(ctx context.Context) (graph.Grants, error) { return c.writer.Grants(ctx) }

// find finds an account by its user principal name.
func (c clients) find(ctx context.Context, upn string) (string, error) {
	u, err := c.reader.User(ctx, upn)
	if err != nil {
		return "", errors.New(sentence(err)) // one of several names, all of which are to be told
	}
	return u.ID, nil
}
