package approval

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// prompt owes everybody who is to be shown r their view of it.
func prompt(tx Tx, r Request) error {
	for i, s := range r.Subscribers {
		if err := show(tx, r, s, strconv.Itoa(i)); err != nil {
			return err
		}
	}
	return nil
}

// show owes one subscriber their view of r, which changes with it. The mark
// parts it from those of others.
func show(tx Tx, r Request, s Subscriber, mark string) error {
	kind := NoticePrompt
	switch {
	case s.Requester:
		kind = NoticeRequest
	case s.Concerned:
		kind = NoticeConcern
	}
	return owe(tx, Notice{Kind: kind, Topic: r.ID, Facts: topicFacts(r.ID)}, r.ID+"/"+mark, s.Address)
}

// owe owes a notice at an address. The key parts it from others of its kind. It
// changes with its topic, and stays as it is if it has none.
func owe(tx Tx, n Notice, key, address string) error {
	n.Key, n.Address = n.Kind+"/"+key, address
	n.Topic = cmp.Or(n.Topic, n.Key)
	return tx.Owe(n)
}

func topicFacts(requestID string) []byte {
	facts, _ := json.Marshal(map[string]string{"request": requestID}) // two strings: cannot fail
	return facts
}

// outcome owes the requester a message of its own: an edit alone is not noticed.
func outcome(tx Tx, r Request) error {
	return tell(tx, r, Notice{Kind: NoticeOutcome, Facts: topicFacts(r.ID)}, string(r.State))
}

// approved owes what an approval brings: word to a requester who can collect
// now, and to everybody if the rule was laxer than usual.
func approved(tx Tx, r Request, to []string, now time.Time) error {
	if collectable(r, now) {
		if err := ready(tx, r); err != nil {
			return err
		}
	}
	if len(to) == 0 {
		return nil
	}
	text := r.Words.Headline
	if wait := r.NotBefore.Sub(now); wait > 0 {
		text += fmt.Sprintf("\n\nIt starts in %s. Until then any approver can stop it with “/mfa cancel %s”.", minutes(wait), r.Ref)
	}
	return Announce(tx, r.ID, to, fmt.Sprintf("%s was approved by fewer people than usual, under the rule “%s”.", r.Ref, r.Policy.Name), text)
}

func minutes(d time.Duration) string {
	if d < time.Minute {
		return fmt.Sprintf("%d seconds", d/time.Second)
	}
	return fmt.Sprintf("%d minutes", d/time.Minute)
}

func collectable(r Request, now time.Time) bool {
	return r.State == Approved && r.Policy.Collect > 0 && !now.Before(r.NotBefore) && now.Before(r.StartBy)
}

// ready owes the requester word that r can be collected, with a button that is
// there as long as that is so.
func ready(tx Tx, r Request) error {
	return tell(tx, r, Notice{Kind: NoticeReady, Topic: r.ID, Facts: topicFacts(r.ID)}, "")
}

// tell owes the requester one message of its own at each of their addresses.
// The mark parts it from others of its kind about the same request.
func tell(tx Tx, r Request, n Notice, mark string) error {
	for i, s := range r.Subscribers {
		if !s.Requester {
			continue
		}
		if err := owe(tx, n, r.ID+"/"+strconv.Itoa(i)+"/"+mark, s.Address); err != nil {
			return err
		}
	}
	return nil
}

// Announce owes the same message, which is about no request, at each of the
// addresses. The key is unique for good: what was announced under it is not
// announced again.
func Announce(tx Tx, key string, to []string, headline, text string) error {
	return announce(tx, key, to, announcement{Headline: headline, Text: text})
}

// Remind is Announce for what concerns those at the addresses alone.
func Remind(tx Tx, key string, to []string, headline, text string) error {
	return announce(tx, key, to, announcement{Headline: headline, Text: text, Alone: true})
}

// announcement is what is announced. Whose doing it is and what they said are
// kept apart from our own sentences, which they must not be taken for.
type announcement struct {
	Headline string `json:"headline"`
	Text     string `json:"text"`
	By       string `json:"by,omitempty"` // object ID, or [Host]
	Why      string `json:"why,omitempty"`
	Alone    bool   `json:"alone,omitempty"` // nobody else is told
}

func announce(tx Tx, key string, to []string, a announcement) error {
	facts, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return broadcast(tx, Notice{Kind: NoticeAnnouncement, Facts: facts}, key, to)
}

// broadcast owes each address, however often it is listed, one message.
func broadcast(tx Tx, n Notice, key string, to []string) error {
	to = slices.Clone(to)
	slices.Sort(to)
	for _, address := range slices.Compact(to) {
		if err := owe(tx, n, key+"/"+address, address); err != nil {
			return err
		}
	}
	return nil
}

// lax are the rules under which fewer people decide than usual. Whatever passes
// under one is announced.
var lax = []string{"fallback", "solo"}

// loud returns to whom an approval under the policy is announced. An error means
// that this cannot be read, and then it may not pass.
func (e *Engine) loud(ctx context.Context, p Policy) ([]string, error) {
	if e.Everyone == nil || !slices.Contains(lax, p.Name) {
		return nil, nil
	}
	to, err := e.Everyone(ctx)
	if err != nil {
		return nil, fmt.Errorf("read to whom this is announced: %w", err)
	}
	return to, nil
}
