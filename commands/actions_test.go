package commands

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/commands/approval"
	"twokey/graph"
	"twokey/graph/rollout"
)

// action is one change, as it is asked for in an office that is fit for it.
type action struct {
	name   string
	by     string
	line   string
	fit    func(*office) // before it is asked
	change func(*setting)
	policy string
	writes []string // the method and the end of each path, in order
}

const mobile = `{"phoneNumber":"+44 7700900123","phoneType":"mobile"}`

// register gives sue a mobile phone, past the bot.
func phoneForSue(o *office) {
	o.portal("POST", "/v1.0/users/"+cast("sue")+"/authentication/phoneMethods", mobile)
}

// reported has the bot's own policy there, as report-only.
func reported(does graph.PolicyAim) func(*office) {
	return func(o *office) {
		o.t.Helper()
		draft := graph.PolicyDraft{Does: does, Mark: "R-OLD222", ExcludeUsers: []string{cast("emergency-1"), cast("emergency-2")}}
		if _, _, err := o.client.CreatePolicy(o.t.Context(), draft); err != nil {
			o.t.Fatal(err)
		}
	}
}

func nothing(*office)   {}
func asItIs(*setting)   {}
func quiet(s *setting)  { s.sim.PassesOff = true }
func blocked(o *office) { o.portal("PATCH", "/v1.0/users/"+cast("sue"), `{"accountEnabled":false}`) }

// excepted has sue excepted already.
func excepted(o *office) {
	o.declare(rollout.Declaration{Object: cast("sue"), Sort: rollout.SortException, Name: "Sue Tanaka", Owner: cast("ada"), Until: o.now().AddDate(0, 1, 0)})
}

// declare declares something past the bot.
func (o *office) declare(d rollout.Declaration) {
	o.t.Helper()
	err := o.store.Update(o.t.Context(), func(tx approval.Tx) error { return tx.(declares).Declare(o.env.Organization.ID, d) })
	if err != nil {
		o.t.Fatal(err)
	}
}

var actions = []action{
	{"defaults", "ada", "defaults disable for a test", func(o *office) {
		o.portal("PATCH", "/v1.0/policies/identitySecurityDefaultsEnforcementPolicy", `{"isEnabled":true}`)
	}, asItIs, "two", []string{"PATCH /identitySecurityDefaultsEnforcementPolicy"}},
	{"defaults enable", "ada", "defaults enable all have been trained", nothing, asItIs, "two", []string{"PATCH /identitySecurityDefaultsEnforcementPolicy"}},
	{"legacy-block report-only", "ada", "legacy-block report-only as planned", nothing, p1Office, "two", []string{"POST /identity/conditionalAccess/policies"}},
	{"legacy-block enforce", "ada", "legacy-block enforce as planned", reported(graph.AimBlockLegacy), p1Office, "two", []string{"PATCH /identity/conditionalAccess/policies/"}},
	{"require-mfa report-only", "ada", "require-mfa report-only as planned", nothing, p1Office, "two", []string{"POST /identity/conditionalAccess/policies"}},
	{"require-mfa enforce", "ada", "require-mfa enforce as planned", reported(graph.AimRequireMFA), p1Office, "two", []string{"PATCH /identity/conditionalAccess/policies/"}},
	{"tap", "ada", "tap " + upn("sue") + " --minutes 60 lost phone", nothing, asItIs, "one", []string{"POST /temporaryAccessPassMethods"}},
	{"tap-policy", "ada", "tap-policy enable all new starters", nothing, quiet, "two", []string{"PATCH /authenticationMethodConfigurations/temporaryAccessPass"}},
	{"reset", "ada", "reset " + upn("sue") + " lost phone", phoneForSue, asItIs, "one", []string{"DELETE /phoneMethods/", "DELETE /microsoftAuthenticatorMethods/", "POST /revokeSignInSessions"}},
	{"method", "ada", "method remove " + upn("sue") + " 3179e48a-750b-4051-897c-87b9720928f7 an old number", phoneForSue, asItIs, "one", []string{"DELETE /phoneMethods/"}},
	{"phone", "ada", "phone add " + upn("sue") + ` "+34 600000000" no smartphone, called back`, nothing, asItIs, "one", []string{"POST /phoneMethods"}},
	{"goal", "ada", "goal 98% by 2027-03-31", nothing, asItIs, "confirm", nil},
	{"scope", "ada", "scope set sue shared --until 2026-12-31 the front desk", nothing, asItIs, "confirm", nil},
	{"exception add", "ada", "exception add sue --until 2027-01-31 waits for a key", nothing, asItIs, "one", nil},
	{"exception renew", "ada", "exception renew sue --until 2027-02-28 the key is late", excepted, asItIs, "one", nil},
	{"exception end", "ada", "exception end sue the key is here", excepted, asItIs, "one", nil},
	{"revoke", "ada", "revoke " + upn("sue"), nothing, asItIs, "confirm", []string{"POST /revokeSignInSessions"}},
	{"block", "ada", "block " + upn("sue") + " has left", nothing, asItIs, "one", []string{"PATCH /users/"}},
	{"unblock", "ada", "unblock " + upn("sue") + " is back", blocked, asItIs, "one", []string{"PATCH /users/"}},
	{"campaign", "ada", "campaign set on --days 3 texts end", nothing, asItIs, "two", []string{"PATCH /policies/authenticationMethodsPolicy"}},
}

