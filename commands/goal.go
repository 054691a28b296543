package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/graph/rollout"
)

// A goal is one setting of the tenant. It changes nothing there: it is the line
// that trend, forecast and digest are drawn against.

const (
	goalVersion = 1
	settingGoal = "goal"
)

// goalArgs are what a goal request asks for, and how a goal is stored.
type goalArgs struct {
	Percent float64 `json:"percent"`      // 0 ends the goal
	By      string  `json:"by,omitempty"` // a day, "2027-03-31"
}

func setGoal(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "goal", Summary: "Set which share of the people is to be registered, and by when.", Example: "goal 98% by 2027-03-31",
			Options: []chat.Option{
				{Name: "share", Summary: "the share of people in scope, like 98%; “off” ends the goal; without it the present one is shown"},
				{Name: "by", Summary: "the word “by”", Choices: []string{"by"}},
				{Name: "day", Summary: "the day by which, like 2027-03-31"},
			},
		},
		Access: whoAsks(GoalKind),
		Plan:   func(ctx context.Context, c Call) (approval.Plan, error) { return planGoal(ctx, env, c) },
	}
}

func planGoal(ctx context.Context, env Env, c Call) (approval.Plan, error) {
	snapshot, err := goalAction{env}.Snapshot(ctx, approval.Request{Tenant: env.Organization.ID})
	if err != nil {
		return approval.Plan{}, err
	}
	var now goalArgs
	if err := json.Unmarshal(snapshot, &now); err != nil {
		return approval.Plan{}, fmt.Errorf("read goal: %w", err)
	}
	if c.Args["share"] == "" {
		return approval.Plan{}, &mistake{goalSentence(now), "Set it like “/mfa goal 98% by 2027-03-31”; “/mfa goal off” ends it."}
	}
	args, err := goalAsked(env, c)
	if err != nil {
		return approval.Plan{}, err
	}
	switch {
	case args == now && args.Percent == 0:
		return approval.Plan{}, &mistake{"No goal is set.", "There is nothing to end."}
	case args == now:
		return approval.Plan{}, &mistake{"That is the goal already.", "“/mfa forecast” says when it will be met."}
	}
	headline := "Set the goal: " + goalWords(args)
	if args.Percent == 0 {
		headline = "End the goal"
	}
	return approval.Plan{
		Kind: GoalKind, KindVersion: goalVersion, Args: json.RawMessage(encode(args)), Snapshot: snapshot,
		Words: approval.Words{
			Headline: headline,
			Now:      goalSentence(now),
			Then:     goalSentence(args),
			Radius:   "The goal line of the trend, the forecast and the weekly digest. Nothing changes in the tenant.",
			Risk:     "The digest measures the team by a goal that nobody agreed on.",
			Undo:     "“/mfa goal” with what it was before, or “/mfa goal off”.",
			Call:     env.contact(),
		},
		Policy: policyFor(env.Rules.Now(), stakes{kind: kindNamed(GoalKind)}),
	}, nil
}

// goalAsked reads what was typed. A goal without a day is one.
func goalAsked(env Env, c Call) (goalArgs, error) {
	typed := c.Args["share"]
	if strings.EqualFold(typed, "off") {
		return goalArgs{}, nil
	}
	percent, err := parseShare(typed)
	if err != nil {
		return goalArgs{}, err
	}
	args := goalArgs{Percent: percent}
	if c.Args["by"] == "" {
		if c.Args["day"] != "" || c.Reason != "" {
			return args, &mistake{"Whatever stands behind the share begins with “by”.", "For example: /mfa goal 98% by 2027-03-31"}
		}
		return args, nil
	}
	by, err := goalDay(env, c.Args["day"])
	if err != nil && c.Reason != "" { // a day of several words
		by, err = goalDay(env, c.Args["day"]+" "+c.Reason)
	}
	args.By = by.Format(time.DateOnly)
	return args, err
}

// parseShare reads a share of the people, like “98%” or “97.5”.
func parseShare(typed string) (float64, error) {
	text := strings.ReplaceAll(strings.TrimSuffix(strings.TrimSpace(typed), "%"), ",", ".")
	p, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || !(p >= 1) || p > 100 {
		return 0, &mistake{shown(typed) + " is not a share of the people.", "Type it like “98%”: from 1% to 100%."}
	}
	return float64(int(p*10+0.5)) / 10, nil
}

