package commands

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"twokey/audit"
	"twokey/commands/approval"
	"twokey/commands/evidence"
	"twokey/graph/rollout"
)

// proofOf carries a whole change out, among other things that are recorded, and
// returns the evidence about it as a file with the chain's head.
func proofOf(t *testing.T) (w *world, r approval.Request, file []byte, head string) {
	t.Helper()
	w = newWorld(t, p1)
	countWrites(w, nil)
	denied := w.ask()
	w.press("abe", "deny", denied.Seal(), map[string]string{"reason": "not before the training"})
	w.advance(time.Minute) // the newest request is the one that was asked last
	w.say("ada", "defaults enable all have been trained now")
	r = w.stored()[0]
	w.press("abe", "approve", r.Seal(), nil)
	w.press("bea", "approve", r.Seal(), nil)
	w.advance(15 * time.Minute)
	w.run()
	r = w.stored()[0]
	w.say("ada", "defaults disable they were wrong")
	last, err := audit.Verify(w.store.Audit(t.Context()), "")
	if err != nil {
		t.Fatal(err)
	}
	return w, r, w.evidence(r.Ref), last.Hash
}

func (w *world) evidence(ref string) []byte {
	w.t.Helper()
	f, err := evidence.Collect(w.t.Context(), w.store, ref, w.now(), "twokey 0.1")
	if err != nil {
		w.t.Fatal(err)
	}
	var file bytes.Buffer
	if err := f.Write(&file); err != nil {
		w.t.Fatal(err)
	}
	return file.Bytes()
}

// U21: a stranger who has nothing but the file, and reads it as plain JSON,
// finds the answer to every question.
func TestU21TheFileAnswersAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, r, file, head := proofOf(t)
		if _, err := evidence.Verify(file, head); err != nil {
			t.Fatalf("Verify: %v", err)
		}
		var f any
		if err := json.Unmarshal(file, &f); err != nil {
			t.Fatal(err)
		}
		abe, bea, ada := id("abe"), id("bea"), id("ada")
		for _, q := range []struct{ question, path, want string }{
			{"which request", "request", r.Ref},
			{"of which tenant", "asked.tenant_name", "Harbour & Vale"},
			{"what happens, in the very words that approvers were shown", "asked.words.headline", r.Words.Headline},
			{"what is now", "asked.words.now", r.Words.Now},
			{"what will be", "asked.words.then", r.Words.Then},
			{"whom it touches", "asked.words.radius", r.Words.Radius},
			{"what can go wrong", "asked.words.risk", r.Words.Risk},
			{"why", "answers.why", "all have been trained now"},
			{"who asked, by name as of then", "answers.asked_by.name", "Ada Okafor"},
			{"who asked, by ID", "answers.asked_by.object", ada},
			{"by which role", "answers.asked_by.role", r.Warrant.Role},
			{"who or what gave the role", "answers.asked_by.via", r.Warrant.Via},
			{"from which account", "answers.asked_by.account", account("ada").User},
			{"how that was proved to be theirs", "answers.asked_by.proof", "pinned in the configuration"},
			{"who approved first", "answers.decided.0.by.object", abe},
			{"by name as of then", "answers.decided.0.by.name", "Abe"},
			{"by which role", "answers.decided.0.by.role", "approver"},
			{"given by whom", "answers.decided.0.by.via", "user"},
			{"from which account", "answers.decided.0.by.account", account("abe").User},
			{"how that was proved to be theirs", "answers.decided.0.by.proof", "pinned in the configuration"},
			{"having seen what", "answers.decided.0.facts.digest", r.Digest},
			{"who approved second", "answers.decided.1.by.object", bea},
			{"by name as of then", "answers.decided.1.by.name", "Bea Fontaine"},
			{"under which policy", "asked.policy.name", "two"},
			{"under which configuration", "asked.config_hash", w.env.Rules.Now().Hash()},
			{"what was sent", "answers.steps.0.method", "PATCH"},
			{"where to", "answers.steps.0.url", "/policies/identitySecurityDefaultsEnforcementPolicy"},
			{"with which body", "answers.steps.0.body_sha256", "8"},
			{"under which client request ID", "answers.steps.0.client_request_id", "-"},
			{"what Graph calls it", "answers.steps.0.graph_request_id", "graph-1"},
			{"what came of it", "answers.steps.0.class", "applied"},
			{"how it ended", "answers.ended", "succeeded"},
			{"how to undo it", "answers.undo", r.Words.Undo},
			{"which line of Microsoft's log it is", "directory_audit.0.note", "not found yet"},
			{"what the chain ended with", "head.hash", head},
		} {
			got, ok := at(f, q.path)
			if !ok || got == "" || !strings.Contains(got, q.want) {
				t.Errorf("%s? %s is %q, want %q", q.question, q.path, got, q.want)
			}
		}
		for _, secret := range []string{"they were wrong", w.stored()[0].Ref} {
			if bytes.Contains(file, []byte(secret)) {
				t.Errorf("the file tells of another request: %q", secret)
			}
		}
	})
}

