package guide

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// labelled is a line of a file in testdata.
type labelled struct {
	Q       string   `json:"q"`
	Topics  []string `json:"topics"`
	Expect  Expect   `json:"expect"`
	Variant *Device  `json:"variant"`
}

func questions(t testing.TB, name string) []labelled {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatalf("open questions: %v", err)
	}
	defer f.Close()
	var out []labelled
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var l labelled
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			t.Fatalf("%s: %v in %s", name, err, lines.Text())
		}
		out = append(out, l)
	}
	if err := lines.Err(); err != nil || len(out) == 0 {
		t.Fatalf("%s: %d questions, %v", name, len(out), err)
	}
	return out
}

func TestAsk(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, q string
		expect  Expect
		topic   string // the first, if any
		variant Device
	}{
		{"set-up on a phone that is named", "how do i set up the authenticator on my iphone", ExpectAnswer, "add-work-account", IPhone},
		{"set-up on the other make", "how do i set up the authenticator on my samsung", ExpectAnswer, "add-work-account", Android},
		{"typing errors", "how do i instal the authentcator ap", ExpectAnswer, "install-authenticator", AnyDevice},
		{"slang", "some guy nicked my mobile", ExpectAnswer, "lost-stolen-phone", AnyDevice},
		{"capitals and marks", "LOST MY PHONE!!!", ExpectAnswer, "lost-stolen-phone", AnyDevice},
		{"only the make and set up", "how do I set up my iPhone?", ExpectAnswer, "add-work-account", IPhone},
		{"a story", "Hello all, sorry to bother you. Yesterday evening on the way back from the client somebody stole my phone in the train and now I wonder what I have to do about the login", ExpectAnswer, "lost-stolen-phone", AnyDevice},
		{"another subject", "paper jam on floor 2", ExpectNone, "", AnyDevice},
		{"which phone to buy", "which phone should I buy", ExpectNone, "", AnyDevice},
		{"somebody else's authenticator", "reset the two factor of my steam account", ExpectNone, "", AnyDevice},
		{"nothing", "", ExpectNone, "", AnyDevice},
		{"no words", "?!? ... 👍", ExpectNone, "", AnyDevice},
		{"only a make", "iphone", ExpectNone, "", IPhone},
		{"thanks", "ok thank you", ExpectNone, "", AnyDevice},
		{"a request", "please reset my mfa", ExpectHandover, "", AnyDevice},
		{"a request about an article's subject", "can you remove the old phone from my account for me", ExpectHandover, "new-phone", AnyDevice},
		{"the same as a question", "how can I remove the old phone from my account", ExpectAnswer, "new-phone", AnyDevice},
		{"money", "will the company pay for my phone", ExpectHandover, "no-smartphone", AnyDevice},
		{"approved by mistake", "help, I approved a login that was not mine", ExpectHandover, "unexpected-prompt", AnyDevice},
		{"an exemption for somebody", "could you exempt our driver from mfa", ExpectHandover, "can-i-opt-out", AnyDevice},
		{"whether there are exemptions", "is it possible to opt out of mfa", ExpectAnswer, "can-i-opt-out", AnyDevice},
		{"an account taken over", "somebody broke into my account and sends mails as me", ExpectHandover, "unexpected-prompt", AnyDevice},
		{"somebody who only tries", "somebody keeps trying to get into my account", ExpectAnswer, "unexpected-prompt", AnyDevice},
		{"an order at the start", "put the number of my desk phone in please", ExpectHandover, "", AnyDevice},
		{"an order at the end", "my phone was stolen, remove it please", ExpectHandover, "lost-stolen-phone", AnyDevice},
		{"a code given away", "I told a caller my code", ExpectHandover, "phishing-tricks", AnyDevice},
		{"a code read out", "I read my code to a guy on the phone, now what", ExpectHandover, "phishing-tricks", AnyDevice},
		{"a code asked for", "a caller wants my code, should I tell him", ExpectAnswer, "phishing-tricks", AnyDevice},
		{"a change of number asked of us", "please change my phone number in security info", ExpectHandover, "change-phone-number", AnyDevice},
		{"how to change a number", "how do I change my phone number in security info", ExpectAnswer, "change-phone-number", AnyDevice},
		{"a code by text that was not asked for", "I get texts with codes though I am not logging in", ExpectAnswer, "unexpected-prompt", AnyDevice},
		{"a code by text that does not come", "I am logging in and the text with the code does not come", ExpectAnswer, "text-or-call-not-arriving", AnyDevice},
		{"a pass explained", "what is a temporary access pass", ExpectAnswer, "temporary-access-pass", AnyDevice},
		{"a pass wanted", "I need a temporary access pass", ExpectHandover, "temporary-access-pass", AnyDevice},
		{"a guest's own question", "another company's teams wants mfa from me, I am a guest there", ExpectAnswer, "guest-contractor", AnyDevice},
		{"a guest of ours", "an outside partner cannot open our files", ExpectHandover, "guest-contractor", AnyDevice},
		{"an account locked", "my account got locked, what now", ExpectAnswer, "account-locked", AnyDevice},
		{"unlock it", "unlock my account please", ExpectHandover, "account-locked", AnyDevice},
		{"a password of one's own", "I can't remember my password", ExpectAnswer, "forgot-password", AnyDevice},
		{"a password for another", "my colleague forgot her password", ExpectHandover, "forgot-password", AnyDevice},
		{"an error's number", "AADSTS50076", ExpectAnswer, "error-codes", AnyDevice},
		{"an error's number that is unknown", "AADSTS99999", ExpectAnswer, "error-codes", AnyDevice},
		{"another app", "will authy do as well", ExpectAnswer, "third-party-app-or-computer", AnyDevice},
		{"a rooted phone", "rooted samsung", ExpectAnswer, "app-update-old-phone", Android},
		{"leaving", "last day at work, do I remove authenticator", ExpectAnswer, "joining-leaving", AnyDevice},
		{"somebody new", "onboarding a new employee", ExpectHandover, "joining-leaving", AnyDevice},
		{"a passkey", "how do I create a passkey", ExpectAnswer, "passkey-authenticator", Passkey},
		{"an old program", "outlook 2010 stopped working", ExpectAnswer, "old-outlook-mail-apps", AnyDevice},
		{"a sender of mail", "the copier can't send scans by mail any more", ExpectAnswer, "printers-scanners-smtp", AnyDevice},
		{"the same switched on by a person", "please enable smtp auth for our copier", ExpectHandover, "printers-scanners-smtp", AnyDevice},
		{"offline", "i am on a plane, can I get a code", ExpectAnswer, "no-signal-travel", AnyDevice},
		{"offline by rule", "my sign-in is refused because of the country", ExpectHandover, "no-signal-travel", AnyDevice},
		{"not covered, something helps", "I forgot the PIN of my yubikey", ExpectHandover, "security-key-fido2", Key},
		{"not covered, nothing helps", "I have no licence for Word", ExpectHandover, "", AnyDevice},
		{"ours but not understood", "authenticator quux frobnicates my zork", ExpectHandover, "", AnyDevice},
	}
	g := mustLoad(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := g.Ask(tt.q)
			topic := ""
			if len(a.Topics) > 0 {
				topic = a.Topics[0]
			}
			if a.Expect != tt.expect || topic != tt.topic || a.Variant != tt.variant {
				t.Errorf("Ask(%q) = %+v, want %s, first topic %q, variant %q", tt.q, a, tt.expect, tt.topic, tt.variant)
			}
		})
	}
}

