package discordtest

import "slices"

// User is one account of Discord. The zero value of everything but the ID is an
// ordinary member of the server.
type User struct {
	ID       string
	Name     string // the ID if empty
	Nick     string // on the server
	Bot      bool
	Away     bool // no member of the server
	BlocksDM bool // takes no direct messages from the bot
}

// Channel is a text channel of the server. Direct messages need none: they come
// to be when they are opened.
type Channel struct {
	ID      string
	Name    string
	Members []string // who can see it
	BotAway bool     // the bot cannot see it; by default it can

	dm string // direct messages: whose
}

// AddUser adds an account, or replaces the one with its ID.
func (p *Platform) AddUser(u User) {
	p.mu.Lock()
	defer p.mu.Unlock()
	u.Name = or(u.Name, u.ID)
	p.users = slices.DeleteFunc(p.users, func(o *User) bool { return o.ID == u.ID })
	p.users = append(p.users, &u)
	p.change()
}

// AddChannel adds a channel, or replaces the one with its ID.
func (p *Platform) AddChannel(c Channel) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.Name = or(c.Name, "channel")
	c.Members = slices.Clone(c.Members)
	p.channels = slices.DeleteFunc(p.channels, func(o *Channel) bool { return o.ID == c.ID })
	p.channels = append(p.channels, &c)
	p.change()
}

// Direct returns the ID of a person's direct messages with the bot.
func (p *Platform) Direct(user string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.direct(user).ID
}

// direct needs p.mu.
func (p *Platform) direct(user string) *Channel {
	for _, c := range p.channels {
		if c.dm == user {
			return c
		}
	}
	c := &Channel{ID: p.snowflake(), Members: []string{user}, dm: user}
	p.channels = append(p.channels, c)
	return c
}

// user needs p.mu.
func (p *Platform) user(id string) *User {
	for _, u := range p.users {
		if u.ID == id {
			return u
		}
	}
	return nil
}

// channel needs p.mu.
func (p *Platform) channel(id string) *Channel {
	for _, c := range p.channels {
		if c.ID == id {
			return c
		}
	}
	return nil
}

// place returns where a person types; nil if they cannot. It needs p.mu.
func (p *Platform) place(user, channel string) *Channel {
	if channel == "" && p.user(user) != nil {
		return p.direct(user)
	}
	if c := p.channel(channel); c != nil && slices.Contains(c.Members, user) {
		return c
	}
	return nil
}

// wire is a user as Discord sends it.
func (u *User) wire() object {
	return object{"id": u.ID, "username": u.Name, "discriminator": "0", "global_name": u.Name, "avatar": nil, "bot": u.Bot, "public_flags": 0}
}

// member is a user as a member of the server.
func (u *User) member() object {
	var nick any
	if u.Nick != "" {
		nick = u.Nick
	}
	return object{
		"user": u.wire(), "nick": nick, "avatar": nil, "banner": nil, "roles": []any{}, "joined_at": "2026-01-01T00:00:00.000000+00:00", "premium_since": nil,
		"deaf": false, "mute": false, "flags": 0, "pending": false, "communication_disabled_until": nil,
	}
}

// wire is a channel as Discord sends it.
func (c *Channel) wire(guild string) object {
	if c.dm != "" {
		return object{"id": c.ID, "type": 1}
	}
	return object{"id": c.ID, "type": 0, "name": c.Name, "guild_id": guild, "position": 0, "permission_overwrites": []any{}, "nsfw": false, "topic": nil, "parent_id": nil, "flags": 0, "rate_limit_per_user": 0, "last_message_id": nil}
}
