package commands

import (
	"testing"
	"time"
)

func TestDigestMute(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	muted := func(at time.Time) bool {
		got, err := Muted(t.Context(), w.store, tenantID, at)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	wantSaid(t, w.say("ada", "digest mute"), "is not muted")
	wantSaid(t, w.say("ada", "digest mute until 7 January"), "No weekly digest is posted until Thursday 7 January 2027.")
	if until := time.Date(2027, time.January, 7, 0, 0, 0, 0, w.env.Zone); !muted(w.now()) || !muted(until.Add(-time.Second)) || muted(until) {
		t.Error("it is muted until another moment than was said")
	}
	wantSaid(t, w.say("olga", "digest mute"), "is muted until Thursday 7 January 2027.")
	wantSaid(t, w.say("vic", "digest preview"), "none is posted by itself until Thursday 7 January 2027")
	wantSaid(t, w.say("ada", "digest mute off"), "is posted again")
	wantSaid(t, w.say("ada", "digest mute off"), "nothing to end")
	if muted(w.now()) {
		t.Error("it is muted after that was ended")
	}
	for line, want := range map[string]string{
		"digest mute whenever": "as a date", "digest mute today": "is not ahead", "digest mute until 2029-01-01": "more than a year away",
	} {
		wantSaid(t, w.say("ada", line), want)
	}
	wantSaid(t, w.say("vic", "digest mute off"), "You may not use")
	if n := len(w.recorded("digest.muted.until")) + len(w.recorded("digest.unmuted")); n != 2 {
		t.Errorf("%d records, want 2", n)
	}
}
