package commands

import (
	"context"
	"strings"
)

// SelfCheck returns what asks of every kind of change that is switched on whether
// it could be decided today. What it says is empty if all could.
func SelfCheck(env Env) func(ctx context.Context) (headline, text string, err error) {
	return func(ctx context.Context) (headline, text string, err error) {
		all, err := Decisions(ctx, env)
		stuck := undecidable(all)
		if err != nil || len(stuck) == 0 {
			return "", "", err
		}
		return stuckHeadline(stuck), appoint(ctx, env, 1) + " “/mfa doctor” says of each who could decide it.", nil
	}
}

func stuckHeadline(stuck []string) string {
	return "These could not be decided today: " + strings.Join(stuck, ", ") + "."
}
