package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"time"
	_ "time/tzdata" // zones must be known on machines that have no zone files

	"golang.org/x/sync/errgroup"

	"twokey/audit"
	"twokey/bot/link"
	"twokey/bot/mail"
	"twokey/chat"
	"twokey/chat/outbox"
	"twokey/commands"
	"twokey/commands/approval"
	"twokey/commands/identity"
	"twokey/commands/rules"
	"twokey/graph"
	"twokey/graph/msgraph"
	"twokey/graph/rollout"
	"twokey/graph/sync"
	"twokey/graph/watch"
	"twokey/scheduler"
	"twokey/scheduler/nudge"
	"twokey/store"
)

// assembly is what a bot is put together from: all in which one differs from
// another. assemble does the same with it for each.
type assembly struct {
	database  string
	simulated bool // now is the time in the database too, which else has its own
	now       func() time.Time
	log       *slog.Logger
	heads     []audit.HeadFile
	retention time.Duration // of the audit record's text

	reader *msgraph.Client // of the tenant
	tenant commands.Tenant // what commands read: the reader, and what the writer was granted
	writer commands.Writer
	// mailFrom is the mailbox that people are mailed from; empty: nobody is.
	mailFrom string
	mailer   mail.Writer
	apps     []string // application IDs of ours
	org      graph.Organization
	laid     rules.Rules // as they are written
	scope    rollout.Scope

	zone       *time.Location // in which times are shown
	hours      commands.Hours // of those who decide
	life       time.Duration  // of a request that nobody decides; 0: as many hours as are usual
	guide      ownGuide
	chatSignIn commands.ChatSignIn
	admins     chat.Address
	page       string                  // where browsers reach the page on which people prove who they are; empty: there is none
	chosen     func(chat.Account) bool // whether to speak by an account is a proof; nil: never
	// mail returns what a platform has confirmed as an account's address; nil: nothing.
	mail   func(context.Context, chat.Account) (string, error)
	digest digestPlan
	pace   pace

	// open opens the chat for a bot whose events mux handles. What it returned is
	// closed with the bot.
	open func(bot *assembled, mux *commands.Mux) (conversation, error)
}

// digestPlan says where the digest is posted and when; without a place it is
// not.
type digestPlan struct {
	to      chat.Address
	also    []chat.Address // where else it is posted
	leaders chat.Address   // the monthly version for leaders; without a place it is not posted
	// managers says that each manager is told of their own people, once a month.
	managers bool
	due      scheduler.Weekly
}

// pace is how fast a bot looks and acts. What is zero is as usual.
type pace struct {
	limits          approval.Limits
	fresh, patience time.Duration // of what is read of the tenant, see [sync.Config]
	watch           time.Duration // between two looks at what others change there
	cases           time.Duration // between two looks after cases with the help desk
	nudges          time.Duration // between two looks after waves
	firstPass       time.Duration // for how long the first reading keeps a bot from being ready; 0: not at all
}

// conversation is the chat of a bot: its platforms by name, and what it takes
// to leave them.
type conversation struct {
	posters map[string]chat.Poster
	close   func() error
}

