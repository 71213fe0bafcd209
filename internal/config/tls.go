package config

import (
	"crypto/tls"
	"fmt"
	"os"
	"runtime"
)

// TLS names the files of a certificate, with its chain, and its key, in PEM. Without them a proxy
// has the TLS.
type TLS struct{ Cert, Key string }

// On reports whether TLS is ours.
func (t TLS) On() bool { return t.Cert != "" && t.Key != "" }

// Certificate reads the certificate and its key, which may be others than the last time. Errors are
// of type Fault.
func (c *Config) Certificate() (*tls.Certificate, error) {
	var texts [2][]byte
	for i, file := range []struct{ key, name string }{{"tls.cert", c.TLS.Cert}, {"tls.key", c.TLS.Key}} {
		text, err := readSmallFile(file.name)
		if err != nil {
			return nil, Fault{
				file.key, c.Source(file.key), file.key + " cannot be read", shown(file.name) + ": " + reason(err),
				"name a file in PEM that this user may read, or leave tls out",
			}
		}
		texts[i] = text
	}
	pair, err := tls.X509KeyPair(texts[0], texts[1])
	if err != nil {
		return nil, Fault{
			"tls.key", c.Source("tls.key"), "tls.cert and tls.key do not go together", err.Error(),
			"name the certificate with its chain and the key it was made for, both in PEM",
		}
	}
	return &pair, nil
}

// tls judges the files that are named.
func (k *checker) tls() {
	t := k.cfg.TLS
	switch {
	case t == TLS{}:
		return
	case t.Key == "":
		k.refuse("tls.key", "tls.cert goes with tls.key", "tls.key is not set", "server.key")
		return
	case t.Cert == "":
		k.refuse("tls.cert", "tls.key goes with tls.cert", "tls.cert is not set", "server.pem")
		return
	}
	if _, err := k.cfg.Certificate(); err != nil {
		f := err.(Fault)
		k.refuseWith(f.Key, f.What, f.Why, f.Try)
	}
}

// OpenKey says that others may read the TLS key; "" says that they may not, or that there is none. A group of
// its own for such keys is good practice, so a group's share is no fault, and all this no reason not to start.
func (c *Config) OpenKey() string {
	info, err := os.Stat(c.TLS.Key)
	if !c.TLS.On() || err != nil || info.Mode().Perm()&0o007 == 0 || runtime.GOOS == "windows" {
		return ""
	}
	return fmt.Sprintf("TLS key %s is open to others\n  its mode is %04o\n  try: chmod o= %[1]s", c.TLS.Key, info.Mode().Perm())
}
