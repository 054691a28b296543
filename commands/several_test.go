package commands

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/graph"
	"twokey/graph/rollout"
)

// plain returns the IDs of so many people without a role, in the order of their
// sign-in names.
func (o *office) plain(n int) (ids []string) {
	o.t.Helper()
	var list struct {
		Value []struct {
			ID, UserPrincipalName, UserType string
			AccountEnabled                  bool
		}
	}
	if err := json.Unmarshal([]byte(o.portal("GET", "/v1.0/users?$top=999&$select=id,userPrincipalName,userType,accountEnabled", "")), &list); err != nil {
		o.t.Fatal(err)
	}
	slices.SortFunc(list.Value, func(a, b struct {
		ID, UserPrincipalName, UserType string
		AccountEnabled                  bool
	},
	) int {
		return strings.Compare(a.UserPrincipalName, b.UserPrincipalName)
	})
	for _, u := range list.Value {
		if name, _, _ := strings.Cut(u.UserPrincipalName, "@"); strings.Contains(name, ".") && u.AccountEnabled && u.UserType == "Member" {
			ids = append(ids, u.ID)
		}
	}
	if len(ids) < n {
		o.t.Fatalf("there are %d people, want %d", len(ids), n)
	}
	return ids[:n]
}

// fatesOf are what an outcome says of each account, in order.
func fatesOf(r approval.Request) string {
	var all []string
	for _, t := range r.Targets {
		all = append(all, string(became(r.Outcome.Done, t.ID).class))
	}
	return strings.Join(all, ", ")
}

func (o *office) enabled(id string) bool {
	o.t.Helper()
	u, err := o.client.User(o.t.Context(), id)
	if err != nil {
		o.t.Fatal(err)
	}
	return u.Enabled
}

// TestG27SeveralInOneRequest asks for a change of several accounts: each stands
// in the prompt, all of it is carried out, and turned back by the button.
func TestG27SeveralInOneRequest(t *testing.T) {
	t.Parallel()
	openEach(t, func(o *office) {
		ids := o.plain(3)
		r := o.asks("ada", "block "+strings.Join(ids, ", ")+" they have left")
		if r.Policy.Name != policyOne || len(r.Targets) != 3 {
			t.Errorf("%d targets are decided by %+v", len(r.Targets), r.Policy)
		}
		prompts, _ := o.notices(approval.NoticePrompt)
		golden(t, "prompt-several.txt", settled(whole(prompts[0])))
		o.agrees(r)
		if r = o.ends(r); r.State != approval.Succeeded || len(o.effects()) != 3 {
			t.Fatalf("it %s after %d effects: %+v", r.State, len(o.effects()), r.Outcome)
		}
		for _, id := range ids {
			if o.enabled(id) {
				t.Errorf("%s is not blocked", id)
			}
		}
		back := o.takes("ada", o.offered(r))
		o.agrees(back)
		if back = o.ends(back); back.Kind != UnblockKind || back.State != approval.Succeeded || !o.enabled(ids[2]) {
			t.Errorf("undoing it %s: %+v", back.State, back.Outcome)
		}
	})
}

// TestG26SeveralAreNamedOneByOne asks for what cannot be done with some accounts.
func TestG26SeveralAreNamedOneByOne(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		ids := o.plain(2)
		for _, line := range []string{
			"block " + ids[0] + "," + cast("emergency-1") + "," + cast("olga") + ",nobody@harbourvale.example has left",
			"scope set " + ids[0] + "," + cast("emergency-1") + " shared",
		} {
			got := o.say("ada", line)
			if !strings.Contains(got.Headline, "is a protected account") || strings.Contains(got.Headline, ids[0]) || got.Request != "" {
				t.Errorf("%q is answered with\n%s", line, got.Plain())
			}
		}
		got := o.say("ada", "block "+ids[0]+","+cast("emergency-1")+","+cast("olga")+",nobody@harbourvale.example has left")
		for _, want := range []string{"is a protected account", "is one of the highest administrators", "There is no account"} {
			wantSaid(t, got, want)
		}
		if r := o.asks("ada", "block "+ids[0]+","+cast("vic")+" have left"); r.Policy.Name != policyTwo || !slices.ContainsFunc(r.Words.Findings, func(f string) bool { return strings.Contains(f, "holds a role in this bot: viewer") }) {
			t.Errorf("with a role among them it is decided by %+v: %q", r.Policy, r.Words.Findings)
		}
		if r := o.asks("ada", "block "+ids[1]+","+ids[1]+" has left"); len(r.Targets) != 1 {
			t.Errorf("the same person twice makes %d targets", len(r.Targets))
		}
	})
}

