package audit

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// injections are values that a spreadsheet, a terminal or a log would act on.
var injections = []string{
	"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u00a0=1", "\ufeff=1", "\u3000＝1", "＋1", "－1", "＠x", "|calc", "%x",
	"=cmd|' /C calc'!A0", "a\nb\r\n=c", "quote \" and , and ;", "\x1b[31mred", "\x00=1", "plain", "", "-", "'=1", "−1",
}

// O41, G38: no cell of the spreadsheet export begins like a formula, and the
// JSON export has every value exactly.
func TestO41ExportsAreNeutralAndExact(t *testing.T) {
	t.Parallel()
	var all []Record
	var prev *Record
	for i, x := range injections {
		r, err := Chain(prev, Entry{Tenant: x, Kind: x, Actor: x, Request: x, Facts: map[string]string{"why": x}})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
		prev = &all[i]
	}
	var sheet, exact bytes.Buffer
	if err := ExportCSV(&sheet, seq(all), func(actor string) (string, error) { return "name of " + actor, nil }); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&sheet).ReadAll()
	if err != nil || len(rows) != len(all)+1 {
		t.Fatalf("%d rows, %v; want %d", len(rows), err, len(all)+1)
	}
	for _, row := range rows {
		for _, c := range row {
			first, _ := utf8.DecodeRuneInString(strings.TrimSpace(strings.Trim(c, "\ufeff\x00")))
			if strings.ContainsRune("=+-@|%＝＋－＠−", first) || strings.ContainsAny(c, "\r\n\t\x00") {
				t.Errorf("a spreadsheet may act on %q", c)
			}
		}
	}
	if err := Export(&exact, seq(all)); err != nil {
		t.Fatal(err)
	}
	i := 0
	for r, err := range Import(&exact) {
		if err != nil {
			t.Fatal(err)
		}
		var facts map[string]string
		if err := json.Unmarshal([]byte(r.Facts), &facts); err != nil {
			t.Fatal(err)
		}
		if r.Kind != injections[i] || facts["why"] != injections[i] {
			t.Errorf("exported %q and %q, want %q", r.Kind, facts["why"], injections[i])
		}
		i++
	}
}
