package commands

import (
	"context"
	"strings"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/commands/identity"
	"twokey/graph/rollout"
)

// purposePerson takes a declaration back: the account is a person's.
const purposePerson = "person"

// longestLeave is for how many days somebody can be on leave, or an account be
// declared with an end.
const longestLeave = 400

// setScope declares that an account is no one person's, or on leave.
func setScope(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "scope set", Summary: "Say that an account is no one person's, or that its person is on leave: it is not counted then.",
			Example: "scope set scanner@example.org service the scanner on the 2nd floor",
			Options: []chat.Option{
				severalOption,
				{Name: "purpose", Summary: "what it is; person takes it back", Choices: []string{string(rollout.Service), string(rollout.Shared), string(rollout.Room), string(rollout.Leave), purposePerson}, Required: true},
				untilOption, reasonOption,
			},
		},
		Access: whoAsks(ScopeKind),
		Plan:   func(ctx context.Context, c Call) (approval.Plan, error) { return planned(ctx, env, ScopeKind, c) },
	}
}

func planScope(ctx context.Context, env Env, c Call) (approval.Plan, error) {
	purpose := c.Args["purpose"]
	if purpose == "" {
		return approval.Plan{}, &mistake{"“/mfa scope set” needs what the account is.", "For example: /mfa scope set scanner@example.org service"}
	}
	until, err := endTyped(env, c.Args["until"], longestLeave)
	if err != nil {
		return approval.Plan{}, err
	}
	if purpose == string(rollout.Leave) && until == "" {
		return approval.Plan{}, &mistake{"A leave needs its end.", "For example: /mfa scope set sam@example.org leave --until 2027-01-31"}
	}
	want := declareArgs{Purpose: rollout.Purpose(purpose), Until: until}
	if purpose == purposePerson {
		want = declareArgs{Ends: true}
	}
	a := declareAction{env, kindNamed(ScopeKind), rollout.SortScope}
	s, err := aimOwn(ctx, env, a.kind, c)
	if err != nil {
		return approval.Plan{}, err
	}
	if set, ok := env.Scope.Declared[s.ID]; ok {
		return approval.Plan{}, &mistake{"The configuration says what this account is (" + string(set) + "), so that it is not counted.", "Whoever runs the bot changes that in its file."}
	}
	is, err := a.read(ctx, s)
	if err != nil {
		return approval.Plan{}, err
	}
	if is.holds(want) {
		return approval.Plan{}, &mistake{"It is so already. " + a.sentence(is.Is), "There is nothing to change."}
	}
	p := a.plan(s, is, want)
	p.Words.Headline = "Count " + s.shown() + " as " + purposeWords(purpose)
	p.Words.Radius = "Every figure, list and reminder of this bot. Nothing changes in the tenant: what is demanded at sign-in is demanded as before."
	p.Words.Risk = "If it is a person's account after all, nobody is reminded of registering it."
	return p, nil
}

func purposeWords(purpose string) string {
	switch purpose {
	case purposePerson:
		return "a person"
	case string(rollout.Leave):
		return "on leave"
	default:
		return "a " + purpose + " account"
	}
}

// suggestScope lists accounts that look like no person's, with what speaks for it.
func suggestScope(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{Name: "scope suggest", Summary: "Accounts that look like no one person's, and why: nothing is declared by it.", Example: "scope suggest"},
		Access:      only(identity.Lead),
		Kept:        true,
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			facts := env.kept(ctx)
			all, why := rollout.SuggestScope(facts, env.Scope)
			m := chat.Message{Headline: "No account in scope looks like anything but a person's.", Footer: "Only you can see this, and it is recorded that you looked."}
			if len(all) == 0 {
				m.Footer = "Only you can see this."
				if unread := facts.Users.Reason(); unread != "" {
					m.Text = "Nothing could be looked at: " + string(unread) + "."
				} else if why != "" {
					m.Text = "When accounts were last seen was not looked at: " + string(why) + "."
				}
				return m, nil
			}
			m.Headline = plural(rollout.Number("", env.Now(), len(all)).String(), "account") + " in scope may be no one person's."
			m.Text = "Whether a person signs in with it is for you to say: “/mfa scope set <account> service”, or shared, or room."
			if why != "" {
				m.Text += " When accounts were last seen was not looked at: " + string(why) + "."
			}
			if why := mailUnknown(facts); why != "" {
				m.Text += " How their mail goes could not be looked at: " + string(why) + "."
			}
			m.Text = strings.TrimSpace(m.Text + " " + rolesUnknown(facts))
			m.Table = &chat.Table{Header: []string{"Account", "Sign-in name", "Why"}}
			var ids []string
			for _, s := range all[:min(shownPeople, len(all))] {
				signs := make([]string, len(s.Signs))
				for i, sign := range s.Signs {
					signs[i] = string(sign)
				}
				m.Table.Rows = append(m.Table.Rows, []string{s.Name, s.UPN, strings.Join(signs, "; ")})
				ids = append(ids, s.ID)
				if s.Guess != "" && len(m.Buttons) < namesShown && declarable(s.Guess) {
					m.Buttons = append(m.Buttons, chat.Button{ID: "run", Label: chat.Safe(s.Name, 40) + ": " + string(s.Guess), Value: "scope set " + s.ID + " " + string(s.Guess)})
				}
			}
			return m, lookedUp(ctx, env, c, "scope suggest", ids)
		},
	}
}

// mailUnknown is why nothing is known of how each account's mail goes, or "".
func mailUnknown(facts rollout.Facts) rollout.Reason {
	if report, ok := facts.EmailApps.Get(); ok && report.Concealed {
		return rollout.NamesConcealed
	}
	return facts.EmailApps.Reason()
}

// declarable reports whether a purpose can be declared here. Emergency accounts
// are for the owner's configuration alone, and those of the synchronisation are
// known by their role.
func declarable(p rollout.Purpose) bool {
	return p == rollout.Service || p == rollout.Shared || p == rollout.Room
}

// aimOwn finds whom something that is the bot's own is to be about.
func aimOwn(ctx context.Context, env Env, k kind, c Call) (subject, error) {
	u, err := findPerson(ctx, env, c.Args[userOption.Name])
	if err != nil {
		return subject{}, err
	}
	s, err := readSubject(ctx, env, u.ID)
	if err != nil {
		return subject{}, err
	}
	return s, refuseSubject(env, s, k)
}
