package main

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"twokey/audit"
	"twokey/bot/discord/discordtest"
	"twokey/bot/slack/slacktest"
	"twokey/commands/approval"
	"twokey/graph/simtenant"
	"twokey/store/pgtest"
)

// TestSoak has the real program serve Slack, Discord and Teams with PostgreSQL
// and a tenant, all at once and by the machine's clock, while answers fail,
// sockets are cut, deliveries come twice and the tenant is slow, busy or gone.
// Then it is asked to end in the middle of the work, and started again. What
// happened is judged by what people see on the platforms and by the tenant's
// ledger, never by what the bot says.
//
// TWOKEY_SOAK says for how long, and TWOKEY_RATE how many commands a second, fifty
// by itself; TWOKEY_BINARY names the program. “make soak” is half an hour. It is
// left out otherwise, as it measures a machine that does nothing else.
func TestSoak(t *testing.T) {
	long, rate := soaking(t)
	s := openSoak(t, 0)
	s.up()
	began := time.Now()
	s.load(long, rate, func(i int) bool {
		if i%(2*rate) == 0 {
			s.sample()
		}
		return time.Since(began) < long
	})
	s.judgeGrowth(long)

	leaving := s.leave(rate)
	s.heal() // it starts without faults
	left := s.tally()
	t.Logf("SIGTERM under load: gone after %s; of %d commands that were taken %d have no answer yet: %q", leaving.Round(time.Millisecond), left.taken, left.lost, left.wrong)
	s.up()
	s.settle()
	s.judge()
	idle, err := s.replicas[0].stop()
	t.Logf("SIGTERM without work: gone after %s, with %v", idle.Round(time.Millisecond), err)
}

// soaking is for how long and how hard, if at all.
func soaking(t *testing.T) (long time.Duration, rate int) {
	t.Helper()
	if os.Getenv("TWOKEY_SOAK") == "" {
		t.Skip("TWOKEY_SOAK does not say for how long")
	}
	return fromEnv(t, "TWOKEY_SOAK", 0, time.ParseDuration), fromEnv(t, "TWOKEY_RATE", 50, strconv.Atoi)
}

