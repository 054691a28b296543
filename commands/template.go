package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"twokey/chat"
	"twokey/chat/phrases"
	"twokey/commands/approval"
	"twokey/commands/identity"
	"twokey/graph/rollout"
)

// maxTemplate is how long a lead's words may be: they are read on a phone.
const maxTemplate = 500

// builtIn is typed where a template is to have its own words again.
const builtIn = "default"

func templateOptions() []chat.Option {
	var codes []string
	for _, l := range phrases.Languages() {
		codes = append(codes, string(l))
	}
	return []chat.Option{
		{Name: "template", Summary: "which message: " + strings.Join(rollout.NudgeTemplates(), ", "), Choices: rollout.NudgeTemplates(), Required: true},
		{Name: "language", Summary: "a code", Choices: codes, Required: true},
	}
}

// showTemplate shows what leads have changed of what people are written.
func showTemplate(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{Name: "template show", Summary: "The words that leads have given to reminders.", Example: "template show"},
		Access:      only(identity.Lead),
		Answer: func(ctx context.Context, _ Call) (chat.Message, error) {
			m := chat.Message{
				Headline: "What reminders say is as it came with the bot.",
				Text:     "“/mfa template set first en \"…\"” asks for other words, and one approver decides. The headline, the last day and that nobody asks for a password stay.",
				Footer:   onlyYou,
			}
			for _, name := range rollout.NudgeTemplates() {
				for _, l := range phrases.Languages() {
					words, err := templateWords(ctx, env, name, string(l))
					if err != nil {
						return chat.Message{}, err
					}
					if words != "" {
						m.Headline = "These reminders have words of your own."
						m.Fields = append(m.Fields, chat.Field{Label: name + ", " + l.Name(), Value: words, Quoted: true})
					}
				}
			}
			return m, nil
		},
	}
}

// setTemplate asks that a message has other words.
func setTemplate(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "template set", Summary: "Ask that a reminder has other words; “default” takes them back.",
			Example: `template set first en "Please set up your second step. Ben in room 12 helps."`,
			Options: append(templateOptions(), chat.Option{Name: "words", Summary: "the words, in quotation marks", Required: true}, reasonOption),
		},
		Access: whoAsks(TemplateKind),
		Plan:   func(ctx context.Context, c Call) (approval.Plan, error) { return planTemplate(ctx, env, c) },
	}
}

const templateVersion = 1

// templateArgs are what is to be said in which message and language.
type templateArgs struct {
	Template string `json:"template"`
	Language string `json:"language"`
	Words    string `json:"words,omitempty"` // empty: the built-in ones
}

func planTemplate(ctx context.Context, env Env, c Call) (approval.Plan, error) {
	args := templateArgs{c.Args["template"], c.Args["language"], strings.TrimSpace(c.Args["words"])}
	if args.Template == "" || args.Language == "" {
		return approval.Plan{}, &mistake{"Which message, and in which language?", `For example: /mfa template set first en "Please set up your second step."`}
	}
	if strings.EqualFold(args.Words, builtIn) {
		args.Words = ""
	} else if !strings.Contains(args.Words, " ") {
		return approval.Plan{}, &mistake{"The words of a reminder stand in quotation marks, or only the first of them would be taken.", `For example: /mfa template set first en "Please set up your second step."`}
	}
	if err := checkWords(env, args.Words, maxTemplate); err != nil {
		return approval.Plan{}, err
	}
	now, err := templateWords(ctx, env, args.Template, args.Language)
	if err != nil {
		return approval.Plan{}, err
	}
	if now == args.Words {
		return approval.Plan{}, &mistake{"It says that already.", "There is nothing to change."}
	}
	k := kindNamed(TemplateKind)
	return approval.Plan{
		Kind: k.name, KindVersion: templateVersion, Args: json.RawMessage(encode(args)), Snapshot: json.RawMessage(encode(now)),
		Policy: policyFor(env.Rules.Now(), stakes{kind: k}),
		Words: approval.Words{
			Headline: "Change what the reminder " + shown(args.Template) + " says, in " + phrases.Language(args.Language).Name(),
			Now:      saysWords(now), Then: saysWords(args.Words),
			Radius: "Everybody who is reminded in that language from then on. What has gone out, stays.",
			Risk:   "The bot says in its own name what is not true, or leads people to the wrong page.",
			Undo:   "“/mfa template set " + args.Template + " " + args.Language + " " + builtIn + "”.", Call: env.contact(),
		},
	}, nil
}

