package scheduler

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"twokey/audit"
	"twokey/chat"
	"twokey/graph/rollout"
	"twokey/scheduler/chart"
)

// Digest is this week's digest as it is stored: numbers and sentences, from
// which the message is made, always the same one.
type Digest struct {
	Tenant string         `json:"tenant"` // its name
	Week   string         `json:"week"`   // ISO week
	AsOf   time.Time      `json:"as_of"`
	Late   time.Time      `json:"late,omitzero"` // when it was due, if it is late
	This   rollout.Week   `json:"this"`
	Last   *rollout.Week  `json:"last,omitempty"` // what This is compared with; nil: nothing
	Weeks  []rollout.Week `json:"weeks"`          // for the picture, oldest first, this one included
	Goal   rollout.Goal   `json:"goal,omitzero"`  // zero: none is set
	Todo   []string       `json:"todo"`           // at most three sentences
	// Changes are those of the last seven days that were made outside this
	// program; nil: not watched.
	Changes *rollout.ChangeCount `json:"changes,omitempty"`
	// Head is what the audit record ended with when the digest was made: a copy
	// that many people have, and nobody can take back. Nil: not known.
	Head    *audit.Head `json:"head,omitempty"`
	Notices []string    `json:"notices,omitempty"` // by which rules fewer decide than usual, a sentence each
	// Decided is what became of the requests of seven days; nil: not known.
	Decided *Decided `json:"decided,omitempty"`
	// Legacy says what is known of old protocols without the sign-in log.
	Legacy string   `json:"legacy,omitempty"`
	Dates  []string `json:"dates,omitempty"` // dated changes within reach, a sentence each
	// Suggested is how many accounts look like no person, in the first digest.
	Suggested int      `json:"suggested,omitempty"`
	Failed    []string `json:"failed,omitempty"` // sections that could not be had
	Zone      string   `json:"zone"`             // in which times are shown
}

// forecast says when the digest's goal is met. It fails like [rollout.Trend].
func (d Digest) forecast() (rollout.Forecast, error) { return rollout.NewForecast(d.Weeks, d.Goal) }

// Publication is a digest on its way into its channels.
type Publication struct {
	Slot   Slot
	To     chat.Address
	Also   []chat.Address // where else the same is posted, at most one of a platform
	Kind   string         // of message: KindDigest, KindLeader
	Digest Digest
	Facts  []byte // the digest as JSON: what the message is made from
	Actor  string // a directory user's object ID, or "twokey" for the clock
}

// Digests keeps digests and the weeks they are made from.
type Digests interface {
	Slots
	// Publish closes the slot, keeps the week's sums, records it and owes the
	// message, in one transaction. If the slot has its digest it stores nothing
	// and returns false; one that was skipped can still be published.
	Publish(ctx context.Context, p Publication) (bool, error)
	// Revise brings the digest that was published for the slot up to date, in
	// one transaction: the sums, the message, a record.
	Revise(ctx context.Context, p Publication) error
	// Pass closes the slot without a message, and keeps the week's sums if there
	// are any. Why is recorded, unless it is empty. A slot that is closed stays as
	// it is.
	Pass(ctx context.Context, s Slot, w *rollout.Week, why string) error
	// Weeks returns the stored weeks before the given one, oldest first, the
	// last n of them.
	Weeks(ctx context.Context, tenant, before string, n int) ([]rollout.Week, error)
}

// KindDigest is the kind of message that a digest is.
const KindDigest = "digest"

// DigestJob is the job's name, and part of a posted digest's key.
const DigestJob = "digest"

// weeksShown is how many weeks the picture shows.
const weeksShown = 10

// readLimit bounds the reading of the tenant, and leaves of the job's limit
// enough to publish. A tenant that does not answer must not cost the week its
// digest: it is made from what came by then, and says what did not.
const readLimit = defaultLimit - catchUpLimit - time.Minute

// catchUpLimit is how long a digest waits for what an absence left behind. The log
// of a large tenant takes longer, and the digest then says what it did not read.
const catchUpLimit = time.Minute

