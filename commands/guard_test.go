package commands

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/commands/identity"
	"twokey/commands/rules"
	"twokey/graph"
	"twokey/graph/simtenant"
)

// aboutPeople are the lines of all changes of one account.
func aboutPeople(whom string) []string {
	return []string{
		"tap " + whom + " for a test", "reset " + whom + " for a test", "method remove " + whom + " some-id for a test",
		"phone add " + whom + ` "+34 600000000" for a test`,
		"revoke " + whom, "block " + whom + " for a test", "unblock " + whom + " for a test",
	}
}

// wantRefused checks that a line is refused with the texts, and nothing is asked.
func wantRefused(o *office, person, line string, want ...string) {
	o.t.Helper()
	got := o.say(person, line)
	wantSaid(o.t, got, want...)
	for _, b := range got.Buttons {
		if b.ID == "confirm" {
			o.t.Errorf("%q can be confirmed:\n%s", line, got.Plain())
		}
	}
	err := o.store.View(context.Background(), func(tx approval.Tx) error {
		all, err := tx.Requests("")
		if len(all) != 0 {
			o.t.Errorf("%q is asked: %+v", line, all[0].Words)
		}
		return err
	})
	if err != nil {
		o.t.Fatal(err)
	}
}

// TestG26Protected holds that no change touches a protected account, however it
// is named, when it is asked.
func TestG26Protected(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		for _, m := range simtenant.Emergency(0) {
			for _, whom := range []string{m.UPN, m.ObjectID, strings.ToUpper(m.UPN), `"` + m.Name + `"`} {
				for _, line := range append(aboutPeople(whom), "scope set "+whom+" service for a test", "exception add "+whom+" --until 2027-01-31 for a test") {
					wantRefused(o, "ada", line, "is a protected account. No change may touch it, however many approve.")
				}
			}
		}
		for _, line := range aboutPeople(upn("bea")) {
			wantRefused(o, "ada", line, "is a protected account.")
		}
	}, func(s *setting) { s.laid.AdminsTwo = true; s.laid.Protected = append(s.laid.Protected, cast("bea")) })
}

// TestG26ProtectedMeanwhile protects an account after everybody approved.
func TestG26ProtectedMeanwhile(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"tap", "reset", "method", "phone", "scope", "exception add", "block", "unblock"} {
		a := actionNamed(name)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			open(t, func(o *office) {
				r := a.begins(o)
				laid := o.laid
				laid.Protected = append(slices.Clone(laid.Protected), cast("sue"))
				env := o.env
				env.Rules = rules.Fixed(laid)
				action := Actions(env)[r.Kind]
				now, err := action.Snapshot(o.t.Context(), r)
				if err != nil {
					t.Fatal(err)
				}
				if got := action.Compare(r.Snapshot, now, r, nil); !slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, "is a protected account") }) {
					t.Errorf("it may run: %q", got)
				}
			}, a.change)
		})
	}
}

// TestU06 refuses the highest administrators for all that opens or closes an
// account, unless the owner wants two to approve it.
func TestU06(t *testing.T) {
	t.Parallel()
	for _, role := range []string{graph.RoleGlobalAdministrator, graph.RolePrivilegedRoleAdmin, graph.RolePrivilegedAuthAdmin} {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			openEach(t, func(o *office) {
				o.twist.roles[cast("sue")] = []graph.Role{{TemplateID: role, Name: "High"}}
				for _, line := range aboutPeople(upn("sue")) {
					if !strings.HasPrefix(line, "revoke") {
						wantRefused(o, "ada", line, "is one of the highest administrators (“High”), whom this bot leaves alone.", "“admins: two”")
					}
				}
			})
			openEach(t, func(o *office) {
				o.twist.roles[cast("sue")] = []graph.Role{{TemplateID: role, Name: "High"}}
				r := o.asks("ada", "tap "+upn("sue")+" for a test")
				if r.Policy.Name != policyTwo || r.Policy.Quorum != 2 || r.Policy.Wait != 15*time.Minute || len(r.Policy.Because) != 1 {
					t.Errorf("the policy is %+v", r.Policy)
				}
			}, func(s *setting) { s.laid.AdminsTwo = true })
		})
	}
}

// TestU06WhatTheAppCannotDo refuses a block that the tenant would refuse, when it
// is asked.
func TestU06WhatTheAppCannotDo(t *testing.T) {
	t.Parallel()
	openEach(t, func(o *office) {
		o.twist.roles[cast("sue")] = []graph.Role{{TemplateID: graph.RoleUserAdministrator, Name: "User Administrator"}}
		wantRefused(o, "ada", "block "+upn("sue")+" for a test", "lets the bot's app neither block nor unblock such accounts", "“User Administrator”")
		o.twist.roles, o.twist.meekly = nil, true
		wantRefused(o, "ada", "block "+upn("sue")+" for a test", "lacks the permission User.EnableDisableAccount.All")
		o.twist.roles, o.twist.meekly, o.twist.mighty = map[string][]graph.Role{cast("sue"): {{TemplateID: graph.RoleUserAdministrator}}}, false, true
		if r := o.asks("ada", "block "+upn("sue")+" for a test"); r.Policy.Quorum != 2 {
			t.Errorf("the policy is %+v", r.Policy)
		}
	})
}

