package commands

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"twokey/chat"
	"twokey/commands/approval"
	"twokey/graph"
	"twokey/graph/rollout"
)

// Nudges writes to people who have something left to do. Commands say to whom;
// when, how often and whether at all is decided by its manners.
type Nudges interface {
	// Waves lists the waves of a tenant, oldest first.
	Waves(ctx context.Context, tenant string) ([]rollout.Wave, error)
	// Reach says whom a wave would write to as things are now, what has become of
	// it, and how the first message reads.
	Reach(ctx context.Context, w rollout.Wave) (rollout.Outreach, chat.Message, error)
}

var (
	byOption   = chat.Option{Name: "by", Summary: "the last day for it, like 2027-01-15", Flag: true}
	thenOption = chat.Option{Name: "then", Summary: "what happens after that day, in quotation marks; without it, what is true of most tenants", Flag: true}
	whomOption = chat.Option{Name: "whom", Summary: "a sign-in name, the ID of a group, “missing” or “phone-only”", Required: true}
)

// nudgeCommand has one message written to somebody, or to each of some people.
func nudgeCommand(env Env) Command {
	return Command{
		CommandSpec: chat.CommandSpec{
			Name: "nudge", Summary: "Have people reminded, once each, in their working hours: whoever has done it or asked for time is left alone.",
			Example: "nudge sam@example.org --by 2027-01-15",
			Options: []chat.Option{whomOption, byOption, thenOption, reasonOption},
		},
		Access: whoAsks(NudgeKind),
		Plan: func(ctx context.Context, c Call) (approval.Plan, error) {
			w, err := waveAsked(ctx, env, c)
			if err != nil {
				return approval.Plan{}, err
			}
			w.Messages = 1
			return planWave(ctx, env, kindNamed(NudgeKind), w)
		},
	}
}

// waveAsked reads to whom somebody wants to have written, and until when.
func waveAsked(ctx context.Context, env Env, c Call) (rollout.Wave, error) {
	whom, err := whomAsked(ctx, env, c)
	if err != nil {
		return rollout.Wave{}, err
	}
	w := rollout.Wave{Whom: whom, State: rollout.WaveRunning, Author: c.Who.Principal.Object, Then: c.Args["then"]}
	if err := checkWords(env, w.Then, maxThen); err != nil {
		return w, err
	}
	w.By, err = deadlineAsked(ctx, env, c.Args["by"], whom)
	return w, err
}

// maxThen is how long the words about what happens may be.
const maxThen = 200

func whomAsked(ctx context.Context, env Env, c Call) (rollout.Whom, error) {
	typed, err := mentioned(ctx, env, c.Event.From, c.Args["whom"])
	if err != nil {
		return rollout.Whom{}, err
	}
	switch kind := rollout.WhomKind(strings.ToLower(typed)); kind {
	case rollout.WhomMissing, rollout.WhomPhoneOnly:
		return rollout.Whom{Kind: kind}, nil
	}
	u, err := findPerson(ctx, env, typed)
	if nobody := (*mistake)(nil); errors.As(err, &nobody) {
		g, unread := env.Tenant.Group(ctx, typed)
		switch k, known := kindOf(unread); {
		case unread == nil:
			return rollout.Whom{Kind: rollout.WhomGroup, ID: g.ID, Name: g.Name}, nil
		case !known || k == graph.KindNotFound || k == graph.KindRefused:
			return rollout.Whom{}, &mistake{nobody.say, nobody.hint + " Or write the object ID of a group, “missing” or “phone-only”."}
		default:
			return rollout.Whom{}, unread
		}
	}
	if err != nil {
		return rollout.Whom{}, err
	}
	s, err := readSubject(ctx, env, u.ID)
	if err != nil {
		return rollout.Whom{}, err
	}
	return rollout.Whom{Kind: rollout.WhomUser, ID: s.ID, Name: s.called()}, refuseSubject(env, s, kindNamed(NudgeKind))
}

// endOfTexts is the last day of texts and calls for most people.
var endOfTexts = time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)