func TestAskVariant(t *testing.T) {
	t.Parallel()
	tests := []struct {
		q    string
		want Device
	}{
		{"how do I set up the app", AnyDevice},
		{"set up the app on my pixel 9", Android},
		{"moving from samsung to iphone", IPhone},
		{"moving from my iphone to a samsung", AnyDevice}, // not clear enough
		{"I have a new iphone, the old phone was a samsung", IPhone},
		{"new iphone and new samsung, which one is registered", AnyDevice},
		{"does it run on a samsung tablet", Tablet},
		{"can my ipad be a second device next to my iphone", Tablet},
		{"I have no smartphone", NoPhone},
		{"I don't have a smartphone, only a nokia", NoPhone},
		{"set up with my phone, I have no computer", PhoneOnly},
		{"register my yubikey", Key},
		{"create a passkey on my iphone", Passkey},
		{"passkey or security key, which is better", AnyDevice},
		{"the prompt on my apple watch", AnyDevice},
		{"the prompt on my galaxy watch", AnyDevice},
	}
	g := mustLoad(t)
	for _, tt := range tests {
		t.Run(tt.q, func(t *testing.T) {
			t.Parallel()
			if got := g.Ask(tt.q).Variant; got != tt.want {
				t.Errorf("Variant = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestRequests(t *testing.T) {
	t.Parallel()
	tests := map[string]bool{
		"please reset my mfa":                          true,
		"Reset my authenticator":                       true,
		"could you kindly unblock jdoe":                true,
		"can you add my second phone":                  true,
		"can you add two phones":                       false, // "you" is anybody
		"please turn off mfa for anna":                 true,
		"how do I reset my mfa":                        false,
		"can you tell me how to remove my phone":       false,
		"can you help me remove my phone":              false,
		"please send me the link to register my phone": false,
		"I reset my phone":                             false,
		"my account is locked, unlock it please":       true,
		"locked out, can I unlock that myself":         false,
		"could you wipe the mfa of anna, she is back":  true,
		"please": false,
		"":       false,
		"my phone was stolen and now someone could reset": false,
		"remove her number from the account":              true,
		"can the admin take my old phone out":             true,
		"change my number":                                false, // how, mostly
		"change my number please":                         true,
		"change it now, i am in a hurry":                  true,
		"put mine back":                                   false,
		"the account of a leaver is open, close it":       true,
		"my phone is new, change the number":              false,
		"set up my phone now":                             false,
	}
	g := mustLoad(t)
	for text, want := range tests {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			if got := g.requests.in(text); got != want {
				t.Errorf("a request = %v, want %v", got, want)
			}
		})
	}
}

// Whatever a question gets, the articles nearest to it are named, for whoever looks
// into what the guide makes of it.
func TestNearest(t *testing.T) {
	t.Parallel()
	g := mustLoad(t)
	for q, want := range map[string]int{
		"please reset my mfa": 3, "paper jam on floor 2": 3, "how do i install the app": 3, "": 0, "?!": 0,
	} {
		a := g.Ask(q)
		if len(a.Nearest) != want || len(a.Topics) > 0 && !slices.Equal(a.Nearest[:len(a.Topics)], a.Topics) {
			t.Errorf("Ask(%q) = %+v, want %d nearest, topics first", q, a, want)
		}
	}
}

// figures are how a set of questions came out.
type figures struct {
	answers, right, rightInThree int            // questions that an article answers
	wrong                        int            // of those, answered by another
	asked, said, both            map[Expect]int // by what a question should get, got, and both
	confused                     []string
}

func newFigures() *figures {
	return &figures{asked: map[Expect]int{}, said: map[Expect]int{}, both: map[Expect]int{}}
}

// take counts a question and what it got. Any of its topics first is right.
func (f *figures) take(l labelled, a Answer) {
	f.asked[l.Expect]++
	f.said[a.Expect]++
	ok := a.Expect == l.Expect
	if ok {
		f.both[l.Expect]++
	}
	if l.Expect == ExpectAnswer {
		f.answers++
		right := ok && slices.Contains(l.Topics, a.Topics[0])
		if ok && !right {
			f.wrong++
		}
		if ok = right; ok {
			f.right++
		}
		if slices.ContainsFunc(a.Nearest, func(id string) bool { return slices.Contains(l.Topics, id) }) {
			f.rightInThree++
		}
	}
	if !ok {
		f.confused = append(f.confused, fmt.Sprintf("%q: %s %v, want %s %v", l.Q, a.Expect, a.Topics, l.Expect, l.Topics))
	}
}

func share(n, of int) float64 { return float64(n) / float64(max(of, 1)) }

func (f *figures) String() string {
	text := fmt.Sprintf("top-1 %d/%d = %.1f %%, top-3 %d/%d = %.1f %%, another article %d", f.right, f.answers, 100*share(f.right, f.answers),
		f.rightInThree, f.answers, 100*share(f.rightInThree, f.answers), f.wrong)
	for _, e := range []Expect{ExpectHandover, ExpectNone} {
		text += fmt.Sprintf("; %s: precision %d/%d = %.2f, recall %d/%d = %.2f", e, f.both[e], f.said[e], share(f.both[e], f.said[e]), f.both[e], f.asked[e], share(f.both[e], f.asked[e]))
	}
	return text
}

// floors are shares that a set must reach.
type floors struct{ right, rightInThree, precision, recall float64 }

func (f *figures) check(t *testing.T, want floors) {
	t.Helper()
	t.Log(f)
	for _, c := range f.confused {
		t.Log(c)
	}
	at := func(what string, got, least float64) {
		if got < least {
			t.Errorf("%s: %.3f, want at least %.3f", what, got, least)
		}
	}
	at("top-1", share(f.right, f.answers), want.right)
	at("top-3", share(f.rightInThree, f.answers), want.rightInThree)
	for _, e := range []Expect{ExpectHandover, ExpectNone} {
		at(string(e)+" precision", share(f.both[e], f.said[e]), want.precision)
		at(string(e)+" recall", share(f.both[e], f.asked[e]), want.recall)
	}
}

// The words and weights were tuned on dev, so its figure flatters. own was not
// tuned on, and is what to expect of questions that nobody has seen; its floors
// are a little under what was measured once.
func TestFigures(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]floors{
		"dev.jsonl": {right: 0.88, rightInThree: 0.96, precision: 0.9, recall: 0.8},
		"own.jsonl": {right: 0.9, rightInThree: 0.97, precision: 0.92, recall: 0.8},
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			g, f := mustLoad(t), newFigures()
			for _, l := range questions(t, file) {
				f.take(l, g.Ask(l.Q))
			}
			f.check(t, want)
		})
	}
}

