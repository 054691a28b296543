package commands

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"twokey/chat"
	"twokey/commands/identity"
	"twokey/graph/rollout"
)

// Changes reads what was changed in the tenant, by whomever.
type Changes interface {
	// Changes returns the last n changes since a moment.
	Changes(ctx context.Context, since time.Time, n int) (rollout.ChangeLog, error)
}

// shownChanges is how many changes are listed.
const shownChanges = 20

// changesBack is how far back is looked where nobody says since when.
const changesBack = 7 * 24 * time.Hour

func changes(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "changes", Summary: "What was changed in the tenant: by Twokey, or by whom outside it.", Example: "changes --since 2026-11-20",
			Options: []chat.Option{{Name: "since", Summary: "the first day to show, like 2026-11-20, or how many days back, like 30d; 7 days without it", Flag: true}},
		},
		Access: only(identity.Viewer),
		Kept:   true,
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			since, err := sinceWhen(env, c.Args["since"])
			if err != nil {
				return chat.Message{}, err
			}
			l, err := env.Changes.Changes(ctx, since, shownChanges+1)
			if err != nil {
				return chat.Message{}, err
			}
			return changesMessage(env, since, l), nil
		},
	}
}

// sinceWhen reads a day in the organisation's zone, or a number of days back.
func sinceWhen(env Env, typed string) (time.Time, error) {
	if typed == "" {
		return env.Now().Add(-changesBack), nil
	}
	if days, err := strconv.Atoi(strings.TrimSuffix(strings.ToLower(typed), "d")); err == nil && days > 0 && days <= 10_000 {
		return env.Now().AddDate(0, 0, -days), nil
	}
	day, err := time.ParseInLocation(time.DateOnly, typed, env.Zone)
	switch {
	case err != nil:
		return time.Time{}, &mistake{shown(typed) + " is not a day.", "Write it like 2026-11-20, or say how many days back, like 30d."}
	case day.After(env.Now()):
		return time.Time{}, &mistake{shown(typed) + " is still to come.", "Name a day that has begun."}
	}
	return day, nil
}

func changesMessage(env Env, since time.Time, l rollout.ChangeLog) chat.Message {
	m := chat.Message{Footer: watchedWords(env, since, l) + " Only you can see this."}
	all := l.Changes
	more := len(all) > shownChanges
	if more {
		all = all[:shownChanges]
	}
	made, outside := 0, 0 // a gap is no change
	for _, c := range all {
		switch c.Origin {
		case rollout.ByTwokey:
			made++
		case rollout.Outside, rollout.InOurName:
			made++
			outside++
		}
	}
	switch {
	case l.WatchedUntil.IsZero():
		m.Headline = "What was changed is not known: the directory's audit log could not be read yet."
	case made == 0:
		m.Headline = "No change was noticed since " + day(env, since) + "."
	case more:
		m.Headline = fmt.Sprintf("The last %d changes, %d of them made outside Twokey", made, outside)
	default:
		m.Headline = fmt.Sprintf("%s since %s, %d made outside Twokey", plural(strconv.Itoa(made), "change"), day(env, since), outside)
	}
	if len(all) > 0 {
		m.Table = changeTable(env, all)
	}
	if l.Own > 0 {
		m.Text = fmt.Sprintf("Not listed: %s that people made to their own sign-in methods or account.", plural(strconv.Itoa(l.Own), "change"))
	}
	return m
}

func day(env Env, t time.Time) string { return t.In(env.Zone).Format("Mon 2 Jan 2006") }

// watchedWords says of which part of the time anything could be noticed.
func watchedWords(env Env, since time.Time, l rollout.ChangeLog) string {
	if l.WatchedUntil.IsZero() {
		return "Nothing was read so far."
	}
	s := "The audit log was read up to " + moment(env, l.WatchedUntil) + "; it is some minutes late."
	if l.WatchedSince.After(since) {
		s += " What happened before " + moment(env, l.WatchedSince) + " is not known here."
	}
	return s
}

func changeTable(env Env, all []rollout.LoggedChange) *chat.Table {
	t := &chat.Table{Header: []string{"When", "What", "Of whom or what", "By"}}
	for _, c := range all {
		if c.Origin == rollout.Gap {
			t.Rows = append(t.Rows, []string{moment(env, c.At), "not known until " + moment(env, c.Until), "", "the log was not read in time"})
			continue
		}
		t.Rows = append(t.Rows, []string{moment(env, c.At), changeWords(c), targetWords(c), originWords(c)})
	}
	return t
}

// kindWords say what a change was. How the log calls it is for machines.
var kindWords = map[rollout.ChangeKind]string{
	rollout.ChangeDefaults:       "security defaults",
	rollout.ChangePolicy:         "a Conditional Access policy",
	rollout.ChangeMethodsPolicy:  "the authentication methods policy",
	rollout.ChangeOtherPolicy:    "another policy",
	rollout.ChangeMethodAdded:    "a sign-in method added",
	rollout.ChangeMethodRemoved:  "a sign-in method removed",
	rollout.ChangeMethodUpdated:  "a sign-in method changed",
	rollout.ChangePass:           "a Temporary Access Pass",
	rollout.ChangePerUserMFA:     "per-user MFA",
	rollout.ChangeAccountBlocked: "sign-in blocked",
	rollout.ChangeAccountAllowed: "sign-in allowed again",
	rollout.ChangeSessions:       "signed out everywhere",
	rollout.ChangeAppAccess:      "an app's access",
	rollout.ChangeRole:           "a directory role",
}

func changeWords(c rollout.LoggedChange) string {
	words, known := kindWords[c.Kind]
	if !known {
		words = "something else (" + quoted(c.Activity, 60) + ")"
	}
	if c.Old != "" || c.New != "" {
		words += ": " + cmp.Or(valueWords(c.Old), "nothing") + " → " + cmp.Or(valueWords(c.New), "nothing")
	}
	if c.Failed {
		words += ", tried and refused"
	}
	return words
}

// valueWords shows a value of the log, "" for none.
func valueWords(s string) string {
	switch strings.ToLower(s) {
	case "":
		return ""
	case "true":
		return "on"
	case "false":
		return "off"
	default:
		return quoted(s, 40)
	}
}

func targetWords(c rollout.LoggedChange) string {
	switch {
	case c.Target == "":
		return chat.Safe(c.TargetID, 60)
	case chat.MixedScripts(c.Target):
		return quoted(c.Target, 60) + ", mixed scripts: its ID is " + chat.Safe(c.TargetID, 60)
	default:
		return quoted(c.Target, 60)
	}
}

// originWords says whose doing a change was.
func originWords(c rollout.LoggedChange) string {
	switch c.Origin {
	case rollout.ByTwokey:
		return "by Twokey " + chat.Safe(c.Request, 20)
	case rollout.InOurName:
		return "outside, with Twokey's own credentials and without a request"
	default:
		who := cmp.Or(c.By, c.ByUserID, c.ByAppID)
		if who == "" {
			return "outside, by nobody whom the log names"
		}
		if c.ByAppID != "" {
			return "outside, by the app " + quoted(who, 60)
		}
		return "outside, by " + quoted(who, 60)
	}
}
