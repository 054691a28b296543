package commands

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/graph"
	"twokey/graph/rollout"
)

// remember stores weeks before this one, the last of them the week before: so
// many registered of so many people.
func (w *world) remember(of int, registered ...int) {
	w.t.Helper()
	for i, n := range registered {
		at := start.AddDate(0, 0, 7*(i-len(registered))).Add(-time.Hour)
		week := rollout.Week{Week: rollout.ISOWeek(at), AsOf: at, Road: rollout.MethodRoad, Sums: []rollout.Sum{
			{ID: rollout.InScope, Value: &of}, {ID: rollout.Registered, Value: &n, Of: of}, {ID: rollout.LegacySucceeded, Reason: rollout.NeedsP1},
		}}
		if err := w.store.KeepWeek(context.Background(), tenantID, week); err != nil {
			w.t.Fatal(err)
		}
	}
}

// grow puts people into a town whose first ones are registered.
func grow(people, registered int) func(*fixture) {
	return func(f *fixture) {
		for i := range people - 9 { // the town's own people in scope
			var kinds []graph.MethodKind
			if i < registered-8 { // of whom Sam is not registered
				kinds = []graph.MethodKind{graph.MethodAuthenticator}
			}
			f.add(fmt.Sprintf("p%d", i), fmt.Sprintf("Person %d", i), kinds...)
		}
	}
}

// setsGoal has ada set a goal and lets it be carried out.
func (o *office) setsGoal(words string) approval.Request {
	o.t.Helper()
	shown := o.say("ada", "goal "+words)
	if len(shown.Buttons) != 1 {
		o.t.Fatalf("the preview is\n%s", whole(shown.Message))
	}
	return o.ends(o.request(o.press("ada", "confirm", shown.Buttons[0].Value, nil).Request))
}

func TestTrendAndForecast(t *testing.T) {
	t.Parallel()
	w := newWorld(t, grow(200, 120))
	w.remember(200, 60, 70, 80, 90, 100, 110)
	w.set(t, goalArgs{98, "2027-03-31"})
	show := func(name, line string) said {
		got := w.say("vic", line)
		if got.Image == nil {
			t.Fatalf("%q draws nothing:\n%s", line, whole(got.Message))
		}
		golden(t, name, whole(got.Message))
		return got
	}
	show("trend.txt", "trend")
	show("forecast.txt", "forecast")
	show("forecast-asked.txt", "forecast --goal 75% --by 2026-12-31")
	if got := show("trend-three.txt", "trend 3"); len(got.Table.Rows) != 3 {
		t.Errorf("%d weeks are listed", len(got.Table.Rows))
	}
	for line, want := range map[string]string{
		"trend 0": "is not a number of weeks", "trend many": "is not a number of weeks", "trend 97": "is not a number of weeks",
		"forecast --goal 0%": "is not a share", "forecast --goal 101%": "is not a share", "forecast --by 2026-11-23": "is not ahead",
		"forecast --by 2040-01-01": "years away",
	} {
		wantSaid(t, w.say("vic", line), want)
	}
	wantSaid(t, w.say("sam", "trend"), "You may not use")
	in := w.handle(chat.Event{Kind: chat.Command, From: account("vic"), Channel: adminsChannel.Channel, Text: "trend"})
	if !in.aloud {
		t.Error("the trend is not said aloud among administrators")
	}
}

// set stores a goal as its action does.
func (w *world) set(t *testing.T, g goalArgs) {
	t.Helper()
	r := approval.Request{Tenant: tenantID, Kind: GoalKind, KindVersion: goalVersion, Args: []byte(encode(g))}
	err := w.store.Update(t.Context(), func(tx approval.Tx) error { return goalAction{w.env}.Apply(tx, r, w.now()) })
	if err != nil {
		t.Fatal(err)
	}
}

// TestForecastSaysWhyNot holds that what cannot be said is said, with its reason.
func TestForecastSaysWhyNot(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*fixture)
		weeks  []int
		line   string
		want   string
	}{
		"no goal":        {grow(200, 120), []int{60, 70, 80}, "forecast", "No goal is set"},
		"no weeks":       {grow(200, 120), nil, "forecast --goal 98%", "fewer than three weekly changes"},
		"no pace":        {grow(200, 120), []int{120, 120, 120, 120}, "forecast --goal 98%", "it is not reached"},
		"met":            {grow(200, 120), []int{60, 70, 80, 90}, "forecast --goal 50%", "The goal is met"},
		"scope changed":  {grow(300, 120), []int{60, 70, 80, 90}, "forecast --goal 98%", "more than a tenth more or fewer"},
		"nothing read":   {func(f *fixture) { f.fails["users"] = errAway }, []int{60, 70, 80, 90}, "forecast --goal 98%", "There is no forecast for 98 %: source failed"},
		"read otherwise": {func(f *fixture) { grow(200, 120)(f); p1(f) }, []int{60, 70, 80, 90}, "forecast --goal 98%", "in another way than before"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tt.change)
			w.remember(200, tt.weeks...)
			got := w.say("vic", tt.line)
			wantSaid(t, got, tt.want)
			if strings.Contains(got.Plain(), "falls between") {
				t.Errorf("there is a forecast:\n%s", got.Plain())
			}
		})
	}
}

