package slack

import "time"

// Hurry makes sockets impatient, so that a test need not wait: the other side
// may be silent for so long, and a connection is tried again at once.
func (s *Slack) Hurry(silence time.Duration) {
	s.tempo = tempo{ping: silence / 3, silence: silence, farewell: s.tempo.farewell, first: time.Millisecond, last: 20 * time.Millisecond, drain: s.tempo.drain}
}

// Drain sets how long what was taken may still be handled when the bot stops.
func (s *Slack) Drain(d time.Duration) { s.tempo.drain = d }

// Rush forgets what was posted lately, so that a test may post at once what no
// channel of Slack's would take that fast.
func (s *Slack) Rush() {
	s.pace.mu.Lock()
	defer s.pace.mu.Unlock()
	clear(s.pace.channels)
	clear(s.pace.methods)
}
