package commands

import (
	"slices"

	"twokey/commands/approval"
	"twokey/commands/identity"
)

// The kinds of change, as the owner names them where they are switched on.
const (
	DefaultsKind    = "defaults"
	LegacyBlockKind = "legacy-block"
	RequireMFAKind  = "require-mfa"
	PassKind        = "tap"
	PassPolicyKind  = "tap-policy"
	ResetKind       = "reset"
	MethodKind      = "method"
	RevokeKind      = "revoke"
	BlockKind       = "block"
	UnblockKind     = "unblock"
	CampaignKind    = "campaign"
	PhoneKind       = "phone"
	GoalKind        = "goal"
	ScopeKind       = "scope"
	ExceptionKind   = "exception"
	NudgeKind       = "nudge"
	WaveKind        = "wave"
	TemplateKind    = "template"
	ExportKind      = "export"
)

// kind is what holds for all changes of one kind.
type kind struct {
	name       string
	what       string          // for people: "Issuing passes"
	permission string          // of Microsoft Graph, that it needs
	ask        []identity.Role // who may ask
	policy     string          // built in: policyConfirm, policyOne or policyTwo
	// opens says that it gives away or takes away what somebody signs in with:
	// the target and their manager are told at once, and no notification names
	// whom it is about.
	opens bool
	// fresh says that whoever asks, approves or collects must have proved anew who
	// they are: for the others a stolen chat session is enough.
	fresh bool
	// sparing says that it is refused for the highest administrators.
	sparing bool
}

// kinds are all kinds of change, in the order of the commands.
var kinds = []kind{
	{name: DefaultsKind, what: "Changing security defaults", permission: "Policy.ReadWrite.SecurityDefaults", ask: []identity.Role{identity.Lead}, policy: policyTwo, fresh: true},
	{name: LegacyBlockKind, what: "Blocking legacy authentication", permission: "Policy.ReadWrite.ConditionalAccess", ask: []identity.Role{identity.Lead}, policy: policyTwo, fresh: true},
	{name: RequireMFAKind, what: "Requiring MFA by policy", permission: "Policy.ReadWrite.ConditionalAccess", ask: []identity.Role{identity.Lead}, policy: policyTwo},
	{name: PassKind, what: "Issuing Temporary Access Passes", permission: "UserAuthMethod-TAP.ReadWrite.All", ask: []identity.Role{identity.Helpdesk}, policy: policyOne, opens: true, sparing: true, fresh: true},
	{name: PassPolicyKind, what: "Changing the policy of passes", permission: "Policy.ReadWrite.AuthenticationMethod", ask: []identity.Role{identity.Lead}, policy: policyTwo},
	{name: ResetKind, what: "Resetting somebody's methods", permission: "UserAuthMethod-Phone.ReadWrite.All and the like for each kind of method, and User.RevokeSessions.All", ask: []identity.Role{identity.Helpdesk}, policy: policyOne, opens: true, sparing: true, fresh: true},
	{name: MethodKind, what: "Removing a method", permission: "UserAuthMethod-Phone.ReadWrite.All and the like for each kind of method", ask: []identity.Role{identity.Helpdesk}, policy: policyOne, opens: true, sparing: true, fresh: true},
	{name: PhoneKind, what: "Registering a phone for somebody", permission: "UserAuthMethod-Phone.ReadWrite.All", ask: []identity.Role{identity.Helpdesk}, policy: policyOne, opens: true, sparing: true, fresh: true},
	{name: RevokeKind, what: "Ending somebody's sessions", permission: "User.RevokeSessions.All", ask: []identity.Role{identity.Helpdesk}, policy: policyConfirm},
	{name: BlockKind, what: "Blocking accounts", permission: "User.EnableDisableAccount.All", ask: []identity.Role{identity.Helpdesk}, policy: policyOne, sparing: true},
	{name: UnblockKind, what: "Unblocking accounts", permission: "User.EnableDisableAccount.All", ask: []identity.Role{identity.Helpdesk}, policy: policyOne, sparing: true, fresh: true},
	{name: CampaignKind, what: "Changing the registration campaign", permission: "Policy.ReadWrite.AuthenticationMethod", ask: []identity.Role{identity.Lead}, policy: policyTwo},
}

