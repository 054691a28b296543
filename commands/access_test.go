package commands

import (
	"context"
	"slices"
	"strings"
	"testing"

	"twokey/chat"
	"twokey/chat/phrases"
	"twokey/commands/identity"
	"twokey/graph"
)

// crowd adds everybody else who may stand before the bot: holders of one role
// alone, and those who are listed by mistake.
func crowd(f *fixture) {
	for name, role := range map[string]identity.Role{"lea": identity.Lead, "otto": identity.Owner} {
		f.add(name, strings.ToUpper(name))
		f.links[account(name)] = id(name)
		f.roles[role] = append(f.roles[role], id(name))
	}
	everything := []identity.Role{identity.Viewer, identity.Helpdesk, identity.Lead, identity.Approver, identity.Owner}
	for _, name := range []string{"guest", "disabled", "deleted", "impostor"} {
		f.add(name, "Ada Okafor")
		f.links[account(name)] = id(name)
		for _, role := range everything {
			f.roles[role] = append(f.roles[role], id(name))
		}
	}
	f.edit("guest", func(u *graph.User) { u.Guest = true })
	f.disable("disabled")
	f.remove("deleted")
	delete(f.links, account("impostor")) // has all of ada's names, and is not linked
}

// permissions says who may run what. Unlinked is the same as linked to an
// account that is disabled or deleted.
const permissions = `
                   unlinked guest staff viewer helpdesk lead approver owner
me                 yes      yes   yes   yes    yes      yes  yes      yes
setup              yes      yes   yes   yes    yes      yes  yes      yes
backup             yes    yes    yes    yes    yes    yes    yes    yes
newphone           yes    yes    yes    yes    yes    yes    yes    yes
check              -      yes    yes    yes    yes    yes    yes    yes
remind             -      yes    yes    yes    yes    yes    yes    yes
hours              -      yes    yes    yes    yes    yes    yes    yes
nudge              -      -      -      -      -      yes    -      -
wave_create        -      -      -      -      -      yes    -      -
wave_start         -      -      -      -      -      yes    -      -
wave_pause         -      -      -      -      -      yes    -      -
wave_status        -      -      -      -      -      yes    -      -
template_show      -      -      -      -      -      yes    -      -
template_set       -      -      -      -      -      yes    -      -
lost               yes    yes    yes    yes    yes    yes    yes    yes
prompt             yes    yes    yes    yes    yes    yes    yes    yes
person             yes    yes    yes    yes    yes    yes    yes    yes
privacy            yes    yes    yes    yes    yes    yes    yes    yes
cases              -      -      -      -      yes    -      -      -
case_show          yes    yes    yes    yes    yes    yes    yes    yes
case_proof         yes    yes    yes    yes    yes    yes    yes    yes
case_pass          -      -      -      -      yes    -      -      -
case_reset         -      -      -      -      yes    -      -      -
case_theirs        yes    yes    yes    yes    yes    yes    yes    yes
case_strange       yes    yes    yes    yes    yes    yes    yes    yes
case_say           yes    yes    yes    yes    yes    yes    yes    yes
case_close         yes    yes    yes    yes    yes    yes    yes    yes
case_stop          yes    yes    yes    yes    yes    yes    yes    yes
ask                yes      yes   yes   yes    yes      yes  yes      yes
guide_print        yes      yes   yes   yes    yes      yes  yes      yes
guide_unhelpful    yes      yes   yes   yes    yes      yes  yes      yes
guide_gaps         -      -      -      -      -      yes    -      -
lang               yes      yes   yes   yes    yes      yes  yes      yes
link               yes      yes   yes   yes    yes      yes  yes      yes
link_confirm       -        -     -     -      -        -    -        yes
unlink             yes      yes   yes   yes    yes      yes  yes      yes
whoami             yes      yes   yes   yes    yes      yes  yes      yes
status             -        -     -     yes    yes      yes  yes      yes
trend              -        -     -     yes    yes      yes  yes      yes
forecast           -        -     -     yes    yes      yes  yes      yes
goal               -        -     -     -      -        yes  -        -
deadlines          -        -     -     yes    yes      yes  yes      yes
who                -        -     -     yes    yes      yes  yes      yes
user               -        -     -     -      yes      -    -        -
preflight          -        -     -     -      -        yes  -        -
breakglass         -        -     -     -      -        yes  -        -
exceptions         -        -     -     yes    yes      yes  yes      yes
export             -        -     -     -      -        yes  -        -
defaults_enable    -        -     -     -      -        yes  -        -
defaults_disable   -        -     -     -      -        yes  -        -
legacy             -        -     -     yes    yes      yes  yes      yes
legacy_declare     -        -     -     -      yes      yes  -        -
legacy_import      -        -     -     -      -        yes  -        -
legacy-block_report-only -  -     -     -      -        yes  -        -
legacy-block_enforce     -  -     -     -      -        yes  -        -
require-mfa_report-only  -  -     -     -      -        yes  -        -
require-mfa_enforce      -  -     -     -      -        yes  -        -
tap                -        -     -     -      yes      -    -        -
collect            -        yes   yes   yes    yes      yes  yes      yes
tap-policy_show    -        -     -     -      yes      yes  -        -
tap-policy_enable  -        -     -     -      -        yes  -        -
reset              -        -     -     -      yes      -    -        -
method_remove      -        -     -     -      yes      -    -        -
revoke             -        -     -     -      yes      -    -        -
block              -        -     -     -      yes      -    -        -
unblock            -        -     -     -      yes      -    -        -
campaign_show      -        -     -     -      yes      yes  -        -
campaign_explain   -        -     -     -      yes      yes  -        -
campaign_set       -        -     -     -      -        yes  -        -
phone_add          -        -     -     -      yes      -    -        -
scope_suggest      -        -     -     -      -        yes  -        -
scope_set          -        -     -     -      -        yes  -        -
exception_add      -        -     -     -      -        yes  -        -
exception_renew    -        -     -     -      -        yes  -        -
exception_end      -        -     -     -      -        yes  -        -
requests           -        yes   yes   yes    yes      yes  yes      yes
requests_pause     -        -     -     -      yes      yes  yes      -
requests_resume    -        -     -     -      yes      yes  yes      -
requests_retry     -        -     -     -      yes      yes  -        -
requests_ask       -        -     -     yes    yes      yes  yes      yes
requests_confirm   -        -     -     yes    yes      yes  yes      yes
approve            -        yes   yes   yes    yes      yes  yes      yes
deny               -        yes   yes   yes    yes      yes  yes      yes
cancel             -        yes   yes   yes    yes      yes  yes      yes
stop               -        yes   yes   yes    yes      yes  yes      yes
resolve            -        yes   yes   yes    yes      yes  yes      yes
acknowledge        -        -     -     -      -        yes  yes      yes
freeze             -        -     -     -      -        -    yes      -
thaw               -        -     -     -      -        -    -        yes
away               -        yes   yes   yes    yes      yes  yes      yes
changes            -        -     -     yes    yes      yes  yes      yes
audit              -        -     -     yes    yes      yes  yes      yes
audit_show         -        -     -     yes    yes      yes  yes      yes
doctor             -        -     -     -      -        yes  -        yes
digest_preview     -        -     -     yes    yes      yes  yes      yes
digest_now         -        -     -     -      -        yes  -        -
digest_mute        -        -     -     -      -        yes  -        -
help               yes      yes   yes   yes    yes      yes  yes      yes
version            yes      yes   yes   yes    yes      yes  yes      yes
`

