package commands

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"twokey/audit"
	"twokey/chat"
	"twokey/commands/approval"
	"twokey/commands/identity"
	"twokey/graph/rollout"
)

// waveMessages is how many messages each person of a wave gets at most.
const waveMessages = 3

var nameOption = chat.Option{Name: "name", Summary: "what the wave is called, one word", Required: true}

// createWave makes the draft of a wave. It reaches nobody, so that nobody has to
// approve it: an approver decides when it is to start.
func createWave(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "wave create", Summary: "Draft a wave: some people, a last day, up to three reminders. It reaches nobody until it is started.",
			Example: "wave create sales missing --by 2027-01-15",
			Options: []chat.Option{nameOption, whomOption, byOption, thenOption},
		},
		Access: whoAsks(WaveKind),
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			if c.Who.Principal == (approval.Principal{}) {
				return chat.Message{}, unproven(c.Who)
			}
			name, err := waveName(c.Args["name"])
			if err != nil {
				return chat.Message{}, err
			}
			if _, err := waveCalled(ctx, env, name); err == nil {
				return chat.Message{}, &mistake{"There is a wave " + shown(name) + " already.", "Take another name, or see “/mfa wave status " + name + "”."}
			}
			w, err := waveAsked(ctx, env, c)
			if err != nil {
				return chat.Message{}, err
			}
			w.Ref, w.Name, w.State, w.Messages = rollout.NewWaveRef(), name, rollout.WaveDraft, waveMessages
			o, example, err := env.Nudges.Reach(ctx, w)
			if err != nil {
				return chat.Message{}, err
			}
			if err := keepWave(ctx, env, c, w, "wave.created"); err != nil {
				return chat.Message{}, err
			}
			m := waveCard(env, w, o)
			m.Details = append(m.Details, chat.Field{Label: "The first message", Value: example.Headline + "\n" + example.Text})
			return m, nil
		},
	}
}

// startWave asks an approver to let a wave begin, or go on.
func startWave(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "wave start", Summary: "Ask that a wave begins, or goes on after a pause.", Example: "wave start sales everybody had the training",
			Options: []chat.Option{nameOption, reasonOption},
		},
		Access: whoAsks(WaveKind),
		Plan: func(ctx context.Context, c Call) (approval.Plan, error) {
			w, err := waveCalled(ctx, env, c.Args["name"])
			if err != nil {
				return approval.Plan{}, err
			}
			switch w.State {
			case rollout.WaveRunning:
				return approval.Plan{}, &mistake{"It is running already.", "“/mfa wave status " + w.Name + "” shows how it goes."}
			case rollout.WaveOver:
				return approval.Plan{}, &mistake{"It is over.", "“/mfa wave create” makes another."}
			}
			return planWave(ctx, env, kindNamed(WaveKind), w)
		},
	}
}

// pauseWave stops a wave at once: what makes less happen waits for nobody.
func pauseWave(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "wave pause", Summary: "Stop a wave at once. What has gone out, stays.", Example: "wave pause sales", Options: []chat.Option{nameOption},
		},
		Access: whoAsks(WaveKind),
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			w, err := waveCalled(ctx, env, c.Args["name"])
			if err != nil {
				return chat.Message{}, err
			}
			if w.State != rollout.WaveRunning {
				return chat.Message{}, &mistake{"It is not running: it is " + stateOfWave(w) + ".", "There is nothing to stop."}
			}
			w.State = rollout.WavePaused
			if err := keepWave(ctx, env, c, w, "wave.paused"); err != nil {
				return chat.Message{}, err
			}
			m := chat.Message{Headline: "Paused: nobody of " + shown(waveTitle(w)) + " is written to any more.", Text: "What has gone out, stays.", Footer: onlyYou}
			if w.Name != "" {
				m.Buttons = []chat.Button{{ID: "run", Label: "Ask to go on", Value: "wave start " + w.Name}}
			}
			return m, nil
		},
	}
}

