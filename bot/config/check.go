package config

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"twokey/graph"
)

// check holds keys against each other. Where one of them is wrong by itself,
// nothing more is said of it.
func (c *Config) check(r *reader) {
	if r.sound("") {
		c.checkStore(r)
		c.checkTenants(r)
		c.checkSlack(r)
		c.checkDiscord(r)
		c.checkTeams(r)
		c.checkApprovals(r)
		c.checkDigest(r)
		c.checkWeb(r)
		c.checkStepUp(r)
	}
}

// want notes that something is missing that another key needs, at where it
// would stand.
func (r *reader) want(have bool, key, why string) {
	if !have && !r.given(key) && r.sound(key) {
		r.at(key, "is missing%s; add it", why)
	}
}

// wantSecret is want for a secret, which has two keys.
func (r *reader) wantSecret(s graph.Secret, key, why string) {
	if s != (graph.Secret{}) || !r.sound(key, key+"_file", key+"_env") {
		return
	}
	name := key[strings.LastIndex(key, ".")+1:]
	r.at(key, "is missing%s; add %s_file or %s_env", why, name, name)
}

// idle notes keys that nothing would look at.
func (r *reader) idle(key, why string) {
	for _, k := range []string{key, key + "_file", key + "_env"} {
		if r.given(k) {
			r.at(k, "is given, but %s; take it out", why)
		}
	}
}

func (c *Config) checkStore(r *reader) {
	if r.given("store") {
		if c.Store.DSN == (graph.Secret{}) && r.sound("store") {
			r.at("store.dsn", "is missing; add dsn: twokey.db, or dsn_file or dsn_env")
		}
	}
}

func (c *Config) checkTenants(r *reader) {
	if r.given("tenants") && len(c.Tenants) == 0 && r.sound("tenants") {
		r.at("tenants", "has no tenant; add one, beginning with its id")
	}
	seen := map[string]bool{}
	for i := range c.Tenants {
		t, key := &c.Tenants[i], fmt.Sprintf("tenants[%d]", i)
		if t.ID != "" && seen[t.ID] {
			r.at(key+".id", "is the ID of a tenant above; put all of a tenant together")
		}
		seen[t.ID] = true
		t.check(r, key, len(c.Changes) > 0 && r.sound("changes"))
	}
	c.checkPeople(r)
}

func (t *Tenant) check(r *reader, key string, writes bool) {
	local := strings.HasPrefix(t.Graph.BaseURL, "http:") || loopbackURL(t.Graph.BaseURL)
	if t.Graph.Auth != nil {
		t.Graph.Auth.check(r, key+".graph.auth", local)
	}
	switch w := t.Graph.WriteAuth; {
	case w != nil:
		w.check(r, key+".graph.write_auth", local)
		if t.Graph.Auth != nil && w.ClientID != "" && w.ClientID == t.Graph.Auth.ClientID {
			r.at(key+".graph.write_auth.client_id", "is the app that reads, which must hold no power to change anything; make another, as “twokey manifest entra” says")
		}
	case writes && r.given(key+".graph"):
		r.want(false, key+".graph.write_auth", ": with changes switched on, an app of its own makes them")
	case t.MailFrom != "" && r.given(key+".graph"):
		r.want(false, key+".graph.write_auth", ": mail is sent by the app that changes, because the one that reads must hold no power")
	}
}

func loopbackURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && loopback(u.Hostname())
}

// needs says what each way of signing in takes.
var needs = map[string]struct{ client, secret, certificate, token bool }{
	authCertificate: {client: true, certificate: true},
	authSecret:      {client: true, secret: true},
	authWorkload:    {client: true, token: true},
	authManaged:     {},
	authCLI:         {},
	authNone:        {},
}