// Digester composes and publishes the weekly digest of one tenant.
type Digester struct {
	Tenant string // tenant ID
	Name   string
	Facts  func(ctx context.Context) rollout.Facts
	// CatchUp reads what an absence left behind, before the clock's own digest is
	// made; it may take as long as catchUpLimit. Nil: nothing can be left.
	CatchUp func(ctx context.Context)
	// Changes counts the changes since a moment. Nil: nobody watches them.
	Changes func(ctx context.Context, since time.Time) (rollout.ChangeCount, error)
	// Head returns what the audit record ends with, false if that is not to be
	// trusted. Nil: nobody watches over it.
	Head func(ctx context.Context) (audit.Head, bool)
	// Goal returns the goal that is set. Nil: none can be.
	Goal func(ctx context.Context) (rollout.Goal, error)
	// Notices says by which rules fewer decide than usual. Nil: by none.
	Notices func() []string
	// Muted reports whether the clock is to post no digest. Nil: never.
	Muted func(ctx context.Context) (bool, error)
	// Decided returns what became of the requests since a moment. Nil: there are none.
	Decided func(ctx context.Context, since time.Time) (Decided, error)
	Log     *slog.Logger // nil is silence
	Scope   rollout.Scope
	Store   Digests
	To      chat.Address
	Also    []chat.Address // where else the digest is posted, at most one of a platform
	Due     Weekly
	Now     func() time.Time
}

// Job is the digest as something to be scheduled.
func (d *Digester) Job() Job {
	return Job{Name: DigestJob, Due: d.Due, Run: func(ctx context.Context, s Slot) error {
		d.catchUp(ctx)
		p, err := d.compose(ctx, s, audit.Bot)
		if err != nil {
			return err
		}
		if d.Muted != nil {
			muted, err := d.Muted(ctx)
			if err != nil {
				return fmt.Errorf("read whether the digest is muted: %w", err)
			}
			if muted {
				return d.Store.Pass(ctx, s, &p.Digest.This, "muted")
			}
		}
		_, err = d.Store.Publish(ctx, p)
		return err
	}}
}

// WeeksJob keeps the week's sums where no digest is posted: trend and forecast
// rest on them.
func (d *Digester) WeeksJob() Job {
	return Job{Name: "weeks", Due: d.Due, Run: func(ctx context.Context, s Slot) error {
		d.catchUp(ctx)
		p, err := d.compose(ctx, s, audit.Bot)
		if err != nil {
			return err
		}
		return d.Store.Pass(ctx, s, &p.Digest.This, "")
	}}
}

func (d *Digester) catchUp(ctx context.Context) {
	if d.CatchUp == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, catchUpLimit)
	defer cancel()
	d.CatchUp(ctx)
}

// slot is the week that is running: its moment may not have come yet when
// somebody asks for the digest by hand.
func (d *Digester) slot() Slot {
	now := d.Now()
	return Slot{
		Tenant: d.Tenant, Job: DigestJob,
		Week: rollout.ISOWeek(now.In(d.Due.Zone)), Planned: now,
	}
}

// Preview returns the digest of this week as it would be posted now.
func (d *Digester) Preview(ctx context.Context) (chat.Message, error) {
	digest, err := d.Compose(ctx)
	if err != nil {
		return chat.Message{}, err
	}
	return Message(digest)
}

// Compose reads the tenant and returns this week's digest.
func (d *Digester) Compose(ctx context.Context) (Digest, error) {
	p, err := d.compose(ctx, d.slot(), "")
	return p.Digest, err
}

// PostNow posts this week's digest, or brings the posted one up to date, and
// reports which. The actor is recorded. A posted one is never replaced by one
// that knows nothing: the error then says so to people.
func (d *Digester) PostNow(ctx context.Context, actor string) (posted bool, err error) {
	p, err := d.compose(ctx, d.slot(), actor)
	if err != nil {
		return false, err
	}
	posted, err = d.Store.Publish(ctx, p)
	if err != nil || posted {
		return posted, err
	}
	if this := p.Digest.This; this.Road == rollout.NoRoad {
		return false, &unreadError{this.Figures().Get(rollout.Registered).Reason()}
	}
	return false, d.Store.Revise(ctx, p)
}