// speakers are whom the columns of permissions stand for.
var speakers = map[string][]string{
	"unlinked": {"impostor", "disabled", "deleted", "never seen"}, "guest": {"guest"}, "staff": {"sam", "sue"},
	"viewer": {"vic"}, "helpdesk": {"hal"}, "lead": {"lea"}, "approver": {"abe"}, "owner": {"otto"},
}

// mayRun reads the column of permissions with that head.
func mayRun(t *testing.T, column string) map[string]bool {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(permissions), "\n")
	n := slices.Index(strings.Fields(lines[0]), column)
	may := map[string]bool{}
	for _, line := range lines[1:] {
		cells := strings.Fields(line)
		may[strings.ReplaceAll(cells[0], "_", " ")] = cells[n+1] == "yes"
	}
	return may
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, crowd)
	for column, people := range speakers {
		may := mayRun(t, column)
		if len(may) != len(w.mux.all) {
			t.Fatalf("the table has %d commands, the mux %d", len(may), len(w.mux.all))
		}
		for _, person := range people {
			checkPermissions(t, w, column, person, may)
		}
	}
}

// checkPermissions compares the table with what the adapters are told, what
// help shows, and what happens to who tries.
func checkPermissions(t *testing.T, w *world, column, person string, may map[string]bool) {
	t.Helper()
	listed := map[string]bool{}
	for _, s := range w.mux.Allowed(t.Context(), account(person)) {
		listed[s.Name] = true
	}
	helped := helpNames(w.say(person, "help"))
	for _, c := range w.mux.all {
		want, ok := may[c.Name]
		if !ok {
			t.Errorf("%s is not in the table", c.Name)
		}
		got := w.say(person, c.Name)
		ran := !strings.Contains(got.Headline, "you may not use") && !strings.Contains(got.Headline, "You may not use")
		if listed[c.Name] != want || helped[c.Name] != want || ran != want {
			t.Errorf("%s (%s), %q: listed %t, in help %t, ran %t; want %t\n%s", person, column, c.Name, listed[c.Name], helped[c.Name], ran, want, got.Plain())
		}
		if got.aloud {
			t.Errorf("%s: %q was answered aloud", person, c.Name)
		}
	}
	if len(helped) != len(listed) {
		t.Errorf("%s: help shows %d commands, allowed are %d", person, len(helped), len(listed))
	}
}

