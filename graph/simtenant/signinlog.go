package simtenant

import (
	"iter"
	"strings"
	"sync"
	"time"

	"twokey/graph"
)

var signInSet = &set{
	typ: "microsoft.graph.signIn",
	known: words(`id createdDateTime userId userDisplayName userPrincipalName appId appDisplayName clientAppUsed ipAddress
		isInteractive conditionalAccessStatus correlationId resourceId resourceDisplayName status deviceDetail location
		riskDetail riskLevelAggregated riskLevelDuringSignIn riskState riskEventTypes_v2 appliedConditionalAccessPolicies`),
	filters: signInFilters,
	orderBy: "createdDateTime",
	top:     1000, maxTop: 1000,
}

var signInFilters = map[string]ops{
	"createdDateTime": eq | order | moment, "clientAppUsed": eq, "userId": eq, "userPrincipalName": eq | starts,
	"appId": eq, "appDisplayName": eq | starts, "ipAddress": eq | starts, "status/errorCode": eq | number,
	"conditionalAccessStatus": eq, "resourceId": eq,
}

// betaSignInSet knows the kinds of sign-in, which v1.0 does not.
var betaSignInSet = func() *set {
	s := *signInSet
	s.known = append(words("signInEventTypes"), s.known...)
	s.filters = map[string]ops{"signInEventTypes": anyOf}
	for path, allowed := range signInFilters {
		s.filters[path] = allowed
	}
	return &s
}()

// dayCache keeps the laid out days: a page of the log needs many of them.
type dayCache struct {
	mu   sync.Mutex
	days map[int][]signIn
}

// cachedDays is more than the log's retention, so that one reader never
// pushes out the days that it is about to read.
const cachedDays = 64

func (d *dayCache) of(w *world, n int) []signIn {
	d.mu.Lock()
	defer d.mu.Unlock()
	if list, ok := d.days[n]; ok {
		return list
	}
	if d.days == nil || len(d.days) >= cachedDays {
		d.days = make(map[int][]signIn, cachedDays)
	}
	list := w.signInsOf(n)
	d.days[n] = list
	return list
}

func dayOf(t time.Time) int { return int(t.Unix() / int64(day/time.Second)) }

// retention is how far back the logs go.
func (v *view) retention() time.Time {
	if v.t.world.licence == graph.Free {
		return v.now.Add(-7 * day)
	}
	return v.now.Add(-30 * day)
}

// loggedSignIn is a sign-in as one caller sees it in the log.
type loggedSignIn struct {
	*signIn
	user *account
}

// signIns walks the log between two moments from the newest to the oldest, or
// the other way round. A place in it is a day and a number within the day,
// which stays true while newer sign-ins arrive.
func (v *view) signIns(from cursor, low, high time.Time, oldFirst bool) iter.Seq2[cursor, entity] {
	first, last, step := dayOf(high), dayOf(low), -1
	if oldFirst {
		first, last, step = last, first, 1
	}
	return func(yield func(cursor, entity) bool) {
		if from != (cursor{}) {
			first = int(from.at)
		}
		for n := first; (last-n)*step >= 0; n += step {
			if !v.signInsOfDay(n, from, low, high, oldFirst, yield) {
				return
			}
		}
	}
}

func (v *view) signInsOfDay(n int, from cursor, low, high time.Time, oldFirst bool, yield func(cursor, entity) bool) bool {
	list := v.t.days.of(v.t.world, n)
	for k := range list {
		i := len(list) - 1 - k
		if oldFirst {
			i = k
		}
		e := &list[i]
		at := cursor{at: int64(n), sub: uint64(i) + 1}
		before := n == int(from.at) && (at.sub > from.sub && !oldFirst || at.sub < from.sub && oldFirst)
		switch {
		case from != (cursor{}) && before:
		case e.at.Before(low) || e.at.After(high) || e.at.Add(e.lag).After(v.now):
		default:
			// The log keeps the names that people had; who was gone did not try.
			if user, ok := v.accountAt(e.who, e.at); ok && !yield(at, &loggedSignIn{e, user}) {
				return false
			}
		}
	}
	return true
}

