package commands

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/graph"
	"twokey/graph/simtenant"
)

// actionNamed returns one of the actions.
func actionNamed(name string) action {
	return actions[slices.IndexFunc(actions, func(a action) bool { return a.name == name })]
}

// TestO46Throttled sends the order of a pass again when the tenant says so, and
// not before.
func TestO46Throttled(t *testing.T) {
	t.Parallel()
	openEach(t, func(o *office) {
		a := actionNamed("tap")
		r := a.begins(o)
		o.agrees(r)
		o.fault(`[{"method":"POST","path":"/users/*","times":1,"status":429,"retry_after":17}]`)
		before := time.Now()
		got := o.press("ada", "collect", r.Seal(), nil)
		if took := time.Since(before); took < 17*time.Second || !got.Secret {
			t.Errorf("answered after %s, secret %t:\n%s", took, got.Secret, got.Headline)
		}
		steps := o.steps(r)
		if len(o.effects()) != 1 || len(steps) != 2 || steps[0].Class != approval.Refused || steps[1].Class != approval.Applied {
			t.Errorf("%d effects, and the tries are %+v", len(o.effects()), steps)
		}
	})
}

// TestO47Applied has the answer of a new policy lost after it was made: it is
// found by the mark in its name, over all pages, and there is one.
func TestO47Applied(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{`"status":504,"cut":"after"`, `"cut":"after"`, `"garble":"html"`} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			openEach(t, func(o *office) {
				for i := range 120 { // more than a page
					o.portal("POST", "/v1.0/identity/conditionalAccess/policies", fmt.Sprintf(`{"displayName":"Other %d","state":"disabled","conditions":{"clientAppTypes":["all"],"applications":{"includeApplications":["All"]},"users":{"includeUsers":["All"],"excludeUsers":[]}},"grantControls":{"operator":"OR","builtInControls":["mfa"]}}`, i))
				}
				a := actionNamed("legacy-block report-only")
				r := a.begins(o)
				o.fault(`[{"method":"POST","path":"/identity/conditionalAccess/policies","times":1,` + fault + `}]`)
				r = a.runs(o, r)
				steps := o.steps(r)
				if r.State != approval.Succeeded || len(o.effects()) != 1 || len(steps) != 1 || steps[0].Object == "" || !strings.Contains(r.Outcome.Why, "Confirmed by reading") {
					t.Errorf("%s after %d effects: %+v, %+v", r.State, len(o.effects()), r.Outcome, steps)
				}
			}, p1Office)
		})
	}
}

// TestO48Cut cuts the connection after each single change was applied: it is not
// sent again, and read back.
func TestO48Cut(t *testing.T) {
	t.Parallel()
	for _, a := range actions {
		if a.name == "tap" || a.name == "reset" || len(a.writes) == 0 {
			continue
		}
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			openEach(t, func(o *office) {
				method, _, _ := strings.Cut(a.writes[0], " ")
				time.Sleep(2 * time.Second) // so that moments are told apart by more than one
				r := a.begins(o)
				before := len(o.effects())
				path := "/" + strings.Split(calledAt(o, r), "/")[1] + "/*"
				o.fault(`[{"method":"` + method + `","path":"` + path + `","times":1,"cut":"after"}]`)
				r = a.runs(o, r)
				if n := len(o.effects()) - before; r.State != approval.Succeeded || n != 1 || !strings.Contains(r.Outcome.Why, "Confirmed by reading") {
					t.Errorf("%s after %d effects: %+v", r.State, n, r.Outcome)
				}
			}, a.change)
		})
	}
}

// calledAt is where the first step of a request goes.
func calledAt(o *office, r approval.Request) string {
	o.t.Helper()
	calls, err := Actions(o.env)[r.Kind].Steps(r)
	if err != nil {
		o.t.Fatal(err)
	}
	return calls[0].URL
}

// TestO02NotSent has no byte of the order of a pass arrive: none is created by
// itself afterwards.
func TestO02NotSent(t *testing.T) {
	t.Parallel()
	openEach(t, func(o *office) {
		a := actionNamed("tap")
		r := a.begins(o)
		o.agrees(r)
		o.fault(`[{"method":"POST","path":"/users/*","cut":"before"}]`)
		o.press("ada", "collect", r.Seal(), nil)
		o.fault(`[]`)
		r = o.ends(r)
		if len(o.effects()) != 0 || r.State == approval.Succeeded {
			t.Errorf("%s, %d effects", r.State, len(o.effects()))
		}
	})
}

