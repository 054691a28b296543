package slack_test

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	lib "github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"twokey/bot/slack"
	"twokey/chat"
)

// stand is as much of Slack as two bots need to be held beside each other: it
// delivers commands on sockets and takes the answers. It does little, so that
// what is measured is the bots'.
type stand struct {
	*httptest.Server
	mu    sync.Mutex
	conns []*standConn
	wait  map[string]chan time.Time // by envelope ID or the end of the address for answers
}

type standConn struct {
	mu sync.Mutex
	ws *websocket.Conn
}

func newStand(b *testing.B) *stand {
	s := &stand{wait: map[string]chan time.Time{}}
	mux := http.NewServeMux()
	answer := func(v any) http.HandlerFunc {
		text, err := json.Marshal(v)
		if err != nil {
			b.Fatal(err)
		}
		return func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(text)
		}
	}
	mux.HandleFunc("/api/auth.test", answer(map[string]any{"ok": true, "team_id": "T1", "user_id": "U0BOT", "bot_id": "B1"}))
	mux.HandleFunc("/api/users.info", answer(map[string]any{"ok": true, "user": map[string]any{"id": "U1", "team_id": "T1"}}))
	mux.HandleFunc("/api/apps.connections.open", func(w http.ResponseWriter, r *http.Request) {
		answer(map[string]any{"ok": true, "url": "ws" + strings.TrimPrefix(s.URL, "http") + "/link"})(w, r)
	})
	mux.HandleFunc("/link", s.link)
	mux.HandleFunc("/respond/{id}", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		s.arrived(r.PathValue("id"))
		_, _ = io.WriteString(w, "ok")
	})
	s.Server = httptest.NewServer(mux)
	b.Cleanup(s.Close)
	return s
}

// link is the life of one socket.
func (s *stand) link(w http.ResponseWriter, r *http.Request) {
	upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	ws, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer ws.Close()
	c := &standConn{ws: ws}
	_ = c.send(map[string]any{"type": "hello", "connection_info": map[string]any{"app_id": "A1"}})
	s.mu.Lock()
	s.conns = append(s.conns, c)
	s.mu.Unlock()
	for {
		var ack struct {
			ID string `json:"envelope_id"`
		}
		if ws.ReadJSON(&ack) != nil {
			break
		}
		s.arrived(ack.ID)
	}
	s.mu.Lock()
	s.conns = slices.DeleteFunc(s.conns, func(o *standConn) bool { return o == c })
	s.mu.Unlock()
}

func (c *standConn) send(v any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ws.WriteJSON(v)
}

func (s *stand) expect(id string) chan time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := make(chan time.Time, 1)
	s.wait[id] = c
	return c
}

func (s *stand) arrived(id string) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.wait[id]; c != nil {
		delete(s.wait, id)
		c <- now
	}
}

