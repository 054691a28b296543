package rollout

import (
	"slices"
	"strings"
	"time"

	"twokey/graph"
)

// ChangeKind tells changes of the tenant apart.
type ChangeKind string

// The kinds: all that this program changes itself or has to notice.
const (
	ChangeDefaults       ChangeKind = "security_defaults"
	ChangePolicy         ChangeKind = "conditional_access" // a policy was added, updated or deleted
	ChangeMethodsPolicy  ChangeKind = "methods_policy"     // the registration campaign among it
	ChangeOtherPolicy    ChangeKind = "other_policy"
	ChangeMethodAdded    ChangeKind = "method_added"
	ChangeMethodRemoved  ChangeKind = "method_removed"
	ChangeMethodUpdated  ChangeKind = "method_updated" // its default among it
	ChangePass           ChangeKind = "pass"           // a Temporary Access Pass came or went
	ChangePerUserMFA     ChangeKind = "per_user_mfa"
	ChangeAccountBlocked ChangeKind = "account_blocked"
	ChangeAccountAllowed ChangeKind = "account_allowed"
	ChangeSessions       ChangeKind = "sessions_revoked"
	ChangeAppAccess      ChangeKind = "app_access" // an app's credentials, owners or permissions
	ChangeRole           ChangeKind = "role"       // somebody was given a directory role, or lost one
)

// A TenantChange is who changed what, from one line of the audit log.
type TenantChange struct {
	Kind      ChangeKind
	At        time.Time
	AuditID   string
	Activity  string // as Microsoft names it
	Operation string // Add, Update or Delete, as the log has it
	// Correlation is the client request ID of a change through Graph, as far as is
	// known: by it a change would be one of ours.
	Correlation       string
	ByUserID, ByAppID string // the person, or the app, that did it
	By                string // the UPN or the app's name, as the log has it
	Own               bool   // people did it to their own account
	TargetID          string
	Target            string // the UPN or the name, as the log has it
	Old, New          string // the value, where the log has one
}

// Changes returns the changes among lines of the audit log, the oldest first.
// What failed changed nothing and is left out; so is what is not of a kind above.
func Changes(audits []graph.Audit) []TenantChange {
	var all []TenantChange
	for _, a := range audits {
		if !a.Succeeded {
			continue
		}
		if kind, property := kindOf(a); kind != "" {
			all = append(all, changeOf(a, kind, property))
		}
	}
	slices.SortStableFunc(all, func(a, b TenantChange) int {
		if d := a.At.Compare(b.At); d != 0 {
			return d
		}
		return strings.Compare(a.AuditID, b.AuditID)
	})
	return all
}

// kindOf returns what kind of change a line is, "" for none of ours, and the
// property that holds its value, if one does.
func kindOf(a graph.Audit) (kind ChangeKind, property string) {
	activity := strings.ToLower(a.Activity)
	switch {
	case strings.EqualFold(a.Category, "Policy"):
		return policyKind(a, activity)
	case strings.Contains(activity, "temporary access pass"):
		return ChangePass, ""
	case strings.EqualFold(a.Service, graph.ServiceMethods):
		return methodKind(activity), ""
	case strings.Contains(activity, "conditional access policy"):
		return ChangePolicy, "state"
	case slices.ContainsFunc(appActivities[:], func(s string) bool { return strings.Contains(activity, s) }), changesFederation(a):
		return ChangeAppAccess, ""
	case changesRole(activity):
		return ChangeRole, "Role.DisplayName"
	default:
		return accountKind(a, activity)
	}
}

// changesRole knows "Add member to role", "Remove eligible member from role" and
// the many that privileged identity management writes.
func changesRole(activity string) bool {
	return strings.Contains(activity, "member to role") || strings.Contains(activity, "member from role")
}

// appActivities are in the names of what gives or takes an app's powers.
var appActivities = [...]string{
	"certificates and secrets management", "service principal credentials", "owner to application", "owner from application",
	"owner to service principal", "owner from service principal", "app role assignment", "consent to application", "federated identity credential",
}

