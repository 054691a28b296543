package scheduler

import (
	"fmt"

	"twokey/chat"
	"twokey/graph/rollout"
	"twokey/scheduler/chart"
)

// standingRows are the parts of the people in scope that the picture shows.
var standingRows = []struct {
	id   rollout.ID
	name string
}{
	{rollout.Registered, "Registered"},
	{rollout.Capable, "Allowed by the policy"},
	{rollout.Backup, "With a backup method"},
	{rollout.NotPhoneOnly, "Not by phone alone"},
	{rollout.PhishingResistant, "Phishing-resistant"},
	{rollout.Enforced, "MFA enforced"},
}

// standing draws the funnel, and the departments furthest behind; nil if nobody is
// in scope.
func standing(d Digest, figures rollout.Figures) (*chat.Image, error) {
	people := figures.Get(rollout.InScope)
	if n, ok := people.Value(); !ok || n == 0 {
		return nil, nil
	}
	funnel := chart.Parts{Title: "Of " + people.String() + " people in scope"}
	for _, row := range standingRows {
		funnel.Rows = append(funnel.Rows, partOf(row.name, figures.Get(row.id)))
	}
	departments := chart.Parts{Title: "Departments, registered"}
	if _, ok := figures.Get(rollout.Registered).Value(); ok {
		for _, row := range byShare(d.This.Departments) {
			if len(departments.Rows) < departmentsDrawn {
				departments.Rows = append(departments.Rows, departmentPart(row))
			}
		}
	}
	s := chart.Standing{
		Title: "Where MFA stands at " + chat.Safe(d.Tenant, nameRunes), AsOf: d.AsOf.In(zone(d)),
		Panels: []chart.Parts{funnel, departments},
	}
	if len(departments.Rows) == 0 {
		s.Panels = s.Panels[:1]
	}
	png, err := chart.DrawStanding(s)
	if err != nil {
		return nil, fmt.Errorf("draw where it stands: %w", err)
	}
	return &chat.Image{Name: "standing.png", PNG: png, Alt: s.Alt()}, nil
}

// departmentsDrawn is how many departments still fit on a phone.
const departmentsDrawn = 8

func partOf(name string, f rollout.Figure) chart.Part {
	share, known := f.Share().Value()
	if !known {
		return chart.Part{Name: name, Note: f.String()}
	}
	return chart.Part{Name: name, Share: chart.Known(share), Note: counted(f)}
}

func departmentPart(d rollout.DepartmentSum) chart.Part {
	p := chart.Part{Name: departmentWords(d.Name), Note: registeredWords(d.Registered)}
	if share, ok := registeredShare(d.Registered).Value(); ok {
		p.Share, p.Note = chart.Known(share), number(*d.Registered.Value)+" of "+number(d.Registered.Of)
	}
	return p
}
