package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"twokey/audit"
)

// twokey runs one command line of ours and returns its status and output.
func twokey(args ...string) (status int, out, errs string) {
	var o, e bytes.Buffer
	status = run(context.Background(), args, streams{strings.NewReader(""), &o, &e})
	return status, o.String(), e.String()
}

// write keeps a file of the test and returns its name.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// O60: whatever was done to the database while the bot was down, it starts,
// answers, says what is wrong, and changes nothing; and so does “audit verify”.
func TestO60TheBotStartsAndRefuses(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(t *testing.T, db, old string) (says *regexp.Regexp){
		"the last three are cut off": func(t *testing.T, db, _ string) *regexp.Regexp {
			execute(t, db, "DELETE FROM audit WHERE number > (SELECT MAX(number) - 3 FROM audit)")
			return regexp.MustCompile(`record \d+ is missing`)
		},
		"an old copy is put back": func(t *testing.T, db, old string) *regexp.Regexp {
			copyFile(t, old, db)
			return regexp.MustCompile(`record \d+ is (missing|not the one whose head)`)
		},
		"a record is edited": func(t *testing.T, db, _ string) *regexp.Regexp {
			execute(t, db, "UPDATE audit SET actor = 'host' WHERE number = 2")
			return regexp.MustCompile(`record 2 does not match its own hash`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := t.TempDir()
			db, old := filepath.Join(data, databaseName), filepath.Join(t.TempDir(), "old.db")
			d, stop := startDemoIn(t, data)
			d.ask("/mfa defaults enable for the test")
			stop()
			copyFile(t, db, old)
			d, stop = startDemoIn(t, data)
			d.say("ada", "/mfa requests")
			open := d.await("ada", "the request", from("R-"))
			request := regexp.MustCompile(`R-[A-Z2-7]{6}`).FindString(open.Text)
			d.say("abe", "/mfa deny "+request+" not today")
			d.await("abe", "that it is denied", from("enied"))
			stop()
			says := harm(t, db, old)

			d, stop = startDemoIn(t, data)
			defer stop()
			d.say("vic", "/mfa audit")
			d.await("vic", "the damage", func(m message) bool { return says.MatchString(m.Text) && strings.Contains(m.Text, "change nothing") })
			d.say("sam", "/mfa")
			d.await("sam", "an answer", from("You are not set up yet"))
			d.say("ada", "/mfa defaults enable now really")
			d.await("ada", "a refusal", func(m message) bool { return says.MatchString(m.Text) && strings.Contains(m.Text, "change nothing") })
			d.wantEffects(0)
			if status, said := d.verify(); status != 1 || !says.MatchString(said) {
				t.Errorf("audit verify = %d %q", status, said)
			}
		})
	}
}

