// Package pgtest gives tests a real PostgreSQL: one server of the test's
// process, in a temporary directory and behind a Unix socket, and a new
// database for each test. Whatever it starts ends with the process, however
// that ends.
package pgtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// shared is the server of this process, started by the first test that asks.
var shared = sync.OnceValues(func() (*Cluster, error) { return start("fsync=off", "full_page_writes=off") })

// DSN makes a database for this test on the server that all tests of this
// process share, and drops it with the test. That server does not sync, since
// no test can cut its power. Where PostgreSQL is not installed the test is
// skipped, unless TWOKEY_MANDATORY is set. In a synctest bubble, call it before.
func DSN(t testing.TB) string {
	t.Helper()
	need(t)
	c, err := shared()
	if err != nil {
		t.Fatalf("start PostgreSQL: %v", err)
	}
	return c.Database(t)
}

// Server starts a server for this test alone, which it may stop and kill. The
// settings are lines of its configuration ("max_connections=20"). It syncs
// unless they say otherwise.
func Server(t testing.TB, settings ...string) *Cluster {
	t.Helper()
	need(t)
	c, err := start(settings...)
	if err != nil {
		t.Fatalf("start PostgreSQL: %v", err)
	}
	t.Cleanup(func() {
		if err := c.end(); err != nil {
			t.Errorf("end PostgreSQL: %v", err)
		}
	})
	return c
}

// need skips the test, or fails it, if there is no PostgreSQL here.
func need(t testing.TB) {
	t.Helper()
	needs(t, "initdb", "PostgreSQL", "postgresql")
}

// needs is need for one of the programs, of what is called so in Debian.
func needs(t testing.TB, name, what, debian string) (path string) {
	t.Helper()
	path, err := program(name)
	switch {
	case err == nil:
	case os.Getenv("TWOKEY_MANDATORY") != "":
		t.Fatalf("%s is mandatory here: %v", what, err)
	default:
		t.Skipf("NOT TESTED ON %s: %v (on Debian: apt-get install %s)", strings.ToUpper(what), err, debian)
	}
	return path
}

// program finds one of the server's programs: in the path, or else where
// distributions keep the newest of them.
func program(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	var found []string
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin/", "/usr/sbin/", "/usr/pgsql-*/bin/", "/usr/local/pgsql/bin/", "/opt/homebrew/opt/postgresql@*/bin/"} {
		paths, err := filepath.Glob(pattern + name)
		if err != nil {
			return "", err
		}
		found = append(found, paths...)
	}
	if len(found) == 0 {
		return "", fmt.Errorf("there is no %s", name)
	}
	return slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) }), nil
}

// version is the first number in a path.
func version(path string) int {
	digits := strings.FieldsFunc(path, func(r rune) bool { return r < '0' || r > '9' })
	if len(digits) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(digits[0])
	return n
}

// Cluster is one PostgreSQL server with its databases.
type Cluster struct {
	dir       string // data, and the socket
	settings  []string
	login     *syscall.SysProcAttr
	guard     *os.File // whose end the watchdog waits for
	watchdog  *exec.Cmd
	server    *exec.Cmd
	databases atomic.Int64
	prepared  sync.Map // by name: a func() error
}

// start makes a data directory and starts a server in it. Its time goes to
// initdb, two thirds of a second.
func start(settings ...string) (_ *Cluster, err error) {
	c := &Cluster{settings: settings, login: &syscall.SysProcAttr{Setsid: true}} // no signal of the terminal's
	if err := c.place(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w (%v)", err, c.end())
		}
	}()
	if err := c.watch(); err != nil {
		return nil, err
	}
	initdb, err := program("initdb")
	if err != nil {
		return nil, err
	}
	make := c.command(initdb, "-D", "data", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
	if out, err := make.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	return c, c.Start()
}

// place makes the directory. The path of a Unix socket is short, and
// PostgreSQL does not run as root: then everything belongs to another user.
func (c *Cluster) place() (err error) {
	root := os.TempDir()
	if len(root) > 60 {
		root = "/tmp"
	}
	if c.dir, err = os.MkdirTemp(root, "pgtest-"); err != nil || os.Getuid() != 0 {
		return err
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		c.login.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		return os.Chown(c.dir, uid, gid)
	}
	return fmt.Errorf("PostgreSQL does not run as root, and there is no user postgres or nobody")
}

// command is a program that runs as the server's user in its directory.
func (c *Cluster) command(path string, args ...string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	cmd.Dir, cmd.SysProcAttr = c.dir, c.login
	cmd.Env = append(os.Environ(), "HOME="+c.dir, "LC_ALL=C", "TZ=UTC")
	return cmd
}

// lastWill waits for the end of this process, however it comes, ends the
// server and removes everything.
const lastWill = `cat
pid=$(head -n 1 "$1/data/postmaster.pid" 2>/dev/null)
if [ -n "$pid" ]; then
	kill -QUIT "$pid" 2>/dev/null
	for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$pid" 2>/dev/null || break; sleep 0.2; done
	kill -KILL "$pid" 2>/dev/null
fi
rm -rf "$1"`

