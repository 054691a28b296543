package commands

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/chat"
	"twokey/commands/alert"
	"twokey/commands/approval"
	"twokey/commands/identity"
)

func TestEmptyCommandIsMe(t *testing.T) {
	t.Parallel()
	w := newDryWorld(t)
	for _, line := range []string{"", "  ", "me", "ME"} {
		wantSaid(t, w.say("sue", line), "You are all set")
	}
}

// TestForm asks for a reason where none was typed, and takes the form's.
func TestForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	form := w.say("ada", "defaults enable")
	wantSaid(t, form, "Why should this be changed?", "What: Turn on security defaults for everybody", "Nothing has been asked for yet.")
	if len(form.Buttons) != 1 || form.Buttons[0].Form[0].ID != "reason" || !form.Buttons[0].Form[0].Required {
		t.Fatalf("the form is %+v", form.Buttons)
	}
	confirm := form.Buttons[0]
	for _, blank := range []string{"", "  ", "\u00a0\n"} {
		again := w.press("ada", confirm.ID, confirm.Value, map[string]string{"reason": blank})
		if len(again.Buttons) != 1 || again.Buttons[0].Value != confirm.Value {
			t.Errorf("reason %q: %s, want the form again", blank, again.Plain())
		}
	}
	wantSaid(t, w.press("sam", confirm.ID, confirm.Value, map[string]string{"reason": "I am curious"}), "You may not use “/mfa defaults enable”.")
	if n := len(w.stored()); n > 0 {
		t.Fatalf("%d requests are stored before anybody gave a reason", n)
	}
	wantSaid(t, w.press("ada", confirm.ID, confirm.Value, map[string]string{"reason": " all\n have been  trained "}), "Recorded as R-")
	if got := w.stored(); len(got) != 1 || got[0].Reason != "all have been trained" {
		t.Errorf("stored is %+v", got)
	}
}

// TestSubmit holds what a request is stored with.
func TestSubmit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.ask()
	if r.Requester != person("ada") || r.Tenant != tenantID || r.TenantName != "Harbour & Vale" || r.Reason != "all have been trained" {
		t.Errorf("asked by %v in %s (%s) because %q", r.Requester, r.TenantName, r.Tenant, r.Reason)
	}
	if string(r.Args) != `{"enable":true}` || r.Kind != DefaultsKind || r.KindVersion != defaultsVersion {
		t.Errorf("asked is %s %d %s", r.Kind, r.KindVersion, r.Args)
	}
	if want := (approval.Policy{Name: "two", Quorum: 2, Wait: 15 * time.Minute, Version: rulesVersion(w.env.Rules.Now(), DefaultsKind)}); !reflect.DeepEqual(r.Policy, want) {
		t.Errorf("the policy is %+v, want %+v", r.Policy, want)
	}
	if len(r.Targets) != 1 || r.Targets[0].ID != tenantID {
		t.Errorf("the targets are %v", r.Targets)
	}
}

