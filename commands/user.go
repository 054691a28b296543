package commands

import (
	"context"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"twokey/chat"
	"twokey/commands/identity"
	"twokey/graph"
	"twokey/graph/rollout"
)

// userCommand shows the help desk how somebody can sign in, read live.
func userCommand(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "user", Summary: "How somebody can sign in just now, for the help desk.", Example: "user sam@example.org",
			Options: []chat.Option{userOption},
		},
		Access: only(identity.Helpdesk),
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			var p portrait
			read := aside(func() { p.holders = rollout.From(env.Tenant.RoleHolders(ctx)) })
			u, err := findPerson(ctx, env, c.Args[userOption.Name])
			if err == nil {
				p.User = u
				p.read(ctx, env)
			}
			read()
			if err != nil {
				return chat.Message{}, err
			}
			if err := lookedUp(ctx, env, c, "user", []string{u.ID}); err != nil {
				return chat.Message{}, err
			}
			return p.message(env), nil
		},
	}
}

// portrait is what is known of one account just now. Each part was read or
// says why not.
type portrait struct {
	graph.User
	methods    rollout.Source[[]graph.Method]
	passes     rollout.Source[[]graph.Pass]
	holders    rollout.Source[[]graph.RoleHolder]
	manager    rollout.Source[string]
	preference rollout.Source[graph.SignInPreference]
	facts      rollout.Facts
	kept       rollout.Person // as the last reading of all accounts has it
}

// read asks for all parts at once: somebody waits on the telephone.
func (p *portrait) read(ctx context.Context, env Env) {
	var group errgroup.Group
	group.Go(func() error {
		all, err := env.Tenant.Methods(ctx, []string{p.ID})
		if err == nil {
			err = all[0].Err
		}
		if err != nil {
			all = []graph.UserMethods{{}}
		}
		p.methods = rollout.From(all[0].Methods, err)
		return nil
	})
	group.Go(func() error {
		p.passes = rollout.From(env.Tenant.Passes(ctx, p.ID))
		return nil
	})
	group.Go(func() error {
		p.preference = rollout.From(env.Tenant.SignInPreference(ctx, p.ID))
		return nil
	})
	group.Go(func() error {
		m, err := env.Tenant.Manager(ctx, p.ID)
		if k, known := kindOf(err); known && k == graph.KindNotFound {
			err = nil
		}
		p.manager = rollout.From(m.Name, err)
		return nil
	})
	p.facts = env.kept(ctx)
	p.kept = rollout.PersonOf(p.facts, p.User)
	_ = group.Wait() // none fails: each part keeps its own reason
}

func (p *portrait) message(env Env) chat.Message {
	m := chat.Message{
		Headline: quoted(p.Name, 60) + " " + p.standing(),
		Fields: []chat.Field{
			{Label: "Sign-in name", Value: chat.Safe(p.UPN, 120)},
			{Label: "Object ID", Value: p.ID},
			{Label: "Account", Value: p.account()},
		},
		Footer: "Read from Microsoft 365 just now. Only you can see this, and it is recorded that you looked. Phone numbers stay in the tenant.",
	}
	if why := lookalike(p.Name, p.UPN); why != "" {
		m.Fields = append(m.Fields, chat.Field{Label: "Take care", Value: why})
	}
	m.Fields = append(m.Fields, p.methodFields(env)...)
	m.Fields = append(m.Fields,
		chat.Field{Label: "Directory roles", Value: known(p.holders, p.roles)},
		chat.Field{Label: "MFA demanded", Value: p.enforced()},
		chat.Field{Label: "Manager", Value: known(p.manager, func(name string) string { return orNone(chat.Safe(name, 60)) })},
		chat.Field{Label: "Last seen", Value: p.lastSeen(env)},
	)
	if why := p.declared(env); why != "" {
		m.Fields = append(m.Fields, chat.Field{Label: "In this rollout", Value: why})
	}
	return m
}

// known is a value in words, or why there is none.
func known[T any](s rollout.Source[T], words func(T) string) string {
	if v, ok := s.Get(); ok {
		return words(v)
	}
	return "not known: " + string(s.Reason())
}

