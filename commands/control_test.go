package commands

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/commands/link"
	"twokey/commands/rules"
)

// owed lists the messages that are owed, as they would be shown.
func (w *world) owed(kind string) map[chat.Address]string {
	w.t.Helper()
	rows, err := w.store.Due(context.Background(), 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	shown := map[chat.Address]string{}
	for _, row := range rows {
		if row.Kind != kind {
			continue
		}
		m, err := Renderers(w.env)[row.Kind](context.Background(), row.Facts)
		if err != nil {
			w.t.Fatalf("render %s: %v", row.Key, err)
		}
		shown[row.To] = m.Plain()
	}
	return shown
}

// olga makes an owner of olga, who else holds nothing.
func olga(f *fixture) { f.roles["owner"] = []string{id("olga")} }

// Any approver freezes, everybody who decides is told, nothing can be asked and
// who did it is said; an owner asks to thaw, which may be asked meanwhile.
func TestFreezeAndThaw(t *testing.T) {
	t.Parallel()
	w := newWorld(t, olga)
	w.env.Engine.Everyone = Everyone(w.env.People, w.env.Admins)
	wantSaid(t, w.say("olga", "thaw all is well"), "Changes are not frozen.")
	wantSaid(t, w.say("ada", "freeze"), "You may not use “/mfa freeze”")
	wantSaid(t, w.say("bea", "freeze somebody uses “Ada's” account"), "All changes are frozen.")
	told := w.owed(approval.NoticeAnnouncement)
	for _, to := range []chat.Address{w.env.Admins, chat.Direct(account("abe")), chat.Direct(account("bea")), chat.Direct(account("olga"))} {
		for _, want := range []string{"All changes are frozen.", "Done by: “Bea", "They say: “somebody uses"} {
			if !strings.Contains(told[to], want) {
				t.Errorf("%v is told %q, want %q", to, told[to], want)
			}
		}
	}
	wantSaid(t, w.say("ada", "defaults enable all are trained"), "All changes are frozen.", "They were frozen by “Bea", " on Mon 23 Nov 2026, 11:00 CET.", "The reason: “somebody uses")
	wantSaid(t, w.say("ada", "goal 98%"), "All changes are frozen.") // before it is shown what would be confirmed
	wantSaid(t, w.say("ada", "doctor"), "All changes are frozen since Mon 23 Nov 2026, 11:00 CET, by “Bea", "An owner ends it with “/mfa thaw”")
	wantSaid(t, w.say("abe", "freeze again"), "All changes are frozen.", "They were frozen by “Bea")
	wantSaid(t, w.say("olga", "thaw the account is safe"), "Recorded as R-")
	r := w.stored()[0]
	wantSaid(t, w.say("abe", "approve "+r.Ref), "It needs one more person.")
	wantSaid(t, w.say("bea", "approve "+r.Ref), "it was the last one needed")
	if prompt := w.owed(approval.NoticePrompt)[w.env.Admins]; !strings.Contains(prompt, "go on after the freeze") || !strings.Contains(prompt, "by “Bea") {
		t.Errorf("the prompt is %q", prompt)
	}
}

// TestU10Thaw holds that a freeze is not for good where there is one approver, or
// nobody but whoever asks: it ends as every other change of the tenant is made.
func TestU10Thaw(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*rules.Rules)
		says   string // how it ends, to whoever froze it
		policy string
		by     []string
	}{
		"two": {func(*rules.Rules) {}, "two approvers have to agree", policyTwo, []string{"abe", "bea"}},
		"one where two are usual": {func(r *rules.Rules) {
			r.Roles["approver"] = []rules.Holder{{User: id("abe")}}
			r.Approvals = map[string]rules.Approval{policyTwo: {Policy: policyOne}}
		}, "one approver has to agree", policyOne, []string{"abe"}},
		"solo": {func(r *rules.Rules) {
			r.Roles["approver"] = []rules.Holder{{User: id("olga")}}
			r.Solo = true
		}, "An owner ends it with “/mfa thaw”.", policySolo, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, olga)
				r := w.rules()
				c.change(&r)
				w.govern(rules.Fixed(r))
				by := append(slices.Clone(c.by), "olga")[0]
				wantSaid(t, w.say(by, "freeze something is wrong"), "All changes are frozen.", c.says)
				got := w.say("olga", "thaw all is well")
				if len(c.by) == 0 {
					got = w.press("olga", "confirm", got.Buttons[0].Value, map[string]string{"reason": "all is well"})
				}
				asked := w.stored()[0]
				for _, name := range c.by {
					wantSaid(t, w.press(name, "approve", asked.Seal(), nil), "is recorded")
				}
				if got.Request != asked.Ref || asked.Policy.Wait == 0 {
					t.Errorf("asked is %q under %+v", got.Plain(), asked.Policy)
				}
				w.advance(asked.Policy.Wait)
				w.run()
				w.want(approval.Succeeded, c.policy)
				wantSaid(t, w.say("ada", "defaults enable all are trained"), map[bool]string{true: "Nothing has been done yet.", false: "Recorded as R-"}[c.policy == policySolo])
			})
		})
	}
}

