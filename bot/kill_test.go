package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"twokey/commands/approval"
	"twokey/store"
)

// TestKillSweep kills the real program with SIGKILL at random moments while
// mixed requests are asked, decided and carried out, and starts it again each
// time. The tenant is another process that is never killed, and its ledger is
// the truth: no effect twice, none that was not approved, none that is told
// wrong; and no request that was told of is lost or left running.
//
// TWOKEY_KILLS sets how often it kills, TWOKEY_SEED repeats a run.
func TestKillSweep(t *testing.T) {
	kills, err := strconv.Atoi(os.Getenv("TWOKEY_KILLS"))
	if err != nil {
		kills = 4
	}
	seed, err := strconv.ParseUint(os.Getenv("TWOKEY_SEED"), 10, 64)
	if err != nil {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("%d kills, TWOKEY_SEED=%d", kills, seed)
	s := &sweep{t: t, data: t.TempDir(), left: kills, random: rand.New(rand.NewPCG(seed, 0)), told: map[string]bool{}}
	tenant := child(t, "tenant", "--addr", "127.0.0.1:0")
	s.tenant = tenant.tenant
	for i := range 10 {
		s.carry(i)
	}
	for s.left > 0 { // those that the requests were too quick for
		s.up()
		s.wait("the next kill", func() bool { return s.down() })
	}
	s.up()
	s.settled()
	s.demo.process.end()
	s.check()
}

// process is the program as a child.
type process struct {
	demo
	cmd  *exec.Cmd
	gone chan struct{}
}

// child starts the program and waits until it is ready; nil if it ended
// before, which a kill may cause. It is ended with the test at the latest.
func child(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{demo: demo{t: t}, cmd: exec.Command(os.Args[0], args...), gone: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), "TWOKEY_PROGRAM=1")
	p.cmd.Stderr = os.Stderr
	out, in := io.Pipe()
	p.cmd.Stdout = in
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait()
		_ = in.Close()
		close(p.gone)
	}()
	t.Cleanup(p.end)
	p.read(out)
	return p
}

// end kills the process, if it still runs, and waits for its end.
func (p *process) end() {
	_ = p.cmd.Process.Kill()
	<-p.gone
}

type sweep struct {
	t            *testing.T
	tenant, data string
	left         int // kills
	random       *rand.Rand
	demo         *running
	told         map[string]bool // requests that somebody was told of
}

type running struct {
	*demo
	process *process
}

func (s *sweep) down() bool {
	select {
	case <-s.demo.process.gone:
		return true
	default:
		return false
	}
}

// up starts the demo if it does not run, and sets the moment of its death.
func (s *sweep) up() {
	for s.demo == nil || s.down() {
		p := child(s.t, "demo", "--addr", "127.0.0.1:0", "--data", s.data, "--tenant", s.tenant, "--wait", "0s")
		s.demo = &running{&p.demo, p}
		if s.left > 0 {
			s.left--
			delay := time.Duration(s.random.Int64N(int64(700 * time.Millisecond)))
			time.AfterFunc(delay, func() { _ = p.cmd.Process.Kill() })
		}
	}
}

// wait looks until something is so, and gives up after long enough.
func (s *sweep) wait(what string, so func() bool) {
	s.t.Helper()
	deadline := time.After(longEnough)
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for !so() {
		select {
		case <-deadline:
			s.t.Fatalf("waited in vain for %s", what)
		case <-look.C:
		}
	}
}

// seen returns what a person sees, nothing while the demo is down.
func (s *sweep) seen(person string) (ms []message) {
	s.up()
	_, err := call("GET", s.demo.console+"/api/people/"+person+"/messages", nil, &ms)
	if err != nil {
		return nil
	}
	for _, m := range ms {
		if m.Request != "" {
			s.told[m.Request] = true
		}
	}
	return ms
}

func (s *sweep) say(person, text string) {
	s.up()
	_, _ = call("POST", s.demo.console+"/api/people/"+person+"/messages", map[string]string{"text": text}, nil)
}

// carry asks for one change and brings it to one of its ends, over as many
// kills as there are meanwhile.
func (s *sweep) carry(i int) {
	s.t.Helper()
	end := []string{"approve", "approve", "deny", "approve", "cancel"}[i%5]
	request := s.asked()
	s.wait(request+" to end", func() bool {
		if s.final(request) {
			return true
		}
		switch end {
		case "approve":
			s.press("abe", request, "approve")
			s.press("bea", request, "approve")
		case "deny":
			s.press("abe", request, "deny")
		case "cancel":
			s.say("ada", "/mfa cancel "+request)
		}
		return false
	})
}

