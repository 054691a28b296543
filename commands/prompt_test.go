package commands

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/chat"
	"twokey/chat/phrases"
	"twokey/commands/approval"
	"twokey/graph"
)

// stored is a request as it stands at one moment, and who approved it.
type stored struct {
	name     string
	change   func(*approval.Request)
	approved []string
}

// states are all states in which a request can be shown.
var states = []stored{
	{"waits for two", func(*approval.Request) {}, nil},
	{"waits for one more", func(*approval.Request) {}, []string{"abe"}},
	{"approved", to(approval.Approved), both},
	{"approved, to be run at once", func(r *approval.Request) { to(approval.Approved)(r); r.Policy.Wait = 0 }, both},
	{"is running", to(approval.Executing), both},
	{"has to be looked up", ended(approval.Reconciling, approval.Outcome{Why: "Microsoft 365 gave no clear answer. The bot is looking up what happened."}), both},
	{"done", ended(approval.Succeeded, approval.Outcome{At: later15, Done: oneStep(approval.Applied)}), both},
	{"done, as was found by reading", ended(approval.Succeeded, approval.Outcome{At: later15, Why: "Confirmed by reading: security defaults are on.", Done: oneStep(approval.Applied)}), both},
	{"failed", ended(approval.Failed, approval.Outcome{At: later15, Why: "The bot's app registration lacks the permission Policy.ReadWrite.SecurityDefaults.", Done: oneStep(approval.Refused)}), both},
	{"partly done", ended(approval.Partial, approval.Outcome{At: later15, Done: append(oneStep(approval.Applied), approval.StepReport{Number: 2, What: "end all sessions", Class: approval.NotSent}, approval.StepReport{Number: 3, What: "tell them", Class: approval.Open})}), both},
	{"denied", ended(approval.Denied, approval.Outcome{By: person("bea"), Why: "not in the week of the audit", At: start}), []string{"abe"}},
	{"denied without a reason", ended(approval.Denied, approval.Outcome{By: person("bea"), At: start}), nil},
	{"expired", ended(approval.Expired, approval.Outcome{Why: "Nobody decided in time.", At: start}), nil},
	{"expired when approved", ended(approval.Expired, approval.Outcome{Why: "It was approved but could not be started in time.", At: start}), both},
	{"cancelled", ended(approval.Cancelled, approval.Outcome{By: person("ada"), At: start}), nil},
	{"stale", ended(approval.Stale, approval.Outcome{At: later15, Findings: []string{"The Conditional Access policy “Pilot” was report-only and is on now.", "“Sam Rivera” has become an administrator."}}), both},
	{"not known", ended(approval.Unknown, approval.Outcome{At: later15, Why: "Nobody can tell whether it happened: The result could not be read.", Done: oneStep(approval.Unclear)}), both},
}

var (
	both    = []string{"abe", "bea"}
	later15 = start.Add(15 * time.Minute)
)

func person(name string) approval.Principal {
	return approval.Principal{Tenant: tenantID, Object: id(name)}
}

func to(s approval.State) func(*approval.Request) {
	return func(r *approval.Request) { r.State, r.NotBefore, r.StartBy = s, later15, later15.Add(5*time.Minute) }
}

func ended(s approval.State, o approval.Outcome) func(*approval.Request) {
	return func(r *approval.Request) { to(s)(r); r.Outcome = o }
}

func oneStep(c approval.Class) []approval.StepReport {
	return []approval.StepReport{{Number: 1, What: "turn security defaults on", Class: c}}
}