// changesFederation goes by the property: the log calls the activity "Update
// application", like a change of its name.
func changesFederation(a graph.Audit) bool {
	return slices.ContainsFunc(a.Targets, func(t graph.AuditTarget) bool {
		return slices.ContainsFunc(t.Changes, func(c graph.AuditChange) bool {
			return strings.Contains(strings.ToLower(c.Property), "federatedidentitycredential")
		})
	})
}

// policyKind does not go by the activity alone: how the log names a change of
// security defaults is not documented, so it is known by its target or by the
// property that changed.
func policyKind(a graph.Audit, activity string) (kind ChangeKind, property string) {
	switch {
	case namesDefaults(a):
		return ChangeDefaults, "isEnabled"
	case strings.Contains(activity, "conditional access policy"):
		return ChangePolicy, "state"
	case strings.Contains(activity, "authentication methods policy"):
		return ChangeMethodsPolicy, ""
	default:
		return ChangeOtherPolicy, ""
	}
}

// defaultsPolicyID is the same in every tenant.
const defaultsPolicyID = "00000000-0000-0000-0000-000000000005"

func namesDefaults(a graph.Audit) bool {
	if speaksOfDefaults(a.Activity) {
		return true
	}
	for _, t := range a.Targets {
		if t.ID == defaultsPolicyID || speaksOfDefaults(t.Name) {
			return true
		}
		if slices.ContainsFunc(t.Changes, func(c graph.AuditChange) bool { return speaksOfDefaults(c.Property) }) {
			return true
		}
	}
	return false
}

func speaksOfDefaults(s string) bool {
	s = strings.ToLower(strings.ReplaceAll(s, " ", ""))
	return strings.Contains(s, "securitydefaults") || strings.Contains(s, "identitysecuritydefault")
}

func methodKind(activity string) ChangeKind {
	switch {
	case strings.Contains(activity, "methods policy"):
		return ChangeMethodsPolicy
	case !strings.Contains(activity, "security info") || strings.Contains(activity, "started"):
		return "" // somebody opened the page
	case strings.Contains(activity, "registered"):
		return ChangeMethodAdded
	case strings.Contains(activity, "deleted"):
		return ChangeMethodRemoved
	default:
		return ChangeMethodUpdated
	}
}

// perUserProperty is the audit log's name of the old per-user setting.
const perUserProperty = "StrongAuthenticationRequirement"

func accountKind(a graph.Audit, activity string) (kind ChangeKind, property string) {
	switch {
	case strings.HasSuffix(activity, "able strong authentication"): // enable, disable
		return ChangePerUserMFA, perUserProperty
	case strings.Contains(activity, "stsrefreshtokenvalidfrom"):
		return ChangeSessions, ""
	case activity == "disable account":
		return ChangeAccountBlocked, ""
	case activity == "enable account":
		return ChangeAccountAllowed, ""
	case activity == "update user" && changes(a, perUserProperty):
		return ChangePerUserMFA, perUserProperty
	default:
		return "", ""
	}
}

func changes(a graph.Audit, property string) bool {
	_, _, found := values(a, property)
	return found
}

func values(a graph.Audit, property string) (before, after string, found bool) {
	for _, t := range a.Targets {
		for _, c := range t.Changes {
			if strings.EqualFold(c.Property, property) {
				return unquoted(c.Old), unquoted(c.New), true
			}
		}
	}
	return "", "", false
}

// unquoted takes away the quotes in which the log often puts values.
func unquoted(s string) string { return strings.Trim(s, `"`) }

func changeOf(a graph.Audit, kind ChangeKind, property string) TenantChange {
	c := TenantChange{
		Kind: kind, At: a.At, AuditID: a.ID, Activity: a.Activity, Operation: a.Operation, Correlation: a.CorrelationID,
		ByUserID: a.ByUserID, ByAppID: a.ByAppID, By: a.ByApp,
	}
	if a.ByUserID != "" || a.ByUPN != "" {
		c.By = a.ByUPN
	}
	if len(a.Targets) > 0 {
		t := a.Targets[0]
		c.TargetID, c.Target = t.ID, t.Name
		if t.UPN != "" {
			c.Target = t.UPN
		}
	}
	c.Own = c.ByUserID != "" && strings.EqualFold(c.ByUserID, c.TargetID)
	if property != "" {
		c.Old, c.New, _ = values(a, property)
	}
	return c
}
