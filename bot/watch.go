package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"twokey/audit"
	"twokey/chat"
	"twokey/commands/approval"
	"twokey/commands/rules"
	"twokey/graph/rollout"
	"twokey/graph/watch"
)

// newWatcher notices what is changed in a bot's tenant, whoever does it.
func newWatcher(a assembly, alerts *alerts, keeper *rules.Keeper) *watch.Watcher {
	return watch.New(watch.Config{
		Tenant: a.org.ID, Apps: a.apps, Reader: a.reader, Store: alerts.store, Owner: owner(), Now: a.now, Log: a.log, Emergency: guarded(keeper),
		Alarm: func(ctx context.Context, alarm watch.Alarm) error {
			a.log.ErrorContext(ctx, "changes in our name without a request of ours", "tenant", alarm.Tenant, "changes", len(alarm.Changes), "proved", alarm.Proved)
			return alerts.inOurName(ctx, alarm)
		},
		AppAlarm: func(ctx context.Context, alarm watch.AppAlarm) error {
			a.log.ErrorContext(ctx, "our app registration was changed", "tenant", alarm.Tenant, "findings", len(alarm.Found), "sure", alarm.Sure())
			return alerts.ourApp(ctx, alarm)
		},
		Weakened: func(ctx context.Context, changes []rollout.LoggedChange) error {
			a.log.ErrorContext(ctx, "others changed what protects sign-ins", "tenant", a.org.ID, "changes", len(changes))
			return alerts.weakened(ctx, changes)
		},
		Used:  alerts.emergencyUsed(a.reader),
		Every: a.pace.watch, Fresh: a.pace.fresh, Patience: a.pace.patience,
	})
}

// freeze stops all changes because of an alert, if that is sure. That it cannot be
// read whom to tell stops nothing but the telling, which is made good.
func (a *alerts) freeze(ctx context.Context, sure bool, why string) error {
	if !sure {
		return nil
	}
	to, _ := a.first(ctx)
	if err := approval.FreezeItself(ctx, a.store, a.tenant, why, to); err != nil {
		return fmt.Errorf("freeze: %w", err)
	}
	return nil
}

// inOurName records each change by its ID in the directory's audit log, and
// tells everybody who decides. What it was and whom it was about is kept beside
// the record, with all changes.
func (a *alerts) inOurName(ctx context.Context, alarm watch.Alarm) error {
	if err := a.freeze(ctx, alarm.Sure(), alarmHeadline); err != nil {
		return err
	}
	var entries []audit.Entry
	for _, c := range alarm.Changes {
		entries = append(entries, audit.Entry{Tenant: alarm.Tenant, Kind: "watch.in_our_name", Actor: audit.Bot, Facts: map[string]any{
			"line": c.AuditID, "kind": string(c.Kind), "at": c.At.UTC().Format(time.RFC3339), "failed": c.Failed, "proved": alarm.Proved, "apart": alarm.Apart,
		}})
	}
	return a.raise(ctx, "in our name/"+alarm.Changes[0].AuditID, alarmHeadline, alarmText(alarm), entries, linesOf(alarm.Changes))
}

// guarded are the emergency accounts that are looked after: as soon as they are
// written down, and those that were taken out as long as they hold.
func guarded(k *rules.Keeper) []string {
	all := slices.Concat(k.Now().Emergency, k.Written().Emergency)
	slices.Sort(all)
	return slices.Compact(all)
}

func linesOf(changes []rollout.LoggedChange) (ids []string) {
	for _, c := range changes {
		ids = append(ids, c.AuditID)
	}
	return ids
}

const alarmHeadline = "Somebody acted with Twokey's own credentials, and nobody had asked for it here."

