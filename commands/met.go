package commands

import (
	"context"
	"sync"
	"time"

	"twokey/chat"
	"twokey/commands/identity"
)

// metFor is for how long somebody who was looked up may go on looking at figures
// without being looked up again: what they may see then they were let see a
// few seconds before.
const metFor = 10 * time.Second

// met remembers who was looked up of late, for commands that only show what is
// kept. A read of the tenant for each of them would take longer than they do.
// What else is asked for, and every press, goes by what the tenant says just then.
type met struct {
	mu    sync.Mutex
	known map[chat.Account]meeting
}

type meeting struct {
	who   identity.Speaker
	at    time.Time
	rules string // the hash of the rules by which they have their roles
}

// speaker looks up who speaks, or remembers them if the command allows that.
// Whoever has no right is never remembered: one that was just given counts at once.
func (m *Mux) speaker(ctx context.Context, c Command, a chat.Account) (identity.Speaker, error) {
	if !c.Kept {
		m.met.forget(a, true) // it may be about whose another account is
		return m.env.People.Who(ctx, a)
	}
	now, hash := m.env.Now(), m.env.Rules.Now().Hash()
	if who, ok := m.met.remember(a, now, hash); ok && c.Access.Allows(who) {
		return who, nil
	}
	who, err := m.env.People.Who(ctx, a)
	m.met.forget(a, false)
	if err == nil && c.Access.Allows(who) && len(who.Roles) > 0 {
		m.met.keep(a, meeting{who, now, hash})
	}
	return who, err
}

// remember returns who is behind an account, if they were met of late and by the
// same rules.
func (m *met) remember(a chat.Account, now time.Time, rules string) (identity.Speaker, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k, ok := m.known[a]
	if !ok || k.rules != rules || now.Before(k.at) || now.Sub(k.at) >= metFor {
		return identity.Speaker{}, false
	}
	return k.who, true
}

func (m *met) keep(a chat.Account, k meeting) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil {
		m.known = make(map[chat.Account]meeting)
	}
	m.known[a] = k
}

// forget forgets an account, or everybody: what somebody changes may be what
// another one's rights hang on.
func (m *met) forget(a chat.Account, everybody bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if everybody {
		clear(m.known)
		return
	}
	delete(m.known, a)
}

// Forget makes the next look-up of everybody a read of the tenant: something
// there was changed. It never blocks.
func (m *Mux) Forget() { m.met.forget(chat.Account{}, true) }