// TestG26Lockout has fixtures in which a change would leave too few able to sign
// in: refused when asked, and let by with two approvers and the risk in the
// prompt where the owner accepts it.
func TestG26Lockout(t *testing.T) {
	t.Parallel()
	only := func(o *office) { // sue is the only administrator who could put it right
		o.twist.roles[cast("sue")] = []graph.Role{{TemplateID: graph.RoleGlobalAdministrator, Name: "Global Administrator"}}
		o.bare("olga")
		o.twist.mighty = true
	}
	authenticator := func(o *office) string {
		for _, m := range o.methodsNow("sue") {
			if m.Kind == graph.MethodAuthenticator {
				return m.ID
			}
		}
		panic("sue has none")
	}
	for name, line := range map[string]func(o *office) string{
		"block":         func(*office) string { return "block " + upn("sue") + " for a test" },
		"reset":         func(*office) string { return "reset " + upn("sue") + " for a test" },
		"method remove": func(o *office) string { return "method remove " + upn("sue") + " " + authenticator(o) + " for a test" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const risk = "Only 0 of the administrators who could put it right would still be able to sign in; at least 1 must remain."
			open(t, func(o *office) {
				only(o)
				wantRefused(o, "ada", line(o), risk, "accept_lockout: true")
			}, func(s *setting) { s.laid.AdminsTwo = true })
			open(t, func(o *office) {
				only(o)
				r := o.asks("ada", line(o))
				if r.Policy.Name != policyTwo || r.Policy.Quorum != 2 || !slices.Contains(r.Words.Findings, risk) {
					t.Errorf("the policy is %+v, the findings are %q", r.Policy, r.Words.Findings)
				}
			}, func(s *setting) { s.laid.AdminsTwo, s.laid.AcceptLockout, s.laid.Solo = true, true, true })
		})
	}
}

// TestG26LockoutMeanwhile lets the other administrator lose their method after
// everybody approved.
func TestG26LockoutMeanwhile(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		o.twist.roles[cast("sue")] = []graph.Role{{TemplateID: graph.RoleGlobalAdministrator, Name: "Global Administrator"}}
		o.twist.mighty = true
		r := o.asks("ada", "block "+upn("sue")+" for a test")
		o.agrees(r)
		o.bare("olga")
		if r = o.ends(r); r.State != approval.Stale || len(o.effects()) != 0 || !strings.Contains(strings.Join(r.Outcome.Findings, " "), "must remain") {
			t.Errorf("%s: %+v", r.State, r.Outcome)
		}
	}, func(s *setting) { s.laid.AdminsTwo = true })
}

// TestO54 refuses security defaults while no emergency account could sign in,
// and names them; accepted by its name, two must approve and read it.
func TestO54(t *testing.T) {
	t.Parallel()
	everybody := func(o *office) {
		for _, name := range []string{"emergency-1", "emergency-2"} {
			o.bare(name)
		}
	}
	openEach(t, func(o *office) {
		everybody(o)
		wantRefused(o, "ada", "defaults enable for a test", "No emergency access account could sign in with a second factor: “", "“Emergency Access 1”", "“Emergency Access 2”", "accept_lockout: true")
	})
	openEach(t, func(o *office) {
		everybody(o)
		r := o.asks("ada", "defaults enable for a test")
		if r.Policy.Quorum != 2 || !slices.ContainsFunc(r.Words.Findings, func(s string) bool { return strings.Contains(s, "No emergency access account could sign in") }) {
			t.Errorf("the policy is %+v, the findings are %q", r.Policy, r.Words.Findings)
		}
	}, func(s *setting) {
		s.laid.AcceptLockout = true
		s.laid.Approvals = map[string]rules.Approval{DefaultsKind: {Policy: policyOne}}
	})
	openEach(t, func(o *office) {
		o.bare("emergency-1")
		wantRefused(o, "ada", "defaults enable for a test", "1 of 2 emergency access accounts could sign in with a second factor, and at least 2 must be able to.")
	})
}

