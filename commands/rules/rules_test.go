package rules_test

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"twokey/commands/rules"
)

// full returns rules that say something of everything.
func full() rules.Rules {
	return rules.Rules{
		Tenant: "t-1",
		Roles: map[string][]rules.Holder{
			"owner": {{User: "olga"}}, "approver": {{User: "abe"}, {User: "bea"}, {Group: "board"}},
		},
		Links:     map[string]string{"slack/T1/U1": "abe", "discord/G1/1": "abe", "slack/T1/U2": "bea"},
		Backups:   []string{"bea"},
		Protected: []string{"emergency-1", "emergency-2", "app"},
		Emergency: []string{"emergency-1", "emergency-2"},
		Changes:   []string{"tap", "defaults"},
		Approvals: map[string]rules.Approval{"tap": {Policy: "two", Wait: 20 * time.Minute, Approvers: []string{"abe", "bea"}}},
		Wait:      15 * time.Minute, Many: 10, PerRequest: 50, PerHour: 100,
		MinAdmins: 2, MinEmergency: 2, StepUp: "mfa", Personal: []string{"discord"},
		HeadTo: []string{"file:/heads"}, Contact: "Ada, 42", SecurityContact: "sec@example.com",
		Addresses: map[string]string{"slack.api_url": "https://slack.example"},
	}
}

// day is a moment of change, and soon and later are within and after the wait.
var (
	day   = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	soon  = day.Add(rules.Late - time.Microsecond)
	later = day.Add(rules.Late)
)

