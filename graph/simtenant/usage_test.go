package simtenant_test

import (
	"bytes"
	"encoding/csv"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"twokey/graph"
	"twokey/graph/simtenant"
)

const (
	userDetail   = "/v1.0/reports/getEmailAppUsageUserDetail"
	appCounts    = "/v1.0/reports/getEmailAppUsageAppsUserCounts"
	versionCount = "/v1.0/reports/getEmailAppUsageVersionsUserCounts"
	settingsPath = "/v1.0/admin/reportSettings"
)

// fetch asks for a report and follows its redirect by hand.
func fetch(t *testing.T, h http.Handler, path string) []map[string]string {
	t.Helper()
	r := ask(h, "GET", path, "")
	if r.status != http.StatusFound || len(r.raw) != 0 {
		t.Fatalf("GET %s: %d %s", path, r.status, r.raw)
	}
	file := ask(h, "GET", strings.TrimPrefix(r.header.Get("Location"), "http://tenant.test"), "")
	if file.status != 200 || file.header.Get("Content-Type") != "application/octet-stream" {
		t.Fatalf("file of %s: %d %s", path, file.status, file.raw)
	}
	return rows(t, file.raw)
}

// rows reads a CSV with the mark of UTF-8 by its column names.
func rows(t *testing.T, raw []byte) []map[string]string {
	t.Helper()
	text, marked := bytes.CutPrefix(raw, []byte("\ufeff"))
	if !marked {
		t.Fatalf("no byte order mark: %.40q", raw)
	}
	all, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatalf("read CSV: %v", err)
	}
	var list []map[string]string
	for _, fields := range all[1:] {
		row := map[string]string{}
		for i, name := range all[0] {
			row[name] = fields[i]
		}
		list = append(list, row)
	}
	return list
}

func TestUsageFollowsTheSignIns(t *testing.T) {
	t.Parallel()
	// The same world on Free and with a licence: the log of one tells what the
	// file of the other has to say.
	licensed := newTenant(t, simtenant.Config{Licence: graph.P1, People: 600, Seed: 5})
	h := newTenant(t, simtenant.Config{People: 600, Seed: 5})
	columns := map[string]string{
		"IMAP4": "IMAP4 App", "IMAP": "IMAP4 App", "POP3": "POP3 App", "POP": "POP3 App", "Authenticated SMTP": "SMTP App", "SMTP": "SMTP App",
	}
	used := map[string]map[string]bool{}
	refreshed := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	const log = "/beta/auditLogs/signIns?$filter=createdDateTime ge 2026-11-16T00:00:00Z and " +
		"(signInEventTypes/any(t:t eq 'interactiveUser') or signInEventTypes/any(t:t eq 'nonInteractiveUser'))"
	for _, s := range list(t, licensed, escapeQuery(log)) {
		at, err := time.Parse(time.RFC3339Nano, s["createdDateTime"].(string))
		if err != nil {
			t.Fatal(err)
		}
		column := columns[s["clientAppUsed"].(string)]
		if column == "" || s["status"].(object)["errorCode"] != 0.0 || at.Before(refreshed.AddDate(0, 0, -6)) || !at.Before(refreshed.AddDate(0, 0, 1)) {
			continue
		}
		upn := s["userPrincipalName"].(string)
		if used[upn] == nil {
			used[upn] = map[string]bool{}
		}
		used[upn][column] = true
	}
	if len(used) < 5 {
		t.Fatalf("only %d accounts use old protocols", len(used))
	}
	modern := 0
	for _, row := range fetch(t, h, userDetail+"(period='D7')") {
		if row["Report Refresh Date"] != "2026-11-22" || row["Report Period"] != "7" || row["Is Deleted"] != "False" {
			t.Fatalf("row: %v", row)
		}
		seen := used[strings.ToLower(row["User Principal Name"])]
		for _, column := range []string{"POP3 App", "IMAP4 App", "SMTP App"} {
			switch {
			case seen[column] && row[column] != "Yes":
				t.Errorf("%s: %s is %q, the log shows it", row["User Principal Name"], column, row[column])
			case !seen[column] && row[column] == "Yes":
				modern++
			}
		}
		delete(used, strings.ToLower(row["User Principal Name"]))
	}
	for upn := range used {
		t.Errorf("%s uses an old protocol and has no row", upn)
	}
	if modern == 0 || modern > 20 {
		t.Errorf("%d people use IMAP with a modern sign-in, want a few", modern)
	}
}

