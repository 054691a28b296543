package msgraph_test

import (
	"strings"

	"twokey/graph"
	"twokey/graph/graphtest"
)

func (p plain) methods(id string) []graph.Method {
	p.t.Helper()
	all := []graph.Method{}
	for _, o := range p.list("/v1.0/users/" + id + "/authentication/methods") {
		m := graph.Method{ID: o.text("id"), Created: o.time("createdDateTime"), Label: o.text("displayName")}
		kind := strings.TrimPrefix(o.text("@odata.type"), "#microsoft.graph.")
		m.Kind = graph.MethodKind(strings.TrimSuffix(kind, "AuthenticationMethod"))
		if m.Kind == graph.MethodPhone {
			m.Label = o.text("phoneType")
		}
		all = append(all, m)
	}
	return all
}

// roleHolders asks role by role, which is not how the client asks.
func (p plain) roleHolders() []graph.RoleHolder {
	p.t.Helper()
	byUser := map[string][]graph.Role{}
	for _, role := range p.list("/v1.0/directoryRoles") {
		r := graph.Role{TemplateID: role.text("roleTemplateId"), Name: role.text("displayName")}
		for _, member := range p.list("/v1.0/directoryRoles/" + role.text("id") + "/members") {
			ids := []string{member.text("id")}
			switch member.text("@odata.type") {
			case "#microsoft.graph.group":
				ids = nil
				for _, u := range p.list("/v1.0/groups/" + member.text("id") + "/members") {
					ids = append(ids, u.text("id"))
				}
			case "#microsoft.graph.user":
			default:
				continue
			}
			for _, id := range ids {
				byUser[id] = append(byUser[id], r)
			}
		}
	}
	var all []graph.RoleHolder
	for id, roles := range byUser {
		all = append(all, graph.RoleHolder{UserID: id, Roles: roles})
	}
	return all
}

// roleGroupPeople sorts all groups itself, which is not how the client asks.
func (p plain) roleGroupPeople(users []graph.User) []graph.RoleHolder {
	p.t.Helper()
	ids := map[string]bool{}
	for _, g := range p.list("/v1.0/groups") {
		if !g.flag("isAssignableToRole") {
			continue
		}
		for _, part := range []string{"/members", "/owners"} {
			for _, u := range p.list("/v1.0/groups/" + g.text("id") + part) {
				ids[u.text("id")] = true
			}
		}
	}
	var all []graph.RoleHolder
	for _, u := range users {
		if ids[u.ID] {
			all = append(all, graph.RoleHolder{UserID: u.ID, Roles: []graph.Role{graph.RoleGroup}})
		}
	}
	return all
}

// people reads what is asked user by user, of some.
func (p plain) people(truth *graphtest.Truth) {
	p.t.Helper()
	truth.Managers, truth.PerUserMFA = map[string]string{}, map[string]graph.PerUserMFA{}
	truth.Preferences, truth.Passes = map[string]graph.SignInPreference{}, map[string][]graph.Pass{}
	for id := range truth.Methods {
		above, _ := p.find("/v1.0/users/" + id + "/manager?$select=id")
		truth.Managers[id] = above.text("id")
		truth.PerUserMFA[id] = graph.PerUserMFA(p.get("/beta/users/" + id + "/authentication/requirements").text("perUserMfaState"))
		o := p.get("/beta/users/" + id + "/authentication/signInPreferences")
		truth.Preferences[id] = graph.SignInPreference{
			Method: o.text("userPreferredMethodForSecondaryAuthentication"), System: o.flag("isSystemPreferredAuthenticationMethodEnabled"),
		}
		truth.Passes[id] = []graph.Pass{}
		for _, o := range p.list("/v1.0/users/" + id + "/authentication/temporaryAccessPassMethods") {
			truth.Passes[id] = append(truth.Passes[id], graph.Pass{
				ID: o.text("id"), Created: o.time("createdDateTime"), Start: o.time("startDateTime"), Lifetime: o.minutes("lifetimeInMinutes"),
				Once: o.flag("isUsableOnce"), Usable: o.flag("isUsable"), Why: o.text("methodUsabilityReason"),
			})
		}
	}
}

// aliases are the addresses that lead to users beside their UPN and mail.
func (p plain) aliases() map[string][]string {
	p.t.Helper()
	all, taken := map[string][]string{}, map[string]bool{}
	people := p.list("/v1.0/users?$top=999&$select=id,userPrincipalName,mail,proxyAddresses,otherMails")
	for _, o := range people {
		taken[strings.ToLower(o.text("userPrincipalName"))], taken[strings.ToLower(o.text("mail"))] = true, true
	}
	for _, o := range people {
		for _, list := range []string{"proxyAddresses", "otherMails"} {
			addresses, _ := o[list].([]any)
			for _, a := range addresses {
				address := strings.TrimPrefix(strings.TrimPrefix(a.(string), "smtp:"), "SMTP:")
				if !taken[strings.ToLower(address)] && len(all) < 30 {
					all[address] = append(all[address], o.text("id"))
				}
			}
		}
	}
	return all
}

// groups are those that hold a role: there is no list of all.
func (p plain) groups(truth *graphtest.Truth) {
	p.t.Helper()
	truth.Members = map[string][]string{}
	for _, a := range p.list("/v1.0/roleManagement/directory/roleAssignments?$expand=principal") {
		principal := object(a["principal"].(map[string]any))
		id := principal.text("id")
		if _, known := truth.Members[id]; known || principal.text("@odata.type") != "#microsoft.graph.group" {
			continue
		}
		o := p.get("/v1.0/groups/" + id)
		truth.Groups = append(truth.Groups, graph.Group{ID: id, Name: o.text("displayName"), RoleAssignable: o.flag("isAssignableToRole")})
		truth.Members[id] = nil
		for _, u := range p.list("/v1.0/groups/" + id + "/members") {
			truth.Members[id] = append(truth.Members[id], u.text("id"))
		}
	}
}
