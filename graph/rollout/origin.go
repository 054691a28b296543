package rollout

import (
	"slices"
	"strings"
	"time"

	"twokey/graph"
)

// Origin says whose doing a change of the tenant was.
type Origin string

// The origins.
const (
	ByTwokey Origin = "twokey"  // a request of ours
	Outside  Origin = "outside" // somebody or something else
	// InOurName is the doing of an app of ours without a request: somebody else
	// acts with its credentials.
	InOurName Origin = "in our name"
	// Gap is no change but a time of which the log was not read.
	Gap Origin = "gap"
)

// LoggedChange is a change of the tenant as it is kept: with whose doing it was.
type LoggedChange struct {
	TenantChange
	Origin Origin
	// Request is the request of ours that it belongs to, "R-ABC234", and ClientID
	// the ID that was sent with its step; empty unless it is ByTwokey.
	Request, ClientID string
	// Proved reports that the log itself names our ID. Otherwise a change counts
	// as ours because app, target and time fit.
	Proved bool
	// Failed reports that it was tried and refused. Only what was tried in our
	// name is kept of such.
	Failed bool
	// Quiet says, when it is kept, that nobody is told of it, whatever it is: it was
	// made before anybody watched. It does not come back.
	Quiet bool
	// Until is the end of a Gap, which begins at At.
	Until time.Time
}

// Telling reports whether somebody has to be told of the change at once: what was
// done in our name, and what others did to what protects every sign-in.
func (c LoggedChange) Telling() bool {
	switch {
	case c.Quiet:
		return false
	case c.Origin == InOurName:
		return true
	case c.Origin != Outside:
		return false
	}
	return c.Kind == ChangePolicy || c.Kind == ChangeDefaults && !c.TurnedOn()
}

// TurnedOn reports whether the log says that something is on now.
func (c LoggedChange) TurnedOn() bool { return strings.EqualFold(c.New, "true") }

// TurnedOff reports whether the log says that something is off now.
func (c LoggedChange) TurnedOff() bool { return strings.EqualFold(c.New, "false") }

// ChangeLog is what is kept of the tenant's changes, as far as it was asked for.
type ChangeLog struct {
	Changes []LoggedChange // newest first, without what people did to their own account
	Own     int            // how many such there were
	// Watched is the time of which the log was read, apart from gaps. Both are
	// zero if it never was.
	WatchedSince, WatchedUntil time.Time
}

// ChangeCount sums up what was changed in a time. What people did to their own
// account is not in it.
type ChangeCount struct {
	Outside   int `json:"outside"`     // by somebody or something else, in our name included
	InOurName int `json:"in_our_name"` // of these
	Gaps      int `json:"gaps"`
}

// SentStep is a write of ours, as far as it must be known to find it in the log.
type SentStep struct {
	Request  string    // "R-ABC234"
	ClientID string    // the client request ID that was sent with it
	URL      string    // its path names the object that it changed
	Targets  []string  // object IDs of the request
	Intent   time.Time // just before it was sent
	Finished time.Time // when its answer was stored; zero if none was
}

// Clocks, and the time between a write and its line in the log, differ by so
// much at most.
const (
	provedSlack = time.Hour
	guessSlack  = 5 * time.Minute
)

// inFlight is how long after its intent a write may still reach the tenant. What
// became of it is often found out later, which makes it no longer.
const inFlight = 5 * time.Minute

// at reports whether a moment fits the step, within the slack.
func (s SentStep) at(t time.Time, slack time.Duration) bool {
	end := s.Finished
	if last := s.Intent.Add(inFlight); end.After(last) {
		end = last
	}
	if end.Before(s.Intent) {
		end = s.Intent
	}
	return !t.Before(s.Intent.Add(-slack)) && !t.After(end.Add(slack))
}

// UnderWay reports whether the step may have been under way at a moment of the
// log's clock, whatever became of it.
func (s SentStep) UnderWay(t time.Time) bool { return s.at(t, guessSlack) }

// about reports whether the step may have changed the object. A policy that is
// there once in a tenant has an ID that no path names.
func (s SentStep) about(c TenantChange) bool {
	return c.TargetID != "" && (s.names(c.TargetID) ||
		slices.ContainsFunc(s.Targets, func(id string) bool { return strings.EqualFold(id, c.TargetID) })) ||
		c.Kind == ChangeDefaults && s.names("identitySecurityDefaultsEnforcementPolicy") ||
		c.Kind == ChangeMethodsPolicy && s.names("authenticationMethodsPolicy")
}

// names reports whether the step's path has that part.
func (s SentStep) names(part string) bool {
	for p := range strings.SplitSeq(s.URL, "/") {
		if strings.EqualFold(p, part) {
			return true
		}
	}
	return false
}

// Trace says of each line of the log that is a change whose doing it was, the
// oldest first. A line is ours if one of our apps did it and it bears the client
// request ID of a step, sent at about that time; whoever may read the log can
// copy an ID, so the ID alone proves nothing. Where the log kept no ID of ours
// it is enough that app, target and time fit. Any other line of our apps, a
// failed one or one of no kind that matters too, is InOurName.
//
// Without apps, which is so where the bot signs in as a person, a line is ours
// by its ID and time alone, and none is in our name.
func Trace(audits []graph.Audit, steps []SentStep, apps []string) []LoggedChange {
	var all []LoggedChange
	for _, c := range Changes(audits) {
		all = append(all, traced(c, steps, apps))
	}
	for _, app := range apps {
		for _, a := range Unexplained(audits, app, func(string) bool { return false }) {
			if kind, property := kindOf(a); !a.Succeeded || kind == "" {
				if c := traced(changeOf(a, kind, property), steps, apps); c.Origin == InOurName {
					c.Failed = !a.Succeeded
					all = append(all, c)
				}
			}
		}
	}
	slices.SortStableFunc(all, func(a, b LoggedChange) int { return a.At.Compare(b.At) })
	return all
}

func traced(c TenantChange, steps []SentStep, apps []string) LoggedChange {
	ours := slices.ContainsFunc(apps, func(app string) bool { return app != "" && strings.EqualFold(app, c.ByAppID) })
	l := LoggedChange{TenantChange: c, Origin: Outside}
	if !ours && len(apps) > 0 {
		return l
	}
	if i := slices.IndexFunc(steps, func(s SentStep) bool {
		return s.ClientID != "" && strings.EqualFold(s.ClientID, c.Correlation) && s.at(c.At, provedSlack)
	}); i >= 0 {
		l.Origin, l.Request, l.ClientID, l.Proved = ByTwokey, steps[i].Request, steps[i].ClientID, true
		return l
	}
	if !ours {
		return l
	}
	l.Origin = InOurName
	if i := slices.IndexFunc(steps, func(s SentStep) bool { return s.about(c) && s.at(c.At, guessSlack) }); i >= 0 {
		l.Origin, l.Request, l.ClientID = ByTwokey, steps[i].Request, steps[i].ClientID
	}
	return l
}
