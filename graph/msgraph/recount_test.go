package msgraph_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"

	"twokey/graph"
	"twokey/graph/msgraph"
	"twokey/graph/rollout"
	"twokey/graph/simtenant"
	"twokey/graph/sync"
)

// recounted is a tenant drawn by its number, with what was done to it.
type recounted struct {
	plain
	licence graph.Licence
	scope   rollout.Scope
	unread  map[string]bool // people whose methods are refused, and who have no row in a report
	rules   rules
	holders []graph.RoleHolder
	log     []object          // of sign-ins, as far as the licence goes
	mail    []object          // of mailboxes, and what they were used with
	names   map[string]string // IDs by UPN in lower case
	rows    map[string]bool   // whom the registration report lists
	people  map[string]bool   // in scope
	cases   map[string]int    // that came, by name
	// concealed: the report of mailboxes hides whose they are.
	concealed bool
	refused   map[string]bool // what else is refused, by the names that draw gives it
	rowless   int             // people who are in no report yet
	renamed   int
	at        time.Time
	sim       *simtenant.Tenant
}

// draw makes a small tenant with disabled, renamed, deleted and new accounts,
// declared and excepted people, and some whose methods cannot be read. Its report
// may be behind: then it has no row of those who are new, one of those who are
// gone, and the others' former names.
func draw(t *testing.T, number uint64) recounted {
	t.Helper()
	r := rand.New(rand.NewPCG(number, 6))
	tenant := recounted{
		licence: []graph.Licence{graph.Free, graph.P1, graph.P2}[r.IntN(3)],
		scope:   rollout.Scope{Declared: map[string]rollout.Purpose{}, Exceptions: map[string]time.Time{}},
		unread:  map[string]bool{}, refused: map[string]bool{}, people: map[string]bool{}, cases: map[string]int{}, at: noon(),
	}
	var err error
	// What is ruled is ruled so early that every row of the report is made after it,
	// or so early that no report speaks of what was before.
	age := reportAge
	if r.IntN(3) == 0 {
		age = 40 * 24 * time.Hour
	}
	early := func() time.Time { return noon().Add(-age) }
	tenant.sim, err = simtenant.New(simtenant.Config{
		People: 7 + r.IntN(12), Licence: tenant.licence, Seed: number, Epoch: noon(), Now: early, ConcealNames: r.IntN(3) == 0,
	})
	if err != nil {
		t.Fatal(err)
	}
	tenant.plain = plain{t, newServer(t, tenant.sim)}
	users := tenant.list("/v1.0/users?$top=999&$select=id,displayName,accountEnabled,userType")
	one := func() string { return users[r.IntN(len(users))].text("id") }
	tenant.rule(one, r)
	tenant.sim.Advance(age)
	for range r.IntN(3) {
		tenant.send(http.MethodPatch, "/v1.0/users/"+one(), map[string]any{"accountEnabled": false})
	}
	late := tenant.licence >= graph.P1 && r.IntN(2) == 0
	var faults []map[string]any
	refuse := func(id string) {
		tenant.unread[id] = true
		faults = append(faults, map[string]any{"method": "GET", "path": "/users/" + id + "/authentication/methods", "status": 403})
	}
	tenant.rename(users, r)
	if r.IntN(3) == 0 {
		tenant.send(http.MethodDelete, "/v1.0/users/"+one(), nil)
	}
	for i := range r.IntN(3) {
		name := fmt.Sprintf("new%d-%d", number, i)
		tenant.send(http.MethodPost, "/v1.0/users", map[string]any{
			"accountEnabled": true, "displayName": name, "mailNickname": name, "userPrincipalName": name + "@" + tenant.domain(),
			"passwordProfile": map[string]any{"password": "aLongOne-2026!"},
		})
		if late {
			tenant.rowless++
			if r.IntN(2) == 0 { // of whom the methods would tell
				refuse(tenant.get("/v1.0/users/" + name + "@" + tenant.domain()).text("id"))
			}
		}
	}
	purposes := []rollout.Purpose{rollout.Service, rollout.Shared, rollout.Room, rollout.Sync, rollout.Emergency}
	for range r.IntN(5) {
		tenant.scope.Declared[one()] = purposes[r.IntN(len(purposes))]
	}
	for range r.IntN(3) {
		tenant.scope.Exceptions[one()] = tenant.at.AddDate(0, 0, r.IntN(3)-1)
	}
	if tenant.licence == graph.Free && r.IntN(2) == 0 {
		for range 1 + r.IntN(3) {
			refuse(one())
		}
	}
	tenant.rules, tenant.holders = tenant.readRules(), tenant.roleHolders()
	tenant.readLogs()
	faults = append(faults, tenant.refuse(one, r)...)
	if late {
		faults = append(faults, map[string]any{"path": "/reports/authenticationMethods/userRegistrationDetails*", "stale_s": 60})
	}
	if len(faults) > 0 {
		tenant.send(http.MethodPost, "/_sim/faults", faults)
	}
	return tenant
}

