package config

import (
	"slices"
	"strconv"

	"twokey/commands/rules"
)

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
		{name: "tenants", like: "tenants:, with an id and graph below it", is: list[Tenant]{into: &c.Tenants, one: (*Tenant).shape}},
		{name: "slack", is: optional(&c.Slack, (*Slack).shape)},
		{name: "discord", is: optional(&c.Discord, (*Discord).shape)},
		{name: "teams", is: optional(&c.Teams, (*Teams).shape)},
		{name: "changes", none: "the bot only reads", is: list[string]{into: &c.Changes, one: func(s *string) shape { return choice(s, kinds...) }}},
		{name: "approvals", none: "as is built in", is: c.Approvals.shape(kinds)},
		{name: "digest", none: "none is posted", is: optional(&c.Digest, (*Digest).shape)},
		{name: "audit", none: "as is built in", is: c.Audit.shape()},
		{name: "guide", is: section{
			{name: "folder", is: file(&c.Guide.Folder)},
			{name: "links", is: list[string]{into: &c.Guide.Links, one: host}},
			{name: "own_texts", is: truth(&c.Guide.OwnTexts)},
		}},
		{name: "store", like: "store: {dsn: twokey.db}", is: dsn(&c.Store.DSN)},
		{name: "web", is: c.Web.shape()},
	}
}

func (t *Tenant) shape() shape {
	return section{
		{name: "id", like: "id: with the directory's ID, which the Entra admin centre shows as Tenant ID", is: guid(&t.ID, "tenant's ID")},
		{name: "name", none: "the directory's own name", is: words(&t.Name)},
		{name: "graph", like: "graph: {auth: …}", is: t.Graph.shape()},
		{name: "protected", is: users(&t.Protected)},
		{name: "emergency", is: users(&t.Emergency)},
		{name: "roles", none: "everybody is staff", is: table[Holders]{&t.Roles, Roles, "role", (*Holders).shape}},
		{name: "people", is: list[Person]{into: &t.People, one: (*Person).shape}},
		{name: "contact", none: "whoever runs this bot", is: words(&t.Contact)},
		{name: "security_contact", is: words(&t.SecurityContact)},
		{name: "mail_from", none: "nobody is mailed", is: user(&t.MailFrom)},
		{name: "chat_sign_in", none: "it is not known", is: choice(&t.ChatSignIn, "own", "entra")},
	}
}

func users(into *[]string) shape { return list[string]{into: into, one: user} }

func (g *Graph) shape() shape {
	return section{
		{name: "base_url", def: "https://graph.microsoft.com/v1.0", is: base(&g.BaseURL)},
		{name: "authority_url", def: "https://login.microsoftonline.com", is: authority(&g.AuthorityURL)},
		{name: "ca_file", none: "the system's", is: file(&g.CAFile)},
		{name: "auth", like: "auth: {method: certificate, client_id: …, certificate_file: …}; “twokey manifest entra” makes them", is: optional(&g.Auth, (*Auth).shape)},
		{name: "write_auth", is: optional(&g.WriteAuth, (*Auth).shape)},
	}
}

