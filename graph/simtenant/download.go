package simtenant

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Files are fetched from this place, which takes no bearer: the address itself
// is the permission.
const (
	downloads    = "data"
	downloadPath = "/" + downloads + "/download/"
	downloadLife = 5 * time.Minute
)

// ticket is what a download address stands for.
type ticket struct {
	Report string    `json:"r"`
	Days   int       `json:"d"`
	Date   time.Time `json:"t,omitzero"`
	App    string    `json:"a"` // to whom it was given
	Until  time.Time `json:"u"`
}

// csvFile is an answer's body that goes out as a file.
type csvFile struct {
	name string
	rows [][]string
}

// downloadAddress makes the address of a report's file. It is on another host
// than the one that was asked, as Graph's are, so that a client that carries
// its token along is found out; inside one program there is but one host.
func (c *call) downloadAddress(q usageQuery) string {
	raw, err := json.Marshal(ticket{Report: q.report, Days: q.days, Date: q.date, App: c.app, Until: c.view.now.Add(downloadLife)})
	if err != nil {
		return "" // a ticket is made of plain values
	}
	base := c.base
	if !c.inProcess {
		base = otherHost(base)
	}
	// In this alphabet tokens hold +, / and =, which have to survive on the way.
	token := base64.StdEncoding.EncodeToString(raw) + "." + base64.StdEncoding.EncodeToString(c.t.sign(raw))
	return base + downloadPath + q.report + "?token=" + url.QueryEscape(token)
}

// otherHost names this machine by its other name; other hosts stay as they are.
func otherHost(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return base
	}
	other := map[string]string{"127.0.0.1": "localhost", "::1": "localhost", "localhost": "127.0.0.1"}[u.Hostname()]
	if other == "" {
		return base
	}
	if port := u.Port(); port != "" {
		other = net.JoinHostPort(other, port)
	}
	u.Host = other
	return u.String()
}

func (t *Tenant) sign(raw []byte) []byte {
	mac := hmac.New(sha256.New, t.downloadKey)
	mac.Write(raw)
	return mac.Sum(nil)
}

var errTicket = errors.New("this address was not made here")

func (t *Tenant) ticket(token string) (ticket, error) {
	body, sum, _ := strings.Cut(token, ".")
	raw, err := base64.StdEncoding.DecodeString(body)
	if err != nil {
		return ticket{}, err
	}
	mac, err := base64.StdEncoding.DecodeString(sum)
	if err != nil || !hmac.Equal(mac, t.sign(raw)) {
		return ticket{}, errTicket
	}
	var k ticket
	return k, json.Unmarshal(raw, &k)
}

// download answers the file that an address stands for.
func (c *call) download() (*answer, error) {
	k, err := c.t.ticket(c.query.Get("token"))
	switch {
	case c.method != http.MethodGet:
		return nil, refuse(http.StatusMethodNotAllowed, "MethodNotAllowed", "A file can only be read.")
	case c.header.Get("Authorization") != "":
		return nil, refuse(http.StatusBadRequest, "InvalidAuthenticationInfo", "The address is signed already; an Authorization header must not come with it.")
	case err != nil || "/download/"+k.Report != c.path:
		return nil, refuse(http.StatusForbidden, "AuthenticationFailed", "The signature of the address does not match.")
	case c.view.now.After(k.Until):
		return nil, refuse(http.StatusForbidden, "AuthenticationFailed", "The address has expired.")
	}
	rows := usageReports[k.Report](&c.view, usageQuery{report: k.Report, days: k.Days, date: k.Date})
	return &answer{status: http.StatusOK, body: csvFile{k.Report + ".csv", rows}}, nil
}

// bytes is the file with the mark of UTF-8 at its beginning.
func (f csvFile) bytes() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("\ufeff")
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	if err := w.WriteAll(f.rows); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
