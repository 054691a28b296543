package commands

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"twokey/commands/approval"
	"twokey/commands/identity"
	"twokey/commands/rules"
	"twokey/graph"
	"twokey/graph/rollout"
	graphsync "twokey/graph/sync"
)

func able1(name string) ableAccount {
	return ableAccount{ID: id(name), Name: name, Able: true, Highest: true}
}
func lesser1(name string) ableAccount { return ableAccount{ID: id(name), Name: name, Able: true} }
func unable1(name string) ableAccount { return ableAccount{ID: id(name), Name: name} }
func off1(name string) ableAccount    { return ableAccount{ID: id(name), Name: name, Off: true} }

// wantFinding compares level and sentence, and that somebody can mend what is
// not green.
func wantFinding(t *testing.T, got finding, level level, text string) {
	t.Helper()
	if got.Level != level || got.Text != text {
		t.Errorf("got %s: %s\nwant %s: %s", got.Level, got.Text, level, text)
	}
	if (got.Owner == "") != (got.Level == green) {
		t.Errorf("%s is to be mended by %q", got.Level, got.Owner)
	}
}

func TestLockoutPolicies(t *testing.T) {
	t.Parallel()
	policy := func(name string, s graph.PolicyState) graph.Policy {
		return graph.Policy{ID: name, Name: name, State: s}
	}
	on := func(name string) string {
		return "The Conditional Access policy “" + name + "” is on. With Conditional Access you do not need security defaults, and cannot have both."
	}
	for _, row := range []struct {
		name     string
		policies []graph.Policy
		level    level
		want     []string
	}{
		{"none", nil, green, []string{"No Conditional Access policy is on."}},
		{"off and report-only", []graph.Policy{policy("A", graph.PolicyDisabled), policy("B", graph.PolicyReportOnly)}, green, []string{"No Conditional Access policy is on."}},
		{"one on", []graph.Policy{policy("A", graph.PolicyDisabled), policy("B", graph.PolicyEnabled)}, red, []string{on("B")}},
		{"two on", []graph.Policy{policy("A", graph.PolicyEnabled), policy("B", graph.PolicyEnabled)}, red, []string{on("A"), on("B")}},
		{"a hostile name", []graph.Policy{policy("A” is off. “B\n", graph.PolicyEnabled)}, red, []string{on(`A" is off. "B`)}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			got := lockout(newDryWorld(t).env, defaultsSnapshot{Policies: row.policies})
			for i, want := range row.want {
				wantFinding(t, got[i], row.level, want)
			}
			if len(got) != len(row.want)+2 { // administrators, emergency accounts
				t.Errorf("%d findings: %+v", len(got), got)
			}
		})
	}
}

func TestLockoutAccounts(t *testing.T) {
	t.Parallel()
	emergency := func(env Env, accounts []ableAccount) []finding { return []finding{emergencySignIn(env, accounts)} }
	type said struct {
		level level
		text  string
	}
	const nobody = "No administrator with one of the highest roles could sign in with a second factor: none could turn this off again."
	for _, row := range []struct {
		name     string
		judge    func(Env, []ableAccount) []finding
		accounts []ableAccount
		want     []said
	}{
		{"no administrator at all", adminSignIn, nil, []said{{red, nobody}}},
		{"none able", adminSignIn, []ableAccount{unable1("a"), off1("b")}, []said{{red, "No second factor yet for 1 of 1 administrators: “a”."}, {red, nobody}}},
		{"some unable", adminSignIn, []ableAccount{able1("a"), unable1("b"), able1("c")}, []said{{red, "No second factor yet for 1 of 3 administrators: “b”."}}},
		{"many unable", adminSignIn, []ableAccount{able1("a"), unable1("b"), unable1("c"), unable1("d"), unable1("e"), unable1("f"), unable1("g"), unable1("h")}, []said{{red, "No second factor yet for 7 of 8 administrators: “b”, “c”, “d”, “e”, “f”, and 2 more."}}},
		{"one that is disabled is locked out already", adminSignIn, []ableAccount{able1("a"), able1("b"), off1("c")}, []said{{green, "All 2 administrators have a second factor."}}},
		{"the only one", adminSignIn, []ableAccount{able1("a")}, []said{{green, "The only administrator has a second factor."}}},
		{"one that could put nothing right", adminSignIn, []ableAccount{lesser1("a")}, []said{{red, nobody}}},
		{"one of them could", adminSignIn, []ableAccount{lesser1("a"), able1("b")}, []said{{green, "All 2 administrators have a second factor."}}},
		{"no emergency account", emergency, nil, []said{{amber, "No emergency access account is declared. Two are advised, for the day when nobody else gets in."}}},
		{"O54: none able", emergency, []ableAccount{unable1("a"), off1("b")}, []said{{red, "No emergency access account could sign in with a second factor: “a”, “b”. Security defaults make no exception for them."}}},
		{"one of two", emergency, []ableAccount{able1("a"), unable1("b")}, []said{{amber, "1 of 2 emergency access accounts could sign in with a second factor. Not so: “b”."}}},
		{"one of one", emergency, []ableAccount{able1("a")}, []said{{green, "The emergency access account can sign in with a second factor."}}},
		{"two of two", emergency, []ableAccount{able1("a"), able1("b")}, []said{{green, "All 2 emergency access accounts can sign in with a second factor."}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			none := newDryWorld(t, func(f *fixture) { clear(f.declared) }) // so that it is no matter how many must remain
			got := row.judge(none.env, row.accounts)
			if len(got) != len(row.want) {
				t.Fatalf("found %+v, want %+v", got, row.want)
			}
			for i, want := range row.want {
				wantFinding(t, got[i], want.level, want.text)
			}
		})
	}
}

