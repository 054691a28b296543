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
				return chat.Message{}, &mistake{c.Voice.Say("I do not know who you are in Microsoft 365, so I cannot look for what is stored about you."), c.Voice.Say("Please ask %s.", env.contact())}
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
				Text:     c.Voice.Say("No passwords, no codes and no passes are ever stored, and of your phone only how Microsoft 365 calls it, and its number if it was asked to be registered for you."),
				Table:    storedTable(c.Voice, stored),
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

// forget lets somebody pass again: what they passed for came to nothing.
func (s *sparing) forget(person string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.last, person)
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
	"alert":       {phrases.Mark("Alerts that tell of you, or that you acknowledged"), phrases.Mark("as long as the audit record")},
	"alias":       {phrases.Mark("Under which pseudonyms the audit record knows you"), phrases.Mark("until you are erased as a leaver")},
	"aside":       {phrases.Mark("Words beside the audit record"), phrases.Mark("as long as the record's text, 7 years by default")},
	"audit":       {phrases.Mark("What you did, or was done for you: by pseudonym"), phrases.Mark("its text 7 years by default")},
	"attempt":     {phrases.Mark("How a change of your account was carried out"), phrases.Mark("as long as the request")},
	"away":        {phrases.Mark("When you are away"), phrases.Mark("until you are erased as a leaver")},
	"change":      {phrases.Mark("Changes of your account, from Microsoft's audit log"), phrases.Mark("as long as the audit record")},
	"decision":    {phrases.Mark("Requests that you decided"), phrases.Mark("as long as the request")},
	"declared":    {phrases.Mark("What was laid down about your account, or by you"), phrases.Mark("until it is taken back, or you are erased as a leaver")},
	"frozen":      {phrases.Mark("That you froze the bot"), phrases.Mark("until it is thawed")},
	"guide_gap":   {phrases.Mark("What the guide could not answer, without names"), phrases.Mark("26 weeks")},
	"inbox":       {phrases.Mark("That the chat delivered something of yours"), phrases.Mark("a day")},
	"language":    {phrases.Mark("In which language I answer you"), phrases.Mark("until you choose another, or are erased as a leaver")},
	"lease":       {phrases.Mark("That you were refused something, so that it is not recorded twice"), phrases.Mark("an hour")},
	"legacy_use":  {phrases.Mark("Your sign-ins by old mail protocols, by day"), phrases.Mark("some weeks; then as a sum without names")},
	"looked_up":   {phrases.Mark("Whom you looked up, or who looked you up"), phrases.Mark("an hour")},
	"mail_apps":   {phrases.Mark("Which mail programs you use, from Microsoft's report"), phrases.Mark("replaced at each reading")},
	"nudge":       {phrases.Mark("Which reminders you got, and when you had done it"), phrases.Mark("until you are erased as a leaver")},
	"note":        {phrases.Mark("What buttons that you were shown mean"), phrases.Mark("half a year after they were last shown")},
	"outbox":      {phrases.Mark("Messages to you, as facts without words"), phrases.Mark("as long as what they tell of")},
	"person":      {phrases.Mark("Your account and its methods, as read from Microsoft 365"), phrases.Mark("replaced at each reading; gone with the account")},
	"request":     {phrases.Mark("Requests by you or about you"), phrases.Mark("7 years by default")},
	"rules":       {phrases.Mark("Your role here and your chat account, from the configuration"), phrases.Mark("as long as the audit record")},
	"setting":     {phrases.Mark("What you set for everybody, as the goal"), phrases.Mark("until it is set anew")},
	"staff_case":  {phrases.Mark("Your cases with the help desk"), phrases.Mark("7 years by default")},
	"staff_note":  {phrases.Mark("What you told me about yourself"), phrases.Mark("until you are erased as a leaver")},
	"wave":        {phrases.Mark("Waves of reminders that you began, or that were for you alone"), phrases.Mark("until you are erased as a leaver")},
	"wave_person": {phrases.Mark("In which waves of reminders you are"), phrases.Mark("until you are erased as a leaver")},
	"step":        {phrases.Mark("What was sent to Microsoft 365 about your account"), phrases.Mark("as long as the request")},
	"link":        {phrases.Mark("Your chat account, as you linked it yourself"), phrases.Mark("until you unlink it, it ends, or you are erased as a leaver")},
	"passkey":     {phrases.Mark("Your passkeys for this bot's page: their public half"), phrases.Mark("until you end them, or are erased as a leaver")},
	"proof":       {phrases.Mark("How you last proved who you are"), phrases.Mark("until the next time, or you are erased as a leaver")},
	"visit":       {phrases.Mark("That you were given an address of the page"), phrases.Mark("an hour, and until somebody else is given one")},
}

func storedTable(v phrases.Voice, stored []staff.Stored) *chat.Table {
	t := &chat.Table{Header: []string{v.Say("What"), v.Say("Rows"), v.Say("Kept")}}
	for _, s := range stored {
		words := kept[s.Table]
		t.Rows = append(t.Rows, []string{
			cmp.Or(v.Say(words[0]), v.Say("Table %s", s.Table)), fmt.Sprint(s.Rows), cmp.Or(v.Say(words[1]), v.Say("as long as it is needed")),
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
		fs = append(fs, chat.Field{Label: v.Say("Your case %s", c.Ref), Value: caseTimes(env, v, c)})
		for _, words := range ownLines(c, who.User.ID) {
			fs = append(fs, chat.Field{Label: v.Say("Your words in %s", c.Ref), Value: words, Quoted: true})
		}
	}
	return fs, nil
}

func caseTimes(env Env, v phrases.Voice, c staff.Case) string {
	if c.Open {
		return v.Say("opened %s, still open", moment(env, c.Opened))
	}
	return v.Say("opened %s, closed %s", moment(env, c.Opened), moment(env, c.Closed))
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