// TestG26LockoutOfSeveral refuses what leaves too few administrators together,
// though each of them alone could go.
func TestG26LockoutOfSeveral(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		ids := o.plain(2)
		o.twist.mighty = true
		for _, id := range ids {
			o.twist.roles[id] = []graph.Role{{TemplateID: graph.RoleGlobalAdministrator, Name: "Global Administrator"}}
			o.portal("POST", "/v1.0/users/"+id+"/authentication/phoneMethods", mobile)
		}
		o.bare("olga")
		got := o.say("ada", "block "+ids[0]+","+ids[1]+" have left")
		if !strings.Contains(got.Plain(), "Only 0 of the administrators") || got.Request != "" {
			t.Errorf("both are answered with\n%s", got.Plain())
		}
		if r := o.asks("ada", "block "+ids[0]+" has left"); r.Policy.Name != policyTwo {
			t.Errorf("one of them is decided by %+v", r.Policy)
		}
	}, func(s *setting) { s.laid.AdminsTwo = true })
}

// TestG06SomeOfSeveral has one account changed past the bot and one refused: the
// others are done, each is told of, and the rest is asked for by button or line.
func TestG06SomeOfSeveral(t *testing.T) {
	t.Parallel()
	openEach(t, func(o *office) {
		ids := o.plain(4)
		r := o.asks("ada", "block "+strings.Join(ids, ",")+" they have left")
		o.portal("PATCH", "/v1.0/users/"+ids[1], `{"accountEnabled":false}`)
		o.fault(`[{"method":"PATCH","path":"/users/` + ids[2] + `","times":9,"status":403}]`)
		o.agrees(r)
		r = o.ends(r)
		if got := fatesOf(r); r.State != approval.Partial || got != "applied, left out, refused, applied" {
			t.Fatalf("it %s: %s %+v", r.State, got, r.Outcome)
		}
		all, _ := o.notices(approval.NoticeOutcome)
		i := slices.IndexFunc(all, func(m chat.Message) bool { return m.Request == r.Ref })
		golden(t, "outcome-several.txt", settled(whole(all[i])))
		o.portal("POST", "/_sim/faults", `[]`)
		again := o.asks("ada", "requests retry "+r.Ref+" once more")
		if len(again.Targets) != 1 || again.Targets[0].ID != ids[2] || !strings.Contains(strings.Join(again.Words.Findings, " "), "is blocked already") {
			t.Errorf("the rest is %+v: %q", again.Targets, again.Words.Findings)
		}
		o.agrees(again)
		if again = o.ends(again); again.State != approval.Succeeded || o.enabled(ids[2]) {
			t.Errorf("the rest %s: %+v", again.State, again.Outcome)
		}
		if got := o.say("ada", "requests retry "+again.Ref+" once more"); got.Request != "" || !strings.Contains(got.Headline, "has left nothing undone") {
			t.Errorf("of what is done there is left\n%s", got.Plain())
		}
		if got := o.say("vic", "requests retry "+r.Ref+" once more"); got.Request != "" {
			t.Errorf("a viewer asks for the rest:\n%s", got.Plain())
		}
	})
}

