// Package graph is the tenant in our words: its users, their authentication
// methods, its policies, sign-ins and licence, and the kinds of error that
// reading or changing it may give.
//
// The names are Entra's. Nothing here speaks HTTP: graph/msgraph turns these
// words into calls through Microsoft's SDK, and graph/simtenant answers them
// as a tenant would. Whoever needs the tenant declares the few methods that it
// uses; [Reader] and [Writer] list them all, so that the live tenant can be
// checked against one page.
//
// Two rules hold for every value. A figure that could not be read is an error
// or an absent value, never a zero: a missing row is not "no". And an identity
// is an object ID; names, addresses and UPNs are for people to read.
package graph

import (
	"context"
	"time"
)

// Reader reads the tenant. Every call goes to the tenant and past every cache,
// and may be repeated safely; an error is an [*Error] where the tenant gave
// the reason. Lists are complete: all pages, or an error.
type Reader interface {
	// Organization returns the tenant's identity.
	Organization(ctx context.Context) (Organization, error)
	// Licence returns the highest Entra ID licence that the tenant owns.
	Licence(ctx context.Context) (Licence, error)
	// SecurityDefaults returns the state of security defaults.
	SecurityDefaults(ctx context.Context) (SecurityDefaults, error)
	// Policies lists the Conditional Access policies in every state. It fails
	// with KindNoLicence where the tenant cannot have any.
	Policies(ctx context.Context) ([]Policy, error)
	// Users lists every account, guests and disabled ones included, in no
	// particular order.
	Users(ctx context.Context) ([]User, error)
	// UserPage returns a page of Users, so that a sweep can be taken up again.
	UserPage(ctx context.Context, from Cursor) (rows []User, next Cursor, err error)
	// User returns one account by object ID or UPN; KindNotFound if there is none.
	User(ctx context.Context, idOrUPN string) (User, error)
	// CountUsers counts the accounts of Users.
	CountUsers(ctx context.Context) (int, error)
	// FindUsers looks accounts up by what a person typed: an object ID, a UPN,
	// the main, another or a private mail address, or a display name, in this
	// order and in full. It returns those of the first kind that fits, none if no
	// kind does. More than one is a question to ask, never a choice to make.
	FindUsers(ctx context.Context, typed string) ([]User, error)
	// Manager returns who is set above a user; KindNotFound if nobody is.
	Manager(ctx context.Context, userID string) (User, error)
	// Managers returns who is set above each account, by object ID: one that has
	// nobody, or somebody who is no user, has no entry.
	Managers(ctx context.Context) (map[string]string, error)
	// SessionsFrom returns since when a user's sessions count: those from before
	// are over. RevokeSessions moves it.
	SessionsFrom(ctx context.Context, userID string) (time.Time, error)
	// LastSignIns says when each account was last seen. It needs P1.
	LastSignIns(ctx context.Context) ([]LastSignIn, error)
	// UserChanges reads what happened to accounts since an earlier reading. Since
	// "" it reads nothing and returns where changes from now on will be: take
	// that before the accounts are read in full, so that none is missed.
	UserChanges(ctx context.Context, since DeltaToken) (UserChanges, error)
	// Group returns a group; KindNotFound if there is none.
	Group(ctx context.Context, id string) (Group, error)
	// GroupMembers lists the object IDs of the users in a group and in the
	// groups within it; KindNotFound if there is no such group.
	GroupMembers(ctx context.Context, id string) ([]string, error)
	// MemberOf returns those of the groups that a user is in, directly or by a
	// group within, in the order given. A group that there is not has nobody.
	MemberOf(ctx context.Context, userID string, groupIDs []string) ([]string, error)
	// RoleHolders lists the accounts that hold an active directory role, one
	// entry an account.
	RoleHolders(ctx context.Context) ([]RoleHolder, error)
	// RoleGroupPeople lists the members and owners of every group that can be
	// given a role, whether it has one or not: they are protected like
	// administrators. Each holds [RoleGroup] alone, to be added to the roles of
	// RoleHolders where [Privileged] or [Grants.MayDisable] is asked.
	RoleGroupPeople(ctx context.Context) ([]RoleHolder, error)
	// Registrations is the tenant's own registration report. It needs P1 and
	// lags by some hours; KindNoLicence without it.
	Registrations(ctx context.Context) ([]Registration, error)
	// RegistrationPage returns a page of Registrations.
	RegistrationPage(ctx context.Context, from Cursor) (rows []Registration, next Cursor, err error)
	// Methods reads the authentication methods of the given users, one read a
	// user, batched: the way that works on every licence. The answer holds an
	// entry for each ID asked, in the same order; one user's failure is in
	// that entry. The error is for a sweep that could not go on at all.
	Methods(ctx context.Context, userIDs []string) ([]UserMethods, error)
	// Passes returns the Temporary Access Pass that a user has, if any, without
	// its code.
	Passes(ctx context.Context, userID string) ([]Pass, error)
	// HasPhone reports whether a user's phone of a type has just this number. One
	// that is not said whole is an error. No number is ever returned.
	HasPhone(ctx context.Context, userID string, p Phone) (bool, error)
	// SignInPreference returns what a user is asked for first.
	SignInPreference(ctx context.Context, userID string) (SignInPreference, error)
	// PerUserMFA reads the old per-user state of the given users, as Methods
	// reads their methods.
	PerUserMFA(ctx context.Context, userIDs []string) ([]UserMFA, error)
	// MethodsPolicy returns the authentication methods policy.
	MethodsPolicy(ctx context.Context) (MethodsPolicy, error)
	// Audits lists lines of the directory's audit log, newest first. It lags by
	// some minutes and works on every licence.
	Audits(ctx context.Context, q AuditQuery) ([]Audit, error)
	// EachLegacySignIn hands over the sign-ins by legacy clients since a moment and
	// before another, the zero time for no end, in no particular order; nothing of
	// them is kept. It ends with the error of
	// each, which then need not be an [*Error]. After any error some may have
	// been handed over that are not the whole. It needs P1 and lags by up to two
	// hours; KindNoLicence without it.
	EachLegacySignIn(ctx context.Context, since, until time.Time, each func(SignIn) error) error
	// SignInsOf lists a user's sign-ins since a moment, those that a program made
	// on its own among them, newest first. It needs P1 and lags by some minutes;
	// KindNoLicence without it.
	SignInsOf(ctx context.Context, userID string, since time.Time) ([]SignIn, error)
	// Grants signs in anew and returns what our own token says that we may do.
	// It fails without a token of an app, as with a static one.
	Grants(ctx context.Context) (Grants, error)
	// App reads an app registration by its application ID.
	App(ctx context.Context, appID string) (App, error)
	// EmailAppUse is the report of the mail programs that people used within a
	// period. It works on every licence and is a day or two late.
	EmailAppUse(ctx context.Context, period EmailAppPeriod) (EmailAppUse, error)
	// OutlookVersions counts the versions of Outlook for Windows.
	OutlookVersions(ctx context.Context, period EmailAppPeriod) (OutlookVersions, error)
	// NamesConcealed reports whether the tenant hides names in usage reports.
	// The reports follow the setting some minutes late.
	NamesConcealed(ctx context.Context) (bool, error)
}

