package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
	_ "time/tzdata" // zones must be known on machines that have no zone files

	"golang.org/x/sync/errgroup"

	"twokey/audit"
	"twokey/bot/console"
	"twokey/chat"
	"twokey/chat/outbox"
	"twokey/commands"
	"twokey/commands/approval"
	"twokey/commands/guide"
	"twokey/commands/identity"
	"twokey/commands/rules"
	"twokey/graph"
	"twokey/graph/msgraph"
	"twokey/graph/rollout"
	"twokey/graph/sync"
	"twokey/graph/watch"
	"twokey/scheduler"
	"twokey/store"
)

// assembly is what a bot is put together from.
type assembly struct {
	folder   string
	database string
	tenant   *tenant
	clock    *clock
	wait     time.Duration
	log      *slog.Logger
}

// assembled is a bot whose parts know each other, ready to run.
type assembled struct {
	life      *store.Life
	console   *console.Console
	store     *store.Store
	records   *audit.Watch
	sender    *outbox.Sender
	syncer    *sync.Syncer
	watcher   *watch.Watcher
	runner    *approval.Runner
	scheduler *scheduler.Scheduler
	pruner    pruner
}

// seams are what stands between a bot and its database, its tenant and the
// chat: nothing, but for tests that must be present at each call.
type seams struct {
	store  func(approval.Store) approval.Store
	tenant http.RoundTripper
	poster func(chat.Poster) chat.Poster
}

var seam seams

// through returns v as it is seen through a seam.
func through[T any](seam func(T) T, v T) T {
	if seam == nil {
		return v
	}
	return seam(v)
}

// demoZone is where the demo's organisation is at home.
const demoZone = "Europe/Madrid"

// botApp is the name under which the tenant's ledger knows the bot's writes.
const botApp = "twokey"