// helpNames are the names in the table of help.
func helpNames(m said) map[string]bool {
	names := map[string]bool{}
	for _, row := range m.Table.Rows {
		var name []string
		for _, word := range strings.Fields(row[0])[1:] {
			if strings.ContainsAny(word, "<[") {
				break
			}
			name = append(name, word)
		}
		names[strings.Join(name, " ")] = true
	}
	return names
}

// A command for which nobody said who may run it can be run by nobody.
func TestNoAccessIsNobodys(t *testing.T) {
	t.Parallel()
	w := newWorld(t, crowd, func(f *fixture) {
		for _, role := range []identity.Role{identity.Viewer, identity.Helpdesk, identity.Lead, identity.Approver, identity.Owner} {
			f.roles[role] = append(f.roles[role], id("olga"))
		}
	})
	w.mux.all = append(w.mux.all, Command{
		CommandSpec: chat.CommandSpec{Name: "forgotten", Summary: "A command without access.", Example: "forgotten"},
		Answer:      func(context.Context, Call) (chat.Message, error) { return chat.Message{Headline: "It ran."}, nil },
	})
	people := []string{"olga"}
	for _, some := range speakers {
		people = append(people, some...)
	}
	for _, person := range people {
		got := w.say(person, "forgotten")
		if strings.Contains(got.Plain(), "It ran") || !strings.Contains(got.Headline, "ou may not use “/mfa forgotten”") {
			t.Errorf("%s: %s", person, got.Plain())
		}
		if helpNames(w.say(person, "help"))["forgotten"] {
			t.Errorf("%s is shown it in help", person)
		}
	}
}

func TestDeniedSaysWhy(t *testing.T) {
	t.Parallel()
	w := newDryWorld(t, crowd)
	for _, row := range []struct{ person, line, want string }{
		{"sam", "status", "You may not use “/mfa status”.\n\nIt is for: viewer, or whoever has another role. “/mfa help” lists what you can do."},
		{"vic", "preflight defaults", "You may not use “/mfa preflight”.\n\nIt is for: lead. “/mfa help” lists what you can do."},
		{"nobody", "requests", "I do not know who you are in Microsoft 365 yet, so you may not use “/mfa requests”.\n\n“/mfa link” links your chat account, or says whom to ask."},
	} {
		if got := w.say(row.person, row.line).Plain(); got != row.want {
			t.Errorf("%s, %q: got %q, want %q", row.person, row.line, got, row.want)
		}
	}
}

