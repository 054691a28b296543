package store

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"
)

// Life is how one process shows another on the same machine that it still
// runs: a file that it holds locked until it ends, however it ends. A lease
// that has run out says less, because a process that was only stopped may
// still send what it was about to send.
type Life struct {
	dir  string
	name string
	lock *flock.Flock
}

// NewLife begins a life. The directory is one that all processes of a machine
// share and others do not: that for temporary files.
func NewLife(dir string) (*Life, error) {
	l := &Life{dir: dir, name: lifePrefix + rand.Text()}
	l.lock = flock.New(filepath.Join(dir, l.name))
	held, err := l.lock.TryLock()
	if err != nil || !held {
		return nil, fmt.Errorf("lock %s: %w", l.name, errors.Join(err, errNotHeld(held)))
	}
	return l, nil
}

const lifePrefix = "twokey-life-"

func errNotHeld(held bool) error {
	if held {
		return nil
	}
	return ErrInUse
}

// Name names this process and no other, ever.
func (l *Life) Name() string { return l.name }

// Gone reports whether the process of that name surely runs no more: its file
// is here, and nobody holds it. Of a process elsewhere it knows nothing.
func (l *Life) Gone(name string) bool {
	if name == l.name || !strings.HasPrefix(name, lifePrefix) || name != filepath.Base(name) {
		return false
	}
	path := filepath.Join(l.dir, name)
	if _, err := os.Stat(path); err != nil {
		return false
	}
	lock := flock.New(path, flock.SetFlag(os.O_RDWR)) // not made if it is gone by now
	held, err := lock.TryLock()
	return err == nil && held && lock.Unlock() == nil
}

// Close ends the life in order: the file goes, and nobody can ask any more.
func (l *Life) Close() error {
	err := os.Remove(filepath.Join(l.dir, l.name))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, l.lock.Unlock())
}