// waveStatus shows one wave, or lists them.
func waveStatus(env Env) Command {
	name := nameOption
	name.Required = false
	return Command{
		CommandSpec: chat.CommandSpec{Name: "wave status", Summary: "How a wave goes: written to, left out and why, registered within 7 days after.", Example: "wave status sales", Options: []chat.Option{name}},
		Access:      only(identity.Lead),
		Answer: func(ctx context.Context, c Call) (chat.Message, error) {
			if c.Args["name"] != "" {
				w, err := waveCalled(ctx, env, c.Args["name"])
				if err != nil {
					return chat.Message{}, err
				}
				o, _, err := env.Nudges.Reach(ctx, w)
				return waveCard(env, w, o), err
			}
			all, err := env.Nudges.Waves(ctx, env.Organization.ID)
			if err != nil {
				return chat.Message{}, err
			}
			if len(all) == 0 {
				return chat.Message{Headline: "There is no wave yet, and nobody was written to.", Text: "“/mfa wave create” drafts one.", Footer: onlyYou}, nil
			}
			slices.Reverse(all)
			t := &chat.Table{Header: []string{"Wave", "For", "State", "Until"}}
			for _, w := range all[:min(shownPeople, len(all))] {
				t.Rows = append(t.Rows, []string{waveTitle(w), string(w.Whom.Kind), stateOfWave(w), w.By.Add(-time.Nanosecond).In(env.Zone).Format(time.DateOnly)})
			}
			return chat.Message{Headline: plural(fmt.Sprint(len(all)), "wave"), Text: "“/mfa wave status” with a name shows how one goes.", Table: t, Footer: onlyYou}, nil
		},
	}
}

// waveCard is a wave for leads. Nobody is named.
func waveCard(env Env, w rollout.Wave, o rollout.Outreach) chat.Message {
	m := chat.Message{
		Headline: "Wave " + shown(waveTitle(w)) + " is " + stateOfWave(w) + ".",
		Text:     chosenWords(o),
		Fields: []chat.Field{
			{Label: "For", Value: whomWords(w.Whom, o.People)},
			{Label: "Until", Value: dayWords(env, w.By.Add(-time.Nanosecond))},
			{Label: "Written to", Value: peopleWords(o.Written) + ", " + plural(fmt.Sprint(o.Messages), "message")},
			{Label: "Registered within 7 days after", Value: fmt.Sprintf("%d of them (%d by now)", o.Within, o.Done)},
		},
		Footer: onlyYou + " Whether somebody registered because of a message is not known, only that they did after one.",
	}
	if o.Held != "" && w.State == rollout.WaveRunning {
		m.Text = o.Held
	}
	if skipped := skippedWords(o); skipped != "" {
		m.Fields = append(m.Fields, chat.Field{Label: "Not written to", Value: skipped})
	}
	switch w.State {
	case rollout.WaveDraft, rollout.WavePaused:
		if w.Name != "" {
			m.Buttons = []chat.Button{{ID: "run", Label: "Ask to start it", Value: "wave start " + w.Name, Style: chat.Primary}}
		}
	case rollout.WaveRunning:
		m.Buttons = []chat.Button{{ID: "run", Label: "Pause it", Value: "wave pause " + waveTitle(w)}}
	}
	return m
}

// waveTitle is how a wave is called: a nudge has no name but its number.
func waveTitle(w rollout.Wave) string {
	if w.Name == "" {
		return w.Ref
	}
	return w.Name
}

func stateOfWave(w rollout.Wave) string {
	if w.State == rollout.WaveDraft {
		return "a draft"
	}
	return string(w.State)
}

var waveWord = regexp.MustCompile(`^[\pL\pN][\pL\pN-]{0,31}$`)

func waveName(typed string) (string, error) {
	name := strings.ToLower(typed)
	if !waveWord.MatchString(name) || strings.HasPrefix(name, "w-") {
		return "", &mistake{shown(typed) + " cannot be the name of a wave.", "Take one word of letters, digits and hyphens, like “sales”."}
	}
	return name, nil
}

// waveCalled returns the wave of a name or a number.
func waveCalled(ctx context.Context, env Env, typed string) (rollout.Wave, error) {
	all, err := env.Nudges.Waves(ctx, env.Organization.ID)
	if err != nil {
		return rollout.Wave{}, err
	}
	for _, w := range slices.Backward(all) {
		if w.Name != "" && strings.EqualFold(w.Name, typed) || strings.EqualFold(w.Ref, typed) {
			return w, nil
		}
	}
	return rollout.Wave{}, &mistake{"There is no wave " + shown(typed) + ".", "“/mfa wave status” lists them."}
}

func waveState(ctx context.Context, env Env, ref string) (rollout.WaveState, error) {
	w, err := waveCalled(ctx, env, ref)
	return w.State, err
}

// keepWave stores a wave and records who wanted it.
func keepWave(ctx context.Context, env Env, c Call, w rollout.Wave, kind string) error {
	tenant := env.Organization.ID
	return env.Requests.Update(ctx, func(tx approval.Tx) error {
		actor, err := tx.Alias(tenant, c.Who.User.ID, c.Who.User.Name)
		if err != nil {
			return err
		}
		if err := putWave(tx, tenant, w); err != nil {
			return err
		}
		return tx.Record(audit.Entry{Tenant: tenant, Kind: kind, Actor: actor, Facts: map[string]any{"wave": w.Ref, "for": string(w.Whom.Kind), "until": w.By.UTC().Format(time.RFC3339)}})
	})
}