// Those are told of a freeze who are known, even if nobody can be looked up: by
// the owner's pins and by links that count.
func TestEveryoneWhoIsKnown(t *testing.T) {
	t.Parallel()
	w := pageWorld(t, func(f *fixture) {
		delete(f.links, account("abe"))
		delete(f.links, account("bea"))
	})
	w.connects("bea", id("bea"))
	w.advance(link.Young)
	w.connects("abe", id("abe")) // just now: it may be another's
	w.fails["user"] = errAway
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	to, err := Everyone(w.env.People, w.env.Admins)(ctx)
	want := []string{direct("olga"), encode(chat.Direct(chat.Account{Platform: "other", User: "abe-2"})), direct("bea"), encode(adminsChannel)}
	if !errors.Is(err, errAway) || !slices.Equal(to, want) {
		t.Errorf("%v, %v; want %v", to, err, want)
	}
}

// From the machine itself it is frozen without a chat, and said so.
func TestFreezeFromTheHost(t *testing.T) {
	t.Parallel()
	w := newWorld(t, olga)
	if err := approval.FreezeNow(t.Context(), w.store, tenantID, "root", "phone call from Ada", []string{encode(w.env.Admins)}); err != nil {
		t.Fatal(err)
	}
	if told := w.owed(approval.NoticeAnnouncement)[w.env.Admins]; !strings.Contains(told, "Done by: whoever runs the bot, on its own machine") || !strings.Contains(told, "phone call from Ada") {
		t.Errorf("told %q", told)
	}
	wantSaid(t, w.say("ada", "defaults enable all are trained"), "They were frozen by somebody on the bot's own machine on Mon 23 Nov 2026, 11:00 CET.")
}

// U05: whom a request is about is shown a button that stops it, and those who
// decide are alerted; nobody else can press it.
func TestU05StopThis(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, dsn string) {
		w := newWorldIn(t, dsn)
		w.env.Engine.Everyone = Everyone(w.env.People, w.env.Admins)
		r := w.request(0, func(r *approval.Request) {
			r.Targets = []approval.Target{{ID: id("sam"), Name: "Sam"}}
			r.Subscribers = []approval.Subscriber{{Address: encode(chat.Direct(account("ada"))), Requester: true}}
		})
		w.keep(r)
		button := w.render(approval.NoticeConcern, map[string]string{"request": r.ID}).Buttons[0]
		wantSaid(t, w.press("sue", button.ID, button.Value, nil), "This request is not about you")
		wantSaid(t, w.press("nobody", button.ID, button.Value, nil), "I do not know who you are")
		wantSaid(t, w.press("sam", button.ID, button.Value, map[string]string{"reason": "I lost nothing"}), "You stopped "+r.Ref+". Nothing will be changed.")
		alert := w.owed(approval.NoticeAlert)[chat.Direct(account("bea"))]
		for _, want := range []string{"did not expect " + r.Ref, "Where it stands: cancelled.", "They say: “I lost nothing”", "Asked by: “Ada Okafor”"} {
			if !strings.Contains(alert, want) {
				t.Errorf("bea is alerted with %q, want %q", alert, want)
			}
		}
		wantSaid(t, w.say("sam", "stop "+r.Ref), "This request was cancelled already.")
		done := w.request(1, func(r *approval.Request) {
			r.Targets, r.State, r.Outcome.At = []approval.Target{{ID: id("sam")}}, approval.Succeeded, start
		})
		w.keep(done)
		wantSaid(t, w.say("sam", "stop "+done.Ref+" that was not me"), done.Ref+" cannot be stopped any more: done.", "call Ada Okafor")
		if n := len(w.owed(approval.NoticeAlert)); n < 3 {
			t.Errorf("%d are alerted", n)
		}
	})
}