// TestAloud holds that nothing private is said aloud: of all commands only
// those with figures may be, and only in the administrators' channel.
func TestAloud(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(f *fixture) {
		for _, role := range []identity.Role{identity.Viewer, identity.Lead, identity.Approver, identity.Owner} {
			f.roles[role] = append(f.roles[role], id("ada"))
		}
		f.links[chat.Account{Platform: "chat", Workspace: "W2", User: "ada"}] = id("ada")
		f.links[chat.Account{Platform: "other", Workspace: "W1", User: "ada"}] = id("ada")
	})
	for _, c := range w.mux.all {
		got := w.handle(chat.Event{Kind: chat.Command, From: account("ada"), Channel: adminsChannel.Channel, Text: c.Example})
		if want := slices.Contains([]string{"status", "legacy", "trend", "forecast", "deadlines"}, c.Name); got.aloud != want {
			t.Errorf("%q among the admins: aloud %t, want %t", c.Example, got.aloud, want)
		}
	}
	for _, row := range []struct {
		name  string
		event chat.Event
		aloud bool
	}{
		{"in the admins' channel", chat.Event{Kind: chat.Command, From: account("ada"), Channel: "C-admins", Text: "status"}, true},
		{"with names", chat.Event{Kind: chat.Command, From: account("ada"), Channel: "C-admins", Text: "legacy --by user"}, false},
		{"in another channel", chat.Event{Kind: chat.Command, From: account("ada"), Channel: "C-team", Text: "status"}, false},
		{"in one's own messages", chat.Event{Kind: chat.Command, From: account("ada"), Text: "status"}, false},
		{"in another workspace's channel of the same ID", chat.Event{Kind: chat.Command, From: chat.Account{Platform: "chat", Workspace: "W2", User: "ada"}, Channel: "C-admins", Text: "status"}, false},
		{"on another platform", chat.Event{Kind: chat.Command, From: chat.Account{Platform: "other", Workspace: "W1", User: "ada"}, Channel: "C-admins", Text: "status"}, false},
		{"refused", chat.Event{Kind: chat.Command, From: account("sam"), Channel: "C-admins", Text: "status"}, false},
		{"typed wrong", chat.Event{Kind: chat.Command, From: account("ada"), Channel: "C-admins", Text: "status please"}, false},
		{"by a button", chat.Event{Kind: chat.Press, From: account("ada"), Channel: "C-admins", Button: "run", Value: "status"}, false},
		{"a question", chat.Event{Kind: chat.Mention, From: account("ada"), Channel: "C-admins", Text: "how do I set up my phone"}, false},
	} {
		if got := w.handle(row.event); got.aloud != row.aloud {
			t.Errorf("%s: aloud %t, want %t\n%s", row.name, got.aloud, row.aloud, got.Plain())
		}
	}
}

// Where no administrators' channel is configured nothing is said aloud at all.
func TestAloudWithoutChannel(t *testing.T) {
	t.Parallel()
	w := newDryWorld(t)
	w.mux.env.Admins = chat.Address{}
	for _, channel := range []string{"", "C-admins"} {
		if got := w.handle(chat.Event{Kind: chat.Command, From: account("vic"), Channel: channel, Text: "status"}); got.aloud {
			t.Errorf("channel %q: said aloud", channel)
		}
	}
}