func (a *Auth) check(r *reader, key string, local bool) {
	if a.Method == "" {
		return // said already
	}
	why := fmt.Sprintf(", which the method %s needs", a.Method)
	n := needs[a.Method]
	if n.client {
		r.want(false, key+".client_id", why)
	}
	other := fmt.Sprintf("the method %s does not look at it", a.Method)
	if n.secret {
		r.wantSecret(a.Secret, key+".secret", why)
	} else {
		r.idle(key+".secret", other)
	}
	if n.certificate {
		r.wantSecret(a.Certificate, key+".certificate", why)
	} else {
		r.idle(key+".certificate", other)
		r.idle(key+".certificate_password", other)
	}
	if n.token {
		r.want(false, key+".token_file", why)
	} else if r.given(key + ".token_file") {
		r.at(key+".token_file", "is given, but %s; take it out", other)
	}
	if a.Method == authNone && !local {
		r.at(key+".method", "none is only for a tenant on this machine itself; set base_url to one, or sign in")
	}
}

// checkPeople finds pins of one account to two people. Whether two of them are
// one under two names is found when names are looked up.
func (c *Config) checkPeople(r *reader) {
	for i, t := range c.Tenants {
		seen, pinned := map[string]bool{}, map[string]bool{}
		for j, p := range t.People {
			key := fmt.Sprintf("tenants[%d].people[%d]", i, j)
			name := strings.ToLower(p.User)
			if name != "" && seen[name] {
				r.at(key+".user", "stands above already; put all accounts of a person together")
			}
			seen[name] = true
			if len(p.Slack)+len(p.Discord) == 0 && r.sound(key) {
				r.at(key, "pins no account; give slack or discord")
			}
			for _, a := range slices.Concat(p.Slack, p.Discord) {
				if a != "" && pinned[a] {
					r.at(key, "pins %s, which is somebody else's above; take it out at one of them", quoted(a))
				}
				pinned[a] = true
			}
			if len(p.Discord) > 0 && c.Discord == nil {
				r.at(key+".discord", "is given, but there is no discord section that names the server; add one, or take it out")
			}
		}
	}
}

func (c *Config) checkSlack(r *reader) {
	s := c.Slack
	if s == nil || s.Mode == "" {
		return
	}
	r.wantSecret(s.BotToken, "slack.bot_token", "")
	if s.Mode == modeSocket {
		r.wantSecret(s.AppToken, "slack.app_token", ", which socket mode needs")
		r.idle("slack.signing_secret", "socket mode does not look at it")
		return
	}
	r.wantSecret(s.SigningSecret, "slack.signing_secret", ", which http mode needs")
	r.idle("slack.app_token", "http mode does not look at it")
	r.want(false, "web.addr", ", which the http mode of slack needs")
}

func (c *Config) checkDiscord(r *reader) {
	d := c.Discord
	if d == nil || d.Mode == "" {
		return
	}
	r.wantSecret(d.Token, "discord.token", "")
	if d.Mode == modeHTTP {
		r.want(false, "discord.public_key", ", which http mode needs")
		r.want(false, "web.addr", ", which the http mode of discord needs")
	}
}

// checkTeams looks at what was read from elsewhere, and repeats nothing of it.
func (c *Config) checkTeams(r *reader) {
	if c.Teams == nil {
		return
	}
	r.wantSecret(c.Teams.WebhookURL, "teams.webhook_url", "")
	u, err := url.Parse(c.Teams.WebhookURL.Reveal())
	if c.Teams.WebhookURL != (graph.Secret{}) && (err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname()))) {
		r.at("teams", "webhook_url holds no https address; copy the whole address from the workflow")
	}
}

// checkApprovals holds that what stands for all kinds that need two says the one
// thing that it can.
func (c *Config) checkApprovals(r *reader) {
	const key = "approvals.policies." + everyTwo
	two, given := c.Approvals.Policies[everyTwo]
	if !given || !r.sound(key) {
		return
	}
	if two.Policy != "one" {
		r.at(key+".policy", "want one: this is for an organisation that has one approver; else take it out")
	}
	if len(two.Approvers) > 0 {
		r.at(key+".approvers", "is given, but who decides is said for each kind of change; take it out")
	}
}

func (c *Config) checkDigest(r *reader) {
	if c.Digest == nil {
		return
	}
	for key, channel := range map[string]string{"digest.channel": c.Digest.Channel, "digest.leaders": c.Digest.Leaders} {
		switch platform, _, _ := strings.Cut(channel, "/"); {
		case platform == "slack" && c.Slack == nil, platform == "discord" && c.Discord == nil:
			r.at(key, "is on %s, but there is no %s section; add one, or name another channel", platform, platform)
		}
	}
}