// TestG26AcceptedLockout holds that an owner who accepts that few remain has not
// accepted that an administrator is locked out, nor that nobody remains.
func TestG26AcceptedLockout(t *testing.T) {
	t.Parallel()
	const few, none = "Only 1 of the administrators with one of the highest roles could sign in", "none could turn this off again."
	for name, c := range map[string]struct {
		change  func(*fixture)
		refused string // empty: it is asked for, with the risk in the prompt
	}{
		"few remain":                      {func(*fixture) {}, ""},
		"an administrator without method": {func(f *fixture) { f.register("ada") }, "No second factor yet for 1 of 2 administrators: “Ada Okafor”."},
		"nobody but a lesser one remains": {func(f *fixture) { f.disable("olga"); f.disable("em1"); f.disable("em2") }, none},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, c.change)
			r := w.rules()
			r.AcceptLockout, r.MinAdmins = true, 2
			w.govern(rules.Fixed(r))
			got := w.say("ada", "defaults enable all have been trained")
			if c.refused == "" {
				wantSaid(t, got, "Recorded as R-")
				if asked := w.stored()[0]; asked.Policy.Quorum != 2 || !strings.Contains(strings.Join(asked.Words.Findings, " "), few) {
					t.Errorf("the policy is %+v, the findings are %q", asked.Policy, asked.Words.Findings)
				}
				return
			}
			wantSaid(t, got, c.refused, "Nothing was asked for.")
			if strings.Contains(got.Plain(), "accept_lockout") {
				t.Errorf("an owner is told to accept it:\n%s", got.Plain())
			}
		})
	}
}

func TestU12Deciders(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		change func(*fixture)
		level  level
		want   string
	}{
		{"all able", func(*fixture) {}, green, "All approvers and owners of this bot have a second factor."},
		{"an approver unable", func(f *fixture) { f.register("bea") }, red, "Approvers or owners of this bot have no second factor that they can use: “Bea Fontaine”."},
		{"an owner unable", func(f *fixture) { f.register("olga") }, red, "Approvers or owners of this bot have no second factor that they can use: “Olga Petrova”."},
		{"both roles at once", func(f *fixture) {
			f.roles[identity.Approver] = append(f.roles[identity.Approver], id("olga"))
			f.register("olga")
		}, red, "Approvers or owners of this bot have no second factor that they can use: “Olga Petrova”."},
		{"a lead is no matter", func(f *fixture) { f.register("ada") }, green, "All approvers and owners of this bot have a second factor."},
		{"one disabled, one gone", func(f *fixture) { f.disable("abe"); f.remove("bea") }, amber, "Approvers or owners of this bot are disabled or gone: “Abe Lindqvist”, “deleted account id-bea”."},
		{"none left", func(f *fixture) { f.roles = nil }, red, "No approver or owner of this bot could sign in: nobody could turn this off again through it."},
		{"only a method that is switched off", func(f *fixture) { f.register("abe", graph.MethodSoftwareOATH) }, red, "Approvers or owners of this bot have no second factor that they can use: “Abe Lindqvist”."},
		{"one that is and one that is not", func(f *fixture) { f.register("abe", graph.MethodSoftwareOATH, graph.MethodAuthenticator) }, green, "All approvers and owners of this bot have a second factor."},
		{"methods unread", func(f *fixture) { f.unread[id("abe")] = errAway }, red, "Whether the approvers have a second factor could not be read."},
		{"tenant away", func(f *fixture) { f.fails["methods"] = errAway }, red, "Whether the approvers have a second factor could not be read."},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w := newDryWorld(t, row.change)
			facts := w.facts(t.Context())
			policy, _ := facts.MethodsPolicy.Get()
			for i := range policy.Methods {
				policy.Methods[i].Enabled = policy.Methods[i].Kind != graph.MethodSoftwareOATH
			}
			facts.MethodsPolicy = rollout.From(policy, nil)
			wantFinding(t, deciders(readDeciders(t.Context(), w.env, facts)), row.level, row.want)
		})
	}
}

