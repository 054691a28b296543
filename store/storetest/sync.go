package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/graph"
	"twokey/graph/rollout"
	"twokey/graph/sync"
)

// RunSync tests a store of what a sync has read. The function opens a new one.
func RunSync(t *testing.T, open func(t *testing.T) sync.Store) {
	for name, run := range map[string]func(*testing.T, *syncBench){
		"everything comes back as it went in":                    syncRoundTrip,
		"what is forgotten is gone":                              syncRemoved,
		"a full reading forgets what it has not listed":          syncFullAccounts,
		"a full report forgets rows that it has not":             syncFullReport,
		"rows of accounts that are not kept are left out":        syncStrangers,
		"a reading that failed changes nothing but the time":     syncFailedReads,
		"who is due comes in order":                              syncDue,
		"who was never read is chosen":                           syncUnread,
		"methods are outdated unless they were read since":       syncOutdated,
		"days of legacy use are replaced as a whole":             syncLegacy,
		"progress is of one source and one tenant":               syncProgress,
		"a newer owner shuts out the older one":                  syncFence,
		"one tenant's batch touches no other":                    syncTenants,
		"a batch that is called off is kept whole or not at all": syncRefused,
		"a kept account keeps the rest of its row":               syncAccountAgain,
		"a page of changes belongs to the last full reading":     syncChangesListed,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &syncBench{t: t, Store: open(t)}
			b.lease = b.lead(tenant, "one")
			run(t, b)
		})
	}
}

// syncBench is one store under test, whose sync is led.
type syncBench struct {
	sync.Store
	t     *testing.T
	lease sync.Lease
}

// legacyUse is a store of which legacy use is read alone.
type legacyUse interface {
	LegacyUse(ctx context.Context, tenant string, since time.Time) ([]rollout.LegacyUse, error)
}

func (b *syncBench) lead(tenant, owner string) sync.Lease {
	b.t.Helper()
	l, ok, err := b.LeadSync(b.t.Context(), tenant, owner, time.Minute)
	if err != nil || !ok || l.Tenant != tenant || l.Owner != owner || l.Fence < 1 {
		b.t.Fatalf("LeadSync = %+v, %v, %v; want a lease", l, ok, err)
	}
	return l
}

// keep stores batches that must be stored.
func (b *syncBench) keep(batches ...sync.Batch) {
	b.t.Helper()
	for _, batch := range batches {
		if err := b.KeepSync(b.t.Context(), b.lease, batch); err != nil {
			b.t.Fatalf("KeepSync: %v", err)
		}
	}
}

func (b *syncBench) load(since time.Time) sync.Stored {
	b.t.Helper()
	s, err := b.LoadSync(b.t.Context(), tenant, since)
	if err != nil {
		b.t.Fatalf("LoadSync: %v", err)
	}
	return s
}

// people lists what is kept of everybody, in short.
func (b *syncBench) people() string {
	b.t.Helper()
	var all []string
	for _, p := range b.load(time.Time{}).People {
		row := p.ID
		if p.Report != nil {
			row += " report"
		}
		if p.Methods != nil {
			row += fmt.Sprintf(" methods %d", len(p.Methods.Methods))
		}
		if p.PerUser != nil {
			row += " " + string(p.PerUser.State)
		}
		if p.LastSignIn != nil {
			row += " seen"
		}
		all = append(all, row)
	}
	return strings.Join(all, "; ")
}

func (b *syncBench) wantPeople(want string) {
	b.t.Helper()
	if got := b.people(); got != want {
		b.t.Errorf("people: got %q, want %q", got, want)
	}
}

func (b *syncBench) wantDue(d sync.Due, n int, want ...string) {
	b.t.Helper()
	ids, err := b.SyncDue(b.t.Context(), tenant, d, n)
	if err != nil || !slices.Equal(ids, want) {
		b.t.Errorf("SyncDue(%+v, %d) = %q, %v; want %q", d, n, ids, err, want)
	}
}

// members are enabled members by their IDs.
func members(ids ...string) (all []graph.User) {
	for _, id := range ids {
		all = append(all, graph.User{ID: id, Name: "Name of " + id, Enabled: true})
	}
	return all
}

