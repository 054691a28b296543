package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"twokey/audit"
	"twokey/bot/config"
	"twokey/commands/rules"
	"twokey/graph/rollout"
	"twokey/graph/sync"
	"twokey/scheduler"
	"twokey/store"
)

type digestCommand struct {
	world
	Config string    `help:"Of the tenant that this configuration file names." type:"path" xor:"whose" placeholder:"FILE"`
	Demo   bool      `help:"Of the simulated tenant." xor:"whose"`
	Now    time.Time `help:"As of this time (RFC 3339), with --demo." default:"2026-11-23T09:00:00Z" placeholder:"TIME"`
	Out    string    `help:"The folder that digest.md, digest.json and chart.png are written to." type:"path" required:"" placeholder:"DIR"`
}

// Validate is called by the command line's parser.
func (d *digestCommand) Validate() error {
	if !d.Demo && d.Config == "" {
		return errors.New("say whose digest: --config names a configuration, --demo is the simulated tenant's")
	}
	return d.world.Validate()
}

// Run composes the digest as the bot would post it now, or the demo at that time,
// and writes it to files. Nothing is posted, stored or changed, and no address is
// opened: it works beside a running bot.
func (d *digestCommand) Run(ctx context.Context, std streams) (err error) {
	folder, err := os.MkdirTemp("", "twokey-digest-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	compose := d.compose
	if d.Config != "" {
		compose = d.composeReal
	}
	digest, err := compose(ctx, folder)
	if err != nil {
		return err
	}
	files, err := scheduler.Files(digest)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(d.Out, 0o755); err != nil {
		return err
	}
	for _, f := range files {
		path := filepath.Join(d.Out, f.Name)
		if err := os.WriteFile(path, f.Data, 0o644); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(std.out, path); err != nil {
			return err
		}
	}
	return nil
}

// compose reads the tenant as it stands at that time, and the weeks before.
func (d *digestCommand) compose(ctx context.Context, folder string) (_ scheduler.Digest, err error) {
	zone, err := time.LoadLocation(demoZone)
	if err != nil {
		return scheduler.Digest{}, err
	}
	now := func() time.Time { return d.Now }
	client, sim, err := past(d.world, d.Now, d.Now)
	if err != nil {
		return scheduler.Digest{}, err
	}
	defer func() { err = errors.Join(err, sim.Close()) }()
	_, scope, org, err := settle(ctx, client)
	if err != nil {
		return scheduler.Digest{}, err
	}
	db, err := store.Open(ctx, store.Config{DSN: filepath.Join(folder, databaseName), Now: now})
	if err != nil {
		return scheduler.Digest{}, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := remember(ctx, &tenant{world: d.world, epoch: d.Now}, org.ID, scope, zone, db); err != nil {
		return scheduler.Digest{}, err
	}
	facts := func(ctx context.Context) rollout.Facts { return sync.Read(ctx, client, now) }
	digester := newDigester(org, scope, db, facts, now, demoDigest(zone))
	return digester.Compose(ctx)
}

// composeReal composes the digest of the tenant that is configured from what a bot
// has kept of it so far, or, if none has, from a reading of all of it, which takes
// its time in a large tenant without P1.
func (d *digestCommand) composeReal(ctx context.Context, folder string) (_ scheduler.Digest, err error) {
	cfg, err := loadConfig(d.Config)
	if err != nil {
		return scheduler.Digest{}, err
	}
	if len(cfg.Tenants) > 1 {
		return scheduler.Digest{}, unable(cfg)
	}
	a, err := organisation(ctx, cfg, setting{now: time.Now, log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return scheduler.Digest{}, err
	}
	a.digest = digestOf(cfg, nil, a.zone)
	db, err := d.beside(ctx, cfg, folder)
	if err != nil {
		return scheduler.Digest{}, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	progress, err := db.SyncProgress(ctx, a.org.ID)
	if err != nil {
		return scheduler.Digest{}, fmt.Errorf("read the database: %w", err)
	}
	known := func(ctx context.Context) rollout.Facts { return sync.Read(ctx, a.reader, a.now) }
	if len(progress) > 0 {
		known = sync.New(sync.Config{Tenant: a.org.ID, Reader: a.reader, Store: db, Owner: owner(), Now: a.now}).Facts
	}
	digester := newDigester(a.org, a.scope, db, (&assembled{store: db}).facts(a, known), a.now, a.digest)
	fill(digester, a, db, headOf(db), func() rules.Rules { return a.laid })
	return digester.Compose(ctx)
}

// beside opens the bot's database to read, or an empty one where there is none yet.
func (d *digestCommand) beside(ctx context.Context, cfg *config.Config, folder string) (*store.Store, error) {
	dsn := cfg.Store.DSN.Reveal()
	if !strings.Contains(dsn, "://") {
		if _, err := os.Stat(dsn); errors.Is(err, fs.ErrNotExist) {
			return store.Open(ctx, store.Config{DSN: filepath.Join(folder, databaseName)})
		}
	}
	return store.OpenToRead(dsn), nil
}

// headOf verifies the whole record, and returns what it ends with.
func headOf(db *store.Store) func(context.Context) (audit.Head, bool) {
	return func(ctx context.Context) (audit.Head, bool) {
		last, err := audit.Verify(db.Audit(ctx), "")
		if err != nil || last == nil {
			return audit.Head{}, false
		}
		return audit.Head{Number: last.Number, Hash: last.Hash}, true
	}
}
