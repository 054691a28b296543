package commands

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"twokey/chat"
	"twokey/chat/outbox"
	"twokey/chat/phrases"
	"twokey/commands/approval"
	"twokey/commands/identity"
	"twokey/commands/staff"
	"twokey/graph"
)

// NoticeCase is the kind of message that cases owe.
const NoticeCase = "case"

// Who is told of a case.
const (
	toDesk    = "desk"    // everybody of the help desk, in their own messages
	toPerson  = "person"  // whom it is about
	toOpener  = "opener"  // who opened it for somebody else
	toManager = "manager" // of whom it is about
	toAlarm   = "alarm"   // who looks after security
)

// caseFacts say which message about a case is owed. Without a What it is the
// case as it stands, and is kept up to date; the others are said once.
type caseFacts struct {
	Case string `json:"case"`
	To   string `json:"to"`
	What string `json:"what,omitempty"`
	// Line is that of a conversation. Of what can be said more than once it
	// tells one time from another.
	Line int `json:"line,omitempty"`
}

// What is said once.
const (
	saidLine       = "line"       // a line of the conversation
	saidClosed     = "closed"     // the case is closed
	saidRegistered = "registered" // a method was registered
	saidConfirm    = "confirm"    // whose is it that was registered
	saidReminder   = "reminder"   // somebody still waits
	saidHeld       = "held"       // a line that asked for a secret was held
	saidStopped    = "stopped"    // whom it is about did not want it
	saidStrange    = "strange"    // what was registered is not theirs
	saidPrompt     = "prompt"     // a sign-in that nobody started
)

func caseTopic(ref string) string { return "case/" + ref }

// oweCase owes a message about a case at each of the addresses.
func oweCase(tx approval.Tx, f caseFacts, to []string) error {
	facts, err := json.Marshal(f)
	if err != nil {
		return err
	}
	to = slices.Clone(to)
	slices.Sort(to)
	for _, address := range slices.Compact(to) {
		key := strings.Join([]string{"case", f.Case, f.To, f.What, strconv.Itoa(f.Line), address}, "/")
		topic := key
		if f.What == "" || f.What == saidConfirm {
			topic = caseTopic(f.Case)
		}
		if err := tx.Owe(approval.Notice{Key: key, Kind: NoticeCase, Topic: topic, Address: address, Facts: facts}); err != nil {
			return err
		}
	}
	return nil
}

// concerns are the addresses of all who are told of a case.
type concerns struct{ desk, person, opener, manager []string }

// mailbox is where somebody is told of their own account beside the chat, if
// people are mailed.
func mailbox(env Env, object string) []chat.Account {
	if env.Mail == "" || !isLinked(object) {
		return nil
	}
	return []chat.Account{{Platform: env.Mail, User: object}}
}

// directs are somebody's own messages, in each of their chat accounts.
func directs(ctx context.Context, env Env, object string) []string {
	return addresses(env.People.Accounts(ctx, principal(env, object)), chat.Address{})
}

// desk lists where the help desk reads: each of its people in their own
// messages, but not the one whom a case is about. Where nobody holds that role,
// leads and owners do; if the tenant cannot be read, those of them who are known
// without it.
func desk(ctx context.Context, env Env, about string) ([]string, error) {
	to, _ := deskOrStandIns(ctx, env, about)
	if len(to) == 0 {
		return nil, &mistake{"Nobody is at the help desk who could be told here.", "Please call " + env.contact() + "."}
	}
	return to, nil
}

// deskOrStandIns lists where the help desk reads, or who stands in for it, and
// says whether it is the latter.
func deskOrStandIns(ctx context.Context, env Env, about string) (to []string, standIns bool) {
	ctx, cancel := context.WithTimeout(ctx, alarmRead)
	defer cancel()
	own := directs(ctx, env, about)
	for i, roles := range [][]identity.Role{{identity.Helpdesk}, standInRoles} {
		to = nil
		people, err := env.People.Active(ctx, roles...)
		if err != nil {
			to = addresses(byName(ctx, env.People, roles...), chat.Address{})
		}
		for _, p := range people {
			to = append(to, directs(ctx, env, p.Object)...)
		}
		to = slices.DeleteFunc(to, func(a string) bool { return slices.Contains(own, a) })
		if len(to) > 0 {
			return to, i > 0
		}
	}
	return nil, true
}

// standInRoles look after a case where nobody of the help desk can.
var standInRoles = []identity.Role{identity.Lead, identity.Owner}

// looksAfter reports whether somebody works on a case: the help desk, or who
// stands in for it.
func looksAfter(ctx context.Context, env Env, who identity.Speaker, c staff.Case) bool {
	if who.Has(identity.Helpdesk) || !who.Has(standInRoles...) {
		return who.Has(identity.Helpdesk)
	}
	_, standIns := deskOrStandIns(ctx, env, c.Person)
	return standIns
}

