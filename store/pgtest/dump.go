package pgtest

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// Restored is the DSN of a new database as pg_restore makes it of what pg_dump
// copied just now of another one, beside whoever uses that.
func Restored(t testing.TB, dsn string) string {
	t.Helper()
	elsewhere, file := DSN(t), filepath.Join(t.TempDir(), "dump")
	for _, command := range [][]string{
		{"pg_dump", "--format=custom", "--file=" + file, dsn},
		{"pg_restore", "--exit-on-error", "--dbname=" + elsewhere, file},
	} {
		path := needs(t, command[0], "PostgreSQL", "postgresql-client")
		if said, err := exec.CommandContext(t.Context(), path, command[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", command[0], err, said)
		}
	}
	return elsewhere
}
