package commands

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/commands/identity"
	"twokey/graph/simtenant"
)

// TestCheckThanks holds that what somebody registers is noticed when they look
// again, once, and that they are thanked.
func TestCheckThanks(t *testing.T) {
	t.Parallel()
	openEach(t, func(o *office) {
		got := o.say("sam", "setup iphone")
		if i := slices.IndexFunc(got.Buttons, func(b chat.Button) bool { return b.Value == "check" }); i < 0 || len(got.Links) == 0 {
			t.Fatalf("the steps end without a check, or without the page:\n%s", got.Plain())
		}
		wantSaid(t, o.say("sam", "check"), "I cannot see anything yet", "You are not set up yet")
		o.portal("POST", "/v1.0/users/"+cast("sam")+"/authentication/phoneMethods", mobile)
		wantSaid(t, o.say("sam", "check"), "I see it: phone", "Thank you!")
		got = o.say("sam", "check")
		if wantSaid(t, got, "Nothing new since you last looked."); strings.Contains(got.Plain(), "I see it") {
			t.Errorf("it is thanked for twice:\n%s", got.Plain())
		}
	})
}

// TestU20NoPhone records that somebody needs a key, shows the lead a count, and
// forgets it when something was registered.
func TestU20NoPhone(t *testing.T) {
	t.Parallel()
	openEach(t, func(o *office) {
		wantSaid(t, o.say("sam", "setup nophone"), "I have noted that you need a key or a token.")
		wantSaid(t, o.say("vic", "status"), "Keys or tokens to buy: 1 people")
		note, err := o.store.StaffNote(o.t.Context(), o.env.Organization.ID, cast("sam"))
		if err != nil || !note.NeedsKey {
			t.Errorf("kept: %+v, %v", note, err)
		}
		wantSaid(t, o.say("sam", "setup phone-only"), "1. ")
		if got := o.say("vic", "status"); strings.Contains(got.Plain(), "Keys or tokens") {
			t.Errorf("it is still counted:\n%s", got.Plain())
		}
		o.say("sam", "setup nophone")
		o.portal("POST", "/v1.0/users/"+cast("sam")+"/authentication/phoneMethods", mobile)
		o.say("sam", "check")
		if note, _ := o.store.StaffNote(o.t.Context(), o.env.Organization.ID, cast("sam")); note.NeedsKey {
			t.Error("somebody who is set up still needs a key")
		}
	})
}

// TestU20OutsideHours says when the help desk is back, and whom to call.
func TestU20OutsideHours(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		o.env.Hours = OfficeHours(o.env.Zone)
		o.assemble()
		if got := o.say("sam", "person the page is blank"); strings.Contains(got.Plain(), "closed") {
			t.Errorf("at eleven: %s", got.Plain())
		}
		o.advance(10 * time.Hour)
		for _, line := range []string{"lost", "lost --now", "person still blank"} {
			wantSaid(t, o.say("sue", line), "The help desk is closed now and back on Tuesday 24 November 2026, 09:00 CET.", "call Ada Okafor, extension 42")
		}
	})
}

func TestRemind(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		wantSaid(t, o.say("sam", "remind 7"), "I will not remind you before Monday 30 November 2026.")
		wantSaid(t, o.say("sam", "privacy"), "No reminders before: Monday 30 November 2026")
		wantSaid(t, o.say("sam", "remind 0"), "as usual")
		for _, line := range []string{"remind 31", "remind -1", "remind soon"} {
			wantSaid(t, o.say("sam", line), "is not a number of days that I can wait.")
		}
	})
}

// impersonal are the tables in which nobody stands.
var impersonal = []string{
	"audit_link", "change_watch", "goose_db_version", "job", "lease", "slot", "sync_progress", "twokey_schema", "watched_app", "week",
}

