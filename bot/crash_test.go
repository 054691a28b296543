package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"twokey/chat"
	"twokey/commands"
	"twokey/commands/approval"
	"twokey/store/pgtest"
)

// crasher is in the seams of a child: it numbers the points that the program
// passes, and kills the program with SIGKILL at the one that it has orders for.
//
// The orders are the words of a file, "name:n" and whatever makes them new: at
// the n-th point of that name from now on. "*" counts all points, and the 0th is
// never reached. A program without orders counts nothing. The names of the
// points are written to a file beside it.
type crasher struct {
	orders string // the file

	mu   sync.Mutex
	last string // orders that are counted for
	hits int
}

func (c *crasher) point(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	text, err := os.ReadFile(c.orders)
	if err != nil {
		return
	}
	if string(text) != c.last {
		c.last, c.hits = string(text), 0
	}
	at, rest, _ := strings.Cut(c.last, ":")
	number, _, _ := strings.Cut(rest, " ")
	if err := c.write(name); err != nil {
		panic(err)
	}
	if at != "*" && at != name {
		return
	}
	if c.hits++; strconv.Itoa(c.hits) != number {
		return
	}
	_ = os.Remove(c.orders) // they are carried out, which is how one sees it
	if self, err := os.FindProcess(os.Getpid()); err == nil {
		_ = self.Kill()
	}
	select {}
}

func (c *crasher) write(name string) error {
	f, err := os.OpenFile(passedBeside(c.orders), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = fmt.Fprintln(f, name)
	return err
}

func passedBeside(orders string) string { return orders + ".passed" }

func (c *crasher) seams() seams {
	plain := http.DefaultTransport.(*http.Transport).Clone()
	plain.DisableKeepAlives = true // on a connection of its own nothing is sent again by itself
	return seams{
		store:  func(s approval.Store) approval.Store { return crashingStore{s, c} },
		tenant: crashingTransport{plain, c},
		poster: func(p chat.Poster) chat.Poster { return crashingPoster{p, c} },
	}
}

// crashingStore has a point before each commit and one after it. Nothing is
// kept between two commits, so that readings need none.
type crashingStore struct {
	approval.Store
	*crasher
}

func (s crashingStore) Update(ctx context.Context, f func(approval.Tx) error) error {
	err := s.Store.Update(ctx, func(tx approval.Tx) error {
		err := f(tx)
		if err == nil {
			s.point("before commit")
		}
		return err
	})
	if err == nil {
		s.point("after commit")
	}
	return err
}

// crashingTransport has a point before each change of the tenant is sent, and
// one after its answer has come.
type crashingTransport struct {
	http.RoundTripper
	*crasher
}

func (t crashingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet || strings.HasSuffix(r.URL.Path, "/$batch") || strings.HasSuffix(r.URL.Path, "/checkMemberGroups") {
		return t.RoundTripper.RoundTrip(r)
	}
	t.point("before write")
	defer t.point("after write")
	return t.RoundTripper.RoundTrip(r)
}

// crashingPoster has a point before each message is shown, and one after it.
type crashingPoster struct {
	chat.Poster
	*crasher
}

func (p crashingPoster) Post(ctx context.Context, to chat.Address, key string, m chat.Message) (string, error) {
	p.point("before post")
	defer p.point("after post")
	return p.Poster.Post(ctx, to, key, m)
}

func (p crashingPoster) Edit(ctx context.Context, to chat.Address, id string, m chat.Message) error {
	p.point("before edit")
	defer p.point("after edit")
	return p.Poster.Edit(ctx, to, id, m)
}

// TestG02EveryNamedPoint kills the real program with SIGKILL at the points that
// it passes between the moment in which a change is asked for and its end: before and
// after each commit, each change of the tenant, each message. A clean
// run of each kind of change says which points there are. What must hold is
// what must hold after the sweep at random moments.
//
// TWOKEY_CRASHES sets at how many points it kills on each database, chosen by
// TWOKEY_SEED, and "all" kills at every point of every kind:
//
//	TWOKEY_CRASHES=all go test ./bot -run '^TestG02EveryNamedPoint$' -v -timeout 4h
func TestG02EveryNamedPoint(t *testing.T) {
	t.Parallel()
	wanted := os.Getenv("TWOKEY_CRASHES")
	n, err := strconv.Atoi(cmp.Or(wanted, "4"))
	if err != nil {
		n = everyPoint
	}
	seed, err := strconv.ParseUint(os.Getenv("TWOKEY_SEED"), 10, 64)
	if err != nil {
		seed = uint64(time.Now().UnixNano())
	}
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		crashSweep(t, n, seed, "")
	})
	if wanted != "" {
		t.Run("PostgreSQL", func(t *testing.T) {
			t.Parallel()
			crashSweep(t, n, seed, pgtest.DSN(t))
		})
	}
}

