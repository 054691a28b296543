package commands

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/audit"
	"twokey/chat"
	"twokey/commands/approval"
	"twokey/graph"
	"twokey/graph/rollout"
)

// TestStatus shows the figures of a tenant on each licence, and of one that
// cannot be read: then there are reasons, and never a zero.
func TestStatus(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*fixture){
		"free": func(*fixture) {},
		"p1": func(f *fixture) {
			p1(f)
			f.enabled = true
			f.signIns = []graph.SignIn{
				{UserID: id("scan"), UPN: "scan@vale.example", Client: "Authenticated SMTP", At: start},
				{UserID: id("scan"), UPN: "scan@vale.example", Client: "Authenticated SMTP", At: start},
				{UserID: id("sue"), UPN: "sue@vale.example", Client: "IMAP4", At: start, ErrorCode: 53003},
			}
		},
		"unread": func(f *fixture) {
			for _, source := range []string{"licence", "defaults", "policies", "users", "holders", "methods", "registrations", "sign-ins"} {
				f.fails[source] = errAway
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden(t, "status-"+name+".txt", whole(newDryWorld(t, change).say("vic", "status").Message))
		})
	}
}

// TestRequestsAreOnesOwn holds that staff see their own requests only, and who
// has a role sees all.
func TestRequestsAreOnesOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, crowd)
	hers := w.request(0, func(*approval.Request) {})
	his := w.request(1, func(r *approval.Request) { r.Requester = person("sam") })
	theirs := w.request(2, func(r *approval.Request) { r.Requester = person("guest") })
	for _, r := range []approval.Request{hers, his, theirs} {
		w.keep(r)
	}
	for person, want := range map[string][]string{
		"ada": {hers.Ref, his.Ref, theirs.Ref}, "vic": {hers.Ref, his.Ref, theirs.Ref}, "sam": {his.Ref}, "guest": {theirs.Ref}, "sue": nil,
	} {
		got := w.say(person, "requests").Plain()
		for _, r := range []approval.Request{hers, his, theirs} {
			if strings.Contains(got, r.Ref) != slices.Contains(want, r.Ref) {
				t.Errorf("%s sees, of %v only:\n%s", person, want, got)
			}
		}
	}
	wantSaid(t, w.say("sue", "requests"), "There are no requests for you to see.")
	wantSaid(t, w.say("sam", "requests"), "1 open, 0 ended", "“Harbour & Vale”", "Sam Rivera", "waits for approval until Mon 23 Nov 2026, 19:00 CET")
}

// TestRequestsListed holds that all that are open are listed and, of those that
// ended, the newest ten.
func TestRequestsListed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 15 {
		w.keep(w.request(i, func(r *approval.Request) {
			r.Created = start.Add(time.Duration(i) * time.Minute)
			if i > 2 {
				r.State = approval.Denied
			}
		}))
	}
	got := w.say("vic", "requests")
	if got.Headline != "3 open, 12 ended" || len(got.Table.Rows) != 13 || got.Footer != "The last 10 that ended are shown." {
		t.Errorf("%s\n%d rows", got.Plain(), len(got.Table.Rows))
	}
	if first, last := got.Table.Rows[0][0], got.Table.Rows[12][0]; first != "R-AAAAAO" || last != "R-AAAAAA" {
		t.Errorf("from %s to %s, want the newest first", first, last)
	}
}

// changed is a record of which one entry was changed afterwards.
type changed struct {
	Records
	number int64
	err    error
}

