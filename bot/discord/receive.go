package discord

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"twokey/chat"
)

// delivery is something that one person did, as Discord tells it. Both modes
// make it, and nothing that is received goes any further in another form.
type delivery struct {
	id      string
	token   string // answers an interaction for fifteen minutes; empty for a message
	app     string // whose app it is for; empty for a message
	guild   string // empty in direct messages
	from    string
	member  bool // Discord says that the person is a member of that server
	channel string
	kind    int // of interaction; 0 for a message

	event   chat.Event // without From
	custom  string     // a button's or form's ID
	path    string     // a command's, "mfa-change tap"
	options map[string]any
	focused string            // the option that is being typed into
	typed   map[string]string // into a form, by field ID

	// promised is told whether the person was promised an answer: until then
	// there is nothing that could be answered, and without it nobody waits.
	promised chan bool
}

// The kinds of interaction.
const (
	kindPing      = 1
	kindCommand   = 2
	kindPress     = 3
	kindComplete  = 4
	kindSubmitted = 5
)

// maxDepth is how deep what is received may be nested. Discord's own goes to
// about twelve.
const maxDepth = 64

var (
	errDeep    = errors.New("nested too deeply")
	errUnknown = errors.New("of a kind that is not known")
	// errIgnored is for what is understood and not answered.
	errIgnored = errors.New("nothing that is answered")
	// errIncomplete is why a payload without the IDs that make a person or an
	// event is refused.
	errIncomplete = errors.New("an ID is missing")
)

// received is the part of an interaction that counts. Neither the message nor
// its components are read: there are new types of those every year, and what
// they say may have been edited since.
type received struct {
	ID        string    `json:"id"`
	App       string    `json:"application_id"`
	Type      int       `json:"type"`
	Token     string    `json:"token"`
	Guild     string    `json:"guild_id"`
	ChannelID string    `json:"channel_id"`
	Locale    string    `json:"locale"`
	User      *identity `json:"user"`
	Member    *struct {
		User *identity `json:"user"`
	} `json:"member"`
	Data struct {
		Name       string      `json:"name"`
		Type       int         `json:"type"` // of a command; 1 is typed
		Options    []given     `json:"options"`
		CustomID   string      `json:"custom_id"`
		Components []component `json:"components"`
	} `json:"data"`
}

// identity is whoever did it.
type identity struct {
	ID  string `json:"id"`
	Bot bool   `json:"bot"`
}

// given is an option that was chosen: a sub-command, or a value.
type given struct {
	Name    string          `json:"name"`
	Type    int             `json:"type"`
	Value   json.RawMessage `json:"value"`
	Focused bool            `json:"focused"`
	Options []given         `json:"options"`
}

// component is a part of a form that was filled in: a row, a label, or a field.
type component struct {
	CustomID   string          `json:"custom_id"`
	Value      json.RawMessage `json:"value"`
	Components []component     `json:"components"`
	Component  *component      `json:"component"`
}

// key names a delivery for good.
func key(kind, id string) string { return Platform + "/" + kind + "/" + id }

// interaction returns what an interaction says. The error is errIgnored if that
// is nothing that the bot answers; none holds a part of the payload.
func interaction(data []byte) (*delivery, error) {
	if tooDeep(data) {
		return nil, errDeep
	}
	var r received
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, errors.New("read interaction: not as Discord writes one")
	}
	v := &delivery{promised: make(chan bool, 1), id: r.ID, token: r.Token, app: r.App, guild: r.Guild, channel: r.ChannelID, kind: r.Type}
	if r.Type == kindPing {
		return v, nil
	}
	who := r.User
	if r.Member != nil {
		who, v.member = r.Member.User, r.Guild != ""
	}
	if who == nil || !snowflake.MatchString(who.ID) || !snowflake.MatchString(r.ID) || r.Token == "" || strings.ContainsAny(r.Token, "/?#%") || r.ChannelID == "" {
		return nil, errIncomplete
	}
	v.from = who.ID
	v.event = chat.Event{Key: key("interaction", r.ID), Locale: r.Locale}
	if r.Guild != "" {
		v.event.Channel = r.ChannelID
	}
	return v, v.fill(r)
}

// fill adds what was done.
func (v *delivery) fill(r received) error {
	switch r.Type {
	case kindCommand, kindComplete:
		if r.Data.Type > 1 || r.Data.Name == "" {
			return errIgnored // chosen from a menu, of which we have none
		}
		v.event.Kind = chat.Command
		v.choose(r.Data.Name, r.Data.Options)
	case kindPress:
		v.event.Kind, v.custom = chat.Press, r.Data.CustomID
	case kindSubmitted:
		v.event.Kind, v.custom = chat.Press, r.Data.CustomID
		v.typed = map[string]string{}
		v.collect(r.Data.Components, 0)
	default:
		return errUnknown
	}
	if v.event.Kind == chat.Press && v.custom == "" {
		return errIncomplete
	}
	return nil
}

