package rollout

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"twokey/graph"
)

// tenant builds a reading person by person.
type tenant struct {
	users   []graph.User
	rows    []graph.Registration
	methods []graph.UserMethods
	holders []graph.RoleHolder
}

func (tn *tenant) person(id string, methods ...graph.MethodKind) *tenant {
	tn.users = append(tn.users, graph.User{ID: id, Enabled: true, Department: "Sales"})
	um := graph.UserMethods{UserID: id}
	for _, k := range methods {
		um.Methods = append(um.Methods, graph.Method{Kind: k})
	}
	tn.methods = append(tn.methods, um)
	return tn
}

func (tn *tenant) row(id string, registered, capable bool, methods ...string) *tenant {
	tn.users = append(tn.users, graph.User{ID: id, Enabled: true})
	tn.rows = append(tn.rows, graph.Registration{UserID: id, Registered: registered, Capable: capable, Methods: methods})
	return tn
}

var errLicence = &graph.Error{Kind: graph.KindNoLicence}

func (tn *tenant) onMethods() Facts {
	return Facts{
		AsOf: monday47, Users: From(tn.users, nil), RoleHolders: From(tn.holders, nil),
		Registrations: From[[]graph.Registration](nil, errLicence), Methods: From(tn.methods, nil),
	}
}

func (tn *tenant) onReport() Facts {
	return Facts{
		AsOf: monday47, Users: From(tn.users, nil), RoleHolders: From(tn.holders, nil),
		Registrations: From(tn.rows, nil),
	}
}

func expect(t *testing.T, fs Figures, want map[ID]string) {
	t.Helper()
	for id, text := range want {
		if got := fs.Get(id).String(); got != text {
			t.Errorf("%s: got %q, want %q", id, got, text)
		}
	}
}

func TestFunnelFromMethods(t *testing.T) {
	t.Parallel()
	tn := new(tenant).
		person("none", graph.MethodPassword).
		person("pass", graph.MethodTemporaryPass, graph.MethodEmail).
		person("phone", graph.MethodPhone, graph.MethodPhone).
		person("app", graph.MethodAuthenticator).
		person("app+phone", graph.MethodAuthenticator, graph.MethodPhone).
		person("two apps", graph.MethodAuthenticator, graph.MethodAuthenticator).
		person("app+passkey", graph.MethodAuthenticator, graph.MethodPasskey).
		person("new kind", "brainWave")
	tn.holders = []graph.RoleHolder{{UserID: "none"}, {UserID: "app", Roles: []graph.Role{{Name: "x"}}}, {UserID: "two apps", Roles: []graph.Role{{Name: "x"}}}}
	tn.holders[0].Roles = []graph.Role{{TemplateID: graph.RoleGlobalAdministrator}}
	fn := NewFunnel(tn.onMethods(), Scope{})
	if fn.Road != MethodRoad {
		t.Errorf("road: got %q, want %q", fn.Road, MethodRoad)
	}
	expect(t, fn.Figures, map[ID]string{
		InScope: "8", Registered: "5", Capable: "not read", Backup: "2", NotPhoneOnly: "4", PhoneOnly: "1",
		PhoneBackup: "1", PhishingResistant: "1", Read: "8", Admins: "3", AdminsNoMethod: "1", AdminsOneMethod: "1", AdminsWeak: "2",
	})
}

