package main

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"twokey/audit"
	"twokey/store"
)

// newAuditWatch watches over the audit record of a bot and verifies it. Damage
// does not keep the bot from starting: it answers, and refuses to act.
func newAuditWatch(ctx context.Context, db *store.Store, files []audit.HeadFile, now func() time.Time, log *slog.Logger) (*audit.Watch, error) {
	w := audit.NewWatch(audit.WatchConfig{Source: db, Files: files, Now: now, Log: log})
	return w, w.Start(ctx)
}

// emptied returns the files without a head that the last rules named as places
// for them already.
func emptied(ctx context.Context, db *store.Store, records *audit.Watch, tenant string) ([]audit.HeadFile, error) {
	files, _ := records.Missing()
	if len(files) == 0 {
		return nil, nil
	}
	history, err := db.Rules(ctx, tenant)
	if err != nil || len(history) == 0 {
		return nil, err
	}
	named := headFiles(history[len(history)-1].Rules.HeadTo)
	return slices.DeleteFunc(files, func(f audit.HeadFile) bool { return !slices.Contains(named, f) }), nil
}

// headFiles are the files among the places where heads are to go.
func headFiles(to []string) []audit.HeadFile {
	var files []audit.HeadFile
	for _, place := range to {
		if filepath.IsAbs(place) {
			files = append(files, audit.HeadFile(place))
		}
	}
	return files
}

// pruner forgets what nobody needs any more: the text of records, requests and
// cases whose time is over, and old deliveries.
type pruner struct {
	store   *store.Store
	records *audit.Watch
	keep    time.Duration // records, requests and cases
	log     *slog.Logger
}

// settling is how long after its start a machine may have a wrong clock, and with
// SQLite the database as well.
const settling = time.Hour

// Run prunes once a day until ctx ends.
func (p pruner) Run(ctx context.Context) error {
	next := time.NewTimer(settling)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-next.C:
		}
		err := errors.Join(
			p.prune(ctx, "audit records", p.store.Prune), p.prune(ctx, "requests and cases", p.store.PruneRequests),
			p.pruneInbox(ctx), p.store.PruneGaps(ctx),
		)
		if err != nil && ctx.Err() == nil {
			p.log.ErrorContext(ctx, "prune", "error", err)
		}
		next.Reset(24 * time.Hour)
	}
}

// prune removes of one sort what is older than is kept, until nothing is. While
// the chain is damaged all stays, as evidence.
func (p pruner) prune(ctx context.Context, what string, old func(ctx context.Context, keep time.Duration) (int, error)) error {
	for p.records.Damage() == nil {
		n, err := old(ctx, p.keep)
		if err != nil || n == 0 {
			return err
		}
		p.log.InfoContext(ctx, what+" pruned", "number", n)
	}
	return nil
}

// pruneInbox goes on until no delivery is old.
func (p pruner) pruneInbox(ctx context.Context) error {
	for {
		n, err := p.store.PruneInbox(ctx)
		if err != nil || n == 0 {
			return err
		}
	}
}

// lastHead bounds how long a stop waits for the last head to be written.
const lastHead = 10 * time.Second

// keepLastHead writes the head that everything before the stop has led to.
func (b *assembled) keepLastHead() error {
	if b.records == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), lastHead)
	defer cancel()
	return b.records.Keep(ctx)
}
