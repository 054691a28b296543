package msgraph

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"twokey/graph"
)

// Limits of a sweep over users. What budget the single reads come from is not
// published: two batches in flight is where to start, and Graph's 429 where to
// go back.
const (
	mostInFlight  = 2 * batchSize
	leastInFlight = 5
	growth        = 4
	maxTries      = 5
)

// Methods reads /users/{id}/authentication/methods for each user, in batches.
func (c *Client) Methods(ctx context.Context, userIDs []string) ([]graph.UserMethods, error) {
	readings, err := sweepUsers(ctx, &sweep[[]graph.Method]{
		c: c, op: readMethods, root: c.base.String(), ids: userIDs, convert: toMethods,
		path: func(id string) string { return "/users/" + segment(id) + "/authentication/methods" },
	})
	if err != nil {
		return nil, err
	}
	all := make([]graph.UserMethods, len(readings))
	for i, r := range readings {
		all[i] = graph.UserMethods{UserID: userIDs[i], Methods: r.value, Err: r.err}
	}
	return all, nil
}

// PerUserMFA reads /users/{id}/authentication/requirements for each user, in
// batches. Only beta has them.
func (c *Client) PerUserMFA(ctx context.Context, userIDs []string) ([]graph.UserMFA, error) {
	readings, err := sweepUsers(ctx, &sweep[graph.PerUserMFA]{
		c: c, op: readPerUserMFA, root: c.beta(), ids: userIDs, convert: toPerUserMFA,
		path: func(id string) string { return "/users/" + segment(id) + "/authentication/requirements" },
	})
	if err != nil {
		return nil, err
	}
	all := make([]graph.UserMFA, len(readings))
	for i, r := range readings {
		all[i] = graph.UserMFA{UserID: userIDs[i], State: r.value, Err: r.err}
	}
	return all, nil
}

// A sweep reads one thing of each of many users, in batches, round by round.
// Only the parts that failed are asked again, not before Graph allows it.
type sweep[T any] struct {
	c       *Client
	op      operation
	root    string // of the version of Graph that has it
	ids     []string
	path    func(id string) string // below the root
	convert func(body []byte) (T, error)

	users    []reading[T]
	tries    []int     // by user
	queue    []int     // users still to read
	read     int       // users that were read
	inFlight int       // how many to ask for in one round
	resume   time.Time // not before then
}

// A reading is what became of one user.
type reading[T any] struct {
	value T
	err   error // non-nil: value says nothing
}

// sweepUsers returns a reading for each ID, in the same order.
func sweepUsers[T any](ctx context.Context, s *sweep[T]) ([]reading[T], error) {
	s.users, s.tries, s.inFlight = make([]reading[T], len(s.ids)), make([]int, len(s.ids)), mostInFlight
	for i := range s.ids {
		s.queue = append(s.queue, i)
	}
	if err := s.run(ctx); err != nil {
		return s.broken(err)
	}
	return s.users, nil
}

// run goes on until every user has an answer. It ends early, with the error
// that concerns them all.
func (s *sweep[T]) run(ctx context.Context) error {
	for len(s.queue) > 0 {
		if err := s.pause(ctx); err != nil {
			return err
		}
		n := min(s.inFlight, len(s.queue))
		round := s.queue[:n:n]
		s.queue = s.queue[n:]
		if err := s.round(ctx, round); err != nil {
			return err
		}
	}
	return nil
}

// pause waits until Graph will hear us again, if ctx lasts so long.
func (s *sweep[T]) pause(ctx context.Context) error {
	wait := s.resume.Sub(s.c.now())
	if wait > patience(ctx) {
		return &graph.Error{Kind: graph.KindThrottled, Op: s.op.name, RetryAfter: s.resume}
	}
	if err := sleep(ctx, wait); err != nil {
		return &graph.Error{Kind: graph.KindNotSent, Op: s.op.name, Err: err}
	}
	return nil
}

// round asks for some users in batches side by side and takes in the answers.
// A batch that failed as a whole goes back into the queue and ends the sweep.
func (s *sweep[T]) round(ctx context.Context, round []int) error {
	batches := slices.Collect(slices.Chunk(round, batchSize))
	answers := make([][]answer, len(batches))
	failed := make([]error, len(batches))
	var wg sync.WaitGroup
	for i, users := range batches {
		wg.Go(func() { answers[i], failed[i] = s.c.batchGet(ctx, s.op, s.root, s.addresses(users)) })
	}
	wg.Wait()
	var over error
	throttled := false
	for i, users := range batches {
		if failed[i] != nil {
			s.queue = append(s.queue, users...)
			over = failed[i]
			continue
		}
		slow, err := s.take(users, answers[i])
		throttled = throttled || slow
		if err != nil {
			over = err
		}
	}
	s.pace(throttled)
	return over
}

func (s *sweep[T]) addresses(users []int) []string {
	all := make([]string, len(users))
	for i, u := range users {
		all[i] = s.path(s.ids[u])
	}
	return all
}

// take files a batch's answers, and says whether Graph wants us slower. If our
// app may read nobody's methods, the sweep is over: asking for a thousand more
// would not change it.
func (s *sweep[T]) take(users []int, answers []answer) (throttled bool, _ error) {
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
		case graph.KindThrottled:
			throttled = true
			s.hold(err.RetryAfter)
		case graph.KindNoPermission, graph.KindSignIn, graph.KindNoLicence:
			forbidden++
		}
		if s.tries[u]++; again(err) && s.tries[u] < maxTries {
			s.queue = append(s.queue, u)
		}
	}
	if forbidden == len(users) && s.read == 0 {
		return throttled, s.users[users[0]].err
	}
	return throttled, nil
}

// again reports whether a part's error may pass.
func again(e *graph.Error) bool {
	return e.Kind == graph.KindThrottled || e.Kind == graph.KindUnclear && passing(e)
}

// hold keeps the next round back.
func (s *sweep[T]) hold(until time.Time) {
	if until.IsZero() {
		until = s.c.now().Add(backOff(1))
	}
	if until.After(s.resume) {
		s.resume = until
	}
}

// pace halves what is asked for at once when Graph objects, and lets it grow
// slowly when it does not.
func (s *sweep[T]) pace(throttled bool) {
	if throttled {
		s.inFlight = max(leastInFlight, s.inFlight/2)
		return
	}
	s.inFlight = min(mostInFlight, s.inFlight+growth)
}

// broken ends a sweep that could not go on. What was read stays; the error
// stands at everyone who was not, and alone if nobody was.
func (s *sweep[T]) broken(err error) ([]reading[T], error) {
	if s.read == 0 {
		return nil, err
	}
	for _, u := range s.queue {
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
