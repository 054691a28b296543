package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/graph/rollout"
	"twokey/graph/watch"
)

var _ watch.Store = (*Store)(nil)

// LeadWatch implements watch.Store.
func (s *Store) LeadWatch(ctx context.Context, tenant, owner string, ttl time.Duration) (ok bool, err error) {
	err = s.transact(ctx, false, func(t *tx) error {
		_, ok, err = t.Acquire("watch/"+tenant, owner, ttl, s.Alone())
		return err
	})
	return ok && err == nil, err
}

// Watched implements watch.Store.
func (s *Store) Watched(ctx context.Context, tenant string) (since, until time.Time, err error) {
	err = s.transact(ctx, true, func(t *tx) error {
		since, until, err = t.watched(tenant)
		return err
	})
	return since, until, err
}

func (t *tx) watched(tenant string) (since, until time.Time, err error) {
	var from, to sql.NullInt64
	err = t.q.QueryRowContext(t.ctx, "SELECT watched_since, watched_until FROM change_watch WHERE tenant = ?", tenant).Scan(&from, &to)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return since, until, fmt.Errorf("read what was watched: %w", err)
	}
	return optional(from), optional(to), nil
}

// SentSteps implements watch.Store.
func (s *Store) SentSteps(ctx context.Context, tenant string, from time.Time) (steps []rollout.SentStep, err error) {
	err = s.transact(ctx, true, func(t *tx) error {
		steps, err = list(t, scanSentStep, `SELECT request.ref, request.targets, step.client_id, step.url, step.intent, step.finished_at
			FROM step JOIN request ON request.id = step.request WHERE request.tenant = ? AND step.intent >= ? ORDER BY step.intent`,
			tenant, from.UnixMicro())
		return err
	})
	return steps, err
}

func scanSentStep(row scanner) (s rollout.SentStep, err error) {
	var targets string
	var intent int64
	var finished sql.NullInt64
	if err := row.Scan(&s.Request, &targets, &s.ClientID, &s.URL, &intent, &finished); err != nil {
		return s, err
	}
	s.Intent, s.Finished = moment(intent), optional(finished)
	var all []approval.Target
	if err := decode(column{targets, &all}); err != nil {
		return s, err
	}
	for _, t := range all {
		s.Targets = append(s.Targets, t.ID)
	}
	return s, nil
}

// textRunes is how much of a text from the log is kept. Some values are whole
// documents.
const textRunes = 500