func listSignIns(c *call) (*answer, error) {
	if c.t.world.licence < graph.P1 {
		return nil, noLicence()
	}
	s := signInSet
	if c.version == "beta" {
		s = betaSignInSet
	}
	o, err := c.options(s)
	if err != nil {
		return nil, err
	}
	low, high := c.view.retention(), c.view.now
	if since := o.filter.since("createdDateTime"); since.After(low) {
		low = since
	}
	if until := o.filter.until("createdDateTime"); !until.IsZero() && until.Before(high) {
		high = until
	}
	// Without a word about their kind only the interactive ones are listed.
	all := c.version == "beta" && o.filter.names("signInEventTypes")
	return c.page(s, o, "auditLogs/signIns", func(from cursor) iter.Seq2[cursor, entity] {
		rows := c.view.signIns(from, low, high, o.oldFirst)
		if all {
			return rows
		}
		return func(yield func(cursor, entity) bool) {
			for at, e := range rows {
				if e.(*loggedSignIn).interactive && !yield(at, e) {
					return
				}
			}
		}
	}), nil
}

// names reports whether the filter speaks of a property.
func (n *node) names(path string) bool {
	return n != nil && (n.path == path || n.left.names(path) || n.right.names(path))
}

func (e *loggedSignIn) prop(v *view, path string) any {
	switch path {
	case "createdDateTime":
		return e.at
	case "clientAppUsed":
		return e.client
	case "userId":
		return e.user.id
	case "userDisplayName":
		return e.user.name
	case "userPrincipalName":
		return strings.ToLower(e.user.upn) // the log keeps it so
	case "appId":
		return apps[e.app].id
	case "appDisplayName":
		return apps[e.app].name
	case "resourceId":
		return apps[0].id
	case "resourceDisplayName":
		return apps[0].name
	case "ipAddress":
		return e.ip
	case "isInteractive":
		return e.interactive
	case "status/errorCode":
		return v.outcome(e.signIn, e.user)
	case "status":
		code := v.outcome(e.signIn, e.user)
		return document{"errorCode": code, "failureReason": failureReason(code), "additionalDetails": nil}
	case "conditionalAccessStatus":
		if v.outcome(e.signIn, e.user) == 53003 {
			return "failure"
		}
		return "notApplied"
	case "signInEventTypes":
		if e.interactive {
			return []string{"interactiveUser"}
		}
		return []string{"nonInteractiveUser"}
	default:
		return e.rareProp(v, path)
	}
}

func (e *loggedSignIn) rareProp(v *view, path string) any {
	switch path {
	case "id":
		return guid(stream(v.t.world.seed, "sign-in id", e.day<<20|e.number))
	case "correlationId":
		return guid(stream(v.t.world.seed, "sign-in correlation", e.day<<20|e.number))
	case "location":
		p := places[e.place]
		return document{"city": p.city, "state": p.state, "countryOrRegion": p.country, "geoCoordinates": nil}
	case "deviceDetail":
		d := document{"deviceId": "", "displayName": "", "operatingSystem": "", "browser": "", "isCompliant": false, "isManaged": false, "trustType": ""}
		if !graph.LegacyClient(e.client) {
			d["operatingSystem"], d["browser"] = "Windows10", "Edge 141.0.0"
		}
		return d
	case "riskDetail", "riskLevelAggregated", "riskLevelDuringSignIn", "riskState":
		return "none"
	case "riskEventTypes_v2", "appliedConditionalAccessPolicies":
		return []any{}
	default:
		return nil
	}
}

// failureReason is English for people; nobody should read it by program.
func failureReason(code int) string {
	switch code {
	case 0:
		return "Other."
	case 50053:
		return "Sign-in was blocked because it came from an IP address with malicious activity."
	case 50055:
		return "The password is expired."
	case 50057:
		return "The user account is disabled."
	case 50074:
		return "Strong Authentication is required."
	case 50126:
		return "Error validating credentials due to invalid username or password."
	case 500121:
		return "Authentication failed during strong authentication request."
	case 53003:
		return "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance."
	case 530032:
		return "Blocked by a security policy of the tenant."
	default:
		return "Other."
	}
}
