package commands

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/graph"
	"twokey/graph/rollout"
)

// snapshot reads the world as the action does.
func (w *world) snapshot(t *testing.T) json.RawMessage {
	t.Helper()
	s, err := defaultsAction{w.env}.Snapshot(context.Background(), asked(turnOn))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func p1(f *fixture) {
	f.licence = graph.P1
	f.policies = []graph.Policy{{ID: "p-1", Name: "Block old mail", State: graph.PolicyDisabled}, {ID: "p-2", Name: "Pilot", State: graph.PolicyReportOnly}}
}

// TestG05Compare changes one thing after another between approval and
// execution: each that matters is named, and nothing else is.
func TestG05Compare(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(f *fixture)
		want   string // part of the one difference; empty: none
	}{
		"nothing":                 {func(*fixture) {}, ""},
		"a policy switched on":    {func(f *fixture) { f.policies[0].State = graph.PolicyEnabled }, "“Block old mail” was off and is on now"},
		"a policy to report-only": {func(f *fixture) { f.policies[0].State = graph.PolicyReportOnly }, "was off and is report-only now"},
		"a policy in a new state": {func(f *fixture) { f.policies[0].State = "paused" }, "not known (“paused”)"},
		"a new policy": {func(f *fixture) {
			f.policies = append(f.policies, graph.Policy{ID: "p-3", Name: "New", State: graph.PolicyDisabled})
		}, "“New” is new"},
		"a policy gone":            {func(f *fixture) { f.policies = f.policies[:1] }, "“Pilot” is gone"},
		"a policy renamed":         {func(f *fixture) { f.policies[0].Name = "Another name" }, ""},
		"an administrator renamed": {func(f *fixture) { f.edit("ada", func(u *graph.User) { u.Name = "Ada O." }) }, ""},
		"an administrator unable":  {func(f *fixture) { f.register("ada") }, "can no longer sign in"},
		"an administrator blocked": {func(f *fixture) { f.disable("ada") }, "can no longer sign in"},
		"a new administrator":      {func(f *fixture) { f.hold("sue", graph.RoleUserAdministrator) }, "has become an administrator"},
		"a highest role lost":      {func(f *fixture) { f.holders[0].Roles[0].TemplateID = graph.RoleReportsReader }, "does not hold one of the highest roles any more"},
		"a highest role given":     {func(f *fixture) { f.holders[1].Roles[0].TemplateID = graph.RolePrivilegedRoleAdmin }, "holds one of the highest roles now"},
		"an administrator less":    {func(f *fixture) { f.remove("ada") }, "no longer an administrator"},
		"an emergency account":     {func(f *fixture) { f.register("em1") }, "emergency"},
		"an approver unable":       {func(f *fixture) { f.register("bea") }, "Approvers or owners of this bot have no second factor that they can use: “Bea Fontaine”"},
		"already on":               {func(f *fixture) { f.enabled = true }, "nothing to change"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newDryWorld(t, p1)
			before := w.snapshot(t)
			c.change(w.fixture)
			got := defaultsAction{w.env}.Compare(before, w.snapshot(t), approval.Request{Kind: DefaultsKind, KindVersion: defaultsVersion, Args: json.RawMessage(`{"enable":true}`)}, nil)
			switch all := strings.Join(got, " "); {
			case c.want == "" && len(got) > 0:
				t.Errorf("differs: %q", got)
			case !strings.Contains(all, c.want):
				t.Errorf("got %q, want it to say %q", got, c.want)
			}
		})
	}
}

func TestG29CompareOfWhatIsNotUnderstood(t *testing.T) {
	t.Parallel()
	w := newDryWorld(t)
	good := w.snapshot(t)
	r := approval.Request{Kind: DefaultsKind, KindVersion: defaultsVersion, Args: json.RawMessage(`{"enable":true}`)}
	bad := r
	bad.Args = json.RawMessage(`[]`)
	for name, got := range map[string][]string{
		"snapshot then": defaultsAction{w.env}.Compare(json.RawMessage(`{`), good, r, nil),
		"snapshot now":  defaultsAction{w.env}.Compare(good, json.RawMessage(`7`), r, nil),
		"arguments":     defaultsAction{w.env}.Compare(good, good, bad, nil),
	} {
		if len(got) == 0 {
			t.Errorf("%s: not understood, and it may run", name)
		}
	}
}

