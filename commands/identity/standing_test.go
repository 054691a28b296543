package identity_test

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/commands/approval"
	"twokey/commands/identity"
	"twokey/commands/rules"
	"twokey/graph"
)

// about returns a request about the targets.
func about(targets ...string) approval.Request {
	r := approval.Request{Tenant: tenant, Kind: "tap", Requester: person("hal")}
	for _, name := range targets {
		r.Targets = append(r.Targets, approval.Target{ID: "o-" + name})
	}
	return r
}

func byManager(r approval.Request) approval.Request {
	r.Policy.Manager = true
	return r
}

func TestMayAsk(t *testing.T) {
	t.Parallel()
	d := settle().open()
	for name, c := range map[string]struct {
		who  approval.Principal
		kind string
		want approval.Warrant
	}{
		"a lead":                      {person("ada"), "defaults", approval.Warrant{Name: "ada", UPN: "ada@vale.example", Role: "lead", Via: "user"}},
		"helpdesk by a group":         {person("hal"), "tap", approval.Warrant{Name: "hal", UPN: "hal@vale.example", Role: "helpdesk", Via: "group g-desk"}},
		"any role where viewers may":  {person("cat"), "look", approval.Warrant{Name: "cat", UPN: "cat@vale.example", Role: "approver", Via: "group g-board"}},
		"an approver":                 {who: person("abe"), kind: "defaults"},
		"a lead, of the unknown":      {who: person("ada"), kind: "world peace"},
		"staff where viewers may":     {who: person("sam"), kind: "look"},
		"the same ID, another tenant": {who: approval.Principal{Tenant: "t-2", Object: "o-ada"}, kind: "defaults"},
		"nobody":                      {who: approval.Principal{Tenant: tenant}, kind: "look"},
	} {
		w, err := d.MayAsk(t.Context(), c.who, c.kind)
		var no *approval.Refusal
		if w != c.want || (err == nil) != (c.want != approval.Warrant{}) || err != nil && !errors.As(err, &no) {
			t.Errorf("%s: %+v, %v", name, w, err)
		}
	}
}

