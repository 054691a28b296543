package nudge

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"twokey/chat"
	"twokey/graph/rollout"
)

// Kind is the kind of message that nudges and announcements are in the outbox.
const Kind = "nudge"

// early is a message that may go out later, but not now.
type early struct {
	why  rollout.Skip
	wait time.Duration
}

// Error says why.
func (e *early) Error() string { return "not now: " + string(e.why) }

// RetryAfter tells the outbox when to ask again.
func (e *early) RetryAfter() time.Duration { return e.wait }

// Render words a message as it goes out; it is the outbox's renderer for [Kind].
// What must not go out any more has no words, and what must not go out now is an
// error that says for how long.
func (n *Nudger) Render(ctx context.Context, facts []byte) (chat.Message, error) {
	var f Facts
	if err := json.Unmarshal(facts, &f); err != nil {
		return chat.Message{}, fmt.Errorf("read message facts: %w", err)
	}
	waves, err := n.cfg.Store.Waves(ctx, f.Tenant)
	if err != nil {
		return chat.Message{}, err
	}
	i := slices.IndexFunc(waves, func(w rollout.Wave) bool { return w.Ref == f.Wave })
	if i < 0 {
		return chat.Message{}, nil
	}
	if f.Object == "" {
		return n.announcement(ctx, n.book.In(""), waves[i])
	}
	x, ok, err := n.cfg.Store.Nudge(ctx, f.Tenant, f.Object, f.Number)
	if err != nil || !ok {
		return chat.Message{}, err
	}
	speaks, mailed := f.Account, n.cfg.Mail != "" && f.Account.Platform == n.cfg.Mail
	if a, ok := n.cfg.Account(ctx, f.Object); mailed && ok {
		speaks = a
	}
	l, err := n.cfg.Language(ctx, speaks)
	if err != nil {
		return chat.Message{}, err
	}
	v := n.book.In(l)
	if !x.Done.IsZero() {
		if x.Said.IsZero() {
			return chat.Message{}, nil
		}
		return n.thanks(ctx, v, x.Subject)
	}
	enforced, out, err := n.last(ctx, waves[i], x)
	if err != nil || !out {
		return chat.Message{}, err
	}
	m, err := n.message(ctx, v, waves[i], x.Subject, x.Step, enforced)
	if mailed {
		m = n.asMail(v, m)
	}
	return m, err
}

// last takes the last look before a message goes out. It reports false if it must
// not go out any more; then it is taken back.
func (n *Nudger) last(ctx context.Context, w rollout.Wave, x Nudge) (enforced, out bool, err error) {
	sent, err := n.cfg.Store.Nudges(ctx, n.cfg.Tenant)
	if err != nil {
		return false, false, err
	}
	before := slices.DeleteFunc(sent, func(y Nudge) bool { return y.Object != x.Object || y.Number >= x.Number })
	v, err := n.view(ctx, before)
	if err != nil {
		return false, false, err
	}
	defaults, _ := v.facts.SecurityDefaults.Get()
	why, until := v.standing(ctx, w, x.Object).Decide(v.now)
	if why == "" && (w.State != rollout.WaveRunning || v.past(w)) {
		why = rollout.SkipEnough
	}
	if why == "" {
		read, err := n.cfg.Methods(ctx, []string{x.Object})
		if err != nil {
			return false, false, fmt.Errorf("read methods: %w", err)
		}
		if !undone(read[0], x.Subject) {
			why = rollout.SkipDone
			if read[0].Err != nil {
				why = rollout.SkipUnread
			}
		}
	}
	switch why {
	case "":
		return defaults.Enabled, true, n.cfg.Store.Say(ctx, x) // once, if it did not get out the first time
	case rollout.SkipHours, rollout.SkipSoon:
		return false, false, &early{why, max(until.Sub(v.now), time.Second)}
	case rollout.SkipUnread:
		return false, false, &early{why, time.Minute}
	default:
		if !x.Said.IsZero() { // it may be out: then it counts
			return false, false, nil
		}
		return false, false, n.cfg.Store.Withdraw(ctx, x, why)
	}
}

// Reach says whom a wave would write to as things are now, and what has become of
// it, with the first message as somebody in a language would get it.
func (n *Nudger) Reach(ctx context.Context, w rollout.Wave) (rollout.Outreach, chat.Message, error) {
	sent, err := n.cfg.Store.Nudges(ctx, n.cfg.Tenant)
	if err != nil {
		return rollout.Outreach{}, chat.Message{}, err
	}
	v, err := n.view(ctx, sent)
	if err != nil {
		return rollout.Outreach{}, chat.Message{}, err
	}
	people, err := n.cfg.Store.Enlisted(ctx, n.cfg.Tenant, w.Ref)
	if err == nil && len(people) == 0 {
		people, err = n.choose(ctx, v, w.Whom)
	}
	if err != nil {
		return rollout.Outreach{}, chat.Message{}, err
	}
	o := rollout.Outreach{People: len(people), Skipped: map[rollout.Skip]int{}}
	for _, object := range people {
		switch why, _ := v.standing(ctx, w, object).Decide(v.now); why {
		case "", rollout.SkipHours: // by tomorrow they are
			o.Next++
			if to, _ := v.reach(ctx, object, v.standing(ctx, w, object).lately(v.now)+1); n.cfg.Mail != "" && to.Platform == n.cfg.Mail {
				o.Mailed++
			}
		default:
			o.Skipped[why]++
		}
		count(&o, v.sent[object], w.Ref)
	}
	if o.Held, err = n.held(ctx); err != nil {
		return o, chat.Message{}, err
	}
	subject := Register
	if len(people) > 0 {
		subject = v.subject(w, people[0])
	}
	defaults, _ := v.facts.SecurityDefaults.Get()
	m, err := n.message(ctx, n.book.In(""), w, subject, 1, defaults.Enabled)
	return o, m, err
}

// count adds what somebody got in a wave, and what they did.
func count(o *rollout.Outreach, sent []Nudge, wave string) {
	written, within, done := false, false, false
	for _, x := range sent {
		if x.Wave != wave || x.Said.IsZero() {
			continue
		}
		o.Messages++
		written = true
		if !x.Done.IsZero() {
			done = true
			within = within || !x.Done.Before(x.Said) && x.Done.Sub(x.Said) <= rollout.EffectWithin
		}
	}
	for _, c := range []struct {
		is bool
		n  *int
	}{{written, &o.Written}, {within, &o.Within}, {done, &o.Done}} {
		if c.is {
			*c.n++
		}
	}
}

// noPhoneLine is what the button types of whoever has no smartphone.
const noPhoneLine = "setup nophone"
