package sync

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"twokey/graph"
)

// tenant is a small tenant that can be changed, slowed and broken. Its logs and
// its report are late like the real ones', and its reads may be behind.
type tenant struct {
	licence graph.Licence
	page    int           // rows in a page
	lag     time.Duration // of the audit log
	behind  time.Duration // of reads of methods
	asOf    time.Duration // how old the report's rows are
	delay   time.Duration // of every answer
	groups  map[string][]string
	policy  graph.MethodsPolicy
	signIns []graph.SignIn
	mail    graph.EmailAppUse

	// before is asked before every call, named like its method, and may fail it.
	before func(ctx context.Context, call string) error

	mu      sync.Mutex
	now     time.Time
	users   map[string]graph.User
	held    map[string][]holding // methods since when
	changed []string             // IDs, a place in it is a delta token
	expired int                  // tokens before this place are refused
	cursors int                  // the tenant forgets cursors with another number
	audits  []graph.Audit
	asked   []string // calls with what they asked for
}

type holding struct {
	at      time.Time
	methods []graph.Method
}

var _ Reader = (*tenant)(nil)

var start = time.Date(2026, time.November, 23, 6, 10, 0, 0, time.UTC)

// newTenant has n members u000, u001, …, every second of whom is registered,
// a guest and a disabled account.
func newTenant(l graph.Licence, n int) *tenant {
	t := &tenant{
		licence: l, page: 7, now: start, users: make(map[string]graph.User), held: make(map[string][]holding),
		mail: graph.EmailAppUse{Period: graph.Days30, Refreshed: midnight(start)},
	}
	for i := range n {
		id := fmt.Sprintf("u%03d", i)
		t.hire(graph.User{ID: id, Name: "Name of " + id, UPN: id + "@x", Enabled: true})
		if i%2 == 0 {
			t.held[id] = []holding{{start.Add(-30 * 24 * time.Hour), []graph.Method{{ID: "p", Kind: graph.MethodPasskey}}}}
		}
	}
	t.hire(graph.User{ID: "guest", Enabled: true, Guest: true})
	t.hire(graph.User{ID: "off"})
	return t
}

// hire makes or changes an account.
func (t *tenant) hire(u graph.User) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.users[u.ID] = u
	t.changed = append(t.changed, u.ID)
}

// fire deletes an account. Whoever is restored has their methods again.
func (t *tenant) fire(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.users, id)
	t.changed = append(t.changed, id)
}

// register sets somebody's methods, and says so in the log.
func (t *tenant) register(id string, kinds ...graph.MethodKind) {
	t.mu.Lock()
	defer t.mu.Unlock()
	h := holding{at: t.now}
	for i, k := range kinds {
		h.methods = append(h.methods, graph.Method{ID: strconv.Itoa(i), Kind: k})
	}
	t.held[id] = append(t.held[id], h)
	t.audits = append(t.audits, graph.Audit{
		At: t.now, Service: graph.ServiceMethods, Activity: "User registered security info",
		Targets: []graph.AuditTarget{{ID: id, Type: "User"}},
	})
}

func (t *tenant) advance(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now = t.now.Add(d)
}

func (t *tenant) clock() time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.now
}

// forget makes delta tokens and cursors that were given out invalid.
func (t *tenant) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expired, t.cursors = len(t.changed), t.cursors+1
}

// call begins every call.
func (t *tenant) call(ctx context.Context, call string, about ...string) error {
	t.mu.Lock()
	t.asked = append(t.asked, strings.TrimSpace(call+" "+strings.Join(about, " ")))
	before := t.before
	t.mu.Unlock()
	if t.delay > 0 {
		select {
		case <-time.After(t.delay):
		case <-ctx.Done():
		}
	}
	if err := ctx.Err(); err != nil {
		return &graph.Error{Kind: graph.KindNotSent, Op: call, Err: err}
	}
	if before != nil {
		return before(ctx, call)
	}
	return nil
}

