package msgraph_test

import (
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"twokey/graph"
	"twokey/graph/msgraph"
)

const usageHeader = "\ufeffReport Refresh Date,User Principal Name,Display Name,Is Deleted,Deleted Date,Last Activity Date,Mail For Mac,Outlook For Mac,Outlook For Windows," +
	"Outlook For Mobile,Other For Mobile,Outlook For Web,POP3 App,IMAP4 App,SMTP App,Report Period\r\n"

// file answers as a place of files does.
func file(body string) http.Handler {
	return reply(200, body, "Content-Type", "application/octet-stream")
}

// redirected is a tenant that answers with the address of a file.
func redirected(location string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", strings.ReplaceAll(location, "HOST", r.Host))
		w.WriteHeader(http.StatusFound)
	})
}

func TestEmailAppUse(t *testing.T) {
	t.Parallel()
	files := &arrivals{next: file(usageHeader +
		"2026-11-22,ann@x,Ann,False,,2026-11-20,No,No,Yes,No,No,No,No,Yes,No,7\r\n" +
		"2026-11-22,old@x,\"Old, gone\",True,2026-11-01,,,,,,,,,,,7\r\n")}
	elsewhere := newServer(t, files)
	tenant := &arrivals{next: redirected(elsewhere + "/file?sig=a%2Bb%3D")}
	got, err := serve(t, tenant).EmailAppUse(t.Context(), graph.Days7)
	want := graph.EmailAppUse{
		Period: graph.Days7, Refreshed: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC),
		Rows: []graph.EmailAppRow{
			{UPN: "ann@x", Name: "Ann", Last: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), Programs: []graph.EmailProgram{graph.OutlookForWindows, graph.ProgramIMAP4}},
			{UPN: "old@x", Name: "Old, gone", Deleted: true},
		},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v and error %v, want %+v", got, err, want)
	}
	if uri, _ := url.PathUnescape(tenant.of("")[0].URI); uri != "/v1.0/reports/getEmailAppUsageUserDetail(period='D7')" {
		t.Errorf("asked for %s", uri)
	}
	asked := files.of("")[0]
	if asked.URI != "/file?sig=a%2Bb%3D" || asked.Header.Get("Authorization") != "" {
		t.Errorf("the file was asked for by %s with %q, want the address as it came and no token", asked.URI, asked.Header.Get("Authorization"))
	}
}

func TestTokenStaysWithGraph(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.Handle("/v1.0/", redirected("http://HOST/data/file"))
	files := &arrivals{next: file(usageHeader)}
	mux.Handle("/data/", files)
	got, err := serve(t, mux).EmailAppUse(t.Context(), graph.Days30)
	if err != nil || len(got.Rows) != 0 || !got.Refreshed.IsZero() {
		t.Errorf("got %+v and error %v, want a report without lines", got, err)
	}
	if token := files.of("")[0].Header.Get("Authorization"); token != "" {
		t.Errorf("the same host's place of files got %q", token)
	}
}

func TestFilesOfElsewhere(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		base, to string
		fetched  bool
	}{
		{"https://graph.microsoft.com/v1.0", "https://reportsweu.office.com/data/v1.0/download?token=x", true},
		{"https://graph.microsoft.com/v1.0", "https://graph.microsoft.com/file", true},
		{"https://graph.microsoft.com/v1.0", "http://reportsweu.office.com/file", false},
		{"https://graph.microsoft.com/v1.0", "https://office.com.example/file", false},
		{"https://graph.microsoft.com/v1.0", "https://reportsoffice.com/file", false},
		{"https://graph.microsoft.com/v1.0", "https://reports.office.com:8443/file", false},
		{"https://graph.microsoft.com/v1.0", "https://me@reports.office.com/file", false},
		{"https://graph.microsoft.com/v1.0", "http://127.0.0.1/file", false},
		{"http://127.0.0.1/v1.0", "http://localhost:9/file", true},
		{"http://127.0.0.1/v1.0", "https://reports.office.com/file", false},
		{"http://127.0.0.1/v1.0", "http://elsewhere.invalid/file", false},
	} {
		t.Run(tt.base+" to "+tt.to, func(t *testing.T) {
			t.Parallel()
			var asked []*http.Request
			c, err := msgraph.New(msgraph.Config{BaseURL: tt.base, Credential: anyToken{}, Transport: roundTrip(func(r *http.Request) *http.Response {
				asked = append(asked, r)
				if len(asked) == 1 {
					return answered(r, 302, http.Header{"Location": {tt.to}}, "")
				}
				return answered(r, 200, http.Header{"Content-Type": {"text/csv; charset=utf-8"}}, usageHeader)
			})})
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.EmailAppUse(t.Context(), graph.Days7)
			switch {
			case tt.fetched && (err != nil || len(asked) != 2 || asked[1].Header.Get("Authorization") != ""):
				t.Errorf("got error %v after %d requests, want the file, fetched without a token", err, len(asked))
			case !tt.fetched && (err == nil || len(asked) != 1):
				t.Errorf("got error %v after %d requests, want one and no more", err, len(asked))
			}
		})
	}
}

