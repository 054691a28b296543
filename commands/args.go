package commands

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"

	"twokey/chat"
	"twokey/chat/phrases"
)

// mistake is what a person typed wrong, as a sentence that says what to do.
type mistake struct{ say, hint string }

func (m *mistake) Error() string { return "mistake: " + m.say }
func (m *mistake) Say() string   { return m.say }
func (m *mistake) Hint() string  { return m.hint }

const (
	maxText   = 1000 // runes of a typed command or question
	maxReason = 300  // runes of a justification: it stands on the prompt's first screen
)

// find returns the command that the words begin with, and the words left.
// Names of two words win over names of one.
func find(all []Command, words []string) (Command, []string, bool) {
	for n := min(2, len(words)); n > 0; n-- {
		name := strings.ToLower(strings.Join(words[:n], " "))
		i := slices.IndexFunc(all, func(c Command) bool { return c.Name == name })
		if i >= 0 {
			return all[i], words[n:], true
		}
	}
	return Command{}, nil, false
}

// unknown says that there is no such command and which may have been meant,
// among those that the person may run.
func unknown(v phrases.Voice, allowed []Command, words []string) *mistake {
	first := strings.ToLower(words[0])
	typed := strings.ToLower(strings.Join(words[:min(2, len(words))], " "))
	kin := family(allowed, first)
	if len(kin) > 0 && len(words) == 1 {
		for _, near := range nearest(allowed, first) { // of “exception” somebody may mean “exceptions”
			if !slices.Contains(kin, near) {
				kin = append(kin, near)
			}
		}
		return &mistake{v.Say("%s needs one more word.", shown(first)), v.Say("Try %s.", choices(v, kin))}
	}
	say := v.Say("There is no command %s.", shown(first))
	if len(kin) > 0 {
		say = v.Say("There is no command %s.", shown(typed))
	}
	switch best := nearest(allowed, typed, first); {
	case len(best) > 0:
		return &mistake{say, v.Say("Did you mean %s?", choices(v, best))}
	case len(kin) > 0:
		return &mistake{say, v.Say("Try %s.", choices(v, kin))}
	default:
		return &mistake{say, v.Say("“/mfa help” lists what you can do.")}
	}
}

// nearest returns what was most likely meant: several, as “block” and “unblock”,
// if they are as near. At most two letters may differ, and in a short name
// fewer: “no” is not meant to be “me”.
func nearest(allowed []Command, typed ...string) []string {
	var best []string
	distance := 2
	for _, c := range allowed {
		for _, t := range typed {
			d := levenshtein.ComputeDistance(t, c.Name)
			if d > distance || d > len(c.Name)/2 {
				continue
			}
			if d < distance {
				best, distance = nil, d
			}
			if name := "/mfa " + c.Name; !slices.Contains(best, name) {
				best = append(best, name)
			}
		}
	}
	return best
}

// family returns the commands of two words that begin with this one.
func family(allowed []Command, first string) []string {
	var names []string
	for _, c := range allowed {
		if strings.HasPrefix(c.Name, first+" ") {
			names = append(names, "/mfa "+c.Name)
		}
	}
	return names
}

// choices joins what may be typed for people: “a”, “b” or “c”.
func choices(v phrases.Voice, all []string) string {
	quoted := make([]string, len(all))
	for i, s := range all {
		quoted[i] = "“" + s + "”"
	}
	if len(quoted) < 2 {
		return strings.Join(quoted, "")
	}
	return v.Say("%s or %s", strings.Join(quoted[:len(quoted)-1], ", "), quoted[len(quoted)-1])
}

// shown quotes what a person typed back to them.
func shown(s string) string { return quoted(s, 40) }

// example is how a command may be typed, for whoever typed it otherwise.
func example(v phrases.Voice, c Command) string { return v.Say("For example: /mfa %s", c.Example) }

// not says that a word is none of those that an option knows.
func not(v phrases.Voice, c Command, o chat.Option, word string) *mistake {
	return &mistake{v.Say("%s is not something “/mfa %s” knows.", shown(word), c.Name), v.Say("Try %s.", choices(v, o.Choices))}
}

