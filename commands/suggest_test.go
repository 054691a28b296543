package commands

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestSuggest holds who is suggested what while they type: whoever may look people
// up is shown accounts, everybody their own open requests, and nobody anything of
// a command that they may not run.
func TestSuggest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.ask()
	for name, c := range map[string]struct {
		person, command, option, typed string
		want                           []string // values
	}{
		"the help desk finds an account":    {"ada", "tap", "user", "sam", []string{"sam@vale.example"}},
		"in whatever case":                  {"ada", "tap", "user", " SAM", []string{"sam@vale.example"}},
		"not with two letters":              {"ada", "tap", "user", "sa", nil},
		"nor staff":                         {"sam", "tap", "user", "sam", nil},
		"nor an approver":                   {"abe", "tap", "user", "sam", nil},
		"nor whoever nobody knows":          {"nobody", "tap", "user", "sam", nil},
		"a request by its number":           {"abe", "approve", "request", strings.ToLower(r.Ref), []string{r.Ref}},
		"or by nothing":                     {"ada", "cancel", "request", "", []string{r.Ref}},
		"or by what it is about":            {"ada", "cancel", "request", "sec", []string{r.Ref}},
		"not to whom it is not":             {"sam", "cancel", "request", "", nil},
		"nothing of an option of words":     {"ada", "tap", "reason", "sam", nil},
		"nothing of a command that is none": {"ada", "tapp", "user", "sam", nil},
		"nothing of an option that is none": {"ada", "tap", "usr", "sam", nil},
		"nobody is called so":               {"ada", "tap", "user", "samovar", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, err := w.mux.Suggest(t.Context(), account(c.person), c.command, c.option, c.typed)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range found {
				got = append(got, s.Value)
				if s.Label == "" || len([]rune(s.Label)) > maxLabel {
					t.Errorf("shown as %q", s.Label)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("suggested %q, want %q", got, c.want)
			}
		})
	}
}

// TestSuggestFew holds that nobody leafs through the directory by typing.
func TestSuggestFew(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(f *fixture) {
		for i := range 30 {
			f.add(fmt.Sprint("crew", i), fmt.Sprint("Crew ", i))
		}
	})
	found, err := w.mux.Suggest(t.Context(), account("ada"), "tap", "user", "crew")
	if err != nil || len(found) != mostSuggestions {
		t.Errorf("%d are suggested, %v", len(found), err)
	}
}
