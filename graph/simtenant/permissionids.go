package simtenant

import (
	"crypto/sha256"
	"encoding/binary"

	"twokey/graph"
)

// graphAppID is Microsoft Graph's own application ID in every tenant.
const graphAppID = "00000003-0000-0000-c000-000000000000"

// appRoleIDs are the application permissions of Microsoft Graph whose ids are
// known to us; they are the same in every tenant.
var appRoleIDs = map[graph.Permission]string{
	"Application.Read.All":                          "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30",
	"AuditLog.Read.All":                             "b0afded3-3588-46d8-8b3d-9842eff778da",
	"GroupMember.Read.All":                          "98830695-27a2-44f7-8c18-0c3ebc9698f6",
	"LicenseAssignment.Read.All":                    "e2f98668-2877-4f38-a2f4-8202e0717aa1",
	"Mail.Send":                                     "b633e1c5-b582-4048-a93e-9f11b44c7e96",
	"Organization.Read.All":                         "498476ce-e0fe-48b0-b801-37ba7e2685c6",
	"Policy.Read.All":                               "246dd0d5-5bd0-4def-940b-0421030a5b68",
	"Policy.Read.AuthenticationMethod":              "8e3bc81b-d2f3-4b7b-838c-32c88218d2f0",
	"Policy.ReadWrite.AuthenticationMethod":         "29c18626-4985-4dcd-85c0-193eef327366",
	"Policy.ReadWrite.ConditionalAccess":            "01c0a623-fc9b-48e9-b794-0756f8e8f067",
	"Policy.ReadWrite.SecurityDefaults":             "1c6e93a6-28e2-4cbb-9f64-1a46a821124d",
	"ReportSettings.Read.All":                       "ee353f83-55ef-4b78-82da-555bfa2b4b95",
	"ReportSettings.ReadWrite.All":                  "2a60023f-3219-47ad-baa4-40e17cd02a1d",
	"Reports.Read.All":                              "230c1aed-a721-4c5d-9cb4-a90514e508ef",
	"RoleManagement.Read.Directory":                 "483bed4a-2ad3-4361-a73b-c83ccdbdc53c",
	"SecurityEvents.Read.All":                       "bf394140-e372-4bf9-a898-299cfc7564e5",
	"User.EnableDisableAccount.All":                 "3011c876-62b7-4ada-afa2-506cbbecc68c",
	"User.Read.All":                                 "df021288-bdef-4463-88db-98f22de89214",
	"User.RevokeSessions.All":                       "77f3a031-c388-4f99-b373-dc68676a979e",
	"UserAuthMethod-MicrosoftAuthApp.ReadWrite.All": "c833c349-a1ab-4b6d-94a2-fa9a8674420c",
	"UserAuthMethod-Phone.ReadWrite.All":            "6e85d483-7092-4375-babe-0a94a8213a58",
	"UserAuthMethod-TAP.ReadWrite.All":              "627169a8-8c15-451c-861a-5b80e383de5c",
	"UserAuthenticationMethod.Read.All":             "38d9df27-64da-44fd-b7c5-a6fbac20248f",
	"UserAuthenticationMethod.ReadWrite.All":        "50483e42-d915-4231-9639-7fdb7fd190e5",
	"User.ReadWrite.All":                            "741f803b-c850-494e-b5df-cde7c675a1ca",
	"User.ReadBasic.All":                            "97235f07-e226-4f63-ace3-39588e11d3a1",
	"Directory.Read.All":                            "7ab1d382-f21e-4acd-a863-ba3e13f7da61",
	"Directory.ReadWrite.All":                       "19dbc75e-c2e2-444c-a770-ec69d8559fc7",
	"Application.ReadWrite.All":                     "1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9",
	"AppRoleAssignment.ReadWrite.All":               "06b708a9-e830-4db3-a914-8e69da51d44f",
	"RoleManagement.ReadWrite.Directory":            "9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8",
}

// appRoleID is the id of a permission among Microsoft Graph's app roles. Of a
// permission that is not in our table it is made up, and so unknown to every
// client: they meet such ids at Microsoft too.
func appRoleID(p graph.Permission) string {
	if id, ok := appRoleIDs[p]; ok {
		return id
	}
	sum := sha256.Sum256([]byte("app role " + string(p)))
	return formatGUID(binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:16]))
}

// permissionOf finds the permission of an app role among those that the tenant
// knows: the table's and those that its apps were declared with.
func (s *state) permissionOf(roleID string) (graph.Permission, bool) {
	for p, id := range appRoleIDs {
		if sameID(id, roleID) {
			return p, true
		}
	}
	for i := range s.apps {
		for _, g := range s.apps[i].grants {
			if sameID(appRoleID(g.permission), roleID) {
				return g.permission, true
			}
		}
	}
	return "", false
}