// TestMayDecide holds who may decide, and that whoever may not for this request or
// this kind alone may stop it.
func TestMayDecide(t *testing.T) {
	t.Parallel()
	listed := func(s *setting) {
		s.rules.Approvals = map[string]rules.Approval{"tap": {Approvers: []string{"o-bea", "o-sam"}}}
	}
	only := about("sam")
	only.Policy.Only = []string{"o-bea", "o-ada"}
	proved := byManager(about("sam"))
	proved.Policy.Barred = []string{"o-ada", "o-abe", "o-mia"}
	for name, c := range map[string]struct {
		who    approval.Principal
		r      approval.Request
		change func(s *setting)
		by     string // the role and how it came, "" if not
		stops  string // the same of who may stop it alone
	}{
		"an approver":                     {who: person("abe"), r: about("sam"), by: "approver user"},
		"by a group within a group":       {who: person("cat"), r: about("sam"), by: "approver group g-board"},
		"taken out of the inner group":    {who: person("cat"), r: about("sam"), change: func(s *setting) { s.within["g-inner"] = nil }},
		"the group is gone":               {who: person("cat"), r: about("sam"), change: func(s *setting) { delete(s.within, "g-board") }},
		"a lead":                          {who: person("ada"), r: about("sam")},
		"a guest":                         {who: person("guest"), r: about("sam")},
		"a guest in the group":            {who: person("guest"), r: about("sam"), change: func(s *setting) { s.within["g-inner"] = []string{"o-guest"} }},
		"disabled":                        {who: person("off"), r: about("sam")},
		"deleted":                         {who: person("gone"), r: about("sam")},
		"nobody":                          {who: approval.Principal{Tenant: tenant}, r: about("sam")},
		"the same ID, another tenant":     {who: approval.Principal{Tenant: "t-2", Object: "o-abe"}, r: about("sam")},
		"a request of another tenant":     {who: person("abe"), r: approval.Request{Tenant: "t-2"}},
		"away, and pressing all the same": {who: person("abe"), r: about("sam"), change: func(s *setting) { s.away["o-abe"] = time.Time{} }, by: "approver user"},
		"one of those it is left to":      {who: person("bea"), r: only, by: "approver user"},
		"none of those it is left to":     {who: person("abe"), r: only, stops: "approver user"},
		"vouched for it":                  {who: person("abe"), r: proved, stops: "approver user"},
		"the manager, who vouched for it": {who: person("mia"), r: proved, stops: "manager manager of o-sam"},
		"others vouched for it":           {who: person("bea"), r: proved, by: "approver user"},
		"left to no approver":             {who: person("ada"), r: only},
		"on the list of the kind":         {who: person("bea"), r: about("sam"), change: listed, by: "approver user"},
		"not on the list of the kind":     {who: person("abe"), r: about("sam"), change: listed, stops: "approver user"},
		"on the list and no approver":     {who: person("sam"), r: about("mia"), change: listed},
		"the manager":                     {who: person("mia"), r: byManager(about("sam")), by: "manager manager of o-sam"},
		"the manager beside a list":       {who: person("mia"), r: byManager(about("sam")), change: listed, by: "manager manager of o-sam"},
		"the manager, and not asked":      {who: person("mia"), r: about("sam")},
		"the manager, no longer so":       {who: person("mia"), r: byManager(about("sam")), change: func(s *setting) { s.managers["o-sam"] = "o-ada" }},
		"the manager, switched off":       {who: person("mia"), r: byManager(about("sam")), change: func(s *setting) { s.rules.ManagerApproves = false }},
		"the manager, disabled":           {who: person("mia"), r: byManager(about("sam")), change: func(s *setting) { s.edit("mia", func(u *graph.User) { u.Enabled = false }) }},
		"the manager, a guest":            {who: person("mia"), r: byManager(about("sam")), change: func(s *setting) { s.edit("mia", func(u *graph.User) { u.Guest = true }) }},
		"the manager of an approver":      {who: person("mia"), r: byManager(about("abe"))},
		"the manager of one of two":       {who: person("mia"), r: byManager(about("sam", "hal"))},
		"a manager of nobody":             {who: person("mia"), r: byManager(about())},
		"whoever it is about":             {who: person("sam"), r: byManager(about("sam"))},
		"another than the manager":        {who: person("ada"), r: byManager(about("sam"))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := settle()
			if c.change != nil {
				c.change(s)
			}
			d := s.open()
			for _, right := range []struct {
				may  func(context.Context, approval.Principal, approval.Request) (approval.Warrant, error)
				want string
			}{{d.MayDecide, c.by}, {d.MayStop, cmp.Or(c.stops, c.by)}} {
				w, err := right.may(t.Context(), c.who, c.r)
				got := strings.TrimSpace(w.Role + " " + w.Via)
				var no *approval.Refusal
				if got != right.want || (err == nil) != (right.want != "") || err != nil && !errors.As(err, &no) {
					t.Errorf("%q, %v; want %q", got, err, right.want)
				}
				if err == nil && (w.Name == "" || !strings.HasPrefix(w.UPN, w.Name)) {
					t.Errorf("nobody's name: %+v", w)
				}
			}
		})
	}
}