// TestG29UnreadableTenant holds that what cannot be read is no permission.
func TestG29UnreadableTenant(t *testing.T) {
	t.Parallel()
	for _, source := range []string{"defaults", "policies", "holders", "methods", "user"} {
		w := newDryWorld(t, p1)
		w.fails[source] = errAway
		if s, err := (defaultsAction{w.env}).Snapshot(context.Background(), approval.Request{}); err == nil {
			t.Errorf("%s cannot be read, and the snapshot is %s", source, s)
		}
	}
	w := newDryWorld(t)
	w.unread[id("ada")] = errAway
	if s, err := (defaultsAction{w.env}).Snapshot(context.Background(), approval.Request{}); err == nil {
		t.Errorf("an administrator's methods cannot be read, and the snapshot is %s", s)
	}
}

func TestStepsSendWhatTheySay(t *testing.T) {
	t.Parallel()
	w := newDryWorld(t)
	calls, err := defaultsAction{w.env}.Steps(approval.Request{Kind: DefaultsKind, KindVersion: defaultsVersion, Args: json.RawMessage(`{"enable":true}`)})
	if err != nil || len(calls) != 1 {
		t.Fatalf("Steps = %v, %v", calls, err)
	}
	if got := string(calls[0].Body); got != `{"isEnabled":true}` || calls[0].Method != "PATCH" {
		t.Errorf("%s %s", calls[0].Method, got)
	}
	if a := calls[0].Send(context.Background(), "client-1"); a.Class != approval.Applied || a.RequestID != "graph-1" || !w.enabled {
		t.Errorf("Send = %+v, security defaults %t", a, w.enabled)
	}
	if _, err := (defaultsAction{w.env}).Steps(approval.Request{Args: json.RawMessage(`{`)}); err == nil {
		t.Error("arguments that cannot be read make steps")
	}
}

func TestClassify(t *testing.T) {
	t.Parallel()
	w := newDryWorld(t)
	for kind, want := range map[graph.Kind]approval.Answer{
		graph.KindUnclear:      {Class: approval.Unclear},
		graph.KindNotSent:      {Class: approval.NotSent, Again: true, Wait: time.Second},
		graph.KindThrottled:    {Class: approval.Refused, Again: true, Wait: 17 * time.Second},
		graph.KindNoPermission: {Class: approval.Refused},
		graph.KindNoLicence:    {Class: approval.Refused},
		graph.KindNotFound:     {Class: approval.Refused},
		graph.KindConflict:     {Class: approval.Refused},
		graph.KindRefused:      {Class: approval.Refused},
		graph.KindSignIn:       {Class: approval.Refused},
	} {
		got := classify(w.env, graph.Receipt{}, &graph.Error{Kind: kind, RequestID: "r", RetryAfter: w.now().Add(17 * time.Second), Message: "a\nb\u202e"})
		if got.Class != want.Class || got.Again != want.Again || got.Wait != want.Wait || got.RequestID != "r" {
			t.Errorf("%s: %+v, want %+v", kind, got, want)
		}
		if got.Facts == "" || strings.ContainsAny(got.Facts, "\n\u202e") {
			t.Errorf("%s: facts %q", kind, got.Facts)
		}
	}
	if got := classify(w.env, graph.Receipt{}, context.DeadlineExceeded); got.Class != approval.Unclear || got.Again {
		t.Errorf("an error that nobody knows: %+v", got)
	}
}

func TestProbe(t *testing.T) {
	t.Parallel()
	w := newDryWorld(t)
	r := approval.Request{Kind: DefaultsKind, KindVersion: defaultsVersion, Args: json.RawMessage(`{"enable":true}`)}
	for _, c := range []struct {
		on   bool
		err  error
		want approval.Class
	}{{true, nil, approval.Applied}, {false, nil, approval.NotDone}, {false, errAway, ""}} {
		w.enabled, w.fails["defaults"] = c.on, c.err
		found, err := defaultsAction{w.env}.Probe(context.Background(), r, nil, approval.Step{})
		if found.Class != c.want || (err != nil) != (c.err != nil) {
			t.Errorf("on %t, %v: %s, %v; want %s", c.on, c.err, found.Class, err, c.want)
		}
	}
}

