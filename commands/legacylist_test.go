package commands

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/chat"
	"twokey/graph/rollout"
)

const smtpHeading = "Sender address,Domain,TLS 1.0 (percentage),TLS 1.1 (percentage),TLS 1.2 (percentage),Messages sent\n"

// TestReadLegacyList takes both lists in as people paste them.
func TestReadLegacyList(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		name, text, source string
		want               []string // address, count, protocols, last
		modern, failed     int
	}{
		{"the centre's", "\ufeff" + smtpHeading + "scan@vale.example,vale.example,0,0,100,\"1,204\"\ncrm@vale.example,vale.example,0,0,100,7\n", smtpList, []string{"scan@vale.example 1204 SMTP AUTH", "crm@vale.example 7 SMTP AUTH"}, 0, 0},
		{"out of a spreadsheet", "Sender address\tAuthentication protocol\tMessage count\nscan@vale.example\tBasic Auth\t5\nnew@vale.example\tOAuth\t9", smtpList, []string{"scan@vale.example 5 SMTP AUTH"}, 1, 0},
		{"with semicolons", "Messages sent;SENDER ADDRESS\r\n3;scan@vale.example\r\n2;SCAN@vale.example\r\n", smtpList, []string{"scan@vale.example 5 SMTP AUTH"}, 0, 0},
		{
			"the portal's", `"Date (UTC)","Request ID","User","Username","Status","Client app"
"2026-11-20T08:00:00Z","1","Scan","scan@vale.example","Success","Authenticated SMTP"
"2026-11-21T08:00:00Z","2","Scan","scan@vale.example","Success","IMAP4"
"2026-11-22T08:00:00Z","3","Sue","sue@vale.example","Failure","POP3"
"2026-11-22T08:00:00Z","4","Sue","sue@vale.example","Success","Browser"
`, signInList, []string{"scan@vale.example 2 SMTP AUTH, IMAP 21"}, 1, 1,
		},
		{"nothing of interest", "Username,Client app,Status\nsue@vale.example,Browser,Success", signInList, nil, 1, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			l, err := readLegacyList(row.text, now)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range l.senders {
				words := strings.Join([]string{s.address, encode(s.count), protocolNames(s.protocols)}, " ")
				if !s.last.IsZero() {
					words += s.last.Format(" 2")
				}
				got = append(got, words)
			}
			if l.source != row.source || !slices.Equal(got, row.want) || l.modern != row.modern || l.failed != row.failed {
				t.Errorf("%s: %q, %d modern and %d failed", l.source, got, l.modern, l.failed)
			}
		})
	}
}

// TestReadLegacyListRefuses holds that a list that is wrong anywhere is refused
// in one sentence, which says where.
func TestReadLegacyListRefuses(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"":          "I cannot tell which list this is",
		"a,b\n1,2":  "I cannot tell which list this is by its first line, “a,b”.",
		smtpHeading: "The list has a heading and no row under it.",
		smtpHeading + "scan@vale.example,vale.example,0,0,100,1\ncrm@vale.example,7": "Line 3 of the list has 2 cells where the heading has 6.",
		smtpHeading + "the scanner,vale.example,0,0,100,1":                           "Line 2 of the list has no address where one belongs, but “the scanner”.",
		smtpHeading + "a@b@c,vale.example,0,0,100,1":                                 "Line 2 of the list has no address",
		smtpHeading + "\u202escan@vale.example,x,0,0,100,1":                          "Line 2 of the list has no address",
		smtpHeading + "scan@vale.example,vale.example,0,0,100,many":                  "Line 2 of the list has no number of messages, but “many”.",
		smtpHeading + "scan@vale.example,vale.example,0,0,100,-1":                    "Line 2 of the list has no number of messages",
		smtpHeading + "\"scan@vale.example,vale.example,0,0,100,1":                   "Line 2 of the list has quotation marks",
		"Username,Client app,Status,Date (UTC)\ns@x,POP,Success,yesterday":           "Line 2 of the list has no day that has been, but “yesterday”.",
		"Username,Client app,Status,Date (UTC)\ns@x,POP,Success,2027-01-01":          "Line 2 of the list has no day that has been",
	} {
		l, err := readLegacyList(text, now)
		var no *mistake
		if !errors.As(err, &no) || !strings.HasPrefix(no.say, want) || strings.Count(no.say, ". ") > 0 || len(l.senders) > 0 {
			t.Errorf("%q is answered with %v, want %q", text, err, want)
		}
	}
}

