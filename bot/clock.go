package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"
)

// clock is the demo's time: real time plus an offset that only grows. With a
// file, the offset survives a restart, so that time never goes back for what
// is stored.
type clock struct {
	mu     sync.Mutex
	offset time.Duration
	file   string // "" keeps it in memory
}

// openClock returns the clock of a data folder. A start time that is not zero
// sets the offset, unless the stored one is ahead of it.
func openClock(file string, start time.Time) (*clock, error) {
	c := &clock{file: file}
	if !start.IsZero() {
		c.offset = time.Until(start)
	}
	text, err := os.ReadFile(file)
	switch {
	case file == "":
		return c, nil
	case errors.Is(err, fs.ErrNotExist):
		return c, c.Advance(0) // what starts again goes on from there, and not from the start time
	case err != nil:
		return nil, fmt.Errorf("read clock: %w", err)
	}
	stored, err := time.ParseDuration(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("read clock %s: %w", file, err)
	}
	if start.IsZero() || stored > c.offset {
		c.offset = stored
	}
	return c, nil
}

// Now returns the demo's time.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

// Advance moves time forward.
func (c *clock) Advance(d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.file != "" {
		if err := os.WriteFile(c.file, []byte((c.offset + d).String()), 0o600); err != nil {
			return fmt.Errorf("store clock: %w", err)
		}
	}
	c.offset += d
	return nil
}