// TestSubscribers holds who is shown a request: the requester where they
// asked, each who may decide in all their accounts, and the admins' channel;
// never who is listed by mistake.
func TestSubscribers(t *testing.T) {
	t.Parallel()
	abe2 := chat.Account{Platform: "other", User: "abe-2"}
	for name, c := range map[string]struct {
		change func(*fixture)
		admins chat.Address
		want   []chat.Address
	}{
		"two approvers, one with two accounts": {
			func(*fixture) {}, adminsChannel,
			[]chat.Address{chat.Direct(account("ada")), chat.Direct(account("abe")), chat.Direct(abe2), chat.Direct(account("bea")), adminsChannel},
		},
		"no channel": {
			func(*fixture) {},
			chat.Address{},
			[]chat.Address{chat.Direct(account("ada")), chat.Direct(account("abe")), chat.Direct(abe2), chat.Direct(account("bea"))},
		},
		"O30: a guest, a leaver and the requester on the list": {
			func(f *fixture) {
				crowd(f)
				f.roles[identity.Approver] = append(f.roles[identity.Approver], id("ada"))
				for _, name := range []string{"guest", "disabled", "deleted", "impostor", "otto"} {
					f.register(name, "fido2")
				}
			},
			chat.Address{},
			[]chat.Address{chat.Direct(account("ada")), chat.Direct(account("abe")), chat.Direct(abe2), chat.Direct(account("bea"))},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, c.change)
			w.mux.env.Admins = c.admins
			var got []chat.Address
			for i, s := range w.ask().Subscribers {
				var a chat.Address
				if err := json.Unmarshal([]byte(s.Address), &a); err != nil {
					t.Fatal(err)
				}
				if s.Requester != (i == 0) {
					t.Errorf("%+v is the requester's: %t", a, s.Requester)
				}
				got = append(got, a)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("shown to %+v, want %+v", got, c.want)
			}
		})
	}
}

// TestO35Again holds that a delivery that comes twice asks once, and that a
// person who repeats themselves is told of the open request.
func TestO35Again(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, dsn string) {
		w := newWorldIn(t, dsn)
		e := chat.Event{Key: "one", Kind: chat.Command, From: account("ada"), Text: "defaults enable we are ready"}
		first, second := w.handle(e), w.handle(e)
		if first.Headline != second.Headline || len(w.stored()) != 1 {
			t.Errorf("%q, then %q; %d requests", first.Headline, second.Headline, len(w.stored()))
		}
		e.Key = "two"
		wantSaid(t, w.handle(e), w.stored()[0].Ref+" is open for the same thing already.")
	})
}

func TestPlanRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*fixture)
		line   string
		want   string
	}{
		"switched off": {func(f *fixture) { f.changes = nil }, "defaults enable now", "Changing security defaults is switched off for this bot.\n\nAn owner can switch it on"},
		"off already":  {func(*fixture) {}, "defaults disable now", "Security defaults are off already.\n\nThere is nothing to change."},
		"on already":   {func(f *fixture) { f.enabled = true }, "defaults enable now", "Security defaults are on already."},
		"too few approvers": {
			func(f *fixture) { f.roles[identity.Approver] = []string{id("abe"), id("abe")} }, "defaults enable now",
			"This needs 2 approvers, and only 1 could decide. Nothing was asked for. Appoint 1 more approver: somebody outside of IT, as a director or whoever leads finance, will do. An owner does that in the configuration: “Olga Petrova”.",
		},
		"the tenant away": {func(f *fixture) { f.fails["defaults"] = errAway }, "defaults enable now", "Microsoft 365 could not be reached.\n\nTry again in a minute."},
		"O54: no emergency account able": {
			func(f *fixture) { f.register("em1"); f.register("em2"); f.holders = f.holders[:2] }, "defaults enable now",
			"No emergency access account could sign in with a second factor: “Emergency 1”, “Emergency 2”.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, c.change)
			wantSaid(t, w.say("ada", c.line), c.want)
			if n := len(w.stored()); n > 0 {
				t.Errorf("%d requests are stored", n)
			}
		})
	}
}

