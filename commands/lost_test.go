package commands

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/audit"
	"twokey/chat"
	"twokey/commands/approval"
	"twokey/commands/rules"
	"twokey/commands/staff"
	"twokey/graph"
)

// looks has the caseworker look once.
func (o *office) looks() {
	o.t.Helper()
	if err := NewCaseworker(o.env, time.Minute, nil).Look(o.t.Context()); err != nil {
		o.t.Fatal(err)
	}
}

// sueManages sets sue above sam.
func sueManages(o *office) {
	o.twist.bosses = map[string]string{cast("sam"): cast("sue")}
}

// provedTwice opens somebody's case and records two proofs.
func provedTwice(o *office, person string) (ref string) {
	o.t.Helper()
	o.say(person, "lost I left it on the train")
	ref = o.caseAbout(person)
	wantSaid(o.t, o.say("ada", "case proof "+ref+" call-back"), "One more proof of another kind is needed.")
	wantSaid(o.t, o.say("ada", "case proof "+ref+" in-person"), "It is them.")
	return ref
}

// TestLostRoad walks the case of a lost phone from the form to its end: what the
// person, the help desk, the manager and the approver read and press, what is
// done in the tenant, and what is recorded.
func TestLostRoad(t *testing.T) {
	t.Parallel()
	openEach(t, func(o *office) {
		o.twist.bosses = map[string]string{cast("sue"): cast("sam")}
		form := o.say("sue", "lost")
		wantSaid(t, o.presses("sue", form.Message, "It is my phone", map[string]string{"words": "left on the train"}), "The help desk has been told.")
		ref := o.caseAbout("sue")
		wantSaid(t, o.say("sue", "lost --now"), "The help desk knows already. Your case is "+ref)

		card := o.gets("ada", "Case "+ref)
		for _, want := range []string{"“Sue Tanaka” has lost the phone", "Made sure by: nothing yet", "They say: “left on the train”", "First make sure who it is, in two ways."} {
			if !strings.Contains(card.Plain(), want) {
				t.Errorf("the help desk is not told %q:\n%s", want, card.Plain())
			}
		}
		if strings.Contains(card.Notification(), "Sue") {
			t.Errorf("the notification names somebody: %s", card.Notification())
		}
		wantSaid(t, o.presses("ada", card, "I called them back", nil), "Recorded: called back on the number in the directory.", "One more proof")
		wantSaid(t, o.presses("sam", o.gets("sam", ref), "Yes, I have spoken to them", nil), "confirmed by their manager", "The help desk goes on from here.")

		card = o.gets("ada", "It is them. Ask for a pass now: another person approves it.")
		recorded := o.presses("ada", card, "Ask for a pass", nil)
		wantSaid(t, recorded, "Recorded as R-")
		r := o.request(recorded.Request)
		if r.Policy.Name != policyOne || r.Expires.Sub(r.Created) != 4*time.Hour || !strings.Contains(r.Reason, ref) {
			t.Errorf("it is asked for as %+v until %s, because %q", r.Policy, r.Expires, r.Reason)
		}
		prompt := o.gets("abe", r.Ref)
		for _, want := range []string{"Made sure who it is, in 2 ways: called back on the number in the directory (“Ada Okafor”", "confirmed by their manager, in the manager's own chat (“Sam Rivera”"} {
			if !strings.Contains(prompt.Plain(), want) {
				t.Errorf("the approver is not shown %q:\n%s", want, prompt.Plain())
			}
		}
		wantSaid(t, o.press("ada", "approve", r.Seal(), nil), "You asked for this yourself")
		o.gets("sue", "You are told because this is about you")
		o.gets("sam", "or about somebody who reports to you")
		o.agrees(r)
		for _, wrong := range []string{"sue", "abe", "sam"} {
			if got := o.press(wrong, "collect", r.Seal(), nil); strings.Contains(got.Plain(), "It is shown this once") {
				t.Errorf("%s collects the pass", wrong)
			}
		}
		before := len(o.effects())
		wantSaid(t, o.press("ada", "collect", r.Seal(), nil), "It is shown this once")
		if r = o.ends(r); r.State != approval.Succeeded {
			t.Fatalf("it %s: %+v", r.State, r.Outcome)
		}
		o.looks()
		if m := o.gets("ada", "Waiting until they have registered"); len(m.Buttons) != 1 {
			t.Errorf("what can be pressed while they register: %+v", m.Buttons)
		}
		o.portal("POST", "/v1.0/users/"+cast("sue")+"/authentication/phoneMethods", mobile)
		o.portal("PATCH", "/beta/users/"+cast("sue")+"/authentication/signInPreferences", `{"userPreferredMethodForSecondaryAuthentication":"sms"}`)
		o.looks()
		o.looks() // a second look tells nothing twice
		o.gets("sue", "Something new is registered for your account. Was it you?")
		asked := o.gets("ada", "has a new method: is it theirs?")
		wantSaid(t, o.presses("ada", asked, "It is theirs", nil), "They are in again.", "[End their old sessions]")
		done := o.gets("ada", "They are in again.")
		old := slices.IndexFunc(done.Buttons, func(b chat.Button) bool { return strings.HasPrefix(b.Label, "Remove Microsoft Authenticator") })
		if old < 0 {
			t.Fatalf("the old app cannot be removed:\n%s", done.Plain())
		}
		removal := o.request(o.presses("ada", done, done.Buttons[old].Label, nil).Request)
		if o.agrees(removal); o.ends(removal).State != approval.Succeeded {
			t.Errorf("the old app stays: %+v", o.request(removal.Ref).Outcome)
		}
		shown := o.presses("ada", done, "End their old sessions", nil)
		revoked := o.press("ada", "confirm", shown.Buttons[0].Value, nil)
		if r := o.ends(o.request(revoked.Request)); r.State != approval.Succeeded {
			t.Errorf("the sessions go on: %+v", r.Outcome)
		}
		wantSaid(t, o.say("ada", "case close "+ref), "is closed")
		o.gets("sue", "Your case "+ref+" is closed. All the best!")
		if got := o.effects()[before:]; len(got) != 3 {
			t.Errorf("the tenant saw %d effects, want a pass, a removal and the end of sessions: %+v", len(got), got)
		}
		wantSaid(t, o.say("ada", "case proof "+ref+" video"), "This case is closed.")
		o.wantRecorded(ref, "case.opened", "case.proved", "case.proved", "case.registered", "case.confirmed", "case.closed")
	})
}