// TestO53 refuses to enforce a policy that would lock everybody out.
func TestO53(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ body, want string }{
		"blocks everybody in everything": {`{"conditions":{"clientAppTypes":["all"],"applications":{"includeApplications":["All"]},"users":{"includeUsers":["All"],"excludeUsers":["` + cast("emergency-1") + `","` + cast("emergency-2") + `"]}}}`, "would block everybody in every program"},
		"exempts nobody":                 {`{"conditions":{"clientAppTypes":["exchangeActiveSync","other"],"applications":{"includeApplications":["All"]},"users":{"includeUsers":["All"],"excludeUsers":[]}}}`, "does not exempt the emergency access account “Emergency Access"},
		"exempts one of two":             {`{"conditions":{"clientAppTypes":["exchangeActiveSync","other"],"applications":{"includeApplications":["All"]},"users":{"includeUsers":["All"],"excludeUsers":["` + cast("emergency-1") + `"]}}}`, "does not exempt the emergency access account “Emergency Access 2”"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			openEach(t, func(o *office) {
				reported(graph.AimBlockLegacy)(o)
				o.policy(c.body)
				wantRefused(o, "ada", "legacy-block enforce for a test", c.want)
			}, p1Office)
		})
	}
	openEach(t, func(o *office) {
		wantRefused(o, "ada", "legacy-block report-only for a test", "No emergency access account is declared")
	}, p1Office, func(s *setting) { s.laid.Emergency, s.laid.Protected = nil, nil })
	openEach(t, func(o *office) {
		wantRefused(o, "ada", "require-mfa enforce for a test", "There is no policy of ours yet", "report-only")
	}, p1Office)
	openEach(t, func(o *office) {
		wantRefused(o, "ada", "require-mfa report-only for a test", "needs Entra ID P1")
	})
}

// TestG26AlteredPolicy alters a policy of ours by hand, after it was made and after
// everybody approved it: it is not enforced as something else than was shown, and
// whom it exempts beside the emergency accounts is told.
func TestG26AlteredPolicy(t *testing.T) {
	t.Parallel()
	em := `"` + cast("emergency-1") + `","` + cast("emergency-2") + `"`
	conditions := func(clients, apps, more, include, exclude string) string {
		return `{"conditions":{"clientAppTypes":[` + clients + `],"applications":{"includeApplications":[` + apps + `]},` + more +
			`"users":{"includeUsers":[` + include + `],"excludeUsers":[` + em + exclude + `],"excludeRoles":["` +
			graph.RoleDirectorySyncAccounts + `","` + graph.RoleOnPremisesDirectorySync + `"]}}}`
	}
	const all, app = `"all"`, `"00000002-0000-0ff1-ce00-000000000000"`
	for name, c := range map[string]struct {
		body, want string
		allowed    bool // it is asked for, and the approvers are told
	}{
		"as it was made":     {body: conditions(all, `"All"`, "", `"All"`, ""), allowed: true},
		"client types":       {body: conditions(`"exchangeActiveSync","other"`, `"All"`, "", `"All"`, ""), want: "the client types: “exchangeActiveSync”, “other” instead of “all”"},
		"apps":               {body: conditions(all, app, "", `"All"`, ""), want: "the apps: “00000002-0000-0ff1-ce00-000000000000” instead of “All”"},
		"a place":            {body: conditions(all, `"All"`, `"locations":{"includeLocations":["AllTrusted"]},`, `"All"`, ""), want: "conditions that keep it from some sign-ins"},
		"whom it is for":     {body: conditions(all, `"All"`, "", `"`+cast("sam")+`"`, ""), want: "the included users: “" + cast("sam") + "” instead of “All”"},
		"what it demands":    {body: `{"grantControls":{"operator":"OR","builtInControls":["block"]}}`, want: "would block everybody in every program"},
		"a choice":           {body: `{"grantControls":{"operator":"OR","builtInControls":["mfa","compliantDevice"]}}`, want: "what it demands: “mfa”, “compliantDevice” instead of “mfa”"},
		"the directory sync": {body: strings.Replace(conditions(all, `"All"`, "", `"All"`, ""), graph.RoleDirectorySyncAccounts, graph.RoleReportsReader, 1), want: "does not exempt the accounts of the directory synchronisation any more"},
		"somebody exempted":  {body: conditions(all, `"All"`, "", `"All"`, `,"`+cast("vic")+`"`), want: "Somebody has changed the policy by hand: it exempts “Vic", allowed: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			open(t, func(o *office) {
				reported(graph.AimRequireMFA)(o)
				o.policy(c.body)
				if !c.allowed {
					wantRefused(o, "ada", "require-mfa enforce for a test", c.want)
					return
				}
				r := o.asks("ada", "require-mfa enforce for a test")
				if said := strings.Join(r.Words.Findings, " "); !strings.Contains(said, c.want) || c.want == "" && strings.Contains(said, "by hand") {
					t.Errorf("the findings are %q", r.Words.Findings)
				}
			}, p1Office)
			if c.allowed {
				return
			}
			open(t, func(o *office) {
				reported(graph.AimRequireMFA)(o)
				r := o.asks("ada", "require-mfa enforce for a test")
				o.agrees(r)
				o.policy(c.body)
				if r = o.ends(r); r.State != approval.Stale || len(o.effects()) != 1 || !strings.Contains(strings.Join(r.Outcome.Findings, " "), c.want) {
					t.Errorf("%s after %d effects: %q", r.State, len(o.effects()), r.Outcome.Findings)
				}
			}, p1Office)
		})
	}
}

