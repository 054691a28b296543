package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"time"

	"twokey/audit"
	"twokey/bot/console"
	"twokey/chat"
	"twokey/commands"
	"twokey/commands/approval"
	"twokey/commands/rules"
	"twokey/graph"
	"twokey/graph/msgraph"
	"twokey/graph/rollout"
	"twokey/scheduler"
)

// stage is where a demo plays: a simulated tenant, a web page for a chat, and a
// clock that can be moved. The bot on it is the real one.
type stage struct {
	folder   string
	database string
	tenant   *tenant
	clock    *clock
	wait     time.Duration
	log      *slog.Logger
	console  *console.Console // once it is assembled, as what follows
	ready    readiness
}

// demoZone is where the demo's organisation is at home.
const demoZone = "Europe/Madrid"

// botApp is the name under which the tenant's ledger knows the bot's writes.
const botApp = "twokey"

// demoPace is quickened: nobody wants to wait in a demo, one looks at once for
// what one has just changed, and the simulated tenant answers and settles at
// once. No tenant's quota would bear such looks for long.
var demoPace = pace{
	limits: approval.Limits{Tick: 250 * time.Millisecond, Settle: time.Second},
	fresh:  2 * time.Second, patience: 2 * time.Second,
	watch:     15 * time.Second,
	cases:     time.Second,
	nudges:    time.Second,
	firstPass: 3 * time.Second,
}

// demoRetention is how long the audit record keeps its text.
const demoRetention = 7 * 365 * 24 * time.Hour

// demoDigest is posted to the team on Mondays at nine.
func demoDigest(zone *time.Location) digestPlan {
	return digestPlan{
		to:      chat.Address{Platform: console.Platform, Channel: channelTeam},
		leaders: chat.Address{Platform: console.Platform, User: "olga"},
		due:     scheduler.Weekly{Day: time.Monday, Hour: 9, Zone: zone},
	}
}

// assemble assembles the demo's bot.
func (s *stage) assemble(ctx context.Context) (*assembled, error) {
	zone, err := time.LoadLocation(demoZone)
	if err != nil {
		return nil, err
	}
	client, err := msgraph.New(msgraph.Config{
		BaseURL: s.tenant.url + "/v1.0", Credential: msgraph.StaticToken(botApp), Unbudgeted: true, Now: s.clock.Now, Log: s.log,
		Transport: seam.tenant,
	})
	if err != nil {
		return nil, err
	}
	laid, scope, org, err := settle(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("read tenant at %s: %w", s.tenant.url, err)
	}
	laid.Wait = s.wait
	bot, err := assemble(ctx, assembly{
		database: s.database, simulated: true, now: s.clock.Now, log: s.log,
		heads: []audit.HeadFile{audit.HeadFile(filepath.Join(s.folder, headsName))}, retention: demoRetention,
		reader: client, tenant: unsigned{client}, writer: client, apps: []string{botApp}, org: org, laid: laid, scope: scope,
		zone: zone, hours: commands.AroundTheClock(zone), chatSignIn: commands.ChatOwn,
		admins: chat.Address{Platform: console.Platform, Channel: channelAdmins},
		chosen: func(a chat.Account) bool { return a.Platform == console.Platform },
		digest: demoDigest(zone), pace: demoPace,
		open: func(bot *assembled, mux *commands.Mux) (conversation, error) { return s.openConsole(bot, mux, zone) },
	})
	if err != nil {
		return nil, err
	}
	if err := remember(ctx, s.tenant, org.ID, scope, zone, bot.store); err != nil {
		return nil, errors.Join(err, bot.close())
	}
	s.ready = readiness{bot.store, bot.records, chats{}, &reach{now: s.clock.Now, read: func(ctx context.Context) error {
		_, err := client.Organization(ctx)
		return err
	}}}
	return bot, nil
}

// web is the console, and beside it what “twokey healthcheck” asks.
func (s *stage) web() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", s.console)
	mux.Handle("GET /readyz", s.ready)
	return mux
}

// settle reads what must be known before anything is asked.
func settle(ctx context.Context, r graph.Reader) (rules.Rules, rollout.Scope, graph.Organization, error) {
	org, err := r.Organization(ctx)
	if err != nil {
		return rules.Rules{}, rollout.Scope{}, org, err
	}
	laid, err := castRules(ctx, r, org.ID)
	if err != nil {
		return laid, rollout.Scope{}, org, err
	}
	scope, err := declaredAccounts(ctx, r)
	return laid, scope, org, err
}

func (s *stage) openConsole(bot *assembled, mux *commands.Mux, zone *time.Location) (conversation, error) {
	people, everybody := castPeople()
	c, err := console.New(console.Config{
		People:   people,
		Channels: map[string][]string{channelTeam: everybody, channelAdmins: castAdmins},
		Journal:  filepath.Join(s.folder, consoleName),
		Now:      func() time.Time { return s.clock.Now().In(zone) },
		Advance: func(d time.Duration) error {
			if err := s.tenant.advance(context.Background(), d); err != nil {
				return err
			}
			if err := s.clock.Advance(d); err != nil {
				return err
			}
			bot.wakeAll()
			return nil
		},
		Commands: func(who chat.Account) []chat.CommandSpec { return mux.Allowed(context.Background(), who) },
		Notes: []string{
			"This tenant is simulated: nothing here is real.",
			"Choosing a person counts as their sign-in and step-up.",
			fmt.Sprintf("The wait after the last approval is %s here instead of 15 min.", s.wait),
		},
		Log: s.log,
	})
	if err != nil {
		return conversation{}, err
	}
	c.Handle(mux)
	s.console = c
	return conversation{posters: map[string]chat.Poster{console.Platform: c}, close: c.Close}, nil
}
