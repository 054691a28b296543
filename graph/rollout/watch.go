package rollout

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"twokey/graph"
)

// Severity is how much a finding about our own app registration matters.
type Severity int

// The severities. Whoever gets an alarm stops all changes until somebody has
// looked: each is a way to act in the bot's name.
const (
	Notice Severity = iota
	Warning
	Alarm
)

// String names the severity for people.
func (s Severity) String() string { return [...]string{"notice", "warning", "alarm"}[s] }

// AppFindingKind tells findings about an app apart.
type AppFindingKind string

// The kinds.
const (
	AppReplaced        AppFindingKind = "app_replaced"
	AppRemoved         AppFindingKind = "app_removed"
	AppRenamed         AppFindingKind = "app_renamed"
	AppDisabled        AppFindingKind = "app_disabled"
	AppEnabled         AppFindingKind = "app_enabled"
	CredentialAdded    AppFindingKind = "credential_added"
	CredentialRemoved  AppFindingKind = "credential_removed"
	CredentialExpiring AppFindingKind = "credential_expiring"
	CredentialExpired  AppFindingKind = "credential_expired"
	OwnerAdded         AppFindingKind = "owner_added"
	OwnerRemoved       AppFindingKind = "owner_removed"
	PermissionAdded    AppFindingKind = "permission_added"
	PermissionRemoved  AppFindingKind = "permission_removed"
)

// AppFinding is one difference between two readings of an app registration, or
// a credential that runs out. Its sentence holds no words of the tenant's; those
// are in Name, to be quoted like all that others wrote.
type AppFinding struct {
	Kind     AppFindingKind
	Severity Severity
	// Of is the object ID, credential ID or assignment that it is about. Kind and
	// Of together name a finding, so that it can be said once.
	Of    string
	What  string    // a sentence for people
	Name  string    // what it is called; may be empty
	Until time.Time // a credential's end, zero if it has none
}

// expiresSoon is how long ahead a credential's end is worth a word: a new one
// takes some days to be agreed on.
const expiresSoon = 30 * 24 * time.Hour

// CompareApps returns what became of an app registration of ours since it was
// last read, the most severe first, and which of its credentials run out. An
// app that was never read before (the zero App) has no differences. Who
// expects a change, because a person announced it, is for the caller to know.
func CompareApps(before, now graph.App, at time.Time) []AppFinding {
	var found []AppFinding
	switch {
	case before.ID == "":
	case now.ID == "":
		return []AppFinding{{Kind: AppRemoved, Severity: Warning, Of: before.ID, Name: before.Name, What: "The app registration is gone."}}
	case before.ID != now.ID || before.ObjectID != now.ObjectID || before.PrincipalID != now.PrincipalID:
		return []AppFinding{{
			Kind: AppReplaced, Severity: Alarm, Of: now.ID, Name: now.Name,
			What: "The app registration is not the one it was: it was deleted and made anew, or another has taken its place.",
		}}
	default:
		found = append(found, state(before, now)...)
		found = append(found, credentials(before.Credentials, now.Credentials)...)
		found = append(found, owners(before.OwnerIDs, now.OwnerIDs)...)
		found = append(found, permissions(before.Permissions, now.Permissions)...)
	}
	found = append(found, expiry(now.Credentials, at)...)
	slices.SortStableFunc(found, func(a, b AppFinding) int { return int(b.Severity - a.Severity) })
	return found
}

func state(before, now graph.App) []AppFinding {
	var found []AppFinding
	switch {
	case before.Enabled && !now.Enabled:
		found = append(found, AppFinding{Kind: AppDisabled, Severity: Warning, Of: now.PrincipalID, What: "The app may not sign in any more: it was disabled in the tenant."})
	case !before.Enabled && now.Enabled:
		found = append(found, AppFinding{Kind: AppEnabled, Severity: Warning, Of: now.PrincipalID, What: "The app may sign in again: it was enabled in the tenant."})
	}
	if before.Name != now.Name {
		found = append(found, AppFinding{Kind: AppRenamed, Severity: Notice, Of: now.ObjectID, Name: now.Name, What: "The app has another name."})
	}
	return found
}

