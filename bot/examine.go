package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"twokey/audit"
	"twokey/bot/config"
	"twokey/bot/discord"
	"twokey/bot/entra"
	"twokey/bot/slack"
	"twokey/commands"
	"twokey/commands/identity"
	"twokey/commands/rules"
	"twokey/graph"
	"twokey/graph/msgraph"
	"twokey/store"
)

// database looks at the store, beside whoever uses it.
func (d *examination) database(ctx context.Context, cfg *config.Config) {
	const check = "store"
	dsn := cfg.Store.DSN.Reveal()
	file := !strings.Contains(dsn, "://")
	if _, err := os.Stat(dsn); file && errors.Is(err, fs.ErrNotExist) {
		d.folder(check, filepath.Dir(dsn), "the database is made there at the first start")
		return
	}
	db := store.OpenToRead(dsn)
	defer db.Close()
	has, knows, err := db.Schema(ctx)
	var newer interface{ Say() string }
	switch {
	case errors.As(err, &newer):
		d.failed(check, err, "The bot does not start on it.", "Use the newer program, or put the copy in its place that was made before the upgrade.")
		return
	case err != nil:
		mend := "Is the server running, and may this user in with this password?"
		if file {
			mend = "Is it Twokey's file, may this user read it, and does no other program hold it?"
		}
		d.failed(check, fmt.Errorf("the database cannot be read: %s", oneLine(err.Error())), "Everything is kept there.", mend)
		return
	case has == 0:
		d.fine(check, "it is empty: the first start makes its tables")
		return
	case has < knows:
		d.fine(check, fmt.Sprintf("its schema is %d, which the next start brings to %d: make a copy first", has, knows))
	default:
		d.fine(check, fmt.Sprintf("its schema is %d", has))
	}
	d.record(ctx, db, has < knows)
}

// record verifies the audit record, which an older program may have kept
// otherwise than this one reads it.
func (d *examination) record(ctx context.Context, db *store.Store, older bool) {
	const check = "audit record"
	last, err := audit.Verify(db.Audit(ctx), "")
	var broken *audit.BrokenError
	switch {
	case err != nil && older && !errors.As(err, &broken):
		d.add(finding{Check: check, State: stateSkipped, What: "an older Twokey has kept it, and the next start brings it forward"})
	case err != nil:
		d.failed(check, err, "While it is damaged every change is refused.", "Find out who wrote to the database, and restore it from a backup: “twokey audit verify” says more.")
	case last == nil:
		d.fine(check, "empty")
	default:
		d.fine(check, fmt.Sprintf("whole, %d records", last.Number))
	}
}

// folder says whether a file can be made in a folder.
func (d *examination) folder(check, folder, good string) {
	const why = "What the bot has to keep there would be lost."
	f, err := os.CreateTemp(folder, ".twokey-*")
	var p *fs.PathError
	if errors.As(err, &p) {
		err = fmt.Errorf("nothing can be written to the folder %s: %w", folder, p.Err)
	}
	if err != nil {
		d.failed(check, err, why, "Make the folder, and let the bot's user write to it.")
		return
	}
	err = errors.Join(f.Close(), os.Remove(f.Name()))
	if err != nil {
		d.failed(check, err, why, "See whether the disk is full or broken.")
		return
	}
	d.fine(check, good)
}

// heads looks whether the heads of the audit record can be written.
func (d *examination) heads(cfg *config.Config) {
	for _, file := range headFiles(cfg.Audit.HeadTo) {
		d.folder("audit heads", filepath.Dir(string(file)), string(file)+" can be written")
	}
}

// soon is how long before its end a certificate is spoken of.
const soon = 30 * 24 * time.Hour

// web looks whether the server can listen, and at its certificate.
func (d *examination) web(web config.Web) {
	if web.Addr == "" {
		return
	}
	if web.TLS == "files" {
		d.certificate(web)
	}
	const check = "web address"
	l, err := net.Listen("tcp", web.Addr)
	if err != nil {
		d.add(finding{Check: check, State: stateNote, What: err.Error(), Why: "The bot listens there.", Mend: "It is in order if the bot is running; else stop what uses it, or set another web.addr."})
		return
	}
	_ = l.Close()
	d.fine(check, web.Addr+" is free")
}

