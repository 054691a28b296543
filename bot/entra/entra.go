// Package entra knows what the bot's app registrations in Microsoft Entra may
// do and what for, and writes how to make them.
//
// There are two: one that reads all day and holds no power, and one that makes
// the changes, with a permission for each kind of change that is switched on and
// no more.
package entra

import (
	"slices"

	"twokey/commands"
	"twokey/graph"
)

// A Need is an application permission of Microsoft Graph and what for.
type Need struct {
	Permission graph.Permission
	// Gives is what the bot can do by it: "reading who has registered what".
	Gives string
	// Required says that the bot does not start without it; without any other it
	// says of what it cannot know that it cannot.
	Required bool
	// TierZero says that whoever holds it can come to sign in as anybody,
	// administrators among them, or let others in: it is to be guarded like an
	// administrator.
	TierZero bool
}

// Reader lists what the app that reads needs. The names are those of Graph's
// permission table.
func Reader() []Need {
	return []Need{
		{Permission: "Organization.Read.All", Gives: "the tenant's name and licence", Required: true},
		{Permission: "User.Read.All", Gives: "who there is", Required: true},
		{Permission: "UserAuthenticationMethod.Read.All", Gives: "who has registered what; on a tenant without P1 all figures come from it"},
		{Permission: "AuditLog.Read.All", Gives: "the registration report and the sign-ins (P1), what was changed outside, and that an approval does not count after a reset or new security info"},
		{Permission: "Policy.Read.All", Gives: "security defaults, Conditional Access and per-user MFA"},
		{Permission: "Policy.Read.AuthenticationMethod", Gives: "which methods the tenant allows, passes among them"},
		{Permission: "RoleManagement.Read.Directory", Gives: "who is an administrator"},
		{Permission: "GroupMember.Read.All", Gives: "roles, scopes and departments by group"},
		{Permission: "Reports.Read.All", Gives: "which mail programs still use old protocols"},
		{Permission: "ReportSettings.Read.All", Gives: "whether Microsoft conceals names in its reports"},
		{Permission: "Application.Read.All", Gives: "noticing that somebody tampers with the bot's own app registrations, and when their certificates end"},
	}
}

// methodKinds are the kinds of method that a reset deletes, as the permissions
// to do so are named.
var methodKinds = []string{"Phone", "Email", "MicrosoftAuthApp", "Passkey", "SoftwareOATH", "TAP", "WindowsHello", "PlatformCred", "External"}

// Writer lists what the app that changes needs for the kinds of change that are
// switched on.
func Writer(changes []string) []Need {
	var all []Need
	add := func(n Need) {
		if !slices.ContainsFunc(all, func(o Need) bool { return o.Permission == n.Permission }) {
			all = append(all, n)
		}
	}
	for _, change := range changes {
		for _, n := range of(change) {
			n.Required = n.Permission != broad
			add(n)
		}
	}
	return all
}

// broad is everything about methods. Only a reset has a use for it that nothing
// narrower allows, and gets along without.
const broad graph.Permission = "UserAuthenticationMethod.ReadWrite.All"

func of(change string) []Need {
	const toRead = "what Graph asks for beside the permission to change a policy"
	switch change {
	case commands.DefaultsKind:
		return []Need{{Permission: "Policy.Read.All", Gives: toRead}, {Permission: "Policy.ReadWrite.SecurityDefaults", Gives: "switching security defaults"}}
	case commands.LegacyBlockKind, commands.RequireMFAKind:
		return []Need{
			{Permission: "Policy.Read.All", Gives: toRead},
			{Permission: "Application.Read.All", Gives: toRead},
			{Permission: "Policy.ReadWrite.ConditionalAccess", Gives: "making and switching Conditional Access policies", TierZero: true},
		}
	case commands.PassKind:
		return []Need{{Permission: "UserAuthMethod-TAP.ReadWrite.All", Gives: "Temporary Access Passes", TierZero: true}}
	case commands.PassPolicyKind, commands.CampaignKind:
		return []Need{{Permission: "Policy.ReadWrite.AuthenticationMethod", Gives: "which methods the tenant allows, and the registration campaign", TierZero: true}}
	case commands.ResetKind:
		return append(methods(),
			Need{Permission: broad, Gives: "making a phone that stays the default method before the rest is removed", TierZero: true},
			Need{Permission: "User.RevokeSessions.All", Gives: "ending sessions"})
	case commands.MethodKind:
		return methods()
	case commands.PhoneKind:
		return []Need{{Permission: "UserAuthMethod-Phone.ReadWrite.All", Gives: "registering phones", TierZero: true}}
	case commands.RevokeKind:
		return []Need{{Permission: "User.RevokeSessions.All", Gives: "ending sessions"}}
	case commands.BlockKind, commands.UnblockKind:
		return []Need{{Permission: "User.EnableDisableAccount.All", Gives: "blocking and unblocking accounts"}}
	default:
		return nil
	}
}

func methods() (all []Need) {
	for _, kind := range methodKinds {
		all = append(all, Need{Permission: graph.Permission("UserAuthMethod-" + kind + ".ReadWrite.All"), Gives: "removing methods of this kind", TierZero: true})
	}
	return all
}

// Difference is how what an app may do differs from what it needs.
type Difference struct {
	Missing []Need
	Excess  []graph.Permission
}

// Compare holds grants against needs. A permission that includes another one
// that is needed stands for it, and is excess all the same.
func Compare(needs []Need, granted []graph.Permission) (d Difference) {
	for _, n := range needs {
		if !slices.ContainsFunc(granted, func(p graph.Permission) bool { return p == n.Permission || includes(p, n.Permission) }) {
			d.Missing = append(d.Missing, n)
		}
	}
	for _, p := range granted {
		if !slices.ContainsFunc(needs, func(n Need) bool { return n.Permission == p }) {
			d.Excess = append(d.Excess, p)
		}
	}
	return d
}

// includes reports whether Graph takes wide where narrow is asked for.
func includes(wide, narrow graph.Permission) bool {
	return slices.Contains(map[graph.Permission][]graph.Permission{
		"Directory.Read.All":                 {"Organization.Read.All", "User.Read.All", "GroupMember.Read.All", "RoleManagement.Read.Directory", "Application.Read.All"},
		"User.ReadWrite.All":                 {"User.Read.All"},
		"Policy.Read.All":                    {"Policy.Read.AuthenticationMethod"},
		"ReportSettings.ReadWrite.All":       {"ReportSettings.Read.All"},
		"Policy.ReadWrite.ConditionalAccess": {"Policy.ReadWrite.SecurityDefaults"},
		broad:                                methodPermissions(),
	}[wide], narrow)
}

func methodPermissions() []graph.Permission {
	all := []graph.Permission{"UserAuthenticationMethod.Read.All"}
	for _, n := range methods() {
		all = append(all, n.Permission)
	}
	return all
}
