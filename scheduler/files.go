package scheduler

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"twokey/chat"
	"twokey/graph/rollout"
)

// File is one file of a digest that is written out instead of posted.
type File struct {
	Name string
	Data []byte
}

// Names of a digest's files.
const (
	fileText    = "digest.md"
	fileFigures = "digest.json"
	filePicture = "chart.png"
)

// Files returns the digest as digest.md, digest.json and chart.png. The same
// digest always gives the same bytes.
func Files(d Digest) ([]File, error) {
	m, err := Message(d)
	if err != nil {
		return nil, err
	}
	return files(d, m)
}

func files(d Digest, m chat.Message) (_ []File, err error) {
	figures := struct {
		Tenant  string          `json:"tenant"`
		Week    string          `json:"week"`
		AsOf    time.Time       `json:"as_of"`
		Figures rollout.Figures `json:"figures"`
		Todo    []string        `json:"todo"`
	}{d.Tenant, d.Week, d.AsOf, rollout.Compare(d.This, d.Last), d.Todo}
	var text bytes.Buffer
	out := json.NewEncoder(&text)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	if err := out.Encode(figures); err != nil {
		return nil, fmt.Errorf("encode figures: %w", err)
	}
	if m.Image == nil { // that of a quiet week: a file takes no room on a phone
		if m.Image, err = digestPicture(d); err != nil {
			return nil, fmt.Errorf("draw digest: %w", err)
		}
	}
	return []File{{fileText, []byte(markdown(m))}, {fileFigures, text.Bytes()}, {filePicture, m.Image.PNG}}, nil
}

// markdown is the digest as a document.
func markdown(m chat.Message) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n", escaped(m.Headline))
	if m.Text != "" {
		fmt.Fprintf(&b, "%s\n\n", escapedText(m.Text))
	}
	for _, f := range m.Fields {
		fmt.Fprintf(&b, "- **%s:**", escaped(f.Label))
		if strings.Contains(f.Value, "\n") { // a list of its own, one level in
			b.WriteString("\n")
			for line := range strings.Lines(f.Value) {
				fmt.Fprintf(&b, "  %s\n", escaped(strings.TrimSpace(line)))
			}
			continue
		}
		fmt.Fprintf(&b, " %s\n", escaped(f.Value))
	}
	fmt.Fprintf(&b, "\n![%s](%s)\n", escaped(m.Image.Alt), filePicture)
	if len(m.Details) > 0 {
		fmt.Fprintf(&b, "\n## Details\n\n")
		for _, f := range m.Details {
			fmt.Fprintf(&b, "- %s: %s\n", escaped(f.Label), escaped(f.Value))
		}
	}
	fmt.Fprintf(&b, "\n%s\n", escaped(m.Footer))
	return b.String()
}

// escapedText is escaped, and keeps its paragraphs.
func escapedText(s string) string {
	paragraphs := strings.Split(s, "\n\n")
	for i, p := range paragraphs {
		paragraphs[i] = escaped(p)
	}
	return strings.Join(paragraphs, "\n\n")
}

// escaped keeps the tenant's own names from becoming markup or links.
func escaped(s string) string { return markup.Replace(s) }

var markup = strings.NewReplacer(
	"\n", " ", `\`, `\\`, "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "]", `\]`, "<", "&lt;", "#", `\#`, "|", `\|`, "~", `\~`,
	"://", `:\//`, "www.", `www\.`, "@", `\@`,
)
