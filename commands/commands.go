// Package commands is what the bot can be asked to do. [Mux] routes events to
// commands; a command either answers, or plans a change, and a change is
// carried out by the approval runner alone. All wording for people that a
// command or a request needs is here, and none of it knows a platform.
//
// Each command is one small file of one shape: a function that takes the
// [Env] and returns a [Command]. The list of them is in all.go. Who may run a
// command is said by its Access, and a command without one can be run by
// nobody.
package commands

import (
	"cmp"
	"context"
	"iter"
	"time"

	"twokey/audit"
	"twokey/chat"
	"twokey/chat/phrases"
	"twokey/commands/approval"
	"twokey/commands/evidence"
	"twokey/commands/guide"
	"twokey/commands/identity"
	"twokey/commands/link"
	"twokey/commands/rules"
	"twokey/commands/staff"
	"twokey/graph"
	"twokey/graph/rollout"
)

// Env is everything that commands work with.
type Env struct {
	Organization graph.Organization
	Tenant       Tenant
	Writer       Writer
	Facts        func(ctx context.Context) rollout.Facts // what is known of the tenant by now
	Kept         func(ctx context.Context) rollout.Facts // as it was known some minutes ago, for figures; nil: Facts
	Last         func() (rollout.Facts, bool)            // as it was known last, without reading or waiting, and whether it ever was; nil: Facts
	Scope        rollout.Scope                           // declared accounts
	Engine       *approval.Engine
	Requests     approval.Store
	People       *identity.Directory
	Guide        *guide.Guide
	Records      Records
	Guard        Guard // of the audit record; nil if nothing watches over it
	Digest       Digest
	Trend        Trend
	Changes      Changes
	Alerts       Alerts
	Absences     Absences
	Languages    Languages
	Phrases      *phrases.Book // see LoadPhrases; nil says everything in English
	Declarations Declarations
	LegacyUse    LegacyUse // the days before those in Facts; nil: none are kept
	Nudges       Nudges
	Staff        staff.Store // what people told the bot, and their cases with the help desk
	Rules        *rules.Keeper
	Proofs       link.Store // what people proved on the page; may be nil without one
	// Page is where browsers reach the page on which people prove who they are,
	// "https://mfa.vale.example"; empty if there is none.
	Page string
	// Chosen reports whether it counts as a proof that somebody speaks by an
	// account, because the demo lets anybody choose it. Nil: it never does.
	Chosen func(chat.Account) bool
	// Mail is the platform by which people are mailed, beside the chat, what they
	// are told of their own account; empty if they are not.
	Mail       string
	Zone       *time.Location // in which times are shown
	Hours      Hours          // of the help desk; without days they never end
	Links      []string       // hosts, beside Microsoft's, to which what leads write may link
	OwnTexts   bool           // whether texts come from a provider of the organisation's own
	Admins     chat.Address   // the administrators' channel
	ChatSignIn ChatSignIn     // through what people sign in to the chat
	Build      string         // version, commit, Go
	Now        func() time.Time
	Changed    func() // is called when something may have been changed in the tenant; nil: nobody minds

	gaps     *sparing  // what was counted of the guide's gaps lately, see keepGap
	pictures *pictures // that were drawn
	told     *sparing  // of whom it was told lately that they look many up, see tellOfLookUps

	// Collect carries out what its requester collects, see [approval.Runner.Collect].
	Collect func(ctx context.Context, v approval.Vote, deliver func(ctx context.Context, handover any) error) (approval.Request, error)
}

// kept is what figures are told from. It says of when it is, and nothing that
// decides about a change rests on it.
func (env Env) kept(ctx context.Context) rollout.Facts {
	if env.Kept == nil {
		return env.Facts(ctx)
	}
	return env.Kept(ctx)
}

// Contact is whom people are told to call. It goes by rules that hold: whoever put
// their own number into the configuration would be called about what they do.
func Contact(holding rules.Rules) string { return cmp.Or(holding.Contact, "whoever runs this bot") }

func (env Env) contact() string { return Contact(env.Rules.Now()) }

// last is what is known of the tenant without a word to it, for what has to be
// answered at once and whatever becomes of the tenant.
func (env Env) last(ctx context.Context) (rollout.Facts, bool) {
	switch {
	case env.Last != nil:
		return env.Last()
	case env.Facts != nil:
		return env.Facts(ctx), true
	default:
		return rollout.Facts{}, false
	}
}

