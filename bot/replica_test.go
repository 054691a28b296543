package main

import (
	"bufio"
	"cmp"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// drainTime is how long the program may take to end, as docs/operations.md says.
const drainTime = 30 * time.Second

// replica is the program that serves, as a process of its own: the test's own
// binary, or the one that TWOKEY_BINARY names.
type replica struct {
	cmd  *exec.Cmd
	said *lines
	log  safeBuffer
	gone chan struct{}
	err  error // how it ended, once it is gone
}

// launch starts it on a configuration file. It is ended with the test at the
// latest.
func launch(t *testing.T, config string) *replica {
	t.Helper()
	r := &replica{said: newLines(), gone: make(chan struct{})}
	r.cmd = exec.Command(cmp.Or(os.Getenv("TWOKEY_BINARY"), os.Args[0]), "serve", "--config", config, "--log", "warn")
	r.cmd.Env = append(os.Environ(), "TWOKEY_PROGRAM=1")
	r.cmd.Stdout, r.cmd.Stderr = r.said, &r.log
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		r.err = r.cmd.Wait()
		close(r.gone)
	}()
	t.Cleanup(func() {
		_ = r.cmd.Process.Kill()
		<-r.gone
		if log := r.log.String(); t.Failed() {
			t.Logf("the end of a replica's log:\n%s", log[max(0, len(log)-20_000):])
		}
	})
	return r
}

// stop asks the program to end and returns how long it took, and an error if it
// did not end well or not within what is promised.
func (r *replica) stop() (time.Duration, error) {
	began := time.Now()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return 0, err
	}
	select {
	case <-r.gone:
		return time.Since(began), r.err
	case <-time.After(drainTime):
		return time.Since(began), fmt.Errorf("it still runs %s after SIGTERM", drainTime)
	}
}

// sample is what the program says of itself.
type sample struct {
	at                      time.Time
	live, resident          float64 // MiB: of the heap after the last collection, of the process
	goroutines, descriptors float64
}

// sampled reads the metrics at an address.
func sampled(addr string) (s sample, err error) {
	client := http.Client{Timeout: longEnough}
	resp, err := client.Get("http://" + addr + "/metrics")
	if err != nil {
		return s, err
	}
	defer resp.Body.Close()
	found := map[string]float64{}
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			found[name] = v
		}
	}
	const mebi = 1 << 20
	s = sample{
		at: time.Now(), resident: found["process_resident_memory_bytes"] / mebi,
		live:       found["go_memstats_next_gc_bytes"] / 2 / mebi, // the next collection is due at twice of what is left
		goroutines: found["go_goroutines"], descriptors: found["process_open_fds"],
	}
	if s.resident == 0 || s.live == 0 || s.goroutines == 0 || s.descriptors == 0 {
		return s, fmt.Errorf("metrics are missing: %+v", s)
	}
	return s, nil
}
