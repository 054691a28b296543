package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// Head is what the chain ended with at some moment. Whoever keeps it where the
// database cannot reach can tell later whether anything before it was changed
// or cut off. The JSON form is a line of a file of heads.
type Head struct {
	Number int64     `json:"number"`
	Hash   string    `json:"hash"`
	At     time.Time `json:"at"` // when it was the last one
}

// String is a head for people and logs.
func (h Head) String() string { return fmt.Sprintf("record %d, %s", h.Number, h.Hash) }

// unfinished ends a line that could neither be finished nor cut off.
const unfinished = " (not finished)"

// ReadHeads reads the lines of a file of heads. A line that was not finished,
// because the machine stopped while it was written, is left out; any other
// that is not a head is an error.
func ReadHeads(r io.Reader) ([]Head, error) {
	var heads []Head
	in := bufio.NewReader(r)
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return heads, nil
		}
		if err != nil {
			return heads, fmt.Errorf("read heads: %w", err)
		}
		if line = bytes.TrimSpace(line); len(line) == 0 || bytes.HasSuffix(line, []byte(unfinished)) {
			continue
		}
		var h Head
		if err := json.Unmarshal(line, &h); err != nil || h.Number < 1 || len(h.Hash) != 64 {
			return heads, fmt.Errorf("read heads: line %d is not a head", n)
		}
		heads = append(heads, h)
	}
}

// HeadFile is a file of heads, one a line, to which is only ever appended. It
// may be one that the system itself lets nobody change but at its end.
type HeadFile string

// Read returns its heads. A file that is not there yet has none.
func (f HeadFile) Read() ([]Head, error) {
	file, err := os.Open(string(f))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return ReadHeads(file)
}

// Append adds a head. It returns after the line is on disk.
func (f HeadFile) Append(h Head) (err error) {
	file, err := os.OpenFile(string(f), os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	before, err := cutUnfinished(file)
	if err != nil {
		return err
	}
	line, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if _, err := file.WriteString(before + string(line) + "\n"); err != nil {
		return err
	}
	return file.Sync()
}

// cutUnfinished removes what a crash left of a line. Nobody was told of it. Where
// the system lets nobody cut the file, it returns what ends that line instead.
func cutUnfinished(file *os.File) (before string, err error) {
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil || size == 0 {
		return "", err
	}
	tail := make([]byte, min(size, 4096))
	if _, err := file.ReadAt(tail, size-int64(len(tail))); err != nil {
		return "", err
	}
	left := len(tail) - 1 - bytes.LastIndexByte(tail, '\n')
	if left == 0 {
		return "", nil
	}
	err = file.Truncate(size - int64(left))
	if errors.Is(err, fs.ErrPermission) {
		return unfinished + "\n", nil
	}
	return "", err
}
