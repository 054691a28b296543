package scheduler

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"twokey/audit"
	"twokey/chat"
	"twokey/graph/rollout"
)

// KindLeader is the kind of message that the leaders' version is.
const KindLeader = "leader"

// leaderJob is its job's name. It is due with the digest, and done in the first
// such week of a month.
const leaderJob = "leader"

// LeaderJob posts the leaders' version once a month: five lines and no names.
func (d *Digester) LeaderJob(to chat.Address) Job {
	return Job{Name: leaderJob, Due: d.Due, Run: func(ctx context.Context, s Slot) error {
		if s.Planned.In(d.Due.Zone).Day() > 7 {
			return d.Store.Pass(ctx, s, nil, "")
		}
		d.catchUp(ctx)
		p, err := d.compose(ctx, s, audit.Bot)
		if err != nil {
			return err
		}
		p.Kind, p.To, p.Also = KindLeader, to, nil
		_, err = d.Store.Publish(ctx, p)
		return err
	}}
}

// RenderLeader makes the leaders' version of a stored digest; it is the outbox's
// renderer for KindLeader.
func RenderLeader(_ context.Context, facts []byte) (chat.Message, error) {
	var d Digest
	if err := json.Unmarshal(facts, &d); err != nil {
		return chat.Message{}, fmt.Errorf("read digest: %w", err)
	}
	return LeaderMessage(d)
}

// LeaderMessage words a digest for whoever leads the organisation: where it
// stands against four weeks ago, where it leads, and what is next, with a picture of
// the parts and the departments. It names nobody.
func LeaderMessage(d Digest) (chat.Message, error) {
	then := fourWeeksAgo(d)
	figures := rollout.Compare(d.This, then)
	next := "Nothing is pressing."
	if len(d.Todo) > 0 {
		next = d.Todo[0]
	}
	goal := "No goal is set: a lead can set one with “/mfa goal”."
	if s := outlook(d); s != "" {
		goal = s
	}
	picture, err := standing(d, figures)
	if err != nil {
		return chat.Message{}, err
	}
	return chat.Message{
		Headline: leaderHeadline(d, figures, then),
		Image:    picture,
		Fields: []chat.Field{
			{Label: "Where it leads", Value: goal},
			{Label: "MFA enforced", Value: worded(figures, rollout.Enforced, true) + "; with a backup method " + worded(figures, rollout.Backup, true)},
			{Label: "Old protocols", Value: leaderLegacy(d, figures)},
			{Label: "Next", Value: next},
		},
		Footer: "Data as of " + d.AsOf.In(zone(d)).Format("Mon 2 Jan 2006, 15:04 MST") + "." + lateWords(d),
	}, nil
}

// span4 is how far back the leaders' version looks.
const span4 = 4 * 7 * 24 * time.Hour

// fourWeeksAgo is the newest week that is at least four weeks old, nil if there
// is none in which people could be read.
func fourWeeksAgo(d Digest) *rollout.Week {
	var old []rollout.Week
	for _, w := range d.Weeks {
		if d.AsOf.Sub(w.AsOf) > span4-24*time.Hour { // a digest may have been made some hours earlier
			old = append(old, w)
		}
	}
	return lastRead(old)
}

func leaderHeadline(d Digest, figures rollout.Figures, then *rollout.Week) string {
	start := "MFA in " + d.AsOf.In(zone(d)).Format("January 2006") + ": "
	registered := figures.Get(rollout.Registered)
	if _, ok := registered.Value(); !ok {
		return start + "how many people are registered is not known (" + registered.String() + ")."
	}
	share := figures.Get(registered.Share().ID)
	moved := change(share)
	if moved != "" {
		moved += " since " + weekWords(then.Week)
	}
	return fmt.Sprintf("%s%s of %s people in scope are registered%s.", start, counted(registered), figures.Get(rollout.InScope), bracketed(part(share), moved))
}

func leaderLegacy(d Digest, figures rollout.Figures) string {
	if d.Legacy != "" {
		return d.Legacy
	}
	return worded(figures, rollout.LegacySucceeded, false) + " sign-ins succeeded in seven days, by " + worded(figures, rollout.LegacyAccounts, false) + " accounts"
}
