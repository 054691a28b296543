package link_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"twokey/chat/visit"
)

// collect presses “Show it once” and returns the page as it comes.
func (b *browser) collect() (*bufio.Reader, *http.Response) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), "POST", b.url+"/link/pass", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	response, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	return bufio.NewReader(response.Body), response
}

// until reads a page as far as a text, which it ends with.
func until(t *testing.T, page *bufio.Reader, text string) string {
	t.Helper()
	var got strings.Builder
	for !strings.HasSuffix(got.String(), text) {
		c, err := page.ReadByte()
		if err != nil {
			t.Fatalf("the page ended before %q: %v\n%s", text, err, got.String())
		}
		got.WriteByte(c)
	}
	return got.String()
}

// TestLinkCollect shows what was created once, to whoever has signed in in that
// very browser, and keeps it nowhere.
func TestLinkCollect(t *testing.T) {
	t.Parallel()
	p := open(t, options{})
	b := p.browser()
	b.begin(p.desk.ask(visit.Collect, "ada"))
	b.do("POST", "/link/pass", url.Values{}).wants(t, "before signing in", http.StatusGone)
	b.signIn("bea").wants(t, "somebody else", http.StatusForbidden)
	b.do("POST", "/link/pass", url.Values{}).wants(t, "somebody else pressing all the same", http.StatusGone)
	b.signIn("ada").wants(t, "signed in", 200, "Show it once", "Give “Sam Rivera” a Temporary Access Pass")
	b.get("/link/visit").wants(t, "the page again", 200, "Show it once")
	if passes, _ := p.desk.count(); passes != 0 {
		t.Fatal("a pass was created before anybody pressed")
	}
	page, response := b.collect()
	defer response.Body.Close()
	text := until(t, page, `width="1" height="1">`)
	for name, want := range map[string]string{"Cache-Control": "no-store", "X-Accel-Buffering": "no"} {
		if got := response.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if !strings.Contains(text, pass) || !strings.Contains(text, "once") {
		t.Errorf("the page shows no pass:\n%s", text)
	}
	_, receipt, _ := strings.Cut(text, `<img src="`)
	receipt, _, _ = strings.Cut(receipt, `"`)
	b.get("/link/seen/guess").wants(t, "a receipt that is none", http.StatusNoContent)
	b.get(receipt).wants(t, "the receipt", http.StatusNoContent)
	rest, err := io.ReadAll(page)
	if err != nil || !strings.HasSuffix(string(rest), "</html>\n") || strings.Contains(string(rest), "taken back") {
		t.Errorf("the page ends with %q, %v", rest, err)
	}
	if passes, taken := p.desk.count(); passes != 1 || taken != 0 {
		t.Errorf("%d passes, %d taken back", passes, taken)
	}
	b.do("POST", "/link/pass", url.Values{}).wants(t, "a second time", http.StatusGone)
	for name, kept := range map[string]string{"the log": p.log.String(), "the page of before": b.get("/link/visit").text, "a cookie": b.cookie("__Host-twokey-person")} {
		if strings.Contains(kept, pass) {
			t.Errorf("%s holds the pass: %s", name, kept)
		}
	}
}

// TestLinkCollectUnseen takes back what no browser said that it has: because it
// never did, or because it left.
func TestLinkCollectUnseen(t *testing.T) {
	t.Parallel()
	ready := func(t *testing.T, limit time.Duration) (*place, *browser) {
		p := open(t, options{})
		p.desk.limit = limit
		b := p.browser()
		b.begin(p.desk.ask(visit.Collect, "ada"))
		b.signIn("ada").wants(t, "signed in", 200, "Show it once")
		return p, b
	}
	t.Run("no receipt", func(t *testing.T) {
		t.Parallel()
		p, b := ready(t, 50*time.Millisecond)
		b.do("POST", "/link/pass", url.Values{}).wants(t, "the page", 200, pass, "The pass was taken back", "</html>")
		if passes, taken := p.desk.count(); passes != 1 || taken != 1 {
			t.Errorf("%d passes, %d taken back", passes, taken)
		}
	})
	t.Run("the browser leaves", func(t *testing.T) {
		t.Parallel()
		p, b := ready(t, time.Minute)
		page, response := b.collect()
		until(t, page, pass)
		if err := response.Body.Close(); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(20 * time.Second); ; {
			if _, taken := p.desk.count(); taken == 1 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("the pass was not taken back")
			}
			time.Sleep(5 * time.Millisecond)
		}
	})
}
