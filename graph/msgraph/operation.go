package msgraph

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"twokey/graph"
)

// attemptLimit is how long one request may take with its answer. Graph's
// sign-in log is the slowest, at about a minute.
const attemptLimit = 90 * time.Second

// An operation is one kind of call: its name in errors and logs, the
// permission that it needs and the throttle budget that it spends.
type operation struct {
	name       string
	permission string // the application permission to ask for when it is missing
	budget     budget
	cost       int  // resource units of the budget
	premium    bool // needs Entra ID P1
	beta       bool // v1.0 does not have it
	write      bool // sent once, over a connection of its own
	orRole     bool // of an administrator's account it needs a directory role of ours too
	file       bool // answered by the address of a file, and not in JSON
}

// Every operation that reads. Permissions and costs are from Graph's permission
// table and throttling page; $select takes one unit off, $expand puts one on.
// Those that change something stand in write.go.
var (
	readOrganization     = operation{name: "read organization", permission: "Organization.Read.All", cost: 1}
	readLicence          = operation{name: "read licence", permission: "Organization.Read.All", cost: 3}
	readSecurityDefaults = operation{name: "read security defaults", permission: "Policy.Read.All", cost: 1}
	readPolicies         = operation{name: "read Conditional Access policies", permission: "Policy.Read.All", budget: accessBudget, cost: 1, premium: true}
	readUsers            = operation{name: "read users", permission: "User.Read.All", cost: 1}
	readUserChanges      = operation{name: "read changed users", permission: "User.Read.All", cost: 1}
	readChangedUsers     = operation{name: "read users that changed", permission: "User.Read.All", cost: 1}
	readUser             = operation{name: "read user", permission: "User.Read.All", cost: 1}
	countUsers           = operation{name: "count users", permission: "User.Read.All", cost: 1}
	findUsers            = operation{name: "look up a user", permission: "User.Read.All", cost: 1}
	readSessions         = operation{name: "read since when sessions count", permission: "User.Read.All", cost: 1}
	readManager          = operation{name: "read manager", permission: "User.Read.All", cost: 1}
	readManagers         = operation{name: "read managers", permission: "User.Read.All", cost: 2}
	readLastSignIns      = operation{name: "read last sign-ins", permission: "AuditLog.Read.All", budget: lastSignInsBudget, cost: 1, premium: true}
	readGroup            = operation{name: "read group", permission: "GroupMember.Read.All", cost: 1}
	checkGroups          = operation{name: "read groups of a user", permission: "GroupMember.Read.All", cost: 4}
	readRoles            = operation{name: "read directory roles", permission: "RoleManagement.Read.Directory", cost: 1}
	readRoleAssignments  = operation{name: "read role assignments", permission: "RoleManagement.Read.Directory", cost: 2}
	readRoleGroup        = operation{name: "read members of a role's group", permission: "GroupMember.Read.All", cost: 4}
	readRoleGroups       = operation{name: "read groups for roles", permission: "GroupMember.Read.All", cost: 1}
	readGroupMembers     = operation{name: "read members of a group", permission: "GroupMember.Read.All", cost: 4}
	readMethodsPolicy    = operation{name: "read authentication methods policy", permission: "Policy.Read.AuthenticationMethod", cost: 1}
	readRegistrations    = operation{name: "read registration report", permission: "AuditLog.Read.All", budget: reportsBudget, cost: 1, premium: true}
	readMethods          = operation{name: "read authentication methods", permission: "UserAuthenticationMethod.Read.All", budget: methodsBudget, cost: 1}
	readPerUserMFA       = operation{name: "read per-user MFA", permission: "Policy.Read.All", budget: methodsBudget, cost: 1}
	readGrants           = operation{name: "read own permissions"} // of the token: no request
	readApp              = operation{name: "read app registration", permission: "Application.Read.All", cost: 1}
	readAppGrants        = operation{name: "read permissions of an app", permission: "Application.Read.All", cost: 2}
	readSignInPreference = operation{name: "read sign-in preference", permission: "UserAuthenticationMethod.Read.All", budget: methodsBudget, cost: 1}
	readPasses           = operation{name: "read Temporary Access Passes", permission: "UserAuthenticationMethod.Read.All", budget: methodsBudget, cost: 1}
	readPhones           = operation{name: "read phones", permission: "UserAuthenticationMethod.Read.All", budget: methodsBudget, cost: 1}
	readSignIns          = operation{name: "read sign-ins", permission: "AuditLog.Read.All", budget: reportsBudget, cost: 1, premium: true}
	readReportSettings   = operation{name: "read report settings", permission: "ReportSettings.Read.All", cost: 1}
	readEmailAppUse      = operation{name: "read e-mail app use", permission: "Reports.Read.All", budget: usageDetailBudget, cost: 1, file: true}
	readOutlookVersions  = operation{name: "read Outlook versions", permission: "Reports.Read.All", budget: usageVersionsBudget, cost: 1, file: true}
	readAudits           = operation{name: "read directory audits", permission: "AuditLog.Read.All", budget: reportsBudget, cost: 1}
)

// A call is one request on its way, and what is known of its answer. The
// pipeline finds it in the context.
type call struct {
	op        operation
	id        string       // client-request-id
	token     graph.Secret // that it was sent with
	sent      bool         // it reached the transport
	status    int          // of the last answer, 0 if there was none
	requestID string       // Graph's, of the last answer
	renewed   bool         // Graph refused its token, and there is another now
}

type callKey struct{}

func withCall(ctx context.Context, c *call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

func callFrom(ctx context.Context) (*call, bool) {
	c, ok := ctx.Value(callKey{}).(*call)
	return c, ok
}

// newCall takes the client-request-id from the context or makes one.
func newCall(ctx context.Context, op operation) (*call, error) {
	id := graph.ClientRequestID(ctx)
	if id == "" {
		id = newID()
	}
	const longest = 128
	if len(id) > longest || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, &graph.Error{Kind: graph.KindNotSent, Op: op.name, Err: fmt.Errorf("client-request-id is no header value")}
	}
	return &call{op: op, id: id}, nil
}

// newID returns a random (version 4) GUID, the form that Graph's logs keep.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
