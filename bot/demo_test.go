package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test binary be the program, so that tests can kill it.
func TestMain(m *testing.M) {
	if os.Getenv("TWOKEY_PROGRAM") == "1" {
		if orders := os.Getenv("TWOKEY_CRASH"); orders != "" {
			seam = (&crasher{orders: orders}).seams()
		}
		main()
	}
	os.Exit(m.Run())
}

// demo is a running demo as a browser or another program sees it.
type demo struct {
	t       testing.TB
	console string // base address
	tenant  string
	data    string
}

// message is one message of the console's API.
type message struct {
	ID      string
	From    string
	Channel string
	Private bool
	Edited  bool
	Text    string
	Buttons []struct {
		ID, Label string
		Form      []struct {
			ID, Label string
			Required  bool
		}
	}
	Image   *struct{ URL, Alt string }
	Request string
}

func (m message) button(id string) bool {
	return slices.ContainsFunc(m.Buttons, func(b struct {
		ID, Label string
		Form      []struct {
			ID, Label string
			Required  bool
		}
	},
	) bool {
		return b.ID == id
	})
}

// patience for anything that should happen: far longer than it takes, because
// machines are slow, and it is only waited out by a failure.
const longEnough = 30 * time.Second

// startDemo runs the demo in this process until the test ends.
func startDemo(t testing.TB, args ...string) *demo {
	t.Helper()
	d, stop := startDemoIn(t, t.TempDir(), args...)
	t.Cleanup(stop)
	return d
}

// startDemoIn runs the demo on a folder until it is stopped, which must be done.
func startDemoIn(t testing.TB, data string, args ...string) (d *demo, end func()) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	out, in := io.Pipe()
	var log bytes.Buffer
	done := make(chan int, 1)
	go func() {
		status := run(ctx, append([]string{"demo", "--addr", "127.0.0.1:0", "--data", data}, args...), streams{strings.NewReader(""), in, &log})
		_ = in.Close()
		done <- status
	}()
	d = &demo{t: t, data: data}
	d.read(out)
	end = func() {
		stop()
		if status := <-done; status != 0 {
			t.Errorf("demo ended with status %d", status)
		}
		if t.Failed() {
			t.Logf("the demo's log:\n%s", log.String())
		}
	}
	if d.console == "" {
		end()
		t.Fatal("the demo did not come up")
	}
	return d, end
}

// read takes the addresses that the demo prints, until it says that it is
// ready, and lets the rest drain.
func (d *demo) read(out io.Reader) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		name, address, _ := strings.Cut(lines.Text(), " ")
		switch name {
		case "console":
			d.console = address
		case "tenant":
			d.tenant = address
		case "ready":
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return
		}
	}
}

// call sends one request and decodes the answer.
func call(method, address string, body, into any) (int, error) {
	var r io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return 0, err
		}
		r = bytes.NewReader(text)
	}
	ctx, cancel := context.WithTimeout(context.Background(), longEnough)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, address, r)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || into == nil || len(text) == 0 {
		return resp.StatusCode, err
	}
	return resp.StatusCode, json.Unmarshal(text, into)
}

func (d *demo) must(want int, method, address string, body, into any) {
	d.t.Helper()
	status, err := call(method, address, body, into)
	if err != nil || status != want {
		d.t.Fatalf("%s %s: status %d, %v; want %d", method, address, status, err, want)
	}
}

func (d *demo) say(person, text string) {
	d.t.Helper()
	d.must(http.StatusAccepted, "POST", d.console+"/api/people/"+person+"/messages", map[string]string{"text": text}, nil)
}

func (d *demo) press(person string, m message, button string, fields map[string]string) {
	d.t.Helper()
	if fields == nil {
		fields = map[string]string{}
	}
	d.must(http.StatusAccepted, "POST", d.console+"/api/people/"+person+"/press", map[string]any{"message": m.ID, "button": button, "fields": fields}, nil)
}

func (d *demo) advance(by string) {
	d.t.Helper()
	d.must(http.StatusOK, "POST", d.console+"/api/clock", map[string]string{"advance": by}, nil)
}

func (d *demo) messages(person string) []message {
	d.t.Helper()
	var ms []message
	d.must(http.StatusOK, "GET", d.console+"/api/people/"+person+"/messages", nil, &ms)
	return ms
}

// await returns the newest message that a person sees and that fits, once
// there is one. It looks again at every event instead of sleeping.
func (d *demo) await(person, what string, fits func(message) bool) message {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), longEnough)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", d.console+"/api/people/"+person+"/events", nil)
	if err != nil {
		d.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewReader(resp.Body)
	for {
		ms := d.messages(person)
		for _, m := range slices.Backward(ms) {
			if fits(m) {
				return m
			}
		}
		if _, err := lines.ReadString('\n'); err != nil {
			d.t.Fatalf("%s never saw %s: %v\nthe last of %d messages: %+v", person, what, err, len(ms), ms[max(0, len(ms)-3):])
		}
	}
}

// from tells the bot's messages that hold a text.
func from(text string) func(message) bool {
	return func(m message) bool { return m.From == "twokey" && strings.Contains(m.Text, text) }
}

