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

// How a list of legacy sign-ins can be put together.
const (
	byProtocol = "protocol"
	byApp      = "app"
	byUser     = "user"
)

// The days that legacy sign-ins are told of: without a word, and the most that
// are kept one by one. What is older is in the weeks of “trend”.
const (
	usualDays = 7
	mostDays  = 30
)

// legacyCommand shows who and what still signs in by old protocols.
func legacyCommand(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "legacy", Summary: "What still signs in by old protocols, which cannot do a second factor, and how long that goes on.", Example: "legacy --by app --days 30",
			Options: []chat.Option{
				{Name: "by", Summary: "how to put them together; by user names people, in private", Choices: []string{byProtocol, byApp, byUser}, Flag: true},
				{Name: "days", Summary: "how many days back, at most 30; 7 without it", Flag: true},
				{Name: "failed", Summary: "blocked attempts too: most of them come from outside", Flag: true, Bare: true},
			},
		},
		Access: only(identity.Viewer),
		Aloud:  true,
		Names:  func(args map[string]string) bool { return args["by"] == byUser },
		Kept:   true,
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			days, err := daysBack(c.Args["days"])
			if err != nil {
				return chat.Message{}, err
			}
			facts, err := legacyFacts(ctx, env, days)
			if err != nil {
				return chat.Message{}, err
			}
			devices, err := devicesDeclared(ctx, env)
			if err != nil {
				return chat.Message{}, err
			}
			l := legacyList{
				env: env, facts: facts, days: days, failed: c.Args["failed"] != "", devices: devices,
				legacy: rollout.NewLegacy(facts, env.Scope), verdict: rollout.JudgeLegacy(facts, env.Scope),
			}
			m, named := l.message(c.Args["by"])
			if len(named) == 0 {
				return m, nil
			}
			return m, lookedUp(ctx, env, c, "legacy --by user", named)
		},
	}
}

func daysBack(typed string) (int, error) {
	if typed == "" {
		return usualDays, nil
	}
	n, err := strconv.Atoi(strings.TrimSuffix(strings.ToLower(typed), "d"))
	if err != nil || n < 1 || n > mostDays {
		return 0, &mistake{shown(typed) + " is not a number of days that I can look back.", fmt.Sprintf("Type a number from 1 to %d; “/mfa trend” has the weeks before.", mostDays)}
	}
	return n, nil
}

// legacyFacts are the facts with the legacy sign-ins of the last days.
func legacyFacts(ctx context.Context, env Env, days int) (rollout.Facts, error) {
	facts := env.kept(ctx)
	if _, ok := facts.LegacyUse.Get(); !ok || days == usualDays || env.LegacyUse == nil {
		return facts, nil
	}
	day := 24 * time.Hour
	facts.LegacySince = facts.AsOf.UTC().Truncate(day).Add(time.Duration(1-days) * day)
	rows, err := env.LegacyUse.LegacyUse(ctx, env.Organization.ID, facts.LegacySince)
	if err != nil {
		return facts, err
	}
	facts.LegacyUse = rollout.From(rows, nil)
	return facts, nil
}

// legacyList is what is shown of legacy sign-ins.
type legacyList struct {
	env     Env
	facts   rollout.Facts
	legacy  rollout.Legacy
	verdict rollout.LegacyVerdict
	devices []rollout.Declaration
	days    int
	failed  bool
}