// caseConcerns returns who is to be told of a case.
func caseConcerns(ctx context.Context, env Env, c staff.Case) (all concerns, err error) {
	if all.desk, err = desk(ctx, env, c.Person); err != nil {
		return all, err
	}
	all.person = directs(ctx, env, c.Person)
	if len(all.person) == 0 && c.Person == c.Opener {
		all.person = []string{addressOf(c.Account)}
	}
	all.person = append(all.person, addresses(mailbox(env, c.Person), chat.Address{})...)
	if c.Opener != c.Person && c.Kind != staff.Reset { // the help desk sees its own resets
		all.opener = []string{addressOf(c.Account)}
	}
	if !c.Kind.ForManager() {
		return all, nil
	}
	boss, err := managerOf(ctx, env, c.Person)
	if err != nil {
		return all, err
	}
	if boss != "" {
		all.manager = slices.DeleteFunc(directs(ctx, env, boss), func(a string) bool {
			return slices.Contains(all.desk, a) || slices.Contains(all.opener, a)
		})
	}
	return all, nil
}

// addressOf is where an account's own messages are.
func addressOf(account string) string {
	var a chat.Account
	_ = json.Unmarshal([]byte(account), &a) // what encode made; nothing else is stored
	return encode(chat.Direct(a))
}

// managerOf returns who is set above somebody, or "".
func managerOf(ctx context.Context, env Env, object string) (string, error) {
	m, err := env.Tenant.Manager(ctx, object)
	if k, known := kindOf(err); known && k == graph.KindNotFound {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read manager: %w", err)
	}
	return m.ID, nil
}

// alarmRead is for how long it is tried to find out who is to be alarmed.
const alarmRead = 2 * time.Second

// alarmed lists where those read who look after security: the contact that the
// owner named, if that is somebody with a chat account; otherwise whoever
// decides or owns. It goes to nobody's channel. If the tenant cannot be read,
// those are alarmed who are known without it.
func alarmed(ctx context.Context, env Env) []string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), alarmRead)
	defer cancel()
	if name := env.Rules.Now().SecurityContact; name != "" {
		if found, err := env.Tenant.FindUsers(ctx, name); err == nil && len(found) == 1 {
			if to := directs(ctx, env, found[0].ID); len(to) > 0 {
				return to
			}
		}
	}
	to, err := Everyone(env.People, chat.Address{})(ctx)
	if err != nil || len(to) == 0 {
		return Named(ctx, env.People, chat.Address{})
	}
	return to
}

// changeCase changes a case, records it, has the messages about it shown anew,
// and owes what tell owes.
func changeCase(ctx context.Context, env Env, who identity.Speaker, ref, kind string, change func(staff.Case, time.Time) (staff.Case, error), tell func(approval.Tx, staff.Case) error) (staff.Case, error) {
	return env.Staff.ChangeCase(ctx, env.Organization.ID, ref, change, func(tx approval.Tx, c staff.Case) error {
		if err := recordCase(tx, env, c, kind, selfOf(env, who), who.User.Name); err != nil {
			return err
		}
		if err := tx.Touch(caseTopic(c.Ref)); err != nil {
			return err
		}
		return tell(tx, c)
	})
}

// recordCase records what became of a case: of proofs the kinds, and of what was
// said nothing. Without an actor it was the bot.
func recordCase(tx approval.Tx, env Env, c staff.Case, kind, actor, name string) error {
	facts := map[string]any{"case": c.Ref, "about": string(c.Kind)}
	if len(c.Proofs) > 0 {
		kinds := make([]string, len(c.Proofs))
		for i, p := range c.Proofs {
			kinds[i] = string(p.Kind)
		}
		facts["proofs"] = kinds
	}
	if c.Said != "" {
		facts["approved"] = c.Said
	}
	if c.End != "" {
		facts["end"] = string(c.End)
	}
	person, err := tx.Alias(env.Organization.ID, c.Person, "")
	if err != nil {
		return err
	}
	facts["person"] = person
	return recordOf(tx, env, actor, name, kind, facts)
}

// caseFor returns a case for whoever may see it: the help desk or who stands in
// for it, whom it is about, and who opened it. The help desk is not shown its own.
func caseFor(ctx context.Context, env Env, who identity.Speaker, typed string) (staff.Case, error) {
	c, err := env.Staff.Case(ctx, env.Organization.ID, staff.Canonical(typed))
	if err != nil {
		return c, err
	}
	me := selfOf(env, who)
	if me == c.Person || me == c.Opener || looksAfter(ctx, env, who, c) {
		return c, nil
	}
	if !c.Kind.ForManager() {
		return staff.Case{}, staff.ErrNoCase
	}
	if boss, err := managerOf(ctx, env, c.Person); err != nil || boss == "" || boss != me {
		return staff.Case{}, cmp.Or[error](err, staff.ErrNoCase)
	}
	return c, nil
}

// isLinked reports whether a case knows somebody by their object ID, and not by
// a chat account that is not linked.
func isLinked(person string) bool { return !strings.Contains(person, "/") }