// Writer changes the tenant. Each call sends exactly one request and never
// repeats it: whether it surely did not happen is in the error, see [Error.NotApplied].
// What makes no sense is not sent at all: the error is of KindNotSent then, and
// a [Mistake] says why.
type Writer interface {
	// SetSecurityDefaults turns security defaults on or off.
	SetSecurityDefaults(ctx context.Context, enabled bool) (Receipt, error)
	// CreatePolicy creates a Conditional Access policy, as report-only always,
	// and returns its ID. A draft without an excluded user is not sent.
	CreatePolicy(ctx context.Context, d PolicyDraft) (id string, _ Receipt, err error)
	// SetPolicyState switches a Conditional Access policy to another state. The
	// tenant refuses to enable one while security defaults are on.
	SetPolicyState(ctx context.Context, id string, s PolicyState) (Receipt, error)
	// SetPassPolicy replaces the Temporary Access Pass configuration.
	SetPassPolicy(ctx context.Context, p PassPolicy) (Receipt, error)
	// SetCampaign replaces the registration campaign as a whole: what Campaign
	// leaves out is lost. One that includes nobody reaches everybody.
	SetCampaign(ctx context.Context, c Campaign) (Receipt, error)
	// DeleteMethod deletes one of a user's methods, named by its kind and ID. The
	// default one is refused while others remain: [ErrDefaultMethod]. It does not
	// end sessions, and cannot be undone.
	DeleteMethod(ctx context.Context, userID string, m Method) (Receipt, error)
	// AddPhone registers a phone and returns the method's ID.
	AddPhone(ctx context.Context, userID string, p Phone) (id string, _ Receipt, err error)
	// CreatePass creates a Temporary Access Pass. One that the user has already
	// is deleted by it, and nobody is asked.
	CreatePass(ctx context.Context, userID string, o PassOrder) (Pass, Receipt, error)
	// SetSignInPreference says which method a user is asked for first. An empty
	// Method leaves that as it is.
	SetSignInPreference(ctx context.Context, userID string, p SignInPreference) (Receipt, error)
	// SetPerUserMFA sets the old per-user state.
	SetPerUserMFA(ctx context.Context, userID string, s PerUserMFA) (Receipt, error)
	// RevokeSessions makes a user sign in again everywhere, within minutes; what
	// holds an access token works on for up to an hour.
	RevokeSessions(ctx context.Context, userID string) (Receipt, error)
	// SetAccountEnabled blocks and unblocks an account. One that is synchronised
	// will be set back by the next synchronisation, and an administrator's needs
	// a directory role of the app, see [Grants.MayDisable].
	SetAccountEnabled(ctx context.Context, userID string, enabled bool) (Receipt, error)
	// SendMail hands a message to the mail service, which says no more of it.
	SendMail(ctx context.Context, m Mail) (Receipt, error)
}