func saysWords(words string) string {
	if words == "" {
		return "The built-in words."
	}
	return quoted(words, 0)
}

func templateWords(ctx context.Context, env Env, template, language string) (words string, err error) {
	err = env.Requests.View(ctx, func(tx approval.Tx) error {
		words, err = tx.Setting(env.Organization.ID, rollout.NudgeSetting(template, language))
		return err
	})
	return words, err
}

// linkHosts are those to which what leads write may link, beside the owner's.
var linkHosts = []string{"aka.ms", "mysignins.microsoft.com", "myaccount.microsoft.com", "www.microsoft.com", "support.microsoft.com", "learn.microsoft.com"}

// linkLike is whatever a chat may make a link of.
var linkLike = regexp.MustCompile(`(?i)[a-z][a-z0-9+.-]*://[^\s<>"”)]+|(?:[\pL\pN-]+\.)+\pL{2,}(?:/[^\s<>"”)]*)?`)

// checkWords refuses what a lead must not have the bot say to everybody: an
// address that the owner does not know, the asking for a secret, and what is too
// long to be read.
func checkWords(env Env, words string, most int) error {
	switch {
	case !utf8.ValidString(words), chat.Hidden(words):
		return &mistake{"These words hold invisible or direction-changing characters.", "Please type them again in plain text."}
	case utf8.RuneCountInString(words) > most:
		return &mistake{fmt.Sprintf("These words are too long: they may have %d characters.", most), "Please shorten them."}
	case asksForSecret(words):
		return &mistake{"These words read as if they asked for a password, a code or a pass.", "Nobody is ever asked for one. Please say it otherwise."}
	}
	for _, link := range linkLike.FindAllString(words, -1) {
		if !mayLink(env, link) {
			return &mistake{shown(link) + " is an address that people are not sent to.", "Only to these: " + strings.Join(slices.Concat(linkHosts, env.Links), ", ") + ". An owner can add others in the configuration, under “guide.links”."}
		}
	}
	return nil
}

func mayLink(env Env, link string) bool {
	if !strings.Contains(link, "://") {
		link = "https://" + link
	}
	u, err := url.Parse(strings.TrimRight(link, ".,;:!?"))
	host := ""
	if err == nil {
		host = strings.ToLower(u.Hostname())
	}
	return host != "" && u.Scheme == "https" && u.User == nil && (slices.Contains(linkHosts, host) || slices.Contains(env.Links, host))
}

// templateAction changes what people are written. Its effect is a setting.
type templateAction struct{ env Env }

var (
	_ approval.Action = templateAction{}
	_ approval.Local  = templateAction{}
)

// Snapshot implements approval.Action: the words that there are.
func (a templateAction) Snapshot(ctx context.Context, r approval.Request) (json.RawMessage, error) {
	args, err := readArgs[templateArgs](r, templateVersion)
	if err != nil {
		return nil, err
	}
	return snapshot(templateWords(ctx, a.env, args.Template, args.Language))
}

// Compare implements approval.Action. The words are checked once more: the owner
// may have taken an address off the list.
func (a templateAction) Compare(was, now json.RawMessage, r approval.Request, _ []approval.Step) []string {
	before, after, err := pair[string](was, now)
	args, unread := readArgs[templateArgs](r, templateVersion)
	if errors.Join(err, unread) != nil {
		return []string{notUnderstood}
	}
	if before != after {
		return []string{"Somebody else has changed it meanwhile. Now it is: " + saysWords(after)}
	}
	if wrong := (*mistake)(nil); errors.As(checkWords(a.env, args.Words, maxTemplate), &wrong) {
		return []string{wrong.say}
	}
	return nil
}

// Steps implements approval.Action: none in the tenant.
func (templateAction) Steps(approval.Request) ([]approval.Call, error) { return nil, nil }

// Probe implements approval.Action. There is no step to ask about.
func (templateAction) Probe(context.Context, approval.Request, json.RawMessage, approval.Step) (approval.Finding, error) {
	return approval.Finding{}, errors.New("a template has no steps")
}

// Apply implements approval.Local.
func (templateAction) Apply(tx approval.Tx, r approval.Request, _ time.Time) error {
	args, err := readArgs[templateArgs](r, templateVersion)
	if err != nil {
		return err
	}
	return tx.Set(r.Tenant, rollout.NudgeSetting(args.Template, args.Language), args.Words)
}