// choose takes in the whole name of a command and the values of its options.
func (v *delivery) choose(name string, options []given) {
	v.path, v.options = name, map[string]any{}
	for len(options) > 0 && options[0].Type >= 1 && options[0].Type <= 2 {
		v.path += " " + options[0].Name
		options = options[0].Options
	}
	for _, o := range options {
		var value any
		if json.Unmarshal(o.Value, &value) == nil {
			v.options[o.Name] = value
		}
		if o.Focused {
			v.focused = o.Name
		}
	}
}

// collect reads the fields of a form, in rows or under labels.
func (v *delivery) collect(cs []component, depth int) {
	if depth > 4 {
		return
	}
	for _, c := range cs {
		var text string
		if c.CustomID != "" && json.Unmarshal(c.Value, &text) == nil {
			v.typed[c.CustomID] = text
		}
		v.collect(c.Components, depth+1)
		if c.Component != nil {
			v.collect([]component{*c.Component}, depth+1)
		}
	}
}

// written is the part of a message that counts.
type written struct {
	ID        string    `json:"id"`
	Type      int       `json:"type"`
	Guild     string    `json:"guild_id"`
	ChannelID string    `json:"channel_id"`
	Author    *identity `json:"author"`
	Webhook   string    `json:"webhook_id"`
	Content   string    `json:"content"`
	Member    *struct{} `json:"member"`
}

// The types of message in which a person says something.
const (
	typeMessage = 0
	typeReply   = 19
)

// said returns what a message says that is meant for us: a direct one, or one
// that names us.
func said(data []byte, us string) (*delivery, error) {
	if tooDeep(data) {
		return nil, errDeep
	}
	var w written
	if err := json.Unmarshal(data, &w); err != nil {
		return nil, errors.New("read message: not as Discord writes one")
	}
	switch {
	case w.Author == nil || !snowflake.MatchString(w.Author.ID) || !snowflake.MatchString(w.ID) || w.ChannelID == "":
		return nil, errIncomplete
	case w.Author.Bot, w.Webhook != "", w.Author.ID == us, w.Type != typeMessage && w.Type != typeReply:
		return nil, errIgnored
	}
	text, named := unnamed(w.Content, us)
	if w.Guild != "" && !named {
		return nil, errIgnored
	}
	v := &delivery{promised: make(chan bool, 1), id: w.ID, guild: w.Guild, from: w.Author.ID, channel: w.ChannelID, member: w.Guild != "" && w.Member != nil}
	v.event = chat.Event{Key: key("message", w.ID), Kind: chat.Mention, Text: text}
	if w.Guild != "" {
		v.event.Channel = w.ChannelID
		return v, nil
	}
	for _, name := range []string{"/mfa", "mfa"} { // in direct messages a command can be typed
		if first, rest, _ := strings.Cut(text, " "); strings.EqualFold(first, name) {
			v.event.Kind, v.event.Text = chat.Command, strings.TrimSpace(rest)
		}
	}
	return v, nil
}

// unnamed returns text without our name in front, and whether it names us.
func unnamed(text, us string) (string, bool) {
	text = strings.TrimSpace(text)
	for _, name := range []string{"<@" + us + ">", "<@!" + us + ">"} {
		if rest, ok := strings.CutPrefix(text, name); ok {
			return strings.TrimSpace(strings.TrimLeft(rest, ",:")), true
		}
		if strings.Contains(text, name) {
			return text, true
		}
	}
	return text, false
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

// words returns a command as it is typed on platforms where commands are text:
// the values of its options in their order, and those that have no place of
// their own by their names.
func words(s chat.CommandSpec, values map[string]any) string {
	line := []string{s.Name}
	for _, o := range s.Options {
		value, ok := values[optionName(o.Name)]
		if !ok {
			continue
		}
		text := plainly(value)
		switch {
		case o.Flag && o.Bare:
			if value == true {
				line = append(line, "--"+o.Name)
			}
		case text == "":
		case o.Flag:
			line = append(line, "--"+o.Name, quoted(text))
		case o.Rest || len(o.Choices) > 0:
			line = append(line, text)
		default:
			line = append(line, quoted(text))
		}
	}
	return strings.Join(line, " ")
}

// plainly returns a value as text on one line.
func plainly(v any) string {
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(strings.Join(strings.FieldsFunc(v, func(r rune) bool { return r == '\n' || r == '\r' }), " "))
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

// quoted keeps a value of several words together.
func quoted(s string) string {
	if strings.ContainsAny(s, " \t") && !strings.ContainsAny(s, `"“”`) {
		return `"` + s + `"`
	}
	return s
}
