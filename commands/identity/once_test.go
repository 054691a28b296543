package identity_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"twokey/commands/identity"
	"twokey/commands/rules"
	"twokey/graph"
)

// counting counts what is read of a town.
type counting struct {
	*town
	reads int
}

func (c *counting) User(ctx context.Context, id string) (graph.User, error) {
	c.reads++
	return c.town.User(ctx, id)
}

func (c *counting) GroupMembers(ctx context.Context, id string) ([]string, error) {
	c.reads++
	return c.town.GroupMembers(ctx, id)
}

// A directory for one report says what the other says, reads nothing twice, and
// keeps nothing for the next report.
func TestOnce(t *testing.T) {
	t.Parallel()
	s := settle()
	c := &counting{town: s.town}
	people := identity.New(identity.Config{Rules: rules.Fixed(s.rules)}, c)
	want, err := people.Bench(t.Context(), about("o-sam"))
	if err != nil {
		t.Fatal(err)
	}
	c.reads = 0
	once := people.Once()
	for range 3 {
		got, err := once.Bench(t.Context(), about("o-sam"))
		if err != nil || !same(got, want) {
			t.Fatalf("Bench = %+v, %v, want %+v", got, err, want)
		}
	}
	if most := len(s.users) + len(s.within); c.reads > most {
		t.Errorf("%d reads, want %d at most", c.reads, most)
	}
	s.edit("abe", func(u *graph.User) { u.Enabled = false })
	if got, err := people.Once().Bench(t.Context(), about("o-sam")); err != nil || slices.Contains(got.Can, person("abe")) {
		t.Errorf("the next report has %+v, %v", got, err)
	}
	s.fails["user"] = errors.New("away")
	if _, err := people.Once().Bench(t.Context(), about("o-sam")); err == nil {
		t.Error("what could not be read is no error")
	}
}
