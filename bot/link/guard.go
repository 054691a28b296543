package link

import (
	"maps"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"twokey/chat/visit"
)

// policy lets the page load its own files and nothing else. A form of it goes
// nowhere but here: browsers hold the whole chain of redirects to that, so that
// the way to the tenant's sign-in is a link.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; " +
	"base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// headers go out with every answer.
var headers = map[string]string{
	"Content-Security-Policy":           policy,
	"X-Content-Type-Options":            "nosniff",
	"X-Frame-Options":                   "DENY",
	"Referrer-Policy":                   "no-referrer",
	"Cache-Control":                     "no-store",
	"Cross-Origin-Opener-Policy":        "same-origin",
	"Cross-Origin-Embedder-Policy":      "require-corp",
	"Cross-Origin-Resource-Policy":      "same-origin",
	"X-Permitted-Cross-Domain-Policies": "none",
	"X-Robots-Tag":                      "noindex, nofollow, noarchive",
	"X-Accel-Buffering":                 "no", // nginx must not hold back a page that is not at its end
	"Permissions-Policy": "accelerometer=(), autoplay=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), microphone=(), midi=(), payment=(), usb=(), " +
		"publickey-credentials-get=(self), publickey-credentials-create=(self)",
}

// transport is what else is said where the page is reached over TLS: for two
// years nothing else will do.
const transport = "max-age=63072000"

// maxBody is the longest body that is read. What a passkey says is some
// kilobytes.
const maxBody = 64 << 10

// guard stands before everything.
func (p *Page) guard(next http.Handler) http.Handler {
	say := maps.Clone(headers)
	if p.secure() {
		say["Strict-Transport-Security"] = transport
	}
	limits := newLimits(p.cfg.Now, !p.cfg.Front)
	origins := http.NewCrossOriginProtection()
	_ = origins.AddTrustedOrigin(p.cfg.PublicURL) // an origin, as New has seen
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range say {
			w.Header().Set(name, value)
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		switch {
		case r.URL.Path != stylePath && r.URL.Path != scriptPath && !limits.allow(r.RemoteAddr):
			w.Header().Set("Retry-After", "60")
			p.fail(w, r, visit.Often)
		case origins.Check(r) != nil:
			p.fail(w, r, errStray)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func (p *Page) secure() bool { return p.public.Scheme == "https" }

// limits are how often the page answers, all in all and each address, its style
// and script apart. A visit takes some ten requests, and a whole office may come
// from one address.
type limits struct {
	now  func() time.Time
	each bool // addresses tell people apart

	mu           sync.Mutex
	all          *rate.Limiter
	young, grown map[netip.Addr]*rate.Limiter
}

const (
	allRate, allBurst   = 50, 300
	eachRate, eachBurst = 5, 100
	// maxAddresses is how many are remembered of late, and as many of before:
	// with one more the older half is forgotten.
	maxAddresses = 4096
)

func newLimits(now func() time.Time, each bool) *limits {
	return &limits{now: now, each: each, all: rate.NewLimiter(allRate, allBurst), young: map[netip.Addr]*rate.Limiter{}}
}

// allow reports whether a request may come in now from a host and port.
func (l *limits) allow(remote string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	return (!l.each || l.of(addressOf(remote)).AllowN(now, 1)) && l.all.AllowN(now, 1)
}

func (l *limits) of(a netip.Addr) *rate.Limiter {
	if one, ok := l.young[a]; ok {
		return one
	}
	one, ok := l.grown[a]
	if !ok {
		one = rate.NewLimiter(eachRate, eachBurst)
	}
	if len(l.young) >= maxAddresses {
		l.young, l.grown = map[netip.Addr]*rate.Limiter{}, l.young
	}
	l.young[a] = one
	return one
}

// addressOf is the address for which requests are counted: of IPv6 the network,
// whose addresses are all one subscriber's. What is no address is counted as
// one.
func addressOf(remote string) netip.Addr {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	if a = a.Unmap().WithZone(""); a.Is4() {
		return a
	}
	network, err := a.Prefix(64)
	if err != nil {
		return netip.Addr{}
	}
	return network.Addr()
}
