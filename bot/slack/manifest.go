package slack

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// ManifestOptions say what the app is to be.
type ManifestOptions struct {
	Mode string // "socket", the default, or "http"
	// PublicURL is how Slack reaches the bot, for http mode: an https address,
	// below which /slack/ is answered.
	PublicURL string
	Command   string // "/mfa" if empty
}

// Manifest returns the app manifest as JSON, to be pasted into Slack's page for
// new apps: https://docs.slack.dev/reference/app-manifest. It asks for no more
// scopes than the bot uses.
func Manifest(o ManifestOptions) ([]byte, error) {
	at, err := requestURLs(o)
	if err != nil {
		return nil, err
	}
	scopeNames := make([]string, len(scopes))
	for i, s := range scopes {
		scopeNames[i] = s.name
	}
	return []byte(indented(manifest{
		Metadata: manifestVersion{Major: 1, Minor: 1},
		Display: manifestDisplay{
			Name: "Twokey", Background: "#1f2937",
			Description:     "Rolls out and runs multi-factor authentication, with a second person for every change.",
			LongDescription: manifestAbout,
		},
		Features: manifestFeatures{
			BotUser: manifestBot{DisplayName: "twokey", AlwaysOnline: true},
			Home:    manifestHome{Home: true, Messages: true},
			Commands: []manifestCommand{{
				Command: cmp.Or(o.Command, "/mfa"), Description: "Your own MFA, or a command",
				Hint: "help", Escape: true, URL: at("commands"),
			}},
		},
		OAuth: manifestOAuth{Scopes: manifestScopes{Bot: scopeNames}},
		Settings: manifestSettings{
			Events:        manifestEvents{URL: at("events"), Bot: botEvents},
			Interactivity: manifestInteractivity{Enabled: true, URL: at("actions")},
			Socket:        o.Mode != modeHTTP,
		},
	})), nil
}

// botEvents are the events that the bot listens to.
var botEvents = []string{"app_home_opened", "app_mention", "message.im"}

// manifestAbout is what the app's page says; Slack wants 175 characters at least.
const manifestAbout = `Twokey helps an organisation with Microsoft 365 to set up multi-factor authentication and to keep it running.

Everybody: type “/mfa” to see how your own sign-in is protected and what to do next, or ask a question in your own words. Answers are for you alone. The bot never asks for a password, a code or a pass.

Administrators: status, preflight and changes, each of which a second person has to approve.`

// requestURLs returns where each kind of delivery is sent: nowhere in socket mode.
func requestURLs(o ManifestOptions) (func(kind string) string, error) {
	if o.Mode != modeHTTP {
		return func(string) string { return "" }, nil
	}
	u, err := url.Parse(o.PublicURL)
	switch {
	case o.PublicURL == "":
		return nil, errors.New("slack in http mode needs an address that Slack can reach: set web.public_url")
	case err != nil || u.Scheme != "https" || u.Host == "":
		return nil, fmt.Errorf("slack reaches the bot by https alone, and web.public_url is %q", o.PublicURL)
	}
	return func(kind string) string { return strings.TrimRight(o.PublicURL, "/") + "/slack/" + kind }, nil
}

// What follows is the manifest's own shape. The library's types leave out what
// is false, and Slack's defaults are not those: the messages tab, where people
// write to the bot, is read-only unless it is said that it is not.
type (
	manifest struct {
		Metadata manifestVersion  `json:"_metadata"`
		Display  manifestDisplay  `json:"display_information"`
		Features manifestFeatures `json:"features"`
		OAuth    manifestOAuth    `json:"oauth_config"`
		Settings manifestSettings `json:"settings"`
	}
	manifestVersion struct {
		Major int `json:"major_version"`
		Minor int `json:"minor_version"`
	}
	manifestDisplay struct {
		Name            string `json:"name"`
		Description     string `json:"description"`
		LongDescription string `json:"long_description"`
		Background      string `json:"background_color"`
	}
	manifestFeatures struct {
		Home     manifestHome      `json:"app_home"`
		BotUser  manifestBot       `json:"bot_user"`
		Commands []manifestCommand `json:"slash_commands"`
	}
	manifestHome struct {
		Home     bool `json:"home_tab_enabled"`
		Messages bool `json:"messages_tab_enabled"`
		ReadOnly bool `json:"messages_tab_read_only_enabled"`
	}
	manifestBot struct {
		DisplayName  string `json:"display_name"`
		AlwaysOnline bool   `json:"always_online"`
	}
	manifestCommand struct {
		Command     string `json:"command"`
		URL         string `json:"url,omitempty"`
		Description string `json:"description"`
		Hint        string `json:"usage_hint"`
		Escape      bool   `json:"should_escape"` // mentions come as IDs
	}
	manifestOAuth struct {
		Scopes manifestScopes `json:"scopes"`
	}
	manifestScopes struct {
		Bot []string `json:"bot"`
	}
	manifestSettings struct {
		Events        manifestEvents        `json:"event_subscriptions"`
		Interactivity manifestInteractivity `json:"interactivity"`
		OrgDeploy     bool                  `json:"org_deploy_enabled"`
		Socket        bool                  `json:"socket_mode_enabled"`
		Rotation      bool                  `json:"token_rotation_enabled"`
	}
	manifestEvents struct {
		URL string   `json:"request_url,omitempty"`
		Bot []string `json:"bot_events"`
	}
	manifestInteractivity struct {
		Enabled bool   `json:"is_enabled"`
		URL     string `json:"request_url,omitempty"`
	}
)
