package django

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"doorward/internal/account"
)

// TokenCookies are dj-rest-auth's settings of the cookies that bring its tokens.
type TokenCookies struct {
	Access, Refresh, RefreshPath, Domain string
	SameSite                             string // Lax, Strict or None; "": the browser's own
	HTTPOnly, Secure, CSRF, Expirations  bool
	Opens                                bool // JWTCookieAuthentication is among the authenticators
}

const cookieAuthentication = "dj_rest_auth.jwt_auth.JWTCookieAuthentication"

// readDJRestAuth takes the settings of dj-rest-auth, with SimpleJWT's, and allauth's where its registration is mounted.
func (c *Condition) readDJRestAuth(s *object) {
	s.take("SECRET_KEY", &c.SecretKey)
	c.Policy = account.Policy{Mount: c.Preset, Rules: readValidators(s)}
	c.Djoser.Asked = AskedOf(c.Model)
	c.RestAuth.Cookies.Opens = bytes.Contains(s.members["REST_FRAMEWORK"], []byte(cookieAuthentication))
	c.readREST(s)
	c.readSimpleJWT(s)
	o := s.sub("REST_AUTH")
	c.readTokensOfRestAuth(&o)
	o.done()
	p := &c.Policy
	p.Links = account.LinkPolicy{Timeout: s.seconds("PASSWORD_RESET_TIMEOUT", 3*24*time.Hour), OneKind: true, FoldEmail: true, Likeness: true}
	p.Mail = account.MailPolicy{From: "webmaster@localhost", UseOrigin: true, PasswordResetURL: "reset/{uid}/{token}/"}
	s.take("DEFAULT_FROM_EMAIL", &p.Mail.From)
	for _, key := range []string{"SITE_ID", "ACCOUNT_EMAIL_SUBJECT_PREFIX", "AUTHENTICATION_BACKENDS"} {
		var ignored any
		s.take(key, &ignored)
	}
	c.readAllauth(s)
	p.Links.Base36 = c.RestAuth.Registration
	if c.Model != nil && p.Emails.Verify != account.NotVerified {
		c.Model.Profiles = append(c.Model.Profiles, account.VerifiedEmails())
	}
	s.done()
}

// readTokensOfRestAuth takes REST_AUTH.
func (c *Condition) readTokensOfRestAuth(o *object) {
	a := &c.RestAuth
	a.Session = true
	k := &a.Cookies
	k.HTTPOnly, k.SameSite = true, "Lax"
	for key, into := range map[string]*bool{
		"USE_JWT": &a.JWT, "SESSION_LOGIN": &a.Session, "OLD_PASSWORD_FIELD_ENABLED": &a.AskPassword,
		"LOGOUT_ON_PASSWORD_CHANGE": &c.Policy.Changes.SignOut, "JWT_AUTH_HTTPONLY": &k.HTTPOnly, "JWT_AUTH_SECURE": &k.Secure,
		"JWT_AUTH_COOKIE_USE_CSRF": &k.CSRF, "JWT_AUTH_RETURN_EXPIRATION": &k.Expirations,
	} {
		o.take(key, into)
	}
	for key, into := range map[string]*string{
		"JWT_AUTH_COOKIE": &k.Access, "JWT_AUTH_REFRESH_COOKIE": &k.Refresh, "JWT_AUTH_REFRESH_COOKIE_PATH": &k.RefreshPath,
		"JWT_AUTH_COOKIE_DOMAIN": &k.Domain, "JWT_AUTH_SAMESITE": &k.SameSite,
	} {
		if !o.none(key) {
			o.take(key, into)
		}
	}
	tokens := "rest_framework.authtoken.models.Token"
	bare := string(o.members["TOKEN_MODEL"]) == "null"
	if !o.none("TOKEN_MODEL") {
		o.take("TOKEN_MODEL", &tokens)
	}
	c.Policy.Entry = account.EntryPolicy{Opaque: !a.JWT && !bare, Bare: !a.JWT && bare, LogoutKeeps: true}
	if c.Policy.Entry.Bare && !a.Session {
		o.fault("has neither tokens nor sessions")
	}
}

// flatNames are the settings of dj-rest-auth before 3.0, by the member of REST_AUTH that each became.
var flatNames = map[string]string{
	"REST_USE_JWT": "USE_JWT", "REST_SESSION_LOGIN": "SESSION_LOGIN", "OLD_PASSWORD_FIELD_ENABLED": "", "LOGOUT_ON_PASSWORD_CHANGE": "",
	"JWT_AUTH_COOKIE": "", "JWT_AUTH_REFRESH_COOKIE": "", "JWT_AUTH_REFRESH_COOKIE_PATH": "", "JWT_AUTH_SECURE": "", "JWT_AUTH_HTTPONLY": "",
	"JWT_AUTH_SAMESITE": "", "JWT_AUTH_COOKIE_USE_CSRF": "", "JWT_AUTH_COOKIE_ENFORCE_CSRF_ON_UNAUTHENTICATED": "", "JWT_AUTH_RETURN_EXPIRATION": "",
}

// readMembers are the members of REST_AUTH that mean something here.
var readMembers = []string{
	"USE_JWT", "SESSION_LOGIN", "OLD_PASSWORD_FIELD_ENABLED", "LOGOUT_ON_PASSWORD_CHANGE", "JWT_AUTH_HTTPONLY", "JWT_AUTH_SECURE",
	"JWT_AUTH_COOKIE_USE_CSRF", "JWT_AUTH_RETURN_EXPIRATION", "JWT_AUTH_COOKIE", "JWT_AUTH_REFRESH_COOKIE", "JWT_AUTH_REFRESH_COOKIE_PATH",
	"JWT_AUTH_COOKIE_DOMAIN", "JWT_AUTH_SAMESITE", "TOKEN_MODEL",
}

// djRestAuth makes REST_AUTH of dj-rest-auth's settings of all versions, and says what is not carried over.
func (r *reader) djRestAuth() {
	o := map[string]json.RawMessage{}
	r.peek("REST_AUTH", &o)
	for name, member := range flatNames {
		if member == "" {
			member = name
		}
		if raw, ok := r.top.members[name]; ok && o[member] == nil {
			o[member] = raw
		}
		delete(r.top.members, name)
	}
	for _, key := range slices.Sorted(maps.Keys(o)) {
		raw := o[key]
		switch {
		case key == "JWT_AUTH_COOKIE_ENFORCE_CSRF_ON_UNAUTHENTICATED" && isTrue(raw):
			o["JWT_AUTH_COOKIE_USE_CSRF"] = raw
			r.warn("REST_AUTH.%s is not carried over: who shows a cookie repeats Django's token; who signs in does not", key)
		case key == "TOKEN_MODEL" && said(raw) && text(raw) != "rest_framework.authtoken.models.Token":
			r.warn("REST_AUTH.TOKEN_MODEL names code of your own, which is not carried over: %s", text(raw))
		case slices.Contains(readMembers, key):
			continue
		case said(raw) && !strings.HasPrefix(text(raw), "dj_rest_auth.") && !strings.HasPrefix(text(raw), "rest_framework_simplejwt."):
			r.warn("REST_AUTH.%s is not carried over", key)
		}
		delete(o, key)
	}
	if isTrue(o["USE_JWT"]) && !isTrue(r.top.members["token_blacklist"]) {
		r.warn("dj-rest-auth ends no token at logout without rest_framework_simplejwt.token_blacklist in INSTALLED_APPS: here logout/ ends the session of the refresh token")
	}
	r.top.members["REST_AUTH"] = encoded(o)
}
