package slack

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/slack-go/slack"

	"twokey/chat"
)

// person is what Slack says about an account, as far as it decides anything.
type person struct {
	team   string   // the person's own workspace
	teams  []string // others of our grid that they are in
	kind   kind
	locale string    // in which they see Slack, like "pt-BR"
	mail   string    // a member's, which Slack has confirmed
	at     time.Time // when Slack said so
}

// kind tells who may speak to the bot.
type kind string

// The kinds of person. Only members are listened to: a guest's account, or one
// of another organisation, is made by people who do not answer for who holds
// it, and a deactivated one acts on its own.
const (
	member   kind = "member"
	guest    kind = "guest"
	stranger kind = "person of another organisation"
	robot    kind = "bot"
	gone     kind = "deactivated account"
)

// fresh is how long a member is taken for one without being looked up again.
// That is for reading only: before a press counts it is always asked, so that
// who was made a guest or deactivated a moment ago decides nothing.
const fresh = 5 * time.Minute

// identify returns who did something. Where Slack says that the person belongs
// elsewhere nothing is looked up: an ID of another workspace may be one of
// ours as well.
func (s *Slack) identify(ctx context.Context, d *delivery) (person, error) {
	me := s.me()
	grid := me.enterprise != "" && d.enterprise == me.enterprise
	if d.fromTeam != "" && d.fromTeam != me.team && !grid {
		return person{team: d.fromTeam, kind: stranger}, nil
	}
	if d.from == me.user {
		return person{team: me.team, kind: robot}, nil
	}
	p, err := s.person(ctx, d.from, d.event.Kind == chat.Press)
	if err != nil {
		return person{}, err
	}
	if d.fromTeam != "" && d.fromTeam != p.team && !slices.Contains(p.teams, d.fromTeam) {
		return person{team: d.fromTeam, kind: stranger}, nil
	}
	return p, nil
}

// person returns what is known of a person for a while yet, or asks Slack, anew
// where that must be.
func (s *Slack) person(ctx context.Context, id string, anew bool) (person, error) {
	if p, ok := s.people.Get(id); ok && !anew && p.still(s.cfg.Now()) {
		return p, nil
	}
	return s.lookUp(ctx, id)
}

// lookUp asks Slack about a person.
func (s *Slack) lookUp(ctx context.Context, id string) (person, error) {
	asked := s.cfg.Now()
	var u *slack.User
	err := s.do(ctx, call{method: "users.info", doing: "look up a person", patience: patience, repeat: true}, func() (err error) {
		u, err = s.api.GetUserInfoContext(ctx, id)
		return err
	})
	if err != nil {
		return person{}, err
	}
	me := s.me()
	p := person{team: cmp.Or(u.TeamID, me.team), teams: u.Enterprise.Teams, kind: me.kindOf(u), locale: u.Locale, at: asked}
	if p.kind == member && u.IsEmailConfirmed {
		p.mail = u.Profile.Email
	}
	s.people.Put(id, p)
	return p, nil
}

// Mail returns the e-mail address of an account that Slack has confirmed, if it is
// a full member's of this workspace; "" else.
func (s *Slack) Mail(ctx context.Context, a chat.Account) (string, error) {
	if a.Platform != Platform {
		return "", nil
	}
	p, err := s.person(ctx, a.User, false)
	if err != nil || a.Workspace != p.team {
		return "", err
	}
	return p.mail, nil
}

// kindOf tells what a user is to us.
func (me self) kindOf(u *slack.User) kind {
	grid := me.enterprise != "" && u.Enterprise.EnterpriseID == me.enterprise
	switch {
	case u.IsBot || u.ID == slackbot:
		return robot
	case u.Deleted:
		return gone
	case u.IsStranger, u.TeamID != "" && u.TeamID != me.team && !grid:
		return stranger
	case u.IsRestricted, u.IsUltraRestricted:
		return guest
	}
	return member
}

// slackbot is Slack's own bot, which is not marked as one.
const slackbot = "USLACKBOT"

// still reports whether a person is surely enough what they were, to be read to.
// Anybody but a member is asked about anew.
func (p person) still(now time.Time) bool {
	return p.kind == member && !now.Before(p.at) && now.Sub(p.at) < fresh
}