// TestAnyApproverStops holds that an approver to whom a kind of change is not left
// can end it all the same, as the prompts say, and let nothing happen.
func TestAnyApproverStops(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		r := o.asks("ada", "block "+upn("vic")+" has left")
		wantSaid(t, o.press("sam", "approve", r.Seal(), nil), "You may not decide this.")
		o.agrees(r)
		wantSaid(t, o.press("sam", "cancel", o.request(r.Ref).Seal(), nil), "You cancelled "+r.Ref)
		ids := o.plain(2)
		r = o.asks("ada", "block "+strings.Join(ids, ",")+" they have left")
		o.fault(`[{"method":"PATCH","path":"/users/*","times":1,"delay_ms":8000}]`)
		o.agrees(r)
		time.Sleep(6 * time.Second)
		wantSaid(t, o.press("sam", "pause", r.Seal(), nil), "waits before the next account")
		wantSaid(t, o.press("sam", "resume", r.Seal(), nil), "You may not decide this.")
		wantSaid(t, o.press("sam", "stop", r.Seal(), nil), "ends before the next account")
		r = o.asks("ada", "block "+upn("sue")+" has left")
		wantSaid(t, o.press("sam", "deny", r.Seal(), nil), "You denied "+r.Ref)
	}, busy, func(s *setting) {
		s.laid.Roles["approver"] = append(s.laid.Roles["approver"], rules.Holder{User: cast("sam")})
		s.laid.Approvals = map[string]rules.Approval{BlockKind: {Approvers: []string{cast("abe"), cast("bea")}}}
	})
}

// O34: a reload changes how a kind of change is decided: what waits was shown
// under other rules, so that it cannot be approved any more. Other changes of
// the rules leave it alone.
func TestO34TheRulesAreReloaded(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, dsn string) {
		w := newWorldIn(t, dsn)
		w.govern(rules.NewKeeper([]rules.Version{{Rules: w.rules(), Since: w.now().Add(-time.Hour)}}, w.now))
		w.env.Engine.Current = Current(w.env.Rules)
		r := w.ask()
		w.relay(func(is *rules.Rules) { is.Contact = "Bob" })
		wantSaid(t, w.press("abe", "approve", r.Seal(), nil), "Your approval of "+r.Ref+" is recorded.")
		w.relay(func(is *rules.Rules) { is.Wait += time.Hour })
		wantSaid(t, w.press("bea", "approve", r.Seal(), nil), "The rules for this kind of change are no longer those under which this was asked for")
		wantSaid(t, w.say("bea", "deny "+r.Ref), "You denied "+r.Ref)
		w.advance(time.Second)
		wantSaid(t, w.press("abe", "approve", w.ask().Seal(), nil), "is recorded")
	})
}