// TestPreflightLevels judges one tenant after another.
func TestPreflightLevels(t *testing.T) {
	t.Parallel()
	everybody := func(f *fixture) { f.register("sam", graph.MethodAuthenticator) }
	for name, c := range map[string]struct {
		change func(f *fixture)
		level  level
		want   string
	}{
		"an ordinary town":         {func(*fixture) {}, amber, "registered"},
		"a policy on":              {func(f *fixture) { p1(f); f.policies[0].State = graph.PolicyEnabled }, red, "you do not need security defaults"},
		"no administrator able":    {func(f *fixture) { f.register("olga"); f.register("ada"); f.register("em1"); f.register("em2") }, red, "administrator"},
		"one administrator unable": {func(f *fixture) { f.register("ada") }, red, "Ada Okafor"},
		"an approver unable":       {func(f *fixture) { f.register("bea") }, red, "Bea Fontaine"},
		"no emergency able":        {func(f *fixture) { f.register("em1"); f.register("em2") }, red, "mergency"},
		"no emergency declared":    {func(f *fixture) { f.declared = map[string]rollout.Purpose{} }, amber, "No emergency access account is declared"},
		"legacy on free":           {everybody, amber, "cannot be seen"},
		"legacy on P1": {func(f *fixture) {
			p1(f)
			f.signIns = []graph.SignIn{{UserID: id("scan"), UPN: "scan@vale.example", Client: "IMAP4", At: start.Add(-time.Hour)}}
		}, amber, "scan@vale.example"},
		"people unread": {func(f *fixture) { f.fails["users"] = errAway }, amber, "is not known"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, c.change)
			got := w.say("ada", "preflight defaults")
			if !strings.Contains(got.Plain(), c.want) || !strings.Contains(got.Plain(), strings.Fields(c.level.String())[0]) {
				t.Errorf("want %s and %q:\n%s", c.level, c.want, got.Plain())
			}
			asked := w.say("ada", "defaults enable for the test")
			if refused := strings.Contains(asked.Plain(), "cannot be turned on now"); refused != (c.level == red) {
				t.Errorf("asking is refused: %t\n%s", refused, asked.Plain())
			}
			if n := len(w.stored()); (n == 0) != (c.level == red) {
				t.Errorf("%d requests are stored", n)
			}
		})
	}
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	madrid, err := time.LoadLocation("Europe/Madrid")
	if err != nil {
		t.Fatal(err)
	}
	office := Hours{chat.Hours{Days: []time.Weekday{1, 2, 3, 4, 5}, From: 9 * time.Hour, To: 17 * time.Hour, Zone: madrid}}
	at := func(s string) time.Time {
		parsed, err := time.ParseInLocation("2006-01-02 15:04", s, madrid)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	for name, c := range map[string]struct {
		hours       Hours
		asked, want string
	}{
		"a whole day":                 {office, "2026-11-23 09:00", "2026-11-23 17:00"},
		"over night":                  {office, "2026-11-23 13:00", "2026-11-24 13:00"},
		"before hours":                {office, "2026-11-23 06:00", "2026-11-23 17:00"},
		"friday, at most 48 hours":    {office, "2026-11-27 13:00", "2026-11-29 13:00"},
		"around the clock":            {AroundTheClock(madrid), "2026-11-28 22:00", "2026-11-29 06:00"},
		"the night of a clock change": {AroundTheClock(madrid), "2026-10-25 00:00", "2026-10-25 07:00"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := c.hours.Expiry(at(c.asked)); !got.Equal(at(c.want)) {
				t.Errorf("asked %s: ends %s, want %s", c.asked, got.In(madrid), c.want)
			}
		})
	}
}

// TestO28EndedRequests presses what is over: each time the end is named, and
// nothing changes.
func TestO28EndedRequests(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, dsn string) {
		w := newWorldIn(t, dsn)
		r := w.ask()
		wantSaid(t, w.press("abe", "deny", r.Seal(), nil), "denied")
		for _, button := range []string{"approve", "deny", "cancel"} {
			wantSaid(t, w.press("bea", button, r.Seal(), nil), "denied already")
		}
		w.advance(time.Minute) // requests are listed by the moment they were asked
		late := w.ask()
		w.advance(9 * time.Hour)
		wantSaid(t, w.press("abe", "approve", late.Seal(), nil), "expired")
		wantSaid(t, w.say("ada", "requests"), late.Ref, r.Ref, "expired", "denied")
		if got := w.say("sam", "requests"); strings.Contains(got.Plain(), r.Ref) {
			t.Errorf("sam sees what is not his:\n%s", got.Plain())
		}
		if w.enabled {
			t.Error("security defaults were turned on")
		}
	})
}
