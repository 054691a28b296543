package scheduler

import (
	"bytes"
	"encoding/json"
	"image/png"
	"slices"
	"testing"
	"time"

	"twokey/graph/rollout"
)

// figure is one of digest.json, as its contract says and no more.
type figure struct {
	ID     rollout.ID `json:"id"`
	Value  *float64   `json:"value"`
	Reason string     `json:"reason"`
	Change *float64   `json:"change"`
}

type contract struct {
	Tenant  string    `json:"tenant"`
	Week    string    `json:"week"`
	AsOf    time.Time `json:"as_of"`
	Figures []figure  `json:"figures"`
	Todo    []string  `json:"todo"`
}

// read reads digest.json, which may hold nothing beside its contract.
func (d telling) read(t *testing.T) (c contract) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(d.files["digest.json"]))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&c); err != nil {
		t.Fatal(err)
	}
	return c
}

func (d telling) figures(t *testing.T) map[rollout.ID]figure {
	t.Helper()
	byID := map[rollout.ID]figure{}
	for _, f := range d.read(t).Figures {
		byID[f.ID] = f
	}
	return byID
}

func TestFiguresAreAsPromised(t *testing.T) {
	t.Parallel()
	for name, d := range told() {
		c := d.read(t)
		if c.Tenant != d.Tenant || c.Week != "2026-W47" || !c.AsOf.Equal(d.AsOf) || c.Todo == nil || len(c.Todo) > 3 {
			t.Errorf("%s: %+v", name, c)
		}
		if len(c.Figures) < 25 || len(d.figures(t)) != len(c.Figures) {
			t.Errorf("%s: %d figures, %d of them by their own name", name, len(c.Figures), len(d.figures(t)))
		}
		for _, f := range c.Figures {
			if (f.Value == nil) == (f.Reason == "") || f.Change != nil && f.Value == nil {
				t.Errorf("%s: %+v", name, f)
			}
		}
		if text := d.files["digest.json"]; bytes.Contains(text, []byte("null")) {
			t.Errorf("%s: a null in\n%s", name, text)
		}
	}
}

func TestFilesGolden(t *testing.T) {
	t.Parallel()
	golden(t, "normal.json", string(told()["normal"].files["digest.json"]))
	for _, name := range []string{"normal", "hostile-names", "all-done"} {
		golden(t, name+".md", string(told()[name].files["digest.md"]))
	}
}

func TestFilesAreTheSameEveryTime(t *testing.T) {
	t.Parallel()
	first := told()["normal"]
	again, err := Files(first.Digest)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range again {
		names = append(names, f.Name)
		if !bytes.Equal(f.Data, first.files[f.Name]) {
			t.Errorf("%s has other bytes", f.Name)
		}
	}
	if want := []string{"digest.md", "digest.json", "chart.png"}; !slices.Equal(names, want) {
		t.Errorf("the files are %q, want %q", names, want)
	}
	if _, err := png.Decode(bytes.NewReader(first.files["chart.png"])); err != nil {
		t.Error(err)
	}
}

// Nothing that a tenant object is called becomes markup of the document.
func TestMarkdownOfHostileNames(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, want string }{
		{"*bold* _and_ ~struck~ `code`", "\\*bold\\* \\_and\\_ \\~struck\\~ \\`code\\`"},
		{"[a](b) ![c](d)", `\[a\](b) !\[c\](d)`},
		{"<b>&amp;", `&lt;b>&amp;`},
		{`\*`, `\\\*`},
		{"one\ntwo", "one two"},
		{"# no | table", `\# no \| table`},
		{"https://evil.example www.evil.example a@evil.example", `https:\//evil.example www\.evil.example a\@evil.example`},
	} {
		if got := escaped(tt.name); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
