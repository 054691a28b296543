// Package sync reads the tenant for the figures: every source at once, each
// one answering or failing for itself.
package sync

import (
	"context"
	"sync"
	"time"

	"twokey/graph"
	"twokey/graph/rollout"
)

// Reader is what a reading asks of the tenant, as [graph.Reader] promises it.
type Reader interface {
	Organization(ctx context.Context) (graph.Organization, error)
	Licence(ctx context.Context) (graph.Licence, error)
	SecurityDefaults(ctx context.Context) (graph.SecurityDefaults, error)
	Policies(ctx context.Context) ([]graph.Policy, error)
	Users(ctx context.Context) ([]graph.User, error)
	RoleHolders(ctx context.Context) ([]graph.RoleHolder, error)
	Registrations(ctx context.Context) ([]graph.Registration, error)
	Methods(ctx context.Context, userIDs []string) ([]graph.UserMethods, error)
	EachLegacySignIn(ctx context.Context, since time.Time, each func(graph.SignIn) error) error
}

// Read reads all that the figures need. It always returns: what failed holds
// its error, what ctx left no time for was not asked.
//
// The licence chooses the road to people's registrations. With P1 the tenant's
// own report is read, and per-user methods are not. Without it neither the
// report nor the sign-in log is asked for, since both would be refused, and the
// methods of enabled members are read user by user. Where the licence could not
// be read the report is tried first.
func Read(ctx context.Context, r Reader, now func() time.Time) rollout.Facts {
	start := now()
	f := rollout.Facts{AsOf: start, LegacySince: start.Add(-rollout.LegacyWindow)}
	f.Licence = ask(ctx, r.Licence)
	licence, _ := f.Licence.Get()

	var wave sync.WaitGroup
	wave.Go(func() { f.Organization = ask(ctx, r.Organization) })
	wave.Go(func() { f.SecurityDefaults = ask(ctx, r.SecurityDefaults) })
	wave.Go(func() { f.Policies = ask(ctx, r.Policies) })
	wave.Go(func() { f.Users = ask(ctx, r.Users) })
	wave.Go(func() { f.RoleHolders = ask(ctx, r.RoleHolders) })
	if licence == graph.Free {
		f.Registrations = withoutLicence[[]graph.Registration]("read the registration report")
		f.LegacyUse = withoutLicence[[]rollout.LegacyUse]("read legacy sign-ins")
	} else {
		wave.Go(func() { f.Registrations = ask(ctx, r.Registrations) })
		wave.Go(func() {
			f.LegacyUse = ask(ctx, func(ctx context.Context) ([]rollout.LegacyUse, error) {
				var sum rollout.LegacySums
				err := r.EachLegacySignIn(ctx, f.LegacySince, func(s graph.SignIn) error {
					sum.Add(s)
					return nil
				})
				return sum.Days(), err
			})
		})
	}
	wave.Wait()

	if licence < graph.P1 && f.Registrations.Reason() == rollout.NeedsP1 {
		f.Methods = methods(ctx, r, f.Users)
	}
	return f
}

// ask reads one source, unless it is too late to begin.
func ask[T any](ctx context.Context, read func(context.Context) (T, error)) rollout.Source[T] {
	if ctx.Err() != nil {
		return rollout.Source[T]{}
	}
	return rollout.From(read(ctx))
}

// withoutLicence is the answer of a source that is known to need P1.
func withoutLicence[T any](op string) rollout.Source[T] {
	var none T
	return rollout.From(none, error(&graph.Error{Kind: graph.KindNoLicence, Op: op}))
}

// methods reads those who can be people in scope: each read costs, and guests
// register in their own tenant.
func methods(ctx context.Context, r Reader, users rollout.Source[[]graph.User]) rollout.Source[[]graph.UserMethods] {
	all, ok := users.Get()
	if !ok {
		return rollout.Source[[]graph.UserMethods]{}
	}
	var ids []string
	for _, u := range all {
		if u.Enabled && !u.Guest {
			ids = append(ids, u.ID)
		}
	}
	return ask(ctx, func(ctx context.Context) ([]graph.UserMethods, error) {
		return r.Methods(ctx, ids)
	})
}
