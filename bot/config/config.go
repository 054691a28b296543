// Package config reads the configuration: one YAML file, strictly. A key that
// is not known, or a value that cannot be meant, is a mistake; each is found
// with its line, all of them at once, and the program does not start.
//
// The file holds no secret. A secret x is given as x_file or x_env, the name of
// a file or of an environment variable that holds it. Every address that the
// program speaks to can be set, for sovereign clouds and for test servers.
//
// What each key means is told by docs/twokey.example.yaml, which is held to
// name every key there is.
//
// The road of the file: read.go takes it apart, keys.go says which keys there
// are and what each may be (value.go), check.go holds them against each other,
// and rules.go makes the owner's rules of it.
package config

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"twokey/graph"
)

// Config is the effective configuration: what the file says, and the defaults
// for what it does not. Its secrets hide themselves however it is printed.
type Config struct {
	Tenants   []Tenant
	Slack     *Slack // nil: not used, as the two below
	Discord   *Discord
	Teams     *Teams
	Changes   []string // kinds of change that are switched on
	Approvals Approvals
	Digest    *Digest // nil: none is posted
	Audit     Audit
	Guide     Guide
	Store     Store
	Web       Web

	where func(key, text string) Mistake // in the file
}

// Mistake is one that only this program makes of a key: it says where the key
// stands, and text.
func (c *Config) Mistake(key, text string) Mistake { return c.where(key, text) }

// Tenant is one Microsoft 365 organisation.
type Tenant struct {
	ID              string // of the directory
	Name            string // for people; the tenant's own if empty
	Graph           Graph
	Protected       []string // accounts by object ID or UPN
	Emergency       []string // accounts by object ID or UPN
	Roles           map[string]Holders
	People          []Person
	Contact         string // whom people are told to call
	SecurityContact string // who is alerted
	MailFrom        string // the mailbox that people are mailed from; empty: nobody is
	ChatSignIn      string // "own" or "entra": through what people sign in to the chat; empty: not said
}

// Graph is how a tenant is spoken to.
type Graph struct {
	BaseURL      string
	AuthorityURL string
	CAFile       string // who vouches for those two; the system's if empty
	Auth         *Auth  // who reads
	WriteAuth    *Auth  // who changes; nil if no change is switched on
}

// Auth is how an app registration signs in.
type Auth struct {
	Method              string
	ClientID            string
	Certificate         graph.Secret // with its key, PEM or PKCS #12
	CertificatePassword graph.Secret
	Secret              graph.Secret
	TokenFile           string // holds a federated token that its platform renews
}

// Holders are who holds a role.
type Holders struct {
	Users  []string // by object ID or UPN
	Groups []string // by object ID
}

// Person pins the chat accounts of a directory user.
type Person struct {
	User    string   // object ID or UPN
	Slack   []string // "T…/U…"
	Discord []string // a user's ID
}

// Slack is the Slack app.
type Slack struct {
	Mode          string // "socket" or "http"
	AppToken      graph.Secret
	BotToken      graph.Secret
	SigningSecret graph.Secret
	APIURL        string
	Channels      Channels
}

// Channels are the channels that the bot writes to, by ID.
type Channels struct{ Admins, Team string }

// Discord is the Discord app.
type Discord struct {
	Mode          string // "gateway" or "http"
	Token         graph.Secret
	PublicKey     string // hex
	ApplicationID string
	Guild         string // the server
	APIURL        string
	Channels      Channels
}

// Teams is a Workflows webhook that the digest is posted to.
type Teams struct{ WebhookURL graph.Secret }

// Approvals are the owner's rules about deciding, as [rules.Rules] explains
// them.
type Approvals struct {
	Wait           time.Duration // from the quorum of two to the start
	Life           time.Duration // a request that nobody decides ends; zero: 8 working hours, 48 h at most
	Policies       map[string]Policy
	Backups        []string // approvers by object ID or UPN, asked once nobody answers
	Fallback       bool
	Manager        bool
	Admins         string // "refuse" or "two"
	Solo           bool
	StepUp         string // what must be proved at least: "password", "mfa" or "passkey"
	AcceptNoStepUp bool
	AcceptLockout  bool
	Many           int
	PerRequest     int
	PerHour        int
	MinAdmins      int
	MinEmergency   int
}

// Policy is what differs from the built-in policy for one kind of change.
type Policy struct {
	Policy    string        // "confirm", "one" or "two"
	Wait      time.Duration // from the quorum to the start
	Approvers []string      // by object ID or UPN
}