const everyPoint = -1

// named is one point: the n-th of its name.
type named struct {
	name string
	n    int
}

func crashSweep(t *testing.T, n int, seed uint64, dsn string) {
	t.Logf("TWOKEY_SEED=%d", seed)
	s := &sweep{
		t: t, data: t.TempDir(), dsn: dsn, random: rand.New(rand.NewPCG(seed, 0)), orders: filepath.Join(t.TempDir(), "orders"),
		told: map[string]bool{}, ended: map[string]map[approval.State]int{},
	}
	s.tenant = child(t, "tenant", "--addr", "127.0.0.1:0", "--licence", "p1", "--people", "600", "--now", sweepStart).tenant
	s.people()
	s.up()
	kinds := commands.Kinds()
	each := everyPoint
	if n != everyPoint { // at least two points of a kind, for the clean run that they cost
		s.random.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
		each = max(2, (n+len(kinds)-1)/len(kinds))
		kinds = kinds[:min((n+each-1)/each, len(kinds))]
	}
	slices.SortStableFunc(kinds, func(a, b string) int { // phones while they may be added
		return cmp.Compare(slices.Index(tenantWide, a), slices.Index(tenantWide, b))
	})
	found, killed := 0, 0
	for _, kind := range kinds {
		points := s.points(kind)
		found += len(points)
		if each != everyPoint {
			s.random.Shuffle(len(points), func(i, j int) { points[i], points[j] = points[j], points[i] })
			points = points[:min(each, len(points))]
		}
		hit := map[string]int{}
		missed := map[string]int{}
		for _, p := range points {
			if s.killedAt(kind, p) {
				hit[p.name]++
				killed++
			} else {
				missed[p.name]++
			}
		}
		t.Logf("%-14s killed at %v, not passed again %v", kind, hit, missed)
	}
	s.settled()
	s.outcomes()
	s.demo.process.end()
	s.check()
	for _, kind := range kinds {
		t.Logf("%-14s %v", kind, s.ended[kind])
	}
	t.Logf("%d points in the clean runs, killed at %d", found, killed)
	if killed == 0 {
		t.Error("it was killed nowhere")
	}
}

// points has one request of a kind carried out without a kill, and returns the
// points that the program passes meanwhile.
func (s *sweep) points(kind string) (points []named) {
	s.t.Helper()
	s.alone(kind, named{"*", 0})
	text, err := os.ReadFile(passedBeside(s.orders))
	if err != nil {
		s.t.Fatal(err)
	}
	count := map[string]int{}
	for name := range strings.Lines(string(text)) {
		name = strings.TrimSpace(name)
		count[name]++
		points = append(points, named{name, count[name]})
	}
	s.t.Logf("%-14s passes %v", kind, count)
	for _, name := range []string{"commit", "write", "post", "edit"} {
		if count["before "+name] == 0 || count["after "+name] == 0 {
			s.t.Errorf("a request of the kind %s passes no %s", kind, name)
		}
	}
	return points
}

// killedAt has one request of a kind carried out over a kill at a point, and
// reports whether the program came to it. Several states that follow each other
// quickly may be shown by one edit or by many, so that it may take a second one.
func (s *sweep) killedAt(kind string, p named) bool {
	s.t.Helper()
	for range 2 {
		s.alone(kind, p)
		_, err := os.Stat(s.orders)
		if errors.Is(err, fs.ErrNotExist) {
			return true
		}
	}
	return false
}