// TestU01NewWayIn lets somebody get a new way into an approver's account before
// they approve, and after everybody has: neither approval counts, and a denial does.
func TestU01NewWayIn(t *testing.T) {
	t.Parallel()
	const passes = "/authentication/temporaryAccessPassMethods"
	open(t, func(o *office) {
		r := o.asks("ada", "block "+upn("sue")+" for a test")
		o.portal("POST", "/v1.0/users/"+cast("abe")+"/authentication/phoneMethods", `{"phoneNumber":"+34 600000001","phoneType":"mobile"}`)
		wantSaid(t, o.press("abe", "approve", r.Seal(), nil), "Your approval does not count today: within the last 24 hours a new sign-in method was registered for your account", "Who else could decide: “Bea")
		wantSaid(t, o.press("abe", "deny", r.Seal(), nil), "You denied "+r.Ref)
	})
	open(t, func(o *office) {
		r := o.asks("ada", "defaults enable for a test")
		o.agrees(r)
		o.portal("POST", "/v1.0/users/"+cast("bea")+passes, `{"lifetimeInMinutes":60}`)
		if r = o.ends(r); r.State != approval.Stale || len(o.effects()) != 0 || !strings.Contains(strings.Join(r.Outcome.Findings, " "), "The approval of Bea") {
			t.Errorf("%s after %d effects: %q", r.State, len(o.effects()), r.Outcome.Findings)
		}
	})
}

// TestO55 asks for change after change: the hourly cap stops it.
func TestO55(t *testing.T) {
	t.Parallel()
	openEach(t, func(o *office) {
		var r approval.Request
		for _, name := range []string{"sue", "sam"} {
			r = o.asks("ada", "block "+upn(name)+" for a test")
			if len(r.Targets) != 1 || r.Targets[0].ID != cast(name) {
				t.Errorf("the targets are %v", r.Targets)
			}
		}
		got := o.say("ada", "revoke "+upn("sue")+" for a test")
		wantSaid(t, o.press("ada", "confirm", got.Buttons[0].Value, nil), "within the last hour")
	}, func(s *setting) { s.laid.PerHour = 2 })
}

// TestU05 tells the target and the manager at once, at each of their accounts,
// and lets them stop it.
func TestU05(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"tap", "reset", "method"} {
		a := actionNamed(name)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			openEach(t, func(o *office) {
				var want []string
				for _, x := range []chat.Account{account("sue"), {Platform: "other", User: "sue-2"}} {
					want = append(want, encode(chat.Direct(x)))
				}
				o.twist.bosses = map[string]string{cast("sue"): cast("olga")}
				want = append(want, encode(chat.Direct(account("olga"))))
				r := a.begins(o)
				all, to := o.notices(approval.NoticeConcern)
				for _, address := range want {
					i := slices.IndexFunc(to, func(a chat.Address) bool { return encode(a) == address })
					if i < 0 {
						t.Fatalf("%s is not told; told are %v", address, to)
					}
					if m := all[i]; strings.Contains(m.Notification(), "Sue") || len(m.Buttons) != 1 || m.Buttons[0].ID != "stop" {
						t.Errorf("%s is told\n%s", address, whole(m))
					}
				}
				o.agrees(r)
				wantSaid(t, o.press("vic", "stop", r.Seal(), nil), "it is not yours to stop")
				stopper := map[string]string{"tap": "sue", "reset": "olga", "method": "sue"}[name]
				wantSaid(t, o.press(stopper, "stop", r.Seal(), map[string]string{"reason": "nobody lost anything"}), "You stopped "+r.Ref)
				if r = o.ends(r); r.State != approval.Cancelled || len(o.effects()) != 0 {
					t.Errorf("%s after %d effects", r.State, len(o.effects()))
				}
			}, func(s *setting) {
				a.change(s)
				s.laid.Links[identity.LinkKey(chat.Account{Platform: "other", User: "sue-2"})] = cast("sue")
			})
		})
	}
}

// TestO32 names people whom the tenant does not have: whoever they are elsewhere,
// nothing is shown of them.
func TestO32(t *testing.T) {
	t.Parallel()
	openEach(t, func(o *office) {
		for _, whom := range []string{"sue@other-tenant.example", "99999999-aaaa-bbbb-cccc-000000000000", "su", "tenant:B/sue"} {
			for _, line := range aboutPeople(whom) {
				wantRefused(o, "ada", line, "There is no account “"+whom+"” in “Harbour & Vale”.")
			}
		}
	})
}