// request is ada's request to turn security defaults on, number n of a test.
func (w *world) request(n int, change func(*approval.Request)) approval.Request {
	w.t.Helper()
	name := w.env.Organization.Name
	r := approval.Request{
		ID: fmt.Sprintf("%032x", n), Ref: fmt.Sprintf("R-AAAA%c%c", 'A'+n/26, 'A'+n%26), Key: fmt.Sprint("asked ", n),
		Tenant: tenantID, TenantName: name, Kind: DefaultsKind, KindVersion: defaultsVersion,
		Args: json.RawMessage(`{"enable":true}`), Targets: []approval.Target{{ID: tenantID, Name: name}}, Snapshot: json.RawMessage(`{}`),
		Words: enableWords(w.env, preflightReport{findings: []finding{
			{Level: amber, Text: "No emergency access account is declared."}, {Level: amber, Text: "6 of 8 people are registered (75 %)."}, {Level: green, Text: "All is well."},
		}}),
		Reason: "all have been trained", Requester: person("ada"),
		Policy:  approval.Policy{Name: "two", Quorum: 2, Wait: 15 * time.Minute, Version: 1},
		Created: start, Expires: start.Add(8 * time.Hour), State: approval.Pending, Version: 1,
	}
	change(&r)
	var err error
	if r.Digest, err = r.Sum(); err != nil {
		w.t.Fatal(err)
	}
	return r
}

// store keeps a request with the approvals of some people.
func (w *world) keep(r approval.Request, approved ...string) {
	w.t.Helper()
	err := w.store.Update(context.Background(), func(tx approval.Tx) error {
		if err := tx.Insert(r); err != nil {
			return err
		}
		for _, name := range approved {
			if err := tx.AddDecision(approval.Decision{Request: r.ID, By: person(name), Approve: true, Digest: r.Digest, At: start}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// render words a kind of message from its facts, as the outbox does.
func (w *world) render(kind string, facts map[string]string) chat.Message {
	w.t.Helper()
	m, err := Renderers(w.env)[kind](context.Background(), []byte(encode(facts)))
	if err != nil {
		w.t.Fatalf("render %s: %v", kind, err)
	}
	return m
}

// TestG22Messages shows each kind of message in each state.
func TestG22Messages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var all []approval.Request
	for i, s := range states {
		r := w.request(i, s.change)
		w.keep(r, s.approved...)
		all = append(all, r)
	}
	for _, kind := range []string{
		approval.NoticePrompt, approval.NoticeRequest, approval.NoticeOutcome, approval.NoticeQuestion, approval.NoticeConcern, approval.NoticeAlert,
	} {
		var text strings.Builder
		for i, s := range states {
			if kind == approval.NoticeOutcome && !all[i].State.Final() || kind == approval.NoticeQuestion && i > 0 {
				continue
			}
			m := w.render(kind, map[string]string{"request": all[i].ID, "by": id("bea"), "question": "Has the board agreed?", "why": "That was not me."})
			if m.Request != all[i].Ref {
				t.Errorf("%s, %s: about %q, want %q", kind, s.name, m.Request, all[i].Ref)
			}
			fmt.Fprintf(&text, "==== %s ====\n%s\n", s.name, whole(m))
		}
		golden(t, kind+".txt", text.String())
	}
}

// The buttons are those that can still do something, and carry the seal of
// what was shown.
func TestButtons(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i, s := range states {
		r := w.request(i, s.change)
		w.keep(r, s.approved...)
		want := map[string][]string{}
		switch r.State {
		case approval.Pending:
			want[approval.NoticePrompt], want[approval.NoticeRequest] = []string{"approve", "deny", "ask"}, []string{"cancel"}
			want[approval.NoticeReminder], want[approval.NoticeConcern] = want[approval.NoticePrompt], []string{"stop"}
		case approval.Approved:
			want[approval.NoticePrompt], want[approval.NoticeRequest] = []string{"cancel", "deny"}, []string{"cancel"}
			want[approval.NoticeConcern], want[approval.NoticeReady] = []string{"stop"}, []string{"collect"}
		case approval.Unknown:
			want[approval.NoticePrompt], want[approval.NoticeConcern] = []string{"resolve"}, []string{"stop"}
		case approval.Executing, approval.Reconciling, approval.Succeeded, approval.Partial:
			want[approval.NoticeConcern] = []string{"stop"}
		}
		if r.State == approval.Succeeded {
			want[approval.NoticeOutcome] = []string{"run"} // another request, see TestTurnBack
		}
		for _, kind := range []string{
			approval.NoticePrompt, approval.NoticeRequest, approval.NoticeOutcome, approval.NoticeConcern, approval.NoticeReady, approval.NoticeReminder,
		} {
			var got []string
			for _, b := range w.render(kind, map[string]string{"request": r.ID}).Buttons {
				got = append(got, b.ID)
				if b.ID != "run" && (b.Value != r.Seal() || !strings.HasPrefix(b.Value, r.Ref+".")) {
					t.Errorf("%s, %s: the button %s carries %q, want the seal %q", kind, s.name, b.ID, b.Value, r.Seal())
				}
			}
			if !slices.Equal(got, want[kind]) {
				t.Errorf("%s, %s: buttons %v, want %v", kind, s.name, got, want[kind])
			}
		}
	}
}

// TestFirstScreen holds that what an approver sees without the details is
// complete and stays short: the headline and six lines.
func TestFirstScreen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.request(0, func(*approval.Request) {})
	w.keep(r)
	m := w.render(approval.NoticePrompt, map[string]string{"request": r.ID})
	var labels []string
	for _, f := range m.Fields {
		labels = append(labels, f.Label)
	}
	if want := []string{"Asked by", "Why", "If it is wrong", "Whom to call", "Until", "Check first"}; !slices.Equal(labels, want) {
		t.Errorf("the first screen has %v, want %v", labels, want)
	}
	if strings.Contains(m.Notification(), "Harbour") {
		t.Errorf("the notification %q names the target", m.Notification())
	}
}

// G22: notification, card, prompt and outcome tell the same facts.
func TestG22SameFacts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.request(0, func(*approval.Request) {})
	w.keep(r)
	facts := []string{r.Ref, tenantID, "Harbour & Vale", DefaultsKind, r.Reason, r.Words.Now, r.Words.Then, r.Words.Radius, r.Words.Undo, "Mon 23 Nov 2026, 19:00 CET", r.Digest, "2 different approvers, never the requester; then 15 minutes in which any approver can stop it"}
	for _, kind := range []string{approval.NoticePrompt, approval.NoticeRequest} {
		plain := w.render(kind, map[string]string{"request": r.ID}).Plain()
		for _, fact := range facts {
			if !strings.Contains(plain, fact) {
				t.Errorf("%s does not say %q:\n%s", kind, fact, plain)
			}
		}
	}
}

// O39: a name that mixes scripts is shown with its ID and a warning.
func TestO39MixedScripts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.request(0, func(r *approval.Request) {
		r.Targets = []approval.Target{{ID: "id-1", Name: "Admin"}, {ID: "id-2", Name: "Αdmin"}}
	})
	w.keep(r)
	plain := w.render(approval.NoticePrompt, map[string]string{"request": r.ID}).Plain()
	for _, want := range []string{"Target: “Admin” (id-1)\n", "Target: “Αdmin” (id-2), mixed scripts: look at the ID\n"} {
		if !strings.Contains(plain, want) {
			t.Errorf("the prompt does not say %q:\n%s", want, plain)
		}
	}
}

func TestRenderFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for kind, render := range Renderers(w.env) {
		for name, facts := range map[string]string{"no JSON": "{", "no such request": `{"request":"nothing"}`, "nothing": `{}`} {
			if m, err := render(t.Context(), []byte(facts)); err == nil {
				t.Errorf("%s of %s: %s, want an error", kind, name, m.Plain())
			}
		}
	}
}

