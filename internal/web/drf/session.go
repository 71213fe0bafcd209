package drf

import (
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"doorward/internal/account"
	"doorward/internal/token"
	"doorward/internal/web"
)

// The names of Django's cookies, and of the header that repeats the second one.
const (
	sessionCookie = "sessionid"
	csrfCookie    = "csrftoken"
	csrfHeader    = "X-Csrftoken"
)

// csrfLife is CSRF_COOKIE_AGE.
const csrfLife = 52 * 7 * 24 * time.Hour

// Sessions are the cookies of signed-in browsers, and rest_framework.authentication.SessionAuthentication,
// which reads them: who writes by a session must show that a page of ours sent him. It has no
// challenge: its first place makes a 401 a 403.
type Sessions struct {
	accounts *account.Service
	policy   *account.Policy
	SessionOptions
}

// SessionOptions says how they are written and refused.
type SessionOptions struct {
	Secure bool // cookies travel by TLS alone, whatever a request came by
	Modern bool // in the words of Django 4.2
	// Trusted are origins, "https://app.example.com", whose pages may write by a session, beside the one
	// that a request came to: CSRF_TRUSTED_ORIGINS.
	Trusted []string
}

var _ web.Authenticator = (*Sessions)(nil)

// NewSessions makes the cookies of a mount that follows policy.
func NewSessions(accounts *account.Service, policy *account.Policy, o SessionOptions) *Sessions {
	return &Sessions{accounts, policy, o}
}

// Challenge implements web.Authenticator.
func (*Sessions) Challenge() string { return "" }

// errDeadSession says that a cookie is of no session that lives: who shows it is nobody, and loses it.
var errDeadSession = errors.New("the session is over")

// Authenticate implements web.Authenticator. It always reads rows. A cookie that is no longer good
// is errDeadSession, which the site answers.
func (s *Sessions) Authenticate(r *http.Request, _ bool) (*account.Principal, error) {
	text, ok := cookieOf(r, sessionCookie)
	if !ok {
		return nil, nil
	}
	who, err := s.accounts.AuthenticateBrowser(r.Context(), s.policy, text)
	for _, code := range []account.Code{account.TokenForged, account.TokenEnded, account.TokenExpired, account.UserDisabled} {
		if errors.Is(err, code) {
			return nil, errDeadSession
		}
	}
	if err != nil {
		return nil, err
	}
	if reason := s.Forgery(r); reason != "" {
		return nil, Detail(http.StatusForbidden, "CSRF Failed: "+reason)
	}
	return who, nil
}

// Shown is the session that r shows, good or not; "": none.
func (s *Sessions) Shown(r *http.Request) string {
	text, _ := cookieOf(r, sessionCookie)
	return text
}

// Give sets the cookies of a session that was just opened. The second one is new with each sign-in.
func (s *Sessions) Give(h http.Header, r *http.Request, session string) {
	s.Set(h, r, &http.Cookie{Name: sessionCookie, Value: session, MaxAge: int(account.BrowserLife / time.Second), HttpOnly: true})
	secret := hex.EncodeToString(token.NewSecret().Bytes())
	s.Set(h, r, &http.Cookie{Name: csrfCookie, Value: secret, MaxAge: int(csrfLife / time.Second)})
}

// Drop deletes the session's cookie.
func (s *Sessions) Drop(h http.Header, r *http.Request) {
	s.Set(h, r, &http.Cookie{Name: sessionCookie, MaxAge: -1, Expires: time.Unix(0, 0), HttpOnly: true})
}

// Set writes a cookie, in the place of one of its name that this answer has already.
func (o SessionOptions) Set(h http.Header, r *http.Request, c *http.Cookie) {
	c.Path, c.SameSite = "/", http.SameSiteLaxMode
	c.Secure = o.Secure || r.URL.Scheme == "https"
	lines := []string{}
	for _, line := range h["Set-Cookie"] {
		if !strings.HasPrefix(line, c.Name+"=") {
			lines = append(lines, line)
		}
	}
	h["Set-Cookie"] = append(lines, c.String())
}

// cookieOf finds a cookie; of several with one name Django takes the last.
func cookieOf(r *http.Request, name string) (string, bool) {
	all := r.CookiesNamed(name)
	if len(all) == 0 {
		return "", false
	}
	return all[len(all)-1].Value, true
}

// Forgery says why r may have been sent by another site's page; "": it was not, or it changes nothing
// (django/middleware/csrf.py). Version 3.2 does not look at Origin; to look at it refuses no honest page.
func (o SessionOptions) Forgery(r *http.Request) string {
	if Safe(r.Method) {
		return ""
	}
	if reason := o.Stranger(r); reason != "" {
		return reason
	}
	kept, ok := cookieOf(r, csrfCookie)
	if !ok {
		return "CSRF cookie not set."
	}
	shown, sent := r.Header.Get(csrfHeader), len(r.Header[csrfHeader]) > 0
	same := subtle.ConstantTimeCompare([]byte(shown), []byte(kept)) == 1
	switch {
	case same && malformed(kept) == "":
		return ""
	case !o.Modern:
		return "CSRF token missing or incorrect."
	case malformed(kept) != "":
		return "CSRF cookie " + malformed(kept) + "."
	case !sent:
		return "CSRF token missing."
	case malformed(shown) != "":
		return "CSRF token from the '" + csrfHeader + "' HTTP header " + malformed(shown) + "."
	}
	return "CSRF token from the '" + csrfHeader + "' HTTP header incorrect."
}

// malformed says what is wrong with the form of a token: 64 letters and digits.
func malformed(text string) string {
	switch {
	case len(text) != 64:
		return "has incorrect length"
	case strings.ContainsFunc(text, func(c rune) bool { return (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') }):
		return "has invalid characters"
	}
	return ""
}

// Safe reports whether requests of a method change nothing (RFC 9110 §9.2.1).
func Safe(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return true
	}
	return false
}

func (o SessionOptions) ours(r *http.Request, origin string) bool {
	return origin == strings.ToLower(web.BaseURL(r)) || slices.Contains(o.Trusted, origin)
}

// Stranger says why the page that sent r is none of ours: by Origin, and by TLS else by Referer, since
// who sits on a wire without TLS can set cookies for ours.
func (o SessionOptions) Stranger(r *http.Request) string {
	const untrusted = " does not match any trusted origins."
	if origin := r.Header.Get("Origin"); origin != "" {
		if o.ours(r, origin) {
			return ""
		}
		return "Origin checking failed - " + origin + untrusted
	}
	if r.URL.Scheme != "https" {
		return ""
	}
	referer := r.Header.Get("Referer")
	if referer == "" {
		return "Referer checking failed - no Referer."
	}
	from, err := url.Parse(referer)
	switch {
	case err != nil || from.Scheme == "" || from.Host == "":
		return "Referer checking failed - Referer is malformed."
	case from.Scheme != "https":
		return "Referer checking failed - Referer is insecure while host is secure."
	case !o.ours(r, from.Scheme+"://"+strings.ToLower(from.Host)):
		return "Referer checking failed - " + referer + untrusted
	}
	return ""
}
