package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/graph"
)

const phoneVersion = 1

// lastPhones is the day from which on no phone is added: a month before texts and
// calls by Microsoft end.
const lastPhones = "2027-01-01"

var phoneTypes = map[string]graph.PhoneType{"mobile": graph.PhoneMobile, "alternate": graph.PhoneAlternate, "office": graph.PhoneOffice}

// addPhone asks to register a number for somebody: a stopgap, with its end.
func addPhone(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "phone add", Summary: "Ask to register a phone for somebody, as a stopgap: Microsoft ends texts and calls on 1 February 2027.",
			Example: `phone add sam@example.org "+34 600000000" --type mobile no smartphone until January`,
			Options: []chat.Option{
				userOption,
				{Name: "number", Summary: "the number between quotation marks, with the country's code and a space behind it: “+34 600000000”", Required: true},
				{Name: "type", Summary: "which of their phones; mobile if it is not said", Choices: []string{"mobile", "alternate", "office"}, Flag: true},
				reasonOption,
			},
		},
		Access: whoAsks(PhoneKind),
		Plan:   func(ctx context.Context, c Call) (approval.Plan, error) { return planPhone(ctx, env, c) },
	}
}

// phoneNumber is what Graph takes: the country's code, a space, the number, and
// maybe an extension.
var phoneNumber = regexp.MustCompile(`^\+[1-9][0-9]{0,3} [0-9]{4,14}(x[0-9]{1,10})?$`)

func planPhone(ctx context.Context, env Env, c Call) (approval.Plan, error) {
	if today(env).Format("2006-01-02") >= lastPhones {
		return approval.Plan{}, &mistake{"Phones are not added any more: Microsoft ends texts and calls on 1 February 2027.", "Add the app or a passkey. Whoever has neither needs a security key or a code token."}
	}
	number := strings.Join(strings.Fields(c.Args["number"]), " ")
	if !phoneNumber.MatchString(number) {
		return approval.Plan{}, &mistake{"That is not a telephone number as Microsoft 365 takes it.", "Write it between quotation marks, like “+34 600000000”: the country's code, a space, the number without spaces."}
	}
	k := kindNamed(PhoneKind)
	s, err := aimAt(ctx, env, k, c)
	if err != nil {
		return approval.Plan{}, err
	}
	state, err := readMethods(ctx, env, s)
	if err != nil {
		return approval.Plan{}, err
	}
	stand, err := caseState(ctx, env, s, "")
	if err != nil {
		return approval.Plan{}, err
	}
	args := phoneArgs{Type: graph.PhoneMobile, Number: number}
	if t, given := phoneTypes[c.Args["type"]]; given {
		args.Type = t
	}
	if say := args.refused(state); say != "" {
		return approval.Plan{}, &mistake{say, "Remove that one first, with “/mfa method remove”."}
	}
	p := aboutOne(env, k, phoneVersion, s, stakesOf(k, s))
	p.Args, p.Snapshot = json.RawMessage(encode(args)), json.RawMessage(encode(phoneSnapshot{state, stand}))
	p.Words = approval.Words{
		Headline: "Register a phone for " + s.shown(),
		Now:      "They have: " + methodList(state.Methods) + ".",
		Then:     "They also have the " + string(args.Type) + " phone " + masked(number) + ".",
		Radius:   "This one account. Whoever holds that telephone, and the password, can sign in.",
		Risk:     "If the number is somebody else's, they get in. It was called back, was it not?",
		Undo:     "“/mfa method remove " + s.UPN + " " + args.id() + "”.",
		Call:     env.contact(),
		Findings: []string{textsEnd(today(env)) + " This is a stopgap: they need the app, a passkey or a key before then."},
	}
	return p, nil
}

// masked shows of a number its country and its end: enough for somebody who
// knows it, and for nobody else.
func masked(number string) string {
	country, rest, _ := strings.Cut(number, " ")
	rest, _, _ = strings.Cut(rest, "x")
	return country + " ••• " + rest[max(0, len(rest)-2):]
}

// phoneArgs say what is registered. The number stands in the audit chain by a
// mark alone.
type phoneArgs struct {
	Type   graph.PhoneType `json:"type"`
	Number string          `json:"number"`
}

// id is the method's ID, the same for every user.
func (a phoneArgs) id() string { return graph.PhoneID(a.Type) }

