package drf

import (
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"time"

	"doorward/internal/token"
)

// FormToken gives what a form of ours repeats, and sets the cookie that it repeats, which the browser may have
// already: another form of ours may be open (django/middleware/csrf.py).
func (o SessionOptions) FormToken(h http.Header, r *http.Request) string {
	secret, _ := cookieOf(r, csrfCookie)
	if malformed(secret) != "" {
		secret = hex.EncodeToString(token.NewSecret().Bytes())
	}
	o.Set(h, r, &http.Cookie{Name: csrfCookie, Value: secret, MaxAge: int(csrfLife / time.Second)})
	return secret
}

// Forged reports whether a form that repeats shown may have been sent by a page of another site.
func (o SessionOptions) Forged(r *http.Request, shown string) bool {
	kept, _ := cookieOf(r, csrfCookie)
	return malformed(kept) != "" || subtle.ConstantTimeCompare([]byte(shown), []byte(kept)) != 1 || o.Stranger(r) != ""
}
