package commands

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"twokey/chat"
	"twokey/chat/outbox"
	"twokey/chat/visit"
	"twokey/commands/approval"
	"twokey/commands/identity"
	"twokey/commands/link"
	"twokey/commands/rules"
	"twokey/graph"
)

// thePage is where the page of these tests would be.
const thePage = "https://mfa.vale.example"

// withPage gives a world a page, on which people must prove who they are.
func (w *world) withPage() *world {
	w.env.Page, w.env.Chosen = thePage, nil
	w.assemble()
	return w
}

// pageWorld is a world with a page.
func pageWorld(t testing.TB, changes ...func(*fixture)) *world {
	t.Helper()
	return newWorld(t, changes...).withPage()
}

// tokenOf is the token of the address in an answer, which must have one.
func tokenOf(t testing.TB, m chat.Message) string {
	t.Helper()
	for _, l := range m.Links {
		if token, ok := strings.CutPrefix(l.URL, thePage+visit.Path); ok {
			return token
		}
	}
	t.Fatalf("no address of the page is in this:\n%s", m.Plain())
	return ""
}

// claims are what the page makes sure of.
func (w *world) claims(person string, p visit.Proof) visit.Claims {
	return visit.Claims{Tenant: w.env.Organization.ID, Object: person, Proof: p, At: w.env.Now()}
}

// signs opens an address and signs somebody in there.
func (w *world) signs(token, person string, p visit.Proof) (ticket string, done visit.Done) {
	w.t.Helper()
	desk := NewDesk(w.env)
	ticket, _, err := desk.Begin(context.Background(), token)
	if err != nil {
		w.t.Fatal(err)
	}
	if done, err = desk.Signed(context.Background(), ticket, w.claims(person, p)); err != nil {
		w.t.Fatalf("%s signs in: %v", person, err)
	}
	return ticket, done
}

// connects has somebody link an account, by signing in and typing the code.
func (w *world) connects(account, person string) said {
	w.t.Helper()
	_, done := w.signs(tokenOf(w.t, w.say(account, "link").Message), person, visit.MFA)
	got := w.say(account, "link "+done.Code)
	wantSaid(w.t, got, "You are")
	return got
}

// speaker is who an account is.
func (w *world) speaker(a chat.Account) identity.Speaker {
	w.t.Helper()
	who, err := w.env.People.Who(context.Background(), a)
	if err != nil {
		w.t.Fatal(err)
	}
	return who
}

