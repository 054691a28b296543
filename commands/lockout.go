package commands

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"twokey/commands/approval"
	"twokey/graph"
)

// The lock-out guard: no change may leave fewer administrators or emergency
// accounts able to sign in than the owner wants to remain, however many approve
// it. It is asked when a change is asked for, and again just before it runs. An
// owner can accept the risk by its name, “accept_lockout: true”; two people must
// approve then, and read what it would do.

// keyholders are the accounts that could put things right again.
type keyholders struct {
	Admins    []ableAccount `json:"admins"`    // with one of the highest roles, by ID
	Emergency []ableAccount `json:"emergency"` // by ID
}

// readKeyholders reads who could put things right, if one of them is the
// account that a change is about; otherwise nobody, because nothing hangs on it.
func readKeyholders(ctx context.Context, env Env, s subject) (keyholders, error) {
	var k keyholders
	if !s.highest() {
		return k, nil
	}
	holders, err := env.Tenant.RoleHolders(ctx)
	if err != nil {
		return k, fmt.Errorf("read directory roles: %w", err)
	}
	var ids []string
	spare := emergencyIDs(env)
	for _, h := range holders {
		if (subject{Roles: h.Roles}).highest() && !slices.Contains(spare, h.UserID) {
			ids = append(ids, h.UserID)
		}
	}
	if k.Admins, err = able(ctx, env.Tenant, ids); err != nil {
		return k, fmt.Errorf("read administrators' methods: %w", err)
	}
	if k.Emergency, err = able(ctx, env.Tenant, spare); err != nil {
		return k, fmt.Errorf("read emergency accounts' methods: %w", err)
	}
	return k, nil
}

// weighs reports whether a snapshot holds who could put things right, or several
// of which one does. What cannot be read may.
func weighs(snapshot json.RawMessage) bool {
	var each []json.RawMessage
	if json.Unmarshal(snapshot, &each) == nil {
		return slices.ContainsFunc(each, weighs)
	}
	var k keyholders
	return json.Unmarshal(snapshot, &k) != nil || len(k.Admins)+len(k.Emergency) > 0
}

// Weighs implements approval.Weigher. Turning them off keeps nobody out, and as
// the undoing of the other it must not wait.
func (defaultsAction) Weighs(r approval.Request) bool {
	enable, err := arguments(r)
	return (enable || err != nil) && weighs(r.Snapshot)
}

// Weighs implements approval.Weigher. A report keeps nobody out either.
func (accessAction) Weighs(r approval.Request) bool {
	args, err := readArgs[accessArgs](r, accessVersion)
	return (args.State == graph.PolicyEnabled || err != nil) && weighs(r.Snapshot)
}

// Weighs implements approval.Weigher.
func (methodAction) Weighs(r approval.Request) bool { return weighs(r.Snapshot) }

// Weighs implements approval.Weigher.
func (a blockAction) Weighs(r approval.Request) bool { return !a.enables() && weighs(r.Snapshot) }

// Weighs implements approval.Weigher.
func (s severally) Weighs(r approval.Request) bool {
	return s.kind.name != UnblockKind && weighs(r.Snapshot)
}

// emergencyIDs are the emergency access accounts by the rules that hold, sorted.
// The scope has those that were written down just now too: whoever wrote them is
// not to exempt an account from every policy before others had a day to object.
func emergencyIDs(env Env) []string { return env.Rules.Now().Emergency }

// without says what it would do if accounts could no longer sign in, a
// sentence for each limit that is broken. Where too few can already, a change
// that makes it no worse is not stopped.
func (k keyholders) without(env Env, ids ...string) []string {
	r := env.Rules.Now().Normal()
	return slices.Concat(
		fewLeft("administrators", k.Admins, ids, r.MinAdmins),
		fewLeft("emergency access accounts", k.Emergency, ids, r.MinEmergency),
	)
}

func fewLeft(what string, accounts []ableAccount, without []string, least int) []string {
	before, after := 0, 0
	for _, a := range accounts {
		if a.Able {
			before++
			if !slices.ContainsFunc(without, func(id string) bool { return strings.EqualFold(a.ID, id) }) {
				after++
			}
		}
	}
	if after >= before || after >= least {
		return nil
	}
	return []string{fmt.Sprintf("Only %d of the %s who could put it right would still be able to sign in; at least %d must remain.", after, what, least)}
}

// lockedOut refuses what would leave too few, unless the owner accepts it.
func lockedOut(env Env, risks []string) error {
	if len(risks) == 0 || env.Rules.Now().AcceptLockout {
		return nil
	}
	return &mistake{strings.Join(risks, " "), "Nothing was asked for. " + acceptHint}
}

const acceptHint = "An owner can accept this risk by “accept_lockout: true” in the configuration."

// compareRisks names a risk that the approvers were not shown.
func compareRisks(env Env, was, is []string) []string {
	var found []string
	for _, risk := range is {
		if !env.Rules.Now().AcceptLockout || !slices.Contains(was, risk) {
			found = append(found, risk)
		}
	}
	return found
}

// emergencyRisk says it where too few emergency accounts could sign in once a
// second factor is demanded of everybody.
func emergencyRisk(env Env, accounts []ableAccount) string {
	ready, without, off := split(accounts)
	least := env.Rules.Now().Normal().MinEmergency
	if len(accounts) == 0 {
		return ""
	}
	if least = max(1, least); len(ready) >= least {
		return ""
	}
	if len(ready) == 0 {
		return "No emergency access account could sign in with a second factor: " + names(append(without, off...)) + "."
	}
	return fmt.Sprintf("%d of %d emergency access accounts could sign in with a second factor, and at least %d must be able to. Not so: %s.",
		len(ready), len(accounts), least, names(append(without, off...)))
}

// adminRisk says it where too few of those administrators could who could put it
// right again.
func adminRisk(env Env, accounts []ableAccount) string {
	ready := mighty(accounts)
	switch least := env.Rules.Now().Normal().MinAdmins; {
	case len(ready) >= least:
		return ""
	case len(ready) == 0:
		return "No administrator with one of the highest roles could sign in with a second factor: none could turn this off again."
	default:
		return fmt.Sprintf("Only %d of the administrators with one of the highest roles could sign in with a second factor, and at least %d must be able to.", len(ready), least)
	}
}

// mighty are those who can sign in and could put right what a change did.
func mighty(accounts []ableAccount) []ableAccount {
	ready, _, _ := split(accounts)
	return slices.DeleteFunc(ready, func(a ableAccount) bool { return !a.Highest })
}

// leavesNone reports whether no second factor is among what remains.
func leavesNone(methods []graph.Method) bool { return graph.Strongest(methods) == graph.NotMFA }
