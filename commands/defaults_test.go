package commands

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/commands/approval"
	"twokey/commands/rules"
	"twokey/graph"
	"twokey/graph/rollout"
)

// asked is a request to turn security defaults on, or off.
func asked(args string) approval.Request {
	return approval.Request{Kind: DefaultsKind, KindVersion: defaultsVersion, Args: json.RawMessage(args)}
}

const turnOn, turnOff = `{"enable":true}`, `{"enable":false}`

// TestG05CompareSentences names each difference in one whole sentence, of
// emergency accounts as well, and by the name that the approvers were shown.
func TestG05CompareSentences(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name         string
		first, after func(*fixture) // before the request was asked, and since
		args         string
		want         []string
	}{
		{"O50: an administrator unable, and renamed", p1, func(f *fixture) {
			f.register("ada")
			f.edit("ada", func(u *graph.User) { u.Name = "Somebody Else" })
		}, turnOn, []string{"The administrator “Ada Okafor” can no longer sign in with a second factor."}},
		{"O49: an emergency account deleted", func(f *fixture) { p1(f); f.holders = f.holders[:2] }, func(f *fixture) { f.remove("em1") }, turnOn, []string{"The emergency account “Emergency 1” can no longer sign in with a second factor."}},
		{"an emergency account able", func(f *fixture) { p1(f); f.holders = f.holders[:2]; f.register("em1") }, func(f *fixture) { f.register("em1", graph.MethodPasskey) }, turnOn, []string{"The emergency account “Emergency 1” can sign in with a second factor now."}},
		{"an emergency account declared", func(f *fixture) { p1(f); f.add("em3", "Emergency 3", graph.MethodPasskey) }, func(f *fixture) { f.declared[id("em3")] = rollout.Emergency }, turnOn, []string{"“Emergency 3” has become an emergency account."}},
		{"an emergency account no more", p1, func(f *fixture) { delete(f.declared, id("em2")) }, turnOn, []string{"“Emergency 2” has become an administrator.", "“Emergency 2” is no longer an emergency account."}},
		{"a new administrator without a method", p1, func(f *fixture) { f.hold("sam", graph.RoleUserAdministrator) }, turnOn, []string{"“Sam Rivera” has become an administrator."}},
		{"the synchronisation's account is nobody", p1, func(f *fixture) {
			f.add("sync2", "New Sync")
			f.hold("sync2", graph.RoleOnPremisesDirectorySync)
		}, turnOn, nil},
		{"somebody without a role loses their method", p1, func(f *fixture) { f.register("sue") }, turnOn, nil},
		{"another method of the same worth or better", p1, func(f *fixture) { f.register("ada", graph.MethodPasskey, graph.MethodPhone) }, turnOn, nil},
		{"two at once, each named", p1, func(f *fixture) {
			f.policies[0].State = graph.PolicyEnabled
			f.register("ada")
		}, turnOn, []string{"The Conditional Access policy “Block old mail” was off and is on now.", "The administrator “Ada Okafor” can no longer sign in with a second factor."}},
		{
			"red all along, should it ever have come so far", func(f *fixture) { p1(f); f.policies[0].State = graph.PolicyEnabled }, func(*fixture) {}, turnOn,
			[]string{"The Conditional Access policy “Block old mail” is on. With Conditional Access you do not need security defaults, and cannot have both."},
		},
		{
			"a licence that has no policies any more", p1, func(f *fixture) { f.licence = graph.Free }, turnOn,
			[]string{"The Conditional Access policy “Block old mail” is gone.", "The Conditional Access policy “Pilot” is gone."},
		},
		{"O51: on already", p1, func(f *fixture) { f.enabled = true; f.register("ada") }, turnOn, []string{"Security defaults are on already: there is nothing to change."}},
		{"O51: off already", on, func(f *fixture) { f.enabled = false }, turnOff, []string{"Security defaults are off already: there is nothing to change."}},
		{"off: who can sign in is no matter", on, func(f *fixture) { f.register("ada"); f.remove("em1"); f.hold("sue", graph.RoleUserAdministrator) }, turnOff, nil},
		{"off: a policy is", on, func(f *fixture) { f.policies = f.policies[1:] }, turnOff, []string{"The Conditional Access policy “Block old mail” is gone."}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w := newDryWorld(t, row.first)
			before := w.snapshot(t)
			row.after(w.fixture)
			w.env.Rules = rules.Fixed(w.rules())
			if got := (defaultsAction{w.env}).Compare(before, w.snapshot(t), asked(row.args), nil); !slices.Equal(got, row.want) {
				t.Errorf("got %q\nwant %q", got, row.want)
			}
		})
	}
}

