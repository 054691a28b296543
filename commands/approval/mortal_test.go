package approval_test

import (
	"context"
	"errors"
	"sync"

	"twokey/commands/approval"
)

// mortal is the store as a process sees it that dies at one of its
// transactions, before or after that is stored.
type mortal struct {
	approval.Store
	after   bool // it is stored, and the process does not learn of it
	heals   bool // the process lives on: only this one transaction failed
	company bool // other processes may be using the database
	sleeps  bool // it is paused at that transaction, and lives

	mu     sync.Mutex
	left   int // transactions until then; -1 is for ever
	hit    bool
	dead   bool
	paused chan struct{} // nil, or closed when the process goes on
}

func (m *mortal) Alone() bool { return !m.company && m.Store.Alone() }

// pause stops the process wherever it is next seen: at a transaction, or at a
// call on its way out or back.
func (m *mortal) pause() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.paused == nil {
		m.paused = make(chan struct{})
	}
}

func (m *mortal) goOn() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.paused != nil {
		close(m.paused)
	}
	m.paused = nil
}

// breathe returns when the process is not paused.
func (m *mortal) breathe() {
	m.mu.Lock()
	paused := m.paused
	m.mu.Unlock()
	if paused != nil {
		<-paused
	}
}

var errDead = errors.New("the process is dead")

func (m *mortal) kill() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dead = true
}

// dieAfter lets so many more transactions pass.
func (m *mortal) dieAfter(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.left = n
}

// spare lets a process that lives go on living.
func (m *mortal) spare() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.left = -1
}

func (m *mortal) died() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dead
}

// begin reports whether the process dies before a transaction, or after it.
func (m *mortal) begin() (before, after bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return true, true
	}
	if m.left != 0 {
		m.left = max(m.left-1, -1)
		return false, false
	}
	m.left, m.hit = -1, true
	if m.sleeps {
		m.paused = make(chan struct{})
		return false, false
	}
	m.dead = !m.heals
	return !m.after, true
}

// struck reports whether the transaction that fails has come.
func (m *mortal) struck() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.hit
}

func (m *mortal) Update(ctx context.Context, f func(approval.Tx) error) error {
	return m.transact(ctx, m.Store.Update, f)
}

func (m *mortal) View(ctx context.Context, f func(approval.Tx) error) error {
	return m.transact(ctx, m.Store.View, f)
}

func (m *mortal) transact(ctx context.Context, run func(context.Context, func(approval.Tx) error) error, f func(approval.Tx) error) error {
	m.breathe()
	before, after := m.begin()
	if before {
		return errDead
	}
	if !m.after {
		m.breathe()
	}
	err := run(ctx, f)
	m.breathe()
	if err != nil || !after {
		return err
	}
	return errDead
}
