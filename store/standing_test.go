package store

import (
	"reflect"
	"testing"
	"time"

	"twokey/audit"
	"twokey/commands/approval"
)

func TestStanding(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, dsn string) {
		s, err := Open(t.Context(), Config{DSN: dsn, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		want := func(want Standing) {
			t.Helper()
			got, err := s.Standing(t.Context())
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("Standing = %+v, %v; want %+v", got, err, want)
			}
		}
		open := func(pending, approved int) map[approval.State]int {
			return map[approval.State]int{approval.Pending: pending, approval.Approved: approved, approval.Executing: 0, approval.Reconciling: 0}
		}
		want(Standing{Open: open(0, 0)})
		request := func(name string, state approval.State) approval.Request {
			return approval.Request{ID: name, Ref: "R-" + name, Key: name, Tenant: "t", Kind: "k", Requester: approval.Principal{Tenant: "t", Object: "ada"}, State: state, Version: 1}
		}
		err = s.Update(t.Context(), func(tx approval.Tx) error {
			for _, r := range []approval.Request{request("one", approval.Pending), request("two", approval.Pending), request("three", approval.Approved), request("four", approval.Denied)} {
				if err := tx.Insert(r); err != nil {
					return err
				}
			}
			for _, key := range []string{"shown", "failing", "owed"} {
				if err := tx.Owe(approval.Notice{Key: key, Kind: "k", Topic: key, Address: `{"user":"ada"}`, Facts: []byte("{}")}); err != nil {
					return err
				}
			}
			if err := tx.Record(audit.Entry{Tenant: "t", Kind: "k", Actor: audit.Bot}); err != nil {
				return err
			}
			return tx.SetFreeze("t", approval.Freeze{Since: time.Now(), By: "bea"})
		})
		if err != nil {
			t.Fatal(err)
		}
		rows, err := s.Due(t.Context(), 10)
		if err != nil || len(rows) != 3 {
			t.Fatalf("Due: %d rows, %v", len(rows), err)
		}
		if err := s.Shown(t.Context(), rows[0], "m-1"); err != nil {
			t.Fatal(err)
		}
		if err := s.Postpone(t.Context(), rows[1], time.Minute, "refused"); err != nil {
			t.Fatal(err)
		}
		want(Standing{Open: open(2, 1), Owed: 2, Failing: 1, Records: 1, Frozen: 1})
	})
}
