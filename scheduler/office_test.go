package scheduler

import (
	"context"
	"fmt"
	"time"

	"twokey/chat"
	"twokey/graph"
	"twokey/graph/rollout"
)

// office is a tenant to be read: invented people, of whom so many in each
// department are registered as are said.
type office struct {
	at          time.Time
	departments []department
	admins      int // of the people, the first: registered with an app alone
	phones      int // of the registered, the next: with a phone alone
	unread      int // of the people, the last: their methods could not be read
	enforced    int // of the people, the first: by the old per-user setting
	unasked     int // of the people, the last: that setting has not been read yet
	legacy      []graph.SignIn
	p1          bool
	defaults    bool               // security defaults are on
	mail        *graph.EmailAppUse // without P1; nil: not read
	failed      map[string]error
}

type department struct {
	name               string
	people, registered int
}

// at47 is a Monday, when the digest of 2026-W47 is due.
var at47 = time.Date(2026, time.November, 16, 8, 0, 0, 0, time.UTC)

// newOffice has 60 people, 30 of them registered, on P1.
func newOffice(at time.Time) office {
	return office{
		at: at, p1: true, admins: 2, phones: 6,
		departments: []department{{"Sales", 18, 14}, {"Warehouse", 20, 3}, {"Finance", 12, 9}, {"IT", 6, 3}, {"Legal", 4, 1}},
		legacy:      signIns(at, map[string]int{"Authenticated SMTP": 12, "IMAP4": 30}),
	}
}

// signIns are so many by each client, half of them blocked attempts on top.
func signIns(at time.Time, clients map[string]int) (all []graph.SignIn) {
	for client, n := range clients {
		for i := range n + n/2 {
			s := graph.SignIn{UserID: id(i % 3), UPN: upn(i % 3), Client: client, At: at.Add(-time.Hour)}
			if i >= n {
				s.ErrorCode = 50126
			}
			all = append(all, s)
		}
	}
	return all
}

func id(i int) string   { return fmt.Sprintf("00000000-0000-4000-8000-%012d", i) }
func upn(i int) string  { return fmt.Sprintf("zebedee.quill%d@harbour.example", i) }
func name(i int) string { return fmt.Sprintf("Zebedee Quill the %dth", i) }

// read returns the office as one reading of it.
func (o office) read(context.Context) rollout.Facts {
	var users []graph.User
	var rows []graph.Registration
	var methods []graph.UserMethods
	var holders []graph.RoleHolder
	var perUser []graph.UserMFA
	phones := o.phones
	for _, d := range o.departments {
		for n := range d.people {
			i := len(users)
			users = append(users, graph.User{ID: id(i), Name: name(i), UPN: upn(i), Mail: upn(i), Department: d.name, Enabled: true})
			row, m := graph.Registration{UserID: id(i), AsOf: o.at}, graph.UserMethods{UserID: id(i)}
			if n < d.registered {
				row.Registered, row.Capable = true, true
				row.Methods, m.Methods = []string{"microsoftAuthenticatorPush"}, []graph.Method{{Kind: graph.MethodAuthenticator}}
				if i >= o.admins && phones > 0 {
					phones--
					row.Methods, m.Methods = []string{"mobilePhone"}, []graph.Method{{Kind: graph.MethodPhone}}
				} else if i >= o.admins && i%2 == 0 {
					row.Methods, m.Methods = append(row.Methods, "fido2"), append(m.Methods, graph.Method{Kind: graph.MethodPasskey})
				}
			}
			if i < o.admins {
				holders = append(holders, graph.RoleHolder{UserID: id(i), Roles: []graph.Role{{Name: "Global Administrator"}}})
			}
			rows, methods = append(rows, row), append(methods, m)
			setting := graph.PerUserDisabled
			if i < o.enforced {
				setting = graph.PerUserEnforced
			}
			perUser = append(perUser, graph.UserMFA{UserID: id(i), State: setting})
		}
	}
	perUser = perUser[:len(perUser)-o.unasked]
	for i := range o.unread {
		methods[len(methods)-1-i] = graph.UserMethods{UserID: methods[len(methods)-1-i].UserID, Err: &graph.Error{Kind: graph.KindThrottled}}
	}
	noLicence := error(&graph.Error{Kind: graph.KindNoLicence})
	f := rollout.Facts{
		AsOf: o.at, LegacySince: o.at.Add(-rollout.LegacyWindow),
		Users: from(o, "users", users), RoleHolders: from(o, "roles", holders), Policies: rollout.From[[]graph.Policy](nil, noLicence),
		SecurityDefaults: from(o, "defaults", graph.SecurityDefaults{Enabled: o.defaults}),
		PerUserMFA:       from(o, "per-user", perUser),
	}
	if o.p1 {
		f.Policies = from(o, "policies", []graph.Policy{})
		f.Registrations, f.LegacyUse = from(o, "report", rows), from(o, "sign-ins", rollout.SumSignIns(o.legacy))
		return f
	}
	f.Registrations, f.LegacyUse = rollout.From[[]graph.Registration](nil, noLicence), rollout.From[[]rollout.LegacyUse](nil, noLicence)
	f.Methods = from(o, "methods", methods)
	if o.mail != nil {
		f.EmailApps = from(o, "mail", *o.mail)
	}
	return f
}

// from is a source that fails if the office says so, under its name or "all".
func from[T any](o office, name string, value T) rollout.Source[T] {
	if err := o.failed[name]; err != nil {
		return rollout.From(value, err)
	}
	return rollout.From(value, o.failed["all"])
}

// week sums the office up as that of a stored week.
func (o office) week() rollout.Week {
	f := o.read(context.Background())
	return rollout.NewWeek(rollout.ISOWeek(o.at.UTC()), rollout.NewFunnel(f, rollout.Scope{}), rollout.NewLegacy(f, rollout.Scope{}))
}

// weeksAgo is the office as it was: fewer were registered, and there were more
// legacy sign-ins.
func (o office) weeksAgo(n int) office {
	o.at = o.at.AddDate(0, 0, -7*n)
	o.departments = append([]department(nil), o.departments...)
	for i := range o.departments {
		o.departments[i].registered = max(0, o.departments[i].registered-n)
	}
	o.phones = max(0, o.phones-n)
	o.legacy = signIns(o.at, map[string]int{"Authenticated SMTP": 12 + n, "IMAP4": 30 + 2*n})
	return o
}

// desk is a digester over the office with a memory of its past.
type desk struct {
	*Digester
	memory *memory
	office office
}

// newDesk remembers the weeks that the numbers ago say.
func newDesk(o office, ago ...int) *desk {
	d := &desk{office: o}
	d.memory = newMemory(func() time.Time { return d.office.at })
	d.Digester = &Digester{
		Tenant: "the-tenant", Name: "Harbour & Vale", Store: d.memory, Now: d.memory.now,
		Facts: func(ctx context.Context) rollout.Facts { return d.office.read(ctx) },
		To:    chat.Address{Platform: "p", Channel: "team"},
		Due:   Weekly{Day: time.Monday, Hour: 9, Zone: must(time.LoadLocation("Europe/Madrid"))},
	}
	for _, n := range ago {
		w := o.weeksAgo(n).week()
		d.memory.weeks[w.Week] = w
	}
	return d
}

// compose returns the digest of the office's week, as the clock would post it.
func (d *desk) compose() Digest {
	slot := SlotAt(d.Tenant, DigestJob, d.Due, d.office.at)
	return must(d.Digester.compose(context.Background(), slot, "twokey")).Digest
}
