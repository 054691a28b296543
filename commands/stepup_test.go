package commands

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/chat/visit"
	"twokey/commands/approval"
	"twokey/commands/link"
	"twokey/commands/rules"
	"twokey/graph"
)

// TestU02Kinds holds for each kind of change whether it needs a fresh proof: with
// a page always what a stolen chat session must not be enough for, and without
// one unless the owner accepts to go without.
func TestU02Kinds(t *testing.T) {
	t.Parallel()
	fresh := []string{"defaults", "legacy-block", "method", "phone", "reset", "tap", "unblock", approval.KindThaw}
	for _, row := range []struct {
		name, page string
		accepts    bool
		want       error // for those that need one
	}{
		{"a page", thePage, false, approval.ErrStepUp},
		{"a page, and more accepted than is needed", thePage, true, approval.ErrStepUp},
		{"no page", "", false, errNoStepUp},
		{"no page, and said so", "", true, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.env.Page, w.env.Chosen = row.page, nil
			r := w.rules()
			r.AcceptNoStepUp = row.accepts
			w.govern(rules.Fixed(r))
			for _, kind := range slices.Concat(Kinds(), []string{GoalKind, ScopeKind, ExceptionKind, approval.KindThaw, ownBlockKind.name, forLists, forLinks}) {
				want := row.want
				if !slices.Contains(fresh, kind) && kind != forLists && kind != forLinks {
					want = nil
				}
				_, err := Prove(w.env)(t.Context(), approval.Principal{Tenant: tenantID, Object: id("ada")}, encode(account("ada")), kind, approval.ToApprove)
				if !errors.Is(err, want) {
					t.Errorf("%s: %v, want %v", kind, err, want)
				}
			}
			_, err := Prove(w.env)(t.Context(), approval.Principal{Tenant: tenantID, Object: id("ada")}, "{", DefaultsKind, approval.ToApprove)
			if err == nil {
				t.Error("an account that cannot be read needs nothing")
			}
		})
	}
}

// TestU09PageTakenOut holds that who takes the page out of the configuration, where
// going without a proof is accepted, is asked for one all the same for a day: no
// powerful change passes meanwhile.
func TestU09PageTakenOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	was, is := w.rules(), w.rules()
	was.AcceptNoStepUp, is.AcceptNoStepUp = true, true
	was.Addresses = map[string]string{"web.public_url": thePage, "web.sign_in": "app"}
	w.env.Page, w.env.Chosen = "", nil
	w.govern(rules.NewKeeper([]rules.Version{{Rules: was, Since: w.now().Add(-2 * rules.Late)}, {Rules: is, Since: w.now()}}, w.now))
	prove := func() error {
		_, err := Prove(w.env)(t.Context(), approval.Principal{Tenant: tenantID, Object: id("ada")}, encode(account("ada")), PassKind, approval.ToApprove)
		return err
	}
	w.advance(rules.Late - time.Second)
	if err := prove(); err != errNoStepUpYet {
		t.Errorf("before a day is over: %v", err)
	}
	w.advance(time.Second)
	if err := prove(); err != nil {
		t.Errorf("a day later: %v", err)
	}
}

