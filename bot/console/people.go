package console

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"twokey/chat"
)

// Person is somebody whom one can be on the page.
type Person struct {
	ID    string   // letters, digits, - and _
	Name  string   // empty: the ID
	Roles []string // for the page to show; they give no right
	About string   // a few words on what to try as this person
}

// people is who there is and which channels each of them sees.
type people struct {
	all      []Person
	byID     map[string]Person
	members  map[string]map[string]bool // channel, person
	channels []string                   // the widest first
}

// idPattern keeps IDs fit to stand in a path.
var idPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

func newPeople(all []Person, channels map[string][]string) (people, error) {
	p := people{byID: map[string]Person{}, members: map[string]map[string]bool{}}
	if len(all) == 0 {
		return people{}, errors.New("console people: there must be at least one")
	}
	for i, who := range all {
		who.Name = cmp.Or(who.Name, who.ID)
		switch _, twice := p.byID[who.ID]; {
		case !idPattern.MatchString(who.ID):
			return people{}, fmt.Errorf("console people[%d]: id %q must be letters, digits, - and _", i, who.ID)
		case who.ID == bot:
			return people{}, fmt.Errorf("console people[%d]: id %q is the bot's own", i, who.ID)
		case twice:
			return people{}, fmt.Errorf("console people[%d]: id %q is there twice", i, who.ID)
		}
		p.byID[who.ID] = who
		p.all = append(p.all, who)
	}
	for name, ids := range channels {
		if err := p.addChannel(name, ids); err != nil {
			return people{}, err
		}
	}
	slices.SortFunc(p.channels, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(p.members[b]), len(p.members[a])), cmp.Compare(a, b))
	})
	return p, nil
}

func (p *people) addChannel(name string, ids []string) error {
	if !idPattern.MatchString(name) || name == direct {
		return fmt.Errorf("console channels: %q cannot be a channel's name", name)
	}
	p.members[name] = map[string]bool{}
	for _, id := range ids {
		if _, known := p.byID[id]; !known {
			return fmt.Errorf("console channels[%s]: there is no person %q", name, id)
		}
		p.members[name][id] = true
	}
	p.channels = append(p.channels, name)
	return nil
}

// sees reports whether a message is for a person's eyes: their own messages
// with the bot, a channel they are in, and there only what is not private to
// somebody else.
func (p people) sees(person string, m *message) bool {
	if m.user != "" && m.user != person {
		return false
	}
	return m.channel == "" || p.members[m.channel][person]
}

// channelsOf lists the channels that a person sees, the widest first.
func (p people) channelsOf(person string) []string {
	out := []string{}
	for _, name := range p.channels {
		if p.members[name][person] {
			out = append(out, name)
		}
	}
	return out
}

// reach returns an error if nobody is at an address.
func (p people) reach(to chat.Address) error {
	if to.Platform != Platform || to.Workspace != "" {
		return fmt.Errorf("address of %q in workspace %q is not the console's", to.Platform, to.Workspace)
	}
	members, known := p.members[to.Channel]
	if to.Channel != "" && !known {
		return fmt.Errorf("there is no channel %q", to.Channel)
	}
	if to.User == "" {
		if to.Channel == "" {
			return errors.New("address names neither a channel nor a person")
		}
		return nil
	}
	if _, known := p.byID[to.User]; !known {
		return fmt.Errorf("there is no person %q", to.User)
	}
	if to.Channel != "" && !members[to.User] {
		return fmt.Errorf("%q is not in channel %q", to.User, to.Channel)
	}
	return nil
}
