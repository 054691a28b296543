package audit

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"
)

// pruned returns a chain of n records of which the first have lost their text,
// and whose last says so.
func pruned(t *testing.T, n, through int) []Record {
	t.Helper()
	all := chain(t, n)
	return sayPruned(t, all, through, start.Add(24*time.Hour), start.Add(LeastKept+24*time.Hour))
}

// sayPruned returns a chain whose first records have lost their text, with a
// record of a time that says that they were older than another.
func sayPruned(t *testing.T, all []Record, through int, before, at time.Time) []Record {
	t.Helper()
	all = slices.Clone(all)
	last, err := Chain(&all[len(all)-1], Entry{At: at, Kind: KindPruned, Actor: Bot, Facts: Pruned{Through: int64(through), Before: before.Format(time.RFC3339)}})
	if err != nil {
		t.Fatal(err)
	}
	all = append(all, last)
	for i := range through {
		all[i] = all[i].Link()
	}
	return all
}

// U22: records that were pruned hold their place, every head is still found,
// and a text can be lost in no other way.
func TestU22LinksHoldTheirPlace(t *testing.T) {
	t.Parallel()
	all := pruned(t, 6, 3)
	for _, r := range all {
		if last, err := Verify(seq(all), r.Hash); err != nil || last.Number != 7 {
			t.Errorf("head of record %d: %+v, %v", r.Number, last, err)
		}
	}
	for name, row := range map[string]struct {
		change func([]Record) []Record
		want   int64
	}{
		"a body changed":             {func(rs []Record) []Record { rs[1].Body = flip(rs[1].Body); return rs }, 2},
		"a hash changed":             {func(rs []Record) []Record { rs[1].Hash = flip(rs[1].Hash); return rs }, 2},
		"a link removed":             {func(rs []Record) []Record { return slices.Delete(rs, 1, 2) }, 2},
		"the first removed":          {func(rs []Record) []Record { return rs[1:] }, 1},
		"all links removed":          {func(rs []Record) []Record { return rs[3:] }, 1},
		"two swapped":                {func(rs []Record) []Record { rs[0], rs[1] = rs[1], rs[0]; return rs }, 1},
		"one more lost its text":     {func(rs []Record) []Record { rs[3] = rs[3].Link(); return rs }, 4},
		"one in between lost it":     {func(rs []Record) []Record { rs[4] = rs[4].Link(); return rs }, 5},
		"nothing says it was pruned": {func(rs []Record) []Record { return rs[:6] }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantBroken(t, row.change(slices.Clone(all)), "", row.want)
		})
	}
}

func provePart(rs []Record, hash string) (*Record, error) {
	p, err := Prove(seq(rs), Against{Hash: hash, Part: true})
	return p.Last, err
}

// G35: whoever has the database cannot say of what is not old that it was pruned:
// the heads that were kept say when the chain had come to which record.
func TestG35PrunedByNobody(t *testing.T) {
	t.Parallel()
	all := chain(t, 6)
	day := 24 * time.Hour
	at := start.Add(100 * day)
	kept := func(number int64, at time.Time) []Head {
		return []Head{{Number: number, Hash: all[number-1].Hash, At: at}}
	}
	for _, row := range []struct {
		name   string
		before time.Time
		heads  []Head
		want   int64 // 0: it is proved
	}{
		{"in its time", start.Add(day), kept(2, start.Add(time.Hour)), 0},
		{"with a head after all of it", start.Add(day), kept(4, start.Add(90*day)), 0},
		{"with heads of no time", start.Add(day), headsOf(all), 0},
		{"with clocks that are apart", start.Add(day), kept(2, start.Add(47*time.Hour)), 0},
		{"with a head of later than what was pruned", start.Add(day), kept(2, start.Add(50*day)), 3},
		{"sooner than any are", at.Add(-20 * day), nil, 7},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			rs := sayPruned(t, all, 4, row.before, at)
			p, err := Prove(seq(rs), Against{Heads: row.heads})
			if row.want != 0 {
				wantError(t, row.name, err, row.want)
				return
			}
			if err != nil || p.Pruned != 4 {
				t.Errorf("Prove = %+v, %v", p, err)
			}
		})
	}
}

// What follows the last head is said to be proved by nothing.
func TestProveSaysHowFar(t *testing.T) {
	t.Parallel()
	all := chain(t, 8)
	for name, a := range map[string]Against{
		"a hash": {Hash: all[4].Hash},
		"heads":  {Heads: headsOf([]Record{all[4], all[1]})},
		"both":   {Hash: all[1].Hash, Heads: headsOf(all[4:5])},
		"a part": {Hash: all[4].Hash, Part: true},
	} {
		if p, err := Prove(seq(all), a); err != nil || p.Last.Number != 8 || p.Met != 5 {
			t.Errorf("%s: Prove = %+v, %v; want it met up to 5 of 8", name, p, err)
		}
	}
}

// A part of a chain proves what it holds against a head, wherever it begins.
func TestProveAPart(t *testing.T) {
	t.Parallel()
	all := chain(t, 8)
	part := slices.Clone(all[2:])
	for _, i := range []int{1, 3, 4, 5} {
		part[i] = part[i].Link()
	}
	if last, err := provePart(part, all[7].Hash); err != nil || last.Number != 8 {
		t.Fatalf("Prove = %+v, %v", last, err)
	}
	for name, change := range map[string]func([]Record){
		"words":      func(rs []Record) { rs[0].Facts += " " },
		"later":      func(rs []Record) { rs[2].Kind = flip(rs[2].Kind) },
		"a link":     func(rs []Record) { rs[4].Body = flip(rs[4].Body) },
		"the number": func(rs []Record) { rs[0].Number++ },
		"before it":  func(rs []Record) { rs[0].Prev = flip(rs[0].Prev) },
		"no text":    func(rs []Record) { rs[0] = rs[0].Link() },
	} {
		bad := slices.Clone(part)
		change(bad)
		if _, err := provePart(bad, all[7].Hash); err == nil {
			t.Errorf("%s: changed, and not found", name)
		}
	}
	forged, err := Chain(&all[1], Entry{Kind: "request.submitted", Actor: "another", Request: "R-ABC234"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provePart(append([]Record{forged}, part[1:]...), all[7].Hash); err == nil {
		t.Error("a forged record was taken")
	}
	if _, err := provePart(part[:2], all[7].Hash); err == nil {
		t.Error("a head that is not in the part was taken")
	}
}

func TestExportOfLinks(t *testing.T) {
	t.Parallel()
	all := pruned(t, 4, 2)
	var file bytes.Buffer
	if err := Export(&file, seq(all)); err != nil {
		t.Fatal(err)
	}
	if first, _, _ := strings.Cut(file.String(), "\n"); first != `{"number":1,"body":"`+all[0].Body+`","hash":"`+all[0].Hash+`"}` {
		t.Errorf("a link is exported as %s", first)
	}
	if last, err := Verify(Import(bytes.NewReader(file.Bytes())), all[4].Hash); err != nil || last.Number != 5 {
		t.Fatalf("Verify(Import(Export)) = %v, %v", last, err)
	}
	for i := range file.Len() {
		bad := slices.Clone(file.Bytes())
		bad[i] ^= 1
		if _, err := Verify(Import(bytes.NewReader(bad)), all[4].Hash); err == nil {
			t.Fatalf("byte %d changed and not found: %s", i, bad)
		}
	}
}