// wantRecorded checks what the audit record says of a case, in order, and that
// it names nobody and quotes nothing.
func (o *office) wantRecorded(ref string, want ...string) {
	o.t.Helper()
	var got []string
	for r, err := range o.store.Audit(o.t.Context()) {
		if err != nil {
			o.t.Fatal(err)
		}
		text := fmt.Sprintf("%s %s", r.Kind, r.Facts)
		if !strings.HasPrefix(r.Kind, "case.") || !strings.Contains(text, ref) {
			continue
		}
		got = append(got, r.Kind)
		for _, secret := range []string{"Sam", "sam@", cast("sam"), cast("ada"), "train"} {
			if strings.Contains(text+r.Actor, secret) {
				o.t.Errorf("the record holds %q: %s", secret, text)
			}
		}
	}
	if !slices.Equal(got, want) {
		o.t.Errorf("recorded is %q, want %q", got, want)
	}
	if _, err := audit.Verify(o.store.Audit(o.t.Context()), ""); err != nil {
		o.t.Error(err)
	}
}

// TestLostRefusals are the ways in which a stranger, or somebody in a hurry,
// might get a pass, and does not.
func TestLostRefusals(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		sueManages(o)
		o.portal("POST", "/v1.0/users/"+cast("sam")+"/authentication/phoneMethods", mobile)
		o.say("sam", "lost")
		o.say("sam", "lost gone")
		ref := o.caseAbout("sam")
		for _, row := range []struct{ name, by, line, want string }{
			{"no proof", "ada", "case pass " + ref, "This is not enough yet. Two proofs of different kinds are needed"},
			{"past the case", "ada", "tap " + upn("sam") + " they are in a hurry", "was reported lost: " + ref + " is open."},
			{"a reset past the case", "ada", "reset " + upn("sam") + " they are in a hurry", "was reported lost: " + ref + " is open."},
			{"personal facts", "ada", "case proof " + ref + " birthday and staff number", "That is no proof."},
			{"by the person", "sam", "case proof " + ref + " in-person", "Only the help desk can do this."},
			{"a manager's word by the help desk", "ada", "case proof " + ref + " manager", "Only their manager can give a manager's word"},
			{"by somebody else", "vic", "case proof " + ref + " in-person", "There is no such case"},
			{"the pass by the person", "sam", "case pass " + ref, "You may not use"},
			{"the first proof", "ada", "case proof " + ref + " call-back", "One more proof"},
			{"the same again", "ada", "case proof " + ref + " call-back", "A second one must be of another kind."},
			{"one proof only", "ada", "case pass " + ref, "This is not enough yet."},
			{"one proof only, by reset", "ada", "case reset " + ref, "This is not enough yet."},
			{"a protected account", "ada", "lost --for emergency1@harbourvale.example gone", ""},
		} {
			got := o.say(row.by, row.line)
			if !strings.Contains(got.Plain(), row.want) || strings.Contains(got.Plain(), "Recorded as R-") {
				t.Errorf("%s: %q is answered with\n%s", row.name, row.line, got.Plain())
			}
		}
		for _, m := range []string{cast("emergency-1"), cast("emergency-2")} {
			wantSaid(t, o.say("ada", "lost --for "+m+" gone"), "is a protected account")
			wantSaid(t, o.say("sue", "lost --for "+m+" gone"), "I cannot open a case for that account.")
		}
		wantSaid(t, o.say("sue", "lost --for nobody@nowhere.example gone"), "I cannot open a case for that account.")
		if all := o.everyRequest(); len(all) != 0 {
			t.Errorf("it was asked for: %+v", all[0].Words)
		}
		o.say("ada", "case proof "+ref+" video")
		o.advance(staff.ProofLife)
		wantSaid(t, o.say("ada", "case pass "+ref), "This is not enough yet.")
	})
}