// watch starts the watchdog.
func (c *Cluster) watch() error {
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer read.Close()
	c.guard = write
	c.watchdog = exec.Command("sh", "-c", lastWill, "sh", c.dir)
	c.watchdog.Stdin, c.watchdog.SysProcAttr = read, &syscall.SysProcAttr{Setsid: true}
	return c.watchdog.Start()
}

// end stops the server and removes its directory.
func (c *Cluster) end() error {
	if c.guard == nil {
		return os.RemoveAll(c.dir)
	}
	_ = c.guard.Close() // the watchdog does the rest
	return c.watchdog.Wait()
}

// Start starts the server and waits until it answers. After a kill the first
// attempts fail, while the dead server's children still hold its memory.
func (c *Cluster) Start() error {
	path, err := program("postgres")
	if err != nil {
		return err
	}
	args := []string{"-D", "data", "-k", c.dir, "-c", "listen_addresses=", "-c", "shared_buffers=16MB", "-c", "max_connections=120", "-c", "logging_collector=off"}
	for _, s := range c.settings {
		args = append(args, "-c", s)
	}
	log, err := os.OpenFile(filepath.Join(c.dir, "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	for deadline := time.Now().Add(time.Minute); ; {
		c.server = c.command(path, args...)
		c.server.Stdout, c.server.Stderr = log, log
		if err := c.server.Start(); err != nil {
			return err
		}
		err := c.answers(deadline)
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			text, _ := os.ReadFile(log.Name())
			return fmt.Errorf("the server does not start: %w: %s", err, text)
		}
	}
}

// answers waits until the server answers or has ended.
func (c *Cluster) answers(deadline time.Time) error {
	ended := make(chan error, 1)
	server := c.server
	go func() { ended <- server.Wait() }()
	for {
		err := c.admin(context.Background(), "SELECT 1")
		if err == nil || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ended:
			return err
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// Stop ends the server like a crash of its own, which only its write-ahead log
// survives. Every connection is cut.
func (c *Cluster) Stop() error { return c.signal(syscall.SIGQUIT) }

// Kill ends the server's first process with kill -9; its children end when
// they notice.
func (c *Cluster) Kill() error { return c.signal(syscall.SIGKILL) }

// signal ends the server, and returns once it is gone.
func (c *Cluster) signal(s syscall.Signal) error {
	if err := c.server.Process.Signal(s); err != nil {
		return err
	}
	for c.server.Process.Signal(syscall.Signal(0)) == nil { // until it was waited for
		time.Sleep(time.Millisecond)
	}
	return nil
}

// Database makes a new, empty database and returns how to reach it; it is
// dropped with the test.
func (c *Cluster) Database(t testing.TB) string {
	t.Helper()
	return c.copy(t, "template1")
}

// Prepared is a DSN of a database as prepare leaves it. It is called by the
// first test of this process that comes with the name; the others get copies.
// It must leave no connection open.
func Prepared(t testing.TB, name string, prepare func(dsn string) error) string {
	t.Helper()
	need(t)
	c, err := shared()
	if err != nil {
		t.Fatalf("start PostgreSQL: %v", err)
	}
	once, _ := c.prepared.LoadOrStore(name, sync.OnceValue(func() error {
		if err := c.create(name, "template1"); err != nil {
			return err
		}
		return prepare(c.dsn(name))
	}))
	if err := once.(func() error)(); err != nil {
		t.Fatalf("prepare database: %v", err)
	}
	return c.copy(t, name)
}

func (c *Cluster) create(name, of string) error {
	return c.admin(context.Background(), fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s", name, of))
}

// copy makes a database that is a copy of another, to which nobody may be
// connected.
func (c *Cluster) copy(t testing.TB, of string) string {
	t.Helper()
	name := fmt.Sprint("test_", c.databases.Add(1))
	if err := c.create(name, of); err != nil {
		t.Fatalf("create database: %v", err)
	}
	t.Cleanup(func() {
		if err := c.admin(context.Background(), "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
			t.Logf("drop database: %v", err) // a test may have ended the server
		}
	})
	return c.dsn(name)
}

func (c *Cluster) dsn(database string) string {
	return "postgres://postgres@/" + database + "?host=" + c.dir
}

// Admin runs statements as the server's owner, outside of the test's database.
func (c *Cluster) Admin(t testing.TB, statements string) {
	t.Helper()
	if err := c.admin(context.Background(), statements); err != nil {
		t.Fatalf("%s: %v", statements, err)
	}
}

func (c *Cluster) admin(ctx context.Context, statements string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.dsn("postgres"))
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statements)
	if closed := conn.Close(ctx); err == nil {
		err = closed
	}
	return err
}
