package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"math/big"
	"strconv"
	"sync"
	"unicode/utf8"
)

// ErrKey means that a key can't be used: unreadable, weak, meant for something else, or without the
// part that was asked of it.
var ErrKey = errors.New("key is unusable")

// Key is a key for signatures, bound to one algorithm: it verifies nothing else, whatever a token
// says (RFC 8725 §3.1). It never changes and may be shared.
type Key struct {
	id      string
	alg     Alg
	secret  Secret                  // of HS*
	public  func() crypto.PublicKey // *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey; nil of HS*
	private func() crypto.Signer    // nil where the key only verifies; a func, for fmt prints no more of it
}

// HMACKey makes a key for HS256, HS384 or HS512 of a copy of secret; it panics for another
// algorithm. How strong a secret has to be is for the configuration to say, but an empty one signs
// and verifies nothing.
func HMACKey(alg Alg, id string, secret []byte) *Key {
	if alg.family() != hmacFamily {
		panic("token: HMAC key for " + alg.String())
	}
	return &Key{id: id, alg: alg, secret: SecretFrom(secret)}
}

// NewSigningKey makes a random key for ES256 or EdDSA. Where id is "", it is the key's thumbprint
// (RFC 7638).
func NewSigningKey(alg Alg, id string) (*Key, error) {
	var signer crypto.Signer
	var err error
	switch alg {
	case ES256:
		signer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case EdDSA:
		_, signer, err = ed25519.GenerateKey(rand.Reader)
	default:
		return nil, fmt.Errorf("%w: none is made for %v", ErrKey, alg)
	}
	if err != nil {
		return nil, fmt.Errorf("make %v key: %w", alg, err)
	}
	return bind(alg, id, signer)
}

// bind makes a Key of what crypto/x509 parses, if that is for alg and strong enough. Where id is
// "", it is the thumbprint.
func bind(alg Alg, id string, material any) (*Key, error) {
	k := &Key{id: id, alg: alg}
	if signer, ok := material.(crypto.Signer); ok {
		k.private, material = func() crypto.Signer { return signer }, signer.Public()
	}
	k.public = func() crypto.PublicKey { return material }
	fits := false
	switch public := material.(type) {
	case *rsa.PublicKey:
		if err := judgeRSA(public); err != nil {
			return nil, err
		}
		fits = alg.family() == rsaFamily
	case *ecdsa.PublicKey:
		fits = alg == ES256 && public.Curve == elliptic.P256()
	case ed25519.PublicKey:
		fits = alg == EdDSA && len(public) == ed25519.PublicKeySize
	}
	if !fits || !utf8.ValidString(id) {
		return nil, fmt.Errorf("%w: not a key for %v", ErrKey, alg)
	}
	if id == "" {
		k.id = k.thumbprint()
	}
	return k, nil
}

// fromSeed makes a key for EdDSA whose public half is computed when it is first asked for: the first
// in a process costs 2 ms, for the tables of the curve. The id is not "".
func fromSeed(id string, seed []byte) *Key {
	private := sync.OnceValue(func() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(seed) })
	return &Key{
		id: id, alg: EdDSA,
		private: func() crypto.Signer { return private() },
		public:  func() crypto.PublicKey { return private().Public() },
	}
}

// ID is the kid of the key.
func (k *Key) ID() string { return k.id }

// Alg is the one algorithm of the key.
func (k *Key) Alg() Alg { return k.alg }

// CanSign says whether the key has its private part.
func (k *Key) CanSign() bool { return k.private != nil || len(k.secret.Bytes()) > 0 }

// String names the key and shows nothing of it.
func (k Key) String() string { return k.alg.String() + " key " + strconv.Quote(k.id) }

// Format prints String whatever the verb is.
func (k Key) Format(f fmt.State, _ rune) { io.WriteString(f, k.String()) }

// LogValue is String.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.String()) }

// verify judges a signature over message.
func (k *Key) verify(message, signature []byte) bool {
	if k.public == nil {
		return k.CanSign() && hmac.Equal(k.mac(message), signature)
	}
	switch public := k.public().(type) {
	case *rsa.PublicKey:
		return rsa.VerifyPKCS1v15(public, k.alg.hash(), k.digest(message), signature) == nil
	case *ecdsa.PublicKey:
		if len(signature) != es256Len { // r and s of 32 bytes, RFC 7518 §3.4
			return false
		}
		r := new(big.Int).SetBytes(signature[:es256Len/2])
		s := new(big.Int).SetBytes(signature[es256Len/2:])
		return ecdsa.Verify(public, k.digest(message), r, s)
	case ed25519.PublicKey:
		return ed25519.Verify(public, message, signature)
	}
	return false
}

const es256Len = 64

// sign makes a signature over message, or ErrKey where the key has no private part.
func (k *Key) sign(message []byte) ([]byte, error) {
	if k == nil || !k.CanSign() {
		return nil, fmt.Errorf("%w: it cannot sign", ErrKey)
	}
	if k.private == nil {
		return k.mac(message), nil
	}
	switch private := k.private().(type) {
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, private, k.digest(message))
		if err != nil {
			return nil, err
		}
		signature := make([]byte, es256Len)
		r.FillBytes(signature[:es256Len/2])
		s.FillBytes(signature[es256Len/2:])
		return signature, nil
	case ed25519.PrivateKey:
		return private.Sign(rand.Reader, message, crypto.Hash(0))
	default: // RSA, PKCS #1 v1.5
		return private.Sign(rand.Reader, k.digest(message), k.alg.hash())
	}
}

func (k *Key) mac(message []byte) []byte {
	mac := hmac.New(k.newHash, k.secret.Bytes())
	mac.Write(message)
	return mac.Sum(nil)
}

func (k *Key) digest(message []byte) []byte {
	h := k.newHash()
	h.Write(message)
	return h.Sum(nil)
}

func (k *Key) newHash() hash.Hash { return k.alg.hash().New() }