// TestG15PausedOnItsWay pauses, resumes and stops a request over several accounts,
// by buttons and by lines, and says meanwhile how far it is.
func TestG15PausedOnItsWay(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		ids := o.plain(4)
		r := o.asks("ada", "block "+strings.Join(ids, ",")+" they have left")
		o.fault(`[{"method":"PATCH","path":"/users/*","times":4,"delay_ms":8000}]`)
		o.agrees(r)
		time.Sleep(12 * time.Second)
		shown := func() chat.Message {
			for _, kind := range []string{approval.NoticePrompt, approval.NoticeRequest} {
				all, _ := o.notices(kind)
				if m := all[0]; !strings.Contains(m.Text, " of 4 accounts are done.") || len(m.Buttons) != 2 {
					t.Errorf("%s:\n%s", kind, whole(m))
				}
			}
			all, _ := o.notices(approval.NoticeRequest)
			return all[0]
		}
		golden(t, "running-several.txt", settled(whole(shown())))
		wantSaid(t, o.press("abe", "pause", r.Seal(), nil), "waits before the next account")
		wantSaid(t, o.say("ada", "requests pause "+r.Ref), "It is paused already.")
		wantSaid(t, o.say("ada", "requests resume "+r.Ref), "Somebody else paused it")
		wantSaid(t, o.say("sam", "requests pause "+r.Ref), "You may not use")
		time.Sleep(20 * time.Minute)
		if n, is := len(o.effects()), o.request(r.Ref); n != 2 || is.State != approval.Executing {
			t.Errorf("while it is paused it is %s after %d effects", is.State, n)
		}
		golden(t, "paused-several.txt", settled(whole(shown())))
		wantSaid(t, o.say("bea", "requests resume "+r.Ref), "goes on")
		time.Sleep(4 * time.Second)
		wantSaid(t, o.say("ada", "stop "+r.Ref), "ends before the next account")
		wantSaid(t, o.press("abe", "cancel", r.Seal(), nil), "Somebody has stopped it already")
		r = o.ends(r)
		if got := fatesOf(r); r.State != approval.Partial || got != "applied, applied, applied, not done" {
			t.Errorf("it %s: %s %+v", r.State, got, r.Outcome)
		}
	}, busy)
}

// TestSeveralOfEachKind asks for each kind of several accounts, by the rule that
// it has, and carries it out.
func TestSeveralOfEachKind(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		line   string
		people int
		policy string
		state  approval.State
	}{
		"revoke":         {"revoke %s a leak", 2, policyTwo, approval.Succeeded},
		"reset":          {"reset %s lost phones", 2, policyOne, approval.Succeeded},
		"many":           {"reset %s lost phones", 4, policyTwo, approval.Succeeded},
		"scope":          {"scope set %s shared the front desks", 3, policyConfirm, approval.Succeeded},
		"scope of many":  {"scope set %s shared the front desks", 4, policyOne, approval.Succeeded},
		"more than many": {"scope set %s shared the front desks", 7, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			openEach(t, func(o *office) {
				ids := o.plain(c.people)
				for i, id := range ids {
					if strings.HasPrefix(c.line, "reset") && i < c.people {
						o.portal("POST", "/v1.0/users/"+id+"/authentication/phoneMethods", `{"phoneNumber":"+44 7700900124","phoneType":"office"}`)
					}
				}
				line := fmt.Sprintf(c.line, strings.Join(ids, ","))
				got := o.say("ada", line)
				if c.policy == "" {
					wantSaid(t, got, "one request may touch 6")
					return
				}
				if c.policy == policyConfirm {
					got = o.press("ada", "confirm", got.Buttons[0].Value, nil)
				}
				if got.Request == "" {
					t.Fatal(got.Plain())
				}
				r := o.request(got.Request)
				if r.Policy.Name != c.policy || r.Policy.Manager {
					t.Errorf("it is decided by %+v", r.Policy)
				}
				if r.Kind == ResetKind && len(ids) == 2 {
					all, _ := o.notices(approval.NoticePrompt)
					golden(t, "prompt-several-reset.txt", settled(whole(all[0])))
				}
				o.agrees(r)
				if r = o.ends(r); r.State != c.state {
					t.Fatalf("it %s: %+v", r.State, r.Outcome)
				}
				if r.Kind == ScopeKind {
					all, err := o.store.Declared(o.t.Context(), o.env.Organization.ID)
					if err != nil || len(all) != len(ids) || all[0].Sort != rollout.SortScope {
						t.Errorf("%v are declared, %v", all, err)
					}
					if want := "scope set " + strings.Join(ids, ",") + " person"; o.offered(r) != want {
						t.Errorf("offered is %q", o.offered(r))
					}
				}
				if r.Kind == ResetKind {
					if some := singly(r); len(some) != len(ids) || some[1].Targets[0].ID != ids[1] {
						t.Errorf("%d resets are looked after", len(some))
					}
				}
			}, func(s *setting) { s.laid.Many, s.laid.PerRequest = 3, 6 })
		})
	}
}

