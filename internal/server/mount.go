package server

import (
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"

	"doorward/internal/account"
	"doorward/internal/django"
	"doorward/internal/web"
	"doorward/internal/web/djoser"
	"doorward/internal/web/drf"
	"doorward/internal/web/drfjwt"
	"doorward/internal/web/envelope"
	"doorward/internal/web/native"
	"doorward/internal/web/profiles"
	"doorward/internal/web/simplejwt"
)

// mountPlan is what one mount will be.
type mountPlan struct {
	name   string
	preset preset
	prefix string
	policy account.Policy
	claims string
	// declared are the claims of declared fields and of what people may do, which come after those.
	declared []account.Claim
	noun     string
	profile  string            // the kind that it serves
	header   string            // the word before the token in the Authorization header
	paths    map[string]string // by route name; "" leaves a route out
	// access are rules of routes, by their name, or by method and name: "DELETE user-detail".
	access   map[string]string
	modern   bool
	auth     []string // the authenticators, the first one first
	djoser   djoser.Options
	rest     restPlan
	throttle *drf.Throttle
	pageSize int // of lists; 0: they have no pages
	// recorded answers as the recordings do where serve's own default is stricter and no policy tells them apart.
	recorded bool
	jwt      django.SimpleJWT // of mounts whose tokens are typed
	signsIn  bool             // for an opaque token, and opens a session of cookies with it
	cookies  drf.SessionOptions
	// tokenCookie brings a token of drf-jwt; "": none does.
	tokenCookie string
	// languages says refusals in the language that a request asks for: Django's LocaleMiddleware.
	languages bool
	xml       bool // bodies and answers may be XML
	// noStore keeps answers out of caches. The recorded contracts do not say so.
	noStore bool
}

// claimsOf are the claims of a payload by its name.
func (m *mountPlan) claimsOf() ([]account.Claim, error) {
	switch m.claims {
	case "simplejwt":
		return m.simpleClaims(), nil
	case "own":
		return append(drfjwt.OwnClaims(m.policy.Tokens.Renewable), m.parties()...), nil
	case "level":
		return append(drfjwt.LevelClaims(m.policy.Tokens.Renewable), m.parties()...), nil
	case "native":
		return native.Claims(), nil
	}
	return nil, fmt.Errorf("mount %s: no payload is called %q", m.name, m.claims)
}

// parties are the claims of a mount of drf-jwt's that names its audience or itself.
func (m *mountPlan) parties() []account.Claim {
	v := &m.policy.Tokens.Validity
	return drfjwt.PartyClaims(v.Audience, v.Issuer)
}

// mount builds the mount over a service.
func (m *mountPlan) mount(accounts *account.Service, log *slog.Logger) (web.Mount, error) {
	var err error
	if m.policy.Tokens.Claims, err = m.claimsOf(); err != nil {
		return web.Mount{}, err
	}
	for _, c := range m.declared {
		for _, other := range m.policy.Tokens.Claims {
			if c.Name == other.Name {
				return web.Mount{}, fmt.Errorf("[mounts.%s] tokens have a claim %q already\n  a declared field of that name, group_claims or permission_claims asks for one too\n"+
					"  try: claim = false in [user.fields.%s]", m.name, c.Name, c.Name)
			}
		}
		m.policy.Tokens.Claims = append(m.policy.Tokens.Claims, c)
	}
	mount := m.preset.build(m, accounts, log)
	mount.Schemes = m.schemes()
	mount.Routes, err = m.place(mount.Routes)
	return mount, err
}

// site makes the dialect of a mount of REST framework's.
func (m *mountPlan) site(accounts *account.Service, log *slog.Logger) *drf.Site {
	if m.throttle != nil {
		m.throttle.Now = accounts.Now
	}
	o := drf.Options{
		Modern: m.modern, NoStore: m.noStore, Throttle: m.throttle, Suffixes: m.preset.suffixes, Languages: m.languages, XML: m.xml,
		Has: accounts.Has, Fault: func(w http.ResponseWriter, r *http.Request, err error) { web.Fault(log, w, r, err) },
	}
	for _, name := range m.auth {
		switch name {
		case django.AuthDRFJWT:
			o.Authenticators = append(o.Authenticators, drfjwt.NewAuth(accounts, &m.policy, m.header, m.jwtCookie(accounts)))
		case django.AuthSimpleJWT:
			options := m.simpleOptions()
			options.Cookies = m.pairCookies(accounts)
			o.Authenticators = append(o.Authenticators, simplejwt.NewAuth(accounts, &m.policy, options))
		case django.AuthOpaque:
			o.Authenticators = append(o.Authenticators, drf.NewOpaqueAuth(accounts))
		case django.AuthBasic:
			o.Authenticators = append(o.Authenticators, drf.NewBasicAuth(accounts, &m.policy))
		case django.AuthSession:
			o.Authenticators = append(o.Authenticators, m.sessions(accounts))
		}
	}
	return drf.New(o)
}

// sessions reads and writes the cookies of the mount.
func (m *mountPlan) sessions(accounts *account.Service) *drf.Sessions {
	m.cookies.Modern = m.modern
	return drf.NewSessions(accounts, &m.policy, m.cookies)
}