// A Receipt names one change as the tenant's own logs know it.
type Receipt struct {
	RequestID       string // the tenant's request-id
	ClientRequestID string // ours, as sent
}

// Organization is a tenant's identity (GET /organization).
type Organization struct {
	ID            string // tenant ID, a GUID
	Name          string
	DefaultDomain string // the verified domain that new accounts get
}

// Licence is the Entra ID edition of a tenant, ordered.
type Licence int

// The editions that differ for us. LicenceUnknown is the zero value, so that
// an unread licence is never taken for Free.
const (
	LicenceUnknown Licence = iota
	Free
	P1
	P2
)

// String returns the edition as Microsoft writes it.
func (l Licence) String() string {
	switch l {
	case Free:
		return "Entra ID Free"
	case P1:
		return "Entra ID P1"
	case P2:
		return "Entra ID P2"
	default:
		return "unknown licence"
	}
}

// SecurityDefaults is Microsoft's preset of sign-in protection.
type SecurityDefaults struct {
	Enabled bool
}

// Policy is one Conditional Access policy.
type Policy struct {
	ID      string
	Name    string
	State   PolicyState
	Users   PolicyUsers
	Apps    []string // application IDs, or "All"
	Clients []string // client types: "all", "exchangeActiveSync", "other"
	// Narrowed reports whether conditions of place, device, platform or risk, or
	// apps that it leaves out, keep it from reaching some sign-ins.
	Narrowed bool
	Controls []string // what it demands: "mfa", "block"
	All      bool     // it demands all of them, not one of them
}

// PolicyState is a Conditional Access policy's state, as Graph spells it.
// Unknown values are kept as they came.
type PolicyState string

// The states that Graph documents.
const (
	PolicyEnabled    PolicyState = "enabled"
	PolicyDisabled   PolicyState = "disabled"
	PolicyReportOnly PolicyState = "enabledForReportingButNotEnforced"
)

// User is one account.
type User struct {
	ID         string // object ID, a GUID; the only identity
	Name       string // display name
	UPN        string
	Mail       string // empty if there is none
	Department string // empty if there is none
	Guest      bool
	Enabled    bool // accountEnabled
	Synced     bool // kept on-premises; the cloud's value may be overwritten
	Licensed   bool // holds at least one licence
	Created    time.Time
}

// RoleHolder is an account with active directory roles, direct or by group.
type RoleHolder struct {
	UserID string
	Roles  []Role
}

