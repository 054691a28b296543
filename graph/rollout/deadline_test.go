package rollout

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/graph"
)

// phoneTenant is one member, one administrator, one guest and one emergency
// account, each with one method of the given kind, and security defaults on.
func phoneTenant(kind graph.MethodKind) (Facts, Scope) {
	tn := new(tenant).person("ann", kind).person("boss", kind).person("guest", kind).person("glass", kind)
	tn.users[2].Guest = true
	tn.holders = []graph.RoleHolder{{UserID: "boss", Roles: []graph.Role{{TemplateID: graph.RoleGlobalAdministrator}}}}
	return tn.onMethods(), Scope{Declared: map[string]Purpose{"glass": Emergency}}
}

func withLog(f Facts, client string) Facts {
	f.LegacyUse = From(SumSignIns([]graph.SignIn{{UserID: "ann", Client: client, At: monday47}}), nil)
	return f
}

func hits(deadlines []Deadline) []string {
	var all []string
	for _, d := range deadlines {
		all = append(all, d.ID+" "+string(d.For)+" "+string(d.Affected.ID)+" "+d.Affected.String())
	}
	return all
}

func TestU18DeadlinesPerPopulation(t *testing.T) {
	t.Parallel()
	phones, scope := phoneTenant(graph.MethodPhone)
	keys, _ := phoneTenant(graph.MethodPasskey)
	none, _ := phoneTenant(graph.MethodPassword)
	seen, unseen := mailReport(false), mailReport(false)
	unseen.Rows = nil
	onFree := func(report graph.EmailAppUse) Facts {
		f := keys
		f.LegacyUse, f.EmailApps = From[[]LegacyUse](nil, errLicence), From(report, nil)
		return f
	}
	tests := []struct {
		name  string
		facts Facts
		want  []string
	}{
		{"texts and calls alone, and SMTP AUTH", withLog(phones, "SMTP"), []string{
			"passkeys_on member phone_only 2", "smtp_auth_off member smtp_auth_accounts 1",
			"phone_methods_end member phone_only 2", "phone_methods_end admin admins_phone_only 1",
			"phone_methods_end guest guests_phone_only 1", "phone_methods_end emergency emergency_phone_only 1",
			"smtp_auth_removed member smtp_auth_accounts 1",
		}},
		{"nobody is hit", withLog(keys, "POP"), nil},
		{"nothing registered", withLog(none, "POP"), []string{
			"admin_portals_mfa admin admins_no_method 1", "admin_portals_mfa emergency emergency_no_method 1",
		}},
		{"Free, SMTP was seen", onFree(seen), []string{"smtp_auth_off member mail_seen_smtp 2", "smtp_auth_removed member mail_seen_smtp 2"}},
		{"Free, no SMTP seen is not nobody", onFree(unseen), []string{
			"smtp_auth_off member smtp_auth_accounts needs P1", "smtp_auth_removed member smtp_auth_accounts needs P1",
		}},
		{"not known is not nobody", Facts{}, []string{
			"admin_portals_mfa admin admins_no_method not read", "admin_portals_mfa emergency emergency_no_method not read",
			"passkeys_on member phone_only not read", "smtp_auth_off member smtp_auth_accounts not read",
			"phone_methods_end member phone_only not read", "phone_methods_end admin admins_phone_only not read",
			"phone_methods_end guest guests_phone_only not read", "phone_methods_end emergency emergency_phone_only not read",
			"smtp_auth_removed member smtp_auth_accounts not read",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := hits(Deadlines(NewFunnel(tt.facts, scope), NewLegacy(tt.facts, scope)))
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

func TestU18DatesSayWhereTheyComeFrom(t *testing.T) {
	t.Parallel()
	about := make(map[Population]bool)
	for _, c := range MicrosoftDates() {
		about[c.For] = true
		if c.Source == "" || c.When == "" || c.Checked.IsZero() {
			t.Errorf("%s for %s: got source %q, when %q, checked %v, want all three", c.ID, c.For, c.Source, c.When, c.Checked)
		}
	}
	for _, p := range []Population{ForMembers, ForAdmins, ForGuests, ForEmergency} {
		if !about[p] {
			t.Errorf("got no change for %q, want one", p)
		}
	}
	MicrosoftDates()[0].ID = "spoilt"
	if MicrosoftDates()[0].ID == "spoilt" {
		t.Error("got a list that its caller can change for others, want a copy")
	}
}

// A zero of which a few people are unknown is not nobody either.
func TestHittingPerhapsSomebody(t *testing.T) {
	t.Parallel()
	phones := Number(PhoneOnly, monday47, 0)
	phones.Of, phones.Unknown = 100, 1
	fn := Funnel{Figures: Figures{phones}}
	change := DatedChange{ID: "end", For: ForMembers, Hits: HitsPhoneOnly}
	if got := hits(Hitting([]DatedChange{change}, fn, Legacy{})); !slices.Equal(got, []string{"end member phone_only 0"}) {
		t.Errorf("got %q, want the change to stay", got)
	}
}

func TestHittingWhatNobodyCounts(t *testing.T) {
	t.Parallel()
	got := hits(Hitting([]DatedChange{{ID: "odd", For: "boss", Hits: "rich"}}, Funnel{}, Legacy{}))
	if want := []string{"odd boss rich not read"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

const goodRow = `{"id":"own_date","for":"guest","hits":"phone_only","on":"2027-03-31","what":"Guests lose texts","source":"our own note","checked":"2026-11-28"}`

func TestParseDeadlines(t *testing.T) {
	t.Parallel()
	got, err := ParseDeadlines([]byte(`[` + goodRow + `]`))
	want := []DatedChange{{
		ID: "own_date", For: ForGuests, Hits: HitsPhoneOnly, On: time.Date(2027, 3, 31, 0, 0, 0, 0, time.UTC), When: "31 March 2027",
		What: "Guests lose texts", Source: "our own note", Checked: time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC),
	}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v, %v, want %+v", got, err, want)
	}
	f, scope := phoneTenant(graph.MethodPhone)
	if got, want := hits(Hitting(got, NewFunnel(f, scope), Legacy{})), []string{"own_date guest guests_phone_only 1"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestParseDeadlinesIsStrict(t *testing.T) {
	t.Parallel()
	change := func(old, new string) string { return `[` + strings.Replace(goodRow, old, new, 1) + `]` }
	tests := []struct{ name, text, want string }{
		{"not JSON", `- id: x`, "read deadlines: invalid character"},
		{"not a list", goodRow, "cannot unmarshal object"},
		{"more behind it", `[` + goodRow + `] []`, "something behind the list"},
		{"unknown key", change(`"on"`, `"date"`), `unknown field "date"`},
		{"no ID", change("own_date", ""), `row 1: id is ""`},
		{"ID with a blank", change("own_date", "own date"), `row 1: id is "own date"`},
		{"unknown population", change("guest", "boss"), `"phone_only" for "boss"`},
		{"unknown condition", change("phone_only", "rich"), `hits is "rich"`},
		{"a pair that nobody counts", change("phone_only", "smtp_auth"), "one of legacy for member, no_method for admin"},
		{"a full stop", change("lose texts", "lose texts."), "without a full stop"},
		{"no sentence", change("Guests lose texts", " "), `what is " "`},
		{"no source", change("our own note", ""), "source is missing"},
		{"no such day", change("2027-03-31", "2027-02-30"), `on is "2027-02-30"`},
		{"never checked", change("2026-11-28", ""), `checked is ""`},
		{"no day and no words", change("2027-03-31", ""), "when is missing"},
		{"twice", `[` + goodRow + `,` + goodRow + `]`, `row 2: id "own_date" is there twice for "guest"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := ParseDeadlines([]byte(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) || got != nil {
				t.Errorf("got %v, %v, want an error with %q", got, err, tt.want)
			}
		})
	}
}

func TestDaysLeft(t *testing.T) {
	t.Parallel()
	d := Deadline{DatedChange: DatedChange{On: time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC)}}
	east := time.FixedZone("east", 10*60*60)
	tests := []struct {
		now  time.Time
		want int
	}{
		{time.Date(2026, 12, 30, 23, 59, 0, 0, time.UTC), 1},
		{time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC), 0},
		{time.Date(2026, 12, 30, 20, 0, 0, 0, time.UTC).In(east), 0},
		{time.Date(2027, 1, 2, 0, 0, 0, 0, time.UTC), -2},
	}
	for _, tt := range tests {
		if got, ok := d.DaysLeft(tt.now); got != tt.want || !ok {
			t.Errorf("%v: got %d, %v, want %d", tt.now, got, ok, tt.want)
		}
	}
	if _, ok := (DatedChange{}).DaysLeft(monday47); ok {
		t.Error("no day announced: got a number of days, want none")
	}
}
