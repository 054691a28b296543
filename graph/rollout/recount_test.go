package rollout

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"twokey/graph"
)

// randomTenant draws a reading and a scope: disabled accounts, guests, declared
// and excepted ones, rows that are missing, methods that cannot be read.
func randomTenant(t *rapid.T) (Facts, Scope) {
	f := Facts{AsOf: monday47, Licence: From(graph.P1, nil)}
	s := Scope{Declared: map[string]Purpose{}, Exceptions: map[string]time.Time{}}
	var users []graph.User
	var holders []graph.RoleHolder
	var rows []graph.Registration
	var methods []graph.UserMethods
	kinds := []graph.MethodKind{
		graph.MethodPassword, graph.MethodPhone, graph.MethodEmail, graph.MethodAuthenticator, graph.MethodPasskey,
		graph.MethodSoftwareOATH, graph.MethodTemporaryPass, graph.MethodWindowsHello, "brainWave",
	}
	names := []string{
		"mobilePhone", "officePhone", "email", "microsoftAuthenticatorPush", "microsoftAuthenticatorPasswordless",
		"softwareOneTimePasscode", "hardwareOneTimePasscode", "passKeyDeviceBound", "windowsHelloForBusiness", "brainWave",
	}
	roles := []string{graph.RoleGlobalAdministrator, graph.RoleReportsReader, graph.RoleDirectorySyncAccounts}
	one := func(n int, label string) bool { return rapid.IntRange(1, n).Draw(t, label) == 1 }
	unreadable := rapid.SampledFrom([]int{2, 30, 1000}).Draw(t, "one unreadable in")
	for i := range rapid.IntRange(0, 60).Draw(t, "accounts") {
		id := fmt.Sprint("id-", i)
		users = append(users, graph.User{
			ID: id, Enabled: !one(6, "disabled"), Guest: one(6, "guest"),
			Department: rapid.SampledFrom([]string{"", "Sales", "IT", "Field Work"}).Draw(t, "department"),
		})
		if one(6, "declared") {
			s.Declared[id] = rapid.SampledFrom([]Purpose{Service, Shared, Room, Sync, Emergency}).Draw(t, "purpose")
		}
		if one(6, "excepted") {
			s.Exceptions[id] = monday47.AddDate(0, 0, rapid.IntRange(-1, 1).Draw(t, "end"))
		}
		if one(8, "role") {
			holders = append(holders, graph.RoleHolder{UserID: id, Roles: []graph.Role{{TemplateID: rapid.SampledFrom(roles).Draw(t, "which")}}})
		}
		if !one(unreadable, "no row") {
			rows = append(rows, graph.Registration{
				UserID: id, Registered: one(2, "registered"), Capable: one(2, "capable"),
				Methods: rapid.SliceOfN(rapid.SampledFrom(names), 0, 4).Draw(t, "names"),
			})
		}
		um := graph.UserMethods{UserID: id}
		if one(unreadable, "unreadable") {
			um.Err = &graph.Error{Kind: graph.KindThrottled}
		}
		for _, k := range rapid.SliceOfN(rapid.SampledFrom(kinds), 0, 4).Draw(t, "kinds") {
			um.Methods = append(um.Methods, graph.Method{Kind: k})
		}
		methods = append(methods, um)
	}
	f.Users, f.RoleHolders = From(users, nil), From(holders, nil)
	switch rapid.SampledFrom([]string{"report", "methods", "both", "no report", "no methods", "no users"}).Draw(t, "road") {
	case "both":
		for i := range rows {
			rows[i].AsOf = monday47.Add(-time.Duration(rapid.IntRange(0, 3).Draw(t, "row's age")) * time.Hour)
		}
		for i := range methods {
			methods[i].AsOf = monday47.Add(-time.Duration(rapid.IntRange(0, 3).Draw(t, "methods' age")) * time.Hour)
		}
		f.Registrations, f.Methods = From(rows, nil), From(methods, nil)
	case "report":
		f.Registrations = From(rows, nil)
	case "methods":
		f.Registrations, f.Methods = From[[]graph.Registration](nil, errLicence), From(methods, nil)
	case "no report":
		f.Registrations = From(rows, errors.New("odd"))
	case "no methods":
		f.Registrations, f.Methods = From[[]graph.Registration](nil, errLicence), From(methods, errors.New("odd"))
	case "no users":
		f.Users, f.Registrations = From(users, errors.New("odd")), From(rows, nil)
	}
	return f, s
}