// Role is a built-in or custom directory role.
type Role struct {
	TemplateID string // a GUID, the same in every tenant for built-in roles
	Name       string
}

// Synchronises reports whether the role is one of the directory
// synchronisation's: whoever holds it is no person, and is exempt from
// security defaults.
func (r Role) Synchronises() bool {
	return r.TemplateID == RoleDirectorySyncAccounts || r.TemplateID == RoleOnPremisesDirectorySync
}

// Role template IDs that the rules name.
const (
	RoleGlobalAdministrator       = "62e90394-69f5-4237-9190-012177145e10"
	RolePrivilegedRoleAdmin       = "e8611ab8-c189-46e8-94e1-60213ab1f814"
	RolePrivilegedAuthAdmin       = "7be44c8a-adaf-4e2a-84d6-ab2649e08a13"
	RoleDirectorySyncAccounts     = "d29b2b05-8046-44ba-8758-1e26182fcf32"
	RoleOnPremisesDirectorySync   = "a92aed5d-d78a-4d16-b381-09adb37eb3b0"
	RoleHelpdeskAdministrator     = "729827e3-9c14-49f7-bb1b-9608f156bbb8"
	RoleAuthenticationAdmin       = "c4e39bd9-1100-46d3-8c65-fb160da0071f"
	RoleConditionalAccessAdmin    = "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9"
	RoleAuthenticationPolicyAdmin = "0526716b-113d-4c15-b2c8-68e3c22b9f80"
	RoleSecurityAdministrator     = "194ae4cb-b126-40b2-bd5b-6091b380977d"
	RoleUserAdministrator         = "fe930be7-5e62-47db-91af-98c3a49a38b1"
	RoleExchangeAdministrator     = "29232cdf-9323-42fd-ade2-1d097af3e4de"
	RoleGlobalReader              = "f2ef992c-3afb-46b9-b7cf-a126ee74c451"
	RoleReportsReader             = "4a5d8f65-41da-4de4-8968-e035b65339cf"
)

// Registration is one row of the tenant's registration report. A user without
// a row is unknown, not unregistered.
type Registration struct {
	UserID     string
	Registered bool     // has a strong method
	Capable    bool     // has one that the methods policy allows
	Methods    []string // Graph's methodsRegistered vocabulary, open
	AsOf       time.Time
}

// UserMethods is what one user can sign in with, or why that is not known.
type UserMethods struct {
	UserID  string
	Methods []Method
	Err     error     // non-nil: Methods says nothing
	AsOf    time.Time // when it was read; zero in an answer that came just now
}

// Method is one authentication method of one user.
type Method struct {
	ID      string
	Kind    MethodKind
	Label   string // the person's own name for it, a phone's model; may be empty
	Created time.Time
}

// SignIn is one sign-in by a legacy client.
type SignIn struct {
	UserID      string
	UPN         string
	Client      string // Graph's clientAppUsed, as it came
	App         string
	Device      string // its name or operating system, empty if the log has none
	At          time.Time
	Interactive bool
	ErrorCode   int // 0: it succeeded
}

// Succeeded reports whether the sign-in got in.
func (s SignIn) Succeeded() bool { return s.ErrorCode == 0 }

type backgroundKey struct{}

// InBackground returns a context whose calls nobody waits for: they leave room
// in the tenant's request budgets for people who do. It only orders calls;
// nothing decides by it.
func InBackground(ctx context.Context) context.Context {
	return context.WithValue(ctx, backgroundKey{}, true)
}

// IsBackground reports whether ctx comes from [InBackground].
func IsBackground(ctx context.Context) bool {
	yes, _ := ctx.Value(backgroundKey{}).(bool)
	return yes
}

type clientRequestIDKey struct{}

// WithClientRequestID returns a context whose calls to the tenant carry id as
// their client-request-id, so that the tenant's logs and ours name the same
// call. It is for tracing; nothing decides by it.
func WithClientRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, clientRequestIDKey{}, id)
}

// ClientRequestID returns the ID of WithClientRequestID, or "".
func ClientRequestID(ctx context.Context) string {
	id, _ := ctx.Value(clientRequestIDKey{}).(string)
	return id
}
