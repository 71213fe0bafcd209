package config

import (
	"slices"
	"strings"

	"doorward/internal/pattern"
)

// TokenCookies are the settings of a mount whose tokens may come in cookies, as dj-rest-auth's do.
type TokenCookies struct {
	Access, Refresh string // the names of the cookies; "": there is none
	RefreshPath     string // of the refresh token's; "": "/"
	Domain          string // of both; "": the host alone
	SameSite        string // Lax, Strict or None
	HTTPOnly        *bool  // scripts see neither, and bodies have no refresh token; where there is a refresh cookie they do not
	Secure          *bool  // they travel by TLS alone, whatever a request came by
	CSRF            *bool  // who writes by them repeats Django's token
	Expirations     *bool  // a sign-in says when its tokens expire
}

func (c *TokenCookies) settings() []setting {
	return []setting{
		{"access_cookie", &c.Access},
		{"refresh_cookie", &c.Refresh},
		{"refresh_cookie_path", &c.RefreshPath},
		{"cookie_domain", &c.Domain},
		{"cookie_same_site", &c.SameSite},
		{"cookie_http_only", &c.HTTPOnly},
		{"cookie_secure", &c.Secure},
		{"cookie_csrf", &c.CSRF},
		{"return_expiration", &c.Expirations},
	}
}

// Set reports whether any of them was set.
func (c *TokenCookies) Set() bool { return *c != TokenCookies{} }

func (c *TokenCookies) choices() (list []choice) {
	if c.SameSite != "" {
		list = append(list, choice{"cookie_same_site", c.SameSite, []string{"Lax", "Strict", "None"}})
	}
	return list
}

var (
	cookieDomain = pattern.Of(`^\.?[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63}){0,10}$`)
	cookiePath   = pattern.Of(`^/[!-:<-~]{0,200}$`)
)

func (k *checker) tokenCookies(prefix string, c *TokenCookies) {
	for _, s := range []struct{ key, name, other, example string }{
		{"access_cookie", c.Access, "", "app-auth"}, {"refresh_cookie", c.Refresh, c.Access, "app-refresh"},
	} {
		if s.name != "" && (!headerWord().MatchString(s.name) || slices.Contains(cookies, s.name) || s.name == s.other) {
			k.refuse(prefix+s.key, prefix+s.key+" should be the name of a cookie of its own", shown(s.name)+" is none", s.example)
		}
	}
	if c.RefreshPath != "" && !cookiePath().MatchString(c.RefreshPath) {
		k.refuse(prefix+"refresh_cookie_path", prefix+"refresh_cookie_path should be a path that begins with /", "it is "+shown(c.RefreshPath), "/dj-rest-auth/")
	}
	if c.Domain != "" && !cookieDomain().MatchString(c.Domain) {
		k.refuse(prefix+"cookie_domain", prefix+"cookie_domain should be a domain in lower case", "it is "+shown(c.Domain), "example.com")
	}
	if c.SameSite == "None" && c.Secure != nil && !*c.Secure {
		k.refuse(prefix+"cookie_secure", prefix+"cookie_secure = false does not go with cookie_same_site = \"None\"", "no browser takes such a cookie", "true")
	}
	if c.HTTPOnly != nil && *c.HTTPOnly && c.Refresh == "" {
		k.refuse(prefix+"refresh_cookie", prefix+"cookie_http_only = true needs a refresh_cookie", "else nobody was given a refresh token", "app-refresh")
	}
	const host = "__Host-" // RFC 6265bis §4.1.3.2
	below := c.RefreshPath != "" && c.RefreshPath != "/"
	if strings.HasPrefix(c.Access, host) && c.Domain != "" || strings.HasPrefix(c.Refresh, host) && (c.Domain != "" || below) {
		k.refuse(prefix+"cookie_domain", prefix+"cookie_domain does not go with a cookie whose name begins with __Host-", "no browser takes such a cookie", "")
	}
}