// setOptions tells djoser's views what the mount is beside its settings.
func (m *mountPlan) setOptions(accounts *account.Service) {
	m.djoser.Noun, m.djoser.Modern, m.djoser.PageSize = m.noun, m.modern, m.pageSize
	if m.signsIn {
		m.djoser.Sessions = m.sessions(accounts)
	}
}

func buildClassic(m *mountPlan, accounts *account.Service, log *slog.Logger) web.Mount {
	m.setOptions(accounts)
	mount := web.Mount{Name: m.name, Prefix: m.prefix, Dialect: m.site(accounts, log)}
	mount.Routes = append(djoser.NewClassic(accounts, &m.policy, m.djoser).Routes(), drfjwt.New(accounts, &m.policy, m.jwtCookie(accounts)).Routes()...)
	for i := range mount.Routes {
		if r := &mount.Routes[i]; r.Op == "jwt-create" && m.recorded {
			r.Also = "jwt/create/{more...}" // its pattern has no end
		}
	}
	return mount
}

// also are the other paths of djoser 2's token views, whose patterns have no end or take both forms.
var also = map[string]struct{ path, other, open string }{
	"jwt-create":  {"jwt/create/", "jwt/create", "jwt/create{more...}"},
	"jwt-refresh": {"jwt/refresh/", "jwt/refresh", "jwt/refresh{more...}"},
	"jwt-verify":  {"jwt/verify/", "jwt/verify", "jwt/verify{more...}"},
}

func buildUsers(m *mountPlan, accounts *account.Service, log *slog.Logger) web.Mount {
	m.setOptions(accounts)
	mount := web.Mount{Name: m.name, Prefix: m.prefix, Dialect: m.site(accounts, log)}
	mount.Routes = djoser.NewUsers(accounts, &m.policy, m.djoser).Routes()
	o := m.simpleOptions()
	if accounts.Model().Django {
		o.Login = accounts.Model().Login
	}
	for _, r := range simplejwt.New(accounts, &m.policy, o).Routes() {
		place, ok := also[r.Op]
		if !ok {
			continue
		}
		if r.Path, r.Also = place.path, place.other; m.recorded {
			r.Also = place.open
		}
		r.NoSuffix = true
		mount.Routes = append(mount.Routes, r)
	}
	return mount
}

func buildProfiles(m *mountPlan, accounts *account.Service, log *slog.Logger) web.Mount {
	views := profiles.New(accounts, &m.policy, profiles.Options{Kind: m.profile, Modern: m.modern, PageSize: m.pageSize})
	return web.Mount{Name: m.name, Prefix: m.prefix, Dialect: m.site(accounts, log), Routes: views.Routes()}
}

func buildEnvelope(m *mountPlan, accounts *account.Service, log *slog.Logger) web.Mount {
	mount := web.Mount{Name: m.name, Prefix: m.prefix, Dialect: m.site(accounts, log)}
	mount.Routes = envelope.New(accounts, &m.policy, m.noun).Routes()
	return mount
}

// sample has the view that transcripts try their tokens on, beside the mount that gives them.
var sample = preset{prefix: "/api/", auth: []string{django.AuthSimpleJWT}, build: buildSample}

func buildSample(m *mountPlan, accounts *account.Service, log *slog.Logger) web.Mount {
	return web.Mount{
		Name: "sample", Prefix: m.prefix, Dialect: m.site(accounts, log), Routes: simplejwt.Sample(m.policy.Login),
	}
}

func buildNative(m *mountPlan, accounts *account.Service, log *slog.Logger) web.Mount {
	api := native.New(accounts, &m.policy, log)
	return web.Mount{Name: m.name, Prefix: m.prefix, Dialect: api, Routes: api.Routes()}
}

func (p place) apply(r web.Route, path string) web.Route {
	r.Op = p.name
	if p.path != "" {
		r.Path, r.Also = p.path, ""
	}
	if path != "" {
		r.Path, r.Also = path, ""
	}
	if p.title != "" {
		r.View = p.title
	}
	return r
}

// place keeps the routes that the preset has, each under its name and at its path.
func (m *mountPlan) place(routes []web.Route) ([]web.Route, error) {
	places := m.preset.places
	if places == nil {
		seen := map[string]bool{}
		for _, r := range routes {
			if !seen[r.Op] {
				seen[r.Op] = true
				places = append(places, place{op: r.Op})
			}
		}
	}
	names, ruled := map[string]bool{}, map[string]bool{}
	var placed []web.Route
	for _, p := range places {
		if p.name == "" {
			p.name = p.op
		}
		names[p.name] = true
		path, moved := m.paths[p.name]
		for _, r := range routes {
			if r.Op != p.op {
				continue
			}
			r = p.apply(r, path)
			ruled[r.Op], ruled[r.Method+" "+r.Op] = true, true
			if moved && path == "" {
				continue
			}
			if err := m.obey(&r); err != nil {
				return nil, err
			}
			placed = append(placed, r)
		}
	}
	if err := m.checkRuled(ruled); err != nil {
		return nil, err
	}
	for name := range m.paths {
		if !names[name] {
			return nil, fmt.Errorf("[mounts.%s] paths names the route %q, which is not there\n  there are: %s\n  try: one of them",
				m.name, name, strings.Join(slices.Sorted(maps.Keys(names)), ", "))
		}
	}
	return placed, nil
}
