package server

import (
	"bytes"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/textproto"
	"os"
	"slices"
	"strings"
	"time"

	"doorward/internal/account"
	"doorward/internal/config"
	"doorward/internal/django"
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
		Audience: j.Audience, Issuer: m.policy.Tokens.Validity.Issuer, Extra: j.Extra,
	})
}

func (m *mountPlan) simpleOptions() simplejwt.Options {
	return simplejwt.Options{Types: m.jwt.Types, Header: m.jwt.Header, Modern: m.modern}
}

// setShared lets the secret key sign with another algorithm than HS256, which the service has
// keys for itself.
func (m *mountPlan) setShared(secret token.Secret, fallbacks []token.Secret) {
	t := &m.policy.Tokens
	if t.Keys != nil || t.Signing != account.Shared || m.jwt.Alg == token.HS256 {
		return
	}
	for _, s := range append([]token.Secret{secret}, fallbacks...) {
		t.Keys = append(t.Keys, token.HMACKey(m.jwt.Alg, "", s.Bytes()))
	}
}

func buildSimple(m *mountPlan, accounts *account.Service, log *slog.Logger) web.Mount {
	auth := simplejwt.NewAuth(accounts, &m.policy, m.simpleOptions())
	site := drf.New(drf.Options{
		Authenticators: []web.Authenticator{auth}, Modern: m.modern, NoStore: m.noStore, Languages: m.languages, XML: m.xml, Has: accounts.Has,
		Fault: func(w http.ResponseWriter, r *http.Request, err error) { web.Fault(log, w, r, err) },
	})
	mount := web.Mount{Name: m.name, Prefix: m.prefix, Dialect: site}
	mount.Routes = simplejwt.New(accounts, &m.policy, m.simpleOptions()).Routes()
	return mount
}

// simpleFamily has the sessions of every mount whose tokens tell their kind: they are one SimpleJWT,
// as in a Django that has its views at several paths.
const simpleFamily = "simplejwt"

// setSimple takes the settings of tokens that tell their kind.
func (m *mountPlan) setSimple(c *config.Mount, model *account.Model) error {
	t, s := m.policy.Tokens.Typed, &c.Tokens
	if t == nil {
		return m.setPlain(s)
	}
	t.Family = simpleFamily
	if on(s.RotateRefresh) {
		t.Rotation = account.SpendOnce
	}
	if s.StampLogin != nil {
		m.policy.StampLogin = *s.StampLogin
	}
	setSeconds(&t.Sliding, s.SlidingLifetimeSeconds)
	setSeconds(&t.SlidingRefresh, s.SlidingRefreshLifetimeSeconds)
	if s.AcceptKinds != nil {
		t.Accept = nil
		for _, kind := range s.AcceptKinds {
			t.Accept = append(t.Accept, account.Kind(kind))
		}
	}
	m.setParties(s)
	m.setClaims(s)
	if err := m.setOwner(s, model); err != nil {
		return err
	}
	return m.setKeys(s)
}

// setPlain takes what tokens of one kind, drf-jwt's, have of these settings.
func (m *mountPlan) setPlain(s *config.Tokens) error {
	t, other := &m.policy.Tokens, *s
	other.Audience, other.Issuer, other.LeewaySeconds = nil, "", 0
	other.Algorithm, other.SigningKeyFile, other.VerifyingKeyFile = "", "", ""
	if other.Set() || t.Rotating && s.Set() {
		return fmt.Errorf("[mounts.%s] has settings that do not go with this preset\n  its tokens do not tell their kind\n  try: preset = \"simplejwt\"", m.name)
	}
	m.setParties(s)
	if s.Algorithm != "" && t.Signing == account.PerUser {
		return fmt.Errorf("[mounts.%s] algorithm = %q does not go with this preset\n  everybody has a key of his own, of HS256\n  try: signing = \"shared\"", m.name, s.Algorithm)
	}
	return m.setKeys(s)
}

// setParties says for whom tokens are, who makes them, and how far clocks may differ.
func (m *mountPlan) setParties(s *config.Tokens) {
	v := &m.policy.Tokens.Validity
	setSeconds(&v.Leeway, s.LeewaySeconds)
	v.Audience, v.Issuer = s.Audience, s.Issuer
}

func on(v *bool) bool { return v != nil && *v }