// deadlineAsked is the moment by which it is too late: what was typed, or the goal's
// day, or the end of texts and calls. A message without one would say nothing that
// people can go by.
func deadlineAsked(ctx context.Context, env Env, typed string, whom rollout.Whom) (time.Time, error) {
	now := midnight(today(env))
	var last time.Time
	if typed != "" {
		var err error
		if last, err = parseDay(typed, today(env)); err != nil {
			return last, err
		}
	} else {
		goal, err := Goal(ctx, env.Requests, env.Organization.ID, env.Zone)
		if err != nil {
			return last, err
		}
		if last = goal.By; whom.Kind == rollout.WhomPhoneOnly && last.IsZero() {
			last = time.Date(endOfTexts.Year(), endOfTexts.Month(), endOfTexts.Day(), 0, 0, 0, 0, env.Zone)
		}
	}
	switch {
	case last.IsZero():
		return last, &mistake{"By when? People are told until which day they have time.", "Add it like “--by " + now.AddDate(0, 0, 21).Format(time.DateOnly) + "”, or set a goal with a day: “/mfa goal 98% by 2027-03-31”."}
	case last.Before(now):
		return last, &mistake{dayWords(env, last) + " is past.", "Name a day that is still to come."}
	case last.After(now.AddDate(0, 0, longestLeave)):
		return last, &mistake{dayWords(env, last) + " is more than a year away.", "Name an earlier day."}
	}
	return last.AddDate(0, 0, 1), nil
}

const waveVersion = 1

// waveArgs are what is asked for: a wave as it is to run, and how many people the
// approvers are shown.
type waveArgs struct {
	Wave   rollout.Wave `json:"wave"`
	People int          `json:"people"`
}

// waveSnapshot is what matters about a wave.
type waveSnapshot struct {
	State  rollout.WaveState `json:"state,omitempty"` // empty: it is not stored
	People int               `json:"people"`
	Nobody string            `json:"nobody,omitempty"` // why nobody is left who could be written to
}

// nobodyLeft says why nobody of those whom a wave is for will be written to, or "".
func nobodyLeft(o rollout.Outreach) string {
	if o.Next > 0 || !onlyFinal(o) {
		return ""
	}
	return cmp.Or(skippedWords(o), "nobody was chosen")
}

// planWave is a plan to begin a wave, or to go on with it.
func planWave(ctx context.Context, env Env, k kind, w rollout.Wave) (approval.Plan, error) {
	o, example, err := env.Nudges.Reach(ctx, w)
	if err != nil {
		return approval.Plan{}, err
	}
	if why := nobodyLeft(o); why != "" {
		return approval.Plan{}, &mistake{"There is nobody to write to: " + why + ".", "“/mfa who missing” lists who is not registered."}
	}
	state := rollout.WaveState("")
	if w.Ref != "" {
		if state, err = waveState(ctx, env, w.Ref); err != nil {
			return approval.Plan{}, err
		}
	}
	p := approval.Plan{
		Kind: k.name, KindVersion: waveVersion,
		Args:     json.RawMessage(encode(waveArgs{Wave: w, People: o.People})),
		Snapshot: json.RawMessage(encode(waveSnapshot{State: state, People: o.People})),
		Policy:   policyFor(env.Rules.Now(), stakes{kind: k, targets: o.People}),
	}
	if w.Whom.Kind == rollout.WhomUser {
		p.Targets = []approval.Target{{ID: w.Whom.ID, Name: w.Whom.Name}}
	}
	p.Words = approval.Words{
		Headline: "Write to " + whomWords(w.Whom, o.People),
		Now:      chosenWords(o), Then: "Each gets " + messageWords(w.Messages) + ", in their working hours, until " + dayWords(env, w.By.Add(-time.Nanosecond)) + " at the latest.",
		Radius: "People's own messages in the chat. Nothing changes in the tenant. It reads: “" + example.Headline + " " + strings.ReplaceAll(example.Text, "\n\n", " ") + "”",
		Risk:   "People are asked for what they cannot do yet, and come to the help desk.",
		Undo:   undoWave(w), Call: env.contact(),
	}
	if w.Name != "" {
		p.Words.Headline = "Begin the wave " + shown(w.Name) + ": write to " + whomWords(w.Whom, o.People)
		p.Words.Radius += " The channel of the weekly digest reads that it begins, without a name."
	}
	if skipped := skippedWords(o); skipped != "" {
		p.Words.Findings = append(p.Words.Findings, "Not written to: "+skipped+".")
	}
	if o.Held != "" {
		p.Words.Findings = append(p.Words.Findings, o.Held)
	}
	return p, nil
}

func undoWave(w rollout.Wave) string {
	if w.Name == "" {
		return "What has not gone out yet: “/mfa wave pause” with its number, which the message about its end offers. What has, stays."
	}
	return "“/mfa wave pause " + w.Name + "”. What has gone out, stays."
}

func messageWords(n int) string {
	if n == 1 {
		return "one message"
	}
	return fmt.Sprintf("up to %d messages, three working days apart", n)
}

func whomWords(w rollout.Whom, n int) string {
	people := peopleWords(n)
	switch w.Kind {
	case rollout.WhomUser:
		return quoted(w.Name, 120)
	case rollout.WhomGroup:
		return people + " of the group " + quoted(cmp.Or(w.Name, w.ID), 60) + " who are not registered"
	case rollout.WhomPhoneOnly:
		return people + " who have only texts or calls"
	default:
		return people + " who are not registered"
	}
}

