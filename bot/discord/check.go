package discord

import (
	"context"
	"errors"
	"net/http"
	"strings"
)

// ErrNoFreeText is what the http mode cannot do: the bot works all the same.
var ErrNoFreeText = errors.New("in http mode Discord tells the bot of no messages: people use commands and buttons, and cannot ask in their own words")

// ErrOtherCommands is that Discord knows other commands than this program has. It
// gets them when the adapter runs.
var ErrOtherCommands = errors.New("the registered commands are not those of this version: they will be when “twokey serve” starts")

// Check reports what has to hold before the adapter can work: the token, the
// server, the commands, and the way interactions take. A nil error is good news.
// It may be called whether or not the adapter runs.
func (d *Discord) Check(ctx context.Context, report func(name string, err error)) {
	err := d.authorise(ctx)
	report("discord token", err)
	if err != nil {
		return
	}
	c := call{doing: "look at the server", patience: patience, repeat: true}
	c.method, c.path, c.route = at(http.MethodGet, "/guilds/{}", d.cfg.Guild)
	report("discord server", d.do(ctx, c, nil))
	report("discord commands", d.checkCommands(ctx))
	report("discord interactions", d.checkRoad(ctx))
	if d.cfg.Mode == modeHTTP {
		report("discord messages", ErrNoFreeText)
	}
}

// remedied is something that is wrong on Discord's side and can be mended there.
type remedied struct {
	error
	hint string
}

// Hint says what to do.
func (r remedied) Hint() string { return r.hint }

// Channel reports whether the bot sees a channel of the server. It may be called
// whether or not the adapter runs.
func (d *Discord) Channel(ctx context.Context, id string) error {
	c := call{doing: "look at a channel", patience: patience, repeat: true}
	c.method, c.path, c.route = at(http.MethodGet, "/channels/{}", id)
	return d.do(ctx, c, nil)
}

// Member reports whether an account is a member of the server: nobody else's
// presses count. It may be called whether or not the adapter runs.
func (d *Discord) Member(ctx context.Context, id string) error {
	c := call{doing: "look up a person", patience: patience, repeat: true}
	c.method, c.path, c.route = at(http.MethodGet, "/guilds/{}/members/{}", d.cfg.Guild, id)
	return d.do(ctx, c, nil)
}

// checkCommands returns an error if the registered commands are not ours.
func (d *Discord) checkCommands(ctx context.Context) error {
	if d.cfg.Commands == nil {
		return nil
	}
	want, err := newCatalog(d.cfg.Commands())
	if err != nil {
		return err
	}
	var have []command
	c := call{doing: "read the registered commands", patience: patience, repeat: true}
	c.method, c.path, c.route = at(http.MethodGet, "/applications/{}/guilds/{}/commands", d.cfg.ApplicationID, d.cfg.Guild)
	if err := d.do(ctx, c, &have); err != nil {
		return err
	}
	if !same(want.commands, have) {
		return ErrOtherCommands
	}
	return nil
}

// checkRoad returns an error if Discord sends interactions where nobody is.
func (d *Discord) checkRoad(ctx context.Context) error {
	var app struct {
		Endpoint string `json:"interactions_endpoint_url"`
	}
	c := call{doing: "look at the app", patience: patience, repeat: true}
	c.method, c.path, c.route = at(http.MethodGet, "/applications/@me")
	if err := d.do(ctx, c, &app); err != nil {
		return err
	}
	switch {
	case d.cfg.Mode == modeGateway && app.Endpoint != "":
		return remedied{errors.New("discord: the app has an Interactions Endpoint URL, so that nothing comes over the gateway"), "clear it on the app's page, or set the mode to http"}
	case d.cfg.Mode == modeHTTP && !strings.HasSuffix(app.Endpoint, interactionsPath):
		return remedied{errors.New("discord: the app's Interactions Endpoint URL does not end in " + interactionsPath), "set it on the app's page under General Information"}
	}
	return nil
}
