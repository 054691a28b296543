package scheduler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"twokey/graph"
	"twokey/graph/rollout"
)

// state is what a memory holds, to be compared.
func (m *memory) state() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return fmt.Sprint(m.since, m.closed, m.skipped, slices.Sorted(maps.Keys(m.weeks)), m.published, m.revised)
}

// postNow posts by hand and must succeed.
func (d *desk) postNow(t *testing.T) (posted bool) {
	t.Helper()
	posted, err := d.PostNow(t.Context(), "ada")
	if err != nil {
		t.Fatalf("PostNow: %v", err)
	}
	return posted
}

// only returns the one digest that is published.
func (d *desk) only(t *testing.T) Publication {
	t.Helper()
	if n := len(d.memory.published); n != 1 {
		t.Fatalf("%d digests are published, want 1", n)
	}
	for _, p := range d.memory.published {
		return p
	}
	return Publication{}
}

// A second post by hand brings the digest up to date, and so does one after the
// clock's; there is one digest a week, whatever comes first.
func TestPostNowNeverPostsTwice(t *testing.T) {
	t.Parallel()
	for _, first := range []string{"by hand", "by the clock"} {
		d := newDesk(newOffice(at47), lastEight...)
		slot := SlotAt(d.Tenant, DigestJob, d.Due, at47)
		clock := func() {
			if err := d.Job().Run(t.Context(), slot); err != nil {
				t.Errorf("%s: the clock's: %v", first, err)
			}
		}
		if first == "by hand" {
			if !d.postNow(t) {
				t.Error("the first was not posted")
			}
			clock()
		} else {
			clock()
		}
		if p := d.only(t); p.Actor != map[string]string{"by hand": "ada", "by the clock": "twokey"}[first] || p.To != d.To || p.Slot.Week != "2026-W47" {
			t.Errorf("%s: published %+v", first, p)
		}
		d.office.at = at47.Add(26 * time.Hour)
		d.office.departments[1].registered += 2
		if d.postNow(t) {
			t.Errorf("%s: the second was posted", first)
		}
		p := d.only(t)
		if n, _ := p.Digest.This.Figures().Get(rollout.Registered).Value(); n != 32 || d.memory.revised != 1 {
			t.Errorf("%s: %v registered after %d revisions, want 32 after 1", first, n, d.memory.revised)
		}
		var stored Digest
		if err := json.Unmarshal(p.Facts, &stored); err != nil || !reflect.DeepEqual(stored.This, p.Digest.This) {
			t.Errorf("%s: the message is made from %+v (%v)", first, stored.This, err)
		}
		if got := d.memory.weeks["2026-W47"]; !reflect.DeepEqual(got, p.Digest.This) {
			t.Errorf("%s: the week is kept as %+v", first, got)
		}
	}
}

// A week that was skipped has no digest: by hand it is posted, not revised.
func TestPostNowAfterASkippedWeek(t *testing.T) {
	t.Parallel()
	d := newDesk(newOffice(at47))
	if err := d.memory.Skip(t.Context(), SlotAt(d.Tenant, DigestJob, d.Due, at47)); err != nil {
		t.Fatal(err)
	}
	d.office.at = at47.Add(80 * time.Hour)
	if !d.postNow(t) || d.postNow(t) {
		t.Error("the first is to be posted and the second to revise it")
	}
	d.only(t)
}

// What is posted is not replaced by a reading that knows nothing, and the
// person is told.
func TestPostNowKeepsWhatIsKnown(t *testing.T) {
	t.Parallel()
	for _, source := range []string{"all", "users", "report"} {
		d := newDesk(newOffice(at47), lastEight...)
		d.postNow(t)
		before := d.memory.state()
		d.office.failed = map[string]error{source: &graph.Error{Kind: graph.KindNoPermission, Permission: "User.Read.All"}}
		posted, err := d.PostNow(t.Context(), "ada")
		var sayer interface{ Say() string }
		if posted || !errors.As(err, &sayer) || !strings.Contains(sayer.Say(), "permission missing: User.Read.All") {
			t.Errorf("%s: PostNow = %v, %v; want a sentence with the reason", source, posted, err)
		}
		if after := d.memory.state(); after != before {
			t.Errorf("%s: stored\n%s\nwant\n%s", source, after, before)
		}
	}
	d := newDesk(newOffice(at47), lastEight...)
	d.postNow(t)
	d.office.failed = map[string]error{"sign-ins": &graph.Error{}, "roles": &graph.Error{}}
	if d.postNow(t); d.memory.revised != 1 {
		t.Error("a reading that lacks something else did not revise")
	}
}

