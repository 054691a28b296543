package commands

import (
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/commands/approval"
	"twokey/commands/staff"
	"twokey/graph"
)

// atNight is half past two where the organisation is at home.
func atNight(o *office) {
	o.env.Hours = OfficeHours(o.env.Zone)
	o.assemble()
	o.advance(15*time.Hour + 30*time.Minute)
}

// TestPromptDenied alarms those who look after security at once, whatever the
// hour, and offers the help desk to end the sessions.
func TestPromptDenied(t *testing.T) {
	t.Parallel()
	for name, hour := range map[string]func(*office){"by day": nothing, "at night": atNight} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			openEach(t, func(o *office) {
				hour(o)
				asked := o.say("sam", "prompt")
				wantSaid(t, asked, "do not approve it. Did you?")
				got := o.presses("sam", asked.Message, "No, I did not approve it", nil)
				wantSaid(t, got, "Well done.", "Change your password now.", "aka.ms/sspr", "Open Security info")
				ref := o.caseAbout("sam")
				for _, who := range []string{"abe", "bea", "olga"} { // nobody is named: whoever decides or owns
					m := o.gets(who, "“Sam Rivera” got a sign-in request that they did not start, and denied it. Case "+ref)
					if strings.Contains(m.Notification(), "Sam") {
						t.Errorf("the notification names somebody: %s", m.Notification())
					}
				}
				card := o.gets("ada", "Case "+ref)
				shown := o.presses("ada", card, "End all their sessions", nil)
				revoked := o.press("ada", "confirm", shown.Buttons[0].Value, nil)
				if r := o.ends(o.request(revoked.Request)); r.State != approval.Succeeded {
					t.Errorf("the sessions go on: %+v", r.Outcome)
				}
				if i := slices.IndexFunc(o.everyRequest(), func(r approval.Request) bool { return r.Kind == ownBlockKind.name }); i >= 0 {
					t.Error("an account whose owner denied it is put forward for a block")
				}
			})
		})
	}
}

// TestPromptApproved is the emergency: whom to call, an alarm, and a block that
// waits for one approver and for no time.
func TestPromptApproved(t *testing.T) {
	t.Parallel()
	for name, hour := range map[string]func(*office){"by day": nothing, "at night": atNight} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			openEach(t, func(o *office) {
				hour(o)
				got := o.say("sam", "prompt yes")
				wantSaid(t, got, "This is an emergency. Call Ada Okafor, extension 42 now.", "have been paged", "One approver can block your account at once")
				r := o.request(got.Request)
				if r.Policy.Quorum != 1 || r.Policy.Wait != 0 || r.Requester.Object != cast("sam") || r.Warrant.Role != "oneself" {
					t.Errorf("it is asked by %+v under %+v", r.Warrant, r.Policy)
				}
				o.gets("bea", "Emergency: “Sam Rivera” approved a sign-in that was not theirs.")
				prompt := o.gets("abe", "Waits for approval: 0 of 1.")
				for _, want := range []string{"Block “Sam Rivera” from signing in", "A stranger may be in the account now."} {
					if !strings.Contains(prompt.Plain(), want) {
						t.Errorf("the approver is not told %q:\n%s", want, prompt.Plain())
					}
				}
				wantSaid(t, o.press("sam", "approve", r.Seal(), nil), "You asked for this yourself")
				asked := time.Now()
				o.press("abe", "approve", r.Seal(), nil)
				if r = o.ends(r); r.State != approval.Succeeded || r.Outcome.At.Sub(r.NotBefore) > 5*time.Second {
					t.Errorf("%s after %s: %+v", r.State, time.Since(asked), r.Outcome)
				}
				if got := o.effects(); len(got) != 1 || !strings.Contains(string(got[0].Body), `"accountEnabled":false`) || !strings.HasSuffix(got[0].Path, cast("sam")) {
					t.Errorf("the tenant saw %+v", got)
				}
			})
		})
	}
}

// TestPromptWorse has somebody first say that they denied it, and then that they
// did not: everybody is alarmed anew.
func TestPromptWorse(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		first := o.say("sam", "prompt no")
		got := o.presses("sam", first.Message, "I did approve it after all", nil)
		wantSaid(t, got, "This is an emergency.", "One approver can block your account at once")
		o.gets("abe", "Emergency: “Sam Rivera” approved a sign-in that was not theirs.")
		if n := o.alarms("abe"); n != 2 {
			t.Errorf("abe is alarmed %d times, want twice", n)
		}
		// Once more is alarmed anew, and names the block that was asked for.
		wantSaid(t, o.say("sam", "prompt yes"), "One approver can block your account at once ("+got.Request+")")
		if again := len(o.everyRequest()); again != 1 {
			t.Errorf("%d blocks are asked for", again)
		}
		if n := o.alarms("abe"); n != 3 {
			t.Errorf("abe is alarmed %d times, want three times", n)
		}
	})
}

