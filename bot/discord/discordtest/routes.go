package discordtest

import (
	"slices"
	"strings"
)

// routes are those that the platform plays.
var routes = map[string]answerTo{
	RouteGateway:                          {do: (*call).gateway},
	"GET /gateway":                        {do: (*call).gateway, open: true},
	RouteSelf:                             {do: (*call).self},
	"GET /applications/@me":               {do: (*call).application},
	"GET /guilds/{guild_id}":              {do: (*call).guild},
	RouteMember:                           {do: (*call).member},
	"GET /channels/{channel_id}":          {do: (*call).getChannel},
	RouteDirect:                           {do: (*call).openDirect},
	RouteMessage:                          {do: (*call).postMessage},
	"GET /channels/{channel_id}/messages": {do: (*call).listMessages},
	RouteEdit:                             {do: (*call).editMessage},
	RouteCommands:                         {do: (*call).listCommands},
	RouteOverwrite:                        {do: (*call).overwriteCommands},
	"GET /applications/{application_id}/commands": {do: (*call).listCommands},
	"PUT /applications/{application_id}/commands": {do: (*call).overwriteCommands},
	RouteCallback: {do: (*call).callback, open: true},
	RouteOriginal: {do: (*call).editOriginal, open: true},
	RouteDelete:   {do: (*call).deleteOriginal, open: true},
	RouteFollowUp: {do: (*call).followUp, open: true},
}

func (c *call) self() (any, *refusal) { return c.p.user(c.p.options.AppID).wire(), nil }

func (c *call) application() (any, *refusal) {
	p := c.p
	var endpoint any
	if p.options.HTTP != "" {
		endpoint = p.options.HTTP
	}
	return object{"id": p.options.AppID, "name": "twokey", "verify_key": p.PublicKey(), "flags": 0, "interactions_endpoint_url": endpoint, "bot_public": false}, nil
}

func (c *call) guild() (any, *refusal) {
	if c.path("guild_id") != c.p.options.Guild {
		return nil, refuse(404, 10004, "Unknown Guild")
	}
	return object{"id": c.p.options.Guild, "name": "Harbour & Vale"}, nil
}

func (c *call) member() (any, *refusal) {
	u := c.p.user(c.path("user_id"))
	switch {
	case c.path("guild_id") != c.p.options.Guild:
		return nil, refuse(404, 10004, "Unknown Guild")
	case u == nil:
		return nil, refuse(404, 10013, "Unknown User")
	case u.Away:
		return nil, refuse(404, 10007, "Unknown Member")
	}
	return u.member(), nil
}

func (c *call) getChannel() (any, *refusal) {
	to := c.p.channel(c.path("channel_id"))
	switch {
	case to == nil:
		return nil, unknownChannel
	case to.BotAway:
		return nil, missingAccess
	}
	return to.wire(c.p.options.Guild), nil
}

// gateway says where the gateway is, and how many sessions may still be begun.
func (c *call) gateway() (any, *refusal) {
	p := c.p
	used := p.startsNow()
	reset := int64(0)
	if len(used) > 0 {
		reset = used[0].Add(day).Sub(p.now()).Milliseconds()
	}
	return object{
		"url": "ws" + strings.TrimPrefix(p.server.URL, "http") + "/gateway/", "shards": 1,
		"session_start_limit": object{"total": p.options.Starts, "remaining": max(0, p.options.Starts-len(used)), "reset_after": reset, "max_concurrency": 1},
	}, nil
}

// has reports whether a list holds v.
func has[T comparable](list []T, v T) bool { return slices.Contains(list, v) }