// TestU02StepUp asks and approves by a chat session alone: nothing is stored until
// the same person has shown on the page who they are, by that very account, within
// the last minutes. To deny and to cancel nobody needs that.
func TestU02StepUp(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, dsn string) {
		w := newWorldIn(t, dsn).withPage()
		asked := w.say("ada", "defaults enable all have been trained")
		wantSaid(t, asked, "This needs a fresh proof of who you are.", "Nothing is done yet", "never ask for a password")
		if n := len(w.stored()); n > 0 {
			t.Fatalf("%d requests are stored", n)
		}
		v, err := NewDesk(w.env).Look(t.Context(), tokenOf(t, asked.Message))
		if err != nil || v.Purpose != visit.StepUp || v.Person != id("ada") || v.About != "To go on with “/mfa defaults enable”." {
			t.Errorf("Look = %+v, %v", v, err)
		}
		w.signs(tokenOf(t, asked.Message), id("ada"), visit.MFA)
		wantSaid(t, w.press("ada", asked.Buttons[0].ID, asked.Buttons[0].Value, nil), "Recorded as R-")
		r := w.stored()[0]
		if got := r.Warrant.Fresh; got.Proof != "fresh MFA" || !got.At.Equal(w.now()) {
			t.Errorf("the request was asked with %+v", got)
		}

		for range 2 {
			wantSaid(t, w.press("abe", "approve", r.Seal(), nil), "fresh proof of who you are")
			wantSaid(t, w.say("abe", "approve "+strings.ToLower(r.Ref)), "fresh proof of who you are")
		}
		pressed := w.press("abe", "approve", r.Seal(), nil)
		v, err = NewDesk(w.env).Look(t.Context(), tokenOf(t, pressed.Message))
		if err != nil || v.About != "To approve "+r.Ref+": Changing security defaults." {
			t.Errorf("Look = %+v, %v", v, err)
		}
		w.signs(tokenOf(t, pressed.Message), id("abe"), visit.MFA)
		other := w.account("other", "abe-2", "approve", r.Seal())
		wantSaid(t, other, "fresh proof of who you are") // proved by the one account, pressed by the other
		wantSaid(t, w.press("bea", "approve", r.Seal(), nil), "fresh proof of who you are")
		w.advance(link.ProofLife)
		wantSaid(t, w.press("abe", "approve", r.Seal(), nil), "fresh proof of who you are")
		again := w.press("abe", "approve", r.Seal(), nil)
		w.signs(tokenOf(t, again.Message), id("abe"), visit.MFA)
		w.advance(link.ProofLife - time.Second)
		wantSaid(t, w.press("abe", again.Buttons[0].ID, again.Buttons[0].Value, nil), "Your approval of "+r.Ref+" is recorded")

		ds := w.decisions(r)
		if len(ds) != 1 || ds[0].Warrant.Fresh.Proof != "fresh MFA" {
			t.Errorf("decided: %+v", ds)
		}
		if got := w.recorded("request.vote"); len(got) != 1 || !strings.Contains(got[0].Facts, `"fresh":"fresh MFA"`) || !strings.Contains(got[0].Facts, `"fresh_at"`) {
			t.Errorf("recorded: %+v", got)
		}
		wantSaid(t, w.say("ada", "audit show "+r.Ref), "fresh MFA")
		wantSaid(t, w.press("bea", "deny", r.Seal(), map[string]string{"reason": "not now"}), "You denied")
	})
}

// account presses a button by an account of another platform.
func (w *world) account(platform, user, button, value string) said {
	w.t.Helper()
	a := account(user)
	a.Platform, a.Workspace = platform, ""
	return w.handle(pressOf(a, button, value))
}

