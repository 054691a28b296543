package commands

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/graph"
	"twokey/graph/rollout"
	"twokey/graph/simtenant"
)

// readings are the lines of the commands that read the tenant.
var readings = []string{
	"vic status", "vic status --department IT", "vic status --admins", "vic legacy", "vic legacy --by app --failed", "vic legacy --by user", "vic trend", "vic forecast", "vic deadlines",
	"vic who missing", "vic who single", "vic who phone-only", "vic who weak", "vic who unenforced", "vic who stale", "vic who guests", "vic who disabled-reg",
	"ada user sue", "ada preflight defaults", "ada preflight legacy-block", "ada preflight require-mfa", "ada breakglass", "vic exceptions", "vic changes",
	"ada export people csv", "ada export legacy json", "ada export changes csv", "ada export exceptions csv", "ada export missing csv",
	"ada campaign show", "ada campaign explain sue", "ada tap-policy show", "ada scope suggest", "olga doctor", "sue me", "sue check", "sue whoami",
}

// readsOurs are the commands that show what the bot keeps itself, or that do
// something about it: they read the tenant for who speaks alone.
var readsOurs = []string{
	"setup", "backup", "newphone", "remind", "hours", "ask", "lang", "link", "link confirm", "unlink", "guide print", "guide gaps", "guide unhelpful", "lost", "prompt", "person", "privacy",
	"cases", "case show", "case proof", "case theirs", "case strange", "case say", "case close", "case stop", "legacy declare", "legacy import",
	"wave create", "wave pause", "wave status", "template show", "requests", "requests ask", "requests confirm", "requests pause", "requests resume", "collect", "approve", "deny", "cancel", "away",
	"stop", "acknowledge", "resolve", "freeze", "audit", "audit show", "digest preview", "digest now", "digest mute", "help", "version",
}

// TestEveryReadingIsTried holds that a command which reads the tenant is among
// the readings.
func TestEveryReadingIsTried(t *testing.T) {
	t.Parallel()
	for _, c := range every(t) {
		tried := slices.ContainsFunc(readings, func(line string) bool {
			_, words, _ := strings.Cut(line, " ")
			return words == c.Name || strings.HasPrefix(words, c.Name+" ")
		})
		if c.Plan == nil && tried == slices.Contains(readsOurs, c.Name) {
			t.Errorf("%q is among both or neither of those that read the tenant and those that do not", c.Name)
		}
	}
}

// readPermissions are what a bot that reads is granted.
var readPermissions = []graph.Permission{
	"User.Read.All", "UserAuthenticationMethod.Read.All", "AuditLog.Read.All", "Reports.Read.All", "ReportSettings.Read.All",
	"Policy.Read.All", "RoleManagement.Read.Directory", "Organization.Read.All", "GroupMember.Read.All",
}

// reason is how an answer says why something is not in it, or by which other road
// it was read.
var reason = regexp.MustCompile(`permission|not known|could not be|cannot be|unknown|Read from the methods of each person`)

// TestReadingWithoutPermission takes one permission after the other from the bot,
// on each licence: each command then gives what it gives with all of them, or a
// reason. So no figure is zero for unknown, and nobody is shown a stack trace.
func TestReadingWithoutPermission(t *testing.T) {
	t.Parallel()
	for _, licence := range []graph.Licence{graph.Free, graph.P1, graph.P2} {
		t.Run(licence.String(), func(t *testing.T) {
			t.Parallel()
			whole := readWithout(t, licence, "")
			reasons := 0
			for _, missing := range readPermissions {
				if missing == "User.Read.All" || missing == "Organization.Read.All" {
					continue // without these nobody is known, and the bot does not begin
				}
				for line, got := range readWithout(t, licence, missing) {
					if got == whole[line] {
						continue
					}
					reasons++
					if !reason.MatchString(got) {
						t.Errorf("without %s, %q is answered otherwise and without a reason:\n%s\nwith it:\n%s", missing, line, got, whole[line])
					}
				}
			}
			t.Logf("%d lines, %d of their answers have a reason in the place of a value", len(readings), reasons)
			if reasons < len(readings)/2 {
				t.Errorf("only %d answers hang on a permission", reasons)
			}
		})
	}
}