// TestGoal sets a goal by its lead's own word, sees what is set, and ends it.
func TestGoal(t *testing.T) {
	t.Parallel()
	openEach(t, func(o *office) {
		wantSaid(t, o.say("ada", "goal"), "No goal is set.", "/mfa goal 98% by 2027-03-31")
		golden(t, "goal.txt", whole(o.say("ada", "goal 98% by 2027-03-31").Message))
		if r := o.setsGoal("98% by 2027-03-31"); r.State != approval.Succeeded || r.Policy.Name != policyConfirm {
			o.t.Fatalf("%s by %q: %+v", r.State, r.Policy.Name, r.Outcome)
		}
		tenant := o.env.Organization.ID
		got, err := Goal(o.t.Context(), o.store, tenant, o.env.Zone)
		if want := (rollout.Goal{Percent: 98, By: time.Date(2027, 3, 31, 0, 0, 0, 0, o.env.Zone)}); err != nil || !got.By.Equal(want.By) || got.Percent != want.Percent {
			o.t.Errorf("Goal = %+v, %v, want %+v", got, err, want)
		}
		wantSaid(t, o.say("ada", "goal"), "The goal is 98 % of the people in scope registered by 31 March 2027.", "“/mfa goal off” ends it")
		wantSaid(t, o.say("ada", "goal 98% by 31 March 2027"), "That is the goal already.")
		shown := o.say("ada", "goal 95%")
		if r := o.setsGoal("99.5% by 1 June 2027"); r.State != approval.Succeeded {
			o.t.Errorf("%s: %+v", r.State, r.Outcome)
		}
		wantSaid(t, o.press("ada", "confirm", shown.Buttons[0].Value, nil), "Something has changed since this was shown to you", "99.5 % of the people in scope registered by 1 June 2027")
		if r := o.setsGoal("off"); r.State != approval.Succeeded {
			o.t.Errorf("%s: %+v", r.State, r.Outcome)
		}
		if got, err := Goal(o.t.Context(), o.store, tenant, o.env.Zone); err != nil || got != (rollout.Goal{}) {
			o.t.Errorf("Goal = %+v, %v after it was ended", got, err)
		}
		if len(o.effects()) != 0 {
			o.t.Errorf("the tenant was written to: %+v", o.effects())
		}
		for line, want := range map[string]string{
			"goal lots":                  "is not a share",
			"goal 0.5%":                  "is not a share",
			"goal 98% by":                "By when?",
			"goal 98% by 2026-11-23":     "is not ahead",
			"goal 98% by 2036-01-01":     "more than 5 years away",
			"goal 98% by whenever":       "as a date",
			"goal 98% until 2027-03-31":  "begins with “by”",
			"goal off":                   "There is nothing to end.",
			"goal 98% by 2027-02-30 now": "as a date",
		} {
			wantSaid(t, o.say("ada", line), want)
		}
		wantSaid(t, o.say("abe", "goal 98%"), "You may not use")
	})
}

// TestGoalMeanwhile holds that a goal which somebody else has set meanwhile is
// not overwritten, and one that is not understood not set.
func TestGoalMeanwhile(t *testing.T) {
	t.Parallel()
	args := []byte(encode(goalArgs{98, ""}))
	for name, tt := range map[string]struct {
		was, now string
		r        approval.Request
		want     []string
	}{
		"the same":        {`{"percent":0}`, `{"percent":0}`, approval.Request{KindVersion: 1, Args: args}, nil},
		"another":         {`{"percent":0}`, `{"percent":90}`, approval.Request{KindVersion: 1, Args: args}, []string{"The goal was set anew in the meantime."}},
		"another version": {`{"percent":0}`, `{"percent":0}`, approval.Request{KindVersion: 2, Args: args}, []string{notUnderstood}},
		"damaged":         {`{"percent":`, `{"percent":0}`, approval.Request{KindVersion: 1, Args: args}, []string{notUnderstood}},
	} {
		if got := (goalAction{}).Compare([]byte(tt.was), []byte(tt.now), tt.r, nil); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
	if _, err := (goalAction{}).Probe(t.Context(), approval.Request{}, nil, approval.Step{}); err == nil {
		t.Error("a step that there is not was found")
	}
}

// TestDeadlines lists the dated changes with whom they hit.
func TestDeadlines(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*fixture){
		"free": func(*fixture) {},
		"p1": func(f *fixture) {
			p1(f)
			f.signIns = []graph.SignIn{{UserID: id("scan"), UPN: "scan@vale.example", Client: "Authenticated SMTP", At: start}}
		},
		"unread": func(f *fixture) { f.fails["users"] = errors.New("away") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden(t, "deadlines-"+name+".txt", whole(newDryWorld(t, change).say("vic", "deadlines").Message))
		})
	}
	w := newDryWorld(t)
	m := deadlinesMessage(w.env, nil, rollout.Facts{AsOf: start})
	if m.Table != nil || !strings.HasPrefix(m.Headline, "No dated change") {
		t.Errorf("nothing is due: %+v", m)
	}
}
