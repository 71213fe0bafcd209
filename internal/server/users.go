package server

import (
	"log/slog"

	"doorward/internal/account"
	"doorward/internal/django"
	"doorward/internal/web"
	"doorward/internal/web/drfjwt"
	"doorward/internal/web/users"
)

// personKind is the profile of those who are listed with one: its mount's own, where the operator declares no
// profile himself.
func personKind() account.ProfileKind {
	return account.ProfileKind{Name: personName, Table: "profile_" + personName, Apart: true, Fields: django.PersonFields()}
}

const personName = "profile"

// withProfile is a model with the profile that a preset shows, where it has none of that name.
func (p *preset) withProfile(m *account.Model) *account.Model {
	if p.brings == nil {
		return m
	}
	return withKind(m, p.brings())
}

// tokenPlaces are where drf-jwt's views stand beside a router's.
var tokenPlaces = []place{
	{op: "jwt-create", name: "api-token-auth", path: "api-token-auth/"},
	{op: "jwt-refresh", name: "api-token-refresh", path: "api-token-refresh/"},
	{op: "jwt-verify", name: "api-token-verify", path: "api-token-verify/"},
}

func buildPeople(m *mountPlan, accounts *account.Service, log *slog.Logger) web.Mount {
	mount := web.Mount{Name: m.name, Prefix: m.prefix, Dialect: m.site(accounts, log)}
	mount.Routes = users.New(accounts, &m.policy, personName, users.Options{Noun: m.noun, Modern: m.modern, PageSize: m.pageSize}).Routes()
	for _, r := range drfjwt.New(accounts, &m.policy, m.jwtCookie(accounts)).Routes() {
		r.NoSuffix = true // only the router takes them
		mount.Routes = append(mount.Routes, r)
	}
	mount.Routes = append(mount.Routes, m.restAuth(accounts).Routes()...)
	return mount
}

// jwtCookie is the cookie that brings a token of drf-jwt; nil: none does.
func (m *mountPlan) jwtCookie(accounts *account.Service) *drfjwt.Cookie {
	if m.tokenCookie == "" {
		return nil
	}
	return drfjwt.NewCookie(accounts, m.tokenCookie, m.policy.Tokens.Access, m.cookies)
}
