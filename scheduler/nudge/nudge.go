// Package nudge writes to people who have something left to do about their
// sign-in, with manners: in their own working hours, at most [Most] times,
// [Apart] working days apart, never once they have done it, and not while they
// asked for time. Nobody is written to unless a lead has begun a wave.
//
//	lead ── wave or nudge ──► Look: who is left, and what do manners say?
//	                            │ asks the tenant, live, whether they have done it
//	                            ▼
//	                          Plan: the message is owed (outbox), once
//	                            │
//	                            ▼
//	                          Render: all of it is asked again as it goes out:
//	                            later · not at all any more · now
//
// The last look is taken as a message leaves and not as it is owed, because a
// chat may be away for a night, and a lot can be done in one.
package nudge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"twokey/chat"
	"twokey/chat/phrases"
	"twokey/graph"
	"twokey/graph/rollout"
)

// Config is what a nudger works with.
type Config struct {
	Tenant string // tenant ID
	Store  Store
	Facts  func(ctx context.Context) rollout.Facts
	Scope  rollout.Scope
	// Methods reads people's methods live, as graph.Reader promises it.
	Methods func(ctx context.Context, ids []string) ([]graph.UserMethods, error)
	// Group lists the object IDs of the people in a group.
	Group func(ctx context.Context, id string) ([]string, error)
	// Account returns the chat account to which somebody is written.
	Account func(ctx context.Context, object string) (chat.Account, bool)
	// Mail is the platform by which those are written to who have no chat account,
	// and everybody the second time: a chat may be what somebody does not read.
	// Empty: nobody is mailed.
	Mail    string
	Contact func() string // to whom who was mailed can turn
	// Language returns in which language an account is written to.
	Language func(ctx context.Context, a chat.Account) (phrases.Language, error)
	// Held says why nobody is to be written to for now, a sentence; "" if they are.
	// Nil: nothing holds.
	Held  func(ctx context.Context) (string, error)
	Hours chat.Hours   // of everybody who has not said others
	Team  chat.Address // where waves are announced; empty: nowhere
	Now   func() time.Time
	Every time.Duration // between two looks; a minute if zero
	Log   *slog.Logger
}

// Nudger looks after the waves of one tenant. Several may run on one store.
type Nudger struct {
	cfg  Config
	book *phrases.Book
	wake chan struct{}
}

// New returns a nudger, or an error if its phrases cannot be read.
func New(cfg Config) (*Nudger, error) {
	book, err := LoadPhrases()
	if err != nil {
		return nil, err
	}
	if cfg.Every == 0 {
		cfg.Every = time.Minute
	}
	return &Nudger{cfg: cfg, book: book, wake: make(chan struct{}, 1)}, nil
}

