package simtenant

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"
)

// The hosts of Microsoft's clouds, for whom the test authority vouches as well:
// where a client insists on them, its connections can be led to the tenant.
var (
	loginHosts = []string{"login.microsoftonline.com", "login.microsoftonline.us", "login.chinacloudapi.cn", "login.partner.microsoftonline.cn"}
	graphHosts = []string{"graph.microsoft.com", "graph.microsoft.us", "dod-graph.microsoft.us", "microsoftgraph.chinacloudapi.cn"}
	localNames = []string{"localhost", "tenant.test"}
	localIPs   = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
)

// ownHost reports whether a host is one where the tenant may be served.
func ownHost(host string) bool {
	return slices.Contains(loginHosts, host) || slices.Contains(graphHosts, host) || slices.Contains(localNames, host) ||
		slices.ContainsFunc(localIPs, func(ip net.IP) bool { return ip.Equal(net.ParseIP(host)) })
}

// graphResource reports whether a resource, the audience of a token, is Graph:
// at Microsoft or where the tenant is served.
func graphResource(resource string) bool {
	if resource == graphAppID {
		return true
	}
	u, err := url.Parse(resource)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && strings.Trim(u.Path, "/") == "" &&
		ownHost(u.Hostname()) && !slices.Contains(loginHosts, u.Hostname())
}

// TLS returns what it takes to serve the tenant over TLS: a server's
// configuration with a certificate for this machine and for the hosts of
// Microsoft's clouds, and the certificate of the authority that signed it, in
// PEM, which clients have to trust. Both are made for this tenant; the
// authority's key is thrown away.
func (t *Tenant) TLS() (server *tls.Config, caPEM []byte, err error) {
	made, err := t.serving()
	if err != nil {
		return nil, nil, err
	}
	return made.server.Clone(), slices.Clone(made.caPEM), nil
}

// tlsPair is a server's configuration and who vouches for it.
type tlsPair struct {
	server *tls.Config
	caPEM  []byte
}

func makeTLS() (tlsPair, error) {
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tlsPair{}, err
	}
	ca := certificate("Twokey test authority")
	ca.IsCA, ca.BasicConstraintsValid, ca.KeyUsage = true, true, x509.KeyUsageCertSign
	caRaw, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	if err != nil {
		return tlsPair{}, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tlsPair{}, err
	}
	leaf := certificate("simulated tenant")
	leaf.DNSNames, leaf.IPAddresses = slices.Concat(localNames, loginHosts, graphHosts), localIPs
	leaf.KeyUsage, leaf.ExtKeyUsage = x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	raw, err := x509.CreateCertificate(rand.Reader, leaf, ca, &key.PublicKey, caKey)
	if err != nil {
		return tlsPair{}, err
	}
	return tlsPair{
		server: &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{Certificate: [][]byte{raw, caRaw}, PrivateKey: key}}},
		caPEM:  pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caRaw}),
	}, nil
}

// certificate is good for a century, since the clocks of tests stand anywhere.
func certificate(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC),
	}
}

// signingKeyBits is the size of the key that signs tokens.
const signingKeyBits = 2048

func makeSigningKey() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, signingKeyBits) }
