package identity

import (
	"context"
	"slices"
	"strings"
	"sync"

	"twokey/graph"
)

// Once returns the directory for one report, which asks about the same people
// many times: whatever it reads of the tenant it reads once, when it is first
// asked. It is not for anything that is decided, or done, later.
func (d *Directory) Once() *Directory {
	once := *d
	once.tenant = &readOnce{tenant: d.tenant}
	return &once
}

// readOnce keeps each answer of a tenant, and each error.
type readOnce struct {
	tenant   Tenant
	users    kept[graph.User]
	managers kept[graph.User]
	members  kept[[]string]
	groups   kept[[]string]
}

var _ Tenant = (*readOnce)(nil)

// User implements Tenant.
func (t *readOnce) User(ctx context.Context, idOrUPN string) (graph.User, error) {
	return t.users.of(idOrUPN, func() (graph.User, error) { return t.tenant.User(ctx, idOrUPN) })
}

// Manager implements Tenant.
func (t *readOnce) Manager(ctx context.Context, userID string) (graph.User, error) {
	return t.managers.of(userID, func() (graph.User, error) { return t.tenant.Manager(ctx, userID) })
}

// MemberOf implements Tenant.
func (t *readOnce) MemberOf(ctx context.Context, userID string, groupIDs []string) ([]string, error) {
	in, err := t.groups.of(userID+" "+strings.Join(groupIDs, " "), func() ([]string, error) { return t.tenant.MemberOf(ctx, userID, groupIDs) })
	return slices.Clone(in), err
}

// GroupMembers implements Tenant.
func (t *readOnce) GroupMembers(ctx context.Context, id string) ([]string, error) {
	all, err := t.members.of(id, func() ([]string, error) { return t.tenant.GroupMembers(ctx, id) })
	return slices.Clone(all), err
}

// kept are answers by what was asked.
type kept[T any] struct {
	mu  sync.Mutex
	all map[string]answered[T]
}

type answered[T any] struct {
	value T
	err   error
}

func (k *kept[T]) of(key string, read func() (T, error)) (T, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	a, ok := k.all[key]
	if !ok {
		a.value, a.err = read()
		if k.all == nil {
			k.all = make(map[string]answered[T])
		}
		k.all[key] = a
	}
	return a.value, a.err
}
