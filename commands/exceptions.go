package commands

import (
	"context"
	"slices"
	"strconv"

	"twokey/chat"
	"twokey/commands/identity"
	"twokey/graph"
	"twokey/graph/rollout"
)

// exceptionsCommand lists who need not register for now, and why.
func exceptionsCommand(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{Name: "exceptions", Summary: "Who is excepted for now or not counted, why, until when, and who answers for it.", Example: "exceptions"},
		Access:      only(identity.Viewer),
		Kept:        true,
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			all, err := declaredNow(ctx, env)
			if err != nil {
				return chat.Message{}, err
			}
			m := chat.Message{Headline: "There are no exceptions, and no account was declared here.", Footer: "What the configuration declares, emergency accounts among it, is not listed here. Only you can see this."}
			if len(all) == 0 {
				return m, nil
			}
			names := namesKept(env.kept(ctx))
			excepted := 0
			m.Table = &chat.Table{Header: []string{"Account", "What", "Until", "Why", "Answers for it"}}
			var ids []string
			for _, d := range all {
				if d.Sort == rollout.SortException {
					excepted++
				}
				if len(m.Table.Rows) < shownPeople {
					m.Table.Rows = append(m.Table.Rows, []string{d.Name, sortWords(d), untilOrNot(env, d), d.Why, names(d.Owner)})
					ids = append(ids, d.Object)
				}
			}
			m.Headline = plural(strconv.Itoa(excepted), "exception") + ", and " + plural(strconv.Itoa(len(all)-excepted), "account") + " declared to be no one person's or on leave."
			return m, lookedUp(ctx, env, c, "exceptions", ids)
		},
	}
}

// namesKept returns what people are called, by object ID, as it was read last.
// Whoever is not there any more is their ID.
func namesKept(facts rollout.Facts) func(object string) string {
	users, _ := facts.Users.Get()
	return func(object string) string {
		if i := slices.IndexFunc(users, func(u graph.User) bool { return u.ID == object }); i >= 0 {
			return chat.Safe(users[i].Name, 60)
		}
		return chat.Safe(object, 60)
	}
}

// declaredNow is what was declared of accounts and still holds.
func declaredNow(ctx context.Context, env Env) ([]rollout.Declaration, error) {
	all, err := env.Declarations.Declared(ctx, env.Organization.ID)
	return slices.DeleteFunc(all, func(d rollout.Declaration) bool { return d.Sort == rollout.SortDevice }), err
}

func sortWords(d rollout.Declaration) string {
	if d.Sort == rollout.SortException {
		return "excepted"
	}
	return string(d.Purpose)
}

func untilOrNot(env Env, d rollout.Declaration) string {
	if d.Until.IsZero() {
		return "no end"
	}
	return dayWords(env, d.Until)
}
