package store

import (
	"testing"
	"time"
)

// Of several processes on one server one leads, until its time is over or it
// is known to run no more. On a file there is only one.
func TestLeader(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, dsn string) {
		now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
		s := openWith(t, Config{DSN: dsn, Now: func() time.Time { return now }})
		dead := map[string]bool{}
		leads := func(owner string) bool {
			t.Helper()
			ok, err := s.Leader("outbox", owner, time.Minute, func(owner string) bool { return dead[owner] })(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return ok
		}
		want := func(owner string, is bool) {
			t.Helper()
			if got := leads(owner); got != (is || s.Alone()) {
				t.Errorf("%s leads: %t", owner, got)
			}
		}
		want("one", true)
		want("two", false)
		now = now.Add(50 * time.Second)
		want("one", true) // for another minute
		now = now.Add(50 * time.Second)
		want("two", false)
		now = now.Add(11 * time.Second)
		want("two", true)
		want("one", false)
		dead["two"] = true
		want("one", true)
	})
}
