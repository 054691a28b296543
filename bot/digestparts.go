package main

import (
	"context"
	"time"

	"twokey/audit"
	"twokey/chat"
	"twokey/commands"
	"twokey/commands/approval"
	"twokey/commands/identity"
	"twokey/commands/rules"
	"twokey/graph/rollout"
	"twokey/scheduler"
	"twokey/store"
)

// fill gives a digester what it says beside the figures.
func fill(d *scheduler.Digester, a assembly, db *store.Store, head func(context.Context) (audit.Head, bool), holds func() rules.Rules) {
	tenant := a.org.ID
	d.Log = a.log
	d.Head = head
	d.Changes = func(ctx context.Context, since time.Time) (rollout.ChangeCount, error) {
		return db.CountChanges(ctx, tenant, since)
	}
	d.Decided = func(ctx context.Context, since time.Time) (scheduler.Decided, error) {
		return decided(ctx, db, tenant, since)
	}
	d.Goal = func(ctx context.Context) (rollout.Goal, error) {
		return commands.Goal(ctx, db, tenant, a.digest.due.Zone)
	}
	d.Muted = func(ctx context.Context) (bool, error) { return commands.Muted(ctx, db, tenant, a.now()) }
	d.Notices = func() []string { return commands.Notices(holds()) }
}

// managers is how managers are found and written to: by the first account that
// is theirs for certain, so that nobody gets everything twice.
func managers(a assembly, db *store.Store, people *identity.Directory) scheduler.Managers {
	tenant := a.org.ID
	return scheduler.Managers{
		Store: db,
		Above: a.reader.Managers,
		Reach: func(ctx context.Context, object string) (chat.Address, bool) {
			accounts := people.Accounts(ctx, approval.Principal{Tenant: tenant, Object: object})
			if len(accounts) == 0 {
				return chat.Address{}, false
			}
			return chat.Direct(accounts[0]), true
		},
		Begun: func(ctx context.Context) (bool, error) { return db.Begun(ctx, tenant) },
	}
}

// decided counts what became of the requests that were asked since a moment.
func decided(ctx context.Context, db *store.Store, tenant string, since time.Time) (c scheduler.Decided, err error) {
	err = db.View(ctx, func(tx approval.Tx) error {
		c = scheduler.Decided{}
		recent, err := tx.Recent(tenant, since)
		for _, r := range recent {
			if r.Created.Before(since) {
				continue // started since, and asked before
			}
			c.Asked++
			switch r.State {
			case approval.Succeeded:
				c.Done++
			case approval.Denied, approval.Cancelled:
				c.Denied++
			case approval.Expired, approval.Stale:
				c.Expired++
			case approval.Failed, approval.Partial:
				c.Failed++
			case approval.Unknown:
				c.Unknown++
			default:
				c.Open++
			}
		}
		return err
	})
	return c, err
}

// jobs are what is done by the clock. Without a channel the weeks are kept all
// the same.
func (p digestPlan) jobs(d *scheduler.Digester, m scheduler.Managers) []scheduler.Job {
	var jobs []scheduler.Job
	if p.to == (chat.Address{}) {
		jobs = append(jobs, d.WeeksJob())
	} else {
		jobs = append(jobs, d.Job())
	}
	if p.leaders != (chat.Address{}) {
		jobs = append(jobs, d.LeaderJob(p.leaders))
	}
	if p.managers {
		jobs = append(jobs, d.ManagerJob(m))
	}
	return jobs
}
