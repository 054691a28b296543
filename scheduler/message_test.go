package scheduler

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"twokey/audit"
	"twokey/chat"
	"twokey/graph"
	"twokey/graph/rollout"
)

var update = flag.Bool("update", false, "rewrite the goldens in testdata")

// lastEight are the weeks that most of these digests look back on.
var lastEight = []int{1, 2, 3, 4, 5, 6, 7, 8}

// telling is a week that a digest must be able to tell, with how it is told.
type telling struct {
	Digest
	message chat.Message
	files   map[string][]byte
}

// told is made once: pictures take their time.
var told = sync.OnceValue(func() map[string]telling {
	all := map[string]telling{}
	tell := func(name string, change func(*desk), ago ...int) {
		d := newDesk(newOffice(at47), ago...)
		change(d)
		all[name] = tellingOf(d.compose())
	}
	tell("normal", func(*desk) {}, lastEight...)
	tell("first-week", func(*desk) {})
	tell("nothing-changed", func(d *desk) {
		before := d.office
		before.at = at47.AddDate(0, 0, -7)
		before.legacy = signIns(before.at, map[string]int{"Authenticated SMTP": 12, "IMAP4": 30})
		d.memory.weeks["2026-W46"] = before.week()
	}, 2, 3)
	free := func(unread int) func(*desk) {
		return func(d *desk) {
			d.office.p1, d.office.unread = false, unread
			for _, n := range lastEight {
				w := d.office.weeksAgo(n).week()
				d.memory.weeks[w.Week] = w
			}
		}
	}
	tell("free", free(0))
	tell("free-some-unread", free(9))
	tell("free-just-begun", func(d *desk) {
		d.office.enforced, d.office.unasked = 3, 20
		free(0)(d)
	})
	failing := func(kind graph.Kind, permission string, sources ...string) func(*desk) {
		return func(d *desk) {
			d.office.failed = map[string]error{}
			for _, source := range sources {
				d.office.failed[source] = &graph.Error{Kind: kind, Permission: permission}
			}
		}
	}
	tell("report-failing", failing(graph.KindNoPermission, "AuditLog.Read.All", "report", "sign-ins"), lastEight...)
	tell("roles-unreadable", failing(graph.KindNoPermission, "RoleManagement.Read.Directory", "roles"), lastEight...)
	tell("all-unreadable", failing(graph.KindUnclear, "", "all"), lastEight...)
	tell("last-week-unreadable", func(d *desk) {
		bad := d.office.weeksAgo(1)
		bad.failed = map[string]error{"all": &graph.Error{}}
		d.memory.weeks["2026-W46"] = bad.week()
	}, lastEight...)
	tell("weeks-missed", func(*desk) {}, 5, 6, 7, 30)
	tell("another-road", func(d *desk) {
		before := d.office.weeksAgo(1)
		before.p1 = false
		d.memory.weeks["2026-W46"] = before.week()
	}, 2, 3)
	tell("hostile-names", func(d *desk) {
		d.Name = "*Harbour*\n[Vale](https://evil.example) \u202eeltit <!channel>"
		d.office.departments[0].name = "<b>Sales</b> @everyone\u202e\u2066"
		d.office.departments[1].name = "MFA enforced** for all\u200b ”. Registered: 240. [press](https://evil.example) # `x` | ~y~ and a name that does not end"
	}, lastEight...)
	tell("late", func(d *desk) { d.office.at = at47.Add(30 * time.Hour) }, lastEight...)
	tell("all-done", func(d *desk) {
		d.office.departments = []department{{"Sales", 18, 18}, {"Warehouse", 20, 20}}
		d.office.admins, d.office.phones, d.office.defaults, d.office.legacy = 0, 0, true, nil
	}, 1)
	tell("changed-outside", func(d *desk) {
		d.Changes = func(_ context.Context, since time.Time) (rollout.ChangeCount, error) {
			if !since.Equal(at47.AddDate(0, 0, -7)) {
				panic("the digest asks for another time than its seven days")
			}
			return rollout.ChangeCount{Outside: 5, InOurName: 1, Gaps: 2}, nil
		}
	}, lastEight...)
	tell("audit-head", func(d *desk) {
		d.Head = func(context.Context) (audit.Head, bool) {
			return audit.Head{Number: 1204, Hash: strings.Repeat("0f", 32)}, true
		}
	}, lastEight...)
	tell("one-alone", func(d *desk) {
		d.Notices = func() []string { return []string{"“solo” is on: one person alone can change the tenant."} }
	}, lastEight...)
	aiming := func(percent float64) func(*desk) {
		return func(d *desk) {
			d.Goal = func(context.Context) (rollout.Goal, error) {
				return rollout.Goal{Percent: percent, By: time.Date(2027, time.February, 1, 0, 0, 0, 0, d.Due.Zone)}, nil
			}
		}
	}
	// Nothing at all has moved since the week before.
	same := func(change func(*office)) func(*desk) {
		return func(d *desk) {
			change(&d.office)
			before := d.office
			before.at = at47.AddDate(0, 0, -7)
			before.legacy = nil
			for _, s := range d.office.legacy {
				s.At = s.At.AddDate(0, 0, -7)
				before.legacy = append(before.legacy, s)
			}
			d.memory.weeks["2026-W46"] = before.week()
		}
	}
	tell("quiet", same(func(*office) {}), 2, 3)
	tell("quiet-free", same(func(o *office) { o.p1 = false }), 2, 3)
	tell("quiet-but-late", func(d *desk) {
		same(func(*office) {})(d)
		d.office.at = at47.Add(30 * time.Hour)
	}, 2, 3)
	tell("throttled", failing(graph.KindThrottled, "", "report", "sign-ins"), lastEight...)
	tell("free-names-concealed", func(d *desk) {
		free(0)(d)
		d.office.mail = &graph.EmailAppUse{
			Period: graph.Days7, Refreshed: day(-2), Concealed: true,
			Rows: []graph.EmailAppRow{{UPN: "4f2a", Last: day(-3), Programs: []graph.EmailProgram{graph.ProgramSMTP}}},
		}
	})
	tell("free-mail-seen", func(d *desk) {
		free(0)(d)
		d.office.mail = &graph.EmailAppUse{
			Period: graph.Days7, Refreshed: day(-2),
			Rows: []graph.EmailAppRow{
				{UPN: upn(1), Name: name(1), Last: day(-3), Programs: []graph.EmailProgram{graph.ProgramSMTP, graph.ProgramIMAP4}},
				{UPN: upn(2), Name: name(2), Last: day(-4), Programs: []graph.EmailProgram{graph.OutlookForWindows}},
			},
		}
	})
	tell("scope-change", func(d *desk) {
		d.office.departments[1] = department{"Warehouse", 32, 5}
	}, lastEight...)
	tell("legacy-returning", func(d *desk) {
		d.office.legacy = signIns(at47, map[string]int{"Authenticated SMTP": 12, "IMAP4": 30, "POP3": 3})
	}, lastEight...)
	tell("department-done", func(d *desk) { d.office.departments[0].registered = 18 }, lastEight...)
	tell("sections-failing", func(d *desk) {
		d.Changes = func(context.Context, time.Time) (rollout.ChangeCount, error) { return rollout.ChangeCount{}, errAway }
		d.Decided = func(context.Context, time.Time) (Decided, error) { panic("a mistake of ours") }
		d.Goal = func(context.Context) (rollout.Goal, error) { return rollout.Goal{}, errAway }
	}, lastEight...)
	tell("requests", func(d *desk) {
		d.Decided = func(context.Context, time.Time) (Decided, error) {
			return Decided{Asked: 9, Done: 4, Denied: 1, Expired: 1, Failed: 1, Unknown: 1, Open: 1}, nil
		}
	}, lastEight...)
	tell("exceptions-ending", func(d *desk) {
		d.Scope.Exceptions = map[string]time.Time{id(7): at47.AddDate(0, 0, 4), id(8): at47.AddDate(0, 0, 13), id(9): at47.AddDate(0, 0, 40), id(10): {}}
	}, lastEight...)
	tell("goal", aiming(65), lastEight...)
	tell("goal-moved", func(d *desk) { // three a week, and now two
		aiming(53)(d)
		for _, w := range d.memory.weeks {
			for i, s := range w.Sums {
				if s.ID == rollout.Registered {
					w.Sums[i].Value = new(31 - 3*(47-must(strconv.Atoi(w.Week[len("2026-W"):]))))
				}
			}
		}
	}, lastEight...)
	tell("goal-met", aiming(40), lastEight...)
	tell("goal-without-weeks", aiming(98))
	tell("nobody-in-scope", func(d *desk) { d.office.departments = nil })
	all["million"] = tellingOf(ofAMillion())
	return all
})