// order has the program killed at a point from now on, once.
func (s *sweep) order(p named) {
	s.t.Helper()
	_ = os.Remove(passedBeside(s.orders))
	s.asked++
	aside := s.orders + ".new"
	if err := os.WriteFile(aside, fmt.Appendf(nil, "%s:%d for request %d", p.name, p.n, s.asked), 0o600); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(aside, s.orders); err != nil {
		s.t.Fatal(err)
	}
}

// tenantWide are the kinds of change that are about nobody alone.
var tenantWide = []string{commands.DefaultsKind, commands.LegacyBlockKind, commands.RequireMFAKind, commands.PassPolicyKind, commands.CampaignKind}

// alone has one request of a kind on its way, until it has ended and everybody
// was told, with the orders to crash at p. An hour later they may ask for as much
// again; what is about the whole tenant comes a day later, when nobody can put
// back what the one before it changed by lighter rules.
func (s *sweep) alone(kind string, p named) {
	s.t.Helper()
	_ = os.Remove(s.orders)
	if slices.Contains(tenantWide, kind) {
		s.later("25h")
	} else {
		s.hour()
	}
	s.wait("everything to be shown", s.nothingDue)
	s.acknowledge()
	s.order(p)
	script, ok := scripts[kind]
	if !ok {
		s.t.Fatalf("there is no script for the kind %s", kind)
	}
	c := &carrier{kind: kind, by: script.by, line: script.line(s, s.asked) + " in round " + strconv.Itoa(s.asked), end: "approve"}
	defer func() {
		if s.t.Failed() && !c.over {
			s.tell(c)
		}
	}()
	s.wait("“"+c.line+"” to end", func() bool {
		if !c.over {
			s.carry(c)
		}
		return c.over && s.nothingDue()
	})
	if c.tries > tries {
		s.t.Errorf("“%s” led to no request", c.line)
	}
}

// tell logs how far a request has come.
func (s *sweep) tell(c *carrier) {
	r, _ := s.requestOf(c)
	orders, _ := os.ReadFile(s.orders)
	passed, _ := os.ReadFile(passedBeside(s.orders))
	s.t.Logf("%s asked “%s” %d times: %s is %s; its orders are %q, it has passed\n%s", c.by, c.line, c.tries, r.Ref, r.State, orders, passed)
}

// acknowledge has an approver see to the alerts of what the sweep did past the
// bot: told again each day, those of hundreds of rounds would drown the points
// of a request.
func (s *sweep) acknowledge() {
	s.t.Helper()
	open := labelled("Acknowledge")
	s.wait("the alerts to be acknowledged", func() bool {
		all := s.seen("bea")
		i := slices.IndexFunc(all, open)
		if i < 0 {
			return s.nothingDue()
		}
		for _, b := range all[i].Buttons {
			if b.Label == "Acknowledge" {
				s.pressOn("bea", all[i], b.ID)
			}
		}
		return false
	})
}

// nothingDue reports whether all messages are shown as they should be now.
func (s *sweep) nothingDue() bool {
	s.t.Helper()
	db := s.beside()
	defer db.Close()
	rows, err := db.Due(s.t.Context(), 1)
	if err != nil {
		s.t.Fatal(err)
	}
	return len(rows) == 0
}

// forget deletes the policies of ours, so that they can be asked for anew.
func (s *sweep) forget() {
	s.t.Helper()
	d := &demo{t: s.t}
	path := s.tenant + "/v1.0/identity/conditionalAccess/policies"
	var policies struct {
		Value []struct{ ID, DisplayName string }
	}
	d.must(http.StatusOK, "GET", path, nil, &policies)
	ours := slices.DeleteFunc(policies.Value, func(p struct{ ID, DisplayName string }) bool { return !strings.HasPrefix(p.DisplayName, "Twokey: ") })
	for _, p := range ours {
		d.must(http.StatusNoContent, "DELETE", path+"/"+p.ID, nil, nil)
	}
}

// able has somebody else enable an account or block it.
func (s *sweep) able(someone staff, enabled bool) staff {
	s.t.Helper()
	d := &demo{t: s.t}
	d.must(http.StatusNoContent, "PATCH", s.tenant+"/v1.0/users/"+someone.ID, map[string]bool{"accountEnabled": enabled}, nil)
	return someone
}
