package watch

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"twokey/graph"
	"twokey/graph/rollout"
)

// SeenApp is an app registration of ours as it was last read, and what was said of
// it that does not end by being said. It is stored: a new member must be zero where
// it is missing.
type SeenApp struct {
	App  graph.App
	At   time.Time // when it came to be so, as far as was noticed
	Said []string  // of findings that stay: that a credential runs out, that the app is gone
}

// An AppAlarm is what became of an app registration of ours.
type AppAlarm struct {
	Tenant string
	AppID  string
	Since  time.Time            // since when it was as it is not any more; with Tenant and AppID it names the alarm
	Found  []rollout.AppFinding // the most severe first
}

// Sure reports whether somebody else may be able to act in our name now, which is
// reason enough to stop all changes.
func (a AppAlarm) Sure() bool {
	return slices.ContainsFunc(a.Found, func(f rollout.AppFinding) bool { return f.Severity == rollout.Alarm })
}

// Look compares each of our app registrations with what it was at the last look.
// While another process leads it does nothing. What nobody could be told of is
// found again at the next look.
func (w *Watcher) Look(ctx context.Context) error {
	if w.cfg.AppAlarm == nil {
		return nil
	}
	leads, err := w.cfg.Store.LeadWatch(ctx, w.cfg.Tenant, w.cfg.Owner, 2*w.cfg.Every)
	if err != nil || !leads {
		return err
	}
	var errs []error
	for _, id := range w.cfg.Apps {
		errs = append(errs, w.look(ctx, id))
	}
	return errors.Join(errs...)
}

func (w *Watcher) look(ctx context.Context, id string) error {
	was, err := w.cfg.Store.SeenApp(ctx, w.cfg.Tenant, id)
	if err != nil {
		return err
	}
	now, err := w.cfg.Reader.App(ctx, id)
	gone := notFound(err)
	if err != nil && !gone {
		return fmt.Errorf("read app: %w", err)
	}
	at := w.cfg.Now()
	found := rollout.CompareApps(was.App, now, at)
	is := SeenApp{App: now, At: at, Said: staying(found)}
	if gone { // what takes its place is not it
		is.App = was.App
	}
	if reflect.DeepEqual(is.App, was.App) && slices.Equal(is.Said, was.Said) {
		return nil
	}
	found = slices.DeleteFunc(found, func(f rollout.AppFinding) bool { return slices.Contains(was.Said, name(f)) })
	if len(found) > 0 {
		if err := w.cfg.AppAlarm(ctx, AppAlarm{Tenant: w.cfg.Tenant, AppID: id, Since: was.At, Found: found}); err != nil {
			return fmt.Errorf("tell what became of our app: %w", err)
		}
	}
	return w.cfg.Store.KeepApp(ctx, w.cfg.Tenant, id, is)
}

// staying names the findings that are found again at each look.
func staying(found []rollout.AppFinding) (names []string) {
	for _, f := range found {
		switch f.Kind {
		case rollout.AppRemoved, rollout.CredentialExpiring, rollout.CredentialExpired:
			names = append(names, name(f))
		default:
		}
	}
	slices.Sort(names)
	return names
}

func name(f rollout.AppFinding) string { return string(f.Kind) + "/" + f.Of }

func notFound(err error) bool {
	e, ok := errors.AsType[*graph.Error](err)
	return ok && e.Kind == graph.KindNotFound
}