// linkNow is the link of an account, as it is stored.
func (w *world) linkNow(user string) (l link.Link) {
	w.t.Helper()
	err := w.store.ViewLinks(context.Background(), func(tx link.Tx) (err error) {
		l, err = tx.Link(w.env.Organization.ID, account(user))
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return l
}

// toldOf lists where something with these words was announced.
func (w *world) toldOf(words string) (to []string) {
	w.t.Helper()
	rows, err := w.store.Due(context.Background(), 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range rows {
		if r.Kind == approval.NoticeAnnouncement && strings.Contains(string(r.Facts), words) {
			to = append(to, addressee(r))
		}
	}
	slices.Sort(to)
	return to
}

func addressee(r outbox.Row) string { return cmp.Or(r.To.User, r.To.Channel) }

// TestU01Link walks the road of a link: an address that changes nothing when it is
// looked at and begins one visit, a sign-in, a code, and an account that is known.
func TestU01Link(t *testing.T) {
	t.Parallel()
	w := pageWorld(t, func(f *fixture) { f.add("eve", "Eve Marsh") })
	desk := NewDesk(w.env)
	token := tokenOf(t, w.say("eve", "link").Message)
	for range 2 {
		v, err := desk.Look(t.Context(), token)
		if err != nil || v.Purpose != visit.Link || v.Account != "chat/W1/eve" || v.Person != "" || v.Begun || v.Least != visit.Password {
			t.Fatalf("Look = %+v, %v", v, err)
		}
	}
	ticket, v, err := desk.Begin(t.Context(), token)
	if err != nil || !v.Begun || v.Signed {
		t.Fatalf("Begin = %+v, %v", v, err)
	}
	if _, _, err := desk.Begin(t.Context(), token); !errors.Is(err, visit.Gone) {
		t.Errorf("the address begins a second visit: %v", err)
	}
	if _, err := desk.Visit(t.Context(), token); !errors.Is(err, visit.Gone) {
		t.Errorf("the address goes for a ticket: %v", err)
	}
	if keys, err := desk.Keys(t.Context(), ticket); len(keys) > 0 || err != nil {
		t.Errorf("keys before anybody signed in: %v, %v", keys, err)
	}
	done, err := desk.Signed(t.Context(), ticket, w.claims(id("eve"), visit.Password))
	if err != nil || done.Code == "" || !done.Enrol || done.Pass {
		t.Fatalf("Signed = %+v, %v", done, err)
	}
	if _, err := desk.Signed(t.Context(), ticket, w.claims(id("bea"), visit.MFA)); !errors.Is(err, visit.Gone) {
		t.Errorf("somebody signs in a second time: %v", err)
	}
	if who := w.speaker(account("eve")); who.Linked {
		t.Errorf("before the code is typed they are %+v", who)
	}
	wantSaid(t, w.say("eve", "link "+strings.ToLower(done.Code)), "You are “Eve Marsh” here from now on.")
	if who := w.speaker(account("eve")); who.Principal.Object != id("eve") || who.Proof != "signed in on the page, by fresh password" {
		t.Errorf("they are %+v", who)
	}
	wantSaid(t, w.say("eve", "link "+done.Code), "There is no code to type here now.")
	wantSaid(t, w.say("eve", "whoami"), "Eve Marsh", "signed in on the page")
	wantSaid(t, w.say("eve", "unlink"), "linked to nobody")
	if who := w.speaker(account("eve")); who.Linked || len(w.recorded("link.made")) != 1 || len(w.recorded("link.ended")) != 1 {
		t.Errorf("after it is ended they are %+v", who)
	}
}

// TestU01Quarantine links a new account of each role's holder: for a day it may do
// what everybody may, nobody writes there, and those are told whom it should worry.
func TestU01Quarantine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		person string
		told   []string // where, if anywhere
	}{
		{"olga", []string{"C-admins", "olga"}},
		{"ada", []string{"C-admins", "ada"}},
		{"bea", []string{"C-admins", "bea"}},
		{"vic", []string{"C-admins", "vic"}},
		{"hal", []string{"C-admins", "hal"}},
		{"sam", []string{"sam"}},
	} {
		t.Run(c.person, func(t *testing.T) {
			t.Parallel()
			w := pageWorld(t)
			w.connects("new", id(c.person))
			staff, a := c.person == "sam", account("new")
			if got := w.toldOf("has linked a chat account"); !slices.Equal(got, c.told) {
				t.Errorf("told: %v, want %v", got, c.told)
			}
			holds := func(when string, full bool) {
				t.Helper()
				who := w.speaker(a)
				own := w.speaker(account(c.person))
				if !who.Linked || who.Quarantined == full || (who.Principal == own.Principal) != full || full && !slices.Equal(who.Roles, own.Roles) || !full && who.Has(identity.Viewer) {
					t.Errorf("%s they are %+v", when, who)
				}
				if written := slices.Contains(w.env.People.Accounts(t.Context(), own.Principal), a); written != full {
					t.Errorf("%s their new account is written to: %t", when, written)
				}
			}
			holds("at once", staff)
			w.advance(24*time.Hour - time.Second)
			w.connects("new", id(c.person)) // to sign in again makes it no older
			holds("just before a day is over", staff)
			w.advance(time.Second)
			holds("a day later", true)
			if got := w.toldOf("has linked a chat account"); !slices.Equal(got, c.told) {
				t.Errorf("told of a renewed link: %v", got)
			}
		})
	}
}

// TestU01Confirm lets an owner say that a link counts: not their own, not without
// a fresh proof, and nobody else may. Whoever did not expect it ends it.
func TestU01Confirm(t *testing.T) {
	t.Parallel()
	w := pageWorld(t)
	w.connects("bea-new", id("bea"))
	w.connects("olga-new", id("olga"))
	ref, own := w.linkNow("bea-new").Ref, w.linkNow("olga-new").Ref
	wantSaid(t, w.say("abe", "link confirm "+ref), "may not use")
	wantSaid(t, w.say("olga-new", "link confirm "+ref), "linked less than a day ago")
	asked := w.say("olga", "link confirm "+ref)
	wantSaid(t, asked, "fresh proof of who you are")
	w.signs(tokenOf(t, asked.Message), id("olga"), visit.MFA)
	wantSaid(t, w.say("olga", "link confirm "+own), "another owner has to confirm it")
	wantSaid(t, w.say("olga", "link confirm L-NOPE22"), "There is no such link")
	wantSaid(t, w.press("olga", asked.Buttons[0].ID, asked.Buttons[0].Value, nil), ref+" counts from now on")
	if who := w.speaker(account("bea-new")); who.Principal.Object != id("bea") || !who.Has(identity.Approver) {
		t.Errorf("confirmed, bea is %+v", who)
	}
	if got := w.recorded("link.confirmed"); len(got) != 1 || !strings.Contains(got[0].Facts, "fresh MFA") {
		t.Errorf("recorded: %+v", got)
	}
	wantSaid(t, w.say("sam", "unlink "+ref), "There is no such link")
	w.connects("bea-newer", id("bea"))
	wantSaid(t, w.say("bea-newer", "unlink "+ref), "There is no such link") // it is new itself
	wantSaid(t, w.say("bea", "unlink "+ref), ref+" has ended")
	wantSaid(t, w.say("abe", "unlink "+own), own+" has ended") // who decides may take away
	for _, user := range []string{"bea-new", "olga-new"} {
		if who := w.speaker(account(user)); who.Linked {
			t.Errorf("%s is still %+v", user, who)
		}
	}
}

// TestU01ForwardedLink sends the address of one's own account to an approver, who
// signs in there. Whatever is typed then, it links nothing.
func TestU01ForwardedLink(t *testing.T) {
	t.Parallel()
	w := pageWorld(t)
	_, done := w.signs(tokenOf(t, w.say("eve", "link").Message), id("bea"), visit.MFA)
	wantSaid(t, w.say("bea", "link "+done.Code), "An owner has said already whose this chat account is")
	wantSaid(t, w.say("mallory", "link "+done.Code), "There is no code to type here now.")
	for n := range link.TriesEach {
		wantSaid(t, w.say("eve", fmt.Sprintf("link AAAA-AAA%d", n+2)), "That is not the code.")
	}
	wantSaid(t, w.say("eve", "link "+done.Code), "There is no code to type here now.") // it would have been the right one
	for _, user := range []string{"eve", "mallory"} {
		if l := w.linkNow(user); !l.Zero() {
			t.Errorf("%s is linked: %+v", user, l)
		}
	}
	// A person without a pin who is sent it has no place for the code either.
	_, done = w.signs(tokenOf(t, w.say("eve", "link").Message), id("sam"), visit.MFA)
	_ = w.say("victim", "link")
	wantSaid(t, w.say("victim", "link "+done.Code), "There is no code to type here now.")
}

// TestU01PinnedStays holds that nothing on the page moves what the owner pinned,
// before and after.
func TestU01PinnedStays(t *testing.T) {
	t.Parallel()
	w := pageWorld(t)
	got := w.say("bea", "link")
	wantSaid(t, got, "An owner has said already")
	if len(got.Links) > 0 {
		t.Errorf("an address is given: %v", got.Links)
	}
	wantSaid(t, w.say("bea", "unlink"), "only an owner can end that")
	// An account that is pinned in between is no longer linked, and a link that
	// was there gives way.
	w.connects("three", id("abe"))
	w.advance(link.Young)
	_, done := w.signs(tokenOf(t, w.say("one", "link").Message), id("abe"), visit.MFA)
	two := tokenOf(t, w.say("two", "link").Message)
	for _, user := range []string{"one", "two", "three"} {
		w.fixture.links[account(user)] = id("sam")
	}
	w.govern(rules.Fixed(w.rules()))
	wantSaid(t, w.say("one", "link "+done.Code), "An owner has said already")
	desk := NewDesk(w.env)
	ticket, _, err := desk.Begin(t.Context(), two)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := desk.Signed(t.Context(), ticket, w.claims(id("abe"), visit.MFA)); !errors.Is(err, visit.Other) {
		t.Errorf("signed in for a pinned account: %v", err)
	}
	for _, user := range []string{"one", "two", "three"} {
		if who := w.speaker(account(user)); who.User.ID != id("sam") || who.Proof != "pinned in the configuration" {
			t.Errorf("%s is %+v", user, who)
		}
	}
	if all := w.env.People.Accounts(t.Context(), approval.Principal{Tenant: tenantID, Object: id("abe")}); slices.Contains(all, account("three")) {
		t.Errorf("abe is written to at an account that is sam's: %v", all)
	}
}

// TestU01WithoutPage says in a sentence whom to ask.
func TestU01WithoutPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.env.Chosen = nil
	w.assemble()
	got := w.say("eve", "link")
	wantSaid(t, got, "There is no page here", "“chat/W1/eve”")
	if len(got.Links) > 0 {
		t.Errorf("an address is given: %v", got.Links)
	}
}