// parse assigns the words after a command's name to its options. What is left
// over of a change is its justification.
func parse(v phrases.Voice, c Command, words []string) (args map[string]string, rest string, err error) {
	args, words, err = flags(v, c, words)
	if err != nil {
		return nil, "", err
	}
	for _, o := range c.Options {
		if o.Flag {
			continue
		}
		if o.Rest && c.Plan != nil {
			break
		}
		if len(words) == 0 {
			if o.Required {
				hint := example(v, c)
				if len(o.Choices) > 0 {
					hint = v.Say("Type one of these after it: %s.", choices(v, o.Choices))
				}
				return nil, "", &mistake{v.Say("“/mfa %s” needs %s.", c.Name, inLanguage(v, o.Summary)), hint}
			}
			break
		}
		if o.Rest {
			args[o.Name], words = strings.Join(words, " "), nil
			break
		}
		first, left := phrase(o, words)
		word, ok := choose(o, first)
		if !ok {
			if c.Plan != nil && !o.Required {
				break // the reason begins
			}
			return nil, "", not(v, c, o, words[0])
		}
		args[o.Name], words = word, left
	}
	rest = strings.Join(words, " ")
	if rest != "" && c.Plan == nil {
		hint := example(v, c)
		if name, ok := args[userOption.Name]; ok {
			hint = v.Say("A name of several words stands in quotation marks: /mfa %s “%s”", c.Name, chat.Safe(name+" "+rest, 60))
		}
		return nil, "", &mistake{v.Say("“/mfa %s” does not take %s.", c.Name, shown(rest)), hint}
	}
	return args, rest, nil
}

// filled takes out of a command the options that the form of a pressed button
// has filled in, and returns those: a button is a typed line, whose blanks its
// form fills.
func filled(v phrases.Voice, c Command, e chat.Event) (Command, map[string]string, error) {
	given := map[string]string{}
	if e.Kind != chat.Press || e.Button != "run" {
		return c, given, nil
	}
	var left []chat.Option
	for _, o := range c.Options {
		typed := strings.TrimSpace(e.Fields[o.Name])
		if typed == "" {
			left = append(left, o)
			continue
		}
		value, ok := choose(o, typed)
		if !ok {
			return c, nil, not(v, c, o, typed)
		}
		given[o.Name] = value
	}
	c.Options = left
	return c, given, nil
}

// phrase takes the first word, or the first words if they stand between
// quotation marks, as a name of several words does.
func phrase(o chat.Option, words []string) (string, []string) {
	if o.Several {
		return list(words)
	}
	if len(o.Choices) > 0 || !strings.ContainsAny(words[0][:min(3, len(words[0]))], quoting) {
		return words[0], words[1:]
	}
	for i, w := range words {
		if w = strings.TrimSuffix(w, ","); strings.HasSuffix(w, `"`) || strings.HasSuffix(w, "”") || strings.HasSuffix(w, "“") && i > 0 {
			return strings.Trim(strings.Join(words[:i+1], " "), quoting), words[i+1:]
		}
	}
	return words[0], words[1:]
}

// nameEnd parts the names in the value of an option that takes several, and
// perhapsEnd the names from the words behind them of which only the directory
// knows whether they are names. No word that is typed holds either.
const (
	nameEnd    = "\n"
	perhapsEnd = "\t"
)

// list takes the first name, and as many more as follow after a comma. Where one
// phrase between quotation marks holds several addresses or IDs, it is a list too.
// A single bare word after a comma may begin the reason as well, see [settle].
func list(words []string) (string, []string) {
	var names []string
	bare := 0 // of the last names
	for more := true; more && len(words) > 0; {
		if words[0] == "," {
			words = words[1:]
			continue
		}
		plain := len(names) > 0 && !inFull(words[0]) && !strings.ContainsAny(words[0], quoting)
		var name string
		name, words = phrase(chat.Option{}, words)
		if next, ok := strings.CutSuffix(name, ","); ok {
			name = next
		} else {
			more = len(words) > 0 && words[0] == ","
		}
		some := parted(strings.Trim(name, quoting))
		names = append(names, some...)
		if plain && len(some) == 1 {
			bare++
		} else {
			bare = 0
		}
	}
	certain := len(names) - bare
	return strings.Join(append([]string{strings.Join(names[:certain], nameEnd)}, names[certain:]...), perhapsEnd), words
}

