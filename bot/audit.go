package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"

	"twokey/audit"
	"twokey/store"
)

type auditCommand struct {
	Verify auditVerify `cmd:"" help:"Check the chain; the first bad record is named."`
	Export auditExport `cmd:"" help:"Write the records as JSON lines."`
}

// auditSource says where the records are read from. Reading needs no lock and
// works beside a running bot.
type auditSource struct {
	Data string `help:"The demo's data folder." type:"path" xor:"source" placeholder:"DIR"`
	File string `help:"An export." type:"path" xor:"source" placeholder:"EXPORT"`
}

var errNoSource = errors.New("say where the records are: --data DIR or --file EXPORT")

// open returns the records and what to close afterwards.
func (s auditSource) open(ctx context.Context) (iter.Seq2[audit.Record, error], func() error, error) {
	switch {
	case s.File != "":
		f, err := os.Open(s.File)
		if err != nil {
			return nil, nil, err
		}
		return audit.Import(f), f.Close, nil
	case s.Data != "":
		path := filepath.Join(s.Data, databaseName)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return nil, nil, fmt.Errorf("there is no %s in %s: was it a demo's data folder?", databaseName, s.Data)
		}
		db := store.OpenToRead(path)
		return db.Audit(ctx), db.Close, nil
	default:
		return nil, nil, errNoSource
	}
}

type auditVerify struct {
	auditSource
	Head string `help:"A head that was kept elsewhere; the chain must contain it." placeholder:"HASH"`
}

// Run says whether the chain is whole, and fails if it is not.
func (a auditVerify) Run(ctx context.Context, std streams) error {
	records, closing, err := a.open(ctx)
	if err != nil {
		return err
	}
	last, err := audit.Verify(records, a.Head)
	if err := errors.Join(err, closing()); err != nil {
		return err
	}
	if last == nil {
		_, err = fmt.Fprintln(std.out, "ok: no records")
		return err
	}
	_, err = fmt.Fprintf(std.out, "ok: %d records, head %s\n", last.Number, last.Hash)
	return err
}

type auditExport struct {
	auditSource
}

// Run writes the records to standard output. They are not checked on the way:
// a broken chain must be exportable too.
func (a auditExport) Run(ctx context.Context, std streams) error {
	records, closing, err := a.open(ctx)
	if err != nil {
		return err
	}
	return errors.Join(audit.Export(std.out, records), closing())
}
