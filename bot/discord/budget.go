package discord

import (
	"context"
	"encoding/json"
	"time"
)

// Discord takes 1,000 new sessions a day from a bot, and resets its token after
// that. A bot that crashes at its start begins one each time, so that when they
// were begun is kept in the store, for all replicas and all lives.
// https://discord.com/developers/docs/events/gateway#session-start-limit-object

// reserve is how many of those sessions are left alone, for whoever looks for
// what is wrong.
const reserve = 20

// startsNote is the name of the note on sessions.
const startsNote = "discord/starts"

// dayLong is for how long a session that was begun counts.
const dayLong = 24 * time.Hour

// starts are the sessions that were begun since a time.
type starts struct {
	Since int64 `json:"since"` // when the first was begun, in Unix milliseconds
	Last  int64 `json:"last"`
	Count int   `json:"count"`
}

// gap is how long after the last session the next may be begun. The first ones
// come quickly, as Discord lets them: one in five seconds. Who begins many is
// ill, and comes slowly: in a day these are fewer than 450, so that two replicas
// that count past each other are within the limit too.
func (s starts) gap() time.Duration {
	switch {
	case s.Count < 12:
		return 5 * time.Second
	case s.Count < 60:
		return 30 * time.Second
	case s.Count < 200:
		return 2 * time.Minute
	default:
		return 5 * time.Minute
	}
}

// wait returns how long it is until the next session may be begun.
func (s starts) wait(now time.Time) time.Duration {
	last := time.UnixMilli(s.Last)
	if s.Count == 0 || now.Before(last) { // whoever's clock went wrong must not wait for ever
		return 0
	}
	return max(0, last.Add(s.gap()).Sub(now))
}

// begun returns what is to be noted for a session that is begun now.
func (s starts) begun(now time.Time) starts {
	if s.Count == 0 || now.Sub(time.UnixMilli(s.Since)) >= dayLong {
		s = starts{Since: now.UnixMilli()}
	}
	s.Last = now.UnixMilli()
	s.Count++
	return s
}

// notedStarts reads the note. Without an answer nothing is known, and nothing
// may be begun.
func (d *Discord) notedStarts(ctx context.Context) (s starts, err error) {
	text, err := d.cfg.Notes.Kept(ctx, startsNote)
	if err != nil || text == "" {
		return s, wrap("read how many sessions were begun", err)
	}
	if json.Unmarshal([]byte(text), &s) != nil { // nobody but us writes it
		return starts{}, nil
	}
	return s, nil
}

// budget waits until a session may be begun.
func (d *Discord) budget(ctx context.Context) error {
	s, err := d.notedStarts(ctx)
	if err != nil {
		return err
	}
	wait := s.wait(d.cfg.Now())
	if wait > dayLong/100 {
		d.cfg.Log.Warn("discord sessions were begun so often that the next has to wait", "sessions", s.Count, "wait", wait)
	}
	if err := sleep(ctx, wait); err != nil {
		return wrap("wait for the next session", err)
	}
	return nil
}

// spend notes that a session is begun, before it is: one that is begun and not
// noted would count as none.
func (d *Discord) spend(ctx context.Context) error {
	s, err := d.notedStarts(ctx)
	if err != nil {
		return err
	}
	text, err := json.Marshal(s.begun(d.cfg.Now()))
	if err != nil {
		return wrap("note a session", err)
	}
	return wrap("note a session", d.cfg.Notes.Keep(ctx, startsNote, string(text), dayLong))
}