func (d *examination) certificate(web config.Web) {
	const check, byIt = "web certificate", "Browsers and the chat reach the bot by it."
	pair, err := tls.LoadX509KeyPair(web.CertFile, web.KeyFile)
	if err != nil {
		d.failed(check, err, byIt, "Name a certificate with its chain and its key in PEM under web.cert_file and web.key_file.")
		return
	}
	leaf, host := pair.Leaf, ""
	if u, err := url.Parse(web.PublicURL); err == nil {
		host = u.Hostname()
	}
	switch until := leaf.NotAfter.Sub(d.now()); {
	case until <= 0:
		d.failed(check, fmt.Errorf("the certificate ended on %s", leaf.NotAfter.Format(time.DateOnly)), byIt, "Renew it.")
	case host != "" && leaf.VerifyHostname(host) != nil:
		d.failed(check, fmt.Errorf("the certificate is not for %s", host), byIt, "Get one for that name.")
	case until < soon:
		d.add(finding{Check: check, State: stateNote, What: fmt.Sprintf("the certificate ends on %s", leaf.NotAfter.Format(time.DateOnly)), Why: byIt, Mend: "Renew it before."})
	default:
		d.fine(check, fmt.Sprintf("the certificate holds until %s", leaf.NotAfter.Format(time.DateOnly)))
	}
}

// page looks whether people can sign in on the linking page, and whether a
// browser reaches it.
func (d *examination) page(ctx context.Context, cfg *config.Config, set setting) {
	if !cfg.Paged() {
		return
	}
	page, err := newPage(cfg, graph.Organization{}, nil, set)
	if err != nil {
		d.failed("linking page", err, "People prove on it who they are.", "Correct web and web.sign_in, which say where it is.")
		return
	}
	page.Check(ctx, func(name string, err error) {
		if err != nil {
			d.failed(name, err, "People prove on the linking page who they are.", cmp.Or(hint(err), "Can this machine reach tenants[0].graph.authority_url?"))
			return
		}
		d.fine(name, "")
	})
	d.reached(ctx, cfg.Web.PublicURL)
}

// reached looks whether the bot answers where browsers find it.
func (d *examination) reached(ctx context.Context, public string) {
	const check, toThem = "public address", "Browsers open the linking page there."
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, public+"/healthz", nil)
	if err != nil {
		d.failed(check, err, toThem, "Correct web.public_url.")
		return
	}
	answer, err := http.DefaultClient.Do(q)
	var untrusted *tls.CertificateVerificationError
	switch {
	case errors.As(err, &untrusted):
		d.failed(check, fmt.Errorf("browsers do not trust %s: %w", public, untrusted.Err), toThem, "Get a certificate for that name from an authority that browsers know.")
	case err != nil:
		d.add(finding{Check: check, State: stateNote, What: public + " does not answer", Why: toThem, Mend: "It is in order if the bot is not running; else see whether the name leads here and the way is open."})
	default:
		_ = answer.Body.Close()
		d.fine(check, public+" answers")
	}
}

