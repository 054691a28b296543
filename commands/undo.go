package commands

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"twokey/commands/approval"
	"twokey/graph"
)

// policyUndo is the rule for turning back what was just changed: one of those
// who approved it is enough, and there is no wait.
const policyUndo = "undo"

// undoTime is how long a change can be turned back by that rule. undoReach is
// how long before it may have been asked for.
const (
	undoTime  = 24 * time.Hour
	undoReach = undoTime + 8*24*time.Hour
)

// undoWords say by whom a change that needs two is undone.
const undoWords = ", with two approvers; for a day one of those who approve this is enough."

// made is a change that was made, or may have been, and who approved it.
type made struct {
	approval.Request
	approvers []approval.Principal
}

// undo returns the plan under the rule for undoing, if it restores what the last
// change of the same thing changed, not longer ago than [undoTime]. Otherwise,
// and where the usual rule is no stricter, where nobody but the requester and the
// targets approved, or where it would leave too few able to sign in, the plan
// comes back as it is.
//
// It looks at the last change of the same thing alone, be it of a part of it: the
// one before that was undone, or was meant to be built upon.
func undo(last []made, p approval.Plan, now time.Time) approval.Plan {
	last = slices.Clone(last)
	slices.SortStableFunc(last, func(a, b made) int { return cmp.Compare(b.Outcome.At.UnixMicro(), a.Outcome.At.UnixMicro()) })
	i := slices.IndexFunc(last, func(m made) bool { return touches(m.Request, p) })
	if i < 0 || !sameThing(last[i].Request, p) || now.Sub(last[i].Outcome.At) >= undoTime || !restores(last[i].Request, p) {
		return p
	}
	var only []string
	for _, a := range last[i].approvers {
		if a.Tenant == p.Tenant && a != p.Requester && !slices.ContainsFunc(p.Targets, func(t approval.Target) bool { return t.ID == a.Object }) {
			only = append(only, a.Object)
		}
	}
	if len(only) == 0 || slices.Contains(p.Policy.Because, whyLockout) || p.Policy.Quorum < 1 || p.Policy.Quorum == 1 && p.Policy.Wait == 0 {
		return p
	}
	p.Policy = approval.Policy{
		Name: policyUndo, Quorum: 1, Only: only, Version: p.Policy.Version,
		Because: []string{fmt.Sprintf("This puts back what %s changed. Within a day one of those who approved that is enough, and nobody waits.", last[i].Ref)},
	}
	return p
}

// touches reports whether a plan would change some of what a request changed.
func touches(r approval.Request, p approval.Plan) bool {
	return r.Tenant == p.Tenant && matter(r.Kind) == matter(p.Kind) && common(r, p) > 0
}

// sameThing reports whether a plan that touches it would change just what a
// request changed, and the whole of it was.
func sameThing(r approval.Request, p approval.Plan) bool {
	return r.State == approval.Succeeded && common(r, p) == len(p.Targets) && len(r.Targets) == len(p.Targets)
}

// common is how many of a plan's targets are those of a request.
func common(r approval.Request, p approval.Plan) (n int) {
	for _, t := range p.Targets {
		if slices.ContainsFunc(r.Targets, func(u approval.Target) bool { return u.ID == t.ID }) {
			n++
		}
	}
	return n
}

// matter is what a kind of change is about: blocking, also one's own account, and
// unblocking are about one thing.
func matter(kind string) string {
	if kind == UnblockKind || kind == ownBlockKind.name {
		return BlockKind
	}
	return kind
}

// restores reports whether a plan would put things back to where they were
// before a request about the same thing. Kinds that cannot be undone are not
// here, and what is not understood restores nothing.
func restores(r approval.Request, p approval.Plan) bool {
	if r.KindVersion != p.KindVersion {
		return false
	}
	now := approval.Request{KindVersion: p.KindVersion, Args: p.Args}
	switch p.Kind {
	case DefaultsKind:
		return restoresDefaults(r, now)
	case LegacyBlockKind, RequireMFAKind:
		return restoresAccess(r, now)
	case BlockKind, UnblockKind:
		return (r.Kind == UnblockKind) != (p.Kind == UnblockKind)
	case CampaignKind:
		return restoresCampaign(r, now)
	case PassPolicyKind:
		return restoresPassPolicy(r, now)
	default:
		return false
	}
}