// TestG01SeveralUnanswered loses the answer to one of several: it is looked up,
// and the others have their turn.
func TestG01SeveralUnanswered(t *testing.T) {
	t.Parallel()
	openEach(t, func(o *office) {
		ids := o.plain(3)
		r := o.asks("ada", "block "+strings.Join(ids, ",")+" they have left")
		o.fault(`[{"method":"PATCH","path":"/users/` + ids[1] + `","times":1,"cut":"after"}]`)
		o.agrees(r)
		if r = o.ends(r); r.State != approval.Succeeded || len(o.effects()) != 3 {
			t.Errorf("it %s after %d effects: %+v", r.State, len(o.effects()), r.Outcome)
		}
	})
}

func TestTypedLists(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"a@x.example gone":                                 "a@x.example",
		"a@x.example,b@x.example gone":                     "a@x.example|b@x.example",
		"a@x.example, b@x.example gone":                    "a@x.example|b@x.example",
		"a@x.example , b@x.example , c gone":               "a@x.example|b@x.example?c",
		"a@x.example, c, b@x.example gone":                 "a@x.example|c|b@x.example",
		"a, b, c gone":                                     "a?b?c",
		"a@x.example,b gone":                               "a@x.example|b",
		`"Sam Hill", "Sue Lee" gone`:                       "Sam Hill|Sue Lee",
		`"Hill, Sam" gone`:                                 "Hill, Sam",
		`"a@x.example, b@x.example" gone`:                  "a@x.example|b@x.example",
		`“Sam Hill”, b@x.example gone`:                     "Sam Hill|b@x.example",
		"<@U1>,<@U2> gone":                                 "<@U1>|<@U2>",
		"<@U1>, 3179e48a-750b-4051-897c-87b9720928f7 gone": "<@U1>|3179e48a-750b-4051-897c-87b9720928f7",
		",a gone": "a",
	} {
		names, rest := list(strings.Fields(line))
		if got := strings.NewReplacer(nameEnd, "|", perhapsEnd, "?").Replace(names); got != want || strings.Join(rest, " ") != "gone" {
			t.Errorf("%q is %q and %q, want %q", line, got, rest, want)
		}
	}
}