// TestSeveralOfOneName asks which one is meant, and chooses none.
func TestSeveralOfOneName(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		o.portal("PATCH", "/v1.0/users/"+cast("vic"), `{"displayName":"Sue Tanaka"}`)
		for _, line := range aboutPeople(`"Sue Tanaka"`) {
			wantRefused(o, "ada", line, "2 accounts are called “Sue Tanaka”: which one?", upn("sue"), upn("vic"))
		}
	})
}

// TestShortName finds somebody by a sign-in name without its domain, and
// nobody by a part of one.
func TestShortName(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		wantRefused(o, "ada", "tap su for a test", "There is no account “su”")
		if r := o.asks("ada", "tap Sue for a test"); len(r.Targets) != 1 || r.Targets[0].ID != cast("sue") {
			o.t.Errorf("it is about %+v, want sue", r.Targets)
		}
	})
}

// TestCollectOfNothing answers whatever is typed instead of a request's number.
func TestCollectOfNothing(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		for _, typed := range []string{"a.b", ".", "R-", "R-ABC234", "R-ABC234x", "R-ABC234.", "R.ABC2345"} {
			got := o.handle(chat.Event{Kind: chat.Command, From: account("ada"), Text: "collect " + typed})
			if !strings.Contains(got.Headline, "There is no such request") {
				o.t.Errorf("collect %s was answered with %q", typed, got.Headline)
			}
		}
	})
}

// TestSwitchedOff refuses every kind that the owner has not named, and says how
// it would be switched on and what it needs.
func TestSwitchedOff(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		for _, a := range actions {
			if len(a.writes) == 0 {
				continue // nothing of the tenant's changes: there is nothing to switch on
			}
			k := strings.Fields(a.line)[0]
			if k == "method" || k == "campaign" || k == "defaults" {
				k = map[string]string{"method": MethodKind, "campaign": CampaignKind, "defaults": DefaultsKind}[k]
			}
			wantRefused(o, a.by, a.line, "is switched off for this bot", "“changes: ["+k+"]”", kindNamed(k).permission)
		}
	}, func(s *setting) { s.laid.Changes = nil })
}

// TestPasses refuses what the tenant's policy of passes does not allow.
func TestPasses(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		wantRefused(o, "ada", "tap "+upn("sue")+" --minutes 5 for a test", "A pass is valid for 60 to 480 minutes here")
		wantRefused(o, "ada", "tap "+upn("sue")+" --minutes soon for a test", "“soon” cannot be")
		wantRefused(o, "ada", "tap "+upn("sue")+" --start yesterday for a test", "is no moment that I understand")
		wantRefused(o, "ada", "tap "+upn("sue")+" --start 2026-11-22T09:00 for a test", "in the future, and within 30 days")
		wantRefused(o, "ada", "tap "+upn("ada")+" for a test", "Nobody asks for a pass for their own account.")
		wantRefused(o, "ada", "tap "+upn("sue")+" --colour red for a test", "“--colour” is not something “/mfa tap” knows.")
		o.passPolicy(`{"isUsableOnce":true`)
		wantRefused(o, "ada", "tap "+upn("sue")+" --multi for a test", "just once")
		o.passPolicy(`{"state":"disabled"`)
		wantRefused(o, "ada", "tap "+upn("sue")+" for a test", "Temporary Access Passes are switched off in “Harbour & Vale”.")
		wantSaid(t, o.say("ada", "tap-policy show"), "switched off", "everybody", "1 hour to 8 hours")
	})
	open(t, func(o *office) { // one that begins tomorrow can be collected until an hour after
		r := o.asks("ada", "tap "+upn("sue")+" —multi —start=2026-11-24T09:00 a new starter")
		if want := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC); !r.Policy.CollectUntil.Equal(want) {
			t.Errorf("it can be collected until %s, want %s", r.Policy.CollectUntil, want)
		}
		o.agrees(r)
		o.press("ada", "collect", r.Seal(), nil)
		if effects := o.effects(); len(effects) != 1 || !strings.Contains(string(effects[0].Body), `"startDateTime":"2026-11-24T08:00:00Z"`) || !strings.Contains(string(effects[0].Body), `"isUsableOnce":false`) {
			t.Errorf("the effects are %+v", effects)
		}
	})
	open(t, func(o *office) { // an existing one would be destroyed
		o.portal("POST", "/v1.0/users/"+cast("sue")+"/authentication/temporaryAccessPassMethods", `{}`)
		r := o.asks("ada", "tap "+upn("sue")+" for a test")
		if !slices.ContainsFunc(r.Words.Findings, func(s string) bool { return strings.Contains(s, "would be destroyed") }) {
			t.Errorf("the findings are %q", r.Words.Findings)
		}
	})
}

