package discord_test

import (
	"testing"

	"twokey/bot/discord"
	"twokey/bot/discord/discordtest"
	"twokey/chat"
	"twokey/store"
	"twokey/store/pgtest"
)

// TestG18TwoReplicasOnPostgreSQL holds that two processes with one app and one
// database, each of which is told of everything, handle each interaction once;
// and that a button that one has shown means the same to the other.
func TestG18TwoReplicasOnPostgreSQL(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	s := set(t, discordtest.Options{Burst: 1000, Allow: []string{"40060"}})
	for range 2 {
		db, err := store.Open(t.Context(), store.Config{DSN: dsn, Now: s.Now})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
		s.bot(func(c *discord.Config) { c.Inbox, c.Notes = db, db })
	}
	const n = 60
	id := s.prompt(s.inChannel(), chat.Button{ID: "deny", Label: "Deny", Value: "R-ABC234", Form: []chat.FormField{{ID: "reason", Label: "Why?", Required: true}}})
	for i := range n {
		if i%3 > 0 {
			s.answered(s.Command(ada, channel, "mfa me", nil))
		} else {
			s.answered(s.Press(bea, id, "Deny"))
			s.answered(s.Submit(bea, map[string]string{"reason": "no"}))
		}
		s.events(i + 1) // few of one person may wait
	}
	keys := map[string]bool{}
	for _, e := range s.heard.all() {
		keys[e.Key] = true
		if e.Kind == chat.Press && (e.Value != "R-ABC234" || e.Fields["reason"] != "no") {
			t.Errorf("heard %+v", e)
		}
	}
	if got := len(s.heard.all()); got != n || len(keys) != n {
		t.Errorf("%d things that were done were handled %d times, by %d keys", n, got, len(keys))
	}
}
