package commands

import (
	"context"
	"testing"
	"time"

	"twokey/commands/identity"
	"twokey/commands/rules"
	"twokey/graph"
	"twokey/graph/rollout"
)

// TestMet holds that whoever looks at figures is looked up once in ten seconds, and
// everything else at once: a right that is needed for more, one that is given or
// taken by the rules, and whatever is pressed or changed.
func TestMet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	here, reads := w.tenant(), 0
	read := here.user
	here.user = func(ctx context.Context, id string) (graph.User, error) {
		reads++
		return read(ctx, id)
	}
	w.env.People = identity.New(identity.Config{Rules: w.env.Rules, Ask: AskRoles(), Self: SelfKinds()}, here)
	facts := rollout.Facts{AsOf: start}
	w.env.Kept = func(context.Context) rollout.Facts { return facts }
	w.assemble()
	looked := func(what, person, line string, want bool) {
		t.Helper()
		reads = 0
		w.say(person, line)
		if got := reads > 0; got != want {
			t.Errorf("%s, %q: looked up is %t, want %t", what, line, got, want)
		}
	}
	looked("first", "vic", "status", true)
	looked("again", "vic", "status", false)
	looked("another command", "vic", "exceptions", false)
	looked("another person", "abe", "status", true)
	looked("more than reading", "vic", "me", true)
	looked("after more than reading", "vic", "status", true)
	w.advance(metFor)
	looked("ten seconds later", "vic", "status", true)
	w.press("abe", "deny", "R-ABC234", nil)
	looked("after a press", "vic", "status", true)
	w.say("ada", "defaults enable all have been trained")
	looked("after a change was asked for", "vic", "status", true)
	w.mux.Forget()
	looked("after a change", "vic", "status", true)
	looked("of a list that needs another right", "vic", "scope suggest", true)
	looked("of a file of names", "ada", "export weak csv", true)
	looked("of another", "ada", "export single csv", false)
	looked("without a right", "sam", "status", true)
	looked("again without a right", "sam", "status", true)

	w.disable("vic")
	wantSaid(t, w.say("vic", "me"), "I do not know who you are")
	wantSaid(t, w.say("vic", "status"), "I do not know who you are")
}

// TestMetByTheRules holds that a role that the rules take away is gone at once.
func TestMetByTheRules(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	wantSaid(t, w.say("vic", "status"), "people in scope")
	laid := w.rules()
	laid.Roles["viewer"] = nil
	w.env.Rules.Set([]rules.Version{{Rules: laid}})
	wantSaid(t, w.say("vic", "status"), "You may not use")
	w.advance(time.Second)
	wantSaid(t, w.say("vic", "status"), "You may not use")
}
