package main

import (
	"context"
	"errors"

	"twokey/bot/config"
	"twokey/bot/discord"
	"twokey/bot/slack"
	"twokey/chat"
	"twokey/commands"
	"twokey/store"
)

// platform is a chat platform's adapter.
type platform interface {
	chat.Poster
	Handle(h chat.Handler)
	Run(ctx context.Context) error
	Ready() error
}

// chats are the platforms that a bot serves, by their names.
type chats []served

type served struct {
	name string
	platform
}

// Ready returns nil while all of them are connected.
func (cs chats) Ready() error {
	var wrong []error
	for _, c := range cs {
		wrong = append(wrong, because(c.name+" is not connected", c.platform.Ready()))
	}
	return errors.Join(wrong...)
}

// openChats makes the adapters, which are not connected yet. It returns the
// administrators' channel and the workspace of each platform.
func (s *service) openChats(ctx context.Context, set setting, late *late) (admins chat.Address, workspaces map[string]string, err error) {
	workspaces = map[string]string{}
	if c := s.cfg.Slack; c != nil {
		if s.slack, err = newSlack(s.cfg, set, late); err != nil {
			return admins, nil, err
		}
		if workspaces[slack.Platform], err = s.slack.Workspace(ctx); err != nil {
			return admins, nil, err
		}
		admins = inChannel(slack.Platform, workspaces[slack.Platform], c.Channels.Admins)
		s.chats = append(s.chats, served{slack.Platform, s.slack})
	}
	if c := s.cfg.Discord; c != nil {
		if s.discord, err = newDiscord(s.cfg, set, late); err != nil {
			return admins, nil, err
		}
		workspaces[discord.Platform] = c.Guild
		if admins == (chat.Address{}) {
			admins = inChannel(discord.Platform, c.Guild, c.Channels.Admins)
		}
		s.chats = append(s.chats, served{discord.Platform, s.discord})
	}
	return admins, workspaces, nil
}

// inChannel is the address of a channel; zero if none is named.
func inChannel(platform, workspace, id string) chat.Address {
	if id == "" {
		return chat.Address{}
	}
	return chat.Address{Platform: platform, Workspace: workspace, Channel: id}
}

// newDiscord returns the adapter, which is not connected yet.
func newDiscord(cfg *config.Config, set setting, late *late) (*discord.Discord, error) {
	c := cfg.Discord
	return discord.New(discord.Config{
		Mode: c.Mode, Token: c.Token.Reveal(), PublicKey: c.PublicKey, ApplicationID: c.ApplicationID, Guild: c.Guild,
		APIURL: c.APIURL, Inbox: late, Notes: late, Commands: func() []chat.CommandSpec { return late.mux.Registry() }, Now: set.now, Log: set.log,
	})
}

// late is given to the chat before there is anything in it: where the chat is has
// to be known before a bot can be assembled. Nothing arrives until it is.
type late struct {
	*store.Store
	mux *commands.Mux
}