// TestLostOfNamesakes shows the accounts of one name to the help desk alone.
func TestLostOfNamesakes(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		o.portal("PATCH", "/v1.0/users/"+cast("vic"), `{"displayName":"Sue Tanaka"}`)
		wantSaid(t, o.say("ada", `lost --for "Sue Tanaka" gone`), "2 accounts are called", upn("vic"))
		got := o.say("sam", `lost --for "Sue Tanaka" gone`)
		if wantSaid(t, got, "I cannot open a case for that account."); strings.Contains(got.Plain(), upn("vic")) {
			t.Errorf("sam is shown who there is:\n%s", got.Plain())
		}
	})
}

// TestLostOneManagerOnly holds that the manager's word and another proof come
// from two people.
func TestLostOneManagerOnly(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		o.twist.bosses = map[string]string{cast("sam"): cast("ada")}
		o.say("sam", "lost gone")
		ref := o.caseAbout("sam")
		wantSaid(t, o.say("ada", "case proof "+ref+" manager"), "confirmed by their manager")
		wantSaid(t, o.say("ada", "case proof "+ref+" in-person"), "must come from two people")
	})
}

// TestLostProversDoNotDecide holds that whoever made sure of who somebody is does
// not approve what is asked because of it, and that nobody counts on them.
func TestLostProversDoNotDecide(t *testing.T) {
	t.Parallel()
	const no = "You are one of those who made sure of who this is for, so somebody else has to decide it."
	wide := func(s *setting) {
		s.laid.Roles["helpdesk"] = append(s.laid.Roles["helpdesk"], rules.Holder{User: cast("abe")})
	}
	openEach(t, func(o *office) {
		sueManages(o)
		o.say("sam", "lost gone")
		ref := o.caseAbout("sam")
		wantSaid(t, o.say("abe", "case proof "+ref+" call-back"), "One more proof")
		wantSaid(t, o.say("sue", "case proof "+ref+" manager"), "confirmed by their manager")
		r := o.asks("ada", "case pass "+ref)
		if both := slices.Sorted(slices.Values([]string{cast("abe"), cast("sue")})); !slices.Equal(r.Policy.Barred, both) {
			t.Errorf("kept from it are %v, want %v", r.Policy.Barred, both)
		}
		wantSaid(t, o.press("abe", "approve", r.Seal(), nil), no)
		if slices.ContainsFunc(o.inbox("abe"), func(m chat.Message) bool {
			return slices.ContainsFunc(m.Buttons, func(b chat.Button) bool { return b.ID == "approve" })
		}) {
			t.Error("abe is asked to decide")
		}
		wantSaid(t, o.press("bea", "approve", r.Seal(), nil), "Your approval of "+r.Ref+" is recorded")
		if r = o.request(r.Ref); r.State != approval.Approved {
			t.Errorf("it is %s", r.State)
		}
		wantSaid(t, o.press("abe", "cancel", r.Seal(), nil), "You cancelled "+r.Ref) // which lets nothing happen
	}, wide)
	open(t, func(o *office) {
		o.say("sam", "lost gone")
		ref := o.caseAbout("sam")
		o.say("abe", "case proof "+ref+" call-back")
		o.say("abe", "case proof "+ref+" in-person")
		wantSaid(t, o.say("ada", "case pass "+ref), "nobody could decide", "“Abe Lindqvist” may not: they made sure of who it is for.", "Nothing was asked for.")
	}, wide, func(s *setting) { s.laid.Roles["approver"] = s.laid.Roles["approver"][:1] })
}