// readWithout says every reading to a bot without a permission, and returns the
// answers by their lines.
func readWithout(t *testing.T, licence graph.Licence, missing graph.Permission) map[string]string {
	t.Helper()
	answers := map[string]string{}
	t.Run("without "+string(missing), func(t *testing.T) {
		open(t, func(o *office) {
			o.known()
			for _, line := range readings {
				person, words, _ := strings.Cut(line, " ")
				got := o.say(person, words)
				text := got.Plain()
				if got.File != nil {
					text += string(got.File.Data)
				}
				if strings.Contains(got.Headline, "That did not work") || strings.Contains(text, "panic") || strings.Contains(text, "goroutine") {
					t.Errorf("%q: %s", line, text)
				}
				answers[line] = settled(text)
			}
			if missing == "UserAuthenticationMethod.Read.All" {
				wantSaid(t, o.say("ada", "user sue"), "How they sign in is not known: permission missing")
				wantSaid(t, o.say("ada", "breakglass"), "permission")
			}
		}, func(s *setting) {
			s.sim.Licence = licence
			s.sim.Apps = []simtenant.App{{
				ClientID: "twokey", Name: "Twokey",
				Permissions: slices.DeleteFunc(slices.Clone(readPermissions), func(p graph.Permission) bool { return p == missing }),
			}}
		})
	})
	return answers
}

// TestU04 holds that 20 rows are shown, that files are for leads, that every
// look-up is recorded before it is shown, and that many within an hour are told
// of, once.
func TestU04(t *testing.T) {
	t.Parallel()
	openEach(t, func(o *office) {
		o.known()
		got := o.say("vic", "who unenforced")
		if got.Table == nil || len(got.Table.Rows) != shownPeople || got.File != nil {
			t.Fatalf("shown is %s", got.Plain())
		}
		wantSaid(t, got, "The first 20 are shown.")
		wantSaid(t, o.say("vic", "who unenforced --csv"), "A file of names is for leads.")
		wantSaid(t, o.say("vic", "export people csv"), "You may not use")
		records, err := o.store.LastRecords(o.t.Context(), "", 10)
		if err != nil {
			t.Fatal(err)
		}
		if len(records) != 1 || records[0].Kind != "person.looked-up" || !strings.Contains(records[0].Facts, `"people":20`) || strings.Contains(records[0].Facts, "sam") {
			t.Fatalf("recorded is %+v", records)
		}
		told := func() int {
			all, _ := o.notices(approval.NoticeAnnouncement)
			return len(all)
		}
		o.say("vic", "who unenforced") // the same people: they count once
		if n := told(); n != 0 {
			t.Fatalf("%d are told of 20 people", n)
		}
		wantSaid(t, o.say("ada", "export people csv"), "The export has ")
		wantSaid(t, o.say("vic", "who missing"), "12")
		if n := told(); n != 0 {
			t.Fatalf("%d are told after %d people", n, 26)
		}
	})
	openEach(t, func(o *office) {
		o.known()
		wantSaid(t, o.say("ada", "export people csv"), "The export has ")
		all, to := o.notices(approval.NoticeAnnouncement)
		if len(all) == 0 || !slices.Contains(to, chat.Direct(account("abe"))) || !slices.Contains(to, adminsChannel) {
			t.Fatalf("told are %v", to)
		}
		wantSaid(t, said{Message: all[0]}, "“Ada Okafor” has looked up", "people within an hour.", "Tell whoever answers for security: “Olga, +34 600 000 000”.")
		before := len(all)
		o.say("ada", "user sue")
		if all, _ := o.notices(approval.NoticeAnnouncement); len(all) != before {
			t.Errorf("told again: %d, then %d", before, len(all))
		}
	}, func(s *setting) { s.sim.People, s.laid.SecurityContact = 60, "Olga, +34 600 000 000" })
	open(t, func(o *office) {
		o.known()
		o.say("ada", "export people csv")
		if _, to := o.notices(approval.NoticeAnnouncement); !slices.Contains(to, chat.Direct(account("sue"))) || !slices.Contains(to, chat.Direct(account("abe"))) {
			t.Errorf("told are %v, without whoever answers for security", to)
		}
	}, func(s *setting) { s.sim.People, s.laid.SecurityContact = 60, upn("sue") })
}