// TestU09Differences holds for each kind of difference that it is named, that
// it is known for weaker or not, and that it holds at once or late.
func TestU09Differences(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(r *rules.Rules)
		what   string
		was    string
		is     string
		weaker bool
	}{
		"another tenant":           {func(r *rules.Rules) { r.Tenant = "t-2" }, "tenant", "t-1", "t-2", true},
		"a role for a person":      {func(r *rules.Rules) { add(r, "owner", rules.Holder{User: "eve"}) }, "role owner", "", "eve", true},
		"a role for a group":       {func(r *rules.Rules) { add(r, "lead", rules.Holder{Group: "all"}) }, "role lead", "", "group all", true},
		"a role taken":             {func(r *rules.Rules) { r.Roles["approver"] = r.Roles["approver"][1:] }, "role approver", "abe", "", false},
		"the last of a role taken": {func(r *rules.Rules) { delete(r.Roles, "owner") }, "role owner", "olga", "", false},
		"a link":                   {func(r *rules.Rules) { r.Links["slack/T1/U9"] = "abe" }, "link slack/T1/U9", "", "abe", true},
		"a link taken":             {func(r *rules.Rules) { delete(r.Links, "slack/T1/U1") }, "link slack/T1/U1", "abe", "", false},
		"a backup":                 {func(r *rules.Rules) { r.Backups = append(r.Backups, "abe") }, "backup approvers", "", "abe", false},
		"a backup taken":           {func(r *rules.Rules) { r.Backups = nil }, "backup approvers", "bea", "", false},
		"protected":                {func(r *rules.Rules) { r.Protected = append(r.Protected, "olga") }, "protected accounts", "", "olga", false},
		"no longer protected":      {func(r *rules.Rules) { r.Protected = r.Protected[:2] }, "protected accounts", "app", "", true},
		"an emergency account":     {func(r *rules.Rules) { r.Emergency = append(r.Emergency, "eve") }, "emergency accounts", "", "eve", true},
		"none any more":            {func(r *rules.Rules) { r.Emergency = r.Emergency[:1] }, "emergency accounts", "emergency-2", "", true},
		"a kind switched on":       {func(r *rules.Rules) { r.Changes = append(r.Changes, "reset") }, "changes switched on", "", "reset", true},
		"a kind switched off":      {func(r *rules.Rules) { r.Changes = r.Changes[:1] }, "changes switched on", "defaults", "", false},
		"one for two":              {approval(func(a *rules.Approval) { a.Policy = "one" }), "approval of tap: policy", "two", "one", true},
		"built-in for two":         {approval(func(a *rules.Approval) { a.Policy = "" }), "approval of tap: policy", "two", "built-in", true},
		"unheard-of for two":       {approval(func(a *rules.Approval) { a.Policy = "none" }), "approval of tap: policy", "two", "none", true},
		"a shorter wait":           {approval(func(a *rules.Approval) { a.Wait = time.Minute }), "approval of tap: wait", "20m0s", "1m0s", true},
		"a shorter, built-in wait": {approval(func(a *rules.Approval) { a.Wait = 0 }), "approval of tap: wait", "20m0s", "built-in", true},
		"a longer wait":            {approval(func(a *rules.Approval) { a.Wait = time.Hour }), "approval of tap: wait", "20m0s", "1h0m0s", false},
		"fewer may decide":         {approval(func(a *rules.Approval) { a.Approvers = []string{"bea"} }), "approval of tap: approvers", "abe, bea", "bea", false},
		"another may decide":       {approval(func(a *rules.Approval) { a.Approvers = []string{"bea", "cat"} }), "approval of tap: approvers", "abe, bea", "bea, cat", true},
		"everybody may decide":     {approval(func(a *rules.Approval) { a.Approvers = nil }), "approval of tap: approvers", "abe, bea", "", true},
		"two for another kind":     {other(rules.Approval{Policy: "two"}), "approval of reset: policy", "built-in", "two", false},
		"one for another kind":     {other(rules.Approval{Policy: "one"}), "approval of reset: policy", "built-in", "one", true},
		"a wait for another kind":  {other(rules.Approval{Wait: 16 * time.Minute}), "approval of reset: wait", "built-in", "16m0s", false},
		"less than it may be":      {other(rules.Approval{Wait: 14 * time.Minute}), "approval of reset: wait", "built-in", "14m0s", true},
		"a longer wait of two":     {func(r *rules.Rules) { r.Wait *= 2 }, "wait of two", "15m0s", "30m0s", false},
		"no wait of two":           {func(r *rules.Rules) { r.Wait = 0 }, "wait of two", "15m0s", "0s", true},
		"a shorter wait of two":    {func(r *rules.Rules) { r.Wait /= 3 }, "wait of two", "15m0s", "5m0s", true},
		"many is more":             {func(r *rules.Rules) { r.Many++ }, "targets from which two must approve", "10", "11", true},
		"many is less":             {func(r *rules.Rules) { r.Many-- }, "targets from which two must approve", "10", "9", false},
		"more a request":           {func(r *rules.Rules) { r.PerRequest++ }, "most targets of a request", "50", "51", true},
		"less a request":           {func(r *rules.Rules) { r.PerRequest-- }, "most targets of a request", "50", "49", false},
		"more an hour":             {func(r *rules.Rules) { r.PerHour++ }, "most targets in an hour", "100", "101", true},
		"less an hour":             {func(r *rules.Rules) { r.PerHour-- }, "most targets in an hour", "100", "99", false},
		"solo":                     {func(r *rules.Rules) { r.Solo = true }, "solo", "off", "on", true},
		"no step-up":               {func(r *rules.Rules) { r.AcceptNoStepUp = true }, "accept no step-up", "off", "on", true},
		"a password is enough":     {func(r *rules.Rules) { r.StepUp = "password" }, "what a fresh proof must be at least", "mfa", "password", true},
		"a passkey is needed":      {func(r *rules.Rules) { r.StepUp = "passkey" }, "what a fresh proof must be at least", "mfa", "passkey", false},
		"more personal accounts":   {func(r *rules.Rules) { r.Personal = append(r.Personal, "other") }, "platforms of personal accounts", "", "other", false},
		"no personal accounts":     {func(r *rules.Rules) { r.Personal = nil }, "platforms of personal accounts", "discord", "", true},
		"the fallback":             {func(r *rules.Rules) { r.Fallback = true }, "fallback", "off", "on", true},
		"managers":                 {func(r *rules.Rules) { r.ManagerApproves = true }, "managers approve", "off", "on", true},
		"accept lock-out":          {func(r *rules.Rules) { r.AcceptLockout = true }, "accept lock-out", "off", "on", true},
		"administrators by two":    {func(r *rules.Rules) { r.AdminsTwo = true }, "methods of the highest administrators", "off", "on", true},
		"fewer administrators":     {func(r *rules.Rules) { r.MinAdmins = 1 }, "administrators that must remain", "2", "1", true},
		"more administrators":      {func(r *rules.Rules) { r.MinAdmins = 3 }, "administrators that must remain", "2", "3", false},
		"fewer emergency accounts": {func(r *rules.Rules) { r.MinEmergency = 1 }, "emergency accounts that must remain", "2", "1", true},
		"more emergency accounts":  {func(r *rules.Rules) { r.MinEmergency = 3 }, "emergency accounts that must remain", "2", "3", false},
		"another place for heads":  {func(r *rules.Rules) { r.HeadTo = append(r.HeadTo, "mail:a@b") }, "audit heads go to", "", "mail:a@b", false},
		"no place for heads":       {func(r *rules.Rules) { r.HeadTo = nil }, "audit heads go to", "file:/heads", "", true},
		"another contact":          {func(r *rules.Rules) { r.Contact = "Eve, 13" }, "contact", "Ada, 42", "Eve, 13", true},
		"nobody to alert":          {func(r *rules.Rules) { r.SecurityContact = "" }, "security contact", "sec@example.com", "", true},
		"another address":          {func(r *rules.Rules) { r.Addresses["slack.api_url"] = "https://evil" }, "address slack.api_url", "https://slack.example", "https://evil", true},
		"a new address":            {func(r *rules.Rules) { r.Addresses["graph"] = "https://evil" }, "address graph", "", "https://evil", true},
		"an address taken":         {func(r *rules.Rules) { r.Addresses = nil }, "address slack.api_url", "https://slack.example", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			was, is := full(), full()
			c.change(&is)
			atOnce := c.weaker && (strings.HasPrefix(c.what, "address ") || c.what == "audit heads go to")
			want := []rules.Difference{{What: c.what, Was: c.was, Is: c.is, Weaker: c.weaker, AtOnce: atOnce, Of: subject(c.what, c.was+c.is)}}
			if got := rules.Compare(was, is); !slices.Equal(got, want) {
				t.Fatalf("Compare = %+v\nwant %+v", got, want)
			}
			meanwhile := is
			if c.weaker && !atOnce {
				meanwhile = was
			}
			if got := rules.Effective(was, is, day, soon); got.Hash() != meanwhile.Hash() {
				t.Errorf("a day less a moment after: %+v\nwant %+v", got, meanwhile)
			}
			if got := rules.Effective(was, is, day, later); got.Hash() != is.Hash() {
				t.Errorf("a day after: %+v\nwant %+v", got, is)
			}
		})
	}
}

