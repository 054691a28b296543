package commands

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"twokey/chat"
	"twokey/chat/phrases"
	"twokey/commands/identity"
	"twokey/commands/staff"
)

// privacy shows somebody what is stored about them.
func privacy(env Env) Command {
	asked := &sparing{each: time.Minute, last: map[string]time.Time{}}
	return Command{
		CommandSpec: chat.CommandSpec{Name: "privacy", Summary: "Everything that is stored about you, and how long.", Example: "privacy"},
		Access:      everybody,
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			if !c.Who.Linked {
				return chat.Message{}, &mistake{c.Voice.Say("I do not know who you are in Microsoft 365, so I cannot look for what is stored about you."), c.Voice.Say("Please ask %s.", env.Contact)}
			}
			if !asked.pass(c.Who.User.ID, env.Now()) {
				return chat.Message{}, &mistake{c.Voice.Say("I looked for this less than a minute ago."), c.Voice.Say("Every table has to be looked through for it, so please wait a minute. The answer above still holds.")}
			}
			stored, err := env.Staff.Stored(ctx, env.Organization.ID, c.Who.User.ID, namesOf(ctx, env, c.Who)...)
			if err != nil {
				return chat.Message{}, err
			}
			m := chat.Message{
				Headline: c.Voice.Say("What is stored about you"),
				Text:     c.Voice.Say("No passwords, no codes and no passes are ever stored, and of your phone nothing but how Microsoft 365 calls it."),
				Table:    storedTable(stored),
				Footer:   c.Voice.Say(onlyYou) + " " + c.Voice.Say("It is a count of every row in the bot's database that holds your ID, your sign-in name or your chat account."),
			}
			if len(stored) == 0 {
				m.Headline, m.Table = c.Voice.Say("Nothing is stored about you."), nil
			}
			m.Fields, err = ownWords(ctx, env, c.Voice, c.Who)
			return m, err
		},
	}
}

// sparing lets everybody pass once in a while.
type sparing struct {
	each time.Duration
	mu   sync.Mutex
	last map[string]time.Time // by person
}

func (s *sparing) pass(person string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.last, func(_ string, at time.Time) bool { return now.Sub(at) >= s.each })
	if _, lately := s.last[person]; lately {
		return false
	}
	s.last[person] = now
	return true
}

// namesOf are the words by which somebody is found beside their object ID. A
// display name is none: others may have the same.
func namesOf(ctx context.Context, env Env, who identity.Speaker) []string {
	names := []string{encode(who.Account), identity.LinkKey(who.Account), who.User.UPN}
	for _, a := range env.People.Accounts(ctx, who.Principal) {
		if a != who.Account {
			names = append(names, encode(a), identity.LinkKey(a))
		}
	}
	return names
}

// kept says what the rows of a table are, and how long they are kept.
var kept = map[string][2]string{
	"alert":       {"Alerts that tell of you, or that you acknowledged", "as long as the audit record"},
	"alias":       {"Under which pseudonyms the audit record knows you", "until you are erased as a leaver"},
	"aside":       {"Words beside the audit record", "as long as the record's text, 7 years by default"},
	"audit":       {"What you did, or was done for you: by pseudonym", "its text 7 years by default"},
	"attempt":     {"How a change of your account was carried out", "as long as the request"},
	"away":        {"When you are away", "until you are erased as a leaver"},
	"change":      {"Changes of your account, from Microsoft's audit log", "as long as the audit record"},
	"decision":    {"Requests that you decided", "as long as the request"},
	"declared":    {"What was laid down about your account, or by you", "until it is taken back, or you are erased as a leaver"},
	"frozen":      {"That you froze the bot", "until it is thawed"},
	"guide_gap":   {"What the guide could not answer, without names", "26 weeks"},
	"inbox":       {"That the chat delivered something of yours", "some days"},
	"language":    {"In which language I answer you", "until you choose another, or are erased as a leaver"},
	"legacy_use":  {"Your sign-ins by old mail protocols, by day", "some weeks; then as a sum without names"},
	"looked_up":   {"Whom you looked up, or who looked you up", "an hour"},
	"mail_apps":   {"Which mail programs you use, from Microsoft's report", "replaced at each reading"},
	"nudge":       {"Which reminders you got, and when you had done it", "until you are erased as a leaver"},
	"note":        {"What buttons that you were shown mean", "half a year after they were last shown"},
	"outbox":      {"Messages to you, as facts without words", "as long as what they tell of"},
	"person":      {"Your account and its methods, as read from Microsoft 365", "replaced at each reading; gone with the account"},
	"request":     {"Requests by you or about you", "7 years by default"},
	"rules":       {"Your role here and your chat account, from the configuration", "as long as the audit record"},
	"setting":     {"What you set for everybody, as the goal", "until it is set anew"},
	"staff_case":  {"Your cases with the help desk", "until you are erased as a leaver"},
	"staff_note":  {"What you told me about yourself", "until you are erased as a leaver"},
	"wave":        {"Waves of reminders that you began, or that were for you alone", "until you are erased as a leaver"},
	"wave_person": {"In which waves of reminders you are", "until you are erased as a leaver"},
	"step":        {"What was sent to Microsoft 365 about your account", "as long as the request"},
	"link":        {"Your chat account, as you linked it yourself", "until you unlink it, it ends, or you are erased as a leaver"},
	"passkey":     {"Your passkeys for this bot's page: their public half", "until you end them, or are erased as a leaver"},
	"proof":       {"How you last proved who you are", "until the next time, or you are erased as a leaver"},
	"visit":       {"That you were given an address of the page", "an hour, and until somebody else is given one"},
}

func storedTable(stored []staff.Stored) *chat.Table {
	t := &chat.Table{Header: []string{"What", "Rows", "Kept"}}
	for _, s := range stored {
		words := kept[s.Table]
		t.Rows = append(t.Rows, []string{
			cmp.Or(words[0], "Table "+s.Table), fmt.Sprint(s.Rows), cmp.Or(words[1], "as long as it is needed"),
		})
	}
	return t
}

// ownWords is what somebody told the bot, word for word.
func ownWords(ctx context.Context, env Env, v phrases.Voice, who identity.Speaker) ([]chat.Field, error) {
	note, err := env.Staff.StaffNote(ctx, env.Organization.ID, who.User.ID)
	if err != nil {
		return nil, err
	}
	var fs []chat.Field
	if !note.Postponed.IsZero() {
		fs = append(fs, chat.Field{Label: v.Say("No reminders before"), Value: v.Day(note.Postponed.In(env.Zone))})
	}
	if note.NeedsKey {
		fs = append(fs, chat.Field{Label: v.Say("You said"), Value: v.Say("I have no phone for this.")})
	}
	if !note.Looked.IsZero() {
		fs = append(fs, chat.Field{Label: v.Say("You last looked"), Value: moment(env, note.Looked)})
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
