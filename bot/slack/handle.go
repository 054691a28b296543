package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/slack-go/slack"

	"twokey/chat"
)

// Sentences for people. They say what happened and what to do next.
const (
	sayBusy      = "Many of your requests are waiting already, so this one was not taken. Please try again in a minute."
	sayNotNoted  = "I could not make a note of that, so nothing happened. Please try again in a moment."
	sayUnknown   = "I could not find out from Slack who you are, so nothing happened. Please try again in a moment."
	sayNotMember = "Only full members of this workspace can use this, and Slack calls your account a %s. Nothing happened. Please ask your IT team."
	sayAway      = "I am just stopping, so nothing happened. Please try again in a moment."
	sayCut       = "I had to stop while I was at this. Please try again in a moment: “/mfa requests” shows whether it was noted."
	sayTooLate   = "The form could not be opened in time, so nothing happened. Please press the button again."
)

// handleLimit is how long one event may be handled.
const handleLimit = 5 * time.Minute

// errAway is why nothing is taken on before we know who we are, and while we
// stop. Another replica may be there, or the same delivery comes again.
var errAway = errors.New("not at work")

// errNotOurs is why something that is authentic is refused all the same.
var errNotOurs = errors.New("for another app or from another workspace")

// accept takes a delivery on, or refuses it. It never waits for anybody. The
// answer is what the acknowledgement shows; nil is nothing. What has to be done
// begins with start, which is to be called once it is acknowledged.
func (s *Slack) accept(d *delivery) (answer any, start func(), err error) {
	if err := s.ours(d); err != nil {
		s.cfg.Log.Warn("slack delivery refused", "app", d.app, "team", d.team, "error", err)
		return nil, nothing, err
	}
	switch {
	case len(d.refused) > 0:
		return slack.NewErrorsViewSubmissionResponse(d.refused), nothing, nil
	case d.form != nil:
		return nil, func() { s.ask(d) }, nil
	}
	if _, repeated := s.accepted.Get(d.event.Key); repeated {
		return nil, nothing, nil // it takes nobody's place
	}
	start, ok := s.work.Push(d.team+"/"+d.from, func() { s.handle(d) })
	if ok {
		s.accepted.Put(d.event.Key, struct{}{})
		return nil, start, nil
	}
	s.cfg.Log.Warn("slack delivery not taken: too many are waiting", "event", d.event.Key, "user", d.from)
	if answer := d.busy(); answer != nil {
		return answer, nothing, nil
	}
	return nil, func() { s.sorry(d) }, nil
}

func nothing() {}

// busy is how the acknowledgement of a delivery says that there is no room for
// it; nil where it can say nothing.
func (d *delivery) busy() any {
	if d.event.Kind == chat.Command {
		return &slack.WebhookMessage{ResponseType: slack.ResponseTypeEphemeral, Text: sayBusy}
	}
	for field := range d.event.Fields { // the form stays open, and says why
		return slack.NewErrorsViewSubmissionResponse(map[string]string{field: sayBusy})
	}
	return nil
}

// sorry tells somebody that there was no room for what they did, where the
// acknowledgement cannot say so. It does not wait for room, and is said once in a
// while only: whoever clicks on and on knows it.
func (s *Slack) sorry(d *delivery) {
	who := d.team + "/" + d.from
	if told, ok := s.sorries.Get(who); d.home || ok && time.Since(told) < time.Minute {
		return
	}
	s.sorries.Put(who, time.Now())
	s.background(func(ctx context.Context) {
		s.tell(ctx, &responder{s: s, user: d.from, origin: d.origin, kind: d.event.Kind}, d, sayBusy)
	})
}

// ours returns an error if a delivery is for another app or did not happen in
// our workspace, or in one of our grid.
func (s *Slack) ours(d *delivery) error {
	me, stopped := s.me(), s.stopped()
	switch {
	case me.team == "", stopped:
		return errAway
	case me.app != "" && d.app != me.app:
		return errNotOurs
	case d.team != "" && d.team == me.team:
		return nil
	case d.enterprise != "" && d.enterprise == me.enterprise:
		return nil
	}
	return errNotOurs
}