// storable returns a text of the log as every database takes it.
func storable(s string) string {
	return chat.Cut(strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\x00", "\ufffd"), textRunes)
}

// KeepChanges implements watch.Store.
func (s *Store) KeepChanges(ctx context.Context, tenant string, changes []rollout.LoggedChange, since, until time.Time) error {
	return s.transact(ctx, false, func(t *tx) error {
		for _, c := range changes {
			_, err := t.q.ExecContext(ctx, `INSERT INTO change (tenant, `+changeColumns+`, told)
				VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
				tenant, storable(c.AuditID), c.At.UnixMicro(), nullable(c.Until), string(c.Kind), storable(c.Activity), storable(c.Operation),
				storable(c.TargetID), storable(c.Target), storable(c.Old), storable(c.New),
				storable(c.ByUserID), storable(c.ByAppID), storable(c.By), flag(c.Own), storable(c.Correlation),
				string(c.Origin), c.Request, c.ClientID, flag(c.Proved), flag(c.Failed), flag(!c.Telling()))
			if err != nil {
				return fmt.Errorf("insert change: %w", err)
			}
		}
		_, err := t.q.ExecContext(ctx, `INSERT INTO change_watch (tenant, watched_since, watched_until) VALUES (?, ?, ?)
			ON CONFLICT (tenant) DO UPDATE SET watched_until = excluded.watched_until WHERE change_watch.watched_until < excluded.watched_until`,
			tenant, since.UnixMicro(), until.UnixMicro())
		if err != nil {
			return fmt.Errorf("keep what was watched: %w", err)
		}
		return nil
	})
}

// flag is how a bool is stored on every database.
func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

const changeColumns = `line, at, until, kind, activity, operation, target_id, target, old_value, new_value,
	by_user, by_app, by_name, own, correlation, origin, request, client_id, proved, failed`

func scanChange(row scanner) (c rollout.LoggedChange, err error) {
	var at int64
	var until sql.NullInt64
	var own, proved, failed int
	err = row.Scan(&c.AuditID, &at, &until, &c.Kind, &c.Activity, &c.Operation, &c.TargetID, &c.Target, &c.Old, &c.New,
		&c.ByUserID, &c.ByAppID, &c.By, &own, &c.Correlation, &c.Origin, &c.Request, &c.ClientID, &proved, &failed)
	c.At, c.Until, c.Own, c.Proved, c.Failed = moment(at), optional(until), own == 1, proved == 1, failed == 1
	return c, err
}

// within is the condition for changes since a moment. A gap counts by its end.
const within = "tenant = ? AND (at >= ? OR until >= ?)"

// Changes implements watch.Store.
func (s *Store) Changes(ctx context.Context, tenant string, since time.Time, n int) (l rollout.ChangeLog, err error) {
	from := since.UnixMicro()
	err = s.transact(ctx, true, func(t *tx) error {
		if l.WatchedSince, l.WatchedUntil, err = t.watched(tenant); err != nil {
			return err
		}
		err = t.q.QueryRowContext(ctx, "SELECT COUNT(*) FROM change WHERE "+within+" AND own = 1 AND origin = ?",
			tenant, from, from, string(rollout.Outside)).Scan(&l.Own)
		if err != nil {
			return fmt.Errorf("count changes: %w", err)
		}
		l.Changes, err = list(t, scanChange, "SELECT "+changeColumns+" FROM change WHERE "+within+
			" AND NOT (own = 1 AND origin = ?) ORDER BY at DESC, line DESC LIMIT ?", tenant, from, from, string(rollout.Outside), n)
		return err
	})
	return l, err
}

// CountChanges sums up the changes since a moment.
func (s *Store) CountChanges(ctx context.Context, tenant string, since time.Time) (c rollout.ChangeCount, err error) {
	from := since.UnixMicro()
	err = s.transact(ctx, true, func(t *tx) error {
		for origin, n := range map[rollout.Origin]*int{rollout.Outside: &c.Outside, rollout.InOurName: &c.InOurName, rollout.Gap: &c.Gaps} {
			err := t.q.QueryRowContext(ctx, "SELECT COUNT(*) FROM change WHERE "+within+" AND own = 0 AND origin = ?", tenant, from, from, string(origin)).Scan(n)
			if err != nil {
				return fmt.Errorf("count changes: %w", err)
			}
		}
		c.Outside += c.InOurName
		return nil
	})
	return c, err
}

// Untold implements watch.Store.
func (s *Store) Untold(ctx context.Context, tenant string) (changes []rollout.LoggedChange, proved bool, err error) {
	err = s.transact(ctx, true, func(t *tx) error {
		changes, err = list(t, scanChange, "SELECT "+changeColumns+" FROM change WHERE tenant = ? AND told = 0 ORDER BY at, line", tenant)
		if err != nil || len(changes) == 0 {
			return err
		}
		return t.q.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM change WHERE tenant = ? AND proved = 1)", tenant).Scan(&proved)
	})
	return changes, proved, err
}

// Told implements watch.Store.
func (s *Store) Told(ctx context.Context, tenant string, ids []string) error {
	return s.transact(ctx, false, func(t *tx) error {
		for _, id := range ids {
			if _, err := t.q.ExecContext(ctx, "UPDATE change SET told = 1 WHERE tenant = ? AND line = ?", tenant, id); err != nil {
				return fmt.Errorf("keep who was told: %w", err)
			}
		}
		return nil
	})
}

// MatchedChange returns the directory audit log's ID of the line that bears a
// step of ours, by the client request ID that was sent with the step; false if
// no line was found by now. A step may leave several lines: the first counts.
func (s *Store) MatchedChange(ctx context.Context, clientRequestID string) (lineID string, ok bool, err error) {
	if clientRequestID == "" {
		return "", false, nil
	}
	err = s.transact(ctx, true, func(t *tx) error {
		err := t.q.QueryRowContext(ctx, "SELECT line FROM change WHERE client_id = ? AND client_id <> '' ORDER BY proved DESC, at, line LIMIT 1", clientRequestID).Scan(&lineID)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		ok = err == nil
		return err
	})
	return lineID, ok, err
}