// TestO03CodeLost has a pass created whose answer is lost: it is found, deleted
// as a step of its own, and no second one is ordered.
func TestO03CodeLost(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{`"cut":"after"`, `"status":504,"cut":"after"`, `"garble":"cut"`, `"garble":"empty"`} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			openEach(t, func(o *office) {
				a := actionNamed("tap")
				r := a.begins(o)
				o.agrees(r)
				o.fault(`[{"method":"POST","path":"/users/*","times":1,` + fault + `}]`)
				got := o.press("ada", "collect", r.Seal(), nil)
				if got.Secret {
					t.Error("something secret is shown")
				}
				r = o.ends(r)
				effects := o.effects()
				if len(effects) != 2 || effects[0].Method != "POST" || effects[1].Method != "DELETE" || r.State == approval.Succeeded {
					t.Fatalf("%s, effects %+v", r.State, effects)
				}
				if n := len(o.passesNow("sue")); n != 0 {
					t.Errorf("%d passes are left", n)
				}
				if !strings.Contains(r.Outcome.Why, "taken back") {
					t.Errorf("the requester is told %q", r.Outcome.Why)
				}
			})
		})
	}
}

// TestO02NotOurPass has the help desk create a pass like the one that was
// ordered and never arrived, while nothing can be read: it is theirs, and stays.
func TestO02NotOurPass(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		r := actionNamed("tap").begins(o)
		o.agrees(r)
		passes := "/users/" + cast("sue") + "/authentication/temporaryAccessPassMethods"
		o.fault(`[{"method":"POST","path":"/users/*","times":1,"cut":"before","delay_ms":4000}]`)
		var pressed sync.WaitGroup
		pressed.Go(func() { o.press("ada", "collect", r.Seal(), nil) })
		time.Sleep(2 * time.Second)
		o.fault(`[{"method":"GET","path":"` + passes + `","status":503}]`)
		pressed.Wait()
		time.Sleep(5 * time.Minute)
		o.portal("POST", "/v1.0"+passes, `{"lifetimeInMinutes":60,"isUsableOnce":true}`)
		o.fault(`[]`)
		r = o.ends(r)
		if n := len(o.passesNow("sue")); n != 1 || r.State != approval.Failed {
			o.t.Errorf("%d passes are left of theirs; %s: %s", n, r.State, r.Outcome.Why)
		}
	})
}

func (o *office) passesNow(name string) []graph.Pass {
	o.t.Helper()
	all, err := o.client.Passes(o.t.Context(), cast(name))
	if err != nil {
		o.t.Fatal(err)
	}
	return all
}

// TestO48Mixed has the answer of a changed policy of passes lost, and another
// administrator change a part of it before it is read: nobody can tell any more
// whether the first was done, and nobody is told that it was not.
func TestO48Mixed(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		r := actionNamed("tap-policy").begins(o)
		const path = "/policies/authenticationMethodsPolicy"
		o.fault(`[{"method":"PATCH","path":"` + path + `/*","times":1,"cut":"after","delay_ms":4000}]`)
		o.agrees(r)
		for o.request(r.Ref).State != approval.Executing {
			time.Sleep(time.Second)
		}
		o.fault(`[{"method":"GET","path":"` + path + `","status":503}]`)
		time.Sleep(20 * time.Second)
		o.portal("PATCH", "/v1.0"+path+"/authenticationMethodConfigurations/temporaryAccessPass",
			`{"@odata.type":"#microsoft.graph.temporaryAccessPassAuthenticationMethodConfiguration","maximumLifetimeInMinutes":240}`)
		o.fault(`[]`)
		r = o.ends(r)
		if r.State != approval.Unknown || !strings.Contains(r.Outcome.Why, "neither as it was nor as it should be: passes are switched on") {
			o.t.Errorf("%s, %d effects: %s", r.State, len(o.effects()), r.Outcome.Why)
		}
	}, quiet)
}