func (a *Auth) shape() shape {
	return slices.Concat(
		section{
			{name: "method", like: "method: certificate", is: choice(&a.Method, authCertificate, authSecret, authManaged, authWorkload, authCLI, authNone)},
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
		{name: "user", like: "user: with an object ID or a name as ada@vale.example", is: user(&p.User)},
		{name: "slack", is: list[string]{into: &p.Slack, one: slackAccount, lone: true}},
		{name: "discord", is: list[string]{into: &p.Discord, one: discordID, lone: true}},
	}
}

func (s *Slack) shape() shape {
	return slices.Concat(
		section{{name: "mode", like: "mode: socket", is: choice(&s.Mode, modeSocket, modeHTTP)}},
		secret("app_token", &s.AppToken),
		secret("bot_token", &s.BotToken),
		secret("signing_secret", &s.SigningSecret),
		section{
			{name: "api_url", def: "https://slack.com/api", is: address(&s.APIURL)},
			{name: "channels", is: section{
				{name: "admins", is: slackChannel(&s.Channels.Admins)},
				{name: "team", is: slackChannel(&s.Channels.Team)},
			}},
		},
	)
}

func (d *Discord) shape() shape {
	return slices.Concat(
		section{{name: "mode", like: "mode: gateway", is: choice(&d.Mode, modeGateway, modeHTTP)}},
		secret("token", &d.Token),
		section{
			{name: "public_key", is: publicKey(&d.PublicKey)},
			{name: "application_id", like: "application_id: from the app's page under General Information", is: discordID(&d.ApplicationID)},
			{name: "guild", like: "guild: with the server's ID; in Discord's developer mode a right click on it copies the ID", is: discordID(&d.Guild)},
			{name: "api_url", def: "https://discord.com/api/v10", is: address(&d.APIURL)},
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
		{name: "wait", def: length(rules.DefaultWait), is: duration(&a.Wait, minute, 2*day)},
		{name: "life", none: "8 working hours, 48 h at most", is: duration(&a.Life, 15*minute, 2*day)},
		{name: "policies", none: "as is built in", is: table[Policy]{&a.Policies, append(slices.Clone(kinds), everyTwo), "kind of change", (*Policy).shape}},
		{name: "backups", is: users(&a.Backups)},
		{name: "fallback", def: "true", is: truth(&a.Fallback)},
		{name: "manager", def: "false", is: truth(&a.Manager)},
		{name: "admins", def: adminsRefuse, is: choice(&a.Admins, adminsRefuse, adminsTwo)},
		{name: "solo", def: "false", is: truth(&a.Solo)},
		{name: "step_up", def: rules.DefaultStepUp, is: choice(&a.StepUp, "password", "mfa", "passkey")},
		{name: "accept_no_step_up", def: "false", is: truth(&a.AcceptNoStepUp)},
		{name: "accept_lockout", def: "false", is: truth(&a.AcceptLockout)},
		{name: "many", def: strconv.Itoa(rules.DefaultMany), is: number(&a.Many, 1, 1000)},
		{name: "per_request", def: strconv.Itoa(rules.DefaultPerRequest), is: number(&a.PerRequest, 1, 1000)},
		{name: "per_hour", def: strconv.Itoa(rules.DefaultPerHour), is: number(&a.PerHour, 1, 10000)},
		{name: "min_admins", def: strconv.Itoa(rules.DefaultMinAdmins), is: number(&a.MinAdmins, 1, 100)},
		{name: "min_emergency", none: "as many as there are, up to 2", is: number(&a.MinEmergency, 1, 10)},
	}
}

func (p *Policy) shape() shape {
	return section{
		{name: "policy", none: "as is built in", is: choice(&p.Policy, "confirm", "one", "two")},
		{name: "wait", none: "`approvals.wait` for `two`; else none", is: duration(&p.Wait, minute, 2*day)},
		{name: "approvers", none: "every approver", is: users(&p.Approvers)},
	}
}

func (d *Digest) shape() shape {
	return section{
		{name: "channel", like: "channel: slack/C… or discord/…", is: channel(&d.Channel)},
		{name: "leaders", is: channel(&d.Leaders)},
		{name: "managers", is: truth(&d.Managers)},
		{name: "at", like: "at: mon 09:00", is: weekly(&d.Day, &d.At)},
		{name: "zone", like: "zone: Europe/Madrid", is: zone(&d.Zone)},
	}
}

func (a *Audit) shape() shape {
	return section{
		{name: "head_to", is: list[string]{into: &a.HeadTo, one: receiver, lone: true}},
		{name: "retention", def: "7y", is: duration(&a.Retention, 30*day, 100*year)},
	}
}

func (w *Web) shape() shape {
	return section{
		{name: "addr", none: "it listens nowhere", is: listening(&w.Addr)},
		{name: "public_url", is: origin(&w.PublicURL)},
		{name: "tls", is: choice(&w.TLS, tlsAuto, tlsFiles, tlsProxy)},
		{name: "cert_file", is: file(&w.CertFile)},
		{name: "key_file", is: file(&w.KeyFile)},
		{name: "cert_dir", is: file(&w.CertDir)},
		{name: "acme_url", def: letsEncrypt, is: address(&w.ACMEURL)},
		{name: "sign_in", is: optional(&w.SignIn, (*SignIn).shape)},
	}
}

func (s *SignIn) shape() shape {
	return slices.Concat(
		section{{name: "client_id", like: "client_id: of the app that people sign in to; “twokey manifest entra” makes it", is: guid(&s.ClientID, "app's client ID")}},
		secret("client_secret", &s.ClientSecret),
		section{{name: "context", is: authContext(&s.Context)}},
	)
}
