package commands

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"twokey/audit"
	"twokey/chat"
	"twokey/chat/phrases"
	"twokey/commands/approval"
	"twokey/commands/guide"
	"twokey/commands/identity"
	"twokey/commands/staff"
	"twokey/graph"
)

// What somebody does for their own account. Nothing of it is ever said where
// others read, and nothing of it needs anybody's leave.

// securityInfo is the page on which people keep their own methods.
func securityInfo(v phrases.Voice) chat.Link {
	return chat.Link{Label: v.Say("Security info, Microsoft's page for this"), URL: "https://mysignins.microsoft.com/security-info"}
}

func checkButton(v phrases.Voice) chat.Button {
	return chat.Button{ID: "run", Label: v.Say("I am done: check"), Value: "check", Style: chat.Primary}
}

const backupLine = "backup"

// backup leads to a second method.
func backup(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "backup", Summary: "How to add a second method, in case the first one breaks.", Example: "backup",
			Options: []chat.Option{{Name: "device", Summary: "what you have at hand", Choices: []string{"iphone", "android", "tablet", "passkey", "key"}}},
		},
		Access: everybody, Offline: true,
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			m, err := articleFor(ctx, env, c.Voice, "add-backup-method", c.Args["device"])
			if err != nil || !c.Who.Linked {
				return m, err
			}
			own, err := ownMethods(ctx, env, c.Who)
			if err != nil {
				return chat.Message{}, err
			}
			if now := standing(c.Voice, own, today(env)); now.Headline == c.Voice.Say(allSet) {
				return now, nil
			}
			m.Buttons = append(m.Buttons, checkButton(c.Voice))
			return m, nil
		},
	}
}

// newPhone leads from an old phone to a new one, or to the help desk if the old
// one is gone.
func newPhone(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "newphone", Summary: "How to move to a new phone.", Example: "newphone iphone",
			Options: []chat.Option{{Name: "device", Summary: "your new phone", Choices: []string{"iphone", "android"}}},
		},
		Access: everybody, Offline: true,
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			m, err := articleFor(ctx, env, c.Voice, "new-phone", c.Args["device"])
			if err != nil {
				return m, err
			}
			m.Buttons = append(m.Buttons, checkButton(c.Voice), chat.Button{ID: "run", Label: c.Voice.Say("I do not have the old phone any more"), Value: "lost"})
			return m, nil
		},
	}
}

func articleFor(ctx context.Context, env Env, v phrases.Voice, id, device string) (chat.Message, error) {
	a, ok := env.Guide.Article(id, view(ctx, env, v, guide.Device(device)))
	if !ok {
		return chat.Message{}, &mistake{v.Say("That article is no longer there."), v.Say("Just ask me in your own words.")}
	}
	return article(env, v, a), nil
}

// ownMethods reads the speaker's methods.
func ownMethods(ctx context.Context, env Env, who identity.Speaker) ([]graph.Method, error) {
	own, err := env.Tenant.Methods(ctx, []string{who.User.ID})
	if err != nil {
		return nil, err
	}
	return own[0].Methods, own[0].Err
}

// check looks whether something was registered since the person last looked.
func check(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{Name: "check", Summary: "Look again whether what you set up has arrived.", Example: "check"},
		Access:      linked,
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			own, err := ownMethods(ctx, env, c.Who)
			if err != nil {
				return chat.Message{}, err
			}
			was, err := env.Staff.StaffNote(ctx, env.Organization.ID, c.Who.User.ID)
			if err != nil {
				return chat.Message{}, err
			}
			now, ids := env.Now(), methodIDs(own)
			err = env.Staff.KeepStaffNote(ctx, env.Organization.ID, c.Who.User.ID, func(n *staff.Note) {
				n.Seen, n.Looked = ids, now
				if graph.Strongest(own) > graph.NotMFA {
					n.NeedsKey, n.Postponed = false, time.Time{} // what it was for is done
				}
			}, func(approval.Tx) error { return nil })
			if err != nil {
				return chat.Message{}, err
			}
			return checked(c.Voice, was, own, today(env)), nil
		},
	}
}

