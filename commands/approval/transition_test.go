package approval_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"twokey/commands/approval"
)

var moment = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

var allStates = []approval.State{
	approval.Pending, approval.Approved, approval.Executing, approval.Reconciling, approval.Succeeded, approval.Failed,
	approval.Partial, approval.Denied, approval.Expired, approval.Cancelled, approval.Stale, approval.Unknown,
}

// inState returns a request by ada about the object "lamp" and the person cid,
// in the given state and with time left in it at moment.
func inState(t rapid.TB, s approval.State, quorum int) approval.Request {
	t.Helper()
	r := approval.Request{
		ID: "id", Ref: "R-ABC234", Key: "key", Tenant: tenantID, TenantName: "Contoso", Kind: kindSet, KindVersion: 1,
		Args: []byte(`{}`), Targets: []approval.Target{{ID: "lamp", Name: "Lamp"}, {ID: "cid", Name: "Cid"}}, Snapshot: []byte(`{}`),
		Reason: "because", Requester: person("ada"), Policy: approval.Policy{Name: "some", Quorum: quorum, Wait: time.Minute, Version: 1},
		Created: moment.Add(-time.Hour), Expires: moment.Add(time.Hour), State: s, Version: 3,
	}
	if s != approval.Pending {
		r.NotBefore, r.StartBy = moment, moment.Add(5*time.Minute)
	}
	var err error
	if r.Digest, err = r.Sum(); err != nil {
		t.Fatal(err)
	}
	return r
}

// transitions are all of them, asked by somebody who may, of one request.
var transitions = map[string]struct {
	from []approval.State // whence it goes
	to   approval.State
	ask  func(r approval.Request, now time.Time) (approval.Change, error)
}{
	"approve": {[]approval.State{approval.Pending}, approval.Approved, func(r approval.Request, now time.Time) (approval.Change, error) {
		return approval.Approve(r, press(r, "bea"), nil, now)
	}},
	"deny": {[]approval.State{approval.Pending, approval.Approved}, approval.Denied, func(r approval.Request, now time.Time) (approval.Change, error) {
		return approval.Deny(r, press(r, "bea"), now)
	}},
	"cancel": {[]approval.State{approval.Pending, approval.Approved}, approval.Cancelled, func(r approval.Request, now time.Time) (approval.Change, error) {
		return approval.Cancel(r, press(r, "ada"), now)
	}},
	"outdate": {[]approval.State{approval.Approved}, approval.Stale, func(r approval.Request, now time.Time) (approval.Change, error) {
		return approval.Outdate(r, []string{"differs"}, now)
	}},
	"start": {[]approval.State{approval.Approved}, approval.Executing, func(r approval.Request, now time.Time) (approval.Change, error) {
		return approval.Start(r, now)
	}},
	"lose": {[]approval.State{approval.Executing}, approval.Reconciling, func(r approval.Request, _ time.Time) (approval.Change, error) {
		return approval.Lose(r, "interrupted")
	}},
	"finish": {[]approval.State{approval.Executing, approval.Reconciling, approval.Unknown}, approval.Succeeded, func(r approval.Request, now time.Time) (approval.Change, error) {
		return approval.Finish(r, []approval.Step{{Number: 1, Class: approval.Applied}}, approval.Ending{Calls: make([]approval.Call, 1)}, now)
	}},
}

// G08: every transition leaves every state that it may leave, and no other.
func TestG08EveryTransitionFromEveryState(t *testing.T) {
	t.Parallel()
	for name, transition := range transitions {
		for _, s := range allStates {
			t.Run(name+" when "+string(s), func(t *testing.T) {
				t.Parallel()
				r := inState(t, s, 1)
				c, err := transition.ask(r, moment)
				if slices.Contains(transition.from, s) {
					if err != nil || c.To != transition.to {
						t.Errorf("to %q, %v; want %s", c.To, err, transition.to)
					}
					if c.Kind == "" || c.Facts == nil {
						t.Errorf("the change has nothing to record: %+v", c)
					}
					return
				}
				wantCode(t, err, "ended-"+string(s))
				if c.To != "" || c.Decision != nil || c.Outcome != nil {
					t.Errorf("a refusal with a change: %+v", c)
				}
			})
		}
	}
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var no *approval.Refusal
	if !errors.As(err, &no) || no.Code != code {
		t.Errorf("got %v, want the refusal %q", err, code)
	} else if no.Say() == "" {
		t.Errorf("the refusal %q says nothing", code)
	}
}