// assembled is a bot whose parts know each other, ready to run.
type assembled struct {
	life      *store.Life
	leave     func() error // closes the chat
	store     *store.Store
	records   *audit.Watch
	emptied   []audit.HeadFile // that had heads before
	sender    *outbox.Sender
	syncer    *sync.Syncer
	mux       *commands.Mux
	watcher   *watch.Watcher
	alerts    *alerts
	runner    *approval.Runner
	scheduler *scheduler.Scheduler
	pruner    pruner
	cases     *commands.Caseworker
	nudger    *nudge.Nudger
	desk      link.Desk // behind the page
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

// assemble wires a bot. What it opened it closes again if it fails.
func assemble(ctx context.Context, a assembly) (_ *assembled, err error) {
	bot := &assembled{}
	if bot.life, err = store.NewLife(os.TempDir()); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, bot.close())
		}
	}()
	if bot.store, err = openStore(ctx, a, bot.wake); err != nil {
		return nil, err
	}
	if bot.records, err = newAuditWatch(ctx, bot.store, a.heads, a.now, a.log); err != nil {
		return nil, err
	}
	if bot.emptied, err = emptied(ctx, bot.store, bot.records, a.org.ID); err != nil {
		return nil, err
	}
	bot.pruner = pruner{bot.store, bot.records, a.retention, a.log}
	staff, err := a.guide.load()
	if err != nil {
		return nil, fmt.Errorf("load guide: %w", err)
	}
	book, err := commands.LoadPhrases()
	if err != nil {
		return nil, fmt.Errorf("load phrases: %w", err)
	}
	keeper, err := lay(ctx, commands.Laying{Book: bot.store, Tenant: a.reader, Links: bot.store, Admins: a.admins, Zone: a.zone}, a.laid, a.now)
	if err != nil {
		return nil, err
	}
	people := identity.New(identity.Config{Rules: keeper, Ask: commands.AskRoles(), Self: commands.SelfKinds(), Away: func(ctx context.Context) (map[string]time.Time, error) {
		return bot.store.Away(ctx, a.org.ID)
	}, Links: bot.store, Suggest: identity.Suggestion{Mail: a.mail, Find: a.reader.FindUsers}, Security: a.reader, Requests: bot.store, Opening: commands.Opening(), Now: a.now}, a.reader)
	gate := commands.Gate(bot.records)
	requests := through[approval.Store](seam.store, bot.store)
	engine := newEngine(a, bot, requests, people, keeper, gate)
	bot.syncer = sync.New(sync.Config{
		Tenant: a.org.ID, Reader: a.reader, Store: bot.store, Owner: owner(), Now: a.now, Log: a.log,
		Fresh: a.pace.fresh, Patience: a.pace.patience, Kept: a.pace.fresh,
	})
	if err := bot.firstPass(ctx, a.org.ID, a.pace.firstPass); err != nil {
		return nil, err
	}
	bot.alerts = newAlerts(a, bot, engine.Everyone)
	bot.watcher = newWatcher(a, bot.alerts, keeper)
	digester := newDigester(a.org, a.scope, bot.store, bot.facts(a, bot.syncer.Facts), a.now, a.digest)
	digester.CatchUp = bot.syncer.CatchUp
	fill(digester, a, bot.store, bot.records.Head, keeper.Now)
	if bot.nudger, err = newNudger(a, bot, people, digester.Facts); err != nil {
		return nil, err
	}
	shown := *digester // on the screen the week that is running is as it was some minutes ago
	shown.Facts = bot.facts(a, bot.syncer.Kept)
	env := commands.Env{
		Organization: a.org, Tenant: a.tenant, Writer: a.writer, Facts: digester.Facts, Kept: shown.Facts, Last: bot.syncer.Last, Scope: a.scope,
		Engine: engine, Requests: requests, People: people, Guide: staff, Records: bot.store, Guard: bot.records, Digest: a.digest.of(digester), Trend: &shown, Changes: bot.watcher, Alerts: bot.store,
		Absences: bot.store, Declarations: bot.store, LegacyUse: bot.store, Staff: bot.store, Hours: a.hours, Languages: bot.store, Phrases: book, Rules: keeper, Zone: a.zone,
		Proofs: bot.store, Page: a.page, Mail: a.mailPlatform(), Chosen: a.chosen,
		Nudges: waves{bot.nudger, bot.store}, Links: a.guide.links, OwnTexts: a.guide.texts,
		Admins: a.admins, ChatSignIn: a.chatSignIn, Build: build(), Now: a.now, Changed: bot.changed,
		Collect: func(ctx context.Context, v approval.Vote, deliver func(context.Context, any) error) (approval.Request, error) {
			return bot.runner.Collect(ctx, v, deliver)
		},
	}
	engine.Prove, bot.desk = commands.Prove(env), commands.NewDesk(env)
	if bot.sender, err = converse(a, bot, env); err != nil {
		return nil, err
	}
	bot.runner = approval.NewRunner(approval.RunnerConfig{
		Store: requests, Standing: people, Gate: gate, Actions: commands.Actions(env), Owner: bot.life.Name(), Gone: bot.life.Gone, Limits: a.pace.limits, Log: a.log,
		Tidy: tidying(engine.Tidy, commands.RemindExceptions(env)), Current: engine.Current, Prove: engine.Prove,
	})
	bot.cases = commands.NewCaseworker(env, cmp.Or(a.pace.cases, time.Minute), a.log)
	jobs := append(a.digest.jobs(digester, managers(a, bot.store, people)), selfCheckJob(a, bot, commands.SelfCheck(env)))
	if bot.scheduler, err = scheduler.New(a.org.ID, jobs, bot.store, a.now, a.log); err != nil {
		return nil, err
	}
	return bot, bot.scheduler.Register(ctx)
}

