package discord

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/bwmarrin/discordgo"

	"twokey/chat"
)

// ManifestOptions say what the app is to be.
type ManifestOptions struct {
	ApplicationID string
	Guild         string // the server; empty leaves the choice to whoever invites the bot
	Mode          string // "gateway", the default, or "http"
	// PublicURL is how Discord reaches the bot, for http mode: an https address,
	// below which /discord/interactions is answered.
	PublicURL string
	Commands  []chat.CommandSpec
}

// permissions are what the bot needs in its channels: to see them, to write, and
// to show embeds and pictures there.
const permissions = discordgo.PermissionViewChannel | discordgo.PermissionSendMessages | discordgo.PermissionEmbedLinks | discordgo.PermissionAttachFiles

// interactionsPath is where interactions are answered below the public address.
const interactionsPath = "/discord/interactions"

// Manifest returns what has to be done on Discord's pages: where to invite the
// bot with the least permissions, the interactions address for http mode, and the
// commands as the bot registers them by itself.
func Manifest(o ManifestOptions) ([]byte, error) {
	if o.ApplicationID == "" {
		o.ApplicationID = "APPLICATION_ID"
	}
	all, err := newCatalog(o.Commands)
	if err != nil {
		return nil, err
	}
	m := manifest{Invite: Invite(o.ApplicationID, o.Guild), Permissions: strconv.Itoa(permissions), Intents: int(intents), Commands: all.commands}
	if o.Mode == modeHTTP {
		u, err := url.Parse(o.PublicURL)
		switch {
		case o.PublicURL == "":
			return nil, errors.New("discord in http mode needs an address that Discord can reach: set web.public_url")
		case err != nil || u.Scheme != "https" || u.Host == "":
			return nil, fmt.Errorf("discord reaches the bot by https alone, and web.public_url is %q", o.PublicURL)
		}
		m.Interactions, m.Intents = strings.TrimSuffix(o.PublicURL, "/")+interactionsPath, 0
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err = e.Encode(m)
	return []byte(b.String()), err
}

// manifest is what Manifest prints.
type manifest struct {
	Invite       string    `json:"invite"`
	Permissions  string    `json:"permissions"`
	Intents      int       `json:"gateway_intents"` // none of them is privileged
	Interactions string    `json:"interactions_endpoint_url,omitempty"`
	Commands     []command `json:"commands"`
}

// Invite returns the address at which an administrator adds the bot to a server.
func Invite(application, guild string) string {
	q := url.Values{"client_id": {application}, "scope": {"bot applications.commands"}, "permissions": {strconv.Itoa(permissions)}}
	if guild != "" {
		q.Set("guild_id", guild)
		q.Set("disable_guild_select", "true")
	}
	return "https://discord.com/oauth2/authorize?" + q.Encode()
}
