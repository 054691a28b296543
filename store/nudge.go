package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"twokey/audit"
	"twokey/chat"
	"twokey/chat/phrases"
	"twokey/commands/approval"
	"twokey/commands/staff"
	"twokey/graph/rollout"
	"twokey/scheduler/nudge"
)

var _ nudge.Store = (*Store)(nil)

const waveColumns = "ref, name, whom, state, messages, due, outcome, author, request, since, began"

// Waves implements nudge.Store.
func (s *Store) Waves(ctx context.Context, tenant string) (all []rollout.Wave, err error) {
	err = s.transact(ctx, true, func(t *tx) error {
		all, err = list(t, scanWave, "SELECT "+waveColumns+" FROM wave WHERE tenant = ? ORDER BY since, ref", tenant)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read waves: %w", err)
	}
	return all, nil
}

func scanWave(row scanner) (w rollout.Wave, err error) {
	var whom string
	var since int64
	var due, began sql.NullInt64
	err = row.Scan(&w.Ref, &w.Name, &whom, &w.State, &w.Messages, &due, &w.Then, &w.Author, &w.Request, &since, &began)
	if err != nil {
		return w, err
	}
	w.By, w.Since, w.Began = optional(due), moment(since), optional(began)
	return w, decode(column{whom, &w.Whom})
}

// PutWave stores a wave in place of the one of the same reference, if there was
// one. When it was made is the database's time; of one that is stored it stays.
func (t *tx) PutWave(tenant string, w rollout.Wave) error {
	now, err := t.Now()
	if err != nil {
		return err
	}
	_, err = t.q.ExecContext(t.ctx, `INSERT INTO wave (tenant, `+waveColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (ref) DO UPDATE SET name = excluded.name, whom = excluded.whom, state = excluded.state, messages = excluded.messages,
			due = excluded.due, outcome = excluded.outcome, author = excluded.author, request = excluded.request, began = excluded.began`,
		tenant, w.Ref, w.Name, encode(w.Whom), string(w.State), w.Messages, nullable(w.By), storable(w.Then), w.Author, w.Request, now.UnixMicro(), nullable(w.Began))
	if err != nil {
		return fmt.Errorf("store wave: %w", err)
	}
	return nil
}

// Enlist implements nudge.Store.
func (s *Store) Enlist(ctx context.Context, w rollout.Wave, people []string, announce chat.Address) error {
	err := s.transact(ctx, false, func(t *tx) error {
		var tenant string
		if err := t.q.QueryRowContext(ctx, "SELECT tenant FROM wave WHERE ref = ?", w.Ref).Scan(&tenant); err != nil {
			return err
		}
		var there bool
		if err := t.q.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM wave_person WHERE tenant = ? AND wave = ?)", tenant, w.Ref).Scan(&there); err != nil || there {
			return err
		}
		for i, object := range people {
			if _, err := t.q.ExecContext(ctx, "INSERT INTO wave_person (tenant, wave, object, place) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", tenant, w.Ref, object, i); err != nil {
				return err
			}
		}
		if err := t.recordWave(tenant, w.Ref, "wave.begun", map[string]any{"people": len(people)}); err != nil {
			return err
		}
		if announce == (chat.Address{}) {
			return nil
		}
		return t.owe("wave/"+tenant+"/"+w.Ref, nudge.Kind, "wave/"+w.Ref, encode(announce), encode(nudge.Facts{Tenant: tenant, Wave: w.Ref}))
	})
	if err != nil {
		return fmt.Errorf("enlist people: %w", err)
	}
	return nil
}

// Enlisted implements nudge.Store.
func (s *Store) Enlisted(ctx context.Context, tenant, wave string) (people []string, err error) {
	err = s.transact(ctx, true, func(t *tx) error {
		people, err = list(t, scanText, "SELECT object FROM wave_person WHERE tenant = ? AND wave = ? ORDER BY place, object", tenant, wave)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read people of a wave: %w", err)
	}
	return people, nil
}

// EndWave implements nudge.Store.
func (s *Store) EndWave(ctx context.Context, tenant, wave string) error {
	err := s.transact(ctx, false, func(t *tx) error {
		changed, err := t.changed("UPDATE wave SET state = ? WHERE tenant = ? AND ref = ? AND state <> ?", string(rollout.WaveOver), tenant, wave, string(rollout.WaveOver))
		if err != nil || !changed {
			return err
		}
		return t.recordWave(tenant, wave, "wave.over", map[string]any{})
	})
	if err != nil {
		return fmt.Errorf("end wave: %w", err)
	}
	return nil
}

func (t *tx) recordWave(tenant, wave, kind string, facts map[string]any) error {
	facts["wave"] = wave
	return t.Record(audit.Entry{Tenant: tenant, Kind: kind, Actor: audit.Bot, Facts: facts})
}

// changed runs a statement and reports whether it changed anything.
func (t *tx) changed(statement string, args ...any) (bool, error) {
	result, err := t.q.ExecContext(t.ctx, statement, args...)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

const nudgeColumns = "tenant, object, number, wave, subject, step, planned, said, done"

func scanNudge(row scanner) (x nudge.Nudge, err error) {
	var planned int64
	var said, done sql.NullInt64
	err = row.Scan(&x.Tenant, &x.Object, &x.Number, &x.Wave, &x.Subject, &x.Step, &planned, &said, &done)
	x.Planned, x.Said, x.Done = moment(planned), optional(said), optional(done)
	return x, err
}

// Nudges implements nudge.Store.
func (s *Store) Nudges(ctx context.Context, tenant string) (all []nudge.Nudge, err error) {
	err = s.transact(ctx, true, func(t *tx) error {
		all, err = list(t, scanNudge, "SELECT "+nudgeColumns+" FROM nudge WHERE tenant = ? ORDER BY object, number", tenant)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read nudges: %w", err)
	}
	return all, nil
}

// Nudge implements nudge.Store.
func (s *Store) Nudge(ctx context.Context, tenant, object string, number int) (x nudge.Nudge, ok bool, err error) {
	err = s.transact(ctx, true, func(t *tx) error {
		x, err = lone(t, "nudge", scanNudge, "SELECT "+nudgeColumns+" FROM nudge WHERE tenant = ? AND object = ? AND number = ?", tenant, object, number)
		return err
	})
	return x, x.Object != "", err
}

// Plan implements nudge.Store.
func (s *Store) Plan(ctx context.Context, x nudge.Nudge, to chat.Account) (planned bool, err error) {
	err = s.transact(ctx, false, func(t *tx) error {
		planned = false
		var had int
		if err := t.q.QueryRowContext(ctx, "SELECT COALESCE(MAX(number), 0) FROM nudge WHERE tenant = ? AND object = ?", x.Tenant, x.Object).Scan(&had); err != nil {
			return err
		}
		if had != x.Number-1 {
			return nil
		}
		planned, err = t.changed(`INSERT INTO nudge (tenant, object, number, wave, subject, step, planned)
			SELECT ?, ?, ?, ref, ?, ?, twokey_now() FROM wave WHERE tenant = ? AND ref = ? AND state = ?
			ON CONFLICT DO NOTHING`,
			x.Tenant, x.Object, x.Number, string(x.Subject), x.Step, x.Tenant, x.Wave, string(rollout.WaveRunning))
		if err != nil || !planned {
			return err
		}
		now, err := t.Now() // of one that was taken back and planned anew, the key is another
		if err != nil {
			return err
		}
		topic := nudgeTopic(x.Tenant, x.Object, x.Subject)
		facts := nudge.Facts{Tenant: x.Tenant, Wave: x.Wave, Object: x.Object, Number: x.Number, Account: to}
		return t.owe(fmt.Sprintf("nudge/%s/%s/%d/%d", x.Tenant, x.Object, x.Number, now.UnixMicro()), nudge.Kind, topic, encode(chat.Direct(to)), encode(facts))
	})
	if err != nil {
		return false, fmt.Errorf("plan nudge: %w", err)
	}
	return planned, nil
}

// nudgeTopic is shared by all messages to somebody about a subject: they are
// worded anew together.
func nudgeTopic(tenant, object string, s nudge.Subject) string {
	return "nudge/" + tenant + "/" + object + "/" + string(s)
}

// Say implements nudge.Store.
func (s *Store) Say(ctx context.Context, x nudge.Nudge) error {
	err := s.transact(ctx, false, func(t *tx) error {
		said, err := t.changed("UPDATE nudge SET said = twokey_now() WHERE tenant = ? AND object = ? AND number = ? AND said IS NULL", x.Tenant, x.Object, x.Number)
		if err != nil || !said {
			return err
		}
		return t.recordNudge(x, "nudge.sent", map[string]any{"step": x.Step, "subject": string(x.Subject)})
	})
	if err != nil {
		return fmt.Errorf("record nudge: %w", err)
	}
	return nil
}

// Withdraw implements nudge.Store.
func (s *Store) Withdraw(ctx context.Context, x nudge.Nudge, why rollout.Skip) error {
	err := s.transact(ctx, false, func(t *tx) error {
		gone, err := t.changed("DELETE FROM nudge WHERE tenant = ? AND object = ? AND number = ? AND said IS NULL", x.Tenant, x.Object, x.Number)
		if err != nil || !gone {
			return err
		}
		return t.recordNudge(x, "nudge.withdrawn", map[string]any{"why": string(why)})
	})
	if err != nil {
		return fmt.Errorf("withdraw nudge: %w", err)
	}
	return nil
}

func (t *tx) recordNudge(x nudge.Nudge, kind string, facts map[string]any) error {
	whom, err := t.Alias(x.Tenant, x.Object, "")
	if err != nil {
		return err
	}
	facts["whom"] = whom
	return t.recordWave(x.Tenant, x.Wave, kind, facts)
}

// Thank implements nudge.Store.
func (s *Store) Thank(ctx context.Context, tenant, object string, subject nudge.Subject, done time.Time) error {
	err := s.transact(ctx, false, func(t *tx) error {
		noticed, err := t.changed("UPDATE nudge SET done = ? WHERE tenant = ? AND object = ? AND subject = ? AND done IS NULL", done.UnixMicro(), tenant, object, string(subject))
		if err != nil || !noticed {
			return err
		}
		return t.Touch(nudgeTopic(tenant, object, subject))
	})
	if err != nil {
		return fmt.Errorf("record what was done after a nudge: %w", err)
	}
	return nil
}

// Wishes implements nudge.Store.
func (s *Store) Wishes(ctx context.Context, tenant string) (map[string]nudge.Wish, error) {
	notes, err := s.StaffNotes(ctx, tenant)
	if err != nil {
		return nil, err
	}
	wishes := make(map[string]nudge.Wish, len(notes))
	for _, n := range notes {
		wishes[n.Person] = nudge.Wish{Postponed: n.Postponed, NeedsKey: n.NeedsKey, Hours: n.Hours}
	}
	return wishes, nil
}

// NudgeText implements nudge.Store.
func (s *Store) NudgeText(ctx context.Context, tenant, template string, l phrases.Language) (text string, err error) {
	err = s.View(ctx, func(tx approval.Tx) error {
		text, err = tx.Setting(tenant, rollout.NudgeSetting(template, string(l)))
		return err
	})
	return text, err
}

// Helping counts the open cases in which the help desk lets somebody in again or
// answers a question.
func (s *Store) Helping(ctx context.Context, tenant string) (n int, err error) {
	err = s.transact(ctx, true, func(t *tx) error {
		return t.q.QueryRowContext(ctx, "SELECT COUNT(*) FROM staff_case WHERE tenant = ? AND open = 1 AND kind IN (?, ?)",
			tenant, string(staff.Lost), string(staff.Person)).Scan(&n)
	})
	if err != nil {
		return 0, fmt.Errorf("count cases: %w", err)
	}
	return n, nil
}

// storedHours is how working hours are stored.
type storedHours struct {
	Days []time.Weekday `json:"days"`
	From int            `json:"from"` // minutes since midnight
	To   int            `json:"to"`
	Zone string         `json:"zone"`
}

func encodeHours(h *chat.Hours) string {
	if h == nil {
		return ""
	}
	return encode(storedHours{h.Days, int(h.From / time.Minute), int(h.To / time.Minute), h.Zone.String()})
}

func decodeHours(text string) (*chat.Hours, error) {
	if text == "" {
		return nil, nil
	}
	var h storedHours
	if err := decode(column{text, &h}); err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(h.Zone)
	if err != nil {
		return nil, fmt.Errorf("read working hours: %w", err)
	}
	return &chat.Hours{Days: h.Days, From: time.Duration(h.From) * time.Minute, To: time.Duration(h.To) * time.Minute, Zone: zone}, nil
}
