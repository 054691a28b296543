package rollout

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"twokey/graph"
)

var reportDay = time.Date(2026, time.November, 14, 0, 0, 0, 0, time.UTC)

// mailReport is a report of 30 days with the mailboxes of ann, who uses IMAP and
// SMTP beside Outlook, ben, who does not, a scanner, and somebody deleted.
func mailReport(concealed bool) graph.EmailAppUse {
	use := graph.EmailAppUse{Period: graph.Days30, Refreshed: reportDay, Concealed: concealed, Rows: []graph.EmailAppRow{
		{UPN: "Scanner@x", Name: "Scanner", Last: reportDay, Programs: []graph.EmailProgram{graph.ProgramSMTP}},
		{UPN: "ann@x", Name: "Ann", Programs: []graph.EmailProgram{graph.OutlookForWeb, graph.ProgramIMAP4, graph.ProgramSMTP}},
		{UPN: "ben@x", Name: "Ben", Programs: []graph.EmailProgram{graph.OutlookForWindows}},
		{UPN: "gone@x", Deleted: true, Programs: []graph.EmailProgram{graph.ProgramPOP3}},
	}}
	for i := range use.Rows {
		if concealed {
			use.Rows[i].UPN, use.Rows[i].Name = "8D4A", "8D4A"
		}
	}
	return use
}

// onFree is a tenant without the log: ann, ben, a scanner and an emergency account.
func onFree(report Source[graph.EmailAppUse]) (Facts, Scope) {
	tn := new(tenant).person("ann").person("ben").person("scanner").person("glass")
	for i, u := range tn.users {
		tn.users[i].UPN = u.ID + "@x"
	}
	f := tn.onMethods()
	f.Licence, f.LegacyUse, f.LastSignIns = From(graph.Free, nil), From[[]LegacyUse](nil, errLicence), From[[]graph.LastSignIn](nil, errLicence)
	f.EmailApps = report
	return f, Scope{Declared: map[string]Purpose{"scanner": Service, "glass": Emergency}}
}

func TestLegacyFromTheMailReport(t *testing.T) {
	t.Parallel()
	f, s := onFree(From(mailReport(false), nil))
	l := NewLegacy(f, s)
	expect(t, l.Figures, map[ID]string{
		MailSeen: "2", MailSeenPeople: "1", MailSeenSMTP: "2", MailSeenIMAP: "1", MailSeenPOP: "0", LegacySucceeded: "needs P1",
	})
	if got := l.Get(MailSeenSMTP).AsOf; !got.Equal(reportDay) {
		t.Errorf("got as of %v, want the report's day %v", got, reportDay)
	}
	want := []MailAccount{
		{UserID: "scanner", UPN: "Scanner@x", Name: "Scanner", Protocols: []Protocol{SMTPAuth}, Last: reportDay, Purpose: Service},
		{UserID: "ann", UPN: "ann@x", Name: "Ann", Protocols: []Protocol{SMTPAuth, IMAP}},
	}
	if !reflect.DeepEqual(l.Mail.Accounts, want) || l.Mail.Days != 30 {
		t.Errorf("got %v over %d days, want %v over 30", l.Mail.Accounts, l.Mail.Days, want)
	}
}

func TestU17ConcealedNamesLeaveTheCounts(t *testing.T) {
	t.Parallel()
	f, s := onFree(From(mailReport(true), nil))
	l := NewLegacy(f, s)
	expect(t, l.Figures, map[ID]string{MailSeen: "2", MailSeenSMTP: "2", MailSeenIMAP: "1", MailSeenPeople: "names concealed"})
	if l.Mail.Accounts != nil {
		t.Errorf("got %v, want no accounts: they are hashes", l.Mail.Accounts)
	}
	v := JudgeLegacy(f, s)
	if want := []MailProtocol{{SMTPAuth, 2}, {IMAP, 1}}; !slices.Equal(v.Seen, want) || !slices.Contains(v.Blind, BlindNames) {
		t.Errorf("got the counts %v and the blind spots %q, want %v and the names among them", v.Seen, v.Blind, want)
	}
}

