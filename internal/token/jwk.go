package token

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"math/big"
)

// maxKeysLen is the length in bytes of the longest JWK or key set that is read.
const maxKeysLen = 64 << 10

// ParseJWK reads a JSON Web Key (RFC 7517) that verifies signatures. Strictly: kty, crv and alg
// agree; use is sig, key_ops nothing but sign and verify, if they are there; an RSA key is sound and
// has 2048 bits; a symmetric key is as long as its hash (RFC 7518 §3.2); public keys come without
// private part, since a published private key is nobody's. Where alg is missing, RSA is RS256 and a
// symmetric key is refused. Where kid is missing, it is the thumbprint; a symmetric key has none.
// Every error is ErrKey.
func ParseJWK(data []byte) (*Key, error) {
	if len(data) > maxKeysLen {
		return nil, fmt.Errorf("%w: JWK too long", ErrKey)
	}
	members, err := readObject(string(data), tokenNames)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	jwk := Claims{members}
	if err := judgePurpose(jwk); err != nil {
		return nil, err
	}
	id, state := jwk.Text("kid")
	if state == Null || state == WrongType {
		return nil, fmt.Errorf("%w: kid is %v", ErrKey, state)
	}
	kty, _ := jwk.Text("kty")
	if kty == "oct" {
		return octKey(jwk, id)
	}
	if _, state := jwk.Raw("d"); state != Absent {
		return nil, fmt.Errorf("%w: a private key that was published", ErrKey)
	}
	alg, material, err := publicKey(jwk, kty)
	if err != nil {
		return nil, err
	}
	return bind(alg, id, material)
}

// judgePurpose refuses keys for anything but signatures (RFC 7517 §4.2, §4.3).
func judgePurpose(jwk Claims) error {
	if use, state := jwk.Text("use"); state != Absent && use != "sig" {
		return fmt.Errorf("%w: use is not sig", ErrKey)
	}
	operations, state := jwk.Strings("key_ops")
	if state == Absent {
		return nil
	}
	verifies := false
	for _, operation := range operations {
		if operation != "verify" && operation != "sign" {
			return fmt.Errorf("%w: key_ops has more than signatures", ErrKey)
		}
		verifies = verifies || operation == "verify"
	}
	if !verifies {
		return fmt.Errorf("%w: key_ops without verify", ErrKey)
	}
	return nil
}

func octKey(jwk Claims, id string) (*Key, error) {
	alg, err := jwkAlg(jwk, 0)
	if err != nil {
		return nil, err
	}
	secret, err := jwkBytes(jwk, "k")
	if err != nil {
		return nil, err
	}
	if alg.family() != hmacFamily || len(secret) < alg.hash().Size() {
		return nil, fmt.Errorf("%w: symmetric key is short or has no HS algorithm", ErrKey)
	}
	return HMACKey(alg, id, secret), nil
}

// publicKey reads the members of a kty and gives what bind takes.
func publicKey(jwk Claims, kty string) (alg Alg, material any, err error) {
	curve, _ := jwk.Text("crv")
	switch [2]string{kty, curve} {
	case [2]string{"RSA", ""}:
		material, err = rsaMaterial(jwk)
		alg = RS256
	case [2]string{"EC", "P-256"}:
		material, err = ecMaterial(jwk)
		alg = ES256
	case [2]string{"OKP", "Ed25519"}:
		var x []byte
		x, err = jwkBytes(jwk, "x")
		material, alg = ed25519.PublicKey(x), EdDSA
	default:
		return 0, nil, fmt.Errorf("%w: kty or crv is unknown", ErrKey)
	}
	if err != nil {
		return 0, nil, err
	}
	alg, err = jwkAlg(jwk, alg)
	return alg, material, err
}

func rsaMaterial(jwk Claims) (*rsa.PublicKey, error) {
	n, err := jwkBytes(jwk, "n")
	if err != nil {
		return nil, err
	}
	e, err := jwkBytes(jwk, "e")
	if err != nil {
		return nil, err
	}
	exponent := new(big.Int).SetBytes(e)
	if n[0] == 0 || e[0] == 0 || exponent.BitLen() > 31 { // Base64urlUInt, RFC 7518 §2
		return nil, fmt.Errorf("%w: n or e is out of shape", ErrKey)
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(exponent.Int64())}, nil
}

func ecMaterial(jwk Claims) (*ecdsa.PublicKey, error) {
	x, err := jwkBytes(jwk, "x")
	if err != nil {
		return nil, err
	}
	y, err := jwkBytes(jwk, "y")
	if err != nil {
		return nil, err
	}
	if len(x) != es256Len/2 || len(y) != es256Len/2 { // RFC 7518 §6.2.1.2
		return nil, fmt.Errorf("%w: coordinates of another length", ErrKey)
	}
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...))
	if err != nil {
		return nil, fmt.Errorf("%w: not a point of P-256", ErrKey)
	}
	return public, nil
}

// jwkAlg gives alg, or otherwise where it is missing.
func jwkAlg(jwk Claims, otherwise Alg) (Alg, error) {
	name, state := jwk.Text("alg")
	if state == Absent {
		return otherwise, nil
	}
	alg, ok := ParseAlg(name)
	if !ok {
		return 0, fmt.Errorf("%w: alg is unknown", ErrKey)
	}
	return alg, nil
}

// jwkBytes gives a member that is base64url of at least one byte.
func jwkBytes(jwk Claims, name string) ([]byte, error) {
	text, _ := jwk.Text(name)
	if text == "" || hasLineEnd(text) {
		return nil, fmt.Errorf("%w: %s is not base64url", ErrKey, name)
	}
	value, err := strict64.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %s is not base64url", ErrKey, name)
	}
	return value, nil
}

// JWK gives the public key as JSON (RFC 7517), nil for a symmetric key, which has no public part.
func (k *Key) JWK() []byte {
	members := k.publicMembers()
	if members == nil {
		return nil
	}
	members = append(members, Claim{"kid", k.id}, Claim{"alg", k.alg.String()}, Claim{"use", "sig"})
	return mustWrite(members)
}

// thumbprint is RFC 7638: SHA-256 over the required members in the order of their names.
func (k *Key) thumbprint() string {
	digest := sha256.Sum256(mustWrite(k.publicMembers()))
	return strict64.EncodeToString(digest[:])
}

// publicMembers are the required members of a public JWK, in the order of their names.
func (k *Key) publicMembers() []Claim {
	if k.public == nil {
		return nil
	}
	switch public := k.public().(type) {
	case *rsa.PublicKey:
		return []Claim{
			{"e", strict64.EncodeToString(big.NewInt(int64(public.E)).Bytes())},
			{"kty", "RSA"},
			{"n", strict64.EncodeToString(public.N.Bytes())},
		}
	case *ecdsa.PublicKey:
		point, err := public.Bytes()
		if err != nil {
			panic("token: " + err.Error()) // bind has judged the curve, and a parser the point
		}
		return []Claim{
			{"crv", "P-256"},
			{"kty", "EC"},
			{"x", strict64.EncodeToString(point[1 : 1+es256Len/2])},
			{"y", strict64.EncodeToString(point[1+es256Len/2:])},
		}
	case ed25519.PublicKey:
		return []Claim{{"crv", "Ed25519"}, {"kty", "OKP"}, {"x", strict64.EncodeToString(public)}}
	}
	return nil
}

func mustWrite(members []Claim) []byte {
	text, err := appendObject(nil, members)
	if err != nil {
		panic("token: " + err.Error()) // bind has refused a kid that isn't UTF-8
	}
	return text
}
