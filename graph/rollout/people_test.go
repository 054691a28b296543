package rollout

import (
	"fmt"
	"testing"
	"time"

	"twokey/graph"
)

func TestNewerKnowledgeWins(t *testing.T) {
	t.Parallel()
	at := func(hours int) time.Time { return monday47.Add(time.Duration(hours) * time.Hour) }
	row := func(asOf time.Time, registered bool) *graph.Registration {
		return &graph.Registration{UserID: "ann", Registered: registered, Capable: registered, Methods: []string{"mobilePhone"}, AsOf: asOf}
	}
	read := func(asOf time.Time, kinds ...graph.MethodKind) *graph.UserMethods {
		m := &graph.UserMethods{UserID: "ann", AsOf: asOf}
		for _, k := range kinds {
			m.Methods = append(m.Methods, graph.Method{Kind: k})
		}
		return m
	}
	failed := &graph.UserMethods{UserID: "ann", Err: &graph.Error{Kind: graph.KindThrottled}, AsOf: at(0)}
	tests := []struct {
		name string
		row  *graph.Registration
		read *graph.UserMethods
		want Answer
		road Road
		asOf time.Time
	}{
		{"methods are newer", row(at(-5), false), read(at(-1), graph.MethodPasskey), Yes, MethodRoad, at(-1)},
		{"methods are newer and gone", row(at(-5), true), read(at(-1)), No, MethodRoad, at(-1)},
		{"the row is newer", row(at(-1), true), read(at(-5)), Yes, ReportRoad, at(-1)},
		{"as old: the methods say more", row(at(-1), true), read(at(-1)), No, MethodRoad, at(-1)},
		{"a row that says no time is old", row(time.Time{}, true), read(at(-99)), No, MethodRoad, at(-99)},
		{"methods without a time are of the reading", row(at(-1), true), read(time.Time{}), No, MethodRoad, at(0)},
		{"an unread answer is no knowledge", row(at(-99), true), failed, Yes, ReportRoad, at(-99)},
		{"a row alone", row(at(-99), true), nil, Yes, ReportRoad, at(-99)},
		{"methods alone", nil, read(at(-99), graph.MethodPhone), Yes, MethodRoad, at(-99)},
		{"unread alone", nil, failed, Unknown, NoRoad, time.Time{}},
		{"neither", nil, nil, Unknown, NoRoad, time.Time{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := Facts{AsOf: at(0), Users: From([]graph.User{{ID: "ann", Enabled: true}}, nil)}
			rows, methods := []graph.Registration{}, []graph.UserMethods{}
			if tt.row != nil {
				rows = append(rows, *tt.row)
			}
			if tt.read != nil {
				methods = append(methods, *tt.read)
			}
			f.Registrations, f.Methods = From(rows, nil), From(methods, nil)
			people, _ := People(f, Scope{})
			p := people[0]
			if p.Registered != tt.want || p.Road != tt.road || !p.AsOf.Equal(tt.asOf) {
				t.Errorf("got %v by %q as of %v, want %v by %q as of %v", p.Registered, p.Road, p.AsOf, tt.want, tt.road, tt.asOf)
			}
			if (p.Registered == Unknown) != (p.Why != "") {
				t.Errorf("got the reason %q for %v, want one where nothing is known", p.Why, p.Registered)
			}
		})
	}
}

func TestRoadOfMost(t *testing.T) {
	t.Parallel()
	tests := []struct {
		rows, read, unread int
		want               Road
	}{
		{3, 0, 0, ReportRoad},
		{3, 2, 0, ReportRoad},
		{2, 2, 0, ReportRoad},
		{2, 3, 0, MethodRoad},
		{0, 3, 2, MethodRoad},
		{0, 0, 3, ReportRoad}, // it answered, with nothing
	}
	for _, tt := range tests {
		tn := new(tenant)
		for i := range tt.rows {
			tn.row(fmt.Sprint("row", i), true, true, "fido2")
		}
		for i := range tt.read {
			tn.person(fmt.Sprint("read", i), graph.MethodPasskey)
		}
		for i := range tt.unread {
			tn.users = append(tn.users, graph.User{ID: fmt.Sprint("unread", i), Enabled: true})
		}
		f := tn.onReport()
		f.Methods = From(tn.methods, nil)
		if got := NewFunnel(f, Scope{}).Road; got != tt.want {
			t.Errorf("%d by the report, %d by methods: got %q, want %q", tt.rows, tt.read, got, tt.want)
		}
	}
}

func TestOldestKnowledge(t *testing.T) {
	t.Parallel()
	tn := new(tenant).row("a", true, true).row("b", true, true).person("c")
	tn.rows[0].AsOf = monday47.Add(-9 * time.Hour)
	tn.rows[1].AsOf = monday47.Add(-3 * time.Hour)
	tn.methods[0].AsOf = monday47.Add(-30 * time.Hour)
	f := tn.onReport()
	f.Methods = From(tn.methods, nil)
	if got, want := NewFunnel(f, Scope{}).Oldest, monday47.Add(-30*time.Hour); !got.Equal(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