// The week of a post by hand is the one that runs in the digest's zone.
func TestPostNowInItsZone(t *testing.T) {
	t.Parallel()
	for at, want := range map[string]string{
		"2026-11-22T22:59:00Z": "2026-W47", "2026-11-22T23:00:00Z": "2026-W48",
		"2027-01-03T22:59:00Z": "2026-W53", "2027-01-03T23:00:00Z": "2027-W01",
	} {
		d := newDesk(newOffice(moment(t, at)))
		d.postNow(t)
		if got := d.only(t).Slot.Week; got != want {
			t.Errorf("at %s: week %s, want %s", at, got, want)
		}
	}
}

// A preview is what would be posted, and leaves nothing behind.
func TestPreviewStoresNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(newOffice(at47), lastEight...)
	before := d.memory.state()
	preview, err := d.Preview(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if after := d.memory.state(); after != before {
		t.Errorf("stored\n%s\nwant\n%s", after, before)
	}
	d.postNow(t)
	posted, err := Render(t.Context(), d.only(t).Facts)
	if err != nil || !reflect.DeepEqual(preview, posted) {
		t.Errorf("posted\n%s\n(%v), want as in the preview\n%s", posted.Plain(), err, preview.Plain())
	}
}

// What cannot be read or stored is an error with what was done.
func TestDigestErrors(t *testing.T) {
	t.Parallel()
	d := newDesk(newOffice(at47))
	d.memory.setAway(true)
	if _, err := d.PostNow(t.Context(), "ada"); !errors.Is(err, errAway) || !strings.Contains(err.Error(), "read earlier weeks") {
		t.Errorf("PostNow with the database away = %v", err)
	}
	if err := d.Job().Run(t.Context(), Slot{Week: "2026-W47"}); !errors.Is(err, errAway) {
		t.Errorf("Run with the database away = %v", err)
	}
	d.memory.setAway(false)
	before := d.memory.state()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Preview(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("Preview under an ended context = %v", err)
	}
	if _, err := d.PostNow(ended, "ada"); !errors.Is(err, context.Canceled) || d.memory.state() != before {
		t.Errorf("PostNow under an ended context = %v, stored %s", err, d.memory.state())
	}
}

// O21: a tenant that takes the question and never answers costs the section,
// not the digest.
func TestO21TenantNeverAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(newOffice(at47), lastEight...)
		d.Facts = func(ctx context.Context) rollout.Facts {
			<-ctx.Done()
			d.office.failed = map[string]error{"report": &graph.Error{Err: ctx.Err()}}
			return d.office.read(ctx)
		}
		began := time.Now()
		job, slot := d.Job(), SlotAt(d.Tenant, DigestJob, d.Due, at47)
		if err := do(t.Context(), job, slot); err != nil {
			t.Errorf("the job = %v", err)
		}
		if took := time.Since(began); took >= defaultLimit {
			t.Errorf("it took %v, all that the job has", took)
		}
		p := d.only(t)
		if why := p.Digest.This.Figures().Get(rollout.Registered).Reason(); why != rollout.SourceFailed {
			t.Errorf("registered has the reason %q", why)
		}
		if _, ok := p.Digest.This.Figures().Get(rollout.LegacySucceeded).Value(); !ok {
			t.Error("what was read is not in the digest")
		}
	})
}

// A digest for everybody names nobody, in no part and in none of its files.
func TestNoNamesInPublic(t *testing.T) {
	t.Parallel()
	for label, d := range told() {
		facts := must(json.Marshal(d.Digest))
		text := d.message.Plain() + d.message.Notification() + string(facts) + string(d.files[fileText]) + string(d.files[fileFigures])
		for _, person := range []string{name(1), "Zebedee", "Quill", "harbour.example", id(1)[:20]} {
			if strings.Contains(strings.ToLower(text), strings.ToLower(person)) {
				t.Errorf("%s: %q is in the digest", label, person)
			}
		}
	}
	if users, _ := newOffice(at47).read(t.Context()).Users.Get(); users[1].Name != name(1) || users[1].ID[:20] != id(1)[:20] {
		t.Fatalf("the tenant has other names: %+v", users[1])
	}
}

