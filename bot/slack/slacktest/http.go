package slacktest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Sign returns the signature of a body that leaves at a Unix time, as Slack
// makes it.
func Sign(secret, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("v0:" + timestamp + ":"))
	mac.Write(body)
	return "v0=" + hex.EncodeToString(mac.Sum(nil))
}

// request makes the signed request of an attempt. It needs w.mu.
func (w *Workspace) request(a *attempt) *http.Request {
	var body []byte
	path, kind := "/events", "application/json"
	switch a.d.kind {
	case kindCommand:
		path, kind, body = "/commands", "application/x-www-form-urlencoded", formOf(a.d.payload)
	case kindInteractive:
		path, kind = "/actions", "application/x-www-form-urlencoded"
		body = []byte(url.Values{"payload": {string(a.d.Payload())}}.Encode())
	default:
		body = a.d.Payload()
	}
	r := w.signed(path, kind, body)
	if a.d.kind == kindEvent && a.number > 0 {
		r.Header.Set("X-Slack-Retry-Num", strconv.Itoa(a.number))
		r.Header.Set("X-Slack-Retry-Reason", a.reason)
	}
	return r
}

// formOf is a flat payload as a form.
func formOf(payload map[string]any) []byte {
	form := url.Values{}
	for name, v := range payload {
		if text, ok := v.(string); ok {
			form.Set(name, text)
		}
	}
	return []byte(form.Encode())
}

// signed is a request that is signed now. It needs w.mu.
func (w *Workspace) signed(path, kind string, body []byte) *http.Request {
	r, err := http.NewRequest(http.MethodPost, strings.TrimSuffix(w.options.HTTP.URL, "/")+path, bytes.NewReader(body))
	if err != nil {
		panic(err) // the test's own address
	}
	at := strconv.FormatInt(w.now().Unix(), 10)
	r.Header.Set("Content-Type", kind)
	r.Header.Set("User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)")
	r.Header.Set("X-Slack-Request-Timestamp", at)
	r.Header.Set("X-Slack-Signature", Sign(w.options.HTTP.SigningSecret, at, body))
	return r
}

// post delivers an attempt by HTTP. It needs w.mu.
func (w *Workspace) post(a *attempt) {
	ctx, cancel := context.WithCancel(context.Background())
	a.cancel = cancel
	r := w.request(a).WithContext(ctx)
	w.running.Go(func() {
		defer cancel()
		body, status, header, err := w.do(r)
		w.mu.Lock()
		defer w.mu.Unlock()
		switch {
		case a.ended, w.closed:
		case err != nil:
			w.violate("%s could not be delivered: %v", a.d.kind, err)
			w.miss(a, "connection_failed")
		case status != http.StatusOK:
			w.complain("http_error", "%s was answered with status %d", a.d.kind, status)
			if header.Get("X-Slack-No-Retry") == "1" {
				a.number = len(retries)
			}
			w.miss(a, "http_error")
		default:
			w.settle(a, body)
		}
	})
}

// do sends a request, until Close at most.
func (w *Workspace) do(r *http.Request) (body []byte, status int, header http.Header, err error) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case <-w.quit:
			cancel()
		case <-stop:
		}
	}()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r.WithContext(ctx))
	if err != nil {
		return nil, 0, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return body, resp.StatusCode, resp.Header, err
}

// VerifyURL does what Slack does when an events address is entered, and reports
// whether the bot passed.
func (w *Workspace) VerifyURL() bool {
	w.mu.Lock()
	challenge := w.uuid()
	body, err := json.Marshal(map[string]any{"token": "deprecated", "challenge": challenge, "type": "url_verification"})
	if err != nil {
		panic(err) // strings
	}
	r := w.signed("/events", "application/json", body)
	w.mu.Unlock()
	answer, status, _, err := w.do(r)
	if err != nil || status != http.StatusOK {
		return false
	}
	var said struct {
		Challenge string `json:"challenge"`
	}
	return string(answer) == challenge || json.Unmarshal(answer, &said) == nil && said.Challenge == challenge
}

// CheckSSL does what Slack does now and then with a command's address, and
// returns the status.
func (w *Workspace) CheckSSL() int {
	w.mu.Lock()
	r := w.signed("/commands", "application/x-www-form-urlencoded", []byte("ssl_check=1&token=deprecated"))
	w.mu.Unlock()
	_, status, _, err := w.do(r)
	if err != nil {
		return 0
	}
	return status
}
