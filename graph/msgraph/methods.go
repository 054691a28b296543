package msgraph

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
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
// Only the parts that failed are asked again, not before Graph allows it.
func (c *Client) Methods(ctx context.Context, userIDs []string) ([]graph.UserMethods, error) {
	s := &sweep{c: c, users: make([]graph.UserMethods, len(userIDs)), tries: make([]int, len(userIDs)), inFlight: mostInFlight}
	for i, id := range userIDs {
		s.users[i].UserID = id
		s.queue = append(s.queue, i)
	}
	if err := s.run(ctx); err != nil {
		return s.broken(err)
	}
	return s.users, nil
}

// A sweep reads the methods of many users, round by round.
type sweep struct {
	c        *Client
	users    []graph.UserMethods
	tries    []int     // by user
	queue    []int     // users still to read
	read     int       // users that were read
	inFlight int       // how many to ask for in one round
	resume   time.Time // not before then
}

// run goes on until every user has an answer. It ends early, with the error
// that concerns them all.
func (s *sweep) run(ctx context.Context) error {
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
func (s *sweep) pause(ctx context.Context) error {
	wait := s.resume.Sub(s.c.now())
	if wait > patience(ctx) {
		return &graph.Error{Kind: graph.KindThrottled, Op: readMethods.name, RetryAfter: s.resume}
	}
	if err := sleep(ctx, wait); err != nil {
		return &graph.Error{Kind: graph.KindNotSent, Op: readMethods.name, Err: err}
	}
	return nil
}

// round asks for some users in batches side by side and takes in the answers.
// A batch that failed as a whole goes back into the queue and ends the sweep.
func (s *sweep) round(ctx context.Context, round []int) error {
	batches := slices.Collect(slices.Chunk(round, batchSize))
	answers := make([][]answer, len(batches))
	failed := make([]error, len(batches))
	var wg sync.WaitGroup
	for i, users := range batches {
		wg.Go(func() { answers[i], failed[i] = s.c.batchGet(ctx, readMethods, s.addresses(users)) })
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

func (s *sweep) addresses(users []int) []string {
	all := make([]string, len(users))
	for i, u := range users {
		all[i] = "/users/" + url.PathEscape(s.users[u].UserID) + "/authentication/methods"
	}
	return all
}

// take files a batch's answers, and says whether Graph wants us slower. If our
// app may read nobody's methods, the sweep is over: asking for a thousand more
// would not change it.
func (s *sweep) take(users []int, answers []answer) (throttled bool, _ error) {
	forbidden := 0
	for i, u := range users {
		methods, err := s.c.methodsFrom(answers[i])
		if err == nil {
			s.users[u].Methods, s.users[u].Err = methods, nil
			s.read++
			continue
		}
		s.users[u].Err = err
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
		return throttled, s.users[users[0]].Err
	}
	return throttled, nil
}

// again reports whether a part's error may pass.
func again(e *graph.Error) bool {
	return e.Kind == graph.KindThrottled || e.Kind == graph.KindUnclear && passing(e)
}

// hold keeps the next round back.
func (s *sweep) hold(until time.Time) {
	if until.IsZero() {
		until = s.c.now().Add(backOff(1))
	}
	if until.After(s.resume) {
		s.resume = until
	}
}

// pace halves what is asked for at once when Graph objects, and lets it grow
// slowly when it does not.
func (s *sweep) pace(throttled bool) {
	if throttled {
		s.inFlight = max(leastInFlight, s.inFlight/2)
		return
	}
	s.inFlight = min(mostInFlight, s.inFlight+growth)
}

// broken ends a sweep that could not go on. What was read stays; the error
// stands at everyone who was not, and alone if nobody was.
func (s *sweep) broken(err error) ([]graph.UserMethods, error) {
	if s.read == 0 {
		return nil, err
	}
	for _, u := range s.queue {
		s.users[u].Err = err
	}
	return s.users, nil
}

// methodsFrom reads one part of a batch.
func (c *Client) methodsFrom(a answer) ([]graph.Method, *graph.Error) {
	if a.status != http.StatusOK {
		return nil, refusal(readMethods, a, c.now())
	}
	var l methodList
	err := json.Unmarshal(a.body, &l)
	if err == nil {
		var methods []graph.Method
		if methods, err = toMethods(l); err == nil {
			return methods, nil
		}
	}
	return nil, &graph.Error{Kind: graph.KindUnclear, Op: readMethods.name, Status: a.status, RequestID: a.header.Get("request-id"), Err: err}
}
