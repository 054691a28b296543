package commands

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/graph"
)

// userOption is the option that names whom a change is about.
var userOption = chat.Option{Name: "user", Summary: "a sign-in name, an address, an object ID, or a display name in quotation marks", Required: true, Of: chat.OfAccounts}

// reasonOption is the option of a change that takes the words left over.
var reasonOption = chat.Option{Name: "reason", Summary: "why; the approvers read it", Rest: true}

// findPerson looks up whom somebody typed. Several are a question to ask: what
// is changed is one object, and the bot never chooses it.
func findPerson(ctx context.Context, env Env, typed string) (graph.User, error) {
	found, err := findUsers(ctx, env, typed)
	switch {
	case err != nil:
		return graph.User{}, err
	case len(found) == 0:
		return graph.User{}, notFound(ctx, env, typed)
	case len(found) > 1:
		return graph.User{}, &severalFound{typed, found}
	}
	return found[0], nil
}

// findUsers asks the tenant for whom somebody typed, also as people are called
// among themselves: that is asked beside the rest, for somebody waits.
func findUsers(ctx context.Context, env Env, typed string) (found []graph.User, err error) {
	var short []graph.User
	var unread error
	asked := func() {}
	if !strings.ContainsAny(typed, "@ ") {
		asked = aside(func() { short, unread = env.Tenant.FindUsers(ctx, typed+"@"+env.Organization.DefaultDomain) })
	}
	found, err = env.Tenant.FindUsers(ctx, typed)
	asked()
	if err == nil && len(found) == 0 {
		return short, unread
	}
	return found, err
}

// notFound says that there is nobody whom somebody typed, and what became of the
// account that was called so at the last reading of all.
func notFound(ctx context.Context, env Env, typed string) error {
	plain := &mistake{"There is no account " + shown(typed) + " in " + quoted(env.Organization.Name, 60) + ".", "Type the sign-in name in full, or the display name in quotation marks."}
	users, _ := env.kept(ctx).Users.Get()
	i := slices.IndexFunc(users, func(u graph.User) bool {
		return strings.EqualFold(u.UPN, typed) || strings.EqualFold(u.Mail, typed) || strings.EqualFold(u.Name, typed) || strings.EqualFold(u.ID, typed)
	})
	if i < 0 {
		return plain
	}
	now, err := env.Tenant.User(ctx, users[i].ID)
	k, known := kindOf(err)
	switch {
	case known && k == graph.KindNotFound:
		return &mistake{"The account " + shown(typed) + " has been deleted: there is none of its object ID (" + chat.Safe(users[i].ID, 60) + ") any more.", "In the Entra admin centre it can be restored for 30 days."}
	case err != nil:
		return err
	default:
		return &severalFound{typed, []graph.User{now}}
	}
}

// severalFound says that what was typed is not the name of one account: several
// are called so, or one was. Which is meant is for who typed it to say.
type severalFound struct {
	typed string
	found []graph.User
}

func (s *severalFound) Error() string { return "ambiguous: " + s.Say() }

// Say implements sayer.
func (s *severalFound) Say() string {
	if len(s.found) == 1 {
		return "The account that was called " + shown(s.typed) + " is " + quoted(s.found[0].Name, 60) + " (" + chat.Safe(s.found[0].UPN, 80) + ") now."
	}
	return fmt.Sprintf("%d accounts are called %s: which one?", len(s.found), shown(s.typed))
}

// Hint implements hinter.
func (s *severalFound) Hint() string {
	names := make([]string, len(s.found))
	for i, u := range s.found {
		names[i] = u.UPN
	}
	slices.Sort(names)
	return "Type its sign-in name: " + quotedNames(names) + "."
}

// choice asks which account is meant. Each button says the same line with the
// account's object ID in place of what was typed.
func (s *severalFound) choice(line string) chat.Message {
	m := chat.Message{Headline: s.Say(), Text: s.Hint(), Footer: "Only you can see this. Nothing was done yet."}
	found := slices.SortedFunc(slices.Values(s.found), func(a, b graph.User) int { return strings.Compare(a.UPN, b.UPN) })
	for _, u := range found[:min(namesShown, len(found))] {
		value := chat.Safe(u.UPN, 80) + ", " + chat.Safe(u.ID, 60)
		if u.Department != "" {
			value += ", " + quoted(u.Department, 60)
		}
		if chat.MixedScripts(u.UPN) || chat.MixedScripts(u.Name) {
			value += ", mixed scripts: look at the ID"
		}
		m.Fields = append(m.Fields, chat.Field{Label: "Account", Value: value})
		if meant, ok := instead(line, s.typed, u.ID); ok {
			m.Buttons = append(m.Buttons, chat.Button{ID: "run", Label: chat.Safe(u.UPN, 70), Value: meant})
		}
	}
	return m
}

