package rollout

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
)

// ID names a figure in the digest, in stored weeks and in exports. It never
// changes its meaning: a figure that is counted differently gets another name.
type ID string

// Unit is what a figure counts.
type Unit string

// The units. A percentage is a share of the people of whom the answer is
// known, with one decimal; its change is in percentage points.
const (
	Count   Unit = "count"
	Percent Unit = "percent"
)

// percent ends the ID of a share.
const percent ID = "_percent"

// A Figure is one number of a reading, or the reason why there is none. The
// zero Figure has not been read. A value comes from [Number] or [Figure.Share],
// so that what is not known cannot be mistaken for a zero.
type Figure struct {
	ID   ID
	Unit Unit
	AsOf time.Time
	// Of is how many people were asked about, 0 for a figure that is not a
	// part of a group. Unknown is how many of them gave no answer: with it a
	// count is a lower bound, "at least".
	Of, Unknown int

	value, change  float64
	known, changed bool
	reason         Reason
}

// Number returns a figure that counts n.
func Number(id ID, asOf time.Time, n int) Figure {
	return Figure{ID: id, Unit: Count, AsOf: asOf, value: float64(n), known: true}
}

// Missing returns a figure without a value.
func Missing(id ID, unit Unit, asOf time.Time, why Reason) Figure {
	return Figure{ID: id, Unit: unit, AsOf: asOf, reason: why}
}

// Value returns the number, and whether there is one.
func (f Figure) Value() (float64, bool) { return f.value, f.known }

// Reason says why there is no value, "" if there is one.
func (f Figure) Reason() Reason {
	if !f.known && f.reason == "" {
		return NotRead
	}
	return f.reason
}

// Change returns the difference to an earlier figure, and whether there is one.
func (f Figure) Change() (float64, bool) { return f.change, f.changed }

// Thin reports whether the answer is unknown for more than one person in
// twenty. A zero or a change would then tell more about the reading than about
// the people, so neither is given.
func (f Figure) Thin() bool { return f.Unknown*20 > f.Of }

// Since returns the figure with its change against an earlier one. There is a
// change only where both have a value, count the same and are not thin.
func (f Figure) Since(last Figure) Figure {
	f.change, f.changed = 0, false
	if f.known && last.known && f.ID == last.ID && f.Unit == last.Unit && !f.Thin() && !last.Thin() {
		f.change, f.changed = tenth(f.value-last.value), true
	}
	return f
}

// Share returns a count of people as a percentage of those of whom the answer
// is known, under the ID with "_percent" behind it. Only all is 100, and only
// none is 0.
func (f Figure) Share() Figure {
	share := Figure{ID: f.ID + percent, Unit: Percent, AsOf: f.AsOf, Of: f.Of, Unknown: f.Unknown}
	asked := float64(f.Of - f.Unknown)
	switch {
	case !f.known:
		share.reason = f.Reason()
	case asked <= 0:
		share.reason = NobodyInScope
	case f.value == 0 || f.value == asked:
		share.value, share.known = 100*f.value/asked, true
	default:
		share.value, share.known = min(max(tenth(100*f.value/asked), 0.1), 99.9), true
	}
	return share
}

// tenth rounds to one decimal, as shown: what is added up from shown numbers
// then agrees with the shown sum.
func tenth(v float64) float64 { return math.Round(v*10) / 10 }

// String is the value as people read it, "1,204" or "90.5 %", or else the reason.
func (f Figure) String() string {
	switch {
	case !f.known:
		return string(f.Reason())
	case f.Unit == Percent:
		return strconv.FormatFloat(f.value, 'f', -1, 64) + " %"
	default:
		return grouped(f.value)
	}
}

// ChangeString is the change as people read it, "+11", "−2.4 points" or "±0",
// or "" where there is none.
func (f Figure) ChangeString() string {
	if !f.changed {
		return ""
	}
	text := grouped(math.Abs(f.change))
	if f.Unit == Percent {
		text = strconv.FormatFloat(math.Abs(f.change), 'f', -1, 64) + " points"
	}
	switch {
	case f.change > 0:
		return "+" + text
	case f.change < 0:
		return "−" + text
	default:
		return "±" + text
	}
}

func grouped(v float64) string {
	digits := strconv.FormatFloat(v, 'f', 0, 64)
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(d)
	}
	return b.String()
}

// MarshalJSON gives {"id","value"} or {"id","reason"}, with "change" where there
// is one. Counts are whole numbers.
func (f Figure) MarshalJSON() ([]byte, error) {
	out := struct {
		ID     ID       `json:"id"`
		Value  *float64 `json:"value,omitempty"`
		Reason Reason   `json:"reason,omitempty"`
		Change *float64 `json:"change,omitempty"`
	}{ID: f.ID, Reason: f.Reason()}
	if f.known {
		out.Value = &f.value
	}
	if f.changed {
		out.Change = &f.change
	}
	return json.Marshal(out)
}

// Figures is an ordered list of figures, at most one of an ID.
type Figures []Figure

// Get returns the figure of an ID; one that is not in the list has not been read.
func (fs Figures) Get(id ID) Figure {
	for _, f := range fs {
		if f.ID == id {
			return f
		}
	}
	return Figure{ID: id}
}
