package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"twokey/graph/rollout"
	"twokey/graph/sync"
	"twokey/scheduler"
	"twokey/store"
)

type digestCommand struct {
	world
	Demo bool      `help:"Of the simulated tenant."`
	Now  time.Time `help:"As of this time (RFC 3339)." default:"2026-11-23T09:00:00Z" placeholder:"TIME"`
	Out  string    `help:"The folder that digest.md, digest.json and chart.png are written to." type:"path" required:"" placeholder:"DIR"`
}

// Validate is called by the command line's parser.
func (d *digestCommand) Validate() error {
	if !d.Demo {
		return errors.New("say whose digest: --demo is the simulated tenant's")
	}
	return d.world.Validate()
}

// Run composes the digest as the demo would post it at that time, and writes
// it to files. Nothing is posted, and no address is opened.
func (d *digestCommand) Run(ctx context.Context, std streams) (err error) {
	folder, err := os.MkdirTemp("", "twokey-digest-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	digest, err := d.compose(ctx, folder)
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
