package config

import "slices"

// The choices that other code asks for.
const (
	adminsRefuse = "refuse"
	adminsTwo    = "two"

	// everyTwo stands for every kind of change that needs two approvers.
	everyTwo = "two"

	modeSocket  = "socket"
	modeGateway = "gateway"
	modeHTTP    = "http"

	tlsAuto  = "auto"
	tlsFiles = "files"
	tlsProxy = "proxy"

	// letsEncrypt is where certificates come from unless it is said.
	letsEncrypt = "https://acme-v02.api.letsencrypt.org/directory"

	authCertificate = "certificate"
	authSecret      = "secret"
	authManaged     = "managed_identity"
	authWorkload    = "workload_identity"
	authCLI         = "azure_cli"
	authNone        = "none"
)

// Roles are those that can be given.
var Roles = []string{"viewer", "helpdesk", "lead", "approver", "owner"}

// Keys names every key there is, in the order of the sections; [] stands for
// each place in a list.
func Keys(kinds []string) []string { return new(Config).shape(kinds).keys("") }

// shape is the whole file.
func (c *Config) shape(kinds []string) shape {
	return section{
		{name: "tenants", need: true, is: list[Tenant]{into: &c.Tenants, one: (*Tenant).shape}},
		{name: "slack", is: optional(&c.Slack, (*Slack).shape)},
		{name: "discord", is: optional(&c.Discord, (*Discord).shape)},
		{name: "teams", is: optional(&c.Teams, (*Teams).shape)},
		{name: "changes", is: list[string]{into: &c.Changes, one: func(s *string) shape { return choice(s, kinds...) }}},
		{name: "approvals", is: c.Approvals.shape(kinds)},
		{name: "digest", is: optional(&c.Digest, (*Digest).shape)},
		{name: "audit", is: c.Audit.shape()},
		{name: "guide", is: section{
			{name: "folder", is: file(&c.Guide.Folder)},
			{name: "links", is: list[string]{into: &c.Guide.Links, one: host}},
		}},
		{name: "store", need: true, is: dsn(&c.Store.DSN)},
		{name: "web", is: c.Web.shape()},
	}
}

func (t *Tenant) shape() shape {
	return section{
		{name: "id", need: true, is: guid(&t.ID, "tenant's ID")},
		{name: "name", is: words(&t.Name)},
		{name: "graph", need: true, is: t.Graph.shape()},
		{name: "protected", is: users(&t.Protected)},
		{name: "emergency", is: users(&t.Emergency)},
		{name: "roles", is: table[Holders]{&t.Roles, Roles, "role", (*Holders).shape}},
		{name: "people", is: list[Person]{into: &t.People, one: (*Person).shape}},
		{name: "contact", is: words(&t.Contact)},
		{name: "security_contact", is: words(&t.SecurityContact)},
		{name: "chat_sign_in", is: choice(&t.ChatSignIn, "own", "entra")},
	}
}

func users(into *[]string) shape { return list[string]{into: into, one: user} }

func (g *Graph) shape() shape {
	return section{
		{name: "base_url", is: base(&g.BaseURL)},
		{name: "authority_url", is: authority(&g.AuthorityURL)},
		{name: "ca_file", is: file(&g.CAFile)},
		{name: "auth", need: true, is: optional(&g.Auth, (*Auth).shape)},
		{name: "write_auth", is: optional(&g.WriteAuth, (*Auth).shape)},
	}
}

func (a *Auth) shape() shape {
	return slices.Concat(
		section{
			{name: "method", need: true, is: choice(&a.Method, authCertificate, authSecret, authManaged, authWorkload, authCLI, authNone)},
			{name: "client_id", is: guid(&a.ClientID, "app's client ID")},
		},
		secret("certificate", &a.Certificate),
		secret("certificate_password", &a.CertificatePassword),
		secret("secret", &a.Secret),
		section{{name: "token_file", is: file(&a.TokenFile)}},
	)
}

func (h *Holders) shape() shape {
	return section{
		{name: "users", is: users(&h.Users)},
		{name: "groups", is: list[string]{into: &h.Groups, one: group}},
	}
}

func (p *Person) shape() shape {
	return section{
		{name: "user", need: true, is: user(&p.User)},
		{name: "slack", is: list[string]{into: &p.Slack, one: slackAccount, lone: true}},
		{name: "discord", is: list[string]{into: &p.Discord, one: discordID, lone: true}},
	}
}

