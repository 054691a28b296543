package graph

import "time"

// Audit is one line of the directory's audit log.
type Audit struct {
	ID        string
	At        time.Time
	Activity  string // as Microsoft names it; several are not documented
	Category  string
	Service   string // "Core Directory", "Authentication Methods"
	Operation string // Add, Update, Delete
	Succeeded bool
	// CorrelationID is, for all that is known, the client-request-id of a change
	// through Graph. Microsoft documents neither, and no real tenant was compared.
	CorrelationID string
	ByUserID      string // who did it: a person …
	ByUPN         string
	ByAppID       string // … or an app
	ByApp         string // its name
	Targets       []AuditTarget
}

// AuditTarget is one object that an audited activity was about.
type AuditTarget struct {
	ID      string
	Type    string // User, Policy, ServicePrincipal
	Name    string
	UPN     string
	Changes []AuditChange
}

// AuditChange is one property before and after, as the log writes it.
type AuditChange struct{ Property, Old, New string }

// ServiceMethods is the audit log's name of the service that keeps
// authentication methods.
const ServiceMethods = "Authentication Methods"

// An AuditQuery says which lines are wanted. Empty members do not narrow it.
// The log keeps 7 days on Free and 30 with P1.
type AuditQuery struct {
	Since    time.Time // at this moment or later
	Until    time.Time
	Service  string
	Category string
	TargetID string
	AppID    string // what this app did
}

// EmailAppPeriod is the time that an e-mail app report covers, in days.
type EmailAppPeriod int

// The periods that Graph offers.
const (
	Days7   EmailAppPeriod = 7
	Days30  EmailAppPeriod = 30
	Days90  EmailAppPeriod = 90
	Days180 EmailAppPeriod = 180
)

// EmailAppUse is Microsoft 365's report of the mail programs people use. It
// tells the protocol and not how it signed in: IMAP with a modern sign-in
// counts too. It needs no Entra licence and is a day or two late.
type EmailAppUse struct {
	Period    EmailAppPeriod
	Refreshed time.Time // the report's own day, midnight UTC
	// Concealed reports that the tenant hides names: the rows then say how many
	// but not who.
	Concealed bool
	Rows      []EmailAppRow
}

// EmailAppRow is one mailbox of the report.
type EmailAppRow struct {
	UPN      string // a hash where names are concealed
	Name     string
	Deleted  bool
	Last     time.Time // last activity by any program, midnight UTC; zero if none
	Programs []EmailProgram
}

// EmailProgram is a column of the report.
type EmailProgram string

// The columns. The last three are protocols that old programs use.
const (
	MailForMac        EmailProgram = "Mail For Mac"
	OutlookForMac     EmailProgram = "Outlook For Mac"
	OutlookForWindows EmailProgram = "Outlook For Windows"
	OutlookForMobile  EmailProgram = "Outlook For Mobile"
	OtherForMobile    EmailProgram = "Other For Mobile"
	OutlookForWeb     EmailProgram = "Outlook For Web"
	ProgramPOP3       EmailProgram = "POP3 App"
	ProgramIMAP4      EmailProgram = "IMAP4 App"
	ProgramSMTP       EmailProgram = "SMTP App"
)

// OutlookVersions counts the Outlooks for Windows by version. The versions of
// 2010 and before cannot use modern authentication.
type OutlookVersions struct {
	Refreshed time.Time
	Users     map[string]int // by the report's own column, "Outlook 2010"
}
