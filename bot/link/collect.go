package link

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"sync"

	"twokey/graph"
)

// receipts are the pages that wait for their browser to say that it has them.
type receipts struct {
	mu      sync.Mutex
	waiting map[string]chan struct{}
}

// expect returns a word that is in one page alone, and what is closed when the
// browser has asked for the address with it.
func (w *receipts) expect() (word string, came <-chan struct{}, forget func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting == nil {
		w.waiting = map[string]chan struct{}{}
	}
	word = rand.Text()
	c := make(chan struct{})
	w.waiting[word] = c
	return word, c, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.waiting, word)
	}
}

func (w *receipts) take(word string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c, ok := w.waiting[word]; ok {
		delete(w.waiting, word)
		close(c)
	}
}

// received is a picture in the page with the pass, below it: a browser that asks
// for it has read the pass.
func (p *Page) received(w http.ResponseWriter, r *http.Request) error {
	p.seen.take(r.PathValue("id"))
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// errUnseen is a page of which no browser said that it has it.
var errUnseen = errors.New("no browser has said that it shows the pass")

// pass has a pass created and shows it, once. The page is written as far as the
// pass and its receipt, and ended once that has come, or with the news that the
// pass was taken back. Nothing of it is kept.
func (p *Page) pass(w http.ResponseWriter, r *http.Request) error {
	ticket, v, err := p.visit(r)
	if err != nil {
		return err
	}
	say := p.say(r, v)
	var s sheet // of the page that has begun
	sentence, err := p.cfg.Desk.Collect(r.Context(), ticket, func(ctx context.Context, pass graph.Pass) error {
		receipt, came, forget := p.seen.expect()
		defer forget()
		s = say.pass(pass, seenPath+receipt)
		if err := p.beginPage(w, s); err != nil {
			return err
		}
		select {
		case <-came:
			return nil
		case <-r.Context().Done():
			return errUnseen
		case <-ctx.Done():
			return errUnseen
		}
	})
	began := s.Title != ""
	if err != nil && !began {
		return err
	}
	if !began {
		return p.show(w, http.StatusOK, say.uncollected(sentence))
	}
	if err != nil {
		p.cfg.Log.ErrorContext(r.Context(), "a pass was begun to be shown, and what became of it is not known", "error", err)
		sentence = say.Say("What became of the pass is not known. Do not use it, and ask in the chat.")
	}
	s.Alert = sentence
	_ = p.html.ExecuteTemplate(w, "bottom", s) // fails only if the reader has gone
	return nil
}

// beginPage writes a page up to its end.
func (p *Page) beginPage(w http.ResponseWriter, s sheet) error {
	var b bytes.Buffer
	if err := p.html.ExecuteTemplate(&b, "top", s); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if _, err := w.Write(b.Bytes()); err != nil {
		return err
	}
	return http.NewResponseController(w).Flush()
}

// passTimes are written in the page's zone.
const passTimes = "2 Jan 2006 15:04 MST"