// tenant looks at both app registrations, and at what the tenant says.
func (d *examination) tenant(ctx context.Context, cfg *config.Config, set setting) {
	t := cfg.Tenants[0]
	c, err := newClients(t, set)
	if err != nil {
		d.failed("tenant", err, "Everything is read from it.", "Correct tenants[0].graph: the key, certificate or authority that it names cannot be used.")
		return
	}
	d.app(ctx, "app that reads", t.Graph.Auth, c.reader, entra.Reader())
	if len(cfg.Changes) > 0 {
		d.app(ctx, "app that changes", t.Graph.WriteAuth, c.writer, entra.Writer(cfg.Changes))
	}
	org, err := c.organization(ctx, t)
	if err != nil {
		d.failed("tenant", err, "Everything is read from it.", "Check tenants[0].id, graph.base_url and graph.authority_url, and whether an administrator has consented.")
		d.add(finding{Check: "people and rules", State: stateSkipped, What: "the tenant cannot be read"})
		return
	}
	d.fine("tenant", fmt.Sprintf("%s (%s)", org.Name, org.ID))
	d.licence(ctx, c)
	d.mail(ctx, t, c)
	d.passes(ctx, c)
	d.credentials(ctx, t, c)
	laid, err := cfg.Rules(ctx, t, c.find)
	if err != nil {
		for _, one := range strings.Split(err.Error(), "\n") {
			d.failed("people and rules", errors.New(one), noStart, "Correct the name, or give the object ID.")
		}
		return
	}
	if d.groups(ctx, t, c) {
		d.fine("people and rules", "everybody who is named was found")
	}
	d.decisions(ctx, cfg, c, org, laid)
}

// decisions says of each kind of change that is switched on who could decide it
// today, if the bot was started with this file now. That nobody could keeps it
// from no start: whoever is ill today is back tomorrow.
func (d *examination) decisions(ctx context.Context, cfg *config.Config, c clients, org graph.Organization, laid rules.Rules) {
	var history []rules.Version
	known := identity.Config{Now: d.now}
	if db := formerly(cfg); db != nil {
		defer db.Close()
		var away map[string]time.Time
		history, away = lately(ctx, db, org.ID)
		known.Links, known.Away = db, func(context.Context) (map[string]time.Time, error) { return away, nil }
	}
	keeper := rules.NewKeeper(append(history, rules.Version{Rules: laid, Since: d.now()}), d.now)
	known.Rules = keeper
	people := identity.New(known, c.reader)
	all, err := commands.Decisions(ctx, commands.Env{Organization: org, People: people, Rules: keeper})
	if err != nil {
		d.add(finding{Check: "who decides", State: stateNote, What: sentence(err), Why: "Who could decide today is not known.", Mend: cmp.Or(hint(err), again)})
		return
	}
	if len(all) == 0 {
		d.fine("changes", "none is switched on: the bot only reads")
	}
	for _, one := range all {
		check, what := "who decides "+one.Change, one.By+": "+one.Who
		if one.Mend != "" {
			d.add(finding{Check: check, State: stateNote, What: what, Why: "Whoever asks for it today is refused.", Mend: one.Mend})
			continue
		}
		d.fine(check, what)
	}
}

// formerly is the database, nil if there is none because no bot ran yet.
func formerly(cfg *config.Config) *store.Store {
	dsn := cfg.Store.DSN.Reveal()
	if _, err := os.Stat(dsn); err != nil && !strings.Contains(dsn, "://") {
		return nil
	}
	return store.OpenToRead(dsn)
}

// lately is what a bot that ran on the database was told by its file, and who
// said that they are away.
func lately(ctx context.Context, db *store.Store, tenant string) ([]rules.Version, map[string]time.Time) {
	history, err := db.Rules(ctx, tenant)
	if err != nil {
		return nil, nil // what is wrong with the database is said of it
	}
	away, err := db.Away(ctx, tenant)
	if err != nil {
		return history, nil
	}
	return history, away
}

// mail looks whether there is a mailbox to mail from. Whether the app may do so
// is seen only where it may write from every mailbox.
func (d *examination) mail(ctx context.Context, t config.Tenant, c clients) {
	const check, why = "mail", "People who are not in the chat are mailed from it, and everybody with the second reminder."
	if t.MailFrom == "" {
		d.add(finding{Check: check, State: stateNote, What: "no mail is sent", Why: "Whoever is not in the chat hears nothing from the bot.", Mend: "Set tenants[0].mail_from if that matters; “/mfa guide print” makes a hand-out."})
		return
	}
	switch u, err := c.reader.User(ctx, t.MailFrom); {
	case err != nil:
		d.failed(check, fmt.Errorf("the mailbox %s cannot be looked up: %s", t.MailFrom, sentence(err)), why, "Correct tenants[0].mail_from.")
	case u.Mail == "":
		d.failed(check, fmt.Errorf("%s has no mailbox", t.MailFrom), why, "Name an account that has one in tenants[0].mail_from, as a shared mailbox.")
	default:
		d.add(finding{Check: check, State: stateNote, What: "mail is sent from " + u.Mail + "; that the app may is not seen here", Why: why, Mend: "Run Test-ServicePrincipalAuthorization, see docs/entra.md."})
	}
}

