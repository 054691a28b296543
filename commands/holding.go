package commands

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/commands/identity"
)

// What can be done about a request that is carried out on several accounts: let
// it wait, have it go on, and ask for what it left undone.

// requestOption names a request.
var requestOption = chat.Option{Name: "request", Summary: "the number of a request, like R-ABC234", Of: chat.OfRequests, Required: true}

func pauseRequest(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "requests pause", Summary: "Let a request that runs over several accounts wait before the next one.", Example: "requests pause R-ABC234 the phones are ringing",
			Options: []chat.Option{requestOption, {Name: "reason", Summary: "why", Rest: true}},
		},
		Access: only(identity.Helpdesk, identity.Lead, identity.Approver), // whose request it is, and who decides it, is the engine's to say
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			return held(ctx, env, c.Who, "pause", c.Args[requestOption.Name], c.Args["reason"])
		},
	}
}

func resumeRequest(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "requests resume", Summary: "Let a request go on that was paused.", Example: "requests resume R-ABC234",
			Options: []chat.Option{requestOption, {Name: "reason", Summary: "why", Rest: true}},
		},
		Access: only(identity.Helpdesk, identity.Lead, identity.Approver), // the same
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			return held(ctx, env, c.Who, "resume", c.Args[requestOption.Name], c.Args["reason"])
		},
	}
}

// held lets a request wait, or go on.
func held(ctx context.Context, env Env, who identity.Speaker, choice, seal, why string) (chat.Message, error) {
	v, err := vote(who, seal, why)
	if err != nil {
		return chat.Message{}, err
	}
	if choice == "resume" {
		r, err := env.Engine.Resume(ctx, v)
		return chat.Message{Headline: fmt.Sprintf("%s goes on.", r.Ref), Request: r.Ref}, attributed(ctx, env, err)
	}
	r, err := env.Engine.Pause(ctx, v)
	return chat.Message{
		Headline: fmt.Sprintf("%s waits before the next account.", r.Ref),
		Text:     "What was begun for one is finished first. “/mfa requests resume " + r.Ref + "” has it go on, and “/mfa stop " + r.Ref + "” ends it here. After an hour it ends by itself.",
		Request:  r.Ref,
	}, attributed(ctx, env, err)
}

// retryRequest asks for what a request of several accounts left undone.
func retryRequest(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "requests retry", Summary: "Ask for what a request over several accounts has left undone, as a request of its own.", Example: "requests retry R-ABC234 the accounts are there now",
			Options: []chat.Option{requestOption, reasonOption},
		},
		Access: only(identity.Helpdesk, identity.Lead), // and who may ask for the change itself
		Plan:   func(ctx context.Context, c Call) (approval.Plan, error) { return planRetry(ctx, env, c) },
	}
}

func planRetry(ctx context.Context, env Env, c Call) (approval.Plan, error) {
	ref := canonical(c.Args[requestOption.Name])
	r, err := env.Engine.Find(ctx, ref)
	if err != nil {
		return approval.Plan{}, err
	}
	if !whoAsks(r.Kind).Allows(c.Who) {
		return approval.Plan{}, &mistake{"You may not ask for what " + r.Ref + " asked for.", "“/mfa help” lists what you can do."}
	}
	if !retryable(r) {
		return approval.Plan{}, &mistake{r.Ref + " has left nothing undone that could be asked for like this.", "“/mfa requests” lists how requests ended."}
	}
	var args severalArgs
	if err := json.Unmarshal(r.Args, &args); err != nil {
		return approval.Plan{}, fmt.Errorf("read arguments: %w", err)
	}
	if c.Args = maps.Clone(args.Typed); c.Args == nil {
		c.Args = map[string]string{}
	}
	p, left, err := planSeveral(ctx, env, kindNamed(r.Kind), c, undoneOf(r))
	if err != nil {
		return p, err
	}
	said := make([]string, len(left))
	for i, m := range left {
		said[i] = "Left out: " + m.say
	}
	if len(p.Targets) == 0 {
		return p, &mistake{"Nothing of " + r.Ref + " can be asked for anew. " + strings.Join(said, " "), "“/mfa requests” lists how requests ended."}
	}
	p.Words.Findings = append(append([]string{"This is what " + r.Ref + " left undone."}, p.Words.Findings...), said...)
	return p, nil
}

// retryable reports whether what a request left undone can be asked for anew.
func retryable(r approval.Request) bool {
	return planners(r.Kind) != nil && len(r.Targets) > 1 && (r.State == approval.Partial || r.State == approval.Failed) && len(undoneOf(r)) > 0
}

