package server

import (
	"fmt"
	"net/http"
	"slices"

	"doorward/internal/account"
	"doorward/internal/config"
	"doorward/internal/django"
	"doorward/internal/web"
	"doorward/internal/web/restauth"
	"doorward/internal/web/simplejwt"
)

// pairCookies are the cookies of dj-rest-auth's tokens; nil in other mounts.
func (m *mountPlan) pairCookies(accounts *account.Service) *simplejwt.Cookies {
	if !m.preset.newer {
		return nil
	}
	o := m.rest.pair
	o.Sessions = m.cookies
	o.Sessions.Modern = m.modern
	return simplejwt.NewCookies(accounts, o)
}

// newer is what dj-rest-auth's views have more than those of django-rest-auth.
func (m *mountPlan) newer(accounts *account.Service) *restauth.Newer {
	return &restauth.Newer{
		Cookies: m.pairCookies(accounts), Expirations: m.rest.expirations, CookieAlone: m.rest.pair.HTTPOnly, Named: m.rest.pair.Access != "",
	}
}

// pairNames are what dj-rest-auth calls SimpleJWT's views.
var pairNames = map[string]string{"jwt-refresh": "token_refresh", "jwt-verify": "token_verify"}

// pairRoutes are SimpleJWT's views in a mount whose sign-in gives its tokens.
func (m *mountPlan) pairRoutes(accounts *account.Service) (routes []web.Route) {
	if e := &m.policy.Entry; !m.preset.newer || e.Opaque || e.Bare {
		return nil
	}
	o := m.simpleOptions()
	o.Cookies = m.pairCookies(accounts)
	for _, r := range simplejwt.New(accounts, &m.policy, o).Routes() {
		if name, ok := pairNames[r.Op]; ok {
			r.Op, r.NoSuffix, r.Also = name, true, r.Path[:len(r.Path)-1]
			routes = append(routes, r)
		}
	}
	return routes
}

// challengeFirst puts the authenticator of keys first where a sign-in gives one.
func (m *mountPlan) challengeFirst() {
	if len(m.auth) >= 2 && slices.Equal(m.auth[:2], m.preset.auth) && m.policy.Entry.Opaque {
		m.auth = append([]string{django.AuthOpaque, django.AuthSimpleJWT}, m.auth[2:]...)
	}
}

var sameSites = map[string]http.SameSite{
	"Lax": http.SameSiteLaxMode, "Strict": http.SameSiteStrictMode, "None": http.SameSiteNoneMode,
}

// setPair takes the settings of the cookies that bring tokens.
func (m *mountPlan) setPair(c *config.TokenCookies) error {
	if !m.preset.newer || m.policy.Entry.Opaque || m.policy.Entry.Bare {
		if c.Set() {
			return fmt.Errorf("[mounts.%s] has settings of cookies that bring tokens, which do not go with it\n  its sign-in gives no access and refresh token\n"+
				"  try: preset = \"djrestauth\" and sign_in_gives = \"jwt\"", m.name)
		}
		return nil
	}
	m.rest.expirations = on(c.Expirations)
	m.rest.pair = simplejwt.CookieOptions{
		Access: c.Access, Refresh: c.Refresh, RefreshPath: c.RefreshPath, Domain: c.Domain, SameSite: http.SameSiteLaxMode,
		HTTPOnly: c.Refresh != "", Secure: on(c.Secure) || c.SameSite == "None", Opens: true, CSRF: on(c.CSRF), GivesCSRF: on(c.CSRF),
	}
	if c.SameSite != "" {
		m.rest.pair.SameSite = sameSites[c.SameSite]
	}
	if c.HTTPOnly != nil {
		m.rest.pair.HTTPOnly = *c.HTTPOnly
	}
	return nil
}

// setPair says what a set of Django settings asks of them.
func (r *restPlan) setPair(k *django.TokenCookies) {
	r.expirations = k.Expirations
	r.pair = simplejwt.CookieOptions{
		Access: k.Access, Refresh: k.Refresh, RefreshPath: k.RefreshPath, Domain: k.Domain, SameSite: sameSites[k.SameSite],
		HTTPOnly: k.HTTPOnly, Secure: k.Secure, Opens: k.Opens, CSRF: k.CSRF,
	}
}

// pair writes what a set of Django settings says of dj-rest-auth's tokens.
func (t *Translation) pair(m *config.Mount, want *mountPlan) {
	if want.policy.Entry.Opaque || want.policy.Entry.Bare {
		return
	}
	c, k, yes := &m.TokenCookies, &want.rest.pair, true
	c.Access, c.Refresh, c.Domain = k.Access, k.Refresh, k.Domain
	if k.RefreshPath != "/" {
		c.RefreshPath = k.RefreshPath
	}
	if name := nameOf(sameSites, k.SameSite); name != "Lax" && k.SameSite != 0 {
		c.SameSite = name
	}
	switch {
	case k.HTTPOnly && k.Refresh == "":
		t.warn("REST_AUTH.JWT_AUTH_HTTPONLY without JWT_AUTH_REFRESH_COOKIE gives nobody a refresh token: here bodies have it")
	case k.HTTPOnly != (k.Refresh != ""):
		c.HTTPOnly = &k.HTTPOnly
	}
	if k.Access != "" && !k.Opens {
		t.warn("REST_AUTH.JWT_AUTH_COOKIE opens nothing in Django without JWTCookieAuthentication in DEFAULT_AUTHENTICATION_CLASSES: here it stands for the header")
	}
	for _, s := range []struct {
		into **bool
		on   bool
	}{{&c.Secure, k.Secure}, {&c.CSRF, k.CSRF}, {&c.Expirations, want.rest.expirations}} {
		if s.on {
			*s.into = &yes
		}
	}
}
