package scheduler

import (
	"fmt"
	"time"

	"twokey/chat"
	"twokey/graph/rollout"
	"twokey/scheduler/chart"
)

// picture draws the weeks: the share of people who are registered, and below
// it the legacy sign-ins that succeeded. Its alternative text says the same
// numbers.
func picture(d Digest) (*chat.Image, error) {
	points, err := rollout.Trend(d.Weeks)
	if err != nil {
		return nil, err
	}
	points = points[max(0, len(points)-weeksShown):] // weeks that were missed have a place too
	c := chart.Chart{
		Title: "MFA at " + chat.Safe(d.Tenant, nameRunes), AsOf: d.AsOf.In(zone(d)),
		Adoption: chart.Line{Title: "Registered people", Unit: "%", Note: note(d.This)},
		Legacy:   chart.Bars{Title: "Legacy sign-ins that succeeded", Unit: "sign-ins"},
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
		c.Adoption.Reason = why(d.This.Figures().Get(rollout.Registered).Share())
	}
	if !measured {
		c.Legacy.Reason = whyNoLegacy(d.This)
	}
	data, err := chart.Draw(c)
	if err != nil {
		return nil, err
	}
	return &chat.Image{Name: filePicture, PNG: data, Alt: c.Alt()}, nil
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
