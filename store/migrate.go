package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"

	"github.com/pressly/goose/v3"
	goosedb "github.com/pressly/goose/v3/database"
)

// The table twokey_schema says for each version of the schema which is the
// oldest that a program may know and still work with it. An older program reads
// it and refuses, instead of acting on what it does not understand. The rule is
// stored by the migration, in its transaction; a migration marks itself with
// the line
//
//	-- works with: 6
//
// and without one it is for programs that know it. Its row 0 is there from the
// beginning: on PostgreSQL its lock is the right to write.
const schemaTable = `CREATE TABLE IF NOT EXISTS twokey_schema (version BIGINT PRIMARY KEY, oldest BIGINT NOT NULL)`

var worksWith = regexp.MustCompile(`(?m)^-- works with: ([0-9]+)$`)

// schema is the migrations that this program knows.
type schema struct {
	files  fs.FS
	oldest map[int64]int64 // by version
	newest int64
}

// readSchema reads the migrations, the program's own if files is nil.
func readSchema(files fs.FS) (sc schema, err error) {
	if files == nil {
		if files, err = fs.Sub(migrations, "migrations"); err != nil {
			return sc, err
		}
	}
	sc = schema{files: files, oldest: make(map[int64]int64)}
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return sc, err
	}
	for _, name := range names {
		version, err := goose.NumericComponent(name)
		if err != nil {
			return sc, err
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return sc, err
		}
		sc.oldest[version], sc.newest = version, max(sc.newest, version)
		if m := worksWith.FindSubmatch(text); m != nil {
			if sc.oldest[version], err = strconv.ParseInt(string(m[1]), 10, 64); err != nil {
				return sc, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return sc, nil
}

// versions is the migration library's memory of what was applied, which keeps
// the rule of each version with it, in the same transaction.
type versions struct {
	goosedb.StoreExtender
	oldest map[int64]int64
}

// Insert implements goosedb.Store.
func (v versions) Insert(ctx context.Context, db goosedb.DBTxConn, req goosedb.InsertRequest) error {
	err := v.StoreExtender.Insert(ctx, db, req)
	if err != nil || req.Version == 0 { // the row 0 is there, and locked
		return err
	}
	rule := fmt.Sprintf("INSERT INTO twokey_schema (version, oldest) VALUES (%d, %d) ON CONFLICT (version) DO UPDATE SET oldest = excluded.oldest", req.Version, v.oldest[req.Version])
	_, err = db.ExecContext(ctx, rule)
	return err
}

// Delete implements goosedb.Store.
func (v versions) Delete(ctx context.Context, db goosedb.DBTxConn, version int64) error {
	if err := v.StoreExtender.Delete(ctx, db, version); err != nil {
		return err
	}
	_, err := db.ExecContext(ctx, fmt.Sprintf("DELETE FROM twokey_schema WHERE version = %d AND version > 0", version))
	return err
}

// provider joins the migration library to this database.
func (s *Store) provider(sc schema) (*goose.Provider, error) {
	memory, err := goosedb.NewStore(s.dialect.goose(), goose.DefaultTablename)
	if err != nil {
		return nil, err
	}
	extended, ok := memory.(goosedb.StoreExtender)
	if !ok {
		return nil, fmt.Errorf("the migration library's %T cannot say which tables exist", memory)
	}
	return goose.NewProvider(goosedb.DialectCustom, s.db, translated{sc.files, s.dialect.translateSchema},
		goose.WithStore(versions{extended, sc.oldest}), goose.WithDisableGlobalRegistry(true))
}

// prepare migrates the schema and checks what the promises rest on.
func (s *Store) prepare(ctx context.Context, cfg Config) error {
	sc, err := readSchema(cfg.schema)
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	s.dialect.knows(sc.newest)
	p, err := s.provider(sc)
	if err != nil {
		return fmt.Errorf("prepare migrations: %w", err)
	}
	if err := s.dialect.check(ctx, s.db); err != nil {
		return err
	}
	return s.dialect.migrating(ctx, s, func() error {
		if newer, err := s.newer(ctx, sc); newer || err != nil {
			return err
		}
		if _, err := p.Up(ctx); err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
		return nil
	})
}

// newer reports whether the database has a newer schema than this program
// knows. If the program is too old for it, that is the error.
func (s *Store) newer(ctx context.Context, sc schema) (bool, error) {
	var version, oldest sql.NullInt64
	err := s.db.QueryRowContext(ctx, "SELECT max(version), max(oldest) FROM twokey_schema").Scan(&version, &oldest)
	if err != nil {
		return false, fmt.Errorf("read schema: %w", err)
	}
	if oldest.Int64 > sc.newest {
		return true, tooOld(version.Int64, sc.newest)
	}
	return version.Int64 > sc.newest, nil
}

// errTooOld says that the schema is newer than this program can work with.
var errTooOld = errors.New("the database's schema is too new for this program")

func tooOld(version, known int64) error {
	return &problem{
		say: fmt.Sprintf("A newer Twokey has changed this database (to schema %d; this one knows %d), and this one would act on what it does not understand. "+
			"Start the newer one, or restore the back-up that was made before the upgrade.", version, known),
		err: fmt.Errorf("%w: it is %d, and %d is known here", errTooOld, version, known),
	}
}

// Schema returns which version of the schema the database has, 0 if it has none
// yet, and which one this program brings it to at its next start. If the database
// is too new for this program, that is the error, with a sentence for people.
func (s *Store) Schema(ctx context.Context) (has, knows int64, err error) {
	sc, err := readSchema(nil)
	if err != nil {
		return 0, 0, err
	}
	var columns int
	err = s.db.QueryRowContext(ctx, "SELECT count(*) FROM ("+s.dialect.textColumns()+") AS columns").Scan(&columns)
	if err != nil || columns == 0 {
		return 0, sc.newest, err
	}
	if _, err := s.newer(ctx, sc); err != nil {
		return 0, 0, err
	}
	err = s.db.QueryRowContext(ctx, "SELECT max(version) FROM twokey_schema").Scan(&has)
	return has, sc.newest, err
}

// fits fails unless this program can work with the schema as it stands, without
// a migration.
func (s *Store) fits(ctx context.Context) error {
	sc, err := readSchema(nil)
	if err != nil {
		return err
	}
	s.dialect.knows(sc.newest)
	if newer, err := s.newer(ctx, sc); newer || err != nil {
		return err
	}
	var version int64
	if err := s.db.QueryRowContext(ctx, "SELECT max(version) FROM twokey_schema").Scan(&version); err != nil {
		return fmt.Errorf("read schema: %w", err)
	}
	if version < sc.newest {
		return &problem{
			say: fmt.Sprintf("An older Twokey is using this database (schema %d; this one knows %d). Use the same version as the one that runs.", version, sc.newest),
			err: fmt.Errorf("the schema is %d, and %d is needed", version, sc.newest),
		}
	}
	return nil
}