// inFull reports whether a word is an address, a mention or an object ID: one
// that is part of no sentence.
func inFull(word string) bool {
	word = strings.Trim(word, quoting+",")
	return strings.ContainsAny(word, "@<") || len(word) == lenID && strings.Count(word, "-") == 4
}

const lenID = len("3179e48a-750b-4051-897c-87b9720928f7")

const quoting = "\"“”„"

// parted parts several names in one word. A phrase may be one name with a comma
// in it: it is parted only if no part can be a display name.
func parted(name string) []string {
	some := strings.FieldsFunc(name, func(r rune) bool { return r == ',' })
	for i, s := range some {
		some[i] = strings.Trim(strings.TrimSpace(s), quoting)
		if strings.Contains(name, " ") && !strings.Contains(s, "@") && len(some[i]) != lenID {
			return []string{name}
		}
	}
	return slices.DeleteFunc(some, func(s string) bool { return s == "" })
}

// flags takes out of the words the options that have no place of their own. A
// telephone makes one long dash of the two hyphens.
func flags(v phrases.Voice, c Command, words []string) (args map[string]string, rest []string, err error) {
	args = map[string]string{}
	if !slices.ContainsFunc(c.Options, func(o chat.Option) bool { return o.Flag }) {
		return args, words, nil
	}
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		name, is := flagged(word)
		if !is {
			rest = append(rest, word)
			continue
		}
		name, value, given := strings.Cut(name, "=")
		i := slices.IndexFunc(c.Options, func(o chat.Option) bool { return o.Flag && o.Name == strings.ToLower(name) })
		if i < 0 {
			return nil, nil, &mistake{v.Say("%s is not something “/mfa %s” knows.", shown(word), c.Name), example(v, c)}
		}
		o := c.Options[i]
		switch {
		case o.Bare && !given:
			args[o.Name] = "yes"
			continue
		case !o.Bare && given && value != "":
			value, words = phrase(o, append([]string{value}, words...))
		case !o.Bare && !given && len(words) > 0:
			value, words = phrase(o, words)
		case o.Bare || !given:
			return nil, nil, &mistake{v.Say("“--%s” of “/mfa %s” is: %s.", o.Name, c.Name, inLanguage(v, o.Summary)), example(v, c)}
		}
		value, ok := choose(o, value)
		if !ok {
			return nil, nil, &mistake{v.Say("%s is not something “--%s” knows.", shown(value), o.Name), v.Say("Try %s.", choices(v, o.Choices))}
		}
		args[o.Name] = value
	}
	return args, rest, nil
}

// flagged returns the name of a flag, with what it says if that is in the word.
func flagged(word string) (string, bool) {
	for _, dash := range []string{"--", "—", "–"} {
		if name, ok := strings.CutPrefix(word, dash); ok && name != "" && name[0] >= 'A' && name[0] <= 'z' {
			return name, true
		}
	}
	return "", false
}

func choose(o chat.Option, word string) (string, bool) {
	if len(o.Choices) == 0 {
		return word, true
	}
	word = strings.ToLower(word)
	return word, slices.Contains(o.Choices, word)
}

// justification checks what one person writes to another: a reason, or a
// question about a request. It is refused rather than cleaned, because the
// other must see what was typed.
func justification(words string) (string, error) {
	words = strings.TrimSpace(words)
	switch {
	case !utf8.ValidString(words), chat.Hidden(words):
		return "", &mistake{phrases.Mark("What you wrote holds invisible or direction-changing characters."), phrases.Mark("Please type it again in plain text. Nothing was recorded.")}
	case utf8.RuneCountInString(words) > maxReason:
		return "", &mistake{phrases.Mark("What you wrote is too long: it is read on a phone, so it may have 300 characters."), phrases.Mark("Please shorten it. Nothing was recorded.")}
	}
	return strings.Join(strings.Fields(words), " "), nil
}
