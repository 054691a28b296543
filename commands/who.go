package commands

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"twokey/chat"
	"twokey/commands/identity"
	"twokey/graph/rollout"
)

// shownPeople is how many people a list shows.
const shownPeople = 20

// departmentOption keeps a list to one department.
var departmentOption = chat.Option{Name: "department", Summary: "only this department, in one word or in quotation marks", Flag: true}

// who lists the people whom a question is about, by name.
func who(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "who", Summary: "Lists people by name: who is missing, who has one method only, and the like.", Example: "who missing --department Sales",
			Options: []chat.Option{
				{Name: "question", Summary: "whom to list", Choices: questions(), Required: true},
				departmentOption,
				{Name: "csv", Summary: "all of them as a file, for leads", Flag: true, Bare: true},
			},
		},
		Access: only(identity.Viewer),
		Kept:   true,
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			asFile := c.Args["csv"] != ""
			if asFile && !c.Who.Has(identity.Lead) {
				return chat.Message{}, &mistake{"A file of names is for leads.", "Without “--csv” the first " + strconv.Itoa(shownPeople) + " are shown."}
			}
			if asFile {
				if err := proves(ctx, env, &c, forLists); err != nil {
					return chat.Message{}, err
				}
			}
			facts := env.kept(ctx)
			l, err := askWho(env, facts, rollout.Question(c.Args["question"]), c.Args["department"])
			if err != nil {
				return chat.Message{}, err
			}
			m, listed := l.message(env, facts, asFile)
			if l.why != facts.RoleHolders.Reason() {
				m.Text = strings.TrimSpace(m.Text + " " + rolesUnknown(facts))
			}
			if asFile && len(l.people) > namesAlone {
				return chat.Message{}, &mistake{fmt.Sprintf("A file with the names of %d people is for two approvers to agree to.", len(l.people)), "“/mfa export " + string(l.question) + " csv” asks them, or choose a department."}
			}
			if asFile {
				if m.File, err = peopleSheet(l.people).file("who-"+string(l.question), formatCSV, true); err != nil {
					return chat.Message{}, err
				}
			}
			return m, lookedUp(ctx, env, c, "who "+string(l.question), idsOf(listed))
		},
	}
}

// rolesUnknown says why those who are counted may not be right, where that cannot be
// seen from the figures themselves: who holds a directory role decides whether an
// account is a person's, and of whom MFA is always demanded. It is empty where
// the roles are known.
func rolesUnknown(facts rollout.Facts) string {
	why := facts.RoleHolders.Reason()
	if why == "" {
		return ""
	}
	return "Who holds a directory role is not known (" + string(why) + "): accounts of the directory synchronization may be counted as people, and administrators as not always asked."
}

func questions() []string {
	var all []string
	for _, q := range rollout.Questions() {
		all = append(all, string(q))
	}
	return all
}

// questionWords are what each list is called, and what is to be known of it.
var questionWords = map[rollout.Question]struct{ title, note string }{
	rollout.WhoMissing:     {"People in scope who are not registered", ""},
	rollout.WhoSingle:      {"People in scope with one method only", "If it breaks they are locked out."},
	rollout.WhoPhoneOnly:   {"People in scope with nothing but texts or calls", ""},
	rollout.WhoWeak:        {"Administrators with nothing that resists phishing", ""},
	rollout.WhoUnenforced:  {"People in scope who are not always asked for a second factor", ""},
	rollout.WhoStale:       {"People in scope who were not seen for 90 days", ""},
	rollout.WhoGuests:      {"Guests whose accounts are open", "They register in their own organisation: what they have there is not known here."},
	rollout.WhoDisabledReg: {"Disabled accounts that are still registered", "Once one is enabled it can sign in at once."},
}

// whoList is the answer to a question.
type whoList struct {
	question   rollout.Question
	department string
	people     []rollout.Person
	why        rollout.Reason // why it may be short
}

func askWho(env Env, facts rollout.Facts, q rollout.Question, department string) (whoList, error) {
	people, why := rollout.Who(facts, env.Scope, q)
	if department == "" {
		return whoList{question: q, people: people, why: why}, nil
	}
	name, err := departmentNamed(facts, department)
	if err != nil {
		return whoList{}, err
	}
	people = slices.DeleteFunc(people, func(p rollout.Person) bool { return p.Department != name })
	return whoList{q, name, people, why}, nil
}

// departmentNamed finds the department that was typed, in any case.
func departmentNamed(facts rollout.Facts, typed string) (string, error) {
	users, ok := facts.Users.Get()
	if !ok {
		return typed, nil // the list has its reason
	}
	var all []string
	for _, u := range users {
		if strings.EqualFold(u.Department, typed) {
			return u.Department, nil
		}
		if u.Department != "" && !slices.Contains(all, u.Department) {
			all = append(all, u.Department)
		}
	}
	slices.Sort(all)
	hint := "No account names a department."
	if len(all) > 0 {
		hint = "There are: " + quotedNames(all) + "."
	}
	return "", &mistake{"There is no department " + shown(typed) + ".", hint}
}

// message shows the list, or says that it is in the file beside it, and says whom
// it names.
func (l whoList) message(env Env, facts rollout.Facts, asFile bool) (m chat.Message, named []rollout.Person) {
	words := questionWords[l.question]
	title := words.title
	if l.department != "" {
		title += " in " + quoted(l.department, 60)
	}
	count := rollout.Number("", time.Time{}, len(l.people)).String()
	switch {
	case len(l.people) == 0 && l.why != "":
		m.Headline = title + ": not known (" + string(l.why) + ")."
	case l.why != "":
		m.Headline = title + ": at least " + count + "."
		m.Text = "It is not known of everybody: " + string(l.why) + "."
	case len(l.people) == 0:
		m.Headline = title + ": none."
	default:
		m.Headline = title + ": " + count + "."
	}
	if len(l.people) > 0 {
		m.Text = strings.TrimSpace(m.Text + " " + words.note)
	}
	if l.question == rollout.WhoPhoneOnly && len(l.people) > 0 {
		m.Text = strings.TrimSpace(m.Text + " " + textsEnd(today(env)))
	}
	m.Footer = "As of " + moment(env, facts.AsOf) + ". Only you can see this, and it is recorded that you looked."
	named = l.people[:min(shownPeople, len(l.people))]
	if len(named) == 0 {
		m.Footer = "As of " + moment(env, facts.AsOf) + ". Only you can see this."
		return m, nil
	}
	if asFile {
		m.Text = strings.TrimSpace(m.Text + " All of them are in the file.")
		return m, l.people
	}
	m.Table = &chat.Table{Header: []string{"Name", "Sign-in name", "Department"}}
	for _, p := range named {
		name := p.Name
		if chat.MixedScripts(p.Name) {
			name += " (mixed scripts)"
		}
		m.Table.Rows = append(m.Table.Rows, []string{name, p.UPN, p.Department})
	}
	if more := len(l.people) - len(named); more > 0 {
		m.Text = strings.TrimSpace(m.Text + fmt.Sprintf(" The first %d are shown. A lead can have all of them as a file, with “--csv”.", shownPeople))
	}
	return m, named
}
