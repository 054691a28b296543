package commands

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"twokey/chat"
	"twokey/graph"
	"twokey/graph/rollout"
)

// The lists that can be taken in, as they are called to people.
const (
	smtpList   = "SMTP AUTH list of the Exchange admin centre"
	signInList = "sign-in list of the portal"
)

// legacyListed is what a list says of old protocols.
type legacyListed struct {
	source  string
	rows    int // that were read
	senders []legacySender
	modern  int // rows of a modern sign-in
	failed  int // rows of sign-ins that did not succeed
}

// legacySender is who sends or signs in by an old protocol.
type legacySender struct {
	address   string
	count     int       // messages, or sign-ins
	last      time.Time // zero if the list does not say
	protocols []rollout.Protocol
}

func (s legacySender) words(source string) string {
	what := "message"
	if source == signInList {
		what = "sign-in"
	}
	words := source + ": " + plural(strconv.Itoa(s.count), what) + " by " + protocolNames(s.protocols)
	if !s.last.IsZero() {
		words += ", last on " + s.last.UTC().Format("2 January 2006")
	}
	return words
}

// leftOut says which rows were read and are not of interest.
func (l legacyListed) leftOut() string {
	var words []string
	if l.modern > 0 {
		words = append(words, plural(strconv.Itoa(l.modern), "row")+" of a modern sign-in")
	}
	if l.failed > 0 {
		words = append(words, plural(strconv.Itoa(l.failed), "row")+" of sign-ins that did not succeed")
	}
	if len(words) == 0 {
		return ""
	}
	return "Left out: " + strings.Join(words, ", ") + "."
}

// readLegacyList reads a list that somebody has pasted, with commas, semicolons
// or, out of a spreadsheet, tabs between its cells. Every row has to be right:
// the error is a sentence that names the line.
func readLegacyList(text string, now time.Time) (legacyListed, error) {
	text = strings.TrimPrefix(strings.TrimSpace(text), "\ufeff")
	first, _, _ := strings.Cut(text, "\n")
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.FieldsPerRecord = delimiter(first), -1
	heading, err := r.Read()
	if err != nil && !errors.Is(err, io.EOF) {
		return legacyListed{}, unreadable(err)
	}
	columns := map[string]int{}
	for i, name := range heading {
		columns[strings.ToLower(strings.TrimSpace(name))] = i
	}
	read, l := rowReader(columns), legacyListed{}
	if read == nil {
		return l, &mistake{
			"I cannot tell which list this is by its first line, " + shown(first) + ".",
			"The SMTP AUTH list has the columns “Sender address” and “Messages sent”, the list of sign-ins “Username”, “Client app” and “Status”. Nothing was stored.",
		}
	}
	l.source = read.source
	found := map[string]*legacySender{}
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return legacyListed{}, unreadable(err)
		}
		line, _ := r.FieldPos(0)
		if len(cells) != len(heading) {
			return legacyListed{}, badRow(line, fmt.Sprintf("has %s where the heading has %d", plural(strconv.Itoa(len(cells)), "cell"), len(heading)))
		}
		l.rows++
		if why := read.row(&l, found, cells, now); why != "" {
			return legacyListed{}, badRow(line, why)
		}
	}
	if l.rows == 0 {
		return legacyListed{}, &mistake{"The list has a heading and no row under it.", "Copy it with its rows. Nothing was stored."}
	}
	for _, s := range found {
		l.senders = append(l.senders, *s)
	}
	slices.SortFunc(l.senders, func(a, b legacySender) int {
		return cmp.Or(cmp.Compare(b.count, a.count), strings.Compare(a.address, b.address))
	})
	return l, nil
}

// delimiter is what stands most often in the heading.
func delimiter(heading string) rune {
	best, most := ',', 0
	for _, d := range "\t;," {
		if n := strings.Count(heading, string(d)); n > most {
			best, most = d, n
		}
	}
	return best
}

func unreadable(err error) error {
	line := 1
	if e, ok := errors.AsType[*csv.ParseError](err); ok {
		line = e.StartLine
	}
	return badRow(line, "has quotation marks that do not close or stand inside a cell")
}

func badRow(line int, why string) error {
	return &mistake{fmt.Sprintf("Line %d of the list %s.", line, why), "Nothing was stored. Export or copy it once more, whole and unchanged."}
}

// listReader reads the rows of one kind of list.
type listReader struct {
	source                                      string
	address, count, protocol, client, state, at int // columns, -1 for none
}

// rowReader returns what reads a list of such columns, nil if it is none of ours.
func rowReader(columns map[string]int) *listReader {
	column := func(names ...string) int {
		for _, name := range names {
			if i, ok := columns[name]; ok {
				return i
			}
		}
		return -1
	}
	r := &listReader{
		source: smtpList, address: column("sender address"), count: column("messages sent", "message count"), protocol: column("authentication protocol", "auth protocol"),
		client: -1, state: -1, at: -1,
	}
	if r.address >= 0 && r.count >= 0 {
		return r
	}
	r = &listReader{
		source: signInList, address: column("username", "user principal name"), client: column("client app"), state: column("status"), at: column("date (utc)", "date"),
		count: -1, protocol: -1,
	}
	if r.address >= 0 && r.client >= 0 && r.state >= 0 {
		return r
	}
	return nil
}

// row takes a row in, or says what is wrong with it.
func (r *listReader) row(l *legacyListed, found map[string]*legacySender, cells []string, now time.Time) (wrong string) {
	address := strings.TrimSpace(cells[r.address])
	if name, domain, ok := strings.Cut(address, "@"); !ok || name == "" || domain == "" || strings.ContainsAny(domain, "@ ") || chat.Hidden(address) || len(address) > 320 {
		return "has no address where one belongs, but " + shown(address)
	}
	n, protocol, at := 1, rollout.SMTPAuth, time.Time{}
	if r.source == smtpList {
		count := strings.NewReplacer(",", "", ".", "", " ", "", "\u00a0", "").Replace(cells[r.count])
		var err error
		if n, err = strconv.Atoi(count); err != nil || n < 0 {
			return "has no number of messages, but " + shown(cells[r.count])
		}
		if r.protocol >= 0 && strings.Contains(strings.ToLower(cells[r.protocol]), "oauth") {
			l.modern++
			return ""
		}
	} else {
		client := strings.TrimSpace(cells[r.client])
		if r.at >= 0 {
			var ok bool
			if at, ok = listedTime(cells[r.at]); !ok || at.After(now.Add(24*time.Hour)) {
				return "has no day that has been, but " + shown(cells[r.at])
			}
		}
		switch {
		case !graph.LegacyClient(client):
			l.modern++
			return ""
		case !strings.EqualFold(strings.TrimSpace(cells[r.state]), "success"):
			l.failed++
			return ""
		}
		protocol = rollout.ProtocolOf(client)
	}
	key := strings.ToLower(address)
	if found[key] == nil {
		found[key] = &legacySender{address: address}
	}
	s := found[key]
	s.count += n
	if at.After(s.last) {
		s.last = at
	}
	if !slices.Contains(s.protocols, protocol) {
		s.protocols = append(s.protocols, protocol)
	}
	return ""
}

// listedTime reads a moment as the portal writes it, or as a spreadsheet keeps it.
func listedTime(text string) (time.Time, bool) {
	text = strings.TrimSpace(text)
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly, "1/2/2006, 3:04:05 PM", "1/2/2006 15:04", "1/2/2006 3:04:05 PM", "1/2/2006"} {
		if at, err := time.Parse(layout, text); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}