// U21: the chat shows the same, and that the chain proves it; or that it does
// not, once somebody has laid hands on what is kept.
func TestU21AuditShow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, r, _, _ := proofOf(t)
		got := w.say("vic", "audit show "+strings.ToLower(r.Ref))
		wantSaid(t, got, r.Words.Headline, "The audit chain proves this", "Ada Okafor (id-ada, lead by user, account ", "pinned in the configuration",
			"Abe Lindqvist (id-abe, approver by user", "Bea Fontaine", "succeeded Mon 23 Nov 2026", r.Words.Undo, r.Digest, "PATCH /policies/identitySecurityDefaultsEnforcementPolicy: done",
			"Graph request graph-1", "not found yet", "twokey audit export --evidence "+r.Ref)
		wantSaid(t, w.say("vic", "audit show R-ZZZZZZ"), "There are no audit records of “R-ZZZZZZ”.")
		w.env.Records = reworded{w.store}
		w.assemble()
		wantSaid(t, w.say("vic", "audit show "+r.Ref), "This is not proved by the audit chain")
	})
}

// reworded is a store in which somebody has changed the words of a request.
type reworded struct{ Records }

func (c reworded) View(ctx context.Context, f func(approval.Tx) error) error {
	return c.Records.View(ctx, func(tx approval.Tx) error { return f(rewordedTx{tx}) })
}

type rewordedTx struct{ approval.Tx }

func (c rewordedTx) Request(ref string) (approval.Request, error) {
	r, err := c.Tx.Request(ref)
	r.Words.Risk = "nothing at all"
	return r, err
}

// Damage that is known from outside the database is what the audit command
// says, and what the gate refuses with.
func TestO60DamageIsSaidAndNothingIsDone(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, dsn string) {
		w := newWorldIn(t, dsn)
		r := w.ask()
		guard := &audit.Watch{}
		w.env.Guard = guard
		w.env.Engine.Gate = Gate(guard)
		w.assemble()
		wantSaid(t, w.say("vic", "audit"), "The chain of 1 record is whole.")
		guard.Report(errors.New("the database is away")) // no damage
		wantSaid(t, w.say("vic", "audit"), "The chain of 1 record is whole.")
		w.env.Guard = audit.NewWatch(audit.WatchConfig{Log: slog.New(slog.DiscardHandler)})
		w.env.Guard.Report(&audit.BrokenError{Number: 7, Why: "is missing"})
		w.env.Engine.Gate = Gate(w.env.Guard)
		w.assemble()
		const cut = "The audit record was changed: record 7 is missing."
		wantSaid(t, w.say("vic", "audit"), cut, readOnly)
		wantSaid(t, w.say("ada", "doctor"), cut, readOnly)
		wantSaid(t, w.say("bea", "approve "+r.Ref), cut, readOnly)
		wantSaid(t, w.say("ada", "defaults enable for another reason"), cut, readOnly)
		wantSaid(t, w.say("sam", "me"), "You are not set up yet")
		if got := w.stored(); len(got) != 1 || got[0].State != approval.Pending {
			t.Errorf("stored are %+v", got)
		}
	})
}

// at follows a path into decoded JSON.
func at(v any, path string) (string, bool) {
	for key := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[key]
		case []any:
			var i int
			if _, err := fmt.Sscan(key, &i); err != nil || i >= len(x) {
				return "", false
			}
			v = x[i]
		default:
			return "", false
		}
	}
	s, ok := v.(string)
	return s, ok
}

// U21: once the tenant's log has the line, the evidence names it.
func TestU21TheLineInTheDirectoryAudit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, r, file, head := proofOf(t)
		before, err := evidence.Verify(file, head)
		if err != nil {
			t.Fatal(err)
		}
		line := rollout.LoggedChange{Origin: rollout.ByTwokey, Request: r.Ref, ClientID: before.Answers.Steps[0].ClientRequestID, Proved: true}
		line.AuditID, line.At, line.Kind = "Directory_1_2_3", w.now(), rollout.ChangeDefaults
		if err := w.store.KeepChanges(t.Context(), tenantID, []rollout.LoggedChange{line}, w.now(), w.now()); err != nil {
			t.Fatal(err)
		}
		after, err := evidence.Verify(w.evidence(r.Ref), head)
		if err != nil || after.Lookup[0].ID != "Directory_1_2_3" || after.Lookup[0].Note != "" {
			t.Errorf("%+v, %v; want the line", after.Lookup, err)
		}
	})
}