func TestU17LegacyVerdict(t *testing.T) {
	t.Parallel()
	empty := mailReport(false)
	empty.Rows = empty.Rows[2:3]
	refused := error(&graph.Error{Kind: graph.KindNoPermission, Permission: "Reports.Read.All"})
	scanner := AskOf{UserID: "scanner", UPN: "scanner@x", Purpose: Service}
	seen := []AskOf{
		{UserID: "scanner", UPN: "Scanner@x", Name: "Scanner", Protocols: []Protocol{SMTPAuth}, Purpose: Service},
		{UserID: "ann", UPN: "ann@x", Name: "Ann", Protocols: []Protocol{SMTPAuth, IMAP}},
	}
	counts := []MailProtocol{{SMTPAuth, 2}, {IMAP, 1}}
	log := func(days int, signIns ...graph.SignIn) func(*Facts) {
		return func(f *Facts) {
			f.Licence, f.LegacySince = From(graph.P1, nil), f.AsOf.AddDate(0, 0, -days)
			f.LegacyUse = From(SumSignIns(signIns), nil)
			f.LastSignIns = From([]graph.LastSignIn{{UserID: "glass"}}, nil)
		}
	}
	tests := []struct {
		name   string
		report Source[graph.EmailAppUse]
		change func(*Facts)
		want   LegacyVerdict
		green  bool
	}{
		{name: "Free, nothing seen", report: From(empty, nil), want: LegacyVerdict{
			Level: LegacyNotSeen, Source: MailReport, AsOf: reportDay, Days: 30, Seen: []MailProtocol{}, Ask: []AskOf{scanner}, Why: NeedsP1,
			Blind: []BlindSpot{BlindDevices, BlindProtocols, BlindEmergency},
		}},
		{name: "Free, seen", report: From(mailReport(false), nil), want: LegacyVerdict{
			Level: LegacySuspected, Source: MailReport, AsOf: reportDay, Days: 30, Seen: counts, Ask: seen, Why: NeedsP1,
			Blind: []BlindSpot{BlindDevices, BlindProtocols, BlindManner, BlindEmergency},
		}},
		{name: "Free, names concealed", report: From(mailReport(true), nil), want: LegacyVerdict{
			Level: LegacySuspected, Source: MailReport, AsOf: reportDay, Days: 30, Seen: counts, Ask: []AskOf{scanner}, Why: NeedsP1,
			Blind: []BlindSpot{BlindDevices, BlindProtocols, BlindManner, BlindNames, BlindEmergency},
		}},
		{name: "Free, no report", report: From(graph.EmailAppUse{}, refused), want: LegacyVerdict{
			AsOf: monday47, Ask: []AskOf{scanner}, Why: "permission missing: Reports.Read.All", Blind: []BlindSpot{BlindDevices, BlindEmergency},
		}},
		{name: "nothing asked", change: func(f *Facts) { f.LegacyUse = Source[[]LegacyUse]{} }, want: LegacyVerdict{
			AsOf: monday47, Ask: []AskOf{scanner}, Why: NotRead, Blind: []BlindSpot{BlindDevices, BlindEmergency},
		}},
		{name: "P1, none succeeded", change: log(7, graph.SignIn{UserID: "ann", Client: "POP", At: monday47, ErrorCode: 530032}), green: true, want: LegacyVerdict{
			Level: LegacyClear, Source: SignInLog, AsOf: monday47, Days: 7, Ask: []AskOf{scanner},
		}},
		{name: "P1, some succeeded", change: log(7, graph.SignIn{UserID: "ann", UPN: "ann@x", Client: "POP", At: monday47}), want: LegacyVerdict{
			Level: LegacyUsed, Source: SignInLog, AsOf: monday47, Days: 7, Seen: []MailProtocol{{POP, 1}},
			Ask: []AskOf{{UserID: "ann", UPN: "ann@x", Protocols: []Protocol{POP}}, scanner},
		}},
		{name: "P1 since yesterday", change: log(1), want: LegacyVerdict{
			Level: LegacyNotSeen, Source: SignInLog, AsOf: monday47, Days: 1, Ask: []AskOf{scanner}, Blind: []BlindSpot{BlindWindow},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f, s := onFree(tt.report)
			if tt.change != nil {
				tt.change(&f)
			}
			got := JudgeLegacy(f, s)
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
			if got.Green() != tt.green {
				t.Errorf("got green %v, want %v", got.Green(), tt.green)
			}
		})
	}
}

// TestU17NeverGreenWithoutTheLog draws tenants whose log cannot be read.
func TestU17NeverGreenWithoutTheLog(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		report := mailReport(rapid.Bool().Draw(t, "concealed"))
		report.Rows = report.Rows[:rapid.IntRange(0, len(report.Rows)).Draw(t, "rows")]
		report.Period = rapid.SampledFrom([]graph.EmailAppPeriod{graph.Days7, graph.Days30, graph.Days180}).Draw(t, "period")
		sources := []Source[graph.EmailAppUse]{From(report, nil), From(report, errors.New("odd")), {}}
		f, s := onFree(rapid.SampledFrom(sources).Draw(t, "source"))
		f.LegacySince = monday47.AddDate(0, 0, -rapid.IntRange(0, 90).Draw(t, "days"))
		f.LegacyUse = rapid.SampledFrom([]Source[[]LegacyUse]{From[[]LegacyUse](nil, errLicence), From[[]LegacyUse](nil, errors.New("odd")), {}}).Draw(t, "log")
		v := JudgeLegacy(f, s)
		if v.Green() || v.Level == LegacyClear || v.Why == "" {
			t.Fatalf("got %+v, want neither green nor without a reason", v)
		}
		if !slices.Contains(v.Blind, BlindDevices) || !slices.Contains(v.Blind, BlindEmergency) {
			t.Fatalf("got the blind spots %q, want unknown devices and emergency accounts among them", v.Blind)
		}
	})
}

func TestU17EmergencySignIns(t *testing.T) {
	t.Parallel()
	seen := From([]graph.LastSignIn{{UserID: "glass", At: monday47}, {UserID: "ann"}}, nil)
	tests := []struct {
		name    string
		licence Source[graph.Licence]
		last    Source[[]graph.LastSignIn]
		why     Reason
	}{
		{"P1", From(graph.P1, nil), seen, ""},
		{"Free, asked", From(graph.Free, nil), From[[]graph.LastSignIn](nil, errLicence), NotWatched},
		{"Free, not asked", From(graph.Free, nil), Source[[]graph.LastSignIn]{}, NotWatched},
		{"P1, not asked", From(graph.P1, nil), Source[[]graph.LastSignIn]{}, NotRead},
		{"P1, failed", From(graph.P1, nil), From[[]graph.LastSignIn](nil, errors.New("odd")), SourceFailed},
		{"P1, its row is missing", From(graph.P1, nil), From([]graph.LastSignIn{{UserID: "ann"}}, nil), NotRead},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f, s := onFree(Source[graph.EmailAppUse]{})
			f.Licence, f.LastSignIns = tt.licence, tt.last
			all, why := EmergencySignIns(f, s)
			if why != tt.why {
				t.Errorf("got the reason %q, want %q", why, tt.why)
			}
			if tt.why == "" && (len(all) != 1 || all[0].ID != "glass" || !all[0].Last.Equal(monday47)) {
				t.Errorf("got %v, want glass alone, seen at %v", all, monday47)
			}
		})
	}
}