// roundabout are the changes that are asked for from a case, for what another
// request has left, or by an answer about oneself.
var roundabout = []action{
	{"case pass", "ada", "case pass C-ABC234", sueProved, asItIs, "one", []string{"POST /temporaryAccessPassMethods"}},
	{"case reset", "ada", "case reset C-ABC234", sueProved, quiet, "one", []string{"DELETE /microsoftAuthenticatorMethods/", "POST /revokeSignInSessions"}},
	{"requests retry", "ada", "requests retry R-ABC234 once more", sueLeft, asItIs, "one", []string{"PATCH /users/"}},
	{"own-block", "sue", "prompt yes", nothing, asItIs, "one", []string{"PATCH /users/"}},
}

// sueProved opens sue's case and records two proofs.
func sueProved(o *office) { provedTwice(o, "sue") }

// sueLeft blocks two accounts, of which sue's is refused.
func sueLeft(o *office) {
	o.t.Helper()
	r := o.asks("ada", "block "+cast("sue")+","+o.plain(1)[0]+" they have left")
	o.fault(`[{"method":"PATCH","path":"/users/` + cast("sue") + `","times":9,"status":403}]`)
	o.agrees(r)
	if r = o.ends(r); r.State != approval.Partial {
		o.t.Fatalf("it %s: %+v", r.State, r.Outcome)
	}
	o.fault(`[]`)
}

// typed is a line about the case or the request that is there, whose numbers are
// drawn.
func (o *office) typed(line string) string {
	o.t.Helper()
	if strings.HasPrefix(line, "case ") {
		line = strings.ReplaceAll(line, "C-ABC234", o.caseAbout("sue"))
	}
	if strings.HasPrefix(line, "requests retry ") {
		line = strings.ReplaceAll(line, "R-ABC234", o.everyRequest()[0].Ref)
	}
	return line
}

// begins has an action asked for, confirmed where nobody else decides it.
func (a action) begins(o *office) approval.Request {
	o.t.Helper()
	a.fit(o)
	switch {
	case a.line == "prompt yes": // the answer is about the emergency first
		return o.request(o.say(a.by, a.line).Request)
	case a.policy != policyConfirm:
		return o.asks(a.by, o.typed(a.line))
	}
	shown := o.say(a.by, a.line)
	if len(shown.Buttons) != 1 || shown.Buttons[0].ID != "confirm" {
		o.t.Fatalf("%q is answered with\n%s", a.line, shown.Plain())
	}
	got := o.press(a.by, "confirm", shown.Buttons[0].Value, nil)
	wantSaid(o.t, got, "You have confirmed it.")
	return o.request(got.Request)
}

// runs brings an action to its end, collected where it has to be.
func (a action) runs(o *office, r approval.Request) approval.Request {
	o.t.Helper()
	o.agrees(r)
	if r.Policy.Collect == 0 {
		return o.ends(r)
	}
	time.Sleep(r.Policy.Wait)
	o.press(a.by, "collect", r.Seal(), nil)
	return o.ends(r)
}