// TestU12ChatSignIn holds that an approver is told where the way back may hang
// on the very thing that is turned on.
func TestU12ChatSignIn(t *testing.T) {
	t.Parallel()
	for sign, want := range map[ChatSignIn]struct {
		level level
		text  string
	}{
		ChatOwn:   {green, "The chat does not need Microsoft 365 to sign in."},
		ChatEntra: {amber, "People sign in to this chat through Microsoft 365: whoever cannot sign in there"},
		"":        {amber, "Whether people sign in to this chat through Microsoft 365 is not known. If so, whoever cannot sign in there"},
	} {
		w := newDryWorld(t)
		w.env.ChatSignIn = sign
		w.assemble()
		got := chatSignIn(w.env)
		if got.Level != want.level || !strings.HasPrefix(got.Text, want.text) {
			t.Errorf("%q: %+v", sign, got)
		}
		answer := w.say("ada", "preflight defaults").Plain()
		if !strings.Contains(answer, want.text) {
			t.Errorf("%q: the preflight does not say %q:\n%s", sign, want.text, answer)
		}
	}
}

// village is a tenant of people alone: of so many registered, of others not,
// and of others whose methods cannot be read.
func village(licence graph.Licence, registered, without, unread int) *fixture {
	f := &fixture{licence: licence, methods: map[string][]graph.Method{}, unread: map[string]error{}, fails: map[string]error{}}
	for i := range registered + without + unread {
		name := fmt.Sprint("p", i)
		f.add(name, name)
		switch {
		case i < registered:
			f.register(name, graph.MethodAuthenticator)
		case i >= registered+without:
			f.unread[id(name)] = errAway
		}
	}
	return f
}

func (f *fixture) facts(ctx context.Context) rollout.Facts {
	return graphsync.Read(ctx, f.tenant(), func() time.Time { return start })
}

func TestReadiness(t *testing.T) {
	t.Parallel()
	denied := &graph.Error{Kind: graph.KindNoPermission, Permission: "UserAuthenticationMethod.Read.All"}
	failing := func(f *fixture, source string, err error) *fixture {
		f.fails[source] = err
		return f
	}
	const others = " Everybody else must set up a second factor at their next sign-in."
	for _, row := range []struct {
		name  string
		f     *fixture
		level level
		want  string
	}{
		{"all", village(graph.Free, 10, 0, 0), green, "10 of 10 people are registered (100 %)."},
		{"just enough", village(graph.P1, 90, 10, 0), green, "90 of 100 people are registered (90 %)."},
		{"just too few", village(graph.P1, 89, 11, 0), amber, "89 of 100 people are registered (89 %)." + others},
		{"one of over a thousand is missing", village(graph.P1, 1203, 1, 0), green, "1,203 of 1,204 people are registered (99.9 %)."},
		{"nobody", village(graph.Free, 0, 5, 0), amber, "0 of 5 people are registered (0 %)." + others},
		{"one unread in a hundred", village(graph.Free, 99, 0, 1), green, "99 of 100 people are registered (100 % of those who could be read; 1 could not)."},
		{"too many unread to be green", village(graph.Free, 10, 0, 10), amber, "10 of 20 people are registered (100 % of those who could be read; 10 could not)."},
		{"too many unread in the report", village(graph.P1, 10, 0, 10), amber, "10 of 20 people are registered (100 % of those who could be read; 10 could not)."},
		{"nobody could be read", village(graph.Free, 0, 0, 3), amber, "How many people are registered is not known: source failed."},
		{"nobody there", village(graph.Free, 0, 0, 0), amber, "How many people are registered is not known: nobody in scope."},
		{"accounts unread", failing(village(graph.Free, 9, 0, 0), "users", errAway), amber, "How many people are registered is not known: source failed."},
		{"not permitted", failing(village(graph.Free, 9, 0, 0), "methods", denied), amber, "How many people are registered is not known: permission missing: UserAuthenticationMethod.Read.All."},
		{"report refused, methods not", failing(village(graph.P1, 9, 0, 0), "registrations", denied), green, "9 of 9 people are registered (100 %)."},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			wantFinding(t, readiness(rollout.NewFunnel(row.f.facts(t.Context()), rollout.Scope{})), row.level, row.want)
		})
	}
}