// TestErasedProver holds that whoever made sure of somebody and leaves stands no
// more in the request that quoted it, by name or by ID.
func TestErasedProver(t *testing.T) {
	t.Parallel()
	openEach(t, func(o *office) {
		sueManages(o)
		o.say("sam", "lost gone")
		ref := o.caseAbout("sam")
		o.say("ada", "case proof "+ref+" call-back")
		wantSaid(t, o.say("sue", "case proof "+ref+" manager"), "confirmed by their manager")
		r := o.asks("ada", "case pass "+ref)
		if !strings.Contains(strings.Join(r.Words.Findings, " "), "“Sue Tanaka”") {
			t.Fatalf("she is not quoted: %q", r.Words.Findings)
		}
		o.press("bea", "deny", r.Seal(), map[string]string{"reason": "not today"})
		o.say("ada", "case close "+ref)
		if known, err := o.store.Erase(o.t.Context(), r.Tenant, cast("sue")); !known || err != nil {
			t.Fatalf("Erase = %t, %v", known, err)
		}
		after := o.request(r.Ref)
		if text := fmt.Sprintf("%+v", after); strings.Contains(text, "Sue Tanaka") || strings.Contains(text, cast("sue")) {
			t.Errorf("she still stands in it: %s", text)
		}
		for rec, err := range o.store.Audit(o.t.Context()) {
			if err != nil || strings.Contains(rec.Facts, cast("sue")) {
				t.Errorf("the record names her: %+v, %v", rec, err)
			}
		}
	})
}

// TestLostWithoutDesk has leads and owners work on a case where there is nobody
// else, and says who can ask for a pass.
func TestLostWithoutDesk(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		o.say("sam", "lost gone")
		ref := o.caseAbout("sam")
		card := o.gets("olga", "leads and owners are asked")
		wantSaid(t, o.presses("olga", card, "I called them back", nil), "Recorded: called back")
		wantSaid(t, o.say("olga", "case say "+ref+" I will call you at ten"), "Passed on")
		o.gets("sam", "They write: “I will call you at ten”")
		wantSaid(t, o.say("vic", "case show "+ref), "There is no such case")
	}, func(s *setting) { delete(s.laid.Roles, "helpdesk") })
	open(t, func(o *office) { // where there is one, nobody stands in
		o.say("sam", "lost gone")
		wantSaid(t, o.say("olga", "case show "+o.caseAbout("sam")), "There is no such case")
	})
}