// eitherWay reports whether no change of a thing can be told to be safe, so that
// of three versions none is as strict as the others.
func eitherWay(what string) bool {
	return what == "emergency accounts" || strings.Contains(what, "contact") || strings.HasPrefix(what, "approval of ")
}

// subject says what a difference is about.
func subject(what, values string) rules.Subject {
	for prefix, of := range map[string]rules.Subject{
		"role ": rules.People, "link ": rules.People, "backup": rules.People, "protected": rules.People, "emergency accounts": rules.People,
		"approval of tap: approvers": rules.People, "audit heads": rules.Words, "contact": rules.Words, "security": rules.Words,
	} {
		if strings.HasPrefix(what, prefix) && !strings.HasPrefix(values, "group ") && !strings.Contains(what, "remain") {
			return of
		}
	}
	return rules.Setting
}

func add(r *rules.Rules, role string, h rules.Holder) { r.Roles[role] = append(r.Roles[role], h) }

func approval(change func(*rules.Approval)) func(*rules.Rules) {
	return func(r *rules.Rules) {
		a := r.Approvals["tap"]
		change(&a)
		r.Approvals["tap"] = a
	}
}

func other(a rules.Approval) func(*rules.Rules) {
	return func(r *rules.Rules) { r.Approvals["reset"] = a }
}

// A contact where there was none is better than none.
func TestU09FirstContact(t *testing.T) {
	t.Parallel()
	was, is := full(), full()
	was.SecurityContact = ""
	if got := rules.Effective(was, is, day, day); got.SecurityContact != is.SecurityContact {
		t.Errorf("the first security contact waits: %+v", rules.Compare(was, is))
	}
}

// TestU09PageTakenOut holds that to take the page out is weaker where going
// without a proof is accepted, and that a proof is asked for until a day later.
func TestU09PageTakenOut(t *testing.T) {
	t.Parallel()
	was, is := full(), full()
	was.AcceptNoStepUp, is.AcceptNoStepUp = true, true
	was.Addresses = map[string]string{"web.public_url": "https://mfa.example", "web.sign_in": "app", "mail_from": "mfa@example"}
	for key := range was.Addresses {
		is.Addresses = maps.Clone(was.Addresses)
		delete(is.Addresses, key)
		page := key != "mail_from"
		for _, d := range rules.Compare(was, is) {
			if d.Weaker != page {
				t.Errorf("without %s: %+v", key, d)
			}
		}
		if got := rules.Effective(was, is, day, soon); got.AcceptNoStepUp == page || got.Addresses[key] != "" {
			t.Errorf("without %s, a day less a moment after: %+v", key, got)
		}
		if got := rules.Effective(was, is, day, later); !got.AcceptNoStepUp {
			t.Errorf("without %s, a day after: %+v", key, got)
		}
	}
}

