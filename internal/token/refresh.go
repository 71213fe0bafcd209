package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"strings"
)

// RefreshTokens makes and reads the refresh tokens of our own API. One says its session and its
// generation and proves both with a MAC, so that junk is refused without SQL, any older generation
// is known for genuine (its reuse can end exactly that session), and the successor of a generation
// is always the same text. Nothing that rests in the database makes one.
type RefreshTokens struct{ key Secret }

const (
	refreshPrefix = "dwr_"                   // also for secret scanners
	refreshBody   = 8 + 4                    // session and generation, big-endian
	refreshBytes  = refreshBody + 32         // and the tag
	refreshLen    = 4 + (refreshBytes*8+5)/6 // as text
)

// NewRefreshTokens makes one of a key that serves nothing else.
func NewRefreshTokens(key Secret) *RefreshTokens { return &RefreshTokens{key} }

// Mint gives the token of a generation of a session: "dwr_" and the base64url of session,
// generation and HMAC-SHA256 over the prefix and both, 63 characters. It panics for a negative
// session, of which there are none.
func (r *RefreshTokens) Mint(session int64, generation uint32) string {
	mustBeSession(session)
	var b [refreshBytes]byte
	binary.BigEndian.PutUint64(b[:], uint64(session))
	binary.BigEndian.PutUint32(b[8:], generation)
	mac := hmac.New(sha256.New, r.key.Bytes())
	mac.Write([]byte(refreshPrefix))
	mac.Write(b[:refreshBody])
	mac.Sum(b[:refreshBody])
	return refreshPrefix + strict64.EncodeToString(b[:])
}

// Open reads a token that Mint wrote, and reports false for any other text: the one spelling that
// opens is the one Mint gives again, compared in constant time.
func (r *RefreshTokens) Open(text string) (session int64, generation uint32, ok bool) {
	body, ok := strings.CutPrefix(text, refreshPrefix)
	if !ok || len(text) != refreshLen {
		return 0, 0, false
	}
	var b [refreshBytes]byte
	if n, err := strict64.Decode(b[:], []byte(body)); err != nil || n != len(b) || b[0]&0x80 != 0 {
		return 0, 0, false
	}
	session, generation = int64(binary.BigEndian.Uint64(b[:])), binary.BigEndian.Uint32(b[8:])
	if !hmac.Equal([]byte(r.Mint(session, generation)), []byte(text)) {
		return 0, 0, false
	}
	return session, generation, true
}