// TestLostOwn holds that nobody of the help desk works on a case of their own.
func TestLostOwn(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		o.say("ada", "lost gone")
		ref := o.caseAbout("ada")
		wantSaid(t, o.say("ada", "case proof "+ref+" in-person"), "somebody else has to look after it")
		if got := o.say("ada", "cases"); strings.Contains(got.Plain(), ref) {
			t.Errorf("ada is listed her own case:\n%s", got.Plain())
		}
	}, func(s *setting) {
		s.laid.Roles["helpdesk"] = append(s.laid.Roles["helpdesk"], s.laid.Roles["viewer"]...)
	})
}

// TestU05LostStopped has whom it is about stop a case that a stranger opened:
// what was asked for is stopped with it, and those who look after security are
// alarmed.
func TestU05LostStopped(t *testing.T) {
	t.Parallel()
	for _, by := range []string{"sam", "sue"} {
		t.Run(by, func(t *testing.T) {
			t.Parallel()
			openEach(t, func(o *office) {
				sueManages(o)
				wantSaid(t, o.say("vic", "lost --for "+upn("sam")+" he called me"), "They will reach the person by the number in the directory")
				ref := o.caseAbout("sam")
				o.say("ada", "case proof "+ref+" call-back")
				o.say("ada", "case proof "+ref+" in-person")
				r := o.asks("ada", "case pass "+ref)
				o.agrees(r)
				wantSaid(t, o.presses(by, o.gets(by, ref), "I did not expect this", nil), "Stopped: case "+ref+" is closed.")
				if r = o.request(r.Ref); r.State != approval.Cancelled {
					t.Errorf("%s is %s", r.Ref, r.State)
				}
				for _, who := range []string{"abe", "bea", "olga"} {
					o.gets(who, "Alarm: case "+ref+" was stopped, because “Sam Rivera” did not expect it.")
				}
				if got := o.press("ada", "collect", r.Seal(), nil); strings.Contains(got.Plain(), "It is shown this once") {
					t.Error("the pass is collected")
				}
				if got := o.effects(); len(got) != 0 {
					t.Errorf("the tenant saw %+v", got)
				}
				o.wantRecorded(ref, "case.opened", "case.proved", "case.proved", "case.stopped")
			})
		})
	}
}

// TestU05LostByMail holds that somebody who lost the phone, and cannot be told in a
// chat, is told by mail that somebody asks on their behalf, and of the pass that is
// asked for; and that without mail nothing is owed to any mailbox.
func TestU05LostByMail(t *testing.T) {
	t.Parallel()
	for name, platform := range map[string]string{"with Mail.Send": "mail", "without Mail.Send": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			openEach(t, func(o *office) {
				o.env.Mail = platform
				o.mux = NewMux(o.env, slog.New(slog.DiscardHandler))
				o.say("vic", "lost --for "+upn("sue")+" she called me")
				ref := o.caseAbout("sue")
				o.say("ada", "case proof "+ref+" call-back")
				o.say("ada", "case proof "+ref+" in-person")
				r := o.asks("ada", "case pass "+ref)
				got := o.inbox(cast("sue"))
				if platform == "" {
					if len(got) > 0 {
						t.Errorf("without mail she is mailed %+v", got)
					}
					return
				}
				if len(got) != 2 || !strings.Contains(got[0].Plain(), ref) || !strings.Contains(got[0].Plain(), "“Vic Marlowe” told the help desk for you.") || !strings.Contains(got[1].Plain(), "You are told because this is about you") || got[1].Request != r.Ref {
					t.Errorf("mailed: %+v", got)
				}
				for _, m := range got {
					if m.Secret {
						t.Error("a secret is mailed")
					}
				}
			})
		})
	}
}