// day is a day from that of the digest on, as reports date theirs.
func day(n int) time.Time { return at47.AddDate(0, 0, n).Truncate(24 * time.Hour) }

func tellingOf(d Digest) telling {
	m := must(Message(d))
	all := telling{d, m, map[string][]byte{}}
	for _, f := range must(files(d, m)) {
		all.files[f.Name] = f.Data
	}
	return all
}

// Each is the message as plain text: what a reader gets, in that order.
func TestMessageGolden(t *testing.T) {
	t.Parallel()
	for name, d := range told() {
		golden(t, name+".txt", d.message.Plain()+"\n")
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is now\n%s\nLook at it, then run with -update.", file, got)
	}
}

// The first screen of a phone holds the headline, what is to be done and four
// figures.
func TestMessageIsOneScreen(t *testing.T) {
	t.Parallel()
	for name, d := range told() {
		checkScreen(t, name, d.message)
	}
}

func checkScreen(t *testing.T, name string, m chat.Message) {
	t.Helper()
	const wide, high = 40, 24
	first := chat.Message{Headline: m.Headline, Fields: m.Fields}
	lines := 0
	for line := range strings.Lines(first.Plain()) {
		lines += 1 + (utf8.RuneCountInString(strings.TrimSpace(line))-1)/wide
	}
	if lines > high {
		t.Errorf("%s: the first screen has %d lines of %d characters, want %d", name, lines, wide, high)
	}
	if n := utf8.RuneCountInString(m.Headline); n > 150 {
		t.Errorf("%s: the headline has %d characters", name, n)
	}
	if m.Image == nil && len(m.Fields)+len(m.Details) == 0 && !strings.Contains(m.Text, "\n") {
		return // a quiet week: two lines
	}
	if todo := strings.Count(m.Fields[len(m.Fields)-1].Value, "\n") + 1; len(m.Fields) != 5 || todo > 3 || len(m.Details) > 25 {
		t.Errorf("%s: %d figures, %d things to do, %d details", name, len(m.Fields)-1, todo, len(m.Details))
	}
	if chat.Hidden(strings.ReplaceAll(m.Plain(), "\n", " ")) {
		t.Errorf("%s: the message hides characters: %q", name, m.Plain())
	}
}

