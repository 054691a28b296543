package approval_test

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"twokey/audit"
	"twokey/commands/approval"
)

// The checker believes the tenant's ledger and what is stored, and nothing
// that the engine or the runner says. It is written from the guarantees, and
// shares no rule with the code that it checks.

// roads are the moves that a request may make, by the kinds of its records.
var roads = map[string]string{
	"submitted":   "vote approved confirmed denied cancelled expired",
	"vote":        "vote approved recounted denied cancelled expired",
	"approved":    "denied cancelled expired stale started",
	"confirmed":   "denied cancelled expired stale started",
	"recounted":   "denied cancelled expired stale started",
	"started":     "succeeded failed partial unknown reconciling",
	"reconciling": "succeeded failed partial unknown",
	"unknown":     "succeeded failed partial", // by a person, or by a later reading
}

// asides are records about a request that move it nowhere.
var asides = []string{"question", "refused", "alert", "escalated", "paused", "resumed", "halted"}

// stored are the states that a record leaves a request in.
var stored = map[string]approval.State{"submitted": approval.Pending, "vote": approval.Pending, "started": approval.Executing, "confirmed": approval.Approved, "recounted": approval.Approved}

// history is all that is known about one request.
type history struct {
	t         rapid.TB
	request   approval.Request
	decisions []approval.Decision
	steps     []approval.Step
	open      bool            // an attempt is open
	resolved  bool            // a person said how it ended
	states    []string        // from the audit record: what became of it, in order
	intents   []string        // from the audit record: step/try, in order
	held      bool            // from the audit record: nothing new may be begun
	fences    []int64         // from the audit record: under which anything of a step was stored, in order
	effects   [][]effect      // from the ledger, by step
	due       map[string]bool // keys of the messages that are owed
	passes    map[string]pass // as they are in the tenant
	handed    []string        // the passes that were shown to the requester
}

// check holds the invariants I1 to I9 against everything there is, and I12 if
// all should be settled.
func (w *world) check(settled bool) {
	w.t.Helper()
	ledger := w.tenant.applied()
	records := w.records()
	due := w.due()
	claimed := 0
	for _, r := range w.requests() {
		h := w.history(r, records[r.Ref], ledger)
		h.due, h.passes, h.handed = due, w.tenant.valid(), w.shown(r)
		h.check()
		if settled && (r.State == approval.Executing || r.State == approval.Reconciling) {
			h.errorf("I12: left over")
		}
		for _, es := range h.effects {
			claimed += len(es)
		}
	}
	w.checkFrozen(records)
	if claimed != len(ledger) {
		w.t.Errorf("I2: %d of %d effects belong to a stored intent", claimed, len(ledger))
	}
}

// checkFrozen: between a freeze and its thaw nothing was asked, confirmed or
// started but thaws.
func (w *world) checkFrozen(records map[string][]audit.Record) {
	w.t.Helper()
	kinds := map[string]string{}
	for _, r := range w.requests() {
		kinds[r.Ref] = r.Kind
	}
	var all []audit.Record
	for _, some := range records {
		all = append(all, some...)
	}
	slices.SortFunc(all, func(a, b audit.Record) int { return cmp.Compare(a.Number, b.Number) })
	frozen := false
	for _, rec := range all {
		switch rec.Kind {
		case "tenant.frozen":
			frozen = true
		case "tenant.thawed":
			frozen = false
		case "request.submitted", "request.confirmed", "request.started":
			if frozen && kinds[rec.Request] != approval.KindThaw {
				w.t.Errorf("%s of %s while all is frozen", rec.Kind, rec.Request)
			}
		}
	}
}

// records verifies the audit chain and returns it by request.
func (w *world) records() map[string][]audit.Record {
	w.t.Helper()
	all := map[string][]audit.Record{}
	for r, err := range w.store.Audit(context.Background()) {
		if err != nil {
			w.t.Fatalf("read the audit record: %v", err)
		}
		all[r.Request] = append(all[r.Request], r)
	}
	if _, err := audit.Verify(w.store.Audit(context.Background()), ""); err != nil {
		w.t.Errorf("I9: %v", err)
	}
	return all
}

// due returns the keys of the messages that are owed.
func (w *world) due() map[string]bool {
	w.t.Helper()
	rows, err := w.store.Due(context.Background(), 1_000_000)
	if err != nil {
		w.t.Fatalf("read outbox: %v", err)
	}
	keys := map[string]bool{}
	for _, row := range rows {
		keys[row.Key] = true
	}
	return keys
}