// No row of the digest is about fewer than five people.
func TestSmallDepartmentsAreMerged(t *testing.T) {
	t.Parallel()
	o := newOffice(at47)
	o.departments = append(o.departments, department{"Canteen", 2, 1}, department{"", 3, 1}, department{"Board", 1, 0})
	d := newDesk(o).compose()
	facts := string(must(json.Marshal(d)))
	for _, small := range []string{"Legal", "Canteen", "Board"} {
		if strings.Contains(facts, small) {
			t.Errorf("%s is named in\n%s", small, facts)
		}
	}
	all := 0
	for _, row := range d.This.Departments {
		if all += row.Registered.Of; row.Registered.Of < 5 {
			t.Errorf("%s stands for %d people", row.Name, row.Registered.Of)
		}
	}
	if all != 66 {
		t.Errorf("the rows stand for %d people, want 66", all)
	}
}

func TestTodo(t *testing.T) {
	t.Parallel()
	at := at47
	f := func(id rollout.ID, n, of, unknown int) rollout.Figure {
		f := rollout.Number(id, at, n)
		f.Of, f.Unknown = of, unknown
		return f
	}
	missing := func(id rollout.ID) rollout.Figure {
		return rollout.Missing(id, rollout.Count, at, rollout.SourceFailed)
	}
	whole := f(rollout.Registered, 50, 100, 0)
	row := func(name string, n, of, unknown int) rollout.Department {
		return rollout.Department{Name: name, Registered: f(rollout.Registered, n, of, unknown)}
	}
	smtp := func(accounts int) rollout.Legacy {
		return rollout.Legacy{ByProtocol: []rollout.ProtocolUse{{Protocol: rollout.SMTPAuth, Accounts: accounts, Succeeded: 9}}}
	}
	off, on := rollout.From(graph.SecurityDefaults{}, nil), rollout.From(graph.SecurityDefaults{Enabled: true}, nil)
	const (
		noMethod  = "Start with the administrators: 2 have no second factor at all."
		oneMethod = "Give every administrator a second method: 1 has only one, and a broken phone would lock them out."
		smtpAuth  = "Move 5 accounts off SMTP AUTH: in 45 days (end of December 2026) it is off by default."
		phones    = "Help 20 people add an app or a passkey: in 77 days (1 February 2027) codes by text and call are gone."
		enforce   = "MFA is not enforced for anybody yet: “/mfa preflight defaults” shows what is left before security defaults can be turned on."
	)
	for _, tt := range []struct {
		name        string
		at          string
		figures     rollout.Figures
		departments []rollout.Department
		legacy      rollout.Legacy
		defaults    rollout.Source[graph.SecurityDefaults]
		want        []string
	}{
		{name: "nothing", figures: rollout.Figures{whole, f(rollout.Enforced, 100, 100, 0)}, legacy: smtp(0), defaults: on},
		{
			name: "all at once", legacy: smtp(5), defaults: off,
			figures: rollout.Figures{
				whole, f(rollout.AdminsNoMethod, 2, 4, 0), f(rollout.AdminsOneMethod, 1, 4, 0),
				f(rollout.PhoneOnly, 20, 100, 0), f(rollout.Enforced, 0, 100, 0),
			},
			departments: []rollout.Department{row("Sales", 1, 50, 0)},
			want:        []string{noMethod, smtpAuth, phones},
		},
		{
			name: "what is left without dates", legacy: smtp(0), defaults: off,
			figures:     rollout.Figures{whole, f(rollout.AdminsOneMethod, 1, 4, 0), f(rollout.Enforced, 0, 100, 0)},
			departments: []rollout.Department{row("Sales", 1, 50, 0)},
			want:        []string{oneMethod, enforce, "“Sales” is furthest behind, with 2 % registered: a word from their manager helps most."},
		},
		{
			name: "one of each", at: "2027-01-31T10:00:00Z", legacy: smtp(1),
			figures: rollout.Figures{whole, f(rollout.PhoneOnly, 1, 100, 0), f(rollout.AdminsNoMethod, 1, 4, 0)},
			want: []string{
				"Start with the administrators: 1 has no second factor at all.",
				"Move 1 account off SMTP AUTH: since end of December 2026 it is off by default.",
				"Help 1 person add an app or a passkey: tomorrow (1 February 2027) codes by text and call are gone.",
			},
		},
		{
			name: "on the day", at: "2027-02-01T10:00:00Z", figures: rollout.Figures{whole, f(rollout.PhoneOnly, 1200, 9000, 0)},
			want: []string{"Help 1,200 people add an app or a passkey: from today (1 February 2027) codes by text and call are gone."},
		},
		{
			name: "afterwards", at: "2027-02-02T10:00:00Z", figures: rollout.Figures{whole, f(rollout.PhoneOnly, 3, 100, 0)},
			want: []string{"Help 3 people add an app or a passkey: since 1 February 2027 codes by text and call are gone."},
		},
		{name: "far ahead", at: "2026-08-01T10:00:00Z", figures: rollout.Figures{whole, f(rollout.PhoneOnly, 3, 100, 0)}, legacy: smtp(5)},
		{
			name:    "some not read",
			figures: rollout.Figures{whole, f(rollout.PhoneOnly, 20, 100, 4), f(rollout.AdminsOneMethod, 2, 4, 1)},
			want: []string{
				strings.Replace(phones, "20", "at least 20", 1),
				"Give every administrator a second method: at least 2 have only one, and a broken phone would lock them out.",
			},
		},
		{
			name:    "nothing read",
			figures: rollout.Figures{missing(rollout.Registered), missing(rollout.PhoneOnly), missing(rollout.AdminsNoMethod), missing(rollout.Enforced)},
			want:    []string{"Find out why registrations could not be read (source failed); then “/mfa digest now” brings this up to date."},
		},
		{
			name: "guests, administrators, and SMTP that was only seen",
			figures: rollout.Figures{
				whole, f(rollout.GuestsPhoneOnly, 2, 9, 0), f(rollout.AdminsPhoneOnly, 1, 4, 0), f(rollout.EmergencyNoMethod, 1, 2, 0),
			},
			legacy: rollout.Legacy{Figures: rollout.Figures{missing(rollout.LegacySucceeded), f(rollout.MailSeenSMTP, 3, 0, 0)}},
			want: []string{
				"Ask who runs 3 accounts seen with SMTP: in 45 days (end of December 2026) a password is no longer enough for it by default.",
				"Look after 2 accounts: in 77 days (1 February 2027) this changes: Microsoft stops delivering codes by text and call to guests too; that they can register passkeys here is planned by the end of 2026.",
			},
		},
		{name: "not enforced, and defaults unknown", figures: rollout.Figures{whole, f(rollout.Enforced, 0, 100, 0)}},
		{name: "enforcement unknown", figures: rollout.Figures{whole, missing(rollout.Enforced)}, defaults: off},
		{
			name: "departments that do not count", figures: rollout.Figures{whole},
			departments: []rollout.Department{
				row("not clearly behind", 20, 50, 0), row(rollout.NoDepartment, 0, 50, 0), row(rollout.SmallerDepartments, 0, 50, 0),
				row("hardly read", 1, 50, 40),
				{Name: "not read", Registered: missing(rollout.Registered)},
			},
		},
		{
			name: "the lowest, and its name made safe", figures: rollout.Figures{whole},
			departments: []rollout.Department{row("low", 5, 50, 0), row("lower\u202e”", 4, 50, 1), row("not so low", 6, 50, 0)},
			want:        []string{"“lower<U+202E>\"” is furthest behind, with 8.2 % registered: a word from their manager helps most."},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			now := at
			if tt.at != "" {
				now = moment(t, tt.at)
			}
			fn := rollout.Funnel{AsOf: now, Figures: tt.figures, Departments: tt.departments}
			got := todo(fn, tt.legacy, rollout.Facts{SecurityDefaults: tt.defaults}, rollout.Scope{}, 0, now)
			if !slices.Equal(got, tt.want) || got == nil {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
