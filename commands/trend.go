package commands

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"twokey/chat"
	"twokey/commands/identity"
	"twokey/graph/rollout"
)

// Trend is what is known of the last weeks.
type Trend interface {
	// Weeks returns the last n weeks that were stored, oldest first. The week
	// that is running is the last of them, as it is now if it is not stored yet.
	Weeks(ctx context.Context, n int) ([]rollout.Week, error)
	// Picture draws weeks, and the forecast if there is one.
	Picture(weeks []rollout.Week, f rollout.Forecast) (*chat.Image, error)
}

// pictures are the last few that were drawn, by what is in them: to draw one takes
// longer than all else that is answered with it. A nil one keeps none.
type pictures struct {
	mu    sync.Mutex
	drawn map[string]*chat.Image
}

// keptPictures is how many are kept.
const keptPictures = 8

func (p *pictures) of(t Trend, weeks []rollout.Week, f rollout.Forecast) (*chat.Image, error) {
	if p == nil || len(weeks) == 0 { // without a week it says the time
		return t.Picture(weeks, f)
	}
	key := encode(weeks) + fmt.Sprint(f)
	p.mu.Lock()
	defer p.mu.Unlock()
	if drawn := p.drawn[key]; drawn != nil {
		return drawn, nil
	}
	drawn, err := t.Picture(weeks, f)
	if err != nil {
		return nil, err
	}
	if p.drawn == nil || len(p.drawn) >= keptPictures {
		p.drawn = make(map[string]*chat.Image)
	}
	p.drawn[key] = drawn
	return drawn, nil
}

// The weeks that trend shows: without a word, and the most that a picture can.
const (
	usualWeeks = 12
	mostWeeks  = 96
)

func trend(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "trend", Summary: "How the figures have changed week by week, with a picture.", Example: "trend 26",
			Options: []chat.Option{{Name: "weeks", Summary: "how many weeks back, at most 96; 12 without it"}},
		},
		Access: only(identity.Viewer),
		Aloud:  true,
		Kept:   true,
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			n, err := weeksBack(c.Args["weeks"])
			if err != nil {
				return chat.Message{}, err
			}
			weeks, err := env.Trend.Weeks(ctx, max(n, forecastWeeks))
			if err != nil {
				return chat.Message{}, err
			}
			goal, err := Goal(ctx, env.Requests, env.Organization.ID, env.Zone)
			if err != nil {
				return chat.Message{}, err
			}
			f, err := rollout.NewForecast(weeks, goal)
			if err != nil {
				return chat.Message{}, err
			}
			m, err := trendMessage(env, weeks[max(0, len(weeks)-n):], f)
			m.Text = strings.TrimSpace(m.Text + " " + rolesUnknown(env.kept(ctx)))
			return m, err
		},
	}
}

func weeksBack(typed string) (int, error) {
	if typed == "" {
		return usualWeeks, nil
	}
	n, err := strconv.Atoi(strings.TrimSuffix(strings.ToLower(typed), "w"))
	if err != nil || n < 1 || n > mostWeeks {
		return 0, &mistake{shown(typed) + " is not a number of weeks that I can show.", fmt.Sprintf("Type a number from 1 to %d, like “/mfa trend 26”.", mostWeeks)}
	}
	return n, nil
}

// trendRows are the figures that trend shows in a column each, with their share
// of the people where they have one.
var trendRows = []struct {
	id    rollout.ID
	label string
	share bool
}{
	{rollout.InScope, "In scope", false},
	{rollout.Registered, "Registered", true},
	{rollout.Backup, "With a backup", true},
	{rollout.Enforced, "MFA enforced", true},
	{rollout.LegacySucceeded, "Legacy sign-ins", false},
}

// tableWeeks is how many weeks stand in the table: more are only drawn.
const tableWeeks = 13

func trendMessage(env Env, weeks []rollout.Week, f rollout.Forecast) (chat.Message, error) {
	points, err := rollout.Trend(weeks)
	if err != nil {
		return chat.Message{}, err
	}
	picture, err := env.pictures.of(env.Trend, weeks, f)
	if err != nil {
		return chat.Message{}, err
	}
	m := chat.Message{Headline: trendHeadline(points), Image: picture, Footer: "Counts of people, and of sign-ins in seven days. "}
	if len(points) > 0 {
		m.Table = trendTable(points[max(0, len(points)-tableWeeks):])
		m.Footer += "As of " + moment(env, points[len(points)-1].AsOf) + "."
	}
	if n := len(points) - tableWeeks; n > 0 {
		m.Footer += fmt.Sprintf(" The picture shows %s more.", plural(strconv.Itoa(n), "week"))
	}
	if f.Goal.Percent > 0 {
		m.Text = f.Sentence(env.Zone)
	}
	return m, nil
}

func trendHeadline(points []rollout.Point) string {
	known := func(p rollout.Point) bool {
		_, ok := p.Get(rollout.Registered).Value()
		return ok
	}
	first, last := slices.IndexFunc(points, known), len(points)-1
	for last >= 0 && !known(points[last]) {
		last--
	}
	if first < 0 {
		return "No week has been read yet in which registrations were known."
	}
	then, now := points[first].Get(rollout.Registered), points[last].Get(rollout.Registered)
	if first == last {
		return fmt.Sprintf("%s of %s people were registered in %s; there is no other week to compare with yet.", atLeast(now), points[last].Get(rollout.InScope), weekName(points[last].Week))
	}
	return fmt.Sprintf("Registered: from %s (%s) in %s to %s (%s) in %s.",
		atLeast(then), then.Share(), weekName(points[first].Week), atLeast(now), now.Share(), weekName(points[last].Week))
}

// weekName is an ISO week as it can stand in a sentence, "week 48 of 2026".
func weekName(week string) string {
	year, number, _ := strings.Cut(week, "-W")
	return "week " + strings.TrimLeft(number, "0") + " of " + year
}

// atLeast is a count as it has to be taken: some people may not have been read.
func atLeast(f rollout.Figure) string {
	if f.Unknown > 0 {
		return "at least " + f.String()
	}
	return f.String()
}

func trendTable(points []rollout.Point) *chat.Table {
	t := &chat.Table{Header: []string{"Week"}}
	for _, row := range trendRows {
		t.Header = append(t.Header, row.label)
	}
	for _, p := range points {
		cells := []string{p.Week}
		for _, row := range trendRows {
			cells = append(cells, trendCell(p, row.id, row.share))
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}

// trendCell says why there is no number; in a week of which nothing is stored
// that nothing is.
func trendCell(p rollout.Point, id rollout.ID, share bool) string {
	f := p.Get(id)
	_, known := f.Value()
	switch {
	case p.AsOf.IsZero():
		return "not stored"
	case !known, !share:
		return atLeast(f)
	default:
		return atLeast(f) + " (" + f.Share().String() + ")"
	}
}
