package commands

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/commands/identity"
	"twokey/graph/rollout"
)

// maxList is how much of a list fits into a form of a chat; of a longer one
// several parts are taken in one after the other.
const maxList = 3000

// importLegacy takes in lists that Microsoft Graph does not give: the Exchange
// admin centre's of SMTP AUTH, and on a licence without the log's interface the
// portal's of sign-ins.
func importLegacy(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "legacy import", Summary: "Take in the Exchange admin centre's SMTP AUTH list, or the portal's list of sign-ins.", Example: "legacy import",
			Options: []chat.Option{{Name: "list", Summary: "the list with its heading; the answer has a form for it", Rest: true}},
		},
		Access: only(identity.Lead),
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			if c.Who.Principal == (approval.Principal{}) {
				return chat.Message{}, unproven(c.Who)
			}
			if c.Args["list"] == "" {
				return listForm(), nil
			}
			l, err := readLegacyList(c.Args["list"], env.Now())
			if err != nil {
				return chat.Message{}, err
			}
			if len(l.senders) == 0 {
				return chat.Message{Headline: "There is nothing in that list to take in.", Text: l.leftOut() + " Unknown devices cannot be excluded.", Footer: "Nothing was stored."}, nil
			}
			fresh, err := takeIn(ctx, env, c, l)
			if err != nil {
				return chat.Message{}, err
			}
			return chat.Message{
				Headline: fmt.Sprintf("%s taken in from the %s; %d of them for the first time.", plural(strconv.Itoa(len(l.senders)), "sender"), l.source, fresh),
				Text:     strings.TrimSpace(l.leftOut() + " Every look before security defaults, or a block of old protocols, names them, for 90 days. Unknown devices cannot be excluded."),
				Footer:   "It is recorded. Only you can see this. “/mfa legacy --by user” lists them.",
			}, nil
		},
	}
}

func listForm() chat.Message {
	return chat.Message{
		Headline: "Which list shall I take in?",
		Text: "Either from the Exchange admin centre: Reports, Mail flow, SMTP AUTH clients report, Export. Or from the Entra admin centre: Sign-in logs, a filter for the old client apps, Download as CSV.\n\n" +
			"Open it in a spreadsheet and copy it with its heading. Of sign-ins the columns Username, Client app, Status and Date (UTC) are enough. " +
			fmt.Sprintf("The form takes %d characters: of a longer list paste one part after the other, each with the heading.", maxList),
		Footer: "Nothing is stored unless every row can be read.",
		Buttons: []chat.Button{{
			ID: "run", Label: "Paste the list", Value: "legacy import", Style: chat.Primary,
			Form: []chat.FormField{{ID: "list", Label: "The list, with its heading", Required: true, MaxRunes: maxList}},
		}},
	}
}

// takeIn declares each sender, all of them or none, and says how many were not
// declared before. An account of the tenant is known by its object ID, so that
// it is forgotten with its person.
func takeIn(ctx context.Context, env Env, c Call, l legacyListed) (fresh int, err error) {
	ids := map[string]string{}
	users, _ := env.kept(ctx).Users.Get()
	for _, u := range users {
		ids[strings.ToLower(u.Mail)], ids[strings.ToLower(u.UPN)] = u.ID, u.ID
	}
	known := map[string]bool{}
	all, err := devicesDeclared(ctx, env)
	if err != nil {
		return 0, err
	}
	for _, d := range all {
		known[d.Object] = true
	}
	until := env.Now().Add(importedFor)
	err = env.Requests.Update(ctx, func(tx approval.Tx) error {
		fresh = 0
		for _, s := range l.senders {
			object := strings.ToLower(s.address)
			if id := ids[object]; id != "" {
				object = id
			}
			if !known[object] {
				fresh++
			}
			d := rollout.Declaration{Object: object, Sort: rollout.SortDevice, Name: s.address, Why: s.words(l.source), Owner: c.Who.User.ID, Until: until}
			if err := keepDevice(tx, env.Organization.ID, d, false); err != nil {
				return err
			}
		}
		return recordOf(tx, env, c.Who.User.ID, c.Who.User.Name, "legacy.imported", map[string]any{"list": l.source, "rows": l.rows, "senders": len(l.senders), "new": fresh})
	})
	return fresh, err
}