// TestG16Refusals signs in on the page in every way that is not right: nothing is
// linked or proved, and after some tries the visit is over.
func TestG16Refusals(t *testing.T) {
	t.Parallel()
	guest := func(f *fixture) { f.edit("vic", func(u *graph.User) { u.Enabled = false }) }
	for name, c := range map[string]struct {
		who, line string
		change    func(*visit.Claims)
		want      error
	}{
		"another tenant":              {"eve", "link", func(c *visit.Claims) { c.Tenant = "other" }, visit.Other},
		"nobody":                      {"eve", "link", func(c *visit.Claims) { c.Object = "" }, visit.Other},
		"somebody who is gone":        {"eve", "link", func(c *visit.Claims) { c.Object = id("gone") }, visit.Other},
		"somebody who is disabled":    {"eve", "link", func(c *visit.Claims) { c.Object = id("vic") }, visit.Other},
		"by a name":                   {"eve", "link", func(c *visit.Claims) { c.Object = "bea@vale.example" }, visit.Other},
		"signed in before it began":   {"eve", "link", func(c *visit.Claims) { c.At = c.At.Add(-3 * time.Minute) }, visit.Weak},
		"proved nothing":              {"eve", "link", func(c *visit.Claims) { c.Proof = "" }, visit.Weak},
		"proved what nobody heard of": {"eve", "link", func(c *visit.Claims) { c.Proof = "trust me" }, visit.Weak},
		"another person steps up":     {"ada", "defaults enable now", func(c *visit.Claims) { c.Object = id("abe") }, visit.Other},
		"stepped up before it began":  {"ada", "defaults enable now", func(c *visit.Claims) { c.At = c.At.Add(-3 * time.Minute) }, visit.Weak},
		"a passkey that nobody has":   {"ada", "defaults enable now", func(c *visit.Claims) { c.Proof, c.Passkey = visit.Passkey, "x" }, visit.Other},
		"step-up of another tenant's": {"ada", "defaults enable now", func(c *visit.Claims) { c.Tenant = "other" }, visit.Other},
		"a passkey of somebody else":  {"ada", "defaults enable now", func(c *visit.Claims) { c.Proof, c.Passkey = visit.Passkey, "key-of-abe" }, visit.Other},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := pageWorld(t, guest)
			w.keepKey(link.Key{Ref: "K-1", Tenant: tenantID, Object: id("abe"), Key: visit.Key{ID: "key-of-abe", Added: start.Add(-48 * time.Hour)}})
			desk := NewDesk(w.env)
			ticket, _, err := desk.Begin(t.Context(), tokenOf(t, w.say(c.who, c.line).Message))
			if err != nil {
				t.Fatal(err)
			}
			claims := w.claims(id(strings.Replace(c.who, "eve", "bea", 1)), visit.MFA)
			right := claims
			c.change(&claims)
			for n := range link.TriesEach {
				if _, err := desk.Signed(t.Context(), ticket, claims); !errors.Is(err, c.want) {
					t.Fatalf("try %d: %v, want %v", n, err, c.want)
				}
			}
			if _, err := desk.Signed(t.Context(), ticket, right); !errors.Is(err, visit.Gone) {
				t.Errorf("after so many tries the right one is taken: %v", err)
			}
			if l := w.linkNow(c.who); !l.Zero() {
				t.Errorf("linked: %+v", l)
			}
			if n := len(w.recorded("person.not-proved")); n != link.TriesEach {
				t.Errorf("%d tries are recorded", n)
			}
		})
	}
}