func openStore(ctx context.Context, a assembly, owed func()) (*store.Store, error) {
	cfg := store.Config{DSN: a.database, Owed: owed}
	if a.simulated {
		cfg.Now = a.now
	}
	return store.Open(ctx, cfg)
}

func newEngine(a assembly, bot *assembled, requests approval.Store, people *identity.Directory, keeper *rules.Keeper, gate func(context.Context) error) *approval.Engine {
	expiry := a.hours.Expiry
	if a.life > 0 {
		expiry = func(asked time.Time) time.Time { return asked.Add(a.life) }
	}
	now := keeper.Now()
	return &approval.Engine{
		Store: requests, Standing: people, Gate: gate,
		Caps:     approval.Caps{PerRequest: now.PerRequest, PerHour: now.PerHour},
		Expiry:   expiry,
		Wake:     func() { bot.runner.Wake() },
		Hours:    a.hours.Reminder,
		Everyone: commands.Everyone(people, a.admins), Backups: commands.Backups(people), Away: commands.Away(people),
		Current: commands.Current(keeper),
	}
}

// converse opens the chat and returns what sends messages into it.
func converse(a assembly, bot *assembled, env commands.Env) (*outbox.Sender, error) {
	bot.mux = commands.NewMux(env, a.log)
	c, err := a.open(bot, bot.mux)
	if err != nil {
		return nil, err
	}
	bot.leave = c.close
	if a.mailFrom != "" {
		c.posters[mail.Platform] = mail.New(mail.Config{From: a.mailFrom, Reader: a.reader, Writer: a.mailer, Notes: bot.store, Log: a.log})
	}
	for platform, p := range c.posters {
		c.posters[platform] = through(seam.poster, p)
	}
	renderers := commands.Renderers(env)
	renderers[scheduler.KindDigest] = scheduler.Render
	renderers[scheduler.KindLeader] = scheduler.RenderLeader
	renderers[scheduler.KindManager] = scheduler.RenderManager(bot.store.Names)
	renderers[nudge.Kind] = bot.nudger.Render
	sender := outbox.New(bot.store, c.posters, renderers, a.log)
	if !bot.store.Alone() { // or else nobody else could have led, and posted what is not recorded
		sender.Lead = bot.store.Leader("outbox", bot.life.Name(), outbox.LeadFor, bot.life.Gone)
	}
	return sender, nil
}

// firstPass reads a tenant of which nothing is kept yet, for a while. What that
// does not bring comes later, and the figures say so meanwhile.
func (b *assembled) firstPass(ctx context.Context, tenant string, limit time.Duration) error {
	if limit == 0 {
		return nil
	}
	progress, err := b.store.SyncProgress(ctx, tenant)
	if err != nil || len(progress) > 0 {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	_ = b.syncer.Pass(ctx) // Run tries again, and says what is wrong
	_ = b.syncer.SignIns(ctx)
	return nil
}

// tidying does one thing after the other, whatever becomes of the first.
func tidying(all ...func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		var errs []error
		for _, tidy := range all {
			errs = append(errs, tidy(ctx))
		}
		return errors.Join(errs...)
	}
}

