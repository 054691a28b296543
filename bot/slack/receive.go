package slack

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"twokey/chat"
)

// delivery is something that one person did, as Slack tells it. Both modes
// make it, and nothing that is received goes any further in another form.
type delivery struct {
	app        string // whose app it is for, where Slack says so
	team       string // the workspace it happened in
	enterprise string // the grid that workspace is part of
	from       string // who did it
	fromTeam   string // the person's own workspace, where Slack says so

	event   chat.Event // without From, which is looked up
	origin  origin     // where answers go
	home    bool       // the home tab was opened: there is no event
	trigger string     // opens a form
	form    *chat.Button
	refused map[string]string // what is wrong with a form, by field: it is not handled
}

// origin is where something was done. It stays with a form while that is
// filled in, so it is small.
type origin struct {
	Button  string `json:"b,omitempty"` // whose form it is
	Value   string `json:"v,omitempty"`
	Channel string `json:"c,omitempty"`
	Thread  string `json:"t,omitempty"`
	Answers string `json:"u,omitempty"` // takes up to five answers for half an hour
	At      int64  `json:"a,omitempty"` // since when, in Unix seconds
}

// maxDepth is how deep what is received may be nested. Slack's own goes to
// about ten.
const maxDepth = 64

var (
	errDeep    = errors.New("nested too deeply")
	errUnknown = errors.New("of a kind that is not known")
	// errIgnored is for what is understood and not answered.
	errIgnored = errors.New("nothing that is answered")
)

// parse returns what a payload of a kind of frame says. The error is
// errIgnored if that is nothing that the bot answers; none holds a part of the
// payload.
func parse(kind string, payload []byte, now time.Time) (*delivery, error) {
	if tooDeep(payload) {
		return nil, errDeep
	}
	switch kind {
	case frameCommand:
		var c slack.SlashCommand
		if err := json.Unmarshal(payload, &c); err != nil {
			return nil, fmt.Errorf("read command: %w", err)
		}
		return command(c, now)
	case frameInteractive:
		return interaction(payload, now)
	case frameEvent:
		return event(payload)
	default:
		return nil, errUnknown
	}
}