func (w *world) history(r approval.Request, records []audit.Record, ledger []effect) *history {
	w.t.Helper()
	h := &history{t: w.t, request: r}
	err := w.store.View(context.Background(), func(tx approval.Tx) (err error) {
		if h.decisions, err = tx.Decisions(r.ID); err != nil {
			return err
		}
		if h.steps, err = tx.Steps(r.ID); err != nil {
			return err
		}
		a, err := tx.Attempt(r.ID)
		h.open = err == nil && !a.Closed
		if errors.Is(err, approval.ErrNotFound) {
			err = nil
		}
		return err
	})
	if err != nil {
		w.t.Fatalf("read history: %v", err)
	}
	for _, rec := range records {
		h.add(rec)
	}
	h.effects = make([][]effect, 2*len(r.Targets)+1) // what takes back comes after the planned
	for _, e := range ledger {
		for _, s := range h.steps {
			if s.ClientID == e.Client {
				h.effects[s.Number] = append(h.effects[s.Number], e)
			}
		}
	}
	return h
}

func (h *history) add(rec audit.Record) {
	if state, ok := strings.CutPrefix(rec.Kind, "request."); ok && !slices.Contains(asides, state) {
		if state == "resolved" { // by a person, who says to what
			var facts struct{ To string }
			if err := json.Unmarshal([]byte(rec.Facts), &facts); err != nil {
				h.t.Errorf("I9: the facts of record %d: %v", rec.Number, err)
			}
			state, h.resolved = facts.To, true
		}
		h.states = append(h.states, state)
	}
	switch rec.Kind {
	case "request.paused", "request.halted":
		h.held = true
	case "request.resumed":
		h.held = false
	}
	if !strings.HasPrefix(rec.Kind, "step.") {
		return
	}
	var facts struct {
		Step, Try int
		Fence     int64
	}
	if err := json.Unmarshal([]byte(rec.Facts), &facts); err != nil {
		h.t.Errorf("I9: the facts of record %d: %v", rec.Number, err)
	}
	h.fences = append(h.fences, facts.Fence)
	if rec.Kind == "step.intent" && facts.Try == 1 && h.held {
		h.errorf("step %d was begun while it was to wait", facts.Step)
	}
	if rec.Kind == "step.intent" {
		h.intents = append(h.intents, fmt.Sprintf("%d/%d", facts.Step, facts.Try))
	}
}

func (h *history) errorf(format string, args ...any) {
	h.t.Helper()
	h.t.Errorf("%s (%s, %v): "+format, append([]any{h.request.Ref, h.request.State, h.states}, args...)...)
}

func (h *history) check() {
	h.t.Helper()
	h.checkMoves()
	h.checkVotes()
	h.checkSteps()
	h.checkEffects()
	h.checkOutcome()
	h.checkTold()
}

// checkMoves: I6, and of I9 that every change of the state has its record.
func (h *history) checkMoves() {
	h.t.Helper()
	if len(h.states) == 0 || h.states[0] != "submitted" {
		h.errorf("I9: it does not begin with being asked")
		return
	}
	for i, to := range h.states[1:] {
		if from := h.states[i]; !slices.Contains(strings.Fields(roads[from]), to) {
			h.errorf("I6: from %s to %s", from, to)
		}
	}
	last := h.states[len(h.states)-1]
	state, ok := stored[last]
	if !ok {
		state = approval.State(last)
	}
	if h.request.State != state || h.request.Version != len(h.states) {
		h.errorf("I9: stored as %s, version %d, and recorded as %s after %d changes", h.request.State, h.request.Version, state, len(h.states))
	}
	if h.open && h.request.State.Final() {
		h.errorf("I7: an attempt is still open")
	}
}

// checkVotes: I4, for every request that was ever approved.
func (h *history) checkVotes() {
	h.t.Helper()
	if !slices.Contains(h.states, "approved") && !slices.Contains(h.states, "recounted") {
		return
	}
	people := map[approval.Principal]bool{}
	for _, d := range h.decisions {
		aimed := slices.ContainsFunc(h.request.Targets, func(t approval.Target) bool { return t.ID == d.By.Object })
		if d.Approve && (d.By == h.request.Requester || aimed) {
			h.errorf("I4: %s approved", d.By.Object)
		}
		if d.Approve && d.Digest == h.request.Digest {
			people[d.By] = true
		}
		if d.At.After(h.request.Expires) || d.At.Equal(h.request.Expires) {
			h.errorf("G14: %s voted at %v, after %v", d.By.Object, d.At, h.request.Expires)
		}
	}
	if len(people) < h.request.Policy.Quorum {
		h.errorf("I4: approved by %d, want %d", len(people), h.request.Policy.Quorum)
	}
}