// TestU05LostStoppedTooLate holds that whoever stops a case whose pass has been
// handed out already is told so, and those who can help too.
func TestU05LostStoppedTooLate(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		ref := provedTwice(o, "sam")
		card := o.gets("sam", ref)
		r := o.asks("ada", "case pass "+ref)
		o.agrees(r)
		wantSaid(t, o.press("ada", "collect", r.Seal(), nil), "It is shown this once")
		if r = o.ends(r); r.State != approval.Succeeded {
			t.Fatalf("it %s: %+v", r.State, r.Outcome)
		}
		got := o.presses("sam", card, "I did not expect this", nil)
		wantSaid(t, got, "Case "+ref+" is closed, but it is too late to stop what was asked for.", r.Ref)
		for _, who := range []string{"ada", "abe"} {
			alarm := o.gets(who, "Alarm: case "+ref+" was stopped")
			if plain := alarm.Plain(); !strings.Contains(plain, r.Ref) || !strings.Contains(plain, "too late to stop") || strings.Contains(plain, "is stopped") || len(alarm.Buttons) != 2 {
				t.Errorf("%s is told\n%s", who, plain)
			}
		}
	})
}

// TestLostClosedMeanwhile closes a case after its pass was approved: nothing is
// collected.
func TestLostClosedMeanwhile(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		ref := provedTwice(o, "sam")
		r := o.asks("ada", "case pass "+ref)
		o.agrees(r)
		o.say("ada", "case close "+ref)
		o.press("ada", "collect", r.Seal(), nil)
		if r = o.ends(r); r.State != approval.Stale || !strings.Contains(strings.Join(r.Outcome.Findings, " "), caseChanged) {
			t.Errorf("it %s: %+v", r.State, r.Outcome)
		}
	})
}

// TestNothingPastTheCase reports phones lost before what was asked of their owners
// runs, and asks for more: what opens an account takes the proofs of its case.
func TestNothingPastTheCase(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		pass := o.asks("ada", "tap "+upn("sue")+" a new phone")
		phone := o.asks("ada", "phone add "+upn("sam")+` "+34 600000000" his new number`)
		reset := o.asks("ada", "reset "+upn("sue")+" a new phone")
		for _, name := range []string{"sam", "sue"} {
			o.say("vic", "lost --for "+upn(name)+" I was called")
		}
		const lost = "was reported lost"
		wantSaid(t, o.say("ada", "phone add "+upn("sam")+` "+34 600000001" --type office his desk`), lost)
		for _, r := range []approval.Request{pass, phone, reset} {
			o.agrees(r)
		}
		o.press("ada", "collect", pass.Seal(), nil)
		for _, r := range []approval.Request{pass, phone, reset} {
			if r = o.ends(r); r.State != approval.Stale || !strings.Contains(strings.Join(r.Outcome.Findings, " "), "has been reported lost since") {
				t.Errorf("%s %s: %+v", r.Kind, r.State, r.Outcome)
			}
		}
		if n := len(o.effects()); n != 0 {
			t.Errorf("%d writes, want none", n)
		}
	})
}