func alarmText(alarm watch.Alarm) string {
	const shown = "“/mfa changes” shows what was done. "
	if alarm.Sure() {
		return shown + "All changes have been frozen. Have the credentials of the app registration replaced before an owner asks for “/mfa thaw”."
	}
	s := shown + "Unless you know who did it, stop all changes with “/mfa freeze”, and have the credentials of the app registration replaced."
	if !alarm.Proved {
		return s + " The tenant's audit log has not shown the ID of a change of ours yet, so it may also be one of ours that the log does not tell."
	}
	return s + " A change of ours was under way just then, so it may also be a trace of that."
}

const (
	defaultsHeadline = "Security defaults were turned off in the tenant, and not by a request here."
	changedHeadline  = "Security defaults were changed in the tenant, and not by a request here."
	policiesHeadline = "Conditional Access was changed in the tenant, and not by a request here."
)

// weakened tells what others did to what protects every sign-in: the changes of
// one reading at once.
func (a *alerts) weakened(ctx context.Context, changes []rollout.LoggedChange) error {
	headline, text := policiesHeadline, "“/mfa changes” shows all of it. If nobody of you did this, somebody else administers the tenant: find out who, and whether what protects sign-ins still does."
	var entries []audit.Entry
	var what []string
	for _, c := range changes {
		entries = append(entries, audit.Entry{Tenant: a.tenant, Kind: "watch.changed", Actor: audit.Bot, Facts: map[string]any{
			"line": c.AuditID, "kind": string(c.Kind), "at": c.At.UTC().Format(time.RFC3339),
		}})
		switch {
		case c.Kind != rollout.ChangeDefaults:
		case c.TurnedOff():
			headline = defaultsHeadline
			text = "Without them nobody is asked for MFA, unless Conditional Access asks. " + text
		case headline != defaultsHeadline:
			headline = changedHeadline
		}
		if len(what) < changesTold {
			what = append(what, a.changeWords(c))
		}
	}
	if more := len(changes) - len(what); more > 0 {
		what = append(what, fmt.Sprintf("and %d more", more))
	}
	return a.raise(ctx, "changed/"+changes[0].AuditID, headline, strings.Join(what, "\n")+"\n\n"+text, entries, linesOf(changes))
}

// changesTold is how many changes one alert lists.
const changesTold = 5

func (a *alerts) changeWords(c rollout.LoggedChange) string {
	name := func(s string) string { return chat.Field{Value: chat.Safe(s, 60), Quoted: true}.Shown() }
	s := c.At.In(a.zone).Format("2 Jan 15:04 MST") + ": " + chat.Safe(c.Activity, 60)
	if c.Target != "" {
		s += ", " + name(c.Target)
	}
	if c.By != "" {
		s += ", by " + name(c.By)
	}
	return s
}

const usedHeadline = "An emergency account signed in."

// emergencyUsed tells of each day on which an emergency account signed in.
func (a *alerts) emergencyUsed(tenant userReader) func(ctx context.Context, u watch.Use) error {
	return func(ctx context.Context, u watch.Use) error {
		name := "whose name cannot be read just now"
		if user, err := tenant.User(ctx, u.UserID); err == nil {
			name = chat.Field{Value: chat.Safe(user.Name, 60), Quoted: true}.Shown()
		}
		text := fmt.Sprintf("The account is %s. It signed in at %s, to %s. If nobody of you is in the middle of an emergency, somebody else has its credentials: change them now, and look at what was done in “/mfa changes”.\n\nWhat it does on the rest of this day is not told again.",
			name, u.First.At.In(a.zone).Format("15:04 MST on 2 Jan"), chat.Field{Value: chat.Safe(u.First.App, 60), Quoted: true}.Shown())
		entry := audit.Entry{Tenant: a.tenant, Kind: "watch.emergency", Actor: audit.Bot, Facts: map[string]any{
			"account": u.UserID, "at": u.First.At.UTC().Format(time.RFC3339), "interactive": u.First.Interactive,
		}}
		return a.raise(ctx, "emergency/"+u.UserID+"/"+u.Day, usedHeadline, text, []audit.Entry{entry}, nil)
	}
}
