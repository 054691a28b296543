// Package docs_test keeps what the documents say about the code true.
package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "twokey"

// mayImport says which of our packages each package may import. There are four
// floors, and no arrow runs up.
var mayImport = map[string][]string{
	"audit":                   nil,
	"chat":                    nil,
	"chat/chattest":           {"chat", "chat/hostile"},
	"chat/hostile":            nil,
	"chat/intake":             nil,
	"chat/outbox":             {"chat"},
	"chat/outward":            nil,
	"chat/phrases":            nil,
	"chat/phrasetest":         {"chat/phrases"},
	"chat/visit":              nil,
	"graph":                   nil,
	"graph/rollout":           {"graph"},
	"graph/sync":              {"graph", "graph/rollout"},
	"graph/watch":             {"graph", "graph/rollout"},
	"graph/msgraph":           {"graph", "graph/msgraph/quota"},
	"graph/msgraph/quota":     {"graph"},
	"graph/simtenant":         {"graph"},
	"graph/graphtest":         {"graph"},
	"commands":                {"chat", "commands/alert", "chat/outbox", "chat/phrases", "chat/phrasetest", "chat/visit", "commands/approval", "commands/evidence", "commands/guide", "commands/identity", "commands/link", "commands/rules", "commands/staff", "graph", "graph/rollout", "audit"},
	"commands/alert":          {"audit"},
	"commands/approval":       {"audit"},
	"commands/identity":       {"chat", "commands/approval", "commands/link", "commands/rules", "graph"},
	"commands/evidence":       {"audit", "commands/approval"},
	"commands/guide":          {"chat/phrases"},
	"commands/link":           {"chat", "chat/visit", "commands/approval"},
	"commands/rules":          nil,
	"commands/staff":          {"chat", "commands/approval"},
	"scheduler":               {"chat", "chat/phrases", "graph", "graph/rollout", "audit", "scheduler/chart"},
	"scheduler/chart":         nil,
	"scheduler/nudge":         {"chat", "chat/phrases", "chat/phrasetest", "graph", "graph/rollout"},
	"store":                   {"audit", "chat", "chat/outbox", "chat/phrases", "chat/visit", "commands/alert", "commands/approval", "commands/link", "commands/rules", "commands/staff", "graph", "graph/rollout", "graph/sync", "graph/watch", "scheduler", "scheduler/nudge"},
	"store/pgtest":            nil,
	"store/storetest":         {"audit", "chat", "chat/outbox", "chat/phrases", "chat/visit", "commands/alert", "commands/approval", "commands/link", "commands/rules", "commands/staff", "graph", "graph/rollout", "graph/sync", "graph/watch", "scheduler", "scheduler/nudge"},
	"bot/config":              {"commands/rules", "graph"},
	"bot/console":             {"chat"},
	"bot/entra":               {"commands", "graph"},
	"bot/discord":             {"chat", "chat/intake", "chat/outward"},
	"bot/discord/discordtest": nil,
	"bot/mail":                {"chat", "graph"},
	"bot/link":                {"chat", "chat/phrases", "chat/phrasetest", "chat/visit", "graph"},
	"bot/slack":               {"chat", "chat/intake", "chat/outward"},
	"bot/slack/slacktest":     nil,
	"bot/teams":               {"chat", "chat/outward"},
	"bot/beside":              nil,
	"bot/browsertest":         nil,
	"docs":                    nil,
}

// doors says where a foreign library may come in; everything else that is
// foreign may come in anywhere.
var doors = map[string][]string{
	"github.com/microsoftgraph/":   {"graph/msgraph"},
	"github.com/microsoft/kiota":   {"graph/msgraph"},
	"github.com/Azure/":            {"graph/msgraph"},
	"github.com/robfig/cron":       {"scheduler"},
	"github.com/slack-go/":         {"bot/slack"},
	"github.com/bwmarrin/":         {"bot/discord"},
	"modernc.org/sqlite":           {"store"},
	"github.com/pressly/goose":     {"store"},
	"github.com/gofrs/flock":       {"store"},
	"github.com/jackc/pgx":         {"store", "store/pgtest"},
	"gonum.org/":                   {"scheduler/chart"},
	"github.com/go-analyze/charts": {"scheduler/chart"},
	"github.com/kljensen/snowball": {"commands/guide"},
	"github.com/alecthomas/kong":   {"bot"},
	"github.com/prometheus/":       {"bot"},
	"github.com/coreos/go-oidc":    {"bot/link"},
	"github.com/go-webauthn/":      {"bot/link"},
	"golang.org/x/crypto/acme":     {"bot"},
	"golang.org/x/oauth2":          {"bot/link"},
	"golang.org/x/time/rate":       {"bot/link"},
	"github.com/goccy/go-yaml":     {"bot", "bot/config", "chat/phrases", "commands/guide"},
}