// undoneOf are the IDs of the targets of which not all was done, or whose case
// is not known.
func undoneOf(r approval.Request) (ids []string) {
	for _, t := range r.Targets {
		if became(r.Outcome.Done, t.ID).class != approval.Applied {
			ids = append(ids, t.ID)
		}
	}
	return ids
}

// fate is what became of one target.
type fate struct {
	class approval.Class // Applied only if all of it was done
	some  bool           // a part of it was
	seen  string
}

// became tells what became of a target from what is reported of its steps.
func became(steps []approval.StepReport, target string) (f fate) {
	f.class = approval.NotDone
	done, all := 0, 0
	for _, s := range steps {
		if s.Target != target {
			continue
		}
		all++
		switch {
		case s.Class == approval.Applied:
			done++
		case f.class == approval.NotDone || s.Class == approval.Open || s.Class == approval.Unclear || s.Class == approval.Missing:
			f.class = s.Class
		}
		if f.seen == "" {
			f.seen = s.Seen
		}
	}
	if f.some = done > 0; done == all && all > 0 {
		f.class = approval.Applied
	}
	return f
}

func (f fate) words() string {
	said := classWords(f.class)
	if f.some && f.class != approval.Applied {
		said = "partly done"
	}
	if f.seen != "" && f.class != approval.Applied {
		said += ": " + f.seen
	}
	return said
}

// under is how a request that runs over several accounts stands right now: in
// sentences, with the buttons that it has then.
func under(ctx context.Context, env Env, r approval.Request) (said string, buttons []chat.Button) {
	if !r.Pausable() {
		return "", nil
	}
	var steps []approval.Step
	var h approval.Halt
	err := env.Requests.View(ctx, func(tx approval.Tx) (err error) {
		if steps, err = tx.Steps(r.ID); err != nil {
			return err
		}
		h, err = approval.HaltOf(tx, r)
		return err
	})
	action, known := Actions(env)[r.Kind]
	if err != nil || !known {
		return "", nil // how far it is is the less important half of the message
	}
	calls, err := action.Steps(r)
	if err != nil {
		return "", nil
	}
	done, failed := 0, 0
	for _, t := range r.Targets {
		switch f := became(approval.Reports(steps, calls), t.ID); {
		case f.class == approval.Applied:
			done++
		case f.class != approval.NotDone && f.class != approval.Open:
			failed++
		}
	}
	said = fmt.Sprintf("%d of %d accounts are done.", done, len(r.Targets))
	if failed > 0 {
		said += fmt.Sprintf(" %d could not be done, or it is not known.", failed)
	}
	seal := r.Seal()
	stop := chat.Button{ID: "stop", Label: "Stop before the next", Value: seal, Style: chat.Danger}
	switch {
	case h.Stop:
		return said + " " + named(ctx, env, principal(env, h.By)) + " has stopped it: what is left is not done.", nil
	case h.Held():
		return said + " " + named(ctx, env, principal(env, h.By)) + " has paused it at " + clock(env, h.Since) + ".", []chat.Button{
			{ID: "resume", Label: "Go on", Value: seal, Style: chat.Primary}, stop,
		}
	}
	return said, []chat.Button{{ID: "pause", Label: "Pause", Value: seal}, stop}
}

// fates lists what became of each target, those first of which not all was done.
func fates(r approval.Request) *chat.Table {
	if len(r.Targets) < 2 || len(r.Outcome.Done) == 0 {
		return nil
	}
	t := &chat.Table{Header: []string{"Account", "What became of it"}}
	var done [][]string
	for _, target := range r.Targets {
		f := became(r.Outcome.Done, target.ID)
		row := []string{target.Name, f.words()}
		if f.class == approval.Applied {
			done = append(done, row)
		} else {
			t.Rows = append(t.Rows, row)
		}
	}
	t.Rows = append(t.Rows, done...)
	return t
}

// counted says how many targets of several are done.
func counted(r approval.Request) string {
	return fmt.Sprintf("%d of %d accounts", len(r.Targets)-len(undoneOf(r)), len(r.Targets))
}

// inOne is how many accounts stand in one field.
const inOne = 8

// targetFields list every target by name and ID.
func targetFields(targets []approval.Target) (fs []chat.Field) {
	if len(targets) <= inOne {
		for _, t := range targets {
			fs = append(fs, chat.Field{Label: "Target", Value: identified(t.Name, t.ID)})
		}
		return fs
	}
	first := 1
	for some := range slices.Chunk(targets, inOne) {
		lines := make([]string, len(some))
		for i, t := range some {
			lines[i] = identified(t.Name, t.ID)
		}
		fs = append(fs, chat.Field{Label: fmt.Sprintf("Targets %d to %d", first, first+len(some)-1), Value: strings.Join(lines, "\n")})
		first += len(some)
	}
	return fs
}