// TestU13LostWithoutPasses holds that where passes are off the way is a reset,
// or to have them switched on, and that who registers then is looked at.
func TestU13LostWithoutPasses(t *testing.T) {
	t.Parallel()
	openEach(t, func(o *office) {
		o.say("sue", "lost in the lake")
		ref := o.caseAbout("sue")
		o.say("ada", "case proof "+ref+" call-back")
		got := o.say("ada", "case proof "+ref+" in-person")
		wantSaid(t, got, "Temporary Access Passes are switched off", "So ask to reset their methods", "[Ask to switch passes on]")
		wantSaid(t, o.say("ada", "case pass "+ref), "Temporary Access Passes are switched off")
		if on := o.presses("ada", got.Message, "Ask to switch passes on", nil); !strings.HasPrefix(on.Headline, "Recorded as R-") {
			t.Errorf("passes cannot be switched on:\n%s", on.Plain())
		}
		asked := o.presses("ada", got.Message, "Ask to reset their methods", nil)
		r := o.request(asked.Request)
		if o.agrees(r); o.ends(r).State != approval.Succeeded {
			t.Fatal("the reset fails")
		}
		o.looks()
		o.portal("POST", "/v1.0/users/"+cast("sue")+"/authentication/phoneMethods", mobile)
		o.looks()
		m := o.gets("ada", "has a new method: is it theirs?")
		wantSaid(t, o.presses("ada", m, "It is not theirs", nil), "Everybody who looks after security is told now.", "[Ask to block the account]")
		alarm := o.gets("abe", "Alarm: a stranger may have registered for the account of “Sue Tanaka”.")
		if len(alarm.Buttons) != 2 {
			t.Errorf("the alarm offers %+v", alarm.Buttons)
		}
	}, quiet)
}

// TestResetIsWatched holds that after a reset of any kind whoever registers
// first is shown to the help desk, and that the watch ends after an hour.
func TestResetIsWatched(t *testing.T) {
	t.Parallel()
	for _, registers := range []bool{true, false} {
		t.Run(fmt.Sprint(registers), func(t *testing.T) {
			t.Parallel()
			open(t, func(o *office) {
				r := o.asks("ada", "reset "+upn("sue")+" a new phone")
				if o.agrees(r); o.ends(r).State != approval.Succeeded {
					t.Fatal("the reset fails")
				}
				o.looks()
				ref := o.caseAbout("sue")
				o.gets("sue", "Your sign-in methods were reset.")
				if registers {
					o.portal("POST", "/v1.0/users/"+cast("sue")+"/authentication/phoneMethods", mobile)
					o.looks()
					wantSaid(t, o.presses("sue", o.gets("sue", "Something new is registered"), "It was not me", nil), "Everybody who looks after security is told now.")
					o.gets("abe", "Alarm: a stranger may have registered")
					return
				}
				time.Sleep(resetWatch)
				o.looks()
				o.looks() // and it is not opened again
				if c, err := o.store.Case(o.t.Context(), o.env.Organization.ID, ref); err != nil || c.End != staff.Lapsed {
					t.Errorf("after an hour: %+v, %v", c, err)
				}
				o.wantRecorded(ref, "case.opened", "case.closed")
			})
		})
	}
}

// TestEveryResetIsWatched holds that it is watched who registers after a reset,
// whatever else its requester has open, and though a step of it was refused or
// the case for which it was has been closed.
func TestEveryResetIsWatched(t *testing.T) {
	t.Parallel()
	watched := func(o *office) {
		o.t.Helper()
		o.looks()
		o.looks() // once
		open, err := o.store.OpenCases(o.t.Context(), o.env.Organization.ID, cast("sue"))
		if err != nil || len(open) != 1 || open[0].Kind != staff.Reset {
			o.t.Fatalf("it is not watched: %+v, %v", open, err)
		}
		for _, m := range o.inbox("sue") {
			if strings.Contains(m.Plain(), "Something new is registered") {
				o.t.Errorf("what was there before is taken for new:\n%s", m.Plain())
			}
		}
	}
	t.Run("many cases", func(t *testing.T) {
		t.Parallel()
		open(t, func(o *office) {
			for _, name := range []string{"sam", "vic", "abe", "bea"} {
				wantSaid(t, o.say("ada", "lost --for "+upn(name)+" gone"), "The help desk has been told.")
			}
			o.say("ada", "prompt no")
			wantSaid(t, o.say("ada", "person a question"), "as many cases as you can have open at once")
			r := o.asks("ada", "reset "+upn("sue")+" a new phone")
			if o.agrees(r); o.ends(r).State != approval.Succeeded {
				t.Fatal("the reset fails")
			}
			watched(o)
		})
	})
	t.Run("partial", func(t *testing.T) {
		t.Parallel()
		open(t, func(o *office) {
			o.portal("POST", "/v1.0/users/"+cast("sue")+"/authentication/phoneMethods", mobile)
			o.fault(`[{"method":"DELETE","path":"/users/` + cast("sue") + `/authentication/phoneMethods/*","times":1,"status":403}]`)
			r := o.asks("ada", "reset "+upn("sue")+" a new phone")
			if o.agrees(r); o.ends(r).State != approval.Partial {
				t.Fatal("nothing of it is refused")
			}
			watched(o)
		})
	})
	t.Run("closed", func(t *testing.T) {
		t.Parallel()
		open(t, func(o *office) {
			o.say("sue", "lost in the lake")
			ref := o.caseAbout("sue")
			o.say("ada", "case proof "+ref+" call-back")
			o.say("ada", "case proof "+ref+" in-person")
			r := o.asks("ada", "case reset "+ref)
			if o.agrees(r); o.ends(r).State != approval.Succeeded {
				t.Fatal("the reset fails")
			}
			o.say("ada", "case close "+ref)
			watched(o)
		}, quiet)
	})
}