// alarms counts those that somebody was sent.
func (o *office) alarms(name string) (n int) {
	o.t.Helper()
	for _, m := range o.inbox(name) {
		if strings.HasPrefix(m.Notice, "Alarm: ") {
			n++
		}
	}
	return n
}

// TestPromptAgain holds that each report alarms, while its case is open and
// after it was closed; that not more than so many do within an hour, unless it
// became worse; and that a report which nobody follows up ends.
func TestPromptAgain(t *testing.T) {
	t.Parallel()
	openEach(t, func(o *office) {
		for i := range staff.AlarmsPerHour + 2 {
			o.say("sam", "prompt no")
			if i == 1 {
				o.say("sam", "case close "+o.caseAbout("sam"))
			}
			if got, want := o.alarms("abe"), min(i+1, staff.AlarmsPerHour); got != want {
				t.Errorf("after %d reports abe is alarmed %d times, want %d", i+1, got, want)
			}
		}
		o.say("sam", "prompt yes")
		if got := o.alarms("abe"); got != staff.AlarmsPerHour+1 {
			t.Errorf("after it became worse abe is alarmed %d times", got)
		}
		o.advance(time.Hour)
		o.say("sam", "prompt no")
		if got := o.alarms("abe"); got != staff.AlarmsPerHour+2 {
			t.Errorf("an hour later abe is alarmed %d times", got)
		}
		ref := o.caseAbout("sam")
		o.advance(promptLife)
		o.looks() // and reminds
		o.gets("ada", "still waits: a sign-in that they did not start")
		o.looks()
		if c, err := o.store.Case(o.t.Context(), o.env.Organization.ID, ref); err != nil || c.End != staff.Lapsed {
			t.Errorf("after three days: %+v, %v", c, err)
		}
	})
}

// TestPromptWhileAway holds that a report which comes while the tenant cannot be
// read is that person's own afterwards, and that the alarm offers what helps.
func TestPromptWhileAway(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		o.fault(`[{"method":"GET","path":"/users/*","status":503}]`)
		got := o.say("sam", "prompt no")
		wantSaid(t, got, "Well done.")
		o.fault(`[]`)
		ref := o.caseAbout("sam")
		if m := o.gets("abe", "“Sam Rivera” got a sign-in request"); len(m.Buttons) == 0 || m.Buttons[0].Label != "End all their sessions" {
			t.Errorf("the alarm offers %+v", m.Buttons)
		}
		wantSaid(t, o.presses("sam", got.Message, "Write to the help desk", map[string]string{"words": "hello"}), "Passed on, in case "+ref)
	})
}

// TestPromptOfTheProtected alarms and says to call where the bot may not block.
func TestPromptOfTheProtected(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		person string
		change func(*office)
	}{
		"a highest administrator": {"sam", func(o *office) {
			o.twist.roles[cast("sam")] = []graph.Role{{TemplateID: graph.RoleGlobalAdministrator}}
		}},
		"not permitted": {"sam", func(o *office) { o.twist.meekly = true }},
		"not linked":    {"nobody", nothing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			open(t, func(o *office) {
				c.change(o)
				wantSaid(t, o.say(c.person, "prompt yes"), "This is an emergency.", "so it matters that you call")
				o.gets("abe", "approved a sign-in that was not theirs")
				if got := o.everyRequest(); len(got) != 0 {
					t.Errorf("it is asked for: %+v", got[0].Words)
				}
			})
		})
	}
}

// TestPromptTellsTheContact alarms the security contact that the owner named,
// where that is somebody here, and not everybody.
func TestPromptTellsTheContact(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		o.say("sam", "prompt no")
		o.gets("vic", "got a sign-in request that they did not start")
		for _, m := range o.inbox("abe") {
			t.Errorf("abe is told\n%s", m.Plain())
		}
	}, func(s *setting) { s.laid.SecurityContact = upn("vic") })
}

// TestOwnBlockIsForOneself holds that what everybody may ask for about their own
// account cannot be turned on another.
func TestOwnBlockIsForOneself(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		r := o.request(o.say("sam", "prompt yes").Request)
		action := Actions(o.env)[ownBlockKind.name]
		now, err := action.Snapshot(o.t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if diff := action.Compare(r.Snapshot, now, r, nil); len(diff) != 0 {
			t.Errorf("one's own: %q", diff)
		}
		r.Requester.Object = cast("sue")
		if diff := action.Compare(r.Snapshot, now, r, nil); len(diff) == 0 {
			t.Error("sue blocks sam")
		}
	})
}