// TestU17Legacy holds that it is green only where the sign-in log was read and
// showed nothing: what cannot be seen is not absent.
func TestU17Legacy(t *testing.T) {
	t.Parallel()
	use := func(user, client string, code int) graph.SignIn {
		return graph.SignIn{UserID: id(user), UPN: user + "@vale.example", Client: client, At: start.Add(-time.Hour), ErrorCode: code}
	}
	const free = "Who still signs in by old mail protocols cannot be seen on this licence. Ask who runs scanners, mailing programs or old mail apps: they stop at once."
	for _, row := range []struct {
		name    string
		licence graph.Licence
		signIns []graph.SignIn
		fails   error
		level   level
		want    string
	}{
		{"Free", graph.Free, nil, nil, amber, free},
		{"Free, whatever there is", graph.Free, []graph.SignIn{use("scan", "IMAP4", 0)}, nil, amber, free},
		{"P1, none", graph.P1, nil, nil, green, "No sign-in by an old protocol succeeded in 7 days."},
		{"P1, all blocked", graph.P1, []graph.SignIn{use("scan", "IMAP4", 53003)}, nil, green, "No sign-in by an old protocol succeeded in 7 days."},
		{"P1, modern only", graph.P1, []graph.SignIn{use("sue", "Browser", 0), use("sue", "", 0)}, nil, green, "No sign-in by an old protocol succeeded in 7 days."},
		{"P1, one", graph.P1, []graph.SignIn{use("scan", "IMAP4", 0)}, nil, amber, "1 sign-in by old protocols succeeded in 7 days, from 1 account: “scan@vale.example” (IMAP). These stop at once."},
		{"P1, several", graph.P1, []graph.SignIn{use("scan", "Authenticated SMTP", 0), use("scan", "POP3", 0), use("old", "IMAP4", 0)}, nil, amber, "3 sign-ins by old protocols succeeded in 7 days, from 2 accounts: “scan@vale.example” (SMTP AUTH, POP), “old@vale.example” (IMAP). These stop at once."},
		{"P1, more than can be named", graph.P1, []graph.SignIn{use("a", "POP", 0), use("b", "POP", 0), use("c", "POP", 0), use("d", "POP", 0), use("e", "POP", 0), use("f", "POP", 0)}, nil, amber, "6 sign-ins by old protocols succeeded in 7 days, from 6 accounts: “a@vale.example” (POP), “b@vale.example” (POP), “c@vale.example” (POP), “d@vale.example” (POP), “e@vale.example” (POP), and 1 more. These stop at once."},
		{"P1, without a name", graph.P1, []graph.SignIn{{UserID: "id-7", Client: "POP", At: start}, {Client: "IMAP", At: start}}, nil, amber, "2 sign-ins by old protocols succeeded in 7 days, from 2 accounts: “no name in the log” (IMAP), “id-7” (POP). These stop at once."},
		{"P1, unread", graph.P1, nil, errAway, amber, "Who still signs in by old mail protocols is not known: source failed."},
		{"P1, not permitted", graph.P1, nil, &graph.Error{Kind: graph.KindNoPermission, Permission: "AuditLog.Read.All"}, amber, "Who still signs in by old mail protocols is not known: permission missing: AuditLog.Read.All."},
		{"licence unread, log unread", graph.LicenceUnknown, nil, errors.New("cut off"), amber, "Who still signs in by old mail protocols is not known: source failed."},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			f := village(row.licence, 1, 0, 0)
			f.signIns, f.fails["sign-ins"] = row.signIns, row.fails
			wantFinding(t, legacyUse(Env{Zone: time.UTC}, f.facts(t.Context())), row.level, row.want)
		})
	}
	t.Run("not asked", func(t *testing.T) {
		t.Parallel()
		wantFinding(t, legacyUse(Env{Zone: time.UTC}, rollout.Facts{}), amber, "Who still signs in by old mail protocols is not known: not read.")
	})
}