// calls are what was asked since the last time, without the times.
func (t *tenant) calls() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	asked := t.asked
	t.asked = nil
	return asked
}

func noLicence(op string) error { return &graph.Error{Kind: graph.KindNoLicence, Op: op} }

func (t *tenant) Organization(ctx context.Context) (graph.Organization, error) {
	return graph.Organization{ID: "tenant"}, t.call(ctx, "Organization")
}

func (t *tenant) Licence(ctx context.Context) (graph.Licence, error) {
	return t.licence, t.call(ctx, "Licence")
}

func (t *tenant) SecurityDefaults(ctx context.Context) (graph.SecurityDefaults, error) {
	return graph.SecurityDefaults{Enabled: true}, t.call(ctx, "SecurityDefaults")
}

func (t *tenant) Policies(ctx context.Context) ([]graph.Policy, error) {
	return []graph.Policy{
		{State: graph.PolicyEnabled, Users: graph.PolicyUsers{IncludeUsers: []string{"All"}, ExcludeGroups: []string{"spared"}}},
		{State: graph.PolicyDisabled, Users: graph.PolicyUsers{IncludeGroups: []string{"of no interest"}}},
	}, t.call(ctx, "Policies")
}

func (t *tenant) MethodsPolicy(ctx context.Context) (graph.MethodsPolicy, error) {
	return t.policy, t.call(ctx, "MethodsPolicy")
}

func (t *tenant) RoleHolders(ctx context.Context) ([]graph.RoleHolder, error) {
	return []graph.RoleHolder{}, t.call(ctx, "RoleHolders")
}

func (t *tenant) GroupMembers(ctx context.Context, id string) ([]string, error) {
	return t.groups[id], t.call(ctx, "GroupMembers", id)
}

// slice is one page of a sorted list of IDs, and where the next one begins.
func (t *tenant) slice(ids []string, from graph.Cursor) ([]string, graph.Cursor, error) {
	number, after, _ := strings.Cut(string(from), " ")
	if from != "" && number != strconv.Itoa(t.cursors) {
		return nil, "", &graph.Error{Kind: graph.KindRefused, Op: "page"}
	}
	at, found := slices.BinarySearch(ids, after)
	if found {
		at++
	}
	rows := ids[at:min(len(ids), at+t.page)]
	if at+t.page >= len(ids) {
		return rows, "", nil
	}
	return rows, graph.Cursor(fmt.Sprintf("%d %s", t.cursors, rows[len(rows)-1])), nil
}

