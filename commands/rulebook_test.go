package commands

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"twokey/audit"
	"twokey/chat"
	"twokey/commands/identity"
	"twokey/commands/link"
	"twokey/commands/rules"
	"twokey/graph/rollout"
	"twokey/store"
)

// laying lays rules down in a world.
func (w *world) laying() Laying {
	return Laying{Book: w.store, Tenant: w.tenant(), Links: w.store, Admins: adminsChannel, Zone: w.env.Zone}
}

func (w *world) lay(r rules.Rules) *rules.Keeper {
	w.t.Helper()
	history, err := w.laying().Lay(context.Background(), r)
	if err != nil {
		w.t.Fatal(err)
	}
	return rules.NewKeeper(history, w.now)
}

// recorded lists the records of a kind, oldest first.
func (w *world) recorded(kind string) (all []audit.Record) {
	w.t.Helper()
	for r, err := range w.store.Audit(context.Background()) {
		if err != nil {
			w.t.Fatal(err)
		}
		if r.Kind == kind {
			all = append(all, r)
		}
	}
	return all
}

// announced renders the announcements that are owed, by address.
func (w *world) announced() map[string]chat.Message {
	w.t.Helper()
	rows, err := w.store.Due(context.Background(), 100)
	if err != nil {
		w.t.Fatal(err)
	}
	all := map[string]chat.Message{}
	for _, row := range rows {
		m, err := Renderers(w.env)[row.Kind](context.Background(), row.Facts)
		if err != nil {
			w.t.Fatal(err)
		}
		all[encode(row.To)] = m
	}
	return all
}

func direct(name string) string { return encode(chat.Direct(account(name))) }

// TestU09 holds that a configuration which became weaker is noticed, told to
// everybody who decided until then, and late; that what became stronger holds at
// once; and that of what cannot wait it is not said that it does.
func TestU09(t *testing.T) {
	t.Parallel()
	onEach(t, weakened)
}

func weakened(t *testing.T, dsn string) {
	w := newWorldIn(t, dsn)
	w.laid()
	before := w.rules()
	if k := w.lay(before); k.Now().Hash() != before.Hash() || len(k.Waiting()) > 0 {
		t.Errorf("the first rules do not hold: %+v", k.Waiting())
	}
	if k := w.lay(before); k.Now().Hash() != before.Hash() {
		t.Error("the same rules do not hold")
	}
	if n, told := len(w.recorded("rules.first")), w.announced(); n != 1 || len(told) > 0 {
		t.Errorf("the first rules are recorded %d times and told to %d", n, len(told))
	}
	w.advance(50 * time.Hour)

	after := w.rules()
	after.Roles = maps.Clone(after.Roles)
	after.Roles["approver"] = []rules.Holder{{User: id("abe")}, {User: id("sam")}} // bea is out, sam is in
	after.Protected, after.Contact, after.Wait = nil, "Mallory, 13", time.Hour
	after.Addresses = map[string]string{"web.sign_in": "another app"}
	after.Links = maps.Clone(after.Links)
	after.Links[identity.LinkKey(account("mallory"))] = id("olga")
	k := w.lay(after)
	now := k.Now()
	if got := now.Roles["approver"]; !slices.Equal(got, []rules.Holder{{User: id("abe")}}) || now.Wait != time.Hour {
		t.Errorf("stronger is not there at once: %v, %s", got, now.Wait)
	}
	if !slices.Equal(now.Protected, before.Protected) || now.Contact != before.Contact || len(now.Links) != len(before.Links) {
		t.Errorf("weaker is there already: %+v", now)
	}

	told := w.announced()
	var to []string
	for address, m := range told {
		to = append(to, address)
		text := m.Plain()
		for _, want := range []string{
			"The rules of this bot were changed", "“Bea Fontaine” (id-bea) is gone. This holds now.",
			"“Sam Rivera” (id-sam) is new. This makes the rules weaker, so it only holds from Thu 26 Nov, 13:00.",
			"Protected accounts: “Emergency 1” (id-em1) is gone. This makes the rules weaker",
			"Contact: “Mallory, 13”, and before “Ada Okafor, 42”. This makes", "Wait of two: “1h0m0s”, and before “15m0s”. This holds now.",
			"Address web.sign_in: “another app” is new. This makes the rules weaker and cannot wait: it holds now.",
			"Link chat/W1/mallory: “Olga Petrova” (id-olga) is new. This makes", "“/mfa freeze” stops all changes at once",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("%s is not told %q:\n%s", address, want, text)
			}
		}
	}
	slices.Sort(to)
	want := []string{direct("abe"), direct("bea"), direct("olga"), encode(chat.Direct(chat.Account{Platform: "other", User: "abe-2"})), encode(adminsChannel)}
	slices.Sort(want)
	if !slices.Equal(to, want) {
		t.Errorf("told are %v\nwant %v", to, want)
	}

	records := w.recorded("rules.changed")
	if len(records) != 7 {
		t.Errorf("%d records, want one for each difference: %+v", len(records), records)
	}
	for _, r := range records {
		for _, name := range []string{"id-", "Mallory", "Ada", "mallory"} {
			if strings.Contains(r.Facts, name) {
				t.Errorf("the record names somebody: %s", r.Facts)
			}
		}
		if r.Actor != audit.Host || !strings.Contains(r.Facts, after.Hash()) {
			t.Errorf("%+v", r)
		}
	}
	if again := w.lay(after); again.Now().Hash() != now.Hash() || len(w.recorded("rules.changed")) != 7 {
		t.Error("a second start is a second change")
	}
	w.advance(rules.Late)
	if got := k.Now(); got.Hash() != after.Hash() {
		t.Errorf("a day later: waiting %+v", k.Waiting())
	}
	if _, err := audit.Verify(w.store.Audit(t.Context()), ""); err != nil {
		t.Error(err)
	}
}