// ask lets ada ask for security defaults and returns abe's prompt.
func (d *demo) ask(line string) (prompt message) {
	d.t.Helper()
	d.say("ada", line)
	card := d.await("ada", "a card", func(m message) bool { return m.button("cancel") })
	return d.prompt("abe", card.Request)
}

// prompt returns a person's own prompt for a request.
func (d *demo) prompt(person, request string) message {
	d.t.Helper()
	return d.await(person, "the prompt of "+request, func(m message) bool {
		return m.Request == request && m.Channel == "dm" && m.button("approve")
	})
}

// approve lets abe and then bea approve, and ends the wait.
func (d *demo) approve(request string) {
	d.t.Helper()
	d.press("abe", d.prompt("abe", request), "approve", nil)
	d.await("abe", "one approval", from("needs one more person"))
	d.press("bea", d.prompt("bea", request), "approve", nil)
	d.await("bea", "the last approval", from("it was the last one needed"))
}

func (d *demo) outcome(request, want string) message {
	d.t.Helper()
	return d.await("ada", request+" "+want, from(request+" "+want))
}

// effect is an entry of the tenant's ledger.
type effect struct {
	N               int
	App             string
	RequestID       string `json:"request_id"`
	ClientRequestID string `json:"client_request_id"`
	Method, Path    string
	Body            json.RawMessage
}

// ours returns the tenant's ledger without what others wrote.
func (d *demo) ours() []effect {
	d.t.Helper()
	var all []effect
	d.must(http.StatusOK, "GET", d.tenant+"/_sim/ledger", nil, &all)
	return slices.DeleteFunc(all, func(e effect) bool { return e.App != botApp })
}

func (d *demo) wantEffects(n int) []effect {
	d.t.Helper()
	got := d.ours()
	if len(got) != n {
		d.t.Fatalf("the tenant's ledger has %d writes of ours, want %d: %+v", len(got), n, got)
	}
	return got
}

// verify runs “audit verify” and returns its status and what it said.
func (d *demo) verify() (int, string) {
	var out, errs bytes.Buffer
	status := run(context.Background(), []string{"audit", "verify", "--data", d.data}, streams{strings.NewReader(""), &out, &errs})
	return status, out.String() + errs.String()
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args   []string
		status int
		says   string
	}{
		"help":              {[]string{"--help"}, 0, "demo"},
		"version":           {[]string{"version"}, 0, "Twokey"},
		"nothing":           {nil, 2, "expected one of"},
		"unknown command":   {[]string{"dmeo"}, 2, "dmeo"},
		"unknown licence":   {[]string{"demo", "--licence", "gold"}, 2, "licence"},
		"unknown level":     {[]string{"demo", "--log", "loud"}, 2, "--log"},
		"too few people":    {[]string{"tenant", "--people", "3"}, 2, "from 7"},
		"digest of whom":    {[]string{"digest", "--out", "x"}, 2, "--demo"},
		"digest of both":    {[]string{"digest", "--demo", "--config", "c", "--out", "x"}, 2, "together"},
		"audit of what":     {[]string{"audit", "verify"}, 1, "--data DIR or --file EXPORT"},
		"no such folder":    {[]string{"audit", "verify", "--data", "/nonexistent"}, 1, "there is no twokey.db"},
		"no such export":    {[]string{"audit", "verify", "--file", "/nonexistent"}, 1, "no such file"},
		"not a tenant":      {[]string{"demo", "--addr", "127.0.0.1:0", "--tenant", "nonsense"}, 1, "--tenant"},
		"another database":  {[]string{"demo", "--store", "mysql://x"}, 2, "--store"},
		"no such server":    {[]string{"demo", "--addr", "127.0.0.1:0", "--store", "postgres://x@localhost:1/x"}, 1, "open PostgreSQL"},
		"serve whom":        {[]string{"serve"}, 2, "--config"},
		"ask":               {[]string{"ask", "paper jam on floor 2"}, 0, "not my subject"},
		"address in use":    {[]string{"demo", "--addr", "127.0.0.1:99999"}, 1, "--addr"},
		"wait out of range": {[]string{"demo", "--wait", "2h"}, 2, "--wait"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			status := run(t.Context(), c.args, streams{strings.NewReader(""), &out, &out})
			if status != c.status || !strings.Contains(out.String(), c.says) {
				t.Errorf("twokey %s = %d, want %d; it should say %q:\n%s", strings.Join(c.args, " "), status, c.status, c.says, &out)
			}
		})
	}
}

func TestAskReadsLines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	in := strings.NewReader("how do i set up the authenticator on my iphone\npaper jam on floor 2\n")
	if status := run(t.Context(), []string{"ask"}, streams{in, &out, &out}); status != 0 {
		t.Fatalf("status %d: %s", status, &out)
	}
	var got []advice
	for line := range strings.Lines(out.String()) {
		var a advice
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		got = append(got, a)
	}
	if len(got) != 2 || got[0].Expect != "answer" || got[1].Expect != "none" || len(got[1].Topics) != 3 {
		t.Errorf("got %+v", got)
	}
	if fmt.Sprint(got[0].Topics) == "[]" {
		t.Error("an answer without topics")
	}
}

// decode reads JSON that must be right.
func decode(t testing.TB, text []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
}
