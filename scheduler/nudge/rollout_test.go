package nudge_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // zones must be known on machines that have no zone files

	"twokey/chat"
	"twokey/chat/outbox"
	"twokey/chat/phrases"
	"twokey/commands/approval"
	"twokey/commands/staff"
	"twokey/graph"
	"twokey/graph/msgraph"
	"twokey/graph/rollout"
	"twokey/graph/simtenant"
	"twokey/graph/sync"
	"twokey/scheduler/nudge"
	"twokey/store"
)

// A simulated rollout: 300 people, six weeks, some hours at a time. The tenant is the
// simulated one behind the real client, the store is real, and the outbox's rows
// are sent as the outbox sends them. Chance decides who registers, who asks for
// time, who has no phone, when the chat is away.

const (
	weeks   = 6
	tenant  = "the-tenant"
	deadEnd = 35 * 24 * time.Hour // of the wave, from its beginning
)

// monday is when the simulation begins: early, before anybody works.
var monday = time.Date(2026, 11, 16, 4, 0, 0, 0, time.UTC)

// sending is one message as it arrived, by the simulation's clock.
type sending struct {
	at     time.Time
	object string
	text   string
	edits  int
}

type campaign struct {
	t      *testing.T
	random *rand.Rand
	now    time.Time
	sim    *simtenant.Tenant
	client *msgraph.Client
	store  *store.Store
	nudger *nudge.Nudger
	people []rollout.Person

	hours     map[string]chat.Hours // of those who do not work as the others
	postponed map[string][]span     // by object
	needsKey  map[string]time.Time
	sent      []*sending
	posts     map[string]*sending // by the message's ID
	ours      map[string]bool     // who registered because the test made them
}

type span struct{ from, to time.Time }

// within is a transport to a handler in this process.
type within struct{ http.Handler }

func (w within) RoundTrip(r *http.Request) (*http.Response, error) {
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	if in.Body == nil {
		in.Body = http.NoBody
	}
	defer in.Body.Close()
	answer := httptest.NewRecorder()
	w.ServeHTTP(answer, in)
	resp := answer.Result()
	resp.Request = r
	return resp, nil
}

