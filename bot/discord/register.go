package discord

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/bwmarrin/discordgo"

	"twokey/chat"
)

// Discord shows or hides whole commands, so there are three: everybody's, that
// of those who look at figures, and that of those who ask for changes. The last
// two are at first shown to administrators of the server alone, who can change
// that under Integrations. It decides nothing: the bot looks up who somebody is.
var tops = []struct {
	audience chat.Audience
	name     string
	about    string
}{
	{chat.ForEverybody, "mfa", "Your own MFA, questions about it, and requests that wait for you."},
	{chat.ForReaders, "mfa-look", "Figures, the audit record and the digest, for those who run the rollout."},
	{chat.ForChangers, "mfa-change", "Ask for a change in Microsoft 365. Others decide about it."},
}

// Discord's limits of commands.
// https://discord.com/developers/docs/interactions/application-commands
const (
	maxOptions     = 25
	maxDescription = 100
	maxCommand     = 8000
)

// How long what is typed into an option may be: a word, or sentences.
const (
	maxWord     = 100
	maxSentence = 900
)

// bare is what a command is called that shares its name with others: Discord
// cannot run "audit" where there is an "audit show".
const bareName = "list"

// catalog is what is registered, and which of the bot's commands is meant by
// each.
type catalog struct {
	commands []command
	specs    map[string]chat.CommandSpec // by "mfa-look audit list"
	paths    map[string]string           // the other way round: by "audit"
}

// command is a command as Discord registers it.
type command struct {
	Name             string      `json:"name"`
	Type             int         `json:"type"`
	Description      string      `json:"description"`
	Permissions      *permission `json:"default_member_permissions,omitempty"`
	Contexts         []int       `json:"contexts,omitempty"`
	IntegrationTypes []int       `json:"integration_types,omitempty"`
	Options          []option    `json:"options,omitempty"`
}

// option is a sub-command, a group of them, or something to fill in.
type option struct {
	Type        discordgo.ApplicationCommandOptionType `json:"type"`
	Name        string                                 `json:"name"`
	Description string                                 `json:"description"`
	Required    bool                                   `json:"required,omitempty"`
	Choices     []pick                                 `json:"choices,omitempty"`
	Localised   map[string]string                      `json:"description_localizations,omitempty"`
	MaxLength   int                                    `json:"max_length,omitempty"`
	Suggests    bool                                   `json:"autocomplete,omitempty"`
	Options     []option                               `json:"options,omitempty"`
}

// pick is a value that can be picked.
type pick struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// permission is a set of permissions, which Discord takes as a number and gives
// as text.
type permission int64

// UnmarshalJSON implements json.Unmarshaler.
func (p *permission) UnmarshalJSON(data []byte) error {
	return json.Unmarshal(bytes.Trim(data, `"`), (*int64)(p))
}

// newCatalog returns what is to be registered. The error says which command
// Discord would not take.
func newCatalog(specs []chat.CommandSpec) (catalog, error) {
	c := catalog{specs: map[string]chat.CommandSpec{}, paths: map[string]string{}}
	for _, top := range tops {
		of := slices.DeleteFunc(slices.Clone(specs), func(s chat.CommandSpec) bool { return s.Audience != top.audience })
		if len(of) == 0 {
			continue
		}
		command := command{Name: top.name, Type: int(discordgo.ChatApplicationCommand), Description: top.about}
		if top.audience != chat.ForEverybody {
			command.Permissions = new(permission)
		}
		for _, s := range of {
			path := pathOf(s.Name, of)
			full := top.name + " " + strings.Join(path, " ")
			c.specs[full], c.paths[s.Name] = s, full
			command.add(path, s)
		}
		if err := command.wrong(); err != nil {
			return catalog{}, err
		}
		c.commands = append(c.commands, command)
	}
	return c, nil
}

// pathOf returns the names of a sub-command and perhaps its group.
func pathOf(name string, all []chat.CommandSpec) []string {
	path := strings.Fields(name)
	if len(path) == 1 && slices.ContainsFunc(all, func(s chat.CommandSpec) bool { return strings.HasPrefix(s.Name, name+" ") }) {
		path = append(path, bareName)
	}
	return path
}