// TestBalanceCrossValidated chooses the balance on four fifths of the questions
// and measures the last fifth, five times: what is gained by choosing it on the
// questions themselves shows as the difference to TestFigures.
func TestBalanceCrossValidated(t *testing.T) {
	t.Parallel()
	g := mustLoad(t)
	all := slices.Concat(questions(t, "dev.jsonl"), questions(t, "own.jsonl"))
	var grid []balance
	for _, ours := range []float64{0.3, 0.5} {
		for _, neither := range []float64{1.3, 1.7} {
			for _, handover := range []float64{1.6, 2.1, 2.6} {
				for _, frame := range []float64{0, 0.15, 0.25, 0.35} {
					grid = append(grid, balance{ours: ours, kin: (ours + neither) / 2, neither: neither, handover: handover, frame: frame})
				}
			}
		}
	}
	grid = append(grid, usualBalance())
	answers := make([][]Answer, len(grid))
	for _, l := range all {
		r := g.words.read(l.Q)
		judged := g.judge(l.Q, r)
		for i, b := range grid {
			answers[i] = append(answers[i], g.settle(l.Q, r, judged, b))
		}
	}
	const folds = 5
	total := newFigures()
	for fold := range folds {
		best, most := 0, -1
		for i := range grid {
			f := newFigures()
			for k, l := range all {
				if k%folds != fold {
					f.take(l, answers[i][k])
				}
			}
			if n := f.right + f.both[ExpectHandover] + f.both[ExpectNone]; n > most {
				best, most = i, n
			}
		}
		t.Logf("fold %d: %+v", fold, grid[best])
		for k, l := range all {
			if k%folds == fold {
				total.take(l, answers[best][k])
			}
		}
	}
	total.check(t, floors{right: 0.9, rightInThree: 0.97, precision: 0.9, recall: 0.8})
}