// TestListsAreNotRedirectedToFiles checks that only the reads of files may go to
// another host.
func TestListsAreNotRedirectedToFiles(t *testing.T) {
	t.Parallel()
	elsewhere := &arrivals{next: reply(200, `{"value":[]}`)}
	_, err := serve(t, redirected(newServer(t, elsewhere)+"/v1.0/users")).Users(t.Context())
	wantError(t, err, graph.KindUnclear)
	if n := len(elsewhere.of("")); n != 0 {
		t.Errorf("%d requests went elsewhere", n)
	}
}

func TestConcealedNames(t *testing.T) {
	t.Parallel()
	line := func(upn string) string { return "2026-11-22," + upn + ",N,False,,,No,No,No,No,No,No,No,No,Yes,7\n" }
	for body, want := range map[string]bool{
		line("CFA1CB2A8B9F4E0D9C1A2F60D6A3B111"): true,
		line("ann@x"):                            false,
		line("ann@x") + line("CFA1CB2A8B9F4E0D"): true,
		"":                                       false,
	} {
		got, err := serve(t, file(usageHeader+body)).EmailAppUse(t.Context(), graph.Days7)
		if err != nil || got.Concealed != want {
			t.Errorf("%q: got concealed %v and error %v, want %v", body, got.Concealed, err, want)
		}
	}
	for answer, want := range map[string]graph.Kind{`{"displayConcealedNames":null}`: graph.KindUnclear, `{}`: graph.KindUnclear} {
		_, err := serve(t, reply(200, answer)).NamesConcealed(t.Context())
		wantError(t, err, want)
	}
}

// TestReportThatIsNone checks that nothing is counted as unused because it
// could not be read.
func TestReportThatIsNone(t *testing.T) {
	t.Parallel()
	const line = "2026-11-22,ann@x,Ann,False,,2026-11-20,No,No,Yes,No,No,No,No,Yes,"
	for name, answer := range map[string]http.Handler{
		"a page":             reply(200, "<html>sign in</html>", "Content-Type", "text/html"),
		"JSON":               reply(200, `{"value":[]}`),
		"nothing":            file(""),
		"a missing column":   file(strings.ReplaceAll(usageHeader, "IMAP4 App,", "Gopher App,") + line + "No,7\n"),
		"a word":             file(usageHeader + line + "Perhaps,7\n"),
		"an empty cell":      file(usageHeader + line + ",7\n"),
		"a short line":       file(usageHeader + "2026-11-22,ann@x\n"),
		"a long line":        file(usageHeader + line + "No,7,8\n"),
		"no name":            file(usageHeader + "2026-11-22,,Ann,False,,2026-11-20,No,No,Yes,No,No,No,No,Yes,No,7\n"),
		"no day":             file(usageHeader + "soon,ann@x,Ann,False,,2026-11-20,No,No,Yes,No,No,No,No,Yes,No,7\n"),
		"a quote in between": file(usageHeader + "2026-11-22,a\"b,Ann\n"),
	} {
		_, err := serve(t, answer).EmailAppUse(t.Context(), graph.Days7)
		if e, ok := err.(*graph.Error); !ok || e.Kind != graph.KindUnclear {
			t.Errorf("%s: got error %v, want one that is unclear", name, err)
		}
	}
}

func TestOutlookVersions(t *testing.T) {
	t.Parallel()
	got, err := serve(t, file("\ufeffOutlook 2010,Report Refresh Date,Report Period,Outlook 2031\n3,2026-11-22,7,0\n")).OutlookVersions(t.Context(), graph.Days7)
	want := graph.OutlookVersions{Refreshed: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC), Users: map[string]int{"Outlook 2010": 3, "Outlook 2031": 0}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v and error %v, want %+v", got, err, want)
	}
	for _, body := range []string{"Report Refresh Date,Outlook 2010\n", "Report Refresh Date,Outlook 2010\n2026-11-22,\n", "Report Refresh Date,Outlook 2010\n2026-11-22,-1\n"} {
		_, err := serve(t, file(body)).OutlookVersions(t.Context(), graph.Days7)
		wantError(t, err, graph.KindUnclear)
	}
}
