package store

import (
	"maps"
	"testing"

	"twokey/chat"
	"twokey/graph"
	"twokey/graph/sync"
	"twokey/scheduler"
)

// The letters of a slot are owed with its end, once.
func TestSendOnce(t *testing.T) {
	t.Parallel()
	s, _ := setup(t)
	slot := week48
	slot.Job = "managers"
	letters := []scheduler.Letter{
		{Manager: "mia", To: chat.Address{Platform: "p", User: "m"}, Facts: []byte(`{"manager":"mia"}`)},
		{Manager: "max", To: chat.Address{Platform: "p", User: "x"}, Facts: []byte(`{"manager":"max"}`)},
	}
	for range 2 {
		if err := s.Send(t.Context(), slot, slot.Planned, letters); err != nil {
			t.Fatal(err)
		}
		if got, want := s.counts(t), "slot 1, week 0, outbox 2, audit 1"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	rows, err := s.Due(t.Context(), 9)
	if err != nil || len(rows) != 2 {
		t.Fatalf("Due = %v, %v", rows, err)
	}
	for i, row := range rows {
		if row.Kind != scheduler.KindManager || row.To != letters[i].To || string(row.Facts) != string(letters[i].Facts) {
			t.Errorf("got %+v, want %+v", row, letters[i])
		}
	}
}

// A digest by the clock is no word of a lead's; one by hand, and a wave, are.
func TestU14Begun(t *testing.T) {
	t.Parallel()
	want := func(t *testing.T, s *Store, tenant string, want bool) {
		t.Helper()
		if got, err := s.Begun(t.Context(), tenant); err != nil || got != want {
			t.Errorf("Begun = %v, %v; want %v", got, err, want)
		}
	}
	t.Run("digest", func(t *testing.T) {
		t.Parallel()
		s, _ := setup(t)
		publish(t, s, publication(week48, 1))
		want(t, s, week48.Tenant, false)
		p := publication(week48, 2)
		p.Actor = "ada"
		if err := s.Revise(t.Context(), p); err != nil {
			t.Fatal(err)
		}
		want(t, s, week48.Tenant, true)
		want(t, s, "another", false)
	})
	t.Run("wave", func(t *testing.T) {
		t.Parallel()
		s, _ := setup(t)
		by(t, s, "INSERT INTO wave (ref, tenant, name, whom, state, messages, outcome, author, request, since) VALUES ('W-AAAAAA', 'the-tenant', '', '{}', 'planned', 1, '', '', '', 1)")
		want(t, s, "the-tenant", false)
		by(t, s, "UPDATE wave SET began = 2")
		want(t, s, "the-tenant", true)
		want(t, s, "another", false)
	})
}

func TestNames(t *testing.T) {
	t.Parallel()
	s, _ := setup(t)
	lease, ok, err := s.LeadSync(t.Context(), "the-tenant", "one", 60_000_000_000)
	if err != nil || !ok {
		t.Fatalf("LeadSync = %v, %v", ok, err)
	}
	batch := sync.Batch{Progress: sync.Progress{Source: sync.Accounts}, Accounts: []graph.User{{ID: "a", Name: "Ann"}, {ID: "b", Name: "Ben"}}}
	if err := s.KeepSync(t.Context(), lease, batch); err != nil {
		t.Fatal(err)
	}
	for tenant, want := range map[string]map[string]string{"the-tenant": {"a": "Ann"}, "another": {}} {
		if got, err := s.Names(t.Context(), tenant, []string{"a", "gone"}); err != nil || !maps.Equal(got, want) {
			t.Errorf("%s: got %v, %v; want %v", tenant, got, err, want)
		}
	}
}
