package server

import (
	"fmt"
	"slices"

	"doorward/internal/config"
	"doorward/internal/django"
	"doorward/internal/web/drf"
)

// setREST says how a mount of REST framework's is asked.
func (m *mountPlan) setREST(c *config.REST) error {
	m.pageSize, m.policy.Changes.ListLimit = c.PageSize, c.ListLimit
	if m.preset.auth == nil && (c.Authenticators != nil || c.RateAnonymous != "" || c.RateUser != "" || c.PageSize != 0 || c.ListLimit != 0) {
		return fmt.Errorf("[mounts.%s] has authenticators, rates or pages, which do not go with this preset\n  it has its own\n  try: preset = \"djoser\"", m.name)
	}
	if m.xml = c.XML; m.xml && m.policy.Tokens.Rotating {
		return fmt.Errorf("[mounts.%s] has xml = true, which does not go with this preset\n  it speaks JSON alone\n  try: preset = \"djoser\"", m.name)
	}
	typed := m.policy.Tokens.Typed != nil
	for _, name := range c.Authenticators {
		if name == django.AuthDRFJWT && typed || name == django.AuthSimpleJWT && !typed {
			return fmt.Errorf("[mounts.%s] authenticators names %q, which does not go with this preset\n  its tokens are of another kind\n  try: %q",
				m.name, name, m.preset.auth[0])
		}
	}
	if c.Authenticators != nil {
		m.auth = c.Authenticators
	}
	if c.TokenCookie != "" {
		if !slices.Contains(m.auth, django.AuthDRFJWT) {
			return fmt.Errorf("[mounts.%s] has token_cookie, which does not go with this preset\n  it is a setting of drf-jwt\n  try: session_on_login = true", m.name)
		}
		m.tokenCookie = c.TokenCookie
	}
	if c.HeaderPrefix != "" {
		if !slices.Contains(m.preset.auth, django.AuthDRFJWT) {
			return fmt.Errorf("[mounts.%s] has header_prefix, which does not go with this preset\n  it is a setting of drf-jwt\n  try: header_types = [%q]",
				m.name, c.HeaderPrefix)
		}
		m.header = c.HeaderPrefix
	}
	anonymous, _ := django.ParseRate(c.RateAnonymous) // the configuration knows the same
	user, _ := django.ParseRate(c.RateUser)
	m.throttle = throttleOf(anonymous, user)
	return nil
}

// throttleOf counts requests; nil where nobody asked for it.
func throttleOf(anonymous, user django.Rate) *drf.Throttle {
	if anonymous.Requests == 0 && user.Requests == 0 {
		return nil
	}
	return &drf.Throttle{Anonymous: drf.Rate(anonymous), User: drf.Rate(user)}
}