// TestG12Standing holds that the very same person may decide only as long as
// they are eligible: what was looked up once is not kept.
func TestG12Standing(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for name, change := range map[string]func(s *setting, k *rules.Keeper){
		"disabled":             func(s *setting, _ *rules.Keeper) { s.edit("cat", func(u *graph.User) { u.Enabled = false }) },
		"deleted":              func(s *setting, _ *rules.Keeper) { delete(s.users, "o-cat") },
		"a guest":              func(s *setting, _ *rules.Keeper) { s.edit("cat", func(u *graph.User) { u.Guest = true }) },
		"replaced":             func(s *setting, _ *rules.Keeper) { s.edit("cat", func(u *graph.User) { u.ID = "o-other" }) },
		"no more in the group": func(s *setting, _ *rules.Keeper) { s.within["g-inner"] = []string{"o-sam"} },
		"the group out of the rules": func(s *setting, k *rules.Keeper) {
			is := s.rules
			is.Roles = map[string][]rules.Holder{"approver": holders("abe")}
			k.Set([]rules.Version{{Rules: s.rules, Since: now.Add(-time.Hour)}, {Rules: is, Since: now}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := settle()
			k := rules.NewKeeper([]rules.Version{{Rules: s.rules, Since: now.Add(-time.Hour)}}, func() time.Time { return now })
			d := s.keep(k)
			if _, err := d.MayDecide(t.Context(), person("cat"), about("sam")); err != nil {
				t.Fatalf("before: %v", err)
			}
			change(s, k)
			if _, err := d.MayDecide(t.Context(), person("cat"), about("sam")); err == nil {
				t.Error("may still decide")
			}
			if people, err := d.Approvers(t.Context(), about("sam")); err != nil || slices.Contains(people, person("cat")) {
				t.Errorf("Approvers = %v, %v", people, err)
			}
		})
	}
}

// TestG29Unreadable holds that nobody has rights that cannot be read, that the
// reason is said, and that what does not hang on it goes on.
func TestG29Unreadable(t *testing.T) {
	t.Parallel()
	down := &graph.Error{Kind: graph.KindThrottled, Op: "read it"}
	for name, c := range map[string]struct {
		source string
		ask    func(d *identity.Directory) error
		says   string // where there is a sentence of our own
		may    bool
	}{
		"the user, speaking": {source: "user", ask: func(d *identity.Directory) error { return second(d.Who(t.Context(), account("b", "abe"))) }},
		"the user, asking":   {source: "user", ask: func(d *identity.Directory) error { return second(d.MayAsk(t.Context(), person("ada"), "defaults")) }},
		"the user, deciding": {source: "user", ask: func(d *identity.Directory) error {
			return second(d.MayDecide(t.Context(), person("abe"), about("sam")))
		}},
		"the user, listing": {source: "user", ask: func(d *identity.Directory) error { return second(d.Approvers(t.Context(), about("sam"))) }},
		"a group, speaking": {source: "groups", ask: func(d *identity.Directory) error { return second(d.Who(t.Context(), account("b", "abe"))) }, says: "come with a group"},
		"a group, asking":   {source: "groups", ask: func(d *identity.Directory) error { return second(d.MayAsk(t.Context(), person("hal"), "tap")) }, says: "come with a group"},
		"a group, deciding": {source: "groups", ask: func(d *identity.Directory) error {
			return second(d.MayDecide(t.Context(), person("cat"), about("sam")))
		}, says: "slow down"},
		"a group, one's own role": {source: "groups", ask: func(d *identity.Directory) error {
			return second(d.MayDecide(t.Context(), person("abe"), about("sam")))
		}, may: true},
		"a group's members, listing": {source: "members", ask: func(d *identity.Directory) error { return second(d.Approvers(t.Context(), about("sam"))) }, says: "come with a group"},
		"a group's members, holders": {source: "members", ask: func(d *identity.Directory) error { return second(d.Holders(t.Context(), identity.Approver)) }, says: "come with a group"},
		"the manager, deciding": {source: "manager", ask: func(d *identity.Directory) error {
			return second(d.MayDecide(t.Context(), person("mia"), byManager(about("sam"))))
		}},
		"the manager, listing": {source: "manager", ask: func(d *identity.Directory) error { return second(d.Approvers(t.Context(), byManager(about("sam")))) }},
		"the target's roles": {source: "groups", ask: func(d *identity.Directory) error {
			return second(d.MayDecide(t.Context(), person("mia"), byManager(about("sam"))))
		}, says: "come with a group"},
		"who is away": {source: "away", ask: func(d *identity.Directory) error { return second(d.Approvers(t.Context(), about("sam"))) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := settle()
			s.fails[c.source] = down
			err := c.ask(s.open())
			if c.may {
				if err != nil {
					t.Errorf("refused for what it does not hang on: %v", err)
				}
				return
			}
			var no *approval.Refusal
			if !errors.Is(err, down) || errors.As(err, &no) {
				t.Fatalf("%v, want the tenant's error", err)
			}
			said, ok := errors.AsType[interface {
				error
				Say() string
			}](err)
			if !ok || !strings.Contains(said.Say(), c.says) {
				t.Errorf("said: %v", said)
			}
		})
	}
}

func second[T any](_ T, err error) error { return err }

func TestBench(t *testing.T) {
	t.Parallel()
	s := settle()
	s.away["o-bea"], s.away["o-sam"] = time.Time{}, time.Time{}
	s.rules.Backups = []string{"o-cat", "o-bea", "o-hal"}
	d := s.open()
	r := byManager(about("sam"))
	want := identity.Bench{Can: []approval.Principal{person("abe"), person("cat"), person("mia")}, Away: []approval.Principal{person("bea")}}
	b, err := d.Bench(t.Context(), r)
	if err != nil || !same(b, want) {
		t.Errorf("Bench = %+v, %v\nwant %+v", b, err, want)
	}
	r = about("cat")
	r.Requester = person("abe")
	want = identity.Bench{Requester: true, Targets: []approval.Principal{person("cat")}, Away: []approval.Principal{person("bea")}}
	if b, err = d.Bench(t.Context(), r); err != nil || !same(b, want) {
		t.Errorf("Bench = %+v, %v\nwant %+v", b, err, want)
	}
	r = byManager(about("sam"))
	r.Policy.Barred = []string{"o-abe", "o-mia", "o-hal"}
	want = identity.Bench{Can: []approval.Principal{person("cat")}, Provers: []approval.Principal{person("abe"), person("mia")}, Away: []approval.Principal{person("bea")}}
	if b, err = d.Bench(t.Context(), r); err != nil || !same(b, want) {
		t.Errorf("Bench = %+v, %v\nwant %+v", b, err, want)
	}
	backups, err := d.Backups(t.Context(), about("sam"))
	if err != nil || !slices.Equal(backups, []approval.Principal{person("cat")}) {
		t.Errorf("Backups = %v, %v; want cat: bea is away, and hal is no approver", backups, err)
	}
}

func same(a, b identity.Bench) bool {
	return a.Requester == b.Requester && slices.Equal(a.Can, b.Can) && slices.Equal(a.Targets, b.Targets) && slices.Equal(a.Provers, b.Provers) && slices.Equal(a.Away, b.Away)
}

// TestG10ListedTwice holds that who is on a list twice, or on it and in a
// group, counts once, or a quorum would seem within reach that is not.
func TestG10ListedTwice(t *testing.T) {
	t.Parallel()
	s := settle()
	s.rules.Roles["approver"] = append(holders("abe", "cat", "abe"), rules.Holder{Group: "g-board"}, rules.Holder{Group: "g-inner"})
	d := s.open()
	if got, err := d.Holders(t.Context(), identity.Approver); err != nil || !slices.Equal(got, []string{"o-abe", "o-cat"}) {
		t.Errorf("Holders = %v, %v", got, err)
	}
	people, err := d.Approvers(t.Context(), about("sam"))
	if err != nil || !slices.Equal(people, []approval.Principal{person("abe"), person("cat")}) {
		t.Errorf("Approvers = %v, %v", people, err)
	}
	via, err := d.Holds(t.Context(), "o-cat")
	if err != nil || !maps.Equal(via, map[identity.Role]string{identity.Approver: "user"}) {
		t.Errorf("Holds = %v, %v", via, err)
	}
}