// facts is what is known of the tenant, and what people have declared of it.
func (b *assembled) facts(a assembly, known func(context.Context) rollout.Facts) func(ctx context.Context) rollout.Facts {
	return func(ctx context.Context) rollout.Facts {
		f := known(ctx)
		declared, err := b.store.Declared(ctx, a.org.ID)
		if err != nil { // then nothing else of it could be read either
			a.log.WarnContext(ctx, "read what was declared", "error", err)
		}
		f.Declared, f.Devices = rollout.NewScope(declared), rollout.Devices(declared)
		return f
	}
}

func newDigester(org graph.Organization, scope rollout.Scope, db *store.Store, facts func(context.Context) rollout.Facts, now func() time.Time, plan digestPlan) *scheduler.Digester {
	return &scheduler.Digester{
		Tenant: org.ID, Name: org.Name, Scope: scope, Store: db, Now: now,
		Facts: facts, To: plan.to, Also: plan.also, Due: plan.due,
	}
}

// of is the digest as commands know it.
func (p digestPlan) of(d *scheduler.Digester) commands.Digest {
	if p.to == (chat.Address{}) {
		return unposted{d}
	}
	return d
}

// unposted is a digest for which no channel is configured: it can only be
// looked at.
type unposted struct{ *scheduler.Digester }

func (unposted) PostNow(context.Context, string) (bool, error) { return false, errUnposted }

var errUnposted = plainly("This bot has no channel for the digest. An owner can name one in its configuration, in the section “digest”.")

// plainly is an error that is a sentence for people.
type plainly string

func (p plainly) Error() string { return string(p) }

// Say is what people are told.
func (p plainly) Say() string { return string(p) }

// owner names this process among all that ever run on the store.
func owner() string { return rand.Text() }

// wake makes the sender look for what is owed, once there is one: new rules are
// announced before.
func (b *assembled) wake() {
	if b.sender != nil {
		b.sender.Wake()
	}
}

// changed makes what is told of the tenant be read anew, after a change in it.
func (b *assembled) changed() {
	b.syncer.Outdate()
	b.mux.Forget()
}

// wakeAll makes every part look at its clock again, after it was moved.
func (b *assembled) wakeAll() {
	b.syncer.Wake()
	b.watcher.Wake()
	b.alerts.Wake()
	b.runner.Wake()
	b.sender.Wake()
	b.scheduler.Wake()
	b.cases.Wake()
	b.nudger.Wake()
}

// lay lays the rules down and returns the keeper of what holds.
func lay(ctx context.Context, l commands.Laying, r rules.Rules, now func() time.Time) (*rules.Keeper, error) {
	history, err := l.Lay(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("lay the rules down: %w", err)
	}
	return rules.NewKeeper(history, now), nil
}

// run works until intake, which takes in what is to be done, has ended: it is
// to end with ctx, before whatever does the work.
func (b *assembled) run(ctx context.Context, intake func(context.Context) error) error {
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	group, work := errgroup.WithContext(work)
	for _, part := range []func(context.Context) error{
		b.sender.Run, b.syncer.Run, b.watcher.Run, b.alerts.Run, b.runner.Run, b.scheduler.Run, b.records.Run, b.pruner.Run, b.cases.Run, b.nudger.Run,
	} {
		group.Go(func() error { return part(work) })
	}
	group.Go(func() error {
		taking, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(work, cancel)() // a part that failed ends it too
		err := intake(taking)
		stopWork()
		return err
	})
	return group.Wait()
}

// close releases what assemble opened.
func (b *assembled) close() error {
	var errs []error
	if b.leave != nil {
		errs = append(errs, b.leave())
	}
	if b.store != nil {
		errs = append(errs, b.keepLastHead(), b.store.Close())
	}
	return errors.Join(append(errs, b.life.Close())...) // last: until here it may send
}