// farGoal is how many years ahead a goal may be.
const farGoal = 5

// goalDay reads the day of a goal, in the organisation's zone.
func goalDay(env Env, typed string) (time.Time, error) {
	if typed == "" {
		return time.Time{}, &mistake{"By when?", "For example: /mfa goal 98% by 2027-03-31"}
	}
	by, err := parseDay(typed, today(env))
	switch now := midnight(today(env)); {
	case err != nil:
		return by, err
	case !by.After(now):
		return by, &mistake{dayWords(env, by) + " is not ahead.", "Name a day that is still to come."}
	case by.After(now.AddDate(farGoal, 0, 0)):
		return by, &mistake{fmt.Sprintf("%s is more than %d years away.", dayWords(env, by), farGoal), "Name a nearer day: a goal is to be worked for."}
	}
	return by, nil
}

// goalWords are a goal within a sentence.
func goalWords(g goalArgs) string {
	s := percentWords(g.Percent) + " of the people in scope registered"
	if by, err := time.Parse(time.DateOnly, g.By); err == nil {
		s += " by " + by.Format("2 January 2006")
	}
	return s
}

func goalSentence(g goalArgs) string {
	if g.Percent == 0 {
		return "No goal is set."
	}
	return "The goal is " + goalWords(g) + "."
}

// Goal returns a tenant's goal; its zero value if none is set. Its day begins in
// the zone.
func Goal(ctx context.Context, s approval.Store, tenant string, zone *time.Location) (rollout.Goal, error) {
	g, err := storedGoal(ctx, s, tenant)
	if err != nil || g.By == "" {
		return rollout.Goal{Percent: g.Percent}, err
	}
	by, err := time.ParseInLocation(time.DateOnly, g.By, zone)
	if err != nil {
		return rollout.Goal{}, fmt.Errorf("read goal: %w", err)
	}
	return rollout.Goal{Percent: g.Percent, By: by}, nil
}

func storedGoal(ctx context.Context, s approval.Store, tenant string) (g goalArgs, err error) {
	err = s.View(ctx, func(tx approval.Tx) error {
		g = goalArgs{}
		text, err := tx.Setting(tenant, settingGoal)
		if err != nil || text == "" {
			return err
		}
		return json.Unmarshal([]byte(text), &g)
	})
	if err != nil {
		return g, fmt.Errorf("read goal: %w", err)
	}
	return g, nil
}

// goalAction sets a goal. Its effect is a row of the store.
type goalAction struct{ env Env }

var (
	_ approval.Action = goalAction{}
	_ approval.Local  = goalAction{}
)

// Snapshot implements approval.Action: the goal that is set.
func (a goalAction) Snapshot(ctx context.Context, r approval.Request) (json.RawMessage, error) {
	return snapshot(storedGoal(ctx, a.env.Requests, r.Tenant))
}

// Compare implements approval.Action.
func (goalAction) Compare(was, now json.RawMessage, r approval.Request, _ []approval.Step) []string {
	before, after, err := pair[goalArgs](was, now)
	if _, wrong := readArgs[goalArgs](r, goalVersion); errors.Join(err, wrong) != nil {
		return []string{notUnderstood}
	}
	if before != after {
		return []string{"The goal was set anew in the meantime."}
	}
	return nil
}

// Steps implements approval.Action: none in the tenant.
func (goalAction) Steps(approval.Request) ([]approval.Call, error) { return nil, nil }

// Probe implements approval.Action. There is no step to ask about.
func (goalAction) Probe(context.Context, approval.Request, json.RawMessage, approval.Step) (approval.Finding, error) {
	return approval.Finding{}, errors.New("a goal has no steps")
}

// Apply implements approval.Local.
func (goalAction) Apply(tx approval.Tx, r approval.Request, _ time.Time) error {
	args, err := readArgs[goalArgs](r, goalVersion)
	if err != nil {
		return err
	}
	if args.Percent == 0 {
		return tx.Set(r.Tenant, settingGoal, "")
	}
	return tx.Set(r.Tenant, settingGoal, encode(args))
}