// TestDecide walks through the answers that those who decide get.
func TestDecide(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.ask()
	for _, step := range []struct{ name, person, line, want string }{
		{"O23: the requester", "ada", "approve " + r.Ref, "You asked for this yourself"},
		{"staff", "sam", "approve " + r.Ref, "You may not decide this."},
		{"no number of ours", "abe", "approve everything", "There is no such request."},
		{"one letter too many", "abe", "approve " + r.Ref + "X", "There is no such request."},
		{"a seal of something else", "abe", "approve " + r.Ref + ".0123456789abcdef", "What you were shown is not what would run any more."},
		{"hidden words", "abe", "deny " + r.Ref + " a\u200bb", "Nothing was recorded."},
		{"O25: with one account, and a full stop behind", "abe", "approve " + strings.ToLower(r.Ref) + ".", "Your approval of " + r.Ref + " is recorded. It needs one more person."},
		{"twice", "abe", "approve " + r.Ref[2:], "You have already approved this request."},
		{"another", "bea", "approve " + r.Ref, "it was the last one needed.\n\nIt runs at 11:15:00 CET, and any approver can stop it until then."},
		{"staff stop it", "sam", "cancel " + r.Ref, "Only the requester or an approver can cancel"},
		{"the requester stops it", "ada", "cancel " + r.Ref, "You cancelled " + r.Ref + ". Nothing will be changed."},
		{"too late", "bea", "deny " + r.Ref, "This request was cancelled already.\n\nIt was decided by “Ada Okafor”."},
	} {
		if got := w.say(step.person, step.line); !strings.Contains(got.Plain(), step.want) {
			t.Errorf("%s: %q, want %q", step.name, got.Plain(), step.want)
		}
	}
	other := chat.Account{Platform: "other", User: "abe-2"}
	got := w.handle(chat.Event{Kind: chat.Press, From: other, Button: "approve", Value: r.Seal()})
	wantSaid(t, got, "cancelled already")
}

// O25: a person with two accounts has one vote.
func TestO25TwoAccounts(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, dsn string) {
		w := newWorldIn(t, dsn)
		r := w.ask()
		wantSaid(t, w.press("abe", "approve", r.Seal(), nil), "It needs one more person.")
		got := w.handle(chat.Event{Kind: chat.Press, From: chat.Account{Platform: "other", User: "abe-2"}, Button: "approve", Value: r.Seal()})
		wantSaid(t, got, "You have already approved this request.")
		if r = w.stored()[0]; r.State != approval.Pending {
			t.Errorf("the request is %s", r.State)
		}
	})
}

