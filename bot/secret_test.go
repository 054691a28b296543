package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // dumps the database, past the program

	"twokey/store/pgtest"
)

// between stands between the bot and its tenant. It knows each pass that the
// tenant creates, and spoils how the answer comes back.
type between struct {
	t      *testing.T
	tenant string
	mu     sync.Mutex
	passes []string
	spoil  func(w http.ResponseWriter, status int, body []byte) // nil: the answer comes as it is
}

func (b *between) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	req, err := http.NewRequestWithContext(context.WithoutCancel(r.Context()), r.Method, b.tenant+r.URL.RequestURI(), r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	req.Header = r.Header.Clone()
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return
	}
	var pass struct{ TemporaryAccessPass string }
	b.mu.Lock()
	spoil := b.spoil
	created := r.Method == http.MethodPost && json.Unmarshal(body, &pass) == nil && pass.TemporaryAccessPass != ""
	if created {
		b.passes = append(b.passes, pass.TemporaryAccessPass)
	}
	b.mu.Unlock()
	for name, values := range resp.Header {
		if name != "Content-Length" {
			w.Header()[name] = values
		}
	}
	if created && spoil != nil {
		spoil(w, resp.StatusCode, body)
		return
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = w.Write(body)
}

// spoiled sets how the next answers with a pass come back, and how many passes
// there have been.
func (b *between) spoiled(by func(w http.ResponseWriter, status int, body []byte)) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spoil = by
	return len(b.passes)
}

// created are the passes that the tenant created so far.
func (b *between) created() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.passes...)
}

// output is all that a child says.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// searched is a demo as a child of which every byte is kept.
type searched struct {
	*testing.T
	tenant  *between
	address string // of what is between
	data    string
	args    []string
	said    output
	proc    *process
}

func (s *searched) start() {
	s.Helper()
	cmd := exec.Command(os.Args[0], append([]string{"demo", "--addr", "127.0.0.1:0", "--data", s.data, "--tenant", s.address, "--wait", "0s", "--log", "debug"}, s.args...)...)
	cmd.Env = append(os.Environ(), "TWOKEY_PROGRAM=1", "GOTRACEBACK=all")
	cmd.Stderr = &s.said
	out, in := io.Pipe()
	cmd.Stdout = io.MultiWriter(in, &s.said)
	p := &process{demo: demo{t: s.T, data: s.data}, cmd: cmd, gone: make(chan struct{})}
	if err := cmd.Start(); err != nil {
		s.Fatal(err)
	}
	go func() {
		_ = cmd.Wait()
		_ = in.Close()
		close(p.gone)
	}()
	s.Cleanup(p.end)
	p.read(out)
	if p.console == "" {
		s.Fatalf("the demo did not come up:\n%s", s.said.String())
	}
	s.proc = p
}

// collects asks for a pass, has it approved, and presses Collect.
func (s *searched) collects(target string) (request string) {
	s.Helper()
	d := &s.proc.demo
	before := 0
	for _, m := range d.messages("ada") {
		before = max(before, number(m.ID))
	}
	d.say("ada", "/mfa tap "+target+"@harbourvale.example lost phone, called back")
	card := d.await("ada", "a card", func(m message) bool {
		return m.Request != "" && m.button("cancel") && number(m.ID) > before
	})
	d.press("abe", d.prompt("abe", card.Request), "approve", nil)
	ready := d.await("ada", "what can be collected", func(m message) bool { return m.Request == card.Request && m.button("collect") })
	status, err := call(http.MethodPost, d.console+"/api/people/ada/press", map[string]any{"message": ready.ID, "button": "collect", "fields": map[string]string{}}, nil)
	if err == nil && status != http.StatusAccepted {
		s.Fatalf("collect: status %d", status)
	}
	return card.Request
}

// number is the place of a message.
func number(id string) (n int) {
	_, _ = fmt.Sscanf(id, "m%d", &n)
	return n
}

// ended waits until ada is told how a request ended.
func (s *searched) ended(request string) {
	s.Helper()
	s.proc.demo.await("ada", "the end of "+request, func(m message) bool {
		return slices.ContainsFunc([]string{" done.", " could not be handed over.", " failed;", " ended;"}, func(end string) bool { return strings.Contains(m.Text, request+end) })
	})
}