// TestU09ReplacedLink holds that an account which is given to somebody else is
// nobody's for a day: no longer the one's, not yet the other's.
func TestU09ReplacedLink(t *testing.T) {
	t.Parallel()
	was, is := full(), full()
	is.Links["slack/T1/U1"] = "eve"
	want := []rules.Difference{{What: "link slack/T1/U1", Was: "abe", Of: rules.People}, {What: "link slack/T1/U1", Is: "eve", Weaker: true, Of: rules.People}}
	if got := rules.Compare(was, is); !slices.Equal(got, want) {
		t.Errorf("Compare = %+v", got)
	}
	if got := rules.Effective(was, is, day, soon).Links; got["slack/T1/U1"] != "" || len(got) != 2 {
		t.Errorf("meanwhile: %v", got)
	}
	if got := rules.Effective(was, is, day, later).Links["slack/T1/U1"]; got != "eve" {
		t.Errorf("after a day: %q", got)
	}
}

// TestU09EveryField holds that no field can be changed unseen, those that are
// added one day included.
func TestU09EveryField(t *testing.T) {
	t.Parallel()
	typ := reflect.TypeFor[rules.Rules]()
	for i := range typ.NumField() {
		is := full()
		f := reflect.ValueOf(&is).Elem().Field(i)
		switch f.Kind() {
		case reflect.Bool:
			f.SetBool(!f.Bool())
		case reflect.Int, reflect.Int64:
			f.SetInt(f.Int() + 7)
		case reflect.String:
			f.SetString(f.String() + "x")
		default:
			f.SetZero()
		}
		name := typ.Field(i).Name
		if len(rules.Compare(full(), is)) == 0 {
			t.Errorf("Compare does not see %s", name)
		}
		if full().Hash() == is.Hash() {
			t.Errorf("the hash does not cover %s", name)
		}
		var back rules.Rules
		if text, err := json.Marshal(is); err != nil || json.Unmarshal(text, &back) != nil || back.Hash() != is.Hash() {
			t.Errorf("%s is lost on the way through the store: %v", name, err)
		}
	}
}

// Order, repetition, and defaults that are spelt out say nothing.
func TestNormal(t *testing.T) {
	t.Parallel()
	a, b := full(), full()
	slices.Reverse(b.Roles["approver"])
	add(&b, "owner", rules.Holder{User: "olga"})
	add(&b, "owner", rules.Holder{})
	b.Changes = []string{"defaults", "", "tap", "defaults"}
	b.Links["slack/T1/U7"] = ""
	b.Roles["lead"] = nil
	b.Approvals["reset"] = rules.Approval{}
	b.Many, b.PerRequest, b.PerHour, b.MinEmergency = 0, 0, 0, 0
	if a.Hash() != b.Hash() || len(rules.Compare(a, b)) > 0 {
		t.Errorf("not the same: %+v", rules.Compare(a, b))
	}
	if len(b.Changes) != 4 || b.Many != 0 || len(b.Roles["owner"]) != 3 {
		t.Errorf("the rules that were compared are changed: %+v", b)
	}
	if (rules.Rules{}).Hash() == a.Hash() || len((rules.Rules{}).Hash()) != 64 {
		t.Error("the hash of nothing")
	}
	one := rules.Rules{Emergency: []string{"a"}}
	if got := one.Normal().MinEmergency; got != 1 {
		t.Errorf("one emergency account, and %d must remain", got)
	}
}

