package staff

import "time"

// GapKind is what the guide could not do.
type GapKind string

// The kinds of gap.
const (
	GapAsked     GapKind = "asked"     // no article answers it: a person was named
	GapWanted    GapKind = "wanted"    // a person was asked to do something
	GapUnhelpful GapKind = "unhelpful" // the article was shown, and did not help
	GapElsewhere GapKind = "elsewhere" // it was taken for another subject
	GapLanguage  GapKind = "language"  // it was not understood, in another language
)

// Gap is something that the guide could not do, and how often within a week. It
// says of nobody that they asked: what was asked is masked before it comes here.
type Gap struct {
	Kind  GapKind
	Topic string    // the article that did not help or came nearest, or a language's code, or empty
	Words string    // what was asked, masked, or empty
	Week  time.Time // its Monday, UTC
	Times int
}

// What is kept of gaps.
const (
	// GapLife is how long.
	GapLife = 26 * 7 * 24 * time.Hour
	// GapWords is how many different questions are kept of a week; of more only
	// how many there were.
	GapWords = 500
)

// WeekOf returns the Monday of a moment's week, UTC.
func WeekOf(t time.Time) time.Time {
	y, m, d := t.UTC().Date()
	return time.Date(y, m, d-(int(t.UTC().Weekday())+6)%7, 0, 0, 0, 0, time.UTC)
}
