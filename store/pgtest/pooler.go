package pgtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// poolerFile makes each transaction take whichever of three sessions is free.
const poolerFile = `[databases]
* = host=%s user=postgres
[pgbouncer]
unix_socket_dir = %s
listen_addr =
listen_port = 5432
auth_type = any
pool_mode = transaction
default_pool_size = 3
max_client_conn = 100
ignore_startup_parameters = extra_float_digits
`

// Pooled is the DSN of a database that [DSN] made, through PgBouncer in its
// transaction mode, which ends with the test. Where that is not installed the
// test is skipped, unless TWOKEY_MANDATORY is set.
func Pooled(t testing.TB, dsn string) string {
	t.Helper()
	path := needs(t, "pgbouncer", "PgBouncer", "pgbouncer")
	c, err := shared()
	if err != nil {
		t.Fatalf("start PostgreSQL: %v", err)
	}
	dir, err := os.MkdirTemp(filepath.Dir(c.dir), "pooler-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	file := filepath.Join(dir, "pgbouncer.ini")
	if err := os.WriteFile(file, fmt.Appendf(nil, poolerFile, c.dir, dir), 0o600); err != nil {
		t.Fatal(err)
	}
	if owner := c.login.Credential; owner != nil {
		for _, name := range []string{dir, file} {
			if err := os.Chown(name, int(owner.Uid), int(owner.Gid)); err != nil {
				t.Fatal(err)
			}
		}
	}
	cmd := c.command(path, "-q", file)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.login.Credential}
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatalf("start PgBouncer: %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
	})
	pooled := strings.Replace(dsn, c.dir, dir, 1)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		conn, err := pgx.Connect(t.Context(), pooled)
		if err == nil {
			_ = conn.Close(t.Context())
			return pooled
		}
		if time.Now().After(deadline) {
			t.Fatalf("PgBouncer does not answer: %v", err)
		}
	}
}
