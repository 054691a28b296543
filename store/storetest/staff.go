package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"twokey/audit"
	"twokey/chat"
	"twokey/commands/approval"
	"twokey/commands/staff"
)

var staffSuite = map[string]func(*testing.T, *bench){
	"notes about people come back as they were kept":  notesRoundTrip,
	"a case comes back as it was stored":              caseRoundTrip,
	"one case of a kind is open about a person":       caseOnce,
	"nobody opens cases without end":                  casesLimited,
	"a case and what is told with it, or neither":     caseTogether,
	"what is stored about somebody is found anywhere": storedFound,
	"gaps of the guide are counted by the week":       gapsCounted,
	"gaps of the guide have bounds":                   gapsBounded,
}

// openCase opens a case that must be a new one.
func (b *bench) openCase(t *testing.T, c staff.Case) staff.Case {
	t.Helper()
	c, opened, err := b.OpenCase(t.Context(), c, func(approval.Tx, staff.Case) error { return nil })
	if err != nil || !opened {
		t.Fatalf("OpenCase: %t, %v", opened, err)
	}
	return c
}

func aCase(kind staff.Kind, person string) staff.Case {
	return staff.Case{Ref: staff.NewRef(), Tenant: tenant, Kind: kind, Person: person, Opener: "o-" + hostile, Body: staff.Body{
		Account: `{"platform":"slack"}`, Words: hostile, Had: []string{"m-1", hostile},
		Proofs: []staff.Proof{{Kind: staff.CallBack, By: "ada", At: start.UTC().Truncate(time.Microsecond)}},
		Lines:  []staff.Line{{By: hostile, Words: hostile, At: start.UTC().Truncate(time.Microsecond)}},
	}}
}

func notesRoundTrip(t *testing.T, b *bench) {
	want := staff.Note{Person: "sam", Postponed: start.UTC().Truncate(time.Microsecond), NeedsKey: true, Seen: []string{hostile, "m-2"}, Looked: start.UTC().Truncate(time.Microsecond), Hours: &chat.Hours{Days: []time.Weekday{time.Sunday, time.Friday}, From: 6 * time.Hour, To: 14*time.Hour + 30*time.Minute, Zone: time.UTC}}
	if n, err := b.StaffNote(t.Context(), tenant, "sam"); err != nil || !reflect.DeepEqual(n, staff.Note{Person: "sam"}) {
		t.Errorf("of nobody: %+v, %v", n, err)
	}
	keep := func(tenant string, change func(*staff.Note), tell func(approval.Tx) error) error {
		return b.KeepStaffNote(t.Context(), tenant, "sam", change, tell)
	}
	quiet := func(approval.Tx) error { return nil }
	if err := keep(tenant, func(n *staff.Note) { *n = want }, quiet); err != nil {
		t.Fatal(err)
	}
	if err := keep("another", func(n *staff.Note) { n.NeedsKey = false }, quiet); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("not told")
	if err := keep(tenant, func(n *staff.Note) { *n = staff.Note{} }, func(approval.Tx) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("what could not be told: %v", err)
	}
	b.reopen(t)
	if n, err := b.StaffNote(t.Context(), tenant, "sam"); err != nil || !reflect.DeepEqual(n, want) {
		t.Errorf("got %+v, %v; want %+v", n, err, want)
	}
	if all, err := b.StaffNotes(t.Context(), tenant); err != nil || len(all) != 1 || !all[0].NeedsKey {
		t.Errorf("all: %+v, %v", all, err)
	}
}

