package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"twokey/graph/simtenant"
)

// Files of a demo's data folder.
const (
	databaseName = "twokey.db"
	consoleName  = "console.jsonl"
	tenantName   = "tenant.jsonl"
	clockName    = "clock"
	headsName    = "audit-heads.jsonl"
)

type demoCommand struct {
	world
	Addr   string        `help:"Where the console listens." default:"127.0.0.1:8420" placeholder:"HOST:PORT"`
	Data   string        `help:"Keep everything in this folder; without it a temporary one is used and removed." type:"path" placeholder:"DIR"`
	Store  string        `help:"The database: a file, or postgres://…. By default twokey.db in the data folder." placeholder:"DSN"`
	Tenant string        `help:"Use a simulated tenant that runs elsewhere (“twokey tenant”)." placeholder:"URL"`
	Wait   time.Duration `help:"How long an approved change waits before it runs." default:"10s"`
	Now    time.Time     `help:"Start the demo's clock at this time (RFC 3339)." placeholder:"TIME"`
	Log    string        `help:"The least that is logged: debug, info, warn or error." enum:"debug,info,warn,error" default:"info"`
}

// Validate is called by the command line's parser.
func (d *demoCommand) Validate() error {
	switch {
	case d.Wait < 0 || d.Wait > time.Hour:
		return fmt.Errorf("--wait %s is not from 0s to 1h", d.Wait)
	case strings.Contains(d.Store, "://") && !strings.HasPrefix(d.Store, "postgres://") && !strings.HasPrefix(d.Store, "postgresql://"):
		return errors.New("--store takes the name of a file, or postgres://…")
	}
	return d.world.Validate()
}

// Run is the whole product against a simulated tenant, until ctx ends.
func (d *demoCommand) Run(ctx context.Context, std streams) (err error) {
	folder, remove, err := d.folder()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	clock, err := openClock(filepath.Join(folder, clockName), d.Now)
	if err != nil {
		return err
	}
	log, err := newLog(std.err, d.Log)
	if err != nil {
		return err
	}

	// The tenant lives longer than the bot, so that a call that is under way
	// when the demo is stopped still gets its answer.
	tenantLife, endTenant := context.WithCancel(context.WithoutCancel(ctx))
	defer endTenant()
	tenant, err := d.openTenant(tenantLife, folder, clock)
	if err != nil {
		return err
	}
	defer func() { endTenant(); err = errors.Join(err, tenant.wait()) }()

	listener, err := listen(d.Addr)
	if err != nil {
		return err
	}
	stage := &stage{folder: folder, database: d.database(folder), tenant: tenant, clock: clock, wait: d.Wait, log: log}
	bot, err := stage.assemble(ctx)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer func() { err = errors.Join(err, bot.close()) }()
	_, err = fmt.Fprintf(std.out, "console http://%s\ntenant %s\nready\n", listener.Addr(), tenant.url)
	if err != nil {
		return err
	}
	return bot.run(ctx, func(ctx context.Context) error {
		defer context.AfterFunc(ctx, func() { _ = stage.console.Close() })() // its streams keep connections busy
		return serve(ctx, listener, stage.web())
	})
}

// folder returns the data folder and how to leave it.
func (d *demoCommand) folder() (path string, remove func() error, err error) {
	if d.Data == "" {
		path, err = os.MkdirTemp("", "twokey-demo-")
		return path, func() error { return os.RemoveAll(path) }, err
	}
	return d.Data, func() error { return nil }, os.MkdirAll(d.Data, 0o700)
}

func (d *demoCommand) database(folder string) string {
	if d.Store != "" {
		return d.Store
	}
	return filepath.Join(folder, databaseName)
}

// tenant is the simulated tenant of a demo: its own, or one elsewhere.
type tenant struct {
	world
	url   string
	epoch time.Time // when its world was made; zero if that is not known here
	wait  func() error
}

func (d *demoCommand) openTenant(ctx context.Context, folder string, clock *clock) (*tenant, error) {
	if d.Tenant != "" {
		return elsewhere(d.world, d.Tenant)
	}
	cfg := d.config(clock.Now(), clock.Now)
	cfg.Journal = filepath.Join(folder, tenantName)
	sim, err := simtenant.New(cfg)
	if err != nil {
		return nil, err
	}
	l, err := listen("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	var group errgroup.Group
	group.Go(func() error { return serve(ctx, l, sim) })
	return &tenant{
		world: d.world, url: "http://" + l.Addr().String(), epoch: cfg.Epoch,
		wait: func() error { return errors.Join(group.Wait(), sim.Close()) },
	}, nil
}

// elsewhere uses a tenant that another process runs.
func elsewhere(w world, address string) (*tenant, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" || u.Host == "" {
		return nil, fmt.Errorf("--tenant %q is not an address like http://127.0.0.1:8421", address)
	}
	return &tenant{world: w, url: strings.TrimSuffix(u.String(), "/"), wait: func() error { return nil }}, nil
}

// advance moves a tenant's clock that runs elsewhere; our own tenant runs by
// the demo's clock.
func (t *tenant) advance(ctx context.Context, d time.Duration) error {
	if !t.epoch.IsZero() {
		return nil
	}
	body, err := json.Marshal(map[string]string{"advance": d.String()})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url+"/_sim/clock", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("move the tenant's clock: %w", err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16))
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("move the tenant's clock: %s", resp.Status)
	}
	return nil
}