// A name that cannot be read does not hold a message up: the ID stands there.
func TestRenderWhileTenantAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(f *fixture) { f.fails["user"] = errAway })
	r := w.request(0, func(*approval.Request) {})
	w.keep(r, "abe")
	plain := w.render(approval.NoticePrompt, map[string]string{"request": r.ID}).Plain()
	for _, want := range []string{"Asked by: “id-ada”", "1 of 2. Approved by “id-abe”."} {
		if !strings.Contains(plain, want) {
			t.Errorf("the prompt does not say %q:\n%s", want, plain)
		}
	}
}

// TestG21HostileNames holds that nothing that the tenant's objects are called,
// or that people write, breaks out of its quotation marks: without what stands
// between them, a hostile message is word for word a harmless one.
func TestG21HostileNames(t *testing.T) {
	t.Parallel()
	for where, say := range map[string]func(w *world, s string) string{
		"policies": func(w *world, s string) string {
			p, q := []graph.Policy{{ID: "1", Name: s, State: "enabled"}}, []graph.Policy{{ID: "1", Name: s, State: graph.PolicyState(s)}}
			return lines(comparePolicies(nil, p)) + lines(comparePolicies(p, q)) + lines(comparePolicies(p, nil)) + findings(lockout(w.env, defaultsSnapshot{Policies: p}))
		},
		"accounts": func(w *world, s string) string {
			able, unable := []ableAccount{{ID: "1", Name: s, Able: true}}, []ableAccount{{ID: "1", Name: s}}
			some := append(unable, ableAccount{Able: true})
			return lines(compareAccounts("administrator", nil, able)) + lines(compareAccounts("administrator", able, unable)) + lines(compareAccounts("administrator", able, nil)) +
				findings(lockout(w.env, defaultsSnapshot{Admins: some, Emergency: some})) + findings(lockout(w.env, defaultsSnapshot{Emergency: unable}))
		},
		"what was typed": func(_ *world, s string) string { return shown(s) },
		"a method": func(_ *world, s string) string {
			return standing(phrases.Voice{}, []graph.Method{{Kind: graph.MethodPasskey, Label: s}}, start).Plain()
		},
		"the tenant's answer": func(w *world, s string) string {
			return classify(w.env, graph.Receipt{}, &graph.Error{Kind: graph.KindRefused, Message: s}).Facts
		},
		"a preflight": func(w *world, s string) string {
			w.callAll(s)
			w.licence = graph.P1
			w.register("bea")
			w.signIns = []graph.SignIn{{UserID: id("scan"), UPN: s, Client: "SMTP", At: start}}
			return w.say("ada", "preflight defaults").Plain()
		},
		"a request": hostileRequest,
	} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			harmless := unquoted(say(w, "Harmless"))
			if !strings.Contains(harmless, "“”") {
				t.Fatalf("nothing is quoted in %s", harmless)
			}
			for _, s := range hostile {
				got := say(w, s)
				if chat.Hidden(got) || strings.ContainsAny(got, "\u2028\u2029\u0085\r\t") {
					t.Errorf("%+q: something hidden is in\n%+q", s, got)
				}
				if unquoted(got) != harmless {
					t.Errorf("%+q breaks out:\n%s\nwant\n%s", s, unquoted(got), harmless)
				}
			}
		})
	}
}

