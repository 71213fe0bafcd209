package password

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds on the cost of a stored hash. Each is several times what Django or OWASP ever set, and
// takes one to two seconds of one core at its edge (measured).
const (
	maxEncoded = 1024 // bytes of the whole text; Django's column has 128

	maxPBKDF2Rounds = 5_000_000
	maxBcryptRounds = 14        // base-2 logarithm
	maxArgon2KiB    = 256 << 10 // 256 MiB
	maxArgon2Work   = 1 << 20   // KiB times passes: four passes over 256 MiB
	maxArgon2Time   = 1024
	maxArgon2Lanes  = 64
	maxScryptWork   = 256 << 20 // 128·N·r·p bytes, of which 128·N·r are held at a time
	maxScryptP      = 64
)

const (
	variantID = "argon2id"
	variantI  = "argon2i"

	bcryptSaltText = 22 // characters, for 16 bytes
	bcryptTagBytes = 23 // of 24: a slip of the first bcrypt that all others repeat
	scryptTagBytes = 64
)

// stored is a hash taken apart; its String is the text that was parsed, to the byte.
type stored struct {
	kind    Kind
	variant string // argon2id or argon2i; 2a, 2b or 2y for bcrypt
	cost    Cost
	salt    []byte // as the function takes it
	tag     []byte
}

var (
	phc64    = base64.RawStdEncoding
	django64 = base64.StdEncoding
	bcrypt64 = base64.NewEncoding("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789").
			WithPadding(base64.NoPadding)
)

// parse takes a stored hash apart, and refuses what Django would not have written itself: signs,
// leading zeros, loose base64, costs out of bounds. It does no work worth bounding.
func parse(encoded string) (stored, error) {
	kind := Identify(encoded)
	if kind == KindUnusable {
		return stored{kind: kind}, nil
	}
	h, err := split(kind, encoded)
	if err == nil {
		err = h.check()
	}
	if err == nil && h.String() != encoded {
		err = ErrFormat // not the canonical spelling
	}
	if err != nil && kind != KindUnknown {
		err = fmt.Errorf("%s: %w", kind, err)
	}
	if err != nil {
		return stored{}, err
	}
	return h, nil
}

func split(kind Kind, encoded string) (stored, error) {
	if len(encoded) > maxEncoded {
		return stored{}, ErrFormat
	}
	fields := strings.Split(encoded, "$")[1:]
	h := stored{kind: kind}
	var err error
	switch kind {
	case KindArgon2:
		err = h.splitArgon2(fields)
	case KindPBKDF2SHA256, KindPBKDF2SHA1:
		err = h.splitPBKDF2(fields)
	case KindBcrypt, KindBcryptSHA256:
		err = h.splitBcrypt(fields)
	case KindScrypt:
		err = h.splitScrypt(fields)
	default:
		err = ErrFormat
	}
	return h, err
}

// splitArgon2 reads argon2id, v=19, m=…,t=…,p=…, salt, tag. Hashes without a version are of
// Argon2 1.0, and argon2d is not for passwords; neither is in x/crypto.
func (h *stored) splitArgon2(fields []string) error {
	if len(fields) != 5 || fields[0] != variantID && fields[0] != variantI || fields[1] != "v=19" {
		return ErrFormat
	}
	costs := strings.Split(fields[2], ",")
	if len(costs) != 3 {
		return ErrFormat
	}
	var values [3]int
	for i, name := range []string{"m=", "t=", "p="} {
		digits, ok := strings.CutPrefix(costs[i], name)
		if !ok {
			return ErrFormat
		}
		if err := number(digits, &values[i]); err != nil {
			return err
		}
	}
	if values[2] > maxArgon2Lanes {
		return ErrCost
	}
	h.variant = fields[0]
	h.cost.Argon2 = Params{uint32(values[0]), uint32(values[1]), uint8(values[2])}
	return firstError(decode(phc64, fields[3], &h.salt), decode(phc64, fields[4], &h.tag))
}

// splitPBKDF2 reads rounds, salt, tag.
func (h *stored) splitPBKDF2(fields []string) error {
	if len(fields) != 3 {
		return ErrFormat
	}
	h.salt = []byte(fields[1])
	return firstError(number(fields[0], &h.cost.Rounds), decode(django64, fields[2], &h.tag))
}

// splitScrypt reads N, salt, r, p, tag.
func (h *stored) splitScrypt(fields []string) error {
	if len(fields) != 5 {
		return ErrFormat
	}
	h.salt = []byte(fields[1])
	return firstError(number(fields[0], &h.cost.N), number(fields[2], &h.cost.R),
		number(fields[3], &h.cost.P), decode(django64, fields[4], &h.tag))
}

// splitBcrypt reads nothing, 2b, two digits, salt and tag in one.
func (h *stored) splitBcrypt(fields []string) error {
	if len(fields) != 4 || fields[0] != "" || len(fields[3]) < bcryptSaltText {
		return ErrFormat
	}
	if h.variant = fields[1]; h.variant != "2a" && h.variant != "2b" && h.variant != "2y" {
		return ErrFormat
	}
	salt, tag := fields[3][:bcryptSaltText], fields[3][bcryptSaltText:]
	return firstError(number(fields[2], &h.cost.Rounds),
		decode(bcrypt64, salt, &h.salt), decode(bcrypt64, tag, &h.tag))
}

