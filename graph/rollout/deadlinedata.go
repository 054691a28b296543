package rollout

import (
	"bytes"
	_ "embed" // the dated changes that we know of
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// DatedChange is a change by Microsoft that was announced for one population.
type DatedChange struct {
	ID      string // the same for every population of one change
	For     Population
	Hits    Condition
	On      time.Time // the day, midnight UTC; zero while none is announced
	When    string    // the day as Microsoft says it
	What    string    // a sentence without a full stop
	Source  string    // where Microsoft says so
	Checked time.Time // when that was last looked up
}

// Population is whom a dated change is about.
type Population string

// The populations. Administrators are members too: what hits them is counted
// among the members and once more apart. Accounts of machines are members.
const (
	ForMembers   Population = "member"
	ForAdmins    Population = "admin"
	ForGuests    Population = "guest"
	ForEmergency Population = "emergency" // declared emergency access accounts
)

// Condition says whom of a population a dated change hits.
type Condition string

// The conditions, each with the figure that counts those hit.
const (
	HitsPhoneOnly Condition = "phone_only"   // nothing but texts and calls
	HitsNoMethod  Condition = "no_method"    // no strong method at all
	HitsSMTPAuth  Condition = "smtp_auth"    // accounts that use SMTP AUTH
	HitsLegacy    Condition = "legacy"       // accounts that use any legacy protocol
	HitsPerUser   Condition = "per_user_mfa" // the old per-user setting is not disabled
)

// hit is a population that a condition can be asked of.
type hit struct {
	by  Condition
	who Population
}

// affected counts whom a change hits, for every pair that can be counted.
var affected = map[hit]func(Funnel, Legacy) Figure{
	{HitsPhoneOnly, ForMembers}:   func(fn Funnel, _ Legacy) Figure { return fn.Get(PhoneOnly) },
	{HitsPhoneOnly, ForAdmins}:    func(fn Funnel, _ Legacy) Figure { return fn.Get(AdminsPhoneOnly) },
	{HitsPhoneOnly, ForGuests}:    func(fn Funnel, _ Legacy) Figure { return fn.Get(GuestsPhoneOnly) },
	{HitsPhoneOnly, ForEmergency}: func(fn Funnel, _ Legacy) Figure { return fn.Get(EmergencyPhoneOnly) },
	{HitsNoMethod, ForAdmins}:     func(fn Funnel, _ Legacy) Figure { return fn.Get(AdminsNoMethod) },
	{HitsNoMethod, ForEmergency}:  func(fn Funnel, _ Legacy) Figure { return fn.Get(EmergencyNoMethod) },
	{HitsPerUser, ForMembers}:     func(fn Funnel, _ Legacy) Figure { return fn.Get(PerUserLeftovers) },
	{HitsSMTPAuth, ForMembers}:    func(_ Funnel, l Legacy) Figure { return smtpAuthAccounts(l) },
	{HitsLegacy, ForMembers}:      func(_ Funnel, l Legacy) Figure { return orSuspected(l.Get(LegacyAccounts), l.Get(MailSeen)) },
}

//go:embed deadlines.json
var deadlinesJSON []byte

var microsoftDates = sync.OnceValue(func() []DatedChange {
	changes, err := ParseDeadlines(deadlinesJSON)
	if err != nil {
		panic(err) // it is part of the program
	}
	return changes
})

// MicrosoftDates are the dated changes that this version knows of, as they were
// looked up on the days named in them.
func MicrosoftDates() []DatedChange { return slices.Clone(microsoftDates()) }

// datedRow is a dated change as it stands in a file.
type datedRow struct {
	ID      string     `json:"id"`
	For     Population `json:"for"`
	Hits    Condition  `json:"hits"`
	On      string     `json:"on"`   // "2027-02-01"; empty while no day is announced
	When    string     `json:"when"` // empty: the day
	What    string     `json:"what"`
	Source  string     `json:"source"`
	Checked string     `json:"checked"`
}

// ParseDeadlines reads dated changes from JSON: a list of objects with the keys
// id, for, hits, on, when, what, source and checked. Days are "2027-02-01". A
// change whose day is not announced has no "on" and says when in words. It is
// strict: what is unknown, missing or there twice is an error that names the
// row and the key.
func ParseDeadlines(text []byte) ([]DatedChange, error) {
	var rows []datedRow
	in := json.NewDecoder(bytes.NewReader(text))
	in.DisallowUnknownFields()
	if err := in.Decode(&rows); err != nil {
		return nil, fmt.Errorf("read deadlines: %w", err)
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("read deadlines: there is something behind the list")
	}
	var changes []DatedChange
	for i, row := range rows {
		c, err := row.change()
		if err == nil && slices.ContainsFunc(changes, c.same) {
			err = fmt.Errorf("id %q is there twice for %q", c.ID, c.For)
		}
		if err != nil {
			return nil, fmt.Errorf("read deadlines: row %d: %w", i+1, err)
		}
		changes = append(changes, c)
	}
	return changes, nil
}

func (c DatedChange) same(o DatedChange) bool { return c.ID == o.ID && c.For == o.For }

var deadlineID = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

func (r datedRow) change() (DatedChange, error) {
	c := DatedChange{ID: r.ID, For: r.For, Hits: r.Hits, When: r.When, What: r.What, Source: r.Source}
	switch {
	case !deadlineID.MatchString(r.ID):
		return c, fmt.Errorf("id is %q; it is made of lower-case letters, digits and _", r.ID)
	case affected[hit{r.Hits, r.For}] == nil:
		return c, fmt.Errorf("hits is %q for %q, which cannot be counted; %s", r.Hits, r.For, countable())
	case strings.TrimSpace(r.What) == "" || strings.HasSuffix(r.What, "."):
		return c, fmt.Errorf("what is %q; it is a sentence without a full stop", r.What)
	case strings.TrimSpace(r.Source) == "":
		return c, errors.New("source is missing")
	case r.On == "" && r.When == "":
		return c, errors.New("when is missing; without a day it says what is known of one")
	}
	var err error
	if c.Checked, err = time.Parse(time.DateOnly, r.Checked); err != nil {
		return c, fmt.Errorf("checked is %q; it is a day like 2027-02-01", r.Checked)
	}
	if r.On == "" {
		return c, nil
	}
	if c.On, err = time.Parse(time.DateOnly, r.On); err != nil {
		return c, fmt.Errorf("on is %q; it is a day like 2027-02-01", r.On)
	}
	if c.When == "" {
		c.When = c.On.Format("2 January 2006")
	}
	return c, nil
}

// countable lists what can be counted, for an error.
func countable() string {
	var pairs []string
	for h := range maps.Keys(affected) {
		pairs = append(pairs, fmt.Sprintf("%s for %s", h.by, h.who))
	}
	slices.Sort(pairs)
	return "one of " + strings.Join(pairs, ", ")
}