func TestActionsRun(t *testing.T) {
	t.Parallel()
	for _, a := range actions {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			open(t, func(o *office) {
				r := a.begins(o)
				before := len(o.effects())
				if r.Policy.Name != a.policy {
					t.Errorf("the policy is %+v, want %s", r.Policy, a.policy)
				}
				if r = a.runs(o, r); r.State != approval.Succeeded {
					t.Errorf("it %s: %+v\n%s", r.State, r.Outcome, o.log)
				}
				steps, effects := o.steps(r), o.effects()[before:]
				if len(steps) != len(a.writes) || len(effects) != len(a.writes) {
					t.Fatalf("%d steps and %d effects, want %d", len(steps), len(effects), len(a.writes))
				}
				for i, want := range a.writes {
					method, path, _ := strings.Cut(want, " ")
					sum := sha256.Sum256(effects[i].Body)
					if effects[i].Body == nil {
						sum = sha256.Sum256(nil)
					}
					switch {
					case effects[i].Method != method || !strings.Contains(effects[i].Path, path):
						t.Errorf("effect %d is %s %s, want %s", i, effects[i].Method, effects[i].Path, want)
					case steps[i].Method != method || !strings.HasSuffix(effects[i].Path, steps[i].URL):
						t.Errorf("step %d says %s %s, and the tenant saw %s", i, steps[i].Method, steps[i].URL, effects[i].Path)
					case steps[i].BodyHash != hex.EncodeToString(sum[:]):
						t.Errorf("step %d has another hash than what the tenant got: %s", i, effects[i].Body)
					case steps[i].ClientID != effects[i].ClientRequestID:
						t.Errorf("step %d was sent as %s, want %s", i, effects[i].ClientRequestID, steps[i].ClientID)
					}
				}
				o.recordsNameNobody()
			}, a.change)
		})
	}
}

// recordsNameNobody holds that no record of the chain has a name, an address, a
// number or a device of somebody in it (U22): these could never be erased.
func (o *office) recordsNameNobody() {
	o.t.Helper()
	for r, err := range o.store.Audit(o.t.Context()) {
		if err != nil {
			o.t.Fatal(err)
		}
		for _, word := range []string{"Ada", "Abe", "Bea ", "Olga", "Sue", "Sam ", "@harbourvale", "+34", "iPhone", "Pixel", "Galaxy"} {
			if strings.Contains(r.Facts, word) {
				o.t.Errorf("record %d, %s, says %q: %s", r.Number, r.Kind, word, r.Facts)
			}
		}
	}
}