// rule answers a question from the report's flags and from how many phones,
// lasting and phishing-resistant methods somebody has; -1 phones: their worth
// is unknown.
type rule func(registered bool, capable Answer, phones, lasting, resistant int) Answer

// recount is the same count in the plainest way: for one question, person by
// person, looking everything up in the lists again.
func recount(f Facts, s Scope, who group, want rule) (yes, unknown, of int) {
	users, _ := f.Users.Get()
	rows, _ := f.Registrations.Get()
	all, _ := f.Methods.Get()
	for _, u := range users {
		if !who(f, s, u) {
			continue
		}
		of++
		a, asOf := Unknown, time.Time{}
		for _, r := range rows {
			if r.UserID == u.ID {
				a, asOf = rowAnswer(r, want), r.AsOf
			}
		}
		for _, m := range all {
			if m.UserID == u.ID && m.Err == nil && !m.AsOf.Before(asOf) {
				a = methodsAnswer(m.Methods, want)
			}
		}
		switch a {
		case Yes:
			yes++
		case Unknown:
			unknown++
		}
	}
	return yes, unknown, of
}

// group says whether an account belongs to those who are asked about.
type group func(f Facts, s Scope, u graph.User) bool

func isGuest(_ Facts, _ Scope, u graph.User) bool { return u.Enabled && u.Guest }

func isForEmergency(_ Facts, s Scope, u graph.User) bool {
	return u.Enabled && !u.Guest && s.Declared[u.ID] == Emergency
}

func isAdmin(f Facts, s Scope, u graph.User) bool {
	holders, _ := f.RoleHolders.Get()
	for _, h := range holders {
		if h.UserID == u.ID {
			return isPerson(f, s, u)
		}
	}
	return false
}

func isPerson(f Facts, s Scope, u graph.User) bool {
	if u.Guest || !u.Enabled || s.Declared[u.ID] != "" {
		return false
	}
	if end, ok := s.Exceptions[u.ID]; ok && end.After(f.AsOf) {
		return false
	}
	holders, _ := f.RoleHolders.Get()
	for _, h := range holders {
		if h.UserID == u.ID && h.Roles[0].TemplateID == graph.RoleDirectorySyncAccounts {
			return false
		}
	}
	return true
}

func rowAnswer(r graph.Registration, want rule) Answer {
	if !r.Registered {
		return want(false, answer(r.Capable), 0, 0, 0)
	}
	has := func(name string) int {
		for _, m := range r.Methods {
			if m == name {
				return 1
			}
		}
		return 0
	}
	resistant := has("passKeyDeviceBound") + has("windowsHelloForBusiness")
	app := min(1, has("microsoftAuthenticatorPush")+has("microsoftAuthenticatorPasswordless")+has("softwareOneTimePasscode"))
	phones, lasting := has("mobilePhone")+has("officePhone"), app+has("hardwareOneTimePasscode")+resistant
	if phones+lasting == 0 {
		phones = -1 // of unknown worth
	}
	return want(true, answer(r.Capable), phones, lasting, resistant)
}

func methodsAnswer(methods []graph.Method, want rule) Answer {
	count := func(kinds string) (n int) {
		for _, m := range methods {
			if strings.Contains(kinds, string(m.Kind)) {
				n++
			}
		}
		return n
	}
	resistant := count("fido2 windowsHelloForBusiness")
	lasting := resistant + count("microsoftAuthenticator softwareOath")
	phones := count("phone")
	capable := No
	if phones+lasting > 0 {
		capable = Unknown // the policy is not read
	}
	return want(phones+lasting > 0, capable, phones, lasting, resistant)
}

