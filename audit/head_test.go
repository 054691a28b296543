package audit

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func headsOf(rs []Record) []Head {
	heads := make([]Head, len(rs))
	for i, r := range rs {
		heads[i] = Head{Number: r.Number, Hash: r.Hash}
	}
	return heads
}

// O60: what was cut off, and an older copy that went on another way, is found
// by the heads that were kept.
func TestO60HeadsFindWhatIsMissing(t *testing.T) {
	t.Parallel()
	all := chain(t, 8)
	kept := headsOf([]Record{all[7], all[2], all[4]}) // in any order
	if last, err := VerifyHeads(seq(all), kept); err != nil || last.Number != 8 {
		t.Fatalf("VerifyHeads = %+v, %v", last, err)
	}
	another := slices.Clone(all[:4])
	for i := range 6 {
		r, err := Chain(&another[3+i], Entry{Kind: "request.other"})
		if err != nil {
			t.Fatal(err)
		}
		another = append(another, r)
	}
	for _, row := range []struct {
		name string
		rs   []Record
		want int64
	}{
		{"cut", all[:5], 6},
		{"cut by one", all[:7], 8},
		{"nothing left", nil, 1},
		{"an old copy that went on", another, 5},
		{"an old copy", another[:4], 5},
	} {
		_, err := VerifyHeads(seq(row.rs), kept)
		wantError(t, row.name, err, row.want)
	}
}

func TestHeadFile(t *testing.T) {
	t.Parallel()
	f := HeadFile(filepath.Join(t.TempDir(), "heads.jsonl"))
	if heads, err := f.Read(); len(heads) != 0 || err != nil {
		t.Errorf("a file that is not there: %v, %v", heads, err)
	}
	var want []Head
	for i, r := range chain(t, 3) {
		h := Head{Number: r.Number, Hash: r.Hash, At: time.Date(2026, 11, 28, 9, i, 0, 0, time.UTC)}
		if err := f.Append(h); err != nil {
			t.Fatal(err)
		}
		want = append(want, h)
		tear(t, f, `{"number":9,"ha`) // as a crash leaves it
		if got, err := f.Read(); err != nil || !slices.Equal(got, want) {
			t.Errorf("Read = %v, %v; want %v", got, err, want)
		}
	}
	tear(t, f, unfinished+"\n") // where nobody may cut it
	if got, err := f.Read(); err != nil || !slices.Equal(got, want) {
		t.Errorf("Read = %v, %v; want %v", got, err, want)
	}
	tear(t, f, "{\n")
	if got, err := f.Read(); err == nil {
		t.Errorf("a line that is no head was taken: %v", got)
	}
}

func tear(t *testing.T, f HeadFile, text string) {
	t.Helper()
	file, err := os.OpenFile(string(f), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
}
