package token

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
)

// Root is the root key of a server, from which every purpose gets a key of its own by HKDF with
// SHA-256 (RFC 5869): the instance id is the salt, so that a restored copy that was given a new id
// derives other keys, and the purpose is the label. Keys of one purpose say nothing of another's.
type Root struct{ pseudorandom, users Secret }

// label is part of every key: to change it is to change them all.
const label = "doorward/1/"

// NewRoot extracts the keys of an instance from the root secret.
func NewRoot(secret Secret, instance string) Root {
	key, err := hkdf.Extract(sha256.New, secret.Bytes(), []byte(instance))
	if err != nil {
		panic("token: " + err.Error()) // in FIPS 140-only mode, for a secret under 14 bytes
	}
	root := Root{pseudorandom: secretOf(key)}
	root.users = root.Key("per-user")
	return root
}

// Key gives the 32-byte key of a purpose, the same one every time.
func (r Root) Key(purpose string) Secret {
	key, err := hkdf.Expand(sha256.New, r.pseudorandom.Bytes(), label+purpose, 32)
	if err != nil {
		panic("token: " + err.Error()) // never for 32 bytes of SHA-256
	}
	return secretOf(key)
}

// UserKey gives the 32-byte key that signs the tokens of one user: HMAC-SHA256 under the key of
// the purpose "per-user" over the user's id (8 bytes, big-endian) and jwt_secret. What the database
// stores signs nothing by itself, and a new jwt_secret ends every token before it.
func (r Root) UserKey(userID int64, jwtSecret [16]byte) Secret {
	var message [24]byte
	binary.BigEndian.PutUint64(message[:], uint64(userID))
	copy(message[8:], jwtSecret[:])
	mac := hmac.New(sha256.New, r.users.Bytes())
	mac.Write(message[:])
	return secretOf(mac.Sum(nil))
}