// Tenant is what commands read of the tenant, as [graph.Reader] promises it.
type Tenant interface {
	SecurityDefaults(ctx context.Context) (graph.SecurityDefaults, error)
	Policies(ctx context.Context) ([]graph.Policy, error)
	MethodsPolicy(ctx context.Context) (graph.MethodsPolicy, error)
	RoleHolders(ctx context.Context) ([]graph.RoleHolder, error)
	RoleGroupPeople(ctx context.Context) ([]graph.RoleHolder, error)
	Group(ctx context.Context, id string) (graph.Group, error)
	GroupMembers(ctx context.Context, id string) ([]string, error)
	FindUsers(ctx context.Context, typed string) ([]graph.User, error)
	User(ctx context.Context, idOrUPN string) (graph.User, error)
	Manager(ctx context.Context, userID string) (graph.User, error)
	MemberOf(ctx context.Context, userID string, groupIDs []string) ([]string, error)
	Methods(ctx context.Context, userIDs []string) ([]graph.UserMethods, error)
	SignInPreference(ctx context.Context, userID string) (graph.SignInPreference, error)
	Passes(ctx context.Context, userID string) ([]graph.Pass, error)
	HasPhone(ctx context.Context, userID string, p graph.Phone) (bool, error)
	SessionsFrom(ctx context.Context, userID string) (time.Time, error)
	Grants(ctx context.Context) (graph.Grants, error)
}

// Writer is what commands change in it, as [graph.Writer] promises it.
type Writer interface {
	SetSecurityDefaults(ctx context.Context, enabled bool) (graph.Receipt, error)
	CreatePolicy(ctx context.Context, d graph.PolicyDraft) (id string, _ graph.Receipt, err error)
	SetPolicyState(ctx context.Context, id string, s graph.PolicyState) (graph.Receipt, error)
	SetPassPolicy(ctx context.Context, p graph.PassPolicy) (graph.Receipt, error)
	SetCampaign(ctx context.Context, c graph.Campaign) (graph.Receipt, error)
	DeleteMethod(ctx context.Context, userID string, m graph.Method) (graph.Receipt, error)
	AddPhone(ctx context.Context, userID string, p graph.Phone) (id string, _ graph.Receipt, err error)
	CreatePass(ctx context.Context, userID string, o graph.PassOrder) (graph.Pass, graph.Receipt, error)
	SetSignInPreference(ctx context.Context, userID string, p graph.SignInPreference) (graph.Receipt, error)
	RevokeSessions(ctx context.Context, userID string) (graph.Receipt, error)
	SetAccountEnabled(ctx context.Context, userID string, enabled bool) (graph.Receipt, error)
}

// Records reads the audit record and what is kept beside it.
type Records interface {
	evidence.Source
	// Audit reads it from its beginning.
	Audit(ctx context.Context) iter.Seq2[audit.Record, error]
}

// LegacyUse keeps the sums of legacy sign-ins.
type LegacyUse interface {
	// LegacyUse returns those of the days that begin at a moment or later, by day.
	LegacyUse(ctx context.Context, tenant string, since time.Time) ([]rollout.LegacyUse, error)
}

// Guard knows whether the audit record is damaged.
type Guard interface {
	// Damage returns what is known to be wrong with it, with a sentence for
	// people, or nil.
	Damage() error
	// Report takes in what somebody else found out.
	Report(err error)
}

// Digest is the weekly digest, as far as commands ask for it.
type Digest interface {
	// Preview returns this week's digest as it would be posted now.
	Preview(ctx context.Context) (chat.Message, error)
	// PostNow posts this week's digest, or brings the one that is posted up to
	// date, and reports which.
	PostNow(ctx context.Context, actor string) (posted bool, err error)
}

// Command is one thing that can be asked for.
type Command struct {
	chat.CommandSpec
	Access Access
	// Aloud lets the answer be posted where it was asked, if that is the
	// administrators' channel. Everything else is private.
	Aloud bool
	// Names reports whether an answer that could be said aloud names people, and is
	// private for that. Nil: none does.
	Names func(args map[string]string) bool
	// Kept says that it only shows what is kept of the tenant, which says of when
	// it is: then who asks may have been looked up some moments before, see met.
	Kept bool
	// Offline lets it be answered even while it cannot be read who speaks. The
	// answer must give away nothing that needs a right.
	Offline bool
	// Answer reads and answers. Exactly one of Answer and Plan is set.
	Answer func(ctx context.Context, c Call) (chat.Message, error)
	// Plan works out a change for approval. It only reads.
	Plan func(ctx context.Context, c Call) (approval.Plan, error)
}

// Access says who may run a command. The zero value lets nobody.
type Access struct {
	everybody bool
	linked    bool
	roles     []identity.Role
}

// everybody lets everyone run a command, linked or not.
var everybody = Access{everybody: true}

// linked lets everyone run a command whose chat account is linked.
var linked = Access{linked: true}

// only lets the holders of any of the roles run a command.
func only(roles ...identity.Role) Access { return Access{roles: roles} }

// Allows reports whether the speaker may run a command with this access.
func (a Access) Allows(s identity.Speaker) bool {
	return a.everybody || a.linked && s.Linked || s.Has(a.roles...)
}

// Call is one command as it was typed by one person.
type Call struct {
	Who    identity.Speaker
	Unread error // why it could not be read who speaks; then Who has no rights
	Event  chat.Event
	Voice  phrases.Voice     // speaks their language
	Args   map[string]string // by option name; absent if not given
	Reason string            // a change's justification
	// Shown is the plan that the person was shown and has confirmed, see
	// planSum; empty if none.
	Shown string
	Fresh approval.Fresh // what they proved for it, where that is needed
	// Show answers in private before the command has ended.
	Show func(ctx context.Context, m chat.Message) error
}
