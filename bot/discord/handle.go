package discord

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"
	"unicode/utf8"

	"twokey/chat"
)

// Sentences for people. They say what happened and what to do next.
const (
	sayBusy      = "Many of your requests are waiting already, so this one was not taken. Please try again in a minute."
	sayNotNoted  = "I could not make a note of that, so nothing happened. Please try again in a moment."
	sayUnknown   = "I could not find out from Discord who you are, so nothing happened. Please try again in a moment."
	sayNotMember = "Only members of the server that I work for can use this. Nothing happened. Please ask your IT team."
	sayElsewhere = "I work on another server, and cannot help here."
	sayOldButton = "This button is no longer in use, so nothing happened. “/mfa help” lists what you can do."
	sayOldName   = "I do not know this command any more. Discord will show the new ones in a moment; nothing happened."
	sayNoForm    = "I could not open the form, so nothing happened. Please press the button again."
	sayCut       = "I had to stop while I was at this. Please try again in a moment: “/mfa requests” shows whether it was noted."
	sayAway      = "I am just starting or stopping, so nothing happened. Please try again in a moment."
)

// handleLimit is how long one event may be handled: less than an interaction can
// be answered.
const handleLimit = 5 * time.Minute

// answerLimit is how long a first answer may be on its way; Discord gives three
// seconds in all. lookLimit is what of that may go into looking up a button, and
// answerPatience into waiting until Discord takes calls again.
const (
	answerLimit    = 2500 * time.Millisecond
	lookLimit      = 1500 * time.Millisecond
	answerPatience = 2 * time.Second
)

// The kinds of answer to an interaction.
const (
	answerPong     = 1
	answerMessage  = 4
	answerDefer    = 5
	answerComplete = 8
	answerModal    = 9
)

// ephemeral is the flag of a message that one person sees.
const ephemeral = 1 << 6

// answer is the first answer to an interaction.
type answer struct {
	Type int `json:"type"`
	Data any `json:"data,omitempty"`
}

// deferred says that the real answer follows, for the person alone.
var deferred = answer{answerDefer, struct {
	Flags int `json:"flags"`
}{ephemeral}}

// sentence is a first answer that is also the last.
func sentence(s string) answer {
	b := render(chat.Message{Text: s})
	b.body.Flags = ephemeral
	return answer{answerMessage, b.body}
}

// errNotOurs is why something that is authentic is refused all the same.
var errNotOurs = errors.New("for another app or from another server")

// take takes on what was delivered. An interaction is answered before it is
// handled, at an address of its own in either mode: what follows can only be sent
// once Discord has the first answer, and only so we know that it has.
func (d *Discord) take(ctx context.Context, v *delivery) {
	if v.kind == 0 {
		if d.ours(v) == nil {
			d.accept(v)
			v.promised <- true
		}
		return
	}
	first := d.first(ctx, v)
	err := d.respond(ctx, v, first)
	if code(err) == codeAnswered { // by another replica, or by a try whose answer was lost
		err = nil
	}
	if err != nil {
		d.cfg.Log.Warn("discord interaction was not answered in time", "event", v.event.Key, "error", err)
	}
	v.promised <- err == nil || unclear(err) // else the person was told that the bot does not respond
}

// respond gives an interaction its first answer. Another replica may have given
// it before.
func (d *Discord) respond(ctx context.Context, v *delivery, a answer) error {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	c := call{doing: "answer an interaction", body: a, repeat: true, limit: answerLimit, patience: answerPatience}
	c.method, c.path, _ = at(http.MethodPost, "/interactions/{}/{}/callback", v.id, v.token)
	c.route = route{name: "POST /interactions", about: v.id, free: true}
	return d.do(ctx, c, nil)
}

// first returns the first answer to an interaction. What is promised in it waits
// in its author's turn.
func (d *Discord) first(ctx context.Context, v *delivery) answer {
	if err := d.ours(v); err != nil {
		d.cfg.Log.Warn("discord interaction refused", "app", v.app, "guild", v.guild, "error", err)
		return sentence(sayElsewhere)
	}
	switch {
	case d.stopped():
		return sentence(sayAway)
	case v.kind == kindComplete:
		return answer{answerComplete, struct {
			Choices []pick `json:"choices"`
		}{d.suggest(ctx, v)}}
	case v.kind == kindCommand:
		spec, ok := d.commands().specs[v.path]
		if !ok {
			return sentence(sayOldName)
		}
		v.event.Text = words(spec, v.options)
		if v.event.Text == bareCommand {
			v.event.Text = "" // as it is where commands are text
		}
	default:
		if refused, ok := d.pressed(ctx, v); !ok {
			return refused
		}
	}
	if !d.accept(v) {
		return sentence(sayBusy)
	}
	return deferred
}