// The stored digest makes the same message as the fresh one.
func TestRenderIsMessage(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"normal", "late", "free-some-unread"} {
		d := told()[name]
		got, err := Render(t.Context(), must(json.Marshal(d.Digest)))
		if err != nil || !reflect.DeepEqual(got, d.message) {
			t.Errorf("%s: the stored digest reads\n%s\n(%v), the fresh one\n%s", name, got.Plain(), err, d.message.Plain())
		}
	}
	if _, err := Render(t.Context(), []byte("{")); err == nil {
		t.Error("half a digest was rendered")
	}
}

// The words, the picture's twin and digest.json tell the same numbers.
func TestNumbersAgree(t *testing.T) {
	t.Parallel()
	for name, d := range told() {
		m, figures := d.message, d.figures(t)
		if m.Image == nil {
			continue // a quiet week says no figure but those of its headline
		}
		says := func(where, text string, id rollout.ID, ending string) {
			t.Helper()
			if f := figures[id]; f.Value != nil && !strings.Contains(text, spelt(*f.Value)+ending) {
				t.Errorf("%s: %s is %s in digest.json, and %s says %q", name, id, spelt(*f.Value)+ending, where, text)
			}
		}
		people, legacy, _ := strings.Cut(m.Image.Alt, "Legacy")
		says("the picture", lastWeek(legacy), rollout.LegacySucceeded, "")
		if figures["registered_percent"].Value != nil {
			says("the headline", m.Headline, rollout.Registered, " of ")
			says("the headline", m.Headline, rollout.InScope, " people")
			says("the headline", m.Headline, "registered_percent", " %")
			says("the picture", lastWeek(people), rollout.Registered, " of ")
			says("the picture", lastWeek(people), "registered_percent", " %")
		}
		for i, id := range []rollout.ID{rollout.Registered, rollout.Backup, rollout.Enforced, rollout.LegacySucceeded} {
			f, field := figures[id], m.Fields[i]
			says("the field", field.Value, id, "")
			if f.Value == nil && field.Value != f.Reason {
				t.Errorf("%s: %s has no value because of %q, and the field says %q", name, id, f.Reason, field.Value)
			}
			if (f.Change != nil) != changed.MatchString(field.Value) {
				t.Errorf("%s: %s changed by %v, and the field says %q", name, id, f.Change, field.Value)
			} else if f.Change != nil && *f.Change != 0 && !strings.Contains(field.Value, spelt(math.Abs(*f.Change))) {
				t.Errorf("%s: %s changed by %v, and the field says %q", name, id, *f.Change, field.Value)
			}
		}
	}
}

