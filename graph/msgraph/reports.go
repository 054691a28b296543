package msgraph

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/microsoftgraph/msgraph-sdk-go/auditlogs"
	"github.com/microsoftgraph/msgraph-sdk-go/models"
	"github.com/microsoftgraph/msgraph-sdk-go/reports"

	"twokey/graph"
)

// Registrations reads GET /reports/authenticationMethods/userRegistrationDetails.
// A row without its figures is left out: the user is then unknown, which is
// true, and not unregistered.
func (c *Client) Registrations(ctx context.Context) ([]graph.Registration, error) {
	rows, err := list(ctx, c, readRegistrations, func(ctx context.Context, link string) (models.UserRegistrationDetailsCollectionResponseable, error) {
		b := reports.NewAuthenticationMethodsUserRegistrationDetailsRequestBuilderInternal(c.path(), c.adapter)
		if link != "" {
			return b.WithUrl(link).Get(ctx, nil)
		}
		return b.Get(ctx, nil)
	}, toRegistration)
	if err != nil {
		return nil, err
	}
	known := make([]graph.Registration, 0, len(rows))
	for _, r := range rows {
		if r != nil {
			known = append(known, *r)
		}
	}
	return known, nil
}

// legacyClients are the spellings of clientAppUsed that Graph is known to use
// for legacy protocols. Equality is all that it filters by.
var legacyClients = []string{
	"Exchange ActiveSync", "IMAP4", "IMAP", "POP3", "POP", "SMTP", "Authenticated SMTP", "MAPI Over HTTP", "MAPI",
	"Outlook Anywhere (RPC over HTTP)", "Offline Address Book", "Exchange Web Services", "AutoDiscover",
	"Exchange Online PowerShell", "Outlook Service", "Reporting Web Services", "Universal Outlook", "Other clients", "Other clients; IMAP",
}

// LegacySignIns reads GET /auditLogs/signIns day by day, newest first, twice
// each: v1.0 holds the interactive sign-ins only, of which all are read and
// sorted here, so that a new spelling is noticed; on beta are the
// non-interactive ones, a hundred times as many, of which the known legacy
// clients are asked for.
func (c *Client) LegacySignIns(ctx context.Context, since time.Time) ([]graph.SignIn, error) {
	logs := []struct {
		interactive bool
		address     func(path string, query url.Values) string
		filter      string
	}{
		{interactive: true, address: c.url},
		{interactive: false, address: c.betaURL, filter: nonInteractiveLegacy()},
	}
	found := []graph.SignIn{}
	seen := map[string]bool{}
	for _, day := range daily(since.UTC(), c.now().UTC()) {
		for _, log := range logs {
			query := url.Values{"$filter": {day.filter() + log.filter}, "$top": {"1000"}}
			signIns, err := c.signIns(ctx, log.address("/auditLogs/signIns", query), log.interactive)
			if err != nil {
				return nil, err
			}
			for _, s := range signIns {
				if !seen[s.id] && !s.At.Before(since) && graph.LegacyClient(s.Client) {
					seen[s.id] = true
					found = append(found, s.SignIn)
				}
			}
		}
	}
	return found, nil
}

// signIns reads one filter's pages. The SDK's models fit beta's answers too.
func (c *Client) signIns(ctx context.Context, address string, interactive bool) ([]signIn, error) {
	return list(ctx, c, readSignIns, func(ctx context.Context, link string) (models.SignInCollectionResponseable, error) {
		if link == "" {
			link = address
		}
		return auditlogs.NewSignInsRequestBuilder(link, c.adapter).Get(ctx, nil)
	}, func(item models.SignInable) (signIn, error) { return toSignIn(item, interactive) })
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

// filter takes both ends in, because the log compares with ge and le only; a
// sign-in on the edge comes twice. The newest span has no end.
func (s span) filter() string {
	f := "createdDateTime ge " + s.from.Format(time.RFC3339)
	if !s.to.IsZero() {
		f += " and createdDateTime le " + s.to.Format(time.RFC3339)
	}
	return f
}

// daily cuts the time from since to now at midnights (UTC), newest first.
func daily(since, now time.Time) []span {
	var all []span
	since = since.Truncate(time.Second)
	for end := (time.Time{}); ; {
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
