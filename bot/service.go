package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"twokey/bot/config"
	"twokey/bot/discord"
	"twokey/bot/link"
	"twokey/bot/slack"
	"twokey/bot/teams"
	"twokey/chat"
	"twokey/commands"
	"twokey/graph"
	"twokey/graph/rollout"
	"twokey/scheduler"
)

// setting is what surrounds a bot that serves, apart from its configuration:
// tests have a clock and a pace of their own.
type setting struct {
	now       func() time.Time
	simulated bool // now is the time in the database too
	pace      pace
	patience  time.Duration                               // how long one answer may take; 0: as usual
	handler   func(chat.Handler) chat.Handler             // what events go through; nil: nothing
	observe   func(op, result string, took time.Duration) // is told of each call of the tenant; nil: nobody
	log       *slog.Logger
}

// service is a bot that serves an organisation on its chat platforms.
type service struct {
	cfg      *config.Config
	org      graph.Organization
	bot      *assembled
	slack    *slack.Slack     // nil: not used, as below
	discord  *discord.Discord // nil: not used
	chats    chats            // those that are
	tenant   *reach
	metrics  *metrics
	heads    headPost
	listener net.Listener // nil: there is no HTTP server
	page     *link.Page   // nil: there is none
}

// newService opens everything but the chat. What it opened it closes again if
// it fails.
func newService(ctx context.Context, cfg *config.Config, set setting) (_ *service, err error) {
	if err := unable(cfg); err != nil {
		return nil, err
	}
	s := &service{cfg: cfg, metrics: newMetrics()}
	set.observe = s.metrics.call
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	late := &late{}
	admins, workspaces, err := s.openChats(ctx, set, late)
	if err != nil {
		return nil, err
	}
	a, err := organisation(ctx, cfg, set)
	if err != nil {
		return nil, err
	}
	s.org = a.org
	s.tenant = &reach{now: set.now, read: func(ctx context.Context) error {
		_, err := a.reader.Organization(ctx)
		return err
	}}
	a.admins = admins
	if s.slack != nil {
		a.mail = s.slack.Mail
	}
	a.digest = digestOf(cfg, workspaces, a.zone)
	var webhook *teams.Teams
	if cfg.Teams != nil {
		if webhook, err = teams.New(teams.Config{URL: cfg.Teams.WebhookURL.Reveal(), Log: set.log}); err != nil {
			return nil, fmt.Errorf("teams.webhook_url: %w", err)
		}
		a.digest.also = []chat.Address{teams.Webhook}
	}
	a.open = func(bot *assembled, m *commands.Mux) (conversation, error) {
		late.Store, late.mux = bot.store, m
		posters := map[string]chat.Poster{}
		if webhook != nil {
			posters[teams.Platform] = webhook
		}
		for _, c := range s.chats {
			c.Handle(through(set.handler, s.metrics.handler(hurried{m, cmp.Or(set.patience, answerLimit)})))
			posters[c.name] = c.platform
		}
		return conversation{posters: posters}, nil
	}
	if s.listener, err = listener(cfg.Web, set.now, set.log); err != nil {
		return nil, err
	}
	if s.bot, err = assemble(ctx, a); err != nil {
		return s, err
	}
	if cfg.Paged() {
		if s.page, err = newPage(cfg, s.org, s.bot.desk, set); err != nil {
			return s, err
		}
	}
	s.heads = headPost{head: s.bot.records.Head, to: headAddresses(cfg.Audit.HeadTo), log: set.log}
	s.metrics.registry.MustRegister(standing{of: s.bot.store.Standing, chat: s.chats, whole: s.bot.records.Damage, reach: s.tenant.lately})
	return s, nil
}

