package rollout

import "time"

// A Deadline is a dated change by Microsoft, with whom it will hit.
type Deadline struct {
	ID       string
	On       time.Time // the day, midnight UTC
	When     string    // the day as Microsoft says it
	What     string    // a sentence without a full stop
	Affected Figure    // people or accounts to be moved before
	Source   string    // where Microsoft says so
	Checked  time.Time // when that was last looked up
}

// Microsoft's dates, as looked up on the day named in Checked.
var (
	phonesEnd     = time.Date(2027, time.February, 1, 0, 0, 0, 0, time.UTC)
	smtpAuthEnd   = time.Date(2026, time.December, 31, 0, 0, 0, 0, time.UTC)
	datesLookedUp = time.Date(2026, time.November, 23, 0, 0, 0, 0, time.UTC)
)

// Deadlines returns the dated changes that hit this tenant, the nearest first.
// One that hits nobody, as far as the reading shows, is left out; one of which
// that is not known stays, with the reason. So does a past one: whoever it hit
// still needs help.
func Deadlines(fn Funnel, l Legacy) []Deadline {
	all := []Deadline{{
		ID: "smtp_auth_off", On: smtpAuthEnd, When: "end of December 2026",
		What:     "SMTP AUTH with a password is switched off by default; an administrator may switch it on again for a time",
		Affected: smtpAuthAccounts(l),
		Source:   "Microsoft 365 message centre, MC786329, as updated on 2026-01-27",
		Checked:  datesLookedUp,
	}, {
		ID: "phone_methods_end", On: phonesEnd, When: "1 February 2027",
		What:     "Microsoft stops delivering codes by text and call; whoever has nothing else must register a passkey before the next sign-in",
		Affected: fn.Get(PhoneOnly),
		Source:   "Microsoft Entra documentation, SMS and voice retirement, dated 2026-07-29",
		Checked:  datesLookedUp,
	}}
	var hit []Deadline
	for _, d := range all {
		if n, known := d.Affected.Value(); !known || n > 0 || d.Affected.Unknown > 0 {
			hit = append(hit, d)
		}
	}
	return hit
}

// DaysLeft is the number of days until the deadline, negative after it. Both
// are dates: the day is that of now in its own zone.
func (d Deadline) DaysLeft(now time.Time) int {
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	return int(d.On.Sub(today) / (24 * time.Hour))
}

// SMTPAuthAccounts is the figure of the accounts that got in by SMTP AUTH.
const SMTPAuthAccounts ID = "smtp_auth_accounts"

func smtpAuthAccounts(l Legacy) Figure {
	if l.ByProtocol == nil {
		return Missing(SMTPAuthAccounts, Count, l.AsOf, l.Get(LegacySucceeded).Reason())
	}
	for _, use := range l.ByProtocol {
		if use.Protocol == SMTPAuth {
			return Number(SMTPAuthAccounts, l.AsOf, use.Accounts)
		}
	}
	return Missing(SMTPAuthAccounts, Count, l.AsOf, NotRead)
}