// TestU04NotRecordedIsNotShown holds that nobody is shown whom the record could
// not take.
func TestU04NotRecordedIsNotShown(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		o.known()
		o.env.Declarations = unrecorded{o.env.Declarations}
		o.assemble()
		for _, line := range []string{"ada who missing", "ada user sue", "ada export people csv", "ada campaign explain sue"} {
			person, line, _ := strings.Cut(line, " ")
			got := o.say(person, line)
			if !strings.HasPrefix(got.Headline, "That did not work") || strings.Contains(got.Plain(), "Sue") || got.File != nil {
				t.Errorf("%q is answered with\n%s", line, got.Plain())
			}
		}
	})
}

// TestFindingAPerson finds somebody by each of their names, and asks where a name
// is not one account's.
func TestFindingAPerson(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		o.known()
		for _, typed := range []string{"sue", "SUE", upn("sue"), strings.ToUpper(upn("sue")), `"Sue Tanaka"`, "“Sue Tanaka”", cast("sue"), strings.ToUpper(cast("sue")), "<@sue>", "<@sue|tanaka>", "<@!sue>"} {
			wantSaid(t, o.say("ada", "user "+typed), "Object ID: "+cast("sue"))
		}
		wantSaid(t, o.say("ada", "user <@stranger>"), "I do not know who that chat account is in Microsoft 365.")
		wantSaid(t, o.say("ada", "block <@sue> has left"), "Recorded as R-")

		o.portal("PATCH", "/v1.0/users/"+cast("vic"), `{"displayName":"Sue Tanaka"}`)
		both := o.say("ada", `user "Sue Tanaka"`)
		wantSaid(t, both, "2 accounts are called “Sue Tanaka”: which one?", cast("sue"), cast("vic"))
		if len(both.Buttons) != 2 || both.Buttons[0].ID != "run" {
			t.Fatalf("the choice is %+v", both.Buttons)
		}
		wantSaid(t, o.press("ada", "run", both.Buttons[1].Value, nil), "Object ID: "+cast("vic"))
		change := o.say("ada", `revoke "Sue Tanaka" left on a train`)
		wantSaid(t, o.press("ada", "run", change.Buttons[0].Value, nil), "Nothing has been done yet.", cast("sue"))
		wantSaid(t, o.press("sam", "run", both.Buttons[1].Value, nil), "You may not use")

		o.portal("PATCH", "/v1.0/users/"+cast("sam"), `{"displayName":"Sam Reyes","userPrincipalName":"`+upn("sam.reyes")+`"}`)
		was := o.say("ada", `user "Sam Rivera"`)
		wantSaid(t, was, "The account that was called “Sam Rivera” is “Sam Reyes” ("+upn("sam.reyes")+") now.")
		wantSaid(t, o.press("ada", "run", was.Buttons[0].Value, nil), "Object ID: "+cast("sam"))
		o.portal("DELETE", "/v1.0/users/"+cast("bea"), "")
		wantSaid(t, o.say("ada", "user "+upn("bea")), "has been deleted", "restored for 30 days")

		o.portal("PATCH", "/v1.0/users/"+cast("sue"), `{"displayName":"Ѕue Tanaka"}`) // its first letter is Cyrillic
		wantSaid(t, o.say("ada", "user sue"), "mixes letters of several scripts")
	})
}