// groups looks whether the groups that give roles are there: of one that is not
// nobody is a member, so that nothing else would say so.
func (d *examination) groups(ctx context.Context, t config.Tenant, c clients) (all bool) {
	all = true
	for _, role := range config.Roles {
		for _, id := range t.Roles[role].Groups {
			if _, err := c.reader.Group(ctx, id); err != nil {
				all = false
				d.failed("people and rules", fmt.Errorf("the group %s, which gives the role %s, cannot be read: %s", id, role, sentence(err)), "Whoever is to hold the role by it does not.", "Correct tenants[0].roles."+role+".groups: a group's object ID is on its page in the Entra admin centre.")
			}
		}
	}
	return all
}

// app looks at what one of the app registrations may do.
func (d *examination) app(ctx context.Context, check string, auth *config.Auth, client *msgraph.Client, needs []entra.Need) {
	switch {
	case auth == nil:
		d.failed(check, errors.New("it is not configured"), "The changes that are switched on are made by an app of their own.", "Add tenants[0].graph.write_auth: “twokey manifest entra” shows how it is made.")
		return
	case auth.Method == string(msgraph.AuthNone):
		d.add(finding{Check: check, State: stateSkipped, What: "it signs in without a token, so that nothing says what it may do"})
		return
	}
	granted, err := client.Grants(ctx)
	if err != nil {
		d.failed(check, fmt.Errorf("%s (%s)", sentence(err), reason(err)), "The bot signs in to the tenant by it.", "Check client_id and the certificate or secret, and that the app is in this tenant.")
		return
	}
	diff := entra.Compare(needs, granted.Permissions)
	for _, n := range diff.Missing {
		f := finding{
			Check: check, State: stateNote, What: "the permission " + string(n.Permission) + " is missing", Why: "It gives " + n.Gives + ".",
			Mend: "Add it under API permissions as an application permission, and grant admin consent; a token that was issued before may not have it for an hour.",
		}
		if n.Required {
			f.State = stateWrong
		}
		d.add(f)
	}
	for _, p := range diff.Excess {
		d.add(finding{Check: check, State: stateNote, What: "it has the permission " + string(p) + " and needs it for nothing", Why: "Whoever steals its key has it too.", Mend: "Take it away under API permissions."})
	}
	if len(diff.Missing) == 0 {
		d.fine(check, fmt.Sprintf("%s has the %d permissions that it needs", granted.AppID, len(needs)))
	}
}

func (d *examination) licence(ctx context.Context, c clients) {
	l, err := c.reader.Licence(ctx)
	if err != nil {
		d.add(finding{Check: "licence", State: stateNote, What: sentence(err), Why: "Without knowing it the bot takes the tenant for one without P1.", Mend: cmp.Or(hint(err), again)})
		return
	}
	what := l.String()
	if l < graph.P1 {
		what += ": figures come from each person's methods, and sign-ins are not to be had"
	}
	d.fine("licence", what)
}

// passes says on the first day that the tenant gives none.
func (d *examination) passes(ctx context.Context, c clients) {
	const check = "Temporary Access Pass"
	p, err := c.reader.MethodsPolicy(ctx)
	switch {
	case err != nil:
		d.add(finding{Check: check, State: stateNote, What: sentence(err), Why: "Whether passes can be given is not known.", Mend: cmp.Or(hint(err), again)})
	case !p.Pass.Enabled:
		d.add(finding{
			Check: check, State: stateNote, What: "the tenant's policy has it switched off",
			Why:  "Whoever has lost their phone can then only be reset, and whoever has their password can register next.",
			Mend: "Switch it on in the Entra admin centre under Authentication methods, or ask with “/mfa tap-policy enable”.",
		})
	default:
		d.fine(check, "the tenant's policy has it switched on")
	}
}

