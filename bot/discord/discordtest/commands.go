package discordtest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// The types of option.
const (
	optionSub    = 1
	optionGroup  = 2
	optionString = 3
	optionTruth  = 5
)

func scopeOf(c *call) string { return c.path("guild_id") }

func (c *call) listCommands() (any, *refusal) {
	if no := c.mine(); no != nil {
		return nil, no
	}
	list := []any{}
	for _, o := range c.p.commands[scopeOf(c)] {
		if c.query("with_localizations") != "true" {
			o = withoutLocales(o)
		}
		list = append(list, o)
	}
	return list, nil
}

// withoutLocales is a command or option as it is listed by default.
func withoutLocales(o object) object {
	o = maps.Clone(o)
	for _, name := range []string{"name_localizations", "description_localizations"} {
		delete(o, name)
	}
	if options, ok := o["options"].([]any); ok {
		options = slices.Clone(options)
		for i, v := range options {
			options[i] = withoutLocales(v.(object))
		}
		o["options"] = options
	}
	return o
}

func (c *call) mine() *refusal {
	switch {
	case c.path("application_id") != c.p.options.AppID:
		return refuse(403, 20012, "You are not authorized to perform this action on this application")
	case scopeOf(c) != "" && scopeOf(c) != c.p.options.Guild:
		return missingAccess
	}
	return nil
}

// perDay is how many new names a server takes in a day.
const perDay = 200

func (c *call) overwriteCommands() (any, *refusal) {
	if no := c.mine(); no != nil {
		return nil, no
	}
	var next []object
	old := c.p.commands[scopeOf(c)]
	for _, v := range c.list {
		o := v.(object)
		if what := wrongCommand(o); what != "" {
			return nil, invalidForm(what)
		}
		if scopeOf(c) != "" && (o["contexts"] != nil || o["integration_types"] != nil) {
			return nil, invalidForm("contexts: only global commands have them")
		}
		if slices.ContainsFunc(next, func(n object) bool { return n["name"] == o["name"] }) {
			return nil, refuse(http.StatusBadRequest, 50035, "Application command names must be unique")
		}
		kept := c.p.kept(scopeOf(c), o)
		if i := slices.IndexFunc(old, func(n object) bool { return n["name"] == o["name"] }); i >= 0 {
			kept["id"] = old[i]["id"]
		} else if c.p.created++; c.p.created > perDay {
			return nil, refuse(http.StatusBadRequest, 30034, "Max number of daily application command creates has been reached (200)")
		}
		next = append(next, kept)
	}
	c.p.commands[scopeOf(c)] = next
	c.p.change()
	return c.listCommands()
}

// kept is a command as Discord keeps it: with what was left out filled in. It
// needs p.mu.
func (p *Platform) kept(scope string, o object) object {
	data, _ := json.Marshal(o) // it came as JSON
	var k object
	_ = json.Unmarshal(data, &k)
	k["id"], k["application_id"], k["version"], k["type"] = p.snowflake(), p.options.AppID, p.snowflake(), or(k["type"], any(float64(1)))
	k["nsfw"] = false
	if scope != "" {
		k["guild_id"] = scope
	} else if k["contexts"] == nil {
		k["contexts"] = []any{float64(0), float64(1), float64(2)}
	}
	if n, ok := k["default_member_permissions"].(float64); ok {
		k["default_member_permissions"] = fmt.Sprint(int64(n))
	} else {
		k["default_member_permissions"] = nil
	}
	for _, name := range []string{"name_localizations", "description_localizations"} {
		if k[name] == nil {
			k[name] = nil
		}
	}
	return k
}

var commandName = regexp.MustCompile(`^[-_'\p{L}\p{N}]{1,32}$`)

// wrongCommand returns what Discord refuses in a command beside what its
// description says.
func wrongCommand(o object) string {
	if n := written(o); n > 8000 {
		return fmt.Sprintf("a command may have 8000 characters in all, and this one has %d", n)
	}
	return wrongOption(o, 0)
}

