package server

import (
	"slices"
	"time"

	"doorward/internal/account"
	"doorward/internal/config"
	"doorward/internal/token"
)

// The files that keys are expected in; keys themselves are never printed.
const (
	secretFile  = "simplejwt.key"
	privateFile = "simplejwt.pem"
	publicFile  = "simplejwt-public.pem"
)

// The most that the configuration takes, in seconds.
const (
	tenYears   = 10 * 365 * 24 * 60 * 60
	oneYear    = 365 * 24 * 60 * 60
	mostLeeway = 300
)

// seconds writes a duration where the preset has another one.
func (t *Translation) seconds(into *int, key string, base, want time.Duration, most int) {
	if want == base {
		return
	}
	n := int(want / time.Second)
	if *into = min(n, most); n > most || want%time.Second != 0 || n == 0 {
		t.warn("%s is not carried over as it is: it takes whole seconds, from 1 to %d", key, most)
	}
}

func (t *Translation) tokens(m *config.Mount, base, want *mountPlan) {
	b, w := &base.policy.Tokens, &want.policy.Tokens
	if w.Signing != b.Signing {
		m.Signing = nameOf(signings, w.Signing)
	}
	// What drf-jwt does not issue has no life to speak of.
	t.seconds(&m.AccessLifetimeSeconds, "access_lifetime_seconds", b.Access, w.Access, tenYears)
	t.seconds(&m.RefreshLifetimeSeconds, "refresh_lifetime_seconds", b.Refresh, w.Refresh, tenYears)
	if w.Renewable != b.Renewable {
		m.AllowRefresh = &w.Renewable
	}
}

// plain takes the settings of drf-jwt that are no lifetimes.
func (t *Translation) plain(m *config.Mount, base, want *mountPlan) {
	c, b, w := &m.Tokens, &base.policy.Tokens.Validity, &want.policy.Tokens.Validity
	t.seconds(&c.LeewaySeconds, "leeway_seconds", b.Leeway, w.Leeway, mostLeeway)
	c.Audience, c.Issuer = w.Audience, w.Issuer
	if want.jwt.Alg != base.jwt.Alg {
		c.Algorithm = want.jwt.Alg.String()
	}
	if w.IgnoreExp {
		t.warn("JWT_AUTH.JWT_VERIFY_EXPIRATION = False is not carried over: here a token ends when it says")
	}
	m.REST.TokenCookie = want.tokenCookie
}

// typed takes the settings of SimpleJWT.
func (t *Translation) typed(m *config.Mount, base, want *mountPlan) {
	c, b, w := &m.Tokens, base.policy.Tokens.Typed, want.policy.Tokens.Typed
	on := true
	switch w.Rotation {
	case account.SpendOnce:
		c.RotateRefresh = &on
	case account.KeepRotated:
		c.RotateRefresh = &on
		t.warn("SIMPLE_JWT.ROTATE_REFRESH_TOKENS without BLACKLIST_AFTER_ROTATION leaves every used refresh token good: here it is spent")
	}
	if want.policy.StampLogin {
		c.StampLogin = &on
	}
	t.seconds(&c.SlidingLifetimeSeconds, "sliding_lifetime_seconds", b.Sliding, w.Sliding, tenYears)
	t.seconds(&c.SlidingRefreshLifetimeSeconds, "sliding_refresh_lifetime_seconds", b.SlidingRefresh, w.SlidingRefresh, tenYears)
	t.seconds(&c.LeewaySeconds, "leeway_seconds", base.policy.Tokens.Validity.Leeway, want.policy.Tokens.Validity.Leeway, mostLeeway)
	if !slices.Equal(w.Accept, b.Accept) {
		for _, kind := range w.Accept {
			c.AcceptKinds = append(c.AcceptKinds, string(kind))
		}
	}
	c.Audience, c.Issuer = want.policy.Tokens.Validity.Audience, want.policy.Tokens.Validity.Issuer
	if _, list := want.jwt.Audience.([]string); list && len(c.Audience) == 1 {
		t.warn("SIMPLE_JWT.AUDIENCE is a list of one: aud is a text here, and not a list")
	}
	c.UserIDField = string(w.Owner)
	bj, wj := &base.jwt, &want.jwt
	if !slices.Equal(wj.Types, bj.Types) {
		c.HeaderTypes = wj.Types
	}
	carry([]carried{
		{&c.HeaderName, bj.Header, wj.Header},
		{&c.KindClaim, bj.Kind, wj.Kind},
		{&c.IDClaim, bj.ID, wj.ID},
		{&c.UserIDClaim, bj.Owner, wj.Owner},
		{&c.SlidingRefreshClaim, bj.RefreshExpiry, wj.RefreshExpiry},
		{&c.RevokeClaim, bj.Revoke, wj.Revoke},
		{&c.Algorithm, bj.Alg.String(), wj.Alg.String()},
	})
}

func (t *Translation) keys(m *config.Mount, signing, verifying string, keys []*token.Key, alg token.Alg) {
	switch {
	case alg <= token.HS512 && len(keys) > 0:
		m.Tokens.SigningKeyFile = secretFile
		t.note("signing_key_file: write %s into %s, and let nobody else read it", signing, secretFile)
	case alg > token.HS512:
		m.Tokens.SigningKeyFile = privateFile
		t.note("signing_key_file: write %s into %s, and let nobody else read it", signing, privateFile)
		if len(keys) > 1 {
			m.Tokens.VerifyingKeyFile = publicFile
			t.note("verifying_key_file: write %s into %s", verifying, publicFile)
		}
	}
}