// on has security defaults turned on, and policies that wait for their end.
func on(f *fixture) {
	p1(f)
	f.enabled = true
}

// TestG29Arguments holds that what another version stored, or what does not say
// on or off, is neither compared, nor run, nor looked up.
func TestG29Arguments(t *testing.T) {
	t.Parallel()
	w := newDryWorld(t, p1)
	newer := asked(turnOn)
	newer.KindVersion++
	for name, r := range map[string]approval.Request{
		"no JSON": asked(`{`), "null": asked(`null`), "nothing said": asked(`{}`), "not on or off": asked(`{"enable":"yes"}`), "a list": asked(`[true]`),
		"no arguments": asked(``), "another version": newer,
	} {
		a, s := defaultsAction{w.env}, w.snapshot(t)
		if got, want := a.Compare(s, s, r, nil), "What is stored about this request cannot be understood."; len(got) != 1 || got[0] != want {
			t.Errorf("%s: Compare = %q, want %q", name, got, want)
		}
		if calls, err := a.Steps(r); err == nil {
			t.Errorf("%s: Steps = %+v", name, calls)
		}
		if found, err := a.Probe(t.Context(), r, nil, approval.Step{}); err == nil || found.Class != "" {
			t.Errorf("%s: Probe = %s, %v", name, found.Class, err)
		}
	}
}

// TestSnapshotIsCanonical holds that the same facts give the same text, in
// whatever order the tenant lists them.
func TestSnapshotIsCanonical(t *testing.T) {
	t.Parallel()
	one := newDryWorld(t, p1).snapshot(t)
	other := newDryWorld(t, p1, func(f *fixture) {
		slices.Reverse(f.policies)
		slices.Reverse(f.users)
		slices.Reverse(f.holders)
	}).snapshot(t)
	if string(one) != string(other) {
		t.Errorf("%s\n%s", one, other)
	}
	if !strings.Contains(string(one), `"policies":[{"ID":"p-1"`) || strings.Contains(string(one), id("sync")) {
		t.Errorf("the snapshot is %s", one)
	}
}

func TestStepOff(t *testing.T) {
	t.Parallel()
	w := newDryWorld(t, on)
	calls, err := (defaultsAction{w.env}).Steps(asked(turnOff))
	if err != nil || len(calls) != 1 {
		t.Fatalf("Steps = %+v, %v", calls, err)
	}
	c := calls[0]
	if c.What != "turn security defaults off" || c.Method != "PATCH" || c.URL != "/policies/identitySecurityDefaultsEnforcementPolicy" || string(c.Body) != `{"isEnabled":false}` {
		t.Errorf("the call is %+v, with the body %s", c, c.Body)
	}
	if got := c.Send(t.Context(), "client-1"); got.Class != approval.Applied || w.enabled {
		t.Errorf("Send = %+v, security defaults %t", got, w.enabled)
	}
}

// TestClassifyMore is what graph's kinds alone do not tell.
func TestClassifyMore(t *testing.T) {
	t.Parallel()
	env := Env{Now: func() time.Time { return start }}
	for _, row := range []struct {
		name string
		err  error
		want approval.Answer
	}{
		{"throttled, until nobody knows when", &graph.Error{Kind: graph.KindThrottled}, approval.Answer{Class: approval.Refused, Again: true, Wait: time.Second, Facts: "Microsoft 365 is asking the bot to slow down."}},
		{"throttled, until a moment that is past", &graph.Error{Kind: graph.KindThrottled, RetryAfter: start.Add(-time.Minute)}, approval.Answer{Class: approval.Refused, Again: true, Wait: time.Second, Facts: "Microsoft 365 is asking the bot to slow down."}},
		{"a kind that this version does not know", &graph.Error{Kind: 99}, approval.Answer{Class: approval.Unclear, Facts: "Microsoft 365 gave no clear answer."}},
		{"refused without a word", &graph.Error{Kind: graph.KindRefused}, approval.Answer{Class: approval.Refused, Facts: "Microsoft 365 refused it."}},
		{"refused with words", &graph.Error{Kind: graph.KindRefused, Message: "You must\ndisable “it”.", RequestID: "r-1"}, approval.Answer{Class: approval.Refused, RequestID: "r-1", Facts: `Microsoft 365 refused it. It said: “You must disable "it".”.`}},
		{"applied", nil, approval.Answer{Class: approval.Applied, RequestID: "graph-1"}},
	} {
		if got := classify(env, graph.Receipt{RequestID: "graph-1"}, row.err); got != row.want {
			t.Errorf("%s: got %+v, want %+v", row.name, got, row.want)
		}
	}
}