// topLevel is all that may stand at the root.
var topLevel = []string{
	"bot", "commands", "graph", "scheduler", "chat", "store", "audit", "docs", "deploy", ".ci",
	"go.mod", "go.sum", "Dockerfile", "README.md", "LICENSE", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md", "Makefile",
	".git", ".gitignore", ".dockerignore", ".gitattributes", ".editorconfig",
}

type file struct {
	dir     string // slash-separated, from the root
	name    string
	test    bool
	syntax  *ast.File
	imports []string
}

// sources parses every Go file of the module.
func sources(t *testing.T) []file {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	var files []file
	err = fs.WalkDir(os.DirFS(root), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && (d.Name() == "testdata" || d.Name() == ".git") {
			return skip(d, err)
		}
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, filepath.FromSlash(p)), nil, parser.ParseComments)
		if err != nil {
			return err
		}
		f := file{dir: path.Dir(p), name: path.Base(p), test: strings.HasSuffix(p, "_test.go"), syntax: syntax}
		for _, spec := range syntax.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			f.imports = append(f.imports, name)
		}
		files = append(files, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 50 {
		t.Fatalf("found %d Go files: is this the root of the module?", len(files))
	}
	return files
}

func skip(d fs.DirEntry, err error) error {
	if err != nil {
		return err
	}
	return fs.SkipDir
}

func TestImports(t *testing.T) {
	t.Parallel()
	for _, f := range sources(t) {
		if f.test || f.dir == "bot" { // tests may reach further, and the program assembles everything
			continue
		}
		allowed, known := mayImport[f.dir]
		if !known {
			t.Errorf("%s is not in the table: say what it may import", f.dir)
		}
		for _, name := range f.imports {
			ours, ok := strings.CutPrefix(name, module+"/")
			if ok && ours != f.dir && !slices.Contains(allowed, ours) {
				t.Errorf("%s/%s imports %s, which its package may not", f.dir, f.name, name)
			}
		}
	}
}

func TestDoors(t *testing.T) {
	t.Parallel()
	for _, f := range sources(t) {
		for _, name := range f.imports {
			for library, where := range doors {
				spared := f.test && !strings.Contains(library, "microsoft") // the SDK costs minutes to build wherever it is
				if strings.HasPrefix(name, library) && !slices.Contains(where, f.dir) && !spared {
					t.Errorf("%s/%s imports %s, which comes in only at %s", f.dir, f.name, name, strings.Join(where, ", "))
				}
			}
			if name == "github.com/microsoftgraph/msgraph-sdk-go" {
				t.Errorf("%s/%s imports the root of the Graph SDK: import the packages of the paths that are used", f.dir, f.name)
			}
		}
	}
}

func TestPackageSentence(t *testing.T) {
	t.Parallel()
	said := map[string]bool{}
	for _, f := range sources(t) {
		key := f.dir + " " + f.syntax.Name.Name
		if f.test && !strings.HasSuffix(f.syntax.Name.Name, "_test") {
			continue
		}
		said[key] = said[key] || strings.HasSuffix(f.syntax.Name.Name, "_test") || begins(f.syntax)
	}
	for key, ok := range said {
		if !ok {
			t.Errorf("%s has no package sentence", key)
		}
	}
}

func begins(f *ast.File) bool {
	start := "Package " + f.Name.Name + " "
	if f.Name.Name == "main" {
		start = "Program "
	}
	return f.Doc != nil && strings.HasPrefix(f.Doc.Text(), start)
}

// TestNoInit holds that lists are written out and not assembled by imports.
func TestNoInit(t *testing.T) {
	t.Parallel()
	for _, f := range sources(t) {
		for _, d := range f.syntax.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s/%s has an init function", f.dir, f.name)
			}
		}
	}
}

// TestNoPlatformInTheCore holds that nothing below the adapters knows a chat
// platform by name.
func TestNoPlatformInTheCore(t *testing.T) {
	t.Parallel()
	for _, f := range sources(t) {
		if f.test || strings.HasPrefix(f.dir, "bot") {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if ok && lit.Kind == token.STRING {
				text := strings.ToLower(lit.Value)
				for _, name := range []string{`"slack"`, `"discord"`, `"console"`} {
					if text == name {
						t.Errorf("%s/%s names a platform: %s", f.dir, f.name, lit.Value)
					}
				}
			}
			return true
		})
	}
}

func TestTopLevel(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains(topLevel, e.Name()) {
			t.Errorf("%s does not belong at the top level", e.Name())
		}
	}
}
