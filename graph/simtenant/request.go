package simtenant

import (
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxBody is the longest request body that is read.
const maxBody = 1 << 20

// call is one request to the tenant, from the wire or out of a batch.
type call struct {
	t       *Tenant
	ctx     context.Context
	method  string
	version string   // "v1.0" or "beta"
	path    string   // without the version, "/users/…"
	parts   []string // of the path, unescaped
	vars    []string // what stands for the wildcards of the route
	query   url.Values
	header  http.Header
	body    []byte
	base    string // "http://host", for links
	// inProcess says that the call came from inside this program.
	inProcess bool

	app             string
	caller          caller
	requestID       string
	clientRequestID string

	view   view
	fault  fault
	route  *route
	replay *Effect // set while the journal is read: what was applied then
}

// newCall reads everything of a request but its body.
func (t *Tenant) newCall(r *http.Request) (*call, error) {
	c := &call{
		t: t, ctx: r.Context(), method: r.Method, header: r.Header,
		app:       appOf(r.Header.Get("Authorization")),
		requestID: newID(), clientRequestID: r.Header.Get("client-request-id"), inProcess: r.RemoteAddr == "",
	}
	c.setBase(r)
	if c.clientRequestID == "" {
		c.clientRequestID = c.requestID
	}
	c.view = t.viewBack(0)
	if err := c.locate(r.URL.EscapedPath(), r.URL.RawQuery); err != nil {
		return c, err
	}
	return c, c.identify()
}

// setBase sets the root of the address at which the caller finds the tenant.
func (c *call) setBase(r *http.Request) {
	c.base = "http://" + r.Host
	if r.TLS != nil {
		c.base = "https://" + r.Host
	}
}

// locate takes the address of a call apart.
func (c *call) locate(escapedPath, rawQuery string) error {
	version, rest, _ := strings.Cut(strings.TrimPrefix(escapedPath, "/"), "/")
	c.version, c.path = strings.ToLower(version), "/"+rest
	for part := range strings.SplitSeq(strings.TrimSuffix(rest, "/"), "/") {
		plain, err := url.PathUnescape(part)
		if err != nil {
			return badRequest("The path is not properly escaped.")
		}
		c.parts = append(c.parts, plain)
	}
	c.splitKey()
	if plain, err := url.PathUnescape(c.path); err == nil {
		c.path = plain
	}
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return badRequest("The query string is not properly escaped.")
	}
	c.query = query
	if c.version != "v1.0" && c.version != "beta" && c.version != downloads {
		return refuse(http.StatusNotFound, "ResourceNotFound", "Invalid version: "+version)
	}
	return nil
}

// splitKey makes a part of its own of the key by which the path names an app,
// "applications(appId='…')": what follows is the same as after its object id.
func (c *call) splitKey() {
	name, key, ok := strings.Cut(c.parts[0], "(")
	if inside, closed := strings.CutSuffix(key, ")"); ok && closed && strings.HasPrefix(inside, "appId=") {
		c.parts = append([]string{name, inside}, c.parts[1:]...)
	}
}

// readBody reads the body of a request within its limit. Graph takes gzip, and
// the SDK sends it unless told not to.
func (c *call) readBody(w http.ResponseWriter, r *http.Request) error {
	sent := http.MaxBytesReader(w, r.Body, maxBody)
	body := io.Reader(sent)
	if strings.EqualFold(r.Header.Get("Content-Encoding"), "gzip") {
		unpacked, err := gzip.NewReader(sent)
		if err != nil {
			return badRequest("The request body is not compressed as its header says.")
		}
		body = io.LimitReader(unpacked, maxBody+1)
	}
	raw, err := io.ReadAll(body)
	if tooBig := (*http.MaxBytesError)(nil); errors.As(err, &tooBig) || len(raw) > maxBody {
		return refuse(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "The request body is larger than 1 MiB.")
	}
	if err != nil {
		return badRequest("The request body could not be read.")
	}
	c.body = raw
	return nil
}

// anonymous stands for a caller who does not say who it is.
const anonymous = "anonymous"

// appOf names the caller: the appid of a token, or the bearer itself where it
// is a short word, or "anonymous". Nothing is verified here, see [call.identify].
func appOf(authorization string) string {
	scheme, bearer, _ := strings.Cut(authorization, " ")
	bearer = strings.TrimSpace(bearer)
	if !strings.EqualFold(scheme, "Bearer") || bearer == "" {
		return anonymous
	}
	if parts := strings.Split(bearer, "."); len(parts) == 3 {
		var claims struct {
			AppID string `json:"appid"`
			AZP   string `json:"azp"`
		}
		payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
		if err == nil && json.Unmarshal(payload, &claims) == nil {
			switch {
			case claims.AppID != "":
				return claims.AppID
			case claims.AZP != "":
				return claims.AZP
			}
		}
	}
	if len(bearer) <= 64 && !strings.ContainsFunc(bearer, func(r rune) bool { return r < '!' || r > '~' }) {
		return bearer
	}
	return anonymous
}

// object decodes the body, which has to be one JSON object.
func (c *call) object() (document, error) {
	if len(c.body) == 0 {
		return nil, badRequest("Empty Payload. JSON content expected.")
	}
	var d document
	if err := json.Unmarshal(c.body, &d); err != nil || d == nil {
		return nil, badRequest("Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.")
	}
	return d, nil
}

// view is the tenant at one moment, as one caller sees it.
type view struct {
	t        *Tenant
	now      time.Time
	state    *state
	changes  int       // so many changes of accounts are seen
	versions []version // the newest last
	notes    []note
}

// stateAt returns what people had made of the tenant at a moment.
func (v *view) stateAt(at time.Time) *state {
	return v.versions[max(versionAt(v.versions, at), 0)].state
}
