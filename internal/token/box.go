package token

import (
	"crypto/cipher"
	"errors"
)

// ErrSealed means that a sealed text doesn't open: changed, under another key, or in another place.
var ErrSealed = errors.New("sealed text does not open")

// Box seals what rests in the database and has to be read again, such as signing keys and TOTP
// secrets, with AES-256-GCM. Under one key it is good for 2^32 seals (NIST SP 800-38D §8.3).
type Box struct{ aead cipher.AEAD }

// NewBox makes a Box of a 32-byte key.
func NewBox(key Secret) *Box {
	aead, err := cipher.NewGCMWithRandomNonce(newAES(key))
	if err != nil {
		panic("token: " + err.Error()) // never for AES
	}
	return &Box{aead}
}

// Seal gives a random nonce and the ciphertext, 28 bytes more than plaintext. aad isn't in it, and
// Open wants the same: it names the place (row and column), so that sealed texts can't be swapped.
func (b *Box) Seal(plaintext, aad []byte) []byte {
	return b.aead.Seal(nil, nil, plaintext, aad)
}

// Open gives what Seal was given, or ErrSealed.
func (b *Box) Open(sealed, aad []byte) ([]byte, error) {
	plaintext, err := b.aead.Open(nil, nil, sealed, aad)
	if err != nil {
		return nil, ErrSealed
	}
	return plaintext, nil
}