// TestU17LegacyCommand shows what signs in by old protocols on each licence,
// names nobody where others read, and never says that there is nothing.
func TestU17LegacyCommand(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		o.known()
		wantSaid(t, o.say("vic", "legacy"), "by old protocols succeeded in 7 days", "Unknown devices cannot be excluded", "In 38 days (end of December 2026)", "day to be announced in the second half of 2027", "Last seen", "Instead")
		wantSaid(t, o.say("vic", "legacy --failed"), "Blocked attempts")
		wantSaid(t, o.say("vic", "legacy --by app"), "App ", "Succeeded")
		wantSaid(t, o.say("vic", "legacy --days 0"), "is not a number of days")
		public := o.handle(event("vic", "legacy", adminsChannel.Channel))
		if !public.aloud || strings.Contains(public.Plain(), "@") {
			t.Errorf("aloud is %t:\n%s", public.aloud, public.Plain())
		}
		named := o.handle(event("vic", "legacy --by user", adminsChannel.Channel))
		if named.aloud || !strings.Contains(named.Plain(), "@") {
			t.Errorf("names are said aloud: %t\n%s", named.aloud, named.Plain())
		}
		wantSaid(t, named, "it is recorded that you looked")
		records, err := o.store.LastRecords(o.t.Context(), "", 1)
		if err != nil || len(records) != 1 || records[0].Kind != "person.looked-up" {
			t.Errorf("recorded is %+v, %v", records, err)
		}
	}, p1Office)
	open(t, func(o *office) {
		o.known()
		wantSaid(t, o.say("vic", "legacy"), "Old mail protocols were seen in", "That is a suspicion.", "Unknown devices cannot be excluded", "Accounts seen")
		wantSaid(t, o.say("vic", "legacy --by app"), "By which app it was is in the sign-in log alone: needs P1.")
		wantSaid(t, o.say("vic", "legacy --by user"), "Mailbox last used")
	})
}

// TestLegacyOfAMonth counts days that are kept and are older than a reading.
func TestLegacyOfAMonth(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		o.known()
		since := time.Time{}
		o.env.LegacyUse = legacyDays(func(from time.Time) []rollout.LegacyUse {
			since = from
			return []rollout.LegacyUse{{UserID: cast("sue"), UPN: upn("sue"), Client: "IMAP4", Day: from, Succeeded: 41, First: from, Last: from}}
		})
		o.assemble()
		wantSaid(t, o.say("vic", "legacy --days 30"), "41 sign-ins by old protocols succeeded in 30 days, from 1 account.", "Sun 25 Oct 2026", "Days before this bot began to read are not in it.")
		if want := start.Truncate(24*time.Hour).AddDate(0, 0, -29); !since.Equal(want) {
			t.Errorf("asked for since %v, want %v", since, want)
		}
	}, p1Office)
}