// The variant is the device that a question names.
func TestVariants(t *testing.T) {
	t.Parallel()
	g := mustLoad(t)
	for _, l := range questions(t, "variants.jsonl") {
		if got := g.Ask(l.Q).Variant; got != *l.Variant {
			t.Errorf("%q: variant %q, want %q", l.Q, got, *l.Variant)
		}
	}
}

// TestIndexIsSmall holds what the retrieval keeps, trained, under five megabytes.
func TestIndexIsSmall(t *testing.T) {
	config, err := loadWords(embedded)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	before := heap()
	g := &Guide{articles: whole.articles, topics: whole.topics}
	if err := g.study(config, whole.index.subjects); err != nil {
		t.Fatal(err)
	}
	g.Ask("new phone")
	size := heap() - before
	t.Logf("%.2f MB", float64(size)/1e6)
	if size > 5e6 {
		t.Errorf("the index takes %d bytes, want at most five million", size)
	}
	runtime.KeepAlive(whole)
	runtime.KeepAlive(g)
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// The phrases of the articles must not be taken from the questions they are
// measured on.
func TestPhrasesAreOurOwn(t *testing.T) {
	t.Parallel()
	g := mustLoad(t)
	plain := func(text string) string { return strings.Join(tokens(text), " ") }
	phrases := make(map[string]bool)
	for _, s := range g.index.subjects {
		for _, a := range s.asks {
			phrases[plain(a)] = true
		}
	}
	for _, name := range []string{"dev.jsonl", "own.jsonl"} {
		for _, l := range questions(t, name) {
			if len(tokens(l.Q)) > 4 && phrases[plain(l.Q)] {
				t.Errorf("%q of %s is a phrase of the guide", l.Q, name)
			}
		}
	}
}

// Every phrase that stands under an article finds it, alone or among others.
func TestPhrasesFindTheirArticle(t *testing.T) {
	t.Parallel()
	g := mustLoad(t)
	found, all := 0, 0
	for _, s := range g.index.subjects {
		if s.expect != ExpectAnswer {
			continue
		}
		for _, ask := range s.asks {
			all++
			if a := g.Ask(ask); a.Expect == ExpectAnswer && a.Topics[0] == s.id {
				found++
			} else {
				t.Logf("%s: %q gets %+v", s.id, ask, a)
			}
		}
	}
	if share := float64(found) / float64(all); share < 0.95 {
		t.Errorf("%d of %d phrases find their article, want 0.95", found, all)
	}
}

func TestAskIsDeterministic(t *testing.T) {
	t.Parallel()
	again, err := Load()
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	guides := []*Guide{mustLoad(t), again}
	all := questions(t, "dev.jsonl")
	answers := make([][]Answer, 8)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() {
			for _, l := range all {
				answers[i] = append(answers[i], guides[i%len(guides)].Ask(l.Q))
			}
		})
	}
	wg.Wait()
	for i, l := range all {
		want := answers[0][i]
		for _, other := range answers[1:] {
			got := other[i]
			if got.Expect != want.Expect || got.Score != want.Score || got.Variant != want.Variant || !slices.Equal(got.Topics, want.Topics) {
				t.Errorf("Ask(%q) = %+v and %+v", l.Q, got, want)
			}
		}
	}
}