// accounts is a page of a full reading of accounts; the last one if so.
func accounts(round int, last bool, ids ...string) sync.Batch {
	return sync.Batch{
		Progress: sync.Progress{Source: sync.Accounts, Round: round, Token: "token"}, Full: true, Last: last,
		Accounts: members(ids...),
	}
}

func readMethods(id string, at, due time.Time, kinds ...graph.MethodKind) sync.MethodsRead {
	m := sync.MethodsRead{UserMethods: graph.UserMethods{UserID: id, AsOf: at, Methods: []graph.Method{}}, Due: due}
	for i, k := range kinds {
		m.Methods = append(m.Methods, graph.Method{ID: fmt.Sprintf("%s-%d", id, i), Kind: k, Label: hostile, Created: day})
	}
	return m
}

func syncRoundTrip(t *testing.T, b *syncBench) {
	user := graph.User{
		ID: "ann", Name: hostile, UPN: "ann@x", Mail: "ann@mail", Department: hostile, Guest: true, Enabled: true, Synced: true,
		Licensed: true, Created: day.Add(-time.Hour),
	}
	progress := sync.Progress{
		Source: sync.Accounts, Done: day, Began: day.Add(time.Second), Cursor: graph.Cursor(hostile), Round: 3, Token: "a token",
	}
	use := rollout.LegacyUse{
		UserID: "ann", UPN: hostile, Client: "IMAP4", App: hostile, Device: "scanner", Day: day.Truncate(24 * time.Hour),
		Succeeded: 3, Blocked: 2, First: day, Last: day.Add(time.Minute),
	}
	mail := graph.EmailAppUse{
		Period: graph.Days30, Refreshed: day.Truncate(24 * time.Hour), Concealed: true,
		Rows: []graph.EmailAppRow{{UPN: "ann@x", Name: hostile, Deleted: true, Last: day, Programs: []graph.EmailProgram{graph.ProgramPOP3}}},
	}
	report := graph.Registration{UserID: "ann", Registered: true, Capable: true, Methods: []string{"fido2", hostile}, AsOf: day}
	methods := readMethods("ann", day, day.Add(time.Hour), graph.MethodPasskey, "a kind of the future")
	want := sync.Stored{
		Progress: map[sync.Source]sync.Progress{sync.Accounts: progress},
		People: []sync.Person{{
			User: user, Report: &report, Methods: &methods.UserMethods,
			PerUser:    &graph.UserMFA{UserID: "ann", State: graph.PerUserEnforced},
			LastSignIn: &graph.LastSignIn{UserID: "ann", At: day},
		}, {User: graph.User{ID: "ben"}, LastSignIn: &graph.LastSignIn{UserID: "ben"}}},
		Legacy: []rollout.LegacyUse{use}, MailApps: &mail,
	}
	b.keep(sync.Batch{
		Progress: progress, Accounts: []graph.User{user, {ID: "ben"}}, Report: []graph.Registration{report},
		Methods:     []sync.MethodsRead{methods},
		PerUser:     []sync.PerUserRead{{UserMFA: graph.UserMFA{UserID: "ann", State: graph.PerUserEnforced}, Due: day}},
		LastSignIns: []graph.LastSignIn{{UserID: "ann", At: day}, {UserID: "ben"}},
		Legacy:      &sync.LegacyDays{From: day, Since: day, Rows: []rollout.LegacyUse{use}}, MailApps: &mail,
	})
	wantSame(t, "stored", b.load(day.Truncate(24*time.Hour)), want)
	if alone, ok := b.Store.(legacyUse); ok { // memory that is read once has no need of it
		rows, err := alone.LegacyUse(t.Context(), tenant, day.Truncate(24*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		wantSame(t, "legacy use alone", rows, want.Legacy)
	}
	if got := b.load(day).Legacy; len(got) != 0 {
		t.Errorf("legacy use of days that begin later: got %v, want none", got)
	}
}

func syncRemoved(_ *testing.T, b *syncBench) {
	b.keep(accounts(1, true, "ann", "ben"), sync.Batch{Methods: []sync.MethodsRead{readMethods("ben", day, day)}})
	b.keep(sync.Batch{Progress: sync.Progress{Source: sync.Accounts, Round: 1}, Removed: []string{"ben", "nobody"}})
	b.wantPeople("ann")
	b.keep(accounts(2, true, "ann", "ben")) // restored
	b.wantPeople("ann; ben")
}

func syncFullAccounts(_ *testing.T, b *syncBench) {
	b.keep(accounts(1, false, "ann", "ben"), accounts(1, true, "cat"))
	b.wantPeople("ann; ben; cat")
	b.keep(accounts(2, false, "dan"))
	b.wantPeople("ann; ben; cat; dan") // nobody is forgotten before the end
	b.keep(accounts(2, true, "cat"))
	b.wantPeople("cat; dan")
}

func syncFullReport(_ *testing.T, b *syncBench) {
	page := func(round int, last bool, ids ...string) sync.Batch {
		batch := sync.Batch{Progress: sync.Progress{Source: sync.Report, Round: round}, Full: true, Last: last}
		for _, id := range ids {
			batch.Report = append(batch.Report, graph.Registration{UserID: id})
		}
		return batch
	}
	b.keep(accounts(1, true, "ann", "ben", "cat"), page(1, false, "ann"), page(1, true, "ben"))
	b.wantPeople("ann report; ben report; cat")
	b.keep(page(2, false, "cat"))
	b.wantPeople("ann report; ben report; cat report")
	b.keep(page(2, true, "ann"))
	b.wantPeople("ann report; ben; cat report")
}

func syncStrangers(_ *testing.T, b *syncBench) {
	b.keep(sync.Batch{
		Report:      []graph.Registration{{UserID: "nobody"}},
		Methods:     []sync.MethodsRead{readMethods("nobody", day, day)},
		PerUser:     []sync.PerUserRead{{UserMFA: graph.UserMFA{UserID: "nobody"}}},
		LastSignIns: []graph.LastSignIn{{UserID: "nobody"}},
		Outdated:    map[string]time.Time{"nobody": day},
	})
	b.wantPeople("")
}

func syncFailedReads(_ *testing.T, b *syncBench) {
	b.keep(accounts(1, true, "ann", "ben"), sync.Batch{
		Methods: []sync.MethodsRead{readMethods("ann", day, day, graph.MethodPasskey)},
		PerUser: []sync.PerUserRead{{UserMFA: graph.UserMFA{UserID: "ann", State: graph.PerUserEnabled}, Due: day}},
	})
	odd, later := errors.New("odd"), day.Add(time.Hour)
	failed := sync.Batch{}
	for _, id := range []string{"ann", "ben"} {
		failed.Methods = append(failed.Methods, sync.MethodsRead{UserMethods: graph.UserMethods{UserID: id, Err: odd}, Due: later})
		failed.PerUser = append(failed.PerUser, sync.PerUserRead{UserMFA: graph.UserMFA{UserID: id, Err: odd}, Due: later})
	}
	b.keep(failed)
	b.wantPeople("ann methods 1 enabled; ben")
	for _, what := range []sync.Source{sync.Methods, sync.PerUser} {
		b.wantDue(sync.Due{What: what, At: day, Unread: sync.AllUnread}, 9)
		b.wantDue(sync.Due{What: what, At: later}, 9, "ann", "ben")
	}
}

func syncDue(_ *testing.T, b *syncBench) {
	off := members("off", "guest")
	off[0].Enabled, off[1].Guest = false, true
	b.keep(accounts(1, true, "ann", "ben", "cat", "dan", "eve"), sync.Batch{
		Progress: sync.Progress{Source: sync.Accounts, Round: 1}, Accounts: off,
		Methods: []sync.MethodsRead{
			readMethods("ann", day, day.Add(3*time.Hour)), readMethods("ben", day, day.Add(2*time.Hour)), readMethods("cat", day, day.Add(time.Hour)),
			readMethods("off", day, day), readMethods("guest", day, day), readMethods("eve", day, day.Add(9*time.Hour)),
		},
		Outdated: map[string]time.Time{"ben": day.Add(time.Microsecond), "off": day.Add(time.Hour)},
	})
	b.wantDue(sync.Due{What: sync.Methods}, 9, "ben")
	b.wantDue(sync.Due{What: sync.Methods, At: day.Add(time.Hour)}, 9, "ben", "cat")
	b.wantDue(sync.Due{What: sync.Methods, At: day.Add(4 * time.Hour)}, 9, "ben", "cat", "ann")
	b.wantDue(sync.Due{What: sync.Methods, At: day.Add(4 * time.Hour)}, 2, "ben", "cat")
	b.wantDue(sync.Due{What: sync.Methods, At: day.Add(time.Hour), Unread: sync.AllUnread}, 9, "dan", "ben", "cat")
	b.wantDue(sync.Due{What: sync.Methods, At: day.Add(time.Hour), Unread: sync.AllUnread}, 1, "dan")
	b.wantDue(sync.Due{What: sync.PerUser, At: day}, 9)
	b.wantDue(sync.Due{What: sync.PerUser, Unread: sync.AllUnread}, 3, "ann", "ben", "cat")
	if ids, err := b.SyncDue(b.t.Context(), tenant, sync.Due{What: sync.Report}, 9); err == nil {
		b.t.Errorf("SyncDue of the report = %q, want an error", ids)
	}
}

func syncUnread(_ *testing.T, b *syncBench) {
	b.keep(accounts(1, true, "ann", "ben", "cat"), sync.Batch{
		Report:  []graph.Registration{{UserID: "ann"}},
		Methods: []sync.MethodsRead{readMethods("cat", day, day)},
	})
	b.wantDue(sync.Due{What: sync.Methods}, 9)
	b.wantDue(sync.Due{What: sync.Methods, Unread: sync.Unreported}, 9, "ben")
	b.wantDue(sync.Due{What: sync.Methods, Unread: sync.AllUnread}, 9, "ann", "ben")
}

func syncOutdated(_ *testing.T, b *syncBench) {
	later := day.Add(time.Hour)
	b.keep(accounts(1, true, "ann", "ben", "cat", "dan"), sync.Batch{Methods: []sync.MethodsRead{
		readMethods("ann", day, later), readMethods("ben", day, later), readMethods("cat", day, later),
	}})
	b.keep(sync.Batch{Outdated: map[string]time.Time{"ann": day.Add(time.Microsecond), "ben": day, "dan": day}})
	b.wantDue(sync.Due{What: sync.Methods}, 9, "ann", "dan")
	b.keep(sync.Batch{Methods: []sync.MethodsRead{readMethods("ann", later, later.Add(time.Hour))}})
	b.wantDue(sync.Due{What: sync.Methods}, 9, "dan")
	b.keep(sync.Batch{AllOutdated: true})
	b.wantDue(sync.Due{What: sync.Methods}, 9, "ann", "ben", "cat", "dan")
	b.wantPeople("ann methods 0; ben methods 0; cat methods 0; dan")
}

func syncLegacy(t *testing.T, b *syncBench) {
	midnight := day.Truncate(24 * time.Hour)
	days := func(from, since int, rows ...int) sync.Batch {
		l := &sync.LegacyDays{From: midnight.AddDate(0, 0, from).Add(3 * time.Hour), Since: midnight.AddDate(0, 0, since).Add(3 * time.Hour)}
		for _, n := range rows {
			l.Rows = append(l.Rows, rollout.LegacyUse{UserID: "ann", Client: "POP", Day: midnight.AddDate(0, 0, n), Blocked: 1})
		}
		return sync.Batch{Legacy: l}
	}
	want := func(want ...int) {
		t.Helper()
		var got []int
		for _, u := range b.load(time.Time{}).Legacy {
			got = append(got, int(u.Day.Sub(midnight)/(24*time.Hour)))
		}
		if !slices.Equal(got, want) {
			t.Errorf("days: got %v, want %v", got, want)
		}
	}
	b.keep(days(-7, -30, -7, -3, -1, 0))
	want(-7, -3, -1, 0)
	b.keep(days(-1, -30, -1, 0), days(-1, -30, -1, 0)) // reading twice doubles nothing
	want(-7, -3, -1, 0)
	one := days(-3, -30)
	one.Legacy.Until = midnight.AddDate(0, 0, -1) // a day that is read for itself leaves later ones
	b.keep(one)
	want(-7, -1, 0)
	b.keep(days(0, -3))
	want(-1)
}

func syncProgress(t *testing.T, b *syncBench) {
	report := sync.Progress{Source: sync.Report, Began: day, Cursor: "page 2", Round: 1}
	mail := sync.Progress{Source: sync.MailApps, Done: day}
	b.keep(sync.Batch{Progress: report}, sync.Batch{Progress: mail}, sync.Batch{Accounts: members("ann")})
	report.Done, report.Began, report.Cursor = day, time.Time{}, ""
	b.keep(sync.Batch{Progress: report})
	got, err := b.SyncProgress(t.Context(), tenant)
	if want := map[sync.Source]sync.Progress{sync.Report: report, sync.MailApps: mail}; err != nil || !maps.Equal(got, want) {
		t.Errorf("progress: got %+v, %v; want %+v", got, err, want)
	}
	if got, err := b.SyncProgress(t.Context(), "another"); err != nil || len(got) != 0 {
		t.Errorf("another tenant's progress: got %+v, %v; want none", got, err)
	}
}

func syncFence(t *testing.T, b *syncBench) {
	if again := b.lead(tenant, "one"); again != b.lease {
		t.Errorf("the same owner leads again: got %+v, want %+v", again, b.lease)
	}
	old := b.lease
	l, ok, err := b.LeadSync(t.Context(), tenant, "two", time.Minute)
	if err != nil || ok && l.Fence <= old.Fence {
		t.Fatalf("LeadSync of another = %+v, %v, %v; want no or a higher fence", l, ok, err)
	}
	if !ok {
		return // another process may use this database, so the lease has to end first
	}
	if err := b.KeepSync(t.Context(), old, accounts(1, true, "ann")); !errors.Is(err, sync.ErrLost) {
		t.Errorf("KeepSync under the old lease = %v, want ErrLost", err)
	}
	b.wantPeople("")
	b.lease = l
	b.keep(accounts(1, true, "ann"))
	b.wantPeople("ann")
}

func syncTenants(t *testing.T, b *syncBench) {
	b.keep(accounts(1, true, "ann"), sync.Batch{Methods: []sync.MethodsRead{readMethods("ann", day, day)}})
	before := b.load(time.Time{})
	mine := b.lease
	b.lease = b.lead("another", "one")
	b.keep(accounts(9, true, "ann", "zoe"), accounts(10, true), sync.Batch{
		AllOutdated: true, Removed: []string{"ann"}, Legacy: &sync.LegacyDays{}, MailApps: &graph.EmailAppUse{},
	})
	b.lease = mine
	wantSame(t, "stored", b.load(time.Time{}), before)
	b.wantDue(sync.Due{What: sync.Methods}, 9)
	if all, err := b.LoadSync(t.Context(), "another", time.Time{}); err != nil || len(all.People) != 0 || all.MailApps == nil {
		t.Errorf("the other tenant: got %+v, %v; want a mail report alone", all, err)
	}
}

func syncRefused(t *testing.T, b *syncBench) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.KeepSync(ctx, b.lease, accounts(1, true, "ann")); err == nil {
		b.wantPeople("ann") // who does not look at the context has stored all of it
		return
	}
	b.wantPeople("")
}

func syncAccountAgain(_ *testing.T, b *syncBench) {
	b.keep(accounts(1, true, "ann"), sync.Batch{
		Report: []graph.Registration{{UserID: "ann"}}, Methods: []sync.MethodsRead{readMethods("ann", day, day)},
		PerUser: []sync.PerUserRead{{UserMFA: graph.UserMFA{UserID: "ann", State: graph.PerUserDisabled}}}, LastSignIns: []graph.LastSignIn{{UserID: "ann"}},
	})
	b.keep(sync.Batch{Progress: sync.Progress{Source: sync.Accounts, Round: 1}, Accounts: []graph.User{{ID: "ann", Name: "Ann the Second", Enabled: true}}})
	b.wantPeople("ann report methods 0 disabled seen")
	if got := b.load(time.Time{}).People[0].Name; got != "Ann the Second" {
		b.t.Errorf("name: got %q, want the newer one", got)
	}
}

func syncChangesListed(_ *testing.T, b *syncBench) {
	b.keep(accounts(1, true, "ann"))
	b.keep(sync.Batch{Progress: sync.Progress{Source: sync.Accounts, Round: 1}, Accounts: members("ben")})
	b.keep(accounts(1, true)) // the end of the same reading, once more
	b.wantPeople("ann; ben")
}