// TestExport holds that a file runs nothing in a spreadsheet, is one object on
// each line for a program, and says what it is.
func TestExport(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		o.portal("PATCH", "/v1.0/users/"+cast("sue"), `{"displayName":"=HYPERLINK(\"https://evil.example\")","department":"+A1, \"x\""}`)
		o.known()
		for _, mark := range []bool{false, true} {
			line := "export people csv"
			if mark {
				line += " --bom"
			}
			f := o.say("ada", line).File
			if f == nil || f.Media != "text/csv" || strings.HasPrefix(string(f.Data), "\ufeff") != mark {
				t.Fatalf("the file is %+v", f)
			}
			rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(f.Data), "\ufeff"))).ReadAll()
			if err != nil || len(rows) < 20 {
				t.Fatalf("%d rows, %v", len(rows), err)
			}
			seen := false
			for _, row := range rows {
				for _, cell := range row {
					if cell != "" && strings.ContainsAny(cell[:1], "=+-@") {
						t.Errorf("a formula: %q", cell)
					}
					seen = seen || cell == `'=HYPERLINK("https://evil.example")`
				}
			}
			if !seen {
				t.Error("the name is not there")
			}
		}
		f := o.say("ada", "export people json").File
		lines := strings.Split(strings.TrimSpace(string(f.Data)), "\n")
		if len(lines) < 20 {
			t.Fatalf("%d lines", len(lines))
		}
		for _, line := range lines {
			var one map[string]string
			if err := json.Unmarshal([]byte(line), &one); err != nil || one["object_id"] == "" || one["registered"] == "" {
				t.Errorf("%s: %v", line, err)
			}
		}
		records, err := o.store.LastRecords(o.t.Context(), "", 1)
		if err != nil || len(records) != 1 || !strings.Contains(records[0].Facts, "export people json") {
			t.Errorf("recorded is %+v, %v", records, err)
		}
	})
}

// TestCampaignExplain goes through the reasons for which somebody is or is not
// asked.
func TestCampaignExplain(t *testing.T) {
	t.Parallel()
	everybody := `"includeTargets":[{"id":"all_users","targetType":"group","targetedAuthenticationMethod":"fido2"}]`
	for name, c := range map[string]struct {
		campaign, whom, want string
	}{
		"off":             {`"state":"disabled"`, "sue", "does not ask “Sue Tanaka”.\n\nIt is off."},
		"asked":           {`"state":"enabled","snoozeDurationInDays":3,` + everybody, "sue", "The campaign asks “Sue Tanaka”.\n\nAt their next sign-in with a second factor in a browser, for: passkey or security key."},
		"managed":         {`"state":"default",` + everybody, "sue", "Microsoft manages it"},
		"has it":          {`"state":"enabled",` + everybody, "olga", "They have what it asks for already"},
		"without methods": {`"state":"enabled",` + everybody, "sam", "They have no second factor"},
		"excluded":        {`"state":"enabled",` + everybody + `,"excludeTargets":[{"id":"` + cast("sue") + `","targetType":"user"}]`, "sue", "They are excluded"},
		"not included":    {`"state":"enabled","includeTargets":[{"id":"` + cast("bea") + `","targetType":"user","targetedAuthenticationMethod":"fido2"}]`, "sue", "They are not included"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			open(t, func(o *office) {
				o.campaign(c.campaign)
				wantSaid(t, o.say("ada", "campaign explain "+c.whom), c.want)
			})
		})
	}
}

// TestBreakglass finds what would make an emergency account fail.
func TestBreakglass(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(o *office)
		level  level
		want   string
	}{
		"as it should be": {func(*office) {}, green, "has a passkey or security key."},
		"blocked":         {blocked, red, "“Sue Tanaka” is blocked."},
		"gone":            {func(o *office) { o.portal("DELETE", "/v1.0/users/"+cast("sue"), "") }, red, "is gone."},
		"a phone alone": {func(o *office) {
			o.bare("sue")
			phoneForSue(o)
		}, amber, "“Sue Tanaka” has no passkey or security key"},
		"no administrator": {nothing, red, "“Sue Tanaka” is no Global Administrator."},
		"bare":             {func(o *office) { o.bare("emergency-1") }, red, "has no second factor"},
		"not exempt": {func(o *office) {
			draft := graph.PolicyDraft{Does: graph.AimBlockLegacy, Mark: "R-OLD222", ExcludeUsers: []string{cast("emergency-2")}}
			id, _, err := o.client.CreatePolicy(o.t.Context(), draft)
			if err != nil {
				o.t.Fatal(err)
			}
			o.portal("PATCH", "/v1.0/identity/conditionalAccess/policies/"+id, `{"state":"enabled"}`)
		}, amber, "is not exempt by name from the Conditional Access policy"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			open(t, func(o *office) {
				c.change(o)
				o.known()
				got := o.say("ada", "breakglass")
				wantSaid(t, got, c.want)
				if !strings.Contains(got.Plain(), strings.Fields(c.level.String())[0]) {
					t.Errorf("want %s:\n%s", c.level, got.Plain())
				}
			}, p1Office, func(s *setting) {
				if strings.Contains(c.want, "Sue") || name == "gone" {
					s.laid.Emergency = append(s.laid.Emergency, cast("sue"))
				}
			})
		})
	}
}