// handle answers one delivery, if it is new and its author may speak.
func (s *Slack) handle(d *delivery) {
	ctx, cancel := context.WithTimeout(s.work.Time(), handleLimit)
	defer cancel()
	r := &responder{s: s, user: d.from, origin: d.origin, kind: d.event.Kind}
	log := s.cfg.Log
	if s.work.Time().Err() != nil {
		log.Warn("slack event was not handled: the bot stops", "event", d.event.Key)
		s.tell(s.work.Late(), r, d, sayAway)
		return
	}
	isNew, err := s.cfg.Inbox.Take(ctx, d.event.Key)
	if err != nil {
		log.Error("slack event was not noted", "event", d.event.Key, "error", err)
		s.accepted.Drop(d.event.Key) // if it comes again, it may be
		s.tell(ctx, r, d, sayNotNoted)
		return
	}
	if !isNew {
		log.Debug("slack event was delivered before", "event", d.event.Key)
		return
	}
	who, err := s.identify(ctx, d)
	if err != nil {
		log.Error("slack event has no author", "event", d.event.Key, "user", d.from, "error", err)
		s.tell(ctx, r, d, sayUnknown)
		return
	}
	if who.kind != member {
		s.turnAway(ctx, r, d, who)
		return
	}
	from := chat.Account{Platform: Platform, Workspace: who.team, User: d.from}
	if d.home {
		s.publish(ctx, from)
		return
	}
	e := d.event
	if e.Kind == chat.Mention {
		e = said(e, s.me().user, s.cfg.Command)
	}
	e.From, e.Locale = from, who.locale
	if err := s.handler.Handle(ctx, r, e); err != nil {
		log.Error("slack event failed", "event", d.event.Key, "error", err)
		if s.work.Time().Err() != nil {
			s.tell(s.work.Late(), r, d, sayCut)
		}
	}
	if e.Kind == chat.Press && d.origin.Channel == "" { // it was done in the home tab, and has changed it
		s.publish(ctx, from)
	}
}

// turnAway tells somebody politely that they cannot use the bot. That a person
// with a right is a guest is something to know for whoever gave it.
func (s *Slack) turnAway(ctx context.Context, r *responder, d *delivery, who person) {
	s.cfg.Log.Warn("slack event of somebody who is no member", "event", d.event.Key, "user", d.from, "team", who.team, "kind", string(who.kind))
	if who.kind == guest || who.kind == stranger {
		s.tell(ctx, r, d, fmt.Sprintf(sayNotMember, who.kind))
	}
}

// tell answers with one sentence of ours.
func (s *Slack) tell(ctx context.Context, r *responder, d *delivery, sentence string) {
	if d.home {
		return
	}
	if err := r.Reply(ctx, chat.Message{Text: sentence}); err != nil {
		s.cfg.Log.Warn("slack answer was not delivered", "event", d.event.Key, "error", err)
	}
}

// ask opens the form of a pressed button. It does not wait in the queue: the
// press can open one for three seconds. It does so once, however often it is
// delivered.
func (s *Slack) ask(d *delivery) {
	if _, asked := s.forms.Get(d.event.Key); asked {
		return
	}
	s.forms.Put(d.event.Key, struct{}{})
	origin, err := json.Marshal(d.origin)
	if err != nil { // strings and a number always encode
		s.cfg.Log.Error("slack form cannot be made", "event", d.event.Key, "error", err)
		return
	}
	view := modal(*d.form, string(origin))
	s.background(func(ctx context.Context) {
		err := s.do(ctx, call{method: "views.open", doing: "open form", patience: time.Second}, func() error {
			_, err := s.api.OpenViewContext(ctx, d.trigger, view)
			return err
		})
		if err == nil || code(err) == "exchanged_trigger_id" { // another replica has opened it
			return
		}
		s.cfg.Log.Warn("slack form was not opened", "event", d.event.Key, "error", err)
		if !unclear(err) {
			s.tell(ctx, &responder{s: s, user: d.from, origin: d.origin, kind: chat.Press}, d, sayTooLate)
		}
	})
}

// publish shows somebody's home tab.
func (s *Slack) publish(ctx context.Context, who chat.Account) {
	if s.cfg.Home == nil {
		return
	}
	ms, err := s.cfg.Home(ctx, who)
	if err == nil {
		err = s.do(ctx, call{method: "views.publish", doing: "show home tab", patience: patience, repeat: true}, func() error {
			_, err := s.api.PublishViewContext(ctx, slack.PublishViewContextRequest{UserID: who.User, View: home(ms)})
			return err
		})
	}
	if err != nil {
		s.cfg.Log.Error("slack home tab is not shown", "user", who.User, "error", err)
	}
}