// keepKey stores a passkey.
func (w *world) keepKey(k link.Key) {
	w.t.Helper()
	if err := w.store.UpdateLinks(context.Background(), func(tx link.Tx) error { return tx.SaveKey(k) }); err != nil {
		w.t.Fatal(err)
	}
}

// TestG16Addresses holds that an address is worth nothing when its time is over,
// when a newer one was given out, or when it never was one, and that nobody gets
// many.
func TestG16Addresses(t *testing.T) {
	t.Parallel()
	w := pageWorld(t)
	desk := NewDesk(w.env)
	late := tokenOf(t, w.say("eve", "link").Message)
	w.advance(visit.Life)
	older := tokenOf(t, w.say("eve", "link").Message)
	good := tokenOf(t, w.say("eve", "link").Message)
	for name, token := range map[string]string{"late": late, "an older one": older, "none": "", "a guess": link.NewToken(), "a sum": link.Sum(good)} {
		_, look := desk.Look(t.Context(), token)
		_, _, begin := desk.Begin(t.Context(), token)
		if !errors.Is(look, visit.Gone) || !errors.Is(begin, visit.Gone) {
			t.Errorf("%s: Look %v, Begin %v", name, look, begin)
		}
	}
	ticket, _, err := desk.Begin(t.Context(), good)
	if err != nil {
		t.Fatal(err)
	}
	w.advance(visit.Life)
	if _, err := desk.Signed(t.Context(), ticket, w.claims(id("sam"), visit.MFA)); !errors.Is(err, visit.Gone) {
		t.Errorf("signed in when the visit was over: %v", err)
	}
	for range link.AskedHourly - 3 {
		_ = w.say("eve", "link")
	}
	wantSaid(t, w.say("eve", "link"), "too often within the hour")
	if got := w.say("mallory", "link"); len(got.Links) == 0 {
		t.Errorf("another account is refused too:\n%s", got.Plain())
	}
	w.advance(link.Lately)
	_ = tokenOf(t, w.say("eve", "link").Message)
}

