package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"twokey/audit"
	"twokey/chat"
	"twokey/commands"
	"twokey/commands/alert"
	"twokey/store"
)

// alerts tells what somebody has to look at, and tells it again until somebody
// acknowledges it. It also watches over what nothing else would tell of: that the
// audit record is damaged, or that its heads are not kept.
type alerts struct {
	tenant  string
	zone    *time.Location // in which times are shown
	store   *store.Store
	records *audit.Watch
	emptied []audit.HeadFile                            // that should have had heads, until it is told
	first   func(ctx context.Context) ([]string, error) // to whom an alert is told
	again   func(ctx context.Context) ([]string, error) // and to whom once more
	every   time.Duration
	now     func() time.Time
	log     *slog.Logger
	wake    chan struct{}
}

// newAlerts returns what tells a bot's alerts. They are told to everybody who
// decides at first, and again in the administrators' channel, if there is one.
func newAlerts(a assembly, bot *assembled, everyone func(context.Context) ([]string, error)) *alerts {
	again := everyone
	if a.admins != (chat.Address{}) {
		again = func(context.Context) ([]string, error) { return commands.Channel(a.admins), nil }
	}
	return &alerts{
		tenant: a.org.ID, zone: a.zone, store: bot.store, records: bot.records, emptied: bot.emptied, first: everyone, again: again,
		every: cmp.Or(a.pace.watch, time.Minute), now: a.now, log: a.log, wake: make(chan struct{}, 1),
	}
}

// raise tells an alert, once for each key. The entries are recorded with it, and
// lines of the tenant's audit log are kept as told.
func (a *alerts) raise(ctx context.Context, key, headline, text string, entries []audit.Entry, lines []string) error {
	to, err := a.first(ctx)
	if err != nil {
		return fmt.Errorf("find out whom to tell: %w", err)
	}
	_, err = a.store.Raise(ctx, alert.Alert{Ref: "W-" + rand.Text()[:6], Tenant: a.tenant, Key: key, Headline: headline, Text: text}, to, entries, lines)
	return err
}

// Run looks again and again until ctx ends.
func (a *alerts) Run(ctx context.Context) error {
	tick := time.NewTicker(a.every)
	defer tick.Stop()
	for {
		if err := errors.Join(a.watchRecord(ctx), a.watchHeads(ctx), a.repeat(ctx)); err != nil && ctx.Err() == nil {
			a.log.WarnContext(ctx, "tell alerts", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-a.wake:
		}
	}
}

// Wake makes Run look at once. It never blocks.
func (a *alerts) Wake() {
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// repeat tells those again whose time has come.
func (a *alerts) repeat(ctx context.Context) error {
	due, err := a.store.DueAlerts(ctx, a.tenant)
	if err != nil || len(due) == 0 {
		return err
	}
	to, err := a.again(ctx)
	if err != nil {
		return fmt.Errorf("find out whom to tell again: %w", err)
	}
	for _, d := range due {
		if err := a.store.Repeat(ctx, d, to, alert.Spacing(d.Told+1)); err != nil {
			return err
		}
	}
	return nil
}

const damageHeadline = "The audit record is damaged: from now on Twokey changes nothing."

// watchRecord tells that the record is damaged, once for each damage, over
// restarts too. It records nothing: the record would not be believed.
func (a *alerts) watchRecord(ctx context.Context) error {
	err := a.records.Damage()
	if err == nil {
		return nil
	}
	sum := sha256.Sum256([]byte(err.Error()))
	return a.raise(ctx, "record/"+hex.EncodeToString(sum[:8]), damageHeadline,
		sentence(err)+"\n\nSomebody may have changed it to hide what was done. Keep the database and the files with its heads as they are, and call the security contact. “/mfa audit” and “twokey audit verify” say what is wrong.", nil, nil)
}

// headsLate is for how long a place may take no heads before somebody is told.
const headsLate = time.Hour

const (
	behindHeadline  = "The heads of the audit record are not kept in every file."
	emptiedHeadline = "The heads of the audit record that were kept in a file are gone."
)

// watchHeads tells that a file has taken no head for long, and which files had
// none at the start though they were named before: whoever removes the heads and
// cuts the record off leaves nothing else to see.
func (a *alerts) watchHeads(ctx context.Context) error {
	if a.records.Damage() != nil {
		return nil
	}
	if since := a.records.Behind(); !since.IsZero() && a.now().Sub(since) >= headsLate {
		err := a.raise(ctx, "heads-behind/"+since.Format(time.DateOnly), behindHeadline,
			"Since "+since.In(a.zone).Format("Mon 2 Jan, 15:04")+" there is one that takes none, so that it proves nothing of what came later. The host's log names it (“audit.head_to” in the configuration): is its disk full, or not there?",
			nil, nil)
		if err != nil {
			return err
		}
	}
	if len(a.emptied) == 0 {
		return nil
	}
	_, last := a.records.Missing()
	for _, file := range a.emptied {
		entry := audit.Entry{Tenant: a.tenant, Kind: "audit.heads-missing", Actor: audit.Bot, Facts: map[string]any{"last": last}}
		err := a.raise(ctx, fmt.Sprintf("heads-gone/%s/%d", file, last), emptiedHeadline,
			fmt.Sprintf("There is no head in “%s” any more, and Twokey started with %d records. If nobody put an older database in place or moved that file, somebody may have cut the record off to hide what was done. “twokey audit verify --head” compares it with heads that were kept elsewhere, such as those under the weekly digest.", chat.Safe(string(file), 120), last),
			[]audit.Entry{entry}, nil)
		if err != nil {
			return err
		}
	}
	a.emptied = nil
	return nil
}
