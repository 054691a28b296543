package msgraph

import (
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"

	khttp "github.com/microsoft/kiota-http-go"
)

// redirectAllowed lets a read follow a redirect on the host that it asked, and
// the read of a file one to Microsoft's hosts of reports too.
func (c *Client) redirectAllowed(req *http.Request, res *http.Response) bool {
	if res.StatusCode < 300 || res.StatusCode > 399 { // a success may have a Location too
		return false
	}
	to, err := res.Location()
	if err != nil || req.Method != http.MethodGet || to.User != nil {
		return false
	}
	call, ok := callFrom(req.Context())
	if !ok || (to.Scheme != req.URL.Scheme || to.Host != req.URL.Host) && !(call.op.file && c.keepsFiles(to)) {
		return false
	}
	// The handler would leave the redirecting answer open.
	_ = res.Body.Close()
	return true
}

// keepsFiles reports whether an address may be that of a report's file: it is
// below office.com, or on this machine as the tenant is.
func (c *Client) keepsFiles(u *url.URL) bool {
	if loopback(c.base) {
		return u.Scheme == c.base.Scheme && loopback(u)
	}
	return u.Scheme == "https" && u.Port() == "" && strings.HasSuffix(strings.ToLower(u.Hostname()), ".office.com")
}

// tokenAtHome takes our token off every request that is not for Graph itself:
// the address of a file is its own permission, and whoever keeps the file has
// no business with ours.
type tokenAtHome struct{ c *Client }

func (t tokenAtHome) Intercept(pipeline khttp.Pipeline, next int, req *http.Request) (*http.Response, error) {
	if !t.c.isHome(req.URL) {
		req = req.Clone(req.Context())
		req.Header.Del("Authorization")
	}
	return pipeline.Next(req, next)
}

// isHome reports whether an address is one of Graph's, on the tenant's host.
func (c *Client) isHome(u *url.URL) bool {
	root := strings.TrimSuffix(c.base.Path, "v1.0")
	return u.Scheme == c.base.Scheme && u.Host == c.base.Host &&
		(strings.HasPrefix(u.Path, root+"v1.0/") || strings.HasPrefix(u.Path, root+"beta/"))
}

// readableFile checks that a success is a file: a page that came with a good
// status is none.
func readableFile(contentType string) error {
	media, _, err := mime.ParseMediaType(contentType)
	if err == nil && (media == "application/octet-stream" || media == "text/csv" || media == "text/plain") {
		return nil
	}
	return errors.New("answer is not a file")
}