// Digest is the weekly digest.
type Digest struct {
	Channel string // "slack/C…" or "discord/…"
	Leaders string // likewise, for the monthly version; empty: there is none
	// Managers says that each manager is told of their own people once a month.
	Managers bool
	Day      time.Weekday
	At       time.Duration // since midnight
	Zone     string        // of the tz database
}

// Audit is what becomes of the audit record.
type Audit struct {
	HeadTo    []string // files, mailto: and https: addresses
	Retention time.Duration
}

// Guide is what an organisation adds to the staff guide.
type Guide struct {
	Folder string   // of its own articles; empty: there are none
	Links  []string // hosts to which articles and reminders may link, beside Microsoft's
	// OwnTexts says that texts come from a provider of the organisation's own.
	OwnTexts bool
}

// Store is where everything is kept. The DSN is a secret because that of a
// server may hold a password.
type Store struct{ DSN graph.Secret }

// Web is the program's one HTTP server.
type Web struct {
	Addr      string // where it listens; empty: nowhere
	PublicURL string // how browsers reach it; empty: not at all
	TLS       string // "auto", "files" or "proxy"
	CertFile  string
	KeyFile   string
	CertDir   string  // where the certificates are kept that auto gets
	ACMEURL   string  // of whom it gets them
	SignIn    *SignIn // nil: nobody signs in there
}

// SignIn is the app registration that people sign in to on the page.
type SignIn struct {
	ClientID     string
	ClientSecret graph.Secret
	// Context is the authentication context for which a Conditional Access policy
	// demands two factors; empty: there is none.
	Context string
}

// Paged reports whether there is a page on which people prove who they are.
func (c *Config) Paged() bool { return c.Web.PublicURL != "" && c.Web.SignIn != nil }

// Options are what must be known to read a configuration.
type Options struct {
	Kinds  []string                    // the kinds of change there are
	Getenv func(string) (string, bool) // as os.LookupEnv
}

// maxFile bounds the file and each secret's: the YAML library takes far longer
// than twice as long for twice as much.
const maxFile = 256 << 10

// Load reads the file at a path. Relative names in it start from its folder.
// The error is [Mistakes] if the file is wrong; what could be read of it comes
// back all the same, for who must act even so.
func Load(path string, o Options) (*Config, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, &unread{path, err}
	}
	return parse(filepath.Base(path), filepath.Dir(path), text, o)
}

// unread is a configuration that could not be read at all.
type unread struct {
	path string
	err  error
}

func (u *unread) Unwrap() error { return u.err }

func (u *unread) Error() string {
	return fmt.Sprintf("the configuration %s %s", u.path, Unread(u.err))
}

// errLarge is a file that is no configuration and no secret.
var errLarge = errors.New("larger than 256 KiB")

// Unread says why a file could not be read, and what to do; the words follow
// its name, which is not repeated.
func Unread(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "is not there; correct the name, or put it there"
	case errors.Is(err, fs.ErrPermission):
		return "may not be read by the user who runs this; give it to them"
	case errors.Is(err, errFolder):
		return "is a folder; name a file in it"
	case errors.Is(err, errLarge):
		return "is larger than 256 KiB; name the right file"
	default:
		return "cannot be read: " + err.Error()
	}
}

// errFolder is a folder in place of a file.
var errFolder = errors.New("a folder")

// readFile reads a file of a sensible size.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, &fs.PathError{Op: "read", Path: path, Err: errFolder}
	case info.Size() > maxFile:
		return nil, &fs.PathError{Op: "read", Path: path, Err: errLarge}
	}
	return os.ReadFile(path)
}

// parse reads a configuration whose relative names start from folder.
func parse(name, folder string, text []byte, o Options) (*Config, error) {
	c, r := new(Config), &reader{file: name, folder: folder, options: o}
	s := c.shape(o.Kinds)
	s.fill(r)
	r.document(text, s)
	c.check(r)
	c.where = func(key, text string) Mistake {
		return Mistake{File: name, Line: r.line(key), Key: key, Text: text}
	}
	return c, r.err()
}

// Hash returns the SHA-256 of the effective configuration in hex. No secret is
// part of it, so that it can be shown, and to renew one changes nothing.
func (c *Config) Hash() string {
	text, err := json.Marshal(c)
	if err != nil {
		panic(err) // strings, numbers, lists and maps of them: cannot fail
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
