package approval_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"twokey/commands/approval"
)

// fault is what goes wrong with one call to the tenant.
type fault string

const (
	fine        fault = "fine"
	slow        fault = "slow"                  // two seconds
	refused     fault = "refused"               // 403
	throttled   fault = "throttled"             // 429, and again after a wait
	notSent     fault = "not sent"              // no connection
	lost        fault = "lost before"           // never arrives, and no answer
	appliedLost fault = "applied, then lost"    // arrives, and no answer
	late        fault = "applied late"          // arrives when the caller has given up
	silent      fault = "applied, no answer"    // the caller waits until its own limit
	garbled     fault = "applied, unknown word" // an answer that says nothing known
	greedy      fault = "applied, but again"    // unclear, and asks to be sent once more

	stuckBefore fault = "stuck, then applied" // the sender is stopped for long, and then sends
	stuckAfter  fault = "applied, then stuck" // it sends, and is stopped for long
)

// stuck is for how long such a sender is stopped.
const stuck = 3 * time.Minute

// faults are those that one process alone can meet.
var faults = []fault{fine, slow, refused, throttled, notSent, lost, appliedLost, late, silent, garbled, greedy}

// effect is one entry of the ledger: what was applied, whatever the bot believes.
type effect struct {
	At     time.Time
	Client string // the client ID that came with the call
	Method string
	URL    string
	Body   string
}

// tenant is a directory of named values. Its ledger is the truth.
type tenant struct {
	look   func(ctx context.Context, clientID string, c approval.Call) // called before anything is applied
	onRead func()                                                      // called after each snapshot

	mu      sync.Mutex
	now     func() time.Time
	values  map[string]string // by object ID
	passes  map[string]pass   // by ID
	created int               // passes
	ledger  []effect
	arrived int           // calls that were sent
	read    int           // readings
	faults  []fault       // of the next calls; then none
	down    bool          // nothing can be read
	takes   time.Duration // how long it takes to read what is compared
	lag     time.Duration // effects show this late to a probe
	wait    time.Duration // its Retry-After
	late    time.Duration // after which a late call arrives
}

func (t *tenant) set(id, value string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.values[id] = value
}

func (t *tenant) plan(fs ...fault) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults = fs
}

func (t *tenant) setDown(down bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.down = down
}

// setTakes sets how long it takes to read from now on.
func (t *tenant) setTakes(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.takes = d
}

// await returns when a reading that begins now is over, or given up.
func (t *tenant) await(ctx context.Context) error {
	t.mu.Lock()
	takes := t.takes
	t.mu.Unlock()
	if takes == 0 {
		return nil
	}
	select {
	case <-time.After(takes):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// applied returns the ledger as it stands.
func (t *tenant) applied() []effect {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]effect(nil), t.ledger...)
}

// calls returns how many calls were sent.
func (t *tenant) calls() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.arrived
}

// readings returns how often it was read.
func (t *tenant) readings() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.read
}

func (t *tenant) apply(clientID string, c approval.Call, do func() approval.Answer) approval.Answer {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ledger = append(t.ledger, effect{At: t.now(), Client: clientID, Method: c.Method, URL: c.URL, Body: string(c.Body)})
	a := do()
	a.Class, a.RequestID = approval.Applied, "g-"+clientID[:8]
	return a
}

func (t *tenant) next() fault {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.arrived++
	if len(t.faults) == 0 {
		return fine
	}
	f := t.faults[0]
	t.faults = t.faults[1:]
	return f
}

