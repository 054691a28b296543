package slacktest

import (
	"slices"
	"strings"
)

// User is one account of the workspace, or of another that shares a channel
// with it. The zero value of everything but the ID is an ordinary full member
// with a confirmed address.
type User struct {
	ID       string // "U…" or "W…"
	Name     string // handle, as typed after "@"; the ID in lower case if empty
	RealName string
	Email    string
	Team     string // the workspace that the person belongs to; this one if empty
	TZ       string // "Europe/Berlin" if empty
	Locale   string // "en-GB" if empty

	Deleted          bool
	Bot              bool
	AppUser          bool
	Admin            bool
	Owner            bool
	Restricted       bool // a guest of several channels
	UltraRestricted  bool // a guest of one channel
	Stranger         bool // met in a shared channel only
	EmailUnconfirmed bool
}

// Channel is a conversation. Direct messages need none: they come to be when
// they are needed.
type Channel struct {
	ID       string // "C…", "G…"
	Name     string
	Private  bool
	Archived bool
	ReadOnly bool     // the bot may not post
	BotAway  bool     // the bot is no member; by default it is
	Members  []string // user IDs

	im string // direct messages: whose
}

// AddUser adds an account, or replaces the one with its ID.
func (w *Workspace) AddUser(u User) {
	w.mu.Lock()
	defer w.mu.Unlock()
	u.Name = or(u.Name, strings.ToLower(u.ID))
	u.RealName = or(u.RealName, u.Name)
	u.Team = or(u.Team, w.options.Team)
	u.TZ = or(u.TZ, "Europe/Berlin")
	u.Locale = or(u.Locale, "en-GB")
	w.users = slices.DeleteFunc(w.users, func(o *User) bool { return o.ID == u.ID })
	w.users = append(w.users, &u)
	w.change()
}

// AddChannel adds a channel, or replaces the one with its ID.
func (w *Workspace) AddChannel(c Channel) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c.Name = or(c.Name, strings.ToLower(c.ID))
	c.Members = slices.Clone(c.Members)
	if !c.BotAway && !slices.Contains(c.Members, w.options.BotUser) {
		c.Members = append(c.Members, w.options.BotUser)
	}
	w.channels = slices.DeleteFunc(w.channels, func(o *Channel) bool { return o.ID == c.ID })
	w.channels = append(w.channels, &c)
	w.change()
}

// Direct returns the ID of a person's direct messages with the bot.
func (w *Workspace) Direct(user string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.direct(user).ID
}

// direct needs w.mu.
func (w *Workspace) direct(user string) *Channel {
	for _, c := range w.channels {
		if c.im == user {
			return c
		}
	}
	c := &Channel{ID: "D" + user[1:], Name: "directmessage", Private: true, Members: []string{user, w.options.BotUser}, im: user}
	for w.channel(c.ID) != nil { // U1 and W1
		c.ID += "X"
	}
	w.channels = append(w.channels, c)
	return c
}

// user needs w.mu.
func (w *Workspace) user(id string) *User {
	for _, u := range w.users {
		if u.ID == id {
			return u
		}
	}
	return nil
}

// channel needs w.mu.
func (w *Workspace) channel(id string) *Channel {
	for _, c := range w.channels {
		if c.ID == id {
			return c
		}
	}
	return nil
}

func (c *Channel) has(user string) bool { return slices.Contains(c.Members, user) }

// nameFor returns what a slash command calls the channel.
func (c *Channel) nameFor() string {
	if c.Private && c.im == "" {
		return "privategroup"
	}
	return c.Name
}