// number reads decimal digits and nothing but; what passes every bound comes out as one number past
// every bound. Leading zeros are left to parse, which compares spellings.
func number(digits string, into *int) error {
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return ErrFormat
	}
	n, err := strconv.Atoi(digits)
	if err != nil || n > math.MaxInt32 {
		n = math.MaxInt32
	}
	*into = n
	return nil
}

func decode(as *base64.Encoding, text string, into *[]byte) error {
	b, err := as.DecodeString(text)
	if err != nil {
		return ErrFormat
	}
	*into = b
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// blank is a hash yet without its tag, checked. Salt and cost are as for Encode.
func blank(kind Kind, salt string, c Cost) (stored, error) {
	h := stored{kind: kind, cost: c, salt: []byte(salt)}
	if salt == "" {
		h.salt = []byte(randomText(22)) // Django: 128 bits
	}
	size := map[Kind]int{KindPBKDF2SHA256: 32, KindPBKDF2SHA1: 20, KindScrypt: scryptTagBytes}[kind]
	switch kind {
	case KindArgon2:
		h.variant, size = variantID, c.TagBytes
		if size == 0 {
			size = tagBytes
		}
	case KindBcrypt, KindBcryptSHA256:
		h.variant, size = "2b", bcryptTagBytes
		if salt == "" {
			h.salt = make([]byte, 16)
			rand.Read(h.salt)
		} else if err := decode(bcrypt64, salt, &h.salt); err != nil || bcrypt64.EncodeToString(h.salt) != salt {
			return stored{}, ErrFormat
		}
	}
	if size < 0 || size > maxEncoded || len(salt) > maxEncoded/4 {
		return stored{}, ErrFormat // no text could hold it
	}
	h.tag = make([]byte, size)
	return h, h.check()
}

// check reports ErrFormat for sizes and costs that the function does not have, and ErrCost for
// those beyond the bounds.
func (h stored) check() error {
	switch h.kind {
	case KindArgon2:
		// C's Argon2 takes 8 bytes of salt and more, the PHC string format tags of 12 to 64.
		if len(h.salt) < 8 || len(h.tag) < 12 || len(h.tag) > 64 {
			return ErrFormat
		}
		return h.cost.Argon2.Check()
	case KindPBKDF2SHA256:
		return within(h.cost.Rounds >= 1 && textSalt(h.salt) && len(h.tag) == 32, h.cost.Rounds <= maxPBKDF2Rounds)
	case KindPBKDF2SHA1:
		return within(h.cost.Rounds >= 1 && textSalt(h.salt) && len(h.tag) == 20, h.cost.Rounds <= maxPBKDF2Rounds)
	case KindBcrypt, KindBcryptSHA256:
		return within(h.cost.Rounds >= 4 && len(h.salt) == 16 && len(h.tag) == bcryptTagBytes,
			h.cost.Rounds <= maxBcryptRounds)
	case KindScrypt:
		return h.checkScrypt()
	}
	return ErrFormat
}

// Check reports ErrFormat for parameters that Argon2 does not have (RFC 9106 §3.1), and ErrCost for
// those that Verify would refuse.
func (p Params) Check() error {
	return within(p.Time >= 1 && p.Threads >= 1 && p.MemoryKiB >= 8*uint32(p.Threads),
		p.MemoryKiB <= maxArgon2KiB && p.Time <= maxArgon2Time && p.Threads <= maxArgon2Lanes &&
			p.MemoryKiB*p.Time <= maxArgon2Work)
}

func (h stored) checkScrypt() error {
	n, r, p := int64(h.cost.N), int64(h.cost.R), int64(h.cost.P)
	well := n >= 2 && n&(n-1) == 0 && r >= 1 && p >= 1 && textSalt(h.salt) && len(h.tag) == scryptTagBytes
	if most := int64(maxScryptWork / 128); n > most || r > most || p > maxScryptP {
		return within(well, false) // here, so that the product below fits
	}
	return within(well, 128*n*r*p <= maxScryptWork)
}

func within(well, affordable bool) error {
	switch {
	case !well:
		return ErrFormat
	case !affordable:
		return ErrCost
	}
	return nil
}

// textSalt reports whether a salt can stand between dollar signs.
func textSalt(salt []byte) bool {
	return len(salt) > 0 && utf8.Valid(salt) && !strings.Contains(string(salt), "$")
}

// String spells the hash as Django does.
func (h stored) String() string {
	c := h.cost
	switch h.kind {
	case KindArgon2:
		return fmt.Sprintf("argon2$%s$v=19$m=%d,t=%d,p=%d$%s$%s", h.variant, c.Argon2.MemoryKiB,
			c.Argon2.Time, c.Argon2.Threads, phc64.EncodeToString(h.salt), phc64.EncodeToString(h.tag))
	case KindPBKDF2SHA256, KindPBKDF2SHA1:
		return fmt.Sprintf("%s$%d$%s$%s", h.kind, c.Rounds, h.salt, django64.EncodeToString(h.tag))
	case KindBcrypt, KindBcryptSHA256:
		return fmt.Sprintf("%s$$%s$%02d$%s%s", h.kind, h.variant, c.Rounds,
			bcrypt64.EncodeToString(h.salt), bcrypt64.EncodeToString(h.tag))
	case KindScrypt:
		return fmt.Sprintf("scrypt$%d$%s$%d$%d$%s", c.N, h.salt, c.R, c.P, django64.EncodeToString(h.tag))
	}
	return ""
}
