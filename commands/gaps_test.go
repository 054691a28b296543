package commands

import (
	"context"
	"slices"
	"strings"
	"testing"

	"twokey/chat"
	"twokey/commands/staff"
	"twokey/graph"
	"twokey/graph/rollout"
)

// What the guide cannot do is counted without names, and shown to leads alone.
func TestGuideGaps(t *testing.T) {
	t.Parallel()
	w := newWorldIn(t, blank(t))
	wantSaid(t, w.say("ada", "guide gaps"), "The guide has no gaps that it knows of")
	wantSaid(t, w.say("sam", "guide gaps"), "You may not use")

	const question = "authenticator quux frobnicates my zork, mail me at sam.rivera@vale.example or +34 600 000 000"
	for _, who := range []string{"sam", "sam", "sue", "nobody"} { // the second time within the hour counts no more
		w.say(who, "ask "+question)
	}
	w.handle(chat.Event{Kind: chat.Mention, From: account("vic"), Text: question})
	w.handle(chat.Event{Kind: chat.Mention, From: account("abe"), Text: question})
	w.say("sam", "ask please reset my mfa")
	w.say("sam", "ask paper jam on floor 2")
	w.handle(chat.Event{Kind: chat.Mention, From: account("sue"), Locale: "de", Text: "Ich habe mein Handy verloren, was nun?"})

	shown := w.say("sam", "ask I have a new phone, what now?")
	last := shown.Buttons[len(shown.Buttons)-1]
	if last.Label != "That did not help" {
		t.Fatalf("the last button is %+v", last)
	}
	wantSaid(t, w.press("sam", last.ID, last.Value, nil), "A person can look at it with you.", "without your name")
	wantSaid(t, w.say("sue", "guide unhelpful no-such-thing"), "There is no article of that name.")

	got := w.say("ada", "guide gaps")
	if got.aloud {
		t.Error("said aloud")
	}
	wantSaid(t, got, "authenticator quux frobnicates my zork, mail me at [address] or [number]", "Nobody's name is kept")
	rows := map[string]string{}
	for _, r := range got.Table.Rows {
		rows[r[0]] = r[2]
	}
	for what, want := range map[string]string{
		"not answered": "5", "did not help": "under 5", "wanted from a person": "under 5", "asked in another language": "under 5", "taken for another subject": "under 5",
	} {
		if rows[what] != want {
			t.Errorf("%s: %q, want %q", what, rows[what], want)
		}
	}
	gaps, err := w.store.Gaps(t.Context(), tenantID)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range gaps {
		if strings.ContainsAny(g.Words, "@") || strings.Contains(g.Words, "600") || strings.Contains(g.Words, "paper") || g.Kind == staff.GapWanted && g.Words != "" {
			t.Errorf("kept is %+v", g)
		}
	}
}

// TestAskWaitsForNoTenant holds that whoever asks, or types a name, is answered
// from what is known, while the tenant hangs and before anything is known; and
// that a question is then kept without its words, as a name could stay in them.
func TestAskWaitsForNoTenant(t *testing.T) {
	t.Parallel()
	w := newWorldIn(t, blank(t))
	asked := func(context.Context) rollout.Facts {
		t.Error("the tenant was asked")
		return rollout.Facts{}
	}
	known, facts := false, rollout.Facts{}
	read := rollout.Facts{AsOf: start, Users: rollout.From([]graph.User{{ID: id("sam"), Name: "Zork Frobnicator", UPN: "zork@vale.example"}}, nil)}
	w.env.Facts, w.env.Kept, w.env.Last = asked, asked, func() (rollout.Facts, bool) { return facts, known }
	w.assemble()
	const question = "authenticator quux frobnicates my zork"
	words := func() (all []string) {
		t.Helper()
		gaps, err := w.store.Gaps(t.Context(), tenantID)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range gaps {
			all = append(all, g.Words)
		}
		return all
	}
	wantSaid(t, w.say("sam", "ask "+question), "A person should look at this")
	if got := words(); len(got) != 1 || got[0] != "" {
		t.Errorf("kept before anybody's name is known: %q", got)
	}
	suggested := func() int {
		t.Helper()
		got, err := w.mux.Suggest(t.Context(), account("ada"), "tap", "user", "frob")
		if err != nil {
			t.Fatal(err)
		}
		return len(got)
	}
	if n := suggested(); n != 0 {
		t.Errorf("%d are suggested before anybody is known", n)
	}
	known, facts = true, read
	if n := suggested(); n != 1 {
		t.Errorf("%d are suggested, want one", n)
	}
	w.say("sue", "ask "+question)
	if got := words(); len(got) != 2 || !slices.Contains(got, "authenticator quux frobnicates my [name]") {
		t.Errorf("kept: %q", got)
	}
}
