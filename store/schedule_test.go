package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"twokey/audit"
	"twokey/chat"
	"twokey/graph"
	"twokey/graph/rollout"
	"twokey/scheduler"
)

// week48 is a Monday's digest.
var week48 = scheduler.Slot{
	Tenant: "the-tenant", Job: scheduler.DigestJob, Week: "2026-W48",
	Planned: time.Date(2026, time.November, 23, 8, 0, 0, 0, time.UTC),
}

// publication is a digest of so many people for a slot.
func publication(slot scheduler.Slot, people int) scheduler.Publication {
	w := weekOf(slot.Week, people)
	return scheduler.Publication{
		Slot: slot, To: chat.Address{Platform: "p", Channel: "team"}, Kind: scheduler.KindDigest, Actor: "twokey",
		Digest: scheduler.Digest{Week: slot.Week, AsOf: w.AsOf, This: w},
		Facts:  fmt.Appendf(nil, `{"people":%d}`, people),
	}
}

func weekOf(name string, people int) rollout.Week {
	at := time.Date(2026, time.November, 23, 8, 0, 0, 0, time.UTC)
	return rollout.Week{Week: name, AsOf: at, Sums: []rollout.Sum{{ID: rollout.InScope, Value: &people}}}
}

func publish(t *testing.T, s *Store, p scheduler.Publication) bool {
	t.Helper()
	published, err := s.Publish(t.Context(), p)
	if err != nil {
		t.Fatalf("Publish: %v", err)
	}
	return published
}

// counts is how many rows each table of the schedule holds.
func (s *Store) counts(t *testing.T) string {
	t.Helper()
	var all []string
	for _, table := range []string{"slot", "week", "outbox", "audit"} {
		var n int
		if err := s.db.QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprintf("%s %d", table, n))
	}
	return strings.Join(all, ", ")
}

// kinds lists the kinds of the audit records after verifying their chain.
func (s *Store) kinds(t *testing.T) (kinds []string) {
	t.Helper()
	if _, err := audit.Verify(s.Audit(t.Context()), ""); err != nil {
		t.Errorf("the audit chain is broken: %v", err)
	}
	for r, err := range s.Audit(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, r.Kind)
	}
	return kinds
}

// people lists the stored weeks before one, with their people in scope.
func (s *Store) people(t *testing.T, before string, n int) (all []string) {
	t.Helper()
	weeks, err := s.Weeks(t.Context(), "the-tenant", before, n)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range weeks {
		all = append(all, w.Week+" "+w.Figures().Get(rollout.InScope).String())
	}
	return all
}

