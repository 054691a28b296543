package commands

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"twokey/commands/approval"
	"twokey/graph"
	"twokey/graph/rollout"
)

// Actions returns the actions by their kind.
func Actions(env Env) map[string]approval.Action {
	return map[string]approval.Action{
		DefaultsKind:    defaultsAction{env},
		LegacyBlockKind: accessAction{env, legacyBlock},
		RequireMFAKind:  accessAction{env, requireMFA},
		PassKind:        passAction{env},
		PassPolicyKind:  passPolicyAction{env},
		ResetKind:       inTenant{severally{env, kindNamed(ResetKind), oneBy(env, ResetKind)}},
		MethodKind:      methodAction{env},
		PhoneKind:       phoneAction{env},
		RevokeKind:      inTenant{severally{env, kindNamed(RevokeKind), oneBy(env, RevokeKind)}},
		BlockKind:       inTenant{severally{env, kindNamed(BlockKind), oneBy(env, BlockKind)}},
		UnblockKind:     inTenant{severally{env, kindNamed(UnblockKind), oneBy(env, UnblockKind)}},
		CampaignKind:    campaignAction{env},
		GoalKind:        goalAction{env},
		ScopeKind:       ofOurs{severally{env, kindNamed(ScopeKind), oneBy(env, ScopeKind)}},
		ExceptionKind:   declareAction{env, kindNamed(ExceptionKind), rollout.SortException},
		NudgeKind:       waveAction{env, kindNamed(NudgeKind)},
		WaveKind:        waveAction{env, kindNamed(WaveKind)},
		TemplateKind:    templateAction{env},
		ExportKind:      exportAction{env},

		ownBlockKind.name: ownBlockAction{blockAction{env, ownBlockKind}},

		approval.KindThaw: approval.Thaw{Store: env.Requests},
	}
}

// notUnderstood is what is said of a request that another version has stored,
// or whose row was damaged: it is never run on a guess.
const notUnderstood = "What is stored about this request cannot be understood."

var errVersion = errors.New("read arguments: the version is not known")

// readArgs reads what a request asks for. A member that is not known, or a
// version, is an error.
func readArgs[T any](r approval.Request, version int) (T, error) {
	var args T
	if r.KindVersion != version {
		return args, errVersion
	}
	d := json.NewDecoder(bytes.NewReader(r.Args))
	d.DisallowUnknownFields()
	if err := d.Decode(&args); err != nil {
		return args, fmt.Errorf("read arguments: %w", err)
	}
	return args, nil
}

// pair reads the snapshots that are compared.
func pair[T any](was, now json.RawMessage) (before, after T, err error) {
	return before, after, errors.Join(json.Unmarshal(was, &before), json.Unmarshal(now, &after))
}

// aimed returns the one object that a request is about.
func aimed(r approval.Request) (string, error) {
	if len(r.Targets) != 1 || r.Targets[0].ID == "" {
		return "", errors.New("read target: a request of this kind is about one account")
	}
	return r.Targets[0].ID, nil
}

// snapshot encodes what was read.
func snapshot[T any](v T, err error) (json.RawMessage, error) {
	if err != nil {
		return nil, err
	}
	return json.RawMessage(encode(v)), nil
}

// sending is a call of the writer as a step sends it.
func sending(env Env, write func(ctx context.Context) (graph.Receipt, error)) func(ctx context.Context, clientID string) approval.Answer {
	return func(ctx context.Context, clientID string) approval.Answer {
		receipt, err := write(graph.WithClientRequestID(ctx, clientID))
		return classify(env, receipt, err)
	}
}

// found is what a probe returns: that it was done, or that it was not.
func found(done bool, seen string) approval.Finding {
	if done {
		return approval.Finding{Class: approval.Applied, Seen: seen}
	}
	return approval.Finding{Class: approval.NotDone, Seen: seen}
}
