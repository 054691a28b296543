package main

import (
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"

	"twokey/bot/config"
	"twokey/bot/discord"
	"twokey/bot/entra"
	"twokey/bot/link"
	"twokey/bot/slack"
	"twokey/commands"
)

// manifestCommand prints what another service wants to be told before the bot
// can work there.
type manifestCommand struct {
	Slack   slackManifest   `cmd:"" help:"Print the app manifest for api.slack.com/apps."`
	Discord discordManifest `cmd:"" help:"Print the address that invites the bot to a server, and its commands."`
	Entra   entraManifest   `cmd:"" help:"Print a script that makes the app registrations, with each permission and what it is for."`
}

// entraManifest prints how the app registrations in Microsoft Entra are made.
type entraManifest struct {
	Config string `help:"The configuration file; without one there is only the app that reads." type:"path" placeholder:"FILE"`
}

// Run prints the script. Mistakes elsewhere in the configuration do not matter:
// the keys are not there before the apps are.
func (m entraManifest) Run(std streams) error {
	plan := entra.Plan{Tenant: "YOUR-TENANT-ID", Authority: "https://login.microsoftonline.com"}
	if m.Config != "" {
		c, err := loadConfig(m.Config)
		var mistakes config.Mistakes
		if err != nil && !errors.As(err, &mistakes) {
			return err
		}
		if wrong := slices.Concat(mistakes.Concern("tenants[0].id"), mistakes.Concern("tenants[0].graph.authority_url"), mistakes.Concern("changes"), mistakes.Concern("tenants[0].mail_from"), mistakes.Concern("web.public_url")); len(wrong) > 0 {
			return wrong
		}
		if len(c.Tenants) == 0 {
			return plainly("The configuration names no tenant: add tenants, with its id.")
		}
		t := c.Tenants[0]
		plan.Tenant, plan.Changes, plan.Mail = t.ID, c.Changes, t.MailFrom
		if c.Web.PublicURL != "" {
			plan.Redirect = link.RedirectURL(c.Web.PublicURL)
		}
		if a := t.Graph.AuthorityURL; a != "" {
			plan.Authority = strings.TrimSuffix(a, "/")
		}
	}
	_, err := io.WriteString(std.out, entra.Script(plan))
	return err
}

// slackManifest prints the manifest of the Slack app.
type slackManifest struct {
	Config string `help:"The configuration file; without one the app is for socket mode." type:"path" placeholder:"FILE"`
}

// Run prints the manifest, as it is to be pasted.
func (m slackManifest) Run(std streams) error {
	o, err := m.options()
	if err != nil {
		return err
	}
	manifest, err := slack.Manifest(o)
	if err != nil {
		return err
	}
	_, err = std.out.Write(manifest)
	return err
}

// options reads the mode and the address alone. Mistakes elsewhere do not matter
// here; above all the tokens need not be there, as they come from the app that
// the manifest makes.
func (m slackManifest) options() (slack.ManifestOptions, error) {
	if m.Config == "" {
		return slack.ManifestOptions{}, nil
	}
	c, err := loadConfig(m.Config)
	var mistakes config.Mistakes
	if err != nil && !errors.As(err, &mistakes) {
		return slack.ManifestOptions{}, err
	}
	if wrong := slices.Concat(mistakes.Concern("slack.mode"), mistakes.Concern("web.public_url")); len(wrong) > 0 {
		return slack.ManifestOptions{}, wrong
	}
	o := slack.ManifestOptions{PublicURL: c.Web.PublicURL}
	if c.Slack != nil {
		o.Mode = c.Slack.Mode
	}
	return o, nil
}

// discordManifest prints what the Discord app is to be.
type discordManifest struct {
	Config string `help:"The configuration file; without one the app's ID is left open." type:"path" placeholder:"FILE"`
}

// Run prints the invitation, the commands and, for http mode, the address for
// interactions. Mistakes elsewhere in the configuration do not matter: the token
// need not be there yet.
func (m discordManifest) Run(std streams) error {
	o := discord.ManifestOptions{Commands: commands.NewMux(commands.Env{}, slog.New(slog.DiscardHandler)).Registry()}
	if m.Config != "" {
		c, err := loadConfig(m.Config)
		var mistakes config.Mistakes
		if err != nil && !errors.As(err, &mistakes) {
			return err
		}
		var wrong config.Mistakes
		for _, key := range []string{"discord.mode", "discord.application_id", "discord.guild", "web.public_url"} {
			wrong = append(wrong, mistakes.Concern(key)...)
		}
		if len(wrong) > 0 {
			return wrong
		}
		o.PublicURL = c.Web.PublicURL
		if d := c.Discord; d != nil {
			o.Mode, o.ApplicationID, o.Guild = d.Mode, d.ApplicationID, d.Guild
		}
	}
	manifest, err := discord.Manifest(o)
	if err != nil {
		return err
	}
	_, err = std.out.Write(manifest)
	return err
}