// checked says what is new among somebody's methods, and how they stand.
func checked(v phrases.Voice, was staff.Note, own []graph.Method, today time.Time) chat.Message {
	m := standing(v, own, today)
	var fresh []string
	for _, x := range own {
		if x.Kind.Strength() > graph.NotMFA && !slices.Contains(was.Seen, x.ID) {
			fresh = append(fresh, describeIn(v, x))
		}
	}
	switch {
	case len(fresh) > 0:
		m.Text = strings.TrimSpace(v.Say("I see it: %s. Thank you!", strings.Join(fresh, "; ")) + "\n\n" + m.Text)
	case graph.Strongest(own) == graph.NotMFA:
		m.Text = v.Say("I cannot see anything yet. After the last step it may take a minute: press the button once more then.") + "\n\n" + m.Text
		again := checkButton(v)
		again.Style = chat.Plain
		m.Buttons = append(m.Buttons, again, helpButton(v, v.Say("It does not work")))
	case len(was.Seen) > 0:
		m.Text = strings.TrimSpace(v.Say("Nothing new since you last looked.") + "\n\n" + m.Text)
	}
	return m
}

// methodIDs are the IDs of what counts as a second factor, sorted.
func methodIDs(methods []graph.Method) []string {
	ids := []string{}
	for _, x := range methods {
		if x.Kind.Strength() > graph.NotMFA {
			ids = append(ids, x.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// remindDays is the longest time for which somebody can put reminders off.
const remindDays = 30

// remind puts off what the bot would remind somebody of.
func remind(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "remind", Summary: "Do not remind me for some days.", Example: "remind 7",
			Options: []chat.Option{{Name: "days", Summary: "for how many days, up to 30; 0 ends it", Required: true}},
		},
		Access: linked,
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			days, err := strconv.Atoi(strings.TrimSpace(c.Args["days"]))
			if err != nil || days < 0 || days > remindDays {
				return chat.Message{}, &mistake{c.Voice.Say("%s is not a number of days that I can wait.", shown(c.Args["days"])), c.Voice.Say("Type one from 0 to %d, like “/mfa remind 7”.", remindDays)}
			}
			until := midnight(today(env)).AddDate(0, 0, days)
			if days == 0 {
				until = time.Time{}
			}
			err = keepNote(ctx, env, c.Who, "person.postponed", map[string]any{"days": days}, func(n *staff.Note) { n.Postponed = until })
			if err != nil {
				return chat.Message{}, err
			}
			if days == 0 {
				return chat.Message{Headline: c.Voice.Say("I will remind you as usual."), Footer: c.Voice.Say(onlyYou)}, nil
			}
			return chat.Message{
				Headline: c.Voice.Say("I will not remind you before %s.", c.Voice.Day(until)),
				Text:     c.Voice.Say("Deadlines of your organisation stay as they are. “/mfa remind 0” ends this."), Footer: c.Voice.Say(onlyYou),
			}, nil
		},
	}
}

var onlyYou = phrases.Mark("Only you can see this.")

// keepNote changes what is kept about the speaker, and records that they did.
func keepNote(ctx context.Context, env Env, who identity.Speaker, kind string, facts map[string]any, change func(*staff.Note)) error {
	return env.Staff.KeepStaffNote(ctx, env.Organization.ID, who.User.ID, change, func(tx approval.Tx) error {
		return recordOf(tx, env, who.User.ID, who.User.Name, kind, facts)
	})
}

// recordOf records what somebody did for themselves, by their pseudonym.
func recordOf(tx approval.Tx, env Env, object, name, kind string, facts map[string]any) error {
	actor, err := tx.Alias(env.Organization.ID, object, name)
	if err != nil {
		return err
	}
	return tx.Record(audit.Entry{Tenant: env.Organization.ID, Kind: kind, Actor: actor, Facts: facts})
}

// needKeys counts those who said that they have no phone for this and have
// nothing else yet.
func needKeys(ctx context.Context, env Env) (n int, err error) {
	if env.Staff == nil {
		return 0, nil
	}
	notes, err := env.Staff.StaffNotes(ctx, env.Organization.ID)
	for _, note := range notes {
		if note.NeedsKey {
			n++
		}
	}
	return n, err
}