// message shows the list, and says whom it names.
func (l legacyList) message(by string) (m chat.Message, named []string) {
	m = chat.Message{Headline: l.headline(), Footer: "As of " + moment(l.env, l.legacy.AsOf) + ". A successful sign-in and a blocked attempt are counted apart."}
	m.Text = strings.Join(smtpDays(l.env), " ") + " Unknown devices cannot be excluded: a scanner or a program that was not used in this time does not show."
	switch _, logged := l.facts.LegacyUse.Get(); {
	case logged:
		m.Table, named = l.logTable(by)
		if l.days > usualDays {
			m.Text += " Days before this bot began to read are not in it."
		}
	case l.verdict.Source == rollout.MailReport:
		m.Footer = "From the mail program report of " + l.legacy.Mail.Day.Format("2 January 2006") + ", which tells which protocol a mailbox used and not how it signed in."
		m.Table, named = l.mailTable(by)
		if by == byApp {
			m.Text += " By which app it was is in the sign-in log alone: " + string(l.verdict.Why) + "."
		}
		if l.failed || l.days != usualDays {
			m.Text += " Blocked attempts, and other times than those of the report, are in the sign-in log alone: " + string(l.verdict.Why) + "."
		}
		if l.legacy.Mail.Concealed {
			m.Text += " The tenant hides names in reports; its owner can show them: " + rollout.ShowNames + "."
		}
	}
	if m.Table != nil && len(m.Table.Rows) == 0 {
		m.Table = nil
	}
	if more := len(l.legacy.Accounts) + len(l.legacy.Mail.Accounts) - len(named); by == byUser && len(named) == shownPeople && more > 0 {
		m.Text += fmt.Sprintf(" The first %d are shown. A lead can have all of them as a file: “/mfa export legacy csv”.", shownPeople)
	}
	m.Fields = l.deviceFields(by == byUser)
	if len(named) > 0 {
		m.Footer += " Only you can see this, and it is recorded that you looked."
	}
	return m, named
}

func (l legacyList) headline() string {
	days := plural(strconv.Itoa(l.days), "day")
	succeeded := l.legacy.Get(rollout.LegacySucceeded)
	switch n, logged := succeeded.Value(); {
	case logged && n > 0:
		return fmt.Sprintf("%s by old protocols succeeded in %s%s, from %s.", plural(succeeded.String(), "sign-in"), days,
			logEnd(l.env, l.facts, l.legacy), plural(l.legacy.Get(rollout.LegacyAccounts).String(), "account"))
	case logged:
		return "No sign-in by an old protocol succeeded in " + days + logEnd(l.env, l.facts, l.legacy) + "."
	case l.verdict.Level == rollout.LegacySuspected:
		return fmt.Sprintf("Old mail protocols were seen in %s: %s. That is a suspicion.", plural(strconv.Itoa(l.verdict.Days), "day"), seenWords(l.verdict.Seen))
	case l.verdict.Source == rollout.MailReport:
		return "Nothing by old mail protocols was seen in " + plural(strconv.Itoa(l.verdict.Days), "day") + "."
	default:
		return "What signs in by old protocols is not known: " + string(l.verdict.Why) + "."
	}
}

// insteadOf says what comes in place of each protocol.
var insteadOf = map[rollout.Protocol]string{
	rollout.SMTPAuth:   "SMTP with a modern sign-in, or a relay by connector",
	rollout.IMAP:       "Outlook, or a program with a modern sign-in",
	rollout.POP:        "Outlook, or a program with a modern sign-in",
	rollout.ActiveSync: "Outlook on the phone",
	rollout.OldOffice:  "an Office of this decade",
	rollout.Other:      "ask who runs it",
}

// logTable is what the sign-in log tells. An attempt that was blocked is hardly
// ever the account's own person, so no list by user has any.
func (l legacyList) logTable(by string) (t *chat.Table, named []string) {
	t = &chat.Table{Header: []string{"Protocol", "Succeeded", "Accounts", "Last seen", "Instead"}}
	add := func(row []string, succeeded, blocked int) {
		if l.failed {
			row = append(row, strconv.Itoa(blocked))
		}
		if succeeded > 0 || l.failed && blocked > 0 {
			t.Rows = append(t.Rows, row)
		}
	}
	switch by {
	case byUser:
		t.Header = []string{"Account", "Protocols", "Apps", "Devices", "Succeeded", "First seen", "Last seen"}
		for _, a := range l.legacy.Accounts[:min(shownPeople, len(l.legacy.Accounts))] {
			id := accountOf(a.UserID, a.UPN)
			t.Rows = append(t.Rows, []string{
				chat.Safe(cmp.Or(a.UPN, cmp.Or(a.UserID, "no name in the log")), 80), protocolNames(a.Protocols), strings.Join(a.Apps, ", "), strings.Join(a.Devices, ", "),
				strconv.Itoa(a.Succeeded), day(l.env, a.First), day(l.env, a.Last),
			})
			named = append(named, id)
		}
		return t, named
	case byApp:
		t.Header = []string{"App", "Succeeded", "Accounts"}
		for _, use := range l.legacy.ByApp[:min(shownPeople, len(l.legacy.ByApp))] {
			add([]string{chat.Safe(cmp.Or(use.Name, "no name in the log"), 80), strconv.Itoa(use.Succeeded), strconv.Itoa(use.Accounts)}, use.Succeeded, use.Blocked)
		}
	default:
		for _, use := range l.legacy.ByProtocol {
			add([]string{string(use.Protocol), strconv.Itoa(use.Succeeded), strconv.Itoa(use.Accounts), l.lastBy(use.Protocol), insteadOf[use.Protocol]}, use.Succeeded, use.Blocked)
		}
	}
	if l.failed {
		t.Header = append(t.Header, "Blocked attempts")
	}
	return t, nil
}

