package msgraph_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"twokey/graph"
	"twokey/graph/msgraph"
	"twokey/graph/simtenant"
)

// Benchmarks need a tenant, or a client, in a process of its own: what it costs
// must not count as ours. The test's own binary becomes one if these say so.
const (
	servePeople = "TWOKEY_TEST_SERVE"     // how many people to serve
	sweepTenant = "TWOKEY_TEST_SWEEP"     // the root of a tenant to read
	keepPages   = "TWOKEY_TEST_KEEPPAGES" // serve every page from memory after the first time
)

func TestMain(m *testing.M) {
	var err error
	switch {
	case os.Getenv(servePeople) != "":
		err = serveTenant(os.Getenv(servePeople), os.Getenv(keepPages) != "")
	case os.Getenv(sweepTenant) != "":
		err = sweepAndTell(os.Getenv(sweepTenant))
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serveTenant says where it serves, and ends with its input.
func serveTenant(people string, keep bool) error {
	n, err := strconv.Atoi(people)
	if err != nil {
		return err
	}
	tenant, err := simtenant.New(simtenant.Config{People: n, Licence: graph.P1, Epoch: noon(), Now: noon})
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := &http.Server{Handler: tenant}
	if keep {
		s.Handler = &kept{tenant: tenant, pages: map[string][]byte{}}
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	fmt.Println("http://" + l.Addr().String())
	_, _ = io.Copy(io.Discard, os.Stdin)
	err = errors.Join(s.Close(), <-served)
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// kept answers with what the tenant answered the first time.
type kept struct {
	tenant http.Handler
	mu     sync.Mutex
	pages  map[string][]byte
}

func (k *kept) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	page, ok := k.pages[r.URL.RequestURI()]
	k.mu.Unlock()
	if !ok {
		answer := httptest.NewRecorder()
		k.tenant.ServeHTTP(answer, r)
		page = answer.Body.Bytes()
		if answer.Code != http.StatusOK {
			http.Error(w, answer.Body.String(), answer.Code)
			return
		}
		k.mu.Lock()
		k.pages[r.URL.RequestURI()] = page
		k.mu.Unlock()
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(page)
}

// sweepAndTell reads all users and says how many there were, and the most
// memory that this process had, in KB: at its beginning and at its end.
func sweepAndTell(root string) error {
	before, err := peakMemory()
	if err != nil {
		return err
	}
	c, err := msgraph.New(msgraph.Config{BaseURL: root + "/v1.0", Credential: msgraph.StaticToken("sweep"), Unbudgeted: true})
	if err != nil {
		return err
	}
	n, err := countByPages(context.Background(), c)
	if err != nil {
		return err
	}
	after, err := peakMemory()
	fmt.Println(n, before, after)
	return err
}

// countByPages reads all users and keeps none.
func countByPages(ctx context.Context, c *msgraph.Client) (int, error) {
	n := 0
	for at := graph.Cursor(""); ; {
		rows, next, err := c.UserPage(ctx, at)
		if err != nil {
			return n, err
		}
		if n += len(rows); next == "" {
			return n, nil
		}
		at = next
	}
}

// peakMemory is the most memory that this process had, as Linux counts it.
func peakMemory() (kb int, _ error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	_, err = fmt.Sscan(rest, &kb)
	return kb, err
}

// otherProcess starts this binary as something else, and ends it with the test.
func otherProcess(t testing.TB, setting ...string) (firstLine string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), setting...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	in, noIn := cmd.StdinPipe()
	out, noOut := cmd.StdoutPipe()
	if err := errors.Join(noIn, noOut, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close() // it ends by itself then
		if err := cmd.Wait(); err != nil {
			t.Errorf("other process: %v\n%s", err, complaint.String())
		}
	})
	line, err := readLine(out)
	if err != nil {
		t.Fatalf("other process said nothing: %v", err)
	}
	return line
}

// readLine reads no further than the line.
func readLine(r io.Reader) (string, error) {
	var line []byte
	for b := make([]byte, 1); ; {
		if _, err := io.ReadFull(r, b); err != nil {
			return "", err
		}
		if b[0] == '\n' {
			return string(line), nil
		}
		line = append(line, b[0])
	}
}