// command delivers a command, and returns when it was acknowledged and when it
// was answered.
func (s *stand) command(b *testing.B, n int) (sent time.Time, acked, answered chan time.Time) {
	id := strconv.Itoa(n)
	acked, answered = s.expect("e"+id), s.expect("a"+id)
	s.mu.Lock()
	c := s.conns[rand.IntN(len(s.conns))]
	s.mu.Unlock()
	sent = time.Now()
	err := c.send(map[string]any{
		"envelope_id": "e" + id, "type": "slash_commands", "accepts_response_payload": true,
		"payload": map[string]any{
			"api_app_id": "A1", "team_id": "T1", "channel_id": "C1", "channel_name": "team", "user_id": "U" + strconv.Itoa(n%40), "user_name": "ada",
			"command": "/mfa", "text": "status --department Sales", "trigger_id": "t" + id, "response_url": s.URL + "/respond/a" + id,
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	return sent, acked, answered
}

// contender is one bot, in a process of its own, and what it was measured at.
type contender struct {
	*stand
	in  io.Closer // ends the bot
	out io.Reader
	cmd *exec.Cmd

	sent  int             // commands so far
	acks  []time.Duration // one command at a time
	took  time.Duration   // for all that went out sixteen at a time
	cpu   time.Duration   // for all commands
	idle  int             // KiB resident before the first command
	start time.Duration   // until it was connected
}

const (
	besideEnv = "TWOKEY_BESIDE"
	rounds    = 50
	alone     = 50  // commands of a round, one at a time
	together  = 200 // and sixteen at a time
	atOnce    = 16
)

// BenchmarkBesideABareBot runs the adapter and the shortest bot that the
// library allows, each in a process of its own, and prints how they compare:
// acknowledgements, commands that are answered in private (here with the inbox
// in memory and a handler that knows the answer), processor time and memory.
// They take turns, so that whatever else the machine does befalls both.
func BenchmarkBesideABareBot(b *testing.B) {
	for b.Loop() {
		ours, bare := contend(b, "ours"), contend(b, "bare")
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
func contend(b *testing.B, which string) *contender {
	c := &contender{stand: newStand(b)}
	c.cmd = exec.CommandContext(b.Context(), os.Args[0], "-test.run=^TestBesideProcess$")
	c.cmd.Env = append(os.Environ(), besideEnv+"="+which+" "+c.URL+"/api/")
	in, err := c.cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	lines := bufio.NewReader(out)
	line, err := lines.ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	if c.start, err = time.ParseDuration(strings.TrimSpace(line)); err != nil {
		b.Fatal(err)
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
	sent, acked, answered := c.command(b, c.sent)
	c.acks = append(c.acks, (<-acked).Sub(sent))
	<-answered
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
	for worker := range atOnce {
		running.Go(func() {
			for n := worker; n < together; n += atOnce {
				_, acked, answered := c.command(b, c.sent+1+n)
				<-acked
				<-answered
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

// TestBesideProcess is the bot of a benchmark, and nothing otherwise. It says
// when it is connected, and ends with its standard input.
func TestBesideProcess(t *testing.T) {
	which, api, ok := strings.Cut(os.Getenv(besideEnv), " ")
	if !ok {
		return
	}
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	start := time.Now()
	ready := func() { fmt.Println(time.Since(start)) }
	if which == "bare" {
		bareBot(ctx, api, ready)
		return
	}
	s, err := slack.New(slack.Config{Mode: "socket", AppToken: "xapp-1", BotToken: "xoxb-1", APIURL: api, Inbox: &memory{}})
	if err != nil {
		t.Fatal(err)
	}
	s.Handle(chat.HandlerFunc(func(ctx context.Context, r chat.Responder, _ chat.Event) error {
		return r.Reply(ctx, chat.Message{Headline: text})
	}))
	go func() {
		for s.Ready() != nil {
			time.Sleep(time.Millisecond)
		}
		ready()
	}()
	if err := s.Run(ctx); err != nil {
		t.Error(err)
	}
}

// text is what both bots answer, the bare one in a block that it writes itself.
const text = "90 of 100 people are registered."

// bareBot answers commands as the library's examples do, with a connection kept
// for each of sixteen answers.
func bareBot(ctx context.Context, api string, ready func()) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 2 * atOnce
	client := &http.Client{Transport: transport}
	c := socketmode.New(lib.New("xoxb-1", lib.OptionAppLevelToken("xapp-1"), lib.OptionAPIURL(api), lib.OptionHTTPClient(client)),
		socketmode.OptionPingInterval(time.Hour))
	go func() {
		for e := range c.Events {
			switch e.Type {
			case socketmode.EventTypeHello:
				ready()
			case socketmode.EventTypeSlashCommand:
				_ = c.Ack(*e.Request)
				command := e.Data.(lib.SlashCommand)
				go func() {
					blocks := []lib.Block{lib.NewRichTextBlock("", lib.NewRichTextSection(
						lib.NewRichTextSectionTextElement(text, &lib.RichTextSectionTextStyle{Bold: true})))}
					_ = lib.PostWebhookCustomHTTPContext(ctx, command.ResponseURL, client, &lib.WebhookMessage{
						ResponseType: lib.ResponseTypeEphemeral, Text: text, Blocks: &lib.Blocks{BlockSet: blocks},
					})
				}()
			}
		}
	}()
	_ = c.RunContext(ctx)
}
