package config

import (
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
)

// value is one scalar.
type value struct {
	// take takes the text and returns what is wrong with it, a sentence that
	// follows the key.
	take func(r *reader, text string) string
	form form
}

func (value) keys(string) []string { return nil }

func (value) fill(*reader) {}

func (v value) schema(string, *guidebook) form { return v.form }

func (v value) read(r *reader, key string, n ast.Node) {
	s, ok := text(n)
	switch {
	case !ok:
		r.wrong(lineOf(n), key, "want one value, on the line of the key")
	case s == "":
		r.wrong(lineOf(n), key, "is empty; give a value or take it out")
	default:
		if wrong := v.take(r, s); wrong != "" {
			r.wrong(lineOf(n), key, "%s", wrong)
		}
	}
}

// text returns a scalar as it was written, so that 0123 stays an ID and yes
// stays a word.
func text(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return "", false
	case *ast.NullNode:
		return "", true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	default:
		return "", false
	}
}

// shown is a text of the file's as it may stand in a sentence.
func shown(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, s)
	if utf8.RuneCountInString(s) > 60 {
		s = string([]rune(s)[:60]) + "…"
	}
	return s
}

func quoted(s string) string { return "“" + shown(s) + "”" }

// words take any line of text for people.
func words(into *string) value {
	return value{func(_ *reader, s string) string {
		if utf8.RuneCountInString(s) > 200 || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
			return "want one line of at most 200 characters"
		}
		*into = s
		return ""
	}, texts(`^.{1,200}$`)}
}

// choice takes one of a set.
func choice(into *string, set ...string) value {
	return value{func(_ *reader, s string) string {
		if !slices.Contains(set, s) {
			return fmt.Sprintf("%s is not a choice; %s", quoted(s), among(set, s))
		}
		*into = s
		return ""
	}, form{"enum": set}}
}

func truth(into *bool) value {
	return value{func(_ *reader, s string) string {
		if s != "true" && s != "false" {
			return fmt.Sprintf("%s is neither true nor false; write one of them", quoted(s))
		}
		*into = s == "true"
		return ""
	}, form{"type": "boolean"}}
}

func number(into *int, least, most int) value {
	return value{func(_ *reader, s string) string {
		n, err := strconv.Atoi(s)
		if err != nil || n < least || n > most {
			return fmt.Sprintf("%s is no whole number from %d to %d; write one", quoted(s), least, most)
		}
		*into = n
		return ""
	}, form{"type": "integer", "minimum": least, "maximum": most}}
}

// Lengths that a duration may be given in beside those of package time. A year
// is a long one: what must be kept for seven is not gone a day early.
const (
	minute = time.Minute
	day    = 24 * time.Hour
	year   = 366 * day
)

var inDays = regexp.MustCompile(`^(\d{1,5})([dwy])$`)

func duration(into *time.Duration, least, most time.Duration) value {
	return value{func(_ *reader, s string) string {
		d, err := time.ParseDuration(s)
		if m := inDays.FindStringSubmatch(s); m != nil {
			n, _ := strconv.Atoi(m[1]) // five digits
			d, err = time.Duration(n)*map[string]time.Duration{"d": day, "w": 7 * day, "y": year}[m[2]], nil
		}
		if err != nil || d < least || d > most {
			return fmt.Sprintf("%s is no time from %s to %s; write it as 90s, 15m, 8h, 2d or 7y", quoted(s), length(least), length(most))
		}
		*into = d
		return ""
	}, texts(`^([0-9]{1,5}[dwy]|([0-9]+(\.[0-9]+)?(ms|s|m|h))+)$`)}
}