// selfOf is under what a case knows the speaker. While the tenant cannot be read
// nobody counts as linked, but whose account it is has been written down here: a
// case that is opened then is theirs afterwards, too.
func selfOf(env Env, who identity.Speaker) string {
	if who.Linked {
		return who.User.ID
	}
	return cmp.Or(who.Object, identity.LinkKey(who.Account))
}

// atDesk refuses whoever is not of the help desk and does not stand in for it, and whom a case is about.
func atDesk(ctx context.Context, env Env, who identity.Speaker, c staff.Case) error {
	switch {
	case !looksAfter(ctx, env, who, c):
		return staff.ErrDesk
	case selfOf(env, who) == c.Person:
		return staff.ErrOwn
	default:
		return nil
	}
}

// caseNotice words what a case owes, from what is stored now.
func caseNotice(env Env) outbox.Renderer {
	return func(ctx context.Context, facts []byte) (chat.Message, error) {
		var f caseFacts
		if err := json.Unmarshal(facts, &f); err != nil {
			return chat.Message{}, fmt.Errorf("read message facts: %w", err)
		}
		if f.Case == "" {
			return chat.Message{}, errors.New("a message about no case")
		}
		c, err := env.Staff.Case(ctx, env.Organization.ID, f.Case)
		if err != nil {
			return chat.Message{}, err
		}
		v, err := caseVoice(ctx, env, c, f.To)
		if err != nil {
			return chat.Message{}, err
		}
		switch {
		case f.What == saidLine:
			return lineWords(ctx, env, v, c, f), nil
		case f.What == saidReminder:
			return reminderOf(ctx, env, c), nil
		case f.To == toAlarm:
			return alarmWords(ctx, env, c, f), nil
		case f.What == saidRegistered:
			return registeredWords(v, c), nil
		case f.What == saidClosed:
			return closedNotice(v, c, f.To), nil
		case f.What == saidConfirm:
			return confirmWords(ctx, env, c)
		case f.To == toDesk:
			return deskCard(ctx, env, c)
		default:
			return personCard(ctx, env, v, c, f.To)
		}
	}
}

// caseVoice speaks the language of whoever reads a message about a case: what they
// have chosen, or English. The help desk reads English, as every administrator.
func caseVoice(ctx context.Context, env Env, c staff.Case, to string) (phrases.Voice, error) {
	var a chat.Account
	switch {
	case env.Languages == nil:
	case to == toOpener, to == toPerson && c.Person == c.Opener:
		if err := json.Unmarshal([]byte(c.Account), &a); err != nil {
			return phrases.Voice{}, fmt.Errorf("read account: %w", err)
		}
	case to == toPerson:
		if all := env.People.Accounts(ctx, principal(env, c.Person)); len(all) > 0 {
			a = all[0]
		}
	}
	if a.Zero() {
		return phrases.Voice{}, nil
	}
	l, err := env.Languages.Language(ctx, env.Organization.ID, a)
	return env.Phrases.In(l), err
}

// caseName is whom a case is about, as it can stand in a sentence of ours.
func caseName(ctx context.Context, env Env, object string) string {
	if !isLinked(object) {
		return "Somebody who could not be looked up (" + quoted(object, 80) + ")"
	}
	return named(ctx, env, principal(env, object))
}

// noSecrets ends whatever is relayed.
var noSecrets = phrases.Mark("We never ask for a password, code or pass.")

// privately ends what one person alone sees of a case.
func privately(v phrases.Voice) string { return v.Say(onlyYou) + " " + v.Say(noSecrets) }

// deskWords say when the help desk is there, if it is not now.
func deskWords(env Env, v phrases.Voice) string {
	if len(env.Hours.Days) == 0 || env.Hours.Within(env.Now()) {
		return ""
	}
	back := env.Hours.Next(env.Now()).In(env.Zone)
	return v.Say("The help desk is closed now and back on %s. If it cannot wait, call %s.", v.Day(back)+", "+back.Format("15:04 MST"), env.contact())
}

// dueAt is when the help desk is reminded of what came in now.
func dueAt(env Env, now time.Time) time.Time {
	if len(env.Hours.Days) == 0 {
		return now.Add(firstReminder)
	}
	return env.Hours.Reminder(now, 1)
}

// relatedRequests are the requests that were asked for a case, oldest first.
func relatedRequests(ctx context.Context, env Env, c staff.Case) (all []approval.Request, err error) {
	err = env.Requests.View(ctx, func(tx approval.Tx) error {
		recent, err := tx.Recent(c.Tenant, c.Opened)
		all = slices.DeleteFunc(recent, func(r approval.Request) bool { return caseOf(r) != c.Ref })
		return err
	})
	return all, err
}

// caseOf returns the case for which a request was asked, or "".
func caseOf(r approval.Request) string {
	var args struct {
		Case string `json:"case"`
	}
	if r.Kind != PassKind && r.Kind != ResetKind || json.Unmarshal(r.Args, &args) != nil {
		return ""
	}
	return args.Case
}