// TestMeanwhile holds that somebody who waits long is told so, before the answer
// and never after it, and that nobody else is.
func TestMeanwhile(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		var l listener
		e := chat.Event{Key: "slow", Kind: chat.Command, From: account("ada"), Text: "breakglass"}
		o.fault(`[{"method":"GET","path":"/roleManagement/*","times":5,"delay_ms":1500},{"method":"GET","path":"/directoryRoles*","times":5,"delay_ms":1500},{"method":"GET","path":"/identity/*","times":5,"delay_ms":1500}]`)
		begun := time.Now()
		if err := o.mux.Handle(o.t.Context(), &l, e); err != nil {
			t.Fatal(err)
		}
		if len(l.all) != 2 || !strings.HasPrefix(l.all[0].Headline, "I am reading Microsoft 365.") || l.all[1].Fields == nil {
			t.Errorf("after %s: %+v", time.Since(begun), l.all)
		}
	})
}

// unrecorded keeps no look-up.
type unrecorded struct{ Declarations }

func (unrecorded) LookUp(context.Context, approval.Principal, []string, func(approval.Tx, int, int) error) error {
	return errors.New("disk is full")
}

// TestStatusOfAPart counts a department, the members of a group and the holders
// of roles, in private, and adds up to the whole.
func TestStatusOfAPart(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		o.known()
		of := func(line string) (registered, people int) {
			t.Helper()
			got := o.handle(chat.Event{Kind: chat.Command, From: account("vic"), Channel: adminsChannel.Channel, Text: line})
			if got.aloud != (line == "status") {
				t.Errorf("%q: aloud %t", line, got.aloud)
			}
			if _, err := fmt.Sscanf(got.Headline, "%d of %d people in scope are registered", &registered, &people); err != nil && !strings.Contains(got.Plain(), "nobody in scope") {
				t.Fatalf("%q: %v: %s", line, err, got.Plain())
			}
			return registered, people
		}
		var departments []string
		all, err := o.client.Users(o.t.Context())
		if err != nil {
			t.Fatal(err)
		}
		unnamed := 0 // accounts in scope of no department
		people, _ := rollout.People(o.facts(o.t.Context()), o.env.Scope)
		for _, u := range all {
			if u.Department != "" && !slices.Contains(departments, u.Department) {
				departments = append(departments, u.Department)
			}
		}
		for _, p := range people {
			if p.Department == "" {
				unnamed++
			}
		}
		sum := unnamed
		for _, d := range departments {
			_, n := of(`status --department "` + d + `"`)
			sum += n
		}
		if _, whole := of("status"); sum != whole || len(departments) < 3 {
			t.Errorf("%d departments and %d without have %d people, want %d", len(departments), unnamed, sum, whole)
		}
		_, admins := of("status --admins")
		_, both := of("status --admins --department IT")
		if admins == 0 || both == 0 || both > admins {
			t.Errorf("%d hold a role, %d of them in IT", admins, both)
		}
		var groups struct{ Value []struct{ ID string } }
		if err := json.Unmarshal([]byte(o.portal("GET", "/v1.0/groups", "")), &groups); err != nil {
			t.Fatal(err)
		}
		_, n := of("status --group " + groups.Value[0].ID)
		if members, err := o.client.GroupMembers(o.t.Context(), groups.Value[0].ID); err != nil || n == 0 || n > len(members) {
			t.Errorf("%d of %d members are counted, %v", n, len(members), err)
		}
		wantSaid(t, o.say("vic", "status --department Salez"), "There is no department “Salez”.", "There are: “")
		wantSaid(t, o.say("vic", "status --group "+cast("sue")), "There is no group with the object ID")
	}, func(s *setting) { s.sim.People = 60 })
}
