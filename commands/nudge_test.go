package commands

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"twokey/chat"
	"twokey/chat/phrases"
	"twokey/commands/approval"
	"twokey/graph/rollout"
	"twokey/scheduler/nudge"
	"twokey/store"
)

// nudges is the nudger of a test, as commands know it.
type nudges struct {
	*nudge.Nudger
	store *store.Store
}

func (n nudges) Waves(ctx context.Context, tenant string) ([]rollout.Wave, error) {
	return n.store.Waves(ctx, tenant)
}

// nudger gives a world one that writes in office hours.
func (w *world) nudger() nudges {
	w.t.Helper()
	n, err := nudge.New(nudge.Config{
		Tenant: w.env.Organization.ID, Store: w.store, Facts: func(ctx context.Context) rollout.Facts { return w.env.Facts(ctx) }, Scope: w.env.Scope,
		Methods: w.env.Tenant.Methods,
		Group:   func(_ context.Context, id string) ([]string, error) { return w.groups[id], nil },
		Account: func(ctx context.Context, object string) (chat.Account, bool) {
			all := w.env.People.Accounts(ctx, principal(w.env, object))
			if len(all) == 0 {
				return chat.Account{}, false
			}
			return all[0], true
		},
		Language: func(ctx context.Context, a chat.Account) (phrases.Language, error) {
			return w.store.Language(ctx, w.env.Organization.ID, a)
		},
		Hours: chat.OfficeHours(w.env.Zone), Team: chat.Address{Platform: "chat", Workspace: "W1", Channel: "C-team"}, Now: w.now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return nudges{n, w.store}
}

// written lets the nudger look, and returns what goes out then, by whom it is for.
func (w *world) written() map[string]chat.Message {
	w.t.Helper()
	n := w.env.Nudges.(nudges)
	if err := n.Look(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	out := map[string]chat.Message{}
	rows, err := w.store.Due(w.t.Context(), 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, row := range rows {
		if row.Kind != nudge.Kind {
			continue
		}
		m, err := n.Render(w.t.Context(), row.Facts)
		if err != nil {
			continue // not now
		}
		if m.Plain() != "" {
			out[row.To.User+row.To.Channel] = m
		}
		if err := w.store.Shown(w.t.Context(), row, "m"); err != nil {
			w.t.Fatal(err)
		}
	}
	return out
}

// confirmed presses the button of a preview and waits until it is carried out.
func (o *office) confirmed(person string, shown said) {
	o.t.Helper()
	if len(shown.Buttons) == 0 || shown.Buttons[0].ID != "confirm" {
		o.t.Fatalf("nothing to confirm in:\n%s", shown.Plain())
	}
	done := o.press(person, "confirm", shown.Buttons[0].Value, nil)
	if done.Request == "" {
		o.t.Fatalf("not recorded:\n%s", done.Plain())
	}
	if r := o.ends(o.request(done.Request)); r.State != approval.Succeeded {
		o.t.Fatalf("%s is %s: %+v", r.Ref, r.State, r.Outcome)
	}
}

// TestNudge holds that one person is written to once they are confirmed, in their
// language, with everything that a reminder has to say, and is thanked.
func TestNudge(t *testing.T) {
	t.Parallel()
	openEach(t, func(o *office) {
		o.known()
		wantSaid(t, o.say("ada", "nudge sam"), "By when?")
		wantSaid(t, o.say("ada", "nudge sue --by 2026-12-11"), "There is nobody to write to: done already (1).")
		wantSaid(t, o.say("sam", "nudge sue"), "You may not use")
		wantSaid(t, o.say("sam", "lang de"), "Deutsch")
		preview := o.say("ada", "nudge sam --by 2026-12-11")
		wantSaid(t, preview, "Write to “Sam Rivera", "Nothing has been done yet", "Of 1 person, 1 can be written to now.", "Friday 11 December 2026")
		if got := o.written(); len(got) > 0 {
			t.Fatalf("U14: somebody is written to before a lead has said so: %v", got)
		}
		o.confirmed("ada", preview)
		m, ok := o.written()["sam"]
		if !ok {
			t.Fatal("sam is not written to")
		}
		for _, want := range []string{"ein zweiter Schritt beim Anmelden", "bis Freitag, 11. Dezember 2026", "Danach kann es sein", "Wir fragen nie nach einem Passwort, Code oder Pass.", "[Zeigen Sie mir, wie]"} {
			if !strings.Contains(m.Plain(), want) {
				t.Errorf("the reminder does not say %q:\n%s", want, m.Plain())
			}
		}
		for range 5 { // a nudge is one message
			o.advance(24 * time.Hour)
			if got := o.written(); len(got) > 0 {
				t.Errorf("written to again: %v", got)
			}
		}
		o.recordedTimes("nudge.sent", 1)
	})
}

// recordedTimes checks how often something stands in the audit record.
func (w *world) recordedTimes(kind string, want int) {
	w.t.Helper()
	n := 0
	for r, err := range w.store.Audit(w.t.Context()) {
		if err != nil {
			w.t.Fatal(err)
		}
		if r.Kind == kind {
			n++
		}
	}
	if n != want {
		w.t.Errorf("%d records %s, want %d", n, kind, want)
	}
}

// TestWave is a wave from draft to pause: it reaches nobody before an approver has
// agreed, is announced without names, leaves out whom it must, and stops at once.
func TestWave(t *testing.T) {
	t.Parallel()
	openEach(t, func(o *office) {
		o.known()
		wantSaid(t, o.say("ada", "wave create w-1 missing --by 2026-12-18"), "cannot be the name")
		wantSaid(t, o.say("ada", "wave create all missing --by 2026-11-01"), "is past")
		drafted := o.say("ada", `wave create all missing --by 2026-12-18 --then "From then on the door stays shut."`)
		wantSaid(t, drafted, "Wave “all” is a draft.", "no chat account that is linked to them, and no mail", "From then on the door stays shut.")
		wantSaid(t, o.say("ada", "wave create all missing --by 2026-12-18"), "There is a wave “all” already.")
		wantSaid(t, o.say("ada", "wave pause all"), "It is not running")
		wantSaid(t, o.say("ada", "wave start all"), "Why should this be changed?")
		r := o.asks("ada", "wave start all everybody had the training")
		if r.Policy.Quorum != 2 { // more than ten people
			t.Errorf("%d must approve, want 2", r.Policy.Quorum)
		}
		if got := o.written(); len(got) > 0 {
			t.Fatalf("written to before anybody approved: %v", got)
		}
		o.agrees(r)
		o.ends(r)
		out := o.written()
		if len(out) == 0 {
			out = o.written()
		}
		sam, team := out["sam"], out["C-team"]
		if !strings.Contains(sam.Plain(), "From then on the door stays shut.") || !strings.Contains(sam.Plain(), "18 December 2026") {
			t.Errorf("sam reads:\n%s", sam.Plain())
		}
		if strings.Contains(team.Plain(), "Sam") || !strings.Contains(team.Plain(), "We never ask for a password, code or pass.") {
			t.Errorf("the channel reads:\n%s", team.Plain())
		}
		wantSaid(t, o.say("ada", "wave status all"), "is running", "1 person, 1 message", "had a message less than three working days ago")
		wantSaid(t, o.say("ada", "wave start all again"), "It is running already.")
		wantSaid(t, o.say("ada", "wave pause all"), "Paused")
		o.advance(14 * 24 * time.Hour)
		if got := o.written(); len(got) > 0 {
			t.Errorf("written to while paused: %v", got)
		}
		wantSaid(t, o.say("ada", "wave status"), "all", "paused")
	})
}

// TestU07Template holds that what people are written is changed by one approver,
// links to nowhere that the owner does not know, asks for nothing secret, and
// never loses its last line.
func TestU07Template(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		o.known()
		for words, want := range map[string]string{
			"See https://evil.example/mfa now":           "is an address that people are not sent to",
			"See evil.example":                           "is an address that people are not sent to",
			"See http://aka.ms/mfasetup":                 "is an address that people are not sent to",
			"See https://aka.ms@evil.example/":           "is an address that people are not sent to",
			"Please send me your password":               "asked for a password",
			"Turn \u202eround":                           "direction-changing",
			strings.Repeat("long ", maxTemplate/5) + "!": "too long",
		} {
			wantSaid(t, o.say("ada", `template set first en "`+words+`" it is better`), want)
		}
		wantSaid(t, o.say("sam", `template set first en "Hello." because`), "You may not use")
		const words = "Ben in room 12 helps: https://intranet.vale.example/mfa and aka.ms/mfasetup."
		r := o.asks("ada", `template set first en "`+words+`" people ask for a room`)
		if r.Policy.Quorum != 1 {
			t.Errorf("%d must approve, want 1", r.Policy.Quorum)
		}
		o.agrees(r)
		o.ends(r)
		wantSaid(t, o.say("ada", "template show"), words)
		o.confirmed("ada", o.say("ada", "nudge sam --by 2026-12-11"))
		sam := o.written()["sam"]
		if !strings.Contains(sam.Text, words) || !strings.Contains(sam.Footer, "We never ask for a password, code or pass.") || !strings.Contains(sam.Plain(), "11 December 2026") {
			t.Errorf("sam reads:\n%s", sam.Plain())
		}
		o.recordsNameNobody()
	})
}

// TestU20OwnHours holds that who works at other times is written to then.
func TestU20OwnHours(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		o.known()
		for typed, want := range map[string]string{
			"mon-fri":                         "as working hours",
			"9-17":                            "as working hours",
			"mon-fri 9-17 Nowhere/City":       "“Nowhere/City”",
			"mon-fri 22-6":                    "end on the day on which they begin",
			"someday 9-17":                    "“someday”",
			"mon-fri 9-17 Local":              "“Local”",
			"sat,sun 9-12 13-17":              "as working hours",
			"sat-mon 6:00-9:30 Asia/Tokyo":    "Sun,Mon,Sat 06:00-09:30 Asia/Tokyo",
			"saturday,sunday,tue 18:00–24:00": "Sun,Tue,Sat 18:00-24:00 Europe/Madrid",
		} {
			wantSaid(t, o.say("sam", "hours "+typed), want)
		}
		o.say("sam", "hours sat,sun 18-22")
		wantSaid(t, o.say("sam", "hours"), "Sun,Sat 18:00-22:00")
		o.confirmed("ada", o.say("ada", "nudge sam --by 2026-12-11"))
		for o.now().Weekday() != time.Saturday || o.now().Hour() < 18 { // in Madrid it is an hour later
			if got := o.written(); len(got) > 0 {
				at := o.now().In(o.env.Zone)
				if at.Weekday() == time.Saturday && at.Hour() >= 18 {
					return
				}
				t.Fatalf("written to at %v: %v", at, got)
			}
			o.advance(time.Hour)
		}
		t.Error("not written to within their hours")
	})
}

// Who has no phone, or asked for time, is told apart and not written to.
func TestNudgeHonoursWishes(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		o.known()
		o.say("sam", "setup nophone")
		wantSaid(t, o.say("ada", "nudge sam --by 2026-12-11"), "no phone for it")
		o.say("sam", "setup android")
		o.say("sam", "remind 7")
		preview := o.say("ada", "nudge sam --by 2026-12-11")
		wantSaid(t, preview, "asked for time (1)")
		o.confirmed("ada", preview)
		until := o.now().AddDate(0, 0, 6)
		for o.now().Before(until) {
			if got := o.written(); len(got) > 0 {
				t.Fatalf("written to at %v", o.now())
			}
			o.advance(4 * time.Hour)
		}
		for range 4 * 6 {
			if len(o.written()) > 0 {
				return
			}
			o.advance(4 * time.Hour)
		}
		t.Error("not written to after the time that they asked for")
	})
}
