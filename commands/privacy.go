package commands

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"twokey/chat"
	"twokey/commands/identity"
	"twokey/commands/staff"
)

// privacy shows somebody what is stored about them.
func privacy(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{Name: "privacy", Summary: "Everything that is stored about you, and how long.", Example: "privacy"},
		Access:      everybody,
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			stored, err := env.Staff.Stored(ctx, env.Organization.ID, c.Who.User.ID, namesOf(env, c.Who)...)
			if err != nil {
				return chat.Message{}, err
			}
			m := chat.Message{
				Headline: "What is stored about you",
				Text:     "No passwords, no codes and no passes are ever stored, and of your phone nothing but how Microsoft 365 calls it.",
				Table:    storedTable(stored),
				Footer:   onlyYou + " It is a count of every row in the bot's database that holds your ID, your sign-in name or your chat account.",
			}
			if len(stored) == 0 {
				m.Headline, m.Table = "Nothing is stored about you.", nil
			}
			if !c.Who.Linked {
				return m, nil
			}
			m.Fields, err = ownWords(ctx, env, c.Who)
			return m, err
		},
	}
}

// namesOf are the words by which somebody is found beside their object ID. A
// display name is none: others may have the same.
func namesOf(env Env, who identity.Speaker) []string {
	names := []string{encode(who.Account), identity.LinkKey(who.Account), who.User.UPN}
	for _, a := range env.People.Accounts(who.Principal) {
		if a != who.Account {
			names = append(names, encode(a), identity.LinkKey(a))
		}
	}
	return names
}

// kept says what the rows of a table are, and how long they are kept.
var kept = map[string][2]string{
	"alias":      {"Under which pseudonyms the audit record knows you", "until you are erased as a leaver"},
	"aside":      {"Words beside the audit record", "as long as the record's text, 7 years by default"},
	"audit":      {"What you did, or was done for you: by pseudonym", "its text 7 years by default"},
	"away":       {"When you are away", "until you are erased as a leaver"},
	"change":     {"Changes of your account, from Microsoft's audit log", "as long as the audit record"},
	"decision":   {"Requests that you decided", "as long as the request"},
	"inbox":      {"That the chat delivered something of yours", "some days"},
	"legacy_use": {"Your sign-ins by old mail protocols, by day", "some weeks; then as a sum without names"},
	"outbox":     {"Messages to you, as facts without words", "as long as what they tell of"},
	"person":     {"Your account and its methods, as read from Microsoft 365", "replaced at each reading; gone with the account"},
	"request":    {"Requests by you or about you", "7 years by default"},
	"rules":      {"Your role here and your chat account, from the configuration", "as long as the audit record"},
	"staff_case": {"Your cases with the help desk", "until you are erased as a leaver"},
	"staff_note": {"What you told me about yourself", "until you are erased as a leaver"},
}

func storedTable(stored []staff.Stored) *chat.Table {
	t := &chat.Table{Header: []string{"What", "Rows", "Kept"}}
	for _, s := range stored {
		words := kept[s.Table]
		t.Rows = append(t.Rows, []string{
			cmp.Or(words[0], "Table "+s.Table), fmt.Sprint(s.Rows), cmp.Or(words[1], "until you are erased as a leaver"),
		})
	}
	return t
}

// ownWords is what somebody told the bot, word for word.
func ownWords(ctx context.Context, env Env, who identity.Speaker) ([]chat.Field, error) {
	note, err := env.Staff.StaffNote(ctx, env.Organization.ID, who.User.ID)
	if err != nil {
		return nil, err
	}
	var fs []chat.Field
	if !note.Postponed.IsZero() {
		fs = append(fs, chat.Field{Label: "No reminders before", Value: dayWords(env, note.Postponed)})
	}
	if note.NeedsKey {
		fs = append(fs, chat.Field{Label: "You said", Value: "I have no phone for this."})
	}
	if !note.Looked.IsZero() {
		fs = append(fs, chat.Field{Label: "You last looked", Value: moment(env, note.Looked)})
	}
	cases, err := env.Staff.CasesOf(ctx, env.Organization.ID, who.User.ID)
	if err != nil {
		return nil, err
	}
	for _, c := range cases {
		fs = append(fs, chat.Field{Label: "Case " + c.Ref, Value: "opened " + moment(env, c.Opened) + closedWords(env, c)})
		for _, words := range ownLines(c, who.User.ID) {
			fs = append(fs, chat.Field{Label: "Your words in " + c.Ref, Value: words, Quoted: true})
		}
	}
	return fs, nil
}

func closedWords(env Env, c staff.Case) string {
	if c.Open {
		return ", open"
	}
	return ", closed " + moment(env, c.Closed)
}

// ownLines are somebody's own words in a case, and nobody else's.
func ownLines(c staff.Case, object string) []string {
	var lines []string
	if c.Opener == object && strings.TrimSpace(c.Words) != "" {
		lines = append(lines, c.Words)
	}
	for _, l := range c.Lines {
		if l.By == object {
			lines = append(lines, l.Words)
		}
	}
	return lines
}
