package pgtest_test

import (
	"bufio"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"twokey/store/pgtest"
)

func run(t *testing.T, dsn, statements string) error {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		return err
	}
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), statements)
	return err
}

func TestEveryTestHasItsOwnDatabase(t *testing.T) {
	t.Parallel()
	for range 2 {
		if err := run(t, pgtest.DSN(t), "CREATE TABLE one (n INTEGER)"); err != nil {
			t.Error(err)
		}
	}
}

func TestAServerComesBack(t *testing.T) {
	t.Parallel()
	c := pgtest.Server(t)
	dsn := c.Database(t)
	if err := run(t, dsn, "CREATE TABLE one (n INTEGER); INSERT INTO one VALUES (1)"); err != nil {
		t.Fatal(err)
	}
	for name, end := range map[string]func() error{"Stop": c.Stop, "Kill": c.Kill} {
		if err := end(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := run(t, dsn, "SELECT 1"); err == nil {
			t.Errorf("after %s it still answers", name)
		}
		if err := c.Start(); err != nil {
			t.Fatalf("start after %s: %v", name, err)
		}
		if err := run(t, dsn, "SELECT 1/(count(*)) FROM one"); err != nil {
			t.Errorf("after %s and a start: %v", name, err)
		}
	}
}

// A server does not outlive the process that started it, even if that is killed.
func TestTheServerEndsWithTheProcess(t *testing.T) {
	t.Parallel()
	if os.Getenv("PGTEST_CHILD") != "" {
		println(pgtest.DSN(t))
		select {}
	}
	pgtest.DSN(t) // skips where there is no PostgreSQL
	child := exec.Command(os.Args[0], "-test.run=^TestTheServerEndsWithTheProcess$")
	child.Env = append(os.Environ(), "PGTEST_CHILD=1")
	out, err := child.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	dsn, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(strings.TrimSpace(dsn))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(run(t, u.String(), "SELECT 1"), child.Process.Kill()); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // it was killed
	dir := u.Query().Get("host")
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is still there", dir)
		}
	}
	if err := run(t, u.String(), "SELECT 1"); err == nil {
		t.Error("the server still answers")
	}
}
