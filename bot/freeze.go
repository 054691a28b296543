package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strings"

	"twokey/bot/config"
	"twokey/bot/console"
	"twokey/bot/discord"
	"twokey/bot/slack"
	"twokey/chat"
	"twokey/commands"
	"twokey/commands/approval"
	"twokey/commands/identity"
	"twokey/commands/rules"
	"twokey/store"
)

// freezeCommand stops all changes from the host itself: beside a running bot,
// without one, and when no chat works. There is no command that undoes it:
// whoever has the host alone must not be able to.
type freezeCommand struct {
	place
	Reason string `help:"Why; it is kept, and told to every approver and owner." placeholder:"WORDS"`
}

// Validate is called by the command line's parser.
func (f freezeCommand) Validate() error {
	if f.Config == "" && f.Data == "" {
		return errors.New("say which bot: --config FILE or --data DIR")
	}
	return nil
}

// Run freezes every tenant of the bot.
func (f freezeCommand) Run(ctx context.Context, std streams) (err error) {
	dsn, cfg, ignored, err := f.dsn()
	if err != nil {
		return err
	}
	for _, m := range ignored {
		fmt.Fprintln(std.err, "twokey: not looked at:", m)
	}
	db, err := store.OpenBeside(ctx, dsn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	known, err := db.LastRules(ctx)
	if err != nil {
		return err
	}
	if cfg != nil {
		for _, t := range cfg.Tenants {
			if t.ID != "" && !slices.ContainsFunc(known, func(r rules.Rules) bool { return r.Tenant == t.ID }) {
				known = append(known, rules.Rules{Tenant: t.ID}) // it begins frozen
			}
		}
	}
	if len(known) == 0 {
		return errors.New("there is no tenant to freeze: no bot has run on this database yet")
	}
	var failed []error
	for _, r := range known {
		failed = append(failed, f.freeze(ctx, std, db, r, f.admins(cfg, r)))
	}
	return errors.Join(failed...)
}

// freeze freezes one tenant, and says it also where that was so already. One
// that cannot be is no reason to leave the others.
func (f freezeCommand) freeze(ctx context.Context, std streams, db *store.Store, r rules.Rules, admins chat.Address) error {
	people := identity.New(identity.Config{Rules: rules.Fixed(r), Links: db}, nil) // who is named needs no tenant
	err := approval.FreezeNow(ctx, db, r.Tenant, whoIsHere(), f.Reason, commands.Named(ctx, people, admins))
	if errors.Is(err, approval.ErrFrozen) {
		_, err = fmt.Fprintf(std.out, "%s is frozen already\n", r.Tenant)
		return err
	}
	if err != nil {
		return fmt.Errorf("freeze %s: %w", r.Tenant, err)
	}
	_, err = fmt.Fprintf(std.out, "%s is frozen: nothing can be asked for, and nothing starts. It is thawed in the chat alone: “/mfa thaw”, asked for by an owner and agreed to by the approvers that the rules name\n", r.Tenant)
	return err
}

// admins is the administrators' channel, as far as it is known without asking
// the chat: its workspace is that of the people who are pinned, if they are all
// of one.
func (f freezeCommand) admins(cfg *config.Config, r rules.Rules) chat.Address {
	if f.Data != "" {
		return chat.Address{Platform: console.Platform, Channel: channelAdmins}
	}
	switch {
	case cfg == nil:
		return chat.Address{}
	case cfg.Slack == nil || cfg.Slack.Channels.Admins == "":
		if cfg.Discord == nil {
			return chat.Address{}
		}
		return inChannel(discord.Platform, cfg.Discord.Guild, cfg.Discord.Channels.Admins)
	}
	found := chat.Address{}
	for account := range r.Links {
		platform, rest, _ := strings.Cut(account, "/")
		workspace, _, _ := strings.Cut(rest, "/")
		at := chat.Address{Platform: slack.Platform, Workspace: workspace, Channel: cfg.Slack.Channels.Admins}
		switch {
		case platform != slack.Platform:
		case found != chat.Address{} && found != at:
			return chat.Address{}
		default:
			found = at
		}
	}
	return found
}

// whoIsHere names who runs the program, as far as the host knows.
func whoIsHere() string {
	name, host := "somebody", "this host"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if h, err := os.Hostname(); err == nil {
		host = h
	}
	return name + "@" + host
}