func TestFinal(t *testing.T) {
	t.Parallel()
	for _, s := range allStates {
		left := slices.ContainsFunc([]approval.State{approval.Pending, approval.Approved, approval.Executing, approval.Reconciling}, func(o approval.State) bool { return o == s })
		if s.Final() == left {
			t.Errorf("%s.Final() = %t", s, s.Final())
		}
	}
}

// Who may not decide, and with what button.
func TestVoteGuards(t *testing.T) {
	t.Parallel()
	r := inState(t, approval.Pending, 2)
	changed := r
	changed.Reason = "another"
	foreign := person("ada")
	foreign.Tenant = "t-2"
	of := func(voters ...string) approval.Request { // one is enough, if it is one of these
		r := r
		r.Policy.Quorum, r.Policy.Voters = 1, voters
		var err error
		if r.Digest, err = r.Sum(); err != nil {
			t.Fatal(err)
		}
		return r
	}
	for _, row := range []struct {
		name    string
		r       approval.Request
		by      approval.Principal
		seal    string
		earlier []approval.Decision
		want    string // "" is allowed
		cancel  string // for cancelling: "" is allowed
	}{
		{"an approver presses", r, person("bea"), r.Seal(), nil, "", ""},
		{"an approver types", r, person("bea"), r.Ref, nil, "", ""},
		{"the requester", r, person("ada"), r.Seal(), nil, "self", ""},
		{"the requester types", r, person("ada"), r.Ref, nil, "self", ""},
		{"a target", r, person("cid"), r.Seal(), nil, "target", "target"},
		{"a namesake of the requester in another tenant", r, foreign, r.Seal(), nil, "not-allowed", "not-allowed"},
		{"another digest on the button", r, person("bea"), r.Ref + ".0123456789abcdef", nil, "changed", "changed"},
		{"no digest on the button", r, person("bea"), r.Ref + ".", nil, "changed", "changed"},
		{"a short digest on the button", r, person("bea"), r.Seal()[:len(r.Seal())-1], nil, "changed", "changed"},
		{"another request's button", r, person("bea"), "R-ZZZZZZ." + r.Digest[:16], nil, "changed", "changed"},
		{"stored arguments changed, pressed", changed, person("bea"), r.Seal(), nil, "changed", "changed"},
		{"stored arguments changed, typed", changed, person("bea"), r.Ref, nil, "changed", "changed"},
		{"has approved", r, person("bea"), r.Seal(), []approval.Decision{{By: person("bea"), Approve: true, Digest: r.Digest}}, "voted", ""},
		{"has approved by another account", r, person("bea"), r.Seal(), []approval.Decision{{By: person("bea"), Account: "discord/G/1", Approve: true, Digest: r.Digest}}, "voted", ""},
		{"a voter", of("bea"), person("bea"), of("bea").Seal(), nil, "", ""},
		{"an approver who is no voter", of("bea"), person("abe"), of("bea").Seal(), nil, "no-voter", ""},
		{"somebody else has approved", r, person("bea"), r.Seal(), []approval.Decision{{By: person("abe"), Approve: true, Digest: r.Digest}}, "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			v := approval.Vote{By: row.by, Account: "chat/x", Seal: row.seal, Why: "no"}
			_, approve := approval.Approve(row.r, v, row.earlier, moment)
			_, deny := approval.Deny(row.r, v, moment)
			_, cancel := approval.Cancel(row.r, v, moment)
			for what, got := range map[string]struct {
				err  error
				want string
			}{"approve": {approve, row.want}, "deny": {deny, row.want}, "cancel": {cancel, row.cancel}} {
				want := got.want
				if what == "deny" && (want == "voted" || want == "no-voter") {
					want = "" // a no counts from everybody, and answers a wrong approval
				}
				if want == "" && got.err != nil {
					t.Errorf("%s: %v, want it allowed", what, got.err)
				}
				if want != "" {
					wantCode(t, got.err, want)
				}
			}
		})
	}
}

// G14, in the pure part: the last microsecond counts, and the next does not.
func TestG14TheLastMicrosecond(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		state approval.State
		ends  func(approval.Request) time.Time
	}{
		{approval.Pending, func(r approval.Request) time.Time { return r.Expires }},
		{approval.Approved, func(r approval.Request) time.Time { return r.StartBy }},
	} {
		r := inState(t, row.state, 1)
		end := row.ends(r)
		for _, before := range []bool{true, false} {
			now := end
			if before {
				now = end.Add(-time.Microsecond)
			}
			t.Run(fmt.Sprintf("%s, before %t", row.state, before), func(t *testing.T) {
				t.Parallel()
				c, over := approval.Expire(r, now)
				if over == before || over && (c.To != approval.Expired || c.Outcome == nil || c.Outcome.Why == "") {
					t.Errorf("Expire = %+v, %t", c, over)
				}
				for name, transition := range transitions {
					if name == "outdate" || !slices.Contains(transition.from, row.state) {
						continue // outdating needs no time: it only ends
					}
					_, err := transition.ask(r, now)
					if before && err != nil {
						t.Errorf("%s: %v, want it allowed", name, err)
					}
					if !before && err == nil {
						t.Errorf("%s was allowed", name)
					}
				}
			})
		}
	}
	for _, s := range allStates[2:] {
		if _, over := approval.Expire(inState(t, s, 1), moment.AddDate(1, 0, 0)); over {
			t.Errorf("%s expired", s)
		}
	}
	late := inState(t, approval.Approved, 1)
	_, err := approval.Approve(late, press(late, "bea"), nil, late.StartBy)
	wantCode(t, err, "ended-expired")
}

