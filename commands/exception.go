package commands

import (
	"context"
	"fmt"
	"time"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/graph/rollout"
)

// longestException is for how many days somebody can be excepted at once. Whoever
// answers for it is reminded some days before its end.
const (
	longestException = 180
	exceptionNotice  = 7 * 24 * time.Hour
)

// exceptionCommand adds, renews or ends an exception.
func exceptionCommand(env Env, verb string) Command {
	spec := chat.CommandSpec{Name: "exception " + verb, Options: []chat.Option{userOption, untilOption, reasonOption}}
	switch verb {
	case "add":
		spec.Summary = fmt.Sprintf("Ask that somebody need not register for now, for %d days at most. It ends by itself.", longestException)
		spec.Example = "exception add sam@example.org --until 2027-01-31 waits for a key"
	case "renew":
		spec.Summary = "Ask that an exception goes on until another day."
		spec.Example = "exception renew sam@example.org --until 2027-03-31 the key is late"
	default:
		spec.Summary = "Ask that an exception ends now."
		spec.Example = "exception end sam@example.org the key is here"
		spec.Options = []chat.Option{userOption, reasonOption}
	}
	return Command{
		CommandSpec: spec,
		Access:      whoAsks(ExceptionKind),
		Plan:        func(ctx context.Context, c Call) (approval.Plan, error) { return planException(ctx, env, verb, c) },
	}
}

func planException(ctx context.Context, env Env, verb string, c Call) (approval.Plan, error) {
	a := declareAction{env, kindNamed(ExceptionKind), rollout.SortException}
	want, err := exceptionAsked(env, verb, c)
	if err != nil {
		return approval.Plan{}, err
	}
	s, err := aimOwn(ctx, env, a.kind, c)
	if err != nil {
		return approval.Plan{}, err
	}
	is, err := a.read(ctx, s)
	if err != nil {
		return approval.Plan{}, err
	}
	switch {
	case verb == "add" && is.Is != nil:
		return approval.Plan{}, &mistake{s.shown() + " is excepted already" + untilDay(is.Is.Until) + ".", "“/mfa exception renew” moves its end."}
	case verb != "add" && is.Is == nil:
		return approval.Plan{}, &mistake{"There is no exception for " + s.shown() + ".", "“/mfa exceptions” lists those that there are."}
	case is.holds(want):
		return approval.Plan{}, &mistake{"It ends then already.", "There is nothing to change."}
	}
	p := a.plan(s, is, want)
	p.Words.Headline = map[string]string{"add": "Except ", "renew": "Go on excepting ", "end": "End the exception of "}[verb] + s.shown() + untilDay(want.Until)
	p.Words.Radius = "This one person in the figures, lists and reminders of this bot. What the tenant demands at sign-in it demands as before."
	p.Words.Risk = "For so long a password may be all that protects the account, and nobody is reminded of it."
	if want.Ends {
		p.Words.Risk = "They are counted and reminded again, though they may not be able to register yet."
	}
	return p, nil
}

func exceptionAsked(env Env, verb string, c Call) (declareArgs, error) {
	if verb == "end" {
		return declareArgs{Ends: true}, nil
	}
	until, err := endTyped(env, c.Args["until"], longestException)
	if err == nil && until == "" {
		err = &mistake{"An exception needs its end.", "For example: /mfa exception " + verb + " sam@example.org --until " + today(env).AddDate(0, 2, 0).Format(time.DateOnly) + " waits for a key"}
	}
	return declareArgs{Until: until}, err
}

// RemindExceptions returns, for [approval.RunnerConfig.Tidy], what tells whoever
// answers for an exception, once, that it ends soon.
func RemindExceptions(env Env) func(ctx context.Context) error {
	var looked time.Time // the last look: once an hour is enough for a week's notice
	return func(ctx context.Context) error {
		now := env.Now()
		if now.Sub(looked).Abs() < time.Hour {
			return nil
		}
		all, err := env.Declarations.Declared(ctx, env.Organization.ID)
		if err != nil {
			return err
		}
		for _, d := range all {
			if d.Sort != rollout.SortException || d.Until.IsZero() || d.Until.Sub(now) > exceptionNotice {
				continue
			}
			if err := remindOf(ctx, env, d); err != nil {
				return err
			}
		}
		looked = now
		return nil
	}
}

func remindOf(ctx context.Context, env Env, d rollout.Declaration) error {
	var to []string
	for _, a := range env.People.Accounts(ctx, principal(env, d.Owner)) {
		to = append(to, encode(chat.Direct(a)))
	}
	if len(to) == 0 && env.Admins != (chat.Address{}) {
		to = []string{encode(env.Admins)}
	}
	key := fmt.Sprintf("exception/%s/%s/%s", env.Organization.ID, d.Object, d.Until.UTC().Format(time.DateOnly))
	headline := "The exception of " + quoted(d.Name, 120) + " ends on " + dayWords(env, d.Until) + "."
	text := "From then on they are counted and reminded like everybody else. “/mfa exception renew” asks for more time, with an approver; there is nothing to do otherwise."
	return env.Requests.Update(ctx, func(tx approval.Tx) error { return approval.Remind(tx, key, to, headline, text) })
}