// instead returns a line in which an account's ID stands for what was typed,
// with or without its quotation marks.
func instead(line, typed, id string) (string, bool) {
	line = strings.Join(strings.Fields(line), " ")
	at := strings.Index(line, typed)
	if at < 0 {
		return "", false
	}
	before, after := line[:at], line[at+len(typed):]
	for _, mark := range quotationMarks {
		before, after = strings.TrimSuffix(before, mark), strings.TrimPrefix(after, mark)
	}
	return before + id + after, true
}

var quotationMarks = []string{`"`, "“", "”", "„"}

// mentioned returns whom somebody mentioned, by object ID, or what they typed if
// that is no mention. Adapters leave a mention in the text as the account between
// "<@" and ">", with what it is called behind a bar if they know.
func mentioned(ctx context.Context, env Env, from chat.Account, typed string) (string, error) {
	inner, ok := strings.CutPrefix(typed, "<@")
	if !ok || !strings.HasSuffix(inner, ">") {
		return typed, nil
	}
	account, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSuffix(inner, ">"), "!"), "|")
	object, err := env.People.Whose(ctx, chat.Account{Platform: from.Platform, Workspace: from.Workspace, User: account})
	if err != nil {
		return "", err
	}
	if object == "" {
		return "", &mistake{"I do not know who that chat account is in Microsoft 365.", "Type the sign-in name instead."}
	}
	return object, nil
}

// subject is an account that a change is about, as far as the change hangs on it.
type subject struct {
	ID      string       `json:"id"`
	Name    string       `json:"name"` // for people: a new name is no difference
	UPN     string       `json:"upn"`  // the same
	Gone    bool         `json:"gone,omitempty"`
	Enabled bool         `json:"enabled"`
	Synced  bool         `json:"synced,omitempty"`
	Guest   bool         `json:"guest,omitempty"`
	Roles   []graph.Role `json:"roles"` // of the directory, by template; graph.RoleGroup among them
	Here    []string     `json:"here"`  // roles in this bot above staff, sorted
}

// readAimed reads the account that a request is about, as readSubject does.
func readAimed(ctx context.Context, env Env, r approval.Request) (subject, error) {
	id, err := aimed(r)
	if err != nil {
		return subject{}, err
	}
	return readSubject(ctx, env, id)
}

// readSubject reads an account by its object ID alone. A name may have passed
// to somebody else since.
func readSubject(ctx context.Context, env Env, id string) (subject, error) {
	s := subject{ID: id, Roles: []graph.Role{}, Here: []string{}}
	u, err := env.Tenant.User(ctx, id)
	if k, known := kindOf(err); known && k == graph.KindNotFound || err == nil && !strings.EqualFold(u.ID, id) {
		s.Gone = true
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("read account: %w", err)
	}
	s.Name, s.UPN, s.Enabled, s.Synced, s.Guest = u.Name, u.UPN, u.Enabled, u.Synced, u.Guest
	holders, err := env.Tenant.RoleHolders(ctx)
	if err != nil {
		return s, fmt.Errorf("read directory roles: %w", err)
	}
	near, err := env.Tenant.RoleGroupPeople(ctx)
	if err != nil {
		return s, fmt.Errorf("read groups for roles: %w", err)
	}
	for _, h := range slices.Concat(holders, near) {
		if strings.EqualFold(h.UserID, id) {
			s.Roles = append(s.Roles, h.Roles...)
		}
	}
	slices.SortFunc(s.Roles, func(a, b graph.Role) int { return strings.Compare(a.TemplateID, b.TemplateID) })
	here, err := env.People.Holds(ctx, id)
	if err != nil {
		return s, fmt.Errorf("read roles in this bot: %w", err)
	}
	for role := range here {
		s.Here = append(s.Here, string(role))
	}
	slices.Sort(s.Here)
	return s, nil
}

// called is how an account is named to people: by both of its names.
func (s subject) called() string { return s.Name + ", " + s.UPN }

// shown is the display name as it can stand in a sentence of ours.
func (s subject) shown() string { return quoted(s.Name, 60) }

func roleNames(roles []graph.Role) []string {
	names := make([]string, len(roles))
	for i, r := range roles {
		if names[i] = r.Name; r.Name == "" {
			names[i] = r.TemplateID
		}
	}
	return names
}

// highestRoles can put back what anybody did, and undo every protection.
var highestRoles = []string{graph.RoleGlobalAdministrator, graph.RolePrivilegedRoleAdmin, graph.RolePrivilegedAuthAdmin}