// roles are the directory roles among all that are held.
func (p *portrait) roles(holders []graph.RoleHolder) string {
	var roles []graph.Role
	for _, h := range holders {
		if strings.EqualFold(h.UserID, p.ID) {
			roles = append(roles, h.Roles...)
		}
	}
	return orNone(quotedNames(roleNames(roles)))
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func (p *portrait) standing() string {
	methods, ok := p.methods.Get()
	switch {
	case !p.Enabled:
		return "cannot sign in: the account is blocked."
	case !ok:
		return "has an account. How they sign in is not known: " + string(p.methods.Reason()) + "."
	}
	switch graph.Strongest(methods) {
	case graph.NotMFA:
		return "is not registered: a password is all they have."
	case graph.PhoneMFA:
		return "is registered, with texts or calls only."
	default:
		return "is registered."
	}
}

func (p *portrait) account() string {
	words := []string{"open"}
	if !p.Enabled {
		words[0] = "blocked"
	}
	for _, w := range []struct {
		is   bool
		word string
	}{{p.Guest, "a guest"}, {p.Synced, "kept on-premises"}, {!p.Licensed, "without a licence"}} {
		if w.is {
			words = append(words, w.word)
		}
	}
	if p.Department != "" {
		words = append(words, "department "+quoted(p.Department, 60))
	}
	return strings.Join(words, ", ")
}

func (p *portrait) methodFields(env Env) []chat.Field {
	methods, ok := p.methods.Get()
	if !ok {
		return []chat.Field{{Label: "Methods", Value: "not known: " + string(p.methods.Reason())}}
	}
	var fs []chat.Field
	for _, x := range methods {
		if x.Kind == graph.MethodPassword {
			continue
		}
		value := describe(x) + ", ID " + chat.Safe(x.ID, 60)
		if !x.Created.IsZero() {
			value += ", since " + day(env, x.Created)
		}
		fs = append(fs, chat.Field{Label: "Method", Value: value})
	}
	if len(fs) == 0 {
		fs = append(fs, chat.Field{Label: "Methods", Value: "none but the password"})
	}
	if first, ok := p.preference.Get(); ok && first.Method != "" {
		fs = append(fs, chat.Field{Label: "Asked for first", Value: chat.Safe(first.Method, 40)})
	}
	if passes, _ := p.passes.Get(); len(passes) > 0 {
		fs = append(fs, chat.Field{Label: "Temporary Access Pass", Value: "there is one, until " + moment(env, passes[0].Start.Add(passes[0].Lifetime))})
	}
	return fs
}

func (p *portrait) enforced() string {
	e := p.kept.Enforcement
	var by []string
	for _, name := range e.By {
		by = append(by, quoted(name, 60))
	}
	switch e.Answer() {
	case rollout.Yes:
		return "yes, by " + strings.Join(by, ", ")
	case rollout.Partly:
		return "for some sign-ins, by " + strings.Join(by, ", ")
	case rollout.No:
		return "no"
	}
	if why := e.Why(); why != rollout.NotRead {
		return "not known: " + string(why)
	}
	return "not known yet: not everything that may demand it was read so far"
}

func (p *portrait) lastSeen(env Env) string {
	switch why := p.facts.LastSignIns.Reason(); {
	case why != "":
		return "not known: " + string(why)
	case p.kept.LastSeen.IsZero():
		return "never, or not known"
	default:
		return day(env, p.kept.LastSeen)
	}
}

// declared says it where the account is not counted among the people.
func (p *portrait) declared(env Env) string {
	scope := env.Scope.With(p.facts.Declared)
	if purpose, ok := scope.Declared[p.ID]; ok {
		return "declared as " + string(purpose) + ", and not counted among the people"
	}
	if until, ok := scope.Exceptions[p.ID]; ok && (until.IsZero() || until.After(env.Now())) {
		return "excepted" + untilWords(env, until)
	}
	return ""
}

func untilWords(env Env, until time.Time) string {
	if until.IsZero() {
		return ""
	}
	return " until " + dayWords(env, until)
}
