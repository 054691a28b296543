package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"twokey/audit"
	"twokey/commands"
	"twokey/commands/approval"
	"twokey/store"
	"twokey/store/pgtest"
)

// TestO08KillSweep kills the real program with SIGKILL at random moments while
// requests of every kind of change are asked, decided and carried out, and
// starts it again each time. The tenant is another process that is never
// killed, and its ledger is the truth: no effect twice, none that was not
// approved, none that is told wrong; and no request that was told of is lost
// or left running.
//
// TWOKEY_KILLS sets how often it kills each database, TWOKEY_SEED repeats a run:
//
//	TWOKEY_KILLS=500 go test ./bot -run '^TestO08KillSweep$' -v -timeout 2h
func TestO08KillSweep(t *testing.T) {
	kills, err := strconv.Atoi(os.Getenv("TWOKEY_KILLS"))
	if err != nil {
		kills = 3
	}
	seed, err := strconv.ParseUint(os.Getenv("TWOKEY_SEED"), 10, 64)
	if err != nil {
		seed = uint64(time.Now().UnixNano())
	}
	t.Run("SQLite", func(t *testing.T) { killSweep(t, kills, seed, "") })
	t.Run("PostgreSQL", func(t *testing.T) { killSweep(t, kills, seed, pgtest.DSN(t)) })
}

func killSweep(t *testing.T, kills int, seed uint64, dsn string) {
	t.Logf("%d kills, TWOKEY_SEED=%d", kills, seed)
	s := &sweep{
		t: t, data: t.TempDir(), dsn: dsn, left: kills, random: rand.New(rand.NewPCG(seed, 0)),
		told: map[string]bool{}, ended: map[string]map[approval.State]int{},
	}
	s.tenant = child(t, "tenant", "--addr", "127.0.0.1:0", "--licence", "p1", "--now", sweepStart).tenant
	s.people()
	for round := 0; round < rounds || s.left > 0 || round < most && s.lacking(); round++ {
		s.round(round)
		s.hour()
	}
	s.up()
	s.settled()
	s.outcomes()
	s.demo.process.end()
	s.check()
	for _, kind := range commands.Kinds() {
		t.Logf("%-12s %v", kind, s.ended[kind])
		if s.ended[kind][approval.Succeeded] == 0 {
			t.Errorf("no request of the kind %s was carried out", kind)
		}
	}
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
	return childWith(t, nil, args...)
}

