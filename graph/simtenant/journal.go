package simtenant

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	"twokey/graph"
)

// journalVersion is the format of the file's lines.
const journalVersion = 1

// line is one line of a journal: first what tenant it is, then what happened.
type line struct {
	Tenant *header `json:"tenant,omitempty"`
	Effect *Effect `json:"effect,omitempty"`
	Offset string  `json:"offset,omitempty"` // of the clock, since the beginning
}

// header is what a tenant follows from.
type header struct {
	Version int       `json:"version"`
	Seed    uint64    `json:"seed"`
	People  int       `json:"people"`
	Licence string    `json:"licence"` // free, p1 or p2
	Epoch   time.Time `json:"epoch"`
	// PassesOff is what the methods policy began with.
	PassesOff bool `json:"passes_off,omitempty"`
	// ConcealNames is what the report settings began with.
	ConcealNames bool `json:"conceal_names,omitempty"`
}

// licenceWords name the licences in a journal.
var licenceWords = map[string]graph.Licence{"free": graph.Free, "p1": graph.P1, "p2": graph.P2}

func (cfg Config) header() *header {
	h := &header{Version: journalVersion, Seed: cfg.Seed, People: cfg.People, Epoch: cfg.Epoch, PassesOff: cfg.PassesOff, ConcealNames: cfg.ConcealNames}
	for word, licence := range licenceWords {
		if licence == cfg.Licence {
			h.Licence = word
		}
	}
	return h
}

// journal is a file of lines, each of them synced before it counts. The nil
// journal keeps nothing.
type journal struct {
	file *os.File
	size int64
	err  error // set when the file can be relied on no longer
}

var errClosed = errors.New("journal is closed")

// append adds a line and syncs it. A line that could not be written in full is
// taken back, so that the file never holds what was not applied.
func (j *journal) append(l line) error {
	if j == nil {
		return nil
	}
	if j.err != nil {
		return j.err
	}
	raw, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("encode journal line: %w", err)
	}
	if err := j.write(append(raw, '\n')); err != nil {
		if undo := j.cut(j.size); undo != nil {
			j.err = fmt.Errorf("take back a journal line: %w", undo)
		}
		return fmt.Errorf("append to journal: %w", err)
	}
	j.size += int64(len(raw)) + 1
	return nil
}

func (j *journal) write(raw []byte) error {
	if _, err := j.file.WriteAt(raw, j.size); err != nil {
		return err
	}
	return j.file.Sync()
}

// cut shortens the file to the lines that are good.
func (j *journal) cut(size int64) error {
	if err := j.file.Truncate(size); err != nil {
		return err
	}
	j.size = size
	return j.file.Sync()
}

func (j *journal) close() error {
	if j == nil || errors.Is(j.err, errClosed) {
		return nil
	}
	j.err = errClosed
	return j.file.Close()
}

// resume begins the tenant of the journal file, or a new one if it is empty.
func (t *Tenant) resume() error {
	file, err := os.OpenFile(t.cfg.Journal, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	t.journal = &journal{file: file}
	if err := t.readJournal(); err != nil {
		return errors.Join(err, file.Close())
	}
	return nil
}

// readJournal applies the lines of the file. A last line without its end was
// being written when the program stopped: it was told to nobody and is dropped.
func (t *Tenant) readJournal() error {
	raw, err := io.ReadAll(t.journal.file)
	if err != nil {
		return err
	}
	good := raw[:bytes.LastIndexByte(raw, '\n')+1]
	if err := t.journal.cut(int64(len(good))); err != nil {
		return err
	}
	if len(good) == 0 {
		t.begin()
		return t.journal.append(line{Tenant: t.cfg.header()})
	}
	for n, row := range bytes.Split(bytes.TrimSuffix(good, []byte("\n")), []byte("\n")) {
		var l line
		if err := json.Unmarshal(row, &l); err != nil {
			return fmt.Errorf("line %d: %w", n+1, err)
		}
		if err := t.replay(n, l); err != nil {
			return fmt.Errorf("line %d: %w", n+1, err)
		}
	}
	return nil
}

func (t *Tenant) replay(n int, l line) error {
	switch {
	case n == 0 && l.Tenant == nil, n > 0 && l.Tenant != nil:
		return errors.New("this is no journal of a tenant")
	case l.Tenant != nil && l.Tenant.Version != journalVersion:
		return fmt.Errorf("format %d is not known", l.Tenant.Version)
	case l.Tenant != nil:
		return t.beginAs(l.Tenant)
	case l.Effect != nil:
		return t.apply(*l.Effect)
	default:
		offset, err := time.ParseDuration(l.Offset)
		t.offset = offset
		return err
	}
}

// beginAs makes the world of a journal's first line.
func (t *Tenant) beginAs(h *header) error {
	licence, ok := licenceWords[h.Licence]
	if !ok {
		return fmt.Errorf("licence %q is not known", h.Licence)
	}
	t.cfg.Seed, t.cfg.People, t.cfg.Licence, t.cfg.Epoch = h.Seed, h.People, licence, h.Epoch.UTC()
	t.cfg.PassesOff, t.cfg.ConcealNames = h.PassesOff, h.ConcealNames
	t.begin()
	return nil
}

// apply does again what was done before, through the same code.
func (t *Tenant) apply(e Effect) error {
	c := &call{
		t: t, ctx: context.Background(), method: e.Method, header: http.Header{}, app: e.App, body: e.Body,
		requestID: e.RequestID, clientRequestID: e.ClientRequestID, replay: &e,
	}
	if string(e.Body) == "null" {
		c.body, e.Body = nil, nil
	}
	if err := c.locate((&url.URL{Path: e.Path}).EscapedPath(), ""); err != nil {
		return err
	}
	if _, err := c.answer(); err != nil {
		return fmt.Errorf("apply change %d again: %w", e.N, err)
	}
	if len(t.ledger) != e.N {
		return fmt.Errorf("change %d is out of order", e.N)
	}
	return nil
}
