package rollout

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// A Week is what is kept of one ISO week, for years: small sums and no names
// of people. New sums may join; what a stored one means never changes.
type Week struct {
	Week        string          `json:"week"` // ISO 8601, "2026-W47"
	AsOf        time.Time       `json:"as_of"`
	Road        Road            `json:"road,omitempty"`
	Sums        []Sum           `json:"sums"`
	Legacy      []ProtocolUse   `json:"legacy,omitempty"` // absent: not measured
	Departments []DepartmentSum `json:"departments,omitempty"`
}

// A Sum is a counted figure as it is stored.
type Sum struct {
	ID      ID     `json:"id"`
	Value   *int   `json:"value,omitempty"` // absent: see Reason
	Of      int    `json:"of,omitempty"`
	Unknown int    `json:"unknown,omitempty"`
	Reason  Reason `json:"reason,omitempty"`
}

// A DepartmentSum is one row by department as it is stored; small ones are
// merged before they come here.
type DepartmentSum struct {
	Name       string `json:"name"`
	Registered Sum    `json:"registered"`
}

// NewWeek sums up a reading for an ISO week, as [ISOWeek] names it.
func NewWeek(week string, fn Funnel, l Legacy) Week {
	w := Week{Week: week, AsOf: fn.AsOf, Road: fn.Road, Legacy: l.ByProtocol}
	for _, fs := range []Figures{fn.Figures, l.Figures} {
		for _, f := range fs {
			w.Sums = append(w.Sums, sum(f))
		}
	}
	for _, d := range fn.Departments {
		w.Departments = append(w.Departments, DepartmentSum{d.Name, sum(d.Registered)})
	}
	return w
}

func sum(f Figure) Sum {
	s := Sum{ID: f.ID, Of: f.Of, Unknown: f.Unknown}
	if v, ok := f.Value(); ok {
		n := int(math.Round(v))
		s.Value = &n
	} else {
		s.Reason = f.Reason()
	}
	return s
}

func (s Sum) figure(asOf time.Time) Figure {
	f := Missing(s.ID, Count, asOf, s.Reason)
	if s.Value != nil {
		f = Number(s.ID, asOf, *s.Value)
	}
	f.Of, f.Unknown = s.Of, s.Unknown
	return f
}

// Figures returns the week's counts, each part of the people followed by its share.
func (w Week) Figures() Figures {
	fs := make(Figures, 0, 2*len(w.Sums))
	for _, s := range w.Sums {
		f := s.figure(w.AsOf)
		fs = append(fs, f)
		if hasShare(s.ID) {
			fs = append(fs, f.Share())
		}
	}
	return fs
}

// hasShare reports whether a figure is a part of the people in scope.
func hasShare(id ID) bool {
	for _, q := range questions {
		if id == q.id {
			return true
		}
	}
	return false
}

// Compare returns this week's figures with their changes against an earlier
// week, nil for none. What was read on another road than then is not compared:
// the report and the methods do not count alike.
func Compare(this Week, last *Week) Figures {
	fs := this.Figures()
	if last == nil {
		return fs
	}
	before := last.Figures()
	for i, f := range fs {
		if this.Road == last.Road || !fromRoad(f.ID) {
			fs[i] = f.Since(before.Get(f.ID))
		}
	}
	return fs
}

// fromRoad reports whether a figure is counted from people's registrations.
func fromRoad(id ID) bool {
	switch id := ID(strings.TrimSuffix(string(id), string(percent))); id {
	case Enforced, EnforcedByDefaults, EnforcedByPolicy, EnforcedByPerUser, EnforcedPartly, PerUserLeftovers:
		return false
	case AdminsNoMethod, AdminsOneMethod, AdminsWeak, AdminsPhoneOnly, GuestsPhoneOnly, EmergencyNoMethod, EmergencyPhoneOnly:
		return true
	default:
		return hasShare(id)
	}
}

// ISOWeek names the ISO 8601 week of a moment in its own zone, "2026-W47".
func ISOWeek(t time.Time) string {
	year, week := t.ISOWeek()
	return fmt.Sprintf("%04d-W%02d", year, week)
}

// monday is the first day of a week that ISOWeek named.
func monday(week string) (time.Time, error) {
	var year, n int
	if _, err := fmt.Sscanf(week, "%4d-W%2d", &year, &n); err != nil {
		return time.Time{}, fmt.Errorf("read week %q: %w", week, err)
	}
	first := time.Date(year, time.January, 4, 0, 0, 0, 0, time.UTC) // always in week 1
	day := first.AddDate(0, 0, 7*(n-1)-(int(first.Weekday())+6)%7)
	if ISOWeek(day) != week {
		return time.Time{}, fmt.Errorf("read week %q: no such week", week)
	}
	return day, nil
}
