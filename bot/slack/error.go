package slack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"twokey/chat/outward"
)

// problem is what Slack refused, or what kept us from asking it. Its text
// holds no token and no address that whoever knows it may post to.
type problem struct {
	doing    string        // "post message"
	code     string        // Slack's own, "not_in_channel"; empty if Slack did not answer
	status   int           // of HTTP, where that was the refusal
	detail   string        // what Slack added
	needed   string        // scopes that are missing
	wait     time.Duration // how long Slack wants to be left alone
	notSent  bool          // Slack surely has not done it
	cause    error
	provided string // scopes that are held
}

// wrap returns err as a problem with doing something; nil if there is none.
func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	p := &problem{doing: doing}
	var (
		refused slack.SlackErrorResponse
		limited *slack.RateLimitedError
		status  slack.StatusCodeError
		known   *problem
	)
	switch {
	case errors.As(err, &known):
		return err
	case errors.As(err, &refused):
		p.code, p.needed, p.provided = refused.Err, refused.Needed, refused.Provided
		p.detail = strings.Join(refused.ResponseMetadata.Messages, "; ")
		p.notSent = !unclearCodes[p.code]
		if p.code == codeLimited {
			p.wait = time.Second
		}
	case errors.As(err, &limited):
		p.code, p.wait, p.notSent = codeLimited, max(limited.RetryAfter, time.Second), true
	case errors.As(err, &status) && status.Code == http.StatusTooManyRequests: // without saying for how long
		p.code, p.wait, p.notSent = codeLimited, 30*time.Second, true
	case errors.As(err, &status):
		p.status, p.notSent = status.Code, status.Code < http.StatusInternalServerError
	default:
		p.cause = bare(err)
		p.notSent = unsent(err)
	}
	return p
}

// unclearCodes are refusals after which the thing may have been done all the
// same.
var unclearCodes = map[string]bool{
	"internal_error": true, "fatal_error": true, "service_unavailable": true, "request_timeout": true,
}

// bare returns err without the address that was called: a response_url, an
// upload URL or a socket's ticket lets whoever reads it act for us.
func bare(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return bare(u.Err)
	}
	return err
}

// unsent reports whether the connection failed before a byte of the request
// can have left.
func unsent(err error) bool {
	var d outward.DialError
	return errors.As(err, &d)
}

// Error says what was being done, what became of it and what helps.
func (p *problem) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "slack: %s: ", p.doing)
	switch {
	case p.code != "":
		b.WriteString(p.code)
	case p.status != 0:
		fmt.Fprintf(&b, "HTTP status %d", p.status)
	default:
		b.WriteString(p.cause.Error())
	}
	if p.detail != "" {
		b.WriteString(" (" + p.detail + ")")
	}
	if hint := p.Hint(); hint != "" {
		b.WriteString(": " + hint)
	}
	return b.String()
}

// Unwrap returns what happened below, such as an expired context.
func (p *problem) Unwrap() error { return p.cause }

// Hint says what an operator can do about it; empty if nothing is known to
// help.
func (p *problem) Hint() string {
	if p.code == "missing_scope" && p.needed != "" {
		return "the app lacks the scope " + p.needed + " (it has " + p.provided + "): add it under OAuth & Permissions and install the app again"
	}
	return hints[p.code]
}

// RetryAfter returns how long to leave Slack alone; 0 if it has not said.
func (p *problem) RetryAfter() time.Duration { return p.wait }

// hints say what helps, by Slack's error codes.
// https://docs.slack.dev/reference/methods
var hints = map[string]string{
	"invalid_auth":           "the token is not valid: copy it again from the app's page",
	"not_authed":             "no token was sent: copy it from the app's page",
	"token_revoked":          "the token was revoked: install the app again and copy the new token",
	"token_expired":          "the token has expired: switch token rotation off, or install the app again",
	"account_inactive":       "the bot was removed from the workspace: install the app again",
	"not_allowed_token_type": "this is the wrong kind of token: sockets need the app-level one (xapp-), everything else the bot's (xoxb-)",
	"missing_scope":          "the app lacks a scope: compare it with the manifest and install the app again",
	"not_in_channel":         "the bot is not in that channel: type /invite with the bot's name there",
	"channel_not_found":      "there is no such channel, or it is private and the bot is not in it: type /invite with the bot's name there",
	"user_not_in_channel":    "the person is not in that channel",
	"is_archived":            "the channel is archived: choose another one in the configuration",
	"restricted_action":      "a workspace setting keeps the bot from posting there: ask a workspace admin",
	"messages_tab_disabled":  "people cannot have direct messages with the bot: switch the Messages tab on under App Home",
	"user_not_found":         "there is no such person in this workspace",
	"user_disabled":          "the person's account is deactivated",
	"cannot_dm_bot":          "a bot cannot be written to",
	"too_many_websockets":    "the app holds as many connections as it may: lower the number of replicas or connections",
	"link_disabled":          "Socket Mode is switched off on the app's page: switch it on, or set the mode to http",
	"forbidden_team":         "Slack opens no sockets to this app: switch Socket Mode on, on the app's page",
	"ratelimited":            "Slack asks for a pause; it goes on by itself",
}

// final are the refusals that no later try will change, but only an operator.
var final = map[string]bool{
	"invalid_auth": true, "not_authed": true, "token_revoked": true, "token_expired": true, "account_inactive": true,
	"not_allowed_token_type": true, "missing_scope": true, "no_permission": true,
}

// unusable is why the bot cannot work on Slack at all.
type unusable struct{ error }

// Say returns the sentence for whoever started the bot.
func (u *unusable) Say() string { return "Slack does not let the bot in: " + u.Error() }

// Hint says what to do about it.
func (u *unusable) Hint() string {
	var p *problem
	if errors.As(u.error, &p) {
		return p.Hint()
	}
	return ""
}

// Unwrap returns Slack's refusal.
func (u *unusable) Unwrap() error { return u.error }

// code returns Slack's error code of err; empty if it has none.
func code(err error) string {
	var p *problem
	if errors.As(err, &p) {
		return p.code
	}
	return ""
}

// unclear reports whether the thing may have been done although err says that
// it failed.
func unclear(err error) bool {
	var p *problem
	if errors.As(err, &p) {
		return !p.notSent
	}
	return err != nil && !errors.Is(err, context.Canceled)
}