// laid gives the fixture rules of which something can be taken.
func (w *world) laid() {
	w.protected, w.contact = []string{id("em1")}, "Ada Okafor, 42"
}

// TestU09Replicas holds that several processes which begin with the same rules
// record and tell once.
func TestU09Replicas(t *testing.T) {
	t.Parallel()
	onEach(t, togetherLaid)
}

func togetherLaid(t *testing.T, dsn string) {
	w := newWorldIn(t, dsn)
	w.lay(w.rules())
	after := w.rules()
	after.Solo = true
	books := []*store.Store{w.store}
	if strings.HasPrefix(dsn, "postgres") {
		books = append(books, w.open(dsn), w.open(dsn))
	}
	var group sync.WaitGroup
	for i := range 9 {
		group.Go(func() {
			l := w.laying()
			l.Book = books[i%len(books)]
			history, err := l.Lay(context.Background(), after)
			if err != nil || len(history) != 2 || rules.At(history, w.now()).Solo {
				t.Errorf("Lay = %+v, %v", history, err)
			}
		})
	}
	group.Wait()
	if n := len(w.recorded("rules.changed")); n != 1 {
		t.Errorf("recorded %d times", n)
	}
}

// TestU09ToldByThePage holds that an approver who linked on the page is told as
// well: most have no other account.
func TestU09ToldByThePage(t *testing.T) {
	t.Parallel()
	w := pageWorld(t, func(f *fixture) { delete(f.links, account("bea")) })
	w.connects("bea", id("bea"))
	w.advance(link.Young)
	w.lay(w.rules())
	after := w.rules()
	after.Solo = true
	w.lay(after)
	if told := w.toldOf("The rules of this bot were changed"); !slices.Contains(told, "bea") {
		t.Errorf("told are %v", told)
	}
}

// TestG29Rules holds that rules are not replaced while it cannot be found out
// whom to tell, or stored that they were told.
func TestG29Rules(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(f *fixture) { f.byGroup = map[identity.Role]string{identity.Approver: "g-board"} })
	before := w.rules()
	w.lay(before)
	after := w.rules()
	after.Solo = true
	for _, source := range []string{"groups", "user"} {
		w.fails[source] = errAway
		if _, err := w.laying().Lay(t.Context(), after); !errors.Is(err, errAway) {
			t.Errorf("without %s: %v", source, err)
		}
		delete(w.fails, source)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.laying().Lay(ctx, after); !errors.Is(err, context.Canceled) {
		t.Errorf("without a store: %v", err)
	}
	if history, err := w.store.Rules(t.Context(), tenantID); err != nil || len(history) != 1 || len(w.recorded("rules.changed")) > 0 {
		t.Errorf("laid down: %+v, %v", history, err)
	}
}

// TestU09EmergencyAccountHoldsLate holds that an account which was written down
// as an emergency account just now is exempt from nothing before a day is over.
func TestU09EmergencyAccountHoldsLate(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		is := o.laid
		is.Emergency = append(slices.Clone(is.Emergency), cast("sue"))
		o.env.Rules = rules.NewKeeper([]rules.Version{{Rules: o.laid, Since: o.now().Add(-2 * rules.Late)}, {Rules: is, Since: o.now()}}, o.now)
		o.env.Scope = rollout.Scope{Declared: map[string]rollout.Purpose{}}
		for _, id := range is.Emergency {
			o.env.Scope.Declared[id] = rollout.Emergency
		}
		o.assemble()
		args := string(o.asks("ada", "require-mfa report-only as agreed").Args)
		if strings.Contains(args, cast("sue")) || !strings.Contains(args, o.laid.Emergency[0]) {
			t.Errorf("exempt are %s", args)
		}
	}, p1Office)
}