// TestPrivacyIsTheDump holds that what somebody is shown as stored is all that a
// dump of every table holds of them, and no more.
func TestPrivacyIsTheDump(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		o.asks("ada", "tap "+upn("sam")+" for a test")
		o.asks("ada", "tap "+upn("vic")+" for a test")
		o.say("sam", "setup nophone")
		o.say("sam", "remind 3")
		o.say("sam", "check")
		o.say("sam", "person may I keep my old phone?")
		o.say("sam", "lost I left it on the train")
		o.say("sue", "lost it broke")
		got := o.say("sam", "privacy")
		wantSaid(t, got, "Your words in C-", "I left it on the train", "may I keep my old phone?")
		shown := map[string]string{}
		for _, row := range got.Table.Rows {
			shown[row[0]] = row[1]
		}
		dumped := o.dump(cast("sam"), upn("sam"), encode(account("sam")), identity.LinkKey(account("sam")))
		for table, n := range dumped {
			label := kept[table][0]
			if label == "" {
				t.Errorf("privacy has no words for the table %s", table)
			}
			if shown[label] != fmt.Sprint(n) {
				t.Errorf("%s: %q rows are shown, and a dump has %d", table, shown[label], n)
			}
		}
		if len(dumped) != len(shown) || len(dumped) < 6 {
			t.Errorf("shown are %v, and a dump has %v", shown, dumped)
		}
		wantSaid(t, o.say("stranger", "privacy"), "I do not know who you are in Microsoft 365")
		if got := o.say("sam", "privacy"); got.Table != nil {
			t.Errorf("every table is looked through again within a minute: %s", got.Plain())
		}
		wantSaid(t, o.say("vic", "privacy"), "What is stored about you")
		o.advance(time.Minute)
		wantSaid(t, o.say("sam", "privacy"), "What is stored about you")
		for _, table := range o.tables() {
			if _, known := kept[table]; !known && !slices.Contains(impersonal, table) {
				t.Errorf("privacy has no words for the table %s", table)
			}
		}
	})
}

// dump counts, table by table, the rows that hold any of the words, or a pseudonym
// of whom they name.
func (o *office) dump(words ...string) map[string]int {
	o.t.Helper()
	db, err := sql.Open("sqlite", o.dsn)
	if err != nil {
		o.t.Fatal(err)
	}
	defer db.Close()
	words = append(words, o.rows(db, "SELECT pseudonym FROM alias WHERE object LIKE ?", words[0]+"%")...)
	all := map[string]int{}
	for _, table := range o.rows(db, allTables) {
		for _, row := range o.rows(db, "SELECT * FROM "+table) {
			if slices.ContainsFunc(words, func(w string) bool { return strings.Contains(row, w) }) {
				all[table]++
			}
		}
	}
	return all
}

// tables are the names of every table that there is.
func (o *office) tables() []string {
	o.t.Helper()
	db, err := sql.Open("sqlite", o.dsn)
	if err != nil {
		o.t.Fatal(err)
	}
	defer db.Close()
	return o.rows(db, allTables)
}

const allTables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"

// rows are the rows of a query as text, each value on a line.
func (o *office) rows(db *sql.DB, query string, args ...any) (all []string) {
	o.t.Helper()
	rows, err := db.Query(query, args...)
	if err != nil {
		o.t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		o.t.Fatal(err)
	}
	for rows.Next() {
		values, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			o.t.Fatal(err)
		}
		text := make([]string, len(values))
		for i, v := range values {
			text[i] = v.String
		}
		all = append(all, strings.Join(text, "\n"))
	}
	if err := rows.Err(); err != nil {
		o.t.Fatal(err)
	}
	return all
}

// TestPrivateMeansPrivate types and presses, as staff would and as they would
// not, in private and where others read. Whatever they are answered and sent is
// for them alone, and holds nothing of anybody else.
func TestPrivateMeansPrivate(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			open(t, func(o *office) { proddedByStaff(o, rand.New(rand.NewPCG(seed, 7))) })
		})
	}
}

func proddedByStaff(o *office, r *rand.Rand) {
	t := o.t
	o.portal("POST", "/v1.0/users/"+cast("sue")+"/authentication/phoneMethods", `{"phoneNumber":"+44 7700900777","phoneType":"mobile"}`)
	o.say("sue", "lost my SECRET-OF-sue is gone")
	o.say("sue", "person a SECRET-OF-sue question")
	o.asks("ada", "tap "+upn("vic")+" SECRET-OF-ada")
	refs := []string{"C-ABC234"}
	cases, err := o.store.OpenCases(o.t.Context(), o.env.Organization.ID, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		refs = append(refs, c.Ref)
	}
	for _, q := range o.everyRequest() {
		refs = append(refs, q.Ref)
	}
	words := append([]string{upn("sue"), cast("sue"), `"Sue Tanaka"`, upn("olga"), "iphone", "nophone", "no", "yes", "7", "call-back", "manager", "what is my state", "de"}, refs...)
	pick := func(all []string) string { return all[r.IntN(len(all))] }
	typed := map[string]string{}
	var buttons []chat.Button
	for range 250 {
		person := pick([]string{"sam", "nobody"})
		e := chat.Event{Kind: chat.Command, From: account(person), Channel: pick([]string{"", "C-team", adminsChannel.Channel})}
		specs := o.mux.Allowed(o.t.Context(), account(person))
		switch n := r.IntN(10); {
		case n < 6:
			e.Text = specs[r.IntN(len(specs))].Name
			for range r.IntN(3) {
				e.Text += " " + pick(words)
			}
			if r.IntN(8) == 0 {
				e.Text = "lost --for " + pick(words)
			}
		case n < 8 || len(buttons) == 0:
			e.Kind, e.Text = chat.Mention, pick([]string{"how do I set up my phone", "please reset my mfa", "what does Sue Tanaka use", "printer jam"})
		default:
			b := buttons[r.IntN(len(buttons))]
			e.Kind, e.Button, e.Value, e.Fields = chat.Press, b.ID, b.Value, map[string]string{}
			for _, f := range b.Form {
				e.Fields[f.ID] = pick(words)
			}
		}
		got := o.handle(e)
		if got.aloud {
			t.Errorf("%q is answered aloud:\n%s", e.Text+e.Value, got.Plain())
		}
		typed[person] += e.Text + e.Value + fmt.Sprint(e.Fields)
		onlyOf(o, person, typed[person], got.Message)
		buttons = append(buttons, got.Buttons...)
	}
	rows, err := o.store.Due(o.t.Context(), 10000)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if row.Kind != NoticeCase {
			continue
		}
		if !row.To.Private() {
			t.Errorf("%s is posted where others read: %+v", row.Key, row.To)
		}
		if row.To.User != "sam" && row.To.User != "nobody" {
			continue
		}
		m, err := Renderers(o.env)[row.Kind](context.Background(), row.Facts)
		if err != nil {
			t.Fatal(err)
		}
		onlyOf(o, row.To.User, typed[row.To.User], m)
	}
}