func setSeconds(d *time.Duration, seconds int) {
	if seconds != 0 {
		*d = time.Duration(seconds) * time.Second
	}
}

func setText(text *string, other string) {
	if other != "" {
		*text = other
	}
}

// setClaims names the claims and the header.
func (m *mountPlan) setClaims(s *config.Tokens) {
	j := &m.jwt
	if s.HeaderTypes != nil {
		j.Types = s.HeaderTypes
	}
	if s.HeaderName != "" {
		j.Header = textproto.CanonicalMIMEHeaderKey(s.HeaderName)
	}
	setText(&j.Kind, s.KindClaim)
	setText(&j.ID, s.IDClaim)
	setText(&j.Owner, s.UserIDClaim)
	setText(&j.RefreshExpiry, s.SlidingRefreshClaim)
	j.Revoke = s.RevokeClaim
	switch len(s.Audience) {
	case 0:
	case 1:
		j.Audience = s.Audience[0]
	default:
		j.Audience = s.Audience
	}
	m.policy.Tokens.Typed.Deflate = on(s.DeflateClaims)
	for _, name := range slices.Sorted(maps.Keys(s.ExtraClaims)) {
		c := account.Claim{Name: name, Source: account.FromField, Field: account.Field(s.ExtraClaims[name])}
		if text, fixed := strings.CutPrefix(s.ExtraClaims[name], "="); fixed {
			c = account.Claim{Name: name, Source: account.FromSetting, Value: text}
		}
		c.Extra = true
		j.Extra = append(j.Extra, c)
	}
}

// setOwner says what tokens name their user by, which must tell users apart.
func (m *mountPlan) setOwner(s *config.Tokens, model *account.Model) error {
	t := m.policy.Tokens.Typed
	t.TextID = on(s.UserIDText)
	f := account.Field(s.UserIDField)
	if f == "" || f == account.ID {
		return nil
	}
	column, ok := model.Column(f)
	if unique := column.Unique || f == account.Email && model.EmailUnique != account.NotUnique; !ok || !unique || column.Null && f != model.Login {
		return fmt.Errorf("[mounts.%s] user_id_field = %q does not tell users apart\n  not everybody has one of his own\n  try: user_id_field = \"id\"", m.name, f)
	}
	t.Owner = f
	return nil
}

// setKeys reads the keys of a mount that signs with its own.
func (m *mountPlan) setKeys(s *config.Tokens) error {
	if s.Algorithm != "" {
		m.jwt.Alg, _ = token.ParseAlg(s.Algorithm) // the configuration knows the same
	}
	own := s.SigningKeyFile != "" || s.VerifyingKeyFile != "" || m.jwt.Alg > token.HS512
	if own && m.policy.Tokens.Signing == account.Published {
		return fmt.Errorf("[mounts.%s] has keys of its own and signing = \"published\"\n  published keys are made here\n  try: leave signing out", m.name)
	}
	if !own {
		return nil
	}
	signing, err := m.keyText("signing_key_file", s.SigningKeyFile)
	if err != nil {
		return err
	}
	verifying := ""
	if s.VerifyingKeyFile != "" {
		if verifying, err = m.keyText("verifying_key_file", s.VerifyingKeyFile); err != nil {
			return err
		}
	}
	if m.policy.Tokens.Keys, err = django.Keys(m.jwt.Alg, signing, verifying); err != nil {
		return fmt.Errorf("[mounts.%s] the keys do not go with algorithm = %q\n  %w\n  try: openssl genpkey", m.name, m.jwt.Alg, err)
	}
	return nil
}

// minSecret is how long a secret that signs has to be, in bytes.
const minSecret = 32

func (m *mountPlan) keyText(key, file string) (string, error) {
	if file == "" {
		return "", fmt.Errorf("[mounts.%s] algorithm = %q has no key\n  a key pair signs\n  try: %s = \"private.pem\"", m.name, m.jwt.Alg, key)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("[mounts.%s] %s cannot be read\n  %w\n  try: a file that this user may read", m.name, key, err)
	}
	text = bytes.TrimSpace(text)
	if m.jwt.Alg <= token.HS512 && len(text) < minSecret {
		return "", fmt.Errorf("[mounts.%s] %s holds fewer than %d bytes\n  a short secret is guessed\n  try: openssl rand -base64 48", m.name, key, minSecret)
	}
	return string(text), nil
}