// add adds a sub-command.
func (c *command) add(path []string, s chat.CommandSpec) {
	last := option{Type: discordgo.ApplicationCommandOptionSubCommand, Name: path[len(path)-1], Description: brief(s.Summary), Localised: localised(s), Options: optionsOf(s)}
	if len(path) == 1 {
		c.Options = append(c.Options, last)
		return
	}
	i := slices.IndexFunc(c.Options, func(o option) bool { return o.Name == path[0] })
	if i < 0 {
		i = len(c.Options)
		c.Options = append(c.Options, option{Type: discordgo.ApplicationCommandOptionSubCommandGroup, Name: path[0], Description: "Commands about " + path[0] + "."})
	}
	c.Options[i].Options = append(c.Options[i].Options, last)
}

// locales are what Discord calls the languages that it knows and we speak.
// https://discord.com/developers/docs/reference#locales
var locales = map[string]string{"de": "de", "es": "es-ES", "fr": "fr", "pt": "pt-BR", "vi": "vi"}

// localised returns a command's description by locale.
func localised(s chat.CommandSpec) map[string]string {
	var all map[string]string
	for language, summary := range s.Summaries {
		locale, ok := locales[language]
		if !ok {
			continue
		}
		if all == nil {
			all = map[string]string{}
		}
		all[locale] = brief(summary)
	}
	return all
}

// optionsOf returns what can be filled in: what is needed first, as Discord
// demands, and what is seldom given last.
func optionsOf(s chat.CommandSpec) []option {
	var needed, usual, seldom []option
	for _, o := range s.Options {
		made := option{Type: discordgo.ApplicationCommandOptionString, Name: optionName(o.Name), Description: brief(o.Summary), Required: o.Required, MaxLength: maxWord}
		switch {
		case o.Flag && o.Bare:
			made.Type, made.MaxLength = discordgo.ApplicationCommandOptionBoolean, 0
		case len(o.Choices) > 0:
			made.MaxLength = 0
			for _, name := range o.Choices {
				made.Choices = append(made.Choices, pick{name, name})
			}
		case o.Rest, o.Several:
			made.MaxLength = maxSentence
		default:
			made.Suggests = o.Of != chat.OfAnything
		}
		switch {
		case o.Required:
			needed = append(needed, made)
		case o.Flag:
			seldom = append(seldom, made)
		default:
			usual = append(usual, made)
		}
	}
	return slices.Concat(needed, usual, seldom)
}

func optionName(name string) string { return strings.ToLower(strings.ReplaceAll(name, " ", "-")) }

// brief returns as many sentences of a summary as Discord shows, or what fits of
// the first.
func brief(summary string) string {
	short := ""
	for rest := summary; rest != ""; {
		at := strings.Index(rest, ". ")
		sentence := rest
		if at >= 0 {
			sentence = rest[:at+1]
		}
		next := strings.TrimSpace(short + " " + sentence)
		if utf8.RuneCountInString(next) > maxDescription {
			break
		}
		short, rest = next, strings.TrimSpace(rest[len(sentence):])
	}
	if short == "" {
		short = filled(string([]rune(summary)[:min(utf8.RuneCountInString(summary), maxDescription-1)]) + "…")
		if summary == "" {
			short = "–"
		}
	}
	return short
}

var commandName = regexp.MustCompile(`^[-_'\p{L}\p{N}]{1,32}$`)

// wrong returns why Discord would not take a command.
func (c *command) wrong() error {
	n, err := weigh(c.Name, c.Description, c.Options)
	if err != nil {
		return err
	}
	if n > maxCommand {
		return fmt.Errorf("discord: /%s has %d characters, and Discord takes %d", c.Name, n, maxCommand)
	}
	return nil
}