// assemble wires a demo bot. What it opened it closes again if it fails.
func assemble(ctx context.Context, a assembly) (_ *assembled, err error) {
	zone, err := time.LoadLocation(demoZone)
	if err != nil {
		return nil, err
	}
	client, err := msgraph.New(msgraph.Config{
		BaseURL: a.tenant.url + "/v1.0", Credential: msgraph.StaticToken(botApp), Unbudgeted: true, Now: a.clock.Now, Log: a.log,
		Transport: seam.tenant,
	})
	if err != nil {
		return nil, err
	}
	laid, scope, org, err := settle(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("read tenant at %s: %w", a.tenant.url, err)
	}
	bot := &assembled{}
	if bot.life, err = store.NewLife(os.TempDir()); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, bot.close())
		}
	}()
	bot.store, err = store.Open(ctx, store.Config{DSN: a.database, Now: a.clock.Now, Owed: bot.wake})
	if err != nil {
		return nil, err
	}
	heads := []audit.HeadFile{audit.HeadFile(filepath.Join(a.folder, headsName))}
	if bot.records, err = newAuditWatch(ctx, bot.store, heads, a.clock.Now, a.log); err != nil {
		return nil, err
	}
	bot.pruner = pruner{bot.store, bot.records, a.clock.Now, a.log}
	staff, err := guide.Load()
	if err != nil {
		return nil, fmt.Errorf("load guide: %w", err)
	}

	laid.Wait = a.wait
	admins := chat.Address{Platform: console.Platform, Channel: channelAdmins}
	keeper, err := lay(ctx, commands.Laying{Book: bot.store, Tenant: client, Admins: admins, Zone: zone}, laid, a.clock.Now)
	if err != nil {
		return nil, err
	}
	people := identity.New(identity.Config{Rules: keeper, Ask: commands.AskRoles(), Away: func(ctx context.Context) (map[string]time.Time, error) {
		return bot.store.Away(ctx, org.ID)
	}}, client)
	gate := commands.Gate(bot.records)
	requests := through[approval.Store](seam.store, bot.store)
	engine := &approval.Engine{
		Store: requests, Standing: people, Gate: gate,
		Caps:     approval.Caps{PerRequest: laid.PerRequest, PerHour: laid.PerHour},
		Expiry:   commands.AroundTheClock(zone).Expiry,
		Wake:     func() { bot.runner.Wake() },
		Hours:    commands.AroundTheClock(zone).Reminder,
		Everyone: commands.Everyone(people, admins), Backups: commands.Backups(people), Away: commands.Away(people),
		Current: commands.Current(keeper),
	}
	bot.syncer = sync.New(sync.Config{
		Tenant: org.ID, Reader: client, Store: bot.store, Owner: owner(), Now: a.clock.Now, Log: a.log,
		Fresh: demoFresh, Patience: demoPatience,
	})
	if err := bot.firstPass(ctx, org.ID); err != nil {
		return nil, err
	}
	digester := newDigester(org, scope, bot.store, bot.syncer.Facts, a.clock.Now, zone)
	digester.Head = bot.records.Head
	bot.watcher = newWatcher(a, org.ID, client, bot.store, engine.Everyone)
	digester.Changes = func(ctx context.Context, since time.Time) (rollout.ChangeCount, error) {
		return bot.store.CountChanges(ctx, org.ID, since)
	}
	digester.Notices = func() []string { return commands.Notices(keeper.Now()) }
	env := commands.Env{
		Organization: org, Tenant: unsigned{client}, Writer: client, Facts: digester.Facts, Scope: scope,
		Engine: engine, Requests: requests, People: people, Guide: staff, Records: bot.store, Guard: bot.records, Digest: digester, Changes: bot.watcher,
		Absences: bot.store, Rules: keeper, Zone: zone, Contact: demoContact,
		Admins: admins, ChatSignIn: commands.ChatOwn, Build: build(), Now: a.clock.Now,
		Collect: func(ctx context.Context, v approval.Vote, deliver func(context.Context, any) error) (approval.Request, error) {
			return bot.runner.Collect(ctx, v, deliver)
		},
	}
	mux := commands.NewMux(env, a.log)

	if bot.console, err = openConsole(a, mux, zone, bot); err != nil {
		return nil, err
	}
	renderers := commands.Renderers(env)
	renderers[scheduler.KindDigest] = scheduler.Render
	bot.sender = outbox.New(bot.store, map[string]chat.Poster{console.Platform: through[chat.Poster](seam.poster, bot.console)}, renderers, a.log)
	bot.runner = approval.NewRunner(approval.RunnerConfig{
		Store: requests, Standing: people, Gate: gate, Actions: commands.Actions(env), Owner: bot.life.Name(), Gone: bot.life.Gone, Limits: demoLimits, Log: a.log,
		Tidy: engine.Tidy,
	})
	bot.scheduler, err = scheduler.New(org.ID, []scheduler.Job{digester.Job()}, bot.store, a.clock.Now, a.log)
	if err != nil {
		return nil, err
	}
	if err := bot.scheduler.Register(ctx); err != nil {
		return nil, err
	}
	return bot, remember(ctx, a.tenant, org.ID, scope, zone, bot.store)
}

// In a demo one looks at once for what one has just changed, and the simulated
// tenant answers at once.
const (
	demoFresh    = 2 * time.Second
	demoPatience = 2 * time.Second
)

// firstPassLimit is how long the first reading of a tenant may keep a demo from
// being ready. What it does not bring by then comes later, and the figures say
// so meanwhile.
const firstPassLimit = 3 * time.Second

// firstPass reads a tenant of which nothing is kept yet.
func (b *assembled) firstPass(ctx context.Context, tenant string) error {
	progress, err := b.store.SyncProgress(ctx, tenant)
	if err != nil || len(progress) > 0 {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, firstPassLimit)
	defer cancel()
	_ = b.syncer.Pass(ctx) // Run tries again, and says what is wrong
	_ = b.syncer.SignIns(ctx)
	return nil
}

