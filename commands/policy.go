package commands

import (
	"slices"
	"strconv"
	"time"

	"twokey/commands/approval"
	"twokey/commands/rules"
)

// The names of policies.
const (
	policyConfirm = "confirm" // the requester confirms a preview
	policyOne     = "one"     // one approver
	policyTwo     = "two"     // two approvers, and a wait
	policySolo    = "solo"    // the requester confirms, waits, and everybody is told
)

// policyVersion grows when the same facts give another policy.
const policyVersion = 2

const (
	longWait    = time.Hour // where fewer people decide than usual
	collectTime = time.Hour // for a pass, from the approval or from its start
)

// stakes are what the policy of a change hangs on.
type stakes struct {
	kind    kind
	targets int
	admins  []string  // names of targets with a directory role, or in a group for roles
	holders []string  // names of targets with a role of this bot above staff
	tenant  bool      // it reaches the whole tenant
	lockout bool      // it leaves fewer able to sign in than must remain
	start   time.Time // of a pass that is not to begin at once
}

// policyFor returns the policy under which a change is decided.
func policyFor(r rules.Rules, s stakes) approval.Policy {
	r = r.Normal()
	own := r.Approvals[s.kind.name]
	p := approval.Policy{Name: s.kind.policy, Only: own.Approvers, Version: policyVersion}
	if own.Policy != "" {
		p.Name = own.Policy
	}
	if p.Name == policyConfirm && (s.tenant || s.kind.name == ScopeKind && s.targets > r.Many) {
		p.Name = policyOne
	}
	if laxer(p.Name, s.kind.policy) {
		p.Because = append(p.Because, "The owner wants “"+p.Name+"” for this kind of change, where “"+s.kind.policy+"” is usual.")
	}
	lifts := s.lifts(r)
	if len(lifts) > 0 {
		p.Name, p.Because = policyTwo, lifts
	}
	p.Quorum, p.Wait = map[string]int{policyOne: 1, policyTwo: 2}[p.Name], own.Wait
	switch {
	case p.Name == policyTwo && (own.Wait == 0 || len(lifts) > 0):
		p.Wait = max(own.Wait, r.Wait)
	case p.Name == policyOne && s.kind.policy == policyTwo:
		p.Wait = max(own.Wait, longWait)
	}
	if !s.lockout { // which is never left to fewer
		p = small(r, p)
	}
	p.Manager = r.ManagerApproves && (s.kind.name == PassKind || s.kind.name == ResetKind) && p.Name == policyOne && s.targets <= 1 && len(s.admins)+len(s.holders) == 0
	if s.kind.name == PassKind || s.kind.name == ExportKind {
		p.Collect = collectTime
		if !s.start.IsZero() {
			p.CollectUntil = s.start.Add(collectTime)
		}
	}
	return p
}

// strictness orders the policies.
var strictness = []string{policyConfirm, policyOne, policyTwo}

func laxer(a, b string) bool { return slices.Index(strictness, a) < slices.Index(strictness, b) }

// whyLockout lifts a change that the lock-out guard would stop.
const whyLockout = "Two must approve, because too few could sign in afterwards."

// lifts are the reasons why two must approve, a sentence each.
func (s stakes) lifts(r rules.Rules) []string {
	var why []string
	if len(s.admins) > 0 {
		why = append(why, "Two must approve, because of a directory role: "+quotedNames(s.admins)+".")
	}
	if len(s.holders) > 0 {
		why = append(why, "Two must approve, because of a role in this bot: "+quotedNames(s.holders)+".")
	}
	switch {
	case s.kind.name == RevokeKind && s.targets > 1:
		why = append(why, "Two must approve, because it is about several accounts.")
	case s.kind.name != ScopeKind && s.targets > r.Many:
		why = append(why, "Two must approve, because it is about more than "+strconv.Itoa(r.Many)+" accounts.")
	}
	if s.lockout {
		why = append(why, whyLockout)
	}
	return why
}

// small is the policy of an organisation that has said by name that it has too
// few people for the usual one.
func small(r rules.Rules, p approval.Policy) approval.Policy {
	if few := r.Approvals[policyTwo]; p.Name == policyTwo && few.Policy == policyOne {
		p.Name, p.Quorum, p.Wait = policyOne, 1, max(few.Wait, p.Wait, longWait)
		p.Because = append(p.Because, "This organisation has one approver where two are usual, and waits longer instead.")
	}
	if r.Solo && p.Name != policyConfirm {
		p.Name, p.Quorum, p.Only, p.Wait = policySolo, 0, nil, max(p.Wait, r.Wait)
		p.Because = append(p.Because, "The owner has written “solo: true”: nobody else has to approve. Everybody is told, and can stop it in time.")
	}
	return p
}
