package main

import (
	"database/sql"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite"
)

// TestKillSync kills the real program with SIGKILL in the middle of its first
// sync of 20,000 people on Free, and starts it again. It goes on where it was:
// nobody whose row is stored is read again. Meanwhile the figures say of how
// many people they are, and in the end they are of all.
func TestKillSync(t *testing.T) {
	const people = 20_000
	tenant := child(t, "tenant", "--addr", "127.0.0.1:0", "--people", fmt.Sprint(people))
	data := t.TempDir()
	start := func() *process {
		return child(t, "demo", "--addr", "127.0.0.1:0", "--data", data, "--tenant", tenant.tenant)
	}
	// However fast the machine, being ready must not take the whole first sync.
	tenant.must(http.StatusOK, "POST", tenant.tenant+"/_sim/faults", []any{map[string]any{"path": "/$batch", "delay_ms": 30}}, nil)
	bot := start()
	until(t, 2*longEnough, "a sync that is well under way", func() bool { return len(methodsKept(t, data)) > people/5 })
	bot.end()

	kept := methodsKept(t, data)
	if n := len(kept); n < people/5 || n > people*4/5 {
		t.Fatalf("%d people are stored after the kill, want a part of %d", n, people)
	}
	before := len(seen(t, tenant.tenant))
	slow := map[string]any{"path": "/$batch", "delay_ms": 4000} // longer than a status waits
	tenant.must(http.StatusOK, "POST", tenant.tenant+"/_sim/faults", []any{slow}, nil)
	bot = start()
	meanwhile := status(bot)
	tenant.must(http.StatusOK, "POST", tenant.tenant+"/_sim/faults", []any{}, nil)
	if strings.Contains(meanwhile, "20,000 of 20,000 people.") || !strings.Contains(meanwhile, " of 20,000 people.") {
		t.Errorf("in the middle of the sync the status does not say of how many people it is:\n%s", meanwhile)
	}
	until(t, 2*longEnough, "the end of the sync", func() bool { return len(ids(t, data, "methods_due IS NULL AND enabled = 1 AND guest = 0")) == 0 })
	if end := status(bot); !strings.Contains(end, "20,000 of 20,000 people.") {
		t.Errorf("at the end the status does not say that it is of all:\n%s", end)
	}
	read, twice := 0, 0
	for _, r := range seen(t, tenant.tenant)[before:] {
		id, ok := strings.CutSuffix(strings.TrimPrefix(r.Path, "/v1.0/users/"), "/authentication/methods")
		if !ok {
			continue
		}
		read++
		if kept[id] {
			twice++
		}
	}
	t.Logf("%d people were stored when the process was killed; after the restart %d were read", len(kept), read)
	if read == 0 || twice > 0 {
		t.Errorf("of %d reads after the restart %d were of people who were stored", read, twice)
	}
}

// status asks for the status and returns what it says.
func status(p *process) string {
	p.t.Helper()
	before := len(p.messages("vic"))
	p.say("vic", "/mfa status")
	fits := from("people in scope")
	return p.await("vic", "the status", func(m message) bool { return fits(m) && len(p.messages("vic")) > before+1 }).Text
}

// seen are the requests that the tenant has had, parts of batches included.
func seen(t *testing.T, tenant string) (requests []struct{ Path string }) {
	t.Helper()
	if status, err := call("GET", tenant+"/_sim/requests", nil, &requests); err != nil || status != http.StatusOK {
		t.Fatalf("requests of the tenant: %d, %v", status, err)
	}
	return requests
}

// methodsKept are the people whose methods are stored.
func methodsKept(t *testing.T, data string) map[string]bool {
	t.Helper()
	return ids(t, data, "methods_due > 0") // an index holds it
}

// ids are the people in the bot's database who fit.
func ids(t *testing.T, data, where string) map[string]bool {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(data, databaseName)+"?_pragma=busy_timeout(10000)&_pragma=query_only(1)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	found := map[string]bool{}
	rows, err := db.QueryContext(t.Context(), "SELECT id FROM person WHERE "+where)
	if err != nil {
		return found // the table is not there yet
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			t.Fatal(err)
		}
		found[id] = true
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}