// rename gives some people the name of somebody else, and a UPN that nobody had.
func (r *recounted) rename(users []object, by *rand.Rand) {
	for i := range by.IntN(4) {
		whom, other := users[by.IntN(len(users))], users[by.IntN(len(users))]
		name := r.send(http.MethodPatch, "/v1.0/users/"+whom.text("id"), map[string]any{"displayName": other.text("displayName")})
		upn := r.send(http.MethodPatch, "/v1.0/users/"+whom.text("id"), map[string]any{"userPrincipalName": fmt.Sprintf("renamed%d@%s", i, r.domain())})
		if name && upn {
			r.renamed++
		}
	}
}

func (r recounted) domain() string {
	return r.get("/v1.0/organization")["value"].([]any)[0].(map[string]any)["verifiedDomains"].([]any)[0].(map[string]any)["name"].(string)
}

// send changes the tenant, and reports whether that was not refused.
func (r recounted) send(method, address string, body any) bool {
	r.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		r.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.root+address, bytes.NewReader(text))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer plain")
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	done := res.StatusCode/100 == 2
	// An administrator is not blocked by an app, and who is kept on-premises not renamed.
	if refused := res.StatusCode == http.StatusForbidden || res.StatusCode == http.StatusBadRequest && method == http.MethodPatch; !done && !refused {
		r.t.Fatalf("%s %s: %s", method, address, res.Status)
	}
	return done
}

// tally is a count by hand: yes of so many, of whom some are not known.
type tally struct{ yes, unknown, of int }

// recount counts person by person in the plainest way, from what the tenant
// itself holds: neither the SDK nor a report has a part in it.
func (r recounted) recount() map[rollout.ID]tally {
	r.t.Helper()
	counts := map[rollout.ID]tally{}
	add := func(id rollout.ID, yes, known bool) {
		c := counts[id]
		c.of++
		switch {
		case !known:
			c.unknown++
		case yes:
			c.yes++
		}
		counts[id] = c
	}
	sync := map[string]bool{}
	admin := map[string]bool{}
	for _, h := range r.holders {
		admin[h.UserID] = true
		sync[h.UserID] = slices.ContainsFunc(h.Roles, graph.Role.Synchronises)
	}
	for _, u := range r.list("/v1.0/users?$top=999&$select=id,accountEnabled,userType") {
		id := u.text("id")
		end, excepted := r.scope.Exceptions[id]
		person := u.flag("accountEnabled") && u.text("userType") != "Guest" && r.scope.Declared[id] == "" && !sync[id] && !(excepted && end.After(r.at))
		add(rollout.InScope, person, true)
		add(rollout.Enabled, u.flag("accountEnabled"), true)
		if r.people[id] = person; !person {
			continue
		}
		by, sure := r.demands(id, admin[id])
		add(rollout.Enforced, by == demanded, sure)
		phones, lasting, resistant, foreign, known := 0, 0, 0, false, !r.unread[id]
		able, ableKnown := false, known
		if known {
			methods := r.methods(id)
			able, ableKnown = r.capable(id, methods)
			for _, m := range methods {
				switch m.Kind {
				case graph.MethodPhone:
					phones++
				case graph.MethodExternal:
					if r.licence == graph.Free {
						lasting++
					} else { // the report counts it, and does not say what it is worth
						foreign = true
					}
				case graph.MethodPasskey, graph.MethodWindowsHello, graph.MethodPlatformCredential:
					lasting++
					resistant++
				case graph.MethodAuthenticator, graph.MethodSoftwareOATH:
					lasting++
				default:
				}
			}
		}
		add(rollout.Capable, able, ableKnown)
		add(rollout.Registered, phones+lasting > 0 || foreign, known)
		if admin[id] {
			add(rollout.AdminsNoMethod, phones+lasting == 0 && !foreign, known)
		}
		known = known && (phones+lasting > 0 || !foreign)
		add(rollout.NotPhoneOnly, lasting > 0, known)
		add(rollout.PhoneOnly, phones > 0 && lasting == 0, known)
		add(rollout.PhishingResistant, resistant > 0, known)
		if r.licence == graph.Free { // a report does not say how many apps somebody has
			add(rollout.Backup, lasting > 1, known)
		}
	}
	return counts
}

