package token

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrKeySet means that keys do not make a set.
var ErrKeySet = errors.New("key set is unusable")

// KeyState is where a key of a set stands between its making and its end.
type KeyState uint8

const (
	Next    KeyState = iota + 1 // published and verifies, doesn't sign yet
	Active                      // signs
	Retired                     // verifies until an instant
	Revoked                     // nothing any more
)

// SetKey is a key of a set.
type SetKey struct {
	Key   *Key
	State KeyState
	Until time.Time // of a Retired key: accepted before this instant
}

// KeySet is the keys of one issuer, found by their ids. It never changes and may be shared: a
// rotation makes a new set in which the old one's keys overlap.
type KeySet struct {
	keys   []SetKey
	active *Key
}

// NewKeySet makes a set of keys, at most one of them Active, which has to be able to sign. Every key
// has an id and no two the same, and symmetric keys do not stand beside others: a set of both is
// where a public key gets taken for a secret. Errors: ErrKeySet.
func NewKeySet(keys []SetKey) (*KeySet, error) {
	s := &KeySet{keys: slices.Clone(keys)}
	ids := make(map[string]bool, len(keys))
	symmetric := 0
	for _, member := range s.keys {
		k := member.Key
		switch {
		case k == nil || k.id == "":
			return nil, fmt.Errorf("%w: a key without id", ErrKeySet)
		case ids[k.id]:
			return nil, fmt.Errorf("%w: two keys with id %q", ErrKeySet, k.id)
		case member.State < Next || member.State > Revoked:
			return nil, fmt.Errorf("%w: %v has no state", ErrKeySet, k)
		case member.State == Active && (s.active != nil || !k.CanSign()):
			return nil, fmt.Errorf("%w: %v is a second active key, or cannot sign", ErrKeySet, k)
		}
		ids[k.id] = true
		if member.State == Active {
			s.active = k
		}
		if k.alg.family() == hmacFamily {
			symmetric++
		}
	}
	if symmetric != 0 && symmetric != len(keys) {
		return nil, fmt.Errorf("%w: symmetric keys beside others", ErrKeySet)
	}
	return s, nil
}

// ParseJWKS reads a foreign key set (RFC 7517 §5), every key as Next: it verifies. Keys that
// ParseJWK refuses are left out, as §5 wants, since providers publish keys for other ends too.
// Errors: ErrKeySet for the set as a whole, also where two keys have one kid and either is left out.
func ParseJWKS(data []byte) (*KeySet, error) {
	if len(data) > maxKeysLen {
		return nil, fmt.Errorf("%w: too long", ErrKeySet)
	}
	members, err := readObject(string(data), keysNames)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeySet, err)
	}
	list, state := Claims{members}.Raw("keys")
	if state != Present || list[0] != '[' {
		return nil, fmt.Errorf("%w: keys is not an array", ErrKeySet)
	}
	var keys []SetKey
	var ids []string
	for _, text := range elements(string(list)) {
		id := kidOf(text)
		if id != "" && slices.Contains(ids, id) {
			return nil, fmt.Errorf("%w: two keys with id %q", ErrKeySet, id)
		}
		ids = append(ids, id)
		if k, err := ParseJWK([]byte(text)); err == nil {
			keys = append(keys, SetKey{Key: k, State: Next})
		}
	}
	return NewKeySet(keys)
}

// kidOf reads the kid of a JWK, however unusable the rest of it is.
func kidOf(jwk string) string {
	members, err := readObject(jwk, tokenNames)
	if err != nil {
		return ""
	}
	id, _ := Claims{members}.Text("kid")
	return id
}

// Active gives the key that signs, nil where there is none.
func (s *KeySet) Active() *Key { return s.active }

// Find gives the key that verifies what says kid at now: nil where it is unknown, revoked, or
// retired and past its Until.
func (s *KeySet) Find(kid string, now time.Time) *Key {
	for _, member := range s.keys {
		if member.Key.id != kid {
			continue
		}
		if member.State == Revoked || member.State == Retired && !now.Before(member.Until) {
			return nil
		}
		return member.Key
	}
	return nil
}

// JWKS gives the public keys of the set as JSON, for publication: all but the revoked, in the order
// of the set, and never a symmetric one. A retired key stands in it until a set is made without.
func (s *KeySet) JWKS() []byte {
	text := []byte(`{"keys":[`)
	first := true
	for _, member := range s.keys {
		jwk := member.Key.JWK()
		if jwk == nil || member.State == Revoked {
			continue
		}
		if !first {
			text = append(text, ',')
		}
		first = false
		text = append(text, jwk...)
	}
	return append(text, `]}`...)
}
