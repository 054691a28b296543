package main

import (
	"context"
	"errors"
	"fmt"

	"twokey/audit"
	"twokey/store"
)

type backupCommand struct {
	place
	To string `help:"The file to write, which must not be there yet." type:"path" required:"" placeholder:"FILE"`
}

// Validate is called by the command line's parser.
func (b backupCommand) Validate() error {
	if b.Config == "" && b.Data == "" {
		return errors.New("say which bot: --config FILE or --data DIR")
	}
	return nil
}

// Run copies the database beside a running bot, and checks the copy's record.
func (b backupCommand) Run(ctx context.Context, std streams) (err error) {
	dsn, _, _, err := b.dsn()
	if err != nil {
		return err
	}
	if err := store.Backup(ctx, dsn, b.To); err != nil {
		return err
	}
	db := store.OpenToRead(b.To)
	defer func() { err = errors.Join(err, db.Close()) }()
	last, err := audit.Verify(db.Audit(ctx), "")
	if err != nil {
		return fmt.Errorf("the copy is written, and its audit record does not verify: %w", err)
	}
	said := "no records"
	if last != nil {
		said = fmt.Sprintf("%d records, head %s", last.Number, last.Hash)
	}
	_, err = fmt.Fprintf(std.out, "ok: %s, %s\n", b.To, said)
	return err
}
