package msgraph

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"twokey/graph"
	"twokey/graph/msgraph/quota"
)

// Limits of a sweep over users. How many single reads Graph allows is not
// published: two batches at a time is where to start, and how fast they follow
// each other is what the methods' limiter learns.
const (
	mostInFlight = 2
	maxTries     = 5  // of one user, where the answer failed
	maxRefusals  = 20 // of one user, where Graph wanted us slower
)

// A sweep reads one thing of each of many users, in batches, round by round.
// Only the parts that failed are asked again, not before Graph allows it.
type sweep[T any] struct {
	c       *Client
	op      operation // its cost is one user's
	root    string    // of the version of Graph that has it
	ids     []string
	path    func(id string) string // below the root
	convert func(body []byte) (T, error)

	users []reading[T]
	tries []tries   // by user
	fresh []int     // users to ask as soon as may be
	later []retrial // users to ask again
	read  int       // users that were read
}

// A reading is what became of one user.
type reading[T any] struct {
	value T
	err   error // non-nil: value says nothing
}

type tries struct{ failed, refused int }

// A retrial is a user to ask again, not before a moment of the machine's clock.
type retrial struct {
	user int
	at   time.Time
}

// sweepUsers returns a reading for each ID, in the same order. The error is for
// a sweep that read nobody.
func sweepUsers[T any](ctx context.Context, s *sweep[T]) ([]reading[T], error) {
	s.users, s.tries = make([]reading[T], len(s.ids)), make([]tries, len(s.ids))
	for i := range s.ids {
		s.fresh = append(s.fresh, i)
	}
	if err := s.run(ctx); err != nil {
		return s.broken(err)
	}
	return s.users, nil
}

// run goes on until every user has an answer. It ends early, with the error
// that concerns them all.
func (s *sweep[T]) run(ctx context.Context) error {
	for len(s.fresh)+len(s.later) > 0 {
		if err := s.pause(ctx); err != nil {
			return err
		}
		n := min(len(s.fresh), mostInFlight*s.batchSize(ctx))
		round := s.fresh[:n:n]
		s.fresh = s.fresh[n:]
		if err := s.round(ctx, round); err != nil {
			return err
		}
	}
	return nil
}

// batchSize is how many users go into a batch: no more than the budget's
// window can take.
func (s *sweep[T]) batchSize(ctx context.Context) int {
	return min(batchSize, s.c.budgets[s.op.budget].Most(graph.IsBackground(ctx)))
}

// pause takes in whose time has come. Where nobody else is left to be asked it
// waits for the first of them, if the caller has the patience.
func (s *sweep[T]) pause(ctx context.Context) error {
	now := time.Now()
	if len(s.fresh) == 0 {
		first := slices.MinFunc(s.later, func(a, b retrial) int { return a.at.Compare(b.at) })
		if first.at.After(quota.PatientUntil(ctx, now)) {
			return s.users[first.user].err
		}
		if err := sleep(ctx, first.at.Sub(now)); err != nil {
			return &graph.Error{Kind: graph.KindNotSent, Op: s.op.name, Err: err}
		}
		now = time.Now()
	}
	s.later = slices.DeleteFunc(s.later, func(r retrial) bool {
		due := !r.at.After(now)
		if due {
			s.fresh = append(s.fresh, r.user)
		}
		return due
	})
	return nil
}

// round asks for some users in batches side by side and takes in the answers.
// A batch that failed as a whole goes back into the queue and ends the sweep.
func (s *sweep[T]) round(ctx context.Context, round []int) error {
	batches := slices.Collect(slices.Chunk(round, s.batchSize(ctx)))
	answers := make([][]answer, len(batches))
	failed := make([]error, len(batches))
	var wg sync.WaitGroup
	for i, users := range batches {
		wg.Go(func() { answers[i], failed[i] = s.c.batchGet(ctx, s.op, s.root, s.addresses(users)) })
	}
	wg.Wait()
	var over error
	for i, users := range batches {
		err := failed[i]
		if err != nil {
			s.fresh = append(s.fresh, users...)
		} else {
			err = s.take(users, answers[i])
		}
		if err != nil {
			over = err
		}
	}
	return over
}

func (s *sweep[T]) addresses(users []int) []string {
	all := make([]string, len(users))
	for i, u := range users {
		all[i] = s.path(s.ids[u])
	}
	return all
}

// take files a batch's answers. If our app may read nobody, the sweep is over:
// asking for a thousand more would not change it.
func (s *sweep[T]) take(users []int, answers []answer) error {
	forbidden := 0
	for i, u := range users {
		value, err := s.readingFrom(answers[i])
		if err == nil {
			s.users[u] = reading[T]{value: value}
			s.read++
			continue
		}
		s.users[u].err = err
		switch err.Kind {
		case graph.KindNoPermission, graph.KindSignIn, graph.KindNoLicence:
			forbidden++
		}
		s.retry(u, err)
	}
	if forbidden == len(users) && s.read == 0 {
		return s.users[users[0]].err
	}
	return nil
}

// retry has a user asked again where that may help: when Graph says, or else
// after a while that grows.
func (s *sweep[T]) retry(u int, e *graph.Error) {
	t := &s.tries[u]
	switch {
	case e.Kind == graph.KindThrottled:
		t.refused++
	case e.Kind == graph.KindUnclear && passing(e):
		t.failed++
	default:
		return
	}
	if t.failed >= maxTries || t.refused >= maxRefusals {
		return
	}
	wait := s.c.untilThen(e.RetryAfter)
	if wait == 0 {
		wait = backOff(t.failed)
	}
	s.later = append(s.later, retrial{u, time.Now().Add(wait)})
}

// broken ends a sweep that could not go on. What was read stays; the error
// stands at everyone who was not, and alone if nobody was.
func (s *sweep[T]) broken(err error) ([]reading[T], error) {
	if s.read == 0 {
		return nil, err
	}
	for _, u := range s.fresh {
		s.users[u].err = err
	}
	return s.users, nil
}

// readingFrom reads one part of a batch.
func (s *sweep[T]) readingFrom(a answer) (value T, _ *graph.Error) {
	if a.status != http.StatusOK {
		return value, refusal(s.op, a, s.c.now())
	}
	value, err := s.convert(a.body)
	if err != nil {
		return value, &graph.Error{Kind: graph.KindUnclear, Op: s.op.name, Status: a.status, RequestID: a.header.Get("request-id"), Err: err}
	}
	return value, nil
}