// O34: whatever was made stricter about a kind of change, and that it was
// switched off, holds for what was asked before, which the runner asks as well
// as the engine. What says nothing about the kind does not.
func TestO34WhatWasMadeStricter(t *testing.T) {
	t.Parallel()
	const rulesChanged = "no longer those under which this was asked for"
	for _, row := range []struct {
		name   string
		change func(*rules.Rules)
		want   string // "" for as before
	}{
		{"nothing", func(*rules.Rules) {}, ""},
		{"switched off", func(is *rules.Rules) {
			is.Changes = slices.DeleteFunc(is.Changes, func(k string) bool { return k == DefaultsKind })
		}, "Changing security defaults has been switched off since this was asked for."},
		{"another is switched off", func(is *rules.Rules) {
			is.Changes = slices.DeleteFunc(is.Changes, func(k string) bool { return k == CampaignKind })
		}, ""},
		{"administrators that must remain", func(is *rules.Rules) { is.MinAdmins = 3 }, rulesChanged},
		{"emergency accounts that must remain", func(is *rules.Rules) { is.MinEmergency = 3 }, rulesChanged},
		{"the wait where one decides instead of two", func(is *rules.Rules) {
			is.Approvals = map[string]rules.Approval{policyTwo: {Wait: 3 * time.Hour}}
		}, rulesChanged},
		{"how another kind is decided", func(is *rules.Rules) {
			is.Approvals = map[string]rules.Approval{PassKind: {Policy: policyTwo}}
		}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.govern(rules.NewKeeper([]rules.Version{{Rules: w.rules(), Since: w.now().Add(-time.Hour)}}, w.now))
			r := w.ask()
			w.relay(row.change)
			said := ""
			if err := Current(w.env.Rules)(t.Context(), r); err != nil {
				said = err.Error()
			}
			if !strings.Contains(said, row.want) || (said == "") != (row.want == "") {
				t.Errorf("%q, want %q", said, row.want)
			}
		})
	}
	k := rules.Fixed(rules.Rules{}) // a thaw needs nothing switched on
	if err := Current(k)(t.Context(), approval.Request{Kind: approval.KindThaw, Policy: approval.Policy{Version: rulesVersion(k.Now(), approval.KindThaw)}}); err != nil {
		t.Errorf("a thaw: %v", err)
	}
}

// T15: an approver says how an unknown result ended.
func TestResolve(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.request(0, func(r *approval.Request) {
		r.State, r.Outcome = approval.Unknown, approval.Outcome{Done: oneStep(approval.Unclear), Planned: 1, At: start}
	})
	w.keep(r, "abe", "bea")
	button := w.render(approval.NoticePrompt, map[string]string{"request": r.ID}).Buttons[0]
	for _, row := range []struct{ person, result, note, want string }{
		{"ada", "done", "I saw it", "You asked for this yourself"},
		{"sam", "done", "I saw it", "You may not decide this."},
		{"abe", "perhaps", "I saw it", "Please say “done” or “not-done”"},
		{"abe", "done", " ", "Please say what you found"},
		{"abe", "Done", "the portal shows it on", "Recorded: " + r.Ref + " done."},
		{"bea", "not-done", "it is off", "This request has been carried out already."},
	} {
		wantSaid(t, w.press(row.person, button.ID, button.Value, map[string]string{"result": row.result, "note": row.note}), row.want)
	}
	for _, person := range []string{"bea", "ada"} {
		wantSaid(t, w.say(person, "resolve "+r.Ref+" done I see it too"), "This request has been carried out already.")
	}
	if text := w.render(approval.NoticePrompt, map[string]string{"request": r.ID}).Text; !strings.Contains(text, "Found out by “Abe Lindqvist”: “the portal shows it on”.") {
		t.Errorf("the prompt says %q", text)
	}
}

// What was turned down before is shown with who did it, as a quotation.
func TestAskedBefore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.ask()
	wantSaid(t, w.say("bea", "deny "+first.Ref+" not before \"Christmas\""), "You denied")
	w.advance(time.Second)
	again := w.ask()
	text := w.render(approval.NoticePrompt, map[string]string{"request": again.ID}).Plain()
	if want := "Asked before: “" + first.Ref + ", asked for by Ada Okafor, was denied on 23 Nov 2026, 10:00 UTC by Bea"; !strings.Contains(text, want) {
		t.Errorf("the prompt does not say %q:\n%s", want, text)
	}
}