// TestDeclaredDevice declares a scanner, finds it wherever it matters, and takes
// it back.
func TestDeclaredDevice(t *testing.T) {
	t.Parallel()
	openEach(t, func(o *office) {
		o.known()
		wantSaid(t, o.say("vic", `legacy declare "Scanner 2" it scans`), "You may not use")
		wantSaid(t, o.say("ada", `legacy declare "Scanner 2"`), "who runs it")
		wantSaid(t, o.say("ada", "legacy declare nothing --gone"), "No device “nothing” is declared.")
		wantSaid(t, o.say("ada", `legacy declare "Scanner 2" Vic runs it`), "“Scanner 2” is declared")
		wantSaid(t, o.say("vic", "legacy"), "Declared devices and senders: 1;")
		wantSaid(t, o.say("vic", "legacy --by user"), "“Scanner 2”: Vic runs it")
		wantSaid(t, o.say("ada", "preflight defaults"), "Declared to sign in by an old protocol: “Scanner 2”. They stop at once.")
		if words := o.asks("ada", "defaults enable all have been trained").Words; !strings.Contains(strings.Join(words.Findings, " "), "Scanner 2") {
			t.Errorf("an approver is not told of it: %q", words.Findings)
		}
		wantSaid(t, o.say("ada", `legacy declare "scanner 2" --gone`), "is not declared any more")
		wantSaid(t, o.say("vic", "legacy"), "Declared devices: none")
		kinds := []string{}
		records, err := o.store.LastRecords(o.t.Context(), "", 20)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			if r.Kind == "legacy.declared" {
				kinds = append(kinds, r.Facts)
			}
		}
		if len(kinds) != 2 || !strings.Contains(kinds[0]+kinds[1], `"gone":true`) {
			t.Errorf("recorded is %q", kinds)
		}
	})
}

// TestImportedList takes a list in by the form, whole or not at all.
func TestImportedList(t *testing.T) {
	t.Parallel()
	openEach(t, func(o *office) {
		o.known()
		form := o.say("ada", "legacy import")
		if len(form.Buttons) != 1 || len(form.Buttons[0].Form) != 1 {
			t.Fatalf("the form is %+v", form.Buttons)
		}
		b := form.Buttons[0]
		paste := func(list string) said { return o.press("ada", b.ID, b.Value, map[string]string{b.Form[0].ID: list}) }
		wantSaid(t, paste(smtpHeading+"scan@elsewhere.example,elsewhere.example,0,0,100,12\nnobody,x,0,0,0,1"), "Line 3 of the list has no address", "Nothing was stored.")
		wantSaid(t, o.say("vic", "legacy"), "Declared devices: none")
		list := smtpHeading + "scan@elsewhere.example,elsewhere.example,0,0,100,12\n" + upn("sue") + ",x,0,0,100,3"
		wantSaid(t, paste(list), "2 senders taken in from the SMTP AUTH list of the Exchange admin centre; 2 of them for the first time.", "Unknown devices cannot be excluded")
		wantSaid(t, paste(list), "2 senders taken in", "; 0 of them for the first time.")
		wantSaid(t, o.say("vic", "legacy --by user"), "“scan@elsewhere.example”: SMTP AUTH list of the Exchange admin centre: 12 messages by SMTP AUTH")
		all, err := devicesDeclared(o.t.Context(), o.env)
		if err != nil || len(all) != 2 || !slices.ContainsFunc(all, func(d rollout.Declaration) bool { return d.Object == cast("sue") }) {
			t.Errorf("declared is %+v, %v: an account is not known by its object ID", all, err)
		}
		wantSaid(t, paste("Username,Client app,Status\n"+upn("sue")+",Browser,Success"), "There is nothing in that list to take in.", "1 row of a modern sign-in")
		records, err := o.store.LastRecords(o.t.Context(), "", 20)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, r := range records {
			if r.Kind == "legacy.imported" {
				n++
				if strings.Contains(r.Facts, "@") {
					t.Errorf("the record names somebody: %s", r.Facts)
				}
			}
		}
		if n != 2 {
			t.Errorf("%d imports are recorded, want 2", n)
		}
		o.advance(importedFor + time.Minute)
		wantSaid(t, o.say("vic", "legacy"), "Declared devices: none")
		wantSaid(t, o.press("vic", b.ID, b.Value, map[string]string{b.Form[0].ID: list}), "You may not use")
	})
}

// legacyDays are kept days as a function.
type legacyDays func(since time.Time) []rollout.LegacyUse

func (d legacyDays) LegacyUse(_ context.Context, _ string, since time.Time) ([]rollout.LegacyUse, error) {
	return d(since), nil
}

func event(person, line, channel string) chat.Event {
	return chat.Event{Kind: chat.Command, From: account(person), Channel: channel, Text: line}
}
