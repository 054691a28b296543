package commands

import (
	"context"
	"fmt"
	"slices"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/commands/identity"
)

// shownEnded is how many requests that have ended are listed.
const shownEnded = 10

func requests(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{Name: "requests", Summary: "Open requests, and the last ones that ended.", Example: "requests"},
		Access:      linked,
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			all, err := visible(ctx, env, c.Who)
			if err != nil {
				return chat.Message{}, err
			}
			return listed(ctx, env, all), nil
		},
	}
}

// visible returns the requests that the speaker may see: their own, or all of
// them from viewer up.
func visible(ctx context.Context, env Env, who identity.Speaker) ([]approval.Request, error) {
	var all []approval.Request
	err := env.Requests.View(ctx, func(tx approval.Tx) (err error) {
		all, err = tx.Requests(env.Organization.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(r approval.Request) bool {
		return r.Requester != who.Principal && !who.Has(identity.Viewer)
	}), nil
}

func listed(ctx context.Context, env Env, all []approval.Request) chat.Message {
	t := &chat.Table{Header: []string{"Request", "What", "Asked by", "State"}}
	open, ended := 0, 0
	for _, r := range slices.Backward(all) {
		if r.State.Final() {
			if ended++; ended > shownEnded {
				continue
			}
		} else {
			open++
		}
		t.Rows = append(t.Rows, []string{r.Ref, r.Words.Headline, env.People.Name(ctx, r.Requester), stateWords(env, r)})
	}
	if len(t.Rows) == 0 {
		return chat.Message{Headline: "There are no requests for you to see."}
	}
	m := chat.Message{Headline: fmt.Sprintf("%d open, %d ended", open, ended), Table: t}
	if ended > shownEnded {
		m.Footer = fmt.Sprintf("The last %d that ended are shown.", shownEnded)
	}
	return m
}
