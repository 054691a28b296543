package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Backup writes a copy of a SQLite database to a file that is not there yet,
// beside whoever uses it: one state of it, whole, as of now. The file is there
// once it is complete and on the disk, or not at all. PostgreSQL has tools of
// its own; for it the error says so.
func Backup(ctx context.Context, dsn, file string) (err error) {
	if isPostgres(dsn) {
		return &problem{say: "The data is in PostgreSQL: back it up with pg_dump, or as your provider does.", err: errors.New("backup: not a file")}
	}
	switch _, err := os.Stat(file); {
	case err == nil:
		return &problem{say: fmt.Sprintf("There is a %s already. Name another file, so that no older copy is lost.", file), err: fs.ErrExist}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	s := OpenToRead(dsn)
	defer func() { err = errors.Join(err, s.db.Close()) }()
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	part := file + ".part"
	defer os.Remove(part)
	if err := private(part); err != nil {
		return err
	}
	// The copy is a new file; nothing is written to the database itself.
	if _, err := conn.ExecContext(ctx, "PRAGMA query_only = 0"); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, "VACUUM INTO ?", part); err != nil {
		return fmt.Errorf("copy %s: %w", dsn, err)
	}
	if err := onDisk(part); err != nil {
		return err
	}
	if err := os.Rename(part, file); err != nil {
		return err
	}
	return onDisk(filepath.Dir(file))
}

// onDisk waits until what was written is there after a power failure too.
func onDisk(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