// send is one call as its sender sees it. What it does is done under the lock.
func (t *tenant) send(ctx context.Context, clientID string, c approval.Call, do func() approval.Answer) approval.Answer {
	t.look(ctx, clientID, c)
	apply := func() approval.Answer { return t.apply(clientID, c, do) }
	switch f := t.next(); f {
	case fine, slow:
		if f == slow {
			time.Sleep(2 * time.Second)
		}
		return apply()
	case refused:
		return approval.Answer{Class: approval.Refused, RequestID: "g-" + clientID[:8], Facts: "403 Forbidden"}
	case throttled:
		return approval.Answer{Class: approval.Refused, Facts: "429", Again: true, Wait: t.wait}
	case notSent:
		return approval.Answer{Class: approval.NotSent, Facts: "no connection", Again: true}
	case lost:
		return approval.Answer{Class: approval.Unclear, Facts: "connection reset"}
	case late:
		time.AfterFunc(t.late, func() { apply() })
		return approval.Answer{Class: approval.Unclear, Facts: "time-out"}
	case stuckBefore, stuckAfter:
		if f == stuckBefore {
			time.Sleep(stuck)
		}
		a := apply()
		if f == stuckAfter {
			time.Sleep(stuck)
		}
		return a
	case silent:
		apply()
		<-ctx.Done()
		return approval.Answer{Class: approval.Unclear, Facts: ctx.Err().Error()}
	case garbled:
		apply()
		return approval.Answer{Class: "fine, I think"}
	default: // appliedLost, greedy
		apply()
		return approval.Answer{Class: approval.Unclear, Facts: "504", Again: f == greedy}
	}
}

// kindSet is the kind of action that sets each target to a value.
const kindSet = "set"

// setting is the action over the tenant, of a process that may be paused.
type setting struct {
	tenant  *tenant
	process *mortal
}

var errDown = errors.New("the directory does not answer")

type setArgs struct {
	Value  string `json:"value"`
	Onward bool   `json:"onward"` // a step that is refused stops nothing
	Parted bool   `json:"parted"` // each target has its turn
}

// Part implements approval.Parted.
func (s setting) Part(ctx context.Context, r approval.Request, target string, done []approval.Step) ([]string, error) {
	one := r
	one.Targets = []approval.Target{{ID: target}}
	now, err := s.Snapshot(ctx, one)
	if err != nil || len(done) > 0 {
		return nil, err
	}
	var was, is map[string]string
	if err := errors.Join(json.Unmarshal(r.Snapshot, &was), json.Unmarshal(now, &is)); err != nil {
		return nil, err
	}
	if was[target] != is[target] {
		return []string{"It was " + was[target] + " and is " + is[target] + "."}, nil
	}
	return nil, nil
}

func (s setting) Snapshot(ctx context.Context, r approval.Request) (json.RawMessage, error) {
	defer s.tenant.onRead()
	if err := s.tenant.await(ctx); err != nil {
		return nil, err
	}
	s.tenant.mu.Lock()
	defer s.tenant.mu.Unlock()
	s.tenant.read++
	if s.tenant.down {
		return nil, errDown
	}
	was := map[string]string{} // encodes in the order of its keys
	for _, target := range r.Targets {
		was[target.ID] = s.tenant.values[target.ID]
	}
	return json.Marshal(was)
}

func (s setting) Compare(was, now json.RawMessage, r approval.Request, done []approval.Step) []string {
	var args setArgs
	var want map[string]string
	if errors.Join(json.Unmarshal(r.Args, &args), json.Unmarshal(was, &want)) != nil {
		return []string{"It is not understood."}
	}
	if args.Parted {
		return nil // each is looked at when it has its turn
	}
	for _, step := range done {
		want[r.Targets[step.Number-1].ID] = args.Value
	}
	was, _ = json.Marshal(want) // strings alone
	if string(was) != string(now) {
		return []string{fmt.Sprintf("It was %s and is %s.", was, now)}
	}
	return nil
}

func (s setting) Steps(r approval.Request) ([]approval.Call, error) {
	var args setArgs
	if err := json.Unmarshal(r.Args, &args); err != nil {
		return nil, err
	}
	calls := make([]approval.Call, len(r.Targets))
	for i, target := range r.Targets {
		c := approval.Call{What: "set " + target.ID, Method: "PATCH", URL: "/objects/" + target.ID, Body: []byte(`{"value":"` + args.Value + `"}`), Onward: args.Onward}
		if args.Parted {
			c.Target = target.ID
		}
		c.Send = paused(s.process, func(ctx context.Context, clientID string) approval.Answer {
			return s.tenant.send(ctx, clientID, c, func() approval.Answer {
				s.tenant.values[target.ID] = args.Value
				return approval.Answer{}
			})
		})
		calls[i] = c
	}
	return calls, nil
}

