package msgraph

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// withoutEcho takes our own secrets out of answers that are no success. A
// gateway or a debugging proxy may answer an error with the request that caused
// it, and what an error says ends up in logs.
type withoutEcho struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (w withoutEcho) RoundTrip(req *http.Request) (*http.Response, error) {
	req, secrets, err := secretsOf(req)
	if err != nil {
		return nil, fmt.Errorf("read request body: %w", err)
	}
	res, err := w.next.RoundTrip(req)
	if err != nil || res.StatusCode/100 == 2 || len(secrets) == 0 {
		return res, err
	}
	mask := masking(secrets)
	for _, values := range res.Header {
		for i, v := range values {
			values[i] = mask.Replace(v)
		}
	}
	const largest = 1 << 20 // no error is longer that anybody has to read
	body, cut := io.ReadAll(io.LimitReader(res.Body, largest))
	_ = res.Body.Close()
	body = []byte(mask.Replace(string(body)))
	res.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), failing{cut}))
	if cut == nil {
		res.ContentLength = int64(len(body))
		res.Header.Del("Content-Length")
	}
	return res, nil
}

// failing ends a body as it ended for us.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return 0, io.EOF
}

// secretFields are the fields of a form at the token address that prove who we are.
var secretFields = []string{"client_secret", "client_assertion", "assertion", "refresh_token", "password", "code"}

// secretsOf returns what of a request nobody may read, and the request, whose
// body can be read again.
func secretsOf(req *http.Request) (*http.Request, []string, error) {
	var secrets []string
	for _, header := range []string{"Authorization", "X-Identity-Header"} {
		for _, v := range req.Header.Values(header) {
			if _, token, ok := strings.Cut(v, " "); ok {
				v = token
			}
			secrets = append(secrets, v)
		}
	}
	media, _, _ := mime.ParseMediaType(req.Header.Get("Content-Type"))
	if media != "application/x-www-form-urlencoded" || req.Body == nil {
		return req, secrets, nil
	}
	body, err := io.ReadAll(req.Body)
	_ = req.Body.Close()
	if err != nil {
		return nil, nil, err
	}
	req = req.Clone(req.Context())
	req.Body = io.NopCloser(bytes.NewReader(body))
	form, _ := url.ParseQuery(string(body)) // what can be read of it
	for _, name := range secretFields {
		secrets = append(secrets, form[name]...)
	}
	return req, secrets, nil
}

// A real secret is longer than shortest, and a part of one that could stand
// alone longer than shortestPart. Anything else would mask ordinary words.
const (
	shortest     = 8
	shortestPart = 16
)

// masking replaces secrets, and the parts of tokens, in each form in which they
// may stand in an answer.
func masking(secrets []string) *strings.Replacer {
	var forms []string
	for _, s := range secrets {
		if len(s) < shortest {
			continue
		}
		parts := []string{s}
		for part := range strings.SplitSeq(s, ".") {
			if len(part) >= shortestPart {
				parts = append(parts, part)
			}
		}
		for _, part := range parts {
			quoted, _ := json.Marshal(part) // a string: cannot fail
			forms = append(forms, part, url.QueryEscape(part), url.PathEscape(part), strings.Trim(string(quoted), `"`),
				base64.StdEncoding.EncodeToString([]byte(part)), base64.URLEncoding.EncodeToString([]byte(part)), hex.EncodeToString([]byte(part)))
		}
	}
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) }) // the whole before its parts
	var pairs []string
	for _, f := range forms {
		pairs = append(pairs, f, "(secret)")
	}
	return strings.NewReplacer(pairs...)
}
