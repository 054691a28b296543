package simtenant

// Member is an account that programs and tests may rely on.
type Member struct {
	ID       string // short and fixed, the console's id: olga, ada, …
	ObjectID string // GUID, decided by the seed alone
	Name     string
	UPN      string
}

// The tenant's domains. Both end in .example, which nobody can own, so that
// nothing made here is anybody's address.
const (
	organizationName = "Harbour & Vale"
	defaultDomain    = "harbourvale.example"
	initialDomain    = "harbourvale.onmicrosoft.example"
)

// castSize is the number of people in the cast.
const castSize = 7

// Cast returns the seven people of the demo: olga, ada, abe, bea, vic, sam, sue.
func Cast(seed uint64) []Member {
	return members(seed, "cast", defaultDomain, []Member{
		{ID: "olga", Name: "Olga Petrova"},
		{ID: "ada", Name: "Ada Okafor"},
		{ID: "abe", Name: "Abe Lindqvist"},
		{ID: "bea", Name: "Bea Fontaine"},
		{ID: "vic", Name: "Vic Marlowe"},
		{ID: "sam", Name: "Sam Rivera"},
		{ID: "sue", Name: "Sue Tanaka"},
	})
}

// Emergency returns the two emergency access accounts: Global Administrators
// that hold passkeys and belong to nobody.
func Emergency(seed uint64) []Member {
	return members(seed, "emergency", initialDomain, []Member{
		{ID: "emergency-1", Name: "Emergency Access 1"},
		{ID: "emergency-2", Name: "Emergency Access 2"},
	})
}

// Service returns the accounts that are no person and may sign in all the
// same: scanners, an application, rooms and shared mailboxes. The account of
// the directory synchronisation is not among them; its role tells.
func Service(seed uint64) []Member {
	return members(seed, "service", defaultDomain, []Member{
		{ID: "scanner-2f", Name: "Scanner 2nd Floor"},
		{ID: "scanner-warehouse", Name: "Scanner Warehouse"},
		{ID: "crm", Name: "CRM Mail Connector"},
		{ID: "room-nord", Name: "Meeting Room Nord"},
		{ID: "info", Name: "Info Desk (shared)"},
		{ID: "kiosk-gate", Name: "Kiosk Gate 3"},
	})
}

func members(seed uint64, kind, domain string, list []Member) []Member {
	if seed == 0 {
		seed = defaultSeed
	}
	for i := range list {
		list[i].ObjectID = guid(stream(seed, kind, i))
		list[i].UPN = list[i].ID + "@" + domain
	}
	return list
}
