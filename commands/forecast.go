package commands

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"twokey/chat"
	"twokey/commands/identity"
	"twokey/graph/rollout"
)

// forecastWeeks is how many weeks a forecast can rest on.
const forecastWeeks = 8

func forecast(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "forecast", Summary: "When the goal will be met if people go on registering as in the last weeks: a range, never a day.", Example: "forecast --goal 95% --by 2027-03-31",
			Options: []chat.Option{
				{Name: "goal", Summary: "the share of people to be registered, like 95%; the goal that is set without it", Flag: true},
				{Name: "by", Summary: "the day by which, like 2027-03-31; the day that is set without it", Flag: true},
			},
		},
		Access: only(identity.Viewer),
		Aloud:  true,
		Kept:   true,
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			goal, err := askedGoal(ctx, env, c)
			if err != nil {
				return chat.Message{}, err
			}
			weeks, err := env.Trend.Weeks(ctx, usualWeeks)
			if err != nil {
				return chat.Message{}, err
			}
			f, err := rollout.NewForecast(weeks, goal)
			if err != nil {
				return chat.Message{}, err
			}
			m := forecastMessage(env, f)
			if was, err := rollout.NewForecast(weeks[:max(0, len(weeks)-1)], goal); err == nil {
				m.Text = f.MovedSince(was)
			}
			m.Image, err = env.pictures.of(env.Trend, weeks, f)
			return m, err
		},
	}
}

// askedGoal is the goal that is set, with what the person wants to know instead.
func askedGoal(ctx context.Context, env Env, c Call) (rollout.Goal, error) {
	goal, err := Goal(ctx, env.Requests, env.Organization.ID, env.Zone)
	if err != nil {
		return goal, err
	}
	if typed := c.Args["goal"]; typed != "" {
		goal = rollout.Goal{}
		if goal.Percent, err = parseShare(typed); err != nil {
			return goal, err
		}
	}
	if typed := c.Args["by"]; typed != "" {
		if goal.By, err = goalDay(env, typed); err != nil {
			return goal, err
		}
	}
	if goal.Percent == 0 {
		return goal, &mistake{"No goal is set, so there is nothing to forecast.", "Name one, like “/mfa forecast --goal 95%”, or let a lead set one with “/mfa goal 98% by 2027-03-31”."}
	}
	return goal, nil
}

func forecastMessage(env Env, f rollout.Forecast) chat.Message {
	m := chat.Message{Headline: f.Sentence(env.Zone)}
	if f.Missing > 0 {
		m.Fields = append(m.Fields, chat.Field{Label: "Still to register", Value: missingWords(f)})
	}
	if f.Pace.Changes > 0 {
		m.Fields = append(m.Fields, chat.Field{Label: "Pace", Value: paceWords(f.Pace)})
	}
	if f.Needed > 0 {
		m.Fields = append(m.Fields, chat.Field{Label: "Needed", Value: neededWords(env, f)})
	}
	if !f.AsOf.IsZero() {
		m.Footer = "As of " + moment(env, f.AsOf) + "."
	}
	m.Footer = strings.TrimSpace(m.Footer + " A forecast is how it goes on if nothing changes: a holiday, or a wave that begins, moves it.")
	return m
}

func missingWords(f rollout.Forecast) string {
	s := plural(strconv.Itoa(f.Missing), "more person")
	if f.Missing != 1 {
		s = strconv.Itoa(f.Missing) + " more people"
	}
	if f.Last > 0 {
		s += fmt.Sprintf("; %d of them are in the last twentieth, who are better asked by name than waited for (“/mfa who missing”)", f.Last)
	}
	return s
}

func paceWords(p rollout.Pace) string {
	s := fmt.Sprintf("usually %s a week (median of the last %d", decimal(p.Usual), p.Changes)
	if p.Slow < p.Fast {
		s += fmt.Sprintf("; half of them between %s and %s", decimal(p.Slow), decimal(p.Fast))
	}
	return s + ")"
}

func neededWords(env Env, f rollout.Forecast) string {
	s := decimal(f.Needed) + " a week to be there by " + f.Goal.By.In(env.Zone).Format("2 January 2006")
	if short, known := f.Behind(); known && short > 0 {
		return s + ", " + decimal(short) + " more than now"
	} else if known {
		return s + "; the pace is enough for it"
	}
	return s
}

// decimal is a number with one decimal at most.
func decimal(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

func percentWords(p float64) string { return decimal(p) + " %" }