func wantList(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func TestPublishStoresEverything(t *testing.T) {
	t.Parallel()
	s, _ := setup(t)
	if !publish(t, s, publication(week48, 240)) {
		t.Error("the first was not published")
	}
	if done, err := s.Done(t.Context(), week48); err != nil || !done {
		t.Errorf("Done = %v, %v; want true", done, err)
	}
	wantList(t, "weeks", s.people(t, "2026-W49", 9), "2026-W48 240")
	rows, err := s.Due(t.Context(), 9)
	if err != nil || len(rows) != 1 {
		t.Fatalf("Due = %v, %v; want one message", rows, err)
	}
	if r := rows[0]; r.Kind != scheduler.KindDigest || r.To.Channel != "team" || string(r.Facts) != `{"people":240}` {
		t.Errorf("the message is %+v", r)
	}
	records, err := s.LastRecords(t.Context(), "", 9)
	if err != nil || len(records) != 1 {
		t.Fatalf("records %v, %v; want one", records, err)
	}
	want := `{"as_of":"2026-11-23T08:00:00Z","late":false,"planned":"2026-11-23T08:00:00Z","week":"2026-W48"}`
	if r := records[0]; r.Kind != "digest.posted" || r.Actor != "twokey" || r.Tenant != "the-tenant" || r.Facts != want {
		t.Errorf("the record is %+v", r)
	}
	before := s.counts(t)
	if publish(t, s, publication(week48, 999)) {
		t.Error("the second was published")
	}
	if after := s.counts(t); after != before {
		t.Errorf("the second stored something: %s, want %s", after, before)
	}
	wantList(t, "weeks", s.people(t, "2026-W49", 9), "2026-W48 240")
}

// Each part is refused in turn; whatever it is, nothing of the rest is stored,
// and the same call works once it is not refused any more.
func TestDigestsAreAllOrNothing(t *testing.T) {
	t.Parallel()
	publishes := func(t *testing.T, s *Store) error {
		published, err := s.Publish(t.Context(), publication(week48, 240))
		if published != (err == nil) {
			t.Errorf("Publish = %v, %v", published, err)
		}
		return err
	}
	for _, tt := range []struct {
		name       string
		before, do func(*testing.T, *Store) error
		parts      []string
	}{
		{"publish", nil, publishes, []string{"INSERT ON slot", "INSERT ON week", "INSERT ON outbox", "INSERT ON audit"}},
		{
			"revise", publishes,
			func(t *testing.T, s *Store) error { return s.Revise(t.Context(), publication(week48, 241)) },
			[]string{"UPDATE ON week", "UPDATE OF facts ON outbox", "UPDATE OF wanted ON outbox", "INSERT ON audit"},
		},
		{
			"skip", nil, func(t *testing.T, s *Store) error { return s.Skip(t.Context(), week48) },
			[]string{"INSERT ON slot", "INSERT ON audit"},
		},
	} {
		for _, part := range tt.parts {
			t.Run(tt.name+"/"+part, func(t *testing.T) {
				t.Parallel()
				s, _ := setup(t)
				if tt.before != nil {
					if err := tt.before(t, s); err != nil {
						t.Fatal(err)
					}
				}
				stored := s.counts(t) + fmt.Sprint(s.people(t, "9999-W01", 9))
				execute(t, s, "CREATE TRIGGER refuse BEFORE "+part+" BEGIN SELECT RAISE(ABORT, 'this part is refused'); END")
				if err := tt.do(t, s); err == nil || !strings.Contains(err.Error(), "this part is refused") {
					t.Errorf("got %v, want the refusal", err)
				}
				if got := s.counts(t) + fmt.Sprint(s.people(t, "9999-W01", 9)); got != stored {
					t.Errorf("stored %s, want %s", got, stored)
				}
				execute(t, s, "DROP TRIGGER refuse")
				if err := tt.do(t, s); err != nil {
					t.Errorf("not refused any more: %v", err)
				}
			})
		}
	}
}

func execute(t *testing.T, s *Store, statement string) {
	t.Helper()
	if _, err := s.db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

// However many publish a slot at once, one does.
func TestPublishOnceAmongMany(t *testing.T) {
	t.Parallel()
	s, _ := setup(t)
	var all sync.WaitGroup
	var published atomic.Int32
	for i := range 20 {
		all.Go(func() {
			did, err := s.Publish(t.Context(), publication(week48, i))
			if err != nil {
				t.Errorf("Publish: %v", err)
			}
			if did {
				published.Add(1)
			}
		})
	}
	all.Wait()
	if n := published.Load(); n != 1 {
		t.Errorf("%d published, want 1", n)
	}
	wantList(t, "records", s.kinds(t), "digest.posted")
}

// A revision changes the one message, and owes it anew.
func TestRevise(t *testing.T) {
	t.Parallel()
	s, _ := setup(t)
	publish(t, s, publication(week48, 240))
	rows, err := s.Due(t.Context(), 9)
	if err != nil || len(rows) != 1 {
		t.Fatalf("Due = %v, %v", rows, err)
	}
	if err := s.Shown(t.Context(), rows[0], "m-1"); err != nil {
		t.Fatal(err)
	}
	p := publication(week48, 241)
	p.Actor = "ada"
	if err := s.Revise(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	again, err := s.Due(t.Context(), 9)
	if err != nil || len(again) != 1 || again[0].ID != rows[0].ID || again[0].Message != "m-1" || string(again[0].Facts) != `{"people":241}` {
		t.Errorf("Due = %+v, %v; want the same message with 241 people", again, err)
	}
	wantList(t, "weeks", s.people(t, "2026-W49", 9), "2026-W48 241")
	wantList(t, "records", s.kinds(t), "digest.posted", "digest.revised")
	records, err := s.LastRecords(t.Context(), "", 1)
	if err != nil {
		t.Fatal(err)
	}
	if who, err := s.Who(t.Context(), records[0].Actor); err != nil || who[records[0].Actor].Object != "ada" {
		t.Errorf("the record is %+v by %+v, %v; want ada's", records[0], who, err)
	}
}

// A skipped slot is closed for the clock, is recorded once and owes nothing;
// a person can still publish it.
func TestSkip(t *testing.T) {
	t.Parallel()
	s, _ := setup(t)
	for range 2 {
		if err := s.Skip(t.Context(), week48); err != nil {
			t.Fatal(err)
		}
	}
	wantList(t, "records", s.kinds(t), "digest.skipped")
	if done, err := s.Done(t.Context(), week48); err != nil || !done {
		t.Errorf("Done = %v, %v; want true", done, err)
	}
	if rows, err := s.Due(t.Context(), 9); err != nil || len(rows) != 0 {
		t.Errorf("Due = %v, %v; want none", rows, err)
	}
	if !publish(t, s, publication(week48, 240)) || publish(t, s, publication(week48, 240)) {
		t.Error("a skipped slot is to be published, and once")
	}
	if err := s.Skip(t.Context(), week48); err != nil {
		t.Fatal(err)
	}
	wantList(t, "records", s.kinds(t), "digest.skipped", "digest.posted")
}

// One slot closed closes no other: not of another tenant, job or week.
func TestSlotsAreApart(t *testing.T) {
	t.Parallel()
	s, _ := setup(t)
	publish(t, s, publication(week48, 240))
	for name, change := range map[string]func(*scheduler.Slot){
		"tenant": func(s *scheduler.Slot) { s.Tenant = "another" },
		"job":    func(s *scheduler.Slot) { s.Job = "another" },
		"week":   func(s *scheduler.Slot) { s.Week = "2026-W49" },
	} {
		other := week48
		change(&other)
		if done, err := s.Done(t.Context(), other); err != nil || done {
			t.Errorf("another %s: Done = %v, %v; want false", name, done, err)
		}
		if !publish(t, s, publication(other, 1)) {
			t.Errorf("another %s was not published", name)
		}
	}
	wantList(t, "weeks of the first tenant", s.people(t, "2026-W49", 9), "2026-W48 1") // the other job's came later
}

// Since is the moment of the first question, whatever happens after.
func TestSince(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "twokey.db")
	first := time.Date(2026, time.November, 23, 10, 0, 0, 123456789, time.UTC)
	at := first
	s := open(t, path, func() time.Time { return at })
	since := func(tenant, job string) time.Time {
		t.Helper()
		since, err := s.Since(t.Context(), tenant, job)
		if err != nil {
			t.Fatal(err)
		}
		return since
	}
	for week := range 6 {
		at = first.AddDate(0, 0, 7*week)
		if got := since("t", "digest"); !got.Equal(first.Truncate(time.Microsecond)) {
			t.Errorf("after %d weeks: since %v, want %v", week, got, first)
		}
		if week == 3 { // a restart
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = open(t, path, func() time.Time { return at })
		}
	}
	for _, other := range [][2]string{{"t", "other"}, {"other", "digest"}} {
		if got := since(other[0], other[1]); !got.Equal(at.Truncate(time.Microsecond)) {
			t.Errorf("%v: since %v, want now, %v", other, got, at)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// Weeks come oldest first and by number over the turn of a year, the one asked
// about and later ones left out.
func TestWeeksInOrder(t *testing.T) {
	t.Parallel()
	s, _ := setup(t)
	for i, name := range []string{"2027-W02", "2026-W09", "2026-W53", "2026-W52", "2027-W01", "2026-W10", "2026-W51"} {
		if err := s.KeepWeek(t.Context(), "the-tenant", weekOf(name, i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.KeepWeek(t.Context(), "another", weekOf("2026-W50", 7)); err != nil {
		t.Fatal(err)
	}
	wantList(t, "up to January", s.people(t, "2027-W02", 4), "2026-W51 6", "2026-W52 3", "2026-W53 2", "2027-W01 4")
	wantList(t, "all", s.people(t, "9999-W01", 99), "2026-W09 1", "2026-W10 5", "2026-W51 6", "2026-W52 3", "2026-W53 2", "2027-W01 4", "2027-W02 0")
	wantList(t, "before the first", s.people(t, "2026-W09", 9))
	wantList(t, "none asked for", s.people(t, "9999-W01", 0))
}

// A week that was measured is not overwritten by one that is measured for the
// record, in whatever order they come.
func TestKeepWeekNeverOverwrites(t *testing.T) {
	t.Parallel()
	s, _ := setup(t)
	publish(t, s, publication(week48, 240))
	for people := range 3 {
		for _, name := range []string{"2026-W47", "2026-W48"} {
			if err := s.KeepWeek(t.Context(), "the-tenant", weekOf(name, people)); err != nil {
				t.Fatal(err)
			}
		}
	}
	wantList(t, "weeks", s.people(t, "2026-W49", 9), "2026-W47 0", "2026-W48 240")
}

// What is stored comes back as it went in.
func TestWeekComesBack(t *testing.T) {
	t.Parallel()
	s, _ := setup(t)
	n := 5
	want := rollout.Week{
		Week: "2026-W48", AsOf: time.Date(2026, time.November, 23, 8, 0, 0, 123456000, time.UTC), Road: rollout.MethodRoad,
		Sums:        []rollout.Sum{{ID: rollout.Registered, Value: &n, Of: 9, Unknown: 1}, {ID: rollout.LegacySucceeded, Reason: rollout.NeedsP1}},
		Legacy:      []rollout.ProtocolUse{{Protocol: rollout.IMAP, Succeeded: 3, Blocked: 2, Accounts: 1}},
		Departments: []rollout.DepartmentSum{{Name: "“Ops” <b>", Registered: rollout.Sum{ID: rollout.Registered, Value: &n, Of: 9}}},
	}
	if err := s.KeepWeek(t.Context(), "the-tenant", want); err != nil {
		t.Fatal(err)
	}
	weeks, err := s.Weeks(t.Context(), "the-tenant", "2026-W49", 1)
	if err != nil || len(weeks) != 1 || encode(weeks[0]) != encode(want) || !weeks[0].AsOf.Equal(want.AsOf) {
		t.Errorf("got %+v, %v; want %+v", weeks, err, want)
	}
}

// G30 over the real database: thirty weeks of digests in which the process and
// the database are stopped and started at random, and a lead posts by hand now
// and then. Each week has its digest once.
func TestG30ThirtyWeeks(t *testing.T) {
	t.Parallel()
	const weeks = 30
	path := filepath.Join(t.TempDir(), "twokey.db")
	synctest.Test(t, func(t *testing.T) { // the bubble's time begins on Saturday, 1 January 2000
		random := rand.New(rand.NewPCG(30, 2000))
		upTo := func(d time.Duration) { time.Sleep(time.Duration(random.Int64N(int64(d)))) }
		end := time.Now().AddDate(0, 0, 7*weeks)
		for byHand := 0; time.Now().Before(end); byHand++ {
			s := open(t, path, time.Now)
			stop := digests(t, s)
			upTo(20 * time.Minute)
			if byHand%7 == 0 {
				if _, err := digester(s).PostNow(t.Context(), "ada"); err != nil {
					t.Errorf("PostNow: %v", err)
				}
			}
			stop()
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			upTo(60 * time.Hour)
		}
		s := open(t, path, time.Now)
		checkThirtyWeeks(t, s, weeks)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// digests runs the digest's schedule until it is stopped.
func digests(t *testing.T, s *Store) (stop func()) {
	t.Helper()
	run, err := scheduler.New("the-tenant", []scheduler.Job{digester(s).Job()}, s, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- run.Run(ctx) }()
	return func() {
		t.Helper()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run = %v", err)
		}
	}
}

func digester(s *Store) *scheduler.Digester {
	return &scheduler.Digester{
		Tenant: "the-tenant", Name: "Harbour & Vale", Store: s, Now: time.Now,
		To:  chat.Address{Platform: "p", Channel: "team"},
		Due: scheduler.Weekly{Day: time.Monday, Hour: 9, Zone: time.UTC},
		Facts: func(context.Context) rollout.Facts {
			return rollout.Facts{
				AsOf: time.Now(), Users: rollout.From([]graph.User{{ID: "a", Enabled: true}}, nil),
				Methods: rollout.From([]graph.UserMethods{{UserID: "a"}}, nil),
			}
		},
	}
}

func checkThirtyWeeks(t *testing.T, s *Store, weeks int) {
	t.Helper()
	var want []string
	for i := range weeks {
		want = append(want, rollout.ISOWeek(time.Date(2000, time.January, 3+7*i, 9, 0, 0, 0, time.UTC)))
	}
	for table, query := range map[string]string{
		"slots":    "SELECT week FROM slot ORDER BY week",
		"weeks":    "SELECT week FROM week ORDER BY week",
		"messages": "SELECT substr(key, -8) FROM outbox WHERE kind = 'digest' ORDER BY 1",
		"records":  "SELECT json_extract(facts, '$.week') FROM audit WHERE kind = 'digest.posted' ORDER BY 1",
	} {
		got := s.column(t, query)
		if len(got) > 0 && got[0] == "1999-W52" { // by hand, on the first Saturday
			got = got[1:]
		}
		if len(got) > weeks { // the last stop may come after the end
			got = got[:weeks]
		}
		wantList(t, table, got, want...)
	}
	if slices.Contains(s.kinds(t), "digest.skipped") {
		t.Error("a week was skipped")
	}
}

func (s *Store) column(t *testing.T, query string) (all []string) {
	t.Helper()
	rows, err := s.db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var text sql.NullString
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		all = append(all, text.String)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		t.Fatal(err)
	}
	return all
}

// A slot that is passed is closed without a message, and its week is kept.
func TestPass(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		week *rollout.Week
		why  string
		want string
	}{
		"muted":          {new(weekOf("2026-W48", 7)), "muted", "slot 1, week 1, outbox 0, audit 1"},
		"nothing is due": {nil, "", "slot 1, week 0, outbox 0, audit 0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := setup(t)
			for range 2 {
				if err := s.Pass(t.Context(), week48, tt.week, tt.why); err != nil {
					t.Fatal(err)
				}
				if got := s.counts(t); got != tt.want {
					t.Errorf("got %s, want %s", got, tt.want)
				}
			}
			if !publish(t, s, publication(week48, 9)) {
				t.Error("a digest of a slot that was passed cannot be published by hand")
			}
		})
	}
}

// A digest goes to every place that it is for, once, and is brought up to date in
// all of them.
func TestPublishElsewhere(t *testing.T) {
	t.Parallel()
	s, _ := setup(t)
	p := publication(week48, 7)
	p.Also = []chat.Address{{Platform: "q", Channel: "webhook"}}
	for _, want := range []bool{true, false} {
		if got := publish(t, s, p); got != want {
			t.Errorf("published: %v, want %v", got, want)
		}
	}
	p.Facts = []byte(`{"people":9}`)
	if err := s.Revise(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	rows, err := s.Due(t.Context(), 10)
	if err != nil || len(rows) != 2 {
		t.Fatalf("Due = %+v, %v; want one for each place", rows, err)
	}
	for i, platform := range []string{"p", "q"} {
		if rows[i].To.Platform != platform || string(rows[i].Facts) != `{"people":9}` {
			t.Errorf("row %d: %+v", i, rows[i])
		}
	}
}
