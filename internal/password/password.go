// Package password owns the stored forms of passwords and the rules for new ones: it reads, checks
// and writes Django's hash formats, makes Doorward's own (Argon2id in Django's spelling), runs that
// work in a bounded pool, and applies Django's four validators. It knows no users, no HTTP and no
// words for people: a refused password comes back as codes. It keeps nothing, and reads the clock
// only to measure how long a hash took.
//
// Passwords are taken as received, as UTF-8, neither normalised nor cut (ASVS 6.2.8; Django does
// the same, so imported hashes go on working). The one exception is plain bcrypt: see [Verify].
package password

import (
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
)

// MaxBytes is the length of the longest password worth any work. Callers refuse longer ones before
// they call anything here; nothing is ever cut to fit.
const MaxBytes = 4096

// Kind names a stored format as Django does, by the word before the first dollar sign.
type Kind string

// The formats that can be verified. KindUnusable stands for "!…" and the empty string, which no
// password matches; KindUnknown for all the rest, Django's bare sha1, md5 and crypt among it.
const (
	KindArgon2       Kind = "argon2"
	KindPBKDF2SHA256 Kind = "pbkdf2_sha256"
	KindPBKDF2SHA1   Kind = "pbkdf2_sha1"
	KindBcryptSHA256 Kind = "bcrypt_sha256"
	KindBcrypt       Kind = "bcrypt"
	KindScrypt       Kind = "scrypt"
	KindUnusable     Kind = "unusable"
	KindUnknown      Kind = ""
)

var (
	// ErrFormat says that a stored hash is of an unknown kind or malformed.
	ErrFormat = errors.New("unknown or malformed password hash")
	// ErrCost says that a stored hash asks for more work or memory than any honest one (see the
	// bounds in stored.go): a crafted row must not be able to stop the server.
	ErrCost = errors.New("password hash costs too much")
	// ErrUnhashable says that plain bcrypt cannot tell this password from others.
	ErrUnhashable = errors.New("plain bcrypt takes at most 72 bytes and no NUL")
)

// Params is the cost of an Argon2id hash.
type Params struct {
	MemoryKiB uint32 // at least 8 a thread, at most 262,144 (256 MiB)
	Time      uint32 // passes over the memory
	Threads   uint8  // lanes
}

// Default is OWASP's floor for Argon2id, 19 MiB and two passes: 30 to 41 ms of one core
// (SECURITY (e)).
var Default = Params{MemoryKiB: 19456, Time: 2, Threads: 1}

const (
	saltBytes = 16 // of a Doorward hash; RFC 9106 §4
	tagBytes  = 32 // of a Doorward hash; RFC 9106 §4
)

// Identify names the format of a stored hash by its beginning; it does not say that the rest is
// well-formed.
func Identify(encoded string) Kind {
	if encoded == "" || encoded[0] == '!' {
		return KindUnusable
	}
	name, _, _ := strings.Cut(encoded, "$")
	switch kind := Kind(name); kind {
	case KindArgon2, KindPBKDF2SHA256, KindPBKDF2SHA1, KindBcryptSHA256, KindBcrypt, KindScrypt:
		return kind
	}
	return KindUnknown
}

// Verify reports whether password matches encoded. It takes as long as encoded asks for, up to
// about two seconds and 256 MiB at the bounds. Unusable hashes never match and are no error; the
// errors are ErrFormat and ErrCost, both before any work.
//
// Plain bcrypt looks at the first 72 bytes only, as with Django on the bcrypt module before 5.0
// (which raises an error instead), and no password with a NUL matches it: bcrypt repeats its key, so
// that "a" and "a\x00a" would be one.
func Verify(encoded, password string) (bool, error) {
	h, err := parse(encoded)
	if err != nil {
		return false, err
	}
	if h.kind == KindUnusable {
		return false, nil
	}
	return h.matches(password, argon2id)
}

