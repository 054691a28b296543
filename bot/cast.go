package main

import (
	"context"
	"fmt"

	"twokey/bot/console"
	"twokey/chat"
	"twokey/commands"
	"twokey/commands/identity"
	"twokey/commands/rules"
	"twokey/graph"
	"twokey/graph/msgraph"
	"twokey/graph/rollout"
	"twokey/graph/simtenant"
)

// The demo's configuration of people, as an owner would write it: who holds
// which role, and what the accounts are that belong to nobody.

var castRoles = map[string][]identity.Role{
	"olga": {identity.Owner, identity.Lead},
	"ada":  {identity.Lead, identity.Helpdesk},
	"abe":  {identity.Approver},
	"bea":  {identity.Approver},
	"vic":  {identity.Viewer},
}

var castAbout = map[string]string{
	"olga": "Owns the bot",
	"ada":  "Runs the rollout and the help desk",
	"abe":  "Approves; works in IT",
	"bea":  "Approves; leads finance",
	"vic":  "Reads the figures",
	"sam":  "Staff, not set up yet",
	"sue":  "Staff, set up",
}

// castAdmins are those who see the administrators' channel.
var castAdmins = []string{"olga", "ada", "abe", "bea", "vic"}

// channelTeam and channelAdmins are the demo's channels.
const (
	channelTeam   = "team"
	channelAdmins = "admins"
)

// castPeople are whom one can be in the console.
func castPeople() (people []console.Person, everybody []string) {
	for _, m := range simtenant.Cast(0) {
		p := console.Person{ID: m.ID, Name: m.Name, About: castAbout[m.ID], Roles: []string{"staff"}}
		if roles := castRoles[m.ID]; len(roles) > 0 {
			p.Roles = nil
			for _, r := range roles {
				p.Roles = append(p.Roles, string(r))
			}
		}
		people = append(people, p)
		everybody = append(everybody, m.ID)
	}
	return people, everybody
}

// demoContact is whom people are told to call.
const demoContact = "Ada Okafor at the IT help desk, extension 42"

// castRules are the demo's rules. The cast's sign-in names are resolved in the
// tenant: links and roles are by object ID, whatever a tenant elsewhere made
// them.
func castRules(ctx context.Context, r graph.Reader, tenantID string) (rules.Rules, error) {
	all := rules.Rules{
		Tenant: tenantID, Links: map[string]string{}, Roles: map[string][]rules.Holder{},
		Changes: commands.Kinds(), Wait: rules.DefaultWait, Fallback: true, Contact: demoContact,
	}
	for _, m := range simtenant.Cast(0) {
		u, err := r.User(ctx, m.UPN)
		if err != nil {
			return all, fmt.Errorf("find %s: %w", m.UPN, err)
		}
		all.Links[identity.LinkKey(chat.Account{Platform: console.Platform, User: m.ID})] = u.ID
		for _, role := range castRoles[m.ID] {
			all.Roles[string(role)] = append(all.Roles[string(role)], rules.Holder{User: u.ID})
		}
	}
	for _, m := range simtenant.Emergency(0) {
		u, err := r.User(ctx, m.UPN)
		if err != nil {
			return all, fmt.Errorf("find %s: %w", m.UPN, err)
		}
		all.Emergency, all.Protected = append(all.Emergency, u.ID), append(all.Protected, u.ID)
	}
	return all, nil
}

// servicePurposes says what each of the tenant's accounts is that is no person.
var servicePurposes = map[string]rollout.Purpose{
	"scanner-2f":        rollout.Service,
	"scanner-warehouse": rollout.Service,
	"crm":               rollout.Service,
	"room-nord":         rollout.Room,
	"info":              rollout.Shared,
	"kiosk-gate":        rollout.Shared,
}

// declaredAccounts resolves the accounts that are not people.
func declaredAccounts(ctx context.Context, r graph.Reader) (rollout.Scope, error) {
	scope := rollout.Scope{Declared: map[string]rollout.Purpose{}}
	declare := func(m simtenant.Member, p rollout.Purpose) error {
		u, err := r.User(ctx, m.UPN)
		if err != nil {
			return fmt.Errorf("find %s: %w", m.UPN, err)
		}
		scope.Declared[u.ID] = p
		return nil
	}
	for _, m := range simtenant.Emergency(0) {
		if err := declare(m, rollout.Emergency); err != nil {
			return scope, err
		}
	}
	for _, m := range simtenant.Service(0) {
		if err := declare(m, servicePurposes[m.ID]); err != nil {
			return scope, err
		}
	}
	return scope, nil
}

// unsigned is a tenant that asks nobody for a token: it lets the bot do whatever
// a permission is enough for, and nothing that takes a directory role.
type unsigned struct{ *msgraph.Client }

// Grants are those that every change needs which the demo can make.
func (unsigned) Grants(context.Context) (graph.Grants, error) {
	return graph.Grants{Permissions: []graph.Permission{"User.EnableDisableAccount.All"}}, nil
}
