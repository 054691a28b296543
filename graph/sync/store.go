package sync

import (
	"context"
	"errors"
	"time"

	"twokey/graph"
	"twokey/graph/rollout"
)

// Store keeps what a sync has read, of any number of tenants. Times come back
// in UTC and in whole microseconds.
type Store interface {
	// LeadSync takes or renews the sync of a tenant for owner, for ttl by the
	// database's clock, and returns the lease. It is refused (false) while
	// another owner's is valid, unless nobody else can be using the database. A
	// new owner gets a higher fence than any before.
	LeadSync(ctx context.Context, tenant, owner string, ttl time.Duration) (Lease, bool, error)
	// SyncProgress returns how far the reading of each source has come; one that
	// was never begun is no key.
	SyncProgress(ctx context.Context, tenant string) (map[Source]Progress, error)
	// KeepSync stores a batch, all of it or nothing. It stores nothing and fails
	// with ErrLost if the lease's fence is not the newest.
	KeepSync(ctx context.Context, l Lease, b Batch) error
	// SyncDue returns the IDs of enabled members of whom something is to be read,
	// at most n, the longest due first and those never read before all others.
	SyncDue(ctx context.Context, tenant string, d Due, n int) ([]string, error)
	// LoadSync returns all that is kept of a tenant as it stands at one moment,
	// of legacy use the days that begin at the given moment or later.
	LoadSync(ctx context.Context, tenant string, legacySince time.Time) (Stored, error)
}

// ErrLost says that somebody else leads the sync by now.
var ErrLost = errors.New("another process leads the sync")

// Lease is the right to sync a tenant.
type Lease struct {
	Tenant, Owner string
	Fence         int64
}

// A Source is something of the tenant that is read page by page or at times.
type Source string

// The sources. Methods and PerUser are read person by person: how far they are
// is said by the people's rows. So Methods, whose rows have their times, have no
// Progress, and that of PerUser says when anybody's was last read.
const (
	Accounts    Source = "accounts"
	Report      Source = "registration report"
	Audits      Source = "methods audits"
	SignIns     Source = "legacy sign-ins"
	MailApps    Source = "mail programs"
	LastSignIns Source = "last sign-ins"
	Methods     Source = "methods"
	PerUser     Source = "per-user MFA"
)

// Progress is how far the reading of one source has come.
type Progress struct {
	Source Source
	// Done is when the last reading that came to its end had begun: all that
	// happened before is in the store. Zero if there was none.
	Done time.Time
	// Began is when the reading under way had begun, zero if there is none, and
	// Cursor is where it goes on.
	Began  time.Time
	Cursor graph.Cursor
	// Round numbers the full readings, 1 for the first: of the one under way or
	// else of the last.
	Round int
	// Token is where changes of accounts are read from, taken when the reading
	// of all of them began.
	Token graph.DeltaToken
}

// Batch is rows that were read together, and the progress that they are. Every
// member may be empty.
type Batch struct {
	// Progress replaces that of its source; one without a source changes none.
	Progress Progress
	// Full says that the rows are of a full reading, which is Progress.Round, and
	// Last that it ends here: of its source (Accounts or Report), what no batch
	// of this round has listed is forgotten.
	Full, Last bool

	// Accounts were made or changed, and Removed are gone with all that was known
	// of them. They come with the progress of Accounts.
	Accounts []graph.User
	Removed  []string
	// Report are rows of the report; those of accounts that are not kept are left out.
	Report []graph.Registration
	// Methods and PerUser are readings of single people, with the same exception.
	Methods []MethodsRead
	PerUser []PerUserRead
	// Outdated are people whose methods are due at once, unless those kept were
	// read at the given moment or later. AllOutdated is everybody whose methods
	// were ever read.
	Outdated    map[string]time.Time
	AllOutdated bool
	// LastSignIns, with the same exception as the report.
	LastSignIns []graph.LastSignIn
	// Legacy replaces all days that it speaks of.
	Legacy *LegacyDays
	// MailApps replaces the report that was kept before.
	MailApps *graph.EmailAppUse
}

// MethodsRead is an attempt at reading somebody's methods. If it failed, what
// was known before stays.
type MethodsRead struct {
	graph.UserMethods
	Due time.Time // of the next attempt
}

// PerUserRead is an attempt at reading somebody's per-user MFA, likewise.
type PerUserRead struct {
	graph.UserMFA
	Due time.Time
}

// LegacyDays are sums of legacy sign-ins. They replace all that is kept of the
// day of From and later ones, but not of the day of Until and later ones if that
// is set, and what is kept of days before Since is forgotten.
type LegacyDays struct {
	From, Until, Since time.Time
	Rows               []rollout.LegacyUse
}

// Due says of what, Methods or PerUser, those are wanted whose next reading is
// due at At or before. The zero At is what is due at once.
type Due struct {
	What Source
	At   time.Time
	// Unread says who is wanted beside them, of those who were never read.
	Unread Unread
}

// Unread is a choice of the people who were never read.
type Unread string

// The choices.
const (
	NoUnread   Unread = ""
	Unreported Unread = "unreported" // the report has no row of them
	AllUnread  Unread = "all"
)

// Stored is all that is kept of a tenant.
type Stored struct {
	Progress map[Source]Progress
	People   []Person            // all accounts, by ID
	Legacy   []rollout.LegacyUse // by day
	MailApps *graph.EmailAppUse  // nil if there is none
}

// Person is one account's row. What was not read of it is nil.
type Person struct {
	graph.User
	Report     *graph.Registration
	Methods    *graph.UserMethods // as it was last read without an error
	PerUser    *graph.UserMFA     // likewise
	LastSignIn *graph.LastSignIn
}