// U21: every byte of the file, altered in turn, is found with its line, and the
// byte itself is named where one looks.
func TestU21EveryAlteredByteIsNamed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, _, file, head := proofOf(t)
		exact := 0
		for i := range file {
			bad := slices.Clone(file)
			bad[i] ^= 1
			_, err := evidence.Verify(bad, head)
			var altered *evidence.AlteredError
			if !errors.As(err, &altered) {
				t.Fatalf("byte %d (%q) altered: %v", i, file[i], err)
			}
			line := 1 + bytes.Count(file[:i], []byte("\n"))
			if altered.Line != line && !(file[i] == '\n' && altered.Line == line+1) {
				t.Fatalf("byte %d of line %d altered: %v", i, line, err)
			}
			if i%997 != 0 || file[i] == '\n' {
				continue
			}
			if altered.Find(); altered.Exact {
				exact++
				if altered.Offset != i || altered.Is != bad[i] || altered.Was != file[i] {
					t.Errorf("byte %d is %q and was %q: %v", i, bad[i], file[i], altered)
				}
			}
		}
		if exact < len(file)/997/2 {
			t.Errorf("only %d of %d altered bytes were named exactly", exact, len(file)/997)
		}
		t.Logf("%d altered bytes found", len(file))
	})
}

// U21: whoever alters the file and makes its checks anew is found by the chain,
// whichever value it is, as long as the head is known.
func TestU21AForgedFileIsFound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, _, file, head := proofOf(t)
		honest, err := evidence.Parse(file)
		if err != nil {
			t.Fatal(err)
		}
		text := func() map[string]any {
			var v map[string]any
			if err := json.Unmarshal(file, &v); err != nil {
				t.Fatal(err)
			}
			return v
		}
		forged := 0
		for _, part := range []string{"request", "head", "answers", "asked", "people", "words"} {
			whole := text()
			for path, put := range leaves(part, whole[part], func(v any) { whole[part] = v }) {
				undo := put()
				var f evidence.File
				again, err := json.Marshal(without(whole, "records", "lines", "sum"))
				if err == nil {
					err = json.Unmarshal(again, &f)
				}
				if err != nil {
					t.Fatalf("%s: %v", path, err)
				}
				f.Records = honest.Records
				var out bytes.Buffer
				if err := f.Write(&out); err != nil {
					t.Fatal(err)
				}
				if _, err := evidence.Verify(out.Bytes(), head); err == nil && !bytes.Equal(out.Bytes(), file) {
					t.Errorf("%s was forged and not found", path)
				}
				forged++
				undo()
			}
		}
		if forged < 100 {
			t.Errorf("only %d values were forged", forged)
		}
		for i := range honest.Records {
			f := *honest
			f.Records = slices.Clone(honest.Records)
			f.Records[i].Kind += "x"
			if f.Records[i].Body != "" {
				f.Records[i].Kind, f.Records[i].Body = "", strings.Repeat("0", 64)
			}
			var out bytes.Buffer
			if err := f.Write(&out); err != nil {
				t.Fatal(err)
			}
			if _, err := evidence.Verify(out.Bytes(), head); err == nil {
				t.Errorf("record %d was forged and not found", f.Records[i].Number)
			}
		}
		if _, err := evidence.Verify(file, strings.Repeat("0", 64)); err == nil {
			t.Error("a head of another chain was taken")
		}
	})
}

func without(m map[string]any, keys ...string) map[string]any {
	out := map[string]any{}
	for k, v := range m {
		if !slices.Contains(keys, k) {
			out[k] = v
		}
	}
	return out
}

// leaves yields every text and number in a value by its path, with a function
// that alters it and gives back one that puts it right.
func leaves(path string, v any, put func(any)) map[string]func() func() {
	all := map[string]func() func(){}
	add := func(more map[string]func() func()) {
		for k, f := range more {
			all[k] = f
		}
	}
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			add(leaves(path+"."+k, v[k], func(x any) { v[k] = x }))
		}
	case []any:
		for i := range v {
			add(leaves(fmt.Sprintf("%s[%d]", path, i), v[i], func(x any) { v[i] = x }))
		}
	case string:
		altered := v + "0"
		if _, err := time.Parse(time.RFC3339, v); err == nil {
			altered = "2001-01-01T00:00:00Z"
		}
		all[path] = func() func() { put(altered); return func() { put(v) } }
	case float64:
		all[path] = func() func() { put(v + 1); return func() { put(v) } }
	}
	return all
}

