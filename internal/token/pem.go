package token

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"unicode/utf8"
)

// ParsePEM reads the one key in a PEM text, public or private, and binds it to alg. SimpleJWT's
// settings SIGNING_KEY and VERIFYING_KEY come as such. A key with its private part verifies too.
// Every error is ErrKey, and none shows the text.
func ParsePEM(alg Alg, id string, text []byte) (*Key, error) {
	block, rest := pem.Decode(text)
	if block == nil || len(bytes.TrimSpace(rest)) > 0 {
		return nil, fmt.Errorf("%w: not one PEM block", ErrKey)
	}
	material, err := parseDER(block.Type, block.Bytes)
	if err != nil {
		return nil, err
	}
	return bind(alg, id, material)
}

func parseDER(kind string, der []byte) (material any, err error) {
	switch kind {
	case "PUBLIC KEY":
		material, err = x509.ParsePKIXPublicKey(der)
	case "RSA PUBLIC KEY":
		material, err = x509.ParsePKCS1PublicKey(der)
	case "PRIVATE KEY":
		material, err = x509.ParsePKCS8PrivateKey(der)
	case "RSA PRIVATE KEY":
		material, err = x509.ParsePKCS1PrivateKey(der)
	case "EC PRIVATE KEY":
		material, err = x509.ParseECPrivateKey(der)
	default:
		return nil, fmt.Errorf("%w: PEM block of another kind", ErrKey)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: not DER of its kind", ErrKey)
	}
	return material, nil
}

// MarshalPrivate gives the private part as PKCS #8 (RFC 5958), to be sealed in a Box. It is ErrKey
// for keys that have none, and for HMAC keys, whose secrets rest elsewhere.
func (k *Key) MarshalPrivate() ([]byte, error) {
	if k.private == nil {
		return nil, fmt.Errorf("%w: it has no private part", ErrKey)
	}
	return x509.MarshalPKCS8PrivateKey(k.private())
}

// seedPrefix is what stands before the seed in the PKCS #8 of an Ed25519 key (RFC 8410 §7).
const seedPrefix = "\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20"

// ParsePrivate reads what MarshalPrivate gave and binds it to alg. Every error is ErrKey.
func ParsePrivate(alg Alg, id string, der []byte) (*Key, error) {
	seed, isSeed := bytes.CutPrefix(der, []byte(seedPrefix))
	if isSeed && len(seed) == ed25519.SeedSize && alg == EdDSA && id != "" && utf8.ValidString(id) {
		return fromSeed(id, bytes.Clone(seed)), nil
	}
	material, err := parseDER("PRIVATE KEY", der)
	if err != nil {
		return nil, err
	}
	return bind(alg, id, material)
}
