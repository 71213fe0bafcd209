package simplejwt

import (
	"net/http"
	"time"

	"doorward/internal/account"
	"doorward/internal/web/drf"
)

// CookieOptions say how dj-rest-auth's cookies are written and read. What has no name is not set.
type CookieOptions struct {
	Access, Refresh string // their names: JWT_AUTH_COOKIE, JWT_AUTH_REFRESH_COOKIE
	RefreshPath     string // "": "/"
	Domain          string // "": the host alone
	SameSite        http.SameSite
	// HTTPOnly keeps scripts away from both, and refresh tokens out of bodies.
	HTTPOnly bool
	Secure   bool // always; without it where a request came by TLS
	// Opens lets the access token's cookie stand for the header (JWTCookieAuthentication).
	Opens bool
	// CSRF asks who writes by a cookie for Django's token, too, beside his page's origin (JWT_AUTH_COOKIE_USE_CSRF).
	CSRF bool
	// GivesCSRF sets that token's cookie with the others: else it is a page's of Django's.
	GivesCSRF bool
	Sessions  drf.SessionOptions // whose pages may write
}

// Cookies bring the tokens of a mount, as dj-rest-auth has it. A browser sends them by itself, so a page of another
// site must not write by them.
type Cookies struct {
	now func() time.Time
	CookieOptions
}

// NewCookies makes them.
func NewCookies(accounts *account.Service, o CookieOptions) *Cookies {
	if o.RefreshPath == "" {
		o.RefreshPath = "/"
	}
	return &Cookies{accounts.Now, o}
}

// Give sets the cookies of what g has.
func (c *Cookies) Give(h http.Header, r *http.Request, g *account.Grant) {
	if c.Access != "" {
		c.set(h, r, &http.Cookie{Name: c.Access, Value: g.Access, Path: "/", Expires: g.Expires, HttpOnly: c.HTTPOnly})
	}
	if c.Refresh != "" && g.Refresh != "" {
		c.set(h, r, &http.Cookie{Name: c.Refresh, Value: g.Refresh, Path: c.RefreshPath, Expires: g.RefreshExpires, HttpOnly: c.HTTPOnly})
	}
	if c.GivesCSRF && c.Access != "" {
		c.Sessions.FormToken(h, r)
	}
}

// Drop deletes the cookies.
func (c *Cookies) Drop(h http.Header, r *http.Request) {
	gone := time.Unix(0, 0)
	if c.Access != "" {
		c.set(h, r, &http.Cookie{Name: c.Access, Path: "/", Expires: gone})
	}
	if c.Refresh != "" {
		c.set(h, r, &http.Cookie{Name: c.Refresh, Path: c.RefreshPath, Expires: gone})
	}
}

// set writes a cookie that lives until it expires.
func (c *Cookies) set(h http.Header, r *http.Request, cookie *http.Cookie) {
	if left := cookie.Expires.Sub(c.now()); left > 0 {
		cookie.MaxAge = int((left + time.Second - 1) / time.Second)
	} else {
		cookie.MaxAge = -1
	}
	cookie.Domain, cookie.SameSite = c.Domain, c.SameSite
	cookie.Secure = c.Secure || c.Sessions.Secure || r.URL.Scheme == "https"
	h.Add("Set-Cookie", cookie.String())
}

// Shown is the refresh token that r brings.
func (c *Cookies) Shown(r *http.Request) (string, bool) { return cookieOf(r, c.Refresh) }

// Forgery says why the page that sent r may not write by a cookie; "": it may.
func (c *Cookies) Forgery(r *http.Request) string {
	switch {
	case c.CSRF:
		return c.Sessions.Forgery(r)
	case drf.Safe(r.Method):
		return ""
	}
	return c.Sessions.Stranger(r)
}

// Refused is the answer to a page that may not.
func Refused(reason string) error { return drf.Detail(http.StatusForbidden, "CSRF Failed: "+reason) }

// opening is the access token that r brings where no header does.
func (c *Cookies) opening(r *http.Request) (string, bool) {
	if c == nil || !c.Opens {
		return "", false
	}
	return cookieOf(r, c.Access)
}

// cookieOf finds a cookie; of several with one name Django takes the last.
func cookieOf(r *http.Request, name string) (string, bool) {
	if name == "" {
		return "", false
	}
	all := r.CookiesNamed(name)
	if len(all) == 0 {
		return "", false
	}
	return all[len(all)-1].Value, true
}
