package slacktest

import (
	"slices"
	"strings"
)

// usersInfo is users.info.
func (w *Workspace) usersInfo(c *call) (reply, *refusal) {
	u := w.user(c.get("user"))
	if u == nil {
		return nil, refuse("user_not_found")
	}
	return reply{"user": w.person(u)}, nil
}

// usersLookupByEmail is users.lookupByEmail.
func (w *Workspace) usersLookupByEmail(c *call) (reply, *refusal) {
	for _, u := range w.users {
		if strings.EqualFold(u.Email, c.get("email")) && !u.Deleted {
			return reply{"user": w.person(u)}, nil
		}
	}
	return nil, refuse("users_not_found")
}

// person is an account as the API shows it; what the address says of a deleted
// one or without the scope stays out. It needs w.mu.
func (w *Workspace) person(u *User) reply {
	profile := reply{
		"real_name": u.RealName, "display_name": u.Name, "real_name_normalized": u.RealName,
		"display_name_normalized": u.Name, "avatar_hash": "0", "team": u.Team, "title": "", "phone": "", "status_text": "",
	}
	if slices.Contains(w.options.Scopes, "users:read.email") && u.Email != "" {
		profile["email"] = u.Email
	}
	if u.ID == w.options.BotUser {
		profile["bot_id"], profile["api_app_id"] = w.botID(), w.options.AppID
	}
	r := reply{
		"id": u.ID, "team_id": u.Team, "name": u.Name, "deleted": u.Deleted, "profile": profile,
		"is_bot": u.Bot, "is_app_user": u.AppUser, "updated": 1700000000,
	}
	if u.Deleted {
		return r
	}
	r["real_name"], r["tz"], r["tz_label"], r["tz_offset"], r["color"] = u.RealName, u.TZ, u.TZ, 3600, "9f69e7"
	r["is_admin"], r["is_owner"], r["is_primary_owner"] = u.Admin, u.Owner, false
	r["is_restricted"], r["is_ultra_restricted"] = u.Restricted || u.UltraRestricted, u.UltraRestricted
	r["is_email_confirmed"], r["locale"] = !u.EmailUnconfirmed && u.Email != "", u.Locale
	if u.Stranger {
		r["is_stranger"] = true
	}
	if w.options.Enterprise != "" && !u.Stranger {
		r["enterprise_user"] = reply{"id": u.ID, "enterprise_id": w.options.Enterprise, "enterprise_name": "Twokey", "is_admin": false, "is_owner": false, "teams": []string{u.Team}}
	}
	return r
}
