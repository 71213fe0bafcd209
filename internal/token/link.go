package token

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

// Links makes and checks the tokens of e-mailed links as Django does (PasswordResetTokenGenerator
// of django/contrib/auth/tokens.py, the same from 3.1 to 5.2): base36 seconds since 2001, a dash,
// every second hex digit of a salted HMAC-SHA256. Nothing is stored: a token is bound to what it
// was made of and dies with it. A Django that has the same secret takes ours, and we take its.
type Links struct{ keys [][]byte } // the first one makes

// Linked is what a link's token is bound to.
type Linked struct {
	ID        int64
	Password  string    // the stored hash
	LastLogin time.Time // whole seconds count; zero: never
	Email     string
	// Purpose keeps the tokens of one purpose from serving another; "" is Django's only kind.
	Purpose string
}

// linkSalt is Django's PasswordResetTokenGenerator.key_salt.
const linkSalt = "django.contrib.auth.tokens.PasswordResetTokenGenerator"

// linkEpoch is where the seconds of a token count from: 2001-01-01 UTC.
const linkEpoch = 978307200

// maxBase36 is how many digits Django reads (django.utils.http.base36_to_int).
const maxBase36 = 13

// NewLinks makes Links whose tokens come from secret; those of the fallbacks are still taken.
func NewLinks(secret Secret, fallbacks ...Secret) *Links {
	l := &Links{}
	for _, s := range append([]Secret{secret}, fallbacks...) {
		key := sha256.Sum256(append([]byte(linkSalt), s.Bytes()...))
		l.keys = append(l.keys, key[:])
	}
	return l
}

// Make gives the token of a link that is sent at now.
func (l *Links) Make(of *Linked, now time.Time) string {
	return of.token(l.keys[0], now.Unix()-linkEpoch)
}

// Check reports whether text is a token of these, no older than timeout.
func (l *Links) Check(of *Linked, text string, now time.Time, timeout time.Duration) bool {
	digits, _, ok := strings.Cut(text, "-")
	seconds, err := strconv.ParseInt(digits, 36, 64)
	if !ok || len(digits) > maxBase36 || err != nil {
		return false
	}
	found := false
	for _, key := range l.keys {
		// The whole text is compared, so only one spelling of the seconds is good.
		found = subtle.ConstantTimeCompare([]byte(of.token(key, seconds)), []byte(text)) == 1 || found
	}
	return found && now.Unix()-linkEpoch-seconds <= int64(timeout/time.Second)
}

// token is Django's _make_token_with_timestamp.
func (of *Linked) token(key []byte, seconds int64) string {
	lastLogin := ""
	if !of.LastLogin.IsZero() {
		lastLogin = of.LastLogin.UTC().Format("2006-01-02 15:04:05")
	}
	mac := hmac.New(sha256.New, key)
	for _, part := range []string{
		strconv.FormatInt(of.ID, 10), of.Password, lastLogin, strconv.FormatInt(seconds, 10), of.Email, of.Purpose,
	} {
		mac.Write([]byte(part))
	}
	long := hex.EncodeToString(mac.Sum(nil))
	short := make([]byte, 0, len(long)/2)
	for i := 0; i < len(long); i += 2 {
		short = append(short, long[i])
	}
	return strconv.FormatInt(seconds, 36) + "-" + string(short)
}

// FormatUID is the user id of a link: the decimal number in URL-safe base64, unpadded
// (django.utils.http.urlsafe_base64_encode).
func FormatUID(id int64) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(id, 10)))
}

// ParseUID reads the user id of a link, with padding or without: the one spelling that [FormatUID] writes, for Go's decoder passes over line
// breaks.
func ParseUID(text string) (id int64, ok bool) {
	const longest = 32 // 19 digits are 26 characters
	if len(text) > longest {
		return 0, false
	}
	text = strings.TrimRight(text, "=")
	digits, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return 0, false
	}
	id, err = strconv.ParseInt(string(digits), 10, 64)
	return id, err == nil && id > 0 && FormatUID(id) == text
}

// FormatUID36 is the user id of a link as allauth writes it (django.utils.http.int_to_base36).
func FormatUID36(id int64) string { return strconv.FormatInt(id, 36) }

// ParseUID36 reads it, in the one spelling that [FormatUID36] writes.
func ParseUID36(text string) (id int64, ok bool) {
	if len(text) > maxBase36 {
		return 0, false
	}
	id, err := strconv.ParseInt(text, 36, 64)
	return id, err == nil && id > 0 && FormatUID36(id) == text
}
