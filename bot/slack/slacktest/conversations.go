package slacktest

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// conversationsOpen is conversations.open.
func (w *Workspace) conversationsOpen(c *call) (reply, *refusal) {
	users := strings.Split(c.get("users"), ",")
	switch {
	case c.get("channel") != "":
		to := w.channel(c.get("channel"))
		if to == nil {
			return nil, refuse("channel_not_found")
		}
		return reply{"channel": w.about(to)}, nil
	case c.get("users") == "":
		return nil, refuse("users_list_not_supplied")
	case len(users) > 1:
		return nil, refuse("method_not_played_by_slacktest")
	}
	u := w.user(users[0])
	switch {
	case u == nil || u.ID == w.options.BotUser:
		return nil, refuse("user_not_found")
	case u.Deleted:
		return nil, refuse("user_disabled")
	}
	to := w.direct(u.ID)
	if c.is("return_im") {
		return reply{"channel": w.about(to)}, nil
	}
	return reply{"channel": reply{"id": to.ID}}, nil
}

// about is a conversation as the API shows it. It needs w.mu.
func (w *Workspace) about(c *Channel) reply {
	r := reply{
		"id": c.ID, "created": 1700000000, "is_archived": c.Archived, "is_im": c.im != "", "is_org_shared": false,
		"context_team_id": w.options.Team, "updated": 1700000000000,
	}
	if c.im != "" {
		r["user"], r["is_open"] = c.im, true
		return r
	}
	r["name"], r["name_normalized"] = c.Name, c.Name
	r["is_channel"], r["is_group"], r["is_mpim"], r["is_private"] = !c.Private, c.Private, false, c.Private
	r["is_member"], r["is_general"], r["num_members"] = c.has(w.options.BotUser), false, len(c.Members)
	r["is_read_only"] = c.ReadOnly
	return r
}

// visible returns a conversation that the bot may know of. It needs w.mu.
func (w *Workspace) visible(id string) (*Channel, *refusal) {
	c := w.channel(id)
	if c == nil || c.Private && !c.has(w.options.BotUser) {
		return nil, refuse("channel_not_found")
	}
	return c, nil
}

// conversationsInfo is conversations.info.
func (w *Workspace) conversationsInfo(c *call) (reply, *refusal) {
	to, no := w.visible(c.get("channel"))
	if no != nil {
		return nil, no
	}
	return reply{"channel": w.about(to)}, nil
}

// conversationsList is conversations.list.
func (w *Workspace) conversationsList(c *call) (reply, *refusal) {
	types := strings.Split(or(c.get("types"), "public_channel"), ",")
	var all []reply
	for _, o := range w.channels {
		kind := "public_channel"
		if o.im != "" {
			kind = "im"
		} else if o.Private {
			kind = "private_channel"
		}
		if _, no := w.visible(o.ID); no != nil || !slices.Contains(types, kind) || o.Archived && c.is("exclude_archived") {
			continue
		}
		all = append(all, w.about(o))
	}
	page, cursor := paged(c, all)
	return reply{"channels": page, "response_metadata": reply{"next_cursor": cursor}}, nil
}

// paged cuts the page that a call asks for out of a list.
func paged[T any](c *call, all []T) (page []T, cursor string) {
	from, _ := strconv.Atoi(strings.TrimPrefix(c.get("cursor"), "at:"))
	limit, _ := strconv.Atoi(c.get("limit"))
	limit = cmp.Or(limit, 100)
	from = min(from, len(all))
	to := min(from+limit, len(all))
	if to < len(all) {
		cursor = "at:" + strconv.Itoa(to)
	}
	return append([]T{}, all[from:to]...), cursor
}

// conversationsMembers is conversations.members.
func (w *Workspace) conversationsMembers(c *call) (reply, *refusal) {
	to, no := w.visible(c.get("channel"))
	if no != nil {
		return nil, no
	}
	page, cursor := paged(c, to.Members)
	return reply{"members": page, "response_metadata": reply{"next_cursor": cursor}}, nil
}

// conversationsHistory is conversations.history: newest first, replies of
// threads left out.
func (w *Workspace) conversationsHistory(c *call) (reply, *refusal) {
	to, no := w.visible(c.get("channel"))
	if no != nil {
		return nil, no
	}
	if !to.has(w.options.BotUser) {
		return nil, refuse("not_in_channel")
	}
	var all []reply
	for _, m := range slices.Backward(w.messages) {
		if m.channel == to && m.to == "" && !m.deleted && m.thread == "" && between(c, m.ts) {
			all = append(all, w.past(c, m))
		}
	}
	page, cursor := paged(c, all)
	return reply{"messages": page, "has_more": cursor != "", "pin_count": 0, "response_metadata": reply{"next_cursor": cursor}}, nil
}

// past is a message of the history, whose metadata has to be asked for.
func (w *Workspace) past(c *call, m *message) reply {
	r := w.wire(m)
	if !c.is("include_all_metadata") {
		delete(r, "metadata")
	}
	return r
}

// between reports whether a message is in the span that a call asks for.
func between(c *call, ts string) bool {
	oldest, latest := c.get("oldest"), c.get("latest")
	if c.is("inclusive") && (ts == oldest || ts == latest) {
		return true
	}
	return (oldest == "" || oldest == "0" || ts > oldest) && (latest == "" || ts < latest)
}

// conversationsReplies is conversations.replies: the parent and its thread,
// oldest first.
func (w *Workspace) conversationsReplies(c *call) (reply, *refusal) {
	to, no := w.visible(c.get("channel"))
	if no != nil {
		return nil, no
	}
	var all []reply
	for _, m := range w.messages {
		if m.channel == to && m.to == "" && !m.deleted && (m.ts == c.get("ts") || m.thread == c.get("ts")) && between(c, m.ts) {
			all = append(all, w.past(c, m))
		}
	}
	if len(all) == 0 {
		return nil, refuse("thread_not_found")
	}
	page, cursor := paged(c, all)
	return reply{"messages": page, "has_more": cursor != "", "response_metadata": reply{"next_cursor": cursor}}, nil
}
