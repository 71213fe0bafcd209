package account

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"doorward/internal/token"
)

// grant makes the tokens of a session that was just opened, or rotated.
func (s *Service) grant(p *Policy, u *User, ses *Session) (Grant, error) {
	if p.Tokens.Typed != nil {
		return s.grantTyped(p, u, ses, nil)
	}
	if ses.Mark != 0 {
		return s.grantUntil(p, u, ses, p.Tokens.firstExpiry(ses.Mark))
	}
	return s.grantUntil(p, u, ses, s.now().Add(p.Tokens.Access))
}

// firstExpiry is when the first token of a marked session expires.
func (t *Tokens) firstExpiry(mark int64) time.Time {
	if t.Renewable {
		return time.Unix(mark, 0).Add(t.Access)
	}
	return time.Unix(mark, 0)
}

func (s *Service) grantUntil(p *Policy, u *User, ses *Session, expires time.Time) (Grant, error) {
	key, err := s.signingKey(p, u)
	if err != nil {
		return Grant{}, err
	}
	if expires.After(ses.Expires) { // a token never outlives the row that can end it
		expires = ses.Expires
	}
	sign := token.Sign
	if p.Tokens.Signing == Published {
		sign = token.SignWithID
	}
	access, err := sign(key, s.claims(p, u, ses, expires)...)
	if err != nil {
		return Grant{}, fmt.Errorf("sign a token for user %d: %w", u.ID, err)
	}
	g := Grant{User: *u, Session: *ses, Access: access, Expires: expires}
	if p.Tokens.Rotating {
		g.Refresh = s.refresh.Mint(ses.ID, ses.Generation)
	}
	return g, nil
}

func (s *Service) claims(p *Policy, u *User, ses *Session, expires time.Time) []token.Claim {
	now := s.now()
	claims := make([]token.Claim, 0, len(p.Tokens.Claims))
	for _, c := range p.Tokens.Claims {
		var v any
		switch c.Source {
		case FromUserID:
			v = u.ID
		case FromLogin:
			v = u.LoginName(p.Login)
		case FromEmail:
			v = u.Email
		case FromExpiry:
			v = expires.Unix()
		case FromIssued:
			v = now.Unix()
		case FromIssuedMilli:
			v = now.UnixMilli()
		case FromFirstIssued:
			v = ses.Mark
		case FromLevel:
			v = nil
		case FromSession:
			v = formatSessionID(ses.ID)
		case FromEpoch:
			v = int64(ses.Epoch)
		case FromTokenID:
			v = s.ids.Mint()
		case FromField:
			v = s.fieldClaim(u, c.Field)
		case FromSetting:
			v = c.Value
		}
		claims = append(claims, token.Claim{Name: c.Name, Value: v})
	}
	return claims
}

// formatSessionID writes a session id as 16 hex digits: more bits than a JavaScript number holds.
func formatSessionID(id int64) string { return fmt.Sprintf("%016x", id) }

func parseSessionID(text string) (int64, bool) {
	if len(text) != 16 {
		return 0, false
	}
	id, err := strconv.ParseInt(text, 16, 64)
	return id, err == nil && id > 0 && formatSessionID(id) == text
}

// signingKey is the key that makes a user's tokens in a mount.
func (s *Service) signingKey(p *Policy, u *User) (*token.Key, error) {
	if p.Tokens.Keys != nil {
		return p.Tokens.Keys[0], nil
	}
	switch p.Tokens.Signing {
	case PerUser:
		if key := s.userKey(u); key != nil {
			return key, nil
		}
	case Shared:
		if len(s.shared) > 0 {
			return s.shared[0], nil
		}
	case Published:
		if set := s.keys.Load(); set != nil && set.Active() != nil {
			return set.Active(), nil
		}
	}
	return nil, fmt.Errorf("mount %s has no key to sign with for user %d", p.Mount, u.ID)
}

// userKey is the key of one user's tokens. In a table of Django's shape it is the column itself
// as str(uuid), as Django signs; in our own table the column alone signs nothing. It is nil where
// a table of Django's shape holds no secret: everybody could make such a key.
func (s *Service) userKey(u *User) *token.Key {
	if s.store.Model().Django {
		if u.JWTSecret == ([16]byte{}) {
			return nil
		}
		return token.HMACKey(token.HS256, "", []byte(formatUUID(u.JWTSecret)))
	}
	return token.HMACKey(token.HS256, "", s.root.UserKey(u.ID, u.JWTSecret).Bytes())
}

func formatUUID(id [16]byte) string {
	x := hex.EncodeToString(id[:])
	return x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
}