// weigh counts the characters of a command or option that count, and looks for
// what is wrong on the way.
func weigh(name, about string, options []option) (int, error) {
	if !commandName.MatchString(name) || strings.ToLower(name) != name {
		return 0, fmt.Errorf("discord: %q is no name of a command or option", name)
	}
	if len(options) > maxOptions {
		return 0, fmt.Errorf("discord: %q has %d options or commands, and Discord takes %d", name, len(options), maxOptions)
	}
	n := utf8.RuneCountInString(name) + utf8.RuneCountInString(about)
	for _, o := range options {
		for _, text := range o.Localised { // of all of them the longest counts
			o.Description = longer(o.Description, text)
		}
		if len(o.Choices) > maxOptions {
			return 0, fmt.Errorf("discord: %q has %d choices, and Discord takes %d", o.Name, len(o.Choices), maxOptions)
		}
		for _, p := range o.Choices {
			n += utf8.RuneCountInString(p.Name) + utf8.RuneCountInString(p.Value)
		}
		more, err := weigh(o.Name, o.Description, o.Options)
		if err != nil {
			return 0, err
		}
		n += more
	}
	return n, nil
}

func longer(a, b string) string {
	if utf8.RuneCountInString(b) > utf8.RuneCountInString(a) {
		return b
	}
	return a
}

// typed is a command as the bot's sentences name it.
var typed = regexp.MustCompile(`/mfa ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?`)

// here returns a sentence of ours with commands named as they are here: elsewhere
// all of them are one.
func (c catalog) here(s string) string {
	return typed.ReplaceAllStringFunc(s, func(found string) string {
		words := strings.Fields(found)[1:]
		for n := len(words); n > 0; n-- {
			if path, ok := c.paths[strings.Join(words[:n], " ")]; ok {
				return "/" + strings.Join(append([]string{path}, words[n:]...), " ")
			}
		}
		return found
	})
}

// reworded returns m with commands named as they are here, but for what somebody
// else has said.
func (c catalog) reworded(m chat.Message) chat.Message {
	if len(c.paths) == 0 {
		return m
	}
	m.Headline, m.Text, m.Footer = c.here(m.Headline), c.here(m.Text), c.here(m.Footer)
	m.Steps = slices.Clone(m.Steps)
	for i, s := range m.Steps {
		m.Steps[i] = c.here(s)
	}
	m.Fields, m.Details = c.rewordedFields(m.Fields), c.rewordedFields(m.Details)
	return m
}

func (c catalog) rewordedFields(fields []chat.Field) []chat.Field {
	fields = slices.Clone(fields)
	for i, f := range fields {
		if !f.Quoted {
			fields[i].Value = c.here(f.Value)
		}
	}
	return fields
}

// register makes the server's commands, and those of direct messages, what they
// should be. It changes nothing where they are: Discord takes 200 new ones a day.
// Those of the server are there at once, and cannot be used in any other.
func (d *Discord) register(ctx context.Context, c catalog) error {
	const guild, global = "/applications/{}/guilds/{}/commands", "/applications/{}/commands"
	if err := d.overwrite(ctx, c.commands, guild, d.cfg.ApplicationID, d.cfg.Guild); err != nil {
		return err
	}
	direct := slices.Clone(c.commands)
	for i := range direct {
		direct[i].Contexts, direct[i].IntegrationTypes = []int{1}, []int{0} // the bot's own messages; installed on a server
	}
	return d.overwrite(ctx, direct, global, d.cfg.ApplicationID)
}

// overwrite registers commands in one scope, if others are there.
func (d *Discord) overwrite(ctx context.Context, want []command, pattern string, ids ...string) error {
	var have []command
	c := call{doing: "read the registered commands", patience: patience, repeat: true}
	c.method, c.path, c.route = at(http.MethodGet, pattern, ids...)
	c.path += "?with_localizations=true" // else they look as if they were missing
	if err := d.do(ctx, c, &have); err != nil {
		return err
	}
	if same(want, have) {
		return nil
	}
	c = call{doing: "register the commands", body: want, patience: patience, repeat: true}
	c.method, c.path, c.route = at(http.MethodPut, pattern, ids...)
	return d.do(ctx, c, nil)
}

// same reports whether commands are the same, in whatever order.
func same(a, b []command) bool {
	sorted := func(cs []command) string {
		cs = slices.Clone(cs)
		slices.SortFunc(cs, func(a, b command) int { return strings.Compare(a.Name, b.Name) })
		text, _ := json.Marshal(cs) // texts and numbers
		return string(text)
	}
	return sorted(a) == sorted(b)
}