// TestPreview shows what nobody else decides, and plans it anew when it is
// confirmed: what has changed is shown again, and not done.
func TestPreview(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		shown := o.say("ada", "revoke "+upn("sue"))
		wantSaid(t, shown, "End all sessions of “Sue Tanaka”", "Nothing has been done yet.", cast("sue"), "[Confirm]")
		time.Sleep(2 * time.Second)
		o.portal("POST", "/v1.0/users/"+cast("sue")+"/revokeSignInSessions", "")
		again := o.press("ada", "confirm", shown.Buttons[0].Value, nil)
		wantSaid(t, again, "Something has changed since this was shown to you", "[Confirm]")
		if len(o.effects()) != 0 || again.Buttons[0].Value == shown.Buttons[0].Value {
			t.Errorf("%d effects; the button says %q", len(o.effects()), again.Buttons[0].Value)
		}
		wantSaid(t, o.press("vic", "confirm", again.Buttons[0].Value, nil), "You may not use")
		got := o.press("ada", "confirm", again.Buttons[0].Value, nil)
		wantSaid(t, got, "You have confirmed it.")
		if r := o.ends(o.request(got.Request)); r.State != approval.Succeeded || len(o.effects()) != 1 {
			t.Errorf("%s: %+v", r.State, r.Outcome)
		}
	})
}

// TestSolo has the requester confirm alone what is otherwise decided by others:
// with a reason, a wait, and everybody told.
func TestSolo(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		shown := o.say("ada", "block "+upn("sue"))
		if len(shown.Buttons) != 1 || len(shown.Buttons[0].Form) != 1 {
			t.Fatalf("the preview is\n%s", whole(shown.Message))
		}
		got := o.press("ada", "confirm", shown.Buttons[0].Value, map[string]string{"reason": "has left"})
		wantSaid(t, got, "You have confirmed it.")
		r := o.request(got.Request)
		if r.Policy.Name != policySolo || r.Policy.Wait != 15*time.Minute || r.Reason != "has left" {
			t.Errorf("the policy is %+v, the reason %q", r.Policy, r.Reason)
		}
		if _, to := o.notices(approval.NoticePrompt); len(to) < 3 {
			t.Errorf("told are %v", to)
		}
		wantSaid(t, o.press("abe", "cancel", r.Seal(), nil), "You cancelled")
	}, func(s *setting) { s.laid.Solo = true })
}

// TestG22 holds that every prompt names all that an approver has to know, that
// no notification of what opens an account names whom it is about, and that what
// it does say stands in the message too.
func TestG22(t *testing.T) {
	t.Parallel()
	for _, a := range walked() {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			open(t, func(o *office) {
				r := a.begins(o)
				kind := approval.NoticePrompt
				if a.policy == policyConfirm {
					kind = approval.NoticeRequest
				}
				all := o.about(r, kind)
				if len(all) == 0 {
					t.Fatal("nobody is asked")
				}
				said := all[0].Plain()
				for what, want := range map[string]string{
					"tenant": o.env.Organization.ID, "tenant's name": "Harbour & Vale", "action": "Action: " + r.Kind, "before": r.Words.Now, "after": r.Words.Then,
					"radius": r.Words.Radius, "undo": r.Words.Undo, "rule": "Rule: ", "digest": r.Digest, "request": r.Ref,
				} {
					if want == "" || !strings.Contains(said, want) {
						t.Errorf("the %s (%q) is not named:\n%s", what, want, said)
					}
				}
				for _, target := range r.Targets {
					if !strings.Contains(said, target.ID) || !strings.Contains(said, target.Name) {
						t.Errorf("the target %v is not named:\n%s", target, said)
					}
				}
				if kind == approval.NoticePrompt {
					person := map[string]string{"ada": "Ada Okafor", "olga": "Olga Petrova", "sue": "Sue Tanaka"}[a.by]
					for what, want := range map[string]string{"requester": person, "reason": r.Reason, "risk": r.Words.Risk, "whom to call": r.Words.Call, "end": "Until: "} {
						if want == "" || !strings.Contains(said, want) {
							t.Errorf("the %s (%q) is not named:\n%s", what, want, said)
						}
					}
				}
				for _, k := range []string{approval.NoticePrompt, approval.NoticeRequest, approval.NoticeConcern} {
					for _, m := range o.about(r, k) {
						if kindNamed(r.Kind).opens && (strings.Contains(m.Notification(), "Sue") || strings.Contains(m.Notification(), "sue")) {
							t.Errorf("the notification %q names whom it is about", m.Notification())
						}
						if m.Notice != "" && !strings.Contains(m.Notice, r.Ref) {
							t.Errorf("the notification %q is about nothing", m.Notice)
						}
					}
				}
				golden(t, "prompt-"+strings.ReplaceAll(a.name, " ", "-")+".txt", settled(steady(r, whole(all[0]))))
			}, a.change)
		})
	}
}