// changed finds a change in a figure's words.
var changed = regexp.MustCompile(`[+−]\d|unchanged`)

// lastWeek is what an alternative text says behind the name of the last week.
func lastWeek(alt string) string {
	alt, _, _ = strings.Cut(alt, "; at the pace") // what comes after is still to come
	return alt[max(0, strings.LastIndex(alt, " W")):]
}

// spelt is a number as people read it.
func spelt(v float64) string {
	if v == math.Trunc(v) {
		return number(int(v))
	}
	return strconv.FormatFloat(v, 'f', 1, 64)
}

// A million people and hundreds of departments fit, with every number grouped.
func TestMessageOfAMillion(t *testing.T) {
	t.Parallel()
	m := told()["million"].message
	if many := regexp.MustCompile(`\d{5,}`).FindString(strings.ReplaceAll(m.Plain(), "MC786329", "")); many != "" {
		t.Errorf("%s is not grouped", many)
	}
}

// ofAMillion is the digest of an organisation with a million people.
func ofAMillion() Digest {
	d := newDesk(newOffice(at47), lastEight...).compose()
	for i := range d.Weeks {
		d.Weeks[i] = huge(d.Weeks[i])
	}
	d.This, d.Last = d.Weeks[len(d.Weeks)-1], &d.Weeks[len(d.Weeks)-2]
	return d
}

// huge is a week with 16,667 times as much of everything, and 400 departments.
func huge(w rollout.Week) rollout.Week {
	for i, s := range w.Sums {
		w.Sums[i].Of *= 16_667
		if s.Value != nil {
			w.Sums[i].Value = new(*s.Value * 16_667)
		}
	}
	for i := range w.Legacy {
		w.Legacy[i].Succeeded *= 16_667
		w.Legacy[i].Blocked *= 16_667
		w.Legacy[i].Accounts *= 16_667
	}
	w.Departments = nil
	for i := range 400 {
		name := fmt.Sprintf("Department %d of very many in this large enterprise, which has long names", i)
		w.Departments = append(w.Departments, rollout.DepartmentSum{
			Name: name, Registered: rollout.Sum{ID: rollout.Registered, Of: 2500, Value: new(i)},
		})
	}
	return w
}

// Weeks that lie years apart are no reason to fail: the picture shows the last.
func TestMessageAfterYears(t *testing.T) {
	t.Parallel()
	m, err := Message(newDesk(newOffice(at47), 200, 300).compose())
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(m.Image.Alt, "W3"); n != 2*2 { // W38 and W39, in both panels
		t.Errorf("the picture tells of other weeks than the last ten: %s", m.Image.Alt)
	}
	if !strings.Contains(m.Footer, "since week 3,") {
		t.Errorf("the footer does not say what the changes are against: %s", m.Footer)
	}
}

func TestU23DigestCountsChanges(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]rollout.ChangeCount{
		"nothing in seven days":                              {},
		"1 change in seven days (“/mfa changes” lists them)": {Outside: 1},
		"nothing in seven days; for 1 stretch of time nothing is known, because the audit log was not read (“/mfa changes” lists them)": {Gaps: 1},
		"1,204 changes in seven days, 3 of them with Twokey's own credentials (“/mfa changes” lists them)":                              {Outside: 1204, InOurName: 3},
	} {
		if got := changesWords(c); got != want || strings.Contains(got, "\n") {
			t.Errorf("%+v: got %q, want %q", c, got, want)
		}
	}
}
