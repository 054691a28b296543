package graph

import (
	"slices"
	"time"
)

// PolicyUsers says whom a Conditional Access policy reaches. The words "All",
// "None" and "GuestsOrExternalUsers" stand among the users, as at Graph.
type PolicyUsers struct {
	IncludeUsers, ExcludeUsers   []string // object IDs
	IncludeGroups, ExcludeGroups []string // object IDs
	IncludeRoles, ExcludeRoles   []string // template IDs
	// Guests says that guests are included or excluded by kind; who exactly is
	// not kept.
	IncludesGuests, ExcludesGuests bool
}

// Controls that a policy may demand. Unknown ones are kept as they came.
const (
	ControlBlock    = "block"
	ControlMFA      = "mfa"
	ControlStrength = "authenticationStrength" // ours, for a policy that names one
)

// Client types of Conditional Access conditions.
const (
	ClientsAll        = "all"
	ClientsActiveSync = "exchangeActiveSync"
	ClientsOther      = "other"
)

// DemandsMFA reports whether every sign-in that the policy reaches needs MFA:
// it is one of the controls, and not one of several to choose from.
func (p Policy) DemandsMFA() bool {
	strong := slices.Contains(p.Controls, ControlMFA) || slices.Contains(p.Controls, ControlStrength)
	return strong && (len(p.Controls) == 1 || p.All)
}

// Blocks reports whether the policy refuses every sign-in that it reaches.
func (p Policy) Blocks() bool { return slices.Contains(p.Controls, ControlBlock) }

// A PolicyDraft is a Conditional Access policy of ours, to be created as
// report-only. What it does is one of two things that we know how to undo.
type PolicyDraft struct {
	Does PolicyAim
	// Mark names the request that asked for it; it ends up in the policy's name,
	// so that a policy whose creation ended unclear can be found again.
	Mark string
	// ExcludeUsers are object IDs, the emergency accounts above all; at least one.
	ExcludeUsers []string
	// ExcludeGroups are object IDs of groups with exceptions.
	ExcludeGroups []string
}

// PolicyAim is what a policy of ours is for.
type PolicyAim string

// The aims.
const (
	AimBlockLegacy PolicyAim = "block legacy authentication"
	AimRequireMFA  PolicyAim = "require MFA for all"
)

// Name is the policy's name in the tenant, "Twokey: block legacy
// authentication (R-ABC234)".
func (d PolicyDraft) Name() string { return "Twokey: " + string(d.Does) + " (" + d.Mark + ")" }

// Policy is the draft as [Reader.Policies] lists it once it is created, without its
// ID.
func (d PolicyDraft) Policy() Policy {
	p := Policy{
		Name: d.Name(), State: PolicyReportOnly, Apps: []string{"All"},
		Clients: []string{ClientsActiveSync, ClientsOther}, Controls: []string{ControlBlock},
		Users: PolicyUsers{IncludeUsers: []string{"All"}, ExcludeUsers: d.ExcludeUsers, ExcludeGroups: d.ExcludeGroups},
	}
	if d.Does == AimRequireMFA {
		p.Clients, p.Controls = []string{ClientsAll}, []string{ControlMFA}
		p.Users.ExcludeRoles = []string{RoleDirectorySyncAccounts, RoleOnPremisesDirectorySync}
	}
	return p
}

// MethodsPolicy is the tenant's authentication methods policy.
type MethodsPolicy struct {
	Methods  []MethodSetting
	Pass     PassPolicy
	Campaign Campaign
	// Migrated reports whether the old per-user and password-reset settings no
	// longer count beside this policy.
	Migrated bool
	Changed  time.Time
}

// MethodSetting says who may use a kind of method.
type MethodSetting struct {
	ID      string     // Graph's configuration ID, "Sms", "Fido2"; an external method's is a GUID
	Kind    MethodKind // empty where it fits none of ours; texts and calls are both phones
	Enabled bool
	Include []Target // nil where Graph did not say, as Exclude
	Exclude []Target
}

// SettingTexts is the configuration ID of texts, which only a mobile phone takes.
const SettingTexts = "Sms"

// AllUsers is the target ID that stands for everybody.
const AllUsers = "all_users"

// Target is whom a setting reaches: a group or a user by object ID, or [AllUsers].
type Target struct {
	ID    string
	Group bool
	// Method is the method that a campaign asks for; empty elsewhere.
	Method string
}

// PassPolicy is the tenant's Temporary Access Pass configuration. Off, no pass
// can be issued.
type PassPolicy struct {
	Enabled         bool
	MinLifetime     time.Duration
	MaxLifetime     time.Duration
	DefaultLifetime time.Duration
	Length          int
	OnceOnly        bool // passes that can be used again are refused
	Include         []Target
	Exclude         []Target
}

// Campaign is the registration campaign. Graph replaces the whole object at a
// change, so a change reads it, alters it and sends all of it.
type Campaign struct {
	State      CampaignState
	SnoozeDays int // 0 to 14; 0 asks at every MFA
	// Enforced makes people register after three snoozes. Only beta tells; nil
	// means that it was not said.
	Enforced *bool
	Include  []Target
	Exclude  []Target
}

// CampaignState is a campaign's state, as Graph spells it.
type CampaignState string

// The states.
const (
	CampaignManaged CampaignState = "default" // by Microsoft
	CampaignOn      CampaignState = "enabled"
	CampaignOff     CampaignState = "disabled"
)

// PerUserMFA is the old per-user setting.
type PerUserMFA string

// The states. With security defaults or Conditional Access it should be disabled.
const (
	PerUserDisabled PerUserMFA = "disabled"
	PerUserEnabled  PerUserMFA = "enabled"
	PerUserEnforced PerUserMFA = "enforced"
)

// UserMFA is one user's per-user MFA state, or why it is not known.
type UserMFA struct {
	UserID string
	State  PerUserMFA
	Err    error // non-nil: State says nothing
}
