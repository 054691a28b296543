package main

import (
	"errors"
	"slices"

	"twokey/bot/config"
	"twokey/bot/slack"
)

// manifestCommand prints what another service wants to be told before the bot
// can work there.
type manifestCommand struct {
	Slack slackManifest `cmd:"" help:"Print the app manifest for api.slack.com/apps."`
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