func TestFunnelEqualsARecount(t *testing.T) {
	t.Parallel()
	is := func(yes bool) Answer {
		if yes {
			return Yes
		}
		return No
	}
	worth := func(rule func(phones, lasting, resistant int) bool) rule {
		return func(_ bool, _ Answer, phones, lasting, resistant int) Answer {
			if phones < 0 {
				return Unknown
			}
			return is(rule(phones, lasting, resistant))
		}
	}
	registered := func(registered bool, _ Answer, _, _, _ int) Answer { return is(registered) }
	missing := func(registered bool, _ Answer, _, _, _ int) Answer { return is(!registered) }
	phoneOnly := worth(func(phones, lasting, _ int) bool { return phones > 0 && lasting == 0 })
	plain := map[ID]struct {
		who  group
		want rule
	}{
		Registered:         {isPerson, registered},
		Capable:            {isPerson, func(_ bool, capable Answer, _, _, _ int) Answer { return capable }},
		Backup:             {isPerson, worth(func(_, lasting, _ int) bool { return lasting > 1 })},
		NotPhoneOnly:       {isPerson, worth(func(_, lasting, _ int) bool { return lasting > 0 })},
		PhoneOnly:          {isPerson, phoneOnly},
		PhoneBackup:        {isPerson, worth(func(phones, lasting, _ int) bool { return phones > 0 && lasting == 1 })},
		PhishingResistant:  {isPerson, worth(func(_, _, resistant int) bool { return resistant > 0 })},
		AdminsNoMethod:     {isAdmin, missing},
		AdminsPhoneOnly:    {isAdmin, phoneOnly},
		GuestsPhoneOnly:    {isGuest, phoneOnly},
		EmergencyNoMethod:  {isForEmergency, missing},
		EmergencyPhoneOnly: {isForEmergency, phoneOnly},
	}
	rapid.Check(t, func(t *rapid.T) {
		f, s := randomTenant(t)
		fn := NewFunnel(f, s)
		_, usersRead := f.Users.Get()
		for id, p := range plain {
			yes, unknown, of := recount(f, s, p.who, p.want)
			got := fn.Get(id)
			v, known := got.Value()
			switch {
			case !usersRead && known:
				t.Fatalf("%s: got %v though no account was read", id, v)
			case !usersRead:
			case known && v == 0 && unknown*20 > of:
				t.Fatalf("%s: got 0 with %d of %d unknown", id, unknown, of)
			case known && (int(v) != yes || got.Unknown != unknown || got.Of != of):
				t.Fatalf("%s: got %v, %d unknown of %d, want %d, %d of %d", id, v, got.Unknown, got.Of, yes, unknown, of)
			case !known && (yes > 0 || unknown*20 <= of):
				t.Fatalf("%s: got %q, want %d with %d of %d unknown", id, got.Reason(), yes, unknown, of)
			case !known && got.Reason() == "":
				t.Fatalf("%s: got neither value nor reason", id)
			}
		}
		conserve(t, fn, usersRead)
	})
}

// conserve checks that every account is counted once.
func conserve(t *rapid.T, fn Funnel, usersRead bool) {
	left, _ := fn.Get(Accounts).Value()
	for _, why := range exclusions {
		n, _ := fn.Get(Excluded(why)).Value()
		left -= n
	}
	people, known := fn.Get(InScope).Value()
	if known != usersRead || left != people {
		t.Fatalf("got %v people in scope, want %v: accounts less the excluded", people, left)
	}
	inRows, registered := 0, 0.0
	for _, d := range fn.Departments {
		inRows += d.Registered.Of
		n, _ := d.Registered.Value()
		registered += n
	}
	if inRows != int(people) {
		t.Fatalf("got %d people in departments, want %v", inRows, people)
	}
	if all, ok := fn.Get(Registered).Value(); ok && all != registered {
		t.Fatalf("got %v registered in departments, want %v", registered, all)
	}
}
