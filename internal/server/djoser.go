package server

import (
	"fmt"
	"slices"
	"time"

	"doorward/internal/account"
	"doorward/internal/config"
	"doorward/internal/django"
	"doorward/internal/web"
	"doorward/internal/web/djoser"
)

// djoserOf is what a set of Django settings asks of djoser.
func djoserOf(d *django.Djoser) djoser.Options {
	o := djoser.Options{
		Login: d.Login, ID: d.ID, RetypeNew: d.RetypeNew, RetypeLogin: d.RetypeLogin, RetypePassword: d.RetypePassword,
		RetypeResetPassword: d.RetypeResetPassword, RetypeResetLogin: d.RetypeResetLogin, Permissions: permissionsOf(d.Permissions),
	}
	o.Asked = asked(d.Asked)
	return o
}

// permissionsOf are rules by djoser's names of its views.
func permissionsOf(names map[string]string) map[string]web.Rule {
	rules := map[string]web.Rule{}
	for view, name := range names {
		rules[view], _ = web.ParseRule(name)
	}
	return rules
}

func asked(fields []django.Asked) []djoser.Asked {
	if fields == nil {
		return nil
	}
	list := []djoser.Asked{}
	for _, a := range fields {
		list = append(list, djoser.Asked(a))
	}
	return list
}

// setDjoser says what a configuration asks of djoser.
func (m *mountPlan) setDjoser(c *config.Djoser, model *account.Model) error {
	if c.Login != "" {
		m.policy.Login = account.Field(c.Login)
		switch {
		case !model.Django || m.policy.Login == model.Login:
		case model.Has(m.policy.Login) && slices.Contains(m.preset.auth, django.AuthSimpleJWT): // djoser 2's LoginFieldBackend
			m.djoser.Login = m.policy.Login
		default:
			return fmt.Errorf("[mounts.%s] login = %q does not go with table %s\n  its users sign in with their %s\n  try: leave login out",
				m.name, c.Login, model.Table, model.Login)
		}
	}
	if m.djoser.ID = account.Field(c.NamedBy); m.djoser.ID != "" && !model.Has(m.djoser.ID) {
		return fmt.Errorf("[mounts.%s] users_named_by = %q is no field of table %s\n  paths name users by it\n  try: users_named_by = \"id\"",
			m.name, c.NamedBy, model.Table)
	}
	m.djoser.Asked, m.djoser.Profiles = asked(django.AskedOf(model)), true
	for name, into := range map[string]*bool{
		"sign_up": &m.djoser.RetypeNew, "password": &m.djoser.RetypePassword, "login": &m.djoser.RetypeLogin,
		"password_reset": &m.djoser.RetypeResetPassword, "login_reset": &m.djoser.RetypeResetLogin,
	} {
		*into = slices.Contains(c.Retype, name)
	}
	for _, s := range []struct{ from, into *bool }{
		{c.HideUsers, &m.policy.Changes.HideUsers},
		{c.SignOut, &m.policy.Changes.SignOut},
		{c.TellEmail, &m.policy.Links.TellUnknown},
	} {
		if s.from != nil {
			*s.into = *s.from
		}
	}
	if on(c.Session) {
		if !slices.Contains(m.preset.auth, django.AuthOpaque) && !m.preset.restAuth {
			return fmt.Errorf("[mounts.%s] session_on_login does not go with this preset\n  it opens a session beside an opaque token\n  try: preset = \"djoser\"", m.name)
		}
		if m.signsIn = true; !slices.Contains(m.auth, django.AuthSession) {
			m.auth = append(slices.Clip(m.auth), django.AuthSession)
		}
	}
	m.policy.Links.Timeout = time.Duration(c.LinkSeconds) * time.Second
	m.policy.Links.OneKind = model.Django // the Django beside us makes such links, too
	m.djoser.Permissions = permissionsOf(c.Permissions)
	for view, name := range c.Permissions {
		if _, ok := web.ParseRule(name); !ok {
			return m.noRule("permissions", view, name)
		}
	}
	return nil
}