// credentials says when the keys of the app registrations end.
func (d *examination) credentials(ctx context.Context, t config.Tenant, c clients) {
	ids, err := c.apps(ctx, t.Graph)
	if err != nil {
		return // said of the app already
	}
	for _, id := range ids {
		check := "keys of app " + id
		app, err := c.reader.App(ctx, id)
		if err != nil {
			d.add(finding{Check: check, State: stateNote, What: sentence(err), Why: "When they end is not known, nor whether somebody added one.", Mend: cmp.Or(hint(err), again)})
			continue
		}
		d.fine(check, fmt.Sprintf("%d", len(app.Credentials)))
		for _, k := range app.Credentials {
			if left := k.End.Sub(d.now()); !k.End.IsZero() && left < soon {
				d.add(finding{Check: check, State: stateNote, What: fmt.Sprintf("the %s “%s” ends on %s", k.Kind, k.Name, k.End.Format(time.DateOnly)), Why: "From then on the bot cannot sign in by it.", Mend: "Add a new one, give it to the bot, and take the old one away."})
			}
		}
	}
}

// slack looks at the app in the workspace, and at the accounts that are pinned.
func (d *examination) slack(ctx context.Context, cfg *config.Config, set setting) {
	s, err := newSlack(cfg, set, &late{})
	if err != nil {
		d.failed("slack", err, without, "Correct the section slack.")
		return
	}
	broken := false
	s.Check(ctx, func(name string, err error) {
		if err != nil {
			broken = broken || name == "slack token"
			d.failed(name, err, without, cmp.Or(hint(err), "Can this machine reach "+cfg.Slack.APIURL+"?"))
			return
		}
		d.fine(name, "")
	})
	d.clock(ctx, "Slack", cfg.Slack.APIURL)
	if broken {
		d.add(finding{Check: "pinned accounts", State: stateSkipped, What: "Slack does not let the bot in"})
		return
	}
	d.pins(ctx, cfg, s)
	d.channels(ctx, "slack", cfg.Slack.Channels, s.Channel)
}

const (
	// without is why it matters what a chat refuses.
	without = "Without it the bot does not hear people, or cannot answer them."
	// again is what to do about what passes by.
	again = "Run this again in a moment."
)

// discord looks at the app on the server.
func (d *examination) discord(ctx context.Context, cfg *config.Config, set setting) {
	a, err := newDiscord(cfg, set, &late{mux: commands.NewMux(commands.Env{}, set.log)})
	if err != nil {
		d.failed("discord", err, without, "Correct the section discord.")
		return
	}
	broken := false
	a.Check(ctx, func(name string, err error) {
		switch {
		case err == nil:
			d.fine(name, "")
		case errors.Is(err, discord.ErrNoFreeText):
			d.add(finding{Check: name, State: stateNote, What: err.Error(), Why: "People expect an answer.", Mend: "Set discord.mode to gateway to hear them."})
		case errors.Is(err, discord.ErrOtherCommands):
			d.add(finding{Check: name, State: stateNote, What: err.Error(), Why: "People see those commands that are registered.", Mend: "Start the bot: it registers its own."})
		default:
			broken = broken || name == "discord token" || name == "discord server"
			d.failed(name, err, without, cmp.Or(hint(err), "Can this machine reach "+cfg.Discord.APIURL+"?"))
		}
	})
	if cfg.Slack == nil {
		d.clock(ctx, "Discord", cfg.Discord.APIURL+"/gateway") // which takes no token
	}
	if broken {
		d.add(finding{Check: "pinned Discord accounts", State: stateSkipped, What: "Discord does not let the bot in"})
		return
	}
	d.members(ctx, cfg, a)
	if cfg.Slack == nil {
		d.channels(ctx, "discord", cfg.Discord.Channels, a.Channel)
	}
}

