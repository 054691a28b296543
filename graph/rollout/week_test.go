package rollout

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"twokey/graph"
)

func TestISOWeek(t *testing.T) {
	t.Parallel()
	tests := []struct{ day, want string }{
		{"2026-11-16", "2026-W47"},
		{"2026-11-22", "2026-W47"},
		{"2026-12-31", "2026-W53"},
		{"2027-01-03", "2026-W53"},
		{"2027-01-04", "2027-W01"},
		{"2024-12-30", "2025-W01"},
	}
	for _, tt := range tests {
		day, err := time.Parse(time.DateOnly, tt.day)
		if err != nil {
			t.Fatal(err)
		}
		if got := ISOWeek(day); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.day, got, tt.want)
		}
		first, err := monday(tt.want)
		if err != nil || first.Weekday() != time.Monday || day.Sub(first) < 0 || day.Sub(first) > 6*24*time.Hour {
			t.Errorf("monday of %s: got %v, %v, want the Monday on or before %s", tt.want, first, err, tt.day)
		}
	}
}

// reading is one week of a tenant of n people with the app, the rest without.
func reading(week string, app, none int) Week {
	tn := new(tenant)
	for i := range app + none {
		id := string(rune('a' + i))
		if i < app {
			tn.person(id, graph.MethodAuthenticator)
		} else {
			tn.person(id)
		}
	}
	f := tn.onMethods()
	f.SecurityDefaults = From(graph.SecurityDefaults{Enabled: true}, nil)
	f.LegacyUse = From(SumSignIns([]graph.SignIn{{UserID: "a", Client: "POP", At: monday47}}), nil)
	return NewWeek(week, NewFunnel(f, Scope{}), NewLegacy(f, Scope{}))
}

func TestWeekSurvivesItsStore(t *testing.T) {
	t.Parallel()
	for name, w := range map[string]Week{
		"full":  reading("2026-W47", 5, 3),
		"empty": NewWeek("2026-W47", NewFunnel(Facts{AsOf: monday47}, Scope{}), NewLegacy(Facts{AsOf: monday47}, Scope{})),
	} {
		stored, err := json.Marshal(w)
		if err != nil {
			t.Fatal(err)
		}
		var back Week
		if err := json.Unmarshal(stored, &back); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(back, w) {
			t.Errorf("%s: got\n%+v\nwant\n%+v", name, back, w)
		}
	}
}

// The stored form is read by later versions: it may grow, not change.
func TestWeekStoredForm(t *testing.T) {
	t.Parallel()
	three := 3
	w := Week{
		Week: "2026-W47", AsOf: monday47, Road: MethodRoad,
		Sums:        []Sum{{ID: Registered, Value: &three, Of: 5, Unknown: 1}, {ID: Capable, Of: 5, Reason: NotRead}},
		Legacy:      []ProtocolUse{{SMTPAuth, 7, 2, 1}},
		Departments: []DepartmentSum{{Name: "Sales", Registered: Sum{ID: Registered, Value: new(int), Of: 5}}},
	}
	const want = `{"week":"2026-W47","as_of":"2026-11-16T06:10:00Z","road":"methods",` +
		`"sums":[{"id":"registered","value":3,"of":5,"unknown":1},{"id":"capable","of":5,"reason":"not read"}],` +
		`"legacy":[{"protocol":"SMTP AUTH","succeeded":7,"blocked":2,"accounts":1}],` +
		`"departments":[{"name":"Sales","registered":{"id":"registered","value":0,"of":5}}]}`
	if got, err := json.Marshal(w); err != nil || string(got) != want {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	last, this := reading("2026-W46", 4, 4), reading("2026-W47", 6, 2)
	fs := Compare(this, &last)
	wantChange := map[ID]string{
		Registered: "+2", Registered + percent: "+25 points", InScope: "±0", Capable: "", Capable + percent: "",
		Enforced: "±0", LegacySucceeded: "±0", Read: "±0",
	}
	for id, want := range wantChange {
		if got := fs.Get(id).ChangeString(); got != want {
			t.Errorf("%s: got change %q, want %q", id, got, want)
		}
	}
	expect(t, fs, map[ID]string{Registered: "6", Registered + percent: "75 %", Capable: "not read", LegacySucceeded: "1"})

	for _, f := range Compare(this, nil) {
		if _, changed := f.Change(); changed {
			t.Errorf("%s: got a change, want none without an earlier week", f.ID)
		}
	}

	last.Road = ReportRoad
	fs = Compare(this, &last)
	for id, want := range map[ID]string{Registered: "", Registered + percent: "", AdminsNoMethod: "", InScope: "±0", Enforced: "±0"} {
		if got := fs.Get(id).ChangeString(); got != want {
			t.Errorf("another road, %s: got change %q, want %q", id, got, want)
		}
	}
}