// onlyOf checks that a message names nobody of the cast but the person, and the
// contact. What the person typed may be typed back.
func onlyOf(o *office, person, typed string, m chat.Message) {
	o.t.Helper()
	body, _ := json.Marshal(m)
	said := strings.ReplaceAll(string(body)+m.Plain(), o.env.contact(), "")
	for _, x := range simtenant.Cast(0) {
		if x.ID == person {
			continue
		}
		for _, secret := range []string{x.Name, x.UPN, x.ObjectID, "SECRET-OF-" + x.ID, "900777"} {
			if strings.Contains(said, secret) && !strings.Contains(typed, secret) {
				o.t.Errorf("%s reads %q of %s:\n%s", person, secret, x.ID, m.Plain())
			}
		}
	}
}

// caseAbout returns the one open case about somebody.
func (o *office) caseAbout(name string) (ref string) {
	o.t.Helper()
	all, err := o.store.OpenCases(context.Background(), o.env.Organization.ID, cast(name))
	if err != nil || len(all) != 1 {
		o.t.Fatalf("%d open cases about %s, %v", len(all), name, err)
	}
	return all[0].Ref
}

// everyRequest returns all requests, oldest first.
func (o *office) everyRequest() (all []approval.Request) {
	o.t.Helper()
	err := o.store.View(context.Background(), func(tx approval.Tx) (err error) {
		all, err = tx.Requests(o.env.Organization.ID)
		return err
	})
	if err != nil {
		o.t.Fatal(err)
	}
	return all
}

// inbox words every message that somebody was sent in their own messages, oldest
// first, by what is stored now.
func (o *office) inbox(name string) (all []chat.Message) {
	o.t.Helper()
	rows, err := o.store.Due(context.Background(), 10000)
	if err != nil {
		o.t.Fatal(err)
	}
	for _, row := range rows {
		if row.To.User != name {
			continue
		}
		m, err := Renderers(o.env)[row.Kind](context.Background(), row.Facts)
		if err != nil {
			o.t.Fatalf("%s: %v", row.Key, err)
		}
		for _, b := range m.Buttons { // each has its typed twin
			if _, _, ok := find(o.mux.all, strings.Fields(b.Value)); b.ID == "run" && !ok {
				o.t.Errorf("%q does what nobody can type: %q", b.Label, b.Value)
			}
		}
		all = append(all, m)
	}
	return all
}

// gets returns the newest message of somebody that holds a text.
func (o *office) gets(name, want string) chat.Message {
	o.t.Helper()
	all := o.inbox(name)
	for _, m := range slices.Backward(all) {
		if strings.Contains(m.Plain(), want) {
			return m
		}
	}
	for _, m := range all {
		o.t.Log(m.Plain())
	}
	o.t.Fatalf("%s is not told %q", name, want)
	return chat.Message{}
}

// presses has somebody press the button of a label.
func (o *office) presses(name string, m chat.Message, label string, fields map[string]string) said {
	o.t.Helper()
	i := slices.IndexFunc(m.Buttons, func(b chat.Button) bool { return b.Label == label })
	if i < 0 {
		o.t.Fatalf("there is no button %q:\n%s", label, m.Plain())
	}
	return o.press(name, m.Buttons[i].ID, m.Buttons[i].Value, fields)
}