// TestG09EveryLinkedPair lets somebody have accounts that the owner pinned and
// accounts that they linked, asks by each and approves by each: always refused.
func TestG09EveryLinkedPair(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		person := rapid.SampledFrom([]string{"ada", "olga"}).Draw(t, "person")
		w.fixture.roles[identity.Approver] = []string{id("abe"), id("bea"), id("ada"), id("olga")}
		w.govern(rules.Fixed(w.rules()))
		accounts := []chat.Account{account(person)}
		for i := range rapid.IntRange(1, 3).Draw(t, "links") {
			a := chat.Account{Platform: rapid.SampledFrom([]string{"chat", "other"}).Draw(t, "platform"), Workspace: "W1", User: fmt.Sprintf("%d-%d", n, i)}
			err := w.store.UpdateLinks(context.Background(), func(tx link.Tx) error {
				return tx.SaveLink(link.Link{Ref: link.NewRef("L"), Tenant: tenantID, Account: a, Object: id(person), Since: w.now().Add(-link.Young)})
			})
			if err != nil {
				t.Fatal(err)
			}
			accounts = append(accounts, a)
		}
		for _, asks := range accounts {
			w.advance(24 * time.Hour) // what is of late is read each time
			got := w.handle(chat.Event{Kind: chat.Command, From: asks, Text: "defaults enable for the test"})
			wantSaid(w.t, got, "Recorded as R-")
			r := w.named(got.Request)
			for _, approves := range accounts {
				wantSaid(w.t, w.handle(chat.Event{Kind: chat.Press, From: approves, Button: "approve", Value: r.Seal()}), "You asked for this yourself")
			}
			wantSaid(w.t, w.handle(chat.Event{Kind: chat.Press, From: accounts[0], Button: "cancel", Value: r.Seal()}), "You cancelled")
		}
	})
}

