package drfjwt

import (
	"net/http"
	"time"

	"doorward/internal/account"
	"doorward/internal/web/drf"
)

// Cookie is JWT_AUTH_COOKIE: answers with a token set it, and it stands for the header where that is missing.
// The browser sends it by itself, so a page of another site must not write by it.
type Cookie struct {
	accounts *account.Service
	name     string
	life     time.Duration
	drf.SessionOptions
}

// NewCookie makes one that lives as long as a token does.
func NewCookie(accounts *account.Service, name string, life time.Duration, o drf.SessionOptions) *Cookie {
	return &Cookie{accounts, name, life, o}
}

// Give sets the cookie to a token.
func (c *Cookie) Give(h http.Header, r *http.Request, token string) {
	c.Set(h, r, &http.Cookie{Name: c.name, Value: token, MaxAge: int(c.life / time.Second), Expires: c.accounts.Now().Add(c.life), HttpOnly: true})
}

// Drop deletes the cookie.
func (c *Cookie) Drop(h http.Header, r *http.Request) {
	c.Set(h, r, &http.Cookie{Name: c.name, MaxAge: -1, Expires: time.Unix(0, 0), HttpOnly: true})
}

// shown is the token that r brings; "": none. Of several cookies with one name Django takes the last.
func (c *Cookie) shown(r *http.Request) string {
	if c == nil {
		return ""
	}
	all := r.CookiesNamed(c.name)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1].Value
}

// forgery says why the page that sent r may not write by the cookie; "": it may.
func (c *Cookie) forgery(r *http.Request) string {
	if drf.Safe(r.Method) {
		return ""
	}
	return c.Stranger(r)
}