// unreadError is a reading that must not replace a better one.
type unreadError struct{ why rollout.Reason }

// Error names the reason.
func (e *unreadError) Error() string { return "read registrations: " + string(e.why) }

// Say is the sentence for people.
func (e *unreadError) Say() string {
	return "Who is registered could not be read just now (" + string(e.why) + "), so this week's digest stays as it was posted."
}

// Weeks returns the last n weeks that were stored, oldest first. The week that is
// running is the last of them, as it is now if it is not stored yet.
func (d *Digester) Weeks(ctx context.Context, n int) ([]rollout.Week, error) {
	s := d.slot()
	next := rollout.ISOWeek(d.Now().In(d.Due.Zone).AddDate(0, 0, 7))
	weeks, err := d.Store.Weeks(ctx, d.Tenant, next, n)
	if err != nil {
		return nil, fmt.Errorf("read weeks: %w", err)
	}
	if len(weeks) == 0 || weeks[len(weeks)-1].Week != s.Week {
		facts := d.Facts(ctx)
		weeks = append(weeks, rollout.NewWeek(s.Week, rollout.NewFunnel(facts, d.Scope), rollout.NewLegacy(facts, d.Scope)))
	}
	return weeks[max(0, len(weeks)-n):], nil
}

// Picture draws weeks, oldest first, and where the forecast leads.
func (d *Digester) Picture(weeks []rollout.Week, f rollout.Forecast) (*chat.Image, error) {
	asOf := d.Now()
	if len(weeks) > 0 {
		asOf = weeks[len(weeks)-1].AsOf
	}
	return picture(d.Name, asOf.In(d.Due.Zone), weeks, chart.MaxWeeks-weeksAhead, f)
}

func (d *Digester) compose(ctx context.Context, s Slot, actor string) (Publication, error) {
	reading, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	facts := d.Facts(reading)
	if err := ctx.Err(); err != nil {
		return Publication{}, fmt.Errorf("read tenant: %w", err)
	}
	funnel, legacy := rollout.NewFunnel(facts, d.Scope), rollout.NewLegacy(facts, d.Scope)
	this := rollout.NewWeek(s.Week, funnel, legacy)
	earlier, err := d.Store.Weeks(ctx, d.Tenant, s.Week, weeksShown-1)
	if err != nil {
		return Publication{}, fmt.Errorf("read earlier weeks: %w", err)
	}
	digest := Digest{
		Tenant: d.Name, Week: s.Week, AsOf: facts.AsOf.UTC(),
		This: this, Last: lastRead(earlier), Weeks: append(earlier, this),
		Zone: d.Due.Zone.String(),
	}
	if s.Late {
		digest.Late = s.Planned.UTC()
	}
	d.sections(ctx, &digest, facts)
	digest.Todo = todo(funnel, legacy, facts, d.Scope.With(facts.Declared), digest.Suggested, facts.AsOf.In(d.Due.Zone))
	text, err := json.Marshal(digest)
	if err != nil {
		return Publication{}, fmt.Errorf("encode digest: %w", err)
	}
	return Publication{Slot: s, To: d.To, Also: d.Also, Kind: KindDigest, Digest: digest, Facts: text, Actor: actor}, nil
}

// lastRead returns the newest week in which people's registrations could be
// read, nil if there is none.
func lastRead(weeks []rollout.Week) *rollout.Week {
	for i := range slices.Backward(weeks) {
		if weeks[i].Road != rollout.NoRoad {
			return &weeks[i]
		}
	}
	return nil
}

// Render makes the message of a stored digest; it is the outbox's renderer for
// KindDigest.
func Render(_ context.Context, facts []byte) (chat.Message, error) {
	var d Digest
	if err := json.Unmarshal(facts, &d); err != nil {
		return chat.Message{}, fmt.Errorf("read digest: %w", err)
	}
	return Message(d)
}
