package password

import (
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/blowfish"
	"golang.org/x/crypto/scrypt"
)

// bcryptBytes is how much of a password bcrypt sees.
const bcryptBytes = 72

// argon2idFunc computes Argon2id. It is a value because a worker of the pool may bring its own, with
// memory that it keeps: x/crypto allocates, and leaves for the collector, MemoryKiB a hash.
type argon2idFunc func(password, salt []byte, p Params, size uint32) []byte

func argon2id(password, salt []byte, p Params, size uint32) []byte {
	return argon2.IDKey(password, salt, p.Time, p.MemoryKiB, p.Threads, size)
}

// derive computes the tag for a password, with the kind, cost, salt and size of h, which has passed
// check. An error is a fault of the machine (such as FIPS mode).
func (h stored) derive(password string, id argon2idFunc) (tag []byte, err error) {
	size, c := len(h.tag), h.cost
	switch {
	case h.variant == variantID:
		return id([]byte(password), h.salt, c.Argon2, uint32(size)), nil
	case h.variant == variantI:
		return argon2.Key([]byte(password), h.salt, c.Argon2.Time, c.Argon2.MemoryKiB, c.Argon2.Threads, uint32(size)), nil
	case h.kind == KindPBKDF2SHA256:
		tag, err = pbkdf2.Key(sha256.New, password, h.salt, c.Rounds, size)
	case h.kind == KindPBKDF2SHA1:
		tag, err = pbkdf2.Key(sha1.New, password, h.salt, c.Rounds, size)
	case h.kind == KindBcryptSHA256:
		sum := sha256.Sum256([]byte(password))
		tag, err = bcrypt(hex.AppendEncode(nil, sum[:]), h.salt, c.Rounds)
	case h.kind == KindBcrypt:
		tag, err = bcrypt([]byte(password), h.salt, c.Rounds)
	case h.kind == KindScrypt:
		tag, err = scrypt.Key([]byte(password), h.salt, c.N, c.R, c.P, size)
	default:
		err = ErrFormat
	}
	if err != nil {
		return nil, fmt.Errorf("derive %s: %w", h.kind, err)
	}
	return tag, nil
}

// bcrypt computes the 23 bytes of a bcrypt hash from the first 72 of the password, for 2^rounds
// rounds (Provos and Mazières, "A Future-Adaptable Password Scheme", 1999, §4 and §5). It stands
// here because x/crypto/bcrypt takes no salt, which writing Django's formats needs; a test holds the
// two against each other.
func bcrypt(password, salt []byte, rounds int) ([]byte, error) {
	key := make([]byte, 0, bcryptBytes+1)
	key = append(append(key, password[:min(len(password), bcryptBytes)]...), 0) // C's final NUL counts
	c, err := blowfish.NewSaltedCipher(key, salt)
	if err != nil {
		return nil, err
	}
	for range 1 << rounds {
		blowfish.ExpandKey(key, c)
		blowfish.ExpandKey(salt, c)
	}
	tag := []byte("OrpheanBeholderScryDoubt")
	for i := 0; i < len(tag); i += blowfish.BlockSize {
		for range 64 {
			c.Encrypt(tag[i:], tag[i:])
		}
	}
	return tag[:bcryptTagBytes], nil
}
