package discord

import (
	"context"
	"time"

	"twokey/chat"
)

// fresh is how long a member is taken for one without Discord being asked again.
// That is for questions in free text only, which change nothing: before a press or
// a command counts it is always asked, so that who was put off the server a moment
// ago decides nothing and collects nothing, by a button or by typing.
const fresh = 5 * time.Minute

// isMember reports whether whoever did something is a member of the server. What
// is done there comes with the membership, signed by the way it came. Roles of
// the server are not looked at: whoever manages them could give themselves any.
func (d *Discord) isMember(ctx context.Context, v *delivery) (bool, error) {
	now := d.cfg.Now()
	if v.guild == d.cfg.Guild && v.member {
		d.members.Put(v.from, now)
		return true, nil
	}
	seen, known := d.members.Get(v.from)
	if known && v.event.Kind == chat.Mention && !now.Before(seen) && now.Sub(seen) < fresh {
		return true, nil
	}
	switch err := d.Member(ctx, v.from); {
	case err == nil:
		d.members.Put(v.from, now)
		return true, nil
	case code(err) == codeUnknownMember, code(err) == codeUnknownUser:
		d.members.Drop(v.from)
		return false, nil
	default:
		return false, err
	}
}
