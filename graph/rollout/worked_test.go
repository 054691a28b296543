package rollout

import (
	"reflect"
	"sync"
	"testing"
	"time"

	"twokey/graph"
)

// What is worked out once says what is worked out anew, for each scope, and
// nobody who got it can change it for the next.
func TestForMany(t *testing.T) {
	t.Parallel()
	tn := new(tenant).person("none").person("phone", graph.MethodPhone).person("app", graph.MethodAuthenticator).person("scanner")
	alone := tn.onMethods()
	shared := alone.ForMany()
	scopes := []Scope{{}, {Declared: map[string]Purpose{"scanner": Service}}, {Exceptions: map[string]time.Time{"none": {}}}, {}}
	var asking sync.WaitGroup
	for range 8 {
		asking.Go(func() {
			for _, declared := range scopes {
				a, b := alone, shared
				a.Declared, b.Declared = declared, declared
				if got, want := NewFunnel(b, Scope{}), NewFunnel(a, Scope{}); !reflect.DeepEqual(got.Figures, want.Figures) {
					t.Errorf("with %v the funnel is %v, want %v", declared, got.Figures, want.Figures)
				}
				got, _ := Who(b, Scope{}, WhoMissing)
				want, _ := Who(a, Scope{}, WhoMissing)
				if !reflect.DeepEqual(got, want) {
					t.Errorf("with %v %d are missing, want %d", declared, len(got), len(want))
				}
				looks, _ := SuggestScope(b, Scope{})
				asIfAlone, _ := SuggestScope(a, Scope{})
				if !reflect.DeepEqual(looks, asIfAlone) {
					t.Errorf("with %v %d look like no person, want %d", declared, len(looks), len(asIfAlone))
				}
			}
		})
	}
	asking.Wait()
	people, _ := People(shared, Scope{})
	people[0].ID = "somebody else"
	if again, _ := People(shared, Scope{}); again[0].ID != "none" {
		t.Errorf("the next is given %q", again[0].ID)
	}
	fn := NewFunnel(shared, Scope{})
	_ = append(fn.Figures, Figure{ID: "one"})
	_ = append(fn.Figures, Figure{ID: "another"})
	if again := NewFunnel(shared, Scope{}); len(again.Figures) != len(fn.Figures) || cap(again.Figures) != len(again.Figures) {
		t.Error("what one adds to its figures may stand in another's")
	}
}
