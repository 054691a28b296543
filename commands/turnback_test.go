package commands

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/graph"
	"twokey/graph/rollout"
)

// offered returns the line that the outcome of a request offers, "" if none.
func (o *office) offered(r approval.Request) string {
	o.t.Helper()
	all, _ := o.notices(approval.NoticeOutcome)
	for _, m := range all {
		if strings.Contains(m.Headline, r.Ref) && len(m.Buttons) > 0 {
			return m.Buttons[0].Value
		}
	}
	return ""
}

// takes has somebody press what an outcome offers, give a reason where one is
// asked for, and confirm.
func (o *office) takes(person, line string) approval.Request {
	o.t.Helper()
	got := o.press(person, "run", line, nil)
	for range 3 {
		if got.Request != "" {
			break
		}
		if len(got.Buttons) != 1 || got.Buttons[0].ID != "confirm" {
			o.t.Fatalf("%q is answered with\n%s", line, got.Plain())
		}
		got = o.press(person, "confirm", got.Buttons[0].Value, map[string]string{"reason": "it was wrong"})
	}
	return o.request(got.Request)
}

// TestU12TurnBack carries out each change that can be turned back, and then the
// request that its outcome offers: the tenant is as it was.
func TestU12TurnBack(t *testing.T) {
	t.Parallel()
	sue := func(o *office) graph.User {
		u, err := o.client.User(o.t.Context(), cast("sue"))
		if err != nil {
			o.t.Fatal(err)
		}
		return u
	}
	declared := func(o *office) any {
		all, err := o.store.Declared(o.t.Context(), o.env.Organization.ID)
		if err != nil {
			o.t.Fatal(err)
		}
		return rollout.NewScope(all)
	}
	for name, c := range map[string]struct {
		offers string
		is     func(o *office) any // what is changed and put back
	}{
		"legacy-block enforce": {"legacy-block report-only", func(o *office) any {
			all, err := o.client.Policies(o.t.Context())
			if err != nil {
				o.t.Fatal(err)
			}
			return all
		}},
		"block":   {"unblock " + cast("sue"), func(o *office) any { return sue(o) }},
		"unblock": {"block " + cast("sue"), func(o *office) any { return sue(o) }},
		"phone":   {"method remove " + cast("sue") + " " + graph.PhoneID(graph.PhoneMobile), func(o *office) any { return o.methodsNow("sue") }},
		"campaign": {"campaign set managed --days 1", func(o *office) any {
			p, err := o.client.MethodsPolicy(o.t.Context())
			if err != nil {
				o.t.Fatal(err)
			}
			return p.Campaign.Spelled()
		}},
		"goal": {"goal off", func(o *office) any {
			g, err := storedGoal(o.t.Context(), o.env.Requests, o.env.Organization.ID)
			if err != nil {
				o.t.Fatal(err)
			}
			return g
		}},
		"scope":         {"scope set " + cast("sue") + " person", declared},
		"exception add": {"exception end " + cast("sue"), declared},
		"exception end": {"exception add " + cast("sue") + " --until 2026-12-23", declared},
	} {
		a := actionNamed(name)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			openEach(t, func(o *office) {
				fit := a
				fit.fit = nothing
				a.fit(o)
				before := encode(c.is(o))
				r := fit.begins(o)
				if r = a.runs(o, r); r.State != approval.Succeeded {
					t.Fatalf("it is %s: %+v", r.State, r.Outcome)
				}
				changed := encode(c.is(o))
				if changed == before {
					t.Fatal("nothing was changed")
				}
				line := o.offered(r)
				if line != c.offers {
					t.Fatalf("offered is %q, want %q", line, c.offers)
				}
				back := o.takes(a.by, line)
				o.agrees(back)
				if back = o.ends(back); back.State != approval.Succeeded {
					t.Fatalf("it is %s: %+v", back.State, back.Outcome)
				}
				if name == "exception end" { // its end had a time of day
					return
				}
				if is := encode(c.is(o)); is != before {
					t.Errorf("it is\n%s\nand was\n%s", is, before)
				}
			}, a.change)
		})
	}
}

