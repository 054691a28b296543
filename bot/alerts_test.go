package main

import (
	"slices"
	"strings"
	"testing"
)

// told lists the messages that tell of something, in somebody's sight.
func (d *demo) told(person, headline string) (all []message) {
	for _, m := range d.messages(person) {
		if strings.HasPrefix(m.Text, headline) {
			all = append(all, m)
		}
	}
	return all
}

// TestAlertsUntilAcknowledged turns security defaults off past the bot: those who
// decide are told once, the administrators' channel again and again, over a restart,
// until one of them acknowledges it.
func TestAlertsUntilAcknowledged(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	d, end := startDemoIn(t, data)
	d.advance("1m")
	d.say("vic", "/mfa changes") // the log has been read once
	d.await("vic", "the changes", from(""))
	d.writeAs("portal", "PATCH", defaultsPath, `{"isEnabled":true}`)
	d.advance("1m")
	d.writeAs("portal", "PATCH", defaultsPath, `{"isEnabled":false}`)
	d.advance("30m") // the log is late
	first := d.await("bea", "the alert", from(defaultsHeadline))
	until(t, longEnough, "her own alert and the channel's", func() bool { return len(d.told("bea", defaultsHeadline)) == 2 })
	d.advance("61m")
	until(t, longEnough, "the alert to be told again", func() bool { return len(d.told("bea", defaultsHeadline)) == 3 })
	end()

	d, end = startDemoIn(t, data)
	defer end()
	d.advance("30m")
	if n := len(d.told("bea", defaultsHeadline)); n != 3 {
		t.Errorf("after a restart bea sees the alert %d times, want the 3 of before", n)
	}
	d.advance("2h")
	until(t, longEnough, "the alert to be told a third time", func() bool { return len(d.told("bea", defaultsHeadline)) == 4 })
	ref := strings.TrimSuffix(first.Text[strings.Index(first.Text, "Alert: ")+len("Alert: "):][:9], ",")
	d.say("vic", "/mfa acknowledge "+ref)
	d.await("vic", "a refusal", from("You may not use “/mfa acknowledge”."))
	d.pressLabelled("bea", first, "Acknowledge", nil)
	d.await("bea", "that it is kept", from("is acknowledged, in your name"))
	d.say("abe", "/mfa acknowledge "+strings.ToLower(ref))
	d.await("abe", "who was first", from("This was acknowledged already, by"))
	until(t, longEnough, "every copy to say so", func() bool {
		return !slices.ContainsFunc(d.told("bea", defaultsHeadline), func(m message) bool {
			return !strings.Contains(m.Text, "Acknowledged: by ") || len(m.Buttons) > 0
		})
	})
	d.advance("48h")
	d.say("vic", "/mfa audit")
	d.await("vic", "its record", from("watch.acknowledged"))
	if n := len(d.told("bea", defaultsHeadline)); n != 4 {
		t.Errorf("it was told %d times, want 4: nobody is told after it was acknowledged", n)
	}
}