// TestCommaBeforeTheReason holds that a comma before the reason makes no account
// of its first word, and that nobody is meant by accident.
func TestCommaBeforeTheReason(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]struct{ about, reason, said string }{
		"block " + upn("sue") + ", a phone was stolen":      {about: "sue", reason: "a phone was stolen"},
		"block " + upn("sue") + ", stolen, please hurry":    {about: "sue", reason: "stolen, please hurry"},
		"block " + cast("sue") + ", stolen":                 {about: "sue", reason: "stolen"},
		`block "Sue Tanaka", robbed on a train, say police`: {about: "sue", reason: "robbed on a train, say police"},
		"block sue, a phone was stolen":                     {about: "sue", reason: "a phone was stolen"},
		"block sue, sam they have left":                     {about: "sue sam", reason: "they have left"},
		"block " + upn("sue") + ", " + upn("sam") + " gone": {about: "sue sam", reason: "gone"},
		"block " + upn("sue") + ", sam has asked for it":    {said: "I cannot tell whether “sam” after the comma is one more account, or begins your reason."},
		"block sue, phone was stolen":                       {said: "I cannot tell whether “phone” after the comma"},
		"block sue, sam, seu they have left":                {said: "I cannot tell whether “sam” after the comma"},
		`block sue, "Sam Hill" they have left`:              {said: "There is no account “Sam Hill”"},
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			open(t, func(o *office) {
				if want.said != "" {
					got := o.say("ada", line)
					wantSaid(t, got, want.said, notAsked)
					if got.Request != "" || len(o.stored()) != 0 {
						t.Errorf("it was asked for: %s", got.Plain())
					}
					return
				}
				r := o.asks("ada", line)
				var about []string
				for _, target := range r.Targets {
					about = append(about, target.ID)
				}
				wanted := strings.Fields(want.about)
				for i := range wanted {
					wanted[i] = cast(wanted[i])
				}
				if !slices.Equal(about, wanted) || r.Reason != want.reason {
					t.Errorf("it is about %v because %q, want %v because %q", about, r.Reason, wanted, want.reason)
				}
			})
		})
	}
}

// TestNoneOfSeveral holds that it is said once that nothing was asked for, and
// that nobody is told to ask for others where there are none.
func TestNoneOfSeveral(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		o.bare("sue")
		none := o.say("ada", "reset "+upn("sue")+", "+upn("sam")+" lost")
		wantSaid(t, none, "“Sue Tanaka” has no method", "“Sam Rivera” has no method")
		some := o.say("ada", "reset "+upn("sue")+", "+upn("vic")+" lost")
		wantSaid(t, some, "Leave out what cannot be done, and ask for the others.")
		for _, got := range []said{none, some} {
			if n := strings.Count(got.Plain(), notAsked); n != 1 || got.Request != "" {
				t.Errorf("it is said %d times that nothing was asked for:\n%s", n, got.Plain())
			}
		}
		if strings.Contains(none.Plain(), "the others") {
			t.Errorf("there are no others:\n%s", none.Plain())
		}
	})
}

func TestShortlyCutsWholeNames(t *testing.T) {
	t.Parallel()
	var all []approval.Target
	for i := range 40 {
		all = append(all, approval.Target{ID: fmt.Sprint(i), Name: strings.Repeat("Ä", 20) + fmt.Sprint(i)})
	}
	got := shortly(all)
	if len([]rune(got)) > shortRunes+60 || !strings.Contains(got, "more, all of whom stand under the details") || strings.Count(got, "“") != strings.Count(got, "”") {
		t.Errorf("got %s", got)
	}
	shown := 0
	for _, f := range targetFields(all) {
		shown += strings.Count(f.Value, "\n") + 1
		if len([]rune(f.Value)) > 1500 {
			t.Errorf("a field has %d runes", len([]rune(f.Value)))
		}
	}
	if shown != len(all) {
		t.Errorf("%d of %d are listed", shown, len(all))
	}
}

// TestU05ManagerStopsSeveral has the manager of the last of several accounts stop
// what runs already: it ends before the next of them, as they are told.
func TestU05ManagerStopsSeveral(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		ids := o.plain(4)
		for _, id := range ids {
			o.portal("POST", "/v1.0/users/"+id+"/authentication/phoneMethods", mobile)
		}
		o.twist.bosses = map[string]string{ids[3]: cast("sue")}
		r := o.asks("ada", "reset "+strings.Join(ids, ",")+" they asked for it")
		o.fault(`[{"method":"DELETE","path":"/users/*","times":4,"delay_ms":8000}]`)
		o.agrees(r)
		time.Sleep(12 * time.Second)
		got := o.press("sue", "stop", r.Seal(), nil)
		wantSaid(t, got, "ends before the next account", "has been alerted")
		if r = o.ends(r); r.State != approval.Partial || became(r.Outcome.Done, ids[3]).class == approval.Applied {
			t.Errorf("it %s: %s", r.State, fatesOf(r))
		}
	}, busy)
}