func FuzzAsk(f *testing.F) {
	for _, name := range []string{"dev.jsonl", "own.jsonl"} {
		for _, l := range questions(f, name) {
			f.Add(l.Q)
		}
	}
	for _, text := range []string{"", "'", "’’’", "\x00\xff", "ééé'", "ſign in", "İPHONE", "٣٤٥ مرحبا", strings.Repeat("phone ", 5000), strings.Repeat("q", 10000), "a1b2c3", "ing", "yyyyy", "'s", "eed eed"} {
		f.Add(text)
	}
	g := mustLoad(f)
	f.Fuzz(func(t *testing.T, text string) {
		a := g.Ask(text)
		if a.Score < 0 || a.Score > 1.0001 || a.Score != a.Score {
			t.Errorf("Score = %v", a.Score)
		}
		if len(a.Nearest) > 3 || !slices.Equal(a.Nearest[:len(a.Topics)], a.Topics) {
			t.Errorf("nearest %v, with topics %v", a.Nearest, a.Topics)
		}
		if len(a.Topics) > 3 || (a.Expect == ExpectAnswer) && len(a.Topics) == 0 || (a.Expect == ExpectNone) && len(a.Topics) > 0 {
			t.Errorf("%s with topics %v", a.Expect, a.Topics)
		}
		for _, id := range a.Topics {
			if _, ok := g.Article(id, View{Device: a.Variant, Now: today}); !ok {
				t.Errorf("no article %q", id)
			}
		}
	})
}

func BenchmarkAsk(b *testing.B) {
	g := mustLoad(b)
	all := questions(b, "dev.jsonl")
	g.Ask("new phone") // the first question trains
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		g.Ask(all[i%len(all)].Q)
	}
}

func BenchmarkAskLongest(b *testing.B) {
	g := mustLoad(b)
	var text strings.Builder
	for _, l := range questions(b, "dev.jsonl") {
		text.WriteString(l.Q + " xyzzyx ")
	}
	b.ReportAllocs()
	for b.Loop() {
		g.Ask(text.String())
	}
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := Load(); err != nil {
			b.Fatalf("Load: %v", err)
		}
	}
}