func (h stored) matches(password string, id argon2idFunc) (bool, error) {
	tag, err := h.derive(password, id)
	if err != nil {
		return false, err
	}
	equal := subtle.ConstantTimeCompare(tag, h.tag) == 1
	return equal && !(h.kind == KindBcrypt && strings.Contains(password, "\x00")), nil
}

// Hash makes Doorward's own kind of hash, with a fresh salt of 16 bytes and a tag of 32:
//
//	argon2$argon2id$v=19$m=19456,t=2,p=1$salt$tag
//
// It is the PHC string as Django spells it, so a Django beside us can verify it. Parameters that
// fail Check panic: they come from the configuration, which is checked at the start.
func Hash(password string, p Params) string {
	return hash(password, p, argon2id)
}

func hash(password string, p Params, id argon2idFunc) string {
	if err := p.Check(); err != nil {
		panic(fmt.Sprintf("password: hash with %+v: %v", p, err))
	}
	salt := make([]byte, saltBytes)
	rand.Read(salt)
	h := stored{kind: KindArgon2, variant: variantID, cost: Cost{Argon2: p}, salt: salt}
	h.tag = id([]byte(password), salt, p, tagBytes)
	return h.String()
}

// Cost is what a hash costs to make. Each kind reads its own fields.
type Cost struct {
	Rounds   int    // PBKDF2: iterations. bcrypt: their base-2 logarithm, 4 to 14
	Argon2   Params // Argon2id
	TagBytes int    // Argon2id: 16 with argon2-cffi before 21.2, 32 since; 0 means 32
	N, R, P  int    // scrypt
}

// Encode makes a hash in any of Django's formats, byte for byte what Django writes for the same
// salt and cost; for databases that a Django goes on reading, and for tests. The salt is text
// without a dollar sign, for bcrypt 22 characters of its own base64; an empty one means a fresh one
// of Django's making. Errors: ErrFormat for a kind, salt or cost that does not exist, ErrCost
// beyond the bounds of Verify, ErrUnhashable.
func Encode(kind Kind, password, salt string, c Cost) (string, error) {
	if kind == KindUnusable {
		return Unusable(), nil
	}
	if kind == KindBcrypt && (len(password) > bcryptBytes || strings.Contains(password, "\x00")) {
		return "", fmt.Errorf("encode %s: %w", kind, ErrUnhashable)
	}
	h, err := blank(kind, salt, c)
	if err != nil {
		return "", fmt.Errorf("encode %s: %w", kind, err)
	}
	if h.tag, err = h.derive(password, argon2id); err != nil {
		return "", fmt.Errorf("encode %s: %w", kind, err)
	}
	return h.String(), nil
}

// Unusable makes a hash that no password matches: "!" and 40 random characters, as Django's
// set_unusable_password.
func Unusable() string {
	return "!" + randomText(40)
}

// Outdated reports whether a sign-in should replace encoded by Hash(password, p): when it is
// anything but Argon2id at exactly that cost, so that all accounts come to take the same time. It is
// false for what nobody can sign in with.
func Outdated(encoded string, p Params) bool {
	h, err := parse(encoded)
	if err != nil || h.kind == KindUnusable {
		return false
	}
	return h.outdated(p)
}

func (h stored) outdated(p Params) bool {
	return h.kind != KindArgon2 || h.variant != variantID || h.cost.Argon2 != p ||
		len(h.salt) < saltBytes || len(h.tag) != tagBytes
}

// randomText returns n characters of Django's RANDOM_STRING_CHARS, 5.95 bits each.
func randomText(n int) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	const fair = 256 - 256%len(letters) // bytes from here on would favour the first letters
	text := make([]byte, 0, n)
	for b := make([]byte, 1); len(text) < n; {
		if rand.Read(b); int(b[0]) < fair {
			text = append(text, letters[int(b[0])%len(letters)])
		}
	}
	return string(text)
}
