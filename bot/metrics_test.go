package main

import (
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"twokey/graph/simtenant"
)

// TestMetrics holds that what operators watch moves with what happens, is named
// as is usual, and names nobody.
func TestMetrics(t *testing.T) {
	t.Parallel()
	addr := freePort(t)
	of := openOffice(t, officeOptions{edit: func(yaml string) string { return yaml + "web: {addr: \"" + addr + "\"}\n" }})
	of.command("vic", "", "status")
	of.command("ada", "", "defaults enable because we must")
	of.until("all is counted", func() bool {
		text := scrape(t, addr)
		return !slices.ContainsFunc([]string{
			`twokey_event_duration_seconds_count{kind="command",outcome="answered"} 2`,
			`twokey_requests{state="pending"} 1`,
			"twokey_chat_connected 1", "twokey_tenant_reachable 1", "twokey_store_readable 1", "twokey_audit_damaged 0", "twokey_frozen_tenants 0",
			"twokey_build_info{", "go_goroutines ", `twokey_graph_call_duration_seconds_count{operation="read organization",result="ok"}`,
		}, func(want string) bool { return !strings.Contains(text, want) })
	})
	text := scrape(t, addr)
	if !regexp.MustCompile(`(?m)^twokey_audit_records_total [1-9]`).MatchString(text) {
		t.Errorf("no records are counted")
	}
	for _, m := range simtenant.Cast(0) {
		for _, private := range []string{m.UPN, m.Name, account(m.ID), of.tenantID()} {
			if strings.Contains(text, private) {
				t.Errorf("the metrics say %q", private)
			}
		}
	}
	problems, err := testutil.GatherAndLint(of.service.metrics.registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}

func scrape(t *testing.T, addr string) string {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s, %v", answer.Status, err)
	}
	return string(text)
}