// length spells a duration as it may be written.
func length(d time.Duration) string {
	switch {
	case d >= year && d%year == 0:
		return fmt.Sprintf("%dy", d/year)
	case d >= 2*day && d%day == 0:
		return fmt.Sprintf("%dd", d/day)
	default:
		return strings.TrimSuffix(strings.TrimSuffix(d.String(), "0s"), "0m")
	}
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// weekly takes a moment of the week, "mon 09:00".
func weekly(weekday *time.Weekday, since *time.Duration) value {
	return value{func(_ *reader, s string) string {
		name, clock, _ := strings.Cut(s, " ")
		at, err := time.Parse("15:04", clock)
		i := slices.Index(weekdays, strings.ToLower(name))
		if err != nil || i < 0 {
			return fmt.Sprintf("%s is no moment of the week; write it as mon 09:00", quoted(s))
		}
		*weekday = time.Weekday(i)
		*since = time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute
		return ""
	}, texts(`^[A-Za-z]{3} [0-9]{1,2}:[0-9]{2}$`)}
}

func zone(into *string) value {
	return value{func(_ *reader, s string) string {
		if _, err := time.LoadLocation(s); err != nil || s == "Local" {
			return fmt.Sprintf("%s is no time zone; write it as Europe/Madrid or UTC", quoted(s))
		}
		*into = s
		return ""
	}, texts(`^(UTC|[A-Z][A-Za-z0-9_+/-]+)$`)}
}

var (
	objectID  = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
	principal = regexp.MustCompile(`^[A-Za-z0-9'.\-_!#^~+%&=]{1,113}@[A-Za-z0-9](?:[A-Za-z0-9\-]*\.)+[A-Za-z]{2,}$`)
	slackUser = regexp.MustCompile(`^[TE][A-Z0-9]{2,20}/[UW][A-Z0-9]{2,20}$`)
	slackRoom = regexp.MustCompile(`^[CG][A-Z0-9]{2,20}$`)
	snowflake = regexp.MustCompile(`^[1-9][0-9]{14,19}$`)
	variable  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// guid takes an ID of the directory.
func guid(into *string, whose string) value {
	return value{func(_ *reader, s string) string {
		id := strings.ToLower(s)
		if !objectID.MatchString(id) {
			return fmt.Sprintf("%s is no %s; it is 32 hex digits, as 00000000-0000-0000-0000-000000000000", quoted(s), whose)
		}
		*into = id
		return ""
	}, texts(eitherCase(objectID))}
}

// user takes an account by object ID or UPN.
func user(into *string) shape {
	return value{func(_ *reader, s string) string {
		if id := strings.ToLower(s); objectID.MatchString(id) {
			*into = id
			return ""
		}
		if !principal.MatchString(s) {
			return fmt.Sprintf("%s is neither an object ID nor a user principal name as ada@vale.example; give one of them", quoted(s))
		}
		*into = s
		return ""
	}, texts(eitherCase(objectID), principal.String())}
}

func group(into *string) shape { return guid(into, "group's object ID") }

// matching takes what a pattern allows.
func matching(into *string, pattern *regexp.Regexp, want string) value {
	return value{func(_ *reader, s string) string {
		if !pattern.MatchString(s) {
			return fmt.Sprintf("%s is not %s", quoted(s), want)
		}
		*into = s
		return ""
	}, texts(pattern.String())}
}

func slackAccount(into *string) shape {
	return matching(into, slackUser, "a Slack workspace and user as T0123ABCD/U0456EFGH")
}

func slackChannel(into *string) value {
	return matching(into, slackRoom, "a Slack channel's ID as C0123ABCD")
}

func discordID(into *string) shape {
	v := matching(into, snowflake, "a Discord ID, 15 to 20 digits")
	v.form["type"] = []string{"string", "integer"}
	return v
}

// channel takes a channel of one of the platforms.
func channel(into *string) value {
	return value{func(_ *reader, s string) string {
		platform, id, _ := strings.Cut(s, "/")
		if platform == "slack" && slackRoom.MatchString(id) || platform == "discord" && snowflake.MatchString(id) {
			*into = s
			return ""
		}
		return fmt.Sprintf("%s is no channel; write it as slack/C0123ABCD or discord/123456789012345678", quoted(s))
	}, texts(`^(slack/[CG][A-Z0-9]{2,20}|discord/[1-9][0-9]{14,19})$`)}
}

func publicKey(into *string) value {
	return value{func(_ *reader, s string) string {
		if key, err := hex.DecodeString(s); err != nil || len(key) != 32 {
			return "want the app's public key, 64 hex digits"
		}
		*into = strings.ToLower(s)
		return ""
	}, texts(`^[0-9a-fA-F]{64}$`)}
}

// address takes an address that the program speaks to: https, or plain http on
// this machine.
func address(into *string) value {
	return value{func(_ *reader, s string) string {
		u, err := url.Parse(s)
		switch {
		case err != nil || u.Host == "" || u.Hostname() == "":
			return fmt.Sprintf("%s is no address; write the whole, as https://graph.microsoft.com/v1.0", quoted(s))
		case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(s, "#"):
			return "want an address without a name, password, query or fragment"
		case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
			*into = strings.TrimSuffix(s, "/")
			return ""
		default:
			return fmt.Sprintf("%s is not https; write https: plain http is only for this machine itself", quoted(s))
		}
	}, texts(`^https?://[^ #?]+$`)}
}

// base takes the root of Graph's v1.0, which beta stands beside.
func base(into *string) value {
	return value{func(r *reader, s string) string {
		if wrong := address(into).take(r, s); wrong != "" {
			return wrong
		}
		if !strings.HasSuffix(*into, "/v1.0") {
			return "want an address that ends in /v1.0"
		}
		return ""
	}, texts(`^https?://[^ #?]+/v1\.0/?$`)}
}

// authority takes where to sign in. Microsoft's library refuses plain http,
// even to this machine.
func authority(into *string) value {
	return value{func(r *reader, s string) string {
		if strings.HasPrefix(s, "http:") {
			return "want an https address, also on this machine"
		}
		return origin(into).take(r, s)
	}, texts(`^https://[^ #?/]+/?$`)}
}

// origin takes an address that has no path.
func origin(into *string) value {
	return value{func(r *reader, s string) string {
		if wrong := address(into).take(r, s); wrong != "" {
			return wrong
		}
		if u, err := url.Parse(*into); err != nil || u.Path != "" {
			*into = ""
			return "want an address without a path"
		}
		return ""
	}, texts(`^https?://[^ #?/]+/?$`)}
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// authContext takes the ID of an authentication context.
func authContext(into *string) value {
	return value{func(_ *reader, s string) string {
		if !contextID.MatchString(s) {
			return fmt.Sprintf("%s is no authentication context; they are c1 to c99", quoted(s))
		}
		*into = s
		return ""
	}, texts(contextID.String())}
}

var contextID = regexp.MustCompile(`^c[1-9][0-9]?$`)

// listening takes where to listen.
func listening(into *string) value {
	return value{func(_ *reader, s string) string {
		host, port, err := net.SplitHostPort(s)
		n, bad := strconv.ParseUint(port, 10, 16)
		if err != nil || bad != nil || n == 0 || strings.ContainsAny(host, "/ @") {
			return fmt.Sprintf("%s is no place to listen; write it as 127.0.0.1:8080 or :443", quoted(s))
		}
		*into = s
		return ""
	}, texts(`^[^/ @]*:[0-9]{1,5}$`)}
}

// file takes the name of a file, relative to the configuration's own.
func file(into *string) value {
	return value{func(r *reader, s string) string {
		*into = r.path(s)
		return ""
	}, texts(`.`)}
}

// hostName is the name of a host, with a point in it.
var hostName = regexp.MustCompile(`^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$`)

// host takes the name of a host.
func host(into *string) shape {
	return value{func(_ *reader, s string) string {
		if *into = strings.ToLower(s); !hostName.MatchString(*into) {
			return fmt.Sprintf("%s is no host's name, like intranet.vale.example", quoted(s))
		}
		return ""
	}, texts(`^[A-Za-z0-9.-]+\.[A-Za-z]{2,63}$`)}
}

// receiver takes where audit heads go.
func receiver(into *string) shape {
	return value{func(r *reader, s string) string {
		switch to, mail := strings.CutPrefix(s, "mailto:"); {
		case mail && principal.MatchString(to):
			*into = s
			return ""
		case strings.HasPrefix(s, "https:"), strings.HasPrefix(s, "http:"):
			return address(into).take(r, s)
		case !mail && filepath.IsAbs(s):
			*into = filepath.Clean(s)
			return ""
		default:
			return fmt.Sprintf("%s is no place for heads; want a file from the root, a mailto: or an https: address", quoted(s))
		}
	}, texts(`^(/|mailto:|https?://).+$`)}
}
