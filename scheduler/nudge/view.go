package nudge

import (
	"context"
	"time"

	"twokey/chat"
	"twokey/graph"
	"twokey/graph/rollout"
)

// view is the tenant and the people in it at one look.
type view struct {
	n      *Nudger
	now    time.Time
	facts  rollout.Facts
	people []rollout.Person // in scope
	byID   map[string]rollout.Person
	why    rollout.Reason // why there are none
	sent   map[string][]Nudge
	wishes map[string]Wish
}

func (n *Nudger) view(ctx context.Context, sent []Nudge) (*view, error) {
	wishes, err := n.cfg.Store.Wishes(ctx, n.cfg.Tenant)
	if err != nil {
		return nil, err
	}
	v := &view{n: n, now: n.cfg.Now(), facts: n.cfg.Facts(ctx), byID: map[string]rollout.Person{}, sent: map[string][]Nudge{}, wishes: wishes}
	v.people, v.why = rollout.People(v.facts, n.cfg.Scope)
	for _, p := range v.people {
		v.byID[p.ID] = p
	}
	for _, x := range sent {
		v.sent[x.Object] = append(v.sent[x.Object], x)
	}
	return v, nil
}

// subject is what a wave asks of somebody.
func (v *view) subject(w rollout.Wave, object string) Subject {
	return subjectOf(w.Whom, v.byID[object])
}

func subjectOf(whom rollout.Whom, p rollout.Person) Subject {
	if whom.Kind == rollout.WhomPhoneOnly || whom.Kind == rollout.WhomUser && p.PhoneOnly == rollout.Yes {
		return Lasting
	}
	return Register
}

// done reports whether somebody has done what they would be asked for, as far as
// the last reading knows.
func done(p rollout.Person, s Subject) rollout.Answer {
	if s == Register || p.Registered != rollout.Yes {
		return p.Registered
	}
	return p.NotPhoneOnly
}

// standing is what manners go by.
func (v *view) standing(ctx context.Context, w rollout.Wave, object string) Standing {
	p, counted := v.byID[object]
	wish := v.wishes[object]
	s := Standing{
		Counted: counted, Done: done(p, subjectOf(w.Whom, p)), NeedsKey: wish.NeedsKey,
		Left: w.Messages, Postponed: wish.Postponed, Hours: v.n.cfg.Hours,
	}
	if v.why != "" { // then nobody is known, and nobody has left
		s.Counted, s.Done = true, rollout.Unknown
	}
	if wish.Hours != nil {
		s.Hours = *wish.Hours
	}
	for _, x := range v.sent[object] {
		s.Sent = append(s.Sent, x.at())
		if x.Wave == w.Ref {
			s.Left--
		}
	}
	if s.Counted && s.Done != rollout.Yes && !s.NeedsKey && s.Left > 0 { // or else it makes no difference
		_, s.Reached = v.reach(ctx, object, 1)
	}
	return s
}

// byMail is at which of their messages somebody with a chat account is mailed.
const byMail = 2

// reach returns where somebody is written to: in the chat, and by mail the second
// time or if they have no chat account.
func (v *view) reach(ctx context.Context, object string, step int) (chat.Account, bool) {
	to, chats := v.n.cfg.Account(ctx, object)
	if v.n.cfg.Mail == "" || chats && step != byMail {
		return to, chats
	}
	if v.byID[object].Mail == "" && v.why == "" { // where nobody is known, somebody may have a mailbox
		return to, chats
	}
	return chat.Account{Platform: v.n.cfg.Mail, User: object}, true
}

// due returns whom a wave writes to now, and whether it may write to anybody
// later.
func (v *view) due(ctx context.Context, w rollout.Wave, people []string) (now []string, left bool) {
	for _, object := range people {
		why, _ := v.standing(ctx, w, object).Decide(v.now)
		if why == "" {
			now = append(now, object)
		}
		left = left || !why.Final()
	}
	return now, left
}

// patience is for how long a nudge waits for somebody who asked for time.
const patience = 45 * 24 * time.Hour

// past reports whether a wave's time is over.
func (v *view) past(w rollout.Wave) bool {
	return !w.By.IsZero() && !v.now.Before(w.By) || w.Name == "" && v.now.Sub(w.Began) > patience
}

// undone reports whether what was just read says that somebody has not done it.
func undone(read graph.UserMethods, s Subject) bool {
	return read.Err == nil && graph.Strongest(read.Methods) < enough(s)
}

// enough is what a method must be worth at least.
func enough(s Subject) graph.Strength {
	if s == Lasting {
		return graph.AppMFA
	}
	return graph.PhoneMFA
}

// since returns since when somebody has done it: when the first method that is
// enough was registered, or now where the tenant does not say when. It is zero if
// they have not, or it could not be read.
func since(read graph.UserMethods, s Subject, now time.Time) (at time.Time) {
	if read.Err != nil || undone(read, s) {
		return at
	}
	at = now
	for _, m := range read.Methods {
		if m.Kind.Strength() >= enough(s) && !m.Created.IsZero() && m.Created.Before(at) {
			at = m.Created
		}
	}
	return at
}
