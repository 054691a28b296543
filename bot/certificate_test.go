package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"twokey/bot/config"
)

// writePair makes a certificate with a number, in files.
func writePair(t *testing.T, web config.Web, number int64, stamp time.Time) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(number), Subject: pkix.Name{CommonName: "twokey.example"}, NotAfter: time.Now().AddDate(1, 0, 0)}
	raw, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{web.CertFile: {Type: "CERTIFICATE", Bytes: raw}, web.KeyFile: {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, stamp, stamp); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCertificateIsRenewed takes a certificate that somebody renewed in its files
// within a minute, and goes on with the old one while they are not right.
func TestCertificateIsRenewed(t *testing.T) {
	t.Parallel()
	now := time.Now()
	dir := t.TempDir()
	web := config.Web{TLS: "files", CertFile: filepath.Join(dir, "web.pem"), KeyFile: filepath.Join(dir, "web.key")}
	if _, err := webTLS(web, time.Now, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("files that are not there are taken")
	}
	writePair(t, web, 1, now)
	clock := func() time.Time { return now }
	var log safeBuffer
	c, err := webTLS(web, clock, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	serves := func(want int64) {
		t.Helper()
		pair, err := c.GetCertificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := pair.Leaf.SerialNumber.Int64(); got != want {
			t.Errorf("certificate %d, want %d", got, want)
		}
	}
	serves(1)
	writePair(t, web, 2, now.Add(time.Second))
	serves(1) // nobody looks that often
	now = now.Add(lookEvery)
	serves(2)
	if err := os.WriteFile(web.KeyFile, []byte("half of it"), 0o600); err != nil {
		t.Fatal(err)
	}
	now = now.Add(lookEvery)
	serves(2)
	if log.String() == "" {
		t.Error("nobody is told that the renewal failed")
	}
	writePair(t, web, 3, now.Add(3*time.Second))
	now = now.Add(lookEvery)
	serves(3)
}

// TestCertificateByItself asks the configured authority for a certificate of the
// page's own name, and nobody for one of another.
func TestCertificateByItself(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	authority := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		http.Error(w, "closed", http.StatusForbidden)
	}))
	t.Cleanup(authority.Close)
	c, err := webTLS(config.Web{TLS: "auto", PublicURL: "https://twokey.example", CertDir: t.TempDir(), ACMEURL: authority.URL + "/directory"}, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	shake := func(name string) error {
		here, there := net.Pipe()
		t.Cleanup(func() { here.Close(); there.Close() })
		go func() {
			_ = tls.Client(there, &tls.Config{ServerName: name, InsecureSkipVerify: true}).HandshakeContext(t.Context())
		}()
		return tls.Server(here, c).HandshakeContext(t.Context())
	}
	for _, name := range []string{"evil.example", "sub.twokey.example", ""} {
		if err := shake(name); err == nil || asked.Load() != 0 {
			t.Errorf("%q: %v, the authority was asked %d times", name, err, asked.Load())
		}
	}
	if err := shake("twokey.example"); err == nil || asked.Load() == 0 {
		t.Errorf("the page's own name: %v, the authority was asked %d times", err, asked.Load())
	}
}