func TestUsageAfterTheOldProtocolsStopped(t *testing.T) {
	t.Parallel()
	now := newClock(epoch)
	h := newTenant(t, simtenant.Config{People: 600, Now: now.Now})
	before := fetch(t, h, appCounts+"(period='D7')")[0]["SMTP App"]
	ask(h, "PATCH", defaultsPath, `{"isEnabled":true}`)
	now.Add(10 * 24 * time.Hour)
	if after := fetch(t, h, appCounts+"(period='D7')")[0]["SMTP App"]; before == "0" || after != "0" {
		t.Errorf("SMTP: %s before security defaults, %s ten days after", before, after)
	}
}

func TestUsageReports(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{})
	short, long := fetch(t, h, userDetail+"(period='D7')"), fetch(t, h, userDetail+"(period='D180')")
	oneDay := fetch(t, h, userDetail+"(date=2026-11-18)")
	count := func(list []map[string]string, column string) (n int) {
		for _, row := range list {
			if row[column] == "Yes" {
				n++
			}
		}
		return n
	}
	if len(short) != len(long) || count(short, "POP3 App") > count(long, "POP3 App") || count(oneDay, "Outlook For Windows") > count(long, "Outlook For Windows") {
		t.Errorf("half a year knows less than a week: %d and %d rows", len(long), len(short))
	}
	apps := fetch(t, h, appCounts+"(period='D30')")
	if len(apps) != 1 || apps[0]["Report Period"] != "30" || apps[0]["Outlook For Windows"] == "0" || apps[0]["IMAP4 App"] == "0" {
		t.Errorf("apps: %v", apps)
	}
	versions := fetch(t, h, versionCount+"(period='D30')")
	if len(versions) != 1 || versions[0]["Outlook M365"] == "0" || versions[0]["Report Period"] != "30" {
		t.Errorf("versions: %v", versions)
	}
}

// The reports are one to two days late, and later before the morning.
func TestUsageIsLate(t *testing.T) {
	t.Parallel()
	now := newClock(epoch)
	h := newTenant(t, simtenant.Config{Now: now.Now})
	for _, want := range []string{"2026-11-22", "2026-11-22", "2026-11-22", "2026-11-23"} {
		if got := fetch(t, h, appCounts+"(period='D7')")[0]["Report Refresh Date"]; got != want {
			t.Errorf("at %s: got %s, want %s", now.Now(), got, want)
		}
		now.Add(7 * time.Hour)
	}
}

func TestUsageRefusals(t *testing.T) {
	t.Parallel()
	h := newTenant(t, simtenant.Config{})
	for path, want := range map[string]int{
		userDetail + "(period='D8')":                        400,
		userDetail + "(period=D7)":                          400,
		userDetail + "(date=yesterday)":                     400,
		userDetail + "(date=2026-11-23)":                    400, // not there yet
		userDetail + "(date=2026-10-01)":                    400,
		userDetail + "()":                                   400,
		appCounts + "(date=2026-11-18)":                     400,
		appCounts + "(period='D7')?$format=application/xml": 400,
		userDetail:                        404,
		"/v1.0/reports/getNothing(x='1')": 404,
		"/data/download/getEmailAppUsageAppsUserCounts":              403,
		"/data/download/getEmailAppUsageAppsUserCounts?token=eyJ.AA": 403,
	} {
		r := ask(h, "GET", path, "")
		if r.status != want {
			t.Errorf("%s: got %d, want %d", path, r.status, want)
		}
		refusal(t, r)
	}
}

