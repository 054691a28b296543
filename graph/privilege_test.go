package graph_test

import (
	"testing"

	"twokey/graph"
)

func TestMayDisable(t *testing.T) {
	t.Parallel()
	const directoryReaders = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b"
	roles := func(ids ...string) (all []graph.Role) {
		for _, id := range ids {
			all = append(all, graph.Role{TemplateID: id})
		}
		return all
	}
	const narrow, broad = "User.EnableDisableAccount.All", "User.ReadWrite.All"
	for _, tt := range []struct {
		name       string
		permission graph.Permission
		own        []string // roles of the app
		target     []graph.Role
		privileged bool
		want       bool
	}{
		{name: "nobody's permission", permission: "User.Read.All", own: []string{graph.RoleGlobalAdministrator}},
		{name: "an ordinary account", permission: narrow, want: true},
		{name: "an ordinary account, broad permission", permission: broad, want: true},
		{name: "a harmless role", permission: narrow, target: roles(directoryReaders, graph.RoleReportsReader), want: true},
		{name: "an administrator", permission: narrow, target: roles(graph.RoleHelpdeskAdministrator), privileged: true},
		{name: "an administrator with a harmless role too", permission: broad, target: roles(directoryReaders, graph.RoleGlobalAdministrator), privileged: true},
		{name: "somebody in a group for roles", permission: narrow, target: []graph.Role{graph.RoleGroup}, privileged: true},
		{name: "a custom role", permission: narrow, target: roles("11111111-2222-4333-8444-555555555555"), privileged: true},
		{name: "an administrator, app of too low a role", permission: broad, own: []string{graph.RoleUserAdministrator}, target: roles(graph.RoleGlobalAdministrator), privileged: true},
		{name: "an administrator, app with a role", permission: narrow, own: []string{graph.RolePrivilegedAuthAdmin}, target: roles(graph.RoleGlobalAdministrator), privileged: true, want: true},
		{name: "an administrator, app is one", permission: broad, own: []string{graph.RoleGlobalAdministrator}, target: roles(graph.RoleUserAdministrator), privileged: true, want: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			g := graph.Grants{Permissions: []graph.Permission{tt.permission}, Roles: tt.own}
			if got := g.MayDisable(tt.target); got != tt.want {
				t.Errorf("MayDisable: got %v, want %v", got, tt.want)
			}
			if got := graph.Privileged(tt.target); got != tt.privileged {
				t.Errorf("Privileged: got %v, want %v", got, tt.privileged)
			}
		})
	}
}
