package main

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// TestRollingRestart has two replicas on one database serve Slack and Discord by
// signed requests, behind a balancer, and restarts one after the other while
// people go on and answers fail: nobody is left without an answer, and nobody
// gets two. TWOKEY_SOAK and TWOKEY_RATE are those of [TestSoak].
func TestRollingRestart(t *testing.T) {
	long, rate := soaking(t)
	s := openSoak(t, 2)
	s.up()
	began, r := time.Now(), &roll{soak: s}
	s.load(long, rate, func(int) bool { return !r.over() || time.Since(began) < long })
	s.settle()
	s.judge()
	if n := s.front.failed.Load(); n > 0 {
		t.Errorf("%d requests met no replica", n)
	}
	t.Logf("the replicas were gone %s after SIGTERM", r.took)
}

// roll restarts replicas, one after the other.
type roll struct {
	*soak
	at    int       // whose turn it is
	asked time.Time // when it was asked to end; zero if it was not
	next  *replica  // what starts in its place
	took  []time.Duration
}

// over goes one step on, without waiting, and reports whether all have been
// restarted. As an orchestrator does, it takes a replica from behind the balancer
// before it asks it to end, and puts the next one there when it says that it is
// ready.
func (r *roll) over() bool {
	r.t.Helper()
	if r.at == len(r.replicas) {
		return true
	}
	is, addr := r.replicas[r.at], r.addrs[r.at]
	switch {
	case r.next != nil:
		if ready(addr) {
			r.replicas[r.at], r.next = r.next, nil
			r.front.put(addr)
			r.at++
		}
	case r.asked.IsZero():
		if r.front.take(addr) == 0 {
			if err := is.cmd.Process.Signal(syscall.SIGTERM); err != nil {
				r.t.Fatal(err)
			}
			r.asked = time.Now()
		}
	default:
		select {
		case <-is.gone:
			if is.err != nil {
				r.t.Errorf("a replica ended with %v", is.err)
			}
			r.took = append(r.took, time.Since(r.asked).Round(time.Millisecond))
			r.next, r.asked = launch(r.t, r.configs[r.at]), time.Time{}
		default:
			if time.Since(r.asked) > drainTime {
				r.t.Fatalf("a replica still runs %s after SIGTERM", drainTime)
			}
		}
	}
	return false
}

// ready asks a replica as a balancer does.
func ready(addr string) bool {
	client := http.Client{Timeout: readyLimit}
	resp, err := client.Get("http://" + addr + "/readyz")
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode == http.StatusOK
}

// balancer hands requests to its members in turn.
type balancer struct {
	server *httptest.Server
	proxy  httputil.ReverseProxy
	failed atomic.Int64 // requests that no member answered

	mu      sync.Mutex
	members []string
	turn    int
	busy    map[string]int // requests under way, by member
}

func openBalancer(t *testing.T, members []string) *balancer {
	b := &balancer{members: slices.Clone(members), busy: map[string]int{}}
	b.proxy = httputil.ReverseProxy{
		Rewrite:      func(q *httputil.ProxyRequest) { q.SetURL(&url.URL{Scheme: "http", Host: q.In.Header.Get("Member")}) },
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { b.fail(w) },
		ErrorLog:     log.New(io.Discard, "", 0),
	}
	b.server = httptest.NewServer(b)
	t.Cleanup(b.server.Close)
	return b
}

func (b *balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	if len(b.members) == 0 {
		b.mu.Unlock()
		b.fail(w)
		return
	}
	b.turn++
	to := b.members[b.turn%len(b.members)]
	b.busy[to]++
	b.mu.Unlock()
	defer func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.busy[to]--
	}()
	r.Header.Set("Member", to)
	b.proxy.ServeHTTP(w, r)
}

func (b *balancer) fail(w http.ResponseWriter) {
	b.failed.Add(1)
	w.WriteHeader(http.StatusBadGateway)
}

// take has a member get no more requests, and returns how many are under way.
func (b *balancer) take(member string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.members = slices.DeleteFunc(b.members, func(m string) bool { return m == member })
	return b.busy[member]
}

// put has a member get requests again.
func (b *balancer) put(member string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.members = append(b.members, member)
}
