package slack

import (
	"context"
	"errors"
	"sync"
	"time"

	"twokey/chat/intake"
)

// call is one call of the Web API, as it is paced and repeated.
type call struct {
	method  string
	channel string // whose pace counts too; empty for none
	doing   string // for errors: "post message"
	// patience is how long it waits for its turn. Beyond that it fails with an
	// error that says how long it would have been.
	patience time.Duration
	// repeat says that doing it twice is the same as doing it once.
	repeat bool
}

// patience is how long what somebody waits for may wait for its turn.
const patience = 20 * time.Second

// A call that may be repeated is made three times, a little later each time.
const (
	tries = 3
	again = 200 * time.Millisecond
)

// do makes a call: not before its turn, once more after a pause that Slack asks
// for, and again after a failure of Slack's if that does no harm. The error is
// a problem.
func (s *Slack) do(ctx context.Context, c call, f func() error) error {
	left := c.patience
	for try := 1; ; try++ {
		wait := s.pace.turn(c, time.Now(), left)
		if wait > left {
			return &problem{doing: c.doing, code: codeLimited, wait: wait, notSent: true}
		}
		left -= wait
		if err := sleep(ctx, wait); err != nil {
			return &problem{doing: c.doing, cause: err, notSent: true}
		}
		err := wrap(c.doing, f())
		var p *problem
		if err == nil || !errors.As(err, &p) {
			return err
		}
		s.lost(p)
		switch {
		case p.code == codeLimited:
			s.pace.pause(c.method, time.Now().Add(p.wait))
		case c.repeat && p.fault() && try < tries && sleep(ctx, time.Duration(try)*again) == nil:
		default:
			return err
		}
	}
}

// codeLimited is Slack's code for too many calls.
const codeLimited = "ratelimited"

// fault reports whether it failed on the way or inside Slack, so that the same
// call may succeed in a moment.
func (p *problem) fault() bool {
	return p.code == "" && (p.status == 0 || p.status >= 500) || unclearCodes[p.code]
}

// pace spaces calls out: a channel takes a message a second after three at
// once, and each method has its own limit. It is a courtesy that keeps most
// calls from being refused; the refusal is what counts, and holds up its own
// method alone. The zero value is ready.
type pace struct {
	mu       sync.Mutex
	channels map[string]time.Time // when the channel's next message would be on time
	methods  map[string]time.Time // likewise
	paused   map[string]time.Time // method: not before
}

// perMinute are Slack's tiers, for the methods that we call. A minute's worth
// may come at once: Slack says when that is too much.
// https://docs.slack.dev/apis/web-api/rate-limits
var perMinute = map[string]int{
	methodUpdate: 50, methodEphemeral: 100, "conversations.open": 50, "conversations.history": 50,
	"users.info": 100, "views.open": 100, "views.publish": 100,
	"files.getUploadURLExternal": 100, "files.completeUploadExternal": 100, "files.info": 100,
}

// The methods that are named in more than one place.
const (
	methodPost      = "chat.postMessage"
	methodUpdate    = "chat.update"
	methodEphemeral = "chat.postEphemeral"
)

// channelBurst is how many messages a channel takes at once.
const channelBurst = 3

// turn returns how long a call has to wait, and takes its place if that is
// within patience.
func (p *pace) turn(c call, now time.Time, patience time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.channels == nil {
		p.channels, p.methods, p.paused = map[string]time.Time{}, map[string]time.Time{}, map[string]time.Time{}
	}
	wait := p.paused[c.method].Sub(now)
	var method time.Duration
	if n := perMinute[c.method]; n > 0 {
		method = time.Minute / time.Duration(n)
		wait = max(wait, due(p.methods[c.method], now, method, n))
	}
	posts := c.method == methodPost && c.channel != ""
	if posts {
		wait = max(wait, due(p.channels[c.channel], now, time.Second, channelBurst))
	}
	wait = max(wait, 0)
	if wait > patience {
		return wait
	}
	if at := now.Add(wait); method > 0 {
		p.methods[c.method] = later(p.methods[c.method], at).Add(method)
	}
	if at := now.Add(wait); posts {
		p.forget(now)
		p.channels[c.channel] = later(p.channels[c.channel], at).Add(time.Second)
	}
	return wait
}

// due returns how long it is until one more may follow, at one an interval
// after burst at once. Next is when it would be exactly on time.
func due(next, now time.Time, interval time.Duration, burst int) time.Duration {
	return next.Add(-time.Duration(burst-1) * interval).Sub(now)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// pause keeps a method from being called for a while.
func (p *pace) pause(method string, until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.paused[method] = later(p.paused[method], until)
}

// forget drops channels that owe nothing any more, once there are many.
func (p *pace) forget(now time.Time) {
	if len(p.channels) < intake.MaxKnown {
		return
	}
	for channel, next := range p.channels {
		if next.Before(now) {
			delete(p.channels, channel)
		}
	}
}