// TestU09Keeper holds that what waits begins to hold by itself, and that a
// reading of the configuration is heeded at once.
func TestU09Keeper(t *testing.T) {
	t.Parallel()
	now := day
	old, weak := full(), full()
	add(&weak, "owner", rules.Holder{User: "eve"})
	k := rules.NewKeeper([]rules.Version{{Rules: old, Since: day.Add(-time.Hour)}}, func() time.Time { return now })
	if k.Now().Hash() != old.Hash() || len(k.Waiting()) > 0 {
		t.Fatalf("at first: %+v, waiting %+v", k.Now(), k.Waiting())
	}
	k.Set([]rules.Version{{Rules: old, Since: day.Add(-time.Hour)}, {Rules: weak, Since: day}})
	want := []rules.Difference{{What: "role owner", Is: "eve", Weaker: true, Of: rules.People}}
	if got := k.Waiting(); !slices.Equal(got, want) || k.Now().Hash() != old.Hash() || k.Written().Hash() != weak.Hash() {
		t.Errorf("read anew: waiting %+v, %+v", got, k.Now())
	}
	now = soon
	if k.Now().Hash() != old.Hash() {
		t.Error("it holds too soon")
	}
	now = later
	if k.Now().Hash() != weak.Hash() || len(k.Waiting()) > 0 {
		t.Errorf("after a day: %+v, waiting %+v", k.Now(), k.Waiting())
	}
	if got := rules.Fixed(old).Now(); got.Hash() != old.Hash() {
		t.Errorf("fixed: %+v", got)
	}
}

func TestVia(t *testing.T) {
	t.Parallel()
	if u, g := (rules.Holder{User: "abe"}), (rules.Holder{Group: "board"}); u.Via() != "user" || g.Via() != "group board" {
		t.Errorf("%q, %q", u.Via(), g.Via())
	}
}

// TestU09Effective holds that nothing which can wait becomes weaker before its time, that
// what became stronger holds at once, and that all of it holds a day later.
func TestU09Effective(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		was, is := some(t, "was"), some(t, "is")
		early := day.Add(time.Duration(rapid.Int64Range(0, int64(rules.Late)-1).Draw(t, "after")))
		e := rules.Effective(was, is, day, early)
		for _, d := range rules.Compare(was, e) {
			if d.Weaker && !d.AtOnce {
				t.Errorf("weaker already: %+v", d)
			}
		}
		waiting := slices.DeleteFunc(rules.Compare(was, is), func(d rules.Difference) bool { return !d.Weaker || d.AtOnce })
		left := rules.Compare(e, is)
		if len(left) != len(waiting) {
			t.Errorf("left %+v\nof  %+v", left, waiting)
		}
		for i := range min(len(left), len(waiting)) {
			if l, w := left[i], waiting[i]; l.What != w.What || l.Is != w.Is || !l.Weaker {
				t.Errorf("left %+v of %+v", l, w)
			}
		}
		if got := rules.Effective(was, is, day, later.Add(early.Sub(day))); got.Hash() != is.Hash() {
			t.Errorf("a day later: %+v", rules.Compare(got, is))
		}
		if again := rules.Effective(was, e, day, early); again.Hash() != e.Hash() {
			t.Errorf("not settled: %+v", rules.Compare(e, again))
		}
	})
}

// TestU09History holds that whatever was written and when, nothing is weaker
// than any configuration of the last day, and that after a quiet day the last
// one holds.
func TestU09History(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now := day
		var history []rules.Version
		for range rapid.IntRange(1, 5).Draw(t, "versions") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(30*time.Hour)).Draw(t, "gap")))
			history = append(history, rules.Version{Rules: some(t, "rules"), Since: now})
		}
		now = now.Add(time.Duration(rapid.Int64Range(0, int64(30*time.Hour)).Draw(t, "rest")))
		got := rules.At(history, now)
		for i, v := range history {
			if i+1 < len(history) && !history[i+1].Since.After(now.Add(-rules.Late)) {
				continue // replaced more than a day ago
			}
			for _, d := range rules.Compare(v.Rules, got) {
				if d.Weaker && !d.AtOnce && !eitherWay(d.What) {
					t.Errorf("weaker than version %d: %+v", i, d)
				}
			}
		}
		last := history[len(history)-1]
		if end := rules.At(history, last.Since.Add(rules.Late)); end.Hash() != last.Rules.Hash() {
			t.Errorf("after a quiet day: %+v", rules.Compare(end, last.Rules))
		}
	})
}