func (s *Slack) shape() shape {
	return slices.Concat(
		section{{name: "mode", need: true, is: choice(&s.Mode, modeSocket, modeHTTP)}},
		secret("app_token", &s.AppToken),
		secret("bot_token", &s.BotToken),
		secret("signing_secret", &s.SigningSecret),
		section{
			{name: "api_url", is: address(&s.APIURL)},
			{name: "channels", is: section{
				{name: "admins", is: slackChannel(&s.Channels.Admins)},
				{name: "team", is: slackChannel(&s.Channels.Team)},
			}},
		},
	)
}

func (d *Discord) shape() shape {
	return slices.Concat(
		section{{name: "mode", need: true, is: choice(&d.Mode, modeGateway, modeHTTP)}},
		secret("token", &d.Token),
		section{
			{name: "public_key", is: publicKey(&d.PublicKey)},
			{name: "application_id", need: true, is: discordID(&d.ApplicationID)},
			{name: "guild", need: true, is: discordID(&d.Guild)},
			{name: "api_url", is: address(&d.APIURL)},
			{name: "channels", is: section{
				{name: "admins", is: discordID(&d.Channels.Admins)},
				{name: "team", is: discordID(&d.Channels.Team)},
			}},
		},
	)
}

func (t *Teams) shape() shape { return secret("webhook_url", &t.WebhookURL) }

func (a *Approvals) shape(kinds []string) shape {
	return section{
		{name: "wait", is: duration(&a.Wait, minute, 2*day)},
		{name: "life", is: duration(&a.Life, 15*minute, 2*day)},
		{name: "policies", is: table[Policy]{&a.Policies, append(slices.Clone(kinds), everyTwo), "kind of change", (*Policy).shape}},
		{name: "backups", is: users(&a.Backups)},
		{name: "fallback", is: truth(&a.Fallback)},
		{name: "manager", is: truth(&a.Manager)},
		{name: "admins", is: choice(&a.Admins, adminsRefuse, adminsTwo)},
		{name: "solo", is: truth(&a.Solo)},
		{name: "step_up", is: choice(&a.StepUp, "password", "mfa", "passkey")},
		{name: "accept_no_step_up", is: truth(&a.AcceptNoStepUp)},
		{name: "accept_lockout", is: truth(&a.AcceptLockout)},
		{name: "many", is: number(&a.Many, 1, 1000)},
		{name: "per_request", is: number(&a.PerRequest, 1, 1000)},
		{name: "per_hour", is: number(&a.PerHour, 1, 10000)},
		{name: "min_admins", is: number(&a.MinAdmins, 1, 100)},
		{name: "min_emergency", is: number(&a.MinEmergency, 1, 10)},
	}
}

func (p *Policy) shape() shape {
	return section{
		{name: "policy", is: choice(&p.Policy, "confirm", "one", "two")},
		{name: "wait", is: duration(&p.Wait, minute, 2*day)},
		{name: "approvers", is: users(&p.Approvers)},
	}
}

func (d *Digest) shape() shape {
	return section{
		{name: "channel", need: true, is: channel(&d.Channel)},
		{name: "leaders", is: channel(&d.Leaders)},
		{name: "at", need: true, is: weekly(&d.Day, &d.At)},
		{name: "zone", need: true, is: zone(&d.Zone)},
	}
}

func (a *Audit) shape() shape {
	return section{
		{name: "head_to", is: list[string]{into: &a.HeadTo, one: receiver, lone: true}},
		{name: "retention", is: duration(&a.Retention, 30*day, 100*year)},
	}
}

func (w *Web) shape() shape {
	return section{
		{name: "addr", is: listening(&w.Addr)},
		{name: "public_url", is: origin(&w.PublicURL)},
		{name: "tls", is: choice(&w.TLS, tlsAuto, tlsFiles, tlsProxy)},
		{name: "cert_file", is: file(&w.CertFile)},
		{name: "key_file", is: file(&w.KeyFile)},
		{name: "cert_dir", is: file(&w.CertDir)},
		{name: "acme_url", is: address(&w.ACMEURL)},
		{name: "sign_in", is: optional(&w.SignIn, (*SignIn).shape)},
	}
}

func (s *SignIn) shape() shape {
	return slices.Concat(
		section{{name: "client_id", need: true, is: guid(&s.ClientID, "app's client ID")}},
		secret("client_secret", &s.ClientSecret),
		section{{name: "context", is: authContext(&s.Context)}},
	)
}