// paused is a call whose sender may be paused before it and after it.
func paused(m *mortal, send func(ctx context.Context, clientID string) approval.Answer) func(context.Context, string) approval.Answer {
	return func(ctx context.Context, clientID string) approval.Answer {
		m.breathe()
		a := send(ctx, clientID)
		m.breathe()
		return a
	}
}

func (s setting) Probe(_ context.Context, _ approval.Request, _ json.RawMessage, step approval.Step) (approval.Finding, error) {
	s.tenant.mu.Lock()
	defer s.tenant.mu.Unlock()
	if s.tenant.down {
		return approval.Finding{}, errDown
	}
	for _, e := range s.tenant.ledger {
		if e.Client == step.ClientID && !s.tenant.now().Before(e.At.Add(s.tenant.lag)) {
			return approval.Finding{Class: approval.Applied, Seen: "it is set"}, nil
		}
	}
	return approval.Finding{Class: approval.NotDone, Seen: "it is not set"}, nil
}

// people is who may do what, as the tenant would say.
type people struct {
	mu        sync.Mutex
	askers    map[string]bool
	approvers map[string]bool
	doubtful  map[string]bool // whose approval does not count
	down      bool
}

// Doubt implements approval.Doubter.
func (p *people) Doubt(_ context.Context, who approval.Principal, _ approval.Request) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.doubtful[who.Object] {
		return approval.ErrDoubt
	}
	return nil
}

func (p *people) change(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

func (p *people) may(set map[string]bool, who approval.Principal, role string) (approval.Warrant, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		return approval.Warrant{}, errDown
	}
	if who.Tenant != tenantID || !set[who.Object] {
		return approval.Warrant{}, approval.ErrNotAllowed
	}
	return approval.Warrant{Name: "Name of " + who.Object, UPN: who.Object + "@example.test", Role: role, Via: "user"}, nil
}

func (p *people) MayAsk(_ context.Context, who approval.Principal, _ string) (approval.Warrant, error) {
	return p.may(p.askers, who, "lead")
}

func (p *people) MayDecide(_ context.Context, who approval.Principal, r approval.Request) (approval.Warrant, error) {
	if len(r.Policy.Only) > 0 && !slices.Contains(r.Policy.Only, who.Object) {
		return approval.Warrant{}, approval.ErrNotAllowed
	}
	return p.may(p.approvers, who, "approver")
}

func (p *people) MayStop(_ context.Context, who approval.Principal, _ approval.Request) (approval.Warrant, error) {
	return p.may(p.approvers, who, "approver")
}

func (p *people) Approvers(_ context.Context, r approval.Request) ([]approval.Principal, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		return nil, errDown
	}
	var all []approval.Principal
	for object, may := range p.approvers {
		aimed := false
		for _, t := range r.Targets {
			aimed = aimed || t.ID == object
		}
		if may && !aimed && object != r.Requester.Object {
			all = append(all, person(object))
		}
	}
	return all, nil
}

func (p *people) Backups(context.Context, approval.Request) ([]approval.Principal, error) {
	return nil, nil
}

// everyone is where those who decide are told of something.
func (p *people) everyone() ([]string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		return nil, errDown
	}
	to := []string{adminsAddress}
	for object, may := range p.approvers {
		if may {
			to = append(to, address(object))
		}
	}
	return to, nil
}

const adminsAddress = `{"platform":"chat","channel":"admins"}`

// address is where a person gets messages of their own.
func address(object string) string { return `{"platform":"chat","user":"` + object + `"}` }

func (p *people) Name(_ context.Context, who approval.Principal) string {
	return cmp.Or(who.Object, "nobody")
}