func TestFunnelFromReport(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		row     []string
		flag    bool
		want    map[ID]string // of one person
		capable bool
	}{
		{
			name: "one app by all its names", row: []string{"microsoftAuthenticatorPush", "softwareOneTimePasscode", "microsoftAuthenticatorPasswordless"}, flag: true, capable: true,
			want: map[ID]string{Registered: "1", Capable: "1", Backup: "0", NotPhoneOnly: "1", PhishingResistant: "0"},
		},
		{
			name: "phone sign-in and codes", row: []string{"microsoftAuthenticatorPasswordless", "softwareOneTimePasscode"}, flag: true,
			want: map[ID]string{Backup: "0", Capable: "0"},
		},
		{
			name: "a code app alone", row: []string{"softwareOneTimePasscode"}, flag: true,
			want: map[ID]string{Registered: "1", Backup: "0", NotPhoneOnly: "1"},
		},
		{name: "app and code token", row: []string{"microsoftAuthenticatorPush", "hardwareOneTimePasscode"}, flag: true, want: map[ID]string{Backup: "1"}},
		{name: "app and passkey", row: []string{"microsoftAuthenticatorPush", "passKeyDeviceBound"}, flag: true, want: map[ID]string{Backup: "1", PhishingResistant: "1"}},
		{name: "a phone beside the app", row: []string{"microsoftAuthenticatorPush", "mobilePhone"}, flag: true, want: map[ID]string{Backup: "0", PhoneBackup: "1", PhoneOnly: "0"}},
		{name: "phones alone", row: []string{"mobilePhone", "officePhone", "email"}, flag: true, want: map[ID]string{PhoneOnly: "1", NotPhoneOnly: "0", PhoneBackup: "0"}},
		{name: "not registered", row: []string{"email"}, want: map[ID]string{Registered: "0", Capable: "0", Backup: "0", PhoneOnly: "0"}},
		{
			name: "registered by what we do not know", row: []string{"brainWave"}, flag: true, capable: true,
			want: map[ID]string{Registered: "1", Capable: "1", Backup: "not read", PhoneOnly: "not read", NotPhoneOnly: "not read", PhishingResistant: "not read"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fn := NewFunnel(new(tenant).row("a", tt.flag, tt.capable, tt.row...).onReport(), Scope{})
			expect(t, fn.Figures, tt.want)
		})
	}
}

func TestFunnelLeavesOut(t *testing.T) {
	t.Parallel()
	tn := new(tenant)
	for _, id := range []string{"disabled", "guest", "service", "shared", "room", "sync", "emergency", "excepted", "overdue", "open-ended", "syncer", "ann"} {
		tn.person(id, graph.MethodAuthenticator)
	}
	tn.users[0].Enabled, tn.users[1].Guest = false, true
	tn.holders = []graph.RoleHolder{{UserID: "syncer", Roles: []graph.Role{{TemplateID: graph.RoleOnPremisesDirectorySync}}}}
	scope := Scope{
		Declared: map[string]Purpose{
			"service": Service, "shared": Shared, "room": Room, "sync": Sync, "emergency": Emergency,
			"disabled": Shared, "gone": Service, // declared, and out for another reason or not there
		},
		Exceptions: map[string]time.Time{
			"excepted": monday47.Add(time.Minute), "overdue": monday47, "open-ended": {}, "service": {},
		},
	}
	fn := NewFunnel(tn.onMethods(), scope)
	expect(t, fn.Figures, map[ID]string{
		Accounts: "12", Enabled: "11", Members: "10", InScope: "2",
		Excluded("disabled"): "1", Excluded("guest"): "1", Excluded("service"): "1", Excluded("shared"): "1",
		Excluded("room"): "1", Excluded("sync"): "2", Excluded("emergency"): "1", Excluded("exception"): "2",
		Registered: "2",
	})
	people, _ := People(tn.onMethods(), scope)
	if len(people) != 2 || people[0].ID != "overdue" || people[1].ID != "ann" {
		t.Errorf("people: got %v, want overdue and ann", people)
	}
}