// TestO25LinkedTwice has an approver vote by an account that was pinned and one
// that they linked: it counts once.
func TestO25LinkedTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.withPage().connects("bea-new", id("bea"))
	w.env.Page, w.env.Chosen = "", func(chat.Account) bool { return true }
	w.assemble()
	w.advance(link.Young)
	r := w.ask()
	wantSaid(t, w.press("bea", "approve", r.Seal(), nil), "It needs one more person")
	wantSaid(t, w.press("bea-new", "approve", r.Seal(), nil), "You have already approved")
	if got := w.stored()[0].State; got != approval.Pending {
		t.Errorf("it is %s", got)
	}
}

// TestO27Profiles takes an approver's name and address, in the directory and in the
// chat: a link is by object ID, and stays where it is.
func TestO27Profiles(t *testing.T) {
	t.Parallel()
	w := pageWorld(t)
	w.connects("bea-new", id("bea"))
	w.advance(link.Young)
	w.edit("bea", func(u *graph.User) { u.UPN, u.Name, u.Mail = "old@vale.example", "Somebody", "" })
	w.edit("sam", func(u *graph.User) { u.UPN, u.Name, u.Mail = "bea@vale.example", "Bea Fontaine", "bea@vale.example" })
	if who := w.speaker(account("bea-new")); who.User.ID != id("bea") || !who.Has(identity.Approver) {
		t.Errorf("the link went with the address: %+v", who)
	}
	if who := w.speaker(account("sam")); len(who.Roles) > 0 {
		t.Errorf("the address brought a role: %+v", who)
	}
	for _, a := range []string{"bea@vale.example", "Bea Fontaine", "BEA-NEW"} {
		if who := w.speaker(account(a)); who.Linked {
			t.Errorf("%s is linked: %+v", a, who)
		}
	}
}

// TestO30GuestLinks links a guest who is on the list of approvers by mistake: they
// are let in as a guest is, and decide nothing.
func TestO30GuestLinks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(f *fixture) {
		f.add("guest", "Gus Visitor", graph.MethodAuthenticator)
		f.edit("guest", func(u *graph.User) { u.Guest = true })
		f.roles[identity.Approver] = append(f.roles[identity.Approver], id("guest"))
	})
	w.withPage().connects("guest", id("guest"))
	w.env.Page, w.env.Chosen = "", func(chat.Account) bool { return true }
	w.assemble()
	w.advance(link.Young)
	r := w.ask()
	wantSaid(t, w.press("guest", "approve", r.Seal(), nil), "You may not decide this.")
	wantSaid(t, w.say("olga", "doctor"), "listed as an approver, and is a guest")
}

// TestU24Personal holds of accounts that are people's own that each change needs a
// fresh proof, whatever the owner accepts, and that their links end.
func TestU24Personal(t *testing.T) {
	t.Parallel()
	laid := func(w *world, change func(*rules.Rules)) {
		r := w.rules()
		change(&r)
		w.govern(rules.Fixed(r))
	}
	w := newWorld(t)
	w.env.Chosen = nil
	everyKind := slices.Concat(Kinds(), []string{GoalKind, ScopeKind, ExceptionKind, approval.KindThaw, ownBlockKind.name})
	for _, kind := range everyKind {
		for _, deed := range []approval.Deed{approval.ToAsk, approval.ToApprove, approval.ToCollect} {
			laid(w, func(r *rules.Rules) { r.AcceptNoStepUp = true })
			if _, err := Prove(w.env)(t.Context(), approval.Principal{Tenant: tenantID, Object: id("ada")}, encode(account("ada")), kind, deed); err != nil {
				t.Errorf("%s to %s, where the owner accepts to go without: %v", deed, kind, err)
			}
			laid(w, func(r *rules.Rules) { r.AcceptNoStepUp, r.Personal = true, []string{"chat"} })
			_, err := Prove(w.env)(t.Context(), approval.Principal{Tenant: tenantID, Object: id("ada")}, encode(account("ada")), kind, deed)
			if own := deed == approval.ToAsk && kind == ownBlockKind.name; errors.Is(err, errNoStepUp) == own {
				t.Errorf("%s to %s, by an account of their own: %v", deed, kind, err)
			}
		}
	}
	w.add("eve", "Eve Marsh")
	w.withPage().connects("eve", id("eve"))
	w.advance(89 * 24 * time.Hour)
	if who := w.speaker(account("eve")); !who.Linked {
		t.Error("the link ended too early")
	}
	w.connects("eve", id("eve"))
	w.advance(89 * 24 * time.Hour)
	if who := w.speaker(account("eve")); !who.Linked {
		t.Error("the link that was renewed ended too early")
	}
	w.advance(24 * time.Hour)
	if who := w.speaker(account("eve")); who.Linked || len(w.env.People.Accounts(t.Context(), approval.Principal{Tenant: tenantID, Object: id("eve")})) > 0 {
		t.Errorf("after 90 days they are %+v", who)
	}
}