// checkSteps: tries follow one another, only after what was surely not done,
// and each has its record.
func (h *history) checkSteps() {
	h.t.Helper()
	var recorded []string
	for i, s := range h.steps {
		if s.Class != approval.LeftOut {
			recorded = append(recorded, fmt.Sprintf("%d/%d", s.Number, s.Try))
		}
		if i == 0 {
			continue
		}
		switch before := h.steps[i-1]; {
		case s.Number == before.Number:
			if before.Class != approval.Refused && before.Class != approval.NotSent {
				h.errorf("G01: step %d was sent again after %q", s.Number, before.Class)
			}
		case before.Class != approval.Applied && !h.onward():
			h.errorf("G06: step %d was begun after step %d was %q", s.Number, before.Number, before.Class)
		}
	}
	if !slices.Equal(recorded, h.intents) {
		h.errorf("I9: the intents %v are recorded as %v", recorded, h.intents)
	}
	if !slices.IsSorted(h.fences) {
		h.errorf("I8: fences went down: %v", h.fences)
	}
	if len(h.steps) > 0 && !slices.Contains(h.states, "started") {
		h.errorf("I3: intents without a start")
	}
	for _, s := range h.steps {
		if s.Intent.Before(h.request.NotBefore) {
			h.errorf("step %d was intended before the wait was over", s.Number)
		}
		if h.request.State.Final() && s.Class == approval.Open {
			h.errorf("I12: step %d is left open", s.Number)
		}
	}
}

// checkEffects: I1, I2 and I3.
func (h *history) checkEffects() {
	h.t.Helper()
	for number, effects := range h.effects {
		if len(effects) > 1 {
			h.errorf("I1: step %d was applied %d times", number, len(effects))
		}
		for _, e := range effects {
			h.checkIntent(e)
		}
		for _, end := range []string{"denied", "cancelled", "expired", "stale"} {
			if len(effects) > 0 && slices.Contains(h.states, end) {
				h.errorf("I3: step %d was applied, and the request is %s", number, end)
			}
		}
	}
}

// onward reports whether a step that was not applied stops nothing.
func (h *history) onward() bool {
	return strings.Contains(string(h.request.Args), `"onward":true`) || strings.Contains(string(h.request.Args), `"parted":true`)
}

func (h *history) checkIntent(e effect) {
	h.t.Helper()
	hash := sha256.Sum256([]byte(e.Body))
	for _, s := range h.steps {
		if s.ClientID == e.Client && (s.BodyHash != hex.EncodeToString(hash[:]) || s.URL != e.URL || s.Method != e.Method || s.Intent.After(e.At.Add(time.Microsecond))) {
			h.errorf("I2: the effect %+v does not match its intent %+v", e, s)
		}
	}
}

// checkOutcome: I5, what is said against what was done.
func (h *history) checkOutcome() {
	h.t.Helper()
	if h.resolved {
		return // what a person found is theirs to answer for
	}
	switch h.request.Kind {
	case kindPass:
		h.checkPass(h.passes, h.handed)
		return
	case kindSet:
	default:
		return
	}
	done := 0
	for _, effects := range h.effects[1:] {
		done += min(len(effects), 1)
	}
	all := len(h.request.Targets)
	ok := true
	switch h.request.State {
	case approval.Succeeded:
		ok = done == all
	case approval.Partial:
		ok = done > 0 && done < all
	case approval.Unknown, approval.Executing, approval.Reconciling:
	default:
		ok = done == 0
	}
	if !ok {
		h.errorf("I5: %d of %d steps were applied", done, all)
	}
	if h.request.State == approval.Unknown || !h.request.State.Final() {
		return
	}
	last := map[int]approval.Class{} // what is said of each step in the end
	for _, s := range h.steps {
		last[s.Number] = s.Class
	}
	for number, class := range last {
		if (class == approval.Applied) != (len(h.effects[number]) > 0) {
			h.errorf("G06: step %d is reported as %s, and was applied %d times", number, class, len(h.effects[number]))
		}
	}
	listed, planned := len(h.request.Outcome.Done), h.request.Outcome.Planned
	if len(h.steps) > 0 && listed != max(len(last), len(h.request.Targets)) && (planned >= 0 || listed != len(last)) {
		h.errorf("G06: %d of %d steps are reported", len(h.request.Outcome.Done), len(h.request.Targets))
	}
}

// checkTold: whoever asked is owed the outcome, and the prompt is owed its
// last state. Nothing was sent in these worlds, so that all is still due.
func (h *history) checkTold() {
	h.t.Helper()
	if !h.due["request/"+h.request.ID+"/0"] || !h.due["prompt/"+h.request.ID+"/1"] {
		h.errorf("G02: its prompts are not owed")
	}
	if outcome := "outcome/" + h.request.ID + "/0/" + string(h.request.State); h.request.State.Final() != h.due[outcome] {
		h.errorf("G02: its outcome is owed: %t", h.due[outcome])
	}
}