func caseRoundTrip(t *testing.T, b *bench) {
	c := b.openCase(t, aCase(staff.Lost, "sam"))
	if !c.Open || c.Version != 1 || c.Opened.IsZero() {
		t.Errorf("opened as %+v", c)
	}
	c, err := b.ChangeCase(t.Context(), tenant, c.Ref, func(c staff.Case, now time.Time) (staff.Case, error) {
		c.New, c.Due = []string{"m-3"}, now.Add(time.Hour)
		return c, nil
	}, func(approval.Tx, staff.Case) error { return nil })
	if err != nil || c.Version != 2 {
		t.Fatalf("ChangeCase: %+v, %v", c, err)
	}
	b.reopen(t)
	if got, err := b.Case(t.Context(), tenant, c.Ref); err != nil || !reflect.DeepEqual(got, c) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, c)
	}
	if _, err := b.Case(t.Context(), "another", c.Ref); !errors.Is(err, staff.ErrNoCase) {
		t.Errorf("another tenant's: %v", err)
	}
	for name, list := range map[string]func() ([]staff.Case, error){
		"open":           func() ([]staff.Case, error) { return b.OpenCases(t.Context(), tenant, "") },
		"open about sam": func() ([]staff.Case, error) { return b.OpenCases(t.Context(), tenant, "sam") },
		"sam's":          func() ([]staff.Case, error) { return b.CasesOf(t.Context(), tenant, "sam") },
		"the opener's":   func() ([]staff.Case, error) { return b.CasesOf(t.Context(), tenant, c.Opener) },
	} {
		if all, err := list(); err != nil || len(all) != 1 || all[0].Ref != c.Ref {
			t.Errorf("%s: %+v, %v", name, all, err)
		}
	}
	if all, err := b.OpenCases(t.Context(), tenant, "sue"); err != nil || len(all) != 0 {
		t.Errorf("about sue: %+v, %v", all, err)
	}
}