// childWith is child with more in the environment.
func childWith(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	p := &process{demo: demo{t: t}, cmd: exec.Command(os.Args[0], args...), gone: make(chan struct{})}
	p.cmd.Env = append(append(os.Environ(), "TWOKEY_PROGRAM=1"), env...)
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

// sweepStart is when a sweep begins: Microsoft takes no new phones from
// February 2027 on.
const sweepStart = "2026-11-23T09:00:00Z"

// sweep is one database under kills.
type sweep struct {
	t            *testing.T
	tenant, data string
	dsn          string // "" for the file in the data folder
	left         int    // kills
	orders       string // the file of the orders to crash; "" for kills from outside
	asked        int    // since when they count
	random       *rand.Rand
	demo         *running
	staff        []staff
	group        string // an object ID
	used         int
	told         map[string]bool                   // requests that somebody was told of
	ended        map[string]map[approval.State]int // by kind
}

type running struct {
	*demo
	process *process
}

// staff is somebody of the tenant whom changes can be about.
type staff struct {
	ID, UserPrincipalName string
	AccountEnabled        bool
	methods               []string // IDs, without the password's
}

// people finds those whom changes can be about: no role, no cast.
func (s *sweep) people() {
	s.t.Helper()
	var list struct{ Value []staff }
	d := &demo{t: s.t}
	d.must(http.StatusOK, "GET", s.tenant+"/v1.0/users?$top=999&$select=id,userPrincipalName,accountEnabled,userType&$filter=userType%20eq%20'Member'", nil, &list)
	var roles struct {
		Value []struct{ PrincipalID string }
	}
	d.must(http.StatusOK, "GET", s.tenant+"/v1.0/roleManagement/directory/roleAssignments", nil, &roles)
	holders := map[string]bool{} // an application may not touch them
	for _, r := range roles.Value {
		holders[r.PrincipalID] = true
	}
	for _, someone := range list.Value {
		name, _, _ := strings.Cut(someone.UserPrincipalName, "@")
		if holders[someone.ID] || !strings.Contains(name, ".") { // the cast, services and emergency accounts have short names
			continue
		}
		s.staff = append(s.staff, someone)
	}
	var groups struct{ Value []struct{ ID string } }
	d.must(http.StatusOK, "GET", s.tenant+"/v1.0/groups", nil, &groups)
	s.group = groups.Value[0].ID
	if len(s.staff) < 50 {
		s.t.Fatalf("only %d people to try it on", len(s.staff))
	}
}

// next returns somebody who fits and was not used before. People register by
// themselves while days pass, so that each is looked at now.
func (s *sweep) next(fits func(staff) bool) staff {
	s.t.Helper()
	for range s.staff {
		someone := s.staff[s.used%len(s.staff)]
		s.used++
		someone.methods = s.methods(someone.ID)
		if fits(someone) {
			return someone
		}
	}
	s.t.Fatal("nobody fits")
	return staff{}
}

// methods returns the IDs of what somebody has registered but the password.
func (s *sweep) methods(id string) (ids []string) {
	s.t.Helper()
	var list struct {
		Value []struct {
			ID   string
			Type string `json:"@odata.type"`
		}
	}
	(&demo{t: s.t}).must(http.StatusOK, "GET", s.tenant+"/v1.0/users/"+id+"/authentication/methods", nil, &list)
	for _, m := range list.Value {
		if !strings.HasSuffix(m.Type, "passwordAuthenticationMethod") {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

func enabled(s staff) bool    { return s.AccountEnabled }
func registered(s staff) bool { return s.AccountEnabled && len(s.methods) > 1 }
func single(s staff) bool     { return s.AccountEnabled && len(s.methods) == 1 }
func bare(s staff) bool       { return s.AccountEnabled && len(s.methods) == 0 }
func disabled(s staff) bool   { return !s.AccountEnabled }

// script is how a kind of change is asked for, and by whom.
type script struct {
	by   string
	line func(s *sweep, round int) string
}

// scripts are by kind; every kind must have one.
var scripts = map[string]script{
	commands.DefaultsKind: {"olga", func(s *sweep, _ int) string { return "defaults " + s.opposite() }},
	commands.LegacyBlockKind: {"olga", func(s *sweep, _ int) string {
		s.forget()
		return "legacy-block report-only"
	}},
	commands.RequireMFAKind: {"olga", func(s *sweep, _ int) string {
		s.forget()
		return "require-mfa report-only"
	}},
	commands.PassPolicyKind: {"olga", func(s *sweep, _ int) string {
		s.narrow()
		return "tap-policy enable all"
	}},
	commands.CampaignKind: {"olga", func(_ *sweep, round int) string {
		return fmt.Sprintf("campaign set %s --days %d", []string{"on", "off"}[round%2], round%15)
	}},
	commands.PhoneKind: {"ada", func(s *sweep, round int) string {
		return fmt.Sprintf("phone add %s \"+34 6000000%02d\"", s.next(bare).UserPrincipalName, round)
	}},
	commands.PassKind:    {"ada", func(s *sweep, _ int) string { return "tap " + s.next(enabled).UserPrincipalName }},
	commands.ResetKind:   {"ada", func(s *sweep, _ int) string { return "reset " + s.next(registered).UserPrincipalName }},
	commands.RevokeKind:  {"ada", func(s *sweep, _ int) string { return "revoke " + s.next(enabled).UserPrincipalName }},
	commands.BlockKind:   {"ada", func(s *sweep, _ int) string { return "block " + s.able(s.next(enabled), true).UserPrincipalName }},
	commands.UnblockKind: {"ada", func(s *sweep, _ int) string { return "unblock " + s.able(s.next(disabled), false).UserPrincipalName }},
	commands.MethodKind: {"ada", func(s *sweep, _ int) string {
		someone := s.next(single) // the default one is refused while there are others
		return "method remove " + someone.UserPrincipalName + " " + someone.methods[0]
	}},
}

// several are what is asked for of several accounts at once, by kind.
var several = map[string]func(s *sweep) string{
	commands.RevokeKind: func(s *sweep) string { return "revoke " + s.some(enabled) },
	commands.ResetKind:  func(s *sweep) string { return "reset " + s.some(registered) },
	commands.BlockKind:  func(s *sweep) string { return "block " + s.some(enabled) },
}

// some names three people who fit.
func (s *sweep) some(fits func(staff) bool) string {
	s.t.Helper()
	var all []string
	for range 3 {
		all = append(all, s.next(fits).UserPrincipalName)
	}
	return strings.Join(all, ",")
}

// rivals are kinds of which each makes an open request of the others stale: a
// round has one of them.
var rivals = [][]string{
	{commands.DefaultsKind, commands.LegacyBlockKind, commands.RequireMFAKind},
	{commands.PassPolicyKind, commands.PassKind},
}

// rounds is after how many each kind had its turn.
const rounds = 3

// most is how many rounds there are at most once all the kills are over.
const most = 4 * rounds

// lacking reports whether there is a kind of which none was carried out: one
// whose turn came under kills may have ended in another way.
func (s *sweep) lacking() bool {
	s.t.Helper()
	done := map[string]bool{}
	for _, r := range s.requests() {
		done[r.Kind] = done[r.Kind] || r.State == approval.Succeeded
	}
	return slices.ContainsFunc(commands.Kinds(), func(kind string) bool { return !done[kind] })
}

// turn reports whether a kind is asked for in a round.
func (*sweep) turn(kind string, round int) bool {
	for _, some := range rivals {
		if at := slices.Index(some, kind); at >= 0 {
			return at == round%len(some)
		}
	}
	return true
}

// narrow has somebody else switch passes off for all but a group, so that there
// is something to switch on.
func (s *sweep) narrow() {
	s.t.Helper()
	d := &demo{t: s.t}
	path := s.tenant + "/v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/TemporaryAccessPass"
	d.must(http.StatusNoContent, "PATCH", path, map[string]any{
		"@odata.type": "#microsoft.graph.temporaryAccessPassAuthenticationMethodConfiguration", "state": "enabled",
		"includeTargets": []any{map[string]string{"targetType": "group", "id": s.group}},
	}, nil)
}

// carrier brings one request of one kind to one of its ends, over as many kills
// as there are meanwhile.
type carrier struct {
	kind  string
	by    string
	line  string
	end   string
	said  time.Time
	tries int
	over  bool
}

// again reports whether it is time to say something again, as a person would
// who sees that nothing comes of it.
func (c *carrier) again() bool {
	if time.Since(c.said) < time.Second {
		return false
	}
	c.said = time.Now()
	return true
}

// round has one request of each kind on its way at once.
func (s *sweep) round(n int) {
	s.t.Helper()
	var all []*carrier
	for i, kind := range commands.Kinds() {
		if !s.turn(kind, n) {
			continue
		}
		script, ok := scripts[kind]
		if !ok {
			s.t.Fatalf("there is no script for the kind %s", kind)
		}
		end := "approve"
		if n >= rounds && s.left > 0 { // the others are to see each kind carried out
			end = []string{"approve", "approve", "approve", "deny", "cancel"}[(i+s.random.IntN(5))%5]
		}
		all = append(all, &carrier{kind: kind, by: script.by, line: script.line(s, n) + " in round " + strconv.Itoa(n), end: end})
	}
	for i, kind := range slices.Sorted(maps.Keys(several)) {
		end := []string{"approve", "pause", "stop"}[(i+n)%3]
		if n >= rounds && s.left > 0 {
			end = []string{"approve", "pause", "stop", "cancel"}[s.random.IntN(4)]
		}
		all = append(all, &carrier{kind: kind, by: "ada", line: several[kind](s) + " in round " + strconv.Itoa(n) + " together", end: end})
	}
	defer func() {
		for _, c := range all {
			if s.t.Failed() && !c.over {
				r, _ := s.requestOf(c)
				s.t.Logf("%s asked “%s”, to %s it: %s is %s", c.by, c.line, c.end, r.Ref, r.State)
			}
		}
	}()
	s.wait("the round to end", func() bool {
		open := 0
		for _, c := range all {
			if !c.over {
				s.carry(c)
				open++
			}
		}
		return open == 0
	})
}

// tries is how often something is asked for again that leads to no request: the
// tenant may have it already.
const tries = 4

func (s *sweep) carry(c *carrier) {
	s.t.Helper()
	r, found := s.requestOf(c)
	switch {
	case !found:
		s.ask(c)
	case r.State.Final():
		c.over = true
		s.told[r.Ref] = true
	case c.end == "deny":
		s.press("abe", r.Ref, "deny")
	case c.end == "cancel":
		if c.again() {
			s.say(c.by, "/mfa cancel "+r.Ref)
		}
	case r.State == approval.Pending:
		s.press("abe", r.Ref, "approve")
		s.press("bea", r.Ref, "approve")
	case c.end == "pause" && r.Pausable(): // if it is slow enough for that
		s.press("abe", r.Ref, "pause")
		s.press("bea", r.Ref, "resume")
	case c.end == "stop" && r.Pausable():
		s.press("bea", r.Ref, "stop")
	case r.State == approval.Approved && r.Policy.Collect > 0:
		s.press(c.by, r.Ref, "collect")
	}
}

// ask says what a carrier asks for, until there is a request of it, and
// confirms what it is shown first.
func (s *sweep) ask(c *carrier) {
	for _, m := range s.seen(c.by) {
		if m.button("confirm") && strings.Contains(m.Text, strings.Fields(c.line)[1]) {
			s.pressOn(c.by, m, "confirm")
		}
	}
	if !c.again() {
		return
	}
	if c.tries++; c.tries > tries {
		c.over = true
		return
	}
	s.say(c.by, "/mfa "+c.line)
}

// requestOf returns the request that a carrier's words have led to.
func (s *sweep) requestOf(c *carrier) (approval.Request, bool) {
	for _, r := range s.requests() {
		if r.Kind == c.kind && strings.HasSuffix(c.line, r.Reason) {
			return r, true
		}
	}
	return approval.Request{}, false
}

// hour lets an hour pass, so that nobody asks for too much within one.
func (s *sweep) hour() { s.later("61m") }

// later lets time pass once nothing is open.
func (s *sweep) later(by string) {
	s.t.Helper()
	s.settled()
	s.wait(by+" to pass", func() bool {
		status, err := call("POST", s.demo.console+"/api/clock", map[string]string{"advance": by}, nil)
		return err == nil && status == http.StatusOK
	})
}

// outcomes waits until each requester was told how it ended.
func (s *sweep) outcomes() {
	s.t.Helper()
	for _, r := range s.requests() {
		by := scripts[r.Kind].by
		s.wait(by+" to be told how "+r.Ref+" ended", func() bool {
			return slices.ContainsFunc(s.seen(by), func(m message) bool {
				return m.Request == r.Ref && !m.open() && strings.HasPrefix(m.Text, r.Ref+" ")
			})
		})
	}
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
		args := []string{"demo", "--addr", "127.0.0.1:0", "--data", s.data, "--tenant", s.tenant, "--wait", "0s", "--now", sweepStart}
		if s.dsn != "" {
			args = append(args, "--store", s.dsn)
		}
		var env []string
		if s.orders != "" {
			env = append(env, "TWOKEY_CRASH="+s.orders)
		}
		p := childWith(s.t, env, args...)
		s.demo = &running{&p.demo, p}
		if s.left > 0 {
			s.left--
			delay := time.Duration(s.random.Int64N(int64(700 * time.Millisecond)))
			time.AfterFunc(delay, func() { _ = p.cmd.Process.Kill() })
		}
	}
}

// wait looks until something is so while the program runs: after each kill it is
// started again, also where all that is left to do is the bot's. It gives up after
// long enough.
func (s *sweep) wait(what string, so func() bool) {
	s.t.Helper()
	limit := time.Duration(2+s.left) * longEnough // a start for each kill that is left
	until(s.t, limit, what, func() bool {
		s.up()
		return so()
	})
}

// until looks until something is so, for so long.
func until(t *testing.T, limit time.Duration, what string, so func() bool) {
	t.Helper()
	deadline := time.After(limit)
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for !so() {
		select {
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
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
			s.pressOn(person, m, button)
			return
		}
	}
}

func (s *sweep) pressOn(person string, m message, button string) {
	_, _ = call("POST", s.demo.console+"/api/people/"+person+"/press", map[string]any{"message": m.ID, "button": button, "fields": map[string]string{}}, nil)
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
	db := s.beside()
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
	ledger := map[string][]effect{}
	for _, e := range (&demo{t: s.t, tenant: s.tenant}).ours() {
		ledger[e.ClientRequestID] = append(ledger[e.ClientRequestID], e)
	}
	known := map[string]bool{}
	for _, r := range s.requests() {
		known[r.Ref] = true
		if s.ended[r.Kind] == nil {
			s.ended[r.Kind] = map[approval.State]int{}
		}
		s.ended[r.Kind][r.State]++
		s.effects(r, ledger)
	}
	for id, es := range ledger {
		s.t.Errorf("%d effects of %q belong to no stored intent", len(es), id)
	}
	for ref := range s.told {
		if !known[ref] {
			s.t.Errorf("%s was told of and is lost", ref)
		}
	}
	db := s.beside()
	defer db.Close()
	if _, err := audit.Verify(db.Audit(s.t.Context()), ""); err != nil {
		s.t.Errorf("audit verify: %v", err)
	}
}

// effects holds what is stored of each step of r against the ledger's entries
// of it, and takes them out of the ledger. Each must be what its intent said.
func (s *sweep) effects(r approval.Request, ledger map[string][]effect) {
	s.t.Helper()
	steps := s.steps(r)
	applied := 0
	for _, step := range steps {
		es := ledger[step.ClientID]
		delete(ledger, step.ClientID)
		for _, e := range es {
			if sum := sha256.Sum256(e.Body); string(e.Body) != "null" && hex.EncodeToString(sum[:]) != step.BodyHash {
				s.t.Errorf("%s sent %s, which is not what its intent said", r.Ref, e.Body)
			}
		}
		applied += len(es)
		fits := len(es) <= 1 // not known
		switch step.Class {
		case approval.Applied:
			fits = len(es) == 1
		case approval.Refused, approval.NotSent, approval.NotDone, approval.LeftOut:
			fits = len(es) == 0
		default:
			fits = fits && r.State == approval.Unknown
		}
		if !fits {
			s.t.Errorf("%s %s: step %d (%s) is %s and has %d effects", r.Kind, r.Ref, step.Number, step.What, step.Class, len(es))
		}
	}
	switch r.State {
	case approval.Succeeded, approval.Partial:
		if applied == 0 {
			s.t.Errorf("%s %s is %s without any effect", r.Kind, r.Ref, r.State)
		}
	case approval.Unknown:
	default:
		if applied > 0 {
			s.t.Errorf("%s %s is %s and has %d effects", r.Kind, r.Ref, r.State, applied)
		}
	}
}

func (s *sweep) steps(r approval.Request) (steps []approval.Step) {
	s.t.Helper()
	db := s.beside()
	defer db.Close()
	err := db.View(s.t.Context(), func(tx approval.Tx) (err error) {
		steps, err = tx.Steps(r.ID)
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return steps
}

// beside opens the database to read.
func (s *sweep) beside() *store.Store {
	if s.dsn != "" {
		return store.OpenToRead(s.dsn)
	}
	return store.OpenToRead(filepath.Join(s.data, databaseName))
}

// open reports whether a message still asks for something: what an outcome
// offers is a new request.
func (m message) open() bool {
	for _, b := range m.Buttons {
		if b.ID != "run" {
			return true
		}
	}
	return false
}
