package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/commands/identity"
	"twokey/graph"
)

// A file with the names of many is a map for whoever wants to break in, so that
// two must agree that somebody gets it. It is made when its requester collects
// it, shown to them alone, and kept nowhere.

const exportVersion = 1

// namesAlone is how many rows with names a lead can have as a file without asking
// anybody.
const namesAlone = 200

// exportArgs are what an export is asked for with.
type exportArgs struct {
	Typed map[string]string `json:"typed"`
	Rows  int               `json:"rows"` // as shown to those who decide
}

// plansInstead is an answer that cannot be given without others' agreement: the
// change that is to be asked for.
type plansInstead struct{ plan approval.Plan }

func (*plansInstead) Error() string { return "others have to agree to this" }

// large reports whether a file holds the names of more than a lead has alone.
func (e exported) large() bool { return len(e.people) > 0 && len(e.rows) > namesAlone }

func planExport(env Env, c Call, e exported) approval.Plan {
	args := exportArgs{Typed: map[string]string{}, Rows: len(e.rows)}
	for _, name := range []string{"dataset", "format", "since", "bom"} {
		if v := c.Args[name]; v != "" {
			args.Typed[name] = v
		}
	}
	rows := plural(strconv.Itoa(len(e.rows)), "row")
	return approval.Plan{
		Kind: ExportKind, KindVersion: exportVersion, Args: json.RawMessage(encode(args)), Snapshot: json.RawMessage(encode(len(e.rows))),
		Words: approval.Words{
			Headline: "Hand out a file with " + rows + " of names: " + args.Typed["dataset"] + ", " + args.Typed["format"],
			Now:      "Nobody has the file.",
			Then:     "The requester gets it once, in private. It is kept nowhere else.",
			Radius:   rows + " about people: who they are, and how well their sign-in is protected. Nothing changes in the tenant.",
			Risk:     "Whoever holds the file knows which accounts are the easiest to break into.",
			Undo:     "It cannot be taken back. Ask the requester to delete it once it has served.",
			Call:     env.contact(),
		},
		Policy: policyFor(env.Rules.Now(), stakes{kind: kindNamed(ExportKind)}),
	}
}

// exportAction implements approval.Action. It changes nothing in the tenant.
type exportAction struct{ env Env }

var _ approval.Action = exportAction{}

// made makes the export that a request asks for.
func (a exportAction) made(ctx context.Context, r approval.Request) (exportArgs, exported, error) {
	args, err := readArgs[exportArgs](r, exportVersion)
	if err != nil {
		return args, exported{}, err
	}
	e, err := exportOf(ctx, a.env, Call{Args: args.Typed})
	return args, e, err
}

// Snapshot implements approval.Action: how long the list is.
func (a exportAction) Snapshot(ctx context.Context, r approval.Request) (json.RawMessage, error) {
	_, e, err := a.made(ctx, r)
	return snapshot(len(e.rows), err)
}

// Compare implements approval.Action.
func (exportAction) Compare(_, now json.RawMessage, r approval.Request, _ []approval.Step) []string {
	args, err := readArgs[exportArgs](r, exportVersion)
	var rows int
	switch err := errors.Join(err, json.Unmarshal(now, &rows)); {
	case err != nil:
		return []string{notUnderstood}
	case rows == 0:
		return []string{"The list is empty by now."}
	case rows > growth(args.Rows):
		return []string{fmt.Sprintf("The list has %d rows by now, and %d were shown.", rows, args.Rows)}
	}
	return nil
}

// Steps implements approval.Action: one, which makes the file and records whose
// names are in it.
func (a exportAction) Steps(r approval.Request) ([]approval.Call, error) {
	args, err := readArgs[exportArgs](r, exportVersion)
	if err != nil {
		return nil, err
	}
	return []approval.Call{{
		What: "make the file", Method: "GET", URL: "/export/" + args.Typed["dataset"],
		Send: func(ctx context.Context, _ string) approval.Answer {
			f, err := a.file(ctx, r)
			if err != nil {
				return approval.Answer{Class: approval.Refused, Facts: "The list could not be made."}
			}
			return approval.Answer{Class: approval.Applied, Handover: f}
		},
	}}, nil
}

func (a exportAction) file(ctx context.Context, r approval.Request) (*chat.File, error) {
	args, e, err := a.made(ctx, r)
	if err != nil {
		return nil, err
	}
	f, err := e.file("twokey-"+args.Typed["dataset"], args.Typed["format"], args.Typed["bom"] != "")
	if err != nil {
		return nil, err
	}
	who := identity.Speaker{Principal: r.Requester, User: graph.User{ID: r.Requester.Object, Name: r.Warrant.Name}}
	return f, lookedUp(ctx, a.env, Call{Who: who}, "export "+args.Typed["dataset"]+" "+args.Typed["format"]+" "+r.Ref, e.people)
}

// Probe implements approval.Action: what nobody received was not handed out.
func (exportAction) Probe(context.Context, approval.Request, json.RawMessage, approval.Step) (approval.Finding, error) {
	return found(false, "nothing was handed out."), nil
}

// handedFile is an export, in the one message that holds it.
func handedFile(r approval.Request, f *chat.File) chat.Message {
	return chat.Message{
		Headline: "The file of " + r.Ref + ".", File: f, Request: r.Ref,
		Footer: "Only you can see this, and it is recorded. Keep it as carefully as what it is about, and delete it when you are done.",
	}
}