func newCampaign(t *testing.T, seed uint64, licence graph.Licence) *campaign {
	t.Helper()
	c := &campaign{
		t: t, random: rand.New(rand.NewPCG(seed, 0)), now: monday, hours: map[string]chat.Hours{}, postponed: map[string][]span{},
		needsKey: map[string]time.Time{}, posts: map[string]*sending{}, ours: map[string]bool{},
	}
	clock := func() time.Time { return c.now }
	sim, err := simtenant.New(simtenant.Config{People: 300, Licence: licence, Seed: seed, Epoch: monday, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	c.sim = sim
	c.client, err = msgraph.New(msgraph.Config{BaseURL: "http://127.0.0.1/v1.0", Credential: msgraph.StaticToken("bot"), Unbudgeted: true, Transport: within{sim}, Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	if c.store, err = store.Open(t.Context(), store.Config{DSN: filepath.Join(t.TempDir(), "twokey.db"), Now: clock}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.store.Close(); err != nil {
			t.Error(err)
		}
	})
	syncer := sync.New(sync.Config{Tenant: tenant, Reader: c.client, Store: &sync.Memory{}, Owner: "test", Now: clock, Fresh: time.Minute, Patience: time.Hour})
	c.nudger, err = nudge.New(nudge.Config{
		Tenant: tenant, Store: c.store, Facts: syncer.Facts, Methods: c.client.Methods, Group: c.client.GroupMembers,
		Account: func(_ context.Context, object string) (chat.Account, bool) {
			return chat.Account{Platform: "chat", User: object}, true
		},
		Language: func(context.Context, chat.Account) (phrases.Language, error) { return "", nil },
		Hours:    chat.OfficeHours(zone(t, "Europe/Madrid")), Team: chat.Address{Platform: "chat", Channel: "team"}, Now: clock, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	people, why := rollout.People(syncer.Facts(t.Context()), rollout.Scope{})
	if why != "" || len(people) < 300 {
		t.Fatalf("%d people: %s", len(people), why)
	}
	c.people = people
	return c
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// keep changes what is kept about somebody.
func (c *campaign) keep(object string, change func(*staff.Note)) {
	c.t.Helper()
	if err := c.store.KeepStaffNote(c.t.Context(), tenant, object, change, func(approval.Tx) error { return nil }); err != nil {
		c.t.Fatal(err)
	}
}

// shifts has every fifth person work at other times, in other zones.
func (c *campaign) shifts() {
	c.t.Helper()
	others := []chat.Hours{
		chat.OfficeHours(zone(c.t, "America/New_York")),
		chat.OfficeHours(zone(c.t, "Asia/Ho_Chi_Minh")),
		{Days: []time.Weekday{time.Saturday, time.Sunday, time.Monday, time.Tuesday}, From: 14 * time.Hour, To: 22 * time.Hour, Zone: zone(c.t, "Europe/Madrid")},
		{Days: []time.Weekday{time.Wednesday}, From: 6 * time.Hour, To: 10 * time.Hour, Zone: zone(c.t, "America/Sao_Paulo")},
	}
	for i, p := range c.people {
		if i%5 == 0 {
			h := others[i/5%len(others)]
			c.hours[p.ID] = h
			c.keep(p.ID, func(n *staff.Note) { n.Hours = &h })
		}
	}
}

// step is how far apart the bot's looks are here.
const step = 3 * time.Hour

// pass lets some time pass: people do what they do, and the bot what it must.
func (c *campaign) pass(d time.Duration) {
	c.t.Helper()
	c.now = c.now.Add(d)
	for _, p := range c.people {
		switch chance := c.random.IntN(100_000); {
		case chance < 200: // some one in six within a week
			c.register(p.ID)
		case chance < 500:
			until := c.now.AddDate(0, 0, 1+c.random.IntN(10))
			c.postponed[p.ID] = append(c.postponed[p.ID], span{c.now, until})
			c.keep(p.ID, func(n *staff.Note) { n.Postponed = until })
		case chance < 520 && c.needsKey[p.ID].IsZero():
			c.needsKey[p.ID] = c.now
			c.keep(p.ID, func(n *staff.Note) { n.NeedsKey = true })
		}
	}
	if err := c.nudger.Look(c.t.Context()); err != nil {
		c.t.Fatalf("%v: %v", c.now, err)
	}
	if c.random.IntN(4) == 0 { // somebody registers between the look and the sending
		c.register(c.people[c.random.IntN(len(c.people))].ID)
	}
	if c.random.IntN(6) > 0 { // or else the chat is away, and rows wait into the night
		c.send()
	}
}

// register has somebody register a phone, as the tenant's own pages do.
func (c *campaign) register(object string) {
	c.t.Helper()
	req := httptest.NewRequest("POST", "/v1.0/users/"+object+"/authentication/phoneMethods", strings.NewReader(fmt.Sprintf(`{"phoneNumber":"+34 6%08d","phoneType":"mobile"}`, c.random.IntN(100_000_000))))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer the-page")
	answer := httptest.NewRecorder()
	c.sim.ServeHTTP(answer, req)
	if answer.Code == http.StatusCreated {
		c.ours[object] = true
	}
}

// send sends what is due as package outbox does.
func (c *campaign) send() {
	c.t.Helper()
	for {
		rows, err := c.store.Due(c.t.Context(), 50)
		if err != nil {
			c.t.Fatal(err)
		}
		if len(rows) == 0 {
			return
		}
		for _, row := range rows {
			c.sendOne(row)
		}
	}
}

func (c *campaign) sendOne(row outbox.Row) {
	c.t.Helper()
	m, err := c.nudger.Render(c.t.Context(), row.Facts)
	if err != nil {
		var wait interface{ RetryAfter() time.Duration }
		if !errors.As(err, &wait) {
			c.t.Fatalf("%s: %v", row.Key, err)
		}
		if err := c.store.Postpone(c.t.Context(), row, wait.RetryAfter(), err.Error()); err != nil {
			c.t.Fatal(err)
		}
		return
	}
	id := row.Message
	switch {
	case m.Plain() == "":
	case id != "":
		c.posts[id].edits++
		c.posts[id].text = m.Plain()
	default:
		id = row.Key
		s := &sending{at: c.now, object: row.To.User, text: m.Plain()}
		if c.posts[id] != nil {
			c.t.Errorf("%s is posted twice", id)
		}
		c.sent, c.posts[id] = append(c.sent, s), s
	}
	if err := c.store.Shown(c.t.Context(), row, id); err != nil {
		c.t.Fatal(err)
	}
}

// truth is when each person first held a second factor, from the tenant itself.
func (c *campaign) truth() map[string]time.Time {
	c.t.Helper()
	first := map[string]time.Time{}
	ids := make([]string, len(c.people))
	for i, p := range c.people {
		ids[i] = p.ID
	}
	read, err := c.client.Methods(c.t.Context(), ids)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, u := range read {
		if u.Err != nil {
			c.t.Fatal(u.Err)
		}
		for _, m := range u.Methods {
			if m.Kind.Strength() > graph.NotMFA && (first[u.UserID].IsZero() || m.Created.Before(first[u.UserID])) {
				first[u.UserID] = m.Created
			}
		}
	}
	return first
}

// ledger is who registered through a write that the tenant applied, and when.
func (c *campaign) ledger() map[string]time.Time {
	at := map[string]time.Time{}
	for _, e := range c.sim.Ledger() {
		object, ok := strings.CutPrefix(e.Path, "/v1.0/users/")
		object, _, _ = strings.Cut(object, "/")
		if ok && e.Method == "POST" && at[object].IsZero() {
			at[object] = e.At
		}
	}
	return at
}

func (c *campaign) hoursOf(object string) chat.Hours {
	if h, ok := c.hours[object]; ok {
		return h
	}
	return chat.OfficeHours(zone(c.t, "Europe/Madrid"))
}

// TestSixWeeksOfNudges is a rollout of 300 people: nobody is written to outside
// their hours, more than three times, less than three working days after the last
// time, once they are registered, while they asked for time or after they said
// that they have no phone; and the figures of effect are those of the tenant.
func TestSixWeeksOfNudges(t *testing.T) {
	t.Parallel()
	c := newCampaign(t, 7, graph.P1) // whose report lags, so that the last reading may be wrong
	c.shifts()
	wave := rollout.Wave{
		Ref: "W-AAAAAA", Name: "everybody", Whom: rollout.Whom{Kind: rollout.WhomMissing}, State: rollout.WaveRunning,
		Messages: nudge.Most, By: monday.Add(deadEnd), Author: "ada", Began: monday,
	}
	err := c.store.Update(t.Context(), func(tx approval.Tx) error {
		return tx.(interface {
			PutWave(string, rollout.Wave) error
		}).PutWave(tenant, wave)
	})
	if err != nil {
		t.Fatal(err)
	}
	for end := monday.AddDate(0, 0, 7*weeks); c.now.Before(end); {
		c.pass(step)
	}
	c.check(wave)
}

func (c *campaign) check(wave rollout.Wave) {
	t := c.t
	truth, ledger := c.truth(), c.ledger()
	for object := range c.ours {
		if at, ok := ledger[object]; !ok || truth[object].After(at) {
			t.Errorf("%s registered: the ledger says %v, the tenant %v", object, at, truth[object])
		}
	}
	byPerson := map[string][]*sending{}
	announced := 0
	for _, s := range c.sent {
		if s.object == "" {
			announced++
			continue
		}
		byPerson[s.object] = append(byPerson[s.object], s)
	}
	if announced != 1 {
		t.Errorf("the wave was announced %d times", announced)
	}
	written, within, done, messages, thrice := 0, 0, 0, 0, 0
	for object, sent := range byPerson {
		c.manners(object, sent, truth[object])
		written++
		messages += len(sent)
		if len(sent) == nudge.Most {
			thrice++
		}
		at := truth[object]
		if at.IsZero() {
			continue
		}
		done++
		if slices.ContainsFunc(sent, func(s *sending) bool { return !at.Before(s.at) && at.Sub(s.at) <= rollout.EffectWithin }) {
			within++
		}
		if last := sent[len(sent)-1]; last.edits != 1 || !strings.Contains(last.text, "Thank you!") {
			t.Errorf("%s did it and was not thanked, or more than once: %d edits\n%s", object, last.edits, last.text)
		}
	}
	got, _, err := c.nudger.Reach(t.Context(), wave)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d messages to %d of %d people, %d of them three; %d registered within 7 days after, %d by now", got.Messages, got.Written, got.People, thrice, got.Within, got.Done)
	if got.Messages != messages || got.Written != written || got.Within != within || got.Done != done {
		t.Errorf("the figures are %+v; the chat and the tenant say %d messages to %d people, %d within, %d done", got, messages, written, within, done)
	}
	if written < 50 || thrice < 10 || within < 5 || len(c.postponed) < 20 {
		t.Errorf("too little happened to be a test: %d written to, %d of them three times, %d within, %d asked for time", written, thrice, within, len(c.postponed))
	}
	c.recorded(messages)
}

// manners checks one person's messages against what the tenant and they said, by
// rules of its own.
func (c *campaign) manners(object string, sent []*sending, registered time.Time) {
	t, h := c.t, c.hoursOf(object)
	if len(sent) > 3 {
		t.Errorf("%s got %d messages", object, len(sent))
	}
	for i, s := range sent {
		local := s.at.In(h.Zone)
		since := time.Duration(local.Hour())*time.Hour + time.Duration(local.Minute())*time.Minute
		switch {
		case !slices.Contains(h.Days, local.Weekday()) || since < h.From || since >= h.To:
			t.Errorf("%s was written to on %s, and works %v, %v to %v", object, local.Format("Mon 15:04 MST"), h.Days, h.From, h.To)
		case !registered.IsZero() && !s.at.Before(registered):
			t.Errorf("%s was written to at %v, and registered at %v", object, s.at, registered)
		case !c.needsKey[object].IsZero() && !s.at.Before(c.needsKey[object]):
			t.Errorf("%s was written to at %v, after they said that they have no phone", object, s.at)
		case !s.at.Before(monday.Add(deadEnd)):
			t.Errorf("%s was written to at %v, after the deadline", object, s.at)
		}
		for n, p := range c.postponed[object] {
			until := p.to
			if later := c.postponed[object][n+1:]; len(later) > 0 && later[0].from.Before(until) {
				until = later[0].from // a new wish takes the place of the old one
			}
			if !s.at.Before(p.from) && s.at.Before(until) {
				t.Errorf("%s was written to at %v, and had asked for time until %v", object, s.at, until)
			}
		}
		if i == 0 {
			continue
		}
		days := 0
		for day := sent[i-1].at.In(h.Zone).AddDate(0, 0, 1); !day.After(local); day = day.AddDate(0, 0, 1) {
			if slices.Contains(h.Days, day.Weekday()) {
				days++
			}
		}
		if days < 3 {
			t.Errorf("%s was written to on %s and again on %s: %d working days", object, sent[i-1].at.In(h.Zone).Format(time.RFC1123), local.Format(time.RFC1123), days)
		}
	}
	for _, s := range sent {
		if !strings.Contains(s.text, "We never ask for a password, code or pass.") {
			t.Errorf("U07: a message does not say that nobody asks for a password:\n%s", s.text)
		}
	}
}

// recorded checks that the audit record has each message, and nobody's name.
func (c *campaign) recorded(messages int) {
	n := 0
	for r, err := range c.store.Audit(c.t.Context()) {
		if err != nil {
			c.t.Fatal(err)
		}
		text, err := json.Marshal(r)
		if err != nil {
			c.t.Fatal(err)
		}
		if bytes.Contains(text, []byte(`"nudge.sent"`)) {
			n++
		}
	}
	if n != messages {
		c.t.Errorf("%d messages were recorded, and %d sent", n, messages)
	}
}
