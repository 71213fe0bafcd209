// Package pbkdf2 derives keys with PBKDF2-HMAC-SHA256 (RFC 8018 §5.2), as Django's most common
// password hashes do, at a fraction of what crypto/pbkdf2 costs on a CPU that has instructions for
// SHA-256; on others it is crypto/pbkdf2. It knows nothing of the hashes' text, and bounds no cost:
// the caller has judged rounds.
package pbkdf2

import (
	"crypto/fips140"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/binary"
)

const (
	// chunkRounds is how many rounds one call of the assembly does. Go cannot preempt it, so a chunk
	// stays under 0.1 ms: it takes 30 µs (a Xeon of 2023), and at the 132 cycles a compression that this
	// is, a core of 0.7 GHz still keeps the bound. The calls themselves cost a thousandth.
	chunkRounds = 256

	// maxTag is the longest key there is, in bytes (RFC 8018 §5.2, step 1).
	maxTag = (1<<32 - 1) * sha256.Size
)

// accelerated says that the assembly does the rounds. It is a variable for the tests.
var accelerated = hasSHA256()

// Key derives tagLen bytes from password and salt. It panics when rounds or tagLen is below 1, or
// tagLen above the (2³²-1)·32 of RFC 8018: a caller has checked what it read. (crypto/pbkdf2 returns
// an error for such a tagLen, and takes rounds below 1 for 1.)
//
// In FIPS 140-3 mode the work is left to crypto/pbkdf2, since this code is in no validated module,
// and Key panics at what the mode fips140=only refuses, such as a salt under 16 bytes. A caller that
// wants an error there asks crypto/fips140 first.
func Key(password, salt []byte, rounds, tagLen int) []byte {
	if rounds < 1 || tagLen < 1 || int64(tagLen) > maxTag {
		panic("pbkdf2: rounds or length of the tag out of range")
	}
	if !accelerated || fips140.Enabled() {
		tag, err := pbkdf2.Key(sha256.New, string(password), salt, rounds, tagLen)
		if err != nil {
			panic(err)
		}
		return tag
	}
	var (
		c     = newChain(password)
		prf   = hmac.New(sha256.New, password)
		index [4]byte
		sum   [sha256.Size]byte
		tag   = make([]byte, tagLen)
	)
	for rest, i := tag, uint32(1); len(rest) > 0; i++ {
		binary.BigEndian.PutUint32(index[:], i)
		prf.Reset()
		prf.Write(salt)
		prf.Write(index[:])
		c.start(prf.Sum(sum[:0]))
		c.run(rounds - 1)
		rest = rest[copy(rest, c.tag(&sum)):]
	}
	return tag
}

// chain is one block of the key on its way (RFC 8018 §5.2, step 3). The assembly knows its layout.
type chain struct {
	inner, outer [8]uint32 // SHA-256 after the padded password of HMAC's two hashes
	u            [8]uint32 // U_c of the last round, as SHA-256's words
	t            [8]uint32 // U_1 ⊕ … ⊕ U_c
}

// newChain hashes the first block of both of HMAC's hashes (RFC 2104 §2 and §4), which every round
// would hash again.
func newChain(password []byte) chain {
	var key [sha256.BlockSize]byte
	if len(password) > len(key) {
		sum := sha256.Sum256(password)
		copy(key[:], sum[:])
	} else {
		copy(key[:], password)
	}
	var ipad, opad [16]uint32
	for i := range ipad {
		word := binary.BigEndian.Uint32(key[4*i:])
		ipad[i], opad[i] = word^0x36363636, word^0x5c5c5c5c
	}
	c := chain{inner: initial, outer: initial}
	compress(&c.inner, ipad)
	compress(&c.outer, opad)
	return c
}

// start takes U_1.
func (c *chain) start(u []byte) {
	for i := range c.u {
		c.u[i] = binary.BigEndian.Uint32(u[4*i:])
	}
	c.t = c.u
}

// run does n rounds, chunk by chunk.
func (c *chain) run(n int) {
	for ; n > chunkRounds; n -= chunkRounds {
		c.chunk(chunkRounds)
	}
	c.chunk(n)
}

// chunk does n rounds. It has a frame of its own, and so the check at its entry at which Go takes
// the CPU from a goroutine; the assembly has none.
//
//go:noinline
func (c *chain) chunk(n int) {
	if n > 0 {
		chunk(c, n)
	}
}

// tag spells t into sum.
func (c *chain) tag(sum *[sha256.Size]byte) []byte {
	for i, word := range c.t {
		binary.BigEndian.PutUint32(sum[4*i:], word)
	}
	return sum[:]
}