// thawKind ends a freeze. It is always switched on, or a freeze were for good.
var thawKind = kind{name: approval.KindThaw, what: "Ending a freeze", ask: []identity.Role{identity.Owner}, policy: policyTwo, fresh: true}

// ownKinds change what the bot keeps itself and nothing in the tenant. They need
// no permission there, and are always switched on.
var ownKinds = []kind{
	{name: GoalKind, what: "Setting the goal", ask: []identity.Role{identity.Lead}, policy: policyConfirm},
	{name: ScopeKind, what: "Declaring accounts", ask: []identity.Role{identity.Lead}, policy: policyConfirm},
	{name: ExceptionKind, what: "Excepting somebody", ask: []identity.Role{identity.Lead}, policy: policyOne},
	{name: NudgeKind, what: "Writing to people", ask: []identity.Role{identity.Lead}, policy: policyConfirm},
	{name: WaveKind, what: "Beginning a wave", ask: []identity.Role{identity.Lead}, policy: policyOne},
	{name: TemplateKind, what: "Changing what people are written", ask: []identity.Role{identity.Lead}, policy: policyOne},
	{name: ExportKind, what: "Handing out many names as a file", ask: []identity.Role{identity.Lead}, policy: policyTwo, fresh: true},
}

// ownBlockKind blocks the account of whoever asks for it. Everybody may, for
// their own; it is switched on with the blocking of accounts.
var ownBlockKind = kind{name: "own-block", what: "Blocking one's own account", permission: "User.EnableDisableAccount.All", policy: policyOne, sparing: true}

// SelfKinds lists the kinds of change that everybody may ask for about their own
// account, and nobody about another.
func SelfKinds() []string { return []string{ownBlockKind.name} }

// kindNamed returns a kind; the zero kind if there is none of that name.
func kindNamed(name string) kind {
	for _, k := range []kind{thawKind, ownBlockKind} {
		if name == k.name {
			return k
		}
	}
	for _, all := range [][]kind{kinds, ownKinds} {
		if i := slices.IndexFunc(all, func(k kind) bool { return k.name == name }); i >= 0 {
			return all[i]
		}
	}
	return kind{name: name}
}

// Kinds lists the kinds of change that can be switched on.
func Kinds() []string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.name
	}
	return names
}

// Opening lists the kinds of change that give somebody a new way into an account,
// or take one away.
func Opening() []string {
	var names []string
	for _, k := range kinds {
		if k.opens {
			names = append(names, k.name)
		}
	}
	return names
}

// AskRoles says who may ask for each kind of action.
func AskRoles() map[string][]identity.Role {
	roles := map[string][]identity.Role{}
	for _, k := range slices.Concat(kinds, ownKinds) {
		roles[k.name] = k.ask
	}
	roles[thawKind.name] = thawKind.ask
	return roles
}

// whoAsks lets those run a command who may ask for the kind of change.
func whoAsks(name string) Access { return only(kindNamed(name).ask...) }

// switchedOn refuses a kind of change that the owner has not named.
func switchedOn(env Env, name string) error {
	if slices.Contains(env.Rules.Now().Changes, name) {
		return nil
	}
	k := kindNamed(name)
	return &mistake{
		k.what + " is switched off for this bot.",
		"An owner can switch it on with “changes: [" + k.name + "]” in the configuration. It needs the permission " + k.permission + ".",
	}
}

// What needs a fresh proof beside the kinds of change that do.
const (
	forLists = "lists of names" // all of them, as a file
	forLinks = "links"          // to say that somebody else's counts at once
)

// chosenProof is what the demo counts as a proof.
const chosenProof = "chosen in the demo"
