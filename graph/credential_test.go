package graph_test

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"text/template"

	"twokey/graph"
)

// holders are what a secret can be in, when somebody prints without thinking.
func holders(s graph.Secret) map[string]any {
	type open struct{ Secret graph.Secret }
	type closed struct{ secret graph.Secret }
	type deep struct{ inner closed }
	return map[string]any{
		"itself": s, "pointer": &s, "field": open{s}, "closed field": closed{s}, "pointer to closed field": &closed{s},
		"deep": deep{closed{s}}, "slice": []graph.Secret{s}, "array": [1]graph.Secret{s}, "map": map[string]graph.Secret{"k": s},
		"key": map[graph.Secret]int{s: 1}, "interface": []any{s}, "error": fmt.Errorf("sign in with %v: %w", s, errors.New("no")),
	}
}

// TestG24SecretHidesItself prints a secret in every way there is, and looks
// for it as it is and in the ways in which text is spelled.
func TestG24SecretHidesItself(t *testing.T) {
	t.Parallel()
	const canary = "canary/Z7+q=%\"x"
	s := graph.NewSecret(canary)
	if s.Reveal() != canary {
		t.Fatalf("Reveal = %q", s.Reveal())
	}
	text, err := json.Marshal(canary)
	if err != nil {
		t.Fatal(err)
	}
	spellings := []string{
		canary, strings.Trim(string(text), `"`), fmt.Sprintf("%q", canary), hex.EncodeToString([]byte(canary)), strings.ToUpper(hex.EncodeToString([]byte(canary))),
		base64.StdEncoding.EncodeToString([]byte(canary)), url.QueryEscape(canary), fmt.Sprint([]byte(canary)), fmt.Sprintf("%x", canary), fmt.Sprintf("% x", canary), "canary",
	}
	check := func(how, said string) {
		t.Helper()
		for _, spelling := range spellings {
			if strings.Contains(said, strings.Trim(spelling, "[]")) {
				t.Errorf("%s shows it: %s", how, said)
				return
			}
		}
	}
	for where, v := range holders(s) {
		for verb := range strings.SplitSeq("v +v #v T s q x X d o b c U e f g t p 10v -30s 08x w", " ") {
			check(where+" with %"+verb, fmt.Sprintf("%"+verb, v))
		}
		check(where+" with Sprint", fmt.Sprint(v)+fmt.Sprintln(v)+string(fmt.Append(nil, v)))
		var out bytes.Buffer
		log.New(&out, "", 0).Print(v)
		slog.New(slog.NewTextHandler(&out, nil)).Info("m", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "v", v)
		_ = json.NewEncoder(&out).Encode(v)
		_ = xml.NewEncoder(&out).Encode(v)
		_ = gob.NewEncoder(&out).Encode(v)
		_ = template.Must(template.New("").Parse(`{{.}}{{printf "%d" .}}{{html .}}`)).Execute(&out, v)
		check(where+" written", out.String())
	}
	check("String", s.String())
	check("GoString", s.GoString())
	func() {
		defer func() { check("a panic", fmt.Sprint(recover())) }()
		panic(s)
	}()
}

func TestNoSecret(t *testing.T) {
	t.Parallel()
	if graph.NewSecret("") != (graph.Secret{}) || (graph.Secret{}).Reveal() != "" {
		t.Error("no text is a secret")
	}
}
