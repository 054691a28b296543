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
	after bool // it is stored, and the process does not learn of it
	heals bool // the process lives on: only this one transaction failed

	mu   sync.Mutex
	left int // transactions until then; -1 is for ever
	hit  bool
	dead bool
}

var errDead = errors.New("the process is dead")

func (m *mortal) kill() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dead = true
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
	m.left, m.hit, m.dead = -1, true, !m.heals
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
	before, after := m.begin()
	if before {
		return errDead
	}
	if err := run(ctx, f); err != nil || !after {
		return err
	}
	return errDead
}