// wrongOption looks at a command (depth 0) or an option.
func wrongOption(o object, depth int) string {
	name := text(o, "name")
	if !commandName.MatchString(name) || strings.ToLower(name) != name {
		return fmt.Sprintf("name: %q is none", name)
	}
	if text(o, "description") == "" || utf8.RuneCountInString(text(o, "description")) > 100 {
		return fmt.Sprintf("%s: description: Must be between 1 and 100 in length.", name)
	}
	options, _ := o["options"].([]any)
	choices, _ := o["choices"].([]any)
	if len(options) > 25 || len(choices) > 25 {
		return name + ": 25 options and choices are the most"
	}
	optional, subs := false, 0
	seen := map[string]bool{}
	for _, v := range options {
		inner := v.(object)
		kind, _ := inner["type"].(float64)
		if seen[text(inner, "name")] {
			return name + ": option names must be unique"
		}
		seen[text(inner, "name")] = true
		switch {
		case kind == optionSub || kind == optionGroup:
			subs++
			if depth > 1 || depth == 1 && kind == optionGroup {
				return name + ": nested too deeply"
			}
			if kind == optionGroup {
				if list, _ := inner["options"].([]any); len(list) == 0 {
					return name + ": a group needs a command"
				}
			}
		case inner["required"] == true && optional:
			return name + ": required options must be placed before non-required options"
		case inner["required"] != true:
			optional = true
		}
		if what := wrongOption(inner, depth+1); what != "" {
			return name + ": " + what
		}
	}
	if len(choices) > 0 && o["autocomplete"] == true {
		return name + ": autocomplete: there are choices"
	}
	if subs > 0 && subs < len(options) {
		return name + ": sub-commands and options cannot be mixed"
	}
	return ""
}

// written counts the characters of a command that count.
func written(o object) int {
	n := utf8.RuneCountInString(text(o, "name")) + utf8.RuneCountInString(text(o, "description"))
	for _, list := range []string{"options", "choices"} {
		inner, _ := o[list].([]any)
		for _, v := range inner {
			n += written(v.(object)) + utf8.RuneCountInString(text(v.(object), "value"))
		}
	}
	return n
}

// Commands returns the registered commands of the server, as they are kept.
func (p *Platform) Commands() json.RawMessage {
	p.mu.Lock()
	defer p.mu.Unlock()
	data, _ := json.Marshal(p.commands[p.options.Guild]) // it came as JSON
	return data
}

// Known reports whether a command can be chosen in a channel, or with channel ""
// in direct messages: "mfa-change defaults enable".
func (p *Platform) Known(channel, path string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _, ok := p.command(channel == "", strings.Fields(path))
	return ok
}

// Where a command can be used, as its contexts say.
const (
	inGuild  = float64(0)
	inDirect = float64(1)
)

// usable are the commands that can be used on the server, or in direct messages,
// where those of a server are not. It needs p.mu.
func (p *Platform) usable(direct bool) []object {
	var all []object
	here := inGuild
	if direct {
		here = inDirect
	} else {
		all = slices.Clone(p.commands[p.options.Guild])
	}
	for _, o := range p.commands[""] {
		if contexts, _ := o["contexts"].([]any); slices.Contains(contexts, any(here)) {
			all = append(all, o)
		}
	}
	return all
}

// command finds a command that can be used. It needs p.mu.
func (p *Platform) command(direct bool, path []string) (top object, leaf object, ok bool) {
	for _, o := range p.usable(direct) {
		if len(path) > 0 && o["name"] == path[0] {
			if leaf, ok := descend(o, path[1:]); ok {
				return o, leaf, true
			}
		}
	}
	return nil, nil, false
}

func descend(o object, path []string) (object, bool) {
	options, _ := o["options"].([]any)
	if len(path) == 0 { // one with sub-commands cannot be run by itself
		return o, !slices.ContainsFunc(options, func(v any) bool { kind := v.(object)["type"].(float64); return kind <= optionGroup })
	}
	for _, v := range options {
		inner := v.(object)
		if kind := inner["type"].(float64); kind <= optionGroup && inner["name"] == path[0] {
			return descend(inner, path[1:])
		}
	}
	return nil, false
}

// Command runs a registered command as somebody does who chooses it and fills in
// its options. What Discord's client would not send is refused, and Failed says
// so.
func (p *Platform) Command(user, channel, path string, given map[string]any) *Delivery {
	p.mu.Lock()
	defer p.mu.Unlock()
	words := strings.Fields(path)
	top, leaf, ok := p.command(channel == "", words)
	at := p.place(user, channel)
	switch {
	case !ok:
		return p.refused("there is no command /%s", path)
	case at == nil:
		return p.refused("test: %s is not in %q", user, channel)
	}
	options := []any{}
	known, _ := leaf["options"].([]any)
	for _, v := range known {
		o := v.(object)
		value, has := given[text(o, "name")]
		if !has {
			if o["required"] == true {
				return p.refused("/%s: the option %s is required", path, o["name"])
			}
			continue
		}
		if why := unfit(o, value); why != "" {
			return p.refused("/%s: %s", path, why)
		}
		options = append(options, object{"name": o["name"], "type": o["type"], "value": value})
	}
	for name := range given {
		if !slices.ContainsFunc(known, func(v any) bool { return v.(object)["name"] == name }) {
			return p.refused("/%s has no option %s", path, name)
		}
	}
	return p.interact(typeCommand, user, at, p.chosen(top, words, options), nil)
}

