package commands

import (
	"cmp"
	"context"
	"strconv"
	"strings"

	"twokey/chat"
	"twokey/commands/identity"
	"twokey/graph/rollout"
)

// The datasets of an export, beside the lists of [who].
const (
	datasetPeople     = "people"
	datasetLegacy     = "legacy"
	datasetChanges    = "changes"
	datasetExceptions = "exceptions"
)

// exportedChanges is how many changes are exported at most.
const exportedChanges = 10_000

// export gives a lead data as a file, in private, and records that it did.
func export(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "export", Summary: "A list as a file, for a spreadsheet or a program.", Example: "export missing csv --bom",
			Options: []chat.Option{
				{Name: "dataset", Summary: "what to export", Choices: append([]string{datasetPeople, datasetLegacy, datasetChanges, datasetExceptions}, questions()...), Required: true},
				{Name: "format", Summary: "csv for a spreadsheet, json for a program: an object on each line", Choices: []string{formatCSV, formatJSON}, Required: true},
				{Name: "since", Summary: "of changes: the first day, like 2026-11-20, or how many days back, like 30d", Flag: true},
				{Name: "bom", Summary: "with a mark at its beginning, by which Excel knows the letters", Flag: true, Bare: true},
				{Name: "reason", Summary: "why; with more than " + strconv.Itoa(namesAlone) + " rows of names two approvers decide, and read it", Rest: true},
			},
		},
		Access: only(identity.Lead),
		Kept:   true, // a file that others agree to is asked for as every change is
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			if err := proves(ctx, env, &c, forLists); err != nil {
				return chat.Message{}, err
			}
			e, err := exportOf(ctx, env, c)
			if err != nil {
				return chat.Message{}, err
			}
			if len(e.rows) == 0 {
				return chat.Message{Headline: "There is nothing to export: " + cmp.Or(e.why, "the list is empty") + "."}, nil
			}
			if e.large() {
				return chat.Message{}, &plansInstead{planExport(env, c, e)}
			}
			m := chat.Message{
				Headline: "The export has " + plural(strconv.Itoa(len(e.rows)), "row") + ".",
				Footer:   "Only you can see this, and it is recorded. Keep it as carefully as what it is about, and delete it when you are done.",
			}
			if e.why != "" {
				m.Text = "It may not be whole: " + e.why + "."
			}
			m.Text = strings.TrimSpace(m.Text + " " + e.doubt)
			if m.File, err = e.file("twokey-"+c.Args["dataset"], c.Args["format"], c.Args["bom"] != ""); err != nil {
				return chat.Message{}, err
			}
			return m, lookedUp(ctx, env, c, "export "+c.Args["dataset"]+" "+c.Args["format"], e.people)
		},
	}
}

// exported is what is exported, whom it names, and why it may not be whole.
type exported struct {
	sheet
	people []string
	why    string
	doubt  string // of people, see rolesUnknown
}

func exportOf(ctx context.Context, env Env, c Call) (exported, error) {
	switch set := c.Args["dataset"]; set {
	case datasetLegacy:
		return exportLegacy(rollout.NewLegacy(env.kept(ctx), env.Scope)), nil
	case datasetChanges:
		return exportChanges(ctx, env, c)
	case datasetExceptions:
		return exportDeclared(ctx, env)
	case datasetPeople:
		people, why := rollout.People(env.kept(ctx), env.Scope)
		return exported{peopleSheet(people), idsOf(people), string(why), rolesUnknown(env.kept(ctx))}, nil
	default:
		people, why := rollout.Who(env.kept(ctx), env.Scope, rollout.Question(set))
		return exported{peopleSheet(people), idsOf(people), string(why), rolesUnknown(env.kept(ctx))}, nil
	}
}

func exportLegacy(l rollout.Legacy) exported {
	e := exported{sheet: sheet{columns: []string{"object_id", "sign_in_name", "protocols", "apps", "devices", "succeeded", "first_seen", "last_seen"}}}
	e.why = string(l.Get(rollout.LegacySucceeded).Reason())
	for _, a := range l.Accounts {
		protocols := make([]string, len(a.Protocols))
		for i, p := range a.Protocols {
			protocols[i] = string(p)
		}
		e.rows = append(e.rows, []string{
			a.UserID, a.UPN, strings.Join(protocols, "; "), strings.Join(a.Apps, "; "), strings.Join(a.Devices, "; "),
			strconv.Itoa(a.Succeeded), stamp(a.First), stamp(a.Last),
		})
		e.people = append(e.people, cmp.Or(a.UserID, a.UPN))
	}
	return e
}

func exportChanges(ctx context.Context, env Env, c Call) (exported, error) {
	since, err := sinceWhen(env, c.Args["since"])
	if err != nil {
		return exported{}, err
	}
	l, err := env.Changes.Changes(ctx, since, exportedChanges)
	if err != nil {
		return exported{}, err
	}
	e := exported{sheet: sheet{columns: []string{"at", "kind", "activity", "target_id", "target", "old", "new", "origin", "request", "by_user", "by_app", "by", "failed"}}}
	switch {
	case l.WatchedUntil.IsZero():
		e.why = "the directory's audit log could not be read yet"
	case len(l.Changes) == exportedChanges:
		e.why = "only the last " + strconv.Itoa(exportedChanges) + " changes are in it"
	case l.WatchedSince.After(since):
		e.why = "what happened before " + moment(env, l.WatchedSince) + " is not known here"
	}
	named := map[string]bool{}
	for _, x := range l.Changes {
		e.rows = append(e.rows, []string{
			stamp(x.At), string(x.Kind), x.Activity, x.TargetID, x.Target, x.Old, x.New, string(x.Origin), x.Request, x.ByUserID, x.ByAppID, x.By, yesOrNo(x.Failed),
		})
		if x.TargetID != "" && !named[x.TargetID] {
			named[x.TargetID] = true
			e.people = append(e.people, x.TargetID)
		}
	}
	return e, nil
}

func exportDeclared(ctx context.Context, env Env) (exported, error) {
	all, err := env.Declarations.Declared(ctx, env.Organization.ID)
	e := exported{sheet: sheet{columns: []string{"object_id", "name", "sort", "purpose", "why", "answers_for_it", "request", "since", "until"}}}
	for _, d := range all {
		e.rows = append(e.rows, []string{d.Object, d.Name, string(d.Sort), string(d.Purpose), d.Why, d.Owner, d.Request, stamp(d.Since), stamp(d.Until)})
		e.people = append(e.people, d.Object)
	}
	return e, err
}
