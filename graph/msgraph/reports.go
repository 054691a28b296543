package msgraph

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"twokey/graph"
)

// Registrations reads GET /reports/authenticationMethods/userRegistrationDetails.
// A row without its figures is left out: the user is then unknown, which is
// true, and not unregistered.
func (c *Client) Registrations(ctx context.Context) ([]graph.Registration, error) {
	return c.registrations().all(ctx, c)
}

// RegistrationPage reads a page of the same report.
func (c *Client) RegistrationPage(ctx context.Context, from graph.Cursor) ([]graph.Registration, graph.Cursor, error) {
	return c.registrations().from(ctx, c, from)
}

// registrations asks for large pages, of which the budget allows five in ten
// seconds. The page size is not documented here, so it may be refused.
func (c *Client) registrations() listing[graph.Registration] {
	const path = "/reports/authenticationMethods/userRegistrationDetails"
	return listing[graph.Registration]{
		op:    readRegistrations,
		first: c.url(path, url.Values{"$top": {"999"}}),
		plain: c.url(path, nil),
		row:   registrationRow,
	}
}

// legacyClients are the spellings of clientAppUsed that Graph is known to use
// for legacy protocols. Equality is all that it filters by.
var legacyClients = []string{
	"Exchange ActiveSync", "IMAP4", "IMAP", "POP3", "POP", "SMTP", "Authenticated SMTP", "MAPI Over HTTP", "MAPI",
	"Outlook Anywhere (RPC over HTTP)", "Offline Address Book", "Exchange Web Services", "AutoDiscover",
	"Exchange Online PowerShell", "Outlook Service", "Reporting Web Services", "Universal Outlook", "Other clients", "Other clients; IMAP",
}

// EachLegacySignIn reads GET /auditLogs/signIns day by day, newest first, twice
// each: v1.0 holds the interactive sign-ins only, of which all are read and
// sorted here, so that a new spelling is noticed; on beta are the
// non-interactive ones, a hundred times as many, of which the known legacy
// clients are asked for.
func (c *Client) EachLegacySignIn(ctx context.Context, since, until time.Time, each func(graph.SignIn) error) error {
	logs := []struct {
		interactive bool
		address     func(path string, query url.Values) string
		filter      string
	}{
		{interactive: true, address: c.url},
		{interactive: false, address: c.betaURL, filter: nonInteractiveLegacy()},
	}
	for _, day := range daily(since.UTC(), until.UTC(), c.now().UTC()) {
		for _, log := range logs {
			err := listing[graph.SignIn]{
				op:    readSignIns,
				first: log.address("/auditLogs/signIns", url.Values{"$filter": {day.filter() + log.filter}, "$top": {"1000"}}),
				row:   legacyRow(log.interactive),
			}.each(ctx, c, func(s graph.SignIn) error {
				if s.At.Before(since) || !day.holds(s.At) {
					return nil
				}
				return each(s)
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// SignInsOf reads GET /auditLogs/signIns for one user: the interactive ones from
// v1.0 and the others from beta.
func (c *Client) SignInsOf(ctx context.Context, userID string, since time.Time) ([]graph.SignIn, error) {
	var all []graph.SignIn
	filter := span{from: since.UTC()}.filter() + " and userId eq '" + strings.ReplaceAll(userID, "'", "''") + "'"
	for _, log := range []struct {
		interactive bool
		address     string
	}{
		{true, c.url("/auditLogs/signIns", url.Values{"$filter": {filter}, "$top": {"1000"}})},
		{false, c.betaURL("/auditLogs/signIns", url.Values{"$filter": {filter + " and signInEventTypes/any(t: t eq 'nonInteractiveUser')"}, "$top": {"1000"}})},
	} {
		rows, err := listing[graph.SignIn]{op: readSignIns, first: log.address, row: signInRow(log.interactive)}.all(ctx, c)
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	slices.SortStableFunc(all, func(a, b graph.SignIn) int { return b.At.Compare(a.At) })
	return all, nil
}

func nonInteractiveLegacy() string {
	each := make([]string, len(legacyClients))
	for i, name := range legacyClients {
		each[i] = fmt.Sprintf("clientAppUsed eq '%s'", name)
	}
	return " and signInEventTypes/any(t: t eq 'nonInteractiveUser') and (" + strings.Join(each, " or ") + ")"
}

// A span is a part of the log, up to a day. Asking for more at once makes
// Graph throttle the query for being slow.
type span struct{ from, to time.Time }

// holds reports whether a moment belongs to the span. Its end belongs to the
// next one; the newest span has none.
func (s span) holds(at time.Time) bool {
	return !at.Before(s.from) && (s.to.IsZero() || at.Before(s.to))
}

// filter takes both ends in, because the log compares with ge and le only.
func (s span) filter() string {
	f := "createdDateTime ge " + s.from.Format(time.RFC3339)
	if !s.to.IsZero() {
		f += " and createdDateTime le " + s.to.Format(time.RFC3339)
	}
	return f
}

// daily cuts the time from since to until at midnights (UTC), newest first.
// Without an until the newest span begins with the day of now.
func daily(since, until, now time.Time) []span {
	var all []span
	since = since.Truncate(time.Second)
	for end := until; ; {
		last := now
		if !end.IsZero() {
			last = end.Add(-time.Second)
		}
		from := last.Truncate(24 * time.Hour)
		if !from.After(since) {
			return append(all, span{since, end})
		}
		all = append(all, span{from, end})
		end = from
	}
}
