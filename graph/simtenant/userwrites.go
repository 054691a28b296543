package simtenant

import (
	"net/http"
	"slices"
	"strings"

	"twokey/graph"
)

// patchUser changes properties of a user: all of them, or none.
func patchUser(c *call) (*answer, error) {
	body, err := c.object()
	if err != nil {
		return nil, err
	}
	u, err := c.userChange(documents(body).(document))
	if err != nil {
		return nil, err
	}
	return c.changeUser(func(d *draft, i int, a *account, _ Effect) (*answer, error) {
		done := &answer{status: http.StatusNoContent}
		if len(u.fields) == 0 {
			return done, nil
		}
		if err := c.mayChange(&u, i, a); err != nil {
			return nil, err
		}
		if err := u.unique(d, i); err != nil {
			return nil, err
		}
		d.put(i, a, d.set(&u, a)...)
		return done, nil
	})
}

// mayChange refuses what only a directory role allows, and what is kept
// on-premises. That sign-in can be blocked here all the same, until the next
// synchronisation undoes it, is known; that undoing is not simulated.
func (c *call) mayChange(u *userChange, i int, a *account) error {
	if u.any(func(f *userField) bool { return f.sensitive }) {
		if err := c.mayActOn(i, a); err != nil {
			return err
		}
	}
	if a.synced && u.any(func(f *userField) bool { return f.synced }) {
		return badUser("Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing migration.")
	}
	return nil
}

// set makes the account what the body wants and returns what became different,
// with a line in the log for each.
func (d *draft) set(u *userChange, a *account) (touched []string) {
	for _, f := range u.fields {
		was := a.prop(&d.view, f.name)
		f.set(a, u.values[f.name])
		is := a.prop(&d.view, f.name)
		if jsonText(was) == jsonText(is) {
			continue
		}
		touched = append(touched, f.name)
		d.say(a, note{
			activity: activityOf(f.name, is), kind: "Update",
			property: strings.ToUpper(f.name[:1]) + f.name[1:], old: jsonText([]any{was}), new: jsonText([]any{is}),
		})
	}
	return touched
}

func activityOf(property string, is any) string {
	switch {
	case property != "accountEnabled":
		return "Update user"
	case is == true:
		return "Enable account"
	default:
		return "Disable account"
	}
}

// deleteUser deletes a user. Graph keeps it for 30 days, where nobody asks for
// it here.
func deleteUser(c *call) (*answer, error) {
	return c.changeUser(func(d *draft, i int, a *account, _ Effect) (*answer, error) {
		if err := c.mayActOn(i, a); err != nil {
			return nil, err
		}
		d.remove(i, a)
		d.say(a, note{activity: "Delete user", kind: "Delete"})
		return &answer{status: http.StatusNoContent}, nil
	})
}

var requiredOfUsers = words("accountEnabled displayName mailNickname userPrincipalName")

// postUser hires somebody: an account with a password and nothing else.
func postUser(c *call) (*answer, error) {
	body, err := c.object()
	if err != nil {
		return nil, err
	}
	if err := checkNewUser(body); err != nil {
		return nil, err
	}
	delete(body, "passwordProfile")
	u, err := c.userChange(documents(body).(document))
	if err != nil {
		return nil, err
	}
	return c.changeUsers(func(d *draft, e Effect) (*answer, error) {
		a := &account{id: guid(stream(c.t.world.seed, "hire", e.N)), number: hired, created: e.At}
		a.methods = []method{passwordOf(a)}
		for _, f := range u.fields {
			f.set(a, u.values[f.name])
		}
		if err := u.unique(d, -1); err != nil {
			return nil, err
		}
		d.put(d.next(), a, existence)
		d.say(a, note{activity: "Add user", kind: "Add"})
		row := c.shown(userSet, options{}, a)
		row["@odata.context"] = c.context("users", nil) + "/$entity"
		return &answer{status: http.StatusCreated, header: map[string]string{"Location": c.base + "/" + c.version + "/users/" + a.id}, body: row}, nil
	})
}

// hired stands for the number of a person who came after the world was made,
// of whom the seed plans nothing.
const hired = -1

func checkNewUser(body document) error {
	for _, name := range requiredOfUsers {
		if body[name] == nil {
			return badUser("A value is required for property '" + name + "' of resource 'User'.")
		}
	}
	profile, _ := body["passwordProfile"].(map[string]any)
	wrong := shape{"password": filled, "forceChangePasswordNextSignIn": flag, "forceChangePasswordNextSignInWithMfa": flag}.check("passwordProfile", profile)
	switch password, _ := profile["password"].(string); {
	case wrong != "":
		return badUser(wrong)
	case len(password) < 8:
		return badUser("The specified password does not comply with password complexity requirements. Please provide a different password.")
	default:
		return nil
	}
}

// mightierRoles may change administrators as well.
var mightierRoles = []string{graph.RoleGlobalAdministrator, graph.RolePrivilegedAuthAdmin}

// mayActOn refuses sensitive changes of an administrator by an app that holds
// no directory role for it: no permission makes up for one. Reading reports
// protects nobody; a User Administrator may change its like and the help desk;
// whoever is in a group that can be given roles, or owns one, counts as an
// administrator.
func (c *call) mayActOn(i int, a *account) error {
	mine := c.appRoles()
	spared := []string{graph.RoleReportsReader}
	if slices.Contains(mine, graph.RoleUserAdministrator) {
		spared = append(spared, graph.RoleUserAdministrator, graph.RoleHelpdeskAdministrator)
	}
	protected := slices.ContainsFunc(c.t.world.rolesOf(i, a), func(r string) bool { return !slices.Contains(spared, r) }) ||
		slices.ContainsFunc(c.t.world.groups, func(g group) bool { return g.forRoles && (g.has(i) || sameID(g.owner, a.id)) })
	mighty := slices.ContainsFunc(mine, func(r string) bool { return slices.Contains(mightierRoles, r) })
	if c.replay != nil || mighty || !protected { // what is replayed was judged when it came
		return nil
	}
	return refuse(http.StatusForbidden, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
}