// An unrelated change does not make what waits wait longer, and taking back
// and writing again does.
func TestU09Again(t *testing.T) {
	t.Parallel()
	old, weak := full(), full()
	add(&weak, "owner", rules.Holder{User: "eve"})
	weakToo := full()
	add(&weakToo, "owner", rules.Holder{User: "eve"})
	weakToo.Backups = nil
	hour := func(n int) time.Time { return day.Add(time.Duration(n) * time.Hour) }
	for name, c := range map[string]struct {
		history []rules.Version
		until   int
	}{
		"once":                {[]rules.Version{{Rules: old, Since: hour(-90)}, {Rules: weak, Since: hour(0)}}, 24},
		"an unrelated change": {[]rules.Version{{Rules: old, Since: hour(-90)}, {Rules: weak, Since: hour(0)}, {Rules: weakToo, Since: hour(23)}}, 24},
		"taken back":          {[]rules.Version{{Rules: old, Since: hour(-90)}, {Rules: weak, Since: hour(0)}, {Rules: old, Since: hour(1)}, {Rules: weak, Since: hour(2)}}, 26},
		"the first of all":    {[]rules.Version{{Rules: weak, Since: hour(0)}}, 0},
	} {
		owners := func(at time.Time) int { return len(rules.At(c.history, at).Roles["owner"]) }
		if got := owners(hour(c.until)); got != 2 {
			t.Errorf("%s: %d owners when it is time", name, got)
		}
		if got := owners(hour(c.until).Add(-1)); c.until > 0 && got != 1 {
			t.Errorf("%s: %d owners before it is time", name, got)
		}
	}
	if got := rules.At(nil, day); !reflect.DeepEqual(got, rules.Rules{}) {
		t.Errorf("of nothing: %+v", got)
	}
}

// some draws rules from a small world, so that two of them overlap.
func some(t *rapid.T, label string) rules.Rules {
	names := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 0, 4)
	holder := rapid.Custom(func(t *rapid.T) rules.Holder {
		if rapid.Bool().Draw(t, "group") {
			return rules.Holder{Group: rapid.SampledFrom([]string{"g", "h"}).Draw(t, "id")}
		}
		return rules.Holder{User: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "id")}
	})
	duration := rapid.SampledFrom([]time.Duration{0, time.Minute, 15 * time.Minute, time.Hour})
	text := rapid.SampledFrom([]string{"", "x", "y"})
	outside := rapid.MapOfN(rapid.SampledFrom([]string{"graph", "web.public_url", "web.sign_in"}), text, 0, 3)
	named := rapid.MapOfN(rapid.SampledFrom([]string{"k", "l", "m"}), text, 0, 3)
	approval := rapid.Custom(func(t *rapid.T) rules.Approval {
		return rules.Approval{
			Policy: rapid.SampledFrom([]string{"", "confirm", "one", "two"}).Draw(t, "policy"),
			Wait:   duration.Draw(t, "wait"), Approvers: names.Draw(t, "approvers"),
		}
	})
	return rapid.Custom(func(t *rapid.T) rules.Rules {
		return rules.Rules{
			Tenant: "t-1",
			Roles:  rapid.MapOfN(rapid.SampledFrom([]string{"owner", "approver"}), rapid.SliceOfN(holder, 0, 4), 0, 2).Draw(t, "roles"),
			Links:  named.Draw(t, "links"), Backups: names.Draw(t, "backups"), Protected: names.Draw(t, "protected"),
			Emergency: names.Draw(t, "emergency"), Changes: names.Draw(t, "changes"),
			Approvals: rapid.MapOfN(rapid.SampledFrom([]string{"tap", "reset"}), approval, 0, 2).Draw(t, "approvals"),
			Wait:      duration.Draw(t, "wait"), Many: rapid.IntRange(0, 12).Draw(t, "many"),
			PerRequest: rapid.IntRange(0, 60).Draw(t, "per request"), PerHour: rapid.IntRange(0, 120).Draw(t, "per hour"),
			Solo: rapid.Bool().Draw(t, "solo"), AcceptNoStepUp: rapid.Bool().Draw(t, "no step-up"),
			Fallback: rapid.Bool().Draw(t, "fallback"), ManagerApproves: rapid.Bool().Draw(t, "managers"), AdminsTwo: rapid.Bool().Draw(t, "admins"), AcceptLockout: rapid.Bool().Draw(t, "lock-out"),
			MinAdmins: rapid.IntRange(0, 3).Draw(t, "admins left"), MinEmergency: rapid.IntRange(0, 3).Draw(t, "emergency left"),
			HeadTo: names.Draw(t, "heads"), Contact: text.Draw(t, "contact"), SecurityContact: text.Draw(t, "security"),
			Addresses: outside.Draw(t, "addresses"),
		}
	}).Draw(t, label)
}
