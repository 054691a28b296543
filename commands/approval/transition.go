package approval

import (
	"slices"
	"strings"
	"time"
)

// Change is what one transition stores, all of it in one transaction.
type Change struct {
	To        State
	NotBefore time.Time // set when not zero
	StartBy   time.Time // set when not zero
	Outcome   *Outcome
	Decision  *Decision
	Kind      string // of the audit record
	Actor     Principal
	Facts     map[string]any
	Loud      []string // addresses to which an approval is announced
}

// Vote is somebody's wish to decide, as it came in. That its author is an
// eligible approver has been asked of [Standing]; all else is asked here.
type Vote struct {
	By      Principal
	Account string
	Proof   string // how the chat account was proved to be theirs
	Seal    string // what the button carried; the bare reference if typed
	Why     string
	Warrant Warrant // by what right; the engine sets it
}

// limits of a request's life after the quorum.
const startLimit = 5 * time.Minute // counted from the end of the wait

// Approve decides a vote for r at the database's time now, given the earlier
// decisions.
func Approve(r Request, v Vote, earlier []Decision, now time.Time) (Change, error) {
	if err := decidable(r, v, now); err != nil {
		return Change{}, err
	}
	if r.State == Approved {
		return Change{}, ended(r)
	}
	if slices.ContainsFunc(earlier, func(d Decision) bool { return d.By == v.By }) {
		return Change{}, ErrVoted
	}
	if !r.Policy.counts(v.By) {
		return Change{}, ErrNoVoter
	}
	d := &Decision{Request: r.ID, By: v.By, Account: v.Account, Warrant: v.Warrant, Approve: true, Digest: r.Digest, At: now}
	c := Change{To: Pending, Decision: d, Kind: "request.vote", Actor: v.By, Facts: map[string]any{"approve": true, "digest": r.Digest, "account": v.Account}}
	v.Warrant.note(c.Facts)
	if len(Counted(r, append(slices.Clone(earlier), *d))) >= r.Policy.Quorum {
		c.Kind = "request.approved"
		c.approve(r, now)
	}
	return c, nil
}

// approve makes c the change that lets r run, and when.
func (c *Change) approve(r Request, now time.Time) {
	c.To = Approved
	c.NotBefore = now.Add(r.Policy.Wait)
	c.StartBy = c.NotBefore.Add(startLimit)
	if r.Policy.Collect > 0 {
		c.StartBy = c.NotBefore.Add(r.Policy.Collect)
		if until := r.Policy.CollectUntil.UTC(); until.After(c.StartBy) {
			c.StartBy = until
		}
	}
	c.Facts["not_before"], c.Facts["start_by"] = stamp(c.NotBefore), stamp(c.StartBy)
}

// Confirm lets r run on its requester's word alone, where its policy asks for
// nobody else.
func Confirm(r Request, now time.Time) (Change, error) {
	switch {
	case r.State != Pending || overdue(r, now):
		return Change{}, ended(r)
	case r.Policy.Quorum != 0:
		return Change{}, ErrQuorum
	}
	c := Change{Kind: "request.confirmed", Actor: r.Requester, Facts: map[string]any{"digest": r.Digest}}
	c.approve(r, now)
	return c, nil
}

// Recount approves a pending r if those whose votes count are enough, and
// returns false if they are not: a vote that did not count when the last one
// was given may do so again.
func Recount(r Request, votes []Decision, now time.Time) (Change, bool) {
	if r.State != Pending || overdue(r, now) || !sealed(r, r.Ref) || r.Policy.Quorum <= 1 || len(Counted(r, votes)) < r.Policy.Quorum {
		return Change{}, false
	}
	c := Change{Kind: "request.recounted", Facts: map[string]any{"digest": r.Digest}}
	c.approve(r, now)
	return c, true
}

// Deny ends r by one approver's no, also while it waits to start.
func Deny(r Request, v Vote, now time.Time) (Change, error) {
	if err := decidable(r, v, now); err != nil {
		return Change{}, err
	}
	c := Change{
		To:       Denied,
		Decision: &Decision{Request: r.ID, By: v.By, Account: v.Account, Warrant: v.Warrant, Digest: r.Digest, Why: v.Why, At: now},
		Outcome:  &Outcome{By: v.By, Why: v.Why, At: now},
		Kind:     "request.denied", Actor: v.By,
		Facts: map[string]any{"digest": r.Digest, "account": v.Account, "why": v.Why},
	}
	v.Warrant.note(c.Facts)
	return c, nil
}

