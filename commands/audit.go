package commands

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"twokey/audit"
	"twokey/chat"
	"twokey/commands/identity"
)

// shownRecords is how many records are listed.
const shownRecords = 15

func auditCommand(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "audit", Summary: "The last audit records, and whether the chain is whole.", Example: "audit R-ABC234",
			Options: []chat.Option{{Name: "request", Summary: "the number of a request, like R-ABC234"}},
		},
		Access: only(identity.Viewer),
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			request := canonical(c.Args["request"])
			last, err := env.Records.LastRecords(ctx, request, shownRecords)
			if err != nil {
				return chat.Message{}, err
			}
			m := chat.Message{Headline: "The last audit records", Footer: "Only you can see this."}
			switch {
			case request != "" && len(last) == 0:
				m.Headline = "There are no audit records of " + shown(request) + "."
			case request != "":
				m.Headline = "The last audit records of " + shown(request)
			}
			if len(last) > 0 {
				m.Table = recordTable(ctx, env, last)
			}
			return withChain(ctx, env, m)
		},
	}
}

func recordTable(ctx context.Context, env Env, records []audit.Record) *chat.Table {
	t := &chat.Table{Header: []string{"No.", "When", "What", "Who", "Request"}}
	names := map[string]string{"twokey": "the bot"}
	for _, r := range records {
		name, ok := names[r.Actor]
		if !ok {
			name = env.People.Name(ctx, principal(env, r.Actor))
			names[r.Actor] = name
		}
		when := r.At
		if at, err := time.Parse(time.RFC3339Nano, r.At); err == nil {
			when = moment(env, at)
		}
		t.Rows = append(t.Rows, []string{strconv.FormatInt(r.Number, 10), chat.Safe(when, 40), chat.Safe(r.Kind, 40), chat.Safe(name, 60), chat.Safe(r.Request, 20)})
	}
	return t
}

// withChain verifies the whole chain and adds to m how it stands. A broken one
// is the headline, whatever was asked.
func withChain(ctx context.Context, env Env, m chat.Message) (chat.Message, error) {
	head, err := audit.Verify(env.Records.Audit(ctx), "")
	var broken *audit.BrokenError
	switch {
	case errors.As(err, &broken):
		m.Headline = broken.Say()
		m.Text = "Do not trust the records from there on, and call an owner of this bot."
	case err != nil:
		return chat.Message{}, err
	case head == nil:
		m.Text = "Nothing has been recorded yet."
	default:
		m.Text = fmt.Sprintf("The chain of %s is whole. Its head is %s.", plural(strconv.FormatInt(head.Number, 10), "record"), head.Hash)
	}
	return m, nil
}