func (a phoneArgs) has(methods []graph.Method, t graph.PhoneType) bool {
	return slices.ContainsFunc(methods, func(m graph.Method) bool { return m.Phone() == t })
}

// refused says why the tenant would refuse the phone, or "".
func (a phoneArgs) refused(s methodsSnapshot) string {
	switch {
	case a.has(s.Methods, a.Type):
		return s.Subject.shown() + " has a phone of this type already: there is one of each."
	case a.Type == graph.PhoneAlternate && !a.has(s.Methods, graph.PhoneMobile):
		return s.Subject.shown() + " has no mobile phone yet, which comes before an alternate one."
	default:
		return ""
	}
}

// phoneSnapshot is what matters about somebody who is to get a phone.
type phoneSnapshot struct {
	methodsSnapshot
	Case string `json:"case,omitempty"` // that there is one of a lost phone, in which it has to be asked for
}

// phoneAction implements approval.Action.
type phoneAction struct{ env Env }

var (
	_ approval.Action   = phoneAction{}
	_ approval.Verifier = phoneAction{}
)

// Snapshot implements approval.Action.
func (a phoneAction) Snapshot(ctx context.Context, r approval.Request) (json.RawMessage, error) {
	s, err := readAimed(ctx, a.env, r)
	if err != nil {
		return nil, err
	}
	var state phoneSnapshot
	if state.methodsSnapshot, err = readMethods(ctx, a.env, s); err != nil {
		return nil, err
	}
	state.Case, err = standOfCase(ctx, a.env, s.ID, "")
	return snapshot(state, err)
}

// Compare implements approval.Action.
func (a phoneAction) Compare(was, now json.RawMessage, r approval.Request, _ []approval.Step) []string {
	before, after, err := pair[phoneSnapshot](was, now)
	args, unread := readArgs[phoneArgs](r, phoneVersion)
	if errors.Join(err, unread) != nil {
		return []string{notUnderstood}
	}
	diff := compareSubject(a.env, kindNamed(PhoneKind), before.Subject, after.Subject)
	if after.Subject.Gone {
		return diff
	}
	diff = append(diff, compareCase(before.Subject, before.Case, after.Case)...)
	diff = append(diff, compareMethods(before.methodsSnapshot, after.methodsSnapshot, nil)...)
	if say := args.refused(after.methodsSnapshot); say != "" {
		diff = append(diff, say)
	}
	if today(a.env).Format("2006-01-02") >= lastPhones {
		diff = append(diff, "Phones are not added any more.")
	}
	return diff
}

// Steps implements approval.Action.
func (a phoneAction) Steps(r approval.Request) ([]approval.Call, error) {
	args, err := readArgs[phoneArgs](r, phoneVersion)
	id, unaimed := aimed(r)
	if err := errors.Join(err, unaimed); err != nil {
		return nil, err
	}
	phone := graph.Phone{Type: args.Type, Number: args.Number}
	return []approval.Call{{
		What: "register a phone (" + string(args.Type) + ")", Method: "POST", URL: "/users/" + id + "/authentication/phoneMethods", Body: []byte(encode(phone.Body())),
		Send: func(ctx context.Context, clientID string) approval.Answer {
			object, receipt, err := a.env.Writer.AddPhone(graph.WithClientRequestID(ctx, clientID), id, phone)
			answer := classify(a.env, receipt, err)
			answer.Object = object
			return answer
		},
	}}, nil
}

// Probe implements approval.Action. A phone with another number is somebody
// else's doing.
func (a phoneAction) Probe(ctx context.Context, r approval.Request, _ json.RawMessage, _ approval.Step) (approval.Finding, error) {
	args, err := readArgs[phoneArgs](r, phoneVersion)
	id, unaimed := aimed(r)
	if err := errors.Join(err, unaimed); err != nil {
		return approval.Finding{}, err
	}
	is, err := a.env.Tenant.HasPhone(ctx, id, graph.Phone{Type: args.Type, Number: args.Number})
	if err != nil {
		return approval.Finding{}, fmt.Errorf("read phones: %w", err)
	}
	if !is {
		return found(false, "there is no phone of this type with this number."), nil
	}
	f := found(true, fmt.Sprintf("there is a phone of the type %s with this number.", args.Type))
	f.Object = args.id()
	return f, nil
}

// Verify implements approval.Verifier.
func (a phoneAction) Verify(ctx context.Context, r approval.Request) (string, error) {
	return renamed(ctx, a.env, r), nil
}
