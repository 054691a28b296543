package commands

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"twokey/chat"
	"twokey/chat/phrases"
)

// twinLines is what people type in the place of a button, by its ID. "value" stands
// for what the button carries.
var twinLines = map[string]string{
	"approve": "approve value",
	"deny":    "deny value",
	"cancel":  "cancel value",
	"ask":     "requests ask value why",
	"stop":    "stop value",
	"pause":   "requests pause value",
	"resume":  "requests resume value",
	"resolve": "resolve value done it is there",
	"confirm": "requests confirm value",
	"collect": "collect value",
	"topic":   "guide print value",
	"run":     "", // its value is the line itself
}

// TestEachButtonHasATypedTwin holds that whatever the core can put on a button can
// be typed: it reads the source for buttons, so that a new one cannot be missed, and
// the mux for what it takes.
func TestEachButtonHasATypedTwin(t *testing.T) {
	t.Parallel()
	w := newDryWorld(t)
	used := map[string]string{}
	for _, dir := range []string{".", "../scheduler", "../scheduler/nudge", "alert"} {
		buttonIDs(t, dir, used)
	}
	if len(used) < 8 {
		t.Fatalf("only %v were found in the source", used)
	}
	for id, where := range used {
		line, ok := twinLines[id]
		if !ok {
			t.Errorf("%s: the button %q has no typed twin", where, id)
			continue
		}
		if line == "" {
			continue
		}
		c, left, found := find(w.mux.all, strings.Fields(line))
		if !found {
			t.Errorf("nobody can type %q for the button %q", line, id)
			continue
		}
		if _, _, err := parse(phrases.Voice{}, c, left); err != nil {
			t.Errorf("%q is not taken: %v", line, err)
		}
	}
	// And the other way round: the mux takes none that is not among them.
	for id := range twinLines {
		got := w.handle(chat.Event{Kind: chat.Press, From: account("sam"), Button: id, Value: "me"})
		if strings.Contains(got.Plain(), "no longer in use") {
			t.Errorf("the mux does not know %q", id)
		}
	}
}

// buttonIDs adds the IDs that stand in literals of buttons in a folder's source.
func buttonIDs(t *testing.T, dir string, used map[string]string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files := token.NewFileSet()
		parsed, err := parser.ParseFile(files, name, source, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			literal, ok := n.(*ast.CompositeLit)
			if !ok {
				return true
			}
			id, pressed := "", false
			for _, e := range literal.Elts {
				kv, ok := e.(*ast.KeyValueExpr)
				if !ok {
					continue
				}
				key, _ := kv.Key.(*ast.Ident)
				value, isText := kv.Value.(*ast.BasicLit)
				switch {
				case key == nil:
				case key.Name == "ID" && isText:
					id, _ = strconv.Unquote(value.Value)
				case key.Name == "Value" || key.Name == "Style": // which a form's fields have not
					pressed = true
				}
			}
			if id != "" && pressed {
				used[id] = files.Position(literal.Pos()).String()
			}
			return true
		})
	}
}

// What a preview says to type confirms it, once and for who may, and not when it has
// become another.
func TestConfirmedByTyping(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, dsn string) {
		w := newWorldIn(t, dsn)
		const asked = "goal 98% by 2027-03-31"
		shown := w.say("ada", asked)
		typed := ""
		for _, f := range shown.Details {
			if f.Label == "To confirm it by typing" {
				typed = strings.TrimPrefix(f.Value, "/mfa ")
			}
		}
		if !strings.HasPrefix(typed, "requests confirm #") || !strings.HasSuffix(typed, asked) {
			t.Fatalf("it says to type %q", typed)
		}
		if n := len(w.stored()); n != 0 {
			t.Fatalf("%d requests before it is confirmed", n)
		}
		wantSaid(t, w.say("abe", typed), "You may not use “/mfa goal”")
		wrong := strings.Replace(typed, "#", "#f", 1)
		wantSaid(t, w.say("ada", wrong), "Something has changed since this was shown")
		wantSaid(t, w.say("ada", "requests confirm goal 98%"), "not what a preview says")
		wantSaid(t, w.say("ada", "requests confirm #0123"), "not what a preview says")
		if n := len(w.stored()); n != 0 {
			t.Fatalf("%d requests without a confirmation", n)
		}
		wantSaid(t, w.say("ada", typed), "You have confirmed it")
		if n := len(w.stored()); n != 1 {
			t.Errorf("%d requests, want one", n)
		}
	})
}

// An approver's question can be typed, and goes the same way as from the button.
func TestAskedByTyping(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, dsn string) {
		w := newWorldIn(t, dsn)
		w.say("ada", "defaults enable everybody has been trained")
		ref := w.stored()[0].Ref
		wantSaid(t, w.say("abe", "requests ask "+ref+" who trained them?"), "Your question about "+ref+" was passed on.")
		wantSaid(t, w.say("abe", "requests ask "+ref), "needs what you want to know")
		if got := w.say("sue", "requests ask "+ref+" what is this?").Plain(); strings.Contains(got, "passed on") {
			t.Errorf("who does not decide it: %s", got)
		}
	})
}