func caseOnce(t *testing.T, b *bench) {
	first := b.openCase(t, aCase(staff.Lost, "sam"))
	again, opened, err := b.OpenCase(t.Context(), aCase(staff.Lost, "sam"), func(approval.Tx, staff.Case) error { return errors.New("told of no new case") })
	if err != nil || opened || again.Ref != first.Ref {
		t.Errorf("again: %s, %t, %v; want %s", again.Ref, opened, err, first.Ref)
	}
	b.openCase(t, aCase(staff.Prompt, "sam"))
	b.openCase(t, aCase(staff.Lost, "sue"))
	_, err = b.ChangeCase(t.Context(), tenant, first.Ref, func(c staff.Case, now time.Time) (staff.Case, error) {
		return c.Close(staff.Done, "ada", now)
	}, func(approval.Tx, staff.Case) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if next := b.openCase(t, aCase(staff.Lost, "sam")); next.Ref == first.Ref {
		t.Error("a closed case was opened again")
	}
}

func casesLimited(t *testing.T, b *bench) {
	b.openCase(t, aCase(staff.Reset, "sam")) // the bot's own counts against nobody
	for i := range staff.OpenAtOnce {
		b.openCase(t, aCase(staff.Lost, fmt.Sprint("person-", i)))
	}
	_, _, err := b.OpenCase(t.Context(), aCase(staff.Lost, "one more"), func(approval.Tx, staff.Case) error { return nil })
	if !errors.Is(err, staff.ErrTooMany) {
		t.Errorf("one more: %v", err)
	}
	b.openCase(t, aCase(staff.Reset, "sue"))
}

func caseTogether(t *testing.T, b *bench) {
	broken := errors.New("not told")
	if _, _, err := b.OpenCase(t.Context(), aCase(staff.Lost, "sam"), func(approval.Tx, staff.Case) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("OpenCase = %v", err)
	}
	if all, err := b.OpenCases(t.Context(), tenant, ""); err != nil || len(all) != 0 {
		t.Errorf("it is there: %+v, %v", all, err)
	}
	c := b.openCase(t, aCase(staff.Lost, "sam"))
	change := func(c staff.Case, _ time.Time) (staff.Case, error) { c.Theirs = true; return c, nil }
	if _, err := b.ChangeCase(t.Context(), tenant, c.Ref, change, func(approval.Tx, staff.Case) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("ChangeCase = %v", err)
	}
	if got, err := b.Case(t.Context(), tenant, c.Ref); err != nil || got.Theirs || got.Version != 1 {
		t.Errorf("it was changed: %+v, %v", got, err)
	}
}

// storedFound counts by a dump of what each way of storing has written.
func storedFound(t *testing.T, b *bench) {
	const object, account = "7d0c6d7a-1111", "slack/T1/U_100%"
	b.openCase(t, aCase(staff.Lost, object))
	b.openCase(t, aCase(staff.Lost, "7d0c6d7a-2222"))
	err := b.KeepStaffNote(t.Context(), tenant, object, func(n *staff.Note) { n.NeedsKey = true }, func(tx approval.Tx) error {
		who, err := tx.Alias(tenant, object, "Sam")
		if err != nil {
			return err
		}
		if err := tx.Record(audit.Entry{Tenant: tenant, Kind: "person.test", Actor: who}); err != nil {
			return err
		}
		if err := tx.Record(audit.Entry{Tenant: tenant, Kind: "person.test", Actor: audit.Bot}); err != nil {
			return err
		}
		return tx.Owe(approval.Notice{Key: "k-1", Kind: "test", Topic: "t", Address: account, Facts: []byte("{}")})
	})
	if err != nil {
		t.Fatal(err)
	}
	all, err := b.Stored(t.Context(), tenant, object, account)
	if err != nil {
		t.Fatal(err)
	}
	want := []staff.Stored{{Table: "alias", Rows: 1}, {Table: "audit", Rows: 1}, {Table: "outbox", Rows: 1}, {Table: "staff_case", Rows: 1}, {Table: "staff_note", Rows: 1}}
	if !reflect.DeepEqual(all, want) {
		t.Errorf("got %+v, want %+v", all, want)
	}
	for i, address := range []string{"joan@vale.example", "jo.an@vale.example", "j'an@vale.example", "an@vale.example.net", "Write to AN@vale.example.", `{"to":"\nan@vale.example"}`} {
		b.update(t, func(tx approval.Tx) error {
			return tx.Owe(approval.Notice{Key: fmt.Sprint("m-", i), Kind: "test", Topic: "t", Address: address, Facts: []byte("{}")})
		})
	}
	want = []staff.Stored{{Table: "outbox", Rows: 2}}
	if all, err = b.Stored(t.Context(), tenant, "nobody", "an@vale.example"); err != nil || !reflect.DeepEqual(all, want) {
		t.Errorf("of an: %+v, %v, want the last two messages", all, err)
	}
	if all, err = b.Stored(t.Context(), tenant, "nobody", "slack/T1/Ux100x"); err != nil || len(all) != 0 {
		t.Errorf("of nobody: %+v, %v", all, err)
	}
}

func gapsCounted(t *testing.T, b *bench) {
	asked := staff.Gap{Kind: staff.GapAsked, Topic: "new-phone", Words: hostile}
	for _, g := range []staff.Gap{asked, asked, {Kind: staff.GapUnhelpful, Topic: "new-phone"}} {
		if err := b.KeepGap(t.Context(), tenant, g); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.KeepGap(t.Context(), "another", asked); err != nil {
		t.Fatal(err)
	}
	first := staff.WeekOf(b.clock.Now())
	b.clock.advance(7 * 24 * time.Hour)
	if err := b.KeepGap(t.Context(), tenant, asked); err != nil {
		t.Fatal(err)
	}
	b.reopen(t)
	want := []staff.Gap{
		{Kind: staff.GapAsked, Topic: "new-phone", Words: hostile, Week: first, Times: 2},
		{Kind: staff.GapUnhelpful, Topic: "new-phone", Week: first, Times: 1},
		{Kind: staff.GapAsked, Topic: "new-phone", Words: hostile, Week: first.AddDate(0, 0, 7), Times: 1},
	}
	if got, err := b.Gaps(t.Context(), tenant); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

func gapsBounded(t *testing.T, b *bench) {
	for i := range staff.GapWords + 2 {
		if err := b.KeepGap(t.Context(), tenant, staff.Gap{Kind: staff.GapAsked, Words: fmt.Sprint("question ", i)}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := b.Gaps(t.Context(), tenant)
	if err != nil || len(got) != staff.GapWords+1 || got[0].Words != "" || got[0].Times != 2 {
		t.Errorf("%d are kept, the first as %+v: %v", len(got), got[0], err)
	}
	if err := b.PruneGaps(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := b.Gaps(t.Context(), tenant); err != nil || len(got) != staff.GapWords+1 {
		t.Errorf("too young to go, and %d are left: %v", len(got), err)
	}
	b.clock.advance(staff.GapLife + 7*24*time.Hour)
	if got, err := b.Gaps(t.Context(), tenant); err != nil || len(got) != 0 {
		t.Errorf("too old to be shown, and there are %d: %v", len(got), err)
	}
	if err := b.PruneGaps(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.clock.advance(-staff.GapLife - 7*24*time.Hour)
	if got, err := b.Gaps(t.Context(), tenant); err != nil || len(got) != 0 {
		t.Errorf("too old to be kept, and there are %d: %v", len(got), err)
	}
}