// TestG05DriftStopsEverything changes one thing after another between the last
// approval and the start: the difference is named, and nothing is written.
func TestG05DriftStopsEverything(t *testing.T) {
	t.Parallel()
	sue := "/v1.0/users/" + cast("sue")
	none := map[string]func(*office){
		"O49: the account is deleted, and another one gets its name": func(o *office) {
			o.portal("DELETE", sue, "")
			o.portal("POST", "/v1.0/users", `{"accountEnabled":true,"displayName":"Sue Tanaka","mailNickname":"sue","userPrincipalName":"`+upn("sue")+`","passwordProfile":{"password":"Long-enough-1"}}`)
		},
		"a directory role": func(o *office) {
			o.twist.roles[cast("sue")] = []graph.Role{{TemplateID: graph.RoleReportsReader, Name: "Reports Reader"}}
		},
		"one of the highest roles": func(o *office) {
			o.twist.roles[cast("sue")] = []graph.Role{{TemplateID: graph.RolePrivilegedRoleAdmin, Name: "Privileged Role Administrator"}}
		},
	}
	blockIt := func(o *office) { o.portal("PATCH", sue, `{"accountEnabled":false}`) }
	for name, drifts := range map[string]map[string]func(*office){
		"tap": {
			"the account is blocked": blockIt,
			"a pass": func(o *office) {
				o.portal("POST", sue+"/authentication/temporaryAccessPassMethods", `{"lifetimeInMinutes":60}`)
			},
			"passes are switched off": func(o *office) { o.passPolicy(`{"state":"disabled"`) },
			"the limits":              func(o *office) { o.passPolicy(`{"maximumLifetimeInMinutes":600`) },
			"whom they are for": func(o *office) {
				o.passPolicy(`{"includeTargets":[{"id":"` + cast("bea") + `","targetType":"user","isRegistrationRequired":false}]`)
			},
			"once only": func(o *office) { o.passPolicy(`{"isUsableOnce":true`) },
		},
		"reset": {
			"the account is blocked": blockIt,
			"O52: a new method": func(o *office) {
				o.portal("POST", sue+"/authentication/phoneMethods", `{"phoneNumber":"+44 7700900124","phoneType":"office"}`)
			},
			"a method less": func(o *office) {
				o.portal("DELETE", sue+"/authentication/phoneMethods/3179e48a-750b-4051-897c-87b9720928f7", "")
			},
			"another default": func(o *office) {
				o.portal("PATCH", "/beta/users/"+cast("sue")+"/authentication/signInPreferences", `{"userPreferredMethodForSecondaryAuthentication":"sms"}`)
			},
			"a pass": func(o *office) { o.portal("POST", sue+"/authentication/temporaryAccessPassMethods", `{}`) },
		},
		"method": {
			"the account is blocked": blockIt,
			"a new method": func(o *office) {
				o.portal("POST", sue+"/authentication/phoneMethods", `{"phoneNumber":"+44 7700900124","phoneType":"office"}`)
			},
			"it is gone": func(o *office) {
				o.portal("DELETE", sue+"/authentication/phoneMethods/3179e48a-750b-4051-897c-87b9720928f7", "")
			},
		},
		"phone": {
			"O51: there is one already": phoneForSue,
			"the account is blocked":    blockIt,
			"one of the highest roles": func(o *office) {
				o.twist.roles[cast("sue")] = []graph.Role{{TemplateID: graph.RolePrivilegedRoleAdmin, Name: "Privileged Role Administrator"}}
			},
		},
		"scope": {
			"it is gone":       func(o *office) { o.portal("DELETE", sue, "") },
			"a directory role": none["a directory role"],
			"O51: it is so already": func(o *office) {
				o.declare(rollout.Declaration{Object: cast("sue"), Sort: rollout.SortScope, Purpose: rollout.Shared, Name: "Sue", Until: time.Date(2026, 12, 31, 0, 0, 0, 0, o.env.Zone)})
			},
			"something else": func(o *office) {
				o.declare(rollout.Declaration{Object: cast("sue"), Sort: rollout.SortScope, Purpose: rollout.Room, Name: "Sue"})
			},
		},
		"exception add": {
			"it is gone":             func(o *office) { o.portal("DELETE", sue, "") },
			"there is one meanwhile": excepted,
		},
		"exception end": {
			"it has ended": func(o *office) {
				_ = o.store.Update(o.t.Context(), func(tx approval.Tx) error {
					return tx.(declares).Undeclare(o.env.Organization.ID, cast("sue"), rollout.SortException)
				})
			},
		},
		"block":   {"O51: it is so already": blockIt, "the permission": func(o *office) { o.twist.meekly = true }},
		"unblock": {"O51: it is so already": func(o *office) { o.portal("PATCH", sue, `{"accountEnabled":true}`) }},
		"campaign": {
			"O51: it is so already": func(o *office) {
				o.campaign(`"state":"enabled","snoozeDurationInDays":3,"includeTargets":[{"id":"all_users","targetType":"group","targetedAuthenticationMethod":"microsoftAuthenticator"}]`)
			},
			"its state": func(o *office) { o.campaign(`"state":"disabled"`) },
			"its days":  func(o *office) { o.campaign(`"state":"default","snoozeDurationInDays":7`) },
			"whom it leaves out": func(o *office) {
				o.campaign(`"state":"default","excludeTargets":[{"id":"` + cast("bea") + `","targetType":"user"}]`)
			},
		},
		"tap-policy": {
			"O51: it is so already": func(o *office) { o.passPolicy(`{"state":"enabled"`) },
			"its limits":            func(o *office) { o.passPolicy(`{"maximumLifetimeInMinutes":600`) },
		},
		"legacy-block report-only": {
			"a new policy": reported(graph.AimRequireMFA),
			"security defaults": func(o *office) {
				o.portal("PATCH", "/v1.0/policies/identitySecurityDefaultsEnforcementPolicy", `{"isEnabled":true}`)
			},
			"an emergency account": func(o *office) { o.bare("emergency-1") },
		},
		"require-mfa enforce": {
			"O51: it is so already": func(o *office) { o.policy(`{"state":"enabled"}`) },
			"security defaults": func(o *office) {
				o.portal("PATCH", "/v1.0/policies/identitySecurityDefaultsEnforcementPolicy", `{"isEnabled":true}`)
			},
			"O53: whom it leaves out": func(o *office) {
				o.policy(`{"conditions":{"clientAppTypes":["all"],"applications":{"includeApplications":["All"]},"users":{"includeUsers":["All"],"excludeUsers":[]}}}`)
			},
			"it is gone":                     func(o *office) { o.portal("DELETE", o.ours(), "") },
			"an administrator's last method": func(o *office) { o.bare("olga") },
		},
	} {
		a := actions[slices.IndexFunc(actions, func(a action) bool { return a.name == name })]
		if strings.Contains(a.line, upn("sue")) {
			for what, drift := range none {
				drifts[what] = drift
			}
		}
		for what, drift := range drifts {
			t.Run(name+": "+what, func(t *testing.T) {
				t.Parallel()
				in := open
				if strings.HasPrefix(what, "O") {
					in = openEach
				}
				in(t, func(o *office) {
					r := a.begins(o)
					drift(o)
					before := len(o.effects())
					r = a.runs(o, r)
					if n := len(o.effects()) - before; r.State != approval.Stale || n != 0 {
						t.Errorf("it is %s after %d writes: %+v", r.State, n, r.Outcome)
					}
					if len(r.Outcome.Findings) == 0 || strings.Contains(strings.Join(r.Outcome.Findings, " "), "cannot be understood") {
						t.Errorf("nothing is named: %q", r.Outcome.Findings)
					}
				}, a.change)
			})
		}
	}
}