func peopleWords(n int) string {
	if n == 1 {
		return "1 person"
	}
	return rollout.Number("", time.Time{}, n).String() + " people"
}

// chosenWords say how many of those who were chosen are written to.
func chosenWords(o rollout.Outreach) string {
	text := fmt.Sprintf("Of %s, %d can be written to now", peopleWords(o.People), o.Next)
	if o.Mailed > 0 {
		text += fmt.Sprintf(", %d of them by mail", o.Mailed)
	}
	return text + "."
}

// skippedWords say why people are not written to, and how many for each reason.
func skippedWords(o rollout.Outreach) string {
	var said []string
	for _, why := range rollout.Skips() {
		if n := o.Skipped[why]; n > 0 {
			said = append(said, fmt.Sprintf("%s (%d)", why, n))
		}
	}
	return strings.Join(said, "; ")
}

func onlyFinal(o rollout.Outreach) bool {
	for why, n := range o.Skipped {
		if n > 0 && !why.Final() {
			return false
		}
	}
	return true
}

// waveAction begins a wave, or goes on with it. Its effect is a row of the store.
type waveAction struct {
	env  Env
	kind kind
}

var (
	_ approval.Action = waveAction{}
	_ approval.Local  = waveAction{}
)

// Snapshot implements approval.Action.
func (a waveAction) Snapshot(ctx context.Context, r approval.Request) (json.RawMessage, error) {
	args, err := readArgs[waveArgs](r, waveVersion)
	if err != nil {
		return nil, err
	}
	o, _, err := a.env.Nudges.Reach(ctx, args.Wave)
	if err != nil {
		return nil, err
	}
	state := rollout.WaveState("")
	if args.Wave.Ref != "" {
		if state, err = waveState(ctx, a.env, args.Wave.Ref); err != nil {
			return nil, err
		}
	}
	return snapshot(waveSnapshot{State: state, People: o.People, Nobody: nobodyLeft(o)}, nil)
}

// growth is by how much more people a wave may be for than was shown: they
// register, and some join.
func growth(shown int) int { return shown + shown/10 + 1 }

// Compare implements approval.Action.
func (a waveAction) Compare(was, now json.RawMessage, r approval.Request, _ []approval.Step) []string {
	before, after, err := pair[waveSnapshot](was, now)
	args, unread := readArgs[waveArgs](r, waveVersion)
	if errors.Join(err, unread) != nil {
		return []string{notUnderstood}
	}
	switch {
	case after.State == rollout.WaveOver:
		return []string{"The wave is over."}
	case before.State != after.State:
		return []string{"Somebody else has begun or paused the wave meanwhile."}
	case after.Nobody != "":
		return []string{"There is nobody left to write to: " + after.Nobody + "."}
	case after.People > growth(args.People):
		return []string{fmt.Sprintf("It would be for %d people by now, and %d were shown.", after.People, args.People)}
	case !a.env.Now().Before(args.Wave.By):
		return []string{"The day until which people had time is past."}
	}
	return nil
}

// Steps implements approval.Action: none in the tenant.
func (waveAction) Steps(approval.Request) ([]approval.Call, error) { return nil, nil }

// Probe implements approval.Action. There is no step to ask about.
func (waveAction) Probe(context.Context, approval.Request, json.RawMessage, approval.Step) (approval.Finding, error) {
	return approval.Finding{}, errors.New("a wave has no steps")
}

// keepsWaves is what a transaction can do that keeps waves.
type keepsWaves interface {
	PutWave(tenant string, w rollout.Wave) error
}

// Apply implements approval.Local.
func (a waveAction) Apply(tx approval.Tx, r approval.Request, now time.Time) error {
	args, err := readArgs[waveArgs](r, waveVersion)
	if err != nil {
		return err
	}
	w := args.Wave
	w.State, w.Request = rollout.WaveRunning, r.Ref
	if w.Ref == "" {
		w.Ref = refOfWave(r)
	}
	if w.Began.IsZero() {
		w.Began = now
	}
	return putWave(tx, r.Tenant, w)
}

// refOfWave is the number of the wave that a request begins, if it has none yet.
func refOfWave(r approval.Request) string { return "W-" + strings.TrimPrefix(r.Ref, "R-") }

func putWave(tx approval.Tx, tenant string, w rollout.Wave) error {
	kept, ok := tx.(keepsWaves)
	if !ok {
		return fmt.Errorf("store wave: a %T keeps no waves", tx)
	}
	return kept.PutWave(tenant, w)
}