// credentials compares by ID and content: what changed under its old ID can sign
// in like a new one.
func credentials(before, now []graph.Credential) []AppFinding {
	var found []AppFinding
	for _, c := range now {
		if !slices.ContainsFunc(before, func(o graph.Credential) bool { return sameCredential(o, c) }) {
			found = append(found, aboutCredential(CredentialAdded, Alarm, c, "A new ", " can sign in as the app."))
		}
	}
	for _, c := range before {
		if !slices.ContainsFunc(now, func(o graph.Credential) bool { return o.ID == c.ID }) {
			found = append(found, aboutCredential(CredentialRemoved, Notice, c, "A ", " of the app was removed."))
		}
	}
	return found
}

func expiry(all []graph.Credential, at time.Time) []AppFinding {
	var found []AppFinding
	for _, c := range all {
		switch {
		case c.End.IsZero() || c.End.Sub(at) > expiresSoon:
		case !c.End.After(at):
			found = append(found, aboutCredential(CredentialExpired, Warning, c, "A ", " of the app has run out."))
		default:
			found = append(found, aboutCredential(CredentialExpiring, Warning, c, "A ", " of the app soon runs out."))
		}
	}
	return found
}

func sameCredential(a, b graph.Credential) bool {
	return a.ID == b.ID && a.Kind == b.Kind && a.Name == b.Name && a.Start.Equal(b.Start) && a.End.Equal(b.End) &&
		a.Issuer == b.Issuer && a.Subject == b.Subject && slices.Equal(a.Audiences, b.Audiences)
}

func aboutCredential(k AppFindingKind, s Severity, c graph.Credential, before, behind string) AppFinding {
	return AppFinding{Kind: k, Severity: s, Of: c.ID, What: before + string(c.Kind) + behind, Name: c.Name, Until: c.End}
}

func owners(before, now []string) []AppFinding {
	var found []AppFinding
	for _, id := range now {
		if !slices.Contains(before, id) {
			found = append(found, AppFinding{Kind: OwnerAdded, Severity: Alarm, Of: id, What: "A new owner can give the app credentials."})
		}
	}
	for _, id := range before {
		if !slices.Contains(now, id) {
			found = append(found, AppFinding{Kind: OwnerRemoved, Severity: Notice, Of: id, What: "An owner of the app was removed."})
		}
	}
	return found
}

// permissions compares assignments: one that was taken away and given again is
// a new consent.
func permissions(before, now []graph.AppGrant) []AppFinding {
	var found []AppFinding
	for _, g := range now {
		if !slices.ContainsFunc(before, func(o graph.AppGrant) bool { return o.ID == g.ID }) {
			found = append(found, AppFinding{Kind: PermissionAdded, Severity: Alarm, Of: g.ID, Name: grantName(g), What: "The app was given a permission."})
		}
	}
	for _, g := range before {
		if !slices.ContainsFunc(now, func(o graph.AppGrant) bool { return o.Resource == g.Resource && o.RoleID == g.RoleID }) {
			found = append(found, AppFinding{Kind: PermissionRemoved, Severity: Warning, Of: g.ID, Name: grantName(g), What: "The app lost a permission."})
		}
	}
	return found
}

func grantName(g graph.AppGrant) string {
	what := cmp.Or(string(g.Permission), g.RoleID)
	if g.Resource == "" {
		return what
	}
	return what + " on " + g.Resource
}

// Unexplained returns what the audit log says our app did without a request of
// ours: somebody else acts in its name. Attempts that failed count too. A line
// is explained if known finds its correlation ID, taken for the client request ID
// that was sent with the change. That the log keeps it is not verified, see
// [graph.Audit]: where every change of ours comes out unexplained, the log does
// not, and that is no attack. So nothing may be stopped by it before one change
// of ours was found by its ID in this tenant.
func Unexplained(audits []graph.Audit, appID string, known func(correlationID string) bool) []graph.Audit {
	var found []graph.Audit
	for _, a := range audits {
		if appID != "" && strings.EqualFold(a.ByAppID, appID) && (a.CorrelationID == "" || !known(a.CorrelationID)) {
			found = append(found, a)
		}
	}
	return found
}
