// Package token owns the bytes of tokens: reading and making JWTs strictly, keys and key sets,
// refresh tokens, sealing, and the secrets they are made with. It leaves alone who may sign in,
// users, storage and HTTP, and it reads no clock: callers pass the instant.
//
// There is one way to trust a token: Parse, find the key it asks for, Verify, then Claims.Check.
// A key is bound to one algorithm, so what a token says about itself never picks how it is judged.
// JWE is not read at all.
package token

import (
	"encoding/base64"
	"errors"
	"strings"
)

// MaxLen is the length in bytes of the longest token that is read or made; a longer one is
// refused unread.
const MaxLen = 4096

// What can be wrong with a token, asked for with errors.Is. A token that is both forged and
// expired is forged: claims are judged after Verify only.
var (
	ErrMalformed = errors.New("token is malformed")
	ErrAlgorithm = errors.New("token is not signed with the algorithm of its key")
	ErrCritical  = errors.New("token has critical header parameters") // RFC 7515 §4.1.11
	ErrSignature = errors.New("token signature is wrong")
)

// malformed is an ErrMalformed with its reason. Reasons are constants: no part of a token gets
// into a log, and refusing junk allocates nothing for it.
type malformed string

func (m malformed) Error() string        { return "token is malformed: " + string(m) }
func (m malformed) Is(target error) bool { return target == ErrMalformed }

// strict64 reads and writes base64url without padding (RFC 7515 §2), and refuses trailing bits
// that are not zero, so that a token has one spelling.
var strict64 = base64.RawURLEncoding.Strict()

// Unverified is a token that is well formed and nothing more.
type Unverified struct {
	header    header
	signed    string // what the signature is over: header, dot, payload
	payload   string
	signature []byte
	claims    Claims
}

type header struct {
	alg, kid string
	critical bool
}

// Parse splits and decodes a token in JWS Compact Serialization (RFC 7515 §7.1) without judging its
// signature. It refuses more than MaxLen bytes before any work, anything but two dots, base64url
// with padding, white space or spare bits, and a header or payload that is not one JSON object by
// readObject's rules. Every error is ErrMalformed.
func Parse(raw string) (*Unverified, error) {
	u, err := split(raw)
	if err != nil {
		return nil, err
	}
	if u.claims.members, err = readObject(u.payload, tokenNames); err != nil {
		return nil, err
	}
	return u, nil
}

// split is Parse without the claims: the payload of a JWS may be anything.
func split(raw string) (*Unverified, error) {
	if len(raw) > MaxLen {
		return nil, malformed("too long")
	}
	head, rest, _ := strings.Cut(raw, ".")
	payload, signature, ok := strings.Cut(rest, ".")
	if !ok || strings.IndexByte(signature, '.') >= 0 {
		return nil, malformed("not three parts")
	}
	u := &Unverified{signed: raw[:len(raw)-len(signature)-1]}
	var err error
	if u.header, err = readHeader(head); err != nil {
		return nil, err
	}
	if u.payload, err = decodePart(payload); err != nil {
		return nil, err
	}
	if u.signature, err = strict64.DecodeString(signature); err != nil || hasLineEnd(signature) {
		return nil, malformed("signature is not base64url")
	}
	return u, nil
}

// The headers that PyJWT 1 and 2 and ourselves write for HS256, as they stand in a token.
const (
	headerTypAlg = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9" // {"typ":"JWT","alg":"HS256"}
	headerAlgTyp = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9" // {"alg":"HS256","typ":"JWT"}
)

func readHeader(part string) (header, error) {
	if part == headerTypAlg || part == headerAlgTyp {
		return header{alg: "HS256"}, nil
	}
	text, err := decodePart(part)
	if err != nil {
		return header{}, err
	}
	members, err := readObject(text, headerNames)
	if err != nil {
		return header{}, err
	}
	fields := Claims{members}
	var h header
	var state State
	if h.alg, state = fields.Text("alg"); state != Present {
		return header{}, malformed("header without alg")
	}
	if h.kid, state = fields.Text("kid"); state == Null || state == WrongType {
		return header{}, malformed("kid is not text")
	}
	_, state = fields.Raw("crit")
	h.critical = state != Absent
	return h, nil
}

// decodePart gives the bytes of one part of a token as text.
func decodePart(part string) (string, error) {
	if len(part) > MaxLen || hasLineEnd(part) {
		return "", malformed("not base64url")
	}
	var buf [MaxLen / 4 * 3]byte
	n, err := strict64.Decode(buf[:], []byte(part))
	if err != nil {
		return "", malformed("not base64url")
	}
	return string(buf[:n]), nil
}

// hasLineEnd finds what encoding/base64 would skip, and a token doesn't have.
func hasLineEnd(part string) bool {
	return strings.IndexByte(part, '\n') >= 0 || strings.IndexByte(part, '\r') >= 0
}

// Alg is the alg the header names, which may be anything ("none" too). For the key look-up only.
func (u *Unverified) Alg() string { return u.header.alg }

// Kid is the kid the header names, "" where there is none. For the key look-up only.
func (u *Unverified) Kid() string { return u.header.kid }

// Claims are the claims nobody has vouched for yet. For the key look-up only.
func (u *Unverified) Claims() Claims { return u.claims }

// Verify judges the algorithm, which must be the key's own (ErrAlgorithm), crit, of which none is
// understood (ErrCritical), and the signature (ErrSignature), in that order. jwk, jku, x5c and x5u
// are ignored: a token doesn't bring its own key. A nil key is of no algorithm.
func (u *Unverified) Verify(k *Key) (Claims, error) {
	if err := u.judge(k); err != nil {
		return Claims{}, err
	}
	return u.claims, nil
}

// Suits judges what Verify does before the signature.
func (u *Unverified) Suits(k *Key) error {
	switch {
	case k == nil || u.header.alg != k.alg.String():
		return ErrAlgorithm
	case u.header.critical:
		return ErrCritical
	}
	return nil
}

func (u *Unverified) judge(k *Key) error {
	if err := u.Suits(k); err != nil {
		return err
	}
	if !k.verify([]byte(u.signed), u.signature) {
		return ErrSignature
	}
	return nil
}

// Repeatable reports whether a key of the token's algorithm makes the same signature of the same
// claims every time, so that any other is forged.
func (u *Unverified) Repeatable() bool {
	return u.header.alg == EdDSA.String() || strings.HasPrefix(u.header.alg, "HS")
}