// TestO48EndedByOthers has somebody else end the sessions while a reset is under
// way, and the bot's own call for it never arrive: it is not said to be done.
func TestO48EndedByOthers(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		r := actionNamed("reset").begins(o)
		o.fault(`[{"method":"DELETE","path":"/users/*","times":1,"delay_ms":20000}]`)
		o.agrees(r)
		time.Sleep(12 * time.Second)
		revoke := "/users/" + cast("sue") + "/revokeSignInSessions"
		o.portal("POST", "/v1.0"+revoke, "")
		o.fault(`[{"method":"POST","path":"` + revoke + `","times":1,"cut":"before"}]`)
		r = o.ends(r)
		revoked := slices.ContainsFunc(o.effects(), func(e simtenant.Effect) bool { return strings.HasSuffix(e.Path, "/revokeSignInSessions") })
		if revoked || r.State != approval.Unknown || !strings.Contains(r.Outcome.Why, "before the bot ended any") {
			o.t.Errorf("ended by the bot: %t; %s: %s", revoked, r.State, r.Outcome.Why)
		}
	})
}

// TestO02NotOurPhone has somebody register another number while the bot's own
// never arrived: that is not what was asked for.
func TestO02NotOurPhone(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		r := actionNamed("phone").begins(o)
		o.fault(`[{"method":"POST","path":"/users/*","times":1,"cut":"before"}]`)
		o.agrees(r)
		time.Sleep(20 * time.Second)
		o.fault(`[]`)
		o.portal("POST", "/v1.0/users/"+cast("sue")+"/authentication/phoneMethods", `{"phoneNumber":"+44 7700900999","phoneType":"mobile"}`)
		if r = o.ends(r); r.State != approval.Failed || len(o.effects()) != 0 {
			o.t.Errorf("%s with %d effects: %s", r.State, len(o.effects()), r.Outcome.Why)
		}
	})
}

// TestG03ReadTooEarly has a reset read again before the tenant shows it: what was
// deleted is not said to be there.
func TestG03ReadTooEarly(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		r := actionNamed("reset").begins(o)
		time.Sleep(2 * time.Minute) // what it begins with shows
		o.fault(`[{"method":"GET","path":"/users/*","stale_s":60}]`)
		o.agrees(r)
		r = o.ends(r)
		if why := r.Outcome.Why; r.State != approval.Succeeded || strings.Contains(why, "Still there") || !strings.Contains(why, "What was deleted can be shown for a while yet.") {
			o.t.Errorf("%s: %s", r.State, why)
		}
	})
}

// TestO45NotDelivered has the private answer fail: the pass is deleted by its ID,
// and the requester is told to ask again.
func TestO45NotDelivered(t *testing.T) {
	t.Parallel()
	openEach(t, func(o *office) {
		a := actionNamed("tap")
		r := a.begins(o)
		o.agrees(r)
		e := chat.Event{Key: "press-1", Kind: chat.Press, From: account("ada"), Channel: "C-admins", Button: "collect", Value: r.Seal()}
		heard := &muffled{}
		_ = o.mux.Handle(o.t.Context(), heard, e) // it could not say even that
		r = o.ends(r)
		effects := o.effects()
		if len(effects) != 2 || effects[1].Method != "DELETE" || len(o.passesNow("sue")) != 0 {
			t.Fatalf("the effects are %+v", effects)
		}
		if len(heard.aloud) != 0 || heard.tried != 1 || r.State == approval.Succeeded || !strings.Contains(r.Outcome.Why, "ask for it anew") {
			t.Errorf("%s, %q, said aloud: %+v, tried %d times", r.State, r.Outcome.Why, heard.aloud, heard.tried)
		}
		o.press("ada", "collect", r.Seal(), nil)
		if len(o.effects()) != 2 {
			t.Error("another pass was ordered without a new approval")
		}
	})
}

