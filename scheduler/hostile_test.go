package scheduler

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"

	"twokey/chat"
	"twokey/chat/hostile"
)

// shapeOf parses a document and returns the kinds of its nodes in order, without
// the pieces that text may come in. Where text was given, it returns the text of
// each block too.
func shapeOf(document string) (shape, blocks []string) {
	source := []byte(document)
	root := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(source))
	err := ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering || n.Kind() == ast.KindText || n.Kind() == ast.KindString {
			return ast.WalkContinue, nil
		}
		name := n.Kind().String()
		if image, ok := n.(*ast.Image); ok {
			name += " " + string(image.Destination)
		}
		shape = append(shape, name)
		if n.Type() == ast.TypeBlock && n.FirstChild() != nil && n.FirstChild().Type() == ast.TypeInline {
			var b strings.Builder
			for line := range n.Lines().Len() {
				at := n.Lines().At(line)
				b.Write(at.Value(source))
			}
			blocks = append(blocks, b.String())
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		panic(err)
	}
	return shape, blocks
}

// G21: whatever the tenant's names are, the digest's document has the same
// headings, items, bold labels and picture as with harmless ones, and no link,
// and nothing in it or in its plain twin hides something.
func TestG21DigestOfHostileNames(t *testing.T) {
	t.Parallel()
	names := 100_000
	if testing.Short() {
		names = 10_000 // each trick comes by far more often than once all the same
	}
	digest := told()["normal"].Digest
	digest.This.Departments = slices.Clone(digest.This.Departments)
	r := rand.New(rand.NewPCG(21, 4))
	each := slices.Clone(hostile.Words)
	name := func() string {
		if len(each) > 0 {
			w := each[0]
			each = each[1:]
			return w
		}
		return hostile.Text(r)
	}
	digest.Todo = []string{departmentWords("Sales") + " is furthest behind."}
	harmless := must(Message(digest))
	want, _ := shapeOf(markdown(harmless))
	lines := strings.Count(harmless.Plain(), "\n")
	for n := 0; n < names; {
		for i := range digest.This.Departments {
			digest.This.Departments[i].Name = "x" + name() // a name that is empty is none
			n++
		}
		digest.Todo = []string{departmentWords(digest.This.Departments[0].Name) + " is furthest behind."}
		m := words(digest, &chat.Image{Name: filePicture, Alt: "MFA at " + chat.Safe(name(), nameRunes)})
		n++
		got, blocks := shapeOf(markdown(m))
		if !slices.Equal(got, want) {
			t.Fatalf("the document's shape is\n%q, want\n%q:\n%s", got, want, markdown(m))
		}
		plain := m.Plain()
		if strings.Count(plain, "\n") != lines {
			t.Fatalf("the plain twin has other lines:\n%+q", plain)
		}
		for _, line := range append(blocks, strings.Split(plain, "\n")...) {
			for part := range strings.SplitSeq(line, "\n") {
				if why := hostile.Hides(part); why != "" {
					t.Fatalf("%s in %+q", why, part)
				}
			}
		}
	}
}