// The wait is counted from the quorum, and the time to start from its end.
func TestQuorumSetsTheTimes(t *testing.T) {
	t.Parallel()
	r := inState(t, approval.Pending, 2)
	first, err := approval.Approve(r, press(r, "bea"), nil, moment)
	if err != nil || first.To != approval.Pending || !first.NotBefore.IsZero() {
		t.Fatalf("the first of two: %+v, %v", first, err)
	}
	second, err := approval.Approve(r, press(r, "abe"), []approval.Decision{*first.Decision}, moment)
	if err != nil || second.To != approval.Approved {
		t.Fatalf("the second of two: %+v, %v", second, err)
	}
	if want := moment.Add(time.Minute); second.NotBefore != want || second.StartBy != want.Add(5*time.Minute) {
		t.Errorf("from %v to %v, want from %v for 5m", second.NotBefore, second.StartBy, want)
	}
	r.State, r.NotBefore, r.StartBy = approval.Approved, second.NotBefore, second.StartBy
	if _, err := approval.Start(r, r.NotBefore.Add(-time.Microsecond)); err == nil {
		t.Error("started a microsecond before the end of the wait")
	}
	if _, err := approval.Start(r, r.NotBefore); err != nil {
		t.Errorf("at the end of the wait: %v", err)
	}
	for name, end := range map[string]func() (approval.Change, error){
		"deny":   func() (approval.Change, error) { return approval.Deny(r, press(r, "abe"), moment) },
		"cancel": func() (approval.Change, error) { return approval.Cancel(r, press(r, "abe"), moment) },
	} {
		if c, err := end(); err != nil || c.Outcome == nil || c.Outcome.By != person("abe") {
			t.Errorf("%s during the wait: %+v, %v", name, c, err)
		}
	}
}

// G03, G06, G08: how an execution ends by what is known of its steps.
func TestFinish(t *testing.T) {
	t.Parallel()
	two, one := approval.Ending{Calls: make([]approval.Call, 2)}, approval.Ending{Calls: make([]approval.Call, 1)}
	lost := approval.Ending{Calls: make([]approval.Call, 1), Lost: true}
	for _, row := range []struct {
		name    string
		classes []approval.Class
		ending  approval.Ending
		want    approval.State
		reports int
	}{
		{"all applied", []approval.Class{approval.Applied, approval.Applied}, two, approval.Succeeded, 2},
		{"first refused", []approval.Class{approval.Refused}, two, approval.Failed, 2},
		{"first not sent", []approval.Class{approval.NotSent}, two, approval.Failed, 2},
		{"first found not done", []approval.Class{approval.NotDone}, one, approval.Failed, 1},
		{"nothing begun", nil, two, approval.Failed, 2},
		{"nothing planned", nil, approval.Ending{}, approval.Succeeded, 0},
		{"second refused", []approval.Class{approval.Applied, approval.Refused}, two, approval.Partial, 2},
		{"stopped after the first", []approval.Class{approval.Applied}, two, approval.Partial, 2},
		{"unclear", []approval.Class{approval.Unclear}, one, approval.Unknown, 1},
		{"missing", []approval.Class{approval.Missing}, one, approval.Unknown, 1},
		{"open", []approval.Class{approval.Open}, one, approval.Unknown, 1},
		{"applied and unclear", []approval.Class{approval.Applied, approval.Unclear}, two, approval.Unknown, 2},
		{"not understood", []approval.Class{approval.Applied, "fine, I think"}, two, approval.Unknown, 2},
		{"no word at all", []approval.Class{""}, one, approval.Unknown, 1},
		{"what was planned is not known", []approval.Class{approval.Applied}, approval.Ending{Forgotten: true}, approval.Partial, 1},
		{"what was planned is not known, none done", nil, approval.Ending{Forgotten: true}, approval.Failed, 0},
		{"created, and lost", []approval.Class{approval.Applied}, lost, approval.Partial, 1},
		{"created, lost and taken back", []approval.Class{approval.Applied, approval.Applied}, lost, approval.Partial, 2},
		{"created, lost and not taken back", []approval.Class{approval.Applied, approval.Refused}, lost, approval.Partial, 2},
		{"created, lost, and taken back perhaps", []approval.Class{approval.Applied, approval.Unclear}, lost, approval.Unknown, 2},
		{"never created", []approval.Class{approval.NotDone}, lost, approval.Failed, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var steps []approval.Step
			for i, class := range row.classes {
				steps = append(steps, approval.Step{Number: i + 1, What: "w", Class: class, RequestID: "g"})
			}
			row.ending.Remark = "remark"
			for _, from := range []approval.State{approval.Executing, approval.Reconciling, approval.Unknown} {
				c, err := approval.Finish(inState(t, from, 1), steps, row.ending, moment)
				if from == approval.Unknown && row.want == approval.Unknown {
					wantCode(t, err, "ended-unknown") // it is no news
					continue
				}
				if err != nil || c.To != row.want || c.Kind != "request."+string(row.want) {
					t.Errorf("from %s: %+v, %v; want %s", from, c, err, row.want)
				}
				if c.Outcome == nil || len(c.Outcome.Done) != row.reports || c.Outcome.Why != "remark" {
					t.Errorf("from %s: outcome %+v", from, c.Outcome)
				}
			}
		})
	}
}