// lastBy is when an account last got in by a protocol: accounts use one of them,
// mostly.
func (l legacyList) lastBy(p rollout.Protocol) string {
	var last time.Time
	rows, _ := l.facts.LegacyUse.Get()
	for _, u := range rows {
		if rollout.ProtocolOf(u.Client) == p && u.Last.After(last) {
			last = u.Last
		}
	}
	if last.IsZero() {
		return "-"
	}
	return day(l.env, last)
}

// mailTable is what a tenant without the log has instead.
func (l legacyList) mailTable(by string) (t *chat.Table, named []string) {
	if by != byUser {
		t = &chat.Table{Header: []string{"Protocol", "Accounts seen", "Instead"}}
		for _, p := range l.legacy.Mail.ByProgram {
			if p.Accounts > 0 {
				t.Rows = append(t.Rows, []string{string(p.Protocol), strconv.Itoa(p.Accounts), insteadOf[p.Protocol]})
			}
		}
		return t, nil
	}
	t = &chat.Table{Header: []string{"Account", "Protocols", "Mailbox last used", "Declared as"}}
	for _, a := range l.legacy.Mail.Accounts[:min(shownPeople, len(l.legacy.Mail.Accounts))] {
		t.Rows = append(t.Rows, []string{chat.Safe(a.UPN, 80), protocolNames(a.Protocols), a.Last.Format("2 January 2006"), cmp.Or(string(a.Purpose), "-")})
		named = append(named, accountOf(a.UserID, a.UPN))
	}
	return t, named
}

// deviceFields say what people have declared. Among others only how many it is:
// a sender's address may be a person's.
func (l legacyList) deviceFields(names bool) []chat.Field {
	if len(l.devices) == 0 {
		return []chat.Field{{Label: "Declared devices", Value: "none: “/mfa legacy declare” takes one in, and “/mfa legacy import” a list"}}
	}
	if !names {
		return []chat.Field{{Label: "Declared devices and senders", Value: fmt.Sprintf("%d; “/mfa legacy --by user” lists them", len(l.devices))}}
	}
	var fs []chat.Field
	for i, d := range l.devices {
		if i == shownPeople {
			fs = append(fs, chat.Field{Label: "Declared", Value: fmt.Sprintf("and %d more; “/mfa export exceptions csv” has them", len(l.devices)-i)})
			break
		}
		fs = append(fs, chat.Field{Label: "Declared", Value: quoted(d.Name, 80) + ": " + chat.Safe(d.Why, 120)})
	}
	return fs
}

// smtpDays count down to the end of SMTP AUTH with a password.
func smtpDays(env Env) []string {
	var all []string
	for _, d := range rollout.MicrosoftDates() {
		if d.Hits != rollout.HitsSMTPAuth {
			continue
		}
		left, announced := d.DaysLeft(today(env))
		switch {
		case !announced:
			all = append(all, d.What+": "+d.When+".")
		case left >= 0:
			all = append(all, fmt.Sprintf("In %s (%s): %s.", plural(strconv.Itoa(left), "day"), d.When, d.What))
		default:
			all = append(all, fmt.Sprintf("Since %s: %s.", d.When, d.What))
		}
	}
	return all
}

func protocolNames(all []rollout.Protocol) string {
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = string(p)
	}
	return strings.Join(names, ", ")
}

// accountOf is how an account is known where somebody was looked up.
func accountOf(id, upn string) string { return cmp.Or(id, strings.ToLower(upn)) }

// devicesDeclared is what was declared to sign in by an old protocol.
func devicesDeclared(ctx context.Context, env Env) ([]rollout.Declaration, error) {
	all, err := env.Declarations.Declared(ctx, env.Organization.ID)
	return rollout.Devices(all), err
}