// TestStrangeIsHeard holds that whom a case is about can always raise the alarm:
// before the bot has looked, again, and after the help desk has closed it.
func TestStrangeIsHeard(t *testing.T) {
	t.Parallel()
	openEach(t, func(o *office) {
		r := o.asks("ada", "reset "+upn("sue")+" a new phone")
		if o.agrees(r); o.ends(r).State != approval.Succeeded {
			t.Fatal("the reset fails")
		}
		o.looks()
		ref := o.caseAbout("sue")
		wantSaid(t, o.say("ada", "case strange "+ref), "Nothing has been registered yet.")
		heard := func(when string, m chat.Message, label string, want int) {
			t.Helper()
			wantSaid(t, o.presses("sue", m, label, nil), "Everybody who looks after security is told now.")
			if got := o.alarms("abe"); got != want {
				t.Errorf("%s: abe is alarmed %d times, want %d", when, got, want)
			}
		}
		heard("before the bot has looked", o.gets("sue", "Your sign-in methods were reset."), "I did not register that", 1)
		o.portal("POST", "/v1.0/users/"+cast("sue")+"/authentication/phoneMethods", mobile)
		o.looks()
		m := o.gets("sue", "Something new is registered")
		heard("again", m, "It was not me", 2)
		wantSaid(t, o.say("ada", "case theirs "+ref), "Closed: done.")
		heard("after it was closed", m, "It was not me", 3)
		wantSaid(t, o.say("sue", "case show "+ref), "[I did not register that]")
		for range staff.AlarmsPerHour {
			o.presses("sue", m, "It was not me", nil)
		}
		if got := o.alarms("abe"); got != staff.AlarmsPerHour {
			t.Errorf("abe is alarmed %d times within the hour, want %d", got, staff.AlarmsPerHour)
		}
	})
}

// TestLostHighest refuses the highest administrators, as every pass for them is.
func TestLostHighest(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		o.twist.roles[cast("sam")] = []graph.Role{{TemplateID: graph.RoleGlobalAdministrator, Name: "High"}}
		wantSaid(t, o.say("sam", "lost gone"), "is one of the highest administrators")
	})
}

// TestLostOfTheGone closes the case of an account that is deleted meanwhile, and
// still shows it.
func TestLostOfTheGone(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		r := o.asks("ada", "reset "+upn("sue")+" a new phone")
		if o.agrees(r); o.ends(r).State != approval.Succeeded {
			t.Fatal("the reset fails")
		}
		o.looks()
		ref := o.caseAbout("sue")
		o.portal("DELETE", "/v1.0/users/"+cast("sue"), "")
		o.looks()
		if c, err := o.store.Case(o.t.Context(), o.env.Organization.ID, ref); err != nil || c.End != staff.Lapsed {
			t.Errorf("%+v, %v", c, err)
		}
		wantSaid(t, o.say("ada", "case show "+ref), "Closed: nothing can come any more.")
	})
}