func execute(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(statement); err != nil {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// U21: evidence, table and chain are exported and checked beside a running bot,
// each with a head that was kept elsewhere; an altered byte is named.
func TestU21TheProgramProves(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	request := d.ask("/mfa defaults enable =HYPERLINK(\"http://evil\")").Request
	d.approve(request)
	d.advance("10s")
	d.outcome(request, "done")

	status, said, errs := twokey("audit", "verify", "--data", d.data)
	head := regexp.MustCompile(`head ([0-9a-f]{64})`).FindStringSubmatch(said)
	if status != 0 || head == nil {
		t.Fatalf("audit verify = %d %q %q", status, said, errs)
	}
	heads := write(t, "heads", mustEncode(t, audit.Head{Number: 1, Hash: strings.Repeat("0", 64)})+"\n")
	status, file, errs := twokey("audit", "export", "--data", d.data, "--evidence", request)
	if status != 0 || !json.Valid([]byte(file)) {
		t.Fatalf("audit export --evidence = %d %q", status, errs)
	}
	evidence := write(t, "evidence.json", file)
	altered := write(t, "altered.json", strings.Replace(file, "bea", "abe", 1))
	cut := write(t, "cut.json", file[:len(file)/2])
	_, lines, _ := twokey("audit", "export", "--data", d.data)
	export := write(t, "export.jsonl", lines)
	for name, c := range map[string]struct {
		args   []string
		status int
		says   string
	}{
		"evidence":                    {[]string{"--file", evidence, "--head", head[1]}, 0, "ok: " + request + ", proved by records "},
		"evidence, of another chain":  {[]string{"--file", evidence, "--head", strings.Repeat("0", 64)}, 1, "is missing"},
		"altered evidence":            {[]string{"--file", altered, "--head", head[1]}, 1, "The evidence was changed: line "},
		"cut evidence":                {[]string{"--file", cut}, 1, "The evidence was changed: line "},
		"export":                      {[]string{"--file", export, "--head", head[1]}, 0, "ok: "},
		"export, another head":        {[]string{"--file", export, "--head", strings.Repeat("0", 64)}, 1, "is missing: the head kept elsewhere"},
		"export, a file of heads":     {[]string{"--file", export, "--head", heads}, 1, "record 1 is not the one whose head was kept elsewhere"},
		"database, a file of heads":   {[]string{"--data", d.data, "--head", heads}, 1, "record 1 is not the one whose head was kept elsewhere"},
		"evidence, a file of heads":   {[]string{"--file", evidence, "--head", heads}, 1, "none of the heads is of one of them"},
		"neither a hash nor a file":   {[]string{"--data", d.data, "--head", "abc"}, 1, "neither a hash of 64 hex digits nor a file"},
		"a file without heads":        {[]string{"--data", d.data, "--head", write(t, "empty", "")}, 1, "there is no head in it"},
		"an export that was reworded": {[]string{"--file", write(t, "bad", strings.Replace(lines, "request.", "request_", 1))}, 1, "does not match its own hash"},
		"a terminal escape in a file": {[]string{"--file", write(t, "esc", "{\"number\":1,\"\u009b[31m\u202eforged\":2}\n")}, 1, `\u009b[31m\u202eforged`},
	} {
		status, out, errs := twokey(append([]string{"audit", "verify"}, c.args...)...)
		if status != c.status || !strings.Contains(out+errs, c.says) || strings.ContainsAny(out+errs, "\x1b\u009b\u202e") {
			t.Errorf("%s: audit verify = %d, want %d and %q: %q", name, status, c.status, c.says, out+errs)
		}
	}
	if status, _, errs := twokey("audit", "export", "--data", d.data, "--evidence", "R-ZZZZZZ"); status != 1 || !strings.Contains(errs, "There are no audit records of this request.") {
		t.Errorf("evidence of nothing = %d %q", status, errs)
	}
	wantSheet(t, d.data)
	wantConfigured(t, d.data, head[1])
	wantErased(t, d.data, request)
}

// wantConfigured fails unless the database and the heads are found by the
// configuration, whatever else that file says or does not.
func wantConfigured(t *testing.T, data, head string) {
	t.Helper()
	kept := write(t, "kept", mustEncode(t, audit.Head{Number: 2, Hash: strings.Repeat("0", 64)})+"\n")
	dsn := write(t, "dsn", filepath.Join(data, databaseName))
	for text, c := range map[string]struct {
		status int
		says   string
	}{
		"store:\n  dsn_file: " + dsn + "\n":                                    {0, "ok: "},
		"store:\n  dsn_file: " + dsn + "\naudit:\n  head_to: [" + kept + "]\n": {1, "record 2 is not the one whose head was kept elsewhere"},
		"audit:\n  retention: 7y\n":                                            {1, "store"},
	} {
		status, out, errs := twokey("audit", "verify", "--config", write(t, "twokey.yaml", text), "--head", head)
		if status != c.status || !strings.Contains(out+errs, c.says) {
			t.Errorf("audit verify --config = %d, want %d and %q: %q", status, c.status, c.says, out+errs)
		}
	}
}

// wantErased fails unless whoever asked for the request can be erased beside
// the running bot, and what is left still proves itself.
func wantErased(t *testing.T, data, request string) {
	t.Helper()
	var f struct {
		Asked   *struct{ Tenant string }
		Answers struct {
			AskedBy struct{ Object, Name string } `json:"asked_by"`
		}
	}
	read := func() string {
		t.Helper()
		f.Asked = nil
		_, text, errs := twokey("audit", "export", "--data", data, "--evidence", request)
		if err := json.Unmarshal([]byte(text), &f); err != nil {
			t.Fatalf("audit export --evidence: %v %s", err, errs)
		}
		return text
	}
	read()
	ada := f.Answers.AskedBy.Object
	args := []string{"audit", "erase", "--data", data, "--tenant", f.Asked.Tenant, "--person", ada}
	if status, out, errs := twokey(args...); status != 0 {
		t.Fatalf("audit erase = %d %q", status, out+errs)
	}
	if status, _, errs := twokey(args...); status != 1 || !strings.Contains(errs, "nothing is known of this person") {
		t.Errorf("audit erase again = %d %q", status, errs)
	}
	text := read()
	if strings.Contains(text, ada) || strings.Contains(text, "Okafor") || f.Asked != nil {
		t.Errorf("the evidence still names who was erased:\n%s", text)
	}
	if status, out, errs := twokey("audit", "verify", "--file", write(t, "erased.json", text)); status != 0 {
		t.Errorf("evidence after erasing: verify = %d %q", status, out+errs)
	}
	if status, out, errs := twokey("audit", "verify", "--data", data); status != 0 {
		t.Errorf("the chain after erasing: verify = %d %q", status, out+errs)
	}
}

func mustEncode(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// wantSheet fails unless the table names people and no cell is a formula.
func wantSheet(t *testing.T, data string) {
	t.Helper()
	status, sheet, errs := twokey("audit", "export", "--data", data, "--csv")
	rows, err := csv.NewReader(strings.NewReader(sheet)).ReadAll()
	if status != 0 || err != nil {
		t.Fatalf("audit export --csv = %d %q, %v", status, errs, err)
	}
	if !slices.ContainsFunc(rows, func(row []string) bool { return strings.Contains(row[5], "Ada Okafor") }) {
		t.Errorf("the table names nobody:\n%s", sheet)
	}
	for _, row := range rows {
		for _, cell := range row {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
				t.Errorf("a formula: %q", cell)
			}
		}
	}
}

// O60: whoever removes the file of heads, to cut the record off, is told of: the
// file should have had some. It is none of that where the file is named newly.
func TestO60TheFileOfHeadsIsGone(t *testing.T) {
	t.Parallel()
	of := openOffice(t, officeOptions{scopes: []string{"groups:history"}})
	of.ask("defaults enable everybody has been trained") // something stands in the record
	if err := of.end(); err != nil {
		t.Fatal(err)
	}
	heads := filepath.Join(of.folder, "heads.jsonl")
	if kept, err := audit.HeadFile(heads).Read(); err != nil || len(kept) == 0 {
		t.Fatalf("heads: %v, %v", kept, err)
	}
	if err := os.Remove(heads); err != nil {
		t.Fatal(err)
	}
	of.start(0)
	of.await("abe", "that the heads are gone", of.direct("abe", of.says(emptiedHeadline, "heads.jsonl")))
	if err := of.end(); err != nil {
		t.Fatal(err)
	}
	of.write("twokey.yaml", strings.Replace(of.yaml(""), "heads.jsonl", "elsewhere.jsonl", 1))
	of.start(0)
	of.await("abe", "what has changed", of.direct("abe", of.says("The rules of this bot were changed")))
	of.ask("defaults enable everybody has been trained once more")
	for _, m := range of.slack.Seen(account("abe")) {
		if of.says(emptiedHeadline, "elsewhere.jsonl")(m) {
			t.Errorf("a place that is new had no heads to lose: %s", m.Plain)
		}
	}
}

// TestSaysHowFarItIsProved holds that a verifier says what no head proves and
// what has no text any more.
func TestSaysHowFarItIsProved(t *testing.T) {
	t.Parallel()
	const whole = "ok: 8 records, head 3f9c\n"
	last := audit.Record{Number: 8, Hash: "3f9c"}
	for _, row := range []struct {
		proof audit.Proof
		want  string
	}{
		{audit.Proof{}, "ok: no records\n"},
		{audit.Proof{Last: &last}, whole}, // no head was given
		{audit.Proof{Last: &last, Met: 8}, whole},
		{audit.Proof{Last: &last, Met: 8, Pruned: 3}, whole + "records 1 to 3 have no text any more: pruned\n"},
		{audit.Proof{Last: &last, Met: 7}, whole + "record 8 is later than the last head that was kept: nothing outside the database proves that\n"},
		{audit.Proof{Last: &last, Met: 4}, whole + "records 5 to 8 are later than the last head that was kept: nothing outside the database proves that\n"},
	} {
		var out bytes.Buffer
		if err := proved(&out, row.proof); err != nil || out.String() != row.want {
			t.Errorf("%+v: %q, %v", row.proof, &out, err)
		}
	}
}
