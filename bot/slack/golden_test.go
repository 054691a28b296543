package slack

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/slack-go/slack"

	"twokey/chat"
	"twokey/chat/chattest"
)

var update = flag.Bool("update", false, "write the goldens anew")

// compiled returns a part of one of Slack's schemas.
func compiled(t testing.TB, name string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.UseRegexpEngine(pattern)
	folder := "testdata"
	if strings.HasPrefix(name, "slack-blocks") { // the workspace judges by the same
		folder = filepath.Join("slacktest", folder)
	}
	s, err := c.Compile(filepath.Join(folder, name))
	if err != nil {
		t.Fatalf("compile %s: %v", name, err)
	}
	return s
}

// pattern compiles a pattern of a schema. One that Go cannot read matches
// nothing, so that whoever needs it fails.
func pattern(s string) (jsonschema.Regexp, error) {
	if r, err := regexp.Compile(s); err == nil {
		return r, nil
	}
	return unreadable(s), nil
}

type unreadable string

func (unreadable) MatchString(string) bool { return false }
func (u unreadable) String() string        { return string(u) }

// valid judges a value as it is sent.
func valid(s *jsonschema.Schema, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	decoded, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return err
	}
	return s.Validate(decoded)
}

// shown is a look as a golden has it.
type shown struct {
	Text   string          `json:"text"`
	Blocks []slack.Block   `json:"blocks"`
	More   [][]slack.Block `json:"more,omitempty"`
}

type blocks struct {
	Blocks []slack.Block `json:"blocks"`
}

// golden compares a value with its golden file.
func golden(t *testing.T, name string, v any) {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", "golden", name+".json")
	if *update {
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), want) {
		t.Errorf("%s differs from its golden; -update writes it anew:\n%s", name, b.String())
	}
}

// uploaded are the options with which a fixture is first shown.
func uploaded(m chat.Message) options {
	if m.Image == nil {
		return options{}
	}
	return options{image: "F0CHART"}
}

func TestGoldenMessages(t *testing.T) {
	t.Parallel()
	schema := compiled(t, "slack-blocks.schema.json#/definitions/MessageBlocks")
	for _, f := range append(chattest.Fixtures(), chattest.Digests()...) {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			l := render(f.Message, uploaded(f.Message))
			golden(t, f.Name, shown{l.text, l.blocks, l.more})
			for _, o := range []options{uploaded(f.Message), {update: true}, {simple: true}, {simple: true, update: true}} {
				l := render(f.Message, o)
				for _, bs := range append(l.more, l.blocks) {
					if err := valid(schema, blocks{bs}); err != nil {
						t.Errorf("%+v: %v", o, err)
					}
				}
			}
		})
	}
}

func TestGoldenModals(t *testing.T) {
	t.Parallel()
	schema := compiled(t, "slack-blocks.schema.json#/definitions/ModalView")
	for _, f := range chattest.Fixtures() {
		for _, b := range f.Message.Buttons {
			if len(b.Form) == 0 {
				continue
			}
			v := modal(b, `{"button":"`+b.ID+`"}`)
			golden(t, "modal-"+f.Name+"-"+b.ID, v)
			if err := valid(schema, v); err != nil {
				t.Errorf("%s of %s: %v", b.ID, f.Name, err)
			}
		}
	}
}

func TestGoldenHome(t *testing.T) {
	t.Parallel()
	var ms []chat.Message
	for _, f := range chattest.Fixtures() {
		if strings.Contains("me prompt table", f.Name) {
			ms = append(ms, f.Message)
		}
	}
	v := home(ms)
	golden(t, "home", v)
	if err := valid(compiled(t, "slack-blocks.schema.json#/definitions/HomeView"), v); err != nil {
		t.Error(err)
	}
}
