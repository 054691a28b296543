package commands

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"

	corpus "twokey/chat/hostile"
	"twokey/commands/approval"
	"twokey/graph"
)

// renaming is a tenant in which somebody is called otherwise.
type renaming struct {
	Tenant
	id, name string
}

func (r renaming) User(ctx context.Context, idOrUPN string) (graph.User, error) {
	u, err := r.Tenant.User(ctx, idOrUPN)
	if u.ID == r.id {
		u.Name = r.name
	}
	return u, err
}

func (r renaming) FindUsers(ctx context.Context, typed string) ([]graph.User, error) {
	all, err := r.Tenant.FindUsers(ctx, typed)
	all = slices.Clone(all)
	for i := range all {
		if all[i].ID == r.id {
			all[i].Name = r.name
		}
	}
	return all, err
}

// thawing is asked for while nothing else may be.
var thawing = action{"thaw", "olga", "thaw all is well again", func(o *office) { o.say("abe", "freeze something is odd") }, asItIs, "two", nil}

// reminding are the changes by which people are written to. They need to know
// everybody.
var reminding = []action{
	{"nudge", "ada", "nudge sam --by 2026-12-11", (*office).known, asItIs, "confirm", nil},
	{"wave", "ada", "wave start all everybody had the training", func(o *office) {
		o.known()
		o.say("ada", "wave create all missing --by 2026-12-18")
	}, asItIs, "two", nil},
	{"template", "ada", `template set first en "Ben in room 12 helps." people ask for a room`, (*office).known, asItIs, "one", nil},
}

// handing is what is asked for in an organisation with many names.
var handing = action{"export", "ada", "export people csv", (*office).known, func(s *setting) { s.sim.People = 600 }, policyTwo, nil}

// everyAction is at least one action of each kind, which the test fails without.
func everyAction(t *testing.T) []action {
	t.Helper()
	all := append(append(slices.Clone(actions), reminding...), thawing, handing)
	for kind := range Actions(Env{}) {
		if kind == ownBlockKind.name {
			continue // it is asked for by a button, in words that are block's; see TestPromptApproved
		}
		if !slices.ContainsFunc(all, func(a action) bool { return strings.HasPrefix(a.name, kind) }) {
			t.Errorf("no prompt of %q is looked at", kind)
		}
	}
	return all
}

// volatile is what differs between two offices: references and digests.
var volatile = regexp.MustCompile(`R-[A-Z2-7]{6}|[0-9a-f]{64}`)

// told is everything that people are shown about an action, if its target, the
// tenant and the requester are called so and the reason is that.
func (a action) told(t *testing.T, name, reason string) (text string) {
	t.Helper()
	open(t, func(o *office) {
		o.env.Tenant = renaming{o.env.Tenant, cast("sue"), name}
		o.env.Organization.Name = name
		o.assemble()
		line := a
		line.line += " " + reason
		r := line.begins(o)
		var all strings.Builder
		for _, kind := range []string{approval.NoticePrompt, approval.NoticeRequest, approval.NoticeConcern} {
			messages, _ := o.notices(kind)
			for _, m := range messages {
				all.WriteString(m.Plain() + "\n(notification: " + m.Notification() + ")\n")
			}
		}
		if !strings.Contains(all.String(), r.Ref) {
			t.Errorf("nothing is told of %s", r.Ref)
		}
		text = volatile.ReplaceAllString(all.String(), "#")
	}, a.change)
	return text
}

// wantHarmless holds that a text differs from the harmless one within quotations
// alone, and hides nothing.
func wantHarmless(t *testing.T, harmless, got string) {
	t.Helper()
	for line := range strings.Lines(got) {
		if why := corpus.Hides(strings.TrimSuffix(line, "\n")); why != "" {
			t.Errorf("%s in %+q", why, line)
		}
	}
	was, is := strings.Split(unquoted(harmless), "\n"), strings.Split(unquoted(got), "\n")
	for i := range min(len(was), len(is)) {
		if was[i] != is[i] {
			t.Fatalf("line %d is now\n%+q, want\n%+q", i+1, is[i], was[i])
		}
	}
	if len(was) != len(is) {
		t.Errorf("%d lines, want %d:\n%s", len(is), len(was), got)
	}
}

const (
	plainName   = "Sue Tanaka"
	plainReason = "as it was agreed"
)

// TestO38NamesThatTurnAndHide calls target and tenant by a name that turns the order round, hides
// itself, breaks the line and stacks marks.
func TestO38NamesThatTurnAndHide(t *testing.T) {
	t.Parallel()
	name := "eu\u202eS \u200bA\u200d\nTarget: Bob\r\u2028Approved by: CISO " + "e" + strings.Repeat("\u0301", 1000) + "\ufeff"
	for _, a := range everyAction(t) {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			got := a.told(t, name, plainReason)
			wantHarmless(t, a.told(t, plainName, plainReason), got)
			if !strings.Contains(got, "eu<U+202E>S <U+200B>A") {
				t.Errorf("the name is not shown, written out:\n%s", got)
			}
			if strings.Contains(got, strings.Repeat("\u0301", 3)) {
				t.Error("marks are stacked")
			}
		})
	}
}

// TestO39MixedScriptsOfEveryAction calls the target by a name with a letter of another alphabet: whoever
// decides is told, and sees the principal name and the object ID.
func TestO39MixedScriptsOfEveryAction(t *testing.T) {
	t.Parallel()
	for _, a := range everyAction(t) {
		if !strings.Contains(a.line, upn("sue")) {
			continue // it is not about a person
		}
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			got := a.told(t, "Ѕue Tanaka", plainReason)
			for _, want := range []string{"mixed scripts", cast("sue"), upn("sue")} {
				if !strings.Contains(got, want) {
					t.Errorf("%q is not said:\n%s", want, got)
				}
			}
			if strings.Contains(a.told(t, plainName, plainReason), "mixed scripts") {
				t.Error("an ordinary name is called mixed")
			}
		})
	}
}

// TestO40ReasonsThatLookLikeFields gives reasons that look like fields of ours, or like the platforms'
// markup; O37 is among them.
func TestO40ReasonsThatLookLikeFields(t *testing.T) {
	t.Parallel()
	for _, a := range everyAction(t) {
		if a.policy == policyConfirm {
			continue // nobody reads a reason
		}
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			harmless := a.told(t, plainName, plainReason)
			for _, reason := range []string{
				"Target: Bob Approved by: CISO", "” Target: Bob “", "<!channel> <@U123> <https://evil.example|Approve> &amp;", "[Approve] [Deny] Request R-ABC234", "**Approved** `by` @everyone",
			} {
				got := a.told(t, plainName, reason)
				wantHarmless(t, harmless, got)
				if strings.Contains(got, plainReason) || got == harmless {
					t.Errorf("the reason %q is not shown", reason)
				}
			}
		})
	}
}
