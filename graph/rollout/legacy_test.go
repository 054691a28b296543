package rollout

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"twokey/graph"
)

func TestProtocolOf(t *testing.T) {
	t.Parallel()
	want := map[Protocol][]string{
		POP:        {"POP", "POP3", "pop3", "Other clients; POP", "Other clients; POP3"},
		IMAP:       {"IMAP", "IMAP4", " imap4 ", "Other clients; IMAP"},
		SMTPAuth:   {"SMTP", "Authenticated SMTP", "authenticated smtp", "Other clients; Authenticated SMTP"},
		ActiveSync: {"Exchange ActiveSync", "Exchange ActiveSync (supported)"},
		OldOffice: {
			"MAPI", "MAPI Over HTTP", "Outlook Anywhere (RPC over HTTP)", "Exchange Web Services", "AutoDiscover", "Offline Address Book",
			"Other clients; MAPI",
		},
		Other: {"Other clients", "Exchange Online PowerShell", "Reporting Web Services", "Universal Outlook", "Outlook Service", "Brand new", ""},
	}
	if got := len(want); got != len(Protocols()) {
		t.Errorf("got spellings of %d protocols, want of all %d", got, len(Protocols()))
	}
	for protocol, names := range want {
		for _, name := range names {
			if got := ProtocolOf(name); got != protocol {
				t.Errorf("%q: got %q, want %q", name, got, protocol)
			}
		}
	}
}

func TestLegacy(t *testing.T) {
	t.Parallel()
	at := func(days int) time.Time { return monday47.AddDate(0, 0, -days) }
	f := new(tenant).person("ann").person("ben").person("scanner").onReport()
	f.LegacySince = monday47.Add(-LegacyWindow)
	f.LegacyUse = From(SumSignIns([]graph.SignIn{
		{UserID: "ann", UPN: "old@x", Client: "IMAP4", App: "Mail", Device: "phone", At: at(5)},
		{UserID: "ann", UPN: "ann@x", Client: "IMAP", App: "Mail", At: at(1)},
		{UserID: "ann", UPN: "ann@x", Client: "Authenticated SMTP", App: "Exchange", At: at(2)},
		{UserID: "scanner", UPN: "scanner@x", Client: "SMTP", App: "Exchange", Device: "MFP-2", At: at(7)},
		{UserID: "ben", UPN: "ben@x", Client: "POP3", App: "Mail", Device: "phone", At: at(1), ErrorCode: 50126},
		{UserID: "ben", UPN: "ben@x", Client: "SMTP", At: at(1), ErrorCode: 530032},
		{UPN: "Gone@x", Client: "Other clients", At: at(3)},
		{UPN: "gone@x", Client: "Other clients", At: at(4)},
		{UserID: "ben", Client: "Browser", At: at(1)},                       // modern
		{UserID: "ben", Client: "", At: at(1)},                              // unclear
		{UserID: "ben", Client: "POP", At: f.LegacySince.AddDate(0, 0, -1)}, // last week's
	}), nil)
	l := NewLegacy(f, Scope{Declared: map[string]Purpose{"scanner": Service}})
	expect(t, l.Figures, map[ID]string{LegacySucceeded: "6", LegacyBlocked: "2", LegacyAccounts: "3", LegacyPeople: "1"})

	wantUse := []ProtocolUse{
		{SMTPAuth, 2, 1, 2}, {IMAP, 2, 0, 1}, {POP, 0, 1, 0}, {ActiveSync, 0, 0, 0}, {OldOffice, 0, 0, 0}, {Other, 2, 0, 1},
	}
	if !reflect.DeepEqual(l.ByProtocol, wantUse) {
		t.Errorf("by protocol: got %v, want %v", l.ByProtocol, wantUse)
	}
	wantAccounts := []LegacyAccount{
		{UserID: "ann", UPN: "ann@x", Protocols: []Protocol{SMTPAuth, IMAP}, Apps: []string{"Exchange", "Mail"}, Devices: []string{"phone"}, Succeeded: 3, First: at(5), Last: at(1)},
		{UPN: "Gone@x", Protocols: []Protocol{Other}, Succeeded: 2, First: at(4), Last: at(3)},
		{UserID: "scanner", UPN: "scanner@x", Protocols: []Protocol{SMTPAuth}, Apps: []string{"Exchange"}, Devices: []string{"MFP-2"}, Succeeded: 1, First: at(7), Last: at(7)},
	}
	wantApps := []NamedUse{{"", 2, 1, 1}, {"Mail", 2, 1, 1}, {"Exchange", 2, 0, 2}}
	if !reflect.DeepEqual(l.ByApp, wantApps) {
		t.Errorf("by app: got %v, want %v", l.ByApp, wantApps)
	}
	wantDevices := []NamedUse{{"", 4, 1, 2}, {"phone", 1, 1, 1}, {"MFP-2", 1, 0, 1}}
	if !reflect.DeepEqual(l.ByDevice, wantDevices) {
		t.Errorf("by device: got %v, want %v", l.ByDevice, wantDevices)
	}
	if !reflect.DeepEqual(l.Accounts, wantAccounts) {
		t.Errorf("accounts:\n got %v\nwant %v", l.Accounts, wantAccounts)
	}
}

func TestLegacyWithoutSource(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		source Source[[]LegacyUse]
		want   string
	}{
		{"Free", From[[]LegacyUse](nil, errLicence), "needs P1"},
		{"failed", From[[]LegacyUse](nil, errors.New("odd")), "source failed"},
		{"not asked", Source[[]LegacyUse]{}, "not read"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := new(tenant).person("ann").onMethods()
			f.LegacyUse = tt.source
			l := NewLegacy(f, Scope{})
			expect(t, l.Figures, map[ID]string{
				LegacySucceeded: tt.want, LegacyBlocked: tt.want, LegacyAccounts: tt.want, LegacyPeople: tt.want,
			})
			if l.ByProtocol != nil || l.Accounts != nil {
				t.Errorf("got %v and %v, want no lists", l.ByProtocol, l.Accounts)
			}
		})
	}
}

func TestLegacyPeopleNeedAccounts(t *testing.T) {
	t.Parallel()
	f := Facts{AsOf: monday47, Users: From[[]graph.User](nil, errors.New("odd")), LegacyUse: From([]LegacyUse{}, nil)}
	expect(t, NewLegacy(f, Scope{}).Figures, map[ID]string{LegacySucceeded: "0", LegacyAccounts: "0", LegacyPeople: "source failed"})
}