// Cancel ends r by its requester, or by an approver who is not its target.
func Cancel(r Request, v Vote, now time.Time) (Change, error) {
	if err := open(r, now); err != nil {
		return Change{}, err
	}
	switch {
	case v.By.Tenant != r.Tenant:
		return Change{}, ErrNotAllowed
	case v.By != r.Requester && r.aims(v.By):
		return Change{}, ErrTarget
	case !sealed(r, v.Seal):
		return Change{}, ErrChanged
	}
	right := v.Warrant
	if v.By == r.Requester {
		right = asRequester(r, v)
	}
	c := Change{
		To:      Cancelled,
		Outcome: &Outcome{By: v.By, Why: v.Why, At: now},
		Kind:    "request.cancelled", Actor: v.By,
		Facts: map[string]any{"account": v.Account, "why": v.Why},
	}
	right.note(c.Facts)
	return c, nil
}

// Expire ends r if its time is over, and returns false if it is not.
func Expire(r Request, now time.Time) (Change, bool) {
	if !overdue(r, now) {
		return Change{}, false
	}
	why := "Nobody decided in time."
	if r.State == Approved {
		why = "It was approved but could not be started in time."
	}
	return Change{To: Expired, Outcome: &Outcome{Why: why, At: now}, Kind: "request.expired", Facts: map[string]any{"was": r.State}}, true
}

// Outdate ends an approved r because of what re-validation found.
func Outdate(r Request, findings []string, now time.Time) (Change, error) {
	if r.State != Approved {
		return Change{}, ended(r)
	}
	return Change{To: Stale, Outcome: &Outcome{Findings: findings, At: now}, Kind: "request.stale", Facts: map[string]any{"findings": findings}}, nil
}

// Start lets an approved r run, if its wait is over and its time is not.
func Start(r Request, now time.Time) (Change, error) {
	if r.State != Approved || overdue(r, now) || now.Before(r.NotBefore) {
		return Change{}, ended(r)
	}
	return Change{To: Executing, Kind: "request.started", Facts: map[string]any{}}, nil
}

// Collectable returns nil if v's author may collect r now: what it creates is
// for its requester alone, and for a while.
func Collectable(r Request, v Vote, now time.Time) error {
	switch {
	case v.By != r.Requester:
		return ErrNotCollector
	case r.Policy.Collect == 0:
		return ErrNotCollected
	case r.State == Executing:
		return ErrBusy
	case r.State != Approved:
		return ended(r)
	case overdue(r, now):
		r.State = Expired
		return ended(r)
	case now.Before(r.NotBefore):
		return ErrEarly
	case !sealed(r, v.Seal):
		return ErrChanged
	}
	return nil
}

// Lose marks an executing r whose answer is missing or unclear. From here on
// the tenant is only read.
func Lose(r Request, why string) (Change, error) {
	if r.State != Executing {
		return Change{}, ended(r)
	}
	return Change{To: Reconciling, Outcome: &Outcome{Why: why}, Kind: "request.reconciling", Facts: map[string]any{"why": why}}, nil
}

// Ending is what is known of an execution besides what its steps say.
type Ending struct {
	Calls     []Call // all that were planned; those after the last of them take something back
	Forgotten bool   // this version of the bot cannot tell what was planned
	Lost      bool   // what was created never reached who asked for it
	Remark    string
}

// Finish ends an executing or reconciling r by what is known of its steps:
// they hold the last try of each that was begun. An unknown r is ended anew if
// everything about it is known by now.
func Finish(r Request, steps []Step, e Ending, now time.Time) (Change, error) {
	if r.State != Executing && r.State != Reconciling && r.State != Unknown {
		return Change{}, ended(r)
	}
	planned := len(e.Calls)
	if e.Forgotten {
		planned = -1
	}
	o := &Outcome{Why: e.Remark, Done: reports(steps, e.Calls), Planned: planned, At: now}
	to := ending(o.Done, planned)
	switch {
	case r.State == Unknown && to == Unknown:
		return Change{}, ended(r)
	case to == Succeeded && e.Lost:
		to = Partial
	}
	facts := map[string]any{"was": r.State, "steps": o.Done, "planned": planned, "remark": e.Remark}
	return Change{To: to, Outcome: o, Kind: "request." + string(to), Facts: facts}, nil
}

