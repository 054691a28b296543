package store

import (
	"context"
	"fmt"
	"iter"
	"regexp"
	"time"

	"twokey/audit"
	"twokey/commands/approval"
)

// pruneAtOnce bounds how many records lose their text in one transaction, which
// keeps every other writer waiting, and which PostgreSQL ends after its patience.
const pruneAtOnce = 2_000

// Prune takes the text of audit records that are older than they are to be kept,
// by the time of the database and never sooner than after [audit.LeastKept],
// oldest first, and with it the words and the people that no other record needs. Their
// links stay, and a record says so: what remains verifies from the first number
// on, and every head that was ever kept is still found. It returns how many
// records lost their text, which is 0 once there is nothing left to do. A chain
// that is broken is not pruned: the error is then an [*audit.BrokenError].
// What is kept of the tenant's changes goes with the records of its time.
func (s *Store) Prune(ctx context.Context, keep time.Duration) (pruned int, err error) {
	err = s.transact(ctx, false, func(t *tx) error {
		before, err := t.ago(max(keep, audit.LeastKept))
		if err != nil {
			return err
		}
		if _, err := t.q.ExecContext(ctx, "DELETE FROM change WHERE at < ?", before.UnixMicro()); err != nil {
			return fmt.Errorf("delete changes of the tenant: %w", err)
		}
		old, err := t.older(before)
		if err != nil || len(old) == 0 {
			return err
		}
		pruned = len(old)
		for _, r := range old {
			link := r.Link()
			if err := t.q.later(ctx, "INSERT INTO audit_link (number, body, hash) VALUES (?, ?, ?)", link.Number, link.Body, link.Hash); err != nil {
				return fmt.Errorf("insert link: %w", err)
			}
		}
		through := old[len(old)-1].Number
		if _, err := t.q.ExecContext(ctx, "DELETE FROM audit WHERE number <= ?", through); err != nil {
			return fmt.Errorf("delete audit records: %w", err)
		}
		if err := t.forget(old); err != nil {
			return err
		}
		facts := audit.Pruned{Through: through, Before: before.UTC().Format(time.RFC3339)}
		return t.Record(audit.Entry{Kind: audit.KindPruned, Actor: audit.Bot, Facts: facts})
	})
	if err != nil {
		return 0, err
	}
	return pruned, nil
}

// forgetAtOnce bounds how many requests or cases are removed in one transaction:
// for each the messages are looked through.
const forgetAtOnce = 20

// ago is a moment by the database's clock: that of a process may be years ahead,
// and what was pruned by it would be gone.
func (t *tx) ago(d time.Duration) (time.Time, error) {
	now, err := t.Now()
	return now.Add(-d), err
}

// PruneRequests removes what is kept of requests that have ended and were asked
// so long ago, by the time of the database, and of cases that are closed and were
// opened before:
// their decisions and steps, and the messages about them. The chain has a record
// of how many. It returns that, which is 0 once there is nothing left to do.
func (s *Store) PruneRequests(ctx context.Context, keep time.Duration) (pruned int, err error) {
	err = s.transact(ctx, false, func(t *tx) error {
		pruned = 0
		before, err := t.ago(keep)
		if err != nil {
			return err
		}
		for _, state := range approval.FinalStates() {
			old, err := list(t, scanRequest, "SELECT "+requestColumns+" FROM request WHERE state = ? AND created < ? LIMIT ?", string(state), before.UnixMicro(), forgetAtOnce)
			if err != nil {
				return fmt.Errorf("find requests: %w", err)
			}
			for _, r := range old {
				if err := t.eraseRequest(r); err != nil {
					return err
				}
			}
			pruned += len(old)
		}
		cases, err := list(t, scanText, "SELECT ref FROM staff_case WHERE open = 0 AND opened < ? LIMIT ?", before.UnixMicro(), forgetAtOnce)
		if err != nil {
			return fmt.Errorf("find cases: %w", err)
		}
		for _, ref := range cases {
			if err := t.eraseCase(ref); err != nil {
				return err
			}
		}
		if pruned += len(cases); pruned == 0 {
			return nil
		}
		return t.Record(audit.Entry{Kind: "requests.pruned", Actor: audit.Bot, Facts: map[string]any{"before": before.UTC().Format(time.RFC3339), "number": pruned}})
	})
	if err != nil {
		return 0, err
	}
	return pruned, nil
}

// older returns the first records of the chain as far as they are from before
// the moment, after it has verified them: a link hides what was changed. The
// last record of all is never among them.
func (t *tx) older(before time.Time) ([]audit.Record, error) {
	var prev audit.Record
	err := t.q.QueryRowContext(t.ctx, "SELECT COALESCE(MAX(number), 0), COALESCE(MAX(hash), '') FROM audit_link WHERE number = (SELECT MAX(number) FROM audit_link)").
		Scan(&prev.Number, &prev.Hash)
	if err != nil {
		return nil, fmt.Errorf("read links: %w", err)
	}
	first, err := list(t, scanRecord, "SELECT "+auditColumns+" FROM audit ORDER BY number LIMIT ?", pruneAtOnce+1)
	if err != nil {
		return nil, fmt.Errorf("read audit: %w", err)
	}
	n := 0
	for n < len(first)-1 {
		at, err := time.Parse(time.RFC3339Nano, first[n].At)
		if err != nil || !at.Before(before) {
			break // a time that cannot be read is found below, or never pruned
		}
		n++
	}
	if n == 0 {
		return nil, nil
	}
	return first[:n], audit.VerifyAfter(prev, values(first[:n]))
}

func values(records []audit.Record) iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
	}
}

var (
	markForm      = regexp.MustCompile(`t-[0-9a-f]{32}`)
	pseudonymForm = regexp.MustCompile(`p-[0-9a-f]{16}`)
)

// forget removes the words that only these records had, and the people that no
// remaining record names.
func (t *tx) forget(gone []audit.Record) error {
	people := map[string]bool{}
	for _, r := range gone {
		for _, p := range pseudonymForm.FindAllString(r.Actor+" "+r.Facts, -1) {
			people[p] = true
		}
		for _, mark := range markForm.FindAllString(r.Facts, -1) {
			if err := t.q.later(t.ctx, "DELETE FROM aside WHERE mark = ?", mark); err != nil {
				return fmt.Errorf("delete words: %w", err)
			}
		}
	}
	for p := range people {
		var needed int64
		err := t.q.QueryRowContext(t.ctx, "SELECT COUNT(*) FROM audit WHERE actor = ? OR facts LIKE ?", p, "%"+p+"%").Scan(&needed)
		if err == nil && needed == 0 {
			_, err = t.q.ExecContext(t.ctx, "DELETE FROM alias WHERE pseudonym = ?", p)
		}
		if err != nil {
			return fmt.Errorf("delete alias: %w", err)
		}
	}
	return nil
}
