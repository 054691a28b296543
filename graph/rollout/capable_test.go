package rollout

import (
	"testing"

	"twokey/graph"
)

func TestCapableByThePolicy(t *testing.T) {
	t.Parallel()
	everybody := []graph.Target{{ID: graph.AllUsers}}
	group := func(id string) []graph.Target { return []graph.Target{{ID: id, Group: true}} }
	setting := func(k graph.MethodKind, include, exclude []graph.Target) graph.MethodSetting {
		return graph.MethodSetting{Kind: k, Enabled: true, Include: include, Exclude: exclude}
	}
	off := func(k graph.MethodKind) graph.MethodSetting { return graph.MethodSetting{Kind: k, Include: everybody} }
	tests := []struct {
		name     string
		settings []graph.MethodSetting
		old      bool // not migrated
		methods  []graph.MethodKind
		want     Answer
	}{
		{"for everybody", []graph.MethodSetting{setting(graph.MethodPasskey, everybody, nil)}, false, []graph.MethodKind{graph.MethodPasskey}, Yes},
		{"switched off", []graph.MethodSetting{off(graph.MethodPasskey)}, false, []graph.MethodKind{graph.MethodPasskey}, No},
		{"for nobody", []graph.MethodSetting{setting(graph.MethodPasskey, nil, nil)}, false, []graph.MethodKind{graph.MethodPasskey}, No},
		{"for a group", []graph.MethodSetting{setting(graph.MethodPasskey, group("anns"), nil)}, false, []graph.MethodKind{graph.MethodPasskey}, Yes},
		{"for another group", []graph.MethodSetting{setting(graph.MethodPasskey, group("empty"), nil)}, false, []graph.MethodKind{graph.MethodPasskey}, No},
		{"for a group nobody read", []graph.MethodSetting{setting(graph.MethodPasskey, group("unread"), nil)}, false, []graph.MethodKind{graph.MethodPasskey}, Unknown},
		{"by name", []graph.MethodSetting{setting(graph.MethodPasskey, []graph.Target{{ID: "ann"}}, nil)}, false, []graph.MethodKind{graph.MethodPasskey}, Yes},
		{"excluded", []graph.MethodSetting{setting(graph.MethodPasskey, everybody, group("anns"))}, false, []graph.MethodKind{graph.MethodPasskey}, No},
		{"perhaps excluded", []graph.MethodSetting{setting(graph.MethodPasskey, everybody, group("unread"))}, false, []graph.MethodKind{graph.MethodPasskey}, Unknown},
		{"excluded, and perhaps included", []graph.MethodSetting{setting(graph.MethodPasskey, group("unread"), group("anns"))}, false, []graph.MethodKind{graph.MethodPasskey}, No},
		{"calls but not texts", []graph.MethodSetting{off(graph.MethodPhone), setting(graph.MethodPhone, everybody, nil)}, false, []graph.MethodKind{graph.MethodPhone}, Yes},
		{"one of two", []graph.MethodSetting{off(graph.MethodPhone), setting(graph.MethodAuthenticator, everybody, nil)}, false, []graph.MethodKind{graph.MethodPhone, graph.MethodAuthenticator}, Yes},
		{"the policy says nothing", nil, false, []graph.MethodKind{graph.MethodSoftwareOATH}, Unknown},
		{"off, but the old settings may allow it", []graph.MethodSetting{off(graph.MethodPhone)}, true, []graph.MethodKind{graph.MethodPhone}, Unknown},
		{"off, and there is no old setting for it", []graph.MethodSetting{off(graph.MethodPasskey)}, true, []graph.MethodKind{graph.MethodPasskey}, No},
		{"Windows Hello is not for the policy to say", nil, false, []graph.MethodKind{graph.MethodWindowsHello}, Yes},
		{"nothing strong", []graph.MethodSetting{setting(graph.MethodEmail, everybody, nil)}, false, []graph.MethodKind{graph.MethodPassword, graph.MethodEmail, graph.MethodTemporaryPass}, No},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := new(tenant).person("ann", tt.methods...).onMethods()
			f.MethodsPolicy = From(graph.MethodsPolicy{Methods: tt.settings, Migrated: !tt.old}, nil)
			f.GroupMembers = From(map[string][]string{"anns": {"ann"}, "empty": {}}, nil)
			people, _ := People(f, Scope{})
			p := people[0]
			if p.Capable != tt.want {
				t.Errorf("got %v, want %v", p.Capable, tt.want)
			}
			if (p.Capable == Unknown) != (p.CapableWhy != "") {
				t.Errorf("got the reason %q for %v, want one where it is unknown", p.CapableWhy, p.Capable)
			}
		})
	}
}

// A phone on a desk takes calls and no texts.
func TestCapableByADeskPhone(t *testing.T) {
	t.Parallel()
	everybody := []graph.Target{{ID: graph.AllUsers}}
	texts := graph.MethodSetting{ID: "Sms", Kind: graph.MethodPhone, Enabled: true, Include: everybody}
	calls := graph.MethodSetting{ID: "Voice", Kind: graph.MethodPhone, Include: everybody}
	desk := graph.Method{ID: "e37fc753-ff3b-4958-9484-eaa9425c82bc", Kind: graph.MethodPhone}
	mobile := graph.Method{ID: "3179e48a-750b-4051-897c-87b9720928f7", Kind: graph.MethodPhone}
	for _, tt := range []struct {
		method graph.Method
		calls  bool
		want   Answer
	}{{desk, false, No}, {desk, true, Yes}, {mobile, false, Yes}} {
		f := new(tenant).person("ann").onMethods()
		calls.Enabled = tt.calls
		f.MethodsPolicy = From(graph.MethodsPolicy{Methods: []graph.MethodSetting{texts, calls}, Migrated: true}, nil)
		if got := Usable(f, graph.User{ID: "ann"}, []graph.Method{tt.method}); got != tt.want {
			t.Errorf("%s with calls %t: got %v, want %v", tt.method.Phone(), tt.calls, got, tt.want)
		}
	}
}

func TestCapableWithoutThePolicy(t *testing.T) {
	t.Parallel()
	f := new(tenant).person("ann", graph.MethodPasskey).person("ben").onMethods()
	f.MethodsPolicy = From(graph.MethodsPolicy{}, error(&graph.Error{Kind: graph.KindNoPermission, Permission: "Policy.Read.All"}))
	expect(t, NewFunnel(f, Scope{}).Figures, map[ID]string{Capable: "permission missing: Policy.Read.All", Registered: "1"})
	people, _ := People(f, Scope{})
	if people[1].Capable != No {
		t.Errorf("somebody without a method: got %v, want no, whatever is allowed", people[1].Capable)
	}
}
