package commands

import (
	"context"
	"slices"
	"testing"

	"twokey/chat/phrases"
	"twokey/commands/guide"
	"twokey/graph"
	"twokey/graph/rollout"
)

func TestGuideFacts(t *testing.T) {
	t.Parallel()
	off := func(kinds ...graph.MethodKind) (all []graph.MethodSetting) {
		for _, k := range kinds {
			all = append(all, graph.MethodSetting{Kind: k})
		}
		return all
	}
	all := off(graph.MethodPhone, graph.MethodPhone, graph.MethodPasskey, graph.MethodSoftwareOATH, graph.MethodTemporaryPass)
	asks := []graph.Policy{{State: graph.PolicyEnabled, Controls: []string{graph.ControlMFA}}}
	method := func(p graph.MethodsPolicy) rollout.Facts {
		return rollout.Facts{MethodsPolicy: rollout.From(p, nil)}
	}
	signIn := func(defaults bool, p []graph.Policy) rollout.Facts {
		return rollout.Facts{SecurityDefaults: rollout.From(graph.SecurityDefaults{Enabled: defaults}, nil), Policies: rollout.From(p, nil)}
	}
	reportOnly := slices.Clone(asks)
	reportOnly[0].State = graph.PolicyReportOnly
	denied := &graph.Error{Kind: graph.KindNoPermission}
	tests := []struct {
		name  string
		texts bool
		facts rollout.Facts
		want  []guide.Fact
	}{
		{"nothing is known", false, rollout.Facts{}, nil},
		{"a provider of its own", true, rollout.Facts{}, []guide.Fact{guide.OwnTexts}},
		{"security defaults", false, signIn(true, asks), nil},
		{"policies", false, signIn(false, asks), []guide.Fact{guide.Policies}},
		{"a policy on trial", false, signIn(false, reportOnly), []guide.Fact{guide.NotAsked}},
		{"neither", false, signIn(false, nil), []guide.Fact{guide.NotAsked}},
		{"no licence for policies", false, rollout.Facts{SecurityDefaults: rollout.From(graph.SecurityDefaults{}, nil), Policies: rollout.From([]graph.Policy(nil), &graph.Error{Kind: graph.KindNoLicence})}, []guide.Fact{guide.NotAsked}},
		{"policies that cannot be read", false, rollout.Facts{SecurityDefaults: rollout.From(graph.SecurityDefaults{}, nil), Policies: rollout.From([]graph.Policy(nil), denied)}, nil},
		{"methods that cannot be read", false, rollout.Facts{MethodsPolicy: rollout.From(graph.MethodsPolicy{Methods: all, Migrated: true}, denied)}, nil},
		{"all off", false, method(graph.MethodsPolicy{Methods: all, Migrated: true}), []guide.Fact{guide.NoTexts, guide.NoPasskeys, guide.NoCodes, guide.NoPasses}},
		{"all off, but older settings count", false, method(graph.MethodsPolicy{Methods: all}), []guide.Fact{guide.NoPasskeys, guide.NoPasses}},
		{"calls alone", false, method(graph.MethodsPolicy{Migrated: true, Methods: []graph.MethodSetting{{Kind: graph.MethodPhone}, {Kind: graph.MethodPhone, Enabled: true}}}), nil},
		{"not said", false, method(graph.MethodsPolicy{Migrated: true}), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			env := Env{OwnTexts: tt.texts, Facts: func(context.Context) rollout.Facts { return tt.facts }}
			if got := guideFacts(t.Context(), env); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// Each fact that an article can name has its sentence, in every language.
func TestFactsHaveWords(t *testing.T) {
	t.Parallel()
	book, err := theBook()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range guide.Facts() {
		if f == guide.Policies || f == guide.NotAsked { // which changes the text itself
			continue
		}
		english := factWords(book.In("en"), f)
		if english == "" {
			t.Errorf("%s has no words", f)
		}
		for _, l := range phrases.Languages()[1:] {
			if other := factWords(book.In(l), f); other == "" || other == english {
				t.Errorf("%s in %s: %q", f, l, other)
			}
		}
	}
}