// members looks whether those whose Discord account is pinned are on the server.
func (d *examination) members(ctx context.Context, cfg *config.Config, a *discord.Discord) {
	const check = "pinned Discord accounts"
	found := 0
	for _, p := range cfg.Tenants[0].People {
		for _, id := range p.Discord {
			if err := a.Member(ctx, id); err != nil {
				d.failed(check, fmt.Errorf("%s of %s does not count: %w", id, p.User, err), "Only a member's presses do.", "Correct it under tenants[0].people, or invite the person to the server.")
				continue
			}
			found++
		}
	}
	d.fine(check, fmt.Sprintf("%d are members of the server", found))
}

// teams says of the digest's address what can be said without posting there.
func (d *examination) teams(cfg *config.Config) {
	if cfg.Teams == nil {
		return
	}
	if u, err := url.Parse(cfg.Teams.WebhookURL.Reveal()); err == nil {
		d.fine("teams address", "on "+u.Host+"; it was not tried, as whoever calls it posts")
	}
}

// channels says which of a platform's channels are not named, and which of the
// others the bot does not see.
func (d *examination) channels(ctx context.Context, platform string, c config.Channels, look func(ctx context.Context, id string) error) {
	for _, channel := range []struct{ name, id, why string }{
		{"admins", c.Admins, "Requests and alerts are shown there."},
		{"team", c.Team, "It is for everybody."},
	} {
		check, key := platform+" channel "+channel.name, platform+".channels."+channel.name
		if channel.id == "" {
			d.add(finding{Check: check, State: stateNote, What: "none is named", Why: channel.why, Mend: "Set " + key + "."})
			continue
		}
		if err := look(ctx, channel.id); err != nil {
			d.failed(check, err, channel.why, cmp.Or(hint(err), "Compare "+key+" with the channel's ID."))
			continue
		}
		d.fine(check, "the bot sees it")
	}
}

// pins looks whether those whose account is pinned are there.
func (d *examination) pins(ctx context.Context, cfg *config.Config, s *slack.Slack) {
	const check = "pinned accounts"
	team, err := s.Workspace(ctx)
	if err != nil {
		d.failed(check, err, without, again)
		return
	}
	found := 0
	for _, p := range cfg.Tenants[0].People {
		for _, pin := range p.Slack {
			workspace, id, _ := strings.Cut(pin, "/")
			err := s.Member(ctx, id)
			switch {
			case workspace != team:
				d.failed(check, fmt.Errorf("%s of %s is in another workspace than the bot, which is in %s", pin, p.User, team), "Only a full member's presses do.", "Correct it under tenants[0].people.")
			case err != nil:
				d.failed(check, fmt.Errorf("%s of %s does not count: %w", pin, p.User, err), "Only a full member's presses do.", "Correct it under tenants[0].people.")
			default:
				found++
			}
		}
	}
	d.fine(check, fmt.Sprintf("%d are full members", found))
}

// skew is how far a clock may be off: tokens and signatures are not taken much
// sooner or later than they were made.
const skew = time.Minute

// clock compares this machine's with that of somebody's server.
func (d *examination) clock(ctx context.Context, whose, address string) {
	const check = "clock"
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodHead, address, nil)
	if err != nil {
		return
	}
	q.Header.Set("User-Agent", discord.UserAgent) // Discord turns others away, and nobody else minds
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		return // that it cannot be reached is said of the token
	}
	_ = answer.Body.Close()
	at, err := http.ParseTime(answer.Header.Get("Date"))
	if err != nil {
		return
	}
	off := d.now().Sub(at).Round(time.Second)
	if off.Abs() > skew {
		d.failed(check, fmt.Errorf("this machine's differs from %s's by %s", whose, off), "Sign-ins and signatures fail.", "Switch time synchronisation on.")
		return
	}
	d.fine(check, "as "+whose+"'s")
}