// TestU17LegacyByTheMailReport holds what is said where the report is all that
// there is: how many by which protocol, whom to ask, and how names can be shown.
func TestU17LegacyByTheMailReport(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, time.November, 21, 0, 0, 0, 0, time.UTC)
	report := func(concealed bool, rows ...graph.EmailAppRow) rollout.Source[graph.EmailAppUse] {
		return rollout.From(graph.EmailAppUse{Period: graph.Days30, Refreshed: day, Concealed: concealed, Rows: rows}, nil)
	}
	smtp := graph.EmailAppRow{UPN: "scan@vale.example", Programs: []graph.EmailProgram{graph.ProgramSMTP, graph.ProgramIMAP4}}
	hash := graph.EmailAppRow{UPN: "8D4A", Programs: smtp.Programs}
	const stop = " in 30 days up to 21 November. Unknown devices cannot be excluded, and all that sign in with a password alone stop at once."
	for _, row := range []struct {
		name   string
		report rollout.Source[graph.EmailAppUse]
		log    error
		want   string
	}{
		{"nothing seen", report(false), errNoLicence, "Nothing by old mail protocols was seen" + stop},
		{"seen", report(false, smtp), errNoLicence, "Old mail protocols were seen (SMTP AUTH by 1 account, IMAP by 1 account)" + stop + " Ask who runs “scan@vale.example”."},
		{
			"names hidden", report(true, hash), errNoLicence,
			"Old mail protocols were seen (SMTP AUTH by 1 account, IMAP by 1 account)" + stop + " The tenant hides names in reports; its owner can show them: " + rollout.ShowNames + ".",
		},
		{"with P1, the log away", report(false), errAway, "The sign-in log could not be read (source failed). Nothing by old mail protocols was seen" + stop},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			f := rollout.Facts{AsOf: start, EmailApps: row.report, LegacyUse: rollout.From[[]rollout.LegacyUse](nil, row.log)}
			wantFinding(t, legacyUse(Env{Zone: time.UTC}, f), amber, row.want)
		})
	}
}

func TestU17LegacyShortLog(t *testing.T) {
	t.Parallel()
	f := rollout.Facts{AsOf: start, LegacySince: start.Add(-49 * time.Hour), LegacyUse: rollout.From([]rollout.LegacyUse{}, nil)}
	wantFinding(t, legacyUse(Env{Zone: time.UTC}, f), amber, "No sign-in by an old protocol succeeded in the 2 days that could be read.")
}

func TestDeclared(t *testing.T) {
	t.Parallel()
	const stops = ". Whatever signs in with them by password alone stops at once."
	for _, row := range []struct {
		name   string
		change func(*fixture)
		want   string // empty: no finding
	}{
		{"one", func(*fixture) {}, "Service, shared and room accounts: “Scanner 2nd Floor”" + stops},
		{"of each kind, by name", func(f *fixture) {
			f.add("room", "Room Nord")
			f.add("info", "Info Desk")
			f.declared[id("room")], f.declared[id("info")] = rollout.Room, rollout.Shared
		}, "Service, shared and room accounts: “Info Desk”, “Room Nord”, “Scanner 2nd Floor”" + stops},
		{"disabled", func(f *fixture) { f.disable("scan") }, ""},
		{"gone", func(f *fixture) { f.remove("scan") }, ""},
		{"emergency and sync only", func(f *fixture) {
			delete(f.declared, id("scan"))
			f.declared[id("sync")] = rollout.Sync
		}, ""},
		{"accounts unread", func(f *fixture) { f.fails["users"] = errAway }, "1 service, shared or room account declared" + stops},
		{"accounts unread, several declared", func(f *fixture) {
			f.fails["users"] = errAway
			f.declared[id("x")] = rollout.Room
		}, "2 service, shared or room accounts declared" + stops},
		{"accounts unread, none declared", func(f *fixture) { f.fails["users"] = errAway; f.declared = nil }, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			f := town()
			row.change(f)
			got := declared(f.facts(t.Context()), f.scope())
			if (len(got) == 0) != (row.want == "") {
				t.Fatalf("got %+v, want %q", got, row.want)
			}
			if row.want != "" {
				wantFinding(t, got[0], amber, row.want)
			}
		})
	}
}