// TestU12GoalsTurnedBack offers the goal that was before, as it is typed.
func TestU12GoalsTurnedBack(t *testing.T) {
	t.Parallel()
	for before, want := range map[string]string{
		`{"percent":0}`:                      "goal off",
		`{"percent":90}`:                     "goal 90%",
		`{"percent":97.5,"by":"2027-03-31"}`: "goal 97.5% by 2027-03-31",
		`{"percent":98,"by":"2027-03-31","`:  "",
	} {
		if got := turnBack(Env{}, approval.Request{Kind: GoalKind, Snapshot: []byte(before)}); got != want {
			t.Errorf("%s gives %q, want %q", before, got, want)
		}
	}
}

// TestNotTurnedBack holds that nothing is offered where nothing can be put back.
func TestNotTurnedBack(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"legacy-block report-only", "revoke", "method", "tap"} {
		a := actionNamed(name)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			open(t, func(o *office) {
				r := a.begins(o)
				if r = a.runs(o, r); r.State != approval.Succeeded {
					t.Fatalf("it is %s: %+v", r.State, r.Outcome)
				}
				if line := o.offered(r); line != "" {
					t.Errorf("offered is %q", line)
				}
			}, a.change)
		})
	}
}

// TestRestOfAReset refuses one of several deletions: the rest is offered as a
// request of its own, which asks for that alone.
func TestRestOfAReset(t *testing.T) {
	t.Parallel()
	openEach(t, func(o *office) {
		a := actionNamed("reset")
		o.fault(`[{"method":"DELETE","path":"/users/` + cast("sue") + `/authentication/phoneMethods/*","times":1,"status":403}]`)
		r := a.runs(o, a.begins(o))
		if r.State != approval.Partial {
			t.Fatalf("it is %s: %+v", r.State, r.Outcome)
		}
		line := o.offered(r)
		if line != "reset "+cast("sue") {
			t.Fatalf("offered is %q", line)
		}
		rest := o.takes("ada", line)
		if !strings.Contains(rest.Words.Then, "Gone: phone") || strings.Contains(rest.Words.Then, "Gone: Microsoft Authenticator") {
			t.Errorf("the rest is %q", rest.Words.Then)
		}
		o.agrees(rest)
		if rest = o.ends(rest); rest.State != approval.Succeeded {
			t.Errorf("it is %s: %+v", rest.State, rest.Outcome)
		}
	})
}

// TestExceptions holds that an exception counts in the funnel, is listed with who
// answers for it, is reminded of once, and ends by itself.
func TestExceptions(t *testing.T) {
	t.Parallel()
	openEach(t, func(o *office) {
		o.known()
		people := func() float64 {
			n, _ := rollout.NewFunnel(o.env.Facts(context.Background()), o.env.Scope).Get(rollout.InScope).Value()
			return n
		}
		all := people()
		a := actionNamed("exception add")
		a.line = "exception add sam --until 2026-12-07 waits for a key"
		if r := a.runs(o, a.begins(o)); r.State != approval.Succeeded {
			t.Fatalf("it is %s: %+v", r.State, r.Outcome)
		}
		if n := people(); n != all-1 {
			t.Errorf("%v people are in scope, and were %v", n, all)
		}
		wantSaid(t, o.say("vic", "exceptions"), "1 exception", "Sam Rivera", "excepted", "Monday 7 December 2026", "waits for a key", "Ada Okafor")
		wantSaid(t, o.say("ada", "user sam"), "excepted until Monday 7 December 2026")
		if got := o.say("vic", "who missing"); strings.Contains(got.Plain(), "Sam Rivera") {
			t.Errorf("he is still listed:\n%s", got.Plain())
		}
		wantSaid(t, o.say("ada", "exception renew sam --until 2027-05-30 the key is late"), "more than 180 days away")
		remind := RemindExceptions(o.env)
		reminded := func() (n int) {
			if err := remind(o.t.Context()); err != nil {
				t.Fatal(err)
			}
			announced, to := o.notices(approval.NoticeAnnouncement)
			for i, m := range announced {
				if strings.Contains(m.Headline, "The exception of “Sam Rivera") {
					n++
					if to[i] != chat.Direct(account("ada")) || strings.Contains(m.Footer, "Every approver") {
						t.Errorf("told is %v, and that %q", to[i], m.Footer)
					}
				}
			}
			return n
		}
		if n := reminded(); n != 0 {
			t.Errorf("reminded %d times two weeks before", n)
		}
		o.advance(8 * 24 * time.Hour)
		for range 2 {
			if n := reminded(); n != 1 {
				t.Errorf("reminded %d times", n)
			}
			o.advance(2 * time.Hour)
		}
		o.advance(7 * 24 * time.Hour)
		if n := people(); n != all {
			t.Errorf("%v people are in scope after its end, want %v", n, all)
		}
		wantSaid(t, o.say("vic", "exceptions"), "There are no exceptions")
	})
}