// asked asks until there is an open request, and returns it.
func (s *sweep) asked() (request string) {
	s.t.Helper()
	var again time.Time
	s.wait("an open request", func() bool {
		for _, m := range s.seen("ada") {
			if m.Channel == "dm" && m.button("cancel") {
				request = m.Request
				return true
			}
		}
		if time.Now().After(again) { // a text that a kill swallowed is typed again, as a person would
			again = time.Now().Add(time.Second)
			s.say("ada", "/mfa defaults "+s.opposite()+" in the sweep")
		}
		return false
	})
	return request
}

// opposite returns what can be asked for now.
func (s *sweep) opposite() string {
	var state struct{ IsEnabled bool }
	_, err := call("GET", s.tenant+"/v1.0/policies/identitySecurityDefaultsEnforcementPolicy", nil, &state)
	if err != nil {
		s.t.Fatal(err)
	}
	if state.IsEnabled {
		return "disable"
	}
	return "enable"
}

func (s *sweep) press(person, request, button string) {
	for _, m := range s.seen(person) {
		if m.Channel == "dm" && m.Request == request && m.button(button) {
			_, _ = call("POST", s.demo.console+"/api/people/"+person+"/press", map[string]any{"message": m.ID, "button": button, "fields": map[string]string{}}, nil)
			return
		}
	}
}

// final reports whether the requester was told how it ended.
func (s *sweep) final(request string) bool {
	return slices.ContainsFunc(s.seen("ada"), func(m message) bool {
		if m.Request != request || len(m.Buttons) > 0 {
			return false
		}
		first, _, _ := strings.Cut(m.Text, "\n")
		return strings.HasPrefix(first, request+" ")
	})
}

// settled waits until nothing is open.
func (s *sweep) settled() {
	s.t.Helper()
	s.wait("everything to settle", func() bool {
		return !slices.ContainsFunc(s.requests(), func(r approval.Request) bool { return !r.State.Final() })
	})
}

func (s *sweep) requests() (all []approval.Request) {
	s.t.Helper()
	db := store.OpenToRead(filepath.Join(s.data, databaseName))
	defer db.Close()
	err := db.View(s.t.Context(), func(tx approval.Tx) (err error) {
		all, err = tx.Requests("")
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

// check holds the database against the tenant's ledger.
func (s *sweep) check() {
	s.t.Helper()
	d := &demo{t: s.t, tenant: s.tenant, data: s.data}
	ledger := map[string][]effect{}
	for _, e := range d.ours() {
		ledger[e.ClientRequestID] = append(ledger[e.ClientRequestID], e)
	}
	counts := map[approval.State]int{}
	known := map[string]bool{}
	for _, r := range s.requests() {
		counts[r.State]++
		known[r.Ref] = true
		effects := s.effects(r, ledger)
		if want := map[bool]int{true: 1}[r.State == approval.Succeeded]; r.State != approval.Unknown && effects != want {
			s.t.Errorf("%s is %s and has %d effects", r.Ref, r.State, effects)
		}
		if r.State == approval.Unknown && effects > 1 {
			s.t.Errorf("%s has %d effects", r.Ref, effects)
		}
	}
	for id, es := range ledger {
		s.t.Errorf("%d effects of %q belong to no stored intent", len(es), id)
	}
	for ref := range s.told {
		if !known[ref] {
			s.t.Errorf("%s was told of and is lost", ref)
		}
	}
	if status, said := d.verify(); status != 0 {
		s.t.Errorf("audit verify: %s", said)
	}
	s.t.Log(fmt.Sprint("requests by their end: ", counts))
}

// effects counts the ledger's entries that belong to the steps of r, and takes
// them out of it. Each must be what its intent said.
func (s *sweep) effects(r approval.Request, ledger map[string][]effect) (n int) {
	s.t.Helper()
	db := store.OpenToRead(filepath.Join(s.data, databaseName))
	defer db.Close()
	err := db.View(s.t.Context(), func(tx approval.Tx) error {
		steps, err := tx.Steps(r.ID)
		for _, step := range steps {
			for _, e := range ledger[step.ClientID] {
				n++
				if sum := sha256.Sum256(e.Body); hex.EncodeToString(sum[:]) != step.BodyHash {
					s.t.Errorf("%s sent %s, which is not what its intent said", r.Ref, e.Body)
				}
			}
			delete(ledger, step.ClientID)
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}
