package pgtest

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Fate is what becomes of a statement on its way through a [Proxy].
type Fate int

// The fates. Either loss cuts the connection.
const (
	Passed     Fate = iota // as if nothing were in between
	Lost                   // it never reaches the server
	Unanswered             // it is carried out, and the answer is lost
)

// Proxy stands between a store and its server. It understands just enough of
// the protocol to see each statement before the server does.
type Proxy struct {
	DSN string // of the database, through the proxy

	mu   sync.Mutex
	fate func(statement string) Fate
}

// NewProxy stands before the database until the test ends.
func NewProxy(t testing.TB, dsn string) *Proxy {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	const socket = ".s.PGSQL.5432"
	server := filepath.Join(u.Query().Get("host"), socket)
	dir, err := os.MkdirTemp("", "pgproxy-")
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(dir, socket))
	if err != nil {
		t.Fatal(err)
	}
	u.RawQuery = url.Values{"host": {dir}}.Encode()
	p := &Proxy{DSN: u.String(), fate: func(string) Fate { return Passed }}
	var links sync.WaitGroup
	links.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			links.Go(func() { p.link(c, server) })
		}
	})
	t.Cleanup(func() {
		if err := errors.Join(l.Close(), os.RemoveAll(dir)); err != nil {
			t.Errorf("close proxy: %v", err)
		}
		links.Wait() // the store was closed before
	})
	return p
}

// Decide makes f decide about each statement from now on. It is called before
// the statement is passed on, by one goroutine for each connection.
func (p *Proxy) Decide(f func(statement string) Fate) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fate = f
}

func (p *Proxy) decide(statement string) Fate {
	p.mu.Lock()
	f := p.fate
	p.mu.Unlock()
	return f(statement)
}

// link is one connection through the proxy.
func (p *Proxy) link(client net.Conn, address string) {
	defer client.Close()
	server, err := net.Dial("unix", address)
	if err != nil {
		return
	}
	defer server.Close()
	unanswered := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer client.Close()
		answers(client, server, unanswered)
	}()
	p.statements(client, server, unanswered)
	select {
	case <-unanswered: // until the answer is there, and goes nowhere
	default:
		_ = server.Close()
	}
	<-ended
}

// answers passes on what the server says, up to the answer that is to be lost.
func answers(client, server net.Conn, unanswered chan struct{}) {
	buffer := make([]byte, 1<<16)
	for {
		n, err := server.Read(buffer)
		select {
		case <-unanswered:
			return
		default:
		}
		if n > 0 {
			if _, err := client.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// statements passes on what the client says, until it ends or is cut. A
// statement that was parsed is answered at the Sync after it.
func (p *Proxy) statements(client, server net.Conn, unanswered chan struct{}) {
	last, parsed := false, map[string]string{}
	for first := true; ; first = false {
		kind, message, err := read(client, first)
		if err != nil {
			return
		}
		fate := Passed
		if text, ok := statement(kind, message, parsed); ok {
			fate = p.decide(text)
		}
		if fate == Lost {
			return
		}
		if fate == Unanswered && !last {
			last = true
			close(unanswered)
		}
		if _, err := server.Write(message); err != nil || last && (kind == 'Q' || kind == 'S') {
			return
		}
	}
}

// read reads one message as it is. The first of a connection has no kind.
func read(r io.Reader, first bool) (kind byte, message []byte, err error) {
	head := make([]byte, 5)
	if first {
		head = head[:4]
	}
	if _, err := io.ReadFull(r, head); err != nil {
		return 0, nil, err
	}
	length := binary.BigEndian.Uint32(head[len(head)-4:])
	if length < 4 || length > 1<<26 {
		return 0, nil, errors.New("that is no message")
	}
	message = append(head, make([]byte, length-4)...)
	_, err = io.ReadFull(r, message[len(head):])
	if !first {
		kind = head[0]
	}
	return kind, message, err
}

// statement is the text of what a message has carried out: a query, or one that
// was parsed before under some name, maybe none.
func statement(kind byte, message []byte, parsed map[string]string) (string, bool) {
	if kind != 'Q' && kind != 'P' && kind != 'B' {
		return "", false
	}
	parts := strings.SplitN(string(message[5:]), "\x00", 3)
	switch kind {
	case 'Q':
		return parts[0], true
	case 'P':
		parsed[parts[0]] = parts[1]
		return "", false
	default:
		return parsed[parts[1]], true // of a portal
	}
}
