package scheduler

import (
	"fmt"
	"time"

	"twokey/chat"
	"twokey/graph/rollout"
	"twokey/scheduler/chart"
)

// weeksAhead is how many weeks of a forecast the picture shows: what is further
// away is said in words.
const weeksAhead = 8

// digestPicture draws the digest's weeks.
func digestPicture(d Digest) (*chat.Image, error) {
	f, err := d.forecast()
	if err != nil {
		return nil, err
	}
	return picture(d.Tenant, d.AsOf.In(zone(d)), d.Weeks, weeksShown, f)
}

// picture draws the last n weeks: the share of people who are registered, with
// the goal and how far the forecast reaches, and below it the legacy sign-ins
// that succeeded. Its alternative text says the same numbers.
func picture(tenant string, asOf time.Time, weeks []rollout.Week, n int, f rollout.Forecast) (*chat.Image, error) {
	points, err := rollout.Trend(weeks)
	if err != nil {
		return nil, err
	}
	points = points[max(0, len(points)-n):] // weeks that were missed have a place too
	var this rollout.Week
	if len(weeks) > 0 {
		this = weeks[len(weeks)-1]
	}
	c := chart.Chart{
		Title: "MFA at " + chat.Safe(tenant, nameRunes), AsOf: asOf,
		Adoption: chart.Line{
			Title: "Registered people", Unit: "%", Note: note(this),
			Goal: chart.Value{Number: f.Goal.Percent, Known: f.Goal.Percent > 0},
		},
		Legacy: chart.Bars{Title: "Legacy sign-ins that succeeded", Unit: "sign-ins"},
	}
	for _, p := range rollout.Protocols() {
		c.Legacy.Names = append(c.Legacy.Names, string(p))
	}
	read, measured := false, false
	for _, p := range points {
		value, stack := share(p.Figures), succeeded(p.Legacy)
		read, measured = read || value.Known, measured || stack != nil
		c.Weeks = append(c.Weeks, p.Week)
		c.Adoption.Values = append(c.Adoption.Values, value)
		c.Legacy.Stacks = append(c.Legacy.Stacks, stack)
	}
	if !read {
		c.Adoption.Reason = why(this.Figures().Get(rollout.Registered).Share())
	}
	if !measured {
		c.Legacy.Reason = whyNoLegacy(this)
	}
	if read {
		extend(&c, f)
	}
	data, err := chart.Draw(c)
	if err != nil {
		return nil, err
	}
	return &chat.Image{Name: filePicture, PNG: data, Alt: c.Alt()}, nil
}

// extend adds the weeks to come, as far as they lead to the goal.
func extend(c *chart.Chart, f rollout.Forecast) {
	for _, r := range f.Ahead(weeksAhead) {
		c.Weeks, c.Ahead = append(c.Weeks, r.Week), c.Ahead+1
		c.Adoption.Band = append(c.Adoption.Band, chart.Reach{Low: r.Low, High: r.High})
		if r.Week == f.Latest {
			return
		}
	}
}

// zone is where the digest's times are at home.
func zone(d Digest) *time.Location {
	z, err := time.LoadLocation(d.Zone)
	if err != nil {
		return time.UTC
	}
	return z
}

// note is the count behind the share: of the people who were read.
func note(w rollout.Week) string {
	registered := w.Figures().Get(rollout.Registered)
	if _, ok := registered.Share().Value(); !ok {
		return ""
	}
	of := number(registered.Of - registered.Unknown)
	if registered.Unknown > 0 {
		of += " read"
	}
	return fmt.Sprintf("%s of %s", registered, of)
}

func share(fs rollout.Figures) chart.Value {
	v, ok := fs.Get(rollout.Registered).Share().Value()
	return chart.Value{Number: v, Known: ok}
}

// succeeded is a week's bar, one count for each protocol; nil if that week was
// not measured.
func succeeded(uses []rollout.ProtocolUse) []int {
	if uses == nil {
		return nil
	}
	stack := make([]int, len(rollout.Protocols()))
	for i, p := range rollout.Protocols() {
		for _, use := range uses {
			if use.Protocol == p {
				stack[i] = use.Succeeded
			}
		}
	}
	return stack
}

func whyNoLegacy(w rollout.Week) string {
	legacy := w.Figures().Get(rollout.LegacySucceeded)
	if legacy.Reason() == rollout.NeedsP1 {
		return "Who signs in with old protocols can be seen with Entra ID P1 only."
	}
	return why(legacy)
}

// why says why no week has the figure.
func why(f rollout.Figure) string { return "Not measured: " + string(f.Reason()) + "." }
