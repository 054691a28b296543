package rollout

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"twokey/graph"
)

// LegacyUse is what one account did on one day by one legacy client, app and
// device. It is kept instead of the sign-ins themselves, which say more of a
// person than is needed.
type LegacyUse struct {
	UserID string // object ID; may be empty for an account that the log does not name
	UPN    string // as of the latest sign-in in the sum
	Client string // Graph's clientAppUsed, as it came; see [ProtocolOf]
	App    string
	Device string    // empty if the log has none
	Day    time.Time // midnight UTC

	Succeeded int // sign-ins that got in
	Blocked   int // attempts that did not
	// First and Last are of what succeeded; zero where nothing did.
	First, Last time.Time
}

// account tells accounts apart: by object ID, or by name where there is none.
func (u LegacyUse) account() string { return cmp.Or(u.UserID, strings.ToLower(u.UPN)) }

// within reports whether the sum's day is not over before a moment.
func (u LegacyUse) within(since time.Time) bool { return u.Day.AddDate(0, 0, 1).After(since) }

// LegacySums sums sign-ins by legacy clients up by day, one after the other:
// none of them is kept. The zero LegacySums is ready for use.
type LegacySums struct {
	sums   map[sumKey]*LegacyUse
	latest map[sumKey]time.Time // of each sum's UPN
}

type sumKey struct {
	account, client, app, device string
	day                          time.Time
}

// Add takes a sign-in in, unless its client is a modern or unclear one.
func (s *LegacySums) Add(in graph.SignIn) {
	if !graph.LegacyClient(in.Client) {
		return
	}
	if s.sums == nil {
		s.sums, s.latest = make(map[sumKey]*LegacyUse), make(map[sumKey]time.Time)
	}
	one := useOf(in)
	k := sumKey{one.account(), one.Client, one.App, one.Device, one.Day}
	sum := s.sums[k]
	if sum == nil {
		sum = &one
		s.sums[k], s.latest[k] = sum, in.At
	} else {
		sum.add(one)
	}
	if newer := in.At.Compare(s.latest[k]); newer > 0 || newer == 0 && in.UPN > sum.UPN {
		sum.UPN, s.latest[k] = in.UPN, in.At
	}
}

// Days returns the sums so far in the order of their days. The same sign-ins in
// any order give the same sums. It is never nil: no use is not the same as none
// known.
func (s *LegacySums) Days() []LegacyUse {
	all := make([]LegacyUse, 0, len(s.sums))
	for _, sum := range s.sums {
		all = append(all, *sum)
	}
	slices.SortFunc(all, func(a, b LegacyUse) int {
		return cmp.Or(a.Day.Compare(b.Day), cmp.Compare(a.account(), b.account()),
			cmp.Compare(a.Client, b.Client), cmp.Compare(a.App, b.App), cmp.Compare(a.Device, b.Device))
	})
	return all
}

// SumSignIns returns the [LegacySums] of a list.
func SumSignIns(signIns []graph.SignIn) []LegacyUse {
	var sums LegacySums
	for _, in := range signIns {
		sums.Add(in)
	}
	return sums.Days()
}

// useOf is the sum of one sign-in.
func useOf(in graph.SignIn) LegacyUse {
	at := in.At.UTC()
	u := LegacyUse{
		UserID: in.UserID, UPN: in.UPN, Client: in.Client, App: in.App, Device: in.Device,
		Day: time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC),
	}
	if in.Succeeded() {
		u.Succeeded, u.First, u.Last = 1, in.At, in.At
	} else {
		u.Blocked = 1
	}
	return u
}

// add takes another sum's numbers and times in.
func (u *LegacyUse) add(o LegacyUse) {
	u.Succeeded += o.Succeeded
	u.Blocked += o.Blocked
	if !o.First.IsZero() && (u.First.IsZero() || o.First.Before(u.First)) {
		u.First = o.First
	}
	if o.Last.After(u.Last) {
		u.Last = o.Last
	}
}