// TestO43InPublic asks and collects in the channel: the pass is shown to its
// requester alone, once, and is in nothing that is kept.
func TestO43InPublic(t *testing.T) {
	t.Parallel()
	openEach(t, func(o *office) {
		a := actionNamed("tap")
		r := a.begins(o)
		o.agrees(r)
		got := o.handle(chat.Event{Kind: chat.Press, From: account("ada"), Channel: "C-admins", Button: "collect", Value: r.Seal()})
		i := slices.IndexFunc(got.Fields, func(f chat.Field) bool { return f.Label == "Pass" })
		if got.aloud || !got.Secret || i < 0 || len(got.Fields[i].Value) < 8 {
			t.Fatalf("the answer is %+v", got)
		}
		code := got.Fields[i].Value
		r = o.ends(r)
		var kept strings.Builder
		for rec, err := range o.store.Audit(o.t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			text, _ := json.Marshal(rec)
			kept.Write(text)
		}
		text, _ := json.Marshal([]any{r, o.steps(r)})
		kept.Write(text)
		for _, kind := range []string{approval.NoticePrompt, approval.NoticeRequest, approval.NoticeOutcome, approval.NoticeConcern} {
			all, _ := o.notices(kind)
			for _, m := range all {
				kept.WriteString(whole(m))
			}
		}
		kept.WriteString(o.log.String())
		if strings.Contains(kept.String(), code) {
			t.Error("the pass is in what is kept")
		}
		if again := o.press("ada", "collect", r.Seal(), nil); again.Secret || len(o.effects()) != 1 {
			t.Errorf("collected twice: %s", again.Plain())
		}
		if other := o.press("abe", "collect", r.Seal(), nil); other.Secret {
			t.Error("somebody else can collect it")
		}
	})
}

// sixSteps gives sue enough methods for a reset of six steps.
func sixSteps(o *office) {
	o.portal("POST", "/v1.0/users/"+cast("sue")+"/authentication/phoneMethods", mobile)
	o.portal("POST", "/v1.0/users/"+cast("sue")+"/authentication/phoneMethods", `{"phoneNumber":"+44 7700900124","phoneType":"alternateMobile"}`)
	o.portal("POST", "/v1.0/users/"+cast("sue")+"/authentication/phoneMethods", `{"phoneNumber":"+44 7700900125","phoneType":"office"}`)
	o.portal("PATCH", "/beta/users/"+cast("sue")+"/authentication/signInPreferences", `{"userPreferredMethodForSecondaryAuthentication":"voiceAlternateMobile"}`)
}

// TestG06 fails each step of a reset in each way: the outcome says of each what
// became of it, and agrees with the tenant.
func TestG06(t *testing.T) {
	t.Parallel()
	for fault, applied := range map[string]bool{
		`"status":403`: false, `"status":404`: false, `"status":409`: false, `"status":400`: false, `"status":500,"cut":"after"`: true, `"status":503`: false,
		`"cut":"before"`: false, `"cut":"after"`: true, `"garble":"html"`: true,
	} {
		for step := range 6 {
			t.Run(fmt.Sprintf("%s at step %d", fault, step+1), func(t *testing.T) {
				t.Parallel()
				open(t, func(o *office) {
					sixSteps(o)
					r := o.asks("ada", "reset "+upn("sue")+" lost phone")
					calls, err := resetAction{o.env}.Steps(r)
					if err != nil || len(calls) != 6 {
						t.Fatalf("%d steps, %v: %+v", len(calls), err, calls)
					}
					o.agreesWhile(r, fmt.Sprintf(`[{"method":"%s","path":"%s","times":1,%s}]`, calls[step].Method, calls[step].URL, fault))
					r = o.ends(r)
					done := map[string]bool{}
					for _, e := range o.effects() {
						_, path, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(e.Path, "/v1.0"), "/beta"), "/")
						done[e.Method+" /"+path] = true
					}
					for i, call := range calls {
						var report *approval.StepReport
						for j := range r.Outcome.Done {
							if r.Outcome.Done[j].Number == i+1 {
								report = &r.Outcome.Done[j]
							}
						}
						was := done[call.Method+" "+call.URL]
						switch {
						case report == nil:
							t.Errorf("step %d (%s) is not reported: %+v", i+1, call.What, r.Outcome)
						case (report.Class == approval.Applied) != was:
							t.Errorf("step %d (%s) is reported %s, and was done: %t", i+1, call.What, report.Class, was)
						}
					}
					if !applied && done[calls[step].Method+" "+calls[step].URL] && !strings.Contains(fault, "before") {
						t.Errorf("step %d was sent again", step+1)
					}
					if r.State != approval.Succeeded && r.State != approval.Partial {
						t.Errorf("it ended as %s: %+v", r.State, r.Outcome)
					}
					if !done["POST /users/"+cast("sue")+"/revokeSignInSessions"] && step != 5 {
						t.Error("the sessions were not ended")
					}
				})
			})
		}
	}
}

// agreesWhile has a request approved under faults, which then go away again.
func (o *office) agreesWhile(r approval.Request, faults string) {
	o.fault(faults)
	o.agrees(r)
}