// about words every message of a kind that is owed about a request.
func (o *office) about(r approval.Request, kind string) []chat.Message {
	o.t.Helper()
	all, _ := o.notices(kind)
	return slices.DeleteFunc(all, func(m chat.Message) bool { return m.Request != r.Ref })
}

// steady replaces what is drawn for each request.
func steady(r approval.Request, s string) string {
	return strings.NewReplacer(r.Ref, "R-ABC234", r.Digest[:16], "0123456789abcdef", r.Digest[16:], "…").Replace(s)
}

// TestPolicyFor is the whole table of who decides.
func TestPolicyFor(t *testing.T) {
	t.Parallel()
	plain := rules.Rules{Wait: 15 * time.Minute}
	tapStakes := stakes{kind: kindNamed(PassKind), targets: 1}
	wide := stakes{kind: kindNamed(DefaultsKind), targets: 1, tenant: true}
	with := func(s stakes, change func(*stakes)) stakes { change(&s); return s }
	own := func(kind string, a rules.Approval) rules.Rules {
		return rules.Rules{Wait: 15 * time.Minute, Approvals: map[string]rules.Approval{kind: a}}
	}
	for name, c := range map[string]struct {
		r      rules.Rules
		s      stakes
		policy string
		quorum int
		wait   time.Duration
	}{
		"a pass":                       {plain, tapStakes, policyOne, 1, 0},
		"a directory role":             {plain, with(tapStakes, func(s *stakes) { s.admins = []string{"Ann"} }), policyTwo, 2, 15 * time.Minute},
		"a role here":                  {plain, with(tapStakes, func(s *stakes) { s.holders = []string{"Ann"} }), policyTwo, 2, 15 * time.Minute},
		"ten accounts":                 {plain, with(tapStakes, func(s *stakes) { s.targets = 10 }), policyOne, 1, 0},
		"eleven accounts":              {plain, with(tapStakes, func(s *stakes) { s.targets = 11 }), policyTwo, 2, 15 * time.Minute},
		"more than the owner's many":   {rules.Rules{Many: 2, Wait: 15 * time.Minute}, with(tapStakes, func(s *stakes) { s.targets = 3 }), policyTwo, 2, 15 * time.Minute},
		"sessions":                     {plain, stakes{kind: kindNamed(RevokeKind), targets: 1}, policyConfirm, 0, 0},
		"sessions of an administrator": {plain, stakes{kind: kindNamed(RevokeKind), targets: 1, admins: []string{"Ann"}}, policyTwo, 2, 15 * time.Minute},
		"the tenant":                   {plain, wide, policyTwo, 2, 15 * time.Minute},
		"the tenant, by one":           {own(DefaultsKind, rules.Approval{Policy: policyOne}), wide, policyOne, 1, time.Hour},
		"the tenant, by nobody else":   {own(DefaultsKind, rules.Approval{Policy: policyConfirm}), wide, policyOne, 1, time.Hour},
		"the tenant, waiting longer":   {own(DefaultsKind, rules.Approval{Wait: 2 * time.Hour}), wide, policyTwo, 2, 2 * time.Hour},
		"a pass by two":                {own(PassKind, rules.Approval{Policy: policyTwo}), tapStakes, policyTwo, 2, 15 * time.Minute},
		"a lifted one stays two":       {own(PassKind, rules.Approval{Policy: policyConfirm}), with(tapStakes, func(s *stakes) { s.admins = []string{"Ann"} }), policyTwo, 2, 15 * time.Minute},
		"one approver there is":        {own(policyTwo, rules.Approval{Policy: policyOne}), wide, policyOne, 1, time.Hour},
		"solo":                         {rules.Rules{Solo: true, Wait: 15 * time.Minute}, tapStakes, policySolo, 0, 15 * time.Minute},
		"solo, and sessions":           {rules.Rules{Solo: true}, stakes{kind: kindNamed(RevokeKind), targets: 1}, policyConfirm, 0, 0},
		"a lock-out is never for fewer": {
			rules.Rules{Solo: true, Wait: 15 * time.Minute, Approvals: map[string]rules.Approval{policyTwo: {Policy: policyOne}, DefaultsKind: {Policy: policyOne}}},
			with(wide, func(s *stakes) { s.lockout = true }), policyTwo, 2, 15 * time.Minute,
		},
	} {
		p := policyFor(c.r, c.s)
		if p.Name != c.policy || p.Quorum != c.quorum || p.Wait != c.wait || p.Version != policyVersion {
			t.Errorf("%s: %+v, want %s, %d, %s", name, p, c.policy, c.quorum, c.wait)
		}
		if laxer(p.Name, c.s.kind.policy) && len(p.Because) == 0 {
			t.Errorf("%s: why it is not as usual is not said", name)
		}
		if (p.Collect == time.Hour) != (c.s.kind.name == PassKind) {
			t.Errorf("%s: collect %s", name, p.Collect)
		}
	}
	for name, c := range map[string]struct {
		s    stakes
		want bool
	}{
		"staff": {tapStakes, true}, "a role here": {with(tapStakes, func(s *stakes) { s.holders = []string{"Ann"} }), false},
		"the tenant": {wide, false}, "a block": {stakes{kind: kindNamed(BlockKind), targets: 1}, false},
	} {
		if got := policyFor(rules.Rules{ManagerApproves: true}, c.s).Manager; got != c.want {
			t.Errorf("%s: a manager may decide: %t", name, got)
		}
	}
	if got := policyFor(own(PassKind, rules.Approval{Approvers: []string{"ann"}}), tapStakes); !slices.Equal(got.Only, []string{"ann"}) {
		t.Errorf("only %v may decide", got.Only)
	}
}

