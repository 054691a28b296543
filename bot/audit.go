package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"time"

	"twokey/audit"
	"twokey/commands/evidence"
	"twokey/store"
)

type auditCommand struct {
	Verify auditVerify `cmd:"" help:"Check the chain; the first bad record is named."`
	Export auditExport `cmd:"" help:"Write the records as JSON lines, for a spreadsheet, or as evidence about one request."`
	Erase  auditErase  `cmd:"" help:"Forget a person who has left. The chain stays as it is."`
}

// auditSource says where the records are read from. Reading needs no lock and
// works beside a running bot.
type auditSource struct {
	place
	File string `help:"An export." type:"path" xor:"source" placeholder:"EXPORT"`
}

var errNoSource = errors.New("say where the records are: --config FILE, --data DIR or --file EXPORT")

// database opens the records of a bot to read.
func (s auditSource) database() (*store.Store, error) {
	dsn, err := s.dsn()
	if err != nil {
		return nil, err
	}
	return store.OpenToRead(dsn), nil
}

// dsn says which database it is.
func (s auditSource) dsn() (string, error) {
	if s.place == (place{}) {
		return "", errNoSource
	}
	dsn, _, _, err := s.place.dsn()
	return dsn, err
}

// kept returns the heads that the bot itself kept in files.
func (s auditSource) kept() ([]audit.Head, error) {
	var files []audit.HeadFile
	switch {
	case s.Data != "":
		files = []audit.HeadFile{audit.HeadFile(filepath.Join(s.Data, headsName))}
	case s.Config != "":
		_, c, _, err := s.place.dsn()
		if err != nil {
			return nil, err
		}
		files = headFiles(c.Audit.HeadTo)
	}
	var all []audit.Head
	for _, f := range files {
		heads, err := f.Read()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f, err)
		}
		all = append(all, heads...)
	}
	return all, nil
}

// records returns the records and what to close afterwards.
func (s auditSource) records(ctx context.Context) (iter.Seq2[audit.Record, error], func() error, error) {
	if s.File != "" {
		f, err := os.Open(s.File)
		if err != nil {
			return nil, nil, err
		}
		return audit.Import(f), f.Close, nil
	}
	db, err := s.database()
	if err != nil {
		return nil, nil, err
	}
	return db.Audit(ctx), db.Close, nil
}

type auditVerify struct {
	auditSource
	Head string `help:"A head that was kept elsewhere, or a file of such heads; the chain must contain it." placeholder:"HASH|FILE"`
}

// Run says whether the chain is whole, and fails if it is not.
func (a auditVerify) Run(ctx context.Context, std streams) error {
	hash, heads, err := a.heads()
	if err != nil {
		return err
	}
	if a.File != "" {
		proved, err := a.evidence(std, hash, heads)
		if proved || err != nil {
			return err
		}
	}
	records, closing, err := a.records(ctx)
	if err != nil {
		return err
	}
	p, err := audit.Prove(records, audit.Against{Hash: hash, Heads: heads})
	if err := errors.Join(err, closing()); err != nil {
		return err
	}
	return proved(std.out, p)
}

// proved says what was found of a chain that is whole.
func proved(out io.Writer, p audit.Proof) error {
	if p.Last == nil {
		_, err := fmt.Fprintln(out, "ok: no records")
		return err
	}
	_, err := fmt.Fprintf(out, "ok: %d records, head %s\n", p.Last.Number, p.Last.Hash)
	if p.Pruned > 0 {
		_, more := fmt.Fprintf(out, "%s no text any more: pruned\n", span(1, p.Pruned, "has", "have"))
		err = errors.Join(err, more)
	}
	if p.Met > 0 && p.Met < p.Last.Number {
		_, more := fmt.Fprintf(out, "%s later than the last head that was kept: nothing outside the database proves that\n", span(p.Met+1, p.Last.Number, "is", "are"))
		err = errors.Join(err, more)
	}
	return err
}

// span names records, with the verb that one or several take.
func span(first, last int64, one, several string) string {
	if first == last {
		return fmt.Sprintf("record %d %s", first, one)
	}
	return fmt.Sprintf("records %d to %d %s", first, last, several)
}

// heads returns the head that was named, or those of the file that was, with
// those that the bot kept itself.
func (a auditVerify) heads() (hash string, heads []audit.Head, err error) {
	if heads, err = a.kept(); err != nil || a.Head == "" {
		return "", heads, err
	}
	if raw, err := hex.DecodeString(a.Head); err == nil && len(raw) == 32 {
		return a.Head, heads, nil
	}
	f, err := os.Open(a.Head)
	if err != nil {
		return "", nil, fmt.Errorf("--head is neither a hash of 64 hex digits nor a file of heads: %w", err)
	}
	defer f.Close()
	named, err := audit.ReadHeads(f)
	if err == nil && len(named) == 0 {
		err = errors.New("there is no head in it")
	}
	if err != nil {
		return "", nil, fmt.Errorf("%s: %w", a.Head, err)
	}
	return "", append(heads, named...), nil
}

