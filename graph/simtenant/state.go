package simtenant

import (
	"encoding/json"
	"net/http"
	"slices"
	"sort"
	"time"
)

// state is everything that a change can change. A state is never modified:
// every change makes a new one, and the old ones stay for reads that lag.
type state struct {
	defaults bool
	policies []policy // in the order of creation
	methods  *methodsPolicy
	// concealed says that usage reports hide names.
	concealed bool
	apps      []application // in the order of [Config.Apps]
}

// version is a state and since when it holds.
type version struct {
	at    time.Time
	state *state
}

// versionAt returns the index of the version that holds at a moment, or -1.
func versionAt(list []version, at time.Time) int {
	return sort.Search(len(list), func(i int) bool { return list[i].at.After(at) }) - 1
}

// note is what the directory's audit log says about an applied change.
type note struct {
	at       time.Time
	n        int // of the effect; 0 for what happened before the epoch
	activity string
	kind     string // operationType
	app      string
	by       *account // instead of app
	request  string   // client-request-id, the log's correlation
	targetID string
	target   string
	property string
	old, new string

	// What follows is empty for a policy, which is the core directory's own.
	service    string
	category   string
	targetType string
	targetUPN  string
	reason     string
}

// apply applies a write: do looks at the newest state of things and returns
// what makes it so and the answer, or an error, in which case nothing happens.
// A nil commit means that there is nothing to apply. State, journal and ledger
// move together under one lock.
func (c *call) apply(do func(e Effect) (commit func(), a *answer, err error)) (*answer, error) {
	t := c.t
	t.mu.Lock()
	defer t.mu.Unlock()
	e := Effect{
		N: len(t.ledger) + 1, At: t.now(), App: c.app, RequestID: c.requestID, ClientRequestID: c.clientRequestID,
		Method: c.method, Path: "/" + c.version + c.path, Body: compact(c.body),
	}
	if c.replay != nil {
		e = *c.replay
	}
	commit, a, err := do(e)
	if err != nil || commit == nil {
		return a, err
	}
	if c.replay == nil {
		if err := t.journal.append(line{Effect: &e}); err != nil {
			return nil, refuse(http.StatusInternalServerError, "InternalServerError", "The change could not be recorded and was not applied.")
		}
	}
	commit()
	t.ledger, t.last = append(t.ledger, e), e.At
	return a, nil
}

// change applies a write to the tenant's state: do returns the next one with
// its note. A nil state means that there is nothing to apply.
func (c *call) change(do func(old *state, e Effect) (*state, note, *answer, error)) (*answer, error) {
	t := c.t
	return c.apply(func(e Effect) (func(), *answer, error) {
		current := max(versionAt(t.versions, e.At), 0)
		next, n, a, err := do(t.versions[current].state, e)
		if err != nil || next == nil {
			return nil, a, err
		}
		return func() {
			if current < len(t.versions)-1 {
				// Only where the clock stands before the epoch: the past that was laid
				// out ends with the first change to it.
				t.versions = t.versions[: current+1 : current+1]
			}
			t.versions = append(t.versions, version{at: e.At, state: next})
			t.notes = append(t.notes, n.of(e))
		}, a, nil
	})
}

// of fills in what a note has from its effect.
func (n note) of(e Effect) note {
	n.at, n.n, n.app, n.request = e.At, e.N, e.App, e.ClientRequestID
	return n
}

// compact returns a JSON body on one line; nil for none.
func compact(body []byte) json.RawMessage {
	if len(body) == 0 {
		return nil
	}
	line, err := json.Marshal(json.RawMessage(body))
	if err != nil {
		return nil // handlers decode a body before they apply it
	}
	return line
}

// withPolicy returns a state in which a policy is added or replaced.
func (s *state) withPolicy(p policy) *state {
	next := *s
	next.policies = slices.Clone(s.policies)
	for i := range next.policies {
		if next.policies[i].id == p.id {
			next.policies[i] = p
			return &next
		}
	}
	next.policies = append(next.policies, p)
	return &next
}

func (s *state) withoutPolicy(id string) *state {
	next := *s
	next.policies = slices.DeleteFunc(slices.Clone(s.policies), func(p policy) bool { return p.id == id })
	return &next
}
