package server

import (
	"log/slog"
	"net/http"

	"doorward/internal/account"
	"doorward/internal/token"
	"doorward/internal/web"
	"doorward/internal/web/drf"
	"doorward/internal/web/simplejwt"
)

// simpleClaims are the claims of a mount of SimpleJWT's.
func (m *mountPlan) simpleClaims() []account.Claim {
	j := &m.jwt
	return simplejwt.Claims(simplejwt.Names{
		Kind: j.Kind, ID: j.ID, Owner: j.Owner, RefreshExpiry: j.RefreshExpiry, Revoke: j.Revoke,
		Audience: j.Audience, Issuer: m.policy.Tokens.Typed.Validity.Issuer, Extra: j.Extra,
	})
}

func (m *mountPlan) simpleOptions() simplejwt.Options {
	return simplejwt.Options{Types: m.jwt.Types, Header: m.jwt.Header, Modern: m.modern}
}

// setShared lets the secret key sign with another algorithm than HS256, which the service has
// keys for itself.
func (m *mountPlan) setShared(secret token.Secret, fallbacks []token.Secret) {
	d := m.policy.Tokens.Typed
	if d == nil || d.Keys != nil || m.policy.Tokens.Signing != account.Shared || m.jwt.Alg == token.HS256 {
		return
	}
	for _, s := range append([]token.Secret{secret}, fallbacks...) {
		d.Keys = append(d.Keys, token.HMACKey(m.jwt.Alg, "", s.Bytes()))
	}
}

func buildSimple(m *mountPlan, accounts *account.Service, log *slog.Logger) web.Mount {
	auth := simplejwt.NewAuth(accounts, &m.policy, m.simpleOptions())
	site := drf.New(drf.Options{
		Authenticators: []web.Authenticator{auth}, Modern: m.modern, NoStore: m.noStore,
		Fault: func(w http.ResponseWriter, r *http.Request, err error) { web.Fault(log, w, r, err) },
	})
	mount := web.Mount{Name: m.name, Prefix: m.prefix, Dialect: site}
	mount.Routes = simplejwt.New(accounts, &m.policy, m.simpleOptions()).Routes()
	if m.sample {
		mount.Routes = append(mount.Routes, simplejwt.Sample()...)
	}
	return mount
}