// decisions are those on a request.
func (w *world) decisions(r approval.Request) (ds []approval.Decision) {
	w.t.Helper()
	err := w.store.View(context.Background(), func(tx approval.Tx) (err error) {
		ds, err = tx.Decisions(r.ID)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return ds
}

// TestU03Proofs says what each proof is worth: by the owner's rules, and never less
// than a passkey from whoever has one that counts.
func TestU03Proofs(t *testing.T) {
	t.Parallel()
	old, young := start.Add(-link.Young), start.Add(-link.Young+time.Minute)
	for name, c := range map[string]struct {
		rule  string
		key   link.Key
		proof visit.Proof
		signs error  // what the page is told
		then  string // what the chat says
	}{
		"a password, by default":               {"", link.Key{}, visit.Password, nil, "You have given a fresh password, and this needs a fresh MFA."},
		"MFA, by default":                      {"", link.Key{}, visit.MFA, nil, "Recorded as R-"},
		"a password, where that is enough":     {"password", link.Key{}, visit.Password, nil, "Recorded as R-"},
		"MFA, where a passkey is needed":       {"passkey", link.Key{}, visit.MFA, nil, "You have given a fresh MFA, and this needs a passkey."},
		"a passkey":                            {"passkey", link.Key{Key: visit.Key{Added: old}}, visit.Passkey, nil, "Recorded as R-"},
		"a new passkey is but a password":      {"", link.Key{Key: visit.Key{Added: young}}, visit.Passkey, nil, "You have given a fresh password, and this needs a fresh MFA."},
		"a new passkey that is trusted":        {"passkey", link.Key{Key: visit.Key{Added: young}, Trusted: true}, visit.Passkey, nil, "Recorded as R-"},
		"MFA of whoever has a passkey":         {"password", link.Key{Key: visit.Key{Added: old}}, visit.MFA, visit.Weak, "This needs a fresh proof of who you are."},
		"a password of whoever has a passkey":  {"password", link.Key{Key: visit.Key{Added: old}}, visit.Password, visit.Weak, "This needs a fresh proof of who you are."},
		"MFA of whoever has a new passkey":     {"", link.Key{Key: visit.Key{Added: young}}, visit.MFA, nil, "Recorded as R-"},
		"a password, and a passkey of another": {"", link.Key{Object: id("abe"), Key: visit.Key{Added: old}}, visit.Passkey, visit.Other, "This needs a fresh proof of who you are."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := pageWorld(t)
			r := w.rules()
			r.StepUp = c.rule
			w.govern(rules.Fixed(r))
			if !c.key.Added.IsZero() {
				c.key.ID, c.key.Ref, c.key.Tenant = "key", "K-1", tenantID
				if c.key.Object == "" {
					c.key.Object = id("ada")
				}
				w.keepKey(c.key)
			}
			asked := w.say("ada", "defaults enable all have been trained")
			desk := NewDesk(w.env)
			ticket, _, err := desk.Begin(t.Context(), tokenOf(t, asked.Message))
			if err != nil {
				t.Fatal(err)
			}
			claims := w.claims(id("ada"), c.proof)
			if c.proof == visit.Passkey {
				claims.Passkey = "key"
			}
			if _, err := desk.Signed(t.Context(), ticket, claims); !errors.Is(err, c.signs) {
				t.Errorf("Signed = %v, want %v", err, c.signs)
			}
			wantSaid(t, w.press("ada", asked.Buttons[0].ID, asked.Buttons[0].Value, nil), c.then)
		})
	}
}

// TestU03Passkeys registers passkeys: after a sign-in, one a visit, of which those
// are told whom it should worry. It counts a day later, at once if an older one
// vouched for it or an owner confirmed it, and no more once it was ended.
func TestU03Passkeys(t *testing.T) {
	t.Parallel()
	w := pageWorld(t)
	desk := NewDesk(w.env)
	visitOf := func() string {
		t.Helper()
		ticket, _, err := desk.Begin(t.Context(), tokenOf(t, w.press("abe", "approve", w.ask2().Seal(), nil).Message))
		if err != nil {
			t.Fatal(err)
		}
		return ticket
	}
	ticket := visitOf()
	if err := desk.AddKey(t.Context(), ticket, visit.Key{ID: "one"}); !errors.Is(err, visit.Gone) {
		t.Errorf("registered before anybody signed in: %v", err)
	}
	done, err := desk.Signed(t.Context(), ticket, w.claims(id("abe"), visit.MFA))
	if err != nil || !done.Enrol {
		t.Fatalf("Signed = %+v, %v", done, err)
	}
	if err := desk.AddKey(t.Context(), ticket, visit.Key{ID: "one", Body: []byte("1"), Counts: true}); err != nil {
		t.Fatal(err)
	}
	if err := desk.AddKey(t.Context(), ticket, visit.Key{ID: "two"}); !errors.Is(err, visit.Gone) {
		t.Errorf("a second one in the visit: %v", err)
	}
	if got := w.toldOf("has registered a passkey"); !slices.Equal(got, []string{"C-admins", "abe", "abe-2"}) {
		t.Errorf("told: %v", got)
	}
	counts := func(want ...bool) {
		t.Helper()
		keys, err := desk.Keys(t.Context(), ticket)
		var got []bool
		for _, k := range keys {
			got = append(got, k.Counts)
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("Keys = %+v, %v; want %v", keys, err, want)
		}
	}
	counts(false)
	w.advance(link.Young)
	ticket = visitOf()
	counts(true)
	claims := w.claims(id("abe"), visit.Passkey)
	claims.Passkey = "one"
	if err := desk.UseKey(t.Context(), ticket, visit.Key{ID: "one", Body: []byte("2")}); err != nil {
		t.Fatal(err)
	}
	if _, err := desk.Signed(t.Context(), ticket, claims); err != nil {
		t.Fatal(err)
	}
	if err := desk.AddKey(t.Context(), ticket, visit.Key{ID: "two"}); err != nil {
		t.Fatal(err)
	}
	counts(true, true) // the first vouches for the second
	keys, _ := desk.Keys(t.Context(), ticket)
	if string(keys[0].Body) != "2" {
		t.Errorf("the body is %q", keys[0].Body)
	}
	stranger := visit.Key{ID: "one", Body: []byte("3")}
	beas, _, err := desk.Begin(t.Context(), tokenOf(t, w.press("bea", "approve", w.stored()[0].Seal(), nil).Message))
	if err != nil {
		t.Fatal(err)
	}
	if err := desk.UseKey(t.Context(), beas, stranger); !errors.Is(err, visit.Other) {
		t.Errorf("another person's key is used: %v", err)
	}
	w.advance(link.ProofLife)
	stolen := w.say("abe", "unlink "+w.keyRefs("abe")[0])
	wantSaid(t, stolen, "fresh proof of who you are") // or a stolen session would make less enough
	last, _, err := desk.Begin(t.Context(), tokenOf(t, stolen.Message))
	if err != nil {
		t.Fatal(err)
	}
	claims.At = w.now()
	if _, err := desk.Signed(t.Context(), last, claims); err != nil {
		t.Fatal(err)
	}
	ticket = last
	counts(true, true)
	for _, ref := range w.keyRefs("abe") {
		wantSaid(t, w.say("abe", "unlink "+ref), "has ended")
	}
	counts()
}

// ask2 is a request that waits for its approvers, asked without a fresh proof.
func (w *world) ask2() approval.Request {
	w.t.Helper()
	if all := w.stored(); len(all) > 0 && all[0].State == approval.Pending && w.now().Before(all[0].Expires) {
		return all[0]
	}
	page := w.env.Page
	w.env.Page, w.env.Chosen = "", everybodyChosen
	w.assemble()
	r := w.ask()
	w.env.Page, w.env.Chosen = page, nil
	w.assemble()
	return r
}

// keyRefs are the references of somebody's passkeys.
func (w *world) keyRefs(person string) (refs []string) {
	w.t.Helper()
	err := w.store.ViewLinks(context.Background(), func(tx link.Tx) error {
		keys, err := tx.KeysOf(tenantID, id(person))
		for _, k := range keys {
			refs = append(refs, k.Ref)
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return refs
}

// TestU04ListsNeedProof holds that all of a list, as a file, needs a fresh proof,
// and that its first rows do not.
func TestU04ListsNeedProof(t *testing.T) {
	t.Parallel()
	w := pageWorld(t)
	for _, line := range []string{"who missing --csv", "export people csv", "export changes json"} {
		got := w.say("ada", line)
		wantSaid(t, got, "fresh proof of who you are")
		if got.File != nil {
			t.Errorf("%s: a file comes along", line)
		}
	}
	wantSaid(t, w.say("vic", "who missing"), "not registered")
	asked := w.say("ada", "export people csv")
	w.signs(tokenOf(t, asked.Message), id("ada"), visit.MFA)
	if got := w.press("ada", asked.Buttons[0].ID, asked.Buttons[0].Value, nil); got.File == nil {
		t.Errorf("after the proof there is no file:\n%s", got.Plain())
	}
	if all := w.recorded("person.looked-up"); !strings.Contains(all[len(all)-1].Facts, `"fresh":"fresh MFA"`) {
		t.Errorf("recorded: %+v", all[len(all)-1])
	}
}

// TestU01PassThenLink gives somebody a pass for an approver, who then links a new
// account as that approver: in a day nothing that they press counts, though an
// owner confirms the link.
func TestU01PassThenLink(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		r := o.asks("ada", "tap bea new phone")
		o.agreesBy(r, "abe", "olga")
		wantSaid(o.t, o.press("ada", "collect", r.Seal(), nil), "Pass")
		o.env.Page, o.env.Chosen = thePage, nil
		o.assemble()
		o.connects("bea-new", cast("bea"))
		o.env.Page, o.env.Chosen = "", everybodyChosen
		o.assemble()
		change := o.asks("ada", "reset sue lost phone")
		wantSaid(o.t, o.press("bea-new", "approve", change.Seal(), nil), "linked less than a day ago")
		wantSaid(o.t, o.say("olga", "link confirm "+o.linkNow("bea-new").Ref), "counts from now on")
		wantSaid(o.t, o.press("bea-new", "approve", change.Seal(), nil), "Your approval does not count today")
		if got := o.request(change.Ref).State; got != approval.Pending {
			o.t.Errorf("it is %s", got)
		}
	}, func(s *setting) {
		s.laid.Roles["approver"] = append(s.laid.Roles["approver"], rules.Holder{User: cast("olga")})
	})
}

// agreesBy has a request approved by people, and waits for its time.
func (o *office) agreesBy(r approval.Request, people ...string) {
	o.t.Helper()
	for _, p := range people {
		wantSaid(o.t, o.press(p, "approve", r.Seal(), nil), "Your approval of "+r.Ref+" is recorded")
	}
	o.advance(r.Policy.Wait)
}

// TestU02CollectOnThePage collects a pass where there is a page: it is created when
// the page asks, shown once, taken back if it was not received, and stands nowhere
// else.
func TestU02CollectOnThePage(t *testing.T) {
	t.Parallel()
	open(t, func(o *office) {
		prepare := func() (ref, ticket string) {
			o.env.Page, o.env.Chosen = "", everybodyChosen
			o.assemble()
			r := o.asks("ada", "tap sue new phone")
			o.agreesBy(r, "abe")
			o.env.Page, o.env.Chosen = thePage, nil
			o.assemble()
			collected := o.press("ada", "collect", r.Seal(), nil)
			wantSaid(o.t, collected, "Collect it on the page")
			if n := len(o.passesNow("sue")); n > 0 {
				o.t.Fatalf("%d passes before anybody opened the page", n)
			}
			wantSaid(o.t, o.press("abe", "collect", r.Seal(), nil), "Only the person who asked")
			desk := NewDesk(o.env)
			token := tokenOf(o.t, collected.Message)
			v, err := desk.Look(o.t.Context(), token)
			if err != nil || v.Purpose != visit.Collect || v.Person != cast("ada") || v.About != "To collect "+r.Ref+": Issuing Temporary Access Passes." {
				o.t.Errorf("Look = %+v, %v", v, err)
			}
			ticket, _, err = desk.Begin(o.t.Context(), token)
			if err != nil {
				o.t.Fatal(err)
			}
			if _, err := desk.Collect(o.t.Context(), ticket, nil); !errors.Is(err, visit.Gone) {
				o.t.Errorf("collected before anybody signed in: %v", err)
			}
			if done, err := desk.Signed(o.t.Context(), ticket, o.claims(cast("ada"), visit.MFA)); err != nil || !done.Pass {
				o.t.Fatalf("Signed = %+v, %v", done, err)
			}
			return r.Ref, ticket
		}
		ref, ticket := prepare()
		desk := NewDesk(o.env)
		var code string
		sentence, err := desk.Collect(o.t.Context(), ticket, func(_ context.Context, p graph.Pass) error {
			code = p.Code.Reveal()
			return nil
		})
		if err != nil || code == "" || sentence != "" || o.request(ref).State != approval.Succeeded || len(o.passesNow("sue")) != 1 {
			o.t.Errorf("collected: %q, %v; the request is %s", sentence, err, o.request(ref).State)
		}
		if _, err := desk.Collect(o.t.Context(), ticket, nil); !errors.Is(err, visit.Gone) {
			o.t.Errorf("collected twice: %v", err)
		}
		if where := o.dump(code); len(where) > 0 {
			o.t.Errorf("the pass stands in %v", where)
		}
		for _, name := range []string{o.dsn, o.dsn + "-wal"} {
			if text, err := os.ReadFile(name); err == nil && bytes.Contains(text, []byte(code)) {
				o.t.Errorf("the pass stands in %s", name)
			}
		}
		started := o.recorded("request.started")
		if len(started) != 1 || !strings.Contains(started[0].Facts, `"fresh":"fresh MFA"`) {
			o.t.Errorf("recorded: %+v", started)
		}
		for _, p := range o.passesNow("sue") {
			o.portal("DELETE", "/v1.0/users/"+cast("sue")+"/authentication/temporaryAccessPassMethods/"+p.ID, "")
		}
		ref, ticket = prepare()
		sentence, err = desk.Collect(o.t.Context(), ticket, func(context.Context, graph.Pass) error { return errors.New("the browser is gone") })
		if err != nil || !strings.Contains(sentence, "taken back") || len(o.passesNow("sue")) > 0 || o.request(ref).State != approval.Partial {
			o.t.Errorf("not received: %q, %v; the request is %s, with %d passes", sentence, err, o.request(ref).State, len(o.passesNow("sue")))
		}
	})
}

// TestStepUpIsTranslated holds that what is said of a fresh proof is what is
// translated.
func TestStepUpIsTranslated(t *testing.T) {
	t.Parallel()
	if stepUpWords != approval.ErrStepUp.Text {
		t.Errorf("said is %q, translated %q", approval.ErrStepUp.Text, stepUpWords)
	}
	proofs := []visit.Proof{visit.Password, visit.MFA, visit.Passkey}
	for least, needed := range proofs {
		for _, was := range proofs[:least] {
			if weakWords[[2]visit.Proof{was, needed}] == "" {
				t.Errorf("nothing is said of a %s where a %s is needed", was, needed)
			}
		}
	}
	book, err := LoadPhrases()
	if err != nil {
		t.Fatal(err)
	}
	if got := book.In("de").Say(stepUpWords); got == stepUpWords {
		t.Error("in German it is English")
	}
}
