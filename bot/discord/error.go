package discord

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"twokey/chat/outward"
)

// problem is what Discord refused, or what kept us from asking it. Its text
// holds no token: neither the bot's nor an interaction's, which lets whoever
// knows it answer for us.
type problem struct {
	doing   string        // "post message"
	code    int           // Discord's own, 50001; 0 if there is none
	status  int           // of HTTP or, from 4000 on, the code that the gateway was closed with
	detail  string        // what Discord added
	wait    time.Duration // how long Discord wants to be left alone
	limited bool          // there were too many calls
	notSent bool          // Discord surely has not done it
	cause   error
}

// Discord's error codes that are looked at.
// https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
const (
	codeUnknownChannel     = 10003
	codeUnknownMember      = 10007
	codeUnknownMessage     = 10008
	codeUnknownUser        = 10013
	codeUnknownWebhook     = 10015
	codeUnknownInteraction = 10062
	codeEditLimit          = 30046
	codeAnswered           = 40060
	codeMissingAccess      = 50001
	codeMissingPermission  = 50013
	codeInvalidToken       = 50027
)

// wrap returns err as a problem with doing something; nil if there is none.
func wrap(doing string, err error) error {
	var known *problem
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return err
	}
	return &problem{doing: doing, cause: bare(err), notSent: unsent(err)}
}

// bare returns err without the address that was called, which may hold a token.
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
	fmt.Fprintf(&b, "discord: %s: ", p.doing)
	switch {
	case p.limited:
		b.WriteString("too many calls")
	case p.code != 0:
		fmt.Fprintf(&b, "error %d", p.code)
	case p.status >= firstCloseCode:
		fmt.Fprintf(&b, "closed with %d", p.status)
	case p.status != 0:
		fmt.Fprintf(&b, "HTTP status %d", p.status)
	case p.cause != nil:
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
	if hint := hints[p.code]; p.code != 0 {
		return hint
	}
	return hints[p.status]
}

// RetryAfter returns how long to leave Discord alone; 0 if it has not said.
func (p *problem) RetryAfter() time.Duration { return p.wait }

// hints say what helps, by Discord's codes, statuses and close codes.
var hints = map[int]string{
	http.StatusUnauthorized: "the token is not valid: copy it again from the app's page under Bot",
	codeMissingAccess:       "the bot cannot see that: add it to the server and let it view the channel",
	codeMissingPermission:   "the bot may not do that there: give it View Channel, Send Messages, Embed Links and Attach Files in that channel",
	codeUnknownChannel:      "there is no such channel: compare its ID in the configuration",
	codeUnknownMember:       "the person is not on the server",
	10004:                   "the bot is not on that server: compare the server's ID, and invite the bot with the address that “twokey manifest discord” prints",
	50007:                   "the person takes no direct messages from the bot: they can allow them in the server's privacy settings",
	50278:                   "the person shares no server with the bot",
	20012:                   "the token is one of another app: compare the application's ID",
	30034:                   "200 new commands a day are all that Discord takes: wait until tomorrow",
	closeAuth:               "the token is not valid: copy it again from the app's page under Bot",
	closeIntents:            "the app asks for an intent that is not switched on",
}

// final reports whether no later try will change a refusal, but only an
// operator.
func final(err error) bool {
	var p *problem
	var u *unusable
	if errors.As(err, &u) {
		return true
	}
	if !errors.As(err, &p) {
		return false
	}
	return p.status == http.StatusUnauthorized || p.code == 20012 || p.code == 10004 || p.code == codeMissingAccess || fatal[p.status]
}

// unusable is why the bot cannot work on Discord at all.
type unusable struct{ error }

// Say returns the sentence for whoever started the bot.
func (u *unusable) Say() string { return "Discord does not let the bot in: " + u.Error() }

// Hint says what to do about it.
func (u *unusable) Hint() string {
	var p *problem
	if errors.As(u.error, &p) {
		return p.Hint()
	}
	return ""
}

// Unwrap returns Discord's refusal.
func (u *unusable) Unwrap() error { return u.error }

// code returns Discord's error code of err; 0 if it has none.
func code(err error) int {
	var p *problem
	if errors.As(err, &p) {
		return p.code
	}
	return 0
}

// ended reports whether the token of an interaction is good for nothing any
// more.
func ended(err error) bool {
	switch code(err) {
	case codeUnknownWebhook, codeInvalidToken, codeUnknownInteraction:
		return true
	}
	return false
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