// close releases what newService opened.
func (s *service) close() error {
	var errs []error
	if s.bot != nil {
		errs = append(errs, s.bot.close())
	}
	if s.listener != nil {
		if err := s.listener.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// organisation is the assembly of a bot as far as its configuration and its
// tenant make it.
func organisation(ctx context.Context, cfg *config.Config, set setting) (assembly, error) {
	t := cfg.Tenants[0]
	c, err := newClients(t, set)
	if err != nil {
		return assembly{}, err
	}
	a := assembly{
		database: cfg.Store.DSN.Reveal(), simulated: set.simulated, now: set.now, log: set.log,
		heads: headFiles(cfg.Audit.HeadTo), retention: cfg.Audit.Retention,
		reader: c.reader, tenant: c, writer: c.writer, mailFrom: t.MailFrom, mailer: c.writer,
		life: cfg.Approvals.Life, guide: ownGuide{cfg.Guide.Folder, cfg.Guide.Links, cfg.Guide.OwnTexts}, chatSignIn: commands.ChatSignIn(t.ChatSignIn),
		pace: set.pace,
	}
	if cfg.Paged() {
		a.page = cfg.Web.PublicURL
	}
	if a.org, err = c.organization(ctx, t); err != nil {
		return a, err
	}
	if a.apps, err = c.apps(ctx, t.Graph); err != nil {
		return a, fmt.Errorf("find out which app registrations are ours: %w", err)
	}
	c.tryWriter(ctx, t.Graph, set.log)
	if a.laid, err = cfg.Rules(ctx, t, c.find); err != nil {
		return a, err
	}
	a.scope = rollout.Scope{Declared: map[string]rollout.Purpose{}}
	for _, id := range a.laid.Emergency {
		a.scope.Declared[id] = rollout.Emergency
	}
	zone := "UTC"
	if cfg.Digest != nil {
		zone = cfg.Digest.Zone
	}
	if a.zone, err = time.LoadLocation(zone); err != nil {
		return a, err
	}
	a.hours = commands.OfficeHours(a.zone)
	return a, nil
}

// digestOf is where the digest goes, and when.
func digestOf(cfg *config.Config, workspaces map[string]string, zone *time.Location) digestPlan {
	if cfg.Digest == nil {
		return digestPlan{due: scheduler.Weekly{Day: time.Monday, Zone: zone}} // to name the week of a preview
	}
	d := cfg.Digest
	at := func(channel string) chat.Address {
		platform, id, _ := strings.Cut(channel, "/")
		return inChannel(platform, workspaces[platform], id)
	}
	return digestPlan{
		to:      at(d.Channel),
		leaders: at(d.Leaders), managers: d.Managers,
		due: scheduler.Weekly{Day: d.Day, Hour: int(d.At / time.Hour), Minute: int(d.At % time.Hour / time.Minute), Zone: zone},
	}
}

// newSlack returns the adapter, which is not connected yet.
func newSlack(cfg *config.Config, set setting, late *late) (*slack.Slack, error) {
	c := cfg.Slack
	return slack.New(slack.Config{
		Mode: c.Mode, AppToken: c.AppToken.Reveal(), BotToken: c.BotToken.Reveal(), SigningSecret: c.SigningSecret.Reveal(),
		APIURL: c.APIURL, Inbox: late, Now: set.now, Log: set.log,
		Home: func(ctx context.Context, who chat.Account) ([]chat.Message, error) {
			working, cancel := context.WithTimeout(ctx, cmp.Or(set.patience, answerLimit))
			defer cancel()
			ms, _ := late.mux.Home(working, who) // what could not be had in time says so
			return ms, ctx.Err()
		},
	})
}

// answerLimit is how long one answer may take. A tenant that does not answer
// must not leave a person without a word, nor keep all others waiting.
const answerLimit = time.Minute

// hurried is a handler that has so much time. Its answer has more: it says that
// there was no time.
type hurried struct {
	handler chat.Handler
	limit   time.Duration
}

// Handle implements chat.Handler.
func (h hurried) Handle(ctx context.Context, r chat.Responder, e chat.Event) error {
	working, cancel := context.WithTimeout(ctx, h.limit)
	defer cancel()
	return h.handler.Handle(working, unhurried{ctx, r}, e)
}

// unhurried answers by the event's own time.
type unhurried struct {
	ctx context.Context
	r   chat.Responder
}

func (u unhurried) Reply(_ context.Context, m chat.Message) error { return u.r.Reply(u.ctx, m) }
func (u unhurried) Say(_ context.Context, m chat.Message) error   { return u.r.Say(u.ctx, m) }

// listener listens where the configuration says, nil if nowhere.
func listener(web config.Web, now func() time.Time, log *slog.Logger) (net.Listener, error) {
	if web.Addr == "" {
		return nil, nil
	}
	secure, err := webTLS(web, now, log)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", web.Addr)
	if err != nil {
		return nil, fmt.Errorf("web.addr: %w", err)
	}
	if secure != nil {
		l = tls.NewListener(l, secure)
	}
	return l, nil
}