// TestAskTheRequester relays an approver's question, if there is one.
func TestAskTheRequester(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.ask()
	for _, row := range []struct{ name, person, question, want string }{
		{"empty", "abe", " \n", "Your question was empty, so it was not passed on."},
		{"hidden", "abe", "\u202eyhw", "What you wrote holds invisible"},
		{"staff", "sam", "May I?", "You may not decide this."},
		{"asked", "abe", "Has the board agreed?", "Your question about " + r.Ref + " was passed on."},
	} {
		if got := w.press(row.person, "ask", r.Seal(), map[string]string{"question": row.question}); !strings.Contains(got.Plain(), row.want) {
			t.Errorf("%s: %q, want %q", row.name, got.Plain(), row.want)
		}
	}
	due, err := w.store.Due(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	var relayed []string
	for _, row := range due {
		if row.Kind == approval.NoticeQuestion {
			relayed = append(relayed, string(row.Facts))
			if row.To != chat.Direct(account("ada")) {
				t.Errorf("the question goes to %+v", row.To)
			}
		}
	}
	if len(relayed) != 1 || !strings.Contains(relayed[0], "Has the board agreed?") {
		t.Errorf("relayed is %q, want the one question", relayed)
	}
}

func TestPressOfOldButtons(t *testing.T) {
	t.Parallel()
	w := newDryWorld(t)
	wantSaid(t, w.press("abe", "grant", "R-ABC234", nil), "This button is no longer in use.")
	wantSaid(t, w.press("abe", "topic", "an article of long ago", nil), "That article is no longer there.")
	wantSaid(t, w.press("nobody", "approve", "R-ABC234", nil), "so you cannot decide anything here.\n\nAsk an owner of this bot to link your chat account.")
}

// TestSorry holds that what is ours to mend is logged under a number that the
// person can quote, and that nothing of it is shown.
func TestSorry(t *testing.T) {
	t.Parallel()
	w := newDryWorld(t)
	w.digest.preview = func() (chat.Message, error) { return chat.Message{}, errors.New("secret: table week is gone") }
	got := w.say("vic", "digest preview")
	wantSaid(t, got, "That did not work, and nothing was recorded or changed.", "Please try again in a minute.")
	if strings.Contains(got.Plain(), "secret") {
		t.Errorf("the cause is shown: %s", got.Plain())
	}
	_, number, _ := strings.Cut(strings.TrimSuffix(got.Text, "."), "the number ")
	if logged := w.log.String(); len(number) != 8 || !strings.Contains(logged, number) || !strings.Contains(logged, "table week is gone") {
		t.Errorf("the number is %q, logged is %q", number, logged)
	}
}

// deafListener cannot be answered.
type deafListener struct{ err error }

func (d deafListener) Reply(context.Context, chat.Message) error { return d.err }
func (d deafListener) Say(context.Context, chat.Message) error   { return d.err }

// What could not be said is the caller's to log.
func TestHandleReturnsTheResponders(t *testing.T) {
	t.Parallel()
	w := newDryWorld(t)
	gone := errors.New("channel is gone")
	for _, e := range []chat.Event{
		{Kind: chat.Command, From: account("vic"), Text: "version"},
		{Kind: chat.Command, From: account("vic"), Channel: adminsChannel.Channel, Text: "status"},
		{Kind: chat.Command, From: account("vic"), Text: "frobnicate"},
	} {
		if err := w.mux.Handle(t.Context(), deafListener{gone}, e); !errors.Is(err, gone) {
			t.Errorf("%q: %v, want %v", e.Text, err, gone)
		}
	}
}

func TestTooLong(t *testing.T) {
	t.Parallel()
	w := newDryWorld(t)
	for _, kind := range []chat.EventKind{chat.Command, chat.Mention} {
		wantSaid(t, w.handle(chat.Event{Kind: kind, From: account("sam"), Text: strings.Repeat("ö", maxText+1)}), "That is too long for me: 1000 characters are the most I can read.")
		got := w.handle(chat.Event{Kind: kind, From: account("sam"), Text: "ask " + strings.Repeat("ö", maxText-4)})
		if strings.Contains(got.Plain(), "too long") {
			t.Errorf("1000 characters are too long: %s", got.Plain())
		}
	}
}

// away is a database that cannot be reached.
type away struct{ approval.Store }

func (away) Update(context.Context, func(approval.Tx) error) error { return errors.New("disk is full") }

func (away) View(context.Context, func(approval.Tx) error) error { return errors.New("disk is full") }

func (away) Alert(context.Context, string, string) (alert.Alert, bool, error) {
	return alert.Alert{}, false, errors.New("disk is full")
}

func (away) Acknowledge(context.Context, string, string, string) (alert.Alert, bool, error) {
	return alert.Alert{}, false, errors.New("disk is full")
}

// TestDatabaseAway holds that what cannot be stored or read is not said to be
// done, and that what needs no database goes on working.
func TestDatabaseAway(t *testing.T) {
	t.Parallel()
	w := newDryWorld(t)
	w.env.Requests, w.env.Alerts = away{}, away{}
	w.env.Engine = &approval.Engine{Store: away{}, Standing: w.env.People, Expiry: AroundTheClock(w.env.Zone).Expiry}
	w.assemble()
	for _, line := range []string{"requests", "approve R-ABC234", "deny R-ABC234", "cancel R-ABC234", "defaults enable we are ready"} {
		got := w.say("ada", line)
		if want := "That did not work, and nothing was recorded or changed."; got.Headline != want {
			t.Errorf("%q: %q, want %q", line, got.Headline, want)
		}
	}
	wantSaid(t, w.say("ada", "status"), "people in scope are registered")
	for kind, render := range Renderers(w.env) {
		if m, err := render(t.Context(), []byte(`{"request":"1"}`)); err == nil {
			t.Errorf("%s: %s, want an error", kind, m.Plain())
		}
	}
}