// resetsOfBoth asks for resets of the only two administrators.
func (o *office) resetsOfBoth() (a, b approval.Request) {
	o.t.Helper()
	o.twist.roles[cast("sue")] = []graph.Role{{TemplateID: graph.RoleGlobalAdministrator, Name: "Global Administrator"}}
	return o.asks("ada", "reset "+upn("sue")+" --all for a test"), o.asks("ada", "reset "+upn("olga")+" --all for a test")
}

// TestG26TwoAtOnce approves resets of the only two administrators so that both
// come due together: the guard lets one of them run, and the other is looked at
// once that has ended.
func TestG26TwoAtOnce(t *testing.T) {
	t.Parallel()
	openEach(t, func(o *office) {
		a, b := o.resetsOfBoth()
		o.agrees(a)
		o.agrees(b)
		a, b = o.ends(a), o.ends(b)
		if a.State == approval.Stale {
			a, b = b, a
		}
		if a.State != approval.Succeeded || b.State != approval.Stale || !strings.Contains(strings.Join(b.Outcome.Findings, " "), "Only 0 of the administrators") {
			o.t.Errorf("they %s and %s: %q, %q", a.State, b.State, a.Outcome.Findings, b.Outcome.Findings)
		}
		if leavesNone(o.methodsNow("sue")) && leavesNone(o.methodsNow("olga")) {
			o.t.Error("no administrator has a second factor")
		}
	}, func(s *setting) { s.laid.AdminsTwo = true })
}

// TestG26WeighedStale is the same where what one of them did shows late: the
// other waits until it does.
func TestG26WeighedStale(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		a, b := o.resetsOfBoth()
		o.fault(`[{"method":"GET","path":"/users/*","stale_s":20}]`)
		o.agrees(a)
		o.agrees(b)
		a, b = o.ends(a), o.ends(b)
		o.fault(`[]`)
		if leavesNone(o.methodsNow("sue")) && leavesNone(o.methodsNow("olga")) {
			o.t.Errorf("no administrator has a second factor: they %s and %s", a.State, b.State)
		}
	}, func(s *setting) { s.laid.AdminsTwo = true })
}

// TestU12UndoingWeighsNobody holds that what can only let more people sign in is
// not kept waiting by what it undoes.
func TestU12UndoingWeighsNobody(t *testing.T) {
	t.Parallel()
	const held = `{"admins":[{"id":"sue"}]}`
	blocks, unblocks := severally{kind: kindNamed(BlockKind)}, severally{kind: kindNamed(UnblockKind)}
	for _, row := range []struct {
		name     string
		action   approval.Weigher
		version  int
		args     string
		snapshot string
		want     bool
	}{
		{"defaults enable", defaultsAction{}, defaultsVersion, `{"enable":true}`, held, true},
		{"defaults disable", defaultsAction{}, defaultsVersion, `{"enable":false}`, held, false},
		{"defaults of another version", defaultsAction{}, defaultsVersion + 1, `{"enable":false}`, held, true},
		{"enforce", accessAction{}, accessVersion, `{"state":"enabled"}`, held, true},
		{"report only", accessAction{}, accessVersion, `{"state":"enabledForReportingButNotEnforced"}`, held, false},
		{"a policy of another version", accessAction{}, accessVersion + 1, `{}`, held, true},
		{"block", blockAction{kind: kindNamed(BlockKind)}, blockVersion, `{}`, held, true},
		{"block somebody without a role", blockAction{kind: kindNamed(BlockKind)}, blockVersion, `{}`, `{}`, false},
		{"unblock", blockAction{kind: kindNamed(UnblockKind)}, blockVersion, `{}`, held, false},
		{"block several", blocks, blockVersion, `{}`, "[{}," + held + "]", true},
		{"unblock several", unblocks, blockVersion, `{}`, "[{}," + held + "]", false},
	} {
		r := approval.Request{KindVersion: row.version, Args: json.RawMessage(row.args), Snapshot: json.RawMessage(row.snapshot)}
		if got := row.action.Weighs(r); got != row.want {
			t.Errorf("%s weighs who is left: %t", row.name, got)
		}
	}
}
