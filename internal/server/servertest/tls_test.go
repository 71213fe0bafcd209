package servertest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"doorward/internal/config"
)

// pemFiles is a folder with a certificate for 127.0.0.1 and its key.
type pemFiles struct{ folder string }

func (f *pemFiles) cert() string { return filepath.Join(f.folder, "server.pem") }
func (f *pemFiles) key() string  { return filepath.Join(f.folder, "server.key") }

// renew writes another certificate, which signs itself, and gives a pool of it alone.
func (f *pemFiles) renew(t testing.TB, serial int64) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	f.write(t, f.cert(), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	f.write(t, f.key(), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return pool
}

func (f *pemFiles) write(t testing.TB, name string, text []byte) {
	t.Helper()
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// byTLS is Start with a certificate, and a client that trusts it.
func byTLS(t *testing.T, change func(*config.Config)) (*Server, *pemFiles) {
	t.Helper()
	f := &pemFiles{t.TempDir()}
	pool := f.renew(t, 1)
	s := Start(t, "sqlite", func(cfg *config.Config) {
		cfg.TLS = config.TLS{Cert: f.cert(), Key: f.key()}
		change(cfg)
	})
	s.Client.Transport = speaking(pool, 2)
	return s, f
}

// speaking is a transport of one version of HTTP. Without a pool there is no TLS.
func speaking(pool *x509.CertPool, version int) *http.Transport {
	p := new(http.Protocols)
	p.SetHTTP1(version == 1)
	p.SetHTTP2(version == 2 && pool != nil)
	p.SetUnencryptedHTTP2(version == 2 && pool == nil)
	return &http.Transport{Protocols: p, TLSClientConfig: &tls.Config{RootCAs: pool}}
}

// protocol asks for one's own account and gives the protocol of the answer, or the error.
func (s *Server) protocol(transport *http.Transport, token string) (string, error) {
	defer transport.CloseIdleConnections()
	r, err := http.NewRequest("GET", s.URL+"/v1/me", nil)
	if err != nil {
		return "", err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(res.Body); err != nil || res.StatusCode != 200 || !strings.Contains(body.String(), "ann@example.com") {
		return res.Status + " " + body.String(), err
	}
	return res.Proto, nil
}

func TestProtocols(t *testing.T) {
	plain := Start(t, "sqlite", Production)
	h2c := Start(t, "sqlite", func(cfg *config.Config) { Production(cfg); cfg.H2C = true })
	secure, f := byTLS(t, Production)
	text, err := os.ReadFile(f.cert())
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	old := speaking(pool, 1)
	old.TLSClientConfig.MaxVersion = tls.VersionTLS11
	for i, tt := range []struct {
		name      string
		server    *Server
		transport *http.Transport
		want      string // "": none
	}{
		{"HTTP/1.1", plain, speaking(nil, 1), "HTTP/1.1"},
		{"HTTP/2 without TLS, which nobody asked for", plain, speaking(nil, 2), ""},
		{"HTTP/2 without TLS", h2c, speaking(nil, 2), "HTTP/2.0"},
		{"HTTP/1.1 beside it", h2c, speaking(nil, 1), "HTTP/1.1"},
		{"HTTP/2 over TLS", secure, speaking(pool, 2), "HTTP/2.0"},
		{"HTTP/1.1 over TLS", secure, speaking(pool, 1), "HTTP/1.1"},
		{"TLS 1.1", secure, old, ""},
	} {
		token := tt.server.signUp(t, fmt.Sprintf("%d.ann@example.com", i)).Access
		got, err := tt.server.protocol(tt.transport, token)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s: got %q %v, want %q", tt.name, got, err, tt.want)
		}
	}
}

func TestBrowsersAreAskedToKeepToTLS(t *testing.T) {
	const want = "max-age=31536000; includeSubDomains"
	secure, _ := byTLS(t, Production)
	dev, _ := byTLS(t, func(*config.Config) {})
	plain := Start(t, "sqlite", Production)
	for _, tt := range []struct {
		name, path string
		server     *Server
		want       string
	}{
		{"an answer by TLS", "/v1/me", secure, want},
		{"of any path", "/no/such", secure, want},
		{"in development, where the name may be localhost", "/v1/me", dev, ""},
		{"without TLS of ours", "/v1/me", plain, ""},
	} {
		if got := tt.server.Do(t, "GET", tt.path, nil).Header.Get("Strict-Transport-Security"); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestACertificateIsRenewed(t *testing.T) {
	s, f := byTLS(t, Production)
	token := s.signUp(t, "ann@example.com").Access
	pool := f.renew(t, 2)
	if _, err := s.protocol(speaking(pool, 2), token); err == nil {
		t.Error("the new certificate is shown before anybody read it")
	}
	if err := s.ReloadCertificate(); err != nil {
		t.Fatal(err)
	}
	if got, err := s.protocol(speaking(pool, 2), token); got != "HTTP/2.0" || err != nil {
		t.Errorf("the new certificate: got %q %v", got, err)
	}
	f.write(t, f.cert(), []byte("half a certif"))
	if err := s.ReloadCertificate(); err == nil || !strings.Contains(err.Error(), "tls.cert and tls.key do not go together") {
		t.Errorf("half a certificate: got %v", err)
	}
	if got, err := s.protocol(speaking(pool, 1), token); got != "HTTP/1.1" || err != nil {
		t.Errorf("after half a certificate: got %q %v, want the one before", got, err)
	}
	if n := strings.Count(s.Log.String(), "the certificate is another one"); n != 1 {
		t.Errorf("the log says %d times that there is another certificate, want once", n)
	}
}