// Wake makes it look at once. It never blocks.
func (n *Nudger) Wake() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// Run works until ctx ends.
func (n *Nudger) Run(ctx context.Context) error {
	tick := time.NewTicker(n.cfg.Every)
	defer tick.Stop()
	for {
		if err := n.Look(ctx); err != nil && ctx.Err() == nil {
			n.cfg.Log.ErrorContext(ctx, "look after waves", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-n.wake:
		}
	}
}

// Look looks after every wave once. One that fails fails alone.
func (n *Nudger) Look(ctx context.Context) error {
	waves, err := n.cfg.Store.Waves(ctx, n.cfg.Tenant)
	if err != nil {
		return err
	}
	waves = slices.DeleteFunc(waves, func(w rollout.Wave) bool { return w.State != rollout.WaveRunning })
	sent, err := n.cfg.Store.Nudges(ctx, n.cfg.Tenant)
	if err != nil {
		return err
	}
	if len(waves) == 0 && !slices.ContainsFunc(sent, func(x Nudge) bool { return x.Done.IsZero() }) {
		return nil // the tenant need not be looked at
	}
	v, err := n.view(ctx, sent)
	if err != nil {
		return err
	}
	errs := []error{n.thank(ctx, v)}
	for _, w := range waves {
		if err := n.serve(ctx, v, w); err != nil {
			errs = append(errs, fmt.Errorf("wave %s: %w", w.Ref, err))
		}
	}
	return errors.Join(errs...)
}

// serve does what is due in one wave.
func (n *Nudger) serve(ctx context.Context, v *view, w rollout.Wave) error {
	people, err := n.cfg.Store.Enlisted(ctx, n.cfg.Tenant, w.Ref)
	if err != nil {
		return err
	}
	if len(people) == 0 {
		if people, err = n.enlist(ctx, v, w); err != nil || people == nil {
			return err
		}
	}
	due, left := v.due(ctx, w, people)
	if len(due) == 0 && !left || v.past(w) {
		return n.cfg.Store.EndWave(ctx, n.cfg.Tenant, w.Ref)
	}
	if len(due) == 0 {
		return nil
	}
	if held, err := n.held(ctx); held != "" || err != nil {
		return err
	}
	return n.plan(ctx, v, w, due)
}

// enlist finds out whom a wave is for, once, within the organisation's hours. It
// returns nil if it is not the time, or who they are could not be read.
func (n *Nudger) enlist(ctx context.Context, v *view, w rollout.Wave) ([]string, error) {
	if w.Whom.Kind != rollout.WhomUser && !n.cfg.Hours.Within(v.now) {
		return nil, nil
	}
	people, err := n.choose(ctx, v, w.Whom)
	if err != nil {
		return nil, err
	}
	if len(people) == 0 {
		return nil, n.cfg.Store.EndWave(ctx, n.cfg.Tenant, w.Ref)
	}
	to := n.cfg.Team
	if w.Name == "" {
		to = chat.Address{} // nobody announces a nudge
	}
	return people, n.cfg.Store.Enlist(ctx, w, people, to)
}

// choose returns whom a wave is for as things are now, in the order of the
// tenant's accounts. Where they cannot be read it fails.
func (n *Nudger) choose(ctx context.Context, v *view, whom rollout.Whom) ([]string, error) {
	if v.why != "" {
		return nil, fmt.Errorf("read accounts: %s", v.why)
	}
	if whom.Kind == rollout.WhomUser {
		return []string{whom.ID}, nil
	}
	var members []string
	if whom.Kind == rollout.WhomGroup {
		var err error
		if members, err = n.cfg.Group(ctx, whom.ID); err != nil {
			return nil, fmt.Errorf("read group: %w", err)
		}
	}
	var ids []string
	for _, p := range v.people {
		if whom.Kind == rollout.WhomGroup && !slices.Contains(members, p.ID) {
			continue
		}
		if done(p, subjectOf(whom, p)) == rollout.No {
			ids = append(ids, p.ID)
		}
	}
	return ids, nil
}

// side is to how many people messages are planned in one look: the help desk
// answers those who come back with questions.
const side = 50

// plan owes a message to each of whom it is due and who, asked of the tenant now,
// has not done it.
func (n *Nudger) plan(ctx context.Context, v *view, w rollout.Wave, due []string) error {
	due = due[:min(side, len(due))]
	read, err := n.cfg.Methods(ctx, due)
	if err != nil {
		return fmt.Errorf("read methods: %w", err)
	}
	var errs []error
	for i, object := range due {
		subject := v.subject(w, object)
		if !undone(read[i], subject) {
			continue // done, or not to be read: the next look knows more
		}
		x := Nudge{
			Tenant: n.cfg.Tenant, Object: object, Number: len(v.sent[object]) + 1, Wave: w.Ref, Subject: subject,
			Step: v.standing(ctx, w, object).lately(v.now) + 1,
		}
		to, ok := v.reach(ctx, object, x.Step)
		if !ok {
			continue
		}
		_, err := n.cfg.Store.Plan(ctx, x, to)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// thank notices who has done what they were asked for.
func (n *Nudger) thank(ctx context.Context, v *view) error {
	type ask struct {
		object  string
		subject Subject
	}
	var asks []ask
	for object, sent := range v.sent {
		for _, x := range sent {
			one := ask{object, x.Subject}
			if x.Done.IsZero() && !slices.Contains(asks, one) && done(v.byID[object], x.Subject) == rollout.Yes {
				asks = append(asks, one)
			}
		}
	}
	if len(asks) == 0 {
		return nil
	}
	ids := make([]string, len(asks))
	for i, a := range asks {
		ids[i] = a.object
	}
	read, err := n.cfg.Methods(ctx, ids)
	if err != nil {
		return fmt.Errorf("read methods: %w", err)
	}
	var errs []error
	for i, a := range asks {
		if at := since(read[i], a.subject, v.now); !at.IsZero() {
			errs = append(errs, n.cfg.Store.Thank(ctx, n.cfg.Tenant, a.object, a.subject, at))
		}
	}
	return errors.Join(errs...)
}

func (n *Nudger) held(ctx context.Context) (string, error) {
	if n.cfg.Held == nil {
		return "", nil
	}
	return n.cfg.Held(ctx)
}
