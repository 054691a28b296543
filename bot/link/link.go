package link

import (
	"crypto/x509"
	"embed"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"

	"twokey/chat/phrases"
	"twokey/chat/visit"
	"twokey/graph"
)

// Config says whose page it is. All but Context, Roots, Front and Zone is
// needed.
type Config struct {
	// PublicURL is how browsers reach the bot: https, a host, no path. Plain http
	// is for this machine alone.
	PublicURL    string
	Organization string // what people call it
	Tenant       string // its ID: nobody else's token counts
	Authority    string // "https://login.microsoftonline.com"
	// ClientID and ClientSecret are those of the app registration that people sign
	// in to. It has no permissions.
	ClientID     string
	ClientSecret graph.Secret
	// Context is an authentication context of the tenant's, like "c1", for which a
	// Conditional Access policy demands two factors. Where it is empty, a sign-in
	// never counts as more than a password: a token of Entra's version 2.0 does
	// not say more otherwise.
	Context string
	Roots   *x509.CertPool // who vouches for the authority; nil: as the system says
	// Front says that something in front passes all requests on, so that their
	// addresses are its own.
	Front bool
	Zone  *time.Location // in which times are shown; nil: UTC
	Desk  Desk
	Now   func() time.Time
	Log   *slog.Logger
}

// Page serves everything below [visit.Path].
type Page struct {
	cfg     Config
	public  *url.URL
	entra   *entra
	keys    *webauthn.WebAuthn
	seal    sealer
	book    *phrases.Book
	html    *template.Template
	seen    receipts
	handler http.Handler
}

var _ http.Handler = (*Page)(nil)

var (
	//go:embed page
	pageFiles embed.FS
	//go:embed phrases
	phraseFiles embed.FS
)

// LoadPhrases reads what the page says in other languages.
func LoadPhrases() (*phrases.Book, error) { return phrases.Load(phraseFiles, "phrases") }

// RedirectURL is the address that an app registration must know, for people to
// be sent back to after they signed in.
func RedirectURL(public string) string { return public + signedInPath }

// The page's own addresses. Beside them stands that of a token, which is longer
// than any of them.
const (
	visitPath    = visit.Path + "visit"
	signInPath   = visit.Path + "sign-in"
	signedInPath = visit.Path + "signed-in"
	donePath     = visit.Path + "done"
	passPath     = visit.Path + "pass"
	seenPath     = visit.Path + "seen/"
	keyPath      = visit.Path + "passkey/"
	stylePath    = visit.Path + "page.css"
	scriptPath   = visit.Path + "page.js"
)

// linkCommand is what stands before a code in the chat.
const linkCommand = "/mfa link "

// New returns the page. It makes no call: the tenant's sign-in service is asked
// for its addresses when somebody first comes.
func New(cfg Config) (*Page, error) {
	public, err := url.Parse(cfg.PublicURL)
	if err != nil || public.Host == "" || public.Path != "" || public.Scheme != "https" && public.Scheme != "http" {
		return nil, fmt.Errorf("public URL %q is not a scheme and a host", cfg.PublicURL)
	}
	p := &Page{cfg: cfg, public: public, entra: newEntra(cfg), seal: newSealer(cfg.ClientSecret)}
	if p.cfg.Zone == nil {
		p.cfg.Zone = time.UTC
	}
	if p.keys, err = newKeys(public, cfg.Organization); err != nil {
		return nil, fmt.Errorf("set up passkeys: %w", err)
	}
	if p.book, err = LoadPhrases(); err != nil {
		return nil, err
	}
	if p.html, err = template.ParseFS(pageFiles, "page/page.html"); err != nil {
		return nil, fmt.Errorf("read page: %w", err)
	}
	p.handler = p.guard(p.routes())
	return p, nil
}

// ServeHTTP answers a browser.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.handler.ServeHTTP(w, r) }

func (p *Page) routes() http.Handler {
	mux := http.NewServeMux()
	for pattern, h := range map[string]handler{
		"GET " + visit.Path + "{token}":  p.open,
		"POST " + visit.Path + "{token}": p.begin,
		"GET " + visitPath:               p.stand,
		"GET " + signInPath:              p.signIn,
		"GET " + signedInPath:            p.signedIn,
		"GET " + donePath:                p.done,
		"POST " + passPath:               p.pass,
		"GET " + seenPath + "{id}":       p.received,
		"POST " + keyPath + "ask":        inJSON(p.askKey),
		"POST " + keyPath + "use":        inJSON(p.useKey),
		"POST " + keyPath + "make":       inJSON(p.makeKey),
		"POST " + keyPath + "keep":       inJSON(p.keepKey),
		"GET " + stylePath:               file("page.css", "text/css; charset=utf-8"),
		"GET " + scriptPath:              file("page.js", "text/javascript; charset=utf-8"),
		"GET " + visit.Path:              func(http.ResponseWriter, *http.Request) error { return visit.Gone },
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := h(w, r); err != nil {
				p.fail(w, r, err)
			}
		})
	}
	return mux
}

// handler answers a request, or says why not.
type handler func(w http.ResponseWriter, r *http.Request) error

func file(name, media string) handler {
	return func(w http.ResponseWriter, _ *http.Request) error {
		content, err := pageFiles.ReadFile("page/" + name)
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", media)
		_, _ = w.Write(content) // fails only if the reader has gone
		return nil
	}
}