// TestFiguresEqualTheTenant reads 200 random tenants through the whole chain and
// holds each figure to a count by hand of what the tenant holds; and that what is
// not known is never 0.
func TestFiguresEqualTheTenant(t *testing.T) {
	t.Parallel()
	tenants := uint64(200)
	if testing.Short() {
		tenants = 40
	}
	var unread, without, checked, renamed, late int
	kinds := map[string]int{} // how often each of the cases came that have to come
	for number := range tenants {
		r := draw(t, number+1)
		want := r.recount()
		renamed += r.renamed
		late += r.rowless
		c := client(t, msgraph.Config{BaseURL: r.root + "/v1.0", Credential: msgraph.StaticToken("recount"), Unbudgeted: true, Now: noon})
		facts := sync.Read(t.Context(), c, noon)
		funnel := rollout.NewFunnel(facts, r.scope)
		for name, n := range r.cases {
			kinds[name] += n
		}
		legacy := rollout.NewLegacy(facts, r.scope)
		for id, n := range r.recountLegacy() {
			checked++
			if got := legacy.Get(id); n.text() != told(got) {
				t.Errorf("tenant %d, %v: %s is %q, want %q", number+1, r.licence, id, told(got), n.text())
			}
			kinds[n.kind(id)]++
		}
		for id, n := range want {
			got := funnel.Get(id)
			value, known := got.Value()
			checked++
			switch {
			case id == rollout.InScope || id == rollout.Enabled:
				if !known || int(value) != n.yes {
					t.Errorf("tenant %d, %v: %s is %v, want %d", number+1, r.licence, id, got, n.yes)
				}
			case !known:
				without++
				if n.unknown == 0 || n.yes > 0 || got.Reason() == "" {
					t.Errorf("tenant %d, %v: %s has no value (%q), want %+v", number+1, r.licence, id, got.Reason(), n)
				}
			case n.yes == 0 && n.unknown*20 > n.of:
				t.Errorf("tenant %d, %v: %s is 0 though %d of %d are not known", number+1, r.licence, id, n.unknown, n.of)
			case int(value) != n.yes || got.Unknown != n.unknown || got.Of != n.of:
				t.Errorf("tenant %d, %v: %s is %v of %d with %d unknown, want %+v", number+1, r.licence, id, value, got.Of, got.Unknown, n)
			}
			unread += n.unknown
			if id == rollout.Capable || id == rollout.Enforced {
				for kind, m := range map[string]int{" yes": n.yes, " unknown": n.unknown, " no": n.of - n.yes - n.unknown} {
					kinds[string(id)+kind] += m
				}
			}
		}
		if err := r.sim.Close(); err != nil {
			t.Error(err)
		}
	}
	if unread == 0 || without == 0 || renamed == 0 || late == 0 {
		t.Errorf("%d unread people, %d figures without a value, %d people renamed and %d without a row among %d: the tenants are too tame", unread, without, renamed, late, checked)
	}
	for _, kind := range casesOfRules() {
		if kinds[kind] == 0 {
			t.Errorf("%s: never, among %v: the tenants are too tame", kind, kinds)
		}
	}
	t.Log(kinds)
	t.Logf("%d tenants, %d people renamed, %d without a row in the report; %d figures, %d times somebody could not be read, %d without a value", tenants, renamed, late, checked, unread, without)
}
