package commands

import (
	"context"
	"fmt"
	"strings"
	"time"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/commands/identity"
	"twokey/graph/rollout"
)

// maxDevice is how long the name of a device may be.
const maxDevice = 80

// declareDevice takes in what no report shows: a scanner, a program or a phone
// that signs in by an old protocol. It makes the looks before a change more
// careful and changes nothing else, so nobody else decides it.
func declareDevice(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "legacy declare", Summary: "Say that a device or program signs in by an old protocol, so that it is asked about before that stops.",
			Example: `legacy declare "Scanner 2nd floor" Vic Marlowe runs it`,
			Options: []chat.Option{
				{Name: "device", Summary: "what it is called, in quotation marks if it is several words", Required: true},
				{Name: "gone", Summary: "it is gone, or signs in another way now", Flag: true, Bare: true},
				{Name: "whose", Summary: "where it is and who runs it", Rest: true},
			},
		},
		Access: only(identity.Lead, identity.Helpdesk),
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			device, whose, err := deviceNamed(c)
			if err != nil {
				return chat.Message{}, err
			}
			gone := c.Args["gone"] != ""
			d := rollout.Declaration{Sort: rollout.SortDevice, Name: device, Why: whose, Owner: c.Who.User.ID}
			if d.Object, err = deviceKept(ctx, env, device, gone); err != nil {
				return chat.Message{}, err
			}
			err = env.Requests.Update(ctx, func(tx approval.Tx) error {
				if err := keepDevice(tx, env.Organization.ID, d, gone); err != nil {
					return err
				}
				return recordOf(tx, env, c.Who.User.ID, c.Who.User.Name, "legacy.declared", map[string]any{"device": device, "gone": gone})
			})
			if err != nil {
				return chat.Message{}, err
			}
			m := chat.Message{
				Headline: quoted(device, maxDevice) + " is declared to sign in by an old protocol.",
				Text:     "Every look before security defaults, or a block of old protocols, names it. “/mfa legacy declare \"" + chat.Safe(device, maxDevice) + "\" --gone” takes it back.", Footer: "It is recorded.",
			}
			if gone {
				m.Headline, m.Text = quoted(device, maxDevice)+" is not declared any more.", ""
			}
			return m, nil
		},
	}
}

func deviceNamed(c Call) (device, whose string, err error) {
	if c.Who.Principal == (approval.Principal{}) {
		return "", "", unproven(c.Who)
	}
	device = strings.TrimSpace(c.Args["device"])
	if device == "" || chat.Hidden(device) || len([]rune(device)) > maxDevice {
		return "", "", &mistake{fmt.Sprintf("A device needs a name in plain text, of %d characters at most.", maxDevice), `For example: /mfa legacy declare "Scanner 2nd floor" Vic Marlowe runs it`}
	}
	whose, err = justification(c.Args["whose"])
	if err == nil && whose == "" && c.Args["gone"] == "" {
		err = &mistake{"Please say where it is and who runs it: somebody will have to be asked.", `For example: /mfa legacy declare "Scanner 2nd floor" Vic Marlowe runs it`}
	}
	return device, whose, err
}

// deviceKept is by what a device is kept. Nobody takes back what is not declared.
func deviceKept(ctx context.Context, env Env, device string, gone bool) (string, error) {
	all, err := devicesDeclared(ctx, env)
	if err != nil {
		return "", err
	}
	for _, d := range all {
		if strings.EqualFold(d.Object, device) || strings.EqualFold(d.Name, device) {
			return d.Object, nil
		}
	}
	if gone {
		return "", &mistake{"No device " + shown(device) + " is declared.", "“/mfa legacy --by user” lists those that are."}
	}
	return strings.ToLower(device), nil
}

func keepDevice(tx approval.Tx, tenant string, d rollout.Declaration, gone bool) error {
	kept, ok := tx.(declares)
	switch {
	case !ok:
		return fmt.Errorf("declare: a %T keeps no declarations", tx)
	case gone:
		return kept.Undeclare(tenant, d.Object, d.Sort)
	default:
		return kept.Declare(tenant, d)
	}
}

// deviceFindings name what was declared to sign in by an old protocol.
func deviceFindings(facts rollout.Facts) []finding {
	if len(facts.Devices) == 0 {
		return nil
	}
	names := make([]string, len(facts.Devices))
	for i, d := range facts.Devices {
		names[i] = d.Name
	}
	return []finding{{
		Level: amber, Text: "Declared to sign in by an old protocol: " + quotedNames(names) + ". They stop at once.", Owner: "whoever runs them, whom “/mfa legacy --by user” names",
	}}
}

// importedFor is for how long an imported list counts: the centre's reaches back
// no further, and what is still in use is in the next.
const importedFor = 90 * 24 * time.Hour