// TestTenantAway holds that what needs to know who speaks is refused with the
// reason while the tenant cannot be read, that the guide goes on working, and
// that help shows what adapters are told.
func TestTenantAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(f *fixture) { f.fails["user"] = errAway })
	const away = "Microsoft 365 could not be reached.\n\nTry again in a minute."
	works := map[string]string{
		"setup": "Set up Authenticator", "ask": "Set up Authenticator", "help": "cannot be read just now", "version": "twokey 0.1",
		"backup": "Add a second way to sign in", "newphone": "Move Authenticator to your new iPhone", "prompt": "Well done.", "person": "The help desk has been told.",
		"guide print": "Instale Microsoft Authenticator", "guide unhelpful": "A person can look at it with you.",
	}
	lines := map[string]string{"ask": "ask how do I set up the app"}
	everybodys := 0
	for _, c := range w.mux.all {
		if c.Access.everybody {
			everybodys++
		}
		line := c.Example
		if own, ok := lines[c.Name]; ok {
			line = own
		} else if c.Name == "help" || c.Name == "setup" {
			line = c.Name
		}
		got := w.say("olga", line).Plain()
		if want, ok := works[c.Name]; ok && !strings.Contains(got, want) || !ok && got != away {
			t.Errorf("%q: %s", line, got)
		}
	}
	if listed, helped := w.mux.Allowed(t.Context(), account("olga")), helpNames(w.say("olga", "help")); len(listed) != everybodys || len(helped) != everybodys {
		t.Errorf("allowed are %d commands, help shows %d; want %d", len(listed), len(helped), everybodys)
	}
	wantSaid(t, w.say("olga", "frobnicate"), "There is no command")
	wantSaid(t, w.press("olga", "approve", "R-ABC234", nil), away)
	wantSaid(t, w.press("olga", "run", "setup iphone", nil), "iPhone")
	wantSaid(t, w.handle(chat.Event{Kind: chat.Mention, From: account("sam"), Text: "I have a new phone, what now?"}), "1. ")
	if !strings.Contains(w.log.String(), "look up person") {
		t.Error("that nobody could be looked up is not logged")
	}
}

// An account that is not linked needs no tenant.
func TestTenantAwayForUnlinked(t *testing.T) {
	t.Parallel()
	w := newDryWorld(t, func(f *fixture) { f.fails["user"] = errAway })
	wantSaid(t, w.say("nobody", "whoami"), "I do not know who you are")
}

func TestHelp(t *testing.T) {
	t.Parallel()
	w := newDryWorld(t)
	golden(t, "help-lead.txt", whole(w.say("ada", "help").Message))
	for _, row := range []struct{ name, person, line, want string }{
		{"one command", "ada", "help setup", "/mfa setup [device]\n\nHow to set up Authenticator, step by step.\n\n" +
			"device: what you have at hand: iphone, android, phone-only, nophone, tablet, passkey, key\nExample: /mfa setup iphone"},
		{"of two words, in any case", "ada", "help Defaults Enable", "/mfa defaults enable [reason]"},
		{"half of two words", "ada", "help digest", "What begins with “/mfa digest”\n\nType"},
		{"only what one may", "vic", "help digest", "/mfa digest preview"},
		{"what one may not is not there", "sam", "help status", "There is no command “status” for you."},
		{"nothing like it", "sam", "help \u202exyz", "There is no command “<U+202E>xyz” for you.\n\n“/mfa help” lists what you can do."},
	} {
		if got := w.say(row.person, row.line).Plain(); !strings.HasPrefix(got, row.want) && !strings.Contains(got, row.want) {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
	if got := w.say("vic", "help digest").Plain(); strings.Contains(got, "digest now") {
		t.Errorf("a viewer is shown a lead's command:\n%s", got)
	}
}

// Every command explains itself, and its example can be typed.
func TestEveryCommandIsWhole(t *testing.T) {
	t.Parallel()
	commands, seen := every(t), map[string]bool{}
	for _, c := range commands {
		if seen[c.Name] {
			t.Errorf("%s is there twice", c.Name)
		}
		seen[c.Name] = true
		if c.Summary == "" || !strings.HasSuffix(c.Summary, ".") || len(strings.Fields(c.Name)) > 2 || c.Name != strings.ToLower(c.Name) {
			t.Errorf("%+v: want a summary that is a sentence, and a name of one or two small words", c.CommandSpec)
		}
		if (c.Answer == nil) == (c.Plan == nil) {
			t.Errorf("%s answers and plans, or neither", c.Name)
		}
		if c.Aloud && c.Plan != nil || c.Offline && !c.Access.everybody {
			t.Errorf("%s is aloud or offline, and must not be", c.Name)
		}
		if own, left, ok := find(commands, strings.Fields(c.Example)); !ok || own.Name != c.Name {
			t.Errorf("the example %q is another command's", c.Example)
		} else if _, _, err := parse(phrases.Voice{}, own, left); err != nil {
			t.Errorf("the example %q: %v", c.Example, err)
		}
	}
}
