package rollout

import (
	"errors"
	"reflect"
	"slices"
	"testing"

	"twokey/graph"
)

func TestU15SuggestScope(t *testing.T) {
	t.Parallel()
	never := func(f *Facts) {
		f.LastSignIns = From([]graph.LastSignIn{{UserID: "a"}, {UserID: "colleague", At: monday47}}, nil)
	}
	unlicensed := func(f *Facts) {
		users, _ := f.Users.Get()
		users[0].Licensed = false
	}
	tests := []struct {
		name, shown, upn string
		change           []func(*Facts)
		want             []Sign
		guess            Purpose
	}{
		{name: "a scanner", shown: "Scanner 2nd Floor", upn: "scanner-2f@x", want: []Sign{SignName, SignNotNamed}, guess: Service},
		{name: "by its address alone", shown: "Second Floor", upn: "svc_mail@x", want: []Sign{SignName}, guess: Service},
		{name: "a room", shown: "Meeting Room Nord", upn: "nord@x", want: []Sign{SignName}, guess: Room},
		{name: "a room, glued", shown: "Besprechungsraum2", upn: "b2@x", want: []Sign{SignName, SignNotNamed}, guess: Room},
		{name: "a shared mailbox", shown: "Info Desk (shared)", upn: "info@x", want: []Sign{SignName, SignAddress, SignNotNamed}, guess: Shared},
		{name: "a team", shown: "Our Sales", upn: "Sales@x", want: []Sign{SignAddress}, guess: Shared},
		{name: "for emergencies", shown: "Emergency Access 1", upn: "emergency-1@x", want: []Sign{SignName, SignNotNamed}, guess: Emergency},
		{name: "no licence and no person's name", shown: "Gate3", upn: "gate3@x", change: []func(*Facts){unlicensed}, want: []Sign{SignNoLicence, SignNotNamed}},
		{name: "never seen and no licence", shown: "Ann Smith", upn: "ann@x", change: []func(*Facts){unlicensed, never}, want: []Sign{SignNoLicence, SignNeverSeen}},
		{name: "SMTP alone and one word", shown: "Ariane", upn: "ariane@x", change: []func(*Facts){func(f *Facts) {
			f.EmailApps = From(graph.EmailAppUse{Rows: []graph.EmailAppRow{{UPN: "Ariane@x", Programs: []graph.EmailProgram{graph.ProgramSMTP}}}}, nil)
		}}, want: []Sign{SignNotNamed, SignOnlySMTP}},

		{name: "a person", shown: "Maria Sales", upn: "maria.sales@x"},
		{name: "a person with an accent", shown: "Ánh Nguyễn", upn: "anh@x"},
		{name: "a person of one name", shown: "Ronaldinho", upn: "ronaldinho@x"},
		{name: "an unlicensed administrator", shown: "Ann Smith", upn: "adm-ann@x", change: []func(*Facts){unlicensed}},
		{name: "a word inside another", shown: "Bea Roomer", upn: "infante.crmova@x"},
		{name: "a new colleague", shown: "Ann Smith", upn: "ann@x", change: []func(*Facts){unlicensed, never, func(f *Facts) {
			users, _ := f.Users.Get()
			users[0].Created = monday47.AddDate(0, 0, -3)
		}}},
		{name: "nobody has a licence", shown: "Gate3", upn: "gate3@x", change: []func(*Facts){func(f *Facts) {
			users, _ := f.Users.Get()
			users[0].Licensed, users[1].Licensed = false, false
		}}},
		{name: "SMTP of hidden names", shown: "Ariane", upn: "8d4a", change: []func(*Facts){func(f *Facts) {
			f.EmailApps = From(graph.EmailAppUse{Concealed: true, Rows: []graph.EmailAppRow{{UPN: "8D4A", Programs: []graph.EmailProgram{graph.ProgramSMTP}}}}, nil)
		}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := new(tenant).person("a").person("colleague").onMethods()
			users, _ := f.Users.Get()
			users[0].Name, users[0].UPN, users[0].Licensed, users[0].Created = tt.shown, tt.upn, true, monday47.AddDate(-1, 0, 0)
			users[1].Name, users[1].UPN, users[1].Licensed = "Bo Colleague", "bo@x", true
			f.LastSignIns = From([]graph.LastSignIn{{UserID: "a", At: monday47}, {UserID: "colleague", At: monday47}}, nil)
			for _, change := range tt.change {
				change(&f)
			}
			found, why := SuggestScope(f, Scope{})
			if why != "" {
				t.Errorf("got the reason %q, want none", why)
			}
			var got []Sign
			var guess Purpose
			for _, one := range found {
				if one.ID != "a" {
					t.Errorf("got the colleague for %q, want the colleague left alone", one.Signs)
					continue
				}
				got, guess = one.Signs, one.Guess
			}
			if !slices.Equal(got, tt.want) || guess != tt.guess {
				t.Errorf("got %q as %q, want %q as %q", got, guess, tt.want, tt.guess)
			}
		})
	}
}

func TestU15SuggestsNobodyWhoIsDeclared(t *testing.T) {
	t.Parallel()
	f := new(tenant).person("scanner").person("room").person("guest").person("off").onMethods()
	users, _ := f.Users.Get()
	for i := range users {
		users[i].Name, users[i].UPN = "Printer", users[i].ID+"@x"
	}
	users[2].Guest, users[3].Enabled = true, false
	f.LastSignIns = From[[]graph.LastSignIn](nil, errLicence)
	found, why := SuggestScope(f, Scope{Declared: map[string]Purpose{"scanner": Service}})
	var got []string
	for _, one := range found {
		got = append(got, one.ID)
	}
	if !reflect.DeepEqual(got, []string{"room"}) || why != NeedsP1 {
		t.Errorf("got %q and %q, want the room alone, and that sign-ins need P1", got, why)
	}
	f.Users = From[[]graph.User](nil, errors.New("odd"))
	if found, why := SuggestScope(f, Scope{}); found != nil || why != SourceFailed {
		t.Errorf("got %v and %q, want the reason alone", found, why)
	}
}
