package approval_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"twokey/commands/approval"
	"twokey/store"
	"twokey/store/pgtest"
)

// Replicas are processes of their own on one PostgreSQL: the test binary,
// started again. Each has an engine and a runner, takes orders as lines on its
// standard input and answers each with a line. What they change is kept by the
// test itself, behind HTTP, where no kill can touch it.

// TestMain lets the test binary be a replica.
func TestMain(m *testing.M) {
	if dsn := os.Getenv("TWOKEY_REPLICA"); dsn != "" {
		if err := beReplica(dsn, os.Getenv("TWOKEY_LEDGER"), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "replica:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// replicaLimits are short: here time is real.
var replicaLimits = approval.Limits{
	Tick: 10 * time.Millisecond, Call: time.Second, Attempt: 10 * time.Second, Settle: 200 * time.Millisecond,
	GiveUp: 3 * time.Second, Lease: 8 * time.Second,
}

// order is what a replica is told to do.
type order struct {
	Do     string
	Who    string
	Seal   string
	Key    string
	Object string
	Quorum int
	Wait   time.Duration
	Life   time.Duration
}

// reply is what came of it.
type reply struct {
	Ref, Seal, ID string
	State         approval.State
	Refused       string // the refusal's code, or the error
	Said          string
}

func beReplica(dsn, ledger string, in io.Reader, out io.Writer) error {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	db, err := store.Open(ctx, store.Config{DSN: dsn})
	if err != nil {
		return err
	}
	standing := &people{
		askers:    map[string]bool{"ada": true},
		approvers: map[string]bool{"abe": true, "bea": true, "cid": true},
	}
	runner := approval.NewRunner(approval.RunnerConfig{
		Store: db, Standing: standing, Actions: map[string]approval.Action{kindSet: remote{ledger}},
		Owner: strconv.Itoa(os.Getpid()), Limits: replicaLimits, Log: slog.New(slog.DiscardHandler),
	})
	engine := &approval.Engine{
		Store: db, Standing: standing, Wake: runner.Wake,
		Expiry: func(asked time.Time) time.Time { return asked.Add(time.Minute) },
		Caps:   approval.Caps{PerHour: 1 << 20, OpenPerPerson: 1 << 20, AskedPerHour: 1 << 20},
	}
	done := make(chan error, 1)
	go func() { done <- runner.Run(ctx) }()
	lines, answers := bufio.NewScanner(in), json.NewEncoder(out)
	for lines.Scan() {
		var o order
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			return err
		}
		if err := answers.Encode(o.carry(ctx, engine)); err != nil {
			return err
		}
	}
	stop()
	return errors.Join(lines.Err(), <-done, db.Close())
}

func (o order) carry(ctx context.Context, e *approval.Engine) reply {
	v := approval.Vote{By: person(o.Who), Account: "chat/" + o.Who, Seal: o.Seal}
	var r approval.Request
	var err error
	switch o.Do {
	case "ask":
		r, err = e.Submit(ctx, approval.Plan{
			Tenant: tenantID, TenantName: "Contoso", Kind: kindSet, KindVersion: 1, Args: json.RawMessage(`{}`), Snapshot: json.RawMessage(`{}`),
			Targets: []approval.Target{{ID: o.Object, Name: "the object " + o.Object}}, Words: approval.Words{Headline: "Set it"}, Reason: "because",
			Requester: v.By, Account: v.Account, Key: o.Key,
			Policy: approval.Policy{Name: "some", Quorum: o.Quorum, Wait: o.Wait, Life: o.Life, Version: 1},
		})
	case "approve":
		r, err = e.Approve(ctx, v)
	case "deny":
		r, err = e.Deny(ctx, v)
	case "cancel":
		r, err = e.Cancel(ctx, v)
	}
	answer := reply{ID: r.ID, Ref: r.Ref, State: r.State}
	var no *approval.Refusal
	switch {
	case errors.As(err, &no):
		answer.Refused, answer.Said = no.Code, no.Text
	case err != nil:
		answer.Refused = err.Error()
	default:
		answer.Seal = r.Seal()
	}
	return answer
}

// remote is an action on objects that the test keeps.
type remote struct{ url string }

func (remote) Snapshot(context.Context, approval.Request) (json.RawMessage, error) {
	return json.RawMessage(`{}`), nil
}

func (remote) Compare(_, _ json.RawMessage, _ approval.Request, _ []approval.Step) []string {
	return nil
}

func (a remote) Steps(r approval.Request) ([]approval.Call, error) {
	path := "/objects/" + r.Targets[0].ID
	return []approval.Call{{
		What: "set it", Method: http.MethodPost, URL: path,
		Send: func(ctx context.Context, clientID string) approval.Answer {
			status, err := a.call(ctx, http.MethodPost, path, clientID)
			if err != nil || status != http.StatusNoContent {
				return approval.Answer{Class: approval.Unclear, Facts: "no answer"}
			}
			return approval.Answer{Class: approval.Applied}
		},
	}}, nil
}

func (a remote) Probe(ctx context.Context, r approval.Request, _ json.RawMessage, s approval.Step) (approval.Finding, error) {
	status, err := a.call(ctx, http.MethodGet, "/objects/"+r.Targets[0].ID, s.ClientID)
	if err != nil {
		return approval.Finding{}, err
	}
	if status == http.StatusOK {
		return approval.Finding{Class: approval.Applied, Seen: "It is set."}, nil
	}
	return approval.Finding{Class: approval.NotDone, Seen: "It is not set."}, nil
}

func (a remote) call(ctx context.Context, method, path, clientID string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, method, a.url+path, nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Client-Request-Id", clientID)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

// ledger keeps what was applied. The hold, if there is one, is called with
// each change that arrives, before it is applied.
type ledger struct {
	mu      sync.Mutex
	applied map[string]int // by object
	by      map[string]bool
	hold    func(object string)
}

func (l *ledger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	object, client := strings.TrimPrefix(r.URL.Path, "/objects/"), r.Header.Get("Client-Request-Id")
	if r.Method == http.MethodPost {
		l.mu.Lock()
		hold := l.hold
		l.mu.Unlock()
		if hold != nil {
			hold(object)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case r.Method == http.MethodPost:
		l.applied[object]++
		l.by[client] = true
		w.WriteHeader(http.StatusNoContent)
	case l.by[client]:
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (l *ledger) count(object string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.applied[object]
}

// cluster is three replicas on one database.
type cluster struct {
	t        *testing.T
	db       *store.Store // beside them
	ledger   *ledger
	replicas []*replica
}

type replica struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	dsn := pgtest.Server(t).Database(t) // a server that syncs: the replicas refuse any other
	c := &cluster{t: t, ledger: &ledger{applied: map[string]int{}, by: map[string]bool{}}}
	server := httptest.NewServer(c.ledger)
	t.Cleanup(server.Close)
	var err error
	if c.db, err = store.Open(t.Context(), store.Config{DSN: dsn}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.db.Close(); err != nil {
			t.Error(err)
		}
	})
	for range 3 {
		c.replicas = append(c.replicas, startReplica(t, dsn, server.URL))
	}
	return c
}

func startReplica(t *testing.T, dsn, ledger string) *replica {
	t.Helper()
	r := &replica{t: t, cmd: exec.Command(os.Args[0])}
	r.cmd.Env = append(os.Environ(), "TWOKEY_REPLICA="+dsn, "TWOKEY_LEDGER="+ledger)
	r.cmd.Stderr = os.Stderr
	var err error
	if r.in, err = r.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	r.out = bufio.NewScanner(out)
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = r.cmd.Process.Signal(syscall.SIGCONT) // it may be stopped
		_ = r.in.Close()
		if err := r.cmd.Wait(); err != nil {
			t.Errorf("a replica ended: %v", err)
		}
	})
	return r
}

// carry lets the replica carry out an order.
func (r *replica) carry(o order) (answer reply) {
	if err := json.NewEncoder(r.in).Encode(o); err != nil {
		r.t.Errorf("order %s: %v", o.Do, err)
		return answer
	}
	if !r.out.Scan() {
		r.t.Errorf("order %s: no answer: %v", o.Do, r.out.Err())
		return answer
	}
	if err := json.Unmarshal(r.out.Bytes(), &answer); err != nil {
		r.t.Errorf("order %s: %v", o.Do, err)
	}
	return answer
}

// together gives the replicas one order each at the same moment.
func (c *cluster) together(orders ...order) []reply {
	answers := make([]reply, len(orders))
	var all sync.WaitGroup
	start := make(chan struct{})
	for i, o := range orders {
		all.Go(func() {
			<-start
			answers[i] = c.replicas[i].carry(o)
		})
	}
	close(start)
	all.Wait()
	return answers
}

// ended waits until a request has ended.
func (c *cluster) ended(id string) approval.Request {
	c.t.Helper()
	return c.until(id, approval.State.Final)
}

// until waits until a request is in a state that will do.
func (c *cluster) until(id string, will func(approval.State) bool) (r approval.Request) {
	c.t.Helper()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	deadline := time.After(2 * time.Minute)
	for {
		err := c.db.View(c.t.Context(), func(tx approval.Tx) (err error) {
			r, err = tx.Request(id)
			return err
		})
		if err != nil {
			c.t.Fatal(err)
		}
		if will(r.State) {
			return r
		}
		select {
		case <-look.C:
		case <-deadline:
			c.t.Fatalf("%s is stuck in %s", r.Ref, r.State)
		}
	}
}

// ends counts the records of a request that only one of them may have.
func (c *cluster) ends(ref string) (n int) {
	c.t.Helper()
	records, err := c.db.LastRecords(c.t.Context(), ref, 100)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, rec := range records {
		switch rec.Kind {
		case "request.denied", "request.cancelled", "request.expired", "request.started":
			n++
		}
	}
	return n
}

// races is how many rounds the races run: TWOKEY_RACES, or few.
func races(t *testing.T) int {
	n, err := strconv.Atoi(os.Getenv("TWOKEY_RACES"))
	if err != nil {
		n = 60
	}
	t.Logf("%d rounds (TWOKEY_RACES)", n)
	return n
}

// O11, G15: approve, deny, cancel, expire and start at the same moment, each on
// another process. One wins; and what was denied, cancelled or expired has no
// effect.
func TestO11RacesOfThreeProcesses(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	won := map[approval.State]int{}
	for round := range races(t) {
		object := fmt.Sprint("object-", round)
		ask := order{Do: "ask", Who: "ada", Key: object, Object: object, Quorum: 1}
		if round%3 == 0 { // it runs out in the middle of it
			ask.Life = time.Duration(1+round%8) * time.Millisecond
		}
		asked := c.replicas[round%3].carry(ask)
		if asked.Refused != "" {
			t.Fatalf("ask: %s %s", asked.Refused, asked.Said)
		}
		orders := []order{
			{Do: "approve", Who: "bea", Seal: asked.Seal}, {Do: "deny", Who: "abe", Seal: asked.Seal}, {Do: "cancel", Who: "ada", Seal: asked.Seal},
		}
		turned := append(orders[round%3:], orders[:round%3]...)
		if round%4 == 3 { // then the runner of any of them starts it against a late no
			c.replicas[0].carry(orders[0])
			turned = orders[1:]
		}
		if round%8 == 7 { // which comes too late for certain
			c.until(asked.ID, func(s approval.State) bool { return s != approval.Pending && s != approval.Approved })
		}
		answers := c.together(turned...)
		r := c.ended(asked.ID)
		won[r.State]++
		if n := c.ends(r.Ref); n != 1 {
			t.Errorf("round %d: %d of the four are recorded", round, n)
		}
		for i, o := range turned {
			wanted := map[string]approval.State{"deny": approval.Denied, "cancel": approval.Cancelled}[o.Do]
			if wanted != "" && (answers[i].Refused == "") != (r.State == wanted) {
				t.Errorf("round %d: it is %s, and to %s it was answered %+v", round, r.State, o.Do, answers[i])
			}
		}
		if n := c.ledger.count(object); n > 1 || (n == 1) != (r.State == approval.Succeeded) {
			t.Errorf("round %d: applied %d times, told as %s", round, n, r.State)
		}
	}
	t.Logf("won: %v", won)
	if len(won) < 4 {
		t.Errorf("only %d of 4 ways were ever first", len(won))
	}
}

// O10, G01, G34: two approvers press in the same moment on two of three
// processes, and all three see it approved: one transition, one attempt, one
// effect, and the other is told that it was decided.
func TestO10TwoApproversOnTwoProcesses(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	for round := range races(t) / 3 {
		object := fmt.Sprint("object-", round)
		asked := c.replicas[2].carry(order{Do: "ask", Who: "ada", Key: object, Object: object, Quorum: 1})
		answers := c.together(order{Do: "approve", Who: "abe", Seal: asked.Seal}, order{Do: "approve", Who: "bea", Seal: asked.Seal})
		counted := 0
		for _, a := range answers {
			if a.Refused == "" {
				counted++
			} else if !strings.HasPrefix(a.Refused, "ended-") {
				t.Errorf("the slower was told %s: %s", a.Refused, a.Said)
			}
		}
		r := c.ended(asked.ID)
		if n := c.ledger.count(object); counted != 1 || n != 1 || r.State != approval.Succeeded || c.ends(r.Ref) != 1 {
			t.Errorf("round %d: %d counted, %d applied, %s", round, counted, n, r.State)
		}
	}
}

// O15: two requests for the same, asked at once on two processes: one is
// accepted, and the other is told which.
func TestO15TheSameAskedTwiceOnTwoProcesses(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	for round := range races(t) / 3 {
		object := fmt.Sprint("object-", round)
		ask := order{Do: "ask", Who: "ada", Object: object, Quorum: 1}
		first, second := ask, ask
		first.Key, second.Key = object+"/1", object+"/2"
		answers := c.together(first, second)
		if (answers[0].Refused == "") == (answers[1].Refused == "") {
			t.Fatalf("round %d: %+v", round, answers)
		}
		won, lost := answers[0], answers[1]
		if won.Refused != "" {
			won, lost = lost, won
		}
		if lost.Refused != approval.ErrOpen.Code || !strings.Contains(lost.Said, won.Ref) {
			t.Errorf("round %d: the other was told %q; want that %s is open", round, lost.Said, won.Ref)
		}
		c.replicas[0].carry(order{Do: "cancel", Who: "ada", Seal: won.Seal})
	}
}

// O13, G34: the process that executes is stopped while its call is on its way,
// for longer than its lease and its call may last. Another takes over and only
// reads. When the first goes on it starts nothing and stores nothing.
func TestO13StoppedProcess(t *testing.T) {
	for name, applies := range map[string]bool{"applied meanwhile": true, "applied after the end": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			arrived, release := make(chan struct{}), make(chan struct{})
			c.ledger.mu.Lock()
			c.ledger.hold = func(string) {
				close(arrived)
				if !applies {
					<-release
				}
			}
			c.ledger.mu.Unlock()
			executor := c.only(t)
			asked := executor.carry(order{Do: "ask", Who: "ada", Key: "k", Object: "lamp", Quorum: 1})
			executor.carry(order{Do: "approve", Who: "bea", Seal: asked.Seal})
			<-arrived
			signal(t, executor, syscall.SIGSTOP)
			c.resume(t, executor)
			r := c.ended(asked.ID)
			close(release)
			signal(t, executor, syscall.SIGCONT)
			if answer := executor.carry(order{Do: "deny", Who: "abe", Seal: asked.Seal}); answer.Refused == "" {
				t.Errorf("a denial counted after the end: %+v", answer)
			}
			want := approval.Unknown // it may still be on its way, and here it is
			if applies {
				want = approval.Succeeded
			}
			if r.State != want || c.ledger.count("lamp") > 1 {
				t.Errorf("%s with %d applied, want %s with one at most", r.State, c.ledger.count("lamp"), want)
			}
			if last := c.ended(asked.ID); last.State == approval.Failed {
				t.Errorf("it was told as failed, with %d applied", c.ledger.count("lamp"))
			}
		})
	}
}

// only stops every replica but the first, so that the first must execute.
func (c *cluster) only(t *testing.T) *replica {
	t.Helper()
	for _, r := range c.replicas[1:] {
		signal(t, r, syscall.SIGSTOP)
	}
	return c.replicas[0]
}

// resume lets every replica but one go on.
func (c *cluster) resume(t *testing.T, but *replica) {
	t.Helper()
	for _, r := range c.replicas {
		if r != but {
			signal(t, r, syscall.SIGCONT)
		}
	}
}

func signal(t *testing.T, r *replica, s syscall.Signal) {
	t.Helper()
	if err := r.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}