// TestU15SuggestedInTheChat declares what is suggested by its button.
func TestU15SuggestedInTheChat(t *testing.T) {
	t.Parallel()
	openEach(t, func(o *office) {
		o.known()
		got := o.say("ada", "scope suggest")
		wantSaid(t, got, "Scanner 2nd Floor", "named like a thing or a place")
		n := len(got.Table.Rows)
		i := slices.IndexFunc(got.Buttons, func(b chat.Button) bool { return strings.HasPrefix(b.Label, "Scanner 2nd Floor") })
		r := o.takes("ada", got.Buttons[i].Value)
		if r = o.ends(r); r.State != approval.Succeeded {
			t.Fatalf("it is %s: %+v", r.State, r.Outcome)
		}
		again := o.say("ada", "scope suggest")
		if len(again.Table.Rows) != n-1 || strings.Contains(again.Plain(), "Scanner 2nd Floor") {
			t.Errorf("suggested is still\n%s", again.Plain())
		}
		wantSaid(t, o.say("ada", "preflight defaults"), "Service, shared and room accounts: “Scanner 2nd Floor”")
	})
}

// TestPhone refuses what is no number and what comes too late, and keeps the
// number out of what is shown and out of the record.
func TestPhone(t *testing.T) {
	t.Parallel()
	openEach(t, func(o *office) {
		for line, want := range map[string]string{
			"phone add sue 600000000 because":                         "That is not a telephone number",
			`phone add sue "+34 600000000" --type alternate because`:  "has no mobile phone yet",
			`phone add sue "+34 600000000" --type pager because`:      "is not something “--type” knows",
			`phone add sue "+34 600000000 Approved by: CISO" because`: "That is not a telephone number",
			"phone add sue": "needs the number between quotation marks",
		} {
			wantRefused(o, "ada", line, want)
		}
		a := actionNamed("phone")
		r := a.runs(o, a.begins(o))
		if r.State != approval.Succeeded {
			t.Fatalf("it is %s: %+v", r.State, r.Outcome)
		}
		if last := o.effects()[len(o.effects())-1]; !strings.Contains(string(last.Body), `"+34 600000000"`) {
			t.Errorf("sent was %s", last.Body)
		}
		for _, kind := range []string{approval.NoticePrompt, approval.NoticeRequest, approval.NoticeOutcome, approval.NoticeConcern} {
			all, _ := o.notices(kind)
			for _, m := range all {
				if strings.Contains(whole(m), "600000000") {
					t.Errorf("the number is shown:\n%s", whole(m))
				}
			}
		}
		for record, err := range o.store.Audit(o.t.Context()) {
			if err != nil || strings.Contains(record.Facts, "600000000") {
				t.Errorf("the number stands in the record: %s, %v", record.Facts, err)
			}
		}
	})
	open(t, func(o *office) {
		o.advance(39 * 24 * time.Hour) // to the first of January
		wantRefused(o, "ada", `phone add sue "+34 600000000" because`, "Phones are not added any more")
	})
}
