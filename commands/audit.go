package commands

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"twokey/audit"
	"twokey/chat"
	"twokey/commands/approval"
	"twokey/commands/identity"
)

// shownRecords is how many records are listed.
const shownRecords = 15

func auditCommand(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "audit", Summary: "The last audit records, and whether the chain is whole.", Example: "audit R-ABC234",
			Options: []chat.Option{{Name: "request", Summary: "the number of a request, like R-ABC234", Of: chat.OfRequests}},
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
				if m.Table, err = recordTable(ctx, env, last); err != nil {
					return chat.Message{}, err
				}
			}
			return withChain(ctx, env, m)
		},
	}
}

func recordTable(ctx context.Context, env Env, records []audit.Record) (*chat.Table, error) {
	t := &chat.Table{Header: []string{"No.", "When", "What", "Who", "Request"}}
	names, err := actors(ctx, env, records)
	if err != nil {
		return nil, err
	}
	for _, r := range records {
		when := r.At
		if at, err := time.Parse(time.RFC3339Nano, r.At); err == nil {
			when = moment(env, at)
		}
		t.Rows = append(t.Rows, []string{strconv.FormatInt(r.Number, 10), chat.Safe(when, 40), chat.Safe(r.Kind, 40), chat.Safe(names[r.Actor], 60), chat.Safe(r.Request, 20)})
	}
	return t, nil
}

// actors says who the actors of records are: people by the name that is kept
// beside the chain, or by the tenant's; those who were forgotten by pseudonym.
func actors(ctx context.Context, env Env, records []audit.Record) (map[string]string, error) {
	names := map[string]string{audit.Bot: "the bot", audit.Host: "the bot's host"}
	var unknown []string
	for _, r := range records {
		if _, ok := names[r.Actor]; !ok {
			names[r.Actor] = r.Actor
			unknown = append(unknown, r.Actor)
		}
	}
	people, err := env.Records.Who(ctx, unknown...)
	if err != nil {
		return nil, err
	}
	for pseudonym, p := range people {
		names[pseudonym] = p.Name
		if p.Name == "" {
			names[pseudonym] = env.People.Name(ctx, principal(env, p.Object))
		}
	}
	return names, nil
}

// withChain verifies the whole chain and adds to m how it stands. A damaged one
// is the headline, whatever was asked, and whoever guards it is told.
func withChain(ctx context.Context, env Env, m chat.Message) (chat.Message, error) {
	head, err := audit.Verify(env.Records.Audit(ctx), "")
	var broken *audit.BrokenError
	if errors.As(err, &broken) && env.Guard != nil {
		env.Guard.Report(broken)
	}
	if env.Guard != nil && env.Guard.Damage() != nil {
		m.Headline = damaged(env.Guard.Damage())
		m.Text = readOnly + " Do not trust the records, and call an owner of this bot."
		return m, nil
	}
	switch {
	case broken != nil:
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

const readOnly = "Until that is cleared up I answer, and change nothing."

// Gate returns what an engine and a runner ask before they act: they are
// refused while the audit record is known to be damaged, because nobody could
// trust what is recorded of it.
func Gate(g Guard) func(context.Context) error {
	return func(context.Context) error {
		if err := g.Damage(); err != nil {
			return &approval.Refusal{Code: "damaged", Text: damaged(err) + " " + readOnly}
		}
		return nil
	}
}

// damaged says what is wrong with the audit record.
func damaged(err error) string {
	var s sayer
	if errors.As(err, &s) {
		return s.Say()
	}
	return "The audit record is damaged."
}