func TestFunnelUnknown(t *testing.T) {
	t.Parallel()
	refused := &graph.Error{Kind: graph.KindNoPermission, Permission: "UserAuthenticationMethod.Read.All"}
	many := func(n, unread int, kind graph.MethodKind) *tenant {
		tn := new(tenant)
		for i := range n {
			tn.person(fmt.Sprint(i), kind)
			if i < unread {
				tn.methods[i] = graph.UserMethods{UserID: fmt.Sprint(i), Err: refused}
			}
		}
		return tn
	}
	tests := []struct {
		name  string
		facts Facts
		want  map[ID]string
	}{
		{"a few unread", many(40, 2, graph.MethodPhone).onMethods(), map[ID]string{Registered: "38", Read: "38", NotPhoneOnly: "0", Backup: "0"}},
		{
			"too many unread for a zero", many(40, 3, graph.MethodPhone).onMethods(),
			map[ID]string{Registered: "37", PhoneOnly: "37", NotPhoneOnly: "permission missing: UserAuthenticationMethod.Read.All"},
		},
		{"all unread", many(3, 3, graph.MethodPhone).onMethods(), map[ID]string{
			InScope: "3", Registered: "permission missing: UserAuthenticationMethod.Read.All", Read: "0",
		}},
		{"rows missing", func() Facts {
			f := many(3, 0, "").onReport()
			f.Registrations = From([]graph.Registration{}, nil)
			return f
		}(), map[ID]string{Registered: "not read", Capable: "not read"}},
		{"neither road", func() Facts {
			f := many(3, 0, graph.MethodPhone).onMethods()
			f.Methods = From[[]graph.UserMethods](nil, refused)
			return f
		}(), map[ID]string{Registered: "permission missing: UserAuthenticationMethod.Read.All", InScope: "3"}},
		{"no time for the methods", func() Facts {
			f := many(3, 0, graph.MethodPhone).onMethods()
			f.Methods = Source[[]graph.UserMethods]{}
			return f
		}(), map[ID]string{Registered: "not read"}},
		{"report failed", func() Facts {
			f := many(3, 0, graph.MethodPhone).onReport()
			f.Registrations = From[[]graph.Registration](nil, errors.New("odd"))
			return f
		}(), map[ID]string{Registered: "source failed", Capable: "source failed"}},
		{"no accounts", Facts{Users: From[[]graph.User](nil, refused)}, map[ID]string{
			Accounts: "permission missing: UserAuthenticationMethod.Read.All", Excluded("guest"): "permission missing: UserAuthenticationMethod.Read.All",
			Enforced: "permission missing: UserAuthenticationMethod.Read.All", Admins: "permission missing: UserAuthenticationMethod.Read.All",
		}},
		{"no roles", func() Facts {
			f := many(3, 0, graph.MethodPhone).onMethods()
			f.RoleHolders = Source[[]graph.RoleHolder]{}
			return f
		}(), map[ID]string{Admins: "not read", AdminsNoMethod: "not read", Registered: "3"}},
		{"nobody", Facts{Users: From[[]graph.User](nil, nil), Registrations: From[[]graph.Registration](nil, nil)}, map[ID]string{
			InScope: "0", Registered: "0", Read: "0",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			expect(t, NewFunnel(tt.facts, Scope{}).Figures, tt.want)
		})
	}
}

func TestDepartments(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		size map[string]int
		want []string
	}{
		{"large ones by name, none last", map[string]int{"": 6, "Sales": 5, "IT": 9}, []string{"IT 9", "Sales 5", "no department 6"}},
		{"small ones merged", map[string]int{"Sales": 5, "A": 2, "B": 3}, []string{"Sales 5", "smaller departments 5"}},
		{"a small rest takes the least with it", map[string]int{"Sales": 9, "IT": 6, "A": 1}, []string{"Sales 9", "smaller departments 7"}},
		{"a few without one are no row", map[string]int{"": 2, "Sales": 9, "A": 4}, []string{"Sales 9", "smaller departments 6"}},
		{"blanks are no difference", map[string]int{" Field  Sales": 3, "Field Sales ": 3}, []string{"Field Sales 6"}},
		{"all small", map[string]int{"A": 1, "B": 2}, []string{"smaller departments 3"}},
		{"nobody", nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tn := new(tenant)
			for name, n := range tt.size {
				for i := range n {
					tn.person(fmt.Sprint(name, i), graph.MethodPasskey)
					tn.users[len(tn.users)-1].Department = name
				}
			}
			var got []string
			for _, d := range NewFunnel(tn.onMethods(), Scope{}).Departments {
				got = append(got, d.Name+" "+d.Registered.String())
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestReportAsOf(t *testing.T) {
	t.Parallel()
	f := new(tenant).row("a", true, true).row("b", true, true).onReport()
	rows, _ := f.Registrations.Get()
	rows[0].AsOf = monday47.Add(-3 * time.Hour)
	rows[1].AsOf = monday47.Add(-9 * time.Hour)
	if got := NewFunnel(f, Scope{}).ReportAsOf; !got.Equal(rows[0].AsOf) {
		t.Errorf("got %v, want the newest row's %v", got, rows[0].AsOf)
	}
}
