package token

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/hex"
)

// IDs makes the ids (jti, RFC 7519 §4.1.7) of tokens whose signature is dear to judge, and knows
// them again for a hundredth of its price: 8 random bytes, and 8 bytes that AES-256 makes of those
// under a key of ours. One that somebody made up passes once in 2^64. It proves nothing about the
// token around it, which anybody may have put it into: that is the signature's part.
type IDs struct{ block cipher.Block }

// NewIDs makes IDs of a 32-byte key.
func NewIDs(key Secret) *IDs { return &IDs{newAES(key)} }

// Mint gives a new id, 32 hexadecimal digits.
func (i *IDs) Mint() string {
	var id [aes.BlockSize]byte
	copy(id[:8], NewSecret().Bytes())
	tag := i.tag(id[:8])
	copy(id[8:], tag[:8])
	return hex.EncodeToString(id[:])
}

// Minted reports whether an id is one that Mint gave.
func (i *IDs) Minted(text string) bool {
	var id [aes.BlockSize]byte
	if len(text) != hex.EncodedLen(len(id)) {
		return false
	}
	for n := range len(text) {
		if c := text[n]; !isDigit(c) && (c < 'a' || c > 'f') {
			return false
		}
	}
	if _, err := hex.Decode(id[:], []byte(text)); err != nil {
		return false
	}
	tag := i.tag(id[:8])
	return subtle.ConstantTimeCompare(tag[:8], id[8:]) == 1
}

func (i *IDs) tag(random []byte) (tag [aes.BlockSize]byte) {
	copy(tag[:], random)
	i.block.Encrypt(tag[:], tag[:])
	return tag
}
