package token

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// Secret is random or derived key material that never prints: not by fmt with any verb, not in
// logs, not as JSON, and not from within another type, whose fields fmt prints without asking.
// The zero Secret is empty.
type Secret struct{ reveal func() []byte } // fmt prints an address; it would follow a pointer

// NewSecret gives 32 bytes of the system's generator, which nobody can swap.
func NewSecret() Secret {
	key := make([]byte, 32)
	rand.Read(key) // never fails: it ends the program instead
	return secretOf(key)
}

// SecretFrom makes a Secret of a copy of key.
func SecretFrom(key []byte) Secret {
	return secretOf(bytes.Clone(key))
}

// secretOf makes a Secret of key itself.
func secretOf(key []byte) Secret {
	return Secret{func() []byte { return key }}
}

// Bytes gives the material itself, not a copy: it isn't to be changed.
func (s Secret) Bytes() []byte {
	if s.reveal == nil {
		return nil
	}
	return s.reveal()
}

// Equal compares in constant time.
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare(s.Bytes(), other.Bytes()) == 1
}

// Format prints "[redacted]" whatever the verb is.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

func (s Secret) String() string               { return redacted }
func (s Secret) GoString() string             { return redacted }
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
func (s Secret) LogValue() slog.Value         { return slog.StringValue(redacted) }
