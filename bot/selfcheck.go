package main

import (
	"context"
	"crypto/sha256"
	"fmt"

	"twokey/scheduler"
)

// selfCheckJob looks once a week whether every change that is switched on could
// be decided, before somebody needs one, and tells it as an alert if not. As long
// as nobody has begun it writes to nobody.
func selfCheckJob(a assembly, bot *assembled, check func(ctx context.Context) (headline, text string, err error)) scheduler.Job {
	return scheduler.Job{Name: "self-check", Due: a.digest.due, Run: func(ctx context.Context, s scheduler.Slot) error {
		begun, err := bot.store.Begun(ctx, a.org.ID)
		if err != nil {
			return err
		}
		if begun {
			headline, text, err := check(ctx)
			if err != nil {
				return err
			}
			if headline != "" {
				sum := sha256.Sum256([]byte(headline))
				key := fmt.Sprintf("self-check/%s/%x", s.Planned.UTC().Format("2006-01"), sum[:8]) // the same is new once a month
				if err := bot.alerts.raise(ctx, key, headline, text, nil, nil); err != nil {
					return err
				}
			}
		}
		return bot.store.Pass(ctx, s, nil, "")
	}}
}