// largestEvidence bounds what is read into memory: the links of some million
// records.
const largestEvidence = 1 << 30

// evidence verifies a file of evidence; false if it is none.
func (a auditVerify) evidence(std streams, hash string, heads []audit.Head) (bool, error) {
	f, err := os.Open(a.File)
	if err != nil {
		return false, err
	}
	defer f.Close()
	begin := make([]byte, 256)
	n, err := io.ReadFull(f, begin)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return false, err
	}
	if n == 0 || !evidence.Is(begin[:n]) {
		return false, nil
	}
	data, err := io.ReadAll(io.LimitReader(io.MultiReader(bytes.NewReader(begin[:n]), f), largestEvidence))
	if err != nil {
		return true, err
	}
	file, err := evidence.Verify(data, hash)
	if err == nil && len(heads) > 0 {
		err = file.Meets(heads)
	}
	if err != nil {
		var altered *evidence.AlteredError
		if errors.As(err, &altered) {
			altered.Find()
		}
		return true, err
	}
	_, err = fmt.Fprintf(std.out, "ok: %s, proved by records %d to %d, head %s\n", file.Request, file.Records[0].Number, file.Head.Number, file.Head.Hash)
	return true, err
}

type auditExport struct {
	auditSource
	CSV      bool   `name:"csv" help:"As a table for a spreadsheet, with names."`
	Evidence string `help:"Everything about one request, as a file that proves itself." placeholder:"R-ABC234"`
}

// Validate is called by the command line's parser.
func (a *auditExport) Validate() error {
	if a.CSV && a.Evidence != "" {
		return errors.New("--csv and --evidence are two different exports")
	}
	if a.File != "" && a.Evidence != "" {
		return errors.New("--evidence needs the database: --config FILE or --data DIR")
	}
	return nil
}

// Run writes the records to standard output. They are not checked on the way:
// a broken chain must be exportable too.
func (a auditExport) Run(ctx context.Context, std streams) error {
	if a.Evidence != "" {
		return a.evidence(ctx, std)
	}
	records, closing, err := a.records(ctx)
	if err != nil {
		return err
	}
	if !a.CSV {
		return errors.Join(audit.Export(std.out, records), closing())
	}
	name, closeNames, err := a.names(ctx)
	if err != nil {
		return errors.Join(err, closing())
	}
	return errors.Join(audit.ExportCSV(std.out, records, name), closing(), closeNames())
}

// names looks names up beside the chain. An export has none.
func (a auditExport) names(ctx context.Context) (func(string) (string, error), func() error, error) {
	if a.File != "" {
		return func(string) (string, error) { return "", nil }, func() error { return nil }, nil
	}
	db, err := a.database()
	if err != nil {
		return nil, nil, err
	}
	known := map[string]string{}
	return func(pseudonym string) (string, error) {
		name, seen := known[pseudonym]
		if seen {
			return name, nil
		}
		people, err := db.Who(ctx, pseudonym)
		known[pseudonym] = people[pseudonym].Name
		return known[pseudonym], err
	}, db.Close, nil
}

func (a auditExport) evidence(ctx context.Context, std streams) error {
	db, err := a.database()
	if err != nil {
		return err
	}
	f, err := evidence.Collect(ctx, db, a.Evidence, time.Now(), build())
	if err == nil {
		err = f.Write(std.out)
	}
	return errors.Join(err, db.Close())
}

// auditErase is the one of these commands that writes.
type auditErase struct {
	place
	Tenant string `help:"The tenant's ID." required:"" placeholder:"ID"`
	Person string `help:"The object ID of the person." required:"" placeholder:"ID"`
}

// Run forgets a person, beside a running bot or without one.
func (a auditErase) Run(ctx context.Context, std streams) error {
	dsn, err := auditSource{place: a.place}.dsn()
	if err != nil {
		return err
	}
	db, err := store.OpenBeside(ctx, dsn)
	if err != nil {
		return err
	}
	known, err := db.Erase(ctx, a.Tenant, a.Person)
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	if !known {
		return errors.New("nothing is known of this person in this tenant")
	}
	_, err = fmt.Fprintln(std.out, "ok: the person was erased; the record of it names only their pseudonym")
	return err
}