func TestDownloadAddress(t *testing.T) {
	t.Parallel()
	now := newClock(epoch)
	h := newTenant(t, simtenant.Config{Now: now.Now})
	location := ask(h, "GET", appCounts+"(period='D7')", "").header.Get("Location")
	path := strings.TrimPrefix(location, "http://tenant.test")
	if r := ask(h, "GET", path, "", "Authorization", "Bearer me"); r.status != 400 {
		t.Errorf("with a token: got %d, want 400", r.status)
	}
	if r := ask(h, "POST", path, ""); r.status != 405 {
		t.Errorf("POST: got %d, want 405", r.status)
	}
	if r := ask(h, "GET", strings.Replace(path, "AppsUserCounts", "UserDetail", 1), ""); r.status != 403 {
		t.Errorf("another report's address: got %d, want 403", r.status)
	}
	if r := ask(h, "GET", path+"A", ""); r.status != 403 {
		t.Errorf("a damaged signature: got %d, want 403", r.status)
	}
	now.Add(4 * time.Minute)
	if r := ask(h, "GET", path, ""); r.status != 200 {
		t.Errorf("after 4 minutes: got %d, want 200", r.status)
	}
	now.Add(2 * time.Minute)
	if r := ask(h, "GET", path, ""); r.status != 403 {
		t.Errorf("after 6 minutes: got %d, want 403", r.status)
	}
}

// Over the wire the file is on another host than Graph, as in the cloud; Go's
// client then leaves the token behind by itself.
func TestDownloadIsOnAnotherHost(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(newTenant(t, simtenant.Config{}))
	defer server.Close()
	var hosts, tokens []string
	client := &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		hosts, tokens = append(hosts, r.URL.Hostname()), append(tokens, r.Header.Get("Authorization"))
		return http.DefaultTransport.RoundTrip(r)
	})}
	r, err := http.NewRequest("GET", server.URL+appCounts+"(period='D7')", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer me")
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != 200 || len(rows(t, raw)) != 1 {
		t.Errorf("file: %d %v", answer.StatusCode, err)
	}
	if !slices.Equal(hosts, []string{"127.0.0.1", "localhost"}) || !slices.Equal(tokens, []string{"Bearer me", ""}) {
		t.Errorf("hosts %v with tokens %q", hosts, tokens)
	}
	inside := httptest.NewRequest("GET", "http://127.0.0.1"+appCounts+"(period='D7')", nil)
	inside.RemoteAddr = ""
	w := httptest.NewRecorder()
	newTenant(t, simtenant.Config{}).ServeHTTP(w, inside)
	if u, err := url.Parse(w.Header().Get("Location")); err != nil || u.Host != "127.0.0.1" {
		t.Errorf("inside one program: %s", w.Header().Get("Location"))
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestConcealedNames(t *testing.T) {
	t.Parallel()
	now := newClock(epoch)
	file := filepath.Join(t.TempDir(), "tenant.journal")
	h := newTenant(t, simtenant.Config{Journal: file, ConcealNames: true, Now: now.Now})
	conceals := func(h *simtenant.Tenant) any {
		return decode[object](t, ask(h, "GET", settingsPath, ""))["displayConcealedNames"]
	}
	if got := conceals(h); got != true {
		t.Errorf("at the beginning: %v", got)
	}
	hidden := fetch(t, h, userDetail+"(period='D7')")
	for _, row := range hidden {
		if strings.Contains(row["User Principal Name"], "@") || len(row["User Principal Name"]) != 32 || len(row["Display Name"]) != 32 {
			t.Fatalf("a name is not concealed: %v", row)
		}
	}
	now.Add(time.Minute)
	if r := ask(h, "PATCH", settingsPath, `{"displayConcealedNames":"no"}`); r.status != 400 {
		t.Errorf("no boolean: got %d, want 400", r.status)
	}
	if r := ask(h, "PATCH", settingsPath, `{"displayConcealedNames":false}`); r.status != 204 || conceals(h) != false {
		t.Fatalf("PATCH: %d %s", r.status, r.raw)
	}
	if got := fetch(t, h, userDetail+"(period='D7')"); strings.Contains(got[0]["User Principal Name"], "@") {
		t.Error("the change shows at once; it takes minutes")
	}
	now.Add(6 * time.Minute)
	shown := fetch(t, h, userDetail+"(period='D7')")
	if len(shown) != len(hidden) || !strings.Contains(shown[0]["User Principal Name"], "@") {
		t.Errorf("minutes later: %v", shown[0])
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if again := newTenant(t, simtenant.Config{Journal: file, Now: now.Now}); conceals(again) != false || !again.Config().ConcealNames {
		t.Error("the journal lost the setting")
	}
}