// ways are the forms in which a secret may stand in bytes: plain, encoded for an
// address or for JSON, in hex, and in base64 wherever in it the secret begins.
func ways(secret string) []string {
	quoted, _ := json.Marshal(secret)
	all := []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), strings.Trim(string(quoted), `"`),
		hex.EncodeToString([]byte(secret)), strings.ToUpper(hex.EncodeToString([]byte(secret))),
	}
	for shift := range 3 {
		for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			text := e.EncodeToString([]byte(strings.Repeat("x", shift) + secret))
			from := []int{0, 2, 3}[shift] // what depends on the bytes before
			all = append(all, text[from:(shift+len(secret))*8/6])
		}
	}
	return all
}

// The search must find a secret in each form, whatever stands around it.
func TestSearchFindsSecrets(t *testing.T) {
	t.Parallel()
	const secret = `p+A/s"s&`
	for around := range 4 {
		text := strings.Repeat("z", around) + secret + "zz"
		quoted, _ := json.Marshal(text)
		for form, content := range map[string]string{
			"plain": text, "url": url.QueryEscape(text), "json": string(quoted), "hex": hex.EncodeToString([]byte(text)),
			"base64": base64.StdEncoding.EncodeToString([]byte(text)), "base64 of addresses": base64.URLEncoding.EncodeToString([]byte(text)),
		} {
			if !slices.ContainsFunc(ways(secret), func(w string) bool { return strings.Contains(content, w) }) {
				t.Errorf("%s, %d before it: %s is not found by %q", form, around, content, ways(secret))
			}
		}
	}
}

// search looks for secrets in bytes.
func search(t *testing.T, where string, content []byte, secrets []string) {
	t.Helper()
	for _, s := range secrets {
		for _, w := range ways(s) {
			if i := bytes.Index(content, []byte(w)); i >= 0 {
				t.Errorf("%s holds a secret as %q: …%q…", where, w, content[max(0, i-60):min(len(content), i+60)])
			}
		}
	}
}

// searchAll looks for secrets in every byte that the program has produced.
func (s *searched) searchAll(dsn string, secrets []string) {
	s.Helper()
	files := 0
	err := filepath.WalkDir(s.data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		files++
		search(s.T, filepath.Base(path), content, secrets)
		return err
	})
	if err != nil || files == 0 {
		s.Errorf("%d files were searched, %v", files, err)
	}
	if !strings.Contains(s.said.String(), "level=DEBUG") {
		s.Error("the program said nothing at the level at which it says most")
	}
	search(s.T, "what the program said", []byte(s.said.String()), secrets)
	if dsn != "" {
		search(s.T, "the database", dump(s.T, dsn), secrets)
		return
	}
	var exported, errs bytes.Buffer
	if status := run(s.Context(), []string{"audit", "export", "--data", s.data}, streams{strings.NewReader(""), &exported, &errs}); status != 0 || exported.Len() == 0 {
		s.Errorf("audit export = %d: %s", status, errs.String())
	}
	search(s.T, "the export of the audit record", exported.Bytes(), secrets)
}

// dump returns every row of every table as text.
func dump(t *testing.T, dsn string) []byte {
	t.Helper()
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	column := func(query string) (all []string) {
		rows, err := db.QueryContext(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var s string
			if err := rows.Scan(&s); err != nil {
				t.Fatal(err)
			}
			all = append(all, s)
		}
		return all
	}
	var text bytes.Buffer
	tables := column("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
	for _, table := range tables {
		for _, row := range column(`SELECT x::text FROM "` + table + `" AS x`) {
			text.WriteString(row + "\n")
		}
	}
	if len(tables) < 10 || text.Len() < 10_000 {
		t.Errorf("the dump has %d tables and %d bytes", len(tables), text.Len())
	}
	return text.Bytes()
}

const canaryPassword = "Canary+Password/of=the&database"

// TestO42PassIsKeptNowhere issues passes through a run that goes well, through
// answers that are spoilt on their way, and through kills at the moment when the
// program has the pass in its hands; then it looks for each pass, and for the
// database's password, in every byte that the program left or said.
func TestO42PassIsKeptNowhere(t *testing.T) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		issuePasses(t, "")
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		dsn, err := url.Parse(pgtest.DSN(t))
		if err != nil {
			t.Fatal(err)
		}
		dsn.User = url.UserPassword(dsn.User.Username(), canaryPassword)
		issuePasses(t, dsn.String())
	})
}