// G10: whatever accounts people hold and however often they click, a quorum
// counts people, and never the requester or a target.
func TestG10QuorumCountsPeople(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const people = 6
		r := inState(t, approval.Pending, rapid.IntRange(1, 4).Draw(t, "quorum"))
		r.Targets = nil
		aimed := rapid.SliceOfDistinct(rapid.IntRange(0, people-1), rapid.ID).Draw(t, "targets")
		for _, who := range aimed {
			r.Targets = append(r.Targets, approval.Target{ID: fmt.Sprint("person-", who)})
		}
		r.Requester = person(fmt.Sprint("person-", rapid.IntRange(0, people-1).Draw(t, "requester")))
		r.Digest, _ = r.Sum()
		var decisions []approval.Decision
		counted := map[approval.Principal]bool{}
		clicks := rapid.SliceOfN(rapid.IntRange(0, 4*people-1), 0, 20).Draw(t, "clicks")
		for i, account := range clicks {
			who := person(fmt.Sprint("person-", account%people)) // each holds four accounts
			bad := who == r.Requester || slices.ContainsFunc(aimed, func(a int) bool { return a == account%people })
			v := approval.Vote{By: who, Account: fmt.Sprint("account-", account), Seal: r.Seal()}
			c, err := approval.Approve(r, v, decisions, moment)
			if allowed := !bad && !counted[who]; (err == nil) != allowed {
				t.Fatalf("click %d by %s: %v, want allowed %t", i, who.Object, err, allowed)
			}
			if err != nil {
				continue
			}
			counted[who] = true
			decisions = append(decisions, *c.Decision)
			if reached := len(counted) >= r.Policy.Quorum; (c.To == approval.Approved) != reached {
				t.Fatalf("%d people approve, quorum %d: %s", len(counted), r.Policy.Quorum, c.To)
			}
			if c.To == approval.Approved {
				break
			}
		}
		if got := approval.Counted(r, decisions); len(got) != len(counted) {
			t.Fatalf("Counted = %v, want %d people", got, len(counted))
		}
	})
}

// Counted trusts no row that it is given.
func TestG10CountedTrustsNoRow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := inState(t, approval.Pending, 2)
		var rows []approval.Decision
		want := map[approval.Principal]bool{}
		for range rapid.IntRange(0, 12).Draw(t, "rows") {
			d := approval.Decision{
				By:      person(rapid.SampledFrom([]string{"ada", "abe", "bea", "cid", "dan"}).Draw(t, "by")),
				Approve: rapid.Bool().Draw(t, "approve"),
				Digest:  rapid.SampledFrom([]string{r.Digest, "", "another"}).Draw(t, "digest"),
			}
			rows = append(rows, d)
			if d.Approve && d.Digest == r.Digest && d.By.Object != "ada" && d.By.Object != "cid" {
				want[d.By] = true
			}
		}
		got := approval.Counted(r, rows)
		if len(got) != len(want) {
			t.Fatalf("Counted = %v, want %v", got, want)
		}
		for _, p := range got {
			if !want[p] {
				t.Fatalf("Counted %v, who does not count", p)
			}
		}
	})
}
