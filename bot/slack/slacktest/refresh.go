package slacktest

import "time"

// RefreshOne tells one socket, the oldest that was not told yet, to reconnect,
// as Slack does when their lives end one after the other. It gets no more
// envelopes and is closed two seconds later, unless the bot did that first.
func (w *Workspace) RefreshOne() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		if !c.leaving {
			c.send(disconnect("refresh_requested"))
			w.leave(c, 2*time.Second)
			return
		}
	}
}
