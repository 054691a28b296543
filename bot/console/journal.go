package console

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"twokey/chat"
)

// The operations of an entry.
const (
	opPost = "post"
	opEdit = "edit"
)

// entry is one line of the journal, and the only way in which a message comes
// to be or changes. Members may be added, never renamed: old journals are read
// by newer programs.
type entry struct {
	Op      string       `json:"op"`
	ID      string       `json:"id"`
	At      time.Time    `json:"at"`
	From    string       `json:"from,omitempty"`    // post: a person's ID, or the bot
	Channel string       `json:"channel,omitempty"` // post
	User    string       `json:"user,omitempty"`    // post: who alone sees it
	Key     string       `json:"key,omitempty"`     // post: the poster's key
	Message chat.Message `json:"message"`
}

// journal is an append-only file of entries, one JSON object a line. A nil
// journal keeps nothing.
type journal struct {
	file   *os.File
	broken error // the first write that failed; nothing is written after it
}

// openJournal opens or makes the file and hands every entry in it to apply.
// What stands behind the last line end was cut off while it was written, so
// nobody was told that it is stored: it is dropped. Anything else that cannot
// be read is an error that names the line. No path, no journal.
func openJournal(path string, apply func(entry) error) (*journal, error) {
	if path == "" {
		return nil, nil
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open console journal: %w", err)
	}
	good, err := replay(file, apply)
	if err == nil {
		err = file.Truncate(good)
	}
	if err == nil {
		err = syncFolder(filepath.Dir(path))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read console journal %s: %w", path, err), file.Close())
	}
	return &journal{file: file}, nil
}

// replay applies the entries of r and returns how many bytes they take.
func replay(r io.Reader, apply func(entry) error) (good int64, err error) {
	lines := bufio.NewReader(r)
	for n := 1; ; n++ {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return good, nil
		}
		if err != nil {
			return good, err
		}
		var e entry
		if err := json.Unmarshal(bytes.TrimSpace(line), &e); err != nil {
			return good, fmt.Errorf("line %d: %w", n, err)
		}
		if err := apply(e); err != nil {
			return good, fmt.Errorf("line %d: %w", n, err)
		}
		good += int64(len(line))
	}
}

// syncFolder makes a new file's name as durable as its content.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// append stores an entry durably. After a write that failed nobody knows what
// the file's end looks like, so every later one fails too, until the journal
// is opened anew and its end looked at.
func (j *journal) append(e entry) error {
	if j == nil {
		return nil
	}
	if j.broken != nil {
		return fmt.Errorf("console journal failed earlier: %w", j.broken)
	}
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode journal entry: %w", err)
	}
	if _, err = j.file.Write(append(line, '\n')); err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		j.broken = err
		return fmt.Errorf("write console journal: %w", err)
	}
	return nil
}

func (j *journal) close() error {
	if j == nil {
		return nil
	}
	if err := j.file.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("close console journal: %w", err)
	}
	return nil
}
