package simtenant

import (
	"net/http"
	"strings"
	"time"
)

// usageQuery is one Microsoft 365 usage report that somebody asked for.
type usageQuery struct {
	report string    // "getEmailAppUsageUserDetail"
	days   int       // 7, 30, 90 or 180; 1 for a report of one day
	date   time.Time // of a report of one day, zero otherwise
}

// usageReports make the rows of each report, its header first.
var usageReports = map[string]func(*view, usageQuery) [][]string{
	"getEmailAppUsageUserDetail":         userDetailRows,
	"getEmailAppUsageAppsUserCounts":     appCountRows,
	"getEmailAppUsageVersionsUserCounts": versionCountRows,
}

// usageRefreshed is the last day that the reports cover: they are one to two
// days late, and the new one comes in the morning.
func usageRefreshed(now time.Time) time.Time { return now.Add(-30 * time.Hour).Truncate(day) }

// oldestUsageDate is how many days back a report of one day may lie.
const oldestUsageDate = 30

// getUsage answers a usage report by an address where the file can be fetched
// without a token. It works on every licence.
func getUsage(c *call) (*answer, error) {
	q, err := c.usageQuery()
	if err != nil {
		return nil, err
	}
	if f := c.query.Get("$format"); f != "" && f != "text/csv" {
		return nil, badRequest("The format '" + f + "' is not supported.")
	}
	return &answer{status: http.StatusFound, header: map[string]string{"Location": c.downloadAddress(q)}}, nil
}

// usageQuery reads the argument of the report's function.
func (c *call) usageQuery() (usageQuery, error) {
	q := usageQuery{report: c.function()}
	name, value, _ := strings.Cut(c.vars[0], "=")
	switch strings.ToLower(name) {
	case "period":
		days, ok := map[string]int{"'D7'": 7, "'D30'": 30, "'D90'": 90, "'D180'": 180}[value]
		if !ok {
			return q, usageRefusal("The period " + value + " is not one of 'D7', 'D30', 'D90' and 'D180'.")
		}
		q.days = days
		return q, nil
	case "date":
		date, err := time.Parse(time.DateOnly, value)
		last := usageRefreshed(c.view.now)
		if err != nil || q.report != "getEmailAppUsageUserDetail" || date.After(last) || date.Before(last.AddDate(0, 0, -oldestUsageDate)) {
			return q, usageRefusal("The date " + value + " is not one of the last 30 days of this report.")
		}
		q.date, q.days = date, 1
		return q, nil
	default:
		return q, usageRefusal("The report takes a period or a date.")
	}
}

func usageRefusal(message string) *refusal {
	return refuse(http.StatusBadRequest, "InvalidRequest", message)
}

// function is the name of the function that the path's last part calls, as the
// route spells it.
func (c *call) function() string {
	last := c.route.parts[len(c.route.parts)-1]
	return strings.TrimSuffix(last, anyArguments)
}

// covers returns the first and the last day that a report speaks of.
func (q usageQuery) covers(now time.Time) (first, last time.Time) {
	last = usageRefreshed(now)
	if !q.date.IsZero() {
		last = q.date
	}
	return last.AddDate(0, 0, 1-q.days), last
}