// callAll gives everybody and everything one name.
func (w *world) callAll(s string) {
	for i := range w.users {
		w.users[i].Name = s
	}
}

// hostileRequest says s wherever a request holds words or names.
func hostileRequest(w *world, s string) string {
	w.callAll(s)
	w.env.Organization.Name = s
	var text strings.Builder
	for _, c := range []func(*approval.Request){
		func(*approval.Request) {},
		to(approval.Approved),
		ended(approval.Denied, approval.Outcome{By: person("bea"), Why: s}),
		ended(approval.Cancelled, approval.Outcome{By: person("bea"), Why: s}),
	} {
		r := w.request(int(w.events.Add(1)), func(r *approval.Request) { c(r); r.Reason = s })
		w.keep(r, "abe", "bea")
		for _, kind := range []string{approval.NoticePrompt, approval.NoticeRequest, approval.NoticeOutcome, approval.NoticeQuestion} {
			plain := w.render(kind, map[string]string{"request": r.ID, "by": id("abe"), "question": s}).Plain()
			text.WriteString(strings.NewReplacer(r.Digest, "", r.Ref, "").Replace(plain) + "\n")
		}
	}
	return text.String()
}

func lines(all []string) string { return strings.Join(all, "\n") + "\n" }

func findings(all []finding) string {
	var text []string
	for _, f := range all {
		text = append(text, f.Text)
	}
	return lines(text)
}

// unquoted empties every quotation.
func unquoted(s string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(s, "“")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		_, after, closed := strings.Cut(rest, "”")
		if !closed {
			return b.String() + "“…"
		}
		b.WriteString("“”")
		s = after
	}
}