// newDigester posts to the team on Mondays at nine.
func newDigester(org graph.Organization, scope rollout.Scope, db *store.Store, facts func(context.Context) rollout.Facts, now func() time.Time, zone *time.Location) *scheduler.Digester {
	return &scheduler.Digester{
		Tenant: org.ID, Name: org.Name, Scope: scope, Store: db, Now: now,
		Facts: facts,
		To:    chat.Address{Platform: console.Platform, Channel: channelTeam},
		Due:   scheduler.Weekly{Day: time.Monday, Hour: 9, Zone: zone},
	}
}

// demoLimits are the runner's, quickened: nobody wants to wait in a demo, and
// the simulated tenant settles at once.
var demoLimits = approval.Limits{Tick: 250 * time.Millisecond, Settle: time.Second}

// owner names this process among all that ever run on the store.
func owner() string { return rand.Text() }

// wake makes the sender look for what is owed, once there is one: new rules are
// announced before.
func (b *assembled) wake() {
	if b.sender != nil {
		b.sender.Wake()
	}
}

// lay lays the rules down and returns the keeper of what holds.
func lay(ctx context.Context, l commands.Laying, r rules.Rules, now func() time.Time) (*rules.Keeper, error) {
	history, err := l.Lay(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("lay the rules down: %w", err)
	}
	return rules.NewKeeper(history, now), nil
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

func openConsole(a assembly, mux *commands.Mux, zone *time.Location, bot *assembled) (*console.Console, error) {
	people, everybody := castPeople()
	c, err := console.New(console.Config{
		People:   people,
		Channels: map[string][]string{channelTeam: everybody, channelAdmins: castAdmins},
		Journal:  filepath.Join(a.folder, consoleName),
		Now:      func() time.Time { return a.clock.Now().In(zone) },
		Advance: func(d time.Duration) error {
			if err := a.tenant.advance(context.Background(), d); err != nil {
				return err
			}
			if err := a.clock.Advance(d); err != nil {
				return err
			}
			bot.syncer.Wake()
			bot.watcher.Wake()
			bot.runner.Wake()
			bot.sender.Wake()
			bot.scheduler.Wake()
			return nil
		},
		Commands: func(who chat.Account) []chat.CommandSpec { return mux.Allowed(context.Background(), who) },
		Notes: []string{
			"This tenant is simulated: nothing here is real.",
			"Choosing a person counts as their sign-in and step-up.",
			fmt.Sprintf("The wait after the last approval is %s here instead of 15 min.", a.wait),
		},
		Log: a.log,
	})
	if err != nil {
		return nil, err
	}
	c.Handle(mux)
	return c, nil
}

// run serves until ctx ends, and stops what takes in work before what does it.
func (b *assembled) run(ctx context.Context, l net.Listener) error {
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	group, work := errgroup.WithContext(work)
	group.Go(func() error { return b.sender.Run(work) })
	group.Go(func() error { return b.syncer.Run(work) })
	group.Go(func() error { return b.watcher.Run(work) })
	group.Go(func() error { return b.runner.Run(work) })
	group.Go(func() error { return b.scheduler.Run(work) })
	group.Go(func() error { return b.records.Run(work) })
	group.Go(func() error { return b.pruner.Run(work) })
	group.Go(func() error {
		serving, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(serving, func() { _ = b.console.Close() })() // its streams keep connections busy
		err := serve(serving, l, b.console)
		stopWork()
		return err
	})
	return group.Wait()
}

// close releases what assemble opened.
func (b *assembled) close() error {
	var errs []error
	if b.console != nil {
		errs = append(errs, b.console.Close())
	}
	if b.store != nil {
		errs = append(errs, b.keepLastHead(), b.store.Close())
	}
	return errors.Join(append(errs, b.life.Close())...) // last: until here it may send
}