func issuePasses(t *testing.T, dsn string) {
	tenant := child(t, "tenant", "--addr", "127.0.0.1:0")
	s := &searched{T: t, tenant: &between{t: t, tenant: tenant.tenant}, data: t.TempDir()}
	if dsn != "" {
		s.args = []string{"--store", dsn}
	}
	server := httptest.NewServer(s.tenant)
	t.Cleanup(server.Close)
	s.address = server.URL
	s.start()

	// All goes well: ada alone is shown the pass, once.
	request := s.collects("sam")
	shown := s.proc.demo.await("ada", "the pass", from("Temporary Access Pass for"))
	s.ended(request)
	passes := s.tenant.created()
	if len(passes) != 1 || !strings.Contains(shown.Text, passes[0]) || !shown.Private {
		t.Fatalf("%d passes were created, and ada is shown %q", len(passes), shown.Text)
	}
	for _, person := range []string{"olga", "ada", "abe", "bea", "vic", "sam", "sue"} {
		for _, m := range s.proc.demo.messages(person) {
			if strings.Contains(m.Text, passes[0]) && m.ID != shown.ID {
				t.Errorf("%s sees the pass in %+v", person, m)
			}
		}
	}

	// The answer is spoilt: an error that quotes it, and a body that is cut.
	for _, spoil := range []func(w http.ResponseWriter, status int, body []byte){
		func(w http.ResponseWriter, _ int, body []byte) {
			quoted, _ := json.Marshal(map[string]any{"error": map[string]any{"code": "generalException", "message": string(body)}})
			w.WriteHeader(http.StatusBadGateway)
			_, _ = w.Write(quoted)
		},
		func(w http.ResponseWriter, status int, body []byte) {
			w.Header().Set("Content-Length", fmt.Sprint(len(body)+1))
			w.WriteHeader(status)
			_, _ = w.Write(body)
		},
	} {
		s.tenant.spoiled(spoil)
		s.ended(s.collects("sue"))
	}

	// The program is killed, or told to show its stacks, as the answer arrives.
	signals := []syscall.Signal{syscall.SIGKILL, syscall.SIGQUIT, syscall.SIGKILL, syscall.SIGQUIT}
	if dsn != "" {
		signals = signals[:2] // what they leave is looked into only once their lease is over
	}
	for i, signal := range signals {
		proc := s.proc
		s.tenant.spoiled(func(w http.ResponseWriter, status int, body []byte) {
			w.WriteHeader(status)
			_, _ = w.Write(body)
			time.AfterFunc(time.Duration(i)*2*time.Millisecond, func() { _ = proc.cmd.Process.Signal(signal) })
		})
		request := s.collects([]string{"sam", "sue"}[i%2])
		<-proc.gone
		s.tenant.spoiled(nil)
		s.start()
		if dsn == "" {
			s.ended(request)
		}
	}
	passes = s.tenant.created()
	if want := 3 + len(signals); len(passes) != want {
		t.Errorf("%d passes were created, want %d", len(passes), want)
	}
	secrets := passes
	if dsn != "" {
		secrets = append(secrets, canaryPassword)
	}
	s.searchAll(dsn, secrets) // while it runs, with all side files …
	s.proc.end()
	s.searchAll(dsn, secrets) // … and after its end
}

// TestG24DatabasePassword holds that a database that cannot be reached is named
// without its password.
func TestG24DatabasePassword(t *testing.T) {
	t.Parallel()
	for _, dsn := range []string{
		"postgres://twokey:" + url.QueryEscape(canaryPassword) + "@127.0.0.1:1/twokey", "postgres://twokey:" + url.QueryEscape(canaryPassword) + "@127.0.0.1:1/twokey?sslmode=nonsense",
		"postgres://twokey:" + url.QueryEscape(canaryPassword) + "@127.0.0.1:port/twokey",
	} {
		var out output
		ctx, cancel := context.WithTimeout(t.Context(), longEnough)
		status := run(ctx, []string{"demo", "--addr", "127.0.0.1:0", "--data", t.TempDir(), "--store", dsn}, streams{strings.NewReader(""), &out, &out})
		cancel()
		if status == 0 {
			t.Errorf("the demo came up with %s", dsn)
		}
		search(t, "what the program said", []byte(out.String()), []string{canaryPassword})
	}
}
