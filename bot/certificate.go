package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"twokey/bot/config"
)

// webTLS is how the server speaks TLS by itself; nil where it does not.
func webTLS(web config.Web, now func() time.Time, log *slog.Logger) (*tls.Config, error) {
	switch web.TLS {
	case "files":
		f := &certFiles{cert: web.CertFile, key: web.KeyFile, now: now, log: log}
		if err := f.load(); err != nil {
			return nil, fmt.Errorf("web.cert_file: %w", err)
		}
		return &tls.Config{GetCertificate: f.get, MinVersion: tls.VersionTLS12}, nil
	case "auto":
		u, err := url.Parse(web.PublicURL)
		if err != nil {
			return nil, fmt.Errorf("web.public_url: %w", err)
		}
		// The handshake itself proves who holds the name (tls-alpn-01), so that
		// nothing has to listen on port 80. For any other name nothing is asked.
		m := &autocert.Manager{
			Prompt: autocert.AcceptTOS, HostPolicy: autocert.HostWhitelist(u.Hostname()), Cache: autocert.DirCache(web.CertDir),
			Client: &acme.Client{DirectoryURL: web.ACMEURL},
		}
		c := m.TLSConfig()
		c.MinVersion = tls.VersionTLS12
		return c, nil
	default:
		return nil, nil
	}
}

// certFiles is a certificate in files that somebody renews.
type certFiles struct {
	cert, key string
	now       func() time.Time
	log       *slog.Logger

	mu     sync.Mutex
	pair   *tls.Certificate
	stamps [2]time.Time // of the files that pair was read from
	looked time.Time
}

// lookEvery is how long a renewed certificate may stay unseen.
const lookEvery = time.Minute

// get is the certificate as it is now. One that cannot be read does not end what
// works: a renewal may be half done.
func (f *certFiles) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := f.now(); now.Sub(f.looked).Abs() >= lookEvery {
		f.looked = now
		if err := f.renew(); err != nil {
			f.log.Error("the renewed certificate cannot be read: the old one goes on", "error", err)
		}
	}
	return f.pair, nil
}

// load reads the files for the first time.
func (f *certFiles) load() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.looked = f.now()
	return f.renew()
}

// renew reads the files if they have changed.
func (f *certFiles) renew() error {
	var stamps [2]time.Time
	for i, name := range []string{f.cert, f.key} {
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		stamps[i] = info.ModTime()
	}
	if f.pair != nil && stamps == f.stamps {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return err
	}
	f.pair, f.stamps = &pair, stamps
	return nil
}
