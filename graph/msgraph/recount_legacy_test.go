package msgraph_test

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"twokey/graph"
	"twokey/graph/rollout"
)

// handCount is a number by hand, or why there can be none.
type handCount struct {
	n   int
	why rollout.Reason
}

func (c handCount) text() string {
	if c.why != "" {
		return string(c.why)
	}
	return strconv.Itoa(c.n)
}

// kind names the case that it is.
func (c handCount) kind(id rollout.ID) string {
	switch {
	case c.why != "":
		return string(id) + " " + string(c.why)
	case c.n > 0:
		return string(id) + " some"
	default:
		return string(id) + " none"
	}
}

// told is a figure in the same words.
func told(f rollout.Figure) string {
	if v, ok := f.Value(); ok {
		return strconv.Itoa(int(v))
	}
	return string(f.Reason())
}

// recountLegacy counts the lines of the tenant's own sign-in log and of its
// report of mail programs one by one.
func (r recounted) recountLegacy() map[rollout.ID]handCount {
	r.t.Helper()
	counts := map[rollout.ID]handCount{}
	for id, n := range r.signIns() {
		counts[id] = n
	}
	for id, n := range r.mailPrograms() {
		counts[id] = n
	}
	return counts
}

func (r recounted) signIns() map[rollout.ID]handCount {
	why := rollout.Reason("")
	switch {
	case r.licence == graph.Free:
		why = rollout.NeedsP1
	case r.refused[noSignIns]:
		why = "permission missing: AuditLog.Read.All"
	}
	succeeded, blocked, accounts := 0, 0, map[string]bool{}
	for _, o := range r.log {
		switch strings.ToLower(o.text("clientAppUsed")) {
		case "", "browser", "mobile apps and desktop clients":
			continue
		}
		if o["status"].(map[string]any)["errorCode"].(float64) != 0 {
			blocked++
			continue
		}
		succeeded++
		accounts[o.text("userId")] = true
	}
	people := 0
	for id := range accounts {
		if r.people[id] {
			people++
		}
	}
	return map[rollout.ID]handCount{
		rollout.LegacySucceeded: {succeeded, why}, rollout.LegacyBlocked: {blocked, why},
		rollout.LegacyAccounts: {len(accounts), why}, rollout.LegacyPeople: {people, why},
	}
}

func (r recounted) mailPrograms() map[rollout.ID]handCount {
	why := rollout.Reason("")
	if r.refused[noMail] {
		why = "permission missing: Reports.Read.All"
	}
	columns := map[rollout.ID]string{rollout.MailSeenPOP: "POP3 App", rollout.MailSeenIMAP: "IMAP4 App", rollout.MailSeenSMTP: "SMTP App"}
	counts := map[rollout.ID]handCount{}
	seen, people := handCount{why: why}, handCount{why: why}
	for id := range columns {
		counts[id] = handCount{why: why}
	}
	for _, row := range r.mail {
		used := false
		for id, column := range columns {
			if row.text(column) == "Yes" {
				used = true
				counts[id] = handCount{counts[id].n + 1, why}
			}
		}
		if !used {
			continue
		}
		seen.n++
		name := row.text("User Principal Name")
		if r.people[r.names[strings.ToLower(name)]] {
			people.n++
		}
	}
	if r.concealed && why == "" {
		people.why = rollout.NamesConcealed
	}
	counts[rollout.MailSeen], counts[rollout.MailSeenPeople] = seen, people
	return counts
}

// readLogs asks the tenant for both, and whom the registration report lists,
// before anything is refused.
func (r *recounted) readLogs() {
	r.t.Helper()
	r.mail = r.file("/v1.0/reports/getEmailAppUsageUserDetail(period='D30')")
	r.concealed = slices.ContainsFunc(r.mail, func(o object) bool { return !strings.Contains(o.text("User Principal Name"), "@") })
	r.names, r.rows = map[string]string{}, map[string]bool{}
	for _, u := range r.list("/v1.0/users?$top=999&$select=id,userPrincipalName") {
		r.names[strings.ToLower(u.text("userPrincipalName"))] = u.text("id")
	}
	if r.licence == graph.Free {
		return
	}
	for _, row := range r.list("/v1.0/reports/authenticationMethods/userRegistrationDetails") {
		r.rows[row.text("id")] = true
	}
	since := "createdDateTime ge " + r.at.AddDate(0, 0, -7).Truncate(24*time.Hour).Format(time.RFC3339)
	r.log = append(
		r.list("/v1.0/auditLogs/signIns?$filter="+since),
		r.list("/beta/auditLogs/signIns?$filter="+since+" and signInEventTypes/any(t: t eq 'nonInteractiveUser')")...,
	)
}