// suggest returns what somebody may mean who is typing into an option. Only what
// happens on the server is answered: it says by itself that the person is a
// member, and nobody waits for a look-up while they type.
func (d *Discord) suggest(ctx context.Context, v *delivery) []pick {
	picks := []pick{}
	c, ok := d.handler.(chat.Completer)
	spec, known := d.commands().specs[v.path]
	if !ok || !known || !v.member {
		return picks
	}
	at := slices.IndexFunc(spec.Options, func(o chat.Option) bool { return optionName(o.Name) == v.focused })
	if at < 0 {
		return picks
	}
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	typed, _ := v.options[v.focused].(string)
	found, err := c.Suggest(ctx, chat.Account{Platform: Platform, Workspace: d.cfg.Guild, User: v.from}, spec.Name, spec.Options[at].Name, typed)
	if err != nil { // somebody goes on typing
		d.cfg.Log.Warn("discord option has no suggestions", "command", v.path, "error", err)
	}
	for _, s := range found[:min(len(found), maxOptions)] {
		if s.Label != "" && utf8.RuneCountInString(s.Label) <= maxWord && utf8.RuneCountInString(s.Value) <= maxWord {
			picks = append(picks, pick{s.Label, s.Value})
		}
	}
	return picks
}

// bareCommand is what is meant where nothing is said.
const bareCommand = "me"

// pressed finds out which button was pressed. It reports false if that is all,
// with what is answered: a form, or why there is none.
func (d *Discord) pressed(ctx context.Context, v *delivery) (answer, bool) {
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	b, ok, err := d.meant(ctx, v.custom)
	switch {
	case err != nil:
		d.cfg.Log.Error("discord button is not known", "event", v.event.Key, "error", err)
		return sentence(sayNoForm), false
	case !ok:
		return sentence(sayOldButton), false
	case v.kind == kindPress && len(b.Form) > 0:
		return answer{answerModal, form(b, v.custom)}, false
	}
	if v.kind == kindSubmitted {
		if wrong := complaint(b.Form, v.typed); wrong != "" {
			return sentence(wrong), false
		}
		v.event.Fields = filledIn(b.Form, v.typed)
	}
	v.event.Button, v.event.Value = b.ID, b.Value
	return answer{}, true
}

// accept puts a delivery into its author's turn, and reports whether there was
// room. One that was taken on before takes nobody's place.
func (d *Discord) accept(v *delivery) bool {
	if _, repeated := d.accepted.Get(v.event.Key); repeated {
		return true
	}
	start, ok := d.work.Push(v.from, func() {
		if <-v.promised {
			d.handle(v)
		}
	})
	if !ok {
		d.cfg.Log.Warn("discord event not taken: too many are waiting", "event", v.event.Key, "user", v.from)
		return false
	}
	d.accepted.Put(v.event.Key, struct{}{})
	start()
	return true
}

// ours returns an error if a delivery is for another app or happened on another
// server.
func (d *Discord) ours(v *delivery) error {
	if v.kind != 0 && v.app != d.cfg.ApplicationID || v.guild != "" && v.guild != d.cfg.Guild {
		return errNotOurs
	}
	return nil
}

// handle answers one delivery, if it is new and its author may speak.
func (d *Discord) handle(v *delivery) {
	defer d.survive()
	ctx, cancel := context.WithTimeout(d.work.Time(), handleLimit)
	defer cancel()
	r := &responder{d: d, v: v, began: d.cfg.Now()}
	log := d.cfg.Log
	if d.work.Time().Err() != nil {
		log.Warn("discord event was not handled: the bot stops", "event", v.event.Key)
		d.tell(d.work.Late(), r, sayAway)
		return
	}
	isNew, err := d.cfg.Inbox.Take(ctx, v.event.Key)
	if err != nil {
		log.Error("discord event was not noted", "event", v.event.Key, "error", err)
		d.accepted.Drop(v.event.Key) // if it comes again, it may be
		d.tell(ctx, r, sayNotNoted)
		return
	}
	if !isNew {
		log.Debug("discord event was delivered before", "event", v.event.Key)
		return
	}
	defer r.tidy(d.work.Late())
	member, err := d.isMember(ctx, v)
	switch {
	case err != nil:
		log.Error("discord event has no author", "event", v.event.Key, "user", v.from, "error", err)
		d.tell(ctx, r, sayUnknown)
		return
	case !member:
		log.Warn("discord event of somebody who is no member", "event", v.event.Key, "user", v.from)
		d.tell(ctx, r, sayNotMember)
		return
	}
	e := v.event
	e.From = chat.Account{Platform: Platform, Workspace: d.cfg.Guild, User: v.from}
	if err := d.handler.Handle(ctx, r, e); err != nil {
		log.Error("discord event failed", "event", v.event.Key, "error", err)
		if d.work.Time().Err() != nil {
			d.tell(d.work.Late(), r, sayCut)
		}
	}
}

// tell answers with one sentence of ours.
func (d *Discord) tell(ctx context.Context, r *responder, sentence string) {
	if err := r.Reply(ctx, chat.Message{Text: sentence}); err != nil {
		d.cfg.Log.Warn("discord answer was not delivered", "event", r.v.event.Key, "error", err)
	}
}