// bare takes every method but the password from somebody, past the bot.
func (o *office) bare(name string) {
	o.t.Helper()
	all := o.methodsNow(name)
	preference, err := o.client.SignInPreference(o.t.Context(), cast(name))
	if err != nil {
		o.t.Fatal(err)
	}
	for _, m := range graph.DeletionOrder(all, preference) {
		o.portal("DELETE", "/v1.0/users/"+cast(name)+"/authentication/"+methodPath(m)+"/"+m.ID, "")
	}
}

// passPolicy changes the policy of passes, past the bot; the text begins a JSON
// object.
func (o *office) passPolicy(part string) {
	o.t.Helper()
	o.portal("PATCH", "/v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/temporaryAccessPass",
		part+`,"@odata.type":"#microsoft.graph.temporaryAccessPassAuthenticationMethodConfiguration"}`)
}

func (o *office) campaign(part string) {
	o.t.Helper()
	o.portal("PATCH", "/v1.0/policies/authenticationMethodsPolicy", `{"registrationEnforcement":{"authenticationMethodsRegistrationCampaign":{`+part+`}}}`)
}

// ours is where the bot's own policy is.
func (o *office) ours() string {
	o.t.Helper()
	all, err := o.client.Policies(o.t.Context())
	if err != nil {
		o.t.Fatal(err)
	}
	for _, p := range all {
		if strings.HasPrefix(p.Name, "Twokey: ") {
			return "/v1.0/identity/conditionalAccess/policies/" + p.ID
		}
	}
	o.t.Fatal("there is no policy of ours")
	return ""
}

func (o *office) policy(body string) {
	o.t.Helper()
	o.portal("PATCH", o.ours(), body)
}

// TestO50Renamed has the target called otherwise before it runs: it runs on the
// object ID, and both names are told.
func TestO50Renamed(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"tap", "reset", "method", "phone", "block", "unblock"} {
		a := actions[slices.IndexFunc(actions, func(a action) bool { return a.name == name })]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			openEach(t, func(o *office) {
				r := a.begins(o)
				o.portal("PATCH", "/v1.0/users/"+cast("sue"), `{"displayName":"Sue Okonkwo","userPrincipalName":"`+upn("sue.okonkwo")+`"}`)
				r = a.runs(o, r)
				if r.State != approval.Succeeded {
					t.Fatalf("it is %s: %+v", r.State, r.Outcome)
				}
				all, _ := o.notices(approval.NoticeOutcome)
				said := all[len(all)-1].Plain()
				for _, want := range []string{"Sue Tanaka", upn("sue"), "Sue Okonkwo", upn("sue.okonkwo")} {
					if !strings.Contains(said, want) {
						t.Errorf("the outcome does not say %q:\n%s", want, said)
					}
				}
			}, a.change)
		})
	}
}

// TestDeclaredOfARole holds that what is declared of somebody with a role takes
// two, as every change does, alone or among others; and that what was stored
// before anything was noted of them runs as it was asked.
func TestDeclaredOfARole(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		lines := []string{
			"exception add " + upn("vic") + " --until 2027-02-01 waits for a key",
			"scope set " + upn("olga") + " leave --until 2027-02-01 a sabbatical",
			"scope set " + upn("vic") + "," + upn("sue") + " shared the front desk",
		}
		for _, line := range lines {
			if r := o.asks("ada", line); r.Policy.Name != policyTwo || r.Policy.Quorum != 2 || !strings.Contains(strings.Join(r.Policy.Because, " "), "because of a role in this bot") {
				t.Errorf("%q is decided by %+v", line, r.Policy)
			}
		}
		r := o.asks("ada", "exception add "+upn("sam")+" --until 2027-02-01 waits for a key")
		a := declareAction{o.env, kindNamed(ExceptionKind), rollout.SortException}
		now, err := a.Snapshot(o.t.Context(), r)
		if found := a.Compare(json.RawMessage(`{}`), now, r, nil); err != nil || len(found) > 0 {
			t.Errorf("what was stored before differs: %q, %v", found, err)
		}
	})
}
