package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"
)

// newPair makes a certificate that signs itself, and its key.
func newPair(t *testing.T) (cert, key string) {
	t.Helper()
	signer, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, signer.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(signer)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
}

func TestTLS(t *testing.T) {
	cert, key := newPair(t)
	other, _ := newPair(t)
	const both = "dev = true\n[tls]\ncert = \"a.pem\"\nkey = \"a.key\"\n"
	for _, tt := range []struct {
		name, file, cert, key string
		want                  string // "": none
	}{
		{"a certificate and its key", both, cert, key, ""},
		{"both in one file", both, key + cert, key + cert, ""},
		{"neither", "dev = true", "", "", ""},
		{
			"no key", "dev = true\n[tls]\ncert = \"a.pem\"\n", cert, key,
			"tls.cert goes with tls.key\n  tls.key is not set\n  try: key = \"server.key\"   in [tls]",
		},
		{
			"no certificate", "dev = true\n[tls]\nkey = \"a.key\"\n", cert, key,
			"tls.key goes with tls.cert\n  tls.cert is not set\n  try: cert = \"server.pem\"   in [tls]",
		},
		{
			"a certificate that is not there", both, "", key,
			"tls.cert cannot be read\n  doorward.toml:3: \"a.pem\": no such file or directory\n" +
				"  try: name a file in PEM that this user may read, or leave tls out",
		},
		{
			"a key that is not there", both, cert, "",
			"tls.key cannot be read\n  doorward.toml:4: \"a.key\": no such file or directory\n" +
				"  try: name a file in PEM that this user may read, or leave tls out",
		},
		{
			"the key of another certificate", both, other, key,
			"tls.cert and tls.key do not go together\n  doorward.toml:4: tls: private key does not match public key\n" +
				"  try: name the certificate with its chain and the key it was made for, both in PEM",
		},
		{
			"a key for a certificate", both, key, key,
			"tls.cert and tls.key do not go together\n  doorward.toml:4: tls: failed to find certificate PEM data in certificate input, but did find a private key; " +
				"PEM inputs may have been switched\n  try: name the certificate with its chain and the key it was made for, both in PEM",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			files := map[string]string{"doorward.toml": tt.file}
			if tt.cert != "" {
				files["a.pem"] = tt.cert
			}
			if tt.key != "" {
				files["a.key"] = tt.key
			}
			inFolder(t, files)
			if got := faultsOf(t, Args{}); got != tt.want {
				t.Errorf("got:  %s\nwant: %s", got, tt.want)
			}
		})
	}
}

func TestATLSKeyOpenToOthers(t *testing.T) {
	cert, key := newPair(t)
	inFolder(t, map[string]string{"a.pem": cert, "a.key": key})
	c := mustLoad(t, Args{Environ: []string{"DOORWARD_DEV=1", "DOORWARD_TLS_CERT=a.pem", "DOORWARD_TLS_KEY=a.key"}})
	for mode, open := range map[os.FileMode]bool{0o600: false, 0o640: false, 0o644: true, 0o601: true} {
		if err := os.Chmod("a.key", mode); err != nil {
			t.Fatal(err)
		}
		if got := c.OpenKey(); (got != "") != open || open && !strings.Contains(got, "try: chmod o= a.key") {
			t.Errorf("mode %o: got %q, want one: %v", mode, got, open)
		}
	}
}