func (c *Config) checkWeb(r *reader) {
	w := c.Web
	c.checkSignIn(r)
	if w.PublicURL != "" {
		r.want(false, "web.addr", ", which public_url needs")
		r.want(false, "web.tls", ", which public_url needs: auto, files or proxy")
	}
	switch w.TLS {
	case tlsAuto, tlsProxy:
		r.want(false, "web.public_url", fmt.Sprintf(", which tls: %s needs", w.TLS))
		if w.TLS == tlsAuto && w.PublicURL != "" && (!strings.HasPrefix(w.PublicURL, "https:") || loopbackURL(w.PublicURL)) {
			r.at("web.public_url", "want an https name that the world can reach, for tls: auto")
		}
	case tlsFiles:
		r.want(false, "web.cert_file", ", which tls: files needs")
		r.want(false, "web.key_file", ", which tls: files needs")
	}
	if w.TLS == tlsAuto {
		r.want(false, "web.cert_dir", ", which tls: auto needs: where it keeps what it gets")
	}
	for key, mode := range map[string]string{"web.cert_file": tlsFiles, "web.key_file": tlsFiles, "web.cert_dir": tlsAuto, "web.acme_url": tlsAuto} {
		if w.TLS != mode && r.given(key) && r.sound("web.tls") {
			r.at(key, "is given, but only tls: %s looks at it; take it out", mode)
		}
	}
}

// checkSignIn wants an app registration for the page that is none of the others:
// whoever takes its secret from a host that the world reaches must have nothing
// else with it.
func (c *Config) checkSignIn(r *reader) {
	s := c.Web.SignIn
	if s == nil {
		return
	}
	r.want(false, "web.public_url", ", which sign_in needs")
	r.wantSecret(s.ClientSecret, "web.sign_in.client_secret", "")
	for i := range c.Tenants {
		for _, a := range []*Auth{c.Tenants[i].Graph.Auth, c.Tenants[i].Graph.WriteAuth} {
			if a != nil && s.ClientID != "" && a.ClientID == s.ClientID {
				r.at("web.sign_in.client_id", "is an app of tenants[%d].graph; people sign in to one of its own, which may do nothing", i)
				return
			}
		}
	}
}

// fresh are the kinds of change for which whoever presses must prove anew who
// they are: a stolen chat session is enough for the others.
var fresh = []string{"defaults", "legacy-block", "method", "phone", "reset", "tap", "unblock"}

// asksProof reports whether a kind of change needs a fresh proof: on Discord each
// of them does.
func (c *Config) asksProof(kind string) bool {
	return slices.Contains(fresh, kind) || len(c.personal()) > 0
}

// goesWithout reports whether nobody has to prove anew who they are. On Discord
// accounts are people's own, which no organisation looks after, so that there
// it cannot be accepted; a test server on this machine is nobody's.
func (c *Config) goesWithout() bool {
	return c.Approvals.AcceptNoStepUp && (c.Discord == nil || loopbackURL(c.Discord.APIURL))
}

// checkStepUp holds that a host without a page says in its own words that it
// goes without that proof.
func (c *Config) checkStepUp(r *reader) {
	if c.Paged() || c.goesWithout() || !r.sound("web", "approvals.accept_no_step_up", "changes", "discord") {
		return
	}
	for i, kind := range c.Changes {
		switch {
		case !c.asksProof(kind):
		case c.Approvals.AcceptNoStepUp:
			r.at(fmt.Sprintf("changes[%d]", i), "%s needs a fresh proof of who presses, and on Discord, where accounts are people's own, nothing is accepted in its place: set web.public_url and web.sign_in, or take the change or Discord out", kind)
		default:
			r.at(fmt.Sprintf("changes[%d]", i), "%s needs a fresh proof of who presses, for which there is no page: set web.public_url and web.sign_in, or approvals.accept_no_step_up: true", kind)
		}
	}
}