// fromEnv reads a setting of the test.
func fromEnv[T any](t *testing.T, name string, otherwise T, parse func(string) (T, error)) T {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	v, err := parse(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

// soak is an organisation on every platform, and the program that serves it.
type soak struct {
	*office
	discord *discordtest.Platform
	teams   *webhook
	dsn     string
	front   *balancer // before several replicas; nil: there is one

	configs, addrs []string // the configuration file and the web server of each replica
	replicas       []*replica

	slackers, players []string // people on Slack and on Discord whom nobody knows
	targets           []string // whom changes are about
	sent              []sent
	samples           []sample
	pressed           map[string]time.Time // when a button was last pressed
	asked             []*asked
}

// asked is what ada has asked for.
type asked struct {
	line string
	way  *slacktest.Delivery
}

// sent is a command on its way.
type sent struct {
	who   string // account
	token string // what its answer holds; "" if it holds nothing of its own
	taken func() bool
}

// openSoak opens it for one program that opens its own connections, or for
// several behind a balancer that Slack and Discord call.
func openSoak(t *testing.T, behind int) *soak {
	t.Helper()
	s := &soak{dsn: pgtest.Server(t, "synchronous_commit=on").Database(t), teams: openWebhook(t), pressed: map[string]time.Time{}}
	for range max(1, behind) {
		s.addrs = append(s.addrs, freePort(t))
	}
	interactions := ""
	if behind > 0 {
		s.front = openBalancer(t, s.addrs)
		interactions = s.front.server.URL + "/discord/interactions"
	}
	s.discord = discordtest.New(t, discordtest.Options{Burst: 50, HTTP: interactions, Allow: []string{
		"identify", "40060", // what comes twice is answered twice
		"timeout", "10062", // an answer may be late where a socket was cut
	}})
	s.office = openOffice(t, officeOptions{
		real: true, closed: true, edit: s.everywhere, http: s.front != nil, allow: []string{"timeout"},
		tenant: func(c *simtenant.Config) { c.People = 60 },
		slack: func(o *slacktest.Options) {
			if s.front != nil {
				o.HTTP.URL = s.front.server.URL + "/slack"
			}
		},
		scopes: []string{"groups:history", "channels:history"}, // what was being posted is looked for
	})
	s.write("discord.token", s.discord.Token()+"\n")
	s.write("dsn", s.dsn)
	s.write("teams", s.teams.server.URL+"/workflows/1?sig=canary\n")
	const people = 40
	s.slackers = s.crowd(people)
	for i := range people {
		id := fmt.Sprintf("22%016d", i+1)
		s.discord.AddUser(discordtest.User{ID: id})
		s.players = append(s.players, id)
	}
	var admins []string
	for _, m := range simtenant.Cast(0) {
		s.discord.AddUser(discordtest.User{ID: member(m.ID), Name: m.ID})
	}
	for _, id := range castAdmins {
		admins = append(admins, member(id))
	}
	s.discord.AddChannel(discordtest.Channel{ID: adminsHall, Name: "mfa-admins", Members: admins})
	s.discord.AddChannel(discordtest.Channel{ID: teamHall, Name: "team", Members: s.players})
	s.people()
	text, err := os.ReadFile(s.config)
	if err != nil {
		t.Fatal(err)
	}
	for i, addr := range s.addrs {
		s.configs = append(s.configs, s.write(fmt.Sprintf("replica-%d.yaml", i+1), strings.ReplaceAll(string(text), webAddr, addr)))
	}
	return s
}

// webAddr stands for the address of a replica's web server.
const webAddr = "127.0.0.1:0"

// everywhere adds Discord, Teams, PostgreSQL and a web server to a configuration.
func (s *soak) everywhere(yaml string) string {
	for _, m := range simtenant.Cast(0) {
		yaml = strings.Replace(yaml, account(m.ID)+"}", account(m.ID)+fmt.Sprintf(", discord: %q}", member(m.ID)), 1)
	}
	yaml = strings.Replace(yaml, "store: {dsn: twokey.db}", "store: {dsn_file: dsn}", 1)
	yaml, _, _ = strings.Cut(yaml, "web:\n")
	mode := "gateway"
	if s.front != nil {
		mode = "http\n  public_key: " + s.discord.PublicKey()
	}
	return yaml + fmt.Sprintf(`discord:
  mode: %s
  token_file: discord.token
  application_id: %q
  guild: %q
  api_url: %s
  channels: {admins: %q, team: %q}
teams: {webhook_url_file: teams}
web: {addr: %q}
`, mode, s.discord.AppID(), s.discord.Guild(), s.discord.APIURL(), adminsHall, teamHall, webAddr)
}

// people finds those whom changes can be about: none of the cast, and nobody with
// a directory role, as what is about them waits for a quarter of an hour.
func (s *soak) people() {
	s.t.Helper()
	var given struct {
		Value []struct{ PrincipalID string }
	}
	s.plain(http.MethodGet, "/v1.0/roleManagement/directory/roleAssignments?$top=999", "", &given)
	holders := map[string]bool{}
	for _, role := range given.Value {
		holders[role.PrincipalID] = true
	}
	var list struct{ Value []staff }
	s.plain(http.MethodGet, "/v1.0/users?$top=999&$select=id,userPrincipalName,accountEnabled,userType&$filter=userType%20eq%20'Member'", "", &list)
	for _, someone := range list.Value {
		if name, _, _ := strings.Cut(someone.UserPrincipalName, "@"); strings.Contains(name, ".") && enabled(someone) && !holders[someone.ID] {
			s.targets = append(s.targets, someone.UserPrincipalName)
		}
	}
	if len(s.targets) < 20 {
		s.t.Fatalf("only %d people to try it on", len(s.targets))
	}
}

func (s *soak) up() {
	s.t.Helper()
	s.replicas = nil
	for _, config := range s.configs {
		s.replicas = append(s.replicas, launch(s.t, config))
	}
	for _, r := range s.replicas {
		r.said.await(s.t, "ready")
	}
}

// load sends commands as long as more says so, which is about so long, and makes
// everything go wrong meanwhile.
func (s *soak) load(long time.Duration, rate int, more func(i int) bool) {
	s.t.Helper()
	changes := max(1, min(18, int(long/(20*time.Second)))) // within what one person may ask in an hour
	began := time.Now()
	for i := 0; more(i); i++ {
		// What was late is made up for.
		<-time.After(time.Until(began.Add(time.Duration(i) * time.Second / time.Duration(rate))))
		if i%300 == 0 { // or what is called rarely would do nothing but fail after a while
			s.heal()
		}
		if i%8 == 0 { // what Slack does not take as an answer goes by a call that it takes a hundred of a minute
			s.trouble(i / 8)
		}
		s.disturb(i)
		s.command(i)
		if i%rate == 0 {
			s.decide()
		}
		if time.Since(began) >= time.Duration(len(s.asked))*long/time.Duration(changes)*2/3 {
			s.change()
		}
	}
	passed := time.Since(began)
	s.t.Logf("%d commands in %s, %.0f a second, and %d changes", len(s.sent), passed.Round(time.Second), float64(len(s.sent))/passed.Seconds(), len(s.asked))
}

// knowing are those of the cast who ask, and press nothing.
var knowing = []string{"vic", "olga"}

// command sends the i-th command: every other one on Discord, one in a hundred
// by somebody who is known, and about the tenant.
func (s *soak) command(i int) {
	token := fmt.Sprintf("soak%06d", i)
	line := []string{"help " + token, "ask how do i set up the authenticator on my iphone", "help " + token, "whoami", "help " + token}[i/2%5]
	if !strings.HasSuffix(line, token) {
		token = ""
	}
	known := knowing[i/200%len(knowing)]
	about := []string{"me", "requests", "changes"}[i/200%3] // what is not posted for all
	if i%2 == 0 {
		who, room := s.slackers[i/2%len(s.slackers)], teamRoom
		if i%100 == 0 {
			who, room, line, token = account(known), adminsRoom, about, ""
		}
		d := s.slack.Command(who, room, line)
		s.sent = append(s.sent, sent{who, token, d.Acked})
		if i%7 == 0 {
			d.Again()
		}
		return
	}
	who, room := s.players[i/2%len(s.players)], teamHall
	if i%100 == 1 {
		who, room, line, token = member(known), adminsHall, about, ""
	}
	d := s.discord.Line(who, room, line)
	s.sent = append(s.sent, sent{who, token, d.Answered})
	if i%7 == 0 {
		d.Again()
	}
}

// disturb does to Discord, to the sockets and to the tenant what trouble does to
// Slack's answers.
func (s *soak) disturb(i int) {
	switch i % 60 {
	case 8:
		s.discord.Fault(discordtest.Fault{Route: discordtest.RouteOriginal, Status: http.StatusServiceUnavailable})
	case 23:
		s.discord.Fault(discordtest.Fault{Route: discordtest.RouteOriginal, Status: http.StatusTooManyRequests, RetryAfter: time.Second})
	}
	switch i % 300 {
	case 38:
		s.discord.Fault(discordtest.Fault{Route: discordtest.RouteMessage, Status: http.StatusBadGateway})
		s.slack.Fault(slacktest.Fault{Method: "chat.postMessage", Cut: "after"})
		s.slack.Fault(slacktest.Fault{Method: "users.info", Status: http.StatusServiceUnavailable})
	case 100:
		s.slack.Fault(slacktest.Fault{Method: "apps.connections.open", Status: http.StatusInternalServerError})
	case 153:
		s.slack.Fault(slacktest.Fault{Method: "chat.update", Status: http.StatusServiceUnavailable})
		s.slack.Fault(slacktest.Fault{Method: "chat.postMessage", Status: http.StatusTooManyRequests, RetryAfter: time.Second})
	}
	if s.front == nil {
		s.disconnect(i)
	}
	if i%1000 == 99 { // so that whoever asks about it has been answered before the next
		s.plain(http.MethodPost, "/_sim/faults", `[{"path":"*","times":4,"status":429,"retry_after":1}, {"path":"*","times":2,"status":503}, {"path":"*","times":1,"cut":"before"},
			{"path":"*","times":1,"cut":"after"}, {"path":"/users*","times":5,"stale_s":20}, {"path":"*","times":20,"delay_ms":300}]`, nil)
	}
}

// heal forgets the faults that have not happened yet.
func (s *soak) heal() {
	s.t.Helper()
	s.slack.Heal()
	s.discord.Heal()
	s.plain(http.MethodPost, "/_sim/faults", "[]", nil)
}

// disconnect ends connections in each way that there is.
func (s *soak) disconnect(i int) {
	switch i % 1500 {
	case 150:
		s.slack.Refresh("warning")
	case 300:
		s.slack.CutSockets()
	case 310:
		s.discord.CutSockets()
	case 450:
		s.discord.Reconnect()
	case 520:
		s.slack.CutNext()
	}
}

// change has ada ask for a pass for somebody.
func (s *soak) change() {
	n := len(s.asked)
	line := fmt.Sprintf("tap %s --minutes 60 soaked %d", s.targets[n%len(s.targets)], n)
	s.asked = append(s.asked, &asked{line, s.slack.Command(account("ada"), adminsRoom, line)})
}

// decide presses whatever waits to be pressed, on Slack and on Discord, and again
// what nothing came of. What ada was told that it failed she types again.
func (s *soak) decide() {
	for _, a := range s.asked {
		if a.way.Failed() != "" {
			a.way = s.slack.Command(account("ada"), adminsRoom, a.line)
		}
	}
	for person, button := range map[string]string{"abe": "Approve", "ada": "Collect"} {
		for _, m := range s.slack.Seen(account(person)) {
			if m.Channel == s.slack.Direct(account(person)) && has(m, button) && s.again(m.ID) {
				s.slack.Press(account(person), m.ID, button)
			}
		}
	}
	for _, m := range s.discord.Seen(member("bea")) {
		if _, can := m.Button("Approve"); can && m.Channel == s.discord.Direct(member("bea")) && s.again(m.ID) {
			s.discord.Press(member("bea"), m.ID, "Approve")
		}
	}
}

// again reports whether it is time to press a message's button, for the first
// time or again.
func (s *soak) again(message string) bool {
	if time.Since(s.pressed[message]) < 5*time.Second {
		return false
	}
	s.pressed[message] = time.Now()
	return true
}

func (s *soak) sample() {
	s.t.Helper()
	m, err := sampled(s.addrs[0])
	if err != nil {
		s.t.Fatalf("metrics: %v", err)
	}
	s.samples = append(s.samples, m)
}

// judgeGrowth looks at what the program has taken since it was warm, which it is
// after a third of the time.
func (s *soak) judgeGrowth(long time.Duration) {
	s.t.Helper()
	warm := s.samples[len(s.samples)/3:]
	first, last := warm[0], warm[len(warm)-1]
	live := slope(warm, func(m sample) float64 { return m.live })
	resident := slope(warm, func(m sample) float64 { return m.resident })
	s.t.Logf("live heap %.1f to %.1f MiB (%+.2f a minute); resident %.0f to %.0f MiB (%+.2f a minute); goroutines %.0f to %.0f; descriptors %.0f to %.0f",
		first.live, last.live, live, first.resident, last.resident, resident, first.goroutines, last.goroutines, first.descriptors, last.descriptors)
	if long < 2*time.Minute {
		return // it is hardly warm
	}
	if grown := live * last.at.Sub(first.at).Minutes(); grown > max(4, first.live/4) {
		s.t.Errorf("the live heap grew by %.1f MiB", grown)
	}
	if last.goroutines > 2*first.goroutines+50 {
		s.t.Errorf("%.0f goroutines have become %.0f", first.goroutines, last.goroutines)
	}
}

// slope is the straight line's through samples, by the least squares, a minute.
func slope(all []sample, of func(sample) float64) float64 {
	var n, sx, sy, sxx, sxy float64
	for _, m := range all {
		x, y := m.at.Sub(all[0].at).Minutes(), of(m)
		n, sx, sy, sxx, sxy = n+1, sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	if d := n*sxx - sx*sx; d != 0 {
		return (n*sxy - sx*sy) / d
	}
	return 0
}

// leave asks the program to end while people go on, and returns how long it took.
func (s *soak) leave(rate int) time.Duration {
	s.t.Helper()
	s.change() // something is under way
	took := make(chan time.Duration, 1)
	go func() {
		d, err := s.replicas[0].stop()
		if err != nil {
			s.t.Errorf("it ended with %v", err)
		}
		took <- d
	}()
	next := time.NewTicker(time.Second / time.Duration(rate))
	defer next.Stop()
	for i := len(s.sent); ; i++ {
		select {
		case d := <-took:
			return d
		case <-next.C:
			s.command(i)
		}
	}
}

// settle waits until everybody has been answered, and every change has ended. It
// has no faults any more.
func (s *soak) settle() {
	s.t.Helper()
	s.heal()
	defer func() {
		if s.t.Failed() {
			s.t.Logf("commands: %q", s.tally().wrong)
			for _, r := range s.requests() {
				s.t.Logf("%s is %s", r.Ref, r.State)
				if !r.State.Final() {
					s.t.Logf("ada sees of it: %q", s.seen("ada", r.Ref))
				}
			}
		}
	}()
	// What could not be sent several times is tried again minutes later.
	until(s.t, 10*longEnough, "everything to settle", func() bool {
		s.decide()
		return s.tally().lost == 0 && !slices.ContainsFunc(s.requests(), func(r approval.Request) bool { return !r.State.Final() })
	})
}

// seen are the newest that a person sees on Slack of a request, with their buttons.
func (s *soak) seen(person, ref string) (all []string) {
	for _, m := range s.slack.Seen(account(person)) {
		if strings.Contains(m.Plain, ref) {
			all = append(all, fmt.Sprintf("%s %s: %.300s, collectable: %t", m.ID, m.Channel, m.Plain, has(m, "Collect")))
		}
	}
	return all[max(0, len(all)-5):]
}

func (s *soak) requests() []approval.Request { return s.books().requests() }

// books is a sweep that reads what is stored.
func (s *soak) books() *sweep { return &sweep{t: s.t, dsn: s.dsn} }

// tally is what became of commands.
type tally struct {
	sent, taken, lost, doubled int
	wrong                      []string // what was, by person or token
}

var soaked = regexp.MustCompile(`soak\d+`)

// tally counts by what each person sees. A command that was not taken, because a
// socket was cut, may have been answered all the same, once.
func (s *soak) tally() (all tally) {
	taken, gone := map[string]int{}, map[string]int{} // commands by person, and by token
	for _, c := range s.sent {
		all.sent++
		into := gone
		if c.taken() {
			all.taken++
			into = taken
		}
		into[c.who]++
		if c.token != "" {
			into[c.token]++
		}
	}
	shown := s.shown()
	for name := range maps.Keys(union(taken, gone)) {
		lost, doubled := max(0, taken[name]-shown[name]), max(0, shown[name]-taken[name]-gone[name])
		all.lost, all.doubled = all.lost+lost, all.doubled+doubled
		if lost+doubled > 0 {
			all.wrong = append(all.wrong, fmt.Sprintf("%s: %d and %d commands, %d answers", name, taken[name], gone[name], shown[name]))
		}
	}
	return all
}

func union(a, b map[string]int) map[string]int {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// shown counts what the bot has shown to each person alone in answer to a
// command, and the tokens in it. Where Slack takes it no other way it comes as a
// direct message; those who know the bot get other messages there too.
func (s *soak) shown() map[string]int {
	n := map[string]int{}
	count := func(who, text string) {
		n[who]++
		for _, token := range slices.Compact(soaked.FindAllString(text, -1)) {
			n[token]++
		}
	}
	slackers, players := s.slackers, s.players
	for _, person := range knowing {
		slackers, players = append(slackers, account(person)), append(players, member(person))
	}
	for _, who := range slackers {
		for _, m := range s.slack.Seen(who) {
			own := m.Channel == s.slack.Direct(who) && !slices.Contains(slackers[len(s.slackers):], who)
			if m.From == s.slack.BotUser() && (m.Private || own) {
				count(who, m.Plain)
			}
		}
	}
	for _, who := range players {
		for _, m := range s.discord.Seen(who) {
			if m.From == s.discord.AppID() && m.Private && !m.Waiting {
				count(who, m.Plain)
			}
		}
	}
	return n
}

// judge holds what people have seen, and what the tenant's ledger has, against
// what was asked for.
func (s *soak) judge() {
	s.t.Helper()
	all := s.tally()
	s.t.Logf("of %d commands %d were taken: %d lost, %d doubled", all.sent, all.taken, all.lost, all.doubled)
	if all.lost+all.doubled > 0 {
		s.t.Errorf("%d lost, %d doubled: %q", all.lost, all.doubled, all.wrong)
	}
	s.judgeChanges()
	digests := 0
	for _, m := range s.slack.Channel(teamRoom) {
		if strings.Contains(m.Plain, "MFA week") {
			digests++
		}
	}
	if posts := s.teams.count(); digests != posts || posts > 2 { // two where a Monday has come meanwhile
		s.t.Errorf("%d digests on Slack and %d on Teams", digests, posts)
	}
}

// judgeChanges holds every effect in the tenant's ledger against what is stored.
func (s *soak) judgeChanges() {
	s.t.Helper()
	var effects []effect
	s.plain(http.MethodGet, "/_sim/ledger", "", &effects)
	ledger := map[string][]effect{}
	n := 0
	for _, e := range effects {
		if e.App == writerApp || e.App == readerApp {
			ledger[e.ClientRequestID] = append(ledger[e.ClientRequestID], e)
			n++
		}
	}
	books, ended := s.books(), map[approval.State]int{}
	all := books.requests()
	for _, r := range all {
		ended[r.State]++
		books.effects(r, ledger)
		for _, person := range []string{"abe", "bea"} {
			s.wantPrompts(s.t, person, s.slack.Direct(account(person)), r.Ref)
		}
	}
	for id, es := range ledger {
		s.t.Errorf("%d effects of %q belong to no stored intent", len(es), id)
	}
	if ended[approval.Succeeded]+ended[approval.Partial] == 0 { // a pass that may not have been shown is deleted again
		s.t.Errorf("of %d requests none was carried out: %v", len(all), ended)
	}
	s.t.Logf("%d requests ended as %v, with %d effects in the tenant's ledger", len(all), ended, n)
	db := books.beside()
	defer db.Close()
	if last, err := audit.Verify(db.Audit(s.t.Context()), ""); err != nil || last == nil {
		s.t.Errorf("audit verify: %v, %v", last, err)
	}
}

// webhook is one of Teams' that is busy now and then.
type webhook struct {
	server *httptest.Server
	mu     sync.Mutex
	calls  int
	posts  int
}

func openWebhook(t *testing.T) *webhook {
	h := &webhook{}
	h.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.calls++; h.calls%2 == 1 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		h.posts++
		w.WriteHeader(http.StatusAccepted)
	}))
	t.Cleanup(h.server.Close)
	return h
}

func (h *webhook) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.posts
}
