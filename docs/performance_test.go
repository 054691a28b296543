package docs_test

import (
	"os"
	"strings"
	"testing"
)

// TestPerformance holds that the README shows the same measurement as
// docs/performance.md, with its machine and its day.
func TestPerformance(t *testing.T) {
	t.Parallel()
	measured := func(file string) string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, after, began := strings.Cut(string(text), "<!-- made by make performance -->\n")
		part, _, ended := strings.Cut(after, "<!-- until here -->\n")
		if !began || !ended || strings.Count(part, "\n| ") < 15 {
			t.Errorf("%s has no table between the marks", file)
		}
		for _, must := range []string{"Measured on ", " cores of ", "go1."} {
			if !strings.Contains(part, must) {
				t.Errorf("%s does not say %q", file, must)
			}
		}
		return part
	}
	if measured("performance.md") != measured("../README.md") {
		t.Error("the README shows another measurement than docs/performance.md: “make performance” writes both")
	}
}