func (c changed) Audit(ctx context.Context) iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		if c.err != nil {
			yield(audit.Record{}, c.err)
			return
		}
		for r, err := range c.Records.Audit(ctx) {
			if r.Number == c.number {
				r.Actor, r.Kind = id("eve"), "nothing\n\u202ehappened"
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

func (c changed) LastRecords(ctx context.Context, request string, n int) ([]audit.Record, error) {
	all, err := c.Records.LastRecords(ctx, request, n)
	for i := range all {
		if all[i].Number == c.number {
			all[i].Kind = "nothing\n\u202ehappened"
		}
	}
	return all, err
}

func TestAudit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	wantSaid(t, w.say("vic", "audit"), "Nothing has been recorded yet.")
	r := w.ask()
	wantSaid(t, w.press("abe", "deny", r.Seal(), nil), "You denied")
	wantSaid(t, w.say("vic", "audit"), "The last audit records\n\nThe chain of 2 records is whole. Its head is ",
		"1    Mon 23 Nov 2026, 11:00 CET  request.submitted  Ada Okafor     "+r.Ref, "2    Mon 23 Nov 2026, 11:00 CET  request.denied     Abe Lindqvist  "+r.Ref)
	wantSaid(t, w.say("vic", "audit "+strings.ToLower(r.Ref)+"."), "The last audit records of “"+r.Ref+"”", "request.denied")
	wantSaid(t, w.say("vic", "audit R-ZZZZZZ"), "There are no audit records of “R-ZZZZZZ”.\n\nThe chain of 2 records is whole.")
}

// TestAuditBroken holds that a chain that was changed is the headline of every
// answer, and that what was put there is shown safely.
func TestAuditBroken(t *testing.T) {
	t.Parallel()
	for number := int64(1); number <= 2; number++ {
		w := newWorld(t)
		r := w.ask()
		w.press("abe", "deny", r.Seal(), nil)
		w.env.Records = changed{w.store, number, nil}
		w.assemble()
		for _, line := range []string{"audit", "audit " + r.Ref, "audit R-ZZZZZZ"} {
			got := w.say("vic", line)
			if want := fmt.Sprintf("The audit record was changed: record %d ", number); !strings.HasPrefix(got.Headline, want) {
				t.Errorf("record %d, %q: %q, want %q", number, line, got.Headline, want)
			}
			wantSaid(t, got, "Do not trust the records from there on, and call an owner of this bot.")
			if chat.Hidden(got.Plain()) || got.Table != nil && !strings.Contains(got.Plain(), "nothing <U+202E>happened") {
				t.Errorf("%q: %+q", line, got.Plain())
			}
		}
	}
}

func TestAuditUnread(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.env.Records = changed{w.store, 0, errors.New("disk is gone")}
	w.assemble()
	wantSaid(t, w.say("vic", "audit"), "That did not work, and nothing was recorded or changed.")
}

func TestDigestCommands(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, person, line string
		preview            chat.Message
		posted             bool
		err                error
		want               string
		actor              string
	}{
		{name: "preview", person: "vic", line: "digest preview", preview: chat.Message{Headline: "MFA week 48", Footer: "As of 11:00."}, want: "MFA week 48\n\nAs of 11:00. Only you can see this preview."},
		{name: "preview without a footer", person: "vic", line: "digest preview", preview: chat.Message{Headline: "MFA week 48"}, want: "MFA week 48\n\nOnly you can see this preview."},
		{name: "preview fails", person: "vic", line: "digest preview", err: errAway, want: "Microsoft 365 could not be reached."},
		{name: "now", person: "ada", line: "digest now", posted: true, want: "This week's digest has been posted to the team channel.", actor: id("ada")},
		{name: "now, again", person: "ada", line: "digest now", want: "This week's digest is in the team channel already. It has been brought up to date.", actor: id("ada")},
		{name: "now fails", person: "ada", line: "digest now", err: errAway, want: "Microsoft 365 could not be reached.", actor: id("ada")},
		{name: "now, by a viewer", person: "vic", line: "digest now", want: "You may not use “/mfa digest now”."},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w, actor := newWorld(t), ""
			w.digest.preview = func() (chat.Message, error) { return row.preview, row.err }
			w.digest.post = func(by string) (bool, error) {
				actor = by
				return row.posted, row.err
			}
			got := w.say(row.person, row.line)
			wantSaid(t, got, row.want)
			if got.aloud || actor != row.actor {
				t.Errorf("aloud %t, posted by %q; want %q", got.aloud, actor, row.actor)
			}
		})
	}
}

// A figure that is not known is a reason in every sentence that is built on it.
func TestStatusSentencesWithoutFigures(t *testing.T) {
	t.Parallel()
	nothing := rollout.NewFunnel(rollout.Facts{}, rollout.Scope{})
	for got, want := range map[string]string{
		statusHeadline(nothing):        "How many people are registered is not known: not read.",
		coverage(nothing):              "No person could be read: not read.",
		defaultsWords(rollout.Facts{}): "not read",
		licenceWords(rollout.Facts{}):  "not read",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// While not everybody is read, a number is the least that there can be, and
// says of how many it is.
func TestStatusWhileNotEverybodyIsRead(t *testing.T) {
	t.Parallel()
	app := []graph.Method{{ID: "m", Kind: graph.MethodAuthenticator}}
	partly := rollout.NewFunnel(rollout.Facts{
		AsOf:  start,
		Users: rollout.From([]graph.User{{ID: "a", Enabled: true}, {ID: "b", Enabled: true}, {ID: "c", Enabled: true}}, nil),
		Methods: rollout.From([]graph.UserMethods{
			{UserID: "a", Methods: app}, {UserID: "b"}, {UserID: "c", Err: errAway},
		}, nil),
	}, rollout.Scope{})
	if got, want := statusHeadline(partly), "At least 1 of 3 people in scope are registered (50 % of the 2 who could be read)."; got != want {
		t.Errorf("headline: got %q, want %q", got, want)
	}
	people, share := partWords(partly.Get(rollout.Registered))
	if people != "at least 1" || share != "50 % of 2 known" {
		t.Errorf("row: got %q and %q, want “at least 1” and “50 %% of 2 known”", people, share)
	}
}
