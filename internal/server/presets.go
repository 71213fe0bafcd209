package server

import (
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"doorward/internal/account"
	"doorward/internal/django"
	"doorward/internal/password"
	"doorward/internal/web"
	"doorward/internal/web/djoser"
	"doorward/internal/web/drf"
	"doorward/internal/web/drfjwt"
	"doorward/internal/web/native"
)

// place puts a route of a dialect at a path, under a name, with the title that its view has there.
type place struct {
	op    string
	name  string // "": op
	path  string // "": the dialect's own
	title string // "": the dialect's own
}

// preset is a mount by name: which routes stand where, and what its policy is unless the
// configuration says otherwise.
type preset struct {
	prefix  string
	places  []place // nil: all routes as the dialect has them
	claims  string  // "own", "level", or "native"
	noun    string
	policy  account.Policy
	build   func(*mountPlan, *account.Service, *slog.Logger) web.Mount
	mounted bool // without being asked for
}

// presets are the mounts that a configuration can name.
var presets = map[string]preset{
	"tag1": {
		prefix: "/api/", claims: "level", noun: "spa user", mounted: true, build: buildClassic,
		places: []place{
			{op: "user-create", path: "user/create/"},
			{op: "user", name: "user-view", path: "user/view/", title: "Spa User"},
			{op: "user-delete", path: "user/delete/", title: "Spa User Delete"},
			{op: "user-logout", path: "user/logout/", title: "Spa User Logout"},
			{op: "user-logout-all", path: "user/logout/all/", title: "Spa User Logout All"},
			{op: "jwt-create", name: "user-login", path: "user/login/"},
			{op: "jwt-refresh", name: "user-login-refresh", path: "user/login/refresh/"},
		},
		policy: account.Policy{
			Login: account.Email, FoldLogin: true, Rules: password.DefaultRules(),
			Tokens: account.Tokens{Signing: account.PerUser, Access: 15 * time.Minute, Refresh: 7 * day, Renewable: true},
		},
	},
	"djoser1": {
		prefix: "/api/", claims: "own", noun: "user", build: buildClassic,
		places: []place{
			{op: "root"},
			{op: "user-create"},
			{op: "user"},
			{op: "user-delete"},
			{op: "jwt-create"},
			{op: "jwt-refresh"},
			{op: "jwt-verify"},
		},
		policy: account.Policy{
			Login: account.Email, FoldLogin: true, Rules: password.DefaultRules(),
			Tokens: account.Tokens{Signing: account.Shared, Access: 5 * time.Minute, Refresh: 7 * day, Renewable: true},
		},
	},
	"simplejwt": {
		prefix: "/api/", claims: "simplejwt", noun: "user", mounted: true, build: buildSimple,
		policy: account.Policy{
			Login: account.Email, FoldLogin: true, Rules: password.DefaultRules(),
			Tokens: simpleTokens,
		},
	},
	"v1": {
		prefix: "/v1/", claims: "native", noun: "user", mounted: true, build: buildNative,
		policy: account.Policy{
			Login: account.Email, FoldLogin: true, Rules: password.DefaultRules(), StampLogin: true,
			Tokens: account.Tokens{
				Signing: account.Published, Access: 5 * time.Minute, Rotating: true,
				Refresh: 90 * day, Idle: 14 * day, Grace: 10 * time.Second,
			},
		},
	},
}

// simpleTokens are SimpleJWT's tokens without settings.
var simpleTokens = account.Tokens{
	Signing: account.Shared, Access: 5 * time.Minute, Refresh: day, Grace: 10 * time.Second,
	Typed: &account.Typed{
		Issue: account.KindAccess, Accept: []account.Kind{account.KindAccess}, ReuseEnds: true,
		Sliding: 5 * time.Minute, SlidingRefresh: day,
	},
}

const day = 24 * time.Hour

// Presets names every preset, in order.
func Presets() []string { return slices.Sorted(maps.Keys(presets)) }

// mountPlan is what one mount will be.
type mountPlan struct {
	name   string
	preset preset
	prefix string
	policy account.Policy
	claims string
	// declared are the claims of declared fields, which come after those.
	declared []account.Claim
	noun     string
	header   string            // the word before the token in the Authorization header
	paths    map[string]string // by route name; "" leaves a route out
	modern   bool
	jwt      django.SimpleJWT // of mounts whose tokens are typed
	sample   bool             // with the view that transcripts try their tokens on
	// noStore keeps answers out of caches. The recorded contracts do not say so.
	noStore bool
}

// claimsOf are the claims of a payload by its name.
func (m *mountPlan) claimsOf() ([]account.Claim, error) {
	switch m.claims {
	case "simplejwt":
		return m.simpleClaims(), nil
	case "own":
		return drfjwt.OwnClaims(m.policy.Tokens.Renewable), nil
	case "level":
		return drfjwt.LevelClaims(m.policy.Tokens.Renewable), nil
	case "native":
		return native.Claims(), nil
	}
	return nil, fmt.Errorf("mount %s: no payload is called %q", m.name, m.claims)
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
				return web.Mount{}, fmt.Errorf("[mounts.%s] tokens have a claim %q of their own\n  the declared field of that name asks for one too\n"+
					"  try: claim = false in [user.fields.%s]", m.name, c.Name, c.Name)
			}
		}
		m.policy.Tokens.Claims = append(m.policy.Tokens.Claims, c)
	}
	mount := m.preset.build(m, accounts, log)
	mount.Routes, err = m.place(mount.Routes)
	return mount, err
}

func buildClassic(m *mountPlan, accounts *account.Service, log *slog.Logger) web.Mount {
	auth := drfjwt.NewAuth(accounts, &m.policy, m.header)
	site := drf.New(drf.Options{
		Authenticators: []web.Authenticator{auth}, Modern: m.modern, NoStore: m.noStore,
		Fault: func(w http.ResponseWriter, r *http.Request, err error) { web.Fault(log, w, r, err) },
	})
	mount := web.Mount{Name: m.name, Prefix: m.prefix, Dialect: site}
	mount.Routes = append(djoser.NewClassic(accounts, &m.policy, m.noun).Routes(), drfjwt.New(accounts, &m.policy).Routes()...)
	return mount
}

func buildNative(m *mountPlan, accounts *account.Service, log *slog.Logger) web.Mount {
	api := native.New(accounts, &m.policy, log)
	return web.Mount{Name: m.name, Prefix: m.prefix, Dialect: api, Routes: api.Routes()}
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
	names := map[string]bool{}
	var placed []web.Route
	for _, p := range places {
		if p.name == "" {
			p.name = p.op
		}
		names[p.name] = true
		path, moved := m.paths[p.name]
		if moved && path == "" {
			continue
		}
		for _, r := range routes {
			if r.Op == p.op {
				placed = append(placed, p.apply(r, path))
			}
		}
	}
	for name := range m.paths {
		if !names[name] {
			return nil, fmt.Errorf("[mounts.%s] paths names the route %q, which is not there\n  there are: %s\n  try: one of them",
				m.name, name, strings.Join(slices.Sorted(maps.Keys(names)), ", "))
		}
	}
	return placed, nil
}

func (p place) apply(r web.Route, path string) web.Route {
	r.Op = p.name
	if p.path != "" {
		r.Path = p.path
	}
	if path != "" {
		r.Path = path
	}
	if p.title != "" {
		r.View = p.title
	}
	return r
}