// tooDeep reports whether JSON is nested deeper than anybody means it. The
// decoders would look at each level again.
func tooDeep(data []byte) bool {
	depth, quoted := 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// errIncomplete is why a payload without the IDs that make a person or an
// event is refused.
var errIncomplete = errors.New("an ID is missing")

// key names a delivery for good, by what Slack repeats it with.
func key(parts ...string) string { return Platform + "/" + strings.Join(parts, "/") }

// command returns a typed slash command.
func command(c slack.SlashCommand, now time.Time) (*delivery, error) {
	if c.UserID == "" || c.ChannelID == "" || c.TriggerID == "" {
		return nil, errIncomplete
	}
	d := &delivery{
		app: c.APIAppID, team: c.TeamID, enterprise: c.EnterpriseID, from: c.UserID,
		origin: origin{Channel: c.ChannelID, Answers: c.ResponseURL, At: now.Unix()},
	}
	d.event = chat.Event{
		Key: key(c.TeamID, "command", c.TriggerID), Kind: chat.Command,
		Channel: shared(c.ChannelID), Text: readable(c.Text),
	}
	return d, nil
}

// shared returns a channel's ID, and none for direct messages.
func shared(channel string) string {
	if strings.HasPrefix(channel, "D") {
		return ""
	}
	return channel
}

// callback is the part of a click or a filled-in form that counts. The
// blocks of the message are not read: what they say may have been edited since,
// and a button's value is all that it means.
type callback struct {
	Type       string `json:"type"`
	AppID      string `json:"api_app_id"`
	Trigger    string `json:"trigger_id"`
	Answers    string `json:"response_url"`
	Team       *place `json:"team"`
	Enterprise *place `json:"enterprise"`
	User       struct {
		ID   string `json:"id"`
		Team string `json:"team_id"`
	} `json:"user"`
	Channel place `json:"channel"`
	Message struct {
		Time   string `json:"ts"`
		Thread string `json:"thread_ts"`
	} `json:"message"`
	Container struct {
		Time    string `json:"message_ts"`
		Channel string `json:"channel_id"`
		Thread  string `json:"thread_ts"`
		View    string `json:"view_id"`
	} `json:"container"`
	Actions []slack.BlockAction `json:"actions"`
	View    json.RawMessage     `json:"view"`
}

// place is a workspace, a grid or a channel.
type place struct {
	ID string `json:"id"`
}

func (p *place) id() string {
	if p == nil {
		return ""
	}
	return p.ID
}

// The types of interaction that we cause.
const (
	typeActions    = "block_actions"
	typeSubmission = "view_submission"
)

func interaction(payload []byte, now time.Time) (*delivery, error) {
	var c callback
	if err := json.Unmarshal(payload, &c); err != nil {
		return nil, fmt.Errorf("read interaction: %w", err)
	}
	if c.User.ID == "" {
		return nil, errIncomplete
	}
	d := &delivery{
		app: c.AppID, team: c.Team.id(), enterprise: c.Enterprise.id(),
		from: c.User.ID, fromTeam: c.User.Team, trigger: c.Trigger,
	}
	switch c.Type {
	case typeActions:
		return press(d, c, now)
	case typeSubmission:
		return submission(d, c)
	}
	return nil, errIgnored // nothing that is answered
}

// press returns a pressed button: an event, or, where it has a form, the wish
// for it. Buttons that lead to an address are pressed too, and mean nothing.
func press(d *delivery, c callback, now time.Time) (*delivery, error) {
	if len(c.Actions) == 0 {
		return nil, errIncomplete
	}
	action := c.Actions[0]
	b, ours := buttonOf(action)
	if !ours {
		return nil, errIgnored
	}
	at := cmp.Or(c.Message.Time, c.Container.Time, c.Container.View)
	if at == "" || cmp.Or(action.ActionTs, c.Trigger) == "" {
		return nil, errIncomplete
	}
	d.origin = origin{
		Channel: cmp.Or(c.Channel.ID, c.Container.Channel), Thread: cmp.Or(c.Message.Thread, c.Container.Thread),
		Answers: c.Answers, At: now.Unix(),
	}
	if d.origin.Thread == at { // it began the thread, and is looked at outside it
		d.origin.Thread = ""
	}
	d.event = chat.Event{
		Key:  key(d.team, "press", cmp.Or(d.origin.Channel, d.from), at, d.from, cmp.Or(action.ActionTs, c.Trigger)),
		Kind: chat.Press, Channel: shared(d.origin.Channel), Button: b.ID, Value: b.Value,
	}
	if len(b.Form) > 0 {
		d.origin.Button, d.origin.Value = b.ID, b.Value
		d.form = &b
	}
	return d, nil
}

// submission returns the press of a button whose form was filled in.
func submission(d *delivery, c callback) (*delivery, error) {
	var v slack.View
	if err := json.Unmarshal(c.View, &v); err != nil {
		return nil, fmt.Errorf("read form: %w", err)
	}
	if v.CallbackID != formID {
		return nil, errIgnored
	}
	if v.ID == "" {
		return nil, errIncomplete
	}
	if err := json.Unmarshal([]byte(v.PrivateMetadata), &d.origin); err != nil {
		return nil, fmt.Errorf("read form's origin: %w", err)
	}
	if d.refused = problems(v); len(d.refused) > 0 {
		return d, nil
	}
	d.team = cmp.Or(v.AppInstalledTeamID, d.team) // where the person is from elsewhere, these differ
	d.event = chat.Event{
		Key: key(d.team, "form", v.ID), Kind: chat.Press, Channel: shared(d.origin.Channel),
		Button: d.origin.Button, Value: d.origin.Value, Fields: submit(v),
	}
	return d, nil
}

// occurrence is the part of an event of the Events API that counts.
type occurrence struct {
	Type       string `json:"type"`
	Challenge  string `json:"challenge"` // of a url_verification
	AppID      string `json:"api_app_id"`
	Team       string `json:"team_id"`
	Enterprise string `json:"enterprise_id"`
	ID         string `json:"event_id"`
	// Authorizations say for which installation it is delivered; in a channel
	// that several organisations share, team_id may be the author's.
	Authorizations []struct {
		Team       string `json:"team_id"`
		Enterprise string `json:"enterprise_id"`
	} `json:"authorizations"`
	Event struct {
		Type        string          `json:"type"`
		Subtype     string          `json:"subtype"`
		User        string          `json:"user"`
		UserTeam    string          `json:"user_team"`
		Team        string          `json:"team"`
		Bot         string          `json:"bot_id"`
		Text        string          `json:"text"`
		Time        string          `json:"ts"`
		Thread      string          `json:"thread_ts"`
		Channel     string          `json:"channel"`
		ChannelType string          `json:"channel_type"`
		Tab         string          `json:"tab"`
		Edited      json.RawMessage `json:"edited"`
	} `json:"event"`
}

// The types of occurrence.
const (
	typeChallenge = "url_verification"
	typeCallback  = "event_callback"
)

func event(payload []byte) (*delivery, error) {
	var o occurrence
	if err := json.Unmarshal(payload, &o); err != nil {
		return nil, fmt.Errorf("read event: %w", err)
	}
	e := o.Event
	if o.Type != typeCallback || e.Bot != "" || e.Subtype != "" || e.Edited != nil {
		return nil, errIgnored // not a person who says something to us now
	}
	d := &delivery{app: o.AppID, team: o.Team, enterprise: o.Enterprise, from: e.User, fromTeam: cmp.Or(e.UserTeam, e.Team)}
	if len(o.Authorizations) > 0 && o.Authorizations[0].Team != "" {
		d.team, d.enterprise = o.Authorizations[0].Team, o.Authorizations[0].Enterprise
	}
	d.origin = origin{Channel: e.Channel, Thread: e.Thread}
	switch {
	case e.Type == "app_home_opened" && e.Tab == "home":
		d.home = true
		d.event.Key = key(d.team, "event", o.ID)
	case e.Type == "app_mention" && e.ChannelType != "im", e.Type == "message" && e.ChannelType == "im":
		// By the message and not by the event: it may cause more than one.
		d.event = chat.Event{Key: key(d.team, "message", e.Channel, e.Time), Kind: chat.Mention, Channel: shared(e.Channel), Text: e.Text}
		if e.Channel == "" || e.Time == "" {
			return nil, errIncomplete
		}
	default:
		return nil, errIgnored // not subscribed to, or not for us
	}
	if e.User == "" || o.ID == "" {
		return nil, errIncomplete
	}
	return d, nil
}

// said makes of free text what it is to the bot: without the bot's own name in
// front, and a command where it begins as one. In direct messages "mfa …" does
// too, because Slack keeps what begins with a slash for itself.
func said(e chat.Event, bot, name string) chat.Event {
	text := strings.TrimSpace(e.Text)
	if rest, ok := strings.CutPrefix(text, "<@"+bot+">"); ok {
		text = strings.TrimSpace(strings.TrimLeft(rest, ",:"))
	}
	e.Text = readable(text)
	for _, n := range []string{name, strings.TrimPrefix(name, "/")} {
		first, rest, _ := strings.Cut(e.Text, " ")
		if strings.EqualFold(first, n) && (strings.HasPrefix(n, "/") || e.Channel == "") {
			e.Kind, e.Text = chat.Command, strings.TrimSpace(rest)
			break
		}
	}
	return e
}

// angled is what Slack writes between angle brackets: a person, a channel, a
// group, a link. Anything of that kind that a person typed themselves comes
// escaped.
var angled = regexp.MustCompile(`<([^<>]*)>`)

// readable returns text as it was typed: what Slack has marked up stands there
// as a person would write it, people as "@U…", because only their ID says who
// is meant.
func readable(text string) string {
	if !strings.ContainsAny(text, "<&") {
		return text
	}
	text = angled.ReplaceAllStringFunc(text, func(s string) string {
		inner, label, named := strings.Cut(s[1:len(s)-1], "|")
		switch {
		case strings.HasPrefix(inner, "@"):
			return inner
		case strings.HasPrefix(inner, "#") && named && label != "":
			return "#" + label
		case strings.HasPrefix(inner, "#"):
			return inner
		case strings.HasPrefix(inner, "!") && named:
			return "@" + strings.TrimPrefix(label, "@")
		case strings.HasPrefix(inner, "!"):
			return "@" + inner[1:]
		case strings.HasPrefix(inner, "mailto:"), strings.HasPrefix(inner, "tel:"):
			_, address, _ := strings.Cut(inner, ":")
			return address
		default:
			return inner
		}
	})
	return unescape.Replace(text)
}

var unescape = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")