func (s subject) highest() bool {
	return slices.ContainsFunc(s.Roles, func(r graph.Role) bool { return slices.Contains(highestRoles, r.TemplateID) })
}

// untouchable says why no change of a kind may touch the account, or "".
func (s subject) untouchable(env Env, k kind) string {
	switch {
	case s.Gone:
		return "The account is gone: it does not exist any more."
	case slices.Contains(env.Rules.Now().Protected, s.ID), slices.Contains(env.Rules.Now().Emergency, s.ID), slices.Contains(emergency(env.Scope), s.ID):
		return s.shown() + " is a protected account. No change may touch it, however many approve."
	case k.sparing && s.highest() && !env.Rules.Now().AdminsTwo:
		return s.shown() + " is one of the highest administrators (" + quotedNames(roleNames(s.Roles)) + "), whom this bot leaves alone."
	default:
		return ""
	}
}

// refuseSubject refuses whom a change may not be about, as it is asked.
func refuseSubject(env Env, s subject, k kind) error {
	say := s.untouchable(env, k)
	if say == "" {
		return nil
	}
	hint := "Do it in the Entra admin centre."
	if k.sparing && s.highest() && !env.Rules.Now().AdminsTwo {
		hint += " An owner can allow it here, with two approvers, by “admins: two” in the configuration."
	}
	return &mistake{say, hint}
}

// compareSubject names what became different about an account, and what must
// not be touched now, whatever was known when it was asked.
func compareSubject(env Env, k kind, was, is subject) []string {
	if say := is.untouchable(env, k); say != "" {
		return []string{say}
	}
	var found []string
	note := func(differs bool, yes bool, becameTrue, becameFalse string) {
		if !differs {
			return
		}
		if yes {
			found = append(found, was.shown()+becameTrue)
		} else {
			found = append(found, was.shown()+becameFalse)
		}
	}
	note(was.Enabled != is.Enabled, is.Enabled, " was blocked and is not any more.", " has been blocked.")
	note(was.Synced != is.Synced, is.Synced, " is kept on-premises now.", " is not kept on-premises any more.")
	note(was.Guest != is.Guest, is.Guest, " is a guest now.", " is not a guest any more.")
	return append(found, compareRoles(was, is)...)
}

// compareRoles names the roles that somebody was given or lost: how many decide
// hangs on them.
func compareRoles(was, is subject) (found []string) {
	for _, role := range more(is.Roles, was.Roles) {
		found = append(found, was.shown()+" holds a directory role more: "+role+".")
	}
	for _, role := range more(was.Roles, is.Roles) {
		found = append(found, was.shown()+" holds a directory role less: "+role+".")
	}
	if !slices.Equal(was.Here, is.Here) {
		found = append(found, was.shown()+" holds other roles in this bot than before.")
	}
	return found
}

// more names the roles that are in one list and not in the other.
func more(roles, than []graph.Role) []string {
	var names []string
	for _, r := range roles {
		if !slices.ContainsFunc(than, func(x graph.Role) bool { return x.TemplateID == r.TemplateID }) {
			names = append(names, quotedNames(roleNames([]graph.Role{r})))
		}
	}
	return names
}

// renamed says it where an account is not called any more what approvers saw.
// What cannot be read now is no reason to say anything else of what was done.
func renamed(ctx context.Context, env Env, r approval.Request) string {
	id, err := aimed(r)
	if err != nil {
		return ""
	}
	u, err := env.Tenant.User(ctx, id)
	if err != nil {
		return ""
	}
	if now := (subject{Name: u.Name, UPN: u.UPN}).called(); now != r.Targets[0].Name {
		return "The account that was " + quoted(r.Targets[0].Name, 120) + " is called " + quoted(now, 120) + " now."
	}
	return ""
}

// aimAt finds whom a change of a kind is to be about, and refuses it if the
// kind is switched off or the account must not be touched.
func aimAt(ctx context.Context, env Env, k kind, c Call) (subject, error) {
	if err := switchedOn(env, k.name); err != nil {
		return subject{}, err
	}
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

// aboutOne is a plan about one account, without its words.
func aboutOne(env Env, k kind, version int, s subject, what stakes) approval.Plan {
	return approval.Plan{
		Kind: k.name, KindVersion: version,
		Targets: []approval.Target{{ID: s.ID, Name: s.called()}},
		Policy:  policyFor(env.Rules.Now(), what),
	}
}

// stakesOf are what the policy of a change of one account hangs on.
func stakesOf(k kind, s subject) stakes {
	what := stakes{kind: k, targets: 1}
	if len(s.Roles) > 0 {
		what.admins = []string{s.Name}
	}
	if len(s.Here) > 0 {
		what.holders = []string{s.Name}
	}
	return what
}