// ending says how a request ended of whose steps this is known. Those numbered
// after the planned ones took something back, which undoes no step.
func ending(steps []StepReport, planned int) State {
	done := 0
	for _, s := range steps {
		if !settled(s.Class) {
			return Unknown
		}
		if s.Class == Applied && (planned < 0 || s.Number <= planned) {
			done++
		}
	}
	switch done {
	case planned:
		return Succeeded
	case 0:
		return Failed
	default:
		return Partial
	}
}

// settled reports whether it is known if a step of this class was done. It is
// not if it is open or unclear, or what this version does not understand.
func settled(c Class) bool {
	switch c {
	case Applied, Refused, NotSent, NotDone, LeftOut:
		return true
	default:
		return false
	}
}

// Reports lists every step of a request that was begun or planned, in order, by
// every try of each.
func Reports(tries []Step, calls []Call) []StepReport { return reports(lastTries(tries), calls) }

// reports lists every step that was begun or planned, in order.
func reports(steps []Step, calls []Call) []StepReport {
	var all []StepReport
	for _, s := range steps {
		report := StepReport{Number: s.Number, What: s.What, Class: s.Class, RequestID: s.RequestID}
		if s.Number <= len(calls) {
			report.Target = calls[s.Number-1].Target
		}
		if report.Target != "" && s.Class != Applied {
			report.Seen = s.Facts
		}
		all = append(all, report)
	}
	for i, call := range calls {
		if !begun(steps, i+1) {
			all = append(all, StepReport{Number: i + 1, What: call.What, Class: NotDone, Target: call.Target})
		}
	}
	slices.SortStableFunc(all, func(a, b StepReport) int { return a.Number - b.Number })
	return all
}

// next returns the number of the first call that is still to be made: none that
// has an intent, and none for a target of which one before it was not applied,
// unless that is one after which the next are made all the same.
func next(calls []Call, steps []Step) (number int, more bool) {
	over := map[string]bool{} // by target
	for i, call := range calls {
		at := slices.IndexFunc(steps, func(s Step) bool { return s.Number == i+1 })
		switch {
		case at >= 0:
			class := steps[at].Class
			over[call.Target] = over[call.Target] || class == LeftOut || class != Applied && !call.Onward
		case !over[call.Target]:
			return i + 1, true
		}
	}
	return 0, false
}

func begun(steps []Step, number int) bool {
	return slices.ContainsFunc(steps, func(s Step) bool { return s.Number == number })
}

// Counted returns the people whose approval of r counts: each once, and
// neither the requester nor a target.
func Counted(r Request, decisions []Decision) []Principal {
	var people []Principal
	for _, d := range decisions {
		if d.Approve && d.Digest == r.Digest && d.By != r.Requester && !r.aims(d.By) && r.Policy.counts(d.By) && !slices.Contains(people, d.By) {
			people = append(people, d.By)
		}
	}
	return people
}

// counts reports whether somebody's approval can count under the policy.
func (p Policy) counts(by Principal) bool {
	return len(p.Voters) == 0 || slices.Contains(p.Voters, by.Object)
}

// aims reports whether p is a target of r.
func (r Request) aims(p Principal) bool {
	return p.Tenant == r.Tenant && slices.ContainsFunc(r.Targets, func(t Target) bool { return t.ID == p.Object })
}

func decidable(r Request, v Vote, now time.Time) error {
	switch err := open(r, now); {
	case err != nil:
		return err
	case v.By == r.Requester:
		return ErrSelf
	case r.aims(v.By):
		return ErrTarget
	case v.By.Tenant != r.Tenant:
		return ErrNotAllowed
	case !sealed(r, v.Seal):
		return ErrChanged
	}
	return nil
}

func open(r Request, now time.Time) error {
	if r.State != Pending && r.State != Approved {
		return ended(r)
	}
	if overdue(r, now) {
		r.State = Expired
		return ended(r)
	}
	return nil
}

func overdue(r Request, now time.Time) bool {
	switch r.State {
	case Pending:
		return !now.Before(r.Expires)
	case Approved:
		return !now.Before(r.StartBy)
	default:
		return false
	}
}

// sealed reports whether what was shown is what is stored. A typed decision
// carries the reference alone; the stored digest must then be the right one.
func sealed(r Request, seal string) bool {
	sum, err := r.Sum()
	if err != nil || sum != r.Digest {
		return false
	}
	ref, short, pressed := strings.Cut(seal, ".")
	return ref == r.Ref && (!pressed || short == r.Digest[:shortDigest])
}
