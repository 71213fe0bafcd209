//go:build linux

package main

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
)

// rulerKey signs and verifies the tokens of a ruler with the standard library. The keys are made
// of a known text, so that load and ruler have the same ones.
type rulerKey struct {
	alg    string
	sign   func(message []byte) []byte
	verify func(message, signature []byte) bool
}

var rulerKeys = map[string]*rulerKey{
	bareHS256: hs256Key(seedOf("hs256")),
	bareEdDSA: eddsaKey(seedOf("eddsa")),
	bareES256: es256Key(seedOf("es256")),
}

func seedOf(name string) []byte {
	sum := sha256.Sum256([]byte("doorward bench ruler " + name))
	return sum[:]
}

func hs256Key(seed []byte) *rulerKey {
	sign := func(message []byte) []byte {
		mac := hmac.New(sha256.New, seed)
		mac.Write(message)
		return mac.Sum(nil)
	}
	return &rulerKey{"HS256", sign, func(message, signature []byte) bool { return hmac.Equal(sign(message), signature) }}
}

func eddsaKey(seed []byte) *rulerKey {
	private := ed25519.NewKeyFromSeed(seed)
	public := private.Public().(ed25519.PublicKey)
	return &rulerKey{
		"EdDSA", func(message []byte) []byte { return ed25519.Sign(private, message) },
		func(message, signature []byte) bool { return ed25519.Verify(public, message, signature) },
	}
}

func es256Key(seed []byte) *rulerKey {
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), seed)
	if err != nil {
		panic(err) // the seed never changes
	}
	sign := func(message []byte) []byte {
		sum := sha256.Sum256(message)
		r, s, err := ecdsa.Sign(rand.Reader, private, sum[:])
		if err != nil {
			panic(err) // only when the machine has no randomness
		}
		signature := make([]byte, 64)
		r.FillBytes(signature[:32])
		s.FillBytes(signature[32:])
		return signature
	}
	return &rulerKey{"ES256", sign, func(message, signature []byte) bool {
		if len(signature) != 64 {
			return false
		}
		sum := sha256.Sum256(message)
		return ecdsa.Verify(&private.PublicKey, sum[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
	}}
}

var base64url = base64.RawURLEncoding

// signToken makes a token of the shape that ours have.
func signToken(k *rulerKey, user int) string {
	now := clock()
	id := make([]byte, 24)
	rand.Read(id)
	payload := fmt.Sprintf(`{"user_id":%d,"sid":"%x","ep":0,"iat":%d,"iat_ms":%d,"exp":%d,"jti":"%x"}`,
		user, id[:8], now.Unix(), now.UnixMilli(), now.Unix()+86400, id[8:])
	message := base64url.EncodeToString([]byte(`{"typ":"JWT","alg":"`+k.alg+`"}`)) + "." + base64url.EncodeToString([]byte(payload))
	return message + "." + base64url.EncodeToString(k.sign([]byte(message)))
}

// openToken verifies a token as shortly as it can be done right, and gives its expiry.
func openToken(token string, verify func(message, signature []byte) bool) (exp int64, ok bool) {
	end := strings.LastIndexByte(token, '.')
	if end < 0 {
		return 0, false
	}
	signature, err := base64url.DecodeString(token[end+1:])
	if err != nil || !verify([]byte(token[:end]), signature) {
		return 0, false
	}
	_, payload, _ := strings.Cut(token[:end], ".")
	text, err := base64url.DecodeString(payload)
	if err != nil {
		return 0, false
	}
	var claims struct {
		Exp int64 `json:"exp"`
	}
	if json.Unmarshal(text, &claims) != nil {
		return 0, false
	}
	return claims.Exp, true
}

func verifyToken(token string, verify func(message, signature []byte) bool) bool {
	exp, ok := openToken(token, verify)
	return ok && clock().Unix() < exp
}