// Typing types into an option of a registered command, as somebody does who has
// chosen it on the server and not sent it yet.
func (p *Platform) Typing(user, channel, path, into, typed string) *Delivery {
	p.mu.Lock()
	defer p.mu.Unlock()
	words := strings.Fields(path)
	top, leaf, ok := p.command(channel == "", words)
	at := p.place(user, channel)
	if !ok || at == nil {
		return p.refused("test: no /%s for %s in %q", path, user, channel)
	}
	known, _ := leaf["options"].([]any)
	i := slices.IndexFunc(known, func(v any) bool { return v.(object)["name"] == into && v.(object)["autocomplete"] == true })
	if i < 0 {
		return p.refused("/%s suggests nothing for %s", path, into)
	}
	options := []any{object{"name": into, "type": known[i].(object)["type"], "value": typed, "focused": true}}
	return p.interact(typeComplete, user, at, p.chosen(top, words, options), nil)
}

// chosen is what is delivered of a command. It needs p.mu.
func (p *Platform) chosen(top object, words []string, options []any) object {
	for i := len(words) - 1; i > 0; i-- {
		kind := optionSub
		if i < len(words)-1 {
			kind = optionGroup
		}
		options = []any{object{"name": words[i], "type": kind, "options": options}}
	}
	return object{"id": top["id"], "name": top["name"], "type": 1, "guild_id": p.options.Guild, "options": options}
}

// unfit returns why an option cannot have a value.
func unfit(o object, value any) string {
	kind := o["type"].(float64)
	switch v := value.(type) {
	case string:
		if kind != optionString {
			return fmt.Sprintf("%s is no text", o["name"])
		}
		if most, ok := o["max_length"].(float64); ok && utf8.RuneCountInString(v) > int(most) {
			return fmt.Sprintf("%s is too long", o["name"])
		}
		choices, _ := o["choices"].([]any)
		if len(choices) > 0 && !slices.ContainsFunc(choices, func(c any) bool { return c.(object)["value"] == v }) {
			return fmt.Sprintf("%s cannot be %q", o["name"], v)
		}
	case bool:
		if kind != optionTruth {
			return fmt.Sprintf("%s is no choice of yes or no", o["name"])
		}
	}
	return ""
}

// Line runs a command that is written as a line, as on platforms where commands
// are text: the longest name that is registered under any of the bot's commands,
// its options in order, of which one that takes sentences gets all words that
// are left, and "--name value" for one by name.
func (p *Platform) Line(user, channel, line string) *Delivery {
	path, given := p.fill(channel == "", strings.Fields(line))
	return p.Command(user, channel, path, given)
}

// fill finds the command that a line means and what it gives.
func (p *Platform) fill(direct bool, words []string) (path string, given map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for n := min(2, len(words)); n > 0; n-- {
		for _, top := range p.usable(direct) {
			for _, inner := range [][]string{words[:n], append(slices.Clone(words[:n]), "list")} {
				full := append([]string{text(top, "name")}, inner...)
				if _, leaf, ok := p.command(direct, full); ok {
					return strings.Join(full, " "), options(leaf, words[n:])
				}
			}
		}
	}
	return strings.Join(words, " "), nil
}

// options assigns words to the options of a command.
func options(leaf object, words []string) map[string]any {
	given := map[string]any{}
	known, _ := leaf["options"].([]any)
	byName := map[string]object{}
	for _, v := range known {
		byName[text(v.(object), "name")] = v.(object)
	}
	var rest []string
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		o := byName[strings.TrimPrefix(word, "--")]
		switch {
		case !strings.HasPrefix(word, "--") || o == nil:
			rest = append(rest, word)
		case o["type"] == float64(optionTruth):
			given[text(o, "name")] = true
		case len(words) > 0:
			given[text(o, "name")] = words[0]
			words = words[1:]
		}
		if o != nil && strings.HasPrefix(word, "--") {
			delete(byName, text(o, "name"))
		}
	}
	return inOrder(given, known, byName, rest)
}

// inOrder gives the remaining words to the remaining options.
func inOrder(given map[string]any, known []any, left map[string]object, words []string) map[string]any {
	var open []object
	for _, v := range known {
		o := v.(object)
		if left[text(o, "name")] != nil && o["type"] == float64(optionString) {
			open = append(open, o)
		}
	}
	for _, o := range open {
		if len(words) == 0 {
			break
		}
		if most, _ := o["max_length"].(float64); most >= sentence {
			given[text(o, "name")] = strings.Join(words, " ")
			break
		}
		given[text(o, "name")] = words[0]
		words = words[1:]
	}
	return given
}

// sentence is from how many characters on an option is for more than one word.
const sentence = 300
