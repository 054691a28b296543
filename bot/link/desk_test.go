package link_test

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"sync"
	"time"

	"twokey/bot/link"
	"twokey/chat/visit"
	"twokey/graph"
)

// desk keeps visits in memory, by the rules that the page is promised.
type desk struct {
	now    func() time.Time
	object func(person string) string

	mu      sync.Mutex
	tokens  map[string]*stay
	tickets map[string]*stay
	keys    map[string][]visit.Key // by object ID
	passes  int                    // were created
	taken   int                    // of them were taken back
	claims  []visit.Claims         // that it took in
	looks   int
	limit   time.Duration // for which it waits until a pass is seen; 0: ten seconds
	broken  error         // is the answer to everything
}

// stay is a visit with what the desk alone knows.
type stay struct {
	visit.Visit
	begun     time.Time
	who       string
	tries     int
	added     bool
	collected bool
}

var _ link.Desk = (*desk)(nil)

func newDesk(now func() time.Time, object func(string) string) *desk {
	return &desk{now: now, object: object, tokens: map[string]*stay{}, tickets: map[string]*stay{}, keys: map[string][]visit.Key{}}
}

// pass is the one that it creates.
const pass = "TAP-canary-8F2K"

// ask makes an address, for a person unless it is a link.
func (d *desk) ask(purpose visit.Purpose, person string, change ...func(*visit.Visit)) (token string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	v := visit.Visit{Purpose: purpose, Account: "Slack account U0" + person, Least: visit.Password, Until: d.now().Add(visit.Life)}
	if purpose != visit.Link {
		v.Person, v.About = d.object(person), "Approve R-ABC234: Give “Sam Rivera” a Temporary Access Pass"
	}
	for _, c := range change {
		c(&v)
	}
	token = rand.Text()
	d.tokens[token] = &stay{Visit: v}
	return token
}

func (d *desk) Look(_ context.Context, token string) (visit.Visit, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.looks++
	s, ok := d.tokens[token]
	switch {
	case d.broken != nil:
		return visit.Visit{}, d.broken
	case !ok || d.now().After(s.Until):
		return visit.Visit{}, visit.Gone
	}
	return s.Visit, nil
}

func (d *desk) Begin(_ context.Context, token string) (string, visit.Visit, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, ok := d.tokens[token]
	if !ok || s.Begun || d.now().After(s.Until) {
		return "", visit.Visit{}, visit.Gone
	}
	s.Begun, s.begun = true, d.now()
	ticket := rand.Text()
	d.tickets[ticket] = s
	return ticket, s.Visit, nil
}

func (d *desk) of(ticket string) (*stay, error) {
	s, ok := d.tickets[ticket]
	if !ok || d.now().After(s.Until) {
		return nil, visit.Gone
	}
	return s, nil
}

func (d *desk) Visit(_ context.Context, ticket string) (visit.Visit, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, err := d.of(ticket)
	if err != nil {
		return visit.Visit{}, err
	}
	return s.Visit, d.broken
}

func (d *desk) Signed(_ context.Context, ticket string, c visit.Claims) (visit.Done, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, err := d.of(ticket)
	if err == nil && s.Signed {
		err = visit.Gone
	}
	if err != nil {
		return visit.Done{}, err
	}
	if s.tries++; s.tries > 3 {
		return visit.Done{}, visit.Often
	}
	switch {
	case s.Person != "" && c.Object != s.Person:
		return visit.Done{}, visit.Other
	case !c.Proof.Meets(s.Least), c.At.Before(s.begun.Add(-2 * time.Minute)):
		return visit.Done{}, visit.Weak
	}
	s.Signed, s.who = true, c.Object
	d.claims = append(d.claims, c)
	done := visit.Done{Enrol: c.Proof != visit.Passkey, Pass: s.Purpose == visit.Collect}
	if s.Purpose == visit.Link {
		done.Code = "427193"
	}
	return done, nil
}

func (d *desk) Keys(_ context.Context, ticket string) ([]visit.Key, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, err := d.of(ticket)
	if err != nil {
		return nil, err
	}
	if s.who != "" {
		return slices.Clone(d.keys[s.who]), nil
	}
	return slices.Clone(d.keys[s.Person]), nil
}

func (d *desk) AddKey(_ context.Context, ticket string, k visit.Key) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, err := d.of(ticket)
	if err == nil && (s.who == "" || s.added) {
		err = visit.Gone
	}
	if err != nil {
		return err
	}
	s.added = true
	d.keys[s.who] = append(d.keys[s.who], k)
	return nil
}

func (d *desk) UseKey(_ context.Context, ticket string, k visit.Key) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, err := d.of(ticket)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(d.keys[s.Person], func(o visit.Key) bool { return o.ID == k.ID })
	if at < 0 {
		return visit.Gone
	}
	d.keys[s.Person][at].Body = k.Body
	return nil
}

func (d *desk) Collect(ctx context.Context, ticket string, show func(context.Context, graph.Pass) error) (string, error) {
	d.mu.Lock()
	s, err := d.of(ticket)
	if err == nil && (!s.Signed || s.Purpose != visit.Collect || s.collected) {
		err = visit.Gone
	}
	if err != nil {
		d.mu.Unlock()
		return "", err
	}
	s.collected = true
	d.passes++
	limit := d.limit
	d.mu.Unlock()
	if limit == 0 {
		limit = 10 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err = show(ctx, graph.Pass{ID: "1", Code: graph.NewSecret(pass), Start: d.now(), Lifetime: time.Hour, Once: true})
	if err == nil {
		return "", nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.taken++
	return "The pass was taken back: your browser did not say that it has it.", nil
}

var errDesk = errors.New("the desk cannot be reached")

// taken in are the claims so far.
func (d *desk) taking() []visit.Claims {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.claims)
}

func (d *desk) count() (passes, taken int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.passes, d.taken
}
