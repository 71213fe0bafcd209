package password

import (
	"crypto/fips140"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"golang.org/x/crypto/argon2"
	//lint:ignore SA1019 bcrypt is made of it, and stored hashes are to be checked
	"golang.org/x/crypto/blowfish"
	"golang.org/x/crypto/scrypt"

	own "doorward/internal/password/argon2id"
	fast "doorward/internal/password/pbkdf2"
)

// bcryptBytes is how much of a password bcrypt sees.
const bcryptBytes = 72

// argon2idFunc computes Argon2id. It is a value because a worker of the pool brings its own, with
// memory that it keeps.
type argon2idFunc func(password, salt []byte, p Params, size uint32) []byte

// argon2id is the one for a hash now and then: it gives its memory back.
func argon2id(password, salt []byte, p Params, size uint32) []byte {
	var b own.Buffer
	defer b.Release()
	return argon2idIn(&b, password, salt, p, size)
}

func argon2idIn(b *own.Buffer, password, salt []byte, p Params, size uint32) []byte {
	return own.KeyLanes(password, salt, own.Cost{Time: p.Time, MemoryKiB: p.MemoryKiB, Lanes: uint32(p.Threads)}, size, b)
}

// hasher is what a worker of the pool hashes with.
type hasher struct {
	argon2id argon2idFunc
	release  func() // gives the memory back to the system, until the next hash
}

// memory is a hasher's. It keeps what a hash of usual needs; that of a dearer one goes back at once.
type memory struct {
	usual  Params
	buffer own.Buffer
}

func newHasher(usual Params) hasher {
	m := &memory{usual: usual}
	return hasher{m.argon2id, m.buffer.Release}
}

func (m *memory) argon2id(password, salt []byte, p Params, size uint32) []byte {
	tag := argon2idIn(&m.buffer, password, salt, p, size)
	if p.MemoryKiB > m.usual.MemoryKiB {
		m.buffer.Release()
	}
	return tag
}

// nominal is about what h takes on one quiet core of the machine that SECURITY (e) was measured on.
// Against each other these hold on other machines too, within a factor of two or three.
func (h stored) nominal() time.Duration {
	var took time.Duration
	switch c := h.cost; h.kind {
	case KindArgon2:
		took = c.Argon2.nominal()
	case KindPBKDF2SHA256, KindPBKDF2SHA1:
		took = time.Duration(c.Rounds) * 125 * time.Nanosecond // SHA-1 and a machine without the instructions take twice that
	case KindBcrypt, KindBcryptSHA256:
		took = 70 * time.Microsecond << c.Rounds
	case KindScrypt:
		took = time.Duration(128*c.N*c.R*c.P) * 43 / 10
	}
	return max(took, leastNominal)
}

// nominal is that of an Argon2id with p: 15 ms at the default.
func (p Params) nominal() time.Duration {
	work := time.Duration(p.MemoryKiB) * time.Duration(p.Time)
	return max(work*385*time.Nanosecond, leastNominal)
}

// leastNominal is for hashes that take less than it takes to hand them over.
const leastNominal = time.Millisecond

// derive computes the tag for a password, with the kind, cost, salt and size of h, which has passed
// check. An error is a fault of the machine (such as FIPS mode).
func (h stored) derive(password string, id argon2idFunc) (tag []byte, err error) {
	size, c := len(h.tag), h.cost
	switch {
	case h.variant == variantID:
		return id([]byte(password), h.salt, c.Argon2, uint32(size)), nil
	case h.variant == variantI: // Django before 3.2: of 512 KiB, over in a millisecond
		return argon2.Key([]byte(password), h.salt, c.Argon2.Time, c.Argon2.MemoryKiB, c.Argon2.Threads, uint32(size)), nil
	case h.kind == KindPBKDF2SHA256:
		tag, err = pbkdf2SHA256(password, h.salt, c.Rounds, size)
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

// pbkdf2SHA256 uses the processor's instructions, except in FIPS 140-3 mode, which wants its own module.
func pbkdf2SHA256(password string, salt []byte, rounds, size int) ([]byte, error) {
	if fips140.Enabled() {
		return pbkdf2.Key(sha256.New, password, salt, rounds, size)
	}
	return fast.Key([]byte(password), salt, rounds, size), nil
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
