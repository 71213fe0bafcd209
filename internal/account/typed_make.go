package account

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"doorward/internal/token"
)

// maxCopied bounds what a token takes over from the one of another program that it was made for,
// in bytes of JSON.
const maxCopied = 1024

// grantTyped makes the tokens of a session: those of a sign-in, or what a refresh token is
// exchanged for. u is nil where a token of another program names nobody.
func (s *Service) grantTyped(p *Policy, u *User, ses *Session, old *typedToken) (Grant, error) {
	t, d := &p.Tokens, p.Tokens.Typed
	now := s.now()
	g := Grant{Session: *ses}
	if u != nil {
		g.User = *u
	}
	m := minting{p: p, user: u, session: ses, old: old}
	var err error
	if d.Issue == KindSliding {
		g.Expires = now.Add(d.Sliding)
		if g.Access, err = s.mint(&m, KindSliding, now, g.Expires); err != nil {
			return Grant{}, err
		}
		return g, nil
	}
	g.Expires = now.Add(t.Access)
	if g.Expires.After(ses.Expires) { // a token never outlives the row that can end it
		g.Expires = ses.Expires
	}
	if g.Access, err = s.mint(&m, KindAccess, now, g.Expires); err != nil {
		return Grant{}, err
	}
	if old != nil && d.Rotation == NoRotation {
		return g, nil
	}
	// Made for the time of the rotation, so that a lost answer can be given again.
	g.RefreshExpires = ses.Rotated.Add(t.Refresh)
	if g.Refresh, err = s.mint(&m, KindRefresh, ses.Rotated, g.RefreshExpires); err != nil {
		return Grant{}, err
	}
	return g, nil
}

// minting is what the tokens of one answer have in common.
type minting struct {
	p       *Policy
	user    *User // nil: nobody is named
	session *Session
	old     *typedToken // that they are given for; nil: a password
}

func (s *Service) mint(m *minting, kind Kind, issued, expires time.Time) (string, error) {
	claims, err := s.typedClaims(m, kind, issued, expires)
	if err != nil {
		return "", err
	}
	return s.signTyped(m.p, m.user, claims)
}

func (s *Service) signTyped(p *Policy, u *User, claims []token.Claim) (string, error) {
	key, err := s.signingKey(p, u)
	if err != nil {
		return "", err
	}
	sign := token.Sign
	if p.Tokens.Signing == Published && p.Tokens.Keys == nil {
		sign = token.SignWithID
	}
	text, err := sign(key, claims...)
	if err != nil {
		return "", fmt.Errorf("sign a token of mount %s: %w", p.Mount, err)
	}
	return text, nil
}

func (s *Service) typedClaims(m *minting, kind Kind, issued, expires time.Time) ([]token.Claim, error) {
	claims := make([]token.Claim, 0, len(m.p.Tokens.Claims)+2)
	var extra []token.Claim
	for _, c := range m.p.Tokens.Claims {
		v, ok := s.typedClaim(m, &c, kind, issued, expires)
		switch {
		case !ok:
		case c.Extra:
			extra = append(extra, token.Claim{Name: c.Name, Value: v})
		default:
			claims = append(claims, token.Claim{Name: c.Name, Value: v})
		}
	}
	if len(extra) > 0 {
		added, err := bounded(extra, m.p.Tokens.Typed.Deflate)
		if err != nil {
			return nil, err
		}
		claims = append(claims, added...)
	}
	if m.old == nil || !m.p.Tokens.Foreign {
		return claims, nil
	}
	return m.p.Tokens.copied(claims, m.old.claims)
}

// typedClaim is the value of one claim, and whether the token has it.
func (s *Service) typedClaim(m *minting, c *Claim, kind Kind, issued, expires time.Time) (any, bool) {
	switch c.Source {
	case FromKind:
		return string(kind), true
	case FromExpiry:
		return expires.Unix(), true
	case FromRefreshExpiry:
		return m.session.Created.Add(m.p.Tokens.Typed.SlidingRefresh).Unix(), kind == KindSliding
	case FromIssued:
		return issued.Unix(), true
	case FromTokenID:
		return s.tokenID(m, kind), true
	case FromSetting:
		return c.Value, true
	}
	if m.user == nil {
		return nil, false
	}
	switch c.Source {
	case FromUserID:
		return m.p.ownerClaim(m.user), true
	case FromPasswordDigest:
		return m.digest(c.Name)
	case FromField:
		return s.fieldClaim(m.user, c.Field), true
	case FromGroups, FromPermissions:
		return m.user.Claimed.claim(c.Source), kind != KindRefresh
	}
	return nil, false
}

// ownerClaim is what a token names u by.
func (p *Policy) ownerClaim(u *User) any {
	switch d := p.Tokens.Typed; {
	case d.Owner != "":
		return u.text(d.Owner)
	case d.TextID:
		return strconv.FormatInt(u.ID, 10)
	}
	return u.ID
}

// digest tells the password of the sign-in, however old: a refresh doesn't prove it anew.
func (m *minting) digest(claim string) (any, bool) {
	if m.old == nil {
		return passwordDigest(m.user), true
	}
	digest, state := m.old.claims.Text(claim)
	return digest, state == token.Present
}

// claim is a field of u as a token says it.
func (u *User) claim(f Field) any {
	switch f {
	case ID:
		return u.ID
	case IsActive:
		return u.IsActive
	case IsStaff:
		return u.IsStaff
	case IsSuperuser:
		return u.IsSuperuser
	}
	return u.text(f)
}

// tokenID seals the session of a token. There is one refresh token a generation.
func (s *Service) tokenID(m *minting, kind Kind) string {
	if m.session.ID == 0 {
		return hex.EncodeToString(token.NewSecret().Bytes()[:16])
	}
	sealed := token.Sealed{
		Session: m.session.ID, Epoch: uint16(m.session.Epoch), Generation: uint16(m.session.Generation),
	}
	for number, k := range kinds {
		if k == kind {
			sealed.Kind = uint8(number)
		}
	}
	if kind != KindRefresh {
		sealed.Salt = uint16(s.salt.Add(1))
	}
	return s.sealer.Seal(sealed)
}

// copied adds what old says beyond our claims: SimpleJWT keeps it.
func (t *Tokens) copied(claims []token.Claim, old token.Claims) ([]token.Claim, error) {
	size := 0
	for _, name := range old.Names() {
		if t.makes(name) {
			continue
		}
		raw, _ := old.Raw(name)
		if size += len(name) + len(raw); size > maxCopied {
			return nil, fail(TokenClaims)
		}
		claims = append(claims, token.Claim{Name: name, Value: json.RawMessage(raw)})
	}
	return claims, nil
}

func (t *Tokens) makes(name string) bool {
	for _, c := range t.Claims {
		if c.Name == name {
			return true
		}
	}
	return false
}
