// Package beside holds an adapter beside the shortest bot that its library
// allows, on a platform that does next to nothing, so that what is measured is
// the bots'. It is for benchmarks, on Linux.
package beside

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Stand is as much of a platform as one bot needs.
type Stand interface {
	// Address is where the bot finds it.
	Address() string
	// Command delivers the n-th command to the bot.
	Command(n int) (Sent, error)
}

// Sent is a command on its way.
type Sent struct {
	At              time.Time
	Acked, Answered <-chan time.Time // once each
}

// Waiting are those who wait for something to arrive, by its name. The zero value
// is ready.
type Waiting struct {
	mu    sync.Mutex
	names map[string]chan time.Time
}

// Expect returns what is told when the name arrives.
func (w *Waiting) Expect(name string) <-chan time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.names == nil {
		w.names = map[string]chan time.Time{}
	}
	c := make(chan time.Time, 1)
	w.names[name] = c
	return c
}

// Arrived tells whoever expects the name.
func (w *Waiting) Arrived(name string) {
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	if c := w.names[name]; c != nil {
		delete(w.names, name)
		c <- now
	}
}

// contender is one bot, in a process of its own, and what it was measured at.
type contender struct {
	stand Stand
	in    io.Closer // ends the bot
	out   io.Reader
	cmd   *exec.Cmd

	sent  int             // commands so far
	acks  []time.Duration // one command at a time
	took  time.Duration   // for all that went out sixteen at a time
	cpu   time.Duration   // for all commands
	idle  int             // KiB resident before the first command
	start time.Duration   // until it was connected
}

const (
	env      = "TWOKEY_BESIDE"
	rounds   = 50
	alone    = 50  // commands of a round, one at a time
	together = 200 // and AtOnce at a time
)

// AtOnce is how many commands wait for an answer at a time at most.
const AtOnce = 16

// Compare runs the adapter and the shortest bot that the library allows, each in
// a process of its own that calls [Process], and reports how they compare:
// acknowledgements, commands that are answered in private (here with the inbox in
// memory and a handler that knows the answer), processor time and memory. They
// take turns, so that whatever else the machine does befalls both. Open makes a
// platform for one of them.
func Compare(b *testing.B, open func(*testing.B) Stand) {
	for b.Loop() {
		ours, bare := contend(b, "ours", open(b)), contend(b, "bare", open(b))
		for range rounds {
			for range alone {
				ours.one(b)
				bare.one(b)
			}
			ours.many(b)
			bare.many(b)
		}
		ours.end(b)
		bare.end(b)
		ratio := func(a, b time.Duration) float64 { return float64(a) / float64(b) }
		b.ReportMetric(ratio(ours.ack(50), bare.ack(50)), "ack-p50/bare")
		b.ReportMetric(ratio(ours.ack(99), bare.ack(99)), "ack-p99/bare")
		b.ReportMetric(ratio(bare.took, ours.took), "reads/bare")
		b.ReportMetric(ratio(ours.cpu, bare.cpu), "cpu/bare")
		b.ReportMetric(float64(ours.idle)/1024, "idle-MiB")
		b.ReportMetric(float64(bare.idle)/1024, "idle-MiB-bare")
		b.ReportMetric(float64(ours.start.Microseconds())/1000, "start-ms")
		b.ReportMetric(float64(bare.start.Microseconds())/1000, "start-ms-bare")
	}
}

// contend starts a bot and waits until it is connected.
func contend(b *testing.B, which string, at Stand) *contender {
	c := &contender{stand: at}
	c.cmd = exec.CommandContext(b.Context(), os.Args[0], "-test.run=^TestBesideProcess$")
	c.cmd.Env = append(os.Environ(), env+"="+which+" "+at.Address())
	in, err := c.cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	c.cmd.Stderr = os.Stderr
	if err := c.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	lines := bufio.NewReader(out)
	line, err := lines.ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	if c.start, err = time.ParseDuration(strings.TrimSpace(line)); err != nil {
		rest, _ := io.ReadAll(lines)
		b.Fatalf("%s does not connect: %s%s", which, line, rest)
	}
	c.in, c.out, c.idle, c.cpu = in, lines, resident(b, c.cmd.Process.Pid), spent(b, c.cmd.Process.Pid)
	return c
}

func (c *contender) end(b *testing.B) {
	c.cpu = spent(b, c.cmd.Process.Pid) - c.cpu
	if err := c.in.Close(); err != nil {
		b.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, c.out)
	if err := c.cmd.Wait(); err != nil {
		b.Fatal(err)
	}
}

// one has one command answered.
func (c *contender) one(b *testing.B) {
	c.sent++
	s := c.send(b, c.sent)
	c.acks = append(c.acks, c.told(b, s.Acked).Sub(s.At))
	c.told(b, s.Answered)
}

func (c *contender) send(b *testing.B, n int) Sent {
	s, err := c.stand.Command(n)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// told waits until something has arrived.
func (c *contender) told(b *testing.B, arrived <-chan time.Time) time.Time {
	select {
	case at := <-arrived:
		return at
	case <-time.After(time.Minute):
		b.Error("an answer did not arrive within a minute")
		panic(b.Name())
	}
}

// ack returns how long a share of the acknowledgements took at most.
func (c *contender) ack(percent int) time.Duration {
	slices.Sort(c.acks)
	return c.acks[len(c.acks)*percent/100]
}

// many has commands answered, sixteen at a time.
func (c *contender) many(b *testing.B) {
	start := time.Now()
	var running sync.WaitGroup
	for worker := range AtOnce {
		running.Go(func() {
			for n := worker; n < together; n += AtOnce {
				s := c.send(b, c.sent+1+n)
				c.told(b, s.Acked)
				c.told(b, s.Answered)
			}
		})
	}
	running.Wait()
	c.sent += together
	c.took += time.Since(start)
}

// resident returns how many KiB of memory a process has.
func resident(b *testing.B, pid int) int {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				b.Fatal(err)
			}
			return n
		}
	}
	b.Fatal("no VmRSS")
	return 0
}

// spent returns the processor time of a process, which Linux counts in
// hundredths of a second.
func spent(b *testing.B, pid int) time.Duration {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	if err := cmp.Or(err1, err2); err != nil {
		b.Fatal(err)
	}
	return time.Duration(user+system) * 10 * time.Millisecond
}

// Process is the bot of a comparison, and nothing otherwise: run is called with
// "ours" or "bare" and the platform's address, says when it is connected, and
// ends with its context, which is when the comparison does.
func Process(t *testing.T, run func(ctx context.Context, which, address string, ready func()) error) {
	which, address, ok := strings.Cut(os.Getenv(env), " ")
	if !ok {
		return
	}
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	start := time.Now()
	if err := run(ctx, which, address, func() { fmt.Println(time.Since(start)) }); err != nil {
		t.Error(err)
	}
}

// UntilReady calls ready once a bot is.
func UntilReady(isReady func() error, ready func()) {
	for isReady() != nil {
		time.Sleep(time.Millisecond)
	}
	ready()
}