func restoresDefaults(r, now approval.Request) bool {
	made, err := arguments(r)
	wanted, err2 := arguments(now)
	var before defaultsSnapshot
	err3 := json.Unmarshal(r.Snapshot, &before)
	return errors.Join(err, err2, err3) == nil && made != wanted && wanted == before.Enabled
}

// restoresAccess takes a policy that only reports for one that is off: neither
// keeps anybody out. One that the request created was in no state before, and
// enforcing it later is no undoing.
func restoresAccess(r, now approval.Request) bool {
	made, err := readArgs[accessArgs](r, accessVersion)
	wanted, err2 := readArgs[accessArgs](now, accessVersion)
	var before accessSnapshot
	err3 := json.Unmarshal(r.Snapshot, &before)
	was, there := before.policy(made.Policy)
	if errors.Join(err, err2, err3) != nil || !there || wanted.Policy != made.Policy {
		return false
	}
	enforced := func(s graph.PolicyState) bool { return s == graph.PolicyEnabled }
	return enforced(made.State) != enforced(wanted.State) && enforced(wanted.State) == enforced(was.State)
}

// restoresCampaign compares whole campaigns, with what Graph leaves unsaid
// spelled out, as they are sent.
func restoresCampaign(r, now approval.Request) bool {
	wanted, err := readArgs[campaignState](now, campaignVersion)
	var before campaignState
	err2 := json.Unmarshal(r.Snapshot, &before)
	return errors.Join(err, err2) == nil && encode(wanted.Campaign.Spelled()) == encode(before.Campaign.Spelled())
}

func restoresPassPolicy(r, now approval.Request) bool {
	wanted, err := readArgs[passPolicyArgs](now, passPolicyVersion)
	var before passPolicySnapshot
	err2 := json.Unmarshal(r.Snapshot, &before)
	return errors.Join(err, err2) == nil && encode(normalPassPolicy(wanted.Policy)) == encode(normalPassPolicy(before.Policy))
}

// lighten puts a plan under the rule for undoing where that is what it does.
// Nobody who approved may have the right to decide any more: the usual rule holds
// then.
func (m *Mux) lighten(ctx context.Context, p approval.Plan) (approval.Plan, error) {
	var last []made
	var now time.Time
	err := m.env.Requests.View(ctx, func(tx approval.Tx) (err error) {
		last, now, err = lastMade(tx, p.Tenant)
		return err
	})
	if err != nil {
		return p, fmt.Errorf("read last changes: %w", err)
	}
	light := undo(last, p, now)
	if light.Policy.Name != policyUndo {
		return p, nil
	}
	could, err := m.env.People.Approvers(ctx, wouldBe(light))
	if err != nil {
		return p, fmt.Errorf("list approvers: %w", err)
	}
	if len(could) == 0 {
		return p, nil
	}
	return light, nil
}

// lastMade reads the changes that were made of late, or may have been.
func lastMade(tx approval.Tx, tenant string) (last []made, now time.Time, err error) {
	if now, err = tx.Now(); err != nil {
		return nil, now, err
	}
	requests, err := tx.Recent(tenant, now.Add(-undoReach))
	if err != nil {
		return nil, now, err
	}
	for _, r := range requests {
		if r.State != approval.Succeeded && r.State != approval.Partial && r.State != approval.Unknown {
			continue
		}
		decisions, err := tx.Decisions(r.ID)
		if err != nil {
			return nil, now, err
		}
		last = append(last, made{r, approval.Counted(r, decisions)})
	}
	return last, now, nil
}