// TestPreflightMessages shows a preflight that is red, amber and green: worst
// first, each line with who can mend it.
func TestPreflightMessages(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*fixture){
		"red": func(f *fixture) {
			p1(f)
			f.policies[1].State = graph.PolicyEnabled
			f.register("ada")
			f.register("bea")
		},
		"amber": func(*fixture) {},
		"green": func(f *fixture) {
			f.licence = graph.P1
			f.register("sam", graph.MethodAuthenticator)
			delete(f.declared, id("scan"))
			f.remove("scan")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := newDryWorld(t, change).say("ada", "preflight defaults")
			golden(t, "preflight-"+name+".txt", whole(got.Message))
			last := red
			for _, f := range got.Fields {
				at := map[string]level{"Green": green, "Amber": amber, "Red": red}[strings.SplitN(f.Label, ",", 2)[0]]
				if at > last {
					t.Errorf("%q stands behind what is less bad", f.Value)
				}
				last = at
			}
		})
	}
}

// What stands in the prompt is all that is not green.
func TestAmberIsInThePrompt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	facts := w.facts(t.Context())
	check := preflightDefaults(w.env, mustRead(t, w), facts, deciders(readDeciders(t.Context(), w.env, facts)))
	if got := w.ask().Words.Findings; len(got) != 3 || strings.Join(got, "|") != strings.Join(check.lines(), "|") {
		t.Errorf("the request holds %q, the preflight found %q", got, check.lines())
	}
}

// Where they are on there is nothing to be turned on, and that is said.
func TestPreflightOfWhatIsOn(t *testing.T) {
	t.Parallel()
	got := newDryWorld(t, func(f *fixture) { f.enabled = true }).say("ada", "preflight defaults")
	if want := "Security defaults are on already. This is what they meet:"; got.Headline != want {
		t.Errorf("headline %q, want %q", got.Headline, want)
	}
}

func mustRead(t *testing.T, w *world) defaultsSnapshot {
	t.Helper()
	s, err := (defaultsAction{w.env}).read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Readings that are hours old say so wherever their figures stand.
func TestOldReadingsSayTheirTime(t *testing.T) {
	t.Parallel()
	env := Env{Zone: time.UTC}
	facts := rollout.Facts{
		AsOf: start, UsersAsOf: start, LegacySince: start.Add(-8 * 24 * time.Hour), LegacyUntil: start.Add(-5 * time.Hour),
		Users:     rollout.From([]graph.User{{ID: "ann", Enabled: true}}, nil),
		Methods:   rollout.From([]graph.UserMethods{{UserID: "ann", AsOf: start.Add(-26 * time.Hour)}}, nil),
		LegacyUse: rollout.From([]rollout.LegacyUse{}, nil),
	}
	oldest, end := moment(env, start.Add(-26*time.Hour)), moment(env, start.Add(-5*time.Hour))
	wantFinding(t, legacyUse(env, facts), green, "No sign-in by an old protocol succeeded in 7 days up to "+end+".")
	funnel := rollout.NewFunnel(facts, rollout.Scope{})
	m := statusMessage(env, facts, funnel)
	if want := "Read between " + oldest + " and " + moment(env, start) + ". "; !strings.HasPrefix(m.Footer, want) {
		t.Errorf("status: got footer %q, want it to begin with %q", m.Footer, want)
	}
	if got := m.Plain(); !strings.Contains(got, "0 succeeded in 7 days up to "+end) {
		t.Errorf("status: got %s, want until when the log was read", got)
	}
	report := preflightReport{findings: []finding{{Level: green, Text: "x"}}, asOf: start, oldest: funnel.Oldest}
	if got, want := report.message(env).Footer, "Read from Microsoft 365 between "+oldest+" and "+moment(env, start)+". "; !strings.HasPrefix(got, want) {
		t.Errorf("preflight: got footer %q, want it to begin with %q", got, want)
	}
}

// TestU19ReadAgain holds that an approver who has lost their method since stops
// what everybody approved: it could not be turned off again through the bot.
func TestU19ReadAgain(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*fixture){
		"an approver": func(f *fixture) { f.register("bea") },
		"an owner":    func(f *fixture) { f.register("vic") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, func(f *fixture) { f.roles[identity.Owner] = append(f.roles[identity.Owner], id("vic")) })
				r := w.ask()
				w.press("abe", "approve", r.Seal(), nil)
				w.press("bea", "approve", r.Seal(), nil)
				change(w.fixture)
				w.advance(15 * time.Minute)
				w.run()
				r = w.want(approval.Stale, policyTwo)
				if !strings.Contains(strings.Join(r.Outcome.Findings, " "), "have no second factor that they can use") || w.enabled {
					t.Errorf("found was %q, security defaults %s", r.Outcome.Findings, onOff(w.enabled))
				}
			})
		})
	}
}