func (t *tenant) UserPage(ctx context.Context, from graph.Cursor) (rows []graph.User, next graph.Cursor, err error) {
	if err := t.call(ctx, "UserPage", string(from)); err != nil {
		return nil, "", err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	ids, next, err := t.slice(slices.Sorted(maps.Keys(t.users)), from)
	for _, id := range ids {
		rows = append(rows, t.users[id])
	}
	return rows, next, err
}

func (t *tenant) UserChanges(ctx context.Context, since graph.DeltaToken) (c graph.UserChanges, err error) {
	if err := t.call(ctx, "UserChanges"); err != nil {
		return c, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	c.Next = graph.DeltaToken(fmt.Sprint(len(t.changed)))
	if since == "" {
		return c, nil
	}
	at, err := strconv.Atoi(string(since))
	if err != nil || at < t.expired {
		return graph.UserChanges{Expired: true}, err
	}
	for _, id := range t.changed[at:] {
		if u, there := t.users[id]; there {
			c.Changed = append(c.Changed, u)
		} else {
			c.Removed = append(c.Removed, id)
		}
	}
	return c, nil
}

// methods are somebody's at a moment.
func (t *tenant) methods(id string, at time.Time) []graph.Method {
	for _, h := range slices.Backward(t.held[id]) {
		if !h.at.After(at) {
			return h.methods
		}
	}
	return nil
}

var reportNames = map[graph.MethodKind]string{graph.MethodPasskey: "fido2", graph.MethodPhone: "mobilePhone", graph.MethodAuthenticator: "microsoftAuthenticatorPush"}

func (t *tenant) RegistrationPage(ctx context.Context, from graph.Cursor) (rows []graph.Registration, next graph.Cursor, err error) {
	if err := cmp.Or(t.call(ctx, "RegistrationPage", string(from)), t.needsP1()); err != nil {
		return nil, "", err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	ids, next, err := t.slice(slices.Sorted(maps.Keys(t.users)), from)
	asOf := t.now.Add(-t.asOf)
	for _, id := range ids {
		if strings.HasSuffix(id, "9") { // some are missing in real reports too
			continue
		}
		row := graph.Registration{UserID: id, AsOf: asOf}
		for _, m := range t.methods(id, asOf) {
			row.Methods = append(row.Methods, reportNames[m.Kind])
		}
		row.Registered, row.Capable = len(row.Methods) > 0, len(row.Methods) > 0
		rows = append(rows, row)
	}
	return rows, next, err
}

func (t *tenant) needsP1() error {
	if t.licence < graph.P1 {
		return noLicence("report")
	}
	return nil
}

func (t *tenant) Audits(ctx context.Context, q graph.AuditQuery) (lines []graph.Audit, err error) {
	if err := t.call(ctx, "Audits"); err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	retention := 7 * 24 * time.Hour
	if t.licence >= graph.P1 {
		retention = 30 * 24 * time.Hour
	}
	for _, a := range t.audits {
		if a.Service == q.Service && !a.At.Before(q.Since) && !a.At.Before(t.now.Add(-retention)) && !a.At.Add(t.lag).After(t.now) {
			lines = append(lines, a)
		}
	}
	return lines, nil
}

func (t *tenant) Methods(ctx context.Context, ids []string) (read []graph.UserMethods, err error) {
	if err := t.call(ctx, "Methods", ids...); err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, id := range ids {
		m := graph.UserMethods{UserID: id, Methods: t.methods(id, t.now.Add(-t.behind))}
		if _, there := t.users[id]; !there {
			m = graph.UserMethods{UserID: id, Err: &graph.Error{Kind: graph.KindNotFound}}
		}
		read = append(read, m)
	}
	return read, nil
}

func (t *tenant) PerUserMFA(ctx context.Context, ids []string) (read []graph.UserMFA, err error) {
	if err := t.call(ctx, "PerUserMFA", ids...); err != nil {
		return nil, err
	}
	for _, id := range ids {
		read = append(read, graph.UserMFA{UserID: id, State: graph.PerUserDisabled})
	}
	return read, nil
}

func (t *tenant) LastSignIns(ctx context.Context) (rows []graph.LastSignIn, err error) {
	if err := cmp.Or(t.call(ctx, "LastSignIns"), t.needsP1()); err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for id := range t.users {
		rows = append(rows, graph.LastSignIn{UserID: id, At: start.Add(-time.Hour)})
	}
	return rows, nil
}

func (t *tenant) EachLegacySignIn(ctx context.Context, since, until time.Time, each func(graph.SignIn) error) error {
	if err := cmp.Or(t.call(ctx, "EachLegacySignIn", since.Format(time.DateOnly)), t.needsP1()); err != nil {
		return err
	}
	for _, in := range t.signIns {
		if in.At.Before(since) || !until.IsZero() && !in.At.Before(until) || in.At.Add(t.lag).After(t.clock()) {
			continue
		}
		if err := each(in); err != nil {
			return err
		}
	}
	return nil
}

func (t *tenant) EmailAppUse(ctx context.Context, p graph.EmailAppPeriod) (graph.EmailAppUse, error) {
	if p != t.mail.Period {
		return graph.EmailAppUse{}, errors.New("another period")
	}
	use := t.mail
	use.Rows = slices.Clone(use.Rows)
	return use, t.call(ctx, "EmailAppUse")
}
