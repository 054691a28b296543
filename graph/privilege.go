package graph

import "slices"

// ordinaryRoles protect nobody: Microsoft lets whoever may change ordinary
// accounts change their holders too.
var ordinaryRoles = []string{
	RoleReportsReader,
	"88d8e3e3-8f55-4a1e-953a-9b9898b8876b", // Directory Readers
	"95e79109-95c0-4d8e-aee3-d01accf2d47b", // Guest Inviter
	"790c1fb9-7f7d-4f88-86a1-ef1f95c05c1b", // Message Center Reader
	"75934031-6c7e-415a-99d7-48dbd49e875e", // Usage Summary Reports Reader
}

// RoleGroup stands for having to do with a group that can be given roles. It is
// no role of the tenant's and its ID no GUID, but protects like one.
var RoleGroup = Role{TemplateID: "isAssignableToRole", Name: "member or owner of a group for roles"}

// Privileged reports whether the holder of these roles is protected from
// changes by an app that has nothing but permissions. A role that is not known,
// a custom one above all, protects.
func Privileged(roles []Role) bool {
	return slices.ContainsFunc(roles, func(r Role) bool { return !slices.Contains(ordinaryRoles, r.TemplateID) })
}

// MayDisable reports whether our app can block and unblock an account that
// holds these roles. It needs a permission for it, and for a privileged account
// a high enough directory role of its own as well. Methods, passes and sessions
// know no such protection: there the permission is enough for anybody.
func (g Grants) MayDisable(roles []Role) bool {
	if !g.Has("User.EnableDisableAccount.All") && !g.Has("User.ReadWrite.All") {
		return false
	}
	return !Privileged(roles) ||
		slices.Contains(g.Roles, RolePrivilegedAuthAdmin) || slices.Contains(g.Roles, RoleGlobalAdministrator)
}
