package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"
	"time"
)

// Signer signs whole numbers as Django's signing.dumps does (django/core/signing.py with SHA-256, the
// same from 3.1 to 5.2): the number as JSON in base64, base62 seconds since 1970, and an HMAC of both, with
// colons between. A text is good for one salt only, and nothing is stored.
type Signer struct{ secrets [][]byte } // the first one signs

// base62 has Django's digits (django.utils.baseconv, later BASE62_ALPHABET).
const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// maxSigned bounds a signed text, in bytes: 26 of a number, 11 of the time, 43 of the signature.
const maxSigned = 96

// NewSigner makes a Signer of secret; what the fallbacks signed is still taken.
func NewSigner(secret Secret, fallbacks ...Secret) *Signer {
	s := &Signer{}
	for _, each := range append([]Secret{secret}, fallbacks...) {
		s.secrets = append(s.secrets, each.Bytes())
	}
	return s
}

// Signed is what a text says before its signature is looked at.
type Signed struct {
	ID int64
	At time.Time // in whole seconds
}

// Sign gives the text for id, signed at now.
func (s *Signer) Sign(salt string, id int64, now time.Time) string {
	value := FormatUID(id) + ":" + formatBase62(now.Unix())
	return value + ":" + signature(s.secrets[0], salt, value)
}

// ParseSigned reads a text in the one spelling that Sign writes, for a number above 0. Nothing of it is proved.
func ParseSigned(text string) (Signed, bool) {
	parts := strings.Split(text, ":")
	if len(text) > maxSigned || len(parts) != 3 || strings.HasSuffix(parts[0], "=") {
		return Signed{}, false
	}
	id, ok := ParseUID(parts[0])
	seconds, timed := parseBase62(parts[1])
	return Signed{ID: id, At: time.Unix(seconds, 0)}, ok && timed && parts[2] != ""
}

// Check reports whether text was signed with this salt, no longer ago than life.
func (s *Signer) Check(salt, text string, now time.Time, life time.Duration) bool {
	said, ok := ParseSigned(text)
	if !ok {
		return false
	}
	value, mac := text[:strings.LastIndexByte(text, ':')], text[strings.LastIndexByte(text, ':')+1:]
	found := false
	for _, secret := range s.secrets {
		found = subtle.ConstantTimeCompare([]byte(signature(secret, salt, value)), []byte(mac)) == 1 || found
	}
	return found && !now.After(said.At.Add(life))
}

// signature is Django's base64_hmac, whose key is a hash of salt, "signer" and secret.
func signature(secret []byte, salt, value string) string {
	key := sha256.Sum256(append([]byte(salt+"signer"), secret...))
	mac := hmac.New(sha256.New, key[:])
	mac.Write([]byte(value))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// formatBase62 writes n, which is not negative.
func formatBase62(n int64) string {
	digits := []byte{}
	for ; n > 0; n /= 62 {
		digits = append([]byte{base62[n%62]}, digits...)
	}
	if len(digits) == 0 {
		return "0"
	}
	return string(digits)
}

// parseBase62 reads what formatBase62 writes, up to the year 9999.
func parseBase62(text string) (n int64, ok bool) {
	const latest = 253402300799
	for i := range len(text) {
		digit := strings.IndexByte(base62, text[i])
		if n = n*62 + int64(digit); digit < 0 || n > latest {
			return 0, false
		}
	}
	return n, formatBase62(n) == text
}
