package link_test

import (
	"errors"
	"testing"

	"twokey/bot/link"
	"twokey/graph"
)

// TestLinkCheck finds out before anybody comes what keeps people from signing in,
// and says how to mend it.
func TestLinkCheck(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		edit  func(*link.Config)
		wrong string // the check that is; empty: none
	}{
		"as it must be":            {func(*link.Config) {}, ""},
		"nobody there":             {func(c *link.Config) { c.Authority = "https://127.0.0.1:1" }, "sign-in service"},
		"an authority of another":  {func(c *link.Config) { c.Roots = nil }, "sign-in service"},
		"another tenant":           {func(c *link.Config) { c.Tenant = "organizations" }, "sign-in service"},
		"an address not told":      {func(c *link.Config) { c.PublicURL = "https://twokey.example" }, "sign-in address"},
		"a secret that is another": {func(c *link.Config) { c.ClientSecret = graph.NewSecret("guess") }, "sign-in secret"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := open(t, options{edit: tt.edit})
			looked, wrong := 0, ""
			p.page.Check(t.Context(), func(name string, err error) {
				looked++
				var h interface{ Hint() string }
				if err != nil {
					wrong = name
					if !errors.As(err, &h) || h.Hint() == "" {
						t.Errorf("%s says nothing to do: %v", name, err)
					}
				}
			})
			if wrong != tt.wrong || looked == 0 || wrong == "" && looked != 3 {
				t.Errorf("of %d checks %q is wrong, want %q", looked, wrong, tt.wrong)
			}
		})
	}
}