// U22: evidence of a request stays valid when somebody who is named in it is
// erased: what was asked is left out, as it cannot be proved any more.
func TestU22ErasedFromAnothersRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, r, file, head := proofOf(t)
		if f, err := evidence.Verify(file, head); err != nil || f.Asked == nil {
			t.Fatalf("before: %v, %v", f, err)
		}
		w.press("abe", "deny", w.stored()[0].Seal(), map[string]string{"reason": "no"}) // nothing of his is open
		if known, err := w.store.Erase(t.Context(), tenantID, id("abe")); !known || err != nil {
			t.Fatalf("Erase = %t, %v", known, err)
		}
		f, err := evidence.Verify(w.evidence(r.Ref), "")
		if err != nil {
			t.Fatal(err)
		}
		if f.Asked != nil {
			t.Errorf("what was asked is %+v, and he was named in it", f.Asked)
		}
		wantSaid(t, w.say("vic", "audit show "+r.Ref), "The audit chain proves this")
	})
}

// forger has one request's records as somebody would like them to be.
type forger struct {
	Records
	all    []audit.Record
	people map[string]audit.Person
}

func (f forger) LastRecords(_ context.Context, request string, _ int) (own []audit.Record, err error) {
	for _, r := range slices.Backward(f.all) {
		if r.Request == request {
			own = append(own, r)
		}
	}
	return own, nil
}

func (f forger) AuditFrom(_ context.Context, number int64) iter.Seq2[audit.Record, error] {
	return func(yield func(audit.Record, error) bool) {
		for _, r := range f.all[number-1:] {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (f forger) Who(ctx context.Context, pseudonyms ...string) (map[string]audit.Person, error) {
	known, err := f.Records.Who(ctx, pseudonyms...)
	for _, p := range pseudonyms {
		if someone, ok := f.people[p]; ok {
			known[p] = someone
		}
	}
	return known, err
}

// G35, U21: a head proves what was there when it was kept. Whoever has a file
// can write on from there as they like, which no earlier head may bear out.
func TestG35NothingIsProvedAfterTheHead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, p1)
		countWrites(w, nil)
		r := w.ask()
		var heads []audit.Head
		keep := func() {
			last, err := audit.Verify(w.store.Audit(t.Context()), "")
			if err != nil {
				t.Fatal(err)
			}
			heads = append(heads, audit.Head{Number: last.Number, Hash: last.Hash, At: w.now()})
			w.advance(time.Hour)
		}
		keep()
		w.press("abe", "deny", r.Seal(), map[string]string{"reason": "never"})
		keep()
		honest := w.evidence(r.Ref)
		if _, err := evidence.Verify(honest, heads[1].Hash); err != nil {
			t.Errorf("the head of after the denial: %v", err)
		}
		f, err := evidence.Verify(honest, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Meets(heads); err != nil {
			t.Errorf("all heads: %v", err)
		}
		var unproved *evidence.UnprovedError
		if _, err := evidence.Verify(honest, heads[0].Hash); !errors.As(err, &unproved) {
			t.Errorf("the head of before the denial: %v", err)
		}

		var written []audit.Record // by whoever has the file
		for r := range w.store.Audit(t.Context()) {
			if r.Number <= heads[0].Number {
				written = append(written, r)
			}
		}
		secret := audit.Secret()
		bea := audit.Pseudonym(secret, tenantID, id("bea"))
		for _, e := range []audit.Entry{
			{Kind: "request.approved", Actor: bea, Facts: map[string]any{"digest": r.Digest, "approve": true, "role": "approver", "via": "user"}},
			{Kind: "request.succeeded", Actor: audit.Bot, Facts: map[string]any{}},
		} {
			e.At, e.Tenant, e.Request = w.now(), tenantID, r.Ref
			next, err := audit.Chain(&written[len(written)-1], e)
			if err != nil {
				t.Fatal(err)
			}
			written = append(written, next)
		}
		people := map[string]audit.Person{bea: {Pseudonym: bea, Secret: hex.EncodeToString(secret), Tenant: tenantID, Object: id("bea")}}
		forged, err := evidence.Collect(t.Context(), forger{w.store, written, people}, r.Ref, w.now(), "twokey 0.1")
		if err != nil {
			t.Fatal(err)
		}
		var file bytes.Buffer
		if err := forged.Write(&file); err != nil {
			t.Fatal(err)
		}
		if _, err := evidence.Verify(file.Bytes(), heads[0].Hash); !errors.As(err, &unproved) {
			t.Errorf("the first head bears out what was written after it: %v", err)
		}
		if err := forged.Meets(heads[:1]); !errors.As(err, &unproved) {
			t.Errorf("so does a file of heads: %v", err)
		}
		cut := *forged
		cut.Records = written[:heads[0].Number]
		cut.Head = evidence.Head{Number: heads[0].Number, Hash: heads[0].Hash}
		var proof *evidence.ProofError
		if err := cut.Meets(heads); !errors.As(err, &proof) {
			t.Errorf("a file that was cut off, with a later head of before its export: %v", err)
		}
	})
}