// TestU24Leavers cuts off whoever linked an account, the moment the account in the
// directory is disabled or gone.
func TestU24Leavers(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(*world){
		"disabled": func(w *world) { w.disable("bea") }, "deleted": func(w *world) { w.remove("bea") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := pageWorld(t)
			w.connects("bea-new", id("bea"))
			w.advance(link.Young)
			stepUp := w.press("bea-new", "approve", "R-ABC234", nil)
			wantSaid(t, stepUp, "no such request")
			asked := tokenOf(t, w.say("bea-new", "link").Message)
			leave(w)
			if who := w.speaker(account("bea-new")); who.Linked || who.Principal != (approval.Principal{}) {
				t.Errorf("they are %+v", who)
			}
			desk := NewDesk(w.env)
			ticket, _, err := desk.Begin(t.Context(), asked)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := desk.Signed(t.Context(), ticket, w.claims(id("bea"), visit.MFA)); !errors.Is(err, visit.Other) {
				t.Errorf("they sign in: %v", err)
			}
		})
	}
}

// everybodyChosen is how the demo lets anybody speak for anybody.
func everybodyChosen(chat.Account) bool { return true }

func pressOf(a chat.Account, button, value string) chat.Event {
	return chat.Event{Kind: chat.Press, From: a, Button: button, Value: value}
}

// TestU01NewManager holds that whoever signed in once as somebody's manager, and
// linked an account of their own as theirs, neither decides nor vouches for a day.
func TestU01NewManager(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		other := o.plain(1)[0]
		boss, err := o.client.Manager(o.t.Context(), other)
		if err != nil {
			o.t.Fatal(err)
		}
		o.twist.bosses = map[string]string{cast("sue"): boss.ID}
		err = o.store.UpdateLinks(o.t.Context(), func(tx link.Tx) error {
			return tx.SaveLink(link.Link{Ref: link.NewRef("L"), Tenant: o.env.Organization.ID, Account: account("new"), Object: boss.ID, Since: o.now(), Proof: visit.MFA})
		})
		if err != nil {
			o.t.Fatal(err)
		}
		o.say("sue", "lost I left it on the train")
		vouch := "case proof " + o.caseAbout("sue") + " manager"
		asks := func() approval.Request {
			o.t.Helper()
			r := o.asks("ada", "tap "+other+" for a test")
			if !r.Policy.Manager {
				o.t.Fatalf("it is decided by %+v", r.Policy)
			}
			return r
		}
		r := asks()
		wantSaid(o.t, o.press("new", "approve", r.Seal(), nil), "you cannot decide as a manager yet")
		wantSaid(o.t, o.say("new", vouch), "your word as a manager does not count yet")
		o.press("ada", "cancel", r.Seal(), nil)
		o.advance(24 * time.Hour)
		wantSaid(o.t, o.say("new", vouch), "Recorded: ")
		wantSaid(o.t, o.press("new", "approve", asks().Seal(), nil), "it was the last one needed")
	}, func(s *setting) { s.laid.ManagerApproves = true })
}
